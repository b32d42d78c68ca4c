"""Pages to print: a gift's receipt, a volunteer's certificate, a ledger's statement."""

from __future__ import annotations

import argparse

from communitycore.cli import DONE
from communitycore.cli.output import Output
from communitycore.cli.verbs import desk_of, open_hub, write_text
from communitycore.domain import funds, services
from communitycore.domain.funds import DonationId, LedgerId
from communitycore.domain.people import PartyId, Profile
from communitycore.formats.paper import certificate_page, receipt_page, statement_page
from communitycore.hub.desk import Desk
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where
from communitycore.kernel.times import system_clock


def paper(given: argparse.Namespace, out: Output) -> int:
    """Write one page; what the actor may not read is refused, or left to be filled in by hand."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        page = _page(desk, given.kind, given.id)
    write_text(given.output, page)
    out.result({"kind": given.kind, "id": given.id, "file": given.output})
    out.say(
        f"It is in {given.output}; open it in a browser and print it.",
        f"已写入 {given.output}，请用浏览器打开并打印。",
    )
    return DONE


def _page(desk: Desk, kind: str, id: str) -> str:
    if kind == "receipt":
        return receipt_page(desk.ask(funds.receipt, DonationId(id)))
    now = system_clock()
    here = desk.get(Jurisdiction, desk.jurisdiction)
    body, printed = here.name(now), here.day(now)
    if kind == "statement":
        return statement_page(desk.ask(funds.statement, LedgerId(id)), body=body, printed=printed)
    told = desk.ask(services.certificate, party=PartyId(id))
    profiles = desk.find(Profile, where(Profile.party, told.party), limit=1)
    name = profiles[0].name if profiles else None
    return certificate_page(told, name=name, body=body, printed=printed)
