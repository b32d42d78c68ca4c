"""The crash harness on any store: `python -m communitycore.conformance.crash URL --kills 1000`."""

from __future__ import annotations

import argparse
import itertools
import secrets
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence

from communitycore.conformance import crash
from communitycore.kernel.errors import CommunityCoreError


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    made = argparse.ArgumentParser(
        prog="python -m communitycore.conformance.crash",
        description="Kill workers, or their database server, at random moments, and look what is left. Never use a "
        "store that somebody needs.",
    )
    made.add_argument("url", help="an empty store; {n} in it is a number, and so a new store every so often")
    made.add_argument("--kills", type=int, default=100, help="how many kills (default 100)")
    made.add_argument("--seed", type=int, help="the seed of an earlier run, to repeat its kills")
    made.add_argument("--workers", type=int, default=3, help="how many processes at once (default 3)")
    made.add_argument("--threads", type=int, default=2, help="how many threads in each (default 2)")
    made.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many seconds")
    made.add_argument("--jump-seconds", type=float, default=0.0, help="how far the workers' clocks jump to and fro")
    made.add_argument("--kill", metavar="COMMAND", help="what kills the server; then it is killed, and not workers")
    made.add_argument("--start", metavar="COMMAND", help="what starts it again, and comes back when it answers")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """0 if all was sound, 1 if not."""
    made = parser()
    given = made.parse_args(words)
    if (given.kill is None) != (given.start is None):
        made.error("--kill and --start belong together")
    numbers = itertools.count(1)

    def new_url() -> str:
        url: str = given.url.replace("{n}", str(next(numbers)))
        return url

    plan = {name: getattr(given, name) for name in ("kills", "workers", "threads", "seconds", "jump_seconds")} | {
        "seed": secrets.randbits(32) if given.seed is None else given.seed,
        "say": say,
    }
    say(f"seed {plan['seed']}")
    try:
        if given.kill is None:
            crash.kill_workers(new_url, **plan)
        else:
            crash.kill_server(told(given.kill), told(given.start), new_url, **plan)
    except (crash.Unsound, CommunityCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def say(line: str) -> None:
    """Tell it now."""
    print(line, flush=True)


def told(command: str) -> Callable[[], object]:
    """What carries out this command."""
    words = shlex.split(command)
    return lambda: subprocess.run(words, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 - whoever calls us said so


if __name__ == "__main__":
    sys.exit(main())
