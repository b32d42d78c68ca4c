"""Who may be reached how."""

from __future__ import annotations

from communitycore.domain.people.channels import Channel, ChannelKind
from communitycore.domain.people.details import REACHERS, minor_of, organisation_of, profile_of
from communitycore.domain.people.parties import Party, PartyId, PartyStatus
from communitycore.kernel.command import read
from communitycore.kernel.rules import own, role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View


@frozen
class Contact:
    """One way to try, and whose it is: the party's own, or for a child a guardian's."""

    party: PartyId
    kind: ChannelKind
    value: str
    language: str | None = None


@frozen
class Reach:
    """How to reach one party 联系方式: `contacts` are tried in order; none of them may be used otherwise."""

    party: PartyId
    contacts: tuple[Contact, ...]
    do_not_contact: bool = False
    through_guardians: bool = False


@read("people.reach", may=role(*REACHERS) | own("party"))
def reach(view: View, party_id: PartyId) -> Reach:
    """The ways to reach a party, best first.

    One who wants no contact, or has ended, gives none. A child is reached through its guardians, never itself.
    Raises NotFound.
    """
    party = view.get(Party, party_id)
    if party.status is PartyStatus.ENDED:
        return Reach(party.id, (), do_not_contact=True)
    minor = minor_of(view, party.id)
    if minor is None:
        contacts, unwilling = _own(view, party.id)
        return Reach(party.id, contacts, do_not_contact=unwilling)
    through = [_own(view, guardian) for guardian in minor.guardians]
    return Reach(
        party.id,
        tuple(contact for contacts, _ in through for contact in contacts),
        do_not_contact=all(unwilling for _, unwilling in through),
        through_guardians=True,
    )


def _own(view: View, party: PartyId) -> tuple[tuple[Contact, ...], bool]:
    """A grown party's own contacts, and whether they want none."""
    profile = profile_of(view, party)
    if profile is not None:
        if profile.do_not_contact:
            return (), True
        return _contacts(party, profile.channels, profile.language), False
    organisation = organisation_of(view, party)
    return (() if organisation is None else _contacts(party, organisation.channels, None)), False


def _contacts(party: PartyId, channels: tuple[Channel, ...], language: str | None) -> tuple[Contact, ...]:
    return tuple(Contact(party, channel.kind, channel.value, language) for channel in channels)
