"""Grids 网格: the small areas a community is cut into, their boundaries, names and codes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NewType

from attrs import evolve

from communitycore.domain.places.codes import GridCode, GridCodeTaken, check_codes, ended, meet, recoded
from communitycore.domain.places.extents import check_boundary
from communitycore.domain.places.levels import body_of, check_community
from communitycore.domain.places.words import Word, check_count, check_name
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import Refused
from communitycore.kernel.geometry import Area
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.record import PUBLIC, Indexed, Max, Record, record
from communitycore.kernel.rules import role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

GridId = NewType("GridId", str)


class GridKind(Word):
    """What a grid is for: everybody who lives in it, or one place of its own kind (DB6101/T 3185-2024, 5.1)."""

    BASIC = "basic", "基础网格"
    DEDICATED = "dedicated", "专属网格"


class GridStatus(Word):
    """Whether a grid is worked in."""

    ACTIVE = "active", "启用"
    RETIRED = "retired", "停用"


GRID_STATES = States(GridStatus, start={GridStatus.ACTIVE}, then={GridStatus.ACTIVE: {GridStatus.RETIRED}})


@record("grid", states=GRID_STATES, read=PUBLIC, standing=True)
@frozen(kw_only=True)
class Grid(Record[GridId]):
    """A grid 网格 of the community whose jurisdiction it lies in.

    area: closed, its edges and corners belong to it. repaired: the area has faults and is read even-odd, polygons
    united. households: None if not counted. supervision_phone: whom to call about the officers' work, published (G9).
    came_from: the retired grids it was split or merged from. Boundaries are versioned: the journal keeps each.
    """

    name: Annotated[str, Max(200)]
    kind: Indexed[GridKind]
    area: Area
    status: Indexed[GridStatus] = GridStatus.ACTIVE
    codes: tuple[GridCode, ...] = ()
    households: int | None = None
    supervision_phone: Annotated[str, Max(40)] | None = None
    repaired: bool = False
    came_from: tuple[GridId, ...] = ()

    def code(self, scheme: str, day: date) -> str | None:
        """Its code under a scheme on `day`."""
        return next((c.value for c in self.codes if c.scheme == scheme and c.covers(day)), None)


class GridRetired(Refused):
    """The grid is no longer worked in."""

    code = "places.grid_retired"
    en = "The grid {name} is retired and no longer changes. Use the one that follows it."
    zh = "网格{name}已停用，不能再变更，请使用后续网格。"
    name: str
    grid: str


def active_grids(grids: tuple[Grid, ...]) -> tuple[Grid, ...]:
    """For `view.derive`: those that are worked in."""
    return tuple(grid for grid in grids if grid.status is GridStatus.ACTIVE)


def active_grid(view: View, grid_id: GridId) -> Grid:
    """The grid, which is worked in. Raises NotFound, GridRetired."""
    grid = view.get(Grid, grid_id)
    if grid.status is not GridStatus.ACTIVE:
        raise GridRetired(name=grid.name, grid=grid.id)
    return grid


def came_from(grids: tuple[Grid, ...]) -> dict[GridId, tuple[Grid, ...]]:
    """For `view.derive`: a grid -> those that were split or merged from it."""
    following: dict[GridId, list[Grid]] = {}
    for grid in grids:
        for old in grid.came_from:
            following.setdefault(old, []).append(grid)
    return {old: tuple(new) for old, new in following.items()}


def successors_of(view: View, grid: Grid) -> tuple[Grid, ...]:
    """The grids worked in that a retired one lives on in, through all later splits and mergers, by id."""
    return tuple(end for end in _ends(view, grid) if end.status is GridStatus.ACTIVE and end.id != grid.id)


def heir_of(view: View, grid: Grid) -> GridId | None:
    """The one active grid that took a retired one's whole place, as a merger's result does."""
    ends = _ends(view, grid)
    whole = len(ends) == 1 and ends[0].id != grid.id and ends[0].status is GridStatus.ACTIVE
    return ends[0].id if whole else None


def _ends(view: View, grid: Grid) -> tuple[Grid, ...]:
    """Where the lines of succession from a grid end; itself if nothing came from it."""
    following = view.derive(came_from, Grid)
    seen, waiting, ends = {grid.id}, [grid], []
    while waiting:
        at = waiting.pop()
        if at.id not in following:
            ends.append(at)
        fresh = [new for new in following.get(at.id, ()) if new.id not in seen]
        seen.update(new.id for new in fresh)
        waiting += fresh
    return tuple(sorted(ends, key=lambda end: end.id))


def codes_in_use(grids: tuple[Grid, ...]) -> dict[tuple[str, str], list[tuple[GridCode, Grid]]]:
    """For `view.derive`: scheme and code -> the grids that have or had it, with its dates."""
    index: dict[tuple[str, str], list[tuple[GridCode, Grid]]] = {}
    for grid in grids:
        for code in grid.codes:
            index.setdefault((code.scheme, code.value), []).append((code, grid))
    return index


def _check_codes(view: View, grid: Grid) -> None:
    """Check a grid's codes by themselves, and that no other grid here has one of them on the same day."""
    check_codes(view, grid.codes)
    in_use = view.derive(codes_in_use, Grid) if grid.codes else {}
    for code in grid.codes:
        for other, holder in in_use.get((code.scheme, code.value), ()):
            if holder.id != grid.id and meet(code, other):
                raise GridCodeTaken(given=code.value, grid=holder.name, grid_id=holder.id)


def drawn(view: View, grid: Grid) -> Change[Grid]:
    """A new grid begun, its name, count and codes checked."""
    check_name(grid.name)
    check_count(grid.households, "households")
    _check_codes(view, grid)
    return begin("grid.drawn", grid)


def retired(view: View, name: str, grid: Grid) -> Change[Grid]:
    """A grid retired under the entry `name`; its codes end today, so that another may take them."""
    codes = ended(grid.codes, body_of(view).day(view.now))
    return step(name, grid, evolve(grid, status=GridStatus.RETIRED, codes=codes))


@command("places.draw_grid", may=role(ADMINISTRATOR))
def draw_grid(
    view: View,
    *,
    name: str,
    area: Area,
    kind: GridKind = GridKind.BASIC,
    households: int | None = None,
    supervision_phone: str | None = None,
    codes: tuple[GridCode, ...] = (),
    repair: bool = False,
) -> Change[Grid]:
    """Draw a grid of this community. It may overlap others; `locate` then names all, and the audit tells.

    repair: an area with faults is read even-odd and recorded as repaired, instead of refused.
    Raises NotACommunity, BadBoundary, Outside, UnknownScheme, BadCode, GridCodeTaken.
    """
    check_community(view)
    repaired = check_boundary(view, name, area, repair=repair)
    grid = Grid(
        id=view.new(Grid),
        name=name,
        kind=kind,
        area=area,
        codes=tuple(codes),
        households=households,
        supervision_phone=supervision_phone,
        repaired=repaired,
    )
    return drawn(view, grid)


@command("places.redraw_grid", may=role(ADMINISTRATOR))
def redraw_grid(view: View, grid_id: GridId, *, area: Area, repair: bool = False) -> Change[Grid]:
    """Give a grid another boundary; the journal keeps the old one. Raises BadBoundary, Outside, GridRetired."""
    grid = active_grid(view, grid_id)
    after = evolve(grid, area=area, repaired=check_boundary(view, grid.name, area, repair=repair))
    return unchanged(grid) if after == grid else step("grid.redrawn", grid, after)


@command("places.rename", may=role(ADMINISTRATOR))
def rename(view: View, grid_id: GridId, *, name: str) -> Change[Grid]:
    """Give a grid another name. Raises GridRetired."""
    grid = active_grid(view, grid_id)
    after = evolve(grid, name=check_name(name))
    return unchanged(grid) if after == grid else step("grid.renamed", grid, after)


@command("places.set_households", may=role(ADMINISTRATOR))
def set_households(view: View, grid_id: GridId, *, households: int | None) -> Change[Grid]:
    """Set how many households a grid has; outside the usual range is a warning (`warnings`), never a refusal."""
    grid = active_grid(view, grid_id)
    after = evolve(grid, households=check_count(households, "households"))
    return unchanged(grid) if after == grid else step("grid.counted", grid, after)


@command("places.set_supervision_phone", may=role(ADMINISTRATOR))
def set_supervision_phone(view: View, grid_id: GridId, *, phone: str | None) -> Change[Grid]:
    """Set the telephone of those who supervise a grid's officers, which is published (G9)."""
    grid = active_grid(view, grid_id)
    after = evolve(grid, supervision_phone=phone)
    return unchanged(grid) if after == grid else step("grid.phone_set", grid, after)


@command("places.recode_grid", may=role(ADMINISTRATOR))
def recode_grid(
    view: View, grid_id: GridId, *, scheme: str, code: str | None, since: date | None = None
) -> Change[Grid]:
    """Give a grid a code under a scheme from `since` on, today unless given; the one before ends then and is kept.

    code: None ends the scheme's code without another.
    Raises UnknownScheme, BadCode, GridCodeTaken, BadValue if a later change is known already.
    """
    grid = active_grid(view, grid_id)
    day = since or body_of(view).day(view.now)
    after = evolve(grid, codes=recoded(grid.codes, scheme, code, day))
    _check_codes(view, after)
    return unchanged(grid) if after == grid else step("grid.recoded", grid, after)


@command("places.retire_grid", may=role(ADMINISTRATOR))
def retire_grid(view: View, grid_id: GridId) -> Change[Grid]:
    """Retire a grid that nothing follows; split_grid and merge_grids keep the succession. Raises GridRetired."""
    return retired(view, "grid.retired", active_grid(view, grid_id))
