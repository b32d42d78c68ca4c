"""What every call needs of an open hub: its store, its rooms, its clock and its chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from communitycore.hub import telling
from communitycore.hub.catalogue import Catalogue
from communitycore.hub.session import Guard, Session
from communitycore.hub.standing import StandingCache
from communitycore.kernel import forks, times
from communitycore.kernel.errors import Mistake, NotFound
from communitycore.kernel.ids import Draw
from communitycore.ports import Head, Reading, Store, Writing

SEED_BYTES = 32


class Office:
    """The parts that the road, the timers and the hub share. guard: see Session."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: times.Clock, entropy: times.Entropy) -> None:
        self._store = store
        self._scheme = store.url.partition(":")[0]
        self._forks = forks.passed()
        self.catalogue = catalogue
        self.clock = clock
        self.entropy = entropy
        self.standing = StandingCache()
        self.guard: Guard | None = None

    @property
    def store(self) -> Store:
        """Where everything is kept. Raises Mistake in a process that inherited it through fork."""
        if forks.passed() != self._forks:
            raise Mistake("this hub was inherited through fork; open one in the new process")
        return self._store

    def close(self) -> None:
        """Give the store back, even one that was inherited."""
        self._store.close()

    def draw(self) -> Draw:
        """The chance of one call, now."""
        return Draw(self.entropy(SEED_BYTES), times.aware(self.clock(), "clock"))

    def draws(self, count: int) -> list[Draw]:
        """The chance of so many calls of one moment, a seed each."""
        at = times.aware(self.clock(), "clock")
        stamp = times.to_text(at)
        return [Draw(self.entropy(SEED_BYTES), at, stamp) for _ in range(count)]

    def session(self, tx: Writing, jurisdiction: str, draw: Draw) -> Session:
        """Lock the head, the transaction's first statement, and sit down to work on it. Raises NotFound."""
        head = tx.lock(jurisdiction)
        if head is None:
            raise NotFound(kind="jurisdiction", id=jurisdiction)
        return Session(tx, head, self.standing, self.catalogue, draw.at, self.guard)

    def looking(self, tx: Reading, jurisdiction: str, draw: Draw) -> Session:
        """A session on a snapshot, whose work is thrown away. Raises NotFound."""
        return Session(tx, self.head(tx, jurisdiction), self.standing, self.catalogue, draw.at, self.guard)

    def head(self, tx: Reading, jurisdiction: str) -> Head:
        """A jurisdiction's head. Raises NotFound."""
        head = tx.head(jurisdiction)
        if head is None:
            raise NotFound(kind="jurisdiction", id=jurisdiction)
        return head

    def flush(self, tx: Writing, *sessions: Session, calls: int = 1, links: Sequence[Any] = ()) -> None:
        """Write and commit what these sessions accepted, all of it or nothing.

        calls: how many they stand for; links: the spans of those that other threads made.
        """
        full = [session for session in sessions if not session.empty]
        if not full:
            return
        if telling.quiet():
            for session in full:
                tx.write(session.batch())
            tx.commit()
        else:
            with telling.Span("communitycore.commit", links, calls=calls, store=self._scheme) as span:
                batches = [session.batch() for session in full]
                span.note(entries=sum(len(batch.entries) for batch in batches))
                for batch in batches:
                    tx.write(batch)
                tx.commit()
        for session in full:
            session.committed()
