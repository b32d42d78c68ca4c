"""A low-fee class from plan to books: sessions that repeat, seats and a waiting list, the door, and split takings."""

from datetime import date, datetime, timedelta

import communitycore as cc
from communitycore import Money, Point, Ref, funds, people, places, services
from communitycore.domain.roles import ACCOUNTANT, ORGANISER
from communitycore.formats.icalendar import icalendar
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock

clock = Clock(datetime.fromisoformat("2024-06-03T09:00:00+08:00"))  # leave it out, and the class is next week's
hub = cc.open("memory://", clock=clock)
town = hub.found("370115002023", name="汇鑫社区", level="community", extent=cc.Area.box(117.0, 36.9, 117.1, 37.0))
admin = hub.desk(town.id, hub.administrator(town.id))
names = ("主办方", "会计", "瑜伽老师", "居民甲", "居民乙")
host, keeper, teacher, first, second = (admin.do(people.register, name=name).id for name in names)
for party, role in ((host, ORGANISER), (keeper, ACCOUNTANT)):
    admin.do(give, holder=Ref(town.id, party), role=role)
desk, books = hub.desk(town.id, Ref(town.id, host)), hub.desk(town.id, Ref(town.id, keeper))

# what is offered, and by which agreement its takings are split (60 : 40 is this example's own)
yoga = desk.do(
    services.offer, name="夜间瑜伽", provider=services.ProviderKind.PARTNER, by=teacher, fee=Money.of("5.00")
)
ledger = admin.do(funds.open_ledger, name="汇鑫社区基金", kind=funds.LedgerKind.COMMUNITY_FUND)
owed = books.do(funds.open_account, ledger.id, name="应付老师", type=funds.AccountType.LIABILITY, party=teacher)
ours = books.do(funds.open_account, ledger.id, name="低偿收入", type=funds.AccountType.INCOME)
shares = (cc.ratio(owed.id, "0.6"), cc.rest(ours.id))
books.do(funds.agree, ledger.id, name="瑜伽", agreement="合伙协议 2024-01", shares=shares)
books.do(services.fund_by, yoga.id, ledger=ledger.id, rule="瑜伽")

hall = admin.do(
    places.open_venue, name="活动室", kind=places.VenueKind.ACTIVITY_ROOM, point=Point(117.05, 36.95), seats=2
)
series = desk.do(
    services.open_series,
    yoga.id,
    venue=hall.id,
    rule="FREQ=WEEKLY;BYDAY=TU,TH",
    first=date(2024, 6, 4),
    clock="19:00",
    minutes=90,
)
planned = desk.find(services.Session, cc.where(services.Session.series, series.id), limit=100)
evening = min(planned, key=lambda session: session.starts)

# two seats: who comes first has them, who comes second waits, and is asked as soon as they come free
mine, theirs = hub.desk(town.id, Ref(town.id, first)), hub.desk(town.id, Ref(town.id, second))
booked = mine.do(services.book, evening.id, party=first, size=2)
waiting = theirs.do(services.book, evening.id, party=second, wait=True)
print(booked.status.zh, waiting.status.zh)
mine.do(services.cancel_booking, booked.id)
print(theirs.do(services.accept, waiting.id).status.zh)

clock.advance(timedelta(days=1, hours=10))
desk.do(services.check_in, waiting.id)
desk.do(services.walk_in, evening.id)
settled = books.do(services.settle, evening.id)
print(settled.attended, settled.takings, books.ask(funds.statement, ledger.id).total(funds.AccountType.INCOME))

agenda = theirs.ask(services.agenda, venue=hall.id, since=date(2024, 6, 4), until=date(2024, 6, 4))
print("".join(icalendar(agenda)).splitlines()[0], hub.verify().ok)
