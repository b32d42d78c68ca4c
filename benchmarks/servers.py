"""`tickets.report` on a database server, beside the bare driver running the same statements in one transaction.

The bare side reads what a call reads (the head with its lock, the message that may have come already) and writes the
very rows that the call wrote, with the driver's own cursor. The servers are started for this, on the loopback.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import unquote, urlsplit

from benchmarks import LeftOut
from benchmarks.desk import Bench, open_bench
from communitycore import tickets

KINDS = ("ticket", "ticket_reporter", "cc_journal")
_SERVERS = Path(__file__).parent.parent / "adapters/communitycore-sql/tests/servers.py"


def server(kind: str) -> Any:
    """A running server of this kind, as the adapter's tests start it. Raises LeftOut."""
    spec = importlib.util.spec_from_file_location("communitycore_servers", _SERVERS)
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        return module.KINDS[kind]()
    except module.Missing as missing:
        raise LeftOut(str(missing)) from missing


def connected(kind: str, url: str) -> Any:
    """The bare driver, told to leave transactions alone."""
    place = urlsplit(url)
    user, password = unquote(place.username or ""), unquote(place.password or "")
    if kind == "postgresql":
        import psycopg

        where = {"host": place.hostname, "port": place.port, "dbname": place.path[1:]}
        return psycopg.connect(**where, user=user, password=password, autocommit=True)  # type: ignore[arg-type]
    import pymysql

    return pymysql.connect(
        host=place.hostname, port=place.port or 0, user=user, password=password.encode(), database=place.path[1:],
        charset="utf8mb4", autocommit=True,
    )  # fmt: skip


class Raw:
    """The bare side of one kind of server."""

    def __init__(self, kind: str, url: str) -> None:
        self.db = connected(kind, url)
        self.sign = "`" if kind == "mariadb" else '"'
        self.begin = "BEGIN" if kind == "postgresql" else "START TRANSACTION"

    def named(self, name: str) -> str:
        """A name as this server quotes it."""
        return f"{self.sign}{name}{self.sign}"

    def all(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.db.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def columns(self, table: str) -> list[str]:
        """Its columns, in order."""
        with self.db.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {self.named(table)} WHERE 1 = 0")
            return [column[0] for column in cursor.description]

    def run(self, sql: str, values: tuple[Any, ...] = ()) -> None:
        """One statement that gives nothing."""
        with self.db.cursor() as cursor:
            cursor.execute(sql, values)

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        """These rows, each as it is."""
        marks = ", ".join(["%s"] * len(rows[0]))
        with self.db.cursor() as cursor:
            for row in rows:
                cursor.execute(f"INSERT INTO {self.named(table)} VALUES ({marks})", row)

    def report(self, rows: dict[str, list[tuple[Any, ...]]], head: tuple[Any, ...], message: str) -> None:
        """What one report does to the tables."""
        place = head[-1]
        self.run(self.begin)
        self.all("SELECT * FROM cc_heads WHERE id = %s FOR UPDATE", (place,))
        self.all("SELECT * FROM ticket_reporter WHERE jurisdiction = %s AND message = %s", (place, message))
        for table, made in rows.items():
            self.insert(table, made)
        self.run("UPDATE cc_heads SET seq = %s, hash = %s, last_at = %s WHERE id = %s", head)
        self.run("COMMIT")


@contextmanager
def _sides(kind: str) -> Iterator[tuple[Bench, Raw, Raw]]:
    running = server(kind)
    try:
        ours_url, raw_url = running.fresh(), running.fresh()
        bench = open_bench(ours_url)
        open_bench(raw_url).hub.close()
        read, raw = Raw(kind, ours_url), Raw(kind, raw_url)
        raw.run("DELETE FROM cc_journal")
        raw.run("DELETE FROM cc_heads")
        raw.insert("cc_heads", read.all("SELECT * FROM cc_heads"))
        try:
            yield bench, read, raw
        finally:
            read.db.close()
            raw.db.close()
            bench.hub.close()
    finally:
        running.close()


def _made_since(read: Raw, seq: int) -> list[tuple[dict[str, list[tuple[Any, ...]]], tuple[Any, ...], str]]:
    """What each call since `seq` wrote: rows by table, its head, and its message."""
    columns = read.columns("cc_journal")
    at = {name: columns.index(name) for name in ("seq", "cause", "kind", "record", "hash", "at", "jurisdiction")}
    message = read.columns("ticket_reporter").index("message")
    calls: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
    for entry in read.all("SELECT * FROM cc_journal WHERE seq > %s ORDER BY seq", (seq,)):
        made = calls.setdefault(entry[at["cause"]], {kind: [] for kind in KINDS})
        kind = entry[at["kind"]]
        made[kind] += read.all(f"SELECT * FROM {read.named(kind)} WHERE id = %s", (entry[at["record"]],))
        made["cc_journal"].append(entry)
    told = []
    for made in calls.values():
        last = made["cc_journal"][-1]
        head = tuple(last[at[name]] for name in ("seq", "hash", "at", "jurisdiction"))
        told.append((made, head, made["ticket_reporter"][0][message]))
    return told


def _run(kind: str, name: str, quick: bool) -> dict[str, Any]:
    rounds, each = (7, 20) if quick else (25, 40)
    ours: list[float] = []
    bare: list[float] = []
    with _sides(kind) as (bench, read, raw):
        number = 0
        for turn in range(rounds + 1):
            ((seq,),) = read.all("SELECT max(seq) FROM cc_journal")
            calls = [bench.report(number + n) for n in range(each)]
            number += each
            start = perf_counter()
            for call in calls:
                bench.clerk.do(tickets.report, **call.kwargs)
            middle = perf_counter()
            made = _made_since(read, seq)
            again = perf_counter()
            for rows, head, message in made:
                raw.report(rows, head, message)
            end = perf_counter()
            if turn:  # the first round warms up
                ours.append((middle - start) / each)
                bare.append((end - again) / each)
        assert bench.hub.verify().ok, "a benchmark's store must verify"
    return {
        "name": name,
        "ours": median(ours),
        "limit": median(bare),
        "ratio": median(b / o for o, b in zip(ours, bare, strict=True)),
        "goal": 0.7,
        "better": "higher",
        "runs": rounds,
        "note": "seconds a transaction on a server of this machine; the ratio is of speeds",
    }


def run_postgresql(quick: bool) -> dict[str, Any]:
    """One durable report a transaction on PostgreSQL, beside bare psycopg."""
    return _run("postgresql", "ticket-one-postgres", quick)


def run_mariadb(quick: bool) -> dict[str, Any]:
    """The same on MariaDB, beside bare PyMySQL."""
    return _run("mariadb", "ticket-one-mariadb", quick)
