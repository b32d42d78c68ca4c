"""What a calendar shows: a venue's, an offering's, or a person's own sessions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

from communitycore.domain.people import PartyId
from communitycore.domain.places import Venue, VenueId
from communitycore.domain.services.outcomes import between
from communitycore.domain.services.records import (
    HOSTS,
    LIVE,
    Booking,
    BookingStatus,
    Offering,
    OfferingId,
    Session,
    SessionStatus,
)
from communitycore.kernel.command import read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where
from communitycore.kernel.record import PUBLIC
from communitycore.kernel.rules import own
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

BOOKINGS_SHOWN = 200


class EventStatus(StrEnum):
    """As RFC 5545 §3.8.1.11 names them."""

    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"
    CANCELLED = "CANCELLED"


@frozen(kw_only=True)
class Event:
    """One entry of a calendar. uid: the same for as long as the session stands, anywhere. sequence: grows with changes.

    stamp: when it was changed last. place: where, and latitude and longitude in WGS-84.
    """

    uid: str
    sequence: int
    stamp: datetime
    starts: datetime
    ends: datetime
    title: str
    text: str
    place: str
    at: tuple[float, float]
    status: EventStatus


@frozen
class Agenda:
    """The events of a calendar, in their order, and the zone it is read in."""

    name: str
    zone: str
    events: tuple[Event, ...]


@read("services.agenda", may=PUBLIC)
def agenda(
    view: View, *, since: date, until: date, venue: VenueId | None = None, offering: OfferingId | None = None
) -> Agenda:
    """The sessions of a venue or of an offering from one day to another, those called off among them.

    Raises NotFound, BadValue unless exactly one of both is named.
    """
    if venue is not None and offering is None:
        name, wanted = view.get(Venue, venue).name, where(Session.venue, venue)
    elif offering is not None and venue is None:
        name, wanted = view.get(Offering, offering).name, where(Session.offering, offering)
    else:
        raise BadValue(field="venue", why="name a venue or an offering", why_zh="请填写一个场地或一个服务项目")
    shown = between(view, since, until, wanted)
    events = _events(view, ((session, _status(session), 0, session.updated) for session in shown))
    return Agenda(name, _zone(view), events)


@read("services.my_agenda", may=own("party") | HOSTS)
def my_agenda(view: View, *, party: PartyId) -> Agenda:
    """What a party has booked or waits for, the latest bookings first considered; for them alone."""
    theirs = view.find(Booking, where(Booking.party, party), limit=BOOKINGS_SHOWN, descending=True)
    latest: dict[str, Booking] = {}
    for booking in sorted(theirs, key=lambda b: (b.status in LIVE, b.changed)):
        latest[booking.session] = booking
    shown = []
    for booking in latest.values():
        session = view.get(Session, booking.session)
        status = _status(session)
        if status is EventStatus.CONFIRMED and booking.status in (BookingStatus.WAITING, BookingStatus.OFFERED):
            status = EventStatus.TENTATIVE
        elif booking.status in (BookingStatus.CANCELLED, BookingStatus.LAPSED):
            status = EventStatus.CANCELLED
        earlier = sum(b.version for b in theirs if b.session == session.id)
        shown.append((session, status, earlier, max(booking.changed, session.updated)))
    return Agenda("", _zone(view), _events(view, sorted(shown, key=lambda s: (s[0].starts, s[0].id))))


def _events(view: View, shown: Iterable[tuple[Session, EventStatus, int, datetime]]) -> tuple[Event, ...]:
    made = []
    for session, status, more, stamp in shown:
        offering = view.get(Offering, session.offering)
        venue = view.get(Venue, session.venue)
        made.append(
            Event(
                uid=f"{session.id}@{view.jurisdiction}.communitycore",
                sequence=session.sequence + more,
                stamp=stamp,
                starts=session.starts,
                ends=session.ends,
                title=offering.name,
                text="\n".join(part for part in (offering.text, session.reason or "") if part),
                place=venue.name,
                at=(venue.point.lat, venue.point.lon),
                status=status,
            )
        )
    return tuple(made)


def _status(session: Session) -> EventStatus:
    return EventStatus.CANCELLED if session.status is SessionStatus.CANCELLED else EventStatus.CONFIRMED


def _zone(view: View) -> str:
    return view.get(Jurisdiction, view.jurisdiction).zone
