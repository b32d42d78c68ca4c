"""Opening: capabilities as data, tables made and extended, and everything there again after closing."""

from __future__ import annotations

from contextlib import suppress

import pytest

from communitycore.conformance.books import Books, put, query
from communitycore.conformance.kinds import KINDS, MOMENTS, SAMPLE, changed, key, old_and_new, row, sample, timer
from communitycore.conformance.suite import Suite, needs
from communitycore.kernel.errors import CommunityCoreError, NotUnique, StoreUnusable
from communitycore.ports import Store

KNOWN = ("threads", "processes", "parallel", "durable", "scrub")


class Opening(Suite):
    """A store says what it can do, takes its tables as they are asked for, and gives back what was closed."""

    def test_each_capability_is_true_or_the_reason_why_not(self, store: Store) -> None:
        for name in KNOWN:
            assert name in store.capabilities, f"say {name!r}: True, or the reason why not"
        for name, said in store.capabilities.items():
            assert said is True or (isinstance(said, str) and said.strip()), f"{name}: {said!r} is no reason"

    def test_a_store_tells_its_url(self, store: Store, store_url: str) -> None:
        assert store.url.partition(":")[0] == store_url.partition(":")[0]

    def test_preparing_again_changes_nothing(self, books: Books) -> None:
        books.write(put(sample("id-0", label="x")), notes=["id-0"], timers=[timer()], keys=[key()])
        before = books.told()
        for kinds in (KINDS, reversed(KINDS), (), [SAMPLE]):
            books.store.prepare(kinds)
        assert books.told() == before
        books.write(put(sample("id-0", 2)))

    def test_kinds_may_be_prepared_one_after_another(self, books: Books) -> None:
        old, _ = old_and_new()
        books.write(put(sample("a")))
        books.store.prepare([old])
        books.write(put(row(old, "a", name="x"), shape=old), put(sample("a", 2)))
        assert books.get("a", old) == row(old, "a", name="x")
        assert books.get("a") == sample("a", 2)

    @needs("durable")
    def test_everything_is_there_again_after_closing(self, store: Store, store_url: str) -> None:
        store.prepare(KINDS)
        books = Books(store)
        books.write(
            put(sample("id-0", label="x", seen=MOMENTS[3])), put(sample("id-1")), notes=["id-0"],
            timers=[timer(), timer("id-1", parked="出错")], keys=[key()], next_wake=MOMENTS[0],
        )  # fmt: skip
        books.fold({"a": "1"}, 3)
        before = books.told()
        store.close()
        with self.opened(store_url) as again:
            again.prepare(KINDS)
            books.store = again
            assert books.told() == before
            books.write(put(sample("id-0", 2)), notes=["id-1"])
            assert [entry.seq for entry in books.entries()] == [1, 2, 3, 4, 5]

    @needs("durable")
    def test_an_older_set_of_records_gains_columns_and_indexes(self, store: Store, new_url: str) -> None:
        old, new = old_and_new()
        with self.opened(new_url) as first:
            first.prepare([old])
            books = Books(first)
            books.write(*(put(row(old, f"l-{n}", name="x"), shape=old) for n in range(3)))
        with self.opened(new_url) as again:
            again.prepare([new])
            books.store = again
            assert books.get("l-0", new) == row(new, "l-0", name="x")
            assert books.found(query(("title", "=", None), shape=new), new) == ["l-0", "l-1", "l-2"]
            books.write(put(row(new, "l-0", 2, name="x", title="t", number=1, pages=2), shape=new))
            assert books.found(query(("title", "=", "t"), shape=new), new) == ["l-0"]
            with pytest.raises(NotUnique):
                books.write(put(row(new, "l-1", 2, name="x", number=1), shape=new))
            assert len(books.entries()) == 4

    @needs("durable")
    def test_what_cannot_be_extended_is_refused_and_left_as_it_was(self, store: Store, new_url: str) -> None:
        old, _ = old_and_new()
        with self.opened(new_url) as first:
            first.prepare([old])
            books = Books(first)
            books.write(put(row(old, "l", name="x"), shape=old))
        with self.opened(new_url) as again, pytest.raises(StoreUnusable) as refused:
            again.prepare([changed()])
        assert refused.value.say("zh") != refused.value.say("en")
        with self.opened(new_url) as last:
            last.prepare([old])
            books.store = last
            assert books.get("l", old) == row(old, "l", name="x")

    def test_a_closed_store_gives_nothing_and_says_so_in_our_words(self, store_url: str) -> None:
        store = self.make_store(store_url)
        store.prepare(KINDS)
        books = Books(store)
        books.write(put(sample("a")))
        store.close()
        with suppress(CommunityCoreError), store.reading() as tx:
            assert tx.heads() == []
        with suppress(CommunityCoreError), store.writing() as writing:
            assert writing.lock(books.id) is None
