"""The kit itself: what loads it, what it needs, and what excuses from it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from communitycore import conformance
from communitycore.conformance.suite import excuse
from communitycore.hub.memory import MemoryStore

ROOT = Path(__file__).parents[2]


def said_by(code: str) -> str:
    """What a fresh interpreter prints."""
    said = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def loaded_by(code: str) -> set[str]:
    """The modules that it has loaded."""
    return set(said_by(f"{code}\nimport sys\nprint(*sys.modules)").split())


def test_nothing_of_the_library_loads_the_kit_or_what_it_needs() -> None:
    loaded = loaded_by(
        "import communitycore as cc, communitycore.testing, communitycore.loading, communitycore.cli.run\n"
        "cc.open('memory://').close()"
    )
    assert "communitycore.hub.memory" in loaded
    assert not [name for name in loaded if name.startswith(("communitycore.conformance", "pytest", "hypothesis"))]


def test_other_processes_load_no_pytest() -> None:
    loaded = loaded_by("import communitycore.conformance.workers, communitycore.conformance.room")
    assert not loaded & {"pytest", "_pytest", "hypothesis"}


def test_without_pytest_it_says_what_to_install() -> None:
    said = said_by(
        "import sys; sys.modules['pytest'] = None\n"
        "import communitycore.conformance as kit\n"
        "try: kit.Everything\n"
        "except ModuleNotFoundError as missing: print(missing)"
    )
    assert "pip install communitycore[conformance]" in said


def test_the_extra_brings_what_the_kit_imports() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    needed = {word.partition(">")[0] for word in extras["conformance"]}
    assert needed == {"hypothesis", "pytest"}
    assert needed <= {word.partition(">")[0] for word in extras["test"]}


def test_every_suite_is_offered_and_told_of() -> None:
    for suite in conformance.SUITES:
        assert getattr(conformance, suite.__name__) is suite
        assert suite.__name__ in conformance.__all__
        assert suite.__doc__
    assert set(conformance.__all__) <= set(dir(conformance))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = conformance.Nothing


def test_a_capability_excuses_for_its_reason_and_never_by_silence() -> None:
    excuse(MemoryStore(), "threads")
    with pytest.raises(pytest.skip.Exception, match="processes: a memory store belongs to one process"):
        excuse(MemoryStore(), "processes")
    silent = SimpleNamespace(url="silent://", capabilities={})
    with pytest.raises(pytest.fail.Exception, match="do not tell of 'processes'"):
        excuse(silent, "processes")  # type: ignore[arg-type]


def test_only_scenarios_are_excused_from() -> None:
    """A test that needs a capability tells of threads, processes, an end of the process, or a broken line."""
    excused = {
        suite.__name__
        for suite in conformance.SUITES
        for name in vars(suite)
        if name.startswith("test_") and getattr(getattr(suite, name), "communitycore_needs", ())
    }
    assert excused == {"Opening", "Interleavings", "Threads", "Processes", "KilledWriters", "LostCommits"}
