"""A SQLite file: how it is opened, and its transactions begun and ended."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine.interfaces import Dialect

from communitycore.kernel import forks
from communitycore.kernel.errors import (
    CommunityCoreError,
    Mistake,
    OutcomeUnknown,
    StoreBusy,
    StoreUnusable,
)
from communitycore_sql.backend import Layout, Line
from communitycore_sql.sqlite.layout import layout_of, telling
from communitycore_sql.sqlite.line import SqliteLine
from communitycore_sql.sqlite.place import Place, place_of
from communitycore_sql.sqlite.readers import Readers
from communitycore_sql.sqlite.trouble import BUSY, TORN, ended, primary, trouble_of
from communitycore_sql.turns import Turns

APPLICATION_ID = 0x63636F72  # "ccor", in the file's header
FORMAT = 1
READERS_KEPT = 8
WRITER_CACHE_KIB = 16_384
WAL_PAGES = 4_000  # how long the log grows before it is worked into the file
WAL_KEPT_BYTES = 16 << 20

Connection = sqlite3.Connection


class SqliteFile:
    """One SQLite file: a write connection that threads take in turns, and a pool that reads snapshots.

    See backend.Backend.
    """

    dialect: Dialect = sqlite_dialect(paramstyle="qmark")
    table_options = ""
    retype = ""  # no column is too small here
    narrow = False
    format: int | None = None  # it stands in the file's header

    def __init__(
        self, url: str, *, create: bool | None = None, durability: str | None = None, busy_seconds: float | None = None
    ) -> None:
        self.place: Place = place_of(url, create=create, durability=durability, busy_seconds=busy_seconds)
        self.url = self.place.url
        self.readonly = self.place.readonly
        self.capabilities: Mapping[str, bool | str] = {
            "threads": True,
            "processes": True,
            "parallel": "a SQLite file has one writer",
            "durable": True
            if self.place.durability == "full"
            else "durability=normal: a power cut may lose the last calls",
            "scrub": True,
        }
        self._forks = forks.passed()
        self._closed = False
        self._turns = Turns()
        self._writer: Connection | None = None
        self._mode = "mode=ro" if self.readonly else "mode=rw"
        self._readers = Readers(self._connect, READERS_KEPT)
        try:
            self._open()
        except sqlite3.Error as error:
            self.close()
            raise self.trouble(error) from error
        except BaseException:
            self.close()
            raise

    # transactions

    def reading(self) -> SqliteLine:
        """A line that sees the file as it is at its first read."""
        self._check_usable()
        readers = self._readers
        try:
            connection = readers.take()
        except sqlite3.Error as error:
            raise self.trouble(error) from error
        try:
            connection.execute("BEGIN")  # a deferred one, that sees nothing yet
        except BaseException as error:
            readers.give_back(connection, good=ended(connection))
            if isinstance(error, sqlite3.Error):
                raise self.trouble(error) from error
            raise
        return self._line(connection, lambda c: readers.give_back(c, good=ended(c)))

    def writing(self, wait: bool) -> SqliteLine:
        """The write connection inside a transaction, once it is this call's turn.

        Raises StoreBusy, at once if not `wait` and another writes; Mistake if this thread writes already.
        """
        self._check_writable()
        seconds = self.place.busy_seconds if wait else 0.0
        deadline = time.monotonic() + seconds
        if not self._turns.take(seconds):
            raise self._busy()
        try:
            return self._line(self._begun(deadline), self._end_writing)
        except BaseException:
            self._turns.give_back()
            raise

    def building(self) -> SqliteLine:
        """As writing."""
        return self.writing(wait=True)

    def _line(self, connection: Connection, give_back: Callable[[Connection], None]) -> SqliteLine:
        return SqliteLine(connection, trouble=self.trouble, commit=self._commit, give_back=give_back)

    def _end_writing(self, connection: Connection) -> None:
        try:
            if not ended(connection):
                self._drop_writer()
        finally:
            self._turns.give_back()

    @contextmanager
    def _looking(self) -> Iterator[Connection]:
        line = self.reading()
        try:
            yield line.connection
        finally:
            line.end()

    def _commit(self, connection: Connection, cause: str) -> None:
        """Raises StoreBusy or StoreUnusable when nothing was kept, OutcomeUnknown when that cannot be told."""
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            code = primary(error)
            ended(connection)
            # Neither a refused lock nor a full disk lets the frame through that makes a transaction count.
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
                raise self.trouble(error) from error
            why, why_zh = f"COMMIT failed ({error})", f"提交时出错（{error}）"
            raise OutcomeUnknown(url=self.url, why=why, why_zh=why_zh, cause=cause) from error

    def _begun(self, deadline: float) -> Connection:
        while True:
            try:
                connection = self._writer or self._connect_writer()
                connection.execute("BEGIN IMMEDIATE")
                return connection
            except sqlite3.Error as error:
                # SQLite's own waiting sleeps ever longer, so a busy neighbour would always be first.
                if primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise self.trouble(error) from error
            time.sleep(random.uniform(0.000_2, 0.004))

    # opening and closing

    def close(self) -> None:
        """Close every connection; the last one of all processes works the log into the file and removes it."""
        if forks.passed() != self._forks:
            raise Mistake(_FORKED)
        self._closed = True
        self._readers.close()
        self._drop_writer()

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(sqlite3.Error):
                writer.close()

    def _check_writable(self) -> None:
        self._check_usable()
        if self.readonly:
            raise self.unusable("it was opened with mode=ro, for reading alone", "以 mode=ro 打开，只能读取")

    def _check_usable(self) -> None:
        if forks.passed() != self._forks:
            raise Mistake(_FORKED)
        if self._closed:
            raise Mistake("this store is closed; open it again")

    def _connect(self, *, waits: bool = True) -> Connection:
        place = self.place
        connection = sqlite3.connect(
            place.uri(self._mode),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
            timeout=place.busy_seconds if waits else 0,
        )
        try:
            # The writer's pages are its own; readers come and go.
            connection.execute("PRAGMA query_only=ON" if waits else f"PRAGMA cache_size=-{WRITER_CACHE_KIB}")
            if not self.readonly:
                connection.execute(f"PRAGMA synchronous={place.durability.upper()}")
                connection.execute("PRAGMA fullfsync=ON")  # macOS: a plain fsync stops at the drive's cache
                connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
                connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> None:
        self._check_path()
        deadline = time.monotonic() + self.place.busy_seconds
        if self.readonly:
            self._choose_readonly()
            with self._looking() as connection:
                if not self._ours(connection):
                    raise self.unusable(
                        "it is empty; open it once without mode=ro", "文件为空，请先不带 mode=ro 打开一次"
                    )
            return
        if self.place.create:
            self._mode = "mode=rwc"
            self._patiently(self._connect_writer, deadline)  # it makes the file
            self._mode = "mode=rw"
        with self._looking() as connection:
            ours = self._ours(connection)
        self._patiently(self._keep_log, deadline)
        if not ours:
            self._patiently(self._claim, deadline)

    def _connect_writer(self) -> Connection:
        connection = self._writer = self._connect(waits=False)
        return connection

    def _patiently(self, act: Callable[[], object], deadline: float) -> None:
        """Another process may be opening the same file; changing its mode does not wait by itself."""
        while True:
            try:
                act()
                return
            except sqlite3.Error as error:
                if primary(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() >= deadline:
                    raise
            time.sleep(random.uniform(0.001, 0.01))

    def _check_path(self) -> None:
        path, folder = self.place.path, os.path.dirname(self.place.path)
        if os.path.isdir(path):
            raise self.unusable("it is a directory; name a file in it", "这是一个目录，请指定其中的文件")
        if not os.path.isdir(folder):
            raise self.unusable(f"there is no directory {folder}; make it first", f"目录 {folder} 不存在，请先创建")
        if not os.path.exists(path) and not self.place.create:
            raise self.unusable(
                "there is no such file; check the path, or open it without create=False and mode",
                "文件不存在；请核对路径，或去掉 create=False 和 mode 后重新打开",
            )
        if self.readonly:
            return
        if not os.access(path if os.path.exists(path) else folder, os.W_OK) or not os.access(folder, os.W_OK):
            raise self.unusable(
                "this user may not write it and its directory; change that, or add ?mode=ro to read it",
                "当前用户对文件及其目录没有写权限；请调整权限，或加 ?mode=ro 只读打开",
            )

    def _choose_readonly(self) -> None:
        """A closed file on a medium that nobody can write has no log, and needs none to be read."""
        try:
            line = self.reading()
            try:
                line.all("SELECT 1 FROM sqlite_master LIMIT 1")
            finally:
                line.end()
            return
        except StoreUnusable:
            if os.path.exists(f"{self.place.path}-wal") or os.access(os.path.dirname(self.place.path), os.W_OK):
                raise
        self.refresh()
        self._mode = "mode=ro&immutable=1"

    def _ours(self, connection: Connection) -> bool:
        """Whether the file is a store; False if it is empty. Raises StoreUnusable for anything else."""
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        if application == 0 and tables == 0:
            return False
        if application != APPLICATION_ID:
            raise self.unusable(
                "it is a SQLite file of another program; name another file", "这是其他程序的 SQLite 文件，请换一个文件"
            )
        if version > FORMAT:
            raise self.unusable(
                f"its format {version} is newer than this adapter's {FORMAT}; upgrade communitycore-sql",
                f"文件格式 {version} 比本适配器支持的 {FORMAT} 新，请升级 communitycore-sql",
            )
        log = f"{self.place.path}-wal"
        logged = os.path.exists(log) and os.path.getsize(log) > 0
        # SQLite itself does not miss a piece of the last page.
        if not logged and os.path.getsize(self.place.path) < pages * size:
            raise self.unusable(*TORN)
        return True

    def _keep_log(self) -> None:
        connection = self._writer or self._connect_writer()
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            return
        if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise self.unusable(
                "its file system cannot keep a write-ahead log; move it to a local disk",
                "所在文件系统不支持预写日志，请移到本地磁盘",
            )

    def _claim(self) -> None:
        """Mark an empty file as a store; whoever comes second finds it done."""
        connection = self._writer
        assert connection is not None
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not self._ours(connection):
                connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version={FORMAT}")
            connection.execute("COMMIT")
        finally:
            ended(connection)

    def refresh(self) -> None:
        """Let later connections see what was told: they read it when they open."""
        self._drop_writer()
        readers, self._readers = self._readers, Readers(self._connect, READERS_KEPT)
        readers.close()

    def scrub(self, tables: Sequence[str]) -> None:
        """Build the file anew from what is in it now, and empty its log, which holds pages of before.

        Raises StoreBusy while another writes, or still reads a state of before.
        """
        self._check_writable()
        if not self._turns.take(self.place.busy_seconds):
            raise self._busy()
        try:
            connection = self._writer or self._connect_writer()
            self._empty_log(connection)  # if somebody is in the way, this tells so at once
            self._patiently(lambda: connection.execute("VACUUM"), time.monotonic() + self.place.busy_seconds)
            self._empty_log(connection)
        except sqlite3.Error as error:
            raise self.trouble(error) from error
        finally:
            self._turns.give_back()

    def _empty_log(self, connection: Connection) -> None:
        """Work the log into the file and cut it to nothing, once nobody reads from it any more."""
        deadline = time.monotonic() + self.place.busy_seconds
        while True:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    url=self.url,
                    why="somebody still reads or writes an older state of it; scrub again when they are done",
                    why_zh="仍有读取或写入在使用较旧的状态，请待其结束后重新清理",
                )
            time.sleep(random.uniform(0.001, 0.01))

    def layout(self, line: Line) -> Layout:
        """The tables, columns and indexes that are there."""
        return layout_of(line)

    def telling(self, layout: Layout, tables: Iterable[sa.Table]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Statements, with their values, that tell the planner what it does not know."""
        return telling(layout, tables)

    # errors

    def unusable(self, why: str, why_zh: str) -> StoreUnusable:
        """The error for a file that cannot be used as it is."""
        return StoreUnusable(url=self.url, why=why, why_zh=why_zh)

    def trouble(self, error: BaseException) -> CommunityCoreError:
        """A driver's error as one of ours."""
        return trouble_of(error, self.url, readonly=self.readonly)

    def _busy(self) -> StoreBusy:
        return StoreBusy(url=self.url, **BUSY)


_FORKED = "this store was inherited through fork; open one in the new process"
