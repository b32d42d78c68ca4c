"""The verbs, each a function from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from communitycore.cli import DONE, REFUSED
from communitycore.cli.output import Output, counted

if TYPE_CHECKING:
    from communitycore.hub.desk import Desk
    from communitycore.hub.hub import Hub
    from communitycore.hub.report import Anchor
    from communitycore.kernel.ids import Ref
    from communitycore.kernel.journal import Entry


LONGEST = 60  # characters of a value in a table


class Usage(Exception):
    """The words of the call are off; the sentence says how, in English and Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


def read_text(path: str) -> str:
    """A file's text, UTF-8 with or without a mark. Raises Usage."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Usage(
            f"{path} is not UTF-8 text; save it as UTF-8 and try again",
            f"{path} 不是 UTF-8 文本，请另存为 UTF-8 后重试",
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = getattr(error, "strerror", None) or error
        raise Usage(f"{path} cannot be read: {why}", f"无法读取 {path}：{why}") from None


def write_text(path: str, text: str) -> None:
    """Write a file, UTF-8, its line ends as they are. Raises Usage."""
    try:
        Path(path).write_text(text, encoding="utf-8", newline="")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Usage(f"{path} cannot be written: {why}", f"无法写入 {path}：{why}") from None


def scheme_in(given: argparse.Namespace) -> str:
    """The scheme of the store that `--db` names. Raises Usage if it names none, or what is no URL."""
    if not given.db:
        raise Usage(
            "say which store: --db sqlite:///town.db, or set COMMUNITYCORE_DB",
            "请指定存储：--db sqlite:///town.db，或设置 COMMUNITYCORE_DB",
        )
    return _scheme(given.db)


def open_hub(given: argparse.Namespace, *, create: bool = False) -> Hub:
    """The store that `--db` names. Raises Usage if it names none, or what is no URL."""
    options = {} if scheme_in(given) == "memory" else {"create": create}
    return open_url(given.db, **options)


def open_url(url: str, **options: Any) -> Hub:
    """The store at `url`. Raises Usage for what is no URL."""
    import communitycore as cc

    _scheme(url)
    return cc.open(url, **options)


def _scheme(url: str) -> str:
    from communitycore.kernel.errors import BadValue
    from communitycore.plugins import scheme_of

    try:
        return scheme_of(url)
    except BadValue as error:
        raise Usage(f"--db: {error.why}", f"--db {error.why_zh}") from None


def desk_of(hub: Hub, given: argparse.Namespace) -> Desk:
    """A desk in the jurisdiction that `--in` names (or the only one), for `--as` or its first administrator."""
    where = where_of(hub, given.where)
    return hub.desk(where, actor_of(hub, given, where))


def where_of(hub: Hub, where: str | None) -> str:
    """What `--in` names, or the only jurisdiction there is. Raises Usage."""
    if where is not None:
        return where
    known = hub.jurisdictions()
    if len(known) != 1:
        listed = ", ".join(f"{j.codes[-1].value} {j.names[-1].value}" for j in known)
        raise Usage(
            f"say which jurisdiction: --in CODE (there are: {listed or 'none'})",
            f"请指定辖区：--in 代码（现有：{listed or '无'}）",
        )
    return known[0].id


def actor_of(hub: Hub, given: argparse.Namespace, where: str) -> Ref:
    """Whom `--as` names, or the first administrator there. Raises Usage for what names nobody."""
    from communitycore.kernel.errors import BadValue
    from communitycore.kernel.ids import Ref

    if not given.actor:
        return hub.administrator(where)
    try:
        return Ref.parse(given.actor)
    except BadValue:
        raise Usage(
            f"--as {given.actor} names nobody: give jurisdiction/id, as init prints it",
            f"--as {given.actor} 无效：应为“辖区编号/主体编号”，如 init 所示",
        ) from None


def read_anchor(path: str | None) -> Anchor | None:
    """The anchor in a file, if one is named. Raises Usage."""
    from communitycore.hub.report import Anchor

    if not path:
        return None
    try:
        return Anchor.from_text(read_text(path))
    except (ValueError, TypeError, AttributeError):
        raise Usage(
            f"{path} is no anchor; write one with verify --write-anchor",
            f"{path} 不是锚点文件，请用 verify --write-anchor 生成",
        ) from None


def init(given: argparse.Namespace, out: Output) -> int:
    """Make a store and found a jurisdiction in it."""
    from communitycore.formats.geojson import read_features
    from communitycore.kernel.geometry import Area

    extent = None
    if given.extent:
        areas = [f.shape for f in read_features(read_text(given.extent)) if isinstance(f.shape, Area)]
        if len(areas) != 1:
            raise Usage(
                f"{given.extent} has {len(areas)} polygons; an extent is one (multi)polygon",
                f"{given.extent} 含 {len(areas)} 个多边形；辖区范围应为一个（复合）多边形",
            )
        extent = areas[0]
    with open_hub(given, create=True) as hub:
        body = hub.found(
            given.code, name=given.title, level=given.level, parent=given.parent, zone=given.zone, extent=extent
        )
        first = hub.administrator(body.id)
    out.result({"jurisdiction": body.id, "code": given.code, "administrator": str(first)})
    out.say(
        f"Founded {given.code} {given.title} ({given.level}) as {body.id}. Its administrator is {first}.",
        f"已建立 {given.code} {given.title}（{given.level}），编号 {body.id}；管理员为 {first}。",
    )
    return DONE


def verify(given: argparse.Namespace, out: Output) -> int:
    """Check everything; exit 1 if anything is not as the journal says."""
    from communitycore.cli.resuming import Resuming

    anchor = read_anchor(given.anchor)
    with open_hub(given) as hub, Resuming(given.resume) as resuming, out.progress() as progress:
        task = progress.add_task(out.pick("entries", "日志条目"), total=None)
        report = hub.verify(
            anchor,
            lambda done, total: progress.update(task, completed=done, total=total),
            resume=resuming.start,
            keep=resuming.keep,
        )
        now = hub.anchor()
    out.result(
        {
            "ok": report.ok,
            "jurisdictions": report.jurisdictions,
            "entries": report.entries,
            "rows": report.rows,
            "faults": [
                {"jurisdiction": f.jurisdiction, "what": f.what, "seq": f.seq, "kind": f.kind, "record": f.record}
                for f in report.faults
            ],
            "further": report.further,
        }
    )
    show_report(report, out)
    if given.write_anchor:
        if not report.ok:
            out.fault(out.pick("No anchor was written: it would vouch for what is wrong.", "校验未通过，未写入锚点。"))
        else:  # after the result, which a path that cannot be written must not keep back
            write_text(given.write_anchor, now.to_text() + "\n")
    return DONE if report.ok else REFUSED


def show_report(report: Any, out: Output) -> None:
    """A verification in a sentence, or its faults in a table."""
    out.say(
        f"{report.entries} entries and {report.rows} rows in {counted(report.jurisdictions, 'jurisdiction')} checked.",
        f"已校验 {report.jurisdictions} 个辖区的 {report.entries} 条日志和 {report.rows} 行数据。",
    )
    if report.ok:
        out.say("Everything is as the journal says.", "全部与日志一致。")
        return
    rows = [[f.jurisdiction, f.seq or "", out.pick(f.what, f.what_zh)] for f in report.faults]
    out.table(
        out.pick("Not as the journal says", "与日志不符"),
        [out.pick("jurisdiction", "辖区"), out.pick("entry", "条目"), out.pick("what", "问题")],
        rows,
    )
    if report.further:
        out.say(f"… and {report.further} more.", f"……另有 {report.further} 处。")


def history(given: argparse.Namespace, out: Output) -> int:
    """What happened to one record."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        shape: Any = hub.catalogue.shapes.get(given.kind)
        if shape is None:
            known = sorted(hub.catalogue.shapes)
            raise Usage(
                f"no kind of record is called {given.kind}; there are: {', '.join(known)}",
                f"没有名为 {given.kind} 的记录种类；现有：{'、'.join(known)}",
            )
        entries = desk.history(shape.cls, given.id)
    told = [
        {
            "seq": e.seq,
            "at": e.at,
            "occurred_at": e.occurred_at,
            "name": e.name,
            "actor": e.actor,
            "behalf": e.behalf,
            "version": e.version,
            "changes": e.changes(),
            "timers": None if e.timers is None else json.loads(e.timers),
            "hash": e.hash,
        }
        for e in entries
    ]
    out.result(told)
    out.table(
        f"{given.kind} {given.id}",
        [
            out.pick(*c)
            for c in (("entry", "条目"), ("at", "时间"), ("what", "事项"), ("by", "操作人"), ("changes", "变更"))
        ],
        [[e.seq, e.at[:19].replace("T", " "), e.name, e.actor, "\n".join(_changed(e))] for e in entries],
    )
    return DONE


def _changed(entry: Entry) -> Iterator[str]:
    """A line for each field that an entry tells of: its value, or what it was and what it became."""
    for field, value in entry.changes().items():
        if entry.begins or entry.notes:
            yield f"{field}: {_short(value)}"
        else:
            yield f"{field}: {_short(value[0])} → {_short(value[1])}"


def _short(value: object) -> str:
    """A value on one line; an area's thousand corners are left to --json."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def plugins(given: argparse.Namespace, out: Output) -> int:
    """Installed rooms, vetoes, classifiers and stores, checked."""
    from communitycore.cli.extending import plugins

    return plugins(given, out)


def classify(given: argparse.Namespace, out: Output) -> int:
    """Suggest categories for a text."""
    from communitycore.cli.extending import classify

    return classify(given, out)


def new_plugin(given: argparse.Namespace, out: Output) -> int:
    """Write a plug-in to start from."""
    from communitycore.cli.extending import new_plugin

    return new_plugin(given, out)


def schema(given: argparse.Namespace, out: Output) -> int:
    """Print the statements that make the tables."""
    from communitycore.cli.migrate import schema

    return schema(given, out)


def schemas(given: argparse.Namespace, out: Output) -> int:
    """Print what every command takes and every record holds, for a program to read; with --json and without."""
    from communitycore.cli.migrate import rooms
    from communitycore.formats.schemas import schemas

    opened, _ = rooms()
    if unknown := sorted(set(given.room or ()) - {room.name for room in opened}):
        known = ", ".join(room.name for room in opened)
        raise Usage(f"no room is called {unknown[0]}; there are {known}", f"没有名为 {unknown[0]} 的模块；现有 {known}")
    told = schemas(room for room in opened if not given.room or room.name in given.room)
    print(json.dumps(told, ensure_ascii=False, indent=None if given.json else 1))
    return DONE


def migrate(given: argparse.Namespace, out: Output) -> int:
    """Show what a store lacks, and add it."""
    from communitycore.cli.migrate import migrate

    return migrate(given, out)


def statement(given: argparse.Namespace, out: Output) -> int:
    """See books.statement."""
    from communitycore.cli.books import statement

    return statement(given, out)


def ledger(given: argparse.Namespace, out: Output) -> int:
    """See books.ledger."""
    from communitycore.cli.books import ledger

    return ledger(given, out)


def calendar(given: argparse.Namespace, out: Output) -> int:
    """See services.calendar."""
    from communitycore.cli.services import calendar

    return calendar(given, out)


def coverage(given: argparse.Namespace, out: Output) -> int:
    """See services.coverage."""
    from communitycore.cli.services import coverage

    return coverage(given, out)


def paper(given: argparse.Namespace, out: Output) -> int:
    """See papers.paper."""
    from communitycore.cli.papers import paper

    return paper(given, out)


def match_bank(given: argparse.Namespace, out: Output) -> int:
    """See bank.match_bank."""
    from communitycore.cli.bank import match_bank

    return match_bank(given, out)


def tally(given: argparse.Namespace, out: Output) -> int:
    """Wishes of a jurisdiction."""
    from communitycore.cli.figures import tally

    return tally(given, out)


def locate(given: argparse.Namespace, out: Output) -> int:
    """Which jurisdiction and grid a point lies in."""
    from communitycore.cli.figures import locate

    return locate(given, out)


def erase(given: argparse.Namespace, out: Output) -> int:
    """Erase what is personal of a person, and print the certificate."""
    from communitycore.cli.erasing import erase

    return erase(given, out)


def import_grids(given: argparse.Namespace, out: Output) -> int:
    """Draw grids from a GeoJSON file."""
    from communitycore.cli.imports import import_grids

    return import_grids(given, out)


def import_requests(given: argparse.Namespace, out: Output) -> int:
    """Load service requests from a CSV file."""
    from communitycore.cli.imports import import_requests

    return import_requests(given, out)


def export(given: argparse.Namespace, out: Output) -> int:
    """Write a jurisdiction to a file."""
    from communitycore.cli.moving import export

    return export(given, out)


def take_in(given: argparse.Namespace, out: Output) -> int:
    """Take in a jurisdiction from a file."""
    from communitycore.cli.moving import take_in

    return take_in(given, out)


def demo(given: argparse.Namespace, out: Output) -> int:
    """Play a real district's week."""
    from communitycore.cli.demo import demo

    return demo(given, out)
