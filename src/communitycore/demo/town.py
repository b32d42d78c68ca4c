"""The district of the demonstration: bodies, grids, and the people who live and serve there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from random import Random

from attrs import define

from communitycore.demo import facts
from communitycore.domain import people, places
from communitycore.domain.people import Channel, ChannelKind, OrganisationKind, PartyId
from communitycore.domain.places import Grid, GridCode, GridId
from communitycore.domain.roles import CLERK, GRID_OFFICER, ORGANISER, PROPERTY_STAFF, SUPERVISOR
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.command import Call
from communitycore.kernel.geometry import Area
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import recode, rename
from communitycore.kernel.rules import Role
from communitycore.kernel.values import frozen

Progress = Callable[[str, str, int, int], None]

SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗"
GIVEN = [
    "建华",
    "秀英",
    "志强",
    "桂兰",
    "国庆",
    "丽娟",
    "春梅",
    "玉霞",
    "海涛",
    "晓东",
    "静怡",
    "文博",
    "雨桐",
    "子涵",
    "明哲",
    "思远",
    "佳宁",
    "凤琴",
    "立军",
    "淑珍",
]
ACROSS, UP = 2, 2  # grids of a community


@frozen
class Resident:
    """One invented resident with a home and a grid."""

    party: PartyId
    ref: Ref
    grid: Grid


@define
class Neighbourhood:
    """A community of the demonstration with those who serve in it."""

    fact: facts.Community
    desk: Desk  # its administrator's
    grids: tuple[Grid, ...]
    officers: dict[GridId, tuple[Ref, ...]]
    residents: tuple[Resident, ...]
    clerk: Ref
    property_company: PartyId
    property_staff: Ref

    def as_(self, actor: Ref) -> Desk:
        """A desk here for somebody."""
        return self.desk.hub.desk(self.desk.jurisdiction, actor)


@define
class Town:
    """All of it."""

    district: Desk  # the operator's
    organiser: PartyId
    staff: tuple[Ref, ...]  # of the organiser: who drafts, who reviews
    clerk: Ref
    supervisor: Ref
    neighbourhoods: tuple[Neighbourhood, ...]


def found(hub: Hub, draw: Random, progress: Progress) -> Town:
    """Found the district, its two subdistricts and five communities, and people them."""
    district = hub.found(
        facts.COUNTY_CODE,
        name=facts.COUNTY_NAME,
        level="district",
        zone=facts.ZONE,
        since=facts.COUNTY_SINCE,
        extent=Area.box(*facts.DISTRICT_BOX),
    )
    operator = hub.administrator(district.id)
    desk = hub.desk(district.id, operator)
    desk.do(recode, code=facts.DISTRICT_CODE, since=facts.DISTRICT_SINCE)
    desk.do(rename, name=facts.DISTRICT_NAME, since=facts.DISTRICT_SINCE)
    for code, name in facts.SUBDISTRICTS.items():
        hub.found(
            code,
            name=name,
            level="subdistrict",
            parent=facts.DISTRICT_CODE,
            first=operator,
            zone=facts.ZONE,
            since=facts.DISTRICT_SINCE,
            extent=Area.box(*facts.SUBDISTRICT_BOXES[code]),
        )
    organiser = desk.do(people.register_organisation, name=facts.ORGANISER, kind=OrganisationKind.PUBLIC_BODY)
    staff = tuple(_serves(desk, draw, ORGANISER) for _ in range(2))
    clerk, supervisor = _serves(desk, draw, CLERK), _serves(desk, draw, SUPERVISOR)
    neighbourhoods = []
    for done, community in enumerate(facts.COMMUNITIES, 1):
        neighbourhoods.append(_settle(hub, operator, community, draw))
        progress("communities founded", "社区建立", done, len(facts.COMMUNITIES))
    return Town(desk, organiser.id, staff, clerk, supervisor, tuple(neighbourhoods))


def _settle(hub: Hub, operator: Ref, fact: facts.Community, draw: Random) -> Neighbourhood:
    hub.found(
        fact.code,
        name=fact.name,
        level="community",
        parent=fact.subdistrict,
        first=operator,
        zone=facts.ZONE,
        since=facts.DISTRICT_SINCE,
        extent=fact.extent,
    )
    desk = hub.desk(fact.code, operator)
    grids = _grids(desk, fact, draw)
    clerk = _serves(desk, draw, CLERK)
    residents = _residents(hub.desk(desk.jurisdiction, clerk), grids, draw)
    officers = {
        grid.id: tuple(
            _appoint(desk, draw, r.ref, GRID_OFFICER, grid)
            for r in [r for r in residents if r.grid.id == grid.id][: 2 if n == 0 else 1]
        )
        for n, grid in enumerate(grids)
    }
    company = desk.do(
        people.register_organisation, name=f"{fact.name[:2]}物业服务公司", kind=OrganisationKind.ENTERPRISE
    )
    return Neighbourhood(
        fact,
        desk,
        grids,
        officers,
        residents,
        clerk,
        company.id,
        _serves(desk, draw, PROPERTY_STAFF),
    )


def _grids(desk: Desk, fact: facts.Community, draw: Random) -> tuple[Grid, ...]:
    west, south, east, north = fact.box
    wide, high = (east - west) / ACROSS, (north - south) / UP
    calls: list[Call[Grid]] = []
    for n in range(ACROSS * UP):
        column, row = n % ACROSS, n // ACROSS
        area = Area.box(west + column * wide, south + row * high, west + (column + 1) * wide, south + (row + 1) * high)
        code = GridCode(scheme=places.CELL_15.name, value=f"{fact.code}{n + 1:03}", since=facts.DISTRICT_SINCE)
        calls.append(
            places.draw_grid.call(
                name=f"{fact.name}第{n + 1}网格",
                area=area,
                households=draw.randint(280, 480),
                supervision_phone="0531-12345",
                codes=(code,),
            )
        )
    return tuple(outcome.get() for outcome in desk.do_many(calls))


def _residents(desk: Desk, grids: Sequence[Grid], draw: Random) -> tuple[Resident, ...]:
    homes = [(grid, building, room) for grid in grids for building in (1, 2) for room in (101, 202, 303)]
    dwellings = desk.do_many(
        places.add_dwelling.call(
            building=f"{building}号楼",
            unit="1单元",
            room=str(room),
            estate=grid.name,
            area_m2=Decimal("95.37"),
            grid=grid.id,
        )
        for grid, building, room in homes
    )
    parties = desk.do_many(_person(draw, date(1950 + draw.randrange(50), 1 + draw.randrange(12), 15)) for _ in homes)
    moves = desk.do_many(
        people.move_in.call(party.get().id, dwelling.get().id, kind=people.ResidencyKind.OWNER)
        for party, dwelling in zip(parties, dwellings, strict=True)
    )
    for moved in moves:
        moved.get()
    return tuple(
        Resident(party.get().id, Ref(desk.jurisdiction, party.get().id), grid)
        for party, (grid, _, _) in zip(parties, homes, strict=True)
    )


def _person(draw: Random, born: date, guardians: tuple[PartyId, ...] = ()) -> Call[people.Party]:
    channels = () if guardians else (Channel(ChannelKind.PHONE, f"1390531{draw.randrange(10_000):04}"),)
    return people.register.call(name=name(draw), birth_date=born, channels=channels, guardians=guardians)


def name(draw: Random) -> str:
    """An invented name."""
    return draw.choice(SURNAMES) + draw.choice(GIVEN)


def families(desk: Desk, count: int, draw: Random) -> list[PartyId]:
    """Register `count` children, each with a guardian; gives the children."""
    parents = [o.get().id for o in desk.do_many(_person(draw, date(1985, 1 + n % 12, 3)) for n in range(count))]
    children = desk.do_many(_person(draw, date(2010 + n % 9, 1 + n % 12, 7), (parents[n],)) for n in range(count))
    return [o.get().id for o in children]


def _serves(desk: Desk, draw: Random, duty: Role) -> Ref:
    party = desk.do_many([_person(draw, date(1988, 5, 4))])[0].get()
    return _appoint(desk, draw, Ref(desk.jurisdiction, party.id), duty, None)


def _appoint(desk: Desk, draw: Random, holder: Ref, duty: Role, grid: Grid | None) -> Ref:
    given = duty is GRID_OFFICER
    desk.do(
        people.appoint,
        holder=holder,
        duty=duty,
        grid_id=None if grid is None else grid.id,
        public_name=f"{draw.choice(SURNAMES)}网格员" if given else None,
        duty_phone=f"0531-8423{draw.randrange(10_000):04}" if given else None,
    )
    return holder
