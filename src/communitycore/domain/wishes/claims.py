"""Promises: one winner a wish, kept until it is fulfilled, given up, or its hold runs out."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from communitycore.domain.people import Party, PartyId, PartyKind, active_party, organisation_of
from communitycore.domain.roles import CLERK, ORGANISER
from communitycore.domain.wishes.campaigns import open_now
from communitycore.domain.wishes.errors import HoldOver, NotAnOrganisation, NotHeld, WishTaken
from communitycore.domain.wishes.records import (
    LABEL_MAX,
    Wish,
    WishClaim,
    WishClaimId,
    WishDonor,
    WishId,
    WishMandate,
    WishMandateId,
)
from communitycore.domain.wishes.spotting import Detail, spot
from communitycore.domain.wishes.states import LIVE_CLAIMS, ClaimStatus, WishStatus, move
from communitycore.kernel.change import Change, begin, many, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import where
from communitycore.kernel.rules import TIMER, linked, own, role
from communitycore.kernel.view import View

CLAIMS_OF_A_SPEAKER = 900
"""What one command may touch, with room for the mandate."""


@command("wishes.entrust", may=own("organisation") | role(CLERK, ORGANISER))
def entrust(view: View, *, organisation: PartyId, person: Ref) -> Change[WishMandate]:
    """Let a person claim for an organisation 授权认领. Raises NotAnOrganisation, PartyGone."""
    if active_party(view, organisation).kind is not PartyKind.ORGANISATION:
        raise NotAnOrganisation(party=organisation)
    held = view.one(WishMandate, where(WishMandate.organisation, organisation), where(WishMandate.person, person))
    if held is not None:
        return unchanged(held)
    mandate = WishMandate(id=view.new(WishMandate), organisation=organisation, person=person)
    return begin("mandate.given", mandate)


@command("wishes.end_mandate", may=own("mandate.organisation") | own("mandate.person") | role(CLERK, ORGANISER))
def end_mandate(view: View, mandate_id: WishMandateId) -> Change[None]:
    """End a mandate; the organisation's promises stay its own, and that person neither sees nor steers them."""
    mandate = view.get(WishMandate, mandate_id)
    if mandate.person is None:
        return unchanged(None)
    ended = step("mandate.ended", mandate, evolve(mandate, person=None))
    theirs = view.find(
        WishClaim,
        where(WishClaim.claimant, mandate.organisation),
        where(WishClaim.by, mandate.person),
        limit=CLAIMS_OF_A_SPEAKER,
    )
    return ended.also(*(step("claim.speaker_left", c, evolve(c, by=None)) for c in theirs)).giving(None)


@command(
    "wishes.claim",
    may=own("claimant") | linked(WishMandate, "organisation", "person", argument="claimant") | role(CLERK, ORGANISER),
)
def claim(
    view: View,
    wish_id: WishId,
    *,
    claimant: PartyId,
    unnamed: bool = False,
    public_name: str | None = None,
    for_member: str | None = None,
    related: bool = False,
) -> Change[Wish]:
    """Promise to fulfil an open wish 认领; the hold lapses unless it is fulfilled in time.

    unnamed: shown as a kind neighbour 一位热心市民, known to the organiser only (R23); so is every person who
    does not ask to be named by a `public_name`. An organisation is shown under its `public_name`, or its name.
    for_member: whose gift it is within the organisation. related: to the organiser (R23); the organiser's own
    claims always are.
    Raises WishTaken if someone was first, CampaignClosed outside its days, PartyGone.
    """
    _free_or_over(view, wish_id)  # first: of many who want a wish all but one are told this
    party = active_party(view, claimant)
    promise = _Promise(view, party, view.actor, unnamed, public_name, for_member, related)
    return promise.make(view, wish_id)


@command("wishes.claim_by_telephone", may=role(CLERK, ORGANISER))
def claim_by_telephone(
    view: View,
    wish_ids: tuple[WishId, ...],
    *,
    name: str,
    phone: str,
    public_name: str | None = None,
    related: bool = False,
) -> Change[tuple[Wish, ...]]:
    """A clerk claims for one who calls and is not registered 电话认领: all these wishes, or none.

    The caller's name and number are kept where the organiser alone reads them; the clerk does not, after the call.
    Raises WishTaken, CampaignClosed, BadValue.
    """
    for field, value in (("name", name), ("phone", phone)):
        if not value.strip():
            raise BadValue(
                field=field, why="the organiser has to be able to call back", why_zh="须填写，以便组织方联系"
            )
    if not wish_ids or len(set(wish_ids)) < len(wish_ids):
        raise BadValue(field="wish_ids", why="name at least one wish, each once", why_zh="至少填写一个心愿，且不重复")
    caller = begin("party.registered", Party(id=view.new(Party), kind=PartyKind.PERSON))
    party = caller.result
    donor = WishDonor(id=view.new(WishDonor), party=party.id, name=name.strip(), phone=phone.strip())
    promise = _Promise(view, party, None, public_name is None, public_name, None, related)
    made = many([promise.make(view, wish_id) for wish_id in wish_ids])
    return made.also(caller, begin("donor.noted", donor))


@command("wishes.lapse", may=TIMER)
def lapse(view: View, wish_id: WishId) -> Change[Wish]:
    """The hold ran out: the wish is open again."""
    wish = view.get(Wish, wish_id)
    if not _hold_over(view, wish):
        return unchanged(wish)
    return _free(view, wish, ClaimStatus.LAPSED)


@command("wishes.give_up", may=own("claim.claimant") | own("claim.by") | role(CLERK, ORGANISER))
def give_up(view: View, claim_id: WishClaimId) -> Change[Wish]:
    """Take a promise back 放弃认领, while the gift is not yet there; the wish is open again. Raises NotHeld."""
    claim = _in_status(view, claim_id, ClaimStatus.HELD)
    return _free(view, view.get(Wish, claim.wish), ClaimStatus.GIVEN_UP)


@command("wishes.fulfil", may=own("claim.claimant") | own("claim.by") | role(CLERK, ORGANISER))
def fulfil(view: View, claim_id: WishClaimId, *, proof: str) -> Change[Wish]:
    """The gift is with the organiser 已实现. proof: a reference, such as a receipt's number.

    Raises HoldOver after the hold's end, NotHeld, BadValue without a proof.
    """
    if not proof.strip():
        raise BadValue(field="proof", why="name a receipt or another proof", why_zh="请填写收据或其他凭证编号")
    promise = _in_status(view, claim_id, ClaimStatus.HELD)
    wish = view.get(Wish, promise.wish)
    if _hold_over(view, wish):
        raise HoldOver(claim=promise.id, until=wish.hold_until)
    kept = step("claim.fulfilled", promise, evolve(promise, status=ClaimStatus.FULFILLED, proof=proof.strip()))
    after = evolve(wish, status=WishStatus.FULFILLED, hold_until=None)
    return step("wish.fulfilled", wish, after).also(kept).cancel(lapse)


@command("wishes.hand_over", may=role(ORGANISER))
def hand_over(view: View, wish_id: WishId) -> Change[Wish]:
    """The organiser brought the gift to the child 转交; donor and child never meet (R15). Raises IllegalStep."""
    wish = view.get(Wish, wish_id)
    handed = move("wish.handed_over", wish, evolve(wish, status=WishStatus.HANDED_OVER))
    promise = claim_of(view, wish)
    assert promise is not None
    return handed.also(step("claim.handed_over", promise, evolve(promise, status=ClaimStatus.HANDED_OVER)))


@command("wishes.flag_related", may=role(ORGANISER))
def flag_related(view: View, claim_id: WishClaimId, *, related: bool = True) -> Change[WishClaim]:
    """Mark a claim as one of a related party 关联方 (R23), or not as one; it is counted apart."""
    promise = view.get(WishClaim, claim_id)
    if promise.related == related:
        return unchanged(promise)
    return step("claim.flagged", promise, evolve(promise, related=related))


def claim_of(view: View, wish: Wish) -> WishClaim | None:
    """The promise that stands for this wish, if one does."""
    return view.one(WishClaim, where(WishClaim.wish, wish.id), where(WishClaim.status, among=LIVE_CLAIMS))


class _Promise:
    """What one claimant promises, for as many wishes as there are."""

    def __init__(
        self,
        view: View,
        party: Party,
        by: Ref | None,
        unnamed: bool,
        public_name: str | None,
        for_member: str | None,
        related: bool,
    ) -> None:
        public_name = _publishable(public_name)
        if unnamed and public_name is not None:
            raise BadValue(
                field="public_name", why="an unnamed claim has none; leave one out", why_zh="匿名认领不应填写公示名称"
            )
        self.party, self.by, self.for_member, self.related = party, by, for_member, related
        self.label = self.public_name = None
        if party.kind is PartyKind.ORGANISATION and not unnamed:
            details = organisation_of(view, party.id)
            self.label = public_name or (None if details is None else details.name[:LABEL_MAX])
        elif not unnamed:
            self.public_name = public_name

    def make(self, view: View, wish_id: WishId) -> Change[Wish]:
        """Claim one wish."""
        wish = _free_or_over(view, wish_id)
        campaign = open_now(view, wish.campaign)
        freed = unchanged(wish) if wish.status is WishStatus.OPEN else _free(view, wish, ClaimStatus.LAPSED)
        wish = freed.result
        promise = WishClaim(
            id=view.new(WishClaim),
            wish=wish.id,
            campaign=campaign.id,
            claimant=self.party.id,
            by=self.by,
            label=self.label,
            public_name=self.public_name,
            for_member=self.for_member,
            related=self.related or self.party.id == campaign.organiser,
        )
        until = view.now + timedelta(hours=campaign.hold_hours)
        claimed = step("wish.claimed", wish, evolve(wish, status=WishStatus.CLAIMED, hold_until=until))
        made = claimed.also(begin("claim.made", promise)).at(until, lapse)
        return freed.also(made).giving(claimed.result)


def _free_or_over(view: View, wish_id: WishId) -> Wish:
    """The wish, if it may be claimed: the hold decides, not its timer, which may come late. Raises WishTaken."""
    wish = view.get(Wish, wish_id)
    if wish.status is not WishStatus.OPEN and not _hold_over(view, wish):
        raise WishTaken(wish=wish.id)
    return wish


def _hold_over(view: View, wish: Wish) -> bool:
    return wish.status is WishStatus.CLAIMED and wish.hold_until is not None and wish.hold_until <= view.now


def _free(view: View, wish: Wish, why: ClaimStatus) -> Change[Wish]:
    """The wish open again, its promise ended."""
    promise = claim_of(view, wish)
    assert promise is not None
    opened = step(f"wish.{why.value}", wish, evolve(wish, status=WishStatus.OPEN, hold_until=None))
    return opened.also(step(f"claim.{why.value}", promise, evolve(promise, status=why))).cancel(lapse)


def _in_status(view: View, claim_id: WishClaimId, needed: ClaimStatus) -> WishClaim:
    promise = view.get(WishClaim, claim_id)
    if promise.status is not needed:
        raise NotHeld(claim=promise.id, status=str(promise.status), needed=str(needed))
    return promise


def _publishable(name: str | None) -> str | None:
    """A name for published lists. Raises BadValue for one that holds somebody's number, account or link."""
    name = (name or "").strip()[: LABEL_MAX + 1] or None
    if name is None:
        return None
    if len(name) > LABEL_MAX:
        raise BadValue(field="public_name", why=f"at most {LABEL_MAX} characters", why_zh=f"最多 {LABEL_MAX} 个字符")
    unfit = {Detail.PHONE, Detail.ID_NUMBER, Detail.ACCOUNT, Detail.LINK}
    if any(finding.detail in unfit for finding in spot({"public_name": name})):
        raise BadValue(
            field="public_name",
            why="it holds a number, account or link; published lists show names alone",
            why_zh="含有号码、账号或链接，公示名单仅显示名称",
        )
    return name
