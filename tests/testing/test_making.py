"""Records by hand: every kind, valid, the same each time, with what a test cares about as given."""

from __future__ import annotations

from typing import Any

import pytest
from tests.hub.room import Tool

import communitycore as cc
from communitycore.kernel.errors import BadValue, Mistake
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.record import shape_of
from communitycore.testing import make

KINDS = [kind for room in (JURISDICTIONS, *cc.built_in_rooms()) for kind in room.records]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_made_as_a_store_can_hold_it(kind: type[Any]) -> None:
    shape = shape_of(kind)
    made = make(kind)
    assert made == make(kind)
    assert shape.read_row(shape.to_row(made, 1, None)) == cc.evolve(made, version=1)
    if shape.states is not None:
        assert getattr(made, shape.state_field or "") in shape.states.start


def test_what_is_given_is_as_it_was_given() -> None:
    assert make(Tool, name="梯子", id="t-7").name == "梯子"
    with pytest.raises(Mistake, match="no field 'nmae'"):
        make(Tool, nmae="梯子")
    with pytest.raises(BadValue):
        make(Tool, name="x" * 100_000)
