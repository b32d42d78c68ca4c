"""The hub: one open store with its rooms, clock and chance; every change goes through `carry_out`."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from communitycore.hub.authority import Authority
from communitycore.hub.catalogue import Catalogue
from communitycore.hub.desk import Desk, Outcome
from communitycore.hub.directory import Directory
from communitycore.hub.session import Session
from communitycore.hub.standing import StandingCache
from communitycore.kernel import forks, times
from communitycore.kernel.change import begin
from communitycore.kernel.command import Call, Fold, Read, Room
from communitycore.kernel.errors import (
    BadValue,
    CommunityCoreError,
    Mistake,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    Refused,
    StoreError,
)
from communitycore.kernel.ids import SYSTEM, Draw, JurisdictionId, Ref, check_id, system
from communitycore.kernel.journal import GENESIS, Entry
from communitycore.kernel.jurisdiction import (
    ADMINISTRATOR,
    Dated,
    Grant,
    Jurisdiction,
    check_code,
    check_name,
    check_zone,
    move,
)
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.query import Where
from communitycore.kernel.record import Kind, Record
from communitycore.kernel.shape import Shape
from communitycore.kernel.view import View
from communitycore.ports import Head, Reading, Store, Timer, Writing

if TYPE_CHECKING:
    from communitycore.hub.verify import Anchor, Progress, Report
    from communitycore.kernel.geometry import Area, Point

T = TypeVar("T")
K = TypeVar("K")
I = TypeVar("I", bound=str)  # noqa: E741 - an id's type
R = TypeVar("R", bound=Record[Any])

ATTEMPTS = 4
CALLS_TOGETHER = 250
TIMERS_TOGETHER = 200
SEED_BYTES = 32
BACKOFF = timedelta(seconds=30)


class Hub:
    """One store with its rooms. Threads may share it; each call is a transaction of its own.

    Made by `communitycore.open`. Close it when done, or use it as a context.
    """

    def __init__(
        self,
        store: Store,
        rooms: Iterable[Room],
        *,
        clock: times.Clock = times.system_clock,
        entropy: times.Entropy = times.system_entropy,
        check: bool = False,
    ) -> None:
        self._store = store
        self.catalogue = Catalogue((JURISDICTIONS, *rooms))
        if check:
            self.catalogue.check()
        self.clock = clock
        self.entropy = entropy
        self._standing = StandingCache()
        self._directory = Directory(lambda: self.store)
        self._forks = forks.passed()
        store.prepare(self.catalogue.shapes.values())

    @property
    def store(self) -> Store:
        """Where it keeps everything. Raises Mistake in a process that inherited this hub through fork."""
        if forks.passed() != self._forks:
            raise Mistake("this hub was inherited through fork; open one in the new process")
        return self._store

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back. No call may be under way."""
        self._store.close()

    # jurisdictions

    def found(
        self,
        code: str,
        *,
        name: str,
        level: str,
        first: Ref | None = None,
        parent: str | None = None,
        zone: str = "Asia/Shanghai",
        since: date | None = None,
        extent: Area | None = None,
    ) -> Jurisdiction:
        """Found a jurisdiction: its head, its record, and the first grant of administrator.

        code: in use from `since` (today, unless given). parent: a code or id. first: who administers it;
        left out for a new one, who then is `Ref(jurisdiction.id, ...)` as `hub.administrator` tells.
        level: a word of the room `places`. extent: where it lies, WGS-84; given, never computed from grids.
        Raises CodeTaken, UnknownCode, BadValue.
        """
        draw = self._draw()
        cause = draw.id()
        id = JurisdictionId(draw.id())
        check_zone(zone)
        check_code(code)
        check_name(name)
        above = None if parent is None else self.resolve(parent)
        self._check_founding(level, above)
        holder = first or Ref(id, draw.id())
        with self.store.writing() as tx:
            now = draw.at
            body = Jurisdiction(id=id, level=level, codes=(), names=(), zone=zone, extent=extent)
            start = since or body.day(now)
            self._directory.check_free(code, start)
            body = evolve(
                body,
                codes=(Dated(code, start),),
                names=(Dated(name, start),),
                parents=() if above is None else (Dated(above, start),),
            )
            grant = Grant(id=draw.id(), holder=holder, role=ADMINISTRATOR.name, since=now)  # type: ignore[arg-type]
            head = Head(id, code, 0, GENESIS, draw.stamp, 0, None)
            tx.found(head)
            session = Session(tx, head, self._standing, self.catalogue, now)
            change = begin("jurisdiction.founded", body).also(begin("grant.given", grant))
            view = session.view(holder, draw)
            session.accept_founding(change, view, draw, cause)
            tx.write(session.batch())
            tx.commit()
            session.committed()
        if session.reacts:
            self._react_now(id)
        return change.result

    def move(self, code: str, *, parent: str, since: date, actor: Ref) -> Jurisdiction:
        """Put a jurisdiction under another parent from `since` on, as an administrator of it.

        Raises UnknownCode, NotAllowed, BadValue for a parent that stands below it; and what rooms refuse by level.
        """
        id, above = self.resolve(code), self.resolve(parent)
        bodies = {body.id: body for body in self.jurisdictions()}
        now = self.clock()
        upward: JurisdictionId | None = above
        while upward is not None and upward in bodies:
            if upward == id:
                raise BadValue(
                    field="parent", why=f"{parent} stands below {code}", why_zh=f"{parent} 是 {code} 的下级辖区"
                )
            upward = bodies[upward].parent(now)
        self._check_founding(bodies[id].level, above)
        return self.desk(id, actor).do(move, parent=above, since=since)

    def _check_founding(self, level: str, above: JurisdictionId | None) -> None:
        higher = next((body.level for body in self.jurisdictions() if body.id == above), None)
        for room in self.catalogue.rooms:
            if room.founding is not None:
                room.founding(level, higher)

    def resolve(self, code: str) -> JurisdictionId:
        """The id of the jurisdiction with this id, or that uses this code today. Raises UnknownCode."""
        return self._directory.resolve(code, self.clock())

    def jurisdictions(self) -> list[Jurisdiction]:
        """All jurisdictions, by id."""
        return self._directory.all()

    def administrator(self, code: str) -> Ref:
        """The first administrator of a jurisdiction: the holder of the grant that founded it."""
        id = self.resolve(code)
        with self.store.reading() as tx:
            entries = tx.entries(id, 0, 2)
        holder: str = entries[1].changes()["holder"]
        return Ref.parse(holder)

    def locate(self, point: Point) -> tuple[JurisdictionId, ...]:
        """The lowest jurisdictions whose extent contains the point: none, one, or, on a border, all of them."""
        return self._directory.locate(point, self.clock())

    def desk(self, code: str, actor: Ref) -> Desk:
        """A desk for `actor` in the jurisdiction with this id or that uses this code today.

        Raises UnknownCode; BadValue for an actor that is no one.
        """
        if actor.jurisdiction == SYSTEM:
            raise BadValue(field="actor", why="the system sits at no desk", why_zh="系统不在办事台前")
        check_id(actor.jurisdiction, "actor")
        check_id(actor.id, "actor")
        return Desk(self, self.resolve(code), actor)

    # the road

    def carry_out(self, desk: Desk, call: Call[T]) -> T:
        """Do one call; see Desk.do."""
        draw = self._draw()
        session, result = self._committed(desk, call, draw)
        if session.reacts:
            self._react_now(desk.jurisdiction)
        return result

    def _react_now(self, jurisdiction: str) -> None:
        """What is durable is told as done, even if the store fails now: the reactions wait for run_due."""
        with suppress(StoreError):
            self.react(jurisdiction)

    def _committed(self, desk: Desk, call: Call[T], draw: Draw) -> tuple[Session, T]:
        wait = False
        made: tuple[Session, T] | None = None
        lost: OutcomeUnknown | None = None  # the answer to the last attempt's COMMIT
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.store.writing(wait=wait) as tx:
                    session = self._session(tx, desk.jurisdiction, draw.at)
                    # Asked under the lock: a COMMIT that was on its way has arrived by now, or never will.
                    if lost is not None and tx.caused(desk.jurisdiction, draw.again().id()):
                        assert made is not None, "an attempt was lost only after it was made"
                        return made
                    lost = None
                    made = session, session.run(call, desk.actor, draw.again())
                    self._flush(tx, session)
                return made
            except OutcomeUnknown as unknown:
                lost, wait = unknown, True
            except StoreError as error:
                if attempt == ATTEMPTS or not error.retryable:
                    if lost is None:
                        raise
                    break
                if wait:
                    time.sleep(random.uniform(0, 0.02 * 2**attempt))
                else:
                    # Another call is being written: a loser need not wait in order to be told so.
                    self._refuse_early(desk, call, draw.again())
                    wait = True
        assert lost is not None
        raise _unknown(lost, draw) from lost

    def _refuse_early(self, desk: Desk, call: Call[Any], draw: Draw) -> None:
        """Try the call on a snapshot: a Refused is its answer, anything else is not believed."""
        try:
            with self.store.reading() as tx:
                head = tx.head(desk.jurisdiction)
                if head is not None:
                    Session(tx, head, self._standing, self.catalogue, draw.at).run(call, desk.actor, draw)
        except Refused:
            raise
        except Exception:  # noqa: BLE001 - the locked attempt will tell what is really wrong
            return

    def carry_out_many(self, desk: Desk, calls: Sequence[Call[T]]) -> list[Outcome[T]]:
        """Do independent calls in order; see Desk.do_many."""
        outcomes: list[Outcome[T]] = []
        for start in range(0, len(calls), CALLS_TOGETHER):
            part = calls[start : start + CALLS_TOGETHER]
            outcomes += self._together(desk, part)
        return outcomes

    def _together(self, desk: Desk, calls: Sequence[Call[T]]) -> list[Outcome[T]]:
        draws = self._draws(len(calls))
        outcomes: list[Outcome[T]] = []
        reacts = False
        for attempt in range(1, ATTEMPTS + 1):
            outcomes = []
            try:
                reacts = self._in_one(desk, calls, draws, outcomes)
                break
            except Refused:
                # The store would not take them together: each is tried alone, under the same chance.
                outcomes, reacts = self._one_by_one(desk, calls, draws)
                break
            except StoreError as error:
                try:
                    if isinstance(error, OutcomeUnknown):
                        if not self._kept(desk, draws, outcomes):
                            outcomes, _ = self._one_by_one(desk, calls, draws)
                        reacts = True  # those that it left, if any, are found
                        break
                except StoreError:
                    pass
                if isinstance(error, OutcomeUnknown):
                    return [Outcome(error=_unknown(error, draw)) for draw in draws]
                if attempt == ATTEMPTS or not error.retryable:
                    return [Outcome(error=error) for _ in calls]
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
        if reacts:
            self._react_now(desk.jurisdiction)
        return outcomes

    def _in_one(self, desk: Desk, calls: Sequence[Call[T]], draws: Sequence[Draw], outcomes: list[Outcome[T]]) -> bool:
        """All in one transaction, what becomes of each put into `outcomes`; gives whether reactions wait."""
        with self.store.writing() as tx:
            session = self._session(tx, desk.jurisdiction, draws[0].at)
            for call, draw in zip(calls, draws, strict=True):
                try:
                    outcomes.append(Outcome(session.run(call, desk.actor, draw.again())))
                except StoreError:
                    raise
                except Exception as error:  # noqa: BLE001 - any other exception is that call's alone
                    outcomes.append(Outcome(error=error))
            self._flush(tx, session)
        return session.reacts

    def _kept(self, desk: Desk, draws: Sequence[Draw], outcomes: Sequence[Outcome[Any]]) -> bool:
        """Whether the calls whose common COMMIT lost its answer were kept, asked under the lock."""
        with self.store.writing() as tx:
            tx.lock(desk.jurisdiction)
            done = (draw for draw, outcome in zip(draws, outcomes, strict=True) if outcome.error is None)
            return any(tx.caused(desk.jurisdiction, draw.again().id()) for draw in done)

    def _one_by_one(self, desk: Desk, calls: Sequence[Call[T]], draws: Sequence[Draw]) -> tuple[list[Outcome[T]], bool]:
        """Each in a transaction of its own."""
        outcomes: list[Outcome[T]] = []
        reacts = False
        for call, draw in zip(calls, draws, strict=True):
            try:
                session, value = self._committed(desk, call, draw)
                outcomes.append(Outcome(value))
                reacts = reacts or session.reacts
            except Exception as error:  # noqa: BLE001 - any exception is that call's alone
                outcomes.append(Outcome(error=error))
        return outcomes, reacts

    # timers and reactions

    def run_due(self, *, limit: int | None = None) -> int:
        """Run what is due in every jurisdiction, reactions included, in order of (due, seq); gives how many ran."""
        ran = 0
        moment = times.to_text(self.clock())
        with self.store.reading() as tx:
            waiting = [h.id for h in tx.heads() if h.next_wake is not None and h.next_wake <= max(moment, h.last_at)]
        for jurisdiction in waiting:
            ran += self._drain(jurisdiction, False, None if limit is None else limit - ran)
            if limit is not None and ran >= limit:
                break
        return ran

    def react(self, jurisdiction: str) -> int:
        """Run the reactions that wait in one jurisdiction; gives how many ran."""
        return self._drain(jurisdiction, True, None)

    def parked(self, code: str) -> list[Timer]:
        """Timers and reactions whose command failed with a bug, and that wait for a person."""
        with self.store.reading() as tx:
            return [t for t in tx.timers(self.resolve(code), None, 1_000) if t.parked is not None]

    def _drain(self, jurisdiction: str, reactions_only: bool, limit: int | None) -> int:
        ran, page = 0, TIMERS_TOGETHER
        while limit is None or ran < limit:
            with self.store.reading() as tx:
                head = tx.head(jurisdiction)
                if head is None:
                    return ran
                now = max(times.to_text(self.clock()), head.last_at)
                waiting = tx.timers(jurisdiction, now, page)
            due = [t for t in waiting if t.source or not reactions_only]
            moved = False
            for timer in due[: None if limit is None else limit - ran]:
                outcome, soonest = self._run_timer(jurisdiction, timer)
                moved = moved or outcome is not None
                ran += outcome is True
                if soonest is not None and soonest < due[-1].due:
                    break  # it set one that comes before some of these
            if not moved:
                if len(waiting) < page:
                    return ran
                page *= 4  # what is wanted may stand behind a page of what is not
        return ran

    def _run_timer(self, jurisdiction: str, timer: Timer) -> tuple[bool | None, str | None]:
        """True: it ran, and the earliest moment it set. False: it was set aside. None: not due, or another ran it."""
        draw = self._draw()
        for attempt in range(1, ATTEMPTS + 1):
            trouble: Exception
            try:
                with self.store.writing() as tx:
                    session = self._session(tx, jurisdiction, draw.at)
                    kept = session.tx.timer(jurisdiction, timer.key)
                    now = session.view(system("timer"), draw).stamp
                    if kept is None or kept.due != timer.due or kept.parked is not None or kept.wake > now:
                        return None, None
                    session.run_timer(kept, draw.again())
                    self._flush(tx, session)
                return True, session.soonest
            except OutcomeUnknown:
                continue  # the timer itself tells whether it was run: it is gone then
            except CommunityCoreError as error:
                trouble = error
                if error.retryable and attempt < ATTEMPTS:
                    time.sleep(random.uniform(0, 0.02 * 2**attempt))
                    continue
            except Exception as error:  # noqa: BLE001 - a bug parks the timer and is shown
                trouble = error
            self._set_aside(jurisdiction, timer, trouble)
            return False, None
        return None, None

    def _set_aside(self, jurisdiction: str, timer: Timer, trouble: Exception) -> None:
        """Retryable: later, further apart each time. A bug: parked, until a person looks."""
        attempts = timer.attempts + 1
        retryable = isinstance(trouble, CommunityCoreError) and trouble.retryable
        parked = None if retryable else f"{type(trouble).__name__}: {trouble}"[:500]
        with self.store.writing() as tx:
            session = self._session(tx, jurisdiction, self.clock())
            if tx.timer(jurisdiction, timer.key) != timer:
                return  # another ran, replaced or set it aside meanwhile
            now = max(self.clock(), times.from_text(session.was.last_at))
            wake = times.to_text(now + BACKOFF * 2 ** min(attempts, 10))
            session.set_aside(evolve(timer, attempts=attempts, wake=wake, parked=parked))
            self._flush(tx, session)

    # reading

    def read_one(self, desk: Desk, kind: Kind[K, I], id: I) -> K:
        """See Desk.get."""
        with self._looking(desk) as (_, view, authority):
            record = view.get(kind, id)
            self._must_read(authority, record)
            return record

    def answer(self, desk: Desk, call: Call[T]) -> T:
        """See Desk.ask."""
        with self._looking(desk) as (_, view, authority):
            if not isinstance(call.command, Read):
                raise Mistake(f"{call.command.name} is a command; do it instead of asking it")
            authority.check(call)
            answer: T = call.command.function(view, *call.args, **call.kwargs)
            return answer

    def read_many(
        self,
        desk: Desk,
        kind: type[R],
        conditions: Sequence[Where],
        *,
        limit: int,
        order: Any,
        descending: bool,
        after: R | None,
    ) -> list[R]:
        """See Desk.find."""
        shape = kind.__shape__
        with self._looking(desk) as (_, view, authority):
            if not authority.reads_some(shape):
                raise NotAllowed(actor=str(desk.actor), what=f"read {shape.kind}", rule=shape.read)
            found: list[R] = []
            while True:
                page = view.find(kind, *conditions, limit=limit, order=order, descending=descending, after=after)
                found += [record for record in page if authority.reads(shape, record)]
                if len(page) < limit or len(found) >= limit:
                    return found[:limit]
                after = page[-1]

    def history(self, desk: Desk, kind: Kind[K, I], id: I) -> list[Entry]:
        """See Desk.history."""
        shape: Shape = kind.__shape__  # type: ignore[attr-defined]
        with self._looking(desk) as (tx, view, authority):
            record = view.get(kind, id)
            self._must_read(authority, record)
            entries = tx.entries_of(desk.jurisdiction, shape.kind, id)
            if not entries:
                raise NotFound(kind=shape.kind, id=str(id))  # it stands above, where its history is
            return [authority.shown(shape, record, entry) for entry in entries]

    def figures(self, desk: Desk, fold: Fold) -> list[tuple[str, Any]]:
        """See Desk.figures."""
        import json

        from communitycore.hub.followers import catch_up

        with self._looking(desk) as (_, _view, authority):
            if not authority.reads_rule(fold.read):
                raise NotAllowed(actor=str(desk.actor), what=f"read {fold.name}", rule=fold.read)
        catch_up(self.store, fold, desk.jurisdiction)
        with self.store.reading() as tx:
            return [(key, json.loads(text)) for key, text in tx.figures(fold.name, desk.jurisdiction)]

    # proof

    def verify(self, anchor: Anchor | None = None, progress: Progress | None = None) -> Report:
        """Check chain, rows and timers of every jurisdiction; with an anchor also for a cut tail or an old state."""
        from communitycore.hub.verify import verify

        return verify(self.store, self.catalogue, anchor, progress)

    def anchor(self) -> Anchor:
        """Where every journal stands now: keep it where this store's keepers cannot write."""
        from communitycore.hub.verify import Anchor

        with self.store.reading() as tx:
            return Anchor({head.id: (head.seq, head.hash) for head in tx.heads()})

    def journal(self, code: str, after: int = 0, limit: int = 1_000) -> list[Entry]:
        """Entries of one jurisdiction with seq > after: for operators and followers, not for actors."""
        id = self.resolve(code)
        with self.store.reading() as tx:
            return tx.entries(id, after, limit)

    # inside

    def _draw(self) -> Draw:
        return Draw(self.entropy(SEED_BYTES), times.aware(self.clock(), "clock"))

    def _draws(self, count: int) -> list[Draw]:
        """The chance of so many calls of one moment, a seed each."""
        at = times.aware(self.clock(), "clock")
        stamp = times.to_text(at)
        return [Draw(self.entropy(SEED_BYTES), at, stamp) for _ in range(count)]

    def _session(self, tx: Writing, jurisdiction: str, moment: datetime) -> Session:
        """Lock the head, the transaction's first statement, and sit down to work on it."""
        head = tx.lock(jurisdiction)
        if head is None:
            raise NotFound(kind="jurisdiction", id=jurisdiction)
        return Session(tx, head, self._standing, self.catalogue, moment)

    def _flush(self, tx: Writing, session: Session) -> None:
        if session.empty:
            return
        tx.write(session.batch())
        tx.commit()
        session.committed()

    def _head(self, tx: Reading, jurisdiction: str) -> Head:
        head = tx.head(jurisdiction)
        if head is None:
            raise NotFound(kind="jurisdiction", id=jurisdiction)
        return head

    @contextmanager
    def _looking(self, desk: Desk) -> Iterator[tuple[Reading, View, Authority]]:
        draw = Draw(b"", times.aware(self.clock(), "clock"))  # a reading draws no chance
        with self.store.reading() as tx:
            session = Session(tx, self._head(tx, desk.jurisdiction), self._standing, self.catalogue, draw.at)
            view = session.view(desk.actor, draw)
            yield tx, view, Authority(session, self.catalogue, view)

    def _must_read(self, authority: Authority, record: Any) -> None:
        shape: Shape = record.__shape__
        if not authority.reads(shape, record):
            raise NotAllowed(actor=str(authority.actor), what=f"read {shape.kind}", rule=shape.read)


def _unknown(lost: OutcomeUnknown, draw: Draw) -> OutcomeUnknown:
    """The same, with the cause of the call that drew this chance."""
    return OutcomeUnknown(url=lost.url, why=lost.why, why_zh=lost.why_zh, cause=draw.again().id())
