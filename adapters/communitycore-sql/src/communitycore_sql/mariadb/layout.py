"""What is in a MariaDB database: its tables, columns and indexes."""

from __future__ import annotations

from communitycore_sql.backend import Found, Layout, Line, affinity_of

_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable = 'YES', column_key = 'PRI',
       collation_name IS NULL OR collation_name LIKE '%nopad_bin',
       CASE data_type WHEN 'varchar' THEN character_maximum_length WHEN 'smallint' THEN 2 WHEN 'bigint' THEN 8 END
FROM information_schema.columns WHERE table_schema = database()
"""
_INDEXES = """
SELECT DISTINCT index_name, table_name FROM information_schema.statistics
WHERE table_schema = database() AND index_name <> 'PRIMARY'
"""


def layout_of(line: Line) -> Layout:
    """The tables, columns and indexes of the database."""
    layout = Layout({}, {})
    for table, name, type_, null, key, exact, size in line.all(_COLUMNS):
        found = Found(affinity_of(type_), bool(null), bool(key), bool(exact), size and int(size))
        layout.tables.setdefault(table, {})[name] = found
    layout.indexes.update(line.all(_INDEXES))
    return layout
