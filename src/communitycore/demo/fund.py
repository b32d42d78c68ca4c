"""The community fund of the page's yoga: a week of evenings whose takings are split, a gift, and what was bought."""

from __future__ import annotations

from communitycore.demo import classes, facts
from communitycore.demo.classes import Told
from communitycore.demo.town import Progress, Town
from communitycore.domain import funds, people
from communitycore.domain.funds import AccountType, Ledger, LedgerKind
from communitycore.domain.roles import ACCOUNTANT, APPROVER
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.money import Money
from communitycore.kernel.splits import ratio, rest
from communitycore.testing import Clock

RULE = "瑜伽夜课分配"


def week(town: Town, clock: Clock, progress: Progress) -> tuple[Told, Ledger]:
    """Seven evenings of low-fee yoga, settled into the fund; a neighbour's gift; mats bought and paid for."""
    place = classes.at(town, facts.FUND_COMMUNITY)
    desk = place.desk
    keeper, second = (desk.do(people.register, name=name).id for name in ("基金会计", "居委会审批人"))
    teacher = desk.do(people.register, name="瑜伽老师").id
    books, approver = (place.as_(Ref(desk.jurisdiction, party)) for party in (keeper, second))
    desk.do(give, holder=books.actor, role=ACCOUNTANT)
    desk.do(give, holder=approver.actor, role=APPROVER)
    ledger = desk.do(funds.open_ledger, name=f"{place.fact.name}基金", kind=LedgerKind.COMMUNITY_FUND)
    partner = books.do(funds.open_account, ledger.id, name="应付：瑜伽老师", type=AccountType.LIABILITY, party=teacher)
    venue = books.do(funds.open_account, ledger.id, name="应付：活动室水电", type=AccountType.LIABILITY)
    income = books.do(funds.open_account, ledger.id, name="低偿服务分成收入", type=AccountType.INCOME)
    mats = books.do(funds.open_account, ledger.id, name="公益活动支出", type=AccountType.EXPENSE)
    shares = (ratio(income.id, facts.FUND_SHARE), ratio(partner.id, facts.PARTNER_SHARE), rest(venue.id))
    books.do(funds.agree, ledger.id, name=RULE, agreement="社区合伙人协议（演示）", shares=shares)
    told = classes.yoga(place, teacher, books, ledger.id, RULE, clock, progress)
    books.do(funds.donate, ledger.id, amount=Money.of("200.00"), purpose="夜课添置")
    asked = books.do(
        funds.request_payment,
        ledger.id,
        against=mats.id,
        amount=Money.of("180.00"),
        payee=teacher,
        purpose="购置瑜伽垫十块",
    )
    approver.do(funds.approve_payment, asked.id)
    books.do(funds.pay, asked.id)
    return told, ledger
