"""When boundaries change or an officer leaves, open work follows: a run that takes some hundred tickets at a time."""

from __future__ import annotations

from typing import Any, NewType

from attrs import evolve

from communitycore.domain.people import Tenure, TenureId
from communitycore.domain.places import Grid, GridId, Word
from communitycore.domain.tickets.moving import Mover, Redrawn, Relieved
from communitycore.domain.tickets.records import DESK, Ticket, TicketId
from communitycore.domain.tickets.states import LOADED, OPEN
from communitycore.kernel.change import Change, begin, many, step, unchanged
from communitycore.kernel.command import Reaction, command
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import Where, where
from communitycore.kernel.record import Indexed, Record, record
from communitycore.kernel.rules import REACTION, TIMER, role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

ReroutingId = NewType("ReroutingId", str)

TOGETHER = 200
"""Tickets in one transaction: each may touch a load besides, and others wait for the jurisdiction meanwhile."""


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
    """One run over open tickets 工单转派: those of a grid whose boundary changed, or what an ended tenure left behind.

    grid or tenure: which, one of both. cursor: the last ticket looked at. seen, moved, reassigned, queued: how many
    were looked at, lie in another grid now, came to another officer, wait for a clerk.
    """

    grid: Indexed[GridId | None] = None
    tenure: Indexed[TenureId | None] = None
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
    return _begun(view, where(Rerouting.grid, grid.id), grid=grid.id)


@command("tickets.relieve", may=role(ADMINISTRATOR) | REACTION)
def relieve(view: View, tenure_id: TenureId) -> Change[Rerouting | None]:
    """Give to others what one has in hand who serves no longer, or no longer there 卸任后的工单转派.

    Runs by itself once a tenure ended or was reassigned. What a rule gave them goes by rule to whoever serves its
    grid now; what a person gave them waits for a clerk once they hold no duty here at all. One at work who still
    serves elsewhere here ends the work. Nothing begins if they have nothing in hand.
    """
    tenure = view.get(Tenure, tenure_id)
    in_hand = Relieved(view, tenure.id).whose
    if view.one(Ticket, in_hand, where(Ticket.status, among=LOADED)) is None:
        return unchanged(None)
    return _begun(view, where(Rerouting.tenure, tenure.id), tenure=tenure.id)


def _begun(view: View, same: Where, *, grid: GridId | None = None, tenure: TenureId | None = None) -> Change[Rerouting]:
    under_way = view.one(Rerouting, same, where(Rerouting.status, ReroutingStatus.RUNNING))
    if under_way is not None:
        change = step("rerouting.restarted", under_way, evolve(under_way, cursor=None))
    else:
        change = begin("rerouting.begun", Rerouting(id=view.new(Rerouting), grid=grid, tenure=tenure))
    return change.at(view.now, continue_rerouting)


@command("tickets.continue_rerouting", may=TIMER)
def continue_rerouting(view: View, rerouting_id: ReroutingId) -> Change[Rerouting]:
    """Take the next part of a run; what was routed before is not touched again."""
    run = view.get(Rerouting, rerouting_id)
    after = None if run.cursor is None else view.get(Ticket, run.cursor)
    mover = _mover(view, run)
    tickets = view.find(Ticket, mover.whose, where(Ticket.status, among=OPEN), limit=TOGETHER, after=after)
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


def _mover(view: View, run: Rerouting) -> Mover:
    if run.tenure is not None:
        return Relieved(view, run.tenure)
    assert run.grid is not None
    return Redrawn(view, run.grid)


REACTIONS = (
    *(
        Reaction(f"tickets.reroute_when_{entry.removeprefix('grid.')}", on=entry, run=reroute)
        for entry in ("grid.split", "grid.merged", "grid.redrawn", "grid.retired")
    ),
    *(
        Reaction(f"tickets.relieve_when_{entry.removeprefix('tenure.')}", on=entry, run=relieve)
        for entry in ("tenure.ended", "tenure.reassigned")
    ),
)
