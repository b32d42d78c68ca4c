"""The tables: one a kind of record, named as the kind is, and the store's own, whose names begin with `cc_`.

Portable SQL alone: no numbering, triggers, defaults or JSON types of a server. Every key and every index is led
by the jurisdiction. Columns stand in the order in which the hub hands over values, so nothing is rearranged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import TypeEngine

from communitycore.kernel.journal import FIELDS
from communitycore.kernel.shape import INDEXED_MAX, Column, Shape

MARIADB_OPTIONS = " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin"
NAME_MAX = 60  # PostgreSQL cuts names at 63 bytes
_OURS = ("cc_", "sqlite_", "kind_")

_SYSTEM = frozenset(  # PostgreSQL's and InnoDB's own columns
    ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "db_row_id", "db_trx_id", "db_roll_ptr", "fts_doc_id"]
)


def _exact(kept: sa.String, postgresql: sa.String, mariadb: sa.String) -> TypeEngine[Any]:
    """Text that is compared character by character, without folding or padding, whatever the server's default is."""
    postgresql.collation = "C"
    return kept.with_variant(postgresql, "postgresql").with_variant(mariadb, "mariadb")


def _ascii(kept: sa.String) -> TypeEngine[Any]:
    """ASCII of at most that length. No CHAR but in SQLite, where it pads nothing: elsewhere it does, or strips."""
    return _exact(kept, sa.String(kept.length), sa.String(kept.length, collation="ascii_nopad_bin"))


def _text(length: int) -> TypeEngine[Any]:
    """At most so many characters of any script."""
    return _exact(sa.String(length), sa.String(length), sa.String(length, collation="utf8mb4_nopad_bin"))


ID = _ascii(sa.CHAR(36))
REF = _text(80)  # an actor: jurisdiction/id, or system/reaction:name
TIME = _ascii(sa.String(27))
HASH = _ascii(sa.CHAR(64))
KIND = _text(40)
NAME = _text(60)
KEY = _text(INDEXED_MAX)
# So many characters that MariaDB takes its LONGTEXT, the only one that four million of four bytes fit in with room.
LONG = _exact(sa.Text(), sa.Text(), sa.Text(1 << 24, collation="utf8mb4_nopad_bin"))
WHOLE = sa.BigInteger()


def table_name(kind: str) -> str:
    """A kind's table: its own name, unless that could be taken for one of the store's or of SQLite's."""
    return f"kind_{kind}" if kind.startswith(_OURS) else kind


def _quoted(name: str) -> quoted_name:
    # Always quoted, so no list of reserved words need be right: kinds may be called order or group.
    return quoted_name(name, True)


def _column(name: str, type_: TypeEngine[Any], *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    said = f"{name}$" if name in _SYSTEM else name  # which no field's name can be
    return sa.Column(_quoted(said), type_, key=name, primary_key=key, nullable=null, autoincrement=False)


def _table(metadata: sa.MetaData, name: str, *columns: sa.Column[Any], rows: tuple[int, ...] = ()) -> sa.Table:
    """rows: how many share each longer part of the primary key; see `usual_rows`."""
    return sa.Table(_quoted(name), metadata, *columns, sqlite_with_rowid=False, info={"rows": rows})


def _index(
    table: sa.Table, *columns: str, unique: bool = False, rows: tuple[int, ...] = (), behind: tuple[str, ...] = ()
) -> None:
    """`cc_ix_ticket$status`, `cc_uq_…`: SQLite keeps the indexes of all tables under one roof, and no kind has a $.

    behind: columns that follow those of the name, so that rows that share these come in order too.
    """
    said = "$".join((table.name, *(c for c in columns if c != "jurisdiction")))
    if len(said) > NAME_MAX - 6:
        said = f"{said[: NAME_MAX - 15]}${sha256(said.encode()).hexdigest()[:8]}"
    name = _quoted(f"cc_{'uq' if unique else 'ix'}_{said}")
    sa.Index(name, *(table.c[c] for c in (*columns, *behind)), unique=unique, info={"rows": rows})


# How many rows usually share a value: in a table, in a jurisdiction, and then in one of its columns. A planner that
# must guess takes a jurisdiction for ten rows, and reads all of it in the order of ids rather than use an index.
TABLE_ROWS = 1_000_000
JURISDICTION_ROWS = 100_000
_SHARING = {"enum": 2_000, "bool": 20_000, "int": 1_000, "date": 100, "time": 3}
_FEW = 20

metadata = sa.MetaData()

heads = _table(
    metadata,
    "cc_heads",
    _column("id", ID, key=True),
    _column("code", KEY),
    _column("seq", WHOLE),
    _column("hash", HASH),
    _column("last_at", TIME),
    _column("standing", WHOLE),
    _column("next_wake", TIME, null=True),
)
_index(heads, "code", unique=True)

_JOURNAL: dict[str, tuple[TypeEngine[Any], bool]] = {
    "format": (WHOLE, False),
    "jurisdiction": (ID, False),
    "seq": (WHOLE, False),
    "id": (ID, False),
    "at": (TIME, False),
    "occurred_at": (TIME, False),
    "actor": (REF, False),
    "behalf": (REF, True),
    "cause": (ID, False),
    "name": (NAME, False),
    "kind": (KIND, False),
    "schema": (WHOLE, False),
    "record": (ID, False),
    "version": (WHOLE, False),
    "difference": (LONG, False),
    "digest": (HASH, False),
    "above": (LONG, True),
    "grant": (ID, True),
    "timers": (LONG, True),
    "hash": (HASH, False),
}
JOURNAL = (*FIELDS, "hash")
journal = _table(
    metadata,
    "cc_journal",
    *(
        _column(name, type_, key=name in ("jurisdiction", "seq"), null=null)
        for name in JOURNAL
        for type_, null in (_JOURNAL[name],)
    ),
    rows=(1,),
)
_index(journal, "jurisdiction", "kind", "record", "seq", rows=(20_000, 5, 1))
_index(journal, "jurisdiction", "cause", rows=(5,))

TIMER = (
    *("record", "command", "source"),
    *("due", "seq", "kind", "cause", "behalf", "depth", "attempts", "wake", "parked"),
)
timers = _table(
    metadata,
    "cc_timers",
    _column("jurisdiction", ID, key=True),
    _column("record", ID, key=True),
    _column("command", NAME, key=True),
    _column("source", _ascii(sa.String(20)), key=True),
    _column("due", TIME),
    _column("seq", WHOLE),
    _column("kind", KIND),
    _column("cause", ID),
    _column("behalf", REF, null=True),
    _column("depth", WHOLE),
    _column("attempts", WHOLE),
    _column("wake", TIME),
    _column("parked", LONG, null=True),
    rows=(2, 1, 1),
)
_index(timers, "jurisdiction", "wake", rows=(3,))

keys = _table(
    metadata,
    "cc_keys",
    _column("jurisdiction", ID, key=True),
    _column("actor", REF, key=True),
    _column("key", KEY, key=True),
    _column("cause", ID),
    _column("salt", HASH),
    _column("mac", HASH),
    _column("result", LONG),
    _column("at", TIME),
)
_index(keys, "jurisdiction", "cause", rows=(1,))

figures = _table(
    metadata,
    "cc_figures",
    _column("jurisdiction", ID, key=True),
    _column("fold", NAME, key=True),
    _column("key", KEY, key=True),
    _column("row", LONG),
)

cursors = _table(
    metadata,
    "cc_cursors",
    _column("jurisdiction", ID, key=True),
    _column("follower", NAME, key=True),
    _column("seq", WHOLE),
    _column("version", WHOLE),
)

kinds = _table(metadata, "cc_kinds", _column("kind", KIND, key=True), _column("schema", WHOLE))

added = _table(metadata, "cc_added", _column("kind", KIND, key=True), _column("field", KEY, key=True))


def _type(column: Column) -> TypeEngine[Any]:
    if column.type == "text":
        return _text(column.max) if 0 < column.max <= INDEXED_MAX else LONG
    types: dict[str, TypeEngine[Any]] = {
        "id": ID,
        "ref": REF,
        "int": WHOLE,
        "bool": sa.SmallInteger(),
        "time": TIME,
        "date": _ascii(sa.CHAR(10)),
        "enum": KIND,
        "decimal": NAME,
        "nested": LONG,
    }
    return types[column.type]


def tables_of(shapes: Iterable[Shape]) -> dict[str, sa.Table]:
    """The tables of these kinds, by kind."""
    made = sa.MetaData()
    return {shape.kind: _kind_table(made, shape) for shape in shapes}


def _kind_table(made: sa.MetaData, shape: Shape) -> sa.Table:
    table = _table(
        made,
        table_name(shape.kind),
        _column("jurisdiction", ID, key=True),
        *(_column(c.name, _type(c), key=c.name == "id", null=c.nullable) for c in shape.columns),
        rows=(1,),
    )
    for c in shape.columns:
        if c.unique or c.indexed:
            if c.unique:
                _index(table, "jurisdiction", c.name, unique=True, rows=(1,))
            else:
                rows = (JURISDICTION_ROWS // 2 if c.name == "schema" else _SHARING.get(c.type, _FEW), 1)
                _index(table, "jurisdiction", c.name, rows=rows, behind=("id",))
    return table


def usual_rows(table: sa.Table) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The table's primary key and indexes, by name, with how many rows share each longer part of them."""
    indexes = sorted((str(index.name), index.info) for index in table.indexes)
    for name, info in ((table.name, table.info), *indexes):
        if info["rows"]:
            yield name, (TABLE_ROWS, JURISDICTION_ROWS, *info["rows"])
