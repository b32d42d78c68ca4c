"""All edges of many polygons cut where they meet, and the faces between them: exact."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cmp_to_key
from itertools import pairwise

from attrs import define

from communitycore.kernel.geometry.orientation import Meeting, Number, Vertex, box_pairs, crossing, meet, turn
from communitycore.kernel.geometry.rings import Polygon, edges_of
from communitycore.kernel.values import frozen

Segment = tuple[Vertex, Vertex]
"""From the western (then southern) end to the other."""

Cover = frozenset[int]
"""The numbers of the polygons that cover a place."""


@frozen
class Trapezoid:
    """A piece of a face between two meridians and two segments."""

    cover: Cover
    face: int
    west: Fraction
    east: Fraction
    lower: Segment
    upper: Segment

    def across_middle(self) -> tuple[Fraction, Fraction, Fraction]:
        """The longitude halfway, and the latitudes of both segments there."""
        lon = (self.west + self.east) / 2
        return lon, _height(self.lower, lon), _height(self.upper, lon)


def _height(segment: Segment, lon: Fraction) -> Fraction:
    ax, ay, bx, by = (Fraction(value) for vertex in segment for value in vertex)
    return ay + (by - ay) * (lon - ax) / (bx - ax)


@define
class _Gap:
    """The open space between two neighbouring segments under the sweep."""

    cover: Cover
    face: int
    since: Number


class Arrangement:
    """The faces into which polygons cut the plane, each polygon read by the even-odd rule.

    A sweep from west to east (Shamos and Hoey 1976) over segments that meet in their ends only. Points of
    one meridian are taken from south to north, which amounts to an endlessly small tilt: a segment
    along a meridian needs no rule of its own.
    """

    def __init__(self, polygons: Iterable[Polygon]) -> None:
        self._segments = _cut(_toggles(polygons))
        self._merged: list[int] = []

    def face_of(self, face: int) -> int:
        """The number of the whole face, known once all trapezoids are drawn: two may turn out to be one."""
        while self._merged[face] != face:
            face = self._merged[face]
        return face

    def trapezoids(self, wanted: Callable[[Cover], bool]) -> Iterator[Trapezoid]:
        """The pieces, of positive width, of all faces whose cover is wanted."""
        starting: dict[Vertex, list[Segment]] = defaultdict(list)
        ending: dict[Vertex, int] = defaultdict(int)
        for segment in self._segments:
            starting[segment[0]].append(segment)
            ending[segment[1]] += 1
        self._merged = [0]
        status: list[Segment] = []
        gaps = [_Gap(frozenset(), 0, 0.0)]
        for vertex in sorted({*starting, *ending}):
            first = bisect_left(status, True, key=lambda segment: turn(segment[0], segment[1], vertex) <= 0)
            last = first + ending.get(vertex, 0)
            for k in range(max(first, 1), min(last, len(status) - 1) + 1):
                gap = gaps[k]
                if gap.since < vertex[0] and wanted(gap.cover):
                    west, east = Fraction(gap.since), Fraction(vertex[0])
                    yield Trapezoid(gap.cover, gap.face, west, east, status[k - 1], status[k])
            fresh = sorted(starting.get(vertex, ()), key=_from_below)
            opened = self._open(fresh, gaps[first], gaps[last], vertex[0])
            status[first:last] = fresh
            gaps[first : last + 1] = opened

    def _open(self, fresh: Sequence[Segment], below: _Gap, above: _Gap, since: Number) -> list[_Gap]:
        """The gaps around segments that begin in one vertex; without any, the faces around it are one."""
        if not fresh:
            self._merged[self.face_of(above.face)] = self.face_of(below.face)
            return [_Gap(below.cover, below.face, since)]
        opened = [_Gap(below.cover, below.face, since)]
        for segment in fresh[:-1]:
            self._merged.append(len(self._merged))
            opened.append(_Gap(opened[-1].cover ^ self._segments[segment], self._merged[-1], since))
        opened.append(_Gap(above.cover, above.face, since))
        return opened


@cmp_to_key
def _from_below(one: Segment, other: Segment) -> int:
    return -turn(one[0], one[1], other[1])


def _toggles(polygons: Iterable[Polygon]) -> dict[Segment, Cover]:
    """Each edge once, with the polygons that are entered or left across it."""
    toggles: dict[Segment, Cover] = {}
    for number, polygon in enumerate(polygons):
        for ring in polygon:
            for start, end in edges_of(ring):
                _toggle(toggles, (min(start, end), max(start, end)), frozenset((number,)))
    return toggles


def _toggle(toggles: dict[Segment, Cover], segment: Segment, cover: Cover) -> None:
    cover = toggles.get(segment, frozenset()) ^ cover
    if cover:
        toggles[segment] = cover
    else:
        toggles.pop(segment, None)


def _cut(toggles: dict[Segment, Cover]) -> dict[Segment, Cover]:
    segments = list(toggles)
    cuts: dict[int, set[Vertex]] = defaultdict(set)
    for i, j in box_pairs(segments):
        one, other = segments[i], segments[j]
        how, points = meet(*one, *other)
        if how is Meeting.CROSS:
            points = (crossing(*one, *other),)
        for point in points:
            if point not in one:
                cuts[i].add(point)
            if point not in other:
                cuts[j].add(point)
    pieces: dict[Segment, Cover] = {}
    for i, segment in enumerate(segments):
        stops = [segment[0], *sorted(cuts.get(i, ())), segment[1]]
        for start, end in pairwise(stops):
            _toggle(pieces, (start, end), toggles[segment])
    return pieces
