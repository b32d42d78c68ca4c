"""The store: hands out snapshots and transactions over a backend."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping

from sqlalchemy import Table

from communitycore.kernel.errors import Mistake, OutcomeUnknown, StoreBusy
from communitycore.kernel.shape import Shape
from communitycore.ports import Plan
from communitycore_sql import tables
from communitycore_sql.backend import Backend, Conflict, Line, Overtaken
from communitycore_sql.migrating import Migration
from communitycore_sql.reading import SqlReading
from communitycore_sql.schema import Work, work_on
from communitycore_sql.statements import KindStatements, Statements
from communitycore_sql.tables import kinds, metadata, table_name, tables_of
from communitycore_sql.writing import SqlWriting

PREPARED_TOGETHER = 50  # how often another process may be quicker with a part of the tables
PREPARED_SECONDS = 20.0  # for how long others may be in the way


class SqlStore:
    """See ports.Store. Threads may share it; so may processes, each with one of its own."""

    capabilities: Mapping[str, bool | str]

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.url = backend.url
        self.capabilities = backend.capabilities
        self.statements = Statements(backend.dialect)
        self._kinds: dict[str, KindStatements] = {}
        self.migration = Migration(backend, {}, {})
        self.notes = True  # unless it is an older one, to be read alone

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Make or extend the tables for these kinds; several processes may do so at once.

        Raises StoreUnusable where that is not enough.
        """
        wanted = {shape.kind: shape for shape in shapes}
        made = tables_of(wanted.values())
        self.migration = Migration(self.backend, wanted, made)
        deadline = time.monotonic() + PREPARED_SECONDS
        for attempt in range(PREPARED_TOGETHER):
            try:
                if self._prepared(wanted, made):
                    break
            except StoreBusy:  # a table was altered while it was read, or waited for one that waits for us
                if time.monotonic() >= deadline:
                    raise
            time.sleep(random.uniform(0, 0.01 * (attempt + 1)))
        else:
            raise StoreBusy(
                url=self.url, why="other processes keep changing its tables", why_zh="其他进程正在不断修改表结构"
            )
        for kind, shape in wanted.items():
            self._kinds[kind] = KindStatements(self.backend.dialect, shape, made[kind])

    def plan(self, shapes: Iterable[Shape]) -> Plan:
        """What `prepare` would do for these kinds, and how many rows are of an earlier form; changes nothing."""
        wanted = {shape.kind: shape for shape in shapes}
        return Migration(self.backend, wanted, tables_of(wanted.values())).plan()

    def note(self, lacking: Mapping[str, frozenset[str]]) -> None:
        """There are rows from elsewhere that lack these fields."""
        for _ in range(PREPARED_TOGETHER):
            try:
                self.migration.note(lacking)
                return
            except Overtaken:
                continue

    def settle(self) -> None:
        """Forget what no row lacks any more."""
        self.migration.settle()

    def _prepared(self, wanted: Mapping[str, Shape], made: Mapping[str, Table]) -> bool:
        """Whether the tables are as they should be now; False if another process was quicker with a part of it."""
        backend = self.backend
        line = backend.reading()
        try:
            layout = backend.layout(line)
            work = work_on(backend, line, layout, wanted, made)
            if backend.readonly and [one.name for one in work] == [tables.added.name]:
                self.notes = False  # it was made before there was anything to be noted
                return True
            if not work:
                return True
        finally:
            line.end()
        if backend.readonly:
            raise backend.unusable(
                "an older set of records made it; open it once without mode=ro, so that it gains what is new",
                "由较旧的记录定义建立；请先不带 mode=ro 打开一次以补充新增内容",
            )
        line = backend.building()
        try:
            # Another process may have done it meanwhile.
            for one in work_on(backend, line, backend.layout(line), wanted, made):
                self._do(line, one)
            line.commit("")
        except (Overtaken, OutcomeUnknown):
            return False  # what is there is looked at again
        finally:
            line.end()
        backend.refresh()
        return True

    def _do(self, line: Line, work: Work) -> None:
        try:
            (count,) = line.run([(work.sql, (work.values,))])
        except Conflict as conflict:
            if work.conflict is None:
                raise Overtaken from conflict
            raise self.backend.unusable(*work.conflict) from conflict.__cause__
        if work.guarded and count != 1:
            raise Overtaken

    def reading(self) -> SqlReading:
        """A read snapshot, opened when entered, that waits for no writer."""
        return SqlReading(self)

    def writing(self, *, wait: bool = True) -> SqlWriting:
        """A write transaction. Raises StoreBusy at once if not `wait` and another writes, here or elsewhere."""
        return SqlWriting(self, wait)

    def scrub(self) -> None:
        """Rewrite its tables, so that no byte is left of what was overwritten in them; the capability tells of more."""
        backend = self.backend
        line = backend.reading()
        try:
            there = backend.layout(line).tables
            known = line.all(self.statements.all_kinds) if kinds.name in there else []
        finally:
            line.end()
        ours = {*metadata.tables, *(table_name(kind) for (kind,) in known)}
        quoted = backend.dialect.identifier_preparer.quote_identifier
        backend.scrub([quoted(name) for name in sorted(ours & there.keys())])

    def close(self) -> None:
        """Give everything back; no call may be under way."""
        self.backend.close()

    def kinds(self) -> Iterable[KindStatements]:
        """The statements of every kind that was prepared."""
        return self._kinds.values()

    def kind(self, shape: Shape) -> KindStatements:
        """The statements of a kind. Raises Mistake for one that was not prepared, or with other columns since."""
        try:
            known = self._kinds[shape.kind]
        except KeyError:
            raise Mistake(f"no table for {shape.kind}; open the hub with the room that declares it") from None
        if known.shape is not shape and known.shape.columns != shape.columns:
            raise Mistake(f"{shape.kind} was opened with another declaration since; open a hub with that one")
        return known
