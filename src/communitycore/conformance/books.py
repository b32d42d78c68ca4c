"""One jurisdiction's books in a store, written and read without a hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from attrs import evolve

from communitycore.conformance.kinds import IDS, KINDS, MOMENTS, SAMPLE, TEXTS
from communitycore.kernel.journal import FIELDS, GENESIS, Entry
from communitycore.kernel.query import Query, Test
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head, Key, Reading, Store, Timer, Writing

Put = tuple[Shape, Row, int]
"""A row with its kind and the version that it is to be written over."""
FOLD = "kit.tally"


def put(row: Row, over: int | None = None, shape: Shape = SAMPLE) -> Put:
    """A row over the version before its own, unless said otherwise."""
    return shape, row, row[1] - 1 if over is None else over


def query(
    *tests: tuple[str, str, Any],
    order: str = "id",
    descending: bool = False,
    limit: int = 1_000,
    after: tuple[Any, str] | None = None,
    shape: Shape = SAMPLE,
) -> Query:
    """A search by the names of columns: `query(("name", "=", "a"), order="count")`."""
    said = tuple(Test(shape.position[column], test, value) for column, test, value in tests)  # type: ignore[arg-type]  # a comparison, as the caller spells it
    return Query(said, shape.position[order], descending, limit, after)


class Books:
    """A jurisdiction of its own, so that any number of tests may share one store."""

    def __init__(self, store: Store, code: str | None = None) -> None:
        id = str(uuid4())
        self.store = store
        self.id = id
        self.head = Head(id, code or f"kit-{id}", 0, GENESIS, MOMENTS[0], 0, None)
        with store.writing() as tx:
            tx.found(self.head)
            tx.commit()

    # writing

    def batch(
        self,
        *rows: Put,
        notes: Sequence[str] = (),
        timers: Iterable[Timer] = (),
        removed: Iterable[tuple[str, str, str]] = (),
        keys: Iterable[Key] = (),
        emptied: Iterable[tuple[str, str]] = (),
        was: Head | None = None,
        **head: Any,
    ) -> Batch:
        """What one transaction writes: an entry for each row, then one for each record that is noted."""
        was = was or self.head
        seq = was.seq
        entries = []
        for shape, row, _ in rows:
            seq += 1
            entries.append(self.entry(seq, shape.kind, row[0], row[1]))
        for id in notes:
            seq += 1
            entries.append(self.entry(seq, SAMPLE.kind, id, 1, difference='[{"noted":true}]'))
        now = evolve(was, **{"seq": seq, "hash": f"{seq:064}", **head})
        set_, kept = list(timers), list(keys)
        gone = [*removed, *(timer.key for timer in set_)]
        return Batch(now, was, list(rows), entries, set_, gone, kept, list(emptied))

    def entry(self, seq: int, kind: str, record: str, version: int, **more: Any) -> tuple[Any, ...]:
        """An entry as it is handed to a store: the journal's fields in their order, then the hash."""
        said: dict[str, Any] = {
            "format": 1, "jurisdiction": self.id, "seq": seq, "id": f"entry-{seq}", "at": MOMENTS[0],
            "occurred_at": MOMENTS[1], "actor": "here/a", "behalf": None, "cause": f"cause-{seq % 3}",
            "name": "sample.taken", "kind": kind, "schema": 1, "record": record, "version": version,
            "difference": f'{{"version":{version}}}', "digest": "d" * 64, "above": None, "grant": "grant",
            "timers": None, "hash": f"{seq:064}", **more,
        }  # fmt: skip
        return (*(said[name] for name in FIELDS), said["hash"])

    def write(self, *rows: Put, **more: Any) -> None:
        """Lock, write and commit one batch; see `batch`."""
        with self.store.writing() as tx:
            batch = self.write_in(tx, *rows, **more)
            tx.commit()
        self.head = batch.head

    def write_in(self, tx: Writing, *rows: Put, **more: Any) -> Batch:
        """Lock and write one batch in a transaction under way; once it is committed, `head` is the batch's."""
        locked = tx.lock(self.id)
        assert locked == self.head, "the head is locked as it was last written"
        batch = self.batch(*rows, **more)
        tx.write(batch)
        return batch

    def fold(self, rows: dict[str, str | None], seq: int = 1, version: int = 1, *, anew: bool = False) -> None:
        """Write a fold's rows with its cursor."""
        with self.store.writing() as tx:
            tx.lock(self.id)
            tx.fold(FOLD, self.id, rows, seq, version, anew=anew)
            tx.commit()

    # reading

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A snapshot of the store."""
        with self.store.reading() as tx:
            yield tx

    def get(self, id: str, shape: Shape = SAMPLE) -> Row | None:
        """One row."""
        with self.store.reading() as tx:
            return tx.get(shape, self.id, id)

    def find(self, wanted: Query, shape: Shape = SAMPLE) -> list[Row]:
        """The found."""
        with self.store.reading() as tx:
            return tx.find(shape, self.id, wanted)

    def found(self, wanted: Query, shape: Shape = SAMPLE) -> list[str]:
        """The ids of the found."""
        return [row[0] for row in self.find(wanted, shape)]

    def entries(self) -> list[Entry]:
        """The whole journal."""
        with self.store.reading() as tx:
            return tx.entries(self.id, 0, 10_000)

    def told(self, tx: Reading | None = None, asked: Iterable[tuple[Shape, Query]] = ()) -> list[Any]:
        """The answer to everything that can be asked of these books."""
        if tx is not None:
            return list(self._answers(tx, asked))
        with self.store.reading() as snapshot:
            return list(self._answers(snapshot, asked))

    def _answers(self, tx: Reading, asked: Iterable[tuple[Shape, Query]]) -> Iterator[Any]:
        j = self.id
        yield tx.head(j), tx.heads([j])
        for shape in KINDS:
            yield [tx.get(shape, j, id) for id in IDS], tx.find(shape, j, query(shape=shape))
            yield [tx.entries_of(j, shape.kind, id) for id in IDS], tx.last_entries(j, shape.kind, IDS)
        yield from (tx.find(shape, j, wanted) for shape, wanted in asked)
        yield tx.entries(j, 0, 1_000), tx.entries(j, 2, 2), [tx.caused(j, f"cause-{n}") for n in range(4)]
        yield [tx.timers_of(j, id) for id in IDS]
        for moment in (None, *MOMENTS):
            yield tx.timers(j, moment, 100), tx.timers(j, moment, 2)
        waiting = [timer.key for timer in tx.timers(j, None, 100)]
        yield [tx.timer(j, key) for key in (*waiting, ("id-0", "no.such", ""))]
        yield [tx.next_wake(j, waiting[:n]) for n in range(len(waiting) + 1)]
        yield [tx.key(j, actor, name) for actor in ("here/a", "here/b") for name in ("k", "l")]
        yield tx.keys_caused(j, ["cause", "c", *(f"cause-{n}" for n in range(4))])
        yield tx.cursor(FOLD, j), tx.figures(FOLD, j), [tx.figure(FOLD, j, text) for text in TEXTS]
