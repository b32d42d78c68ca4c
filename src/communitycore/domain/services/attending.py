"""Who came: noted at the door, and closed once, when empty seats are counted."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from communitycore.domain.services.absent import absent, present
from communitycore.domain.services.errors import AttendanceShut, BookingPassed, NotYet, SessionFull
from communitycore.domain.services.planning import bookings_of, session_over
from communitycore.domain.services.records import (
    HOSTS,
    LIVE,
    Booking,
    BookingId,
    BookingStatus,
    Offering,
    Session,
    SessionId,
    SessionStatus,
)
from communitycore.kernel.change import Change, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.view import View

DOORS = timedelta(hours=1)
"""So long before the start people are let in."""


@command("services.check_in", may=HOSTS)
def check_in(view: View, booking_id: BookingId, *, came: int | None = None) -> Change[Booking]:
    """Somebody came 签到. came: how many of the booking; None: all. Also corrects one that was counted as absent.

    Raises NotYet more than an hour before, SessionFull if others have the seats by now, BookingPassed, AttendanceShut
    once it is settled, BadValue.
    """
    booking = view.get(Booking, booking_id)
    session = view.get(Session, booking.session)
    if booking.status is BookingStatus.ATTENDED or booking.status not in (BookingStatus.BOOKED, BookingStatus.ABSENT):
        raise BookingPassed(booking=booking.id, status=booking.status.value, status_zh=booking.status.zh)
    _check_open(view, session)
    people = booking.size if came is None else came
    if type(people) is not int or not 1 <= people <= booking.size:
        raise BadValue(
            field="came",
            why=f"{people} is not between 1 and {booking.size}; let others in as walk-ins",
            why_zh=f"{people} 不在 1 至 {booking.size} 之间；其他人请按现场到访登记",
        )
    if people > session.seats - session.attended:
        raise SessionFull(session=session.id, left=session.seats - session.attended, size=people)
    there = evolve(booking, status=BookingStatus.ATTENDED, key=None, came=people, changed=view.now)
    counted = evolve(session, attended=session.attended + people)
    attended = step("booking.attended", booking, there).also(step("session.attended", session, counted))
    if booking.status is BookingStatus.ABSENT and (corrected := present(view, booking.party)) is not None:
        return attended.also(corrected)
    return attended


@command("services.walk_in", may=HOSTS)
def walk_in(view: View, session_id: SessionId, *, people: int = 1) -> Change[Session]:
    """Somebody came without a booking 现场到访, and a seat was free; nobody's name is kept.

    Seats that were booked are kept until the session begins; from then on they are for who is there.
    Raises SessionFull, NotYet, AttendanceShut, BadValue.
    """
    session = view.get(Session, session_id)
    _check_open(view, session)
    if session.status is not SessionStatus.PLANNED:
        raise _shut(session)
    if type(people) is not int or people < 1:
        raise BadValue(field="people", why=f"{people} is not above zero", why_zh=f"{people} 应大于零")
    left = session.seats - (session.taken if view.now < session.starts else session.attended)
    if people > left:
        raise SessionFull(session=session.id, left=left, size=people)
    taken = min(session.taken + people, session.seats)
    counted = evolve(session, attended=session.attended + people, taken=taken)
    return step("session.attended", session, counted)


@command("services.close_attendance", may=HOSTS)
def close_attendance(view: View, session_id: SessionId) -> Change[Session]:
    """All who come are there 结束签到: who booked is absent, which counts where a seat stood empty.

    Raises NotYet, SessionOver.
    """
    session = view.get(Session, session_id)
    if session.status in (SessionStatus.HELD, SessionStatus.SETTLED):
        return unchanged(session)
    if session.status is SessionStatus.CANCELLED:
        raise session_over(session)
    if view.now < session.starts:
        raise NotYet(session=session.id, starts=session.starts)
    policy = view.get(Offering, session.offering).policy
    closed = step("session.held", session, evolve(session, status=SessionStatus.HELD, waiting=0))
    for booking in bookings_of(view, session.id, LIVE):
        if booking.status is BookingStatus.BOOKED:
            gone = evolve(booking, status=BookingStatus.ABSENT, key=None, changed=view.now)
            closed = closed.also(step("booking.absent", booking, gone))
            if session.attended < session.seats:  # where others had the seats, none stood empty
                closed = closed.also(absent(view, booking.party, policy))
        else:
            lapsed = evolve(booking, status=BookingStatus.LAPSED, key=None, offer_until=None, changed=view.now)
            closed = closed.also(step("booking.lapsed", booking, lapsed))
    return closed


def _check_open(view: View, session: Session) -> None:
    if session.status is SessionStatus.CANCELLED:
        raise session_over(session)
    if session.status is SessionStatus.SETTLED:
        raise _shut(session)
    if view.now < session.starts - DOORS:
        raise NotYet(session=session.id, starts=session.starts)


def _shut(session: Session) -> AttendanceShut:
    return AttendanceShut(session=session.id, status=session.status.value, status_zh=session.status.zh)
