"""iCalendar (RFC 5545) as text: a calendar of sessions that any calendar program subscribes to.

Lines end in CR LF and are folded at 75 octets, never inside a character. Times are local, with the rules of their zone
(VTIMEZONE) told for the years that are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from communitycore.domain.services import Agenda, Event
from communitycore.kernel.jurisdiction import zone_of

FOLD = 75
PRODUCT = "-//communitycore//services//EN"


def icalendar(agenda: Agenda) -> Iterator[str]:
    """The calendar's text, line by line; a stopped session stays in it as CANCELLED, so that copies learn of it."""
    for line in _lines(agenda):
        yield _folded(line)


def _lines(agenda: Agenda) -> Iterator[str]:
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN")
    if agenda.name:
        yield f"X-WR-CALNAME:{_text(agenda.name)}"
    if agenda.events:
        first, last = min(e.starts for e in agenda.events), max(e.ends for e in agenda.events)
        yield from _zone(agenda.zone, first, last)
    for event in agenda.events:
        yield from _event(event, agenda.zone)
    yield "END:VCALENDAR"


def _event(event: Event, zone: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{_utc(event.stamp)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTART;TZID={zone}:{_local(event.starts, zone)}"
    yield f"DTEND;TZID={zone}:{_local(event.ends, zone)}"
    yield f"SUMMARY:{_text(event.title)}"
    if event.text:
        yield f"DESCRIPTION:{_text(event.text)}"
    yield f"LOCATION:{_text(event.place)}"
    latitude, longitude = event.at
    yield f"GEO:{latitude:.6f};{longitude:.6f}"
    yield f"STATUS:{event.status.value}"
    if event.status.value == "CANCELLED":
        yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _zone(name: str, first: datetime, last: datetime) -> Iterator[str]:
    """The zone's offsets from the one in force before `first` to `last`, each from the moment on that it begins."""
    yield from ("BEGIN:VTIMEZONE", f"TZID:{name}")
    zone = zone_of(name)
    at = first - timedelta(days=1)
    before = _offset(zone, at)
    yield from _observance(zone, datetime(1970, 1, 1, tzinfo=UTC), before, at)
    while at < last:
        later = min(at + timedelta(days=7), last + timedelta(seconds=1))
        if _offset(zone, later) != before or _is_summer(zone, later) != _is_summer(zone, at):
            change = _change(zone, at, later)
            yield from _observance(zone, change, before, change)
            before = _offset(zone, change)
            at = change
        else:
            at = later
    yield "END:VTIMEZONE"


def _observance(zone: tzinfo, begins: datetime, before: timedelta, at: datetime) -> Iterator[str]:
    kind = "DAYLIGHT" if _is_summer(zone, at) else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{(begins + before).astimezone(UTC):%Y%m%dT%H%M%S}"
    yield f"TZOFFSETFROM:{_sign(before)}"
    yield f"TZOFFSETTO:{_sign(_offset(zone, at))}"
    yield f"TZNAME:{at.astimezone(zone).tzname()}"
    yield f"END:{kind}"


def _change(zone: tzinfo, low: datetime, high: datetime) -> datetime:
    """The first second between both at which the zone's offset is another."""
    was = (_offset(zone, low), _is_summer(zone, low))
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle <= low:
            break
        if (_offset(zone, middle), _is_summer(zone, middle)) == was:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _is_summer(zone: tzinfo, at: datetime) -> bool:
    return bool(at.astimezone(zone).dst())


def _sign(offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{minutes:02}" + (f"{left:02}" if left else "")


def _local(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(zone_of(zone)):%Y%m%dT%H%M%S}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """TEXT as RFC 5545 §3.3.11 has it; control characters, which it has no way to write, are left out."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in lines if c == "\n" or c == "\t" or (c >= " " and c != "\x7f"))
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _folded(line: str) -> str:
    """The line with its end, at most 75 octets a piece (§3.1)."""
    pieces, size, start = [], 0, 0
    for n, character in enumerate(line):
        octets = len(character.encode())
        if size + octets > FOLD:
            pieces.append(line[start:n])
            start, size = n, 1  # the blank that a continuation begins with
        size += octets
    pieces.append(line[start:])
    return "\r\n ".join(pieces) + "\r\n"
