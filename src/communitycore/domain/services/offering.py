"""What is offered, by whom, for whom, and by which rule its takings are split."""

from __future__ import annotations

from attrs import evolve

from communitycore.domain.funds import LedgerId
from communitycore.domain.funds.books import minor, open_one
from communitycore.domain.people import Party, PartyId, PartyKind, active_party
from communitycore.domain.places.words import check_name
from communitycore.domain.roles import ACCOUNTANT
from communitycore.domain.services.errors import OfferingEnded
from communitycore.domain.services.policy import BookingPolicy, Segment, check_policy
from communitycore.domain.services.records import (
    HOSTS,
    Offering,
    OfferingId,
    OfferingKind,
    OfferingStatus,
    Provider,
    ProviderKind,
    Session,
)
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.rules import role
from communitycore.kernel.view import View


@command("services.offer", may=HOSTS)
def offer(
    view: View,
    *,
    name: str,
    provider: ProviderKind,
    by: PartyId,
    text: str = "",
    shown: str | None = None,
    segments: tuple[Segment, ...] = (),
    fee: Money | None = None,
    policy: BookingPolicy | None = None,
) -> Change[Offering]:
    """Offer something 发布服务项目: free 公益, or with a fee for one person and session 低偿.

    by: who provides it; a volunteer is a person and takes no fee. shown: an organisation as the public reads of it; a
    person is named to nobody. segments: for whom; none for everybody. Raises PartyGone, BadValue.
    """
    _check_provider(active_party(view, by), provider, shown)
    if fee is not None and fee.amount <= 0:
        raise BadValue(
            field="fee", why=f"{fee} is no fee; leave it out where it is free", why_zh="免费项目请勿填写费用"
        )
    if fee is not None and provider is ProviderKind.VOLUNTEER:
        raise BadValue(
            field="fee",
            why="volunteers serve free of charge (Volunteer Service Regulation); a partner may take a low fee",
            why_zh="志愿服务不得收费（《志愿服务条例》），低偿项目请由社区合伙人提供",
        )
    offering = Offering(
        id=view.new(Offering),
        name=check_name(name),
        text=text,
        kind=OfferingKind.FREE if fee is None else OfferingKind.LOW_FEE,
        provider=provider,
        shown=shown,
        segments=tuple(s for s in Segment if s in segments),
        fee=fee,
        policy=check_policy(policy or BookingPolicy()),
    )
    who = Provider(id=view.new(Provider), offering=offering.id, party=by)
    return begin("offering.made", offering).also(begin("provider.named", who))


@command("services.fund_by", may=role(ACCOUNTANT))
def fund_by(view: View, offering_id: OfferingId, *, ledger: LedgerId, rule: str) -> Change[Offering]:
    """Say by which rule the takings are split 设定资金规则: under its agreement, before a session takes place (R21).

    Raises OfferingEnded, LedgerShut, BadValue for one without a fee or in another currency.
    """
    offering = open_offering(view, offering_id)
    if offering.fee is None:
        raise BadValue(field="offering", why="it is free, so nothing is taken", why_zh="免费项目没有收入可供分账")
    minor(offering.fee, open_one(view, ledger))
    return step("offering.funded", offering, evolve(offering, ledger=ledger, rule=check_name(rule)))


@command("services.end_offering", may=HOSTS)
def end_offering(view: View, offering_id: OfferingId) -> Change[Offering]:
    """Offer it no longer 停止提供; sessions that are planned take place. Raises OfferingEnded."""
    offering = open_offering(view, offering_id)
    return step("offering.ended", offering, evolve(offering, status=OfferingStatus.ENDED))


def open_offering(view: View, id: OfferingId) -> Offering:
    """The offering, if it is offered. Raises NotFound, OfferingEnded."""
    offering = view.get(Offering, id)
    if offering.status is not OfferingStatus.OFFERED:
        raise OfferingEnded(name=offering.name)
    return offering


def provider_of(view: View, session: Session) -> PartyId | None:
    """Which party provides a session's offering."""
    found = view.one(Provider, where(Provider.offering, session.offering))
    return None if found is None else found.party


def _check_provider(party: Party, kind: ProviderKind, shown: str | None) -> None:
    person = party.kind is PartyKind.PERSON
    if kind is ProviderKind.VOLUNTEER and not person:
        raise BadValue(field="by", why="a volunteer is a person", why_zh="志愿者须为自然人")
    if kind in (ProviderKind.MERCHANT, ProviderKind.ORGANISATION) and person:
        raise BadValue(
            field="by", why=f"a {kind.value} is registered as an organisation", why_zh=f"{kind.zh}须登记为组织"
        )
    if shown is not None:
        if person:
            raise BadValue(field="shown", why="a person is not named in public", why_zh="个人姓名不对外公开")
        check_name(shown)
