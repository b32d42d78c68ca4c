"""Owners' decisions 业主共同决定: who has to take part, and how many must agree, by area and by headcount (R20).

Source: Civil Code 民法典 §278. At least two thirds take part, both ways; ordinary matters then need more than half of
those who took part, grave ones three quarters, both ways.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from communitycore.domain.funds.books import minor, open_one, today
from communitycore.domain.funds.records import Count, DecisionStatus, LedgerId, OwnersDecision
from communitycore.domain.places.words import check_name
from communitycore.domain.roles import ACCOUNTANT
from communitycore.kernel.change import Change, begin
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.money import Money
from communitycore.kernel.rules import role
from communitycore.kernel.view import View

TAKE_PART = Fraction(2, 3)
ORDINARY, GRAVE = Fraction(1, 2), Fraction(3, 4)


@command("funds.decide", may=role(ADMINISTRATOR, ACCOUNTANT))
def record_decision(
    view: View,
    *,
    title: str,
    area: Count,
    heads: Count,
    grave: bool = False,
    day: date | None = None,
    of: LedgerId | None = None,
    to: LedgerId | None = None,
    most: Money | None = None,
) -> Change[OwnersDecision]:
    """Record a vote of the owners 登记业主表决; whether it is adopted is computed, not claimed.

    grave: a matter of §278 (6) to (8), such as rebuilding or using common parts for business. of, to, most: the
    transfer between ledgers that was put to the vote; without `to`, what of a ledger may be distributed among
    the owners. Raises BadValue for counts that cannot be.
    """
    for name, count in (("area", area), ("heads", heads)):
        if not 0 <= count.agreed <= count.took_part <= count.all or count.all <= 0:
            raise BadValue(
                field=name,
                why="those who agreed are among those who took part, and they among all",
                why_zh="同意数不得超过参与数，参与数不得超过总数",
            )
    if (of is None) != (most is None) or (to is not None and (of is None or of == to)):
        raise BadValue(
            field="of",
            why="a transfer names two ledgers and an amount, a distribution one and an amount",
            why_zh="划转须填写两个不同的账簿和金额，分配须填写一个账簿和金额",
        )
    if day is not None and day > today(view):
        raise BadValue(field="day", why=f"{day} is still to come", why_zh=f"{day} 尚未到来")
    limit = 0
    if of is not None and most is not None:
        limit = minor(most, open_one(view, of))
        if to is not None:
            minor(most, open_one(view, to))
    adopted = carries(area, grave=grave) and carries(heads, grave=grave)
    return begin(
        "decision.recorded",
        OwnersDecision(
            id=view.new(OwnersDecision),
            title=check_name(title),
            day=day or today(view),
            grave=grave,
            area=area,
            heads=heads,
            status=DecisionStatus.ADOPTED if adopted else DecisionStatus.REJECTED,
            of=of,
            to=to,
            most=limit,
        ),
    )


def carries(count: Count, *, grave: bool) -> bool:
    """Whether a vote counted this way is enough."""
    if Fraction(count.took_part, count.all) < TAKE_PART or not count.took_part:
        return False
    part = Fraction(count.agreed, count.took_part)
    return part >= GRAVE if grave else part > ORDINARY
