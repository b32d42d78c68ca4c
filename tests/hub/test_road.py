"""The road: what a call leaves behind, and what it must not."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.room import Boom, NeighbourId, Tool, ToolId
from tests.hub.stores import Flaky, Wrapped

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import (
    CommunityCoreError,
    IllegalStep,
    Mistake,
    NotAllowed,
    NotFound,
    NotUnique,
    OutcomeUnknown,
    StaleStep,
    StoreBusy,
    StoreError,
    TooMuch,
)
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.times import system_entropy
from communitycore.testing import seeded


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def nid(ref: cc.Ref) -> NeighbourId:
    return NeighbourId(ref.id)


def test_a_call_gives_its_record_as_it_now_stands(bench: Bench) -> None:
    neighbour, tool = bench.neighbour(), bench.tool(tag="A1")
    lent = bench.desk.do(room.lend, tool.id, to=nid(neighbour))
    assert lent == bench.desk.get(Tool, tool.id)
    assert (lent.version, lent.status, lent.holder) == (2, room.OUT, neighbour.id)
    assert lent.due_back == bench.clock() + 7 * DAY
    assert [e.name for e in bench.desk.history(Tool, tool.id)] == ["tool.added", "tool.lent"]


def refusals(bench: Bench) -> list[tuple[type[CommunityCoreError], Any]]:
    tool, other = bench.tool(tag="A1"), bench.tool(tag="A2")
    neighbour = bench.neighbour()
    gone = bench.tool()
    bench.desk.do(room.scrap, gone.id)
    desk, held, by = bench.desk, card(bench), bench.at(nurse(bench))
    return [
        (NotFound, lambda: desk.do(room.scrap, ToolId("nothing"))),
        (NotAllowed, lambda: bench.at(neighbour).do(room.scrap, tool.id)),
        (IllegalStep, lambda: desk.do(room.break_, gone.id)),
        (NotUnique, lambda: desk.do(room.retag, other.id, tag="A1")),
        (NotUnique, lambda: bench.tool(tag="A1")),
        (NotUnique, lambda: desk.do(room.add, name="again", id=tool.id)),
        (StaleStep, lambda: desk.do(room.stale, tool.id)),
        (TooMuch, lambda: desk.do(room.add_many, count=1001)),
        (cc.Refused, lambda: desk.do(room.revise, tool.id, name="a\0")),
        (Mistake, lambda: by.do(room.look_up, held, reason="x", tell=False)),
    ]


def nurse(bench: Bench) -> cc.Ref:
    ref = cc.Ref(bench.community, "nurse")
    bench.at(bench.admin).do(give, holder=ref, role=room.NURSE)
    return ref


def card(bench: Bench) -> room.CardId:
    return bench.desk.do(room.issue_card, nid(bench.neighbour()), name="张").id


@pytest.mark.parametrize("n", range(10))
def test_a_refused_command_leaves_no_trace(bench: Bench, n: int) -> None:
    kind, call = refusals(bench)[n]
    before = bench.state()
    with pytest.raises(kind):
        call()
    assert bench.state() == before
    assert bench.hub.verify().ok


def test_a_bug_leaves_no_trace_and_passes_through_as_it_is(bench: Bench) -> None:
    before = bench.state()
    with pytest.raises(Boom, match="as it is"):
        bench.desk.do(room.crash, what="as it is")
    with pytest.raises(TypeError):
        bench.desk.do(room.scrap)  # type: ignore[call-arg]
    assert bench.state() == before


def test_after_a_refusal_the_same_hub_goes_on_as_if_nothing_had_been(bench: Bench) -> None:
    tool = bench.tool(tag="A1")
    with pytest.raises(NotUnique):
        bench.tool(tag="A1")
    assert bench.desk.do(room.retag, tool.id, tag=None).tag is None
    assert bench.tool(tag="A1").tag == "A1"
    assert bench.hub.verify().ok


def test_a_stale_step_says_what_it_expected_and_what_it_found(bench: Bench) -> None:
    tool = bench.tool()
    with pytest.raises(StaleStep) as caught:
        bench.desk.do(room.stale, tool.id)
    assert (caught.value.before, caught.value.current) == (1, 2)


def test_a_command_builds_on_another_commands_change_and_both_are_one(bench: Bench) -> None:
    tool, neighbour = bench.tool(), bench.neighbour()
    back = bench.desk.do(room.compose, tool.id, to=nid(neighbour))
    assert (back.version, back.status, back.lends) == (3, room.IN, 1)
    entries = [e for e in bench.journal() if e.record == tool.id]
    assert [e.name for e in entries] == ["tool.added", "tool.lent", "tool.returned"]
    assert entries[1].cause == entries[2].cause != entries[0].cause
    with bench.hub.store.reading() as tx:
        assert tx.timers(bench.community, None, 10) == []
    assert bench.hub.verify().ok


def test_one_command_touches_a_thousand_records_and_no_more(bench: Bench) -> None:
    assert len(bench.desk.do(room.add_many, count=1000)) == 1000
    with pytest.raises(TooMuch) as caught:
        bench.desk.do(room.add_many, count=1001)
    assert (caught.value.limit, caught.value.count) == (1000, 1001)
    assert len(bench.desk.find(Tool, limit=1000)) == 1000


def test_nothing_to_do_writes_nothing_and_gives_the_record(bench: Bench) -> None:
    tool = bench.tool(tag="A1")
    before = bench.state()
    assert bench.desk.do(room.retag, tool.id, tag="A1") == tool
    assert bench.state() == before


# the journal as the road leaves it


calls = st.lists(st.sampled_from(["add", "lend", "crash", "refuse", "back", "note", "many"]), max_size=12)


@given(calls)
@settings(max_examples=30)
def test_the_journal_is_gapless_in_commit_order_and_every_cause_is_one_call(what: list[str]) -> None:
    bench = open_bench()
    neighbour, tool = bench.neighbour(), bench.tool()
    causes = []
    for word in what:
        before = len(bench.journal())
        try:
            match word:
                case "add":
                    bench.tool()
                case "lend":
                    bench.desk.do(room.lend, tool.id, to=nid(neighbour))
                case "back":
                    bench.desk.do(room.bring_back, tool.id)
                case "crash":
                    bench.desk.do(room.crash)
                case "refuse":
                    bench.desk.do(room.scrap, ToolId("nothing"))
                case "note":
                    bench.desk.do(room.inspect, tool.id, remark="x")
                case "many":
                    bench.desk.do(room.add_many, count=3)
        except (Boom, cc.Refused):
            assert len(bench.journal()) == before
        else:
            causes.append({e.cause for e in bench.journal()[before:]})
    assert all(len(cause) == 1 for cause in causes)
    assert len({next(iter(c)) for c in causes}) == len(causes)
    entries = bench.journal()
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    assert len({e.id for e in entries}) == len(entries)
    assert [e.at for e in entries] == sorted(e.at for e in entries)
    assert bench.hub.verify().ok


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=8))
@settings(max_examples=30)
def test_now_never_goes_back_though_the_clock_does(jumps: list[int]) -> None:
    bench = open_bench()
    last = bench.clock()
    for jump in jumps:
        clock = bench.clock.advance(timedelta(seconds=jump))
        last = max(last, clock)
        assert bench.tool().added == last
    stamps = [e.recorded for e in bench.journal()]
    assert stamps == sorted(stamps)
    assert bench.hub.verify().ok


def test_what_happened_before_is_recorded_now(bench: Bench) -> None:
    then = datetime(2015, 5, 1, 12, tzinfo=UTC)
    tool = bench.desk.occurred(then).do(room.add, name="old")
    (entry,) = bench.desk.history(Tool, tool.id)
    assert (entry.occurred, entry.recorded) == (then, bench.clock())
    with pytest.raises(cc.Refused):
        bench.desk.occurred(datetime(2015, 5, 1))
    with pytest.raises(cc.Refused):
        bench.desk.do_many([room.add.call(name="x").occurred(datetime(2015, 5, 1))])[0].get()


def test_an_entry_names_the_grant_it_relied_on_and_the_ancestors_counts(bench: Bench) -> None:
    tool = bench.tool()
    (entry,) = bench.desk.history(Tool, tool.id)
    (grant,) = bench.at(bench.admin, bench.district).find(cc.Grant, cc.where(cc.Grant.holder, bench.keeper))
    with bench.hub.store.reading() as tx:
        head = tx.head(bench.district)
    assert head is not None
    assert entry.grant == grant.id
    assert entry.above == f'[["{bench.district}",{head.standing}]]'


# attempts


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_busy_store_is_tried_again_with_the_same_ids(times: int) -> None:
    quiet = open_bench()
    expected = quiet.tool(tag="A1")
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    store.busy = times
    assert bench.tool(tag="A1") == expected
    assert store.busy == 0
    assert bench.hub.anchor() == quiet.hub.anchor()


def test_a_store_that_stays_busy_is_told_as_retryable_and_nothing_was_changed() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    before = bench.state()
    store.busy = 100
    with pytest.raises(StoreBusy) as caught:
        bench.tool()
    assert caught.value.retryable
    store.busy = 0
    assert bench.state() == before


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("keyed", [True, False])
def test_an_unknown_outcome_is_looked_up_and_never_done_twice(kept: bool, keyed: bool) -> None:
    quiet = open_bench()
    tool = quiet.tool()
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    assert bench.tool() == tool
    store.unknown = [kept]
    desk, quiet_desk = (b.desk.keyed("k") if keyed else b.desk for b in (bench, quiet))
    assert desk.do(room.copy, tool.id) == quiet_desk.do(room.copy, tool.id)
    assert bench.hub.anchor() == quiet.hub.anchor()
    assert bench.hub.verify().ok


def test_an_unknown_outcome_whose_commit_comes_late_is_not_done_twice() -> None:
    quiet = open_bench()
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    store.late = 1
    assert bench.tool(tag="A1") == quiet.tool(tag="A1")
    assert bench.hub.anchor() == quiet.hub.anchor()
    store.late = 1
    outcomes = bench.desk.do_many([room.add.call(name=f"{n}") for n in range(3)])
    expected = quiet.desk.do_many([room.add.call(name=f"{n}") for n in range(3)])
    assert [o.get() for o in outcomes] == [o.get() for o in expected]
    assert bench.hub.anchor() == quiet.hub.anchor()


def test_an_outcome_that_stays_unknown_is_told_as_such() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    store.unknown = [False] * 50
    with pytest.raises(StoreError) as caught:
        bench.tool()
    assert not isinstance(caught.value, OutcomeUnknown) or caught.value.cause
    store.unknown = []
    assert bench.desk.find(Tool) == []


@pytest.mark.parametrize("kept", [True, False])
def test_many_with_an_unknown_outcome_are_each_done_once(kept: bool) -> None:
    quiet, store = open_bench(), Flaky(MemoryStore())
    bench = open_bench(store)
    results = []
    for b in (quiet, bench):
        tool = b.tool(tag="A1")
        if b is bench:
            store.unknown = [kept]
        made = b.desk.do_many(
            [
                room.copy.call(tool.id),
                room.add.call(name="b", tag="A1"),
                room.crash.call(),
                room.retag.call(tool.id, tag="A1"),
                room.copy.call(tool.id),
            ]
        )
        results.append([(o.value, type(o.error)) for o in made])
    assert results[0] == results[1]
    assert bench.hub.anchor() == quiet.hub.anchor()


def test_a_store_that_fails_after_the_commit_does_not_turn_a_done_call_into_an_error() -> None:
    """What is durable is told as done; its reactions wait for run_due."""
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    tool = bench.tool()
    store.broken_after_commit = True
    scrapped = bench.desk.do(room.scrap, tool.id)
    assert scrapped.status is room.SCRAPPED
    store.broken_after_commit = store.broken = False
    assert bench.desk.find(room.Domino) == []
    bench.hub.run_due()
    assert len(bench.desk.find(room.Domino)) == 1
    assert bench.hub.verify().ok


# many


def test_of_many_one_that_fails_leaves_the_others_alone(bench: Bench) -> None:
    tool = bench.tool(tag="A1")
    outcomes = bench.desk.do_many(
        [
            room.add.call(name="first", tag="B1"),
            room.add.call(name="second", tag="A1"),
            room.crash.call(),
            room.scrap.call(ToolId("nothing")),
            room.retag.call(tool.id, tag="C1"),
            room.add.call(name="third", tag="A1"),
            room.add.call(name="fourth", tag="B1"),
        ]
    )
    errors = [type(o.error) for o in outcomes]
    none = type(None)
    assert errors == [none, NotUnique, Boom, NotFound, none, none, NotUnique]
    assert outcomes[4].get().tag == "C1"
    with pytest.raises(NotUnique):
        outcomes[1].get()
    assert {t.name for t in bench.desk.find(Tool)} == {tool.name, "first", "third"}
    assert bench.hub.verify().ok


def test_of_many_the_later_see_the_earlier(bench: Bench) -> None:
    neighbour, tool = bench.neighbour(), bench.tool()
    lend = room.lend.call(tool.id, to=nid(neighbour))
    outcomes = bench.desk.do_many([lend, lend, room.bring_back.call(tool.id), lend])
    assert [type(o.error) for o in outcomes] == [type(None), room.ToolTaken, type(None), type(None)]
    assert outcomes[3].get().lends == 2


@given(st.lists(st.sampled_from("abcd"), max_size=12))
@settings(max_examples=30)
def test_many_give_the_journal_that_one_by_one_would_give(tags: list[str]) -> None:
    one, many = open_bench(), open_bench()
    calls = [room.add.call(name="n", tag=tag) for tag in tags]
    for call in calls:
        one.desk.do_many([call])
    many.desk.do_many(calls)
    assert one.journal() == many.journal()


def test_more_than_a_transactions_worth_of_calls_is_done_in_order(bench: Bench) -> None:
    outcomes = bench.desk.do_many([room.add.call(name=f"{n}", tag=f"t{n % 300}") for n in range(600)])
    assert [o.error is None for o in outcomes] == [n < 300 for n in range(600)]
    assert bench.desk.do_many([]) == []


def test_a_store_that_fails_midway_through_many_still_tells_what_became_of_each() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    store.busy_after_commits = 1
    outcomes = bench.desk.do_many([room.add.call(name=f"{n}") for n in range(300)])
    store.busy_after_commits = None
    assert len(outcomes) == 300
    kept = [o.get() for o in outcomes if o.error is None]
    assert len(kept) == len(bench.desk.find(Tool, limit=1000)) == 250
    assert all(isinstance(o.error, StoreBusy) for o in outcomes[250:])


# threads


def test_a_loser_is_told_without_waiting_and_a_winner_waits_its_turn(bench: Bench) -> None:
    neighbour, taken, free = bench.neighbour(), bench.tool(), bench.tool()
    bench.desk.do(room.lend, taken.id, to=nid(neighbour))
    inside, go_on = threading.Event(), threading.Event()
    done: list[str] = []

    def hold() -> None:
        inside.set()
        go_on.wait(10)

    room.TROUBLE["hold"] = hold
    domino = bench.desk.do(room.set_up, left=0, trouble="hold", after_days=1)
    bench.clock.advance(2 * DAY)
    timer = threading.Thread(target=bench.hub.run_due)
    timer.start()
    try:
        assert inside.wait(10)

        def lose() -> None:
            with pytest.raises(room.ToolTaken):
                bench.desk.do(room.lend, taken.id, to=nid(neighbour))
            done.append("lost")

        def win() -> None:
            bench.desk.do(room.lend, free.id, to=nid(neighbour))
            done.append("won")

        loser, winner = threading.Thread(target=lose), threading.Thread(target=win)
        winner.start()
        loser.start()
        loser.join(5)
        assert not loser.is_alive()
        winner.join(0.1)
        assert winner.is_alive()
        assert done == ["lost"]
    finally:
        go_on.set()
        del room.TROUBLE["hold"]
    for thread in (timer, winner):
        thread.join(10)
    assert done == ["lost", "won"]
    assert bench.desk.get(room.Domino, domino.id).fallen == 1
    assert bench.hub.verify().ok


def test_of_many_threads_one_wins_and_the_journal_stays_whole(bench: Bench) -> None:
    tool = bench.tool()
    neighbours = [bench.neighbour() for _ in range(8)]
    barrier = threading.Barrier(8)
    won: list[str] = []
    wrong: list[BaseException] = []

    def lend(me: cc.Ref) -> None:
        barrier.wait()
        try:
            won.append(bench.at(me).do(room.lend, tool.id, to=nid(me)).holder or "")
        except room.ToolTaken:
            pass
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=lend, args=(n,)) for n in neighbours]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []
    assert won == [bench.desk.get(Tool, tool.id).holder]
    assert bench.hub.verify().ok


def forked(act: Callable[[], str]) -> str:
    """What `act` says in a process that a fork makes."""
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a thread of another test may still be ending
        child = os.fork()
    if child == 0:
        said = "it broke off"
        try:
            said = act()
        finally:
            os.write(writes, said.encode())
            os._exit(0)
    os.close(writes)
    with open(reads, "rb") as told:
        said = told.read().decode()
    os.waitpid(child, 0)
    return said


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_a_hub_inherited_through_fork_is_refused(bench: Bench) -> None:
    tool, desk = bench.tool(), bench.desk
    uses: list[Callable[[], object]] = [
        lambda: desk.do(room.scrap, tool.id),
        lambda: desk.do_many([room.scrap.call(tool.id)]),
        lambda: desk.get(Tool, tool.id),
        lambda: desk.find(Tool),
        lambda: desk.history(Tool, tool.id),
        lambda: desk.ask(room.limits),
        lambda: desk.figures(room.TALLY),
        lambda: bench.hub.desk("370115", bench.keeper),
        lambda: bench.hub.found("x", name="x", level="x"),
        bench.hub.run_due,
        bench.hub.verify,
        bench.hub.anchor,
        lambda: bench.hub.journal(bench.community),
        bench.hub.jurisdictions,
    ]

    def refused(use: Callable[[], object]) -> bool:
        try:
            use()
        except Mistake as mistake:
            return "fork" in str(mistake)
        return False

    assert forked(lambda: str([refused(use) for use in uses])) == str([True] * len(uses))
    assert desk.get(Tool, tool.id) == tool


@needs_fork
def test_a_forked_process_draws_other_chance() -> None:
    system_entropy(32)  # some is drawn ahead, which the child must not use too
    theirs = forked(lambda: system_entropy(32).hex())
    assert len(theirs) == 64
    assert theirs not in {system_entropy(32).hex() for _ in range(200)}


def test_a_wrapped_store_is_a_store() -> None:
    """The wrappers these tests break things with change nothing by themselves."""
    assert open_bench(Wrapped(MemoryStore())).hub.anchor() == open_bench().hub.anchor()


def test_two_hubs_on_one_store_see_each_other(bench: Bench) -> None:
    other = Hub(bench.hub.store, [room.ROOM], clock=bench.clock, entropy=seeded("other"))
    theirs = other.desk(bench.community, bench.keeper)
    limit = bench.desk.do(room.set_limit, loans=1)
    assert theirs.ask(room.limits) == (1,)
    theirs.do(room.set_limit, loans=3, limit=limit.id)
    assert bench.desk.ask(room.limits) == (3,)
    assert bench.desk.ask(room.least_here) == 3
    assert bench.hub.verify().ok
