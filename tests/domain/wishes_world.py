"""A district with an organiser, children, donors and a campaign, for the tests of wishes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from attrs import evolve, frozen

import communitycore as cc
from communitycore import people, places, wishes
from communitycore.domain.people import OrganisationKind, PartyId
from communitycore.domain.roles import CLERK, ORGANISER, SUPERVISOR
from communitycore.domain.wishes import (
    About,
    Basis,
    Campaign,
    Declaration,
    Verdict,
    Wish,
    WishClaim,
    WishDraft,
    WishText,
)
from communitycore.kernel import convert
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

CODE = "370115"
DAY = timedelta(days=1)
CARE = Declaration(basis=Basis.PUBLIC_CARE, programme="文明办〔2024〕6号")
GRANDMOTHER, DONOR_NAME, DONOR_PHONE = "欧阳秀兰", "周建国", "138 0531 7788"
ABOUT = About(
    name="陈雨桐",
    guardian_name="陈大山",
    school="济阳区第三实验学校",
    school_class="三年级二班",
    address="凤凰城三期 12 号楼 2 单元 501",
    phone="139 5310 0001",
    exact="鞋码 34.5",
)


def text(n: int = 0, title: str = "一套少儿百科全书", kind: str = "图书 books") -> WishText:
    return WishText(title=f"{title} {n}", kind=kind, size=None)


@frozen(kw_only=True)
class World:
    """Who there is. A name ending in `_desk` works in the district as that actor."""

    hub: cc.Hub
    clock: Clock
    home: str
    writer: cc.Desk
    checker: cc.Desk
    clerk: cc.Desk
    supervisor: cc.Desk
    office: PartyId
    child: PartyId
    guardian: PartyId
    donor: PartyId
    bureau: PartyId
    campaign: Campaign

    def desk(self, who: str | cc.Ref) -> cc.Desk:
        return self.hub.desk(CODE, who if isinstance(who, cc.Ref) else cc.Ref(self.home, who))

    @property
    def public(self) -> cc.Desk:
        return self.desk("nobody")

    def drafted(self, n: int = 0, *, child: PartyId | None = None, wording: WishText | None = None) -> WishDraft:
        return self.writer.do(
            wishes.draft, self.campaign.id, child=child or self.child, about=ABOUT, text=wording or text(n)
        )

    def approved(self, n: int = 0, *, child: PartyId | None = None) -> WishDraft:
        return self.checker.do(wishes.review, self.drafted(n, child=child).id, Verdict.APPROVE)

    def published(self, count: int = 1) -> tuple[Wish, ...]:
        ready = [self.approved(n).id for n in range(count)]
        return self.writer.do(wishes.publish, self.campaign.id, drafts=tuple(ready))

    def claimed(self, wish: Wish, who: PartyId | None = None, **how: Any) -> WishClaim:
        """Claimed by a person or organisation at its own desk."""
        who = who or self.donor
        self.desk(who).do(wishes.claim, wish.id, claimant=who, **how)
        return self.claim_of(wish)

    def claim_of(self, wish: Wish) -> WishClaim:
        [live] = [
            c
            for c in self.writer.find(WishClaim, cc.where(WishClaim.wish, wish.id))
            if c.status in ("held", "fulfilled", "handed_over", "thanked")
        ]
        return live

    def wish(self, wish: Wish) -> Wish:
        return self.public.get(Wish, wish.id)

    def draft_of(self, wish: Wish) -> WishDraft:
        [found] = self.writer.find(WishDraft, cc.where(WishDraft.public_wish, wish.id))
        return found

    def handed_over(self, wish: Wish, who: PartyId | None = None) -> WishClaim:
        promise = self.claimed(wish, who)
        self.desk(promise.claimant).do(wishes.fulfil, promise.id, proof="收据 000417")
        self.writer.do(wishes.hand_over, wish.id)
        return self.writer.get(WishClaim, promise.id)

    def thanked(self, wish: Wish, words: str = "谢谢您，我每天晚上都读。", who: PartyId | None = None) -> WishClaim:
        promise = self.handed_over(wish, who)
        written = self.desk(self.guardian).do(wishes.thank, self.draft_of(wish).private_wish, text=words)
        self.checker.do(wishes.review_thanks, written.id, Verdict.APPROVE)
        return self.writer.get(WishClaim, promise.id)

    def readable(self, desk: cc.Desk) -> dict[str, list[str]]:
        """All that this desk can read of any record of the rooms, as text by kind: fields and entries."""
        told: dict[str, list[str]] = {}
        for cls in ALL_KINDS:
            try:
                found = desk.find(cls, limit=1_000)
            except cc.Refused:
                continue
            kind = cls.__shape__.kind
            told[kind] = [convert.to_text(record) for record in found]
            for record in found:
                told[kind] += [repr(entry) for entry in desk.history(cls, record.id)]
        return told


ALL_KINDS: Sequence[Any] = (*people.ROOM.records, *wishes.ROOM.records)


def build(*, opened: bool = True, seed: int = 1, hours: int = 72) -> World:
    clock = Clock()
    hub = cc.open("memory://", rooms=[places.ROOM, people.ROOM, wishes.ROOM], clock=clock, entropy=seeded(seed))
    home = hub.found(CODE, name="济阳区", level="district").id
    admin = hub.desk(CODE, hub.administrator(CODE))
    staff = {}
    for name, duty in (("writer", ORGANISER), ("checker", ORGANISER), ("clerk", CLERK), ("supervisor", SUPERVISOR)):
        staff[name] = hub.desk(CODE, cc.Ref(home, name))
        admin.do(give, holder=staff[name].actor, role=duty)
    clerk = staff["clerk"]
    office = clerk.do(people.register_organisation, name="济阳区文明办", kind=OrganisationKind.PUBLIC_BODY)
    bureau = clerk.do(people.register_organisation, name="区委宣传部职工", kind=OrganisationKind.PUBLIC_BODY)
    guardian = clerk.do(people.register, name=GRANDMOTHER, birth_date=date(1958, 3, 1))
    child = clerk.do(people.register, name="陈雨桐", birth_date=date(2015, 5, 2), guardians=(guardian.id,))
    donor = clerk.do(people.register, name=DONOR_NAME)
    campaign = staff["writer"].do(
        wishes.announce,
        organiser=office.id,
        title="六一微心愿",
        declaration=CARE,
        opens=clock() + timedelta(minutes=30),
        closes=clock() + 30 * DAY,
        hold_hours=hours,
    )
    if opened:
        campaign = staff["writer"].do(wishes.open_campaign, campaign.id)
    return World(
        hub=hub,
        clock=clock,
        home=home,
        office=office.id,
        child=child.id,
        guardian=guardian.id,
        donor=donor.id,
        bureau=bureau.id,
        campaign=campaign,
        **staff,
    )


def organisation(world: World, name: str) -> PartyId:
    made = world.clerk.do(people.register_organisation, name=name, kind=OrganisationKind.SOCIAL_ORGANISATION)
    return made.id


def secrets(about: About) -> tuple[str, ...]:
    return (*about.names(), *about.known())


def leaks(read: dict[str, list[str]], secrets: set[str]) -> list[tuple[str, str]]:
    """Which secrets stand in what was read."""
    return [(kind, secret) for kind, texts in read.items() for secret in secrets if any(secret in t for t in texts)]


__all__ = ["ABOUT", "CARE", "CODE", "DAY", "World", "build", "evolve", "leaks", "organisation", "secrets", "text"]
