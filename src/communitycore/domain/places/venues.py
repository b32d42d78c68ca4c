"""Venues 阵地: the places where a community meets and is served, with their opening hours and seats."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, NewType

from attrs import Attribute, evolve, field

from communitycore.domain.places.extents import check_point
from communitycore.domain.places.grids import Grid, GridId, active_grid
from communitycore.domain.places.locating import locate_grid
from communitycore.domain.places.words import AS_IS, Keep, Word, check_count, check_name
from communitycore.domain.roles import CLERK
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.geometry import Point
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.record import PUBLIC, Indexed, Max, Record, record
from communitycore.kernel.rules import role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

VenueId = NewType("VenueId", str)

_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)


class VenueKind(Word):
    """What a venue is."""

    LIVING_ROOM = "living_room", "温馨汇客厅"
    ACTIVITY_ROOM = "activity_room", "活动室"
    CLINIC = "clinic", "社区卫生服务站"
    LIFE_HALL = "life_hall", "生活馆"
    STUDY_SITE = "study_site", "研学点"
    SERVICE_CENTRE = "service_centre", "党群服务中心"
    POLICE_ROOM = "police_room", "警务室"
    CANTEEN = "canteen", "社区食堂"
    CHILDRENS_ROOM = "childrens_room", "儿童之家"
    DAY_CARE = "day_care", "日间照料中心"
    READING_ROOM = "reading_room", "社区书屋"
    WASTE_POINT = "waste_point", "垃圾分类投放点"
    OUTDOORS = "outdoors", "室外场地"
    OTHER = "other", "其他"


class VenueStatus(Word):
    """Whether a venue is in use."""

    OPEN = "open", "开放"
    CLOSED = "closed", "关闭"


VENUE_STATES = States(VenueStatus, start={VenueStatus.OPEN}, then={VenueStatus.OPEN: {VenueStatus.CLOSED}})


def _weekday(_: object, attribute: Attribute[int], value: int) -> None:
    if value.__class__ is not int or not 1 <= value <= 7:
        raise BadValue(
            field="hours.weekday",
            why=f"{value!r} is no weekday: 1 is Monday, 7 is Sunday",
            why_zh=f"{value!r} 不是星期：1 为星期一，7 为星期日",
        )


def _clock(_: object, attribute: Attribute[str], value: str) -> None:
    if not (isinstance(value, str) and _CLOCK.fullmatch(value)):
        raise BadValue(
            field=f"hours.{attribute.name}",
            why=f"{value!r} is no time of day such as 08:30, up to 24:00",
            why_zh=f"{value!r} 不是 08:30 这样的时刻（最晚 24:00）",
        )


@frozen
class OpeningHours:
    """Open on one weekday (1 is Monday) from `opens` to before `closes`, local time such as 08:30.

    Past midnight: two of them, one to 24:00 and one from 00:00. Raises BadValue.
    """

    weekday: int = field(validator=_weekday)
    opens: str = field(validator=_clock)
    closes: str = field(validator=_clock)

    def __attrs_post_init__(self) -> None:
        if not self.opens < self.closes:
            raise BadValue(
                field="hours",
                why=f"{self.opens} is not before {self.closes}; past midnight, give two",
                why_zh=f"{self.opens} 不早于 {self.closes}；跨夜请分两段填写",
            )


@record("venue", states=VENUE_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Venue(Record[VenueId]):
    """A venue 阵地. grid: the one its point lies in, or that was chosen where several do; None if unknown.

    hours: in the jurisdiction's local time. closed_days: days on which it is closed all the same. seats: how many
    it holds, None if that is not counted.
    """

    name: Annotated[str, Max(200)]
    kind: Indexed[VenueKind]
    point: Point
    grid: Indexed[GridId | None] = None
    status: Indexed[VenueStatus] = VenueStatus.OPEN
    hours: tuple[OpeningHours, ...] = ()
    closed_days: tuple[date, ...] = ()
    seats: int | None = None
    phone: Annotated[str, Max(40)] | None = None

    def open_at(self, moment: datetime, zone: str) -> bool:
        """Whether its hours say so at `moment`; zone: the jurisdiction's."""
        from zoneinfo import ZoneInfo  # not needed by a program that asks no hours

        local = moment.astimezone(ZoneInfo(zone))
        if self.status is not VenueStatus.OPEN or local.date() in self.closed_days:
            return False
        clock = f"{local:%H:%M}"
        return any(h.weekday == local.isoweekday() and h.opens <= clock < h.closes for h in self.hours)


class VenueClosed(Refused):
    """The venue was closed for good."""

    code = "places.venue_closed"
    en = "The venue {name} is closed for good. Open a new one."
    zh = "{name}已关闭，请另行登记新阵地。"
    name: str
    venue: str


class Elsewhere(Refused):
    """The grid named does not contain the point."""

    code = "places.elsewhere"
    en = "The point does not lie in the grid {grid}. Leave the grid out, or correct the point."
    zh = "该点不在网格{grid}内，请不填网格，或更正坐标。"
    grid: str
    grid_id: str


def grid_at(view: View, point: Point | None, chosen: GridId | None) -> GridId | None:
    """The grid of something at `point`: the chosen one if the point lies in it, or the only one there is.

    Without a point, the chosen one. None where the point lies in none, or in several and nobody chose.
    Raises Outside, Elsewhere, GridRetired.
    """
    grid: Grid | None = None if chosen is None else active_grid(view, chosen)
    if point is None:
        return chosen
    check_point(view, point)
    located = locate_grid(view, point)
    if grid is None:
        return located.one
    if grid.id not in located.grids:
        raise Elsewhere(grid=grid.name, grid_id=grid.id)
    return grid.id


@command("places.open_venue", may=role(ADMINISTRATOR, CLERK))
def open_venue(
    view: View,
    *,
    name: str,
    kind: VenueKind,
    point: Point,
    grid: GridId | None = None,
    hours: tuple[OpeningHours, ...] = (),
    closed_days: tuple[date, ...] = (),
    seats: int | None = None,
    phone: str | None = None,
) -> Change[Venue]:
    """Open a venue. grid: found by the point; given, it settles which where several contain the point.

    Raises Outside, Elsewhere if the given grid does not contain the point, BadValue.
    """
    venue = Venue(
        id=view.new(Venue),
        name=check_name(name),
        kind=kind,
        point=point,
        grid=grid_at(view, point, grid),
        hours=tuple(hours),
        closed_days=tuple(sorted(set(closed_days))),
        seats=check_count(seats, "seats"),
        phone=phone,
    )
    return begin("venue.opened", venue)


@command("places.change_venue", may=role(ADMINISTRATOR, CLERK))
def change_venue(
    view: View,
    venue_id: VenueId,
    *,
    name: str | Keep = AS_IS,
    kind: VenueKind | Keep = AS_IS,
    point: Point | Keep = AS_IS,
    grid: GridId | Keep | None = AS_IS,
    hours: tuple[OpeningHours, ...] | Keep = AS_IS,
    closed_days: tuple[date, ...] | Keep = AS_IS,
    seats: int | Keep | None = AS_IS,
    phone: str | Keep | None = AS_IS,
) -> Change[Venue]:
    """Change what is given of a venue and keep the rest. grid: None, or a new point, has it found by the point.

    Raises VenueClosed, Outside, Elsewhere, BadValue.
    """
    venue = view.get(Venue, venue_id)
    if venue.status is VenueStatus.CLOSED:
        raise VenueClosed(name=venue.name, venue=venue.id)
    place = venue.point if isinstance(point, Keep) else point
    at = venue.grid
    if not isinstance(grid, Keep):
        at = grid_at(view, place, grid)
    elif place != venue.point:
        at = grid_at(view, place, None)
    after = evolve(
        venue,
        name=venue.name if isinstance(name, Keep) else check_name(name),
        kind=venue.kind if isinstance(kind, Keep) else kind,
        point=place,
        grid=at,
        hours=venue.hours if isinstance(hours, Keep) else tuple(hours),
        closed_days=venue.closed_days if isinstance(closed_days, Keep) else tuple(sorted(set(closed_days))),
        seats=venue.seats if isinstance(seats, Keep) else check_count(seats, "seats"),
        phone=venue.phone if isinstance(phone, Keep) else phone,
    )
    return unchanged(venue) if after == venue else step("venue.changed", venue, after)


@command("places.close_venue", may=role(ADMINISTRATOR, CLERK))
def close_venue(view: View, venue_id: VenueId) -> Change[Venue]:
    """Close a venue for good; closed days are for less. Raises VenueClosed."""
    venue = view.get(Venue, venue_id)
    if venue.status is VenueStatus.CLOSED:
        raise VenueClosed(name=venue.name, venue=venue.id)
    return step("venue.closed", venue, evolve(venue, status=VenueStatus.CLOSED))
