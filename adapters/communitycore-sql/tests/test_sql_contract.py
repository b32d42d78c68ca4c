"""The store's contract: whatever is written and asked, every database answers as the memory store does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_room import Order, Plot

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import CommunityCoreError
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.query import Query
from communitycore.kernel.query import Test as Condition
from communitycore.kernel.record import shape_of
from communitycore.kernel.shape import Column, Shape
from communitycore.ports import Batch, Head, Key, Reading, Store, Timer
from communitycore_sql import open_store

PLOT, ORDER = shape_of(Plot), shape_of(Order)
IDS = [f"id-{n}" for n in range(6)]
TEXTS = [
    "",
    " ",
    "a",
    "a ",
    "A",
    "é",
    "e\u0301",
    "z",
    "济阳",
    "ß",
    "\uffff",
    "\U00010000",
    "😀",
    "'; --",
    'a"b\\',
    "\n٣",
]
MOMENTS = [f"2024-06-0{n}T06:30:00.000000Z" for n in range(1, 6)]
VALUES: dict[str, list[Any]] = {
    "id": IDS,
    "ref": ["here/id-1", "there/id-1", "there/id-2"],
    "text": TEXTS,
    "int": [-(1 << 63), -1, 0, 1, 2, 7, (1 << 63) - 1],
    "bool": [0, 1],
    "time": MOMENTS,
    "date": ["2024-06-01", "2024-06-02"],
    "enum": ["free", "taken", "gone"],
    "decimal": ["1.10", "-3", "1E+2"],
    "nested": ['["麦"]', "[]"],
}
_numbers = itertools.count()


def some(column: Column) -> st.SearchStrategy[Any]:
    return st.sampled_from(VALUES[column.type])


def fields(shape: Shape) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*(st.none() | some(c) if c.nullable else some(c) for c in shape.columns[3:]))


@st.composite
def queries(draw: st.DrawFn, shape: Shape) -> Query:
    tests = []
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 3]))):
        n = draw(st.integers(0, len(shape.columns) - 1))
        column = shape.columns[n]
        test = draw(st.sampled_from(["=", ">=", "<", "in"]))
        value = draw(
            st.lists(st.none() | some(column), max_size=5).map(tuple)
            if test == "in"
            else st.none() | some(column)
            if test == "="
            else some(column)
        )
        tests.append(Condition(n, test, value))
    order = draw(st.sampled_from([0, *(n for n, c in enumerate(shape.columns) if c.type in ("text", "int", "enum"))]))
    id = draw(st.sampled_from(IDS))
    after = draw(
        st.none()
        | st.none()
        | (st.just((id, id)) if order == 0 else st.tuples(some(shape.columns[order]), st.just(id)))
    )
    return Query(tuple(tests), order, draw(st.booleans()), draw(st.sampled_from([1, 2, 50, 50])), after)


timers = st.builds(
    Timer,
    due=st.sampled_from(MOMENTS),
    seq=st.integers(1, 3),
    kind=st.just("plot"),
    record=st.sampled_from(IDS[:3]),
    command=st.sampled_from(["garden.weed", "garden.close"]),
    source=st.sampled_from(["", "1", "2"]),
    cause=st.just("cause"),
    behalf=st.none() | st.just("here/someone"),
    depth=st.just(0),
    attempts=st.integers(0, 3),
    wake=st.sampled_from(MOMENTS),
    parked=st.none() | st.just("出错"),
)
keys = st.builds(
    Key,
    actor=st.sampled_from(["here/a", "here/b"]),
    key=st.uuids().map(str) | st.sampled_from(TEXTS).map(lambda text: f"{text}{next(_numbers)}"),
    cause=st.just("cause"),
    salt=st.just("s" * 64),
    mac=st.just("m" * 64),
    result=st.sampled_from(["null", '["plot","id-1"]']),
    at=st.sampled_from(MOMENTS),
)
moves = st.lists(
    st.one_of(
        st.tuples(st.just(PLOT), st.sampled_from(IDS), st.sampled_from([0] * 12 + [1, -1]), fields(PLOT)),
        st.tuples(st.just(ORDER), st.sampled_from(IDS), st.sampled_from([0] * 12 + [1, -1]), fields(ORDER)),
    ),
    max_size=5,
    unique_by=lambda move: (move[0].kind, move[1]),
)
turns = st.fixed_dictionaries(
    {
        "moves": moves,
        "timers": st.lists(timers, max_size=3, unique_by=lambda timer: timer.key),
        "removed": st.lists(timers.map(lambda timer: timer.key), max_size=3),
        "keys": st.lists(keys, max_size=2, unique_by=lambda key: (key.actor, key.key)),
        "notes": st.integers(0, 2),
        "kept": st.sampled_from([True, True, True, False]),
        "fold": st.none()
        | st.tuples(st.dictionaries(st.sampled_from(TEXTS), st.none() | st.just('{"n":1}'), max_size=4), st.booleans()),
    }
)


class Side:
    """One store, as the other side sees it."""

    def __init__(self, store: Store, jurisdiction: str) -> None:
        self.store = store
        self.id = jurisdiction
        self.head = Head(jurisdiction, f"code of {jurisdiction}", 0, "0" * 64, MOMENTS[0], 0, None)
        self.versions: dict[tuple[str, str], int] = {}
        with store.writing() as tx:
            tx.found(self.head)
            tx.commit()

    def turn(self, said: dict[str, Any]) -> Any:
        rows, entries, seq, moved = [], [], self.head.seq, dict(self.versions)
        for shape, id, off, values in said["moves"]:
            known = self.versions.get((shape.kind, id), 0)
            moved[shape.kind, id] = known + 1
            rows.append((shape, (id, known + 1, 1, *values), max(known + off, 0)))
            seq += 1
            entries.append(self.entry(seq, shape.kind, id, known + 1, values))
        for n in range(said["notes"]):
            seq += 1
            entries.append(self.entry(seq, "plot", IDS[n], 1, None))
        head = evolve(self.head, seq=seq, hash=f"{seq:064}", next_wake=MOMENTS[0] if said["timers"] else None)
        batch = Batch(head, self.head, rows, entries, said["timers"], said["removed"], said["keys"])
        try:
            with self.store.writing() as tx:
                assert tx.lock(self.id) == self.head
                tx.write(batch)
                if said["fold"] is not None:
                    tx.fold("garden.tally", self.id, said["fold"][0], seq, 2, anew=said["fold"][1])
                if said["kept"]:
                    tx.commit()
        except CommunityCoreError as error:
            return type(error), dict(error.data)
        if said["kept"]:
            self.head, self.versions = head, moved
        return None

    def entry(self, seq: int, kind: str, record: str, version: int, values: Any) -> tuple[Any, ...]:
        said: dict[str, Any] = {
            "format": 1, "jurisdiction": self.id, "seq": seq, "id": f"entry-{seq}", "at": MOMENTS[0],
            "occurred_at": MOMENTS[1], "actor": "here/a", "behalf": None, "cause": f"cause-{seq % 3}",
            "name": "plot.opened", "kind": kind, "schema": 1, "record": record, "version": version,
            "difference": repr(values), "digest": "d" * 64, "above": None, "grant": "grant", "timers": None,
        }  # fmt: skip
        return (*(said[name] for name in FIELDS), f"{seq:064}")

    def all(self, tx: Reading, asked: list[tuple[Shape, Query]]) -> Iterator[Any]:
        """Everything that can be asked of it."""
        j = self.id
        yield tx.head(j), tx.heads([j, "unknown"]), tx.head("unknown")
        for shape in (PLOT, ORDER):
            yield [tx.get(shape, j, id) for id in (*IDS, "unknown")]
            yield [tx.entries_of(j, shape.kind, id) for id in IDS]
            yield tx.last_entries(j, shape.kind, IDS)
        yield from (tx.find(shape, j, query) for shape, query in asked)
        yield tx.entries(j, 0, 100), tx.entries(j, 2, 2), [tx.caused(j, f"cause-{n}") for n in range(4)]
        yield [tx.timers_of(j, id) for id in IDS[:3]]
        for moment in (None, *MOMENTS):
            yield tx.timers(j, moment, 100), tx.timers(j, moment, 2)
        waiting = [timer.key for timer in tx.timers(j, None, 100)]
        yield [tx.timer(j, key) for key in (*waiting, ("id-0", "no.such", ""))]
        yield [tx.next_wake(j, waiting[:n]) for n in range(len(waiting) + 1)]
        yield tx.cursor("garden.tally", j), tx.figures("garden.tally", j)
        yield [tx.figure("garden.tally", j, text) for text in TEXTS]
        yield tx.cursors(j), tx.cursors("unknown"), tx.keys("unknown", None, 9), tx.timers_after("unknown", None, 9)
        for size in (1, 2, 100):
            yield paged(lambda last, size=size: tx.timers_after(j, last and last.key, size))
            yield paged(lambda last, size=size: tx.keys(j, last and (last.actor, last.key), size))
            yield paged(lambda last, size=size: tx.figures("garden.tally", j, last and last[0], size))


def paged(page: Callable[[Any], list[Any]]) -> list[Any]:
    """All pages, each asked for with the last of the one before."""
    found: list[Any] = []
    while more := page(found[-1] if found else None):
        found += more
    return found


@pytest.fixture(scope="module")
def pair(database: str, fresh_url: Callable[[], str]) -> Iterator[tuple[Store, Store]]:
    memory, sql = MemoryStore(), open_store(fresh_url(), durability="normal" if database == "sqlite" else None)
    sql.prepare([PLOT, ORDER])
    yield memory, sql
    sql.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(turns, min_size=1, max_size=5),
    st.lists(queries(PLOT), min_size=3, max_size=8),
    st.lists(queries(ORDER), max_size=3),
)
def test_it_answers_as_the_memory_store_does(
    pair: tuple[Store, Store], said: list[dict[str, Any]], plots: list[Query], orders: list[Query]
) -> None:
    name = f"j-{next(_numbers)}"
    sides = [Side(store, name) for store in pair]
    asked = [*((PLOT, query) for query in plots), *((ORDER, query) for query in orders)]
    for turn in said:
        memory, sql = (side.turn(turn) for side in sides)
        assert sql == memory
    with pair[0].reading() as first, pair[1].reading() as second:
        for expected, given_ in zip(sides[0].all(first, asked), sides[1].all(second, asked), strict=True):
            assert given_ == expected
            assert repr(given_) == repr(expected)  # 1 is not True, and text not its normal form
        for turn in said:
            for key in turn["keys"]:
                assert first.key(name, key.actor, key.key) == second.key(name, key.actor, key.key)


def plot(id: str, version: int, label: str | None = None, tag: str = "") -> tuple[Any, ...]:
    given_ = {"id": id, "version": version, "schema": 1, "label": label, "tag": tag, "rank": 0, "status": "free"}
    return tuple(given_.get(column.name) for column in PLOT.columns)


def written(side: Side, *moves: tuple[Any, ...]) -> Any:
    """What became of one batch of (row, version it must have)."""
    head = evolve(side.head, seq=side.head.seq + 1)
    try:
        with side.store.writing() as tx:
            tx.write(Batch(head, side.head, [(PLOT, row, expected) for row, expected in moves]))
            tx.commit()
    except CommunityCoreError as error:
        return error.code
    side.head = head
    return None


def test_rows_may_exchange_what_is_unique_in_one_batch(pair: tuple[Store, Store]) -> None:
    for store in pair:
        side = Side(store, f"j-exchange-{next(_numbers)}")
        assert written(side, (plot("a", 1, "x"), 0), (plot("b", 1, "y"), 0), (plot("c", 1, "z"), 0)) is None
        assert written(side, (plot("a", 2, "y"), 1), (plot("b", 2, "z"), 1), (plot("c", 2, "x"), 1)) is None
        assert written(side, (plot("a", 3, "x"), 2), (plot("b", 3, "y"), 2)) == "not_unique"
        assert written(side, (plot("a", 3, "z"), 2), (plot("b", 3, "y"), 7)) == "stale_step"
        with store.reading() as tx:
            kept = tx.find(PLOT, side.id, Query((), 0, False, 10, None))
        assert [row[PLOT.position["label"]] for row in kept] == ["y", "z", "x"]


def test_thousands_of_values_are_looked_for_in_several_statements(pair: tuple[Store, Store]) -> None:
    found = []
    for store in pair:
        side = Side(store, "j-many")
        rows = [(plot(f"id-{n:04}", 1, None, f"tag-{n % 700}"), 0) for n in range(1_500)]
        assert written(side, *rows) is None
        tests = (
            Condition(0, "in", tuple(f"id-{n:04}" for n in range(0, 3_000, 2))),
            Condition(PLOT.position["tag"], "in", tuple(f"tag-{n}" for n in range(1_200))),
        )
        with store.reading() as tx:
            found.append(
                [
                    tx.find(PLOT, side.id, Query(tests, order, descending, 900, None))
                    for order in (0, PLOT.position["tag"])
                    for descending in (False, True)
                ]
            )
    assert found[0] == found[1]
    assert len(found[0][0]) == 750


@pytest.mark.parametrize("descending", [False, True])
def test_pages_follow_each_other_in_order_without_gap_or_repeat(pair: tuple[Store, Store], descending: bool) -> None:
    side = Side(pair[1], f"j-pages-{descending}")
    rows = [plot(f"id-{n:02}", 1, None, TEXTS[n % len(TEXTS)]) for n in range(48)]
    assert written(side, *((row, 0) for row in rows)) is None
    tag = PLOT.position["tag"]
    found: list[Any] = []
    after = None
    with pair[1].reading() as tx:
        while page := tx.find(PLOT, side.id, Query((), tag, descending, 7, after)):
            found += page
            after = (page[-1][tag], page[-1][0])
    assert found == sorted(rows, key=lambda row: (row[tag], row[0]), reverse=descending)


def test_a_head_that_moved_on_is_not_overwritten(pair: tuple[Store, Store]) -> None:
    side = Side(pair[1], "j-moved")
    old = evolve(side.head)
    assert written(side) is None
    side.head = old
    assert written(side) == "stale_step"


def test_a_code_in_use_is_refused(pair: tuple[Store, Store]) -> None:
    for store in pair:
        one, two = Side(store, f"j-code-{next(_numbers)}"), Side(store, f"j-code-{next(_numbers)}")
        with pytest.raises(CommunityCoreError) as refused, store.writing() as tx:
            tx.found(Head("j-other", one.head.code, 0, "0" * 64, MOMENTS[0], 0, None))
        assert (refused.value.code, refused.value.data["jurisdiction"]) == ("code_taken", one.id)
        with pytest.raises(CommunityCoreError) as refused, store.writing() as tx:
            tx.write(Batch(evolve(two.head, code=one.head.code), two.head))
        assert (refused.value.code, refused.value.data["jurisdiction"]) == ("code_taken", one.id)


def test_a_key_is_never_used_for_a_second_call(pair: tuple[Store, Store]) -> None:
    side = Side(pair[1], "j-key")
    kept = Key("here/a", "k", "cause", "s", "m", "null", MOMENTS[0])
    for expected in (None, "key_reused"):
        head = evolve(side.head, seq=side.head.seq + 1)
        try:
            with side.store.writing() as tx:
                tx.write(Batch(head, side.head, keys=[kept]))
                tx.commit()
            side.head = head
            assert expected is None
        except CommunityCoreError as error:
            assert error.code == expected


BROUGHT = [(PLOT, plot("a", 3, "x"), 0), (PLOT, plot("b", 1, "y"), 0)]
TIMER = Timer(MOMENTS[0], 1, "plot", "a", "garden.weed", "", "cause", None, 0, 0, MOMENTS[0], None)
KEY = Key("here/a", "k", "cause", "s", "m", "null", MOMENTS[0])


def bring(side: Side, head: Head, **parts: Any) -> Any:
    try:
        with side.store.writing() as tx:
            assert tx.lock(head.id) is None
            tx.bring(Batch(head, head, **parts))
            tx.fold("import", head.id, {"": "{}"}, 1, 1, anew=False)
            tx.commit()
    except CommunityCoreError as error:
        return error.code
    return None


def test_a_jurisdiction_is_brought_in_part_by_part_and_has_no_head_before_it_is_given_one(
    pair: tuple[Store, Store],
) -> None:
    for store in pair:
        side = Side(store, f"j-beside-{next(_numbers)}")
        head = Head(f"j-brought-{next(_numbers)}", f"code {next(_numbers)}", 2, "f" * 64, MOMENTS[1], 3, MOMENTS[0])
        side.id = head.id
        entries = [side.entry(n, "plot", "ab"[n - 1], 1, None) for n in (1, 2)]
        parts = {"rows": BROUGHT, "timers": [TIMER], "keys": [KEY]}
        assert bring(side, head, entries=entries[:1]) is None
        assert bring(side, head, entries=entries[1:], **parts) is None
        with store.reading() as tx:
            assert tx.head(head.id) is None
            assert head.id not in [other.id for other in tx.heads()]
            assert [entry.seq for entry in tx.entries(head.id, 0, 9)] == [1, 2]
            assert tx.find(PLOT, head.id, Query((), 0, False, 9, None)) == [row for _, row, _ in BROUGHT]
            assert (tx.timers_after(head.id, None, 9), tx.keys(head.id, None, 9)) == ([TIMER], [KEY])
            assert tx.cursors(head.id) == [("import", 1, 1)]
            assert tx.next_wake(head.id, ()) == MOMENTS[0]
        for parts, code in (
            ({"rows": [(PLOT, plot("a", 1), 0)]}, "stale_step"),
            ({"rows": [(PLOT, plot("c", 1, "x"), 0)]}, "not_unique"),
            ({"rows": [(PLOT, plot("c", 1, "z"), 0), (PLOT, plot("d", 1, "z"), 0)]}, "not_unique"),
            ({"keys": [KEY]}, "key_reused"),
            ({"entries": entries[:1]}, "stale_step"),
        ):
            assert bring(side, head, **parts) == code
        with store.writing() as tx:
            tx.found(head)
            tx.fold("import", head.id, {}, 0, 0, anew=True)
            tx.commit()
        with store.writing() as tx:
            tx.forget(head.id)
            tx.commit()
        with store.reading() as tx:
            assert tx.head(head.id) == head
            assert (tx.cursors(head.id), tx.figures("import", head.id)) == ([], [])
            assert len(tx.entries(head.id, 0, 9)) == 2


def test_what_was_brought_and_never_given_a_head_can_be_removed(pair: tuple[Store, Store]) -> None:
    for store in pair:
        beside = Side(store, f"j-beside-{next(_numbers)}")
        assert written(beside, (plot("a", 1, "x"), 0)) is None
        head = Head(f"j-gone-{next(_numbers)}", "gone", 1, "f" * 64, MOMENTS[1], 3, None)
        side = Side(store, f"j-other-{next(_numbers)}")
        side.id = head.id
        for _ in range(2):
            parts = {
                "rows": BROUGHT,
                "timers": [TIMER],
                "keys": [KEY],
                "entries": [side.entry(1, "plot", "a", 1, None)],
            }
            assert bring(side, head, **parts) is None
            with store.writing() as tx:
                tx.forget(head.id)
                tx.forget("unknown")
                tx.commit()
        with store.reading() as tx:
            assert (tx.cursors(head.id), tx.keys(head.id, None, 9), tx.timers_after(head.id, None, 9)) == ([], [], [])
            assert tx.figures("import", head.id) == []
            if store is pair[1]:  # the memory store knows nothing of it any more
                assert tx.entries(head.id, 0, 9) == []
                assert tx.find(PLOT, head.id, Query((), 0, False, 9, None)) == []
            assert tx.get(PLOT, beside.id, "a") is not None


def test_a_head_is_not_given_where_the_code_is_in_use(pair: tuple[Store, Store]) -> None:
    for store in pair:
        beside = Side(store, f"j-beside-{next(_numbers)}")
        head = Head(f"j-brought-{next(_numbers)}", beside.head.code, 0, "f" * 64, MOMENTS[1], 3, None)
        assert bring(beside, head, rows=BROUGHT) is None
        with pytest.raises(CommunityCoreError) as refused, store.writing() as tx:
            tx.found(head)
        assert (refused.value.code, refused.value.data["jurisdiction"]) == ("code_taken", beside.id)


def test_a_snapshot_does_not_move(pair: tuple[Store, Store]) -> None:
    side = Side(pair[1], "j-snapshot")
    before = side.head
    with pair[1].reading() as tx:
        assert tx.head(side.id) == before
        assert written(side, (plot("a", 1), 0)) is None
        assert tx.head(side.id) == before
        assert tx.get(PLOT, side.id, "a") is None
    with pair[1].reading() as tx:
        assert tx.head(side.id) == side.head


def test_what_can_be_no_id_is_not_found(pair: tuple[Store, Store]) -> None:
    side = Side(pair[1], "j-ids")
    assert written(side, (plot("5", 1), 0)) is None
    with pair[1].reading() as tx:
        for id in ("\ud800", "\0", "济阳", 5, None, ""):
            assert tx.get(PLOT, side.id, id) is None  # type: ignore[arg-type]
