"""A community to test in, in one line: a hub in memory, a clock that moves when told, ids that repeat."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import communitycore as cc
from communitycore.domain.roles import CLERK, GRID_OFFICER, ORGANISER
from communitycore.kernel.jurisdiction import give, put_in_force
from communitycore.testing.clock import START, Clock
from communitycore.testing.entropy import seeded

if TYPE_CHECKING:
    from types import TracebackType

    from communitycore.domain.funds import Ledger
    from communitycore.domain.people import PartyId
    from communitycore.domain.places import Grid
    from communitycore.domain.services import Session
    from communitycore.domain.tickets import Category, Ticket
    from communitycore.domain.wishes import Wish

CODE = "370115002023"
SIDE = 0.01
"""Degrees from one grid's western edge to the next one's."""


@cc.frozen
class Person:
    """Somebody registered here. party: their id in the room `people`."""

    desk: cc.Desk
    party: PartyId

    @property
    def ref(self) -> cc.Ref:
        """Who they are as an actor."""
        return self.desk.actor


class Town:
    """A community with everything a test needs, made by `town`. Close it when done, or use it as a context.

    What it makes, it makes by the commands that everybody has, so it is as real as anything.
    """

    def __init__(self, hub: cc.Hub, clock: Clock, id: str) -> None:
        self.hub = hub
        self.clock = clock
        self.admin = hub.desk(id, hub.administrator(id))
        """The desk of the first administrator."""
        self._count = count(1)
        self._staff: dict[str, Person] = {}

    def __enter__(self) -> Town:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the hub."""
        self.hub.close()

    @property
    def id(self) -> str:
        """The community's id."""
        return self.admin.jurisdiction

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        return self.clock()

    def advance(self, by: timedelta) -> int:
        """Move the clock on and run what is due here by then; gives how many timers and reactions ran."""
        self.clock.advance(by)
        return self.hub.run_due(self.id)

    def desk(self, actor: cc.Ref) -> cc.Desk:
        """A desk here for anybody."""
        return self.hub.desk(self.id, actor)

    def person(self, *roles: cc.Role, name: str | None = None, **facts: Any) -> Person:
        """Somebody new, registered, with these roles here. facts: what else `people.register` takes."""
        party = self.admin.do(cc.people.register, name=name or f"居民 {next(self._count)}", **facts)
        made = Person(self.desk(cc.Ref(self.id, party.id)), party.id)
        for role in roles:
            self.admin.do(give, holder=made.ref, role=role)
        return made

    def stranger(self) -> cc.Desk:
        """The desk of somebody who holds nothing here."""
        return self.desk(cc.Ref("elsewhere", f"stranger-{next(self._count)}"))

    def force(self, veto: cc.Veto) -> None:
        """Put a veto in force here."""
        self.admin.do(put_in_force, name=veto.name)

    # the main things

    def grid(self, name: str | None = None, **more: Any) -> Grid:
        """A new grid, east of those before it."""
        n = next(self._count)
        west = 117.2 + n * SIDE
        area = cc.Area.box(west, 36.97, west + SIDE, 36.98)
        return self.admin.do(cc.places.draw_grid, **{"name": name or f"第{n}网格", "area": area, **more})

    def officer(self, grid: Grid) -> Person:
        """Somebody new who serves in a grid."""
        made = self.person(name=f"网格员 {next(self._count)}")
        self.admin.do(cc.people.appoint, holder=made.ref, duty=GRID_OFFICER, grid_id=grid.id)
        return made

    def clerk(self) -> Person:
        """The clerk at the counter, the same each time."""
        return self._serving(CLERK)

    def category(self, name: str | None = None, **more: Any) -> Category:
        """A new category of tickets."""
        named = name or f"类别 {next(self._count)}"
        return self.admin.do(cc.tickets.define_category, **{"name_zh": named, "part": cc.tickets.Part.PART, **more})

    def ticket(self, reporter: Person | None = None, **more: Any) -> Ticket:
        """A new ticket, reported by somebody new unless said by whom."""
        who = reporter or self.person()
        said = {"title": "楼道灯不亮", "source": cc.tickets.Source.APP, "reporter": who.party}
        if "category" not in more:
            said["category"] = self.category().id
        return who.desk.do(cc.tickets.report, **cast("Any", {**said, **more}))

    def wish(self, title: str = "一盏护眼台灯", kind: str = "study") -> Wish:
        """A new wish of a new child, reviewed, published and open to be claimed."""
        first, second = self._serving(ORGANISER), self._serving(ORGANISER, "second")
        office = self.admin.do(
            cc.people.register_organisation, name="妇联", kind=cc.people.OrganisationKind.PUBLIC_BODY
        )
        parent = self.person()
        born = self.now.date() - timedelta(days=3_000)
        child = self.person(birth_date=born, guardians=(parent.party,))
        opens = self.now + timedelta(seconds=1)
        campaign = first.desk.do(
            cc.wishes.announce,
            organiser=office.id,
            title="点亮微心愿",
            declaration=cc.wishes.Declaration(basis=cc.wishes.Basis.MUTUAL_AID),
            opens=opens,
            closes=opens + timedelta(days=30),
        )
        self.advance(timedelta(seconds=1))
        text = cc.wishes.WishText(title=title, kind=kind)
        draft = first.desk.do(cc.wishes.draft, campaign.id, child=child.party, about=cc.wishes.About(), text=text)
        second.desk.do(cc.wishes.review, draft.id, cc.wishes.Verdict.APPROVE)
        (wish,) = first.desk.do(cc.wishes.publish, campaign.id, drafts=(draft.id,))
        return wish

    def ledger(self, name: str | None = None, **more: Any) -> Ledger:
        """A new ledger: a community fund unless said otherwise."""
        kind = cc.funds.LedgerKind.COMMUNITY_FUND
        return self.admin.do(
            cc.funds.open_ledger, **{"name": name or f"社区基金 {next(self._count)}", "kind": kind, **more}
        )

    def session(self, seats: int = 10, *, days: int = 7, **offer: Any) -> Session:
        """One session of a new offering, free of charge, some days on at nine in the morning."""
        teacher = self.person()
        words = {"name": "编柳课", "provider": cc.services.ProviderKind.VOLUNTEER, "by": teacher.party}
        offering = self.admin.do(cc.services.offer, **cast("Any", {**words, **offer}))
        west = 117.2
        hall = self.admin.do(
            cc.places.open_venue,
            name=f"活动室 {next(self._count)}",
            kind=cc.places.VenueKind.ACTIVITY_ROOM,
            point=cc.Point(west, 36.975),
        )
        zone = self.admin.get(cc.Jurisdiction, self.admin.jurisdiction)
        first = zone.day(self.now) + timedelta(days=days)
        series = self.admin.do(
            cc.services.open_series,
            offering.id,
            venue=hall.id,
            seats=seats,
            rule="FREQ=DAILY;COUNT=1",
            first=first,
            until=first,
            clock="09:00",
            minutes=60,
        )
        (session,) = self.admin.find(cc.services.Session, cc.where(cc.services.Session.series, series.id))
        return session

    def _serving(self, role: cc.Role, which: str = "") -> Person:
        known = self._staff.get(role.name + which)
        if known is None:
            known = self._staff[role.name + which] = self.person(role)
        return known


def town(
    *rooms: cc.Room,
    vetoes: Iterable[cc.Veto] = (),
    classifiers: Iterable[cc.Classifier] = (),
    url: str = "memory://",
    seed: int | str | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> Town:
    """A community to test in, with the built-in rooms and these.

    url: another store than memory, which may hold other communities already. seed: the same gives the same ids; in
    memory always the same unless said otherwise, elsewhere another each time. clock: starts on 4 June 2024, 06:00 UTC.
    options: the adapter's own.
    """
    shared = not url.startswith("memory:")
    mark = str(uuid4()) if shared else ""
    shown = clock or Clock(START)
    hub = cc.open(
        url,
        rooms=[*cc.built_in_rooms(), *rooms],
        vetoes=vetoes,
        classifiers=classifiers,
        clock=shown,
        entropy=seeded(mark or 1 if seed is None else seed),
        **options,
    )
    try:
        body = hub.found(f"{CODE}-{mark[:8]}" if shared else CODE, name="汇鑫社区", level="community")
        return Town(hub, shown, body.id)
    except BaseException:
        hub.close()
        raise
