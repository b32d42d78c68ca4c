"""How an amount is taken apart under a split rule: exact integer arithmetic, by the method of largest remainders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

from attrs import define, field

from communitycore.kernel.errors import BadValue
from communitycore.kernel.shares import Share, is_bounded, refused

Step = tuple[str, int, tuple[object, ...]]


@define
class Work:
    """What comes of one division. sign: of the amount; given: parts by name; moved: what is carried on."""

    sign: int
    carried: Mapping[str, str]
    given: dict[str, int] = field(factory=dict)
    moved: dict[str, str] = field(factory=dict)
    steps: list[Step] = field(factory=list)

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
        raise stale(to, text)

    def carry(self, to: str, owed: int, over: int) -> None:
        """One is owed this beyond what it was given."""
        if owed:
            self.moved[to] = f"{self.sign * owed}/{over}"


def stale(to: str, text: str) -> BadValue:
    return BadValue(
        field="carried",
        why=f"{text!r} for {to} was carried under another rule; start again without it",
        why_zh=f"{to} 的结转 {text!r} 属于其他规则，请不带结转重新开始",
    )


class Measured:
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

    def scaled(self) -> Measured:
        """The same, so that their measures come to the whole."""
        return Measured(self.shares, self.measures, sum(self.measures))

    def scores(self, amount: int, work: Work) -> list[int]:
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


class Group:
    """The shares of one group, and what can be computed before an amount is known."""

    def __init__(self, shares: Sequence[Share], rounding: str | None) -> None:
        self.shares = shares
        self.rounding = rounding
        self.fixed = [(s.to, s.fixed) for s in shares if s.fixed is not None]
        ratios = [(s, s.ratio) for s in shares if s.ratio is not None]
        weights = [(s, s.weight) for s in shares if s.weight is not None]
        takers = [s.to for s in shares if s.fixed is None and s.ratio is None and s.weight is None]
        over = 10 ** max((_places(part) for _, part in ratios), default=0)
        self.ratios = Measured([s for s, _ in ratios], [int(part * over) for _, part in ratios], over)
        self.weights = _weighed([s for s, _ in weights])
        self.bounded = any(is_bounded(s) for s, _ in weights)
        self.taker = takers[0] if takers else None
        self._check(len(takers))

    def _check(self, takers: int) -> None:
        ratios, weights = self.ratios, self.weights
        part = sum(ratios.measures)
        if takers > 1:
            raise refused("only one can take the rest", "余额只能归一方")
        if part > ratios.over:
            said = percent(part, ratios.over)
            raise refused(f"the ratios come to {said}", f"各比例合计 {said}，超过总额")
        if weights.shares and not weights.over:
            raise refused("all weights are zero", "权重全部为零")
        whole = part == ratios.over and not any(is_bounded(s) for s in ratios.shares)
        if self.taker is None and not (whole or (weights.shares and all(s.most is None for s in weights.shares))):
            raise refused(
                "something may be left for nobody; say who takes the rest", "可能有余额无人承接，请指定余额归属"
            )

    def divide(self, whole: int, work: Work) -> None:
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

    def _by_ratio(self, whole: int, left: int, work: Work) -> int:
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

    def _by_weight(self, left: int, work: Work) -> int:
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


def _weighed(shares: Sequence[Share]) -> Measured:
    measures = [share.weight or 0 for share in shares]
    return Measured(shares, measures, sum(measures))


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


def percent(measure: int, over: int) -> str:
    """A part in per cent, as short as it is exact."""
    return f"{(Decimal(measure * 100) / over).normalize():f} %"
