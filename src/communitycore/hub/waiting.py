"""Which timers and reactions wait, by what the journal says: held against those that the store keeps.

However many wait, few are held at a time: where they are too many, their keys are dealt into parts, and the journal
is read once for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from sys import intern

from attrs import evolve

from communitycore.kernel.journal import Entry
from communitycore.ports import Reading, Timer

PAGE = 500
HELD_MOST = 50_000

Key = tuple[str, str, str]


class Waiting:
    """Timers of one part of all keys, as the entries that were followed leave them; see docs/journal.md.

    Their depth is left at 0: `depth_at` tells it. most: if more wait, `full` is set and they are not to be used.
    """

    def __init__(self, part: int = 0, parts: int = 1, most: int | None = None) -> None:
        self.part, self.parts = part, parts
        self.timers: dict[Key, Timer] = {}
        self.full = False
        self._ends: dict[Key, int] = {}  # of those after which their call left more entries, the last one's seq
        self._call = ""
        self._set: set[Key] = set()  # which of them this call set
        self._most = HELD_MOST if most is None else most

    def holds(self, key: Key) -> bool:
        """Whether it is of this part."""
        if self.parts == 1:
            return True
        return int.from_bytes(sha256("\0".join(key).encode()).digest()[:8]) % self.parts == self.part

    def follow(self, entry: Entry) -> None:
        """Take in what an entry did to timers."""
        if self.full:
            return
        with suppress(Exception):  # one that cannot be read has no hash that follows, which the chain tells
            if (call := entry.id[18:]) != self._call:  # ids of one call share the noise behind their count
                self._call, self._set = call, set()
            self._ends.update(dict.fromkeys(self._set, entry.seq))
            for item in json.loads(entry.timers or "[]"):
                self._take(entry, item)
        if len(self.timers) > self._most:
            self.full = True
            for kept in (self.timers, self._ends, self._set):
                kept.clear()

    def pop(self, stored: Timer) -> Timer | None:
        """The timer that the journal tells of this key, and no longer held after that.

        Of a timer that was set, 0.1.0 kept the last entry of the change, not the one that tells it: then so does this.
        """
        told, end = self.timers.pop(stored.key, None), self._ends.pop(stored.key, None)
        return evolve(told, seq=end) if told is not None and stored.seq == end else told

    def _take(self, entry: Entry, item: str) -> None:
        sign, more, key = _parsed(entry, item)
        if not self.holds(key):
            return
        if sign in "+-":
            self._ends.pop(key, None)
            self._set.discard(key)
        behalf = entry.behalf or entry.actor
        kind = intern(entry.kind)
        if sign == "+":
            due = more[0]
            self._set.add(key)
            self.timers[key] = Timer(due, entry.seq, kind, *key, entry.cause, behalf, 0, 0, due, None)
        elif sign == "!":
            at = entry.at
            self.timers[key] = Timer(at, entry.seq, kind, *key, entry.cause, behalf, 0, 0, at, None)
        elif sign == "-":
            self.timers.pop(key, None)
        elif sign == "?":
            self.timers[key] = evolve(self.timers[key], wake=more[0], attempts=int(more[1]))
        elif sign == "=":
            self.timers[key] = evolve(self.timers[key], parked="", attempts=int(more[0]))


def _parsed(entry: Entry, item: str) -> tuple[str, list[str], Key]:
    """Sign, what stands behind its @ signs, and the timer's key."""
    sign, (rest, _, other) = item[0], item[1:].partition("/")
    name, *more = rest.split("@")
    command, _, source = name.partition("#")
    if sign == "!":
        source = str(entry.seq)
    return sign, more, (other or entry.record, intern(command), source)


def gathered(tx: Reading, jurisdiction: str, part: int, parts: int, most: int | None = None) -> Waiting:
    """What waits of one part after all of a journal; it may be full."""
    waiting, seq = Waiting(part, parts, most), 0
    while not waiting.full and (page := tx.entries(jurisdiction, seq, PAGE)):
        for entry in page:
            waiting.follow(entry)
        if page[-1].seq <= seq:
            break  # out of order: asking on would never end
        seq = page[-1].seq
    return waiting


def stored_timers(tx: Reading, jurisdiction: str) -> Iterator[Timer]:
    """All timers that the store keeps, parked too, ordered by their keys, read in pages."""
    after: Key | None = None
    while page := tx.timers_after(jurisdiction, after, PAGE):
        yield from page
        if len(page) < PAGE or page[-1].key == after:
            return
        after = page[-1].key


def depth_at(tx: Reading, jurisdiction: str, seq: int, most: int) -> int:
    """How many timers and reactions led to the entry `seq`: 0 if a person's own call left it.

    most: more are not counted.
    """
    depth = 0
    while depth <= most:
        first = _first_of_call(tx, jurisdiction, seq)
        if not first.actor.startswith(("system/timer:", "system/reaction:")) or first.timers is None:
            return depth
        depth += 1
        _, _, (_, _, source) = _parsed(first, json.loads(first.timers)[0])
        if not source:
            return depth  # a timer is set by whatever it is, and starts anew
        seq = int(source)
    return depth


def _first_of_call(tx: Reading, jurisdiction: str, seq: int) -> Entry:
    """The first of the entries that one call, timer or reaction left, whose ids share all but a count of 12 bits."""
    while True:
        (entry,) = tx.entries(jurisdiction, seq - 1, 1)
        seq -= (int(entry.id[15:18], 16) - 1) % 4096
        *before, first = tx.entries(jurisdiction, max(seq - 2, 0), min(seq, 2))
        if not before or before[0].id[18:] != entry.id[18:]:
            return first
        seq -= 1
