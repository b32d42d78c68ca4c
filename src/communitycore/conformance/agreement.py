"""Agreement with the memory store, without a hub: whatever is written and asked, both answer the same."""

from __future__ import annotations

import random
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from communitycore.conformance.books import FOLD, Books, Put
from communitycore.conformance.kinds import IDS, KINDS, MOMENTS, ORDER, SAMPLE, TEXTS, VALUES, timer
from communitycore.conformance.searches import queries
from communitycore.conformance.suite import EVERY_CHECK, Suite
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import CommunityCoreError, NotUnique, StaleStep
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Shape
from communitycore.ports import Key

Turn = dict[str, Any]


def _fields(shape: Shape) -> st.SearchStrategy[tuple[Any, ...]]:
    """By dice from a drawn seed: fifty draws a row would take longer than what is tried with it."""

    def thrown(seed: int) -> tuple[Any, ...]:
        dice = random.Random(seed)
        return tuple(dice.choice((None, *VALUES[c.type])) for c in shape.columns[3:])

    return st.integers(0, 2**32 - 1).map(thrown)


_put = st.one_of(
    *(
        st.tuples(st.just(shape), st.sampled_from(IDS), st.sampled_from([0] * 12 + [1, -1]), _fields(shape))
        for shape in KINDS
    )
)
_timers = st.builds(
    timer,
    st.sampled_from(IDS[:3]),
    st.sampled_from(["tools.remind", "tools.topple"]),
    st.sampled_from(["", "1", "2"]),
    due=st.sampled_from(MOMENTS),
    seq=st.integers(1, 3),
    behalf=st.none() | st.just("here/someone"),
    attempts=st.integers(0, 3),
    wake=st.sampled_from(MOMENTS),
    parked=st.none() | st.just("出错"),
)
_turns = st.fixed_dictionaries(
    {
        "rows": st.lists(_put, max_size=5, unique_by=lambda drawn: (drawn[0].kind, drawn[1])),
        "timers": st.lists(_timers, max_size=3, unique_by=lambda one: one.key),
        "removed": st.lists(_timers.map(lambda one: one.key), max_size=3),
        "keys": st.lists(st.sampled_from(TEXTS), max_size=2, unique=True),
        "emptied": st.lists(st.integers(0, 9), max_size=2, unique=True),
        "notes": st.lists(st.sampled_from(IDS), max_size=2),
        "kept": st.sampled_from([True, True, True, False]),
        "fold": st.none()
        | st.tuples(st.dictionaries(st.sampled_from(TEXTS), st.none() | st.just('{"n":1}'), max_size=4), st.booleans()),
    }
)


class _Side:
    """One store's books, and what they are known to hold."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.versions: dict[tuple[str, str], int] = {}
        self.turns = 0
        self.keys: list[str] = []

    def take(self, turn: Turn) -> Any:
        """Write a turn; gives what it raised."""
        books, versions = self.books, dict(self.versions)
        self.turns += 1
        rows: list[Put] = []
        for shape, id, off, fields in turn["rows"]:
            known = self.versions.get((shape.kind, id), 0)
            versions[shape.kind, id] = known + 1
            rows.append((shape, (id, known + 1, 1, *fields), max(known + off, 0)))
        keys = [Key("here/a", f"{self.turns} {text}", "c", "s", "m", "null", MOMENTS[0]) for text in turn["keys"]]
        emptied = [("here/a", name) for n, name in enumerate(self.keys) if n in turn["emptied"]]
        self.keys += [key.key for key in keys]
        more = {name: turn[name] for name in ("timers", "removed", "notes")}
        batch = books.batch(*rows, keys=keys, emptied=emptied, next_wake=MOMENTS[0] if turn["timers"] else None, **more)
        try:
            with books.store.writing() as tx:
                assert tx.lock(books.id) == books.head
                tx.write(batch)
                if turn["fold"] is not None:
                    tx.fold(FOLD, books.id, turn["fold"][0], batch.head.seq, 2, anew=turn["fold"][1])
                if turn["kept"]:
                    tx.commit()
        except (StaleStep, NotUnique):
            return "refused"  # where both are so, or several values are taken, either may be told
        except CommunityCoreError as error:
            return type(error), dict(error.data)
        if turn["kept"]:
            books.head, self.versions = batch.head, versions
        return None


class Agreement(Suite):
    """The memory store is the reference: every other answers as it does."""

    def test_whatever_is_written_and_asked_is_answered_as_the_memory_store_does(self, books: Books) -> None:
        memory = MemoryStore()

        @settings(deadline=None, suppress_health_check=EVERY_CHECK)
        @given(
            st.lists(_turns, min_size=1, max_size=5),
            st.lists(queries(SAMPLE), min_size=3, max_size=8),
            st.lists(queries(ORDER), max_size=3),
        )
        def check(turns: list[Turn], samples: list[Query], orders: list[Query]) -> None:
            here = Books(books.store)
            there = Books(memory)
            there.id, there.head = here.id, evolve(there.head, id=here.id, code=here.head.code)
            with memory.writing() as tx:
                tx.found(there.head)
                tx.commit()
            sides = _Side(there), _Side(here)
            for turn in turns:
                expected, given_ = (side.take(turn) for side in sides)
                assert given_ == expected
            asked = [*((SAMPLE, one) for one in samples), *((ORDER, one) for one in orders)]
            expected, given_ = (side.books.told(None, asked) for side in sides)
            assert given_ == expected
            assert repr(given_) == repr(expected)  # 1 is not True, and text not its normal form
            with books.store.reading() as here_now, memory.reading() as there_now:
                for name in sides[0].keys:
                    assert here_now.key(here.id, "here/a", name) == there_now.key(here.id, "here/a", name)

        check()
