"""The end of a wish: thanks that reach a donor without saying from whom, or a wish that is taken back."""

from __future__ import annotations

from attrs import evolve

from communitycore.domain.roles import ORGANISER
from communitycore.domain.wishes.claims import claim_of
from communitycore.domain.wishes.drafting import Verdict, check_unnamed, check_verdict, draft_of, private_details
from communitycore.domain.wishes.errors import NoThanksYet, SamePerson
from communitycore.domain.wishes.records import THANKS_MAX, PrivateWish, PrivateWishId, Wish, WishThanks, WishThanksId
from communitycore.domain.wishes.states import ClaimStatus, DraftStatus, ThanksStatus, WishStatus, move
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.query import where
from communitycore.kernel.rules import own, role
from communitycore.kernel.shape import check_text
from communitycore.kernel.view import View

CHILDS_SIDE = own("private_wish.child") | own("private_wish.guardians")


@command("wishes.thank", may=CHILDS_SIDE | role(ORGANISER))
def thank(view: View, private_wish_id: PrivateWishId, *, text: str) -> Change[WishThanks]:
    """Write thanks from the child's side 感谢; `findings` warn the writer of private details (R17).

    The organiser looks it through before the donor reads it. Written again after it was returned, it replaces
    the first. Raises NoThanksYet before the gift was handed over or after thanks were passed on.
    """
    if not text.strip():
        raise BadValue(field="text", why="write a word of thanks", why_zh="请填写感谢内容")
    check_text(text, "text", THANKS_MAX)
    private = view.get(PrivateWish, private_wish_id)
    wish = _public_wish(view, private)
    if wish is None or wish.status is not WishStatus.HANDED_OVER:
        raise NoThanksYet()
    findings = private_details(view, private, {"text": text})
    before = view.one(WishThanks, where(WishThanks.private_wish, private.id))
    if before is None:
        thanks = WishThanks(
            id=view.new(WishThanks),
            private_wish=private.id,
            child=private.child,
            guardians=private.guardians,
            writer=view.actor,
            text=text,
            findings=findings,
        )
        return begin("thanks.written", thanks)
    again = evolve(before, writer=view.actor, text=text, findings=findings, reason=None, status=ThanksStatus.WRITTEN)
    return step("thanks.rewritten", before, again)


@command("wishes.review_thanks", may=role(ORGANISER))
def review_thanks(
    view: View, thanks_id: WishThanksId, verdict: Verdict, *, reason: str | None = None
) -> Change[WishThanks]:
    """Pass thanks on to the donor, without a word of whose they are, or return them with a reason.

    While private details are spotted in the text, it is passed on only with a reason, which is kept (R17); while
    it says in so many words whose they are, not at all.
    Raises SamePerson, PrivateDetails, ChildNamed, ReasonNeeded, NoThanksYet.
    """
    before = view.get(WishThanks, thanks_id)
    if before.writer == view.actor:
        raise SamePerson()
    private = view.get(PrivateWish, before.private_wish)
    findings = private_details(view, private, {"text": before.text})
    reason = check_verdict(verdict, findings, reason)
    if verdict is Verdict.RETURN:
        returned = evolve(before, status=ThanksStatus.RETURNED, findings=findings, reason=reason)
        return move("thanks.returned", before, returned)
    check_unnamed(view, private, {"text": before.text})
    passed = move(
        "thanks.passed_on", before, evolve(before, status=ThanksStatus.PASSED_ON, findings=findings, reason=reason)
    )
    wish = _public_wish(view, private)
    promise = None if wish is None else claim_of(view, wish)
    if wish is None or promise is None or before.text is None:
        raise NoThanksYet()
    told = evolve(promise, status=ClaimStatus.THANKED, thanks=before.text)
    return passed.also(
        step("wish.thanked", wish, evolve(wish, status=WishStatus.THANKED)), step("claim.thanked", promise, told)
    )


@command("wishes.withdraw", may=CHILDS_SIDE | role(ORGANISER))
def withdraw(view: View, private_wish_id: PrivateWishId) -> Change[None]:
    """Take a wish back 撤回, before or after it was published, until it was handed over; a promise ends with it.

    Raises IllegalStep once the gift is with the child.
    """
    private = view.get(PrivateWish, private_wish_id)
    text = draft_of(view, private.id)
    change = move("draft.withdrawn", text, evolve(text, status=DraftStatus.WITHDRAWN)).giving(None)
    wish = _public_wish(view, private)
    if wish is None:
        return change
    change = change.also(step("wish.withdrawn", wish, evolve(wish, status=WishStatus.WITHDRAWN, hold_until=None)))
    promise = claim_of(view, wish)
    if promise is not None:
        change = change.also(step("claim.withdrawn", promise, evolve(promise, status=ClaimStatus.WITHDRAWN)))
    return change


@read("wishes.standing_of", may=CHILDS_SIDE | role(ORGANISER))
def standing_of(view: View, private_wish_id: PrivateWishId) -> WishStatus | DraftStatus:
    """How far a child's wish has come, for the child's side: its public state, or its draft's before that."""
    private = view.get(PrivateWish, private_wish_id)
    wish = _public_wish(view, private)
    return draft_of(view, private.id).status if wish is None else wish.status


def _public_wish(view: View, private: PrivateWish) -> Wish | None:
    public = draft_of(view, private.id).public_wish
    return None if public is None else view.get(Wish, public)
