"""Appointing, extending and ending tenures, with the grants that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve

from communitycore.domain.people.details import check_name
from communitycore.domain.people.homes import is_resident
from communitycore.domain.people.tenures import (
    DUTIES,
    OFFICERS_A_GRID,
    PHONE_MAX,
    TENURES_MAX,
    AlreadyServes,
    OfficerConcern,
    Tenure,
    TenureId,
    TenureStatus,
    UnknownDuty,
    check_holder,
    check_stand_in,
    cut_off,
    end_grants,
    in_office,
    is_over,
    new_grant,
    span,
    tenures_of,
)
from communitycore.domain.places import Grid, GridId, active_grid, heir_of
from communitycore.domain.roles import CLERK, GRID_OFFICER
from communitycore.kernel.change import Change, begin, many, step, unchanged
from communitycore.kernel.command import Reaction, command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import GrantId, Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR, Grant
from communitycore.kernel.query import where
from communitycore.kernel.rules import REACTION, TIMER, Role, own, role
from communitycore.kernel.view import View


@command("people.appoint", may=role(ADMINISTRATOR))
def appoint(
    view: View,
    *,
    holder: Ref,
    duty: Role,
    grid_id: GridId | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    stand_in: Ref | None = None,
    public_name: str | None = None,
    duty_phone: str | None = None,
) -> Change[Tenure]:
    """Appoint one to a duty 任命, for one grid or for the whole jurisdiction, with the grant that goes with it.

    holder: `view.ref(party)` for one from here; one from another body needs no party here. since: now, unless
    given; a date gone by is recorded, yet authorises from now on only. stand_in: the deputy by standing arrangement.
    public_name, duty_phone: to be published; only what the holder gave for that (G9).
    The grant holds in the whole jurisdiction; which grid is the tenure's matter. A third officer in a grid, or one
    who does not live here, is a warning in the result and a line of `audit_officers`, never a refusal.
    Raises UnknownDuty, NotFound, GridRetired, PartyGone, TooYoung, AlreadyServes, StandInForSelf, BadValue.
    """
    if duty not in DUTIES:
        raise UnknownDuty(duty=str(duty), duties=tuple(d.name for d in DUTIES))
    start, end = span(view, since, until)
    check_holder(view, holder, duty)
    check_stand_in(view, holder, stand_in, duty)
    if grid_id is not None:
        active_grid(view, grid_id)
    _check_free(view, holder, duty, grid_id, start, end)
    grant = new_grant(view, holder, duty, max(start, view.now), end)
    tenure = _published(
        Tenure(
            id=view.new(Tenure),
            holder=holder,
            duty=duty.name,
            grid=grid_id,
            since=start,
            until=end,
            stand_in=stand_in,
            grant=grant.id,
        ),
        view.now,
        public_name,
        duty_phone,
    )
    tenure = evolve(tenure, warnings=_warnings(view, tenure))
    change = begin("tenure.begun", tenure).also(begin("grant.given", grant))
    return change if end is None else change.at(end, lapse_tenure)


@command("people.extend_tenure", may=role(ADMINISTRATOR))
def extend_tenure(view: View, tenure_id: TenureId, *, until: datetime | None) -> Change[Tenure]:
    """Give a tenure and its grant another end, or none; a grant that was ended by itself stays ended.

    Raises TenureEnded, BadValue for an end that is not to come.
    """
    tenure = in_office(view, tenure_id)
    _, end = span(view, tenure.since, until)
    change = step("tenure.extended", tenure, evolve(tenure, until=end, warnings=()))
    change = change.cancel(lapse_tenure) if end is None else change.at(end, lapse_tenure)
    ends = {tenure.grant: end}
    for absence in tenure.absences:
        if absence.grant is not None:
            # A stand-in serves no longer than the tenure; an extension gives back what its old end had cut off.
            ends[absence.grant] = absence.until if end is None else min(absence.until, end)
    return change.also(*_regrant(view, ends))


@command("people.reassign", may=role(ADMINISTRATOR))
def reassign(view: View, tenure_id: TenureId, *, grid_id: GridId) -> Change[Tenure]:
    """Move a tenure to another grid 调整责任网格; grant, stand-in, absences and published contact go along.

    For one whose grid was split or retired, or who simply serves elsewhere from now on.
    Raises TenureEnded, NotFound, GridRetired, AlreadyServes.
    """
    tenure = in_office(view, tenure_id)
    active_grid(view, grid_id)
    if tenure.grid == grid_id:
        return unchanged(tenure)
    _check_free(view, tenure.holder, tenure.role, grid_id, tenure.since, tenure.until)
    moved = evolve(tenure, grid=grid_id)
    return step("tenure.reassigned", tenure, evolve(moved, warnings=_warnings(view, moved)))


@command("people.follow_merger", may=role(ADMINISTRATOR) | REACTION)
def follow_merger(view: View, grid_id: GridId) -> Change[tuple[Tenure, ...]]:
    """Whoever holds a duty for a grid that was merged holds it for the grid that it became.

    Runs by itself. After a split nobody can tell who takes which part: `audit_officers` names those tenures, and
    `reassign` moves them.
    """
    heir = heir_of(view, view.get(Grid, grid_id))
    if heir is None:
        return unchanged(())
    held = view.find(Tenure, where(Tenure.grid, grid_id), where(Tenure.status, TenureStatus.ACTIVE), limit=TENURES_MAX)
    return many([step("tenure.followed", tenure, evolve(tenure, grid=heir, warnings=())) for tenure in held])


@command("people.end_tenure", may=role(ADMINISTRATOR))
def end_tenure(view: View, tenure_id: TenureId) -> Change[Tenure]:
    """End a tenure now 卸任, with its grant and those of its stand-ins.

    A grid left without an officer is a warning in the result. Raises TenureEnded.
    """
    tenure = in_office(view, tenure_id)
    ended = evolve(
        tenure,
        until=view.now,
        status=TenureStatus.ENDED,
        absences=cut_off(tenure.absences, view.now),
        warnings=_left_behind(view, tenure),
    )
    grants = (tenure.grant, *(a.grant for a in tenure.absences if a.grant is not None))
    return step("tenure.ended", tenure, ended).also(*end_grants(view, grants))


@command("people.lapse_tenure", may=TIMER)
def lapse_tenure(view: View, tenure_id: TenureId) -> Change[Tenure]:
    """Make visible that a tenure's time is over; its grant has lapsed by itself."""
    tenure = view.get(Tenure, tenure_id)
    return step("tenure.ended", tenure, evolve(tenure, status=TenureStatus.ENDED, warnings=_left_behind(view, tenure)))


@command("people.publish_contact", may=role(ADMINISTRATOR, CLERK) | own("tenure.holder"))
def publish_contact(
    view: View, tenure_id: TenureId, *, public_name: str | None, duty_phone: str | None
) -> Change[Tenure]:
    """Set what the holder gives for publication, in place of what was given before; None takes it back.

    Raises TenureEnded, BadValue.
    """
    tenure = in_office(view, tenure_id)
    return step("tenure.contact_given", tenure, _published(tenure, view.now, public_name, duty_phone))


def _check_free(
    view: View, holder: Ref, duty: Role, grid: GridId | None, start: datetime, end: datetime | None
) -> None:
    for held in tenures_of(view, holder):
        same = held.duty == duty.name and held.grid == grid
        if same and (held.until is None or start < held.until) and (end is None or held.since < end):
            raise AlreadyServes(holder=str(holder), tenure=held.id)


def _regrant(view: View, ends: Mapping[GrantId, datetime | None]) -> list[Change[Grant]]:
    """Give grants that are not over another end."""
    grants = [view.get(Grant, id) for id in ends]
    return [
        step("grant.extended", grant, evolve(grant, until=ends[grant.id]))
        for grant in grants
        if not is_over(grant, view.now) and grant.until != ends[grant.id]
    ]


def _published(tenure: Tenure, now: datetime, public_name: str | None, duty_phone: str | None) -> Tenure:
    name, phone = check_name(public_name), _check_phone(duty_phone)
    if name is None and phone is not None:
        raise BadValue(
            field="public_name",
            why="a phone is published beside a name; give the name too, or neither",
            why_zh="公示电话须同时公示姓名，请一并填写或均不填",
        )
    given = None if name is None else now
    return evolve(tenure, public_name=name, duty_phone=phone, given_for_publication=given, warnings=())


def _check_phone(phone: str | None) -> str | None:
    if phone is None:
        return None
    if not isinstance(phone, str) or not phone.strip() or len(phone) > PHONE_MAX:
        raise BadValue(
            field="duty_phone",
            why=f"give 1 to {PHONE_MAX} characters, or leave it out",
            why_zh=f"应为 1 至 {PHONE_MAX} 个字符，或不填",
        )
    return phone.strip()


def _officers(view: View, grid: GridId, moment: datetime) -> list[Tenure]:
    """The tenures of a grid's officers at `moment`, absent or not."""
    held = view.find(Tenure, where(Tenure.grid, grid), where(Tenure.duty, GRID_OFFICER.name), limit=TENURES_MAX)
    return [tenure for tenure in held if tenure.serves(moment)]


def _warnings(view: View, tenure: Tenure) -> tuple[OfficerConcern, ...]:
    """What an officer's appointment gives cause for."""
    if tenure.duty != GRID_OFFICER.name or tenure.grid is None:
        return ()
    warnings = []
    serving = _officers(view, tenure.grid, max(tenure.since, view.now))
    if len({tenure.holder, *(other.holder for other in serving)}) > OFFICERS_A_GRID:
        warnings.append(OfficerConcern.MORE_THAN_TWO)
    if not is_resident(view, tenure.holder):
        warnings.append(OfficerConcern.NOT_RESIDENT)
    return tuple(warnings)


def _left_behind(view: View, tenure: Tenure) -> tuple[OfficerConcern, ...]:
    """What the end of an officer's tenure gives cause for."""
    if tenure.duty != GRID_OFFICER.name or tenure.grid is None:
        return ()
    others = [other for other in _officers(view, tenure.grid, view.now) if other.id != tenure.id]
    return () if others else (OfficerConcern.NO_OFFICER,)


REACTIONS = (Reaction("people.follow_when_merged", on="grid.merged", run=follow_merger),)
