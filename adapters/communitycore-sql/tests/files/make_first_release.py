"""Makes first-release.sqlite3.gz and its anchor: a store of 0.1.0, on which every later release is tried.

Run it with the code of that release, commit 1d2c3fa, and never with today's; the same journal comes out:

    git worktree add first 1d2c3fa
    adapter=first/adapters/communitycore-sql
    PYTHONPATH=first/src:$adapter/src:$adapter/tests python make_first_release.py FOLDER
"""

from __future__ import annotations

import gzip
import sqlite3
import sys
from datetime import date, timedelta
from pathlib import Path

import sql_room as garden

import communitycore as cc
from communitycore import people, places, tickets, wishes
from communitycore.domain.people import OrganisationKind
from communitycore.domain.roles import CLERK, GRID_OFFICER, ORGANISER, SUPERVISOR
from communitycore.domain.tickets import Part, Source
from communitycore.domain.wishes import About, Basis, Declaration, Verdict, WishText
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

DAY = timedelta(days=1)
ABOUT = About(
    name="陈雨桐",
    guardian_name="陈大山",
    school="第三实验学校",
    school_class="三年级二班",
    address="凤凰城三期 12 号楼",
    phone="139 5310 0001",
    exact="鞋码 34.5",
)


class Town:
    """A community below a street below a district, with a clerk, a supervisor, two organisers and neighbours."""

    def __init__(self, hub: cc.Hub, clock: Clock) -> None:
        self.hub, self.clock = hub, clock
        self.district = hub.found("370115", name="济阳区", level="district")
        hub.found("370115001", name="济阳街道", level="subdistrict", parent="370115")
        extent = cc.Area.box(117, 36.75, 117.5, 37)
        home = hub.found("370115001001", name="汇鑫社区", level="community", parent="370115001", extent=extent)
        self.home = home.id
        self.admin = hub.desk(home.id, hub.administrator(home.id))
        self.clerk, self.supervisor, self.writer, self.checker = (
            self.staff(*each)
            for each in (("clerk", CLERK), ("super", SUPERVISOR), ("writer", ORGANISER), ("checker", ORGANISER))
        )
        self.officer, self.reporter, self.donor = (
            self.clerk.do(people.register, name=name).id for name in ("安娜", "欧阳秀兰", "周建国")
        )

    def staff(self, name: str, duty: cc.Role) -> cc.Desk:
        who = cc.Ref(self.home, name)
        self.admin.do(give, holder=who, role=duty)
        return self.hub.desk(self.home, who)

    def desk(self, party: str) -> cc.Desk:
        return self.hub.desk(self.home, cc.Ref(self.home, party))


def places_and_tickets(town: Town) -> None:
    """A grid with an officer, a ticket in each of three conditions, a report told twice under one key."""
    grid = town.admin.do(places.draw_grid, name="一网格", area=cc.Area.box(117, 36.75, 117.25, 37), households=320)
    town.admin.do(places.set_households, grid.id, households=333)
    holder = cc.Ref(town.home, town.officer)
    town.admin.do(people.appoint, holder=holder, duty=GRID_OFFICER, grid_id=grid.id)
    main = town.admin.do(tickets.define_category, name_zh="公用设施", part=Part.PART)
    lamp = town.admin.do(tickets.define_category, name_zh="路灯", part=Part.PART, parent_id=main.id, weight=3)
    desk = town.desk(town.reporter)
    told = []
    for n in range(3):
        told.append(
            desk.keyed(f"app-{n}").do(
                tickets.report,
                source=Source.APP,
                title=f"路灯不亮 {n}",
                category=lamp.id,
                point=cc.Point(117.125, 36.875),
                reporter=town.reporter,
                message=f"app-{n}",
            )
        )
    for ticket in told[1:]:
        town.clerk.do(tickets.accept, ticket.id)
    dispatched = town.clerk.do(tickets.dispatch, told[2].id)
    town.desk(town.officer).do(tickets.start, dispatched.id)


def a_campaign(town: Town) -> None:
    """One wish claimed, one open, and what folds count of them."""
    office = town.clerk.do(people.register_organisation, name="文明办", kind=OrganisationKind.PUBLIC_BODY)
    guardian = town.clerk.do(people.register, name="陈大山", birth_date=date(1958, 3, 1))
    child = town.clerk.do(people.register, name="陈雨桐", birth_date=date(2015, 5, 2), guardians=(guardian.id,))
    campaign = town.writer.do(
        wishes.announce,
        organiser=office.id,
        title="六一微心愿",
        declaration=Declaration(basis=Basis.PUBLIC_CARE, programme="文明办〔2024〕6号"),
        opens=town.clock() + timedelta(minutes=30),
        closes=town.clock() + 30 * DAY,
    )
    drafts = []
    for title in ("一套少儿百科全书", "一个书包"):
        text = WishText(title=title, kind="图书 books", size=None)
        drafts.append(town.writer.do(wishes.draft, campaign.id, child=child.id, about=ABOUT, text=text).id)
        town.checker.do(wishes.review, drafts[-1], Verdict.APPROVE)
    town.clock.advance(timedelta(hours=1))
    town.hub.run_due()  # the campaign opens
    published = town.writer.do(wishes.publish, campaign.id, drafts=tuple(drafts))
    town.desk(town.donor).do(wishes.claim, published[0].id, claimant=town.donor)
    for fold in wishes.ROOM.folds:
        town.writer.figures(fold)


def a_garden(town: Town) -> None:
    """Plots of the adapter's own room: some weeded by their timers, one still waiting for its."""
    made = [town.admin.do(garden.open_plot, label=f"地{n}", tag="北" if n % 2 else "南") for n in range(4)]
    town.admin.do(garden.take, made[0].id, holder="甲")
    town.admin.do(garden.bump, made[1].id)
    town.admin.do(garden.place_order, group="种子", select=7)
    town.clock.advance(DAY)
    town.hub.run_due()
    town.admin.do(garden.close, made[2].id)
    town.admin.do(garden.open_plot, label="地9", tag="北", text="等待除草")


def main(folder: Path) -> None:
    assert cc.__version__ == "0.1.0", cc.__version__
    assert not (Path(cc.__file__).parent / "hub" / "road.py").exists(), "this is not the first release's code"
    path = folder / "first-release.sqlite3"
    path.unlink(missing_ok=True)
    clock = Clock(step=timedelta(seconds=1))
    rooms = [*cc.built_in_rooms(), garden.ROOM]
    with cc.open(f"sqlite:///{path}", rooms=rooms, clock=clock, entropy=seeded("first release")) as hub:
        town = Town(hub, clock)
        places_and_tickets(town)
        a_campaign(town)
        a_garden(town)
        report = hub.verify()
        assert report.ok, report.faults
        (folder / "first-release.anchor.json").write_text(hub.anchor().to_text() + "\n", encoding="utf-8")
        print(report.entries, "entries,", report.rows, "rows")
    file = sqlite3.connect(path)
    file.execute("VACUUM")
    file.close()
    (folder / "first-release.sqlite3.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
