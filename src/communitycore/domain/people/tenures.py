"""Tenures: who holds which duty where, and who stands in; the rules that all commands on them share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, NewType

from attrs import evolve

from communitycore.domain.people.details import minor_of
from communitycore.domain.people.parties import STAFF, PartyGone, PartyStatus, party_of
from communitycore.domain.places import GridId, Word
from communitycore.domain.roles import (
    BY_NAME,
    CLERK,
    COMMUNITY_WORKER,
    FAMILY_DOCTOR,
    GRID_OFFICER,
    GUIDE,
    ORGANISER,
    POLICE,
    PROPERTY_STAFF,
    SUPERVISOR,
    VOLUNTEER,
)
from communitycore.kernel import times
from communitycore.kernel.change import Change, step
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.ids import GrantId, Ref
from communitycore.kernel.jurisdiction import Grant
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, LegalGround, Max, Personal, Record, record
from communitycore.kernel.rules import Role, own, role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

TenureId = NewType("TenureId", str)

DUTIES = (
    GRID_OFFICER,
    COMMUNITY_WORKER,
    PROPERTY_STAFF,
    POLICE,
    FAMILY_DOCTOR,
    VOLUNTEER,
    GUIDE,
    SUPERVISOR,
    CLERK,
    ORGANISER,
)
"""What one may be appointed to. Not administrator: that is granted by `grants.give`, and counts as no service."""

OFFICERS_A_GRID = 2
TENURES_MAX = 1_000
PHONE_MAX = 40


class TenureStatus(Word):
    """Active also while it is yet to begin."""

    ACTIVE = "active", "在任"
    ENDED = "ended", "卸任"


TENURE_STATES = States(TenureStatus, start={TenureStatus.ACTIVE}, then={TenureStatus.ACTIVE: {TenureStatus.ENDED}})


class OfficerConcern(Word):
    """What is not as it should be with a grid's officers; never a reason to refuse."""

    NO_OFFICER = "no_officer", "无网格员"
    MORE_THAN_TWO = "more_than_two", "网格员超过两名"
    NOT_RESIDENT = "not_resident", "非本辖区居民"
    ENDS_SOON = "ends_soon", "任期将满"
    UNCOVERED_ABSENCE = "uncovered_absence", "缺勤无人代班"
    NO_PUBLIC_CONTACT = "no_public_contact", "缺少公示联系方式"
    RETIRED_GRID = "retired_grid", "网格已停用"


@frozen
class Absence:
    """One is away from `since` to before `until`; `stand_in` serves in their place under `grant`."""

    since: datetime
    until: datetime
    stand_in: Ref | None = None
    grant: GrantId | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether one is away at `moment`."""
        return self.since <= moment < self.until


PUBLISHED = LegalGround(
    "a grid's officers are published with their contact while they serve (regulations of Shandong and Binzhou)",
    "在任网格员的姓名和联系方式依法公示（山东省、滨州市有关条例）",
)


def _while_serving(view: View, tenure: Tenure) -> LegalGround | None:
    """Kept while they serve, if they gave it to be published (G9)."""
    serves = tenure.status is TenureStatus.ACTIVE and (tenure.until is None or view.now < tenure.until)
    return PUBLISHED if serves and tenure.given_for_publication is not None else None


@record(
    "tenure",
    states=TENURE_STATES,
    read=role(*STAFF) | own("holder") | own("stand_in"),
    owner="holder",
    standing=True,
    keep=_while_serving,
)
@frozen(kw_only=True)
class Tenure(Record[TenureId]):
    """A duty held for one grid, or for the whole jurisdiction 任职, from `since` to before `until`.

    holder: may serve from a higher body, with no party here. stand_in: the deputy by standing arrangement (AB 角),
    for absences that name no other. grant: what authorises the holder; the tenure itself authorises nothing.
    public_name, duty_phone: given to be published (G9) at `given_for_publication`, and never taken from a profile.
    warnings: what the last step gave cause for.
    """

    holder: Indexed[Ref]
    duty: Indexed[Annotated[str, Max(40)]]
    grid: Indexed[GridId | None] = None
    since: datetime
    until: datetime | None = None
    status: Indexed[TenureStatus] = TenureStatus.ACTIVE
    stand_in: Indexed[Ref | None] = None
    absences: tuple[Absence, ...] = ()
    grant: GrantId
    public_name: Personal[Annotated[str, Max(100)] | None] = None
    duty_phone: Personal[Annotated[str, Max(PHONE_MAX)] | None] = None
    given_for_publication: datetime | None = None
    warnings: tuple[OfficerConcern, ...] = ()

    @property
    def role(self) -> Role:
        """The duty as a role."""
        return BY_NAME[self.duty]

    def serves(self, moment: datetime) -> bool:
        """Whether it is in force at `moment`, absences aside."""
        return self.since <= moment and (self.until is None or moment < self.until)

    def absence(self, moment: datetime) -> Absence | None:
        """The absence at `moment`, if any."""
        return next((absence for absence in self.absences if absence.covers(moment)), None)


class UnknownDuty(Refused):
    """Nobody is appointed to this."""

    code = "people.unknown_duty"
    en = "Nobody is appointed {duty}. Duties are: {duties}."
    zh = "不能任命 {duty}；可任命的职务：{duties}。"
    duty: str
    duties: tuple[str, ...]


class TooYoung(Refused):
    """A minor holds no duty but a volunteer's."""

    code = "people.too_young"
    en = "{holder} is under 18 and may serve as a volunteer alone. Appoint an adult."
    zh = "{holder} 未满 18 周岁，只能担任志愿者，请任命成年人。"
    holder: str


class AlreadyServes(Refused):
    """The holder has this very duty at that time."""

    code = "people.already_serves"
    en = "{holder} holds this duty there already (tenure {tenure}). Extend or end that tenure instead."
    zh = "{holder} 已在该处担任此职务（任职 {tenure}），请延期或终止该任职。"
    holder: str
    tenure: str


class TenureEnded(Refused):
    """The tenure is over."""

    code = "people.tenure_ended"
    en = "The tenure {tenure} is over. Appoint anew."
    zh = "任职 {tenure} 已终止，请重新任命。"
    tenure: str


class AbsenceOverlaps(Refused):
    """The holder is on record as away for part of that time."""

    code = "people.absence_overlaps"
    en = "The holder of {tenure} is on record as away from {since} to {until} already. Call that off first."
    zh = "任职 {tenure} 已登记 {since} 至 {until} 缺勤，请先取消。"
    tenure: str
    since: datetime
    until: datetime


class NotAbsent(Refused):
    """There is no absence, now or planned."""

    code = "people.not_absent"
    en = "The holder of {tenure} is neither away nor planned to be."
    zh = "任职 {tenure} 当前及今后均无缺勤登记。"
    tenure: str


class StandInForSelf(Refused):
    """Nobody stands in for themselves."""

    code = "people.stand_in_for_self"
    en = "{holder} cannot stand in for themselves. Name another, or nobody."
    zh = "{holder} 不能代理自己的职务，请另选他人或留空。"
    holder: str


def tenures_of(view: View, holder: Ref) -> list[Tenure]:
    """The tenures that `holder` has here, now or to come."""
    held = view.find(Tenure, where(Tenure.holder, holder), where(Tenure.status, TenureStatus.ACTIVE), limit=TENURES_MAX)
    return [tenure for tenure in held if tenure.until is None or view.now < tenure.until]


def in_office(view: View, tenure_id: TenureId) -> Tenure:
    """The tenure, which is not over. Raises NotFound, TenureEnded."""
    tenure = view.get(Tenure, tenure_id)
    if tenure.status is TenureStatus.ENDED or (tenure.until is not None and tenure.until <= view.now):
        raise TenureEnded(tenure=tenure.id)
    return tenure


def span(view: View, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime | None]:
    """A stretch of time that is not over. Raises BadValue."""
    start = view.now if since is None else times.aware(since, "since")
    end = None if until is None else times.aware(until, "until")
    if end is not None and (end <= start or end <= view.now):
        raise BadValue(
            field="until",
            why=f"{end.isoformat()} is not after its beginning and after now",
            why_zh=f"{end.isoformat()} 应晚于开始时间和当前时间",
        )
    return start, end


def check_holder(view: View, ref: Ref, duty: Role) -> None:
    """Raises NotFound for an unknown party of this jurisdiction, PartyGone, TooYoung."""
    party = party_of(view, ref)
    if party is None:
        return
    if party.status is not PartyStatus.ACTIVE:
        raise PartyGone(party=party.id, status=str(party.status))
    if duty != VOLUNTEER and minor_of(view, party.id) is not None:
        raise TooYoung(holder=str(ref))


def check_stand_in(view: View, holder: Ref, stand_in: Ref | None, duty: Role) -> None:
    """Raises StandInForSelf, and what check_holder raises."""
    if stand_in is None:
        return
    if stand_in == holder:
        raise StandInForSelf(holder=str(holder))
    check_holder(view, stand_in, duty)


def new_grant(view: View, holder: Ref, duty: Role, since: datetime, until: datetime | None) -> Grant:
    """The grant that goes with a duty, for the whole jurisdiction."""
    return Grant(id=view.new(Grant), holder=holder, role=duty.name, since=since, until=until)


def end_grants(view: View, grants: Iterable[GrantId]) -> list[Change[Grant]]:
    """End those of the grants that are not over; an administrator may have ended one by itself."""
    held = [view.get(Grant, grant) for grant in grants]
    return [step("grant.ended", grant, evolve(grant, until=view.now)) for grant in held if not is_over(grant, view.now)]


def is_over(grant: Grant, now: datetime) -> bool:
    """Whether a grant has ended."""
    return grant.until is not None and grant.until <= now


def cut_off(absences: tuple[Absence, ...], now: datetime) -> tuple[Absence, ...]:
    """The absences as they were until `now`: one under way ends, those to come are dropped."""
    return tuple(a if a.until <= now else evolve(a, until=now) for a in absences if a.since < now)
