"""Connections that read, kept open from one snapshot to the next."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

Connection = sqlite3.Connection


class Readers:
    """As many connections as there are snapshots at once; the last few are kept. Threads share it."""

    def __init__(self, connect: Callable[[], Connection], kept: int) -> None:
        self._connect = connect
        self._most = kept
        self._idle: list[Connection] = []  # appending and popping are each one step for all threads
        self._closed = False

    def take(self) -> Connection:
        """The connection used last, or a new one. Raises what connecting raises."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def give_back(self, connection: Connection, *, good: bool) -> None:
        """Take it back. good: it may be given again."""
        if not good or len(self._idle) >= self._most:
            _close(connection)
            return
        self._idle.append(connection)
        if self._closed:  # perhaps in this very moment
            self.close()

    def close(self) -> None:
        """Close those that nobody uses; one that is in use is closed when it comes back."""
        self._closed = True
        while self._idle:
            with contextlib.suppress(IndexError):
                _close(self._idle.pop())


def _close(connection: Connection) -> None:
    with contextlib.suppress(sqlite3.Error):
        connection.close()
