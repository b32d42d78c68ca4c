"""A ticket, and, in a record of its own with fewer readers, who reported it (G7)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NewType

from communitycore.domain.people import PartyId
from communitycore.domain.places import DwellingId, GridId, VenueId
from communitycore.domain.roles import CLERK, SUPERVISOR
from communitycore.domain.tickets.categories import CategoryId
from communitycore.domain.tickets.errors import WrongStatus
from communitycore.domain.tickets.states import LOADED, OPEN, TICKET_STATES, TicketStatus
from communitycore.domain.tickets.words import Ground, Outcome, Remark, Source, Why
from communitycore.kernel.geometry import Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.record import Indexed, LegalGround, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import linked, own, role, unless
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

TicketId = NewType("TicketId", str)
TicketReporterId = NewType("TicketReporterId", str)

TITLE_MAX, CONTACT_MAX = 200, 200

DESK = role(CLERK, SUPERVISOR)
"""Who takes in and supervises, and so may know who reported, and who did what; but see IMPARTIAL."""


def _is_concerned(view: View, found: Any) -> bool:
    from communitycore.domain.tickets.recusal import is_concerned  # which is made of these records

    if isinstance(found, TicketReporter):
        return any(is_concerned(view, id) for id in {found.born, found.ticket})
    return is_concerned(view, found.id)


IMPARTIAL = unless(
    DESK,
    _is_concerned,
    en="whoever has or had that ticket in hand, is reported in it, or must stand aside from it",
    zh="该工单的现任或曾任办理人、被反映人和应回避人员",
)
"""The same, without those from whom who reported is kept even if they sit at the desk as well (G7)."""


HANDLING = LegalGround(
    "the matter is still being seen to, or its reporter still to be called back: a duty laid down by law "
    "(PIPL 13(1)(3) and 47; Jinan's ordinance on the 12345 hotline)",
    "诉求尚在办理或待回访，为履行法定职责所必需"
    "（个人信息保护法第十三条第一款第三项、第四十七条；济南市 12345 热线条例）",
)


def _while_called_for(view: View, reporter: TicketReporter) -> LegalGround | None:
    """Kept while the matter they stand behind is seen to and they are to be called back."""
    return _while_handled(view, view.get(Ticket, reporter.ticket)) if reporter.live else None


def _while_handled(view: View, ticket: Ticket) -> LegalGround | None:
    """Kept until its matter is at its end and every reporter was called back."""
    matter = followed(view, ticket)
    waits = matter.status is TicketStatus.CLOSED and matter.to_call > 0
    return HANDLING if matter.status in OPEN or waits else None


@record("ticket_reporter", read=IMPARTIAL | own("party"), actors=IMPARTIAL, owner="party", keep=_while_called_for)
@frozen(kw_only=True)
class TicketReporter(Record[TicketReporterId]):
    """Who stands behind a ticket 诉求人. Whoever handles it never reads this, not even as a clerk (G7).

    born: the ticket this report made. ticket: the one it stands behind now, which is another after a merger.
    party: None if the reporter is anonymous or a device. by: who took it down for them; None: they did so themselves.
    message: source and the source's own message id, such as `chat:8812`; it is here because it leads to its sender.
    contact: how to reach one without a party here. on_duty: found on patrol or a visit, so no complaint of the finder.
    live: False once withdrawn, or if the same party stands behind the ticket by another report.
    called_round: how often the ticket had been reopened when they were last called back.
    """

    born: Indexed[TicketId]
    ticket: Indexed[TicketId]
    party: Indexed[PartyId | None] = None
    by: Ref | None = None
    message: Unique[str | None] = None
    contact: Personal[Annotated[str, Max(CONTACT_MAX)] | None] = None
    on_duty: bool = False
    live: bool = True
    called_round: int | None = None
    satisfied: bool | None = None

    @property
    def complains(self) -> bool:
        """Whether this is somebody's own matter, so that they never handle it."""
        return self.live and self.party is not None and not self.on_duty

    @property
    def callable(self) -> bool:
        """Whether they are to be called back."""
        return self.live and not self.on_duty and (self.party is not None or self.contact is not None)


@record(
    "ticket",
    states=TICKET_STATES,
    read=DESK | own("assignee") | own("unit") | own("handlers") | linked(TicketReporter, "born", "party"),
    actors=IMPARTIAL,
    owner="origin",
    keep=_while_handled,
)
@frozen(kw_only=True)
class Ticket(Record[TicketId]):
    """A matter that somebody should see to 工单. Nothing in it points to who reported it.

    origin: the record of who reported; what is personal here is theirs. about: whom it is against, if anybody.
    happened: when the matter occurred. attachments, handled_with, verified_with: opaque references to what is kept
    elsewhere, such as photos; never an address that tells whose they are.
    assignee: the person who has it. unit: the one lead unit that has it, if it was given to a unit. answers: the body
    it was sent up to; None: the grid answers. first_receiver: to whom it first came, who stays responsible 首接负责.
    weight: what it adds to the load of whoever has it. handlers: who ever took it up, and so never verifies it.
    paused_at, paused_seconds, extended_to: the clock's stops and extensions, kept for the time limits.
    urged_at: when it was last urged, in this round.
    reporters: who is to be called back; to_call: how many of them are still to be, since it was closed.
    """

    source: Source
    origin: TicketReporterId
    title: Personal[Annotated[str, Max(TITLE_MAX)] | None] = None
    description: Personal[str | None] = None
    category: Indexed[CategoryId | None] = None
    about: PartyId | None = None
    point: Point | None = None
    venue: VenueId | None = None
    dwelling: Indexed[DwellingId | None] = None
    happened: Indexed[datetime]
    attachments: tuple[str, ...] = ()
    status: Indexed[TicketStatus] = TicketStatus.REPORTED
    grid: Indexed[GridId | None] = None
    assignee: Indexed[Ref | None] = None
    unit: Indexed[Ref | None] = None
    answers: Indexed[Ref | None] = None
    first_receiver: Ref | None = None
    why: Why | None = None
    weight: int = 0
    handlers: tuple[Ref, ...] = ()
    verifier: Ref | None = None
    ground: Ground | None = None
    outcome: Outcome | None = None
    handled_with: tuple[str, ...] = ()
    verified_with: tuple[str, ...] = ()
    remarks: Personal[tuple[Remark, ...]] = ()
    extended_to: datetime | None = None
    extensions: int = 0
    paused_at: datetime | None = None
    paused_seconds: int = 0
    reporters: int = 0
    to_call: int = 0
    reopened: int = 0
    urges: int = 0
    urged_at: datetime | None = None
    disputes: int = 0
    merged_into: TicketId | None = None

    @property
    def bearer(self) -> Ref | None:
        """Who has it: the assignee, or the unit if no person was named."""
        return self.assignee or self.unit

    @property
    def burden(self) -> tuple[Ref, int] | None:
        """Whom it weighs on now, and how much."""
        bearer = self.bearer
        return None if bearer is None or self.status not in LOADED else (bearer, self.weight)


def followed(view: View, ticket: Ticket) -> Ticket:
    """The ticket that this one has become part of; itself if it was not merged."""
    while ticket.merged_into is not None:
        ticket = view.get(Ticket, ticket.merged_into)
    return ticket


def must_be(ticket: Ticket, command: str, *allowed: TicketStatus) -> None:
    """Raises WrongStatus, naming what is allowed, unless the ticket is one of these."""
    if ticket.status not in allowed:
        raise WrongStatus(
            ticket=ticket.id,
            status=str(ticket.status),
            status_zh=ticket.status.zh,
            command=command,
            allowed=tuple(str(status) for status in allowed),
            allowed_zh=tuple(status.zh for status in allowed),
        )
