"""What is published of a grid (G9): its name, extent, officers with contact, and the supervision phone."""

from __future__ import annotations

from communitycore.domain.places.codes import GridCode
from communitycore.domain.places.grids import GridId, GridKind, active_grid
from communitycore.domain.places.levels import body_of
from communitycore.kernel.command import read
from communitycore.kernel.geometry import Area
from communitycore.kernel.record import PUBLIC
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View


@frozen
class NoticeOfficer:
    """An officer as the public notice names them; the room `people` adds these."""

    name: str
    contact: str | None = None


@frozen(kw_only=True)
class Notice:
    """The public notice of a grid 网格公示 (G9). area_m2: in whole square metres, within 1 %."""

    jurisdiction: str
    grid: GridId
    name: str
    kind: GridKind
    codes: tuple[GridCode, ...]
    area: Area
    area_m2: int
    supervision_phone: str | None
    officers: tuple[NoticeOfficer, ...] = ()


@read("places.public_notice", may=PUBLIC)
def public_notice(view: View, grid_id: GridId) -> Notice:
    """What everybody may know of a grid; `people` adds its officers. Raises NotFound, GridRetired."""
    grid, body = active_grid(view, grid_id), body_of(view)
    today = body.day(view.now)
    return Notice(
        jurisdiction=body.name(view.now),
        grid=grid.id,
        name=grid.name,
        kind=grid.kind,
        codes=tuple(code for code in grid.codes if code.covers(today)),
        area=grid.area,
        area_m2=round(grid.area.area_m2),
        supervision_phone=grid.supervision_phone,
    )
