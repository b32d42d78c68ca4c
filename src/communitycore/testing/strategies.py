"""Hypothesis strategies for every record and command, made from their types: built-in rooms' and a plug-in's alike.

    from hypothesis import given
    from communitycore.testing import strategies

    @given(strategies.records(Tool))
    def test_a_tool_is_what_it_was(tool): ...

Values are valid ones, edges and all: the longest text, text in any script, the ends of 64 bits, the first and the last
moment that a store can hold. `register` says how values of a class of yours are made where its type does not tell.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import attrs
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from communitycore.domain.places import OpeningHours
from communitycore.hub.desk import Desk
from communitycore.kernel.command import Call, Command, Declared
from communitycore.kernel.errors import Mistake, Refused
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.query import make_query
from communitycore.kernel.record import Record
from communitycore.kernel.shape import INDEXED, INDEXED_MAX, TEXT_MAX, UNIQUE, Max, Shape, unwrap
from communitycore.kernel.splits import Share, fixed, ratio, rest, weight

T = TypeVar("T")
R = TypeVar("R", bound=Record[Any])
Ids = Callable[[Any], SearchStrategy[str]]

INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
SMALL = st.integers(0, 50)
EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
KNOWN = 50
"""How many records of a kind are looked at for their ids."""

_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00")
_WORDS = st.sampled_from(["楼道灯不亮", "stairway light", "一盏护眼台灯 📚", "café", " ", "麦"])


def texts(longest: int = TEXT_MAX) -> SearchStrategy[str]:
    """Text that a store can hold, of at most so many characters; now and then so many."""
    short = st.text(_CHARACTERS, max_size=min(longest, 20))
    return (_WORDS | short | st.just("长" * longest)).filter(lambda text: len(text) <= longest)


def _any_ids(declared: Any) -> SearchStrategy[str]:
    return st.uuids(version=4).map(str) | st.text("abcxyz019-", min_size=1, max_size=36)


@st.composite
def _refs(draw: DrawFn) -> Ref:
    return Ref(draw(_any_ids(str)), draw(_any_ids(str)))


@st.composite
def _points(draw: DrawFn) -> Point:
    return Point(draw(st.integers(-18_000, 18_000)) / 100, draw(st.integers(-9_000, 9_000)) / 100)


@st.composite
def _areas(draw: DrawFn) -> Area:
    west, south = draw(st.integers(11_600, 11_900)) / 100, draw(st.integers(3_500, 3_800)) / 100
    wide, high = draw(st.integers(1, 100)) / 100, draw(st.integers(1, 100)) / 100
    return Area.box(west, south, west + wide, south + high)


@st.composite
def _hours(draw: DrawFn) -> OpeningHours:
    opens, closes = draw(st.lists(st.integers(0, 96), min_size=2, max_size=2, unique=True).map(sorted))
    clock = [f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in (opens, closes)]
    return OpeningHours(draw(st.integers(1, 7)), *clock)


@st.composite
def _shares(draw: DrawFn) -> Share:
    to = draw(_any_ids(str))
    ways = (
        st.builds(fixed, st.just(to), SMALL),
        st.builds(ratio, st.just(to), st.decimals("0.01", "1", places=2)),
        st.builds(weight, st.just(to), SMALL),
        st.just(rest(to)),
    )
    return draw(st.one_of(ways))


_REGISTERED: dict[Any, SearchStrategy[Any]] = {
    str: texts(),
    int: SMALL | INT64,
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False, width=32),
    date: st.dates(date(1, 1, 2), date(9999, 12, 30)) | st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    datetime: st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)),
    timedelta: st.integers(0, 10_000_000).map(lambda seconds: timedelta(seconds=seconds)),
    Decimal: st.decimals(-(10**9), 10**9, places=2) | st.decimals("0.01", "1", places=2),
    Ref: _refs(),
    Money: st.builds(Money, SMALL | INT64, st.sampled_from(["CNY", "JPY", "KWD"])),
    Point: _points(),
    Area: _areas(),
    OpeningHours: _hours(),
    Share: _shares(),
    types.NoneType: st.none(),
}


def register(declared: type[T], strategy: SearchStrategy[T]) -> None:
    """Make values of this class so from now on, wherever it stands in a record or an argument."""
    _REGISTERED[declared] = strategy


def values(declared: Any, *, ids: Ids = _any_ids) -> SearchStrategy[Any]:
    """Values of a declared type, marks and all: `Annotated[str, Max(40)]`, `Indexed[Colour | None]`.

    ids: id type -> the ids to choose from. Raises Mistake for a type that no store holds.
    """
    marks, optional, plain = unwrap(declared)
    longest = next((mark.length for mark in marks if isinstance(mark, Max)), TEXT_MAX)
    if INDEXED in marks or UNIQUE in marks:
        longest = min(longest, INDEXED_MAX)
    made = texts(longest) if plain is str else _plain(plain, ids)
    return st.none() | made if optional else made


def _plain(plain: Any, ids: Ids) -> SearchStrategy[Any]:
    origin, inner = typing.get_origin(plain), typing.get_args(plain)
    if origin is tuple:
        if Ellipsis in inner:
            return st.lists(values(inner[0], ids=ids), max_size=3).map(tuple)
        return st.tuples(*(values(one, ids=ids) for one in inner))
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values(one, ids=ids) for one in inner))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(values(inner[0], ids=ids), values(inner[1], ids=ids), max_size=3)
    supertype = getattr(plain, "__supertype__", None)
    if supertype is str or isinstance(plain, TypeVar):
        return ids(plain)
    plain = supertype or plain
    if plain is Ref:
        return ids(Ref).map(lambda text: Ref.parse(text) if "/" in text else Ref("elsewhere", text))
    if plain in _REGISTERED:
        return _REGISTERED[plain]
    if isinstance(plain, type) and issubclass(plain, Enum):
        return st.sampled_from(list(plain))
    if attrs.has(plain):
        return _object(plain, ids)
    raise Mistake(f"no strategy is known for {plain!r}; name one: strategies.register({plain!r}, …)")


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _object(cls: Any, ids: Ids) -> SearchStrategy[Any]:
    hints = _hints(cls)
    fields = [f for f in attrs.fields(cls) if f.init and f.name not in ("version", "__row__")]

    @st.composite
    def made(draw: DrawFn) -> Any:
        given = {}
        for field in fields:
            if field.default is attrs.NOTHING or draw(st.booleans()):
                given[field.alias or field.name] = draw(values(hints[field.name], ids=ids))
        try:
            return cls(**given)
        except Refused:  # its parts do not fit each other
            assume(False)

    return made()


def records(kind: type[R], *, ids: Ids = _any_ids) -> SearchStrategy[R]:
    """Records of a kind, in any of its states, as a command would make them: not in any store, and of version 0."""
    shape = kind.__shape__

    def fits(record: R) -> R:
        try:
            shape.to_row(record, 1, None)
        except Refused:
            assume(False)
        return record

    made: SearchStrategy[R] = _object(kind, ids)
    return made.map(fits)


def arguments(declared: Declared, *, ids: Ids = _any_ids) -> SearchStrategy[dict[str, Any]]:
    """Keyword arguments of a command or a read. What has a default is left out now and then."""
    hints = declared.hints()
    given = {name: values(hints[name], ids=ids) for name in declared.parameters if name not in declared.defaults}
    more = {name: values(hints[name], ids=ids) for name in declared.defaults}
    return st.fixed_dictionaries(given, optional=more)


@st.composite
def calls(draw: DrawFn, desk: Desk, commands: Iterable[Command[..., Any]] | None = None) -> Call[Any]:
    """A call of one of these commands, or of any that the hub knows, at a desk.

    Ids are mostly those of records that are there by now, so that a call may well succeed.
    """
    known = desk.hub.catalogue
    among = list(commands) if commands is not None else [known.commands[name] for name in sorted(known.commands)]
    command = draw(st.sampled_from(among))
    return Call(command, (), draw(arguments(command, ids=existing(desk))))


def existing(desk: Desk) -> Ids:
    """For `values`, `records` and `arguments`: the ids of records that are at a desk's place now, and unknown ones."""
    catalogue = desk.hub.catalogue

    def ids(declared: Any) -> SearchStrategy[str]:
        if declared is Ref:
            subject = catalogue.subject
            parties = [] if subject is None else _ids_of(desk, subject)
            there = [str(desk.actor), *(f"{desk.jurisdiction}/{id}" for id in parties)]
            return _mostly(there)
        shape = catalogue.named_by(declared)
        there = [] if shape is None else _ids_of(desk, shape)
        return _mostly(there) if there else _any_ids(str)

    return ids


def _mostly(there: list[str]) -> SearchStrategy[str]:
    return st.integers(0, 5).flatmap(lambda n: st.sampled_from(there) if n else _any_ids(str))


def _ids_of(desk: Desk, shape: Shape) -> list[str]:
    with desk.hub.store.reading() as tx:
        wanted = make_query(shape, (), limit=KNOWN, order="id", descending=False, after=None)
        return [row[0] for row in tx.find(shape, desk.jurisdiction, wanted)]
