"""Sessions: one by one, or in series that change only where nobody has booked yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from attrs import evolve

from communitycore.domain.places import Venue, VenueClosed, VenueId, VenueKind, VenueStatus
from communitycore.domain.places.words import AS_IS, Keep
from communitycore.domain.services.errors import SeriesOver, SessionOver, VenueTaken
from communitycore.domain.services.offering import open_offering
from communitycore.domain.services.records import (
    HOSTS,
    LIVE,
    SEATS_MAX,
    Booking,
    BookingStatus,
    OfferingId,
    Series,
    SeriesId,
    SeriesStatus,
    Session,
    SessionId,
    SessionStatus,
)
from communitycore.domain.services.recurring import check_clock, check_rule, days, span
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where
from communitycore.kernel.rules import TIMER
from communitycore.kernel.times import aware
from communitycore.kernel.view import View

HORIZON = timedelta(days=60)
"""How far ahead the sessions of a series stand."""
AGAIN = timedelta(days=7)
"""How often more are planned."""
FAR = timedelta(days=366)
MINUTES_MAX = 24 * 60
SESSIONS_MAX = 400
"""Sessions that one command looks at; a series of one a day has sixty ahead."""


@command("services.plan_session", may=HOSTS)
def plan_session(
    view: View, offering_id: OfferingId, *, venue: VenueId, starts: datetime, minutes: int, seats: int | None = None
) -> Change[Session]:
    """Plan one session 安排场次. seats: None takes the venue's.

    Raises OfferingEnded, VenueClosed, VenueTaken, SessionOver for a time gone by, BadValue.
    """
    offering = open_offering(view, offering_id)
    where_to = _open_venue(view, venue)
    _check_minutes(minutes)
    if not view.now < aware(starts, "starts") < view.now + FAR:
        raise BadValue(
            field="starts",
            why=f"{starts} is gone by, or more than a year ahead",
            why_zh=f"{starts} 已过，或超过一年之后",
        )
    session = _session(view, where_to, offering.id, None, starts, minutes, _seats(where_to, seats))
    if taken := _collisions(view, where_to, [(session.starts, session.ends)]):
        raise taken[0]
    return begin("session.planned", session)


@command("services.open_series", may=HOSTS)
def open_series(
    view: View,
    offering_id: OfferingId,
    *,
    venue: VenueId,
    rule: str,
    first: date,
    clock: str,
    minutes: int,
    seats: int | None = None,
    until: date | None = None,
    except_days: tuple[date, ...] = (),
) -> Change[Series]:
    """Plan sessions that repeat 开设系列, by an RFC 5545 rule from its first day, at a time of day here.

    Sixty days ahead stand at any time; more are added by themselves. No session is planned on a day on which the venue
    is closed. Raises OfferingEnded, VenueClosed, VenueTaken, BadValue.
    """
    offering = open_offering(view, offering_id)
    where_to = _open_venue(view, venue)
    _check_minutes(minutes)
    here = view.get(Jurisdiction, view.jurisdiction)
    today = here.day(view.now)
    _check_day(first, "first", today, today + FAR)
    series = Series(
        id=view.new(Series),
        offering=offering.id,
        venue=where_to.id,
        rule=check_rule(rule, first),
        first=first,
        clock=check_clock(clock),
        minutes=minutes,
        seats=_seats(where_to, seats),
        zone=here.zone,
        until=_last_day(until, first),
        except_days=tuple(sorted(set(except_days))),
        planned_until=max(today, first) + HORIZON,
    )
    planned = _planned(view, series, where_to, since=first, taken=())
    if clashes := _collisions(view, where_to, [(s.starts, s.ends) for s in planned]):
        raise clashes[0]
    opened = begin("series.opened", series).at(view.now + AGAIN, extend_series)
    return opened.also(*(begin("session.planned", session) for session in planned))


@command("services.extend_series", may=TIMER)
def extend_series(view: View, series_id: SeriesId) -> Change[Series]:
    """Time passes: more sessions are planned ahead, but for days on which the venue is taken by others."""
    series = view.get(Series, series_id)
    venue = view.get(Venue, series.venue)
    day = view.get(Jurisdiction, view.jurisdiction).day(view.now)
    if series.status is not SeriesStatus.RUNNING:
        return unchanged(series)
    if venue.status is not VenueStatus.OPEN or (series.until is not None and series.until < day):
        return step("series.ended", series, evolve(series, status=SeriesStatus.ENDED))
    ahead = evolve(series, planned_until=max(day + HORIZON, series.planned_until))
    since = series.planned_until + timedelta(days=1)
    planned = _planned(view, ahead, venue, since=since, taken=())
    clashes = {clash.wanted for clash in _collisions(view, venue, [(s.starts, s.ends) for s in planned])}
    free = [session for session in planned if session.starts not in clashes]
    extended = step("series.extended", series, ahead).at(view.now + AGAIN, extend_series)
    return extended.also(*(begin("session.planned", session) for session in free))


@command("services.change_series", may=HOSTS)
def change_series(
    view: View,
    series_id: SeriesId,
    *,
    since: date,
    rule: str | Keep = AS_IS,
    clock: str | Keep = AS_IS,
    minutes: int | Keep = AS_IS,
    seats: int | Keep = AS_IS,
    venue: VenueId | Keep = AS_IS,
    until: date | Keep | None = AS_IS,
    except_days: tuple[date, ...] | Keep = AS_IS,
) -> Change[Series]:
    """Change a series from a day on 调整系列. Sessions to come that nobody has booked or waits for follow, no others.

    A session that stays on its day is moved, and keeps its id; one on a day that is left out is cancelled. A new `rule`
    names `since` itself, a day that sessions stand up to. Raises SeriesOver, VenueClosed, VenueTaken, BadValue.
    """
    series = view.get(Series, series_id)
    if series.status is not SeriesStatus.RUNNING:
        raise SeriesOver(series=series.id)
    today = view.get(Jurisdiction, view.jurisdiction).day(view.now)
    _check_day(since, "since", today, series.planned_until + timedelta(days=1))
    where_to = _open_venue(view, series.venue if venue is AS_IS else venue)
    changes: dict[str, Any] = {"venue": where_to.id}
    if rule is not AS_IS:
        changes |= {"rule": check_rule(rule, since), "first": since}
    if clock is not AS_IS:
        changes["clock"] = check_clock(clock)
    if minutes is not AS_IS:
        _check_minutes(minutes)
        changes["minutes"] = minutes
    changes["seats"] = _seats(where_to, series.seats if seats is AS_IS else seats)
    if until is not AS_IS:
        changes["until"] = _last_day(until, since)
    if except_days is not AS_IS:
        changes["except_days"] = tuple(sorted(set(except_days)))
    changed = evolve(series, **changes)
    return step("series.changed", series, changed).also(*_follow(view, changed, where_to, since))


@command("services.end_series", may=HOSTS)
def end_series(view: View, series_id: SeriesId) -> Change[Series]:
    """End a series 结束系列; sessions to come that nobody has booked or waits for are cancelled. Raises SeriesOver."""
    series = view.get(Series, series_id)
    if series.status is not SeriesStatus.RUNNING:
        raise SeriesOver(series=series.id)
    empty = [s for s in _to_come(view, series.id) if _is_empty(s)]
    return step("series.ended", series, evolve(series, status=SeriesStatus.ENDED)).also(
        *(_called_off(view, session, "series ended") for session in empty)
    )


@command("services.cancel_session", may=HOSTS)
def cancel_session(view: View, session_id: SessionId, *, reason: str) -> Change[Session]:
    """Call a session off 取消场次, with every booking of it. Raises SessionOver once somebody came, BadValue."""
    session = view.get(Session, session_id)
    if session.status is not SessionStatus.PLANNED or session.attended:
        raise session_over(session)
    if not reason.strip():
        raise BadValue(
            field="reason", why="say why, so that those who booked know", why_zh="请说明原因，以便告知预约人"
        )
    ended = [
        step("booking.cancelled", b, evolve(b, status=BookingStatus.CANCELLED, key=None, changed=view.now))
        for b in bookings_of(view, session.id, LIVE)
    ]
    return _called_off(view, session, reason.strip()).also(*ended)


# What the rest of the room builds on


def session_over(session: Session) -> SessionOver:
    """The refusal, in words."""
    status = session.status
    return SessionOver(session=session.id, starts=session.starts, status=status.value, status_zh=status.zh)


def bookings_of(view: View, session: SessionId, status: Collection[BookingStatus]) -> list[Booking]:
    """A session's bookings in one of these states; never more than its seats and its waiting list hold."""
    return view.find(
        Booking,
        where(Booking.session, session),
        where(Booking.status, among=sorted(status)),
        limit=1_000,
        order=Booking.place,
    )


def _follow(view: View, series: Series, venue: Venue, since: date) -> list[Change[Any]]:
    here = view.get(Jurisdiction, view.jurisdiction)
    later = [s for s in _to_come(view, series.id) if here.day(s.starts) >= since]
    empty = {here.day(s.starts): s for s in later if _is_empty(s)}
    kept = {here.day(s.starts) for s in later if not _is_empty(s)}
    planned = _planned(view, series, venue, since=since, taken=kept)
    ours = {s.id for s in empty.values()}
    if clashes := _collisions(view, venue, [(s.starts, s.ends) for s in planned], but=ours):
        raise clashes[0]
    made: list[Change[Any]] = []
    for session in planned:
        old = empty.pop(here.day(session.starts), None)
        if old is None:
            made.append(begin("session.planned", session))
            continue
        same = (old.starts, old.ends, old.venue, old.seats)
        if same != (session.starts, session.ends, session.venue, session.seats):
            moved = evolve(session, id=old.id, version=old.version, places=old.places, sequence=old.sequence + 1)
            made.append(step("session.moved", old, moved))
    return made + [_called_off(view, session, "series changed") for session in empty.values()]


def _to_come(view: View, series: SeriesId) -> list[Session]:
    return view.find(
        Session,
        where(Session.series, series),
        where(Session.status, SessionStatus.PLANNED),
        where(Session.starts, at_least=view.now + timedelta(microseconds=1)),
        limit=SESSIONS_MAX,
        order=Session.starts,
    )


def _is_empty(session: Session) -> bool:
    return not session.taken and not session.waiting


def _called_off(view: View, session: Session, reason: str) -> Change[Session]:
    off = evolve(
        session,
        status=SessionStatus.CANCELLED,
        taken=0,
        waiting=0,
        reason=reason,
        sequence=session.sequence + 1,
        updated=view.now,
    )
    return step("session.cancelled", session, off)


def _planned(view: View, series: Series, venue: Venue, *, since: date, taken: Iterable[date]) -> list[Session]:
    """The sessions of a series from `since` on, as far as they are planned; none that would have begun."""
    until = series.planned_until if series.until is None else min(series.planned_until, series.until)
    skip = {*series.except_days, *venue.closed_days, *taken}
    made = []
    for day in days(series.rule, series.first, since=since, until=until, skip=skip):
        starts, _ = span(day, series.clock, series.zone, series.minutes)
        if starts > view.now:
            made.append(_session(view, venue, series.offering, series.id, starts, series.minutes, series.seats))
    return made


def _session(
    view: View, venue: Venue, offering: OfferingId, series: SeriesId | None, starts: datetime, minutes: int, seats: int
) -> Session:
    return Session(
        id=view.new(Session),
        offering=offering,
        series=series,
        venue=venue.id,
        grid=venue.grid,
        starts=starts,
        ends=starts + timedelta(minutes=minutes),
        seats=seats,
        updated=view.now,
    )


def _collisions(
    view: View, venue: Venue, spans: list[tuple[datetime, datetime]], but: Collection[SessionId] = ()
) -> list[VenueTaken]:
    """Which of these times others have the venue; several may share what lies outdoors."""
    if venue.kind is VenueKind.OUTDOORS or not spans:
        return []
    longest = timedelta(minutes=MINUTES_MAX)
    low, high = min(start for start, _ in spans) - longest, max(end for _, end in spans)
    there: list[Session] = []
    while page := view.find(
        Session,
        where(Session.venue, venue.id),
        where(Session.starts, at_least=low),
        where(Session.starts, below=high),
        limit=1_000,
        order=Session.starts,
        after=there[-1] if there else None,
    ):
        there += page
    there = [s for s in there if s.status is not SessionStatus.CANCELLED and s.id not in but]
    return [
        VenueTaken(venue=venue.name, session=other.id, starts=other.starts, ends=other.ends, wanted=start)
        for start, end in spans
        for other in there
        if other.starts < end and start < other.ends
    ]


def _open_venue(view: View, id: VenueId) -> Venue:
    venue = view.get(Venue, id)
    if venue.status is not VenueStatus.OPEN:
        raise VenueClosed(name=venue.name, venue=venue.id)
    return venue


def _seats(venue: Venue, seats: int | None) -> int:
    wanted = venue.seats if seats is None else seats
    if wanted is None:
        raise BadValue(
            field="seats", why="the venue's are not counted; say how many", why_zh="场地未登记座位数，请填写"
        )
    most = min(SEATS_MAX, SEATS_MAX if venue.seats is None else venue.seats)
    if type(wanted) is not int or not 1 <= wanted <= most:
        raise BadValue(
            field="seats", why=f"{wanted} is not between 1 and {most}", why_zh=f"{wanted} 不在 1 至 {most} 之间"
        )
    return wanted


def _check_minutes(minutes: int) -> None:
    if type(minutes) is not int or not 1 <= minutes <= MINUTES_MAX:
        raise BadValue(
            field="minutes",
            why=f"{minutes} is not between 1 and {MINUTES_MAX}",
            why_zh=f"{minutes} 不在 1 至 {MINUTES_MAX} 之间",
        )


def _check_day(day: date, field: str, least: date, most: date) -> None:
    if type(day) is not date or not least <= day <= most:
        raise BadValue(
            field=field, why=f"{day} is not a day from {least} to {most}", why_zh=f"{day} 应在 {least} 至 {most} 之间"
        )


def _last_day(until: date | None, first: date) -> date | None:
    if until is not None and until < first:
        raise BadValue(field="until", why=f"{until} is before {first}", why_zh=f"{until} 早于 {first}")
    return until
