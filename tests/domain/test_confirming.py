"""A line of the bank is confirmed once, an entry once, and nothing of what the bank wrote is kept."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.funds_world import World, world

import communitycore as cc
from communitycore import funds
from communitycore.domain.funds import AccountType, BankLine, BankMatch, Posting, Reconciliation, Why
from communitycore.kernel.errors import BadValue, NotAllowed
from communitycore.kernel.money import Money


@pytest.fixture
def w() -> World:
    return world()


def gift(w: World, amount: int) -> funds.FundEntry:
    made = w.accountant.do(funds.donate, w.fund.id, amount=Money(amount), purpose="夜校")
    return w.accountant.get(funds.FundEntry, made.entry)


def of(entry: funds.FundEntry, amount: int, text: str = "赵静 捐赠", later: int = 0, nth: int = 1) -> BankLine:
    return BankLine(entry.day + timedelta(later), amount, text, nth=nth)


def compare(w: World, *lines: BankLine, **more: object) -> Reconciliation:
    return w.accountant.ask(funds.bank_matching, w.fund.id, lines, **more)  # type: ignore[arg-type]


def confirm(w: World, line: BankLine, *entries: funds.FundEntry) -> tuple[BankMatch, ...]:
    return w.accountant.do(funds.confirm_match, w.fund.id, line=line, entries=tuple(e.id for e in entries))


def standing(w: World) -> list[BankMatch]:
    confirmed = cc.where(BankMatch.status, funds.BankMatchStatus.CONFIRMED)
    return w.accountant.find(BankMatch, confirmed, limit=1_000)


@given(
    st.lists(st.tuples(st.sampled_from([100, 200, 300, 700]), st.integers(0, 2)), min_size=1, max_size=6),
    st.lists(st.tuples(st.sampled_from([100, 200, 300, 900]), st.integers(0, 4)), min_size=1, max_size=6),
)
def test_what_was_confirmed_is_never_asked_again_and_the_rest_stays_as_it_was(
    gifts: list[tuple[int, int]], bank: list[tuple[int, int]]
) -> None:
    w = world()
    first = w.clock().date()
    for amount, days in gifts:
        gift(w, amount)
        w.clock.advance(timedelta(days=days))
    lines = [BankLine(first + timedelta(days), amount, "摘要", nth=n) for n, (amount, days) in enumerate(bank, 1)]
    span = {"since": first - timedelta(3), "until": first + timedelta(20)}
    before = compare(w, *lines, **span)
    for pair in before.found.exact:
        w.accountant.do(funds.confirm_match, w.fund.id, line=pair.line, entries=(pair.movement.entry,))
    after = compare(w, *lines, **span)
    assert after.found == evolve(before.found, exact=())
    assert {c.line for c in after.confirmed} == {pair.line for pair in before.found.exact}
    assert [m.holds for m in standing(w)] == [m.entry for m in standing(w)]
    assert len({m.entry for m in standing(w)}) == len({m.line for m in standing(w)}) == len(before.found.exact)
    assert after.missing == ()
    assert w.hub.verify().ok


def test_a_statement_is_compared_confirmed_and_taken_back(w: World) -> None:
    entry = gift(w, 5_000)
    line = of(entry, 5_000)
    assert [(pair.line, pair.movement.entry) for pair in compare(w, line).found.exact] == [(line, entry.id)]
    [made] = confirm(w, line, entry)
    again = compare(w, line)
    assert (again.found.exact, again.found.unmatched_lines, again.found.unmatched_entries) == ((), (), ())
    assert [(c.line, c.matches) for c in again.confirmed] == [(line, (made,))]
    w.accountant.do(funds.unconfirm_match, made.id)
    assert [pair.line for pair in compare(w, line).found.exact] == [line]
    with pytest.raises(funds.MatchWithdrawn):
        w.accountant.do(funds.unconfirm_match, made.id)
    confirm(w, line, entry)
    assert w.hub.verify().ok


def test_a_line_is_confirmed_once_and_so_is_an_entry(w: World) -> None:
    first, second = gift(w, 5_000), gift(w, 5_000)
    line, alike = of(first, 5_000), of(first, 5_000, nth=2)
    confirm(w, line, first)
    with pytest.raises(funds.LineConfirmed, match="confirmed already"):
        confirm(w, line, second)
    with pytest.raises(funds.EntryConfirmed):
        confirm(w, alike, first)
    confirm(w, alike, second)
    assert len(standing(w)) == 2


def test_a_sum_is_confirmed_and_taken_back_as_one(w: World) -> None:
    evening = [gift(w, amount) for amount in (1_500, 2_500, 3_000)]
    line = of(evening[0], 4_000, later=2)
    [suggestion] = compare(w, line).found.suggested
    assert suggestion.why is Why.SUM
    [way] = suggestion.ways(line)
    assert {m.entry for m in way} == {e.id for e in evening[:2]}
    made = confirm(w, line, *evening[:2])
    assert [c.matches for c in compare(w, line).confirmed] == [made]
    assert [m.entry for m in compare(w, line, since=evening[0].day).found.unmatched_entries] == [evening[2].id]
    w.accountant.do(funds.unconfirm_match, made[1].id)
    assert standing(w) == []


def test_what_is_not_the_line_is_not_confirmed(w: World) -> None:
    entry, other = gift(w, 5_000), gift(w, 100)
    for line, entries in (
        (of(entry, 4_970), [entry]),
        (of(entry, -5_000), [entry]),
        (of(entry, 5_000), [entry, other]),
    ):
        with pytest.raises(funds.NotTheLine):
            confirm(w, line, *entries)
    for wrong in ((), (entry, entry)):
        with pytest.raises(BadValue, match="named once"):
            confirm(w, of(entry, 5_000), *wrong)
    project = w.admin.do(funds.open_ledger, name="项目", kind=funds.LedgerKind.PROJECT)
    with pytest.raises(BadValue, match="not of the ledger"):
        w.accountant.do(funds.confirm_match, project.id, line=of(entry, 5_000), entries=(entry.id,))
    assert standing(w) == []


def test_an_entry_that_left_the_bank_as_it_was_is_no_line_nor_part_of_one(w: World) -> None:
    entry = gift(w, 5_000)
    owed, spent = w.account("应付", AccountType.LIABILITY), w.account("支出", AccountType.EXPENSE)
    lines = (Posting(spent.id, 700), Posting(owed.id, -700))
    beside = w.accountant.do(funds.post, w.fund.id, text="应付课酬", postings=lines)
    assert [pair.movement.entry for pair in compare(w, of(entry, 5_000)).found.exact] == [entry.id]
    with pytest.raises(funds.NotTheLine):
        confirm(w, of(entry, 5_000), entry, beside)


def test_a_payment_is_known_by_its_number_whenever_the_bank_makes_it(w: World) -> None:
    gift(w, 9_000)
    spent = w.account("支出", AccountType.EXPENSE)
    wanted = {"against": spent.id, "amount": Money(8_000), "payee": w.teacher, "purpose": "课酬"}
    asked = w.accountant.do(funds.request_payment, w.fund.id, **wanted)
    w.approver.do(funds.approve_payment, asked.id)
    paid = w.accountant.do(funds.pay, asked.id)
    late = BankLine(w.clock().date() + timedelta(60), -8_000, f"付款{asked.id}赵静")
    assert [pair.movement.entry for pair in compare(w, late).found.exact] == [paid.entry]
    by_entry = evolve(late, text="", reference=str(paid.entry))
    assert [pair.movement.entry for pair in compare(w, by_entry).found.exact] == [paid.entry]
    assert compare(w, evolve(late, text="")).found.exact == ()


def test_entries_just_outside_the_days_come_into_question_but_are_not_told_as_unmatched(w: World) -> None:
    early = gift(w, 5_000)
    w.clock.advance(timedelta(days=2))
    inside = gift(w, 700)
    line = BankLine(inside.day, 5_000)
    found = compare(w, line).found
    assert [(s.why, [m.entry for m in s.movements]) for s in found.suggested] == [(Why.NEAR, [early.id])]
    assert [m.entry for m in found.unmatched_entries] == [inside.id]
    assert [m.entry for m in compare(w, evolve(line, amount=1)).found.unmatched_entries] == [inside.id]
    all_days = compare(w, evolve(line, amount=1), since=early.day).found
    assert [m.entry for m in all_days.unmatched_entries] == [early.id, inside.id]


def test_what_the_bank_says_otherwise_by_now_is_told_as_missing(w: World) -> None:
    entry = gift(w, 5_000)
    line = of(entry, 5_000)
    made = confirm(w, line, entry)
    changed = evolve(line, text="赵静")
    told = compare(w, changed)
    assert told.missing == made
    assert told.found.unmatched_lines == (changed,)
    assert compare(w, evolve(line, row=17)).missing == (), "the row of a file is no part of what a line is"


def test_none_of_the_banks_words_is_kept(w: World) -> None:
    entry = gift(w, 5_000)
    [made] = confirm(w, evolve(of(entry, 5_000), reference="流水0001"), entry)
    kept = [str(made), *(e.difference for e in w.accountant.history(BankMatch, made.id))]
    assert not any(word in text for text in kept for word in ("赵静", "捐赠", "0001"))
    other = w.admin.do(funds.open_ledger, name="项目", kind=funds.LedgerKind.PROJECT)
    line = of(entry, 5_000)
    assert funds.digest_of(w.fund.id, line) != funds.digest_of(other.id, line)


@pytest.mark.parametrize(
    "other", [{"day": date(2020, 1, 1)}, {"amount": 1}, {"text": "x"}, {"reference": "x"}, {"nth": 2}]
)
def test_lines_that_differ_in_anything_are_different_ones(w: World, other: dict[str, object]) -> None:
    line = BankLine(date(2024, 6, 4), 500, "赵", "静")
    assert funds.digest_of(w.fund.id, line) == funds.digest_of(w.fund.id, evolve(line, row=9))
    assert funds.digest_of(w.fund.id, line) != funds.digest_of(w.fund.id, evolve(line, **other))
    assert funds.digest_of(w.fund.id, line) != funds.digest_of(w.fund.id, evolve(line, text="", reference="赵静"))


def test_only_keepers_compare_and_only_accountants_confirm(w: World) -> None:
    entry = gift(w, 5_000)
    line = of(entry, 5_000)
    [made] = confirm(w, line, entry)
    for desk in (w.approver, w.resident, w.admin):
        with pytest.raises(NotAllowed):
            desk.do(funds.confirm_match, w.fund.id, line=line, entries=(entry.id,))
        with pytest.raises(NotAllowed):
            desk.do(funds.unconfirm_match, made.id)
    with pytest.raises(NotAllowed):
        w.resident.ask(funds.bank_matching, w.fund.id, (line,))
    with pytest.raises(NotAllowed):
        w.resident.find(BankMatch, limit=10)
    assert len(w.approver.ask(funds.bank_matching, w.fund.id, (line,)).confirmed) == 1


def test_lines_that_cannot_be_meant_are_refused(w: World) -> None:
    line = BankLine(date(2024, 6, 4), 500)
    for lines, span, told in (
        ((), {}, "say since when"),
        ((line, line), {}, "number them with nth"),
        ((line,), {"until": date(2024, 6, 3)}, "covers"),
        ((line,), {"since": date(2024, 6, 5)}, "covers"),
        ((line,), {"days": 99}, "not 0 to 31"),
    ):
        with pytest.raises(BadValue, match=told):
            compare(w, *lines, **span)
    whole = {"since": date(2024, 6, 1), "until": date(2024, 6, 30)}
    assert compare(w, **whole).found.unmatched_lines == ()
    assert compare(w, BankLine(date.min, 5), BankLine(date.max, 5)).until == date.max
