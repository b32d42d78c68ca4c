"""Reactions: what one room's entry sets off in another, exactly once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.room import Domino

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.change import Change, note
from communitycore.kernel.command import Reaction, Room, command
from communitycore.kernel.ids import GrantId, JurisdictionId
from communitycore.kernel.jurisdiction import Grant, Jurisdiction
from communitycore.kernel.rules import REACTION
from communitycore.kernel.view import View
from communitycore.testing import seeded


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def fallen(bench: Bench, domino: Domino) -> int:
    return bench.desk.get(Domino, domino.id).fallen


def test_a_reaction_runs_right_after_its_entry_as_the_system(bench: Bench) -> None:
    tool = bench.tool()
    bench.desk.do(room.scrap, tool.id)
    (made,) = bench.desk.find(Domino)
    assert made.trouble == tool.id
    (scrapped,) = [e for e in bench.journal() if e.name == "tool.scrapped"]
    (reacted,) = bench.desk.history(Domino, made.id)
    assert str(reacted.by) == "system/reaction:tools.replace_scrapped"
    assert (reacted.behalf, reacted.cause) == (str(bench.keeper), scrapped.cause)
    assert scrapped.timers == '["!tools.replace_scrapped"]'
    assert bench.hub.verify().ok


def test_reactions_of_reactions_stop_at_sixteen_and_the_next_is_parked_and_shown(bench: Bench) -> None:
    domino = bench.desk.do(room.set_up, left=50)
    bench.desk.do(room.push, domino.id)
    assert fallen(bench, domino) == 1 + 16
    (parked,) = bench.hub.parked(bench.community)
    assert (parked.command, parked.record, parked.depth) == ("tools.push_on", domino.id, 16)
    assert "16" in (parked.parked or "")
    assert bench.hub.run_due() == 0
    assert bench.hub.verify().ok


def test_a_reaction_with_nothing_to_do_is_removed_with_an_entry(bench: Bench) -> None:
    domino = bench.desk.do(room.set_up, left=3)
    bench.desk.do(room.push, domino.id)
    assert fallen(bench, domino) == 3
    assert bench.desk.history(Domino, domino.id)[-1].name == "timer.passed"
    assert bench.hub.run_due() == 0
    assert bench.hub.verify().ok


def test_many_set_off_all_their_reactions(bench: Bench) -> None:
    tools = [bench.tool() for _ in range(5)]
    bench.desk.do_many([room.scrap.call(t.id) for t in tools])
    assert {d.trouble for d in bench.desk.find(Domino)} == {t.id for t in tools}
    assert bench.hub.verify().ok


class Killed(BaseException):
    """The process is gone."""


class Dying(Hub):
    """A hub whose process dies between a commit and its reactions."""

    dying = False

    def react(self, jurisdiction: str) -> int:
        if self.dying:
            raise Killed
        return super().react(jurisdiction)


def reopened(bench: Bench) -> Hub:
    return Hub(bench.hub.store, [room.ROOM], clock=bench.clock, entropy=seeded("after the crash"))


@pytest.mark.parametrize("many", [False, True])
def test_a_crash_between_commit_and_reaction_still_runs_it_exactly_once(many: bool) -> None:
    bench = open_bench(make=Dying)
    tool = bench.tool()
    bench.hub.dying = True  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        bench.desk.do_many([room.scrap.call(tool.id)]) if many else bench.desk.do(room.scrap, tool.id)
    hub = reopened(bench)
    desk = hub.desk(bench.community, bench.keeper)
    assert desk.get(room.Tool, tool.id).status is room.SCRAPPED
    assert desk.find(Domino) == []
    assert hub.verify().ok
    assert hub.run_due() == 1
    assert hub.run_due() == 0
    assert [d.trouble for d in desk.find(Domino)] == [tool.id]
    assert hub.verify().ok


def test_a_reaction_left_behind_runs_with_the_next_call_too(bench: Bench) -> None:
    bench = open_bench(make=Dying)
    one, two = bench.tool(), bench.tool()
    bench.hub.dying = True  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        bench.desk.do(room.scrap, one.id)
    hub = reopened(bench)
    hub.desk(bench.community, bench.keeper).do(room.scrap, two.id)
    assert len(bench.desk.find(Domino)) == 2
    assert hub.run_due() == 0


def test_a_crash_runs_it_though_the_clock_went_back() -> None:
    bench = open_bench(make=Dying)
    tool = bench.tool()
    bench.hub.dying = True  # type: ignore[attr-defined]
    with pytest.raises(Killed):
        bench.desk.do(room.scrap, tool.id)
    bench.clock.advance(-DAY)
    assert reopened(bench).run_due() == 1


def test_a_reaction_waits_behind_no_number_of_overdue_timers(bench: Bench) -> None:
    bench.desk.do_many([room.set_up.call(left=0, after_days=1) for _ in range(450)])
    tool = bench.tool()
    bench.clock.advance(2 * DAY)
    bench.desk.do(room.scrap, tool.id)
    assert len(bench.desk.find(Domino, cc.where(Domino.trouble, tool.id))) == 1


def test_a_failing_reaction_is_parked_and_the_call_that_set_it_off_stands() -> None:
    @command("test.fail", may=REACTION)
    def fail(view: View, tool_id: room.ToolId) -> Change[None]:
        raise room.Boom("in the reaction")

    failing = Room(
        "test", records=[], commands=[fail], reactions=[Reaction("test.on_added", on="tool.added", run=fail)]
    )
    bench = open_bench(MemoryStore(), rooms=(room.ROOM, failing))
    tool = bench.tool()
    assert bench.desk.get(room.Tool, tool.id) == tool
    (parked,) = bench.hub.parked(bench.community)
    assert parked.parked == "Boom: in the reaction"
    assert bench.tool().id != tool.id
    assert len(bench.hub.parked(bench.community)) == 2
    assert bench.hub.verify().ok


def test_several_reactions_to_one_entry_all_run() -> None:
    made: list[str] = []

    def noting(name: str) -> Any:
        @command(name, may=REACTION)
        def do(view: View, tool_id: room.ToolId) -> Change[room.Tool]:
            made.append(name)
            return note("tool.noted", view.get(room.Tool, tool_id), by=name)

        return do

    one, two = noting("test.one"), noting("test.two")
    further = Room(
        "test",
        records=[],
        commands=[one, two],
        reactions=[Reaction("test.r1", on="tool.added", run=one), Reaction("test.r2", on="tool.added", run=two)],
    )
    bench = open_bench(MemoryStore(), rooms=(room.ROOM, further))
    tool = bench.tool()
    assert sorted(made) == ["test.one", "test.two"]
    assert len(bench.desk.history(room.Tool, tool.id)) == 3
    assert bench.hub.verify().ok


def test_the_founding_of_a_jurisdiction_and_a_grant_set_off_reactions_too() -> None:
    @command("test.welcome", may=REACTION)
    def welcome(view: View, jurisdiction_id: JurisdictionId) -> Change[Jurisdiction]:
        return note("jurisdiction.welcomed", view.get(Jurisdiction, jurisdiction_id))

    @command("test.tell", may=REACTION)
    def tell(view: View, grant_id: GrantId) -> Change[Grant]:
        return note("grant.told", view.get(Grant, grant_id))

    further = Room(
        "test",
        records=[],
        commands=[welcome, tell],
        reactions=[
            Reaction("test.on_found", on="jurisdiction.founded", run=welcome),
            Reaction("test.on_grant", on="grant.given", run=tell),
        ],
    )
    bench = open_bench(MemoryStore(), rooms=(room.ROOM, further))
    assert [e.name for e in bench.journal()] == [
        "jurisdiction.founded",
        "grant.given",
        "jurisdiction.welcomed",
        "grant.told",
    ]
    assert bench.hub.verify().ok
