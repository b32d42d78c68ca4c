"""Taking in: what `export` wrote becomes a jurisdiction of this store, all of it or, for its readers, nothing.

Each page of the stream is one transaction, together with a mark that says how far it has come; broken off, the next
attempt goes on behind it. Meanwhile the jurisdiction has no head, without which no reader, no code and no timer leads
to it. It is given one in the last transaction, once everything has been verified.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from attrs import define

from communitycore.hub.catalogue import Catalogue
from communitycore.hub.directory import Directory
from communitycore.hub.export import TAKING_IN
from communitycore.hub.forms import lacks, note_lacking
from communitycore.hub.parcel import FORMAT, SECTIONS, Contents, ExportDamaged, Header, Page, Unpacking, check_value
from communitycore.hub.report import Anchor, Progress
from communitycore.hub.verify import check
from communitycore.kernel.errors import (
    BadValue,
    CodeTaken,
    KeyReused,
    NotUnique,
    OutcomeUnknown,
    Refused,
    StaleStep,
    StoreError,
)
from communitycore.kernel.ids import check_id
from communitycore.kernel.journal import GENESIS, chain_hash
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.record import shape_of
from communitycore.kernel.shape import INDEXED_MAX, Row, Shape, check_text
from communitycore.ports import Batch, Key, Reading, Store, Timer, Writing

ATTEMPTS = 4
_BODY = shape_of(Jurisdiction)
_MARK = "mark"


class AlreadyHere(Refused):
    """This store has the jurisdiction already."""

    code = "already_here"
    en = "The jurisdiction {jurisdiction} is in this store already. Nothing was changed; choose another store."
    zh = "此存储中已有辖区 {jurisdiction}，未作任何更改；请选择其他存储。"
    jurisdiction: str


class OtherExport(Refused):
    """Another export of the same jurisdiction was begun to be taken in, and broken off."""

    code = "other_export"
    en = (
        "Another export of {jurisdiction} was begun to be taken in here. "
        "Go on with that file, or discard what it left, then take in this one."
    )
    zh = "此前已开始从另一份导出文件导入辖区 {jurisdiction}。请用那份文件继续导入，或先清除其残留，再导入本文件。"
    jurisdiction: str


class ExportUnfit(Refused):
    """The rooms that are open here could not keep everything that the export holds."""

    code = "export_unfit"
    en = "The rooms open here cannot keep this export: {why}. Open them as they were where it was written."
    zh = "此处打开的模块无法保存该导出：{why_zh}。请以导出时的模块打开。"
    why: str
    why_zh: str


@define
class _Mark:
    """How far taking in has come: pages that are here, and the stream's hash there."""

    page: int
    sha: str


def take_in(
    store: Store,
    catalogue: Catalogue,
    directory: Directory,
    file: BinaryIO,
    progress: Progress | None = None,
    anchor: Anchor | None = None,
) -> Contents:
    """Take in the jurisdiction in `file`. See Hub.take_in."""
    unpacking = Unpacking(file)
    return _TakingIn(store, catalogue, directory, unpacking, progress).run(anchor)


def discard(store: Store, jurisdiction: str) -> None:
    """Remove what taking in this jurisdiction left when it was broken off. Raises AlreadyHere if it is whole."""

    def attempt() -> None:
        with store.writing() as tx:
            tx.lock(jurisdiction)
            tx.forget(jurisdiction)
            if tx.head(jurisdiction) is not None:
                raise AlreadyHere(jurisdiction=jurisdiction)
            tx.commit()

    _patiently(attempt)


class _TakingIn:
    """One stream being taken in."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        directory: Directory,
        unpacking: Unpacking,
        progress: Progress | None,
    ) -> None:
        self.store, self.catalogue, self.directory = store, catalogue, directory
        self.unpacking = unpacking
        self.header: Header = unpacking.header
        self.id = self.header.head.id
        self.places = {kind: self._places(kind) for kind in self.header.kinds}
        self.seq, self.hash = 0, GENESIS
        self.last: tuple[Any, ...] = ()  # what the last record was, to be followed by a later one
        self.cursors: dict[str, tuple[int, int]] = {}
        self.lacking: dict[str, frozenset[str]] = {}
        self._progress = progress
        self._done = 0

    def run(self, anchor: Anchor | None) -> Contents:
        begun = self._begun()
        before = _Mark(0, "")
        for page in self.unpacking.pages():
            mark = _Mark(page.number, page.sha)
            batch = self._unpacked(page)
            if page.number == begun.page and page.sha != begun.sha:
                raise OtherExport(jurisdiction=self.id)
            if page.number > begun.page:
                _patiently(lambda batch=batch, page=page, before=before: self._put(page, batch, before))  # type: ignore[misc]  # a default of a lambda has no type
            before = mark
            self._told(len(page.records))
        if begun.page > before.page:
            raise OtherExport(jurisdiction=self.id)
        if (self.seq, self.hash) != (self.header.head.seq, self.header.head.hash):
            raise _contradicts("its journal ends elsewhere than its first line says", "日志末尾与首行所载不符")
        self._verified(anchor)
        _patiently(lambda: note_lacking(self.store, self.lacking))
        _patiently(lambda: self._settle(before))
        return self.unpacking.contents

    def _begun(self) -> _Mark:
        """How far an earlier attempt came. Raises AlreadyHere, CodeTaken."""
        with self.store.reading() as tx:
            for head in tx.heads():
                if head.id == self.id:
                    raise AlreadyHere(jurisdiction=self.id)
                if head.code == self.header.head.code:
                    raise CodeTaken(given=head.code, jurisdiction=head.id)
            return self._mark(tx)

    def _mark(self, tx: Reading) -> _Mark:
        text = tx.figure(TAKING_IN, self.id, _MARK)  # one read: a transaction may see what is committed between two
        return _Mark(0, "") if text is None else _Mark(*json.loads(text))

    # from values to what a store writes

    def _places(self, kind: str) -> list[int | None]:
        """Where each of our columns stands in the stream's rows. Raises ExportUnfit."""
        said, shape = self.header.kinds[kind], self.catalogue.shapes.get(kind)
        if shape is None:
            raise ExportUnfit(why=f"none has records of kind {kind}", why_zh=f"没有包含 {kind} 记录的模块")
        if said.schema > shape.schema:
            raise ExportUnfit(
                why=f"its {kind} records have schema {said.schema}, newer than {shape.schema} here",
                why_zh=f"其 {kind} 记录的结构版本为 {said.schema}，比此处的 {shape.schema} 新",
            )
        ours = [column.name for column in shape.columns]
        if lost := [name for name in said.columns if name not in ours]:
            raise ExportUnfit(
                why=f"{kind} has no {', '.join(lost)} here", why_zh=f"此处的 {kind} 没有 {'、'.join(lost)}"
            )
        return [said.columns.index(name) if name in said.columns else None for name in ours]

    def _unpacked(self, page: Page) -> Batch:
        """A page as a store writes it, in order and unbroken. Raises ExportDamaged."""
        head = self.header.head
        batch = Batch(head, head)
        for section, values in page.records:
            try:
                key = self._UNPACK[section](self, batch, values)
            except (BadValue, IndexError, KeyError, TypeError) as error:
                raise _contradicts("a record is not of its kind", "有记录与其类型不符") from error
            place = (SECTIONS.index(section), *key)
            if place <= self.last:
                raise _contradicts("its records are out of order", "记录顺序有误")
            self.last = place
        return batch

    def _entry(self, batch: Batch, values: Sequence[Any]) -> tuple[Any, ...]:
        entry, hash = tuple(values), chain_hash(self.hash, tuple(values[:-1]))
        if entry[1] != self.id or entry[2] != self.seq + 1 or entry[-1] != hash:
            raise _contradicts(
                f"entry {self.seq + 1} does not follow the one before", f"第 {self.seq + 1} 条日志不连续"
            )
        self.seq, self.hash = entry[2], hash
        batch.entries.append(entry)
        return (self.seq,)

    def _row(self, batch: Batch, values: Sequence[Any]) -> tuple[Any, ...]:
        kind, *said = values
        shape: Shape = self.catalogue.shapes[kind]
        row: Row = tuple(None if n is None else said[n] for n in self.places[kind])
        for column, value in zip(shape.columns, row, strict=True):
            check_value(value, whole=column.type in ("int", "bool"), null=column.nullable)
        batch.rows.append((shape, row, 0))
        self.lacking[kind] = self.lacking.get(kind, frozenset()) | lacks(shape, row)
        return kind, check_id(row[0])

    def _timer(self, batch: Batch, values: Sequence[Any]) -> tuple[Any, ...]:
        batch.timers.append(timer := Timer(*values))
        return timer.key

    def _key(self, batch: Batch, values: Sequence[Any]) -> tuple[Any, ...]:
        batch.keys.append(key := Key(*values))
        return key.actor, key.key

    def _cursor(self, batch: Batch, values: Sequence[Any]) -> tuple[Any, ...]:
        follower, seq, version = values
        if follower == TAKING_IN or not 0 <= seq <= self.header.head.seq:
            raise KeyError(follower)
        self.cursors[follower] = (seq, version)
        return (follower,)

    def _figure(self, batch: Batch, values: Sequence[Any]) -> tuple[Any, ...]:
        fold, key, _ = values
        if fold not in self.cursors:
            raise KeyError(fold)
        return fold, check_text(key, "key", INDEXED_MAX)

    _UNPACK: dict[str, Callable[[_TakingIn, Batch, Sequence[Any]], tuple[Any, ...]]] = {  # noqa: RUF012  # a table that nobody changes
        "entry": _entry,
        "row": _row,
        "timer": _timer,
        "key": _key,
        "cursor": _cursor,
        "figure": _figure,
    }

    # the store

    def _put(self, page: Page, batch: Batch, before: _Mark) -> None:
        """Write a page with its mark, unless it is here: another attempt may be under way, or our COMMIT was kept."""
        try:
            with self.store.writing() as tx:
                tx.lock(self.id)
                if self._is_here(tx, page, before):
                    return
                tx.bring(batch)
                self._follow(tx, page)
                mark = json.dumps([page.number, page.sha])
                tx.fold(TAKING_IN, self.id, {_MARK: mark}, page.number, FORMAT, anew=False)
                tx.commit()
        except (NotUnique, StaleStep, KeyReused) as refused:
            with self.store.reading() as reading:
                if self._is_here(reading, page, before):
                    return
            raise _contradicts(refused.say("en"), refused.say("zh")) from refused

    def _is_here(self, tx: Reading, page: Page, before: _Mark) -> bool:
        mark = self._mark(tx)
        for known in (before, _Mark(page.number, page.sha)):
            if mark.page == known.page and mark.sha != known.sha:
                raise OtherExport(jurisdiction=self.id)
        if mark.page < before.page:
            raise self._overtaken(tx)
        return mark.page >= page.number

    def _overtaken(self, tx: Reading) -> Refused:
        """Why our mark is gone: somebody else was quicker with the same file, or discarded it."""
        here = tx.head(self.id) is not None
        return AlreadyHere(jurisdiction=self.id) if here else OtherExport(jurisdiction=self.id)

    def _follow(self, tx: Writing, page: Page) -> None:
        """The followers of a page, with their figures."""
        found: dict[str, dict[str, str | None]] = {}
        for section, values in page.records:
            if section == "cursor":
                found.setdefault(values[0], {})
            elif section == "figure":
                found.setdefault(values[0], {})[values[1]] = values[2]
        for follower, rows in found.items():
            tx.fold(follower, self.id, rows, *self.cursors[follower], anew=False)

    def _verified(self, anchor: Anchor | None) -> None:
        """Everything once more, as it lies in the store. Raises ExportDamaged with the first fault."""
        with self.store.reading() as tx:
            report = check(tx, self.header.head, self.catalogue, anchor, self._checking)
        if not report.ok:
            fault = report.faults[0]
            raise _contradicts(fault.what, fault.what_zh)

    def _settle(self, mark: _Mark) -> None:
        """Give it its head, and so make it visible. Raises CodeTaken."""
        head = self.header.head
        with self.store.writing() as tx:
            if tx.lock(self.id) == head:
                return  # by a COMMIT that lost its answer
            if self._mark(tx) != mark:
                raise self._overtaken(tx)
            tx.fold(TAKING_IN, self.id, {}, 0, 0, anew=True)
            # Only now is it sure that nobody else is at it: who gives it a head, or discards it, takes the mark first.
            row = tx.get(_BODY, self.id, self.id)
            if row is None or tx.head(self.id) is not None:
                raise self._overtaken(tx)
            code = _BODY.read_row(row).codes[-1]
            self.directory.check_free(code.value, code.since, but=self.id)
            tx.found(head)
            tx.commit()

    # progress: a step for each record read, and one for each entry verified

    def _told(self, more: int) -> None:
        self._done += more
        if self._progress is not None:
            self._progress(self._done, max(2 * self.header.head.seq, self._done + self.header.head.seq))

    def _checking(self, entries: int, _: int) -> None:
        if self._progress is not None:
            self._progress(self._done + entries, self._done + self.header.head.seq)


def _contradicts(why: str, why_zh: str) -> ExportDamaged:
    return ExportDamaged(why=why, why_zh=why_zh)


def _patiently(act: Callable[[], None]) -> None:
    """Do it, and again where that may help; what asks first whether it is done may follow a COMMIT without answer."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            act()
            return
        except StoreError as error:
            if attempt == ATTEMPTS or not (error.retryable or isinstance(error, OutcomeUnknown)):
                raise
        time.sleep(random.uniform(0, 0.02 * 2**attempt))
