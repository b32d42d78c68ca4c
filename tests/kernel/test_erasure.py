"""The step that empties what is personal, and what becomes of a row's salt afterwards."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from communitycore.kernel.erasure import erasing, holds_personal, resalted
from communitycore.kernel.errors import Damaged, Mistake
from communitycore.kernel.money import Money
from communitycore.kernel.record import PUBLIC, Indexed, Max, Personal, Record, record, shape_of
from communitycore.kernel.shape import ERASED, Row, erased_value, personal_mac

SALT, NEW = "5" * 64, "6" * 64


@record("letter", read=PUBLIC, owner="writer")
@frozen(kw_only=True)
class Letter(Record[str]):
    """A field of each form that may be erased."""

    writer: Indexed[str]
    text: Personal[Annotated[str, Max(50)]]
    pages: Personal[tuple[str, ...]]
    fee: Personal[Money | None] = None
    on: Personal[date | None] = None
    mood: Personal[str] = "untold"
    seals: Personal[int] = 1
    copies: Personal[tuple[int, ...]] = ()
    read: int = 0


SHAPE = shape_of(Letter)
letters = st.builds(
    Letter,
    id=st.just("a"),
    writer=st.just("w"),
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    pages=st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple),
    fee=st.none() | st.just(Money(5)),
    on=st.none() | st.just(date(2024, 6, 4)),
    mood=st.sampled_from(["untold", "glad"]),
    seals=st.integers(0, 2),
    copies=st.sampled_from([(), (1,)]),
    read=st.integers(0, 3),
)


def stored(letter: Letter, salt: str | None = SALT) -> Letter:
    """As it is read from a store."""
    return SHAPE.read_row(SHAPE.to_row(letter, 1, salt))  # type: ignore[no-any-return]


def personal(row: Row) -> list[object]:
    return [row[n] for f in SHAPE.fields if f.personal for n in range(f.at, f.at + (2 if f.type == "money" else 1))]


@given(letters)
def test_the_step_empties_what_is_personal_and_the_salt_and_nothing_else(letter: Letter) -> None:
    before = stored(letter)
    (step,) = erasing(before).steps
    row = step.row
    assert row is not None
    assert (step.name, row[:4], row[SHAPE.position["read"]]) == ("letter.erased", ("a", 2, 1, ERASED), letter.read)
    assert set(personal(row)) == {None}
    assert step.after == SHAPE.read_row(row)
    assert step.after == Letter(id="a", version=2, writer="w", text="", pages=(), read=letter.read)
    assert step.after.erased
    assert not before.erased
    assert not holds_personal(step.after)
    assert SHAPE.text(row) == f'{{"read":{letter.read},"writer":"w"}}'


@given(letters)
def test_whatever_has_a_salt_or_a_value_is_to_be_erased(letter: Letter) -> None:
    assert holds_personal(stored(letter))
    never = stored(letter, None)
    assert holds_personal(never)


@given(letters, letters)
def test_a_later_step_draws_a_salt_for_what_is_new_and_for_nothing_else(letter: Letter, other: Letter) -> None:
    (step,) = erasing(stored(letter)).steps
    gone: Letter = step.after  # type: ignore[assignment]
    assert step.row is not None
    drawn: list[str] = []

    def salt() -> str:
        drawn.append(NEW)
        return NEW

    for after in (evolve(gone, read=9), evolve(other, id="a", version=2)):
        moved = SHAPE.move(after, gone, step.row, 3)
        row = resalted(SHAPE, moved, step.row, salt)
        blank = all(getattr(after, f.name) == erased_value(f) for f in SHAPE.fields if f.personal)
        assert (row[3], drawn) == ((ERASED, []) if blank else (NEW, [NEW]))
        assert SHAPE.read_row(row) == evolve(after, version=3)
        SHAPE.text(row)
        SHAPE.difference(step.row, row)


def test_a_row_that_never_had_a_salt_gets_one_when_something_personal_comes() -> None:
    """As those that an older form of the kind wrote, when nothing was personal in it."""
    bare = (
        *SHAPE.to_row(Letter(id="a", writer="w", text="", pages=()), 1, None)[:5],
        *(None,) * (len(SHAPE.columns) - 5),
    )
    with pytest.raises(Damaged):
        SHAPE.read_row(bare)
    row = SHAPE.to_row(Letter(id="a", writer="w", text="x", pages=()), 2, None)
    assert resalted(SHAPE, row, bare, lambda: NEW)[3] == NEW


@pytest.mark.parametrize("salt", [None, ERASED])
def test_no_value_is_ever_hashed_without_a_salt(salt: str | None) -> None:
    with pytest.raises(Mistake, match="without its row's salt"):
        personal_mac(salt, "text", '"x"')


def test_a_required_text_that_is_missing_from_a_row_that_was_not_erased_is_damage() -> None:
    (step,) = erasing(stored(Letter(id="a", writer="w", text="x", pages=()))).steps
    assert step.row is not None
    with pytest.raises(Damaged):
        SHAPE.read_row((*step.row[:3], SALT, *step.row[4:]))
