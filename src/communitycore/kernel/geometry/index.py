"""Which areas contain a point: answered from a raster, exactly."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import sqrt, ulp

from communitycore.kernel.geometry.area import Area
from communitycore.kernel.geometry.orientation import UNDERFLOW, orient
from communitycore.kernel.geometry.rings import Ring, edges_of

Edge = tuple[float, float, float, float, float, float]
"""An upward edge: its lower and upper latitude, the longitudes there, and their differences lon and lat."""

CELLS_PER_EDGE = 4
MOST_CELLS = 600_000
# In cells. Edges are registered this much beyond where they run; rounding moves them by less than 1e-9.
MARGIN = 1e-6
# Cells per degree where one is to hold everything, also an extent so small that dividing by it overflows.
ONE_FOR_ALL = 1 / 512


class AreaIndex:
    """Finds the areas that contain a point: exact, closed, in about a microsecond.

    A raster over all areas holds the final answer for each cell that no edge comes near. Every other cell
    holds the areas that surround it, and for those with an edge near it the edges of its row, over which
    the even-odd rule is read. A cell is `int((lat - south) * rows_per_degree)`, likewise for the column:
    floats round monotonically, so all points of one edge fall between the cells of its ends.

    areas: key -> area; copied, later changes of the mapping are not seen. Building takes 10 to 20 µs an edge.
    """

    __slots__ = ("_answers", "_error", "_frame", "_near", "keys")

    def __init__(self, areas: Mapping[str, Area]) -> None:
        self.keys: tuple[str, ...] = tuple(sorted(areas))
        raster = _Raster(areas)
        self._frame = raster.frame
        self._error = raster.error
        self._answers, self._near = raster.fill()

    def locate(self, lon: float, lat: float) -> tuple[str, ...]:
        """The keys of all areas that contain the point, sorted; empty if there is none.

        Edges and corners belong to their areas: on a shared one, all that share it are named.
        """
        west, south, east, north, columns, columns_per_degree, rows_per_degree = self._frame
        if not (west <= lon <= east and south <= lat <= north):
            return ()
        cell = int((lat - south) * rows_per_degree) * columns + int((lon - west) * columns_per_degree)
        answer = self._answers[cell]
        if answer is not None:
            return answer
        surrounding, candidates = self._near[cell]
        found = [*surrounding]
        error = self._error
        for key, edges in candidates:
            if _covers(edges, lon, lat, error) and key not in found:
                found.append(key)
        if len(found) > 1:
            found.sort()
        return tuple(found)


def _covers(edges: Sequence[Edge], lon: float, lat: float, error: float) -> bool:
    """True if the point lies in or on the polygon of which these are all edges at its latitude.

    error: beyond it a determinant's sign is certain.
    """
    inside = False
    for low, high, lon_low, lon_high, dlon, dlat in edges:
        if low <= lat <= high:
            determinant = dlon * (lat - low) - dlat * (lon - lon_low)
            if determinant > error:
                if lat < high:
                    inside = not inside
            elif determinant >= -error:
                if low == high:
                    if min(lon_low, lon_high) <= lon <= max(lon_low, lon_high):
                        return True
                else:
                    side = orient(lon_low, low, lon_high, high, lon, lat)
                    if side == 0:
                        return True
                    if side > 0 and lat < high:
                        inside = not inside
    return inside


Frame = tuple[float, float, float, float, int, float, float]
Band = tuple[str, list[Edge]]
"""The key of a part, and its edges in one row."""
Near = tuple[tuple[str, ...], tuple[Band, ...]]


class _Raster:
    """The cells while they are filled. A part is one polygon of an area; `parts` holds its key."""

    def __init__(self, areas: Mapping[str, Area]) -> None:
        self.parts = [(key, polygon) for key in sorted(areas) for polygon in areas[key].polygons]
        bounds = [area.bounds for area in areas.values()] or [(0.0, 0.0, 0.0, 0.0)]
        west, south = min(b[0] for b in bounds), min(b[1] for b in bounds)
        east, north = max(b[2] for b in bounds), max(b[3] for b in bounds)
        width, height = east - west, north - south
        edge_count = sum(len(ring) for _, polygon in self.parts for ring in polygon)
        wanted = max(1, min(MOST_CELLS, CELLS_PER_EDGE * edge_count))
        # Square cells, unless all areas lie in a thin strip: rows without end would take memory without end.
        square = sqrt(wanted)
        across = min(max(sqrt(wanted * width / height) if height else wanted, square / 4), square * 4)
        columns = _divisions(across, width, west, east)
        rows = _divisions(wanted / across, height, south, north)
        # One column and row more: the eastern and northern border fall into cells of their own.
        self.columns, self.rows = columns + 1, rows + 1
        self.west, self.south = west, south
        self.columns_per_degree = columns / width if columns > 1 else ONE_FOR_ALL
        self.rows_per_degree = rows / height if rows > 1 else ONE_FOR_ALL
        self.frame: Frame = (
            west, south, east, north, self.columns, self.columns_per_degree, self.rows_per_degree
        )  # fmt: skip
        # Bound A of `orient`, 3.4e-16 * (|left| + |right|), for the largest products there are, and a reserve.
        self.error = 1e-15 * width * height + UNDERFLOW
        self._bands: list[dict[int, Band]] = [{} for _ in range(self.rows)]  # by row, part
        self._touched: list[dict[int, list[int]]] = [{} for _ in range(self.rows)]  # by row, column: parts
        self._named: dict[frozenset[int], tuple[str, ...]] = {}
        for part, (_, polygon) in enumerate(self.parts):
            for ring in polygon:
                self._register(part, ring)

    def _register(self, part: int, ring: Ring) -> None:
        """Enter the edges of a ring in every row they have a point in, and the part in every cell they come near."""
        bands, key = self._bands, self.parts[part][0]
        for lower, upper in list(edges_of(ring)) or [(ring[0], ring[0])]:  # a ring may be a single point
            (lon_low, low), (lon_high, high) = (lower, upper) if lower[1] <= upper[1] else (upper, lower)
            edge = (low, high, lon_low, lon_high, lon_high - lon_low, high - low)
            v_low, v_high = (low - self.south) * self.rows_per_degree, (high - self.south) * self.rows_per_degree
            for row in range(int(v_low), int(v_high) + 1):
                band = bands[row].get(part)
                if band is None:
                    bands[row][part] = (key, [edge])
                else:
                    band[1].append(edge)
            u_low = (lon_low - self.west) * self.columns_per_degree
            u_high = (lon_high - self.west) * self.columns_per_degree
            self._touch(part, u_low, v_low, u_high, v_high)

    def _touch(self, part: int, u_low: float, v_low: float, u_high: float, v_high: float) -> None:
        """Enter the part in every cell near an edge, whose ends are given in columns and rows."""
        first, last = max(0, int(v_low - MARGIN)), min(self.rows - 1, int(v_high + MARGIN))
        slope = (u_high - u_low) / (v_high - v_low) if first < last and v_high - v_low > MARGIN else 0.0
        for row in range(first, last + 1):
            enter, leave = u_low, u_high
            if slope:
                if row - MARGIN > v_low:
                    enter = u_low + (row - MARGIN - v_low) * slope
                if row + 1 + MARGIN < v_high:
                    leave = u_low + (row + 1 + MARGIN - v_low) * slope
            if enter > leave:
                enter, leave = leave, enter
            touched = self._touched[row]
            for column in range(max(0, int(enter - MARGIN)), min(self.columns - 1, int(leave + MARGIN)) + 1):
                parts = touched.get(column)
                if parts is None:
                    touched[column] = [part]
                elif parts[-1] != part:
                    parts.append(part)

    def fill(self) -> tuple[list[tuple[str, ...] | None], dict[int, Near]]:
        """The final answer of each cell, None where edges are near, and what is needed there."""
        answers: list[tuple[str, ...] | None] = []
        near: dict[int, Near] = {}
        for row, bands in enumerate(self._bands):
            last_of, last = None, None
            for column, until, surrounding, candidates in self._stretches(row):
                if not candidates:
                    answers += [self._name(surrounding)] * (until - column)
                    continue
                if last is None or last_of != (surrounding, candidates):
                    last_of = surrounding, candidates
                    last = self._name(surrounding), tuple(bands[part] for part in candidates if part in bands)
                near[len(answers)] = last
                answers.append(None)
        return answers, near

    def _stretches(self, row: int) -> Iterator[tuple[int, int, frozenset[int], Collection[int]]]:
        """The row from west to east: columns from, until, the parts all around, the parts with an edge near.

        What holds of a part without an edge near holds in the next cell too, if it has none near there:
        so only parts that had one in the cell before must be asked, at any point of the cell.
        """
        touched = self._touched[row]
        surrounding: frozenset[int] = frozenset()
        doubtful: Collection[int] = ()
        column = 0
        for at in sorted(touched):
            if column < at:
                surrounding = self._settle(row, column, surrounding, doubtful, ())
                yield column, at, surrounding, ()
                doubtful = ()
            candidates = touched[at]
            surrounding = self._settle(row, at, surrounding, doubtful, candidates)
            yield at, at + 1, surrounding, candidates
            doubtful = candidates
            column = at + 1
        if column < self.columns:
            yield column, self.columns, self._settle(row, column, surrounding, doubtful, ()), ()

    def _settle(
        self, row: int, column: int, before: frozenset[int], doubtful: Collection[int], candidates: Collection[int]
    ) -> frozenset[int]:
        asked = [part for part in doubtful if part not in candidates]
        if not asked:
            return before.difference(candidates) if candidates else before
        lon = self.west + (column + 0.5) / self.columns_per_degree
        lat = self.south + (row + 0.5) / self.rows_per_degree
        bands = self._bands[row]
        found = [part for part in asked if part in bands and _covers(bands[part][1], lon, lat, self.error)]
        return before.difference(candidates).union(found)

    def _name(self, parts: frozenset[int]) -> tuple[str, ...]:
        named = self._named.get(parts)
        if named is None:
            named = self._named[parts] = tuple(sorted({self.parts[part][0] for part in parts}))
        return named


def _divisions(wanted: float, extent: float, low: float, high: float) -> int:
    """How many cells to cut an extent into: none so narrow that its middle could round out of it."""
    finest = extent / (4096 * ulp(max(abs(low), abs(high), 1.0)))
    return max(1, int(min(wanted, finest)))
