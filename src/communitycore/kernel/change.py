"""Changes: what a command asks for, as data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from communitycore.kernel import convert, times
from communitycore.kernel.errors import BadValue, IllegalStep, Mistake
from communitycore.kernel.record import Record
from communitycore.kernel.shape import Row, Shape, check_text
from communitycore.kernel.values import frozen

if TYPE_CHECKING:
    from communitycore.kernel.command import Command

T = TypeVar("T", covariant=True)
U = TypeVar("U")
R = TypeVar("R", bound=Record[Any])

NAME_LENGTH = 60


@frozen(eq=False)
class Step:
    """One named step of one record: begun (before is None), moved on, or noted (row is None)."""

    name: str
    shape: Shape
    before: Record[Any] | None
    after: Record[Any]
    row: Row | None
    details: str | None = None


@frozen
class TimerSet:
    """A timer set (`due`) or cancelled (None) for one record and command."""

    shape: Shape
    record: str
    command: str
    due: datetime | None


@frozen(eq=False)
class Change(Generic[T]):
    """One or more steps with the timers they set, and what the command gives back."""

    steps: tuple[Step, ...]
    timers: tuple[TimerSet, ...]
    result: T

    def also(self, *others: Change[Any]) -> Change[T]:
        """These steps, then theirs; the result stays."""
        steps, timers = self.steps, self.timers
        for other in others:
            steps += other.steps
            timers += other.timers
        return Change(steps, timers, self.result)

    def at(self, due: datetime, command: Command[Any, Any]) -> Change[T]:
        """Run `command(view, id)` at `due` for this change's first record; replaces an earlier such timer."""
        step = self._first()
        return evolve(
            self, timers=(*self.timers, TimerSet(step.shape, step.after.id, command.name, times.aware(due, "due")))
        )

    def cancel(self, command: Command[Any, Any]) -> Change[T]:
        """Remove the timer of `command` for this change's first record, if there is one."""
        step = self._first()
        return evolve(self, timers=(*self.timers, TimerSet(step.shape, step.after.id, command.name, None)))

    def giving(self, result: U) -> Change[U]:
        """The same change, with another result: a record, a tuple of records, or None."""
        return Change(self.steps, self.timers, result)

    def _first(self) -> Step:
        if not self.steps:
            raise Mistake("a timer belongs to a record's step, and this change has none; set it where the step is made")
        return self.steps[0]


def begin(name: str, record: R) -> Change[R]:
    """A new record comes to be. Raises IllegalStep outside its table's start, BadValue for what no store holds."""
    shape = record.__shape__
    if name not in _NAMES:
        _check_name(name)
    if record.version != 0:
        raise Mistake(f"{name}: {shape.kind} {record.id} already exists at version {record.version}; use step()")
    if shape.states is not None:
        _check_state(shape, None, record)
    row = shape.to_row(record, 1, None)
    after: R = shape.advance(record, 1, row)
    return Change((Step(name, shape, None, after, row),), (), after)


def step(name: str, before: R, after: R) -> Change[R]:
    """A record moves from `before` to `after`, as its state table allows.

    Raises IllegalStep and names what was allowed; Mistake for a mismatched pair; BadValue for what no store holds.
    """
    shape = after.__shape__
    if name not in _NAMES:
        _check_name(name)
    if before.__class__ is not after.__class__ or before.id != after.id or before.version != after.version:
        raise Mistake(
            f"{name}: before is {type(before).__name__} {before.id} v{before.version}, after is "
            f"{type(after).__name__} {after.id} v{after.version}; make after with evolve(before, ...)"
        )
    if before.version == 0:
        raise Mistake(f"{name}: {shape.kind} {before.id} does not exist yet; use begin()")
    if shape.states is not None:
        _check_state(shape, before, after)
    version = before.version + 1
    held = getattr(before, "__row__", None)  # a record made by hand has none
    row = shape.to_row(after, version, None) if held is None else shape.move(after, before, held, version)
    moved: R = shape.advance(after, version, row)
    return Change((Step(name, shape, before, moved, row),), (), moved)


def note(name: str, record: R, **details: str | int | bool | None) -> Change[R]:
    """Something is said of a record that does not change it; `details` go into the journal as they are.

    Never put personal data there: a journal entry is not erased.
    """
    shape = record.__shape__
    if name not in _NAMES:
        _check_name(name)
    if record.version == 0:
        raise Mistake(f"{name}: {shape.kind} {record.id} does not exist yet; use begin()")
    for field, value in details.items():
        if isinstance(value, str):
            check_text(value, field)
        elif value is not None and not isinstance(value, int):
            raise BadValue(field=field, why=f"{value!r} is neither text nor a whole number")
    text = f"[{convert.to_text({k: v for k, v in details.items() if v is not None})}]"
    return Change((Step(name, shape, record, record, None, text),), (), record)


def unchanged(result: U) -> Change[U]:
    """Nothing to do: what was asked for is already so."""
    return Change((), (), result)


_NAMES: set[str] = set()
"""The names found fit: those that the code of the open rooms spells out."""


def _check_name(name: str) -> None:
    if not (0 < len(name) <= NAME_LENGTH and name.isascii() and name.isprintable() and " " not in name):
        raise Mistake(f"{name!r} is no name of a step: 1 to {NAME_LENGTH} visible ASCII characters")
    _NAMES.add(name)


def _check_state(shape: Shape, before: Record[Any] | None, after: Record[Any]) -> None:
    states, field = shape.states, shape.state_field
    assert states is not None
    assert field is not None
    now = getattr(after, field)
    was = None if before is None else getattr(before, field)
    if was is now and before is not None:
        return
    allowed = states.start if was is None else states.then[was]
    if now not in allowed:
        raise IllegalStep(
            kind=shape.kind,
            id=after.id,
            before="new" if was is None else str(was),
            after=str(now),
            allowed=tuple(sorted(allowed)) or ("nothing; it is final",),
        )


def many(changes: Mapping[Any, Change[U]] | list[Change[U]] | tuple[Change[U], ...]) -> Change[tuple[U, ...]]:
    """Several changes as one, giving all their results."""
    listed = list(changes.values()) if isinstance(changes, Mapping) else list(changes)
    # Joined in one go: `also` in a loop would copy the growing tuple a thousand times.
    return Change(
        tuple(s for change in listed for s in change.steps),
        tuple(t for change in listed for t in change.timers),
        tuple(change.result for change in listed),
    )
