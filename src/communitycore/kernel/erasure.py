"""Erasing what is personal in a record: a step that empties those fields and the row's salt, and changes nothing else.

The journal held nothing of them but HMACs under that salt, so with the salt nothing of them is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

from attrs import evolve

from communitycore.kernel.change import Change, Step
from communitycore.kernel.record import Record
from communitycore.kernel.shape import ERASED, Row, Shape, _encoder, erased_value

R = TypeVar("R", bound=Record[Any])


def erasing(record: R) -> Change[R]:
    """The step `<kind>.erased`: the record without what was personal in it, and its row without its salt."""
    shape = record.__shape__
    blank = evolve(record, **{f.name: erased_value(f) for f in shape.fields if f.personal})
    row = _without(shape, shape.move(blank, record, record.__row__, record.version + 1), ERASED)
    after: R = shape.read_row(row)
    return Change((Step(f"{shape.kind}.erased", shape, record, after, row),), (), after)


def holds_personal(record: Record[Any]) -> bool:
    """Whether there is something in its row to erase: a value, or the salt under which one may once have stood."""
    row, shape = record.__row__, record.__shape__
    return row[3] != ERASED and (row[3] is not None or any(row[n] is not None for n in _personal(shape)))


def resalted(shape: Shape, row: Row, before: Row, salt: Callable[[], str]) -> Row:
    """The row of a step on one that was erased, or that never had a salt, with a new salt if it needs one.

    One that is erased by this very step is as it should be. Otherwise what a field reads as while it is erased is no
    value, though `Shape.move` wrote it out.
    """
    if row[3] == ERASED:
        return row
    if all(row[n] is None or (before[n] is None and row[n] == blank) for n, blank in _blanks(shape)):
        return _without(shape, row, before[3])
    return (*row[:3], before[3] or salt(), *row[4:])


def _without(shape: Shape, row: Row, salt: str | None) -> Row:
    values = list(row)
    values[3] = salt
    for n in _personal(shape):
        values[n] = None
    return tuple(values)


def _personal(shape: Shape) -> Iterator[int]:
    return (n for n, _ in _blanks(shape))


@cache
def _blanks(shape: Shape) -> tuple[tuple[int, Any], ...]:
    """Each column of a personal field, with what stands there for a field that reads as erased."""
    found: list[tuple[int, Any]] = []
    for f in shape.fields:
        if f.personal:
            value = erased_value(f)
            width = 2 if f.type == "money" else 1
            made = (None,) * width if value is None else _encoder(shape.kind, f)(value)
            found += zip(range(f.at, f.at + width), made if isinstance(made, tuple) else (made,), strict=True)
    return tuple(found)
