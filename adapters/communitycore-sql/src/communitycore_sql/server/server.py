"""A database on a server, behind a pool of connections."""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from communitycore.kernel import forks
from communitycore.kernel.errors import CommunityCoreError, Mistake, StoreBusy, StoreUnusable
from communitycore_sql.backend import ONCE, Layout, Line
from communitycore_sql.server.address import Address
from communitycore_sql.server.line import ServerLine, Wire
from communitycore_sql.server.pool import Pool
from communitycore_sql.tables import heads


class Server(ABC):
    """See backend.Backend. PostgreSQL and MariaDB each say what is abstract here.

    errors: what the driver raises. begin_reading, begin_writing: what begins a transaction.
    lone_building: a statement that waits until nobody else changes tables. rewrite: what makes a {table} anew from the
    rows that are in it.
    """

    dialect: Dialect
    errors: tuple[type[Exception], ...]
    table_options: str = ""
    retype: str
    narrow: bool = False
    format: int | None = 1
    begin_reading: ClassVar[str]
    begin_writing: ClassVar[str]
    lone_building: ClassVar[str]
    rewrite: ClassVar[str]

    def __init__(self, address: Address) -> None:
        self.address = address
        self.url = address.url
        self.readonly = address.readonly
        self.capabilities: Mapping[str, bool | str] = {}
        self._forks = forks.passed()
        self._closed = False
        self._opened = False
        self._writing: set[int] = set()  # threads
        self._pool: Pool[Wire] = Pool(self._connected, address.pool_size)
        try:
            line = self.reading()
            try:
                self.capabilities = {
                    "threads": True,
                    "processes": True,
                    "parallel": True,
                    "scrub": "tables are made anew; the server's logs, replicas and backups are its keepers' to clear",
                    **self.look(line),
                }
                if not address.create and heads.name not in self.layout(line).tables:
                    raise self.unusable(
                        "there is no store in it; check its name, or open it once without create=False and mode=ro",
                        "其中没有数据；请核对名称，或先不带 create=False 和 mode=ro 打开一次",
                    )
            finally:
                line.end()
        except BaseException:
            self.close()
            raise
        self._opened = True

    # what each server says

    @abstractmethod
    def connect(self, *, hurried: bool) -> Wire:
        """A new connection, its session set up. hurried: no statement may take longer than it should.

        Raises the driver's errors.
        """

    @abstractmethod
    def look(self, line: Line) -> Mapping[str, bool | str]:
        """Its capabilities. Raises StoreUnusable for a server or a database that will not do."""

    @abstractmethod
    def layout(self, line: Line) -> Layout:
        """The tables, columns and indexes that are there."""

    @abstractmethod
    def trouble(self, error: BaseException) -> CommunityCoreError:
        """A driver's error as one of ours."""

    @abstractmethod
    def is_away(self, error: BaseException) -> bool:
        """Whether connecting failed only because the server is not there at this moment."""

    @abstractmethod
    def is_conflict(self, error: BaseException) -> bool:
        """Whether a constraint of the tables said no."""

    @abstractmethod
    def is_overtaken(self, error: BaseException) -> bool:
        """Whether what was to be made is there already, or what was to go is gone."""

    @abstractmethod
    def kept_nothing(self, error: BaseException) -> bool:
        """Whether this answer to COMMIT means that nothing was kept."""

    # transactions

    def reading(self) -> ServerLine:
        """A line that sees one moment, that of its first read, and waits for no writer."""
        return ServerLine(self, self._take(writing=False), self.begin_reading, writing=False)

    def writing(self, wait: bool) -> ServerLine:
        """A line that may write. `wait` is for the lock, which is its first statement.

        Raises StoreBusy if no connection comes free; Mistake if this thread writes already.
        """
        return self._writing_line(lambda: self._take(writing=True), pooled=True)

    def building(self) -> ServerLine:
        """A line for changing tables, which may take as long as it needs. Raises StoreBusy if others do so too long."""
        line = self._writing_line(lambda: self._connected(hurried=False), pooled=False)
        try:
            ((got,),) = line.all(self.lone_building)
            if got == 0:
                why, why_zh = "other processes are changing its tables", "其他进程正在修改表结构"
                raise StoreBusy(url=self.url, why=why, why_zh=why_zh)
        except BaseException:
            line.end()
            raise
        return line

    def _writing_line(self, take: Callable[[], Wire], *, pooled: bool) -> ServerLine:
        self._check_writable()
        me = threading.get_ident()
        if me in self._writing:
            raise Mistake(
                "this thread is writing already; end that transaction first, and call no hub from inside a command"
            )
        self._writing.add(me)
        try:
            return ServerLine(self, take(), self.begin_writing, writing=True, pooled=pooled)
        except BaseException:
            self._writing.discard(me)
            raise

    def give_back(self, wire: Wire, *, writing: bool, pooled: bool) -> None:
        """A line has ended."""
        if writing:
            self._writing.discard(threading.get_ident())
        if pooled:
            self._pool.give_back(wire, writing=writing, good=not wire.broken)
        else:
            wire.close()

    def _take(self, *, writing: bool) -> Wire:
        self._check_usable()
        address = self.address
        wire = self._pool.take(address.pool_seconds, writing=writing)
        if wire is None:
            raise StoreBusy(
                url=self.url,
                why=f"all {address.pool_size} connections were in use for {address.pool_seconds:g} s; raise pool_size",
                why_zh=f"{address.pool_size} 个连接在 {address.pool_seconds:g} 秒内一直被占用，可调大 pool_size",
            )
        return wire

    # connections

    def _connected(self, *, hurried: bool = True) -> Wire:
        deadline = time.monotonic() + self.address.connect_seconds
        while True:
            try:
                return self.connect(hurried=hurried)
            except self.errors as error:
                # A server that was there a moment ago is being started again.
                if not (self._opened and self.is_away(error)) or time.monotonic() >= deadline:
                    raise self.trouble(error) from error
            time.sleep(random.uniform(0.02, 0.1))

    def replaced(self, wire: Wire) -> Wire:
        """A new connection instead of a broken one."""
        return self._pool.replace(wire)

    def lost(self) -> None:
        """A connection broke: those that lie idle have most likely broken with it."""
        self._pool.drop_idle()

    def refresh(self) -> None:  # noqa: B027 - on purpose nothing
        """Nothing to do: connections remember statements, not tables."""

    def close(self) -> None:
        """Close every connection."""
        if forks.passed() != self._forks:
            raise Mistake(_FORKED)
        self._closed = True
        self._pool.close()

    def scrub(self, tables: Sequence[str]) -> None:
        """Make these tables anew. The server's logs go on holding what it wrote, until it uses their space again."""
        self._check_writable()
        wire = self._connected(hurried=False)
        try:
            for table in tables:
                wire.run("", [(self.rewrite.format(table=table), ONCE)])
        except self.errors as error:
            raise self.trouble(error) from error
        finally:
            wire.close()

    def _check_writable(self) -> None:
        self._check_usable()
        if self.readonly:
            raise self.unusable("it was opened with mode=ro, for reading alone", "以 mode=ro 打开，只能读取")

    def _check_usable(self) -> None:
        if forks.passed() != self._forks:
            raise Mistake(_FORKED)
        if self._closed:
            raise Mistake("this store is closed; open it again")

    def telling(self, layout: Layout, tables: Iterable[sa.Table]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Nothing: these planners learn by themselves."""
        return iter(())

    def unusable(self, why: str, why_zh: str) -> StoreUnusable:
        """The error for a database that cannot be used as it is."""
        return StoreUnusable(url=self.url, why=why, why_zh=why_zh)


_FORKED = "this store was inherited through fork; open one in the new process"
