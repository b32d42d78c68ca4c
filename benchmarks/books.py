"""A fund's books: a settlement beside raw sqlite3 writing the very same rows, and a statement over many postings."""

from __future__ import annotations

import sqlite3
import tempfile
import tracemalloc
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from attrs import frozen

import communitycore as cc
from communitycore import funds, people, places
from communitycore.domain.funds import AccountType, LedgerKind, Posting
from communitycore.domain.roles import ACCOUNTANT
from communitycore.hub.desk import Desk
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.money import Money
from communitycore.kernel.splits import ratio, rest

ROOMS = (places.ROOM, people.ROOM, funds.ROOM)
CODE = "370115002027"


@frozen
class Fund:
    """A ledger with a rule by which yoga's takings are split."""

    desk: Desk
    ledger: funds.Ledger
    accounts: tuple[funds.Account, ...]


def make_fund(hub: cc.Hub) -> Fund:
    """A community with a fund, and its rule."""
    home = hub.found(CODE, name="新元社区", level="community").id
    desk = hub.desk(home, hub.administrator(home))
    desk.do(give, holder=desk.actor, role=ACCOUNTANT)
    ledger = desk.do(funds.open_ledger, name="新元社区基金", kind=LedgerKind.COMMUNITY_FUND)
    wanted = (
        ("应付：老师", AccountType.LIABILITY),
        ("分成收入", AccountType.INCOME),
        ("应付：场地", AccountType.LIABILITY),
    )
    accounts = tuple(desk.do(funds.open_account, ledger.id, name=name, type=type) for name, type in wanted)
    partner, income, venue = (account.id for account in accounts)
    shares = (ratio(partner, "0.6"), ratio(income, "0.3"), rest(venue))
    desk.do(funds.agree, ledger.id, name="瑜伽", agreement="协议", shares=shares)
    return Fund(desk, ledger, accounts)


def run_settle(quick: bool) -> dict[str, Any]:
    """One durable settlement a transaction; the raw side replaces and inserts the same rows in one of its own."""
    rounds, each = (7, 20) if quick else (25, 40)
    with tempfile.TemporaryDirectory() as folder:
        ours, raw = Path(folder, "ours.db"), Path(folder, "raw.db")
        with cc.open(f"sqlite:///{ours}", rooms=ROOMS) as hub:
            fund = make_fund(hub)
            cc.open(f"sqlite:///{raw}", rooms=ROOMS).close()
            read, bare = sqlite3.connect(ours, isolation_level=None), sqlite3.connect(raw, isolation_level=None)
            _copy(bare, ours)
            bare.execute("PRAGMA synchronous=FULL")
            taken: list[tuple[float, float]] = []
            for turn in range(rounds + 1):
                pairs = [_both(fund, read, bare, turn * each + n) for n in range(each)]
                if turn:
                    taken.append((sum(o for o, _ in pairs) / each, sum(b for _, b in pairs) / each))
            read.close()
            bare.close()
            assert hub.verify().ok, "a benchmark's store must verify"
    return {
        "name": "settle",
        "ours": median(o for o, _ in taken),
        "limit": median(b for _, b in taken),
        "ratio": median(b / o for o, b in taken),
        "goal": 0.5,
        "better": "higher",
        "runs": rounds,
        "note": "seconds a settlement; the ratio is of speeds",
    }


def _copy(bare: sqlite3.Connection, ours: Path) -> None:
    bare.execute("ATTACH ? AS ours", (f"{ours}",))
    for (name,) in bare.execute("SELECT name FROM ours.sqlite_master WHERE type = 'table'").fetchall():
        if not name.startswith("sqlite_"):
            bare.execute(f'DELETE FROM main."{name}"')
            bare.execute(f'INSERT INTO main."{name}" SELECT * FROM ours."{name}"')
    bare.execute("DETACH ours")


def _both(fund: Fund, read: sqlite3.Connection, bare: sqlite3.Connection, n: int) -> tuple[float, float]:
    home = fund.desk.jurisdiction
    (seq,) = read.execute('SELECT max(seq) FROM "cc_journal" WHERE jurisdiction = ?', (home,)).fetchone()
    source = cc.Ref(home, f"evening-{n}")
    start = perf_counter()
    fund.desk.do(funds.settle, fund.ledger.id, rule="瑜伽", takings=Money(12_345 + n), source=source, text="夜课")
    ours = perf_counter() - start
    columns = [row[1] for row in read.execute('PRAGMA table_info("cc_journal")')]
    kind, record = columns.index("kind"), columns.index("record")
    entries = read.execute(
        'SELECT * FROM "cc_journal" WHERE jurisdiction = ? AND seq > ? ORDER BY seq', (home, seq)
    ).fetchall()
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for entry in entries:
        rows.setdefault(entry[kind], []).extend(
            read.execute(f'SELECT * FROM "{entry[kind]}" WHERE id = ?', (entry[record],))
        )
    head = read.execute('SELECT seq, hash, last_at, id FROM "cc_heads" WHERE id = ?', (home,)).fetchone()
    start = perf_counter()
    bare.execute("BEGIN IMMEDIATE")
    for table, made in rows.items():
        bare.executemany(f'REPLACE INTO "{table}" VALUES ({", ".join("?" * len(made[0]))})', made)
    bare.executemany(f'INSERT INTO "cc_journal" VALUES ({", ".join("?" * len(columns))})', entries)
    bare.execute('UPDATE "cc_heads" SET seq = ?, hash = ?, last_at = ? WHERE id = ?', head)
    bare.execute("COMMIT")
    return ours, perf_counter() - start


def run_statement(quick: bool) -> dict[str, Any]:
    """A statement over 100,000 postings (quick: 10,000), in seconds: balances are kept, not summed."""
    postings = 10_000 if quick else 100_000
    with cc.open("memory://", rooms=ROOMS) as hub:
        fund = make_fund(hub)
        fund.desk.do(funds.donate, fund.ledger.id, amount=Money(10**9), purpose="x")
        a, b, c = (account.id for account in fund.accounts)
        lines = (
            Posting(a, 3),
            Posting(b, 3),
            Posting(c, 4),
            Posting(fund.ledger.gifts, -15),
            Posting(fund.ledger.bank, 5),
        )
        calls = (funds.post.call(fund.ledger.id, text="x", postings=lines) for _ in range(postings // len(lines)))
        for outcome in fund.desk.do_many(calls):
            outcome.get()
        taken = []
        tracemalloc.start()
        for _ in range(9):
            start = perf_counter()
            told = fund.desk.ask(funds.statement, fund.ledger.id)
            taken.append(perf_counter() - start)
        peak = tracemalloc.get_traced_memory()[1] / 1024
        tracemalloc.stop()
        assert told.total(AccountType.ASSET) == Money(10**9 + postings)
    return {
        "name": "statement",
        "ours": median(taken),
        "limit": 1.0,
        "ratio": median(taken),
        "goal": 1.0,
        "better": "lower",
        "runs": len(taken),
        "note": f"seconds over {postings:,} postings, {peak:.0f} KiB at most",
    }
