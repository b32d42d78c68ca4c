"""What lies within a jurisdiction's extent: points, and the boundaries of grids."""

from __future__ import annotations

from collections.abc import Mapping

from communitycore.domain.places.levels import body_of
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.geometry import Area, AreaIndex, Point, gaps
from communitycore.kernel.geometry.rings import edges_of
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.view import View

BEYOND_MAX = 0.01
"""The share of a grid that may lie outside the extent: lines drawn by hand never meet exactly. The audit shows it."""

_SWAP_EN = " With longitude and latitude exchanged it would fit: give longitude first."
_SWAP_ZH = "经纬度互换后即在范围内：请将经度写在前面。"


class Outside(Refused):
    """A point or boundary outside the jurisdiction's extent. swapped: exchanged coordinates would fit."""

    code = "places.outside"
    en = "{what} lies outside {jurisdiction} (west, south, east, north: {bounds}).{hint} Check its coordinates."
    zh = "{what_zh}位于{jurisdiction}范围（西、南、东、北：{bounds}）之外。{hint_zh}请核对坐标。"
    what: str
    what_zh: str
    jurisdiction: str
    bounds: tuple[float, float, float, float]
    swapped: bool
    hint: str
    hint_zh: str


class BadBoundary(Refused):
    """A boundary that crosses itself, is open, or is otherwise no area."""

    code = "places.bad_boundary"
    en = "The boundary of {name} is not valid: {shown}. Redraw it, or have it read even-odd with repair."
    zh = "{name}的边界无效：{shown_zh}。请重新绘制，或指定修复（按奇偶规则读取）。"
    name: str
    problems: tuple[str, ...]
    shown: str
    shown_zh: str


SHOWN_MAX = 5
"""Faults named in the sentence; `problems` has all."""


def extent_index(bodies: tuple[Jurisdiction, ...]) -> AreaIndex:
    """For `view.derive`: the extents of the jurisdictions recorded here."""
    return AreaIndex({body.id: body.extent for body in bodies if body.extent is not None})


def check_point(view: View, point: Point) -> None:
    """Pass a point within this jurisdiction's extent; without a known extent, any point.

    Raises Outside, and says so if longitude and latitude were exchanged. The point itself is not in the error,
    since where somebody lives may be personal.
    """
    if not isinstance(point, Point):
        raise BadValue(field="point", why=f"{type(point).__name__} is no Point", why_zh="应为 Point")
    index = view.derive(extent_index, Jurisdiction)
    if view.jurisdiction in index.locate(point.lon, point.lat):
        return
    body = body_of(view)
    if body.extent is None:
        return
    raise _outside("The point", "该点", body, view, view.jurisdiction in index.locate(point.lat, point.lon))


def check_boundary(view: View, name: str, area: Area, *, repair: bool) -> bool:
    """Whether a grid's boundary has faults and is read as it is all the same, as `repair` allows.

    Raises BadBoundary for faults without `repair`, Outside if more than BEYOND_MAX of it lies beyond the extent.
    """
    if not isinstance(area, Area):
        raise BadValue(field="area", why=f"{type(area).__name__} is no Area", why_zh="应为 Area")
    problems = area.problems()
    if problems and not (repair and size_m2(area) > 0):
        refuse_faults(name, area)
    body = body_of(view)
    if body.extent is not None and not _fits(area, body.extent):
        turned = _exchanged(area)
        swapped = turned is not None and _fits(turned, body.extent)
        raise _outside(f"The boundary of {name}", f"{name}的边界", body, view, swapped)
    return bool(problems)


def refuse_faults(name: str, area: Area) -> None:
    """Raises BadBoundary if the area has faults."""
    problems = area.problems()
    if problems:
        more = len(problems) - SHOWN_MAX
        raise BadBoundary(
            name=name,
            problems=tuple(problem.say() for problem in problems),
            shown="; ".join(p.say() for p in problems[:SHOWN_MAX]) + (f"; and {more} more" if more > 0 else ""),
            shown_zh="；".join(p.say("zh") for p in problems[:SHOWN_MAX]) + (f"；另有 {more} 处" if more > 0 else ""),
        )


def size_m2(area: Area) -> float:
    """Its square metres as it is read: even-odd within a polygon, polygons united."""
    return uncovered_m2({}, area)


def uncovered_m2(areas: Mapping[str, Area], extent: Area) -> float:
    """How many square metres of `extent` no area covers."""
    return sum(gap.area_m2 for gap in gaps(areas, extent))


def beyond_m2(area: Area, extent: Area) -> float:
    """How many square metres of `area` lie outside `extent`."""
    return 0.0 if _surely_within(area, extent) else uncovered_m2({"extent": extent}, area)


def _fits(area: Area, extent: Area) -> bool:
    if _apart(area.bounds, extent.bounds):
        return False
    beyond = beyond_m2(area, extent)
    return beyond == 0 or beyond <= BEYOND_MAX * size_m2(area)


def _apart(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def _surely_within(area: Area, extent: Area) -> bool:
    """True only if no edge of the extent comes near the area's bounds, and the extent surrounds them.

    Most grids lie inside; measuring each against a district's thousands of edges would cost a hundred times more.
    """
    west, south, east, north = area.bounds
    if not extent.contains((west + east) / 2, (south + north) / 2):
        return False
    for polygon in extent.polygons:
        for ring in polygon:
            for (lon, lat), (next_lon, next_lat) in edges_of(ring):
                # An edge along the bounds, or beyond them, does not cut into the area.
                if (
                    max(lon, next_lon) > west
                    and min(lon, next_lon) < east
                    and max(lat, next_lat) > south
                    and min(lat, next_lat) < north
                ):
                    return False
    return True


def _exchanged(area: Area) -> Area | None:
    west, _, east, _ = area.bounds
    if west < -90 or east > 90:
        return None  # no longitude beyond 90 degrees can be a latitude
    return Area([[[(lat, lon) for lon, lat in ring] for ring in polygon] for polygon in area.polygons])


def _outside(what: str, what_zh: str, body: Jurisdiction, view: View, swapped: bool) -> Outside:
    assert body.extent is not None
    return Outside(
        what=what,
        what_zh=what_zh,
        jurisdiction=body.name(view.now),
        bounds=body.extent.bounds,
        swapped=swapped,
        hint=_SWAP_EN if swapped else "",
        hint_zh=_SWAP_ZH if swapped else "",
    )
