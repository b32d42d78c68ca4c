"""What a fund's books hold: ledgers, accounts, entries, decisions, gifts, disbursements, and split rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, NewType

from communitycore.domain.people import PartyId
from communitycore.domain.places.words import Word
from communitycore.domain.roles import ACCOUNTANT, APPROVER, SUPERVISOR
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.money import Money
from communitycore.kernel.record import PUBLIC, Indexed, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import own, role
from communitycore.kernel.splits import Share
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen

LedgerId = NewType("LedgerId", str)
AccountId = NewType("AccountId", str)
FundEntryId = NewType("FundEntryId", str)
OwnersDecisionId = NewType("OwnersDecisionId", str)
DonationId = NewType("DonationId", str)
DonorId = NewType("DonorId", str)
DisbursementId = NewType("DisbursementId", str)
SplitRuleId = NewType("SplitRuleId", str)
SettlementId = NewType("SettlementId", str)
BankMatchId = NewType("BankMatchId", str)

BOOKS = role(ADMINISTRATOR, ACCOUNTANT, APPROVER, SUPERVISOR)
TITLE_MAX = 200
TEXT_MAX = 500


class LedgerKind(Word):
    """Whose money it is; what is of one kind never pays for another without a decision (R18)."""

    MAINTENANCE = "maintenance", "维修资金"
    COMMON_INCOME = "common_income", "业主共有收益"
    COMMUNITY_FUND = "community_fund", "社区基金"
    PROJECT = "project", "项目资金"


class LedgerStatus(Word):
    """Whether anything is booked in it."""

    OPEN = "open", "启用"
    CLOSED = "closed", "停用"


LEDGER_STATES = States(LedgerStatus, start={LedgerStatus.OPEN}, then={LedgerStatus.OPEN: {LedgerStatus.CLOSED}})


class AccountType(Word):
    """What a balance means; debits are positive, so income and what is owed to others are below zero."""

    ASSET = "asset", "资产"
    LIABILITY = "liability", "负债"
    EQUITY = "equity", "净资产"
    INCOME = "income", "收入"
    EXPENSE = "expense", "支出"


class Origin(Word):
    """What an entry was booked by."""

    POSTED = "posted", "记账"
    TRANSFER = "transfer", "划转"
    DONATION = "donation", "捐赠"
    PAYMENT = "payment", "支付"
    SETTLEMENT = "settlement", "结算"
    REVERSAL = "reversal", "冲回"
    CLOSING = "closing", "年终结转"


class DecisionStatus(Word):
    """What came of a vote."""

    ADOPTED = "adopted", "通过"
    REJECTED = "rejected", "未通过"


class DisbursementStatus(Word):
    """How far a payment has come."""

    REQUESTED = "requested", "待审批"
    APPROVED = "approved", "已审批"
    REFUSED = "refused", "未批准"
    PAID = "paid", "已支付"
    CANCELLED = "cancelled", "已撤销"
    RETURNED = "returned", "已退回"


DISBURSEMENT_STATES = States(
    DisbursementStatus,
    start={DisbursementStatus.REQUESTED},
    then={
        DisbursementStatus.REQUESTED: {
            DisbursementStatus.APPROVED,
            DisbursementStatus.REFUSED,
            DisbursementStatus.CANCELLED,
        },
        DisbursementStatus.APPROVED: {DisbursementStatus.PAID, DisbursementStatus.CANCELLED},
        DisbursementStatus.PAID: {DisbursementStatus.RETURNED},
    },
)


class BankMatchStatus(Word):
    """Whether it still stands."""

    CONFIRMED = "confirmed", "已确认"
    WITHDRAWN = "withdrawn", "已撤销"


BANK_MATCH_STATES = States(
    BankMatchStatus,
    start={BankMatchStatus.CONFIRMED},
    then={BankMatchStatus.CONFIRMED: {BankMatchStatus.WITHDRAWN}},
)


@record("fund_ledger", states=LEDGER_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Ledger(Record[LedgerId]):
    """One set of books 账簿, in one currency.

    bank, transfers, gifts, surplus: the accounts that every ledger has. receipts: the number of the last receipt.
    closed_until: the last day of the last year that was closed; nothing is booked in it any more.
    """

    name: Annotated[str, Max(TITLE_MAX)]
    kind: Indexed[LedgerKind]
    currency: Annotated[str, Max(3)]
    bank: AccountId
    transfers: AccountId
    gifts: AccountId
    surplus: AccountId
    receipts: int = 0
    closed_until: date | None = None
    status: Indexed[LedgerStatus] = LedgerStatus.OPEN


@record("fund_account", read=BOOKS)
@frozen(kw_only=True)
class Account(Record[AccountId]):
    """An account 科目. title: its ledger's id and its name, which no other has.

    balance: in minor units, kept up to date; debits 借 are above zero, credits 贷 below. party: whose it is, where
    it says what is owed to somebody; related: whom the ledger's keepers are close to; withheld: its name is not
    published (R23).
    """

    ledger: Indexed[LedgerId]
    name: Annotated[str, Max(80)]
    title: Unique[str]
    type: Indexed[AccountType]
    balance: int = 0
    party: Indexed[PartyId | None] = None
    related: bool = False
    withheld: bool = False


@frozen
class Posting:
    """One line of an entry 分录行: minor units to an account, a debit 借 above zero, a credit 贷 below."""

    account: AccountId
    amount: int


@record("fund_entry", read=BOOKS)
@frozen(kw_only=True)
class FundEntry(Record[FundEntryId]):
    """A booking 记账凭证: postings of one ledger that sum to zero. It is never changed, only taken back by another.

    reverses, reversed_by: that other. source: what it was booked for, such as a session. decision: of a transfer
    between ledgers; on its receiving side `twin` is the paying one.
    """

    ledger: Indexed[LedgerId]
    day: Indexed[date]
    text: Annotated[str, Max(TEXT_MAX)]
    postings: tuple[Posting, ...]
    origin: Indexed[Origin] = Origin.POSTED
    source: Indexed[Ref | None] = None
    decision: Indexed[OwnersDecisionId | None] = None
    twin: Indexed[FundEntryId | None] = None
    reverses: FundEntryId | None = None
    reversed_by: FundEntryId | None = None


@frozen(kw_only=True)
class Count:
    """A vote counted one way 计票: by floor area in square centimetres, or by heads."""

    all: int
    took_part: int
    agreed: int


@record("owners_decision", read=PUBLIC)
@frozen(kw_only=True)
class OwnersDecision(Record[OwnersDecisionId]):
    """A decision of the owners 业主共同决定, by area and by headcount (R20).

    grave: one of those that need three quarters. of, to, most: the transfer that it permits, or without `to` what may
    be distributed; spent: how much of it was made, in minor units.
    """

    title: Annotated[str, Max(TITLE_MAX)]
    day: date
    grave: bool
    area: Count
    heads: Count
    status: Indexed[DecisionStatus]
    of: Indexed[LedgerId | None] = None
    to: LedgerId | None = None
    most: int = 0
    spent: int = 0


@record("donation", read=PUBLIC)
@frozen(kw_only=True)
class Donation(Record[DonationId]):
    """A gift 捐赠, as anybody may see it: how its donor asks to be named stands with the donor (R23)."""

    ledger: Indexed[LedgerId]
    amount: Money
    purpose: Annotated[str, Max(TITLE_MAX)]
    day: Indexed[date]
    receipt: int
    related: bool = False
    entry: FundEntryId
    returned: Indexed[FundEntryId | None] = None


@record("donor", read=role(ACCOUNTANT) | own("party"), owner="party")
@frozen(kw_only=True)
class Donor(Record[DonorId]):
    """Who gave 捐赠人; without one the gift stands as an anonymous one's record (R21).

    name: as what the receipt names them. shown: as what the public does; None: not at all (R23).
    """

    donation: Indexed[DonationId]
    party: Indexed[PartyId]
    name: Personal[Annotated[str, Max(TITLE_MAX)] | None] = None
    shown: Personal[Annotated[str, Max(80)] | None] = None


@record("disbursement", states=DISBURSEMENT_STATES, read=BOOKS)
@frozen(kw_only=True)
class Disbursement(Record[DisbursementId]):
    """A payment out of a ledger 支出申请: asked for by one, approved by another, then paid."""

    ledger: Indexed[LedgerId]
    against: AccountId
    amount: Money
    payee: Indexed[PartyId]
    purpose: Annotated[str, Max(TEXT_MAX)]
    asked_by: Ref
    approved_by: Ref | None = None
    reason: Annotated[str, Max(TEXT_MAX)] | None = None
    decision: Indexed[OwnersDecisionId | None] = None
    entry: FundEntryId | None = None
    status: Indexed[DisbursementStatus] = DisbursementStatus.REQUESTED


@record("split_rule", read=BOOKS, standing=True)
@frozen(kw_only=True)
class SplitRule(Record[SplitRuleId]):
    """A version of a rule by which takings are split 分账规则, under its agreement.

    name: the same for all versions. shares: each `to` is an account of the ledger, or a group. since, until: when it
    is in force.
    """

    name: Annotated[str, Max(TITLE_MAX)]
    number: int
    ledger: LedgerId
    agreement: Annotated[str, Max(TITLE_MAX)]
    shares: tuple[Share, ...]
    since: datetime
    until: datetime | None = None

    def in_force(self, moment: datetime) -> bool:
        """Whether it is the one to split by at `moment`."""
        return self.since <= moment and (self.until is None or moment < self.until)


@frozen
class Owed:
    """What somebody is owed beyond their parts 结转, as `numerator/denominator` of a minor unit."""

    to: str
    part: str


@record("settlement", read=BOOKS)
@frozen(kw_only=True)
class Settlement(Record[SettlementId]):
    """Takings that were split 结算. source: what they were taken for, settled once; None after a refund.

    left: what this one left owed. rule, latest: of several under one rule the latest tells in `owed` what all together
    left, which the next one takes along. refunded: the entry that took it back.
    """

    rule: Indexed[SplitRuleId]
    of: Ref
    source: Unique[str | None]
    whole: Money
    amounts: tuple[Posting, ...]
    entry: FundEntryId
    latest: Unique[str | None]
    left: tuple[Owed, ...] = ()
    owed: tuple[Owed, ...] = ()
    refunded: FundEntryId | None = None


@record("bank_match", states=BANK_MATCH_STATES, read=BOOKS)
@frozen(kw_only=True)
class BankMatch(Record[BankMatchId]):
    """A line of the bank's statement and an entry that it is, or is the sum of with others, confirmed 对账确认.

    line: a digest that knows the line again, since what a bank writes of it may name people. day, amount: the line's.
    holds: the entry once more, while it stands, so that no other line is confirmed to be it.
    """

    ledger: Indexed[LedgerId]
    line: Indexed[str]
    day: Indexed[date]
    amount: Money
    entry: FundEntryId
    holds: Unique[FundEntryId | None]
    status: Indexed[BankMatchStatus] = BankMatchStatus.CONFIRMED
