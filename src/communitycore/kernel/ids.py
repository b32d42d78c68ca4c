"""Ids, references across jurisdictions, and the chance that one call may use."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NewType

from attrs import frozen

from communitycore.kernel import times
from communitycore.kernel.errors import BadValue

JurisdictionId = NewType("JurisdictionId", str)
GrantId = NewType("GrantId", str)
VetoId = NewType("VetoId", str)

ID_LENGTH = 36


visible = re.compile(r"[!-.0-~]{1,36}").fullmatch
"""Whether a text can be an id."""


def check_id(value: object, field: str = "id") -> str:
    """`value` if it can be an id: 1 to 36 visible ASCII characters without `/`."""
    if isinstance(value, str) and visible(value):
        return value
    raise BadValue(
        field=field,
        why=f"{value!r} is no id: 1 to 36 visible ASCII characters without a slash",
        why_zh=f"{value!r} 不是有效编号：应为 1 至 36 个可见 ASCII 字符且不含斜杠",
    )


@frozen(order=True, cache_hash=True)
class Ref:
    """A record in a jurisdiction, as it is named from outside: `jurisdiction/id`."""

    jurisdiction: str
    id: str

    def __str__(self) -> str:
        return f"{self.jurisdiction}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Raises BadValue unless `text` is `jurisdiction/id`."""
        return _parse(text)


@lru_cache(4096)  # actors and parties come again and again
def _parse(text: str) -> Ref:
    jurisdiction, slash, local = text.partition("/")
    if not slash:
        raise BadValue(field="ref", why=f"{text!r} is not jurisdiction/id", why_zh=f"{text!r} 不是“辖区/编号”")
    return Ref(check_id(jurisdiction, "ref"), check_id(local, "ref"))


SYSTEM = "system"


def system(name: str) -> Ref:
    """A named system actor, such as a timer or a reaction."""
    return Ref(SYSTEM, name)


HIDDEN = Ref("hidden", "actor")
"""Stands in an entry shown to one who may not learn who acted; see `record(actors=...)`."""


class Draw:
    """All the chance of one call, from one secret seed: a second attempt draws the same ids and salts.

    Ids are UUIDs of version 7 (RFC 9562): the call's time in milliseconds, then a counter, then 60 bits
    of the seed's hash; so ids of one call sort in the order in which they were drawn. The first is the cause, which
    names no record; its 60 bits are the seed's own, and there are enough others to keep what follows secret.
    """

    __slots__ = ("_cause", "_drawn", "_entries", "_noise", "_salts", "_time", "at", "ids", "seed", "stamp")

    def __init__(self, seed: bytes, at: datetime, stamp: str | None = None) -> None:
        self.seed = seed
        self.at = at
        self.stamp = times.to_text(at) if stamp is None else stamp
        self.ids: set[str] = set()
        self._drawn = self._salts = 0
        self._entries = 1
        self._noise = self._cause = self._time = ""

    def id(self) -> str:
        """A new id."""
        n = self._drawn
        self._drawn = n + 1
        if n == 0:
            at = f"{int(self.at.timestamp() * 1000):012x}"
            noise = self.seed[:8].hex()
            self._time = time = f"{at[:8]}-{at[8:]}-7"
            self._cause = tail = f"-8{noise[:3]}-{noise[3:15]}"
            return f"{time}000{tail}"
        part = n & 3
        if part == 0 or n == 1:
            # One hash holds the noise of four ids.
            self._noise = sha256(b"id%d:%b" % (n >> 2, self.seed)).hexdigest()
        noise = self._noise[part * 16 : part * 16 + 16]
        made = f"{self._time}{n & 0xFFF:03x}-8{noise[:3]}-{noise[3:15]}"
        self.ids.add(made)
        return made

    def entry_id(self) -> str:
        """A new id for a journal entry: the cause's, which is the first id drawn, with a count of its own."""
        n = self._entries
        self._entries = n + 1
        return f"{self._time}{n & 0xFFF:03x}{self._cause}"

    def salt(self) -> str:
        """A new salt: 64 hexadecimal digits."""
        n = self._salts
        self._salts = n + 1
        return sha256(b"salt%d:%b" % (n, self.seed)).hexdigest()

    def again(self) -> Draw:
        """The same chance from its start, for the next attempt: itself, while nothing was drawn."""
        return Draw(self.seed, self.at, self.stamp) if self._drawn or self._salts else self
