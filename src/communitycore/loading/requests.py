"""Service requests, from report to their real end, at the times when things happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from attrs import Factory, define, frozen

from communitycore.domain import people, places, tickets
from communitycore.domain.people import OrganisationKind
from communitycore.domain.roles import CLERK, SUPERVISOR
from communitycore.domain.tickets import CategoryId, Part, Source, Ticket, TicketStatus
from communitycore.formats.requests_csv import Request
from communitycore.hub.desk import Desk
from communitycore.kernel.command import Call
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import where
from communitycore.kernel.rules import Role

TOGETHER = 200
SHARED = 100  # so many requests on one point are more likely a default than a place
UNNAMED = "uncategorised"

Progress = Callable[[int, int], None]


@frozen
class Actors:
    """Who acts for the loader: a clerk, one who handles, and a supervisor who verifies; all different."""

    clerk: Ref
    handler: Ref
    supervisor: Ref


@define
class RequestsLoaded:
    """What became of the rows. problems: (line, what is wrong). shared: point -> how many rows have it."""

    rows: int = 0
    made: int = 0
    known: int = 0
    failed: int = 0
    placed: int = 0
    unplaced: int = 0
    ambiguous: int = 0
    closed: int = 0
    out_of_order: int = 0
    commands: int = 0
    shared: dict[tuple[float, float], int] = Factory(dict)
    problems: list[tuple[int, str]] = Factory(list)

    def data(self) -> dict[str, Any]:
        """As plain data."""
        shared = [{"lon": lon, "lat": lat, "rows": n} for (lon, lat), n in self.shared.items()]
        counts = {
            name: getattr(self, name)
            for name in [
                "rows",
                "made",
                "known",
                "failed",
                "placed",
                "unplaced",
                "ambiguous",
                "closed",
                "out_of_order",
                "commands",
            ]
        }
        return {**counts, "shared": shared, "problems": [list(problem) for problem in self.problems]}


def make_actors(admin: Desk) -> Actors:
    """Appoint a clerk and a supervisor, and register a unit that handles, for a load with nobody else at hand."""

    def serves(duty: Role) -> Ref:
        party = admin.do(people.register)
        holder = Ref(admin.jurisdiction, party.id)
        admin.do(people.appoint, holder=holder, duty=duty)
        return holder

    unit = admin.do(people.register_organisation, name="import", kind=OrganisationKind.PUBLIC_BODY)
    return Actors(serves(CLERK), Ref(admin.jurisdiction, unit.id), serves(SUPERVISOR))


def load_requests(
    admin: Desk, requests: Sequence[Request], *, actors: Actors | None = None, progress: Progress | None = None
) -> RequestsLoaded:
    """Load all rows; none is dropped, and a row loaded before makes no second ticket.

    Each is reported, accepted and given to the handler's unit at the time it was opened, and, if the row says that it
    was closed, handled, verified by another and closed at that time. Its grid is the one its point lies in.
    """
    who = actors or make_actors(admin)
    desks = {
        name: admin.hub.desk(admin.jurisdiction, getattr(who, name)) for name in ("clerk", "handler", "supervisor")
    }
    loaded = RequestsLoaded(rows=len(requests))
    points = Counter((r.point.lon, r.point.lat) for r in requests if r.point is not None)
    loaded.shared = {point: count for point, count in points.most_common() if count > SHARED}
    categories = _categories(admin, requests)
    for start in range(0, len(requests), TOGETHER):
        _load(requests[start : start + TOGETHER], desks, who, categories, loaded)
        if progress is not None:
            progress(min(start + TOGETHER, len(requests)), len(requests))
    return loaded


def _categories(admin: Desk, requests: Iterable[Request]) -> dict[tuple[str, str], CategoryId]:
    """Define what categories the rows name, on two levels, unless they are there."""
    known = {(c.parent, c.name_zh): c.id for c in admin.find(tickets.Category, limit=1_000)}

    def one(parent: CategoryId | None, name: str) -> CategoryId:
        if (parent, name) not in known:
            made = admin.do(tickets.define_category, name_zh=name, part=Part.EVENT, parent_id=parent)
            known[parent, name] = made.id
        return known[parent, name]

    pairs = dict.fromkeys((r.category or UNNAMED, r.kind or r.category or UNNAMED) for r in requests)
    return {pair: one(one(None, pair[0]), pair[1]) for pair in pairs}


def _load(
    rows: Sequence[Request],
    desks: dict[str, Desk],
    who: Actors,
    categories: dict[tuple[str, str], CategoryId],
    loaded: RequestsLoaded,
) -> None:
    """One batch through every stage of its life."""
    for row in rows:
        loaded.problems += [(row.line, problem) for problem in row.problems]
        loaded.out_of_order += row.opened is not None and row.closed is not None and row.closed < row.opened
        located = None if row.point is None else desks["clerk"].ask(places.locate, row.point)
        if located is None or not located.grids:
            loaded.unplaced += 1
        elif located.ambiguous:
            loaded.ambiguous += 1
        else:
            loaded.placed += 1
    reported = _stage(desks["clerk"], [(row, _report(row, categories), row.opened) for row in rows], loaded)
    fresh: list[tuple[Request, Ticket]] = []
    for row, ticket in reported:
        if ticket.status is TicketStatus.REPORTED:
            loaded.made += 1
            fresh.append((row, ticket))
        else:
            loaded.known += 1

    def stage(
        desk: str, make: Callable[[Ticket], Call[Ticket]], when: Callable[[Request], datetime | None]
    ) -> list[tuple[Request, Ticket]]:
        return _stage(desks[desk], [(row, make(ticket), when(row)) for row, ticket in fresh], loaded)

    fresh = stage("clerk", lambda t: tickets.accept.call(t.id), lambda r: r.opened)
    fresh = stage("clerk", lambda t: tickets.dispatch.call(t.id, unit=who.handler), lambda r: r.opened)
    fresh = [(row, ticket) for row, ticket in fresh if row.closed is not None]
    fresh = stage("handler", lambda t: tickets.start.call(t.id), lambda r: r.closed)
    fresh = stage(
        "handler",
        lambda t: tickets.handle.call(t.id, evidence=("imported",), report="closed in the source"),
        lambda r: r.closed,
    )
    fresh = stage("supervisor", lambda t: tickets.verify.call(t.id, evidence=("imported",)), lambda r: r.closed)
    fresh = stage("supervisor", lambda t: tickets.close.call(t.id), lambda r: r.closed)
    loaded.closed += len(fresh)


def _report(row: Request, categories: dict[tuple[str, str], CategoryId]) -> Call[Ticket]:
    pair = (row.category or UNNAMED, row.kind or row.category or UNNAMED)
    return tickets.report.call(
        source=Source(row.source),
        title=(row.title or row.kind or row.category or row.id or "?")[:200],
        category=categories[pair],
        point=row.point,
        happened=row.opened,
        message=row.id or f"line-{row.line}",
    )


def _stage(
    desk: Desk, calls: Sequence[tuple[Request, Call[Ticket], datetime | None]], loaded: RequestsLoaded
) -> list[tuple[Request, Ticket]]:
    """Do these calls together; those that fail are told by line and left where they are."""
    done: list[tuple[Request, Ticket]] = []
    outcomes = desk.do_many([call if when is None else call.occurred(when) for _, call, when in calls])
    loaded.commands += len(calls)
    for (row, _, _), outcome in zip(calls, outcomes, strict=True):
        if outcome.error is not None:
            loaded.failed += 1
            loaded.problems.append((row.line, str(outcome.error)))
        else:
            done.append((row, outcome.get()))
    return done


def placed_by_grid(clerk: Desk) -> Counter[str]:
    """How many tickets each grid has, by the grid's name."""
    names = {grid.id: grid.name for grid in clerk.find(places.Grid, limit=1_000)}
    found: Counter[str] = Counter()
    for id, name in names.items():
        after: Ticket | None = None
        while page := clerk.find(Ticket, where(Ticket.grid, id), limit=1_000, after=after):
            found[name] += len(page)
            after = page[-1]
    return found
