"""Series: local time across daylight saving, and changes that touch only what nobody has booked."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.services_world import World, world

from communitycore import services
from communitycore.domain.services.recurring import check_rule, days, moment
from communitycore.kernel.errors import BadValue


@pytest.fixture
def w() -> World:
    return world()


def shown(w: World, series: services.Series) -> list[str]:
    zone = ZoneInfo(series.zone)
    alive = [s for s in w.sessions(series) if s.status is not services.SessionStatus.CANCELLED]
    return [f"{s.starts.astimezone(zone):%m-%d %H:%M}" for s in alive]


def test_a_series_stands_sixty_days_ahead_and_grows_by_itself(w: World) -> None:
    series = w.series()
    assert shown(w, series)[:3] == ["06-04 19:00", "06-06 19:00", "06-11 19:00"]
    before = len(shown(w, series))
    w.clock.advance(timedelta(days=14))
    w.hub.run_due()
    assert len(shown(w, series)) > before
    assert w.hub.run_due() == 0
    w.hub.verify()


def test_local_time_stays_while_clocks_change() -> None:
    w = world(zone="Europe/Berlin")
    w.clock.advance(timedelta(days=130))  # the 9th of October; clocks go back on the 27th
    series = w.series(rule="FREQ=WEEKLY;BYDAY=SU", first=date(2024, 10, 13))
    assert {text[-5:] for text in shown(w, series)} == {"19:00"}
    hours = {s.starts.hour for s in w.sessions(series)}
    assert hours == {17, 18}  # UTC


def test_an_hour_that_is_not_there_is_held_an_hour_later_and_one_that_is_twice_the_first_time() -> None:
    assert moment(date(2024, 3, 31), "02:30", "Europe/Berlin").isoformat() == "2024-03-31T01:30:00+00:00"
    assert moment(date(2024, 10, 27), "02:30", "Europe/Berlin").isoformat() == "2024-10-27T00:30:00+00:00"


def test_a_change_moves_what_is_empty_and_leaves_what_is_booked(w: World) -> None:
    series = w.series()
    booked, empty = w.sessions(series)[:2]
    me = w.neighbours[0]
    w.desk(me).do(services.book, booked.id, party=me)
    w.host.do(services.change_series, series.id, since=date(2024, 6, 4), clock="20:00")
    assert shown(w, series)[:3] == ["06-04 19:00", "06-06 20:00", "06-11 20:00"]
    moved = w.now(empty)
    assert (moved.id, moved.sequence) == (empty.id, 1)
    assert w.now(booked) == booked or w.now(booked).starts == booked.starts


def test_another_rule_cancels_the_days_it_leaves_out_and_keeps_booked_ones(w: World) -> None:
    series = w.series()
    tuesday, thursday, next_tuesday = w.sessions(series)[:3]
    me = w.neighbours[0]
    w.desk(me).do(services.book, tuesday.id, party=me)
    w.host.do(services.change_series, series.id, since=date(2024, 6, 5), rule="FREQ=WEEKLY;BYDAY=WE")
    assert shown(w, series)[:3] == ["06-04 19:00", "06-05 19:00", "06-12 19:00"]
    assert w.now(thursday).status is services.SessionStatus.CANCELLED
    assert w.now(next_tuesday).status is services.SessionStatus.CANCELLED


def test_a_room_is_not_given_twice_and_a_square_is_shared(w: World) -> None:
    w.series()
    with pytest.raises(services.VenueTaken) as refused:
        w.series(clock="20:00", rule="FREQ=DAILY")
    assert refused.value.venue == "活动室"
    w.series(clock="20:30", rule="FREQ=DAILY")
    w.series(venue=w.square.id)
    w.series(venue=w.square.id)


def test_ending_a_series_keeps_the_sessions_that_are_booked(w: World) -> None:
    series = w.series()
    first = w.sessions(series)[0]
    me = w.neighbours[0]
    w.desk(me).do(services.book, first.id, party=me)
    w.host.do(services.end_series, series.id)
    assert shown(w, series) == ["06-04 19:00"]
    with pytest.raises(services.SeriesOver):
        w.host.do(services.change_series, series.id, since=date(2024, 6, 5), clock="20:00")
    w.clock.advance(timedelta(days=30))
    w.hub.run_due()
    assert shown(w, series) == ["06-04 19:00"]


def test_days_left_out_and_a_last_day_are_kept(w: World) -> None:
    series = w.series(except_days=(date(2024, 6, 6),), until=date(2024, 6, 13))
    assert [text[:5] for text in shown(w, series)] == ["06-04", "06-11", "06-13"]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "weekly",
        "FREQ=HOURLY",
        "FREQ=SECONDLY;INTERVAL=1",
        "FREQ=WEEKLY;FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;UNTIL=20240701",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=WE",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=WEEKLY;BYDAY=TU\nDTSTART:20240101",
        "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=9",
    ],
)
def test_a_rule_that_is_none_or_does_not_name_the_first_day_is_refused(w: World, rule: str) -> None:
    with pytest.raises(BadValue, match="rule"):
        w.series(rule=rule)


@given(
    st.sampled_from(["FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=MONTHLY", "FREQ=WEEKLY;INTERVAL=2"]),
    st.dates(date(2024, 1, 1), date(2024, 1, 28)),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_days_in_two_parts_are_the_days_in_one(rule: str, first: date, length: int, cut: int) -> None:
    check_rule(rule, first)
    end, middle = first + timedelta(days=length + cut), first + timedelta(days=cut)
    whole = days(rule, first, since=first, until=end)
    parts = days(rule, first, since=first, until=middle) + days(
        rule, first, since=middle + timedelta(days=1), until=end
    )
    assert parts == whole
    assert whole[0] == first


def test_no_session_is_planned_where_time_has_gone_by(w: World) -> None:
    late = w.clock() - timedelta(hours=1)
    with pytest.raises(BadValue, match="gone by"):
        w.host.do(services.plan_session, w.yoga.id, venue=w.square.id, starts=late, minutes=60, seats=5)


def test_days_that_are_none_or_too_far_away_are_refused(w: World) -> None:
    series = w.series()
    for first in (date(2024, 5, 31), date(2026, 6, 4), w.clock()):
        with pytest.raises(BadValue, match="first"):
            w.series(first=first)
    with pytest.raises(BadValue, match="since"):
        w.host.do(services.change_series, series.id, since=date(2025, 6, 4), clock="20:00")
    with pytest.raises(BadValue, match="starts"):
        w.host.do(
            services.plan_session,
            w.yoga.id,
            venue=w.square.id,
            starts=w.clock().replace(tzinfo=None),
            minutes=60,
            seats=5,
        )


def test_a_change_on_the_last_day_planned_leaves_no_day_out(w: World) -> None:
    series = w.series(rule="FREQ=DAILY")
    last = series.planned_until
    w.host.do(services.change_series, series.id, since=last, clock="20:00")
    w.clock.advance(timedelta(days=8))
    w.hub.run_due()
    zone = ZoneInfo(series.zone)
    told = [s.starts.astimezone(zone).date() for s in w.sessions(series)]
    assert told == [date(2024, 6, 4) + timedelta(days=n) for n in range(len(told))]
    assert told[-1] > last
