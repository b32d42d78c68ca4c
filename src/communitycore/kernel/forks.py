"""Forks: what a process inherited, such as an open store, is not its own."""

from __future__ import annotations

import os
from collections.abc import Callable

_passed = 0
_after: list[Callable[[], object]] = []


def passed() -> int:
    """How many forks lie between this process and the one that loaded the library; asking costs no system call."""
    return _passed


def after(act: Callable[[], object]) -> None:
    """Do this in every process that a fork makes."""
    _after.append(act)


def _forked() -> None:
    global _passed
    _passed += 1
    for act in _after:
        act()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forked)
