"""Records in memory: standing ones while the count of their changes stays the same, others while their row does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from communitycore.kernel.errors import StoreBusy
from communitycore.kernel.query import FIND_MAX, Query
from communitycore.kernel.shape import Row, Shape
from communitycore.kernel.view import Held
from communitycore.ports import Reading


class Standing:
    """One jurisdiction's standing records at one count, each kind read when first asked for."""

    __slots__ = ("_derived", "_kinds", "_ordered", "count", "jurisdiction")

    def __init__(self, jurisdiction: str, count: int) -> None:
        self.jurisdiction = jurisdiction
        self.count = count
        self._kinds: dict[str, dict[str, Held]] = {}
        self._ordered: dict[str, tuple[Any, ...]] = {}
        self._derived: dict[tuple[Any, str], Any] = {}

    def kind(self, tx: Reading, shape: Shape) -> dict[str, Held]:
        """All of one kind, by id, in the order of ids."""
        held = self._kinds.get(shape.kind)
        if held is None:
            held = {row[0]: (shape.read_row(row), row) for row in _all_rows(tx, shape, self.jurisdiction)}
            head = tx.head(self.jurisdiction)
            if head is not None and head.standing != self.count:
                # An ancestor is read unlocked, and not every store's transactions see one state throughout.
                raise StoreBusy(url=self.jurisdiction, why="what stands there changed while it was read")
            self._kinds[shape.kind] = held
        return held

    def all(self, tx: Reading, shape: Shape) -> tuple[Any, ...]:
        """All records of one kind, ordered by id."""
        ordered = self._ordered.get(shape.kind)
        if ordered is None:
            ordered = self._ordered[shape.kind] = tuple(held[0] for held in self.kind(tx, shape).values())
        return ordered

    def derive(self, tx: Reading, build: Callable[[tuple[Any, ...]], Any], shape: Shape) -> Any:
        """`build` of all of one kind."""
        key = (build, shape.kind)
        try:
            return self._derived[key]
        except KeyError:
            value = self._derived[key] = build(self.all(tx, shape))
            return value

    def moved(self, count: int, rows: Iterable[tuple[Shape, Row, Any]]) -> Standing:
        """The same at a later count, with these rows changed; what other kinds gave stays remembered."""
        new = Standing(self.jurisdiction, count)
        new._kinds.update(self._kinds)
        touched: set[str] = set()
        for shape, row, record in rows:
            held = new._kinds.get(shape.kind)
            if held is None:
                continue
            if shape.kind not in touched:
                touched.add(shape.kind)
                held = new._kinds[shape.kind] = dict(held)
            held[row[0]] = (record, row)
        for kind in touched:
            new._kinds[kind] = dict(sorted(new._kinds[kind].items()))
        new._ordered.update({k: v for k, v in self._ordered.items() if k not in touched})
        new._derived.update({k: v for k, v in self._derived.items() if k[1] not in touched})
        return new


class StandingCache:
    """The newest Standing of every jurisdiction that this hub has touched, and the records last seen."""

    def __init__(self) -> None:
        self.recent = Recent()
        self._kept: dict[str, Standing] = {}
        self._lacking: dict[str, Mapping[str, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def at(self, jurisdiction: str, count: int) -> Standing:
        """That jurisdiction's Standing at exactly this count."""
        kept = self._kept.get(jurisdiction)
        if kept is not None and kept.count == count:
            return kept
        fresh = Standing(jurisdiction, count)
        self.keep(fresh)
        return fresh

    def keep(self, standing: Standing) -> None:
        """Remember it unless a newer one is known."""
        with self._lock:
            kept = self._kept.get(standing.jurisdiction)
            if kept is None or kept.count < standing.count:
                self._kept[standing.jurisdiction] = standing

    def lacking(self, tx: Reading, jurisdiction: str) -> Mapping[str, frozenset[str]]:
        """See ports.Reading; as of when the jurisdiction was first seen: what is written later lacks nothing."""
        known = self._lacking.get(jurisdiction)
        if known is None:
            known = self._lacking[jurisdiction] = tx.lacking()
        return known

    def all_filled(self) -> None:
        """What rows lacked was written out: ask the store again."""
        self._lacking.clear()

    def forget(self) -> None:
        """Remember nothing: what was erased may be in it."""
        self.recent.forget()
        with self._lock:
            self._kept.clear()


class Recent:
    """The records last read or written: one whose row is still the same need not be made from it again."""

    def __init__(self, most: int = 4_096) -> None:
        self._kept: dict[tuple[str, str, str], Held] = {}
        self._most = most

    def read(self, shape: Shape, jurisdiction: str, row: Row) -> Held:
        """The record in `row`. Raises Damaged."""
        known = self._kept.get((jurisdiction, shape.kind, row[0]))
        if known is not None and known[1] == row:
            return known
        held = (shape.read_row(row), row)
        self.keep(jurisdiction, shape, held)
        return held

    def keep(self, jurisdiction: str, shape: Shape, held: Held) -> None:
        """Remember it; when there are too many, all are forgotten, which costs less than knowing the oldest."""
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[jurisdiction, shape.kind, held[1][0]] = held

    def forget(self) -> None:
        """Remember nothing, for instance once something was erased."""
        self._kept.clear()


def _all_rows(tx: Reading, shape: Shape, jurisdiction: str) -> Iterable[Row]:
    after = None
    while True:
        page = tx.find(shape, jurisdiction, Query((), 0, False, FIND_MAX, after))
        yield from page
        if len(page) < FIND_MAX:
            return
        after = (page[-1][0], page[-1][0])
