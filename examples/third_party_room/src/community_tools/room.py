"""Tools that neighbours lend each other: who has one offers it, who needs one takes it home for three days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, NewType

import communitycore as cc
from communitycore.domain.roles import CLERK

ToolId = NewType("ToolId", str)
KeepingId = NewType("KeepingId", str)
LoanId = NewType("LoanId", str)

DAYS = timedelta(days=3)
AT_HOME = 2


class Shelf(StrEnum):
    """Where a tool is."""

    ON_OFFER = "on_offer"
    LENT = "lent"
    WITHDRAWN = "withdrawn"


TOOL_STATES = cc.States(
    Shelf,
    start={Shelf.ON_OFFER},
    then={Shelf.ON_OFFER: {Shelf.LENT, Shelf.WITHDRAWN}, Shelf.LENT: {Shelf.ON_OFFER}},
)


@cc.record("tool", states=TOOL_STATES, read=cc.PUBLIC)
@cc.frozen(kw_only=True)
class Tool(cc.Record[ToolId]):
    """A tool 工具 that somebody lends. Nothing in it points to who keeps it or who has it."""

    name: Annotated[str, cc.Max(80)]
    shelf: cc.Indexed[Shelf] = Shelf.ON_OFFER
    due_back: datetime | None = None


@cc.record("tool_keeping", read=cc.own("keeper") | cc.role(CLERK), owner="keeper")
@cc.frozen(kw_only=True)
class Keeping(cc.Record[KeepingId]):
    """Whose a tool is 出借人, and where one fetches it."""

    tool: cc.Unique[ToolId]
    keeper: cc.Indexed[cc.Ref]
    fetch_at: cc.Personal[str | None] = None


@cc.record("tool_loan", read=cc.own("borrower") | cc.own("keeper") | cc.role(CLERK), owner="borrower")
@cc.frozen(kw_only=True)
class Loan(cc.Record[LoanId]):
    """One loan 借用: who has the tool, and since when."""

    tool: cc.Indexed[ToolId]
    keeper: cc.Ref
    borrower: cc.Indexed[cc.Ref]
    since: datetime
    back: cc.Indexed[datetime | None] = None


class ToolOut(cc.Refused):
    """Somebody else has the tool, or it is lent no more."""

    code = "tools.out"
    en = "{name} is not on offer now. It may be back on {until}; or take another."
    zh = "{name}目前不可借用，预计归还时间：{until}；也可选择其他工具。"
    name: str
    until: str


@cc.command("tools.offer", may=cc.own("keeper"))
def offer(view: cc.View, *, name: str, keeper: cc.Ref, fetch_at: str | None = None) -> cc.Change[Tool]:
    """Lend a tool of one's own to whoever needs it."""
    tool = cc.begin("tool.offered", Tool(id=view.new(Tool), name=name))
    keeping = Keeping(id=view.new(Keeping), tool=tool.result.id, keeper=keeper, fetch_at=fetch_at)
    return tool.also(cc.begin("keeping.noted", keeping))


@cc.command("tools.remind", may=cc.TIMER)
def remind(view: cc.View, tool_id: ToolId) -> cc.Change[Tool]:
    """Say that a tool is overdue, as an entry that others may follow."""
    return cc.note("tool.overdue", view.get(Tool, tool_id), days=DAYS.days)


@cc.command("tools.borrow", may=cc.own("borrower"))
def borrow(view: cc.View, tool_id: ToolId, *, borrower: cc.Ref) -> cc.Change[Loan]:
    """Take a tool home for three days. Raises ToolOut if it is not on offer."""
    tool = view.get(Tool, tool_id)
    if tool.shelf is not Shelf.ON_OFFER:
        raise ToolOut(name=tool.name, until="?" if tool.due_back is None else f"{tool.due_back:%Y-%m-%d}")
    until = view.now + DAYS
    (keeping,) = view.find(Keeping, cc.where(Keeping.tool, tool.id), limit=1)
    taken = cc.step("tool.lent", tool, cc.evolve(tool, shelf=Shelf.LENT, due_back=until)).at(until, remind)
    loan = Loan(id=view.new(Loan), tool=tool.id, keeper=keeping.keeper, borrower=borrower, since=view.now)
    made = cc.begin("loan.made", loan)
    return taken.also(made).giving(made.result)


@cc.command("tools.give_back", may=cc.own("loan.keeper") | cc.own("loan.borrower"))
def give_back(view: cc.View, loan_id: LoanId) -> cc.Change[Loan]:
    """The tool is with its keeper again; a reminder that is still to come goes. Once back, nothing more happens."""
    loan = view.get(Loan, loan_id)
    if loan.back is not None:
        return cc.unchanged(loan)
    tool = view.get(Tool, loan.tool)
    back = cc.step("tool.returned", tool, cc.evolve(tool, shelf=Shelf.ON_OFFER, due_back=None)).cancel(remind)
    ended = cc.step("loan.ended", loan, cc.evolve(loan, back=view.now))
    return back.also(ended).giving(ended.result)


@cc.command("tools.withdraw", may=cc.own("keeping.keeper"))
def withdraw(view: cc.View, keeping_id: KeepingId) -> cc.Change[Tool]:
    """Lend a tool no more. Raises IllegalStep while a neighbour has it. Once withdrawn, nothing more happens."""
    tool = view.get(Tool, view.get(Keeping, keeping_id).tool)
    if tool.shelf is Shelf.WITHDRAWN:
        return cc.unchanged(tool)
    return cc.step("tool.withdrawn", tool, cc.evolve(tool, shelf=Shelf.WITHDRAWN))


def _by_month(get: Callable[[str], Any], entry: cc.Entry) -> Iterator[tuple[str, Any]]:
    """Loans, returns and reminders of each month 每月借还次数, by UTC."""
    month = entry.occurred_at[:7]
    row = get(month) or {"loan.made": 0, "loan.ended": 0, "tool.overdue": 0}
    yield month, {**row, entry.name: row[entry.name] + 1}


LENT = cc.Fold("tools.lent", frozenset({"loan.made", "loan.ended", "tool.overdue"}), _by_month, cc.PUBLIC)


def _two_at_most(view: cc.View, made: Any) -> None:
    """Nobody has three tools at home."""
    mine = (cc.where(Loan.borrower, made.after.borrower), cc.where(Loan.back, None))
    if len(view.find(Loan, *mine, limit=AT_HOME)) == AT_HOME:
        raise cc.Vetoed(
            veto=TWO_AT_MOST.name,
            why="two tools are at home already; bring one back first",
            why_zh="已借用两件工具，请先归还一件",
        )


TWO_AT_MOST = cc.Veto("tools.two_at_most", frozenset({"loan.made"}), _two_at_most)

ROOM = cc.Room(
    "tools",
    records=(Tool, Keeping, Loan),
    commands=(offer, borrow, give_back, withdraw, remind),
    folds=(LENT,),
)
