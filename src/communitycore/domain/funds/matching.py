"""A ledger's bank account against the bank's statement 银行对账: what is certain, what is likely, what is left over.

Nothing is matched silently: a line of the bank and an entry of the books belong together for certain (`exact`) if one
names the other, or if neither could be anything else; what is merely likely is `suggested` to a person with everything
that it could be; the rest is told as it is. Every line and every entry stands in one of these groups, and in one only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import chain, combinations
from typing import TypeVar

from communitycore.domain.funds.records import FundEntry, FundEntryId, Ledger, Origin
from communitycore.domain.places.words import Word
from communitycore.kernel.errors import BadValue
from communitycore.kernel.values import frozen

N = TypeVar("N", bound=Hashable)
K = TypeVar("K", bound=Hashable)

DAYS = 3
DAYS_MAX = 31
FEW = 4  # entries that are tried as one line's parts
TRIED = 12  # entries of a day; of more, only all together are tried
_words = re.compile(r"[0-9A-Za-z-]+").findall


class Why(Word):
    """Why a person is asked whether these belong together."""

    NEAR = "near", "金额相同，日期相近"
    SEVERAL = "several", "多笔金额相同"
    SUM = "sum", "合计金额相同"


@frozen
class BankLine:
    """A line of a bank's statement 银行流水. amount: minor units, above zero what came in, below what went out.

    text: what the bank says of it, which may name people. reference: the bank's number. row: the file's line.
    nth: which one it is of those that are alike in all else, from 1; two gifts of a day may well be.
    """

    day: date
    amount: int
    text: str = ""
    reference: str = ""
    row: int = 0
    nth: int = 1

    @property
    def words(self) -> frozenset[str]:
        """What its reference and text could name an entry by."""
        return frozenset(_words(f"{self.reference} {self.text}"))


@frozen
class Movement:
    """What an entry moved on its ledger's bank account. payment: the id of the disbursement that it paid."""

    entry: FundEntryId
    day: date
    amount: int
    text: str = ""
    payment: str | None = None


@frozen
class Pair:
    """A line and the entry that it is."""

    line: BankLine
    movement: Movement


@frozen
class Suggestion:
    """Lines and entries that may belong together, all that come into question for one another."""

    why: Why
    lines: tuple[BankLine, ...]
    movements: tuple[Movement, ...]
    days: int = DAYS

    def ways(self, line: BankLine) -> tuple[tuple[Movement, ...], ...]:
        """What one of its lines may be: each an entry, or several whose sum it is."""
        if self.why is Why.SUM:
            by_day = _grouped(self.movements, lambda m: m.day)
            return tuple(way for day in _around(line.day, self.days) for way in _sums(by_day.get(day, ()), line.amount))
        return tuple(
            (m,)
            for m in self.movements
            if abs(m.day - line.day) <= timedelta(self.days) or not line.words.isdisjoint((m.entry, m.payment))
        )


@frozen
class Matching:
    """How lines and entries compare 对账结果, each group in the order of days."""

    exact: tuple[Pair, ...]
    suggested: tuple[Suggestion, ...]
    unmatched_lines: tuple[BankLine, ...]
    unmatched_entries: tuple[Movement, ...]


def movements_of(ledger: Ledger, entries: Iterable[FundEntry]) -> list[Movement]:
    """What these entries of a ledger moved on its bank account; those that left it as it was are not among them."""
    moved = ((e, sum(p.amount for p in e.postings if p.account == ledger.bank)) for e in entries)
    return [
        Movement(e.id, e.day, amount, e.text, e.source.id if e.source and e.origin is Origin.PAYMENT else None)
        for e, amount in moved
        if amount
    ]


def match(movements: Iterable[Movement], lines: Iterable[BankLine], *, days: int = DAYS) -> Matching:
    """Compare what the books moved, each entry once, with what the bank did; the same whatever the order.

    exact: of the same amount, and the line's reference or text names the entry or its payment, or they are of the same
    day and neither has another candidate. suggested: of the same amount at most `days` apart, or a line that is the
    sum of a few entries of one day. Raises BadValue for `days` outside 0 to 31.
    """
    if not 0 <= days <= DAYS_MAX:
        raise BadValue(field="days", why=f"{days} is not 0 to {DAYS_MAX}", why_zh=f"{days} 不在 0 至 {DAYS_MAX} 之间")
    left = _Left(sorted(lines, key=_line_key), sorted(movements, key=_movement_key), days)
    exact: list[Pair] = []
    suggested: list[Suggestion] = []
    for compare in (left.named, left.alike, left.summed):
        for why, some, several in compare():
            if why is None:
                exact.append(Pair(some[0], several[0]))
            else:
                suggested.append(Suggestion(why, tuple(some), tuple(several), days))
    return Matching(
        tuple(sorted(exact, key=lambda pair: _line_key(pair.line))),
        tuple(sorted(suggested, key=lambda s: _line_key(s.lines[0]))),
        tuple(left.lines),
        tuple(left.movements),
    )


_Found = tuple[Why | None, list[BankLine], list[Movement]]


class _Left:
    """What is still to be compared, in order; each comparison takes out what it finds. No why: it is certain."""

    def __init__(self, lines: list[BankLine], movements: list[Movement], days: int) -> None:
        self.lines, self.movements, self.days = lines, movements, days

    def named(self) -> list[_Found]:
        """Lines with entries of their amount that they name."""
        known = {name: n for n, m in enumerate(self.movements) for name in (m.entry, m.payment) if name and m.amount}
        edges = [
            (at, ~n)
            for at, line in enumerate(self.lines)
            for n in {known[word] for word in line.words if word in known}
            if self.movements[n].amount == line.amount
        ]
        return self.take((_split(group) for group in _components(edges)), certain=lambda line, movement: True)

    def alike(self) -> list[_Found]:
        """Those of one amount and near days, joined as long as one comes into question for another."""
        lines = _grouped(range(len(self.lines)), lambda n: (self.lines[n].amount, self.lines[n].day))
        others = _grouped(range(len(self.movements)), lambda n: (self.movements[n].amount, self.movements[n].day))
        # Days stand for all that is of them, so that a thousand gifts of one sum are not compared with one another.
        edges = [
            ((True, amount, day), (False, amount, near))
            for amount, day in lines
            for near in _around(day, self.days)
            if amount and (amount, near) in others
        ]
        groups = (
            (
                [n for ours, amount, day in group if ours for n in lines[amount, day]],
                [n for ours, amount, day in group if not ours for n in others[amount, day]],
            )
            for group in _components(edges)
        )
        return self.take(groups, certain=lambda line, movement: line.day == movement.day)

    def summed(self) -> list[_Found]:
        """Lines that are the sum of a few entries of one day."""
        lines = _grouped(range(len(self.lines)), lambda n: (self.lines[n].amount, self.lines[n].day))
        by_day = _grouped(range(len(self.movements)), lambda n: self.movements[n].day)
        at = {m.entry: n for n, m in enumerate(self.movements)}
        tables: dict[date, dict[int, list[tuple[Movement, ...]]]] = {}
        edges: list[tuple[int, int]] = []
        for amount, day in lines:
            for near in _around(day, self.days) if amount else ():
                if near in by_day and near not in tables:
                    tables[near] = _table([self.movements[n] for n in by_day[near]])
                parts = set(chain.from_iterable(tables.get(near, {}).get(amount, ())))
                edges += [(lines[amount, day][0], ~at[m.entry]) for m in parts]
        alike = {several[0]: several for several in lines.values()}
        groups = (
            ([n for first in some for n in alike[first]], several)
            for some, several in (_split(group) for group in _components(edges))
        )
        return self.take(groups, why=Why.SUM)

    def take(
        self,
        groups: Iterable[tuple[list[int], list[int]]],
        *,
        certain: Callable[[BankLine, Movement], bool] | None = None,
        why: Why = Why.SEVERAL,
    ) -> list[_Found]:
        """Take these out, each group with what it is. certain: whether one line and one entry belong together."""
        found: list[_Found] = []
        some, several = set[int](), set[int]()
        for ours, theirs in groups:
            some.update(ours)
            several.update(theirs)
            lines, movements = [self.lines[n] for n in sorted(ours)], [self.movements[n] for n in sorted(theirs)]
            single = certain is not None and len(lines) == len(movements) == 1
            sure = single and certain is not None and certain(lines[0], movements[0])
            found.append((None if sure else Why.NEAR if single else why, lines, movements))
        self.lines = [line for n, line in enumerate(self.lines) if n not in some]
        self.movements = [movement for n, movement in enumerate(self.movements) if n not in several]
        return found


def _table(movements: Sequence[Movement]) -> dict[int, list[tuple[Movement, ...]]]:
    """Sum -> the ways in which some of a day's entries come to it.

    None of them holds entries that cancel each other out, with which any sum could be had twice.
    """
    found: dict[int, list[tuple[Movement, ...]]] = defaultdict(list)
    for size in range(2, FEW + 1) if len(movements) <= TRIED else ():
        for parts in combinations(movements, size):
            smaller = (some for less in range(1, size) for some in combinations(parts, less))
            if all(sum(m.amount for m in some) for some in smaller):
                found[sum(m.amount for m in parts)].append(parts)
    if len(movements) > FEW and (whole := sum(m.amount for m in movements)) not in found:
        found[whole].append(tuple(movements))
    return found


def _sums(movements: Sequence[Movement], amount: int) -> Sequence[tuple[Movement, ...]]:
    return _table(movements).get(amount, ())


def _components(edges: Iterable[tuple[N, N]]) -> Iterator[list[N]]:
    """What hangs together by these edges, each group once."""
    joined: dict[N, list[N]] = defaultdict(list)
    for one, other in edges:
        joined[one].append(other)
        joined[other].append(one)
    seen: set[N] = set()
    for start in joined:
        if start in seen:
            continue
        seen.add(start)
        group = [start]
        for node in group:  # grows as it is walked
            fresh = [other for other in joined[node] if other not in seen]
            seen.update(fresh)
            group += dict.fromkeys(fresh)
        yield group


def _split(group: Iterable[int]) -> tuple[list[int], list[int]]:
    """Positions of lines, and those of movements, which stand below zero."""
    listed = list(group)
    return [n for n in listed if n >= 0], [~n for n in listed if n < 0]


def _around(day: date, days: int) -> Iterator[date]:
    for off in range(-days, days + 1):
        if date.min.toordinal() <= day.toordinal() + off <= date.max.toordinal():
            yield day + timedelta(off)


def _grouped(items: Iterable[N], key: Callable[[N], K]) -> dict[K, list[N]]:
    found: dict[K, list[N]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return dict(found)


def _line_key(line: BankLine) -> tuple[object, ...]:
    return line.day, line.amount, line.reference, line.text, line.nth, line.row


def _movement_key(movement: Movement) -> tuple[object, ...]:
    return movement.day, movement.amount, movement.entry
