"""Stores in SQLite files that are broken on purpose where only a crash shows it.

found: a pattern of what usually gives it away first; which it is depends on the call that is met, so the test asks that it is found at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attrs import evolve
from tests.conformance.broken_base import Transaction
from tests.conformance.broken_files import AnsweredEarly, File, KeysForgotten

from communitycore.kernel.errors import StoreBusy
from communitycore.kernel.journal import FIELDS
from communitycore.ports import Batch, Writing

RECORD, AT = FIELDS.index("record"), FIELDS.index("at")
A_MOMENT = 0.02
"""Seconds between two halves, in which a kill may come."""
SELDOM = 6


class Sound(File):
    """Nothing is wrong with it."""

    found = ""


class Early(AnsweredEarly):
    """Says that a commit is kept while it is only remembered, until somebody asks again."""

    found = r"was acknowledged, and is not there|calls of \w+ were acknowledged|made again"

    def catch_up(self) -> None:
        if self.remembered:
            time.sleep(A_MOMENT)
        super().catch_up()

    def close(self) -> None:
        self.catch_up()
        super().close()


class Forgetful(KeysForgotten):
    """Keeps idempotency keys in the process alone."""

    found = r"the call under the key|the key \S+ gave"


class Halves(File):
    """A transaction that may leave something to be done in another, behind it."""

    class writes(Transaction):  # noqa: N801
        def __init__(self, tx: Any, store: Any) -> None:
            super().__init__(tx, store)
            self.rest: list[Batch] = []

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with super().writing(wait=wait) as tx:
            yield tx
        for batch in tx.rest:  # type: ignore[attr-defined]
            time.sleep(A_MOMENT)
            with self.under.writing() as again:
                again.lock(batch.head.id)
                again.write(batch)
                again.commit()


class Torn(Halves):
    """Writes what one call left in two transactions."""

    found = r"left \{|is not as entry \d+ left it|calls of \w+ were acknowledged"

    class writes(Halves.writes):  # noqa: N801
        def write(self, batch: Batch) -> None:
            if (most := len(batch.entries) // 2) == 0:
                self.tx.write(batch)
                return
            last = {entry[RECORD]: n for n, entry in enumerate(batch.entries)}
            early = [row for row in batch.rows if last.get(row[1][0], 0) < most]
            end = batch.entries[most - 1]
            middle = evolve(
                batch.head, seq=batch.was.seq + most, hash=end[-1], last_at=end[AT], next_wake=batch.was.next_wake
            )
            self.tx.write(Batch(middle, batch.was, early, batch.entries[:most]))
            late = [row for row in batch.rows if row not in early]
            self.rest.append(evolve(batch, was=middle, rows=late, entries=batch.entries[most:]))


class TimersLeft(Halves):
    """Takes a timer away after the commit in which it was run."""

    found = r"the timer|toppled and passed"

    class writes(Halves.writes):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, removed=[]))
            if batch.removed:
                self.rest.append(Batch(batch.head, batch.head, removed=batch.removed))


class FoldsByHalves(File):
    """Moves a fold's cursor in one transaction, and its rows in another behind it."""

    found = "the fold"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.late: list[tuple[Any, ...]] = []

    class writes(Transaction):  # noqa: N801
        def fold(
            self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
        ) -> None:
            self.tx.fold(fold, jurisdiction, {}, seq, version, anew=anew)
            self.store.late.append((fold, jurisdiction, rows, seq, version))

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with super().writing(wait=wait) as tx:
            yield tx
        late, self.late = self.late, []
        for args in late:
            time.sleep(10 * A_MOMENT)  # figures are asked for seldom
            with self.under.writing() as again:
                again.lock(args[1])
                again.fold(*args, anew=False)
                again.commit()


class UnluckyRetry(File):
    """Says now and then of a COMMIT that was kept that it may simply be done again."""

    found = r"was said not to be kept, and is there|was done 2 times"

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.commits = 0

    class writes(Transaction):  # noqa: N801
        def commit(self) -> None:
            self.tx.commit()
            self.store.commits += 1
            if self.store.commits % SELDOM == 0:
                raise StoreBusy(url=self.store.url, why="the line went dead", why_zh="连接中断")


CRASHING: dict[str, Any] = {
    fault.__name__: fault for fault in (Sound, Early, Forgetful, Torn, TimersLeft, FoldsByHalves, UnluckyRetry)
}


def open_crashing(url: str) -> File:
    """The store that is named before the first colon, in the SQLite file named behind it: `Torn:sqlite:///f.db`."""
    name, _, rest = url.partition(":")
    store: File = CRASHING[name](rest)
    return store
