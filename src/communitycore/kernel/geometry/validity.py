"""What makes polygons invalid by OGC Simple Features (6.1.11), each fault with its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import Literal

from attrs import define

from communitycore.kernel.errors import Language, Refused
from communitycore.kernel.geometry.orientation import Meeting, Vertex, box_pairs, crossing, in_sector, meet, turn
from communitycore.kernel.geometry.rings import Polygon, Position, Ring, edges_of, locate_in, winds_left
from communitycore.kernel.values import frozen

Fault = Literal[
    "open_ring", "too_few_positions", "zero_area", "self_crossing", "self_touching", "overlapping_edges",
    "rings_crossing", "hole_outside_shell", "hole_in_hole", "interior_cut", "polygons_overlapping",
]  # fmt: skip

_SENTENCES: dict[Fault, tuple[str, str]] = {
    "open_ring": ("the ring is open: repeat its first position at the end", "环未闭合：请在末尾重复首个坐标"),
    "too_few_positions": ("a ring needs three different corners", "环至少需要三个不同的角点"),
    "zero_area": ("all positions lie on one line", "所有坐标都在一条直线上"),
    "self_crossing": ("the ring crosses itself", "环自相交"),
    "self_touching": ("the ring touches itself: split it there", "环自相接触：请在该处拆分"),
    "overlapping_edges": ("edges lie upon each other", "边相互重叠"),
    "rings_crossing": ("rings of one polygon cross", "同一多边形的环相交"),
    "hole_outside_shell": ("the hole lies outside the shell", "洞在外环之外"),
    "hole_in_hole": ("the hole lies inside another hole", "洞在另一个洞之内"),
    "interior_cut": ("touching rings cut the interior in two", "相接触的环把内部分割开"),
    "polygons_overlapping": ("polygons of one area overlap", "同一区域的多边形相互重叠"),
}


@frozen
class Problem:
    """One fault of an area, and where.

    polygon, ring: their numbers, ring 0 being the shell. other: the same of the second ring, if two meet.
    vertices, other_vertices: numbers of the positions at which the edges concerned begin.
    at: a position at or near the fault.
    """

    fault: Fault
    polygon: int
    ring: int
    at: Position
    vertices: tuple[int, ...] = ()
    other: tuple[int, int] | None = None
    other_vertices: tuple[int, ...] = ()

    def say(self, language: Language = "en") -> str:
        """The fault in a sentence, in English or Chinese."""
        en, zh = _SENTENCES[self.fault]
        lon, lat = self.at
        if language == "zh":
            other = f"与多边形 {self.other[0]} 环 {self.other[1]}" if self.other else ""
            return f"多边形 {self.polygon} 环 {self.ring}{other}，位于 ({lon!r}, {lat!r})：{zh}"
        other = f" and polygon {self.other[0]} ring {self.other[1]}" if self.other else ""
        return f"polygon {self.polygon} ring {self.ring}{other} at ({lon!r}, {lat!r}): {en}"

    def __str__(self) -> str:
        return self.say()


class InvalidArea(Refused):
    """An area whose polygons break the rules of OGC Simple Features."""

    code = "geometry.invalid_area"
    en = "The area of {name} is invalid in {count} way(s); first, {first}. Repair it where it was drawn."
    zh = "{name} 的区域有 {count} 处无效；首先，{first_zh}。请在绘制处修正。"
    name: str
    count: int
    first: str
    first_zh: str
    problems: tuple[Problem, ...]


@define
class _Loop:
    """A ring without repeated positions; `numbers` are those of its vertices in the ring as given."""

    polygon: int
    ring: int
    vertices: Ring
    numbers: tuple[int, ...]
    bounds: tuple[float, float, float, float]

    def around(self, edge: int, at: Position) -> tuple[Position, Position]:
        """The positions before and after `at`, which lies on the edge of that number."""
        start, end = self.vertices[edge], self.vertices[(edge + 1) % len(self.vertices)]
        if at == start:
            return self.vertices[edge - 1], end
        if at == end:
            return start, self.vertices[(edge + 2) % len(self.vertices)]
        return start, end


def find_problems(polygons: Sequence[Polygon]) -> tuple[Problem, ...]:
    """Every fault; empty exactly if the polygons together are valid."""
    problems: list[Problem] = []
    loops: list[_Loop] = []
    for p, polygon in enumerate(polygons):
        for r, ring in enumerate(polygon):
            faults, loop = _read(p, r, ring)
            problems += faults
            if loop is not None:
                loops.append(loop)
    meetings = _Meetings(loops)
    problems += meetings.problems()
    problems += _nesting(loops, meetings.spoiled)
    problems += meetings.cut_interiors()
    return tuple(problems)


def _read(p: int, r: int, ring: Ring) -> tuple[list[Problem], _Loop | None]:
    faults = []
    last = len(ring) - 1
    if ring[0] != ring[last]:
        faults.append(Problem("open_ring", p, r, ring[last], (last,)))
    numbers = tuple(k for k in range(len(ring)) if ring[k] != ring[(k + 1) % len(ring)])
    vertices = tuple(ring[k] for k in numbers)
    if len(vertices) < 3:
        return [*faults, Problem("too_few_positions", p, r, ring[0])], None
    if all(turn(vertices[0], vertices[1], vertex) == 0 for vertex in vertices):
        return [*faults, Problem("zero_area", p, r, ring[0], numbers)], None
    lons, lats = zip(*vertices, strict=True)
    return faults, _Loop(p, r, vertices, numbers, (min(lons), min(lats), max(lons), max(lats)))


class _Meetings:
    """Where the edges of all rings meet each other.

    spoiled: pairs of rings (by number, or one twice) of which nesting says nothing any more.
    touches: pair of rings -> the points where they touch without crossing.
    """

    def __init__(self, loops: Sequence[_Loop]) -> None:
        self.loops = loops
        self.spoiled: set[tuple[int, int]] = set()
        self.touches: dict[tuple[int, int], set[Position]] = defaultdict(set)
        self._faults: dict[tuple[Fault, int, int], tuple[Position, set[int], set[int]]] = {}
        edges, owners = [], []
        for number, loop in enumerate(loops):
            for k, edge in enumerate(edges_of(loop.vertices)):
                edges.append(edge)
                owners.append((number, k))
        corners: dict[tuple[int, int, Position], tuple[int, int]] = {}
        for i, j in box_pairs(edges):
            (a, k), (b, m) = sorted((owners[i], owners[j]))
            how, points = meet(*edges[i], *edges[j])
            if how is Meeting.APART:
                continue
            if how is Meeting.OVERLAP:
                self._add("overlapping_edges", a, b, _floats(points[0]), k, m)
            elif how is Meeting.CROSS:
                at = _floats(crossing(*edges[i], *edges[j]))
                self._add(self._crossing_fault(a, b), a, b, at, k, m)
            elif a != b:
                corners.setdefault((a, b, _floats(points[0])), (k, m))
            elif (m - k) % len(loops[a].vertices) not in (1, len(loops[a].vertices) - 1):
                self._add("self_touching", a, b, _floats(points[0]), k, m)
        for (a, b, at), (k, m) in corners.items():
            if (a, b) not in self.spoiled:
                self._judge_touch(a, b, at, k, m)

    def _crossing_fault(self, a: int, b: int) -> Fault:
        if a == b:
            return "self_crossing"
        return "rings_crossing" if self.loops[a].polygon == self.loops[b].polygon else "polygons_overlapping"

    def _add(self, fault: Fault, a: int, b: int, at: Position, k: int, m: int) -> None:
        self.spoiled.add((a, b))
        _, first, second = self._faults.setdefault((fault, a, b), (at, set(), set()))
        first.add(self.loops[a].numbers[k])
        (first if a == b else second).add(self.loops[b].numbers[m])

    def _judge_touch(self, a: int, b: int, at: Position, k: int, m: int) -> None:
        before, after = self.loops[a].around(k, at)
        arriving, leaving = self.loops[b].around(m, at)
        if in_sector(at, after, before, arriving) != in_sector(at, after, before, leaving):
            self._add(self._crossing_fault(a, b), a, b, at, k, m)
        else:
            self.touches[a, b].add(at)

    def problems(self) -> Iterable[Problem]:
        for (fault, a, b), (at, first, second) in self._faults.items():
            one, two = self.loops[a], self.loops[b]
            other = None if a == b else (two.polygon, two.ring)
            vertices, others = tuple(sorted(first)), tuple(sorted(second))
            yield Problem(fault, one.polygon, one.ring, at, vertices, other, others)

    def cut_interiors(self) -> Iterable[Problem]:
        """An interior is connected exactly if the graph of its rings and the points they touch in is a forest."""
        incidences = dict.fromkeys(
            (number, at)
            for pair, points in self.touches.items()
            if self.loops[pair[0]].polygon == self.loops[pair[1]].polygon
            for at in sorted(points)
            for number in pair
        )
        parents: dict[Hashable, Hashable] = {}

        def root(node: Hashable) -> Hashable:
            while (parent := parents.setdefault(node, node)) != node:
                node = parent
            return node

        for number, at in incidences:
            loop = self.loops[number]
            one, two = root(number), root((loop.polygon, at))
            if one == two:
                yield Problem("interior_cut", loop.polygon, loop.ring, at)
            parents[one] = two


def _nesting(loops: Sequence[_Loop], spoiled: set[tuple[int, int]]) -> Iterable[Problem]:
    """Faults of rings that neither cross nor overlap, yet lie inside each other wrongly."""

    def inside(a: int, b: int) -> bool:
        clean = (min(a, b), max(a, b)) not in spoiled and (a, a) not in spoiled and (b, b) not in spoiled
        return clean and _is_inside(loops[a], loops[b])

    shells = {loop.polygon: number for number, loop in enumerate(loops) if loop.ring == 0}
    holes: dict[int, list[int]] = defaultdict(list)
    for number, loop in enumerate(loops):
        if loop.ring:
            holes[loop.polygon].append(number)
    for polygon, numbers in holes.items():
        shell = shells.get(polygon)
        for number in numbers:
            clean = shell is not None and not {(shell, number), (shell, shell), (number, number)} & spoiled
            if shell is not None and clean and not inside(number, shell):
                yield Problem("hole_outside_shell", polygon, loops[number].ring, loops[number].vertices[0])
        for a, b in combinations(numbers, 2):
            for inner, outer in ((a, b), (b, a)):
                if inside(inner, outer):
                    one, two = loops[inner], loops[outer]
                    yield Problem("hole_in_hole", polygon, one.ring, one.vertices[0], (), (polygon, two.ring))
    for a, b in combinations(shells.values(), 2):
        for inner, outer in ((a, b), (b, a)):
            if inside(inner, outer) and not any(inside(inner, hole) for hole in holes[loops[outer].polygon]):
                one, two = loops[inner], loops[outer]
                yield Problem("polygons_overlapping", one.polygon, 0, one.vertices[0], (), (two.polygon, 0))


def _is_inside(inner: _Loop, outer: _Loop) -> bool:
    west, south, east, north = outer.bounds
    if inner.bounds[0] < west or inner.bounds[1] < south or inner.bounds[2] > east or inner.bounds[3] > north:
        return False
    for vertex in inner.vertices:
        place = locate_in((outer.vertices,), *vertex)
        if place:
            return place > 0
    # All corners lie on the outer ring: the direction in which the first edge leaves it decides.
    at, towards = inner.vertices[0], inner.vertices[1]
    for k, (start, end) in enumerate(edges_of(outer.vertices)):
        if turn(start, end, at) == 0 and min(start, end) <= at <= max(start, end):
            before, after = outer.around(k, at)
            first, last = (after, before) if winds_left(outer.vertices) else (before, after)
            return in_sector(at, first, last, towards)
    return False


def _floats(vertex: Vertex) -> Position:
    return float(vertex[0]), float(vertex[1])
