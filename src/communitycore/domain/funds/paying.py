"""Disbursements 支出: one asks, another approves, then it is paid."""

from __future__ import annotations

from datetime import date

from attrs import evolve

from communitycore.domain.funds.books import OWNERS, back_of, booked, minor, not_decided, open_one, unused, used
from communitycore.domain.funds.errors import DecisionNeeded, NotEnough, PaymentPassed, SecondPerson, WrongLedger
from communitycore.domain.funds.records import (
    Account,
    AccountId,
    AccountType,
    Disbursement,
    DisbursementId,
    DisbursementStatus,
    FundEntry,
    Ledger,
    LedgerId,
    Origin,
    OwnersDecision,
    OwnersDecisionId,
    Posting,
)
from communitycore.domain.people import PartyId, active_party, party_of
from communitycore.domain.places.words import check_name
from communitycore.domain.roles import ACCOUNTANT, APPROVER
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.rules import role
from communitycore.kernel.view import View


@command("funds.request_payment", may=role(ACCOUNTANT))
def request_payment(
    view: View,
    ledger_id: LedgerId,
    *,
    against: AccountId,
    amount: Money,
    payee: PartyId,
    purpose: str,
    decision: OwnersDecisionId | None = None,
) -> Change[Disbursement]:
    """Ask for a payment 申请支出. against: the expense, or the debt, that it is booked against.

    What is owed to a party is paid to that one alone. Against income or the surplus it is a distribution among the
    owners, for which `decision` is needed (R19).
    Raises LedgerShut, WrongLedger, DecisionNeeded, NotDecided, PartyGone, BadValue.
    """
    ledger = open_one(view, ledger_id)
    account = view.get(Account, against)
    if account.ledger != ledger.id:
        raise WrongLedger(account=account.name, ledger=ledger.name)
    value = minor(amount, ledger)
    active_party(view, payee)
    if account.id in (ledger.bank, ledger.transfers):
        raise BadValue(
            field="against",
            why=f"nothing is paid against {account.name}; name an expense or a debt",
            why_zh=f"不能以“{account.name}”列支，请填写支出或负债科目",
        )
    if account.party not in (None, payee):
        raise BadValue(
            field="payee",
            why=f"{account.name} is owed to another; pay that one, or choose another account",
            why_zh=f"“{account.name}”应付给他人，请更正收款人或科目",
        )
    if account.type in OWNERS and decision is None:
        raise DecisionNeeded(account=account.name)
    if decision is not None:
        _distributes(view, decision, ledger, value)
    return begin(
        "payment.requested",
        Disbursement(
            id=view.new(Disbursement),
            ledger=ledger.id,
            against=against,
            amount=amount,
            payee=payee,
            purpose=check_name(purpose),
            asked_by=view.actor,
            decision=decision,
        ),
    )


@command("funds.approve_payment", may=role(APPROVER))
def approve_payment(view: View, disbursement_id: DisbursementId) -> Change[Disbursement]:
    """Approve a payment 审批通过.

    Raises PaymentPassed if that was decided already, SecondPerson for who asked for it or receives it.
    """
    asked = _by_another(view, disbursement_id)
    return step("payment.approved", asked, evolve(asked, status=DisbursementStatus.APPROVED, approved_by=view.actor))


@command("funds.refuse_payment", may=role(APPROVER))
def refuse_payment(view: View, disbursement_id: DisbursementId, *, reason: str) -> Change[Disbursement]:
    """Do not approve a payment 审批不通过, with the reason. Raises PaymentPassed, SecondPerson."""
    asked = _by_another(view, disbursement_id)
    return step(
        "payment.refused",
        asked,
        evolve(asked, status=DisbursementStatus.REFUSED, approved_by=view.actor, reason=check_name(reason)),
    )


@command("funds.cancel_payment", may=role(ACCOUNTANT))
def cancel_payment(view: View, disbursement_id: DisbursementId, *, reason: str) -> Change[Disbursement]:
    """Give a payment up 撤销支出 that was not made yet. Raises PaymentPassed."""
    asked = _in_status(view, disbursement_id, DisbursementStatus.REQUESTED, DisbursementStatus.APPROVED)
    return step(
        "payment.cancelled", asked, evolve(asked, status=DisbursementStatus.CANCELLED, reason=check_name(reason))
    )


@command("funds.pay", may=role(ACCOUNTANT))
def pay(view: View, disbursement_id: DisbursementId, *, day: date | None = None) -> Change[Disbursement]:
    """Book an approved payment as made 支付, once. day: on which the bank made it; None: today.

    Raises PaymentPassed unless it is approved, NotEnough in the bank or of the debt, LedgerShut, YearShut.
    """
    asked = _in_status(view, disbursement_id, DisbursementStatus.APPROVED)
    id = view.new(FundEntry)
    paid = step("payment.made", asked, evolve(asked, status=DisbursementStatus.PAID, entry=id))
    ledger = open_one(view, asked.ledger)
    value = minor(asked.amount, ledger)
    account = view.get(Account, asked.against)
    if account.type is AccountType.LIABILITY and account.balance + value > 0:
        owed = Money(max(-account.balance, 0), ledger.currency)
        raise NotEnough(account=account.name, there=str(owed), needed=str(asked.amount))
    lines = (Posting(asked.against, value), Posting(ledger.bank, -value))
    source = view.ref(asked.id)
    paid = paid.also(booked(view, ledger, asked.purpose, lines, day=day, source=source, origin=Origin.PAYMENT, id=id))
    return paid if asked.decision is None else paid.also(_distributes(view, asked.decision, ledger, value))


@command("funds.return_payment", may=role(ACCOUNTANT))
def return_payment(view: View, disbursement_id: DisbursementId, *, reason: str) -> Change[Disbursement]:
    """Book that a payment came back 支付退回. Raises PaymentPassed if it was not made, LedgerShut."""
    asked = _in_status(view, disbursement_id, DisbursementStatus.PAID)
    returned = step("payment.returned", asked, evolve(asked, status=DisbursementStatus.RETURNED, reason=reason))
    assert asked.entry is not None, "what was paid was booked"
    returned = returned.also(back_of(view, view.get(FundEntry, asked.entry), reason))
    if asked.decision is None:
        return returned
    return returned.also(unused(view.get(OwnersDecision, asked.decision), asked.amount.amount))


def _distributes(view: View, id: OwnersDecisionId, ledger: Ledger, value: int) -> Change[OwnersDecision]:
    decision = view.get(OwnersDecision, id)
    if decision.of != ledger.id or decision.to is not None:
        raise not_decided(decision, "it permits no distribution from this ledger", "未包含本账簿的分配事项")
    return used(decision, value, ledger.currency)


def _by_another(view: View, id: DisbursementId) -> Disbursement:
    asked = _in_status(view, id, DisbursementStatus.REQUESTED)
    if _here(view, view.actor) in (_here(view, asked.asked_by), view.ref(asked.payee)):
        raise SecondPerson()
    return asked


def _here(view: View, actor: Ref) -> Ref:
    """The same person as this jurisdiction knows them, so that nobody is a second one to themselves."""
    known = None if actor.jurisdiction == view.jurisdiction else party_of(view, actor)
    return actor if known is None else view.ref(known.id)


def _in_status(view: View, id: DisbursementId, *wanted: DisbursementStatus) -> Disbursement:
    asked = view.get(Disbursement, id)
    if asked.status not in wanted:
        raise PaymentPassed(payment=asked.id, status=str(asked.status), status_zh=asked.status.zh)
    return asked
