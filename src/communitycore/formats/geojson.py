"""GeoJSON (RFC 7946) in and out: text to features with areas or points, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from attrs import field

from communitycore.kernel.errors import Refused
from communitycore.kernel.geometry import Area, BadCoordinate, Point, Polygon, Position, Problem, Ring
from communitycore.kernel.geometry.rings import winds_left
from communitycore.kernel.values import frozen


class GeoJsonRefused(Refused):
    """A text that is not GeoJSON of points and areas. path: where, as `$.features[3].geometry`."""

    code = "geojson"
    en = "{path}: this GeoJSON cannot be read."
    zh = "{path}：无法读取该 GeoJSON。"
    path: str


class NotJson(GeoJsonRefused):
    """No JSON at all: a syntax error, NaN or Infinity, nesting without end, characters that are none."""

    code = "geojson.not_json"
    en = "The text is not JSON: {why}. Export it again, as GeoJSON in UTF-8."
    zh = "文本不是 JSON：{why}。请重新导出为 UTF-8 编码的 GeoJSON。"
    why: str


class NotGeoJson(GeoJsonRefused):
    """A value of another kind than RFC 7946 has at that place."""

    code = "geojson.wrong_type"
    en = "{path} is {found}; RFC 7946 wants {wanted} here. Correct it, or export the file again."
    zh = "{path} 的值为 {found}；RFC 7946 要求此处为 {wanted}。请更正或重新导出文件。"
    found: str
    wanted: str


class UnsupportedGeometry(GeoJsonRefused):
    """Lines, several points or collections, which are no place and no area."""

    code = "geojson.unsupported"
    en = "{path} is a {found}. Only Point, Polygon and MultiPolygon are read: convert it, or leave it out."
    zh = "{path} 的类型为 {found}，仅支持 Point、Polygon 和 MultiPolygon；请转换或删除该要素。"
    found: str


class OpenRing(GeoJsonRefused):
    """A ring whose last position is not its first, or that has fewer than four positions."""

    code = "geojson.open_ring"
    en = "{path} is no closed ring of at least four positions. Repeat its first position at the end."
    zh = "{path} 不是至少含四个坐标的闭合环，请在末尾重复首个坐标。"


class WrongPosition(GeoJsonRefused):
    """A position that lies on no map."""

    code = "geojson.position"
    en = "{path}: {axis} {found} is not from -{limit} to {limit}. Give degrees of WGS-84, longitude first."
    zh = "{path}：{axis} {found} 不是 -{limit} 到 {limit} 之间的数字。请使用 WGS-84 坐标（度），经度在前。"
    axis: str
    found: str
    limit: int


class ForeignCrs(GeoJsonRefused):
    """Coordinates of another system than WGS-84, longitude first."""

    code = "geojson.crs"
    en = "{path} says {found}. Convert to WGS-84 (EPSG:4326), longitude first, and drop the member crs."
    zh = "{path} 声明的坐标系为 {found}。请将坐标转换为 WGS-84（EPSG:4326，经度在前），并删除 crs 成员。"
    found: str


class NoName(GeoJsonRefused):
    """A feature without the property that should name it."""

    code = "geojson.no_name"
    en = "{path} has no text or number to name the feature. Fill it in, or name them by another property."
    zh = "{path} 中没有可作为名称的文本或数字，请补全，或改用其他属性作为名称。"


def _copied(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(properties))


@frozen
class Feature:
    """Something with a name and a place or an area. properties: copied; its values are JSON's."""

    name: str
    shape: Area | Point
    properties: Mapping[str, Any] = field(factory=dict, converter=_copied, hash=False)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What makes its area invalid, as `Area.problems` says; empty for a point."""
        return self.shape.problems() if isinstance(self.shape, Area) else ()


def read_features(text: str, *, name_from: str | None = None) -> list[Feature]:
    """The features of a FeatureCollection, a Feature or a bare geometry, in their order.

    name_from: the property that names a feature; it must be there, as text or a number (else NoName).
    Without it a feature is named by its property `name`, else by its `id`, else not at all ("").
    Altitudes are dropped; unknown members are ignored, as RFC 7946 has it.
    Raises a GeoJsonRefused with the path of the first fault. An area whose rings are well formed but
    cross, touch or overlap is no fault of the text: ask `feature.problems`, or `feature.shape.checked(name)`.
    """
    root = _object(_parse(text), "$")
    kind = root.get("type")
    if kind == "FeatureCollection":
        _check_crs(root, "$")
        members = _list(root.get("features"), "$.features", "an array")
        return [_feature(member, f"$.features[{n}]", name_from) for n, member in enumerate(members)]
    if kind == "Feature":
        return [_feature(root, "$", name_from)]
    return [Feature(_name({}, root, "$", None), _geometry(root, "$"))]


def write_features(features: Iterable[Feature], *, name_as: str = "name") -> str:
    """A FeatureCollection by RFC 7946: outer rings counter-clockwise, holes clockwise, longitude first.

    name_as: the property that takes each feature's name, unless that is "".
    An area of one polygon becomes a Polygon, of several a MultiPolygon. Raises InvalidArea for an area with
    an open or pointlike ring, NotGeoJson for properties that JSON cannot hold.
    """
    members = []
    for n, feature in enumerate(features):
        properties = dict(feature.properties)
        if feature.name:
            properties[name_as] = feature.name
        members.append({"type": "Feature", "properties": properties, "geometry": _written(feature)})
        try:
            _encode(properties).encode()
        except (TypeError, ValueError, RecursionError) as error:
            path = f"$.features[{n}].properties"
            raise NotGeoJson(path=path, found=str(error), wanted="JSON values") from error
    return _encode({"type": "FeatureCollection", "features": members})


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _written(feature: Feature) -> dict[str, Any]:
    shape = feature.shape
    if isinstance(shape, Point):
        return {"type": "Point", "coordinates": [shape.lon, shape.lat]}
    rings = [ring for polygon in shape.polygons for ring in polygon]
    if not all(ring[0] == ring[-1] and len(set(ring)) >= 3 for ring in rings):
        shape.checked(feature.name or "a feature without a name")
    polygons = [_wound(polygon) for polygon in shape.polygons]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _wound(polygon: Polygon) -> list[Ring]:
    return [ring if winds_left(ring) == (number == 0) else ring[::-1] for number, ring in enumerate(polygon)]


def _parse(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a JSON number")

    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=refuse)
        if "\\" in text or not text.isascii():
            _encode(value).encode()  # half a surrogate pair can be read, yet never be stored
    except RecursionError as error:
        raise NotJson(path="$", why="it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise NotJson(path="$", why="it holds half a character (a lone surrogate)") from error
    except ValueError as error:
        raise NotJson(path="$", why=str(error)) from error
    return value


def _shown(value: object) -> str:
    """The kind of a JSON value, in JSON's words, with a short value itself."""
    match value:
        case None:
            return "missing or null"
        case bool():
            return "a boolean"
        case str():
            return json.dumps(value[:40], ensure_ascii=False)
        case int() | float():
            return "a number"
        case list():
            return f"an array of {len(value)}"
        case _:
            return "an object"


def _object(value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise NotGeoJson(path=path, found=_shown(value), wanted="an object")


def _list(value: Any, path: str, wanted: str, least: int = 0) -> Sequence[Any]:
    if isinstance(value, list) and len(value) >= least:
        return value
    raise NotGeoJson(path=path, found=_shown(value), wanted=wanted)


_WGS84 = re.compile(r"(OGC:)?CRS84|EPSG:4326|URN:OGC:DEF:CRS:(OGC:[\d.]*:CRS84|EPSG:[\d.]*:4326)")


def _check_crs(member: Mapping[str, Any], path: str) -> None:
    """GeoJSON of 2008 could name its system; files that name WGS-84 are as longitude-first as all others."""
    if "crs" not in member:
        return
    crs = member["crs"]
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    spelled = name.upper() if isinstance(name, str) else ""
    if not _WGS84.fullmatch(spelled):
        raise ForeignCrs(path=f"{path}.crs", found=_shown(name if isinstance(name, str) else crs))


def _feature(value: Any, path: str, name_from: str | None) -> Feature:
    member = _object(value, path)
    if member.get("type") != "Feature":
        raise NotGeoJson(path=f"{path}.type", found=_shown(member.get("type")), wanted='"Feature"')
    _check_crs(member, path)
    properties = member.get("properties")
    properties = {} if properties is None else _object(properties, f"{path}.properties")
    shape = _geometry(_object(member.get("geometry"), f"{path}.geometry"), f"{path}.geometry")
    return Feature(_name(properties, member, path, name_from), shape, properties)


def _name(properties: Mapping[str, Any], member: Mapping[str, Any], path: str, name_from: str | None) -> str:
    usual = properties.get("name"), member.get("id")
    for name in usual if name_from is None else (properties.get(name_from),):
        if isinstance(name, str) and name.strip():
            return name.strip()
        if isinstance(name, (int, float)) and not isinstance(name, bool):
            return json.dumps(name)
    if name_from is not None:
        raise NoName(path=f"{path}.properties.{name_from}")
    return ""


def _geometry(member: Mapping[str, Any], path: str) -> Area | Point:
    _check_crs(member, path)
    kind, where = member.get("type"), f"{path}.coordinates"
    match kind:
        case "Point":
            return Point(*_position(member.get("coordinates"), where))
        case "Polygon":
            return Area([_polygon(member.get("coordinates"), where)])
        case "MultiPolygon":
            polygons = _list(member.get("coordinates"), where, "an array of at least one polygon", 1)
            return Area([_polygon(polygon, f"{where}[{n}]") for n, polygon in enumerate(polygons)])
        case "LineString" | "MultiLineString" | "MultiPoint" | "GeometryCollection":
            raise UnsupportedGeometry(path=path, found=kind)
        case _:
            raise NotGeoJson(path=f"{path}.type", found=_shown(kind), wanted="Point, Polygon or MultiPolygon")


def _polygon(value: Any, path: str) -> list[list[Position]]:
    rings = _list(value, path, "an array of at least one ring", 1)
    return [_ring(ring, f"{path}[{n}]") for n, ring in enumerate(rings)]


def _ring(value: Any, path: str) -> list[Position]:
    members = _list(value, path, "an array of positions")
    ring = [_position(member, f"{path}[{n}]") for n, member in enumerate(members)]
    if len(ring) < 4 or ring[0] != ring[-1]:
        raise OpenRing(path=path)
    return ring


def _position(value: Any, path: str) -> Position:
    position = _list(value, path, "an array of longitude and latitude", 2)
    try:
        point = Point(position[0], position[1])
    except BadCoordinate as error:
        raise WrongPosition(path=path, **error.data) from error
    return point.lon, point.lat
