"""A bank's statement against a ledger's bank account, from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from communitycore.cli import DONE, REFUSED
from communitycore.cli.output import Output, counted
from communitycore.cli.verbs import Usage, desk_of, open_hub, read_text
from communitycore.domain import funds
from communitycore.domain.funds import BankLine, Ledger, LedgerId, Movement, Pair, Reconciliation, Suggestion
from communitycore.formats.bank_csv import ENCODINGS, BankTable, read_bank_csv, read_bank_mapping
from communitycore.hub.desk import Desk
from communitycore.kernel.errors import Refused
from communitycore.kernel.money import Money

SHOWN = 20  # rows told as faulty in the window
COMPARED = 400  # lines times entries of one suggestion that a table still spells out
WAYS = 5


def match_bank(given: argparse.Namespace, out: Output) -> int:
    """Compare a statement with a ledger; exit 1 if a row cannot be read or a confirmation is refused."""
    mapped = read_bank_mapping(read_text(given.mapping))
    text = _decoded(given.file, mapped.encoding)
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        ledger = desk.get(Ledger, LedgerId(given.ledger))
        table = read_bank_csv(text, mapped, ledger.currency)
        told = desk.ask(
            funds.bank_matching, ledger.id, table.lines, since=given.since, until=given.until, days=given.days
        )
        wanted = told.found.exact if given.confirm_exact and not table.bad else ()
        refused = _confirm(desk, ledger, wanted)
    done = [pair for pair in wanted if pair not in refused]
    out.result(
        {
            **matching_data(ledger, told),
            "newly_confirmed": [pair.movement.entry for pair in done],
            "refused": [{"entry": p.movement.entry, "say": e.say(out.language)} for p, e in refused.items()],
            "bad_rows": [{"row": b.row, "column": b.column, "say": b.say(out.language)} for b in table.bad],
        }
    )
    _show(ledger, told, out)
    if done:
        out.say(f"{len(done)} of them confirmed just now.", f"本次已确认 {len(done)} 笔。")
    _show_faults(given, table, refused, out)
    return REFUSED if table.bad or refused else DONE


def _decoded(path: str, encoding: str) -> str:
    """A file's text in the encoding that its mapping says. Raises Usage."""
    try:
        return Path(path).read_bytes().decode(ENCODINGS[encoding])
    except UnicodeDecodeError:
        raise Usage(
            f"{path} is not {encoding} text; say which it is with encoding = in the mapping",
            f"{path} 不是 {encoding} 文本，请在映射文件中以 encoding = 注明编码",
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = getattr(error, "strerror", None) or error
        raise Usage(f"{path} cannot be read: {why}", f"无法读取 {path}：{why}") from None


def _confirm(desk: Desk, ledger: Ledger, pairs: Sequence[Pair]) -> dict[Pair, Refused]:
    """Confirm these, and give those that were refused. Raises StoreError."""
    calls = [funds.confirm_match.call(ledger.id, line=p.line, entries=(p.movement.entry,)) for p in pairs]
    refused: dict[Pair, Refused] = {}
    for pair, outcome in zip(pairs, desk.do_many(calls), strict=True):
        if isinstance(outcome.error, Refused):
            refused[pair] = outcome.error
        elif outcome.error is not None:
            raise outcome.error
    return refused


def matching_data(ledger: Ledger, told: Reconciliation) -> dict[str, Any]:
    """A statement against the books as plain data, amounts in minor units."""
    found = told.found
    return {
        "ledger": ledger.id,
        "currency": ledger.currency,
        "since": told.since.isoformat(),
        "until": told.until.isoformat(),
        "exact": [{"line": _line_data(p.line), "entry": _entry_data(p.movement)} for p in found.exact],
        "suggested": [_suggestion_data(s) for s in found.suggested],
        "unmatched_lines": [_line_data(line) for line in found.unmatched_lines],
        "unmatched_entries": [_entry_data(m) for m in found.unmatched_entries],
        "confirmed": [
            {"line": _line_data(c.line), "entries": [m.entry for m in c.matches], "matches": [m.id for m in c.matches]}
            for c in told.confirmed
        ],
        "missing": [
            {"match": m.id, "day": m.day.isoformat(), "amount": m.amount.amount, "entry": m.entry} for m in told.missing
        ],
    }


def _suggestion_data(s: Suggestion) -> dict[str, Any]:
    told: dict[str, Any] = {
        "why": s.why.value,
        "lines": [_line_data(line) for line in s.lines],
        "entries": [_entry_data(m) for m in s.movements],
    }
    if s.why is funds.Why.SUM:
        told["sums"] = [{"row": line.row, "ways": [[m.entry for m in way] for way in s.ways(line)]} for line in s.lines]
    return told


def _line_data(line: BankLine) -> dict[str, Any]:
    return {
        "row": line.row,
        "day": line.day.isoformat(),
        "amount": line.amount,
        "text": line.text,
        "reference": line.reference,
    }


def _entry_data(m: Movement) -> dict[str, Any]:
    return {"id": m.entry, "day": m.day.isoformat(), "amount": m.amount, "text": m.text}


def _show(ledger: Ledger, told: Reconciliation, out: Output) -> None:
    """Exact, suggested and unmatched as tables, and how many of each."""
    found = told.found

    def table(en: str, zh: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]) -> None:
        if listed := list(rows):
            out.table(out.pick(en, zh), [out.pick(*c) for c in columns], listed)

    row, day, amount, text = ("row", "行"), ("day", "日期"), ("amount", "金额"), ("bank's text", "银行摘要")
    entry, booked = ("entry", "凭证"), ("booked as", "凭证摘要")
    table(
        "Exact",
        "完全相符",
        (row, day, amount, text, entry, booked),
        ([*_line(p.line, ledger), p.movement.entry, p.movement.text] for p in found.exact),
    )
    table(
        "Suggested: a person decides",
        "建议匹配（须人工判定）",
        (row, day, amount, text, ("why", "理由"), ("may be", "可能为")),
        (cells for s in found.suggested for cells in _suggested(s, ledger, out)),
    )
    table(
        "Unmatched lines of the bank",
        "未匹配的银行流水",
        (row, day, amount, text),
        (_line(line, ledger) for line in found.unmatched_lines),
    )
    table(
        "Unmatched entries of the books",
        "未匹配的凭证",
        (entry, day, amount, booked),
        ([m.entry, m.day, _money(m.amount, ledger), m.text] for m in found.unmatched_entries),
    )
    table(
        "Confirmed before, but not in this statement",
        "曾确认但本对账单中没有",
        (("confirmation", "确认编号"), day, amount, entry),
        ([m.id, m.day, m.amount, m.entry] for m in told.missing),
    )
    asked = sum(len(s.lines) for s in found.suggested)
    left, open_ = len(found.unmatched_lines), len(found.unmatched_entries)
    out.say(
        f"{ledger.name}, {told.since} to {told.until}: {counted(len(found.exact), 'line')} exact, {asked} suggested, "
        f"{left} unmatched, {len(told.confirmed)} confirmed before; "
        f"{open_} {'entry' if open_ == 1 else 'entries'} unmatched.",
        f"“{ledger.name}”{told.since} 至 {told.until}：银行流水完全相符 {len(found.exact)} 笔，建议匹配 {asked} 笔，"
        f"未匹配 {left} 笔，此前已确认 {len(told.confirmed)} 笔；未匹配凭证 {open_} 笔。",
    )


def _suggested(s: Suggestion, ledger: Ledger, out: Output) -> Iterable[list[object]]:
    """A row for each line with what it may be; one for all where there are too many."""
    why = out.pick(s.why.value, s.why.zh)
    if len(s.lines) * len(s.movements) > COMPARED:
        many = out.pick(
            f"{len(s.lines)} lines, {len(s.movements)} entries from {s.movements[0].day} on; --json lists them",
            f"{len(s.lines)} 笔流水，{len(s.movements)} 笔凭证，自 {s.movements[0].day} 起；--json 可列出全部",
        )
        yield [*_line(s.lines[0], ledger), why, many]
        return
    for line in s.lines:
        ways = s.ways(line)
        named = ["\n  + ".join(f"{m.day} {m.entry} {m.text}" for m in way) for way in ways[:WAYS]]
        if (more := len(ways) - WAYS) > 0:
            named.append(out.pick(f"… and {more} more", f"……另有 {more} 种"))
        yield [*_line(line, ledger), why, "\n".join(named)]


def _line(line: BankLine, ledger: Ledger) -> list[object]:
    return [line.row, line.day, _money(line.amount, ledger), f"{line.text} {line.reference}".strip()]


def _money(minor: int, ledger: Ledger) -> Money:
    return Money(minor, ledger.currency)


def _show_faults(given: argparse.Namespace, table: BankTable, refused: dict[Pair, Refused], out: Output) -> None:
    """What could not be read or confirmed, on standard error."""
    said = [b.say(out.language) for b in table.bad]
    said += [f"{pair.movement.entry}: {error.say(out.language)}" for pair, error in refused.items()]
    for sentence in said[:SHOWN]:
        out.fault(f"{given.file}: {sentence}")
    if (more := len(said) - SHOWN) > 0:
        out.fault(out.pick(f"… and {more} more; --json lists all.", f"……另有 {more} 条；--json 可列出全部。"))
    if given.confirm_exact and table.bad:
        out.fault(
            out.pick(
                "Nothing was confirmed: a row that cannot be read may be what another was taken for.",
                "未确认任何匹配：无法读取的行可能才是相符的流水。",
            )
        )
