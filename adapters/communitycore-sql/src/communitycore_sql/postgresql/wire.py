"""A connection to PostgreSQL that sends any number of statements in one trip.

libpq's pipeline mode is used directly, through `psycopg.pq`: with cursors, a pipeline takes longer than the trips
that it saves. Statements are prepared when first used and from then on sent by name; values go as text.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, cast

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from communitycore.kernel.shape import Row
from communitycore_sql.backend import Statement
from communitycore_sql.postgresql.trouble import STALE_PLAN
from communitycore_sql.server.waiting import READ, WRITE, readable, waited

_COMMAND_OK, _TUPLES_OK = pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK
_SYNC, _FATAL = pq.ExecStatus.PIPELINE_SYNC, pq.ExecStatus.FATAL_ERROR
_BAD = pq.ConnStatus.BAD


class Silent(psycopg.OperationalError):
    """The server did not answer in the time in which it must."""


class PostgresqlWire:
    """See server.line.Wire. seconds: how long an answer may take, or None."""

    def __init__(self, connection: psycopg.Connection[Any], seconds: float | None) -> None:
        self.broken = False
        self.reused = False
        self._connection = connection
        self._pgconn = connection.pgconn
        self._socket = self._pgconn.socket
        self._readable = readable(self._socket)
        self._seconds = seconds
        self._loader = Transformer(connection)
        self._names: dict[str, bytes] = {}
        self._owed = 0  # answers that nobody waited for
        self._pgconn.enter_pipeline_mode()

    def all(self, begin: str, sql: str, values: Sequence[object]) -> list[Row]:
        result = self._ask(begin, ((sql, (values,)),))[-1]
        self._loader.set_pgresult(result)
        found: list[Row] = self._loader.load_rows(0, result.ntuples, tuple)
        return found

    def run(self, begin: str, statements: Sequence[Statement]) -> list[int]:
        results = iter(self._ask(begin, statements))
        return [sum(next(results).command_tuples or 0 for _ in rows) for _, rows in statements]

    def commit(self) -> None:
        result = self._ask("", (("COMMIT", ((),)),))[-1]
        if result.command_status != b"COMMIT":  # it answers ROLLBACK where a statement had failed before
            raise psycopg.errors.InFailedSqlTransaction("the transaction had failed, and was rolled back")

    def rollback(self) -> None:
        """Does not wait for the answer: it is read with the next one."""
        self.broken = True
        self._pgconn.send_query_params(b"ROLLBACK", None)
        self._pgconn.pipeline_sync()
        self._flush()
        self._owed += 1
        self.broken = False

    def alive(self) -> bool:
        """What came without being asked for is an answer that was owed, or the connection's end."""
        try:
            while self._readable(0):
                self._pgconn.consume_input()
        except psycopg.Error:
            return False
        return bool(self._pgconn.status != _BAD)

    def close(self) -> None:
        self.broken = True
        self._connection.close()

    # there and back

    def _ask(self, begin: str, statements: Iterable[Statement]) -> list[pq.abc.PGresult]:
        """One result for each run of each statement. Raises for the first error, once all answers are read."""
        pgconn, names = self._pgconn, self._names
        asked = [(sql, [[_sent(value) for value in values] for values in rows]) for sql, rows in statements]
        self.broken = True
        fresh: dict[str, bytes] = {}
        sent: list[str] = []  # what each answer will be of: a statement's run (""), or something else
        if begin:
            pgconn.send_query_params(begin.encode(), None)
            sent.append(begin)
        for sql, rows in asked:
            if not rows[0]:
                pgconn.send_query_params(sql.encode(), None)
                sent.append("")
                continue
            name = names.get(sql) or fresh.get(sql)
            if name is None:
                name = fresh[sql] = b"cc%d" % (len(names) + len(fresh))
                pgconn.send_prepare(name, sql.encode())
                sent.append(sql)
            for values in rows:
                pgconn.send_query_prepared(name, values)
            sent += [""] * len(rows)
        pgconn.pipeline_sync()
        self._flush()
        results = self._answers()
        self.broken = False
        for what, result in zip(sent, results, strict=True):
            if (status := result.status) != _COMMAND_OK and status != _TUPLES_OK:
                error = _error(result)
                self.broken = error.sqlstate == STALE_PLAN  # and so would every later run of what is prepared here
                raise error
            if what in fresh:
                names[what] = fresh[what]
        return [result for what, result in zip(sent, results, strict=True) if not what]

    def _answers(self) -> list[pq.abc.PGresult]:
        """The results up to the mark that ends this trip."""
        pgconn = self._pgconn
        results: list[pq.abc.PGresult] = []
        ended = False
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        while True:
            if pgconn.is_busy():
                self._receive(deadline, results)
            result = pgconn.get_result()
            if result is None:
                # One stands behind each statement's result; two mean that nothing will come.
                if ended or pgconn.status == _BAD:
                    raise self._gone(results)
                ended = True
                continue
            ended = False
            if result.status != _SYNC:
                results.append(result)
            elif not self._owed:
                return results
            else:
                self._owed -= 1
                results.clear()

    def _receive(self, deadline: float | None, results: list[pq.abc.PGresult]) -> None:
        pgconn = self._pgconn
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or not self._readable(left):
                raise Silent(f"no answer for {self._seconds:g} s")
            try:
                pgconn.consume_input()
            except psycopg.OperationalError as error:
                raise self._gone(results) from error
            if not pgconn.is_busy():
                return

    def _flush(self) -> None:
        """Hand everything over. The server may have to be read meanwhile, or it would stop reading."""
        pgconn = self._pgconn
        while pgconn.flush():
            ready = waited(self._socket, READ | WRITE, self._seconds)
            if not ready:
                raise Silent(f"nothing was taken for {self._seconds:g} s")
            if ready & READ:
                pgconn.consume_input()

    def _gone(self, results: list[pq.abc.PGresult]) -> psycopg.Error:
        """The error for a connection that ended; it may have said why."""
        for result in reversed(results):
            if result.status == _FATAL:
                return _error(result)
        return psycopg.OperationalError(self._pgconn.get_error_message() or "the connection was closed")


def _sent(value: object) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return b"%d" % cast(int, value)
    data = value.encode()
    if b"\0" in data:
        raise psycopg.DataError("text cannot contain NUL")  # libpq would end it there
    return data


def _error(result: pq.abc.PGresult) -> psycopg.Error:
    """The server's error, without its details: they repeat what a row holds."""
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    said = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
    try:
        kind: type[psycopg.Error] = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.OperationalError
    error = kind(said or result.get_error_message())
    error.sqlstate = state or None
    return error
