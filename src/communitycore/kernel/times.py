"""Instants as the library keeps them: aware, UTC, microseconds, fixed-width text."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from communitycore.kernel import forks
from communitycore.kernel.errors import BadValue

Clock = Callable[[], datetime]
"""Gives the time, aware; it may stand still or jump back, and a journal's times then stay where they were."""
Entropy = Callable[[int], bytes]
"""Gives bytes that nobody can guess. Ids come from the first eight, so no two calls may give the same eight."""


def system_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


_seeds: list[bytes] = []
_SEED, _TOGETHER = 32, 64


def system_entropy(length: int) -> bytes:
    """The machine's chance, drawn for many calls at a time: each asks for a seed, and drawing it is a system call."""
    if length != _SEED:
        return os.urandom(length)
    try:
        return _seeds.pop()
    except IndexError:
        drawn = os.urandom(_SEED * _TOGETHER)
        _seeds.extend(drawn[n : n + _SEED] for n in range(_SEED, len(drawn), _SEED))
        return drawn[:_SEED]


forks.after(_seeds.clear)  # two processes must not draw the same


def to_text(moment: datetime, field: str = "time") -> str:
    """`2024-06-04T06:30:00.000000Z`: always 27 characters, so text order is time order.

    Raises BadValue for a time without a zone.
    """
    zone = moment.tzinfo
    if zone is UTC:
        since = moment - _EPOCH
        second, text = _last_second
        if since.days * 86_400 + since.seconds == second:
            return f"{text}{since.microseconds:06d}Z"
    else:
        if zone is None or moment.utcoffset() is None:
            raise BadValue(
                field=field,
                why=f"{moment.isoformat()} has no time zone; say which one is meant",
                why_zh=f"{moment.isoformat()} 没有时区，请注明时区",
            )
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise BadValue(
                field=field, why=f"{moment.isoformat()} is out of range", why_zh=f"{moment.isoformat()} 超出范围"
            ) from None
    return _written(moment)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_last_second: tuple[int | None, str] = (
    None,
    "",
)  # the second last written, from the epoch, and its text up to the point


def _written(moment: datetime) -> str:
    """The text of a moment in UTC, and a look ahead: the next to be written is most often of the same second."""
    global _last_second
    since = moment - _EPOCH
    start = moment.isoformat()[:19] + "."
    _last_second = since.days * 86_400 + since.seconds, start
    return f"{start}{since.microseconds:06d}Z"


def from_text(text: str) -> datetime:
    """The instant that `to_text` wrote."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def aware(moment: datetime, field: str = "time") -> datetime:
    """`moment` in UTC. Raises BadValue for a time without a zone."""
    if not isinstance(moment, datetime):
        raise BadValue(field=field, why=f"{moment!r} is not a time", why_zh=f"{moment!r} 不是时间")
    if moment.tzinfo is UTC:
        return moment
    to_text(moment, field)
    return moment.astimezone(UTC)
