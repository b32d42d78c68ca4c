"""The crash harness: workers or their database are killed at random moments, and what is left is looked at.

    from communitycore.conformance import crash

    figures = crash.kill_workers(lambda: f"mystore:///tmp/books-{next(numbers)}", kills=1_000, seed=7)

After each kill everything acknowledged is there, nothing by halves, nothing twice; `verify` passes against the
anchors kept before, timers and reactions ran once, and folds go on without a gap. Otherwise Unsound tells all that is
wrong. A seed repeats the same kills at the same moments, though not the same race.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from communitycore.conformance.crash.keeper import Figures, Keeper, Plan, Unsound
from communitycore.conformance.workers import Opening
from communitycore.plugins import open_store
from communitycore.ports import Store

__all__ = ["Figures", "Unsound", "disturb", "kill_server", "kill_workers"]

NewUrl = Callable[[], str]


def kill_workers(
    new_url: NewUrl,
    *,
    kills: int,
    seed: int | None = None,
    opener: Callable[..., Store] = open_store,
    options: Mapping[str, Any] | None = None,
    **plan: Any,
) -> Figures:
    """Kill worker processes (SIGKILL) at random moments, one or all of them; some while they open the store.

    new_url: tells where another store may be made. opener, options: how it is opened; importable by name.
    plan: see keeper.Plan. Raises Unsound.
    """
    chosen = secrets.randbits(32) if seed is None else seed
    given = dict(options or {})
    return Keeper(
        Plan(new_url=new_url, opening=lambda url: Opening(opener, url, given), kills=kills, seed=chosen, **plan)
    ).run()


def disturb(how: Callable[[random.Random], None], new_url: NewUrl, **plan: Any) -> Figures:
    """Do this to what is beneath the workers at random moments, while they go on under load; otherwise as above.

    how: is handed chance, and comes back when the store can be used again.
    """
    return kill_workers(new_url, disturb=how, **plan)


def kill_server(kill: Callable[[], object], start: Callable[[], object], new_url: NewUrl, **plan: Any) -> Figures:
    """Kill the database server at random moments and start it again; otherwise as above.

    kill: ends all its processes at once, as a power cut would. start: comes back when it answers again.
    """

    def killed(chance: random.Random) -> None:
        kill()
        time.sleep(chance.uniform(0, 0.2))
        start()

    return disturb(killed, new_url, **plan)
