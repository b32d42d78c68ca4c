"""The kit with which an adapter's author proves a store: abstract pytest classes, to be subclassed.

    from communitycore import conformance

    class TestStore(conformance.Everything):
        @pytest.fixture
        def store_url(self, tmp_path):
            return f"mystore://{tmp_path}/books"

`pip install communitycore[conformance]` brings what it needs: pytest and hypothesis.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from communitycore.conformance.agreement import Agreement
    from communitycore.conformance.commits import LostCommits
    from communitycore.conformance.erasing import Erasing
    from communitycore.conformance.everything import SUITES, Everything
    from communitycore.conformance.heads import Heads
    from communitycore.conformance.interleavings import Interleavings
    from communitycore.conformance.journal import Journal
    from communitycore.conformance.lockstep import Lockstep
    from communitycore.conformance.moving import Moving
    from communitycore.conformance.opening import Opening
    from communitycore.conformance.processes import KilledWriters, Processes
    from communitycore.conformance.rows import Rows
    from communitycore.conformance.searches import Searches
    from communitycore.conformance.suite import Suite, needs
    from communitycore.conformance.threads import Threads
    from communitycore.conformance.transactions import Transactions
    from communitycore.conformance.waiting import Figures, Keys, Timers

# Where each name stands. Loaded when first used: the room and the workers of other processes need no pytest.
_HOMES = {
    "suite": "Suite needs",
    "opening": "Opening",
    "heads": "Heads",
    "rows": "Rows",
    "searches": "Searches",
    "journal": "Journal",
    "waiting": "Timers Keys Figures",
    "transactions": "Transactions",
    "erasing": "Erasing",
    "moving": "Moving",
    "agreement": "Agreement",
    "interleavings": "Interleavings",
    "threads": "Threads",
    "processes": "Processes KilledWriters",
    "commits": "LostCommits",
    "lockstep": "Lockstep",
    "everything": "Everything SUITES",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "SUITES",
    "Agreement",
    "Erasing",
    "Everything",
    "Figures",
    "Heads",
    "Interleavings",
    "Journal",
    "Keys",
    "KilledWriters",
    "Lockstep",
    "LostCommits",
    "Moving",
    "Opening",
    "Processes",
    "Rows",
    "Searches",
    "Suite",
    "Threads",
    "Timers",
    "Transactions",
    "needs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'communitycore.conformance' has no attribute {name!r}")
    try:
        import pytest
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("the kit's suites need pytest: pip install communitycore[conformance]") from missing
    # A failing assert then says what was compared, as in the author's own tests.
    pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _HOMES if not _loaded(module)))
    found = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _loaded(module: str) -> bool:
    import sys

    return f"{__name__}.{module}" in sys.modules
