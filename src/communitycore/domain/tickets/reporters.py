"""What a reporter may do about their ticket, wherever it went: ask how it stands, urge it, take it back."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve

from communitycore.domain.people import PartyId
from communitycore.domain.roles import CLERK
from communitycore.domain.tickets.dispatching import running
from communitycore.domain.tickets.errors import NotAReporter, UrgedAlready
from communitycore.domain.tickets.intake import remarked
from communitycore.domain.tickets.loads import moved
from communitycore.domain.tickets.records import DESK, Ticket, TicketId, TicketReporter, followed, must_be
from communitycore.domain.tickets.recusal import check_impartial, local_ids, reporters_of
from communitycore.domain.tickets.states import OPEN, UNHANDLED, TicketStatus
from communitycore.domain.tickets.words import Outcome, Said
from communitycore.kernel.change import Change, step
from communitycore.kernel.command import command, read
from communitycore.kernel.rules import linked, role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

URGE_EVERY = timedelta(hours=24)
"""A ticket is not urged more often: more urging moves nobody, and would bury what else its history tells."""

REPORTER = linked(TicketReporter, "born", "party", argument="ticket")
"""A reporter names the ticket they made, also after it was merged into another, which they do not read."""


@frozen(kw_only=True)
class Progress:
    """How a report stands, for its reporter: nothing in it was written by another reporter.

    merged: whether it goes on as part of another ticket. calls: whether their answer is awaited.
    """

    ticket: TicketId
    status: TicketStatus
    merged: bool
    outcome: Outcome | None
    extended_to: datetime | None
    reopened: int
    calls: bool


@read("tickets.progress", may=DESK | REPORTER)
def progress(view: View, ticket_id: TicketId) -> Progress:
    """How the matter of a report stands now, followed through mergers 进度查询."""
    born = view.get(Ticket, ticket_id)
    ticket = followed(view, born)
    return Progress(
        ticket=born.id,
        status=ticket.status,
        merged=ticket.id != born.id,
        outcome=ticket.outcome,
        extended_to=ticket.extended_to,
        reopened=ticket.reopened,
        calls=ticket.status is TicketStatus.CLOSED and ticket.to_call > 0,
    )


@command("tickets.urge", may=role(CLERK) | REPORTER)
def urge(view: View, ticket_id: TicketId) -> Change[Ticket]:
    """Ask that it be seen to soon 催单, once a day however many stand behind it.

    Raises WrongStatus once it is closed, UrgedAlready, NotAReporter.
    """
    born, ticket, _ = speaking(view, ticket_id, None)
    must_be(ticket, "tickets.urge", *OPEN)
    again = view.now if ticket.urged_at is None else ticket.urged_at + URGE_EVERY
    if view.now < again:
        raise UrgedAlready(ticket=born.id, again=again)
    change = moved(view, "ticket.urged", ticket, evolve(ticket, urges=ticket.urges + 1, urged_at=view.now))
    return change if born.id == ticket.id else change.giving(born)


@command("tickets.withdraw", may=role(CLERK) | REPORTER)
def withdraw(view: View, ticket_id: TicketId, *, reason: str, reporter: PartyId | None = None) -> Change[Ticket]:
    """Take a report back 撤回, as its reporter or as a clerk told to by one.

    While others stand behind the ticket it goes on for them. reporter: whose report a clerk takes back; None: the
    whole ticket, such as one entered by mistake.
    Raises WrongStatus once it is handled, NotAReporter, Recused, BadValue.
    """
    born, ticket, mine = speaking(view, ticket_id, reporter)
    if not mine:
        check_impartial(view, ticket)
    must_be(ticket, "tickets.withdraw", *UNHANDLED)
    behind = [r for r in reporters_of(view, ticket) if r.live]
    leaving = [r for r in mine or behind if r.live and reporter in (None, r.party)]
    if not leaving and reporter is not None:
        raise NotAReporter(ticket=ticket.id)
    staying = [r for r in behind if r not in leaving]
    told = remarked(ticket, view.now, Said.WITHDRAWN, reason)
    if staying:
        after = evolve(told, reporters=sum(r.callable for r in staying))
        change = step("ticket.reporter_left", ticket, after)
    else:
        after = evolve(running(told, view.now), status=TicketStatus.WITHDRAWN, reporters=0)
        change = moved(view, "ticket.withdrawn", ticket, after)
    change = change.also(*(step("ticket_reporter.left", r, evolve(r, live=False)) for r in leaving))
    return change if born.id == ticket.id else change.giving(born)


def speaking(view: View, ticket_id: TicketId, reporter: PartyId | None) -> tuple[Ticket, Ticket, list[TicketReporter]]:
    """The ticket named, the one in which it is acted on, and the actor's own reports behind that.

    A reporter acts on what their ticket became part of, for themselves alone, whatever else they are: raises
    NotAReporter if `reporter` is another, or if they have withdrawn. The desk has no reports and acts on the ticket
    it names, so that a merged one is not mistaken for the whole.
    """
    born = view.get(Ticket, ticket_id)
    ticket = followed(view, born)
    actor = local_ids(view, view.actor)
    mine = [r for r in reporters_of(view, ticket) if r.party is not None and r.party in actor]
    if not any(r.born == ticket_id for r in mine):
        return born, born, []
    foreign = reporter is not None and reporter not in actor
    if foreign or not any(r.live for r in mine):
        raise NotAReporter(ticket=ticket.id)
    return born, ticket, mine
