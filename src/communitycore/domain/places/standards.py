"""What a city's own rules say of grids: how many households one should have."""

from __future__ import annotations

from typing import NewType

from attrs import evolve

from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.record import PUBLIC, Record, record
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

HouseholdRangeId = NewType("HouseholdRangeId", str)

HOUSEHOLDS_LEAST, HOUSEHOLDS_MOST = 300, 500
"""For an urban grid (GB/T 34300-2017, from memory); a city may set its own range."""


@record("household_range", read=PUBLIC, standing=True)
@frozen(kw_only=True)
class HouseholdRange(Record[HouseholdRangeId]):
    """How many households a grid here and below should have 户数标准. Beyond it is a warning, never a refusal."""

    least: int
    most: int


@command("places.set_household_range", may=role(ADMINISTRATOR))
def set_household_range(view: View, *, least: int, most: int) -> Change[HouseholdRange]:
    """Set how many households a grid should have, here and below. Raises BadValue unless 0 <= least <= most."""
    if not (isinstance(least, int) and isinstance(most, int) and 0 <= least <= most):
        raise BadValue(field="least", why=f"{least} to {most} is no range", why_zh=f"{least} 至 {most} 不是有效范围")
    here = view.one(HouseholdRange)
    if here is None:
        made = HouseholdRange(id=view.new(HouseholdRange), least=least, most=most)
        return begin("household_range.set", made)
    after = evolve(here, least=least, most=most)
    return unchanged(here) if after == here else step("household_range.set", here, after)


def household_range(view: View) -> tuple[int, int]:
    """The least and most households a grid should have: as set here, or nearest above, or the standard's."""
    for nearest in view.above(HouseholdRange):
        return nearest.least, nearest.most
    return HOUSEHOLDS_LEAST, HOUSEHOLDS_MOST
