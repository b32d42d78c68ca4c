"""From a child's wish to a public one: written, looked through, checked by a second person, published together."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from communitycore.domain.people import (
    AccessNeeded,
    AccessStatus,
    Guardianship,
    GuardianshipId,
    MinorAccess,
    PartyId,
    PartyKind,
    active_party,
    minor_of,
    profile_of,
)
from communitycore.domain.places import Word
from communitycore.domain.roles import ORGANISER
from communitycore.domain.wishes.campaigns import open_now
from communitycore.domain.wishes.errors import (
    CampaignOver,
    ChildNamed,
    NotAPerson,
    NotInCampaign,
    NotReviewed,
    PrivateDetails,
    ReasonNeeded,
    SamePerson,
)
from communitycore.domain.wishes.records import (
    About,
    AgeBand,
    Campaign,
    CampaignId,
    PrivateWish,
    PrivateWishId,
    Wish,
    WishDraft,
    WishDraftId,
    WishText,
    WishThanks,
)
from communitycore.domain.wishes.spotting import Finding, spelt_out, spot
from communitycore.domain.wishes.states import CampaignStatus, DraftStatus, move
from communitycore.kernel.change import Change, begin, many, note, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import NotFound
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where
from communitycore.kernel.rules import REACTION, own, role
from communitycore.kernel.view import View

OF_ONE_CHILD = 300
"""More wishes than one child will ever have; two records each stay below what one command may touch."""


class Verdict(Word):
    """What a second person says of a text: approve 通过, or return 退回."""

    APPROVE = "approve", "通过"
    RETURN = "return", "退回"


class Purpose(Word):
    """Why a member of staff reads who wishes 查阅事由. A closed list, since a journal keeps it for good."""

    REVIEW = "review", "审核"
    HAND_OVER = "hand_over", "转交"
    VISIT = "visit", "走访"
    CORRECTION = "correction", "更正"
    COMPLAINT = "complaint", "投诉处理"
    AUDIT = "audit", "审计"


@command("wishes.draft", may=role(ORGANISER))
def draft(view: View, campaign_id: CampaignId, *, child: PartyId, about: About, text: WishText) -> Change[WishDraft]:
    """Write down a child's wish: who wishes, apart from what the public shall read.

    The draft's `findings` warn the writer of private details in the text (R17).
    Raises CampaignOver, NotFound, PartyGone, NotAPerson.
    """
    campaign = view.get(Campaign, campaign_id)
    if campaign.status is CampaignStatus.CLOSED:
        raise CampaignOver(campaign=campaign.id)
    if active_party(view, child).kind is not PartyKind.PERSON:
        raise NotAPerson(party=child)
    minor = minor_of(view, child)
    private = PrivateWish(
        id=view.new(PrivateWish),
        campaign=campaign.id,
        child=child,
        guardians=() if minor is None else minor.guardians,
        about=about,
        age_band=_age_band(view, child),
    )
    drafted = WishDraft(
        id=view.new(WishDraft),
        campaign=campaign.id,
        private_wish=private.id,
        child=child,
        drafter=view.actor,
        text=text,
        findings=private_details(view, private, _fields(text)),
    )
    return begin("draft.written", drafted).also(begin("private_wish.registered", private))


@command("wishes.redraft", may=role(ORGANISER))
def redraft(view: View, draft_id: WishDraftId, *, text: WishText) -> Change[WishDraft]:
    """Write the text anew, as long as it is not published; what was approved has to be reviewed again."""
    before = view.get(WishDraft, draft_id)
    private = view.get(PrivateWish, before.private_wish)
    after = evolve(
        before,
        status=DraftStatus.DRAFTED,
        drafter=view.actor,
        text=text,
        findings=private_details(view, private, _fields(text)),
        reviewer=None,
        reason=None,
    )
    return step("draft.rewritten", before, after)


@command("wishes.review", may=role(ORGANISER))
def review(view: View, draft_id: WishDraftId, verdict: Verdict, *, reason: str | None = None) -> Change[WishDraft]:
    """A person other than the writer approves the text or returns it (R14). reason: needed to return it.

    While private details are spotted in it, it is approved only with a reason, which is kept (R17); while it says in
    so many words who the child is, not at all.
    Raises SamePerson, PrivateDetails, ChildNamed, ReasonNeeded.
    """
    before = view.get(WishDraft, draft_id)
    if before.drafter == view.actor:
        raise SamePerson()
    # Looked through anew: the child's record may have been corrected since the text was written.
    private = view.get(PrivateWish, before.private_wish)
    fields = {} if before.text is None else _fields(before.text)
    findings = private_details(view, private, fields)
    reason = check_verdict(verdict, findings, reason)
    if verdict is Verdict.APPROVE:
        check_unnamed(view, private, fields)
    status = DraftStatus.APPROVED if verdict is Verdict.APPROVE else DraftStatus.RETURNED
    after = evolve(before, status=status, findings=findings, reviewer=view.actor, reason=reason)
    return move(f"draft.{status.value}", before, after)


@command("wishes.publish", may=role(ORGANISER))
def publish(view: View, campaign_id: CampaignId, *, drafts: tuple[WishDraftId, ...]) -> Change[tuple[Wish, ...]]:
    """Publish approved drafts together 集中发布: all of them, or none.

    The public wishes stand in an order that nobody chose, so that neither their ids nor their entries tell
    whose they are; at most 500 at once.
    Raises CampaignClosed, NotInCampaign, NotReviewed.
    """
    campaign = open_now(view, campaign_id)
    ready = [view.get(WishDraft, draft_id) for draft_id in drafts]
    seen: set[str] = set()
    for one in ready:
        if one.campaign != campaign.id or one.id in seen:
            raise NotInCampaign(draft=one.id, campaign=campaign.id)
        if one.status is not DraftStatus.APPROVED or one.text is None:
            raise NotReviewed(draft=one.id, status=str(one.status))
        seen.add(one.id)
    published, links = [], []
    for before in _shuffled(view, ready):
        text = before.text
        assert text is not None
        wish = Wish(id=view.new(Wish), campaign=campaign.id, title=text.title, kind=text.kind, size=text.size)
        published.append(begin("wish.published", wish))
        after = evolve(before, status=DraftStatus.PUBLISHED, public_wish=wish.id)
        links.append(step("draft.published", before, after))
    return many(published).also(*links)


@command("wishes.consult", may=role(ORGANISER), reveals=(PrivateWish,))
def consult(view: View, private_wish_id: PrivateWishId, *, purpose: Purpose) -> Change[PrivateWish]:
    """Read who wishes, for a stated purpose; each such reading leaves an entry that the child's side can see (R16).

    Of a minor, only under an access to its record that another approved; see people.request_minor_access.
    Raises AccessNeeded.
    """
    private = view.get(PrivateWish, private_wish_id)
    if minor_of(view, private.child) is not None and not _may_read_minor(view, private.child):
        raise AccessNeeded(party=private.child)
    return note("private_wish.consulted", private, purpose=Purpose(purpose).value)


@command("wishes.correct", may=own("private_wish.child") | own("private_wish.guardians") | role(ORGANISER))
def correct(view: View, private_wish_id: PrivateWishId, *, about: About) -> Change[None]:
    """Put right who wishes, as the child's side asks (R16).

    An approved text that tells something of what is now known goes back to be reviewed.
    """
    before = view.get(PrivateWish, private_wish_id)
    after = evolve(before, about=about)
    corrected = step("private_wish.corrected", before, after)
    text = draft_of(view, before.id)
    if text.status is DraftStatus.APPROVED and text.text is not None:
        findings = private_details(view, after, _fields(text.text))
        if set(findings) - set(text.findings):
            again = evolve(text, status=DraftStatus.DRAFTED, findings=findings, reviewer=None, reason=None)
            corrected = corrected.also(step("draft.reopened", text, again))
    return corrected.giving(None)


@command("wishes.follow_guardians", may=REACTION)
def follow_guardians(view: View, guardianship_id: GuardianshipId) -> Change[None]:
    """After a guardianship began or ended: the child's guardians of now, and nobody else, read its wishes."""
    child = view.get(Guardianship, guardianship_id).child
    minor = minor_of(view, child)
    guardians = () if minor is None else minor.guardians
    changes: list[Change[object]] = []
    for private in view.find(PrivateWish, where(PrivateWish.child, child), limit=OF_ONE_CHILD):
        if private.guardians != guardians:
            changes.append(step("private_wish.guardians_changed", private, evolve(private, guardians=guardians)))
    for thanks in view.find(WishThanks, where(WishThanks.child, child), limit=OF_ONE_CHILD):
        if thanks.guardians != guardians:
            changes.append(step("thanks.guardians_changed", thanks, evolve(thanks, guardians=guardians)))
    return many(changes).giving(None) if changes else unchanged(None)


def draft_of(view: View, private_wish_id: PrivateWishId) -> WishDraft:
    """The draft of a private wish; there is one each. Raises NotFound."""
    found = view.one(WishDraft, where(WishDraft.private_wish, private_wish_id))
    if found is None:
        raise NotFound(kind="wish_draft", id=private_wish_id)
    return found


def private_details(view: View, private: PrivateWish, fields: dict[str, str | None]) -> tuple[Finding, ...]:
    """What in these texts may tell who wishes, by all that is on record of the child and its guardians."""
    about = private.about or About()
    return spot(fields, names=(*about.names(), *_names_on_record(view, private)), known=about.known())


def check_unnamed(view: View, private: PrivateWish, fields: dict[str, str | None]) -> None:
    """Raises ChildNamed if these texts hold a name, school, class, address or number of the child's side (R14)."""
    about = private.about or About()
    if told := spelt_out(fields, (*about.telling(), *_names_on_record(view, private))):
        raise ChildNamed(fields=told)


def _names_on_record(view: View, private: PrivateWish) -> list[str]:
    minor = minor_of(view, private.child)
    names = [minor.name if minor is not None else None]
    for party in (private.child, *private.guardians):
        profile = profile_of(view, party)
        names.append(None if profile is None else profile.name)
    return [name for name in names if name]


def check_verdict(verdict: Verdict, findings: Iterable[Finding], reason: str | None) -> str | None:
    """The reason to keep. Raises PrivateDetails or ReasonNeeded where there has to be one and is none."""
    reason = (reason or "").strip() or None
    if reason is None:
        if verdict is not Verdict.APPROVE:
            raise ReasonNeeded()
        if found := tuple(sorted({finding.detail.value for finding in findings})):
            raise PrivateDetails(found=found)
    return reason


def _fields(text: WishText) -> dict[str, str | None]:
    return {"title": text.title, "kind": text.kind, "size": text.size}


def _shuffled(view: View, drafts: list[WishDraft]) -> list[WishDraft]:
    """In the order of ids that are drawn for this alone and then forgotten: the call's secret seed decides it."""
    lots = {draft.id: view.new(WishDraft)[-12:] for draft in drafts}
    return sorted(drafts, key=lambda draft: lots[draft.id])


def _may_read_minor(view: View, child: PartyId) -> bool:
    approved = view.find(
        MinorAccess,
        where(MinorAccess.child, child),
        where(MinorAccess.staff, view.actor),
        where(MinorAccess.status, AccessStatus.APPROVED),
        limit=100,
        order=MinorAccess.until,
        descending=True,
    )
    return any(view.now < access.until for access in approved)


def _age_band(view: View, child: PartyId) -> AgeBand | None:
    minor = minor_of(view, child)
    if minor is None or minor.birth_date is None:
        return None
    today = view.get(Jurisdiction, view.jurisdiction).day(view.now)
    born = minor.birth_date
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    bands = list(AgeBand)
    return bands[min(age // 3, len(bands) - 1)]
