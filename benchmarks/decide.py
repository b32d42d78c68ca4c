"""One command through the whole road on the memory store, beside a bare loop that makes the same bytes.

The bare loop does only what the bytes need: evolve, row, difference, row text, state digest, entry, chain hash. It
looks nothing up, checks nobody's authority, draws no ids and keeps nothing. Both sides alternate between a claim
and its release, on a record as a room would declare it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from statistics import median
from time import perf_counter
from typing import Any, NewType

from attrs import evolve, frozen

import communitycore as cc
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import Room, command
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import FORMAT, chain_hash, state_digest
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.record import PUBLIC, Indexed, Record, record, shape_of
from communitycore.kernel.rules import role
from communitycore.kernel.states import States
from communitycore.kernel.view import View

ToyId = NewType("ToyId", str)


class ToyStatus(StrEnum):
    """On the shelf, or lent."""

    FREE = "free"
    LENT = "lent"


TOY_STATES = States(
    ToyStatus,
    start={ToyStatus.FREE},
    then={ToyStatus.FREE: {ToyStatus.LENT}, ToyStatus.LENT: {ToyStatus.FREE}},
)


@record("toy", states=TOY_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Toy(Record[ToyId]):
    """Something neighbours lend each other: a record of ordinary size."""

    title: str
    description: str
    shelf: Indexed[str]
    owner: Ref
    pieces: int
    since: datetime
    borrower: Indexed[Ref | None] = None
    until: datetime | None = None
    lent: int = 0
    status: Indexed[ToyStatus] = ToyStatus.FREE


@command("toys.add", may=role(ADMINISTRATOR))
def add(view: View) -> Change[Toy]:
    """Put a toy on the shelf."""
    toy = Toy(
        id=view.new(Toy),
        title="a wooden railway",
        description="forty pieces of track, two engines, one of them without a chimney, in a blue box",
        shelf="north wall, second from above",
        owner=view.actor,
        pieces=43,
        since=view.now,
    )
    return begin("toy.added", toy)


@command("toys.lend", may=role(ADMINISTRATOR))
def lend(view: View, toy_id: ToyId) -> Change[Toy]:
    """Lend a free toy."""
    toy = view.get(Toy, toy_id)
    return step("toy.lent", toy, evolve(toy, status=ToyStatus.LENT, borrower=view.actor, lent=toy.lent + 1))


@command("toys.give_back", may=role(ADMINISTRATOR))
def give_back(view: View, toy_id: ToyId) -> Change[Toy]:
    """Take a lent toy back."""
    toy = view.get(Toy, toy_id)
    return step("toy.given_back", toy, evolve(toy, status=ToyStatus.FREE, borrower=None))


def run(quick: bool) -> dict[str, Any]:
    """ratio: a command's time over the bare loop's; at most 2.5."""
    rounds, each = (9, 400) if quick else (41, 1_000)
    hub = cc.open("memory://", rooms=[Room("toys", records=[Toy], commands=[add, lend, give_back])])
    body = hub.found("1", name="x", level="community")
    desk = hub.desk(body.id, hub.administrator(body.id))
    toy = desk.do(add)
    ours: list[float] = []
    bare: list[float] = []
    for turn in range(rounds + 1):
        start = perf_counter()
        for n in range(each):
            desk.do(give_back if n & 1 else lend, toy.id)
        middle = perf_counter()
        _bare(toy, desk.actor, body.id, each)
        end = perf_counter()
        if turn:
            ours.append((middle - start) / each)
            bare.append((end - middle) / each)
    assert hub.verify().ok, "a benchmark's store must verify"
    return {
        "name": "decide",
        "ours": median(ours),
        "limit": median(bare),
        "ratio": median(o / b for o, b in zip(ours, bare, strict=True)),
        "goal": 2.5,
        "better": "lower",
        "runs": rounds,
        "note": "seconds a command",
    }


def _bare(toy: Toy, actor: Ref, jurisdiction: str, count: int) -> None:
    shape = shape_of(Toy)
    before, row, hash, version = toy, shape.to_row(toy, 1, None), "0" * 64, 1
    at, by, id, cause = "2024-06-04T06:00:00.000000Z", str(actor), toy.id, toy.id
    entries = []
    for n in range(count):
        if n & 1:
            after, name = evolve(before, status=ToyStatus.FREE, borrower=None), "toy.given_back"
        else:
            after = evolve(before, status=ToyStatus.LENT, borrower=actor, lent=before.lent + 1)
            name = "toy.lent"
        version += 1
        new = shape.to_row(after, version, None)
        difference, text = shape.difference(row, new), shape.text(new)
        digest = state_digest(shape, new, text)
        values = (
            FORMAT, jurisdiction, n + 1, id, at, at, by, None, cause, name, "toy", 1, id, version, difference, digest,
            None, id, None,
        )  # fmt: skip
        hash = chain_hash(hash, values)
        entries.append((*values, hash))
        before, row = after, new
