"""How fast a point is placed in its grid, beside shapely's STRtree on the same areas and points.

1,500 grids tessellate a district with irregular shared borders. Both sides get coordinates and
give the grids that contain them, edges included; shapely therefore builds its Point inside the clock.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import numpy
import shapely

from communitycore.kernel.geometry import Area, AreaIndex, Position

ACROSS, UP = 50, 30
WEST, SOUTH, STEP = 116.9, 36.8, 0.0065
BENDS = 6  # positions inside each shared border


def district(seed: int = 370115) -> dict[str, Area]:
    """1,500 areas without gaps or overlaps, each of 29 positions, its borders shared to the bit."""
    draw = random.Random(seed)

    def near(column: float, row: float, spread: float) -> Position:
        lon = WEST + STEP * (column + draw.uniform(-spread, spread))
        return round(lon, 7), round(SOUTH + STEP * (row + draw.uniform(-spread, spread)), 7)

    corners = {(c, r): near(c, r, 0.2) for c in range(ACROSS + 1) for r in range(UP + 1)}

    def border(start: Position, end: Position) -> list[Position]:
        line = [start]
        for k in range(1, BENDS + 1):
            share = k / (BENDS + 1)
            column = (start[0] + (end[0] - start[0]) * share - WEST) / STEP
            row = (start[1] + (end[1] - start[1]) * share - SOUTH) / STEP
            line.append(near(column, row, 0.035))
        return [*line, end]

    flat = {at: border(corners[at], corners[at[0] + 1, at[1]]) for at in corners if at[0] < ACROSS}
    steep = {at: border(corners[at], corners[at[0], at[1] + 1]) for at in corners if at[1] < UP}
    areas = {}
    for c in range(ACROSS):
        for r in range(UP):
            east, north = steep[c + 1, r], flat[c, r + 1]
            ring = [*flat[c, r][:-1], *east[:-1], *north[:0:-1], *steep[c, r][::-1]]
            areas[f"{c:02}-{r:02}"] = Area([[ring]])
    return areas


def points(count: int, seed: int) -> list[Position]:
    """Random places in and a little around the district."""
    draw = random.Random(seed)
    return [
        (draw.uniform(WEST - STEP, WEST + (ACROSS + 1) * STEP), draw.uniform(SOUTH - STEP, SOUTH + (UP + 1) * STEP))
        for _ in range(count)
    ]


def run(quick: bool = False) -> dict[str, Any]:
    """Median seconds a point, of ours and of shapely, in rounds that alternate; wrong answers raise."""
    areas = district()
    began = perf_counter()
    index = AreaIndex(areas)
    built = perf_counter() - began
    keys = list(areas)
    shapes = [shapely.Polygon(area.polygons[0][0]) for area in areas.values()]
    tree = shapely.STRtree(shapes)

    def ours(places: Sequence[Position]) -> None:
        locate = index.locate
        for lon, lat in places:
            locate(lon, lat)

    def theirs(places: Sequence[Position]) -> None:
        query, point = tree.query, shapely.Point
        for lon, lat in places:
            query(point(lon, lat), "intersects")

    rounds, batch = (5, 4_000) if quick else (15, 20_000)
    times: dict[Callable[[Sequence[Position]], None], list[float]] = {ours: [], theirs: []}
    for number in range(rounds):
        places = points(batch, number)
        for side in times:
            began = perf_counter()
            side(places)
            times[side].append((perf_counter() - began) / batch)

    compared = points(100_000 if quick else 1_000_000, 1)
    _compare(index, tree, keys, compared)
    borders = _compare_borders(index, areas)
    mine, limit = median(times[ours]), median(times[theirs])
    return {
        "name": "locate",
        "ours": mine,
        "limit": limit,
        "ratio": limit / mine,
        "goal": 3,
        "better": "higher",
        "runs": rounds,
        "note": (
            f"index of {len(areas)} grids built in {built:.2f} s; {len(compared)} random points "
            f"as shapely says, {borders} corners and edge points as each area says"
        ),
    }


def _compare(index: AreaIndex, tree: shapely.STRtree, keys: Sequence[str], places: Sequence[Position]) -> None:
    expected: list[list[str]] = [[] for _ in places]
    for place, key in tree.query(shapely.points(numpy.array(places)), "intersects").T.tolist():
        expected[place].append(keys[key])
    for (lon, lat), names in zip(places, expected, strict=True):
        found = index.locate(lon, lat)
        if found != tuple(sorted(names)):
            raise AssertionError(f"({lon!r}, {lat!r}): we say {found}, shapely {names}")


def _compare_borders(index: AreaIndex, areas: dict[str, Area]) -> int:
    """Every corner names the areas that have it; points on or a bit off an edge, what each area says."""
    owners: dict[Position, set[str]] = {}
    for key, area in areas.items():
        for corner in area.polygons[0][0]:
            owners.setdefault(corner, set()).add(key)
    for (lon, lat), names in owners.items():
        if index.locate(lon, lat) != tuple(sorted(names)):
            raise AssertionError(f"corner ({lon!r}, {lat!r}): {index.locate(lon, lat)} instead of {sorted(names)}")
    middles = []
    for area in areas.values():
        ring = area.polygons[0][0]
        for start, end in pairwise(ring):
            middles.append(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    for lon, lat in middles[::7]:
        near = {
            key for key, area in areas.items()
            if area.bounds[0] <= lon <= area.bounds[2] and area.bounds[1] <= lat <= area.bounds[3]
        }  # fmt: skip
        expected = tuple(sorted(key for key in near if areas[key].contains(lon, lat)))
        if index.locate(lon, lat) != expected:
            raise AssertionError(f"edge point ({lon!r}, {lat!r}): not {expected}")
    return len(owners) + len(middles[::7])


if __name__ == "__main__":
    print(json.dumps(run(quick=False), indent=2))
