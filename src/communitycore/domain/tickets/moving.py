"""What becomes of one open ticket when its grid's boundary changed, or when whoever has it serves no longer."""

from __future__ import annotations

from abc import ABC, abstractmethod

from attrs import evolve

from communitycore.domain.people import Tenure, TenureId, officers_index, officers_of, tenures_of
from communitycore.domain.places import Grid, GridId, GridStatus, heir_of
from communitycore.domain.tickets.dispatching import queued, running
from communitycore.domain.tickets.records import Ticket
from communitycore.domain.tickets.recusal import Concerned, names_of, reporters_of
from communitycore.domain.tickets.routing import Router, placed, weight_of
from communitycore.domain.tickets.states import LOADED, TicketStatus
from communitycore.domain.tickets.words import Reason, Why
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import Where, where
from communitycore.kernel.view import View

_S = TicketStatus


class Mover(ABC):
    """Moves open tickets, one after the other, so that each sees what the ones before it weigh; and counts."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.router = Router(view)
        self.moved = self.reassigned = self.queued = 0

    @property
    @abstractmethod
    def whose(self) -> Where:
        """Which open tickets it looks at."""

    @abstractmethod
    def after(self, ticket: Ticket) -> Ticket:
        """The ticket as it has to be now; itself if it stays as it is."""

    def move(self, ticket: Ticket) -> tuple[Ticket, Ticket] | None:
        """The ticket before and after; None if it stays as it is."""
        after = self.after(ticket)
        if after == ticket:
            return None
        self.router.loads.move(ticket, after)
        self.moved += after.grid is not None and after.grid != ticket.grid
        self.reassigned += after.assignee is not None and after.assignee != ticket.assignee
        self.queued += after.bearer is None and ticket.bearer is not None
        return ticket, after

    def routed(self, ticket: Ticket, moved_from: str | None = None) -> Ticket:
        """The ticket given to whom a rule finds, or in the clerk's queue."""
        route = self.router.route(ticket, moved_from=moved_from)
        standing = running(ticket, self.view.now)
        if route.officer is None:
            return queued(standing, route.grid, route.why)
        return evolve(
            standing,
            status=_S.DISPATCHED,
            grid=route.grid,
            assignee=route.officer,
            why=route.why,
            weight=weight_of(self.view, ticket),
            first_receiver=ticket.first_receiver or route.officer,
        )

    def keeps(self, ticket: Ticket, bearer: Ref, at: GridId) -> bool:
        """Whether it stays with whoever has it: an officer of its grid now, or one at work on it who still serves."""
        if self.router.bench.stands_aside(bearer, Concerned(ticket, reporters_of(self.view, ticket))):
            return False
        if bearer in officers_of(self.view, at):
            return True
        return ticket.status is _S.IN_PROGRESS and self._serves(bearer)

    def _serves(self, officer: Ref) -> bool:
        held = self.view.derive(officers_index, Tenure).by_holder.get(officer, ())
        return any(
            tenure.serves(self.view.now)
            and tenure.grid is not None
            and self.view.get(Grid, tenure.grid).status is GridStatus.ACTIVE
            for tenure in held
        )


def chosen_by_rule(ticket: Ticket) -> bool:
    """Whether a rule chose who has it; what a person decided stands."""
    return ticket.answers is None and ticket.unit is None and ticket.why is not None and ticket.why.automatic


class Redrawn(Mover):
    """The open tickets of a grid whose boundary changed."""

    def __init__(self, view: View, grid: GridId) -> None:
        super().__init__(view)
        self._old = view.get(Grid, grid)
        self._heir = heir_of(view, self._old)

    @property
    def whose(self) -> Where:
        return where(Ticket.grid, self._old.id)

    def after(self, ticket: Ticket) -> Ticket:
        place = placed(self.view, evolve(ticket, grid=self._heir) if self._follows(ticket) else ticket)
        if place.grids == (ticket.grid,):
            return ticket
        at = place.one
        return self._given(ticket, at) if self._is_open_to_routing(ticket) else evolve(ticket, grid=at)

    def _follows(self, ticket: Ticket) -> bool:
        """Whether only its grid tells where it lies, so that it follows the grid's one successor."""
        return ticket.point is None and ticket.venue is None and ticket.dwelling is None and self._heir is not None

    def _is_open_to_routing(self, ticket: Ticket) -> bool:
        """Whether a rule chose, or would choose, who handles it."""
        if ticket.status is _S.ACCEPTED:
            return ticket.answers is None and ticket.unit is None
        return ticket.status in (_S.DISPATCHED, _S.IN_PROGRESS) and chosen_by_rule(ticket)

    def _given(self, ticket: Ticket, at: GridId | None) -> Ticket:
        bearer, old = ticket.assignee, self._old.name
        if bearer is not None and at is not None and self.keeps(ticket, bearer, at):
            name = self.view.get(Grid, at).name
            why = Why(reason=Reason.STAYED, grids=(at,), names=(name,), moved_from=old)
            return evolve(ticket, grid=at, why=why)
        return self.routed(evolve(ticket, grid=at), moved_from=old)


class Relieved(Mover):
    """The open tickets of one whose tenure ended or went to another grid, and of those who stood in for them."""

    def __init__(self, view: View, tenure_id: TenureId) -> None:
        super().__init__(view)
        tenure = view.get(Tenure, tenure_id)
        self._holder = names_of(view, tenure.holder)
        deputies = {tenure.stand_in, *(absence.stand_in for absence in tenure.absences)}
        self._all = self._holder.union(*(names_of(view, deputy) for deputy in deputies if deputy is not None))
        self._is_gone = not any(held.serves(view.now) for name in self._holder for held in tenures_of(view, name))

    @property
    def whose(self) -> Where:
        return where(Ticket.assignee, among=self._all)

    def after(self, ticket: Ticket) -> Ticket:
        bearer = ticket.assignee
        assert bearer is not None
        if ticket.status not in LOADED:
            return ticket
        if chosen_by_rule(ticket):
            stays = ticket.grid is not None and self.keeps(ticket, bearer, ticket.grid)
            return ticket if stays else self.routed(ticket)
        if bearer not in self._holder or not self._is_gone:
            return ticket
        if ticket.unit is not None:
            return evolve(ticket, assignee=None)  # the unit has it still, and sees who takes it up
        return queued(running(ticket, self.view.now), ticket.grid, Why(reason=Reason.LEFT))
