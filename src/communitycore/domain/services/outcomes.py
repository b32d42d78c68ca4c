"""What came of it: outcomes of courses, and where nobody is served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from communitycore.domain.people import PartyId, active_party
from communitycore.domain.people.age import today
from communitycore.domain.places import Grid, GridId
from communitycore.domain.places.grids import active_grids
from communitycore.domain.services.policy import Segment
from communitycore.domain.services.records import (
    HOSTS,
    Offering,
    OfferingId,
    Outcome,
    OutcomeKind,
    Session,
    SessionStatus,
)
from communitycore.kernel.change import Change, begin, unchanged
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction, zone_of
from communitycore.kernel.query import Where, where
from communitycore.kernel.record import PUBLIC
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

DAYS_MAX = 400


@command("services.record_outcome", may=HOSTS)
def record_outcome(
    view: View, offering_id: OfferingId, *, party: PartyId, kind: OutcomeKind, day: date | None = None
) -> Change[Outcome]:
    """Note what became of one who took part 登记成效; the same is counted once. Raises PartyGone, BadValue."""
    offering = view.get(Offering, offering_id)
    active_party(view, party)
    on = day or today(view)
    if on > today(view):
        raise BadValue(field="day", why=f"{on} is still to come", why_zh=f"{on} 尚未到来")
    key = f"{offering.id}/{party}/{kind.value}"
    known = view.one(Outcome, where(Outcome.key, key))
    if known is not None:
        return unchanged(known)
    return begin(
        "outcome.recorded",
        Outcome(id=view.new(Outcome), offering=offering.id, party=party, kind=kind, day=on, key=key),
    )


@read("services.outcomes", may=PUBLIC)
def outcomes(view: View, offering_id: OfferingId) -> tuple[tuple[OutcomeKind, int], ...]:
    """How many people came to what by an offering; nobody is named."""
    counted: Counter[OutcomeKind] = Counter()
    last: Outcome | None = None
    while page := view.find(Outcome, where(Outcome.offering, offering_id), limit=1_000, after=last):
        counted.update(outcome.kind for outcome in page)
        last = page[-1]
    return tuple((kind, counted[kind]) for kind in OutcomeKind if counted[kind])


@frozen
class Coverage:
    """What a grid's venues offer in some days 服务覆盖. grid: None for venues that lie in none.

    sessions: how many there are for each segment 人群. unserved: the segments without any.
    """

    grid: GridId | None
    name: str | None
    sessions: tuple[tuple[Segment, int], ...]
    unserved: tuple[Segment, ...]


@read("services.coverage", may=PUBLIC)
def coverage(view: View, *, since: date, until: date) -> tuple[Coverage, ...]:
    """Which segments in which grids are served, and which nobody serves, from one day to another, both among them.

    A session for everybody counts for every segment; one that was cancelled for none. Raises BadValue.
    """
    grids = view.derive(active_grids, Grid)
    counted: dict[GridId | None, Counter[Segment]] = {grid.id: Counter() for grid in grids}
    segments: dict[OfferingId, tuple[Segment, ...]] = {}
    for session in between(view, since, until):
        if session.offering not in segments:
            segments[session.offering] = view.get(Offering, session.offering).segments or tuple(Segment)
        if session.status is not SessionStatus.CANCELLED:
            counted.setdefault(session.grid, Counter()).update(segments[session.offering])
    names = {grid.id: grid.name for grid in grids}
    return tuple(
        Coverage(
            id,
            None if id is None else names.get(id),
            tuple((segment, count[segment]) for segment in Segment),
            tuple(segment for segment in Segment if not count[segment]),
        )
        for id, count in sorted(counted.items(), key=lambda item: (item[0] is None, item[0] or ""))
    )


def between(view: View, since: date, until: date, *conditions: Where) -> Iterator[Session]:
    """Sessions that start on these days here, both among them, in their order. Raises BadValue."""
    if not since <= until or (until - since).days > DAYS_MAX:
        raise BadValue(
            field="until",
            why=f"it is from {since} to at most {DAYS_MAX} days later",
            why_zh=f"应为 {since} 起不超过 {DAYS_MAX} 天",
        )
    zone = zone_of(view.get(Jurisdiction, view.jurisdiction).zone)
    low = datetime.combine(since, time(), zone)
    high = datetime.combine(until + timedelta(days=1), time(), zone)
    last: Session | None = None
    window = (where(Session.starts, at_least=low), where(Session.starts, below=high), *conditions)
    while page := view.find(Session, *window, limit=1_000, order=Session.starts, after=last):
        yield from page
        last = page[-1]
