"""Verifying: every entry's place in the chain, every row against its last entry, every timer against the journal.

Everything is read in pages and let go again; a verification that was broken off goes on from its last checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from attrs import evolve

from communitycore.hub import telling
from communitycore.hub.catalogue import Catalogue
from communitycore.hub.report import Anchor, Checkpoint, Fault, Progress, Report
from communitycore.hub.waiting import Waiting, depth_at, gathered, stored_timers
from communitycore.kernel.errors import Damaged, TooNew
from communitycore.kernel.journal import Entry, chain_hash, state_digest, values_of
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import Query, Test
from communitycore.kernel.record import shape_of
from communitycore.kernel.shape import ERASED, Row, Shape
from communitycore.ports import Head, Reading, Store, Timer

__all__ = ["Anchor", "Checkpoint", "Fault", "Progress", "Report", "check", "verify"]

PAGE = 500
DEPTH_COUNTED = 64
_BODY = shape_of(Jurisdiction)

Keep = Callable[[Checkpoint], None]


def verify(
    store: Store,
    catalogue: Catalogue,
    anchor: Anchor | None = None,
    progress: Progress | None = None,
    *,
    resume: Checkpoint | None = None,
    keep: Keep | None = None,
) -> Report:
    """Check everything in `store`, each jurisdiction in one snapshot.

    progress: called with entries checked and entries in all. keep: called with a checkpoint after each page.
    resume: the last checkpoint of a verification that was broken off. What it has looked at is not looked at again,
    unless jurisdictions have come or gone before it: then it begins anew.
    """
    with store.reading() as tx:
        heads = tx.heads()
    start = resume if resume is not None and _still_there(resume, heads) else Checkpoint(Report())
    report = Checkpoint.of(start.report).report
    if start is not resume:
        known = {head.id for head in heads}
        for id in sorted((anchor.heads if anchor else {}).keys() - known):
            report.add(
                Fault(id, "the anchor knows this jurisdiction, the store does not", "锚点中有此辖区，存储中没有")
            )
    total = sum(head.seq for head in heads)

    def told(place: tuple[Any, ...]) -> None:
        if progress is not None:
            progress(report.entries, total)
        if keep is not None:
            keep(Checkpoint.of(report, *place))

    for head in heads[start.report.jurisdictions :]:
        with store.reading() as tx:
            now = tx.head(head.id)
            if now is not None:
                begun = start if head.id == start.jurisdiction else Checkpoint(report)
                _Check(tx, now, catalogue, report, begun, told).run(anchor)
        report.jurisdictions += 1
    told(("\x7f",))
    level = telling.INFO if report.ok else telling.ERROR
    counts = {"jurisdictions": report.jurisdictions, "entries": report.entries, "rows": report.rows}
    faults = len(report.faults) + report.further
    telling.tell(level, "verified" if report.ok else "faults found", **counts, faults=faults)
    return report


def check(
    tx: Reading, head: Head, catalogue: Catalogue, anchor: Anchor | None = None, progress: Progress | None = None
) -> Report:
    """Check one jurisdiction in one snapshot, as if `head` were its head."""
    report = Report(jurisdictions=1)

    def told(_: tuple[Any, ...]) -> None:
        if progress is not None:
            progress(report.entries, head.seq)

    _Check(tx, head, catalogue, report, Checkpoint(report), told).run(anchor)
    return report


def _still_there(resume: Checkpoint, heads: list[Head]) -> bool:
    """Whether the jurisdictions before the checkpoint are as many as it says."""
    before = sum(head.id < resume.jurisdiction for head in heads)
    return before == resume.report.jurisdictions


class _Check:
    """One jurisdiction's verification, from a checkpoint on. told: called after each page with where it stands."""

    def __init__(
        self,
        tx: Reading,
        head: Head,
        catalogue: Catalogue,
        report: Report,
        start: Checkpoint,
        told: Callable[[tuple[Any, ...]], None],
    ) -> None:
        self.tx, self.head, self.shapes, self.report = tx, head, catalogue.shapes, report
        self.seq, self.hash, self.at = start.seq, start.hash, start.at
        self.kind, self.after = start.kind, start.after
        self._told = told
        # Timers are followed along with the chain, if it is read from its first entry on.
        self.waiting: Waiting | None = Waiting() if not start.seq else None
        self.strange: set[str] = {f.kind for f in report.faults if f.kind is not None} - self.shapes.keys()

    def fault(self, what: str, what_zh: str, **where: Any) -> None:
        self.report.add(Fault(self.head.id, what, what_zh, **where))

    def told(self) -> None:
        self._told((self.head.id, self.seq, self.hash, self.at, self.kind, self.after))

    def run(self, anchor: Anchor | None) -> None:
        if self.seq:
            self.stands()
        self.chain()
        if (self.seq, self.hash) != (self.head.seq, self.head.hash):
            self.fault(
                f"the head says the journal ends at {self.head.seq}, but it ends at {self.seq}",
                f"辖区头记录的末条为第 {self.head.seq} 条，日志实际止于第 {self.seq} 条",
                seq=self.seq,
            )
        if anchor is not None and (place := anchor.heads.get(self.head.id)) is not None:
            self.anchored(*place)
        self.rows()
        self.timers()
        self.leads()

    # the chain

    def stands(self) -> None:
        """The entry at which the last verification left off, against its checkpoint."""
        if [entry.hash for entry in self.tx.entries(self.head.id, self.seq - 1, 1)] != [self.hash]:
            self.fault(
                f"entry {self.seq} is not the one at which the verification was broken off",
                f"第 {self.seq} 条与中断校验时的记录不符",
                seq=self.seq,
            )

    def anchored(self, seq: int, hash: str) -> None:
        if self.seq < seq:
            self.fault(
                f"the anchor knows {seq} entries, the journal has {self.seq}: "
                "its tail was cut or an old state restored",
                f"锚点记录到第 {seq} 条，日志只有 {self.seq} 条：尾部被截断或恢复了旧状态",
                seq=self.seq,
            )
        elif seq and [entry.hash for entry in self.tx.entries(self.head.id, seq - 1, 1)] != [hash]:
            self.fault(f"entry {seq} is not the one the anchor knows", f"第 {seq} 条与锚点记录不符", seq=seq)

    def chain(self) -> None:
        while page := self.tx.entries(self.head.id, self.seq, PAGE):
            start = self.seq
            for entry in page:
                self.link(entry)
                if self.waiting is not None:
                    self.waiting.follow(entry)
            self.begun(page)
            self.erased(page)
            if self.seq <= start:
                break  # out of order, which was said: asking on would never end
            self.report.entries += len(page)
            self.told()

    def link(self, entry: Entry) -> None:
        """One entry against the one before it."""
        if entry.seq != self.seq + 1:
            self.fault(
                f"entries {self.seq + 1} to {entry.seq - 1} are missing",
                f"缺少第 {self.seq + 1} 至 {entry.seq - 1} 条",
                seq=entry.seq,
            )
        try:
            made = chain_hash(self.hash, values_of(entry))
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
        if str(entry.at) < self.at:
            self.fault(
                f"entry {entry.seq} is earlier than the one before", f"第 {entry.seq} 条早于前一条", seq=entry.seq
            )
        self.seq, self.hash, self.at = entry.seq, str(entry.hash), str(entry.at)

    def begun(self, page: list[Entry]) -> None:
        """Every record that these entries began has its row."""
        begun: dict[str, dict[str, int]] = {}
        for entry in page:
            with suppress(Exception):  # one that cannot be read has no hash that follows, which was said
                if entry.begins:
                    begun.setdefault(entry.kind, {})[entry.record] = entry.seq
        for kind, records in begun.items():
            shape = self.shapes.get(kind)
            if shape is not None:
                self.there(shape, records)
            elif kind not in self.strange:
                self.strange.add(kind)
                self.fault(
                    f"no open room has records of kind {kind}; verify with the room that does",
                    f"未打开包含 {kind} 记录的模块，请打开后再校验",
                    kind=kind,
                )

    def there(self, shape: Shape, records: dict[str, int]) -> None:
        found = {row[0] for row in self.named(shape, records)}
        for record in records.keys() - found:
            self.fault(
                f"{shape.kind} {record} is missing; entry {records[record]} began it",
                f"缺少 {shape.kind} {record}，该记录由第 {records[record]} 条日志建立",
                seq=records[record],
                kind=shape.kind,
                record=record,
            )

    def erased(self, page: list[Entry]) -> None:
        """Every record that these entries erased has no salt, unless something personal came to it since."""
        erased: dict[str, dict[str, int]] = {}
        for entry in page:
            if _erases(entry):
                erased.setdefault(entry.kind, {})[entry.record] = entry.seq
        for kind, records in erased.items():
            if (shape := self.shapes.get(kind)) is not None:
                for row in self.named(shape, records):
                    # Of several entries that erased it the last tells it, which may be of a later page.
                    if row[3] != ERASED and self.erasing(kind, row[0]) == records[row[0]]:
                        self.fault(
                            f"{kind} {row[0]} was erased, and has a salt again",
                            f"{kind} {row[0]} 的个人信息已删除，却仍有盐值",
                            seq=records[row[0]],
                            kind=kind,
                            record=row[0],
                        )

    def erasing(self, kind: str, record: str) -> int | None:
        """The entry that erased it, if nothing personal came to it since."""
        seq = None
        for entry in self.tx.entries_of(self.head.id, kind, record):
            if _erases(entry):
                seq = entry.seq
            elif seq is not None and _personal_came(entry):
                seq = None
        return seq

    def named(self, shape: Shape, records: Iterable[str]) -> list[Row]:
        """Their rows, of those that have one. records: no more than a page."""
        ids = tuple(records)
        return self.tx.find(shape, self.head.id, Query((Test(0, "in", ids),), 0, False, len(ids), None))

    # rows

    def rows(self) -> None:
        for kind in sorted(self.shapes):
            if kind < self.kind:
                continue
            if kind != self.kind:
                self.kind, self.after = kind, None
            while page := self.page(self.shapes[kind]):
                last = self.tx.last_entries(self.head.id, kind, [row[0] for row in page])
                for row in page:
                    self.row(self.shapes[kind], row, last.get(row[0]))
                self.after = page[-1][0]
                self.report.rows += len(page)
                self.told()

    def page(self, shape: Shape) -> list[Row]:
        after = None if self.after is None else (self.after, self.after)
        return self.tx.find(shape, self.head.id, Query((), 0, False, PAGE, after))

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
        # Most records end with the entry that erased them; of the others all entries are read.
        if row[3] == ERASED and not _erases(last) and self.erasing(shape.kind, row[0]) is None:
            self.fault(
                f"the salt of {shape.kind} {row[0]} is gone, and no entry says that it was erased",
                f"{shape.kind} {row[0]} 的盐值缺失，日志中没有删除记录",
                seq=last.seq,
                kind=shape.kind,
                record=row[0],
            )

    # timers

    def timers(self) -> None:
        self.compare(self.waiting or gathered(self.tx, self.head.id, 0, 1))

    def compare(self, waiting: Waiting) -> None:
        """The stored timers of one part of all keys against the journal's; where it is too large, of its halves."""
        if waiting.full:
            for part in (waiting.part, waiting.part + waiting.parts):
                self.compare(gathered(self.tx, self.head.id, part, 2 * waiting.parts))
            return
        for timer in stored_timers(self.tx, self.head.id):
            if waiting.holds(timer.key) and not self.same(waiting.pop(timer), timer):
                self.amiss(timer.key)
        for key in waiting.timers:
            self.amiss(key)

    def same(self, told: Timer | None, stored: Timer) -> bool:
        # Why one is parked stands in its row alone, since it may tell what a journal must not.
        plain = evolve(stored, depth=0, parked=None if stored.parked is None else "")
        return told == plain and stored.depth == self.depth(stored)

    def depth(self, timer: Timer) -> int:
        if not timer.source:
            return 0
        with suppress(Exception):  # it is not there or cannot be read, and so this is not what the journal says
            return depth_at(self.tx, self.head.id, timer.seq, DEPTH_COUNTED)
        return -1

    def amiss(self, key: tuple[str, str, str]) -> None:
        record, command, _ = key
        self.fault(
            f"the timer {command} of {record} is not as the journal says",
            f"{record} 的定时器 {command} 与日志不符",
            record=record,
        )

    # the head

    def leads(self) -> None:
        """The head against what it leads: the journal's last moment, the timers' first, the code."""
        wake = self.tx.next_wake(self.head.id, ())
        row, code = self.tx.get(_BODY, self.head.id, self.head.id), None
        with suppress(Damaged, TooNew):  # which was said
            code = None if row is None else _BODY.read_row(row).codes[-1].value
        for name, value in (("last_at", self.at), ("next_wake", wake), ("code", code)):
            if getattr(self.head, name) != value:
                self.fault(
                    f"the head's {name} is {getattr(self.head, name)}, and should be {value}",
                    f"辖区头的 {name} 为 {getattr(self.head, name)}，应为 {value}",
                )


def _erases(entry: Entry) -> bool:
    with suppress(Exception):  # one that cannot be read has no hash that follows, which was said
        return entry.erases
    return False


def _personal_came(entry: Entry) -> bool:
    """Whether a step gave its record something personal: what became of it then stands there as an HMAC."""
    with suppress(Exception):  # as above
        after = [] if entry.notes else [pair[1] for pair in entry.changes().values()]
        return any(isinstance(value, dict) and value.keys() == {"hmac"} for value in after)
    return False
