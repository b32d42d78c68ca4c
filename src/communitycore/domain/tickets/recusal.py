"""Who must stand aside from what 回避 (G7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NewType

from attrs import evolve

from communitycore.domain.people import Party, PartyId, tenures_of
from communitycore.domain.places import Dwelling, DwellingId
from communitycore.domain.tickets.errors import OwnWork, RecusalEnded, RecusalUnclear, Recused
from communitycore.domain.tickets.records import DESK, Ticket, TicketId, TicketReporter
from communitycore.domain.tickets.words import REMARK_MAX, check_words
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Max, Personal, Record, record
from communitycore.kernel.rules import own
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

RecusalId = NewType("RecusalId", str)

RECUSALS_MAX = 1_000
REPORTERS_MAX = 900
"""How many reporters one ticket can have: a command touches at most 1,000 records."""


@record("recusal", read=DESK | own("officer"), actors=DESK, owner="officer")
@frozen(kw_only=True)
class Recusal(Record[RecusalId]):
    """One stands aside from a party's tickets, a dwelling's, or one ticket 回避登记.

    It counts whenever somebody is chosen, and is never held against one who has a ticket already: a refusal there
    would tell an officer who reported it.
    """

    officer: Indexed[Ref]
    party: PartyId | None = None
    dwelling: DwellingId | None = None
    ticket: TicketId | None = None
    reason: Personal[Annotated[str, Max(REMARK_MAX)] | None] = None
    ended: Indexed[bool] = False


@command("tickets.recuse", may=DESK | own("officer"))
def recuse(
    view: View,
    *,
    officer: Ref,
    reason: str,
    party: PartyId | None = None,
    dwelling: DwellingId | None = None,
    ticket: TicketId | None = None,
) -> Change[Recusal]:
    """Record that `officer` stands aside from a party (as reporter or reported), a dwelling, or a ticket.

    Raises RecusalUnclear unless it is from one of them, BadValue without a reason.
    """
    if sum(each is not None for each in (party, dwelling, ticket)) != 1:
        raise RecusalUnclear()
    if party is not None:
        view.get(Party, party)
    if dwelling is not None:
        view.get(Dwelling, dwelling)
    recusal = Recusal(
        id=view.new(Recusal),
        officer=officer,
        party=party,
        dwelling=dwelling,
        ticket=ticket,
        reason=check_words(reason),
    )
    return begin("recusal.declared", recusal)


@command("tickets.lift_recusal", may=DESK)
def lift_recusal(view: View, recusal_id: RecusalId) -> Change[Recusal]:
    """Its ground is gone; from now on the officer may be chosen again. Raises RecusalEnded."""
    recusal = view.get(Recusal, recusal_id)
    if recusal.ended:
        raise RecusalEnded(recusal=recusal.id)
    return step("recusal.lifted", recusal, evolve(recusal, ended=True))


def local_ids(view: View, ref: Ref) -> frozenset[PartyId]:
    """The parties here that one named from anywhere is."""
    if ref.jurisdiction == view.jurisdiction:
        return frozenset((PartyId(ref.id),))
    return frozenset(party.id for party in view.find(Party, where(Party.same_as, ref), limit=10))


def reporters_of(view: View, ticket: Ticket) -> list[TicketReporter]:
    """All who stand or stood behind a ticket."""
    return view.find(TicketReporter, where(TicketReporter.ticket, ticket.id), limit=REPORTERS_MAX)


class Concerned:
    """Whom a ticket is between: those who complain, and the one complained of."""

    __slots__ = ("parties", "ticket")

    def __init__(self, ticket: Ticket, reporters: Iterable[TicketReporter]) -> None:
        self.ticket = ticket
        self.parties = {r.party for r in reporters if r.complains}
        if ticket.about is not None:
            self.parties.add(ticket.about)


class Bench:
    """Who may be given what, as of one command; what was looked up of an officer is kept."""

    __slots__ = ("_ids", "_recusals", "_view")

    def __init__(self, view: View) -> None:
        self._view = view
        self._ids: dict[Ref, frozenset[PartyId]] = {}
        self._recusals: dict[Ref, list[Recusal]] = {}

    def stands_aside(self, officer: Ref, concerned: Concerned) -> bool:
        """Whether the officer reported this, is the one complained of, or has declared to stand aside."""
        if not concerned.parties.isdisjoint(self._locals(officer)):
            return True
        ticket = concerned.ticket
        return any(
            (recusal.party is not None and recusal.party in concerned.parties)
            or (recusal.dwelling is not None and recusal.dwelling == ticket.dwelling)
            or (recusal.ticket is not None and recusal.ticket == ticket.id)
            for recusal in self._declared(officer)
        )

    def _locals(self, officer: Ref) -> frozenset[PartyId]:
        if officer not in self._ids:
            self._ids[officer] = local_ids(self._view, officer)
        return self._ids[officer]

    def _declared(self, officer: Ref) -> list[Recusal]:
        if officer not in self._recusals:
            names = {officer, *(self._view.ref(id) for id in self._locals(officer))}
            self._recusals[officer] = self._view.find(
                Recusal, where(Recusal.officer, among=names), where(Recusal.ended, False), limit=RECUSALS_MAX
            )
        return self._recusals[officer]


def is_concerned(view: View, ticket_id: TicketId) -> bool:
    """Whether the actor has or had the ticket in hand, by any of their names, or must stand aside from it (G7)."""
    ticket = view.get(Ticket, ticket_id)
    names = names_of(view, view.actor)
    if not names.isdisjoint((ticket.assignee, ticket.unit, *ticket.handlers)):
        return True
    concerned = Concerned(ticket, reporters_of(view, ticket))
    bench = Bench(view)
    return any(bench.stands_aside(name, concerned) for name in names)


def check_impartial(view: View, ticket: Ticket) -> None:
    """Nobody decides on a complaint against themselves. Raises Recused."""
    if ticket.about is not None and ticket.about in local_ids(view, view.actor):
        raise Recused(party=str(view.actor), ticket=ticket.id)


def check_not_own_work(view: View, ticket: Ticket) -> None:
    """The actor neither took the ticket up, nor stands in for one who did, nor has one of them as stand-in (G5).

    Raises OwnWork.
    """
    mine = names_of(view, view.actor)
    for handler in ticket.handlers:
        theirs = names_of(view, handler)
        if mine & theirs or mine & _stand_ins(view, theirs) or theirs & _stand_ins(view, mine):
            raise OwnWork(party=str(view.actor), ticket=ticket.id)


def names_of(view: View, ref: Ref) -> frozenset[Ref]:
    """All names by which one is known here."""
    ids = local_ids(view, ref)
    names = {ref, *(view.ref(id) for id in ids)}
    for id in ids:
        party = view.one(Party, where(Party.id, id))
        if party is not None and party.same_as is not None:
            names.add(party.same_as)
    return frozenset(names)


def _stand_ins(view: View, holders: frozenset[Ref]) -> frozenset[Ref]:
    """Whoever stands in for these, by standing arrangement or for an absence."""
    found: set[Ref] = set()
    for holder in holders:
        for tenure in tenures_of(view, holder):
            found.update(ref for ref in (tenure.stand_in, *(a.stand_in for a in tenure.absences)) if ref is not None)
    return frozenset(found)
