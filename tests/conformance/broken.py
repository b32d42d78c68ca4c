"""Stores broken on purpose, each over a healthy memory store, each in one way.

suite: the suite of the kit that is tried on it. caught_by: the tests of that suite which it must fail, those and no
others; the first is named after the fault. See test_broken.py.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from attrs import evolve

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import NotUnique, OutcomeUnknown, StaleStep, StoreBusy
from communitycore.kernel.journal import FIELDS, Entry
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Head, Key, Reading, Timer, Writing

SEQ = FIELDS.index("seq")
ALL = Query((), 0, False, 1_000_000, None)


class Transaction:
    """A transaction of the store underneath; a fault overrides what it spoils."""

    def __init__(self, tx: Any, store: Any) -> None:
        self.tx, self.store = tx, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)


class Healthy:
    """A memory store with nothing wrong yet. Subclasses say what is, in the transactions that they give."""

    reads: type[Any] = Transaction
    writes: type[Any] = Transaction
    capabilities: Mapping[str, bool | str] = MemoryStore.capabilities
    suite: str = ""
    caught_by: tuple[str, ...] = ()

    def __init__(self, url: str) -> None:
        self.url = url
        self.under = MemoryStore(url)

    def prepare(self, shapes: Iterable[Shape]) -> None:
        self.under.prepare(shapes)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with self.under.reading() as tx:
            yield self.reads(tx, self)

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with self.under.writing(wait=wait) as tx:
            yield self.writes(tx, self)

    def scrub(self) -> None:
        self.under.scrub()

    def close(self) -> None:
        self.under.close()


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


class Short(Transaction):
    """A transaction that reads, and perhaps writes, by short ones of the store underneath."""

    def __getattr__(self, name: str) -> Any:
        def read(*args: Any) -> Any:
            with self.store.under.reading() as tx:
                return getattr(tx, "head" if name == "lock" else name)(*args)

        return read


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


class Logged(Healthy):
    """Keeps all that was committed, so that an older state can be made again."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.log: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.pending: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.mutex = threading.Lock()

    class writes(Transaction):  # noqa: N801
        def __init__(self, tx: Any, store: Any) -> None:
            super().__init__(tx, store)
            self.done: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

        def __getattr__(self, name: str) -> Any:
            method = getattr(self.tx, name)
            if name not in ("found", "write", "fold"):
                return method

            def noted(*args: Any, **more: Any) -> None:
                method(*args, **more)
                self.done.append((name, args, more))
                self.store.pending = self.done

            return noted

        def commit(self) -> None:
            self.tx.commit()
            with self.store.mutex:
                self.store.log += self.done
                self.store.pending = []

    def made_again(self, *more: tuple[str, tuple[Any, ...], dict[str, Any]]) -> MemoryStore:
        """The state that was committed by now, and `more` on top."""
        with self.mutex:
            log = [*self.log, *more]
        store = MemoryStore(self.url)
        for name, args, options in log:
            with store.writing() as tx:
                getattr(tx, name)(*args, **options)
                tx.commit()
        return store


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
        self.keys: dict[tuple[str, str, str], Key] = {}

    class reads(Transaction):  # noqa: N801
        def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
            return self.store.keys.get((jurisdiction, actor, key))  # type: ignore[no-any-return]

    class writes(reads):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, keys=[]))
            self.store.keys |= {(batch.head.id, key.actor, key.key): key for key in batch.keys}


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
        "test_a_snapshot_is_of_the_moment_in_which_it_was_opened",
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


class LateSnapshot(Healthy):
    """Opens its snapshot only when it is first read from."""

    suite = "Interleavings"
    caught_by = ("test_a_snapshot_is_of_the_moment_in_which_it_was_opened",)

    class reads(Transaction):  # noqa: N801
        def __init__(self, stack: ExitStack, store: Any) -> None:
            super().__init__(None, store)
            self.stack = stack

        def __getattr__(self, name: str) -> Any:
            if self.tx is None:
                self.tx = self.stack.enter_context(self.store.under.reading())
            return getattr(self.tx, name)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with ExitStack() as stack:
            yield self.reads(stack, self)


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


# what comes back


class Spoiling(Healthy):
    """Spoils the values of rows on their way in."""

    columns: tuple[str, ...]
    spoil: Callable[[Any], Any]

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, rows=[(shape, self.row(shape, row), n) for shape, row, n in batch.rows]))

        def row(self, shape: Shape, row: Row) -> Row:
            spoil, spoilt = type(self.store).spoil, self.store.columns
            told = zip(shape.columns, row, strict=True)
            return tuple(v if v is None or column.name not in spoilt else spoil(v) for column, v in told)


class LostMicroseconds(Spoiling):
    """Keeps times to the millisecond."""

    suite = "Rows"
    caught_by = (
        "test_times_keep_their_microseconds",
        "test_a_value_of_every_type_comes_back_as_it_was",
    )
    columns = ("until",)
    spoil = staticmethod(lambda text: f"{text[:23]}000Z")


class CutText(Spoiling):
    """Keeps 64 KiB of a text, without a word."""

    suite = "Rows"
    caught_by = ("test_a_nested_value_of_a_million_characters_comes_back_whole",)
    columns = ("text", "parts")
    spoil = staticmethod(lambda text: text.encode()[:65_535].decode(errors="ignore"))


class RoundedNumbers(Spoiling):
    """Keeps whole numbers as binary floats."""

    suite = "Rows"
    caught_by = (
        "test_whole_numbers_keep_all_their_sixty_four_bits",
        "test_a_value_of_every_type_comes_back_as_it_was",
    )
    columns = ("amount",)
    spoil = staticmethod(lambda number: min(int(float(number)), (1 << 63) - 1))


class EmptyIsNull(Spoiling):
    """Takes the empty text for nothing."""

    suite = "Rows"
    caught_by = (
        "test_nothing_and_the_empty_text_are_two_things",
        "test_a_value_of_every_type_comes_back_as_it_was",
        "test_text_of_any_script_comes_back_as_it_was",
    )
    columns = ("tag",)
    spoil = staticmethod(lambda text: text or None)


class NormalisedText(Spoiling):
    """Keeps text in its composed form."""

    suite = "Rows"
    caught_by = (
        "test_text_of_any_script_comes_back_as_it_was",
        "test_a_value_of_every_type_comes_back_as_it_was",
    )
    columns = ("tag",)
    spoil = staticmethod(lambda text: unicodedata.normalize("NFC", text))


# what is found


class Finding(Healthy):
    """Spoils what is found, for readers and writers alike."""

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        raise NotImplementedError

    class reads(Transaction):  # noqa: N801
        def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
            found: list[Row] = self.store.found(self.tx, shape, jurisdiction, query)
            return found

    writes = reads


class Folding(Finding):
    """Compares text as a collation does that folds some of it away."""

    fold: Callable[[str], str]

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        fold = type(self).fold

        def folded(value: Any) -> Any:
            return fold(value) if isinstance(value, str) else value

        text = {t.column for t in query.tests if shape.columns[t.column].type == "text" and t.test in ("=", "in")}
        tests = tuple(
            evolve(t, value=tuple(map(folded, t.value)) if t.test == "in" else folded(t.value))
            if t.column in text
            else t
            for t in query.tests
        )
        rows = {row[0]: row for row in tx.find(shape, jurisdiction, ALL)}
        seen = [tuple(folded(v) if n in text else v for n, v in enumerate(row)) for row in rows.values()]
        admitted = [row[0] for row in seen if Query(tests, 0, False, 1, None).admits(row)]
        return Query((), query.order, query.descending, query.limit, query.after).pick(rows[id] for id in admitted)


class FoldedCase(Folding):
    """Takes a for A."""

    suite = "Searches"
    caught_by = (
        "test_case_is_told_apart",
        "test_every_column_is_searched_by_equality_and_membership",
        "test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found",
    )
    fold = staticmethod(str.lower)


class FoldedAccents(Folding):
    """Takes é for e."""

    suite = "Searches"
    caught_by = (
        "test_accents_are_told_apart",
        "test_every_column_is_searched_by_equality_and_membership",
        "test_normal_forms_and_widths_are_told_apart",
        "test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found",
    )
    fold = staticmethod(
        lambda text: "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    )


class PaddedSpaces(Folding):
    """Takes no notice of spaces at the end."""

    suite = "Searches"
    caught_by = (
        "test_trailing_spaces_are_told_apart",
        "test_every_column_is_searched_by_equality_and_membership",
        "test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found",
    )
    fold = staticmethod(lambda text: text.rstrip(" "))


class WrongPageOrder(Finding):
    """Gives every page but the first backwards."""

    suite = "Searches"
    caught_by = (
        "test_pages_follow_each_other_without_gap_or_repeat",
        "test_a_page_begins_behind_a_place_where_no_row_need_stand",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        rows = tx.find(shape, jurisdiction, query)
        return rows if query.after is None else rows[::-1]


class SkippedTies(Finding):
    """Begins a page behind the last value, and so misses the others that have it."""

    suite = "Searches"
    caught_by = (
        "test_a_page_begins_behind_a_place_where_no_row_need_stand",
        "test_pages_follow_each_other_without_gap_or_repeat",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        if query.after is None:
            return list(tx.find(shape, jurisdiction, query))
        value = query.after[0]
        rows = tx.find(shape, jurisdiction, evolve(query, after=None, limit=1_000_000))
        beyond = [row for row in rows if (row[query.order] < value if query.descending else row[query.order] > value)]
        return beyond[: query.limit]


class Utf16Order(Finding):
    """Orders text by its UTF-16 units, as some platforms do."""

    suite = "Searches"
    caught_by = (
        "test_text_is_ordered_by_code_point",
        "test_pages_follow_each_other_without_gap_or_repeat",
        "test_ranges_of_text_are_by_code_point",
        "test_the_found_are_ordered_by_the_column_then_by_id",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        if shape.columns[query.order].type != "text" or query.after is not None:
            return list(tx.find(shape, jurisdiction, query))
        rows = tx.find(shape, jurisdiction, evolve(query, limit=1_000_000))
        rows.sort(key=lambda row: (row[query.order].encode("utf-16-be"), row[0]), reverse=query.descending)
        return list(rows[: query.limit])


class NullNeverFound(Finding):
    """Asks for `= NULL`, which finds nothing."""

    suite = "Searches"
    caught_by = (
        "test_equality_with_null_finds_nulls_and_nothing_else",
        "test_all_conditions_hold_at_once",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        if any(t.test == "=" and t.value is None for t in query.tests):
            return []
        return list(tx.find(shape, jurisdiction, query))


class EqualNulls(Healthy):
    """Lets one row alone have nothing in a unique column."""

    suite = "Rows"
    caught_by = (
        "test_nulls_are_not_equal",
        "test_a_thousand_rows_may_be_written_at_once",
        "test_a_unique_value_is_free_again_in_the_batch_that_gives_it_up",
        "test_rows_may_exchange_what_is_unique_in_one_batch",
    )

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(batch)
            for shape, row, _ in batch.rows:
                for n in shape.unique:
                    held = [r[0] for r in self.tx.find(shape, batch.head.id, ALL) if r[n] is None]
                    if row[n] is None and [id for id in held if id != row[0]]:
                        raise NotUnique(kind=shape.kind, field=shape.columns[n].name)


# journal and timers


class ForgottenNotes(Healthy):
    """Gives the last entry that changed a record, and forgets what was said of it since."""

    suite = "Journal"
    caught_by = ("test_the_last_entries_of_a_thousand_records_are_given_at_once",)

    class reads(Transaction):  # noqa: N801
        def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
            every = {id: self.tx.entries_of(jurisdiction, kind, id) for id in records}
            last = {id: [entry for entry in entries if not entry.notes][-1:] for id, entries in every.items()}
            return {id: entries[0] for id, entries in last.items() if entries}


class TimersByWake(Healthy):
    """Gives timers in the order in which they wake, so that what failed once comes last."""

    suite = "Timers"
    caught_by = (
        "test_timers_are_given_in_the_order_of_due_then_seq",
        "test_only_those_are_due_whose_wake_has_come_and_that_are_not_parked",
    )

    class reads(Transaction):  # noqa: N801
        def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
            every = self.tx.timers(jurisdiction, until, 1_000_000)
            return sorted(every, key=lambda timer: (timer.wake, timer.seq))[:limit]


class ParkedRun(Healthy):
    """Gives parked timers among those that are due."""

    suite = "Timers"
    caught_by = ("test_only_those_are_due_whose_wake_has_come_and_that_are_not_parked",)

    class reads(Transaction):  # noqa: N801
        def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
            every = self.tx.timers(jurisdiction, None, 1_000_000)
            return [timer for timer in every if until is None or timer.wake <= until][:limit]


class SilentCapability(Healthy):
    """Does not say why it cannot."""

    suite = "Opening"
    caught_by = ("test_each_capability_is_true_or_the_reason_why_not",)
    capabilities: Mapping[str, bool | str] = {**MemoryStore.capabilities, "processes": False}


# what was erased


class KeptMac(Healthy):
    """Leaves a key as it was though it should be emptied."""

    suite = "Keys"
    caught_by = ("test_an_emptied_key_stays_and_tells_of_its_call_no_more",)

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, emptied=[]))


class KeysOfSomeCauses(Healthy):
    """Finds the keys of so many causes as one statement takes."""

    suite = "Keys"
    caught_by = ("test_keys_are_found_by_their_causes_however_many",)

    class reads(Transaction):  # noqa: N801
        def keys_caused(self, jurisdiction: str, causes: Sequence[str]) -> Any:
            return self.tx.keys_caused(jurisdiction, causes[:900])


class NoScrub(Healthy):
    """Says that it scrubs, and does not."""

    suite = "Erasing"
    caught_by = ("test_what_was_erased_is_in_no_byte_once_it_is_scrubbed",)

    def scrub(self) -> None:
        """Nothing is done."""


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


FAULTS: dict[str, type[Healthy]] = {
    fault.__name__: fault
    for fault in (
        NoVersionCheck, LostUpdate, LockAfterFirstRead, KeyRace, KeysTwice, TornBatch, Autocommit, FoldsApart, GapInSeq, NeverBusy,
        ForeignErrors, CodesTwice, MovingSnapshot, LateSnapshot, DirtyReads, LostMicroseconds, CutText, RoundedNumbers,
        EmptyIsNull, NormalisedText, FoldedCase, FoldedAccents, PaddedSpaces, WrongPageOrder, SkippedTies, Utf16Order,
        NullNeverFound, EqualNulls, ForgottenNotes, TimersByWake, ParkedRun, SilentCapability, UnluckyRetry,
        KeptMac, KeysOfSomeCauses, NoScrub,
    )
}  # fmt: skip


def open_broken(url: str) -> Any:
    """The store that is named before `://`."""
    return {**FAULTS, "Healthy": Healthy, "Line": Line}[url.partition("://")[0]](url)
