"""Splits: exact, fair over the years, and told in words."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money
from communitycore.kernel.splits import Divided, Share, Split, fixed, ratio, rest, weight

amounts = st.integers(-(10**9), 10**9)
names = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=8, unique=True)


@st.composite
def weighed(draw: st.DrawFn) -> Split:
    to = draw(names)
    measures = draw(st.lists(st.integers(0, 10**6), min_size=len(to), max_size=len(to)).filter(any))
    return Split([weight(name, measure) for name, measure in zip(to, measures, strict=True)])


@st.composite
def mixed(draw: st.DrawFn) -> Split:
    """Of everything, with groups and bounds."""
    to = iter([f"{n}" for n in range(40)])

    def group(within: str | None, depth: int) -> list[Share]:
        made: list[Share] = [fixed(next(to), draw(st.integers(0, 5_000))) for _ in range(draw(st.integers(0, 2)))]
        left = 1_000
        for _ in range(draw(st.integers(0, 3))):
            part = draw(st.integers(0, left))
            left -= part
            made.append(_bounded(draw, ratio(next(to), Decimal(part) / 1_000)))
        made += [_bounded(draw, weight(next(to), draw(st.integers(1, 500)))) for _ in range(draw(st.integers(0, 3)))]
        made.append(rest(next(to)))
        made = [share.inside(within) if within is not None else share for share in made]
        if depth and draw(st.booleans()):
            made += group(draw(st.sampled_from(made)).to, depth - 1)
        return made

    return Split(group(None, 1))


def _bounded(draw: st.DrawFn, share: Share) -> Share:
    least, most = sorted((draw(st.integers(0, 3_000)), draw(st.integers(0, 3_000))))
    return share.bounded(least=least if draw(st.booleans()) else None, most=most if draw(st.booleans()) else None)


def numbers(divided: Divided) -> list[int]:
    return [part.amount.amount for part in divided.parts]


@given(st.one_of(weighed(), mixed()), amounts)
def test_the_parts_sum_to_the_whole_and_have_its_sign(split: Split, amount: int) -> None:
    parts = numbers(split.divide(Money(amount)))
    assert sum(parts) == amount
    assert all(part == 0 or (part > 0) == (amount > 0) for part in parts)


@given(st.one_of(weighed(), mixed()), amounts, st.randoms())
def test_parts_do_not_depend_on_the_order_of_shares(split: Split, amount: int, chance: Random) -> None:
    # Fixed sums alone come one after the other.
    order = [share for share in split.shares if share.fixed is None]
    chance.shuffle(order)
    other = Split([*(share for share in split.shares if share.fixed is not None), *order])
    one, two = split.divide(Money(amount)), other.divide(Money(amount))
    assert {p.to: p.amount for p in one.parts} == {p.to: p.amount for p in two.parts}
    assert one.carried == two.carried


@given(weighed(), amounts)
def test_no_part_is_a_whole_minor_unit_off(split: Split, amount: int) -> None:
    total = sum(share.weight or 0 for share in split.shares)
    for share, part in zip(split.shares, numbers(split.divide(Money(amount))), strict=True):
        assert abs(part - Fraction(amount * (share.weight or 0), total)) < 1


@given(mixed(), st.lists(amounts, min_size=2, max_size=6))
def test_what_is_carried_never_breaks_a_split(split: Split, run: list[int]) -> None:
    carried: dict[str, str] = {}
    for amount in run:
        divided = split.divide(Money(amount), carried)
        carried = dict(divided.carried)
        assert sum(divided.amounts) == amount
        assert all(part == 0 or (part > 0) == (amount > 0) for part in divided.amounts)


@given(weighed(), st.integers(0, 10_000))
def test_what_is_given_back_leaves_nobody_owed(split: Split, amount: int) -> None:
    there = split.divide(Money(amount))
    back = split.divide(Money(-amount), there.carried)
    assert back.amounts == tuple(-n for n in there.amounts)
    assert back.carried == {}


@given(weighed(), st.lists(st.integers(-300, 300), min_size=1, max_size=60))
def test_over_the_years_nobody_is_favoured(split: Split, run: list[int]) -> None:
    total = sum(share.weight or 0 for share in split.shares)
    paid = dict.fromkeys((share.to for share in split.shares), 0)
    carried: dict[str, str] = {}
    for amount in run:
        divided = split.divide(Money(amount), carried)
        assert sum(numbers(divided)) == amount
        assert all(part * amount >= 0 for part in divided.amounts)
        carried = dict(divided.carried)
        for part in divided.parts:
            paid[part.to] += part.amount.amount
    for share in split.shares:
        entitled = Fraction(sum(run) * (share.weight or 0), total)
        owed = Fraction(carried.get(share.to, "0/1"))
        assert entitled - paid[share.to] == owed
        assert abs(owed) < 2  # minor units


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_ratios_too_are_right_over_the_years(run: list[int]) -> None:
    split = Split([ratio("fund", "0.333"), ratio("venue", "0.0015"), rest("partner")])
    paid, carried = {"fund": 0, "venue": 0, "partner": 0}, {}
    for amount in run:
        divided = split.divide(Money(amount), carried)
        carried = dict(divided.carried)
        for part in divided.parts:
            paid[part.to] += part.amount.amount
    for to, part in (("fund", "0.333"), ("venue", "0.0015")):
        assert abs(paid[to] - sum(run) * Fraction(part)) < 1


@given(weighed(), st.integers(0, 10**6))
def test_to_carry_nothing_is_to_carry_nothing(split: Split, amount: int) -> None:
    nothing = {split.shares[0].to: f"0/{sum(share.weight or 0 for share in split.shares)}"}
    assert split.divide(Money(amount), nothing).amounts == split.divide(Money(amount)).amounts


def test_a_split_that_came_to_nothing_moves_nothing() -> None:
    """An abandoned first payment does not shift what a second attempt gives."""
    split = Split([weight("甲", 1), weight("乙", 1), weight("丙", 1)])
    carried = split.divide(Money(100)).carried
    abandoned = split.divide(Money(100), carried)
    assert split.divide(Money(100), carried) == abandoned


def test_with_equal_remainders_the_heavier_comes_first_then_the_name() -> None:
    assert numbers(Split([weight("b", 1), weight("a", 1)]).divide(Money(1))) == [0, 1]
    assert numbers(Split([weight("a", 1), weight("b", 3)]).divide(Money(2))) == [0, 2]


def test_whoever_takes_the_rounding_never_gets_less_than_nothing() -> None:
    for amount in range(1_000):
        for receiver in "abc":
            split = Split([weight("a", 1), weight("b", 1), weight("c", 1)], rounding=receiver)
            parts = {part.to: part.amount.amount for part in split.divide(Money(amount)).parts}
            others = [part for to, part in parts.items() if to != receiver]
            assert others == [amount // 3] * 2
            assert parts[receiver] == amount - sum(others) >= amount // 3
    assert numbers(Split([weight("a", 1), weight("b", 1), weight("c", 1)], rounding="c").divide(Money(503))) == [
        167, 167, 169,
    ]  # fmt: skip


def test_equal_flats_are_billed_the_whole_exactly() -> None:
    flats = Split([weight(f"flat-{n:03}", 953_700) for n in range(300)])  # 95.37 m² in square centimetres
    parts = numbers(flats.divide(Money.of("85.00")))
    assert sum(parts) == 8_500
    assert set(parts) == {28, 29}
    assert numbers(Split([weight("a", 1), weight("b", 1), weight("c", 1)]).divide(Money(100))) == [34, 33, 33]


def test_parts_of_a_fee_sum_to_the_rounded_fee() -> None:
    together = Split([ratio("channel", "0.017"), ratio("platform", "0.008"), rest("merchant")])
    nested = Split(
        [
            ratio("fee", "0.025"),
            weight("channel", 17).inside("fee"),
            weight("platform", 8).inside("fee"),
            rest("merchant"),
        ]
    )
    for amount in range(500, 100_001):
        fee = int((Decimal(amount) * Decimal("0.025")).to_integral_value(ROUND_HALF_UP))
        for split in (together, nested) if amount % 10 == 0 else (together,):
            divided = split.divide(Money(amount))
            assert divided.of("channel").amount + divided.of("platform").amount == fee
            assert divided.of("merchant").amount == amount - fee


def test_fixed_sums_come_first_and_only_as_far_as_the_money_goes() -> None:
    split = Split([fixed("cleaning", Money.of("3.00")), fixed("light", 250), ratio("fund", "0.5"), rest("partner")])
    assert numbers(split.divide(Money(10_000))) == [300, 250, 5_000, 4_450]
    assert numbers(split.divide(Money(600))) == [300, 250, 50, 0]
    assert numbers(split.divide(Money(400))) == [300, 100, 0, 0]
    thirds = Split([fixed("cleaning", 300), ratio("a", "0.4"), ratio("b", "0.2"), rest("c")])
    assert numbers(thirds.divide(Money(450))) == [300, 100, 50, 0]
    assert split.divide(Money(400)).carried == {}


def test_bounds_hold_and_the_others_share_what_is_left() -> None:
    split = Split([weight("a", 1), weight("b", 1).bounded(most=10), weight("c", 2).bounded(least=90), rest("x")])
    assert numbers(split.divide(Money(100))) == [5, 5, 90, 0]
    assert numbers(split.divide(Money(1_000))) == [330, 10, 660, 0]
    assert numbers(split.divide(Money(50))) == [0, 0, 50, 0]
    capped = Split([ratio("fund", "0.3").bounded(most=Money.of("200.00")), rest("partner")])
    assert numbers(capped.divide(Money.of("1000.00"))) == [20_000, 80_000]


@given(mixed(), amounts)
def test_no_cap_is_exceeded(split: Split, amount: int) -> None:
    divided = split.divide(Money(amount))
    for share in split.shares:
        if share.most is not None:
            assert abs(divided.of(share.to).amount) <= share.most


@given(st.one_of(weighed(), mixed()), amounts)
def test_a_refund_takes_back_the_very_parts(split: Split, amount: int) -> None:
    divided = split.divide(Money(amount))
    back = divided.reversed()
    assert [-n for n in numbers(back)] == numbers(divided)
    assert back.whole == Money(-amount)


@given(st.one_of(weighed(), mixed()), amounts)
def test_the_arithmetic_is_told_in_words(split: Split, amount: int) -> None:
    divided = split.divide(Money(amount))
    for language in ("en", "zh"):
        told = divided.explain(language)  # type: ignore[arg-type]
        assert str(Money(amount)) in told[0]
        for part in divided.parts:
            assert any(part.to in line and str(part.amount) in line for line in told[1:]), part


def test_the_words_are_these() -> None:
    divided = Split([ratio("partner", "0.6"), ratio("fund", "0.3"), rest("venue")]).divide(Money.of("123.45"))
    assert divided.explain() == (
        "123.45 CNY is split",
        "90 % of 123.45 CNY is 111.105 CNY, rounded half up 111.11 CNY, for partner, fund",
        "partner: 60 % of 123.45 CNY is 74.07 CNY; gets 74.07 CNY",
        "fund: 30 % of 123.45 CNY is 37.035 CNY; gets 37.04 CNY",
        "venue: what is left, 12.34 CNY",
    )
    thirds = Split([weight(name, 1) for name in ("甲", "乙", "丙")]).divide(Money(100, "JPY"))
    assert thirds.explain("zh")[1] == "甲：100 JPY 的 1/3 为 33.333… JPY，得 33 JPY"
    assert divided.reversed().explain("zh") == ("按原分配逐项冲回 123.45 CNY",)


@pytest.mark.parametrize(
    "shares",
    [
        (),
        (weight("a", 1), weight("a", 1)),
        (weight("", 1),),
        (weight("a", 0),),
        (ratio("a", "0.6"), ratio("b", "0.5"), rest("c")),
        (ratio("a", "0.6"),),
        (fixed("a", 100),),
        (rest("a"), rest("b")),
        (weight("a", 1).bounded(most=5),),
        (ratio("a", "1").bounded(most=5),),
        (weight("a", 1).inside("nobody"), rest("b")),
        (weight("a", 1).inside("b"), weight("b", 1).inside("a"), rest("c")),
        (rest("a").inside("a"), rest("b")),
    ],
)
def test_a_rule_that_leaves_something_to_nobody_is_refused(shares: tuple[Share, ...]) -> None:
    with pytest.raises(BadValue) as caught:
        Split(shares)
    assert caught.value.why_zh


def test_what_is_no_share_is_refused() -> None:
    for wrong in (0.5, "x", "-0.1", "1.1", "NaN", "1e-13", None):
        with pytest.raises(BadValue):
            ratio("a", wrong)  # type: ignore[arg-type]
    for wrong in (1.5, -1, True, 10**16):
        with pytest.raises(BadValue):
            weight("a", wrong)  # type: ignore[arg-type]
    for wrong in (-1, 0.5, Money(-1)):
        with pytest.raises(BadValue):
            fixed("a", wrong)  # type: ignore[arg-type]
    with pytest.raises(BadValue):
        weight("a", 1).bounded(least=5, most=4)
    with pytest.raises(BadValue):
        rest("a").bounded(most=4)
    with pytest.raises(BadValue):
        Split([weight("a", 1), rest("b")], rounding="a")
    with pytest.raises(BadValue):
        Split([weight("a", 1)], rounding="b")


@pytest.mark.parametrize(
    "share",
    [
        Share(to="a", ratio=Decimal("1e999999")),
        Share(to="a", ratio=Decimal("-0.5")),
        Share(to="a", ratio=Decimal("1e-999999")),
        Share(to="a", weight=-1),
        Share(to="a", fixed=-1),
        Share(to="a", fixed=1, weight=1),
        Share(to="a", weight=1, least=5, most=4),
        Share(to="a", weight=1, least=-5),
        Share(to="a", fixed=1, most=5),
    ],
    ids=repr,
)
def test_a_share_that_none_of_the_functions_makes_is_refused_with_its_rule(share: Share) -> None:
    with pytest.raises(BadValue):
        Split([share, rest("b")])


def test_what_was_carried_under_another_rule_is_refused() -> None:
    carried = Split([weight("a", 1), weight("b", 2)]).divide(Money(100)).carried
    assert carried == {"a": "1/3", "b": "-1/3"}
    with pytest.raises(BadValue, match="another rule"):
        Split([weight("a", 1), weight("b", 3)]).divide(Money(100), carried)
    with pytest.raises(BadValue, match="another rule"):
        Split([weight("a", 1), weight("b", 2)]).divide(Money(100), {"a": "x"})
    with pytest.raises(BadValue, match="another rule"):
        Split([weight("a", 1), weight("b", 2)]).divide(Money(100), {"c": "1/3"})
