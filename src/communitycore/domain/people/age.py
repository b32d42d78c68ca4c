"""Age by birth date, counted in the jurisdiction's own calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.view import View

ADULT_AGE = 18
"""Below it a person is a minor 未成年人 (民法典 §17; 未成年人保护法 §2)."""

OLDEST = 130
"""Years; a birth date further back is taken for a slip of the pen."""


def birthday(born: date, age: int) -> date:
    """The day on which one born on `born` reaches `age`; for 29 February the 1 March of a common year."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def of_age_at(view: View, born: date) -> datetime:
    """The first moment of the 18th birthday, in the jurisdiction's zone."""
    from zoneinfo import ZoneInfo  # not needed by a program that only reads

    here = view.get(Jurisdiction, view.jurisdiction)
    return datetime.combine(birthday(born, ADULT_AGE), time(), ZoneInfo(here.zone)).astimezone(UTC)


def today(view: View) -> date:
    """The calendar day here, now."""
    return view.get(Jurisdiction, view.jurisdiction).day(view.now)


def is_minor(view: View, born: date | None) -> bool:
    """Whether one born then is under 18 now. An unknown birth date makes nobody a minor."""
    return born is not None and view.now < of_age_at(view, born)


def check_birth_date(view: View, born: date | None) -> None:
    """Raises BadValue, without repeating the date, for one in the future or more than 130 years ago."""
    if born is None:
        return
    if not isinstance(born, date) or isinstance(born, datetime):
        raise BadValue(field="birth_date", why="it is not a date", why_zh="不是日期")
    day = today(view)
    if born > day:
        raise BadValue(field="birth_date", why="it lies in the future", why_zh="晚于今天")
    if born.year < day.year - OLDEST:
        raise BadValue(field="birth_date", why=f"it lies more than {OLDEST} years back", why_zh=f"早于 {OLDEST} 年前")
