"""Making and extending tables: what an older set of records left is added to, never rewritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable, DropIndex

from communitycore.kernel.errors import StoreUnusable
from communitycore.kernel.shape import Shape
from communitycore_sql import tables
from communitycore_sql.backend import Backend, Found, Layout, Line, affinity_of
from communitycore_sql.statements import prepared

Refuse = Callable[[str, str], StoreUnusable]
FORMAT_ROW = "$format"


@frozen
class Work:
    """One statement that is still to be run. conflict: what it means if the rows do not allow it.

    guarded: it changes one row, or another process was first. retypes: it gives a column another type.
    """

    sql: str
    values: tuple[Any, ...] = ()
    conflict: tuple[str, str] | None = None
    guarded: bool = False
    retypes: bool = False


def work_on(backend: Backend, line: Line, shapes: Mapping[str, Shape], made: Mapping[str, sa.Table]) -> list[Work]:
    """What this database lacks for these kinds; nothing if it is as it should be. Raises StoreUnusable."""
    layout = backend.layout(line)
    dialect = backend.dialect
    work: list[Work] = []
    wanted = (*tables.metadata.tables.values(), *made.values())
    for table in wanted:
        work += _table(backend, layout, table)
    kept: dict[str, int] = {}
    if tables.kinds.name in layout.tables:
        statement = prepared(dialect, sa.select(tables.kinds.c.kind, tables.kinds.c.schema), ())
        kept = {str(kind): int(number) for kind, number in line.all(statement.sql)}
    work += _format(backend, kept)
    work += _numbers(dialect, kept, shapes, backend.unusable)
    work += (Work(sql, values) for sql, values in backend.telling(layout, wanted))
    return work


def _table(backend: Backend, layout: Layout, table: sa.Table) -> Iterator[Work]:
    dialect = backend.dialect
    there = layout.tables.get(table.name)
    if there is None:
        yield Work(_text(dialect, CreateTable(table)) + backend.table_options)
    else:
        changes = list(_columns(backend, there, table))
        yield from _dropped(dialect, layout, table, retyped=any(change.retypes for change in changes))
        yield from changes
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        if layout.indexes.get(str(index.name)) is None:
            what = f"{table.name}.{list(index.columns)[-1].key}"
            yield Work(
                _text(dialect, CreateIndex(index)),
                conflict=(
                    f"{what} must be unique now, and several rows hold the same value; make them differ first",
                    f"{what} 现要求唯一，但已有多行取值相同，请先修改重复值",
                ),
            )


def _dropped(dialect: Dialect, layout: Layout, table: sa.Table, *, retyped: bool) -> Iterator[Work]:
    """Indexes that are no longer declared and in the way: a unique one would go on refusing.

    Any other stays, since an older program may still run; unless a column is to hold more than an index takes.
    """
    wanted = {str(index.name) for index in table.indexes}
    for name, of in layout.indexes.items():
        if of != table.name or name in wanted:
            continue
        if name.startswith("cc_uq_") or (retyped and name.startswith("cc_ix_")):
            left = sa.Table(table.name, sa.MetaData(), sa.Column("id"), quote=True)  # not the table that is wanted
            yield Work(_text(dialect, DropIndex(sa.Index(sa.sql.quoted_name(name, True), left.c.id))))


def _columns(backend: Backend, there: Mapping[str, Found], table: sa.Table) -> Iterator[Work]:
    dialect, refuse = backend.dialect, backend.unusable
    for column in table.columns:
        what = f"{table.name}.{column.name}"
        found = there.get(column.name)
        if found is None:
            if not column.nullable:
                raise refuse(
                    f"the column {what} is missing and may not be empty; restore a backup, or mend the table by hand",
                    f"缺少不可为空的列 {what}，请恢复备份或手工修复该表",
                )
            specification = dialect.ddl_compiler(dialect, CreateTable(table)).get_column_specification(column)
            name = dialect.identifier_preparer.format_table(table)
            yield Work(f"ALTER TABLE {name} ADD COLUMN {specification}")
            continue
        wanted = affinity_of(column.type.compile(dialect=dialect))
        if found.affinity != wanted:
            raise refuse(
                f"the column {what} holds {found.affinity} values, and {wanted} is declared now; "
                "give the field a new name",
                f"列 {what} 的类型为 {found.affinity}，现声明为 {wanted}，请为该字段改用新名称",
            )
        if not found.exact:
            raise refuse(
                f"the column {what} compares text as people do, not byte by byte; give it the collation that this "
                "library declares, or start with an empty database",
                f"列 {what} 的排序规则不是逐字节比较；请改用本库声明的排序规则，或使用空数据库",
            )
        if found.key != column.primary_key:
            raise refuse(
                f"the table {table.name} has another primary key; it was not made by this library",
                f"表 {table.name} 的主键不同，不是由本库建立的",
            )
        yield from _retyped(backend, found, column)
    declared = {str(column.name) for column in table.columns}
    for name, found in there.items():
        if name not in declared and not found.null:
            raise refuse(
                f"the column {table.name}.{name} may not be empty and is no longer declared; declare it again",
                f"列 {table.name}.{name} 不可为空但已不再声明，请重新声明该字段",
            )


def _retyped(backend: Backend, found: Found, column: sa.Column[Any]) -> Iterator[Work]:
    """A column that is too small for what is declared now, or too large for an index."""
    kind = column.type
    size = kind.length if isinstance(kind, sa.String) else 2 if isinstance(kind, sa.SmallInteger) else 8
    table = column.table
    small = found.size is not None and (size is None or size > found.size)
    indexed = any(column.name in index.columns for index in table.indexes)
    if small or (backend.narrow and indexed and found.size is None and size is not None):
        names = backend.dialect.identifier_preparer
        said = backend.retype.format(
            table=names.format_table(table),
            column=names.format_column(column),
            type=kind.compile(dialect=backend.dialect),
            null="NULL" if column.nullable else "NOT NULL",
        )
        what = f"{table.name}.{column.name}"
        yield Work(
            said,
            retypes=True,
            conflict=(
                f"{what} may hold {size} characters now, and a row holds more; shorten it first",
                f"{what} 现最多 {size} 个字符，但已有更长的内容，请先缩短",
            ),
        )


def _format(backend: Backend, kept: Mapping[str, int]) -> Iterator[Work]:
    """The tables' own format, in a row that no kind can have, where there is no better place for it."""
    if backend.format is None:
        return
    number = kept.get(FORMAT_ROW)
    if number is None:
        statement = prepared(backend.dialect, sa.insert(tables.kinds), ("kind", "schema"))
        yield Work(statement.sql, (FORMAT_ROW, backend.format))
    elif number > backend.format:
        raise backend.unusable(
            f"its format {number} is newer than this adapter's {backend.format}; upgrade communitycore-sql",
            f"数据格式 {number} 比本适配器支持的 {backend.format} 新，请升级 communitycore-sql",
        )


def _numbers(dialect: Dialect, kept: Mapping[str, int], shapes: Mapping[str, Shape], refuse: Refuse) -> Iterator[Work]:
    c = tables.kinds.c
    for kind, shape in shapes.items():
        number = kept.get(kind)
        if number is None:
            statement = prepared(dialect, sa.insert(tables.kinds), ("kind", "schema"))
            yield Work(statement.sql, (kind, shape.schema))
        elif number > shape.schema:
            raise refuse(
                f"its {kind} records have schema {number}, newer than {shape.schema} here; "
                "upgrade the room that declares them",
                f"{kind} 记录的结构版本为 {number}，比此处的 {shape.schema} 新，请升级声明它的模块",
            )
        elif number < shape.schema:
            update = (
                sa.update(tables.kinds)
                .values({c.schema: sa.bindparam("new")})
                .where(c.kind == sa.bindparam("of"), c.schema == sa.bindparam("was"))
            )
            values = (shape.schema, kind, number)
            yield Work(prepared(dialect, update, ("new", "of", "was")).sql, values, guarded=True)


def _text(dialect: Dialect, statement: Any) -> str:
    return str(statement.compile(dialect=dialect)).strip()
