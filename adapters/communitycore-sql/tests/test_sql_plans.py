"""Searches find their index from the first row on: no statement reads a whole jurisdiction to find a few."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sql_room import Plot, PlotStatus, garden, open_plot

from communitycore.hub.desk import Desk
from communitycore.kernel.query import make_query, where
from communitycore.kernel.record import shape_of
from communitycore.ports import Reading

PLOT = shape_of(Plot)
LABEL, TAG, RANK = where(Plot.label, "x"), where(Plot.tag, "x"), where(Plot.rank, 1)
STATUS = where(Plot.status, PlotStatus.FREE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    hub, desk = garden(tmp_path_factory.mktemp("plans") / "garden.db")
    desk.do(open_plot)
    yield desk
    hub.close()


def plans(desk: Desk, ask: Callable[[Reading, str], Any]) -> str:
    found: list[str] = []
    with desk.hub.store.reading() as tx:
        run: Callable[..., list[Any]] = tx._all  # type: ignore[attr-defined]

        def watched(sql: str, values: Any) -> list[Any]:
            found.extend(row[3] for row in run(f"EXPLAIN QUERY PLAN {sql}", values))
            return run(sql, values)

        tx._all = watched  # type: ignore[attr-defined]
        ask(tx, desk.jurisdiction)
    return "; ".join(found)


@pytest.mark.parametrize(
    ("conditions", "order", "expected"),
    [
        ([LABEL], "id", "cc_uq_plot$label (jurisdiction=? AND label=?)"),
        ([TAG], "id", "cc_ix_plot$tag (jurisdiction=? AND tag=?)"),
        ([STATUS, TAG], "id", "cc_ix_plot$tag (jurisdiction=? AND tag=?)"),
        ([RANK, STATUS, TAG], Plot.tag, "cc_ix_plot$tag (jurisdiction=? AND tag=?)"),
        ([STATUS], "id", "cc_ix_plot$status (jurisdiction=? AND status=?)"),
        ([where(Plot.tag, among=["a", "b"])], "id", "cc_ix_plot$tag (jurisdiction=? AND tag=?)"),
        ([where(Plot.rank, at_least=1), where(Plot.rank, below=9)], Plot.rank, "cc_ix_plot$rank"),
        ([], Plot.tag, "cc_ix_plot$tag (jurisdiction=? AND tag>?)"),
        ([], "id", "PRIMARY KEY (jurisdiction=?)"),
    ],
)
def test_a_search_uses_the_index_of_its_most_telling_field(
    desk: Desk, conditions: Any, order: Any, expected: str
) -> None:
    query = make_query(PLOT, conditions, limit=10, order=order)
    assert expected in plans(desk, lambda tx, j: tx.find(PLOT, j, query))


def test_the_next_page_starts_in_the_index(desk: Desk) -> None:
    last = desk.find(Plot, limit=1)[0]
    query = make_query(PLOT, [], limit=10, order=Plot.tag, descending=True, after=last)
    said = plans(desk, lambda tx, j: tx.find(PLOT, j, query))
    assert "cc_ix_plot$tag" in said
    assert "TEMP B-TREE" not in said


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda tx, j: tx.caused(j, "c"), "cc_ix_cc_journal$cause"),
        (lambda tx, j: tx.entries_of(j, "plot", "p"), "cc_ix_cc_journal$kind$record$seq"),
        (lambda tx, j: tx.last_entries(j, "plot", ["p"]), "COVERING INDEX cc_ix_cc_journal$kind$record$seq"),
        (lambda tx, j: tx.entries(j, 5, 10), "PRIMARY KEY (jurisdiction=? AND seq>?)"),
        (lambda tx, j: tx.timers_of(j, "p"), "PRIMARY KEY (jurisdiction=? AND record=?)"),
        (lambda tx, j: tx.timers(j, "2024", 9), "cc_ix_cc_timers$wake (jurisdiction=? AND wake<?)"),
        (lambda tx, j: tx.timers_after(j, ("r", "c", ""), 9), "PRIMARY KEY (jurisdiction=? AND "),
        (lambda tx, j: tx.keys(j, ("a", "k"), 9), "PRIMARY KEY (jurisdiction=? AND actor=? AND key>?)"),
        (lambda tx, j: tx.figures("f", j, "k", 9), "PRIMARY KEY (jurisdiction=? AND fold=? AND key>?)"),
        (lambda tx, j: tx.cursors(j), "PRIMARY KEY (jurisdiction=?)"),
        (lambda tx, j: tx.next_wake(j, []), "cc_ix_cc_timers$wake (jurisdiction=?)"),
    ],
)
def test_the_journal_and_the_timers_are_never_read_from_end_to_end(desk: Desk, ask: Any, expected: str) -> None:
    said = plans(desk, ask)
    assert expected in said
    assert "SCAN" not in said
    assert "TEMP B-TREE" not in said or "cc_timers$wake" in said


def test_what_analyze_learned_stays_until_it_is_taken_away(path: Path) -> None:
    garden(path)[0].close()
    plain = sqlite3.connect(path)
    told = plain.execute("SELECT idx, stat FROM sqlite_stat1 ORDER BY idx").fetchall()
    plain.execute("ANALYZE")
    learned = plain.execute("SELECT idx, stat FROM sqlite_stat1 ORDER BY idx").fetchall()
    garden(path)[0].close()
    assert set(learned) <= set(plain.execute("SELECT idx, stat FROM sqlite_stat1").fetchall())
    plain.execute("DELETE FROM sqlite_stat1")
    plain.commit()
    garden(path)[0].close()
    again = dict(plain.execute("SELECT idx, stat FROM sqlite_stat1"))
    assert {name: stat for name, stat in told if name != "cc_kinds"} == again
    plain.close()
