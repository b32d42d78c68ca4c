"""Campaigns: announced with their legal basis, opened and closed by the calendar."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from communitycore.domain.people import PartyId, active_party
from communitycore.domain.roles import ORGANISER
from communitycore.domain.wishes.basis import ASKS_THE_PUBLIC, REPORTING, Declaration, ReportsDue, check_declaration
from communitycore.domain.wishes.errors import CampaignClosed, CampaignOver
from communitycore.domain.wishes.records import Campaign, CampaignId
from communitycore.domain.wishes.states import CampaignStatus
from communitycore.kernel import times
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.rules import PUBLIC, TIMER, role
from communitycore.kernel.view import View

HOLD_HOURS_MAX = 24 * 90


@command("wishes.announce", may=role(ORGANISER))
def announce(
    view: View,
    *,
    organiser: PartyId,
    title: str,
    declaration: Declaration,
    opens: datetime,
    closes: datetime,
    hold_hours: int = 72,
    smallest_cell: int = 3,
) -> Change[Campaign]:
    """Announce a campaign with its legal basis (R22); it opens and closes by itself.

    Raises BasisIncomplete, NotPublicFundraising, MutualAidElsewhere, BadValue.
    """
    active_party(view, organiser)
    check_declaration(declaration, title, view.get(Jurisdiction, view.jurisdiction).level)
    opens, closes = times.aware(opens, "opens"), times.aware(closes, "closes")
    _check_end(view, closes, "closes", after=opens)
    _check_range("hold_hours", hold_hours, HOLD_HOURS_MAX)
    _check_range("smallest_cell", smallest_cell, 100)
    campaign = Campaign(
        id=view.new(Campaign),
        organiser=organiser,
        title=title,
        declaration=declaration,
        opens=opens,
        closes=closes,
        hold_hours=hold_hours,
        smallest_cell=smallest_cell,
    )
    return begin("campaign.announced", campaign).at(opens, open_campaign).at(closes, close_campaign)


@command("wishes.open_campaign", may=role(ORGANISER) | TIMER)
def open_campaign(view: View, campaign_id: CampaignId) -> Change[Campaign]:
    """Open an announced campaign: at its moment by timer, or earlier by hand."""
    campaign = view.get(Campaign, campaign_id)
    if campaign.status is CampaignStatus.OPEN:
        return unchanged(campaign)
    opened = evolve(campaign, status=CampaignStatus.OPEN, opens=min(campaign.opens, view.now))
    return step("campaign.opened", campaign, opened).cancel(open_campaign)


@command("wishes.close_campaign", may=role(ORGANISER) | TIMER)
def close_campaign(view: View, campaign_id: CampaignId) -> Change[Campaign]:
    """Close a campaign: at its moment by timer, or earlier by hand. What is promised may still be fulfilled.

    A wish that nobody claimed stays open in the books and can be claimed no more.
    """
    campaign = view.get(Campaign, campaign_id)
    if campaign.status is CampaignStatus.CLOSED:
        return unchanged(campaign)
    # A campaign may be called off before it opened: its days then never were.
    closed = evolve(campaign, status=CampaignStatus.CLOSED, closes=min(campaign.closes, view.now))
    return step("campaign.closed", campaign, closed)


@command("wishes.extend", may=role(ORGANISER))
def extend(view: View, campaign_id: CampaignId, *, closes: datetime) -> Change[Campaign]:
    """Let a campaign run longer. Raises CampaignOver once it is closed, BadValue for an earlier end."""
    campaign = view.get(Campaign, campaign_id)
    if campaign.status is CampaignStatus.CLOSED:
        raise CampaignOver(campaign=campaign.id)
    closes = times.aware(closes, "closes")
    _check_end(view, closes, "closes", after=campaign.closes)
    return step("campaign.extended", campaign, evolve(campaign, closes=closes)).at(closes, close_campaign)


@read("wishes.reports_due", may=PUBLIC)
def reports_due(view: View, campaign_id: CampaignId) -> ReportsDue:
    """The days by which a campaign that asks the public has to report (R22); none for the other bases."""
    campaign = view.get(Campaign, campaign_id)
    basis = campaign.declaration.basis
    if basis not in ASKS_THE_PUBLIC:
        return ReportsDue(basis=basis)
    here = view.get(Jurisdiction, view.jurisdiction)
    return ReportsDue(basis=basis, days=REPORTING.due(here.day(campaign.opens), here.day(campaign.closes)))


def open_now(view: View, campaign_id: CampaignId) -> Campaign:
    """The campaign, if wishes may be published and claimed now. Raises CampaignClosed."""
    campaign = view.get(Campaign, campaign_id)
    if not campaign.takes(view.now):
        raise CampaignClosed(campaign=campaign.id, opens=campaign.opens, closes=campaign.closes)
    return campaign


def _check_end(view: View, end: datetime, field: str, *, after: datetime) -> None:
    if end <= after or end <= view.now:
        raise BadValue(
            field=field,
            why=f"{times.to_text(end)} must lie in the future and after {times.to_text(after)}",
            why_zh=f"{times.to_text(end)} 须晚于现在和 {times.to_text(after)}",
        )


def _check_range(field: str, value: int, most: int) -> None:
    if value.__class__ is not int or not 1 <= value <= most:
        raise BadValue(field=field, why=f"it must be 1 to {most}", why_zh=f"应为 1 至 {most}")
