"""A community of two grids with officers, a clerk, a supervisor and residents, for the tests of tickets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from attrs import frozen

import communitycore as cc
from communitycore import people, places, tickets
from communitycore.domain.people import OrganisationKind, PartyId
from communitycore.domain.places import GridId
from communitycore.domain.roles import CLERK, DEVICE, GRID_OFFICER, SUPERVISOR
from communitycore.domain.tickets import LOADED, Category, Load, Part, Source, Ticket, TicketId, TicketReporter
from communitycore.kernel import convert
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

DISTRICT, STREET, COMMUNITY = "370115", "370115001", "370115001001"
REPORTER_NAME = "欧阳秀兰"
EAST, WEST, BORDER, NOWHERE = (
    cc.Point(117.125, 36.875),
    cc.Point(117.03125, 36.875),
    cc.Point(117.0625, 36.875),
    cc.Point(117.25, 36.875),
)
PHOTO = ("photo:17",)


def box(west: float, south: float, east: float, north: float) -> cc.Area:
    return cc.Area([[[(west, south), (east, south), (east, north), (west, north), (west, south)]]])


@frozen(kw_only=True)
class World:
    """Who there is. West has two officers, East one."""

    hub: cc.Hub
    clock: Clock
    home: str
    district: str
    street: str
    admin: cc.Desk
    clerk: cc.Desk
    supervisor: cc.Desk
    device: cc.Desk
    west: GridId
    east: GridId
    anna: PartyId
    bo: PartyId
    cai: PartyId
    reporter: PartyId
    neighbour: PartyId
    company: PartyId
    lamp: Category
    litter: Category

    def ref(self, party: str) -> cc.Ref:
        return cc.Ref(self.home, party)

    def desk(self, who: str | cc.Ref) -> cc.Desk:
        return self.hub.desk(self.home, who if isinstance(who, cc.Ref) else self.ref(who))

    def new(self, name: str) -> PartyId:
        return self.clerk.do(people.register, name=name).id

    def appoint(self, party: PartyId, grid: GridId, **more: Any) -> people.Tenure:
        return self.admin.do(people.appoint, holder=self.ref(party), duty=GRID_OFFICER, grid_id=grid, **more)

    def reported(self, *, point: cc.Point | None = WEST, **more: Any) -> Ticket:
        given: dict[str, Any] = {"source": Source.APP, "title": "路灯不亮 a lamp is out", "category": self.lamp.id}
        who = more.pop("reporter", self.reporter)
        desk = self.clerk if who is None else self.desk(who)
        return desk.do(tickets.report, reporter=who, point=point, **{**given, **more})

    def accepted(self, **more: Any) -> Ticket:
        return self.clerk.do(tickets.accept, self.reported(**more).id)

    def dispatched(self, **more: Any) -> Ticket:
        return self.clerk.do(tickets.dispatch, self.accepted(**more).id)

    def hand(self, ticket: Ticket) -> cc.Desk:
        """The desk of whoever has the ticket."""
        bearer = self.ticket(ticket.id).bearer
        assert bearer is not None
        return self.desk(bearer)

    def started(self, **more: Any) -> Ticket:
        ticket = self.dispatched(**more)
        return self.hand(ticket).do(tickets.start, ticket.id)

    def handled(self, **more: Any) -> Ticket:
        ticket = self.started(**more)
        return self.hand(ticket).do(tickets.handle, ticket.id, evidence=PHOTO, report="换了灯泡")

    def verified(self, **more: Any) -> Ticket:
        return self.supervisor.do(tickets.verify, self.handled(**more).id, evidence=("photo:18",))

    def closed(self, **more: Any) -> Ticket:
        return self.clerk.do(tickets.close, self.verified(**more).id)

    def ticket(self, id: TicketId) -> Ticket:
        return self.clerk.get(Ticket, id)

    def behind(self, ticket: TicketId) -> list[TicketReporter]:
        return self.clerk.find(TicketReporter, cc.where(TicketReporter.ticket, ticket))

    def all(self) -> list[Ticket]:
        return everything(self.clerk, Ticket)

    def loads(self) -> dict[cc.Ref, tuple[int, int]]:
        """What is kept of each officer's load: tickets and weight; nothing of those who have none."""
        kept = everything(self.clerk, Load)
        return {load.officer: (load.tickets, load.weight) for load in kept if load.tickets or load.weight}

    def counted_loads(self) -> dict[cc.Ref, tuple[int, int]]:
        """The same, counted ticket by ticket."""
        counted: dict[cc.Ref, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for ticket in self.all():
            bearer = ticket.assignee or ticket.unit
            if ticket.status in LOADED and bearer is not None:
                had = counted[bearer]
                counted[bearer] = (had[0] + 1, had[1] + ticket.weight)
        return dict(counted)

    def readable(self, desk: cc.Desk) -> str:
        """All that this desk can read of any record of the room, with its history, as one text."""
        told: list[str] = []
        for cls in KINDS:
            try:
                found = desk.find(cls, limit=1_000)
            except cc.Refused:
                continue
            for record in found:
                told.append(convert.to_text(record))
                told += [repr(entry) for entry in desk.history(cls, record.id)]
        return "\n".join(told)


KINDS: Sequence[Any] = tickets.ROOM.records


def everything(desk: cc.Desk, kind: Any) -> list[Any]:
    """All records of a kind that the desk may read, page by page."""
    found: list[Any] = []
    while page := desk.find(kind, limit=1_000, after=found[-1] if found else None):
        found += page
    return found


def build(*, seed: int = 1) -> World:
    clock = Clock()
    hub = cc.open("memory://", rooms=[places.ROOM, people.ROOM, tickets.ROOM], clock=clock, entropy=seeded(seed))
    district = hub.found(DISTRICT, name="济阳区", level="district").id
    street = hub.found(STREET, name="某街道", level="subdistrict", parent=DISTRICT).id
    home = hub.found(COMMUNITY, name="某社区", level="community", parent=STREET, extent=box(117, 36.75, 117.5, 37)).id
    admin = hub.desk(home, hub.administrator(home))
    staff = {}
    for name, duty in (("clerk", CLERK), ("supervisor", SUPERVISOR), ("device", DEVICE)):
        staff[name] = hub.desk(home, cc.Ref(district, name))
        admin.do(give, holder=staff[name].actor, role=duty)
    clerk = staff["clerk"]
    grids = {
        "west": admin.do(places.draw_grid, name="西网格", area=box(117, 36.75, 117.0625, 37)).id,
        "east": admin.do(places.draw_grid, name="东网格", area=box(117.0625, 36.75, 117.1875, 37)).id,
    }
    named = {"anna": "安娜", "bo": "博文", "cai": "蔡明", "reporter": REPORTER_NAME, "neighbour": "周建国"}
    parties = {key: clerk.do(people.register, name=name).id for key, name in named.items()}
    company = clerk.do(people.register_organisation, name="某物业公司", kind=OrganisationKind.ENTERPRISE)
    over = hub.desk(district, hub.administrator(district))
    lamps = over.do(tickets.define_category, name_zh="公用设施", name_en="Public facilities", part=Part.PART)
    lamp = over.do(
        tickets.define_category, name_zh="路灯", name_en="Street lamp", part=Part.PART, parent_id=lamps.id, weight=3
    )
    litter = admin.do(tickets.define_category, name_zh="暴露垃圾", name_en="Litter", part=Part.EVENT)
    world = World(
        hub=hub,
        clock=clock,
        home=home,
        district=district,
        street=street,
        admin=admin,
        company=company.id,
        lamp=lamp,
        litter=litter,
        **staff,
        **grids,
        **parties,
    )
    world.appoint(world.anna, world.west)
    world.appoint(world.bo, world.west)
    world.appoint(world.cai, world.east)
    return world
