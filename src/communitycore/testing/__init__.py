"""For tests of those who build on this library: a clock one can move, chance that repeats."""

from communitycore.testing.clock import Clock
from communitycore.testing.entropy import seeded

__all__ = ["Clock", "seeded"]
