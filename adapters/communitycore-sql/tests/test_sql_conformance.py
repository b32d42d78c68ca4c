"""The kit's whole proof on each database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sql_files import bytes_of

from communitycore import conformance
from communitycore.ports import Store
from communitycore_sql import open_store


class Breaking:
    """A connection whose next COMMIT breaks, once it was done or before."""

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


class TestSql(conformance.Everything):
    @pytest.fixture
    def store_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/books.db"

    def make_quick_store(self, url: str) -> Store:
        return open_store(url, durability="normal")

    def break_commit(self, store: Store, *, kept: bool) -> None:
        backend: Any = store.backend  # type: ignore[attr-defined]
        backend._writer = Breaking(backend._writer, kept=kept)

    def dump(self, store: Store, url: str) -> bytes:
        return bytes_of(Path(url.removeprefix("sqlite:///")))
