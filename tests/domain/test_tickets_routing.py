"""Routing against a plain model, and open work that follows when boundaries change."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.tickets_world import EAST, WEST, World, box, build, everything

import communitycore as cc
from communitycore import people, places, tickets
from communitycore.domain.places import GridId
from communitycore.domain.roles import GRID_OFFICER
from communitycore.domain.tickets import Reason, Rerouting, ReroutingStatus, Source, Ticket, TicketStatus

S = TicketStatus
NORTH, SOUTH = cc.Point(117.03125, 36.9375), cc.Point(117.03125, 36.8125)
HALVES = (
    places.Part(name="西北", area=box(117, 36.875, 117.0625, 37)),
    places.Part(name="西南", area=box(117, 36.75, 117.0625, 36.875)),
)


@pytest.fixture
def world() -> World:
    return build()


@given(
    reports=st.lists(
        st.tuples(
            st.sampled_from(["anna", "bo", "cai", "reporter", "neighbour"]),
            st.sampled_from(["west", "east"]),
            st.sampled_from([1, 3]),
            st.sampled_from([None, "anna", "bo"]),
            st.booleans(),
        ),
        max_size=14,
    ),
    aside=st.lists(
        st.tuples(st.sampled_from(["anna", "bo", "cai"]), st.sampled_from(["reporter", "neighbour"])), max_size=3
    ),
    third=st.booleans(),
)
@settings(max_examples=25)
def test_the_lightest_who_may_gets_it(
    reports: list[tuple[str, str, int, str | None, bool]], aside: list[tuple[str, str]], third: bool
) -> None:
    world = build()
    officers = {"west": ["anna", "bo"], "east": ["cai"]}
    if third:
        world.appoint(world.cai, world.west)
        officers["west"].append("cai")
    for officer, party in aside:
        world.clerk.do(
            tickets.recuse, officer=world.ref(getattr(world, officer)), party=getattr(world, party), reason="亲属"
        )
    weights: Counter[str] = Counter()
    for reporter, where, weight, about, patrol in reports:
        ticket = world.reported(
            reporter=getattr(world, reporter),
            point=WEST if where == "west" else EAST,
            category=world.lamp.id if weight == 3 else world.litter.id,
            about=None if about is None else getattr(world, about),
            source=Source.PATROL if patrol else Source.APP,
        )
        world.clerk.do(tickets.accept, ticket.id)
        made = world.clerk.do(tickets.dispatch, ticket.id)
        between = {about} | (set() if patrol else {reporter})
        free = [
            officer
            for officer in officers[where]
            if officer not in between and not any((officer, party) in aside for party in between)
        ]
        assert made.why is not None
        if not free:
            assert (made.status, made.assignee, made.why.reason) == (S.ACCEPTED, None, Reason.NOBODY)
            continue
        chosen = min(free, key=lambda officer: (weights[officer], getattr(world, officer)))
        assert made.assignee == world.ref(getattr(world, chosen))
        assert (made.why.load, made.why.among) == (weights[chosen], len(free))
        weights[chosen] += weight
    assert world.loads() == world.counted_loads()


def test_a_stand_in_gets_what_the_absent_officer_would(world: World) -> None:
    tenure = world.admin.find(people.Tenure, cc.where(people.Tenure.holder, world.ref(world.cai)))[0]
    deputy = world.ref(world.neighbour)
    world.admin.do(people.set_absent, tenure.id, until=world.clock().replace(year=2025), stand_in=deputy)
    assert world.dispatched(point=EAST).assignee == deputy


def test_one_recused_is_neither_found_nor_named_and_the_refusal_does_not_say_why(world: World) -> None:
    ticket = world.accepted(point=EAST)
    cai = world.ref(world.cai)
    recusal = world.desk(world.cai).do(tickets.recuse, officer=cai, ticket=ticket.id, reason="邻居")
    assert world.clerk.do(tickets.dispatch, ticket.id).assignee is None
    with pytest.raises(tickets.Recused) as refused:
        world.clerk.do(tickets.dispatch, ticket.id, to=cai)
    assert world.reporter not in repr(refused.value)
    world.clerk.do(tickets.lift_recusal, recusal.id)
    with pytest.raises(tickets.RecusalEnded):
        world.clerk.do(tickets.lift_recusal, recusal.id)
    assert world.clerk.do(tickets.dispatch, ticket.id).assignee == cai


def test_an_officer_from_above_is_known_by_the_party_they_are_here(world: World) -> None:
    twin = world.new("区级专员")
    above = cc.Ref(world.district, "inspector")
    world.admin.do(people.link_same, twin, same_as=above)
    ticket = world.accepted(reporter=twin)
    with pytest.raises(tickets.Recused):
        world.clerk.do(tickets.dispatch, ticket.id, to=above)


def test_a_recusal_is_from_one_thing_that_exists(world: World) -> None:
    cai = world.ref(world.cai)
    with pytest.raises(tickets.RecusalUnclear):
        world.clerk.do(tickets.recuse, officer=cai, reason="x")
    with pytest.raises(tickets.RecusalUnclear):
        world.clerk.do(tickets.recuse, officer=cai, reason="x", party=world.reporter, ticket=tickets.TicketId("t"))
    with pytest.raises(cc.Refused):
        world.clerk.do(tickets.recuse, officer=cai, reason="x", party=people.PartyId("nobody"))
    with pytest.raises(cc.Refused):
        world.desk(world.anna).do(tickets.recuse, officer=cai, reason="x", party=world.reporter)


# boundaries


def split(world: World) -> tuple[GridId, GridId]:
    north, south = world.admin.do(places.split_grid, world.west, parts=HALVES)
    return north.id, south.id


def runs(world: World) -> list[Rerouting]:
    return world.clerk.find(Rerouting)


def test_open_work_follows_a_split_and_closed_work_stays(world: World) -> None:
    here = {
        "queued": world.accepted(point=SOUTH),
        "dispatched": world.dispatched(point=NORTH),
        "started": world.started(point=SOUTH),
        "handled": world.handled(point=SOUTH),
        "closed": world.closed(point=SOUTH),
        "named": world.accepted(point=NORTH),
        "sent up": world.dispatched(point=NORTH),
        "eastern": world.dispatched(point=EAST),
    }
    company = world.ref(world.company)
    world.clerk.do(tickets.dispatch, here["named"].id, unit=company)
    world.clerk.do(tickets.escalate, here["sent up"].id, reason="需上级协调")
    north, south = split(world)
    world.appoint(world.neighbour, north)
    world.hub.run_due()
    now = {name: world.ticket(ticket.id) for name, ticket in here.items()}
    grids = {name: ticket.grid for name, ticket in now.items()}
    assert grids == {
        "queued": None,  # never dispatched, so it has no grid yet
        "dispatched": north,
        "started": south,
        "handled": south,
        "closed": world.west,
        "named": north,
        "sent up": north,
        "eastern": world.east,
    }
    assert now["dispatched"].assignee == world.ref(world.neighbour)
    assert now["dispatched"].why is not None
    assert now["dispatched"].why.say().endswith("It lay in 西网格 before.")
    assert (now["started"].status, now["started"].assignee) == (S.ACCEPTED, None)  # the south has no officer yet
    assert (now["named"].unit, now["named"].status) == (company, S.DISPATCHED)
    assert now["sent up"].status is S.ACCEPTED
    assert world.loads() == world.counted_loads()
    [run] = runs(world)
    assert (run.status, run.grid) == (ReroutingStatus.DONE, world.west)
    assert world.hub.verify().ok


def test_one_at_work_who_still_serves_keeps_the_work(world: World) -> None:
    ticket = world.started(point=SOUTH)
    waiting = world.dispatched(point=SOUTH)
    officer = ticket.assignee
    assert officer is not None
    north, south = split(world)
    world.admin.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=north)
    world.appoint(world.neighbour, south)
    world.hub.run_due()
    kept = world.ticket(ticket.id)
    assert (kept.grid, kept.assignee, kept.status) == (south, officer, S.IN_PROGRESS)
    assert kept.why is not None
    assert kept.why.reason is Reason.STAYED
    assert world.ticket(waiting.id).assignee == world.ref(world.neighbour)


def test_work_without_a_point_follows_a_merger(world: World) -> None:
    ticket = world.accepted(point=None)
    world.clerk.do(tickets.dispatch, ticket.id, grid=world.west)
    flat = world.clerk.do(places.add_dwelling, building="3", room="501", grid=world.west)
    housed = world.dispatched(point=None, dwelling=flat.id)
    whole = world.admin.do(places.merge_grids, (world.west, world.east), name="全网格")
    world.appoint(world.neighbour, whole.id)
    world.hub.run_due()
    for id in (ticket.id, housed.id):
        before, now = housed if id == housed.id else world.clerk.get(Ticket, id), world.ticket(id)
        # Whoever served the old grid serves the whole one, so it stays with them.
        assert (now.grid, now.assignee) == (whole.id, before.assignee)
        assert now.assignee in (world.ref(world.anna), world.ref(world.bo))
        assert now.why is not None
        assert now.why.reason is Reason.STAYED


def test_a_redrawn_grid_keeps_what_still_lies_in_it(world: World) -> None:
    stays, goes = world.dispatched(point=NORTH), world.dispatched(point=SOUTH)
    world.admin.do(places.redraw_grid, world.west, area=box(117, 36.875, 117.0625, 37))
    world.hub.run_due()
    assert world.ticket(stays.id) == stays
    gone = world.ticket(goes.id)
    assert (gone.status, gone.grid, gone.assignee) == (S.ACCEPTED, None, None)
    assert gone.why is not None
    assert gone.why.reason is Reason.NO_GRID


def test_rerouting_1500_tickets_takes_several_commands_and_finds_nothing_the_second_time(world: World) -> None:
    desk = world.desk(world.reporter)
    points = [NORTH if n % 3 else SOUTH for n in range(1_500)]
    calls = [
        tickets.report.call(
            source=Source.APP, title=f"路灯 {n}", reporter=world.reporter, category=world.litter.id, point=point
        )
        for n, point in enumerate(points)
    ]
    made = [outcome.get() for outcome in desk.do_many(calls)]
    for each in (tickets.accept, tickets.dispatch):
        for outcome in world.clerk.do_many([each.call(ticket.id) for ticket in made]):
            outcome.get()
    assert world.loads() == {world.ref(world.anna): (750, 750), world.ref(world.bo): (750, 750)}
    north, south = split(world)
    world.appoint(world.neighbour, north)
    world.appoint(world.reporter, south)  # who must stand aside from every one of them
    before = len(world.hub.journal(world.home, limit=100_000))
    world.hub.run_due()
    [run] = runs(world)
    assert (run.status, run.seen, run.moved, run.reassigned, run.queued) == (
        ReroutingStatus.DONE,
        1_500,
        1_500,
        1_000,
        500,
    )
    entries = world.hub.journal(world.home, before, limit=100_000)
    # each command begins with a step of the run
    names = " ".join(entry.name.replace("rerouting.", "|") for entry in entries)
    parts = [part.count("ticket.rerouted") for part in names.split("|")]
    assert [part for part in parts if part] == [200] * 7 + [100]
    assert Counter(entry.record for entry in entries if entry.name == "ticket.rerouted").most_common(1)[0][1] == 1
    now = everything(world.clerk, Ticket)
    assert Counter((ticket.grid, ticket.status, ticket.assignee) for ticket in now) == {
        (north, S.DISPATCHED, world.ref(world.neighbour)): 1_000,
        (south, S.ACCEPTED, None): 500,
    }
    assert world.loads() == world.counted_loads()

    world.admin.do(tickets.reroute, world.west)
    world.hub.run_due()
    again = [run for run in runs(world) if run.seen == 0]
    assert len(again) == 1
    assert everything(world.clerk, Ticket) == now
    assert world.hub.verify().ok


def test_a_run_under_way_begins_again_when_the_map_changes_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from communitycore.domain.tickets import rerouting

    monkeypatch.setattr(rerouting, "TOGETHER", 2)
    made = [world.dispatched(point=SOUTH) for _ in range(5)]
    world.admin.do(places.redraw_grid, world.west, area=box(117, 36.8, 117.0625, 37))
    assert world.hub.run_due(limit=1) == 1
    [run] = runs(world)
    assert (run.status, run.seen) == (ReroutingStatus.RUNNING, 2)
    world.admin.do(places.redraw_grid, world.west, area=box(117, 36.875, 117.0625, 37))
    world.hub.run_due()
    assert {world.ticket(ticket.id).grid for ticket in made} == {None}
    assert all(run.status is ReroutingStatus.DONE for run in runs(world))


def test_work_whose_clock_stands_is_rerouted_with_the_clock_running(world: World) -> None:
    ticket = world.started(point=SOUTH)
    world.hand(ticket).do(tickets.pause, ticket.id, reason="等配件")
    world.clock.advance(timedelta(minutes=1))
    split(world)
    world.hub.run_due()
    now = world.ticket(ticket.id)
    assert (now.status, now.paused_at, now.paused_seconds) == (S.ACCEPTED, None, 60)


# officers who leave


def tenure_of(world: World, party: str) -> people.Tenure:
    [tenure] = world.admin.find(people.Tenure, cc.where(people.Tenure.holder, world.ref(party)))
    return tenure


def leave(world: World, party: str) -> None:
    world.admin.do(people.end_tenure, tenure_of(world, party).id)
    world.hub.run_due()


def given_to(world: World, party: str, **more: Any) -> Ticket:
    """A ticket in the West that a rule gave to this officer of the two."""
    other = world.bo if party == world.anna else world.anna
    ticket = world.dispatched(about=other, **more)  # the other stands aside, for now
    assert ticket.assignee == world.ref(party)
    return ticket


def test_what_a_leaving_officer_had_in_hand_goes_to_whoever_serves_the_grid_now(world: World) -> None:
    anna, bo, company = (world.ref(each) for each in (world.anna, world.bo, world.company))
    made = [world.dispatched(reporter=world.neighbour) for _ in range(8)]
    hers = [ticket for ticket in made if ticket.assignee == anna]
    his = [ticket for ticket in made if ticket.assignee == bo]
    assert len(hers) == len(his) == 4
    waiting, begun, disputed, done = hers
    world.desk(anna).do(tickets.start, begun.id)
    world.desk(anna).do(tickets.pause, begun.id, reason="等配件")
    world.desk(anna).do(tickets.dispute, disputed.id, reason="不属网格")
    world.desk(anna).do(tickets.start, done.id)
    world.desk(anna).do(tickets.handle, done.id, evidence=("photo:1",), report="已修")
    named, with_unit, closed = world.accepted(), world.accepted(), world.closed(point=EAST)
    world.clerk.do(tickets.dispatch, named.id, to=anna)
    world.clerk.do(tickets.dispatch, with_unit.id, to=anna, unit=company)
    world.clock.advance(timedelta(minutes=1))
    leave(world, world.anna)
    for ticket in (waiting, begun, disputed):
        now = world.ticket(ticket.id)
        assert (now.status, now.assignee, now.grid) == (S.DISPATCHED, bo, world.west)
        assert now.why is not None
        assert (now.why.reason, now.why.among) == (Reason.LIGHTEST, 1)
        assert now.first_receiver == anna  # 首接负责 stays on record
    assert (world.ticket(begun.id).paused_at, world.ticket(begun.id).paused_seconds) == (None, 60)
    assert anna in world.ticket(begun.id).handlers
    assert world.ticket(done.id).status is S.HANDLED
    queued = world.ticket(named.id)
    assert (queued.status, queued.assignee) == (S.ACCEPTED, None)
    assert queued.why is not None
    assert (queued.why.reason, "no longer" in queued.why.say()) == (Reason.LEFT, True)
    left = world.ticket(with_unit.id)
    assert (left.status, left.assignee, left.unit) == (S.DISPATCHED, None, company)
    world.desk(company).do(tickets.start, with_unit.id)
    assert [world.ticket(ticket.id) for ticket in (*his, closed)] == [*his, closed]
    assert world.loads() == world.counted_loads()
    [run] = runs(world)
    assert (run.status, run.grid, run.tenure) == (ReroutingStatus.DONE, None, tenure_of(world, world.anna).id)
    assert (run.seen, run.moved, run.reassigned, run.queued) == (6, 0, 3, 1)
    assert world.hub.verify().ok


def test_where_nobody_else_serves_the_work_waits_for_a_clerk(world: World) -> None:
    ticket = world.started(point=EAST)
    leave(world, world.cai)
    now = world.ticket(ticket.id)
    assert (now.status, now.assignee, now.grid) == (S.ACCEPTED, None, world.east)
    assert now.why is not None
    assert now.why.reason is Reason.NOBODY
    with pytest.raises(cc.Refused):
        world.desk(world.cai).do(tickets.handle, ticket.id, evidence=("photo:1",), report="已修")
    world.appoint(world.neighbour, world.east)
    assert world.clerk.do(tickets.dispatch, ticket.id).assignee == world.ref(world.neighbour)


def test_a_tenure_that_runs_out_relieves_as_one_that_is_ended(world: World) -> None:
    ticket = world.dispatched(point=EAST)
    world.admin.do(people.extend_tenure, tenure_of(world, world.cai).id, until=world.clock() + timedelta(days=1))
    world.appoint(world.neighbour, world.east)
    world.clock.advance(timedelta(hours=23))
    world.hub.run_due()
    assert world.ticket(ticket.id).assignee == world.ref(world.cai)
    world.clock.advance(timedelta(hours=1))
    world.hub.run_due()
    assert world.ticket(ticket.id).assignee == world.ref(world.neighbour)


def test_one_who_serves_on_elsewhere_ends_what_they_are_at_and_what_a_clerk_gave_them(world: World) -> None:
    world.appoint(world.anna, world.east)
    begun, waiting = given_to(world, world.anna), given_to(world, world.anna)
    world.desk(world.anna).do(tickets.start, begun.id)
    named = world.accepted()
    world.clerk.do(tickets.dispatch, named.id, to=world.ref(world.anna))
    [western] = [
        tenure
        for tenure in world.admin.find(people.Tenure, cc.where(people.Tenure.holder, world.ref(world.anna)))
        if tenure.grid == world.west
    ]
    world.admin.do(people.end_tenure, western.id)
    world.hub.run_due()
    for ticket in (begun, named):
        assert world.ticket(ticket.id).assignee == world.ref(world.anna)
    now = world.ticket(waiting.id)
    assert (now.status, now.assignee) == (S.ACCEPTED, None)  # the other officer must stand aside
    assert world.loads() == world.counted_loads()


def test_reassigning_an_officer_leaves_the_old_grids_work_to_those_who_serve_it(world: World) -> None:
    waiting = world.dispatched(point=EAST)
    begun = world.started(point=EAST)
    world.admin.do(people.reassign, tenure_of(world, world.cai).id, grid_id=world.west)
    world.appoint(world.neighbour, world.east)
    world.hub.run_due()
    assert world.ticket(waiting.id).assignee == world.ref(world.neighbour)
    kept = world.ticket(begun.id)
    assert (kept.assignee, kept.status, kept.grid) == (world.ref(world.cai), S.IN_PROGRESS, world.east)


def test_with_a_tenure_its_stand_ins_are_relieved_of_what_they_got_by_it(world: World) -> None:
    deputy = world.ref(world.neighbour)
    tenure = tenure_of(world, world.cai)
    world.admin.do(people.set_absent, tenure.id, until=world.clock() + timedelta(days=3), stand_in=deputy)
    by_rule, by_name = world.dispatched(point=EAST), world.accepted(point=EAST)
    assert by_rule.assignee == deputy
    world.clerk.do(tickets.dispatch, by_name.id, to=deputy)
    world.clock.advance(timedelta(hours=1))
    world.appoint(world.anna, world.east)
    leave(world, world.cai)
    assert world.ticket(by_rule.id).assignee == world.ref(world.anna)
    assert world.ticket(by_name.id).assignee == deputy  # a clerk chose them, whoever they stood in for
    assert world.loads() == world.counted_loads()


def test_one_known_by_another_name_is_relieved_too(world: World) -> None:
    above = cc.Ref(world.district, "inspector")
    twin = world.new("区级专员")
    world.admin.do(people.link_same, twin, same_as=above)
    world.admin.do(people.appoint, holder=above, duty=GRID_OFFICER, grid_id=world.east)
    named = world.accepted(point=EAST)
    world.clerk.do(tickets.dispatch, named.id, to=world.ref(twin))
    [tenure] = world.admin.find(people.Tenure, cc.where(people.Tenure.holder, above))
    world.admin.do(people.end_tenure, tenure.id)
    world.hub.run_due()
    assert world.ticket(named.id).assignee is None


def test_one_who_leaves_with_nothing_in_hand_begins_no_run(world: World) -> None:
    world.verified(point=EAST)
    leave(world, world.cai)
    leave(world, world.anna)
    assert runs(world) == []
    assert world.admin.do(tickets.relieve, tenure_of(world, world.cai).id) is None


def test_many_tickets_of_one_who_leaves_are_taken_part_by_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from communitycore.domain.tickets import rerouting

    monkeypatch.setattr(rerouting, "TOGETHER", 3)
    made = [world.dispatched(point=EAST, category=world.litter.id) for _ in range(10)]
    for party in (world.anna, world.bo):
        world.appoint(party, world.east)
    leave(world, world.cai)
    now = Counter(world.ticket(ticket.id).assignee for ticket in made)
    assert now == {world.ref(world.anna): 5, world.ref(world.bo): 5}
    [run] = runs(world)
    assert (run.seen, run.reassigned, run.status) == (10, 10, ReroutingStatus.DONE)
    assert world.loads() == world.counted_loads()
