"""The memory store: the reference that every other store must agree with."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Self

from attrs import evolve

from communitycore.hub import refitting
from communitycore.kernel.errors import CodeTaken, KeyReused, Mistake, NotUnique, StaleStep, StoreBusy, StoreUnusable
from communitycore.kernel.journal import FIELDS, Entry
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head, Key, Plan, Timer


def entry_of(values: tuple[Any, ...]) -> Entry:
    """The entry whose FIELDS and hash these are."""
    return Entry(**dict(zip(FIELDS, values, strict=False)), hash=values[-1])


class _Table:
    """One kind's rows in one jurisdiction, with a hash index a searchable column."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.fits = [shape]
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
                if best is None or len(found) < len(best):  # type: ignore[arg-type]  # an index holds sets, which have a length
                    best = found
        return query.pick(self.rows.values() if best is None else (self.rows[id] for id in best))


class _Books:
    """All of one jurisdiction; without a head while it is brought in from elsewhere."""

    def __init__(self, head: Head | None) -> None:
        self.head = head
        self.tables: dict[str, _Table] = {}
        self.entries: list[tuple[Any, ...]] = []
        self._by_record: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._by_cause: dict[str, list[int]] = defaultdict(list)
        self._looked_up = 0  # so many entries are in these two, which few ask for
        self.timers: dict[tuple[str, str, str], Timer] = {}
        self.keys: dict[tuple[str, str], Key] = {}
        self.figures: dict[str, dict[str, str]] = defaultdict(dict)
        self.cursors: dict[str, tuple[int, int]] = {}

    def table(self, shape: Shape) -> _Table:
        table = self.tables.get(shape.kind)
        if table is None:
            table = self.tables[shape.kind] = _Table(shape)
        elif table.shape is not shape and shape not in table.fits:
            refitting.check(table.shape, shape)
            table.fits.append(shape)
        return table

    def of_record(self, kind: str, record: str) -> list[tuple[Any, ...]]:
        """A record's entries, in order. To be called with the state held."""
        self._look_up()
        return [self.entries[n] for n in self._by_record.get((kind, record), ())]

    def of_cause(self, cause: str) -> list[tuple[Any, ...]]:
        """The entries that one call made, in order. To be called with the state held."""
        self._look_up()
        return [self.entries[n] for n in self._by_cause.get(cause, ())]

    def _look_up(self) -> None:
        for n in range(self._looked_up, len(self.entries)):
            values = self.entries[n]
            self._by_record[values[_KIND], values[_RECORD]].append(n)
            self._by_cause[values[_CAUSE]].append(n)
        self._looked_up = len(self.entries)


_SEQ, _KIND, _RECORD, _CAUSE = (FIELDS.index(name) for name in ("seq", "kind", "record", "cause"))


class MemoryStore:
    """`memory://`: rows in dictionaries; gone when closed."""

    capabilities: Mapping[str, bool | str] = {
        "threads": True,
        "parallel": "a memory store has one writer",
        "durable": "a memory store ends with its process",
        "processes": "a memory store belongs to one process",
        "scrub": True,
    }

    def __init__(self, url: str = "memory://") -> None:
        self.url = url
        self.books: dict[str, _Books] = {}
        self._writer = threading.Lock()
        self._state = threading.RLock()
        self._shapes: dict[str, Shape] = {}
        self._lacking: dict[str, frozenset[str]] = {}

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Tables come with their first row; those that another set of records made are refitted.

        Raises StoreUnusable, and changes nothing, where that cannot be.
        """
        with self._writer, self._state:
            wanted = {shape.kind: shape for shape in shapes}
            for obstacle in self._obstacles(wanted):
                raise obstacle
            for kind, shape in wanted.items():
                was = self._shapes.get(kind)
                self._shapes[kind] = shape
                if was is not None and not refitting.same(was, shape):
                    self._refit(was, shape)

    def _refit(self, was: Shape, shape: Shape) -> None:
        kind = shape.kind
        # Of rows of an older number the hub knows by that number what they may lack.
        lacking = shape.lacked_by(was.position) if was.schema == shape.schema and self._rows(kind) else frozenset()
        if lacking:
            self._lacking[kind] = self._lacking.get(kind, frozenset()) | lacking
        for books in self.books.values():
            if (table := books.tables.get(kind)) is not None:
                books.tables[kind] = fresh = _Table(shape)
                for row in table.rows.values():
                    fresh.put(refitting.refitted(was, shape, row))

    def _rows(self, kind: str) -> list[Row]:
        return [
            row for books in self.books.values() if kind in books.tables for row in books.tables[kind].rows.values()
        ]

    def _obstacles(self, shapes: Mapping[str, Shape]) -> Iterator[StoreUnusable]:
        for kind, shape in shapes.items():
            was = self._shapes.get(kind)
            if was is not None and not refitting.same(was, shape):
                kept = [books.tables[kind].rows.values() for books in self.books.values() if kind in books.tables]
                yield from refitting.obstacles(was, shape, kept)

    def plan(self, shapes: Iterable[Shape]) -> Plan:
        """No table need be made; which rows are of an earlier form, and what is in the way."""
        older: dict[str, dict[int, int]] = {}
        lacking: dict[str, dict[str, int]] = {}
        with self._state:
            wanted = {shape.kind: shape for shape in shapes}
            for kind, shape in wanted.items():
                rows, was = self._rows(kind), self._shapes.get(kind, shape)
                if numbers := Counter(row[2] for row in rows if row[2] < shape.schema):
                    older[kind] = dict(sorted(numbers.items()))
                counts = {name: _nulls(rows, was, name) for name in sorted(self._lacking.get(kind, frozenset()))}
                if was.schema == shape.schema:
                    counts |= {name: len(rows) for name in sorted(shape.lacked_by(was.position))}
                if any(counts.values()):
                    lacking[kind] = {name: count for name, count in counts.items() if count}
            return Plan(obstacles=tuple(self._obstacles(wanted)), older=older, lacking=lacking)

    def note(self, lacking: Mapping[str, frozenset[str]]) -> None:
        with self._state:
            for kind, names in lacking.items():
                self._lacking[kind] = self._lacking.get(kind, frozenset()) | names

    def settle(self) -> None:
        with self._state:
            for kind, names in list(self._lacking.items()):
                rows = self._rows(kind)
                left = frozenset(name for name in names if _nulls(rows, self._shapes[kind], name))
                if left:
                    self._lacking[kind] = left
                else:
                    del self._lacking[kind]

    def reading(self) -> MemoryReading:
        return MemoryReading(self.books, self._state, self._lacking)

    def writing(self, *, wait: bool = True) -> MemoryWriting:
        return MemoryWriting(self, wait)

    def scrub(self) -> None:
        """Rows were replaced; their indexes alone still know the values that nobody has any more."""
        with self._writer, self._state:
            for books in self.books.values():
                for table in books.tables.values():
                    for index in table.index.values():
                        for value in [value for value, ids in index.items() if not ids]:
                            del index[value]

    def close(self) -> None:
        self.books.clear()


def _nulls(rows: Iterable[Row], shape: Shape, name: str) -> int:
    n = shape.position.get(name)
    return 0 if n is None else sum(row[n] is None for row in rows)


class MemoryReading:
    """See ports.Reading."""

    def __init__(self, books: dict[str, _Books], state: threading.RLock, lacking: Mapping[str, frozenset[str]]) -> None:
        self._books = books
        self._lacking = lacking
        self._state = state

    @cached_property
    def _orders(self) -> dict[tuple[str, ...], list[Any]]:
        return {}

    def __enter__(self) -> Self:
        # Held while reading, so that no commit falls between two reads.
        self._state.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._state.release()

    def _of(self, jurisdiction: str) -> _Books:
        """Its books; empty ones where there is no such jurisdiction, or where it is only being founded."""
        return self._books.get(jurisdiction) or _Books(None)

    def head(self, jurisdiction: str) -> Head | None:
        books = self._books.get(jurisdiction)
        return None if books is None else books.head

    def heads(self, jurisdictions: Sequence[str] | None = None) -> list[Head]:
        wanted = self._books if jurisdictions is None else set(jurisdictions) & self._books.keys()
        return [head for id in sorted(wanted) if (head := self._books[id].head) is not None]

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        return self._of(jurisdiction).table(shape).rows.get(id)

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        table = self._of(jurisdiction).table(shape)
        if query.tests or query.order or query.descending:
            return table.find(query)
        after = None if query.after is None else query.after[1]
        ids = self._sorted(("rows", jurisdiction, shape.kind), table.rows)
        return [table.rows[id] for id in _page(ids, after, query.limit)]

    def entries(self, jurisdiction: str, after: int, limit: int) -> list[Entry]:
        kept = self._of(jurisdiction).entries
        start = bisect_right(kept, after, key=itemgetter(_SEQ))
        return [entry_of(values) for values in kept[start : start + limit]]

    def entries_of(self, jurisdiction: str, kind: str, record: str) -> list[Entry]:
        with self._state:
            return [entry_of(values) for values in self._of(jurisdiction).of_record(kind, record)]

    def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
        books = self._of(jurisdiction)
        with self._state:
            found = {id: books.of_record(kind, id) for id in records}
        return {id: entry_of(entries[-1]) for id, entries in found.items() if entries}

    def caused(self, jurisdiction: str, cause: str) -> list[Entry]:
        with self._state:
            return [entry_of(values) for values in self._of(jurisdiction).of_cause(cause)]

    def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
        return self._of(jurisdiction).keys.get((actor, key))

    def keys_caused(self, jurisdiction: str, causes: Sequence[str]) -> list[Key]:
        wanted = set(causes)
        kept = self._of(jurisdiction).keys
        return [kept[name] for name in sorted(kept) if kept[name].cause in wanted]

    def keys(self, jurisdiction: str, after: tuple[str, str] | None, limit: int) -> list[Key]:
        kept = self._of(jurisdiction).keys
        return [kept[key] for key in _page(self._sorted(("keys", jurisdiction), kept), after, limit)]

    def timer(self, jurisdiction: str, key: tuple[str, str, str]) -> Timer | None:
        return self._of(jurisdiction).timers.get(key)

    def timers_of(self, jurisdiction: str, record: str) -> list[Timer]:
        found = [t for t in self._of(jurisdiction).timers.values() if t.record == record and not t.source]
        return sorted(found, key=lambda t: t.command)

    def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
        found = [
            t for t in self._of(jurisdiction).timers.values() if until is None or (t.parked is None and t.wake <= until)
        ]
        return sorted(found, key=lambda t: (t.due, t.seq, t.key))[:limit]

    def timers_after(self, jurisdiction: str, after: tuple[str, str, str] | None, limit: int) -> list[Timer]:
        kept = self._of(jurisdiction).timers
        return [kept[key] for key in _page(self._sorted(("timers", jurisdiction), kept), after, limit)]

    def next_wake(self, jurisdiction: str, without: Sequence[tuple[str, str, str]]) -> str | None:
        gone = set(without)
        return min(
            (t.wake for key, t in self._of(jurisdiction).timers.items() if t.parked is None and key not in gone),
            default=None,
        )

    def lacking(self) -> Mapping[str, frozenset[str]]:
        return dict(self._lacking)

    def cursor(self, follower: str, jurisdiction: str) -> tuple[int, int]:
        return self._of(jurisdiction).cursors.get(follower, (0, 0))

    def cursors(self, jurisdiction: str) -> list[tuple[str, int, int]]:
        return [(follower, *place) for follower, place in sorted(self._of(jurisdiction).cursors.items())]

    def figure(self, fold: str, jurisdiction: str, key: str) -> str | None:
        return self._of(jurisdiction).figures[fold].get(key)

    def figures(
        self, fold: str, jurisdiction: str, after: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        kept = self._of(jurisdiction).figures[fold]
        return [(key, kept[key]) for key in _page(self._sorted(("figures", jurisdiction, fold), kept), after, limit)]

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
        super().__init__(store.books, store._state, store._lacking)
        self._store = store
        self._wait = wait
        self._over = False
        self._new: dict[str, Head] = {}
        self._work: list[tuple[Callable[..., object], tuple[Any, ...]]] = []  # what the commit does, in order

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
        if self.head(head.id) is not None:
            raise CodeTaken(given=head.code, jurisdiction=head.id)
        self._new[head.id] = head
        self._work.append((self._found, (head,)))

    def write(self, batch: Batch) -> None:
        if batch.head.code != batch.was.code:
            self._check_code(batch.head)
        self._check_rows(batch)
        self._check_keys(batch)
        books = self._books.get(batch.head.id)
        head = self._new.get(batch.head.id) if books is None or books.head is None else books.head
        if head is None or head.seq != batch.was.seq:
            current = 0 if head is None else head.seq
            raise StaleStep(kind="jurisdiction", id=batch.head.id, before=batch.was.seq, current=current)
        self._work.append((self._write, (batch,)))

    def bring(self, batch: Batch) -> None:
        self._check_rows(batch)
        self._check_keys(batch)
        entries = self._of(batch.head.id).entries
        if batch.entries and entries and batch.entries[0][_SEQ] <= entries[-1][_SEQ]:
            raise StaleStep(
                kind="jurisdiction", id=batch.head.id, before=batch.entries[0][_SEQ], current=entries[-1][_SEQ]
            )
        self._work.append((self._bring, (batch,)))

    def forget(self, jurisdiction: str) -> None:
        self._work.append((self._forget, (jurisdiction,)))

    def _check_rows(self, batch: Batch) -> None:
        books = self._books.get(batch.head.id)
        moving: set[tuple[str, str]] | None = None
        fresh: dict[tuple[str, int, Any], str] = {}
        for shape, row, expected in batch.rows:
            now = None if books is None else books.table(shape).rows.get(row[0])
            if (0 if now is None else now[1]) != expected:
                raise StaleStep(kind=shape.kind, id=row[0], before=expected, current=0 if now is None else now[1])
            if shape.unique:
                moving = moving or {(shape.kind, row[0]) for shape, row, _ in batch.rows}
                self._check_unique(books, shape, row, moving, fresh)

    def _check_keys(self, batch: Batch) -> None:
        kept = self._of(batch.head.id).keys
        for key in batch.keys:
            if (key.actor, key.key) in kept:
                raise KeyReused(key=key.key)

    def _check_code(self, head: Head) -> None:
        for books in self._books.values():
            if books.head is not None and books.head.code == head.code and books.head.id != head.id:
                raise CodeTaken(given=head.code, jurisdiction=books.head.id)

    def _check_unique(
        self,
        books: _Books | None,
        shape: Shape,
        row: Row,
        moving: set[tuple[str, str]],
        fresh: dict[tuple[str, int, Any], str],
    ) -> None:
        """A row may take what another of the same batch, which is `moving`, gives up. fresh: what others took."""
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
        self._work.append((self._fold, (fold, jurisdiction, dict(rows), seq, version, anew)))

    def commit(self) -> None:
        if self._over:
            raise Mistake("this transaction is over; begin another")
        self._over = True
        with self._state:
            for act, given in self._work:
                act(*given)

    def _found(self, head: Head) -> None:
        self._books.setdefault(head.id, _Books(head)).head = head

    def _write(self, batch: Batch) -> None:
        books = self._books[batch.head.id]
        books.head = batch.head
        self._apply(books, batch)

    def _bring(self, batch: Batch) -> None:
        self._apply(self._books.setdefault(batch.head.id, _Books(None)), batch)

    def _fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, anew: bool
    ) -> None:
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

    def _forget(self, jurisdiction: str) -> None:
        if self._of(jurisdiction).head is None:
            self._books.pop(jurisdiction, None)

    def _apply(self, books: _Books, batch: Batch) -> None:
        for shape, row, _ in batch.rows:
            books.table(shape).put(row)
        books.entries += batch.entries
        for key in batch.removed:
            books.timers.pop(key, None)
        for timer in batch.timers:
            books.timers[timer.key] = timer
        for kept in batch.keys:
            books.keys[kept.actor, kept.key] = kept
        for name in batch.emptied:
            if name in books.keys:
                books.keys[name] = evolve(books.keys[name], salt="", mac="")
