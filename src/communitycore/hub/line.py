"""The line before a writer: callers who wait share a transaction, and each in turn leads one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from communitycore.hub import telling
from communitycore.hub.desk import Desk, Outcome
from communitycore.kernel.command import Call
from communitycore.kernel.errors import Mistake
from communitycore.kernel.ids import Draw


class Job:
    """One caller's calls, and what became of them.

    done: the outcomes hold. leads: it is this caller's turn to lead a transaction. lost: one who led it before
    broke off, and its COMMIT may have been made; the outcomes are then those that it would have given. looked: the call
    was tried on a snapshot before it came into the line. span: what is traced where it was made.
    """

    __slots__ = (
        *("calls", "desk", "done", "draws", "gate", "leads", "looked", "lost", "outcomes", "reacts", "span", "thread"),
    )

    def __init__(self, desk: Desk, calls: Sequence[Call[Any]], draws: Sequence[Draw]) -> None:
        self.desk = desk
        self.calls = calls
        self.draws = draws
        self.outcomes: list[Outcome[Any]] = []
        self.reacts = self.done = self.leads = self.looked = self.lost = False
        self.thread = threading.get_ident()
        self.span = telling.here()
        self.gate = threading.Lock()
        self.gate.acquire()

    @property
    def jurisdiction(self) -> str:
        """Where its calls are done."""
        return self.desk.jurisdiction

    def fail(self, error: Exception) -> None:
        """All its calls met this error."""
        self.outcomes = [Outcome(error=error) for _ in self.calls]


class Line:
    """Who waits for one writer, in the order in which they came.

    One leads at a time. Whoever came meanwhile waits; when the leader leaves, the first of them leads the next
    transaction and takes along the calls of those behind. So nobody serves for ever, and nobody is passed over.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._taken: list[Job] = []
        self._leader: int | None = None

    def lead(self) -> bool:
        """Lead at once, if nobody does. Raises Mistake if this very thread does."""
        me = threading.get_ident()
        with self._mutex:
            if self._leader is None:
                self._leader = me
                return True
            if self._leader == me:
                raise Mistake(
                    "this thread is writing already; end that transaction first, and call no hub from inside a command"
                )
            return False

    def join(self, job: Job) -> bool:
        """Stand at the end of the line; True if it is empty and nobody leads any more, so that this one does."""
        with self._mutex:
            if self._leader is None:
                self._leader = job.thread
                return True
            self._waiting.append(job)
            return False

    def take(self, most: int) -> list[Job]:
        """For the leader: those next in line who have at most so many calls together."""
        with self._mutex:
            while self._waiting and len(self._waiting[0].calls) <= most:
                job = self._waiting.popleft()
                most -= len(job.calls)
                self._taken.append(job)
            return list(self._taken)

    def leave(self) -> None:
        """For the leader: hand on, and let go those who were taken along; who was not served stands first again."""
        with self._mutex:
            taken, self._taken = self._taken, []
            for job in reversed(taken):
                if not job.done:
                    job.lost = True
                    self._waiting.appendleft(job)
            if self._waiting:
                first = self._waiting.popleft()
                first.leads = True
                self._leader = first.thread
                first.gate.release()
            else:
                self._leader = None
        for job in taken:
            if job.done:
                job.gate.release()

    def withdraw(self, job: Job) -> bool:
        """Leave the line unserved; False if the job was taken along or leads meanwhile."""
        with self._mutex:
            if job in self._waiting:
                self._waiting.remove(job)
                return True
            return False

    def abandon(self, job: Job) -> None:
        """For one whose waiting was broken off: nobody is kept waiting for them."""
        if not self.withdraw(job) and job.leads:
            self.leave()
