"""A jurisdiction as one stream: gzip of JSON lines, with a running SHA-256; docs/export.md says it byte by byte."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, BinaryIO, NoReturn

import attrs
from attrs import Factory, define

from communitycore.hub.report import Anchor
from communitycore.kernel.errors import BadValue, CommunityCoreError, Damaged
from communitycore.kernel.ids import check_id
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.shape import NESTED_MAX, check_int, check_text
from communitycore.kernel.values import frozen
from communitycore.ports import Head, Key, Timer

NAME = "communitycore export"
FORMAT = 1
RECORDS_MOST = 500
BYTES_MOST = 4 << 20
LINE_MOST = 64 << 20
TEXT_MOST = 4 * NESTED_MAX
_GZIP = 31  # zlib's word for its widest window in gzip's frame

SECTIONS = ("entry", "row", "timer", "key", "cursor", "figure")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "head": tuple(a.name for a in attrs.fields(Head)),
    "entry": (*FIELDS, "hash"),
    "timer": tuple(a.name for a in attrs.fields(Timer)),
    "key": tuple(a.name for a in attrs.fields(Key)),
    "cursor": ("follower", "seq", "version"),
    "figure": ("fold", "key", "row"),
}
WHOLE = frozenset({"format", "seq", "schema", "version", "depth", "attempts", "standing"})
EMPTY = frozenset({"behalf", "above", "grant", "timers", "parked", "next_wake"})

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class ExportDamaged(CommunityCoreError):
    """The stream is not as it was written: cut, edited, or no export at all."""

    code = "export_damaged"
    en = "The export cannot be taken in: {why}. Get the file again, or export anew."
    zh = "导出文件无法导入：{why_zh}。请重新获取文件，或重新导出。"
    why: str
    why_zh: str

    def __init__(self, *, why: str, why_zh: str, **more: Any) -> None:
        super().__init__(why=why, why_zh=why_zh, **more)


@frozen
class Contents:
    """What an export holds. counts: of entries, rows, timers, keys, cursors and figures. sha256: of the whole stream.

    seq, hash: of its last entry.
    """

    jurisdiction: str
    code: str
    seq: int
    hash: str
    at: str
    counts: Mapping[str, int]
    sha256: str

    @property
    def anchor(self) -> Anchor:
        """Where its journal stands: keep it elsewhere, and an export that was forged as a whole is found too."""
        return Anchor({self.jurisdiction: (self.seq, self.hash)})


@frozen
class KindSaid:
    """A kind of record as the stream holds it: the number of its form, and its columns in order."""

    schema: int
    columns: tuple[str, ...]


@frozen
class Header:
    """The first line. at: when it was written. head: where the books stood. kinds: those that have rows."""

    at: str
    head: Head
    kinds: Mapping[str, KindSaid]

    def to_text(self) -> str:
        """JSON on one line."""
        return _encode(
            {
                "communitycore": NAME,
                "format": FORMAT,
                "at": self.at,
                "head": {name: getattr(self.head, name) for name in COLUMNS["head"]},
                "kinds": {k: {"schema": said.schema, "columns": said.columns} for k, said in self.kinds.items()},
                "columns": _columns_said(),
            }
        )

    def contents(self, counts: Mapping[str, int], sha: str) -> Contents:
        """What the stream holds, once its end was reached."""
        head = self.head
        counted = {section: counts.get(section, 0) for section in SECTIONS}
        return Contents(head.id, head.code, head.seq, head.hash, self.at, counted, sha)


@define
class Page:
    """Some records as (section, values), with the hash of the stream up to and before the mark that ends the page."""

    number: int
    records: list[tuple[str, list[Any]]] = Factory(list)
    sha: str = ""


class Packing:
    """Writes a stream; a page's mark follows by itself once it is full."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self.header = header
        self.counts: Counter[str] = Counter()
        self._file = file
        self._packed = zlib.compressobj(wbits=_GZIP)
        self._sha = sha256()
        self._page = self._records = self._bytes = 0
        self._line(header.to_text())

    def add(self, section: str, *values: Any) -> None:
        """One record. Raises Damaged for what no store should have held."""
        try:
            self._bytes += self._line(_encode((section, *values)))
        except (TypeError, ValueError) as error:
            raise Damaged(kind=section, id=str(values[0]), why=f"{type(error).__name__}: {error}") from error
        self.counts[section] += 1
        self._records += 1
        if self._records == RECORDS_MOST or self._bytes >= BYTES_MOST:
            self._mark()

    def end(self) -> Contents:
        """The last mark and the end."""
        if self._records:
            self._mark()
        contents = self.header.contents(self.counts, self._sha.hexdigest())
        self._line(_encode(("end", contents.counts, contents.sha256)))
        self._file.write(self._packed.flush())
        return contents

    def _mark(self) -> None:
        self._page += 1
        self._records = self._bytes = 0
        self._line(_encode(("page", self._page, self._sha.hexdigest())))

    def _line(self, text: str) -> int:
        data = text.encode() + b"\n"
        self._file.write(self._packed.compress(data))
        self._sha.update(data)
        return len(data)


class Unpacking:
    """Reads a stream page by page; a page is given only after its mark has agreed. Raises ExportDamaged.

    contents: what it holds, once the last page was read.
    """

    contents: Contents

    def __init__(self, file: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        self._sha = sha256()
        self._number = 0
        self.counts: Counter[str] = Counter()
        self.header = _header(self._line())

    def pages(self) -> Iterator[Page]:
        """All pages in order."""
        page = Page(1)
        while True:
            sha = self._sha.hexdigest()
            section, values = self._record()
            if section == "page":
                if values != [page.number, sha]:
                    raise self._edited()
                page.sha = sha
                yield page
                page = Page(page.number + 1)
            elif section == "end":
                self.contents = self.header.contents(self.counts, sha)
                if page.records or values != [self.contents.counts, sha] or self._read(lambda: self._file.read(1)):
                    raise self._edited()
                return
            else:
                self.counts[section] += 1
                page.records.append((section, values))
                if len(page.records) > RECORDS_MOST:
                    raise self._edited()

    def _record(self) -> tuple[str, list[Any]]:
        line = self._line()
        try:
            section, *values = json.loads(line, parse_float=_no_float, parse_constant=_no_float)
            if section not in _SHAPES:
                raise ValueError(section)
            _SHAPES[section](values)
        except (ValueError, TypeError, KeyError, RecursionError, BadValue) as error:
            raise self._edited() from error
        return section, values

    def _line(self) -> bytes:
        self._number += 1
        line = self._read(lambda: self._file.readline(LINE_MOST))
        if not line.endswith(b"\n"):
            raise self._cut()
        self._sha.update(line)
        return line

    def _read(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except EOFError:
            raise self._cut() from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise (_no_export() if self._number == 1 else self._edited()) from error

    def _cut(self) -> ExportDamaged:
        n = self._number
        return ExportDamaged(why=f"it ends in the middle, at line {n}", why_zh=f"文件不完整，止于第 {n} 行")

    def _edited(self) -> ExportDamaged:
        n = self._number
        return ExportDamaged(why=f"line {n} is not as it was written", why_zh=f"第 {n} 行与写入时不符")


def _no_float(text: str) -> NoReturn:
    raise ValueError(text)


def _no_export() -> ExportDamaged:
    return ExportDamaged(why="this is no export of communitycore", why_zh="这不是 communitycore 的导出文件")


def _header(line: bytes) -> Header:
    """Raises ExportDamaged for what is no header, or of another format."""
    try:
        told = json.loads(line)
        if told["communitycore"] != NAME:
            raise _no_export()
        if told["format"] != FORMAT:
            raise ExportDamaged(
                why=f"its format is {told['format']}, and {FORMAT} is read here; use the version that wrote it",
                why_zh=f"其格式为 {told['format']}，此处只能读取 {FORMAT}；请使用写入它的版本",
            )
        if told["columns"] != _columns_said():
            raise _no_export()
        values = [told["head"][name] for name in COLUMNS["head"]]
        _check_values("head", values)
        check_id(values[0])
        kinds = {
            kind: KindSaid(check_int(said["schema"], "schema"), tuple(check_text(c, "column") for c in said["columns"]))
            for kind, said in told["kinds"].items()
        }
        return Header(check_text(told["at"], "at"), Head(*values), kinds)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, BadValue) as error:
        raise _no_export() from error


def _columns_said() -> dict[str, list[str]]:
    return {section: list(COLUMNS[section]) for section in SECTIONS if section != "row"}


def _check_values(section: str, values: list[Any]) -> None:
    """Whether each is of its column's type, and one that a store holds. Raises BadValue, ValueError."""
    for name, value in zip(COLUMNS[section], values, strict=True):
        check_value(value, whole=name in WHOLE, null=name in EMPTY)


def check_value(value: Any, *, whole: bool, null: bool) -> None:
    """Raises BadValue unless it is a text, or a whole number, that a store holds."""
    if value is None and null:
        return
    if whole:
        check_int(value, "value")
    else:
        check_text(value, "value", TEXT_MOST)


_SHAPES: dict[str, Callable[[list[Any]], object]] = {
    **{section: partial(_check_values, section) for section in SECTIONS if section != "row"},
    "row": lambda values: check_text(values[0], "kind"),  # the others are held against the kind's own columns
    "page": lambda values: values[1],
    "end": lambda values: values[1],
}
