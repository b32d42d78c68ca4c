"""The lives of campaigns, texts, wishes and promises, on one screen.

    a draft 草稿   drafted → approved → published       a wish 心愿   open ⇄ claimed → fulfilled → handed over → thanked
                   drafted, approved → returned                       open, claimed, fulfilled → withdrawn
                   returned, approved → drafted        a claim 认领  held → fulfilled → handed over → thanked
                   any → withdrawn                                   held → lapsed | given up
    thanks 感谢    written ⇄ returned                                held, fulfilled → withdrawn
                   written → passed on                 a campaign 活动   draft → open → closed, draft → closed

The text lives as a draft, which only the organiser reads; the public wish begins when it is published. So no
state of a public wish tells of a child, and a donor's steps never touch a record of the child's side.
"""

from __future__ import annotations

from typing import Any, TypeVar

from communitycore.domain.places import Word
from communitycore.kernel.change import Change, step
from communitycore.kernel.errors import IllegalStep
from communitycore.kernel.record import Record
from communitycore.kernel.states import States

R = TypeVar("R", bound=Record[Any])


class CampaignStatus(Word):
    """Announced, taking claims, over."""

    DRAFT = "draft", "已预告"
    OPEN = "open", "进行中"
    CLOSED = "closed", "已结束"


class DraftStatus(Word):
    """How far a wish's text has come on its way to the public."""

    DRAFTED = "drafted", "待审核"
    RETURNED = "returned", "已退回"
    APPROVED = "approved", "已通过"
    PUBLISHED = "published", "已发布"
    WITHDRAWN = "withdrawn", "已撤回"


class WishStatus(Word):
    """What the public may know of a wish."""

    OPEN = "open", "待认领"
    CLAIMED = "claimed", "已认领"
    FULFILLED = "fulfilled", "已实现"
    HANDED_OVER = "handed_over", "已转交"
    THANKED = "thanked", "已致谢"
    WITHDRAWN = "withdrawn", "已撤回"


class ClaimStatus(Word):
    """What became of one promise."""

    HELD = "held", "保留中"
    FULFILLED = "fulfilled", "已实现"
    HANDED_OVER = "handed_over", "已转交"
    THANKED = "thanked", "已致谢"
    LAPSED = "lapsed", "已过期"
    GIVEN_UP = "given_up", "已放弃"
    WITHDRAWN = "withdrawn", "心愿已撤回"


class ThanksStatus(Word):
    """How far a word of thanks has come on its way to the donor."""

    WRITTEN = "written", "待审核"
    RETURNED = "returned", "已退回"
    PASSED_ON = "passed_on", "已转达"


CAMPAIGN_STATES = States(
    CampaignStatus,
    start={CampaignStatus.DRAFT},
    then={
        CampaignStatus.DRAFT: {CampaignStatus.OPEN, CampaignStatus.CLOSED},
        CampaignStatus.OPEN: {CampaignStatus.CLOSED},
    },
)

DRAFT_STATES = States(
    DraftStatus,
    start={DraftStatus.DRAFTED},
    then={
        DraftStatus.DRAFTED: {DraftStatus.RETURNED, DraftStatus.APPROVED, DraftStatus.WITHDRAWN},
        DraftStatus.RETURNED: {DraftStatus.DRAFTED, DraftStatus.WITHDRAWN},
        DraftStatus.APPROVED: {
            DraftStatus.DRAFTED,
            DraftStatus.RETURNED,
            DraftStatus.PUBLISHED,
            DraftStatus.WITHDRAWN,
        },
        DraftStatus.PUBLISHED: {DraftStatus.WITHDRAWN},
    },
)

WISH_STATES = States(
    WishStatus,
    start={WishStatus.OPEN},
    then={
        WishStatus.OPEN: {WishStatus.CLAIMED, WishStatus.WITHDRAWN},
        WishStatus.CLAIMED: {WishStatus.OPEN, WishStatus.FULFILLED, WishStatus.WITHDRAWN},
        WishStatus.FULFILLED: {WishStatus.HANDED_OVER, WishStatus.WITHDRAWN},
        WishStatus.HANDED_OVER: {WishStatus.THANKED},
    },
)

CLAIM_STATES = States(
    ClaimStatus,
    start={ClaimStatus.HELD},
    then={
        ClaimStatus.HELD: {
            ClaimStatus.FULFILLED,
            ClaimStatus.LAPSED,
            ClaimStatus.GIVEN_UP,
            ClaimStatus.WITHDRAWN,
        },
        ClaimStatus.FULFILLED: {ClaimStatus.HANDED_OVER, ClaimStatus.WITHDRAWN},
        ClaimStatus.HANDED_OVER: {ClaimStatus.THANKED},
    },
)

THANKS_STATES = States(
    ThanksStatus,
    start={ThanksStatus.WRITTEN},
    then={
        ThanksStatus.WRITTEN: {ThanksStatus.RETURNED, ThanksStatus.PASSED_ON},
        ThanksStatus.RETURNED: {ThanksStatus.WRITTEN},
    },
)

LIVE_CLAIMS = (ClaimStatus.HELD, ClaimStatus.FULFILLED, ClaimStatus.HANDED_OVER, ClaimStatus.THANKED)


def move(name: str, before: R, after: R) -> Change[R]:
    """A step into another state. A table lets a record stay as it is; here that is refused as any illegal step.

    Else a wish could be handed over twice.
    """
    shape = after.__shape__
    states, field = shape.states, shape.state_field
    assert states is not None
    assert field is not None
    state = getattr(before, field)
    if getattr(after, field) is state:
        allowed = tuple(sorted(states.then[state])) or ("nothing; it is final",)
        raise IllegalStep(kind=shape.kind, id=before.id, before=str(state), after=str(state), allowed=allowed)
    return step(name, before, after)
