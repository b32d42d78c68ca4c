"""Books as Beancount text, which an accountant's own tools check and evaluate.

An account's name there is its type, then a number and its name, since a component begins with an upper-case letter or a
digit and Chinese characters are neither. Amounts have the currency's places; debits are above zero in both.
See https://beancount.github.io/docs/beancount_language_syntax.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from communitycore.kernel.money import Money

if TYPE_CHECKING:
    from communitycore.domain.funds import Account, FundEntry, Ledger

ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
}
_KEPT = frozenset("-")


def beancount(ledger: Ledger, accounts: Iterable[Account], entries: Iterable[FundEntry]) -> Iterator[str]:
    """Lines, each with its end. entries: all of the ledger's, in the order of days; accounts: all, by id.

    Balances as they stand are asserted on the day after the last entry.
    """
    listed = list(accounts)
    booked = list(entries)
    names = {str(account.id): account_name(n, account) for n, account in enumerate(listed, 1)}
    first = min((entry.day for entry in booked), default=date(1970, 1, 1))
    last = max((entry.day for entry in booked), default=first)
    yield f"; {_line(ledger.name)}\n"
    yield f'option "title" {_quoted(ledger.name)}\n'
    yield f'option "operating_currency" "{ledger.currency}"\n\n'
    for account in listed:
        yield f"{first} open {names[account.id]} {ledger.currency}\n"
        yield f"  name: {_quoted(account.name)}\n"
    for entry in booked:
        yield from _entry(entry, names, ledger.currency)
    yield "\n"
    for account in listed:
        balance = _amount(account.balance, ledger.currency)
        yield f"{last + timedelta(days=1)} balance {names[account.id]} {balance}\n"


def account_name(number: int, account: Account) -> str:
    """How an account is called there, such as `Assets:001-银行存款`."""
    plain = "".join(c if c.isalnum() or c in _KEPT else "-" for c in account.name).strip("-")
    return f"{ROOTS[account.type.value]}:{number:03d}-{plain}".rstrip("-")


def _entry(entry: FundEntry, names: Mapping[str, str], currency: str) -> Iterator[str]:
    yield f"\n{entry.day} * {_quoted(entry.text)}\n"
    yield f'  id: "{entry.id}"\n'
    for name, value in (("source", entry.source), ("decision", entry.decision), ("reverses", entry.reverses)):
        if value is not None:
            yield f'  {name}: "{value}"\n'
    for posting in entry.postings:
        yield f"  {names[posting.account]}  {_amount(posting.amount, currency)}\n"


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency))


def _line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    escaped = _line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
