"""The domain core of community governance: rules that are right, on any store.

    import communitycore as cc
    hub = cc.open("sqlite:///district.db")
    desk = hub.desk("370115", actor=officer)
    ticket = desk.do(cc.tickets.report, ...)

Rooms stand as `communitycore.places`, `.people`, `.tickets`, `.wishes`, and are loaded when first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrs import evolve

    from communitycore.domain import funds as funds
    from communitycore.domain import people as people
    from communitycore.domain import places as places
    from communitycore.domain import services as services
    from communitycore.domain import tickets as tickets
    from communitycore.domain import wishes as wishes
    from communitycore.hub.asynchronous import AsyncDesk, AsyncHub
    from communitycore.hub.certificate import Certificate
    from communitycore.hub.desk import Desk, Outcome
    from communitycore.hub.hub import Hub
    from communitycore.kernel.change import Change, begin, many, note, step, unchanged
    from communitycore.kernel.classify import Classified, Classifier, Suggestion
    from communitycore.kernel.command import Call, Command, Fold, Reaction, Read, Room, Veto, command, read
    from communitycore.kernel.errors import CommunityCoreError, Refused, Vetoed
    from communitycore.kernel.geometry import Area, Point
    from communitycore.kernel.ids import Ref
    from communitycore.kernel.journal import Entry
    from communitycore.kernel.jurisdiction import ADMINISTRATOR, Grant, Jurisdiction
    from communitycore.kernel.money import Money
    from communitycore.kernel.query import where
    from communitycore.kernel.record import Indexed, LegalGround, Max, Personal, Record, Unique, record
    from communitycore.kernel.rules import PUBLIC, REACTION, TIMER, Role, linked, own, role, unless
    from communitycore.kernel.splits import Divided, Part, Share, Split, fixed, ratio, rest, weight
    from communitycore.kernel.states import States
    from communitycore.kernel.times import Clock, Entropy
    from communitycore.kernel.upcast import removed, renamed
    from communitycore.kernel.values import frozen
    from communitycore.kernel.view import View
    from communitycore.plugins import Installed

__version__ = "0.1.0"

ROOMS = ("places", "people", "funds", "services", "tickets", "wishes")

# Where each public name stands; a module is loaded when one of its names is first used.
_HOMES = {
    "attrs": "evolve",
    "communitycore.hub.asynchronous": "AsyncDesk AsyncHub",
    "communitycore.hub.certificate": "Certificate",
    "communitycore.hub.desk": "Desk Outcome",
    "communitycore.hub.hub": "Hub",
    "communitycore.kernel.change": "Change begin many note step unchanged",
    "communitycore.kernel.classify": "Classified Classifier Suggestion",
    "communitycore.kernel.command": "Call Command Fold Reaction Read Room Veto command read",
    "communitycore.kernel.errors": "CommunityCoreError Refused Vetoed",
    "communitycore.kernel.geometry": "Area Point",
    "communitycore.kernel.ids": "Ref",
    "communitycore.kernel.journal": "Entry",
    "communitycore.kernel.jurisdiction": "ADMINISTRATOR Grant Jurisdiction",
    "communitycore.kernel.money": "Money",
    "communitycore.kernel.query": "where",
    "communitycore.kernel.record": "Indexed LegalGround Max Personal Record Unique record",
    "communitycore.kernel.rules": "PUBLIC REACTION TIMER Role linked own role unless",
    "communitycore.kernel.splits": "Divided Part Share Split fixed ratio rest weight",
    "communitycore.kernel.states": "States",
    "communitycore.kernel.upcast": "removed renamed",
    "communitycore.kernel.values": "frozen",
    "communitycore.kernel.view": "View",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "ADMINISTRATOR",
    "PUBLIC",
    "REACTION",
    "ROOMS",
    "TIMER",
    "Area",
    "AsyncDesk",
    "AsyncHub",
    "Call",
    "Certificate",
    "Change",
    "Classified",
    "Classifier",
    "Command",
    "CommunityCoreError",
    "Desk",
    "Divided",
    "Entry",
    "Fold",
    "Grant",
    "Hub",
    "Indexed",
    "Jurisdiction",
    "LegalGround",
    "Max",
    "Money",
    "Outcome",
    "Part",
    "Personal",
    "Point",
    "Reaction",
    "Read",
    "Record",
    "Ref",
    "Refused",
    "Role",
    "Room",
    "Share",
    "Split",
    "States",
    "Suggestion",
    "Unique",
    "Veto",
    "Vetoed",
    "View",
    "begin",
    "command",
    "evolve",
    "fixed",
    "frozen",
    "funds",
    "installed_plugins",
    "linked",
    "many",
    "note",
    "open",
    "own",
    "people",
    "places",
    "ratio",
    "read",
    "record",
    "removed",
    "renamed",
    "rest",
    "role",
    "services",
    "step",
    "tickets",
    "unchanged",
    "unless",
    "weight",
    "where",
    "wishes",
]


def open(
    url: str,
    *,
    rooms: Iterable[Room] | None = None,
    vetoes: Iterable[Veto] | None = None,
    classifiers: Iterable[Classifier] | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    **options: Any,
) -> Hub:
    """Open the store at `url` (`sqlite:///file.db`, `memory://`) with its rooms.

    rooms: instead of the built-in ones and those of installed plug-ins, of which then nothing is loaded. vetoes,
    classifiers: instead of those of installed plug-ins. clock, entropy: where every time, id and salt comes from, the
    machine's unless given; the same two give the same journal. options: the adapter's own.
    A plug-in that fails is left out, with a PluginWarning that names it.
    Raises StoreUnusable, NoAdapter; Mistake for a given room that contradicts itself.
    """
    from communitycore.hub.hub import Hub
    from communitycore.kernel.times import system_clock, system_entropy
    from communitycore.plugins import Installed as Outside
    from communitycore.plugins import open_store

    outside = installed_plugins() if rooms is None else Outside()
    chosen = list(rooms) if rooms is not None else [*built_in_rooms(), *outside.rooms]
    store = open_store(url, **options)
    try:
        return Hub(
            store,
            chosen,
            vetoes=outside.vetoes if vetoes is None else vetoes,
            classifiers=outside.classifiers if classifiers is None else classifiers,
            clock=clock or system_clock,
            entropy=entropy or system_entropy,
            check=rooms is not None,
        )
    except BaseException:
        store.close()
        raise


def installed_plugins() -> Installed:
    """What installed plug-ins bring, checked beside the built-in rooms; one that fails is warned of and left out."""
    import warnings

    from communitycore.plugins import PluginWarning, installed

    def check(rooms: Sequence[Room], vetoes: Sequence[Veto]) -> None:
        from communitycore.hub.catalogue import Catalogue
        from communitycore.kernel.jurisdiction import ROOM

        Catalogue((ROOM, *built_in_rooms(), *rooms), vetoes).check()

    found = installed(check)
    for name, why in found.faults.items():
        warnings.warn(f"the plug-in {name} is left out: {why}", PluginWarning, stacklevel=3)
    return found


def built_in_rooms() -> list[Room]:
    """The rooms of this distribution, from the ground up."""
    return [importlib.import_module(f"communitycore.domain.{name}").ROOM for name in ROOMS]


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        found: Any = importlib.import_module(f"communitycore.domain.{name}")
    elif name in _HOME:
        found = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'communitycore' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
