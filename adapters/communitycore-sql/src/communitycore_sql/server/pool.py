"""A bounded pool of connections, given first come, first served."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

IDLE_SECONDS = 120.0  # before a firewall on the way forgets a silent connection


class Pooled(Protocol):
    """A connection as the pool sees it. reused: it was given before."""

    reused: bool

    def alive(self) -> bool:
        """Whether the server has not closed it meanwhile, as far as can be told without asking."""
        ...

    def close(self) -> None:
        """Close it, whatever state it is in."""
        ...


W = TypeVar("W", bound=Pooled)


class Pool(Generic[W]):
    """At most `size` connections at once, made when needed.

    The last one is kept for reading: a writer that reads something beside its transaction finds one,
    even while all others are writers that want the same.
    """

    def __init__(self, connect: Callable[[], W], size: int) -> None:
        self._connect = connect
        self._size = size
        self._mutex = threading.Lock()
        self._idle: list[tuple[W, float]] = []
        self._out = 0
        self._writers = 0
        self._waiting: deque[tuple[threading.Lock, bool]] = deque()
        self._closed = False

    def take(self, seconds: float, *, writing: bool) -> W | None:
        """A connection, after waiting at most so long; None if none came free. Raises what connecting raises."""
        if not self._admitted(seconds, writing):
            return None
        try:
            return self._kept() or self._connect()
        except BaseException:
            self._leave(writing)
            raise

    def give_back(self, wire: W, *, writing: bool, good: bool) -> None:
        """Take it back. good: it may be given again."""
        try:
            if not good or self._closed:
                wire.close()
                return
            wire.reused = True
            with self._mutex:
                self._idle.append((wire, time.monotonic()))
        finally:
            self._leave(writing)

    def replace(self, wire: W) -> W:
        """A new connection instead of one that was taken. Raises what connecting raises; then the old one stays."""
        fresh = self._connect()
        wire.close()
        return fresh

    def drop_idle(self) -> None:
        """Close those that nobody uses: the server may have gone, and they with it."""
        with self._mutex:
            idle, self._idle = self._idle, []
        for wire, _ in idle:
            wire.close()

    def close(self) -> None:
        """Close all; one that is in use is closed when it comes back."""
        self._closed = True
        self.drop_idle()

    # who may have one

    def _admits(self, writing: bool) -> bool:
        return self._out < self._size and not (writing and self._writers >= self._size - 1)

    def _enter(self, writing: bool) -> None:
        self._out += 1
        self._writers += writing

    def _admitted(self, seconds: float, writing: bool) -> bool:
        with self._mutex:
            # Whoever waits already came first, unless it waits for what this one does not need.
            if self._admits(writing) and not any(kind == writing for _, kind in self._waiting):
                self._enter(writing)
                return True
            if seconds <= 0:
                return False
            gate = threading.Lock()
            gate.acquire()
            place = (gate, writing)
            self._waiting.append(place)
        try:
            if gate.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
                return True
        except BaseException:
            if not self._gave_up(place):
                self._leave(writing)
            raise
        # The turn may have come in the very moment in which waiting ended.
        return not self._gave_up(place)

    def _leave(self, writing: bool) -> None:
        with self._mutex:
            self._out -= 1
            self._writers -= writing
            while (place := next((p for p in self._waiting if self._admits(p[1])), None)) is not None:
                self._waiting.remove(place)
                self._enter(place[1])
                place[0].release()

    def _gave_up(self, place: tuple[threading.Lock, bool]) -> bool:
        """Leave the row; False if the turn had come."""
        with self._mutex:
            if place in self._waiting:
                self._waiting.remove(place)
                return True
            return False

    def _kept(self) -> W | None:
        """The connection that was used last, if it is still good."""
        while True:
            with self._mutex:
                if not self._idle:
                    return None
                wire, since = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and wire.alive():
                return wire
            wire.close()
