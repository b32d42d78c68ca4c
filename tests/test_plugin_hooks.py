"""Plug-ins: asked in order, each checked, and one that fails is named and left out whole."""

from __future__ import annotations

import json
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.hub.room import ROOM

import communitycore as cc
from communitycore import plugins
from communitycore.cli import DONE, REFUSED, main
from communitycore.kernel.classify import classify
from communitycore.kernel.errors import BadValue
from communitycore.plugins import PluginWarning, collect, hookimpl


def plugin(**hooks: Callable[[], Any]) -> Any:
    """A module with these hooks, marked as such."""
    made = types.ModuleType("a_plugin")
    for name, function in hooks.items():
        setattr(made, name, hookimpl(function))
    return made


def room(name: str, **more: Any) -> cc.Room:
    return cc.Room(name, records=(), commands=(), **more)


def veto(name: str) -> cc.Veto:
    return cc.Veto(name, frozenset({"x.y"}), lambda view, step: None)


def brings(*rooms: cc.Room) -> Any:
    return plugin(communitycore_rooms=lambda: rooms)


def test_plug_ins_are_asked_in_the_order_given_and_keep_the_order_of_what_they_bring() -> None:
    found = collect([("b", lambda: brings(room("b1"), room("b2"))), ("a", lambda: brings(room("a1")))])
    assert [one.name for one in found.rooms] == ["b1", "b2", "a1"]
    assert found.origins == {"b1": "b", "b2": "b", "a1": "a"}


def fails(*_: object) -> Any:
    raise OSError("no disk")


def nothing() -> list[Any]:
    return []


UNMARKED = types.SimpleNamespace(communitycore_rooms=list)


@pytest.mark.parametrize(
    ("load", "said"),
    [
        (fails, "OSError: no disk"),
        (lambda: plugin(communitycore_rooms=fails), "OSError: no disk"),
        (lambda: plugin(communitycore_room=nothing), "communitycore_room is no hook; communitycore_rooms is"),
        (lambda: plugin(communitycore_veto=nothing), "communitycore_veto is no hook; communitycore_vetoes is"),
        (lambda: UNMARKED, "would never be called; mark it with @hookimpl"),
        (lambda: plugin(communitycore_rooms=lambda: [veto("a.b")]), "it gives a list of Rooms"),
        (lambda: plugin(communitycore_vetoes=lambda: 7), "it gives a list of Vetos"),
        (lambda: plugin(communitycore_classifiers=lambda: ["x"]), "it gives a list of Classifiers"),
        (lambda: plugin(communitycore_rooms=lambda: [ROOM, ROOM]), ""),
    ],
)
def test_one_that_fails_is_named_and_left_out_whole_and_the_others_are_there(
    load: Callable[[], Any], said: str
) -> None:
    def check(rooms: Any, vetoes: Any) -> None:
        if len({one.name for one in rooms}) < len(rooms):
            raise ValueError("twice")

    found = collect([("a", lambda: brings(room("a"))), ("broken", load), ("c", lambda: brings(room("c")))], check)
    assert [one.name for one in found.rooms] == ["a", "c"]
    assert (found.vetoes, found.classifiers) == ((), ())
    assert list(found.faults) == ["broken"]
    assert said in found.faults["broken"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Installs a plug-in of this name and source, as pip would, until the test is over."""
    plugins._mentioned.cache_clear()
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install(name: str, source: str) -> None:
        Path(tmp_path, f"{name}_plugin.py").write_text(source, encoding="utf-8")
        info = Path(tmp_path, f"{name}-1.dist-info")
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n", encoding="utf-8")
        entry = f"[{plugins.PLUGINS}]\n{name} = {name}_plugin\n"
        info.joinpath("entry_points.txt").write_text(entry, encoding="utf-8")

    yield install
    plugins._mentioned.cache_clear()
    for name in set(sys.modules) - before:
        if name.endswith("_plugin"):
            del sys.modules[name]


GOOD = """
import communitycore as cc
from communitycore.plugins import hookimpl


def refuse(view, step):
    raise cc.Vetoed(veto="lamps.none", why="never", why_zh="不允许")


@hookimpl
def communitycore_rooms():
    return [cc.Room("lamps", records=(), commands=())]


@hookimpl
def communitycore_vetoes():
    return [cc.Veto("lamps.none", frozenset({"party.registered"}), refuse)]


@hookimpl
def communitycore_classifiers():
    return [cc.Classifier("lamps.words", lambda text, choices: [cc.Suggestion(c, 50) for c in choices])]
"""

CLASHES = """
import communitycore as cc
from communitycore.plugins import hookimpl


@hookimpl
def communitycore_rooms():
    return [cc.Room("mine", records=(), commands=(cc.tickets.report, cc.command("tickets.report", may=cc.PUBLIC)(f)))]


def f(view: cc.View) -> cc.Change[None]:
    ...
"""


def test_what_is_installed_opens_with_every_hub(installed: Callable[[str, str], None]) -> None:
    installed("lamps", GOOD)
    with cc.open("memory://") as hub:
        assert "lamps" in [one.name for one in hub.catalogue.rooms]
        assert list(hub.catalogue.vetoes) == ["lamps.none"]
        assert [s.by for s in hub.classify("灯", {"1": "照明"}).suggestions] == ["lamps.words"]
    with cc.open("memory://", rooms=[ROOM]) as hub:
        assert not hub.catalogue.vetoes
        assert not hub.classifiers


def test_an_installed_one_that_fails_is_warned_of_and_the_rest_works(installed: Callable[[str, str], None]) -> None:
    installed("lamps", GOOD)
    installed("broken", "1 / 0")
    installed("clashes", CLASHES)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with cc.open("memory://") as hub:
            assert "lamps" in [one.name for one in hub.catalogue.rooms]
            assert "mine" not in [one.name for one in hub.catalogue.rooms]
    assert [one.category for one in told] == [PluginWarning, PluginWarning]
    assert "broken is left out: ZeroDivisionError" in str(told[0].message)
    assert "clashes is left out" in str(told[1].message)
    assert "declared twice" in str(told[1].message)
    assert told[0].filename == __file__


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_line_lists_what_is_installed_and_names_what_fails(
    installed: Callable[[str, str], None], capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    installed("lamps", GOOD)
    assert main(["plugins", "--lang", lang]) == DONE
    said = capsys.readouterr().out
    for name in ("lamps", "lamps.none", "party.registered", "lamps.words", "wishes"):
        assert name in said
    installed("broken", "1 / 0")
    assert main(["plugins", "--lang", lang]) == REFUSED
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert main(["plugins", "--json"]) == REFUSED
    told = json.loads(capsys.readouterr().out)
    assert told["faults"] == {"broken": "ZeroDivisionError: division by zero"}
    assert {"name": "lamps", "records": 0, "commands": 0, "plugin": "lamps"} in told["rooms"]


# classifiers


def suggests(*listed: tuple[str, int], name: str = "a.b") -> cc.Classifier:
    return cc.Classifier(name, lambda text, choices: [cc.Suggestion(choice, percent) for choice, percent in listed])


def test_suggestions_come_with_the_likeliest_first_and_say_whose_they_are() -> None:
    told = classify([suggests(("1", 20), ("2", 80)), suggests(("1", 50), name="c.d")], "灯", {"1": "x", "2": "y"})
    assert [(s.choice, s.percent, s.by) for s in told.suggestions] == [
        ("2", 80, "a.b"),
        ("1", 50, "c.d"),
        ("1", 20, "a.b"),
    ]
    assert not told.failed


def test_a_classifier_that_fails_is_named_without_the_text_and_the_others_are_heard() -> None:
    def breaks(text: str, choices: object) -> Any:
        raise ValueError(text)

    broken = [cc.Classifier("x.y", breaks), suggests(("9", 10), name="z.z"), cc.Classifier("n.n", lambda t, c: None)]  # type: ignore[arg-type,return-value]
    told = classify([*broken, suggests(("1", 20))], "李四的电话", {"1": "x"})
    assert [s.by for s in told.suggestions] == ["a.b"]
    assert told.failed == {"x.y": "ValueError", "z.z": "'9' is none of the choices", "n.n": "TypeError"}


@pytest.mark.parametrize("percent", [0, 101, -1, 50.0, True, "50"])
def test_a_percentage_is_a_whole_number_of_1_to_100(percent: Any) -> None:
    with pytest.raises(BadValue):
        cc.Suggestion("1", percent)


def test_categories_are_offered_as_choices_with_those_above_them() -> None:
    with cc.open("memory://", rooms=cc.built_in_rooms(), classifiers=[]) as hub:
        body = hub.found("370115", name="济阳区", level="district")
        admin = hub.desk(body.id, hub.administrator(body.id))
        define = cc.tickets.define_category
        part = cc.tickets.Part.PART
        major = admin.do(define, name_zh="公共设施", name_en="facilities", part=part)
        minor = admin.do(define, name_zh="楼道照明", parent_id=major.id, part=part)
        gone = admin.do(define, name_zh="报刊亭", part=part)
        admin.do(cc.tickets.retire_category, gone.id)
        stranger = hub.desk(body.id, cc.Ref("a", "b"))
        assert stranger.ask(cc.tickets.choices) == {minor.id: "公共设施 facilities › 楼道照明"}


SUGGESTS = """
import communitycore as cc
from communitycore.plugins import hookimpl


def lamps(text, choices):
    return [cc.Suggestion(id, 80, "灯") for id, name in choices.items() if "灯" in text and "照明" in name]


def breaks(text, choices):
    raise ValueError(text)


@hookimpl
def communitycore_classifiers():
    return [cc.Classifier("lamps.lamps", lamps), cc.Classifier("lamps.breaks", breaks)]
"""


def test_the_command_line_suggests_categories_and_names_what_failed_without_the_text(
    installed: Callable[[str, str], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'town.db'}"
    pytest.importorskip("communitycore_sql")
    assert main(["init", "--db", url, "--code", "1", "--title", "社区"]) == DONE
    with cc.open(url) as hub:
        hub.desk("1", hub.administrator("1")).do(
            cc.tickets.define_category, name_zh="楼道照明", part=cc.tickets.Part.PART
        )
    words = ["classify", "李四家楼道灯不亮", "--db", url, "--in", "1"]
    capsys.readouterr()
    assert main([*words, "--lang", "zh"]) == DONE
    assert "没有已安装的插件提供分类器" in capsys.readouterr().out
    installed("lamps", SUGGESTS)
    plugins._mentioned.cache_clear()
    for lang in ("en", "zh"):
        assert main([*words, "--lang", lang]) == DONE
        out, err = capsys.readouterr()
        assert "楼道照明" in out
        assert "80 %" in out
        assert "lamps.breaks" in err
        assert "李四" not in out + err
    assert main([*words, "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert [(one["percent"], one["by"]) for one in told["suggestions"]] == [(80, "lamps.lamps")]
    assert told["failed"] == {"lamps.breaks": "ValueError"}
    assert main(["classify", "谢谢", "--db", url, "--in", "1", "--lang", "en"]) == DONE
    assert "choose a category by hand" in capsys.readouterr().out
