"""A transaction: what it writes is collected here, and done by one script when it commits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Self

from attrs import asdict, evolve

from communitycore.kernel.errors import CodeTaken, KeyReused, Mistake, NotUnique, StaleStep
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head
from communitycore_redis.reading import HEADS, PLAIN, TOPS, RedisReading, head_text, name_of, row_text
from communitycore_redis.server import Server

_SEQ, _KIND, _RECORD, _CAUSE = (FIELDS.index(name) for name in ("seq", "kind", "record", "cause"))


class RedisWriting(RedisReading):
    """See communitycore.ports.Writing. It reads what was committed before it began, and not what it wrote."""

    def __init__(self, server: Server, wait: bool) -> None:
        super().__init__(server)
        self._wait = wait
        self._held = ExitStack()
        self._token = ""
        self._over = False
        self._new: dict[tuple[str, str], str | None] = {}  # (hash, field) -> its text from now on
        self._heads: dict[str, Head] = {}
        self._unique: dict[tuple[str, str], dict[object, list[str]]] = {}

    def __enter__(self) -> Self:
        self._token = self._held.enter_context(self._server.writer(wait=self._wait))
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def lock(self, jurisdiction: str) -> Head | None:
        return self.head(jurisdiction)

    def commit(self) -> None:
        if self._over:
            raise Mistake("this transaction is over; begin another")
        self._over = True
        if self._at.since < 0:
            self._at.one(HEADS, "")  # where it stands, if nothing was read
        if self._new:
            writes = [(hash, field, text) for (hash, field), text in self._new.items()]
            self._server.commit(self._token, self._at.since, writes)

    # what is written

    def found(self, head: Head) -> None:
        self._check_code(head)
        if self.head(head.id) is not None or head.id in self._heads:
            raise CodeTaken(given=head.code, jurisdiction=head.id)
        self._put_head(head)

    def write(self, batch: Batch) -> None:
        if batch.head.code != batch.was.code:
            self._check_code(batch.head)
        head = self._heads.get(batch.head.id) or self.head(batch.head.id)
        if head is None or head.seq != batch.was.seq:
            current = 0 if head is None else head.seq
            raise StaleStep(kind="jurisdiction", id=batch.head.id, before=batch.was.seq, current=current)
        self._take(batch)
        self._put_head(batch.head)

    def bring(self, batch: Batch) -> None:
        id = batch.head.id
        top = int(self._now(TOPS, id) or 0)
        if batch.entries and batch.entries[0][_SEQ] <= top:
            raise StaleStep(kind="jurisdiction", id=id, before=batch.entries[0][_SEQ], current=top)
        self._take(batch)

    def forget(self, jurisdiction: str) -> None:
        if self.head(jurisdiction) is not None:
            return
        for hash in self._hashes_of(jurisdiction):
            for field in self._at.whole(hash):
                self._new[hash, field] = None
        self._new[TOPS, jurisdiction] = None
        self._new["hashes", jurisdiction] = None

    def fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
    ) -> None:
        hash = f"figures:{jurisdiction}:{fold}"
        if anew:
            for key in self._at.whole(hash):
                self._new[hash, key] = None
        for key, text in rows.items():
            self._put(jurisdiction, hash, key, text)
        place = None if (seq, version) == (0, 0) else PLAIN([seq, version])
        self._put(jurisdiction, f"cursors:{jurisdiction}", fold, place)

    # inside

    def _now(self, hash: str, field: str) -> str | None:
        """A field as this transaction would leave it."""
        return self._new[hash, field] if (hash, field) in self._new else self._at.one(hash, field)

    def _put(self, jurisdiction: str, hash: str, field: str, text: str | None) -> None:
        self._new[hash, field] = text
        if hash not in (known := self._hashes_of(jurisdiction)):
            self._new["hashes", jurisdiction] = PLAIN([*known, hash])

    def _hashes_of(self, jurisdiction: str) -> list[str]:
        """The names of all hashes in which something of it is kept."""
        text = self._now("hashes", jurisdiction)
        return [] if text is None else json.loads(text)

    def _put_head(self, head: Head) -> None:
        self._heads[head.id] = head
        self._new[HEADS, head.id] = head_text(head)

    def _check_code(self, head: Head) -> None:
        for other in [*self.heads(), *self._heads.values()]:
            known = self._heads.get(other.id, other)
            if known.code == head.code and known.id != head.id:
                raise CodeTaken(given=head.code, jurisdiction=known.id)

    def _take(self, batch: Batch) -> None:
        id = batch.head.id
        for kind in {shape.kind for shape, _, _ in batch.rows}:
            self._at.fetch(f"rows:{id}:{kind}", (row[0] for shape, row, _ in batch.rows if shape.kind == kind))
        self._at.fetch(f"about:{id}", (name_of(values[_KIND], values[_RECORD]) for values in batch.entries))
        self._at.fetch(f"causes:{id}", (values[_CAUSE] for values in batch.entries))
        self._check_rows(batch)
        for one in batch.keys:
            if self._now(f"keys:{id}", name_of(one.actor, one.key)) is not None:
                raise KeyReused(key=one.key)
        for shape, row, _ in batch.rows:
            self._put(id, f"rows:{id}:{shape.kind}", row[0], row_text(shape, row))
        for values in batch.entries:
            seq = str(values[_SEQ])
            self._put(id, f"entries:{id}", seq, PLAIN(values))
            for index, field in (("about", name_of(values[_KIND], values[_RECORD])), ("causes", values[_CAUSE])):
                known = self._now(f"{index}:{id}", field)
                self._put(id, f"{index}:{id}", field, seq if known is None else f"{known},{seq}")
            self._new[TOPS, id] = seq
        for key in batch.removed:
            self._put(id, f"timers:{id}", name_of(*key), None)
        for timer in batch.timers:
            self._put(id, f"timers:{id}", name_of(*timer.key), PLAIN(asdict(timer)))
        for kept in batch.keys:
            self._put(id, f"keys:{id}", name_of(kept.actor, kept.key), PLAIN(asdict(kept)))
        for actor, name in batch.emptied:
            if (old := self.key(id, actor, name)) is not None:
                self._put(id, f"keys:{id}", name_of(actor, name), PLAIN(asdict(evolve(old, salt="", mac=""))))

    def _check_rows(self, batch: Batch) -> None:
        id = batch.head.id
        moving = {(shape.kind, row[0]) for shape, row, _ in batch.rows}
        fresh: dict[tuple[str, int, object], str] = {}
        for shape, row, expected in batch.rows:
            now = self.get(shape, id, row[0])
            if (0 if now is None else now[1]) != expected:
                raise StaleStep(kind=shape.kind, id=row[0], before=expected, current=0 if now is None else now[1])
            for n in shape.unique:
                if row[n] is not None:
                    self._check_unique(shape, id, row, n, moving)
                    if fresh.setdefault((shape.kind, n, row[n]), row[0]) != row[0]:
                        raise NotUnique(kind=shape.kind, field=shape.columns[n].name)

    def _check_unique(self, shape: Shape, jurisdiction: str, row: Row, n: int, moving: set[tuple[str, str]]) -> None:
        """A row may take what another of the same batch, which is `moving`, gives up."""
        for held in self._holders(shape, jurisdiction, n).get(row[n], ()):
            if (shape.kind, held) not in moving:
                raise NotUnique(kind=shape.kind, field=shape.columns[n].name)

    def _holders(self, shape: Shape, jurisdiction: str, n: int) -> dict[object, list[str]]:
        """Who holds each value of a unique column, as it was committed."""
        hash, column = f"rows:{jurisdiction}:{shape.kind}", shape.columns[n].name
        found = self._unique.get((hash, column))
        if found is None:
            found = self._unique[hash, column] = {}
            for id, text in self._at.whole(hash).items():
                if (value := json.loads(text).get(column)) is not None:
                    found.setdefault(value, []).append(id)
        return found
