"""What holds for the checkout as a whole: what an import loads, what the two READMEs say, what stands where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
BLOCK = re.compile(r"^```(\w*) *\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEVER = ("sqlalchemy", "asyncio", "rich", "sqlite3", "communitycore_sql", "shapely", "numpy")


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `code`, warnings being errors."""
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "", "COVERAGE_PROCESS_START": ""},
    )
    assert said.returncode == 0, said.stderr
    return set(json.loads(said.stdout))


@pytest.mark.parametrize(
    "code",
    [
        "import communitycore",
        "import communitycore as cc; cc.open('memory://').close()",
        "import communitycore.plugins, communitycore.testing",
    ],
)
def test_no_database_adapter_event_loop_or_console_is_loaded_before_it_is_asked_for(code: str) -> None:
    loaded = {name.partition(".")[0] for name in loaded_by(code)}
    assert not loaded & set(NEVER)


def test_rooms_are_loaded_when_first_used() -> None:
    assert not [name for name in loaded_by("import communitycore") if name.startswith("communitycore.domain.")]


def headings(text: str) -> list[int]:
    """The levels of a page's headings, in order, code left out."""
    return [len(m[1]) for m in re.finditer(r"^(#+) ", BLOCK.sub("", text), re.MULTILINE)]


def test_both_readmes_have_the_same_structure_and_the_same_code() -> None:
    english, chinese = (page.read_text(encoding="utf-8") for page in (ENGLISH, CHINESE))
    assert headings(english) == headings(chinese)
    assert [m.groups() for m in BLOCK.finditer(english) if m[1] != "text"] == [
        m.groups() for m in BLOCK.finditer(chinese) if m[1] != "text"
    ]
    assert english.count("\n| ") == chinese.count("\n| ")
    targets = [
        sorted(set(re.findall(r"\]\(([^)#]+)", text)) - {ENGLISH.name, CHINESE.name}) for text in (english, chinese)
    ]
    translated = {"docs/zh/tutorial.md": "docs/tutorial.md", "docs/zh/embed.md": "docs/howto/embed.md"}
    assert set(translated) <= set(targets[1]), "the Chinese page leads to Chinese pages, where there are some"
    assert targets[0] == sorted(translated.get(target, target) for target in targets[1])


def test_the_chinese_readme_is_chinese() -> None:
    prose = BLOCK.sub("", CHINESE.read_text(encoding="utf-8"))
    paragraphs = [p for p in prose.split("\n\n") if len(p) > 60]
    assert paragraphs
    assert [p for p in paragraphs if not re.search(r"[\u4e00-\u9fff]", p)] == []


def test_the_readme_shows_the_quickstart_as_it_is() -> None:
    shown = [m[2] for m in BLOCK.finditer(ENGLISH.read_text(encoding="utf-8")) if m[1] == "python"]
    assert (ROOT / "examples" / "quickstart.py").read_text(encoding="utf-8") in shown


def test_the_readmes_first_two_commands_run_the_demo_and_the_tests() -> None:
    commands = [m[2] for m in BLOCK.finditer(ENGLISH.read_text(encoding="utf-8")) if m[1] == "sh"][:2]
    assert "pip install" in commands[0]
    assert "communitycore demo" in commands[0]
    assert commands[1].strip().endswith("python -m pytest")
    assert all(len(command.strip().splitlines()) == 1 for command in commands)


def links() -> list[tuple[Path, str]]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("adapters/*/*.md")]
    return [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", page.read_text(encoding="utf-8")))
        if not re.match(r"https?:|mailto:|#", target)
    ]


def test_every_link_between_pages_leads_somewhere() -> None:
    lost = [(page.name, target) for page, target in links() if not (page.parent / target.partition("#")[0]).exists()]
    assert lost == []


def test_every_distribution_is_typed_licensed_and_of_one_version() -> None:
    projects = [ROOT, *(p.parent for p in ROOT.glob("adapters/*/pyproject.toml"))]
    for project in projects:
        said = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert said["license"] == "Apache-2.0", project
        assert said["requires-python"] == ">=3.11", project
        assert list(project.glob("src/*/py.typed")), project
        licence = (project / "LICENSE").read_text(encoding="utf-8")
        assert licence == (ROOT / "LICENSE").read_text(encoding="utf-8"), project


def test_the_changelog_has_the_version_at_hand() -> None:
    import communitycore

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(
        rf"^## (\[?{re.escape(communitycore.__version__)}\]?|Unreleased|\[Unreleased\])", changelog, re.MULTILINE
    )
