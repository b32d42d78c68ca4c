"""How long the import takes, each in a fresh process, beside importing attrs, cattrs and pluggy alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median
from time import perf_counter
from typing import Any

BARE = "import attrs, cattrs, pluggy"
ALONE = "import communitycore"
WHOLE = (
    "import communitycore as cc\n"
    "from communitycore import places, people, tickets, wishes\n"
    "cc.open('memory://')\n"
    "import sys\n"
    "heavy = [m for m in sys.modules if m.split('.')[0] in ('sqlalchemy', 'asyncio', 'communitycore_sql')]\n"
    "assert not heavy, heavy\n"
)


def _seconds(code: str, cache: str) -> float:
    # All sides read compiled modules, as an installed program does, whatever this environment forbids.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**kept, "PYTHONPYCACHEPREFIX": cache})
    return perf_counter() - start


def run(quick: bool) -> dict[str, Any]:
    """ratio: our import's time over theirs (goal 1.3); the note has the same with a memory hub and four rooms (2)."""
    rounds = 7 if quick else 25
    times: dict[str, list[float]] = {BARE: [], ALONE: [], WHOLE: []}
    with tempfile.TemporaryDirectory() as cache:
        for turn in range(rounds + 1):
            for code, taken in times.items():
                seconds = _seconds(code, cache)
                if turn:  # the first round compiles
                    taken.append(seconds)
    limit, ours, whole = (median(times[code]) for code in (BARE, ALONE, WHOLE))
    ratio = max(ours / limit, whole / limit * 1.3 / 2)
    return {
        "name": "import",
        "ours": ours,
        "limit": limit,
        "ratio": ratio,
        "goal": 1.3,
        "better": "lower",
        "runs": rounds,
        "note": f"alone {ours / limit:.2f} times (goal 1.3), with open('memory://') and four rooms "
        f"{whole / limit:.2f} times (goal 2); the worse of the two, on the scale of 1.3, is the ratio",
    }
