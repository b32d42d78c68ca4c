"""Stores in lockstep: hubs over different stores, with the same clock and chance, must never be told apart.

`machine(Memory, Kept(make, new_url), ...)` is a Hypothesis state machine that does the same on all of them, compares
what each gives or raises, and after each step their heads, timers and journals.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import hypothesis.strategies as st
from attrs import define, evolve, field
from hypothesis import note, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import communitycore as cc
from communitycore.conformance import room
from communitycore.conformance.bench import START
from communitycore.conformance.room import Card, Domino, Limit, Loan, Neighbour, Tool
from communitycore.conformance.suite import Suite
from communitycore.hub.followers import rebuilt
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.command import Call
from communitycore.kernel.errors import CommunityCoreError
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import Grant, Jurisdiction, end, give, recode, rename
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.times import Clock as TellsTime
from communitycore.kernel.times import Entropy
from communitycore.ports import Store
from communitycore.testing import Clock, seeded


class Opener(Protocol):
    """A store that can be opened, and opened again as it was left."""

    def open(self) -> Store:
        """The store; closed and opened again if it was open."""
        ...

    def leave(self) -> None:
        """Close it for good."""
        ...


class Memory:
    """A store that ends when it is closed, so it never is: a memory store unless told otherwise."""

    def __init__(self, make: Callable[[], Store] = MemoryStore) -> None:
        self._store = make()

    def open(self) -> Store:
        """The store as it is."""
        return self._store

    def leave(self) -> None:
        """Close it."""
        self._store.close()


class Kept:
    """A store at a URL of its own, closed and opened again."""

    def __init__(self, make: Callable[[str], Store], url: str) -> None:
        self._make = make
        self._url = url
        self._store: Store | None = None

    def open(self) -> Store:
        """The store, opened anew."""
        self.leave()
        store = self._store = self._make(self._url)
        return store

    def leave(self) -> None:
        """Close it."""
        if self._store is not None:
            self._store.close()


@define
class Side:
    """One store with its hub, clock and chance."""

    opener: Opener
    clock: Clock = field(factory=lambda: Clock(START))
    entropy: Entropy = field(factory=lambda: seeded("lockstep"))
    hub: Hub = field(init=False)

    def open(self) -> Hub:
        """Open the hub, again if need be."""
        tells: TellsTime = self.clock
        self.hub = Hub(self.opener.open(), [room.ROOM], clock=tells, entropy=self.entropy)
        return self.hub


def told(error: BaseException) -> tuple[Any, ...]:
    """What two sides must raise alike: type, code and data, but for where the store is."""
    if isinstance(error, CommunityCoreError):
        return type(error), error.code, {k: v for k, v in error.data.items() if k != "url"}
    return type(error), error.args


def heard(act: Callable[[], Any]) -> tuple[str, Any]:
    """What an act gives or raises, to be compared."""
    try:
        given = act()
    except Exception as error:  # noqa: BLE001 - whatever it is, all sides must raise it
        return "raised", told(error)
    if isinstance(given, list) and given and isinstance(given[0], cc.Outcome):
        return "gave", [("raised", told(o.error)) if o.error is not None else ("gave", o.value) for o in given]
    return "gave", given


SEEDS = st.integers(0, 2**32 - 1)
KEYS = "pqrstuvwx"
LONG_AGO = datetime(2015, 5, 1, tzinfo=UTC)
TAGS = ("A1", "a1", "A2", "锤", "锤 ", "")
PLAIN = ("", "锤子", "saw", "Saw", "\U00020bb7野家", "e\u0301", "\u00e9", "ｱ", "A\n\t'\"\\%_;--")
TEXTS = (*PLAIN * 4, "x" * 10_001, "a\0b", "\ud800")
CONDITIONS = [
    where(Tool.status, room.IN),
    where(Tool.status, among=[room.OUT, room.BROKEN]),
    where(Tool.lends, at_least=1),
    where(Tool.lends, below=2),
    where(Tool.tag, "A1"),
    where(Tool.tag, "锤"),
    where(Tool.tag, None),
    where(Tool.tag, among=["a1", "锤 ", None]),
    where(Tool.tag, at_least="A2"),
    where(Tool.due_back, None),
    where(Tool.due_back, below=START + timedelta(days=2)),
    where(Tool.name, at_least="saw"),
    where(Tool.name, below="锤"),
    where(Tool.sharp, True),
    where(Tool.holder, among=[]),
    where(Tool.weight_kg, Decimal("1.5")),
    where(Tool.maker, Ref("x", "maker")),
    where(Tool.bought, at_least=date(1987, 3, 9)),
    where(Tool.spot, None),
]
ORDERS = {
    Tool: ("id", "lends", "added", "name", "status", "sharp", "reminders"),
    Neighbour: ("id",),
    Card: ("id", "neighbour", "name"),
    Loan: ("id", "tool", "open"),
    Limit: ("id", "loans"),
    Domino: ("id", "left", "fallen", "trouble"),
    Grant: ("id", "role", "since"),
    Jurisdiction: ("id", "level"),
}
AREA = cc.Area.from_text("[[[[116.0,36.0],[116.5,36.0],[116.5,36.5],[116.0,36.5],[116.0,36.0]]]]")


class Machine(RuleBasedStateMachine):
    """See the module. `openers` is set by `machine`."""

    openers: Sequence[Callable[[], Opener]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.sides = [Side(make()) for make in self.openers]
        self.places: list[str] = []
        self.seen: dict[type[Any], list[str]] = {kind: [] for kind in ORDERS}
        self.keyed: list[tuple[str, Ref, Call[Any]]] = []
        self.admin = Ref("x", "admin")
        self.thrown = 0

    def teardown(self) -> None:
        try:
            if self.places:
                self.all_verify()
                self.reopen()
        finally:
            for side in self.sides:
                side.opener.leave()

    # doing the same everywhere

    def both(self, act: Callable[[Side], Any]) -> Any:
        first, *others = [heard(lambda side=side: act(side)) for side in self.sides]  # type: ignore[misc]  # a default of a lambda has no type
        for other in others:
            assert other == first
        kind, what = first
        if kind == "gave":
            self.learn(what)
            return what
        return None

    def learn(self, given: Any) -> None:
        for each in given if isinstance(given, (list, tuple)) else (given,):
            if isinstance(each, tuple) and len(each) == 2 and each[0] == "gave":
                self.learn(each[1])
            elif (ids := self.seen.get(type(each))) is not None:
                made: Any = each
                if made.id not in ids:
                    ids.append(made.id)

    @initialize()
    def begin(self) -> None:
        for side in self.sides:
            side.open()
        founding: dict[str, Any] = {"first": self.admin, "since": date(2018, 7, 1)}
        district = self.both(lambda side: side.hub.found("370115", name="济阳区", level="district", **founding))
        community = self.both(
            lambda side: side.hub.found("370115001", name="社区", level="community", parent="370115", first=self.admin)
        )
        self.places = [district.id, community.id]
        for role in (room.KEEPER, room.NURSE):
            who = Ref("x", role.name)
            duty = give.call(holder=who, role=role)
            self.both(lambda side, c=duty: _do(side.hub.desk(district.id, self.admin), c))  # type: ignore[misc]  # a default of a lambda has no type
        for _ in range(2):
            self.both(lambda side: side.hub.desk(community.id, self.admin).do(room.enrol, same_as=Ref("x", "far")))
            self.both(lambda side: side.hub.desk(community.id, Ref("x", "keeper")).do(room.add, name="saw"))

    # what is drawn: by dice from a drawn seed, since evenly spread choices meet more than small ones do

    def throw(self, seed: int) -> None:
        self.thrown += 1
        self.dice = random.Random(f"{seed}/{self.thrown}")

    def pick(self, *options: Any) -> Any:
        return self.dice.choice(options)

    def place(self) -> str:
        chosen: str = self.pick(*[self.places[1]] * 6, *self.places)
        return chosen

    def actor(self, call: Call[Any] | None = None) -> Ref:
        """Mostly one who may."""
        suited = SUITED.get(call.command.name, "keeper") if call is not None else "keeper"
        some = [Ref("x", name) for name in (*[suited] * 9, "admin", "far")]
        chosen: Ref = self.pick(*some, *(Ref(self.places[1], id) for id in self.seen[Neighbour][:2]))
        return chosen

    def one(self, kind: type[Any]) -> Any:
        """Mostly one of the few that much happens to."""
        return self.pick(*self.seen[kind][:3] * 3, *self.seen[kind][-2:], "unknown")

    def call(self) -> Call[Any]:
        pick, one = self.pick, self.one
        word = pick(*WORDS)
        tool = one(Tool)
        match word:
            case "add":
                return room.add.call(
                    name=pick(*TEXTS),
                    tag=pick(None, *TAGS),
                    price=pick(None, None, Money(1250), Money(2**63)),
                    weight_kg=pick(None, Decimal("1.50"), Decimal("-0"), Decimal(3), Decimal("NaN")),
                    bought=pick(None, date(1987, 3, 9)),
                    maker=pick(None, Ref("x", "maker")),
                    sharp=pick(True, False),
                    sizes=pick((), (1, -2), (2**63 - 1,), (2**63,)),
                    wear=pick((), (room.Wear("柄", date(2024, 1, 1), Money(5)),)),
                    spot=pick(None, cc.Point(116.1, 36.25)),
                    reach=pick(None, AREA),
                    remark=pick(None, *TEXTS),
                )
            case "add_many":
                return room.add_many.call(count=pick(0, 1, 3, 1001))
            case "lend":
                return room.lend.call(tool, to=one(Neighbour), days=pick(-1, 0, 1, 2, 5))
            case "bring_back":
                return room.bring_back.call(tool)
            case "prolong":
                return room.prolong.call(tool, days=pick(0, 1, 9))
            case "break":
                return room.break_.call(tool)
            case "scrap":
                return room.scrap.call(tool)
            case "retag":
                return room.retag.call(tool, tag=pick(None, *TAGS))
            case "hand_tag":
                return room.hand_tag.call(tool, taker=one(Tool), touch=pick(True, False))
            case "inspect":
                return room.inspect.call(tool, remark=pick(*TEXTS))
            case "compose":
                return room.compose.call(tool, to=one(Neighbour))
            case "copy":
                return room.copy.call(tool)
            case "stale":
                return room.stale.call(tool)
            case "crash":
                return room.crash.call()
            case "enrol":
                return room.enrol.call(same_as=pick(None, Ref("x", "far")))
            case "card":
                return room.issue_card.call(one(Neighbour), name="王小明", phone=pick(None, "138"))
            case "correct":
                return room.correct_card.call(one(Card), phone=pick(None, "139"))
            case "look_up":
                return room.look_up.call(one(Card), reason="x", tell=pick(True, True, False))
            case "limit":
                return room.set_limit.call(loans=pick(0, 1, 2, 3, 9), limit=pick(None, *self.seen[Limit]))
            case "domino":
                trouble = pick("", "ladder", "refused", "bug")
                return room.set_up.call(left=pick(0, 1, 20), trouble=trouble, after_days=pick(None, 0, 1, 2))
            case "push":
                return room.push.call(one(Domino))
            case "give":
                holder, until = pick(Ref("x", "far"), Ref("x", "keeper")), pick(None, START + timedelta(days=3))
                return give.call(holder=holder, role=room.KEEPER, until=until, record=pick(None, tool))
            case "end":
                return end.call(pick(*self.seen[Grant][2:], "unknown"))
            case "rename":
                return rename.call(name=pick(*TEXTS), since=date(2024, 6, pick(*range(1, 30))))
            case "recode":
                return recode.call(
                    code=pick("370115", "370115001", "r1", "r2"), since=date(2024, 6, pick(*range(3, 9)))
                )
            case "remind":
                return room.remind.call(tool)
        raise AssertionError(word)

    # the rules

    @rule(seed=SEEDS, count=st.integers(4, 24))
    def do(self, seed: int, count: int) -> None:
        self.throw(seed)
        for _ in range(count):
            self.do_one(self.place(), self.call())

    @rule(seed=SEEDS)
    def life(self, seed: int) -> None:
        """One tool from its first day on, so that late states and what they end are met often."""
        self.throw(seed)
        keeper, place = Ref("x", "keeper"), self.places[1]
        call: Call[Any] = room.add.call(name="axe", tag=self.pick(None, *TAGS))
        made = self.both(lambda side: _do(side.hub.desk(place, keeper), call))
        if made is None:
            return
        for _ in range(self.pick(3, 6, 9)):
            following: Call[Any] = self.pick(
                room.lend.call(made.id, to=self.one(Neighbour), days=self.pick(0, 1)),
                room.lend.call(made.id, to=self.one(Neighbour)),
                room.bring_back.call(made.id),
                room.break_.call(made.id),
                room.break_.call(made.id),
                room.scrap.call(made.id),
                room.retag.call(made.id, tag=self.pick(*TAGS)),
            )
            note(f"{following.command.name} {following.kwargs}")
            self.both(lambda side, c=following: _do(side.hub.desk(place, keeper), c))  # type: ignore[misc]  # a default of a lambda has no type

    @rule(seed=SEEDS)
    def do_with(self, seed: int) -> None:
        """With a key, or of long ago."""
        self.throw(seed)
        place, call = self.place(), self.call()
        self.do_one(place, evolve(call, key=self.pick(None, *KEYS), occurred_at=self.pick(None, LONG_AGO)))

    def do_one(self, place: str, call: Call[Any]) -> None:
        actor = self.actor(call)
        note(f"{actor} {call.command.name} {call.args} {call.kwargs} {call.key}")
        if call.key is not None:
            self.keyed.append((place, actor, call))
        self.both(lambda side: _do(side.hub.desk(place, actor), call))

    @rule(seed=SEEDS, count=st.integers(0, 9))
    def do_many(self, seed: int, count: int) -> None:
        self.throw(seed)
        place = self.place()
        calls = [evolve(self.call(), key=self.pick(*[None] * 20, *KEYS)) for _ in range(count)]
        actor = self.actor(calls[0] if calls else None)
        note(f"{actor} {[(c.command.name, c.args, c.kwargs, c.key) for c in calls]}")
        self.keyed += [(place, actor, call) for call in calls if call.key is not None]
        self.both(lambda side: side.hub.desk(place, actor).do_many(calls))

    @rule(seed=SEEDS)
    def repeat(self, seed: int) -> None:
        self.throw(seed)
        if self.keyed:
            place, actor, call = self.pick(*self.keyed)
            self.both(lambda side: _do(side.hub.desk(place, actor), call))

    @rule(hours=st.integers(-100, 200), micros=st.integers(0, 3))
    def clock(self, hours: int, micros: int) -> None:
        for side in self.sides:
            side.clock.advance(timedelta(hours=hours, microseconds=micros))

    @rule(limit=st.none() | st.integers(1, 3))
    def run_due(self, limit: int | None) -> None:
        self.both(lambda side: side.hub.run_due(limit=limit))

    @rule(seed=SEEDS)
    def find(self, seed: int) -> None:
        self.throw(seed)
        kind = self.pick(Tool, Tool, *ORDERS)
        order, limit, descending = self.pick(*ORDERS[kind]), self.pick(1, 2, 3, 5, 100), self.pick(True, False)
        place, actor = self.place(), self.actor()
        conditions = self.dice.sample(CONDITIONS, self.pick(0, 1, 1, 2)) if kind is Tool else []
        after, pages, whole = None, 0, []
        while True:
            page = self.both(
                lambda side, after=after: side.hub.desk(place, actor).find(  # type: ignore[misc]  # a default of a lambda has no type
                    kind, *conditions, limit=limit, order=order, descending=descending, after=after
                )
            )
            if not page or pages > 20:
                break
            whole += [record.id for record in page]
            after, pages = page[-1], pages + 1
        assert len(whole) == len(set(whole))

    @rule(seed=SEEDS)
    def look(self, seed: int) -> None:
        self.throw(seed)
        kind = self.pick(*ORDERS)
        id, place, actor = self.one(kind), self.place(), self.actor()
        self.both(lambda side: side.hub.desk(place, actor).get(kind, id))
        self.both(lambda side: side.hub.desk(place, actor).history(kind, id))
        for question in (room.limits, room.least_here, room.audit):
            self.both(lambda side, q=question: side.hub.desk(place, actor).ask(q))  # type: ignore[misc]  # a default of a lambda has no type

    @rule(seed=SEEDS)
    def figures(self, seed: int) -> None:
        self.throw(seed)
        place = self.place()
        for fold in (room.TALLY, room.HIDDEN):
            got = self.both(lambda side, f=fold: side.hub.desk(place, Ref("x", "keeper")).figures(f))  # type: ignore[misc]  # a default of a lambda has no type
            for side in self.sides:
                if got is not None:
                    assert dict(got) == rebuilt(side.hub.store, fold, place)

    @rule(seed=SEEDS)
    def erase(self, seed: int) -> None:
        """Somebody's card, as an administrator or by themselves; what is left is seldom scrubbed."""
        self.throw(seed)
        local = Ref(self.places[1], self.one(Neighbour))
        who = self.pick(local, local, Ref("x", "far"))
        actor = self.pick(self.admin, self.admin, who, Ref("x", "keeper"))
        self.both(lambda side: side.hub.holdings(who, actor=actor))
        self.both(lambda side: side.hub.erase(who, actor=actor, reason="asked for"))
        if self.pick(True, *[False] * 4):
            self.both(lambda side: side.hub.scrub())

    @rule(code=st.sampled_from(["370115", "n1", "n2", "r1"]), parent=st.integers(0, 3))
    def found(self, code: str, parent: int) -> None:
        above = self.places[parent % len(self.places)]
        made = self.both(
            lambda side: side.hub.found(code, name=code, level="community", parent=above, first=self.admin)
        )
        if made is not None:
            self.places.append(made.id)

    @rule(code=st.sampled_from(["370115", "370115001", "n1", "n2", "r1", "r2"]))
    def resolve(self, code: str) -> None:
        self.both(lambda side: side.hub.resolve(code))
        self.both(lambda side: side.hub.jurisdictions())

    @rule()
    def reopen(self) -> None:
        for side in self.sides:
            anchor = side.hub.anchor()
            side.open()
            assert side.hub.anchor() == anchor

    @rule()
    def all_verify(self) -> None:
        for side in self.sides:
            report = side.hub.verify(self.sides[0].hub.anchor())
            assert report.ok, report.faults
        self.both(lambda side: side.hub.verify())

    # after each step

    @invariant()
    def their_books_are_the_same(self) -> None:
        if not self.places:
            return
        books = []
        for side in self.sides:
            with side.hub.store.reading() as tx:
                heads = tx.heads()
                timers = [tx.timers(head.id, None, 10_000) for head in heads]
                soonest = [min((t.wake for t in waiting if t.parked is None), default=None) for waiting in timers]
                assert soonest == [head.next_wake for head in heads]
                books.append((heads, timers))
        assert all(book == books[0] for book in books)


SUITED = {
    "grants.give": "admin",
    "grants.end": "admin",
    "jurisdiction.rename": "admin",
    "jurisdiction.recode": "admin",
    "tools.look_up": "nurse",
    "tools.prolong": "far",
    "tools.correct_card": "far",
}
WORDS = (
    "add", "add", "lend", "lend", "lend", "lend", "bring_back", "prolong", "break", "scrap", "retag", "hand_tag",
    "inspect", "compose", "copy", "stale", "crash", "enrol", "card", "correct", "look_up", "limit", "domino", "domino",
    "push", "give", "end", "rename", "recode", "remind", "add_many",
)  # fmt: skip


def _do(desk: cc.Desk, call: Call[Any]) -> Any:
    """One call on the single road, its key and time with it."""
    if call.key is not None:
        desk = desk.keyed(call.key)
    if call.occurred_at is not None:
        desk = desk.occurred(call.occurred_at)
    return desk.do(call.command, *call.args, **call.kwargs)  # type: ignore[arg-type]  # any call; the desk checks it


def machine(*openers: Callable[[], Opener]) -> type[Machine]:
    """The state machine over stores made by these."""
    return type("Together", (Machine,), {"openers": openers})


class Lockstep(Suite):
    """A hub over the store cannot be told apart from one over the memory store, whatever is done with both."""

    def test_it_cannot_be_told_apart_from_the_memory_store(
        self, store: Store, new_store_url: Callable[[], str]
    ) -> None:
        kept = store.capabilities.get("durable") is True

        def other() -> Opener:
            url = new_store_url()
            return Kept(self.make_quick_store, url) if kept else Memory(lambda: self.make_store(url))

        run(machine(Memory, other))


def run(kind: type[Machine], **more: Any) -> None:
    """Let a machine work: a quarter as many lives as the Hypothesis profile has examples, unless told otherwise."""
    examples = max(4, settings().max_examples // 4)
    usual = {"max_examples": examples, "stateful_step_count": 25, "deadline": None}
    run_state_machine_as_test(kind, settings=settings(**{**usual, **more}))
