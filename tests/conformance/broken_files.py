"""Stores in SQLite files that are broken on purpose where only other processes see it.

caught_by: the tests of the suites Processes and KilledWriters that each must fail.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve
from tests.conformance.broken_base import Transaction
from tests.conformance.broken_writing import LostUpdate

from communitycore.kernel.errors import StoreBusy
from communitycore.kernel.shape import Row, Shape
from communitycore.plugins import open_store
from communitycore.ports import Batch, Head, Key, Reading, Writing

Done = list[tuple[str, tuple[Any, ...], dict[str, Any]]]


class File:
    """A SQLite store with nothing wrong yet."""

    writes: type[Any] = Transaction
    caught_by: tuple[str, ...] = ()

    def __init__(self, url: str) -> None:
        self.url = url
        self.under = open_store(url, durability="normal")
        # A process that is killed loses nothing by it; only a power cut would.
        self.capabilities: Mapping[str, bool | str] = {**self.under.capabilities, "durable": True}

    def prepare(self, shapes: Iterable[Shape]) -> None:
        self.under.prepare(shapes)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with self.under.reading() as tx:
            yield tx

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with self.under.writing(wait=wait) as tx:
            yield self.writes(tx, self)

    def close(self) -> None:
        self.under.close()


class WrittenAtOnce(File):
    """Keeps what is written as soon as it is written, so that a killed writer leaves half."""

    caught_by = ("test_a_writer_killed_before_its_commit_leaves_no_trace_and_holds_up_nobody",)

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(batch)
            self.tx.commit()

        def found(self, head: Head) -> None:
            """Too late for that."""

        def commit(self) -> None:
            """All of it is kept already."""


class AnsweredEarly(File):
    """Says that a commit is kept while it is only remembered, until somebody asks again."""

    caught_by = (
        "test_a_writer_killed_after_its_commit_leaves_all_of_it",
        "test_writers_killed_anywhere_lose_nothing_acknowledged_and_do_nothing_twice",
    )

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.remembered: Done = []

    class writes(Transaction):  # noqa: N801
        def __init__(self, tx: Any, store: Any) -> None:
            super().__init__(tx, store)
            self.done: Done = []

        def __getattr__(self, name: str) -> Any:
            if name not in ("found", "write", "fold"):
                return getattr(self.tx, name)
            return lambda *args, **more: self.done.append((name, args, more))

        def commit(self) -> None:
            self.store.remembered = self.done

    def catch_up(self) -> None:
        done, self.remembered = self.remembered, []
        if done:
            with self.under.writing() as tx:
                for name, args, more in done:
                    getattr(tx, name)(*args, **more)
                tx.commit()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        self.catch_up()
        with super().reading() as tx:
            yield tx

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        self.catch_up()
        with super().writing(wait=wait) as tx:
            yield tx


class LockLeftBehind(File):
    """Marks its lock with a file, which one who is killed leaves lying there."""

    caught_by = ("test_a_writer_killed_before_its_commit_leaves_no_trace_and_holds_up_nobody",)

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        lock = Path(self.under.url.partition("///")[2] + ".lock")
        deadline = time.monotonic() + 1
        while True:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
                break
            if not wait or time.monotonic() > deadline:
                raise StoreBusy(url=self.url, why="another process is writing it", why_zh="另一个进程正在写入")
            time.sleep(0.002)
        try:
            with super().writing(wait=wait) as tx:
                yield tx
        finally:
            lock.unlink()


class KeysForgotten(File):
    """Keeps idempotency keys in the process alone."""

    caught_by = ("test_a_key_used_by_many_processes_is_done_once",)

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.keys: dict[tuple[str, str, str], Key] = {}

    class writes(Transaction):  # noqa: N801
        def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
            return self.store.keys.get((jurisdiction, actor, key))  # type: ignore[no-any-return]

        def write(self, batch: Batch) -> None:
            self.store.keys |= {(batch.head.id, key.actor, key.key): key for key in batch.keys}
            self.tx.write(evolve(batch, keys=[]))


class RowsRemembered(File):
    """Reads each row once, and never again: what other processes wrote since is not seen."""

    caught_by = ("test_no_step_of_many_processes_is_lost",)

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.rows: dict[tuple[str, str, str], Row | None] = {}

    class writes(Transaction):  # noqa: N801
        def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
            key = (shape.kind, jurisdiction, id)
            if key not in self.store.rows:
                self.store.rows[key] = self.tx.get(shape, jurisdiction, id)
            return self.store.rows[key]  # type: ignore[no-any-return]

        def write(self, batch: Batch) -> None:
            self.tx.write(batch)
            self.store.rows |= {(shape.kind, batch.head.id, row[0]): row for shape, row, _ in batch.rows}


class Unlocked(File):
    """Locks nothing and guards nothing; see LostUpdate."""

    caught_by = (
        "test_what_many_processes_claim_has_one_winner_each",
        "test_each_timer_runs_once_however_many_processes_run_them",
    )

    writes = LostUpdate.writes

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        yield self.writes(None, self)


FILES: dict[str, type[File]] = {
    fault.__name__: fault
    for fault in (WrittenAtOnce, AnsweredEarly, LockLeftBehind, KeysForgotten, RowsRemembered, Unlocked)
}


def open_file(url: str) -> File:
    """The store that is named before the first colon, in the SQLite file named behind it: `File:sqlite:///f.db`."""
    name, _, rest = url.partition(":")
    return {**FILES, "File": File}[name](rest)
