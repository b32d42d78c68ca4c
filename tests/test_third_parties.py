"""What somebody else builds on this library, from its public face alone: the example distributions, and a new plug-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from communitycore.cli import DONE, USAGE, main

ROOT = Path(__file__).parents[1]
ROOM = ROOT / "examples" / "third_party_room"
PYTEST = ("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "communitycore.testing.pytest_plugin")


def run(folder: Path, *words: str, path: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own, in a folder, that finds `path` like something installed."""
    given = [str(one) for one in (path, ROOT / "src", *ROOT.glob("adapters/*/src")) if one is not None]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*given, os.environ.get("PYTHONPATH", "")]),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8", env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def installed(source: Path, name: str, entry: str, into: Path) -> Path:
    """A folder with what pip would put into site-packages of a plug-in."""
    info = into / f"{name}-0.1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n", encoding="utf-8")
    info.joinpath("entry_points.txt").write_text(f"[communitycore.plugins]\n{entry}\n", encoding="utf-8")
    for package in source.iterdir():
        if not package.name.endswith(".egg-info"):
            into.joinpath(package.name).symlink_to(package, target_is_directory=True)
    return into


def test_the_rooms_own_tests_pass(tmp_path: Path) -> None:
    assert "passed" in run(ROOM, *PYTEST, "--basetemp", str(tmp_path / "t"), path=ROOM / "src").stdout


def test_every_hub_finds_it_installed(tmp_path: Path) -> None:
    path = installed(ROOM / "src", "community-tools", "tools = community_tools.plugin", tmp_path / "site")
    said = run(tmp_path, "-W", "error", "-m", "communitycore.cli", "plugins", "--json", path=path).stdout
    told = json.loads(said)
    assert told["faults"] == {}
    assert [one["name"] for one in told["rooms"] if one["plugin"] == "tools"] == ["tools"]
    assert [one["name"] for one in told["vetoes"]] == ["tools.two_at_most"]
    assert [one["name"] for one in told["classifiers"]] == ["tools.names"]


def test_its_commands_and_categories_are_there_on_the_command_line(tmp_path: Path) -> None:
    path = installed(ROOM / "src", "community-tools", "tools = community_tools.plugin", tmp_path / "site")
    words = ("-W", "error", "-m", "communitycore.cli")
    told = json.loads(run(tmp_path, *words, "schemas", path=path).stdout)
    assert told["commands"]["tools.borrow"]["room"] == "tools"
    assert "Tool" in run(tmp_path, *words, "schema", "--dialect", "sqlite", path=path).stdout.title()


@pytest.fixture
def made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["new-plugin", "community-laundry", "--into", str(tmp_path)]) == DONE
    assert "pytest" in capsys.readouterr().out
    return tmp_path / "community-laundry"


def test_a_new_plug_in_passes_its_own_tests(made: Path) -> None:
    assert "7 passed" in run(made, *PYTEST).stdout


def test_a_new_plug_in_is_typed_and_tidy(made: Path) -> None:
    pytest.importorskip("mypy")
    run(made, "-m", "mypy", "--cache-dir", os.devnull)
    if (Path(sys.executable).parent / "ruff").exists():
        for words in (("check", "--no-cache"), ("format", "--check", "--no-cache")):
            run(made, "-m", "ruff", *words, ".")


def test_a_new_plug_in_is_found_once_it_is_installed(made: Path, tmp_path: Path) -> None:
    path = installed(made / "src", "community-laundry", "laundry = community_laundry.plugin", tmp_path / "site")
    told = json.loads(run(tmp_path, "-m", "communitycore.cli", "plugins", "--json", path=path).stdout)
    assert told["faults"] == {}
    assert {"name": "laundry.limit", "on": ["laundry.added"], "plugin": "laundry"} in told["vetoes"]


def test_nothing_that_is_there_is_written_over(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    room = made / "src" / "community_laundry" / "room.py"
    room.write_text("mine", encoding="utf-8")
    assert main(["new-plugin", "community-laundry", "--into", str(made.parent), "--lang", "zh"]) == USAGE
    assert "未写入任何文件" in capsys.readouterr().err
    assert room.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "name", ["", "Community-Tools", "community_tools", "tools/..", "../x", "-x", "x-", "工具", "community-tickets",
             "community-7", "community-class", "a" * 80, "x\ny"],
)  # fmt: skip
def test_a_name_that_would_not_do_is_refused_and_nothing_is_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-plugin", "--into", str(tmp_path), "--", name]) == USAGE
    assert capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    assert main(["new-plugin", "community-laundry", "--into", str(file)]) == USAGE
    assert "cannot be made" in capsys.readouterr().err
