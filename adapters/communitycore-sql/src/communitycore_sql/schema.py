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
    what, name: for one who is told beforehand.
    """

    sql: str
    values: tuple[Any, ...] = ()
    conflict: tuple[str, str] | None = None
    guarded: bool = False
    retypes: bool = False
    what: str = ""
    name: str = ""


Todo = Iterator[Work | StoreUnusable]
"""What is to be done, and what is in its way."""


def work_on(
    backend: Backend, line: Line, layout: Layout, shapes: Mapping[str, Shape], made: Mapping[str, sa.Table]
) -> list[Work]:
    """What this database lacks for these kinds; nothing if it is as it should be. Raises StoreUnusable."""
    work: list[Work] = []
    for todo in everything(backend, line, layout, shapes, made):
        if not isinstance(todo, Work):
            raise todo
        work.append(todo)
    return work


def everything(
    backend: Backend, line: Line, layout: Layout, shapes: Mapping[str, Shape], made: Mapping[str, sa.Table]
) -> Todo:
    """The same, with all that is in the way."""
    dialect = backend.dialect
    wanted = (*tables.metadata.tables.values(), *made.values())
    kept: dict[str, int] = {}
    if tables.kinds.name in layout.tables:
        statement = prepared(dialect, sa.select(tables.kinds.c.kind, tables.kinds.c.schema), ())
        kept = {str(kind): int(number) for kind, number in line.all(statement.sql)}
    # First of all, since not every database takes a new column back: what its rows lack is then known already.
    yield from _table(backend, layout, tables.added)
    yield from missing(backend, line, layout, kept, shapes, made)
    for table in wanted:
        if table is not tables.added:
            yield from _table(backend, layout, table)
    yield from _format(backend, kept)
    yield from _numbers(dialect, kept, shapes, backend.unusable)
    for sql, values in backend.telling(layout, wanted):
        yield Work(sql, values, what="planner", name=" ".join(map(str, values[:2])))


def _table(backend: Backend, layout: Layout, table: sa.Table) -> Todo:
    dialect = backend.dialect
    there = layout.tables.get(table.name)
    if there is None:
        yield Work(_text(dialect, CreateTable(table)) + backend.table_options, what="table", name=table.name)
    else:
        changes = list(_columns(backend, there, table))
        retyped = any(isinstance(change, Work) and change.retypes for change in changes)
        yield from _dropped(dialect, layout, table, retyped=retyped)
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
                what="index",
                name=str(index.name),
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
            said = _text(dialect, DropIndex(sa.Index(sa.sql.quoted_name(name, True), left.c.id)))
            yield Work(said, what="index dropped", name=name)


def _columns(backend: Backend, there: Mapping[str, Found], table: sa.Table) -> Todo:
    dialect, refuse = backend.dialect, backend.unusable
    for column in table.columns:
        what = f"{table.name}.{column.name}"
        found = there.get(column.name)
        if found is None:
            if not column.nullable:
                yield refuse(
                    f"the column {what} is missing and may not be empty; restore a backup, or mend the table by hand",
                    f"缺少不可为空的列 {what}，请恢复备份或手工修复该表",
                )
                continue
            specification = dialect.ddl_compiler(dialect, CreateTable(table)).get_column_specification(column)
            name = dialect.identifier_preparer.format_table(table)
            yield Work(f"ALTER TABLE {name} ADD COLUMN {specification}", what="column", name=what)
            continue
        wanted = affinity_of(column.type.compile(dialect=dialect))
        if found.affinity != wanted:
            yield refuse(
                f"the column {what} holds {found.affinity} values, and {wanted} is declared now; "
                "give the field a new name",
                f"列 {what} 的类型为 {found.affinity}，现声明为 {wanted}，请为该字段改用新名称",
            )
            continue
        if not found.exact:
            yield refuse(
                f"the column {what} compares text as people do, not byte by byte; give it the collation that this "
                "library declares, or start with an empty database",
                f"列 {what} 的排序规则不是逐字节比较；请改用本库声明的排序规则，或使用空数据库",
            )
        if found.key != column.primary_key:
            yield refuse(
                f"the table {table.name} has another primary key; it was not made by this library",
                f"表 {table.name} 的主键不同，不是由本库建立的",
            )
        yield from _retyped(backend, found, column)
    declared = {str(column.name) for column in table.columns}
    for name, found in there.items():
        if name not in declared and not found.null:
            yield refuse(
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
            what="column widened" if small else "column narrowed",
            name=what,
            retypes=True,
            conflict=(
                f"{what} may hold {size} characters now, and a row holds more; shorten it first",
                f"{what} 现最多 {size} 个字符，但已有更长的内容，请先缩短",
            ),
        )


def _format(backend: Backend, kept: Mapping[str, int]) -> Todo:
    """The tables' own format, in a row that no kind can have, where there is no better place for it."""
    if backend.format is None:
        return
    number = kept.get(FORMAT_ROW)
    if number is None:
        statement = prepared(backend.dialect, sa.insert(tables.kinds), ("kind", "schema"))
        yield Work(statement.sql, (FORMAT_ROW, backend.format), what="number", name=f"format {backend.format}")
    elif number > backend.format:
        yield backend.unusable(
            f"its format {number} is newer than this adapter's {backend.format}; upgrade communitycore-sql",
            f"数据格式 {number} 比本适配器支持的 {backend.format} 新，请升级 communitycore-sql",
        )


def _numbers(dialect: Dialect, kept: Mapping[str, int], shapes: Mapping[str, Shape], refuse: Refuse) -> Todo:
    c = tables.kinds.c
    for kind, shape in shapes.items():
        number = kept.get(kind)
        if number is None:
            statement = prepared(dialect, sa.insert(tables.kinds), ("kind", "schema"))
            yield Work(statement.sql, (kind, shape.schema), what="number", name=f"{kind} {shape.schema}")
        elif number > shape.schema:
            yield refuse(
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
            said = prepared(dialect, update, ("new", "of", "was")).sql
            yield Work(said, values, guarded=True, what="number", name=f"{kind} {number} → {shape.schema}")


def _text(dialect: Dialect, statement: Any) -> str:
    return str(statement.compile(dialect=dialect)).strip()


# what rows lack


def missing(
    backend: Backend,
    line: Line,
    layout: Layout,
    kept: Mapping[str, int],
    shapes: Mapping[str, Shape],
    made: Mapping[str, sa.Table],
) -> Todo:
    """Fields that there are rows without: each is noted that is searched by its default, unless the number tells."""
    known = marks(backend.dialect, line, layout)
    fresh: list[tuple[str, str]] = []
    for kind, shape in shapes.items():
        table, there = made[kind], layout.tables.get(made[kind].name)
        if there is None:
            continue
        yield from _forgotten(backend, line, there, table, shape, kept.get(kind, shape.schema))
        columns = {c.name for c in shape.columns if str(table.c[c.name].name) in there}
        if not (added := shape.added_to(columns)) or not any_row(backend.dialect, line, table):
            continue
        for field in added:
            if field.required:
                yield backend.unusable(
                    f"{kind}.{field.name} is new, and no row has a value for it; give it a default, or None",
                    f"{kind}.{field.name} 为新增字段，已有数据没有取值，请给出默认值或允许为空",
                )
        if kept.get(kind, shape.schema) == shape.schema:
            fresh += ((kind, name) for name in sorted(shape.lacked_by(columns) - known.get(kind, frozenset())))
    statement = prepared(backend.dialect, sa.insert(tables.added), ("kind", "field"))
    for kind, name in fresh:
        yield Work(statement.sql, (kind, name), what="note", name=f"{kind}.{name}")


def _forgotten(
    backend: Backend, line: Line, there: Mapping[str, Found], table: sa.Table, shape: Shape, number: int
) -> Todo:
    """What rows of an older number hold and the new declaration does not know; one of the same may be an older one."""
    if number >= shape.schema:
        return
    declared = {str(column.name) for column in table.columns}
    for name, found in there.items():
        held = sa.column(sa.sql.quoted_name(name, True)).is_not(None)
        if name not in declared and found.null and any_row(backend.dialect, line, table, held):
            yield backend.unusable(
                f"{table.name}.{name} holds values and is no longer declared; say what became of it: renamed, removed",
                f"{table.name}.{name} 仍有数据但已不再声明，请在 upcasters 中说明其改名或删除",
            )


def marks(dialect: Dialect, line: Line, layout: Layout) -> dict[str, frozenset[str]]:
    """Kind -> fields noted as added after rows were written."""
    found: dict[str, frozenset[str]] = {}
    if tables.added.name in layout.tables:
        statement = prepared(dialect, sa.select(tables.added.c.kind, tables.added.c.field), ())
        for kind, name in line.all(statement.sql):
            found[kind] = found.get(kind, frozenset()) | {name}
    return found


def any_row(dialect: Dialect, line: Line, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> bool:
    """Whether there is a row that meets these conditions."""
    asked: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table).where(*conditions).limit(1)
    statement = prepared(dialect, asked, ())
    return bool(line.all(statement.sql, statement.tail))
