"""The shares of a split rule: who has which part, by a fixed sum, a ratio, a weight, or what is left."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

from attrs import evolve

from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money
from communitycore.kernel.values import frozen

SHARES_MAX = 10_000
PLACES_MAX = 12
WEIGHT_MAX = 10**15


@frozen(kw_only=True)
class Share:
    """Who has a share, and how it is measured; made by `fixed`, `ratio`, `weight` and `rest`.

    to: an account, a household, a partner; each once in a rule. least, most: bounds of the part, in minor units.
    within: the share that this one is a part of, which is then only a group's; None: the whole amount.
    """

    to: str
    fixed: int | None = None
    ratio: Decimal | None = None
    weight: int | None = None
    least: int | None = None
    most: int | None = None
    within: str | None = None

    def bounded(self, *, least: Money | int | None = None, most: Money | int | None = None) -> Share:
        """The same share, whose part is never smaller than `least` (floor 保底) nor larger than `most` (cap 封顶).

        A floor gives way where less is left. Raises BadValue for a fixed sum or the rest, which have no bounds.
        """
        low, high = _minor(least, "least"), _minor(most, "most")
        if low is not None and high is not None and low > high:
            raise BadValue(field="least", why="it is more than `most`", why_zh="保底高于封顶")
        if self.ratio is None and self.weight is None:
            raise BadValue(
                field="least", why="bounds are for ratios and weights", why_zh="保底与封顶仅适用于比例和权重"
            )
        return evolve(self, least=low, most=high)

    def inside(self, group: str) -> Share:
        """The same share, as a part of what `group` gets 分组."""
        return evolve(self, within=group)


def fixed(to: str, amount: Money | int) -> Share:
    """A fixed sum 定额, in minor units if it is a plain number."""
    return Share(to=to, fixed=_minor(amount, "fixed"))


def ratio(to: str, part: Decimal | str) -> Share:
    """A ratio of the whole amount 比例, from 0 to 1: `ratio("partner", "0.7")`. Floats are refused."""
    made = Decimal("NaN")
    if isinstance(part, (Decimal, str)):
        with suppress(ArithmeticError):
            made = Decimal(part)
    exponent = made.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= made <= 1 or -exponent > PLACES_MAX:
        raise BadValue(
            field="ratio",
            why=f"{part!r} is no text or Decimal from 0 to 1 with at most {PLACES_MAX} places",
            why_zh=f"{part!r} 应为 0 到 1 之间、最多 {PLACES_MAX} 位小数的文本或 Decimal",
        )
    return Share(to=to, ratio=made)


def weight(to: str, measure: int) -> Share:
    """A share of what is left, in proportion to a whole number 权重: floor area in square centimetres, say, or 1."""
    if type(measure) is not int or not 0 <= measure <= WEIGHT_MAX:
        raise BadValue(
            field="weight",
            why=f"{measure!r} is no whole number from 0 to {WEIGHT_MAX}; give areas in a smaller unit",
            why_zh=f"{measure!r} 不是 0 到 {WEIGHT_MAX} 的整数；面积请换用更小的单位",
        )
    return Share(to=to, weight=measure)


def rest(to: str) -> Share:
    """Whatever is left 余额."""
    return Share(to=to)


def _minor(value: Money | int | None, name: str) -> int | None:
    amount = value.amount if isinstance(value, Money) else value
    if amount is not None and (type(amount) is not int or amount < 0):
        raise BadValue(
            field=name,
            why=f"{value!r} is no amount of zero or more; a plain number counts minor units",
            why_zh=f"{value!r} 不是非负金额；整数以最小货币单位计",
        )
    return amount


def refused(why: str, why_zh: str) -> BadValue:
    """The refusal of a rule, which says why."""
    return BadValue(field="shares", why=why, why_zh=why_zh)


def is_bounded(share: Share) -> bool:
    """Whether it has a floor or a cap."""
    return share.least is not None or share.most is not None


def check_share(share: Share) -> None:
    """What the functions that make shares refuse, said of one that came from elsewhere. Raises BadValue."""
    if (share.fixed, share.ratio, share.weight).count(None) < 2:
        raise refused(
            "a share is a fixed sum, a ratio or a weight, and only one of them", "每份只能是定额、比例或权重之一"
        )
    if share.fixed is not None:
        _minor(share.fixed, "fixed")
    elif share.ratio is not None:
        ratio(share.to, share.ratio)
    elif share.weight is not None:
        weight(share.to, share.weight)
    if is_bounded(share):
        share.bounded(least=share.least, most=share.most)
