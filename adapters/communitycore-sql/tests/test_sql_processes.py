"""Processes on one store: made at once, written at once, and killed at any moment."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sql_room import Plot, PlotId, bump, garden, hub_at, open_plot

import communitycore as cc
from communitycore import ADMINISTRATOR, Record, Room, Unique, frozen, record, role, where
from communitycore.kernel.errors import StoreBusy

WORKER = Path(__file__).parent / "sql_worker.py"
Process = subprocess.Popen[str]


@contextlib.contextmanager
def workers(*tasks: tuple[object, ...]) -> Iterator[list[Process]]:
    """Processes that have imported everything and wait for a line to begin."""
    started = [
        subprocess.Popen(
            [sys.executable, str(WORKER), *map(str, task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        for task in tasks
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def go(*processes: Process) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def file_of(store_url: str) -> Path:
    return Path(store_url.removeprefix("sqlite:///"))


def test_processes_may_make_the_same_store_at_the_same_moment(store_url: str) -> None:
    codes = ["370115", "370116", "370116"]
    with workers(*(("found", store_url, code) for code in codes)) as started:
        go(*started)
        assert [process.wait(60) for process in started] == [0, 0, 0]
    with hub_at(store_url) as hub:
        assert sorted(body.codes[0].value for body in hub.jurisdictions()) == ["370115", "370116"]
        assert hub.verify().ok
    if store_url.startswith("sqlite"):
        path = file_of(store_url)
        assert os.listdir(path.parent) == [path.name]


@record("plot", read=role(ADMINISTRATOR))
@frozen(kw_only=True)
class OldPlot(Record[PlotId]):
    """A plot as it was once: short of fields, of which none could be searched by."""

    tag: str = ""
    text: Unique[str | None] = None


def test_processes_may_extend_an_older_store_at_the_same_moment(store_url: str) -> None:
    cc.open(store_url, rooms=[Room("garden", records=[OldPlot], commands=[])]).close()
    codes = ["370115", "370116", "370117", "370118"]
    with workers(*(("found", store_url, code) for code in codes)) as started:
        go(*started)
        assert [process.wait(60) for process in started] == [0] * 4
    with hub_at(store_url) as hub:
        assert sorted(body.codes[0].value for body in hub.jurisdictions()) == codes
        desk = hub.desk(codes[0], hub.administrator(codes[0]))
        assert desk.do(open_plot, label="x") == desk.find(Plot, where(Plot.label, "x"), limit=2)[0]
        assert hub.verify().ok


def test_two_processes_and_this_one_lose_no_step(store_url: str) -> None:
    hub, desk = garden(store_url)
    plot = desk.do(open_plot)
    with workers(("bump", store_url, plot.id, 60), ("bump", store_url, plot.id, 60)) as started:
        go(*started)
        for _ in range(60):
            desk.do(bump, plot.id)
        assert [process.wait(60) for process in started] == [0, 0]
    assert desk.get(Plot, plot.id).rank == 180
    assert [entry.seq for entry in hub.journal("370115")] == list(range(1, 184))
    assert hub.verify().ok
    hub.close()


def test_what_another_process_writes_is_busy_until_it_is_done(store_url: str, database: str) -> None:
    patience = "busy_seconds" if database == "sqlite" else "lock_seconds"
    hub, desk = garden(store_url, **{patience: 0.1})
    with workers(("hold", store_url)) as (other,):
        go(other)
        assert other.stdout is not None
        assert other.stdout.readline() == "holding\n"
        with pytest.raises(StoreBusy), hub.store.writing(wait=False) as tx:
            tx.lock(desk.jurisdiction)
        start = time.monotonic()
        with pytest.raises(StoreBusy) as caught:
            desk.do(open_plot)
        assert time.monotonic() - start > 0.1
        assert caught.value.retryable
        assert desk.find(Plot, limit=10) == []  # readers are not held up
        go(other)
        assert other.wait(60) == 0
    desk.do(open_plot)
    hub.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_writers_killed_anywhere_lose_nothing_that_was_acknowledged(store_url: str, tmp_path: Path) -> None:
    garden(store_url)[0].close()
    chance = random.Random(7)
    told = tmp_path / "told"
    with workers(("scribblers", store_url, told)) as (nursery,):
        assert nursery.stdout is not None
        for turn in range(1, 5):
            go(nursery, nursery, nursery)
            pids = [int(nursery.stdout.readline()) for _ in range(3)]
            for pid in pids:
                time.sleep(chance.uniform(0, 0.08))
                os.kill(pid, signal.SIGKILL)
            acknowledged = set(told.read_text().splitlines())
            hub, desk = garden(store_url)
            assert hub.verify().ok
            kept: set[str] = set()
            last = None
            while page := desk.find(Plot, limit=1_000, after=last):
                kept |= {plot.id for plot in page}
                last = page[-1]
            assert acknowledged <= kept
            assert len(kept) <= len(acknowledged) + 3 * turn  # each may have been killed before it could tell
            hub.close()
    assert len(acknowledged) >= 12
    if store_url.startswith("sqlite"):
        assert os.listdir(file_of(store_url).parent) == [file_of(store_url).name]
