"""Funds: books that balance, gifts, payments by two persons, and takings split by rule."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.domain.funds_world import World, world

import communitycore as cc
from communitycore import funds
from communitycore.domain.funds import AccountType, Count, LedgerKind, Posting
from communitycore.formats.beancount import beancount
from communitycore.kernel.errors import BadValue, NotAllowed, NotUnique
from communitycore.kernel.money import Money

YUAN = 100


@pytest.fixture
def w() -> World:
    return world()


def gift(w: World, yuan: int, **more: object) -> funds.Donation:
    return w.accountant.do(funds.donate, w.fund.id, amount=Money(yuan * YUAN), purpose="夜校", **more)  # type: ignore[arg-type]


def yoga(w: World) -> tuple[funds.Account, funds.Account, funds.Account]:
    """Accounts of a partner, the fund and a venue, and the rule that splits among them."""
    partner = w.account("应付：瑜伽老师", AccountType.LIABILITY)
    income = w.account("低偿服务收入", AccountType.INCOME)
    venue = w.account("应付：场地", AccountType.LIABILITY)
    shares = (cc.ratio(partner.id, "0.6"), cc.ratio(income.id, "0.3"), cc.rest(venue.id))
    w.accountant.do(funds.agree, w.fund.id, name="瑜伽", agreement="协议〔2024〕3号", shares=shares)
    return partner, income, venue


def settled(w: World, yuan: str, evening: int) -> funds.Settlement:
    source = cc.Ref(w.accountant.jurisdiction, f"evening-{evening}")
    return w.accountant.do(funds.settle, w.fund.id, rule="瑜伽", takings=Money.of(yuan), source=source, text="夜间瑜伽")


def test_an_entry_moves_balances_and_balances_itself(w: World) -> None:
    stage = w.account("活动支出", AccountType.EXPENSE)
    gift(w, 100)
    hall = w.account("场地收入", AccountType.INCOME)
    lines = (Posting(w.fund.bank, 2_550), Posting(stage.id, 450), Posting(hall.id, -3_000))
    made = w.accountant.do(funds.post, w.fund.id, text="场地收入，扣除手续费", postings=lines)
    assert (w.balance(stage.id), w.balance(w.fund.bank), w.balance(hall.id)) == (450, 12_550, -3_000)
    w.accountant.do(funds.reverse, made.id, reason="录入错误")
    assert (w.balance(stage.id), w.balance(w.fund.bank), w.balance(hall.id)) == (0, 10_000, 0)
    with pytest.raises(funds.AlreadyReversed):
        w.accountant.do(funds.reverse, made.id, reason="再次")
    w.check()


@pytest.mark.parametrize(
    ("amounts", "error"),
    [((5, -4), funds.Unbalanced), ((5,), BadValue), ((0, 0), BadValue), ((9_999_999, -9_999_999), funds.NotEnough)],
)
def test_what_is_no_entry_is_refused(w: World, amounts: tuple[int, ...], error: type[Exception]) -> None:
    stage = w.account("活动支出", AccountType.EXPENSE)
    accounts = (stage.id, w.fund.bank)
    lines = tuple(Posting(account, amount) for account, amount in zip(accounts, amounts, strict=False))
    with pytest.raises(error):
        w.accountant.do(funds.post, w.fund.id, text="x", postings=lines)
    with pytest.raises(BadValue):
        twice = (Posting(stage.id, 1), Posting(stage.id, -1))
        w.accountant.do(funds.post, w.fund.id, text="x", postings=twice)
    w.check()


def test_names_of_accounts_are_unique_in_their_ledger(w: World) -> None:
    w.account("活动支出", AccountType.EXPENSE)
    with pytest.raises(NotUnique):
        w.account("活动支出", AccountType.EXPENSE)
    other = w.admin.do(funds.open_ledger, name="项目", kind=LedgerKind.PROJECT)
    w.account("活动支出", AccountType.EXPENSE, other)


def test_only_keepers_see_the_books_and_all_see_the_statement(w: World) -> None:
    gift(w, 100)
    with pytest.raises(NotAllowed):
        w.resident.find(funds.Account, limit=10)
    with pytest.raises(NotAllowed):
        w.resident.do(funds.donate, w.fund.id, amount=Money(1), purpose="x")
    told = w.resident.ask(funds.statement, w.fund.id)
    assert told.total(AccountType.ASSET) == told.total(AccountType.INCOME) == Money(10_000)


def test_r23_what_a_donor_does_not_show_is_hidden(w: World) -> None:
    gift(w, 100, donor=w.teacher, name="赵静")
    gift(w, 50, donor=w.teacher, name="钱林", shown="钱先生")
    with pytest.raises(BadValue, match="register the donor"):
        gift(w, 50, name="钱林")
    with pytest.raises(BadValue, match="register the donor"):
        gift(w, 50, shown="钱先生")
    gift(w, 20, donor=w.teacher, related=True)
    told = w.resident.ask(funds.statement, w.fund.id)
    assert {(g.receipt, g.shown, g.related) for g in told.gifts} == {
        (1, None, False),
        (2, "钱先生", False),
        (3, None, True),
    }
    for donation in w.resident.find(funds.Donation, limit=10):
        assert "赵静" not in str(donation)
        assert "钱先生" not in str(donation)
        assert w.teacher not in str(donation)
    assert w.resident.find(funds.Donor, limit=10) == []
    assert {donor.name for donor in w.accountant.find(funds.Donor, limit=10)} == {"赵静", "钱林", None}


def test_r23_how_a_donor_is_shown_is_erased_with_them(w: World) -> None:
    gift(w, 50, donor=w.teacher, name="钱林", shown="钱先生")
    assert [g.shown for g in w.resident.ask(funds.statement, w.fund.id).gifts] == ["钱先生"]
    w.hub.erase(cc.Ref(w.accountant.jurisdiction, w.teacher), actor=w.admin.actor, reason="本人要求")
    assert [g.shown for g in w.resident.ask(funds.statement, w.fund.id).gifts] == [None]
    assert w.hub.verify().ok


def test_a_gift_that_was_given_back_is_not_published(w: World) -> None:
    first = gift(w, 50)
    gift(w, 20)
    w.accountant.do(funds.return_gift, first.id, reason="捐赠人要求退还")
    told = w.resident.ask(funds.statement, w.fund.id)
    assert [g.receipt for g in told.gifts] == [2]
    assert told.total(AccountType.INCOME) == Money(2_000)


def test_r23_an_account_whose_holder_asks_for_it_is_published_without_its_name(w: World) -> None:
    gift(w, 100)
    w.accountant.do(
        funds.open_account, w.fund.id, name="应付：赵静", type=AccountType.LIABILITY, withheld=True, related=True
    )
    told = w.resident.ask(funds.statement, w.fund.id)
    assert "赵静" not in str(told)
    assert [(line.name, line.related) for line in told.sums if line.type is AccountType.LIABILITY] == [(None, True)]


def test_r21_an_anonymous_gift_stands_as_a_record_and_receipts_have_no_gap(w: World) -> None:
    gifts = [gift(w, 10) for _ in range(3)]
    w.accountant.do(funds.return_gift, gifts[1].id, reason="捐赠人要求退还")
    assert [g.receipt for g in gifts] == [1, 2, 3]
    assert gift(w, 10).receipt == 4
    assert w.accountant.find(funds.Donor, limit=10) == []
    with pytest.raises(funds.BookedOtherwise):
        w.accountant.do(funds.reverse, gifts[0].entry, reason="x")
    assert w.balance(w.fund.bank) == 3_000
    w.check()


def test_a_payment_takes_two_persons(w: World) -> None:
    gift(w, 100)
    expense = w.account("劳务支出", AccountType.EXPENSE)
    asked = w.accountant.do(
        funds.request_payment, w.fund.id, against=expense.id, amount=Money(6_000), payee=w.teacher, purpose="六月课酬"
    )
    with pytest.raises(funds.PaymentPassed):
        w.accountant.do(funds.pay, asked.id)
    with pytest.raises(NotAllowed):
        w.accountant.do(funds.approve_payment, asked.id)
    w.approver.do(funds.approve_payment, asked.id)
    paid = w.accountant.do(funds.pay, asked.id)
    assert paid.approved_by == w.approver.actor
    assert (w.balance(expense.id), w.balance(w.fund.bank)) == (6_000, 4_000)
    with pytest.raises(funds.PaymentPassed):
        w.accountant.do(funds.pay, asked.id)
    w.accountant.do(funds.return_payment, asked.id, reason="账号有误")
    assert (w.balance(expense.id), w.balance(w.fund.bank)) == (0, 10_000)
    w.check()


def test_who_asks_or_is_paid_does_not_approve(w: World) -> None:
    from communitycore.domain.roles import ACCOUNTANT
    from communitycore.kernel.jurisdiction import give

    gift(w, 100)
    w.admin.do(give, holder=w.approver.actor, role=ACCOUNTANT)
    expense = w.account("劳务支出", AccountType.EXPENSE)
    wanted = {"against": expense.id, "amount": Money(100), "purpose": "课酬"}
    own = w.approver.do(funds.request_payment, w.fund.id, payee=w.teacher, **wanted)  # type: ignore[arg-type]
    me = cc.people.PartyId(w.approver.actor.id)
    mine = w.accountant.do(funds.request_payment, w.fund.id, payee=me, **wanted)  # type: ignore[arg-type]
    for asked in (own, mine):
        with pytest.raises(funds.SecondPerson):
            w.approver.do(funds.approve_payment, asked.id)
        with pytest.raises(funds.SecondPerson):
            w.approver.do(funds.refuse_payment, asked.id, reason="x")
        w.accountant.do(funds.cancel_payment, asked.id, reason="改由他人审批")
    w.check()


def decision(w: World, to: funds.Ledger, *, area: Count, heads: Count, yuan: int = 50) -> funds.OwnersDecision:
    return w.accountant.do(
        funds.record_decision,
        title="电梯更新", area=area, heads=heads, grave=True, of=w.fund.id, to=to.id, most=Money(yuan * YUAN),
    )  # fmt: skip


ALL = Count(all=100, took_part=100, agreed=100)


def test_r18_ledgers_never_mix_without_a_decision(w: World) -> None:
    gift(w, 100)
    other = w.admin.do(funds.open_ledger, name="维修资金", kind=LedgerKind.MAINTENANCE)
    with pytest.raises(funds.WrongLedger):
        w.accountant.do(
            funds.post, w.fund.id, text="x", postings=(Posting(other.bank, 100), Posting(w.fund.bank, -100))
        )
    rejected = decision(w, other, area=ALL, heads=Count(all=100, took_part=100, agreed=74))
    with pytest.raises(funds.NotDecided):
        w.accountant.do(funds.transfer, rejected.id, amount=Money(100), text="划转")
    adopted = decision(w, other, area=ALL, heads=ALL)
    sent = w.accountant.do(funds.transfer, adopted.id, amount=Money(3_000), text="划转")
    assert (w.balance(w.fund.bank), w.balance(other.bank)) == (7_000, 3_000)
    with pytest.raises(funds.NotDecided, match=r"20\.00 CNY is left"):
        w.accountant.do(funds.transfer, adopted.id, amount=Money(3_000), text="划转")
    w.check()
    w.accountant.do(funds.reverse, sent.id, reason="工程取消")
    assert (w.balance(w.fund.bank), w.balance(other.bank)) == (10_000, 0)
    w.accountant.do(funds.transfer, adopted.id, amount=Money(5_000), text="划转")
    w.check()
    (received,) = [e for e in w.accountant.find(funds.FundEntry, limit=100) if e.twin and not e.reversed_by]
    w.accountant.do(funds.reverse, received.id, reason="工程再次取消")
    assert (w.balance(w.fund.bank), w.balance(other.bank)) == (10_000, 0)
    w.check()


@pytest.mark.parametrize(
    ("took_part", "agreed", "grave", "carried"),
    [
        (66, 66, False, False),
        (67, 33, False, False),
        (67, 34, False, True),
        (100, 50, False, False),
        (100, 51, False, True),
        (100, 74, True, False),
        (100, 75, True, True),
        (68, 51, True, True),
        (68, 50, True, False),
        (66, 66, True, False),
    ],
)
def test_r20_two_thirds_take_part_and_enough_agree_both_ways(
    w: World, took_part: int, agreed: int, grave: bool, carried: bool
) -> None:
    count = Count(all=100, took_part=took_part, agreed=agreed)
    for area, heads in ((count, ALL), (ALL, count), (count, count)):
        made = w.accountant.do(funds.record_decision, title="公共收益使用", area=area, heads=heads, grave=grave)
        assert (made.status is funds.DecisionStatus.ADOPTED) is carried


def test_counts_that_cannot_be_are_refused(w: World) -> None:
    for all_, took_part, agreed in ((0, 0, 0), (10, 11, 5), (10, 5, 6), (10, 5, -1)):
        with pytest.raises(BadValue):
            count = Count(all=all_, took_part=took_part, agreed=agreed)
            w.accountant.do(funds.record_decision, title="x", area=count, heads=ALL)
    with pytest.raises(BadValue):
        w.accountant.do(funds.record_decision, title="x", area=ALL, heads=ALL, of=w.fund.id)


def test_takings_are_split_by_the_rule_in_force(w: World) -> None:
    partner, income, venue = yoga(w)
    made = settled(w, "123.45", 1)
    assert [-w.balance(a.id) for a in (partner, income, venue)] == [7_407, 3_704, 1_234]
    assert w.balance(w.fund.bank) == 12_345
    with pytest.raises(funds.AlreadySettled):
        settled(w, "123.45", 1)
    w.clock.advance(timedelta(days=1))
    shares = (cc.ratio(partner.id, "0.5"), cc.rest(income.id))
    w.accountant.do(funds.agree, w.fund.id, name="瑜伽", agreement="协议〔2024〕9号", shares=shares)
    settled(w, "100.00", 2)
    assert [-w.balance(a.id) for a in (partner, income, venue)] == [12_407, 8_704, 1_234]
    w.accountant.do(funds.refund, made.id, reason="课程取消")
    assert [-w.balance(a.id) for a in (partner, income, venue)] == [5_000, 5_000, 0]
    with pytest.raises(funds.AlreadyReversed):
        w.accountant.do(funds.refund, made.id, reason="再次")
    settled(w, "10.00", 1)
    w.check()


def test_what_rounding_leaves_is_carried_from_settlement_to_settlement(w: World) -> None:
    partner, income, venue = yoga(w)
    made = [settled(w, "0.05", n) for n in range(40)]
    assert [-w.balance(a.id) for a in (partner, income, venue)] == [120, 60, 20]
    latest = [s for s in w.accountant.find(funds.Settlement, limit=100) if s.latest is not None]
    assert [s.id for s in latest] == [made[-1].id]
    for one in made[3:40:2]:
        w.accountant.do(funds.refund, one.id, reason="退款")
    for n in range(100, 120):
        settled(w, "0.05", n)
    count = 40 - len(made[3:40:2]) + 20
    assert abs(-w.balance(income.id) - count * 1.5) < 2
    assert abs(-w.balance(partner.id) - count * 3) < 2
    w.check()


def test_a_rule_names_accounts_of_its_ledger_and_must_be_in_force(w: World) -> None:
    other = w.admin.do(funds.open_ledger, name="项目", kind=LedgerKind.PROJECT)
    stranger = w.account("应付", AccountType.LIABILITY, other)
    with pytest.raises(funds.WrongLedger):
        w.accountant.do(funds.agree, w.fund.id, name="x", agreement="y", shares=(cc.rest(stranger.id),))
    with pytest.raises(BadValue):
        w.accountant.do(funds.agree, w.fund.id, name="x", agreement="y", shares=(cc.ratio(w.fund.gifts, "0.5"),))
    for own in (w.fund.bank, w.fund.transfers, w.fund.surplus):
        with pytest.raises(BadValue, match="no part to take"):
            w.accountant.do(funds.agree, w.fund.id, name="x", agreement="y", shares=(cc.rest(own),))
    with pytest.raises(funds.NoRule):
        settled(w, "1.00", 1)


def test_r19_what_is_left_of_common_income_is_distributed_by_a_decision_alone(w: World) -> None:
    common = w.admin.do(funds.open_ledger, name="公共收益", kind=LedgerKind.COMMON_INCOME)
    rent = w.account("电梯广告收入", AccountType.INCOME, common)
    upkeep = w.account("电梯保养", AccountType.EXPENSE, common)
    book = lambda text, *lines: w.accountant.do(funds.post, common.id, text=text, postings=lines)  # noqa: E731
    book("广告费", Posting(common.bank, 80_000), Posting(rent.id, -80_000))
    w.spend(upkeep, 30_000, common)
    told = w.resident.ask(funds.statement, common.id)
    assert (told.total(AccountType.INCOME), told.total(AccountType.EXPENSE)) == (Money(80_000), Money(30_000))
    w.clock.advance(timedelta(days=300))
    w.accountant.do(funds.close_year, common.id, year=2024)
    assert w.balance(common.surplus) == -50_000
    wanted = {"against": common.surplus, "payee": w.teacher, "purpose": "分红"}
    with pytest.raises(funds.DecisionNeeded):
        w.accountant.do(funds.request_payment, common.id, amount=Money(100), **wanted)  # type: ignore[arg-type]
    vote = {"title": "收益分配", "area": ALL, "heads": ALL}
    elsewhere = w.accountant.do(funds.record_decision, of=w.fund.id, most=Money(100), **vote)  # type: ignore[arg-type]
    with pytest.raises(funds.NotDecided):
        w.accountant.do(
            funds.request_payment,
            common.id,
            amount=Money(100),
            decision=elsewhere.id,
            **wanted,  # type: ignore[arg-type]
        )
    made = w.accountant.do(funds.record_decision, of=common.id, most=Money(40_000), **vote)  # type: ignore[arg-type]
    with pytest.raises(funds.NotDecided):
        w.accountant.do(funds.transfer, made.id, amount=Money(1), text="x")
    asked = [
        w.accountant.do(
            funds.request_payment,
            common.id,
            amount=Money(25_000),
            decision=made.id,
            **wanted,  # type: ignore[arg-type]
        )
        for _ in range(2)
    ]
    for one in asked:
        w.approver.do(funds.approve_payment, one.id)
    w.accountant.do(funds.pay, asked[0].id)
    with pytest.raises(funds.NotDecided, match=r"150\.00 CNY is left"):
        w.accountant.do(funds.pay, asked[1].id)
    w.accountant.do(funds.return_payment, asked[0].id, reason="账号有误")
    w.accountant.do(funds.pay, asked[1].id)
    assert w.balance(common.surplus) == -25_000
    w.check()


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_r18_r19_no_entry_takes_what_is_the_owners(w: World, kind: LedgerKind) -> None:
    ledger = w.admin.do(funds.open_ledger, name="账簿", kind=kind)
    rent, other = (w.account(name, AccountType.INCOME, ledger) for name in ("广告收入", "其他收入"))
    owed = w.account("应付", AccountType.LIABILITY, ledger)
    book = lambda *lines: w.accountant.do(funds.post, ledger.id, text="x", postings=lines)  # noqa: E731
    book(Posting(ledger.bank, 900), Posting(rent.id, -900))
    book(Posting(ledger.bank, 100), Posting(ledger.surplus, -100))
    takings = [(ledger.surplus, ledger.bank), (rent.id, ledger.bank), (rent.id, owed.id), (ledger.surplus, owed.id)]
    for debit, credit in (*takings, (ledger.transfers, ledger.bank), (ledger.bank, ledger.transfers)):
        with pytest.raises(funds.DecisionNeeded):
            book(Posting(debit, 100), Posting(credit, -100))
    with pytest.raises(funds.DecisionNeeded):
        book(Posting(rent.id, 100), Posting(other.id, -99), Posting(ledger.bank, -1))
    with pytest.raises(funds.DecisionNeeded):
        w.accountant.do(
            funds.request_payment, ledger.id, against=rent.id, amount=Money(1), payee=w.teacher, purpose="x"
        )
    book(Posting(rent.id, 100), Posting(other.id, -100))
    assert (w.balance(rent.id), w.balance(other.id)) == (-800, -100)
    w.check()


def test_a_debt_is_paid_once_and_to_whom_it_is_owed(w: World) -> None:
    gift(w, 100)
    owed = w.accountant.do(
        funds.open_account, w.fund.id, name="应付：老师", type=AccountType.LIABILITY, party=w.teacher
    )
    expense = w.account("劳务支出", AccountType.EXPENSE)
    lines = (Posting(expense.id, 3_000), Posting(owed.id, -3_000))
    w.accountant.do(funds.post, w.fund.id, text="课酬", postings=lines)
    wanted = {"against": owed.id, "amount": Money(2_000), "purpose": "课酬"}
    with pytest.raises(BadValue, match="owed to another"):
        stranger = cc.people.PartyId(w.resident.actor.id)
        w.accountant.do(funds.request_payment, w.fund.id, payee=stranger, **wanted)  # type: ignore[arg-type]
    twice = [w.accountant.do(funds.request_payment, w.fund.id, payee=w.teacher, **wanted) for _ in range(2)]  # type: ignore[arg-type]
    for one in twice:
        w.approver.do(funds.approve_payment, one.id)
    w.accountant.do(funds.pay, twice[0].id)
    with pytest.raises(funds.NotEnough, match=r"holds 10\.00 CNY, and 20\.00"):
        w.accountant.do(funds.pay, twice[1].id)
    with pytest.raises(BadValue, match="nothing is paid against"):
        w.accountant.do(funds.request_payment, w.fund.id, payee=w.teacher, **{**wanted, "against": w.fund.bank})  # type: ignore[arg-type]
    assert (w.balance(owed.id), w.balance(w.fund.bank)) == (-1_000, 8_000)
    w.check()


def test_who_is_known_elsewhere_too_is_no_second_person(w: World) -> None:
    from communitycore.domain.roles import ACCOUNTANT, APPROVER
    from communitycore.kernel.jurisdiction import give

    gift(w, 100)
    expense = w.account("劳务支出", AccountType.EXPENSE)
    elsewhere = cc.Ref("018f99f3-2580-7001-8827-c20c582e4fff", "018f99f3-2580-7001-8827-c20c582e4aaa")
    w.admin.do(cc.people.link_same, cc.people.PartyId(w.approver.actor.id), same_as=elsewhere)
    w.admin.do(give, holder=elsewhere, role=ACCOUNTANT)
    w.admin.do(give, holder=elsewhere, role=APPROVER)
    wanted = {"against": expense.id, "amount": Money(100), "payee": w.teacher, "purpose": "课酬"}
    there = w.hub.desk(w.accountant.jurisdiction, elsewhere)
    asked = there.do(funds.request_payment, w.fund.id, **wanted)  # type: ignore[arg-type]
    with pytest.raises(funds.SecondPerson):
        w.approver.do(funds.approve_payment, asked.id)
    own = w.accountant.do(
        funds.request_payment,
        w.fund.id,
        **{**wanted, "payee": cc.people.PartyId(w.approver.actor.id)},  # type: ignore[arg-type]
    )
    with pytest.raises(funds.SecondPerson):
        there.do(funds.approve_payment, own.id)
    w.check()


def test_a_year_is_closed_once_it_is_over_and_its_books_are_shut(w: World) -> None:
    expense = w.account("活动支出", AccountType.EXPENSE)
    gift(w, 100)
    w.spend(expense, 2_500)
    with pytest.raises(funds.YearOpen):
        w.accountant.do(funds.close_year, w.fund.id, year=2024)
    w.clock.set(datetime(2025, 1, 10, tzinfo=UTC))
    gift(w, 7)
    w.spend(expense, 500, day=date(2024, 12, 30))
    late = (Posting(w.fund.bank, 500), Posting(expense.id, -500))
    assert w.accountant.do(funds.close_year, w.fund.id, year=2024).closed_until == date(2024, 12, 31)
    (closing,) = w.accountant.find(funds.FundEntry, cc.where(funds.FundEntry.origin, funds.Origin.CLOSING), limit=2)
    assert closing.day == date(2024, 12, 31)
    assert (w.balance(expense.id), w.balance(w.fund.gifts), w.balance(w.fund.surplus)) == (0, -700, -7_000)
    for no_year in (0, 10_000):
        with pytest.raises(BadValue, match="no year"):
            w.accountant.do(funds.close_year, w.fund.id, year=no_year)
    with pytest.raises(funds.YearShut):
        w.accountant.do(funds.close_year, w.fund.id, year=2024)
    with pytest.raises(funds.YearShut):
        w.accountant.do(funds.post, w.fund.id, text="x", postings=late, day=date(2024, 12, 31))
    with pytest.raises(funds.BookedOtherwise):
        w.accountant.do(funds.reverse, closing.id, reason="x")
    with pytest.raises(BadValue, match="still to come"):
        w.accountant.do(funds.post, w.fund.id, text="x", postings=late, day=date(2025, 1, 11))
    w.accountant.do(funds.post, w.fund.id, text="x", postings=late)
    w.check()


def test_a_ledger_is_closed_empty_and_stays_so(w: World) -> None:
    gift(w, 1)
    with pytest.raises(funds.LedgerNotEmpty):
        w.admin.do(funds.close_ledger, w.fund.id)
    expense = w.account("活动支出", AccountType.EXPENSE)
    w.spend(expense, 100)
    w.admin.do(funds.close_ledger, w.fund.id)
    with pytest.raises(funds.LedgerShut):
        gift(w, 1)


def test_errors_speak_both_languages(w: World) -> None:
    with pytest.raises(funds.NotEnough) as caught:
        stage = w.account("活动支出", AccountType.EXPENSE)
        lines = (Posting(stage.id, 5), Posting(w.fund.bank, -5))
        w.accountant.do(funds.post, w.fund.id, text="x", postings=lines)
    assert caught.value.say("en") == (
        "银行存款 holds 0.00 CNY, and 0.05 CNY is needed. Book what came in first, or take less."
    )
    assert "余额 0.00 CNY" in caught.value.say("zh")


def exported(w: World, ledger: funds.Ledger) -> str:
    accounts = w.accountant.find(funds.Account, cc.where(funds.Account.ledger, ledger.id), limit=500)
    entries = w.accountant.find(
        funds.FundEntry, cc.where(funds.FundEntry.ledger, ledger.id), limit=1_000, order=funds.FundEntry.day
    )
    return "".join(beancount(ledger, accounts, entries))


def test_beancount_text_says_what_the_books_say(w: World) -> None:
    yoga(w)
    settled(w, "123.45", 1)
    gift(w, 100)
    text = exported(w, w.fund)
    assert 'option "operating_currency" "CNY"' in text
    assert text.count(" * ") == 2
    assert text.count(" balance ") == 7
    assert "-银行存款  123.45 CNY" in text
    assert "-捐赠收入  -100.00 CNY" in text


@pytest.mark.skipif(
    shutil.which("bean-check") is None and not os.environ.get("COMMUNITYCORE_CI"),
    reason="bean-check is not installed: pip install beancount, in an environment of its own",
)
def test_bean_check_accepts_the_export(w: World, tmp_path: Path) -> None:
    yoga(w)
    w.account('怪名 "引号" \\ /:', AccountType.EXPENSE)
    settlement = settled(w, "123.45", 1)
    gift(w, 100)
    w.accountant.do(funds.refund, settlement.id, reason='取消 "停电" \\')
    file = tmp_path / "fund.beancount"
    file.write_text(exported(w, w.fund), encoding="utf-8")
    done = subprocess.run(["bean-check", str(file)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    file.write_text(exported(w, w.fund).replace("100.00 CNY", "100.01 CNY", 1), encoding="utf-8")
    assert subprocess.run(["bean-check", str(file)], capture_output=True, check=False, timeout=60).returncode == 1


def test_nobody_takes_money_out_alone(w: World) -> None:
    gift(w, 100)
    stage = w.account("活动支出", AccountType.EXPENSE)
    with pytest.raises(funds.PaymentNeeded):
        lines = (Posting(stage.id, 100), Posting(w.fund.bank, -100))
        w.accountant.do(funds.post, w.fund.id, text="自取", postings=lines)
    petty = w.account("备用金", AccountType.ASSET)
    w.accountant.do(funds.post, w.fund.id, text="提取", postings=(Posting(petty.id, 100), Posting(w.fund.bank, -100)))
    with pytest.raises(funds.PaymentNeeded):
        lines = (Posting(stage.id, 100), Posting(petty.id, -100))
        w.accountant.do(funds.post, w.fund.id, text="自取", postings=lines)
    assert w.spend(stage, 100).status is funds.DisbursementStatus.PAID
    w.check()


def test_r23_whose_account_it_is_is_not_published_unless_that_is_said(w: World) -> None:
    owed = w.accountant.do(funds.open_account, w.fund.id, name="应付：甲", type=AccountType.LIABILITY, party=w.teacher)
    debts = lambda: [s for s in w.resident.ask(funds.statement, w.fund.id).sums if s.type is AccountType.LIABILITY]  # noqa: E731
    assert [(s.name, s.related) for s in debts()] == [(None, False)]
    w.accountant.do(funds.mark_account, owed.id, withheld=False, related=True)
    assert [(s.name, s.related) for s in debts()] == [("应付：甲", True)]


def test_a_vote_that_is_still_to_come_is_no_decision(w: World) -> None:
    with pytest.raises(BadValue, match="still to come"):
        w.accountant.do(funds.record_decision, title="x", area=ALL, heads=ALL, day=date(2034, 1, 1))
