"""Threads that do as they are told, one act at a time, so that what happens at once can be written out step by step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from typing import Any, TypeVar

from communitycore.ports import Head, Store, Writing

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds after which what should have ended is taken for stuck."""
A_WHILE = 0.15
"""Seconds for which what must wait is watched."""


class Stuck(AssertionError):
    """An act did not end in the time that it was given."""


class Hand:
    """A thread that does one act after another. What it entered it leaves, in the same thread.

    tx: the write transaction that it is in. held: what it entered.
    """

    tx: Writing
    held: ExitStack

    def __init__(self) -> None:
        self._acts: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._ended = threading.Event()
        self._gave: Any = None
        self._raised: BaseException | None = None
        self.held = ExitStack()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (act := self._acts.get()) is not None:
            self._gave = self._raised = None
            try:
                self._gave = act()
            except BaseException as error:  # noqa: BLE001 - handed over to who asked
                self._raised = error
            self._ended.set()

    def start(self, act: Callable[[], Any]) -> None:
        """Begin an act, which may have to wait."""
        self._ended.clear()
        self._acts.put(act)

    def waits(self, seconds: float = A_WHILE) -> bool:
        """Whether the act begun is still under way after a while."""
        return not self._ended.wait(seconds)

    def gives(self, seconds: float = PATIENCE) -> Any:
        """What the act begun gave; raises what it raised, and Stuck if it does not end in time."""
        if self.waits(seconds):
            raise Stuck(f"still waiting after {seconds} seconds")
        if self._raised is not None:
            raise self._raised
        return self._gave

    def do(self, act: Callable[[], T], seconds: float = PATIENCE) -> T:
        """An act from its beginning to its end."""
        self.start(act)
        gave: T = self.gives(seconds)
        return gave

    def enters(self, context: AbstractContextManager[T]) -> T:
        """Enter a context and stay in it."""
        return self.do(lambda: self.held.enter_context(context))

    def leaves(self) -> None:
        """Leave what was entered."""
        self.do(self.held.close)

    def begins(self, store: Store, jurisdiction: str, *, wait: bool = True) -> None:
        """Begin to enter a write transaction and to lock the head in it; `gives` tells the head."""

        def act() -> Head | None:
            self.tx = self.held.enter_context(store.writing(wait=wait))
            return self.tx.lock(jurisdiction)

        self.start(act)

    def locks(self, store: Store, jurisdiction: str) -> Head:
        """Enter a write transaction and lock the head in it."""
        self.begins(store, jurisdiction)
        head = self.gives()
        assert isinstance(head, Head), "a head that was founded can be locked"
        return head

    def end(self) -> None:
        """Leave everything, once the act under way has ended, and stop."""
        self._acts.put(self.held.close)
        self._acts.put(None)

    def join(self) -> None:
        """Wait until it has stopped."""
        self._thread.join(PATIENCE)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave or raised, all started at one moment, each in a thread of its own."""
    barrier = threading.Barrier(len(acts))
    given: list[Any] = [Stuck("did not end")] * len(acts)

    def run(n: int) -> None:
        barrier.wait(PATIENCE)
        try:
            given[n] = acts[n]()
        except BaseException as error:  # noqa: BLE001 - handed over to who asked
            given[n] = error

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    return given
