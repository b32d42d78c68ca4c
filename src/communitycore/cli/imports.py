"""Grids from GeoJSON and requests from CSV, by the command line."""

from __future__ import annotations

import argparse

from attrs import asdict

from communitycore.cli import DONE, REFUSED
from communitycore.cli.output import Output, counted
from communitycore.cli.verbs import desk_of, open_hub, read_text
from communitycore.domain.places import GridKind
from communitycore.formats.geojson import read_features
from communitycore.formats.requests_csv import read_mapping, read_requests
from communitycore.loading import More, load_grids, load_requests
from communitycore.loading.requests import make_actors

SHOWN = 20  # problems in the window


def import_grids(given: argparse.Namespace, out: Output) -> int:
    """Draw a grid for each polygon; exit 1 if any was refused, naming it and what is wrong with it."""
    features = read_features(read_text(given.file), name_from=given.name_property)
    with open_hub(given) as hub, out.progress() as progress:
        bar = progress.add_task(out.pick("grids", "网格"), total=len(features))
        loaded = load_grids(
            desk_of(hub, given),
            features,
            kind=GridKind(given.kind),
            repair=given.repair,
            more=More(
                code=given.code_property,
                scheme=given.scheme,
                households=given.households_property,
                phone=given.phone_property,
            ),
            language=out.language,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    out.result(asdict(loaded))
    out.say(
        f"{counted(len(loaded.drawn), 'grid')} drawn, {len(loaded.repaired)} of them repaired, "
        f"{len(loaded.known)} known already, {len(loaded.refused)} refused.",
        f"已绘制网格 {len(loaded.drawn)} 个（其中修复 {len(loaded.repaired)} 个），已有 {len(loaded.known)} 个，"
        f"拒绝 {len(loaded.refused)} 个。",
    )
    for name, why in loaded.refused.items():
        out.fault(f"{name}: {why}")
    return REFUSED if loaded.refused else DONE


def import_requests(given: argparse.Namespace, out: Output) -> int:
    """Load every row of a CSV file as a ticket; a second run makes none twice. What a row says wrongly is told."""
    mapped = read_mapping(read_text(given.mapping))
    rows = list(read_requests(read_text(given.file), mapped))
    with open_hub(given) as hub, out.progress() as progress:
        bar = progress.add_task(out.pick("requests", "诉求"), total=len(rows))
        admin = desk_of(hub, given)
        actors = make_actors(admin)
        loaded = load_requests(
            admin, rows, actors=actors, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
    acted = {"clerk": str(actors.clerk), "supervisor": str(actors.supervisor)}
    out.result({**loaded.data(out.language), **acted})
    out.say(
        f"{counted(loaded.rows, 'row')}: {counted(loaded.made, 'ticket')} made, {loaded.known} known already, "
        f"{loaded.failed} failed; "
        f"{loaded.placed} placed, {loaded.unplaced} in no grid, {loaded.ambiguous} in several; "
        f"{loaded.routed} given to officers, {loaded.by_unit} to units by name, {loaded.waiting} wait for a clerk; "
        f"{loaded.closed} walked to their end.",
        f"共 {loaded.rows} 行：新建 {loaded.made} 件，已有 {loaded.known} 件，失败 {loaded.failed} 件；"
        f"落入网格 {loaded.placed} 件，不在网格内 {loaded.unplaced} 件，位于多个网格 {loaded.ambiguous} 件；"
        f"按规则派给网格员 {loaded.routed} 件，按名称派给单位 {loaded.by_unit} 件，待派单 {loaded.waiting} 件；"
        f"办至结案 {loaded.closed} 件。",
    )
    if loaded.out_of_order:
        out.say(
            f"{loaded.out_of_order} were closed before they were opened; they are kept as the file says.",
            f"{loaded.out_of_order} 件的结案时间早于受理时间，按原文保留。",
        )
    for (lon, lat), count in loaded.shared.items():
        out.say(f"{count} share the point {lon}, {lat}.", f"{count} 件共用坐标点 {lon}, {lat}。")
    pace = loaded.commands / max(loaded.seconds, 1e-9)
    out.say(
        f"{loaded.commands} commands in {loaded.seconds:.1f} s: {pace:.0f} a second.",
        f"{loaded.seconds:.1f} 秒内执行 {loaded.commands} 条命令，每秒 {pace:.0f} 条。",
    )
    out.say(
        f"It was done as clerk {actors.clerk} and supervisor {actors.supervisor}; read tickets --as one of them.",
        f"导入以窗口人员 {actors.clerk} 和督办人员 {actors.supervisor} 的身份进行；查阅工单时请用 --as 指定其一。",
    )
    for line, why in loaded.problems[:SHOWN]:
        out.fault(f"{given.file}:{line}: {why.say(out.language)}")
    if (more := len(loaded.problems) - SHOWN) > 0:
        out.fault(out.pick(f"… and {more} more; --json lists all.", f"……另有 {more} 条；--json 可列出全部。"))
    return REFUSED if loaded.failed else DONE
