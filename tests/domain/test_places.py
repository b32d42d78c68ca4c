"""The room places, against the memory hub: each rule as a sentence, properties first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st

import communitycore as cc
from communitycore.domain import places
from communitycore.domain.places import Flaw, GridCode, GridKind, Level, Part
from communitycore.domain.places.dissolving import united
from communitycore.domain.roles import CLERK, GRID_OFFICER
from communitycore.kernel.errors import BadValue, IllegalStep, NotAllowed, NotUnique, Refused
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

# An invented community beside Jiyang: four squares of a 64th of a degree, all coordinates dyadic.
WEST, SOUTH, CELL = 117.0, 36.875, 1 / 64
TODAY = date(2024, 6, 4)
PHONE = "0531-00000000"
CODE = "370115001001001"


def box(west: float, south: float, east: float, north: float) -> Area:
    """Cells from the community's south-western corner."""
    return Area.box(WEST + west * CELL, SOUTH + south * CELL, WEST + east * CELL, SOUTH + north * CELL)


def at(east: float, north: float) -> Point:
    return Point(WEST + east * CELL, SOUTH + north * CELL)


EXTENT = box(0, 0, 2, 2)
BOW_TIE = Area([[[(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]]])


@frozen
class Town:
    """A hub with one community, and a desk there."""

    hub: cc.Hub
    desk: cc.Desk
    clock: Clock

    def staff(self, role: cc.Role) -> cc.Desk:
        holder = Ref(self.desk.jurisdiction, f"p-{role.name}")
        self.desk.do(give, holder=holder, role=role)
        return self.hub.desk(self.desk.jurisdiction, holder)

    def draw(self, name: str, area: Area, **more: Any) -> places.Grid:
        return self.desk.do(places.draw_grid, name=name, area=area, **more)

    def where(self, point: Point) -> tuple[str, ...]:
        return self.desk.ask(places.locate, point).grids


def town(level: str = "community", extent: Area | None = EXTENT) -> Town:
    clock = Clock(datetime(2024, 6, 4, 6, 0, tzinfo=UTC))
    hub = cc.open("memory://", rooms=[places.ROOM], clock=clock, entropy=seeded(1))
    hub.found("370115001001", name="安康社区", level=level, extent=extent)
    desk = hub.desk("370115001001", hub.administrator("370115001001"))
    return Town(hub, desk, clock)


@pytest.fixture
def here() -> Iterator[Town]:
    made = town()
    yield made
    assert made.hub.verify().ok
    assert not made.hub.parked(made.desk.jurisdiction)


@pytest.fixture
def four(here: Town) -> tuple[Town, list[places.Grid]]:
    """Four squares that together cover the community."""
    cells = [(0, 0), (1, 0), (0, 1), (1, 1)]
    calls = [
        places.draw_grid.call(name=f"第{n}网格", area=box(x, y, x + 1, y + 1), households=400, supervision_phone=PHONE)
        for n, (x, y) in enumerate(cells, 1)
    ]
    return here, [outcome.get() for outcome in here.desk.do_many(calls)]


# levels


@pytest.mark.parametrize(
    ("level", "parent", "fine"),
    [
        ("district", None, True),
        ("community", None, True),
        ("subdistrict", "district", True),
        ("community", "subdistrict", True),
        ("community", "district", True),
        ("district", "district", False),
        ("district", "community", False),
        ("subdistrict", "community", False),
        ("community", "community", False),
    ],
)
def test_a_parent_is_of_a_higher_level(level: str, parent: str | None, fine: bool) -> None:
    if fine:
        assert places.check_level(level, parent) is Level(level)
    else:
        with pytest.raises(places.WrongLevel) as refused:
            places.check_level(level, parent)
        assert Level(level).zh in refused.value.say("zh")


@pytest.mark.parametrize(("level", "parent"), [("village", None), ("community", "city"), ("", None)])
def test_an_unknown_level_is_refused_and_the_known_are_named(level: str, parent: str | None) -> None:
    with pytest.raises(places.UnknownLevel, match="district, subdistrict, community"):
        places.check_level(level, parent)


# grids and boundaries


@pytest.mark.parametrize("level", ["district", "subdistrict"])
def test_g1_a_grid_belongs_to_a_community_never_to_a_subdistrict_or_district(level: str) -> None:
    made = town(level)
    with pytest.raises(places.NotACommunity, match=level) as refused:
        made.draw("第一网格", box(0, 0, 1, 1))
    assert refused.value.code == "places.not_a_community"
    assert made.desk.find(places.Grid) == []


def test_g1_a_grid_is_basic_or_dedicated(here: Town) -> None:
    assert here.draw("第一网格", box(0, 0, 1, 1)).kind is GridKind.BASIC
    assert here.draw("学校", box(1, 1, 2, 2), kind=GridKind.DEDICATED).kind is GridKind.DEDICATED
    with pytest.raises(BadValue):
        here.draw("别的", box(0, 0, 1, 1), kind="special")


@pytest.mark.parametrize(("households", "flaw"), [(299, Flaw.TOO_FEW_HOUSEHOLDS), (501, Flaw.TOO_MANY_HOUSEHOLDS)])
def test_g1_households_out_of_range_are_a_warning_never_a_refusal(here: Town, households: int, flaw: Flaw) -> None:
    grid = here.draw("第一网格", box(0, 0, 1, 1), households=households, supervision_phone=PHONE)
    (warning,) = here.desk.ask(places.warnings, grid.id)
    assert (warning.flaw, warning.amount, warning.serious) == (flaw, households, False)
    here.desk.do(places.set_households, grid.id, households=300)
    assert here.desk.ask(places.warnings, grid.id) == ()
    here.desk.do(places.set_household_range, least=310, most=320)
    assert [w.flaw for w in here.desk.ask(places.warnings, grid.id)] == [Flaw.TOO_FEW_HOUSEHOLDS]


def test_the_household_range_of_a_district_holds_in_its_communities_until_they_set_their_own() -> None:
    made = town("district")
    made.desk.do(places.set_household_range, least=1, most=2)
    made.hub.found("370115001002", name="下辖社区", level="community", parent="370115001001")
    below = made.hub.desk("370115001002", made.hub.administrator("370115001002"))
    grid = below.do(places.draw_grid, name="一", area=box(0, 0, 1, 1), households=2, supervision_phone=PHONE)
    assert below.ask(places.warnings, grid.id) == ()
    below.do(places.set_household_range, least=3, most=4)
    assert below.ask(places.warnings, grid.id)[0].flaw is Flaw.TOO_FEW_HOUSEHOLDS


def _bow_tie(x: float, y: float) -> Area:
    return Area([[[(WEST + (x + a) * CELL, SOUTH + (y + b) * CELL) for a, b in BOW_TIE.polygons[0][0]]]])


def test_a_boundary_with_faults_is_refused_by_name_and_every_fault_is_told(here: Town) -> None:
    open_ring = Area([[[(WEST, SOUTH), (WEST + CELL, SOUTH), (WEST + CELL, SOUTH + CELL)]]])
    with pytest.raises(places.BadBoundary, match=r"第一网格.*crosses itself") as refused:
        here.draw("第一网格", _bow_tie(0, 0))
    assert len(refused.value.problems) == len(_bow_tie(0, 0).problems())
    assert "环自相交" in refused.value.say("zh")
    with pytest.raises(places.BadBoundary, match="open"):
        here.draw("第二网格", open_ring)
    assert here.desk.find(places.Grid) == []


def test_repair_reads_a_faulty_boundary_even_odd_and_says_so(here: Town) -> None:
    grid = here.draw("第一网格", _bow_tie(0, 0), repair=True)
    assert grid.repaired
    assert here.where(at(0.25, 1)) == (grid.id,)
    assert here.where(at(1, 0.25)) == ()
    assert [f.grids for f in here.desk.ask(places.audit).of(Flaw.REPAIRED)] == [(grid.id,)]
    mended = here.desk.do(places.redraw_grid, grid.id, area=box(0, 0, 1, 1), repair=True)
    assert not mended.repaired


def test_a_boundary_without_any_surface_cannot_be_repaired(here: Town) -> None:
    line = Area([[[(WEST, SOUTH), (WEST + CELL, SOUTH), (WEST, SOUTH)]]])
    with pytest.raises(places.BadBoundary):
        here.draw("一条线", line, repair=True)


def test_a_boundary_outside_the_extent_is_refused(here: Town) -> None:
    for area in (box(2, 0, 3, 1), box(5, 5, 6, 6), box(1.5, 0, 2.5, 1), box(-1, -1, 3, 3)):
        with pytest.raises(places.Outside, match="第一网格") as refused:
            here.draw("第一网格", area)
        assert (refused.value.code, refused.value.swapped) == ("places.outside", False)


def test_a_boundary_drawn_a_little_beyond_the_extent_is_taken_and_shown(here: Town) -> None:
    grid = here.draw("第一网格", box(0, 0, 1, 2.01))
    (finding,) = here.desk.ask(places.audit).of(Flaw.BEYOND)
    assert finding.grids == (grid.id,)
    assert finding.serious


def test_exchanged_coordinates_are_refused_and_the_exchange_is_named() -> None:
    boston = town(extent=Area.box(-71.5, 42.0, -71.0, 42.5))
    with pytest.raises(places.Outside, match="exchanged") as refused:
        boston.draw("Back Bay", Area.box(42.1, -71.4, 42.2, -71.3))
    assert refused.value.swapped
    assert "经纬度互换" in refused.value.say("zh")
    with pytest.raises(places.Outside, match="exchanged"):
        boston.desk.do(places.open_venue, name="Hall", kind=places.VenueKind.LIFE_HALL, point=Point(42.1, -71.4))
    with pytest.raises(places.Outside) as elsewhere:
        boston.desk.do(places.open_venue, name="Hall", kind=places.VenueKind.LIFE_HALL, point=Point(10, 10))
    assert not elsewhere.value.swapped
    assert "10" not in str(elsewhere.value)


def test_without_an_extent_nothing_lies_outside() -> None:
    made = town(extent=None)
    assert made.draw("第一网格", box(7, 7, 8, 8)).version == 1
    assert made.desk.ask(places.audit).of(Flaw.NO_EXTENT)


def test_names_and_counts_that_say_nothing_are_refused(here: Town) -> None:
    more: list[dict[str, Any]] = [{"name": " "}, {"households": -1}, {"name": "x" * 201}, {"supervision_phone": "\0"}]
    for bad in more:
        with pytest.raises(BadValue):
            here.draw(**{"name": "一", "area": box(0, 0, 1, 1), **bad})
    with pytest.raises(BadValue):
        here.draw("一", "POLYGON EMPTY")  # type: ignore[arg-type]


def test_every_boundary_a_grid_had_stays_in_its_history(here: Town) -> None:
    grid = here.draw("第一网格", box(0, 0, 1, 1))
    assert here.desk.do(places.redraw_grid, grid.id, area=box(0, 0, 1, 1)).version == 1
    here.desk.do(places.redraw_grid, grid.id, area=box(0, 0, 1, 2))
    here.desk.do(places.rename, grid.id, name="西网格")
    begun, redrawn, *_ = entries = here.desk.history(places.Grid, grid.id)
    assert [e.name for e in entries if e.name != "timer.passed"] == ["grid.drawn", "grid.redrawn", "grid.renamed"]
    assert begun.changes()["area"] == redrawn.changes()["area"][0]
    assert Area(redrawn.changes()["area"][1]) == box(0, 0, 1, 2)


def test_a_retired_grid_is_found_no_more_and_changes_no_more(four: tuple[Town, list[places.Grid]]) -> None:
    here, (grid, *_) = four
    here.desk.do(places.retire_grid, grid.id)
    assert here.where(at(0.5, 0.5)) == ()
    calls: list[Any] = [
        places.rename.call(grid.id, name="别名"),
        places.redraw_grid.call(grid.id, area=box(0, 0, 1, 1)),
        places.set_households.call(grid.id, households=1),
        places.set_supervision_phone.call(grid.id, phone="1"),
        places.recode_grid.call(grid.id, scheme="cell-15", code=CODE),
        places.retire_grid.call(grid.id),
        places.split_grid.call(grid.id, parts=()),
        places.merge_grids.call((grid.id, grid.id), name="x"),
    ]
    for outcome in here.desk.do_many(calls):
        assert isinstance(outcome.error, Refused)
    with pytest.raises(IllegalStep):
        cc.begin("grid.drawn", cc.evolve(here.desk.get(places.Grid, grid.id), version=0))


def test_only_an_administrator_draws(here: Town) -> None:
    with pytest.raises(NotAllowed):
        here.hub.desk(here.desk.jurisdiction, Ref(here.desk.jurisdiction, "anyone")).do(
            places.draw_grid, name="一", area=box(0, 0, 1, 1)
        )


# codes


def test_g2_codes_have_schemes_and_dates_and_the_old_ones_are_kept(here: Town) -> None:
    grid = here.draw(
        "第一网格",
        box(0, 0, 1, 1),
        codes=(
            GridCode("370125001001001", date(2017, 1, 1), date(2018, 7, 1), scheme="cell-15"),
            GridCode(CODE, date(2018, 7, 1), scheme="cell-15"),
            GridCode("01010137011500100101", date(2018, 7, 1), scheme="cjt349-20"),
        ),
    )
    assert grid.code("cell-15", date(2018, 6, 30)) == "370125001001001"
    assert grid.code("cell-15", TODAY) == CODE
    assert grid.code("cell-15", date(2010, 1, 1)) is None
    recoded = here.desk.do(places.recode_grid, grid.id, scheme="cell-15", code="370115001001009")
    assert (recoded.id, recoded.code("cell-15", TODAY)) == (grid.id, "370115001001009")
    assert recoded.code("cell-15", TODAY - timedelta(days=1)) == CODE
    assert recoded.code("cjt349-20", TODAY) == "01010137011500100101"
    none = here.desk.do(places.recode_grid, grid.id, scheme="cell-15", code=None)
    assert none.code("cell-15", TODAY) is None
    with pytest.raises(BadValue, match="before the last"):
        here.desk.do(places.recode_grid, grid.id, scheme="cell-15", code=CODE, since=date(2000, 1, 1))


def test_g2_the_parts_of_both_standard_schemes() -> None:
    assert places.CELL_15.split(CODE) == {
        "county": "370115",
        "street": "001",
        "community": "001",
        "sequence": "001",
    }
    assert (places.CELL_15.length, places.CJT349_20.length) == (15, 20)
    assert list(places.CJT349_20.split("01010137011500100199").values()) == [
        "010101",
        "370115",
        "001",
        "001",
        "99",
    ]


@pytest.mark.parametrize("bad", ["37011500100100", "3701150010010011", "37011500100100A", "３70115001001001", ""])
def test_g2_a_code_its_scheme_does_not_build_is_refused(here: Town, bad: str) -> None:
    with pytest.raises(places.BadCode, match="county 6, street 3, community 3, sequence 3"):
        here.draw("第一网格", box(0, 0, 1, 1), codes=(GridCode(bad, TODAY, scheme="cell-15"),))


def test_g2_a_code_is_no_key_but_only_one_grid_uses_it_at_a_time(four: tuple[Town, list[places.Grid]]) -> None:
    here, (one, two, *_) = four
    here.desk.do(places.recode_grid, one.id, scheme="cell-15", code=CODE)
    for since in (TODAY, TODAY - timedelta(days=9), TODAY + timedelta(days=9)):
        with pytest.raises(places.GridCodeTaken, match=one.name):
            here.desk.do(places.recode_grid, two.id, scheme="cell-15", code=CODE, since=since)
    here.clock.advance(timedelta(days=10))
    here.desk.do(places.retire_grid, one.id)
    assert here.desk.do(places.recode_grid, two.id, scheme="cell-15", code=CODE).code(
        "cell-15", TODAY + timedelta(days=10)
    )
    assert here.desk.get(places.Grid, one.id).code("cell-15", TODAY + timedelta(days=9)) == CODE
    with pytest.raises(BadValue, match="same time"):
        here.draw("双码", box(0, 0, 1, 1), codes=tuple(GridCode(CODE[:-1] + d, TODAY, scheme="cell-15") for d in "56"))


def test_g2_another_citys_scheme_is_data_and_holds_below(here: Town) -> None:
    parts = (places.CodePart("city", "市", 2, letters=True), places.CodePart("sequence", "顺序", 4))
    with pytest.raises(places.UnknownScheme, match="cell-15, cjt349-20"):
        here.desk.do(places.draw_grid, name="一", area=box(0, 0, 1, 1), codes=(GridCode("JN0001", TODAY, scheme="jn"),))
    here.desk.do(places.adopt_scheme, name="jn", title="某市编码", parts=parts)
    grid = here.draw("一", box(0, 0, 1, 1), codes=(GridCode("JN0001", TODAY, scheme="jn"),))
    assert grid.code("jn", TODAY) == "JN0001"
    for name in ("jn", "cell-15"):
        with pytest.raises(places.SchemeKnown):
            here.desk.do(places.adopt_scheme, name=name, title="t", parts=parts)
    with pytest.raises(BadValue):
        here.desk.do(places.adopt_scheme, name="nil", title="t", parts=())
    with pytest.raises(places.BadCode):
        here.desk.do(places.recode_grid, grid.id, scheme="jn", code="jn0001")


# locating


@st.composite
def partitions(draw: st.DrawFn, size: int = 4) -> list[tuple[int, int, int, int]]:
    """A square of `size` cells cut straight through, again and again: boxes that meet in borders only."""
    pieces = [(0, 0, size, size)]
    for _ in range(draw(st.integers(0, 6))):
        n = draw(st.integers(0, len(pieces) - 1))
        w, s, e, nth = pieces[n]
        if draw(st.booleans()) and e - w > 1:
            cut = draw(st.integers(w + 1, e - 1))
            pieces[n : n + 1] = [(w, s, cut, nth), (cut, s, e, nth)]
        elif nth - s > 1:
            cut = draw(st.integers(s + 1, nth - 1))
            pieces[n : n + 1] = [(w, s, e, cut), (w, cut, e, nth)]
    return pieces


BIG = box(0, 0, 4, 4)
# Half cells: edges and corners are hit as often as insides.
LATTICE = [at(x / 2, y / 2) for x in range(9) for y in range(9)]


@given(partitions(), st.lists(st.tuples(*[st.integers(0, 4)] * 4), max_size=3), st.data())
@settings(max_examples=40)
def test_locating_names_exactly_the_active_grids_that_contain_the_point(
    pieces: list[tuple[int, int, int, int]], more: list[tuple[int, ...]], data: st.DataObject
) -> None:
    made = town(extent=BIG)
    boxes = [*pieces, *((w, s, e, n) for w, s, e, n in more if w < e and s < n)]
    calls = [places.draw_grid.call(name=f"{n}", area=box(*b)) for n, b in enumerate(boxes)]
    grids = [outcome.get() for outcome in made.desk.do_many(calls)]
    gone = data.draw(st.sets(st.sampled_from(grids).map(lambda grid: grid.id), max_size=2))
    for grid_id in gone:
        made.desk.do(places.retire_grid, grid_id)
    for point in LATTICE:
        located = made.desk.ask(places.locate, point)
        brute = sorted(g.id for g in grids if g.id not in gone and g.area.contains(point.lon, point.lat))
        assert list(located.grids) == brute
        assert located.one == (brute[0] if len(brute) == 1 else None)
        assert located.ambiguous == (len(brute) > 1)


@given(partitions(), partitions(size=2), st.data())
@settings(max_examples=40)
def test_splitting_and_merging_keep_every_point_in_exactly_the_successors(
    pieces: list[tuple[int, int, int, int]], cuts: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    made = town(extent=box(0, 0, 6, 4))
    grids = {made.draw(f"{n}", box(*b)).id for n, b in enumerate(pieces)}
    square = made.draw("方", box(4, 0, 6, 2)).id

    def seen() -> dict[Point, set[str]]:
        points = [*LATTICE, *(at(4 + x / 4, y / 4) for x in range(9) for y in range(9))]
        return {point: set(made.where(point)) for point in points}

    before = seen()
    if len(cuts) > 1:
        parts = tuple(Part(f"方{n}", box(4 + w, s, 4 + e, n_)) for n, (w, s, e, n_) in enumerate(cuts))
        new = {grid.id: grid.area for grid in made.desk.do(places.split_grid, square, parts=parts)}
        after = seen()
        for point, found in before.items():
            inside = {id for id, area in new.items() if area.contains(point.lon, point.lat)}
            assert after[point] == found - {square} | inside
            assert bool(inside) == (square in found)
        before = after
    if len(grids) > 1:
        old = tuple(data.draw(st.lists(st.sampled_from(sorted(grids)), min_size=2, unique=True)))
        merged = made.desk.do(places.merge_grids, old, name="合")
        after = seen()
        for point, found in before.items():
            assert after[point] == (found - set(old) | {merged.id} if found & set(old) else found)
        assert merged.repaired == bool(merged.area.problems())
    assert made.hub.verify().ok


@given(partitions(), st.data())
@settings(max_examples=60)
def test_uniting_neighbours_drops_their_borders_and_no_point(
    pieces: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    some = data.draw(st.lists(st.sampled_from(pieces), min_size=1, unique=True))
    areas = [box(*b) for b in some]
    joined = united(areas)
    for point in LATTICE:
        assert joined.contains(point.lon, point.lat) == any(a.contains(point.lon, point.lat) for a in areas)
    if len(some) == len(pieces):
        assert set(joined.polygons[0][0]) == set(BIG.polygons[0][0])
        assert len(joined.polygons) == 1


def test_uniting_any_cells_of_nine_gives_a_valid_area_with_its_holes_and_touching_corners() -> None:
    cells = [box(x, y, x + 1, y + 1) for x in range(3) for y in range(3)]
    for chosen in range(1, 1 << 9):
        some = [cell for n, cell in enumerate(cells) if chosen >> n & 1]
        joined = united(some)
        assert joined.problems() == ()
        assert joined.area_m2 == pytest.approx(sum(cell.area_m2 for cell in some))
    around = united([*cells[:4], *cells[5:]])
    assert (len(around.polygons), len(around.polygons[0])) == (1, 2)


def test_uniting_what_overlaps_or_is_faulty_still_reads_the_same() -> None:
    areas = [box(0, 0, 2, 2), box(1, 1, 3, 3), _bow_tie(2, 0)]
    joined = united(areas)
    for point in LATTICE:
        assert joined.contains(point.lon, point.lat) == any(a.contains(point.lon, point.lat) for a in areas)


def test_a_worked_example_of_one_none_and_an_ambiguity(four: tuple[Town, list[places.Grid]]) -> None:
    here, (one, two, *_) = four
    assert here.desk.ask(places.locate, at(0.5, 0.5)).one == one.id
    edge = here.desk.ask(places.locate, at(1, 0.5))
    assert (edge.one, edge.ambiguous, set(edge.grids)) == (None, True, {one.id, two.id})
    assert len(here.where(at(1, 1))) == 4
    assert here.where(at(3, 3)) == ()
    school = here.draw("学校", box(0.25, 0.25, 0.75, 0.75), kind=GridKind.DEDICATED)
    upon = here.desk.ask(places.locate, at(0.5, 0.5))
    assert (upon.one, set(upon.grids)) == (None, {one.id, school.id})


# splitting and merging


def test_a_split_retires_the_old_grid_and_the_parts_say_where_they_came_from(
    four: tuple[Town, list[places.Grid]],
) -> None:
    here, (old, *_) = four
    here.desk.do(places.recode_grid, old.id, scheme="cell-15", code=CODE)
    north, south = here.desk.keyed("split").do(
        places.split_grid,
        old.id,
        parts=(
            Part("北", box(0, 0.5, 1, 1), households=180, codes=(GridCode(CODE, TODAY, scheme="cell-15"),)),
            Part("南", box(0, 0, 1, 0.5), supervision_phone="12345"),
        ),
    )
    assert (north.came_from, north.households, north.supervision_phone) == ((old.id,), 180, PHONE)
    assert (south.supervision_phone, north.code("cell-15", TODAY)) == ("12345", CODE)
    gone = here.desk.get(places.Grid, old.id)
    assert gone.status is places.GridStatus.RETIRED
    assert gone.code("cell-15", TODAY) is None
    assert "grid.split" in [e.name for e in here.desk.history(places.Grid, old.id)]
    assert here.desk.history(places.Grid, north.id)[0].name == "grid.drawn"
    assert here.where(at(0.5, 0.75)) == (north.id,)
    again = here.desk.keyed("split").do(
        places.split_grid,
        old.id,
        parts=(
            Part("北", box(0, 0.5, 1, 1), households=180, codes=(GridCode(CODE, TODAY, scheme="cell-15"),)),
            Part("南", box(0, 0, 1, 0.5), supervision_phone="12345"),
        ),
    )
    assert [g.id for g in again] == [north.id, south.id]


@pytest.mark.parametrize(
    ("first", "second", "what", "cells"),
    [
        (box(0, 0, 1, 0.5), box(0, 0.5, 1, 0.75), "missing_m2", 0.25),
        (box(0, 0, 1, 0.5), box(0, 0.5, 1.25, 1), "beyond_m2", 0.125),
        (box(0, 0, 1, 0.5), box(0, 0.25, 1, 1), "shared_m2", 0.25),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_how_much(
    four: tuple[Town, list[places.Grid]], first: Area, second: Area, what: str, cells: float
) -> None:
    here, (old, *_) = four
    with pytest.raises(places.PartsDoNotFit) as refused:
        here.desk.do(places.split_grid, old.id, parts=(Part("甲", first), Part("乙", second)))
    amounts = {name: refused.value.data[name] for name in ("missing_m2", "beyond_m2", "shared_m2")}
    assert [name for name, amount in amounts.items() if amount] == [what]
    assert amounts[what] == pytest.approx(box(0, 0, cells, 1).area_m2, rel=0.01)
    assert len(here.desk.find(places.Grid)) == 4


def test_a_split_forgives_a_sliver_and_a_tolerance_of_zero_does_not(four: tuple[Town, list[places.Grid]]) -> None:
    here, (old, *_) = four
    sliver = 1e-7  # of a cell: some square centimetres
    parts = (Part("甲", box(0, 0, 1, 0.5)), Part("乙", box(0, 0.5 + sliver, 1, 1)))
    with pytest.raises(places.PartsDoNotFit, match="1 square metres are left over"):
        here.desk.do(places.split_grid, old.id, parts=parts, tolerance_m2=0)
    assert len(here.desk.do(places.split_grid, old.id, parts=parts)) == 2


def test_a_split_needs_two_valid_parts(four: tuple[Town, list[places.Grid]]) -> None:
    here, (old, *_) = four
    with pytest.raises(BadValue):
        here.desk.do(places.split_grid, old.id, parts=(Part("甲", box(0, 0, 1, 1)),))
    with pytest.raises(places.BadBoundary, match="乙"):
        here.desk.do(places.split_grid, old.id, parts=(Part("甲", box(0, 0, 1, 1)), Part("乙", _bow_tie(0, 0))))


def test_a_merger_unites_boundaries_counts_and_history(four: tuple[Town, list[places.Grid]]) -> None:
    here, (one, two, three, _) = four
    new = here.desk.do(places.merge_grids, (one.id, two.id), name="南")
    assert (new.came_from, new.households, new.supervision_phone, new.repaired) == ((one.id, two.id), 800, PHONE, False)
    assert new.area.problems() == ()
    assert set(new.area.polygons[0][0]) == set(box(0, 0, 2, 1).polygons[0][0])
    assert here.desk.ask(places.locate, at(1, 0.5)).one == new.id
    for old in (one, two):
        assert "grid.merged" in [e.name for e in here.desk.history(places.Grid, old.id)]
    given_area = here.desk.do(places.merge_grids, (new.id, three.id), name="大", area=_ell(), households=7)
    assert (given_area.area, given_area.households) == (_ell(), 7)
    assert len([e for e in here.hub.journal(here.desk.jurisdiction) if e.name == "grid.merged"]) == 4


def _ell() -> Area:
    corners = [at(0, 0), at(2, 0), at(2, 1), at(1, 1), at(1, 2), at(0, 2), at(0, 0)]
    return Area([[[(p.lon, p.lat) for p in corners]]])


def test_what_cannot_be_merged_is_refused(four: tuple[Town, list[places.Grid]]) -> None:
    here, (one, two, *_) = four
    school = here.draw("学校", box(0.25, 0.25, 0.75, 0.75), kind=GridKind.DEDICATED)
    with pytest.raises(places.KindsDiffer, match="学校"):
        here.desk.do(places.merge_grids, (one.id, school.id), name="x")
    with pytest.raises(places.PartsDoNotFit):
        here.desk.do(places.merge_grids, (one.id, two.id), name="x", area=box(0, 0, 2, 2))
    for few in ((one.id,), (one.id, one.id), ()):
        with pytest.raises(BadValue):
            here.desk.do(places.merge_grids, few, name="x")


# venues and dwellings


def test_a_venue_stands_in_the_grid_its_point_lies_in_unless_that_is_ambiguous(
    four: tuple[Town, list[places.Grid]],
) -> None:
    here, (one, two, *_) = four
    clerk = here.staff(CLERK)
    room = clerk.do(
        places.open_venue, name="温馨汇客厅", kind=places.VenueKind.LIVING_ROOM, point=at(0.5, 0.5), seats=30
    )
    assert (room.grid, room.seats) == (one.id, 30)
    border = clerk.do(places.open_venue, name="活动室", kind=places.VenueKind.ACTIVITY_ROOM, point=at(1, 0.5))
    assert border.grid is None
    assert [f.names for f in here.desk.ask(places.audit).of(Flaw.STRAY_VENUE)] == [("活动室",)]
    assert clerk.do(places.change_venue, border.id, grid=two.id).grid == two.id
    with pytest.raises(places.Elsewhere, match=two.name):
        clerk.do(places.change_venue, room.id, grid=two.id)
    moved = clerk.do(places.change_venue, room.id, point=at(1.5, 0.5), seats=None)
    assert (moved.grid, moved.seats, moved.name) == (two.id, None, "温馨汇客厅")
    assert clerk.do(places.change_venue, room.id, point=at(1.5, 0.5)).version == moved.version
    clerk.do(places.close_venue, room.id)
    for call in (places.close_venue.call(room.id), places.change_venue.call(room.id, name="新")):
        with pytest.raises(places.VenueClosed):
            clerk.do_many([call])[0].get()
    assert len(here.desk.find(places.Venue, cc.where(places.Venue.grid, two.id))) == 2


def test_a_venue_is_open_in_its_hours_of_local_time_and_not_on_closed_days(here: Town) -> None:
    hours = (places.OpeningHours(2, "08:30", "12:00"), places.OpeningHours(2, "14:00", "24:00"))
    venue = here.desk.do(
        places.open_venue,
        name="生活馆",
        kind=places.VenueKind.LIFE_HALL,
        point=at(1, 1),
        hours=hours,
        closed_days=(date(2024, 6, 11),),
    )
    kept = here.desk.get(places.Venue, venue.id)
    assert kept.hours == hours
    tuesday = datetime(2024, 6, 4, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai
    for moment, is_open in [
        (tuesday, True),
        (tuesday - timedelta(minutes=1), False),
        (tuesday + timedelta(hours=3.5), False),
        (tuesday + timedelta(hours=15.4), True),
        (tuesday + timedelta(hours=15.5), False),
        (tuesday + timedelta(days=1), False),
        (tuesday + timedelta(days=7), False),
        (tuesday + timedelta(days=14), True),
    ]:
        assert kept.open_at(moment, "Asia/Shanghai") is is_open


@pytest.mark.parametrize(
    ("weekday", "opens", "closes"),
    [(0, "08:00", "09:00"), (8, "08:00", "09:00"), (1, "8:00", "09:00"), (1, "09:00", "08:00"), (1, "08:00", "24:01")],
)
def test_hours_that_are_none_are_refused(weekday: int, opens: str, closes: str) -> None:
    with pytest.raises(BadValue):
        places.OpeningHours(weekday, opens, closes)


def test_one_address_is_one_dwelling_however_it_is_typed(here: Town) -> None:
    home = here.desk.do(
        places.add_dwelling, estate="安康小区", building="3", unit="2", room="501A", area_m2=Decimal("89.50")
    )
    assert here.desk.get(places.Dwelling, home.id).area_m2 == Decimal("89.50")
    for building, room in (("3", "501A"), ("３", "501a"), (" 3 ", "５０１ A")):
        with pytest.raises(NotUnique):
            here.desk.do(places.add_dwelling, estate="安康小区", building=building, unit="2", room=room)
    other = here.desk.do(places.add_dwelling, estate="安康小区", building="3", unit="2", room="502")
    with pytest.raises(NotUnique):
        here.desk.do(places.change_dwelling, other.id, room="501a")
    here.desk.do(places.strike_dwelling, home.id)
    with pytest.raises(places.DwellingGone):
        here.desk.do(places.change_dwelling, home.id, room="1")
    changed = here.desk.do(places.change_dwelling, other.id, room="501A", area_m2=Decimal("90"))
    assert (changed.building, changed.area_m2) == ("3", Decimal("90"))
    bads: list[dict[str, Any]] = [
        {"room": " "},
        {"building": ""},
        {"area_m2": Decimal("0")},
        {"area_m2": 89.5},
        {"room": "x" * 41},
    ]
    for bad in bads:
        with pytest.raises(BadValue):
            here.desk.do(places.change_dwelling, other.id, **bad)


@given(st.tuples(*[st.text("1~/a ", max_size=3)] * 4), st.tuples(*[st.text("1~/a ", max_size=3)] * 4))
@example(("", "~1", "", "1"), ("", "/", "", "1"))
def test_no_two_addresses_share_a_key(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    plain = [tuple("".join(part.split()) for part in parts) for parts in (one, other)]
    try:
        keys = [places.address_key(*one), places.address_key(*other)]
    except BadValue:
        assert any(not parts[n] for parts in plain for n in (1, 3))
    else:
        assert (keys[0] == keys[1]) == (plain[0] == plain[1])


def test_dwellings_are_for_staff(here: Town) -> None:
    home = here.staff(GRID_OFFICER).do(places.add_dwelling, building="1", room="1")
    stranger = here.hub.desk(here.desk.jurisdiction, Ref(here.desk.jurisdiction, "anyone"))
    with pytest.raises(NotAllowed):
        stranger.get(places.Dwelling, home.id)


def test_after_a_split_all_go_where_their_point_lies_and_after_a_merger_all_go_along(
    four: tuple[Town, list[places.Grid]],
) -> None:
    here, (old, east, *_) = four
    hall = here.desk.do(places.open_venue, name="馆", kind=places.VenueKind.LIFE_HALL, point=at(0.5, 0.75))
    border = here.desk.do(places.open_venue, name="界", kind=places.VenueKind.OTHER, point=at(0.5, 0.5))
    home = here.desk.do(places.add_dwelling, building="1", room="1", point=at(0.5, 0.25))
    paper = here.desk.do(places.add_dwelling, building="1", room="2", grid=old.id)

    def grids() -> list[str | None]:
        return [
            *(here.desk.get(places.Venue, v.id).grid for v in (hall, border)),
            *(here.desk.get(places.Dwelling, d.id).grid for d in (home, paper)),
        ]

    assert grids() == [old.id] * 4
    north, south = here.desk.do(
        places.split_grid, old.id, parts=(Part("北", box(0, 0.5, 1, 1)), Part("南", box(0, 0, 1, 0.5)))
    )
    assert grids() == [north.id, None, south.id, old.id]
    assert here.desk.ask(places.audit).of(Flaw.STRAY_DWELLINGS)[0].amount == 1
    here.desk.do(places.change_dwelling, paper.id, grid=south.id)
    whole = here.desk.do(places.merge_grids, (south.id, east.id), name="合")
    assert grids() == [north.id, None, whole.id, whole.id]
    here.desk.do(places.redraw_grid, whole.id, area=box(0, 0.375, 2, 0.5))
    assert grids() == [north.id, None, None, whole.id]
    here.desk.do(places.redraw_grid, whole.id, area=box(0, 0, 2, 0.5))
    assert grids() == [north.id, None, whole.id, whole.id]


def test_a_grid_chosen_for_a_venue_on_a_border_stays_chosen(four: tuple[Town, list[places.Grid]]) -> None:
    here, (one, two, *_) = four
    point = at(1, 0.5)
    room = here.desk.do(places.open_venue, name="界", kind=places.VenueKind.OTHER, point=point, grid=two.id)
    here.desk.do(places.redraw_grid, two.id, area=box(1, 0, 2, 0.75))
    assert here.desk.get(places.Venue, room.id).grid == two.id
    here.desk.do(places.redraw_grid, two.id, area=box(1.5, 0, 2, 1))
    assert here.desk.get(places.Venue, room.id).grid == one.id


def test_more_than_fit_one_transaction_follow_by_timer(here: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("communitycore.domain.places.rehoming.TOGETHER", 3)
    one, two = here.draw("一", box(0, 0, 1, 1)), here.draw("二", box(1, 0, 2, 1))
    calls = [places.add_dwelling.call(building="1", room=str(n), grid=one.id) for n in range(8)]
    homes = [outcome.get() for outcome in here.desk.do_many(calls)]
    whole = here.desk.do(places.merge_grids, (one.id, two.id), name="合")
    here.hub.run_due()
    assert {here.desk.get(places.Dwelling, home.id).grid for home in homes} == {whole.id}
    told = [e.changes()["moved"] for e in here.desk.history(places.Grid, one.id) if e.name == "grid.rehomed"]
    assert told == [3, 3, 2]


# audit and notice


def test_the_audit_names_overlaps_holes_and_all_that_is_missing(here: Town) -> None:
    one = here.draw("一", box(0, 0, 1, 1), households=400, supervision_phone=PHONE)
    two = here.draw("二", box(0.5, 0, 2, 1), households=400, supervision_phone=PHONE)
    school = here.draw("学校", box(0, 0, 0.25, 0.25), kind=GridKind.DEDICATED, households=None)
    expired = GridCode(CODE, date(2020, 1, 1), date(2021, 1, 1), scheme="cell-15")
    north = here.draw("一", box(0, 1, 1, 2), codes=(expired,), households=10, supervision_phone=PHONE)
    found = here.desk.ask(places.audit)
    assert found.grids == 4
    (overlap,) = found.of(Flaw.OVERLAP)
    assert overlap.serious
    assert set(overlap.grids) == {one.id, two.id}
    assert overlap.amount == pytest.approx(box(0.5, 0, 1, 1).area_m2, rel=0.001)
    assert overlap.inside is not None
    assert set(here.where(overlap.inside)) == {one.id, two.id}
    (overlay,) = found.of(Flaw.OVERLAY)
    assert (set(overlay.grids), overlay.serious) == ({one.id, school.id}, False)
    (hole,) = found.of(Flaw.HOLE)
    assert hole.inside is not None
    assert here.where(hole.inside) == ()
    assert hole.amount == pytest.approx(box(1, 1, 2, 2).area_m2, rel=0.001)
    assert [f.grids for f in found.of(Flaw.EXPIRED_CODE)] == [(north.id,)]
    assert [f.grids for f in found.of(Flaw.NO_PHONE)] == [(school.id,)]
    assert [f.grids for f in found.of(Flaw.HOUSEHOLDS_UNKNOWN)] == [(school.id,)]
    assert [f.amount for f in found.of(Flaw.TOO_FEW_HOUSEHOLDS)] == [10]
    assert [f.amount for f in found.of(Flaw.SAME_NAME)] == [2]
    assert [f.serious for f in found.findings] == sorted((f.serious for f in found.findings), reverse=True)
    for finding in found.findings:
        assert "{" not in finding.say() + finding.say("zh") + str(finding)
    stranger = here.hub.desk(here.desk.jurisdiction, Ref(here.desk.jurisdiction, "anyone"))
    with pytest.raises(NotAllowed):
        stranger.ask(places.audit)


def test_a_clean_community_has_a_clean_audit(four: tuple[Town, list[places.Grid]]) -> None:
    here, _ = four
    assert here.desk.ask(places.audit, sliver_m2=0).findings == ()


def test_g9_anyone_reads_a_grids_name_extent_and_supervision_phone(here: Town) -> None:
    old = GridCode("370125001001001", date(2017, 1, 1), date(2018, 1, 1), scheme="cell-15")
    now = GridCode(CODE, date(2018, 1, 1), scheme="cell-15")
    grid = here.draw("第一网格", box(0, 0, 1, 1), supervision_phone=PHONE, codes=(old, now))
    stranger = here.hub.desk(here.desk.jurisdiction, Ref(here.desk.jurisdiction, "anyone"))
    notice = stranger.ask(places.public_notice, grid.id)
    assert (notice.jurisdiction, notice.name, notice.supervision_phone) == ("安康社区", "第一网格", PHONE)
    assert (notice.area, notice.codes, notice.officers) == (grid.area, (now,), ())
    named = cc.evolve(notice, officers=(places.NoticeOfficer("网格员甲", PHONE),))
    assert named.officers[0].contact == PHONE
    here.desk.do(places.retire_grid, grid.id)
    with pytest.raises(places.GridRetired):
        stranger.ask(places.public_notice, grid.id)


# the room


def test_the_room_is_consistent_and_every_refusal_speaks_both_languages() -> None:
    cc.open("memory://", rooms=[places.ROOM]).catalogue.check()
    refusals = [value for value in vars(places).values() if isinstance(value, type) and issubclass(value, Refused)]
    assert len(refusals) >= 15
    for refusal in refusals:
        assert refusal.code.startswith("places.")
        assert refusal.en != Refused.en
        assert refusal.zh != Refused.zh
    assert len({refusal.code for refusal in refusals}) == len(refusals)
