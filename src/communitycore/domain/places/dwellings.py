"""Dwellings 房屋: building, unit and room, with the floor area that fees and owners' votes count by."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Annotated, NewType

from attrs import evolve

from communitycore.domain.places.grids import GridId
from communitycore.domain.places.venues import grid_at
from communitycore.domain.places.words import AS_IS, Keep, Word
from communitycore.domain.roles import CLERK, COMMUNITY_WORKER, GRID_OFFICER, POLICE, PROPERTY_STAFF, SUPERVISOR
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.geometry import Point
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.record import Indexed, Max, Record, Unique, record
from communitycore.kernel.rules import role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

DwellingId = NewType("DwellingId", str)
PartText = Annotated[str, Max(40)]

KEEPERS = role(ADMINISTRATOR, CLERK, GRID_OFFICER, PROPERTY_STAFF)
"""Who keeps the list of dwellings."""


class DwellingStatus(Word):
    """Whether a dwelling stands."""

    STANDING = "standing", "在用"
    GONE = "gone", "注销"


DWELLING_STATES = States(
    DwellingStatus, start={DwellingStatus.STANDING}, then={DwellingStatus.STANDING: {DwellingStatus.GONE}}
)


@record(
    "dwelling",
    states=DWELLING_STATES,
    read=role(ADMINISTRATOR, CLERK, GRID_OFFICER, PROPERTY_STAFF, COMMUNITY_WORKER, POLICE, SUPERVISOR),
)
@frozen(kw_only=True)
class Dwelling(Record[DwellingId]):
    """A dwelling 房屋: one room number in a unit of a building of an estate 小区 (where there is one).

    address: the key made of these, unique while it stands; None once it is gone. area_m2: its floor area 建筑面积.
    grid: the one its point lies in, or that was given; None if unknown.
    """

    estate: PartText = ""
    building: PartText
    unit: PartText = ""
    room: PartText
    address: Unique[str | None] = None
    status: Indexed[DwellingStatus] = DwellingStatus.STANDING
    area_m2: Decimal | None = None
    grid: Indexed[GridId | None] = None
    point: Point | None = None


class DwellingGone(Refused):
    """The dwelling was struck off."""

    code = "places.dwelling_gone"
    en = "The dwelling {dwelling} was struck off. Add it anew."
    zh = "房屋 {dwelling} 已注销，请重新登记。"
    dwelling: str


def address_key(estate: str, building: str, unit: str, room: str) -> str:
    """One text for one address, however it was typed: full-width digits, capitals and spaces make no difference.

    Parts are joined by `/`, escaped as in RFC 6901, so that no two addresses share a key.
    Raises BadValue without building or room.
    """
    parts = []
    for field, text in (("estate", estate), ("building", building), ("unit", unit), ("room", room)):
        if not isinstance(text, str):
            raise BadValue(field=field, why="it is not text", why_zh="不是文本")
        plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
        if not plain and field in ("building", "room"):
            raise BadValue(field=field, why="it is blank", why_zh="不能为空")
        parts.append(plain.replace("~", "~0").replace("/", "~1"))
    return "/".join(parts)


def _checked(dwelling: Dwelling) -> Dwelling:
    area = dwelling.area_m2
    if isinstance(area, Decimal) and not (area.is_finite() and area > 0):
        raise BadValue(field="area_m2", why=f"{area} is no floor area", why_zh=f"{area} 不是有效的建筑面积")
    key = address_key(dwelling.estate, dwelling.building, dwelling.unit, dwelling.room)
    return evolve(dwelling, address=key)


@command("places.add_dwelling", may=KEEPERS)
def add_dwelling(
    view: View,
    *,
    building: str,
    room: str,
    unit: str = "",
    estate: str = "",
    area_m2: Decimal | None = None,
    grid: GridId | None = None,
    point: Point | None = None,
) -> Change[Dwelling]:
    """Add a dwelling. grid: found by the point, if there is one; given, it settles which.

    Raises NotUnique if the address is listed already, Outside, Elsewhere, GridRetired, BadValue.
    """
    dwelling = Dwelling(
        id=view.new(Dwelling),
        estate=estate,
        building=building,
        unit=unit,
        room=room,
        area_m2=area_m2,
        grid=grid_at(view, point, grid),
        point=point,
    )
    return begin("dwelling.added", _checked(dwelling))


@command("places.change_dwelling", may=KEEPERS)
def change_dwelling(
    view: View,
    dwelling_id: DwellingId,
    *,
    estate: str | Keep = AS_IS,
    building: str | Keep = AS_IS,
    unit: str | Keep = AS_IS,
    room: str | Keep = AS_IS,
    area_m2: Decimal | Keep | None = AS_IS,
    grid: GridId | Keep | None = AS_IS,
    point: Point | Keep | None = AS_IS,
) -> Change[Dwelling]:
    """Change what is given of a dwelling and keep the rest. grid: None, or a new point, has it found by the point.

    Raises DwellingGone, NotUnique, Outside, Elsewhere, GridRetired, BadValue.
    """
    dwelling = _standing(view, dwelling_id)
    place = dwelling.point if isinstance(point, Keep) else point
    at = dwelling.grid
    if not isinstance(grid, Keep):
        at = grid_at(view, place, grid)
    elif place is not None and place != dwelling.point:
        at = grid_at(view, place, None)
    after = _checked(
        evolve(
            dwelling,
            estate=dwelling.estate if isinstance(estate, Keep) else estate,
            building=dwelling.building if isinstance(building, Keep) else building,
            unit=dwelling.unit if isinstance(unit, Keep) else unit,
            room=dwelling.room if isinstance(room, Keep) else room,
            area_m2=dwelling.area_m2 if isinstance(area_m2, Keep) else area_m2,
            grid=at,
            point=place,
        )
    )
    return unchanged(dwelling) if after == dwelling else step("dwelling.changed", dwelling, after)


@command("places.strike_dwelling", may=KEEPERS)
def strike_dwelling(view: View, dwelling_id: DwellingId) -> Change[Dwelling]:
    """Strike a dwelling off that is gone, or was listed wrongly; its address is free again. Raises DwellingGone."""
    dwelling = _standing(view, dwelling_id)
    return step("dwelling.struck", dwelling, evolve(dwelling, status=DwellingStatus.GONE, address=None))


def _standing(view: View, dwelling_id: DwellingId) -> Dwelling:
    dwelling = view.get(Dwelling, dwelling_id)
    if dwelling.status is DwellingStatus.GONE:
        raise DwellingGone(dwelling=dwelling.id)
    return dwelling
