"""For whom an offering is, by rule and not by label, and how its seats are booked."""

from __future__ import annotations

from datetime import date

from communitycore.domain.places import Word
from communitycore.kernel.errors import BadValue
from communitycore.kernel.values import frozen


class Segment(Word):
    """A part of the neighbourhood that services are made for 服务人群."""

    CHILDREN = "children", "儿童"
    YOUTH = "youth", "青年"
    WOMEN = "women", "妇女"
    ELDERLY = "elderly", "老年人"
    DISABLED = "disabled", "残疾人"

    def admits(self, age: int) -> bool:
        """Whether one of this age may be of it; sex and disability are kept of nobody, so those two admit every age."""
        low, high = _AGES.get(self, (0, 1_000))
        return low <= age < high


_AGES = {
    Segment.CHILDREN: (0, 18),  # 未成年人保护法 §2; 中国儿童发展纲要（2021—2030年）
    Segment.YOUTH: (14, 36),  # 中长期青年发展规划（2016—2025年）: 14 to 35
    Segment.ELDERLY: (60, 1_000),  # 老年人权益保障法 §2
}


def age_on(born: date, day: date) -> int:
    """Full years on `day`."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@frozen(kw_only=True)
class BookingPolicy:
    """How seats are booked 预约规则.

    party_max: seats of one booking. cut_off_minutes: before the start; who cancels later is counted as absent.
    offer_minutes: how long a seat that came free is kept for the next who waits. absences: so many bar a party from
    booking for `barred_days`; 0: none ever does.
    """

    party_max: int = 6
    cut_off_minutes: int = 120
    offer_minutes: int = 120
    absences: int = 3
    barred_days: int = 30


_LIMITS = {
    "party_max": (1, 300),
    "cut_off_minutes": (0, 43_200),
    "offer_minutes": (1, 43_200),
    "absences": (0, 100),
    "barred_days": (1, 366),
}


def check_policy(policy: BookingPolicy) -> BookingPolicy:
    """`policy` if its numbers make sense. Raises BadValue."""
    for name, (least, most) in _LIMITS.items():
        value = getattr(policy, name)
        if type(value) is not int or not least <= value <= most:
            raise BadValue(
                field=f"policy.{name}",
                why=f"{value!r} is not between {least} and {most}",
                why_zh=f"{value!r} 不在 {least} 至 {most} 之间",
            )
    return policy
