"""The lives of campaigns, texts, wishes and promises, on one screen.

    a draft 草稿     drafted ⇄ returned                 a wish 心愿   open ⇄ claimed → fulfilled → handed over → thanked
                     drafted → approved → published                  (open, claimed, fulfilled → withdrawn)
                     (any → withdrawn)                 a claim 认领  held → fulfilled → handed over → thanked
                                                                     held → lapsed | given up
    thanks 感谢      written ⇄ returned → passed on                   (held, fulfilled → withdrawn)

The text lives as a draft, which only the organiser reads; the public wish begins when it is published. So no
state of a public wish tells of a child, and a donor's steps never touch a record of the child's side.
"""

from __future__ import annotations

from enum import StrEnum

from communitycore.kernel.states import States


class CampaignStatus(StrEnum):
    """Announced, taking claims, over."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"


class DraftStatus(StrEnum):
    """How far a wish's text has come on its way to the public."""

    DRAFTED = "drafted"
    RETURNED = "returned"
    APPROVED = "approved"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class WishStatus(StrEnum):
    """What the public may know of a wish."""

    OPEN = "open"
    CLAIMED = "claimed"
    FULFILLED = "fulfilled"
    HANDED_OVER = "handed_over"
    THANKED = "thanked"
    WITHDRAWN = "withdrawn"


class ClaimStatus(StrEnum):
    """What became of one promise."""

    HELD = "held"
    FULFILLED = "fulfilled"
    HANDED_OVER = "handed_over"
    THANKED = "thanked"
    LAPSED = "lapsed"
    GIVEN_UP = "given_up"
    WITHDRAWN = "withdrawn"


class ThanksStatus(StrEnum):
    """How far a word of thanks has come on its way to the donor."""

    WRITTEN = "written"
    RETURNED = "returned"
    PASSED_ON = "passed_on"


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
        DraftStatus.APPROVED: {DraftStatus.DRAFTED, DraftStatus.PUBLISHED, DraftStatus.WITHDRAWN},
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
