"""The work itself: begun, its clock stopped or its time extended for a reason, and done."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from communitycore.domain.tickets.dispatching import running
from communitycore.domain.tickets.errors import EvidenceNeeded, NotPaused, Paused
from communitycore.domain.tickets.intake import remarked
from communitycore.domain.tickets.loads import moved
from communitycore.domain.tickets.records import Ticket, TicketId, must_be
from communitycore.domain.tickets.states import TicketStatus
from communitycore.domain.tickets.words import Outcome, Said, check_references
from communitycore.kernel import times
from communitycore.kernel.change import Change
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.rules import own
from communitycore.kernel.view import View

_S = TicketStatus
HANDLER = own("ticket.assignee") | own("ticket.unit")


@command("tickets.start", may=HANDLER)
def start(view: View, ticket_id: TicketId) -> Change[Ticket]:
    """Take a dispatched ticket up 签收办理. Raises WrongStatus."""
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.start", _S.DISPATCHED)
    after = evolve(ticket, status=_S.IN_PROGRESS, handlers=_handlers(view, ticket))
    return moved(view, "ticket.started", ticket, after)


@command("tickets.pause", may=HANDLER)
def pause(view: View, ticket_id: TicketId, *, reason: str) -> Change[Ticket]:
    """Stop the clock 中止计时 while the work cannot go on, such as for a hearing or an expert's report.

    Raises WrongStatus, Paused, BadValue.
    """
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.pause", _S.IN_PROGRESS)
    if ticket.paused_at is not None:
        raise Paused(ticket=ticket.id)
    after = evolve(remarked(ticket, view.now, Said.PAUSED, reason), paused_at=view.now)
    return moved(view, "ticket.paused", ticket, after)


@command("tickets.resume", may=HANDLER)
def resume(view: View, ticket_id: TicketId) -> Change[Ticket]:
    """Let the clock run again 恢复计时. Raises WrongStatus, NotPaused."""
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.resume", _S.IN_PROGRESS)
    if ticket.paused_at is None:
        raise NotPaused(ticket=ticket.id)
    return moved(view, "ticket.resumed", ticket, running(ticket, view.now))


@command("tickets.extend", may=HANDLER)
def extend(view: View, ticket_id: TicketId, *, until: datetime, reason: str) -> Change[Ticket]:
    """Ask for more time 延期, until a moment that is to come and later than any asked for before.

    Raises WrongStatus, BadValue.
    """
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.extend", _S.IN_PROGRESS)
    moment = times.aware(until, "until")
    if moment <= max(view.now, ticket.extended_to or view.now):
        raise BadValue(
            field="until",
            why=f"{moment.isoformat()} is not later than now and than what was granted before",
            why_zh=f"{moment.isoformat()} 应晚于当前时间和此前的延期时间",
        )
    told = remarked(ticket, view.now, Said.EXTENDED, reason)
    after = evolve(told, extended_to=moment, extensions=ticket.extensions + 1)
    return moved(view, "ticket.extended", ticket, after)


@command("tickets.handle", may=HANDLER)
def handle(
    view: View, ticket_id: TicketId, *, evidence: tuple[str, ...], report: str, outcome: Outcome = Outcome.RESOLVED
) -> Change[Ticket]:
    """Say that the work is done 办结: what was done, to which outcome, and by what it can be seen.

    evidence: references to photos, forms or messages kept elsewhere. Raises WrongStatus, EvidenceNeeded, BadValue.
    """
    ticket = view.get(Ticket, ticket_id)
    must_be(ticket, "tickets.handle", _S.IN_PROGRESS)
    told = remarked(running(ticket, view.now), view.now, Said.HANDLED, report)
    after = evolve(
        told,
        status=_S.HANDLED,
        outcome=outcome,
        handled_with=check_evidence(evidence),
        handlers=_handlers(view, ticket),
    )
    return moved(view, "ticket.handled", ticket, after)


def check_evidence(evidence: tuple[str, ...]) -> tuple[str, ...]:
    """At least one reference. Raises EvidenceNeeded, BadValue."""
    if not evidence:
        raise EvidenceNeeded()
    return check_references(evidence, "evidence")


def _handlers(view: View, ticket: Ticket) -> tuple[Ref, ...]:
    """Whoever took it up so far, and now the actor and those whose it is."""
    now = (view.actor, ticket.assignee, ticket.unit)
    return tuple(dict.fromkeys((*ticket.handlers, *(ref for ref in now if ref is not None))))
