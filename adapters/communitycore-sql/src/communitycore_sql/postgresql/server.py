"""A PostgreSQL database: how it is connected to, and what it must be like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine.interfaces import Dialect

from communitycore.kernel.errors import CommunityCoreError, StoreUnusable
from communitycore_sql.backend import Layout, Line
from communitycore_sql.postgresql import trouble
from communitycore_sql.postgresql.layout import layout_of
from communitycore_sql.postgresql.wire import PostgresqlWire
from communitycore_sql.server.address import Address, address_of
from communitycore_sql.server.server import Server

NAMES = ("postgresql", "postgresql+psycopg")
# What libpq may be told in the URL: https://www.postgresql.org/docs/current/libpq-connect.html
PASSED = (
    *("host", "hostaddr", "port", "service", "passfile", "application_name", "target_session_attrs"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation", "channel_binding", "gssencmode"),
)
OLDEST, OLDEST_LIBPQ = 13, 14
ANSWER_SECONDS = 10.0  # beyond what the server itself allows a statement
IDLE_SECONDS = 300  # a process that stops dead in the midst of a call holds its lock no longer


class PostgresqlServer(Server):
    """See backend.Backend."""

    dialect: Dialect = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped
    errors = (psycopg.Error, UnicodeEncodeError)
    retype = "ALTER TABLE {table} ALTER COLUMN {column} TYPE {type}"
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    rewrite = "VACUUM (FULL) {table}"
    begin_writing = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    lone_building = "SELECT pg_advisory_xact_lock(hashtext('communitycore'), hashtext(current_schema()::text))"

    def __init__(self, url: str, **given: Any) -> None:
        address = address_of(url, given, names=NAMES, passed=PASSED)
        if pq.version() < OLDEST_LIBPQ * 10_000:
            raise StoreUnusable(
                url=address.url,
                why=f"libpq {OLDEST_LIBPQ} or later is needed: pip install 'psycopg[binary]'",
                why_zh=f"需要 libpq {OLDEST_LIBPQ} 或更高版本：pip install 'psycopg[binary]'",
            )
        super().__init__(address)

    def connect(self, *, hurried: bool) -> PostgresqlWire:
        address = self.address
        given = {"host": address.host, "port": address.port, "user": address.user, "password": address.password}
        words = {
            "application_name": "communitycore",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            **{name: value for name, value in given.items() if value is not None},
            **address.passed,
            "dbname": address.database,
            "client_encoding": "UTF8",
            "connect_timeout": max(2, math.ceil(address.connect_seconds)),
            "options": " ".join(f"-c {name}={value}" for name, value in _session(address, hurried).items()),
        }
        try:
            connection = psycopg.connect(**words, autocommit=True)  # type: ignore[arg-type] # str or int, as it takes
        except psycopg.OperationalError as error:
            raise trouble.told(error) from error.__cause__
        return PostgresqlWire(connection, address.patience + ANSWER_SECONDS if hurried else None)

    def look(self, line: Line) -> Mapping[str, bool | str]:
        ((number, encoding, schema, fsync, pages, commits),) = line.all(
            "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'), "
            "current_schema(), current_setting('fsync'), current_setting('full_page_writes'), "
            "current_setting('synchronous_commit')"
        )
        if number < OLDEST * 10_000:
            raise self.unusable(
                f"it is PostgreSQL {number // 10_000}; {OLDEST} or later is needed",
                f"服务器为 PostgreSQL {number // 10_000}，需要 {OLDEST} 或更高版本",
            )
        if encoding != "UTF8":
            raise self.unusable(
                f"its encoding is {encoding}; create the database with ENCODING 'UTF8'",
                f"数据库编码为 {encoding}，请以 ENCODING 'UTF8' 创建数据库",
            )
        if schema is None:
            raise self.unusable(
                "the search path names no schema; set it for this user", "search_path 中没有可用的模式，请为该用户设置"
            )
        if self.address.durability == "normal":
            return {"durable": "durability=normal: a power cut may lose the last calls"}
        for name, value in (("fsync", fsync), ("full_page_writes", pages), ("synchronous_commit", commits)):
            if value == "off":
                return {"durable": f"the server runs with {name} = off: a power cut may lose or damage data"}
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
        return True  # an error that leaves the connection whole has rolled back


def _session(address: Address, hurried: bool) -> dict[str, str]:
    """Settings of every session. A limit of 0 would be none."""
    return {
        "lock_timeout": f"{max(1, round(address.lock_seconds * 1_000))}",
        "statement_timeout": f"{max(1, round(address.patience * 1_000))}" if hurried else "0",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS * 1_000}",
        "synchronous_commit": "on" if address.durability == "full" else "off",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        "jit": "off",  # compiling takes longer than any of our statements
        # Each of our statements is a look into an index, in whose order its rows come. Until a table is analysed, the
        # planner takes a jurisdiction for a few rows, and would rather gather all of them to sort or to match.
        "enable_bitmapscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
    }
