"""Who shall see to a ticket: by rule or by name, disputed, dispatched anew, or sent up."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from communitycore.domain.people import PartyGone, PartyStatus, party_of
from communitycore.domain.places import GridId, active_grid
from communitycore.domain.roles import CLERK, SUPERVISOR
from communitycore.domain.tickets.errors import NameAssignee, NobodyAbove, Recused
from communitycore.domain.tickets.intake import remarked
from communitycore.domain.tickets.loads import moved
from communitycore.domain.tickets.records import Ticket, TicketId, must_be
from communitycore.domain.tickets.recusal import Concerned, check_impartial, reporters_of
from communitycore.domain.tickets.routing import Router, placed, weight_of
from communitycore.domain.tickets.states import TicketStatus
from communitycore.domain.tickets.words import Reason, Said, Why
from communitycore.kernel.change import Change, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.ids import JurisdictionId, Ref
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.rules import own, role
from communitycore.kernel.view import View

_S = TicketStatus


@command("tickets.dispatch", may=role(CLERK))
def dispatch(
    view: View,
    ticket_id: TicketId,
    *,
    to: Ref | None = None,
    unit: Ref | None = None,
    grid: GridId | None = None,
) -> Change[Ticket]:
    """Give an accepted or reopened ticket 派单 to the officer that routing finds, or to a person or unit by name.

    to: the person. unit: the one lead unit 牵头单位. grid: chosen where the place lies in several or in none.
    Where routing finds nobody, the ticket stays in the clerk's queue with the reason (`why`), naming all grids.
    Raises WrongStatus, NameAssignee, Recused, PartyGone, NotFound, GridRetired.
    """
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.dispatch", _S.ACCEPTED, _S.REOPENED)
    return _given(view, ticket, ticket, "dispatched", to, unit, grid, frozenset())


@command("tickets.redispatch", may=role(CLERK, SUPERVISOR))
def redispatch(
    view: View,
    ticket_id: TicketId,
    *,
    reason: str,
    to: Ref | None = None,
    unit: Ref | None = None,
    grid: GridId | None = None,
) -> Change[Ticket]:
    """Give a ticket to another, or, a dispute being unfounded, to the same by name 改派.

    By rule it never comes back to whoever has it now; where nobody else is found, it goes back to the clerk's queue.
    Raises what `dispatch` raises.
    """
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.redispatch", _S.DISPATCHED, _S.DISPUTED, _S.IN_PROGRESS)
    passing = frozenset(ref for ref in (ticket.assignee, ticket.unit) if ref is not None)
    told = remarked(running(ticket, view.now), view.now, Said.DISPATCHED, reason)
    return _given(view, ticket, told, "redispatched", to, unit, grid, passing)


@command("tickets.dispute", may=own("ticket.assignee") | own("ticket.unit"))
def dispute(view: View, ticket_id: TicketId, *, reason: str) -> Change[Ticket]:
    """Say that a ticket is not one's own to handle 派单异议; it stays with whoever has it until a clerk decides.

    Its weight stays too: else a dispute would be a way to be given less. Raises WrongStatus, BadValue.
    """
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.dispute", _S.DISPATCHED)
    told = remarked(ticket, view.now, Said.DISPUTED, reason)
    return moved(view, "ticket.disputed", ticket, evolve(told, status=_S.DISPUTED, disputes=ticket.disputes + 1))


@command("tickets.escalate", may=own("ticket.assignee") | own("ticket.unit") | role(CLERK, SUPERVISOR))
def escalate(view: View, ticket_id: TicketId, *, reason: str) -> Change[Ticket]:
    """Send a ticket up 上报: from the grid to this body, and from there to the next above.

    It stays where it was born, in the clerk's queue; `answers` says which body has to name who handles it. Clerks of
    that body see it, since a role holds below too. Raises WrongStatus, NobodyAbove, BadValue.
    """
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.escalate", _S.ACCEPTED, _S.DISPATCHED, _S.DISPUTED, _S.IN_PROGRESS, _S.REOPENED)
    body = _next_above(view, ticket)
    told = remarked(running(ticket, view.now), view.now, Said.ESCALATED, reason)
    after = evolve(
        told,
        status=_S.REOPENED if ticket.status is _S.REOPENED else _S.ACCEPTED,
        assignee=None,
        unit=None,
        answers=body,
        why=Why(reason=Reason.ESCALATED),
    )
    return moved(view, "ticket.escalated", ticket, after)


def running(ticket: Ticket, now: datetime) -> Ticket:
    """The ticket with its clock running, and the time it stood added up."""
    if ticket.paused_at is None:
        return ticket
    stood = int((now - ticket.paused_at).total_seconds())
    return evolve(ticket, paused_at=None, paused_seconds=ticket.paused_seconds + stood)


def queued(ticket: Ticket, grid: GridId | None, why: Why) -> Ticket:
    """The ticket back in the clerk's queue, for a reason."""
    status = _S.REOPENED if ticket.status is _S.REOPENED else _S.ACCEPTED
    return evolve(ticket, status=status, grid=grid, assignee=None, unit=None, why=why)


def _given(
    view: View,
    before: Ticket,
    told: Ticket,
    what: str,
    to: Ref | None,
    unit: Ref | None,
    grid: GridId | None,
    passing: frozenset[Ref],
) -> Change[Ticket]:
    router = Router(view)
    if to is None and unit is None:
        if before.answers is not None:
            raise NameAssignee(ticket=before.id)
        route = router.route(told, grid=grid, passing=passing)
        if route.officer is None:
            waiting = queued(told, route.grid, route.why)
            return unchanged(before) if waiting == before else moved(view, "ticket.queued", before, waiting)
        after = evolve(told, grid=route.grid, assignee=route.officer, unit=None, why=route.why)
    else:
        _check_named(view, router, before, to, unit)
        at = placed(view, told).one if grid is None else active_grid(view, grid).id
        after = evolve(told, grid=at, assignee=to, unit=unit, why=Why(reason=Reason.NAMED))
    after = evolve(
        after,
        status=_S.DISPATCHED,
        weight=weight_of(view, after),
        first_receiver=before.first_receiver or after.bearer,
    )
    router.loads.move(before, after)
    return step(f"ticket.{what}", before, after).also(*router.loads.changes())


def _check_named(view: View, router: Router, ticket: Ticket, to: Ref | None, unit: Ref | None) -> None:
    """Whoever is named is known here or serves from elsewhere, has not left, and need not stand aside."""
    concerned = Concerned(ticket, reporters_of(view, ticket))
    for ref in (to, unit):
        if ref is None:
            continue
        party = party_of(view, ref)
        if party is not None and party.status is not PartyStatus.ACTIVE:
            raise PartyGone(party=party.id, status=str(party.status))
        if router.bench.stands_aside(ref, concerned):
            raise Recused(party=str(ref), ticket=ticket.id)


def _next_above(view: View, ticket: Ticket) -> Ref:
    """The body that answers next: this one after the grid, then its parent, and so on."""
    if ticket.answers is None:
        return Ref(view.jurisdiction, view.jurisdiction)
    body = view.get(Jurisdiction, JurisdictionId(ticket.answers.id))
    parent = body.parent(view.now)
    if parent is None:
        raise NobodyAbove(ticket=ticket.id, body=body.name(view.now))
    return Ref(parent, parent)
