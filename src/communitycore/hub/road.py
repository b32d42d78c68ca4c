"""The road that every change takes: lock, authorise, decide, commit; alone, or together with who waits for the same."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

from communitycore.hub import telling
from communitycore.hub.desk import Desk, Outcome
from communitycore.hub.line import Job, Line
from communitycore.hub.office import Office
from communitycore.hub.session import Session
from communitycore.kernel.command import Call
from communitycore.kernel.errors import NotFound, OutcomeUnknown, Refused, StoreError
from communitycore.kernel.ids import Draw
from communitycore.ports import Reading, Writing

T = TypeVar("T")

ATTEMPTS = 4
CALLS_TOGETHER = 250
PATIENCE_SECONDS = 0.002
"""How long a call waits in line before it looks on a snapshot whether it would be refused."""
LOOK_SECONDS = 0.02
"""How long a call waits for its turn to look on a snapshot."""
OFTEN = 0.5
"""The share of refusals among a command's last calls from which each looks on a snapshot first."""


class Road:
    """Carries calls out on one store."""

    def __init__(self, office: Office) -> None:
        self._office = office
        # Where one transaction excludes all others, those of every jurisdiction stand in one line.
        self._apart = office.store.capabilities.get("parallel") is True
        self._line = Line()
        # It answers within this process: threads that look at once would only take the interpreter from each other.
        self._looks = None if self._apart else threading.Lock()
        self._lines: dict[str, Line] = {}
        self._refusals: dict[str, float] = {}

    def do(self, desk: Desk, call: Call[T]) -> tuple[T, bool]:
        """One call's value, and whether reactions wait. Raises what the call raises."""
        draw = self._office.draw()
        if not telling.quiet():
            with telling.Doing(call.command.name, desk.jurisdiction, draw.again().id()):
                return self._do(desk, call, draw)
        try:
            return self._do(desk, call, draw)
        except Refused:
            raise
        except Exception as error:
            telling.ended(call.command.name, desk.jurisdiction, draw.again().id(), error, None)
            raise

    def _do(self, desk: Desk, call: Call[T], draw: Draw) -> tuple[T, bool]:
        looked = self._refusals.get(call.command.name, 0.0) > OFTEN
        if looked:
            # Most of its callers lose: they need no lock to be told so.
            refused = self._refused_early(desk, call, draw)
            if refused is not None:
                raise refused
        line = self._line_of(desk)
        if line.lead():
            try:
                session, value = self._alone(desk, call, draw)
            finally:
                line.leave()
            return value, session.reacts
        job = Job(desk, (call,), (draw,))
        job.looked = looked
        self._in_line(line, job)
        return job.outcomes[0].get(), job.reacts

    def do_many(self, desk: Desk, calls: Sequence[Call[T]]) -> tuple[list[Outcome[T]], bool]:
        """What became of each of at most CALLS_TOGETHER calls, and whether reactions wait."""
        assert self._office.store  # one inherited through fork is a mistake of the whole program, not of each call
        draws = self._office.draws(len(calls))
        with telling.Span("communitycore.do_many", jurisdiction=desk.jurisdiction, calls=len(calls)):
            job = Job(desk, calls, draws)
            self._in_line(self._line_of(desk), job)
        quiet = telling.quiet()
        for call, outcome, draw in zip(calls, job.outcomes, draws, strict=True):
            if not quiet or not (outcome.error is None or isinstance(outcome.error, Refused)):
                telling.ended(call.command.name, desk.jurisdiction, draw.again().id(), outcome.error, None)
        return job.outcomes, job.reacts

    # in line

    def _line_of(self, desk: Desk) -> Line:
        return self._lines.setdefault(desk.jurisdiction, Line()) if self._apart else self._line

    def _in_line(self, line: Line, job: Job) -> None:
        if not line.lead() and not line.join(job) and not self._comes_to_lead(line, job):
            return
        try:
            self._serve([job, *line.take(CALLS_TOGETHER - len(job.calls))])
        finally:
            line.leave()

    def _comes_to_lead(self, line: Line, job: Job) -> bool:
        """Wait; False if another served this job, or it was refused without waiting."""
        try:
            looks = len(job.calls) == 1 and not job.looked
            if looks and job.gate.acquire(timeout=PATIENCE_SECONDS):
                return job.leads
            refused = self._refused_early(job.desk, job.calls[0], job.draws[0]) if looks else None
            if refused is not None and line.withdraw(job):
                job.outcomes = [Outcome(error=refused)]
                return False
            job.gate.acquire()
        except BaseException:
            line.abandon(job)
            raise
        return job.leads

    def _serve(self, jobs: list[Job]) -> None:
        if len(jobs) == 1 and len(jobs[0].calls) == 1 and not jobs[0].lost:
            self._each_alone(jobs)
        else:
            self._together(jobs)
        for job in jobs:
            job.done = True

    # alone

    def _alone(self, desk: Desk, call: Call[T], draw: Draw) -> tuple[Session, T]:
        """One call in a transaction of its own, tried again where that may help."""
        office, jurisdiction = self._office, desk.jurisdiction
        wait = False
        made: tuple[Session, T] | None = None
        lost: OutcomeUnknown | None = None  # the answer to the last attempt's COMMIT
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with office.store.writing(wait=wait) as tx:
                    session = office.session(tx, jurisdiction, draw)
                    # Asked under the lock: a COMMIT that was on its way has arrived by now, or never will.
                    if lost is not None and tx.caused(jurisdiction, draw.again().id()):
                        assert made is not None, "an attempt was lost only after it was made"
                        return made
                    lost = None
                    made = session, session.run(call, desk.actor, draw.again())
                    office.flush(tx, session)
                return made
            except OutcomeUnknown as unknown:
                lost, wait = unknown, True
            except Refused:
                self._note(call, refused=True)
                raise
            except StoreError as error:
                if attempt == ATTEMPTS or not error.retryable:
                    if lost is None:
                        raise
                    break
                if wait:
                    _tell_retry(call, jurisdiction, attempt, error)
                if wait:
                    _pause(attempt)
                else:
                    # Another call is being written: a loser need not wait in order to be told so.
                    refused = self._refused_early(desk, call, draw)
                    if refused is not None:
                        raise refused from None
                    wait = True
        assert lost is not None
        raise _unknown(lost, draw) from lost

    def _refused_early(self, desk: Desk, call: Call[Any], draw: Draw) -> Refused | None:
        """Try the call on a snapshot: a Refused is its answer, anything else is not believed."""
        # Nothing depends on the turn, and who holds it may be waiting for what this very thread reads.
        turn = self._looks is not None and self._looks.acquire(timeout=LOOK_SECONDS)
        try:
            with self._office.store.reading() as tx:
                self._office.looking(tx, desk.jurisdiction, draw).run(call, desk.actor, draw.again())
        except Refused as refused:
            self._note(call, refused=True)
            return refused
        except Exception:  # noqa: BLE001 - the locked attempt will tell what is really wrong
            return None
        finally:
            if turn and self._looks is not None:
                self._looks.release()
        self._note(call, refused=False)
        return None

    def _note(self, call: Call[Any], *, refused: bool) -> None:
        """Keep how often a command was refused of late; two threads that write at once lose no more than one call."""
        name = call.command.name
        self._refusals[name] = self._refusals.get(name, 0.0) * 0.95 + (0.05 if refused else 0.0)

    # together

    def _together(self, jobs: Sequence[Job]) -> None:
        """All of them in one transaction; if the store does not take that, each call in one of its own."""
        for attempt in range(1, ATTEMPTS + 1):
            begun = False
            try:
                with self._office.store.writing() as tx:
                    sessions = self._sessions(tx, jobs)
                    begun = True
                    for job in jobs:
                        self._decide(tx, job, sessions.get(job.jurisdiction))
                    calls, spans = sum(len(job.calls) for job in jobs), [job.span for job in jobs[1:]]
                    self._office.flush(tx, *sessions.values(), calls=calls, links=spans)
                return
            except OutcomeUnknown as unknown:
                self._settle(jobs, unknown)
                return
            except Exception as error:  # noqa: BLE001 - any exception is that of the call that meets it alone
                retryable = isinstance(error, StoreError) and error.retryable
                if not retryable and begun:
                    self._each_alone(jobs)
                    return
                if not retryable or attempt == ATTEMPTS:
                    for job in jobs:
                        job.fail(error)
                    return
            _pause(attempt)

    def _sessions(self, tx: Writing, jobs: Sequence[Job]) -> dict[str, Session]:
        """A session in every jurisdiction concerned, heads locked in the order of ids; one that is gone has none."""
        sessions: dict[str, Session] = {}
        for job in sorted(jobs, key=lambda job: job.jurisdiction):
            if job.jurisdiction not in sessions:
                with suppress(NotFound):
                    sessions[job.jurisdiction] = self._office.session(tx, job.jurisdiction, job.draws[0])
        return sessions

    def _decide(self, tx: Writing, job: Job, session: Session | None) -> None:
        """Run a job's calls in the common session; what became of each is its outcome once all is committed."""
        if job.done:
            return
        if session is None:
            job.fail(NotFound(kind="jurisdiction", id=job.jurisdiction))
            return
        if job.lost and _kept(tx, job):
            job.done = True  # by one who broke off after the COMMIT: the outcomes stand
            return
        job.lost = False
        before, session.reacts = session.reacts, False
        job.outcomes = []
        for call, draw in zip(job.calls, job.draws, strict=True):
            try:
                job.outcomes.append(Outcome(session.run(call, job.desk.actor, draw.again())))
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - any other exception is that call's alone
                job.outcomes.append(Outcome(error=error))
                if isinstance(error, Refused):
                    self._note(call, refused=True)
        job.reacts = session.reacts
        session.reacts = before or job.reacts

    def _settle(self, jobs: Sequence[Job], unknown: OutcomeUnknown) -> None:
        """After a common COMMIT lost its answer: look under the locks whether it was kept."""
        try:
            with self._office.store.writing() as tx:
                for jurisdiction in sorted({job.jurisdiction for job in jobs}):
                    tx.lock(jurisdiction)
                kept = any(_kept(tx, job) for job in jobs)
        except StoreError:
            for job in jobs:
                job.outcomes = [Outcome(error=_unknown(unknown, draw)) for draw in job.draws]
            return
        if not kept:
            self._each_alone(jobs)
        for job in jobs:
            job.reacts = True  # those that it left, if any, are found

    def _each_alone(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if not job.done and not (job.lost and self._was_kept(job)):
                job.reacts = False
                job.outcomes = [self._outcome(job, call, draw) for call, draw in zip(job.calls, job.draws, strict=True)]

    def _outcome(self, job: Job, call: Call[Any], draw: Draw) -> Outcome[Any]:
        try:
            session, value = self._alone(job.desk, call, draw)
        except Exception as error:  # noqa: BLE001 - any exception is that call's alone
            return Outcome(error=error)
        job.reacts = job.reacts or session.reacts
        return Outcome(value)

    def _was_kept(self, job: Job) -> bool:
        try:
            with self._office.store.writing() as tx:
                tx.lock(job.jurisdiction)
                return _kept(tx, job)
        except StoreError as error:
            job.fail(error)
            return True


def _kept(tx: Reading, job: Job) -> bool:
    """Whether any of its calls, which are committed together or not at all, left an entry."""
    return any(tx.caused(job.jurisdiction, draw.again().id()) for draw in job.draws)


def _tell_retry(call: Call[Any], jurisdiction: str, attempt: int, error: StoreError) -> None:
    data = {"command": call.command.name, "jurisdiction": jurisdiction, "attempt": attempt}
    telling.tell(telling.WARNING, "tried again", **data, code=error.code)


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.02 * 2**attempt))


def _unknown(lost: OutcomeUnknown, draw: Draw) -> OutcomeUnknown:
    """The same, with the cause of the call that drew this chance."""
    return OutcomeUnknown(url=lost.url, why=lost.why, why_zh=lost.why_zh, cause=draw.again().id())
