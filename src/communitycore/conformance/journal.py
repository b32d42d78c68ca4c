"""The journal: entries come back byte for byte, in order, without a gap."""

from __future__ import annotations

from typing import Any

import pytest

from communitycore.conformance.books import Books, put
from communitycore.conformance.kinds import MOMENTS, ORDER, SAMPLE, TEXTS, order, sample
from communitycore.conformance.suite import Suite
from communitycore.kernel.errors import StaleStep
from communitycore.kernel.journal import FIELDS, Entry


def _entry(values: tuple[Any, ...]) -> Entry:
    return Entry(**dict(zip((*FIELDS, "hash"), values, strict=True)))


class Journal(Suite):
    """Entries are kept as they were handed over, numbered without a gap, and are never changed."""

    def test_every_field_of_an_entry_comes_back_as_it_was(self, books: Books) -> None:
        full = {
            "id": "0190-entry", "at": MOMENTS[2], "occurred_at": "1987-03-09T00:00:00.000001Z",
            "actor": f"{'j' * 36}/{'a' * 36}", "behalf": "system/reaction:tools.push_on", "cause": "c" * 36,
            "name": "n" * 60, "schema": 3,
            "digest": "0123456789abcdef" * 4, "above": '[["j",3]]', "grant": "g" * 36,
            "timers": '["+tools.remind@2024-06-04T06:30:00.000000Z"]', "hash": "f" * 64,
        }  # fmt: skip
        bare = {"behalf": None, "above": None, "grant": None, "timers": None}
        batch = books.batch()
        values = [books.entry(1, "k" * 40, "r" * 36, (1 << 63) - 1, **full), books.entry(2, "sample", "b", 1, **bare)]
        values += [books.entry(n, "sample", "c", 1, difference=text) for n, text in enumerate(TEXTS, start=3)]
        self.append(books, batch, values)
        got = books.entries()
        assert got == [_entry(each) for each in values]
        assert repr(got) == repr([_entry(each) for each in values])

    def append(self, books: Books, batch: Any, values: list[tuple[Any, ...]]) -> None:
        """Write these entries and no rows."""
        batch.entries += values
        batch.head = Books.batch(books, seq=len(values)).head
        with books.store.writing() as tx:
            tx.lock(books.id)
            tx.write(batch)
            tx.commit()
        books.head = batch.head

    @pytest.mark.parametrize("sign", ["x", "济", "😀"])
    def test_a_difference_of_a_million_characters_comes_back_whole(self, books: Books, sign: str) -> None:
        values = [books.entry(1, "sample", "a", 1, difference=sign * 1_000_000)]
        self.append(books, books.batch(), values)
        assert books.entries() == [_entry(values[0])]

    def test_entries_follow_each_other_in_order_page_by_page(self, books: Books) -> None:
        for n in range(7):
            books.write(*(put(sample(f"r-{n}-{m}")) for m in range(n)), notes=["a"] * (n % 3))
        whole = books.entries()
        assert [entry.seq for entry in whole] == list(range(1, books.head.seq + 1))
        with books.reading() as tx:
            paged: list[Entry] = []
            while page := tx.entries(books.id, paged[-1].seq if paged else 0, 4):
                assert len(page) <= 4
                paged += page
            assert paged == whole
            assert tx.entries(books.id, 5, 2) == whole[5:7]
            assert tx.entries(books.id, len(whole), 10) == []
            assert tx.entries(books.id, len(whole) + 10, 10) == []

    def test_each_jurisdiction_counts_for_itself(self, books: Books) -> None:
        other = Books(books.store)
        for _ in range(2):
            books.write(notes=["a", "b"])
            other.write(notes=["c"])
        assert [(e.seq, e.record) for e in books.entries()] == [(1, "a"), (2, "b"), (3, "a"), (4, "b")]
        assert [(e.seq, e.record) for e in other.entries()] == [(1, "c"), (2, "c")]

    def test_what_was_rolled_back_or_refused_leaves_no_gap(self, books: Books) -> None:
        books.write(put(sample("a")), notes=["a"])
        with books.store.writing() as tx:
            books.write_in(tx, put(sample("b")), notes=["b", "b"])
        with pytest.raises(StaleStep):
            books.write(put(sample("a", 7)))
        books.write(notes=["c"])
        assert [(entry.seq, entry.record) for entry in books.entries()] == [(1, "a"), (2, "a"), (3, "c")]

    def test_one_records_entries_are_given_in_order(self, books: Books) -> None:
        books.write(put(sample("a")), put(sample("b")), put(order("a"), shape=ORDER))
        books.write(put(sample("a", 2)), notes=["a", "b"])
        with books.reading() as tx:
            assert [e.seq for e in tx.entries_of(books.id, "sample", "a")] == [1, 4, 5]
            assert [e.seq for e in tx.entries_of(books.id, "sample", "b")] == [2, 6]
            assert [e.seq for e in tx.entries_of(books.id, "order", "a")] == [3]
            assert tx.entries_of(books.id, "sample", "A") == tx.entries_of(books.id, "order", "b") == []

    def test_the_last_entries_of_a_thousand_records_are_given_at_once(self, books: Books) -> None:
        rows = [sample(f"r-{n:03}") for n in range(1_000)]
        books.write(*map(put, rows))
        books.write(*(put(sample(row[0], 2)) for row in rows[:500]), notes=["r-000", "r-999"])
        with books.reading() as tx:
            last = tx.last_entries(books.id, "sample", [row[0] for row in rows])
            assert len(last) == 1_000
            assert (last["r-000"].seq, last["r-999"].seq) == (1_501, 1_502)
            assert [last[f"r-{n:03}"].version for n in (1, 499, 500, 998)] == [2, 2, 1, 1]
            assert all(entry.record == id for id, entry in last.items())
            assert tx.last_entries(books.id, "sample", ["r-001", "unknown"]).keys() == {"r-001"}
            assert tx.last_entries(books.id, "order", ["r-001"]) == tx.last_entries(books.id, "sample", []) == {}

    def test_the_entries_of_a_cause_are_given_in_order(self, books: Books) -> None:
        books.write(notes=["a"] * 7)  # the cause of each is its number's remainder by three
        with books.reading() as tx:
            assert [[e.seq for e in tx.caused(books.id, f"cause-{n}")] for n in range(4)] == [
                [3, 6],
                [1, 4, 7],
                [2, 5],
                [],
            ]

    def test_records_of_one_id_in_two_kinds_are_told_apart(self, books: Books) -> None:
        books.write(put(sample("a")), put(order("a"), shape=ORDER))
        with books.reading() as tx:
            assert tx.last_entries(books.id, SAMPLE.kind, ["a"])["a"].seq == 1
            assert tx.last_entries(books.id, ORDER.kind, ["a"])["a"].seq == 2
