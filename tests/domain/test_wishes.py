"""The room of wishes from the announcement to thanks: one winner a wish, whatever happens around it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.domain.wishes_world import (
    ABOUT,
    CARE,
    CODE,
    DAY,
    DONOR_NAME,
    World,
    build,
    text,
)

import communitycore as cc
from communitycore import people, wishes
from communitycore.domain.wishes import (
    NEEDS,
    TALLY,
    Basis,
    BasisIncomplete,
    Campaign,
    CampaignClosed,
    CampaignOver,
    CampaignStatus,
    Declaration,
    Detail,
    DraftStatus,
    HoldOver,
    MutualAidElsewhere,
    NotHeld,
    NotInCampaign,
    NotPublicFundraising,
    NotReviewed,
    PrivateDetails,
    ReasonNeeded,
    Reporting,
    SamePerson,
    Verdict,
    Wish,
    WishClaim,
    WishDraft,
    WishStatus,
    WishTaken,
)
from communitycore.kernel.errors import BadValue, IllegalStep, NotAllowed


@pytest.fixture
def world() -> World:
    return build()


# campaigns


def test_a_campaign_opens_and_closes_by_itself() -> None:
    world = build(opened=False)
    assert world.campaign.status is CampaignStatus.DRAFT
    world.clock.advance(timedelta(minutes=30))
    world.hub.run_due()
    assert world.public.get(Campaign, world.campaign.id).status is CampaignStatus.OPEN
    world.clock.advance(30 * DAY)
    world.hub.run_due()
    assert world.public.get(Campaign, world.campaign.id).status is CampaignStatus.CLOSED


def test_an_extended_campaign_closes_at_its_new_end_and_a_closed_one_stays_closed(world: World) -> None:
    later = world.campaign.closes + 10 * DAY
    world.writer.do(wishes.extend, world.campaign.id, closes=later)
    world.clock.set(world.campaign.closes + DAY)
    world.hub.run_due()
    assert world.public.get(Campaign, world.campaign.id).status is CampaignStatus.OPEN
    world.clock.set(later)
    world.hub.run_due()
    assert world.public.get(Campaign, world.campaign.id).status is CampaignStatus.CLOSED
    with pytest.raises(CampaignOver):
        world.writer.do(wishes.extend, world.campaign.id, closes=later + DAY)
    with pytest.raises(IllegalStep):
        world.writer.do(wishes.open_campaign, world.campaign.id)


def test_a_campaign_that_is_called_off_by_hand_takes_no_more_claims(world: World) -> None:
    [wish] = world.published()
    world.clock.advance(DAY)
    closed = world.writer.do(wishes.close_campaign, world.campaign.id)
    assert (closed.status, closed.closes) == (CampaignStatus.CLOSED, world.clock())
    with pytest.raises(CampaignClosed):
        world.claimed(wish)
    with pytest.raises(CampaignOver):
        world.drafted()


def test_a_campaign_never_becomes_shorter_by_being_extended(world: World) -> None:
    with pytest.raises(BadValue):
        world.writer.do(wishes.extend, world.campaign.id, closes=world.campaign.closes - DAY)


def test_outside_its_days_nothing_is_published_or_claimed_even_before_the_timer_ran(world: World) -> None:
    [wish] = world.published()
    ready = world.approved(1)
    world.clock.set(world.campaign.closes)
    with pytest.raises(CampaignClosed):
        world.claimed(wish)
    with pytest.raises(CampaignClosed):
        world.writer.do(wishes.publish, world.campaign.id, drafts=(ready.id,))


def test_what_was_promised_before_the_end_may_be_fulfilled_after_it(world: World) -> None:
    [wish] = world.published()
    world.clock.set(world.campaign.closes - DAY)
    promise = world.claimed(wish)
    world.clock.set(world.campaign.closes + DAY)
    world.hub.run_due()
    assert world.desk(world.donor).do(wishes.fulfil, promise.id, proof="收据 1").status is WishStatus.FULFILLED


@pytest.mark.parametrize("basis", Basis)
def test_r22_every_basis_declares_what_it_needs(world: World, basis: Basis) -> None:
    whole = dict.fromkeys(NEEDS[basis], "on record")

    def announce(**declared: str) -> Campaign:
        return world.writer.do(
            wishes.announce,
            organiser=world.office,
            title="微心愿",
            declaration=Declaration(basis=basis, **declared),
            opens=world.clock(),
            closes=world.clock() + DAY,
        )

    for name in whole:
        for gap in ({}, {name: "  "}):
            with pytest.raises(BasisIncomplete) as refused:
                announce(**{**{n: v for n, v in whole.items() if n != name}, **gap})
            assert refused.value.missing == (name,)
    if basis is Basis.MUTUAL_AID:
        with pytest.raises(MutualAidElsewhere):
            announce(**whole)
    else:
        assert announce(**whole).declaration.basis is basis


def test_r22_nothing_calls_itself_public_fundraising_without_a_qualified_charity(world: World) -> None:
    charity = dict.fromkeys(NEEDS[Basis.PUBLIC_FUNDRAISING], "on record")
    for title in ("六一公开募捐", "Public  Fundraising for wishes"):
        call: dict[str, Any] = {
            "organiser": world.office,
            "title": title,
            "opens": world.clock(),
            "closes": world.clock() + DAY,
        }
        with pytest.raises(NotPublicFundraising):
            world.writer.do(wishes.announce, declaration=CARE, **call)
        whole = Declaration(basis=Basis.PUBLIC_FUNDRAISING, **charity)
        assert world.writer.do(wishes.announce, declaration=whole, **call).title == title


def test_r22_mutual_aid_is_of_one_community(world: World) -> None:
    home = world.hub.found("370115002023", name="汇鑫社区", level="community", parent=CODE)
    desk = world.hub.desk(home.id, world.writer.actor)
    clerk = world.hub.desk(home.id, world.clerk.actor)
    office = clerk.do(people.register_organisation, name="汇鑫社区居委会", kind=people.OrganisationKind.PUBLIC_BODY)
    made = desk.do(
        wishes.announce,
        organiser=office.id,
        title="邻里互助",
        declaration=Declaration(basis=Basis.MUTUAL_AID),
        opens=world.clock(),
        closes=world.clock() + DAY,
    )
    assert made.status is CampaignStatus.DRAFT


def test_r22_only_campaigns_that_ask_the_public_report_and_long_ones_every_quarter(world: World) -> None:
    assert world.public.ask(wishes.reports_due, world.campaign.id).days == ()
    report = Reporting()
    assert report.due(date(2024, 1, 31), date(2024, 3, 31)) == (date(2024, 6, 30),)
    assert report.due(date(2024, 1, 31), date(2024, 12, 31)) == (
        date(2024, 4, 30),
        date(2024, 7, 31),
        date(2024, 10, 31),
        date(2025, 3, 31),
    )


# from a draft to a public wish


def test_r14_a_draft_is_published_only_after_a_second_person_approved_it(world: World) -> None:
    draft = world.drafted()
    with pytest.raises(NotReviewed):
        world.writer.do(wishes.publish, world.campaign.id, drafts=(draft.id,))
    with pytest.raises(SamePerson):
        world.writer.do(wishes.review, draft.id, Verdict.APPROVE)
    world.checker.do(wishes.review, draft.id, Verdict.APPROVE)
    [wish] = world.writer.do(wishes.publish, world.campaign.id, drafts=(draft.id,))
    assert (wish.title, wish.status) == (text().title, WishStatus.OPEN)
    with pytest.raises(NotReviewed):
        world.writer.do(wishes.publish, world.campaign.id, drafts=(draft.id,))


def test_a_returned_draft_says_why_and_comes_back_rewritten(world: World) -> None:
    draft = world.drafted()
    with pytest.raises(ReasonNeeded):
        world.checker.do(wishes.review, draft.id, Verdict.RETURN, reason=" ")
    returned = world.checker.do(wishes.review, draft.id, Verdict.RETURN, reason="请写清类别")
    assert (returned.status, returned.reason) == (DraftStatus.RETURNED, "请写清类别")
    with pytest.raises(IllegalStep):
        world.checker.do(wishes.review, draft.id, Verdict.APPROVE)
    # Whoever writes the text anew is its writer, and cannot approve it.
    world.checker.do(wishes.redraft, draft.id, text=text(2))
    with pytest.raises(SamePerson):
        world.checker.do(wishes.review, draft.id, Verdict.APPROVE)
    assert world.writer.do(wishes.review, draft.id, Verdict.APPROVE).status is DraftStatus.APPROVED


def test_an_approved_text_that_is_rewritten_has_to_be_reviewed_again(world: World) -> None:
    approved = world.approved()
    again = world.writer.do(wishes.redraft, approved.id, text=text(1))
    assert (again.status, again.reviewer) == (DraftStatus.DRAFTED, None)


def test_133_wishes_are_published_in_one_call(world: World) -> None:
    before = world.hub.verify().entries
    published = world.published(133)
    assert len({wish.id for wish in published}) == 133
    assert {wish.title for wish in published} == {text(n).title for n in range(133)}
    causes = {world.writer.history(Wish, wish.id)[0].cause for wish in published}
    assert len(causes) == 1
    assert world.hub.verify().entries > before


def test_one_unfit_draft_among_many_publishes_none(world: World) -> None:
    ready = [world.approved(n).id for n in range(3)]
    for bad, error in (((world.drafted(9).id,), NotReviewed), ((ready[0],), NotInCampaign)):
        with pytest.raises(error):
            world.writer.do(wishes.publish, world.campaign.id, drafts=(*ready, *bad))
    assert world.public.find(Wish) == []


def test_only_drafts_of_the_same_campaign_are_published_together(world: World) -> None:
    other = world.writer.do(
        wishes.announce,
        organiser=world.office,
        title="另一活动",
        declaration=CARE,
        opens=world.clock() + DAY,
        closes=world.clock() + 2 * DAY,
    )
    world.writer.do(wishes.open_campaign, other.id)
    with pytest.raises(NotInCampaign):
        world.writer.do(wishes.publish, other.id, drafts=(world.approved().id,))


def test_r14_the_order_of_public_wishes_tells_nothing_of_the_order_of_drafting(world: World) -> None:
    published = world.published(133)
    titles = [wish.title for wish in sorted(published, key=lambda wish: wish.id)]
    drafted = [text(n).title for n in range(133)]
    assert titles != drafted
    assert sum(a == b for a, b in zip(titles, drafted, strict=True)) < 10
    by_entry = sorted(published, key=lambda wish: world.public.history(Wish, wish.id)[0].seq)
    assert [wish.title for wish in by_entry] == titles


def test_correcting_the_private_record_reopens_a_text_that_now_tells_too_much(world: World) -> None:
    approved = world.approved(0)
    guardian = world.desk(world.guardian)
    guardian.do(wishes.correct, approved.private_wish, about=cc.evolve(ABOUT, phone=None))
    assert world.writer.get(WishDraft, approved.id).status is DraftStatus.APPROVED
    guardian.do(wishes.correct, approved.private_wish, about=cc.evolve(ABOUT, name="百科"))
    reopened = world.writer.get(WishDraft, approved.id)
    assert reopened.status is DraftStatus.DRAFTED
    assert [finding.detail for finding in reopened.findings] == [Detail.NAME]


# claims


def test_a_wish_has_one_winner_and_a_refusal_that_tells_nothing_of_them(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    assert world.wish(wish).hold_until == world.clock() + timedelta(hours=72)
    with pytest.raises(WishTaken) as refused:
        world.claimed(wish, world.bureau)
    told = f"{refused.value} {refused.value.say('zh')} {dict(refused.value.data)}"
    assert not any(secret in told for secret in (world.donor, promise.id, DONOR_NAME))


def test_one_party_may_claim_many(world: World) -> None:
    for wish in world.published(9):
        world.claimed(wish, world.bureau)
    [cell] = world.public.ask(wishes.tally, world.campaign.id).claimants.cells
    assert (cell.name, cell.count) == ("区委宣传部职工", 9)


def test_nobody_claims_in_anothers_name(world: World) -> None:
    [wish] = world.published()
    with pytest.raises(NotAllowed):
        world.desk(world.donor).do(wishes.claim, wish.id, claimant=world.bureau)


def test_an_organisation_is_spoken_for_by_whom_it_entrusts_until_the_mandate_ends(world: World) -> None:
    first, second = world.published(2)
    speaker = world.desk("a-member-of-staff")
    mandate = world.desk(world.bureau).do(wishes.entrust, organisation=world.bureau, person=speaker.actor)
    speaker.do(wishes.claim, first.id, claimant=world.bureau, for_member="办公室小李")
    promise = speaker.get(WishClaim, world.claim_of(first).id)
    assert (promise.claimant, promise.by, promise.for_member) == (world.bureau, speaker.actor, "办公室小李")
    world.desk(world.bureau).do(wishes.end_mandate, mandate.id)
    for attempt in (
        lambda: speaker.do(wishes.claim, second.id, claimant=world.bureau),
        lambda: speaker.do(wishes.give_up, promise.id),
        lambda: speaker.get(WishClaim, promise.id),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert world.desk(world.bureau).get(WishClaim, promise.id).status == "held"


def test_a_person_entrusts_nobody(world: World) -> None:
    with pytest.raises(wishes.NotAnOrganisation):
        world.desk(world.donor).do(wishes.entrust, organisation=world.donor, person=cc.Ref(world.home, "x"))


def test_an_unfulfilled_hold_lapses_and_the_wish_is_open_again(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    world.clock.advance(timedelta(hours=72))
    assert world.hub.run_due() == 1
    assert (world.wish(wish).status, world.wish(wish).hold_until) == (WishStatus.OPEN, None)
    assert world.desk(world.donor).get(WishClaim, promise.id).status == "lapsed"
    assert world.claimed(wish, world.bureau).claimant == world.bureau


def test_the_hold_decides_even_if_its_timer_comes_late(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    world.clock.advance(timedelta(hours=72))
    with pytest.raises(HoldOver):
        world.desk(world.donor).do(wishes.fulfil, promise.id, proof="收据 1")
    world.claimed(wish, world.bureau)
    assert [entry.name for entry in world.public.history(Wish, wish.id)] == [
        "wish.published",
        "wish.claimed",
        "wish.lapsed",
        "wish.claimed",
    ]
    # The old timer is replaced: the new hold is whole.
    world.hub.run_due()
    assert world.wish(wish).hold_until == world.clock() + timedelta(hours=72)


def test_a_hold_that_was_fulfilled_in_time_never_lapses(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    world.clock.advance(timedelta(hours=71))
    world.desk(world.donor).do(wishes.fulfil, promise.id, proof="收据 1")
    world.clock.advance(5 * DAY)
    assert world.hub.run_due() == 0
    assert world.wish(wish).status is WishStatus.FULFILLED


def test_a_promise_taken_back_frees_the_wish_and_gives_no_hold_on_the_next(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    donor = world.desk(world.donor)
    assert donor.do(wishes.give_up, promise.id).status is WishStatus.OPEN
    world.claimed(wish, world.bureau)
    refused: tuple[tuple[Any, dict[str, str]], ...] = ((wishes.give_up, {}), (wishes.fulfil, {"proof": "收据"}))
    for command, more in refused:
        with pytest.raises(NotHeld):
            donor.do(command, promise.id, **more)
    with pytest.raises(NotAllowed):
        donor.do(wishes.give_up, world.claim_of(wish).id)


def test_fulfilment_needs_a_proof_and_handing_over_needs_fulfilment(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    with pytest.raises(BadValue):
        world.desk(world.donor).do(wishes.fulfil, promise.id, proof=" ")
    with pytest.raises(IllegalStep):
        world.writer.do(wishes.hand_over, wish.id)


def test_nothing_is_handed_over_reviewed_or_passed_on_twice(world: World) -> None:
    [wish] = world.published()
    world.handed_over(wish)
    with pytest.raises(IllegalStep):
        world.writer.do(wishes.hand_over, wish.id)
    private = world.draft_of(wish).private_wish
    thanks = world.desk(world.guardian).do(wishes.thank, private, text="谢谢")
    world.checker.do(wishes.review_thanks, thanks.id, Verdict.APPROVE)
    approved = world.approved(1)
    again: tuple[tuple[Any, str], ...] = ((wishes.review_thanks, thanks.id), (wishes.review, approved.id))
    for command, record in again:
        with pytest.raises(IllegalStep):
            world.checker.do(command, record, Verdict.APPROVE)
    assert world.writer.figures(TALLY)


def test_a_whole_life_from_a_draft_to_thanks(world: World) -> None:
    [wish] = world.published()
    promise = world.thanked(wish)
    assert world.desk(world.donor).get(WishClaim, promise.id).thanks == "谢谢您，我每天晚上都读。"
    assert [entry.name for entry in world.public.history(Wish, wish.id)] == [
        f"wish.{name}" for name in ("published", "claimed", "fulfilled", "handed_over", "thanked")
    ]
    assert world.hub.verify().ok


def test_thanks_come_after_the_gift_and_are_passed_on_once(world: World) -> None:
    [wish] = world.published()
    private, guardian = world.draft_of(wish).private_wish, world.desk(world.guardian)
    with pytest.raises(wishes.NoThanksYet):
        guardian.do(wishes.thank, private, text="谢谢")
    promise = world.handed_over(wish)
    written = guardian.do(wishes.thank, private, text="谢谢")
    returned = world.checker.do(wishes.review_thanks, written.id, Verdict.RETURN, reason="可多写一句")
    assert guardian.get(wishes.WishThanks, written.id).reason == returned.reason
    again = guardian.do(wishes.thank, private, text="谢谢，很喜欢")
    assert again.id == written.id
    world.checker.do(wishes.review_thanks, written.id, Verdict.APPROVE)
    assert world.desk(world.donor).get(WishClaim, promise.id).thanks == "谢谢，很喜欢"
    with pytest.raises(wishes.NoThanksYet):
        guardian.do(wishes.thank, private, text="再次感谢")


def test_r17_thanks_that_tell_who_the_child_is_do_not_pass(world: World) -> None:
    [wish] = world.published()
    promise = world.handed_over(wish)
    private = world.draft_of(wish).private_wish
    written = world.desk(world.guardian).do(wishes.thank, private, text="谢谢！陈雨桐，三年级二班")
    assert {finding.detail for finding in written.findings} == {Detail.NAME, Detail.KNOWN}
    with pytest.raises(PrivateDetails):
        world.checker.do(wishes.review_thanks, written.id, Verdict.APPROVE)
    assert world.desk(world.donor).get(WishClaim, promise.id).thanks is None


@pytest.mark.parametrize("how_far", ["drafted", "approved", "published", "claimed", "fulfilled"])
def test_a_wish_can_be_withdrawn_until_it_is_handed_over(world: World, how_far: str) -> None:
    if how_far in ("drafted", "approved"):
        draft = getattr(world, how_far)()
        wish = promise = None
    else:
        [wish] = world.published()
        draft = world.draft_of(wish)
        promise = None if how_far == "published" else world.claimed(wish)
        if how_far == "fulfilled" and promise is not None:
            world.desk(world.donor).do(wishes.fulfil, promise.id, proof="收据 1")
    guardian = world.desk(world.guardian)
    assert guardian.do(wishes.withdraw, draft.private_wish) is None
    assert guardian.ask(wishes.standing_of, draft.private_wish) == "withdrawn"
    if wish is not None:
        assert world.wish(wish).status is WishStatus.WITHDRAWN
    if promise is not None:
        assert world.desk(world.donor).get(WishClaim, promise.id).status == "withdrawn"
    world.clock.advance(10 * DAY)
    assert world.hub.run_due() == 0
    with pytest.raises(IllegalStep):
        guardian.do(wishes.withdraw, draft.private_wish)


def test_a_gift_that_arrived_cannot_be_withdrawn(world: World) -> None:
    [wish] = world.published()
    world.handed_over(wish)
    with pytest.raises(IllegalStep):
        world.writer.do(wishes.withdraw, world.draft_of(wish).private_wish)


def test_the_room_agrees_with_itself_and_its_neighbours(world: World) -> None:
    world.hub.catalogue.check()
    for error in vars(wishes).values():
        if isinstance(error, type) and issubclass(error, cc.Refused):
            assert error.code.startswith("wishes.")
            assert error.en != cc.Refused.en
            assert error.zh != cc.Refused.zh
