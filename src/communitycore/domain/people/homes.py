"""Who lives where, and as what."""

from __future__ import annotations

from datetime import date
from typing import NewType

from attrs import evolve

from communitycore.domain.people.age import today
from communitycore.domain.people.parties import PartyId, PartyKind, active_party, party_of
from communitycore.domain.places import Dwelling, DwellingGone, DwellingId, DwellingStatus, Word
from communitycore.domain.roles import CLERK, COMMUNITY_WORKER, GRID_OFFICER, POLICE, PROPERTY_STAFF
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Personal, Record, record
from communitycore.kernel.rules import own, role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

ResidencyId = NewType("ResidencyId", str)

HOUSEHOLD_KEEPERS = (CLERK, COMMUNITY_WORKER, GRID_OFFICER, PROPERTY_STAFF)
HOMES_MAX = 200
"""Dwellings of one party that are looked at; a landlord company with more is a landlord company."""


class ResidencyKind(Word):
    """As what one is in a dwelling: its owner, a tenant, or of the household."""

    OWNER = "owner", "业主"
    TENANT = "tenant", "租户"
    FAMILY = "family", "家属"


@record("residency", read=role(*HOUSEHOLD_KEEPERS, POLICE) | own("party"), owner="party")
@frozen(kw_only=True)
class Residency(Record[ResidencyId]):
    """A party's part in a dwelling 居住关系, from `since` to before `until`, days of the jurisdiction's calendar.

    An owner counts as a resident whether or not they sleep there.
    """

    party: Indexed[PartyId]
    kind: Indexed[ResidencyKind]
    dwelling: Personal[Indexed[DwellingId | None]]
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is in force on `day`."""
        return self.since <= day and (self.until is None or day < self.until)


class AlreadyLivesThere(Refused):
    """The party is on record for this dwelling at that time."""

    code = "people.already_lives_there"
    en = "{party} is on record for this dwelling already (residency {residency}). End that residency first."
    zh = "主体 {party} 已登记于该房屋（居住关系 {residency}），请先办理迁出。"
    party: str
    residency: str


class ResidencyEnded(Refused):
    """The residency has an end already."""

    code = "people.residency_ended"
    en = "The residency {residency} has its end on {until} already."
    zh = "居住关系 {residency} 已登记于 {until} 终止。"
    residency: str
    until: date


@command("people.move_in", may=role(*HOUSEHOLD_KEEPERS))
def move_in(
    view: View, party_id: PartyId, dwelling_id: DwellingId, *, kind: ResidencyKind, since: date | None = None
) -> Change[Residency]:
    """Record a party as owner, tenant or family of a dwelling, from `since` (today, unless given).

    Raises NotFound, PartyGone, DwellingGone, AlreadyLivesThere; BadValue for an organisation as family.
    """
    party = active_party(view, party_id)
    if view.get(Dwelling, dwelling_id).status is DwellingStatus.GONE:
        raise DwellingGone(dwelling=dwelling_id)
    if kind is ResidencyKind.FAMILY and party.kind is PartyKind.ORGANISATION:
        raise BadValue(field="residency.kind", why="an organisation is nobody's family", why_zh="组织不能登记为家属")
    start = since or today(view)
    for known in view.find(
        Residency, where(Residency.party, party_id), where(Residency.dwelling, dwelling_id), limit=HOMES_MAX
    ):
        if known.until is None or start < known.until:
            raise AlreadyLivesThere(party=party_id, residency=known.id)
    residency = Residency(id=view.new(Residency), party=party_id, dwelling=dwelling_id, kind=kind, since=start)
    return begin("residency.begun", residency)


@command("people.move_out", may=role(*HOUSEHOLD_KEEPERS))
def move_out(view: View, residency_id: ResidencyId, *, until: date | None = None) -> Change[Residency]:
    """End a residency on `until` (today, unless given; a day to come is a planned move).

    Raises NotFound, ResidencyEnded; BadValue for an end before its beginning.
    """
    residency = view.get(Residency, residency_id)
    if residency.until is not None:
        raise ResidencyEnded(residency=residency.id, until=residency.until)
    end = until or today(view)
    if end < residency.since:
        raise BadValue(
            field="residency.until",
            why=f"{end} is before it began, {residency.since}",
            why_zh=f"{end} 早于起始日 {residency.since}",
        )
    return step("residency.ended", residency, evolve(residency, until=end))


def residencies_of(view: View, party_id: PartyId) -> list[Residency]:
    """A party's residencies in force today."""
    day = today(view)
    known = view.find(Residency, where(Residency.party, party_id), limit=HOMES_MAX)
    return [residency for residency in known if residency.covers(day)]


def is_resident(view: View, ref: Ref) -> bool:
    """Whether one named from anywhere lives, or owns a dwelling, in this jurisdiction today."""
    party = party_of(view, ref)
    return party is not None and bool(residencies_of(view, party.id))
