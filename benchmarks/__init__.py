"""How fast the road is, as ratios against the bare thing in the same run: `python -m benchmarks`."""

from __future__ import annotations


class LeftOut(Exception):
    """A figure cannot be taken here, and why."""
