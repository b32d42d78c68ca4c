"""Absences 爽约: seats that were booked and stood empty are counted, and bar a party for a while."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from communitycore.domain.people import PartyId
from communitycore.domain.services.errors import Barred
from communitycore.domain.services.policy import BookingPolicy
from communitycore.domain.services.records import HOSTS, Absences
from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import command
from communitycore.kernel.query import where
from communitycore.kernel.view import View


@command("services.lift_bar", may=HOSTS)
def lift_bar(view: View, *, party: PartyId) -> Change[None]:
    """Let a party book again 解除限制, its absences forgotten."""
    known = view.one(Absences, where(Absences.party, party))
    if known is None or (known.barred_until is None and not known.count):
        return unchanged(None)
    return step("absences.forgiven", known, evolve(known, count=0, barred_until=None)).giving(None)


def check_not_barred(view: View, party: PartyId) -> None:
    """Raises Barred."""
    known = view.one(Absences, where(Absences.party, party))
    if known is not None and known.barred_until is not None and view.now < known.barred_until:
        raise Barred(until=known.barred_until)


def absent(view: View, party: PartyId, policy: BookingPolicy) -> Change[Absences]:
    """One absence more, and a bar where the policy says so."""
    known = view.one(Absences, where(Absences.party, party))
    if known is None:
        new = Absences(id=view.new(Absences), party=party)
        return begin("absences.counted", _one_more(view, new, policy))
    return step("absences.counted", known, _one_more(view, known, policy))


def present(view: View, party: PartyId) -> Change[Absences] | None:
    """One absence less: they came after all. A bar that stands is the host's to lift."""
    known = view.one(Absences, where(Absences.party, party))
    if known is None or not known.count:
        return None
    return step("absences.corrected", known, evolve(known, count=known.count - 1))


def _one_more(view: View, known: Absences, policy: BookingPolicy) -> Absences:
    count = known.count + 1
    if not policy.absences or count < policy.absences:
        return evolve(known, count=count)
    return evolve(known, count=0, barred_until=view.now + timedelta(days=policy.barred_days))
