"""State machines as tables."""

from __future__ import annotations

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Generic, TypeVar

from communitycore.kernel.errors import Mistake

E = TypeVar("E", bound=StrEnum)


class States(Generic[E]):
    """Which states a record may begin in, and which may follow which.

    Staying in a state is always allowed; a state that nothing follows is terminal and ends all timers.
    Raises Mistake if a state is neither a start nor reachable.
    """

    __slots__ = ("kind", "start", "terminal", "then")

    def __init__(self, kind: type[E], *, start: Set[E], then: Mapping[E, Set[E]]) -> None:
        self.kind = kind
        self.start = frozenset(start)
        self.then: Mapping[E, frozenset[E]] = {state: frozenset(then.get(state, ())) for state in kind}
        self.terminal = frozenset(state for state in kind if not self.then[state])
        reached = set(self.start)
        waiting = list(reached)
        while waiting:
            for following in self.then[waiting.pop()] - reached:
                reached.add(following)
                waiting.append(following)
        if lost := set(kind) - reached:
            raise Mistake(f"{kind.__name__}: nothing leads to {', '.join(sorted(lost))}; give each state a way in")

    def allowed(self, before: E | None) -> frozenset[E]:
        """The states that may follow `before`; the starting states for None."""
        return self.start if before is None else self.then[before]
