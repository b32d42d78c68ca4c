"""The week's tickets: from every source, each on a path of its own, handled to its end. All of them are invented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from communitycore.demo.town import Neighbourhood, Progress, Resident, Town
from communitycore.domain import tickets
from communitycore.domain.roles import DEVICE
from communitycore.domain.tickets import CategoryId, Ground, Part, Source, Ticket, TicketId, TicketStatus
from communitycore.hub.desk import Desk
from communitycore.kernel.geometry import Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.query import where
from communitycore.kernel.values import frozen
from communitycore.testing import Clock


@frozen
class Scene:
    """One ticket of a neighbourhood: how it came, what it is, and the path it takes."""

    source: Source
    category: str
    en: str
    zh: str
    path: str


CATEGORIES = {
    "lighting": ("Lighting", "楼道照明", Part.PART),
    "road": ("Road surface", "路面破损", Part.PART),
    "waste": ("Waste", "垃圾堆放", Part.EVENT),
    "fire lane": ("Blocked fire lane", "占用消防通道", Part.EVENT),
    "noise": ("Noise", "噪声扰民", Part.EVENT),
    "lift": ("Lift", "电梯故障", Part.PART),
}

SCENES = (
    Scene(Source.APP, "lighting", "the stairwell lamp is out", "楼道灯不亮", "straight"),
    Scene(Source.COUNTER, "road", "a hole in the path to the gate", "小区门口路面有坑", "disputed"),
    Scene(Source.TELEPHONE, "noise", "drilling late at night", "夜间装修噪声", "unsatisfied"),
    Scene(Source.CHAT, "waste", "rubbish beside the bins", "垃圾桶旁堆放杂物", "doubled"),
    Scene(Source.CHAT, "waste", "more rubbish beside the bins", "桶边又有垃圾", "merged"),
    Scene(Source.PATROL, "fire lane", "cars in the fire lane", "消防通道停车", "straight"),
    Scene(Source.VISIT, "lift", "the lift stops between floors", "电梯卡层", "company"),
    Scene(Source.DEVICE, "fire lane", "camera: fire lane blocked", "摄像头：消防通道被占", "straight"),
    Scene(Source.APP, "lighting", "the lamp works again", "灯已经好了", "withdrawn"),
    Scene(Source.TELEPHONE, "road", "the road in another town", "外地道路问题", "rejected"),
    Scene(Source.APP, "road", "a drain cover is loose", "井盖松动", "sent up"),
)
"""Played in every neighbourhood: a ticket from each source, and each end that a ticket can come to."""

MORE = (
    Scene(Source.APP, "waste", "bulky rubbish beside the gate", "大门旁堆放大件垃圾", "straight"),
    Scene(Source.TELEPHONE, "lighting", "the lamp in the bicycle shed flickers", "车棚灯闪烁", "straight"),
    Scene(Source.CHAT, "noise", "a loudspeaker on the square", "广场音响扰民", "unsatisfied"),
    Scene(Source.PATROL, "road", "a loose paving stone", "地砖松动", "straight"),
    Scene(Source.COUNTER, "lift", "the lift's door closes too fast", "电梯关门过快", "company"),
    Scene(Source.DEVICE, "waste", "camera: a full bin", "摄像头：垃圾桶已满", "straight"),
    Scene(Source.TELEPHONE, "fire lane", "a car before the hydrant", "消火栓前停车", "disputed"),
)
"""Of these, each neighbourhood has some."""


def define(town: Town) -> dict[str, CategoryId]:
    """The district's categories, used by every community below."""
    desk = town.district
    top = {
        part: desk.do(tickets.define_category, name_zh=zh, name_en=en, part=part).id
        for part, en, zh in ((Part.PART, "Parts", "部件"), (Part.EVENT, "Events", "事件"))
    }
    return {
        key: desk.do(tickets.define_category, name_zh=zh, name_en=en, part=part, parent_id=top[part]).id
        for key, (en, zh, part) in CATEGORIES.items()
    }


def week(town: Town, clock: Clock, draw: Random, progress: Progress) -> None:
    """Every scene in every neighbourhood, a few hours apart."""
    categories = define(town)
    weeks = [(place, (*SCENES, *draw.sample(MORE, draw.randint(1, len(MORE))))) for place in town.neighbourhoods]
    done, all_of = 0, sum(len(scenes) for _, scenes in weeks)
    for place, scenes in weeks:
        player = _Player(town, place, categories, clock, draw)
        for number, scene in enumerate(scenes):
            clock.advance(timedelta(minutes=37))
            player.play(number, scene)
            done += 1
            progress("tickets handled", "诉求办理", done, all_of)


class _Player:
    """Plays scenes in one neighbourhood, each step by the one whose duty it is."""

    def __init__(
        self, town: Town, place: Neighbourhood, categories: dict[str, CategoryId], clock: Clock, draw: Random
    ) -> None:
        self.town, self.place, self.categories, self.clock, self.draw = town, place, categories, clock, draw
        self.clerk = place.as_(place.clerk)
        self.supervisor = place.as_(town.supervisor)
        self.camera = Ref(place.desk.jurisdiction, "camera-east-gate")
        place.desk.do(give, holder=self.camera, role=DEVICE)
        self.double = TicketId("")

    def play(self, number: int, scene: Scene) -> None:
        """One scene from report to its end."""
        resident = self.place.residents[(number * 7) % len(self.place.residents)]
        born = self.report(number, scene, resident)
        path = scene.path
        if path == "rejected":
            self.clerk.do(tickets.reject, born.id, ground=Ground.NOT_OURS, reason="不在本辖区范围，请向所在地反映。")
            return
        if path == "withdrawn":
            self.place.as_(resident.ref).do(tickets.withdraw, born.id, reason="灯已恢复，不用处理了。")
            return
        self.clerk.do(tickets.accept, born.id)
        if path == "doubled":
            self.double = born.id  # it waits for its double, which comes next
            return
        survivor = born.id
        if path == "merged":
            survivor = self.double
            self.clerk.do(tickets.merge, born.id, into=survivor, reason="同一处垃圾，合并办理。")
        self.handle(survivor, path)
        self.finish(survivor, satisfied=path != "unsatisfied")
        if path == "unsatisfied":
            self.handle(survivor, "straight")
            self.finish(survivor, satisfied=True)

    def report(self, number: int, scene: Scene, resident: Resident) -> Ticket:
        """The report, as its source sends it."""
        common: dict[str, Any] = {
            "source": scene.source,
            "title": scene.zh,
            "description": f"{scene.zh} / {scene.en}",
            "category": self.categories[scene.category],
            "point": self.point(resident),
            "message": f"{scene.source.value}-{number}",
        }
        if scene.source in (Source.PATROL, Source.VISIT, Source.DEVICE):
            finder = self.camera if scene.source is Source.DEVICE else self.officer(resident)
            self.place.as_(finder).do(tickets.hand_in, **common)
        elif scene.source is Source.APP:
            own = self.place.as_(resident.ref)
            first = own.do(tickets.report, **common, reporter=resident.party)
            # An application that did not hear the answer sends again: no second ticket comes of it.
            assert own.do(tickets.report, **common, reporter=resident.party).id == first.id
        else:
            self.clerk.do(tickets.report, **common, reporter=resident.party)
        return self.clerk.find(Ticket, where(Ticket.status, TicketStatus.REPORTED), limit=1, descending=True)[0]

    def point(self, resident: Resident) -> Point:
        """Somewhere in the resident's grid."""
        west, south, east, north = resident.grid.area.bounds
        across, up = self.draw.uniform(0.2, 0.8), self.draw.uniform(0.2, 0.8)
        return Point(round(west + (east - west) * across, 6), round(south + (north - south) * up, 6))

    def officer(self, resident: Resident) -> Ref:
        """An officer of the resident's grid."""
        return self.place.officers[resident.grid.id][0]

    def handle(self, id: TicketId, path: str) -> None:
        """Dispatch and handle, by routing or by name, as the path has it."""
        company = Ref(self.place.desk.jurisdiction, self.place.property_company)
        if path == "company":
            ticket = self.clerk.do(tickets.dispatch, id, to=self.place.property_staff, unit=company)
        else:
            ticket = self.clerk.do(tickets.dispatch, id)
            if ticket.bearer is None:
                # The grid's one officer reported it, and nobody handles a complaint of their own.
                ticket = self.clerk.do(tickets.dispatch, id, to=self.place.property_staff, unit=company)
        if path == "disputed":
            self.holder(ticket).do(tickets.dispute, id, reason="属物业维修范围，请改派。")
            ticket = self.clerk.do(
                tickets.redispatch, id, reason="改派物业公司。", to=self.place.property_staff, unit=company
            )
        if path == "sent up":
            self.holder(ticket).do(tickets.escalate, id, reason="需市政部门协调。")
            ticket = self.clerk.do(tickets.dispatch, id, to=self.place.property_staff, unit=company)
        desk = self.holder(ticket)
        self.clock.advance(timedelta(minutes=40))
        desk.do(tickets.start, id)
        if path == "company":
            desk.do(tickets.pause, id, reason="等待配件。")
            self.clock.advance(timedelta(hours=6))
            desk.do(tickets.resume, id)
            desk.do(tickets.extend, id, until=self.clock() + timedelta(days=2), reason="配件明日到。")
        self.clock.advance(timedelta(hours=2))
        desk.do(tickets.handle, id, evidence=(f"photo-{id[-6:]}",), report="已到现场处理完毕。")

    def holder(self, ticket: Ticket) -> Desk:
        """A desk for whoever has it."""
        assert ticket.bearer is not None, f"nobody has {ticket.id}: {ticket.why}"
        return self.place.as_(ticket.bearer)

    def finish(self, id: TicketId, *, satisfied: bool) -> None:
        """Verified by another, closed, and its reporters called."""
        self.supervisor.do(tickets.verify, id, evidence=(f"revisit-{id[-6:]}",))
        self.supervisor.do(tickets.close, id)
        self.clock.advance(timedelta(hours=1))
        while (ticket := self.clerk.get(Ticket, id)).to_call and ticket.status is TicketStatus.CLOSED:
            waiting = _to_call(self.clerk, id)
            words = None if satisfied else "半夜还在响，没有解决。"
            self.clerk.do(tickets.call_back, id, satisfied=satisfied, reporter=waiting[0].party, words=words)


def _to_call(clerk: Desk, id: TicketId) -> Sequence[tickets.TicketReporter]:
    reopened = clerk.get(Ticket, id).reopened
    behind = clerk.find(tickets.TicketReporter, where(tickets.TicketReporter.ticket, id), limit=50)
    return [r for r in behind if r.callable and r.called_round != reopened]
