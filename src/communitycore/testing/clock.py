"""A clock that moves only when told, or by a fixed step each time it is read."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from communitycore.kernel import times

START = datetime(2024, 6, 4, 6, 0, tzinfo=UTC)


class Clock:
    """Call it for the time. step: how far each reading moves it on."""

    def __init__(self, start: datetime = START, step: timedelta = timedelta(0)) -> None:
        self._now = times.aware(start, "start")
        self._step = step
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            now = self._now
            self._now = now + self._step
            return now

    def advance(self, by: timedelta) -> datetime:
        """Move it on (or, with a negative `by`, back) and tell the time."""
        with self._lock:
            self._now += by
            return self._now

    def set(self, to: datetime) -> None:
        """Set it to a moment, before or after."""
        with self._lock:
            self._now = times.aware(to, "to")
