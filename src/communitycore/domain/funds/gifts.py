"""Donations 捐赠: each with its receipt number, shown only as its donor wishes (R23)."""

from __future__ import annotations

from datetime import date

from attrs import evolve

from communitycore.domain.funds.books import back_of, booked, minor, open_one, today
from communitycore.domain.funds.records import (
    Donation,
    DonationId,
    Donor,
    FundEntry,
    Ledger,
    LedgerId,
    Origin,
    Posting,
)
from communitycore.domain.people import PartyId, active_party
from communitycore.domain.places.words import check_name
from communitycore.domain.roles import ACCOUNTANT
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

NEIGHBOUR = {"en": "a kind neighbour", "zh": "一位热心市民"}
"""How the public reads of a donor who does not ask to be named."""


@command("funds.donate", may=role(ACCOUNTANT))
def donate(
    view: View,
    ledger_id: LedgerId,
    *,
    amount: Money,
    purpose: str,
    donor: PartyId | None = None,
    name: str | None = None,
    shown: str | None = None,
    related: bool = False,
) -> Change[Donation]:
    """Take in a gift 接受捐赠: it is booked, and its receipt numbered, one after the other and none twice.

    donor, name: who gave, and as what the receipt 捐赠票据 names them; neither for an anonymous gift, of which the
    record stands all the same. shown: how the donor asks to be named in public; None: not at all. related: the ledger's
    keepers are close to them. Raises LedgerShut, PartyGone, BadValue.
    """
    if donor is None and (name is not None or shown is not None):
        raise BadValue(
            field="donor",
            why="a name belongs to a party; register the donor first, so that it can be erased one day",
            why_zh="姓名须归属于登记人员，请先登记捐赠人，以便日后可以删除",
        )
    ledger = open_one(view, ledger_id)
    value = minor(amount, ledger)
    if donor is not None:
        active_party(view, donor)
    lines = (Posting(ledger.bank, value), Posting(ledger.gifts, -value))
    entry = booked(view, ledger, f"捐赠：{check_name(purpose)}", lines, origin=Origin.DONATION)
    number = ledger.receipts + 1
    gift = Donation(
        id=view.new(Donation),
        ledger=ledger.id,
        amount=amount,
        purpose=purpose,
        day=today(view),
        receipt=number,
        related=related,
        entry=entry.result.id,
    )
    made = begin("donation.received", gift).also(
        entry, step("ledger.receipt_numbered", ledger, evolve(ledger, receipts=number))
    )
    if donor is None:
        return made
    who = Donor(
        id=view.new(Donor),
        donation=gift.id,
        party=donor,
        name=None if name is None else check_name(name),
        shown=None if shown is None else check_name(shown),
    )
    return made.also(begin("donor.recorded", who))


@command("funds.return_gift", may=role(ACCOUNTANT))
def return_gift(view: View, donation_id: DonationId, *, reason: str) -> Change[Donation]:
    """Give a gift back 退还捐赠; its receipt's number stays used. Raises AlreadyReversed, NotEnough, LedgerShut."""
    gift = view.get(Donation, donation_id)
    back = back_of(view, view.get(FundEntry, gift.entry), reason)
    return step("donation.returned", gift, evolve(gift, returned=back.result.id)).also(back)


@frozen
class Receipt:
    """What a receipt 捐赠票据 says. body: who issues it. name: the donor as they wish to be named; None: anonymous."""

    number: int
    body: str
    ledger: str
    amount: Money
    purpose: str
    day: date
    name: str | None
    returned: bool


@read("funds.receipt", may=role(ACCOUNTANT))
def receipt(view: View, donation_id: DonationId) -> Receipt:
    """A gift's receipt, to be printed for its donor. Raises NotFound."""
    gift = view.get(Donation, donation_id)
    donor = view.one(Donor, where(Donor.donation, gift.id))
    return Receipt(
        number=gift.receipt,
        body=view.get(Jurisdiction, view.jurisdiction).name(view.now),
        ledger=view.get(Ledger, gift.ledger).name,
        amount=gift.amount,
        purpose=gift.purpose,
        day=gift.day,
        name=None if donor is None else donor.name,
        returned=gift.returned is not None,
    )
