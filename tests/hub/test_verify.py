"""Verifying: whatever was edited, deleted, invented, reordered or restored behind the hub's back is found."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.room import Card, Domino, NeighbourId, Tool
from tests.hub.test_lockstep import SQLITE

import communitycore as cc
from communitycore.hub.memory import MemoryStore
from communitycore.hub.verify import Anchor, Report
from communitycore.kernel.journal import FIELDS, chain_hash
from communitycore.kernel.record import shape_of
from communitycore.plugins import open_store

COLUMNS = (*FIELDS, "hash")


class Hand(Protocol):
    """A hand that reaches past the hub into the store."""

    def entries(self) -> list[list[Any]]: ...
    def put_entries(self, entries: list[list[Any]]) -> None: ...
    def rows(self, kind: str) -> dict[str, dict[str, Any]]: ...
    def put_row(self, kind: str, row: dict[str, Any]) -> None: ...
    def drop_row(self, kind: str, id: str) -> None: ...
    def timer(self, record: str, **changes: Any) -> None: ...
    def drop_timer(self, record: str) -> None: ...
    def copy_timer(self, record: str, to: str) -> None: ...
    def head(self, **changes: Any) -> None: ...
    def snapshot(self) -> Any: ...
    def restore(self, old: Any) -> None: ...


class MemoryHand:
    """Into the memory store's dictionaries."""

    def __init__(self, store: MemoryStore, place: str) -> None:
        self.store, self.place = store, place

    @property
    def books(self) -> Any:
        return self.store.books[self.place]

    def entries(self) -> list[list[Any]]:
        return [list(values) for values in self.books.entries]

    def put_entries(self, entries: list[list[Any]]) -> None:
        books = self.books
        books.entries = [tuple(values) for values in entries]
        books._by_record.clear()
        books._by_cause.clear()
        books._looked_up = 0

    def rows(self, kind: str) -> dict[str, dict[str, Any]]:
        table = self.books.tables[kind]
        names = [c.name for c in table.shape.columns]
        return {id: dict(zip(names, row, strict=True)) for id, row in table.rows.items()}

    def put_row(self, kind: str, row: dict[str, Any]) -> None:
        self.books.tables[kind].put(tuple(row.values()))

    def drop_row(self, kind: str, id: str) -> None:
        del self.books.tables[kind].rows[id]

    def _timers(self, record: str) -> list[Any]:
        return [t for t in self.books.timers.values() if t.record == record]

    def timer(self, record: str, **changes: Any) -> None:
        for old in self._timers(record):
            del self.books.timers[old.key]
            new = cc.evolve(old, **changes)
            self.books.timers[new.key] = new

    def drop_timer(self, record: str) -> None:
        for old in self._timers(record):
            del self.books.timers[old.key]

    def copy_timer(self, record: str, to: str) -> None:
        for old in self._timers(record):
            new = cc.evolve(old, record=to)
            self.books.timers[new.key] = new

    def head(self, **changes: Any) -> None:
        self.books.head = cc.evolve(self.books.head, **changes)

    def snapshot(self) -> Any:
        return copy.deepcopy({k: v for k, v in vars(self.books).items() if k != "tables"}), {
            kind: dict(table.rows) for kind, table in self.books.tables.items()
        }

    def restore(self, old: Any) -> None:
        plain, tables = old
        vars(self.books).update(plain)
        for kind, table in self.books.tables.items():
            table.rows = dict(tables.get(kind, {}))


class SqliteHand:
    """Into the file, with Python's own sqlite3."""

    def __init__(self, file: Path, place: str) -> None:
        self.connection = sqlite3.connect(file, isolation_level=None)
        self.place = place

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    def _put(self, table: str, row: dict[str, Any]) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        self.ask(f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({marks})', *row.values())

    def entries(self) -> list[list[Any]]:
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        return [
            list(row)
            for row in self.ask(f"SELECT {names} FROM cc_journal WHERE jurisdiction = ? ORDER BY seq", self.place)
        ]

    def put_entries(self, entries: list[list[Any]]) -> None:
        self.ask("DELETE FROM cc_journal WHERE jurisdiction = ?", self.place)
        for values in entries:
            self._put("cc_journal", dict(zip(COLUMNS, values, strict=True)))

    def _columns(self, kind: str) -> list[str]:
        return [name for _, name, *_ in self.ask(f'PRAGMA table_info("{kind}")')]

    def rows(self, kind: str) -> dict[str, dict[str, Any]]:
        names = self._columns(kind)
        found = self.ask(f'SELECT * FROM "{kind}" WHERE jurisdiction = ?', self.place)
        made = [dict(zip(names, row, strict=True)) for row in found]
        return {row["id"]: row for row in made}

    def put_row(self, kind: str, row: dict[str, Any]) -> None:
        self._put(kind, row)

    def drop_row(self, kind: str, id: str) -> None:
        self.ask(f'DELETE FROM "{kind}" WHERE jurisdiction = ? AND id = ?', self.place, id)

    def timer(self, record: str, **changes: Any) -> None:
        sets = ", ".join(f'"{name}" = ?' for name in changes)
        self.ask(
            f"UPDATE cc_timers SET {sets} WHERE jurisdiction = ? AND record = ?", *changes.values(), self.place, record
        )

    def drop_timer(self, record: str) -> None:
        self.ask("DELETE FROM cc_timers WHERE jurisdiction = ? AND record = ?", self.place, record)

    def copy_timer(self, record: str, to: str) -> None:
        names = self._columns("cc_timers")
        for row in self.ask("SELECT * FROM cc_timers WHERE jurisdiction = ? AND record = ?", self.place, record):
            self._put("cc_timers", dict(zip(names, row, strict=True)) | {"record": to})

    def head(self, **changes: Any) -> None:
        sets = ", ".join(f'"{name}" = ?' for name in changes)
        self.ask(f"UPDATE cc_heads SET {sets} WHERE id = ?", *changes.values(), self.place)

    def snapshot(self) -> Any:
        old = sqlite3.connect(":memory:")
        self.connection.backup(old)
        return old

    def restore(self, old: Any) -> None:
        for (name,) in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = old.execute(f'SELECT * FROM "{name}"').fetchall()
            self.ask(f'DELETE FROM "{name}"')
            for row in rows:
                self.ask(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(row))})', *row)
        old.close()


def lived_in(bench: Bench) -> Bench:
    """Some life: people, personal data, tools, timers, standing records."""
    neighbour = bench.neighbour()
    desk = bench.desk
    card = desk.do(room.issue_card, NeighbourId(neighbour.id), name="王小明", phone="13800000000")
    bench.at(neighbour).do(room.correct_card, card.id, phone="13900000000")
    one, two = bench.tool(tag="A1", name="one"), bench.tool(tag="B1", name="two")
    desk.do(room.set_limit, loans=5)
    desk.do(room.lend, one.id, to=NeighbourId(neighbour.id))
    desk.do(room.inspect, two.id, remark="fine")
    desk.do(room.set_up, left=0, after_days=3)
    bench.clock.advance(DAY)
    desk.do(room.retag, two.id, tag="C1")
    assert bench.hub.verify().ok
    return bench


Pair = tuple[Bench, Hand]


@pytest.fixture(params=["memory", "sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    if request.param == "memory":
        store = MemoryStore()
        bench = lived_in(open_bench(store))
        yield bench, MemoryHand(store, bench.community)
        return
    if not SQLITE:
        pytest.skip("communitycore-sql is not installed")
    file = tmp_path / "books.db"
    bench = lived_in(open_bench(open_store(f"sqlite:///{file}", durability="normal")))
    hand = SqliteHand(file, bench.community)
    yield bench, hand
    hand.connection.close()
    bench.hub.close()


def at(values: list[Any], name: str) -> Any:
    return values[COLUMNS.index(name)]


def put(values: list[Any], **changes: Any) -> list[Any]:
    return [changes.get(name, value) for name, value in zip(COLUMNS, values, strict=True)]


def rechained(entries: list[list[Any]]) -> list[list[Any]]:
    """Numbered and hashed anew, as one would who knows how."""
    made, before = [], "0" * 64
    for n, values in enumerate(entries, start=1):
        values = put(values, seq=n)
        before = chain_hash(before, tuple(values[:-1]))
        made.append(put(values, hash=before))
    return made


def found(bench: Bench, anchor: Anchor | None = None) -> Report:
    report = bench.hub.verify(anchor)
    assert not report.ok
    for fault in report.faults:
        assert fault.what
        assert fault.what_zh
        assert fault.jurisdiction == bench.community
    return report


# rows


def test_an_edited_row_is_found_and_named(pair: Pair) -> None:
    bench, hand = pair
    (tool,) = bench.desk.find(Tool, cc.where(Tool.name, "two"))
    hand.put_row("tool", hand.rows("tool")[tool.id] | {"lends": 7})
    assert [(f.kind, f.record) for f in found(bench).faults] == [("tool", tool.id)]


def test_an_edited_personal_value_is_found(pair: Pair) -> None:
    bench, hand = pair
    (card,) = bench.desk.find(Card)
    for change in ({"phone": "13700000000"}, {"name": None}, {"salt": "0" * 64}):
        kept = hand.rows("card")[card.id]
        if change.get("name", "") is not None or isinstance(hand, MemoryHand):
            hand.put_row("card", kept | change)
            assert [(f.kind, f.record) for f in found(bench).faults] == [("card", card.id)]
            hand.put_row("card", kept)
    assert bench.hub.verify().ok


def test_an_edited_standing_record_is_found(pair: Pair) -> None:
    bench, hand = pair
    ((id, row),) = hand.rows("limit").items()
    hand.put_row("limit", row | {"loans": 99})
    assert [(f.kind, f.record) for f in found(bench).faults] == [("limit", id)]


def test_a_row_put_back_to_an_older_version_of_itself_is_found(pair: Pair) -> None:
    bench, hand = pair
    (tool,) = bench.desk.find(Tool, cc.where(Tool.name, "one"))
    old = hand.rows("tool")[tool.id]
    bench.desk.do(room.bring_back, tool.id)
    assert bench.hub.verify().ok
    hand.put_row("tool", old)
    assert ("tool", tool.id) in [(f.kind, f.record) for f in found(bench).faults]


def test_a_deleted_row_is_found(pair: Pair) -> None:
    bench, hand = pair
    (tool,) = bench.desk.find(Tool, cc.where(Tool.name, "two"))
    hand.drop_row("tool", tool.id)
    assert {f.kind for f in found(bench).faults} == {"tool"}


def test_an_invented_row_is_found_and_named(pair: Pair) -> None:
    bench, hand = pair
    row = next(iter(hand.rows("tool").values()))
    hand.put_row("tool", row | {"id": "invented", "tag": None})
    assert [(f.kind, f.record) for f in found(bench).faults] == [("tool", "invented")]


def test_a_row_exchanged_for_an_invented_one_is_found(pair: Pair) -> None:
    bench, hand = pair
    id, row = next(iter(hand.rows("tool").items()))
    hand.drop_row("tool", id)
    hand.put_row("tool", row | {"id": "invented"})
    assert "invented" in [f.record for f in found(bench).faults]


def test_the_deleted_rows_of_a_whole_kind_are_found(pair: Pair) -> None:
    bench, hand = pair
    for id in hand.rows("domino"):
        hand.drop_row("domino", id)
    assert {f.kind for f in found(bench).faults} == {"domino"}


# entries


EDITS: dict[str, Any] = {
    "at": "2024-06-04T06:00:00.000001Z",
    "occurred_at": "2020-01-01T00:00:00.000000Z",
    "actor": "x/other",
    "behalf": "x/other",
    "cause": "other",
    "name": "tool.other",
    "difference": '{"name":"other"}',
    "digest": "0" * 64,
    "above": None,
    "grant": None,
    "timers": "[]",
    "hash": "0" * 64,
    "format": 2,
    "id": "other",
    "schema": 2,
    "version": 9,
}


@pytest.mark.parametrize("field", EDITS)
def test_an_edited_entry_is_found_where_it_stands(pair: Pair, field: str) -> None:
    bench, hand = pair
    entries = hand.entries()
    n = next(n for n, values in enumerate(entries) if at(values, "name") == "tool.lent")
    entries[n] = put(entries[n], **{field: EDITS[field]})
    hand.put_entries(entries)
    assert n + 1 in [f.seq for f in found(bench).faults] or n + 2 in [f.seq for f in bench.hub.verify().faults]


def test_an_edited_entry_is_found_even_if_its_own_hash_was_made_to_fit(pair: Pair) -> None:
    bench, hand = pair
    entries = hand.entries()
    before = at(entries[4], "hash")
    forged = put(entries[5], actor="x/other")
    entries[5] = put(forged, hash=chain_hash(before, tuple(forged[:-1])))
    hand.put_entries(entries)
    assert [f.seq for f in found(bench).faults] == [7]


def test_a_deleted_entry_is_found(pair: Pair) -> None:
    bench, hand = pair
    entries = hand.entries()
    del entries[5]
    hand.put_entries(entries)
    assert any("missing" in f.what for f in found(bench).faults)


def test_reordered_entries_are_found(pair: Pair) -> None:
    bench, hand = pair
    entries = hand.entries()
    entries[4], entries[5] = put(entries[5], seq=5), put(entries[4], seq=6)
    hand.put_entries(entries)
    assert {5, 6} <= {f.seq for f in found(bench).faults}


def test_an_invented_entry_is_found(pair: Pair) -> None:
    bench, hand = pair
    entries = hand.entries()
    last = entries[-1]
    invented = put(last, seq=len(entries) + 1, id="invented", name="tool.blessed")
    invented = put(invented, hash=chain_hash(at(last, "hash"), tuple(invented[:-1])))
    hand.put_entries([*entries, invented])
    assert any("head" in f.what for f in found(bench).faults)


def test_a_whole_journal_forged_by_one_who_knows_how_is_found_by_the_anchor(pair: Pair) -> None:
    bench, hand = pair
    anchor = Anchor.from_text(bench.hub.anchor().to_text())
    old = hand.entries()
    entries = rechained([put(values, actor="x/other") for values in old])
    hand.put_entries(entries)
    hand.head(hash=at(entries[-1], "hash"))
    for record in {at(values, "record") for values in old if at(values, "timers")}:
        hand.timer(record, behalf="x/other")
    assert bench.hub.verify().ok  # nothing but what is kept elsewhere can tell
    assert any("anchor" in f.what for f in found(bench, anchor).faults)


def test_a_cut_tail_is_found_by_the_head_or_by_the_anchor(pair: Pair) -> None:
    bench, hand = pair
    anchor = bench.hub.anchor()
    old = hand.snapshot()
    bench.desk.do(room.inspect, bench.desk.find(Tool)[0].id, remark="to be forgotten")
    later = bench.hub.anchor()
    entries = hand.entries()
    hand.put_entries(entries[:-1])
    assert found(bench).faults
    hand.head(seq=len(entries) - 1, hash=at(entries[-2], "hash"))
    found(bench, later)
    hand.restore(old)
    assert bench.hub.verify(anchor).ok
    assert any("cut" in f.what for f in found(bench, later).faults)


def test_a_restored_old_state_is_found_by_the_anchor_alone(pair: Pair) -> None:
    bench, hand = pair
    old = hand.snapshot()
    for tool in bench.desk.find(Tool):
        bench.desk.do(room.break_, tool.id)
    anchor = bench.hub.anchor()
    hand.restore(old)
    assert bench.hub.verify().ok
    assert not bench.hub.verify(anchor).ok


def test_a_restored_old_state_that_lived_on_is_found_by_the_anchor(pair: Pair) -> None:
    bench, hand = pair
    old = hand.snapshot()
    tool = bench.desk.find(Tool)[0]
    bench.desk.do(room.inspect, tool.id, remark="a")
    anchor = bench.hub.anchor()
    hand.restore(old)
    for remark in "bcd":
        bench.desk.do(room.inspect, tool.id, remark=remark)
    assert bench.hub.verify().ok
    assert not bench.hub.verify(anchor).ok


def test_a_jurisdiction_that_is_gone_is_found_by_the_anchor() -> None:
    bench = open_bench()
    anchor = bench.hub.anchor()
    other = open_bench(seed="other")
    assert {f.jurisdiction for f in other.hub.verify(anchor).faults} == {bench.district, bench.community}
    assert Anchor.from_text(anchor.to_text()) == anchor


# timers and head


@pytest.mark.parametrize(
    "act",
    [
        lambda hand, record: hand.drop_timer(record),
        lambda hand, record: hand.timer(record, due="2099-01-01T00:00:00.000000Z"),
        lambda hand, record: hand.timer(record, wake="2099-01-01T00:00:00.000000Z"),
        lambda hand, record: hand.timer(record, command="tools.other"),
        lambda hand, record: hand.timer(record, kind="tool"),
        lambda hand, record: hand.copy_timer(record, "other"),
    ],
    ids=["removed", "due edited", "wake edited", "command edited", "kind edited", "added"],
)
def test_an_edited_removed_or_added_timer_is_found(pair: Pair, act: Callable[[Hand, str], None]) -> None:
    bench, hand = pair
    (domino,) = bench.desk.find(Domino)
    act(hand, domino.id)
    assert {f.record for f in found(bench).faults} & {domino.id, "other"}


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 3},
        {"hash": "0" * 64},
        {"next_wake": None},
        {"next_wake": "2099-01-01T00:00:00.000000Z"},
        {"code": "other"},
    ],
    ids=str,
)
def test_a_head_that_was_edited_is_found(pair: Pair, change: dict[str, Any]) -> None:
    bench, hand = pair
    hand.head(**change)
    found(bench)


@pytest.mark.parametrize(
    "change",
    [
        {"due": "2099-01-01T00:00:00.000000Z"},
        {"wake": "2099-01-01T00:00:00.000000Z"},
        {"wake": "2099-01-01T00:00:00.000000Z", "attempts": 1},
        {"parked": "a person looks at it"},
        {"attempts": 7},
        {"depth": 3},
        {"seq": 1},
        {"cause": "another"},
        {"behalf": "x/other"},
        {"kind": "card"},
        {"command": "tools.scrap"},
    ],
    ids=str,
)
def test_a_timer_that_was_silenced_or_put_on_somebody_else_is_found(pair: Pair, change: dict[str, Any]) -> None:
    bench, hand = pair
    domino = bench.desk.do(room.set_up, left=0, trouble="busy", after_days=1)
    with bench.hub.store.reading() as tx:
        assert tx.timers_of(bench.community, domino.id)
    assert bench.hub.verify().ok
    hand.timer(domino.id, **change)
    found(bench)


def test_a_timer_that_was_put_off_or_parked_may_not_be_edited_either(pair: Pair) -> None:
    bench, hand = pair
    parked = bench.desk.do(room.set_up, left=0, trouble="bug", after_days=1)
    later = bench.desk.do(room.set_up, left=0, trouble="busy", after_days=1)
    bench.clock.advance(2 * DAY)
    bench.hub.run_due()
    assert bench.hub.verify().ok
    old = hand.snapshot()
    for record, change in (
        (parked.id, {"parked": None}),
        (later.id, {"wake": "2024-06-05T06:00:00.000000Z"}),
        (later.id, {"attempts": 0}),
        (later.id, {"parked": "hush"}),
    ):
        hand.timer(record, **change)
        found(bench)
        hand.restore(old)
        old = hand.snapshot()
    assert bench.hub.verify().ok


def test_a_timer_that_failed_or_is_parked_is_no_fault(pair: Pair) -> None:
    bench, _ = pair
    bench.desk.do(room.set_up, left=0, trouble="bug", after_days=1)
    bench.desk.do(room.set_up, left=0, trouble="busy", after_days=1)
    bench.clock.advance(2 * DAY)
    bench.hub.run_due()
    assert bench.hub.verify().ok


# what is beyond reading


RUBBISH = [None, "", "rubbish", "[1, 2]", "5", '{"a":1}', "null", '["?"]']


@pytest.mark.parametrize("rubbish", RUBBISH, ids=repr)
@pytest.mark.parametrize("field", ["timers", "difference", "at", "kind", "record"])
def test_rubbish_in_an_entry_is_a_fault_and_not_a_crash(field: str, rubbish: Any) -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    hand = MemoryHand(store, bench.community)
    entries = hand.entries()
    if entries[5] == put(entries[5], **{field: rubbish}):
        return
    entries[5] = put(entries[5], **{field: rubbish})
    hand.put_entries(entries)
    assert 6 in [f.seq for f in found(bench).faults]


@pytest.mark.parametrize(
    "order", [[1, 0], [2, 0, 1], [0, 2, 1], list(range(11, -1, -1)), [*range(10), 11, 10]], ids=str
)
def test_entries_that_the_store_gives_in_no_order_are_a_fault_and_no_endless_reading(order: list[int]) -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    hand = MemoryHand(store, bench.community)
    entries = hand.entries()
    hand.put_entries([entries[n] for n in order] + entries[len(order) :])
    found(bench)


@pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
@pytest.mark.parametrize("table", ["tool", "cc_journal"])
def test_bytes_that_are_no_text_are_found_as_ours(tmp_path: Path, table: str) -> None:
    file = tmp_path / "books.db"
    bench = lived_in(open_bench(open_store(f"sqlite:///{file}", durability="normal")))
    with sqlite3.connect(file) as connection:
        connection.execute(
            f"UPDATE \"{table}\" SET {'name' if table == 'tool' else 'difference'} = CAST(x'ff41' AS TEXT)"
        )
    connection.close()
    try:
        assert not bench.hub.verify().ok
    except cc.CommunityCoreError as error:
        assert error.code != "error"
    bench.hub.close()


# in general


@given(st.data())
@settings(max_examples=60)
def test_any_one_value_of_any_entry_or_row_changed_is_found(data: st.DataObject) -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    hand = MemoryHand(store, bench.community)
    if data.draw(st.booleans(), "an entry"):
        entries = hand.entries()
        n = data.draw(st.integers(0, len(entries) - 1))
        field = data.draw(st.sampled_from(COLUMNS))
        value = data.draw(st.none() | st.text(max_size=3) | st.integers(0, 99))
        if (str(at(entries[n], field)) == str(value) and value is not None) or at(entries[n], field) == value:
            return
        if field in ("seq", "kind", "record") and value is None:
            return
        entries[n] = put(entries[n], **{field: value})
        hand.put_entries(sorted(entries, key=lambda values: str(at(values, "seq")).zfill(9)))
        if field == "seq" and not isinstance(value, int):
            return
    else:
        kind = data.draw(st.sampled_from([k for k in sorted(store.books[bench.community].tables) if hand.rows(k)]))
        rows = hand.rows(kind)
        id = data.draw(st.sampled_from(sorted(rows)))
        shape = store.books[bench.community].tables[kind].shape
        column = data.draw(st.sampled_from([c for c in shape.columns if c.name not in ("id", "salt")]))
        value = data.draw(st.none() | (st.integers(0, 99) if column.type in ("int", "bool") else st.text(max_size=3)))
        if rows[id][column.name] == value or (column.type == "bool" and bool(rows[id][column.name]) is bool(value)):
            return
        hand.put_row(kind, rows[id] | {column.name: value})
    assert not bench.hub.verify().ok


def test_a_whole_state_is_verified_and_counted_with_progress() -> None:
    bench = lived_in(open_bench())
    told: list[tuple[int, int]] = []
    report = bench.hub.verify(progress=lambda done, total: told.append((done, total)))
    entries = sum(len(bench.hub.journal(place)) for place in (bench.district, bench.community))
    assert (report.entries, report.jurisdictions) == (entries, 2)
    assert told[-1] == (entries, entries)
    assert report.rows >= 9


def test_a_journal_with_kinds_of_a_room_that_is_not_open_says_which() -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    bare = cc.Hub(store, [], clock=bench.clock)
    told = {f.kind for f in bare.verify().faults} - {None}
    assert told == {shape_of(kind).kind for kind in room.ROOM.records if kind is not room.Loan} | {"loan"}


def test_a_jurisdictions_row_of_a_later_form_is_a_fault_and_not_a_crash() -> None:
    bench = open_bench()
    table = bench.hub.store.books[bench.community].table(shape_of(cc.Jurisdiction))  # type: ignore[attr-defined]
    row = table.rows[bench.community]
    table.rows[bench.community] = (*row[:2], row[2] + 1, *row[3:])
    assert not bench.hub.verify().ok
