"""Verifying: every entry's place in the chain, every row against its last entry, every timer against the journal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from attrs import Factory, define, evolve

from communitycore.hub.catalogue import Catalogue
from communitycore.hub.standing import _all_rows
from communitycore.kernel.errors import Damaged
from communitycore.kernel.journal import GENESIS, Entry, chain_hash, state_digest, values_of
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.record import shape_of
from communitycore.kernel.shape import ERASED, Row, Shape
from communitycore.kernel.values import frozen
from communitycore.ports import Head, Reading, Store, Timer

PAGE = 1_000
_BODY = shape_of(Jurisdiction)


@frozen
class Fault:
    """Something that is not as the journal says. seq: the entry concerned, if one is."""

    jurisdiction: str
    what: str
    what_zh: str
    seq: int | None = None
    kind: str | None = None
    record: str | None = None


@define
class Report:
    """What a verification saw. ok: no fault."""

    entries: int = 0
    rows: int = 0
    jurisdictions: int = 0
    faults: list[Fault] = Factory(list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.faults


@frozen
class Anchor:
    """Where every jurisdiction's journal stood: keep it elsewhere, and a cut tail or a restored old state is found."""

    heads: Mapping[str, tuple[int, str]]

    def to_text(self) -> str:
        """JSON: jurisdiction -> [seq, hash]."""
        return json.dumps({id: list(place) for id, place in sorted(self.heads.items())}, indent=1)

    @classmethod
    def from_text(cls, text: str) -> Anchor:
        """The anchor that `to_text` wrote."""
        return cls({id: (int(seq), str(hash)) for id, (seq, hash) in json.loads(text).items()})


Progress = Callable[[int, int], None]


def verify(
    store: Store, catalogue: Catalogue, anchor: Anchor | None = None, progress: Progress | None = None
) -> Report:
    """Check everything in `store`, each jurisdiction in one snapshot.

    progress: called with entries checked and entries in all.
    """
    report = Report()
    with store.reading() as tx:
        heads = tx.heads()
    total = sum(head.seq for head in heads)
    known = {head.id for head in heads}
    for id in sorted((anchor.heads if anchor else {}).keys() - known):
        report.faults.append(
            Fault(id, "the anchor knows this jurisdiction, the store does not", "锚点中有此辖区，存储中没有")
        )
    for head in heads:
        report.jurisdictions += 1
        with store.reading() as tx:
            now = tx.head(head.id)
            if now is not None:
                _Check(tx, now, catalogue, report, progress, total).run(anchor)
    return report


class _Check:
    """One jurisdiction's verification."""

    def __init__(
        self, tx: Reading, head: Head, catalogue: Catalogue, report: Report, progress: Progress | None, total: int
    ) -> None:
        self.tx, self.head, self.catalogue, self.report = tx, head, catalogue, report
        self.progress, self.total = progress, total
        self.begun: Counter[str] = Counter()
        self.erased: set[tuple[str, str]] = set()  # records whose salt must be gone
        self.timers: dict[tuple[str, str, str], Timer] = {}
        self.call, self.depth = "", 0  # of the entries that one call or timer left, and how deep it was set off
        self.ends: dict[tuple[str, str, str], int] = {}  # the last entry of the call that set a timer
        self.fresh: list[tuple[str, str, str]] = []  # those that this call set

    def fault(self, what: str, what_zh: str, **where: Any) -> None:
        self.report.faults.append(Fault(self.head.id, what, what_zh, **where))

    def run(self, anchor: Anchor | None) -> None:
        place = anchor.heads.get(self.head.id) if anchor is not None else None
        seq, hash, at = self.chain(place)
        if (seq, hash) != (self.head.seq, self.head.hash):
            self.fault(
                f"the head says the journal ends at {self.head.seq}, but it ends at {seq}",
                f"辖区头记录的末条为第 {self.head.seq} 条，日志实际止于第 {seq} 条",
                seq=seq,
            )
        if place is not None and seq < place[0]:
            self.fault(
                f"the anchor knows {place[0]} entries, the journal has {seq}: "
                "its tail was cut or an old state restored",
                f"锚点记录到第 {place[0]} 条，日志只有 {seq} 条：尾部被截断或恢复了旧状态",
                seq=seq,
            )
        self.rows()
        self.waiting()
        self.leads(at)

    def chain(self, place: tuple[int, str] | None) -> tuple[int, str, str]:
        seq, hash, at = 0, GENESIS, ""
        while page := self.tx.entries(self.head.id, seq, PAGE):
            start = seq
            for entry in page:
                if entry.seq != seq + 1:
                    self.fault(
                        f"entries {seq + 1} to {entry.seq - 1} are missing",
                        f"缺少第 {seq + 1} 至 {entry.seq - 1} 条",
                        seq=entry.seq,
                    )
                try:
                    made = chain_hash(hash, values_of(entry))
                except Exception:  # noqa: BLE001 - what cannot be read is damage, and told as such
                    made = "unreadable"
                if made != entry.hash:
                    self.fault(
                        f"entry {entry.seq} or the one before it was changed: its hash does not follow",
                        f"第 {entry.seq} 条或其前一条被改动：哈希不连续",
                        seq=entry.seq,
                        kind=entry.kind,
                        record=entry.record,
                    )
                if str(entry.at) < at:
                    self.fault(
                        f"entry {entry.seq} is earlier than the one before",
                        f"第 {entry.seq} 条早于前一条",
                        seq=entry.seq,
                    )
                seq, hash, at = entry.seq, str(entry.hash), str(entry.at)
                if place is not None and seq == place[0] and hash != place[1]:
                    self.fault(f"entry {seq} is not the one the anchor knows", f"第 {seq} 条与锚点记录不符", seq=seq)
                with suppress(Exception):  # one that cannot be read has no hash that follows, which was said
                    self.follow(entry)
            if seq <= start:
                break  # out of order, which was said: asking on would never end
            self.report.entries += len(page)
            if self.progress is not None:
                self.progress(self.report.entries, self.total)
        return seq, hash, at

    def follow(self, entry: Entry) -> None:
        """What an entry did to its record's timers; see docs/journal.md."""
        if entry.begins:
            self.begun[entry.kind] += 1
        if (call := entry.id[18:]) != self.call:  # ids of one call share the noise behind their count
            self.call, self.depth, self.fresh = call, 0, []
        self.ends.update(dict.fromkeys(self.fresh, entry.seq))
        if entry.erases:
            self.erased.add((entry.kind, entry.record))
        elif (entry.kind, entry.record) in self.erased and _personal_came(entry):
            self.erased.remove((entry.kind, entry.record))
        if entry.timers is None:
            return
        behalf = entry.behalf or entry.actor
        for item in json.loads(entry.timers):
            sign, (rest, _, other) = item[0], item[1:].partition("/")
            name, *more = rest.split("@")
            command, _, source = name.partition("#")
            key = (other or entry.record, command, source)
            if sign == "+":
                due = more[0]
                self.fresh.append(key)
                self.ends[key] = entry.seq
                self.timers[key] = Timer(due, entry.seq, entry.kind, *key, entry.cause, behalf, 0, 0, due, None)
            elif sign == "!":
                at, key = entry.at, (entry.record, command, str(entry.seq))
                self.timers[key] = Timer(at, entry.seq, entry.kind, *key, entry.cause, behalf, self.depth, 0, at, None)
            elif sign == "-":
                gone = self.timers.pop(key, None)
                self.ends.pop(key, None)
                if gone is not None and entry.actor in (f"system/timer:{command}", f"system/reaction:{command}"):
                    self.depth = gone.depth + 1
            elif sign == "?":
                self.timers[key] = evolve(self.timers[key], wake=more[0], attempts=int(more[1]))
            elif sign == "=":
                self.timers[key] = evolve(self.timers[key], parked="", attempts=int(more[0]))

    def rows(self) -> None:
        seen: Counter[str] = Counter()
        for shape in self.catalogue.shapes.values():
            for page in _pages(_all_rows(self.tx, shape, self.head.id)):
                last = self.tx.last_entries(self.head.id, shape.kind, [row[0] for row in page])
                for row in page:
                    self.row(shape, row, last.get(row[0]))
                seen[shape.kind] += len(page)
                self.report.rows += len(page)
        for kind in sorted(self.begun.keys() | seen.keys(), key=str):
            if kind not in self.catalogue.shapes:
                self.fault(
                    f"no open room has records of kind {kind}; verify with the room that does",
                    f"未打开包含 {kind} 记录的模块，请打开后再校验",
                    kind=kind,
                )
            elif seen[kind] < self.begun[kind]:
                self.fault(
                    f"{self.begun[kind] - seen[kind]} of {self.begun[kind]} {kind} rows are missing",
                    f"{kind} 应有 {self.begun[kind]} 行，缺少 {self.begun[kind] - seen[kind]} 行",
                    kind=kind,
                )

    def row(self, shape: Shape, row: Row, last: Entry | None) -> None:
        if last is None:
            self.fault(
                f"{shape.kind} {row[0]} has no entry: it was invented",
                f"{shape.kind} {row[0]} 没有日志条目：系伪造",
                kind=shape.kind,
                record=row[0],
            )
            return
        try:
            digest = state_digest(shape, row, shape.text(row))
        except Exception:  # noqa: BLE001 - whatever cannot be read is damage, and told as such
            digest = "unreadable"
        if digest != last.digest or row[1] != last.version:
            self.fault(
                f"{shape.kind} {row[0]} is not as entry {last.seq} left it: it was changed",
                f"{shape.kind} {row[0]} 与第 {last.seq} 条日志不符：被改动",
                seq=last.seq,
                kind=shape.kind,
                record=row[0],
            )
        if (row[3] == ERASED) != ((shape.kind, row[0]) in self.erased):
            still = row[3] != ERASED
            self.fault(
                f"{shape.kind} {row[0]} was erased, and has a salt again"
                if still
                else f"the salt of {shape.kind} {row[0]} is gone, and no entry says that it was erased",
                f"{shape.kind} {row[0]} 的个人信息已删除，却仍有盐值"
                if still
                else f"{shape.kind} {row[0]} 的盐值缺失，日志中没有删除记录",
                seq=last.seq,
                kind=shape.kind,
                record=row[0],
            )

    def waiting(self) -> None:
        # Why one is parked stands in its row alone, since it may tell what a journal must not.
        stored = {
            t.key: t if t.parked is None else evolve(t, parked="") for t in self.tx.timers(self.head.id, None, 1 << 40)
        }
        for key in sorted(self.timers.keys() | stored.keys(), key=str):
            told, kept = self.timers.get(key), stored.get(key)
            if told is not None and kept is not None and kept.seq == self.ends.get(key):
                told = evolve(told, seq=kept.seq)  # 0.1.0 kept the last entry of the change, not the one that tells it
            if told != kept:
                record, command, _ = key
                self.fault(
                    f"the timer {command} of {record} is not as the journal says",
                    f"{record} 的定时器 {command} 与日志不符",
                    record=record,
                )

    def leads(self, at: str) -> None:
        """The head against what it leads: the journal's last moment, the timers' first, the code."""
        wakes = [t.wake for t in self.tx.timers(self.head.id, None, 1 << 40) if t.parked is None]
        row, code = self.tx.get(_BODY, self.head.id, self.head.id), None
        with suppress(Damaged):  # which was said
            code = None if row is None else _BODY.read_row(row).codes[-1].value
        for name, value in (("last_at", at), ("next_wake", min(wakes, default=None)), ("code", code)):
            if getattr(self.head, name) != value:
                self.fault(
                    f"the head's {name} is {getattr(self.head, name)}, and should be {value}",
                    f"辖区头的 {name} 为 {getattr(self.head, name)}，应为 {value}",
                )


def _personal_came(entry: Entry) -> bool:
    """Whether a step gave its record something personal: what became of it then stands there as an HMAC."""
    after = [] if entry.notes else [pair[1] for pair in entry.changes().values()]
    return any(isinstance(value, dict) and value.keys() == {"hmac"} for value in after)


def _pages(rows: Iterable[Row]) -> Iterable[list[Row]]:
    page: list[Row] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
