"""Journal entries and the exact bytes that their hashes cover.

An entry's hash is SHA-256 over the entry before's hash and the fields below, in this order, each written as
its length in UTF-8 bytes in decimal, a colon, the bytes, and a comma; a null is `-,`. Whole numbers are decimal
text. The first entry's predecessor is GENESIS. docs/journal.md restates this with test vectors.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from operator import attrgetter
from typing import Any

from attrs import evolve, field

from communitycore.kernel import times
from communitycore.kernel.ids import HIDDEN, Ref
from communitycore.kernel.shape import Row, Shape
from communitycore.kernel.values import frozen

FORMAT = 1
GENESIS = "0" * 64


@frozen(kw_only=True)
class Entry:
    """One step of one record, as the journal keeps it. All times are `times.to_text` text."""

    format: int = FORMAT
    jurisdiction: str
    seq: int
    id: str
    at: str
    occurred_at: str
    actor: str
    behalf: str | None = None
    cause: str
    name: str
    kind: str
    schema: int
    record: str
    version: int
    difference: str
    digest: str
    above: str | None = None
    grant: str | None = None
    timers: str | None = None
    hash: str = field(default="")

    def without_actor(self) -> Entry:
        """The same for one who may not learn who acted.

        The cause and the grant would lead to the actor; the hash would betray them to one who tries every party.
        """
        behalf = None if self.behalf is None else str(HIDDEN)
        return evolve(self, actor=str(HIDDEN), behalf=behalf, cause="", grant=None, hash="")

    @property
    def begins(self) -> bool:
        """Whether it made its record."""
        return self.version == 1 and not self.notes

    @property
    def erases(self) -> bool:
        """Whether it emptied what was personal in its record."""
        return self.name == f"{self.kind}.erased" and not self.notes

    @property
    def recorded(self) -> datetime:
        """When it was recorded."""
        return times.from_text(self.at)

    @property
    def occurred(self) -> datetime:
        """When it happened, which an import may say is long ago."""
        return times.from_text(self.occurred_at)

    @property
    def by(self) -> Ref:
        """The actor."""
        return Ref.parse(self.actor)

    def changes(self, of: type[Any] | None = None) -> dict[str, Any]:
        """The difference as data: at first field -> value, later field -> [before, after], of a note its details.

        of: the record's class, for fields that were renamed under their names of today; their values stay as written.
        """
        data = json.loads(self.difference)
        told: dict[str, Any] = data[0] if isinstance(data, list) else data
        history = None if of is None or self.notes else of.__shape__.history
        return told if history is None else history.retold(told, begins=self.begins)

    @property
    def notes(self) -> bool:
        """Whether it says something of its record without changing it; its difference is then a JSON list of one."""
        return self.difference[:1] == "["


FIELDS = tuple(name for name in Entry.__annotations__ if name != "hash")
_hashed = attrgetter(*FIELDS)


def chain_hash(before: str, values: tuple[Any, ...]) -> str:
    """The hash of an entry whose FIELDS have these values, after one with hash `before`."""
    try:
        start, said, end = _plain(before, *values)
    except (TypeError, ValueError, AttributeError):
        start, said, end = "ü", b"", "ü"  # a null or a number where we write text
    if start.isascii() and end.isascii():
        return sha256(b"%b%d:%b%b" % (start.encode(), len(said), said, end.encode())).hexdigest()
    # Somebody else wrote it: there characters are not bytes.
    return sha256("".join([_counted(before), *map(_counted, values)]).encode()).hexdigest()


def _plain(
    before: str, format: int, where: str, seq: int, id: str, at: str, occurred: str, actor: str, behalf: str | None,
    cause: str, name: str, kind: str, schema: int, record: str, version: int, difference: str, digest: str,
    above: str | None, grant: str | None, timers: str | None,
) -> tuple[str, bytes, str]:  # fmt: skip
    """What is hashed before the difference, the difference, and what after it, where all but it is ASCII."""
    a, b, c, d = f"{format:d}", f"{seq:d}", f"{schema:d}", f"{version:d}"
    return (
        f"{len(before)}:{before},{len(a)}:{a},{len(where)}:{where},{len(b)}:{b},{len(id)}:{id},{len(at)}:{at},"
        f"{len(occurred)}:{occurred},{len(actor)}:{actor},{'-,' if behalf is None else f'{len(behalf)}:{behalf},'}"
        f"{len(cause)}:{cause},{len(name)}:{name},{len(kind)}:{kind},{len(c)}:{c},{len(record)}:{record},{len(d)}:{d},",
        difference.encode(),
        f",{len(digest)}:{digest},"
        f"{'-,' if above is None else f'{len(above)}:{above},'}"
        f"{'-,' if grant is None else f'{len(grant)}:{grant},'}"
        f"{'-,' if timers is None else f'{len(timers)}:{timers},'}",
    )


def _counted(value: object) -> str:
    if value is None:
        return "-,"
    text = str(value)
    return f"{len(text.encode())}:{text},"


def values_of(entry: Entry) -> tuple[Any, ...]:
    """The hashed fields of `entry`, in order."""
    values: tuple[Any, ...] = _hashed(entry)
    return values


def state_digest(shape: Shape, row: Row, text: str) -> str:
    """SHA-256 of kind, id, version and schema number, a line each, then `text`, the row's canonical JSON.

    Nulls are left out of the JSON, so a field added later changes no digest; a personal value stands in it
    as its HMAC.
    """
    return sha256(f"{shape.kind}\n{row[0]}\n{row[1]}\n{row[2]}\n{text}".encode()).hexdigest()
