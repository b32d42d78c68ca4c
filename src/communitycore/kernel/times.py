"""Instants as the library keeps them: aware, UTC, microseconds, fixed-width text."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from communitycore.kernel import forks
from communitycore.kernel.errors import BadValue

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]


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
    if zone is not UTC:
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
    text = moment.isoformat()
    # isoformat leaves out microseconds that are zero
    return text[:26] + "Z" if len(text) == 32 else text[:19] + ".000000Z"


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
