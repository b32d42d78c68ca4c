"""When boundaries change, venues and dwellings follow: by their point, or to the grid that theirs was merged into."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from attrs import evolve

from communitycore.domain.places.dwellings import Dwelling, DwellingStatus
from communitycore.domain.places.grids import Grid, GridId, heir_of
from communitycore.domain.places.locating import locate_grid
from communitycore.domain.places.venues import Venue, VenueStatus
from communitycore.kernel.change import Change, many, note, step, unchanged
from communitycore.kernel.command import Reaction, command
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.rules import REACTION, TIMER, role
from communitycore.kernel.view import View

TOGETHER = 400
"""How many move in one transaction; a timer moves the others."""
_PAGE = 1_000


@command("places.rehome", may=role(ADMINISTRATOR) | TIMER | REACTION)
def rehome(view: View, grid_id: GridId) -> Change[Grid]:
    """Find anew the grid of everything that stood in this one, or in none.

    Runs by itself once a grid was split, merged, redrawn or retired; run it by hand after drawing a grid around
    what stood in none. What has a point goes where the point lies; what has none follows a merger, and otherwise
    stays with the retired grid, for a person to decide (the audit counts it).
    """
    grid = view.get(Grid, grid_id)
    moves = list(islice(_moves(view, grid), TOGETHER + 1))
    if not moves:
        return unchanged(grid)
    change = note("grid.rehomed", grid, moved=min(len(moves), TOGETHER)).also(many(moves[:TOGETHER]))
    return change.at(view.now, rehome) if len(moves) > TOGETHER else change


def _moves(view: View, grid: Grid) -> Iterator[Change[Any]]:
    heir = heir_of(view, grid)
    for home in (grid.id, None):
        venue: Venue | None = None
        while venues := view.find(Venue, where(Venue.grid, home), limit=_PAGE, after=venue):
            for venue in venues:
                to = _home(view, venue, heir)
                if venue.status is VenueStatus.OPEN and to != venue.grid:
                    yield step("venue.rehomed", venue, evolve(venue, grid=to))
        dwelling: Dwelling | None = None
        while dwellings := view.find(Dwelling, where(Dwelling.grid, home), limit=_PAGE, after=dwelling):
            for dwelling in dwellings:
                to = _home(view, dwelling, heir)
                if dwelling.status is DwellingStatus.STANDING and to != dwelling.grid:
                    yield step("dwelling.rehomed", dwelling, evolve(dwelling, grid=to))


def _home(view: View, thing: Venue | Dwelling, heir: GridId | None) -> GridId | None:
    if thing.point is None:
        return heir if thing.grid is not None and heir is not None else thing.grid
    located = locate_grid(view, thing.point)
    return thing.grid if thing.grid in located.grids else located.one


REACTIONS = tuple(
    Reaction(f"places.rehome_when_{entry.removeprefix('grid.')}", on=entry, run=rehome)
    for entry in ("grid.split", "grid.merged", "grid.redrawn", "grid.retired")
)
