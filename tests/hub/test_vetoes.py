"""Vetoes: rules of a place's own, in force where an administrator said so, and asked about everybody's changes there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.room import ROOM, Tool

import communitycore as cc
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import Mistake, NotAllowed, NotFound, UnknownVeto, VetoFailed, VetoMissing
from communitycore.kernel.jurisdiction import VetoInForce, give, lift, put_in_force
from communitycore.ports import Store
from communitycore.testing import Clock, seeded

NO_DRILLS = "tools.no_drills"


def refuse_drills(view: cc.View, step: Any) -> None:
    if "钻" in step.after.name:
        raise cc.Vetoed(veto=NO_DRILLS, why="drills wake the children", why_zh="电钻扰民")


def broken(view: cc.View, step: Any) -> None:
    raise KeyError("张三 13800000000")


def veto(check: Callable[[cc.View, Any], object] = refuse_drills, *on: str, name: str = NO_DRILLS) -> cc.Veto:
    return cc.Veto(name, frozenset(on or ("tool.added",)), check)


def hub_with(*vetoes: cc.Veto, store: Store | None = None) -> Hub:
    return Hub(store or MemoryStore(), (ROOM,), vetoes=vetoes, clock=Clock(), entropy=seeded(1), check=True)


def town(hub: Hub, code: str = "370115002023") -> tuple[Desk, Desk]:
    """The administrator's desk, and a keeper's."""
    body = hub.found(code, name="x", level="community")
    admin = hub.desk(body.id, hub.administrator(body.id))
    keeper = cc.Ref(body.id, "keeper")
    admin.do(give, holder=keeper, role=room.KEEPER)
    return admin, hub.desk(body.id, keeper)


def test_a_veto_is_asked_only_where_it_is_in_force() -> None:
    hub = hub_with(veto())
    admin, keeper = town(hub)
    _, elsewhere = town(hub, "370115002024")
    keeper.do(room.add, name="电钻")
    listed = admin.do(put_in_force, name=NO_DRILLS)
    with pytest.raises(cc.Vetoed) as refused:
        keeper.do(room.add, name="冲击钻")
    assert (refused.value.code, refused.value.veto, refused.value.retryable) == ("veto.refused", NO_DRILLS, False)
    assert "电钻扰民" in refused.value.say("zh")
    assert "drills wake the children" in refused.value.say("en")
    keeper.do(room.add, name="梯子 ladder")
    elsewhere.do(room.add, name="电钻")
    assert (listed.name, listed.in_force) == (NO_DRILLS, True)
    assert [e.name for e in admin.history(VetoInForce, listed.id)] == ["veto.put_in_force"]
    assert hub.verify().ok


def test_a_lifted_veto_is_asked_no_more_and_may_come_again() -> None:
    hub = hub_with(veto())
    admin, keeper = town(hub)
    first = admin.do(put_in_force, name=NO_DRILLS)
    assert admin.do(put_in_force, name=NO_DRILLS) == first
    admin.do(lift, name=NO_DRILLS)
    assert admin.do(lift, name=NO_DRILLS).version == 2
    keeper.do(room.add, name="电钻")
    again = admin.do(put_in_force, name=NO_DRILLS)
    assert (again.id, again.version) == (first.id, 3)
    with pytest.raises(cc.Vetoed):
        keeper.do(room.add, name="冲击钻")
    names = [e.name for e in admin.history(VetoInForce, first.id)]
    assert names == ["veto.put_in_force", "veto.lifted", "veto.put_in_force"]


def test_only_an_administrator_puts_one_in_force_and_only_one_that_is_there() -> None:
    hub = hub_with(veto(), veto(name="tools.other"))
    admin, keeper = town(hub)
    for command in (put_in_force, lift):
        with pytest.raises(NotAllowed):
            keeper.do(command, name=NO_DRILLS)
    with pytest.raises(UnknownVeto) as unknown:
        admin.do(put_in_force, name="tools.no_dri11s")
    assert unknown.value.known == (NO_DRILLS, "tools.other")
    with pytest.raises(NotFound):
        admin.do(lift, name=NO_DRILLS)


def test_a_refused_change_leaves_nothing() -> None:
    hub = hub_with(veto())
    admin, keeper = town(hub)
    admin.do(put_in_force, name=NO_DRILLS)
    before = hub.anchor()
    for call in (room.add.call(name="电钻"), room.add.call(name="冲击钻").keyed("k")):
        (outcome,) = keeper.do_many([call])
        assert isinstance(outcome.error, cc.Vetoed)
    assert hub.anchor() == before
    assert keeper.keyed("k").became() is None


def test_a_veto_that_fails_refuses_and_is_named_without_repeating_what_it_said() -> None:
    hub = hub_with(veto(broken))
    admin, keeper = town(hub)
    admin.do(put_in_force, name=NO_DRILLS)
    with pytest.raises(VetoFailed) as refused:
        keeper.do(room.add, name="梯子")
    assert (refused.value.veto, refused.value.why) == (NO_DRILLS, "KeyError")
    assert "张三" not in refused.value.say("zh") + refused.value.say() + repr(refused.value)
    assert isinstance(refused.value.__cause__, KeyError)
    admin.do(lift, name=NO_DRILLS)
    keeper.do(room.add, name="梯子")


def test_one_that_is_installed_no_more_refuses_until_it_is_lifted() -> None:
    store = MemoryStore()
    admin, keeper = town(hub_with(veto(), store=store))
    admin.do(put_in_force, name=NO_DRILLS)
    without = hub_with(store=store)
    keeper, admin = (without.desk(d.jurisdiction, d.actor) for d in (keeper, admin))
    with pytest.raises(VetoMissing) as missing:
        keeper.do(room.add, name="梯子")
    assert "vetoes.lift" in missing.value.say()
    admin.do(lift, name=NO_DRILLS)
    keeper.do(room.add, name="梯子")


def test_vetoes_cannot_keep_themselves_in_force() -> None:
    hub = hub_with(veto(broken, "veto.lifted", "veto.put_in_force", "grant.given"))
    admin, _ = town(hub)
    admin.do(put_in_force, name=NO_DRILLS)
    admin.do(give, holder=cc.Ref("a", "b"), role=room.KEEPER)
    assert not admin.do(lift, name=NO_DRILLS).in_force


def test_a_veto_sees_the_state_before_the_change_and_both_sides_of_the_step() -> None:
    seen: list[tuple[Any, Any, int]] = []

    def look(view: cc.View, step: Any) -> None:
        seen.append((step.before, step.after, len(view.find(Tool, limit=9))))

    hub = hub_with(veto(look, "tool.added", "tool.lent"))
    admin, keeper = town(hub)
    admin.do(put_in_force, name=NO_DRILLS)
    tool = keeper.do(room.add, name="梯子")
    assert seen == [(None, tool, 0)]


def test_several_are_asked_in_the_order_of_their_names() -> None:
    asked: list[str] = []
    names = ["tools.c", "tools.a", "tools.b"]
    hub = hub_with(*(veto(lambda view, step, name=name: asked.append(name), name=name) for name in names))  # type: ignore[misc]
    admin, keeper = town(hub)
    for name in names:
        admin.do(put_in_force, name=name)
    keeper.do(room.add, name="梯子")
    assert asked == sorted(names)


def test_two_vetoes_of_one_name_are_a_mistake() -> None:
    with pytest.raises(Mistake, match="declared twice"):
        hub_with(veto(), veto())
    with pytest.raises(Mistake, match="is no name"):
        hub_with(veto(name="nodot"))


@given(st.lists(st.tuples(st.sampled_from(["on", "off", "add"]), st.sampled_from(["钻", "梯"])), max_size=12))
def test_what_was_done_while_a_veto_was_in_force_never_broke_it(acts: list[tuple[str, str]]) -> None:
    hub = hub_with(veto())
    admin, keeper = town(hub)
    on, expected = False, []
    for n, (act, name) in enumerate(acts):
        try:
            if act == "on":
                on = admin.do(put_in_force, name=NO_DRILLS).in_force
            elif act == "off":
                on = admin.do(lift, name=NO_DRILLS).in_force
            else:
                keeper.do(room.add, name=f"{name}{n}")
                expected.append(f"{name}{n}")
                assert not (on and name == "钻")
        except NotFound:
            assert act == "off"
        except cc.Vetoed:
            assert on
            assert name == "钻"
    assert sorted(tool.name for tool in keeper.find(Tool)) == sorted(expected)
    assert hub.verify().ok
