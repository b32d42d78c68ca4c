"""Erasing a person from the command line: first what there is, then, if told so, doing it, and the certificate."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from communitycore.cli import DONE, USAGE
from communitycore.cli.output import Output
from communitycore.cli.verbs import Usage, actor_of, open_hub, write_text
from communitycore.hub.certificate import Certificate
from communitycore.hub.erasing import Holding
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref

_COLUMNS = {
    "jurisdiction": "辖区",
    "kind": "种类",
    "to be erased": "待删除",
    "kept": "保留",
    "empty already": "已删除",
    "records": "记录",
    "fields": "字段",
    "entries": "日志条目",
    "legal ground": "法律依据",
}


def erase(given: argparse.Namespace, out: Output) -> int:
    """Show what is held of a person; with --yes, erase it and print the certificate. Exit 2 without --yes."""
    try:
        party = Ref.parse(given.party)
    except BadValue:
        raise Usage(
            f"{given.party} names nobody: give jurisdiction/id",
            f"{given.party} 无效：应为“辖区编号/主体编号”",
        ) from None
    with open_hub(given) as hub:
        actor = actor_of(hub, given, party.jurisdiction)
        if not given.yes:
            show_holdings(hub.holdings(party, actor=actor), out)
            out.fault(out.pick("Nothing was erased. Add --yes to erase it.", "尚未删除。确认删除请加 --yes。"))
            return USAGE
        with out.progress() as progress:
            task = progress.add_task(out.pick("records", "记录"), total=None)
            certificate = hub.erase(
                party,
                actor=actor,
                reason=given.reason,
                progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        show_certificate(certificate, out)
        if given.certificate:
            write_text(given.certificate, certificate.to_text() + "\n")
        if given.scrub:
            scrub(hub, out)
    return DONE


def scrub(hub: Hub, out: Output) -> None:
    """Have the store rewritten, and say what that does not reach."""
    hub.scrub()
    reach = hub.store.capabilities.get("scrub")
    if reach is True:
        out.say("The store was rewritten; nothing of it is left there.", "存储已重写，其中不再有残留。")
    else:
        out.say(f"The store was rewritten: {reach}.", f"存储已重写；但请注意：{reach}。")


def show_holdings(holdings: Sequence[Holding], out: Output) -> None:
    """What an erasure would empty, and what it would leave."""
    out.result(
        [
            {
                "jurisdiction": each.jurisdiction,
                "person": str(each.person),
                "kind": each.kind,
                "held": each.held,
                "kept": {ground.en: count for ground, count in each.kept},
                "erased": each.erased,
            }
            for each in holdings
        ]
    )
    out.table(
        out.pick("Held of this person", "该主体的个人信息"),
        _headed(out, "jurisdiction", "kind", "to be erased", "kept", "empty already"),
        [[h.jurisdiction, h.kind, h.held, sum(count for _, count in h.kept), h.erased] for h in holdings],
    )
    for ground in dict.fromkeys(ground for each in holdings for ground, _ in each.kept):
        out.say(f"Kept: {ground.en}.", f"保留依据：{ground.zh}。")


def show_certificate(certificate: Certificate, out: Output) -> None:
    """The certificate: as JSON whole, else as tables."""
    told: dict[str, Any] = json.loads(certificate.to_text())
    out.result(told)
    out.table(
        out.pick("Erased", "已删除"),
        _headed(out, "jurisdiction", "kind", "records", "fields", "entries"),
        [[e.jurisdiction, e.kind, e.records, ", ".join(e.fields), _spans(e.entries)] for e in certificate.erased],
    )
    out.table(
        out.pick("Kept", "保留"),
        _headed(out, "jurisdiction", "kind", "records", "legal ground"),
        [[k.jurisdiction, k.kind, k.records, out.pick(k.ground.en, k.ground.zh)] for k in certificate.kept],
    )
    for place in certificate.elsewhere:
        out.say(
            f"{place} holds something of theirs too; somebody who administers it has to be asked.",
            f"{place} 也有该主体的个人信息，须由该辖区管理员删除。",
        )


def _headed(out: Output, *columns: str) -> list[str]:
    return [out.pick(column, _COLUMNS[column]) for column in columns]


def _spans(seqs: Sequence[int]) -> str:
    """`3, 7-9`."""
    spans: list[list[int]] = []
    for seq in seqs:
        if spans and seq == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], seq]
        else:
            spans.append([seq])
    return ", ".join("-".join(map(str, span)) for span in spans)
