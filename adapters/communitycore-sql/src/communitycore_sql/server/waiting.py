"""Waiting for a socket."""

from __future__ import annotations

import select
from collections.abc import Callable
from functools import partial

READ, WRITE = 1, 2

if hasattr(select, "poll"):

    def readable(socket: int) -> Callable[[float | None], int]:
        """Like `waited` for reading from this socket, made once."""
        waiting = select.poll()
        waiting.register(socket, select.POLLIN)

        def wait(seconds: float | None) -> int:
            return READ if waiting.poll(None if seconds is None else seconds * 1_000) else 0

        return wait

    def waited(socket: int, what: int, seconds: float | None) -> int:
        """Which of reading and writing is possible, after waiting at most so long; what has ended can be read."""
        waiting = select.poll()
        waiting.register(socket, (select.POLLIN if what & READ else 0) | (select.POLLOUT if what & WRITE else 0))
        ready = 0
        for _, event in waiting.poll(None if seconds is None else seconds * 1_000):
            ready |= (WRITE if event & select.POLLOUT else 0) | (READ if event & ~select.POLLOUT else 0)
        return ready

else:  # Windows

    def readable(socket: int) -> Callable[[float | None], int]:
        return partial(waited, socket, READ)

    def waited(socket: int, what: int, seconds: float | None) -> int:
        reading, writing = [socket] if what & READ else [], [socket] if what & WRITE else []
        readable, writable, _ = select.select(reading, writing, [], seconds)
        return (READ if readable else 0) | (WRITE if writable else 0)
