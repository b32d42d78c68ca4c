"""What one SQL server must offer: lines inside a transaction, what tables it has, and its errors as ours.

Everything else is the same for all: tables, statements, reading, writing, making and extending tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from attrs import define
from sqlalchemy.engine.interfaces import Dialect

from communitycore.kernel.errors import CommunityCoreError, StoreUnusable
from communitycore.kernel.shape import Row

Statement = tuple[str, Sequence[Sequence[Any]]]
"""A statement's text, and the values of each of its runs; `((),)` for a single run without any."""
ONCE: Sequence[Sequence[Any]] = ((),)


class Conflict(Exception):
    """A constraint of the tables said no. trouble: the error of ours to raise if nobody can say which."""

    def __init__(self, trouble: CommunityCoreError) -> None:
        super().__init__()
        self.trouble = trouble


class Overtaken(Exception):
    """A table, column or index is there already, or gone: another process is doing the same work."""


class Line(Protocol):
    """A connection inside one transaction. Its methods raise this library's errors, or one of the two above."""

    def all(self, sql: str, values: Sequence[Any] = (), /) -> list[Row]:
        """The rows that a statement gives."""
        ...

    def run(self, statements: Sequence[Statement], /) -> list[int]:
        """Run statements in order, in as few trips as can be; gives how many rows each found or made."""
        ...

    def restart(self) -> None:
        """Roll back and begin anew, so as to read what was committed."""
        ...

    def commit(self, cause: str) -> None:
        """Raises OutcomeUnknown, with the cause, if it cannot be told whether anything was kept."""
        ...

    def end(self) -> None:
        """Roll back what was not committed, and give the connection back. The line is of no use afterwards."""
        ...


@define
class Found:
    """One column of a table that is there.

    affinity: see `affinity_of`. exact: text is compared byte by byte. size: how many characters or, of a number,
    bytes it takes at most; None: as many as may come.
    """

    affinity: str
    null: bool
    key: bool
    exact: bool = True
    size: int | None = None


@define
class Layout:
    """Tables -> columns, indexes -> their tables. told: what SQLite's planner has been told of, if of anything."""

    tables: dict[str, dict[str, Found]]
    indexes: dict[str, str]
    told: set[str] | None = None


class Backend(Protocol):
    """One database. Threads share it. capabilities: see ports.Store.

    table_options: what stands behind CREATE TABLE. retype: how a column gets another type, with {table}, {column},
    {type} and {null} to be filled in. narrow: a text must be declared short before it can be indexed.
    format: the number of the tables' format where no place outside the tables keeps it, or None.
    """

    url: str
    readonly: bool
    capabilities: Mapping[str, bool | str]
    dialect: Dialect
    table_options: str
    retype: str
    narrow: bool
    format: int | None

    def reading(self) -> Line:
        """A line that sees one moment, that of its first read at the latest, and waits for no writer."""
        ...

    def writing(self, wait: bool) -> Line:
        """A line that may write. Raises StoreBusy; Mistake if this thread writes already."""
        ...

    def building(self) -> Line:
        """A line for changing tables, which may take as long as it needs."""
        ...

    def layout(self, line: Line) -> Layout:
        """The tables, columns and indexes that are there."""
        ...

    def telling(self, layout: Layout, tables: Iterable[sa.Table]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Statements, with their values, that tell the planner what it does not know."""
        ...

    def refresh(self) -> None:
        """The tables were changed: let connections see what they read when they opened."""
        ...

    def scrub(self, tables: Sequence[str]) -> None:
        """Rewrite these tables, whose names are quoted, so that no byte is left of what was overwritten in them.

        What lies beyond its reach the capability `scrub` tells. Raises StoreBusy, StoreUnusable.
        """
        ...

    def unusable(self, why: str, why_zh: str) -> StoreUnusable:
        """The error for a database that cannot be used as it is."""
        ...

    def close(self) -> None:
        """Close every connection; no line may be in use."""
        ...


def affinity_of(declared: str) -> str:
    """How values of a declared type are kept: integer, text or other (SQLite's rule fits the others' names too)."""
    said = declared.upper()
    if "INT" in said:
        return "integer"
    if "CHAR" in said or "CLOB" in said or "TEXT" in said:
        return "text"
    return "other"
