"""The bank's statement against the books: certain, likely or left over, and never silently matched."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from time import perf_counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from communitycore.domain.funds import BankLine, FundEntryId, Matching, Movement, Why, match
from communitycore.kernel.errors import BadValue

JUNE = date(2024, 6, 1)


def entry(n: int, day: int, amount: int, payment: str | None = None) -> Movement:
    return Movement(FundEntryId(f"entry-{n}"), JUNE + timedelta(day), amount, f"凭证 {n}", payment)


def line(day: int, amount: int, text: str = "", row: int = 0) -> BankLine:
    return BankLine(JUNE + timedelta(day), amount, text, row=row)


# Few amounts and days, so that nearly everything could be something else, and sums come about.
amounts = st.sampled_from([-300, -100, 0, 100, 200, 300, 500, 600])
days = st.integers(0, 12)
some_entries = st.lists(st.tuples(days, amounts), max_size=12).map(
    lambda found: [entry(n, day, amount, f"pay-{n}") for n, (day, amount) in enumerate(found)]
)
texts = st.sampled_from(["", "", "", "转账entry-1", "entry-2 and entry-3", "付款 pay-4。"])
some_lines = st.lists(st.tuples(days, amounts, texts), max_size=14).map(
    lambda found: [line(day, amount, text, row) for row, (day, amount, text) in enumerate(found, 2)]
)


def groups(found: Matching) -> tuple[list[BankLine], list[Movement]]:
    """All lines and all entries, in whichever group they stand."""
    lines = [pair.line for pair in found.exact] + [one for s in found.suggested for one in s.lines]
    entries = [pair.movement for pair in found.exact] + [one for s in found.suggested for one in s.movements]
    return lines + list(found.unmatched_lines), entries + list(found.unmatched_entries)


def names(one: BankLine, other: Movement) -> bool:
    return any(f"{name}" in one.text for name in (other.entry, other.payment)) and one.amount == other.amount != 0


def near(one: BankLine, other: Movement, within: int) -> bool:
    return one.amount == other.amount != 0 and abs((one.day - other.day).days) <= within


@given(some_entries, some_lines)
def test_every_line_and_every_entry_stands_in_exactly_one_group(entries: list[Movement], lines: list[BankLine]) -> None:
    told_lines, told_entries = groups(match(entries, lines))
    assert Counter(told_lines) == Counter(lines)
    assert Counter(told_entries) == Counter(entries)


@given(some_entries, some_lines, st.integers(0, 5))
def test_nothing_is_certain_that_could_be_something_else(
    entries: list[Movement], lines: list[BankLine], within: int
) -> None:
    found = match(entries, lines, days=within)
    certain = [pair for pair in found.exact if not names(pair.line, pair.movement)]
    taken = [pair for pair in found.exact if names(pair.line, pair.movement)]
    for pair in found.exact:
        assert pair.line.amount == pair.movement.amount != 0
    for pair in certain:
        assert pair.line.day == pair.movement.day
        others = [e for e in entries if near(pair.line, e, within) and not any(names(one, e) for one in lines)]
        rivals = [one for one in lines if near(one, pair.movement, within) and not any(names(one, e) for e in entries)]
        assert others == [pair.movement]
        assert rivals == [pair.line]
    for pair in taken:
        assert [one for one in lines if names(one, pair.movement)] == [pair.line]
        assert [e for e in entries if names(pair.line, e)] == [pair.movement]
    for one in lines:  # and what names one another alone is certain
        match [e for e in entries if names(one, e)]:
            case [only] if [other for other in lines if names(other, only)] == [one]:
                assert (one, only) in [(pair.line, pair.movement) for pair in taken]


@given(some_entries, some_lines, st.integers(0, 5))
def test_nothing_is_left_over_that_could_be_something(
    entries: list[Movement], lines: list[BankLine], within: int
) -> None:
    found = match(entries, lines, days=within)
    for one in found.unmatched_lines:
        for other in found.unmatched_entries:
            assert not near(one, other, within)
            assert not names(one, other)
        parts = Counter(m.day for m in found.unmatched_entries if abs((m.day - one.day).days) <= within)
        for day in parts:
            of_day = [m for m in found.unmatched_entries if m.day == day and m.amount]
            assert not any(
                a.amount + b.amount == one.amount != 0 for n, a in enumerate(of_day) for b in of_day[n + 1 :]
            )


@given(some_entries, some_lines)
def test_every_suggestion_tells_what_each_line_may_be(entries: list[Movement], lines: list[BankLine]) -> None:
    for suggestion in match(entries, lines).suggested:
        named: set[Movement] = set()
        for one in suggestion.lines:
            ways = suggestion.ways(one)
            assert ways
            for way in ways:
                assert sum(m.amount for m in way) == one.amount
                assert len({m.day for m in way}) == 1
                assert (len(way) > 1) == (suggestion.why is Why.SUM)
                named.update(way)
        assert named == set(suggestion.movements)


@given(some_entries, some_lines, st.randoms(use_true_random=False))
def test_the_order_of_neither_side_matters(entries: list[Movement], lines: list[BankLine], chance: object) -> None:
    found = match(entries, lines)
    chance.shuffle(entries)  # type: ignore[attr-defined]
    chance.shuffle(lines)  # type: ignore[attr-defined]
    assert match(entries, lines) == found


def test_a_month_as_an_accountant_sees_it() -> None:
    rent, gift, another, late = entry(1, 0, -90_000), entry(2, 4, 2_000), entry(3, 5, 2_000), entry(4, 7, 50_000)
    evening = [entry(n, 10, amount) for n, amount in ((5, 1_500), (6, 1_500), (7, 3_000), (8, 250))]
    cash, paid = entry(9, 15, 700), entry(10, 20, -8_000, "pay-77")
    lines = [
        line(0, -90_000, "房租"),
        line(4, 2_000, "赵静"),
        line(9, 50_000, "跨行"),
        line(12, 6_000, "商户结算"),
        line(16, -30, "手续费"),
        line(29, -8_000, "付款pay-77"),
    ]
    found = match([rent, gift, another, late, *evening, cash, paid], lines)
    assert [(pair.line.text, pair.movement) for pair in found.exact] == [("房租", rent), ("付款pay-77", paid)]
    several, near_by, together = found.suggested
    assert (several.why, several.movements, several.ways(lines[1])) == (
        Why.SEVERAL,
        (gift, another),
        ((gift,), (another,)),
    )
    assert (near_by.why, near_by.lines, near_by.movements) == (Why.NEAR, (lines[2],), (late,))
    assert (together.why, together.ways(lines[3])) == (Why.SUM, (tuple(evening[:3]),))
    assert found.unmatched_lines == (lines[4],)
    assert found.unmatched_entries == (evening[3], cash)


@example(within=0)
@example(within=2)
@given(st.integers(0, 31))
def test_days_say_how_far_apart_is_near(within: int) -> None:
    found = match([entry(1, 0, 100), entry(2, 0, 300)], [line(within, 100), line(within + 1, 300)], days=within)
    assert len(found.exact) + len(found.suggested) == 1
    assert [one.amount for one in found.unmatched_lines] == [300]


@pytest.mark.parametrize("wrong", [-1, 32])
def test_days_that_nobody_means_are_refused(wrong: int) -> None:
    with pytest.raises(BadValue, match="31"):
        match([], [], days=wrong)


def test_days_at_the_ends_of_the_calendar_are_days() -> None:
    ends = (date.min, date.max)
    entries = [Movement(FundEntryId(f"e{n}"), day, 5) for n, day in enumerate(ends)]
    assert len(match(entries, [BankLine(day, 5) for day in ends]).exact) == 2


@pytest.mark.parametrize("spread", [1, 365])
def test_ten_thousand_alike_are_compared_in_a_moment(spread: int) -> None:
    entries = [entry(n, n % spread, 2_000) for n in range(10_000)]
    lines = [line(n % spread, 2_000, row=n) for n in range(10_000)]
    began = perf_counter()
    found = match(entries, lines)
    assert perf_counter() - began < 5, "each with each would be a hundred million"
    assert [len(s.lines) for s in found.suggested] == [10_000]


def test_a_day_of_many_takings_is_tried_as_a_whole_alone() -> None:
    takings = [entry(n, 0, 1_000 + n) for n in range(40)]
    whole = line(1, sum(t.amount for t in takings))
    found = match(takings, [whole, line(1, takings[0].amount + takings[1].amount)])
    assert [(s.lines, s.ways(whole)) for s in found.suggested] == [((whole,), (tuple(takings),))]
    assert len(found.unmatched_lines) == 1
