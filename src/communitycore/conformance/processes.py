"""Processes on one store: one winner each, no gap, and none harmed by another's death."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from communitycore.conformance import room, workers
from communitycore.conformance.bench import Bench
from communitycore.conformance.books import Books, put, query
from communitycore.conformance.hands import PATIENCE, Stuck
from communitycore.conformance.kinds import KINDS, SAMPLE, sample, timer
from communitycore.conformance.room import Domino, Tool
from communitycore.conformance.suite import Suite, needs
from communitycore.conformance.threads import claimed, whole
from communitycore.ports import Store

PROCESSES = 3
_SPAWN = multiprocessing.get_context("spawn")


class Worker:
    """Another process, which does what it is sent."""

    def __init__(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=workers.serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def begins(self, act: Callable[..., Any], *args: Any) -> None:
        """Send it an act."""
        self._pipe.send((act, args))

    def hears(self, seconds: float = 4 * PATIENCE) -> tuple[str, Any]:
        """Its next word; ("gone", None) once it has said its last."""
        if not self._pipe.poll(seconds):
            raise Stuck(f"no word of process {self._process.pid} in {seconds} seconds")
        try:
            word, value = self._pipe.recv()
        except (EOFError, OSError):
            return "gone", None  # killed, perhaps in the middle of a word
        return word, value

    def expects(self, wanted: str) -> Any:
        """What comes with this word, which must be its next."""
        word, value = self.hears()
        assert word == wanted, f"process {self._process.pid} {word}: {value}"
        return value

    def go(self) -> None:
        """Let it go on, once it is set."""
        self._pipe.send("go")

    def kill(self) -> None:
        """End it without a warning, wherever it is (SIGKILL)."""
        self._process.kill()
        self._process.join(PATIENCE)

    def close(self) -> None:
        """End it, if it has not ended."""
        self.kill()
        self._process.close()
        self._pipe.close()


class Crew:
    """Processes that wait for work, and are used again and again: each takes a while to load everything."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._all: list[Worker] = []

    def begin(self, *acts: tuple[Any, ...]) -> list[Worker]:
        """Send each act to a process, and let all go at one moment once all are set."""
        while len(self._idle) < len(acts):
            worker = Worker()
            self._idle.append(worker)
            self._all.append(worker)
        begun = [self._idle.pop() for _ in acts]
        for worker, act in zip(begun, acts, strict=True):
            worker.begins(*act)
        for worker in begun:
            worker.expects("set")
        for worker in begun:
            worker.go()
        return begun

    def do(self, *acts: tuple[Any, ...]) -> list[Any]:
        """What each act gave, all done at once."""
        begun = self.begin(*acts)
        given = [worker.expects("gave") for worker in begun]
        self._idle += begun
        return given

    def end(self) -> None:
        """End all of them."""
        for worker in self._all:
            worker.close()


class Crewed(Suite):
    """A suite in which other processes take part."""

    @pytest.fixture(scope="class")
    @classmethod
    def crew(cls) -> Iterator[Crew]:
        """Other processes, ended afterwards."""
        crew = Crew()
        yield crew
        crew.end()


class Processes(Crewed):
    """Processes that open one store by its URL do together what one after another would have done."""

    @needs("processes")
    def test_what_many_processes_claim_has_one_winner_each(self, bench: Bench, new_url: str, crew: Crew) -> None:
        tools = [bench.tool(name=f"{n}") for n in range(24)]
        ids, to, how = [tool.id for tool in tools], bench.neighbour().id, self.opening(new_url)
        won = crew.do(*((workers.claim, how, bench.community, bench.keeper, ids, to, n) for n in range(PROCESSES)))
        claimed(bench, tools, won)

    @needs("processes")
    def test_no_step_of_many_processes_is_lost(self, bench: Bench, new_url: str, crew: Crew) -> None:
        tool, how = bench.tool(), self.opening(new_url)
        args = (how, bench.community, bench.keeper, tool.id, 25)
        assert crew.do(*[(workers.step, *args)] * PROCESSES) == [25] * PROCESSES
        assert bench.desk.get(Tool, tool.id).version == 1 + 25 * PROCESSES
        whole(bench)

    @needs("processes")
    def test_a_key_used_by_many_processes_is_done_once(self, bench: Bench, new_url: str, crew: Crew) -> None:
        keys, how = [f"k-{n}" for n in range(10)], self.opening(new_url)
        given = crew.do(*[(workers.keyed, how, bench.community, bench.keeper, keys)] * PROCESSES)
        assert given == [given[0]] * PROCESSES
        assert sorted(tool.id for tool in bench.desk.find(Tool)) == sorted(given[0])
        whole(bench)

    @needs("processes")
    def test_each_timer_runs_once_however_many_processes_run_them(self, bench: Bench, new_url: str, crew: Crew) -> None:
        """The bench's clock stands in the past, so that by the others' all is due."""
        bench.desk.do_many([room.set_up.call(left=0, trouble="ladder", after_days=1) for _ in range(5)])
        assert sum(crew.do(*[(workers.run_due, self.opening(new_url))] * PROCESSES)) == 5 * 4
        assert [domino.fallen for domino in bench.desk.find(Domino)] == [4] * 5
        whole(bench)

    @needs("processes")
    def test_many_may_make_one_store_and_found_in_it_at_one_moment(
        self, store: Store, new_url: str, crew: Crew
    ) -> None:
        codes, how = [f"c-{n}" for n in range(4)], self.opening(new_url)
        made = crew.do(*[(workers.found, how, codes)] * PROCESSES)
        assert sorted(code for each in made for code in each) == codes
        with how.hub() as hub:
            assert sorted(body.codes[0].value for body in hub.jurisdictions()) == codes
            assert hub.verify().ok


class KilledWriters(Crewed):
    """A process that is killed wherever it is leaves nothing half, and nobody waits for it."""

    kills: ClassVar[int] = 4
    """How many writers are killed at random moments."""

    @needs("processes")
    @pytest.mark.parametrize("stage", ["locked", "written"])
    def test_a_writer_killed_before_its_commit_leaves_no_trace_and_holds_up_nobody(
        self, books: Books, store_url: str, crew: Crew, stage: str
    ) -> None:
        books.write(put(sample("id-0", label="x")), timers=[timer("id-0")])
        before = books.told()
        self.kill_in(crew, books, store_url, stage)
        start = time.monotonic()
        assert books.told() == before
        books.write(put(sample("id-0", 2)), put(sample("id-1", label="x")), notes=["id-1"])
        assert time.monotonic() - start < PATIENCE / 2, "the dead still hold the lock"
        assert [entry.seq for entry in books.entries()] == [1, 2, 3, 4]
        with books.reading() as tx:
            assert tx.head(f"n{books.id}"[:36]) is None

    @needs("processes", "durable")
    def test_a_writer_killed_after_its_commit_leaves_all_of_it(self, books: Books, store_url: str, crew: Crew) -> None:
        books.write(put(sample("id-0", label="x")), timers=[timer("id-0")])
        self.kill_in(crew, books, store_url, "committed")
        with self.opened(store_url) as store:
            store.prepare(KINDS)
            with store.reading() as tx:
                assert tx.find(SAMPLE, books.id, query()) == [sample("id-0", 2), sample("id-1", label="x")]
                assert [entry.seq for entry in tx.entries(books.id, 0, 10)] == [1, 2, 3, 4]
                assert tx.timers(books.id, None, 10) == [timer("id-1")]
                assert tx.head(f"n{books.id}"[:36]) is not None

    def kill_in(self, crew: Crew, books: Books, url: str, stage: str) -> None:
        """Kill a writer inside its transaction, once it has come so far."""
        (other,) = crew.begin((workers.hold, self.opening(url), books.head, stage))
        other.expects("inside")
        other.kill()

    @needs("processes", "durable")
    def test_writers_killed_anywhere_lose_nothing_acknowledged_and_do_nothing_twice(
        self, bench: Bench, new_url: str, crew: Crew
    ) -> None:
        chance, how = random.Random(7), self.opening(new_url)
        acknowledged: set[str] = set()
        acts = [(workers.scribble, how, bench.community, bench.keeper, f"w{n}") for n in range(self.kills)]
        for start in range(0, self.kills, PROCESSES):
            for n, worker in enumerate(crew.begin(*acts[start : start + PROCESSES]), start):
                acknowledged |= self.killed(bench, worker, f"w{n}", chance.uniform(0.0, 0.15))
        assert len(acknowledged) >= self.kills
        assert acknowledged <= {tool.id for tool in bench.desk.find(Tool, limit=1_000)}
        whole(bench)

    def killed(self, bench: Bench, worker: Worker, name: str, seconds: float) -> set[str]:
        """Kill a scribbler a while after its first word, and do its last call again: what it has acknowledged."""
        told = [worker.expects("told")]
        time.sleep(seconds)
        worker.kill()
        while (word := worker.hears())[0] == "told":
            told.append(word[1])
        assert word[0] == "gone", word
        last, id = told[-1]
        assert bench.desk.keyed(f"{name}-{last}").do(room.add, **workers.scribbled(name, last)).id == id
        # The next may or may not have been kept before it could be told; done again, there is one of it.
        again = bench.desk.keyed(f"{name}-{last + 1}").do(room.add, **workers.scribbled(name, last + 1))
        made = [tool.id for tool in bench.desk.find(Tool, limit=1_000) if (tool.tag or "").startswith(f"{name}-")]
        assert sorted(made) == sorted({*(id for _, id in told), again.id})
        return {id for _, id in told}
