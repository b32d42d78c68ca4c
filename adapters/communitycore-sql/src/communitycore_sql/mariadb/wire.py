"""A connection to MariaDB that sends any number of statements in one trip: as one text, parted by semicolons."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pymysql
from pymysql.constants import CR, ER
from pymysql.constants.SERVER_STATUS import SERVER_STATUS_NO_BACKSLASH_ESCAPES

from communitycore.kernel.shape import Row
from communitycore_sql.backend import Statement
from communitycore_sql.server.waiting import READ, waited

TEXT_BYTES = 4 << 20  # how much goes into one trip if it may be parted
ROWS_BYTES = 1 << 20  # how much goes into one INSERT
MARGIN = 4_096
KILLED = 1927
_VALUE = re.compile(r"(entry|value:?) '.*' for", re.DOTALL)
_ENDS = (ER.SERVER_SHUTDOWN, ER.NET_PACKET_TOO_LARGE, KILLED, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST)


class MariadbWire:
    """See server.line.Wire. packet: how many bytes the server takes at once."""

    def __init__(self, connection: pymysql.Connection[Any], socket: int, packet: int) -> None:
        told: int = connection.server_status  # type: ignore[attr-defined, unused-ignore] # pyright: ignore[reportAttributeAccessIssue]
        if not told & SERVER_STATUS_NO_BACKSLASH_ESCAPES:
            raise pymysql.err.InternalError(0, "the session would take a backslash for more than a backslash")
        self.broken = False
        self.reused = False
        self._connection = connection
        self._socket = socket
        self._cursor = connection.cursor()
        self._packet = packet

    def all(self, begin: str, sql: str, values: Sequence[object]) -> list[Row]:
        try:
            *_, (_, found) = self._ask([*_parts(begin), _text(sql, values)])
        except pymysql.err.OperationalError as error:
            if error.args[0] == ER.CANT_AGGREGATE_2COLLATIONS:
                return []  # an id is ASCII: no text beyond it is one
            raise
        return list(found)

    def run(self, begin: str, statements: Sequence[Statement]) -> list[int]:
        texts = _parts(begin)
        before = len(texts)
        of: list[int] = []
        for n, (sql, rows) in enumerate(statements):
            made = list(_texts(sql, rows))
            texts += made
            of += [n] * len(made)
        counts = [0] * len(statements)
        for n, (count, _) in zip(of, self._ask(texts)[before:], strict=True):
            counts[n] += count
        return counts

    def commit(self) -> None:
        self._ask([b"COMMIT"])

    def rollback(self) -> None:
        self._ask([b"ROLLBACK"])

    def alive(self) -> bool:
        """What comes without being asked for is the connection's end."""
        return not waited(self._socket, READ, 0)

    def close(self) -> None:
        self.broken = True
        with contextlib.suppress(pymysql.err.Error, OSError):
            self._connection.close()

    # there and back

    def _ask(self, texts: Iterable[bytes]) -> list[tuple[int, Sequence[Row]]]:
        """How many rows each text found or made, and which."""
        answers: list[tuple[int, Sequence[Row]]] = []
        cursor = self._cursor
        self.broken = True
        try:
            for packet in self._packets(texts):
                cursor.execute(packet)
                answers.append((cursor.rowcount, cursor.fetchall()))
                while cursor.nextset():
                    answers.append((cursor.rowcount, cursor.fetchall()))
        except pymysql.err.MySQLError as error:
            self.broken = not self._connection.open or (bool(error.args) and error.args[0] in _ENDS)
            if (plain := _discreet(error)) is not error:
                raise plain from None
            raise
        self.broken = False
        return answers

    def _packets(self, texts: Iterable[bytes]) -> Iterator[bytes]:
        packet = b""
        most = min(TEXT_BYTES, self._packet - MARGIN)
        for text in texts:
            if len(text) > self._packet - MARGIN:
                said = f"{len(text)} bytes, and max_allowed_packet is {self._packet}"
                raise pymysql.err.DataError(ER.NET_PACKET_TOO_LARGE, said)
            if packet and len(packet) + len(text) >= most:
                yield packet
                packet = b""
            packet = packet + b";" + text if packet else text
        if packet:
            yield packet


def _discreet(error: pymysql.err.MySQLError) -> pymysql.err.MySQLError:
    """The same error without the value that it repeats: nothing of a row stands in a log."""
    if len(error.args) != 2:
        return error
    said = _VALUE.sub(r"\1 for", str(error.args[1]))
    return error if said == error.args[1] else type(error)(error.args[0], said)


def _parts(begin: str) -> list[bytes]:
    return [part.encode() for part in begin.split("; ") if part]


def _text(sql: str, values: Sequence[object]) -> bytes:
    return (sql % tuple(map(_literal, values)) if values else sql).encode()


def _texts(sql: str, rows: Sequence[Sequence[object]]) -> Iterator[bytes]:
    """The runs of a statement; rows that are inserted share one."""
    start, values, row = sql.partition(" VALUES ")
    if len(rows) == 1 or not values or not sql.startswith("INSERT"):
        yield from (_text(sql, each) for each in rows)
        return
    head = (start + values).encode()
    texts: list[bytes] = []
    size = 0
    for each in rows:
        text = _text(row, each)
        if texts and size + len(text) > ROWS_BYTES:
            yield head + b", ".join(texts)
            texts, size = [], 0
        texts.append(text)
        size += len(text)
    yield head + b", ".join(texts)


def _literal(value: object) -> str:
    """As it stands in a statement. The session takes a backslash for itself, so a quote is all that must be told."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else f"{value:d}"
