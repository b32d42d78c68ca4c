"""Money: exact, of one currency, and never a float."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money

PLACES = {"CNY": 2, "JPY": 0, "KWD": 3, "CLF": 4}
currencies = st.sampled_from(sorted(PLACES))
amounts = st.integers(-(2**63), 2**63 - 1)


@given(amounts, currencies)
def test_what_is_written_is_read_back_exactly(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    text, code = str(money).split()
    assert code == currency
    assert Money.of(text, currency) == money
    assert Money.of(Decimal(text), currency) == money
    assert Decimal(text) * 10 ** PLACES[currency] == amount or abs(amount) > 10**17


@given(amounts, currencies, st.integers(1, 40), st.integers(1, 9))
def test_more_places_than_the_currency_has_are_refused_however_small(
    amount: int, currency: str, zeros: int, last: int
) -> None:
    text, _ = str(Money(amount, currency)).split()
    text += ("" if "." in text else ".") + "0" * (zeros - 1) + str(last)
    with pytest.raises(BadValue):
        Money.of(text, currency)


@pytest.mark.parametrize("wrong", [1.5, 1.0, float("nan"), True, "", "a", "1,5", "NaN", "Infinity", None, [], "1.005"])
def test_what_is_no_amount_is_refused(wrong: object) -> None:
    with pytest.raises(BadValue) as caught:
        Money.of(wrong)  # type: ignore[arg-type]
    assert caught.value.field == "amount"


@pytest.mark.parametrize("huge", ["1e999999", "1e999999999", "-1e400000", "1e-999999999", "9" * 5000])
def test_an_amount_beyond_measure_is_refused_at_once(huge: str) -> None:
    started = time.perf_counter()
    with pytest.raises(BadValue):
        Money.of(huge)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("amount", [1.0, True, "1", None, Decimal(1)])
def test_only_whole_minor_units_make_money(amount: object) -> None:
    with pytest.raises(BadValue):
        Money(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["cny", "CN", "CNYX", "元", "", 5, None, "C1Y"])
def test_a_currency_is_its_iso_code(currency: object) -> None:
    with pytest.raises(BadValue):
        Money(1, currency)  # type: ignore[arg-type]


@given(amounts, amounts)
def test_sums_and_order_are_those_of_whole_numbers(a: int, b: int) -> None:
    one, two = Money(a), Money(b)
    assert (one + two).amount == a + b
    assert (one - two).amount == a - b
    assert (-one).amount == -a
    assert (one < two, one <= two, one > two, one >= two, one == two) == (a < b, a <= b, a > b, a >= b, a == b)


def test_currencies_do_not_mix() -> None:
    for mix in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a >= b):
        with pytest.raises(BadValue) as caught:
            mix(Money(1), Money(1, "JPY"))
        assert caught.value.field == "currency"
    assert Money(0) != Money(0, "JPY")


def test_worked_example() -> None:
    assert str(Money.of("12.50")) == "12.50 CNY"
    assert str(Money(-5)) == "-0.05 CNY"
    assert str(Money(7, "JPY")) == "7 JPY"
