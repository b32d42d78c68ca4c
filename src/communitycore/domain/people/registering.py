"""Registering parties and keeping their details right, from a child's entry to its coming of age."""

from __future__ import annotations

from datetime import date

from attrs import evolve

from communitycore.domain.people.age import check_birth_date, is_minor, of_age_at
from communitycore.domain.people.channels import Channel, check_channels
from communitycore.domain.people.details import (
    DetailsStatus,
    Guardianship,
    GuardianshipStatus,
    MinorProfile,
    MinorProfileId,
    NoProfile,
    NotAMinor,
    OrganisationProfile,
    Profile,
    check_name,
    minor_of,
    organisation_of,
    profile_of,
)
from communitycore.domain.people.parties import (
    OrganisationKind,
    Party,
    PartyId,
    PartyKind,
    PartyStatus,
    active_party,
)
from communitycore.domain.places import AS_IS, Keep
from communitycore.domain.roles import CLERK, COMMUNITY_WORKER, GRID_OFFICER
from communitycore.kernel.change import Change, begin, many, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, NotFound, Refused
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.rules import TIMER, own, role
from communitycore.kernel.view import View

REGISTRARS = (CLERK, COMMUNITY_WORKER, GRID_OFFICER, ADMINISTRATOR)
GUARDIANS_MAX = 10
ORGANISATION_NAME_MAX = 191


class GuardianNeeded(Refused):
    """A minor has no guardian without whom nobody could read the record or answer for the child."""

    code = "people.guardian_needed"
    en = "A person under 18 needs at least one guardian on record. Register a guardian first and name them."
    zh = "未满 18 周岁者至少需登记一名监护人。请先登记监护人并填写。"


class UnfitGuardian(Refused):
    """One who is a minor, or the child itself, or named twice."""

    code = "people.unfit_guardian"
    en = "{guardian} cannot be this child's guardian: {why}. Name an adult or an organisation, once."
    zh = "{guardian} 不能担任该未成年人的监护人：{why_zh}。请填写成年人或组织，且不重复。"
    guardian: str
    why: str
    why_zh: str


@command("people.register", may=role(*REGISTRARS))
def register(
    view: View,
    *,
    name: str | None = None,
    birth_date: date | None = None,
    channels: tuple[Channel, ...] = (),
    language: str | None = None,
    guardians: tuple[PartyId, ...] = (),
    party_id: PartyId | None = None,
) -> Change[Party]:
    """Register a person 登记人员; one under 18 by birth date gets a minor's record and needs a guardian.

    party_id: given to register somebody under an id that is in use already, such as a first administrator's;
    otherwise a new one is drawn. A resident's app registers through its embedder, as a clerk.
    Raises GuardianNeeded, UnfitGuardian, PartyGone for a guardian who left, NotUnique for an id that is taken,
    BadValue.
    """
    check_birth_date(view, birth_date)
    party = Party(id=party_id or view.new(Party), kind=PartyKind.PERSON)
    begun = begin("party.registered", party)
    profile = Profile(
        id=view.new(Profile),
        party=party.id,
        name=check_name(name),
        birth_date=birth_date,
        channels=check_channels(channels),
        language=language,
    )
    if is_minor(view, birth_date):
        return begun.also(_hold_minor(view, profile, guardians))
    _no_guardians(guardians)
    return begun.also(begin("profile.held", profile))


@command("people.register_organisation", may=role(*REGISTRARS))
def register_organisation(
    view: View,
    *,
    name: str,
    kind: OrganisationKind,
    registration: str | None = None,
    channels: tuple[Channel, ...] = (),
    party_id: PartyId | None = None,
) -> Change[Party]:
    """Register an enterprise, merchant, social organisation or public body 登记组织.

    registration: the unified social credit code, kept as given. Raises BadValue, NotUnique for a taken party_id.
    """
    party = Party(id=party_id or view.new(Party), kind=PartyKind.ORGANISATION, organisation=kind)
    details = OrganisationProfile(
        id=view.new(OrganisationProfile),
        party=party.id,
        name=_organisation_name(name),
        registration=registration,
        channels=check_channels(channels),
    )
    return begin("party.registered", party).also(begin("organisation.held", details))


@command("people.change_profile", may=own("party") | role(CLERK))
def change_profile(
    view: View,
    party_id: PartyId,
    *,
    name: str | Keep | None = AS_IS,
    channels: tuple[Channel, ...] | Keep = AS_IS,
    language: str | Keep | None = AS_IS,
    do_not_contact: bool | Keep = AS_IS,
) -> Change[Profile]:
    """Change an adult's details; what is left out stays, None forgets. channels: all of them, in order.

    Raises NoProfile for a minor or an organisation, BadValue.
    """
    profile = profile_of(view, party_id)
    if profile is None:
        raise NoProfile(party=party_id, kind="profile", id=party_id)
    changed = evolve(
        profile,
        name=profile.name if isinstance(name, Keep) else check_name(name),
        channels=profile.channels if isinstance(channels, Keep) else check_channels(channels),
        language=profile.language if isinstance(language, Keep) else language,
        do_not_contact=profile.do_not_contact if isinstance(do_not_contact, Keep) else do_not_contact,
    )
    return unchanged(profile) if changed == profile else step("profile.changed", profile, changed)


@command("people.change_minor", may=own("minor.guardians") | role(CLERK))
def change_minor(
    view: View,
    minor_id: MinorProfileId,
    *,
    name: str | Keep | None = AS_IS,
    channels: tuple[Channel, ...] | Keep = AS_IS,
    language: str | Keep | None = AS_IS,
) -> Change[None]:
    """Change a child's details, as a guardian asks (R16: correction); a clerk does so without reading them.

    What is left out stays. Raises NotAMinor once the child is of age, BadValue.
    """
    minor = view.get(MinorProfile, minor_id)
    if minor.status is not DetailsStatus.HELD:
        raise NotAMinor(party=minor.party)
    changed = evolve(
        minor,
        name=minor.name if isinstance(name, Keep) else check_name(name),
        channels=minor.channels if isinstance(channels, Keep) else check_channels(channels),
        language=minor.language if isinstance(language, Keep) else language,
    )
    return unchanged(None) if changed == minor else step("minor.changed", minor, changed).giving(None)


@command("people.change_organisation", may=own("party") | role(CLERK))
def change_organisation(
    view: View,
    party_id: PartyId,
    *,
    name: str | Keep = AS_IS,
    registration: str | Keep | None = AS_IS,
    channels: tuple[Channel, ...] | Keep = AS_IS,
) -> Change[OrganisationProfile]:
    """Change an organisation's name, code or channels; what is left out stays. Raises NotFound, BadValue."""
    details = organisation_of(view, party_id)
    if details is None:
        raise NotFound(kind="organisation_profile", id=party_id)
    changed = evolve(
        details,
        name=details.name if isinstance(name, Keep) else _organisation_name(name),
        registration=details.registration if isinstance(registration, Keep) else registration,
        channels=details.channels if isinstance(channels, Keep) else check_channels(channels),
    )
    return unchanged(details) if changed == details else step("organisation.changed", details, changed)


@command("people.correct_birth_date", may=role(CLERK))
def correct_birth_date(
    view: View, party_id: PartyId, *, birth_date: date, guardians: tuple[PartyId, ...] = ()
) -> Change[None]:
    """Put a birth date right; the details move to or from a minor's record as the right date demands.

    guardians: needed when an adult turns out to be a minor. Raises NotFound, GuardianNeeded, UnfitGuardian, BadValue.
    """
    check_birth_date(view, birth_date)
    minor, profile = minor_of(view, party_id), profile_of(view, party_id)
    young = is_minor(view, birth_date)
    if minor is not None:
        _no_guardians(guardians)
        right = evolve(minor, birth_date=birth_date)
        corrected = step("minor.changed", minor, right)
        if young:
            return corrected.at(of_age_at(view, birth_date), come_of_age).giving(None)
        return _grown(view, minor, birth_date).giving(None)
    if profile is None:
        raise NoProfile(party=party_id, kind="profile", id=party_id)
    if not young:
        _no_guardians(guardians)
        return step("profile.changed", profile, evolve(profile, birth_date=birth_date)).giving(None)
    emptied = evolve(profile, status=DetailsStatus.EMPTIED, name=None, birth_date=None, channels=(), language=None)
    moved = _hold_minor(view, evolve(profile, birth_date=birth_date), guardians)
    return step("profile.emptied", profile, emptied).also(moved).giving(None)


@command("people.come_of_age", may=TIMER)
def come_of_age(view: View, minor_id: MinorProfileId) -> Change[None]:
    """Move the details of one who is 18 today to an adult's record, empty the minor's, and end guardianships.

    One who died or was struck off stays as they are.
    """
    minor = view.get(MinorProfile, minor_id)
    party = view.get(Party, minor.party)
    if minor.status is not DetailsStatus.HELD or party.status is PartyStatus.ENDED:
        return unchanged(None)
    return _grown(view, minor, minor.birth_date).giving(None)


@command("people.add_guardian", may=role(CLERK))
def add_guardian(view: View, child_id: PartyId, *, guardian_id: PartyId) -> Change[Guardianship]:
    """Record another guardian of a child; they may read its record from now on. Raises NotAMinor, UnfitGuardian."""
    minor = _minor(view, child_id)
    guardians = (*minor.guardians, guardian_id)
    _check_guardians(view, child_id, guardians)
    added = begin("guardianship.begun", _guardianship(view, child_id, guardian_id))
    return added.also(step("minor.guardians_changed", minor, evolve(minor, guardians=guardians)))


@command("people.end_guardianship", may=role(CLERK))
def end_guardianship(view: View, child_id: PartyId, *, guardian_id: PartyId) -> Change[None]:
    """End one guardian's part: from now on they may not read the child's record.

    Raises NotAMinor, NotFound, GuardianNeeded if no other guardian remains.
    """
    minor = _minor(view, child_id)
    if guardian_id not in minor.guardians:
        raise NotFound(kind="guardianship", id=guardian_id)
    remaining = tuple(g for g in minor.guardians if g != guardian_id)
    if not remaining:
        raise GuardianNeeded()
    changed = step("minor.guardians_changed", minor, evolve(minor, guardians=remaining))
    return changed.also(*_end_guardianships(view, child_id, guardian_id)).giving(None)


def _organisation_name(name: str) -> str:
    named = check_name(name, ORGANISATION_NAME_MAX)
    if named is None:
        raise BadValue(field="name", why="an organisation needs one", why_zh="组织必须填写名称")
    return named


def _minor(view: View, child_id: PartyId) -> MinorProfile:
    minor = minor_of(view, child_id)
    if minor is None:
        raise NotAMinor(party=child_id)
    return minor


def _hold_minor(view: View, details: Profile, guardians: tuple[PartyId, ...]) -> Change[MinorProfile]:
    """Hold these details in a minor's record, new or emptied before, until the child is of age."""
    assert details.birth_date is not None
    _check_guardians(view, details.party, guardians)
    held = view.one(MinorProfile, where(MinorProfile.party, details.party))
    minor = evolve(
        held or MinorProfile(id=view.new(MinorProfile), party=details.party, guardians=()),
        status=DetailsStatus.HELD,
        guardians=guardians,
        name=details.name,
        birth_date=details.birth_date,
        channels=details.channels,
        language=details.language,
    )
    change = begin("minor.held", minor) if held is None else step("minor.held", held, minor)
    links = many([begin("guardianship.begun", _guardianship(view, details.party, g)) for g in guardians])
    return change.at(of_age_at(view, details.birth_date), come_of_age).also(links)


def _grown(view: View, minor: MinorProfile, birth_date: date | None) -> Change[MinorProfile]:
    """Move a minor's details to an adult's record, new or emptied before."""
    held = view.one(Profile, where(Profile.party, minor.party))
    profile = evolve(
        held or Profile(id=view.new(Profile), party=minor.party),
        status=DetailsStatus.HELD,
        name=minor.name,
        birth_date=birth_date,
        channels=minor.channels,
        language=minor.language,
    )
    emptied = evolve(
        minor,
        status=DetailsStatus.EMPTIED,
        guardians=(),
        name=None,
        birth_date=None,
        channels=(),
        language=None,
    )
    opened = begin("profile.held", profile) if held is None else step("profile.held", held, profile)
    change = step("minor.emptied", minor, emptied).cancel(come_of_age)
    return change.also(opened, *_end_guardianships(view, minor.party))


def _guardianship(view: View, child: PartyId, guardian: PartyId) -> Guardianship:
    return Guardianship(id=view.new(Guardianship), child=child, guardian=guardian)


def _end_guardianships(view: View, child: PartyId, guardian: PartyId | None = None) -> list[Change[Guardianship]]:
    in_force = view.find(
        Guardianship,
        where(Guardianship.child, child),
        where(Guardianship.status, GuardianshipStatus.ACTIVE),
        limit=GUARDIANS_MAX,
    )
    return [
        step("guardianship.ended", link, evolve(link, status=GuardianshipStatus.ENDED))
        for link in in_force
        if guardian in (None, link.guardian)
    ]


def _no_guardians(guardians: tuple[PartyId, ...]) -> None:
    if guardians:
        raise BadValue(
            field="guardians",
            why="by the birth date given this is no minor to begin guardianships for; leave them out",
            why_zh="按出生日期无需新登记监护人，请不要填写",
        )


def _check_guardians(view: View, child: PartyId, guardians: tuple[PartyId, ...]) -> None:
    if not guardians:
        raise GuardianNeeded()
    if len(guardians) > GUARDIANS_MAX:
        raise BadValue(
            field="guardians", why=f"at most {GUARDIANS_MAX} are kept", why_zh=f"最多登记 {GUARDIANS_MAX} 名"
        )
    for n, guardian in enumerate(guardians):
        if guardian == child:
            raise UnfitGuardian(guardian=guardian, why="it is the child itself", why_zh="系本人")
        if guardian in guardians[:n]:
            raise UnfitGuardian(guardian=guardian, why="it is named twice", why_zh="重复填写")
        active_party(view, guardian)
        if minor_of(view, guardian) is not None:
            raise UnfitGuardian(guardian=guardian, why="it is a minor too", why_zh="亦为未成年人")
