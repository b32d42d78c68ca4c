"""The domain core of community governance: rules that are right, on any store.

    import communitycore as cc
    hub = cc.open("sqlite:///district.db")
    desk = hub.desk("370115", actor=officer)
    ticket = desk.do(cc.tickets.report, ...)

Rooms stand as `communitycore.places`, `.people`, `.tickets`, `.wishes`, and are loaded when first used.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from communitycore.hub.desk import Desk, Outcome
from communitycore.hub.hub import Hub
from communitycore.kernel import times
from communitycore.kernel.change import Change, begin, many, note, step, unchanged
from communitycore.kernel.command import Call, Command, Fold, Reaction, Read, Room, command, read
from communitycore.kernel.errors import CommunityCoreError, Refused
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.jurisdiction import ADMINISTRATOR, Grant, Jurisdiction
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import PUBLIC, REACTION, TIMER, Role, linked, own, role
from communitycore.kernel.states import States
from communitycore.kernel.view import View

if TYPE_CHECKING:
    from communitycore.domain import people as people
    from communitycore.domain import places as places
    from communitycore.domain import tickets as tickets
    from communitycore.domain import wishes as wishes

__version__ = "0.1.0"

ROOMS = ("places", "people", "tickets", "wishes")

__all__ = [
    "ADMINISTRATOR",
    "PUBLIC",
    "REACTION",
    "ROOMS",
    "TIMER",
    "Area",
    "Call",
    "Change",
    "Command",
    "CommunityCoreError",
    "Desk",
    "Entry",
    "Fold",
    "Grant",
    "Hub",
    "Indexed",
    "Jurisdiction",
    "Max",
    "Money",
    "Outcome",
    "Personal",
    "Point",
    "Reaction",
    "Read",
    "Record",
    "Ref",
    "Refused",
    "Role",
    "Room",
    "States",
    "Unique",
    "View",
    "begin",
    "command",
    "evolve",
    "frozen",
    "linked",
    "many",
    "note",
    "open",
    "own",
    "read",
    "record",
    "role",
    "step",
    "unchanged",
    "where",
]


def open(
    url: str,
    *,
    rooms: Iterable[Room] | None = None,
    clock: times.Clock = times.system_clock,
    entropy: times.Entropy = os.urandom,
    **options: Any,
) -> Hub:
    """Open the store at `url` (`sqlite:///file.db`, `memory://`) with its rooms.

    rooms: instead of the built-in ones and those of installed plug-ins. clock, entropy: where every time, id
    and salt comes from; the same two give the same journal. options: the adapter's own.
    Raises StoreUnusable, NoAdapter; Mistake for a room that contradicts itself.
    """
    from communitycore.plugins import installed_rooms, open_store

    outside = installed_rooms() if rooms is None else []
    chosen = list(rooms) if rooms is not None else [*built_in_rooms(), *outside]
    store = open_store(url, **options)
    try:
        return Hub(store, chosen, clock=clock, entropy=entropy, check=rooms is not None or bool(outside))
    except BaseException:
        store.close()
        raise


def built_in_rooms() -> list[Room]:
    """The rooms of this distribution, from the ground up."""
    return [importlib.import_module(f"communitycore.domain.{name}").ROOM for name in ROOMS]


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return importlib.import_module(f"communitycore.domain.{name}")
    raise AttributeError(f"module 'communitycore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *ROOMS})
