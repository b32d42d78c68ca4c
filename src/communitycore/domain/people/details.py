"""Who the parties are: personal details, each kind in a record of its own with readers of its own."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NewType

from communitycore.domain.people.channels import Channel
from communitycore.domain.people.parties import STAFF, PartyId
from communitycore.domain.places import Word
from communitycore.domain.roles import (
    CLERK,
    COMMUNITY_WORKER,
    FAMILY_DOCTOR,
    GRID_OFFICER,
    ORGANISER,
)
from communitycore.kernel.errors import BadValue, NotFound, Refused
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import own, role
from communitycore.kernel.shape import check_text
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

ProfileId = NewType("ProfileId", str)
MinorProfileId = NewType("MinorProfileId", str)
OrganisationProfileId = NewType("OrganisationProfileId", str)
GuardianshipId = NewType("GuardianshipId", str)

NAME_MAX = 100
NameText = Annotated[str, Max(NAME_MAX)]
LanguageText = Annotated[str, Max(35)]

PROFILE_READERS = (CLERK, COMMUNITY_WORKER, GRID_OFFICER, ORGANISER)
"""Who needs to know a neighbour by name. Not property staff: a ticket's reporter stays hidden from whom it is about."""

REACHERS = (*PROFILE_READERS, FAMILY_DOCTOR)


class DetailsStatus(Word):
    """Emptied: the details moved to another record."""

    HELD = "held", "在存"
    EMPTIED = "emptied", "已清空"


DETAILS_STATES = States(
    DetailsStatus,
    start={DetailsStatus.HELD},
    then={DetailsStatus.HELD: {DetailsStatus.EMPTIED}, DetailsStatus.EMPTIED: {DetailsStatus.HELD}},
)


@record("profile", states=DETAILS_STATES, read=role(*PROFILE_READERS) | own("party"), owner="party")
@frozen(kw_only=True)
class Profile(Record[ProfileId]):
    """An adult's details 成年人信息. A person of unknown birth date is kept here too.

    channels: in the order in which they are to be tried. language: a BCP 47 tag such as zh-Hans.
    """

    party: Unique[PartyId]
    status: Indexed[DetailsStatus] = DetailsStatus.HELD
    name: Personal[NameText | None] = None
    birth_date: Personal[date | None] = None
    channels: Personal[tuple[Channel, ...]] = ()
    language: Personal[LanguageText | None] = None
    do_not_contact: bool = False


@record("minor_profile", states=DETAILS_STATES, read=own("guardians"), owner="party")
@frozen(kw_only=True)
class MinorProfile(Record[MinorProfileId]):
    """A minor's details 未成年人信息: read by the guardians; by staff only through `read_minor` (R16).

    guardians: who may read it, now; each stands in a Guardianship too, by which a guardian finds the child.
    """

    party: Unique[PartyId]
    guardians: tuple[PartyId, ...]
    status: Indexed[DetailsStatus] = DetailsStatus.HELD
    name: Personal[NameText | None] = None
    birth_date: Personal[date | None] = None
    channels: Personal[tuple[Channel, ...]] = ()
    language: Personal[LanguageText | None] = None


@record("organisation_profile", read=role(*STAFF) | own("party"), owner="party")
@frozen(kw_only=True)
class OrganisationProfile(Record[OrganisationProfileId]):
    """An organisation's name and contacts 组织信息.

    The name is not personal. The channels are kept as if they were: a small merchant's number is somebody's own.
    registration: the unified social credit code 统一社会信用代码, if known.
    """

    party: Unique[PartyId]
    name: Indexed[Annotated[str, Max(191)]]
    registration: Indexed[Annotated[str, Max(40)] | None] = None
    channels: Personal[tuple[Channel, ...]] = ()


class GuardianshipStatus(Word):
    """Whether the guardian answers for the child now."""

    ACTIVE = "active", "有效"
    ENDED = "ended", "终止"


GUARDIANSHIP_STATES = States(
    GuardianshipStatus,
    start={GuardianshipStatus.ACTIVE},
    then={GuardianshipStatus.ACTIVE: {GuardianshipStatus.ENDED}},
)


@record("guardianship", states=GUARDIANSHIP_STATES, read=role(*REACHERS) | own("guardian"))
@frozen(kw_only=True)
class Guardianship(Record[GuardianshipId]):
    """Who answers for a child 监护关系: a parent, another adult, or an organisation."""

    child: Indexed[PartyId]
    guardian: Indexed[PartyId]
    status: Indexed[GuardianshipStatus] = GuardianshipStatus.ACTIVE


class NotAMinor(Refused):
    """No minor's record is held for this party."""

    code = "people.not_a_minor"
    en = "No minor's record is held for {party}. If they are of age, read their profile."
    zh = "主体 {party} 没有在存的未成年人信息；如已成年，请查阅其个人信息。"
    party: str


class NoProfile(NotFound):
    """No adult's record is held for this party."""

    code = "people.no_profile"
    en = "No profile is held for {party}. A minor's details are changed by change_minor, an organisation's by its own."
    zh = "主体 {party} 没有在存的成年人信息；未成年人请用 change_minor，组织请用 change_organisation。"
    party: str


def profile_of(view: View, party_id: PartyId) -> Profile | None:
    """The adult's details held for this party, if any."""
    profile = view.one(Profile, where(Profile.party, party_id))
    return profile if profile is not None and profile.status is DetailsStatus.HELD else None


def minor_of(view: View, party_id: PartyId) -> MinorProfile | None:
    """The minor's details held for this party, if any."""
    minor = view.one(MinorProfile, where(MinorProfile.party, party_id))
    return minor if minor is not None and minor.status is DetailsStatus.HELD else None


def organisation_of(view: View, party_id: PartyId) -> OrganisationProfile | None:
    """The organisation's details, if any."""
    return view.one(OrganisationProfile, where(OrganisationProfile.party, party_id))


def check_name(name: str | None, longest: int = NAME_MAX) -> str | None:
    """The name without blanks around it. Raises BadValue, without repeating it, for an empty or overlong one."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise BadValue(field="name", why="it is not text", why_zh="不是文本")
    trimmed = check_text(name, "name", longest).strip()
    if not trimmed:
        raise BadValue(field="name", why="it is blank; leave it out if it is unknown", why_zh="为空；未知时请不要填写")
    return trimmed
