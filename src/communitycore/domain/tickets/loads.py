"""How much each officer has to do: a figure kept up to date, never counted by scanning."""

from __future__ import annotations

from typing import Any, NewType

from attrs import evolve

from communitycore.domain.tickets.records import DESK, Ticket
from communitycore.domain.tickets.recusal import names_of
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import where
from communitycore.kernel.record import Record, Unique, record
from communitycore.kernel.rules import own, unless
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

LoadId = NewType("LoadId", str)


def _is_own(view: View, load: Any) -> bool:
    return load.officer in names_of(view, view.actor)


# Whoever takes a report back lightens a load: of their own, nobody learns by whom, not even as a clerk (G7).
_OTHERS = unless(DESK, _is_own, en="the officer themselves", zh="本人")


@record("load", read=DESK | own("officer"), actors=_OTHERS)
@frozen(kw_only=True)
class Load(Record[LoadId]):
    """What one officer or unit has in hand 在办负荷: so many tickets, of so much weight together."""

    officer: Unique[Ref]
    tickets: int = 0
    weight: int = 0


class Loads:
    """The loads as a command moves them: read once each, written once each."""

    __slots__ = ("_moved", "_read", "_view")

    def __init__(self, view: View) -> None:
        self._view = view
        self._read: dict[Ref, Load | None] = {}
        self._moved: dict[Ref, tuple[int, int]] = {}

    def weight(self, officer: Ref) -> int:
        """What the officer carries, with what this command moved so far."""
        held = self._held(officer)
        return (0 if held is None else held.weight) + self._moved.get(officer, (0, 0))[1]

    def move(self, before: Ticket | None, after: Ticket) -> None:
        """Take off what the ticket weighed on somebody before, and put on what it weighs now."""
        was, now = None if before is None else before.burden, after.burden
        if was == now:
            return
        if was is not None:
            self._add(was[0], -1, -was[1])
        if now is not None:
            self._add(now[0], 1, now[1])

    def changes(self) -> list[Change[Any]]:
        """A step for each load that moved, in the order of officers."""
        made: list[Change[Any]] = []
        for officer in sorted(self._moved):
            tickets, weight = self._moved[officer]
            held = self._held(officer)
            if (tickets, weight) == (0, 0):
                continue
            if held is None:
                load = Load(id=self._view.new(Load), officer=officer, tickets=tickets, weight=weight)
                made.append(begin("load.begun", load))
            else:
                after = evolve(held, tickets=held.tickets + tickets, weight=held.weight + weight)
                made.append(step("load.moved", held, after))
        return made

    def _held(self, officer: Ref) -> Load | None:
        if officer not in self._read:
            self._read[officer] = self._view.one(Load, where(Load.officer, officer))
        return self._read[officer]

    def _add(self, officer: Ref, tickets: int, weight: int) -> None:
        had = self._moved.get(officer, (0, 0))
        self._moved[officer] = (had[0] + tickets, had[1] + weight)


def moved(view: View, name: str, before: Ticket, after: Ticket) -> Change[Ticket]:
    """A ticket's step with what it does to loads: the one way in which a ticket moves on."""
    loads = Loads(view)
    loads.move(before, after)
    return step(name, before, after).also(*loads.changes())
