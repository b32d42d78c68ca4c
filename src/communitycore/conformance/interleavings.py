"""Interleavings: two transactions written out step by step, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from communitycore.conformance.books import FOLD, Books, put, query
from communitycore.conformance.hands import Hand, together
from communitycore.conformance.kinds import MOMENTS, SAMPLE, key, sample, timer
from communitycore.conformance.suite import Suite, needs
from communitycore.kernel.errors import CodeTaken, StoreBusy
from communitycore.kernel.journal import GENESIS
from communitycore.ports import Head, Reading

Hands = tuple[Hand, Hand]
AT_ONCE = 2.0
"""Seconds within which one that does not wait is told."""
COUNT = SAMPLE.position["count"]


class Interleavings(Suite):
    """One writer a jurisdiction, who reads after the lock what was committed before it; readers disturb nobody."""

    @pytest.fixture
    def hands(self, books: Books) -> Iterator[Hands]:
        """Two threads that do as they are told."""
        two = Hand(), Hand()
        yield two
        for hand in two:
            hand.end()
        for hand in two:
            hand.join()

    def count(self, tx: Reading, books: Books) -> int:
        """The counter that both transactions are after."""
        row = tx.get(SAMPLE, books.id, "counter")
        assert row is not None
        counted: int = row[COUNT]
        return counted

    # one after another

    @needs("threads")
    def test_the_second_writer_waits_for_the_first_and_goes_on_from_its_commit(
        self, books: Books, hands: Hands
    ) -> None:
        first, second = hands
        first.locks(books.store, books.id)
        second.begins(books.store, books.id)
        assert second.waits(), "both hold the lock of one head"
        batch = first.do(lambda: books.write_in(first.tx, put(sample("a"))))
        assert second.waits(), "the lock is given before the commit"
        first.do(first.tx.commit)
        first.leaves()
        assert second.gives() == batch.head
        books.head = batch.head
        second.do(lambda: books.write_in(second.tx, put(sample("b"))))
        second.do(second.tx.commit)
        second.leaves()
        assert [entry.record for entry in books.entries()] == ["a", "b"]

    @needs("threads")
    def test_the_second_writer_goes_on_from_before_if_the_first_rolls_back(self, books: Books, hands: Hands) -> None:
        first, second = hands
        first.locks(books.store, books.id)
        first.do(lambda: books.write_in(first.tx, put(sample("a"))))
        second.begins(books.store, books.id)
        assert second.waits()
        first.leaves()
        assert second.gives() == books.head
        assert second.do(lambda: second.tx.get(SAMPLE, books.id, "a")) is None
        second.do(lambda: books.write_in(second.tx, put(sample("b"))))
        second.do(second.tx.commit)
        second.leaves()
        assert [(entry.seq, entry.record) for entry in books.entries()] == [(1, "b")]

    @needs("threads")
    def test_after_the_lock_everything_is_read_as_the_first_left_it(self, books: Books, hands: Hands) -> None:
        """A transaction whose view is older than its lock decides by what is no longer so."""
        first, second = hands
        books.write(put(sample("id-0", label="x")), timers=[timer("id-1")])
        first.locks(books.store, books.id)
        second.begins(books.store, books.id)
        assert second.waits()

        def change() -> None:
            tx = first.tx
            tx.write(
                books.batch(put(sample("id-0", 2)), put(sample("id-1", label="x")), notes=["id-0"], keys=[key("k")],
                            timers=[timer("id-0", due=MOMENTS[2])], removed=[timer("id-1").key])
            )  # fmt: skip
            tx.fold(FOLD, books.id, {"a": "1"}, 2, 1, anew=False)
            tx.commit()

        first.do(change)
        first.leaves()
        second.gives()
        inside = second.do(lambda: books.told(second.tx))
        second.leaves()
        assert inside == books.told()
        assert books.found(query(("label", "=", "x"))) == ["id-1"]

    @needs("threads")
    def test_of_two_updates_neither_is_lost(self, books: Books, hands: Hands) -> None:
        first, second = hands
        books.write(put(sample("counter")))

        def begin(hand: Hand) -> tuple[Head | None, int]:
            tx = hand.tx = hand.held.enter_context(books.store.writing())
            return tx.lock(books.id), self.count(tx, books)

        def add(hand: Hand, was: Head | None, n: int) -> None:
            hand.tx.write(books.batch(put(sample("counter", n + 2, count=n + 1)), was=was))
            hand.tx.commit()

        seen = first.do(lambda: begin(first))
        second.start(lambda: begin(second))
        second.waits()
        first.do(lambda: add(first, *seen))
        first.leaves()
        later = second.gives()
        second.do(lambda: add(second, *later))
        second.leaves()
        with books.reading() as tx:
            assert self.count(tx, books) == 2
            assert [entry.seq for entry in tx.entries(books.id, 0, 10)] == [1, 2, 3]

    @needs("threads")
    def test_no_update_of_many_threads_is_lost(self, books: Books) -> None:
        books.write(put(sample("counter")))

        def add() -> None:
            for _ in range(10):
                with books.store.writing() as tx:
                    head = tx.lock(books.id)
                    n = self.count(tx, books)
                    time.sleep(0.000_5)  # for others to come between
                    tx.write(books.batch(put(sample("counter", n + 2, count=n + 1)), was=head))
                    tx.commit()

        assert together(*[add] * 4) == [None] * 4
        with books.reading() as tx:
            assert self.count(tx, books) == 40
            assert [entry.seq for entry in tx.entries(books.id, 0, 100)] == list(range(1, 42))

    @needs("threads")
    def test_the_second_writer_finds_the_key_of_the_first(self, books: Books, hands: Hands) -> None:
        """Or one call would be done twice under one key."""
        first, second = hands
        first.locks(books.store, books.id)
        assert first.do(lambda: first.tx.key(books.id, "here/a", "k")) is None
        second.begins(books.store, books.id)
        second.waits()
        first.do(lambda: first.tx.write(books.batch(notes=["a"], keys=[key("k", cause="first")])))
        first.do(first.tx.commit)
        first.leaves()
        second.gives()
        found = second.do(lambda: second.tx.key(books.id, "here/a", "k"))
        assert found == key("k", cause="first")

    @needs("threads")
    def test_who_does_not_wait_is_told_at_once_that_another_writes(self, books: Books, hands: Hands) -> None:
        first, second = hands
        first.locks(books.store, books.id)
        second.begins(books.store, books.id, wait=False)
        with pytest.raises(StoreBusy) as busy:
            second.gives(AT_ONCE)
        assert busy.value.retryable
        second.leaves()
        batch = first.do(lambda: books.write_in(first.tx, put(sample("a"))))
        first.do(first.tx.commit)
        first.leaves()
        second.begins(books.store, books.id, wait=False)
        assert second.gives() == batch.head

    @needs("threads")
    def test_writers_of_two_jurisdictions_both_come_to_their_end(self, books: Books, hands: Hands) -> None:
        """Side by side or one after another, as the store likes."""
        first, second = hands
        other = Books(books.store)
        first.locks(books.store, books.id)
        second.begins(books.store, other.id)
        second.waits()
        one = first.do(lambda: books.write_in(first.tx, put(sample("a"))))
        first.do(first.tx.commit)
        first.leaves()
        assert second.gives() == other.head
        two = second.do(lambda: other.write_in(second.tx, put(sample("a"))))
        second.do(second.tx.commit)
        second.leaves()
        with books.reading() as tx:
            assert tx.head(books.id) == one.head
            assert tx.head(other.id) == two.head

    @needs("threads", "parallel")
    def test_a_writer_of_another_jurisdiction_does_not_wait(self, books: Books, hands: Hands) -> None:
        first, second = hands
        other = Books(books.store)
        first.locks(books.store, books.id)
        first.do(lambda: books.write_in(first.tx, put(sample("a"))))
        second.do(lambda: other.write(put(sample("a"))), AT_ONCE)
        assert other.get("a") == sample("a")
        assert books.get("a") is None

    @needs("threads")
    @pytest.mark.parametrize("kept", [True, False])
    def test_of_two_that_found_with_one_code_one_is_refused(self, books: Books, hands: Hands, kept: bool) -> None:
        first, second = hands
        one, two = (Head(str(uuid4()), f"c-{books.id}", 0, GENESIS, MOMENTS[0], 0, None) for _ in range(2))
        tx = first.enters(books.store.writing())
        first.do(lambda: tx.found(one))

        def found() -> None:
            with books.store.writing() as own:
                own.found(two)
                own.commit()

        second.start(found)
        second.waits()
        if kept:
            first.do(tx.commit)
        first.leaves()
        if kept:
            with pytest.raises(CodeTaken):
                second.gives()
        else:
            second.gives()
        with books.reading() as reading:
            assert [head.id for head in reading.heads([one.id, two.id])] == [one.id if kept else two.id]

    # readers

    @needs("threads")
    def test_nothing_is_seen_before_the_commit_and_no_reader_waits_for_it(self, books: Books, hands: Hands) -> None:
        first, second = hands
        books.write(put(sample("id-0", label="x")), timers=[timer("id-0")])
        before = books.told()
        new = Head(str(uuid4()), f"new-{books.id}", 0, GENESIS, MOMENTS[0], 0, None)

        def write() -> Any:
            batch = books.write_in(
                first.tx, put(sample("id-0", 2)), put(sample("id-1", label="x")), notes=["id-0"], keys=[key("k")],
                timers=[timer("id-1")], removed=[timer("id-0").key],
            )  # fmt: skip
            first.tx.fold(FOLD, books.id, {"a": "1"}, 2, 1, anew=False)
            first.tx.found(new)
            return batch

        first.locks(books.store, books.id)
        assert second.do(books.told, AT_ONCE) == before
        books_head = first.do(write).head
        assert second.do(books.told, AT_ONCE) == before
        with books.reading() as tx:
            assert tx.head(new.id) is None
        first.do(first.tx.commit)
        first.leaves()
        with books.reading() as tx:
            assert tx.head(books.id) == books_head
            assert tx.head(new.id) == new

    @needs("threads")
    def test_a_snapshot_does_not_move_while_others_commit(self, books: Books, hands: Hands) -> None:
        """The writer may have to wait for the reader's end, or need not; the reader sees one state throughout."""
        first, second = hands
        books.write(put(sample("id-0")), timers=[timer("id-0")])
        snapshot = first.enters(books.store.reading())
        before = first.do(lambda: books.told(snapshot))
        second.start(lambda: books.write(put(sample("id-0", 2)), put(sample("id-1")), timers=[timer("id-1")]))
        second.waits()
        assert first.do(lambda: books.told(snapshot)) == before
        first.leaves()
        second.gives()
        assert books.get("id-0") == sample("id-0", 2)

    @needs("threads")
    def test_a_snapshot_is_of_one_moment_since_it_was_opened(self, books: Books, hands: Hands) -> None:
        """Of none before, and of none after its first read."""
        first, second = hands
        books.write(put(sample("id-0")))
        before = books.told()
        snapshot = first.enters(books.store.reading())
        second.start(lambda: books.write(put(sample("id-0", 2)), put(sample("id-1"))))
        second.waits()
        seen = first.do(lambda: books.told(snapshot))
        assert first.do(lambda: books.told(snapshot)) == seen
        first.leaves()
        second.gives()
        assert seen in (before, books.told())

    @needs("threads")
    def test_readers_see_all_of_a_commit_or_nothing_of_it(self, books: Books) -> None:
        books.write(put(sample("a")), put(sample("b")))
        done = threading.Event()

        def write() -> None:
            n = 1
            while n < 12 or not (done.is_set() or n == 100):
                n += 1
                time.sleep(0.000_5)  # for others to come between
                books.write(put(sample("a", n, count=n)), put(sample("b", n, count=n)), standing=n)

        def look() -> set[tuple[Any, ...]]:
            seen = set()
            for _ in range(40):
                with books.reading() as tx:
                    one, head = tx.get(SAMPLE, books.id, "a"), tx.head(books.id)
                    assert one is not None
                    assert head is not None
                    time.sleep(0.000_5)
                    last, two = tx.entries(books.id, head.seq - 1, 10), tx.get(SAMPLE, books.id, "b")
                    assert two is not None
                    seen.add((one[1] - two[1], head.seq - 2 * two[1], len(last)))
            return seen

        def look_twice() -> list[Any]:
            try:
                return together(look, look)
            finally:
                done.set()

        assert together(write, look_twice) == [None, [{(0, 0, 1)}, {(0, 0, 1)}]]
