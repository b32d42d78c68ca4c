"""When boundaries change, open work follows: a run that takes some hundred tickets at a time."""

from __future__ import annotations

from typing import Any, NewType

from attrs import evolve

from communitycore.domain.people import Tenure, officers_index, officers_of
from communitycore.domain.places import Grid, GridId, GridStatus, Word, active_grids
from communitycore.domain.tickets.dispatching import queued, running
from communitycore.domain.tickets.records import DESK, Ticket, TicketId
from communitycore.domain.tickets.recusal import Concerned, reporters_of
from communitycore.domain.tickets.routing import Router, placed, weight_of
from communitycore.domain.tickets.states import OPEN, TicketStatus
from communitycore.domain.tickets.words import Reason, Why
from communitycore.kernel.change import Change, begin, many, step
from communitycore.kernel.command import Reaction, command
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Record, record
from communitycore.kernel.rules import REACTION, TIMER, role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

ReroutingId = NewType("ReroutingId", str)

TOGETHER = 200
"""Tickets in one transaction: each may touch a load besides, and others wait for the jurisdiction meanwhile."""

_S = TicketStatus


class ReroutingStatus(Word):
    """Whether tickets are left to look at."""

    RUNNING = "running", "进行中"
    DONE = "done", "已完成"


REROUTING_STATES = States(
    ReroutingStatus, start={ReroutingStatus.RUNNING}, then={ReroutingStatus.RUNNING: {ReroutingStatus.DONE}}
)


@record("rerouting", states=REROUTING_STATES, read=DESK | role(ADMINISTRATOR))
@frozen(kw_only=True)
class Rerouting(Record[ReroutingId]):
    """One run over the open tickets of a grid whose boundary changed 网格调整后的工单转派.

    cursor: the last ticket looked at. seen, moved, reassigned, queued: how many were looked at, lie in another grid
    now, came to another officer, wait for a clerk.
    """

    grid: Indexed[GridId]
    status: Indexed[ReroutingStatus] = ReroutingStatus.RUNNING
    cursor: TicketId | None = None
    seen: int = 0
    moved: int = 0
    reassigned: int = 0
    queued: int = 0


@command("tickets.reroute", may=role(ADMINISTRATOR) | REACTION)
def reroute(view: View, grid_id: GridId) -> Change[Rerouting]:
    """Route the open tickets of a grid anew, a part at once and the rest by timer.

    Runs by itself once a grid was split, merged, redrawn or retired. A run under way begins again from the first.
    """
    grid = view.get(Grid, grid_id)
    running_now = view.one(Rerouting, where(Rerouting.grid, grid.id), where(Rerouting.status, ReroutingStatus.RUNNING))
    if running_now is not None:
        change = step("rerouting.restarted", running_now, evolve(running_now, cursor=None))
    else:
        change = begin("rerouting.begun", Rerouting(id=view.new(Rerouting), grid=grid.id))
    return change.at(view.now, continue_rerouting)


@command("tickets.continue_rerouting", may=TIMER)
def continue_rerouting(view: View, rerouting_id: ReroutingId) -> Change[Rerouting]:
    """Take the next part of a run; what was routed before is not touched again."""
    run = view.get(Rerouting, rerouting_id)
    after = None if run.cursor is None else view.get(Ticket, run.cursor)
    tickets = view.find(
        Ticket, where(Ticket.grid, run.grid), where(Ticket.status, among=OPEN), limit=TOGETHER, after=after
    )
    mover = _Mover(view, run.grid)
    steps = [step("ticket.rerouted", *pair) for ticket in tickets if (pair := mover.move(ticket)) is not None]
    done = len(tickets) < TOGETHER
    now = evolve(
        run,
        status=ReroutingStatus.DONE if done else ReroutingStatus.RUNNING,
        cursor=tickets[-1].id if tickets else run.cursor,
        seen=run.seen + len(tickets),
        moved=run.moved + mover.moved,
        reassigned=run.reassigned + mover.reassigned,
        queued=run.queued + mover.queued,
    )
    change: Change[Any] = step("rerouting.ended" if done else "rerouting.continued", run, now)
    result = change.result
    change = change.also(many(steps), *mover.router.loads.changes())
    return (change if done else change.at(view.now, continue_rerouting)).giving(result)


class _Mover:
    """Moves the tickets of one grid, one after the other, and counts."""

    def __init__(self, view: View, grid: GridId) -> None:
        self._view = view
        self._old = view.get(Grid, grid)
        self._heir = _heir(view, self._old)
        self.router = Router(view)
        self.moved = self.reassigned = self.queued = 0

    def move(self, ticket: Ticket) -> tuple[Ticket, Ticket] | None:
        """The ticket before and after; None if it stays as it is."""
        view = self._view
        place = placed(view, evolve(ticket, grid=self._heir) if self._follows(ticket) else ticket)
        if place.grids == (ticket.grid,):
            return None
        at = place.one
        after = self._routed(ticket, at) if self._is_open_to_routing(ticket) else evolve(ticket, grid=at)
        self.router.loads.move(ticket, after)
        self.moved += after.grid is not None
        self.reassigned += after.assignee is not None and after.assignee != ticket.assignee
        self.queued += after.assignee is None and ticket.assignee is not None
        return ticket, after

    def _follows(self, ticket: Ticket) -> bool:
        """Whether only its grid tells where it lies, so that it follows the grid's one successor."""
        return ticket.point is None and ticket.venue is None and ticket.dwelling is None and self._heir is not None

    def _is_open_to_routing(self, ticket: Ticket) -> bool:
        """Whether a rule chose, or would choose, who handles it; what a person decided stands."""
        if ticket.answers is not None or ticket.unit is not None:
            return False
        if ticket.status is _S.ACCEPTED:
            return True
        return ticket.status in (_S.DISPATCHED, _S.IN_PROGRESS) and ticket.why is not None and ticket.why.automatic

    def _routed(self, ticket: Ticket, at: GridId | None) -> Ticket:
        bearer, old = ticket.assignee, self._old.name
        if bearer is not None and at is not None and self._keeps(ticket, bearer, at):
            name = self._view.get(Grid, at).name
            why = Why(reason=Reason.STAYED, grids=(at,), names=(name,), moved_from=old)
            return evolve(ticket, grid=at, why=why)
        standing = evolve(ticket, grid=at)
        route = self.router.route(standing, moved_from=old)
        standing = running(standing, self._view.now)
        if route.officer is None:
            return queued(standing, route.grid, route.why)
        return evolve(
            standing,
            status=_S.DISPATCHED,
            grid=route.grid,
            assignee=route.officer,
            why=route.why,
            weight=weight_of(self._view, ticket),
            first_receiver=ticket.first_receiver or route.officer,
        )

    def _keeps(self, ticket: Ticket, bearer: Ref, at: GridId) -> bool:
        """Whether it stays with whoever has it: an officer of its grid now, or one at work on it who still serves."""
        if self.router.bench.stands_aside(bearer, Concerned(ticket, reporters_of(self._view, ticket))):
            return False
        if bearer in officers_of(self._view, at):
            return True
        return ticket.status is _S.IN_PROGRESS and self._serves(bearer)

    def _serves(self, officer: Ref) -> bool:
        held = self._view.derive(officers_index, Tenure).by_holder.get(officer, ())
        return any(
            tenure.serves(self._view.now)
            and tenure.grid is not None
            and self._view.get(Grid, tenure.grid).status is GridStatus.ACTIVE
            for tenure in held
        )


def _heir(view: View, grid: Grid) -> GridId | None:
    """The one grid that took a retired one's whole place."""
    if grid.status is GridStatus.ACTIVE:
        return None
    heirs = [other.id for other in view.derive(active_grids, Grid) if grid.id in other.came_from]
    return heirs[0] if len(heirs) == 1 else None


REACTIONS = tuple(
    Reaction(f"tickets.reroute_when_{entry.removeprefix('grid.')}", on=entry, run=reroute)
    for entry in ("grid.split", "grid.merged", "grid.redrawn", "grid.retired")
)
