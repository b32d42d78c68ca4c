"""Scrubbing a SQLite file: no byte of what was erased is left in it, whoever is at work on it meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sql_files import bytes_of

from communitycore.conformance import diary
from communitycore.conformance.erasing import GONE, OTHERS, WHY, answers, filled
from communitycore.kernel.errors import StoreBusy, StoreUnusable
from communitycore_sql import open_store
from communitycore_sql.sqlite import SqliteFile


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """One that does not wait for long, in a SQLite that leaves what it frees as it was, as many builds do."""
    connect = SqliteFile._connect

    def careless(self: SqliteFile, *, waits: bool = True) -> sqlite3.Connection:
        connection = connect(self, waits=waits)
        connection.execute("PRAGMA secure_delete=OFF")
        return connection

    monkeypatch.setattr(SqliteFile, "_connect", careless)
    opened = open_store(f"sqlite:///{path}", busy_seconds=0.3)
    yield opened
    opened.close()


def left(path: Path) -> list[str]:
    """What of the erased values stands in the file and beside it."""
    data = bytes_of(path)
    return [value for value in GONE if value.encode() in data]


def test_no_byte_is_left_in_the_file_its_wal_and_its_shm(store: Any, path: Path) -> None:
    bench, me = filled(store)
    store.backend._empty_log(store.backend._writer)
    assert len(left(path)) == len(GONE)
    bench.hub.erase(me, actor=bench.admin, reason=WHY)
    assert left(path)
    bench.hub.scrub()
    assert left(path) == []
    assert Path(f"{path}-wal").stat().st_size == 0
    assert all(value.encode() in bytes_of(path) for value in OTHERS)
    assert bench.hub.verify().ok


@pytest.mark.parametrize("forgotten", ["VACUUM", "wal_checkpoint"])
def test_a_scrub_that_forgets_one_half_leaves_something(
    store: Any, path: Path, forgotten: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this file's tests look for they do find: the file keeps freed pages, the log those of before."""
    bench, me = filled(store)
    store.backend._empty_log(store.backend._writer)
    bench.hub.erase(me, actor=bench.admin, reason=WHY)

    class Forgetful:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection = connection

        def execute(self, sql: str, *values: Any) -> Any:
            return self.connection.execute("SELECT 0, 0, 0" if forgotten in sql else sql, *values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    if forgotten == "wal_checkpoint":  # what was written and erased since the last one is in the log alone
        bench.desk.do(diary.write, diary.PersonId(me.id), title=GONE[1])
        bench.hub.erase(me, actor=bench.admin, reason=WHY)
    monkeypatch.setattr(store.backend, "_writer", Forgetful(store.backend._writer))
    bench.hub.scrub()
    assert left(path)


def test_whoever_still_reads_what_was_is_waited_for_and_then_told(store: Any, path: Path) -> None:
    bench, me = filled(store)
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM page").fetchone() == (2,)
    bench.hub.erase(me, actor=bench.admin, reason=WHY)
    before = answers(bench.hub)
    with pytest.raises(StoreBusy, match="scrub again") as busy:
        bench.hub.scrub()
    assert busy.value.say("zh") != busy.value.say("en")
    assert answers(bench.hub) == before
    threading.Timer(0.1, lambda: reader.execute("COMMIT")).start()
    bench.hub.scrub()
    assert left(path) == []
    assert reader.execute("SELECT title FROM page ORDER BY title").fetchall() == [(None,), (OTHERS[1],)]
    reader.close()


def test_another_who_writes_is_waited_for_and_then_told(store: Any, path: Path) -> None:
    bench, me = filled(store)
    bench.hub.erase(me, actor=bench.admin, reason=WHY)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        bench.hub.scrub()
    other.execute("ROLLBACK")
    other.close()
    bench.hub.scrub()
    assert left(path) == []


def test_within_the_process_writers_take_turns_with_it(store: Any, path: Path) -> None:
    bench, _ = filled(store)
    with store.writing() as tx:
        tx.lock(bench.community)
        heard: list[BaseException] = []

        def scrub() -> None:
            try:
                bench.hub.scrub()
            except StoreBusy as error:
                heard.append(error)

        thread = threading.Thread(target=scrub)
        thread.start()
        thread.join()
    assert len(heard) == 1
    bench.hub.scrub()


def test_what_may_only_be_read_is_not_scrubbed(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    store = open_store(f"sqlite:///{path}?mode=ro")
    with pytest.raises(StoreUnusable):
        store.scrub()
    store.close()


def test_a_full_disk_is_told_and_nothing_is_lost(small_disk: Path) -> None:
    path = small_disk / "books.db"
    store = open_store(f"sqlite:///{path}")
    bench, me = filled(store)
    with store.writing() as tx:
        tx.lock(bench.community)
    bench.hub.erase(me, actor=bench.admin, reason=WHY)
    _fill(small_disk)
    with pytest.raises(StoreUnusable):
        bench.hub.scrub()
    (small_disk / "ballast").unlink()
    bench.hub.scrub()
    assert left(path) == []
    assert bench.hub.verify().ok
    store.close()


def _fill(folder: Path) -> None:
    """Leave no room on a disk."""
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        size = 1 << 16
        while size:
            try:
                ballast.write(b"\0" * size)
            except OSError:
                size //= 2
