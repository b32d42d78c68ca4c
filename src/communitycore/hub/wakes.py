"""Timers and reactions: commands that the system runs when their moment has come."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import timedelta

from attrs import evolve

from communitycore.hub import telling
from communitycore.hub.office import Office
from communitycore.hub.session import TOUCH_MAX, Session
from communitycore.kernel import times
from communitycore.kernel.errors import CommunityCoreError, OutcomeUnknown, StoreError
from communitycore.kernel.ids import system
from communitycore.ports import Timer

ATTEMPTS = 4
TIMERS_TOGETHER = 200
BACKOFF = timedelta(seconds=30)


class Wakes:
    """Runs what is due. A page of it shares a transaction; what fails is tried alone, then set aside."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def run_due(self, limit: int | None) -> int:
        """What is due in every jurisdiction, in order of (due, seq); gives how many ran."""
        ran = 0
        moment = times.to_text(times.aware(self._office.clock(), "clock"))
        with self._office.store.reading() as tx:
            waiting = [h.id for h in tx.heads() if h.next_wake is not None and h.next_wake <= max(moment, h.last_at)]
        for jurisdiction in waiting:
            ran += self.drain(jurisdiction, limit=None if limit is None else limit - ran)
            if limit is not None and ran >= limit:
                break
        return ran

    def drain(self, jurisdiction: str, *, reactions_only: bool = False, limit: int | None = None) -> int:
        """What is due in one jurisdiction; gives how many ran."""
        ran, page = 0, TIMERS_TOGETHER
        while limit is None or ran < limit:
            with self._office.store.reading() as tx:
                head = tx.head(jurisdiction)
                if head is None:
                    return ran
                now = max(times.to_text(times.aware(self._office.clock(), "clock")), head.last_at)
                waiting = tx.timers(jurisdiction, now, page)
            due = [t for t in waiting if t.source or not reactions_only]
            more, moved = self._run(jurisdiction, due[: None if limit is None else limit - ran])
            ran += more
            if not moved:
                if len(waiting) < page:
                    return ran
                page *= 4  # what is wanted may stand behind a page of what is not
        return ran

    def _run(self, jurisdiction: str, due: Sequence[Timer]) -> tuple[int, bool]:
        """How many of these ran, and whether anything moved, be it that one was set aside."""
        if not due:
            return 0, False
        try:
            return self._together(jurisdiction, due)
        except CommunityCoreError:
            return self._alone(jurisdiction, due[0])

    def _together(self, jurisdiction: str, due: Sequence[Timer]) -> tuple[int, bool]:
        """As many as may share one transaction; a bug ends it, and what came before stands."""
        office = self._office
        ran = 0
        failed: tuple[Timer, Exception] | None = None
        with office.store.writing() as tx:
            draw = office.draw()
            session = office.session(tx, jurisdiction, draw)
            for n, timer in enumerate(due):
                draw = office.draw() if n else draw
                if (kept := _still_due(session, timer, session.view(system("timer"), draw).stamp)) is None:
                    continue
                if session.touched >= TOUCH_MAX or (session.soonest is not None and session.soonest < timer.due):
                    break  # it is enough for one transaction, or one that was set meanwhile comes first
                try:
                    with _traced(kept, jurisdiction):
                        session.run_timer(kept, draw)
                except Exception as trouble:  # noqa: BLE001 - a bug is that timer's alone
                    failed = kept, trouble
                    break
                ran += 1
            office.flush(tx, session)
        if failed is None:
            return ran, ran > 0
        sick, why = failed
        if isinstance(why, CommunityCoreError) and why.retryable:
            more, _ = self._alone(jurisdiction, sick)
            return ran + more, True
        self.set_aside(jurisdiction, sick, why)
        return ran, True

    def _alone(self, jurisdiction: str, timer: Timer) -> tuple[int, bool]:
        """One in a transaction of its own, tried again where that may help, and set aside where it does not."""
        office, draw = self._office, self._office.draw()
        for attempt in range(1, ATTEMPTS + 1):
            trouble: Exception
            try:
                with office.store.writing() as tx:
                    session = office.session(tx, jurisdiction, draw)
                    kept = _still_due(session, timer, session.view(system("timer"), draw).stamp)
                    if kept is None:
                        return 0, session.timer(timer.key) != timer
                    with _traced(kept, jurisdiction):
                        session.run_timer(kept, draw.again())
                    office.flush(tx, session)
                return 1, True
            except OutcomeUnknown:
                continue  # the timer itself tells whether it was run: it is gone then
            except CommunityCoreError as error:
                trouble = error
                if error.retryable and attempt < ATTEMPTS:
                    time.sleep(random.uniform(0, 0.02 * 2**attempt))
                    continue
            except Exception as error:  # noqa: BLE001 - a bug parks the timer and is shown
                trouble = error
            self.set_aside(jurisdiction, timer, trouble)
            return 0, True
        return 0, False

    def set_aside(self, jurisdiction: str, timer: Timer, trouble: Exception) -> None:
        """For the store's reasons: later, further apart each time. A bug: parked, until a person looks.

        The journal tells of both. A full disk is no bug of the timer's, though to call again at once would not help.
        """
        attempts = timer.attempts + 1
        later = isinstance(trouble, StoreError) or (isinstance(trouble, CommunityCoreError) and trouble.retryable)
        parked = None if later else f"{type(trouble).__name__}: {trouble}"[:500]
        office, draw = self._office, self._office.draw()
        with office.store.writing() as tx:
            session = office.session(tx, jurisdiction, draw)
            if tx.timer(jurisdiction, timer.key) != timer:
                return  # another ran, replaced or set it aside meanwhile
            now = times.from_text(session.view(system("timer"), draw).stamp)
            wake = timer.wake if parked is not None else times.to_text(now + BACKOFF * 2 ** min(attempts, 10))
            session.set_aside(evolve(timer, attempts=attempts, wake=wake, parked=parked), draw)
            office.flush(tx, session)
        data = {"command": timer.command, "jurisdiction": jurisdiction, "kind": timer.kind, "record": timer.record}
        if parked is None:
            code = trouble.code if isinstance(trouble, CommunityCoreError) else None
            telling.tell(telling.WARNING, "put off", **data, cause=timer.cause, attempts=attempts, code=code)
        else:
            telling.bug("parked", trouble, **data, cause=timer.cause)


def _traced(timer: Timer, jurisdiction: str) -> telling.Span:
    name = "communitycore.react" if timer.source else "communitycore.wake"
    return telling.Span(name, command=timer.command, jurisdiction=jurisdiction, cause=timer.cause)


def _still_due(session: Session, timer: Timer, now: str) -> Timer | None:
    """The timer as it stands, unless another ran it, put it off or replaced it."""
    kept = session.timer(timer.key)
    if kept is None or kept.due != timer.due or kept.parked is not None or kept.wake > now:
        return None
    return kept
