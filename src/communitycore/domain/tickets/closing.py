"""After the work: verified by another, closed, and every reporter asked; reopened if it was not good."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from communitycore.domain.people import PartyId
from communitycore.domain.tickets.errors import NobodyToCall, NotAReporter, WhichReporter
from communitycore.domain.tickets.handling import check_evidence
from communitycore.domain.tickets.intake import remarked
from communitycore.domain.tickets.loads import moved
from communitycore.domain.tickets.records import DESK, Ticket, TicketId, TicketReporter, must_be
from communitycore.domain.tickets.recusal import check_impartial, check_not_own_work, reporters_of
from communitycore.domain.tickets.reporters import REPORTER, speaking
from communitycore.domain.tickets.states import TicketStatus
from communitycore.domain.tickets.words import Said
from communitycore.kernel.change import Change, step
from communitycore.kernel.command import command
from communitycore.kernel.view import View

_S = TicketStatus


@command("tickets.verify", may=DESK)
def verify(view: View, ticket_id: TicketId, *, evidence: tuple[str, ...], remark: str | None = None) -> Change[Ticket]:
    """See that the work was done 核查, and by what that can be seen; never one's own (G5).

    Raises WrongStatus, OwnWork, EvidenceNeeded, Recused.
    """
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.verify", _S.HANDLED)
    check_not_own_work(view, ticket)
    told = ticket if remark is None else remarked(ticket, view.now, Said.VERIFIED, remark)
    after = evolve(told, status=_S.VERIFIED, verifier=view.actor, verified_with=check_evidence(evidence))
    return moved(view, "ticket.verified", ticket, after)


@command("tickets.send_back", may=DESK)
def send_back(view: View, ticket_id: TicketId, *, reason: str) -> Change[Ticket]:
    """Send work that is not done back to whoever has it 退回 (G7). Raises WrongStatus, OwnWork, Recused, BadValue."""
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.send_back", _S.HANDLED)
    check_not_own_work(view, ticket)
    told = remarked(ticket, view.now, Said.SENT_BACK, reason)
    after = evolve(told, status=_S.IN_PROGRESS, outcome=None, handled_with=())
    return moved(view, "ticket.sent_back", ticket, after)


@command("tickets.close", may=DESK)
def close(view: View, ticket_id: TicketId) -> Change[Ticket]:
    """Close a verified ticket 结案; its reporters are to be called back now. Raises WrongStatus, OwnWork, Recused."""
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.close", _S.VERIFIED)
    check_not_own_work(view, ticket)
    return moved(view, "ticket.closed", ticket, evolve(ticket, status=_S.CLOSED, to_call=ticket.reporters))


@command("tickets.call_back", may=DESK | REPORTER)
def call_back(
    view: View,
    ticket_id: TicketId,
    *,
    satisfied: bool,
    words: str | None = None,
    reporter: PartyId | None = None,
) -> Change[Ticket]:
    """Record a reporter's answer once the ticket is closed 回访, as told to a clerk or given by themselves.

    Each reporter is asked, also those of tickets merged into it; when the last was, the ticket is called back. One
    who is not satisfied reopens it. reporter: who answered; left out where one alone is still to be called.
    Raises WrongStatus, NobodyToCall, WhichReporter, NotAReporter, OwnWork, Recused.
    """
    born, ticket, mine = speaking(view, ticket_id, reporter)
    if not mine:
        check_impartial(view, ticket)
        check_not_own_work(view, ticket)
    must_be(ticket, "tickets.call_back", _S.CLOSED)
    behind = _to_call(view, ticket, mine, reporter)
    answered = evolve(behind, called_round=ticket.reopened, satisfied=satisfied)
    told = ticket if words is None else remarked(ticket, view.now, Said.CALLED_BACK, words)
    left = max(0, ticket.to_call - 1)
    last = left == 0 or not satisfied
    name = "ticket.called_back" if last else "ticket.reporter_called"
    called = step(name, ticket, evolve(told, status=_S.CALLED_BACK if last else _S.CLOSED, to_call=left))
    change: Change[Any] = called.also(step("ticket_reporter.called", behind, answered))
    now = called.result
    if not satisfied:
        again = step("ticket.reopened", now, reopened(now))
        change, now = change.also(again), again.result
    return change.giving(now if born.id == now.id else born)


@command("tickets.reopen", may=DESK | REPORTER)
def reopen(view: View, ticket_id: TicketId, *, reason: str, reporter: PartyId | None = None) -> Change[Ticket]:
    """Take a closed ticket up again 重新办理, for a reporter or on an inspection's finding.

    Raises WrongStatus, NotAReporter, Recused, BadValue.
    """
    born, ticket, mine = speaking(view, ticket_id, reporter)
    if not mine:
        check_impartial(view, ticket)
    must_be(ticket, "tickets.reopen", _S.CLOSED, _S.CALLED_BACK)
    change = moved(view, "ticket.reopened", ticket, reopened(remarked(ticket, view.now, Said.REOPENED, reason)))
    return change if born.id == ticket.id else change.giving(born)


def reopened(ticket: Ticket) -> Ticket:
    """The ticket as it stands when reopened: nobody's, with its past handlers and remarks."""
    return evolve(
        ticket,
        status=_S.REOPENED,
        assignee=None,
        unit=None,
        why=None,
        outcome=None,
        handled_with=(),
        verifier=None,
        verified_with=(),
        to_call=0,
        urged_at=None,
        reopened=ticket.reopened + 1,
    )


def _to_call(view: View, ticket: Ticket, mine: list[TicketReporter], reporter: PartyId | None) -> TicketReporter:
    """Whose answer it is: of those who are still to be called in this round."""
    waiting = [r for r in mine or reporters_of(view, ticket) if r.callable and r.called_round != ticket.reopened]
    if reporter is not None:
        waiting = [r for r in waiting if r.party == reporter]
        if not waiting:
            raise NotAReporter(ticket=ticket.id)
    if not waiting:
        raise NobodyToCall(ticket=ticket.id)
    if len(waiting) > 1:
        raise WhichReporter(ticket=ticket.id, count=len(waiting))
    return waiting[0]
