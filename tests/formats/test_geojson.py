from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.formats.geojson import (
    Feature,
    ForeignCrs,
    GeoJsonRefused,
    NoName,
    NotGeoJson,
    NotJson,
    OpenRing,
    UnsupportedGeometry,
    WrongPosition,
    read_features,
    write_features,
)
from communitycore.kernel.geometry import Area, InvalidArea, Point

SQUARE = [[0, 0], [8, 0], [8, 8], [0, 8], [0, 0]]
HOLE = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]


def geometry(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": kind, "coordinates": coordinates}


def feature(shape: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": shape}


def collection(*features: Any, **more: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **more})


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.strip)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))


@st.composite
def boxes(draw: st.DrawFn) -> Area:
    west, east = sorted(draw(st.lists(st.floats(-180, 180), min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(st.floats(-90, 90), min_size=2, max_size=2, unique=True)))
    return Area.box(west, south, east, north)


@given(
    st.lists(
        st.builds(
            Feature,
            name=names,
            shape=st.builds(Point, st.floats(-180, 180), st.floats(-90, 90)) | boxes(),
            properties=st.dictionaries(names.filter(lambda name: name != "name"), values, max_size=4),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read_back(features: list[Feature]) -> None:
    text = write_features(features)
    back = read_features(text)
    assert [(each.name, each.shape) for each in back] == [(each.name, each.shape) for each in features]
    for one, other in zip(back, features, strict=True):
        assert dict(one.properties) == {**other.properties, **({"name": other.name} if other.name else {})}
    assert write_features(back) == write_features(read_features(write_features(back)))


def test_a_collection_of_a_grid_and_a_venue() -> None:
    text = collection(
        feature(geometry("Polygon", [SQUARE]), name="Red Bridge 3", households=412),
        {**feature(geometry("Point", [4, 4.5, 17.2])), "id": 7},
    )
    grid, venue = read_features(text)
    assert (grid.name, grid.shape, grid.properties["households"]) == ("Red Bridge 3", Area([[SQUARE]]), 412)
    assert (venue.name, venue.shape) == ("7", Point(4, 4.5))
    assert grid.problems == venue.problems == ()


def test_a_bare_geometry_and_a_single_feature_are_read_too() -> None:
    assert read_features(json.dumps(geometry("MultiPolygon", [[SQUARE]]))) == [Feature("", Area([[SQUARE]]))]
    assert read_features("\ufeff" + json.dumps(feature(geometry("Point", [1, 2]), name="x")))[0].name == "x"
    assert read_features(json.dumps({**feature(geometry("Point", [1, 2])), "properties": None}))[0].name == ""


def test_an_invalid_polygon_is_read_and_reported_with_its_feature() -> None:
    bow_tie = [[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]
    (tied,) = read_features(collection(feature(geometry("Polygon", [bow_tie]), name="Tie")))
    assert [problem.fault for problem in tied.problems] == ["self_crossing"]


def test_a_property_names_the_features_if_told_so() -> None:
    text = collection(
        feature(geometry("Point", [1, 2]), code=370115001), feature(geometry("Point", [1, 2]), code=" B ")
    )
    assert [each.name for each in read_features(text, name_from="code")] == ["370115001", "B"]
    with pytest.raises(NoName) as refused:
        read_features(text, name_from="title")
    assert refused.value.path == "$.features[0].properties.title"


def test_a_named_wgs84_is_accepted_as_longitude_first() -> None:
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4326"):
        crs = {"type": "name", "properties": {"name": name}}
        assert read_features(collection(feature(geometry("Point", [117, 37])), crs=crs))[0].shape == Point(117, 37)


WRONG: list[tuple[str, type[GeoJsonRefused], str]] = [
    ("", NotJson, "$"),
    ("{", NotJson, "$"),
    ("not json", NotJson, "$"),
    ('{"type": NaN}', NotJson, "$"),
    ("[" * 200_000, NotJson, "$"),
    ("1" * 10_000, NotJson, "$"),
    ('{"type":"FeatureCollection","features":[],"a":"\\ud800"}', NotJson, "$"),
    ("[]", NotGeoJson, "$"),
    ("{}", NotGeoJson, "$.type"),
    ('{"type":"Topology"}', NotGeoJson, "$.type"),
    ('{"type":["Point"]}', NotGeoJson, "$.type"),
    ('{"type":"FeatureCollection"}', NotGeoJson, "$.features"),
    ('{"type":"FeatureCollection","features":{}}', NotGeoJson, "$.features"),
    (collection(7), NotGeoJson, "$.features[0]"),
    (collection({"type": "feature"}), NotGeoJson, "$.features[0].type"),
    (collection(feature(None)), NotGeoJson, "$.features[0].geometry"),
    (collection({**feature(geometry("Point", [0, 0])), "properties": []}), NotGeoJson, "$.features[0].properties"),
    (collection(feature(geometry("LineString", [[0, 0], [1, 1]]))), UnsupportedGeometry, "$.features[0].geometry"),
    (collection(feature(geometry("Polygon", []))), NotGeoJson, "$.features[0].geometry.coordinates"),
    (collection(feature(geometry("Polygon", [SQUARE, HOLE[:4]]))), OpenRing, "$.features[0].geometry.coordinates[1]"),
    (
        collection(feature(geometry("Polygon", [[[0, 0], [1, 1], [0, 0]]]))),
        OpenRing,
        "$.features[0].geometry.coordinates[0]",
    ),
    (json.dumps(geometry("MultiPolygon", [[SQUARE], [[[0, 0], [1]]]])), NotGeoJson, "$.coordinates[1][0][1]"),
    (json.dumps(geometry("Polygon", [[[0, 0], [1, "1"]]])), WrongPosition, "$.coordinates[0][1]"),
    (json.dumps(geometry("Point", [37, 117])), WrongPosition, "$.coordinates"),
    (json.dumps(geometry("Point", [True, 1])), WrongPosition, "$.coordinates"),
    ('{"type":"Point","coordinates":[1e999,1]}', WrongPosition, "$.coordinates"),
    ('{"type":"Point","coordinates":[' + "9" * 400 + ",1]}", WrongPosition, "$.coordinates"),
    (collection(crs=None), ForeignCrs, "$.crs"),
    (collection(crs={"type": "name", "properties": {"name": "EPSG:3857"}}), ForeignCrs, "$.crs"),
    (collection(crs={"type": "name", "properties": {"name": "GCJ-02"}}), ForeignCrs, "$.crs"),
    (collection(feature({**geometry("Point", [0, 0]), "crs": "EPSG:4490"})), ForeignCrs, "$.features[0].geometry.crs"),
]


@pytest.mark.parametrize(
    ("text", "kind", "path"), WRONG, ids=[f"{n}-{k.__name__}" for n, (_, k, _) in enumerate(WRONG)]
)
def test_bad_input_gives_one_error_that_says_where(text: str, kind: type[GeoJsonRefused], path: str) -> None:
    with pytest.raises(kind) as refused:
        read_features(text)
    assert refused.value.path == path
    for language in ("en", "zh"):
        sentence = refused.value.say(language)
        assert "{" not in sentence or "{" in text
        assert sentence.count("?") <= text.count("?")


def refusal_of(text: str) -> GeoJsonRefused | None:
    try:
        for each in read_features(text):
            each.problems  # noqa: B018
    except GeoJsonRefused as refused:
        return refused
    return None


kinds = st.sampled_from(["Point", "Polygon", "MultiPolygon", "Feature", "FeatureCollection"])
members = st.sampled_from(["type", "features", "geometry", "coordinates", "properties", "crs", "id", "name"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | kinds,
    lambda inner: st.lists(inner) | st.dictionaries(members, inner),
    max_leaves=30,
)  # fmt: skip


@given(st.text() | json_values.map(json.dumps) | json_values.map(lambda v: json.dumps(v, ensure_ascii=False)))
def test_no_text_brings_out_anything_but_a_refusal(text: str) -> None:
    refused = refusal_of(text)
    assert refused is None or str(refused)


@given(st.data(), json_values)
def test_no_damage_to_a_good_file_brings_out_anything_but_a_refusal(data: st.DataObject, damage: Any) -> None:
    whole = json.loads(collection(feature(geometry("MultiPolygon", [[SQUARE, HOLE]]), name="a")))
    at: Any = whole
    while True:
        key = data.draw(st.sampled_from(range(len(at)) if isinstance(at, list) else sorted(at)))
        if not isinstance(at[key], (dict, list)) or data.draw(st.integers(0, 3)) == 0:
            at[key] = damage
            break
        at = at[key]
    refused = refusal_of(json.dumps(whole))
    assert refused is None or refused.path.startswith("$")


def signed(ring: list[tuple[float, float]]) -> float:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise(ring))


@given(st.booleans(), st.booleans())
def test_outer_rings_are_written_counter_clockwise_and_holes_clockwise(shell_turned: bool, hole_turned: bool) -> None:
    area = Area([[SQUARE[:: -1 if shell_turned else 1], HOLE[:: -1 if hole_turned else 1]]])
    written = json.loads(write_features([Feature("济阳", area)], name_as="名称"))["features"][0]
    shell, hole = written["geometry"]["coordinates"]
    assert signed(shell) > 0 > signed(hole)
    assert written["properties"] == {"名称": "济阳"}


def test_what_json_cannot_hold_is_not_written() -> None:
    with pytest.raises(NotGeoJson) as refused:
        write_features([Feature("a", Point(0, 0)), Feature("b", Point(0, 0), {"x": float("nan")})])
    assert refused.value.path == "$.features[1].properties"
    with pytest.raises(InvalidArea, match="Red Bridge"):
        write_features([Feature("Red Bridge", Area([[SQUARE[:4]]]))])


def test_a_features_properties_are_its_own() -> None:
    given_properties = {"a": 1}
    made = Feature("x", Point(0, 0), given_properties)
    given_properties["a"] = 2
    assert made.properties["a"] == 1


@pytest.mark.skipif(
    not os.environ.get("COMMUNITYCORE_DATA"), reason="COMMUNITYCORE_DATA does not name the folder of real data"
)
def test_bostons_neighbourhoods_are_read_by_name_and_written_back() -> None:
    file = Path(os.environ["COMMUNITYCORE_DATA"]) / "boston" / "neighborhoods.geojson"
    features = read_features(file.read_text(encoding="utf-8"), name_from="name")
    assert len(features) == 26
    assert {each.name for each in features if each.problems} == {"Beacon Hill", "Downtown", "East Boston", "Hyde Park"}
    again = read_features(write_features(features))
    assert [each.name for each in again] == [each.name for each in features]
    assert all(
        {position for ring in one.shape.polygons[0] for position in ring}
        == {position for ring in other.shape.polygons[0] for position in ring}
        for one, other in zip(again, features, strict=True)
        if isinstance(one.shape, Area) and isinstance(other.shape, Area)
    )
