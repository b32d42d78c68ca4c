"""Stores that are broken where they lock, write, commit and give snapshots; see broken.py."""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import evolve
from tests.conformance.broken_base import SEQ, Healthy, Logged, Short, Transaction

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import NotUnique, OutcomeUnknown, StaleStep, StoreBusy
from communitycore.ports import Batch, Head, Key, Reading, Writing

# versions, locks and batches


class NoVersionCheck(Healthy):
    """Writes a row over whatever stands there."""

    suite = "Rows"
    caught_by = (
        "test_a_row_is_written_only_over_the_version_it_was_meant_for",
        "test_one_row_of_a_wrong_version_stops_the_whole_batch",
        "test_rows_may_exchange_what_is_unique_in_one_batch",
    )

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            rows = []
            for shape, row, _ in batch.rows:
                held = self.tx.get(shape, batch.head.id, row[0])
                rows.append((shape, row, 0 if held is None else held[1]))
            self.tx.write(evolve(batch, rows=rows))


class LostUpdate(Healthy):
    """Locks nothing and guards nothing: who commits last writes over what others wrote, its entries behind theirs."""

    suite = "Interleavings"
    caught_by = (
        "test_of_two_updates_neither_is_lost",
        "test_after_the_lock_everything_is_read_as_the_first_left_it",
        "test_no_update_of_many_threads_is_lost",
        "test_of_two_that_found_with_one_code_one_is_refused",
        "test_the_second_writer_goes_on_from_before_if_the_first_rolls_back",
        "test_the_second_writer_waits_for_the_first_and_goes_on_from_its_commit",
        "test_who_does_not_wait_is_told_at_once_that_another_writes",
    )

    class writes(Short):  # noqa: N801
        def __init__(self, tx: Any, store: Any) -> None:
            super().__init__(tx, store)
            self.done: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

        def found(self, *args: Any) -> None:
            self.done.append(("found", args, {}))

        def write(self, *args: Any) -> None:
            self.done.append(("write", args, {}))

        def fold(self, *args: Any, **more: Any) -> None:
            self.done.append(("fold", args, more))

        def commit(self) -> None:
            time.sleep(0.002)  # for others to come between
            with self.store.under.writing() as tx:
                for name, args, more in self.done:
                    told = (self.behind(tx, arg) if isinstance(arg, Batch) else arg for arg in args)
                    getattr(tx, name)(*told, **more)
                tx.commit()

        def behind(self, tx: Any, batch: Batch) -> Batch:
            """The batch as if it had been decided by what stands there now."""
            was = tx.lock(batch.was.id) or batch.was
            entries = [(*e[:SEQ], n, *e[SEQ + 1 :]) for n, e in enumerate(batch.entries, was.seq + 1)]
            rows = []
            for shape, row, _ in batch.rows:
                held = tx.get(shape, batch.head.id, row[0])
                rows.append((shape, row, 0 if held is None else held[1]))
            head = evolve(batch.head, seq=was.seq + len(entries))
            return evolve(batch, head=head, was=was, rows=rows, entries=entries)

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        yield self.writes(None, self)


class LockAfterFirstRead(Logged):
    """Its view is of the moment in which the transaction began, which may be long before it gets the lock."""

    suite = "Interleavings"
    caught_by = (
        "test_after_the_lock_everything_is_read_as_the_first_left_it",
        "test_no_update_of_many_threads_is_lost",
        "test_of_two_updates_neither_is_lost",
        "test_the_second_writer_finds_the_key_of_the_first",
    )
    seen_before: tuple[str, ...] = (
        *("get", "find", "entries", "entries_of", "last_entries", "caused", "key"),
        *("timer", "timers_of", "timers", "next_wake", "cursor", "figure", "figures"),
    )

    class writes(Logged.writes):  # noqa: N801
        old: MemoryStore

        def __getattr__(self, name: str) -> Any:
            if name not in self.store.seen_before:
                return super().__getattr__(name)

            def read(*args: Any) -> Any:
                with self.old.reading() as tx:
                    return getattr(tx, name)(*args)

            return read

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        old = self.made_again()
        with super().writing(wait=wait) as tx:
            tx.old = old  # type: ignore[attr-defined]
            yield tx


class KeyRace(LockAfterFirstRead):
    """Looks for idempotency keys before it has the lock, so two calls under one key are both done."""

    suite = "Interleavings"
    caught_by = (
        "test_the_second_writer_finds_the_key_of_the_first",
        "test_after_the_lock_everything_is_read_as_the_first_left_it",
    )
    seen_before = ("key",)


class KeysTwice(Healthy):
    """Keeps no more than the last of several calls under one key."""

    suite = "Keys"
    caught_by = ("test_a_key_is_kept_once",)

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.later: dict[tuple[str, str, str], Key] = {}

    class reads(Transaction):  # noqa: N801
        def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
            later: Key | None = self.store.later.get((jurisdiction, actor, key))
            return later or self.tx.key(jurisdiction, actor, key)  # type: ignore[no-any-return]

    class writes(reads):  # noqa: N801
        def write(self, batch: Batch) -> None:
            id = batch.head.id
            first = [key for key in batch.keys if self.tx.key(id, key.actor, key.key) is None]
            self.tx.write(evolve(batch, keys=first))
            self.store.later |= {(id, key.actor, key.key): key for key in batch.keys if key not in first}


class TornBatch(Healthy):
    """Keeps what it wrote of a batch before it came to what is refused."""

    suite = "Transactions"
    caught_by = ("test_of_a_refused_batch_nothing_is_kept",)

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            try:
                self.tx.write(batch)
            except (StaleStep, NotUnique):
                self.tx.write(evolve(batch, rows=batch.rows[:1], entries=[], timers=[], removed=[], keys=[]))
                self.tx.commit()
                raise


class Autocommit(Healthy):
    """Keeps what is written as soon as it is written."""

    suite = "Transactions"
    caught_by = (
        "test_leaving_without_a_commit_leaves_no_trace",
        "test_a_founding_that_was_rolled_back_leaves_its_code_free",
        "test_many_transactions_may_be_left_open_to_chance_one_after_another",
        "test_two_jurisdictions_are_written_together_or_not_at_all",
        "test_a_transaction_is_committed_once",
    )

    class writes(Short):  # noqa: N801
        def commit(self) -> None:
            """All of it is kept already."""

        def found(self, head: Head) -> None:
            self.now("found", head)

        def write(self, batch: Batch) -> None:
            self.now("write", batch)

        def fold(self, *args: Any, **more: Any) -> None:
            self.now("fold", *args, **more)

        def now(self, name: str, *args: Any, **more: Any) -> None:
            with self.store.under.writing() as tx:
                getattr(tx, name)(*args, **more)
                tx.commit()

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        yield self.writes(None, self)


class FoldsApart(Healthy):
    """Keeps a fold's rows and cursor at once, whether the transaction is kept or not."""

    suite = "Figures"
    caught_by = ("test_a_fold_that_was_rolled_back_moved_neither_rows_nor_cursor",)

    class writes(Transaction):  # noqa: N801
        def fold(self, *args: Any, **more: Any) -> None:
            self.store.apart = (*getattr(self.store, "apart", ()), (args, more))

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        try:
            with super().writing(wait=wait) as tx:
                yield tx
        finally:
            with self.under.writing() as tx:
                for args, more in self.__dict__.pop("apart", ()):
                    tx.fold(*args, **more)
                tx.commit()


class GapInSeq(Healthy):
    """Numbers entries by a counter of its own, which a transaction that is rolled back has used up."""

    suite = "Journal"
    caught_by = ("test_what_was_rolled_back_or_refused_leaves_no_gap",)

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.next: dict[str, int] = defaultdict(int)

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            entries = []
            for values in batch.entries:
                self.store.next[batch.head.id] += 1
                entries.append((*values[:SEQ], self.store.next[batch.head.id], *values[SEQ + 1 :]))
            self.tx.write(evolve(batch, entries=entries))


class NeverBusy(Healthy):
    """Lets even those wait who would rather be told."""

    suite = "Interleavings"
    caught_by = ("test_who_does_not_wait_is_told_at_once_that_another_writes",)

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with super().writing() as tx:
            yield tx


class ForeignErrors(Healthy):
    """Lets a driver's error out."""

    suite = "Rows"
    caught_by = (
        "test_a_unique_value_has_one_holder",
        "test_rows_may_exchange_what_is_unique_in_one_batch",
        "test_unique_text_is_told_apart_sign_by_sign",
    )

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            try:
                self.tx.write(batch)
            except NotUnique as error:
                raise sqlite3.IntegrityError("UNIQUE constraint failed") from error


class CodesTwice(Healthy):
    """Lets two jurisdictions have one code."""

    suite = "Heads"
    caught_by = ("test_a_code_in_use_is_refused_and_its_holder_named",)

    @staticmethod
    def own(head: Head) -> Head:
        return evolve(head, code=f"{head.code}\n{head.id}")

    @staticmethod
    def shown(head: Head | None) -> Head | None:
        return head and evolve(head, code=head.code.partition("\n")[0])

    class reads(Transaction):  # noqa: N801
        def head(self, jurisdiction: str) -> Head | None:
            return CodesTwice.shown(self.tx.head(jurisdiction))

        def heads(self, jurisdictions: Sequence[str] | None = None) -> list[Head | None]:
            return [CodesTwice.shown(head) for head in self.tx.heads(jurisdictions)]

    class writes(reads):  # noqa: N801
        def lock(self, jurisdiction: str) -> Head | None:
            return CodesTwice.shown(self.tx.lock(jurisdiction))

        def found(self, head: Head) -> None:
            self.tx.found(CodesTwice.own(head))

        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, head=CodesTwice.own(batch.head), was=CodesTwice.own(batch.was)))


# snapshots


class MovingSnapshot(Healthy):
    """Each read sees what is committed by then."""

    suite = "Interleavings"
    caught_by = (
        "test_a_snapshot_does_not_move_while_others_commit",
        "test_readers_see_all_of_a_commit_or_nothing_of_it",
    )

    class reads(Transaction):  # noqa: N801
        def __getattr__(self, name: str) -> Any:
            def read(*args: Any) -> Any:
                with self.store.under.reading() as tx:
                    return getattr(tx, name)(*args)

            return read

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        yield self.reads(None, self)


class DirtyReads(Logged):
    """Shows what is not yet committed."""

    suite = "Interleavings"
    caught_by = ("test_nothing_is_seen_before_the_commit_and_no_reader_waits_for_it",)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with self.made_again(*self.pending).reading() as tx:
            yield tx

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        try:
            with super().writing(wait=wait) as tx:
                yield tx
        finally:
            self.pending = []


# lines that break in COMMIT


class Line(Healthy):
    """A store at the end of a line that a test may cut in COMMIT: `cut` says whether it then was kept."""

    capabilities: Mapping[str, bool | str] = {**MemoryStore.capabilities, "durable": True}
    cut: bool | None = None

    class writes(Transaction):  # noqa: N801
        def commit(self) -> None:
            cut, self.store.cut = self.store.cut, None
            if cut is not False:
                self.tx.commit()
            if cut is not None:
                raise self.store.trouble()

    def trouble(self) -> Exception:
        return OutcomeUnknown(url=self.url, cause="", why="the line went dead", why_zh="连接中断")


class UnluckyRetry(Line):
    """Says of a COMMIT whose answer is lost that it may simply be done again."""

    suite = "LostCommits"
    caught_by = (
        "test_a_call_whose_commit_lost_its_answer_is_done_once",
        "test_a_commit_that_may_have_been_kept_says_so",
        "test_calls_whose_common_commit_lost_its_answer_are_each_done_once",
    )

    def trouble(self) -> Exception:
        return StoreBusy(url=self.url, why="the line went dead", why_zh="连接中断")


class ForgetsTheLiving(Healthy):
    """Forgets a jurisdiction's keys whether it has a head or not."""

    suite = "Moving"
    caught_by = ("test_nothing_is_forgotten_of_a_jurisdiction_that_has_a_head",)

    class writes(Transaction):  # noqa: N801
        def forget(self, jurisdiction: str) -> None:
            self.tx.forget(jurisdiction)
            books = self.store.under.books.get(jurisdiction)
            if books is not None and books.head is not None:
                books.keys.clear()
