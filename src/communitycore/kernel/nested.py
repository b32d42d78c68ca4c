"""Checking nested values part by part: what a store would hold as a field of its own, it may hold inside one."""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs

from communitycore.kernel import times
from communitycore.kernel.ids import Ref, check_id
from communitycore.kernel.money import Money
from communitycore.kernel.shape import EXACT_MAX, TEXT_MAX, Max, check_int, check_text, unwrap, wrong_type

Check = Callable[[Any], object]


def checker(declared: Any, where: str) -> Check:
    """A function that raises BadValue, naming the field `where`, unless its argument is a `declared` a store can hold.

    declared: one of the types that a record's declaration admits inside a nested field.
    """
    marks, optional, plain = unwrap(declared)
    check = _plain(plain, where, next((m.length for m in marks if isinstance(m, Max)), TEXT_MAX))
    return (lambda value: None if value is None else check(value)) if optional else check


def _plain(plain: Any, where: str, longest: int) -> Check:
    if typing.get_origin(plain) is tuple:
        return _tuple(typing.get_args(plain), plain, where)
    supertype = getattr(plain, "__supertype__", plain)
    if supertype is int:
        return lambda value: check_int(value, where)
    if supertype is str:
        return lambda value: check_text(value, where, longest) if plain is str else check_id(value, where)
    if not hasattr(plain, "to_text"):
        if attrs.has(plain) and plain not in (Ref, Money):
            return _parts(plain, where)
        if issubclass(plain, StrEnum) or plain is bool:
            return lambda value: _is(value, value.__class__ is plain, plain, where)
    further = _FURTHER.get(plain)

    def check(value: Any) -> None:
        _is(value, isinstance(value, plain), plain, where)
        if further is not None:
            further(value, where)

    return check


def _is(value: Any, right: bool, declared: Any, where: str) -> None:
    if not right:
        raise wrong_type(value, declared, where)


def _day(value: Any, where: str) -> None:
    _is(value, not isinstance(value, datetime), date, where)


def _exact(value: Any, where: str) -> None:
    _is(value, value.is_finite(), Decimal, where)
    check_text(str(value), where, EXACT_MAX)


_FURTHER: dict[Any, Callable[[Any, str], object]] = {
    datetime: times.to_text,
    date: _day,
    Decimal: _exact,
    Ref: lambda value, where: (check_id(value.jurisdiction, where), check_id(value.id, where)),
    Money: lambda value, where: check_int(value.amount, where),
}


def _tuple(inner: tuple[Any, ...], declared: Any, where: str) -> Check:
    checks = [checker(each, where) for each in inner if each is not Ellipsis]
    endless = Ellipsis in inner

    def check(value: Any) -> None:
        right = isinstance(value, tuple) and (endless or len(value) == len(checks))
        _is(value, right, declared, where)
        for n, each in enumerate(value):
            checks[0 if endless else n](each)

    return check


def _parts(declared: Any, where: str) -> Check:
    hints = typing.get_type_hints(declared, include_extras=True)
    checks = [(field.name, checker(hints[field.name], where)) for field in attrs.fields(declared)]

    def check(value: Any) -> None:
        _is(value, isinstance(value, declared), declared, where)
        for name, part in checks:
            part(getattr(value, name))

    return check
