"""Bad input is refused as ours, names its field, and leaves nothing; good input of any script comes back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.room import IN, NeighbourId, Tool, ToolId
from tests.hub.test_lockstep import SQLITE

import communitycore as cc
from communitycore.kernel.errors import (
    BadValue,
    CommunityCoreError,
    IllegalStep,
    Mistake,
    NoAdapter,
    NotAllowed,
    NotFound,
    StoreUnusable,
)
from communitycore.kernel.jurisdiction import end, give
from communitycore.kernel.money import Money
from communitycore.plugins import open_store


@pytest.fixture(params=["memory", "sqlite"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        yield open_bench()
        return
    if not SQLITE:
        pytest.skip("communitycore-sql is not installed")
    made = open_bench(open_store(f"sqlite:///{tmp_path / 'books.db'}", durability="normal"))
    yield made
    made.hub.close()


BAD: list[tuple[str, Any]] = [
    ("name", "a\0b"),
    ("name", "\ud83d"),
    ("name", "x" * 201),
    ("name", None),
    ("name", 5),
    ("remark", "x" * 10_001),
    ("remark", "\udfff"),
    ("tag", "x" * 192),
    ("tag", "\0"),
    ("lends", 2**63),
    ("lends", -(2**63) - 1),
    ("lends", True),
    ("lends", 1.5),
    ("sharp", 1),
    ("price", 12.5),
    ("price", Money(2**63)),
    ("weight_kg", 1.5),
    ("weight_kg", Decimal("NaN")),
    ("bought", datetime(2024, 1, 1, tzinfo=UTC)),
    ("due_back", datetime(2024, 1, 1)),
    ("due_back", date(2024, 1, 1)),
    ("added", None),
    ("status", "out"),
    ("status", room.Role),
    ("holder", "a b"),
    ("maker", "x/y"),
    ("maker", cc.Ref("x", "y z")),
    ("sizes", [1]),
    ("sizes", (1.5,)),
    ("sizes", (2**63,)),
    ("wear", ({},)),
    ("wear", (room.Wear("a\0", date(2024, 1, 1)),)),
    ("spot", (116.0, 36.0)),
    ("reach", {}),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda v: repr(v)[:24])
def test_a_value_that_no_store_holds_is_refused_by_every_store_alike(bench: Bench, field: str, value: Any) -> None:
    tool = bench.tool()
    before = bench.state()
    with pytest.raises((BadValue, IllegalStep)) as caught:
        bench.desk.do(room.revise, tool.id, **{field: value})
    if isinstance(caught.value, BadValue):
        assert caught.value.field == f"tool.{field}"
    outcomes = bench.desk.do_many(
        [room.revise.call(tool.id, **{field: value}), room.inspect.call(tool.id, remark="ok")]
    )
    assert isinstance(outcomes[0].error, CommunityCoreError)
    assert outcomes[1].error is None
    assert bench.state() != before
    assert bench.hub.verify().ok


def test_values_at_their_limits_are_held(bench: Bench) -> None:
    tool = bench.tool()
    whole = {
        "name": "𠮷" * 200,
        "remark": "字" * 10_000,
        "tag": "𠮷" * 191,
        "lends": 2**63 - 1,
        "price": Money(-(2**63), "JPY"),
        "weight_kg": Decimal("0.0000000000000000000000000001"),
        "bought": date.max,
        "due_back": datetime.max.replace(tzinfo=UTC),
        "sizes": (-(2**63), 2**63 - 1),
        "maker": cc.Ref("x" * 36, "~" * 36),
    }
    bench.desk.do(room.revise, tool.id, **whole)
    back = bench.desk.get(Tool, tool.id)
    assert {name: getattr(back, name) for name in whole} == whole
    assert str(back.weight_kg) == str(whole["weight_kg"])
    assert bench.desk.find(Tool, cc.where(Tool.tag, whole["tag"])) == [back]
    assert bench.hub.verify().ok


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40), min_size=1, max_size=5
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_of_any_script_comes_back_byte_for_byte(bench: Bench, texts: list[str]) -> None:
    for text in texts:
        tool = bench.desk.do(room.add, name=text, remark=text, wear=(room.Wear(text, date(2024, 1, 1)),))
        back = bench.desk.get(Tool, tool.id)
        assert (back.name, back.remark, back.wear[0].where) == (text, text, text)
        assert tool.id in {t.id for t in bench.desk.find(Tool, cc.where(Tool.name, text), limit=1000)}
        assert bench.desk.history(Tool, tool.id)[0].changes()["name"] == text


@pytest.mark.parametrize(
    "text",
    [
        "e\u0301",
        "\u00e9",
        "ﷺ",
        "\u202eabc",
        "👨‍👩‍👧‍👦",
        "\r\n\t",
        " a ",
        "a",
        "A",
        "ß",
        "ss",
        "Ⅳ",
        "\ufeff",
        "\uffff",
        "'; DROP TABLE tool; --",
    ],
    ids=ascii,
)
def test_what_looks_alike_is_not_taken_for_one_another(bench: Bench, text: str) -> None:
    tricky = ["e\u0301", "\u00e9", "a", "A", " a ", "a ", "ß", "ss", "SS", text]
    for tag in dict.fromkeys(tricky):
        bench.tool(tag=tag)
    (found,) = bench.desk.find(Tool, cc.where(Tool.tag, text))
    assert found.tag == text


@pytest.mark.parametrize("id", ["unknown", "", "a b", "a/b", "x" * 37, "字", "\0", "\ud800", None, 5, ("a",), Tool])
def test_an_id_that_is_nowhere_or_none_at_all_is_refused_as_ours(bench: Bench, id: Any) -> None:
    before = bench.state()
    for act in (
        lambda: bench.desk.get(Tool, id),
        lambda: bench.desk.history(Tool, id),
        lambda: bench.desk.do(room.scrap, id),
        lambda: bench.desk.do(room.lend, id, to=NeighbourId("x")),
        lambda: bench.at(bench.admin).do(end, id),
        lambda: bench.desk.get(room.Limit, id),
    ):
        with pytest.raises((NotFound, BadValue)):
            act()
    for act in (
        lambda: bench.at(cc.Ref("x", "nobody")).do(room.bring_back, id),
        lambda: bench.at(cc.Ref("x", "nobody")).do(room.prolong, id, days=1),
        lambda: bench.at(cc.Ref("x", "nobody")).do(room.lend, ToolId("x"), to=id),
    ):
        with pytest.raises((NotAllowed, BadValue)):
            act()
    assert bench.state() == before


def test_a_search_that_makes_no_sense_is_refused_as_ours(bench: Bench) -> None:
    bench.tool()
    for act in (
        lambda: bench.desk.find(Tool, limit=0),
        lambda: bench.desk.find(Tool, limit=1001),
        lambda: bench.desk.find(Tool, cc.where(Tool.price, Money(1))),
        lambda: bench.desk.find(Tool, cc.where(Tool.lends, at_least=None)),  # type: ignore[arg-type]
        lambda: bench.desk.find(Tool, cc.where("nothing", 1)),  # type: ignore[arg-type]
        lambda: bench.desk.find(Tool, order=Tool.tag),
        lambda: bench.desk.find(Tool, cc.where(Tool.lends, "1")),
        lambda: bench.desk.find(Tool, cc.where(Tool.name, "a\0")),
        lambda: bench.desk.find(Tool, cc.where(Tool.name, "\ud800")),
        lambda: bench.desk.find(Tool, cc.where(Tool.lends, 2**63)),
        lambda: bench.desk.find(Tool, cc.where(Tool.status, "in")),
    ):
        with pytest.raises((Mistake, BadValue)):
            act()
    assert len(bench.desk.find(Tool, cc.where(Tool.status, IN))) == 1


def test_times_without_a_zone_are_refused_wherever_they_come_in(bench: Bench) -> None:
    naive = datetime(2024, 6, 4)
    for act in (
        lambda: bench.desk.occurred(naive),
        lambda: bench.desk.do_many([room.add.call(name="x").occurred(naive)])[0].get(),
        lambda: bench.at(bench.admin).do(give, holder=bench.keeper, role=room.KEEPER, until=naive),
        lambda: bench.clock.set(naive),
    ):
        with pytest.raises(BadValue):
            act()
    hub = cc.Hub(bench.hub.store, [room.ROOM], clock=lambda: naive)
    with pytest.raises(BadValue):
        hub.desk(bench.community, bench.keeper).do(room.add, name="x")


@pytest.mark.parametrize("url", ["", "books.db", "sqlite", "://x", "nosuch://x", "memory", "http://example.org"])
def test_a_url_that_names_no_store_says_what_to_do(url: str) -> None:
    with pytest.raises((BadValue, NoAdapter)) as caught:
        cc.open(url, rooms=[room.ROOM])
    assert caught.value.say("zh")


@pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
def test_a_file_of_something_else_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_bytes(b"Dear neighbour,\n" * 100)
    with pytest.raises(StoreUnusable):
        cc.open(f"sqlite:///{file}", rooms=[room.ROOM])
    assert file.read_bytes() == b"Dear neighbour,\n" * 100


def test_a_room_that_contradicts_itself_is_refused_and_the_store_is_given_back(tmp_path: Path) -> None:
    wrong = cc.Room("wrong", records=[Tool, Tool], commands=[], reactions=[cc.Reaction("x", on="y", run=room.push)])
    with pytest.raises(Mistake):
        cc.open("memory://", rooms=[wrong])
