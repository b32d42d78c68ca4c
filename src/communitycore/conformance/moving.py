"""Moving house: what an export asks a store for, page by page, and how a jurisdiction from elsewhere is taken in."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pytest
from attrs import evolve

from communitycore.conformance import room
from communitycore.conformance.bench import DAY, open_bench
from communitycore.conformance.books import FOLD, Books, put, query
from communitycore.conformance.kinds import KINDS, SAMPLE, TEXTS, key, sample, timer
from communitycore.conformance.suite import Suite
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import KeyReused, NotUnique, Refused, StaleStep
from communitycore.kernel.journal import GENESIS
from communitycore.ports import Batch, Head, Timer
from communitycore.testing import Clock, seeded


class Arriving:
    """The books of a jurisdiction that is brought, part by part, before it has a head."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.id = str(uuid4())
        self.head = Head(self.id, f"kit-{self.id}", 0, GENESIS, books.head.last_at, 0, None)

    def part(self, *rows: Any, seqs: Iterable[int] = (), **more: Any) -> Batch:
        """What one transaction brings: rows as they are by now, and entries of these numbers."""
        entries = [
            (*values[:1], self.id, *values[2:])
            for values in (self.books.entry(seq, SAMPLE.kind, "id-0", seq) for seq in seqs)
        ]
        return Batch(self.head, self.head, [put(row, 0) for row in rows], entries, **more)

    def bring(self, *batches: Batch) -> None:
        """Each in one transaction with the others."""
        with self.books.store.writing() as tx:
            for batch in batches:
                tx.bring(batch)
            tx.commit()

    def found(self) -> None:
        """Give it its head."""
        with self.books.store.writing() as tx:
            tx.found(self.head)
            tx.commit()

    def forget(self) -> None:
        """Remove what was brought."""
        with self.books.store.writing() as tx:
            tx.forget(self.id)
            tx.commit()

    def told(self) -> list[Any]:
        """What the store tells of it to one who knows its id."""
        with self.books.store.reading() as tx:
            return [
                tx.head(self.id),
                [tx.find(shape, self.id, query(shape=shape)) for shape in KINDS],
                tx.entries(self.id, 0, 100),
                tx.timers_after(self.id, None, 100),
                tx.keys(self.id, None, 100),
                tx.cursors(self.id),
                tx.figures(FOLD, self.id),
            ]


NOTHING: list[Any] = [None, [[] for _ in KINDS], [], [], [], [], []]


class Moving(Suite):
    """A jurisdiction leaves in pages and comes in parts, unseen until it is whole."""

    def test_keys_are_given_in_pages_ordered_by_actor_and_key(self, books: Books) -> None:
        other = Books(books.store)
        made = [key(text, actor) for text in TEXTS for actor in ("here/b", "here/a", "here/B")]
        other.write(keys=made)
        books.write(keys=made)
        expected = sorted(made, key=lambda one: (one.actor, one.key))
        with books.reading() as tx:
            assert tx.keys(books.id, None, 1_000) == expected
            for size in (1, 4, len(made)):
                pages, after = [], None
                while page := tx.keys(books.id, after, size):
                    pages += page
                    after = (page[-1].actor, page[-1].key)
                assert pages == expected
            assert tx.keys(books.id, ("here/b", "\U0010ffff"), 9) == []

    def test_all_timers_are_given_in_pages_ordered_by_their_keys(self, books: Books) -> None:
        other = Books(books.store)
        made = [timer(r, c, s) for r in ("b", "B", "a") for c in ("y", "x.z", "x") for s in ("2", "", "10")]
        made[3] = evolve(made[3], parked="出错")
        other.write(timers=made)
        books.write(timers=made)
        expected = sorted(made, key=lambda one: one.key)
        with books.reading() as tx:
            assert tx.timers_after(books.id, None, 1_000) == expected
            for size in (1, 5, len(made)):
                pages: list[Timer] = []
                while page := tx.timers_after(books.id, pages[-1].key if pages else None, size):
                    pages += page
                assert pages == expected

    def test_figures_are_given_in_pages_ordered_by_key(self, books: Books) -> None:
        books.fold({text: f'"{n}"' for n, text in enumerate(TEXTS)})
        with books.reading() as tx:
            whole = tx.figures(FOLD, books.id)
            pages: list[tuple[str, str]] = []
            while page := tx.figures(FOLD, books.id, pages[-1][0] if pages else None, 2):
                assert len(page) <= 2
                pages += page
            assert pages == whole == tx.figures(FOLD, books.id, None, 1_000)
            assert tx.figures(FOLD, books.id, whole[-1][0], 2) == []

    def test_all_followers_that_have_begun_are_told_with_where_they_stand(self, books: Books) -> None:
        other = Books(books.store)
        for follower, seq in (("kit.b", 3), ("kit.a", 7), ("kit.B", 2)):
            with books.store.writing() as tx:
                tx.lock(books.id)
                tx.fold(follower, books.id, {}, seq, 2, anew=False)
                tx.commit()
        with books.reading() as tx:
            assert tx.cursors(books.id) == [("kit.B", 2, 2), ("kit.a", 7, 2), ("kit.b", 3, 2)]
            assert tx.cursors(other.id) == []

    def test_a_cursor_of_nothing_is_kept_nowhere(self, books: Books) -> None:
        books.fold({"a": "1"}, 0, 0)
        with books.reading() as tx:
            assert tx.cursors(books.id) == []
            assert tx.figures(FOLD, books.id) == [("a", "1")]

    def test_what_is_made_today_lacks_no_field(self, books: Books) -> None:
        books.write(put(sample("id-0")))
        with books.reading() as tx:
            assert not any(tx.lacking().values())

    def test_what_is_brought_in_parts_is_whole_once_it_has_a_head(self, books: Books) -> None:
        coming = Arriving(books)
        first, second = sample("id-0", 3, name="甲"), sample("id-1", 1, name="乙")
        coming.bring(coming.part(first, seqs=(1, 2)))
        coming.bring(coming.part(second, seqs=(3,), timers=[timer("id-0")], keys=[key("k"), key("e", salt="", mac="")]))
        coming.found()
        with books.reading() as tx:
            assert tx.head(coming.id) == coming.head
            assert [tx.get(SAMPLE, coming.id, id) for id in ("id-0", "id-1")] == [first, second]
            assert [entry.seq for entry in tx.entries(coming.id, 0, 9)] == [1, 2, 3]
            assert tx.timers_of(coming.id, "id-0") == [timer("id-0")]
            assert [one.key for one in tx.keys(coming.id, None, 9)] == ["e", "k"]

    def test_what_is_brought_is_seen_by_nobody_before_it_has_a_head(self, books: Books) -> None:
        coming = Arriving(books)
        before = books.told()
        coming.bring(coming.part(sample("id-0"), seqs=(1,), timers=[timer("id-0")], keys=[key("k")]))
        with books.reading() as tx:
            assert coming.id not in [head.id for head in tx.heads()]
            assert tx.head(coming.id) is None
        with books.store.writing() as tx:
            assert tx.lock(coming.id) is None
        assert books.told() == before

    def test_what_is_brought_and_rolled_back_is_nowhere(self, books: Books) -> None:
        coming = Arriving(books)
        with books.store.writing() as tx:
            tx.bring(coming.part(sample("id-0"), seqs=(1,), timers=[timer("id-0")], keys=[key("k")]))
        assert coming.told() == NOTHING

    def test_what_is_there_already_is_not_brought_again(self, books: Books) -> None:
        coming = Arriving(books)
        coming.bring(coming.part(sample("id-0"), seqs=(1,), keys=[key("k")]))
        told = coming.told()
        with pytest.raises((NotUnique, StaleStep)):
            coming.bring(coming.part(sample("id-0"), seqs=(2,)))
        with pytest.raises((NotUnique, StaleStep)):
            coming.bring(coming.part(seqs=(1,)))
        with pytest.raises(KeyReused):
            coming.bring(coming.part(seqs=(2,), keys=[key("k")]))
        assert coming.told() == told

    def test_what_was_brought_without_a_head_is_forgotten_and_may_come_again(self, books: Books) -> None:
        coming = Arriving(books)
        part = coming.part(sample("id-0"), seqs=(1,), timers=[timer("id-0")], keys=[key("k")])
        for _ in range(2):
            coming.bring(part)
            with books.store.writing() as tx:
                tx.fold(FOLD, coming.id, {"a": "1"}, 1, 1, anew=False)
                tx.commit()
            coming.forget()
            assert coming.told() == NOTHING
        coming.bring(part)
        coming.found()
        assert coming.told()[0] == coming.head

    def test_nothing_is_forgotten_of_a_jurisdiction_that_has_a_head(self, books: Books) -> None:
        books.write(put(sample("id-0")), timers=[timer("id-0")], keys=[key("k")])
        books.fold({"a": "1"})
        before = books.told()
        with books.store.writing() as tx:
            tx.forget(books.id)
            tx.commit()
        assert books.told() == before

    def test_a_jurisdiction_that_left_and_came_back_is_the_same_to_the_byte(
        self, new_url: str, request: pytest.FixtureRequest
    ) -> None:
        """From a store in memory to this one, and from here to another in memory."""
        bench = open_bench()
        tools = [bench.tool(name=f"{text[:20]} tool").id for text in TEXTS if text.strip()]
        bench.desk.keyed("k").do(room.add, name="梯子 ladder")
        bench.desk.do_many([room.lend.call(id, to=room.NeighbourId(bench.neighbour().id)) for id in tools[:3]])
        first = _parcel(bench.hub, bench.community)
        later = Clock(bench.clock() + DAY)
        with self.opened(new_url, request) as store:
            here = Hub(store, (room.ROOM,), clock=later, entropy=seeded(2))
            here.take_in(io.BytesIO(first))
            assert here.verify().ok
            second, told = _parcel(here, bench.community), _said(here, bench.community)
            with pytest.raises(Refused):
                here.take_in(io.BytesIO(first))
        last = Hub(MemoryStore(), (room.ROOM,), clock=later, entropy=seeded(3))
        last.take_in(io.BytesIO(second))
        assert last.verify().ok
        assert _said(last, bench.community) == told == _said(bench.hub, bench.community)


def _parcel(hub: Hub, code: str) -> bytes:
    file = io.BytesIO()
    hub.export(code, file)
    return file.getvalue()


def _said(hub: Hub, id: str) -> Any:
    with hub.store.reading() as tx:
        return (
            tx.head(id),
            tx.entries(id, 0, 10_000),
            tx.timers_after(id, None, 1_000),
            tx.keys(id, None, 1_000),
            [tx.find(shape, id, query(shape=shape)) for shape in hub.catalogue.shapes.values()],
        )
