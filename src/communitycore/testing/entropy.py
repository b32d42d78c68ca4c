"""Chance that repeats: the same seed gives the same ids, salts and so the same journal."""

from __future__ import annotations

import threading
from hashlib import sha256

from communitycore.kernel.times import Entropy


def seeded(seed: int | str) -> Entropy:
    """A source of bytes for tests and demonstrations. Never for real data: its salts can be guessed."""
    count = 0
    lock = threading.Lock()

    def entropy(length: int) -> bytes:
        nonlocal count
        with lock:
            count += 1
            turn = count
        made = b""
        while len(made) < length:
            made += sha256(f"{seed}/{turn}/{len(made)}".encode()).digest()
        return made[:length]

    return entropy
