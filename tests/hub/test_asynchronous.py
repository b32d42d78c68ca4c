"""The hub that is awaited: the same verbs on threads of its own, and what a cancelled call has come to."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.room import Tool
from tests.hub.test_lockstep import SQLITE

import communitycore as cc
from communitycore.hub.asynchronous import AsyncDesk, AsyncHub
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import KeyReused, Mistake, NotFound
from communitycore.plugins import open_store


@pytest.fixture(params=["memory", "sqlite"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        yield open_bench()
        return
    if not SQLITE:
        pytest.skip("communitycore-sql is not installed")
    yield open_bench(open_store(f"sqlite:///{tmp_path / 'books.db'}", durability="normal"))


def run(bench: Bench, work: Callable[[AsyncHub, AsyncDesk], Coroutine[Any, Any, Any]], threads: int = 2) -> Any:
    async def main() -> Any:
        async with AsyncHub(bench.hub, threads=threads) as hub:
            return await work(hub, await hub.desk(bench.community, bench.desk.actor))

    return asyncio.run(main(), debug=True)


class Held:
    """Holds every thread of the hub until it is let go, so that what comes next has not begun."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        assert self.go.wait(30)


def test_every_verb_of_the_hub_and_of_a_desk_is_there_with_the_same_arguments() -> None:
    left_out = {"carry_out", "carry_out_many", "read_one", "read_many", "answer", "history", "figures", "store"}
    for plain, awaited, without in ((Hub, AsyncHub, left_out), (Desk, AsyncDesk, set())):
        for name, method in vars(plain).items():
            if name.startswith("_") or not inspect.isfunction(method) or name in without:
                continue
            theirs = getattr(awaited, name)
            if (plain, name) in ((Hub, "became"), (Hub, "close")):
                continue
            assert inspect.signature(theirs).parameters.keys() == inspect.signature(method).parameters.keys(), name
            assert inspect.iscoroutinefunction(theirs) or name in ("keyed", "occurred"), name


def test_what_is_awaited_is_what_a_desk_gives(bench: Bench) -> None:
    async def work(hub: AsyncHub, desk: AsyncDesk) -> None:
        tool = await desk.do(room.add, name="梯子 ladder")
        assert await desk.get(Tool, tool.id) == tool
        assert await desk.find(Tool, cc.where(Tool.id, tool.id)) == [tool]
        assert [entry.name for entry in await desk.history(Tool, tool.id)] == ["tool.added"]
        outcomes = await desk.do_many([room.add.call(name=str(n)) for n in range(3)])
        assert [outcome.get().name for outcome in outcomes] == ["0", "1", "2"]
        with pytest.raises(NotFound):
            await desk.get(Tool, room.ToolId("nothing"))
        assert (await hub.verify()).ok
        assert [body.id for body in await hub.jurisdictions()] == [body.id for body in bench.hub.jurisdictions()]

    run(bench, work)


def test_many_at_once_are_all_done_and_the_journal_is_whole(bench: Bench) -> None:
    async def work(hub: AsyncHub, desk: AsyncDesk) -> None:
        tools = await asyncio.gather(*(desk.do(room.add, name=str(n)) for n in range(40)))
        assert len({tool.id for tool in tools}) == 40
        assert (await hub.verify()).ok

    run(bench, work, threads=4)


def test_a_call_cancelled_before_it_began_is_withdrawn(bench: Bench) -> None:
    async def work(hub: AsyncHub, desk: AsyncDesk) -> None:
        held = Held()
        blocker = asyncio.create_task(hub.run(held))
        while not held.begun.is_set():
            await asyncio.sleep(0)
        desk = desk.keyed()
        waiting = asyncio.create_task(desk.do(room.add, name="梯子"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        held.go.set()
        await blocker
        assert await desk.became() is None
        assert await desk.find(Tool) == []

    run(bench, work, threads=1)


def test_a_call_cancelled_after_it_began_is_finished_and_its_key_tells_what_it_gave(bench: Bench) -> None:
    held = Held()

    @cc.command("slow.add", may=room.add.may)
    def slow_add(view: cc.View, *, name: str) -> cc.Change[Tool]:
        if threading.current_thread() is not threading.main_thread():
            held()
        return room.add(view, name=name)

    async def work(hub: AsyncHub, desk: AsyncDesk) -> None:
        desk = desk.keyed()
        assert desk.key
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await desk.do(slow_add, name="梯子")
        assert held.begun.is_set()
        asked = asyncio.create_task(desk.became())
        await asyncio.sleep(0.02)
        assert not asked.done()
        held.go.set()
        outcome = await asked
        assert outcome is not None
        assert outcome.get().name == "梯子"
        assert await desk.do(slow_add, name="梯子") == outcome.get()
        assert len(await desk.find(Tool)) == 1
        with pytest.raises(KeyReused):
            await desk.do(slow_add, name="another")

    run(bench, work)


def test_what_became_of_a_call_is_asked_at_the_desk_it_was_made_at(bench: Bench) -> None:
    desk = bench.desk.keyed("k")
    assert desk.became() is None
    tool = desk.do(room.add, name="梯子")
    outcome = desk.became()
    assert outcome is not None
    assert outcome.get() == tool
    other = bench.hub.desk(bench.community, cc.Ref(bench.community, "other")).keyed("k")
    assert other.became() is None
    with pytest.raises(Mistake, match="keyed"):
        bench.desk.became()
    assert bench.desk.keyed().key != bench.desk.keyed().key


def test_a_refused_call_is_refused_and_nothing_became_of_it(bench: Bench) -> None:
    async def work(hub: AsyncHub, desk: AsyncDesk) -> None:
        stranger = (await hub.desk(bench.community, cc.Ref(bench.community, "stranger"))).keyed("k")
        with pytest.raises(cc.Refused):
            await stranger.do(room.add, name="梯子")
        assert await stranger.became() is None

    run(bench, work)


def test_closing_waits_for_what_has_begun_and_withdraws_the_rest(bench: Bench) -> None:
    held = Held()
    done: list[str] = []

    async def main() -> None:
        hub = AsyncHub(bench.hub, threads=1)
        first = asyncio.create_task(hub.run(lambda: (held(), done.append("first"))))
        while not held.begun.is_set():
            await asyncio.sleep(0)
        second = asyncio.create_task(hub.run(lambda: done.append("second")))
        await asyncio.sleep(0)
        closing = asyncio.create_task(hub.close())
        await asyncio.sleep(0.02)
        assert not closing.done()
        held.go.set()
        await closing
        await first
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(main())
    assert done == ["first"]


def test_what_the_caller_has_set_in_its_context_is_there_on_the_thread() -> None:
    request = contextvars.ContextVar("request", default="")

    async def work(hub: AsyncHub, desk: AsyncDesk) -> None:
        request.set("42")
        assert await hub.run(request.get) == "42"

    run(open_bench(), work)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_one_inherited_through_fork_is_refused_at_once() -> None:
    hub = AsyncHub(open_bench().hub)
    asyncio.run(hub.run(int))  # its threads are there
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(hub.run(int))
        except Mistake:
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    asyncio.run(hub.close())
