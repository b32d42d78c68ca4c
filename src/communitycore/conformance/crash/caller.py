"""A worker's thread: calls of every sort without end, each told before it is made and again once it is answered."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from communitycore.conformance import room
from communitycore.conformance.crash.words import FALLS, MANY, Begun, How, State, Task, Told
from communitycore.conformance.room import DominoId, NeighbourId, ToolId
from communitycore.hub.desk import Outcome
from communitycore.hub.hub import Hub
from communitycore.kernel.command import Call
from communitycore.kernel.errors import OutcomeUnknown, Refused, StoreError

Tell = Callable[[Sequence[Begun | Told | State]], None]
Prepared = tuple[Begun, Call[Any]]


class Caller:
    """One thread at a desk. tools, dominoes: its own, which nobody else changes. keys: that it has used."""

    def __init__(self, hub: Hub, task: Task, name: str, tell: Tell) -> None:
        self.hub, self.task, self.name, self.tell = hub, task, name, tell
        self.desk = hub.desk(task.place, task.keeper)
        self.chance = random.Random(f"{task.seed}/{name}")
        self.tools: list[ToolId] = []
        self.keys: list[str] = []
        self._count = 0

    def turn(self) -> None:
        """Do something."""
        (act,) = self.chance.choices(ACTS, WEIGHTS)
        act(self)

    def token(self) -> str:
        """A word for one call alone."""
        self._count += 1
        return f"{self.name}n{self._count}"

    def do(self, begun: Begun, call: Call[Any]) -> Any:
        """Make one call and tell of it; gives its value, or None."""
        self.tell([begun])
        outcome: Outcome[Any]
        try:
            outcome = Outcome(self.hub.carry_out(self.desk, under(begun, call)))
        except Exception as error:  # noqa: BLE001 - told to the keeper, who knows what may be met
            outcome = Outcome(error=error)
        self.tell([told(begun, outcome)])
        return outcome.value

    def do_many(self, prepared: Sequence[Prepared]) -> None:
        """Make these calls at once and tell of each."""
        self.tell([begun for begun, _ in prepared])
        outcomes = self.desk.do_many([under(begun, call) for begun, call in prepared])
        self.tell([told(begun, outcome) for (begun, _), outcome in zip(prepared, outcomes, strict=True)])

    @contextmanager
    def beside(self) -> Iterator[None]:
        """For what is no call: it may fail as the store does, and in no other way."""
        try:
            yield
        except StoreError:
            return
        except Exception as error:  # noqa: BLE001 - told to the keeper
            self.tell([State("broke", f"{type(error).__name__}: {error}")])

    # calls

    def adding(self) -> Prepared:
        token = self.token()
        return Begun(token, "add", ("tool.added", token)), room.add.call(name=token)

    def adding_keyed(self, key: str, *, again: bool) -> Prepared:
        return Begun(self.token(), "add", ("tool.added", key), key, again), adding_under(key)

    def revising(self, tool: ToolId) -> Prepared:
        token = self.token()
        return Begun(token, "revise", ("tool.revised", token)), room.revise.call(tool, remark=token)

    def inspecting(self, tool: ToolId) -> Prepared:
        token = self.token()
        return Begun(token, "inspect", ("tool.inspected", token)), room.inspect.call(tool, remark=token)

    def crashing(self) -> Prepared:
        token = self.token()
        return Begun(token, "crash", ("tool.added", token)), room.crash.call(what=token)

    def claiming(self) -> Prepared:
        tool, token = self.chance.choice(self.task.claims), self.token()
        return Begun(token, "lend", ("loan.made", token)), room.lend.call(tool, to=NeighbourId(token))


def adding_under(key: str) -> Call[Any]:
    """The call that is made under a key, by whomever."""
    return room.add.call(name=key)


def under(begun: Begun, call: Call[Any]) -> Call[Any]:
    """The call under its key, if it has one."""
    return call if begun.key is None else call.keyed(begun.key)


def told(begun: Begun, outcome: Outcome[Any]) -> Told:
    """How a call ended."""
    error, token = outcome.error, begun.token
    if error is None:
        value = outcome.value
        given = value if isinstance(value, tuple) else () if value is None else (value,)
        return Told(token, How.DONE, tuple((record.id, record.version) for record in given))
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, OutcomeUnknown):
        return Told(token, How.UNKNOWN, why=why, cause=error.cause)
    if isinstance(error, (Refused, room.Boom)):
        return Told(token, How.REFUSED, why=why)
    return Told(token, How.FAILED if isinstance(error, StoreError) else How.BROKE, why=why)


# What is done, by turns


def add(at: Caller) -> None:
    tool = at.do(*at.adding())
    if tool is not None:
        at.tools.append(tool.id)


def add_keyed(at: Caller) -> None:
    key = at.token()
    tool = at.do(*at.adding_keyed(key, again=False))
    if tool is not None:  # else it would not be known which of two calls was kept
        at.keys.append(key)
        at.tools.append(tool.id)


def again(at: Caller) -> None:
    if at.keys:
        at.do(*at.adding_keyed(at.chance.choice(at.keys), again=True))


def add_shared(at: Caller) -> None:
    at.do(*at.adding_keyed(at.chance.choice(at.task.keys), again=True))


def add_many(at: Caller) -> None:
    at.do(Begun(at.token(), "add_many"), room.add_many.call(count=MANY))


def many(at: Caller) -> None:
    """A few calls of all sorts at once."""
    tool = at.chance.choice(at.tools) if at.tools else at.task.shared
    makes: list[Callable[[], Prepared]] = [
        at.adding,
        lambda: at.adding_keyed(at.token(), again=False),
        lambda: at.revising(tool),
        lambda: at.inspecting(tool),
        at.claiming,
        at.crashing,
    ]
    at.do_many([at.chance.choice(makes)() for _ in range(at.chance.randint(2, 10))])


def revise(at: Caller) -> None:
    own = at.tools and at.chance.random() < 0.5
    at.do(*at.revising(at.chance.choice(at.tools) if own else at.task.shared))


def inspect(at: Caller) -> None:
    at.do(*at.inspecting(at.task.shared))


def claim(at: Caller) -> None:
    at.do(*at.claiming())


def compose(at: Caller) -> None:
    if at.tools:
        token = at.token()
        call = room.compose.call(at.chance.choice(at.tools), to=NeighbourId(token))
        at.do(Begun(token, "compose", ("loan.made", token)), call)


def hand_tag(at: Caller) -> None:
    """A tool with a tag is added, and its tag handed to another."""
    tag = at.token()
    giver = at.do(Begun(tag, "add", ("tool.added", tag)), room.add.call(name=tag, tag=tag))
    if giver is not None and at.tools:
        call = room.hand_tag.call(giver.id, taker=at.chance.choice(at.tools), touch=True)
        at.do(Begun(at.token(), "hand_tag", ("tool.retagged", tag)), call)


def scrap(at: Caller) -> None:
    """A reaction on that sets up a domino."""
    if len(at.tools) > 1:
        tool = at.tools.pop(at.chance.randrange(len(at.tools)))
        at.do(Begun(at.token(), "scrap", ("tool.scrapped", tool)), room.scrap.call(tool))


def wait(at: Caller) -> None:
    """A timer that is due at once."""
    token = at.token()
    call = room.set_up.call(left=0, trouble=token, after_days=0)
    at.do(Begun(token, "set_up", ("domino.set_up", token)), call)


def ladder(at: Caller) -> None:
    """A timer that sets itself again."""
    at.do(Begun(at.token(), "ladder"), room.set_up.call(left=0, trouble="ladder", after_days=0))


def push(at: Caller) -> None:
    """A domino whose fall makes it fall again."""
    token = at.token()
    call = room.set_up.call(left=FALLS, trouble=token)
    domino = at.do(Begun(token, "set_up", ("domino.set_up", token)), call)
    if domino is not None:
        id: DominoId = domino.id
        at.do(Begun(at.token(), "push", ("domino.fell", f"{id}@2")), room.push.call(id))


def run_due(at: Caller) -> None:
    with at.beside():
        at.hub.run_due(limit=at.chance.choice((1, 3, None)))


def figures(at: Caller) -> None:
    with at.beside():
        at.desk.figures(room.TALLY)


def look(at: Caller) -> None:
    with at.beside():
        at.desk.find(room.Tool, limit=20)


CHOICES: tuple[tuple[Callable[[Caller], None], int], ...] = (
    (add, 8),
    (add_keyed, 8),
    (again, 3),
    (add_shared, 4),
    (add_many, 3),
    (many, 5),
    (revise, 8),
    (inspect, 3),
    (claim, 8),
    (compose, 5),
    (hand_tag, 4),
    (scrap, 4),
    (wait, 5),
    (ladder, 1),
    (push, 3),
    (run_due, 4),
    (figures, 4),
    (look, 2),
)
ACTS = [act for act, _ in CHOICES]
WEIGHTS = [weight for _, weight in CHOICES]
