"""Random lives of tickets: an illegal step is always refused and says what was allowed, and loads always add up."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.domain.tickets_world import BORDER, EAST, PHOTO, WEST, box, build

import communitycore as cc
from communitycore import people, places, tickets
from communitycore.domain.tickets import TICKET_STATES, Ground, Source, Ticket, TicketStatus, WrongStatus

S = TicketStatus
UNHANDLED = {S.REPORTED, S.ACCEPTED, S.DISPATCHED, S.DISPUTED, S.IN_PROGRESS, S.REOPENED}
OPEN = UNHANDLED | {S.HANDLED, S.VERIFIED}

# Written down a second time, by hand, and not taken from the room: where each command takes a ticket up, and where
# it may leave it. None: where it was.
TAKES: dict[str, set[TicketStatus]] = {
    "accept": {S.REPORTED},
    "reject": {S.REPORTED},
    "dispatch": {S.ACCEPTED, S.REOPENED},
    "dispute": {S.DISPATCHED},
    "redispatch": {S.DISPATCHED, S.DISPUTED, S.IN_PROGRESS},
    "escalate": {S.ACCEPTED, S.DISPATCHED, S.DISPUTED, S.IN_PROGRESS, S.REOPENED},
    "start": {S.DISPATCHED},
    "pause": {S.IN_PROGRESS},
    "resume": {S.IN_PROGRESS},
    "extend": {S.IN_PROGRESS},
    "handle": {S.IN_PROGRESS},
    "verify": {S.HANDLED},
    "send_back": {S.HANDLED},
    "close": {S.VERIFIED},
    "call_back": {S.CLOSED},
    "reopen": {S.CLOSED, S.CALLED_BACK},
    "urge": OPEN,
    "withdraw": UNHANDLED,
    "merge": UNHANDLED,
}
LEAVES: dict[str, set[TicketStatus | None]] = {
    "accept": {S.ACCEPTED},
    "reject": {S.REJECTED},
    "dispatch": {S.DISPATCHED, None},
    "dispute": {S.DISPUTED},
    "redispatch": {S.DISPATCHED, S.ACCEPTED},
    "escalate": {S.ACCEPTED, S.REOPENED},
    "start": {S.IN_PROGRESS},
    "pause": {None},
    "resume": {None},
    "extend": {None},
    "handle": {S.HANDLED},
    "verify": {S.VERIFIED},
    "send_back": {S.IN_PROGRESS},
    "close": {S.CLOSED},
    "call_back": {S.CALLED_BACK, S.CLOSED, S.REOPENED},
    "reopen": {S.REOPENED},
    "urge": {None},
    "withdraw": {S.WITHDRAWN, None},
    "merge": {S.MERGED},
}
HANDLERS = {"dispute", "start", "pause", "resume", "extend", "handle"}
# What may refuse a step that the table allows.
OTHERWISE: dict[str, set[str]] = {
    "redispatch": {"tickets.name_assignee"},
    "escalate": {"tickets.nobody_above"},
    "pause": {"tickets.paused"},
    "resume": {"tickets.not_paused"},
    "call_back": {"tickets.nobody_to_call", "tickets.which_reporter", "tickets.not_a_reporter"},
    "merge": {"tickets.cannot_join"},
    "reopen": {"tickets.not_a_reporter"},
    "urge": {"tickets.not_a_reporter", "tickets.urged_already"},
    "withdraw": {"tickets.not_a_reporter"},
}

FORWARD = {"accept", "dispatch", "start", "handle", "verify", "close", "call_back"}


class Lives(RuleBasedStateMachine):
    """Many tickets of a few people, moved at random, mostly forward."""

    def __init__(self) -> None:
        super().__init__()
        self.world = build()
        self.known: list[tickets.TicketId] = [self.world.reported(point=WEST).id for _ in range(3)]
        self.split = False

    @rule(
        who=st.sampled_from(["reporter", "neighbour", "anna", "bo", None]),
        place=st.sampled_from([WEST, EAST, WEST, BORDER, None]),
        heavy=st.booleans(),
        source=st.sampled_from([Source.APP, Source.PATROL]),
    )
    def report(self, who: str | None, place: cc.Point | None, heavy: bool, source: Source) -> None:
        world = self.world
        reporter = None if who is None else getattr(world, who)
        category = world.lamp.id if heavy else world.litter.id
        ticket = world.reported(reporter=reporter, point=place, category=category, source=source)
        self.known.append(ticket.id)

    @precondition(lambda self: self.known)
    @rule(n=st.integers(0, 9), name=st.sampled_from(sorted(TAKES)), flag=st.booleans(), other=st.integers(0, 9))
    def any_step(self, n: int, name: str, flag: bool, other: int) -> None:
        self.do(self.known[n % len(self.known)], name, flag, self.known[other % len(self.known)])

    @precondition(lambda self: self.known)
    @rule(chance=st.randoms(use_true_random=True))
    def a_stretch(self, chance: Random) -> None:
        """Steps that the table allows, mostly forward; what Hypothesis draws itself stays near a life's beginning."""
        for _ in range(12):
            id, other = chance.choice(self.known), chance.choice(self.known)
            status = self.world.ticket(id).status
            fitting = sorted(name for name, takes in TAKES.items() if status in takes)
            if fitting:
                name = chance.choices(fitting, [8 if name in FORWARD else 2 for name in fitting])[0]
                self.do(id, name, chance.random() < 0.5, other)

    @precondition(lambda self: not self.split and len(self.known) > 3)
    @rule(officer=st.sampled_from(["anna", "neighbour"]))
    def split_the_west(self, officer: str) -> None:
        world = self.world
        self.split = True
        halves = (
            places.Part(name="西北", area=box(117, 36.875, 117.0625, 37)),
            places.Part(name="西南", area=box(117, 36.75, 117.0625, 36.875)),
        )
        made = world.admin.do(places.split_grid, world.west, parts=halves)
        world.appoint(getattr(world, officer), made[0].id)
        world.appoint(getattr(world, officer), made[1].id)
        world.hub.run_due()

    @rule(minutes=st.integers(1, 600))
    def wait(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))

    def do(self, id: tickets.TicketId, name: str, flag: bool, other: tickets.TicketId) -> None:
        world, before = self.world, self.world.ticket(id)
        if name in HANDLERS and before.bearer is None:
            return
        if flag and before.merged_into is not None:
            return  # a reporter who names it acts on the one it became part of
        chosen = world.ref(world.cai) if before.answers is not None else self.lightest(before)
        refused = self.call(before, name, flag, other)
        if refused is not None:
            if isinstance(refused, WrongStatus):
                assert before.status not in TAKES[name]
                assert set(refused.allowed) == {str(status) for status in TAKES[name]}
            else:
                assert refused.code in OTHERWISE.get(name, set()), refused
                assert before.status in TAKES[name] or refused.code == "tickets.not_a_reporter"
            assert world.ticket(id) == before
            return
        after = world.ticket(id)
        assert before.status in TAKES[name]
        assert (after.status in LEAVES[name]) or (None in LEAVES[name] and after.status is before.status)
        if name == "dispatch":
            assert after.assignee == chosen

    def call(self, ticket: Ticket, name: str, flag: bool, other: tickets.TicketId) -> cc.Refused | None:
        """Do it; gives what refused it."""
        world = self.world
        command: Any = getattr(tickets, name)
        given: dict[str, dict[str, Any]] = {
            "dispatch": {} if ticket.answers is None else {"to": world.ref(world.cai)},
            "reject": {"ground": Ground.NOT_OURS, "reason": "不属于本社区"},
            "extend": {"until": world.clock() + timedelta(days=1000 + ticket.extensions), "reason": "缺料"},
            "handle": {"evidence": PHOTO, "report": "已修"},
            "verify": {"evidence": PHOTO},
            "call_back": {"satisfied": flag},
            "merge": {"into": other, "reason": "同一件事"},
        }
        if name in {"dispute", "redispatch", "escalate", "pause", "send_back", "reopen", "withdraw"}:
            given[name] = {"reason": "有理由"}
        desk = world.clerk
        if name in HANDLERS:
            desk = world.hand(ticket)
        elif name == "verify":
            desk = world.supervisor
        elif name in {"urge", "withdraw", "call_back", "reopen"} and flag:
            rows = world.clerk.find(tickets.TicketReporter, cc.where(tickets.TicketReporter.born, ticket.id))
            if rows[0].party is not None:
                desk = world.desk(rows[0].party)
        try:
            desk.do(command, ticket.id, **given.get(name, {}))
        except cc.Refused as refused:
            return refused
        return None

    def lightest(self, ticket: Ticket) -> cc.Ref | None:
        """Whom routing must choose, found the slow way."""
        world = self.world
        if ticket.point is None:
            return None
        grids = [
            grid
            for grid in world.admin.find(places.Grid)
            if grid.status == "active" and grid.area.contains(ticket.point.lon, ticket.point.lat)
        ]
        if len(grids) != 1:
            grids = [grid for grid in grids if grid.id == ticket.grid]
        if not grids:
            return None
        tenures = world.admin.find(people.Tenure, cc.where(people.Tenure.grid, grids[0].id))
        complaining = {world.ref(r.party) for r in world.behind(ticket.id) if r.live and r.party and not r.on_duty}
        loads = world.counted_loads()
        free = [t.holder for t in tenures if t.holder not in complaining]
        return min(free, key=lambda ref: (loads.get(ref, (0, 0))[1], str(ref)), default=None)

    @invariant()
    def loads_add_up(self) -> None:
        assert self.world.loads() == self.world.counted_loads()

    @invariant()
    def what_a_ticket_counts_is_so(self) -> None:
        world = self.world
        for ticket in world.all():
            if ticket.status not in {S.WITHDRAWN, S.MERGED}:
                assert ticket.reporters == sum(row.callable for row in world.behind(ticket.id))
            assert ticket.paused_at is None or ticket.status is S.IN_PROGRESS
            assert ticket.to_call == 0 or ticket.status in {S.CLOSED, S.CALLED_BACK}
            for officer in (ticket.assignee, ticket.unit):
                own = {world.ref(row.party) for row in world.behind(ticket.id) if row.complains and row.party}
                assert officer not in own or ticket.burden is None

    def teardown(self) -> None:
        assert self.world.hub.verify().ok
        assert self.world.hub.parked(self.world.home) == []


LivesTest = Lives.TestCase
LivesTest.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    phases=(Phase.generate,),  # a stretch is drawn from a seed, which shrinking can only throw away
    suppress_health_check=[HealthCheck.too_slow],
)


def test_the_table_allows_no_step_that_no_command_takes() -> None:
    taken = {(before, after) for name, takes in TAKES.items() for before in takes for after in LEAVES[name]}
    taken.add((S.CALLED_BACK, S.REOPENED))
    allowed = {(before, after) for before, following in TICKET_STATES.then.items() for after in following}
    assert allowed <= taken
