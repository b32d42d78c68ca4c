"""Service requests, from report to their real end, at the times when things happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from time import perf_counter
from typing import Any

from attrs import Factory, asdict, define, evolve, frozen

from communitycore.domain import people, places, tickets
from communitycore.domain.people import OrganisationKind, OrganisationProfile
from communitycore.domain.places import Located, Outside
from communitycore.domain.roles import CLERK, SUPERVISOR
from communitycore.domain.tickets import Category, CategoryId, Part, Source, Ticket, TicketReporter, TicketStatus
from communitycore.formats.requests_csv import Problem, Request
from communitycore.hub.desk import Desk
from communitycore.kernel.command import Call
from communitycore.kernel.errors import Language, Refused
from communitycore.kernel.geometry import Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import where
from communitycore.kernel.rules import Role

TOGETHER = 200
PART = 5_000  # rows held through all stages at once: long enough that each officer's calls fill a transaction
SHARED = 100  # so many requests on one point are more likely a default than a place
MESSAGE_MAX = 180
NAME_MAX, TITLE_MAX = 100, 200
UNSORTED, NOBODY = "未分类 uncategorised", "未注明单位 unit not stated"

Progress = Callable[[int, int], None]
_S = TicketStatus
_SOURCES = frozenset[str](Source)


@frozen
class Actors:
    """Who acts for the loader: a clerk who takes in and gives out, and a supervisor who verifies; two persons.

    Who handles is the officer that routing finds, or the row's own unit; so nobody verifies what they handled.
    """

    clerk: Ref
    supervisor: Ref


@define
class RequestsLoaded:
    """What became of the rows: rows = made + known + failed = placed + unplaced + ambiguous.

    known: made a ticket before, in an earlier load or line. routed: given to an officer by rule in this load.
    by_unit: to the row's unit by name, since routing found nobody. waiting: open, in the clerk's queue.
    closed: walked to their end in this load. shared: point -> how many rows have it, if more than SHARED.
    problems: (line, what is wrong), whatever came of the row.
    """

    rows: int = 0
    made: int = 0
    known: int = 0
    failed: int = 0
    placed: int = 0
    unplaced: int = 0
    ambiguous: int = 0
    routed: int = 0
    by_unit: int = 0
    waiting: int = 0
    closed: int = 0
    out_of_order: int = 0
    commands: int = 0
    seconds: float = 0.0
    shared: dict[tuple[float, float], int] = Factory(dict)
    problems: list[tuple[int, Problem]] = Factory(list)

    def data(self, language: Language = "en") -> dict[str, Any]:
        """As plain data, the problems told in one language."""
        shared = [{"lon": lon, "lat": lat, "rows": n} for (lon, lat), n in self.shared.items()]
        problems = [{"line": line, "what": what.say(language)} for line, what in self.problems]
        figures = asdict(self, filter=lambda field, _: field.name not in ("shared", "problems"))
        return {**figures, "seconds": round(self.seconds, 3), "shared": shared, "problems": problems}

    def tell(self, row: Request, en: str, zh: str) -> None:
        """Keep what is wrong with a row."""
        self.problems.append((row.line, Problem(en, zh)))


def make_actors(admin: Desk) -> Actors:
    """Appoint a clerk and a supervisor of the loader's own; called again, it gives the same ones.

    A load is never done in the name of somebody who serves here and knows nothing of it.
    """

    def serves(duty: Role) -> Ref:
        party = admin.keyed(f"loading:party:{duty.name}").do(people.register)
        holder = Ref(admin.jurisdiction, party.id)
        admin.keyed(f"loading:duty:{duty.name}").do(people.appoint, holder=holder, duty=duty)
        return holder

    return Actors(serves(CLERK), serves(SUPERVISOR))


def load_requests(
    admin: Desk, requests: Sequence[Request], *, actors: Actors | None = None, progress: Progress | None = None
) -> RequestsLoaded:
    """Load all rows; none is dropped, and a row loaded before makes no second ticket.

    Each is reported, accepted and dispatched by its point at the time it was opened. Where routing finds nobody, an
    open one waits in the clerk's queue and a closed one goes to its unit. A closed one is started, handled, verified
    by another and closed at the time it was closed, the only other one that a row knows. A ticket goes on from where
    it stands: a load that was broken off, or a later file in which more rows are closed, is simply loaded again.
    What a row's text has too much of is cut and told; a point outside the jurisdiction is left out and told.
    A row is known again by its source and id, or without an id by its line and by what it says.
    Raises StoreError if the store fails.
    """
    began = perf_counter()
    requests = [row if row.source in _SOURCES else _unsourced(row) for row in requests]
    load = _Load(admin, actors or make_actors(admin), RequestsLoaded(rows=len(requests)))
    points = Counter(r.point for r in requests if r.point is not None)
    load.told.shared = {(p.lon, p.lat): count for p, count in points.most_common() if count > SHARED}
    load.define_categories(requests)
    for start in range(0, len(requests), PART):
        part = requests[start : start + PART]
        for row in part:
            load.look_at(row)
        load.walk(part, partial(_tell, progress, start, len(part), len(requests)))
    load.told.problems.sort(key=lambda problem: problem[0])
    load.told.seconds = perf_counter() - began
    return load.told


def _tell(progress: Progress | None, start: int, rows: int, total: int, share: float) -> None:
    if progress is not None:
        progress(start + int(share * rows), total)


class _Load:
    """One load on its way."""

    def __init__(self, admin: Desk, who: Actors, told: RequestsLoaded) -> None:
        self.admin, self.told = admin, told
        self.clerk = admin.hub.desk(admin.jurisdiction, who.clerk)
        self.supervisor = admin.hub.desk(admin.jurisdiction, who.supervisor)
        self.categories: dict[tuple[CategoryId | None, str], CategoryId] = {}
        self.units: dict[str, Ref] = {}
        self.located: dict[Point, Located] = {}
        self.tickets: dict[str, tuple[Request, Ticket]] = {}  # by the ticket's id, as it stands now

    # what is wanted beforehand

    def define_categories(self, requests: Iterable[Request]) -> None:
        """Define what categories the rows name, on two levels, unless they are in use here."""
        after: Category | None = None
        while page := self.admin.find(Category, limit=1_000, after=after):
            after = page[-1]
            for c in page:
                if c.status is tickets.CategoryStatus.ACTIVE:
                    self.categories[c.parent, c.name_zh] = c.id
        for names in dict.fromkeys(_names(row) for row in requests):
            parent: CategoryId | None = None
            for name in names:
                if (parent, name) not in self.categories:
                    # A file of requests does not say which are parts of the realm and which events (G3).
                    made = self.admin.do(tickets.define_category, name_zh=name, part=Part.EVENT, parent_id=parent)
                    self.categories[parent, name] = made.id
                    self.told.commands += 1
                parent = self.categories[parent, name]

    def category(self, row: Request) -> CategoryId:
        """The category of a row, which is defined."""
        found: CategoryId | None = None
        for name in _names(row):
            found = self.categories[found, name]
        assert found is not None, "a row has at least one name of a category"
        return found

    def unit(self, row: Request) -> Ref:
        """The row's unit: the organisation here of that name, registered if there is none."""
        name = _clean(row.unit or NOBODY)[:191]
        if name not in self.units:
            known = self.admin.find(OrganisationProfile, where(OrganisationProfile.name, name), limit=1)
            if known:
                party = known[0].party
            else:
                kind = OrganisationKind.PUBLIC_BODY
                party = self.admin.do(people.register_organisation, name=name, kind=kind).id
                self.told.commands += 1
            self.units[name] = Ref(self.admin.jurisdiction, party)
        return self.units[name]

    def look_at(self, row: Request) -> None:
        """Count what is to be said of a row whatever becomes of it."""
        self.told.problems += [(row.line, problem) for problem in row.problems]
        self.told.out_of_order += row.opened is not None and row.closed is not None and row.closed < row.opened
        if row.point is None:
            self.told.unplaced += 1
            return
        if row.point not in self.located:
            self.located[row.point] = self.clerk.ask(places.locate, row.point)
        located = self.located[row.point]
        if located.ambiguous:
            self.told.ambiguous += 1
        elif located.one is None:
            self.told.unplaced += 1
        else:
            self.told.placed += 1

    # the stages

    def walk(self, rows: Sequence[Request], share: Callable[[float], None]) -> None:
        """Take these rows through every stage that is still before them."""
        self.tickets = {}
        for start in range(0, len(rows), TOGETHER):
            self.report(rows[start : start + TOGETHER])
            share(0.25 * start / len(rows))
        self.stage(_S.REPORTED, lambda row, t: tickets.accept.call(t.id))
        share(0.4)
        routed = self.stage(_S.ACCEPTED, lambda row, t: None if t.answers is not None else tickets.dispatch.call(t.id))
        self.told.routed += sum(ticket.status is _S.DISPATCHED for ticket in routed)
        share(0.55)
        given = self.stage(_S.ACCEPTED, lambda row, t: tickets.dispatch.call(t.id, unit=self.unit(row)), ended=True)
        self.told.by_unit += len(given)
        self.told.waiting += sum(t.status in (_S.REPORTED, _S.ACCEPTED) for _, t in self.tickets.values())
        share(0.6)
        self.stage(_S.DISPATCHED, lambda row, t: tickets.start.call(t.id), ended=True, by_bearer=True)
        share(0.7)
        self.stage(
            _S.IN_PROGRESS,
            lambda row, t: tickets.handle.call(t.id, evidence=(_evidence(row),), report="办结时间据导入文件。Closed in the imported file."),
            ended=True,
            by_bearer=True,
        )  # fmt: skip
        share(0.8)
        verified = lambda row, t: tickets.verify.call(t.id, evidence=(_evidence(row),))  # noqa: E731 - one of a row of alike
        self.stage(_S.HANDLED, verified, ended=True, desk=self.supervisor)
        share(0.9)
        self.told.closed += len(
            self.stage(_S.VERIFIED, lambda row, t: tickets.close.call(t.id), ended=True, desk=self.supervisor)
        )
        share(1.0)

    def report(self, rows: Sequence[Request]) -> None:
        """Make the tickets of some rows, or find those that they made before."""
        keys = [f"{row.source}:{_message(row)}" for row in rows]  # as TicketReporter.message has it
        before = {
            r.message
            for r in self.clerk.find(TicketReporter, where(TicketReporter.message, among=keys), limit=TOGETHER)
        }
        outcomes = self.clerk.do_many([self.reported(row, row.point) for row in rows])
        self.told.commands += len(rows)
        for row, key, outcome in zip(rows, keys, outcomes, strict=True):
            if isinstance(outcome.error, Outside):
                en, zh = outcome.error.say(), outcome.error.say("zh")
                self.told.tell(row, f"{en} It is loaded without its point.", f"{zh}已略去其坐标。")
                outcome = self.clerk.do_many([self.reported(row, None)])[0]
                self.told.commands += 1
            if outcome.error is not None:
                self.told.failed += 1
                self.refused(row, outcome.error)
                continue
            ticket = outcome.get()
            if key in before:
                self.told.known += 1
            else:
                before.add(key)
                self.told.made += 1
            if ticket.id in self.tickets:
                first = self.tickets[ticket.id][0].line
                self.told.tell(
                    row,
                    f"it has the id of line {first}, whose ticket stands for both",
                    f"编号与第 {first} 行相同，共用一件工单",
                )
            else:
                self.tickets[ticket.id] = row, ticket

    def refused(self, row: Request, error: Exception) -> None:
        """Keep why a command for a row was refused. Raises what is no refusal, such as a StoreError."""
        if not isinstance(error, Refused):
            raise error
        self.told.tell(row, error.say(), error.say("zh"))

    def reported(self, row: Request, point: Point | None) -> Call[Ticket]:
        """The report of a row, at the time it was opened."""
        title = _clean(row.title or row.kind or row.category or row.id or "?")
        if len(title) > TITLE_MAX:
            self.told.tell(
                row,
                f"its title is cut to {TITLE_MAX} characters; all of it is the description",
                f"标题截至 {TITLE_MAX} 个字符，全文记入描述",
            )
        call = tickets.report.call(
            source=Source(row.source),
            title=title[:TITLE_MAX],
            description=title if len(title) > TITLE_MAX else None,
            category=self.category(row),
            point=point,
            happened=row.opened,
            message=_message(row),
        )
        return _at(call, row.opened)

    def stage(
        self,
        status: TicketStatus,
        make: Callable[[Request, Ticket], Call[Ticket] | None],
        *,
        ended: bool = False,
        by_bearer: bool = False,
        desk: Desk | None = None,
    ) -> list[Ticket]:
        """One command for each ticket that has this status; gives those that it was done to.

        ended: only for rows that were closed, at that time. by_bearer: by whoever has it. desk: the clerk's, if None.
        One that fails is told by its line and stays where it is.
        """
        by: dict[Desk, list[tuple[Request, Call[Ticket]]]] = {}
        for row, ticket in self.tickets.values():
            if ticket.status is not status or (ended and row.closed is None):
                continue
            if (call := make(row, ticket)) is None:
                continue
            whose = desk or self.clerk
            if by_bearer:
                if ticket.bearer is None:
                    continue
                whose = self.admin.hub.desk(self.admin.jurisdiction, ticket.bearer)
            by.setdefault(whose, []).append((row, _at(call, row.closed if ended else row.opened)))
        done: list[Ticket] = []
        for whose, calls in by.items():
            outcomes = whose.do_many([call for _, call in calls])
            self.told.commands += len(calls)
            for (row, _), outcome in zip(calls, outcomes, strict=True):
                if outcome.error is not None:
                    self.refused(row, outcome.error)
                    continue
                ticket = outcome.get()
                self.tickets[ticket.id] = row, ticket
                done.append(ticket)
        return done


def _names(row: Request) -> tuple[str, ...]:
    """The names of a row's category, from the top: two if the row has two."""
    given = [_clean(name)[:NAME_MAX] for name in (row.category, row.kind) if name]
    return tuple(given) or (UNSORTED,)


def _message(row: Request) -> str:
    """The row's message id, by which a second load finds the first.

    It is the row's own id. One without an id is known by its line and by what it says, since the same line of next
    month's file is another request; its end is left out, which a later copy of the file may bring.
    """
    if not row.id:
        at = "" if row.point is None else f"{row.point.lon!r} {row.point.lat!r}"
        said = ("" if row.opened is None else row.opened.isoformat(), row.category, row.kind, row.title, at, row.unit)
        return f"line-{row.line}-{_hash(json.dumps(said))[:16]}"
    return row.id if len(row.id) <= MESSAGE_MAX and row.id == _clean(row.id) else _hash(row.id)


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unsourced(row: Request) -> Request:
    en = f"source {row.source!r} is none of ours; taken as {Source.IMPORT}"
    zh = f"来源 {row.source!r} 不是本库的来源，按导入处理"
    return evolve(row, source=str(Source.IMPORT), problems=(*row.problems, Problem(en, zh)))


def _clean(text: str) -> str:
    """The text without what no store keeps, which a damaged file may hold."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _evidence(row: Request) -> str:
    """By what the end of a row can be seen: the case in the system it comes from."""
    return f"case-{_message(row)}"


def _at(call: Call[Ticket], when: datetime | None) -> Call[Ticket]:
    return call if when is None else call.occurred(when)
