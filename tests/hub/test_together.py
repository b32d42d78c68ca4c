"""Group commit: who waits for the writer shares a transaction, in turn, and is disturbed by nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.room import NeighbourId, Tool
from tests.hub.stores import Wrapped

import communitycore as cc
from communitycore.hub.line import Job, Line
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import CodeTaken, Mistake, OutcomeUnknown, StoreBusy, StoreUnusable
from communitycore.ports import Batch, Writing


class Gated(Wrapped):
    """A store whose commits wait at a gate, and may then go wrong."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.commits: list[int] = []  # how many entries each wrote
        self.trouble: list[BaseException | None] = []  # raised by the next commits, before they are made
        self.afterwards: list[BaseException | None] = []  # raised by the next commits, once they are made
        self.seconds = 0.0  # that a commit takes
        self.full_over: int | None = None  # a batch with more entries than this finds the disk full

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with super().writing(wait=wait) as tx:
            yield _Gate(tx, self)  # type: ignore[misc]


class _Gate:
    def __init__(self, tx: Writing, store: Gated) -> None:
        self._tx, self._store, self._entries = tx, store, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def write(self, batch: Batch) -> None:
        self._entries += len(batch.entries)
        if self._store.full_over is not None and self._entries > self._store.full_over:
            raise StoreUnusable(url=self._store.url, why="the disk is full")
        self._tx.write(batch)

    def commit(self) -> None:
        store = self._store
        store.reached.set()
        assert store.open.wait(20)
        time.sleep(store.seconds)
        if store.trouble and (trouble := store.trouble.pop(0)) is not None:
            raise trouble
        self._tx.commit()
        store.commits.append(self._entries)
        if store.afterwards and (trouble := store.afterwards.pop(0)) is not None:
            raise trouble


class Crowd:
    """Threads that each do one thing at one hub; what they gave or raised is in `given`, by number."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.given: dict[int, Any] = {}

    def go(self, act: Callable[[], Any]) -> None:
        n = len(self.threads)

        def run() -> None:
            try:
                self.given[n] = act()
            except BaseException as error:
                self.given[n] = error

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def join(self) -> list[Any]:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        return [self.given[n] for n in range(len(self.threads))]


def waiting(bench: Bench) -> int:
    return len(bench.hub._road._line._waiting)


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def store() -> Gated:
    return Gated()


@pytest.fixture
def bench(store: Gated) -> Bench:
    return open_bench(store)


def line_up(bench: Bench, store: Gated, acts: list[Callable[[], Any]], first: Callable[[], Any] | None = None) -> Crowd:
    """A crowd of which the first leads and stands at the gate, and the others wait behind in this order."""
    crowd = Crowd()
    store.commits.clear()
    store.open.clear()
    store.reached.clear()
    crowd.go(first or (lambda: bench.tool(name="first")))
    assert store.reached.wait(20)
    for n, act in enumerate(acts):
        crowd.go(act)
        until(lambda n=n: waiting(bench) == n + 1)  # type: ignore[misc]
    return crowd


def tools(bench: Bench, count: int) -> list[Callable[[], Any]]:
    return [lambda n=n: bench.tool(name=f"t{n}") for n in range(count)]  # type: ignore[misc]


def test_those_who_wait_share_the_next_transaction_in_the_order_in_which_they_came(bench: Bench, store: Gated) -> None:
    crowd = line_up(bench, store, tools(bench, 5))
    store.open.set()
    given = crowd.join()
    assert store.commits == [1, 5]
    names = [cc.Entry.changes(e)["name"] for e in bench.journal() if e.name == "tool.added"]
    assert names == ["first", "t0", "t1", "t2", "t3", "t4"]
    assert [bench.desk.get(Tool, tool.id) for tool in given] == given
    assert bench.hub.verify().ok


def test_calls_of_several_jurisdictions_share_a_transaction_too(bench: Bench, store: Gated) -> None:
    elsewhere = bench.at(place=bench.district)
    acts = [*tools(bench, 2), lambda: elsewhere.do(room.add, name="theirs"), *tools(bench, 1)]
    crowd = line_up(bench, store, acts)
    store.open.set()
    crowd.join()
    assert store.commits == [1, 4]
    assert [t.name for t in elsewhere.find(Tool)] == ["theirs"]
    assert bench.hub.verify().ok


def test_many_calls_of_one_and_single_calls_of_others_go_together(bench: Bench, store: Gated) -> None:
    many = [room.add.call(name=f"m{n}", tag=f"m{n % 2}") for n in range(3)]
    crowd = line_up(bench, store, [*tools(bench, 1), lambda: bench.desk.do_many(many), *tools(bench, 1)])
    store.open.set()
    _, _, outcomes, _ = crowd.join()
    assert [type(o.error) for o in outcomes] == [type(None), type(None), cc.kernel.errors.NotUnique]  # type: ignore[attr-defined]
    assert store.commits == [1, 4]


def test_a_group_is_no_larger_than_its_limit(bench: Bench, store: Gated) -> None:
    many = [room.add.call(name=f"m{n}") for n in range(200)]
    crowd = line_up(bench, store, [lambda: bench.desk.do_many(many), lambda: bench.desk.do_many(many)])
    store.open.set()
    crowd.join()
    assert store.commits == [1, 200, 200]


def test_a_refusal_or_a_bug_in_a_group_is_that_calls_alone(bench: Bench, store: Gated) -> None:
    tool, me = bench.tool(), NeighbourId(bench.neighbour().id)
    lend = [lambda: bench.desk.do(room.lend, tool.id, to=me)] * 3
    crowd = line_up(bench, store, [*lend, lambda: bench.desk.do(room.crash), *tools(bench, 1)])
    store.open.set()
    _, *lent, crashed, made = crowd.join()
    assert [type(each) for each in lent] == [Tool, room.ToolTaken, room.ToolTaken]
    assert type(crashed) is room.Boom
    assert type(made) is Tool
    assert len(store.commits) == 2


def test_a_loser_is_told_on_a_snapshot_while_another_writes(bench: Bench, store: Gated) -> None:
    tool, me = bench.tool(), NeighbourId(bench.neighbour().id)
    bench.desk.do(room.lend, tool.id, to=me)
    crowd = line_up(bench, store, [])
    crowd.go(lambda: bench.desk.do(room.lend, tool.id, to=me))
    crowd.threads[1].join(10)
    assert type(crowd.given[1]) is room.ToolTaken  # though the gate is still shut
    assert waiting(bench) == 0
    store.open.set()
    crowd.join()


def test_one_who_reads_holds_up_no_looker_and_is_held_up_by_none(bench: Bench) -> None:
    """In memory a snapshot keeps all others out: who looks waits for it, and its own thread must not wait for them."""
    tool, me = bench.tool(), NeighbourId(bench.neighbour().id)
    bench.desk.do(room.lend, tool.id, to=me)
    bench.hub._road._refusals[room.lend.name] = 1.0  # so that all look first
    crowd = Crowd()
    with bench.hub.store.reading() as tx:
        assert tx.head(bench.desk.jurisdiction) is not None
        crowd.go(lambda: bench.desk.do(room.lend, tool.id, to=me))
        until(lambda: bench.hub._road._looks is not None and bench.hub._road._looks.locked())
        with pytest.raises(room.ToolTaken):
            bench.desk.do(room.lend, tool.id, to=me)
    assert [type(given) for given in crowd.join()] == [room.ToolTaken]


def test_when_the_store_does_not_take_a_group_each_call_is_run_alone(bench: Bench, store: Gated) -> None:
    large = lambda: bench.desk.do(room.add_many, count=5)  # noqa: E731
    crowd = line_up(bench, store, [*tools(bench, 2), large, *tools(bench, 1)])
    store.full_over = 3
    store.open.set()
    given = crowd.join()
    assert [type(each) for each in given] == [Tool, Tool, Tool, StoreUnusable, Tool]
    assert store.commits == [1, 1, 1, 1]
    assert bench.hub.verify().ok


def test_a_group_that_finds_the_store_busy_is_tried_again_whole(bench: Bench, store: Gated) -> None:
    crowd = line_up(bench, store, tools(bench, 3))
    store.trouble = [None, StoreBusy(url="x", why="deadlock"), StoreBusy(url="x", why="deadlock"), None]
    store.open.set()
    assert [type(each) for each in crowd.join()] == [Tool] * 4
    assert store.commits == [1, 3]


@pytest.mark.parametrize("kept", [True, False])
def test_a_group_whose_outcome_is_unknown_is_not_run_twice(bench: Bench, store: Gated, kept: bool) -> None:
    crowd = line_up(bench, store, tools(bench, 3))
    lost = OutcomeUnknown(url="x", why="the line went dead", cause="")
    store.trouble, store.afterwards = ([], [None, lost]) if kept else ([None, lost], [])
    store.open.set()
    given = crowd.join()
    assert [type(each) for each in given] == [Tool] * 4
    assert sorted(t.id for t in bench.desk.find(Tool)) == sorted(t.id for t in given)
    assert bench.hub.verify().ok


class Died(BaseException):
    """What an interrupt from the keyboard is."""


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("who", [0, 1])
def test_a_leader_that_dies_hands_over_and_nothing_is_done_twice(
    bench: Bench, store: Gated, kept: bool, who: int
) -> None:
    """Before its COMMIT or after it; the first leads alone, the second takes the others along."""
    crowd = line_up(bench, store, tools(bench, 4))
    death: list[BaseException | None] = [None] * who + [Died()]
    store.trouble, store.afterwards = ([], death) if kept else (death, [])
    store.open.set()
    given = crowd.join()
    assert type(given[who]) is Died
    survivors = [each for n, each in enumerate(given) if n != who]
    assert [type(each) for each in survivors] == [Tool] * 4
    assert len(bench.desk.find(Tool)) == 4 + kept
    assert {t.id for t in survivors} <= {t.id for t in bench.desk.find(Tool)}
    assert bench.hub.verify().ok
    assert bench.tool().name  # and the line goes on


def test_one_who_gives_up_waiting_holds_nobody_back(bench: Bench, store: Gated) -> None:
    line = bench.hub._road._line
    crowd = line_up(bench, store, [])
    gone = Job(bench.desk, [room.add.call(name="gone")], bench.hub._office.draws(1))
    assert not line.join(gone)
    crowd.go(lambda: bench.tool(name="behind"))
    until(lambda: waiting(bench) == 2)
    line.abandon(gone)
    store.open.set()
    assert [type(each) for each in crowd.join()] == [Tool, Tool]
    assert {t.name for t in bench.desk.find(Tool)} == {"first", "behind"}


def test_one_who_gives_up_when_its_turn_has_come_passes_it_on() -> None:
    line, bench = Line(), open_bench()
    assert line.lead()
    one, two = (Job(bench.desk, [room.add.call(name="x")], bench.hub._office.draws(1)) for _ in range(2))
    assert not line.join(one)
    assert not line.join(two)
    line.leave()
    assert (one.leads, two.leads) == (True, False)
    line.abandon(one)
    assert two.leads
    assert two.gate.acquire(timeout=1)


def test_a_command_that_calls_the_hub_is_told_so_instead_of_waiting_for_itself(bench: Bench) -> None:
    @cc.command("tools.nested", may=cc.PUBLIC)
    def nested(view: cc.View) -> cc.Change[None]:
        bench.tool()
        return cc.unchanged(None)

    with pytest.raises(Mistake, match="inside a command"):
        bench.desk.do(nested)
    assert bench.tool().name


def test_a_code_taken_by_one_of_a_group_refuses_only_who_came_later(bench: Bench) -> None:
    """Two bodies change their codes at once: the heads' unique codes are the last word."""
    from communitycore.kernel.jurisdiction import recode

    admin = bench.hub.desk(bench.community, bench.admin)
    day = bench.clock().date()
    with pytest.raises(CodeTaken):
        admin.do(recode, code="370115", since=day.replace(year=2030))


def test_turns_are_fair_among_threads_that_never_rest(bench: Bench, store: Gated) -> None:
    store.seconds = 0.001
    counts, stop = [0] * 4, threading.Event()

    def work(n: int) -> None:
        while not stop.is_set():
            bench.tool(name=f"{n}")
            counts[n] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: sum(counts) >= 800)
    stop.set()
    for thread in threads:
        thread.join(20)
    assert min(counts) >= sum(counts) / 4 / 2, counts
