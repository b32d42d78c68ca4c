"""A MariaDB database: how it is connected to, and what it must be like."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Mapping
from typing import Any

import pymysql
from pymysql.constants import CLIENT, CR
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.engine.interfaces import Dialect

from communitycore.kernel.errors import CommunityCoreError
from communitycore_sql.backend import Layout, Line
from communitycore_sql.mariadb import trouble
from communitycore_sql.mariadb.layout import layout_of
from communitycore_sql.mariadb.wire import MariadbWire
from communitycore_sql.server.address import Address, address_of, wrong
from communitycore_sql.server.server import Server
from communitycore_sql.server.waiting import READ, waited
from communitycore_sql.tables import MARIADB_OPTIONS

NAMES = ("mariadb", "mysql", "mariadb+pymysql", "mysql+pymysql")
PASSED = ("socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify")
OLDEST = (10, 5)
ANSWER_SECONDS = 10.0  # beyond what the server itself allows a statement
IDLE_SECONDS = 300  # a process that stops dead in the midst of a call holds its lock no longer
SORT_BYTES = 1 << 16  # how much of a text is looked at when sorting: all that a searchable one may hold


class MariadbServer(Server):
    """See backend.Backend."""

    dialect: Dialect = MariaDBDialect(paramstyle="format")
    errors = (pymysql.err.MySQLError, OSError, UnicodeEncodeError)
    table_options = MARIADB_OPTIONS
    retype = "ALTER TABLE {table} MODIFY COLUMN {column} {type} {null}"
    narrow = True
    begin_reading = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    )
    rewrite = "OPTIMIZE TABLE {table}"
    begin_writing = "START TRANSACTION READ WRITE"
    # till it closes; NULL is no lock either
    lone_building = "SELECT IFNULL(GET_LOCK(CONCAT('communitycore.', MD5(DATABASE())), @@lock_wait_timeout), 0)"

    def __init__(self, url: str, **given: Any) -> None:
        address = address_of(url, given, names=NAMES, passed=PASSED)
        if address.durability != "full":
            raise wrong(
                address.url,
                "durability",
                "is the server's alone, as innodb_flush_log_at_trx_commit",
                "由服务器的 innodb_flush_log_at_trx_commit 决定",
            )
        super().__init__(address)

    def connect(self, *, hurried: bool) -> MariadbWire:
        address = self.address
        limit = address.patience + ANSWER_SECONDS if hurried else None
        passed: dict[str, Any] = dict(address.passed)
        passed.pop("socket", None)
        verify = passed.pop("ssl_verify", "").lower() in ("1", "yes", "true", "on")
        connection: pymysql.Connection[Any] = pymysql.connect(
            host=address.host or "localhost",
            user=address.user,
            password=(address.password or "").encode(),  # the driver would make Latin-1 of it
            database=address.database,
            charset="utf8mb4",
            collation="utf8mb4_nopad_bin",
            client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
            read_timeout=limit,
            write_timeout=limit,
            program_name="communitycore",
            ssl_verify_cert=verify or None,
            ssl_verify_identity=verify or None,
            defer_connect=True,
            **passed,  # pyright: ignore[reportArgumentType] - what address_of let through
        )
        plain = _socket(address)
        number = plain.fileno()  # it stays the same where the driver wraps the socket
        connection.connect(plain)
        try:
            self._check_version(connection.get_server_info())
            with connection.cursor() as cursor:
                cursor.execute("; ".join(_session(address, hurried)))
                while cursor.nextset():
                    pass
                cursor.execute("SELECT @@max_allowed_packet")
                ((packet,),) = cursor.fetchall()
            return MariadbWire(connection, number, packet)
        except BaseException:
            connection.close()
            raise

    def _check_version(self, said: str) -> None:
        found = re.search(r"(\d+)\.(\d+)\.\d+-MariaDB", said)
        if found is None:
            raise self.unusable(
                f"it is not MariaDB but {said}; MySQL lacks collations that this library needs: use MariaDB "
                f"{OLDEST[0]}.{OLDEST[1]} or later, or PostgreSQL",
                f"服务器不是 MariaDB（{said}）；MySQL 缺少所需的排序规则，请使用 MariaDB {OLDEST[0]}.{OLDEST[1]} "
                "或更高版本，或 PostgreSQL",
            )
        if (int(found[1]), int(found[2])) < OLDEST:
            raise self.unusable(
                f"it is MariaDB {found[1]}.{found[2]}; {OLDEST[0]}.{OLDEST[1]} or later is needed",
                f"服务器为 MariaDB {found[1]}.{found[2]}，需要 {OLDEST[0]}.{OLDEST[1]} 或更高版本",
            )

    def look(self, line: Line) -> Mapping[str, bool | str]:
        ((flush, logged, log_format),) = line.all("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@binlog_format")
        if logged and log_format == "STATEMENT":
            raise self.unusable(
                "its binary log takes statements; set binlog_format to ROW or MIXED",
                "服务器的二进制日志为语句格式，请将 binlog_format 设为 ROW 或 MIXED",
            )
        if flush != 1:
            return {
                "durable": f"the server runs with innodb_flush_log_at_trx_commit = {flush}: "
                "a power cut may lose the last calls"
            }
        return {"durable": True}

    def layout(self, line: Line) -> Layout:
        return layout_of(line)

    def trouble(self, error: BaseException) -> CommunityCoreError:
        return trouble.trouble_of(error, self.url)

    def is_away(self, error: BaseException) -> bool:
        return trouble.is_away(error)

    def is_conflict(self, error: BaseException) -> bool:
        return trouble.is_conflict(error)

    def is_overtaken(self, error: BaseException) -> bool:
        return trouble.is_overtaken(error)

    def kept_nothing(self, error: BaseException) -> bool:
        return trouble.number_of(error) in trouble.ROLLED_BACK


def _socket(address: Address) -> socket.socket:
    """A connected socket on which the server has begun to speak."""
    try:
        if path := address.passed.get("socket"):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(address.connect_seconds)
            made.connect(path)
        else:
            place = (address.host or "localhost", address.port or 3306)
            made = socket.create_connection(place, address.connect_seconds)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
                if hasattr(socket, name):
                    made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError as error:
        raise pymysql.err.OperationalError(CR.CR_CONN_HOST_ERROR, f"cannot connect ({error})") from error
    if not waited(made.fileno(), READ, address.connect_seconds):
        made.close()
        raise pymysql.err.OperationalError(CR.CR_SERVER_LOST, f"no greeting for {address.connect_seconds:g} s")
    return made


def _session(address: Address, hurried: bool) -> list[str]:
    """What is set in every session."""
    settings = {
        "sql_mode": "'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
        "autocommit": "0",
        "innodb_lock_wait_timeout": f"{math.ceil(address.lock_seconds)}",
        "lock_wait_timeout": f"{math.ceil(address.lock_seconds)}",
        "max_statement_time": f"{address.patience:.3f}" if hurried else "0",
        "idle_transaction_timeout": f"{IDLE_SECONDS}",
        "max_sort_length": f"{SORT_BYTES}",
        "sort_buffer_size": f"greatest(@@sort_buffer_size, {SORT_BYTES * 32})",
    }
    said = ", ".join(f"SESSION {name} = {value}" for name, value in settings.items())
    return [f"SET {said}", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"]
