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
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from attrs import Factory

from communitycore.domain.tickets import Source
from communitycore.kernel.errors import BadValue, Language, Refused
from communitycore.kernel.geometry import Point
from communitycore.kernel.jurisdiction import check_zone, zone_of
from communitycore.kernel.values import frozen

COLUMNS = ("id", "opened", "closed", "category", "kind", "title", "lon", "lat", "source", "unit")


class BadMapping(Refused):
    """The mapping file does not fit."""

    code = "requests_csv.bad_mapping"
    en = "The mapping cannot be used: {why}."
    zh = "映射文件无法使用：{why_zh}。"
    why: str
    why_zh: str


class BadTable(Refused):
    """The CSV file does not fit its mapping."""

    code = "requests_csv.bad_table"
    en = "The CSV file cannot be read: {why}."
    zh = "CSV 文件无法读取：{why_zh}。"
    why: str
    why_zh: str


@frozen
class Mapped:
    """Which column holds what, and how times and sources are written."""

    columns: Mapping[str, str]
    zone: str = "UTC"
    format: str | None = None
    sources: Mapping[str, str] = Factory(dict)


@frozen
class Problem:
    """What is wrong with a row, in English and Chinese; the row is loaded all the same."""

    en: str
    zh: str

    def say(self, language: Language = "en") -> str:
        """In the language asked for."""
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en


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
    problems: tuple[Problem, ...] = ()


def read_mapping(text: str) -> Mapped:
    """The mapping in a TOML text. Raises BadMapping."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(why=f"it is not TOML: {error}", why_zh=f"不是 TOML 格式：{error}") from None
    columns, time, sources = (_table(data, name) for name in ("columns", "time", "sources"))
    _check_known("columns", columns, COLUMNS)
    _check_known("sources", sources.values(), tuple(Source))
    if "id" not in columns:
        raise BadMapping(
            why="[columns] does not say which column holds the id", why_zh="[columns] 未注明编号（id）所在的列"
        )
    if ("lon" in columns) != ("lat" in columns):
        raise BadMapping(
            why="[columns] has one of lon and lat; give both", why_zh="[columns] 只有 lon 或 lat 之一，应同时填写"
        )
    zone = time.get("zone", "UTC")
    try:
        check_zone(zone)
    except BadValue as error:
        raise BadMapping(why=f"[time] {error.why}", why_zh=f"[time] {error.why_zh}") from None
    return Mapped(columns, zone, time.get("format"), sources)


def _check_known(table: str, words: Iterable[str], known: tuple[str, ...]) -> None:
    if unknown := sorted(set(words) - set(known)):
        raise BadMapping(
            why=f"[{table}] has {', '.join(unknown)}; known are {', '.join(known)}",
            why_zh=f"[{table}] 含有 {'、'.join(unknown)}；可用：{'、'.join(known)}",
        )


def _table(data: Mapping[str, Any], name: str) -> dict[str, str]:
    table = data.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise BadMapping(why=f"[{name}] is not a table of texts", why_zh=f"[{name}] 应为文本键值表")
    return table


def read_requests(text: str, mapped: Mapped) -> Iterator[Request]:
    """The rows of a CSV text with a header line, in order.

    Raises BadTable if a mapped column is not there, or is there twice.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        header = reader.fieldnames or ()
    except csv.Error as error:
        raise _not_csv(1, error) from None
    if missing := sorted(set(mapped.columns.values()) - set(header)):
        raise BadTable(
            why=f"it has no column {', '.join(missing)}; it has {', '.join(header) or 'none'}",
            why_zh=f"没有列 {'、'.join(missing)}；现有列：{'、'.join(header) or '无'}",
        )
    if twice := sorted(column for column in set(mapped.columns.values()) if header.count(column) > 1):
        raise BadTable(
            why=f"it has the column {', '.join(twice)} more than once; rename or drop one",
            why_zh=f"列 {'、'.join(twice)} 重复，请改名或删除其一",
        )
    zone = zone_of(mapped.zone)
    try:
        for row in reader:
            yield _request(row, reader.line_num, mapped, zone)
    except csv.Error as error:
        raise _not_csv(reader.reader.line_num, error) from None


def _not_csv(line: int, error: csv.Error) -> BadTable:
    return BadTable(why=f"line {line}: {error}", why_zh=f"第 {line} 行：{error}")


def _request(row: Mapping[str | None, str | None], line: int, mapped: Mapped, zone: tzinfo) -> Request:
    problems: list[Problem] = []
    if None in row:  # where csv puts what stands behind the last column
        problems.append(Problem("it has more values than there are columns", "该行的值多于列数"))
    if None in row.values():
        problems.append(Problem("it has fewer values than there are columns", "该行的值少于列数"))

    def text(name: str) -> str:
        column = mapped.columns.get(name)
        return (row.get(column) or "").strip() if column is not None else ""

    def moment(name: str) -> datetime | None:
        written = text(name)
        if not written:
            return None
        try:
            local = datetime.strptime(written, mapped.format) if mapped.format else datetime.fromisoformat(written)
            return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):  # OverflowError: in UTC it would lie before the year 1 or after 9999
            problems.append(
                Problem(
                    f"{name} {written!r} is not a time as the mapping says",
                    f"{name} {written!r} 不符合映射中的时间格式",
                )
            )
            return None

    point = None
    if text("lon") or text("lat"):
        try:
            point = Point(float(text("lon")), float(text("lat")))
        except (ValueError, Refused):
            found = f"({text('lon')!r}, {text('lat')!r})"
            problems.append(Problem(f"{found} is no longitude and latitude", f"{found} 不是有效的经纬度"))
    opened, closed = moment("opened"), moment("closed")
    if opened is not None and closed is not None and closed < opened:
        problems.append(Problem("closed before it was opened", "结案时间早于受理时间"))
    written = text("source")
    source = mapped.sources.get(written, "import")
    if written and written not in mapped.sources:
        problems.append(
            Problem(
                f"source {written!r} is not in the mapping; taken as import", f"来源 {written!r} 未映射，按导入处理"
            )
        )
    id = text("id")
    if not id:
        problems.append(Problem("it has no id", "缺少编号"))
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
