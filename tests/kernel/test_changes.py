"""Changes: named steps as data, with timers; what can never be right is refused when it is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.hub import room
from tests.hub.room import Domino, Neighbour, Tool, ToolStatus

from communitycore.kernel.change import Change, begin, many, note, step, unchanged
from communitycore.kernel.errors import BadValue, IllegalStep, Mistake

NOW = datetime(2024, 6, 4, tzinfo=UTC)
NEW = Tool(id="t1", name="saw", added=NOW)
MADE = begin("tool.added", NEW).result


def test_begin_gives_the_record_at_version_one() -> None:
    change = begin("tool.added", NEW)
    assert change.result == evolve(NEW, version=1)
    (made,) = change.steps
    assert (made.name, made.before, made.after) == ("tool.added", None, change.result)


def test_step_gives_the_next_version_and_leaves_before_alone() -> None:
    change = step("tool.lent", MADE, evolve(MADE, status=room.OUT))
    assert change.result.version == 2
    assert change.result.status is room.OUT
    assert MADE.version == 1


@given(st.sampled_from(ToolStatus), st.sampled_from(ToolStatus))
def test_a_step_follows_the_table_or_names_what_was_allowed(before: ToolStatus, after: ToolStatus) -> None:
    held = evolve(MADE, status=before)
    allowed = room.TOOL_STATES.allowed(before)
    try:
        step("tool.moved", held, evolve(held, status=after))
    except IllegalStep as refused:
        assert after not in allowed
        assert after is not before
        assert (refused.kind, refused.id, refused.before, refused.after) == ("tool", "t1", before.value, after.value)
        assert set(refused.allowed) == {s.value for s in allowed} or not allowed
        for name in allowed:
            assert name in refused.say("en")
            assert name in refused.say("zh")
    else:
        assert after in allowed or after is before


def test_a_record_begins_only_in_a_starting_state() -> None:
    with pytest.raises(IllegalStep) as caught:
        begin("tool.added", evolve(NEW, status=room.OUT))
    assert caught.value.allowed == ("in",)


def test_from_a_final_state_nothing_is_allowed_and_it_says_so() -> None:
    gone = evolve(MADE, status=room.SCRAPPED)
    with pytest.raises(IllegalStep, match="final"):
        step("tool.revived", gone, evolve(gone, status=room.IN))


def test_a_mismatched_pair_is_refused() -> None:
    other = begin("tool.added", evolve(NEW, id="t2")).result
    domino = begin("domino.set_up", Domino(id="t1", left=1)).result
    for before, after in (
        (MADE, evolve(other, name="x")),
        (MADE, evolve(MADE, version=2)),
        (MADE, domino),
        (domino, MADE),
    ):
        with pytest.raises(Mistake):
            step("tool.moved", before, after)


def test_a_step_needs_a_record_that_exists_and_begin_one_that_does_not() -> None:
    with pytest.raises(Mistake):
        step("tool.moved", NEW, NEW)
    with pytest.raises(Mistake):
        begin("tool.added", MADE)
    with pytest.raises(Mistake):
        note("tool.seen", NEW)


def test_a_wrong_enum_in_the_state_field_is_refused_as_ours() -> None:
    with pytest.raises((BadValue, IllegalStep)):
        step("tool.moved", MADE, evolve(MADE, status="out"))


def test_changes_join_in_order_and_keep_the_first_result() -> None:
    a, b = begin("a.made", NEW), begin("b.made", Neighbour(id="n1"))
    c = note("c.said", MADE, remark="x")
    joined = a.also(b, c)
    assert [s.name for s in joined.steps] == ["a.made", "b.made", "c.said"]
    assert joined.result is a.result
    assert joined.giving(None).result is None
    assert a.steps == (a.steps[0],)


@given(st.lists(st.integers(0, 99), unique=True, max_size=8))
def test_many_gives_all_steps_and_results_in_order(numbers: list[int]) -> None:
    changes = [begin("n.made", Neighbour(id=f"n{n}")) for n in numbers]
    joined = many(changes)
    assert [s.after.id for s in joined.steps] == [r.id for r in joined.result] == [f"n{n}" for n in numbers]
    assert many(dict(enumerate(changes))).result == joined.result


def test_a_timer_belongs_to_the_first_record_and_is_kept_in_utc() -> None:
    beijing = timezone(timedelta(hours=8))
    change = begin("tool.added", NEW).also(begin("n.made", Neighbour(id="n1")))
    timed = change.at(datetime(2024, 6, 5, tzinfo=beijing), room.remind).cancel(room.remind)
    at, cancelled = timed.timers
    assert (at.record, at.command, at.due) == ("t1", "tools.remind", datetime(2024, 6, 4, 16, tzinfo=UTC))
    assert cancelled.due is None


def test_a_timer_without_a_step_or_a_zone_is_refused() -> None:
    with pytest.raises(Mistake):
        unchanged(MADE).at(NOW, room.remind)
    with pytest.raises(BadValue):
        begin("tool.added", NEW).at(datetime(2024, 6, 5), room.remind)


def test_a_note_holds_text_whole_numbers_and_truth_alone() -> None:
    change: Change[Tool] = note("tool.seen", MADE, a="字", b=1, c=True, d=None)
    assert change.steps[0].details == '[{"a":"字","b":1,"c":true}]'
    assert change.result is MADE
    for value in (1.5, "a\0", "\ud800", "x" * 10_001, ["a"], NOW):
        with pytest.raises(BadValue) as caught:
            note("tool.seen", MADE, remark=value)  # type: ignore[arg-type]
        assert caught.value.field == "remark"


@pytest.mark.parametrize("name", ["", "x" * 61, "a\0b", "名字", "with space"])
def test_a_steps_name_is_short_and_plain(name: str) -> None:
    for make in (lambda: begin(name, NEW), lambda: step(name, MADE, MADE), lambda: note(name, MADE)):
        with pytest.raises(Mistake):
            make()
