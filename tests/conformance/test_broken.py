"""The kit is worth what it finds: each store broken on purpose fails the test that is named for it, and no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.broken import FAULTS
from tests.conformance.broken_files import FILES
from tests.hub.test_lockstep import SQLITE

from communitycore import conformance

ROOT = Path(__file__).parents[2]
# Two that let many threads run freely: what else they find is a matter of chance.
FREE = {"test_no_update_of_many_threads_is_lost", "test_readers_see_all_of_a_commit_or_nothing_of_it"}

Outcomes = dict[str, tuple[int, set[str]]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Suite and store -> how many tests were run, and those that failed."""
    out = tmp_path_factory.mktemp("broken") / "outcomes.json"
    words = [sys.executable, "-m", "tests.conformance.outcomes", str(out)]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"})
    assert out.exists(), said.stdout + said.stderr
    return {name: (tried, set(failed)) for name, (tried, failed) in json.loads(out.read_text(encoding="utf-8")).items()}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_store_fails_the_tests_named_for_it_and_no_other(name: str, outcomes: Outcomes) -> None:
    fault = FAULTS[name]
    healthy = "Line" if fault.suite == "LostCommits" else "Healthy"
    tried, failed = outcomes[f"Test{fault.suite}On{name}"]
    caught = set(fault.caught_by)
    assert caught <= failed
    assert failed - FREE == caught - FREE
    assert outcomes[f"Test{fault.suite}On{healthy}"] == (tried, set()), "the same tests pass on the healthy store"


@pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
@pytest.mark.parametrize("name", FILES)
def test_a_store_broken_for_other_processes_fails_the_tests_named_for_it(name: str, outcomes: Outcomes) -> None:
    tried, failed = outcomes[f"TestProcessesOn{name}"]
    assert failed == set(FILES[name].caught_by)
    assert tried >= len(failed)


def test_threads_find_what_is_lost_and_what_is_seen_by_halves(outcomes: Outcomes) -> None:
    _, lost = outcomes["TestThreadsOnLostUpdate"]
    assert lost >= {
        "test_what_many_claim_has_one_winner_each",
        "test_no_step_of_one_record_is_lost",
        "test_a_key_used_by_many_at_once_is_done_once",
        "test_each_timer_runs_once_however_many_run_them",
        "test_each_reaction_runs_once_however_many_run_them",
    }
    assert outcomes["TestThreadsOnMovingSnapshot"][1] == {"test_readers_never_see_half_a_command"}


def test_a_store_that_answers_otherwise_than_the_memory_store_is_found_out(outcomes: Outcomes) -> None:
    assert len(outcomes["TestAgreementOnForgottenNotes"][1]) == 1


def test_a_healthy_store_fails_nothing(outcomes: Outcomes) -> None:
    healthy = {
        name: failed for name, (_, failed) in outcomes.items() if name.endswith(("OnHealthy", "OnLine", "OnFile"))
    }
    assert len(healthy) >= 9 + SQLITE
    assert set.union(*healthy.values()) == set()


def test_every_suite_has_a_store_that_it_finds_out() -> None:
    """Lockstep has its own in tests/hub/test_lockstep.py."""
    found = {fault.suite for fault in FAULTS.values()} | {"Agreement", "Threads", "Processes", "KilledWriters"}
    assert found == {suite.__name__ for suite in conformance.SUITES} - {"Lockstep"}


def test_no_two_suites_have_a_test_or_anything_else_of_one_name() -> None:
    """Or `Everything` would run one of them alone."""
    seen: dict[str, str] = {}
    shared = {name for base in (conformance.Suite, object) for name in dir(base)} | {"__orig_bases__", "crew"}
    for suite in conformance.SUITES:
        for name in set(dir(suite)) - shared - {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__"}:
            assert seen.setdefault(name, suite.__name__) == suite.__name__, name
        assert issubclass(conformance.Everything, suite)
