"""A snapshot: what the server held at one moment, by undoing here what was committed since."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from attrs import asdict

from communitycore.kernel.journal import FIELDS, Entry
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Head, Key, Timer
from communitycore_redis.server import FIELDS_AT_ONCE, Server

PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
HEADS, TOPS, LACKING, COLUMNS = "heads", "tops", "lacking", "columns"


def name_of(*parts: str) -> str:
    """The field of what several words name together."""
    return PLAIN(parts)


def head_text(head: Head) -> str:
    """A head as it is kept."""
    return PLAIN(asdict(head))


def row_text(shape: Shape, row: Row) -> str:
    """A row as it is kept: by the names of its columns, nulls left out."""
    return PLAIN({c.name: v for c, v in zip(shape.columns, row, strict=True) if v is not None})


def row_of(shape: Shape, text: str) -> Row:
    """The row that was kept."""
    kept = json.loads(text)
    return tuple(kept.get(column.name) for column in shape.columns)


class Snapshot:
    """Hashes as they stood when the first of them was read."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.since = -1
        self._whole: dict[str, dict[str, str]] = {}
        self._some: dict[tuple[str, str], str | None] = {}

    def fetch(self, hash: str, names: Iterable[str]) -> None:
        """Read these fields in one go, and remember them."""
        wanted = list(dict.fromkeys(names))
        self._some.update(((hash, name), text) for name, text in zip(wanted, self.fields(hash, wanted), strict=True))

    def whole(self, hash: str) -> Mapping[str, str]:
        """All of a hash."""
        known = self._whole.get(hash)
        if known is None:
            now, undo, told = self._server.read(hash, None, self.since)
            if self.since < 0:
                self.since = now
            pairs = dict(zip(told[::2], told[1::2], strict=True)) if isinstance(told, list) else dict(told)
            for changed, field, old in undo:
                if changed == hash:
                    if old is None:
                        pairs.pop(field, None)
                    else:
                        pairs[field] = old
            known = self._whole[hash] = pairs
        return known

    def fields(self, hash: str, names: Sequence[str]) -> list[str | None]:
        """These fields of a hash."""
        known = self._whole.get(hash)
        if known is not None:
            return [known.get(name) for name in names]
        found: list[str | None] = []
        for start in range(0, len(names), FIELDS_AT_ONCE):
            part = names[start : start + FIELDS_AT_ONCE]
            now, undo, told = self._server.read(hash, part, self.since)
            if self.since < 0:
                self.since = now
            old = {field: text for changed, field, text in undo if changed == hash}
            found += [old.get(name, text) for name, text in zip(part, told, strict=True)]
        return found

    def one(self, hash: str, name: str) -> str | None:
        """One field of a hash."""
        return self._some[hash, name] if (hash, name) in self._some else self.fields(hash, [name])[0]


class RedisReading:
    """See communitycore.ports.Reading."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._at = Snapshot(server)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    # heads and rows

    def head(self, jurisdiction: str) -> Head | None:
        text = self._at.one(HEADS, jurisdiction)
        return None if text is None else Head(**json.loads(text))

    def heads(self, jurisdictions: Sequence[str] | None = None) -> list[Head]:
        kept = self._at.whole(HEADS)
        wanted = kept if jurisdictions is None else set(jurisdictions) & kept.keys()
        return [Head(**json.loads(kept[id])) for id in sorted(wanted)]

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        text = self._at.one(f"rows:{jurisdiction}:{shape.kind}", id) if _is_name(id) else None
        return None if text is None else row_of(shape, text)

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        hash = f"rows:{jurisdiction}:{shape.kind}"
        named = next((test for test in query.tests if test.column == 0 and test.test in ("=", "in")), None)
        if named is not None:
            ids = [id for id in {*([named.value] if named.test == "=" else named.value)} if _is_name(id)]
            texts: Iterable[str | None] = self._at.fields(hash, ids)
        else:
            texts = self._at.whole(hash).values()
        return query.pick(row_of(shape, text) for text in texts if text is not None)

    # entries

    def entries(self, jurisdiction: str, after: int, limit: int) -> list[Entry]:
        top = int(self._at.one(TOPS, jurisdiction) or 0)
        found: list[Entry] = []
        while after < top and len(found) < limit:
            upto = min(after + limit - len(found), top)
            found += self._entries(jurisdiction, range(after + 1, upto + 1))
            after = upto
        return found

    def _entries(self, jurisdiction: str, seqs: Iterable[int]) -> list[Entry]:
        texts = self._at.fields(f"entries:{jurisdiction}", [str(seq) for seq in seqs])
        return [_entry(text) for text in texts if text is not None]

    def seqs_of(self, jurisdiction: str, index: str, names: Sequence[str]) -> list[list[int]]:
        """The numbers of the entries that each of these names leads to."""
        texts = self._at.fields(f"{index}:{jurisdiction}", names)
        return [[int(seq) for seq in text.split(",")] if text else [] for text in texts]

    def entries_of(self, jurisdiction: str, kind: str, record: str) -> list[Entry]:
        (seqs,) = self.seqs_of(jurisdiction, "about", [name_of(kind, record)])
        return self._entries(jurisdiction, seqs)

    def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
        listed = self.seqs_of(jurisdiction, "about", [name_of(kind, record) for record in records])
        last = {record: seqs[-1] for record, seqs in zip(records, listed, strict=True) if seqs}
        return dict(zip(last, self._entries(jurisdiction, last.values()), strict=True))

    def caused(self, jurisdiction: str, cause: str) -> list[Entry]:
        (seqs,) = self.seqs_of(jurisdiction, "causes", [cause])
        return self._entries(jurisdiction, seqs)

    # keys

    def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
        text = self._at.one(f"keys:{jurisdiction}", name_of(actor, key))
        return None if text is None else Key(**json.loads(text))

    def _keys(self, jurisdiction: str) -> list[Key]:
        kept = [Key(**json.loads(text)) for text in self._at.whole(f"keys:{jurisdiction}").values()]
        return sorted(kept, key=lambda one: (one.actor, one.key))

    def keys_caused(self, jurisdiction: str, causes: Sequence[str]) -> list[Key]:
        wanted = set(causes)
        return [one for one in self._keys(jurisdiction) if one.cause in wanted]

    def keys(self, jurisdiction: str, after: tuple[str, str] | None, limit: int) -> list[Key]:
        found = self._keys(jurisdiction)
        start = 0 if after is None else bisect_right(found, after, key=lambda one: (one.actor, one.key))
        return found[start : start + limit]

    # timers

    def timer(self, jurisdiction: str, key: tuple[str, str, str]) -> Timer | None:
        text = self._at.one(f"timers:{jurisdiction}", name_of(*key))
        return None if text is None else Timer(**json.loads(text))

    def _timers(self, jurisdiction: str) -> list[Timer]:
        return [Timer(**json.loads(text)) for text in self._at.whole(f"timers:{jurisdiction}").values()]

    def timers_of(self, jurisdiction: str, record: str) -> list[Timer]:
        found = [one for one in self._timers(jurisdiction) if one.record == record and not one.source]
        return sorted(found, key=lambda one: one.command)

    def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
        found = [
            one for one in self._timers(jurisdiction) if until is None or (one.parked is None and one.wake <= until)
        ]
        return sorted(found, key=lambda one: (one.due, one.seq, one.key))[:limit]

    def timers_after(self, jurisdiction: str, after: tuple[str, str, str] | None, limit: int) -> list[Timer]:
        found = sorted(self._timers(jurisdiction), key=lambda one: one.key)
        start = 0 if after is None else bisect_right(found, after, key=lambda one: one.key)
        return found[start : start + limit]

    def next_wake(self, jurisdiction: str, without: Sequence[tuple[str, str, str]]) -> str | None:
        gone = set(without)
        waiting = (one for one in self._timers(jurisdiction) if one.parked is None and one.key not in gone)
        return min((one.wake for one in waiting), default=None)

    # what follows the journal

    def lacking(self) -> Mapping[str, frozenset[str]]:
        return {kind: frozenset(json.loads(text)) for kind, text in self._at.whole(LACKING).items()}

    def cursor(self, follower: str, jurisdiction: str) -> tuple[int, int]:
        text = self._at.one(f"cursors:{jurisdiction}", follower)
        return (0, 0) if text is None else tuple(json.loads(text))

    def cursors(self, jurisdiction: str) -> list[tuple[str, int, int]]:
        return [(name, *json.loads(text)) for name, text in sorted(self._at.whole(f"cursors:{jurisdiction}").items())]

    def figure(self, fold: str, jurisdiction: str, key: str) -> str | None:
        return self._at.one(f"figures:{jurisdiction}:{fold}", key)

    def figures(
        self, fold: str, jurisdiction: str, after: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        found = sorted(self._at.whole(f"figures:{jurisdiction}:{fold}").items())
        start = 0 if after is None else bisect_right(found, after, key=lambda one: one[0])
        return found[start : None if limit is None else start + limit]


def _is_name(id: object) -> bool:
    """Whether there could be a field of this name."""
    return isinstance(id, str) and not any("\ud800" <= sign <= "\udfff" for sign in id)


def _entry(text: str) -> Entry:
    values: list[Any] = json.loads(text)
    return Entry(**dict(zip(FIELDS, values, strict=False)), hash=values[-1])
