"""Strategies for JSON: any, what the types of a declaration admit, and that with something wrong in it."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs
from hypothesis import strategies as st

import communitycore as cc
from communitycore.domain.places import OpeningHours
from communitycore.domain.roles import ROLES
from communitycore.formats.schemas import stays
from communitycore.kernel.command import Declared
from communitycore.kernel.rules import Role
from communitycore.testing.clock import START


@attrs.frozen
class Pick:
    """Stands for one of the ids of a type, whichever there are when the call is made."""

    type: Any
    number: int


def resolved(data: Any, ids: Mapping[Any, Sequence[str]]) -> Any:
    """`data` with ids for all that stand for one; `nowhere` where there is none."""
    if isinstance(data, Pick):
        there = ids.get(data.type) or ("nowhere/nobody" if data.type is cc.Ref else "nowhere",)
        return there[data.number % len(there)]
    if isinstance(data, dict):
        return {name: resolved(one, ids) for name, one in data.items()}
    return [resolved(one, ids) for one in data] if isinstance(data, list) else data


def picks(type: Any) -> st.SearchStrategy[Any]:
    return st.builds(Pick, st.just(type), st.integers(0, 11))


TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
WORDS = st.sampled_from(
    ["路灯", "a lamp", "1", "08:30", "FREQ=WEEKLY;BYDAY=TU", "138 0531 7788", "Asia/Shanghai", "瑜伽分成"]
)
VISIBLE = st.text(
    st.characters(codec="ascii", categories=("L", "N", "P", "S"), exclude_characters="/"), min_size=1, max_size=36
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-23, minutes=-59))])
NUMBERS = st.integers(-3, 100) | st.integers(-(2**63), 2**63 - 1)

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\0", "\ud800", "", "x" * 10_001, "2024-06-04T06:00:00", "24:00", 2**63, 10**400, 1e308, -0.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def near(day: int) -> datetime:
    return START + timedelta(hours=7 * day)


PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: WORDS | TEXTS,
    bool: st.booleans(),
    int: NUMBERS | st.integers(-3, 9).map(float),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9),
    datetime: (
        st.datetimes(timezones=ZONES, min_value=datetime(2, 1, 1), max_value=datetime(9999, 12, 30))
        | st.integers(-20, 90).map(near)
    ).map(datetime.isoformat),
    date: (st.dates() | st.integers(-20, 90).map(near).map(datetime.date)).map(date.isoformat),
    timedelta: st.timedeltas().map(lambda span: span // timedelta(seconds=1)),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9).map(str)
    | st.sampled_from(["0.5", "1", "1e999999", "-1E-999999", ".5", "+3e5"]),
    cc.Ref: st.tuples(VISIBLE, VISIBLE).map("/".join),
    cc.Money: st.tuples(NUMBERS, st.sampled_from(["CNY", "JPY", "XXX"])).map(list),
    types.NoneType: st.none(),
    cc.Point: st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(lambda at: cc.Point(*at).to_text())
    | st.sampled_from(["[117.1,36.95]", "[117.0,36.9]"]),
    cc.Area: st.sampled_from(
        [
            cc.Area.box(117.0, 36.9, 117.1, 37.0).to_text(),
            cc.Area.box(117.0, 36.9, 117.05, 37.0).to_text(),
            cc.Area.box(117.05, 36.9, 117.1, 37.0).to_text(),
            cc.Area.box(-180, -90, 180, 90).to_text(),
            "[[[[117.0,36.9],[117.1,37.0],[117.1,36.9],[117.0,37.0],[117.0,36.9]]]]",
            "[[[[1,1],[1,1]]]]",
        ]
    ),
    Role: st.sampled_from(ROLES).map(lambda role: {"name": role.name, "zh": role.zh}),
    OpeningHours: st.tuples(st.integers(1, 7), st.integers(0, 11), st.integers(12, 23)).map(
        lambda at: {"weekday": at[0], "opens": f"{at[1]:02}:00", "closes": f"{at[2]}:30"}
    ),
}


def admitted(declared: Any) -> st.SearchStrategy[Any]:
    """JSON that the schema of a declared type admits, and that no rule of a value's own class refuses."""
    origin, inner = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        return admitted(inner[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of([admitted(one) for one in inner if not stays(one)])
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return st.lists(admitted(inner[0]), max_size=3)
        return st.tuples(*(admitted(one) for one in inner)).map(list)
    if hasattr(declared, "__supertype__"):
        return picks(declared) | picks(declared) | VISIBLE
    if declared is cc.Ref:
        return picks(declared) | picks(declared) | PLAIN[cc.Ref]
    if declared in PLAIN:
        return PLAIN[declared]
    if issubclass(declared, StrEnum):
        return st.sampled_from([word.value for word in declared])
    assert attrs.has(declared), declared
    hints = typing.get_type_hints(declared, include_extras=True)
    parts = {field.name: admitted(hints[field.name]) for field in attrs.fields(declared)}
    needed = [field.name for field in attrs.fields(declared) if field.default is attrs.NOTHING]
    return objects(parts, needed)


def objects(parts: Mapping[str, st.SearchStrategy[Any]], needed: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {name: parts[name] for name in needed},
        optional={name: part for name, part in parts.items() if name not in needed},
    )


def calls(declared: Declared) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that the declaration's schema admits."""
    hints = declared.hints()
    parts = {name: admitted(hints[name]) for name in declared.parameters}
    return objects(parts, [name for name in parts if name not in declared.defaults])


@st.composite
def spoilt(draw: st.DrawFn, declared: Declared) -> Any:
    """Such arguments, of which one or another part, however deep, may be anything."""

    def spoil(value: Any) -> Any:
        if draw(st.integers(0, 5)) == 0:
            return draw(ANY)
        if isinstance(value, dict):
            return {
                draw(st.text(max_size=5)) if draw(st.integers(0, 20)) == 0 else k: spoil(v) for k, v in value.items()
            }
        return [spoil(one) for one in value] if isinstance(value, list) else value

    return spoil(draw(calls(declared)))
