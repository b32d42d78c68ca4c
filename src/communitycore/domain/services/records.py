"""What serving a community keeps: offerings, series, sessions, bookings, absences, volunteers, and what came of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, NewType

from attrs import field

from communitycore.domain.funds import LedgerId, SettlementId
from communitycore.domain.people import PartyId
from communitycore.domain.places import GridId, VenueId, Word
from communitycore.domain.roles import CLERK, COMMUNITY_WORKER, ORGANISER
from communitycore.domain.services.errors import NoHoursWhereFeesAreTaken
from communitycore.domain.services.policy import BookingPolicy, Segment
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.money import Money
from communitycore.kernel.record import PUBLIC, Indexed, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import own, role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen

OfferingId = NewType("OfferingId", str)
ProviderId = NewType("ProviderId", str)
SeriesId = NewType("SeriesId", str)
SessionId = NewType("SessionId", str)
BookingId = NewType("BookingId", str)
AbsencesId = NewType("AbsencesId", str)
VolunteerId = NewType("VolunteerId", str)
VolunteerHoursId = NewType("VolunteerHoursId", str)
VolunteerNoteId = NewType("VolunteerNoteId", str)
OutcomeId = NewType("OutcomeId", str)

HOSTS = role(ADMINISTRATOR, CLERK, COMMUNITY_WORKER, ORGANISER)
"""Who plans what is offered, takes bookings at the counter, and stands at the door."""

TITLE_MAX = 200
TEXT_MAX = 1_000
SEATS_MAX = 300
"""Seats of a session, so that closing one with every absence counted stays one command."""


class OfferingKind(Word):
    """Whether those who come pay."""

    FREE = "free", "公益"
    LOW_FEE = "low_fee", "低偿"


class ProviderKind(Word):
    """Who provides it."""

    VOLUNTEER = "volunteer", "志愿者"
    PARTNER = "partner", "社区合伙人"
    MERCHANT = "merchant", "商户"
    ORGANISATION = "organisation", "组织"


class OfferingStatus(Word):
    """Whether sessions of it are planned."""

    OFFERED = "offered", "提供中"
    ENDED = "ended", "已结束"


OFFERING_STATES = States(
    OfferingStatus, start={OfferingStatus.OFFERED}, then={OfferingStatus.OFFERED: {OfferingStatus.ENDED}}
)


class SeriesStatus(Word):
    """Whether sessions are still added."""

    RUNNING = "running", "进行中"
    ENDED = "ended", "已结束"


SERIES_STATES = States(SeriesStatus, start={SeriesStatus.RUNNING}, then={SeriesStatus.RUNNING: {SeriesStatus.ENDED}})


class SessionStatus(Word):
    """How far a session has come. Held: attendance is closed. Settled: its takings are booked."""

    PLANNED = "planned", "已排期"
    HELD = "held", "已举办"
    SETTLED = "settled", "已结算"
    CANCELLED = "cancelled", "已取消"


SESSION_STATES = States(
    SessionStatus,
    start={SessionStatus.PLANNED},
    then={
        SessionStatus.PLANNED: {SessionStatus.HELD, SessionStatus.SETTLED, SessionStatus.CANCELLED},
        SessionStatus.HELD: {SessionStatus.SETTLED},
        SessionStatus.SETTLED: {SessionStatus.HELD},
    },
)


class BookingStatus(Word):
    """How a booking stands. Lapsed: an offer not taken in time, or a wait that came to nothing."""

    BOOKED = "booked", "已预约"
    WAITING = "waiting", "候补中"
    OFFERED = "offered", "待确认"
    CANCELLED = "cancelled", "已取消"
    LAPSED = "lapsed", "已失效"
    ATTENDED = "attended", "已到场"
    ABSENT = "absent", "未到场"


BOOKING_STATES = States(
    BookingStatus,
    start={BookingStatus.BOOKED, BookingStatus.WAITING},
    then={
        BookingStatus.WAITING: {BookingStatus.OFFERED, BookingStatus.CANCELLED, BookingStatus.LAPSED},
        BookingStatus.OFFERED: {BookingStatus.BOOKED, BookingStatus.CANCELLED, BookingStatus.LAPSED},
        BookingStatus.BOOKED: {BookingStatus.ATTENDED, BookingStatus.ABSENT, BookingStatus.CANCELLED},
        BookingStatus.ABSENT: {BookingStatus.ATTENDED},
    },
)
HOLDS_SEATS = frozenset({BookingStatus.BOOKED, BookingStatus.OFFERED})
LIVE = HOLDS_SEATS | {BookingStatus.WAITING}


@record("offering", states=OFFERING_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Offering(Record[OfferingId]):
    """Something offered to neighbours 服务项目: a class, a round of haircuts, a course.

    shown: the organisation that provides it, where one does. segments: for whom it is; empty for everybody. fee: for
    one person and session, of a low-fee one. ledger, rule: the funding rule 资金规则, by which its takings are split.
    """

    name: Annotated[str, Max(TITLE_MAX)]
    text: Annotated[str, Max(TEXT_MAX)] = ""
    kind: Indexed[OfferingKind]
    provider: Indexed[ProviderKind]
    shown: Annotated[str, Max(TITLE_MAX)] | None = None
    segments: tuple[Segment, ...] = ()
    fee: Money | None = None
    ledger: Indexed[LedgerId | None] = None
    rule: Annotated[str, Max(TITLE_MAX)] | None = None
    policy: BookingPolicy
    status: Indexed[OfferingStatus] = OfferingStatus.OFFERED


@record("provider", read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class Provider(Record[ProviderId]):
    """Which party provides an offering 服务提供方; the public sees no person there."""

    offering: Unique[OfferingId]
    party: Indexed[PartyId]


@record("session_series", states=SERIES_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Series(Record[SeriesId]):
    """Sessions that repeat 系列场次, in local time.

    rule: an RFC 5545 recurrence such as FREQ=WEEKLY;BYDAY=TU,TH. first: the first day, which the rule names itself.
    clock: the time of day in `zone`. until: the last day that may have one. except_days: days left out.
    planned_until: up to which day sessions stand.
    """

    offering: Indexed[OfferingId]
    venue: Indexed[VenueId]
    rule: Annotated[str, Max(200)]
    first: date
    clock: Annotated[str, Max(5)]
    minutes: int
    seats: int
    zone: Annotated[str, Max(60)]
    until: date | None = None
    except_days: tuple[date, ...] = ()
    planned_until: date
    status: Indexed[SeriesStatus] = SeriesStatus.RUNNING


@record("service_session", states=SESSION_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Session(Record[SessionId]):
    """One occasion 场次. taken: seats booked or offered, kept up to date; never more than `seats`.

    waiting: parties on the waiting list 候补. places: how many ever waited, which orders them. attended: people who
    came. sequence, updated: how often and when what a calendar shows was changed. takings: what was booked for it
    (R21: published after it).
    """

    offering: Indexed[OfferingId]
    series: Indexed[SeriesId | None] = None
    venue: Indexed[VenueId]
    grid: Indexed[GridId | None] = None
    starts: Indexed[datetime]
    ends: datetime
    seats: int
    taken: int = 0
    waiting: int = 0
    places: int = 0
    attended: int = 0
    sequence: int = 0
    updated: datetime
    reason: Annotated[str, Max(TITLE_MAX)] | None = None
    takings: Money | None = None
    settlement: SettlementId | None = None
    status: Indexed[SessionStatus] = SessionStatus.PLANNED


@record("booking", states=BOOKING_STATES, read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class Booking(Record[BookingId]):
    """Seats for a party 预约: by their number first, the names later if at all.

    key: of the session and party while it is live, so that none has two. place: on the waiting list. offer_until: by
    when an offered seat is taken. came: how many did. late: cancelled after the cut-off.
    """

    session: Indexed[SessionId]
    party: Indexed[PartyId]
    key: Unique[str | None]
    size: int
    names: Personal[tuple[str, ...]] = ()
    place: Indexed[int] = 0
    offer_until: datetime | None = None
    came: int = 0
    late: bool = False
    changed: datetime
    status: Indexed[BookingStatus]


@record("absences", read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class Absences(Record[AbsencesId]):
    """How often a party booked and did not come 爽约, since it last was barred; until when it is barred."""

    party: Unique[PartyId]
    count: int = 0
    barred_until: datetime | None = None


@record("volunteer", read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class Volunteer(Record[VolunteerId]):
    """A volunteer's record 志愿者档案 (R24). minutes, sessions: of service, kept up to date."""

    party: Unique[PartyId]
    since: date
    skills: Personal[tuple[str, ...]] = ()
    minutes: int = 0
    sessions: int = 0


def _free(_: object, __: object, kind: OfferingKind) -> None:
    if kind is not OfferingKind.FREE:
        raise NoHoursWhereFeesAreTaken()


@record("volunteer_hours", read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class VolunteerHours(Record[VolunteerHoursId]):
    """Service at one session 志愿服务时长; of a session with a fee there is no such record (R24).

    key: of session and party, so that none is counted twice.
    """

    party: Indexed[PartyId]
    session: Indexed[SessionId]
    key: Unique[str]
    kind: OfferingKind = field(validator=_free)
    day: Indexed[date]
    minutes: int
    skill: Annotated[str, Max(80)] | None = None


class NoteKind(Word):
    """What is noted of a volunteer besides service."""

    TRAINING = "training", "培训"
    AWARD = "award", "表彰"
    EVALUATION = "evaluation", "评价"


@record("volunteer_note", read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class VolunteerNote(Record[VolunteerNoteId]):
    """A training 培训, award 表彰 or evaluation 评价 of a volunteer (R24)."""

    party: Indexed[PartyId]
    kind: Indexed[NoteKind]
    day: Indexed[date]
    text: Personal[Annotated[str, Max(TITLE_MAX)] | None] = None


class OutcomeKind(Word):
    """What became of one who took part."""

    IN_WORK = "in_work", "实现就业"
    OWN_TRADE = "own_trade", "自主经营"
    QUALIFIED = "qualified", "取得证书"
    LEARNING_ON = "learning_on", "继续学习"


@record("outcome", read=HOSTS | own("party"), owner="party")
@frozen(kw_only=True)
class Outcome(Record[OutcomeId]):
    """What came of an offering for one party 成效. key: of the three, so that none is counted twice."""

    offering: Indexed[OfferingId]
    party: Indexed[PartyId]
    kind: Indexed[OutcomeKind]
    day: date
    key: Unique[str]
