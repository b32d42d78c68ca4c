"""Eight processes that book the same sessions on one file never sell a seat twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.domain.services_world import world

from communitycore import services

pytest.importorskip("communitycore_sql")

ROOT = Path(__file__).parents[2]
PROCESSES = 8


def test_seats_contended_by_eight_processes_are_never_oversold(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/town.db"
    w = world(url, neighbours=20)
    sessions = [w.session(seats=5, hours=24 + n) for n in range(3)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.domain.services_worker", url, str(seed)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(PROCESSES)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [int(process.communicate(timeout=120)[0]) for process in started]
        assert [process.returncode for process in started] == [0] * PROCESSES
    finally:
        for process in started:
            process.kill()
            process.communicate()
    held = services.BookingStatus.BOOKED, services.BookingStatus.OFFERED
    for session in sessions:
        w.check(session)
        assert sum(b.size for b in w.bookings(session) if b.status in held) == w.now(session).taken <= 5
        live = [b.party for b in w.bookings(session) if b.key is not None]
        assert len(live) == len(set(live))
    assert sum(told) > 0
    assert w.hub.verify().ok
    w.hub.close()
