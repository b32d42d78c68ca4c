"""Two tickets of one matter: likely ones are suggested, people merge them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt

from attrs import evolve

from communitycore.domain.roles import CLERK
from communitycore.domain.tickets.categories import Category
from communitycore.domain.tickets.dispatching import queued, running
from communitycore.domain.tickets.errors import CannotJoin, TooManyReporters
from communitycore.domain.tickets.intake import remarked
from communitycore.domain.tickets.loads import Loads
from communitycore.domain.tickets.records import DESK, Ticket, TicketId, TicketReporter, must_be
from communitycore.domain.tickets.recusal import REPORTERS_MAX, Bench, Concerned, check_impartial, reporters_of
from communitycore.domain.tickets.states import LOADED, OPEN, UNHANDLED, TicketStatus
from communitycore.domain.tickets.words import Reason, Said, Why
from communitycore.kernel.change import Change, many, step
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.geometry import Point
from communitycore.kernel.query import where
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

EARTH_RADIUS_M = 6_371_008.8
_PAGE = 500


@frozen(kw_only=True)
class Likeness:
    """A ticket that may be about the same matter: so far away, and so long before or after."""

    ticket: TicketId
    distance_m: int
    apart_seconds: int


@read("tickets.suggest_duplicates", may=DESK)
def suggest_duplicates(
    view: View, ticket_id: TicketId, *, within_m: int | None = None, within_hours: int | None = None, limit: int = 20
) -> tuple[Likeness, ...]:
    """Open tickets that may be about the same matter 疑似重复, the nearest first; merging them is for a person.

    Of the same category, so near in place and time as the category says, unless within_m or within_hours do.
    Tickets of one venue or dwelling lie at no distance. None for a ticket without a category.
    Raises BadValue for a negative width.
    """
    ticket = view.get(Ticket, ticket_id)
    if ticket.category is None:
        return ()
    category = view.get(Category, ticket.category)
    metres = category.duplicate_m if within_m is None else _check_width("within_m", within_m)
    hours = category.duplicate_hours if within_hours is None else _check_width("within_hours", within_hours)
    found = []
    for other in _around(view, ticket, timedelta(hours=hours)):
        distance = _apart_m(ticket, other)
        if distance is not None and distance <= metres:
            apart = abs(other.happened - ticket.happened)
            found.append((round(distance), int(apart.total_seconds()), other.id))
    return tuple(Likeness(ticket=id, distance_m=m, apart_seconds=s) for m, s, id in sorted(found)[:limit])


@command("tickets.merge", may=role(CLERK))
def merge(view: View, ticket_id: TicketId, *, into: TicketId, reason: str) -> Change[Ticket]:
    """Merge a ticket into another of the same matter 并案, and give that one.

    All reporters are kept, stand behind the other from now on, and are called back; one who stood behind both is
    called once. Should its assignee have to stand aside from a new reporter, it goes back to the clerk's queue.
    Raises WrongStatus, CannotJoin, TooManyReporters, Recused, BadValue.
    """
    ticket, survivor = view.get(Ticket, ticket_id), view.get(Ticket, into)
    check_impartial(view, ticket)
    check_impartial(view, survivor)
    must_be(ticket, "tickets.merge", *UNHANDLED)
    if survivor.id == ticket.id or survivor.status not in OPEN:
        itself = survivor.id == ticket.id
        raise CannotJoin(
            ticket=ticket.id,
            into=into,
            what="itself" if itself else str(survivor.status),
            what_zh="同一工单" if itself else survivor.status.zh,
        )
    theirs, ours = reporters_of(view, ticket), reporters_of(view, survivor)
    if len(theirs) + len(ours) >= REPORTERS_MAX:
        raise TooManyReporters(ticket=survivor.id, limit=REPORTERS_MAX)
    brought = list(_brought(theirs, ours, survivor))
    told = remarked(running(ticket, view.now), view.now, Said.MERGED, reason)
    gone = evolve(told, status=TicketStatus.MERGED, merged_into=survivor.id, reporters=0)
    behind = [*ours, *(after for _, after in brought)]
    joined = evolve(survivor, reporters=sum(r.callable for r in behind))
    if survivor.status in LOADED and _must_stand_aside(view, joined, behind):
        joined = queued(running(joined, view.now), joined.grid, Why(reason=Reason.REVIEW))
    loads = Loads(view)
    loads.move(ticket, gone)
    loads.move(survivor, joined)
    kept = step("ticket.joined", survivor, joined)
    moves = many([step("ticket_reporter.moved", before, after) for before, after in brought])
    return step("ticket.merged", ticket, gone).also(kept, moves, *loads.changes()).giving(kept.result)


def _brought(
    theirs: list[TicketReporter], ours: list[TicketReporter], survivor: Ticket
) -> Iterator[tuple[TicketReporter, TicketReporter]]:
    known = {r.party for r in ours if r.live and r.party is not None}
    for behind in theirs:
        live = behind.live and behind.party not in known
        yield behind, evolve(behind, ticket=survivor.id, live=live, called_round=None, satisfied=None)


def _must_stand_aside(view: View, ticket: Ticket, behind: list[TicketReporter]) -> bool:
    bench, concerned = Bench(view), Concerned(ticket, behind)
    return any(bench.stands_aside(ref, concerned) for ref in (ticket.assignee, ticket.unit) if ref is not None)


def _around(view: View, ticket: Ticket, window: timedelta) -> Iterator[Ticket]:
    """Open tickets of the same category that happened within the window."""
    last: Ticket | None = None
    while True:
        page = view.find(
            Ticket,
            where(Ticket.category, ticket.category),
            where(Ticket.happened, at_least=ticket.happened - window),
            where(Ticket.happened, below=ticket.happened + window + timedelta(microseconds=1)),
            limit=_PAGE,
            order=Ticket.happened,
            after=last,
        )
        yield from (other for other in page if other.id != ticket.id and other.status in OPEN)
        if len(page) < _PAGE:
            return
        last = page[-1]


def _apart_m(one: Ticket, other: Ticket) -> float | None:
    """How far apart two tickets lie; None if that is not known."""
    if (one.venue is not None and one.venue == other.venue) or (
        one.dwelling is not None and one.dwelling == other.dwelling
    ):
        return 0.0
    return None if one.point is None or other.point is None else great_circle_m(one.point, other.point)


def great_circle_m(one: Point, other: Point) -> float:
    """Metres between two points over a sphere of the Earth's mean radius; within 0.6 % of the ellipsoid's."""
    lat, other_lat = radians(one.lat), radians(other.lat)
    half = sin((other_lat - lat) / 2) ** 2
    half += cos(lat) * cos(other_lat) * sin(radians(other.lon - one.lon) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def _check_width(field: str, value: int) -> int:
    if value < 0:
        raise BadValue(field=field, why=f"{value} is below zero", why_zh=f"{value} 小于零")
    return value
