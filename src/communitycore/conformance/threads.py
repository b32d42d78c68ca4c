"""Threads on one store, with one hub for all or one each: one winner each, nothing lost, nothing done twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import communitycore as cc
from communitycore.conformance import room
from communitycore.conformance.bench import DAY, Bench
from communitycore.conformance.hands import together
from communitycore.conformance.room import Domino, NeighbourId, Tool
from communitycore.conformance.suite import Suite, needs
from communitycore.conformance.workers import borrow_all
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import NotUnique, Refused
from communitycore.testing import seeded

THREADS = 6


def whole(bench: Bench) -> None:
    """The journal has no gap, and the books agree with it."""
    entries = bench.journal()
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    report = bench.hub.verify()
    assert report.ok, report.faults


def claimed(bench: Bench, tools: list[Tool], won: list[list[str]]) -> None:
    """Each tool has one winner, who was told so and stands in the journal."""
    assert sorted(id for each in won for id in each) == sorted(tool.id for tool in tools)
    lent = [entry.record for entry in bench.journal() if entry.name == "tool.lent"]
    assert sorted(lent) == sorted(tool.id for tool in tools)
    whole(bench)


class Threads(Suite):
    """However many threads share a hub or a store, what is done is what one after another would have done."""

    @needs("threads")
    @pytest.mark.parametrize("hubs", ["one", "each"])
    def test_what_many_claim_has_one_winner_each(self, bench: Bench, hubs: str) -> None:
        tools = [bench.tool(name=f"{n}") for n in range(24)]
        ids: list[str] = [tool.id for tool in tools]
        to = bench.neighbour().id
        desks = [bench.desk] * THREADS if hubs == "one" else bench.desks(THREADS)
        won = together(*[lambda n=n: borrow_all(desks[n], ids, to, n) for n in range(THREADS)])
        assert [each for each in won if isinstance(each, BaseException)] == []
        claimed(bench, tools, won)

    @needs("threads")
    def test_two_hubs_over_one_store_have_one_winner_between_them(self, bench: Bench) -> None:
        other = Hub(bench.hub.store, [room.ROOM], clock=bench.clock, entropy=seeded("other"))
        desks = [bench.desk, other.desk(bench.community, bench.keeper)] * 3
        tagged = together(*[lambda d=d: d.do(room.add, name="x", tag="A1") for d in desks])
        assert sorted(type(each).__name__ for each in tagged) == ["NotUnique"] * 5 + ["Tool"]
        assert NotUnique in {type(each) for each in tagged}
        whole(bench)

    @needs("threads")
    def test_everything_acknowledged_is_there_and_nothing_else(self, bench: Bench) -> None:
        def work(n: int) -> list[str]:
            made: list[str] = [bench.tool(name=f"{n}/{m}").id for m in range(5)]
            calls = [room.add.call(name=f"{n}+{m}") for m in range(10)]
            return made + [outcome.get().id for outcome in bench.desk.do_many(calls)]

        given = together(*[lambda n=n: work(n) for n in range(THREADS)])
        ids = [id for each in given for id in each]
        assert sorted(ids) == sorted(tool.id for tool in bench.desk.find(Tool, limit=1000))
        assert len(ids) == 15 * THREADS
        whole(bench)

    @needs("threads")
    def test_no_step_of_one_record_is_lost(self, bench: Bench) -> None:
        me, tool = NeighbourId(bench.neighbour().id), bench.tool()

        def work(desk: cc.Desk) -> int:
            done = 0
            for _ in range(10):
                for call in (room.lend.call(tool.id, to=me), room.bring_back.call(tool.id)):
                    done += desk.do_many([call])[0].error is None
            return done

        done = together(*[lambda d=d: work(d) for d in bench.desks(THREADS)])
        assert bench.desk.get(Tool, tool.id).version == 1 + sum(done)
        assert len(bench.desk.history(Tool, tool.id)) == 1 + sum(done)
        whole(bench)

    @needs("threads")
    def test_a_key_used_by_many_at_once_is_done_once(self, bench: Bench) -> None:
        given = together(*[lambda d=d: d.keyed("k").do(room.add, name="saw") for d in bench.desks(THREADS)])
        assert len({tool.id for tool in given}) == 1
        assert len(bench.desk.find(Tool)) == 1
        whole(bench)

    @needs("threads")
    def test_a_refusal_or_a_bug_of_one_disturbs_nobody_else(self, bench: Bench) -> None:
        def refused(what: Callable[[], Any]) -> int:
            seen = 0
            for _ in range(10):
                try:
                    what()
                except (room.Boom, Refused):
                    seen += 1
            return seen

        given = together(
            lambda: refused(lambda: bench.desk.do(room.crash)),
            lambda: refused(lambda: bench.desk.do(room.add, name="a\0")),
            lambda: refused(lambda: bench.desk.do(room.stale, room.ToolId("unknown"))),
            lambda: [bench.tool().id for _ in range(10)],
            lambda: [bench.neighbour().id for _ in range(10)],
        )
        assert given[:3] == [10, 10, 10]
        assert len(bench.desk.find(Tool)) == len(given[3]) == len(given[4]) == 10
        whole(bench)

    @needs("threads")
    def test_readers_never_see_half_a_command(self, bench: Bench) -> None:
        """A loan and its tool change in one command: whoever looks sees both or neither."""
        me, tool = NeighbourId(bench.neighbour().id), bench.tool()

        @cc.read("kit.both", may=cc.PUBLIC)
        def both(view: cc.View) -> tuple[bool, int]:
            out = view.get(Tool, tool.id).status is room.OUT
            time.sleep(0.000_5)  # for others to come between
            return out, len(view.find(room.Loan, cc.where(room.Loan.open, True), limit=9))

        def work() -> None:
            for _ in range(12):
                bench.desk.do(room.lend, tool.id, to=me)
                time.sleep(0.000_5)
                bench.desk.do(room.bring_back, tool.id)
                time.sleep(0.000_5)

        def look() -> set[tuple[bool, int]]:
            return {bench.desk.ask(both) for _ in range(40)}

        worked, *seen = together(work, look, look)
        assert worked is None
        assert set.union(*seen) <= {(False, 0), (True, 1)}

    @needs("threads")
    def test_each_timer_runs_once_however_many_run_them(self, bench: Bench) -> None:
        troubles = ("", "", "ladder", "bug", "") * 2
        bench.desk.do_many([room.set_up.call(left=0, trouble=each, after_days=1) for each in troubles])
        bench.clock.advance(DAY * 3)
        ran = together(*[desk.hub.run_due for desk in bench.desks(4)])
        assert sum(ran) == 6 + 2 * 4
        assert {(d.trouble, d.fallen) for d in bench.desk.find(Domino)} == {("", 1), ("ladder", 4), ("bug", 0)}
        assert len(bench.hub.parked(bench.community)) == 2
        whole(bench)

    @needs("threads")
    def test_each_reaction_runs_once_however_many_run_them(self, bench: Bench) -> None:
        tools = [bench.tool() for _ in range(THREADS)]
        desks = bench.desks(THREADS + 2)
        acts: list[Callable[[], Any]] = [
            lambda t=t, d=d: d.do(room.scrap, t.id)  # type: ignore[misc]  # a default of a lambda has no type
            for t, d in zip(tools, desks, strict=False)
        ]
        given = together(*acts, desks[-1].hub.run_due, desks[-2].hub.run_due)
        assert [type(each) for each in given[:THREADS]] == [Tool] * THREADS
        bench.hub.run_due()
        assert sorted(d.trouble for d in bench.desk.find(Domino)) == sorted(tool.id for tool in tools)
        whole(bench)

    @needs("threads")
    def test_figures_asked_for_by_many_at_once_are_right(self, bench: Bench) -> None:
        together(*[lambda: (bench.tool(), bench.desk.figures(room.TALLY)) for _ in range(THREADS)])
        assert bench.desk.figure(room.TALLY, "status:in") == THREADS
