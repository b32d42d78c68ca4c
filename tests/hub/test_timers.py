"""Timers: one for a record and a command, run in order of their planned moments, and never lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import DAY, START, Bench, open_bench
from tests.hub.room import Domino, NeighbourId, Tool
from tests.hub.stores import Flaky

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import OutcomeUnknown, StoreBusy, StoreUnusable, UnknownCode
from communitycore.ports import Timer

HOUR = timedelta(hours=1)


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def timers(bench: Bench) -> list[Timer]:
    with bench.hub.store.reading() as tx:
        return tx.timers(bench.community, None, 1_000)


def lent(bench: Bench, days: int = 7) -> Tool:
    return bench.desk.do(room.lend, bench.tool().id, to=NeighbourId(bench.neighbour().id), days=days)


def reminders(bench: Bench, tool: Tool) -> int:
    return bench.desk.get(Tool, tool.id).reminders


def test_a_timer_runs_once_its_moment_has_come_and_not_before(bench: Bench) -> None:
    tool = lent(bench)
    bench.clock.advance(7 * DAY - timedelta(microseconds=1))
    assert bench.hub.run_due() == 0
    bench.clock.advance(timedelta(microseconds=1))
    assert bench.hub.run_due() == 1
    assert bench.hub.run_due() == 0
    assert reminders(bench, tool) == 1
    assert bench.hub.verify().ok


def test_one_jurisdictions_timers_can_be_run_alone(bench: Bench) -> None:
    tool = lent(bench)
    bench.hub.found("370115001002", name="第二社区", level="community", parent="370115")
    bench.clock.advance(7 * DAY)
    assert bench.hub.run_due("370115001002") == 0
    assert bench.hub.run_due("370115") == 0
    assert bench.hub.run_due("370115001001", limit=5) == 1
    assert reminders(bench, tool) == 1
    with pytest.raises(UnknownCode):
        bench.hub.run_due("no such")


def test_setting_a_timer_anew_replaces_it(bench: Bench) -> None:
    tool = lent(bench)
    bench.at(bench.neighbour()).do(room.enrol)
    holder = NeighbourId(tool.holder or "")
    bench.at(room.Ref(bench.community, holder)).do(room.prolong, tool.id, days=20)
    assert [t.due[:10] for t in timers(bench)] == ["2024-06-24"]
    bench.clock.advance(19 * DAY)
    assert bench.hub.run_due() == 0
    bench.clock.advance(DAY)
    assert bench.hub.run_due() == 1
    assert bench.hub.verify().ok


def test_a_cancelled_timer_never_runs_and_cancelling_nothing_is_nothing(bench: Bench) -> None:
    tool = lent(bench)
    bench.desk.do(room.bring_back, tool.id)
    assert timers(bench) == []
    bench.desk.do(room.bring_back, tool.id)
    bench.clock.advance(30 * DAY)
    assert bench.hub.run_due() == 0
    assert bench.hub.verify().ok


def test_a_terminal_state_removes_all_timers_of_its_record(bench: Bench) -> None:
    tool, other = lent(bench), lent(bench)
    bench.desk.do(room.break_, tool.id)
    assert len(timers(bench)) == 2
    bench.desk.do(room.scrap, tool.id)
    assert [t.record for t in timers(bench) if not t.source] == [other.id]
    assert '"-tools.remind"' in (bench.desk.history(Tool, tool.id)[-1].timers or "")
    assert bench.hub.verify().ok


def test_a_ladder_counts_from_the_planned_moment_and_not_from_when_it_ran(bench: Bench) -> None:
    tool = lent(bench, days=1)
    bench.clock.advance(10 * DAY)
    assert bench.hub.run_due() == 3
    reminded = [e for e in bench.desk.history(Tool, tool.id) if e.name == "tool.reminded"]
    planned = [e.changes()["remark"][1] for e in reminded]
    assert [datetime.fromisoformat(p) for p in planned] == [START + n * DAY for n in (1, 2, 3)]
    assert {e.recorded for e in reminded} == {START + 10 * DAY}
    assert bench.hub.verify().ok


def test_timers_run_as_the_system_on_behalf_of_whom_they_serve_under_the_same_cause(bench: Bench) -> None:
    tool = lent(bench)
    bench.clock.advance(8 * DAY)
    bench.hub.run_due()
    added, taken, reminded, _ = bench.desk.history(Tool, tool.id)
    assert (str(reminded.by), reminded.behalf) == ("system/timer:tools.remind", str(bench.keeper))
    assert reminded.cause == taken.cause != added.cause


@given(st.lists(st.integers(0, 6), min_size=1, max_size=10), st.integers(0, 8))
@settings(max_examples=40)
def test_timers_run_in_the_order_of_their_moments_then_of_their_setting(days: list[int], ladders: int) -> None:
    """Also those that a timer sets in running: a ladder's next rung comes before what is due after it."""
    bench = open_bench()
    for n, day in enumerate(days):
        bench.desk.do(room.set_up, left=0, trouble="ladder" if n < ladders else "", after_days=day)
    bench.clock.advance(30 * DAY)
    bench.hub.run_due()
    before: dict[str, str] = {}
    moments: list[tuple[str, int]] = []
    for entry in bench.journal():
        said = entry.timers or ""
        if entry.name == "domino.toppled":
            moments.append((before[entry.record], entry.seq))
        if "+tools.topple@" in said:
            before[entry.record] = said.split("+tools.topple@")[1].split('"')[0]
    assert [due for due, _ in moments] == sorted(due for due, _ in moments)
    assert timers(bench) == []
    assert bench.hub.verify().ok


def test_a_refused_timer_is_removed_with_an_entry_that_says_so(bench: Bench) -> None:
    domino = bench.desk.do(room.set_up, left=0, trouble="refused", after_days=1)
    bench.clock.advance(2 * DAY)
    assert bench.hub.run_due() == 1
    told = bench.desk.history(Domino, domino.id)[-1]
    assert (told.name, told.changes()) == ("timer.refused", {"code": "tools.taken", "command": "tools.topple"})
    assert told.version == 1
    assert timers(bench) == []
    assert bench.hub.parked(bench.community) == []
    assert bench.hub.verify().ok


def test_a_timer_whose_change_the_books_do_not_admit_is_refused_too(bench: Bench) -> None:
    bench.tool(tag="A1")
    domino = bench.desk.do(room.set_up, left=0, trouble="taken", after_days=1)
    bench.clock.advance(2 * DAY)
    assert bench.hub.run_due() == 1
    assert bench.desk.history(Domino, domino.id)[-1].changes()["code"] == "not_unique"
    assert bench.hub.parked(bench.community) == []
    assert bench.hub.verify().ok


def test_a_timer_that_is_no_longer_needed_is_removed_with_an_entry(bench: Bench) -> None:
    tool = lent(bench)
    bench.desk.do(room.break_, tool.id)
    bench.clock.advance(8 * DAY)
    assert bench.hub.run_due() == 1
    assert bench.desk.history(Tool, tool.id)[-1].name == "timer.refused"
    assert timers(bench) == []


def test_a_bug_parks_the_timer_shows_it_and_holds_nothing_else_back(bench: Bench) -> None:
    sick = bench.desk.do(room.set_up, left=0, trouble="bug", after_days=1)
    well = bench.desk.do(room.set_up, left=0, after_days=2)
    bench.clock.advance(3 * DAY)
    before = bench.desk.history(Domino, sick.id)
    assert bench.hub.run_due() == 1
    (parked,) = bench.hub.parked(bench.community)
    assert (parked.record, parked.command, parked.attempts) == (sick.id, "tools.topple", 1)
    assert parked.parked == "Boom: the timer's bug"
    (told,) = bench.desk.history(Domino, sick.id)[len(before) :]
    assert (told.name, told.timers) == ("timer.parked", '["=tools.topple@1"]')
    assert "bug" not in told.difference  # what an exception says may be personal
    assert bench.desk.get(Domino, well.id).fallen == 1
    bench.clock.advance(100 * DAY)
    assert bench.hub.run_due() == 0
    assert bench.hub.verify().ok


def test_a_retryable_failure_is_tried_again_later_each_time_further_apart(bench: Bench) -> None:
    sick = bench.desk.do(room.set_up, left=0, trouble="busy", after_days=1)
    bench.clock.advance(DAY)
    gaps = []
    for n in range(4):
        assert bench.hub.run_due() == 0
        (timer,) = timers(bench)
        assert timer.attempts == n + 1
        assert timer.parked is None
        assert timer.due == (START + DAY).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        wake = datetime.fromisoformat(timer.wake)
        told = bench.desk.history(Domino, sick.id)[-1]
        assert (told.name, told.timers) == ("timer.put_off", f'["?tools.topple@{timer.wake}@{n + 1}"]')
        gaps.append(wake - bench.clock())
        bench.clock.set(wake)
    assert gaps == sorted(set(gaps))
    assert gaps[0] >= timedelta(seconds=30)
    assert bench.hub.verify().ok
    assert bench.desk.get(Domino, sick.id).fallen == 0


def test_a_timer_that_meets_a_full_disk_is_run_once_there_is_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise StoreUnusable(url="memory://", why="the disk is full")

    sick = bench.desk.do(room.set_up, left=0, trouble="full", after_days=1)
    bench.clock.advance(DAY)
    with monkeypatch.context() as patch:
        patch.setitem(room.TROUBLE, "full", full)
        assert bench.hub.run_due() == 0
    assert bench.hub.parked(bench.community) == []
    assert bench.desk.history(Domino, sick.id)[-1].name == "timer.put_off"
    bench.clock.advance(DAY)
    assert bench.hub.run_due() == 1
    assert bench.desk.get(Domino, sick.id).fallen == 1
    assert bench.hub.verify().ok


def test_a_timer_that_fails_while_the_clock_is_far_back_does_not_spin(bench: Bench) -> None:
    bench.desk.do(room.set_up, left=0, trouble="busy", after_days=1)
    bench.clock.advance(30 * DAY)
    bench.tool()  # the journal's time is now 30 days on
    bench.clock.advance(-29 * DAY)
    assert bench.hub.run_due() == 0
    (timer,) = timers(bench)
    assert timer.attempts == 1
    assert datetime.fromisoformat(timer.wake) > START + 30 * DAY


def test_what_is_due_by_the_journals_time_runs_though_the_clock_went_back(bench: Bench) -> None:
    domino = bench.desk.do(room.set_up, left=0, after_days=1)
    bench.clock.advance(5 * DAY)
    bench.tool()
    bench.clock.advance(-5 * DAY)
    assert bench.hub.run_due() == 1
    assert bench.desk.get(Domino, domino.id).fallen == 1
    assert bench.desk.history(Domino, domino.id)[-1].recorded == START + 5 * DAY


def test_a_timer_replaced_while_it_fails_is_not_overwritten_by_the_failure(bench: Bench) -> None:
    tool = lent(bench, days=1)
    bench.clock.advance(DAY)
    domino = bench.desk.do(room.set_up, left=0, trouble="meanwhile", after_days=0)
    with bench.hub.store.reading() as tx:
        (old,) = [t for t in tx.timers(bench.community, None, 9) if t.record == tool.id]
    bench.hub.run_due()
    newer = [t for t in timers(bench) if t.record == tool.id]
    bench.hub._wakes.set_aside(bench.community, old, ValueError("late"))
    assert [t for t in timers(bench) if t.record == tool.id] == newer
    assert bench.desk.get(Domino, domino.id).fallen == 1
    assert bench.hub.verify().ok


@pytest.mark.parametrize("kept", [True, False])
def test_a_timer_whose_outcome_is_unknown_runs_once(kept: bool) -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    domino = bench.desk.do(room.set_up, left=0, after_days=1)
    bench.clock.advance(DAY)
    store.unknown = [kept]
    bench.hub.run_due()
    assert bench.desk.get(Domino, domino.id).fallen == 1
    assert timers(bench) == []
    assert bench.hub.verify().ok


def test_a_store_that_is_unusable_for_a_while_loses_no_timer() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    domino = bench.desk.do(room.set_up, left=0, after_days=1)
    bench.clock.advance(DAY)
    store.busy = 1_000
    with pytest.raises(StoreBusy):
        bench.hub.run_due()
    store.busy, store.unknown = 0, [False] * 1_000
    try:
        bench.hub.run_due()
    except OutcomeUnknown:
        pass
    store.unknown = []
    bench.clock.advance(DAY)
    bench.hub.run_due()
    assert bench.desk.get(Domino, domino.id).fallen == 1
    assert bench.hub.verify().ok


def test_a_limit_bounds_the_work_of_one_run(bench: Bench) -> None:
    for _ in range(5):
        bench.desk.do(room.set_up, left=0, after_days=1)
    bench.clock.advance(DAY)
    assert [bench.hub.run_due(limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_one_run_finds_the_work_of_every_jurisdiction(bench: Bench) -> None:
    bench.desk.do(room.set_up, left=0, after_days=1)
    bench.at(place=bench.district).do(room.set_up, left=0, after_days=2)
    bench.clock.advance(DAY)
    assert bench.hub.run_due() == 1
    bench.clock.advance(DAY)
    assert bench.hub.run_due() == 1


def test_records_of_two_kinds_that_share_an_id_do_not_end_each_others_timers(bench: Bench) -> None:
    domino = bench.desk.do(room.set_up, left=0, after_days=1)
    twin = bench.tool(id=domino.id)
    bench.desk.do(room.scrap, twin.id)
    assert domino.id in {t.record for t in timers(bench)}
    assert bench.hub.verify().ok
    bench.clock.advance(DAY)
    bench.hub.run_due()
    assert bench.desk.get(Domino, domino.id).fallen == 1


def test_next_wake_is_the_earliest_of_the_timers_that_are_not_parked(bench: Bench) -> None:
    def wake() -> str | None:
        with bench.hub.store.reading() as tx:
            head = tx.head(bench.community)
        assert head is not None
        return None if head.next_wake is None else head.next_wake[:10]

    assert wake() is None
    bench.desk.do(room.set_up, left=0, trouble="bug", after_days=2)
    tool = lent(bench, days=1)
    assert wake() == "2024-06-05"
    bench.desk.do(room.bring_back, tool.id)
    assert wake() == "2024-06-06"
    bench.clock.advance(2 * DAY)
    bench.hub.run_due()
    assert wake() is None
