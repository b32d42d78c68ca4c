"""Transactions: all of one or nothing of it, whatever way it is left."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from communitycore.conformance.books import FOLD, Books, put
from communitycore.conformance.kinds import SAMPLE, key, sample, timer
from communitycore.conformance.suite import Suite
from communitycore.kernel.errors import CommunityCoreError, Mistake, NotUnique, StaleStep
from communitycore.kernel.journal import GENESIS
from communitycore.ports import Head, Writing


class Leaving(BaseException):
    """Something unforeseen."""


def _everything(n: int) -> dict[str, Any]:
    """One of each thing that a batch may hold."""
    return {
        "notes": ["id-0"],
        "timers": [timer("id-0", seq=n), timer("id-1", source=f"{n}")],
        "removed": [timer("id-2").key],
        "keys": [key("k" if n == 1 else "l")],
        "standing": n,
        "next_wake": timer().wake,
    }


class Transactions(Suite):
    """What is committed is kept whole; of anything else there is no trace."""

    @pytest.fixture
    def full(self, books: Books) -> Books:
        """Books with something of everything in them."""
        books.write(put(sample("id-0", label="x")), put(sample("id-1")), **_everything(1))
        books.fold({"a": "1"}, 3)
        return books

    def change_all(self, books: Books, tx: Writing) -> None:
        """Write something of everything in a transaction under way."""
        tx.lock(books.id)
        tx.write(books.batch(put(sample("id-0", 2)), put(sample("id-2", label="x")), **_everything(2)))
        tx.fold(FOLD, books.id, {"a": "2", "b": "2"}, 9, 1, anew=True)

    def test_what_is_committed_is_there_for_everyone_afterwards(self, full: Books) -> None:
        with full.store.writing() as tx:
            self.change_all(full, tx)
            tx.commit()
        with full.reading() as reading:
            assert reading.get(SAMPLE, full.id, "id-0") == sample("id-0", 2)
            assert reading.get(SAMPLE, full.id, "id-2") == sample("id-2", label="x")
            assert [entry.seq for entry in reading.entries(full.id, 0, 10)] == [1, 2, 3, 4, 5, 6]
            assert reading.timer(full.id, timer("id-0").key) == timer("id-0", seq=2)
            assert reading.key(full.id, "here/a", "l") == key("l")
            assert (reading.cursor(FOLD, full.id), reading.figure(FOLD, full.id, "b")) == ((9, 1), "2")

    @pytest.mark.parametrize("leaving", [None, ValueError, KeyboardInterrupt, GeneratorExit, Leaving])
    def test_leaving_without_a_commit_leaves_no_trace(self, full: Books, leaving: type[BaseException] | None) -> None:
        before = full.told()

        def leave() -> None:
            with full.store.writing() as tx:
                self.change_all(full, tx)
                if leaving is not None:
                    raise leaving

        if leaving is None:
            leave()
        else:
            with pytest.raises(leaving):
                leave()
        assert full.told() == before
        full.write(put(sample("id-0", 2)))

    def test_a_founding_that_was_rolled_back_leaves_its_code_free(self, books: Books) -> None:
        head = Head(f"f-{books.id}"[:36], f"f-{books.id}", 0, GENESIS, books.head.last_at, 0, None)
        with books.store.writing() as tx:
            tx.found(head)
        with books.reading() as reading:
            assert reading.head(head.id) is None
        with books.store.writing() as tx:
            tx.found(head)
            tx.commit()
        with books.reading() as reading:
            assert reading.head(head.id) == head

    def test_a_jurisdiction_may_be_founded_and_written_in_one_transaction(self, books: Books) -> None:
        new = Books.__new__(Books)
        new.store, new.id = books.store, f"n-{books.id}"[:36]
        new.head = Head(new.id, f"n-{books.id}", 0, GENESIS, books.head.last_at, 0, None)
        batch = new.batch(put(sample("a", label="x")), notes=["a"], timers=[timer("a")])
        with books.store.writing() as tx:
            tx.found(new.head)
            tx.write(batch)
            tx.commit()
        new.head = batch.head
        assert new.get("a") == sample("a", label="x")
        assert [entry.seq for entry in new.entries()] == [1, 2]
        new.write(put(sample("a", 2)))

    @pytest.mark.parametrize("wrong", ["stale", "taken"])
    def test_of_a_refused_batch_nothing_is_kept(self, full: Books, wrong: str) -> None:
        """Even if whoever wrote it went on and committed."""
        full.write(put(sample("id-3", number=7)))
        before = full.told()
        last = put(sample("id-1", 9)) if wrong == "stale" else put(sample("id-4", number=7))
        batch = full.batch(put(sample("id-0", 2)), put(sample("id-5")), last, **_everything(2))
        with full.store.writing() as tx:
            tx.lock(full.id)
            with pytest.raises(StaleStep if wrong == "stale" else NotUnique):
                tx.write(batch)
            with suppress(Mistake):
                tx.commit()
        assert full.told() == before
        full.write(put(sample("id-0", 2)))

    def test_two_jurisdictions_are_written_together_or_not_at_all(self, full: Books) -> None:
        one, two = sorted([full, Books(full.store)], key=lambda books: books.id)
        fresh = two if two is not full else one
        before = full.told(), fresh.told()
        for kept in (False, True):
            with full.store.writing() as tx:
                for books in (one, two):
                    tx.lock(books.id)
                full_batch, fresh_batch = full.batch(put(sample("id-0", 2))), fresh.batch(put(sample("id-0")))
                tx.write(full_batch)
                tx.write(fresh_batch)
                if kept:
                    tx.commit()
            if not kept:
                assert (full.told(), fresh.told()) == before
        assert full.get("id-0") == sample("id-0", 2)
        assert fresh.get("id-0") == sample("id-0")

    def test_a_transaction_need_not_write_anything(self, full: Books) -> None:
        before = full.told()
        with full.store.writing() as tx:
            tx.lock(full.id)
            tx.commit()
        with full.store.writing():
            pass
        assert full.told() == before

    def test_a_transaction_is_committed_once(self, full: Books) -> None:
        with full.store.writing() as tx:
            batch = full.write_in(tx, put(sample("id-5")), notes=["id-5"])
            tx.commit()
            with pytest.raises(CommunityCoreError):
                tx.commit()
        full.head = batch.head
        assert [entry.seq for entry in full.entries()] == [1, 2, 3, 4, 5]
        full.write(put(sample("id-5", 2)))

    def test_a_transaction_reads_what_was_committed_before_it(self, full: Books) -> None:
        outside = full.told()
        with full.store.writing() as tx:
            tx.lock(full.id)
            assert full.told(tx) == outside

    def test_many_transactions_may_be_left_open_to_chance_one_after_another(self, books: Books) -> None:
        """Neither a lock nor a connection stays with a transaction that is over."""
        for n in range(40):
            if n % 2:
                with suppress(ZeroDivisionError), books.store.writing() as tx:
                    books.write_in(tx, put(sample(f"n-{n}")))
                    raise ZeroDivisionError
            else:
                books.write(put(sample(f"n-{n}")))
            with suppress(ZeroDivisionError), books.reading() as reading:
                reading.head(books.id)
                raise ZeroDivisionError
        assert len(books.entries()) == 20
