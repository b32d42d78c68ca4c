"""The 133 wishes: drafted, reviewed by a second person, published in one call, claimed by many, handed over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from random import Random

from communitycore.demo import facts
from communitycore.demo.town import Progress, Town, families, name
from communitycore.domain import people, wishes
from communitycore.domain.people import OrganisationKind, PartyId
from communitycore.domain.wishes import About, Basis, Campaign, CampaignId, Declaration, Verdict, WishId, WishText
from communitycore.kernel.errors import Refused
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import Where, where
from communitycore.kernel.values import frozen
from communitycore.testing import Clock

TITLE = "点亮微心愿"
PROGRAMME = "济阳区未成年人关爱行动（演示）"


@frozen
class Donor:
    """A claimant of the page, as a party here."""

    claims: facts.Claims
    party: PartyId
    ref: Ref


def announce(town: Town, clock: Clock, draw: Random, progress: Progress) -> CampaignId:
    """Announce the campaign, register the children, draft and review their wishes, and publish all in one call."""
    drafter, reviewer = (town.district.hub.desk(town.district.jurisdiction, ref) for ref in town.staff)
    clock.set(facts.PUBLISHED_AT - timedelta(days=7))
    campaign: Campaign = drafter.do(
        wishes.announce,
        organiser=town.organiser,
        title=TITLE,
        declaration=Declaration(basis=Basis.PUBLIC_CARE, programme=PROGRAMME),
        opens=facts.PUBLISHED_AT - timedelta(hours=1),
        closes=facts.PUBLISHED_AT + timedelta(days=30),
        hold_hours=240,
    )
    children = families(town.district, facts.WISHES, draw)
    progress("children registered", "儿童登记", facts.WISHES, facts.WISHES)
    drafts = drafter.do_many(
        wishes.draft.call(campaign.id, child=child, about=About(), text=_text(n, draw))
        for n, child in enumerate(children)
    )
    ids = tuple(draft.get().id for draft in drafts)
    reviewed = reviewer.do_many(wishes.review.call(id, Verdict.APPROVE) for id in ids)
    for outcome in reviewed:
        outcome.get()
    progress("wishes reviewed", "心愿审核", len(ids), len(ids))
    clock.set(facts.PUBLISHED_AT - timedelta(minutes=30))
    town.district.hub.run_due()
    clock.set(facts.PUBLISHED_AT)
    published = drafter.do(wishes.publish, campaign.id, drafts=ids)
    progress("wishes published in one call", "一次发布心愿", len(published), facts.WISHES)
    return campaign.id


def _text(n: int, draw: Random) -> WishText:
    en, zh = facts.WISH_TITLES[n % len(facts.WISH_TITLES)]
    return WishText(title=f"{zh} {en}", kind=en.split()[-1])


def donors(town: Town, draw: Random) -> list[Donor]:
    """Register those who claim; who telephones is not registered."""
    found = []
    for claims in facts.CLAIMS:
        if claims.telephone:
            continue
        if claims.organisation:
            party = town.district.do(
                people.register_organisation, name=claims.by, kind=OrganisationKind.SOCIAL_ORGANISATION
            )
        else:
            party = town.district.do(people.register, name=name(draw))
        found.append(Donor(claims, party.id, Ref(town.district.jurisdiction, party.id)))
    return found


def claim(town: Town, campaign: CampaignId, clock: Clock, draw: Random, progress: Progress, *, race: bool) -> None:
    """Everybody claims what the page says they claimed: in turns, or, in a race, on threads of their own."""
    open_now = [wish.id for wish in town.district.find(wishes.Wish, wishes_of(campaign), limit=facts.WISHES)]
    calls: list[tuple[facts.Claims, Callable[[WishId], None]]] = []
    for donor in donors(town, draw):
        calls.append((donor.claims, _own_claim(town, donor)))
    for claims in facts.CLAIMS:
        if claims.telephone:
            calls.append((claims, _by_telephone(town, claims, name(draw), f"1380531{draw.randrange(10_000):04}")))
    claimed = count(1)

    def told() -> None:
        progress("wishes claimed", "心愿认领", next(claimed), facts.WISHES)

    span = facts.ALL_CLAIMED_BY - facts.PUBLISHED_AT
    if race:
        _race(calls, open_now, draw.random(), told)
    else:
        turns = [take for claims, take in calls for _ in range(claims.count)]
        draw.shuffle(turns)
        draw.shuffle(open_now)
        for n, take in enumerate(turns):
            clock.set(facts.PUBLISHED_AT + span * (n + 1) / (len(turns) + 1))
            take(open_now[n])
            told()
    clock.set(max(clock(), facts.ALL_CLAIMED_BY))


def _race(
    calls: Sequence[tuple[facts.Claims, Callable[[WishId], None]]],
    open_now: Sequence[WishId],
    seed: float,
    told: Callable[[], None],
) -> None:
    """Each claimant on a thread, in an order of their own, until they have what they came for."""
    errors: list[BaseException] = []

    def run(claims: facts.Claims, take: Callable[[WishId], None], order: list[WishId]) -> None:
        had = 0
        try:
            for wish in order:
                if had == claims.count:
                    return
                try:
                    take(wish)
                except wishes.WishTaken:
                    continue
                had += 1
                told()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            errors.append(error)

    threads = []
    for n, (claims, take) in enumerate(calls):
        order = list(open_now)
        Random(f"{seed}/{n}").shuffle(order)
        threads.append(threading.Thread(target=run, args=(claims, take, order)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _own_claim(town: Town, donor: Donor) -> Callable[[WishId], None]:
    desk = town.district.hub.desk(town.district.jurisdiction, donor.ref)

    def take(wish: WishId) -> None:
        desk.do(wishes.claim, wish, claimant=donor.party, unnamed=donor.claims.unnamed)

    return take


def _by_telephone(town: Town, claims: facts.Claims, caller: str, phone: str) -> Callable[[WishId], None]:
    desk = town.district.hub.desk(town.district.jurisdiction, town.clerk)

    def take(wish: WishId) -> None:
        desk.do(wishes.claim_by_telephone, (wish,), name=caller, phone=phone)

    return take


def one_more(town: Town, campaign: CampaignId) -> Refused:
    """One more neighbour tries a wish that is taken; gives what they are told."""
    wish = town.district.find(wishes.Wish, wishes_of(campaign), limit=1)[0]
    neighbour = town.clerk
    try:
        town.district.hub.desk(town.district.jurisdiction, neighbour).do(
            wishes.claim, wish.id, claimant=PartyId(neighbour.id)
        )
    except wishes.WishTaken as taken:
        return taken
    raise AssertionError("a wish was claimed twice")


def hand_over(town: Town, campaign: CampaignId, clock: Clock, progress: Progress) -> None:
    """Gifts arrive with the organiser, who brings them to the children; donors and children never meet."""
    organiser = town.district.hub.desk(town.district.jurisdiction, town.staff[0])
    clock.advance(timedelta(hours=5))
    claims = organiser.find(wishes.WishClaim, limit=facts.WISHES)
    got = organiser.do_many(wishes.fulfil.call(c.id, proof=f"收据-{n:04}") for n, c in enumerate(claims, 1))
    for outcome in got:
        outcome.get()
    clock.advance(timedelta(days=2))
    handed = organiser.do_many(wishes.hand_over.call(c.wish) for c in claims)
    for outcome in handed:
        outcome.get()
    progress("wishes handed over", "心愿转交", len(handed), facts.WISHES)


def wishes_of(campaign: CampaignId) -> Where:
    """The condition that finds a campaign's wishes."""
    return where(wishes.Wish.campaign, campaign)
