"""What a person asks of services: a calendar to subscribe to, and where nobody is served."""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta

from communitycore.cli import DONE
from communitycore.cli.output import Output
from communitycore.cli.verbs import Usage, desk_of, open_hub, write_text
from communitycore.domain import services
from communitycore.domain.people import PartyId
from communitycore.domain.places import VenueId
from communitycore.domain.services import OfferingId, Segment
from communitycore.formats.icalendar import icalendar
from communitycore.hub.desk import Desk
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.times import system_clock

AHEAD = timedelta(days=60)
BACK = timedelta(days=30)


def calendar(given: argparse.Namespace, out: Output) -> int:
    """A venue's, an offering's or a person's sessions as iCalendar text: to a file, or to standard output."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        if given.party is not None:
            agenda = desk.ask(services.my_agenda, party=PartyId(given.party))
        else:
            since, until = _days(given, desk, BACK)
            venue = None if given.venue is None else VenueId(given.venue)
            offering = None if given.offering is None else OfferingId(given.offering)
            agenda = desk.ask(services.agenda, since=since, until=until, venue=venue, offering=offering)
    text = "".join(icalendar(agenda))
    told = {"name": agenda.name, "zone": agenda.zone, "events": len(agenda.events)}
    if given.output is not None:
        write_text(given.output, text)
        out.result({**told, "file": given.output})
        out.say(
            f"{len(agenda.events)} sessions are in {given.output}; any calendar program opens it.",
            f"{len(agenda.events)} 个场次已写入 {given.output}，可用任意日历软件打开。",
        )
    elif given.json:
        out.result({**told, "icalendar": text})
    else:
        sys.stdout.write(text)
    return DONE


def coverage(given: argparse.Namespace, out: Output) -> int:
    """How many sessions each grid has for whom, and whom nobody serves there."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        since, until = _days(given, desk, timedelta())
        told = desk.ask(services.coverage, since=since, until=until)
    out.result(
        [
            {
                "grid": line.grid,
                "name": line.name,
                "sessions": {segment.value: count for segment, count in line.sessions},
                "unserved": [segment.value for segment in line.unserved],
            }
            for line in told
        ]
    )
    zh = out.language == "zh"
    nowhere = out.pick("in no grid", "不在网格内")
    rows = [[line.name or nowhere, *(str(count or "—") for _, count in line.sessions)] for line in told]
    columns = [out.pick("grid", "网格"), *(segment.zh if zh else segment.value for segment in Segment)]
    out.table(out.pick(f"Sessions from {since} to {until}", f"{since} 至 {until} 的服务场次"), columns, rows)
    bare = sum(len(line.unserved) for line in told)
    out.say(
        f"{bare} segments of grids have no session (—)." if bare else "Every segment is served in every grid.",
        f"共有 {bare} 个“网格—人群”没有任何服务（—）。" if bare else "各网格各类人群均有服务。",
    )
    return DONE


def _days(given: argparse.Namespace, desk: Desk, back: timedelta) -> tuple[date, date]:
    """From when until when; from some days back to sixty ahead if left out. Raises Usage."""
    today = desk.get(Jurisdiction, desk.jurisdiction).day(system_clock())
    since = given.since or today - back
    until = given.until or since + back + AHEAD
    if until < since:
        raise Usage(f"--until {until} is before --since {since}", f"--until {until} 早于 --since {since}")
    return since, until
