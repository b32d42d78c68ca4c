"""Several areas as one: borders they share exactly fall away."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from communitycore.kernel.geometry import Area, Polygon, Position, Ring, orient
from communitycore.kernel.geometry.rings import edges_of, ring_m2, winds_left

Pick = Callable[[Position, Position, Sequence[Position]], Position]


def united(areas: Iterable[Area]) -> Area:
    """One area with all their points and no others.

    Where valid neighbours share borders exactly, the borders fall away and the result is valid. Otherwise it holds
    all their polygons side by side, which reads the same (polygons are united) but has faults.
    """
    listed = list(areas)
    side_by_side = Area([polygon for area in listed for polygon in area.polygons])
    if not side_by_side.problems():
        return side_by_side
    if any(area.problems() for area in listed):
        return side_by_side
    for pick in (_leftmost, _rightmost):
        rings = _rings(_open_edges(side_by_side.polygons), pick)
        polygons = None if rings is None else _nested(rings)
        if polygons is not None:
            made = Area(polygons)
            if not made.problems():
                return made
    return side_by_side


def _open_edges(polygons: Iterable[Polygon]) -> dict[Position, list[Position]]:
    """Edges with the inside on their left, cut at every corner that lies on them, without those that run both ways."""
    turned = [
        ring if winds_left(ring) == (n == 0) else ring[::-1] for polygon in polygons for n, ring in enumerate(polygon)
    ]
    corners = sorted({corner for ring in turned for corner in ring})
    edges: set[tuple[Position, Position]] = set()
    for ring in turned:
        for whole in edges_of(ring):
            for start, end in pairwise(_cut(whole, corners)):
                if (end, start) in edges:
                    edges.remove((end, start))
                else:
                    edges.add((start, end))
    following: dict[Position, list[Position]] = defaultdict(list)
    for start, end in sorted(edges):
        following[start].append(end)
    return following


def _cut(edge: tuple[Position, Position], corners: Sequence[Position]) -> list[Position]:
    """The ends of an edge and, between them, the corners that lie exactly on it."""
    start, end = edge
    low, high = min(edge), max(edge)
    south, north = sorted((start[1], end[1]))
    within = corners[bisect_right(corners, low) : bisect_left(corners, high)]
    on = [at for at in within if south <= at[1] <= north and orient(*start, *end, *at) == 0]
    return [start, *(on if start < end else on[::-1]), end]


def _rings(following: dict[Position, list[Position]], pick: Pick) -> list[Ring] | None:
    """The edges chained; None if they do not close. `pick` chooses where rings touch."""
    rings: list[Ring] = []
    while following:
        start = min(following)
        ring, before, at = [start], start, following[start][0]
        _take(following, start, at)
        while at != start:
            ring.append(at)
            if at not in following:
                return None
            after = pick(before, at, following[at])
            _take(following, at, after)
            before, at = at, after
        rings.append(_straightened((*ring, start)))
    return rings


def _take(following: dict[Position, list[Position]], start: Position, end: Position) -> None:
    following[start].remove(end)
    if not following[start]:
        del following[start]


def _straightened(ring: Ring) -> Ring:
    """The ring without corners at which it runs straight on, such as where a border that fell away ended."""
    corners = ring[:-1]
    kept = [at for n, at in enumerate(corners) if orient(*corners[n - 1], *at, *corners[(n + 1) % len(corners)]) != 0]
    return (*kept, kept[0]) if len(kept) >= 3 else ring


def _leftmost(before: Position, at: Position, choices: Sequence[Position]) -> Position:
    best = choices[0]
    for other in choices[1:]:
        if _more_left(before, at, other, best):
            best = other
    return best


def _rightmost(before: Position, at: Position, choices: Sequence[Position]) -> Position:
    best = choices[0]
    for other in choices[1:]:
        if _more_left(before, at, best, other):
            best = other
    return best


def _more_left(before: Position, at: Position, one: Position, other: Position) -> bool:
    """Whether going on to `one` turns further left than going on to `other`."""
    side_one, side_other = orient(*before, *at, *one), orient(*before, *at, *other)
    if side_one != side_other:
        return side_one > side_other
    return orient(*at, *other, *one) > 0


def _nested(rings: Sequence[Ring]) -> list[Polygon] | None:
    """Rings that run left as shells, the others as holes of the smallest shell around them."""
    shells = sorted((ring for ring in rings if winds_left(ring)), key=ring_m2)
    holes: list[list[Ring]] = [[] for _ in shells]
    areas = [Area([[shell]]) for shell in shells]
    for ring in rings:
        if winds_left(ring):
            continue
        around = (n for n, area in enumerate(areas) if all(area.contains(*position) for position in ring))
        n = next(around, None)
        if n is None:
            return None
        holes[n].append(ring)
    return [(shell, *inner) for shell, inner in zip(shells, holes, strict=True)]
