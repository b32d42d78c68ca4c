"""Points and areas on the map: WGS-84, longitude first, immutable, compared by value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import Factory, field

from communitycore.kernel.errors import Refused
from communitycore.kernel.geometry.rings import Polygon, Position, locate_in, ring_m2
from communitycore.kernel.geometry.validity import InvalidArea, Problem, find_problems
from communitycore.kernel.values import frozen


class BadCoordinate(Refused):
    """A longitude or latitude that is no number, or lies outside its range."""

    code = "geometry.coordinate"
    en = "{axis} {found} is not a number from -{limit} to {limit}. Give degrees of WGS-84, longitude first."
    zh = "{axis} {found} 不是 -{limit} 到 {limit} 之间的数字。请使用 WGS-84 坐标（度），经度在前。"
    axis: str
    found: str
    limit: int


class BadShape(Refused):
    """What should be polygons of rings of positions is nested otherwise."""

    code = "geometry.shape"
    en = "{where} is not {wanted}. Give polygons as lists of rings, rings as lists of [longitude, latitude]."
    zh = "{where} 不是 {wanted}。多边形应为环的列表，环应为 [经度, 纬度] 的列表。"
    where: str
    wanted: str


class BadAreaText(Refused):
    """A stored area that is not the text `Area.to_text` writes."""

    code = "geometry.text"
    en = "The text of an area is not JSON: {why}. Store what Area.to_text() returned, unchanged."
    zh = "区域文本不是 JSON：{why}。请原样保存 Area.to_text() 的结果。"
    why: str


def _degrees(value: object, axis: str, limit: int) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and -limit <= value <= limit:
        return float(value) + 0.0  # -0.0 + 0.0 is 0.0
    plain = isinstance(value, (float, str)) or (isinstance(value, int) and abs(value) < 10**30)
    found = repr(value)[:60] if plain else f"({type(value).__name__})"
    raise BadCoordinate(axis=axis, found=found, limit=limit)


def longitude(value: object) -> float:
    """`value` as degrees from -180 to 180; raises BadCoordinate."""
    return _degrees(value, "longitude", 180)


def latitude(value: object) -> float:
    """`value` as degrees from -90 to 90; raises BadCoordinate."""
    return _degrees(value, "latitude", 90)


@frozen
class Point:
    """A place on the map: WGS-84 degrees, longitude first. Raises BadCoordinate."""

    lon: float = field(converter=longitude)
    lat: float = field(converter=latitude)

    @classmethod
    def from_text(cls, text: str) -> Point:
        """The point that `to_text` wrote. Raises BadAreaText, BadShape or BadCoordinate."""
        try:
            position = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadAreaText(why=str(error)) from error
        return cls(*_position(position, "point", 0))

    def to_text(self) -> str:
        """The one text of this point: `[lon,lat]`, numbers in their shortest restoring form."""
        return f"[{self.lon!r},{self.lat!r}]"


def _listed(value: object, where: str, wanted: str) -> Sequence[Any]:
    if isinstance(value, (list, tuple)) and value:
        return value
    raise BadShape(where=where, wanted=wanted)


def _polygons(value: object) -> tuple[Polygon, ...]:
    polygons = []
    for p, polygon in enumerate(_listed(value, "polygons", "a list of at least one polygon")):
        rings = []
        for r, ring in enumerate(_listed(polygon, f"polygons[{p}]", "a list of at least one ring")):
            where = f"polygons[{p}][{r}]"
            positions = _listed(ring, where, "a list of at least one position")
            rings.append(tuple(_position(position, where, k) for k, position in enumerate(positions)))
        polygons.append(tuple(rings))
    return tuple(polygons)


def _position(value: object, where: str, number: int) -> Position:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return longitude(value[0]), latitude(value[1])
    raise BadShape(where=f"{where}[{number}]", wanted="[longitude, latitude]")


def _bounds(area: Area) -> tuple[float, float, float, float]:
    positions = [position for polygon in area.polygons for ring in polygon for position in ring]
    lons, lats = zip(*positions, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


@frozen(repr=False)
class Area:
    """A closed surface on the map: polygons of rings of (lon, lat), its edges and corners belong to it.

    polygons: each a shell and its holes. Nested lists will do; they are copied into tuples.
    Raises BadShape or BadCoordinate. Everything else is accepted and readable, and `problems()` names it:
    within one polygon the even-odd rule over all its rings decides, an open ring is read as closed,
    and the polygons are united. Edges are straight in longitude and latitude; none crosses the 180th meridian.
    """

    polygons: tuple[Polygon, ...] = field(converter=_polygons)
    bounds: tuple[float, float, float, float] = field(init=False, eq=False, default=Factory(_bounds, takes_self=True))
    """West, south, east, north."""

    @classmethod
    def box(cls, west: float, south: float, east: float, north: float) -> Area:
        """The rectangle between two meridians and two parallels."""
        return cls([[[(west, south), (east, south), (east, north), (west, north), (west, south)]]])

    @classmethod
    def from_text(cls, text: str) -> Area:
        """The area that `to_text` wrote. Raises BadAreaText, BadShape or BadCoordinate."""
        try:
            polygons = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadAreaText(why=str(error)) from error
        return cls(polygons)

    def to_text(self) -> str:
        """The one text of this area: JSON lists without spaces, numbers in their shortest restoring form."""
        return json.dumps(self.polygons, separators=(",", ":"))

    def contains(self, lon: float, lat: float) -> bool:
        """True if the point lies inside or on an edge or corner: exact, without any tolerance."""
        west, south, east, north = self.bounds
        if not (west <= lon <= east and south <= lat <= north):
            return False
        return any(locate_in(polygon, lon, lat) >= 0 for polygon in self.polygons)

    def problems(self) -> tuple[Problem, ...]:
        """What makes this area invalid by the rules of OGC Simple Features; empty if it is valid."""
        return find_problems(self.polygons)

    def checked(self, name: str) -> Area:
        """This area if it is valid; otherwise raises InvalidArea, which calls it by `name`."""
        problems = self.problems()
        if problems:
            first, first_zh = problems[0].say(), problems[0].say("zh")
            raise InvalidArea(name=name, count=len(problems), first=first, first_zh=first_zh, problems=problems)
        return self

    @property
    def area_m2(self) -> float:
        """Its surface on a sphere of the Earth's surface, within 1 % of the ellipsoid's.

        Shells count, holes are taken off: of an invalid area it is an estimate.
        """
        return sum(ring_m2(polygon[0]) - sum(map(ring_m2, polygon[1:])) for polygon in self.polygons)

    def __repr__(self) -> str:
        positions = sum(len(ring) for polygon in self.polygons for ring in polygon)
        return f"<Area of {len(self.polygons)} polygon(s), {positions} positions, bounds {self.bounds}>"


def looks_swapped(lon: float, lat: float, extent: Area) -> bool:
    """True if the point lies outside `extent`, and inside once latitude and longitude change places."""
    return not extent.contains(lon, lat) and extent.contains(lat, lon)
