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
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from communitycore.conformance.crash.files import cut
from communitycore.conformance.crash.keeper import Figures, Keeper, Plan, Unsound
from communitycore.conformance.crash.wire import Cut, Wire
from communitycore.conformance.workers import Opening
from communitycore.plugins import open_store
from communitycore.ports import Store

__all__ = [
    "Cut",
    "Figures",
    "Plan",
    "Unsound",
    "Wire",
    "cut_commits",
    "cut_files",
    "disturb",
    "kill_server",
    "kill_workers",
]

NewUrl = Callable[[], str]


def kill_workers(
    new_url: NewUrl,
    *,
    kills: int,
    seed: int | None = None,
    opener: Callable[..., Store] = open_store,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> Figures:
    """Kill worker processes (SIGKILL) at random moments, one or all of them; some while they open the store.

    new_url: tells where another store may be made. opener, options: how it is opened; importable by name.
    more: see Plan. Raises Unsound.
    """
    return Keeper(_plan(new_url, kills, seed, opener, options, **more)).run()


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


def cut_commits(port: int, new_url: NewUrl, *, word: bytes, **plan: Any) -> Figures:
    """Cut the workers' connections to the server at this port of the loopback in the middle of COMMIT; as above.

    Before the server hears it, while it is at it, or once it has answered and the worker has not heard that; and now
    and then all at once, wherever they are. word: by which a COMMIT is known on the wire, and nothing else is:
    PostgreSQL's `b"COMMIT\\0"`, not the word in READ COMMITTED; MariaDB's `b"\\3COMMIT"`.
    """
    wire = Wire(port)
    try:
        return disturb(lambda chance: wire.disturb(chance, word), new_url, through=wire.through, **plan)
    finally:
        wire.close()


def cut_files(
    url_in: Callable[[Path], str],
    *,
    cuts: int,
    seed: int | None = None,
    opener: Callable[..., Store] = open_store,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> Counter[str]:
    """Cut the files of a killed store short, at random lengths, while no process has them open.

    url_in: the URL of a store that is wholly in this folder. Gives how often it was refused with an error of ours,
    how often verify found it, and how often nothing was lost. Raises Unsound if something was and nothing said so.
    """
    return cut(_plan(str, 0, seed, opener, options, **more), url_in, cuts)


def _plan(
    new_url: NewUrl,
    kills: int,
    seed: int | None,
    opener: Callable[..., Store],
    options: Mapping[str, Any] | None,
    **more: Any,
) -> Plan:
    given = dict(options or {})
    chosen = secrets.randbits(32) if seed is None else seed
    return Plan(new_url=new_url, opening=lambda url: Opening(opener, url, given), kills=kills, seed=chosen, **more)
