"""What is in a PostgreSQL schema: its tables, columns and indexes."""

from __future__ import annotations

from communitycore_sql.backend import Found, Layout, Line, affinity_of

_COLUMNS = """
SELECT c.relname, a.attname, t.typname, NOT a.attnotnull, coalesce(a.attnum = ANY (i.indkey), false),
       a.attcollation = 0 OR l.collname IN ('C', 'POSIX'),
       CASE t.typname WHEN 'varchar' THEN nullif(a.atttypmod, -1) - 4 WHEN 'int2' THEN 2 WHEN 'int8' THEN 8 END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relkind IN ('r', 'p')
"""
_INDEXES = """
SELECT x.relname, c.relname
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
WHERE NOT i.indisprimary
"""
_WHOLE = {"int2": "integer", "int4": "integer", "int8": "integer", "bpchar": "text"}


def layout_of(line: Line) -> Layout:
    """The tables, columns and indexes of the schema that new tables go to."""
    layout = Layout({}, {})
    for table, name, type_, null, key, exact, size in line.all(_COLUMNS):
        affinity = _WHOLE.get(type_) or affinity_of(type_)
        layout.tables.setdefault(table, {})[name] = Found(affinity, null, key, exact, size)
    layout.indexes.update(line.all(_INDEXES))
    return layout
