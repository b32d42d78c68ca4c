"""A third party's room on the servers, with no change anywhere: its own tests, run there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[3] / "examples" / "third_party_room"


@pytest.mark.skipif(not ROOM.exists(), reason="the example is not here")
def test_its_tests_pass_on_sqlite_and_on_the_servers(
    database: str, fresh_url: Callable[[], str], tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOM / "src"), os.environ.get("PYTHONPATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "COMMUNITYCORE_TEST_STORES": fresh_url(),
    }
    words = ("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "communitycore.testing.pytest_plugin")
    done = subprocess.run(
        [sys.executable, *words, "--basetemp", str(tmp_path / "t"), "-k", "community or sqlite or sql or maria"],
        cwd=ROOM, capture_output=True, text=True, encoding="utf-8", env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
