from __future__ import annotations

import csv
import json
import math
import os
import pickle
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from communitycore.kernel.geometry import (
    Area,
    AreaIndex,
    BadAreaText,
    BadCoordinate,
    BadShape,
    InvalidArea,
    Point,
    gaps,
    looks_swapped,
    orient,
    overlaps,
)

M2_PER_SQUARE_DEGREE = (6371007.2 * math.pi / 180) ** 2

eighths = st.integers(0, 40).map(lambda k: k / 8)
small = st.integers(0, 5).map(float)


@st.composite
def rings(draw: st.DrawFn, numbers: st.SearchStrategy[float] = small) -> list[tuple[float, float]]:
    corners = draw(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=7))
    return [*corners, corners[0]]


@st.composite
def boxes(draw: st.DrawFn) -> list[tuple[float, float]]:
    west, east = sorted(draw(st.lists(small, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(small, min_size=2, max_size=2, unique=True)))
    ring = [(west, south), (east, south), (east, north), (west, north)]
    start = draw(st.integers(0, 3))
    ring = ring[start:] + ring[:start]
    if draw(st.booleans()):
        ring.reverse()
    corner = draw(st.integers(0, 3))
    if draw(st.booleans()):
        del ring[corner]
    return [*ring, ring[0]]


polygons = st.lists(rings() | boxes(), min_size=1, max_size=4)
areas_of_any_kind = st.lists(polygons, min_size=1, max_size=3).map(Area)
boxes_with_holes = st.lists(st.lists(boxes(), min_size=1, max_size=4), min_size=1, max_size=3).map(Area)
hole_in_frame = st.lists(boxes() | rings(), min_size=1, max_size=4).map(
    lambda holes: Area([[[(-1, -1), (6, -1), (6, 6), (-1, 6), (-1, -1)], *holes]])
)


@st.composite
def sound_areas(draw: st.DrawFn) -> Area:
    """Valid areas: a ring, and of further rings those that keep it valid as a hole or as a polygon."""
    shape = [[draw(boxes())]]
    for ring in draw(st.lists(boxes() | rings(), max_size=4)):
        for more in ([*shape[:-1], [*shape[-1], ring]], [*shape, [ring]]):
            if not Area(more).problems():
                shape = more
                break
    return Area(shape)


def to_shapely(area: Area) -> Any:
    shapely = pytest.importorskip("shapely")
    parts = [shapely.Polygon(polygon[0], polygon[1:]) for polygon in area.polygons]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def contains_by_fractions(area: Area, lon: float, lat: float) -> bool:
    """The definition, in rationals: on an edge, or an odd number of edges to the east."""
    x, y = Fraction(lon), Fraction(lat)
    for polygon in area.polygons:
        odd = False
        for ring in polygon:
            exact = [(Fraction(a), Fraction(b)) for a, b in ring]
            for (ax, ay), (bx, by) in pairwise([*exact, exact[0]]):
                turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
                if turn == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
                    return True
                if (ay <= y) != (by <= y) and ax + (y - ay) * (bx - ax) / (by - ay) > x:
                    odd = not odd
        if odd:
            return True
    return False


# points


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_a_point_keeps_its_coordinates_and_has_no_negative_zero(lon: float, lat: float) -> None:
    point = Point(lon, lat)
    assert (point.lon, point.lat) == (lon, lat)
    assert not {"-0.0"} & {repr(point.lon), repr(point.lat)}


def test_a_point_is_longitude_first_and_turns_whole_numbers_into_floats() -> None:
    assert repr(Point(117, 37)) == "Point(lon=117.0, lat=37.0)"


@pytest.mark.parametrize(
    "wrong",
    [math.nan, math.inf, -math.inf, 180.1, True, "117", None, 10**5000, [1], 1e999, {}],
    ids=lambda v: repr(type(v)),
)
def test_a_point_refuses_what_is_no_longitude(wrong: Any) -> None:
    with pytest.raises(BadCoordinate, match="longitude first") as refused:
        Point(wrong, 37)
    assert refused.value.axis == "longitude"


def test_coordinates_in_the_wrong_order_are_refused_by_their_range_or_recognised_by_an_extent() -> None:
    with pytest.raises(BadCoordinate):
        Point(36.9, 117.2)
    jiyang = Area.box(116.8, 36.7, 117.5, 37.3)
    assert looks_swapped(36.9, 117.2, jiyang)
    assert not looks_swapped(117.2, 36.9, jiyang)
    assert not looks_swapped(10, 20, jiyang)


# orientation


def nudged(value: float, steps: int) -> float:
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.inf if steps > 0 else -math.inf)
    return value


steps = st.integers(-3, 3)
degrees = st.floats(-180, 180)


@given(st.tuples(degrees, degrees), st.tuples(degrees, degrees), st.floats(-2, 2), steps, steps)
@example((0.5, 0.5), (12.0, 12.0), 2.0, 1, 0)
@example((0.0, 0.0), (5e-324, 5e-324), 0.5, 1, 0)
def test_orientation_is_exact_close_to_a_line(
    a: tuple[float, float], b: tuple[float, float], share: float, east: int, north: int
) -> None:
    c = nudged(a[0] + share * (b[0] - a[0]), east), nudged(a[1] + share * (b[1] - a[1]), north)
    (ax, ay), (bx, by), (cx, cy) = [(Fraction(x), Fraction(y)) for x, y in (a, b, c)]
    exact = (ax - cx) * (by - cy) - (ay - cy) * (bx - cx)
    assert orient(*a, *b, *c) == (exact > 0) - (exact < 0)


def test_a_left_turn_is_one() -> None:
    assert (orient(0, 0, 1, 0, 1, 1), orient(0, 0, 1, 0, 1, -1), orient(0, 0, 1, 0, 2, 0)) == (1, -1, 0)


# areas


@given(st.lists(st.lists(rings(st.floats(-90, 90)), min_size=1, max_size=3), min_size=1, max_size=3))
def test_an_areas_text_restores_it_byte_for_byte(shape: Any) -> None:
    area = Area(shape)
    text = area.to_text()
    assert Area.from_text(text) == area
    assert Area.from_text(text).to_text() == text
    assert hash(Area.from_text(text)) == hash(area)


def test_a_box_as_text() -> None:
    box = Area.box(117, 36.5, 117.1, 36.6)
    assert box.to_text() == "[[[[117.0,36.5],[117.1,36.5],[117.1,36.6],[117.0,36.6],[117.0,36.5]]]]"
    assert box.bounds == (117.0, 36.5, 117.1, 36.6)
    assert pickle.loads(pickle.dumps(box)) == box


@pytest.mark.parametrize("text", ["", "[[[[0,0", "{", "[" * 100_000, "NaN,"])
def test_a_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(BadAreaText):
        Area.from_text(text)


@pytest.mark.parametrize(
    ("shape", "where"),
    [
        ([], "polygons"),
        ("text", "polygons"),
        ([[]], "polygons[0]"),
        ([[[]]], "polygons[0][0]"),
        ([[[[1, 2], [1]]]], "polygons[0][0][1]"),
        ([[[[1, 2, 3]]]], "polygons[0][0][0]"),
        ([[[[1, 2]], 7]], "polygons[0][1]"),
    ],
)
def test_a_wrongly_nested_shape_is_refused_with_its_place(shape: Any, where: str) -> None:
    with pytest.raises(BadShape) as refused:
        Area(shape)
    assert refused.value.where == where


@given(areas_of_any_kind, eighths, eighths)
def test_containing_is_what_even_odd_in_rationals_says(area: Area, lon: float, lat: float) -> None:
    assert area.contains(lon, lat) == contains_by_fractions(area, lon, lat)


@given(areas_of_any_kind, st.data())
def test_every_corner_and_every_halving_of_an_edge_belongs_to_the_area(area: Area, data: st.DataObject) -> None:
    ring = data.draw(st.sampled_from(area.polygons[0]))
    (ax, ay), (bx, by) = data.draw(st.sampled_from(list(pairwise(ring))))
    share = data.draw(st.integers(0, 16)) / 16
    lon, lat = ax + (bx - ax) * share, ay + (by - ay) * share
    assert area.contains(lon, lat)
    assert AreaIndex({"a": area}).locate(lon, lat) == ("a",)


def test_an_area_of_a_box_is_that_of_its_zone_of_the_sphere() -> None:
    box = Area.box(117, 36.5, 117.1, 36.6)
    zone = math.sin(math.radians(36.6)) - math.sin(math.radians(36.5))
    assert box.area_m2 == pytest.approx(6371007.2**2 * math.radians(0.1) * zone, rel=1e-9)
    hole = [(117.04, 36.54), (117.05, 36.54), (117.05, 36.55), (117.04, 36.55), (117.04, 36.54)]
    holed = Area([[box.polygons[0][0], hole]])
    assert holed.area_m2 == pytest.approx(box.area_m2 - Area([[hole]]).area_m2)


def test_the_area_of_a_square_metre_keeps_its_digits_far_from_the_equator() -> None:
    lat, degree = 64.0, 180 / math.pi / 6371007.2
    side = degree / math.cos(math.radians(lat))
    assert Area.box(117, lat, 117 + side, lat + degree).area_m2 == pytest.approx(1, rel=1e-6)


# validity


@given(areas_of_any_kind | boxes_with_holes | hole_in_frame | sound_areas())
def test_an_area_has_problems_exactly_if_shapely_calls_it_invalid(area: Area) -> None:
    problems = area.problems()
    assert (not problems) == to_shapely(area).is_valid, [str(problem) for problem in problems]


SQUARE = [(0, 0), (8, 0), (8, 8), (0, 8), (0, 0)]


def square(west: float, south: float, side: float) -> list[tuple[float, float]]:
    return [(west, south), (west + side, south), (west + side, south + side), (west, south + side), (west, south)]


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ([[SQUARE[:-1]]], "open_ring"),
        ([[[(0, 0), (1, 1), (1, 1), (0, 0)]]], "too_few_positions"),
        ([[[(0, 0), (1, 1), (3, 3), (0, 0)]]], "zero_area"),
        ([[[(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]]], "self_crossing"),
        ([[[(0, 0), (4, 0), (2, 2), (4, 4), (0, 4), (2, 2), (0, 0)]]], "self_touching"),
        ([[[(0, 0), (4, 0), (4, 4), (4, 0), (4, 2), (0, 2), (0, 0)]]], "overlapping_edges"),
        ([[SQUARE, square(6, 2, 4)]], "rings_crossing"),
        ([[SQUARE, square(10, 2, 4)]], "hole_outside_shell"),
        ([[SQUARE, square(1, 1, 6), square(2, 2, 2)]], "hole_in_hole"),
        ([[SQUARE, [(0, 4), (4, 8), (4, 4), (0, 4)]]], "interior_cut"),
        ([[SQUARE], [square(6, 6, 4)]], "polygons_overlapping"),
        ([[SQUARE], [square(2, 2, 2)]], "polygons_overlapping"),
        ([[SQUARE], [square(8, 0, 8)]], "overlapping_edges"),
        ([[SQUARE, [(0, 0), (4, 4), (0, 8), (-4, 4), (0, 0)]]], "rings_crossing"),
    ],
)
def test_every_fault_is_named(shape: Any, fault: str) -> None:
    problems = Area(shape).problems()
    assert fault in [problem.fault for problem in problems]
    for problem in problems:
        assert str(problem) == problem.say("en") != problem.say("zh")


@pytest.mark.parametrize(
    "shape",
    [
        [[SQUARE, square(2, 2, 2)]],
        [[SQUARE, [(0, 0), (4, 2), (2, 4), (0, 0)]]],
        [
            [
                SQUARE,
                [(4, 4), (6, 4), (6, 6), (4, 4)],
                [(4, 4), (2, 2), (2, 4), (4, 4)],
                [(4, 4), (2, 6), (4, 6), (4, 4)],
            ]
        ],
        [[SQUARE], [square(8, 8, 2)]],
        [[SQUARE, square(2, 2, 4)], [square(3, 3, 2)]],
        [[SQUARE, [(0, 4), (4, 0), (8, 4), (0, 4)][::-1]][:1]],
    ],
)
def test_holes_and_polygons_may_touch_in_points(shape: Any) -> None:
    assert Area(shape).problems() == ()


def test_a_problem_says_which_vertices_of_which_ring() -> None:
    (problem,) = Area([[[(0, 0), (4, 4), (4, 0), (0, 2), (0, 0)]]]).problems()
    assert (problem.polygon, problem.ring, problem.vertices, problem.other) == (0, 0, (0, 2), None)
    assert problem.at == (4 / 3, 4 / 3)


def test_an_invalid_area_is_refused_by_name_in_two_languages() -> None:
    with pytest.raises(InvalidArea) as refused:
        Area([[[(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)]]]).checked("Red Bridge")
    assert "Red Bridge" in str(refused.value)
    assert "环自相交" in refused.value.say("zh")
    assert Area.box(0, 0, 1, 1).checked("x") == Area.box(0, 0, 1, 1)


# index


@given(st.dictionaries(st.sampled_from("abcdef"), areas_of_any_kind | boxes_with_holes, max_size=5), st.data())
def test_the_index_names_exactly_the_areas_that_contain_the_point(areas: dict[str, Area], data: st.DataObject) -> None:
    index = AreaIndex(areas)
    for _ in range(10):
        lon, lat = data.draw(eighths), data.draw(eighths)
        expected = tuple(sorted(key for key, area in areas.items() if area.contains(lon, lat)))
        assert index.locate(lon, lat) == expected


fractions_of_a_degree = st.lists(rings(st.floats(-1, 1)), min_size=1, max_size=2)


@given(
    st.dictionaries(st.sampled_from("abcdef"), fractions_of_a_degree, min_size=1),
    st.sampled_from([(0, 0), (117, 37)]),
    st.data(),
)
def test_the_index_is_exact_a_hair_beside_every_edge(
    shapes: dict[str, Any], origin: tuple[int, int], data: st.DataObject
) -> None:
    areas = {
        key: Area([[[(lon + origin[0], lat + origin[1]) for lon, lat in ring] for ring in polygon]])
        for key, polygon in shapes.items()
    }
    index = AreaIndex(areas)
    edges = [edge for area in areas.values() for ring in area.polygons[0] for edge in pairwise(ring)]
    for _ in range(10):
        (ax, ay), (bx, by) = data.draw(st.sampled_from(edges))
        share = data.draw(st.floats(0, 1))
        lon = nudged(ax + (bx - ax) * share, data.draw(steps))
        lat = nudged(ay + (by - ay) * share, data.draw(steps))
        expected = tuple(sorted(key for key, area in areas.items() if contains_by_fractions(area, lon, lat)))
        assert index.locate(lon, lat) == expected


def test_the_index_is_exact_where_the_determinants_of_floats_have_the_wrong_sign() -> None:
    area = Area([[[(0.1, 0.1), (0.9, 0.37), (0.1, 0.37), (0.1, 0.1)]]])
    index = AreaIndex({"a": area})
    for k in range(1, 1000):
        lat = 0.1 + 0.27 * k / 1000
        for step in (-1, 0, 1):
            lon = nudged(0.1 + 0.8 * k / 1000, step)
            assert bool(index.locate(lon, lat)) == contains_by_fractions(area, lon, lat)


@given(st.integers(0, 3), st.integers(0, 3))
def test_an_index_no_larger_than_a_few_floats_is_exact(east: int, north: int) -> None:
    west, south = 117.1, 36.9
    area = Area.box(west, south, nudged(west, 2), nudged(south, 2))
    assert AreaIndex({"a": area}).locate(nudged(west, east), nudged(south, north)) == (
        ("a",) if max(east, north) < 3 else ()
    )


def test_a_shared_edge_is_ambiguous_and_a_shared_corner_names_all_four() -> None:
    index = AreaIndex({f"{c}{r}": Area.box(c, r, c + 1, r + 1) for c in (0, 1) for r in (0, 1)})
    assert index.locate(0.5, 0.5) == ("00",)
    assert index.locate(1.0, 0.5) == ("00", "10")
    assert index.locate(1.0, 1.0) == ("00", "01", "10", "11")
    assert index.locate(2.5, 0.5) == index.locate(math.nan, 0.5) == index.locate(0.5, math.inf) == ()


def test_an_area_shrunk_to_a_single_point_is_found_there() -> None:
    index = AreaIndex({"a": Area([[[(116, 36), (116, 36)]]]), "b": Area.box(116, 35, 117, 36)})
    assert index.locate(116, 36) == ("a", "b")


@pytest.mark.parametrize("thin", [1e-9, 1e-13, 1e-200, 5e-324])
def test_an_index_of_a_thin_strip_stays_small(thin: float) -> None:
    for strip in (Area.box(0, 0, thin, 1), Area.box(0, 0, 1, thin)):
        index = AreaIndex({"strip": strip, "end": Area.box(0, 0, thin, thin)})
        for lon, lat in ((0.0, 0.0), (thin, thin)):
            assert index.locate(lon, lat) == ("end", "strip")
        _, _, east, north = strip.bounds
        assert index.locate(east, north) == ("strip",)
        assert index.locate(east / 2, north / 2)[-1:] == ("strip",)
        assert index.locate(1.0, 1.0) == ()


def test_an_index_of_nothing_finds_nothing() -> None:
    assert AreaIndex({}).locate(0, 0) == ()


# audit


def shrunk(area: Area) -> Area:
    """Close to the equator, where a degree is as long to the north as to the east."""
    return Area([[[(lon / 1024, lat / 1024) for lon, lat in ring] for ring in polygon] for polygon in area.polygons])


@given(sound_areas(), sound_areas())
def test_overlaps_are_those_of_shapely(one: Area, other: Area) -> None:
    one, other = shrunk(one), shrunk(other)
    shared = to_shapely(one).intersection(to_shapely(other))
    found = overlaps({"b": one, "a": other})
    if shared.area < 1e-15:
        assert found == []
        return
    ((first, second, inside, area_m2),) = found
    assert (first, second) == ("a", "b")
    assert area_m2 == pytest.approx(shared.area * M2_PER_SQUARE_DEGREE, rel=1e-6)
    assert one.contains(inside.lon, inside.lat)
    assert other.contains(inside.lon, inside.lat)


@given(st.lists(sound_areas(), max_size=4))
def test_gaps_are_what_shapely_leaves_of_the_extent(parts: list[Area]) -> None:
    parts = [shrunk(part) for part in parts]
    extent = shrunk(Area.box(0.5, 0.5, 4.5, 4.25))
    left = to_shapely(extent)
    for part in parts:
        left = left.difference(to_shapely(part))
    pieces = [piece for piece in getattr(left, "geoms", [left]) if piece.area > 1e-15]
    found = gaps({str(number): part for number, part in enumerate(parts)}, extent)
    assert [gap.area_m2 for gap in found] == pytest.approx(
        sorted((piece.area * M2_PER_SQUARE_DEGREE for piece in pieces), reverse=True), rel=1e-6
    )
    for gap in found:
        assert extent.contains(gap.inside.lon, gap.inside.lat)
        assert not any(part.contains(gap.inside.lon, gap.inside.lat) for part in parts)


def test_neighbours_do_not_overlap_but_a_sliver_does() -> None:
    first, neighbour = Area.box(117, 36, 117.01, 36.01), Area.box(117.01, 36, 117.02, 36.01)
    assert overlaps({"first": first, "neighbour": neighbour}) == []
    intruder = Area.box(nudged(117.01, -1), 36, 117.02, 36.01)
    (sliver,) = overlaps({"first": first, "intruder": intruder})
    assert 0 < sliver.area_m2 < 1e-3
    assert overlaps({"first": first, "intruder": intruder}, sliver_m2=1) == []


def test_a_courtyard_between_four_grids_is_a_gap() -> None:
    around = {
        "south": Area.box(0, 0, 3, 1), "north": Area.box(0, 2, 3, 3),
        "west": Area.box(0, 1, 1, 2), "east": Area.box(2, 1, 3, 2),
    }  # fmt: skip
    (gap,) = gaps(around, Area.box(0, 0, 3, 3))
    assert (gap.inside.lon, gap.inside.lat) == (1.5, 1.5)
    assert gap.area_m2 == pytest.approx(Area.box(1, 1, 2, 2).area_m2, rel=1e-3)
    assert gaps(around, Area.box(0, 0, 3, 1)) == []


# Boston

DATA = os.environ.get("COMMUNITYCORE_DATA")
with_data = pytest.mark.skipif(not DATA, reason="COMMUNITYCORE_DATA does not name the folder of real data")


def boston() -> dict[str, Area]:
    text = (Path(DATA or "") / "boston" / "neighborhoods.geojson").read_text(encoding="utf-8")
    return {each["properties"]["name"]: Area(each["geometry"]["coordinates"]) for each in json.loads(text)["features"]}


@with_data
def test_four_of_bostons_neighbourhoods_are_invalid_the_same_as_shapely_finds() -> None:
    areas = boston()
    invalid = {name for name, area in areas.items() if area.problems()}
    assert invalid == {"Beacon Hill", "Downtown", "East Boston", "Hyde Park"}
    assert invalid == {name for name, area in areas.items() if not to_shapely(area).is_valid}


@with_data
def test_bostons_requests_are_placed_as_the_file_has_them() -> None:
    areas = boston()
    with (Path(DATA or "") / "boston" / "requests-2015-05.csv").open(encoding="utf-8", newline="") as file:
        points = [(float(row["LONGITUDE"]), float(row["LATITUDE"])) for row in csv.DictReader(file)]
    assert len(points) == 10_436
    even_odd = AreaIndex(areas)
    assert sum(bool(even_odd.locate(*point)) for point in points) == 10_434
    sound = AreaIndex({name: area for name, area in areas.items() if not area.problems()})
    placed = [bool(sound.locate(*point)) for point in points]
    assert (placed.count(True), placed.count(False)) == (7_367, 3_069)
    for point in points[::50]:
        assert even_odd.locate(*point) == tuple(sorted(name for name, area in areas.items() if area.contains(*point)))
