"""The journal's bytes, made again by other means than the library's."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import Bench, open_bench

from communitycore.kernel.journal import FIELDS, GENESIS, Entry, chain_hash, state_digest, values_of
from communitycore.kernel.record import shape_of

value = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def hash_again(before: str, values: list[Any]) -> str:
    """From the docstring alone: netstrings of bytes, `-,` for null."""
    digest = hashlib.sha256()
    for each in (before, *values):
        if each is None:
            digest.update(b"-,")
        else:
            data = str(each).encode("utf-8")
            digest.update(b"%d:" % len(data) + data + b",")
    return digest.hexdigest()


@given(st.lists(value, min_size=len(FIELDS), max_size=len(FIELDS)))
def test_an_entrys_hash_is_that_of_its_length_prefixed_fields(values: list[Any]) -> None:
    assert chain_hash(GENESIS, tuple(values)) == hash_again(GENESIS, values)


@example(n=FIELDS.index("seq"), odd=None, difference="{}")
@example(n=FIELDS.index("version"), odd="3", difference="{}")
@given(n=st.integers(0, len(FIELDS) - 1), odd=value, difference=value)
def test_a_field_that_is_not_as_we_write_it_is_hashed_like_any_other(n: int, odd: Any, difference: Any) -> None:
    """What an entry should be is hashed a quicker way, which must give the same for what somebody made of it."""
    plain: list[Any] = [1, "j", 12, "id", "at", "at", "j/a", None, "c", "n", "k", 1, "r", 3, "{}", "d", None, "g", None]
    assert chain_hash(GENESIS, tuple(plain)) == hash_again(GENESIS, plain)
    plain[FIELDS.index("difference")] = difference
    plain[n] = odd
    assert chain_hash(GENESIS, tuple(plain)) == hash_again(GENESIS, plain)
    assert chain_hash("über", tuple(plain)) == hash_again("über", plain)


@given(st.lists(value, min_size=3, max_size=3), st.lists(value, min_size=3, max_size=3))
def test_two_entries_never_share_the_bytes_that_are_hashed(one: list[Any], two: list[Any]) -> None:
    same = [None if v is None else str(v) for v in one] == [None if v is None else str(v) for v in two]
    assert (chain_hash(GENESIS, tuple(one)) == chain_hash(GENESIS, tuple(two))) is same


def test_the_fields_of_an_entry_are_as_the_design_lists_them() -> None:
    assert FIELDS == (
        "format", "jurisdiction", "seq", "id", "at", "occurred_at", "actor", "behalf", "cause", "name", "kind",
        "schema", "record", "version", "difference", "digest", "above", "grant", "timers",
    )  # fmt: skip


def busy() -> Bench:
    bench = open_bench()
    neighbour = bench.neighbour()
    desk = bench.desk
    card = desk.do(
        room.issue_card, room.NeighbourId(neighbour.id), name="王小明", phone="13800000000", born=date(1987, 3, 9)
    )
    bench.at(neighbour).do(room.correct_card, card.id, phone=None)
    tool = bench.tool(tag="A1", wear=(room.Wear("柄", date(2024, 1, 1)),))
    desk.do(room.lend, tool.id, to=room.NeighbourId(neighbour.id))
    desk.do(room.inspect, tool.id, remark="嗯")
    desk.occurred(datetime(2020, 1, 1, tzinfo=UTC)).do(room.bring_back, tool.id)
    desk.do(room.scrap, tool.id)
    return bench


def test_the_whole_chain_is_made_again_from_stored_text() -> None:
    bench = busy()
    for place in (bench.district, bench.community):
        before = GENESIS
        entries = bench.hub.journal(place)
        assert [e.seq for e in entries] == list(range(1, len(entries) + 1))
        for entry in entries:
            assert hash_again(before, [getattr(entry, name) for name in FIELDS]) == entry.hash
            assert values_of(entry) == tuple(getattr(entry, name) for name in FIELDS)
            before = entry.hash
        with bench.hub.store.reading() as tx:
            head = tx.head(place)
        assert head is not None
        assert (head.seq, head.hash) == (len(entries), before)


def test_a_row_is_made_again_from_its_entries_and_its_digest_from_the_row() -> None:
    bench = busy()
    with bench.hub.store.reading() as tx:
        for cls in room.ROOM.records:
            shape = shape_of(cls)
            for held in bench.desk.find(cls, limit=100):
                row = tx.get(shape, bench.community, held.id)
                assert row is not None
                entries = tx.entries_of(bench.community, shape.kind, held.id)
                state: dict[str, Any] = {}
                for entry in entries:
                    if entry.notes:
                        continue
                    changes = entry.changes()
                    state |= changes if entry.begins else {field: pair[1] for field, pair in changes.items()}
                state = {field: v for field, v in state.items() if v is not None}
                text = json.dumps(state, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
                lines = f"{shape.kind}\n{held.id}\n{row[1]}\n{row[2]}\n{text}"
                assert hashlib.sha256(lines.encode()).hexdigest() == entries[-1].digest
                assert state_digest(shape, row, shape.text(row)) == entries[-1].digest
                assert row[1] == entries[-1].version == held.version


def test_a_personal_hmac_is_that_of_field_and_canonical_text_under_the_rows_salt() -> None:
    bench = busy()
    shape = shape_of(room.Card)
    (card,) = bench.desk.find(room.Card)
    with bench.hub.store.reading() as tx:
        row = tx.get(shape, bench.community, card.id)
    assert row is not None
    salt = row[3]
    first = bench.desk.history(room.Card, card.id)[0].changes()
    for field, text in (("name", '"王小明"'), ("phone", '"13800000000"'), ("born", '"1987-03-09"')):
        made = hmac.new(salt.encode(), f"{field}\0{text}".encode(), "sha256").hexdigest()
        assert first[field] == {"hmac": made}


def test_no_personal_value_stands_anywhere_in_the_journal() -> None:
    bench = busy()
    for entry in bench.journal():
        told = "".join(str(v) for v in values_of(entry))
        assert "王小明" not in told
        assert "13800000000" not in told
        assert "1987-03-09" not in told


def test_an_entry_tells_its_times_actor_and_changes() -> None:
    bench = busy()
    returned = next(e for e in bench.journal() if e.name == "tool.returned")
    assert returned.occurred == datetime(2020, 1, 1, tzinfo=UTC)
    assert returned.recorded == bench.clock()
    assert returned.by == bench.keeper
    assert returned.changes()["status"] == ["out", "in"]
    assert returned.timers == '["-tools.remind"]'
    inspected = next(e for e in bench.journal() if e.name == "tool.inspected")
    assert inspected.notes
    assert not inspected.begins
    assert inspected.changes() == {"remark": "嗯"}


@given(st.integers(0, 5))
@settings(max_examples=3)
def test_the_same_clock_and_chance_give_the_same_hashes(seed: int) -> None:
    heads = []
    for _ in range(2):
        bench = open_bench(seed=seed)
        bench.tool()
        bench.neighbour()
        heads.append(bench.hub.anchor())
    assert heads[0] == heads[1]
    assert open_bench(seed=seed + 1).hub.anchor() != heads[0]


def test_entry_begins_only_where_its_record_came_to_be() -> None:
    made = Entry(
        jurisdiction="j", seq=1, id="i", at="", occurred_at="", actor="a/b", cause="c", name="n", kind="k",
        schema=1, record="r", version=1, difference="{}", digest="",
    )  # fmt: skip
    assert made.begins
    assert made.format == 1
