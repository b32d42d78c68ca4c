"""What a person asks of a store: how the wishes stand, and where a point lies."""

from __future__ import annotations

import argparse
from typing import Any

from communitycore.cli import DONE, REFUSED
from communitycore.cli.output import Output
from communitycore.cli.verbs import actor_of, desk_of, open_hub
from communitycore.domain import places, wishes
from communitycore.domain.wishes import Campaign, Tally
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.geometry import Point


def tally(given: argparse.Namespace, out: Output) -> int:
    """Every campaign of a jurisdiction: how far it has come, and who claimed how many."""
    with open_hub(given) as hub:
        desk = desk_of(hub, given)
        campaigns = desk.find(Campaign, limit=1_000)
        tallies = [(campaign, desk.ask(wishes.tally, campaign.id)) for campaign in campaigns]
    out.result([{"campaign": c.id, "title": c.title, "status": c.status.value, **tally_data(t)} for c, t in tallies])
    if not tallies:
        out.say("No campaign has been announced here.", "此处尚未发布微心愿活动。")
    for campaign, counted in tallies:
        show_tally(campaign.title, counted, out)
    return DONE


def tally_data(counted: Tally) -> dict[str, Any]:
    """A tally as plain data."""
    p = counted.progress
    return {
        "published": p.published,
        "open": p.open,
        "claimed": p.claimed,
        "fulfilled": p.fulfilled,
        "handed_over": p.handed_over,
        "thanked": p.thanked,
        "withdrawn": p.withdrawn,
        "claimants": {cell.name: cell.count for cell in counted.claimants.cells},
        "others": counted.claimants.others,
        "unnamed": counted.unnamed,
        "related": counted.related,
    }


def show_tally(title: str, counted: Tally, out: Output) -> None:
    """A tally as sentence and chart."""
    p = counted.progress
    out.say(
        f"{title}: {p.lit} of {p.published} wishes lit, {p.open} open, {p.handed_over + p.thanked} handed over.",
        f"{title}：共 {p.published} 个微心愿，已点亮 {p.lit} 个，待认领 {p.open} 个，"
        f"已转交 {p.handed_over + p.thanked} 个。",
    )
    bars = [(cell.name, cell.count) for cell in counted.claimants.cells]
    if counted.claimants.others:
        bars.append((out.pick("others", "其他"), counted.claimants.others))
    if counted.unnamed:
        bars.append((wishes.NEIGHBOUR[out.language] + out.pick(" (all unnamed)", "（未留名，合计）"), counted.unnamed))
    if counted.related:
        bars.append((out.pick("related parties", "关联方"), counted.related))
    out.bars(out.pick("Claimed by", "认领榜"), bars)


def locate(given: argparse.Namespace, out: Output) -> int:
    """Which jurisdiction and grid a point lies in: one, none, or all it may lie in. Exit 1 unless it is one."""
    point = Point(given.lon, given.lat)
    with open_hub(given) as hub:
        where = [given.where] if given.where else hub.locate(point)
        rows = [row for id in where for row in _grids(hub, hub.desk(id, actor_of(hub, given, id)), point)]
        if not given.where:
            # Where a body's extent was never given, its grids alone tell whether the point is there.
            unknown = [body.id for body in hub.jurisdictions() if body.extent is None]
            asked = (_grids(hub, hub.desk(id, actor_of(hub, given, id)), point) for id in unknown)
            rows += [row for found in asked for row in found if row["grid"] is not None]
    placed = [row for row in rows if row["grid"] is not None]
    out.result({"lon": point.lon, "lat": point.lat, "found": rows})
    if not rows:
        out.say("That point lies in no jurisdiction of this store.", "该点不在本存储的任何辖区内。")
        return REFUSED
    columns = [
        out.pick(*c) for c in (("code", "代码"), ("jurisdiction", "辖区"), ("grid", "网格"), ("grid's id", "网格编号"))
    ]
    shown = [[r["code"], r["name"], r["grid_name"] or out.pick("none", "无"), r["grid"] or ""] for r in rows]
    out.table(f"{point.lon}, {point.lat}", columns, shown)
    if len(placed) > 1:
        out.say(
            "It lies on a shared border or in an overlap: a person decides.", "该点位于共同边界或重叠处，需由人判定。"
        )
    return DONE if len(placed) == 1 else REFUSED


def _grids(hub: Hub, desk: Desk, point: Point) -> list[dict[str, Any]]:
    body = next(j for j in hub.jurisdictions() if j.id == desk.jurisdiction)
    now = hub.clock()
    told = {"jurisdiction": body.id, "code": body.code(now), "name": body.name(now)}
    located = desk.ask(places.locate, point)
    if not located.grids:
        return [{**told, "grid": None, "grid_name": None}]
    return [{**told, "grid": id, "grid_name": desk.get(places.Grid, id).name} for id in located.grids]
