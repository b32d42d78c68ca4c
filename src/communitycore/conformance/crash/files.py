"""Files cut short: a store whose processes were killed, and whose files then lost their ends."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import evolve

from communitycore.conformance import room
from communitycore.conformance.crash.audit import Audit
from communitycore.conformance.crash.caller import adding_under
from communitycore.conformance.crash.keeper import Keeper, Plan, Unsound
from communitycore.hub.desk import Desk
from communitycore.hub.followers import rebuilt
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import CommunityCoreError

TRIED = 10
"""How many calls under a key are made again."""


def cut(plan: Plan, url_in: Callable[[Path], str], cuts: int) -> Counter[str]:
    """Cut copies of a killed store, a file of each at a random length, and open them; see crash.cut_files."""
    outcomes: Counter[str] = Counter()
    chance = random.Random(f"{plan.seed}/files")
    with tempfile.TemporaryDirectory(prefix="communitycore-crash-") as scratch:
        killed, whole, short = (Path(scratch, name) for name in ("killed", "whole", "short"))
        killed.mkdir()
        keeper = Keeper(evolve(plan, new_url=lambda: url_in(killed)))
        audit, desk_at = keeper.left_behind()
        shutil.copytree(killed, whole)
        with plan.opening(url_in(whole)).hub() as hub:
            if found := [*audit.look(hub)]:
                raise Unsound(f"{url_in(whole)}, seed {plan.seed}, whole:", found)
        for n in range(1, cuts + 1):
            shutil.copytree(killed, short)
            what = _cut_one(short, chance)
            outcome, silent = _opened(plan, url_in(short), audit, desk_at)
            if silent:
                raise Unsound(f"{url_in(short)}, seed {plan.seed}, cut {n}, {what}; nothing was said, but:", silent)
            outcomes[outcome] += 1
            shutil.rmtree(short)
    return outcomes


def _cut_one(folder: Path, chance: random.Random) -> str:
    file = chance.choice(sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size))
    size = file.stat().st_size
    length = chance.randrange(size)
    os.truncate(file, length)
    return f"{file.name} of {size} bytes cut to {length}"


def _opened(plan: Plan, url: str, audit: Audit, desk_at: Callable[[Hub], Desk]) -> tuple[str, list[str]]:
    """What was said of it; and, if nothing was, what is missing all the same."""
    try:
        with plan.opening(url).hub() as hub:
            if not hub.verify(audit.anchor).ok:
                return "found", []
            return "whole", [*_missing(hub, audit, desk_at(hub))]
    except CommunityCoreError:
        return "refused", []


def _missing(hub: Hub, audit: Audit, desk: Desk) -> Iterator[str]:
    """What verify does not look at: keys, and figures."""
    for key, id in audit.keys[-TRIED:]:
        made = hub.carry_out(desk, adding_under(key).keyed(key))
        if made.id != id:
            yield f"the key {key} gave {id}, and made again {made.id}"
    told, anew = dict(desk.figures(room.TALLY)), rebuilt(hub.store, room.TALLY, desk.jurisdiction)
    if told != anew:
        yield f"the fold tells {told}; built anew it is {anew}"
