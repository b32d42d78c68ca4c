"""A full disk: an error that says so, nothing half-written, others undisturbed, and on again once there is room."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from sql_room import Plot, bump, fill, garden, open_plot

from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import StoreUnusable

LARGE = "满" * 3_000


def filled_up(hub: Hub, desk: Desk) -> None:
    """Write until the disk is full, with others bumping one plot meanwhile; then look at what is left."""
    plot = desk.do(open_plot, label="counted")
    bumped, failed = [], []

    def others() -> None:
        for _ in range(20):
            try:
                desk.do(bump, plot.id)
                bumped.append(1)
            except StoreUnusable:
                failed.append(1)

    threads = [threading.Thread(target=others) for _ in range(2)]
    for thread in threads:
        thread.start()
    kept = 0
    with pytest.raises(StoreUnusable, match="disk is full") as caught:
        while kept < 10_000:
            desk.do(fill, count=20, text=LARGE)
            kept += 20
    for thread in threads:
        thread.join()
    assert caught.value.__cause__ is not None
    assert "磁盘已满" in caught.value.say("zh")
    # The disk is full for the large; what was acknowledged is there, what was refused is not.
    assert desk.get(Plot, plot.id).rank == len(bumped) > 0
    report = hub.verify()
    assert report.ok, report.faults
    assert report.rows == 2 + 1 + kept


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_with_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 7_000_000)
    hub, desk = garden(small_disk / "garden.db", busy_seconds=5)
    filled_up(hub, desk)
    ballast.unlink()
    assert len(desk.do(fill, count=20, text=LARGE)) == 20
    assert hub.verify().ok
    hub.close()
    assert os.listdir(small_disk) == ["garden.db"]


def test_a_file_that_may_not_grow_is_the_same(path: Path) -> None:
    hub, desk = garden(path, busy_seconds=5)
    writer = hub.store.backend._writer  # type: ignore[attr-defined]
    writer.execute("PRAGMA max_page_count=400")
    filled_up(hub, desk)
    writer.execute("PRAGMA max_page_count=100000")
    assert len(desk.do(fill, count=20, text=LARGE)) == 20
    assert hub.verify().ok
    hub.close()


def test_a_full_disk_refuses_a_new_store(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"\0" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    with pytest.raises(StoreUnusable):
        garden(small_disk / "garden.db", busy_seconds=1)
