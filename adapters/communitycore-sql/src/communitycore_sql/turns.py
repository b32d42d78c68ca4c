"""Turns: a lock that is given in the order in which it was asked for."""

from __future__ import annotations

import threading
from collections import deque

from communitycore.kernel.errors import Mistake


class Turns:
    """One holder at a time, first come, first served.

    `threading.Lock` lets a thread that has just let go take it again before those who wait, so a busy thread
    could starve the others.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[tuple[threading.Lock, int]] = deque()
        self._holder: int | None = None

    def take(self, seconds: float) -> bool:
        """Wait for a turn, at most so long; whether it came. Raises Mistake if this thread has it already."""
        me = threading.get_ident()
        with self._mutex:
            if self._holder is None:
                self._holder = me
                return True
            if self._holder == me:
                raise Mistake(
                    "this thread is writing already; end that transaction first, and call no hub from inside a command"
                )
            if seconds <= 0:
                return False
            gate = threading.Lock()
            gate.acquire()
            place = (gate, me)
            self._waiting.append(place)
        try:
            if gate.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
                return True
        except BaseException:
            if not self._left(place):
                self.give_back()
            raise
        # The turn may have come in the very moment in which waiting ended.
        return not self._left(place)

    def give_back(self) -> None:
        """End this turn; the next in the row has it."""
        with self._mutex:
            if self._waiting:
                gate, self._holder = self._waiting.popleft()
                gate.release()
            else:
                self._holder = None

    def _left(self, place: tuple[threading.Lock, int]) -> bool:
        """Leave the row; False if the turn had come."""
        with self._mutex:
            if place in self._waiting:
                self._waiting.remove(place)
                return True
            return False
