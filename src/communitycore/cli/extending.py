"""Plug-ins on the command line: which are installed, what they suggest, and a new one to start from."""

from __future__ import annotations

import argparse
import keyword
import re
import warnings
from importlib.resources import files
from pathlib import Path
from string import Template

import communitycore as cc
from communitycore.cli import DONE, REFUSED
from communitycore.cli.output import Output
from communitycore.cli.verbs import Usage, desk_of, open_hub, write_text
from communitycore.domain import tickets
from communitycore.kernel.jurisdiction import ROOM
from communitycore.plugins import PluginWarning, installed_stores

LONGEST_ROOM = 30


def plugins(given: argparse.Namespace, out: Output) -> int:
    """Installed rooms, vetoes, classifiers and stores; every room is checked, and a plug-in that fails is named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # told below
        outside = cc.installed_plugins()
    rooms = [ROOM, *cc.built_in_rooms(), *outside.rooms]
    stores = installed_stores()
    origin = outside.origins.get
    out.result(
        {
            "rooms": [
                {"name": r.name, "records": len(r.records), "commands": len(r.commands), "plugin": origin(r.name)}
                for r in rooms
            ],
            "vetoes": [{"name": v.name, "on": sorted(v.on), "plugin": origin(v.name)} for v in outside.vetoes],
            "classifiers": [{"name": c.name, "plugin": origin(c.name)} for c in outside.classifiers],
            "stores": stores,
            "faults": dict(outside.faults),
        }
    )
    source = out.pick("from", "来源")
    out.table(
        out.pick("Rooms", "模块"),
        [*(out.pick(*c) for c in (("room", "模块"), ("records", "记录"), ("commands", "命令"))), source],
        [[r.name, len(r.records), len(r.commands), origin(r.name, "communitycore")] for r in rooms],
    )
    if outside.vetoes:
        out.table(
            out.pick("Vetoes", "否决规则"),
            [out.pick("veto", "规则"), out.pick("asked about", "适用条目"), source],
            [[v.name, ", ".join(sorted(v.on)), origin(v.name, "")] for v in outside.vetoes],
        )
    if outside.classifiers:
        out.table(
            out.pick("Classifiers", "分类器"),
            [out.pick("classifier", "分类器"), source],
            [[c.name, origin(c.name, "")] for c in outside.classifiers],
        )
    out.table(
        out.pick("Stores", "存储"),
        [out.pick("scheme", "协议"), source],
        [[scheme, named] for scheme, named in stores.items()],
    )
    for name, why in outside.faults.items():
        out.fault(out.pick(f"the plug-in {name} is left out: {why}", f"插件 {name} 未启用：{why}"))
    return REFUSED if outside.faults else DONE


def classify(given: argparse.Namespace, out: Output) -> int:
    """What the classifiers of installed plug-ins suggest as a text's ticket category."""
    with open_hub(given) as hub:
        choices = desk_of(hub, given).ask(tickets.choices)
        told = hub.classify(given.text, choices)
        asked = len(hub.classifiers)
    suggested = [
        {"category": s.choice, "name": choices[s.choice], "percent": s.percent, "why": s.why, "by": s.by}
        for s in told.suggestions
    ]
    out.result({"suggestions": suggested, "failed": dict(told.failed)})
    if suggested:
        out.table(
            out.pick("Suggested categories", "建议类别"),
            [out.pick(*c) for c in (("category", "类别"), ("likely", "可能性"), ("why", "依据"), ("by", "分类器"))],
            [[s["name"], f"{s['percent']} %", s["why"], s["by"]] for s in suggested],
        )
    elif not asked:
        out.say("No installed plug-in brings a classifier.", "没有已安装的插件提供分类器。")
    else:
        out.say("Nothing is suggested; choose a category by hand.", "没有建议，请人工选择类别。")
    for name, why in told.failed.items():
        out.fault(out.pick(f"the classifier {name} failed: {why}", f"分类器 {name} 出错：{why}"))
    return DONE


FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "init.py": "src/{package}/__init__.py",
    "plugin.py": "src/{package}/plugin.py",
    "room.py": "src/{package}/room.py",
    "test_room.py": "tests/test_{room}.py",
}
"""What a new plug-in is made of: template -> where it comes to stand."""


def new_plugin(given: argparse.Namespace, out: Output) -> int:
    """Write a distribution with a room, a veto, a figure and tests that pass, to change into one's own."""
    name: str = given.distribution
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise Usage(
            f"{name!r} is no name for a distribution: lower-case words joined by -, such as community-tools",
            f"{name!r} 不能作为分发包名称：请用小写英文单词并以 - 连接，如 community-tools",
        )
    package, room = name.replace("-", "_"), name.rpartition("-")[2]
    folder = Path(given.into, name)
    taken = {one.name for one in (ROOM, *cc.built_in_rooms())}
    if room in taken or keyword.iskeyword(room) or not room[0].isalpha() or len(room) > LONGEST_ROOM:
        raise Usage(
            f"a room cannot be called {room!r}; let the name end in another word, such as {name}-tools",
            f"模块不能命名为 {room!r}；请换一个结尾的单词，如 {name}-tools",
        )
    if folder.exists():
        raise Usage(f"{folder} is there already; nothing was written", f"{folder} 已存在，未写入任何文件")
    words = {"distribution": name, "package": package, "room": room, "version": cc.__version__}
    words["title"] = name.replace("-", " ").capitalize()
    templates = files("communitycore.cli") / "template"
    written = []
    for template, where in FILES.items():
        text = Template((templates / f"{template}.tmpl").read_text(encoding="utf-8")).substitute(words)
        path = folder / where.format(package=package, room=room)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise Usage(
                f"{path.parent} cannot be made: {cause.strerror}", f"无法创建 {path.parent}：{cause.strerror}"
            ) from cause
        write_text(str(path), text)
        written.append(str(path))
    out.result({"folder": str(folder), "files": written})
    out.say(
        f"{folder} is a plug-in now. Next: cd {folder} && python -m pip install -e '.[test]' && python -m pytest",
        f"已在 {folder} 生成插件。下一步：cd {folder} && python -m pip install -e '.[test]' && python -m pytest",
    )
    return DONE
