"""What a person confirmed of the bank's statement 对账确认, and how a statement stands against the books by now.

Of a line a digest is kept and none of its text. The digest tells that a line is the same again; who knows the ledger
and guesses all that a line says can try whether it was that, so it is read by those alone who read the books.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from hmac import digest
from typing import Any, TypeVar

from attrs import evolve

from communitycore.domain.funds.errors import EntryConfirmed, LineConfirmed, MatchWithdrawn, NotTheLine
from communitycore.domain.funds.matching import DAYS, DAYS_MAX, BankLine, Matching, match, movements_of
from communitycore.domain.funds.records import (
    BOOKS,
    BankMatch,
    BankMatchId,
    BankMatchStatus,
    FundEntry,
    FundEntryId,
    Ledger,
    LedgerId,
)
from communitycore.domain.roles import ACCOUNTANT
from communitycore.kernel.change import Change, begin, many, step
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money
from communitycore.kernel.query import FIND_MAX, Where, where
from communitycore.kernel.record import Record
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

R = TypeVar("R", bound=Record[Any])

ENTRIES_MAX = 300
ASKED = 500  # ids in one search
_ids = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch


@frozen
class Confirmed:
    """A line that was confirmed before, and with what."""

    line: BankLine
    matches: tuple[BankMatch, ...]


@frozen
class Reconciliation:
    """A bank's statement against the books, from `since` to `until` 银行存款对账.

    confirmed: lines that were confirmed before; neither they nor their entries are compared again. missing: what was
    confirmed as a line of these days that the statement does not have, or no longer has as it was.
    """

    since: date
    until: date
    found: Matching
    confirmed: tuple[Confirmed, ...] = ()
    missing: tuple[BankMatch, ...] = ()


@command("funds.confirm_match", may=role(ACCOUNTANT))
def confirm_match(
    view: View, ledger_id: LedgerId, *, line: BankLine, entries: tuple[FundEntryId, ...]
) -> Change[tuple[BankMatch, ...]]:
    """Confirm which entry a line of the bank's statement is 确认对账, or of which it is the sum.

    Raises LineConfirmed, EntryConfirmed, NotTheLine if the amounts differ, BadValue for entries of another ledger.
    """
    ledger = view.get(Ledger, ledger_id)
    if not 0 < len(set(entries)) == len(entries) <= ENTRIES_MAX:
        raise BadValue(
            field="entries",
            why=f"a line is 1 to {ENTRIES_MAX} entries, each named once",
            why_zh=f"一笔流水对应 1 至 {ENTRIES_MAX} 笔凭证，且不得重复",
        )
    known = digest_of(ledger.id, line)
    amount = Money(line.amount, ledger.currency)
    if view.one(BankMatch, where(BankMatch.line, known), _STANDS) is not None:
        raise LineConfirmed(day=line.day, amount=str(amount))
    booked = [view.get(FundEntry, id) for id in entries]
    for entry in booked:
        if entry.ledger != ledger.id:
            raise BadValue(
                field="entries",
                why=f"{entry.id} is not of the ledger {ledger.name}",
                why_zh=f"{entry.id} 不属于账簿“{ledger.name}”",
            )
        if (held := view.one(BankMatch, where(BankMatch.holds, entry.id))) is not None:
            raise EntryConfirmed(entry=entry.id, day=held.day)
    movements = movements_of(ledger, booked)
    moved = sum(m.amount for m in movements)
    if moved != line.amount or len(movements) != len(booked):
        raise NotTheLine(amount=str(amount), moved=str(Money(moved, ledger.currency)))
    return many(
        [
            begin(
                "match.confirmed",
                BankMatch(
                    id=view.new(BankMatch),
                    ledger=ledger.id,
                    line=known,
                    day=line.day,
                    amount=amount,
                    entry=id,
                    holds=id,
                ),
            )
            for id in entries
        ]
    )


@command("funds.unconfirm_match", may=role(ACCOUNTANT))
def unconfirm_match(view: View, match_id: BankMatchId) -> Change[tuple[BankMatch, ...]]:
    """Take a confirmation back 撤销对账, with all entries that its line is the sum of. Raises MatchWithdrawn."""
    asked = view.get(BankMatch, match_id)
    if asked.status is not BankMatchStatus.CONFIRMED:
        raise MatchWithdrawn(match=asked.id)
    together = view.find(BankMatch, where(BankMatch.line, asked.line), _STANDS, limit=ENTRIES_MAX)
    return many(
        [step("match.withdrawn", one, evolve(one, holds=None, status=BankMatchStatus.WITHDRAWN)) for one in together]
    )


@read("funds.bank_matching", may=BOOKS)
def bank_matching(
    view: View,
    ledger_id: LedgerId,
    lines: tuple[BankLine, ...],
    *,
    since: date | None = None,
    until: date | None = None,
    days: int = DAYS,
) -> Reconciliation:
    """How a bank's statement stands against the books of a ledger 银行对账; see `match`.

    since, until: the days that it covers, both included; None: those of its first and its last line. Entries of the
    days just before and after come into question, but are not told as unmatched.
    Raises NotFound, BadValue for lines outside these days and for two that nothing tells apart.
    """
    ledger = view.get(Ledger, ledger_id)
    since, until = _span(lines, since, until)
    by_digest = {digest_of(ledger.id, line): line for line in lines}
    if len(by_digest) < len(lines):
        raise BadValue(
            field="lines",
            why="two of them are alike in all; number them with nth",
            why_zh="有两笔流水完全相同，请以 nth 编号区分",
        )
    matches: dict[str, list[BankMatch]] = defaultdict(list)
    span = (where(BankMatch.day, at_least=since), where(BankMatch.day, below=_shifted(until, 1)))
    for one in _all(view, BankMatch, where(BankMatch.ledger, ledger.id), _STANDS, *span, order=BankMatch.day):
        matches[one.line].append(one)
    entries = _entries(view, ledger, lines, since, until, days)
    held = {one.holds for one in _holding(view, list(entries))}
    found = match(
        movements_of(ledger, (entry for id, entry in entries.items() if id not in held)),
        [line for known, line in by_digest.items() if known not in matches],
        days=days,
    )
    inside = tuple(m for m in found.unmatched_entries if since <= m.day <= until)
    return Reconciliation(
        since,
        until,
        evolve(found, unmatched_entries=inside),
        tuple(Confirmed(line, tuple(matches[known])) for known, line in by_digest.items() if known in matches),
        tuple(one for known, several in matches.items() if known not in by_digest for one in several),
    )


def digest_of(ledger: LedgerId, line: BankLine) -> str:
    """What a line is known by in a ledger: 64 hexadecimal digits, from all that the bank says of it."""
    said = json.dumps([line.day.isoformat(), line.amount, line.reference, line.text, line.nth])
    return digest(ledger.encode(), said.encode(), "sha256").hex()


_STANDS = where(BankMatch.status, BankMatchStatus.CONFIRMED)


def _span(lines: Sequence[BankLine], since: date | None, until: date | None) -> tuple[date, date]:
    """The days covered. Raises BadValue if nothing says which, or a line is of another."""
    listed = sorted(line.day for line in lines)
    first, last = since or (listed[0] if listed else None), until or (listed[-1] if listed else None)
    if first is None or last is None:
        raise BadValue(
            field="lines", why="there are none; say since when and until when", why_zh="没有流水，请填写起止日期"
        )
    if outside := [day for day in listed if not first <= day <= last]:
        raise BadValue(
            field="lines",
            why=f"one is of {outside[0]}, and the statement covers {first} to {last}",
            why_zh=f"有 {outside[0]} 的流水，而对账期间为 {first} 至 {last}",
        )
    return first, last


def _entries(
    view: View, ledger: Ledger, lines: Iterable[BankLine], since: date, until: date, days: int
) -> dict[FundEntryId, FundEntry]:
    """The ledger's entries of these days and some more, and those of any day that a line names."""
    more = min(max(days, 0), DAYS_MAX)
    span = (
        where(FundEntry.day, at_least=_shifted(since, -more)),
        where(FundEntry.day, below=_shifted(until, more + 1)),
    )
    these = where(FundEntry.ledger, ledger.id)
    found = {entry.id: entry for entry in _all(view, FundEntry, these, *span, order=FundEntry.day)}
    words = sorted({word for line in lines for word in line.words if _ids(word)})
    for start in range(0, len(words), ASKED):
        some = words[start : start + ASKED]
        for named in (where("id", among=some), where(FundEntry.source, among=[view.ref(word) for word in some])):
            found.update((entry.id, entry) for entry in _all(view, FundEntry, these, named))
    return found


def _holding(view: View, entries: Sequence[FundEntryId]) -> Iterator[BankMatch]:
    """What stands of these entries."""
    for start in range(0, len(entries), ASKED):
        yield from view.find(BankMatch, where(BankMatch.holds, among=entries[start : start + ASKED]), limit=ASKED)


def _all(view: View, kind: type[R], *conditions: Where, order: Any = "id") -> Iterator[R]:
    """All that there are, by the page."""
    last: R | None = None
    while page := view.find(kind, *conditions, limit=FIND_MAX, order=order, after=last):
        yield from page
        last = page[-1]


def _shifted(day: date, days: int) -> date:
    """So many days later, or the calendar's end."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))
