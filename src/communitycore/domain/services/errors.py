"""What the room of services refuses, and what to do then."""

from __future__ import annotations

from datetime import datetime

from communitycore.kernel.errors import Refused


class OfferingEnded(Refused):
    """Nothing more is planned of it."""

    code = "services.offering_ended"
    en = "{name} is no longer offered. Plan a session of another offering, or offer it anew."
    zh = "“{name}”已停止提供，请选择其他项目或重新发布。"
    name: str


class SeriesOver(Refused):
    """The series has ended."""

    code = "services.series_ended"
    en = "The series {series} has ended. Open a new one."
    zh = "系列 {series} 已结束，请另行开设。"
    series: str


class VenueTaken(Refused):
    """Another session is there at that time."""

    code = "services.venue_taken"
    en = "{venue} is taken from {starts} until {ends} by the session {session}. Choose another time or venue."
    zh = "“{venue}”自 {starts} 至 {ends} 已安排场次 {session}，请另选时间或场地。"
    venue: str
    session: str
    starts: datetime
    ends: datetime
    wanted: datetime


class SessionOver(Refused):
    """It is too late for that, or the session does not take place."""

    code = "services.session_over"
    en = "The session {session} of {starts} is {status} or has begun, so that is not possible. Choose another session."
    zh = "{starts} 的场次 {session}（{status_zh}）已开始或不再举办，不能办理，请另选场次。"
    session: str
    starts: datetime
    status: str
    status_zh: str


class NotYet(Refused):
    """It is too early for that."""

    code = "services.not_yet"
    en = "The session {session} begins at {starts}. Do that once it has begun."
    zh = "场次 {session} 于 {starts} 开始，请在开始后办理。"
    session: str
    starts: datetime


class SessionFull(Refused):
    """There are not so many seats left."""

    code = "services.session_full"
    en = "The session {session} has {left} seats left, and {size} are wanted. Take fewer, or wait for one to come free."
    zh = "场次 {session} 剩余 {left} 个名额，不足 {size} 个。可减少人数，或加入候补。"
    session: str
    left: int
    size: int


class WaitingFull(Refused):
    """So many wait already that a seat is not to be hoped for."""

    code = "services.waiting_full"
    en = "{waiting} parties wait for the session {session} already. Choose another session."
    zh = "场次 {session} 已有 {waiting} 组候补，请另选场次。"
    session: str
    waiting: int


class AlreadyBooked(Refused):
    """A party has one booking a session."""

    code = "services.already_booked"
    en = "This party has the booking {booking} for the session already. Cancel it first to change the number of seats."
    zh = "该主体在本场次已有预约 {booking}，如需更改人数请先取消。"
    booking: str


class NotForThem(Refused):
    """The offering is for others, by age."""

    code = "services.not_for_them"
    en = "{name} is for {segments}. Choose an offering for everybody, or ask the host."
    zh = "“{name}”面向{segments_zh}，请选择其他项目或咨询主办方。"
    name: str
    segments: str
    segments_zh: str


class Barred(Refused):
    """Seats stood empty too often."""

    code = "services.barred"
    en = "Seats that were booked stood empty too often, so this party books again from {until}. A host can lift that."
    zh = "因多次预约未到，自 {until} 起方可再次预约；主办方可提前解除。"
    until: datetime


class BookingPassed(Refused):
    """It is too late, or too early, for that."""

    code = "services.booking_passed"
    en = "The booking {booking} is {status} now, so that is not possible. Book again if seats are wanted."
    zh = "预约 {booking} 目前{status_zh}，不能进行此操作；如有需要请重新预约。"
    booking: str
    status: str
    status_zh: str


class AttendanceOpen(Refused):
    """First it is noted who came."""

    code = "services.attendance_open"
    en = "The attendance of the session {session} is not closed. Close it first."
    zh = "场次 {session} 的签到尚未结束，请先结束签到。"
    session: str


class AttendanceShut(Refused):
    """What was settled by attendance fixes it."""

    code = "services.attendance_shut"
    en = "The session {session} is {status}, so its attendance stands. Take the settlement back first if it is wrong."
    zh = "场次 {session} {status_zh}，到场人数不能更改；如有错误请先撤回结算。"
    session: str
    status: str
    status_zh: str


class NothingToSettle(Refused):
    """No takings, or no rule to split them by."""

    code = "services.nothing_to_settle"
    en = "There is nothing to settle of {name}: {why}."
    zh = "“{name}”无可结算：{why_zh}。"
    name: str
    why: str
    why_zh: str


class NoHoursWhereFeesAreTaken(Refused):
    """Volunteer service is unpaid, and those who are served do not pay for it (R24)."""

    code = "services.no_hours"
    en = (
        "Volunteer hours come from free sessions alone (Volunteer Service Regulation, articles 19 to 21). "
        "Note none for a session with a fee."
    )
    zh = "志愿服务时长仅限免费活动（《志愿服务条例》第十九至二十一条），低偿活动不予登记。"


class HoursCounted(Refused):
    """Service at a session is counted once."""

    code = "services.hours_counted"
    en = "The service of this volunteer at that session is counted already ({hours}). Take it back first to change it."
    zh = "该志愿者在本场次的服务时长已登记（{hours}），如需更改请先撤回。"
    hours: str


class NoVolunteer(Refused):
    """Hours belong to a volunteer's record."""

    code = "services.no_volunteer"
    en = "The party {party} is no registered volunteer. Register them as one first."
    zh = "主体 {party} 尚未登记为志愿者，请先登记。"
    party: str
