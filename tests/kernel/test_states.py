"""State machines as tables: what is declared is what holds."""

from __future__ import annotations

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.kernel.errors import Mistake
from communitycore.kernel.states import States


class S(StrEnum):
    A = "a"
    B = "b"
    C = "c"
    D = "d"


tables = st.dictionaries(st.sampled_from(S), st.frozensets(st.sampled_from(S)))
starts = st.frozensets(st.sampled_from(S), min_size=1)


def reach(start: frozenset[S], then: dict[S, frozenset[S]]) -> set[S]:
    """By another way than the code's: repeat until nothing is added."""
    found = set(start)
    while (more := found | {t for s in found for t in then.get(s, ())}) != found:
        found = more
    return found


@given(starts, tables)
def test_a_table_is_taken_exactly_if_every_state_has_a_way_in(start: frozenset[S], then: dict[S, frozenset[S]]) -> None:
    if reach(start, then) == set(S):
        states = States(S, start=start, then=then)
        assert states.terminal == {s for s in S if not then.get(s)}
        assert states.allowed(None) == start
        assert all(states.allowed(s) == frozenset(then.get(s, ())) for s in S)
    else:
        with pytest.raises(Mistake):
            States(S, start=start, then=then)


def test_what_cannot_be_reached_is_named() -> None:
    with pytest.raises(Mistake, match="d"):
        States(S, start={S.A}, then={S.A: {S.B}, S.B: {S.C}})
