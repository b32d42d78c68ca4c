"""iCalendar text is what other programs read: held against two of them, and against the zones' own rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar as theirs
import vobject
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.services_world import world

from communitycore import services
from communitycore.domain.services import Agenda, Event, EventStatus
from communitycore.formats.icalendar import icalendar

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=120)
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Africa/Casablanca"]


@st.composite
def agendas(draw: st.DrawFn) -> Agenda:
    events = []
    for n in range(draw(st.integers(1, 4))):
        starts = draw(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))).replace(microsecond=0, tzinfo=UTC)
        event = Event(
            uid=f"{n}@x",
            sequence=draw(st.integers(0, 9)),
            stamp=starts - timedelta(days=1),
            starts=starts,
            ends=starts + timedelta(minutes=draw(st.integers(1, 600))),
            title=draw(WORDS),
            text=draw(WORDS),
            place=draw(WORDS),
            at=(36.98, 117.01),
            status=draw(st.sampled_from(EventStatus)),
        )
        events.append(event)
    return Agenda(draw(WORDS), draw(st.sampled_from(ZONES)), tuple(events))


def plain(text: str) -> str:
    return "".join(c for c in text if c in "\n\t" or (c >= " " and c != "\x7f"))


@given(agendas())
def test_another_program_reads_every_event_as_it_was(agenda: Agenda) -> None:
    text = "".join(icalendar(agenda))
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    read = theirs.Calendar.from_ical(text.encode())
    events = read.walk("VEVENT")
    assert [str(e["UID"]) for e in events] == [e.uid for e in agenda.events]
    for event, other in zip(agenda.events, events, strict=True):
        assert other["DTSTART"].dt.replace(tzinfo=None) == event.starts.astimezone(ZoneInfo(agenda.zone)).replace(
            tzinfo=None
        )
        assert other["DTEND"].dt.replace(tzinfo=None) == event.ends.astimezone(ZoneInfo(agenda.zone)).replace(
            tzinfo=None
        )
        assert str(other["SUMMARY"]) == plain(event.title)
        assert str(other["LOCATION"]) == plain(event.place)
        assert int(other["SEQUENCE"]) == event.sequence
        assert str(other["STATUS"]) == event.status.value
    (zone,) = read.walk("VTIMEZONE")
    told = zone.to_tz()
    for event in agenda.events:
        local = event.starts.astimezone(ZoneInfo(agenda.zone))
        if local.replace(fold=1).utcoffset() == local.replace(fold=0).utcoffset():  # an hour that is twice says nothing
            assert local.replace(tzinfo=told).utcoffset() == local.utcoffset()


def test_vobject_reads_what_a_venue_offers_and_what_was_called_off() -> None:
    w = world()
    series = w.series()
    first = w.sessions(series)[0]
    w.host.do(services.cancel_session, first.id, reason="下雨，改期; 请谅解")
    agenda = w.desk(w.neighbours[0]).ask(
        services.agenda, venue=w.hall.id, since=date(2024, 6, 1), until=date(2024, 6, 30)
    )
    read = vobject.readOne("".join(icalendar(agenda)))
    events = read.contents["vevent"]
    assert len(events) == 8
    assert events[0].status.value == "CANCELLED"
    assert events[0].sequence.value == "1"
    assert "下雨，改期; 请谅解" in events[0].description.value
    assert events[1].dtstart.value.astimezone(UTC) == datetime(2024, 6, 6, 11, tzinfo=UTC)
    assert all(e.dtend.value > e.dtstart.value for e in events)
    assert len({e.uid.value for e in events}) == 8
