"""Searching rows of several forms as if all had today's: earlier numbers by their own columns, what is lacked by its
default.

A store compares columns. A row of an older number holds a renamed field in the column of its old name, and a row that
was written before a field was added holds a null where the default is read. So one search becomes several, each of
columns alone, which find different rows; together they find what a search of records would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import product

from communitycore.kernel.query import FIND_MAX, Query, Test
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Migrating, Reading, Store

SCHEMA = 2
"""The place of a row's schema number among its columns."""


def any_older(tx: Reading, shape: Shape, jurisdiction: str) -> bool:
    """Whether a row of an older number stands here."""
    return bool(tx.find(shape, jurisdiction, Query((Test(SCHEMA, "<", shape.schema),), 0, False, 1, None)))


def lacks(shape: Shape, row: Row) -> frozenset[str]:
    """The fields with a default that a row of today's form lacks."""
    if row[SCHEMA] != shape.schema:
        return frozenset()
    return frozenset(shape.columns[at].name for at in shape.defaults if row[at] is None)


def note_lacking(store: Store, lacking: Mapping[str, frozenset[str]]) -> None:
    """Tell a store what rows from elsewhere lack, once they are in it and before anybody sees them."""
    found = {kind: names for kind, names in lacking.items() if names}
    if found and isinstance(store, Migrating):
        store.note(found)


def find_all(
    tx: Reading, shape: Shape, jurisdiction: str, query: Query, lacking: Collection[str], *, older: bool
) -> list[Row]:
    """What `query` finds whatever a row's form. lacking: fields that rows of today's number may lack.

    older: whether there are rows of older numbers. Where a field's value must first be made of an older one, all rows
    of that number are looked at that the other conditions leave.
    """
    found: list[Row] = []
    for number in range(1 if older else shape.schema, shape.schema + 1):
        tests = (Test(SCHEMA, "=", number),) if older else ()
        if (places := _places(shape, number, query)) is not None:
            for part in _parts(shape, number, query, places, tests, lacking):
                found += tx.find(shape, jurisdiction, part)
        else:
            found += _looked_through(tx, shape, jurisdiction, query, tests)
    return query.pick(found, shape.filled)


def _places(shape: Shape, number: int, query: Query) -> dict[int, int] | None:
    """The columns asked for -> where rows of this number have them; None if one of them must first be made."""
    places: dict[int, int] = {}
    for asked in {query.order, *(t.column for t in query.tests)}:
        place = _place(shape, number, asked)
        if place is None:
            return None
        places[asked] = place
    return places


def _place(shape: Shape, number: int, asked: int) -> int | None:
    field = shape.by_name.get(shape.columns[asked].name)  # of a column that can be searched, the name is its field's
    return asked if field is None or shape.history is None else shape.history.place(number, field)


def _parts(
    shape: Shape,
    number: int,
    query: Query,
    places: dict[int, int],
    tests: tuple[Test, ...],
    lacking: Collection[str],
) -> Iterator[Query]:
    """Searches of columns, for every way in which a row may hold or lack those fields that have a default."""
    doubtful = [
        asked
        for asked in sorted(places)
        if asked in shape.defaults and (number < shape.schema or shape.columns[asked].name in lacking)
    ]
    for held in product((True, False), repeat=len(doubtful)):
        lacked = {asked for asked, there in zip(doubtful, held, strict=True) if not there}
        part = _part(shape, query, places, lacked, frozenset(doubtful))
        if part is not None:
            yield Query((*tests, *part.tests), part.order, part.descending, part.limit, part.after)


def _part(
    shape: Shape, query: Query, places: dict[int, int], lacked: set[int], doubtful: frozenset[int]
) -> Query | None:
    """The search among rows that lack exactly these fields; None if it can find nothing there."""
    tests = [Test(places[asked], "=", None) for asked in sorted(lacked)]
    for t in query.tests:
        if t.column in lacked:
            if not _meets(shape.defaults[t.column], t):
                return None
        elif t.column in doubtful and t.test == "=" and t.value is None:
            return None  # it is never None: a null in it is its default
        else:
            tests.append(Test(places[t.column], t.test, t.value))
    order, after = places[query.order], query.after
    if query.order in lacked:
        order = 0
        if after is not None:
            default, start = shape.defaults[query.order], after[0]
            if default == start:
                after = (after[1], after[1])
            elif (default > start) is query.descending:
                return None
            else:
                after = None
    return Query(tuple(tests), order, query.descending, query.limit, after)


def _meets(value: object, t: Test) -> bool:
    return Query((Test(0, t.test, t.value),), 0, False, 1, None).admits((value,))


def _looked_through(tx: Reading, shape: Shape, jurisdiction: str, query: Query, tests: tuple[Test, ...]) -> list[Row]:
    """Page by page, what `query` finds among the rows that `tests` leave."""
    found: list[Row] = []
    after = None
    while True:
        page = tx.find(shape, jurisdiction, Query(tests, 0, False, FIND_MAX, after))
        found = query.pick([*found, *page], shape.filled)
        if len(page) < FIND_MAX:
            return found
        after = (page[-1][0], page[-1][0])
