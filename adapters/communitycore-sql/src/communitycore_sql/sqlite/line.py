"""A SQLite connection inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from communitycore.kernel.errors import CommunityCoreError
from communitycore.kernel.shape import Row
from communitycore_sql.backend import Conflict, Statement

ERRORS = (sqlite3.Error, UnicodeEncodeError, OverflowError)


class SqliteLine:
    """See backend.Line. Its backend says how it is committed and given back."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        trouble: Callable[[BaseException], CommunityCoreError],
        commit: Callable[[sqlite3.Connection, str], None],
        give_back: Callable[[sqlite3.Connection], None],
    ) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self._trouble = trouble
        self._commit = commit
        self._give_back = give_back

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        try:
            found: list[Row] = self.cursor.execute(sql, values).fetchall()
        except ERRORS as error:
            raise self._trouble(error) from error
        return found

    def run(self, statements: Sequence[Statement]) -> list[int]:
        cursor = self.cursor
        counts: list[int] = []
        try:
            for sql, rows in statements:
                done = cursor.execute(sql, rows[0]) if len(rows) == 1 else cursor.executemany(sql, rows)
                counts.append(done.rowcount)
        except sqlite3.IntegrityError as error:
            raise Conflict(self._trouble(error)) from error
        except ERRORS as error:
            raise self._trouble(error) from error
        return counts

    def restart(self) -> None:
        try:
            self.cursor.execute("ROLLBACK")
            self.cursor.execute("BEGIN")
        except ERRORS as error:
            raise self._trouble(error) from error

    def commit(self, cause: str) -> None:
        self._commit(self.connection, cause)

    def end(self) -> None:
        # A traceback may keep this object for long, and an open cursor keeps a closed file open.
        try:
            self.cursor.close()
        finally:
            self._give_back(self.connection)
