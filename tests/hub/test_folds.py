"""Folds: figures that follow the journal and can be made again from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.room import NeighbourId

from communitycore.hub.followers import FoldStopped, rebuilt
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.command import Fold, Room
from communitycore.kernel.errors import StoreBusy
from communitycore.kernel.rules import PUBLIC

moves = st.lists(
    st.tuples(st.sampled_from(["add", "lend", "back", "break", "scrap", "day", "look"]), st.integers(0, 3)), max_size=25
)


def play(bench: Bench, what: list[tuple[str, int]]) -> None:
    neighbour = NeighbourId(bench.neighbour().id)
    tools = [bench.tool().id for _ in range(2)]
    for word, n in what:
        id = tools[n % len(tools)]
        try:
            match word:
                case "add":
                    tools.append(bench.tool().id)
                case "lend":
                    bench.desk.do(room.lend, id, to=neighbour)
                case "back":
                    bench.desk.do(room.bring_back, id)
                case "break":
                    bench.desk.do(room.break_, id)
                case "scrap":
                    bench.desk.do(room.scrap, id)
                case "day":
                    bench.clock.advance(DAY)
                case "look":
                    bench.desk.figures(room.TALLY)
        except room.Refused:
            pass


@given(moves)
@settings(max_examples=40)
def test_a_fold_is_what_it_would_be_if_made_from_nothing_and_what_the_records_say(what: list[tuple[str, int]]) -> None:
    bench = open_bench()
    play(bench, what)
    figures = dict(bench.desk.figures(room.TALLY))
    assert figures == json.loads(json.dumps(rebuilt(bench.hub.store, room.TALLY, bench.community)))
    for status in room.ToolStatus:
        count = sum(tool.status is status for tool in bench.desk.find(room.Tool))
        assert figures.get(f"status:{status}", 0) == count
    assert list(figures) == sorted(figures)
    assert bench.desk.figure(room.TALLY, "status:in") == figures.get("status:in")


def test_a_new_version_is_made_anew() -> None:
    bench = open_bench()
    bench.tool()
    assert bench.desk.figure(room.TALLY, "status:in") == 1
    newer = Fold(
        name="tools.tally", on=frozenset({"tool.added"}), apply=lambda get, e: [("n", 9)], read=PUBLIC, version=2
    )
    assert bench.desk.figures(newer) == [("n", 9)]
    assert bench.desk.figures(room.TALLY)[0][0].startswith("day:")


def stopped_at(word: str) -> Fold:
    def apply(get: Any, entry: Any) -> Any:
        if entry.changes().get("name") == word:
            raise ValueError("not foreseen")
        yield "n", (get("n") or 0) + 1

    return Fold(name="test.stops", on=frozenset({"tool.added"}), apply=apply, read=PUBLIC)


def test_a_fold_that_fails_stands_still_there_and_says_so_each_time() -> None:
    bench = open_bench()
    bench.tool(name="a")
    bad = bench.tool(name="bad")
    bench.tool(name="c")
    fold = stopped_at("bad")
    (at,) = [e.seq for e in bench.journal() if e.record == bad.id]
    for _ in range(2):
        with pytest.raises(FoldStopped) as caught:
            bench.desk.figures(fold)
        assert (caught.value.seq, caught.value.fold) == (at, "test.stops")
        assert "not foreseen" in str(caught.value)
    with bench.hub.store.reading() as tx:
        assert tx.figure("test.stops", bench.community, "n") == "1"
        assert tx.cursor("test.stops", bench.community)[0] == at - 1
    assert bench.desk.figures(evolve_fold(stopped_at("nothing"), 2)) == [("n", 3)]


def test_a_store_that_fails_beneath_a_fold_is_not_the_folds_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = open_bench()
    bench.tool()
    assert bench.desk.figure(room.TALLY, "status:in") == 1
    bench.tool()
    with bench.hub.store.writing() as tx:
        kind = type(tx)

    def broken(*_: Any) -> Any:
        raise StoreBusy(url="memory://", why="the connection broke")

    with monkeypatch.context() as patch, pytest.raises(StoreBusy):
        patch.setattr(kind, "figure", broken)
        bench.desk.figures(room.TALLY)
    assert bench.desk.figure(room.TALLY, "status:in") == 2


def evolve_fold(fold: Fold, version: int) -> Fold:
    return evolve(fold, version=version)


@pytest.mark.parametrize("row", [1.5, {"share": 0.5}, [1, [0.1]], {1, 2}, float("nan")])
def test_figures_are_whole_numbers_and_text(row: Any) -> None:
    bench = open_bench()
    bench.tool()
    fold = Fold(name="test.floats", on=frozenset({"tool.added"}), apply=lambda get, e: [("n", row)], read=PUBLIC)
    with pytest.raises(FoldStopped):
        bench.desk.figures(fold)


@pytest.mark.parametrize("key", ["x" * 192, "a\0", 5])
def test_a_key_of_a_fold_is_one_that_a_store_holds(key: Any) -> None:
    bench = open_bench()
    bench.tool()
    fold = Fold(name="test.keys", on=frozenset({"tool.added"}), apply=lambda get, e: [(key, 1)], read=PUBLIC)
    with pytest.raises(FoldStopped):
        bench.desk.figures(fold)


def test_a_fold_sees_no_personal_value() -> None:
    seen: list[Any] = []

    def apply(get: Any, entry: Any) -> Any:
        seen.append(entry.changes())
        return []

    fold = Fold(name="test.cards", on=frozenset({"card.issued", "card.corrected"}), apply=apply, read=PUBLIC)
    bench = open_bench(MemoryStore(), rooms=(room.ROOM, Room("test", records=[], commands=[], folds=[fold])))
    neighbour = bench.neighbour()
    card = bench.desk.do(room.issue_card, NeighbourId(neighbour.id), name="王小明", phone="13800000000")
    bench.at(neighbour).do(room.correct_card, card.id, phone=None)
    bench.desk.figures(fold)
    assert len(seen) == 2
    assert "王小明" not in str(seen)
    assert "13800000000" not in str(seen)


def test_a_fold_over_more_than_a_page_is_complete() -> None:
    bench = open_bench()
    for _ in range(3):
        bench.desk.do(room.add_many, count=700)
    assert bench.desk.figure(room.TALLY, "status:in") == 2_100


def test_a_fold_meets_a_journal_whose_tail_is_cut_without_hanging() -> None:
    store = MemoryStore()
    bench = open_bench(store)
    bench.tool()
    bench.desk.figures(room.TALLY)
    bench.tool()
    del store.books[bench.community].entries[-1]
    assert bench.desk.figure(room.TALLY, "status:in") == 1


def test_figures_of_one_jurisdiction_are_not_anothers() -> None:
    bench = open_bench()
    bench.tool()
    assert bench.at(place=bench.district).figures(room.TALLY) == []
