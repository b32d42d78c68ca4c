"""Ledgers 账簿 and what is booked in them 记账: every entry balances, and no ledger pays for another undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Any

from attrs import evolve

from communitycore.domain.funds.errors import (
    AlreadyReversed,
    BookedOtherwise,
    DecisionNeeded,
    LedgerNotEmpty,
    LedgerShut,
    NotDecided,
    NotEnough,
    PaymentNeeded,
    Unbalanced,
    WrongLedger,
    YearOpen,
    YearShut,
)
from communitycore.domain.funds.records import (
    Account,
    AccountId,
    AccountType,
    DecisionStatus,
    FundEntry,
    FundEntryId,
    Ledger,
    LedgerId,
    LedgerKind,
    LedgerStatus,
    Origin,
    OwnersDecision,
    OwnersDecisionId,
    Posting,
)
from communitycore.domain.people import PartyId, active_party
from communitycore.domain.places.words import AS_IS, Keep, check_name
from communitycore.domain.roles import ACCOUNTANT
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR, Jurisdiction
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.rules import role
from communitycore.kernel.view import View

POSTINGS_MAX = 300
ACCOUNTS_MAX = 250  # so that closing a year is one entry
OWNERS = frozenset({AccountType.INCOME, AccountType.EQUITY})
"""Accounts of what belongs to the owners, which only their decision takes away (R19)."""


@command("funds.open_ledger", may=role(ADMINISTRATOR))
def open_ledger(view: View, *, name: str, kind: LedgerKind, currency: str = "CNY") -> Change[Ledger]:
    """Open a ledger 设立账簿, with accounts for bank, transfers, gifts and what years leave over. Raises BadValue."""
    Money(0, currency)  # says so if that is no currency
    id = view.new(Ledger)
    bank, transfers, gifts, surplus = (
        _account(view, id, name, type)
        for name, type in (
            ("银行存款", AccountType.ASSET),
            ("账簿间划转", AccountType.EQUITY),
            ("捐赠收入", AccountType.INCOME),
            ("累计结余", AccountType.EQUITY),
        )
    )
    ledger = Ledger(
        id=id,
        name=check_name(name),
        kind=kind,
        currency=currency,
        bank=bank.id,
        transfers=transfers.id,
        gifts=gifts.id,
        surplus=surplus.id,
    )
    return begin("ledger.opened", ledger).also(*(begin("account.opened", a) for a in (bank, transfers, gifts, surplus)))


@command("funds.open_account", may=role(ACCOUNTANT))
def open_account(
    view: View,
    ledger_id: LedgerId,
    *,
    name: str,
    type: AccountType,
    party: PartyId | None = None,
    related: bool = False,
    withheld: bool | None = None,
) -> Change[Account]:
    """Open an account 开设科目; its name is unique in the ledger.

    party: to whom it says what is owed. related: the keepers of the ledger are close to them. withheld: its name, which
    may be somebody's, is not published (R23); None: where it is of a party. Raises LedgerShut, PartyGone, NotUnique,
    BadValue for more accounts than a ledger takes.
    """
    ledger = open_one(view, ledger_id)
    if party is not None:
        active_party(view, party)
    if len(accounts_of(view, ledger.id)) >= ACCOUNTS_MAX:
        raise BadValue(
            field="ledger",
            why=f"it has {ACCOUNTS_MAX} accounts already; open another ledger",
            why_zh=f"该账簿已有 {ACCOUNTS_MAX} 个科目，请另设账簿",
        )
    account = evolve(
        _account(view, ledger.id, name, type),
        party=party,
        related=related,
        withheld=party is not None if withheld is None else withheld,
    )
    return begin("account.opened", account)


@command("funds.mark_account", may=role(ACCOUNTANT))
def mark_account(
    view: View, account_id: AccountId, *, related: bool | Keep = AS_IS, withheld: bool | Keep = AS_IS
) -> Change[Account]:
    """Say anew whether an account's party is related 关联方, and whether its name is published (R23)."""
    account = view.get(Account, account_id)
    marked = evolve(
        account,
        related=account.related if related is AS_IS else related,
        withheld=account.withheld if withheld is AS_IS else withheld,
    )
    return unchanged(account) if marked == account else step("account.marked", account, marked)


@command("funds.post", may=role(ACCOUNTANT))
def post(
    view: View, ledger_id: LedgerId, *, text: str, postings: tuple[Posting, ...], day: date | None = None
) -> Change[FundEntry]:
    """Book an entry 记账. day: of what is booked; None: today.

    Raises Unbalanced, WrongLedger, LedgerShut, NotEnough if an asset would fall below nothing, BadValue; PaymentNeeded
    if the assets would come to less, since nobody pays alone; and DecisionNeeded if income and what years left over
    would, or where it is between ledgers (R18, R19).
    """
    ledger = open_one(view, ledger_id)
    entry = booked(view, ledger, text, postings, day=day)
    lines = [(view.get(Account, line.account), line.amount) for line in postings]
    theirs = [(account, amount) for account, amount in lines if account.type in OWNERS]
    less = sum(amount for _, amount in theirs) > 0
    for account, amount in theirs:
        if account.id == ledger.transfers or (less and amount > 0):
            raise DecisionNeeded(account=account.name)
    if sum(amount for account, amount in lines if account.type is AccountType.ASSET) < 0:
        raise PaymentNeeded(ledger=ledger.name)
    return entry


@command("funds.reverse", may=role(ACCOUNTANT))
def reverse(view: View, entry_id: FundEntryId, *, reason: str) -> Change[FundEntry]:
    """Take an entry back 冲回, posting by posting; a transfer's other side with it.

    Raises BookedOtherwise for one that a gift, a payment, a settlement or a reversal made, which is taken back itself;
    AlreadyReversed; NotEnough where the money is no longer there.
    """
    entry = view.get(FundEntry, entry_id)
    if entry.origin is Origin.POSTED:
        return back_of(view, entry, reason)
    if entry.origin is not Origin.TRANSFER or entry.decision is None:
        raise BookedOtherwise(entry=entry.id, origin=entry.origin.value, origin_zh=entry.origin.zh)
    twin = view.get(FundEntry, entry.twin) if entry.twin else view.one(FundEntry, where(FundEntry.twin, entry.id))
    assert twin is not None, "a transfer is booked on both sides"
    decision = view.get(OwnersDecision, entry.decision)
    freed = unused(decision, sum(p.amount for p in entry.postings if p.amount > 0))
    return back_of(view, entry, reason).also(back_of(view, twin, reason), freed)


@command("funds.transfer", may=role(ACCOUNTANT))
def transfer(view: View, decision_id: OwnersDecisionId, *, amount: Money, text: str) -> Change[FundEntry]:
    """Move money from one ledger to another 账簿间划转, as an adopted decision permits (R18); gives the paying side.

    Raises NotDecided, NotEnough, LedgerShut.
    """
    decision = view.get(OwnersDecision, decision_id)
    if decision.of is None or decision.to is None:
        raise not_decided(decision, "it names no transfer", "未包含划转事项")
    of, to = open_one(view, decision.of), open_one(view, decision.to)
    value = minor(amount, of)
    spent = used(decision, value, of.currency)
    permitted: dict[str, Any] = {"decision": decision.id, "origin": Origin.TRANSFER}
    paid = booked(view, of, text, _pair(of.transfers, of.bank, value), **permitted)
    received = booked(view, to, text, _pair(to.bank, to.transfers, value), twin=paid.result.id, **permitted)
    return paid.also(received, spent)


@command("funds.close_ledger", may=role(ADMINISTRATOR))
def close_ledger(view: View, ledger_id: LedgerId) -> Change[Ledger]:
    """Close a ledger 停用账簿 whose assets and debts are nothing. Raises LedgerNotEmpty, LedgerShut."""
    ledger = open_one(view, ledger_id)
    for account in accounts_of(view, ledger.id):
        if account.balance and account.type in (AccountType.ASSET, AccountType.LIABILITY):
            raise LedgerNotEmpty(name=ledger.name, account=account.name)
    return step("ledger.closed", ledger, evolve(ledger, status=LedgerStatus.CLOSED))


@command("funds.close_year", may=role(ACCOUNTANT))
def close_year(view: View, ledger_id: LedgerId, *, year: int) -> Change[Ledger]:
    """Close a year 年终结转: what its income and expenses come to goes to the surplus, and the year's books are shut.

    One that is over closes those before it along with it. Raises YearOpen for one that is not, YearShut for one that
    was closed, LedgerShut, BadValue for what is no year.
    """
    ledger = open_one(view, ledger_id)
    if not MINYEAR <= year <= MAXYEAR:
        raise BadValue(field="year", why=f"{year} is no year", why_zh=f"{year} 不是年份")
    end = date(year, 12, 31)
    if today(view) <= end:
        raise YearOpen(year=year)
    if ledger.closed_until is not None and end <= ledger.closed_until:
        raise YearShut(name=ledger.name, day=ledger.closed_until)
    later: Counter[str] = Counter()
    for entry in _since(view, ledger.id, end + timedelta(days=1)):
        later.update({posting.account: posting.amount for posting in entry.postings})
    balances = {
        account.id: account.balance - later[account.id]
        for account in accounts_of(view, ledger.id)
        if account.type in (AccountType.INCOME, AccountType.EXPENSE)
    }
    lines = [Posting(account, -balance) for account, balance in balances.items() if balance]
    left = sum(balances.values())
    lines += [Posting(ledger.surplus, left)] if left else []
    closed = step("ledger.year_closed", ledger, evolve(ledger, closed_until=end))
    if not lines:
        return closed
    return closed.also(booked(view, ledger, f"{year} 年度结转", lines, day=end, origin=Origin.CLOSING))


# What other commands build on


def used(decision: OwnersDecision, value: int, currency: str) -> Change[OwnersDecision]:
    """So much more of what a decision permits is spent. Raises NotDecided."""
    if decision.status is not DecisionStatus.ADOPTED:
        raise not_decided(decision, "it was not adopted", "未获通过")
    if decision.spent + value > decision.most:
        left = Money(decision.most - decision.spent, currency)
        raise not_decided(decision, f"{left} is left of it", f"剩余额度 {left}")
    return step("decision.used", decision, evolve(decision, spent=decision.spent + value))


def unused(decision: OwnersDecision, value: int) -> Change[OwnersDecision]:
    """So much of what a decision permits was taken back."""
    return step("decision.freed", decision, evolve(decision, spent=decision.spent - value))


def booked(
    view: View,
    ledger: Ledger,
    text: str,
    postings: Iterable[Posting],
    *,
    day: date | None = None,
    source: Ref | None = None,
    decision: OwnersDecisionId | None = None,
    twin: FundEntryId | None = None,
    reverses: FundEntryId | None = None,
    origin: Origin = Origin.POSTED,
    id: FundEntryId | None = None,
) -> Change[FundEntry]:
    """An entry, and its accounts' balances moved along. id: what it is to be known by, if that was drawn already."""
    now = today(view)
    on = day or now
    if on > now:
        raise BadValue(field="day", why=f"{on} is still to come; book it then", why_zh=f"{on} 尚未到来，请届时记账")
    if ledger.closed_until is not None and on <= ledger.closed_until:
        raise YearShut(name=ledger.name, day=ledger.closed_until)
    if not text.strip():
        raise BadValue(field="text", why="it is blank; say what is booked", why_zh="摘要为空，请填写")
    lines = tuple(postings)
    if not 2 <= len(lines) <= POSTINGS_MAX or any(type(p.amount) is not int or not p.amount for p in lines):
        raise BadValue(
            field="postings",
            why=f"an entry has from 2 to {POSTINGS_MAX} postings, none of nothing",
            why_zh=f"每笔凭证应有 2 至 {POSTINGS_MAX} 行，且金额不为零",
        )
    if len({p.account for p in lines}) < len(lines):
        raise BadValue(field="postings", why="an account stands there twice", why_zh="同一科目出现两次")
    if off := sum(p.amount for p in lines):
        raise Unbalanced(off=off)
    moved = [_moved(view, ledger, line) for line in lines]
    entry = FundEntry(
        id=id or view.new(FundEntry),
        ledger=ledger.id,
        day=on,
        text=text,
        postings=lines,
        origin=origin,
        source=source,
        decision=decision,
        twin=twin,
        reverses=reverses,
    )
    return begin("entry.booked", entry).also(*moved)


def back_of(view: View, entry: FundEntry, reason: str) -> Change[FundEntry]:
    """The entry that takes another back. Raises AlreadyReversed, NotEnough, LedgerShut."""
    if entry.reversed_by is not None:
        raise AlreadyReversed(entry=entry.id, by=entry.reversed_by)
    lines = [Posting(p.account, -p.amount) for p in entry.postings]
    back = booked(
        view,
        open_one(view, entry.ledger),
        reason,
        lines,
        source=entry.source,
        reverses=entry.id,
        origin=Origin.REVERSAL,
    )
    return back.also(step("entry.reversed", entry, evolve(entry, reversed_by=back.result.id)))


def open_one(view: View, id: LedgerId) -> Ledger:
    """The ledger, if it is open. Raises NotFound, LedgerShut."""
    ledger = view.get(Ledger, id)
    if ledger.status is not LedgerStatus.OPEN:
        raise LedgerShut(name=ledger.name)
    return ledger


def accounts_of(view: View, ledger: LedgerId) -> list[Account]:
    """All accounts of a ledger, by id."""
    return view.find(Account, where(Account.ledger, ledger), limit=ACCOUNTS_MAX)


def minor(amount: Money, ledger: Ledger) -> int:
    """The minor units of an amount above nothing, in the ledger's currency. Raises BadValue."""
    if amount.currency != ledger.currency or amount.amount <= 0:
        raise BadValue(
            field="amount",
            why=f"{amount} is no amount of {ledger.currency} above nothing",
            why_zh=f"{amount} 不是大于零的 {ledger.currency} 金额",
        )
    return amount.amount


def today(view: View) -> date:
    """The day in the jurisdiction."""
    return view.get(Jurisdiction, view.jurisdiction).day(view.now)


def _pair(debit: AccountId, credit: AccountId, value: int) -> tuple[Posting, Posting]:
    return Posting(debit, value), Posting(credit, -value)


def _account(view: View, ledger: LedgerId, name: str, type: AccountType) -> Account:
    return Account(
        id=view.new(Account), ledger=ledger, name=check_name(name), title=f"{ledger}/{name.strip()}", type=type
    )


def _moved(view: View, ledger: Ledger, line: Posting) -> Change[Account]:
    account = view.get(Account, line.account)
    if account.ledger != ledger.id:
        raise WrongLedger(account=account.name, ledger=ledger.name)
    balance = account.balance + line.amount
    if account.type is AccountType.ASSET and balance < 0 and line.amount < 0:
        there, needed = Money(account.balance, ledger.currency), Money(-line.amount, ledger.currency)
        raise NotEnough(account=account.name, there=str(there), needed=str(needed))
    return step("account.moved", account, evolve(account, balance=balance))


def not_decided(decision: OwnersDecision, why: str, why_zh: str) -> NotDecided:
    """The refusal of what a decision does not permit."""
    return NotDecided(decision=decision.title, why=why, why_zh=why_zh)


def _since(view: View, ledger: LedgerId, day: date) -> Iterator[FundEntry]:
    last: FundEntry | None = None
    these = (where(FundEntry.ledger, ledger), where(FundEntry.day, at_least=day))
    while page := view.find(FundEntry, *these, limit=1_000, order=FundEntry.day, after=last):
        yield from page
        last = page[-1]
