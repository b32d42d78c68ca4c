"""`tickets.report` on SQLite, beside raw sqlite3 writing the very same rows into the same tables.

Each round first does its calls through a hub, timed; then reads back the rows that they made and writes those,
computed beforehand, through one bare connection into a second file with the same tables and indexes, timed.
Both commit at synchronous=FULL.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.desk import Bench, open_bench
from communitycore import tickets

KINDS = ("ticket", "ticket_reporter", "cc_journal")
LEAST_COMMIT_MS = 0.2
HUNDRED = 100


class Raw:
    """The bare side: one connection, statements made once."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA synchronous=FULL")
        self.insert: dict[str, str] = {}

    def statement(self, table: str, width: int) -> str:
        """Its INSERT."""
        if table not in self.insert:
            self.insert[table] = f'INSERT INTO "{table}" VALUES ({", ".join("?" * width)})'
        return self.insert[table]

    def write(self, rows: dict[str, list[tuple[Any, ...]]], head: tuple[Any, ...]) -> None:
        """One transaction."""
        self.db.execute("BEGIN IMMEDIATE")
        for table, made in rows.items():
            self.db.executemany(self.statement(table, len(made[0])), made)
        self.db.execute('UPDATE "cc_heads" SET seq = ?, hash = ?, last_at = ? WHERE id = ?', head)
        self.db.execute("COMMIT")


@contextmanager
def _sides() -> Iterator[tuple[Bench, sqlite3.Connection, Raw]]:
    with tempfile.TemporaryDirectory() as folder:
        ours = open_bench(f"sqlite:///{folder}/ours.db")
        open_bench(f"sqlite:///{folder}/raw.db").hub.close()
        read = sqlite3.connect(f"{folder}/ours.db")
        raw = Raw(Path(folder, "raw.db"))
        raw.db.executescript('DELETE FROM "cc_journal"; DELETE FROM "cc_heads"')
        raw.db.executemany(
            f'INSERT INTO "cc_heads" VALUES ({", ".join("?" * len(_columns(read, "cc_heads")))})',
            read.execute('SELECT * FROM "cc_heads"').fetchall(),
        )
        try:
            yield ours, read, raw
        finally:
            read.close()
            raw.db.close()
            ours.hub.close()


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]


def _made_since(db: sqlite3.Connection, seq: int) -> list[tuple[dict[str, list[tuple[Any, ...]]], tuple[Any, ...]]]:
    """What each call since `seq` wrote: rows by table, and its head."""
    columns = _columns(db, "cc_journal")
    at = {name: columns.index(name) for name in ("seq", "cause", "kind", "record", "hash", "at", "jurisdiction")}
    calls: dict[str, dict[str, list[tuple[Any, ...]]]] = {}
    for entry in db.execute('SELECT * FROM "cc_journal" WHERE seq > ? ORDER BY seq', (seq,)):
        made = calls.setdefault(entry[at["cause"]], {kind: [] for kind in KINDS})
        kind = entry[at["kind"]]
        made[kind] += db.execute(f'SELECT * FROM "{kind}" WHERE id = ?', (entry[at["record"]],)).fetchall()
        made["cc_journal"].append(entry)
    heads = []
    for made in calls.values():
        last = made["cc_journal"][-1]
        heads.append(tuple(last[at[name]] for name in ("seq", "hash", "at", "jurisdiction")))
    return list(zip(calls.values(), heads, strict=True))


def _commit_ms(raw: Raw) -> float:
    raw.db.execute("CREATE TABLE IF NOT EXISTS probe (n)")
    taken = []
    for n in range(40):
        start = perf_counter()
        raw.db.execute("BEGIN IMMEDIATE")
        raw.db.execute("INSERT INTO probe VALUES (?)", (n,))
        raw.db.execute("COMMIT")
        taken.append(perf_counter() - start)
    return median(taken) * 1000


def _figure(name: str, goal: float, ours: list[float], bare: list[float], commit_ms: float) -> dict[str, Any]:
    quick_disk = f"; the disk commits in {commit_ms:.2f} ms" + (
        "" if commit_ms >= LEAST_COMMIT_MS else f", too quick to judge by (at least {LEAST_COMMIT_MS} ms are asked)"
    )
    # Rounds stand beside each other, so that a disk whose speed drifts bears on both alike.
    ratio = median(b / o for o, b in zip(ours, bare, strict=True))
    return {
        "name": name,
        "ours": median(ours),
        "limit": median(bare),
        "ratio": ratio,
        "goal": goal,
        "better": "higher",
        "runs": len(ours),
        "note": f"seconds a transaction; the ratio is of speeds{quick_disk}",
    }


def run_one(quick: bool) -> dict[str, Any]:
    """One durable report a transaction."""
    rounds, each = (7, 20) if quick else (25, 40)
    ours: list[float] = []
    bare: list[float] = []
    with _sides() as (bench, read, raw):
        number = 0
        for turn in range(rounds + 1):
            seq = read.execute('SELECT max(seq) FROM "cc_journal"').fetchone()[0]
            calls = [bench.report(number + n) for n in range(each)]
            number += each
            start = perf_counter()
            for call in calls:
                bench.clerk.do(tickets.report, **call.kwargs)
            middle = perf_counter()
            made = _made_since(read, seq)
            again = perf_counter()
            for rows, head in made:
                raw.write(rows, head)
            end = perf_counter()
            if turn:  # the first round warms up
                ours.append((middle - start) / each)
                bare.append((end - again) / each)
        commit_ms = _commit_ms(raw)
        assert bench.hub.verify().ok, "a benchmark's store must verify"
    return _figure("ticket-one", 0.65, ours, bare, commit_ms)


def run_hundred(quick: bool) -> dict[str, Any]:
    """A hundred reports in one transaction."""
    rounds = 7 if quick else 25
    ours: list[float] = []
    bare: list[float] = []
    with _sides() as (bench, read, raw):
        for turn in range(rounds + 1):
            seq = read.execute('SELECT max(seq) FROM "cc_journal"').fetchone()[0]
            calls = [bench.report(turn * HUNDRED + n) for n in range(HUNDRED)]
            start = perf_counter()
            outcomes = bench.clerk.do_many(calls)
            middle = perf_counter()
            for outcome in outcomes:
                outcome.get()
            made = _made_since(read, seq)
            together = {kind: [row for rows, _ in made for row in rows[kind]] for kind in KINDS}
            again = perf_counter()
            raw.write(together, made[-1][1])
            end = perf_counter()
            if turn:
                ours.append(middle - start)
                bare.append(end - again)
        commit_ms = _commit_ms(raw)
        assert bench.hub.verify().ok, "a benchmark's store must verify"
    return _figure("ticket-hundred", 0.4, ours, bare, commit_ms)
