"""Threads on one hub: one winner, nothing done twice, nobody disturbed; on memory and on SQLite."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.room import Domino, NeighbourId, Tool
from tests.hub.test_lockstep import SQLITE

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import NotUnique
from communitycore.plugins import open_store
from communitycore.testing import seeded


@pytest.fixture(params=["memory", "sqlite"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        yield open_bench()
        return
    if not SQLITE:
        pytest.skip("communitycore-sql is not installed")
    made = open_bench(open_store(f"sqlite:///{tmp_path / 'books.db'}", durability="normal"))
    yield made
    made.hub.close()


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave or raised, all started at one moment."""
    barrier = threading.Barrier(len(acts))
    given: list[Any] = [None] * len(acts)

    def run(n: int) -> None:
        barrier.wait(10)
        try:
            given[n] = acts[n]()
        except BaseException as error:
            given[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return given


def test_everything_that_was_acknowledged_is_there_and_the_journal_is_whole(bench: Bench) -> None:
    def work(n: int) -> list[str]:
        made = [bench.tool(name=f"{n}/{m}").id for m in range(5)]
        made += [o.get().id for o in bench.desk.do_many([room.add.call(name=f"{n}+{m}") for m in range(10)])]
        return made

    given = together(*[lambda n=n: work(n) for n in range(6)])
    ids = [id for each in given for id in each]
    assert sorted(ids) == sorted(t.id for t in bench.desk.find(Tool, limit=1000))
    assert len(ids) == 90
    entries = bench.journal()
    assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
    assert bench.hub.verify().ok


def test_one_winner_of_a_tag_and_of_a_tool_among_threads_and_hubs(bench: Bench) -> None:
    other = Hub(bench.hub.store, [room.ROOM], clock=bench.clock, entropy=seeded("other"))
    me, tool = NeighbourId(bench.neighbour().id), bench.tool()
    desks = [bench.desk, other.desk(bench.community, bench.keeper)] * 3
    tagged = together(*[lambda d=d: d.do(room.add, name="x", tag="A1") for d in desks])
    assert sum(isinstance(t, Tool) for t in tagged) == 1
    assert {type(t) for t in tagged} == {Tool, NotUnique}
    lent = together(*[lambda d=d: d.do(room.lend, tool.id, to=me) for d in desks])
    assert sum(isinstance(t, Tool) for t in lent) == 1
    assert {type(t) for t in lent} == {Tool, room.ToolTaken}
    assert bench.desk.get(Tool, tool.id).lends == 1
    assert bench.hub.verify().ok


def test_a_key_made_by_many_threads_at_once_is_done_once(bench: Bench) -> None:
    given = together(*[lambda: bench.desk.keyed("k").do(room.add, name="saw") for _ in range(6)])
    assert len({tool.id for tool in given}) == 1
    assert len(bench.desk.find(Tool)) == 1


def test_each_reaction_runs_once_however_many_threads_drain_them(bench: Bench) -> None:
    tools = [bench.tool() for _ in range(6)]
    acts: list[Callable[[], Any]] = [lambda t=t: bench.desk.do(room.scrap, t.id) for t in tools]  # type: ignore[misc]
    given = together(*acts, bench.hub.run_due, bench.hub.run_due)
    assert [type(each) for each in given[:6]] == [Tool] * 6
    bench.hub.run_due()
    made = [d.trouble for d in bench.desk.find(Domino)]
    assert sorted(made) == sorted(t.id for t in tools)
    assert bench.hub.verify().ok


def test_each_timer_runs_once_however_many_threads_run_them(bench: Bench) -> None:
    bench.desk.do_many([room.set_up.call(left=0, trouble=t, after_days=1) for t in ("", "", "ladder", "bug", "") * 2])
    bench.clock.advance(DAY * 3)
    ran = together(*[bench.hub.run_due for _ in range(4)])
    assert all(isinstance(n, int) for n in ran), ran
    assert sum(ran) == 6 + 2 * 4
    falls = {(d.trouble, d.fallen) for d in bench.desk.find(Domino)}
    assert falls == {("", 1), ("ladder", 4), ("bug", 0)}
    assert len(bench.hub.parked(bench.community)) == 2
    assert bench.hub.verify().ok


def test_a_bug_or_a_refusal_of_one_disturbs_nobody_else(bench: Bench) -> None:
    def refused(what: Callable[[], Any]) -> int:
        seen = 0
        for _ in range(10):
            try:
                what()
            except (room.Boom, cc.Refused):
                seen += 1
        return seen

    given = together(
        lambda: refused(lambda: bench.desk.do(room.crash)),
        lambda: refused(lambda: bench.desk.do(room.add, name="a\0")),
        lambda: refused(lambda: bench.desk.do(room.add_many, count=1001)),
        lambda: [bench.tool().id for _ in range(10)],
        lambda: [bench.neighbour().id for _ in range(10)],
    )
    assert given[:3] == [10, 10, 10]
    assert len(bench.desk.find(Tool)) == len(given[3]) == len(given[4]) == 10
    assert bench.hub.verify().ok


def test_readers_never_see_half_a_command(bench: Bench) -> None:
    """A loan and its tool change in one command: whoever looks sees both or neither."""
    me, tool = NeighbourId(bench.neighbour().id), bench.tool()

    @cc.read("test.both", may=cc.PUBLIC)
    def both(view: cc.View) -> tuple[bool, int]:
        out = view.get(Tool, tool.id).status is room.OUT
        return out, len(view.find(room.Loan, cc.where(room.Loan.open, True), limit=9))

    def work() -> None:
        for _ in range(8):
            bench.desk.do(room.lend, tool.id, to=me)
            bench.desk.do(room.bring_back, tool.id)

    def look() -> set[tuple[bool, int]]:
        return {bench.desk.ask(both) for _ in range(60)}

    _, *seen = together(work, look, look)
    assert set.union(*seen) <= {(False, 0), (True, 1)}


def test_figures_asked_for_by_many_at_once_are_right(bench: Bench) -> None:
    together(*[lambda: (bench.tool(), bench.desk.figures(room.TALLY)) for _ in range(6)])
    assert bench.desk.figure(room.TALLY, "status:in") == 6


def test_a_thread_may_use_a_hub_from_inside_a_question_of_its_own() -> None:
    """A read under way holds no lock that its own thread would wait for."""
    bench = open_bench(MemoryStore())

    @cc.read("test.nested", may=cc.PUBLIC)
    def nested(view: cc.View) -> int:
        return len(bench.desk.find(Tool))

    assert bench.desk.ask(nested) == 0
