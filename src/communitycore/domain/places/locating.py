"""In which grid a point lies: exactly one, none, or an ambiguity that names all; never guessed."""

from __future__ import annotations

from communitycore.domain.places.grids import Grid, GridId, GridStatus
from communitycore.kernel.command import read
from communitycore.kernel.geometry import AreaIndex, Point
from communitycore.kernel.record import PUBLIC
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View


@frozen
class Located:
    """The active grids that contain a point, by id. Areas are closed: on a shared edge or corner all are named.

    A dedicated grid upon a basic one is an ambiguity too: which of both is meant, no geometry can tell.
    """

    grids: tuple[GridId, ...]

    @property
    def one(self) -> GridId | None:
        """The grid, if it is exactly one."""
        return self.grids[0] if len(self.grids) == 1 else None

    @property
    def ambiguous(self) -> bool:
        """Whether it is more than one."""
        return len(self.grids) > 1


NOWHERE = Located(())


class GridIndexed:
    """Where the active among some grids lie."""

    __slots__ = ("_index", "_known")

    def __init__(self, grids: tuple[Grid, ...]) -> None:
        self._index = AreaIndex({grid.id: grid.area for grid in grids if grid.status is GridStatus.ACTIVE})
        self._known: dict[tuple[str, ...], Located] = {(): NOWHERE}

    def locate(self, point: Point) -> Located:
        """The grids that contain the point."""
        found = self._index.locate(point.lon, point.lat)
        located = self._known.get(found)
        if located is None:
            located = self._known[found] = Located(tuple(GridId(id) for id in found))
        return located


def grid_index(grids: tuple[Grid, ...]) -> GridIndexed:
    """For `view.derive`: built in 10 to 300 ms, asked in about a microsecond."""
    return GridIndexed(grids)


def locate_grid(view: View, point: Point) -> Located:
    """The active grids of this jurisdiction that contain the point."""
    return view.derive(grid_index, Grid).locate(point)


@read("places.locate", may=PUBLIC)
def locate(view: View, point: Point) -> Located:
    """In which grid a point lies: one, none, or an ambiguity that names all.

    In a jurisdiction without grids, such as a district, none: ask `hub.locate` for the community first.
    """
    return locate_grid(view, point)
