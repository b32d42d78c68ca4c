"""The figures add up, however wishes live, and small ones are not told."""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.domain.wishes_world import (
    ABOUT,
    CODE,
    DONOR_NAME,
    DONOR_PHONE,
    World,
    build,
    leaks,
    organisation,
    secrets,
    text,
)

import communitycore as cc
from communitycore import wishes
from communitycore.domain.people import PartyId
from communitycore.domain.wishes import (
    TALLY,
    Campaign,
    DraftStatus,
    Verdict,
    Wish,
    WishClaim,
    WishDraft,
    WishStatus,
    WishTaken,
    suppressed,
)
from communitycore.domain.wishes.states import LIVE_CLAIMS
from communitycore.hub.followers import rebuilt


@pytest.fixture
def world() -> World:
    return build()


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 12)), st.integers(1, 6))
def test_r14_no_suppressed_count_can_be_told_from_the_rest(counts: dict[str, int], threshold: int) -> None:
    told = suppressed(counts, threshold)
    assert all(cell.count >= threshold and counts[cell.name] == cell.count for cell in told.cells)
    hidden = {name: n for name, n in counts.items() if n and name not in {cell.name for cell in told.cells}}
    if told.others is None:
        assert told.cells == ()
        assert told.merged == ()
    else:
        assert set(told.merged) == set(hidden)
        assert told.others == sum(hidden.values())
        assert not hidden or (len(hidden) > 1 and told.others >= threshold)
    if all(n == 0 or n >= threshold for n in counts.values()):
        assert not hidden


def _brute(world: World) -> tuple[dict[str, int], Counter[str], Counter[str]]:
    """Counts made the slow way, from the records as they are."""
    public = world.public.find(Wish, limit=1_000)
    states = {status.value: sum(wish.status is status for wish in public) for status in WishStatus}
    claims: Counter[str] = Counter()
    related: Counter[str] = Counter()
    for promise in world.writer.find(WishClaim, limit=1_000):
        if promise.status in LIVE_CLAIMS:
            who = f"by/{promise.label}" if promise.label else "named" if promise.public_name else "unnamed"
            (related if promise.related else claims)[who] += 1
    return {"published": len(public), **states}, claims, related


def _check_figures(world: World) -> None:
    states, claims, related = _brute(world)
    running = dict(world.writer.figures(TALLY))
    assert running == rebuilt(world.hub.store, TALLY, world.home)
    assert running.get(world.campaign.id, {"published": 0}) == (states if states["published"] else {"published": 0})
    prefix = f"{world.campaign.id}/"
    rows = {key.removeprefix(prefix): row for key, row in running.items() if key.startswith(prefix)}
    assert {who: row["claims"] for who, row in rows.items() if row["claims"]} == dict(claims)
    assert {who: row["related"] for who, row in rows.items() if row["related"]} == dict(related)
    told = world.public.ask(wishes.tally, world.campaign.id)
    assert told.progress.lit == claims.total() + related.total()
    assert told.progress.published == states["published"]
    assert (told.unnamed, told.related) == (claims["unnamed"], related.total())


def test_jiyangs_133_wishes_are_told_as_its_paper_told_them() -> None:
    """The paper counts six claimants and names three more; their shares of the other 78 are invented here."""
    world = build()
    wanting = list(world.published(133))
    told = {"区委宣传部职工": 13, "幸福家园社工中心成员": 11, "区域建集团职工": 9, "区产发集团职工": 6}
    told |= {"长田人乐善行爱心团": 6, "区检察院": 2, "区投促局": 1, "区农发集团": 2}
    for name, count in told.items():
        party = world.bureau if name == "区委宣传部职工" else organisation(world, name)
        for _ in range(count):
            world.claimed(wanting.pop(), party)
    for caller in (10, *[3] * 24, 1):
        ids = tuple(wanting.pop().id for _ in range(caller))
        world.clerk.do(wishes.claim_by_telephone, ids, name=DONOR_NAME, phone=DONOR_PHONE)
    seen = world.public.ask(wishes.tally, world.campaign.id)
    assert seen.progress.lit == seen.progress.published == 133
    assert [cell.count for cell in seen.claimants.cells] == [13, 11, 9, 6, 6]
    assert (set(seen.claimants.merged), seen.claimants.others) == ({"区检察院", "区投促局", "区农发集团"}, 5)
    assert seen.unnamed == 10 + 73
    assert dict(world.writer.figures(TALLY))[f"{world.campaign.id}/by/区委宣传部职工"]["claims"] == 13


def test_eight_threads_race_for_133_wishes_and_each_has_one_winner() -> None:
    world = build()
    published = world.published(133)
    racers = [organisation(world, f"爱心队 {n}") for n in range(8)]
    won: Counter[str] = Counter()
    told: list[BaseException] = []
    gate = threading.Barrier(8)

    def run(n: int) -> None:
        desk, order = world.desk(racers[n]), random.Random(n).sample(published, 133)
        gate.wait()
        for wish in order:
            try:
                desk.do(wishes.claim, wish.id, claimant=racers[n])
                won[racers[n]] += 1
            except WishTaken:
                pass
            except BaseException as error:
                told.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == []
    assert won.total() == 133
    claims = world.writer.find(WishClaim, limit=1_000)
    assert len(claims) == len({promise.wish for promise in claims}) == 133
    assert Counter(promise.claimant for promise in claims) == +won
    rows = {key: row for key, row in world.writer.figures(TALLY) if "/by/" in key}
    assert sum(row["claims"] for row in rows.values()) == 133
    assert world.public.ask(wishes.progress, world.campaign.id).open == 0
    assert world.hub.verify().ok


class Lives(RuleBasedStateMachine):
    """Random lives of wishes: whatever is tried, the books stay right."""

    def __init__(self) -> None:
        super().__init__()
        self.world = build()

    @initialize(count=st.integers(3, 6))
    def begin(self, count: int) -> None:
        self.world.published(count)

    def tried(self, desk: cc.Desk, command: Any, *args: Any, **kwargs: Any) -> bool:
        try:
            desk.do(command, *args, **kwargs)
        except cc.Refused:
            return False
        return True

    def pick(self, kind: type[Any], n: int) -> Any:
        found = self.world.writer.find(kind, limit=1_000)
        return found[n % len(found)] if found else None

    @rule(n=st.integers(0, 9), leaky=st.booleans())
    def draft(self, n: int, leaky: bool) -> None:
        with suppress(wishes.CampaignOver):
            self.world.drafted(n, wording=text(n, title="陈雨桐" if leaky else "书"))

    @rule(n=st.integers(0, 5), verdict=st.sampled_from(Verdict), reason=st.sampled_from([None, "同意"]))
    def review(self, n: int, verdict: Verdict, reason: str | None) -> None:
        if draft := self.pick(WishDraft, n):
            self.tried(self.world.checker, wishes.review, draft.id, verdict, reason=reason)

    @rule(n=st.integers(0, 5))
    def redraft(self, n: int) -> None:
        if draft := self.pick(WishDraft, n):
            self.tried(self.world.writer, wishes.redraft, draft.id, text=text(n))

    @rule()
    def publish(self) -> None:
        approved = self.world.writer.find(WishDraft, cc.where(WishDraft.status, DraftStatus.APPROVED))
        self.tried(self.world.writer, wishes.publish, self.world.campaign.id, drafts=tuple(d.id for d in approved))

    @rule(n=st.integers(0, 5), who=st.sampled_from(["donor", "bureau", "office"]), how=st.sampled_from(range(4)))
    def claim(self, n: int, who: str, how: int) -> None:
        if not (wish := self.pick(Wish, n)):
            return
        world = self.world
        party: PartyId = getattr(world, who)
        ways: list[dict[str, Any]] = [{}, {"unnamed": True}, {"public_name": "公示名"}, {"related": True}]
        more = ways[how]
        free = wish.status is WishStatus.OPEN or (
            wish.status is WishStatus.CLAIMED and wish.hold_until is not None and wish.hold_until <= world.clock()
        )
        campaign = world.public.get(Campaign, world.campaign.id)
        won = self.tried(world.desk(party), wishes.claim, wish.id, claimant=party, **more)
        assert won == (free and campaign.takes(world.clock()))

    @rule(n=st.integers(0, 5))
    def call(self, n: int) -> None:
        if wish := self.pick(Wish, n):
            self.tried(self.world.clerk, wishes.claim_by_telephone, (wish.id,), name=DONOR_NAME, phone=DONOR_PHONE)

    @rule(n=st.integers(0, 5), command=st.sampled_from(["give_up", "fulfil", "flag"]))
    def move_claim(self, n: int, command: str) -> None:
        if not (promise := self.pick(WishClaim, n)):
            return
        desk = self.world.desk(promise.claimant)
        if command == "give_up":
            self.tried(desk, wishes.give_up, promise.id)
        elif command == "fulfil":
            self.tried(desk, wishes.fulfil, promise.id, proof="收据")
        else:
            self.tried(self.world.writer, wishes.flag_related, promise.id, related=bool(n % 2))

    @rule(n=st.integers(0, 5), steps=st.integers(1, 4))
    def go_on(self, n: int, steps: int) -> None:
        """A wish goes the way it should, without which random steps would seldom come to its end."""
        for _ in range(steps):
            if not (wish := self.pick(Wish, n)):
                return
            if wish.status is WishStatus.OPEN:
                self.claim(n, "donor", steps % 4)
            elif wish.status is WishStatus.CLAIMED:
                promise = self.world.claim_of(wish)
                self.tried(self.world.writer, wishes.fulfil, promise.id, proof="收据")
            elif wish.status is WishStatus.FULFILLED:
                self.tried(self.world.writer, wishes.hand_over, wish.id)
            else:
                private = self.world.draft_of(wish).private_wish
                self.tried(self.world.desk(self.world.guardian), wishes.thank, private, text="谢谢")
                for thanks in self.world.writer.find(wishes.WishThanks):
                    self.tried(self.world.checker, wishes.review_thanks, thanks.id, Verdict.APPROVE)

    @rule(n=st.integers(0, 5))
    def hand_over(self, n: int) -> None:
        if wish := self.pick(Wish, n):
            self.tried(self.world.writer, wishes.hand_over, wish.id)

    @rule(n=st.integers(0, 5))
    def thank(self, n: int) -> None:
        if draft := self.pick(WishDraft, n):
            self.tried(self.world.desk(self.world.guardian), wishes.thank, draft.private_wish, text="谢谢")
        if thanks := self.pick(wishes.WishThanks, n):
            self.tried(self.world.checker, wishes.review_thanks, thanks.id, Verdict.APPROVE)

    @rule(n=st.integers(0, 5))
    def withdraw(self, n: int) -> None:
        if draft := self.pick(WishDraft, n):
            self.tried(self.world.desk(self.world.guardian), wishes.withdraw, draft.private_wish)

    @rule(hours=st.sampled_from([1, 71, 72, 240]), timers=st.booleans())
    def wait(self, hours: int, timers: bool) -> None:
        self.world.clock.advance(timedelta(hours=hours))
        if timers:
            self.world.hub.run_due()

    @invariant()
    def each_wish_has_at_most_one_promise_and_both_agree(self) -> None:
        live: dict[str, list[str]] = {}
        for promise in self.world.writer.find(WishClaim, limit=1_000):
            if promise.status in LIVE_CLAIMS:
                live.setdefault(promise.wish, []).append(promise.status.value)
        for wish in self.world.public.find(Wish, limit=1_000):
            expected = {"open": [], "withdrawn": [], "claimed": ["held"]}.get(wish.status, [wish.status.value])
            assert live.pop(wish.id, []) == expected
            assert (wish.hold_until is not None) == (wish.status is WishStatus.CLAIMED)
        assert live == {}

    @invariant()
    def each_public_wish_comes_from_one_reviewed_draft(self) -> None:
        drafts = [d for d in self.world.writer.find(WishDraft, limit=1_000) if d.public_wish is not None]
        assert len({d.public_wish for d in drafts}) == len(drafts) == len(self.world.public.find(Wish, limit=1_000))
        for draft in drafts:
            assert draft.reviewer not in (None, draft.drafter)
            assert not draft.findings or draft.reason

    @invariant()
    def the_figures_add_up(self) -> None:
        _check_figures(self.world)

    def teardown(self) -> None:
        world = self.world
        both = {world.child, world.guardian, world.donor, world.bureau, DONOR_PHONE, *secrets(ABOUT)}
        assert leaks(world.readable(world.public), both) == []
        assert world.hub.parked(CODE) == []
        assert world.hub.verify().ok


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
