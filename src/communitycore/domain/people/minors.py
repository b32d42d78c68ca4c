"""How staff read a minor's record (R16): asked for with a reason, approved by another, each reading noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, NewType

from attrs import evolve

from communitycore.domain.people.details import MinorProfile, NotAMinor, minor_of
from communitycore.domain.people.parties import PartyId
from communitycore.domain.places import Word
from communitycore.domain.roles import (
    CLERK,
    COMMUNITY_WORKER,
    FAMILY_DOCTOR,
    GRID_OFFICER,
    ORGANISER,
    POLICE,
    SUPERVISOR,
)
from communitycore.kernel.change import Change, begin, note, step, unchanged
from communitycore.kernel.command import Fold, command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Max, Personal, Record, record
from communitycore.kernel.rules import TIMER, own, role
from communitycore.kernel.shape import check_text
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

MinorAccessId = NewType("MinorAccessId", str)

ASKERS = (CLERK, COMMUNITY_WORKER, GRID_OFFICER, FAMILY_DOCTOR, POLICE, ORGANISER)
APPROVERS = (SUPERVISOR, ADMINISTRATOR)

REQUEST_LASTS = timedelta(days=7)
ACCESS_LASTS = timedelta(hours=24)
"""How long an approved access may be used. The law asks for approval and minimal rights, not for a number."""

REASON_MAX = 200


class AccessStatus(Word):
    """Lapsed: unanswered, run out, or ended early."""

    REQUESTED = "requested", "申请"
    APPROVED = "approved", "批准"
    DECLINED = "declined", "驳回"
    LAPSED = "lapsed", "失效"


ACCESS_STATES = States(
    AccessStatus,
    start={AccessStatus.REQUESTED},
    then={
        AccessStatus.REQUESTED: {AccessStatus.APPROVED, AccessStatus.DECLINED, AccessStatus.LAPSED},
        AccessStatus.APPROVED: {AccessStatus.LAPSED},
    },
)


@record("minor_access", states=ACCESS_STATES, read=role(*APPROVERS) | own("staff"), owner="child")
@frozen(kw_only=True)
class MinorAccess(Record[MinorAccessId]):
    """One staff member's access to one child's record 未成年人信息访问审批.

    reason: personal, since what a person writes freely may name the child. until: when it lapses.
    approver: who approved or declined it.
    """

    child: Indexed[PartyId]
    staff: Indexed[Ref]
    reason: Personal[Annotated[str, Max(REASON_MAX)] | None]
    until: datetime
    status: Indexed[AccessStatus] = AccessStatus.REQUESTED
    approver: Ref | None = None


class ReasonNeeded(Refused):
    """No reason was given."""

    code = "people.reason_needed"
    en = "Reading a minor's record needs a reason. Say in a few words what it is for."
    zh = "查阅未成年人信息须说明理由，请简要填写用途。"


class PersonalReason(Refused):
    """The reason holds personal data, which the journal would keep for ever."""

    code = "people.personal_reason"
    en = "The reason seems to hold a name, a number or an address. State the purpose alone; it is kept for ever."
    zh = "理由中似乎含有姓名、号码或地址。请只写用途，该记录将永久保存。"


class OwnApproval(Refused):
    """Nobody approves their own access."""

    code = "people.own_approval"
    en = "Nobody decides on their own access to a minor's record. Ask another who may approve it."
    zh = "不得审批本人提出的未成年人信息查阅申请，请由他人审批。"


class AccessNeeded(Refused):
    """The actor has no approved access in force."""

    code = "people.access_needed"
    en = "There is no approved access to {party}'s record in force for you. Request one and have it approved."
    zh = "您当前没有经批准且有效的查阅权限（主体 {party}），请先申请并获得批准。"
    party: str


class AlreadyDecided(Refused):
    """The request was approved, declined or ended before."""

    code = "people.already_decided"
    en = "The access {access} is {status} already. Request it anew if it is still needed."
    zh = "查阅申请 {access} 的状态已为{status_zh}，如仍需要请重新申请。"
    access: str
    status: str
    status_zh: str


class AccessLapsed(Refused):
    """The request is too old to be decided."""

    code = "people.access_lapsed"
    en = "The access {access} lapsed on {until}. Request it anew."
    zh = "查阅申请 {access} 已于 {until} 失效，请重新申请。"
    access: str
    until: datetime


_NUMBERS = re.compile(r"(?:\d[\s-]?){6}|@")


def stated(reason: str) -> str:
    """The reason without blanks around it. Raises ReasonNeeded, BadValue; PersonalReason for one with a long number."""
    if not isinstance(reason, str):
        raise BadValue(field="reason", why="it is not text", why_zh="不是文本")
    trimmed = check_text(reason, "reason", REASON_MAX).strip()
    if not trimmed:
        raise ReasonNeeded()
    if _NUMBERS.search(trimmed):
        raise PersonalReason()
    return trimmed


@command("people.request_minor_access", may=role(*ASKERS), reveals=(MinorAccess,))
def request_minor_access(view: View, party_id: PartyId, *, reason: str) -> Change[MinorAccess]:
    """Ask to read a child's record; lapses after a week without an answer.

    Raises NotAMinor, ReasonNeeded, PersonalReason.
    """
    if minor_of(view, party_id) is None:
        raise NotAMinor(party=party_id)
    until = view.now + REQUEST_LASTS
    access = MinorAccess(id=view.new(MinorAccess), child=party_id, staff=view.actor, reason=stated(reason), until=until)
    return begin("minor_access.requested", access).at(until, lapse_minor_access)


@command("people.approve_minor_access", may=role(*APPROVERS))
def approve_minor_access(view: View, access_id: MinorAccessId) -> Change[MinorAccess]:
    """Let the one who asked read the child's record for a day.

    Raises OwnApproval for one's own request, AccessLapsed, AlreadyDecided.
    """
    access = _undecided(view, access_id)
    until = view.now + ACCESS_LASTS
    approved = evolve(access, status=AccessStatus.APPROVED, approver=view.actor, until=until)
    return step("minor_access.approved", access, approved).at(until, lapse_minor_access)


@command("people.decline_minor_access", may=role(*APPROVERS))
def decline_minor_access(view: View, access_id: MinorAccessId) -> Change[MinorAccess]:
    """Say no to a request. Raises OwnApproval, AccessLapsed, AlreadyDecided."""
    access = _undecided(view, access_id)
    return step("minor_access.declined", access, evolve(access, status=AccessStatus.DECLINED, approver=view.actor))


@command("people.end_minor_access", may=role(*APPROVERS) | own("access.staff"))
def end_minor_access(view: View, access_id: MinorAccessId) -> Change[MinorAccess]:
    """End an access, or take back a request, before its time. Raises IllegalStep for one that was declined."""
    access = view.get(MinorAccess, access_id)
    if access.status is AccessStatus.LAPSED:
        return unchanged(access)
    return step(
        "minor_access.lapsed", access, evolve(access, status=AccessStatus.LAPSED, until=min(access.until, view.now))
    )


@command("people.lapse_minor_access", may=TIMER)
def lapse_minor_access(view: View, access_id: MinorAccessId) -> Change[MinorAccess]:
    """Make visible that an access has run out; `read_minor` goes by its time, not by this."""
    access = view.get(MinorAccess, access_id)
    return step("minor_access.lapsed", access, evolve(access, status=AccessStatus.LAPSED))


@command("people.read_minor", may=role(*ASKERS), reveals=(MinorProfile,))
def read_minor(view: View, party_id: PartyId, *, reason: str) -> Change[MinorProfile]:
    """Read a child's record under an approved access of one's own; each reading leaves a note with its reason.

    Raises NotAMinor, AccessNeeded, ReasonNeeded; PersonalReason for one that holds a number or the child's own data.
    """
    minor = minor_of(view, party_id)
    if minor is None:
        raise NotAMinor(party=party_id)
    access = _access_in_force(view, party_id)
    if access is None:
        raise AccessNeeded(party=party_id)
    # Only now is the reason held against the child's data: before, a refusal would tell what they are.
    purpose = stated(reason)
    told = [minor.name, *(channel.value for channel in minor.channels)]
    if any(value is not None and value.casefold() in purpose.casefold() for value in told):
        raise PersonalReason()
    return note("minor.read", minor, reason=purpose, access=access.id)


def _access_in_force(view: View, child: PartyId) -> MinorAccess | None:
    approved = view.find(
        MinorAccess,
        where(MinorAccess.child, child),
        where(MinorAccess.staff, view.actor),
        where(MinorAccess.status, AccessStatus.APPROVED),
        limit=100,
        order=MinorAccess.until,
        descending=True,
    )
    return next((access for access in approved if view.now < access.until), None)


def _undecided(view: View, access_id: MinorAccessId) -> MinorAccess:
    access = view.get(MinorAccess, access_id)
    if access.staff == view.actor:
        raise OwnApproval()
    if access.status is not AccessStatus.REQUESTED:
        raise AlreadyDecided(access=access.id, status=str(access.status), status_zh=access.status.zh)
    if access.until <= view.now:
        raise AccessLapsed(access=access.id, until=access.until)
    return access


def _reading(get: Any, entry: Entry) -> Iterator[tuple[str, dict[str, str]]]:
    """One row a reading of a minor's record: when, by whom, and for what stated reason."""
    told = entry.changes()
    yield (
        entry.id,
        {
            "at": entry.at,
            "by": entry.actor,
            "minor_profile": entry.record,
            "reason": told["reason"],
            "access": told["access"],
        },
    )


MINOR_READS = Fold(name="people.minor_reads", on=frozenset({"minor.read"}), apply=_reading, read=role(*APPROVERS))
"""Every staff reading of a minor's record: when, who, whose, why, under which access (for R16's yearly audit)."""
