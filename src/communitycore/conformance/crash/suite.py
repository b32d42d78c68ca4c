"""The crash harness as a suite of tests, for the author of an adapter."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ClassVar

from communitycore.conformance import crash
from communitycore.conformance.suite import Suite, needs
from communitycore.ports import Store

KILLS = "COMMUNITYCORE_CRASH_KILLS"


def kills(default: int) -> int:
    """How many kills a test makes: what the environment's COMMUNITYCORE_CRASH_KILLS says, or so many."""
    return int(os.environ.get(KILLS) or default)


class Crashes(Suite):
    """Whenever a process is killed, everything acknowledged is kept, nothing by halves, nothing twice.

    kills: how many, unless the environment's COMMUNITYCORE_CRASH_KILLS says otherwise.
    """

    kills: ClassVar[int] = 4

    def crash_plan(self) -> dict[str, Any]:
        """What is handed to every run; see crash.Plan."""
        return {"opener": type(self).opener, "options": dict(self.options), "kills": kills(self.kills), "say": print}

    @needs("processes", "durable")
    def test_workers_killed_at_random_moments_leave_everything_whole(
        self, store: Store, new_store_url: Callable[[], str]
    ) -> None:
        crash.kill_workers(new_store_url, **self.crash_plan())

    @needs("processes", "durable")
    def test_clocks_that_jump_harm_nothing(self, store: Store, new_store_url: Callable[[], str]) -> None:
        """Back by as much as a day, anew each time that a worker looks."""
        crash.kill_workers(new_store_url, jump_seconds=86_400.0, **self.crash_plan())
