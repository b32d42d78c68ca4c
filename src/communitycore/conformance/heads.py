"""Heads: founding, codes, locking."""

from __future__ import annotations

from uuid import uuid4

import pytest

from communitycore.conformance.books import Books, put
from communitycore.conformance.kinds import MOMENTS, ORDER, SAMPLE, sample
from communitycore.conformance.suite import Suite
from communitycore.kernel.errors import CodeTaken, StaleStep
from communitycore.kernel.journal import GENESIS
from communitycore.ports import Head, Store


def _head(code: str, id: str | None = None) -> Head:
    return Head(id or str(uuid4()), code, 0, GENESIS, MOMENTS[0], 0, None)


def _founded(store: Store, head: Head) -> None:
    with store.writing() as tx:
        tx.found(head)
        tx.commit()


class Heads(Suite):
    """Each jurisdiction has one head, found by its id and known by a code that no other uses."""

    def test_a_head_is_read_back_as_it_was_written(self, books: Books) -> None:
        changes = (
            {"hash": "f" * 64, "last_at": MOMENTS[3], "standing": 3, "next_wake": MOMENTS[4]},
            {"standing": (1 << 63) - 1, "code": f"辖区😀{uuid4()}"[:40], "next_wake": None},
        )
        for change in changes:
            books.write(notes=["a"], **change)
            with books.reading() as tx:
                assert tx.head(books.id) == books.head
                assert tx.heads([books.id]) == [books.head]

    def test_heads_are_given_in_the_order_of_their_ids(self, books: Books) -> None:
        made = [books.head, *(Books(books.store).head for _ in range(5))]
        made.sort(key=lambda head: head.id)
        with books.reading() as tx:
            ids = [head.id for head in made]
            assert tx.heads([*reversed(ids), str(uuid4())]) == made
            every = tx.heads()
            assert every == sorted(every, key=lambda head: head.id)
            assert [head for head in every if head.id in ids] == made
            assert tx.heads([]) == []

    def test_thousands_of_heads_may_be_asked_for_at_once(self, books: Books) -> None:
        with books.reading() as tx:
            assert tx.heads([*(str(uuid4()) for _ in range(2_500)), books.id]) == [books.head]

    def test_who_was_never_founded_has_no_head_and_cannot_be_locked(self, books: Books) -> None:
        id = str(uuid4())
        with books.reading() as tx:
            assert tx.head(id) is None
        with books.store.writing() as writing:
            assert writing.lock(id) is None

    def test_nothing_stands_in_a_jurisdiction_that_is_not_there(self, books: Books) -> None:
        id = str(uuid4())
        nobody = Books.__new__(Books)
        nobody.store, nobody.id = books.store, id
        empty = nobody.told()
        books.write(put(sample("id-0")), notes=["id-0"])
        assert nobody.told() == empty
        with books.reading() as tx:
            assert tx.get(SAMPLE, id, "id-0") is None
            assert tx.entries(id, 0, 10) == []
            assert tx.cursor("kit.tally", id) == (0, 0)

    def test_a_code_in_use_is_refused_and_its_holder_named(self, books: Books) -> None:
        other = Books(books.store)
        with pytest.raises(CodeTaken) as founding:
            _founded(books.store, _head(books.head.code))
        with pytest.raises(CodeTaken) as moving:
            other.write(code=books.head.code)
        for refused in (founding.value, moving.value):
            assert (refused.given, refused.jurisdiction) == (books.head.code, books.id)
        with books.reading() as tx:
            assert tx.heads([books.id, other.id]) == sorted([books.head, other.head], key=lambda head: head.id)

    def test_a_code_that_was_given_up_is_free(self, books: Books) -> None:
        other, code = Books(books.store), books.head.code
        books.write(code=f"new-{books.id}"[:40])
        other.write(code=code)
        with books.reading() as tx:
            assert {head.code for head in tx.heads([books.id, other.id])} == {code, books.head.code}

    def test_codes_are_told_apart_sign_by_sign(self, books: Books) -> None:
        stem = f"K{books.id}"[:30]
        codes = [stem, stem.lower(), f"{stem}é", f"{stem}e", f"{stem}e\u0301", f"{stem}ｅ"]
        for code in codes:
            _founded(books.store, _head(code))
        with books.reading() as tx:
            assert {head.code for head in tx.heads()} >= set(codes)

    def test_a_jurisdiction_is_founded_once(self, books: Books) -> None:
        """Whatever it raises: what stands there stays."""
        books.write(put(sample("id-0")))
        before = books.told()
        with pytest.raises(CodeTaken):
            _founded(books.store, _head(f"again-{books.id}"[:40], books.id))
        assert books.told() == before

    def test_the_head_is_locked_as_the_last_commit_left_it(self, books: Books) -> None:
        for _ in range(3):
            books.write(notes=["a"])
            with books.store.writing() as tx:
                assert tx.lock(books.id) == books.head

    def test_a_head_that_moved_on_is_not_overwritten(self, books: Books) -> None:
        """What a writer that held no lock would do."""
        before = books.head
        books.write(notes=["a"])
        with pytest.raises(StaleStep), books.store.writing() as tx:
            tx.write(books.batch(notes=["b"], was=before))
            tx.commit()
        with books.reading() as reading:
            assert reading.head(books.id) == books.head
            assert [entry.record for entry in reading.entries(books.id, 0, 10)] == ["a"]

    def test_the_same_id_may_stand_in_several_jurisdictions_and_kinds(self, books: Books) -> None:
        other = Books(books.store)
        books.write(put(sample("x", name="here")))
        other.write(put(sample("x", name="there")))
        assert books.get("x") == sample("x", name="here")
        assert other.get("x") == sample("x", name="there")
        assert books.get("x", ORDER) is None
        assert [entry.jurisdiction for entry in books.entries()] == [books.id]
