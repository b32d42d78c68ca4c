"""Standing records: what commands decide by, here and above, is never older than the books."""

from __future__ import annotations

import threading

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.room import Limit, NeighbourId
from tests.hub.stores import Flaky

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.hub.standing import StandingCache
from communitycore.kernel.change import Change, step
from communitycore.kernel.command import Room, command, read
from communitycore.kernel.errors import Mistake, NotFound, Refused, StaleStep
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.rules import PUBLIC
from communitycore.kernel.view import View
from communitycore.testing import seeded


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def standing(bench: Bench, place: str) -> int:
    with bench.hub.store.reading() as tx:
        head = tx.head(place)
    assert head is not None
    return head.standing


def test_a_view_offers_what_stands_here_first_then_above(bench: Bench) -> None:
    above = bench.at(place=bench.district)
    for loans in (9, 8):
        above.do(room.set_limit, loans=loans)
    bench.desk.do(room.set_limit, loans=3)
    assert bench.desk.ask(room.limits)[0] == 3
    assert sorted(bench.desk.ask(room.limits)) == [3, 8, 9]
    assert sorted(above.ask(room.limits)) == [8, 9]


def test_a_limit_above_binds_below_from_the_next_call_on(bench: Bench) -> None:
    me = NeighbourId(bench.neighbour().id)
    limit = bench.at(place=bench.district).do(room.set_limit, loans=1)
    bench.desk.do(room.lend, bench.tool().id, to=me)
    with pytest.raises(room.TooMany):
        bench.desk.do(room.lend, bench.tool().id, to=me)
    bench.at(place=bench.district).do(room.set_limit, loans=2, limit=limit.id)
    bench.desk.do(room.lend, bench.tool().id, to=me)


def test_the_head_counts_the_changes_of_what_stands_and_of_nothing_else(bench: Bench) -> None:
    before = standing(bench, bench.community)
    bench.tool()
    bench.neighbour()
    assert standing(bench, bench.community) == before
    limit = bench.desk.do(room.set_limit, loans=3)
    assert standing(bench, bench.community) == before + 1
    bench.desk.do_many([room.set_limit.call(loans=n, limit=limit.id) for n in range(5)])
    assert standing(bench, bench.community) == before + 2  # one transaction, one count
    with pytest.raises(Refused):
        bench.desk.do(room.set_limit, loans=2**63)
    assert standing(bench, bench.community) == before + 2


def test_what_is_derived_is_remembered_while_it_stands_unchanged(bench: Bench) -> None:
    built: list[int] = []

    def build(limits: tuple[Limit, ...]) -> int:
        built.append(len(limits))
        return len(limits)

    @read("test.count", may=PUBLIC)
    def count(view: View) -> int:
        return view.derive(build, Limit)

    assert [bench.desk.ask(count) for _ in range(3)] == [0, 0, 0]
    assert built == [0]
    bench.desk.do(room.set_limit, loans=3)
    bench.tool()
    assert [bench.desk.ask(count) for _ in range(3)] == [1, 1, 1]
    assert built == [0, 1]
    bench.at(bench.admin).do(give, holder=Ref("x", "y"), role=room.KEEPER)
    assert bench.desk.ask(count) == 1
    assert built == [0, 1]  # another kind that stands was changed, not this


def test_what_is_derived_inside_a_command_sees_the_changes_before_it(bench: Bench) -> None:
    @command("test.twice", may=PUBLIC)
    def twice(view: View, *, loans: int) -> Change[Limit]:
        first = room.set_limit(view, loans=loans)
        after = view.after(first)
        assert view.derive(room.least, Limit) == before
        assert after.derive(room.least, Limit) == loans
        assert [limit.loans for limit in after.above(Limit)].count(loans) == 1
        return first

    before = 7
    bench.desk.do(room.set_limit, loans=before)
    bench.desk.do(twice, loans=2)


def test_of_many_in_one_transaction_the_later_decide_by_what_the_earlier_set(bench: Bench) -> None:
    me, tools = NeighbourId(bench.neighbour().id), [bench.tool().id for _ in range(2)]
    outcomes = bench.desk.do_many(
        [
            room.lend.call(tools[0], to=me),
            room.set_limit.call(loans=1),
            room.lend.call(tools[1], to=me),
        ]
    )
    assert isinstance(outcomes[2].error, room.TooMany)


@pytest.mark.parametrize("look", ["above", "derive"])
def test_what_does_not_stand_is_neither_listed_above_nor_derived_from(bench: Bench, look: str) -> None:
    """It would be remembered though it changes."""

    @read("test.wrong", may=PUBLIC)
    def wrong(view: View) -> int:
        return len(view.above(room.Tool)) if look == "above" else view.derive(len, room.Tool)

    with pytest.raises(Mistake, match="standing"):
        bench.desk.ask(wrong)


def test_a_standing_record_above_is_read_here_and_changed_only_there(bench: Bench) -> None:
    limit = bench.at(place=bench.district).do(room.set_limit, loans=9)
    assert bench.desk.get(Limit, limit.id) == limit
    assert bench.desk.find(Limit) == []
    before = bench.state()
    with pytest.raises(StaleStep):
        bench.desk.do(room.set_limit, loans=1, limit=limit.id)
    assert bench.state() == before
    other = bench.desk.do(room.set_limit, loans=5)
    with pytest.raises(NotFound):
        bench.at(place=bench.district).get(Limit, other.id)


def test_the_history_of_a_record_above_is_told_where_it_is_kept(bench: Bench) -> None:
    limit = bench.at(place=bench.district).do(room.set_limit, loans=9)
    try:
        assert [e.name for e in bench.desk.history(Limit, limit.id)] == ["limit.set"]
    except NotFound:
        pass  # as good an answer, and not an empty one


def test_a_failed_commit_leaves_no_trace_in_what_is_remembered() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    limit = bench.desk.do(room.set_limit, loans=3)
    assert bench.desk.ask(room.least_here) == 3
    store.unknown = [False] * 10
    with pytest.raises(cc.CommunityCoreError):
        bench.desk.do(room.set_limit, loans=1, limit=limit.id)
    store.unknown = []
    assert bench.desk.ask(room.least_here) == 3
    assert bench.desk.ask(room.limits) == (3,)
    bench.desk.do(room.set_limit, loans=2, limit=limit.id)
    assert bench.desk.ask(room.least_here) == 2


def test_a_commit_whose_answer_was_lost_is_seen_in_what_is_remembered() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store)
    limit = bench.desk.do(room.set_limit, loans=3)
    assert bench.desk.ask(room.limits) == (3,)
    store.unknown = [True]
    bench.desk.do(room.set_limit, loans=1, limit=limit.id)
    assert bench.desk.ask(room.limits) == (1,)
    assert bench.desk.ask(room.least_here) == 1


@given(st.lists(st.tuples(st.integers(0, 1), st.booleans(), st.integers(0, 9)), max_size=10))
@settings(max_examples=30)
def test_two_hubs_on_one_store_never_decide_by_old_records(moves: list[tuple[int, bool, int]]) -> None:
    bench = open_bench()
    other = Hub(bench.hub.store, [room.ROOM], clock=bench.clock, entropy=seeded("other"))
    hubs = [bench.hub, other]
    known: dict[str, tuple[str, int]] = {}
    for who, up, loans in moves:
        place = bench.district if up else bench.community
        mine = [id for id, (where, _) in known.items() if where == place]
        limit = (
            hubs[who]
            .desk(place, bench.keeper)
            .do(room.set_limit, loans=loans, limit=room.LimitId(mine[0]) if len(mine) > 1 else None)
        )
        known[limit.id] = (place, loans)
        for hub in hubs:
            seen = hub.desk(bench.community, bench.keeper).ask(room.limits)
            assert sorted(seen) == sorted(loans for _, loans in known.values())
            here = [loans for where, loans in known.values() if where == bench.community]
            assert hub.desk(bench.community, bench.keeper).ask(room.least_here) == min(here, default=None)


def test_an_older_snapshot_does_not_push_out_what_is_newer() -> None:
    cache = StandingCache()
    newer = cache.at("j", 5)
    older = cache.at("j", 4)
    assert older.count == 4
    assert cache.at("j", 5) is newer


def test_readers_and_writers_of_what_stands_never_see_a_mixture(bench: Bench) -> None:
    """Two limits are always changed together, to the same figure; nobody may see them differ."""

    @command("test.both", may=PUBLIC)
    def both(view: View, *, loans: int) -> Change[tuple[Limit, ...]]:
        return cc.many(
            [step("limit.changed", limit, evolve(limit, loans=loans)) for limit in view.find(Limit, limit=2)]
        )

    pair = Room("test", records=[], commands=[both])
    bench = open_bench(MemoryStore(), rooms=(room.ROOM, pair))
    for _ in range(2):
        bench.desk.do(room.set_limit, loans=0)
    stop, wrong = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            seen = bench.desk.ask(room.limits)
            if len(set(seen)) != 1:
                wrong.append(seen)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for loans in range(60):
        bench.desk.do(both, loans=loans)
    stop.set()
    for reader in readers:
        reader.join(10)
    assert wrong == []
    assert bench.desk.ask(room.limits) == (59, 59)
