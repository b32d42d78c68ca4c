"""Settlement 结算: a session's takings, split by the rule in force when it began, with the attendance they rest on."""

from __future__ import annotations

from attrs import evolve

from communitycore.domain import funds
from communitycore.domain.funds import Settlement
from communitycore.domain.roles import ACCOUNTANT
from communitycore.domain.services.attending import close_attendance
from communitycore.domain.services.errors import NothingToSettle
from communitycore.domain.services.planning import session_over
from communitycore.domain.services.records import Offering, Session, SessionId, SessionStatus
from communitycore.kernel.change import Change, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.money import Money
from communitycore.kernel.rules import role
from communitycore.kernel.view import View


@command("services.settle", may=role(ACCOUNTANT))
def settle(view: View, session_id: SessionId, *, unpaid: int = 0) -> Change[Session]:
    """Close a session's attendance and split its takings 结算场次: partner, community fund, venue, as was agreed.

    unpaid: how many of those who came paid nothing. Raises NothingToSettle, NoRule if no agreement was in force when it
    began (R21), NotYet, SessionOver, LedgerShut, BadValue.
    """
    session = view.get(Session, session_id)
    if session.status is SessionStatus.CANCELLED:
        raise session_over(session)
    closed = close_attendance(view, session_id)
    session = closed.result
    offering = view.get(Offering, session.offering)
    paid = session.attended - unpaid
    if type(unpaid) is not int or not 0 <= unpaid <= session.attended:
        raise BadValue(
            field="unpaid",
            why=f"{unpaid} is not between 0 and the {session.attended} who came",
            why_zh=f"{unpaid} 不在 0 至到场人数 {session.attended} 之间",
        )
    if offering.fee is None or offering.ledger is None or offering.rule is None:
        raise NothingToSettle(
            name=offering.name, why="it is free, or no funding rule was set", why_zh="项目免费，或未设定资金规则"
        )
    if not paid:
        raise NothingToSettle(name=offering.name, why="nobody paid", why_zh="无人付费")
    takings = Money(offering.fee.amount * paid, offering.fee.currency)
    day = view.get(Jurisdiction, view.jurisdiction).day(session.starts)
    split = funds.settle(
        view,
        offering.ledger,
        rule=offering.rule,
        takings=takings,
        source=view.ref(session.id),
        text=f"{offering.name} {day}：{paid} × {offering.fee}",
        at=session.starts,
    )
    settled = evolve(session, status=SessionStatus.SETTLED, takings=takings, settlement=split.result.id)
    return closed.also(step("session.settled", session, settled), split).giving(settled)


@command("services.unsettle", may=role(ACCOUNTANT))
def unsettle(view: View, session_id: SessionId, *, reason: str) -> Change[Session]:
    """Take a session's settlement back 撤回结算, part by part as it was recorded; it may be settled anew.

    Raises NothingToSettle if it is not settled, NotEnough, LedgerShut.
    """
    session = view.get(Session, session_id)
    if session.status is not SessionStatus.SETTLED or session.settlement is None:
        name = view.get(Offering, session.offering).name
        raise NothingToSettle(name=name, why="it is not settled", why_zh="尚未结算")
    back = evolve(session, status=SessionStatus.HELD, takings=None, settlement=None)
    undone = step("session.unsettled", session, back)
    if view.get(Settlement, session.settlement).refunded is not None:
        return undone
    return undone.also(funds.refund(view, session.settlement, reason=reason))
