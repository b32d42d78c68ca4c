"""`schema` and `migrate`: what a store's tables are made of, and what an older one lacks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from communitycore.cli import DONE, REFUSED, UNUSABLE
from communitycore.cli.output import Output, counted
from communitycore.cli.verbs import Usage, scheme_in
from communitycore.kernel.command import Room
from communitycore.kernel.shape import Shape
from communitycore.ports import Migrating, Plan

if TYPE_CHECKING:
    from communitycore.hub.hub import Hub
    from communitycore.hub.upcasting import Upcasted

KINDS_OF_WORK = {
    "table": "表",
    "column": "列",
    "column widened": "加宽列",
    "column narrowed": "收窄列",
    "index": "索引",
    "index dropped": "删除索引",
    "number": "结构版本",
    "note": "新增字段登记",
}


def rooms() -> tuple[list[Room], bool]:
    """The rooms that `communitycore.open` would open, and whether some come from plug-ins."""
    import communitycore as cc

    outside = cc.installed_plugins().rooms
    return [*cc.built_in_rooms(), *outside], bool(outside)


def _shapes(opened: list[Room]) -> Mapping[str, Shape]:
    from communitycore.hub.catalogue import Catalogue
    from communitycore.kernel.jurisdiction import ROOM

    return Catalogue((ROOM, *opened)).shapes


def schema(given: argparse.Namespace, out: Output) -> int:
    """Print the statements that make the tables, ready to be run."""
    from communitycore.plugins import ddl_of

    scheme = given.dialect or scheme_in(given)
    known = _shapes(rooms()[0])
    if strange := [kind for kind in given.kind or () if kind not in known]:
        raise Usage(
            f"no kind of record is called {strange[0]}; there are: {', '.join(sorted(known))}",
            f"没有名为 {strange[0]} 的记录类型；现有：{', '.join(sorted(known))}",
        )
    wanted = [shape for kind, shape in known.items() if not given.kind or kind in given.kind]
    statements = ddl_of(scheme, wanted, own=not given.kind)
    out.result({"dialect": scheme, "statements": statements})
    if not statements:
        out.say("This store has no tables to be made.", "该存储无需建表。")
    if not out.as_json:
        for statement in statements:
            out.line(f"{statement};")
    return DONE


def migrate(given: argparse.Namespace, out: Output) -> int:
    """Show what the store lacks; with `--yes` add it, with `--rows` step rows of earlier forms as well."""
    from communitycore.hub.hub import Hub
    from communitycore.plugins import open_store

    options: dict[str, Any] = {} if scheme_in(given) == "memory" else {"create": False}
    opened, outside = rooms()
    store = open_store(given.db, **options)
    try:
        if not isinstance(store, Migrating):
            out.result({"ok": False, "plan": None})
            out.fault(
                out.pick(
                    "The adapter of this store cannot say what it would change; opening the store does it.",
                    "该存储的适配器无法给出变更计划；直接打开存储即会变更。",
                )
            )
            return UNUSABLE
        plan = store.plan(_shapes(opened).values())
        _show(plan, out)
        if plan.obstacles or not given.yes:
            out.result(_told(plan))
            return _left(plan, out)
        hub = Hub(store, opened, check=outside)
        done = _step_rows(hub, plan, out) if given.rows else None
        out.result({**_told(plan), "done": True, "rows": None if done is None else done.stepped})
        return _done(done, plan, out)
    finally:
        store.close()


def _left(plan: Plan, out: Output) -> int:
    """Nothing was done, and why."""
    if plan.obstacles:
        for obstacle in plan.obstacles:
            out.fault(obstacle.say(out.language))
        out.say("Nothing was changed.", "未做任何变更。")
        return UNUSABLE
    if plan.steps or plan.older or plan.lacking:
        out.say(
            "Nothing was changed. Do it with --yes; and with --rows too, for the rows.",
            "未做任何变更。加 --yes 执行；需要处理数据行时再加 --rows。",
        )
    else:
        out.say("Nothing is lacking.", "无需变更。")
    return DONE


def _listed(plan: Plan) -> list[tuple[str, str]]:
    """What is worth telling: not what a planner is told of indexes."""
    return [(step.what, step.name) for step in plan.steps if step.what in KINDS_OF_WORK]


def _show(plan: Plan, out: Output) -> None:
    if listed := _listed(plan):
        out.table(
            out.pick("To be made", "待变更"),
            [out.pick("what", "类别"), out.pick("name", "名称")],
            [[out.pick(what, KINDS_OF_WORK[what]), name] for what, name in listed],
        )
    rows = [
        [kind, out.pick(f"of form {number}", f"结构版本 {number}"), count]
        for kind, counts in sorted(plan.older.items())
        for number, count in sorted(counts.items())
    ]
    rows += [
        [kind, out.pick(f"without {field}", f"缺少 {field}"), count]
        for kind, counts in sorted(plan.lacking.items())
        for field, count in sorted(counts.items())
    ]
    if rows:
        out.table(
            out.pick("Rows that read as today's and are stored as they were", "按新结构读取、仍按旧结构保存的行"),
            [out.pick(*head) for head in (("kind", "类型"), ("which", "情况"), ("rows", "行数"))],
            rows,
        )


def _told(plan: Plan) -> dict[str, Any]:
    return {
        "ok": not plan.obstacles,
        "steps": [{"what": s.what, "name": s.name, "statement": s.statement} for s in plan.steps],
        "obstacles": [{"error": o.code, "say": o.say()} for o in plan.obstacles],
        "older": {kind: dict(counts) for kind, counts in plan.older.items()},
        "lacking": {kind: dict(counts) for kind, counts in plan.lacking.items()},
        "done": False,
    }


def _step_rows(hub: Hub, plan: Plan, out: Output) -> Upcasted:
    total = sum(sum(counts.values()) for counts in plan.older.values())
    total += sum(max(counts.values()) for counts in plan.lacking.values())
    with out.progress() as progress:
        task = progress.add_task(out.pick("rows", "数据行"), total=total)
        return hub.upcast(lambda stepped: progress.update(task, completed=stepped))


def _done(rows: Upcasted | None, plan: Plan, out: Output) -> int:
    made = len(_listed(plan))
    steps = counted(made, "change")
    if rows is None:
        out.say(f"Done: {steps}.", f"完成：{made} 项变更。")
        if plan.older or plan.lacking:
            out.say(
                "Rows stay as they are until their next step, or --rows.", "数据行在下次变更或使用 --rows 前保持不变。"
            )
        return DONE
    out.say(
        f"Done: {steps}, {counted(rows.stepped, 'row')} stepped.",
        f"完成：{made} 项变更，{rows.stepped} 行已转为新结构。",
    )
    if rows.left:
        out.table(
            out.pick("Rows that stay as they are", "未能转换的行"),
            [out.pick(*head) for head in (("jurisdiction", "辖区"), ("record", "记录"), ("why", "原因"))],
            [[left.jurisdiction, f"{left.kind} {left.record}", left.why.say(out.language)] for left in rows.left],
        )
        return REFUSED
    return DONE
