"""Verifying in pages: never more than a page is held, and what was broken off goes on from its checkpoint."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.moving import peak
from tests.hub.room import NeighbourId
from tests.hub.test_lockstep import SQLITE
from tests.hub.test_verify import MemoryHand, Pair, lived_in, pair  # noqa: F401 - a fixture

from communitycore.hub import verify as verifying
from communitycore.hub import waiting
from communitycore.hub.memory import MemoryStore
from communitycore.hub.report import FAULTS_LISTED, Anchor, Checkpoint, Report
from communitycore.plugins import open_store


class BrokenOff(Exception):
    """The verification ends here."""


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "PAGE", 3)
    monkeypatch.setattr(waiting, "PAGE", 3)


def checkpoints(bench: Bench) -> list[Checkpoint]:
    """All that a verification leaves, through their text."""
    kept: list[str] = []
    bench.hub.verify(keep=lambda checkpoint: kept.append(checkpoint.to_text()))
    return [Checkpoint.from_text(text) for text in kept]


def broken_after(bench: Bench, pages: int) -> Checkpoint:
    kept: list[Checkpoint] = []

    def keep(checkpoint: Checkpoint) -> None:
        kept.append(checkpoint)
        if len(kept) == pages:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        bench.hub.verify(keep=keep)
    return kept[-1]


def summary(report: Report) -> Any:
    return evolve(report, faults=sorted(report.faults, key=str))


def test_broken_off_after_any_page_it_ends_with_the_same_report(pair: Pair, small_pages: None) -> None:  # noqa: F811
    bench, _ = pair
    whole = bench.hub.verify()
    pages = checkpoints(bench)
    assert len(pages) > 12
    for n in range(1, len(pages) + 1):
        at = Checkpoint.from_text(broken_after(bench, n).to_text())
        assert bench.hub.verify(resume=at) == whole


def test_faults_before_and_after_the_break_are_all_told(pair: Pair, small_pages: None) -> None:  # noqa: F811
    bench, hand = pair
    tools = sorted(hand.rows("tool"))
    hand.put_row("tool", hand.rows("tool")[tools[-1]] | {"lends": 7})
    domino = next(iter(hand.rows("domino")))
    hand.drop_row("domino", domino)
    hand.copy_timer(domino, "other")
    entries = hand.entries()
    entries[4][verifying_column("actor")] = "x/other"
    hand.put_entries(entries)
    whole = summary(bench.hub.verify())
    assert len(whole.faults) >= 4
    for n in range(1, len(checkpoints(bench)) + 1):
        assert summary(bench.hub.verify(resume=broken_after(bench, n))) == whole


def verifying_column(name: str) -> int:
    from communitycore.kernel.journal import FIELDS

    return FIELDS.index(name)


def test_what_was_done_between_is_verified_as_well(pair: Pair, small_pages: None) -> None:  # noqa: F811
    bench, _ = pair
    for n in range(1, len(checkpoints(bench)) + 1):
        at = broken_after(bench, n)
        new = bench.tool(name="new")
        bench.desk.do(room.lend, new.id, to=NeighbourId(bench.neighbour().id), days=0)
        bench.clock.advance(DAY)
        bench.hub.run_due()
        report = bench.hub.verify(bench.hub.anchor(), resume=at)
        assert report.ok, report.faults
        if at.jurisdiction != "\x7f":
            assert report.entries == bench.hub.verify().entries


def test_an_entry_that_was_changed_at_the_break_is_found(small_pages: None) -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    hand = MemoryHand(store, bench.community)
    pages = [n for n, at in enumerate(checkpoints(bench), start=1) if at.jurisdiction == bench.community]
    at = broken_after(bench, pages[1])
    entries = hand.entries()
    entries[at.seq - 1][-1] = "0" * 64
    hand.put_entries(entries)
    told = bench.hub.verify(resume=at).faults
    assert any("broken off" in f.what and "中断" in f.what_zh for f in told)


@pytest.mark.parametrize("reached", [2, 5, 9])
def test_an_anchor_is_held_against_entries_before_the_break(small_pages: None, reached: int) -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    at = broken_after(bench, reached)
    seq = 2
    hash = bench.journal()[seq - 1].hash
    good = Anchor({bench.community: (seq, hash)})
    bad = Anchor({bench.community: (seq, "0" * 64)})
    assert bench.hub.verify(good, resume=at).ok
    assert not bench.hub.verify(bad, resume=at).ok


def test_it_begins_anew_where_a_jurisdiction_is_gone(small_pages: None) -> None:
    store = MemoryStore()
    bench = lived_in(open_bench(store))
    at = next(at for at in checkpoints(bench) if at.report.jurisdictions == 1)
    del store.books[bench.district]
    report = bench.hub.verify(resume=at)
    assert (report.jurisdictions, report.entries) == (1, len(bench.journal()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"verification":2}', '{"verification":1}', '"x"', "5", "null"])
def test_what_is_no_checkpoint_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|JSON|Expecting"):
        Checkpoint.from_text(text)


# many timers


@pytest.mark.parametrize("most", [0, 1, 2, 7])
def test_timers_are_verified_in_parts_where_they_are_many(
    pair: Pair,  # noqa: F811
    small_pages: None,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    bench, hand = pair
    for n in range(9):
        bench.desk.do(room.set_up, left=n, after_days=n)
    parked = bench.desk.do(room.set_up, left=0, trouble="bug", after_days=1)
    later = bench.desk.do(room.set_up, left=0, trouble="busy", after_days=1)
    bench.clock.advance(2 * DAY)
    bench.hub.run_due()
    monkeypatch.setattr(waiting, "HELD_MOST", max(most, 1))
    gathered: list[waiting.Waiting] = []
    watch = verifying.gathered

    def watched(*args: Any) -> waiting.Waiting:
        gathered.append(watch(*args))
        return gathered[-1]

    monkeypatch.setattr(verifying, "gathered", watched)
    assert bench.hub.verify().ok
    assert max(len(w.timers) for w in gathered) <= max(most, 1)
    assert sum(w.full for w in gathered)
    for spoil in (
        lambda: hand.drop_timer(parked.id),
        lambda: hand.timer(later.id, attempts=0),
        lambda: hand.copy_timer(later.id, "other"),
    ):
        old = hand.snapshot()
        spoil()
        assert len(bench.hub.verify().faults) >= 1
        hand.restore(old)
    assert bench.hub.verify().ok


def test_how_deep_a_waiting_reaction_was_set_off_is_read_from_the_journal() -> None:
    store = MemoryStore()
    bench = open_bench(store)
    domino = bench.desk.do(room.set_up, left=30, after_days=1)
    bench.desk.do(room.push, domino.id)
    with store.reading() as tx:
        (stuck,) = [t for t in tx.timers(bench.community, None, 10) if t.parked is not None]
    assert stuck.depth == room_depth()
    assert bench.hub.verify().ok
    hand = MemoryHand(store, bench.community)
    for depth in (0, stuck.depth - 1, stuck.depth + 1, 99):
        for old in hand._timers(domino.id):
            if old.source:
                hand.books.timers[old.key] = evolve(stuck, depth=depth)
        assert not bench.hub.verify().ok


def room_depth() -> int:
    from communitycore.hub.session import DEPTH_MAX

    return DEPTH_MAX


@pytest.mark.parametrize("steps", [1, 4_094, 4_095, 4_096, 8_200])
def test_the_first_entry_of_a_call_is_found_however_many_it_left(steps: int) -> None:
    def entry(seq: int, call: str, n: int) -> Any:
        return evolve(sample, seq=seq, id=f"018fe1d5-3f00-7{n & 0xFFF:03x}-8{call}")

    bench = open_bench()
    sample = bench.journal()[0]
    entries = [entry(1, "000-one", 1), entry(2, "000-one", 2)]
    entries += [entry(3 + n, "000-two", n + 1) for n in range(steps)]

    class Told:
        def entries(self, jurisdiction: str, after: int, limit: int) -> list[Any]:
            return entries[after : after + limit]

    for seq in (3, 3 + steps // 2, 2 + steps):
        assert waiting._first_of_call(Told(), "here", seq).seq == 3  # type: ignore[arg-type]
    assert waiting._first_of_call(Told(), "here", 2).seq == 1  # type: ignore[arg-type]


# very many faults, and memory


def test_of_very_many_faults_the_first_are_listed_and_the_others_counted() -> None:
    store = MemoryStore()
    bench = open_bench(store)
    bench.desk.do(room.add_many, count=900)
    bench.desk.do(room.add_many, count=900)
    hand = MemoryHand(store, bench.community)
    for row in list(hand.rows("tool").values()):
        hand.put_row("tool", row | {"lends": 7})
    report = bench.hub.verify()
    assert (len(report.faults), report.further) == (FAULTS_LISTED, 1_800 - FAULTS_LISTED)
    at = broken_after(bench, 5)
    assert bench.hub.verify(resume=Checkpoint.from_text(at.to_text())) == report


@pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
def test_memory_does_not_grow_with_the_journal(tmp_path: Path) -> None:
    peaks = []
    for thousands in (2, 20):
        bench = open_bench(open_store(f"sqlite:///{tmp_path / f'{thousands}.db'}", durability="normal"))
        for _ in range(thousands):
            bench.desk.do(room.add_many, count=1_000)
        assert bench.hub.verify().entries > thousands * 1_000
        peaks.append(peak(bench.hub.verify))
        bench.hub.close()
    assert peaks[1] < 1.25 * peaks[0], peaks


def test_progress_and_checkpoints_come_page_by_page(small_pages: None) -> None:
    bench = lived_in(open_bench())
    told: list[tuple[int, int]] = []
    kept: list[Checkpoint] = []
    report = bench.hub.verify(progress=lambda *so_far: told.append(so_far), keep=kept.append)
    assert told[-1] == (report.entries, report.entries)
    assert len(told) == len(kept) > report.entries / 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert kept[-1].report == report
    assert io.StringIO(kept[0].to_text()).readline() == kept[0].to_text()
