"""What a ring of positions is, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import cos, pi, sin

from communitycore.kernel.geometry.orientation import orient

Position = tuple[float, float]
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]

EARTH_RADIUS_M = 6371007.2
"""Radius of the sphere that has the surface of the WGS-84 ellipsoid."""


def edges_of(ring: Iterable[Position]) -> Iterator[tuple[Position, Position]]:
    """The edges of a ring in its direction, closing it if it is open, without those of no length."""
    positions = list(ring)
    for start, end in zip(positions, positions[1:] + positions[:1], strict=True):
        if start != end:
            yield start, end


def locate_in(polygon: Polygon, lon: float, lat: float) -> int:
    """1 if the point lies inside, 0 on an edge or corner, -1 outside: exact.

    Inside is what the even-odd rule over all rings says.
    """
    inside = False
    for ring in polygon:
        before_lon, before_lat = ring[-1]
        for at_lon, at_lat in ring:
            if (before_lat > lat) != (at_lat > lat):
                side = orient(before_lon, before_lat, at_lon, at_lat, lon, lat)
                if side == 0:
                    return 0
                if (side > 0) == (at_lat > before_lat):
                    inside = not inside
            elif at_lat == lat and (at_lon == lon or (before_lat == lat and (before_lon > lon) != (at_lon > lon))):
                return 0
            before_lon, before_lat = at_lon, at_lat
    return 1 if inside else -1


def ring_m2(ring: Ring) -> float:
    """The sphere's surface inside a ring whose edges are straight in longitude and latitude.

    The integral of sin(latitude) over longitude along each edge, against the first latitude so that
    a small ring far from the equator keeps its digits.
    """
    base = ring[0][1] * pi / 180
    total = 0.0
    for (lon, lat), (next_lon, next_lat) in edges_of(ring):
        low, high = lat * pi / 180, next_lat * pi / 180
        middle, half = (low + high) / 2, (high - low) / 2
        mean_sine = 2 * cos((middle + base) / 2) * sin((middle - base) / 2)
        if half:
            mean_sine = (sin(middle) * (sin(half) / half - 1)) + mean_sine
        total += (next_lon - lon) * pi / 180 * mean_sine
    return abs(total) * EARTH_RADIUS_M**2


def winds_left(ring: Iterable[Position]) -> bool:
    """True if a simple ring runs counter-clockwise: exact, by the turn at its lowest western position."""
    positions = [start for start, _ in edges_of(ring)]
    k = min(range(len(positions)), key=positions.__getitem__)
    before, at, after = positions[k - 1], positions[k], positions[(k + 1) % len(positions)]
    return orient(*before, *at, *after) > 0
