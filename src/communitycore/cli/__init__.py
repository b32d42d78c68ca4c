"""The command line: `communitycore VERB …`.

Exit codes: 0 done, 1 refused or verification failed, 2 usage, 3 store unusable.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

DONE, REFUSED, USAGE, UNUSABLE = 0, 1, 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; gives the exit code."""
    try:
        import rich  # noqa: F401 - only asked whether it is there
    except ImportError:
        print("The command line needs rich: pip install 'communitycore[cli]'", file=sys.stderr)
        return USAGE
    from communitycore.cli.run import run

    return run(sys.argv[1:] if argv is None else argv)
