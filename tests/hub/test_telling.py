"""What an operator is told: every outcome, by names that stay, and never a word of what is personal."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import DAY, open_bench
from tests.hub.room import NeighbourId
from tests.hub.stores import Flaky

import communitycore as cc
from communitycore.hub import telling
from communitycore.hub.followers import FoldStopped
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.testing import town

MARK = "欧阳-13800000000"
SOMEBODY = cc.Ref("here", "stranger-13800000000")


class Kept(logging.Handler):
    """Keeps whole records."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def told(self, what: str) -> list[Any]:
        return [record for record in self.records if record.getMessage().startswith(f"{what} ")]

    def rendered(self) -> str:
        form = logging.Formatter("%(message)s %(exc_text)s")
        return "\n".join(f"{form.format(r)} {vars(r)!r} {r.args!r}" for r in self.records)


@pytest.fixture
def log() -> Iterator[Kept]:
    kept, logger = Kept(), logging.getLogger("communitycore")
    before = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(before)


@cc.command("bugs.break", may=cc.PUBLIC)
def breaks(view: cc.View, *, said: str) -> cc.Change[None]:
    """Meets a bug that has what was said in its words."""
    raise KeyError(said)


@cc.command("bugs.later", may=cc.PUBLIC)
def later(view: cc.View, *, title: str) -> cc.Change[None]:
    """Sets a timer that breaks."""
    tool = room.add(view, name=title)
    return tool.at(view.now + DAY, breaks_later).giving(None)


@cc.command("bugs.breaks_later", may=cc.TIMER)
def breaks_later(view: cc.View, tool_id: room.ToolId) -> cc.Change[None]:
    """Breaks when its moment comes."""
    raise ValueError(view.get(room.Tool, tool_id).name)


def bad_rows(get: object, entry: cc.Entry) -> Any:
    """Stops at the first tool."""
    raise ValueError(MARK)


BUGS = cc.Room(
    "bugs", records=(), commands=(breaks, later, breaks_later), folds=(cc.Fold("bugs.fold", frozenset({"tool.added"}), bad_rows, cc.PUBLIC),)
)  # fmt: skip


def test_a_call_that_was_done_is_told_with_its_cause_and_how_long_it_took(log: Kept) -> None:
    bench = open_bench()
    tool = bench.tool()
    (record,) = log.told("done")[-1:]
    assert (record.levelno, record.name) == (logging.DEBUG, "communitycore.hub")
    assert (record.command, record.jurisdiction) == ("tools.add", bench.community)
    assert record.cause == bench.journal()[-1].cause
    assert 0 < record.seconds < 60
    assert tool.id not in record.getMessage()


def test_refusals_are_told_by_their_codes_alone(log: Kept) -> None:
    bench = open_bench()
    with pytest.raises(cc.Refused):
        bench.at(SOMEBODY).do(room.add, name=MARK)
    bench.desk.do_many([room.add.call(name="x" * 500), room.add.call(name="ok")])
    assert [(r.code, r.levelno) for r in log.told("refused")] == [("not_allowed", 10), ("bad_value", 10)]
    assert MARK not in log.rendered()


def test_a_bug_is_told_by_its_type_and_place_and_not_in_its_words(log: Kept) -> None:
    bench = open_bench(rooms=(room.ROOM, BUGS))
    for level in (logging.DEBUG, logging.WARNING):
        logging.getLogger("communitycore").setLevel(level)
        log.records.clear()
        with pytest.raises(KeyError):
            bench.desk.do(breaks, said=MARK)
        bench.desk.do_many([breaks.call(said=MARK)])
        for record in log.told("a command broke off"):
            assert (record.levelno, record.error, record.command) == (logging.ERROR, "KeyError", "bugs.break")
            assert "test_telling.py" in record.at
            assert ":breaks" in record.at
        assert len(log.told("a command broke off")) == 2
        assert MARK not in log.rendered()


def test_a_parked_timer_is_told_with_what_to_look_for(log: Kept) -> None:
    bench = open_bench(rooms=(room.ROOM, BUGS))
    bench.desk.do(later, title=MARK)
    bench.clock.advance(DAY)
    bench.hub.run_due()
    (record,) = log.told("parked")
    (waiting,) = bench.hub.parked(bench.community)
    assert (record.levelno, record.command, record.kind, record.record) == (
        logging.ERROR, "bugs.breaks_later", "tool", waiting.record,
    )  # fmt: skip
    assert record.error == "ValueError"
    assert MARK not in log.rendered()


def test_a_fold_that_stops_and_a_veto_that_fails_are_told(log: Kept) -> None:
    def broken(view: cc.View, step: object) -> None:
        raise ValueError(MARK)

    bench = open_bench(rooms=(room.ROOM, BUGS))
    bench.tool(name=MARK)
    with pytest.raises(FoldStopped):
        bench.desk.figures(BUGS.folds[0])
    assert [(r.fold, r.error) for r in log.told("a fold stopped")] == [("bugs.fold", "ValueError")]
    with town(vetoes=[cc.Veto("grids.never", frozenset({"grid.drawn"}), broken)]) as here:
        here.force(next(iter(here.hub.catalogue.vetoes.values())))
        with pytest.raises(cc.Refused):
            here.grid(name=MARK)
    assert [(r.veto, r.error) for r in log.told("a veto failed")] == [("grids.never", "ValueError")]
    assert MARK not in log.rendered()


def test_trouble_with_the_store_is_told_and_how_often_it_was_tried(log: Kept) -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    store.busy = 3
    bench.tool()
    assert [(r.levelno, r.code, r.attempt) for r in log.told("tried again")] == [
        (logging.WARNING, "store_busy", 2), (logging.WARNING, "store_busy", 3),
    ]  # fmt: skip
    store.broken = True
    with pytest.raises(cc.CommunityCoreError):
        bench.tool()
    (record,) = log.told("failed")
    assert (record.levelno, record.code, record.command) == (logging.WARNING, "store", "tools.add")


def test_what_verify_finds_is_told_as_an_error(log: Kept) -> None:
    store = MemoryStore()
    bench = open_bench(store)
    tool = bench.tool()
    assert bench.hub.verify().ok
    table = store.books[bench.community].tables["tool"]
    row = table.rows[tool.id]
    table.rows[tool.id] = (*row[:4], MARK, *row[5:])
    assert not bench.hub.verify().ok
    assert [(r.levelno, r.faults) for r in (*log.told("verified"), *log.told("faults found"))] == [(20, 0), (40, 1)]
    assert MARK not in log.rendered()


def test_a_store_is_told_of_without_its_password(log: Kept) -> None:
    store = MemoryStore(f"memory://me:{MARK}@host/x")
    Hub(store, (room.ROOM,))
    (record,) = log.told("opened")
    assert (record.levelno, record.store) == (logging.INFO, "memory://me:***@host/x")
    assert MARK not in log.rendered()


@given(
    st.lists(st.sampled_from(["add", "refuse", "break", "later", "key", "enrol", "lend", "many", "run"]), max_size=15)
)
def test_nothing_that_is_personal_is_ever_told(acts: list[str]) -> None:
    kept, logger = Kept(), logging.getLogger("communitycore")
    before = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    try:
        bench = open_bench(rooms=(room.ROOM, BUGS))
        for act in acts:
            try:
                if act == "refuse":
                    bench.at(SOMEBODY).do(room.add, name=MARK)
                elif act == "break":
                    bench.desk.do(breaks, said=MARK)
                elif act == "later":
                    bench.desk.do(later, title=MARK)
                elif act == "key":
                    bench.desk.keyed(MARK).do(room.add, name=MARK)
                elif act == "enrol":
                    bench.neighbour()
                elif act == "lend":
                    bench.desk.do(room.lend, bench.tool(name=MARK).id, to=NeighbourId(MARK))
                elif act == "many":
                    bench.desk.do_many([room.add.call(name=MARK), breaks.call(said=MARK)])
                elif act == "run":
                    bench.clock.advance(DAY)
                    bench.hub.run_due()
                else:
                    bench.tool(name=MARK)
            except (cc.CommunityCoreError, KeyError):
                continue
        assert MARK not in kept.rendered()
        assert SOMEBODY.id not in kept.rendered()
        assert str(bench.keeper) not in kept.rendered()
        assert bench.keeper.id not in kept.rendered()
    finally:
        logger.removeHandler(kept)
        logger.setLevel(before)


def test_nothing_is_printed_and_nothing_loaded_where_nobody_asked() -> None:
    code = (
        "import sys, communitycore as cc; assert 'logging' not in sys.modules; "
        "hub = cc.open('memory://'); body = hub.found('1', name='x', level='community'); "
        "assert not [m for m in sys.modules if m.startswith('opentelemetry')]; "
        "desk = hub.desk('1', hub.administrator('1'))\n"
        "@cc.command('a.b', may=cc.PUBLIC)\n"
        "def bug(view: cc.View) -> cc.Change[None]: raise KeyError('x')\n"
        "try: desk.do(bug)\nexcept KeyError: print('ok')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ok\n", "")


# spans


@pytest.fixture
def spans() -> Iterator[Any]:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = telling._tracer
    telling._tracer = lambda: provider.get_tracer("communitycore")
    assert trace
    yield exporter
    telling._tracer = before


def named(spans: Any, name: str) -> list[Any]:
    return [span for span in spans.get_finished_spans() if span.name == name]


def test_a_call_has_a_span_and_its_commit_one_inside(spans: Any) -> None:
    bench = open_bench()
    spans.clear()
    bench.tool(name=MARK)
    (done,), (commit,) = named(spans, "communitycore.do"), named(spans, "communitycore.commit")
    assert commit.parent.span_id == done.context.span_id
    told = dict(done.attributes)
    assert told.pop("communitycore.cause") == bench.journal()[-1].cause
    assert told == {
        "communitycore.command": "tools.add", "communitycore.room": "tools",
        "communitycore.jurisdiction": bench.community, "communitycore.outcome": "done",
    }  # fmt: skip
    assert dict(commit.attributes) == {
        "communitycore.calls": 1, "communitycore.store": "memory", "communitycore.entries": 1,
        "communitycore.outcome": "done",
    }  # fmt: skip


def test_a_refusal_is_no_fault_and_a_bug_is_one_without_its_words(spans: Any) -> None:
    bench = open_bench(rooms=(room.ROOM, BUGS))
    spans.clear()
    with pytest.raises(cc.Refused):
        bench.at(SOMEBODY).do(room.add, name=MARK)
    with pytest.raises(KeyError):
        bench.desk.do(breaks, said=MARK)
    refused, broken = named(spans, "communitycore.do")
    assert (refused.attributes["communitycore.outcome"], refused.status.is_ok) == ("refused", True)
    assert refused.attributes["communitycore.code"] == "not_allowed"
    assert (broken.attributes["communitycore.outcome"], broken.attributes["communitycore.code"]) == (
        "failed",
        "KeyError",
    )
    assert not broken.status.is_ok
    assert not broken.events
    assert MARK not in "".join(span.to_json() for span in spans.get_finished_spans())


def test_timers_and_calls_of_many_have_spans(spans: Any) -> None:
    bench = open_bench()
    bench.desk.do(room.lend, bench.tool().id, to=NeighbourId(bench.neighbour().id))
    bench.clock.advance(7 * DAY)
    spans.clear()
    bench.hub.run_due()
    assert [s.attributes["communitycore.command"] for s in named(spans, "communitycore.wake")] == ["tools.remind"]
    bench.desk.do_many([room.add.call(name=str(n)) for n in range(3)])
    (many,) = named(spans, "communitycore.do_many")
    assert many.attributes["communitycore.calls"] == 3
    assert [s.attributes["communitycore.calls"] for s in named(spans, "communitycore.commit")] == [1, 3]


def test_a_commit_that_carries_others_calls_is_linked_to_their_spans(spans: Any) -> None:
    from opentelemetry import trace

    bench = open_bench()
    spans.clear()
    barrier = threading.Barrier(6)

    def work(n: int) -> None:
        barrier.wait(10)
        for turn in range(20):
            bench.tool(name=f"{n}-{turn}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert trace
    ids = {span.context.span_id for span in named(spans, "communitycore.do")}
    commits = named(spans, "communitycore.commit")
    links = [link.context.span_id for commit in commits for link in commit.links]
    assert set(links) <= ids
    assert sum(c.attributes["communitycore.calls"] for c in commits) == 120
    assert sum(len(c.links) == c.attributes["communitycore.calls"] - 1 for c in commits) == len(commits)
