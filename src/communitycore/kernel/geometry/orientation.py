"""Exact answers about points and segments of the plane, decided in floats wherever floats can decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from fractions import Fraction
from math import isqrt, lcm

Number = float | Fraction
Vertex = tuple[Number, Number]
"""Both floats, or both Fractions where two segments cross between floats."""

# Shewchuk (1997), "Adaptive precision floating-point arithmetic", bound A: (3 + 16u)u with u = 2**-53.
RELATIVE_ERROR = 3.3306690738754716e-16
# Far above what products lost to underflow can add up to, far below any determinant of real places.
UNDERFLOW = 1e-290


def orient(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> int:
    """1 if a, b, c turn left, -1 if they turn right, 0 if on one line: exact for all finite floats."""
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    determinant = left - right
    error = RELATIVE_ERROR * (abs(left) + abs(right)) + UNDERFLOW
    if determinant > error:
        return 1
    if determinant < -error:
        return -1
    if (ax == cx and ay == cy) or (bx == cx and by == cy):
        return 0
    return _orient_exactly(ax, ay, bx, by, cx, cy)


def turn(a: Vertex, b: Vertex, c: Vertex) -> int:
    """`orient` of three vertices, Fractions among them or not."""
    (ax, ay), (bx, by), (cx, cy) = a, b, c
    if (
        isinstance(ax, float) and isinstance(ay, float)
        and isinstance(bx, float) and isinstance(by, float)
        and isinstance(cx, float) and isinstance(cy, float)
    ):  # fmt: skip
        return orient(ax, ay, bx, by, cx, cy)
    return _orient_exactly(ax, ay, bx, by, cx, cy)


def _orient_exactly(*values: Number) -> int:
    ratios = [value.as_integer_ratio() for value in values]
    scale = lcm(*(denominator for _, denominator in ratios))
    ax, ay, bx, by, cx, cy = (numerator * (scale // denominator) for numerator, denominator in ratios)
    left = (ax - cx) * (by - cy)
    right = (ay - cy) * (bx - cx)
    return (left > right) - (left < right)


class Meeting(Enum):
    """How two segments meet."""

    APART = "apart"
    TOUCH = "touch"  # in one point, an end of at least one of them
    CROSS = "cross"  # in one point inside both
    OVERLAP = "overlap"  # along a line


def meet(p: Vertex, q: Vertex, r: Vertex, s: Vertex) -> tuple[Meeting, tuple[Vertex, ...]]:
    """How the segments pq and rs meet, and where: the point of a touch, the ends of an overlap, else nothing.

    Neither segment is a single point.
    """
    to_r, to_s = turn(p, q, r), turn(p, q, s)
    if to_r == to_s:
        if to_r:
            return Meeting.APART, ()
        low, high = max(min(p, q), min(r, s)), min(max(p, q), max(r, s))
        if low > high:
            return Meeting.APART, ()
        return (Meeting.OVERLAP, (low, high)) if low < high else (Meeting.TOUCH, (low,))
    to_p, to_q = turn(r, s, p), turn(r, s, q)
    if to_p == to_q:
        return Meeting.APART, ()
    for sign, vertex in ((to_r, r), (to_s, s), (to_p, p), (to_q, q)):
        if not sign:
            return Meeting.TOUCH, (vertex,)
    return Meeting.CROSS, ()


def crossing(p: Vertex, q: Vertex, r: Vertex, s: Vertex) -> tuple[Fraction, Fraction]:
    """The exact point in which two segments that CROSS do so."""
    px, py, rx, ry = Fraction(p[0]), Fraction(p[1]), Fraction(r[0]), Fraction(r[1])
    dx, dy, ex, ey = Fraction(q[0]) - px, Fraction(q[1]) - py, Fraction(s[0]) - rx, Fraction(s[1]) - ry
    along = ((rx - px) * ey - (ry - py) * ex) / (dx * ey - dy * ex)
    return px + along * dx, py + along * dy


def in_sector(vertex: Vertex, first: Vertex, last: Vertex, other: Vertex) -> bool:
    """True if, seen from `vertex`, `other` lies strictly between `first` and `last`, counter-clockwise."""
    wide = turn(vertex, first, last)
    if wide > 0:
        return turn(vertex, first, other) > 0 and turn(vertex, other, last) > 0
    if wide == 0:  # opposite directions: a half plane
        return turn(vertex, first, other) > 0
    return not (turn(vertex, last, other) >= 0 and turn(vertex, other, first) >= 0)


Box = tuple[Number, Number, Number, Number]
"""West, east, south, north."""


def box_pairs(segments: Sequence[tuple[Vertex, Vertex]]) -> Iterator[tuple[int, int]]:
    """Every pair of segments whose boxes touch, once each.

    Each of about sqrt(n) horizontal strips is swept from west to east; a pair belongs to the strip
    in which the later of the two begins. About n log n for the short edges of real boundaries.
    """
    boxes: list[Box] = []
    for (ax, ay), (bx, by) in segments:
        boxes.append((min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)))
    if not boxes:
        return
    floor = float(min(box[2] for box in boxes))
    height = float(max(box[3] for box in boxes)) - floor
    count = isqrt(len(boxes)) if height > 0 else 1

    def strip_of(y: Number) -> int:  # monotone, so that equal rounding on both sides loses no pair
        return min(count - 1, max(0, int((float(y) - floor) / height * count))) if count > 1 else 0

    strips: list[list[int]] = [[] for _ in range(count)]
    begins = [strip_of(box[2]) for box in boxes]
    for i in sorted(range(len(boxes)), key=lambda i: boxes[i][0]):
        for strip in range(begins[i], strip_of(boxes[i][3]) + 1):
            strips[strip].append(i)
    for number, strip_members in enumerate(strips):
        yield from _sweep(boxes, begins, number, strip_members)


def _sweep(
    boxes: Sequence[Box], begins: Sequence[int], strip: int, members: Sequence[int]
) -> Iterator[tuple[int, int]]:
    active: list[int] = []
    for i in members:
        west, _, south, north = boxes[i]
        active = [j for j in active if boxes[j][1] >= west]
        for j in active:
            box = boxes[j]
            if box[2] <= north and box[3] >= south and max(begins[i], begins[j]) == strip:
                yield j, i
        active.append(i)
