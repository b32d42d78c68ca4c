"""What the tests of exporting and taking in share: lives to move, all that a store keeps, and streams edited by hand."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from tests.hub import room
from tests.hub.bench import DAY, Bench
from tests.hub.room import NeighbourId
from tests.hub.stores import Wrapped
from tests.hub.test_lockstep import SQLITE
from tests.hub.test_verify import lived_in

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.parcel import Contents
from communitycore.kernel.command import Room
from communitycore.kernel.errors import UnknownCode
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import Query
from communitycore.ports import Store, Writing


def rich(bench: Bench) -> Bench:
    """A life with everything that can be moved: text of any script, keys, timers of every fate, figures, reactions."""
    lived_in(bench)
    desk = bench.desk
    desk.keyed("once").do(room.add, name="\U00020bb7野家 e\u0301 \u2028 'ü'", tag="", sizes=(-(2**63), 2**63 - 1))
    desk.keyed("twice").do(room.add, name='A\n\t"\\%', remark="\u0001\u200f" + "x" * 5_000)
    desk.figures(room.TALLY)
    desk.do(room.set_up, left=3, trouble="bug", after_days=0)
    desk.do(room.set_up, left=3, trouble="busy", after_days=0)
    desk.do(room.set_up, left=0, trouble="ladder", after_days=1)
    domino = desk.do(room.set_up, left=30)
    desk.do(room.push, domino.id)
    bench.hub.run_due()
    tool = bench.tool(name="late")
    desk.do(room.lend, tool.id, to=NeighbourId(bench.neighbour(Ref("x", "far")).id), days=0)
    bench.clock.advance(DAY / 24)
    return bench


def kept(store: Store, place: str, rooms: tuple[cc.Room, ...] = (room.ROOM,)) -> dict[str, Any]:
    """All that a store keeps of a jurisdiction."""
    from communitycore.hub.catalogue import Catalogue
    from communitycore.kernel.jurisdiction import ROOM

    shapes = Catalogue((ROOM, *rooms)).shapes
    with store.reading() as tx:
        cursors = tx.cursors(place)
        return {
            "head": tx.head(place),
            "entries": tx.entries(place, 0, 1 << 30),
            "rows": {k: tx.find(s, place, Query((), 0, False, 1 << 30, None)) for k, s in shapes.items()},
            "timers": tx.timers_after(place, None, 1 << 30),
            "keys": tx.keys(place, None, 1 << 30),
            "cursors": cursors,
            "figures": {follower: tx.figures(follower, place) for follower, _, _ in cursors},
        }


def packed(hub: Hub, place: str) -> bytes:
    file = io.BytesIO()
    hub.export(place, file)
    return file.getvalue()


def lines_of(data: bytes) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def unsealed(data: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """The stream with its text changed and nothing else: its hashes no longer agree."""
    return gzip.compress(edit(gzip.decompress(data)))


def forged(data: bytes, edit: Callable[[list[Any]], list[Any]]) -> bytes:
    """The stream with its records changed by one who makes all hashes of the stream anew, if not the journal's."""
    sha, number, made = sha256(), 0, b""
    counts = dict.fromkeys(("entry", "row", "timer", "key", "cursor", "figure"), 0)
    for line in edit(lines_of(data)):
        section = line[0] if isinstance(line, list) and line else None
        if section == "page":
            number += 1
            line = ["page", number, sha.hexdigest()]
        elif section == "end":
            line = ["end", {name: counts[name] for name in sorted(counts)}, sha.hexdigest()]
        elif section is not None:
            counts[section] = counts.get(section, 0) + 1
        try:
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            text = json.dumps(line, separators=(",", ":")).encode()
        sha.update(text + b"\n")
        made += text + b"\n"
    return gzip.compress(made)


def every(data: bytes, name: str) -> list[int]:
    return [n for n, line in enumerate(lines_of(data)) if n and line[0] == name]


def hub_on(bench: Bench, store: Store, *rooms: Room) -> Hub:
    """Another hub, with the bench's clock."""
    return Hub(store, rooms or (room.ROOM,), clock=bench.clock)


def take_in(hub: Hub, data: bytes, **options: Any) -> Contents:
    return hub.take_in(io.BytesIO(data), **options)


def nothing_to_be_seen(hub: Hub, place: str) -> bool:
    with hub.store.reading() as tx:
        heads = tx.heads()
    assert hub.verify().ok
    for code in (place, "370115001001"):
        with pytest.raises(UnknownCode):
            hub.resolve(code)
    return not heads and not hub.jurisdictions() and not hub.anchor().heads and hub.run_due() == 0


class BrokenOff(Exception):
    """Taking in ends here."""


def breaking(at: int) -> Callable[[int, int], None]:
    """A progress that breaks off when it is told something for the `at`-th time."""
    told: list[int] = []

    def progress(done: int, total: int) -> None:
        told.append(done)
        assert done <= total
        if len(told) == at:
            raise BrokenOff

    return progress


class Counting(Wrapped):
    """Counts its write transactions."""

    writes = 0

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        self.writes += 1
        with super().writing(wait=wait) as tx:
            yield tx


def peak(act: Callable[[], object]) -> int:
    """The most memory that it held, in bytes."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SKIP = pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
KINDS = ["memory", pytest.param("sqlite", marks=SKIP)]
