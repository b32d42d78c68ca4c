"""Each broken store under the suite that must catch it; run by outcomes.py, never with the other tests.

The tests that draw their input are left out, so that what is caught does not depend on chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from tests.conformance.broken import FAULTS, open_broken
from tests.conformance.broken_files import FILES, open_file
from tests.conformance.test_memory import bytes_held
from tests.hub.test_lockstep import SQLITE

from communitycore import conformance
from communitycore.conformance.processes import Crew

DRAWN = ("test_rows_of_any_values_come_back_as_they_were", "test_a_search_finds_what_its_definition_says")
RACES = (("Threads", "LostUpdate"), ("Threads", "MovingSnapshot"), ("Agreement", "ForgottenNotes"))


# Nothing is made smaller: that it is found is all that is asked.
settings.register_profile("found", settings.get_profile("quick"), phases=[Phase.generate])
settings.load_profile("found")


@pytest.fixture(scope="session")
def one_crew() -> Iterator[Crew]:
    """Other processes for all that need them."""
    crew = Crew()
    yield crew
    crew.end()


def break_commit(self: object, store: Any, *, kept: bool) -> None:
    """Cut the line in the next COMMIT."""
    store.cut = kept


def dump(self: object, store: Any, url: str) -> bytes:
    """All that is kept underneath."""
    return bytes_held(store.under)


def tried(suite: str, store: str) -> type[Any]:
    """A suite over one store."""

    @pytest.fixture
    def store_url(self: object) -> str:
        return f"{store}://"

    over: dict[str, Any] = {"opener": staticmethod(open_broken), "store_url": store_url}
    over |= {"break_commit": break_commit, "dump": dump}
    over |= dict.fromkeys(DRAWN)
    return type(f"Test{suite}On{store}", (getattr(conformance, suite),), over)


def tried_by_others(store: str, tests: tuple[str, ...]) -> type[Any]:
    """These tests of the suites with other processes, over one file."""

    @pytest.fixture
    def store_url(self: object, tmp_path: Path) -> str:
        return f"{store}:sqlite:///{tmp_path}/books.db"

    @pytest.fixture
    def crew(self: object, one_crew: Crew) -> Crew:
        return one_crew

    suites = (conformance.Processes, conformance.KilledWriters)
    over: dict[str, Any] = {"opener": staticmethod(open_file), "store_url": store_url, "crew": crew, "kills": 2}
    over |= {name: None for suite in suites for name in dir(suite) if name.startswith("test_") and name not in tests}
    return type(f"TestProcessesOn{store}", suites, over)


made = [tried(fault.suite, name) for name, fault in FAULTS.items()]
made += [tried(fault.suite, "Line" if fault.suite == "LostCommits" else "Healthy") for fault in FAULTS.values()]
made += [tried(*race) for race in RACES]
if SQLITE:
    made += [tried_by_others(name, fault.caught_by) for name, fault in FILES.items()]
    made.append(tried_by_others("File", tuple(name for fault in FILES.values() for name in fault.caught_by)))
globals().update({each.__name__: each for each in made})
