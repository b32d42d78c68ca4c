"""A bank's statement from a CSV file, by a small mapping file that names its columns.

The mapping is TOML:

    encoding = "gb18030"            # or "utf-8", which it is if left out
    header = 3                      # the line with the names of the columns; 1 if left out
    [columns]                       # ours = theirs
    day = "交易日期"
    credit = "贷方发生额"             # came in; with debit, or both left out for one `amount`
    debit = "借方发生额"              # went out
    text = ["摘要", "附言"]           # one or several, read as one
    reference = "流水号"
    [day]
    format = "%Y%m%d"               # strptime; left out: ISO 8601

Of a bank that writes one amount, `amount` names its column: below zero what went out. If another column says which way
it went, `direction` names that, and `[directions]` its words: `"贷" = "in"`, `"借" = "out"`.

Amounts are decimal text, read exactly: `1,234.50`, `１２３`, `-5`, and `(5)` for what is below zero. A row that cannot
be read is told with its line and column, and is never left out in silence.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attrs import Factory, evolve

from communitycore.domain.funds import BankLine
from communitycore.formats.requests_csv import BadMapping, BadTable
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.money import Money
from communitycore.kernel.values import frozen

COLUMNS = ("day", "amount", "direction", "credit", "debit", "reference")
ENCODINGS = {"utf-8": "utf-8-sig", "gb18030": "gb18030"}
"""What a mapping may say -> what Python calls it; a mark at the beginning is no part of the text."""
_TABLES = ("columns", "day", "directions")
_PLAIN = str.maketrans("０１２３４５６７８９．，＋－−﹣（）", "0123456789.,+---()")
_AMOUNT = re.compile(r"([+-]?)((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)", re.ASCII).fullmatch


class BadRow(Refused):
    """A row of a bank's statement that cannot be read."""

    code = "bank_csv.bad_row"
    en = "Line {row}, column {column}: {why}. Correct the row, or take it out if it is no movement."
    zh = "第 {row} 行“{column}”列：{why_zh}。请更正该行；如非收支记录，请将其删除。"
    row: int
    column: str
    why: str
    why_zh: str


@frozen
class BankMapped:
    """Which column holds what, and how days and directions are written. text: the columns whose texts are joined."""

    columns: Mapping[str, str]
    text: tuple[str, ...] = ()
    format: str | None = None
    directions: Mapping[str, str] = Factory(dict)
    encoding: str = "utf-8"
    header: int = 1


@frozen
class BankTable:
    """A bank's statement as it was read: its lines in order, and what is wrong with each row that is none."""

    lines: tuple[BankLine, ...]
    bad: tuple[BadRow, ...] = ()


def read_bank_mapping(text: str) -> BankMapped:
    """The mapping in a TOML text. Raises BadMapping."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(why=f"it is not TOML: {error}", why_zh=f"不是 TOML 格式：{error}") from None
    _check_known("mapping", data, ("encoding", "header", *_TABLES))
    tables = {name: data.get(name, {}) for name in _TABLES}
    if wrong := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise BadMapping(why=f"[{wrong[0]}] is not a table", why_zh=f"[{wrong[0]}] 应为键值表")
    text_columns = tables["columns"].pop("text", [])
    if isinstance(text_columns, str):
        text_columns = [text_columns]
    if not isinstance(text_columns, list):
        raise BadMapping(why="text names one column or a list of them", why_zh="text 应为列名或列名数组")
    columns, day, directions = (_texts(name, table) for name, table in tables.items())
    mapped = BankMapped(
        columns,
        text=tuple(_texts("columns", dict(enumerate(text_columns))).values()),
        format=day.get("format"),
        directions=directions,
        encoding=data.get("encoding", "utf-8"),
        header=data.get("header", 1),
    )
    _check_known("[columns]", columns, COLUMNS)
    _check_known("[day]", day, ("format",))
    _check_known("[directions]", directions.values(), ("in", "out"))
    _check(mapped)
    return mapped


def _check(mapped: BankMapped) -> None:
    """Raises BadMapping for what does not go together."""
    amounts = {"amount", "direction", "credit", "debit"} & mapped.columns.keys()
    if "day" not in mapped.columns or amounts not in ({"amount"}, {"amount", "direction"}, {"credit", "debit"}):
        raise BadMapping(
            why="[columns] needs day, and either amount (with or without direction) or both credit and debit",
            why_zh="[columns] 须有 day，并有 amount（可加 direction），或同时有 credit 与 debit",
        )
    if ("direction" in amounts) != bool(mapped.directions):
        raise BadMapping(
            why="direction in [columns] and the words in [directions] come together",
            why_zh="[columns] 的 direction 与 [directions] 须同时填写",
        )
    if not isinstance(mapped.encoding, str) or mapped.encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise BadMapping(
            why=f"encoding is {mapped.encoding!r}; known are {known}",
            why_zh=f"encoding 为 {mapped.encoding!r}；可用：{known}",
        )
    if type(mapped.header) is not int or mapped.header < 1:
        raise BadMapping(why="header is the number of a line, from 1", why_zh="header 应为列名所在的行号，从 1 开始")
    sample = datetime(2024, 6, 4)
    try:
        form = mapped.format or "%Y%m%d"
        if "%y" not in form.lower() or datetime.strptime(sample.strftime(form), form) != sample:
            raise ValueError(form)
    except ValueError:
        raise BadMapping(
            why=f"[day] format {mapped.format!r} does not tell year, month and day",
            why_zh=f"[day] 的 format {mapped.format!r} 未能表示年月日",
        ) from None


def _check_known(where: str, words: Iterable[str], known: tuple[str, ...]) -> None:
    if unknown := sorted(set(words) - set(known)):
        raise BadMapping(
            why=f"{where} has {', '.join(unknown)}; known are {', '.join(known)}",
            why_zh=f"{where} 含有 {'、'.join(unknown)}；可用：{'、'.join(known)}",
        )


def _texts(name: str, table: Mapping[Any, Any]) -> dict[Any, str]:
    if not all(isinstance(value, str) for value in table.values()):
        raise BadMapping(why=f"[{name}] holds more than texts", why_zh=f"[{name}] 的值应均为文本")
    return dict(table)


def read_bank_csv(text: str, mapped: BankMapped, currency: str = "CNY") -> BankTable:
    """The lines of a bank's statement in `currency`; rows without anything in them are none.

    Raises BadTable if a mapped column is not there, or is there twice, or if it is no CSV.
    """
    source = io.StringIO(text, newline="")
    for _ in range(mapped.header - 1):
        if not source.readline():
            break
    reader = csv.reader(source, strict=True)
    lines: list[BankLine] = []
    bad: list[BadRow] = []
    alike: Counter[BankLine] = Counter()
    try:
        header = _header(next(reader, []), mapped)
        for cells in reader:
            row = reader.line_num + mapped.header - 1
            if any(cell.strip() for cell in cells):
                try:
                    line = _line(_Row(row, cells, header, mapped), currency)
                except BadRow as error:
                    bad.append(error)
                else:
                    alike[line] += 1
                    lines.append(evolve(line, row=row, nth=alike[line]))
    except csv.Error as error:
        row = reader.line_num + mapped.header - 1
        raise BadTable(why=f"line {row}: {error}", why_zh=f"第 {row} 行：{error}") from None
    return BankTable(tuple(lines), tuple(bad))


def minor_units(text: str, currency: str = "CNY") -> int:
    """The minor units that a bank's decimal text says, exactly. Raises BadValue for anything else, such as `1,23`."""
    plain = text.translate(_PLAIN).strip()
    below = plain.startswith("(") and plain.endswith(")")
    found = _AMOUNT(plain[1:-1] if below else plain)
    if found is None or (below and found[1]):
        shown = repr(text[:60])
        raise BadValue(field="amount", why=f"{shown} is not an amount", why_zh=f"{shown} 不是金额")
    value = Money.of(found[2].replace(",", ""), currency).amount
    return -value if below or found[1] == "-" else value


@frozen
class _Header:
    """Where each mapped column stands, and how many columns there are."""

    at: Mapping[str, int]
    width: int


def _header(cells: Sequence[str], mapped: BankMapped) -> _Header:
    """The header, which has every mapped column once. Raises BadTable."""
    names = [name.strip() for name in cells]
    wanted = {*mapped.columns.values(), *mapped.text}
    if missing := sorted(wanted - set(names)):
        shown = [name for name in names if name]
        raise BadTable(
            why=f"line {mapped.header} has no column {', '.join(missing)}; it has {', '.join(shown) or 'none'}",
            why_zh=f"第 {mapped.header} 行没有列 {'、'.join(missing)}；现有列：{'、'.join(shown) or '无'}",
        )
    if twice := sorted(name for name in wanted if names.count(name) > 1):
        raise BadTable(
            why=f"it has the column {', '.join(twice)} more than once; rename or drop one",
            why_zh=f"列 {'、'.join(twice)} 重复，请改名或删除其一",
        )
    return _Header({name: names.index(name) for name in wanted}, len(names))


class _Row:
    """One row on its way to a line."""

    def __init__(self, row: int, cells: Sequence[str], header: _Header, mapped: BankMapped) -> None:
        self.row, self.cells, self.mapped = row, cells, mapped
        self.at, self.width = header.at, header.width

    def column(self, column: str) -> str:
        """What stands in one of their columns. Raises BadRow where the row ends before it."""
        if self.at[column] >= len(self.cells):
            raise self.bad(column, "the row has too few values", "该行的值不足")
        return self.cells[self.at[column]].strip()

    def text(self, name: str) -> str:
        """What stands in one of ours; nothing where the mapping has it not."""
        column = self.mapped.columns.get(name)
        return "" if column is None else self.column(column)

    def amount(self, name: str, currency: str, *, signed: bool) -> int:
        """The minor units there. signed: whether it may be below zero. Raises BadRow."""
        column = self.mapped.columns[name]
        try:
            value = minor_units(self.text(name), currency)
        except BadValue as error:
            raise self.bad(column, error.why, error.why_zh) from None
        if value < 0 and not signed:
            raise self.bad(
                column,
                f"{self.text(name)!r} is below zero where the column says which way it went; it could mean either",
                f"{self.text(name)!r} 为负，而该列已表示收支方向，含义不明",
            )
        return value

    def bad(self, column: str, why: str, why_zh: str) -> BadRow:
        """The error that tells of this row."""
        return BadRow(row=self.row, column=column, why=why, why_zh=why_zh)


def _line(row: _Row, currency: str) -> BankLine:
    """A row as a line without its place. Raises BadRow."""
    if len(row.cells) > row.width:
        # Not even empty ones: where an amount was written as 1,234.00 without quotes, all behind it has moved along.
        raise row.bad(f"#{row.width + 1}", "the row has more values than there are columns", "该行的值多于列数")
    texts = " ".join(text for text in map(row.column, row.mapped.text) if text)
    return BankLine(_day(row), _amount(row, currency), texts, row.text("reference"))


def _day(row: _Row) -> date:
    written, form = row.text("day"), row.mapped.format
    try:
        return (datetime.strptime(written, form) if form else datetime.fromisoformat(written)).date()
    except ValueError:
        raise row.bad(
            row.mapped.columns["day"],
            f"{written!r} is not a day as the mapping says",
            f"{written!r} 不符合映射中的日期格式",
        ) from None


def _amount(row: _Row, currency: str) -> int:
    """What the row moved, below zero what went out."""
    columns = row.mapped.columns
    if "direction" in columns:
        way = row.mapped.directions.get(row.text("direction"))
        if way is None:
            said = f"{row.text('direction')!r}"
            raise row.bad(columns["direction"], f"{said} is not in [directions]", f"{said} 未列入 [directions]")
        value = row.amount("amount", currency, signed=False)
        return value if way == "in" else -value
    if "amount" in columns:
        return row.amount("amount", currency, signed=True)
    written = [name for name in ("credit", "debit") if row.text(name)]
    if not written:
        raise row.bad(columns["credit"], "neither it nor the other column has an amount", "收入和支出两列均无金额")
    values = {name: row.amount(name, currency, signed=False) for name in written}
    if all(values.get(name) for name in ("credit", "debit")):
        raise row.bad(columns["debit"], "both it and the other column have an amount", "收入和支出两列均有金额")
    return values.get("credit", 0) - values.get("debit", 0)
