"""The conformance kit's bench, under the name by which these tests know it."""

from __future__ import annotations

from communitycore.conformance.bench import DAY, START, Bench, open_bench

__all__ = ["DAY", "START", "Bench", "open_bench"]
