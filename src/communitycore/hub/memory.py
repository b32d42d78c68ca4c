"""The memory store: the reference that every other store must agree with."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from communitycore.kernel.errors import CodeTaken, NotUnique, StaleStep, StoreBusy
from communitycore.kernel.journal import FIELDS, Entry
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head, Key, Timer


def entry_of(values: tuple[Any, ...]) -> Entry:
    """The entry whose FIELDS and hash these are."""
    return Entry(**dict(zip(FIELDS, values, strict=False)), hash=values[-1])


class _Table:
    """One kind's rows in one jurisdiction, with a hash index a searchable column."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rows: dict[str, Row] = {}
        self.columns = [(n, c.unique) for n, c in enumerate(shape.columns) if c.indexed or c.unique]
        self.index: dict[int, dict[Any, set[str]]] = {n: defaultdict(set) for n, _ in self.columns}

    def put(self, row: Row) -> None:
        old = self.rows.get(row[0])
        for n, _ in self.columns:
            if old is not None and old[n] != row[n]:
                self.index[n][old[n]].discard(row[0])
            if old is None or old[n] != row[n]:
                self.index[n][row[n]].add(row[0])
        self.rows[row[0]] = row

    def find(self, query: Query) -> list[Row]:
        best: Iterable[str] | None = None
        for t in query.tests:
            if t.test == "=" and t.column in self.index:
                found = self.index[t.column].get(t.value, ())
                if best is None or len(found) < len(best):  # type: ignore[arg-type]
                    best = found
        return query.pick(self.rows.values() if best is None else (self.rows[id] for id in best))


class _Books:
    """All of one jurisdiction."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.tables: dict[str, _Table] = {}
        self.entries: list[tuple[Any, ...]] = []
        self.by_record: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.by_cause: dict[str, list[int]] = defaultdict(list)
        self.timers: dict[tuple[str, str, str], Timer] = {}
        self.keys: dict[tuple[str, str], Key] = {}
        self.figures: dict[str, dict[str, str]] = defaultdict(dict)
        self.cursors: dict[str, tuple[int, int]] = {}

    def table(self, shape: Shape) -> _Table:
        table = self.tables.get(shape.kind)
        if table is None:
            table = self.tables[shape.kind] = _Table(shape)
        return table


_AT = {name: n for n, name in enumerate(FIELDS)}


class MemoryStore:
    """`memory://`: rows in dictionaries; gone when closed."""

    capabilities: Mapping[str, bool | str] = {
        "threads": True,
        "durable": "a memory store ends with its process",
        "processes": "a memory store belongs to one process",
    }

    def __init__(self, url: str = "memory://") -> None:
        self.url = url
        self.books: dict[str, _Books] = {}
        self._writer = threading.Lock()
        self._state = threading.RLock()

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Nothing to make: tables come with their first row."""

    def reading(self) -> MemoryReading:
        return MemoryReading(self.books, self._state)

    def writing(self, *, wait: bool = True) -> MemoryWriting:
        return MemoryWriting(self, wait)

    def close(self) -> None:
        self.books.clear()


class MemoryReading:
    """See ports.Reading."""

    def __init__(self, books: dict[str, _Books], state: threading.RLock) -> None:
        self._books = books
        self._state = state

    def __enter__(self) -> Self:
        # Held while reading, so that no commit falls between two reads.
        self._state.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._state.release()

    def head(self, jurisdiction: str) -> Head | None:
        books = self._books.get(jurisdiction)
        return None if books is None else books.head

    def heads(self, jurisdictions: Sequence[str] | None = None) -> list[Head]:
        wanted = self._books if jurisdictions is None else set(jurisdictions) & self._books.keys()
        return [self._books[id].head for id in sorted(wanted)]

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        return self._books[jurisdiction].table(shape).rows.get(id)

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        return self._books[jurisdiction].table(shape).find(query)

    def entries(self, jurisdiction: str, after: int, limit: int) -> list[Entry]:
        kept = self._books[jurisdiction].entries
        start = bisect_right(kept, after, key=lambda values: values[_AT["seq"]])
        return [entry_of(values) for values in kept[start : start + limit]]

    def entries_of(self, jurisdiction: str, kind: str, record: str) -> list[Entry]:
        books = self._books[jurisdiction]
        return [entry_of(books.entries[n]) for n in books.by_record.get((kind, record), ())]

    def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
        books = self._books[jurisdiction]
        found = {id: books.by_record.get((kind, id)) for id in records}
        return {id: entry_of(books.entries[places[-1]]) for id, places in found.items() if places}

    def caused(self, jurisdiction: str, cause: str) -> list[Entry]:
        books = self._books[jurisdiction]
        return [entry_of(books.entries[n]) for n in books.by_cause.get(cause, ())]

    def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
        return self._books[jurisdiction].keys.get((actor, key))

    def timer(self, jurisdiction: str, key: tuple[str, str, str]) -> Timer | None:
        return self._books[jurisdiction].timers.get(key)

    def timers_of(self, jurisdiction: str, record: str) -> list[Timer]:
        found = [t for t in self._books[jurisdiction].timers.values() if t.record == record and not t.source]
        return sorted(found, key=lambda t: t.command)

    def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
        found = [
            t
            for t in self._books[jurisdiction].timers.values()
            if until is None or (t.parked is None and t.wake <= until)
        ]
        return sorted(found, key=lambda t: (t.due, t.seq, t.key))[:limit]

    def next_wake(self, jurisdiction: str, without: Sequence[tuple[str, str, str]]) -> str | None:
        if jurisdiction not in self._books:
            return None  # it is being founded
        gone = set(without)
        return min(
            (t.wake for key, t in self._books[jurisdiction].timers.items() if t.parked is None and key not in gone),
            default=None,
        )

    def cursor(self, follower: str, jurisdiction: str) -> tuple[int, int]:
        return self._books[jurisdiction].cursors.get(follower, (0, 0))

    def figure(self, fold: str, jurisdiction: str, key: str) -> str | None:
        return self._books[jurisdiction].figures[fold].get(key)

    def figures(self, fold: str, jurisdiction: str) -> list[tuple[str, str]]:
        return sorted(self._books[jurisdiction].figures[fold].items())


class MemoryWriting(MemoryReading):
    """See ports.Writing. What is written waits until commit, so leaving without one keeps nothing."""

    def __init__(self, store: MemoryStore, wait: bool) -> None:
        super().__init__(store.books, store._state)
        self._store = store
        self._wait = wait
        self._new: dict[str, Head] = {}
        self._batches: list[Batch] = []
        self._folds: list[tuple[str, str, Mapping[str, str | None], int, int, bool]] = []

    def __enter__(self) -> Self:
        if not self._store._writer.acquire(blocking=self._wait):
            raise StoreBusy(url=self._store.url, why="another call is being written")
        return self

    def __exit__(self, *_: object) -> None:
        self._store._writer.release()

    def lock(self, jurisdiction: str) -> Head | None:
        return self.head(jurisdiction)

    def found(self, head: Head) -> None:
        for books in self._books.values():
            if books.head.code == head.code:
                raise CodeTaken(given=head.code, jurisdiction=books.head.id)
        self._new[head.id] = head

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        return None if jurisdiction in self._new else super().get(shape, jurisdiction, id)

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        return [] if jurisdiction in self._new else super().find(shape, jurisdiction, query)

    def write(self, batch: Batch) -> None:
        books = self._books.get(batch.head.id)
        for other in self._books.values():
            if other.head.code == batch.head.code and other.head.id != batch.head.id:
                raise CodeTaken(given=batch.head.code, jurisdiction=other.head.id)
        fresh: dict[tuple[str, int, Any], str] = {}
        moving = {(shape.kind, row[0]) for shape, row, _ in batch.rows}
        for shape, row, expected in batch.rows:
            table = _Table(shape) if books is None else books.table(shape)
            now = table.rows.get(row[0])
            if (0 if now is None else now[1]) != expected:
                raise StaleStep(kind=shape.kind, id=row[0], before=expected, current=0 if now is None else now[1])
            for n, unique in table.columns:
                if not unique or row[n] is None:
                    continue
                holders = {id for id in table.index[n].get(row[n], ()) if (shape.kind, id) not in moving}
                if holders or fresh.setdefault((shape.kind, n, row[n]), row[0]) != row[0]:
                    raise NotUnique(kind=shape.kind, field=shape.columns[n].name)
        self._batches.append(batch)

    def fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
    ) -> None:
        self._folds.append((fold, jurisdiction, dict(rows), seq, version, anew))

    def commit(self) -> None:
        with self._state:
            for head in self._new.values():
                self._books[head.id] = _Books(head)
            for batch in self._batches:
                self._apply(batch)
            for fold, jurisdiction, rows, seq, version, anew in self._folds:
                kept = self._books[jurisdiction].figures[fold]
                if anew:
                    kept.clear()
                for key, text in rows.items():
                    if text is None:
                        kept.pop(key, None)
                    else:
                        kept[key] = text
                self._books[jurisdiction].cursors[fold] = (seq, version)

    def _apply(self, batch: Batch) -> None:
        books = self._books[batch.head.id]
        books.head = batch.head
        for shape, row, _ in batch.rows:
            books.table(shape).put(row)
        for values in batch.entries:
            n = len(books.entries)
            books.entries.append(values)
            books.by_record[values[_AT["kind"]], values[_AT["record"]]].append(n)
            books.by_cause[values[_AT["cause"]]].append(n)
        for key in batch.removed:
            books.timers.pop(key, None)
        for timer in batch.timers:
            books.timers[timer.key] = timer
        for kept in batch.keys:
            books.keys[kept.actor, kept.key] = kept
