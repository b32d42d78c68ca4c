"""Seats: booked by number before names, first come first served, and offered on as soon as some come free.

A party that waits for more seats than are free is passed over and keeps its place; so nobody ever waits for seats that
are free.
"""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from communitycore.domain.people import (
    Guardianship,
    GuardianshipStatus,
    MinorProfile,
    PartyId,
    Profile,
    active_party,
)
from communitycore.domain.services.absent import absent, check_not_barred
from communitycore.domain.services.errors import (
    AlreadyBooked,
    BookingPassed,
    NotForThem,
    SessionFull,
    WaitingFull,
)
from communitycore.domain.services.planning import bookings_of, session_over
from communitycore.domain.services.policy import age_on
from communitycore.domain.services.records import (
    HOSTS,
    Booking,
    BookingId,
    BookingStatus,
    Offering,
    Session,
    SessionId,
    SessionStatus,
)
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where
from communitycore.kernel.rules import TIMER, own
from communitycore.kernel.view import View

WAITING_MAX = 100
CHILDREN_MAX = 20
NAME_MAX = 100


@command("services.book", may=own("party") | HOSTS)
def book(
    view: View,
    session_id: SessionId,
    *,
    party: PartyId,
    size: int = 1,
    names: tuple[str, ...] = (),
    wait: bool = False,
) -> Change[Booking]:
    """Book seats 预约. size: how many. names: of those who come, if known. wait: on the waiting list 候补 if need be.

    Raises SessionFull, WaitingFull, SessionOver, AlreadyBooked, NotForThem, Barred, PartyGone, BadValue.
    """
    session = open_session(view, session_id)
    offering = view.get(Offering, session.offering)
    fits = size <= session.seats - session.taken
    if not fits and not wait:  # first: of many who press the button most are told this
        raise SessionFull(session=session.id, left=session.seats - session.taken, size=size)
    active_party(view, party)
    if type(size) is not int or not 1 <= size <= min(offering.policy.party_max, session.seats):
        most = min(offering.policy.party_max, session.seats)
        raise BadValue(field="size", why=f"{size} is not between 1 and {most}", why_zh=f"{size} 不在 1 至 {most} 之间")
    key = f"{session.id}/{party}"
    known = view.one(Booking, where(Booking.key, key))
    if known is not None:
        raise AlreadyBooked(booking=known.id)
    check_not_barred(view, party)
    _check_for_them(view, offering, session, party)
    booking = Booking(
        id=view.new(Booking),
        session=session.id,
        party=party,
        key=key,
        size=size,
        names=_names(names, size),
        place=0 if fits else session.places + 1,
        changed=view.now,
        status=BookingStatus.BOOKED if fits else BookingStatus.WAITING,
    )
    if fits:
        taken = evolve(session, taken=session.taken + size)
        return begin("booking.made", booking).also(step("session.seats_taken", session, taken))
    if session.waiting >= WAITING_MAX:
        raise WaitingFull(session=session.id, waiting=session.waiting)
    queued = evolve(session, waiting=session.waiting + 1, places=session.places + 1)
    return begin("booking.waiting", booking).also(step("session.waited_for", session, queued))


@command("services.name_guests", may=own("booking.party") | HOSTS)
def name_guests(view: View, booking_id: BookingId, *, names: tuple[str, ...]) -> Change[Booking]:
    """Say who comes 登记同行人; a host reads it at the door. Raises BookingPassed, BadValue for too many names."""
    booking = _in(view, booking_id, BookingStatus.BOOKED, BookingStatus.OFFERED, BookingStatus.WAITING)
    return step("booking.named", booking, evolve(booking, names=_names(names, booking.size)))


@command("services.accept", may=own("booking.party") | HOSTS)
def accept(view: View, booking_id: BookingId) -> Change[Booking]:
    """Take the seats that came free 确认候补. Raises BookingPassed, also when the offer has run out."""
    booking = _in(view, booking_id, BookingStatus.OFFERED)
    if booking.offer_until is not None and view.now >= booking.offer_until:
        raise BookingPassed(booking=booking.id, status=BookingStatus.LAPSED.value, status_zh=BookingStatus.LAPSED.zh)
    taken = evolve(booking, status=BookingStatus.BOOKED, offer_until=None, changed=view.now)
    return step("booking.accepted", booking, taken).cancel(lapse_offer)


@command("services.cancel_booking", may=own("booking.party") | HOSTS)
def cancel_booking(view: View, booking_id: BookingId) -> Change[Booking]:
    """Give seats back 取消预约, before the session begins; they are offered to who waits.

    After the cut-off it counts as an absence. Raises BookingPassed, SessionOver.
    """
    booking = _in(view, booking_id, BookingStatus.BOOKED, BookingStatus.OFFERED, BookingStatus.WAITING)
    session = open_session(view, booking.session)
    policy = view.get(Offering, session.offering).policy
    cut_off = session.starts - timedelta(minutes=policy.cut_off_minutes)
    late = booking.status is BookingStatus.BOOKED and view.now > cut_off
    gone = evolve(booking, status=BookingStatus.CANCELLED, key=None, late=late, offer_until=None, changed=view.now)
    cancelled = step("booking.cancelled", booking, gone).also(_given_back(view, booking, session))
    return cancelled.also(absent(view, booking.party, policy)) if late else cancelled


@command("services.lapse_offer", may=TIMER)
def lapse_offer(view: View, booking_id: BookingId) -> Change[Booking]:
    """Nobody took the seats in time: the next who waits is asked."""
    booking = view.get(Booking, booking_id)
    if booking.status is not BookingStatus.OFFERED:
        return unchanged(booking)
    lapsed = evolve(booking, status=BookingStatus.LAPSED, key=None, offer_until=None, changed=view.now)
    session = view.get(Session, booking.session)
    return step("booking.lapsed", booking, lapsed).also(_given_back(view, booking, session))


def open_session(view: View, id: SessionId) -> Session:
    """The session, if it is still to begin. Raises NotFound, SessionOver."""
    session = view.get(Session, id)
    if session.status is not SessionStatus.PLANNED or session.starts <= view.now:
        raise session_over(session)
    return session


def _given_back(view: View, booking: Booking, session: Session) -> Change[Session]:
    """The session without a booking's seats, or its place in the queue, and offers to all who now fit, in order."""
    if booking.status is BookingStatus.WAITING:
        return step("session.waited_for", session, evolve(session, waiting=session.waiting - 1))
    taken = session.taken - booking.size
    asked = []
    if session.status is SessionStatus.PLANNED and view.now < session.starts:
        policy = view.get(Offering, session.offering).policy
        until = min(view.now + timedelta(minutes=policy.offer_minutes), session.starts)
        for waiting in bookings_of(view, session.id, {BookingStatus.WAITING}):
            if waiting.size <= session.seats - taken:
                offered = evolve(waiting, status=BookingStatus.OFFERED, offer_until=until, changed=view.now)
                asked.append(step("booking.offered", waiting, offered).at(until, lapse_offer))
                taken += waiting.size
    after = evolve(session, taken=taken, waiting=session.waiting - len(asked))
    return step("session.seats_given_back", session, after).also(*asked)


def _in(view: View, id: BookingId, *status: BookingStatus) -> Booking:
    booking = view.get(Booking, id)
    if booking.status not in status:
        raise BookingPassed(booking=booking.id, status=booking.status.value, status_zh=booking.status.zh)
    return booking


def _check_for_them(view: View, offering: Offering, session: Session, party: PartyId) -> None:
    """Raises NotForThem if the ages of the party and of those whom it is guardian of are known, and none fits."""
    if not offering.segments:
        return
    day = view.get(Jurisdiction, view.jurisdiction).day(session.starts)
    charges = view.find(
        Guardianship,
        where(Guardianship.guardian, party),
        where(Guardianship.status, GuardianshipStatus.ACTIVE),
        limit=CHILDREN_MAX,
    )
    for one in (party, *(g.child for g in charges)):
        profile: Profile | MinorProfile | None = view.one(Profile, where(Profile.party, one))
        if profile is None or profile.birth_date is None:
            profile = view.one(MinorProfile, where(MinorProfile.party, one))
        born = None if profile is None else profile.birth_date
        if born is None or any(segment.admits(age_on(born, day)) for segment in offering.segments):
            return
    raise NotForThem(
        name=offering.name,
        segments=", ".join(segment.value for segment in offering.segments),
        segments_zh="、".join(segment.zh for segment in offering.segments),
    )


def _names(names: tuple[str, ...], size: int) -> tuple[str, ...]:
    if len(names) > size or any(not name.strip() or len(name) > NAME_MAX for name in names):
        raise BadValue(
            field="names",
            why=f"give at most {size}, none blank or longer than {NAME_MAX} characters",
            why_zh=f"最多 {size} 个，不得为空或超过 {NAME_MAX} 字",
        )
    return tuple(name.strip() for name in names)
