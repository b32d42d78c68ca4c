"""What is in a file: its tables, columns and indexes, and what SQLite's planner knows of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from communitycore_sql.backend import Found, Layout, Line, affinity_of
from communitycore_sql.tables import usual_rows


def layout_of(line: Line) -> Layout:
    """The tables, columns and indexes of the file."""
    layout = Layout({}, {})
    for table, name, type_, required, key in line.all(
        'SELECT m.name, p.name, p.type, p."notnull", p.pk FROM sqlite_master m '
        "JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    ):
        layout.tables.setdefault(table, {})[name] = Found(affinity_of(type_), not required, bool(key))
    for name, table in line.all("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"):
        layout.indexes[name] = table
    if line.all("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"):
        layout.told = {name for (name,) in line.all("SELECT idx FROM sqlite_stat1")}
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
