"""Exporting and taking in: a jurisdiction moves from any store to any store, all of it or nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from tests.hub import room
from tests.hub.bench import DAY, open_bench
from tests.hub.moving import (
    KINDS,
    BrokenOff,
    Counting,
    breaking,
    every,
    hub_on,
    kept,
    lines_of,
    nothing_to_be_seen,
    packed,
    rich,
    take_in,
)
from tests.hub.room import Card, Domino, Tool
from tests.hub.stores import Flaky
from tests.hub.test_lockstep import SQLITE

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.hub.parcel import ExportDamaged
from communitycore.hub.taking_in import AlreadyHere, OtherExport
from communitycore.kernel.command import Fold, Room
from communitycore.kernel.errors import Damaged, Mistake, OutcomeUnknown, StoreBusy, UnknownCode
from communitycore.ports import Store

# the round trip


@pytest.mark.parametrize("there", KINDS)
@pytest.mark.parametrize("here", KINDS)
def test_it_arrives_as_it_was(fresh: Callable[[str], Store], here: str, there: str) -> None:
    bench = rich(open_bench(fresh(here)))
    other = hub_on(bench, fresh(there))
    for place in (bench.district, bench.community):
        data = packed(bench.hub, place)
        contents = take_in(other, data)
        assert kept(other.store, place) == kept(bench.hub.store, place)
        assert repr(kept(other.store, place)) == repr(kept(bench.hub.store, place))
        assert packed(other, place) == data
        assert contents.anchor.heads[place] == bench.hub.anchor().heads[place]
    assert other.anchor() == bench.hub.anchor()
    assert other.verify(bench.hub.anchor()).ok


def test_every_section_is_in_the_stream_and_counted() -> None:
    bench = rich(open_bench())
    file = io.BytesIO()
    contents = bench.hub.export("370115001001", file)
    header, *records = lines_of(file.getvalue())
    counts = {section: sum(record[0] == section for record in records) for section in contents.counts}
    assert counts == dict(contents.counts)
    assert all(counts.values()), counts
    assert (contents.jurisdiction, contents.code) == (bench.community, "370115001001")
    assert records[-1] == ["end", counts, contents.sha256]
    assert header["kinds"]["card"]["columns"][:4] == ["id", "version", "schema", "salt"]
    assert "王小明" in str(records)


def test_a_jurisdiction_that_only_was_founded_moves_too(fresh: Callable[[str], Store]) -> None:
    bench = open_bench()
    other = hub_on(bench, fresh("memory"))
    take_in(other, packed(bench.hub, bench.community))
    assert kept(other.store, bench.community) == kept(bench.hub.store, bench.community)
    assert other.resolve("370115001001") == bench.community


# what comes after


def test_life_goes_on_there(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    other = hub_on(bench, fresh("memory"))
    for place in (bench.district, bench.community):
        take_in(other, packed(bench.hub, place))
    new = evolve(bench, hub=other)
    made = new.tool(name="new")
    assert new.desk.get(Tool, made.id) == made
    assert new.desk.do(room.set_limit, loans=3).loans == 3
    assert other.verify(bench.hub.anchor()).ok
    assert len(other.journal(new.community)) > len(bench.journal())


def test_timers_run_once(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    domino = bench.desk.do(room.set_up, left=0, after_days=2)
    other = hub_on(bench, fresh("memory"))
    for place in (bench.district, bench.community):
        take_in(other, packed(bench.hub, place))
    bench.clock.advance(3 * DAY)
    there = evolve(bench, hub=other)
    for hub in (bench.hub, other):
        assert hub.run_due() > 0
        assert hub.run_due() == 0
    assert there.desk.get(Domino, domino.id) == bench.desk.get(Domino, domino.id)
    assert there.desk.get(Domino, domino.id).fallen == 1
    assert [t.key for t in other.parked(bench.community)] == [t.key for t in bench.hub.parked(bench.community)] != []


def test_a_reaction_that_waited_runs_once(fresh: Callable[[str], Store]) -> None:
    flaky = Flaky(MemoryStore())
    bench = open_bench(flaky)
    domino = bench.desk.do(room.set_up, left=1)
    flaky.busy_after_commits = 1
    bench.desk.do(room.push, domino.id)
    flaky.busy_after_commits = None
    with flaky.reading() as tx:
        assert [t.source for t in tx.timers(bench.community, None, 9)] != [""]
    other = hub_on(bench, fresh("memory"))
    take_in(other, packed(bench.hub, bench.community))
    assert other.run_due() == 1
    assert other.run_due() == 0


def test_a_keyed_call_repeated_there_gives_what_the_first_gave(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    before = bench.desk.keyed("again").do(room.add, name="once")
    other = hub_on(bench, fresh("memory"))
    for place in (bench.district, bench.community):
        take_in(other, packed(bench.hub, place))
    desk = evolve(bench, hub=other).desk
    seq = other.anchor().heads[bench.community]
    assert desk.keyed("again").do(room.add, name="once") == before
    with pytest.raises(cc.CommunityCoreError) as refused:
        desk.keyed("again").do(room.add, name="other")
    assert refused.value.code == "key_reused"
    assert other.anchor().heads[bench.community] == seq


def test_folds_go_on_where_they_were_and_are_not_made_anew(fresh: Callable[[str], Store]) -> None:
    seen: list[int] = []

    def apply(get: Any, entry: cc.Entry) -> Any:
        seen.append(entry.seq)
        yield f"{entry.seq:05}", {"n": entry.seq, "字": "值"}

    fold = Fold(name="test.seen", on=frozenset({"tool.added"}), apply=apply, read=cc.PUBLIC)
    rooms = (room.ROOM, Room("test", records=[], commands=[], folds=[fold]))
    bench = open_bench(MemoryStore(), rooms=rooms)
    bench.desk.do(room.add_many, count=900)
    before = bench.desk.figures(fold)
    assert len(before) == 900
    other = hub_on(bench, fresh("memory"), *rooms)
    for place in (bench.district, bench.community):
        take_in(other, packed(bench.hub, place))
    seen.clear()
    desk = evolve(bench, hub=other).desk
    assert desk.figures(fold) == before
    assert seen == []
    desk.do(room.add, name="new")
    assert len(desk.figures(fold)) == 901
    assert len(seen) == 1


# broken off


@pytest.mark.parametrize("there", KINDS)
def test_broken_off_at_any_page_it_goes_on_there(fresh: Callable[[str], Store], short_pages: None, there: str) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    pages = sum(line[0] == "page" for line in lines_of(data)[1:])
    assert pages > 9
    for stop in range(1, pages + 1):
        store = fresh(there)
        with pytest.raises(BrokenOff):
            take_in(hub_on(bench, store), data, progress=breaking(stop))
        again = hub_on(bench, store)
        assert nothing_to_be_seen(again, bench.community)
        counting = Counting(store)
        take_in(hub_on(bench, counting), data)
        assert counting.writes == pages - stop + 1  # the pages that were missing, and the head
        assert kept(store, bench.community) == kept(bench.hub.store, bench.community)
        assert packed(again, bench.community) == data
        assert again.verify().ok


def test_broken_off_at_every_page_it_still_arrives(fresh: Callable[[str], Store], short_pages: None) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    pages = sum(line[0] == "page" for line in lines_of(data)[1:])
    store = fresh("memory")
    for page in range(1, pages + 1):
        with pytest.raises(BrokenOff):
            take_in(hub_on(bench, store), data, progress=breaking(page))
    take_in(hub_on(bench, store), data)
    assert kept(store, bench.community) == kept(bench.hub.store, bench.community)


def test_a_store_that_is_busy_or_loses_its_answers_is_tried_again(short_pages: None) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    for answers in ([True] * 20, [False, True] * 20, [False, False]):
        store = Flaky(MemoryStore())
        hub = hub_on(bench, store)
        store.busy, store.unknown = 1, list(answers)
        take_in(hub, data)
        assert kept(store, bench.community) == kept(bench.hub.store, bench.community)
    store = Flaky(MemoryStore())
    hub = hub_on(bench, store)
    store.busy = 99
    with pytest.raises(StoreBusy):
        take_in(hub, data)
    store.busy, store.unknown = 0, [False] * 99
    with pytest.raises(OutcomeUnknown):
        take_in(hub, data)
    store.unknown = []
    assert nothing_to_be_seen(hub, bench.community)
    take_in(hub, data)


def test_another_file_does_not_go_on_where_one_was_broken_off(fresh: Callable[[str], Store], short_pages: None) -> None:
    bench = rich(open_bench())
    old = packed(bench.hub, bench.community)
    bench.tool(name="later")
    new = packed(bench.hub, bench.community)
    hub = hub_on(bench, fresh("memory"))

    for at in (1, 3, len(every(old, "page"))):
        with pytest.raises(BrokenOff):
            take_in(hub, old, progress=breaking(at))
        with pytest.raises(OtherExport):
            take_in(hub, new)
        shorter = open_bench(MemoryStore(), seed="other")
        assert nothing_to_be_seen(hub, bench.community)
        hub.discard(bench.community)
    take_in(hub, new)
    assert packed(hub, bench.community) == new
    take_in(hub, packed(shorter.hub, shorter.district))


def test_what_was_left_can_be_discarded_and_nothing_of_it_stays(
    fresh: Callable[[str], Store], short_pages: None
) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    for kind in ("memory", "sqlite")[: 1 + SQLITE]:
        store = fresh(kind)
        hub = hub_on(bench, store)
        with pytest.raises(BrokenOff):
            take_in(hub, data, progress=breaking(len(every(data, "page"))))
        hub.discard(bench.community)
        hub.discard(bench.community)
        with store.reading() as tx:
            assert tx.cursors(bench.community) == tx.keys(bench.community, None, 9) == []
            assert tx.timers_after(bench.community, None, 9) == []
        if store.url.startswith("sqlite"):
            left = kept(store, bench.community)
            assert not left.pop("head")
            assert not any(left["rows"].values())
            assert not left["entries"]
        take_in(hub, data)
        with pytest.raises(AlreadyHere):
            hub.discard(bench.community)
        assert packed(hub, bench.community) == data


# exporting


def test_an_export_is_one_moment(fresh: Callable[[str], Store], short_pages: None) -> None:
    if not SQLITE:
        pytest.skip("communitycore-sql is not installed")
    bench = rich(open_bench(fresh("sqlite")))
    before = packed(bench.hub, bench.community)

    class Busy(io.BytesIO):
        def write(self, data: Any) -> int:
            if len(bench.journal()) < 400:
                bench.tool(name="meanwhile")
            return super().write(data)

    file = Busy()
    bench.hub.export(bench.community, file)
    assert file.getvalue() == before
    assert len(bench.journal()) > len(lines_of(before)) / 3


def test_a_journal_that_does_not_hold_is_not_carried_elsewhere() -> None:
    for spoil in (
        lambda books: books.entries.__setitem__(4, (*books.entries[4][:6], "x/other", *books.entries[4][7:])),
        lambda books: books.entries.pop(),
        lambda books: books.entries.pop(5),
        lambda books: setattr(books, "head", evolve(books.head, hash="0" * 64)),
    ):
        store = MemoryStore()
        bench = rich(open_bench(store))
        spoil(store.books[bench.community])
        with pytest.raises(Damaged):
            packed(bench.hub, bench.community)


def test_a_value_that_no_store_should_hold_is_damage() -> None:
    store = MemoryStore()
    bench = rich(open_bench(store))
    table = store.books[bench.community].tables["tool"]
    id, row = next(iter(table.rows.items()))
    for value in (b"\xff", "\ud800"):
        table.rows[id] = (*row[:4], value, *row[5:])
        with pytest.raises(Damaged):
            packed(bench.hub, bench.community)


def test_rows_of_a_room_that_is_not_open_are_not_left_behind() -> None:
    store = MemoryStore()
    bench = rich(open_bench(store))
    with pytest.raises(Mistake, match="open the hub with the room"):
        packed(Hub(store, [], clock=bench.clock), bench.community)


def test_an_export_tells_how_far_it_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    from communitycore.hub import export

    monkeypatch.setattr(export, "PAGE", 10)
    bench = rich(open_bench())
    told: list[tuple[int, int]] = []
    contents = bench.hub.export(bench.community, io.BytesIO(), progress=lambda *so_far: told.append(so_far))
    total = sum(contents.counts.values())
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) >= total // 10
    assert all(done <= all_ for done, all_ in told)


def test_an_unknown_code_is_refused_and_a_failed_export_leaves_no_whole_file() -> None:
    bench = rich(open_bench())
    with pytest.raises(UnknownCode):
        bench.hub.export("999", io.BytesIO())

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() > 5:
                raise OSError(28, "No space left on device")
            return super().write(data)

    file = Full()
    with pytest.raises(OSError, match="No space"):
        bench.hub.export(bench.community, file)
    with pytest.raises(ExportDamaged):
        take_in(hub_on(bench, MemoryStore()), file.getvalue())


def test_the_cards_of_neighbours_are_readable_there(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    other = hub_on(bench, fresh("memory"))
    for place in (bench.district, bench.community):
        take_in(other, packed(bench.hub, place))
    assert evolve(bench, hub=other).desk.find(Card) == bench.desk.find(Card)
    assert json.dumps(dict(other.anchor().heads)) == json.dumps(dict(bench.hub.anchor().heads))
