"""The crash harness is worth what it finds: each store that a crash breaks is found out, and a sound one is not."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from tests.conformance.broken_by_crash import CRASHING, open_crashing
from tests.hub.test_lockstep import SQLITE

from communitycore.conformance import crash

pytestmark = pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")


def killed(name: str, folder: Path, kills: int) -> crash.Figures:
    """One worker of one thread, so that nothing is found but what the kill has done."""
    urls = (f"{name}:sqlite:///{folder}/books-{n}.db" for n in itertools.count())
    return crash.kill_workers(
        lambda: next(urls), kills=kills, seed=7, opener=open_crashing, workers=1, threads=1, per_store=4
    )


@pytest.mark.parametrize("name", [name for name in CRASHING if name != "Sound"])
def test_a_store_that_a_crash_breaks_is_found_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(crash.Unsound, match=re.escape(CRASHING[name].found)) as told:
        killed(name, tmp_path, 60)
    assert f"{name}:sqlite" in str(told.value)
    assert "seed 7, kill" in str(told.value)


def test_a_sound_store_is_sound(tmp_path: Path) -> None:
    figures = killed("Sound", tmp_path, 6)
    assert (figures.kills, figures.stores) == (6, 2)
    assert figures.calls.done > 0
