"""What a worker and its keeper say to each other; each thing said is small, and is said whole or not at all."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from attrs import frozen

from communitycore.conformance.room import ToolId
from communitycore.conformance.workers import Opening
from communitycore.kernel.ids import Ref

MANY = 5
"""How many tools `add_many` adds."""
LEAVES: dict[str, Counter[str]] = {
    "add": Counter({"tool.added": 1}),
    "add_many": Counter({"tool.added": MANY}),
    "revise": Counter({"tool.revised": 1}),
    "inspect": Counter({"tool.inspected": 1}),
    "lend": Counter({"tool.lent": 1, "loan.made": 1}),
    "compose": Counter({"tool.lent": 1, "loan.made": 1, "tool.returned": 1, "loan.closed": 1}),
    "hand_tag": Counter({"tool.touched": 1, "tool.retagged": 2}),
    "scrap": Counter({"tool.scrapped": 1}),
    "set_up": Counter({"domino.set_up": 1}),
    "ladder": Counter({"domino.set_up": 1}),
    "push": Counter({"domino.fell": 1}),
    "crash": Counter(),
}
"""The entries that each act leaves if it is kept, all of them or none."""
FALLS = 3
"""How often a domino falls that is pushed once: each further time by a reaction on the one before."""
RUNGS = 4
"""How often a ladder's timer runs."""


@frozen
class Task:
    """What a worker is given. claims: tools that everybody wants. keys: idempotency keys that everybody uses.

    shared: a tool that everybody changes. jump_seconds: how far its clock is off, anew each time it is read.
    """

    opening: Opening
    place: str
    keeper: Ref
    name: str
    seed: str
    threads: int
    claims: tuple[ToolId, ...]
    keys: tuple[str, ...]
    shared: ToolId
    jump_seconds: float


@frozen
class Begun:
    """A call that is about to be made. act: see LEAVES. again: made before, or perhaps by others too.

    mark: the name of an entry, and a text that no other call's entry of that name holds; None where there is none.
    """

    token: str
    act: str
    mark: tuple[str, str] | None = None
    key: str | None = None
    again: bool = False


class How(StrEnum):
    """How a call ended, for its caller."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """The store failed, and says that nothing was kept."""
    UNKNOWN = "unknown"
    """The store failed, and says that it may have been kept."""
    BROKE = "broke"
    """What no caller should meet."""


@frozen
class Told:
    """How a call ended. records: id and version of what it gave. cause: of one whose outcome is unknown."""

    token: str
    how: How
    records: tuple[tuple[str, int], ...] = ()
    why: str = ""
    cause: str | None = None


@frozen
class State:
    """A word about the worker itself: ready, ended, or broke."""

    word: str
    why: str = ""
