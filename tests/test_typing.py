"""What the types promise: mypy and pyright accept good use and find each mistake, and nothing else."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "typing"
ROOT = Path(__file__).parents[1]
FILES = ("accepted.py", "refused.py")


def marked(name: str, *marks: str) -> list[int]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, start=1) if line.endswith(marks)]


def run(words: list[str]) -> str:
    environment = {**os.environ, "MYPYPATH": f"{ROOT / 'src'}{os.pathsep}{HERE}", "PYTHONWARNINGS": ""}
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, encoding="utf-8", env=environment, cwd=HERE
    )
    assert done.stdout, done.stderr
    return done.stdout


def found_by_mypy(cache: Path) -> dict[str, list[int]]:
    said = run(["mypy", "--strict", "--config-file=", "--output=json", f"--cache-dir={cache}", *FILES])
    found: dict[str, set[int]] = {name: set() for name in FILES}
    for line in said.splitlines():
        told = json.loads(line)
        assert told["severity"] in ("error", "note"), told
        found.setdefault(Path(told["file"]).name, set()).add(told["line"])
    return {name: sorted(lines) for name, lines in found.items()}


def found_by_pyright(scratch: Path) -> dict[str, list[int]]:
    config = scratch / "pyrightconfig.json"
    files = [os.path.relpath(HERE / name, scratch) for name in FILES]
    paths = [str(ROOT / "src"), str(HERE)]
    config.write_text(json.dumps({"include": files, "extraPaths": paths, "pythonVersion": "3.11"}), encoding="utf-8")
    found: dict[str, set[int]] = {name: set() for name in FILES}
    for told in json.loads(run(["pyright", "--outputjson", "-p", str(config)]))["generalDiagnostics"]:
        if told["severity"] == "error":
            found.setdefault(Path(told["file"]).name, set()).add(told["range"]["start"]["line"] + 1)
    return {name: sorted(lines) for name, lines in found.items()}


def test_mypy_finds_each_mistake_and_nothing_else(tmp_path: Path) -> None:
    assert found_by_mypy(tmp_path) == {name: marked(name, "# E", "# E mypy") for name in FILES}


@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed: --group types")
def test_pyright_finds_each_mistake_and_nothing_else(tmp_path: Path) -> None:
    assert found_by_pyright(tmp_path) == {name: marked(name, "# E") for name in FILES}
