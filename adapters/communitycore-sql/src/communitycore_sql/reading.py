"""Reads of one snapshot; see ports.Reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from communitycore.kernel.journal import Entry
from communitycore.kernel.query import Query, Test
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Head, Key, Timer
from communitycore_sql.backend import Line
from communitycore_sql.statements import PARAMETERS_MAX, padded, widened
from communitycore_sql.tables import JOURNAL, TIMER

if TYPE_CHECKING:
    from communitycore_sql.store import SqlStore

MANY = 512


def entry_of(row: Row) -> Entry:
    """The entry in a row of the journal."""
    return Entry(**dict(zip(JOURNAL, row, strict=True)))


def timer_of(row: Row) -> Timer:
    """The timer in a row."""
    return Timer(**dict(zip(TIMER, row, strict=True)))


class SqlReading:
    """One snapshot. Driver errors leave it as errors of this library."""

    _line: Line
    _all: Callable[..., list[Row]]

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._says = store.statements

    def __enter__(self) -> Self:
        self._use(self._store.backend.reading())
        return self

    def __exit__(self, *_: object) -> None:
        self._line.end()

    def _use(self, line: Line) -> None:
        self._line = line
        self._all = line.all

    def _one(self, sql: str, values: Sequence[Any]) -> Row | None:
        found = self._all(sql, values)
        return found[0] if found else None

    # heads

    def head(self, jurisdiction: str) -> Head | None:
        row = self._one(self._says.head, (jurisdiction,))
        return None if row is None else Head(*row)

    def heads(self, jurisdictions: Sequence[str] | None = None) -> list[Head]:
        if jurisdictions is None:
            return [Head(*row) for row in self._all(self._says.all_heads)]
        found = [
            Head(*row) for part in _parts(jurisdictions) for row in self._all(self._says.some_heads(len(part)), part)
        ]
        return sorted(found, key=lambda head: head.id)

    # records

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        # Nothing else is an id, though SQLite would take the number 5 for its text.
        if not isinstance(id, str) or not id.isascii() or "\0" in id:
            return None
        return self._one(self._store.kind(shape).get, (jurisdiction, id))

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        for t in query.tests:
            if t.test == "in":
                return self._find_among(shape, jurisdiction, query)
        values: list[Any] = [jurisdiction]
        return self._all(self._store.kind(shape).find(query, values).sql, values)

    def _find_among(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        """A search with lists of values: each once, none of them null, and no more than a statement takes."""
        tests: list[Test] = []
        total = 0
        for t in query.tests:
            if t.test == "in":
                held = tuple(dict.fromkeys(value for value in t.value if value is not None))
                if not held:
                    return []
                t = Test(t.column, "in", held)
                total += widened(len(held))
            else:
                total += 1
            tests.append(t)
        if total > PARAMETERS_MAX:
            return self._find_in_halves(shape, jurisdiction, query, tests)
        values: list[Any] = [jurisdiction]
        plain = Query(tuple(tests), query.order, query.descending, query.limit, query.after)
        return self._all(self._store.kind(shape).find(plain, values).sql, values)

    def _find_in_halves(self, shape: Shape, jurisdiction: str, query: Query, tests: list[Test]) -> list[Row]:
        """More values than one statement takes: the longest list is halved, and what both halves gave is merged."""
        n = max(range(len(tests)), key=lambda n: len(tests[n].value) if tests[n].test == "in" else 0)
        held = tests[n].value
        found: list[Row] = []
        for part in (held[: len(held) // 2], held[len(held) // 2 :]):
            fewer = (*tests[:n], Test(tests[n].column, "in", part), *tests[n + 1 :])
            found += self.find(
                shape, jurisdiction, Query(fewer, query.order, query.descending, query.limit, query.after)
            )
        return Query((), query.order, query.descending, query.limit, None).pick(found)

    # journal

    def entries(self, jurisdiction: str, after: int, limit: int) -> list[Entry]:
        says = self._says.entries
        return [entry_of(row) for row in self._all(says.sql, (jurisdiction, after, limit, *says.tail))]

    def entries_of(self, jurisdiction: str, kind: str, record: str) -> list[Entry]:
        return [entry_of(row) for row in self._all(self._says.entries_of, (jurisdiction, kind, record))]

    def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for part in _parts(records):
            for row in self._all(self._says.last_entries(len(part)), (jurisdiction, jurisdiction, kind, *part)):
                entry = entry_of(row)
                found[entry.record] = entry
        return {id: found[id] for id in records if id in found}

    def caused(self, jurisdiction: str, cause: str) -> list[Entry]:
        return [entry_of(row) for row in self._all(self._says.caused, (jurisdiction, cause))]

    def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
        row = self._one(self._says.key, (jurisdiction, actor, key))
        return None if row is None else Key(*row)

    def keys_caused(self, jurisdiction: str, causes: Sequence[str]) -> list[Key]:
        found = {
            row[:2]: Key(*row)
            for part in _parts(causes)
            for row in self._all(self._says.keys_caused(len(part)), (jurisdiction, *part))
        }
        return [found[name] for name in sorted(found)]

    def keys(self, jurisdiction: str, after: tuple[str, str] | None, limit: int) -> list[Key]:
        found: list[Row] = []
        if after is not None:
            says = self._says.keys_of
            found = self._all(says.sql, (jurisdiction, *after, limit, *says.tail))
        if len(found) < limit:
            says = self._says.keys_beyond
            actor = "" if after is None else after[0]
            found += self._all(says.sql, (jurisdiction, actor, limit - len(found), *says.tail))
        return [Key(*row) for row in found]

    # timers

    def timer(self, jurisdiction: str, key: tuple[str, str, str]) -> Timer | None:
        row = self._one(self._says.timer, (jurisdiction, *key))
        return None if row is None else timer_of(row)

    def timers_of(self, jurisdiction: str, record: str) -> list[Timer]:
        return [timer_of(row) for row in self._all(self._says.timers_of, (jurisdiction, record, ""))]

    def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
        if until is None:
            says, values = self._says.timers, (jurisdiction, limit)
        else:
            says, values = self._says.timers_due, (jurisdiction, until, limit)  # type: ignore[assignment]  # the other branch has one value less
        return [timer_of(row) for row in self._all(says.sql, (*values, *says.tail))]

    def timers_after(self, jurisdiction: str, after: tuple[str, str, str] | None, limit: int) -> list[Timer]:
        says, key = self._says.timers_after, after or ("", "", "")
        return [timer_of(row) for row in self._all(says.sql, (jurisdiction, key[0], *key, limit, *says.tail))]

    def next_wake(self, jurisdiction: str, without: Sequence[tuple[str, str, str]]) -> str | None:
        says = self._says.wakes
        # The first that is not left out is at most so far down.
        for wake, *key in self._all(says.sql, (jurisdiction, len(without) + 1, *says.tail)):
            if tuple(key) not in without:
                return str(wake)
        return None

    # followers

    def lacking(self) -> Mapping[str, frozenset[str]]:
        return self._store.migration.lacking(self._all(self._says.added)) if self._store.notes else {}

    def cursor(self, follower: str, jurisdiction: str) -> tuple[int, int]:
        row = self._one(self._says.cursor, (jurisdiction, follower))
        return (0, 0) if row is None else (row[0], row[1])

    def cursors(self, jurisdiction: str) -> list[tuple[str, int, int]]:
        return [(follower, seq, version) for follower, seq, version in self._all(self._says.cursors, (jurisdiction,))]

    def figure(self, fold: str, jurisdiction: str, key: str) -> str | None:
        row = self._one(self._says.figure, (jurisdiction, fold, key))
        return None if row is None else str(row[0])

    def figures(
        self, fold: str, jurisdiction: str, after: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        if limit is None:
            found = self._all(self._says.figures, (jurisdiction, fold))
        elif after is None:
            says = self._says.first_figures
            found = self._all(says.sql, (jurisdiction, fold, limit, *says.tail))
        else:
            says = self._says.next_figures
            found = self._all(says.sql, (jurisdiction, fold, after, limit, *says.tail))
        return [(key, row) for key, row in found]


def _parts(ids: Sequence[str]) -> list[tuple[str, ...]]:
    """`ids` in parts that a statement takes, each of a padded length."""
    return [padded(ids[start : start + MANY]) for start in range(0, len(ids), MANY)]
