"""A jurisdiction moves between any two databases; who takes it in or discards it waits for who is at it already."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.moving import BrokenOff, breaking, every, hub_on, kept, nothing_to_be_seen, packed, rich, take_in
from tests.hub.test_moving_lives import moving

from communitycore.conformance.lockstep import Kept, Memory
from communitycore.hub import parcel
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.hub.taking_in import AlreadyHere, OtherExport
from communitycore.ports import Store
from communitycore_sql import open_store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = open_store(store_url)
    yield made
    made.close()


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "RECORDS_MOST", 7)


def test_it_goes_there_and_back_as_it_was(store: Store, short_pages: None) -> None:
    bench = rich(open_bench())
    there, back = hub_on(bench, store), hub_on(bench, MemoryStore())
    for place in (bench.district, bench.community):
        data = packed(bench.hub, place)
        take_in(there, data)
        assert repr(kept(store, place)) == repr(kept(bench.hub.store, place))
        assert packed(there, place) == data
        take_in(back, packed(there, place))
        assert repr(kept(back.store, place)) == repr(kept(bench.hub.store, place))
    assert there.verify(bench.hub.anchor()).ok


def test_broken_off_again_and_again_it_arrives(store: Store, short_pages: None) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    for page in range(1, len(every(data, "page")) + 1, 2):
        with pytest.raises(BrokenOff):
            take_in(hub_on(bench, store), data, progress=breaking(page))
        assert nothing_to_be_seen(hub_on(bench, store), bench.community)
    take_in(hub_on(bench, store), data)
    assert packed(hub_on(bench, store), bench.community) == data


def test_who_moves_house_cannot_be_told_from_who_stays(fresh_url: Callable[[], str]) -> None:
    times = settings(max_examples=max(3, settings.default.max_examples // 8), stateful_step_count=15, deadline=None)
    run_state_machine_as_test(moving(Memory, lambda: Kept(open_store, fresh_url())), settings=times)


# two at once


class Elsewhere(threading.Thread):
    """Does something on a thread of its own, and tells how it ended."""

    def __init__(self, act: Callable[[], Any], *, wait: float = 0.3) -> None:
        super().__init__()
        self._act = act
        self.ended: Any = None
        self.start()
        time.sleep(wait)  # by now it waits, or has found nothing to wait for

    def run(self) -> None:
        try:
            self.ended = self._act()
        except Exception as error:
            self.ended = error

    def end(self) -> Any:
        self.join(60)
        assert not self.is_alive()
        return self.ended


def brought(bench: Bench, store: Store) -> tuple[Hub, bytes]:
    """All pages are there; what lacks is the head."""
    hub = hub_on(bench, store)
    data = packed(bench.hub, bench.community)
    with pytest.raises(BrokenOff):
        take_in(hub, data, progress=breaking(len(every(data, "page"))))
    return hub, data


def test_what_is_being_given_its_head_is_not_discarded(store: Store) -> None:
    bench = rich(open_bench())
    hub, data = brought(bench, store)
    head = kept(bench.hub.store, bench.community)["head"]
    with store.writing() as tx:
        tx.lock(bench.community)
        tx.fold("import", bench.community, {}, 0, 0, anew=True)
        discarding = Elsewhere(lambda: hub.discard(bench.community))
        tx.found(head)
        tx.commit()
    assert isinstance(discarding.end(), AlreadyHere)
    assert packed(hub, bench.community) == data
    assert hub.verify().ok


def test_what_is_being_discarded_is_not_given_a_head(store: Store) -> None:
    bench = rich(open_bench())
    hub, data = brought(bench, store)
    with store.writing() as tx:
        tx.lock(bench.community)
        tx.forget(bench.community)
        arriving = Elsewhere(lambda: take_in(hub, data))
        tx.commit()
    assert isinstance(arriving.end(), OtherExport)
    assert nothing_to_be_seen(hub, bench.community)
    take_in(hub, data)
    assert packed(hub, bench.community) == data


def test_two_who_take_in_the_same_file_at_once_both_end_well(store: Store, short_pages: None) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    both = [Elsewhere(lambda: take_in(Hub(store, [room.ROOM], clock=bench.clock), data), wait=0) for _ in range(2)]
    ends = [one.end() for one in both]
    assert all(isinstance(end, parcel.Contents | AlreadyHere) for end in ends), ends
    hub = hub_on(bench, store)
    assert packed(hub, bench.community) == data
    assert hub.verify().ok
