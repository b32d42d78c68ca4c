"""When a series meets: an RFC 5545 recurrence in local time, across daylight saving, as moments in UTC.

The days are `dateutil`'s to count. Only the parts that a neighbourhood's plan needs are taken, and only together with
such as always name a day again, so that no rule searches the calendar in vain.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import zone_of

_PARTS = {
    "DAILY": {"INTERVAL", "COUNT", "WKST"},
    "WEEKLY": {"INTERVAL", "COUNT", "WKST", "BYDAY"},
    "MONTHLY": {"INTERVAL", "COUNT", "WKST", "BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"INTERVAL", "COUNT", "WKST", "BYMONTH", "BYMONTHDAY"},
}
_NUMBERS = {"INTERVAL": (1, 400), "COUNT": (1, 10_000)}
_LISTS = {"BYMONTHDAY": 31, "BYMONTH": 12, "BYSETPOS": 366}
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


def check_rule(rule: str, first: date) -> str:
    """`rule` in its plain spelling, if it is one that names `first` itself. Raises BadValue."""
    text = rule.strip().upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if not value or name in parts:
            raise _bad(f"{part!r} is no part such as FREQ=WEEKLY", f"“{part}”不是 FREQ=WEEKLY 这样的部分")
        parts[name] = value
    frequency = parts.get("FREQ", "")
    if frequency not in _PARTS:
        raise _bad("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY", "FREQ 须为 DAILY、WEEKLY、MONTHLY 或 YEARLY")
    if other := sorted(parts.keys() - {"FREQ"} - _PARTS[frequency]):
        allowed = ", ".join(sorted(_PARTS[frequency]))
        raise _bad(
            f"{other[0]} is not used with {frequency}; there may be {allowed}, and the last day is given by itself",
            f"{frequency} 不能使用 {other[0]}；可用 {allowed}，截止日期另行填写",
        )
    for name, (least, most) in _NUMBERS.items():
        value = parts.get(name, str(least))
        if not (value.isascii() and value.isdigit() and len(value) < 6 and least <= int(value) <= most):
            raise _bad(f"{name} is a number from {least} to {most}", f"{name} 须为 {least} 至 {most} 的数字")
    for name, far in _LISTS.items():
        for value in parts.get(name, "1").split(","):
            if not (re.fullmatch("[+-]?[0-9]{1,3}", value, re.ASCII) and 1 <= abs(int(value)) <= far):
                raise _bad(f"{name} has numbers from 1 to {far}", f"{name} 须为 1 至 {far} 的数字")
    try:
        starts = next(iter(_days(text, first)), None)
    except (ValueError, TypeError, KeyError) as error:
        raise _bad(f"{text} is no RFC 5545 recurrence", f"{text} 不是 RFC 5545 的重复规则") from error
    if starts is None or starts.date() != first:
        named = "none" if starts is None else f"{starts:%Y-%m-%d}"
        raise _bad(
            f"the first day {first} is not one that the rule names; the next is {named}",
            f"首日 {first} 不符合该规则，最近的日期为 {named}",
        )
    return text


def check_clock(clock: str) -> str:
    """`clock` if it is a time of day such as 19:00. Raises BadValue."""
    if not (isinstance(clock, str) and _CLOCK.fullmatch(clock)):
        raise BadValue(
            field="clock", why=f"{clock!r} is no time of day such as 19:00", why_zh=f"{clock!r} 不是 19:00 这样的时刻"
        )
    return clock


def days(rule: str, first: date, *, since: date, until: date, skip: Collection[date] = ()) -> tuple[date, ...]:
    """The days of a checked rule from `since` to `until`, both among them, without those to skip."""
    low, high = datetime.combine(max(since, first), time()), datetime.combine(until, time())
    return tuple(day.date() for day in _days(rule, first).between(low, high, inc=True) if day.date() not in skip)


def moment(day: date, clock: str, zone: str) -> datetime:
    """When the clock shows that on that day in `zone`, in UTC.

    Where clocks are put forward over it, it is as much later as they are; where they are put back and show it twice,
    the first time (RFC 5545 §3.3.5).
    """
    local = datetime.combine(day, time.fromisoformat(clock), zone_of(zone))
    return local.astimezone(UTC)


def span(day: date, clock: str, zone: str, minutes: int) -> tuple[datetime, datetime]:
    """From when until when a session of so many minutes is."""
    starts = moment(day, clock, zone)
    return starts, starts + timedelta(minutes=minutes)


@lru_cache(maxsize=256)
def _days(rule: str, first: date) -> Any:
    from dateutil.rrule import rrulestr  # not needed by a program that plans nothing

    return rrulestr(rule, dtstart=datetime.combine(first, time()), cache=False)


def _bad(why: str, why_zh: str) -> BadValue:
    return BadValue(field="rule", why=why, why_zh=why_zh)
