"""An amount split by weight, beside django-hordak's `ratio_split` and largest remainders by Decimal."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from communitycore.kernel.money import Money
from communitycore.kernel.splits import Split, weight

CENT = Decimal("0.01")


def run_3(quick: bool) -> dict[str, Any]:
    """Among three."""
    return _run(3, 1.0, quick)


def run_10(quick: bool) -> dict[str, Any]:
    """Among ten."""
    return _run(10, 2.0, quick)


def run_1000(quick: bool) -> dict[str, Any]:
    """Among a thousand."""
    return _run(1_000, 1.0, quick)


def by_decimal(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Largest remainders as they are usually written."""
    total = sum(weights)
    exact = [amount * each / total for each in weights]
    parts = [each.quantize(CENT, ROUND_DOWN) for each in exact]
    left = int((amount - sum(parts)) / CENT)
    for n in sorted(range(len(parts)), key=lambda n: (parts[n] - exact[n], -weights[n]))[:left]:
        parts[n] += CENT
    return parts


def _peers() -> dict[str, Callable[[Decimal, list[Decimal]], Any]]:
    found: dict[str, Callable[[Decimal, list[Decimal]], Any]] = {"Decimal": by_decimal}
    if importlib.util.find_spec("hordak") is not None:
        import django  # type: ignore[import-not-found,import-untyped,unused-ignore]
        from django.conf import settings  # type: ignore[import-not-found,import-untyped,unused-ignore]

        if not settings.configured:
            settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "hordak"])
            django.setup()
        found["hordak"] = importlib.import_module("hordak.utilities.money").ratio_split
    return found


def _run(shares: int, goal: float, quick: bool) -> dict[str, Any]:
    chance = Random(7)
    measures = [chance.randint(4_000, 20_000) for _ in range(shares)]
    amounts = [chance.randint(10_000, 10_000_000) for _ in range(8)]
    split = Split(tuple(weight(f"{n}", measure) for n, measure in enumerate(measures)))
    weights = [Decimal(measure) for measure in measures]
    wholes, decimals = [Money(amount) for amount in amounts], [Decimal(amount) * CENT for amount in amounts]
    sides: dict[str, Callable[[int], object]] = {"ours": lambda n: split.divide(wholes[n]).amounts}
    for name, peer in _peers().items():
        sides[name] = lambda n, peer=peer: peer(decimals[n], weights)  # type: ignore[misc]
    for whole, decimal in zip(wholes, decimals, strict=True):
        parts = [int(part / CENT) for part in by_decimal(decimal, weights)]
        assert parts == list(split.divide(whole).amounts), "both must give the same parts"
    rounds, each = (15 if quick else 101), max(2_000 // shares, 4)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            start = perf_counter()
            for n in range(each):
                side(n & 7)
            taken[name].append((perf_counter() - start) / each)
    best = min((median(times), name) for name, times in taken.items() if name != "ours")[1]
    others = ", ".join(f"{name} {median(times) * 1e6:.1f} µs" for name, times in taken.items())
    return {
        "name": f"split-{shares}",
        "ours": median(taken["ours"]),
        "limit": median(taken[best]),
        "ratio": median(b / o for o, b in zip(taken["ours"], taken[best], strict=True)),
        "goal": goal,
        "better": "higher",
        "runs": rounds,
        "note": f"seconds a split; the ratio is of speeds, over the faster peer; {others}",
    }
