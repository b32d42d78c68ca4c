"""All checks, each once: `nox` runs them in environments of their own, `.ci/run` in one that it has made.

nox                                   all
nox -s lint types                     some
nox --no-venv --no-install -s lint    in the environment at hand
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
ADAPTERS = sorted(str(p.parent) for p in ROOT.glob("adapters/*/pyproject.toml"))
THIRD_PARTIES = sorted(p.parent for p in ROOT.glob("examples/*/pyproject.toml"))
EXTRAS = {"communitycore-sql": "[postgresql,mariadb]"}  # drivers, for type checkers and for tests on real servers
PROJECT = nox.project.load_toml("pyproject.toml")
# Examples that need words to run, and what they need; all others are run bare.
DATA = os.environ.get("COMMUNITYCORE_DATA")
WORDS: dict[str, list[str] | None] = {"boston_311.py": [str(Path(DATA, "boston"))] if DATA else None}

nox.needs_version = ">=2025.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True


def prepare(session: nox.Session, *groups: str) -> None:
    """Install the workspace with the dependency groups; nothing under --no-install."""
    wanted = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
    editable = [word for adapter in ADAPTERS for word in ("-e", adapter + EXTRAS.get(Path(adapter).name, ""))]
    session.install("-e", ".[cli,test]", *editable, *wanted)


@nox.session
def format(session: nox.Session) -> None:
    """Is everything formatted?"""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "format", "--check", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict, pyright, and the files that both must refuse."""
    prepare(session, "types")
    session.run("mypy")
    session.run("pyright", "--warnings")
    session.run("python", "-m", "pytest", "-q", "tests/test_typing.py")


@nox.session
def contracts(session: nox.Session) -> None:
    """A file imports only from below."""
    prepare(session, "lint")
    session.run("lint-imports", "--no-cache")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The tests; words behind `--` are pytest's."""
    prepare(session)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, built strictly, and its snippets run."""
    prepare(session, "docs")
    with tempfile.TemporaryDirectory() as scratch:
        out = session.posargs[0] if session.posargs else f"{scratch}/html"
        session.run("sphinx-build", "-q", "-W", "-n", "-E", "-d", f"{scratch}/doctrees", "docs", out)
    session.run("python", "-m", "pytest", "-q", "tests/test_docs.py")


@nox.session
def examples(session: nox.Session) -> None:
    """Each example as a newcomer runs it, in an empty folder."""
    prepare(session)
    with tempfile.TemporaryDirectory() as scratch, session.chdir(scratch):
        for example in sorted(ROOT.glob("examples/*.py")):
            words = WORDS.get(example.name, [])
            if words is None:
                session.log(f"{example.name} left out: COMMUNITYCORE_DATA is not set")
            else:
                session.run("python", "-W", "error", str(example), *words)
        session.run("communitycore", "demo")


@nox.session
def wheels(session: nox.Session) -> None:
    """Build all distributions, look into them, and try them without the checkout, third parties' too."""
    session.install(*nox.project.dependency_groups(PROJECT, "wheels"))
    with tempfile.TemporaryDirectory() as scratch:
        ours = build(session, Path(scratch, "ours"), [ROOT, *map(Path, ADAPTERS)])
        for wheel in ours:
            look_into(session, wheel)
        python = str(Path(scratch, "venv", "Scripts" if sys.platform == "win32" else "bin", "python"))
        away = {"PYTHONPATH": ""}

        def run(*words: str) -> None:
            session.run(python, *words, external=True, env=away)

        session.run("python", "-m", "venv", str(Path(scratch, "venv")))
        run("-m", "pip", "install", "-q", *ours, "rich")
        elsewhere = Path(scratch, "elsewhere")
        elsewhere.mkdir()
        with session.chdir(elsewhere):
            run("-W", "error", str(ROOT / "tests" / "smoke.py"))
            theirs = build(session, Path(scratch, "theirs"), THIRD_PARTIES)
            run("-m", "pip", "install", "-q", *theirs, *nox.project.dependency_groups(PROJECT, "plugin-tests"))
            run("-W", "error", "-m", "communitycore.cli", "plugins")
            for party in THIRD_PARTIES:
                shutil.copytree(party / "tests", elsewhere / party.name)
                run("-m", "pytest", "-q", "-W", "error", "--rootdir", str(elsewhere), str(elsewhere / party.name))
            run("-W", "error", "-m", "communitycore.cli", "new-plugin", "community-laundry")
            run("-m", "pip", "install", "-q", "--no-deps", "./community-laundry")
            run("-m", "pytest", "-q", "community-laundry")


def build(session: nox.Session, into: Path, folders: list[Path]) -> list[str]:
    """The wheels of these distributions."""
    for folder in folders:
        session.run("python", "-m", "build", "--outdir", str(into), str(folder), silent=True, external=True)
    built = sorted(str(wheel) for wheel in into.glob("*.whl"))
    if len(built) != len(folders):
        session.error(f"expected {len(folders)} wheels, found {built}")
    return built


def look_into(session: nox.Session, wheel: str) -> None:
    """A wheel holds one package with its marker for type checkers, its licence, and nothing else."""
    names = zipfile.ZipFile(wheel).namelist()
    package = next(name.partition("/")[0] for name in names if ".dist-info" not in name)
    strays = [n for n in names if not n.startswith(f"{package}/") and ".dist-info/" not in n]
    if strays or any("/tests/" in n or "/docs/" in n for n in names):
        session.error(f"{wheel} holds {strays or 'tests or docs'}")
    for wanted in (f"{package}/py.typed", "/licenses/LICENSE"):
        if not any(n.endswith(wanted) for n in names):
            session.error(f"{wheel} lacks {wanted}")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Every figure once, quickly. A missed goal is told and fails nothing here: a shared machine is no judge."""
    prepare(session)
    with tempfile.TemporaryDirectory() as scratch:
        figures = Path(scratch, "figures.json")
        words = ("--quick", "--json", str(figures), *session.posargs)
        session.run("python", "-m", "benchmarks", *words, success_codes=[0, 1])
        if not figures.exists():
            session.error("a benchmark broke off")
