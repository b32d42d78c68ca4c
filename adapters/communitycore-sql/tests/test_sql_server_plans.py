"""Servers look into an index for each search, in whose order the rows come, before statistics are known too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import servers
from sql_room import Plot, PlotStatus

from communitycore.kernel.journal import FIELDS
from communitycore.kernel.query import Query, make_query, where
from communitycore.kernel.record import shape_of
from communitycore.ports import Reading
from communitycore_sql import open_store
from communitycore_sql.store import SqlStore
from communitycore_sql.tables import TIMER

PLOT = shape_of(Plot)
HERE = "j-1"
ROWS = 3_000
MOMENT = "2024-06-01T06:30:00.000000Z"


def plot(n: int) -> dict[str, Any]:
    status = ("free", "taken", "gone")[n % 3]
    return {
        "id": f"id-{n:06}",
        "version": 1,
        "schema": 1,
        "label": f"label {n}",
        "tag": f"tag-{n % 100:02}",
        "rank": n % 100,
        "status": status,
        "text": "",
        "sunny": 0,
        "crops": "[]",
    }


def entry(n: int) -> dict[str, Any]:
    text = dict.fromkeys(FIELDS, "x")
    said = {"format": 1, "seq": n, "schema": 1, "version": 1, "kind": "plot", "record": f"id-{n:06}", "cause": f"c-{n}"}
    return {**text, "behalf": None, "above": None, "grant": None, "timers": None, **said}


def timer(n: int) -> dict[str, Any]:
    text = dict.fromkeys(TIMER, "x")
    moment = f"2024-06-01T06:30:00.{n:06}Z"
    return {**text, "record": f"id-{n:06}", "seq": n, "depth": 0, "attempts": 0, "wake": moment, "parked": None}


@pytest.fixture(scope="module")
def store(server: servers.Server) -> Iterator[SqlStore]:
    url = server.fresh()
    store = open_store(url)
    store.prepare([PLOT])
    line = store.backend.building()
    for j in ("j-0", HERE):
        plots = [(j, *(plot(n).get(column.name) for column in PLOT.columns)) for n in range(ROWS)]
        entries = [(*({**entry(n), "jurisdiction": j}[name] for name in FIELDS), "h" * 64) for n in range(1, ROWS)]
        timers = [(j, *(timer(n)[name] for name in TIMER)) for n in range(ROWS)]
        line.run(
            [
                (store.kind(PLOT).insert, plots),
                (store.statements.insert_entry, entries),
                (store.statements.insert_timer, timers),
            ]
        )
    line.commit("")
    line.end()
    yield store
    store.close()
    server.drop(url)


def plan(store: SqlStore, ask: Callable[[Reading], Any]) -> tuple[str, list[Any]]:
    """How the server would find it, in its words, and what it finds."""
    said: list[str] = []
    with store.reading() as tx:
        run = tx._all

        def watched(sql: str, values: Any) -> list[Any]:
            said.extend(" ".join(map(str, row)) for row in run(f"EXPLAIN {sql}", values))
            return run(sql, values)

        tx._all = watched
        found = ask(tx)
    return "\n".join(said), found


def find(*conditions: Any, order: Any = "id", descending: bool = False) -> Query:
    return make_query(PLOT, conditions, limit=10, order=order, descending=descending)


def behind(query: Query, by: Any, id: str) -> Query:
    return Query(query.tests, query.order, query.descending, query.limit, (by, id))


TAG, STATUS = where(Plot.tag, "tag-07"), where(Plot.status, PlotStatus.GONE)
SEARCHES = [
    (find(where(Plot.label, "label 7")), "cc_uq_plot$label"),
    (find(TAG), "cc_ix_plot$tag"),
    (find(STATUS, TAG), "cc_ix_plot$tag"),
    (find(STATUS), "cc_ix_plot$status"),
    (find(order=Plot.tag), "cc_ix_plot$tag"),
    (find(order=Plot.tag, descending=True), "cc_ix_plot$tag"),
    (find(where(Plot.rank, at_least=3), where(Plot.rank, below=9), order=Plot.rank), "cc_ix_plot$rank"),
    (behind(find(order=Plot.tag), "tag-60", "id-001000"), "cc_ix_plot$tag"),
    (behind(find(order=Plot.tag, descending=True), "tag-60", "id-001000"), "cc_ix_plot$tag"),
    (behind(find(TAG), "id-001000", "id-001000"), "cc_ix_plot$tag"),
    (behind(find(), "id-001000", "id-001000"), "PRIMARY|plot_pkey"),
]


@pytest.mark.parametrize(("query", "index"), SEARCHES)
def test_a_search_goes_through_the_index_in_its_order(store: SqlStore, query: Query, index: str) -> None:
    said, found = plan(store, lambda tx: tx.find(PLOT, HERE, query))
    everything = [tuple(plot(n).get(column.name) for column in PLOT.columns) for n in range(ROWS)]
    assert found == query.pick(everything)
    assert any(name in said for name in index.split("|")), said
    assert "Seq Scan" not in said
    if not index.startswith("cc_uq_"):  # at most one row is sorted
        assert "Sort" not in said, said
        assert "filesort" not in said, said


def test_a_page_begins_where_the_last_one_ended(store: SqlStore) -> None:
    query = behind(find(order=Plot.tag), "tag-60", "id-001000")
    said, _ = plan(store, lambda tx: tx.find(PLOT, HERE, query))
    # 843: how many bytes of the index MariaDB knows where to begin from: jurisdiction, tag and id, all three.
    assert ("ROW(" in said and "Index Cond" in said) or " 843 " in said, said


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda tx: tx.caused(HERE, "c-7"), "cc_ix_cc_journal$cause"),
        (lambda tx: tx.entries_of(HERE, "plot", "id-000007"), "cc_ix_cc_journal$kind$record$seq"),
        (
            lambda tx: list(tx.last_entries(HERE, "plot", [f"id-{n:06}" for n in range(1, 65)])),
            "cc_ix_cc_journal$kind$record$seq",
        ),
        (lambda tx: tx.entries(HERE, 5, 10), "PRIMARY|cc_journal_pkey"),
        (lambda tx: tx.timers_of(HERE, "id-000007"), "PRIMARY|cc_timers_pkey"),
        (lambda tx: tx.next_wake(HERE, []), "cc_ix_cc_timers$wake"),
        (lambda tx: tx.timers(HERE, "2024-06-01T06:30:00.000009Z", 5), "cc_ix_cc_timers$wake"),
    ],
)
def test_the_journal_and_the_timers_are_never_read_from_end_to_end(store: SqlStore, ask: Any, index: str) -> None:
    said, _ = plan(store, ask)
    assert any(name in said for name in index.split("|")), said
    assert "Seq Scan" not in said
    assert "Hash" not in said.replace("HashAggregate", ""), said
    assert " ALL " not in said.replace("<subquery2> ALL", ""), said  # MariaDB's name for what it has found so far
