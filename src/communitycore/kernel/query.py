"""Searches: equality, ranges and membership on declared fields, in a stable order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from communitycore.kernel.errors import Mistake
from communitycore.kernel.shape import Row, Shape
from communitycore.kernel.values import frozen

T = TypeVar("T")
_ABSENT: Any = object()
FIND_MAX = 1_000
Comparison = Literal["=", ">=", "<", "in"]


@frozen
class Where:
    """One condition on one field."""

    field: str
    test: Comparison
    value: Any


def where(
    field: T, equals: T = _ABSENT, *, at_least: T = _ABSENT, below: T = _ABSENT, among: Iterable[T] = _ABSENT
) -> Where:
    """A condition on a field, named through its class so that a type checker sees it: `where(Wish.status, OPEN)`.

    Give exactly one of: equals (None finds nulls), at_least, below (half-open ranges), among.
    """
    name = field if isinstance(field, str) else getattr(field, "__name__", None)
    if not isinstance(name, str):
        raise Mistake(f"where() takes a field of a record class, such as Wish.status, not {field!r}")
    if equals is not _ABSENT and at_least is _ABSENT and below is _ABSENT and among is _ABSENT:
        return Where(name, "=", equals)
    tests: tuple[tuple[Comparison, Any], ...] = (
        ("=", equals),
        (">=", at_least),
        ("<", below),
        ("in", among),
    )
    given: list[tuple[Comparison, Any]] = [(test, value) for test, value in tests if value is not _ABSENT]
    if len(given) != 1:
        raise Mistake(f"where({name}): give exactly one of equals, at_least, below, among; join two for a range")
    test, value = given[0]
    return Where(name, test, tuple(value) if test == "in" else value)


def name_of(field: Any) -> str:
    """The name of a field given through its class."""
    name = field if isinstance(field, str) else getattr(field, "__name__", None)
    if not isinstance(name, str):
        raise Mistake(f"{field!r} is no field of a record class, such as Wish.status")
    return name


@frozen
class Test:
    """A condition as a store sees it: a column's position and stored value; for `in`, a tuple of values."""

    column: int
    test: Comparison
    value: Any


@frozen
class Query:
    """A search as a store sees it: all `tests` hold, ordered by column `order` then id, the first `limit` rows.

    after: the (order value, id) that the page starts behind.
    """

    tests: tuple[Test, ...]
    order: int
    descending: bool
    limit: int
    after: tuple[Any, str] | None

    def admits(self, row: Row) -> bool:
        """Whether `row` is among the found, apart from order and limit."""
        for t in self.tests:
            value = row[t.column]
            if t.test == "=":
                if value != t.value:
                    return False
            elif t.test == "in":
                if value not in t.value or value is None:
                    return False
            elif value is None or not (value >= t.value if t.test == ">=" else value < t.value):
                return False
        if row[self.order] is None:
            return False
        if self.after is not None:
            here = (row[self.order], row[0])
            return here < self.after if self.descending else here > self.after
        return True

    def pick(self, rows: Iterable[Row], form: Callable[[Row], Row] | None = None) -> list[Row]:
        """The found among `rows`, ordered and cut to the limit. form: what makes of a row the one to compare."""
        order = self.order
        if form is not None:
            formed = [(form(row), row) for row in rows]
            found = sorted(
                (pair for pair in formed if self.admits(pair[0])),
                key=lambda pair: (pair[0][order], pair[0][0]),
                reverse=self.descending,
            )
            return [row for _, row in found[: self.limit]]
        plain = sorted(
            (row for row in rows if self.admits(row)), key=lambda row: (row[order], row[0]), reverse=self.descending
        )
        return plain[: self.limit]


def make_query(
    shape: Shape,
    conditions: Iterable[Where],
    *,
    limit: int,
    order: Any = "id",
    descending: bool = False,
    after: Any = None,
) -> Query:
    """Check a search against `shape`. Raises Mistake for unknown fields and for a limit outside 1 to 1,000."""
    if not (isinstance(limit, int) and 1 <= limit <= FIND_MAX):
        raise Mistake(f"find {shape.kind}: limit must be 1 to {FIND_MAX}, not {limit!r}; page with after=")
    tests = []
    for c in conditions:
        if c.test in (">=", "<") and c.value is None:
            raise Mistake(f"find {shape.kind}: a range of {c.field} needs an end that is not None")
        value = tuple(shape.key_of(c.field, v) for v in c.value) if c.test == "in" else shape.key_of(c.field, c.value)
        tests.append(Test(shape.position[c.field], c.test, value))
    name = order if order.__class__ is str else name_of(order)
    if name != "id":
        known = shape.by_name.get(name)
        if known is None or known.optional or known.type in ("nested", "money"):
            raise Mistake(f"find {shape.kind}: cannot order by {name}; choose a field that is never null")
    start = None
    if after is not None:
        start = (shape.key_of(name, getattr(after, name)), after.id)
    return Query(tuple(tests), shape.position[name], descending, limit, start)
