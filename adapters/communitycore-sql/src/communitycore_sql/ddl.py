"""The statements that make the tables, for one who wants to read them or to run them by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from communitycore.kernel.shape import Shape
from communitycore_sql import tables
from communitycore_sql.sqlite.file import APPLICATION_ID, FORMAT
from communitycore_sql.tables import MARIADB_OPTIONS, tables_of


def ddl(scheme: str, shapes: Iterable[Shape], *, own: bool = True) -> tuple[str, ...]:
    """What makes the tables of these kinds on an empty database of this scheme, in order.

    own: with the store's own tables, so that nothing is left to be made when it is opened.
    """
    return tuple(_statements(scheme, shapes, own))


def _statements(scheme: str, shapes: Iterable[Shape], own: bool) -> Iterator[str]:
    dialect, options = _dialect(scheme)
    if own and scheme == "sqlite":  # by which a file is known as a store
        yield f"PRAGMA application_id={APPLICATION_ID}"
        yield f"PRAGMA user_version={FORMAT}"
    for table in (*(tables.metadata.tables.values() if own else ()), *tables_of(shapes).values()):
        yield str(CreateTable(table).compile(dialect=dialect)).strip() + options
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect)).strip()


def _dialect(scheme: str) -> tuple[Dialect, str]:
    if scheme == "postgresql":
        return PGDialect(), ""  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped
    if scheme in ("mariadb", "mysql"):
        return MariaDBDialect(), MARIADB_OPTIONS
    return sqlite_dialect(), ""
