"""Erasing: a person's values are gone from every answer and, once the store is scrubbed, from every byte of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from communitycore.conformance import diary
from communitycore.conformance.bench import Bench, open_bench
from communitycore.conformance.diary import Line, Page
from communitycore.conformance.suite import Suite
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import KeyErased
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.query import FIND_MAX, Query
from communitycore.ports import Reading, Store

WHY = "request 17"
LONG = "".join(f"长{n:04};" for n in range(1_600))  # fills pages of its own, which part it anywhere
GONE = ("nick-欧阳秀兰", "title-秘密", "tag-秘密", "line-秘密", "phone-13800000000", "长0000;", "长0799;", "长1598;")
OTHERS = ("nick-王小明", "title-公开", "line-公开", "phone-13900000000")


def filled(store: Store, *, make: type[Hub] = Hub) -> tuple[Bench, Ref]:
    """A bench on which two keep diaries; and the one of them who is to be erased."""
    bench = open_bench(store, rooms=(diary.ROOM,), make=make)
    nick, title, tag, line, phone, *_ = GONE
    me = bench.desk.do(diary.join, nick=nick).id
    mine = bench.desk.keyed("k").do(
        diary.write, me, title=title, tags=(tag,), lines=(Line(line), Line(LONG)), phone=phone
    )
    bench.desk.do(diary.retitle, mine.id, title=f"{title}, again")
    you = bench.desk.do(diary.join, nick=OTHERS[0])
    bench.desk.do(diary.write, you.id, title=OTHERS[1], lines=(Line(OTHERS[2]),), phone=OTHERS[3])
    return bench, Ref(bench.community, me)


def answers(hub: Hub) -> str:
    """All that a hub's store answers."""
    with hub.store.reading() as tx:
        return repr([list(_answers(hub, tx, head.id)) for head in tx.heads()])


def _answers(hub: Hub, tx: Reading, here: str) -> Iterator[object]:
    entries: list[Entry] = tx.entries(here, 0, 10_000)
    yield entries, tx.timers(here, None, 10_000), tx.keys_caused(here, [entry.cause for entry in entries])
    for shape in hub.catalogue.shapes.values():
        yield tx.find(shape, here, Query((), 0, False, FIND_MAX, None))


class Erasing(Suite):
    """What was erased is gone from whatever the store answers and, once it is scrubbed, keeps.

    dump is what the author of an adapter must say how to do.
    """

    def dump(self, store: Store, url: str) -> bytes:
        """All bytes in which this store, made at `url`, keeps what it keeps: its files, or a dump."""
        pytest.fail("override dump: say how all bytes of this store are read")

    @pytest.fixture
    def diaries(self, new_url: str) -> Iterator[tuple[Bench, Ref]]:
        """A store of its own with two diaries in it, and whose is to be erased."""
        with self.opened(new_url) as store:
            yield filled(store)

    def test_what_was_erased_is_in_no_answer_and_the_rest_is(self, diaries: tuple[Bench, Ref]) -> None:
        bench, me = diaries
        assert all(value in answers(bench.hub) for value in (*GONE, *OTHERS))
        bench.hub.erase(me, actor=bench.admin, reason=WHY)
        assert not [value for value in GONE if value in answers(bench.hub)]
        assert all(value in answers(bench.hub) for value in OTHERS)
        assert bench.hub.verify().ok

    def test_it_is_erased_as_in_the_memory_store(self, diaries: tuple[Bench, Ref]) -> None:
        bench, me = diaries
        other, them = filled(MemoryStore())
        assert bench.hub.erase(me, actor=me, reason=WHY) == other.hub.erase(them, actor=them, reason=WHY)
        assert answers(bench.hub) == answers(other.hub)
        assert bench.hub.anchor() == other.hub.anchor()

    def test_a_key_of_what_was_erased_is_of_no_use(self, diaries: tuple[Bench, Ref]) -> None:
        bench, me = diaries
        bench.hub.erase(me, actor=bench.admin, reason=WHY)
        with pytest.raises(KeyErased):
            bench.desk.keyed("k").do(diary.write, diary.PersonId(me.id), title=GONE[1])

    def test_scrubbing_changes_no_answer(self, diaries: tuple[Bench, Ref]) -> None:
        bench, me = diaries
        for _ in range(2):
            before = answers(bench.hub), bench.hub.anchor()
            bench.hub.scrub()
            assert (answers(bench.hub), bench.hub.anchor()) == before
            bench.hub.erase(me, actor=bench.admin, reason=WHY)
        bench.desk.do(diary.join, nick="later")
        assert bench.hub.verify().ok

    def test_what_was_erased_is_in_no_byte_once_it_is_scrubbed(self, new_store_url: Callable[[], str]) -> None:
        url = new_store_url()
        with self.opened(url) as store, self.opened(url) as another:
            bench, me = filled(store)
            kept = store.capabilities.get("durable") is True
            side = Hub(another if kept else store, [diary.ROOM], clock=bench.clock)
            assert side.desk(bench.community, bench.keeper).find(Page)  # it has read what was to be erased
            assert all(value.encode() in self.dump(store, url) for value in OTHERS)
            bench.hub.erase(me, actor=bench.admin, reason=WHY)
            bench.hub.scrub()
            assert not [value for value in GONE if value.encode() in self.dump(store, url)]
            assert all(value.encode() in self.dump(store, url) for value in OTHERS)
            pages = side.desk(bench.community, bench.keeper).find(Page)
            assert sorted(page.title for page in pages) == ["", OTHERS[1]]
            assert side.verify().ok
