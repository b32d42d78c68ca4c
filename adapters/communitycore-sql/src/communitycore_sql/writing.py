"""A write transaction; see ports.Writing."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from communitycore.kernel.errors import CodeTaken, CommunityCoreError, KeyReused, Mistake, NotUnique, StaleStep
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.query import Query, Test
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head
from communitycore_sql.reading import SqlReading
from communitycore_sql.sqlite import Connection
from communitycore_sql.tables import TIMER

if TYPE_CHECKING:
    from communitycore_sql.store import SqlStore

_CAUSE = FIELDS.index("cause")
_head_values = attrgetter("id", "code", "seq", "hash", "last_at", "standing", "next_wake")
_timer_values = attrgetter(*TIMER)
_key_values = attrgetter("actor", "key", "cause", "salt", "mac", "result", "at")


class _Conflict(Exception):
    """A version or a constraint said no; why is looked up afterwards, since it hardly ever happens."""


class SqlWriting(SqlReading):
    """The one writer's transaction: what it has written it also reads."""

    _connection: Connection

    def __init__(self, store: SqlStore, wait: bool) -> None:
        super().__init__(store)
        self._wait = wait
        self._cause = ""
        self._over = False

    def __enter__(self) -> Self:
        self._connection = connection = self._backend.begin_writing(self._wait)
        self._cursor = connection.cursor()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        try:
            self._cursor.close()
        finally:
            self._backend.end_writing(self._connection)

    def lock(self, jurisdiction: str) -> Head | None:
        row = self._one(self._says.lock, (jurisdiction,))
        return None if row is None else Head(*row)

    def found(self, head: Head) -> None:
        self._check_code(head)
        try:
            self._run(self._says.insert_head, _head_values(head))
        except _Conflict as conflict:
            raise CodeTaken(given=head.code, jurisdiction=head.id) from conflict.__cause__

    def write(self, batch: Batch) -> None:
        if batch.entries:
            self._cause = batch.entries[0][_CAUSE]
        try:
            self._write(batch)
        except _Conflict as conflict:
            raise self._explained(batch, conflict) from conflict.__cause__
        except BaseException:
            self._over = True
            raise

    def fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
    ) -> None:
        says = self._says
        if anew:
            self._run(says.delete_figures, (jurisdiction, fold))
        else:
            self._many(says.delete_figure, [(jurisdiction, fold, key) for key in rows])
        self._many(
            says.insert_figure, [(jurisdiction, fold, key, text) for key, text in rows.items() if text is not None]
        )
        self._run(says.delete_cursor, (jurisdiction, fold))
        self._run(says.insert_cursor, (jurisdiction, fold, seq, version))

    def commit(self) -> None:
        if self._over:
            raise Mistake("this transaction is over; begin another")
        self._over = True
        self._backend.commit(self._connection, self._cause)

    # writing

    def _write(self, batch: Batch) -> None:
        head, was, says = batch.head, batch.was, self._says
        if head.code != was.code:
            self._check_code(head)
        id, *values = _head_values(head)
        if self._run(says.update_head, (*values, id, was.seq)) != 1:
            raise _Conflict
        for group in _sorted_out(batch.rows):
            self._put_kind(id, *group)
        self._many(says.insert_entry, batch.entries)
        if batch.removed or batch.timers:
            gone = dict.fromkeys((*batch.removed, *(timer.key for timer in batch.timers)))
            self._many(says.delete_timer, [(id, *key) for key in gone])
            self._many(says.insert_timer, [(id, *_timer_values(timer)) for timer in batch.timers])
        if batch.keys:
            self._many(says.insert_key, [(id, *_key_values(key)) for key in batch.keys])

    def _put_kind(self, jurisdiction: str, shape: Shape, updates: list[tuple[Row, int]], inserts: list[Row]) -> None:
        says = self._store.kind(shape)
        if updates:
            values = [(*row[1:], jurisdiction, row[0], expected) for row, expected in updates]
            if says.uniques and len(updates) > 1:
                done = self._exchange(says.update, says.vacate, values, jurisdiction, updates)
            else:
                done = self._many(says.update, values)
            if done != len(values):
                raise _Conflict
        if inserts:
            self._many(says.insert, [(jurisdiction, *row) for row in inserts])

    def _exchange(
        self, update: str, vacate: str, values: list[Any], jurisdiction: str, updates: list[tuple[Row, int]]
    ) -> int:
        """Several rows of a kind with unique fields: one may take what another of them gives up only later."""
        self._run("SAVEPOINT exchange")
        try:
            done = self._many(update, values)
        except _Conflict:
            self._run("ROLLBACK TO exchange")
            self._many(vacate, [(jurisdiction, row[0]) for row, _ in updates])
            done = self._many(update, values)
        self._run("RELEASE exchange")
        return done

    def _run(self, sql: str, values: tuple[Any, ...] = ()) -> int:
        try:
            count: int = self._cursor.execute(sql, values).rowcount
        except self._backend.errors as error:
            raise self._said(error) from error
        return count

    def _many(self, sql: str, values: list[Any]) -> int:
        if len(values) == 1:
            return self._run(sql, values[0])
        try:
            count: int = self._cursor.executemany(sql, values).rowcount if values else 0
        except self._backend.errors as error:
            raise self._said(error) from error
        return count

    def _said(self, error: Exception) -> Exception:
        return _Conflict() if self._backend.is_conflict(error) else self._backend.trouble(error)

    # saying why not

    def _check_code(self, head: Head) -> None:
        holder = self._one(self._says.code_holder, (head.code, head.id))
        if holder is not None:
            raise CodeTaken(given=head.code, jurisdiction=holder[0])

    def _explained(self, batch: Batch, conflict: _Conflict) -> CommunityCoreError:
        """Go back to what was committed and find, row by row, what it was that said no."""
        self._over = True
        id = batch.head.id
        self._run("ROLLBACK")
        self._run("BEGIN")
        moving = {(shape.kind, row[0]) for shape, row, _ in batch.rows}
        fresh: dict[tuple[str, int, Any], str] = {}
        for shape, row, expected in batch.rows:
            held = self.get(shape, id, row[0])
            current = 0 if held is None else held[1]
            if current != expected:
                return StaleStep(kind=shape.kind, id=row[0], before=expected, current=current)
            for n in self._store.kind(shape).uniques:
                if row[n] is None:
                    continue
                holders = self.find(shape, id, Query((Test(n, "=", row[n]),), 0, False, 2, None))
                taken = any((shape.kind, holder[0]) not in moving for holder in holders)
                if taken or fresh.setdefault((shape.kind, n, row[n]), row[0]) != row[0]:
                    return NotUnique(kind=shape.kind, field=shape.columns[n].name)
        for key in batch.keys:
            if self.key(id, key.actor, key.key) is not None:
                return KeyReused(key=key.key)
        head = self.head(id)
        if head is None or head.seq != batch.was.seq:
            current = 0 if head is None else head.seq
            return StaleStep(kind="jurisdiction", id=id, before=batch.was.seq, current=current)
        cause = conflict.__cause__
        return self._backend.trouble(cause if cause is not None else conflict)


def _sorted_out(rows: list[tuple[Shape, Row, int]]) -> list[tuple[Shape, list[tuple[Row, int]], list[Row]]]:
    """By kind: the rows to be changed, then those to be added, each in the batch's order."""
    groups: dict[str, tuple[Shape, list[tuple[Row, int]], list[Row]]] = {}
    for shape, row, expected in rows:
        group = groups.get(shape.kind)
        if group is None:
            group = groups[shape.kind] = (shape, [], [])
        if expected:
            group[1].append((row, expected))
        else:
            group[2].append(row)
    return list(groups.values())
