"""What cannot be taken in: cut, edited or forged streams, codes in use, rooms that are not open."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.hub.bench import Bench, open_bench
from tests.hub.moving import (
    KINDS,
    SKIP,
    forged,
    hub_on,
    kept,
    lines_of,
    nothing_to_be_seen,
    packed,
    rich,
    take_in,
    unsealed,
)

from communitycore.hub import parcel
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.hub.parcel import ExportDamaged
from communitycore.hub.report import Anchor
from communitycore.hub.taking_in import AlreadyHere, ExportUnfit
from communitycore.kernel.errors import CodeTaken
from communitycore.kernel.journal import FIELDS, chain_hash
from communitycore.kernel.jurisdiction import recode
from communitycore.ports import Store

# what is refused


def test_what_is_here_already_is_refused(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    before = kept(bench.hub.store, bench.community)
    with pytest.raises(AlreadyHere):
        take_in(bench.hub, data)
    assert kept(bench.hub.store, bench.community) == before


def test_a_code_in_use_is_refused_before_anything_is_written(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    hub = hub_on(bench, fresh("memory"))
    other = hub.found("370115001001", name="别处", level="community", since=date(2018, 7, 1))
    with pytest.raises(CodeTaken) as refused:
        take_in(hub, packed(bench.hub, bench.community))
    assert refused.value.jurisdiction == other.id  # type: ignore[attr-defined]
    with hub.store.reading() as tx:
        assert tx.cursors(bench.community) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_that_was_taken_meanwhile_is_refused_at_the_end(
    fresh: Callable[[str], Store], short_pages: None, kind: str
) -> None:
    bench = rich(open_bench())
    hub = hub_on(bench, fresh(kind))
    data = packed(bench.hub, bench.community)
    made: list[Any] = []

    def progress(done: int, total: int) -> None:
        if not made:
            made.append(hub.found("370115001001", name="别处", level="community", since=date(2018, 7, 1)))

    with pytest.raises(CodeTaken):
        take_in(hub, data, progress=progress)
    assert [body.id for body in hub.jurisdictions()] == [made[0].id]
    assert hub.verify().ok
    hub.desk(made[0].id, hub.administrator(made[0].id)).do(recode, code="other", since=bench.clock().date())
    with pytest.raises(CodeTaken):  # the day before, it was in use
        take_in(hub, data)
    hub.discard(bench.community)
    assert [body.id for body in hub.jurisdictions()] == [made[0].id]


def test_a_stream_cut_anywhere_is_refused_and_nothing_is_usable(
    fresh: Callable[[str], Store], short_pages: None
) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    hub = hub_on(bench, fresh("memory"))
    for length in sorted({*range(40), *range(0, len(data), 37), *range(len(data) - 30, len(data))}):
        with pytest.raises(ExportDamaged) as refused:
            take_in(hub, data[:length])
        assert refused.value.why != refused.value.why_zh
        with hub.store.reading() as tx:
            assert tx.heads() == []
    assert nothing_to_be_seen(hub, bench.community)
    take_in(hub, data)  # which goes on with what was whole
    assert packed(hub, bench.community) == data


@given(st.data())
@settings(max_examples=40)
def test_a_bit_flipped_anywhere_is_refused(data: st.DataObject) -> None:
    bench, stream = moved_often()
    text = lines_of(stream)
    assert text
    if data.draw(st.booleans(), "in the file"):
        n = data.draw(st.integers(20, len(stream) - 1))
        edited = stream[:n] + bytes([stream[n] ^ 1 << data.draw(st.integers(0, 7))]) + stream[n + 1 :]
        with suppress(OSError, EOFError, zlib.error):
            # Deflate has bits that mean nothing, such as those that fill its last byte: such a file is the same.
            assume(gzip.decompress(edited) != gzip.decompress(stream))
    else:

        def flip(plain: bytes) -> bytes:
            n = data.draw(st.integers(0, len(plain) - 1))
            return plain[:n] + bytes([plain[n] ^ 1 << data.draw(st.integers(0, 7))]) + plain[n + 1 :]

        edited = unsealed(stream, flip)
    hub = hub_on(bench, MemoryStore())
    with pytest.raises((ExportDamaged, ExportUnfit)):
        take_in(hub, edited)
    assert nothing_to_be_seen(hub, bench.community)


_MOVED: list[tuple[Bench, bytes]] = []


def moved_often() -> tuple[Bench, bytes]:
    if not _MOVED:
        bench = rich(open_bench())
        _MOVED.append((bench, packed(bench.hub, bench.community)))
    return _MOVED[0]


def edit_value(section: str, column: str, value: Any) -> Callable[[list[Any]], list[Any]]:
    def edit(lines: list[Any]) -> list[Any]:
        names = ["", *lines[0]["columns"][section]]
        n = next(n for n, line in enumerate(lines) if n and line[0] == section)
        lines[n][names.index(column)] = value
        return lines

    return edit


def edit_row(kind: str, column: str, value: Any) -> Callable[[list[Any]], list[Any]]:
    def edit(lines: list[Any]) -> list[Any]:
        names = ["", "", *lines[0]["kinds"][kind]["columns"]]
        n = next(n for n, line in enumerate(lines) if n and line[:2] == ["row", kind])
        lines[n][names.index(column)] = value
        return lines

    return edit


def without(section: str) -> Callable[[list[Any]], list[Any]]:
    def edit(lines: list[Any]) -> list[Any]:
        n = next(n for n, line in enumerate(lines) if n and line[0] == section)
        return lines[:n] + lines[n + 1 :]

    return edit


def twice(section: str) -> Callable[[list[Any]], list[Any]]:
    def edit(lines: list[Any]) -> list[Any]:
        n = next(n for n, line in enumerate(lines) if n and line[0] == section)
        return [*lines[: n + 1], *lines[n:]]

    return edit


def swapped(section: str) -> Callable[[list[Any]], list[Any]]:
    def edit(lines: list[Any]) -> list[Any]:
        n = next(n for n, line in enumerate(lines) if n and line[0] == lines[n + 1][0] == section)
        return [*lines[:n], lines[n + 1], lines[n], *lines[n + 2 :]]

    return edit


def head(**changes: Any) -> Callable[[list[Any]], list[Any]]:
    def edit(lines: list[Any]) -> list[Any]:
        lines[0]["head"] |= changes
        return lines

    return edit


FORGERIES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "an entry's actor": edit_value("entry", "actor", "x/other"),
    "an entry's hash": edit_value("entry", "hash", "0" * 64),
    "an entry's place": edit_value("entry", "jurisdiction", "elsewhere"),
    "an entry is gone": without("entry"),
    "an entry twice": twice("entry"),
    "entries swapped": swapped("entry"),
    "a row's value": edit_row("tool", "lends", 7),
    "a row's salt": edit_row("card", "salt", "0" * 64),
    "a personal value": edit_row("card", "phone", "13700000000"),
    "a row's type": edit_row("tool", "lends", "7"),
    "a row's null": edit_row("tool", "version", None),
    "a row's id": edit_row("tool", "id", "a/b"),
    "a row's huge number": edit_row("tool", "lends", 2**64),
    "a row's float": edit_row("tool", "lends", 1.5),
    "a row's NUL": edit_row("tool", "name", "a\0b"),
    "a row's half character": edit_row("tool", "name", "\ud800"),
    "a row is gone": without("row"),
    "a row twice": twice("row"),
    "rows swapped": swapped("row"),
    "a row of no kind": lambda lines: [
        ["row", "other", *line[2:]] if n and line[:2] == ["row", "tool"] else line for n, line in enumerate(lines)
    ],
    "a timer's moment": edit_value("timer", "due", "2099-01-01T00:00:00.000000Z"),
    "a timer is silenced": edit_value("timer", "parked", "hush"),
    "a timer is gone": without("timer"),
    "a timer twice": twice("timer"),
    "a key twice": twice("key"),
    "a key's type": edit_value("key", "mac", 5),
    "a cursor is ours": edit_value("cursor", "follower", "import"),
    "a cursor ahead": edit_value("cursor", "seq", 10**6),
    "a cursor is gone": without("cursor"),
    "a figure's type": edit_value("figure", "row", None),
    "the head's seq": head(seq=5),
    "the head's hash": head(hash="0" * 64),
    "the head's code": head(code="other"),
    "the head's wake": head(next_wake=None),
    "the head's last moment": head(last_at="2020-01-01T00:00:00.000000Z"),
    "the head's id": head(id="other"),
    "the head's type": head(standing="5"),
    "another format": lambda lines: [lines[0] | {"format": 2}, *lines[1:]],
    "another's columns": lambda lines: [lines[0] | {"columns": {}}, *lines[1:]],
    "no mark": lambda lines: [line for n, line in enumerate(lines) if not n or line[0] != "page"],
    "no end": lambda lines: lines[:-1],
    "more behind the end": lambda lines: [*lines, lines[-1]],
    "a section of its own": lambda lines: [*lines[:1], ["other", 1], *lines[1:]],
    "a line that is no record": lambda lines: [*lines[:1], {"a": 1}, *lines[1:]],
    "an empty line": lambda lines: [*lines[:1], [], *lines[1:]],
    "no header": lambda lines: lines[1:],
    "a header that is no object": lambda lines: [5, *lines[1:]],
}


@pytest.mark.parametrize("what", FORGERIES)
@pytest.mark.parametrize("small", [False, True])
def test_a_stream_forged_by_one_who_makes_its_hashes_anew_is_refused(
    monkeypatch: pytest.MonkeyPatch, what: str, small: bool
) -> None:
    if small:
        monkeypatch.setattr(parcel, "RECORDS_MOST", 7)
    bench = rich(open_bench())
    edited = forged(packed(bench.hub, bench.community), FORGERIES[what])
    hub = hub_on(bench, MemoryStore())
    for _ in range(2):
        with pytest.raises(ExportDamaged) as refused:
            take_in(hub, edited)
        assert refused.value.why != refused.value.why_zh
        assert nothing_to_be_seen(hub, bench.community)
        hub.discard(bench.community)
    take_in(hub, packed(bench.hub, bench.community))


@SKIP
@pytest.mark.parametrize("what", ["a row twice", "a row's value", "a timer is gone", "an entry's actor", "a key twice"])
def test_a_forged_stream_is_refused_by_a_file_too(fresh: Callable[[str], Store], what: str) -> None:
    bench = rich(open_bench())
    hub = hub_on(bench, fresh("sqlite"))
    with pytest.raises(ExportDamaged):
        take_in(hub, forged(packed(bench.hub, bench.community), FORGERIES[what]))
    assert nothing_to_be_seen(hub, bench.community)


@pytest.mark.parametrize("kind", KINDS)
def test_two_rows_that_hold_one_unique_value_are_refused(fresh: Callable[[str], Store], kind: str) -> None:
    """A chain made anew over a state that no hub would have reached."""
    bench = open_bench()
    one, two = bench.tool(tag="A1"), bench.tool(tag="B1")

    def edit(lines: list[Any]) -> list[Any]:
        for n, line in enumerate(lines):
            if n and line[:3] == ["row", "tool", two.id]:
                line[line.index("B1")] = "A1"
        return lines

    hub = hub_on(bench, fresh(kind))
    with pytest.raises(ExportDamaged) as refused:
        take_in(hub, forged(packed(bench.hub, bench.community), edit))
    assert "tag" in refused.value.why
    assert one.tag == "A1"


def test_a_journal_forged_as_a_whole_is_found_by_an_anchor_kept_elsewhere(fresh: Callable[[str], Store]) -> None:
    bench = open_bench()
    bench.tool()
    anchor = bench.hub.anchor()
    bench.tool()

    def edit(lines: list[Any]) -> list[Any]:
        names = lines[0]["columns"]["entry"]
        hash = "0" * 64
        for line in lines[1:]:
            if line[0] == "entry":
                line[1 + names.index("actor")] = "x/other"
                hash = line[-1] = chain_hash(hash, tuple(line[1:-1]))
        lines[0]["head"]["hash"] = hash
        return lines

    assert names_match()
    edited = forged(packed(bench.hub, bench.community), edit)
    hub = hub_on(bench, fresh("memory"))
    with pytest.raises(ExportDamaged) as refused:
        take_in(hub, edited, anchor=anchor)
    assert "anchor" in refused.value.why
    take_in(hub, edited)  # without one, nobody can tell
    good = hub_on(bench, fresh("memory"))
    take_in(good, packed(bench.hub, bench.community), anchor=anchor)
    later = Anchor({bench.community: (99, "0" * 64)})
    with pytest.raises(ExportDamaged):
        take_in(hub_on(bench, MemoryStore()), packed(bench.hub, bench.community), anchor=later)


def names_match() -> bool:
    return parcel.COLUMNS["entry"] == (*FIELDS, "hash")


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"hello", b"\x1f\x8b\x08" + b"\0" * 30, b"[]\n"])
def test_what_is_no_export_is_refused(data: bytes) -> None:
    with pytest.raises(ExportDamaged):
        take_in(open_bench().hub, data)


def test_a_line_that_never_ends_is_no_burden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "LINE_MOST", 1_000)
    bench = rich(open_bench())
    with pytest.raises(ExportDamaged):
        take_in(hub_on(bench, MemoryStore()), packed(bench.hub, bench.community))


def test_rooms_that_could_not_keep_everything_are_refused(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())
    data = packed(bench.hub, bench.community)
    with pytest.raises(ExportUnfit) as refused:
        take_in(Hub(fresh("memory"), []), data)
    assert "card" in refused.value.why
    newer = forged(data, lambda lines: [_kind(lines[0], "tool", schema=2), *lines[1:]])
    with pytest.raises(ExportUnfit) as refused:
        take_in(hub_on(bench, fresh("memory")), newer)
    assert "tool" in refused.value.why_zh

    def lost(lines: list[Any]) -> list[Any]:
        columns = [*lines[0]["kinds"]["tool"]["columns"], "colour"]
        return [
            _kind(lines[0], "tool", columns=columns),
            *([*line, "red"] if line[:2] == ["row", "tool"] else line for line in lines[1:]),
        ]

    with pytest.raises(ExportUnfit) as refused:
        take_in(hub_on(bench, fresh("memory")), forged(data, lost))
    assert "colour" in refused.value.why


def test_a_field_that_was_added_since_is_empty(fresh: Callable[[str], Store]) -> None:
    bench = rich(open_bench())

    def older(lines: list[Any]) -> list[Any]:
        columns = list(lines[0]["kinds"]["tool"]["columns"])
        n = columns.index("spot")
        del columns[n]
        return [
            _kind(lines[0], "tool", columns=columns[::-1]),
            *(
                [*line[:2], *[value for m, value in enumerate(line[2:]) if m != n][::-1]]
                if line[:2] == ["row", "tool"]
                else line
                for line in lines[1:]
            ),
        ]

    hub = hub_on(bench, fresh("memory"))
    take_in(hub, forged(packed(bench.hub, bench.community), older))
    assert kept(hub.store, bench.community) == kept(bench.hub.store, bench.community)


def _kind(header: dict[str, Any], kind: str, **changes: Any) -> dict[str, Any]:
    return header | {"kinds": header["kinds"] | {kind: header["kinds"][kind] | changes}}
