"""A settlement beside python-accounting posting the same double entry, on SQLite with the same settings.

Left out where python-accounting is not installed: `python -m pip install python-accounting`, or, without the servers'
drivers that it names and SQLite does not need, `--no-deps` and then python-dateutil.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import communitycore as cc
from benchmarks import LeftOut
from benchmarks.books import ROOMS, make_fund
from communitycore import funds
from communitycore.kernel.money import Money

TAKINGS = Money(12_345)
PARTS = ("74.07", "37.04", "12.34")  # what the rule makes of it, so that both sides post the same


def run(quick: bool) -> dict[str, Any]:
    """A settlement on either side, each durable: ours in one commit, split and journalled too; theirs takes three."""
    if importlib.util.find_spec("python_accounting") is None:
        raise LeftOut("python-accounting is not installed")
    rounds, each = (7, 10) if quick else (25, 20)
    with tempfile.TemporaryDirectory() as folder:
        theirs = _theirs(Path(folder, "theirs.db"))
        with cc.open(f"sqlite:///{Path(folder, 'ours.db')}", rooms=ROOMS) as hub:
            fund = make_fund(hub)
            done = 0
            taken: list[tuple[float, float]] = []
            for turn in range(rounds + 1):
                ours = other = 0.0
                for _ in range(each):
                    done += 1
                    source = cc.Ref(fund.desk.jurisdiction, f"evening-{done}")
                    start = perf_counter()
                    fund.desk.do(funds.settle, fund.ledger.id, rule="瑜伽", takings=TAKINGS, source=source, text="夜课")
                    ours += perf_counter() - start
                    start = perf_counter()
                    theirs()
                    other += perf_counter() - start
                if turn:
                    taken.append((ours / each, other / each))
            assert hub.verify().ok, "a benchmark's store must verify"
    return {
        "name": "settle-accounting",
        "ours": median(o for o, _ in taken),
        "limit": median(t for _, t in taken),
        "ratio": median(t / o for o, t in taken),
        "goal": 15,
        "better": "higher",
        "runs": rounds,
        "note": "seconds a settlement; the ratio is of speeds, over python-accounting",
    }


def _theirs(path: Path) -> Callable[[], None]:
    """Posts one journal entry of four lines, committed and durable."""
    models: Any = importlib.import_module("python_accounting.models")
    entry: Any = importlib.import_module("python_accounting.transactions").JournalEntry
    get_session: Any = importlib.import_module("python_accounting.database.session").get_session
    from sqlalchemy import create_engine, event

    from communitycore_sql.sqlite.file import WAL_KEPT_BYTES, WAL_PAGES, WRITER_CACHE_KIB

    engine = create_engine(f"sqlite:///{path}")

    def settings(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")
        connection.execute(f"PRAGMA cache_size=-{WRITER_CACHE_KIB}")

    event.listen(engine, "connect", settings)
    models.Base.metadata.create_all(engine)
    session: Any = get_session(engine).__enter__()
    entity = models.Entity(name="新元社区基金")
    session.add(entity)
    session.commit()
    yuan = models.Currency(name="Yuan", code="CNY", entity_id=entity.id)
    session.add(yuan)
    session.commit()
    kinds = models.Account.AccountType
    wanted = (
        ("银行存款", kinds.BANK),
        ("应付：老师", kinds.CURRENT_LIABILITY),
        ("分成收入", kinds.OPERATING_REVENUE),
        ("应付：场地", kinds.CURRENT_LIABILITY),
    )
    accounts = [
        models.Account(name=name, account_type=kind, currency_id=yuan.id, entity_id=entity.id) for name, kind in wanted
    ]
    session.add_all(accounts)
    session.commit()
    bank, *others = (account.id for account in accounts)
    owner = entity.id

    def post() -> None:
        made = entry(
            narration="夜课", transaction_date=datetime.now(), account_id=bank, entity_id=owner, credited=False
        )
        session.add(made)
        session.flush()
        lines = [
            models.LineItem(narration="夜课", account_id=account, amount=Decimal(amount), entity_id=owner)
            for account, amount in zip(others, PARTS, strict=True)
        ]
        session.add_all(lines)
        session.flush()
        made.line_items.update(lines)
        session.add(made)
        made.post(session)

    return post
