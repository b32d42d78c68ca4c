"""Parties: who there is, without a word of who they are."""

from __future__ import annotations

from typing import NewType

from attrs import evolve

from communitycore.domain.places import Word
from communitycore.domain.roles import (
    CLERK,
    COMMUNITY_WORKER,
    FAMILY_DOCTOR,
    GRID_OFFICER,
    ORGANISER,
    POLICE,
    PROPERTY_STAFF,
    SUPERVISOR,
)
from communitycore.kernel.change import Change, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Record, record
from communitycore.kernel.rules import own, role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

PartyId = NewType("PartyId", str)

STAFF = (
    ADMINISTRATOR,
    CLERK,
    GRID_OFFICER,
    COMMUNITY_WORKER,
    PROPERTY_STAFF,
    POLICE,
    FAMILY_DOCTOR,
    SUPERVISOR,
    ORGANISER,
)


class PartyKind(Word):
    """A natural person or an organisation."""

    PERSON = "person", "自然人"
    ORGANISATION = "organisation", "组织"


class OrganisationKind(Word):
    """What sort of organisation."""

    ENTERPRISE = "enterprise", "企业"
    MERCHANT = "merchant", "商户"
    SOCIAL_ORGANISATION = "social_organisation", "社会组织"
    PUBLIC_BODY = "public_body", "机关事业单位"


class PartyStatus(Word):
    """One who left may come back; one who ended died, was dissolved, or was entered by mistake."""

    ACTIVE = "active", "在册"
    LEFT = "left", "迁出"
    ENDED = "ended", "注销"


PARTY_STATES = States(
    PartyStatus,
    start={PartyStatus.ACTIVE},
    then={
        PartyStatus.ACTIVE: {PartyStatus.LEFT, PartyStatus.ENDED},
        PartyStatus.LEFT: {PartyStatus.ACTIVE, PartyStatus.ENDED},
    },
)


@record("party", states=PARTY_STATES, read=role(*STAFF) | own("id"), subject=True)
@frozen(kw_only=True)
class Party(Record[PartyId]):
    """A person or organisation 主体 as the other rooms name it: nothing in it is personal.

    Who they are stands in records of their own (Profile, MinorProfile, OrganisationProfile), with readers
    of their own. same_as: who this party is in another jurisdiction; acts done as that one are theirs.
    """

    kind: Indexed[PartyKind]
    organisation: OrganisationKind | None = None
    status: Indexed[PartyStatus] = PartyStatus.ACTIVE
    same_as: Indexed[Ref | None] = None


class PartyGone(Refused):
    """The party has left or ended."""

    code = "people.party_gone"
    en = "The party {party} is {status}, no longer active here. Register their return first, or choose another."
    zh = "主体 {party} 状态为 {status}，已不在册。请先办理返回登记，或另选他人。"
    party: str
    status: str


class AlreadyLinked(Refused):
    """Another local party is linked to the same party elsewhere."""

    code = "people.already_linked"
    en = "{ref} is already linked to the party {party} here. Unlink that one first."
    zh = "{ref} 已与本辖区主体 {party} 关联，请先解除该关联。"
    ref: str
    party: str


def active_party(view: View, party_id: PartyId) -> Party:
    """The party, if it is active. Raises NotFound, PartyGone."""
    party = view.get(Party, party_id)
    if party.status is not PartyStatus.ACTIVE:
        raise PartyGone(party=party.id, status=str(party.status))
    return party


def party_of(view: View, ref: Ref) -> Party | None:
    """The local party of one named from anywhere; None for one from elsewhere without a twin here.

    Raises NotFound if `ref` names a local party that does not exist.
    """
    if ref.jurisdiction == view.jurisdiction:
        return view.get(Party, PartyId(ref.id))
    return view.one(Party, where(Party.same_as, ref))


@command("people.link_same", may=role(ADMINISTRATOR))
def link_same(view: View, party_id: PartyId, *, same_as: Ref | None) -> Change[Party]:
    """Say that a local party is the same as one elsewhere, who then may act as it here; None unlinks.

    Raises AlreadyLinked if another party here is linked to that one; BadValue for a party of this jurisdiction.
    """
    party = view.get(Party, party_id)
    if same_as is not None:
        if same_as.jurisdiction == view.jurisdiction:
            raise BadValue(
                field="party.same_as",
                why=f"{same_as} is of this jurisdiction; link a party of another",
                why_zh=f"{same_as} 属于本辖区，应关联其他辖区的主体",
            )
        other = view.one(Party, where(Party.same_as, same_as))
        if other is not None and other.id != party.id:
            raise AlreadyLinked(ref=str(same_as), party=other.id)
    return step("party.linked", party, evolve(party, same_as=same_as))
