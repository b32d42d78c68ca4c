"""`python -m benchmarks [--quick] [--json FILE] [NAME …]`: run, print a table, exit 1 if a goal was missed."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import LeftOut

NAMES = {
    "ticket-one": "tickets:run_one",
    "ticket-hundred": "tickets:run_hundred",
    "ticket-one-postgres": "servers:run_postgresql",
    "ticket-one-mariadb": "servers:run_mariadb",
    "decide": "decide:run",
    "wishes-threads": "wishes:run_threads",
    "wishes-processes-postgres": "wishes:run_processes",
    "growth": "growth:run",
    "locate": "locate:run",
    "import": "imports:run",
    "settle": "books:run_settle",
    "settle-accounting": "accounting:run",
    "statement": "books:run_statement",
    "split-3": "splits:run_3",
    "split-10": "splits:run_10",
    "split-1000": "splits:run_1000",
}


def main() -> int:
    """Run the named figures, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; figures vary more")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"no figure is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    figures: list[dict[str, Any]] = []
    missed = False
    for name in given.names or NAMES:
        module, _, function = NAMES[name].partition(":")
        try:
            figure = getattr(importlib.import_module(f"benchmarks.{module}"), function)(given.quick)
        except LeftOut as why:
            print(f"{name:25} left out: {why}", flush=True)
            continue
        figures.append(figure)
        met = figure["ratio"] >= figure["goal"] if figure["better"] == "higher" else figure["ratio"] <= figure["goal"]
        missed = missed or not met
        sign = "≥" if figure["better"] == "higher" else "≤"
        print(
            f"{figure['name']:25} {figure['ratio']:7.2f} (goal {sign} {figure['goal']}) {'met' if met else 'MISSED':7}"
            f" ours {figure['ours']:.3g}, limit {figure['limit']:.3g}, {figure['runs']} rounds; {figure['note']}",
            flush=True,
        )
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
