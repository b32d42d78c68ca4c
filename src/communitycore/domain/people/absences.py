"""Absences: who is away from a duty, until when, and who stands in."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from communitycore.domain.people.tenures import (
    Absence,
    AbsenceOverlaps,
    NotAbsent,
    OfficerConcern,
    Tenure,
    TenureId,
    check_stand_in,
    cut_off,
    end_grants,
    in_office,
    new_grant,
    span,
)
from communitycore.domain.roles import GRID_OFFICER
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.rules import own, role
from communitycore.kernel.view import View


@command("people.set_absent", may=role(ADMINISTRATOR))
def set_absent(
    view: View, tenure_id: TenureId, *, since: datetime | None = None, until: datetime, stand_in: Ref | None = None
) -> Change[Tenure]:
    """Record that a holder is away from `since` (now, unless given) to `until`, and who stands in 代班.

    stand_in: the deputy by standing arrangement, unless given; they get a grant for that time alone. Nobody at all
    is a line of `audit_officers`. Raises TenureEnded, AbsenceOverlaps, StandInForSelf, PartyGone, TooYoung, BadValue.
    """
    return _away(view, in_office(view, tenure_id), since, until, stand_in)


@command("people.report_absent", may=own("tenure.holder"))
def report_absent(view: View, tenure_id: TenureId, *, since: datetime | None = None, until: datetime) -> Change[Tenure]:
    """Report oneself away; the deputy by standing arrangement stands in, since nobody hands on their own authority.

    Raises as `set_absent` does.
    """
    return _away(view, in_office(view, tenure_id), since, until, None)


@command("people.return_early", may=role(ADMINISTRATOR) | own("tenure.holder"))
def return_early(view: View, tenure_id: TenureId) -> Change[Tenure]:
    """End the absence of now, and the stand-in's grant; if none, call off the next one planned.

    Raises TenureEnded, NotAbsent.
    """
    tenure = in_office(view, tenure_id)
    ahead = sorted((a for a in tenure.absences if view.now < a.until), key=lambda a: a.since)
    if not ahead:
        raise NotAbsent(tenure=tenure.id)
    gone = ahead[0]
    others = tuple(a for a in tenure.absences if a != gone)
    absences = (*others, *cut_off((gone,), view.now))
    returned = evolve(tenure, absences=tuple(sorted(absences, key=lambda a: a.since)), warnings=())
    return step("tenure.returned", tenure, returned).also(
        *end_grants(view, () if gone.grant is None else (gone.grant,))
    )


def _away(view: View, tenure: Tenure, since: datetime | None, until: datetime, stand_in: Ref | None) -> Change[Tenure]:
    start, end = span(view, since, until)
    assert end is not None
    if end <= tenure.since or (tenure.until is not None and start >= tenure.until):
        raise BadValue(
            field="since",
            why=f"{start.isoformat()} to {end.isoformat()} lies outside the tenure",
            why_zh=f"{start.isoformat()} 至 {end.isoformat()} 不在任期之内",
        )
    for known in tenure.absences:
        if start < known.until and known.since < end:
            raise AbsenceOverlaps(tenure=tenure.id, since=known.since, until=known.until)
    deputy = stand_in or tenure.stand_in
    check_stand_in(view, tenure.holder, deputy, tenure.role)
    grant = None
    if deputy is not None:
        last = end if tenure.until is None else min(end, tenure.until)
        grant = new_grant(view, deputy, tenure.role, max(start, view.now, tenure.since), last)
    absence = Absence(start, end, deputy, None if grant is None else grant.id)
    absences = tuple(sorted((*tenure.absences, absence), key=lambda a: a.since))
    uncovered = (OfficerConcern.UNCOVERED_ABSENCE,) if deputy is None and tenure.duty == GRID_OFFICER.name else ()
    change = step("tenure.absence_set", tenure, evolve(tenure, absences=absences, warnings=uncovered))
    return change if grant is None else change.also(begin("grant.given", grant))
