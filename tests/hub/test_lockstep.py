"""The memory store and SQLite side by side: same results, same errors, same journal, whatever is done."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.hub.lockstep import File, Lockstep, Memory, machine

from communitycore.hub.memory import MemoryReading, MemoryStore, MemoryWriting
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.plugins import open_store
from communitycore.ports import Store

SETTINGS = settings(max_examples=max(5, settings.default.max_examples // 2), stateful_step_count=25, deadline=None)
SQLITE = bool(entry_points(group="communitycore.stores", name="sqlite"))


def sqlite() -> File:
    return File(lambda url: open_store(url, durability="normal"))


def run(kind: Callable[[], Lockstep], times: settings = SETTINGS) -> None:
    run_state_machine_as_test(kind, settings=times)


def test_two_memory_stores_cannot_be_told_apart() -> None:
    """Which proves that a run depends on nothing but its seed and its clock."""
    run(machine(Memory, Memory), settings(SETTINGS, max_examples=max(3, SETTINGS.max_examples // 3)))


@pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
def test_memory_and_sqlite_cannot_be_told_apart() -> None:
    run(machine(Memory, sqlite))


# The kit is worth what it finds: stores broken on purpose.


class Unordered(MemoryStore):
    """Gives pages in the wrong order."""

    def reading(self) -> MemoryReading:
        tx = super().reading()
        found = tx.find
        tx.find = lambda *args: list(reversed(found(*args)))  # type: ignore[method-assign]
        return tx


class Forgetful(MemoryStore):
    """Finds no timer of a record."""

    def writing(self, *, wait: bool = True) -> MemoryWriting:
        tx = super().writing(wait=wait)
        tx.timers_of = lambda jurisdiction, record: []  # type: ignore[method-assign]
        return tx


class Caseless(MemoryStore):
    """Takes a1 for A1."""

    def writing(self, *, wait: bool = True) -> MemoryWriting:
        tx = super().writing(wait=wait)
        found = tx.find

        def find(shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
            rows = found(shape, jurisdiction, query)
            for test in query.tests:
                if test.test == "=" and isinstance(test.value, str) and shape.columns[test.column].unique:
                    every = self.books[jurisdiction].table(shape).rows.values()
                    rows += [row for row in every if str(row[test.column]).lower() == test.value.lower()]
            return rows

        tx.find = find  # type: ignore[method-assign]
        return tx


@pytest.mark.parametrize("broken", [Unordered, Forgetful, Caseless], ids=lambda kind: kind.__name__)
def test_a_store_broken_on_purpose_is_found_out(broken: type[Store]) -> None:
    class Broken(Memory):
        def __init__(self) -> None:
            self._store = broken()  # type: ignore[assignment]

    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever Hypothesis groups the failures into
        run(
            machine(Memory, Broken),
            settings(SETTINGS, max_examples=1_000, print_blob=False, database=None, phases=[Phase.generate]),
        )
