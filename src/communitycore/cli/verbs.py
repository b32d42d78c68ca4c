"""The verbs, each a function from parsed arguments to an exit code."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from communitycore.cli import DONE, REFUSED
from communitycore.cli.output import Output
from communitycore.kernel.errors import CommunityCoreError

if TYPE_CHECKING:
    from communitycore.hub.desk import Desk
    from communitycore.hub.hub import Hub


class Usage(Exception):
    """The words of the call are off; the sentence says how."""


def read_text(path: str) -> str:
    """A file's text, UTF-8 with or without a mark. Raises Usage."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Usage(f"{path} is not UTF-8 text; save it as UTF-8 and try again") from None
    except OSError as error:
        raise Usage(f"{path} cannot be read: {error.strerror}") from None


def write_text(path: str, text: str) -> None:
    """Write a file, UTF-8. Raises Usage."""
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Usage(f"{path} cannot be written: {error.strerror}") from None


def open_hub(given: argparse.Namespace, *, create: bool = False) -> Hub:
    """The store that `--db` names. Raises Usage if it names none, or what is no URL."""
    import communitycore as cc
    from communitycore.kernel.errors import BadValue
    from communitycore.plugins import scheme_of

    if not given.db:
        raise Usage("say which store: --db sqlite:///town.db, or set COMMUNITYCORE_DB")
    try:
        scheme_of(given.db)
    except BadValue as error:
        raise Usage(error.say(given.lang)) from None
    options: dict[str, Any] = {} if given.db.startswith("memory:") else {"create": create}
    return cc.open(given.db, **options)


def desk_of(hub: Hub, given: argparse.Namespace) -> Desk:
    """A desk in the jurisdiction that `--in` names (or the only one), for `--as` or its first administrator."""
    from communitycore.kernel.ids import Ref

    where = given.where
    if where is None:
        known = hub.jurisdictions()
        if len(known) != 1:
            listed = ", ".join(f"{j.codes[-1].value} {j.names[-1].value}" for j in known) or "none"
            raise Usage(f"say which jurisdiction: --in CODE (there are: {listed})")
        where = known[0].id
    return hub.desk(where, Ref.parse(given.actor) if given.actor else hub.administrator(where))


def init(given: argparse.Namespace, out: Output) -> int:
    """Make a store and found a jurisdiction in it."""
    from communitycore.formats.geojson import read_features
    from communitycore.kernel.geometry import Area

    extent = None
    if given.extent:
        areas = [f.shape for f in read_features(read_text(given.extent)) if isinstance(f.shape, Area)]
        if len(areas) != 1:
            raise Usage(f"{given.extent} has {len(areas)} polygons; an extent is one (multi)polygon")
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
    from communitycore.hub.verify import Anchor

    anchor = None
    if given.anchor:
        try:
            anchor = Anchor.from_text(read_text(given.anchor))
        except (ValueError, TypeError, AttributeError):
            raise Usage(f"{given.anchor} is no anchor; write one with verify --write-anchor") from None
    with open_hub(given) as hub, out.progress() as progress:
        task = progress.add_task(out.pick("entries", "日志条目"), total=None)
        report = hub.verify(anchor, lambda done, total: progress.update(task, completed=done, total=total))
        if given.write_anchor and report.ok:
            write_text(given.write_anchor, hub.anchor().to_text() + "\n")
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
        }
    )
    show_report(report, out)
    return DONE if report.ok else REFUSED


def show_report(report: Any, out: Output) -> None:
    """A verification in a sentence, or its faults in a table."""
    out.say(
        f"{report.entries} entries and {report.rows} rows in {report.jurisdictions} jurisdictions checked.",
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


def history(given: argparse.Namespace, out: Output) -> int:
    """What happened to one record."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        shape: Any = hub.catalogue.shapes.get(given.kind)
        if shape is None:
            raise Usage(
                f"no kind of record is called {given.kind}; there are: {', '.join(sorted(hub.catalogue.shapes))}"
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
        [
            [e.seq, e.at[:19].replace("T", " "), e.name, e.actor, json.dumps(e.changes(), ensure_ascii=False)]
            for e in entries
        ],
    )
    return DONE


def plugins(given: argparse.Namespace, out: Output) -> int:
    """Installed rooms and stores; every room is checked."""
    import communitycore as cc
    from communitycore.hub.catalogue import Catalogue
    from communitycore.kernel.jurisdiction import ROOM
    from communitycore.plugins import installed_rooms, installed_stores

    outside = installed_rooms()
    rooms = [ROOM, *cc.built_in_rooms(), *outside]
    catalogue = Catalogue(rooms)
    try:
        catalogue.check()
        fault = None
    except CommunityCoreError as error:
        fault = error
    stores = installed_stores()
    out.result(
        {
            "rooms": [{"name": r.name, "records": len(r.records), "commands": len(r.commands)} for r in rooms],
            "stores": stores,
            "fault": None if fault is None else str(fault),
        }
    )
    out.table(
        out.pick("Rooms", "模块"),
        [out.pick(*c) for c in (("room", "模块"), ("records", "记录"), ("commands", "命令"), ("from", "来源"))],
        [
            [r.name, len(r.records), len(r.commands), out.pick("plug-in", "插件") if r in outside else "communitycore"]
            for r in rooms
        ],
    )
    out.table(
        out.pick("Stores", "存储"),
        [out.pick("scheme", "协议"), out.pick("from", "来源")],
        [[scheme, source] for scheme, source in stores.items()],
    )
    if fault is not None:
        out.fault(str(fault))
        return REFUSED
    return DONE


def tally(given: argparse.Namespace, out: Output) -> int:
    """Wishes of a jurisdiction."""
    from communitycore.cli.figures import tally

    return tally(given, out)


def locate(given: argparse.Namespace, out: Output) -> int:
    """Which jurisdiction and grid a point lies in."""
    from communitycore.cli.figures import locate

    return locate(given, out)


def import_grids(given: argparse.Namespace, out: Output) -> int:
    """Draw grids from a GeoJSON file."""
    from communitycore.cli.imports import import_grids

    return import_grids(given, out)


def import_requests(given: argparse.Namespace, out: Output) -> int:
    """Load service requests from a CSV file."""
    from communitycore.cli.imports import import_requests

    return import_requests(given, out)


def demo(given: argparse.Namespace, out: Output) -> int:
    """Play a real district's week."""
    from communitycore.cli.demo import demo

    return demo(given, out)
