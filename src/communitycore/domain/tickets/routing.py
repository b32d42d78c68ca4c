"""From a place to whoever shall see to it: point, grid, and the officer with the lightest load who may (G8, R7)."""

from __future__ import annotations

from collections.abc import Collection

from attrs import evolve

from communitycore.domain.people import officers_of
from communitycore.domain.places import Dwelling, Grid, GridId, GridStatus, Venue, active_grid, locate_grid
from communitycore.domain.tickets.categories import Category
from communitycore.domain.tickets.loads import Loads
from communitycore.domain.tickets.records import Ticket
from communitycore.domain.tickets.recusal import Bench, Concerned, reporters_of
from communitycore.domain.tickets.words import Reason, Why
from communitycore.kernel.ids import Ref
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View


@frozen
class Placed:
    """The grids that a ticket may lie in; a place nobody gave is no place in no grid."""

    grids: tuple[GridId, ...]
    known: bool = True

    @property
    def one(self) -> GridId | None:
        """The grid, if it is exactly one."""
        return self.grids[0] if len(self.grids) == 1 else None


@frozen
class Route:
    """Where a ticket lies and to whom it goes; without an officer, it waits for a clerk and `why` says so."""

    grid: GridId | None
    officer: Ref | None
    why: Why


def placed(view: View, ticket: Ticket) -> Placed:
    """The active grids a ticket may lie in: by its point, else its venue's or dwelling's grid, else the one it has.

    Where the point lies in several and the ticket has one of them already, somebody has settled which.
    """
    if ticket.point is not None:
        located = locate_grid(view, ticket.point)
        return Placed((ticket.grid,) if ticket.grid is not None and ticket.grid in located.grids else located.grids)
    if ticket.venue is not None:
        grid = view.get(Venue, ticket.venue).grid
    elif ticket.dwelling is not None:
        grid = view.get(Dwelling, ticket.dwelling).grid
    else:
        grid = ticket.grid
        if grid is None:
            return Placed((), known=False)
    if grid is None or view.get(Grid, grid).status is not GridStatus.ACTIVE:
        return Placed(())
    return Placed((grid,))


class Router:
    """Routes the tickets of one command, so that each sees what the ones before it weigh."""

    __slots__ = ("_view", "bench", "loads")

    def __init__(self, view: View) -> None:
        self._view = view
        self.loads = Loads(view)
        self.bench = Bench(view)

    def route(
        self,
        ticket: Ticket,
        *,
        grid: GridId | None = None,
        passing: Collection[Ref] = (),
        moved_from: str | None = None,
    ) -> Route:
        """To the officer of the ticket's grid with the lightest load who need not stand aside; ties to the lower id.

        grid: chosen by a clerk, whatever the place says. passing: not to these. moved_from: see Why.
        """
        place = placed(self._view, ticket) if grid is None else Placed((active_grid(self._view, grid).id,))
        at = place.one
        if at is None:
            reason = Reason.SEVERAL_GRIDS if place.grids else Reason.NO_GRID if place.known else Reason.NO_PLACE
            return Route(None, None, self._why(reason, place.grids, moved_from))
        officers = [officer for officer in officers_of(self._view, at) if officer not in passing]
        if officers:
            concerned = Concerned(ticket, reporters_of(self._view, ticket))
            officers = [officer for officer in officers if not self.bench.stands_aside(officer, concerned)]
        if not officers:
            return Route(at, None, self._why(Reason.NOBODY, (at,), moved_from))
        load, _, chosen = min((self.loads.weight(officer), str(officer), officer) for officer in officers)
        why = evolve(self._why(Reason.LIGHTEST, (at,), moved_from), load=load, among=len(officers))
        return Route(at, chosen, why)

    def _why(self, reason: Reason, grids: tuple[GridId, ...], moved_from: str | None) -> Why:
        names = tuple(self._view.get(Grid, grid).name for grid in grids)
        return Why(reason=reason, grids=grids, names=names, moved_from=moved_from)


def weight_of(view: View, ticket: Ticket) -> int:
    """What a ticket of this category weighs; 1 without a category."""
    return 1 if ticket.category is None else view.get(Category, ticket.category).weight
