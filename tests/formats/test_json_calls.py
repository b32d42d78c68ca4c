"""What JSON says is what a command gets, or one BadValue that says where; what a record holds is what its JSON says."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain import services_world
from tests.formats.json_data import ANY, calls, resolved, spoilt
from tests.formats.test_schemas import lived

import communitycore as cc
from communitycore import funds, people, places, services, wishes
from communitycore.domain.places import AS_IS
from communitycore.domain.roles import ROLES
from communitycore.formats.json_calls import arguments, decode, to_json
from communitycore.formats.schemas import schemas
from communitycore.kernel.command import Declared
from communitycore.kernel.errors import BadValue, CommunityCoreError, Damaged, Mistake, StoreError
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.record import shape_of
from communitycore.kernel.view import View

ROOMS = (JURISDICTIONS, *cc.built_in_rooms())
TOLD = schemas(ROOMS)
DECLARED: dict[str, Any] = {one.name: one for room in ROOMS for one in (*room.commands, *room.reads)}
SCHEMAS = {
    name: jsonschema.Draft202012Validator({**told["arguments"], "$defs": TOLD["$defs"]})
    for name, told in (TOLD["commands"] | TOLD["reads"]).items()
}
AREA = cc.Area.box(117.0, 36.9, 117.1, 37.0)


def test_the_arguments_of_every_command_and_read_are_read_from_json() -> None:
    assert set(DECLARED) == set(SCHEMAS)
    for declared in DECLARED.values():
        try:
            arguments(declared, {})
        except BadValue as error:
            assert error.field in declared.parameters


def test_a_call_is_read_as_its_types_say() -> None:
    assert arguments(
        places.open_venue,
        {
            "name": "活动室",
            "kind": "activity_room",
            "point": "[117.05,36.95]",
            "hours": [{"weekday": 1, "opens": "08:30", "closes": "24:00"}],
            "closed_days": ["2024-10-01"],
            "seats": 40.0,
            "grid": None,
        },
    ) == {
        "name": "活动室",
        "kind": places.VenueKind.ACTIVITY_ROOM,
        "point": cc.Point(117.05, 36.95),
        "hours": (places.OpeningHours(1, "08:30", "24:00"),),
        "closed_days": (date(2024, 10, 1),),
        "seats": 40,
        "grid": None,
    }
    sums = arguments(funds.transfer, {"decision_id": "d", "amount": [1250, "CNY"], "text": "x"})
    assert sums["amount"] == cc.Money.of("12.50")
    absent = arguments(people.set_absent, {"tenure_id": "t", "until": "2024-06-04T14:30:00+08:00"})
    assert absent["until"] == datetime(2024, 6, 4, 6, 30, tzinfo=UTC)
    assert absent["until"].tzinfo is UTC
    assert arguments(people.audit_officers, {"soon": 3600}) == {"soon": timedelta(hours=1)}
    assert arguments(places.add_dwelling, {"area_m2": "88.50", **DWELLING})["area_m2"] == Decimal("88.50")
    shares = arguments(funds.agree, {**AGREED, "shares": [{"to": "a", "ratio": "0.6"}, {"to": "b"}]})["shares"]
    assert shares == (cc.ratio("a", "0.6"), cc.rest("b"))


DWELLING = {"building": "12", "room": "501"}
AGREED = {"ledger_id": "x", "name": "瑜伽", "agreement": "2024-01"}


def test_what_is_left_out_stays_as_it_is_and_null_clears() -> None:
    assert arguments(places.change_venue, {"venue_id": "v"}) == {"venue_id": "v"}
    assert arguments(places.change_venue, {"venue_id": "v", "phone": None})["phone"] is None
    with pytest.raises(BadValue, match="name: text is wanted, and null was given"):
        arguments(places.change_venue, {"venue_id": "v", "name": None})
    for name in (AS_IS.value, AS_IS.name):
        with pytest.raises(BadValue):
            arguments(places.change_venue, {"venue_id": "v", "kind": name})


WISH = {"campaign_id": "c", "child": "p", "about": {}, "text": {"title": "书", "kind": "books"}}
BOOK = {"session_id": "s", "party": "p"}
WRONG: list[tuple[Any, Any, str, str]] = [
    (wishes.draft, [], "arguments", "an object is wanted, and a list was given"),
    (wishes.draft, {}, "campaign_id", "this argument is missing; give it"),
    (wishes.draft, {**WISH, "childs": 1}, "childs", "there is no such argument; perhaps child is meant"),
    (wishes.draft, {**WISH, "zzzz": 1}, "zzzz", "there are campaign_id, child, about, text"),
    (wishes.draft, {**WISH, "text": {"title": "书", "kinds": ""}}, "text.kinds", "perhaps kind is meant"),
    (wishes.draft, {**WISH, "text": {"title": "书"}}, "text.kind", "this part is missing"),
    (wishes.draft, {**WISH, "text": {"title": 5, "kind": "x"}}, "text.title", "text is wanted, and a whole number was"),
    (wishes.draft, {**WISH, "text": {"title": "x" * 999, "kind": "x"}}, "text.title", "999 characters; at most"),
    (wishes.draft, {**WISH, "text": []}, "text", "an object is wanted"),
    (wishes.draft, {**WISH, "child": "a/b"}, "child", "it is not an id"),
    (wishes.draft, {**WISH, "child": "x" * 37}, "child", "it is not an id"),
    (wishes.publish, {"campaign_id": "c", "drafts": ["a", "b", 3]}, "drafts[2]", "an id is wanted, and a whole number"),
    (wishes.publish, {"campaign_id": "c", "drafts": "abc"}, "drafts", "a list is wanted, and text was given"),
    (services.book, {**BOOK, "size": True}, "size", "a whole number is wanted, and true or false was given"),
    (services.book, {**BOOK, "size": "2"}, "size", "a whole number is wanted, and text was given"),
    (services.book, {**BOOK, "size": 1.5}, "size", "a whole number is wanted, and a number was given"),
    (services.book, {**BOOK, "size": 1e300}, "size", "a whole number is wanted"),
    (services.book, {**BOOK, "size": float("inf")}, "size", "a whole number is wanted"),
    (services.book, {**BOOK, "size": 2**63}, "size", "more than 64 bits"),
    (services.book, {**BOOK, "wait": 1}, "wait", "true or false is wanted"),
    (services.book, {**BOOK, "names": ["王", "\0"]}, "names[1]", "NUL"),
    (services.book, {**BOOK, "names": ["\ud83d"]}, "names[0]", "surrogate"),
    (services.book, {**BOOK, "names": ["x" * 10_001]}, "names[0]", "10001 characters"),
    (places.audit, {"sliver_m2": float("nan")}, "sliver_m2", "finite"),
    (places.audit, {"sliver_m2": 10**400}, "sliver_m2", "finite"),
    (places.audit, {"sliver_m2": False}, "sliver_m2", "a number is wanted"),
    (people.set_absent, {"tenure_id": "t", "until": "2024-06-04T14:30:00"}, "until", "a time with its zone"),
    (people.set_absent, {"tenure_id": "t", "until": "2024-06-04"}, "until", "a time with its zone"),
    (people.set_absent, {"tenure_id": "t", "until": "2024-02-30T14:30:00Z"}, "until", "no calendar"),
    (people.set_absent, {"tenure_id": "t", "until": "0001-01-01T00:00:00+14:00"}, "until", "out of range"),
    (people.set_absent, {"tenure_id": "t", "until": 1717482600}, "until", "a time with its zone"),
    (people.audit_officers, {"soon": 10**15}, "soon", "more seconds than"),
    (services.agenda, {"since": "20240604"}, "since", "a day such as"),
    (services.agenda, {"since": "2024-W23-2"}, "since", "a day such as"),
    (services.agenda, {"since": "2024-06-04\n"}, "since", "a day such as"),
    (services.agenda, {"since": "2023-02-29"}, "since", "no calendar"),
    (places.add_dwelling, {**DWELLING, "area_m2": 88.5}, "area_m2", "as text, such as 12.5 is wanted, and a number"),
    (places.add_dwelling, {**DWELLING, "area_m2": "NaN"}, "area_m2", "a decimal number as text"),
    (places.add_dwelling, {**DWELLING, "area_m2": "１"}, "area_m2", "a decimal number as text"),
    (places.add_dwelling, {**DWELLING, "area_m2": "1" * 61}, "area_m2", "61 characters"),
    (places.add_dwelling, {**DWELLING, "area_m2": "1e99999999999999999999"}, "area_m2", "refused"),
    (places.add_dwelling, {**DWELLING, "point": "[181,0]"}, "point", "longitude 181"),
    (places.add_dwelling, {**DWELLING, "point": [117, 36]}, "point", "text is wanted, and a list was given"),
    (places.draw_grid, {"name": "x", "area": "{"}, "area", "not JSON"),
    (places.draw_grid, {"name": "x", "area": AREA.to_text(), "kind": "Basic"}, "kind", "none of basic, dedicated"),
    (places.draw_grid, {"name": "x", "area": AREA.to_text(), "kind": 1}, "kind", "a word is wanted"),
    (funds.transfer, {"decision_id": "d", "amount": 12}, "amount", "[minor units, currency]"),
    (funds.transfer, {"decision_id": "d", "amount": [12]}, "amount", "[minor units, currency]"),
    (funds.transfer, {"decision_id": "d", "amount": [12.5, "CNY"]}, "amount[0]", "a whole number is wanted"),
    (funds.transfer, {"decision_id": "d", "amount": [True, "CNY"]}, "amount[0]", "a whole number is wanted"),
    (funds.transfer, {"decision_id": "d", "amount": [12, "cny"]}, "amount[1]", "a currency such as CNY"),
    (give, {"holder": "nobody", "role": {}}, "holder", "jurisdiction/id"),
    (give, {"holder": "a/b", "role": {"name": "x"}}, "role.zh", "missing"),
    (
        places.open_venue,
        {"name": "x", "kind": "clinic", "point": "[1,2]", "hours": [{"weekday": 8, "opens": "x", "closes": "y"}]},
        "hours[0].weekday",
        "no weekday",
    ),
    (
        places.open_venue,
        {
            "name": "x",
            "kind": "clinic",
            "point": "[1,2]",
            "hours": [{"weekday": 1, "opens": "09:00", "closes": "08:00"}],
        },
        "hours[0]",
        "is not before",
    ),
]


@pytest.mark.parametrize(("declared", "data", "field", "why"), WRONG, ids=lambda value: str(value)[:30])
def test_what_is_wrong_is_told_with_its_place_in_both_languages(declared: Any, data: Any, field: str, why: str) -> None:
    with pytest.raises(BadValue) as caught:
        arguments(declared, data)
    assert caught.value.field == field
    assert why in caught.value.say()
    assert caught.value.why.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in caught.value.why_zh)


def test_what_was_given_is_not_repeated() -> None:
    secret = "13805317788"
    for about in ({"phone": [secret]}, {"phone": secret * 999}, {"phone": f"{secret}\0"}):
        with pytest.raises(BadValue) as caught:
            arguments(wishes.draft, {**WISH, "about": about})
        assert secret not in caught.value.say() + caught.value.say("zh") + repr(caught.value.data)


@given(st.sampled_from(sorted(DECLARED)), st.data())
def test_what_the_schema_admits_is_read(name: str, data: st.DataObject) -> None:
    given = resolved(data.draw(calls(DECLARED[name])), {})
    SCHEMAS[name].validate(given)
    assert arguments(DECLARED[name], given).keys() == given.keys()


@given(st.sampled_from(sorted(DECLARED)), st.data())
@settings(max_examples=settings().max_examples * 5)
def test_what_is_read_the_schema_admits_and_all_else_is_one_bad_value(name: str, data: st.DataObject) -> None:
    given = resolved(data.draw(spoilt(DECLARED[name]) | ANY), {})
    try:
        arguments(DECLARED[name], given)
    except BadValue as error:
        error.say().encode()
        error.say("zh").encode()
        json.dumps(dict(error.data), ensure_ascii=False).encode()
    else:
        SCHEMAS[name].validate(given)


class Town:
    """A world with records of most kinds, and one who has every role."""

    def __init__(self) -> None:
        world = services_world.world()
        services_world.fund(world)
        world.series()
        self.clock, self.desk = world.clock, world.admin
        for role in ROLES:
            self.desk.do(give, holder=self.desk.actor, role=role)
        self.ids: dict[Any, list[str]] = defaultdict(list)
        for shape in world.hub.catalogue.shapes.values():
            for record in self.desk.find(shape.cls, limit=12):
                self.learn(record)

    def learn(self, record: Any) -> None:
        for type, id in ((shape_of(record).id_type, record.id), (cc.Ref, f"{self.desk.jurisdiction}/{record.id}")):
            self.ids[type] = [id, *self.ids[type][:11]]

    def call(self, declared: Declared, data: Any) -> Any:
        given = arguments(declared, resolved(data, self.ids))  # type: ignore[arg-type]
        act: Any = self.desk.do if isinstance(declared, cc.Command) else self.desk.ask
        return act(declared, **given)


@given(
    st.lists(
        st.sampled_from(sorted(DECLARED)).flatmap(
            lambda n: st.tuples(st.just(n), calls(DECLARED[n]) | spoilt(DECLARED[n]))
        ),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_json_says_a_call_meets_nothing_but_errors_of_ours(said: list[tuple[str, Any]]) -> None:
    town = Town()
    for name, data in said:
        try:
            answer = town.call(DECLARED[name], data)
        except (Mistake, StoreError, Damaged):
            raise
        except CommunityCoreError as error:
            assert error.say("zh")
            continue
        for record in answer if isinstance(answer, tuple) else (answer,):
            if isinstance(record, cc.Record):
                town.learn(record)
                valid(TOLD["records"][shape_of(type(record)).kind], to_json(record))
        if name in TOLD["reads"]:
            valid(TOLD["reads"][name]["answer"], to_json(answer))
        town.clock.advance(timedelta(minutes=20))
    assert town.desk.hub.verify().ok


def valid(schema: Mapping[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator({**schema, "$defs": TOLD["$defs"]}).validate(value)


def test_every_record_is_written_as_its_schema_says_and_nothing_of_it_is_lost() -> None:
    records = list(lived())
    for record in records:
        shape, data = shape_of(type(record)), to_json(record)
        valid(TOLD["records"][shape.kind], data)
        lost = {f.name for f in shape.fields} - data.keys()
        assert all(getattr(record, name) is None for name in lost)
    assert to_json(tuple(records[:2])) == [to_json(record) for record in records[:2]]
    assert to_json(None) is None


def test_what_reads_answer_is_written_as_their_schema_says() -> None:
    town = Town()
    (ledger,) = town.desk.find(funds.Ledger)
    (venue, *_) = town.desk.find(places.Venue)
    (grid,) = town.desk.find(places.Grid)
    asked: list[tuple[Any, dict[str, Any]]] = [
        (funds.statement, {"ledger_id": ledger.id}),
        (services.agenda, {"venue": venue.id, "since": "2024-06-01", "until": "2024-07-01"}),
        (services.coverage, {"since": "2024-06-01", "until": "2024-07-01"}),
        (places.public_notice, {"grid_id": grid.id}),
        (places.audit, {}),
        (people.audit_officers, {}),
        (places.locate, {"point": "[117.01,36.98]"}),
    ]
    for read, data in asked:
        answer = to_json(town.desk.ask(read, **arguments(read, data)))
        valid(TOLD["reads"][read.name]["answer"], answer)
        assert answer, read


def test_what_no_json_stands_for_is_a_mistake() -> None:
    for value in (complex(1, 2), float("nan"), {1, 2}, object()):
        with pytest.raises(Mistake, match="no JSON stands for"):
            to_json(value)

    @cc.command("odd.do", may=cc.PUBLIC)
    def odd(view: View, *, what: complex) -> cc.Change[None]:
        return cc.unchanged(None)

    with pytest.raises(Mistake, match=r"odd\.do\.what"):
        arguments(odd, {"what": 1})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "NaN",
        '{"a": Infinity}',
        "[" * 100_000,
        "1" * 5_000,
        b"\xff\xfe\xff",
        b"\x80",
        "nil",
        "{'a': 1}",
        "{}{}",
    ],
    ids=lambda body: repr(body)[:12],
)
def test_what_is_no_json_is_refused_as_ours(body: str | bytes) -> None:
    with pytest.raises(BadValue) as caught:
        decode(body)
    assert caught.value.field == "body"


def test_a_body_is_utf_8_and_a_deep_one_is_refused_as_ours() -> None:
    assert decode('{"name": "第一网格"}'.encode()) == {"name": "第一网格"}
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(BadValue):
        arguments(wishes.publish, {"campaign_id": "c", "drafts": deep})
