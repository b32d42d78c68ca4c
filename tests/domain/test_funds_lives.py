"""Random lives of a fund: whatever happens, every ledger balances after every step."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.domain.funds_world import world

import communitycore as cc
from communitycore import funds
from communitycore.domain.funds import AccountType, Count, LedgerKind, Posting
from communitycore.kernel.errors import Refused
from communitycore.kernel.money import Money

cents = st.integers(1, 50_000)
ALL = Count(all=100, took_part=100, agreed=100)


class Lives(RuleBasedStateMachine):
    """Gifts, sessions, splits, refunds, payments, transfers with and without a decision, and the end."""

    def __init__(self) -> None:
        super().__init__()
        self.w = w = world()
        self.project = w.admin.do(funds.open_ledger, name="项目", kind=LedgerKind.PROJECT)
        self.expense = w.account("活动支出", AccountType.EXPENSE)
        self.partner = w.account("应付：老师", AccountType.LIABILITY)
        self.income = w.account("低偿服务收入", AccountType.INCOME)
        self.agree(5)
        self.gifts: list[funds.Donation] = []
        self.settlements: list[funds.Settlement] = []
        self.entries: list[funds.FundEntry] = []
        self.asked: list[funds.Disbursement] = []
        self.count = 0

    @rule(tenths=st.integers(0, 10))
    def agree(self, tenths: int) -> None:
        shares = (cc.ratio(self.partner.id, f"0.{tenths}" if tenths < 10 else "1"), cc.rest(self.income.id))
        self.w.accountant.do(funds.agree, self.w.fund.id, name="课", agreement="协议", shares=shares)

    @rule(amount=cents, shown=st.sampled_from([None, "张先生"]))
    def give(self, amount: int, shown: str | None) -> None:
        before = len(self.gifts)
        wanted = {"amount": Money(amount), "purpose": "x", "donor": self.w.teacher, "shown": shown}
        made = self.w.accountant.do(funds.donate, self.w.fund.id, **wanted)  # type: ignore[arg-type]
        assert made.receipt == before + 1
        self.gifts.append(made)

    @rule(amount=cents)
    def settle(self, amount: int) -> None:
        self.count += 1
        source = cc.Ref(self.w.accountant.jurisdiction, f"s-{self.count}")
        takings = Money(amount)
        made = self.w.accountant.do(funds.settle, self.w.fund.id, rule="课", takings=takings, source=source, text="课")
        assert sum(posting.amount for posting in made.amounts) == amount
        self.settlements.append(made)

    @rule(pick=st.randoms(use_true_random=False))
    def take_back(self, pick: object) -> None:
        for several, command in ((self.settlements, funds.refund), (self.gifts, funds.return_gift)):
            if several:
                with suppress(Refused):
                    self.w.accountant.do(command, pick.choice(several).id, reason="x")  # type: ignore[attr-defined]
        if self.entries:
            with suppress(Refused):
                self.w.accountant.do(funds.reverse, pick.choice(self.entries).id, reason="x")  # type: ignore[attr-defined]

    @rule(amount=cents)
    def spend(self, amount: int) -> None:
        lines = (Posting(self.expense.id, amount), Posting(self.w.fund.bank, -amount))
        with pytest.raises((funds.NotEnough, funds.PaymentNeeded)):
            self.w.accountant.do(funds.post, self.w.fund.id, text="x", postings=lines)
        with suppress(funds.NotEnough):
            self.w.spend(self.expense, amount)

    @rule(amount=cents)
    def take_in(self, amount: int) -> None:
        lines = (Posting(self.w.fund.bank, amount), Posting(self.expense.id, -amount))
        self.entries.append(self.w.accountant.do(funds.post, self.w.fund.id, text="x", postings=lines))

    @rule(amount=cents)
    def ask(self, amount: int) -> None:
        wanted = {"against": self.partner.id, "amount": Money(amount), "payee": self.w.teacher, "purpose": "x"}
        self.asked.append(self.w.accountant.do(funds.request_payment, self.w.fund.id, **wanted))  # type: ignore[arg-type]

    @rule(n=st.integers(0, 20))
    def pay(self, n: int) -> None:
        if self.asked:
            wanted = self.asked[n % len(self.asked)].id
            with suppress(Refused):
                self.w.approver.do(funds.approve_payment, wanted)
            with suppress(Refused):
                self.w.accountant.do(funds.pay, wanted)
            if n % 3 == 0:
                with suppress(Refused):
                    self.w.accountant.do(funds.return_payment, wanted, reason="x")

    @rule(amount=cents, agreed=st.integers(70, 80))
    def move(self, amount: int, agreed: int) -> None:
        vote = Count(all=100, took_part=100, agreed=agreed)
        asked = {"title": "x", "area": ALL, "heads": vote, "grave": True}
        transfer = {"of": self.w.fund.id, "to": self.project.id, "most": Money(amount)}
        decision = self.w.accountant.do(funds.record_decision, **asked, **transfer)  # type: ignore[arg-type]
        before = self.w.balance(self.project.bank)
        with suppress(Refused):
            self.entries.append(self.w.accountant.do(funds.transfer, decision.id, amount=Money(amount), text="x"))
            assert agreed >= 75
            assert self.w.balance(self.project.bank) == before + amount

    @rule()
    def end(self) -> None:
        with suppress(Refused):
            self.w.admin.do(funds.close_ledger, self.project.id)
            assert self.w.balance(self.project.bank) == 0
            self.project = self.w.admin.do(funds.open_ledger, name="项目", kind=LedgerKind.PROJECT)

    @rule()
    def new_year(self) -> None:
        year = self.w.clock().year
        self.w.clock.set(datetime(year + 1, 1, 2, tzinfo=UTC))
        self.w.accountant.do(funds.close_year, self.w.fund.id, year=year)
        assert self.w.balance(self.expense.id) == self.w.balance(self.income.id) == 0

    @invariant()
    def every_ledger_balances(self) -> None:
        self.w.check()

    def teardown(self) -> None:
        assert self.w.hub.verify().ok


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
