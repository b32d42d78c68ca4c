"""Leaving, coming back, and the end of a party."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from communitycore.domain.people.age import today
from communitycore.domain.people.homes import HOMES_MAX, Residency
from communitycore.domain.people.parties import Party, PartyId, PartyStatus
from communitycore.domain.people.tenures import tenures_of
from communitycore.domain.roles import CLERK
from communitycore.kernel.change import Change, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import Refused
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.rules import own, role
from communitycore.kernel.view import View


class StillServes(Refused):
    """The party holds duties here, and with them authority."""

    code = "people.still_serves"
    en = "{party} still serves here ({tenures}). End these tenures first, so that no duty is left without its holder."
    zh = "主体 {party} 仍有在任职务（{tenures}），请先办理卸任。"
    party: str
    tenures: tuple[str, ...]


@command("people.leave", may=own("party") | role(CLERK, ADMINISTRATOR))
def leave(view: View, party_id: PartyId) -> Change[Party]:
    """A party leaves 迁出: its residencies end today; its details stay until their retention ends.

    Raises StillServes while it holds a duty here, IllegalStep for one that has ended.
    """
    return _go(view, party_id, "party.left", PartyStatus.LEFT)


@command("people.come_back", may=role(CLERK, ADMINISTRATOR))
def come_back(view: View, party_id: PartyId) -> Change[Party]:
    """One who left is here again. Raises IllegalStep for one who has ended."""
    party = view.get(Party, party_id)
    if party.status is PartyStatus.ACTIVE:
        return unchanged(party)
    return step("party.returned", party, evolve(party, status=PartyStatus.ACTIVE))


@command("people.strike_off", may=role(CLERK, ADMINISTRATOR))
def strike_off(view: View, party_id: PartyId) -> Change[Party]:
    """A party is no more 注销: it died, was dissolved, or was entered by mistake. Final.

    Raises StillServes, IllegalStep.
    """
    return _go(view, party_id, "party.ended", PartyStatus.ENDED)


def _go(view: View, party_id: PartyId, name: str, status: PartyStatus) -> Change[Party]:
    party = view.get(Party, party_id)
    if party.status is status:
        return unchanged(party)
    gone = step(name, party, evolve(party, status=status))
    if serving := tenures_of(view, view.ref(party.id)):
        raise StillServes(party=party.id, tenures=tuple(tenure.id for tenure in serving))
    return gone.also(*_end_residencies(view, party.id))


def _end_residencies(view: View, party_id: PartyId) -> list[Change[Any]]:
    day = today(view)
    open_ones = [
        residency
        for residency in view.find(Residency, where(Residency.party, party_id), limit=HOMES_MAX)
        if residency.until is None or residency.until > day
    ]
    return [
        step("residency.ended", residency, evolve(residency, until=max(day, residency.since)))
        for residency in open_ones
    ]
