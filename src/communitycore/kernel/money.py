"""Money: an integer of minor units with its ISO 4217 code, never a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from attrs import field

from communitycore.kernel.errors import BadValue
from communitycore.kernel.values import frozen

# Currencies whose minor unit is not a hundredth (ISO 4217, table A.1).
_PLACES = (
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
)
DIGITS = 30  # far beyond 64 bits, and quick to compute with
_EXPONENTS = {code: places for places, codes in _PLACES for code in codes.split()}


def _minor(_: object, __: object, value: Any) -> None:
    if type(value) is not int:
        raise BadValue(
            field="amount",
            why=f"{value!r} is not a whole number of minor units; floats are never money",
            why_zh=f"{value!r} 不是以最小货币单位计的整数；金额不得使用浮点数",
        )


def _code(_: object, __: object, value: Any) -> None:
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise BadValue(
            field="currency",
            why=f"{value!r} is not an ISO 4217 code such as CNY",
            why_zh=f"{value!r} 不是 ISO 4217 货币代码（如 CNY）",
        )


@frozen(order=False)
class Money:
    """`amount` minor units of `currency`: Money(1250, "CNY") is 12.50 yuan."""

    amount: int = field(validator=_minor)
    currency: str = field(default="CNY", validator=_code)

    @classmethod
    def of(cls, text: str | int | Decimal, currency: str = "CNY") -> Money:
        """From a decimal amount in major units, exactly: `Money.of("12.50")`.

        Raises BadValue for floats, for text that is no number and for more places than the currency has.
        """
        if isinstance(text, (float, bool)):
            _minor(None, None, float(text))
        shown = repr(text)[:60]
        try:
            sign, digits, exponent = Decimal(text).as_tuple()
            shift = int(exponent) + _EXPONENTS.get(currency, 2)
            number = int("".join(map(str, digits)))
        except (InvalidOperation, ValueError, TypeError):
            raise BadValue(field="amount", why=f"{shown} is not an amount", why_zh=f"{shown} 不是金额") from None
        if len(digits) + shift > DIGITS:
            raise BadValue(field="amount", why=f"{shown} is beyond measure", why_zh=f"{shown} 超出金额范围")
        # Whole numbers throughout: a decimal context, whoever set it, would round.
        amount, rest = divmod(number * 10 ** max(shift, 0), 10 ** min(max(-shift, 0), len(digits)))
        if rest:
            raise BadValue(
                field="amount",
                why=f"{shown} has more places than {currency} has",
                why_zh=f"{shown} 的小数位数超过 {currency} 的最小单位",
            )
        return cls(-amount if sign else amount, currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise BadValue(
                field="currency",
                why=f"{self.currency} and {other.currency} do not mix",
                why_zh=f"{self.currency} 与 {other.currency} 不能混算",
            )
        return other.amount

    def __str__(self) -> str:
        places = _EXPONENTS.get(self.currency, 2)
        sign, digits = "-" if self.amount < 0 else "", str(abs(self.amount)).rjust(places + 1, "0")
        whole, part = (digits[:-places], "." + digits[-places:]) if places else (digits, "")
        return f"{sign}{whole}{part} {self.currency}"
