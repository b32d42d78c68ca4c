"""The kit's whole proof, on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from cutting import Cutting
from sql_files import bytes_of

from communitycore import conformance
from communitycore.ports import Store
from communitycore_sql import open_store


class TestSql(conformance.Everything):
    server: servers.Server | None = None
    line: Cutting | None = None

    @pytest.fixture(autouse=True)
    def line_to_server(self, database: str, request: pytest.FixtureRequest) -> Iterator[None]:
        """Where a COMMIT must break, the way to a server leads over a line that can be cut."""
        if database != "sqlite":
            self.server = request.getfixturevalue(database)
        if self.server is not None and hasattr(conformance.LostCommits, request.node.originalname):
            self.line = Cutting(self.server.port)
        yield
        if self.line is not None:
            self.line.close()

    @pytest.fixture(scope="class")
    @classmethod
    def one_url(cls, fresh_url: Callable[[], str]) -> str:
        """One store for all tests that keep to jurisdictions of their own: servers take a while to make another."""
        return fresh_url()

    @pytest.fixture
    def store_url(self, one_url: str) -> str:
        return one_url if self.line is None else self.line.through(one_url)

    @pytest.fixture
    def new_store_url(self, fresh_url: Callable[[], str]) -> Callable[[], str]:
        return lambda: fresh_url() if self.line is None else self.line.through(fresh_url())

    def make_quick_store(self, url: str) -> Store:
        return open_store(url, **({"durability": "normal"} if url.startswith("sqlite") else {}))

    def break_commit(self, store: Store, *, kept: bool) -> None:
        if self.line is not None:
            self.line.cut, self.line.after = servers.commit_of(store.url), kept
            return
        backend: Any = store.backend  # type: ignore[attr-defined]
        backend._writer = Breaking(backend._writer, kept=kept)

    def dump(self, store: Store, url: str) -> bytes:
        return bytes_of(Path(url.removeprefix("sqlite:///"))) if self.server is None else self.server.dump(url)


class Breaking:
    """A connection to a file whose next COMMIT breaks, once it was done or before."""

    def __init__(self, connection: sqlite3.Connection, *, kept: bool) -> None:
        self.connection, self.kept, self.broken = connection, kept, False

    def execute(self, sql: str, *values: object) -> object:
        if sql == "COMMIT" and not self.broken:
            self.broken = True
            if self.kept:
                self.connection.execute(sql)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR  # type: ignore[misc]
            raise error
        return self.connection.execute(sql, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self.connection, name)
