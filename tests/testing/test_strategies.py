"""The strategies are worth what they reach: every field of every kind varies, and no call meets anything but our errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.testing.shelf import LIBRARIAN, SHELF, BookId, add

import communitycore as cc
from communitycore.domain import roles
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.record import shape_of
from communitycore.kernel.rules import Role
from communitycore.testing import strategies, town

ROOMS = (JURISDICTIONS, *cc.built_in_rooms())
KINDS = [kind for room in ROOMS for kind in room.records]
DECLARED = [one for room in ROOMS for one in (*room.commands, *room.reads)]
ALL_ROLES = sorted({role.name: role for room in ROOMS for role in room.roles}.values(), key=lambda role: role.name)
ALWAYS = {"volunteer_hours": ["kind"]}
"""What the type itself refuses all but one value of."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_record_is_one_that_a_store_gives_back_as_it_was_and_every_field_varies(kind: type[Any]) -> None:
    shape = shape_of(kind)
    seen: dict[str, set[Any]] = {name: set() for name in shape.by_name}

    @given(strategies.records(kind))
    @settings(max_examples=60, phases=[Phase.generate], deadline=None, database=None, derandomize=True)
    def back(record: Any) -> None:
        assert record.version == 0
        assert shape.read_row(shape.to_row(record, 1, None)) == cc.evolve(record, version=1)
        for name, values in seen.items():
            values.add(repr(getattr(record, name)))

    back()
    assert [name for name, values in seen.items() if len(values) < 2] == ALWAYS.get(shape.kind, [])


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one.name)
def test_every_command_and_read_has_arguments_and_all_of_them_are_given_some_time(declared: Any) -> None:
    given_names: set[str] = set()

    @given(strategies.arguments(declared))
    @settings(max_examples=30, phases=[Phase.generate], deadline=None, database=None, derandomize=True)
    def names(arguments: dict[str, Any]) -> None:
        assert set(declared.parameters) - set(declared.defaults) <= set(arguments) <= set(declared.parameters)
        given_names.update(arguments)

    names()
    assert given_names == set(declared.parameters)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
def test_no_call_of_anybody_meets_anything_but_our_errors_and_the_journal_stays_whole(data: st.DataObject) -> None:
    with town(SHELF) as here:
        here.ticket()
        here.wish()
        here.session()
        here.ledger()
        everybody = [here.admin, here.person(*_roles()).desk, here.person().desk, here.stranger()]
        for _ in range(data.draw(st.integers(1, 8), "calls")):
            desk = data.draw(st.sampled_from(everybody), "who")
            call = data.draw(strategies.calls(desk), "call")
            (outcome,) = desk.do_many([call])
            if outcome.error is not None and not isinstance(outcome.error, cc.CommunityCoreError):
                raise AssertionError(f"{call.command.name}({call.kwargs})") from outcome.error
        here.advance(timedelta(days=data.draw(st.integers(0, 100), "days")))
        assert not here.hub.parked(here.id)
        assert here.hub.verify().ok


@given(st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_question_of_anybody_meets_anything_but_our_errors(data: st.DataObject) -> None:
    with town() as here:
        here.ticket()
        here.session()
        desk = data.draw(st.sampled_from([here.admin, here.stranger()]))
        reads = [here.hub.catalogue.reads[name] for name in sorted(here.hub.catalogue.reads)]
        read: Any = data.draw(st.sampled_from(reads))
        try:
            desk.ask(read, **data.draw(strategies.arguments(read, ids=strategies.existing(desk))))
        except cc.CommunityCoreError:
            return


def _roles() -> list[Role]:
    return [role for role in vars(roles).values() if isinstance(role, Role)]


def test_ids_are_mostly_of_records_that_are_there() -> None:
    with town(SHELF) as here:
        known = here.person(LIBRARIAN).desk.do(add, title="红楼梦").id
        ids = strategies.values(BookId, ids=strategies.existing(here.admin))
        seen: list[str] = []

        @given(st.lists(ids, min_size=20, max_size=20))
        @settings(max_examples=20, database=None, derandomize=True)
        def look(listed: list[str]) -> None:
            seen.extend(listed)

        look()
        assert len(seen) / 2 < seen.count(known) < len(seen)


def test_a_class_of_ones_own_is_made_as_one_says() -> None:
    @cc.frozen
    class Knot:
        turns: int

    strategies.register(Knot, st.just(Knot(7)))

    @given(strategies.values(Knot | None))
    @settings(max_examples=20)
    def look(value: Knot | None) -> None:
        assert value in (None, Knot(7))

    look()
