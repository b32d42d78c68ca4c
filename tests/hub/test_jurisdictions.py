"""Jurisdictions: immutable ids, dated codes and parents, and the place a point lies in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench

import communitycore as cc
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import BadValue, CodeTaken, NotAllowed, Refused, UnknownCode
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import (
    Dated,
    Grant,
    Jurisdiction,
    give,
    in_force,
    recode,
    redraw,
    rename,
    successor,
)
from communitycore.testing import Clock, seeded


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def square(west: float, south: float, size: float) -> cc.Area:
    east, north = west + size, south + size
    return cc.Area.from_text(
        f"[[[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]]]"
    )


@pytest.mark.parametrize("blank", ["", "  ", "\u3000\t"])
def test_a_name_is_not_blank(bench: Bench, blank: str) -> None:
    entries = bench.hub.verify().entries
    with pytest.raises(BadValue) as refused:
        bench.hub.found("370115009", name=blank, level="community")
    assert (refused.value.field, "为空" in refused.value.say("zh")) == ("name", True)
    with pytest.raises(BadValue):
        bench.hub.desk(bench.desk.jurisdiction, bench.hub.administrator(bench.desk.jurisdiction)).do(
            rename, name=blank, since=date(2030, 1, 1)
        )
    assert bench.hub.verify().entries == entries


def test_jiyang_was_370125_before_it_was_370115() -> None:
    """By the state's own renumbering of 2018: the id stays, the code changes, the old one is told its successor."""
    clock = Clock(datetime(2016, 1, 1, tzinfo=UTC))
    hub = cc.Hub(MemoryStore(), [room.ROOM], clock=clock, entropy=seeded(1))
    jiyang = hub.found("370125", name="济阳县", level="district", since=date(1990, 1, 1))
    admin = hub.administrator("370125")
    desk = hub.desk("370125", admin)
    desk.do(recode, code="370115", since=date(2018, 7, 1))
    desk.do(rename, name="济阳区", since=date(2018, 7, 1))
    assert hub.resolve("370125") == jiyang.id
    with pytest.raises(UnknownCode):
        hub.resolve("370115")
    clock.set(datetime(2018, 6, 30, 15, 59, tzinfo=UTC))  # a minute to midnight in Shandong
    assert hub.resolve("370125") == jiyang.id
    clock.advance(timedelta(minutes=1))
    assert hub.resolve("370115") == hub.resolve(jiyang.id) == jiyang.id
    with pytest.raises(UnknownCode) as caught:
        hub.resolve("370125")
    for told in (caught.value.say("en"), caught.value.say("zh")):
        assert "370115" in told
        assert "济阳区" in told
    (body,) = hub.jurisdictions()
    then, now = datetime(2017, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    assert (body.code(then), body.name(then)) == ("370125", "济阳县")
    assert (body.code(now), body.name(now)) == ("370115", "济阳区")
    assert hub.desk("370115", admin).get(Jurisdiction, jiyang.id) == body
    assert hub.verify().ok


def test_an_unknown_code_is_refused_without_a_hint(bench: Bench) -> None:
    for code in ("", "999999", "\0", "字"):
        with pytest.raises(UnknownCode) as caught:
            bench.hub.desk(code, bench.keeper)
        assert caught.value.hint == ""


def test_a_code_in_use_is_taken(bench: Bench) -> None:
    before = bench.state()
    with pytest.raises(CodeTaken) as caught:
        bench.hub.found("370115", name="x", level="district")
    assert caught.value.jurisdiction == bench.district
    with pytest.raises(CodeTaken):
        bench.at(bench.admin).do(recode, code="370115", since=date(2024, 7, 1))
    assert bench.state() == before
    assert bench.hub.found("370116", name="x", level="district").id not in (bench.district, bench.community)


def test_a_code_is_free_once_it_is_no_longer_used(bench: Bench) -> None:
    bench.at(bench.admin).do(recode, code="370115001009", since=date(2024, 6, 5))
    bench.clock.advance(2 * DAY)
    other = bench.hub.found("370115001001", name="x", level="community", parent="370115")
    assert bench.hub.resolve("370115001001") == other.id
    assert bench.hub.resolve("370115001009") == bench.community


def test_a_code_that_will_end_is_in_use_until_it_does(bench: Bench) -> None:
    """No day sees two jurisdictions with one code, whenever they were told of it."""
    bench.at(bench.admin).do(recode, code="370115001009", since=date(2024, 7, 1))
    with pytest.raises(CodeTaken):
        bench.hub.found("370115001001", name="x", level="community", parent="370115")
    with pytest.raises(CodeTaken):
        bench.hub.found("370115001009", name="x", level="community", parent="370115", since=date(2024, 8, 1))
    assert bench.hub.resolve("370115001001") == bench.community


@pytest.mark.parametrize("code", ["", "x" * 41, "a\0", "\ud800", 5, "a b"])
def test_a_code_that_no_store_holds_is_refused(bench: Bench, code: str) -> None:
    before = bench.state()
    for act in (
        lambda: bench.hub.found(code, name="x", level="x"),
        lambda: bench.at(bench.admin).do(recode, code=code, since=date(2024, 7, 1)),
    ):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.data["field"] == "code"
    assert bench.state() == before


@pytest.mark.parametrize(
    "bad", [{"name": "a\0"}, {"name": "x" * 201}, {"level": "x" * 41}, {"zone": "Mars/Crater"}, {"name": 5}]
)
def test_what_else_no_store_holds_is_refused(bench: Bench, bad: dict[str, str]) -> None:
    before = bench.state()
    with pytest.raises(Refused):
        bench.hub.found("n1", **{"name": "x", "level": "x", **bad})
    assert bench.state() == before


def test_founding_gives_a_head_a_body_and_the_first_grant(bench: Bench) -> None:
    names = [(e.seq, e.name, e.kind) for e in bench.journal()]
    assert names == [(1, "jurisdiction.founded", "jurisdiction"), (2, "grant.given", "grant")]
    fresh = bench.hub.found("n1", name="x", level="x")
    admin = bench.hub.administrator("n1")
    assert admin.jurisdiction == fresh.id
    (grant,) = bench.hub.desk("n1", admin).find(Grant)
    assert (grant.holder, grant.role, grant.until) == (admin, "administrator", None)
    assert bench.hub.administrator(bench.community) == bench.admin


def test_a_parent_is_a_code_or_an_id_and_must_be_known(bench: Bench) -> None:
    for parent in ("370115", bench.district):
        made = bench.hub.found(f"n{parent}"[:40], name="x", level="x", parent=parent)
        assert made.parent(bench.clock()) == bench.district
    with pytest.raises(UnknownCode):
        bench.hub.found("n3", name="x", level="x", parent="nothing")


def test_changes_follow_one_another_in_time(bench: Bench) -> None:
    desk = bench.at(bench.admin)
    desk.do(rename, name="a", since=date(2024, 7, 1))
    for day in (date(2024, 7, 1), date(2024, 6, 30)):
        with pytest.raises(BadValue):
            desk.do(rename, name="b", since=day)
    with pytest.raises(NotAllowed):
        bench.desk.do(rename, name="b", since=date(2024, 8, 1))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True), st.integers(-10, 410))
def test_on_any_day_at_most_one_value_is_in_force(days: list[int], day: int) -> None:
    start = date(2020, 1, 1)
    values: tuple[Dated, ...] = ()
    for n in sorted(days):
        values = successor(values, f"v{n}", start + timedelta(days=n), "code")
    past = [n for n in sorted(days) if n <= day]
    covering = [d.value for d in values if d.covers(start + timedelta(days=day))]
    assert covering == ([f"v{past[-1]}"] if past else [])
    assert in_force(values, start + timedelta(days=day)) == (covering[0] if covering else None)


# moving


def test_a_jurisdiction_that_moved_obeys_its_new_parent_from_that_day_on(bench: Bench) -> None:
    other = bench.hub.found("n1", name="x", level="district", first=bench.admin).id
    theirs = Ref("x", "theirs")
    bench.at(bench.admin, other).do(give, holder=theirs, role=room.KEEPER)
    bench.hub.move(bench.community, parent="n1", since=date(2024, 6, 6), actor=bench.admin)
    bench.tool()
    with pytest.raises(NotAllowed):
        bench.at(theirs).do(room.add, name="saw")
    bench.clock.advance(2 * DAY)
    bench.at(theirs).do(room.add, name="saw")
    with pytest.raises(NotAllowed):
        bench.tool()


def test_nobody_stands_below_themselves(bench: Bench) -> None:
    for below in (bench.community, bench.district):
        with pytest.raises(BadValue):
            bench.hub.move(bench.district, parent=below, since=date(2024, 7, 1), actor=bench.admin)


def test_a_circle_that_was_made_all_the_same_ends_nothing(bench: Bench) -> None:
    """Ancestry is followed once round and no further, even in books that say what cannot be."""
    store = bench.hub.store
    assert isinstance(store, MemoryStore)
    table = store.books[bench.district].tables["jurisdiction"]
    row = list(table.rows[bench.district])
    column = [c.name for c in table.shape.columns].index("parents")
    row[column] = f'[{{"since":"2000-01-01","value":"{bench.community}"}}]'
    table.put(tuple(row))
    again = cc.Hub(store, [room.ROOM], clock=bench.clock, entropy=seeded(2))
    assert again.desk(bench.community, bench.keeper).do(room.add, name="saw").name == "saw"
    again.locate(cc.Point(116.0, 36.0))


# places


def test_a_point_is_found_in_the_deepest_jurisdictions(bench: Bench) -> None:
    hub = bench.hub
    district = hub.found("d", name="d", level="district", first=bench.admin, extent=square(116.0, 36.0, 1.0))
    west = hub.found("w", name="w", level="community", parent="d", extent=square(116.0, 36.0, 0.5), first=bench.admin)
    east = hub.found("e", name="e", level="community", parent="d", extent=square(116.5, 36.0, 0.5))
    hub.found("nowhere", name="n", level="community", parent="d")
    assert hub.locate(cc.Point(116.25, 36.25)) == (west.id,)
    assert hub.locate(cc.Point(116.75, 36.25)) == (east.id,)
    assert hub.locate(cc.Point(116.5, 36.25)) == tuple(sorted((west.id, east.id)))
    assert hub.locate(cc.Point(116.25, 36.75)) == (district.id,)
    assert hub.locate(cc.Point(0.0, 0.0)) == ()
    hub.desk("w", bench.admin).do(redraw, extent=square(120.0, 30.0, 0.5))
    assert hub.locate(cc.Point(116.25, 36.25)) == (district.id,)
    assert hub.locate(cc.Point(120.25, 30.25)) == (west.id,)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
@settings(max_examples=15)
def test_what_one_hub_founds_another_resolves(parents: list[int]) -> None:
    bench = open_bench()
    other = cc.Hub(bench.hub.store, [room.ROOM], clock=bench.clock, entropy=seeded(2))
    made = [bench.district]
    for n, parent in enumerate(parents):
        hub = (bench.hub, other)[n % 2]
        made.append(hub.found(f"c{n}", name="x", level="x", parent=made[parent % len(made)], first=bench.admin).id)
    for n, id in enumerate(made[1:]):
        assert bench.hub.resolve(f"c{n}") == other.resolve(f"c{n}") == id
    assert bench.hub.jurisdictions() == other.jurisdictions()
    assert bench.hub.verify().ok
