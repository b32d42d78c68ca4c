"""The lockstep machine: a run depends on its seed alone, and a store that is broken on purpose is found out.

Each store of the project is tried with it in the suite of the conformance kit.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from hypothesis import Phase

from communitycore.conformance.lockstep import Memory, machine, run
from communitycore.hub.memory import MemoryReading, MemoryStore, MemoryWriting
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Store

SQLITE = bool(entry_points(group="communitycore.stores", name="sqlite"))


def test_two_memory_stores_cannot_be_told_apart() -> None:
    """Which proves that a run depends on nothing but its seed and its clock."""
    run(machine(Memory, Memory))


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
    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever Hypothesis groups the failures into
        run(
            machine(Memory, lambda: Memory(broken)),
            max_examples=1_000,
            print_blob=False,
            database=None,
            phases=[Phase.generate],
        )
