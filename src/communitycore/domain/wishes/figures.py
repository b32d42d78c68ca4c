"""What is counted and published: progress, who claimed how many, and breakdowns without small cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar

from communitycore.domain.places import Word
from communitycore.domain.roles import ORGANISER, SUPERVISOR
from communitycore.domain.wishes.records import Campaign, CampaignId, PrivateWish, Wish, WishClaim, WishDraft
from communitycore.domain.wishes.states import LIVE_CLAIMS, ClaimStatus, DraftStatus, WishStatus
from communitycore.kernel.command import Fold, read
from communitycore.kernel.journal import Entry
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import FIND_MAX, Where, where
from communitycore.kernel.record import Record
from communitycore.kernel.rules import PUBLIC, role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

R = TypeVar("R", bound=Record[Any])
Language = Literal["en", "zh"]

NEIGHBOUR = {"en": "a kind neighbour", "zh": "一位热心市民"}
NAMED = {"en": "neighbours who gave their names", "zh": "署名市民"}
UNNAMED_KEY, NAMED_KEY, LABEL_KEY = "unnamed", "named", "by/"
LIT = (WishStatus.CLAIMED, WishStatus.FULFILLED, WishStatus.HANDED_OVER, WishStatus.THANKED)


# The fold: rows `<campaign>` with a count for each state of its wishes, and `<campaign>/<who>` with `claims` and
# `related`, which are apart. <who> is `by/<an organisation's public name>`, `named` for all persons who asked to be
# named, or `unnamed` for everybody else. Rows `wish/<id>` and `claim/<id>` remember what a later entry does not say.


def count(get: Callable[[str], Any], entry: Entry) -> Iterator[tuple[str, Any]]:
    """One entry's effect on the tally."""
    changes = entry.changes()
    if entry.kind == "wish":
        yield from _count_wish(get, entry, changes)
    else:
        yield from _count_claim(get, entry, changes)


def _count_wish(get: Callable[[str], Any], entry: Entry, changes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if entry.begins:
        before, after, campaign = None, changes["status"], changes["campaign"]
        yield f"wish/{entry.record}", {"campaign": campaign}
    else:
        (before, after), campaign = changes["status"], get(f"wish/{entry.record}")["campaign"]
    row = get(campaign) or {"published": 0, **{status.value: 0 for status in WishStatus}}
    if before is None:
        row["published"] += 1
    else:
        row[before] -= 1
    row[after] += 1
    yield campaign, row


def _count_claim(get: Callable[[str], Any], entry: Entry, changes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    memory = f"claim/{entry.record}"
    if entry.begins:
        label = changes.get("label")
        named = "public_name" in changes
        who = LABEL_KEY + label if label is not None else NAMED_KEY if named else UNNAMED_KEY
        known = {"row": f"{changes['campaign']}/{who}", "related": changes["related"]}
        column = "related" if known["related"] else "claims"
        yield memory, known
        yield known["row"], _moved(get(known["row"]), column, 1)
        return
    known = get(memory)
    if known is None:
        # An ended claim was flagged: it is in no count any more.
        return
    column = "related" if known["related"] else "claims"
    if "related" in changes:
        known["related"] = changes["related"][1]
        row = _moved(get(known["row"]), column, -1)
        yield memory, known
        yield known["row"], _moved(row, "related" if known["related"] else "claims", 1)
        return
    row = _moved(get(known["row"]), column, -1)
    yield memory, None
    yield known["row"], row if row["claims"] or row["related"] else None


def _moved(row: dict[str, int] | None, column: str, by: int) -> dict[str, int]:
    row = row or {"claims": 0, "related": 0}
    return {**row, column: row[column] + by}


TALLY = Fold(
    "wishes.tally",
    on=frozenset(
        {"wish.published", "wish.claimed", "wish.fulfilled", "wish.handed_over", "wish.thanked", "wish.withdrawn"}
        | {
            f"{kind}.{ended.value}"
            for kind in ("wish", "claim")
            for ended in (ClaimStatus.LAPSED, ClaimStatus.GIVEN_UP)
        }
        | {"claim.made", "claim.flagged", "claim.withdrawn"}
    ),
    apply=count,
    # Exact counts are for those who answer for the campaign; everybody else asks `tally`, which suppresses small ones.
    read=role(ORGANISER, SUPERVISOR, ADMINISTRATOR),
)


@frozen(kw_only=True)
class Progress:
    """How far a campaign has come 进度: how many wishes are in each state now; they sum to `published`."""

    published: int
    open: int
    claimed: int
    fulfilled: int
    handed_over: int
    thanked: int
    withdrawn: int

    @property
    def lit(self) -> int:
        """Wishes that somebody promised or already fulfilled 已点亮."""
        return self.claimed + self.fulfilled + self.handed_over + self.thanked


@frozen
class Cell:
    """One count of a breakdown."""

    name: str
    count: int


@frozen(kw_only=True)
class Breakdown:
    """Counts of which none below the threshold stands alone (R14).

    cells: largest first. merged: the names whose counts are withheld; others: what they sum to, or None where
    even that would be too small to tell.
    """

    cells: tuple[Cell, ...]
    merged: tuple[str, ...] = ()
    others: int | None = 0


@frozen(kw_only=True)
class Tally:
    """Progress, and who claimed how many 认领榜. Persons who did not ask to be named are one row, unnamed.

    claimants: without related parties, who are counted apart (R23).
    """

    progress: Progress
    claimants: Breakdown
    unnamed: int | None
    related: int


class Facet(Word):
    """By what wishes are broken down: kind of gift, or the wishers' age band."""

    KIND = "kind", "礼物类别"
    AGE_BAND = "age_band", "年龄段"


@read("wishes.progress", may=PUBLIC)
def progress(view: View, campaign_id: CampaignId) -> Progress:
    """How far the campaign has come, as of now."""
    view.get(Campaign, campaign_id)
    return _progress(view, campaign_id)


def _progress(view: View, campaign_id: CampaignId) -> Progress:
    states = Counter(wish.status for wish in _all(view, Wish, where(Wish.campaign, campaign_id)))
    return Progress(published=states.total(), **{status.value: states[status] for status in WishStatus})


@read("wishes.tally_of", may=PUBLIC)
def tally(view: View, campaign_id: CampaignId) -> Tally:
    """Progress and the published list of claimants: organisations by name, persons who asked by theirs."""
    campaign = view.get(Campaign, campaign_id)
    named: Counter[str] = Counter()
    unnamed = related = 0
    live = (where(WishClaim.campaign, campaign_id), where(WishClaim.status, among=LIVE_CLAIMS))
    for promise in _all(view, WishClaim, *live):
        name = promise.label or promise.public_name
        if promise.related:
            related += 1
        elif name is None:
            unnamed += 1
        else:
            named[name] += 1
    claimants = suppressed(named, campaign.smallest_cell)
    return Tally(progress=_progress(view, campaign_id), claimants=claimants, unnamed=unnamed, related=related)


@read("wishes.breakdown", may=PUBLIC)
def breakdown(view: View, campaign_id: CampaignId, by: Facet) -> Breakdown:
    """The campaign's published wishes by kind or by age band, small cells suppressed (R14)."""
    campaign = view.get(Campaign, campaign_id)
    if by is Facet.KIND:
        wishes = _all(view, Wish, where(Wish.campaign, campaign_id))
        return suppressed(
            Counter(wish.kind for wish in wishes if wish.status is not WishStatus.WITHDRAWN), campaign.smallest_cell
        )
    bands = {p.id: p.age_band for p in _all(view, PrivateWish, where(PrivateWish.campaign, campaign_id))}
    drafts = (where(WishDraft.campaign, campaign_id), where(WishDraft.status, DraftStatus.PUBLISHED))
    known = (bands.get(text.private_wish) for text in _all(view, WishDraft, *drafts))
    return suppressed(Counter("unknown" if band is None else band.value for band in known), campaign.smallest_cell)


def suppressed(counts: Mapping[str, int], threshold: int) -> Breakdown:
    """The counts, those below `threshold` merged, and with them as many more as it takes to hide each.

    A single withheld cell could be told from the total, so the merged ones sum to the threshold at least,
    which makes them two at least; where nothing is left to merge with, neither names nor their sum are told.
    """
    order = sorted(((n, name) for name, n in counts.items() if n > 0), key=lambda cell: (-cell[0], cell[1]))
    merged: list[tuple[int, str]] = []
    while order and (order[-1][0] < threshold or (merged and _sum(merged) < threshold)):
        merged.append(order.pop())
    cells = tuple(Cell(name, n) for n, name in order)
    if merged and _sum(merged) < threshold:
        return Breakdown(cells=cells, others=None)
    return Breakdown(cells=cells, merged=tuple(sorted(name for _, name in merged)), others=_sum(merged))


def _sum(cells: Iterable[tuple[int, str]]) -> int:
    return sum(n for n, _ in cells)


def _all(view: View, kind: type[R], *conditions: Where) -> Iterator[R]:
    after: R | None = None
    while True:
        page = view.find(kind, *conditions, limit=FIND_MAX, after=after)
        yield from page
        if len(page) < FIND_MAX:
            return
        after = page[-1]
