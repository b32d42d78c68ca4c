"""What the page offers its neighbours: nightly yoga, a day of haircuts a month, and the willow-weaving course."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from communitycore.demo import facts
from communitycore.demo.town import Neighbourhood, Progress, Resident, Town
from communitycore.domain import people, places, services
from communitycore.domain.funds import LedgerId
from communitycore.domain.people import PartyId
from communitycore.domain.places import Venue, VenueKind
from communitycore.domain.services import (
    Booking,
    BookingStatus,
    Offering,
    OutcomeKind,
    ProviderKind,
    Segment,
    Session,
)
from communitycore.hub.desk import Desk
from communitycore.kernel.geometry import Point
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.testing import Clock

FEE = Money(500)  # invented: what one pays an evening


@frozen
class Told:
    """What came of one offering. hours: of volunteers, in minutes. outcomes: people who found work."""

    place: Neighbourhood
    offering: Offering
    held: int
    came: int
    takings: int
    minutes: int
    outcomes: int


def at(town: Town, code: str) -> Neighbourhood:
    """The community of this code."""
    return next(place for place in town.neighbourhoods if place.fact.code == code)


def yoga(
    place: Neighbourhood, teacher: PartyId, books: Desk, ledger: LedgerId, rule: str, clock: Clock, progress: Progress
) -> Told:
    """Seven evenings: seats booked, those who came counted, and each evening's takings split by the agreement."""
    desk = place.desk
    offering = desk.do(services.offer, name="瑜伽夜课", provider=ProviderKind.PARTNER, by=teacher, fee=FEE)
    books.do(services.fund_by, offering.id, ledger=ledger, rule=rule)
    first = desk.get(Jurisdiction, desk.jurisdiction).day(clock()) + timedelta(days=1)
    last = first + timedelta(days=len(facts.YOGA_EVENINGS) - 1)
    hall = _hall(place, "活动室")
    when = {"rule": "FREQ=DAILY", "first": first, "until": last, "clock": "19:30", "minutes": 60}
    series = desk.do(services.open_series, offering.id, venue=hall.id, seats=facts.YOGA_SEATS, **when)  # type: ignore[arg-type]  # words of one call
    evenings = desk.find(Session, where(Session.series, series.id), limit=100, order=Session.starts)
    for n, (evening, came) in enumerate(zip(evenings, facts.YOGA_EVENINGS, strict=True), 1):
        booked = [_book(place, evening, resident) for resident in place.residents[n : n + 6]]
        clock.set(evening.starts)
        for booking in booked:
            desk.do(services.check_in, booking.id)
        desk.do(services.walk_in, evening.id, people=came - len(booked))
        books.do(services.settle, evening.id)
        progress("evenings settled", "夜课结算", n, len(evenings))
    clock.set(evenings[-1].ends)
    return _told(place, offering)


def haircuts(town: Town, clock: Clock) -> Told:
    """A day on which a volunteer cuts hair free of charge, and is credited the hours of it (R24)."""
    place = at(town, facts.HAIRCUT_COMMUNITY)
    desk = place.desk
    barber = place.residents[0].party
    offering = desk.do(
        services.offer,
        name="义剪、磨刀助邻里",
        provider=ProviderKind.VOLUNTEER,
        by=barber,
        segments=(Segment.ELDERLY, Segment.DISABLED),
    )
    day = _plan(place, offering, clock, "温馨汇客厅", 180, facts.HAIRCUTS)
    clock.set(day.starts)
    desk.do(services.walk_in, day.id, people=facts.HAIRCUTS)
    clock.set(day.ends)
    desk.do(services.close_attendance, day.id)
    desk.do(services.register_volunteer, party=barber, skills=("理发", "磨刀"))
    desk.do(services.credit_hours, day.id, party=barber, skill="理发")
    return _told(place, offering)


def willow(town: Town, clock: Clock) -> Told:
    """A course with more who want to come than seats: one gives up, the first who waits is asked; most find work."""
    place = at(town, facts.WILLOW_COMMUNITY)
    desk = place.desk
    school = desk.do(people.register_organisation, name="柳编传习所", kind=people.OrganisationKind.SOCIAL_ORGANISATION)
    offering = desk.do(
        services.offer,
        name="柳编课堂",
        provider=ProviderKind.ORGANISATION,
        by=school.id,
        shown="柳编传习所",
        segments=(Segment.WOMEN, Segment.DISABLED),
    )
    course = _plan(place, offering, clock, "活动室", 120, facts.WILLOW_SEATS)
    learners = [desk.do(people.register).id for _ in range(facts.WILLOW_SEATS + 2)]
    booked = [desk.do(services.book, course.id, party=party, wait=True) for party in learners]
    desk.do(services.cancel_booking, booked[0].id)
    waited = next(b for b in booked if b.status is BookingStatus.WAITING)
    desk.do(services.accept, waited.id)
    clock.set(course.starts)
    for booking in desk.find(Booking, where(Booking.session, course.id), limit=100):
        if booking.status is BookingStatus.BOOKED:
            desk.do(services.check_in, booking.id)
    clock.set(course.ends)
    desk.do(services.close_attendance, course.id)
    for party in learners[1 : 1 + facts.WILLOW_IN_WORK]:
        desk.do(services.record_outcome, offering.id, party=party, kind=OutcomeKind.IN_WORK)
    return _told(place, offering)


def _hall(place: Neighbourhood, name: str) -> Venue:
    west, south, east, north = place.grids[0].area.bounds
    middle = Point((west + east) / 2, (south + north) / 2)
    return place.desk.do(places.open_venue, name=name, kind=VenueKind.ACTIVITY_ROOM, point=middle)


def _plan(place: Neighbourhood, offering: Offering, clock: Clock, venue: str, minutes: int, seats: int) -> Session:
    return place.desk.do(
        services.plan_session,
        offering.id,
        venue=_hall(place, venue).id,
        starts=clock() + timedelta(hours=12),
        minutes=minutes,
        seats=seats,
    )


def _book(place: Neighbourhood, session: Session, resident: Resident) -> Booking:
    return place.as_(resident.ref).do(services.book, session.id, party=resident.party)


def _told(place: Neighbourhood, offering: Offering) -> Told:
    desk = place.desk
    sessions = desk.find(Session, where(Session.offering, offering.id), limit=100)
    held = [s for s in sessions if s.status in (services.SessionStatus.HELD, services.SessionStatus.SETTLED)]
    ids = [session.id for session in held]
    hours = desk.find(services.VolunteerHours, where(services.VolunteerHours.session, among=ids), limit=100)
    return Told(
        place=place,
        offering=offering,
        held=len(held),
        came=sum(session.attended for session in held),
        takings=sum(session.takings.amount for session in held if session.takings is not None),
        minutes=sum(one.minutes for one in hours),
        outcomes=sum(n for kind, n in desk.ask(services.outcomes, offering.id) if kind is OutcomeKind.IN_WORK),
    )
