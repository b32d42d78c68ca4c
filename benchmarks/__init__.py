"""How fast the road is, as ratios against the bare thing in the same run: `python -m benchmarks`."""
