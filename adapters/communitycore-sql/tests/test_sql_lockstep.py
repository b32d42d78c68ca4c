"""Hubs over the memory store and over each database side by side: never told apart, whatever is done."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.hub.lockstep import Memory, machine

from communitycore.ports import Store
from communitycore_sql import open_store


class Kept:
    """A store at a URL of its own, closed and opened again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._store: Store | None = None

    def open(self) -> Store:
        self.leave()
        store = self._store = open_store(self._url)
        return store

    def leave(self) -> None:
        if self._store is not None:
            self._store.close()


def test_it_cannot_be_told_apart_from_the_memory_store(fresh_url: Callable[[], str]) -> None:
    times = settings(max_examples=max(4, settings.default.max_examples // 4), stateful_step_count=25, deadline=None)
    run_state_machine_as_test(machine(Memory, lambda: Kept(fresh_url())), settings=times)
