"""Services: seats, queues, attendance, takings and hours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.domain.services_world import FEE, World, fund, world

import communitycore as cc
from communitycore import Money, funds, people, services
from communitycore.domain.services.records import SEATS_MAX
from communitycore.kernel.errors import BadValue, NotAllowed

STATUS = services.BookingStatus


@pytest.fixture
def w() -> World:
    return world()


def test_a_neighbour_books_and_comes_and_the_takings_are_split(w: World) -> None:
    ledger, owed, ours = fund(w)
    session = w.session(seats=4)
    me = w.neighbours[0]
    booking = w.desk(me).do(services.book, session.id, party=me, size=3)
    assert booking.status is STATUS.BOOKED
    w.clock.advance(timedelta(hours=23, minutes=30))
    w.host.do(services.check_in, booking.id, came=2)
    w.clock.advance(timedelta(hours=1))
    settled = w.accountant.do(services.settle, session.id)
    assert (settled.attended, settled.takings) == (2, Money(1_000))
    assert settled.status is services.SessionStatus.SETTLED
    assert w.accountant.get(funds.Account, owed.id).balance == -800
    assert w.accountant.get(funds.Account, ours.id).balance == -200
    assert w.accountant.get(funds.Account, ledger.bank).balance == 1_000
    w.hub.verify()


def test_seats_are_never_more_than_there_are(w: World) -> None:
    session = w.session(seats=4)
    a, b, c = w.neighbours[:3]
    w.desk(a).do(services.book, session.id, party=a, size=3)
    with pytest.raises(services.SessionFull) as refused:
        w.desk(b).do(services.book, session.id, party=b, size=2)
    assert (refused.value.left, refused.value.size) == (1, 2)
    w.desk(c).do(services.book, session.id, party=c)
    w.check(session)


def test_who_waits_is_asked_in_order_and_has_time_to_answer(w: World) -> None:
    session = w.session(seats=4)
    a, b, c, d = w.neighbours[:4]
    first = w.desk(a).do(services.book, session.id, party=a, size=4)
    second = w.desk(b).do(services.book, session.id, party=b, size=3, wait=True)
    third = w.desk(c).do(services.book, session.id, party=c, size=2, wait=True)
    fourth = w.desk(d).do(services.book, session.id, party=d, size=1, wait=True)
    assert [x.status for x in (second, third, fourth)] == [STATUS.WAITING] * 3
    w.desk(a).do(services.cancel_booking, first.id)
    w.check(session)
    # three and one seats fit; two are passed over and keep their place
    assert w.host.get(services.Booking, second.id).status is STATUS.OFFERED
    assert w.host.get(services.Booking, third.id).status is STATUS.WAITING
    assert w.host.get(services.Booking, fourth.id).status is STATUS.OFFERED
    assert w.desk(d).do(services.accept, fourth.id).status is STATUS.BOOKED
    w.clock.advance(timedelta(minutes=120))
    w.hub.run_due()
    assert w.host.get(services.Booking, second.id).status is STATUS.LAPSED
    assert w.host.get(services.Booking, third.id).status is STATUS.OFFERED
    w.check(session)


def test_an_offer_that_has_run_out_is_not_taken_even_before_the_timer_ran(w: World) -> None:
    session = w.session(seats=1)
    a, b = w.neighbours[:2]
    first = w.desk(a).do(services.book, session.id, party=a)
    second = w.desk(b).do(services.book, session.id, party=b, wait=True)
    w.desk(a).do(services.cancel_booking, first.id)
    w.clock.advance(timedelta(minutes=120))
    with pytest.raises(services.BookingPassed, match="lapsed"):
        w.desk(b).do(services.accept, second.id)


def test_one_party_has_one_booking_a_session_and_may_book_anew_once_cancelled(w: World) -> None:
    session = w.session()
    me = w.neighbours[0]
    first = w.desk(me).do(services.book, session.id, party=me)
    with pytest.raises(services.AlreadyBooked):
        w.desk(me).do(services.book, session.id, party=me)
    w.desk(me).do(services.cancel_booking, first.id)
    assert w.desk(me).do(services.book, session.id, party=me, size=2).id != first.id
    w.check(session)


def test_nobody_books_or_cancels_for_another_and_a_host_does(w: World) -> None:
    session = w.session()
    me, other = w.neighbours[:2]
    with pytest.raises(NotAllowed):
        w.desk(other).do(services.book, session.id, party=me)
    booking = w.host.do(services.book, session.id, party=me)
    with pytest.raises(NotAllowed):
        w.desk(other).do(services.cancel_booking, booking.id)
    with pytest.raises(NotAllowed):
        w.desk(other).get(services.Booking, booking.id)


def test_after_the_start_nothing_is_booked_or_given_back(w: World) -> None:
    session = w.session()
    me, late = w.neighbours[:2]
    booking = w.desk(me).do(services.book, session.id, party=me)
    w.clock.advance(timedelta(hours=24))
    with pytest.raises(services.SessionOver):
        w.desk(late).do(services.book, session.id, party=late)
    with pytest.raises(services.SessionOver):
        w.desk(me).do(services.cancel_booking, booking.id)


def test_seats_left_empty_three_times_bar_a_party_and_a_host_lifts_it(w: World) -> None:
    me = w.neighbours[0]
    for _ in range(3):
        session = w.session(hours=3)
        w.desk(me).do(services.book, session.id, party=me)
        w.clock.advance(timedelta(hours=4))
        w.host.do(services.close_attendance, session.id)
    session = w.session()
    with pytest.raises(services.Barred):
        w.desk(me).do(services.book, session.id, party=me)
    w.host.do(services.lift_bar, party=me)
    w.desk(me).do(services.book, session.id, party=me)


def test_cancelling_after_the_cut_off_counts_as_an_absence_and_before_it_does_not(w: World) -> None:
    session = w.session(hours=5)
    a, b = w.neighbours[:2]
    early, late = (w.desk(p).do(services.book, session.id, party=p) for p in (a, b))
    assert not w.desk(a).do(services.cancel_booking, early.id).late
    w.clock.advance(timedelta(hours=3, minutes=1))
    assert w.desk(b).do(services.cancel_booking, late.id).late
    counted = w.host.find(services.Absences, limit=10)
    assert [(c.party, c.count) for c in counted] == [(b, 1)]


def test_one_who_was_counted_absent_and_came_after_all_is_put_right(w: World) -> None:
    session = w.session(hours=3)
    me = w.neighbours[0]
    booking = w.desk(me).do(services.book, session.id, party=me)
    w.clock.advance(timedelta(hours=4))
    w.host.do(services.close_attendance, session.id)
    w.host.do(services.check_in, booking.id)
    assert w.now(session).attended == 1
    assert w.host.find(services.Absences, limit=10)[0].count == 0


def test_walk_ins_take_free_seats_alone(w: World) -> None:
    session = w.session(seats=2)
    me = w.neighbours[0]
    w.desk(me).do(services.book, session.id, party=me)
    with pytest.raises(services.NotYet):
        w.host.do(services.walk_in, session.id)
    w.clock.advance(timedelta(hours=23, minutes=30))
    with pytest.raises(services.SessionFull):
        w.host.do(services.walk_in, session.id, people=2)
    assert w.host.do(services.walk_in, session.id).attended == 1


def test_from_the_start_on_a_seat_is_for_who_is_there(w: World) -> None:
    session = w.session(seats=2)
    early, late = w.neighbours[:2]
    bookings = [w.desk(party).do(services.book, session.id, party=party) for party in (early, late)]
    w.clock.advance(timedelta(hours=23, minutes=30))
    w.host.do(services.check_in, bookings[0].id)
    with pytest.raises(services.SessionFull):
        w.host.do(services.walk_in, session.id)
    w.clock.advance(timedelta(minutes=30))
    assert w.host.do(services.walk_in, session.id).attended == 2
    with pytest.raises(services.SessionFull):
        w.host.do(services.check_in, bookings[1].id)
    w.check(session)
    w.host.do(services.close_attendance, session.id)
    assert w.host.get(services.Booking, bookings[1].id).status is STATUS.ABSENT
    assert w.host.find(services.Absences, limit=10) == []  # they came too late, and left no seat empty


def test_an_offering_for_the_old_is_not_booked_by_one_known_to_be_young(w: World) -> None:
    session = w.session(w.haircuts)
    old, young = (
        w.admin.do(people.register, name=name, birth_date=born).id
        for name, born in (("老人", date(1950, 1, 1)), ("青年", date(2000, 1, 1)))
    )
    with pytest.raises(services.NotForThem) as refused:
        w.desk(young).do(services.book, session.id, party=young)
    assert "老年人" in refused.value.say("zh")
    w.desk(old).do(services.book, session.id, party=old)
    unknown = w.neighbours[0]
    w.desk(unknown).do(services.book, session.id, party=unknown)


def test_a_session_called_off_takes_its_bookings_along(w: World) -> None:
    session = w.session(seats=1)
    a, b = w.neighbours[:2]
    w.desk(a).do(services.book, session.id, party=a)
    w.desk(b).do(services.book, session.id, party=b, wait=True)
    off = w.host.do(services.cancel_session, session.id, reason="下雨")
    assert (off.taken, off.waiting, off.sequence) == (0, 0, 1)
    assert {x.status for x in w.bookings(session)} == {STATUS.CANCELLED}
    w.clock.advance(timedelta(days=2))
    with pytest.raises(services.SessionOver):
        w.accountant.do(services.settle, session.id)


def test_a_settlement_goes_by_the_agreement_in_force_when_the_session_began(w: World) -> None:
    ledger, owed, ours = fund(w)
    session = w.session(seats=4)
    w.clock.advance(timedelta(hours=25))
    w.host.do(services.walk_in, session.id, people=4)
    shares = (cc.ratio(owed.id, "0.1"), cc.rest(ours.id))
    w.accountant.do(funds.agree, ledger.id, name="瑜伽分成", agreement="合伙协议 2024-02", shares=shares)
    w.accountant.do(services.settle, session.id)
    assert w.accountant.get(funds.Account, owed.id).balance == -1_600


def test_a_settlement_is_taken_back_as_it_was_made_and_made_anew(w: World) -> None:
    _, owed, _ = fund(w)
    session = w.session(seats=4)
    w.clock.advance(timedelta(hours=25))
    w.host.do(services.walk_in, session.id, people=4)
    w.accountant.do(services.settle, session.id)
    with pytest.raises(services.AttendanceShut):
        w.host.do(services.walk_in, session.id)
    w.accountant.do(services.unsettle, session.id, reason="人数有误")
    assert w.accountant.get(funds.Account, owed.id).balance == 0
    again = w.accountant.do(services.settle, session.id, unpaid=1)
    assert again.takings == Money(3 * FEE.amount)


def test_what_is_free_is_not_settled(w: World) -> None:
    fund(w)
    session = w.session(w.haircuts)
    w.clock.advance(timedelta(hours=25))
    with pytest.raises(services.NothingToSettle):
        w.accountant.do(services.settle, session.id)
    with pytest.raises(BadValue):
        w.accountant.do(services.fund_by, w.haircuts.id, ledger=funds.LedgerId("x"), rule="瑜伽分成")


def test_outcomes_are_counted_and_name_nobody(w: World) -> None:
    for party in w.neighbours[:3]:
        w.host.do(services.record_outcome, w.yoga.id, party=party, kind=services.OutcomeKind.IN_WORK)
    w.host.do(services.record_outcome, w.yoga.id, party=w.neighbours[0], kind=services.OutcomeKind.IN_WORK)
    told = w.desk(w.neighbours[5]).ask(services.outcomes, w.yoga.id)
    assert told == ((services.OutcomeKind.IN_WORK, 3),)


def test_coverage_names_the_segments_that_nobody_serves(w: World) -> None:
    w.session(w.haircuts)
    (here,) = w.desk(w.neighbours[0]).ask(services.coverage, since=date(2024, 6, 1), until=date(2024, 6, 30))
    assert here.grid == w.grid.id
    assert dict(here.sessions)[services.Segment.ELDERLY] == 1
    assert services.Segment.CHILDREN in here.unserved
    w.session(w.yoga)
    (here,) = w.host.ask(services.coverage, since=date(2024, 6, 1), until=date(2024, 6, 30))
    assert here.unserved == ()


def test_guests_are_named_later_and_erased_with_their_host(w: World) -> None:
    session = w.session()
    me = w.neighbours[0]
    booking = w.desk(me).do(services.book, session.id, party=me, size=2)
    named = w.desk(me).do(services.name_guests, booking.id, names=("王芳", "李强"))
    assert named.names == ("王芳", "李强")
    with pytest.raises(BadValue):
        w.desk(me).do(services.name_guests, booking.id, names=("一", "二", "三"))
    w.hub.erase(cc.Ref(w.admin.jurisdiction, me), actor=w.admin.actor, reason="本人要求")
    assert w.host.get(services.Booking, booking.id).names == ()
    w.hub.verify()


def test_r24_no_hours_come_from_sessions_with_a_fee(w: World) -> None:
    w.host.do(services.register_volunteer, party=w.barber)
    paid = w.session(w.yoga)
    w.clock.advance(timedelta(hours=25))
    w.host.do(services.close_attendance, paid.id)
    with pytest.raises(services.NoHoursWhereFeesAreTaken):
        w.host.do(services.credit_hours, paid.id, party=w.barber)
    with pytest.raises(services.NoHoursWhereFeesAreTaken):
        services.VolunteerHours(
            id=services.VolunteerHoursId("x"),
            party=w.barber,
            session=paid.id,
            key="x",
            kind=services.OfferingKind.LOW_FEE,
            day=date(2024, 6, 1),
            minutes=60,
        )


def test_r24_a_volunteer_s_record_holds_service_training_awards_and_is_told_to_them_alone(w: World) -> None:
    session = w.session(w.haircuts)
    w.host.do(services.register_volunteer, party=w.barber, skills=("理发",))
    with pytest.raises(services.AttendanceOpen):
        w.host.do(services.credit_hours, session.id, party=w.barber)
    w.clock.advance(timedelta(hours=25))
    w.host.do(services.close_attendance, session.id)
    hours = w.host.do(services.credit_hours, session.id, party=w.barber, skill="理发")
    with pytest.raises(services.HoursCounted):
        w.host.do(services.credit_hours, session.id, party=w.barber)
    w.host.do(services.note_volunteer, party=w.barber, kind=services.NoteKind.AWARD, text="年度优秀志愿者")
    told = w.desk(w.barber).ask(services.certificate, party=w.barber)
    assert (told.minutes, told.sessions, told.by_year, told.skills) == (90, 1, ((2024, 90),), ("理发",))
    assert [(s.offering, s.minutes) for s in told.services] == [("义务理发", 90)]
    assert [n[2] for n in told.notes] == ["年度优秀志愿者"]
    for stranger in (w.neighbours[0],):
        with pytest.raises(NotAllowed):
            w.desk(stranger).ask(services.certificate, party=w.barber)
        with pytest.raises(NotAllowed):
            w.desk(stranger).get(services.VolunteerHours, hours.id)
    w.host.do(services.correct_hours, hours.id, minutes=60)
    assert w.desk(w.barber).ask(services.certificate, party=w.barber).minutes == 60
    w.host.do(services.correct_hours, hours.id, minutes=0)
    told = w.desk(w.barber).ask(services.certificate, party=w.barber)
    assert (told.minutes, told.sessions) == (0, 0)


def test_volunteers_take_no_fee(w: World) -> None:
    with pytest.raises(BadValue, match="fee"):
        w.host.do(
            services.offer, name="收费理发", provider=services.ProviderKind.VOLUNTEER, by=w.barber, fee=Money(100)
        )


def test_the_public_reads_no_person_in_an_offering(w: World) -> None:
    anyone = w.desk(w.neighbours[0])
    assert w.partner not in str(anyone.get(services.Offering, w.yoga.id))
    assert anyone.find(services.Provider, limit=10) == []
    assert len(w.host.find(services.Provider, limit=10)) == 2


def test_a_person_s_own_agenda_is_theirs_alone(w: World) -> None:
    session = w.session()
    me, other = w.neighbours[:2]
    booking = w.desk(me).do(services.book, session.id, party=me)
    before = w.desk(me).ask(services.my_agenda, party=me)
    assert [e.status for e in before.events] == ["CONFIRMED"]
    w.desk(me).do(services.cancel_booking, booking.id)
    after = w.desk(me).ask(services.my_agenda, party=me)
    assert [(e.uid, e.status) for e in after.events] == [(before.events[0].uid, "CANCELLED")]
    assert after.events[0].sequence > before.events[0].sequence
    with pytest.raises(NotAllowed):
        w.desk(other).ask(services.my_agenda, party=me)


def test_the_fullest_session_is_closed_in_one_command() -> None:
    w = world(neighbours=SEATS_MAX)
    session = w.session(seats=SEATS_MAX)
    booked = w.host.do_many([services.book.call(session.id, party=party) for party in w.neighbours])
    assert all(one.get().status is STATUS.BOOKED for one in booked)
    w.clock.advance(timedelta(hours=25))
    w.host.do(services.close_attendance, session.id)
    assert len(w.host.find(services.Absences, limit=1_000)) == SEATS_MAX
