"""What a command costs as a store grows: in entries, and in jurisdictions.

A loader writes records with valid chains through the store's own port, so that a store of millions verifies like any
other. Each size is measured with the same commands on records drawn at random from all of them, without waiting for the
disk, whose speed has nothing to do with the size.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
from collections.abc import Sequence
from statistics import median
from time import perf_counter
from typing import Any

from attrs import evolve

import communitycore as cc
from benchmarks.decide import Toy, ToyId, add, give_back, lend
from communitycore.hub.hub import Hub
from communitycore.kernel import times
from communitycore.kernel.command import Room
from communitycore.kernel.ids import Draw, Ref
from communitycore.kernel.journal import FORMAT, chain_hash, state_digest
from communitycore.kernel.record import shape_of
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch

AT_ONCE = 2_000
COMMANDS = 400
SIZES = (10_000, 100_000, 1_000_000)
LARGEST = 10_000_000
BODIES = (1, 10, 100, 1_000)
FLAT = 1.25
_SHAPE = shape_of(Toy)


def load(hub: Hub, place: str, actor: Ref, count: int) -> list[ToyId]:
    """So many new toys with an entry each, chained to what is there; gives a sample of a thousand of their ids."""
    sample: list[ToyId] = []
    every = max(1, count // 1_000)
    done = 0
    while done < count:
        many = min(AT_ONCE, count - done)
        draw = Draw(os.urandom(32), times.system_clock())
        cause = draw.id()
        with hub.store.writing() as tx:
            was = tx.lock(place)
            assert was is not None
            rows: list[tuple[Shape, Row, int]] = []
            entries: list[tuple[Any, ...]] = []
            hash = was.hash
            for n in range(many):
                id = draw.id() if n % 4_000 else Draw(os.urandom(32), draw.at).id()
                toy = Toy(
                    id=ToyId(id), title="a wooden railway", description="forty pieces of track in a blue box",
                    shelf=f"shelf {(done + n) % 997}", owner=actor, pieces=43, since=draw.at,
                )  # fmt: skip
                row = _SHAPE.to_row(toy, 1, None)
                text = _SHAPE.text(row)
                values = (
                    FORMAT, place, was.seq + n + 1, f"{id[:18]}-{n:017}", draw.stamp, draw.stamp, str(actor), None,
                    cause, "toy.added", "toy", 1, id, 1, text, state_digest(_SHAPE, row, text), None, None, None,
                )  # fmt: skip
                hash = chain_hash(hash, values)
                rows.append((_SHAPE, row, 0))
                entries.append((*values, hash))
                if (done + n) % every == 0:
                    sample.append(ToyId(id))
            head = evolve(was, seq=was.seq + many, hash=hash, last_at=max(was.last_at, draw.stamp))
            tx.write(Batch(head, was, rows, entries))
            tx.commit()
        done += many
    return sample


def cost(desks: Sequence[cc.Desk], toys: Sequence[ToyId], seed: int) -> float:
    """Median seconds of a command: a toy drawn at random is lent, and given back."""
    draw = random.Random(seed)
    taken: list[float] = []
    for _ in range(COMMANDS // 2):
        n = draw.randrange(len(toys))
        desk = desks[n % len(desks)]
        for command in (lend, give_back):
            start = perf_counter()
            desk.do(command, toys[n])
            taken.append(perf_counter() - start)
    return median(taken)


def opened(url: str) -> Hub:
    """A hub with the toys' room."""
    return cc.open(url, rooms=[Room("toys", records=[Toy], commands=[add, lend, give_back])])


def by_entries(sizes: Sequence[int]) -> list[tuple[int, float, float, float]]:
    """For each size: (entries, seconds a command, seconds to load it, file in MB)."""
    told = []
    with tempfile.TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/growth.db?durability=normal") as hub:
        home = hub.found("1", name="x", level="community").id
        desk = hub.desk(home, hub.administrator(home))
        toys: list[ToyId] = []
        there = 0
        for size in sizes:
            start = perf_counter()
            toys += load(hub, home, desk.actor, size - there)
            there = size
            loaded = perf_counter() - start
            cost([desk], toys, 0)  # warms up
            told.append((size, cost([desk], toys, 1), loaded, os.path.getsize(f"{folder}/growth.db") / 1e6))
            print(f"  {size:>10} entries: {told[-1][1] * 1e6:.0f} µs a command, loaded in {loaded:.0f} s, "
                  f"{told[-1][3]:.0f} MB", file=sys.stderr, flush=True)  # fmt: skip
    return told


def by_bodies(counts: Sequence[int]) -> list[tuple[int, float, float]]:
    """For each number of jurisdictions: (how many, seconds a command, kilobytes of memory a jurisdiction)."""
    told = []
    with tempfile.TemporaryDirectory() as folder, opened(f"sqlite:///{folder}/bodies.db?durability=normal") as hub:
        desks: list[cc.Desk] = []
        toys: list[ToyId] = []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for count in counts:
            while len(desks) < count:
                body = hub.found(f"{len(desks)}", name="x", level="community").id
                desks.append(hub.desk(body, Ref(body, "keeper")))
                admin = hub.administrator(body)
                desks[-1] = hub.desk(body, admin)
                toys.append(desks[-1].do(add).id)
            cost(desks, toys, 0)
            memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / count
            told.append((count, cost(desks, toys, 1), memory))
    return told


def run(quick: bool, *, largest: bool = False) -> dict[str, Any]:
    """ratio: the dearest size's cost over the cheapest's, of entries or of jurisdictions; at most 1.25."""
    sizes = SIZES[:2] if quick else (*SIZES, LARGEST) if largest else SIZES
    entries = by_entries(sizes)
    bodies = by_bodies(BODIES[:3] if quick else BODIES)
    grown = max(c for _, c, *_ in entries) / min(c for _, c, *_ in entries)
    spread = max(c for _, c, _ in bodies) / min(c for _, c, _ in bodies)
    said = ", ".join(f"{n:,}: {c * 1e6:.0f} µs ({s:.0f} s to load, {mb:.0f} MB)" for n, c, s, mb in entries)
    also = ", ".join(f"{n:,}: {c * 1e6:.0f} µs" for n, c, _ in bodies)
    return {
        "name": "growth",
        "ours": entries[-1][1],
        "limit": entries[0][1],
        "ratio": max(grown, spread),
        "goal": FLAT,
        "better": "lower",
        "runs": COMMANDS,
        "note": f"a command at {said}; over jurisdictions {also}, {bodies[-1][2]:.1f} kB of memory each",
    }


def run_largest(quick: bool) -> dict[str, Any]:
    """The same, to ten million entries: some minutes, and some 15 GB of disk."""
    return run(quick, largest=True)
