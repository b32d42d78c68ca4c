"""What is planned before tables are changed, and what rows still lack; see ports.Migrating."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from communitycore.kernel.errors import StoreUnusable
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Plan, Planned
from communitycore_sql import tables
from communitycore_sql.backend import Backend, Conflict, Layout, Line, Overtaken
from communitycore_sql.schema import Work, any_row, everything, marks
from communitycore_sql.statements import prepared


class Migration:
    """A database and the kinds that it is to hold. made: their tables."""

    def __init__(self, backend: Backend, shapes: Mapping[str, Shape], made: Mapping[str, sa.Table]) -> None:
        self._backend = backend
        self._shapes = shapes
        self._made = made

    def plan(self) -> Plan:
        """What would be done, what is in the way, and how many rows are of an earlier form."""
        line = self._backend.reading()
        try:
            layout = self._backend.layout(line)
            todo = list(everything(self._backend, line, layout, self._shapes, self._made))
            work = [one for one in todo if isinstance(one, Work)]
            shared = list(self._shared(line, layout, work))
            return Plan(
                tuple(Planned(one.what, one.name, one.sql) for one in work),
                (*(one for one in todo if not isinstance(one, Work)), *shared),
                dict(self._older(line, layout)),
                dict(self._lacking(line, layout, work)),
            )
        finally:
            line.end()

    def lacking(self, noted: Iterable[Row]) -> dict[str, frozenset[str]]:
        """Fields that rows may lack, of those that are searched by their default today."""
        found: dict[str, frozenset[str]] = {}
        for kind, name in noted:
            if kind in self._shapes and name in _defaulted(self._shapes[kind]):
                found[kind] = found.get(kind, frozenset()) | {name}
        return found

    def note(self, lacking: Mapping[str, frozenset[str]]) -> None:
        """There are rows from elsewhere that lack these. Raises Overtaken if another process notes the same."""
        backend = self._backend
        line = backend.building()
        try:
            noted = marks(backend.dialect, line, backend.layout(line))
            fresh = [
                (kind, name)
                for kind, names in sorted(lacking.items())
                for name in sorted(names - noted.get(kind, frozenset()))
            ]
            if fresh:
                line.run([(prepared(backend.dialect, sa.insert(tables.added), ("kind", "field")).sql, fresh)])
                line.commit("")
        except Conflict as conflict:
            raise Overtaken from conflict
        finally:
            line.end()

    def settle(self) -> None:
        """Forget of what is noted what no row lacks any more."""
        backend, dialect = self._backend, self._backend.dialect
        c = tables.added.c
        gone = prepared(
            dialect,
            sa.delete(tables.added).where(c.kind == sa.bindparam("of"), c.field == sa.bindparam("name")),
            ("of", "name"),
        )
        line = backend.building()
        try:
            noted = marks(dialect, line, backend.layout(line))
            done = [
                (kind, name)
                for kind, names in noted.items()
                if kind in self._shapes
                for name in sorted(names)
                if not self._lacks(line, kind, name)
            ]
            if done:
                line.run([(gone.sql, done)])
                line.commit("")
        finally:
            line.end()

    def _lacks(self, line: Line, kind: str, name: str) -> bool:
        shape, c = self._shapes[kind], self._made[kind].c
        if name not in _defaulted(shape):
            return False  # it is none of today's, or one whose null is no default
        return any_row(self._backend.dialect, line, self._made[kind], c[name].is_(None), c.schema == shape.schema)

    def _older(self, line: Line, layout: Layout) -> Iterator[tuple[str, dict[int, int]]]:
        for kind, shape in self._shapes.items():
            if shape.schema == 1 or self._made[kind].name not in layout.tables:
                continue
            c = self._made[kind].c
            counted = (
                sa.select(c.schema, sa.func.count())
                .where(c.schema < shape.schema)
                .group_by(c.schema)
                .order_by(c.schema)
            )
            statement = prepared(self._backend.dialect, counted, ())
            if found := {int(n): int(rows) for n, rows in line.all(statement.sql, statement.tail)}:
                yield kind, found

    def _lacking(self, line: Line, layout: Layout, work: list[Work]) -> Iterator[tuple[str, dict[str, int]]]:
        noted = marks(self._backend.dialect, line, layout)
        for one in work:
            if one.what == "note":
                kind, name = one.values
                noted[kind] = noted.get(kind, frozenset()) | {name}
        for kind, names in sorted(noted.items()):
            if kind not in self._shapes:
                continue
            shape, table = self._shapes[kind], self._made[kind]
            there = layout.tables.get(table.name, {})
            counts: dict[str, int] = {}
            for name in sorted(names & _defaulted(shape)):
                conditions = [table.c.schema == shape.schema]
                if str(table.c[name].name) in there:
                    conditions.append(table.c[name].is_(None))
                asked: sa.Select[Any] = sa.select(sa.func.count()).select_from(table).where(*conditions)
                statement = prepared(self._backend.dialect, asked, ())
                if count := int(line.all(statement.sql, statement.tail)[0][0]):
                    counts[name] = count
            if counts:
                yield kind, counts

    def _shared(self, line: Line, layout: Layout, work: list[Work]) -> Iterator[StoreUnusable]:
        """Values that must be unique and are not: an index would tell, but only when it is made."""
        for table in self._made.values():
            there = layout.tables.get(table.name, {})
            for index in table.indexes:
                column = list(index.columns)[-1]
                if not index.unique or str(column.name) not in there or str(index.name) in layout.indexes:
                    continue
                asked: sa.Select[Any] = (
                    sa.select(sa.literal_column("1"))
                    .select_from(table)
                    .where(column.is_not(None))
                    .group_by(table.c.jurisdiction, column)
                    .having(sa.func.count() > 1)
                    .limit(1)
                )
                statement = prepared(self._backend.dialect, asked, ())
                if line.all(statement.sql, statement.tail):
                    conflict = next(one.conflict for one in work if one.name == str(index.name))
                    assert conflict is not None
                    yield self._backend.unusable(*conflict)


def _defaulted(shape: Shape) -> frozenset[str]:
    return frozenset(shape.columns[at].name for at in shape.defaults)
