"""The memory store: the reference that every other store must agree with."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Self

from communitycore.kernel.errors import CodeTaken, KeyReused, NotUnique, StaleStep, StoreBusy
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
        columns = [n for n, column in enumerate(shape.columns) if column.indexed or column.unique]
        self.index: dict[int, dict[Any, set[str]]] = {n: defaultdict(set) for n in columns}

    def put(self, row: Row) -> None:
        id = row[0]
        old = self.rows.get(id)
        for n, index in self.index.items():
            if old is None:
                index[row[n]].add(id)
            elif old[n] != row[n]:
                index[old[n]].discard(id)
                index[row[n]].add(id)
        self.rows[id] = row

    def find(self, query: Query) -> list[Row]:
        best: Iterable[str] | None = None
        for t in query.tests:
            if t.column == 0 and t.test == "in":
                return query.pick(self.rows[id] for id in set(t.value) if id in self.rows)
            if t.test == "=" and t.column in self.index:
                found = self.index[t.column].get(t.value, ())
                if best is None or len(found) < len(best):  # type: ignore[arg-type]
                    best = found
        return query.pick(self.rows.values() if best is None else (self.rows[id] for id in best))


class _Books:
    """All of one jurisdiction; without a head while it is brought in from elsewhere."""

    def __init__(self, head: Head | None) -> None:
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


_SEQ, _KIND, _RECORD, _CAUSE = (FIELDS.index(name) for name in ("seq", "kind", "record", "cause"))


class MemoryStore:
    """`memory://`: rows in dictionaries; gone when closed."""

    capabilities: Mapping[str, bool | str] = {
        "threads": True,
        "parallel": "a memory store has one writer",
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
        self._orders: dict[tuple[str, ...], list[Any]] = {}

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
        return [head for id in sorted(wanted) if (head := self._books[id].head) is not None]

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        return self._books[jurisdiction].table(shape).rows.get(id)

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        table = self._books[jurisdiction].table(shape)
        if query.tests or query.order or query.descending:
            return table.find(query)
        after = None if query.after is None else query.after[1]
        ids = self._sorted(("rows", jurisdiction, shape.kind), table.rows)
        return [table.rows[id] for id in _page(ids, after, query.limit)]

    def entries(self, jurisdiction: str, after: int, limit: int) -> list[Entry]:
        kept = self._books[jurisdiction].entries
        start = bisect_right(kept, after, key=itemgetter(_SEQ))
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

    def keys(self, jurisdiction: str, after: tuple[str, str] | None, limit: int) -> list[Key]:
        kept = self._at(jurisdiction).keys
        return [kept[key] for key in _page(self._sorted(("keys", jurisdiction), kept), after, limit)]

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

    def timers_after(self, jurisdiction: str, after: tuple[str, str, str] | None, limit: int) -> list[Timer]:
        kept = self._at(jurisdiction).timers
        return [kept[key] for key in _page(self._sorted(("timers", jurisdiction), kept), after, limit)]

    def next_wake(self, jurisdiction: str, without: Sequence[tuple[str, str, str]]) -> str | None:
        if jurisdiction not in self._books:
            return None  # it is being founded
        gone = set(without)
        return min(
            (t.wake for key, t in self._books[jurisdiction].timers.items() if t.parked is None and key not in gone),
            default=None,
        )

    def cursor(self, follower: str, jurisdiction: str) -> tuple[int, int]:
        return self._at(jurisdiction).cursors.get(follower, (0, 0))

    def cursors(self, jurisdiction: str) -> list[tuple[str, int, int]]:
        return [(follower, *place) for follower, place in sorted(self._at(jurisdiction).cursors.items())]

    def figure(self, fold: str, jurisdiction: str, key: str) -> str | None:
        return self._at(jurisdiction).figures[fold].get(key)

    def figures(
        self, fold: str, jurisdiction: str, after: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        kept = self._at(jurisdiction).figures[fold]
        return [(key, kept[key]) for key in _page(self._sorted(("figures", jurisdiction, fold), kept), after, limit)]

    def _at(self, jurisdiction: str) -> _Books:
        """Its books; of one that is unknown, empty ones."""
        return self._books.get(jurisdiction) or _Books(None)

    def _sorted(self, what: tuple[str, ...], kept: Iterable[Any]) -> list[Any]:
        """The keys of `kept` in order, sorted once for all pages: within a transaction nothing changes."""
        found = self._orders.get(what)
        if found is None:
            found = self._orders[what] = sorted(kept)
        return found


def _page(ordered: list[Any], after: Any, limit: int | None) -> list[Any]:
    start = 0 if after is None else bisect_right(ordered, after)
    return ordered[start : None if limit is None else start + limit]


class MemoryWriting(MemoryReading):
    """See ports.Writing. What is written waits until commit, so leaving without one keeps nothing."""

    def __init__(self, store: MemoryStore, wait: bool) -> None:
        super().__init__(store.books, store._state)
        self._store = store
        self._wait = wait
        self._new: dict[str, Head] = {}
        self._batches: list[Batch] = []
        self._brought: list[Batch] = []
        self._forgotten: list[str] = []
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
        self._check_code(head)
        self._new[head.id] = head

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        return None if jurisdiction in self._new else super().get(shape, jurisdiction, id)

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        return [] if jurisdiction in self._new else super().find(shape, jurisdiction, query)

    def write(self, batch: Batch) -> None:
        if batch.head.code != batch.was.code:
            self._check_code(batch.head)
        self._check_rows(batch)
        self._batches.append(batch)

    def bring(self, batch: Batch) -> None:
        books = self._at(batch.head.id)
        self._check_rows(batch)
        if any((key.actor, key.key) in books.keys for key in batch.keys):
            raise KeyReused(key=batch.keys[0].key)
        if batch.entries and books.entries and batch.entries[0][_SEQ] <= books.entries[-1][_SEQ]:
            raise StaleStep(
                kind="jurisdiction", id=batch.head.id, before=batch.entries[0][_SEQ], current=books.entries[-1][_SEQ]
            )
        self._brought.append(batch)

    def forget(self, jurisdiction: str) -> None:
        self._forgotten.append(jurisdiction)

    def _check_rows(self, batch: Batch) -> None:
        books = self._books.get(batch.head.id)
        unique = False
        for shape, row, expected in batch.rows:
            now = None if books is None else books.table(shape).rows.get(row[0])
            if (0 if now is None else now[1]) != expected:
                raise StaleStep(kind=shape.kind, id=row[0], before=expected, current=0 if now is None else now[1])
            unique = unique or bool(shape.unique)
        if unique:
            self._check_unique(books, batch)

    def _check_code(self, head: Head) -> None:
        for books in self._books.values():
            if books.head is not None and books.head.code == head.code and books.head.id != head.id:
                raise CodeTaken(given=head.code, jurisdiction=books.head.id)

    def _check_unique(self, books: _Books | None, batch: Batch) -> None:
        """A row may take what another of the same batch gives up."""
        fresh: dict[tuple[str, int, Any], str] = {}
        moving = {(shape.kind, row[0]) for shape, row, _ in batch.rows}
        for shape, row, _ in batch.rows:
            for n in shape.unique:
                if row[n] is None:
                    continue
                held = () if books is None else books.table(shape).index[n].get(row[n], ())
                taken = any((shape.kind, id) not in moving for id in held)
                if taken or fresh.setdefault((shape.kind, n, row[n]), row[0]) != row[0]:
                    raise NotUnique(kind=shape.kind, field=shape.columns[n].name)

    def fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
    ) -> None:
        self._folds.append((fold, jurisdiction, dict(rows), seq, version, anew))

    def commit(self) -> None:
        with self._state:
            for head in self._new.values():
                self._books.setdefault(head.id, _Books(head)).head = head
            for batch in self._batches:
                self._books[batch.head.id].head = batch.head
                self._apply(self._books[batch.head.id], batch)
            for batch in self._brought:
                self._apply(self._books.setdefault(batch.head.id, _Books(None)), batch)
            for fold, jurisdiction, rows, seq, version, anew in self._folds:
                books = self._books.setdefault(jurisdiction, _Books(None))
                kept = books.figures[fold]
                if anew:
                    kept.clear()
                for key, text in rows.items():
                    if text is None:
                        kept.pop(key, None)
                    else:
                        kept[key] = text
                books.cursors[fold] = (seq, version)
                if (seq, version) == (0, 0):
                    del books.cursors[fold]
            for jurisdiction in self._forgotten:
                if self._at(jurisdiction).head is None:
                    self._books.pop(jurisdiction, None)

    def _apply(self, books: _Books, batch: Batch) -> None:
        for shape, row, _ in batch.rows:
            books.table(shape).put(row)
        for n, values in enumerate(batch.entries, len(books.entries)):
            books.by_record[values[_KIND], values[_RECORD]].append(n)
            books.by_cause[values[_CAUSE]].append(n)
        books.entries += batch.entries
        for key in batch.removed:
            books.timers.pop(key, None)
        for timer in batch.timers:
            books.timers[timer.key] = timer
        for kept in batch.keys:
            books.keys[kept.actor, kept.key] = kept
