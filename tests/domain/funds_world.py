"""A community with a fund, its keepers, and those who are paid, for the tests of funds."""

from __future__ import annotations

from datetime import date

from attrs import frozen

import communitycore as cc
from communitycore import funds, people
from communitycore.domain.people import PartyId
from communitycore.domain.roles import ACCOUNTANT, APPROVER, CLERK, SUPERVISOR
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

CODE = "370115002023"


@frozen(kw_only=True)
class World:
    """Who there is, and the fund's ledger."""

    hub: cc.Hub
    clock: Clock
    admin: cc.Desk
    accountant: cc.Desk
    approver: cc.Desk
    resident: cc.Desk
    teacher: PartyId
    fund: funds.Ledger

    def account(self, name: str, type: funds.AccountType, ledger: funds.Ledger | None = None) -> funds.Account:
        return self.accountant.do(funds.open_account, (ledger or self.fund).id, name=name, type=type)

    def balance(self, account: str) -> int:
        return self.accountant.get(funds.Account, funds.AccountId(account)).balance

    def ledgers(self) -> list[funds.Ledger]:
        return self.accountant.find(funds.Ledger, limit=100)

    def spend(
        self, account: funds.Account, cents: int, ledger: funds.Ledger | None = None, day: date | None = None
    ) -> funds.Disbursement:
        """A payment, asked for, approved by another, and made."""
        asked = self.accountant.do(
            funds.request_payment,
            (ledger or self.fund).id,
            against=account.id,
            amount=cc.Money(cents),
            payee=self.teacher,
            purpose="活动用品",
        )
        self.approver.do(funds.approve_payment, asked.id)
        return self.accountant.do(funds.pay, asked.id, day=day)

    def check(self) -> None:
        """Every ledger balances, and balances are what its entries say."""
        for ledger in self.ledgers():
            accounts = self.accountant.find(funds.Account, cc.where(funds.Account.ledger, ledger.id), limit=500)
            entries = self.accountant.find(funds.FundEntry, cc.where(funds.FundEntry.ledger, ledger.id), limit=1_000)
            assert sum(account.balance for account in accounts) == 0
            sums = dict.fromkeys((account.id for account in accounts), 0)
            for entry in entries:
                assert sum(posting.amount for posting in entry.postings) == 0
                for posting in entry.postings:
                    sums[posting.account] += posting.amount
            assert sums == {account.id: account.balance for account in accounts}
            for account in accounts:
                assert account.type is not funds.AccountType.ASSET or account.balance >= 0


def world(url: str = "memory://", seed: int = 7) -> World:
    clock = Clock()
    hub = cc.open(url, clock=clock, entropy=seeded(seed))
    hub.found(CODE, name="汇鑫社区", level="community")
    admin = hub.desk(CODE, hub.administrator(CODE))
    admin.do(give, holder=admin.actor, role=CLERK)
    desks = {}
    for name, role in (("会计", ACCOUNTANT), ("审批人", APPROVER), ("监督员", SUPERVISOR), ("居民", None)):
        party = admin.do(people.register, name=name)
        ref = cc.Ref(admin.jurisdiction, party.id)
        if role is not None:
            admin.do(give, holder=ref, role=role)
        desks[name] = hub.desk(CODE, ref)
    teacher = admin.do(people.register, name="瑜伽老师").id
    fund = admin.do(funds.open_ledger, name="汇鑫社区基金", kind=funds.LedgerKind.COMMUNITY_FUND)
    return World(
        hub=hub,
        clock=clock,
        admin=admin,
        accountant=desks["会计"],
        approver=desks["审批人"],
        resident=desks["居民"],
        teacher=teacher,
        fund=fund,
    )
