"""What is in a file: its tables, columns and indexes, and what SQLite's planner knows of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from attrs import define

from communitycore_sql.tables import usual_rows


@define
class Found:
    """One column of a table that is there. affinity: how SQLite keeps its values."""

    affinity: str
    null: bool
    key: int


@define
class Layout:
    """Tables -> columns, indexes -> their tables, and what the planner has been told of (a table or an index)."""

    tables: dict[str, dict[str, Found]]
    indexes: dict[str, str]
    told: set[str] | None


def layout_of(connection: sqlite3.Connection) -> Layout:
    """The tables, columns and indexes of the file."""
    layout = Layout({}, {}, None)
    for table, name, type_, required, key in connection.execute(
        'SELECT m.name, p.name, p.type, p."notnull", p.pk FROM sqlite_master m '
        "JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    ):
        layout.tables.setdefault(table, {})[name] = Found(affinity_of(type_), not required, key)
    for name, table in connection.execute(
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ):
        layout.indexes[name] = table
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
        layout.told = {name for (name,) in connection.execute("SELECT idx FROM sqlite_stat1")}
    return layout


def telling(layout: Layout, tables: Iterable[sa.Table]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Statements that tell the planner what each index is good for, unless it knows.

    Without it SQLite would guess ten rows a jurisdiction, and read all of one in the order of ids. What it
    knows stands in sqlite_stat1, which may be written: plans are then those of a large store from the first
    row on, and the same everywhere. Whoever runs ANALYZE gets what the rows say instead.
    """
    said = [(table.name, *entry) for table in tables for entry in usual_rows(table)]
    missing = [(table, name, rows) for table, name, rows in said if name not in (layout.told or ())]
    if missing and layout.told is None:
        yield "ANALYZE cc_kinds", ()  # it alone may make the table of statistics
    for table, name, rows in missing:
        yield "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, name, " ".join(map(str, rows)))


def affinity_of(declared: str) -> str:
    """How SQLite keeps values of a declared type (section 3.1 of its page on datatypes)."""
    said = declared.upper()
    if "INT" in said:
        return "integer"
    if "CHAR" in said or "CLOB" in said or "TEXT" in said:
        return "text"
    return "other"
