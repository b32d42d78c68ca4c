"""The records of the room. Child's side and donor's side are apart, and no record that one side reads names the other.

read by the child's side    PrivateWish  WishThanks
read by the organiser       WishDraft (the one link between the sides), WishDonor
read by the donor's side    WishClaim  WishMandate
read by everybody           Campaign  Wish
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NewType

from communitycore.domain.people import PartyId
from communitycore.domain.places import Word
from communitycore.domain.roles import CLERK, ORGANISER
from communitycore.domain.wishes.basis import Declaration
from communitycore.domain.wishes.spotting import Finding
from communitycore.domain.wishes.states import (
    CAMPAIGN_STATES,
    CLAIM_STATES,
    DRAFT_STATES,
    THANKS_STATES,
    WISH_STATES,
    CampaignStatus,
    ClaimStatus,
    DraftStatus,
    ThanksStatus,
    WishStatus,
)
from communitycore.kernel.ids import Ref
from communitycore.kernel.record import PUBLIC, Indexed, Max, Personal, Record, record
from communitycore.kernel.rules import own, role
from communitycore.kernel.shape import check_text
from communitycore.kernel.values import frozen

CampaignId = NewType("CampaignId", str)
PrivateWishId = NewType("PrivateWishId", str)
WishDraftId = NewType("WishDraftId", str)
WishId = NewType("WishId", str)
WishClaimId = NewType("WishClaimId", str)
WishThanksId = NewType("WishThanksId", str)
WishDonorId = NewType("WishDonorId", str)
WishMandateId = NewType("WishMandateId", str)

TITLE_MAX, KIND_MAX, SIZE_MAX, LABEL_MAX, THANKS_MAX = 200, 40, 60, 60, 2_000


class AgeBand(Word):
    """An age as coarse as may be counted 年龄段; nobody's exact age is kept here."""

    UNDER_3 = "0-2", "0–2 岁"
    FROM_3 = "3-5", "3–5 岁"
    FROM_6 = "6-8", "6–8 岁"
    FROM_9 = "9-11", "9–11 岁"
    FROM_12 = "12-14", "12–14 岁"
    FROM_15 = "15-17", "15–17 岁"


@frozen(kw_only=True)
class WishText:
    """A wish as the public shall read it. kind: of gift, such as `books` 图书; size: a range, such as `130–140 cm`."""

    title: str
    kind: str
    size: str | None = None

    def __attrs_post_init__(self) -> None:
        check_text(self.title, "title", TITLE_MAX)
        check_text(self.kind, "kind", KIND_MAX)
        if self.size is not None:
            check_text(self.size, "size", SIZE_MAX)


@frozen(kw_only=True)
class About:
    """Of the one who wishes 心愿儿童信息: what the organiser needs to hand over, and the public must never learn.

    name: if people's record does not hold it, or the child is called otherwise. exact: what the gift needs and
    might tell who it is for, such as a shoe size or a condition.
    """

    name: str | None = None
    guardian_name: str | None = None
    school: str | None = None
    school_class: str | None = None
    address: str | None = None
    phone: str | None = None
    exact: str | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("name", "guardian_name", "school", "school_class", "address", "phone", "exact"):
            value = getattr(self, name)
            if value is not None:
                check_text(value, f"about.{name}", 500)

    def names(self) -> tuple[str, ...]:
        """The names of the child and the guardian."""
        return tuple(n for n in (self.name, self.guardian_name) if n)

    def telling(self) -> tuple[str, ...]:
        """What says who it is by itself, and so is never published, whoever approves it."""
        words = (self.name, self.guardian_name, self.school, self.school_class, self.address, self.phone)
        return tuple(w for w in words if w)

    def known(self) -> tuple[str, ...]:
        """The other words that would tell who it is."""
        return tuple(w for w in (self.school, self.school_class, self.address, self.phone, self.exact) if w)


@record("campaign", states=CAMPAIGN_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Campaign(Record[CampaignId]):
    """Wishes asked for together 微心愿活动: by whom, on what legal ground, from when to when.

    hold_hours: how long a claimed wish is kept for its claimant. smallest_cell: counts below it are not
    published by themselves (R14).
    """

    organiser: Indexed[PartyId]
    title: Annotated[str, Max(200)]
    declaration: Declaration
    opens: datetime
    closes: datetime
    hold_hours: int = 72
    smallest_cell: int = 3
    status: Indexed[CampaignStatus] = CampaignStatus.DRAFT

    def takes(self, moment: datetime) -> bool:
        """Whether wishes may be published and claimed at `moment`, whatever its timers have come to."""
        return self.status is CampaignStatus.OPEN and self.opens <= moment < self.closes


@record("private_wish", read=own("child") | own("guardians"), owner="child")
@frozen(kw_only=True)
class PrivateWish(Record[PrivateWishId]):
    """Who wishes 心愿登记. Staff read it only through `consult`, for a purpose that is noted (R16).

    Nothing here tells of the public wish, its state or its donor. guardians: as people has them, now.
    """

    campaign: Indexed[CampaignId]
    child: Indexed[PartyId]
    guardians: tuple[PartyId, ...] = ()
    about: Personal[About | None] = None
    age_band: Personal[AgeBand | None] = None


@record("wish_draft", states=DRAFT_STATES, read=role(ORGANISER), owner="child")
@frozen(kw_only=True)
class WishDraft(Record[WishDraftId]):
    """A wish's text on its way to the public 心愿草稿, and the one link between the child and the public wish.

    The text is the child's until a second person has approved it: before that it may hold anything.
    findings: private details that were spotted in it. reason: why it was returned, or approved in spite of them.
    """

    campaign: Indexed[CampaignId]
    private_wish: Indexed[PrivateWishId]
    child: Indexed[PartyId]
    drafter: Ref
    text: Personal[WishText | None] = None
    findings: tuple[Finding, ...] = ()
    reviewer: Ref | None = None
    reason: Personal[str | None] = None
    public_wish: Indexed[WishId | None] = None
    status: Indexed[DraftStatus] = DraftStatus.DRAFTED


@record("wish", states=WISH_STATES, read=PUBLIC, actors=role(ORGANISER))
@frozen(kw_only=True)
class Wish(Record[WishId]):
    """One small wish 微心愿, as the public may see it: nothing in it points to the child or to the claimant.

    Nor does its history: who claimed it, and who withdrew it, the organiser alone may learn (R15, R23).
    """

    campaign: Indexed[CampaignId]
    title: Annotated[str, Max(TITLE_MAX)]
    kind: Indexed[Annotated[str, Max(KIND_MAX)]]
    size: Annotated[str, Max(SIZE_MAX)] | None = None
    hold_until: datetime | None = None
    status: Indexed[WishStatus] = WishStatus.OPEN


@record(
    "wish_claim",
    states=CLAIM_STATES,
    read=role(ORGANISER) | own("claimant") | own("by"),
    actors=role(ORGANISER),
    owner="claimant",
)
@frozen(kw_only=True)
class WishClaim(Record[WishClaimId]):
    """One promise to fulfil a wish 心愿认领. Nothing in it points to the child.

    by: who speaks for the claimant. label: the organisation's name in published lists; None: an unnamed
    neighbour. public_name: a person's, who asked to be named. for_member: whose gift it is within the
    organisation. related: to the organiser or the campaign (R23), counted apart. proof: a reference.
    thanks: what the child's side had passed on.
    """

    wish: Indexed[WishId]
    campaign: Indexed[CampaignId]
    claimant: Indexed[PartyId]
    by: Indexed[Ref | None]
    label: Annotated[str, Max(LABEL_MAX)] | None = None
    public_name: Personal[Annotated[str, Max(LABEL_MAX)] | None] = None
    for_member: Personal[Annotated[str, Max(200)] | None] = None
    related: bool = False
    proof: Personal[Annotated[str, Max(500)] | None] = None
    thanks: Personal[Annotated[str, Max(THANKS_MAX)] | None] = None
    status: Indexed[ClaimStatus] = ClaimStatus.HELD


@record("wish_thanks", states=THANKS_STATES, read=role(ORGANISER) | own("child") | own("guardians"), owner="child")
@frozen(kw_only=True)
class WishThanks(Record[WishThanksId]):
    """A word of thanks 感谢 from the child's side, on its way to a donor whom it does not know."""

    private_wish: Indexed[PrivateWishId]
    child: Indexed[PartyId]
    guardians: tuple[PartyId, ...] = ()
    writer: Ref
    text: Personal[Annotated[str, Max(THANKS_MAX)] | None] = None
    findings: tuple[Finding, ...] = ()
    reason: Personal[Annotated[str, Max(2_000)] | None] = None
    status: Indexed[ThanksStatus] = ThanksStatus.WRITTEN


@record("wish_donor", read=role(ORGANISER), owner="party")
@frozen(kw_only=True)
class WishDonor(Record[WishDonorId]):
    """How the organiser reaches one who claimed by telephone 电话认领人; nobody else reads it (R23)."""

    party: Indexed[PartyId]
    name: Personal[Annotated[str, Max(200)] | None] = None
    phone: Personal[Annotated[str, Max(40)] | None] = None


@record("wish_mandate", read=role(ORGANISER, CLERK) | own("organisation") | own("person"))
@frozen(kw_only=True)
class WishMandate(Record[WishMandateId]):
    """Who may claim for an organisation 认领授权. person: emptied when it ends, which ends what it allows."""

    organisation: Indexed[PartyId]
    person: Indexed[Ref | None]
