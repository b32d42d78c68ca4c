"""A child is told from no wish, a donor from no list, and the two never meet."""

from __future__ import annotations

import json
from datetime import date

import attrs
import pytest
from tests.domain.wishes_world import (
    ABOUT,
    CODE,
    DAY,
    DONOR_NAME,
    DONOR_PHONE,
    GRANDMOTHER,
    World,
    build,
    leaks,
    organisation,
    secrets,
    text,
)

from communitycore import people, wishes
from communitycore.domain.wishes import (
    TALLY,
    About,
    ChildNamed,
    Detail,
    DraftStatus,
    Facet,
    NotReviewed,
    PrivateDetails,
    PrivateWish,
    Purpose,
    Verdict,
    Wish,
    WishClaim,
    WishDonor,
    WishStatus,
    WishTaken,
    WishText,
)
from communitycore.kernel.errors import BadValue, NotAllowed


@pytest.fixture
def world() -> World:
    return build()


# the text, of R14 and R17


def test_r17_the_writer_is_warned_and_distribution_stops_until_a_person_gives_a_reason(world: World) -> None:
    draft = world.drafted(wording=WishText(title="雨桐想要一双球鞋", kind="鞋"))
    assert {finding.detail for finding in draft.findings} == {Detail.NAME}
    with pytest.raises(PrivateDetails) as refused:
        world.checker.do(wishes.review, draft.id, Verdict.APPROVE)
    assert refused.value.found == ("name",)
    with pytest.raises(NotReviewed):
        world.writer.do(wishes.publish, world.campaign.id, drafts=(draft.id,))
    approved = world.checker.do(wishes.review, draft.id, Verdict.APPROVE, reason="“雨桐”在此为树名")
    assert (approved.status, approved.reason) == (DraftStatus.APPROVED, "“雨桐”在此为树名")
    assert world.writer.do(wishes.publish, world.campaign.id, drafts=(draft.id,))


def test_r17_names_on_record_are_spotted_though_the_form_does_not_repeat_them(world: World) -> None:
    wording = WishText(title=f"送给{GRANDMOTHER}和陈雨桐", kind="图书")
    draft = world.writer.do(wishes.draft, world.campaign.id, child=world.child, about=About(), text=wording)
    assert [finding.detail for finding in draft.findings] == [Detail.NAME, Detail.NAME]


@pytest.mark.parametrize(
    "told", ["陈雨桐", "陈 雨 桐", ABOUT.school, "济阳区第三实验学校", ABOUT.phone, "13953100001", GRANDMOTHER]
)
def test_r14_no_reason_lets_a_text_pass_that_says_who_the_child_is(world: World, told: str) -> None:
    draft = world.drafted(wording=WishText(title=f"{told} 想要一双球鞋", kind="鞋"))
    with pytest.raises(ChildNamed) as refused:
        world.checker.do(wishes.review, draft.id, Verdict.APPROVE, reason="同意")
    assert refused.value.fields == ("title",)
    returned = world.checker.do(wishes.review, draft.id, Verdict.RETURN, reason="请删去姓名")
    assert returned.status is DraftStatus.RETURNED


def test_r14_a_public_wish_holds_nothing_of_the_child(world: World) -> None:
    [wish] = world.published()
    draft = world.draft_of(wish)
    told = repr(world.public.get(Wish, wish.id)) + repr(world.public.history(Wish, wish.id))
    for secret in (*secrets(ABOUT), draft.id, draft.private_wish, world.child, world.guardian):
        assert secret not in told
    # A closed list: whoever adds a field to what everybody reads has to think of this rule.
    fields = {field.name for field in attrs.fields(Wish)}
    assert fields == {"id", "version", "campaign", "title", "kind", "size", "hold_until", "status"}


def test_r14_small_counts_are_never_published_alone(world: World) -> None:
    clerk, kinds = world.clerk, ("图书", "玩具", "鞋")
    young = clerk.do(people.register, name="小石头", birth_date=date(2022, 1, 1), guardians=(world.guardian,)).id
    drafts = [
        world.drafted(n, child=young if n == 0 else world.child, wording=text(n, kind=kinds[min(n // 5, 2)]))
        for n in range(11)
    ]
    for draft in drafts:
        world.checker.do(wishes.review, draft.id, Verdict.APPROVE)
    world.writer.do(wishes.publish, world.campaign.id, drafts=tuple(d.id for d in drafts))
    by_kind = world.public.ask(wishes.breakdown, world.campaign.id, Facet.KIND)
    # One pair of shoes alone would be told by the total, so the smallest other kind hides it.
    assert [(cell.name, cell.count) for cell in by_kind.cells] == [("图书", 5)]
    assert (set(by_kind.merged), by_kind.others) == ({"玩具", "鞋"}, 6)
    by_age = world.public.ask(wishes.breakdown, world.campaign.id, Facet.AGE_BAND)
    assert (by_age.cells, set(by_age.merged), by_age.others) == ((), {"0-2", "9-11"}, 11)


# who may read a child's record, of R16


def test_r16_staff_read_who_wishes_only_with_an_approved_access_and_leave_a_note(world: World) -> None:
    private = world.drafted().private_wish
    with pytest.raises(NotAllowed):
        world.writer.get(PrivateWish, private)
    with pytest.raises(people.AccessNeeded):
        world.writer.do(wishes.consult, private, purpose=Purpose.HAND_OVER)
    asked = world.writer.do(people.request_minor_access, world.child, reason="转交礼物")
    world.supervisor.do(people.approve_minor_access, asked.id)
    assert world.writer.do(wishes.consult, private, purpose=Purpose.HAND_OVER).about == ABOUT
    with pytest.raises(people.AccessNeeded):
        world.checker.do(wishes.consult, private, purpose=Purpose.HAND_OVER)
    seen = world.desk(world.guardian).history(PrivateWish, private)[-1]
    assert (seen.name, seen.changes()) == ("private_wish.consulted", {"purpose": "hand_over"})
    world.clock.advance(2 * DAY)
    with pytest.raises(people.AccessNeeded):
        world.writer.do(wishes.consult, private, purpose=Purpose.HAND_OVER)


def test_a_guardian_reads_the_record_until_the_guardianship_ends(world: World) -> None:
    private = world.drafted().private_wish
    uncle = world.clerk.do(people.register, name="陈大山").id
    world.clerk.do(people.add_guardian, world.child, guardian_id=uncle)
    assert world.desk(uncle).get(PrivateWish, private).about == ABOUT
    world.clerk.do(people.end_guardianship, world.child, guardian_id=world.guardian)
    with pytest.raises(NotAllowed):
        world.desk(world.guardian).get(PrivateWish, private)
    with pytest.raises(NotAllowed):
        world.desk(world.donor).get(PrivateWish, private)


# the telephone, the unnamed, the related (R23)


def test_a_clerk_claims_ten_for_one_who_calls_all_or_none(world: World) -> None:
    published = world.published(11)
    world.claimed(published[0])
    ids = tuple(wish.id for wish in published)
    with pytest.raises(WishTaken):
        world.clerk.do(wishes.claim_by_telephone, ids, name=DONOR_NAME, phone=DONOR_PHONE)
    assert world.public.ask(wishes.progress, world.campaign.id).lit == 1
    made = world.clerk.do(wishes.claim_by_telephone, ids[1:], name=DONOR_NAME, phone=DONOR_PHONE)
    assert len(made) == 10
    assert len({world.claim_of(wish).claimant for wish in made}) == 1


def test_r23_a_caller_is_known_to_the_organiser_only(world: World) -> None:
    [wish] = world.published()
    world.clerk.do(wishes.claim_by_telephone, (wish.id,), name=DONOR_NAME, phone=DONOR_PHONE)
    [donor] = world.writer.find(WishDonor)
    assert (donor.name, donor.phone, donor.party) == (DONOR_NAME, DONOR_PHONE, world.claim_of(wish).claimant)
    told = repr(world.readable(world.clerk)["party"])
    assert DONOR_PHONE not in told
    for desk in (world.clerk, world.public, world.desk(world.donor), world.desk(world.guardian)):
        with pytest.raises(NotAllowed):
            desk.get(WishDonor, donor.id)
    with pytest.raises(NotAllowed):
        world.clerk.get(WishClaim, world.claim_of(wish).id)


def test_r23_unnamed_donors_are_one_row_and_the_named_are_named(world: World) -> None:
    published = list(world.published(24))
    party = organisation(world, "幸福家园社工中心成员")
    named = world.clerk.do(people.register, name="王芳").id
    for who, count, how in (
        (world.bureau, 5, {}),
        (party, 4, {"unnamed": True}),
        (world.donor, 4, {}),
        (named, 3, {"public_name": "王芳"}),
        (party, 3, {}),
        (world.office, 2, {}),
    ):
        for _ in range(count):
            world.claimed(published.pop(), who, **how)
    told = world.public.ask(wishes.tally, world.campaign.id)
    assert [(c.name, c.count) for c in told.claimants.cells] == [
        ("区委宣传部职工", 5),
        ("幸福家园社工中心成员", 3),
        ("王芳", 3),
    ]
    assert (told.unnamed, told.related) == (8, 2)
    rows = dict(world.writer.figures(TALLY))
    prefix = world.campaign.id
    assert rows[f"{prefix}/unnamed"] == {"claims": 8, "related": 0}
    assert rows[f"{prefix}/named"] == {"claims": 3, "related": 0}
    assert rows[f"{prefix}/by/济阳区文明办"] == {"claims": 0, "related": 2}
    assert "王芳" not in json.dumps(rows, ensure_ascii=False)


def test_r23_the_history_of_a_wish_names_no_actor_but_to_the_organiser(world: World) -> None:
    first, second = world.published(2)
    promise = world.thanked(first)
    world.clerk.do(wishes.claim_by_telephone, (second.id,), name=DONOR_NAME, phone=DONOR_PHONE)
    actors = {world.donor, world.guardian, *(str(desk.actor) for desk in (world.writer, world.checker, world.clerk))}
    for wish in (first, second):
        for desk in (world.public, world.desk(world.guardian), world.desk(world.donor)):
            told = repr(desk.history(Wish, wish.id))
            assert [who for who in actors if who in told and who != desk.actor.id] == []
    assert world.guardian not in repr(world.desk(world.donor).history(WishClaim, promise.id))
    assert world.donor in repr(world.writer.history(Wish, first.id))


def test_r23_a_related_party_is_counted_apart_also_when_it_is_found_out_later(world: World) -> None:
    first, second = world.published(2)
    promise = world.claimed(first)
    world.claimed(second, related=True)
    rows = dict(world.writer.figures(TALLY))
    assert rows[f"{world.campaign.id}/unnamed"] == {"claims": 1, "related": 1}
    world.writer.do(wishes.flag_related, promise.id)
    rows = dict(world.writer.figures(TALLY))
    assert rows[f"{world.campaign.id}/unnamed"] == {"claims": 0, "related": 2}
    assert world.public.ask(wishes.tally, world.campaign.id).related == 2


@pytest.mark.parametrize("name", ["联系 139 5310 0001", "https://shop.example", "微信号 shop_2024", "x" * 61])
def test_a_published_name_is_a_name_and_no_advertisement(world: World, name: str) -> None:
    [wish] = world.published()
    with pytest.raises(BadValue):
        world.claimed(wish, world.bureau, public_name=name)
    with pytest.raises(BadValue):
        world.claimed(wish, unnamed=True, public_name="王芳")


# donor and child, of R15


def test_r15_donor_and_child_never_meet(world: World) -> None:
    """No record or entry that one side can read, of any kind, names the other side or a record of it."""
    first, second, third = world.published(3)
    promise = world.thanked(first)
    world.claimed(second)
    world.desk(world.guardian).do(wishes.withdraw, world.draft_of(second).private_wish)
    world.claimed(third, world.bureau)
    donors = {world.donor, world.bureau, promise.id, world.claim_of(third).id, DONOR_NAME}
    children = {world.child, world.guardian, GRANDMOTHER, *secrets(ABOUT)}
    for wish in (first, second, third):
        draft = world.draft_of(wish)
        children |= {draft.id, draft.private_wish}

    for donor in (world.donor, world.bureau):
        read = world.readable(world.desk(donor))
        assert read["wish_claim"]
        assert leaks(read, children) == []
    for kin in (world.guardian, world.child):
        read = world.readable(world.desk(kin))
        assert read["private_wish"]
        assert read["wish_thanks"]
        assert leaks(read, donors) == []
        # Nor which of the public wishes is theirs, since its donor knows that one.
        mine = {kind: texts for kind, texts in read.items() if kind not in ("wish", "campaign")}
        assert leaks(mine, {first.id, second.id, third.id}) == []
    assert leaks(world.readable(world.public), donors | children) == []


def test_r15_only_the_organiser_hands_over(world: World) -> None:
    [wish] = world.published()
    promise = world.claimed(wish)
    world.desk(world.donor).do(wishes.fulfil, promise.id, proof="收据 1")
    for desk in (world.desk(world.donor), world.desk(world.guardian), world.clerk, world.public):
        with pytest.raises(NotAllowed):
            desk.do(wishes.hand_over, wish.id)
    assert world.writer.do(wishes.hand_over, wish.id).status is WishStatus.HANDED_OVER


def test_nothing_of_a_child_or_a_donor_stands_in_the_journal(world: World) -> None:
    first, second, third = world.published(3)
    world.drafted(wording=WishText(title="陈雨桐的心愿 139 5310 0001", kind="鞋"))
    world.thanked(first)
    world.clerk.do(wishes.claim_by_telephone, (second.id,), name=DONOR_NAME, phone=DONOR_PHONE)
    world.claimed(third, public_name="周建国先生", for_member="长子")
    world.writer.figures(TALLY)
    journal = "\n".join(repr(entry) for entry in world.hub.journal(CODE))
    private = (*secrets(ABOUT), DONOR_NAME, DONOR_PHONE, GRANDMOTHER, "先生", "长子", "每天晚上", "收据 000417")
    assert [secret for secret in private if secret in journal] == []
