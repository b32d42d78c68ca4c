"""Where areas overlap, and what of an extent none of them covers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from math import cos, pi
from typing import NamedTuple

from communitycore.kernel.geometry.area import Area, Point
from communitycore.kernel.geometry.arrangement import Arrangement, Cover, Trapezoid
from communitycore.kernel.geometry.rings import EARTH_RADIUS_M


class Overlap(NamedTuple):
    """Two areas whose interiors meet. inside: a point of both; area_m2: of all they share, on the sphere."""

    first: str
    second: str
    inside: Point
    area_m2: float


class Gap(NamedTuple):
    """A connected piece of an extent that no area covers."""

    inside: Point
    area_m2: float


def overlaps(areas: Mapping[str, Area], *, sliver_m2: float = 0.0) -> list[Overlap]:
    """Every pair of areas that share more than an edge or corner, by their keys, the smaller key first.

    sliver_m2: overlaps of at most this size are left out; 0 leaves out none.
    Whether two areas overlap is decided exactly, in each area's even-odd reading if it is invalid. The point
    is rounded to floats, which for a sliver thinner than they resolve may move it out.
    """
    keys = sorted(areas)
    owners = [key for key in keys for _ in areas[key].polygons]
    arrangement = Arrangement(polygon for key in keys for polygon in areas[key].polygons)
    names: dict[Cover, tuple[str, ...]] = {}

    def names_of(cover: Cover) -> tuple[str, ...]:
        if cover not in names:
            names[cover] = tuple(sorted({owners[number] for number in cover}))
        return names[cover]

    pieces: dict[tuple[str, str], list[Trapezoid]] = defaultdict(list)
    for piece in arrangement.trapezoids(lambda cover: len(cover) > 1 and len(names_of(cover)) > 1):
        for first, second in combinations(names_of(piece.cover), 2):
            pieces[first, second].append(piece)
    found = (Overlap(*pair, *_measure(shared)) for pair, shared in sorted(pieces.items()))
    return [overlap for overlap in found if overlap.area_m2 > sliver_m2]


def gaps(areas: Mapping[str, Area], extent: Area, *, sliver_m2: float = 0.0) -> list[Gap]:
    """Every connected piece of `extent` that no area covers, the largest first.

    sliver_m2: pieces of at most this size are left out; 0 leaves out none. Pieces that touch in
    single points only are separate. Exact in the same sense as `overlaps`.
    """
    extent_polygons = frozenset(range(len(extent.polygons)))
    covering = [polygon for key in sorted(areas) for polygon in areas[key].polygons]
    arrangement = Arrangement([*extent.polygons, *covering])
    pieces = list(arrangement.trapezoids(lambda cover: bool(cover) and cover <= extent_polygons))
    faces: dict[int, list[Trapezoid]] = defaultdict(list)
    for piece in pieces:
        faces[arrangement.face_of(piece.face)].append(piece)
    found = [Gap(*_measure(face)) for face in faces.values()]
    found.sort(key=lambda gap: (-gap.area_m2, gap.inside.lon, gap.inside.lat))
    return [gap for gap in found if gap.area_m2 > sliver_m2]


def _measure(pieces: Iterable[Trapezoid]) -> tuple[Point, float]:
    """A point inside the largest piece, and the square metres of all."""
    total, largest, inside = 0.0, -1.0, Point(0, 0)
    for piece in pieces:
        lon, low, high = piece.across_middle()
        area, lat = float((piece.east - piece.west) * (high - low)), float((low + high) / 2)
        total += area * cos(lat * pi / 180)
        if area > largest:
            largest, inside = area, Point(float(lon), lat)
    return inside, total * (EARTH_RADIUS_M * pi / 180) ** 2
