"""The keeper: disturbs workers or what is beneath them at random moments, and looks what is left."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from attrs import Factory, define, frozen

from communitycore.conformance import room
from communitycore.conformance.crash.audit import Audit, Counts
from communitycore.conformance.crash.crew import Crew, Worker, processes
from communitycore.conformance.crash.words import Task
from communitycore.conformance.crash.worker import OPENING_SECONDS, open_hub
from communitycore.conformance.workers import Opening
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel import times
from communitycore.kernel.errors import CommunityCoreError
from communitycore.kernel.ids import JurisdictionId, Ref
from communitycore.kernel.jurisdiction import give
from communitycore.plugins import without_password

CLAIMS = 12
SHARED_KEYS = 8
ALL_AT_ONCE = 0.25
"""How often all workers are killed at one moment instead of one of them."""
EARLY = 0.25
"""How often the first of them is killed while they may still open the store."""
AHEAD = timedelta(days=2)
"""How far a keeper's clock is ahead at last, so that whatever was put off is due."""
SHOWN = 20


class Unsound(AssertionError):
    """A store lost something, did it by halves or twice. found: all that is wrong."""

    def __init__(self, where: str, found: list[str]) -> None:
        self.found = found
        more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        super().__init__("\n  ".join([where, *found[:SHOWN], *more]))


@define
class Figures:
    """What was done to how many stores, and what became of the calls."""

    kills: int = 0
    stores: int = 0
    entries: int = 0
    calls: Counts = Factory(Counts)
    seconds: float = 0.0

    def __str__(self) -> str:
        calls = self.calls
        return (
            f"{self.kills} kills in {self.seconds:.0f} s; {self.stores} stores, {self.entries} entries; calls: "
            f"{calls.done} acknowledged, {calls.refused} refused, {calls.failed} failed and not kept, "
            f"{calls.kept + calls.not_kept} never answered ({calls.kept} kept, {calls.not_kept} not)"
        )


@frozen(kw_only=True)
class Plan:
    """How stores are treated.

    new_url: tells where another store may be made. opening: how it is opened. through: the way that workers take.
    disturb: done at random moments instead of killing a worker; workers then live on.
    workers, threads: processes at once, and threads in each. cycle: disturbances until other workers come.
    per_store: kills until another store is begun, since everything is looked at after each.
    answers, span_seconds: a kill comes after up to so many answers, and then within about the time of a call.
    jump_seconds: how far workers' clocks are off. seconds: after which it is enough.
    """

    new_url: Callable[[], str]
    opening: Callable[[str], Opening]
    kills: int
    seed: int
    workers: int = 3
    threads: int = 2
    cycle: int = 10
    per_store: int = 25
    answers: int = 12
    span_seconds: float = 0.02
    jump_seconds: float = 0.0
    seconds: float = float("inf")
    through: Callable[[str], str] = str
    disturb: Callable[[random.Random], None] | None = None
    say: Callable[[str], object] = str


class Keeper:
    """Carries out a plan. url: of the store at hand."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.figures = Figures()
        self.url = ""
        self._chance = random.Random(plan.seed)
        self._crew: Crew | None = None
        self._hired = 0
        self._boot_seconds = 0.1
        self._start = time.monotonic()

    def run(self) -> Figures:
        """Until there were so many kills. Raises Unsound at the first after which something is wrong."""
        try:
            while not self._enough(self.plan.kills):
                self._store()
                self.figures.seconds = time.monotonic() - self._start
                self.plan.say(str(self.figures))
        except CommunityCoreError as error:
            self._check([f"the keeper met what no caller should: {type(error).__name__}: {error}"], error)
        finally:
            if self._crew is not None:
                self._crew.end()
        return self.figures

    def left_behind(self, answers: int = 60) -> tuple[Audit, Callable[[Hub], Desk]]:
        """A store whose workers were all killed at one moment, and which nobody has opened since."""
        self.url = self.plan.new_url()
        place, keeper = self._founded()
        audit = Audit(place, self.figures.calls)
        try:
            crew = self._begun(audit, place, keeper)
            self._check(crew.hear_answers(audit, answers))
            self._check(crew.kill(list(crew.alive), audit))
        finally:
            if self._crew is not None:
                self._crew.end()
        return audit, lambda hub: hub.desk(place, keeper)

    def _store(self) -> None:
        """A store from its founding until it has seen its share of kills."""
        self.url = self.plan.new_url()
        self.figures.stores += 1
        until = min(self.plan.kills, self.figures.kills + self.plan.per_store)
        place, keeper = self._founded()
        audit = Audit(place, self.figures.calls)
        while not self._enough(until):
            self._cycle(audit, place, keeper, until)
        with self._hub(AHEAD) as hub:
            self._check(audit.settle(hub, hub.desk(place, keeper), last=True))
        self.figures.entries += len(audit.books.entries)

    def _cycle(self, audit: Audit, place: JurisdictionId, keeper: Ref, until: int) -> None:
        """Workers come and are disturbed, until none is left or it is enough; then everything is looked at."""
        crew = self._begun(audit, place, keeper)
        if self.plan.disturb is None:
            self._kill_workers(crew, audit, until)
        else:
            self._disturb(crew, audit, until)
        self._check(crew.kill(list(crew.alive), audit))
        with self._hub() as hub:
            self._check(audit.settle(hub, hub.desk(place, keeper), last=False))

    def _begun(self, audit: Audit, place: JurisdictionId, keeper: Ref) -> Crew:
        with self._hub() as hub:
            crew = self._crew = self._crew or self._new_crew(hub)
            tasks = self._tasks(hub.desk(place, keeper))
            audit.mine(hub)
        crew.start(tasks)
        return crew

    def _kill_workers(self, crew: Crew, audit: Audit, until: int) -> None:
        started = time.monotonic()
        if self._chance.random() < EARLY:
            self._check(crew.hear(audit, self._chance.uniform(0, self._boot_seconds)))
        else:
            self._check(crew.hear_answers(audit, 1))
            self._boot_seconds += 0.2 * (time.monotonic() - started - self._boot_seconds)
            self._work_on(crew, audit)
        while crew.alive and not self._enough(until):
            victims = self._victims(crew.alive)[: until - self.figures.kills]
            self.figures.kills += len(victims)
            self._check(crew.kill(victims, audit))
            self._look(crew, audit)
            self._work_on(crew, audit)

    def _work_on(self, crew: Crew, audit: Audit) -> None:
        """Let workers go on until a random moment."""
        self._check(crew.hear_answers(audit, self._chance.randint(0, self.plan.answers)))
        self._check(crew.hear(audit, self._chance.uniform(0, self.plan.span_seconds)))

    def _victims(self, alive: list[Worker]) -> list[Worker]:
        return list(alive) if self._chance.random() < ALL_AT_ONCE else [self._chance.choice(alive)]

    def _disturb(self, crew: Crew, audit: Audit, until: int) -> None:
        """All are at work when it happens, and at work again before it happens again."""
        assert self.plan.disturb is not None
        for _ in range(self.plan.cycle):
            if self._enough(until):
                return
            self._check(crew.hear_each(audit))
            self._work_on(crew, audit)
            self.plan.disturb(self._chance)
            self.figures.kills += 1
            self._look(crew, audit)

    def _look(self, crew: Crew, audit: Audit) -> None:
        """Whether what was said so far is so, while others go on."""
        self._check(crew.hear(audit))
        with self._hub() as hub:
            self._check(audit.look(hub))

    def _enough(self, kills: int) -> bool:
        return self.figures.kills >= kills or time.monotonic() - self._start > self.plan.seconds

    def _check(self, found: Iterable[str], cause: Exception | None = None) -> None:
        if wrong := list(found):
            url = without_password(self.url)
            raise Unsound(
                f"{url}, seed {self.plan.seed}, kill {self.figures.kills} of {self.plan.kills}:", wrong
            ) from cause

    # what workers work at

    def _founded(self) -> tuple[JurisdictionId, Ref]:
        code = f"crash-{self.plan.seed}-{self.figures.stores}-{self._chance.getrandbits(32):08x}"
        with self._hub(seconds=0.0) as hub:  # what cannot be opened now never will be
            place = hub.found(code, name=code, level="community").id
            keeper = Ref(place, "keeper")
            hub.desk(place, hub.administrator(place)).do(give, holder=keeper, role=room.KEEPER)
        return place, keeper

    def _tasks(self, desk: Desk) -> list[Task]:
        calls = [room.add.call(name=f"wanted {n}") for n in range(CLAIMS + 1)]
        shared, *claims = [outcome.get().id for outcome in desk.do_many(calls)]
        keys = tuple(f"c{self._hired}-{n}" for n in range(SHARED_KEYS))
        opening = self.plan.opening(self.plan.through(self.url))
        tasks = []
        for _ in range(self.plan.workers):
            self._hired += 1
            tasks.append(
                Task(
                    opening, desk.jurisdiction, desk.actor, f"w{self._hired}", f"{self.plan.seed}/{self._hired}",
                    self.plan.threads, tuple(claims), keys, shared, self.plan.jump_seconds,
                )
            )  # fmt: skip
        return tasks

    def _new_crew(self, hub: Hub) -> Crew:
        adapter = type(hub.store).__module__.partition(".")[0]
        return Crew(processes(("communitycore", adapter, "pytest", "_pytest")))

    @contextmanager
    def _hub(self, ahead: timedelta = timedelta(0), seconds: float = OPENING_SECONDS) -> Iterator[Hub]:
        """The store, opened anew; ahead: of the machine's clock and of the store's own time."""

        def clock() -> datetime:
            return times.system_clock() + ahead

        hub = open_hub(self.plan.opening(self.url), clock, seconds)
        try:
            yield hub
        finally:
            hub.close()
