"""Grids that split and merge: the old ones are retired with their history, the new ones say where they came from."""

from __future__ import annotations

from communitycore.domain.places.codes import GridCode
from communitycore.domain.places.dissolving import united
from communitycore.domain.places.extents import beyond_m2, check_boundary, refuse_faults, uncovered_m2
from communitycore.domain.places.grids import Grid, GridId, active_grid, drawn, retired
from communitycore.kernel.change import Change, many
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.geometry import Area, overlaps
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

TOLERANCE_M2 = 1.0
"""What old and new boundaries may differ by: less than a doorstep, more than coordinates are rounded by.

A new corner on an old edge can hardly be written in floats without leaving a sliver of some square millimetres.
"""


@frozen
class Part:
    """One of the grids that a grid is split into. supervision_phone: the old grid's, unless given."""

    name: str
    area: Area
    households: int | None = None
    supervision_phone: str | None = None
    codes: tuple[GridCode, ...] = ()


class PartsDoNotFit(Refused):
    """The new boundaries are not the old ones divided or joined. All amounts in whole square metres, rounded up."""

    code = "places.parts_do_not_fit"
    en = (
        "The new boundaries do not fit {name}: {missing_m2} square metres are left over, {beyond_m2} lie beyond, "
        "{shared_m2} are in two. Correct them, or redraw the grid first."
    )
    zh = (
        "新边界与{name}不吻合：遗漏 {missing_m2} 平方米，超出 {beyond_m2} 平方米，"
        "重叠 {shared_m2} 平方米。请更正边界，或先重绘原网格。"
    )
    name: str
    missing_m2: int
    beyond_m2: int
    shared_m2: int


class KindsDiffer(Refused):
    """Basic and dedicated grids cannot become one."""

    code = "places.kinds_differ"
    en = "A basic and a dedicated grid cannot be merged: {names}. Merge grids of one kind."
    zh = "基础网格与专属网格不能合并：{names}。请合并同一类型的网格。"
    names: tuple[str, ...]


@command("places.split_grid", may=role(ADMINISTRATOR))
def split_grid(
    view: View, grid_id: GridId, *, parts: tuple[Part, ...], tolerance_m2: float = TOLERANCE_M2
) -> Change[tuple[Grid, ...]]:
    """Split a grid into at least two that together cover it and nothing else, sharing borders only.

    The old grid is retired ("grid.split"), and its codes end today, so that a part may take one on.
    Raises PartsDoNotFit beyond the tolerance, BadBoundary, GridRetired.
    """
    old = active_grid(view, grid_id)
    if len(parts) < 2:
        raise BadValue(field="parts", why="a split gives at least two grids", why_zh="拆分后至少应有两个网格")
    for part in parts:
        refuse_faults(part.name, part.area)
    _check_fit(old.name, {old.id: old.area}, [part.area for part in parts], tolerance_m2)
    change: Change[Grid] = retired(view, "grid.split", old)
    made = []
    for part in parts:
        grid = Grid(
            id=view.new(Grid),
            name=part.name,
            kind=old.kind,
            area=part.area,
            codes=tuple(part.codes),
            households=part.households,
            supervision_phone=old.supervision_phone if part.supervision_phone is None else part.supervision_phone,
            came_from=(old.id,),
        )
        begun = drawn(view.after(change), grid)
        made.append(begun.result)
        change = change.also(begun)
    return change.giving(tuple(made))


@command("places.merge_grids", may=role(ADMINISTRATOR))
def merge_grids(
    view: View,
    grids: tuple[GridId, ...],
    *,
    name: str,
    area: Area | None = None,
    households: int | None = None,
    supervision_phone: str | None = None,
    codes: tuple[GridCode, ...] = (),
    tolerance_m2: float = TOLERANCE_M2,
) -> Change[Grid]:
    """Merge at least two grids of one kind into one called `name`; the old are retired ("grid.merged").

    area: theirs united, unless given; a given one must cover them and nothing else, within the tolerance. If they
    meet so roughly that uniting leaves faults, the new grid reads exactly as they did and is marked repaired.
    households: their sum, unless given. supervision_phone: the first's that has one, unless given.
    Raises KindsDiffer, PartsDoNotFit, BadBoundary, GridRetired.
    """
    if len(set(grids)) < 2 or len(set(grids)) < len(grids):
        raise BadValue(field="grids", why="name at least two grids, each once", why_zh="请列出至少两个不同的网格")
    old = [active_grid(view, grid_id) for grid_id in grids]
    if len({grid.kind for grid in old}) > 1:
        raise KindsDiffer(names=tuple(f"{grid.name} ({grid.kind})" for grid in old))
    if area is None:
        area = united(grid.area for grid in old)
        repaired = bool(area.problems())
    else:
        repaired = check_boundary(view, name, area, repair=False)
        _check_fit(name, {grid.id: grid.area for grid in old}, [area], tolerance_m2)
    if households is None and all(grid.households is not None for grid in old):
        households = sum(grid.households or 0 for grid in old)
    if supervision_phone is None:
        supervision_phone = next((grid.supervision_phone for grid in old if grid.supervision_phone), None)
    change = many([retired(view, "grid.merged", grid) for grid in old])
    new = Grid(
        id=view.new(Grid),
        name=name,
        kind=old[0].kind,
        area=area,
        codes=tuple(codes),
        households=households,
        supervision_phone=supervision_phone,
        repaired=repaired,
        came_from=tuple(grid.id for grid in old),
    )
    begun = drawn(view.after(change), new)
    return change.also(begun).giving(begun.result)


def _check_fit(name: str, old: dict[GridId, Area], new: list[Area], tolerance_m2: float) -> None:
    """Raises PartsDoNotFit unless the new areas cover the old ones and nothing else, once."""
    olds: dict[str, Area] = {str(id): area for id, area in old.items()}
    news = {f"{n:06}": area for n, area in enumerate(new)}
    missing = sum(uncovered_m2(news, area) for area in olds.values())
    if len(olds) == 1:
        beyond = sum(beyond_m2(area, next(iter(olds.values()))) for area in new)
    else:
        beyond = sum(uncovered_m2(olds, area) for area in new)
    shared = sum(overlap.area_m2 for overlap in overlaps(news))
    if max(missing, beyond, shared) > tolerance_m2:
        up = [int(-(-amount // 1)) for amount in (missing, beyond, shared)]
        raise PartsDoNotFit(name=name, missing_m2=up[0], beyond_m2=up[1], shared_m2=up[2])
