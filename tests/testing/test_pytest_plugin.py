"""The fixtures, as somebody else's tests use them; and what the plug-in costs who does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = "communitycore.testing.pytest_plugin"
ROOT = Path(__file__).parents[2]

CONFTEST = """
import pytest
from tests.testing.shelf import SHELF


@pytest.fixture
def community_rooms():
    return [SHELF]
"""

TESTS = """
from datetime import timedelta

import pytest
from tests.testing.shelf import LIBRARIAN, Book, add


@pytest.mark.parametrize("turn", [1, 2])
def test_each_has_a_town_of_its_own(community, turn):
    community.person(LIBRARIAN).desk.do(add, title="红楼梦")
    assert len(community.admin.find(Book)) == 1


def test_the_clock_is_the_towns(community, community_clock):
    before = community.now
    community_clock.advance(timedelta(days=1))
    assert community.now == before + timedelta(days=1)


class TestElsewhere:
    @pytest.fixture
    def community_url(self, tmp_path):
        pytest.importorskip("communitycore_sql")
        return f"sqlite:///{tmp_path / 'town.db'}"

    def test_it_is_on_another_store(self, community):
        assert community.hub.store.url.startswith("sqlite:")
        assert community.hub.verify().ok
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTEST_ADDOPTS": "",
    }
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, env=environment, timeout=120
    )


def test_somebody_elses_tests_find_the_fixtures(tmp_path: Path) -> None:
    tmp_path.joinpath("conftest.py").write_text(CONFTEST, encoding="utf-8")
    tmp_path.joinpath("test_theirs.py").write_text(TESTS, encoding="utf-8")
    words = ("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN)
    done = run(tmp_path, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout or "3 passed, 1 skipped" in done.stdout
    listed = run(tmp_path, "-m", "pytest", "--fixtures", "-p", PLUGIN, "-q").stdout
    for name in ("community", "community_rooms", "community_vetoes", "community_url", "community_clock"):
        assert f"{name} " in listed


def test_who_asks_for_no_fixture_loads_nothing_more(tmp_path: Path) -> None:
    code = (
        f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; "
        "print(sorted(name for name in set(sys.modules) - before if name.partition('.')[0] not in "
        "('communitycore', 'importlib', 'typing')))"
        "; print('communitycore.domain' in sys.modules, 'hypothesis' in sys.modules, 'cattrs' in sys.modules)"
    )
    said = run(tmp_path, "-c", code)
    assert said.stdout.splitlines() == ["[]", "False False False"], said.stdout + said.stderr
