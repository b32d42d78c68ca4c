"""What must hold after every kill: all that was acknowledged is there, nothing by halves, nothing twice."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define

from communitycore.conformance import room
from communitycore.conformance.crash.books import Books, Group
from communitycore.conformance.crash.caller import adding_under
from communitycore.conformance.crash.words import FALLS, LEAVES, MANY, RUNGS, Begun, How, Told
from communitycore.hub.desk import Desk
from communitycore.hub.followers import rebuilt
from communitycore.hub.hub import Hub
from communitycore.hub.verify import Anchor
from communitycore.kernel.command import Fold
from communitycore.kernel.journal import Entry

BY_SYSTEM = "system/"
REPEATED = 10
"""How many acknowledged calls under a key are made again each time."""
LEFT_BY_SYSTEM = frozenset(
    [
        "domino.toppled",
        "domino.fell",
        "domino.set_up",
        "tool.reminded",
        "timer.passed",
        "timer.refused",
        "timer.put_off",
    ]
)


@define
class Counts:
    """What became of the calls. kept, not_kept: of those whose outcome their caller never learnt."""

    done: int = 0
    refused: int = 0
    failed: int = 0
    kept: int = 0
    not_kept: int = 0


@define
class _Call:
    begun: Begun
    told: Told | None = None
    lost: bool = False  # its worker was killed, and whatever it may have said has been heard


class Audit:
    """One store's calls as its workers told of them, held against what the store holds.

    answers: how many calls were answered. keys: that were acknowledged, and the id that each gave.
    """

    def __init__(self, place: str, counts: Counts) -> None:
        self.books = Books(place)
        self.counts = counts
        self.anchor: Anchor | None = None
        self.answers = 0
        self._calls: dict[str, _Call] = {}
        self._open: dict[str, _Call] = {}  # not judged for good
        self._by: dict[Group, str] = {}  # which call left it
        self.keys: list[tuple[str, str]] = []
        self._given: dict[str, str] = {}
        self._uses: Counter[str | None] = Counter()  # how many calls were made under a key

    # what is heard

    def begun(self, begun: Begun) -> None:
        """A call is about to be made."""
        self._calls[begun.token] = self._open[begun.token] = _Call(begun)
        self._uses[begun.key] += 1

    def told(self, told: Told) -> None:
        """A call ended."""
        self._calls[told.token].told = told
        self.answers += 1

    def lost(self, name: str) -> None:
        """This worker says nothing any more: how its open calls ended will never be told."""
        for token, call in self._open.items():
            if token.startswith(f"{name}t") and call.told is None:
                call.lost = True

    def mine(self, hub: Hub) -> None:
        """What was done since by the keeper itself, while no worker was there, is as it should be."""
        known = set(self.books.groups)
        for _ in self.books.read(hub):
            pass
        self._by.update(dict.fromkeys(self.books.groups.keys() - known, "keeper"))

    # what is looked at

    def look(self, hub: Hub) -> Iterator[str]:
        """What is wrong, though workers may be at it."""
        yield from self.books.read(hub)
        for call in list(self._open.values()):
            yield from self._judge(call)
        yield from self._verify(hub)

    def settle(self, hub: Hub, desk: Desk, *, last: bool) -> Iterator[str]:
        """What is wrong now that nobody is at it. last: everything that waits is due by the hub's clock."""
        yield from self.look(hub)
        yield from self._unknown()
        yield from self._repeat(hub, desk)
        yield from self._folds(hub, desk)
        for _ in iter(hub.run_due, 0):
            pass
        yield from self.books.read(hub)
        yield from self._strays()
        yield from self._claimed()
        yield from self._waited(hub, last=last)
        yield from self._folds(hub, desk)
        yield from self._verify(hub)
        yield from (
            f"{timer.command} of {timer.record} is parked: {timer.parked}" for timer in hub.parked(desk.jurisdiction)
        )

    def _verify(self, hub: Hub) -> Iterator[str]:
        report = hub.verify(self.anchor)
        yield from (f"verify: {fault.what}" for fault in report.faults)
        self.anchor = hub.anchor()

    # call by call

    def _judge(self, call: _Call) -> Iterator[str]:
        begun, told = call.begun, call.told
        if told is None and not call.lost:
            return  # under way
        how = How.UNKNOWN if told is None else told.how
        if begun.mark is not None:
            groups = self.books.marked(begun.mark)
            self._by.update(dict.fromkeys(groups, begun.token))
            yield from self._held_against(begun, how, told, groups)
        if how is How.BROKE:
            yield f"{begun.act} {begun.token} met what no caller should: {told.why if told else ''}"
        if told is not None and how is not How.UNKNOWN:
            self._close(call, told)

    def _held_against(self, begun: Begun, how: How, told: Told | None, groups: list[Group]) -> Iterator[str]:
        what = f"{begun.act} {begun.token}"
        if len(groups) > 1:
            yield f"{what} was done {len(groups)} times"
        if how is How.DONE and not groups:
            yield f"{what} was acknowledged, and is not there"
        alone = begun.key is None or (self._uses[begun.key] == 1 and not begun.again)
        if how in (How.REFUSED, How.FAILED) and groups and alone:
            yield f"{what} was said not to be kept, and is there: {told.why if told else ''}"
        for group in groups:
            if self.books.names(group) != LEAVES[begun.act]:
                yield f"{what} left {dict(self.books.names(group))} of {dict(LEAVES[begun.act])}"
            if how is How.UNKNOWN and told is not None and alone and group[0] != told.cause:
                yield f"{what} was left by the cause {group[0]}, and its caller was told {told.cause}"
            if how is How.DONE and told is not None:
                yield from self._same(what, begun, told, self.books.groups[group])

    def _same(self, what: str, begun: Begun, told: Told, entries: list[Entry]) -> Iterator[str]:
        """Whether what was given is what was written; made again, a call gives its records as they are now."""
        written: dict[str, int] = {}
        for entry in entries:
            written[entry.record] = max(entry.version, written.get(entry.record, 0))
        for id, version in told.records:
            if id not in written or version < written[id] or (begun.key is None and version != written[id]):
                yield f"{what} gave {id} in version {version}, and {written} was written"

    def _close(self, call: _Call, told: Told) -> None:
        del self._open[call.begun.token]
        self.counts.done += told.how is How.DONE
        self.counts.refused += told.how is How.REFUSED
        self.counts.failed += told.how is How.FAILED
        if told.how is How.DONE and call.begun.key is not None:
            self.keys.append((call.begun.key, told.records[0][0]))

    # once nobody is at it

    def _unknown(self) -> Iterator[str]:
        """What nobody was told of is there or not, for good."""
        for call in self._open.values():
            kept = call.begun.mark is not None and bool(self.books.marked(call.begun.mark))
            self.counts.kept += kept
            self.counts.not_kept += not kept
            if not call.lost and call.told is None:
                yield f"{call.begun.act} {call.begun.token} never ended"

    def _repeat(self, hub: Hub, desk: Desk) -> Iterator[str]:
        """Calls under a key, made again: those acknowledged give what they gave, the others are done once now."""
        unknown = [call.begun.key for call in self._open.values() if call.begun.key is not None]
        self._open.clear()
        for key, id in self.keys:
            if self._given.setdefault(key, id) != id:
                yield f"the key {key} gave {self._given[key]} and {id}"
        again = [*dict.fromkeys(unknown), *(key for key, _ in self.keys[-REPEATED:])]
        for key in again:
            tool = hub.carry_out(desk, adding_under(key).keyed(key))
            if self._given.setdefault(key, tool.id) != tool.id:
                yield f"the key {key} gave {self._given[key]}, and made again {tool.id}"
        yield from self.books.read(hub)
        for key in again:
            made = self.books.marked(("tool.added", key))
            self._by.update(dict.fromkeys(made, key))
            if len(made) != 1:
                yield f"the call under the key {key} was done {len(made)} times"
        self.keys = self.keys[-100:]

    def _strays(self) -> Iterator[str]:
        """Every entry belongs to a call that was made, whole, or to the system; unmarked calls are counted."""
        unmarked: Counter[str] = Counter()
        for group, entries in self.books.groups.items():
            if group in self._by:
                continue
            names = self.books.names(group)
            if entries[0].actor.startswith(BY_SYSTEM):
                if names.total() != 1 or not names.keys() <= LEFT_BY_SYSTEM:
                    yield f"the system left {dict(names)} at once, from entry {entries[0].seq} on"
            elif act := _unmarked(entries):
                unmarked[act] += 1
                if names != LEAVES[act]:
                    yield f"{act} left {dict(names)} of {dict(LEAVES[act])}, from entry {entries[0].seq} on"
            else:
                yield f"nobody made the call that left {dict(names)}, from entry {entries[0].seq} on"
        for act in ("add_many", "ladder"):
            calls = [call for call in self._calls.values() if call.begun.act == act]
            done = sum(call.told is not None and call.told.how is How.DONE for call in calls)
            maybe = sum(call.told is None or call.told.how is How.UNKNOWN for call in calls)
            if not done <= unmarked[act] <= done + maybe:
                yield f"{done} calls of {act} were acknowledged, {maybe} perhaps kept, and {unmarked[act]} are there"

    def _claimed(self) -> Iterator[str]:
        """What was wanted by many has one winner at a time."""
        holder: dict[str, str | None] = {}
        for entry in self.books.entries:
            if entry.name == "tool.lent":
                if holder.get(entry.record) is not None:
                    yield f"tool {entry.record} was lent by entry {entry.seq} to a second at a time"
                holder[entry.record] = entry.changes()["holder"][1]
            elif entry.name == "tool.returned":
                holder[entry.record] = None

    def _waited(self, hub: Hub, *, last: bool) -> Iterator[str]:
        """Timers and reactions were each run once, or still wait."""
        with hub.store.reading() as tx:
            waiting = {timer.record for timer in tx.timers(self.books.place, None, 1_000_000)}
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in self.books.entries:
            if entry.kind == "domino":
                seen[entry.record][entry.name] += 1
        for entry in self.books.of("domino.set_up"):
            yield from self._domino(entry, seen[entry.record], entry.record in waiting, last)
        replaced = Counter(
            e.changes()["trouble"] for e in self.books.of("domino.set_up") if e.actor.startswith(BY_SYSTEM)
        )
        for entry in self.books.of("tool.scrapped"):
            if replaced[entry.record] != 1 and not (
                entry.record in waiting and not last and not replaced[entry.record]
            ):
                yield f"the reaction on {entry.record} being scrapped was run {replaced[entry.record]} times"

    def _domino(self, begun: Entry, seen: Counter[str], waits: bool, last: bool) -> Iterator[str]:
        changes = begun.changes()
        left, trouble, pushed = changes.get("left", 0), changes.get("trouble"), seen["domino.fell"]
        by_timer = left == 0 and not begun.actor.startswith(BY_SYSTEM)
        wanted = (0, RUNGS if trouble == "ladder" else 1, 0) if by_timer else (FALLS, 0, 1) if pushed else (0, 0, 0)
        had = pushed, seen["domino.toppled"], seen["timer.passed"]
        if had == wanted:
            if waits:
                yield f"something waits for domino {begun.record}, which has run its course"
        elif last or not waits or any(each > most for each, most in zip(had, wanted, strict=True)):
            yield f"domino {begun.record} of {trouble} fell, toppled and passed {had} times instead of {wanted}"

    def _folds(self, hub: Hub, desk: Desk) -> Iterator[str]:
        """Figures are those of the journal up to their cursor; then they go on to its end."""
        fold = room.TALLY
        with hub.store.reading() as tx:
            seq, _ = tx.cursor(fold.name, desk.jurisdiction)
            kept = {key: json.loads(text) for key, text in tx.figures(fold.name, desk.jurisdiction)}
        wanted = folded(fold, self.books.entries[:seq])
        if kept != wanted:
            yield f"the fold at entry {seq} is {kept} instead of {wanted}"
        told, anew = dict(desk.figures(fold)), rebuilt(hub.store, fold, desk.jurisdiction)
        if told != anew:
            yield f"the fold tells {told}; built anew it is {anew}"


def _unmarked(entries: Iterable[Entry]) -> str | None:
    """Which act without a mark of its own this may be, or half of it."""
    for entry in entries:
        changes = entry.changes()
        if entry.name == "tool.added" and changes.get("name") in {f"n{n}" for n in range(MANY)}:
            return "add_many"
        if entry.name == "domino.set_up" and changes.get("trouble") == "ladder":
            return "ladder"
    return None


def folded(fold: Fold, entries: Iterable[Entry]) -> dict[str, Any]:
    """The rows of a fold after these entries."""
    rows: dict[str, Any] = {}
    for entry in entries:
        if entry.name in fold.on:
            for key, row in list(fold.apply(lambda key: json.loads(json.dumps(rows.get(key))), entry)):
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row
    return rows
