"""What a person asks of the books: how each ledger stands, and all that was booked, for an accountant's own tools."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from communitycore.cli import DONE
from communitycore.cli.output import Output
from communitycore.cli.verbs import desk_of, open_hub, write_text
from communitycore.domain import funds
from communitycore.domain.funds import AccountType, Ledger, LedgerId, Statement
from communitycore.formats.beancount import beancount


def statement(given: argparse.Namespace, out: Output) -> int:
    """How the ledgers of a jurisdiction stand: balances by account, and gifts as their donors wish to be shown."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        ledgers = [desk.get(Ledger, LedgerId(given.ledger))] if given.ledger else desk.find(Ledger, limit=1_000)
        told = [(ledger, desk.ask(funds.statement, ledger.id)) for ledger in ledgers]
    out.result([{"id": ledger.id, "status": ledger.status.value, **statement_data(one)} for ledger, one in told])
    if not told:
        out.say("No ledger has been opened here.", "此处尚未设立账簿。")
    for _, one in told:
        show_statement(one, out)
    return DONE


def statement_data(one: Statement) -> dict[str, Any]:
    """A statement as plain data, amounts in minor units."""
    return {
        "ledger": one.ledger,
        "kind": one.kind.value,
        "accounts": [
            {
                "name": line.name,
                "type": line.type.value,
                "amount": line.amount.amount,
                "currency": line.amount.currency,
                "related": line.related,
            }
            for line in one.sums
        ],
        "gifts": [
            {
                "receipt": gift.receipt,
                "amount": gift.amount.amount,
                "currency": gift.amount.currency,
                "purpose": gift.purpose,
                "shown": gift.shown,
                "related": gift.related,
            }
            for gift in one.gifts
        ],
    }


def show_statement(one: Statement, out: Output) -> None:
    """A statement as tables."""
    zh = out.language == "zh"
    title = f"{one.ledger} · {one.kind.zh if zh else one.kind.value.replace('_', ' ')}"
    related = out.pick(" (related party)", "（关联方）")
    withheld = out.pick("name withheld", "不公开名称")
    rows = [
        [
            line.type.zh if zh else line.type.value,
            (line.name or withheld) + (related if line.related else ""),
            str(line.amount),
        ]
        for line in one.sums
    ]
    out.table(title, [out.pick(*c) for c in (("type", "类别"), ("account", "科目"), ("balance", "余额"))], rows)
    income, spent = one.total(AccountType.INCOME), one.total(AccountType.EXPENSE)
    out.say(f"Came in {income}, spent {spent}.", f"收入 {income}，支出 {spent}。")
    if one.gifts:
        named = [
            [f"{g.receipt}", g.shown or funds.NEIGHBOUR[out.language], str(g.amount), g.purpose] for g in one.gifts
        ]
        columns = (("receipt", "票据号"), ("from", "捐赠人"), ("amount", "金额"), ("for", "用途"))
        out.table(out.pick("Gifts", "捐赠"), [out.pick(*c) for c in columns], named)


def ledger(given: argparse.Namespace, out: Output) -> int:
    """Everything booked in one ledger, as Beancount text: to a file, or to standard output."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        told = desk.ask(funds.books, LedgerId(given.ledger))
    one, entries = told.ledger, told.entries
    text = "".join(beancount(one, told.accounts, entries))
    if given.output is None:
        if given.json:
            out.result({"ledger": one.id, "entries": len(entries), "beancount": text})
        else:
            sys.stdout.write(text)
        return DONE
    write_text(given.output, text)
    out.result({"ledger": one.id, "entries": len(entries), "file": given.output})
    out.say(
        f"{len(entries)} entries of {one.name} are in {given.output}; check them with bean-check.",
        f"“{one.name}”的 {len(entries)} 笔凭证已写入 {given.output}，可用 bean-check 核对。",
    )
    return DONE
