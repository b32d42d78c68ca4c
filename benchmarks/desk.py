"""A small community to measure in: a clerk, a category, a grid, and what one report of a resident says."""

from __future__ import annotations

from typing import Any

from attrs import frozen

import communitycore as cc
from communitycore import people, places, tickets
from communitycore.domain.roles import CLERK
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.command import Call
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref


@frozen
class Bench:
    """An open hub with a desk of its clerk."""

    hub: Hub
    clerk: Desk
    category: tickets.CategoryId
    reporter: people.PartyId

    def report(self, n: int) -> Call[tickets.Ticket]:
        """The n-th report, as a resident's application sends it."""
        return tickets.report.call(
            source=tickets.Source.APP,
            title=f"楼道灯不亮 {n}",
            description="三单元二层到三层的声控灯坏了一周，老人夜里上下楼不方便，请尽快派人来看一下。",
            category=self.category,
            point=Point(117.01 + (n % 100) / 100_000, 36.98),
            reporter=self.reporter,
            message=f"app-{n}",
        )


def open_bench(url: str, **options: Any) -> Bench:
    """A hub at `url` with one community in it."""
    hub = cc.open(url, **options)
    extent = Area.box(117.0, 36.96875, 117.03125, 37.0)
    body = hub.found("370115002023", name="汇鑫社区", level="community", extent=extent)
    desk = hub.desk(body.id, hub.administrator(body.id))
    desk.do(places.draw_grid, name="第一网格", area=extent)
    clerk = desk.do(people.register, name="窗口")
    desk.do(people.appoint, holder=Ref(body.id, clerk.id), duty=CLERK)
    reporter = desk.do(people.register, name="居民")
    main = desk.do(tickets.define_category, name_zh="公用设施", part=tickets.Part.PART)
    category = desk.do(tickets.define_category, name_zh="楼道照明", part=tickets.Part.PART, parent_id=main.id)
    return Bench(hub, hub.desk(body.id, Ref(body.id, clerk.id)), category.id, reporter.id)
