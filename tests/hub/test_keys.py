"""Idempotency keys: the same call made again gives what the first gave; nothing is done twice."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.bench import Bench, open_bench
from tests.hub.room import NeighbourId, Tool, ToolId

import communitycore as cc
from communitycore.kernel.errors import KeyReused, NotFound
from communitycore.kernel.ids import Ref


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def test_a_repeat_gives_the_record_as_it_is_now_and_writes_nothing(bench: Bench) -> None:
    desk = bench.desk.keyed("k")
    tool = desk.do(room.add, name="saw")
    assert desk.do(room.add, name="saw") == tool
    moved = bench.desk.do(room.revise, tool.id, remark="moved on")
    before = bench.state()
    assert desk.do(room.add, name="saw") == moved
    assert bench.state() == before


def test_a_repeat_gives_all_the_records_of_its_result_in_their_order(bench: Bench) -> None:
    giver, taker = bench.tool(tag="A1"), bench.tool()
    desk = bench.desk.keyed("k")
    first = desk.do(room.hand_tag, giver.id, taker=taker.id)
    assert desk.do(room.hand_tag, giver.id, taker=taker.id) == first
    copied = bench.desk.keyed("c").do(room.copy, giver.id)
    assert bench.desk.keyed("c").do(room.copy, giver.id) == copied != bench.desk.get(Tool, giver.id)


def test_another_call_under_the_same_key_is_refused(bench: Bench) -> None:
    desk = bench.desk.keyed("k")
    tool = desk.do(room.add, name="saw")
    for other in (
        lambda: desk.do(room.add, name="other"),
        lambda: desk.do(room.add, name="saw", tag="A1"),
        lambda: desk.do(room.scrap, tool.id),
        lambda: desk.do(room.enrol),
    ):
        before = bench.state()
        with pytest.raises(KeyReused) as caught:
            other()
        assert caught.value.key == "k"
        assert bench.state() == before


def test_a_key_belongs_to_its_actor_and_jurisdiction(bench: Bench) -> None:
    me, you = bench.neighbour(), bench.neighbour()
    made = {
        bench.at(who, place).keyed("k").do(room.enrol).id
        for who in (me, you, bench.keeper)
        for place in (bench.community, bench.district)
    }
    assert len(made) == 6


def test_a_refusal_is_not_stored_and_the_same_call_may_succeed_later(bench: Bench) -> None:
    me = bench.neighbour()
    desk = bench.at(me).keyed("k")
    with pytest.raises(NotFound):
        desk.do(room.lend, ToolId("t9"), to=NeighbourId(me.id))
    bench.tool(id=ToolId("t9"))
    assert desk.do(room.lend, ToolId("t9"), to=NeighbourId(me.id)).holder == me.id
    assert desk.do(room.lend, ToolId("t9"), to=NeighbourId(me.id)).lends == 1


def test_a_bug_is_not_stored(bench: Bench) -> None:
    for _ in range(2):
        with pytest.raises(room.Boom):
            bench.desk.keyed("k").do(room.crash)


def test_nothing_to_do_is_remembered_too(bench: Bench) -> None:
    tool = bench.tool(tag="A1")
    desk = bench.desk.keyed("k")
    assert desk.do(room.retag, tool.id, tag="A1") == tool
    bench.desk.do(room.retag, tool.id, tag="B1")
    assert desk.do(room.retag, tool.id, tag="A1").tag == "B1"
    assert bench.hub.verify().ok


def test_a_repeat_needs_no_more_right_than_the_first_had(bench: Bench) -> None:
    """Having brought it back one no longer holds it, yet may hear again that it was brought back."""
    me, tool = bench.neighbour(), bench.tool()
    bench.at(me).do(room.lend, tool.id, to=NeighbourId(me.id))
    desk = bench.at(me).keyed("k")
    back = desk.do(room.bring_back, tool.id)
    assert desk.do(room.bring_back, tool.id) == back


def test_of_many_each_has_its_own_key(bench: Bench) -> None:
    calls = [room.add.call(name=f"{n}").keyed(f"k{n}") for n in range(4)]
    first = [o.get() for o in bench.desk.do_many(calls[:3])]
    again = [o.get() for o in bench.desk.do_many(calls)]
    assert again[:3] == first
    twice = bench.desk.do_many([calls[3], calls[3], room.add.call(name="other").keyed("k3")])
    assert [o.value for o in twice[:2]] == [again[3]] * 2
    assert isinstance(twice[2].error, KeyReused)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12))
@settings(max_examples=30)
def test_whatever_is_repeated_in_whatever_order_each_key_is_done_once(calls: list[tuple[int, int]]) -> None:
    bench = open_bench()
    done: dict[int, tuple[int, str]] = {}
    for key, name in calls:
        desk = bench.desk.keyed(f"k{key}")
        if key in done and done[key][0] != name:
            with pytest.raises(KeyReused):
                desk.do(room.add, name=f"{name}")
            continue
        made = desk.do(room.add, name=f"{name}")
        assert done.setdefault(key, (name, made.id)) == (name, made.id)
    assert {t.id for t in bench.desk.find(Tool)} == {id for _, id in done.values()}


def test_a_key_keeps_no_argument_and_is_salted(bench: Bench) -> None:
    me, you = bench.neighbour(), bench.neighbour()
    for who in (me, you):
        bench.at(who).keyed("k").do(
            room.issue_card, NeighbourId(who.id), name="王小明", phone="13800000000", born=date(1987, 3, 9)
        )
    with bench.hub.store.reading() as tx:
        kept = [tx.key(bench.community, str(who), "k") for who in (me, you)]
    one, two = kept
    assert one is not None
    assert two is not None
    for key in (one, two):
        assert "王小明" not in repr(key)
        assert "13800000000" not in repr(key)
    assert one.salt != two.salt


@pytest.mark.parametrize("key", ["a\0", "\ud800", "x" * 192, 5])
def test_a_key_that_no_store_holds_is_refused_and_nothing_is_done(bench: Bench, key: str) -> None:
    before = bench.state()
    with pytest.raises(cc.Refused) as caught:
        bench.desk.keyed(key).do(room.add, name="saw")
    assert caught.value.data["field"] == "key"
    assert bench.state() == before


def test_arguments_that_cannot_be_remembered_leave_no_trace_even_among_many(bench: Bench) -> None:
    """The key is made before anything is taken in: what fails there fails whole."""
    before = bench.state()
    odd = room.add.call(name="saw", maker=Ref("a", "b"), sizes=(1,), remark=None)
    odd.kwargs["wear"] = ()
    odd.kwargs["spot"] = None
    bad = room.set_up.call(left=0, trouble="\ud800").keyed("k")
    outcomes = bench.desk.do_many([bad, bad])
    assert all(isinstance(o.error, cc.Refused) for o in outcomes)
    assert bench.state() == before
    assert bench.desk.keyed("k2").do_many([odd])[0].get().sizes == (1,)


def test_the_same_call_spelled_by_name_or_by_place_is_the_same_call(bench: Bench) -> None:
    tool = bench.tool()
    desk = bench.desk.keyed("k")
    desk.do(room.scrap, tool.id)
    assert desk.do(room.scrap, tool_id=tool.id).id == tool.id
