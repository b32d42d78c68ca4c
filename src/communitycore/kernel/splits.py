"""Splits: an amount divided among those who have a share in it, to the last minor unit, and the arithmetic in words.

Every part is exact integer arithmetic. The parts sum to the amount, have its sign, and do not depend on the order in
which shares are written down. What a part exceeds or lacks of its exact share is less than one minor unit; a split that
is repeated carries it forward, so that over the years nobody is favoured.

In which order an amount is taken apart:

1. fixed sums, in the order in which they are written;
2. ratios of the whole amount: together they are one amount, rounded half up, which the method of largest remainders
   gives out among them;
3. what is left goes to weights, by the method of largest remainders, or to whoever takes the rest.

Nobody is given more than what is left by then, so no part is ever of the other sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType
from typing import cast

from attrs import define, evolve, field

from communitycore.kernel.errors import BadValue, Language
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


@frozen
class Part:
    """What one share comes to."""

    to: str
    amount: Money


@frozen
class Divided:
    """An amount taken apart.

    to: all who have a share and are no group, in the order of the rule; amounts: what each gets, in minor units.
    """

    whole: Money
    to: tuple[str, ...]
    amounts: tuple[int, ...]
    _rule: Split | None = field(default=None, eq=False, repr=False)
    _before: Mapping[str, str] = field(default=MappingProxyType({}), eq=False, repr=False)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What each gets."""
        currency = self.whole.currency
        return tuple(Part(to, Money(amount, currency)) for to, amount in zip(self.to, self.amounts, strict=True))

    @property
    def carried(self) -> Mapping[str, str]:
        """What each is owed beyond its part, as `numerator/denominator` of a minor unit 结转.

        Hand it to the next split under the same rule. It counts only once this one is kept: an attempt that came to
        nothing moves nothing.
        """
        return {} if self._rule is None else self._rule._work(self.whole, self._before).moved

    def of(self, to: str) -> Money:
        """What one gets; zero for one who has no part."""
        return Money(self.amounts[self.to.index(to)] if to in self.to else 0, self.whole.currency)

    def reversed(self) -> Divided:
        """A refund 退款 of what was split: these very parts with the other sign, whatever the rule says by then."""
        return Divided(-self.whole, self.to, tuple(-amount for amount in self.amounts))

    def explain(self, language: Language = "en") -> tuple[str, ...]:
        """The arithmetic in words, a line each 计算说明."""
        whole, zh = self.whole, language == "zh"
        if self._rule is None:
            return (_WORDS["reversed"][zh].format(amount=-whole),)
        sign, said = (-1 if whole.amount < 0 else 1), [_WORDS["whole"][zh].format(amount=whole)]
        for kind, amount, data in self._rule._work(whole, self._before).steps:
            shown = [show(value, sign, whole.currency) for show, value in zip(_SHOWN[kind], data, strict=True)]
            said.append(_WORDS[kind][zh].format(*shown, amount=Money(sign * amount, whole.currency)))
        return tuple(said)


def _listed(shares: Iterable[Share]) -> tuple[Share, ...]:
    return tuple(shares)


@frozen
class Split:
    """A rule by which amounts are split 分账规则.

    rounding: who takes what rounding leaves over, where all share by weight: the others are rounded down, so that it is
    never negative. Raises BadValue for a rule that may leave something to nobody, or that names somebody twice.
    """

    shares: tuple[Share, ...] = field(converter=_listed)
    rounding: str | None = None
    _groups: Mapping[str | None, _Group] = field(init=False, eq=False, repr=False)
    _to: tuple[str, ...] = field(init=False, eq=False, repr=False)
    _plain: _Measured | None = field(init=False, eq=False, repr=False)  # all there is, if all share freely by weight

    def __attrs_post_init__(self) -> None:
        groups = _groups(self.shares, self.rounding)
        object.__setattr__(self, "_groups", groups)
        object.__setattr__(self, "_to", tuple(share.to for share in self.shares if share.to not in groups))
        free = all(share.weight is not None and not _bounds(share) for share in self.shares)
        plain = groups[None].weights if free and len(groups) == 1 and self.rounding is None else None
        object.__setattr__(self, "_plain", plain)

    def divide(self, whole: Money, carried: Mapping[str, str] | None = None) -> Divided:
        """The parts of `whole`. carried: see Divided; who is not named in it starts at nothing.

        Raises BadValue if `carried` belongs to another rule.
        """
        amount = whole.amount
        if self._plain is not None and not carried and amount >= 0:
            return Divided(whole, self._to, tuple(self._plain.shared(amount)), self)
        before = dict(carried or {})
        for to in before.keys() - {share.to for share in self.shares}:
            raise _stale(to, before[to])
        work = self._work(whole, before)
        return Divided(whole, self._to, tuple(work.sign * work.given[to] for to in self._to), self, before)

    def _work(self, whole: Money, carried: Mapping[str, str]) -> _Work:
        work = _Work(-1 if whole.amount < 0 else 1, carried)
        for name, group in self._groups.items():  # a group stands before those inside it
            if name is None:
                group.divide(abs(whole.amount), work)
            else:
                work.say("group", work.given[name], name)
                group.divide(work.given[name], work)
        return work


# How a rule is checked


def _minor(value: Money | int | None, name: str) -> int | None:
    amount = value.amount if isinstance(value, Money) else value
    if amount is not None and (type(amount) is not int or amount < 0):
        raise BadValue(
            field=name,
            why=f"{value!r} is no amount of zero or more; a plain number counts minor units",
            why_zh=f"{value!r} 不是非负金额；整数以最小货币单位计",
        )
    return amount


def _refuse(why: str, why_zh: str) -> BadValue:
    return BadValue(field="shares", why=why, why_zh=why_zh)


def _groups(shares: Sequence[Share], rounding: str | None) -> dict[str | None, _Group]:
    names = {share.to for share in shares}
    if not 0 < len(shares) <= SHARES_MAX:
        raise _refuse(f"a rule has from 1 to {SHARES_MAX} shares", f"规则应有 1 至 {SHARES_MAX} 份")
    if "" in names or len(names) < len(shares):
        raise _refuse("each share names somebody, and each somebody else", "每份须注明归属，且不得重复")
    members: dict[str | None, list[Share]] = {None: []}
    for share in shares:
        members.setdefault(share.within, []).append(share)
    reached: list[str | None] = [None]
    for name in reached:  # which grows meanwhile
        reached += [share.to for share in members[name] if share.to in members]
    if lost := members.keys() - set(reached):
        named = ", ".join(sorted(str(name) for name in lost))
        raise _refuse(
            f"{named} is no share of this rule, or lies within itself", f"{named} 不是本规则的份额，或包含自身"
        )
    if rounding is not None and (
        rounding not in names or any(s.weight is None or s.within or _bounds(s) for s in shares)
    ):
        raise _refuse(
            "whoever takes the rounding is one of those who share by weight, as all do, within no bounds",
            "承担尾差者须与其他各方一样按权重分配，且不设保底封顶",
        )
    return {name: _Group(members[name], rounding) for name in reached}


def _bounds(share: Share) -> bool:
    return share.least is not None or share.most is not None


# How a rule is carried out

_Step = tuple[str, int, tuple[object, ...]]


@define
class _Work:
    """What comes of one division. sign: of the amount; given: parts by name; moved: what is carried on."""

    sign: int
    carried: Mapping[str, str]
    given: dict[str, int] = field(factory=dict)
    moved: dict[str, str] = field(factory=dict)
    steps: list[_Step] = field(factory=list)

    def say(self, kind: str, amount: int, *data: object) -> None:
        """A step of the arithmetic: which words, what comes of it, and what else stands in them."""
        self.steps.append((kind, amount, data))

    def owed(self, to: str, over: int) -> int:
        """What was carried for one, in parts of `over`."""
        text = self.carried.get(to)
        if text is None:
            return 0
        up, _, down = text.partition("/")
        with suppress(ValueError):
            if int(down) == over:
                return self.sign * int(up)
        raise _stale(to, text)

    def carry(self, to: str, owed: int, over: int) -> None:
        """One is owed this beyond what it was given."""
        if owed:
            self.moved[to] = f"{self.sign * owed}/{over}"


def _stale(to: str, text: str) -> BadValue:
    return BadValue(
        field="carried",
        why=f"{text!r} for {to} was carried under another rule; start again without it",
        why_zh=f"{to} 的结转 {text!r} 属于其他规则，请不带结转重新开始",
    )


class _Measured:
    """Shares with whole numbers for their measures, and who of them comes first where remainders are equal."""

    def __init__(self, shares: Sequence[Share], measures: Sequence[int], over: int) -> None:
        self.shares = shares
        self.names = [share.to for share in shares]
        self.measures = measures
        self.over = over
        self.order = sorted(range(len(shares)), key=lambda n: (-measures[n], shares[n].to))

    def shared(self, amount: int) -> list[int]:
        """Whole parts that sum to `amount`, by the largest remainders."""
        over = self.over
        exact = [amount * measure for measure in self.measures]
        parts = [n // over for n in exact]
        left = amount - sum(parts)
        if left:
            lacks = [n % over for n in exact]
            for n in sorted(self.order, key=lacks.__getitem__, reverse=True)[:left]:
                parts[n] += 1
        return parts

    def scaled(self) -> _Measured:
        """The same, so that their measures come to the whole."""
        return _Measured(self.shares, self.measures, sum(self.measures))

    def scores(self, amount: int, work: _Work) -> list[int]:
        """What each has a right to, in parts of `over`, with what was carried."""
        return [amount * m + work.owed(to, self.over) for to, m in zip(self.names, self.measures, strict=True)]

    def parts(self, scores: Sequence[int], total: int) -> list[int]:
        """Whole parts that sum to `total`, by the largest remainders of scores of which some may be below zero."""
        over = self.over
        parts = [max(score // over, 0) for score in scores]
        lacks = [score - part * over for score, part in zip(scores, parts, strict=True)]
        most_first = sorted(self.order, key=lacks.__getitem__, reverse=True)
        left = total - sum(parts)
        for n in most_first[: max(left, 0)]:
            parts[n] += 1
        while left < 0:  # more was carried than there is
            n = next(n for n in reversed(most_first) if parts[n])
            most_first.remove(n)
            most_first.insert(0, n)
            parts[n] -= 1
            left += 1
        return parts


class _Group:
    """The shares of one group, and what can be computed before an amount is known."""

    def __init__(self, shares: Sequence[Share], rounding: str | None) -> None:
        self.shares = shares
        self.rounding = rounding
        self.fixed = [(s.to, s.fixed) for s in shares if s.fixed is not None]
        ratios = [(s, s.ratio) for s in shares if s.ratio is not None]
        weights = [(s, s.weight) for s in shares if s.weight is not None]
        takers = [s.to for s in shares if s.fixed is None and s.ratio is None and s.weight is None]
        over = 10 ** max((_places(part) for _, part in ratios), default=0)
        self.ratios = _Measured([s for s, _ in ratios], [int(part * over) for _, part in ratios], over)
        self.weights = _weighed([s for s, _ in weights])
        self.bounded = any(_bounds(s) for s, _ in weights)
        self.taker = takers[0] if takers else None
        self._check(len(takers))

    def _check(self, takers: int) -> None:
        ratios, weights = self.ratios, self.weights
        part = sum(ratios.measures)
        if takers > 1:
            raise _refuse("only one can take the rest", "余额只能归一方")
        if part > ratios.over:
            said = _percent(part, ratios.over)
            raise _refuse(f"the ratios come to {said}", f"各比例合计 {said}，超过总额")
        if weights.shares and not weights.over:
            raise _refuse("all weights are zero", "权重全部为零")
        whole = part == ratios.over and not any(_bounds(s) for s in ratios.shares)
        if self.taker is None and not (whole or (weights.shares and all(s.most is None for s in weights.shares))):
            raise _refuse(
                "something may be left for nobody; say who takes the rest", "可能有余额无人承接，请指定余额归属"
            )

    def divide(self, whole: int, work: _Work) -> None:
        """Take `whole`, which is not negative, apart."""
        left, given = whole, work.given
        for to, wanted in self.fixed:
            given[to] = part = min(wanted, left)
            left -= part
            work.say("fixed", part, to)
        if self.ratios.shares:
            left -= self._by_ratio(whole, left, work)
        if self.weights.shares:
            left -= self._by_weight(left, work)
        if self.taker is not None:
            given[self.taker] = left
            work.say("rest", left, self.taker)

    def _by_ratio(self, whole: int, left: int, work: _Work) -> int:
        """Together they are one amount, rounded half up; gives what they took."""
        measured = self.ratios
        over, scores = measured.over, measured.scores(whole, work)
        exact = sum(scores)
        rounded = max((2 * exact + over) // (2 * over), 0)
        total = min(rounded, left)
        parts = measured.parts(scores, total) if total == rounded else measured.scaled().shared(total)
        if len(parts) > 1:
            named = ", ".join(measured.names)
            work.say("ratios", total, (sum(measured.measures), over), whole, (exact, over), named)
        taken = 0
        for n in measured.order:
            share, measure, score, part = measured.shares[n], measured.measures[n], scores[n], parts[n]
            work.say("ratio", part, share.to, (measure, over), whole, (score, over))
            work.given[share.to] = kept = min(_bound(share, part), left - taken)
            taken += kept
            if kept == part and total == rounded:
                work.carry(share.to, score - part * over, over)
            else:
                work.say("bound", kept, share.to)
        return taken

    def _by_weight(self, left: int, work: _Work) -> int:
        """In proportion; whoever meets a bound is given that, and the others share what is left then."""
        measured, amount = self.weights, left
        while True:
            scores = measured.scores(amount, work)
            if self.rounding is not None:
                parts = [score // measured.over for score in scores]
                taker = next(n for n, share in enumerate(measured.shares) if share.to == self.rounding)
                parts[taker] += amount - sum(parts)
                break
            parts = measured.parts(scores, amount)
            if not self.bounded:
                break
            bounds = [_bound(share, part) for share, part in zip(measured.shares, parts, strict=True)]
            # Caps set something free, and floors take it: first those that move more.
            moved = sum(parts) - sum(bounds)
            met = [
                n for n in measured.order
                if (parts[n] > bounds[n] if moved > 0 else parts[n] < bounds[n] if moved < 0 else parts[n] != bounds[n])
            ]  # fmt: skip
            if not met:
                break
            for n in met:
                to = measured.shares[n].to
                work.given[to] = part = min(bounds[n], amount)
                amount -= part
                work.say("bound", part, to)
            measured = _weighed([share for n, share in enumerate(measured.shares) if n not in set(met)])
            if not measured.over:
                work.given.update((share.to, 0) for share in measured.shares)
                return left - amount
        over = measured.over
        work.given.update(zip(measured.names, parts, strict=True))
        carries = self.rounding is None and not self.bounded
        for to, measure, score, part in zip(measured.names, measured.measures, scores, parts, strict=True):
            work.say("weight", part, to, measure, over, amount, (score, over))
            if carries:
                work.carry(to, score - part * over, over)
        return left


def _weighed(shares: Sequence[Share]) -> _Measured:
    measures = [share.weight or 0 for share in shares]
    return _Measured(shares, measures, sum(measures))


def _bound(share: Share, part: int) -> int:
    if share.least is not None and part < share.least:
        return share.least
    if share.most is not None and part > share.most:
        return share.most
    return part


def _places(part: Decimal) -> int:
    exponent = part.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)


# How it is said


def _plain(value: object, sign: int, currency: str) -> str:
    return str(value)


def _money(value: object, sign: int, currency: str) -> str:
    assert isinstance(value, int)
    return str(Money(sign * value, currency))


def _part_of(value: object, sign: int, currency: str) -> str:
    return _percent(*cast("tuple[int, int]", value))


def _exact(value: object, sign: int, currency: str) -> str:
    """To a thousandth of the minor unit, with `…` where it goes on."""
    score, over = cast("tuple[int, int]", value)
    whole, part = divmod(abs(score), over)
    thousandths, more = divmod(part * 1_000, over)
    figure = _money(sign * whole if score >= 0 else -sign * whole, 1, currency).removesuffix(f" {currency}")
    point = "" if "." in figure else "."
    shown = f"{figure}{point}{thousandths:03d}".rstrip("0").rstrip(".")
    return f"{shown}{'…' if more else ''} {currency}"


def _percent(measure: int, over: int) -> str:
    return f"{(Decimal(measure * 100) / over).normalize():f} %"


_Show = Callable[[object, int, str], str]
_SHOWN: dict[str, tuple[_Show, ...]] = {
    "group": (_plain,),
    "fixed": (_plain,),
    "ratios": (_part_of, _money, _exact, _plain),
    "ratio": (_plain, _part_of, _money, _exact),
    "weight": (_plain, _plain, _plain, _money, _exact),
    "bound": (_plain,),
    "rest": (_plain,),
}
_WORDS = {
    "whole": ("{amount} is split", "待分配 {amount}"),
    "group": ("of {0}: {amount} is split", "{0} 内待分配 {amount}"),
    "fixed": ("{0}: a fixed sum, {amount}", "{0}：定额 {amount}"),
    "ratios": (
        "{0} of {1} is {2}, rounded half up {amount}, for {3}",
        "{1} 的 {0} 为 {2}，四舍五入得 {amount}，由 {3} 分配",
    ),
    "ratio": ("{0}: {1} of {2} is {3}; gets {amount}", "{0}：{2} 的 {1} 为 {3}，得 {amount}"),
    "weight": ("{0}: {1} of {2} parts of {3} is {4}; gets {amount}", "{0}：{3} 的 {1}/{2} 为 {4}，得 {amount}"),
    "bound": ("{0}: by its bounds gets {amount}", "{0}：按保底或封顶得 {amount}"),
    "rest": ("{0}: what is left, {amount}", "{0}：余额 {amount}"),
    "reversed": ("the recorded split of {amount} is taken back, part by part", "按原分配逐项冲回 {amount}"),
}
