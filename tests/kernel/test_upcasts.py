"""Forms of a kind: what a declaration may say of earlier ones, and what rows of them read, hash and step as."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import new_class
from typing import Annotated, Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.forms_room import FORMS, TO_2, TO_3, Card1, Card2, Card3, CardId, upcast

from communitycore import Money, Ref, frozen, removed, renamed
from communitycore.kernel.change import step
from communitycore.kernel.errors import Damaged, Mistake, TooNew
from communitycore.kernel.journal import state_digest
from communitycore.kernel.record import Indexed, Max, Personal, Record, record, shape_of
from communitycore.kernel.rules import PUBLIC
from communitycore.kernel.shape import Row, Shape, personal_mac

SALT = "5" * 64
NOW = datetime(2024, 6, 4, tzinfo=UTC)
ONE, TWO, THREE = (shape_of(card) for card in FORMS)

words = st.text("甲乙ab ", max_size=6)
common: dict[str, Any] = {
    "holder": st.none() | st.builds(Ref, st.just("j"), st.sampled_from("pq")),
    "level": st.integers(-1, 3),
    "fee": st.none() | st.builds(Money, st.integers(0, 9), st.just("CNY")),
    "remark": words,
    "secret": st.none() | words,
    "opened": st.just(NOW),
    "full": words,
}
first = st.fixed_dictionaries(
    {**common, "who": words, "phone": st.none() | words, "colour": st.none() | words, "code": st.none() | words}
)
second = st.fixed_dictionaries(
    {**common, "name": words, "telephone": st.none() | words, "label": st.none() | words, "rank": st.integers(0, 9)}
)


def refitted(was: Shape, now: Shape, row: Row) -> Row:
    """As a store keeps it: a column is known by its name."""
    held = dict(zip((c.name for c in was.columns), row, strict=True))
    return tuple(held.get(c.name) for c in now.columns)


def values_of(card: Any) -> dict[str, Any]:
    return {name: getattr(card, name) for name in card.__shape__.by_name}


@given(st.tuples(st.just(1), first) | st.tuples(st.just(2), second))
def test_a_row_of_an_older_number_reads_as_its_upcast_and_keeps_its_digest(form: tuple[int, dict[str, Any]]) -> None:
    number, values = form
    was = (ONE, TWO)[number - 1]
    row = was.to_row(FORMS[number - 1](id="c", **values), 1, SALT)
    grown = refitted(was, THREE, row)
    assert THREE.text(grown) == was.text(row)
    assert state_digest(THREE, grown, THREE.text(grown)) == state_digest(was, row, was.text(row))
    read = THREE.read_row(grown)
    assert values_of(read) == upcast(values, number)
    assert read.__row__ == grown, "what it was read from is what the store has"
    assert THREE.read_row(THREE.current(grown)) == read
    assert THREE.current(THREE.current(grown)) == THREE.current(grown)


@given(
    st.tuples(st.just(1), first) | st.tuples(st.just(2), second), st.sampled_from(["name", "remark", "given"]), words
)
def test_its_next_step_tells_what_went_where_and_leaves_a_row_of_today(
    form: tuple[int, dict[str, Any]], field: str, said: str
) -> None:
    number, values = form
    was = (ONE, TWO)[number - 1]
    old = refitted(was, THREE, was.to_row(FORMS[number - 1](id="c", **values), 1, SALT))
    read = THREE.read_row(old)
    after = evolve(read, **{field: said})
    [moved] = step("card.changed", read, after).steps
    assert moved.row is not None
    new = (*moved.row[:3], SALT, *moved.row[4:])
    assert new == THREE.to_row(after, 2, SALT), "nothing of an older form is left in it"
    assert THREE.read_row(new) == evolve(after, version=2)
    # Played from the first step on, field by field, the differences give today's row: no checker need know of forms.
    state = json.loads(THREE.text(old))
    told = json.loads(THREE.difference(old, new))
    assert all(state.get(name) == pair[0] for name, pair in told.items())
    played = {**state, **{name: pair[1] for name, pair in told.items()}}
    assert {name: value for name, value in played.items() if value is not None} == json.loads(THREE.text(new))


def test_what_a_step_from_an_older_form_looks_like() -> None:
    old = refitted(ONE, THREE, ONE.to_row(Card1(id="c", who="甲", phone="139", level=1, opened=NOW), 1, SALT))
    read = THREE.read_row(old)
    assert (read.name, read.telephone, read.grade, read.rank, read.region) == ("甲", "139", "middle", 5, "here")
    [moved] = step("card.changed", read, evolve(read, name="乙")).steps
    assert moved.row is not None
    told = json.loads(THREE.difference(old, (*moved.row[:3], SALT, *moved.row[4:])))
    assert told["who"] == ["甲", None]
    assert told["name"] == [None, "乙"]
    assert told["level"] == [1, None]
    assert told["grade"] == [None, "middle"]
    assert told["rank"] == [None, 5]
    assert told["phone"] == [json.loads(personal_mac(SALT, "phone", '"139"')), None]
    assert told["telephone"] == [None, json.loads(personal_mac(SALT, "telephone", '"139"'))]
    assert "remark" not in told
    history = THREE.history
    assert history is not None
    assert history.retold(told, begins=False)["name"] == ["甲", "乙"]
    assert history.retold({"who": "甲", "colour": "red"}, begins=True) == {"name": "甲", "colour": "red"}
    assert history.retold({"code": ["a", "b"]}, begins=False) == {"tag": ["a", "b"]}
    assert "since" not in history.retold(told, begins=False), "it is what it was"


@given(first, st.data())
def test_a_value_in_a_column_that_its_form_did_not_have_changes_the_digest(values: dict[str, Any], data: Any) -> None:
    old = refitted(ONE, THREE, ONE.to_row(Card1(id="c", **values), 1, SALT))
    empty = [n for n, c in enumerate(THREE.columns) if old[n] is None and c.name != "salt"]
    n = data.draw(st.sampled_from(empty))
    value = 1 if THREE.columns[n].type == "int" else "x"
    changed = (*old[:n], value, *old[n + 1 :])
    with suppress(TypeError):  # half of an amount of money is no text at all
        assert THREE.text(changed) != THREE.text(old)


def test_a_form_that_is_not_known_is_refused() -> None:
    row = THREE.to_row(Card3(id="c", since=NOW), 1, SALT)
    with pytest.raises(TooNew) as caught:
        THREE.read_row((*row[:2], 4, *row[3:]))
    assert (caught.value.found, caught.value.known) == (4, 3)
    assert caught.value.say("zh") != caught.value.say("en")
    for number in (0, -1, None, "2"):
        with pytest.raises(Damaged):
            THREE.read_row((*row[:2], number, *row[3:]))
    plain = shape_of(Card1)
    with pytest.raises(TooNew):
        plain.read_row((*plain.to_row(Card1(id="c", opened=NOW), 1, SALT)[:2], 2, SALT, *[None] * len(plain.columns)))


def test_a_value_that_cannot_become_todays_is_damage_and_is_not_told_if_it_is_personal() -> None:
    @record(
        "pad", read=PUBLIC, owner="id", schema=2, upcasters={1: renamed("dial", "number", was=Personal[str], by=int)}
    )
    @frozen(kw_only=True)
    class Pad(Record[CardId]):
        number: Personal[int] = 0

    shape = shape_of(Pad)
    row = ("p", 1, 1, SALT, None, "13800138000x")
    with pytest.raises(Damaged) as caught:
        shape.read_row(row)
    assert "13800138000x" not in str(caught.value)
    assert "dial cannot become number" in str(caught.value)
    assert shape.read_row((*row[:5], "17")).number == 17
    assert shape.read_row((*row[:5], None)).number == 0, "what was None is read as today's default"


def test_past_columns_are_kept_and_searched_like_the_field_that_took_their_place() -> None:
    columns = {c.name: c for c in THREE.columns}
    assert [c.name for c in THREE.columns[: len(THREE.fields)]][:4] == ["id", "version", "schema", "salt"]
    assert {
        "who",
        "phone",
        "code",
        "colour",
        "label",
        "fee_amount",
        "fee_currency",
        "level",
        "secret",
    } <= columns.keys()
    assert columns["who"].indexed
    assert columns["code"].unique
    assert columns["label"].unique
    assert columns["opened"].indexed
    assert not columns["level"].indexed, "its values are others than those searched for"
    assert columns["schema"].indexed
    assert not {c.name: c for c in ONE.columns}["schema"].indexed, "a kind of one form needs no such index"
    assert all(columns[name].nullable for name in ("who", "phone", "opened"))
    with pytest.raises(Mistake, match="no field 'who'"):
        THREE.key_of("who", "甲")


def declared(schema: int, upcasters: Any, owner: str | None = "id", **fields: Any) -> Callable[[], Shape]:
    def declare() -> Shape:
        namespace = {"__annotations__": {"name": str, **fields}, "__module__": __name__}
        cls = frozen(kw_only=True)(new_class("Odd", (Record[CardId],), {}, lambda body: body.update(namespace)))
        return shape_of(record("odd", read=PUBLIC, owner=owner, schema=schema, upcasters=upcasters)(cls))

    return declare


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (declared(0, None), "numbered from 1"),
        (declared(2, None), "from schema 1 to 2"),
        (declared(3, {2: ()}), "from schema 1 to 2"),
        (declared(3, {1: ()}), "from schema 2 to 3"),
        (declared(2, {1: (), 2: ()}), "raise that"),
        (declared(1, {1: renamed("a", "name")}), "raise that"),
        (declared(2, {0: (), 1: ()}), "raise that"),
        (declared(2, {1: renamed("a", "nam")}), "'nam', which is no field of schema 2"),
        (declared(3, {1: renamed("a", "b"), 2: ()}), "'b', which is no field of schema 2"),
        (declared(2, {1: renamed("name", "other")}, other=str), "cannot mean two things"),
        (declared(2, {1: removed("name", str)}), "cannot mean two things"),
        (declared(3, {1: removed("a", str), 2: removed("a", str)}), "cannot mean two things"),
        (declared(3, {1: renamed("a", "b"), 2: (renamed("b", "name"), removed("a", str))}), "cannot mean two things"),
        (declared(2, {1: (renamed("a", "name"), removed("a", str))}), "cannot mean two things"),
        (declared(2, {1: (renamed("a", "name"), renamed("b", "name"))}), "both become 'name'"),
        (declared(2, {1: renamed("a", "name", was=int)}), "say by="),
        (declared(2, {1: removed("a", None)}), "of which type"),
        (declared(2, {1: removed("a", list[str])}), "no store can hold"),
        (declared(2, {1: removed("salt", str)}), "is the store's"),
        (declared(2, {1: removed("version", int)}), "is no field's name"),
        (declared(2, {1: removed("a b", int)}), "is no field's name"),
        (declared(2, {1: removed("Name", str)}), "two columns would be called name"),
        (declared(2, {1: removed("fee_amount", int)}, fee=Money | None), "two columns would be called fee_amount"),
        (declared(2, {1: renamed("a", "name", was=Personal[str])}), "was Personal"),
        (declared(2, {1: removed("a", Personal[str])}, owner=None), "say whose they are"),
        (declared(2, {1: renamed("a", "name", was=str | None)}), "could be None"),
        (
            declared(2, {1: (renamed("a", "name", was=int, by=str), renamed("a", "more", was=str))}, more=str),
            "say the same was= with both",
        ),
    ],
)
def test_upcasters_that_contradict_the_fields_are_a_mistake(declare: Callable[[], Shape], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        declare()


def test_what_an_upcaster_may_say() -> None:
    declared(1, {})()
    declared(2, {1: ()})()
    declared(2, {1: renamed("a", "name", was=Annotated[str, Max(9)])})()
    declared(3, {1: renamed("a", "b"), 2: renamed("b", "name")})()
    declared(3, {1: renamed("a", "b"), 2: removed("b", int)})()
    declared(2, {1: (renamed("a", "name", was=int, by=str), renamed("a", "more", was=int))}, more=int)()
    shape = declared(2, {1: renamed("a", "name", was=Annotated[str, Max(9)])}, name=Indexed[str])()
    assert next(c for c in shape.columns if c.name == "a").max == 9
    longer = declared(2, {1: renamed("a", "name", was=str)}, name=Indexed[str])()
    assert next(c for c in longer.columns if c.name == "a").max == 191, "as long as an index takes"


def test_a_later_declaration_repeats_the_earlier_ones_word_for_word() -> None:
    assert TWO.history is not None
    assert THREE.history is not None
    assert THREE.history.changes[1] == TWO.history.changes[1] == TO_2
    assert THREE.history.changes[2] == TO_3
    assert values_of(Card2(id="c", opened=NOW)).keys() == TWO.by_name.keys()
