"""SQL stores for communitycore, found by URL scheme: SQLite, PostgreSQL, MariaDB.

import communitycore as cc
hub = cc.open("sqlite:///district.db")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from communitycore.kernel.errors import NoAdapter, StoreUnusable
from communitycore_sql.store import SqlStore

if TYPE_CHECKING:
    from communitycore_sql.backend import Backend

__version__ = "0.1.0"

__all__ = ["SqlStore", "open_store"]


def open_store(
    url: str,
    *,
    create: bool | None = None,
    durability: str | None = None,
    busy_seconds: float | None = None,
    password: str | None = None,
    pool_size: int | None = None,
    pool_seconds: float | None = None,
    connect_seconds: float | None = None,
    lock_seconds: float | None = None,
    statement_seconds: float | None = None,
) -> SqlStore:
    """The store at `url`: a SQLite file, which is made if absent, or a database on a server, which is not.

    create: False refuses a file that is not there, or a database that is still empty. durability: "full" (the
    default) keeps every acknowledged call through a power cut; "normal" may lose the last ones then, but never half
    of one; not for MariaDB, whose server decides.

    `sqlite:///f.db` only: busy_seconds: how long a call waits for another that is being written; 30 unless given.

    `postgresql://user@host/database`, `mariadb://…` (or `mysql://…`) only: password: where it shall not stand in
    the URL. pool_size: how many connections at most, 10 unless given, the last one for reading alone. Of the times,
    in seconds: pool_seconds (30) for a connection to come free; connect_seconds (10) for connecting, also to a server
    that is being started again; lock_seconds (30) for another that is being written in the same jurisdiction;
    statement_seconds (60) for one statement.

    The URL may say the same: `sqlite:///f.db?durability=normal&busy_seconds=5`; what is given here wins.
    `?mode=ro` opens for reading alone.
    Raises StoreUnusable, saying what to do; StoreBusy if another process holds the file for itself, or if the
    server does not answer; NoAdapter if its driver is not installed.
    """
    given = {
        "create": create,
        "durability": durability,
        "busy_seconds": busy_seconds,
        "password": password,
        "pool_size": pool_size,
        "pool_seconds": pool_seconds,
        "connect_seconds": connect_seconds,
        "lock_seconds": lock_seconds,
        "statement_seconds": statement_seconds,
    }
    return SqlStore(_backend(url, {name: value for name, value in given.items() if value is not None}))


def _backend(url: str, given: dict[str, Any]) -> Backend:
    scheme = url.partition("://")[0].partition("+")[0]
    if scheme == "postgresql":
        try:
            import psycopg  # noqa: F401 - only asked whether it is there
        except ImportError as error:
            raise _no_driver(scheme, "postgresql", error) from error
        from communitycore_sql.postgresql import PostgresqlServer

        return PostgresqlServer(url, **given)
    if scheme in ("mariadb", "mysql"):
        try:
            import pymysql  # noqa: F401 - only asked whether it is there
        except ImportError as error:
            raise _no_driver(scheme, "mariadb", error) from error
        from communitycore_sql.mariadb import MariadbServer

        return MariadbServer(url, **given)
    from communitycore_sql.sqlite import SqliteFile

    if strange := sorted(given.keys() - {"create", "durability", "busy_seconds"}):
        raise StoreUnusable(
            url="sqlite://",
            why=f"the option {strange[0]} is for servers alone",
            why_zh=f"选项 {strange[0]} 仅用于数据库服务器",
        )
    return SqliteFile(url, **given)


def _no_driver(scheme: str, extra: str, error: ImportError) -> NoAdapter:
    install = f'pip install "communitycore-sql[{extra}]"'
    return NoAdapter(
        url=f"{scheme}://",
        why=f"Its driver is missing ({error}). Install it with: {install}",
        why_zh=f"缺少驱动（{error}），请安装：{install}",
    )
