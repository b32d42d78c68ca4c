"""The memory store itself: what it promises to a caller who does not come by the road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from tests.hub.bench import START, Bench, open_bench
from tests.hub.room import Tool

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import CodeTaken, NotUnique, StaleStep, StoreBusy
from communitycore.kernel.record import shape_of
from communitycore.ports import Batch, Head

SHAPE = shape_of(Tool)


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def row(id: str, version: int = 1, tag: str | None = None) -> tuple[Any, ...]:
    return SHAPE.to_row(Tool(id=id, name="saw", tag=tag, added=START), version, None)


def write(bench: Bench, *rows: tuple[tuple[Any, ...], int], head: Callable[[Head], Head] = lambda h: h) -> None:
    with bench.hub.store.writing() as tx:
        was = tx.lock(bench.community)
        assert was is not None
        tx.write(Batch(head(was), was, [(SHAPE, each, expected) for each, expected in rows]))
        tx.commit()


def held(bench: Bench) -> dict[str, tuple[int, str | None]]:
    return {t.id: (t.version, t.tag) for t in bench.desk.find(Tool)}


def test_a_row_is_written_only_over_the_version_it_expects(bench: Bench) -> None:
    write(bench, (row("a"), 0))
    for wrong in ((row("a"), 0), (row("a", 3), 2), (row("b", 2), 1)):
        with pytest.raises(StaleStep):
            write(bench, wrong)
    write(bench, (row("a", 2), 1))
    assert held(bench) == {"a": (2, None)}


def test_a_unique_value_has_one_holder_and_is_free_again_in_the_same_batch(bench: Bench) -> None:
    write(bench, (row("a", 1, "A1"), 0))
    for wrong in ([(row("b", 1, "A1"), 0)], [(row("b", 1, "B1"), 0), (row("c", 1, "B1"), 0)]):
        with pytest.raises(NotUnique):
            write(bench, *wrong)
    write(bench, (row("b", 1, "A1"), 0), (row("a", 2), 1))
    assert held(bench) == {"a": (2, None), "b": (1, "A1")}


def test_what_was_not_committed_is_not_there(bench: Bench) -> None:
    with bench.hub.store.writing() as tx:
        was = tx.lock(bench.community)
        assert was is not None
        tx.write(Batch(was, was, [(SHAPE, row("a"), 0)]))
    assert held(bench) == {}
    with pytest.raises(ZeroDivisionError), bench.hub.store.writing() as tx:
        tx.write(Batch(was, was, [(SHAPE, row("a"), 0)]))
        raise ZeroDivisionError
    assert held(bench) == {}
    write(bench, (row("a"), 0))


def test_two_heads_never_have_one_code(bench: Bench) -> None:
    with pytest.raises(CodeTaken):
        write(bench, head=lambda h: evolve(h, code="370115"))
    with pytest.raises(CodeTaken), bench.hub.store.writing() as tx:
        tx.found(Head("other", "370115", 0, "", "", 0, None))


def test_who_does_not_wait_is_told_at_once() -> None:
    store = MemoryStore()
    with store.writing(), pytest.raises(StoreBusy), store.writing(wait=False):
        pass
    with store.writing(wait=False):
        pass
