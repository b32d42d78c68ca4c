"""A write transaction; see ports.Writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from communitycore.kernel.errors import (
    CodeTaken,
    CommunityCoreError,
    KeyReused,
    Mistake,
    NotUnique,
    StaleStep,
    StoreBusy,
)
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.query import Query, Test
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head
from communitycore_sql.backend import ONCE, Conflict, Statement
from communitycore_sql.reading import SqlReading
from communitycore_sql.tables import TIMER

if TYPE_CHECKING:
    from communitycore_sql.store import SqlStore

_Group = tuple[Shape, list[tuple[Row, int]], list[Row]]
_CAUSE = FIELDS.index("cause")
_head_values = attrgetter("id", "code", "seq", "hash", "last_at", "standing", "next_wake")
_timer_values = attrgetter(*TIMER)
_key_values = attrgetter("actor", "key", "cause", "salt", "mac", "result", "at")


class SqlWriting(SqlReading):
    """The one writer's transaction: what it has written it also reads."""

    def __init__(self, store: SqlStore, wait: bool) -> None:
        super().__init__(store)
        self._wait = wait
        self._cause = ""
        self._over = False

    def __enter__(self) -> Self:
        self._use(self._store.backend.writing(self._wait))
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._line.end()

    def lock(self, jurisdiction: str) -> Head | None:
        row = self._one(self._says.lock if self._wait else self._says.lock_at_once, (jurisdiction,))
        return None if row is None else Head(*row)

    def found(self, head: Head) -> None:
        self._check_code(head)
        try:
            self._line.run([(self._says.insert_head, (_head_values(head),))])
        except Conflict as conflict:
            raise CodeTaken(given=head.code, jurisdiction=head.id) from conflict.__cause__

    def write(self, batch: Batch) -> None:
        if batch.entries:
            self._cause = batch.entries[0][_CAUSE]
        try:
            if batch.head.code != batch.was.code:
                self._check_code(batch.head)
            self._write(batch)
        except Conflict as conflict:
            raise self._explained(batch, conflict) from conflict.__cause__
        except BaseException:
            self._over = True
            raise

    def fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
    ) -> None:
        says = self._says
        gone = [(jurisdiction, fold)] if anew else [(jurisdiction, fold, key) for key in rows]
        kept = [(jurisdiction, fold, key, text) for key, text in rows.items() if text is not None]
        statements: list[Statement] = [
            (says.delete_figures if anew else says.delete_figure, gone),
            (says.insert_figure, kept),
            (says.delete_cursor, [(jurisdiction, fold)]),
            (says.insert_cursor, [(jurisdiction, fold, seq, version)] if seq or version else []),
        ]
        try:
            self._line.run([statement for statement in statements if statement[1]])
        except Conflict as conflict:
            why, why_zh = "another moved this follower meanwhile", "该游标正由其他进程推进"
            raise StoreBusy(url=self._store.url, why=why, why_zh=why_zh) from conflict.__cause__

    def bring(self, batch: Batch) -> None:
        try:
            self._put(batch, _sorted_out(batch.rows), headless=True)
        except Conflict as conflict:
            raise self._explained(batch, conflict) from conflict.__cause__

    def forget(self, jurisdiction: str) -> None:
        if self.head(jurisdiction) is not None:
            return
        says = self._says
        self._line.run([(sql, [(jurisdiction,)]) for sql in says.clear_followers])
        # Whoever gives it a head removes the mark of its coming first: one of the two has waited for the other.
        if self.head(jurisdiction) is not None:
            raise StoreBusy(url=self._store.url, why="it is being taken in", why_zh="正在导入")
        clear = (*(kind.clear for kind in self._store.kinds()), *says.clear)
        self._line.run([(sql, [(jurisdiction,)]) for sql in clear])

    def commit(self) -> None:
        if self._over:
            raise Mistake("this transaction is over; begin another")
        self._over = True
        self._line.commit(self._cause)

    # writing

    def _write(self, batch: Batch) -> None:
        """All of it at once; where rows of a kind take unique values from each other, in a second try."""
        groups = _sorted_out(batch.rows)
        kinds = [self._store.kind(shape) for shape, _, _ in groups]
        moving = any(says.uniques and len(updates) > 1 for says, (_, updates, _) in zip(kinds, groups, strict=True))
        if not moving:
            self._put(batch, groups)
            return
        try:
            self._put(batch, groups, before=[("SAVEPOINT exchange", ONCE)])
        except Conflict:
            emptied = [
                (says.vacate, [(batch.head.id, row[0]) for row, _ in updates])
                for says, (_, updates, _) in zip(kinds, groups, strict=True)
                if says.uniques and updates
            ]
            self._put(batch, groups, before=[("ROLLBACK TO SAVEPOINT exchange", ONCE), *emptied])

    def _put(
        self, batch: Batch, groups: list[_Group], before: Sequence[Statement] = (), *, headless: bool = False
    ) -> None:
        statements: list[Statement] = [*before]
        guarded: list[int] = []  # which of them change rows whose versions they name
        id, *values = _head_values(batch.head)
        says = self._says
        if not headless:
            guarded.append(len(statements))
            statements.append((says.update_head, [(*values, id, batch.was.seq)]))
        for shape, updates, inserts in groups:
            kind = self._store.kind(shape)
            if updates:
                guarded.append(len(statements))
                statements.append((kind.update, [(*row[1:], id, row[0], expected) for row, expected in updates]))
            if inserts:
                statements.append((kind.insert, [(id, *row) for row in inserts]))
        if batch.entries:
            statements.append((says.insert_entry, batch.entries))
        if batch.removed or batch.timers:
            gone = dict.fromkeys((*batch.removed, *(timer.key for timer in batch.timers)))
            statements.append((says.delete_timer, [(id, *key) for key in gone]))
            if batch.timers:
                statements.append((says.insert_timer, [(id, *_timer_values(timer)) for timer in batch.timers]))
        if batch.keys:
            statements.append((says.insert_key, [(id, *_key_values(key)) for key in batch.keys]))
        if batch.emptied:
            statements.append((says.empty_key, [("", "", id, *name) for name in batch.emptied]))
        counts = self._line.run(statements)
        for n in guarded:
            if counts[n] != len(statements[n][1]):
                raise Conflict(StoreBusy(url=self._store.url, why="a row changed meanwhile", why_zh="数据已被更改"))

    # saying why not

    def _check_code(self, head: Head) -> None:
        holder = self._one(self._says.code_holder, (head.code, head.id))
        if holder is not None:
            raise CodeTaken(given=head.code, jurisdiction=holder[0])

    def _explained(self, batch: Batch, conflict: Conflict) -> CommunityCoreError:
        """Go back to what was committed and find, row by row, what it was that said no."""
        self._over = True
        id = batch.head.id
        self._line.restart()
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
        return conflict.trouble


def _sorted_out(rows: list[tuple[Shape, Row, int]]) -> list[_Group]:
    """By kind: the rows to be changed, then those to be added, each in the batch's order."""
    groups: dict[str, _Group] = {}
    for shape, row, expected in rows:
        group = groups.get(shape.kind)
        if group is None:
            group = groups[shape.kind] = (shape, [], [])
        if expected:
            group[1].append((row, expected))
        else:
            group[2].append(row)
    return list(groups.values())
