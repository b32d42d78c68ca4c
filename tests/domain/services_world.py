"""A community that offers something: hosts, a yoga partner, a barber who volunteers, neighbours, and a fund."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from attrs import frozen

import communitycore as cc
from communitycore import Money, funds, people, places, services
from communitycore.domain.people import PartyId
from communitycore.domain.roles import ACCOUNTANT, ORGANISER
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

CODE = "370115002023"
FEE = Money(500)
NOW = datetime.fromisoformat("2024-06-01T08:00:00+08:00")


@frozen(kw_only=True)
class World:
    """Who there is, and what is offered."""

    hub: cc.Hub
    clock: Clock
    admin: cc.Desk
    host: cc.Desk
    accountant: cc.Desk
    partner: PartyId
    barber: PartyId
    neighbours: tuple[PartyId, ...]
    grid: places.Grid
    square: places.Venue
    hall: places.Venue
    yoga: services.Offering
    haircuts: services.Offering

    def desk(self, party: PartyId) -> cc.Desk:
        return self.hub.desk(CODE, cc.Ref(self.admin.jurisdiction, party))

    def session(
        self, offering: services.Offering | None = None, *, seats: int = 4, hours: float = 24, minutes: int = 90
    ) -> services.Session:
        starts = self.clock() + timedelta(hours=hours)
        return self.host.do(
            services.plan_session,
            (offering or self.yoga).id,
            venue=self.square.id,
            starts=starts,
            minutes=minutes,
            seats=seats,
        )

    def series(self, **changes: object) -> services.Series:
        given: dict[str, object] = {
            "venue": self.hall.id,
            "rule": "FREQ=WEEKLY;BYDAY=TU,TH",
            "first": date(2024, 6, 4),
            "clock": "19:00",
            "minutes": 90,
            "seats": 10,
        }
        return self.host.do(services.open_series, self.yoga.id, **(given | changes))  # type: ignore[arg-type]  # the test's own words

    def sessions(self, series: services.Series) -> list[services.Session]:
        return self.host.find(
            services.Session,
            cc.where(services.Session.series, series.id),
            limit=1_000,
            order=services.Session.starts,
        )

    def now(self, session: services.Session) -> services.Session:
        return self.host.get(services.Session, session.id)

    def bookings(self, session: services.Session) -> list[services.Booking]:
        return self.host.find(services.Booking, cc.where(services.Booking.session, session.id), limit=1_000)

    def check(self, session: services.Session) -> None:
        """Seats are what the bookings say, none too many, and nobody waits for seats that are free."""
        here, bookings = self.now(session), self.bookings(session)
        status = services.BookingStatus
        kept = (status.BOOKED, status.OFFERED, status.ATTENDED)  # the last once the doors are open, before it begins
        held = sum(b.size for b in bookings if b.status in kept)
        walked_in = here.attended - sum(b.came for b in bookings)
        waiting = [b for b in bookings if b.status is status.WAITING]
        assert here.taken <= here.seats
        assert here.attended <= here.seats
        assert here.waiting == len(waiting)
        if here.status is services.SessionStatus.PLANNED and self.clock() < here.starts:
            assert here.taken == held + walked_in
            assert all(b.size > here.seats - here.taken for b in waiting)
        assert walked_in >= 0


def world(url: str = "memory://", seed: int = 7, *, zone: str = "Asia/Shanghai", neighbours: int = 8) -> World:
    clock = Clock(NOW)
    hub = cc.open(url, clock=clock, entropy=seeded(seed))
    area = cc.Area.box(117.0, 36.96875, 117.03125, 37.0)
    hub.found(CODE, name="汇鑫社区", level="community", extent=area, zone=zone)
    admin = hub.desk(CODE, hub.administrator(CODE))
    grid = admin.do(places.draw_grid, name="第一网格", area=area)
    people_ = {}
    for name, role in (("主办", ORGANISER), ("会计", ACCOUNTANT), ("瑜伽老师", None), ("理发师", None)):
        people_[name] = admin.do(people.register, name=name).id
        if role is not None:
            admin.do(give, holder=cc.Ref(admin.jurisdiction, people_[name]), role=role)
    host, accountant = (hub.desk(CODE, cc.Ref(admin.jurisdiction, people_[n])) for n in ("主办", "会计"))
    at = cc.Point(117.01, 36.98)
    square = admin.do(places.open_venue, name="中心广场", kind=places.VenueKind.OUTDOORS, point=at)
    hall = admin.do(places.open_venue, name="活动室", kind=places.VenueKind.ACTIVITY_ROOM, point=at, seats=40)
    yoga = host.do(
        services.offer, name="夜间瑜伽", provider=services.ProviderKind.PARTNER, by=people_["瑜伽老师"], fee=FEE
    )
    haircuts = host.do(
        services.offer,
        name="义务理发",
        provider=services.ProviderKind.VOLUNTEER,
        by=people_["理发师"],
        segments=(services.Segment.ELDERLY,),
    )
    return World(
        hub=hub,
        clock=clock,
        admin=admin,
        host=host,
        accountant=accountant,
        partner=people_["瑜伽老师"],
        barber=people_["理发师"],
        neighbours=tuple(admin.do(people.register, name=f"邻居{n}").id for n in range(neighbours)),
        grid=grid,
        square=square,
        hall=hall,
        yoga=yoga,
        haircuts=haircuts,
    )


def fund(w: World) -> tuple[funds.Ledger, funds.Account, funds.Account]:
    """A fund whose rule gives the yoga teacher 80 % and keeps the rest (the proportion is the test's own)."""
    ledger = w.admin.do(funds.open_ledger, name="汇鑫社区基金", kind=funds.LedgerKind.COMMUNITY_FUND)
    kind = funds.AccountType
    owed = w.accountant.do(
        funds.open_account, ledger.id, name="应付：瑜伽老师", type=kind.LIABILITY, party=w.partner, withheld=True
    )
    ours = w.accountant.do(funds.open_account, ledger.id, name="低偿服务收入", type=kind.INCOME)
    w.accountant.do(
        funds.agree,
        ledger.id,
        name="瑜伽分成",
        agreement="合伙协议 2024-01",
        shares=(cc.ratio(owed.id, "0.8"), cc.rest(ours.id)),
    )
    w.accountant.do(services.fund_by, w.yoga.id, ledger=ledger.id, rule="瑜伽分成")
    return ledger, owed, ours
