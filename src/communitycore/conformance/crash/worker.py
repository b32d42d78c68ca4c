"""A process that is there to be killed: it opens the store by itself and calls from several threads until then."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import TypeVar

from communitycore.conformance import room
from communitycore.conformance.crash.caller import Caller
from communitycore.conformance.crash.words import Begun, State, Task, Told
from communitycore.conformance.workers import Opening
from communitycore.hub.hub import Hub
from communitycore.kernel import times
from communitycore.kernel.errors import StoreError

T = TypeVar("T")
OPENING_SECONDS = 60.0
"""How long a store is tried that cannot be opened now: its server may be down at this moment."""


def open_hub(opening: Opening, clock: times.Clock = times.system_clock, seconds: float = OPENING_SECONDS) -> Hub:
    """The store under the kit's room, tried again for a while. Raises StoreError."""

    def opened() -> Hub:
        store = opening.open()
        try:
            return Hub(store, [room.ROOM], clock=clock)
        except BaseException:
            store.close()
            raise

    return patiently(opened, seconds)


def patiently(act: Callable[[], T], seconds: float = OPENING_SECONDS) -> T:
    """What this gives, tried again for a while as long as the store fails. Raises StoreError."""
    end = time.monotonic() + seconds
    while True:
        try:
            return act()
        except StoreError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class JumpingClock:
    """A clock that is off by up to so many seconds either way, anew each time."""

    def __init__(self, seed: str, seconds: float) -> None:
        self._chance, self._seconds = random.Random(f"{seed}/clock"), seconds

    def __call__(self) -> datetime:
        return times.system_clock() + timedelta(seconds=self._chance.uniform(-self._seconds, self._seconds))


def work(pipe: Connection, task: Task) -> None:
    """Call from all threads until told to stop, or killed."""
    mutex, stop = threading.Lock(), threading.Event()

    def tell(words: Sequence[Begun | Told | State]) -> None:
        try:
            with mutex:
                pipe.send(words)
        except OSError:
            os._exit(1)  # the keeper is gone

    def call(name: str) -> None:
        try:
            caller = patiently(lambda: Caller(hub, task, name, tell))
            while not stop.is_set():
                caller.turn()
        except Exception as error:  # noqa: BLE001 - told to the keeper
            tell([State("broke", f"{type(error).__name__}: {error}")])

    clock = JumpingClock(task.seed, task.jump_seconds) if task.jump_seconds else times.system_clock
    try:
        hub = open_hub(task.opening, clock)
    except Exception as error:  # noqa: BLE001 - told to the keeper
        tell([State("broke", f"{type(error).__name__}: {error}")])
        return
    tell([State("ready")])
    threads = [threading.Thread(target=call, args=(f"{task.name}t{n}",), daemon=True) for n in range(task.threads)]
    for thread in threads:
        thread.start()
    try:
        pipe.recv()
    except (EOFError, OSError):
        os._exit(1)
    stop.set()
    for thread in threads:
        thread.join()
    hub.close()
    tell([State("ended")])
