"""Moving house in the middle of random lives, and with large books: nothing is told apart, and memory stays small."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import rule, run_state_machine_as_test
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.moving import (
    SKIP,
    BrokenOff,
    breaking,
    hub_on,
    kept,
    packed,
    peak,
    take_in,
)

from communitycore.conformance.lockstep import SEEDS, Kept, Machine, Memory, Side
from communitycore.hub import export, parcel, verify, waiting
from communitycore.plugins import open_store
from communitycore.ports import Store

# memory


def filled(store: Store, thousands: int) -> Bench:
    """So many entries, with their rows, timers, keys and figures."""
    bench = open_bench(store)
    for _ in range(thousands):
        bench.desk.do(room.add_many, count=975)
    bench.desk.do_many([room.set_up.call(left=0, after_days=9).keyed(f"{n}") for n in range(25 * thousands)])
    bench.desk.figures(room.TALLY)
    return bench


@SKIP
def test_memory_does_not_grow_with_what_is_exported(fresh: Callable[[str], Store]) -> None:
    peaks = []
    for thousands in (2, 20):
        bench = filled(fresh("sqlite"), thousands)
        packed(bench.hub, bench.district)  # what is remembered for ever is no part of it
        gc.collect()
        peaks.append(peak(lambda bench=bench: bench.hub.export(bench.community, Nowhere())))  # type: ignore[misc]
    assert peaks[1] < 1.5 * peaks[0], peaks


@SKIP
def test_memory_does_not_grow_with_what_is_taken_in(
    fresh: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (parcel, export, verify, waiting):
        monkeypatch.setattr(module, "RECORDS_MOST" if module is parcel else "PAGE", 100)
    monkeypatch.setattr(waiting, "HELD_MOST", 100)  # of 150 timers
    peaks = []
    for thousands in (1, 6):
        bench, hub = filled(fresh("sqlite"), thousands), hub_on(open_bench(), fresh("sqlite"))
        file = tmp_path / f"{thousands}"
        file.write_bytes(packed(bench.hub, bench.community))
        take_in(hub, packed(bench.hub, bench.district))
        gc.collect()
        with file.open("rb") as data:
            peaks.append(peak(lambda hub=hub, data=data: hub.take_in(data)))  # type: ignore[misc]
    assert peaks[1] < 1.5 * peaks[0], peaks


class Nowhere(io.BytesIO):
    """Keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)


# random lives


class Moving(Machine):
    """One side moves house now and then, to a new store; the other stays, and they must not be told apart."""

    @rule(seed=SEEDS)
    def move_house(self, seed: int) -> None:
        if not self.places:
            return
        side = self.sides[1]
        old, hub = side.opener, side.hub
        there = self.openers[1]()
        new = Side(there, side.clock, side.entropy)
        new.open()
        self.throw(seed)
        for place in self.dice.sample(self.places, len(self.places)):
            data = packed(hub, place)
            assert data == packed(self.sides[0].hub, place)
            try:
                take_in(new.hub, data, progress=breaking(self.pick(0, 1, 2, 5)))
            except BrokenOff:
                new.open()
                take_in(new.hub, data)
            assert kept(new.hub.store, place) == kept(hub.store, place)
        report = new.hub.verify(hub.anchor())
        assert report.ok, report.faults
        self.sides[1] = new
        old.leave()


def lives(examples: int) -> settings:
    return settings(max_examples=examples, stateful_step_count=20, deadline=None)


def moving(*openers: Any) -> type[Moving]:
    return type("Together", (Moving,), {"openers": openers})


def test_who_moves_house_cannot_be_told_from_who_stays(short_pages: None) -> None:
    run_state_machine_as_test(moving(Memory, Memory), settings=lives(max(4, settings.default.max_examples // 2)))


@SKIP
def test_who_moves_from_file_to_file_cannot_be_told_from_who_stays_in_memory(short_pages: None, tmp_path: Path) -> None:
    files = count()

    def file() -> Kept:
        return Kept(lambda url: open_store(url, durability="normal"), f"sqlite:///{tmp_path}/{next(files)}.db")

    run_state_machine_as_test(moving(Memory, file), settings=lives(max(4, settings.default.max_examples // 3)))
