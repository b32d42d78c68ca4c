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

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from attrs import field

from communitycore.kernel.errors import Language
from communitycore.kernel.money import Money
from communitycore.kernel.shares import SHARES_MAX, Share, check_share, fixed, is_bounded, ratio, refused, rest, weight
from communitycore.kernel.sharing import Group, Measured, Work, stale
from communitycore.kernel.split_words import SHOWN, WORDS
from communitycore.kernel.values import frozen

__all__ = ["Divided", "Part", "Share", "Split", "fixed", "ratio", "rest", "weight"]


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
            return (WORDS["reversed"][zh].format(amount=-whole),)
        sign, said = (-1 if whole.amount < 0 else 1), [WORDS["whole"][zh].format(amount=whole)]
        for kind, amount, data in self._rule._work(whole, self._before).steps:
            shown = [show(value, sign, whole.currency) for show, value in zip(SHOWN[kind], data, strict=True)]
            said.append(WORDS[kind][zh].format(*shown, amount=Money(sign * amount, whole.currency)))
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
    _groups: Mapping[str | None, Group] = field(init=False, eq=False, repr=False)
    _to: tuple[str, ...] = field(init=False, eq=False, repr=False)
    _plain: Measured | None = field(init=False, eq=False, repr=False)  # all there is, if all share freely by weight

    def __attrs_post_init__(self) -> None:
        groups = _groups(self.shares, self.rounding)
        object.__setattr__(self, "_groups", groups)
        object.__setattr__(self, "_to", tuple(share.to for share in self.shares if share.to not in groups))
        free = all(share.weight is not None and not is_bounded(share) for share in self.shares)
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
            raise stale(to, before[to])
        work = self._work(whole, before)
        return Divided(whole, self._to, tuple(work.sign * work.given[to] for to in self._to), self, before)

    def _work(self, whole: Money, carried: Mapping[str, str]) -> Work:
        work = Work(-1 if whole.amount < 0 else 1, carried)
        for name, group in self._groups.items():  # a group stands before those inside it
            if name is None:
                group.divide(abs(whole.amount), work)
            else:
                work.say("group", work.given[name], name)
                group.divide(work.given[name], work)
        return work


def _groups(shares: Sequence[Share], rounding: str | None) -> dict[str | None, Group]:
    names = {share.to for share in shares}
    if not 0 < len(shares) <= SHARES_MAX:
        raise refused(f"a rule has from 1 to {SHARES_MAX} shares", f"规则应有 1 至 {SHARES_MAX} 份")
    if "" in names or len(names) < len(shares):
        raise refused("each share names somebody, and each somebody else", "每份须注明归属，且不得重复")
    members: dict[str | None, list[Share]] = {None: []}
    for share in shares:
        check_share(share)
        members.setdefault(share.within, []).append(share)
    reached: list[str | None] = [None]
    for name in reached:  # which grows meanwhile
        reached += [share.to for share in members[name] if share.to in members]
    if lost := members.keys() - set(reached):
        named = ", ".join(sorted(str(name) for name in lost))
        raise refused(
            f"{named} is no share of this rule, or lies within itself", f"{named} 不是本规则的份额，或包含自身"
        )
    if rounding is not None and (
        rounding not in names or any(s.weight is None or s.within or is_bounded(s) for s in shares)
    ):
        raise refused(
            "whoever takes the rounding is one of those who share by weight, as all do, within no bounds",
            "承担尾差者须与其他各方一样按权重分配，且不设保底封顶",
        )
    return {name: Group(members[name], rounding) for name in reached}
