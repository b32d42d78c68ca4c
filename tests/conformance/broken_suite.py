"""Each broken store under the suite that must catch it; run by outcomes.py, never with the other tests.

The tests that draw their input are left out, so that what is caught does not depend on chance.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.broken import FAULTS, open_broken

from communitycore import conformance

DRAWN = ("test_rows_of_any_values_come_back_as_they_were", "test_a_search_finds_what_its_definition_says")


def break_commit(self: object, store: Any, *, kept: bool) -> None:
    """Cut the line in the next COMMIT."""
    store.cut = kept


def tried(suite: str, store: str) -> type[Any]:
    """A suite over one store."""

    @pytest.fixture
    def store_url(self: object) -> str:
        return f"{store}://"

    over: dict[str, Any] = {"opener": staticmethod(open_broken), "store_url": store_url, "break_commit": break_commit}
    over |= dict.fromkeys(DRAWN)
    return type(f"Test{suite}On{store}", (getattr(conformance, suite),), over)


for name, fault in FAULTS.items():
    healthy = "Line" if fault.suite == "LostCommits" else "Healthy"
    for made in (tried(fault.suite, name), tried(fault.suite, healthy)):
        globals()[made.__name__] = made
