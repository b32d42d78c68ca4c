"""Volunteers 志愿者: their record, hours from free sessions alone, and a certificate free of charge (R24)."""

from __future__ import annotations

from collections import Counter
from datetime import date

from attrs import evolve

from communitycore.domain.people import PartyId, PartyKind, active_party
from communitycore.domain.people.age import today
from communitycore.domain.places.words import check_name
from communitycore.domain.services.errors import AttendanceOpen, HoursCounted, NoVolunteer
from communitycore.domain.services.records import (
    HOSTS,
    NoteKind,
    Offering,
    Session,
    SessionId,
    SessionStatus,
    Volunteer,
    VolunteerHours,
    VolunteerHoursId,
    VolunteerNote,
)
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where
from communitycore.kernel.rules import own
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

SKILLS_MAX = 20


@command("services.register_volunteer", may=own("party") | HOSTS)
def register_volunteer(view: View, *, party: PartyId, skills: tuple[str, ...] = ()) -> Change[Volunteer]:
    """Keep a volunteer's record 登记志愿者, or bring its skills 技能 up to date. Raises PartyGone, BadValue."""
    if active_party(view, party).kind is not PartyKind.PERSON:
        raise BadValue(field="party", why="a volunteer is a person", why_zh="志愿者须为自然人")
    if len(skills) > SKILLS_MAX or any(not s.strip() or len(s) > 80 for s in skills):
        raise BadValue(
            field="skills",
            why=f"give at most {SKILLS_MAX}, none blank or longer than 80 characters",
            why_zh=f"最多 {SKILLS_MAX} 项，不得为空或超过 80 字",
        )
    known = view.one(Volunteer, where(Volunteer.party, party))
    kept = tuple(dict.fromkeys(skill.strip() for skill in skills))
    if known is None:
        new = Volunteer(id=view.new(Volunteer), party=party, since=today(view), skills=kept)
        return begin("volunteer.registered", new)
    return step("volunteer.skilled", known, evolve(known, skills=kept))


@command("services.credit_hours", may=HOSTS)
def credit_hours(
    view: View, session_id: SessionId, *, party: PartyId, minutes: int | None = None, skill: str | None = None
) -> Change[VolunteerHours]:
    """Note service at a free session 登记服务时长, once its attendance is closed. minutes: None: all of it.

    Raises NoHoursWhereFeesAreTaken, NoVolunteer, AttendanceOpen, HoursCounted, BadValue.
    """
    session = view.get(Session, session_id)
    volunteer = _volunteer(view, party)
    if session.status not in (SessionStatus.HELD, SessionStatus.SETTLED):
        raise AttendanceOpen(session=session.id)
    key = f"{session.id}/{party}"
    known = view.one(VolunteerHours, where(VolunteerHours.key, key))
    if known is not None:
        raise HoursCounted(hours=known.id)
    most = int((session.ends - session.starts).total_seconds()) // 60
    served = most if minutes is None else minutes
    if type(served) is not int or not 1 <= served <= most:
        raise BadValue(
            field="minutes", why=f"{served} is not between 1 and {most}", why_zh=f"{served} 不在 1 至 {most} 之间"
        )
    hours = VolunteerHours(
        id=view.new(VolunteerHours),
        party=party,
        session=session.id,
        key=key,
        kind=view.get(Offering, session.offering).kind,
        day=view.get(Jurisdiction, view.jurisdiction).day(session.starts),
        minutes=served,
        skill=None if skill is None else check_name(skill),
    )
    more = evolve(volunteer, minutes=volunteer.minutes + served, sessions=volunteer.sessions + 1)
    return begin("hours.credited", hours).also(step("volunteer.served", volunteer, more))


@command("services.note_volunteer", may=HOSTS)
def note_volunteer(
    view: View, *, party: PartyId, kind: NoteKind, text: str, day: date | None = None
) -> Change[VolunteerNote]:
    """Note a training, an award or an evaluation 登记培训、表彰、评价. Raises NoVolunteer, BadValue."""
    _volunteer(view, party)
    on = day or today(view)
    if on > today(view):
        raise BadValue(field="day", why=f"{on} is still to come", why_zh=f"{on} 尚未到来")
    noted = VolunteerNote(id=view.new(VolunteerNote), party=party, kind=kind, day=on, text=check_name(text))
    return begin("volunteer.noted", noted)


@frozen
class Service:
    """Service at one session, as a certificate lists it."""

    day: date
    offering: str
    minutes: int
    skill: str | None


@frozen
class Certificate:
    """Proof of volunteer service 志愿服务记录证明. by_year: minutes. services: the latest first, at most 200 of them.

    Nobody's name is in it: who prints it reads the person's own record for that, as far as they may.
    """

    party: PartyId
    since: date
    minutes: int
    sessions: int
    by_year: tuple[tuple[int, int], ...]
    skills: tuple[str, ...]
    services: tuple[Service, ...]
    notes: tuple[tuple[NoteKind, date, str | None], ...]


LISTED = 200


@read("services.certificate", may=own("party") | HOSTS)
def certificate(view: View, *, party: PartyId) -> Certificate:
    """What a volunteer did, free of charge and for them alone (R24). Raises NoVolunteer."""
    volunteer = _volunteer(view, party)
    years: Counter[int] = Counter()
    latest: list[VolunteerHours] = []
    last: VolunteerHours | None = None
    theirs = where(VolunteerHours.party, party)
    while page := view.find(VolunteerHours, theirs, limit=500, order=VolunteerHours.day, descending=True, after=last):
        for hours in page:
            years[hours.day.year] += hours.minutes
        latest += page[: LISTED - len(latest)]
        last = page[-1]
    notes = view.find(
        VolunteerNote, where(VolunteerNote.party, party), limit=LISTED, order=VolunteerNote.day, descending=True
    )
    return Certificate(
        party=party,
        since=volunteer.since,
        minutes=volunteer.minutes,
        sessions=volunteer.sessions,
        by_year=tuple(sorted(years.items())),
        skills=volunteer.skills,
        services=tuple(
            Service(h.day, view.get(Offering, view.get(Session, h.session).offering).name, h.minutes, h.skill)
            for h in latest
        ),
        notes=tuple((n.kind, n.day, n.text) for n in notes),
    )


def _volunteer(view: View, party: PartyId) -> Volunteer:
    found = view.one(Volunteer, where(Volunteer.party, party))
    if found is None:
        raise NoVolunteer(party=party)
    return found


@command("services.correct_hours", may=HOSTS)
def correct_hours(view: View, hours_id: VolunteerHoursId, *, minutes: int) -> Change[VolunteerHours]:
    """Correct service that was noted wrongly 更正服务时长. minutes: what it was indeed; 0 for none. Raises BadValue."""
    hours = view.get(VolunteerHours, hours_id)
    session = view.get(Session, hours.session)
    most = int((session.ends - session.starts).total_seconds()) // 60
    if type(minutes) is not int or not 0 <= minutes <= most:
        raise BadValue(
            field="minutes", why=f"{minutes} is not between 0 and {most}", why_zh=f"{minutes} 不在 0 至 {most} 之间"
        )
    volunteer = _volunteer(view, hours.party)
    gone = int(not minutes) - int(not hours.minutes)
    right = evolve(volunteer, minutes=volunteer.minutes - hours.minutes + minutes, sessions=volunteer.sessions - gone)
    corrected = step("hours.corrected", hours, evolve(hours, minutes=minutes))
    return corrected.also(step("volunteer.served", volunteer, right))
