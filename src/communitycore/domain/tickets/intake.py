"""How a ticket comes in: reported by its reporter, taken down for them, or sensed; then accepted or rejected."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from communitycore.domain.people import Party, PartyId
from communitycore.domain.places import Dwelling, DwellingId, Venue, VenueId, check_point
from communitycore.domain.roles import (
    CLERK,
    COMMUNITY_WORKER,
    DEVICE,
    FAMILY_DOCTOR,
    GRID_OFFICER,
    POLICE,
    PROPERTY_STAFF,
    VOLUNTEER,
)
from communitycore.domain.tickets.categories import CategoryId, active_category
from communitycore.domain.tickets.errors import CategoryNeeded, MessageTaken
from communitycore.domain.tickets.loads import moved
from communitycore.domain.tickets.records import TITLE_MAX, Ticket, TicketId, TicketReporter, must_be
from communitycore.domain.tickets.recusal import check_impartial
from communitycore.domain.tickets.states import TicketStatus
from communitycore.domain.tickets.words import ON_DUTY, Ground, Remark, Said, Source, check_references, check_words
from communitycore.kernel import times
from communitycore.kernel.change import Change, begin, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.geometry import Point
from communitycore.kernel.query import where
from communitycore.kernel.rules import own, role
from communitycore.kernel.shape import check_text
from communitycore.kernel.view import View

MESSAGE_MAX = 180

HANDERS_IN = (DEVICE, GRID_OFFICER, COMMUNITY_WORKER, PROPERTY_STAFF, POLICE, FAMILY_DOCTOR, VOLUNTEER)
"""Who may hand a report in for another, though they may not read tickets."""


@command("tickets.report", may=own("reporter") | role(CLERK))
def report(
    view: View,
    *,
    source: Source,
    title: str,
    reporter: PartyId | None = None,
    description: str | None = None,
    category: CategoryId | None = None,
    point: Point | None = None,
    venue: VenueId | None = None,
    dwelling: DwellingId | None = None,
    happened: datetime | None = None,
    message: str | None = None,
    about: PartyId | None = None,
    attachments: tuple[str, ...] = (),
    contact: str | None = None,
) -> Change[Ticket]:
    """Report a matter 上报, for oneself or, as a clerk, for another.

    reporter: None for one who stays anonymous. message: the source's own id of the message, never a phone number; the
    same message makes no second ticket, but gives the first one as it is now, however many send it at once.
    happened: when it occurred, if not now. about: whom it is against. contact: how to call back one who is no party
    here. Raises MessageTaken for a message of another reporter; NotFound, CategoryRetired, Outside, BadValue.
    """
    known = _by_message(view, source, message, reporter)
    if known is not None:
        return unchanged(known)
    if not check_text(title, "title", TITLE_MAX).strip():
        raise BadValue(field="title", why="it is blank; say in a few words what it is", why_zh="标题为空，请简要说明")
    if category is not None:
        active_category(view, category)
    if point is not None:
        check_point(view, point)
    if venue is not None:
        view.get(Venue, venue)
    if dwelling is not None:
        view.get(Dwelling, dwelling)
    if about is not None:
        view.get(Party, about)
    self_made = reporter is not None and _is_actor(view, reporter)
    behind = TicketReporter(
        id=view.new(TicketReporter),
        born=(id := view.new(Ticket)),
        ticket=id,
        party=reporter,
        by=None if self_made else view.actor,
        message=_message_key(source, message),
        contact=contact,
        on_duty=self_made and source in ON_DUTY,
    )
    ticket = Ticket(
        id=id,
        source=source,
        origin=behind.id,
        title=title,
        description=description,
        category=category,
        about=about,
        point=point,
        venue=venue,
        dwelling=dwelling,
        happened=view.now if happened is None else times.aware(happened, "happened"),
        attachments=check_references(attachments, "attachments") if attachments else (),
        reporters=1 if behind.callable else 0,
    )
    return begin("ticket.reported", ticket).also(begin("ticket_reporter.recorded", behind))


@command("tickets.hand_in", may=role(*HANDERS_IN))
def hand_in(
    view: View,
    *,
    source: Source,
    title: str,
    reporter: PartyId | None = None,
    description: str | None = None,
    category: CategoryId | None = None,
    point: Point | None = None,
    venue: VenueId | None = None,
    dwelling: DwellingId | None = None,
    happened: datetime | None = None,
    message: str | None = None,
    about: PartyId | None = None,
    attachments: tuple[str, ...] = (),
    contact: str | None = None,
) -> Change[None]:
    """Report as a device, or for a resident met on the way 代录; whoever hands in gets no ticket to read.

    The message id is what tells a device's reports apart. Raises what `report` raises.
    """
    return report(
        view,
        source=source,
        title=title,
        reporter=reporter,
        description=description,
        category=category,
        point=point,
        venue=venue,
        dwelling=dwelling,
        happened=happened,
        message=message,
        about=about,
        attachments=attachments,
        contact=contact,
    ).giving(None)


@command("tickets.accept", may=role(CLERK))
def accept(
    view: View, ticket_id: TicketId, *, category: CategoryId | None = None, about: PartyId | None = None
) -> Change[Ticket]:
    """Accept a report 立案, under its own category or another; about: whom it turns out to be against.

    Raises WrongStatus, CategoryNeeded, CategoryRetired, Recused.
    """
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.accept", TicketStatus.REPORTED)
    if category is not None:
        active_category(view, category)
    elif ticket.category is None:
        raise CategoryNeeded(ticket=ticket.id)
    if about is not None:
        view.get(Party, about)
    after = evolve(
        ticket,
        status=TicketStatus.ACCEPTED,
        category=category or ticket.category,
        about=about or ticket.about,
    )
    return moved(view, "ticket.accepted", ticket, after)


@command("tickets.reject", may=role(CLERK))
def reject(view: View, ticket_id: TicketId, *, ground: Ground, reason: str) -> Change[Ticket]:
    """Refuse a report on a lawful ground 不予受理, with the reason that its reporter is told (G7).

    Raises WrongStatus, Recused, BadValue.
    """
    ticket = view.get(Ticket, ticket_id)
    check_impartial(view, ticket)
    must_be(ticket, "tickets.reject", TicketStatus.REPORTED)
    after = evolve(remarked(ticket, view.now, Said.REJECTED, reason), status=TicketStatus.REJECTED, ground=ground)
    return moved(view, "ticket.rejected", ticket, after)


def remarked(ticket: Ticket, at: datetime, what: Said, text: str) -> Ticket:
    """The ticket with one more remark. Raises BadValue for a blank or overlong one."""
    return evolve(ticket, remarks=(*ticket.remarks, Remark(at=at, what=what, text=check_words(text))))


def _by_message(view: View, source: Source, message: str | None, reporter: PartyId | None) -> Ticket | None:
    """The ticket that this message made already. Raises MessageTaken if it was another reporter's."""
    key = _message_key(source, message)
    behind = None if key is None else view.one(TicketReporter, where(TicketReporter.message, key))
    if behind is None:
        return None
    if behind.party != reporter:
        # One who guesses a message's id must not be shown the ticket that it made.
        raise MessageTaken(source=str(source))
    return view.get(Ticket, behind.born)


def _message_key(source: Source, message: str | None) -> str | None:
    if message is None:
        return None
    if not (isinstance(message, str) and 0 < len(message) <= MESSAGE_MAX):
        raise BadValue(
            field="message",
            why=f"a message id has 1 to {MESSAGE_MAX} characters",
            why_zh=f"消息编号应为 1 至 {MESSAGE_MAX} 个字符",
        )
    return f"{source}:{message}"


def _is_actor(view: View, reporter: PartyId) -> bool:
    """Whether the actor reports for themselves. Raises NotFound for another who is no party here."""
    if view.actor == view.ref(reporter):
        return True  # who they are was settled at the desk; no look-up on the quickest road
    return view.get(Party, reporter).same_as == view.actor
