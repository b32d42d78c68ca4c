"""Records by hand: valid values for whatever a test does not care about."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar

import attrs

from communitycore.kernel.errors import Mistake
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.record import Record
from communitycore.kernel.shape import unwrap
from communitycore.kernel.splits import Share, rest

R = TypeVar("R", bound=Record[Any])

PLAIN: Mapping[Any, Any] = {
    str: "某物",
    int: 1,
    bool: False,
    float: 0.5,
    date: date(2024, 6, 4),
    datetime: datetime(2024, 6, 4, 6, tzinfo=UTC),
    timedelta: timedelta(hours=1),
    Decimal: Decimal(1),
    Ref: Ref("here", "somebody"),
    Money: Money(100),
    Point: Point(117.215, 36.975),
    Area: Area.box(117.21, 36.97, 117.22, 36.98),
    Share: rest("somebody"),
    types.NoneType: None,
}


def make(kind: type[R], **given: Any) -> R:
    """A record of this kind as a command would begin it, not in any store. given: the fields a test cares about.

    Of the others, those that have a default keep it; the rest get a valid value, the same each time. A state is one
    in which records of the kind begin. Raises BadValue for given values that no store could hold.
    """
    shape = kind.__shape__
    hints = typing.get_type_hints(kind, include_extras=True)
    known = [f.name for f in attrs.fields(kind)]
    if strange := sorted(given.keys() - set(known)):
        raise Mistake(f"{shape.kind} has no field {strange[0]!r}; it has {', '.join(shape.by_name)}")
    values: dict[str, Any] = {"id": f"{shape.kind}-1"}
    for field in attrs.fields(kind):
        if field.name in ("id", "version") or not field.init or field.default is not attrs.NOTHING:
            continue
        if shape.states is not None and field.name == shape.state_field:
            values[field.name] = sorted(shape.states.start)[0]
        else:
            values[field.name] = value_of(hints[field.name], field.name)
    made = kind(**{**values, **given})
    shape.to_row(made, 1, None)
    return made


def value_of(declared: Any, name: str = "value") -> Any:
    """A valid value of a declared type, the same each time. Raises Mistake for a type that no store holds."""
    _, optional, plain = unwrap(declared)
    if optional:
        return None
    origin, inner = typing.get_origin(plain), typing.get_args(plain)
    if origin is tuple:
        return () if Ellipsis in inner else tuple(value_of(one, name) for one in inner)
    if origin in (typing.Union, types.UnionType):
        return value_of(inner[0], name)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {}
    supertype = getattr(plain, "__supertype__", None)
    if supertype is str or isinstance(plain, TypeVar):
        return f"{name}-1"
    plain = supertype or plain
    if plain in PLAIN:
        return PLAIN[plain]
    if isinstance(plain, type) and issubclass(plain, Enum):
        return next(iter(plain))
    if attrs.has(plain):
        return _object(plain)
    raise Mistake(f"{name}: no value is known for {plain!r}")


def _object(cls: type[Any]) -> Any:
    hints = typing.get_type_hints(cls, include_extras=True)
    needed = [f for f in attrs.fields(cls) if f.init and f.default is attrs.NOTHING]
    given: dict[str, Any] = {f.name.lstrip("_"): value_of(hints[f.name], f.name) for f in needed}
    return cls(**{**given, **_FITTING.get(cls.__name__, {})})


_FITTING: Mapping[str, Mapping[str, Any]] = {
    "OpeningHours": {"opens": "08:30", "closes": "17:00"},
}
"""Where the parts of a value must fit each other: class -> the values that do."""
