"""The kit's own room: a neighbourhood's tool library 工具图书馆, with every kind of field, timer, reaction and fold.

For tests alone; its commands are chosen so that each promise of a hub and its store has something to hold for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, NewType

from attrs import evolve, frozen

from communitycore.kernel.change import Change, begin, many, note, step, unchanged
from communitycore.kernel.command import Fold, Reaction, Room, command, read
from communitycore.kernel.errors import Refused, StoreBusy
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import PUBLIC, REACTION, TIMER, Role, linked, own, role
from communitycore.kernel.states import States
from communitycore.kernel.view import View

KEEPER = Role("keeper", "管理员助理")
NURSE = Role("nurse", "护士")

NeighbourId = NewType("NeighbourId", str)
CardId = NewType("CardId", str)
ToolId = NewType("ToolId", str)
LoanId = NewType("LoanId", str)
LimitId = NewType("LimitId", str)
DominoId = NewType("DominoId", str)


class ToolStatus(StrEnum):
    """Where a tool is in its life."""

    IN = "in"
    OUT = "out"
    BROKEN = "broken"
    SCRAPPED = "scrapped"


IN, OUT, BROKEN, SCRAPPED = ToolStatus
TOOL_STATES = States(
    ToolStatus, start={IN}, then={IN: {OUT, BROKEN, SCRAPPED}, OUT: {IN, BROKEN}, BROKEN: {IN, SCRAPPED}}
)


@frozen
class Wear:
    """One mark on a tool, as a nested value."""

    where: str
    seen: date
    cost: Money | None = None


@record("neighbour", read=PUBLIC, subject=True)
@frozen(kw_only=True)
class Neighbour(Record[NeighbourId]):
    """Who borrows; everybody may know that they exist, and no more."""

    same_as: Indexed[Ref | None] = None


@record("card", read=own("neighbour") | role(KEEPER), owner="neighbour")
@frozen(kw_only=True)
class Card(Record[CardId]):
    """What is personal of a neighbour."""

    neighbour: Indexed[NeighbourId]
    name: Personal[Annotated[str, Max(60)]]
    phone: Indexed[Personal[str | None]] = None
    born: Personal[date | None] = None


@record("tool", states=TOOL_STATES, read=PUBLIC)
@frozen(kw_only=True)
class Tool(Record[ToolId]):
    """A tool, with a field of every type."""

    name: Annotated[str, Max(200)]
    tag: Unique[str | None] = None
    status: Indexed[ToolStatus] = IN
    lends: Indexed[int] = 0
    sharp: bool = False
    price: Money | None = None
    weight_kg: Decimal | None = None
    bought: date | None = None
    due_back: Indexed[datetime | None] = None
    added: Indexed[datetime]
    holder: Indexed[NeighbourId | None] = None
    maker: Ref | None = None
    sizes: tuple[int, ...] = ()
    wear: tuple[Wear, ...] = ()
    spot: Point | None = None
    reach: Area | None = None
    remark: str | None = None
    reminders: int = 0


@record("loan", read=own("neighbour") | role(KEEPER))
@frozen(kw_only=True)
class Loan(Record[LoanId]):
    """Who has which tool; the tool itself does not say more than the id."""

    tool: Indexed[ToolId]
    neighbour: Indexed[NeighbourId]
    open: bool = True


@record("limit", read=PUBLIC, standing=True)
@frozen(kw_only=True)
class Limit(Record[LimitId]):
    """How many tools one may have at a time: the least of all limits here and above."""

    loans: int


@record("domino", read=PUBLIC)
@frozen(kw_only=True)
class Domino(Record[DominoId]):
    """Falls, and by reaction falls again, `left` times; and waits for timers that go wrong."""

    left: int
    fallen: int = 0
    trouble: str = ""


class ToolTaken(Refused):
    """Somebody has it."""

    code = "tools.taken"
    en = "The tool {tool} is not in. Choose another one, or wait."
    zh = "工具 {tool} 不在库，请另选或等待。"
    tool: str


class TooMany(Refused):
    """Nobody may have so many."""

    code = "tools.too_many"
    en = "At most {limit} tools at a time. Bring one back first."
    zh = "同时最多借用 {limit} 件，请先归还。"
    limit: int


class Boom(Exception):
    """A bug."""


def least(limits: tuple[Limit, ...]) -> int | None:
    """For derive: the least limit here."""
    return min((limit.loans for limit in limits), default=None)


# people


@command("tools.enrol", may=PUBLIC)
def enrol(view: View, *, same_as: Ref | None = None) -> Change[Neighbour]:
    """A neighbour joins."""
    return begin("neighbour.enrolled", Neighbour(id=view.new(Neighbour), same_as=same_as))


@command("tools.issue_card", may=own("neighbour") | role(KEEPER))
def issue_card(
    view: View, neighbour_id: NeighbourId, *, name: str, phone: str | None = None, born: date | None = None
) -> Change[Card]:
    """A neighbour's personal card."""
    return begin("card.issued", Card(id=view.new(Card), neighbour=neighbour_id, name=name, phone=phone, born=born))


@command("tools.correct_card", may=own("card.neighbour"))
def correct_card(view: View, card_id: CardId, *, phone: str | None) -> Change[Card]:
    """Only the owner corrects it."""
    card = view.get(Card, card_id)
    return step("card.corrected", card, evolve(card, phone=phone))


@command("tools.look_up", may=role(NURSE), reveals=(Card,))
def look_up(view: View, card_id: CardId, *, reason: str, tell: bool = True) -> Change[Card]:
    """A nurse reads a card with a reason; with tell=False it forgets to leave a note, which is a mistake."""
    card = view.get(Card, card_id)
    return note("card.looked_up", card, reason=reason) if tell else unchanged(card)


# tools


@command("tools.add", may=role(KEEPER))
def add(
    view: View,
    *,
    name: str,
    tag: str | None = None,
    price: Money | None = None,
    weight_kg: Decimal | None = None,
    bought: date | None = None,
    maker: Ref | None = None,
    sharp: bool = False,
    sizes: tuple[int, ...] = (),
    wear: tuple[Wear, ...] = (),
    spot: Point | None = None,
    reach: Area | None = None,
    remark: str | None = None,
    id: ToolId | None = None,
) -> Change[Tool]:
    """A new tool."""
    tool = Tool(
        id=id or view.new(Tool),
        name=name,
        tag=tag,
        price=price,
        weight_kg=weight_kg,
        bought=bought,
        maker=maker,
        sharp=sharp,
        sizes=sizes,
        wear=wear,
        spot=spot,
        reach=reach,
        remark=remark,
        added=view.now,
    )
    return begin("tool.added", tool)


@command("tools.add_many", may=role(KEEPER))
def add_many(view: View, *, count: int) -> Change[tuple[Tool, ...]]:
    """Many in one change."""
    return many([begin("tool.added", Tool(id=view.new(Tool), name=f"n{n}", added=view.now)) for n in range(count)])


@command("tools.lend", may=own("to") | role(KEEPER))
def lend(view: View, tool_id: ToolId, *, to: NeighbourId, days: int = 7) -> Change[Tool]:
    """Lend a tool that is in; a reminder follows when it is due back.

    Raises ToolTaken, TooMany.
    """
    tool = view.get(Tool, tool_id)
    if tool.status is not IN:
        raise ToolTaken(tool=tool.id)
    limits = [limit.loans for limit in view.above(Limit)]
    held = view.find(Tool, where(Tool.holder, to), limit=100)
    if limits and len(held) >= min(limits):
        raise TooMany(limit=min(limits))
    due = view.now + timedelta(days=days)
    lent = evolve(tool, status=OUT, holder=to, due_back=due, lends=tool.lends + 1, reminders=0)
    loan = begin("loan.made", Loan(id=view.new(Loan), tool=tool.id, neighbour=to))
    return step("tool.lent", tool, lent).also(loan).at(due, remind)


@command("tools.remind", may=TIMER)
def remind(view: View, tool_id: ToolId) -> Change[Tool]:
    """Three reminders, a day apart, counted from the planned moment."""
    tool = view.get(Tool, tool_id)
    if tool.status is not OUT:
        raise ToolTaken(tool=tool.id)
    change = step("tool.reminded", tool, evolve(tool, reminders=tool.reminders + 1, remark=view.due.isoformat()))
    return change.at(view.due + timedelta(days=1), remind) if tool.reminders < 2 else change


@command("tools.prolong", may=own("tool.holder") | linked(Loan, "tool", "neighbour", argument="tool"))
def prolong(view: View, tool_id: ToolId, *, days: int) -> Change[Tool]:
    """Whoever has, or ever had it, sets a later day."""
    tool = view.get(Tool, tool_id)
    due = view.now + timedelta(days=days)
    return step("tool.prolonged", tool, evolve(tool, due_back=due)).at(due, remind)


@command("tools.bring_back", may=own("tool.holder") | role(KEEPER))
def bring_back(view: View, tool_id: ToolId) -> Change[Tool]:
    """It is in again; the reminder goes."""
    tool = view.get(Tool, tool_id)
    loans = view.find(Loan, where(Loan.tool, tool_id), where(Loan.open, True), limit=10)
    closed = [step("loan.closed", loan, evolve(loan, open=False)) for loan in loans]
    return step("tool.returned", tool, evolve(tool, status=IN, holder=None, due_back=None)).cancel(remind).also(*closed)


@command("tools.break", may=role(KEEPER))
def break_(view: View, tool_id: ToolId) -> Change[Tool]:
    """Broken, wherever it is; the timer stays."""
    tool = view.get(Tool, tool_id)
    return step("tool.broken", tool, evolve(tool, status=BROKEN, holder=None))


@command("tools.scrap", may=role(KEEPER))
def scrap(view: View, tool_id: ToolId) -> Change[Tool]:
    """The end; no timer outlives it."""
    tool = view.get(Tool, tool_id)
    return step("tool.scrapped", tool, evolve(tool, status=SCRAPPED, tag=None))


@command("tools.retag", may=role(KEEPER))
def retag(view: View, tool_id: ToolId, *, tag: str | None) -> Change[Tool]:
    """Another tag; no two tools have the same."""
    tool = view.get(Tool, tool_id)
    if tool.tag == tag:
        return unchanged(tool)
    return step("tool.retagged", tool, evolve(tool, tag=tag))


@command("tools.hand_tag", may=role(KEEPER))
def hand_tag(view: View, giver_id: ToolId, *, taker: ToolId, touch: bool = False) -> Change[tuple[Tool, ...]]:
    """One tool's tag is freed and taken by another in one change; with touch, the taker is stepped first too."""
    giver, second = view.get(Tool, giver_id), view.get(Tool, taker)
    first = step("tool.touched", second, evolve(second, remark="touched")) if touch else unchanged(second)
    freed = step("tool.retagged", giver, evolve(giver, tag=None))
    taken = step("tool.retagged", first.result, evolve(first.result, tag=giver.tag))
    return first.also(freed, taken).giving((freed.result, taken.result))


@command("tools.revise", may=role(KEEPER))  # type: ignore[arg-type] # `fields` could be called `view`
def revise(view: View, tool_id: ToolId, **fields: Any) -> Change[Tool]:
    """Any fields; what is no value is refused when the change is made."""
    tool = view.get(Tool, tool_id)
    return step("tool.revised", tool, evolve(tool, **fields))


@command("tools.inspect", may=role(KEEPER))
def inspect(view: View, tool_id: ToolId, *, remark: str) -> Change[Tool]:
    """Something is said of it."""
    return note("tool.inspected", view.get(Tool, tool_id), remark=remark)


@command("tools.compose", may=role(KEEPER))
def compose(view: View, tool_id: ToolId, *, to: NeighbourId) -> Change[Tool]:
    """Lend, and on top of that bring back: built on a change that is not yet made."""
    lent = lend(view, tool_id, to=to)
    return lent.also(back := bring_back(view.after(lent), tool_id)).giving(back.result)


@command("tools.stale", may=role(KEEPER))
def stale(view: View, tool_id: ToolId) -> Change[Tool]:
    """Two steps from the same before: the second is stale."""
    tool = view.get(Tool, tool_id)
    return step("tool.revised", tool, evolve(tool, remark="a")).also(
        step("tool.revised", tool, evolve(tool, remark="b"))
    )


@command("tools.crash", may=PUBLIC)
def crash(view: View, *, what: str = "boom") -> Change[Tool]:
    """A bug, after a change was already half built."""
    begin("tool.added", Tool(id=view.new(Tool), name="never", added=view.now))
    raise Boom(what)


@command("tools.copy", may=role(KEEPER))
def copy(view: View, tool_id: ToolId) -> Change[Tool]:
    """A copy of a tool: its result is not the first record that it touches."""
    tool = view.get(Tool, tool_id)
    made = begin("tool.added", Tool(id=view.new(Tool), name=tool.name, added=view.now))
    return step("tool.copied", tool, evolve(tool, remark="copied")).also(made).giving(made.result)


# standing


@command("tools.set_limit", may=role(KEEPER))
def set_limit(view: View, *, loans: int, limit: LimitId | None = None) -> Change[Limit]:
    """A new limit here, or another figure for one of here."""
    if limit is None:
        return begin("limit.set", Limit(id=view.new(Limit), loans=loans))
    before = view.get(Limit, limit)
    return step("limit.changed", before, evolve(before, loans=loans))


@read("tools.limits", may=PUBLIC)
def limits(view: View) -> tuple[int, ...]:
    """All limits, here first, then up."""
    return tuple(limit.loans for limit in view.above(Limit))


@read("tools.least", may=PUBLIC)
def least_here(view: View) -> int | None:
    """The least limit here."""
    return view.derive(least, Limit)


@read("tools.audit", may=role(KEEPER))
def audit(view: View) -> int:
    """For keepers alone."""
    return len(view.find(Tool, limit=1000))


# dominoes: reactions, and timers that go wrong


@command("tools.set_up", may=PUBLIC)
def set_up(view: View, *, left: int, trouble: str = "", after_days: int | None = None) -> Change[Domino]:
    """A domino that falls by itself, if `after_days` is given: then its timer meets `trouble`."""
    change = begin("domino.set_up", Domino(id=view.new(Domino), left=left, trouble=trouble))
    return change if after_days is None else change.at(view.now + timedelta(days=after_days), topple)


@command("tools.push", may=PUBLIC | REACTION)
def push(view: View, domino_id: DominoId) -> Change[Domino]:
    """Falls once more; the reaction on that pushes again until `left` is 0."""
    domino = view.get(Domino, domino_id)
    if domino.left <= 0:
        return unchanged(domino)
    return step("domino.fell", domino, evolve(domino, left=domino.left - 1, fallen=domino.fallen + 1))


@command("tools.replace", may=REACTION)
def replace(view: View, tool_id: ToolId) -> Change[Domino]:
    """A scrapped tool is noted elsewhere: the first record of this change is not the one it runs for."""
    return begin("domino.set_up", Domino(id=view.new(Domino), left=0, trouble=tool_id))


TROUBLE: dict[str, Callable[[], None]] = {}
"""What `topple` meets, by the domino's word: tests put functions here that raise."""


@command("tools.topple", may=TIMER)
def topple(view: View, domino_id: DominoId) -> Change[Domino]:
    """A timer's command in trouble."""
    domino = view.get(Domino, domino_id)
    if domino.trouble == "bug":
        raise Boom("the timer's bug")
    if domino.trouble == "refused":
        raise ToolTaken(tool=domino.id)
    if domino.trouble == "busy":
        raise StoreBusy(url="memory://", why="a test says so")
    if domino.trouble in TROUBLE:
        TROUBLE[domino.trouble]()
    change = step("domino.toppled", domino, evolve(domino, fallen=domino.fallen + 1))
    if domino.trouble == "taken":
        return change.also(begin("tool.added", Tool(id=view.new(Tool), name="n", tag="A1", added=view.now)))
    if domino.trouble == "ladder":
        return change.at(view.due + timedelta(hours=6), topple) if domino.fallen < 3 else change
    return change


# figures


def _tally(get: Callable[[str], Any], entry: Entry) -> Iterable[tuple[str, Any]]:
    changes = entry.changes()
    row = get(f"day:{entry.occurred_at[:10]}") or {"added": 0, "moves": 0}
    if entry.name == "tool.added":
        yield f"day:{entry.occurred_at[:10]}", {**row, "added": row["added"] + 1}
        yield "status:in", (get("status:in") or 0) + 1
        return
    yield f"day:{entry.occurred_at[:10]}", {**row, "moves": row["moves"] + 1}
    if "status" in changes:
        moved = Counter({changes["status"][0]: -1, changes["status"][1]: 1})
        for status, by in moved.items():
            yield f"status:{status}", (get(f"status:{status}") or 0) + by or None


TALLY = Fold(
    name="tools.tally",
    on=frozenset({"tool.added", "tool.lent", "tool.returned", "tool.broken", "tool.scrapped"}),
    apply=_tally,
    read=PUBLIC,
)
HIDDEN = Fold(
    name="tools.hidden",
    on=frozenset({"loan.made"}),
    apply=lambda get, e: [("n", (get("n") or 0) + 1)],
    read=role(KEEPER),
)

ROOM = Room(
    "tools",
    records=(Neighbour, Card, Tool, Loan, Limit, Domino),
    commands=(
        enrol,
        issue_card,
        correct_card,
        look_up,
        add,
        add_many,
        lend,
        remind,
        prolong,
        bring_back,
        break_,
        scrap,
        retag,
        hand_tag,
        revise,
        inspect,
        compose,
        stale,
        crash,
        copy,
        set_limit,
        set_up,
        push,
        replace,
        topple,
    ),
    reads=(limits, least_here, audit),
    reactions=(
        Reaction("tools.push_on", on="domino.fell", run=push),
        Reaction("tools.replace_scrapped", on="tool.scrapped", run=replace),
    ),
    folds=(TALLY, HIDDEN),
    roles=(KEEPER, NURSE),
)
