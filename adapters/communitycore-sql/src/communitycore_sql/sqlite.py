"""SQLite: everything in which it differs from another SQL server stands here.

A backend gives connections inside a transaction, ends them, tells which tables there are, and says in this
library's errors what a driver's error means. PostgreSQL or MariaDB would be another such class.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from attrs import define
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from communitycore.kernel.errors import (
    CommunityCoreError,
    Mistake,
    OutcomeUnknown,
    StoreBusy,
    StoreError,
    StoreUnusable,
)
from communitycore_sql.place import Place, place_of
from communitycore_sql.tables import usual_rows
from communitycore_sql.turns import Turns

APPLICATION_ID = 0x63636F72  # "ccor", in the file's header
FORMAT = 1
READERS_KEPT = 8
WAL_PAGES = 4_000  # how long the log grows before it is worked into the file
WAL_KEPT_BYTES = 16 << 20

Connection = sqlite3.Connection
Pooled = PoolProxiedConnection


@define
class Found:
    """One column of a table that is there. affinity: how SQLite keeps its values."""

    affinity: str
    null: bool
    key: int


@define
class Layout:
    """Tables -> columns, indexes -> their tables, and what the planner has been told of (a table or an index)."""

    tables: dict[str, dict[str, Found]]
    indexes: dict[str, str]
    told: set[str] | None


class SqliteFile:
    """One SQLite file: a write connection that threads take in turns, and a pool that reads snapshots."""

    dialect: Dialect = sqlite_dialect(paramstyle="qmark")
    errors: tuple[type[Exception], ...] = (sqlite3.Error, UnicodeEncodeError, OverflowError)

    def __init__(
        self, url: str, *, create: bool | None = None, durability: str | None = None, busy_seconds: float | None = None
    ) -> None:
        self.place: Place = place_of(url, create=create, durability=durability, busy_seconds=busy_seconds)
        self.url = self.place.url
        self.readonly = self.place.readonly
        self.capabilities: Mapping[str, bool | str] = {
            "threads": True,
            "processes": True,
            "durable": True
            if self.place.durability == "full"
            else "durability=normal: a power cut may lose the last calls",
        }
        self._pid = os.getpid()
        self._closed = False
        self._turns = Turns()
        self._writer: Connection | None = None
        self._mode = "mode=ro" if self.readonly else "mode=rw"
        self._readers = QueuePool(
            self._connect,  # type: ignore[arg-type] # what it calls a DBAPIConnection
            pool_size=READERS_KEPT,
            max_overflow=-1,
            reset_on_return=None,
            dialect=self.dialect,
        )
        try:
            self._open()
        except sqlite3.Error as error:
            self.close()
            raise self.trouble(error) from error
        except BaseException:
            self.close()
            raise

    # transactions

    def begin_reading(self) -> Pooled:
        """A connection that sees the file as it is now; give it back with end_reading."""
        self._check_usable()
        try:
            pooled = self._readers.connect()
        except sqlite3.Error as error:
            raise self.trouble(error) from error
        try:
            connection: Any = pooled.dbapi_connection
            # A deferred BEGIN sees nothing yet: the snapshot is the first read's.
            connection.execute("BEGIN")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except BaseException as error:
            self.end_reading(pooled)
            if isinstance(error, sqlite3.Error):
                raise self.trouble(error) from error
            raise
        return pooled

    def end_reading(self, pooled: Pooled) -> None:
        """Let the snapshot go."""
        if _ended(pooled.dbapi_connection):
            pooled.close()
        else:
            pooled.invalidate()

    def begin_writing(self, wait: bool) -> Connection:
        """The write connection inside a transaction, once it is this call's turn; end it with end_writing.

        Raises StoreBusy, at once if not `wait` and another writes; Mistake if this thread writes already.
        """
        self._check_usable()
        if self.readonly:
            raise self.unusable("it was opened with mode=ro, for reading alone", "以 mode=ro 打开，只能读取")
        seconds = self.place.busy_seconds if wait else 0.0
        deadline = time.monotonic() + seconds
        if not self._turns.take(seconds):
            raise self._busy()
        try:
            return self._begun(deadline)
        except BaseException:
            self._turns.give_back()
            raise

    def end_writing(self, connection: Connection) -> None:
        """Roll back what was not committed, and let the next one write."""
        try:
            if not _ended(connection):
                self._drop_writer()
        finally:
            self._turns.give_back()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """begin_reading and end_reading as a context."""
        pooled = self.begin_reading()
        try:
            yield pooled.dbapi_connection  # type: ignore[misc]
        finally:
            self.end_reading(pooled)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """begin_writing and end_writing as a context."""
        connection = self.begin_writing(wait=True)
        try:
            yield connection
        finally:
            self.end_writing(connection)

    def commit(self, connection: Connection, cause: str) -> None:
        """Raises StoreBusy or StoreUnusable when nothing was kept, OutcomeUnknown when that cannot be told."""
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            code = _primary(error)
            _ended(connection)
            # Neither a refused lock nor a full disk lets the frame through that makes a transaction count.
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
                raise self.trouble(error) from error
            raise OutcomeUnknown(url=self.url, why=str(error), cause=cause) from error

    def _begun(self, deadline: float) -> Connection:
        while True:
            try:
                connection = self._writer or self._connect_writer()
                connection.execute("BEGIN IMMEDIATE")
                return connection
            except sqlite3.Error as error:
                # SQLite's own waiting sleeps ever longer, so a busy neighbour would always be first.
                if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise self.trouble(error) from error
            time.sleep(random.uniform(0.000_2, 0.004))

    # opening and closing

    def close(self) -> None:
        """Close every connection; the last one of all processes works the log into the file and removes it."""
        if os.getpid() != self._pid:
            raise Mistake(_FORKED)
        self._closed = True
        self._readers.dispose()
        self._drop_writer()

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(sqlite3.Error):
                writer.close()

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
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
            connection.execute("PRAGMA query_only=ON" if waits else "PRAGMA query_only=OFF")
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
            with self.reading() as connection:
                if not self._ours(connection):
                    raise self.unusable(
                        "it is empty; open it once without mode=ro", "文件为空，请先不带 mode=ro 打开一次"
                    )
            return
        if self.place.create:
            self._mode = "mode=rwc"
            self._patiently(self._connect_writer, deadline)  # it makes the file
            self._mode = "mode=rw"
        with self.reading() as connection:
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
                if _primary(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() >= deadline:
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
            with self.reading():
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
            raise self.unusable(*_TORN)
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
            _ended(connection)

    # what is there

    def layout(self, connection: Connection) -> Layout:
        """The tables, columns and indexes of the file."""
        layout = Layout({}, {}, None)
        for table, name, type_, required, key in connection.execute(
            'SELECT m.name, p.name, p.type, p."notnull", p.pk FROM sqlite_master m '
            "JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite~_%' ESCAPE '~'"
        ):
            layout.tables.setdefault(table, {})[name] = Found(affinity_of(type_), not required, key)
        for name, table in connection.execute(
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ):
            layout.indexes[name] = table
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
            layout.told = {name for (name,) in connection.execute("SELECT idx FROM sqlite_stat1")}
        return layout

    def telling(self, layout: Layout, tables: Iterable[sa.Table]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Statements that tell the planner what each index is good for, unless it knows.

        SQLite invites this (section 3.3 of its page on the query planner): plans are then those of a large store
        from the first row on, and the same everywhere. Whoever runs ANALYZE gets what the rows say instead.
        """
        said = [(table.name, *entry) for table in tables for entry in usual_rows(table)]
        missing = [(table, name, rows) for table, name, rows in said if name not in (layout.told or ())]
        if missing and layout.told is None:
            yield "ANALYZE cc_kinds", ()  # it alone may make the table of statistics
        for table, name, rows in missing:
            yield "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, name, " ".join(map(str, rows)))

    def refresh(self) -> None:
        """Let later connections see what was told: they read it when they open."""
        self._drop_writer()
        self._readers.dispose()
        self._readers = self._readers.recreate()

    # errors

    def unusable(self, why: str, why_zh: str) -> StoreUnusable:
        """The error for a file that cannot be used as it is."""
        return StoreUnusable(url=self.url, why=why, why_zh=why_zh)

    def is_conflict(self, error: BaseException) -> bool:
        """Whether a constraint of the tables said no."""
        return isinstance(error, sqlite3.IntegrityError)

    def trouble(self, error: BaseException) -> CommunityCoreError:
        """A driver's error as one of ours."""
        code = _primary(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self._busy()
        if code == sqlite3.SQLITE_CANTOPEN and self.readonly:
            return self.unusable(
                "it cannot be opened; check its permissions and those of its directory",
                "无法打开，请检查文件及其目录的权限",
            )
        known = _TROUBLE.get(code)
        if known is not None:
            return self.unusable(*known)
        return StoreError(url=self.url, why=f"{type(error).__name__}: {error}")

    def _busy(self) -> StoreBusy:
        return StoreBusy(url=self.url, why="another call or process is writing it", why_zh="另一个调用或进程正在写入")


_FORKED = "this store was inherited through fork; open one in the new process"
_TORN = (
    "it is damaged or was cut short; restore it from a backup, then run verify",
    "文件已损坏或被截断，请从备份恢复后运行 verify 校验",
)
_TROUBLE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: (
        "the disk is full; nothing of the call was kept; make room and call again",
        "磁盘已满，本次调用未保存任何内容；请腾出空间后重试",
    ),
    sqlite3.SQLITE_READONLY: (
        "it may only be read; change its permissions, or add ?mode=ro",
        "文件只读；请调整权限，或加 ?mode=ro 打开",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened; check the path, its permissions and those of its directory",
        "无法打开，请检查路径以及文件和目录的权限",
    ),
    sqlite3.SQLITE_PERM: ("access was denied; check its permissions", "访问被拒绝，请检查权限"),
    sqlite3.SQLITE_CORRUPT: _TORN,
    sqlite3.SQLITE_NOTADB: (
        "it is not a SQLite file, or its beginning is damaged; check the path, or restore a backup",
        "不是 SQLite 文件或文件头已损坏；请核对路径或恢复备份",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk failed while reading or writing; check it, then run verify",
        "磁盘读写出错，请检查磁盘后运行 verify 校验",
    ),
    sqlite3.SQLITE_NOMEM: ("there is not enough memory", "内存不足"),
}


def _primary(error: BaseException) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _ended(connection: Any) -> bool:
    """Roll back what is open; whether the connection may be used again."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True


def affinity_of(declared: str) -> str:
    """How SQLite keeps values of a declared type (section 3.1 of its page on datatypes)."""
    said = declared.upper()
    if "INT" in said:
        return "integer"
    if "CHAR" in said or "CLOB" in said or "TEXT" in said:
        return "text"
    return "other"
