"""A ledger as it is published 收支公示, gifts as their donors wish to be shown (R23), and as accountants read it."""

from __future__ import annotations

from communitycore.domain.funds.books import accounts_of
from communitycore.domain.funds.records import (
    BOOKS,
    Account,
    AccountType,
    Donation,
    Donor,
    FundEntry,
    Ledger,
    LedgerId,
    LedgerKind,
)
from communitycore.kernel.command import read
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.record import PUBLIC
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

GIFTS_SHOWN = 100
PAGE = 500


@frozen
class Sum:
    """One account's balance, as a person reads it: income and debts above zero like assets and expenses.

    name: None where it is withheld.
    """

    name: str | None
    type: AccountType
    amount: Money
    related: bool


@frozen
class Gift:
    """A gift, as its donor wishes it shown. shown: None for one who does not."""

    receipt: int
    amount: Money
    purpose: str
    shown: str | None
    related: bool


@frozen
class Statement:
    """What is published of a ledger. gifts: the latest that were not given back, newest first."""

    ledger: str
    kind: LedgerKind
    sums: tuple[Sum, ...]
    gifts: tuple[Gift, ...]

    def total(self, type: AccountType) -> Money:
        """The sum over all accounts of one type."""
        amounts = [line.amount for line in self.sums if line.type is type]
        return sum(amounts[1:], amounts[0]) if amounts else Money(0, self.sums[0].amount.currency)


@read("funds.statement", may=PUBLIC)
def statement(view: View, ledger_id: LedgerId) -> Statement:
    """How a ledger stands. Raises NotFound."""
    ledger = view.get(Ledger, ledger_id)
    sums = tuple(
        Sum(
            None if account.withheld else account.name,
            account.type,
            Money(account.balance * _SIGN.get(account.type, -1), ledger.currency),
            account.related,
        )
        for account in sorted(accounts_of(view, ledger.id), key=_order)
    )
    kept = (where(Donation.ledger, ledger.id), where(Donation.returned, None))
    latest = view.find(Donation, *kept, limit=GIFTS_SHOWN, order=Donation.day, descending=True)
    donors = view.find(Donor, where(Donor.donation, among=[gift.id for gift in latest]), limit=GIFTS_SHOWN)
    shown = {donor.donation: donor.shown for donor in donors}
    gifts = tuple(Gift(g.receipt, g.amount, g.purpose, shown.get(g.id), g.related) for g in latest)
    return Statement(ledger.name, ledger.kind, sums, gifts)


@frozen
class Books:
    """All of a ledger as it stands at one moment 账簿. accounts: by id. entries: in the order of days."""

    ledger: Ledger
    accounts: tuple[Account, ...]
    entries: tuple[FundEntry, ...]


@read("funds.books", may=BOOKS)
def books(view: View, ledger_id: LedgerId) -> Books:
    """Everything booked in a ledger, with the balances that it adds up to. Raises NotFound."""
    ledger = view.get(Ledger, ledger_id)
    entries: list[FundEntry] = []
    mine = where(FundEntry.ledger, ledger.id)
    while page := view.find(FundEntry, mine, limit=PAGE, order=FundEntry.day, after=entries[-1] if entries else None):
        entries += page
    return Books(ledger, tuple(accounts_of(view, ledger.id)), tuple(entries))


def _order(account: Account) -> tuple[int, bool, str]:
    """By type and name; those whose names are withheld come last, in an order that tells nothing of them."""
    return list(AccountType).index(account.type), account.withheld, account.id if account.withheld else account.name


_SIGN = {AccountType.ASSET: 1, AccountType.EXPENSE: 1}
