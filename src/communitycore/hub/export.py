"""Exporting: a jurisdiction, all of it and as it stands at one moment, into one stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

from communitycore.hub.catalogue import Catalogue
from communitycore.hub.parcel import COLUMNS, Contents, Header, KindSaid, Packing
from communitycore.hub.report import Progress
from communitycore.hub.waiting import stored_timers
from communitycore.kernel.errors import Damaged, NotFound
from communitycore.kernel.journal import GENESIS, chain_hash, values_of
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Shape
from communitycore.ports import Head, Reading, Store

T = TypeVar("T")

PAGE = 500
TAKING_IN = "import"
"""The follower whose cursor says how far an import has come; no fold is called so, for theirs have a dot."""


def export(
    store: Store, catalogue: Catalogue, jurisdiction: str, file: BinaryIO, at: str, progress: Progress | None = None
) -> Contents:
    """Write one jurisdiction to `file`, from one snapshot. at: when that is. See Hub.export."""
    with store.reading() as tx:
        head = tx.head(jurisdiction)
        if head is None:
            raise NotFound(kind="jurisdiction", id=jurisdiction)
        return _Export(tx, head, catalogue, file, at, progress).run()


class _Export:
    """One export under way."""

    def __init__(
        self,
        tx: Reading,
        head: Head,
        catalogue: Catalogue,
        file: BinaryIO,
        at: str,
        progress: Progress | None,
    ) -> None:
        self.tx, self.head, self.catalogue = tx, head, catalogue
        self.shapes = [shape for _, shape in sorted(catalogue.shapes.items()) if self.rows(shape, None, 1)]
        kinds = {s.kind: KindSaid(s.schema, tuple(column.name for column in s.columns)) for s in self.shapes}
        self.packing = Packing(file, Header(at, head, kinds))
        self._progress = progress
        self._total = head.seq  # grows when it is known how many records there are

    def run(self) -> Contents:
        self.journal()
        for shape in self.shapes:
            for row in _pages(lambda last, shape=shape: self.rows(shape, last and last[0], PAGE)):  # type: ignore[misc]  # a default of a lambda has no type
                self.add("row", shape.kind, *row)
        for timer in stored_timers(self.tx, self.head.id):
            self.add("timer", *(getattr(timer, name) for name in COLUMNS["timer"]))
        for key in _pages(lambda last: self.tx.keys(self.head.id, last and (last.actor, last.key), PAGE)):
            self.add("key", *(getattr(key, name) for name in COLUMNS["key"]))
        self.followers()
        contents = self.packing.end()
        if self._progress is not None:
            done = sum(contents.counts.values())
            self._progress(done, done)
        return contents

    def journal(self) -> None:
        """All entries; one that does not follow is not carried elsewhere. Raises Damaged, Mistake."""
        hash, seq = GENESIS, 0
        for entry in _pages(lambda last: self.tx.entries(self.head.id, last.seq if last else 0, PAGE)):
            values = values_of(entry)
            seq, hash = seq + 1, chain_hash(hash, values)
            if entry.seq != seq or entry.hash != hash:
                raise self.damaged(entry.seq)
            if entry.begins:
                self._total += 1
                self.catalogue.shape(entry.kind)  # rows of a room that is not open would be left behind
            self.add("entry", *values, hash)
        if (seq, hash) != (self.head.seq, self.head.hash):
            raise self.damaged(seq)

    def damaged(self, seq: int) -> Damaged:
        return Damaged(kind="journal", id=self.head.id, why=f"the chain does not hold at entry {seq}")

    def rows(self, shape: Shape, after: str | None, limit: int) -> list[Any]:
        start = None if after is None else (after, after)
        return self.tx.find(shape, self.head.id, Query((), 0, False, limit, start))

    def followers(self) -> None:
        """Where each stands, then its figures."""
        cursors = [cursor for cursor in self.tx.cursors(self.head.id) if cursor[0] != TAKING_IN]
        for cursor in cursors:
            self.add("cursor", *cursor)
        for fold, _, _ in cursors:
            for key, row in _pages(
                lambda last, fold=fold: self.tx.figures(fold, self.head.id, last and last[0], PAGE)  # type: ignore[misc]  # a default of a lambda has no type
            ):
                self.add("figure", fold, key, row)

    def add(self, section: str, *values: Any) -> None:
        self.packing.add(section, *values)
        done = self.packing.counts.total()
        if self._progress is not None and done % PAGE == 0:
            self._total = max(self._total, done)
            self._progress(done, self._total)


def _pages(page: Callable[[Any], list[T]]) -> Iterator[T]:
    """What all pages hold, each asked for with the last of the one before."""
    last: T | None = None
    while found := page(last):
        yield from found
        if len(found) < PAGE:
            return
        last = found[-1]
