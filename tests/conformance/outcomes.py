"""Which tests of the kit each broken store fails: `python -m tests.conformance.outcomes OUT [word of pytest ...]`.

OUT becomes JSON: the name of a suite's class -> how many tests it ran, and those that failed.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

SUITE = Path(__file__).with_name("broken_suite.py")


class Failed:
    """What each suite on each store fails, and how many tests it was given."""

    def __init__(self) -> None:
        self.failed: dict[str, set[str]] = defaultdict(set)
        self.tried: dict[str, int] = defaultdict(int)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        report = yield
        suite = item.cls.__name__
        self.tried[suite] += report.when == "call"
        if report.failed:
            self.failed[suite].add(item.originalname)
        return report


if __name__ == "__main__":
    seen = Failed()
    pytest.main([str(SUITE), "-q", "--tb=no", "-p", "no:cacheprovider", *sys.argv[2:]], plugins=[seen])
    told = {name: [seen.tried[name], sorted(seen.failed[name])] for name in seen.tried}
    Path(sys.argv[1]).write_text(json.dumps(told, indent=1), encoding="utf-8")
