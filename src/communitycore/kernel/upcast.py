"""Earlier forms of a kind of record: what was renamed or removed from one schema number to the next.

A row is not rewritten because its kind is: it keeps the number of the form it was written in until its next step.
So the columns of fields that are no more stay, behind today's, null in every row of a later form. A name that was
used once is taken for good, so a column means one thing whatever a row's number, and its digest needs no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from communitycore.kernel.errors import Mistake
from communitycore.kernel.money import Money
from communitycore.kernel.shape import INDEXED_MAX, Column, Field, Row, Shape, _columns, _decoder, _encoder, _field
from communitycore.kernel.values import frozen

Become = Callable[[Any], Any]


@frozen
class Upcast:
    """What became of one field. new: the name it has now, None if it was removed. was: the type it had; None: `new`'s.

    by: what makes the new value of an old one that is not None.
    """

    old: str
    new: str | None
    was: Any = None
    by: Become | None = None


Upcasters = Mapping[int, Upcast | tuple[Upcast, ...]]


def renamed(old: str, new: str, *, was: Any = None, by: Become | None = None) -> Upcast:
    """A field that is called `new` now, for a record's `upcasters`.

    was: the type it had, where that is another; by: then makes the new value of the old one.
    Two of one `old` split it.
    """
    return Upcast(old, new, was, by)


def removed(old: str, was: Any) -> Upcast:
    """A field that is no more, for a record's `upcasters`. was: the type it had, such as `Personal[str | None]`."""
    return Upcast(old, None, was)


@frozen
class Source:
    """Where a field of today stood in rows of an older number, and what makes its value of the one there."""

    field: Field
    by: tuple[Become, ...]


class History:
    """The forms that a kind had before today's, read from its upcasters once."""

    def __init__(self, shape: Shape, fields: Sequence[Field], columns: Sequence[Column]) -> None:
        self._shape = shape
        self.kind, self.schema = shape.kind, shape.schema
        said = shape.upcasters or {}
        _check_numbers(self.kind, self.schema, said)
        self.changes = {n: (c,) if isinstance(c := said[n], Upcast) else tuple(c) for n in range(1, self.schema)}
        self._width = len(columns)
        self._known = {f.name: f for f in fields}
        self._today = tuple(fields)
        self._empty: set[str] = set()  # past fields that may have held None
        made: list[Field] = []
        for field in self._read(len(columns)):
            self._known[field.name] = field
            made.append(field)
        self.past = tuple(made)
        self.sources = {n: self._sources(n) for n in self.changes}
        self.renewed = frozenset(name for sources in self.sources.values() for name in sources)
        """Fields of today that had another name once."""
        self._became = self._heirs()
        self._coders: dict[tuple[str, str], tuple[Become, Become]] = {}
        self.columns = tuple(column for field in made for column in self._columns(field, columns))

    def _read(self, at: int) -> Iterator[Field]:
        """The fields that are no more, from the latest number back."""
        names = set(self._known)
        for number in reversed(self.changes):
            olds: dict[str, Upcast] = {}
            news: set[str] = set()
            for change in self.changes[number]:
                self._check(change, number, names, olds, news)
                if change.old not in olds:
                    field = self._past(change, at)
                    at += 2 if field.type == "money" else 1
                    yield field
                olds[change.old] = change
                if change.new is not None:
                    news.add(change.new)
            names = (names - news) | olds.keys()

    def _check(self, change: Upcast, number: int, names: set[str], olds: Mapping[str, Upcast], news: set[str]) -> None:
        said = f"{self.kind}: from schema {number} to {number + 1}, {change.old!r}"
        if not change.old.isidentifier() or change.old in ("id", "version"):
            raise Mistake(f"{said} is no field's name")
        twin = olds.get(change.old)
        if (twin is None and change.old in self._known) or (twin is not None and None in (twin.new, change.new)):
            raise Mistake(
                f"{said} is another field too. What rows hold under a name cannot mean two things: "
                "give the other field a name of its own"
            )
        if twin is not None and twin.was != change.was:
            raise Mistake(f"{said} becomes two fields; say the same was= with both")
        if change.new is None:
            return
        if change.new not in names:
            raise Mistake(f"{said} becomes {change.new!r}, which is no field of schema {number + 1}")
        if change.new in news:
            raise Mistake(f"{said} and another field both become {change.new!r}")

    def _past(self, change: Upcast, at: int) -> Field:
        new = None if change.new is None else self._known[change.new]
        if change.was is not None:
            field = _field(self._shape, change.old, change.was, at)
            if field.optional:
                self._empty.add(field.name)
            field = evolve(field, optional=True)
        elif new is not None:
            field = evolve(new, name=change.old, optional=True, at=at)
        else:
            raise Mistake(f"{self.kind}: say of which type {change.old!r} was: removed({change.old!r}, str)")
        return field

    def _sources(self, number: int) -> dict[str, Source]:
        """Today's fields that stood elsewhere in rows of this number."""
        found: dict[str, Source] = {}
        for field in self._today:
            name = field.name
            by: tuple[Become, ...] = ()
            for n in range(self.schema - 1, number - 1, -1):
                for change in self.changes[n]:
                    if change.new == name:
                        name = change.old
                        by = by if change.by is None else (change.by, *by)
                        break
            if name != field.name:
                source = self._known[name]
                self._check_source(field, source, by)
                found[field.name] = Source(source, by)
        return found

    def _heirs(self) -> dict[str, tuple[str, ...]]:
        """Past name -> the names that its value has today."""
        found: dict[str, tuple[str, ...]] = {}
        for sources in self.sources.values():
            for name, source in sources.items():
                known = found.setdefault(source.field.name, ())
                found[source.field.name] = known if name in known else (*known, name)
        return found

    def _check_source(self, field: Field, source: Field, by: tuple[Become, ...]) -> None:
        if source.type != field.type and not by:
            raise Mistake(
                f"{self.kind}: {source.name!r} was stored as {source.type}, and {field.name!r} is {field.type}; "
                "say by=, which makes one of the other"
            )
        if source.name in self._empty and field.required:
            raise Mistake(
                f"{self.kind}: {source.name!r} could be None; give {field.name!r} a default, or let it be None"
            )
        if source.personal and not field.personal:
            raise Mistake(f"{self.kind}: {source.name!r} was Personal, and so must {field.name!r} be")

    def _columns(self, field: Field, columns: Sequence[Column]) -> Iterator[Column]:
        """A past field's columns, searched as today's field is that took its place unchanged."""
        heirs = [
            columns[self._known[name].at]
            for sources in self.sources.values()
            for name, source in sources.items()
            if source.field is field and not source.by
        ]
        indexed, unique = any(c.indexed for c in heirs), any(c.unique for c in heirs)
        for column in _columns(field, field.declared):
            longest = field.max if field.type == "text" else column.max
            if indexed or unique:
                longest = min(longest, INDEXED_MAX)
            yield evolve(column, max=longest, indexed=indexed, unique=unique)

    def current(self, row: Row) -> Row:
        """A row of an older number in today's form. Raises ValueError where that cannot be."""
        sources = self.sources.get(row[2])
        if sources is None:
            raise ValueError(f"there was never a form {row[2]}")
        made = [*row[: self._width], *(None,) * (len(row) - self._width)]
        made[2] = self.schema
        for name, source in sources.items():
            field = self._known[name]
            span = 2 if field.type == "money" else 1
            made[field.at : field.at + span] = self._carried(row, source, field, span)
        return tuple(made)

    def _carried(self, row: Row, source: Source, field: Field, span: int) -> tuple[Any, ...]:
        at = source.field.at
        if not source.by:
            return row[at : at + span]
        if row[at] is None:
            return (None,) * span
        key = (source.field.name, field.name)
        if key not in self._coders:
            self._coders[key] = _decoder(source.field), _encoder(self.kind, field)
        decode, encode = self._coders[key]
        try:
            value = Money(row[at], row[at + 1]) if source.field.type == "money" else decode(row[at])
            for become in source.by:
                value = become(value)
            made = None if value is None else encode(value)
        except Exception as cause:
            if not field.personal:
                raise
            # Its words may tell the value.
            raise ValueError(f"{source.field.name} cannot become {field.name}: {type(cause).__name__}") from None
        if made is None:
            return (None,) * span
        return made if field.type == "money" else (made,)

    def place(self, number: int, field: Field) -> int | None:
        """The column in which rows of this number hold a field; None where its value must first be made."""
        source = self.sources.get(number, {}).get(field.name)
        return field.at if source is None else None if source.by else source.field.at

    def retold(self, changes: Mapping[str, Any], *, begins: bool) -> dict[str, Any]:
        """An entry's changes, with fields that were renamed under the names they have today."""
        told = {name: value for name, value in changes.items() if name not in self._became}
        for name, value in changes.items():
            for new in self._became.get(name, ()):
                if begins:
                    told[new] = value
                    continue
                before, after = told.pop(new, (None, None))
                pair = [value[0] if before is None else before, value[1] if after is None else after]
                if pair[0] != pair[1]:
                    told[new] = pair
        return told


def _check_numbers(kind: str, schema: int, changes: Upcasters) -> None:
    if not isinstance(schema, int) or schema < 1:
        raise Mistake(f"{kind}: schema={schema!r}; forms are numbered from 1")
    if missing := sorted(set(range(1, schema)) - changes.keys()):
        raise Mistake(
            f"{kind}: upcasters do not say what changed from schema {missing[0]} to {missing[0] + 1}; "
            f"put {missing[0]}: () if nothing was renamed or removed"
        )
    if strange := sorted(changes.keys() - set(range(1, schema)), key=str):
        raise Mistake(
            f"{kind}: upcasters from {strange[0]!r}, but its schema is {schema}; raise that to {strange[0]!r} + 1"
        )
