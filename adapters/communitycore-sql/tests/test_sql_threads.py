"""Threads on one store: turns in order, one winner, and no way of leaving that keeps half."""

from __future__ import annotations

import _thread
import os
import signal
import sqlite3
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from sql_room import CODE, Plot, bump, garden, hub_at, open_plot, place_order, relabel

from communitycore.hub.hub import Hub
from communitycore.kernel.errors import Mistake, NotUnique, OutcomeUnknown, Refused, StoreBusy, StoreUnusable
from communitycore.kernel.record import shape_of
from communitycore.ports import Batch
from communitycore_sql.turns import Turns

PLOT = shape_of(Plot)


def test_eight_threads_have_one_winner_a_claim_and_lose_no_count(store_url: str) -> None:
    hub, desk = garden(store_url)
    counted = desk.do(open_plot)
    won: list[str] = []
    errors: list[BaseException] = []

    def run(me: int) -> None:
        for n in range(12):
            try:
                won.append(desk.do(open_plot, label=f"claim {n}", tag=f"{me}").label or "")
            except NotUnique:
                pass
            except BaseException as error:
                errors.append(error)
            desk.do(bump, counted.id)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(won) == sorted(f"claim {n}" for n in range(12))
    assert desk.get(Plot, counted.id).rank == 96
    assert hub.verify().ok
    hub.close()


def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turns, served = Turns(), []
    assert turns.take(0)

    def wait(n: int) -> None:
        assert turns.take(10)
        served.append(n)
        turns.give_back()

    threads = []
    for n in range(5):
        threads.append(threading.Thread(target=wait, args=(n,)))
        threads[-1].start()
        while len(turns._waiting) <= n:
            time.sleep(0.001)
    turns.give_back()
    for thread in threads:
        thread.join()
    assert served == list(range(5))


def test_who_stops_waiting_leaves_the_row() -> None:
    turns = Turns()
    assert turns.take(0)
    late: list[bool] = []
    thread = threading.Thread(target=lambda: late.append(turns.take(0.01)))
    thread.start()
    thread.join()
    assert late == [False]
    turns.give_back()
    assert turns.take(0)


def test_without_waiting_a_second_writer_is_told_at_once(store_url: str) -> None:
    hub, desk = garden(store_url)
    told: list[float] = []

    def second() -> None:
        start = time.perf_counter()
        with pytest.raises(StoreBusy) as caught, hub.store.writing(wait=False) as tx:
            tx.lock(desk.jurisdiction)
        assert caught.value.retryable
        told.append(time.perf_counter() - start)

    with hub.store.writing() as tx:
        tx.lock(desk.jurisdiction)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert told[0] < 1
    with hub.store.writing(wait=False) as tx:
        assert tx.lock(desk.jurisdiction) is not None
    hub.close()


def test_a_second_transaction_in_one_thread_is_a_mistake_not_a_deadlock(store_url: str) -> None:
    hub, desk = garden(store_url)
    for wait in (True, False):
        with hub.store.writing(), pytest.raises(Mistake, match="writing already"), hub.store.writing(wait=wait):
            pass
    with hub.store.writing(), hub.store.reading() as tx:
        assert len(tx.heads()) == 1
    desk.do(open_plot)
    hub.close()


class Broken(BaseException):
    pass


@pytest.mark.parametrize("leaving", [None, ValueError, KeyboardInterrupt, Broken, GeneratorExit])
def test_leaving_without_commit_keeps_nothing(store_url: str, leaving: type[BaseException] | None) -> None:
    hub, desk = garden(store_url)
    row = tuple({"id": "p", "version": 1, "schema": 1}.get(column.name) for column in PLOT.columns)

    def leave() -> None:
        with hub.store.writing() as tx:
            head = tx.lock(desk.jurisdiction)
            assert head is not None
            tx.write(Batch(evolve(head, seq=head.seq + 1), head, [(PLOT, row, 0)]))
            assert tx.get(PLOT, head.id, "p") == row
            if leaving is not None:
                raise leaving

    if leaving is None:
        leave()
    else:
        with pytest.raises(leaving):
            leave()
    with hub.store.reading() as tx:
        assert tx.get(PLOT, desk.jurisdiction, "p") is None
    desk.do(open_plot)
    assert hub.verify().ok
    hub.close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that was started in the background may have been told to ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_waiting_takes_no_turn_along(store_url: str) -> None:
    hub, desk = garden(store_url)
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with hub.store.writing() as tx:
            tx.lock(desk.jurisdiction)
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    threading.Timer(0.05, _thread.interrupt_main).start()
    # A lock's wait ends for a signal only once the lock is given, so the holder leaves a little later.
    threading.Timer(0.15, leave.set).start()
    with pytest.raises(KeyboardInterrupt), hub.store.writing() as tx:
        tx.lock(desk.jurisdiction)
        time.sleep(1)
    thread.join()
    desk.do(open_plot)
    hub.close()


def test_a_transaction_is_committed_once(store_url: str) -> None:
    hub, desk = garden(store_url)
    with hub.store.writing() as tx:
        tx.commit()
        with pytest.raises(Mistake):
            tx.commit()
    desk.do(open_plot)
    hub.close()


class Failing:
    """A connection whose COMMIT breaks, before or after it was done."""

    def __init__(self, connection: sqlite3.Connection, *, code: int, kept: bool) -> None:
        self.connection, self.code, self.kept, self.failed = connection, code, kept, 0

    def execute(self, sql: str, *values: object) -> object:
        if sql == "COMMIT" and not self.failed:
            self.failed += 1
            if self.kept:
                self.connection.execute(sql)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self.code  # type: ignore[misc]
            raise error
        return self.connection.execute(sql, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)


def breaking(hub: Hub, code: int, *, kept: bool) -> Failing:
    backend = hub.store.backend  # type: ignore[attr-defined]
    backend._writer = Failing(backend._writer, code=code, kept=kept)
    return backend._writer  # type: ignore[no-any-return]


@pytest.mark.parametrize("kept", [True, False])
def test_after_a_broken_commit_the_call_is_looked_for_and_done_once(path: Path, kept: bool) -> None:
    hub, desk = garden(path)
    failing = breaking(hub, sqlite3.SQLITE_IOERR, kept=kept)
    plot = desk.do(open_plot, label="once")
    assert failing.failed == 1
    assert desk.find(Plot, limit=10) == [plot]
    assert hub.verify().ok
    hub.close()


def test_a_broken_commit_is_unknown_and_names_its_cause(path: Path) -> None:
    hub, desk = garden(path)
    plot = desk.do(open_plot)
    breaking(hub, sqlite3.SQLITE_IOERR, kept=False)
    with hub.store.reading() as tx:
        entry = tx.entries_of(desk.jurisdiction, "plot", plot.id)[0]
    from communitycore.kernel.journal import values_of

    with pytest.raises(OutcomeUnknown) as caught, hub.store.writing() as tx:
        head = tx.lock(desk.jurisdiction)
        assert head is not None
        later = evolve(entry, seq=head.seq + 1, cause="the-cause")
        tx.write(Batch(evolve(head, seq=head.seq + 1), head, entries=[(*values_of(later), "h" * 64)]))
        tx.commit()
    assert caught.value.cause == "the-cause"
    hub.close()


def test_a_commit_that_is_refused_is_done_again(path: Path) -> None:
    hub, desk = garden(path)
    breaking(hub, sqlite3.SQLITE_BUSY, kept=False)
    plot = desk.do(open_plot)
    assert desk.find(Plot, limit=10) == [plot]
    breaking(hub, sqlite3.SQLITE_FULL, kept=False)
    with pytest.raises(StoreUnusable):
        desk.do(open_plot)
    assert hub.verify().ok
    hub.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_store_inherited_through_fork_is_refused(store_url: str) -> None:
    hub, desk = garden(store_url)
    store = hub.store
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        said = 0
        for act in (store.reading, store.writing):
            try:
                with act():
                    pass
            except Mistake:
                said += 1
        try:
            store.close()
        except Mistake:
            said += 1
        os._exit(said)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    desk.do(open_plot)
    hub.close()


def test_calls_of_one_transaction_may_hand_on_what_is_unique(store_url: str) -> None:
    hub, desk = garden(store_url)
    one, two = desk.do(open_plot, label="x"), desk.do(open_plot, label="y")
    outcomes = desk.do_many(
        [
            relabel.call(two.id, label="spare"),
            relabel.call(one.id, label="y"),
            relabel.call(two.id, label="x"),
            relabel.call(one.id, label="x"),
            place_order.call(group="a", select=1),
            place_order.call(group="b", select=1),
        ]
    )
    assert [isinstance(outcome.error, Refused) for outcome in outcomes] == [False, False, False, True, False, True]
    assert (desk.get(Plot, one.id).label, desk.get(Plot, two.id).label) == ("y", "x")
    assert hub.verify().ok
    hub.close()
    with hub_at(store_url) as again:
        assert again.desk(CODE, desk.actor).get(Plot, one.id).label == "y"
