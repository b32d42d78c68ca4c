"""For tests of those who build on this library: a community in one line, a clock one can move, chance that repeats.

    from communitycore.testing import town

    def test_a_report_is_a_ticket():
        with town() as here:
            assert here.ticket().status is cc.tickets.TicketStatus.REPORTED

Hypothesis strategies for every record and command stand in `communitycore.testing.strategies`, fixtures for pytest in
`communitycore.testing.pytest_plugin`, which pytest finds by itself; `pip install communitycore[testing]` brings both.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from communitycore.testing.clock import Clock
from communitycore.testing.entropy import seeded

if TYPE_CHECKING:
    from communitycore.testing.making import make
    from communitycore.testing.towns import Person, Town, town

# What needs the rooms is loaded when first used.
_HOMES = {"make": "making", "Person": "towns", "Town": "towns", "town": "towns"}

__all__ = ["Clock", "Person", "Town", "make", "seeded", "town"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'communitycore.testing' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
