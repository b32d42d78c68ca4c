"""The crash harness is worth what it finds: each store that a crash breaks is found out, and a sound one is not."""

from __future__ import annotations

import itertools
import shlex
import sys
from pathlib import Path

import pytest
from tests.conformance.broken_by_crash import CRASHING, open_crashing
from tests.hub.test_lockstep import SQLITE

from communitycore.conformance import crash
from communitycore.conformance.crash.__main__ import main

pytestmark = pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")


def killed(name: str, folder: Path, kills: int) -> crash.Figures:
    """One worker of one thread, so that nothing is found but what the kill has done."""
    urls = (f"{name}:sqlite:///{folder}/books-{n}.db" for n in itertools.count())
    return crash.kill_workers(
        lambda: next(urls), kills=kills, seed=7, opener=open_crashing, workers=1, threads=1, per_store=4
    )


@pytest.mark.parametrize("name", [name for name in CRASHING if name != "Sound"])
def test_a_store_that_a_crash_breaks_is_found_out(name: str, tmp_path: Path) -> None:
    # By which of its consequences it is given away depends on the moment at which it is killed.
    with pytest.raises(crash.Unsound) as told:
        killed(name, tmp_path, 60)
    assert f"{name}:sqlite" in str(told.value)
    assert "seed 7, kill" in str(told.value)


def test_a_sound_store_is_sound(tmp_path: Path) -> None:
    figures = killed("Sound", tmp_path, 5)
    assert (figures.kills, figures.stores) == (5, 2)
    assert figures.calls.done > 0


def test_the_command_line_tells_its_seed_and_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"sqlite:///{tmp_path}/books-{{n}}.db", "--kills", "2", "--seed", "7", "--workers", "1"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first == "seed 7"
    assert last.startswith("2 kills in ")
    assert list(tmp_path.glob("books-1.db"))


def test_the_command_line_ends_with_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"sqlite:///{tmp_path}/no-such-folder/books.db", "--seconds", "0.1"]) == 1
    assert "no-such-folder" in capsys.readouterr().err


def test_killing_and_starting_a_server_belong_together(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["mystore://", "--kill", "true"])
    assert ended.value.code == 2
    assert "belong together" in capsys.readouterr().err


def test_a_server_is_killed_and_started_by_the_commands_that_were_given(tmp_path: Path) -> None:
    told = tmp_path / "told"
    say = [sys.executable, "-c", f"open({str(told)!r}, 'a').write('x')"]
    words = [f"sqlite:///{tmp_path}/books.db", "--kills", "1", "--workers", "1", "--kill", shlex.join(say)]
    assert main([*words, "--start", shlex.join(say)]) == 0
    assert told.read_text() == "xx"
