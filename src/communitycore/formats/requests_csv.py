"""Service requests from a CSV file, by a small mapping file that names its columns.

The mapping is TOML:

    [time]
    zone = "America/New_York"           # the zone its times are local to
    format = "%m/%d/%Y %I:%M:%S %p"     # strptime; left out: ISO 8601
    [columns]                           # ours = theirs; only id is needed
    id = "CASE_ENQUIRY_ID"
    opened = "OPEN_DT"
    closed = "CLOSED_DT"
    category = "REASON"                 # first level
    kind = "TYPE"                       # second level
    title = "CASE_TITLE"
    lon = "LONGITUDE"                   # WGS-84
    lat = "LATITUDE"
    source = "Source"
    unit = "QUEUE"
    [sources]                           # their word for a source = ours
    "Constituent Call" = "telephone"

No row is dropped: what a row says wrongly is left out of it and named in its `problems`.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from attrs import Factory

from communitycore.domain.tickets import Source
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.geometry import Point
from communitycore.kernel.jurisdiction import check_zone, zone_of
from communitycore.kernel.values import frozen

COLUMNS = ("id", "opened", "closed", "category", "kind", "title", "lon", "lat", "source", "unit")


class BadMapping(Refused):
    """The mapping file does not fit."""

    code = "requests_csv.bad_mapping"
    en = "The mapping cannot be used: {why}."
    zh = "映射文件无法使用：{why}。"
    why: str


class BadTable(Refused):
    """The CSV file does not fit its mapping."""

    code = "requests_csv.bad_table"
    en = "The CSV file cannot be read: {why}."
    zh = "CSV 文件无法读取：{why}。"
    why: str


@frozen
class Mapped:
    """Which column holds what, and how times and sources are written."""

    columns: Mapping[str, str]
    zone: str = "UTC"
    format: str | None = None
    sources: Mapping[str, str] = Factory(dict)


@frozen
class Request:
    """One row. line: in the file, the header being 1. Times are UTC."""

    line: int
    id: str
    opened: datetime | None = None
    closed: datetime | None = None
    category: str = ""
    kind: str = ""
    title: str = ""
    point: Point | None = None
    source: str = "import"
    unit: str = ""
    problems: tuple[str, ...] = ()


def read_mapping(text: str) -> Mapped:
    """The mapping in a TOML text. Raises BadMapping."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(why=f"it is not TOML: {error}") from None
    columns, time, sources = (_table(data, name) for name in ("columns", "time", "sources"))
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise BadMapping(why=f"[columns] has {', '.join(unknown)}; known are {', '.join(COLUMNS)}")
    if "id" not in columns:
        raise BadMapping(why="[columns] does not say which column holds the id")
    if ("lon" in columns) != ("lat" in columns):
        raise BadMapping(why="[columns] has one of lon and lat; give both")
    if unknown := sorted(set(sources.values()) - set(Source)):
        raise BadMapping(why=f"[sources] has {', '.join(unknown)}; known are {', '.join(Source)}")
    zone = time.get("zone", "UTC")
    try:
        check_zone(zone)
    except BadValue as error:
        raise BadMapping(why=str(error)) from None
    return Mapped(columns, zone, time.get("format"), sources)


def _table(data: Mapping[str, Any], name: str) -> dict[str, str]:
    table = data.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise BadMapping(why=f"[{name}] is not a table of texts")
    return table


def read_requests(text: str, mapped: Mapped) -> Iterator[Request]:
    """The rows of a CSV text with a header line, in order. Raises BadTable if a mapped column is not there."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = reader.fieldnames or ()
    except csv.Error as error:
        raise BadTable(why=str(error)) from None
    if missing := sorted(set(mapped.columns.values()) - set(header)):
        raise BadTable(why=f"it has no column {', '.join(missing)}; it has {', '.join(header) or 'none'}")
    zone = zone_of(mapped.zone)
    try:
        for row in reader:
            yield _request(row, reader.line_num, mapped, zone)
    except csv.Error as error:
        raise BadTable(why=f"line {reader.reader.line_num}: {error}") from None


def _request(row: Mapping[str | None, str | None], line: int, mapped: Mapped, zone: tzinfo) -> Request:
    problems: list[str] = []
    if None in row:  # where csv puts what stands behind the last column
        problems.append("it has more values than there are columns")
    if None in row.values():
        problems.append("it has fewer values than there are columns")

    def text(name: str) -> str:
        column = mapped.columns.get(name)
        return (row.get(column) or "").strip() if column is not None else ""

    def moment(name: str) -> datetime | None:
        written = text(name)
        if not written:
            return None
        try:
            local = datetime.strptime(written, mapped.format) if mapped.format else datetime.fromisoformat(written)
        except ValueError:
            problems.append(f"{name} {written!r} is not a time as the mapping says")
            return None
        return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)

    point = None
    if text("lon") or text("lat"):
        try:
            point = Point(float(text("lon")), float(text("lat")))
        except (ValueError, Refused):
            problems.append(f"({text('lon')!r}, {text('lat')!r}) is no longitude and latitude")
    opened, closed = moment("opened"), moment("closed")
    if opened is not None and closed is not None and closed < opened:
        problems.append("closed before it was opened")
    written = text("source")
    source = mapped.sources.get(written, "import")
    if written and written not in mapped.sources:
        problems.append(f"source {written!r} is not in the mapping; taken as import")
    id = text("id")
    if not id:
        problems.append("it has no id")
    return Request(
        line,
        id,
        opened,
        closed,
        text("category"),
        text("kind"),
        text("title"),
        point,
        source,
        text("unit"),
        tuple(problems),
    )
