"""Split rules 分账规则 in versions, each under its agreement, and settlements 结算 by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import evolve

from communitycore.domain.funds.books import back_of, booked, minor, open_one
from communitycore.domain.funds.errors import AlreadySettled, NoRule, WrongLedger
from communitycore.domain.funds.records import (
    Account,
    AccountId,
    FundEntry,
    LedgerId,
    Origin,
    Owed,
    Posting,
    Settlement,
    SettlementId,
    SplitRule,
)
from communitycore.domain.places.words import check_name
from communitycore.domain.roles import ACCOUNTANT
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.rules import role
from communitycore.kernel.splits import Share, Split
from communitycore.kernel.view import View

SHARES_MAX = 200


@command("funds.agree", may=role(ACCOUNTANT))
def agree(
    view: View, ledger_id: LedgerId, *, name: str, agreement: str, shares: tuple[Share, ...]
) -> Change[SplitRule]:
    """Put a version of a split rule in force 签订分账规则; the one of the same name before it ends.

    agreement: where it was agreed, such as a contract's number. shares: each `to` an account of the ledger, or a group.
    Raises WrongLedger, BadValue for shares that leave something to nobody.
    """
    ledger = open_one(view, ledger_id)
    if len(shares) > SHARES_MAX:
        raise BadValue(field="shares", why=f"a rule has at most {SHARES_MAX} shares", why_zh=f"最多 {SHARES_MAX} 份")
    split = Split(shares)
    for to in (part.to for part in split.divide(Money(0, ledger.currency)).parts):
        account = view.get(Account, AccountId(to))
        if account.ledger != ledger.id:
            raise WrongLedger(account=account.name, ledger=ledger.name)
        if account.id in (ledger.bank, ledger.transfers, ledger.surplus):
            raise BadValue(
                field="shares",
                why=f"{account.name} is no part to take; name income, or what is owed to somebody",
                why_zh=f"“{account.name}”不能作为分账对象，请填写收入或负债科目",
            )
    before = _versions(view, ledger.id, name)
    rule = SplitRule(
        id=view.new(SplitRule),
        name=check_name(name),
        number=1 + max((rule.number for rule in before), default=0),
        ledger=ledger.id,
        agreement=check_name(agreement),
        shares=shares,
        since=view.now,
    )
    ended = (step("rule.replaced", old, evolve(old, until=view.now)) for old in before if old.until is None)
    return begin("rule.agreed", rule).also(*ended)


@command("funds.settle", may=role(ACCOUNTANT))
def settle(
    view: View, ledger_id: LedgerId, *, rule: str, takings: Money, source: Ref, text: str, at: datetime | None = None
) -> Change[Settlement]:
    """Split takings 结算 by the rule of this name in force, and book each part to its account.

    source: what they were taken for, once. at: when that began, since it goes by the agreement made before (R21); None:
    now. What rounding leaves owed is carried forward from settlement to settlement.
    Raises AlreadySettled, NoRule, LedgerShut, BadValue.
    """
    ledger = open_one(view, ledger_id)
    value = minor(takings, ledger)
    known = view.one(Settlement, where(Settlement.source, str(source)))
    if known is not None:
        raise AlreadySettled(source=str(source))
    current = next((version for version in _versions(view, ledger.id, rule) if version.in_force(at or view.now)), None)
    if current is None:
        raise NoRule(name=rule)
    last = view.one(Settlement, where(Settlement.latest, str(current.id)))
    carried = {} if last is None else {owed.to: owed.part for owed in last.owed}
    divided = Split(current.shares).divide(takings, carried)
    parts = [(AccountId(to), amount) for to, amount in zip(divided.to, divided.amounts, strict=True) if amount]
    entry = booked(
        view,
        ledger,
        text,
        (Posting(ledger.bank, value), *(Posting(to, -amount) for to, amount in parts)),
        source=source,
        origin=Origin.SETTLEMENT,
    )
    made = Settlement(
        id=view.new(Settlement),
        rule=current.id,
        of=source,
        source=str(source),
        whole=takings,
        amounts=tuple(Posting(to, amount) for to, amount in parts),
        entry=entry.result.id,
        latest=str(current.id),
        left=_less(_owed(divided.carried), () if last is None else last.owed),
        owed=_owed(divided.carried),
    )
    settled = begin("takings.settled", made).also(entry)
    if last is None:
        return settled
    return step("settlement.followed", last, evolve(last, latest=None)).also(settled).giving(settled.result)


@command("funds.refund", may=role(ACCOUNTANT))
def refund(view: View, settlement_id: SettlementId, *, reason: str) -> Change[Settlement]:
    """Take a settlement back 结算退回: the recorded parts, whatever the rule says by now.

    Its source may be settled anew. Raises AlreadyReversed, NotEnough, LedgerShut.
    """
    settlement = view.get(Settlement, settlement_id)
    back = back_of(view, view.get(FundEntry, settlement.entry), reason)
    gone = evolve(settlement, source=None, refunded=back.result.id)
    last = view.one(Settlement, where(Settlement.latest, str(settlement.rule)))
    if last is None or last.id == settlement.id:
        return step("settlement.refunded", settlement, evolve(gone, owed=_less(settlement.owed, settlement.left))).also(
            back
        )
    followed = evolve(last, owed=_less(last.owed, settlement.left))
    return step("settlement.refunded", settlement, gone).also(back, step("settlement.owed_changed", last, followed))


def _less(owed: tuple[Owed, ...], gone: tuple[Owed, ...]) -> tuple[Owed, ...]:
    """What is owed without what is gone; parts of one name are of the same kind."""
    sums: dict[str, int] = {}
    over = {o.to: o.part.partition("/")[2] for o in (*owed, *gone)}
    for sign, several in ((1, owed), (-1, gone)):
        for o in several:
            sums[o.to] = sums.get(o.to, 0) + sign * int(o.part.partition("/")[0])
    return tuple(Owed(to, f"{part}/{over[to]}") for to, part in sums.items() if part)


def _owed(carried: Mapping[str, str]) -> tuple[Owed, ...]:
    return tuple(Owed(to, part) for to, part in carried.items())


def _versions(view: View, ledger: LedgerId, name: str) -> tuple[SplitRule, ...]:
    return view.derive(_by_name, SplitRule).get((ledger, name), ())


def _by_name(rules: tuple[SplitRule, ...]) -> dict[tuple[LedgerId, str], tuple[SplitRule, ...]]:
    found: dict[tuple[LedgerId, str], tuple[SplitRule, ...]] = {}
    for rule in rules:
        found[rule.ledger, rule.name] = (*found.get((rule.ledger, rule.name), ()), rule)
    return found
