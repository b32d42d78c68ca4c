"""Every command and record as JSON Schema 2020-12, from which a web service takes its routes and its checks.

The values described are those that `communitycore.kernel.convert` writes and reads: a moment as UTC text, an amount of
money as `[minor units, currency]`, a span of time as seconds, a reference as `jurisdiction/id`, an area as text of its
own. A word's Chinese stands as its `title`.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

import attrs

from communitycore.kernel.command import Command, Read, Room
from communitycore.kernel.errors import Mistake
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.record import shape_of
from communitycore.kernel.shape import EXACT_MAX, NESTED_MAX, TEXT_MAX, Max

__all__ = ["schemas"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
SECONDS = {"minimum": timedelta.min // timedelta(seconds=1), "maximum": timedelta.max // timedelta(seconds=1)}

Json = dict[str, Any]

# Patterns beside formats, which a validator need not check. A moment is one of RFC 3339, so never without its zone.
ID: Json = {"type": "string", "pattern": "^[!-.0-~]{1,36}$"}
TEXT: Json = {"type": "string", "maxLength": TEXT_MAX}
DAY: Json = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
MOMENT: Json = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
}
EXACT: Json = {"type": "string", "pattern": "^[+-]?[0-9]*[.]?[0-9]+([eE][+-]?[0-9]+)?$", "maxLength": EXACT_MAX}
REF: Json = {"type": "string", "pattern": "^[!-.0-~]{1,36}/[!-.0-~]{1,36}$"}
CURRENCY: Json = {"type": "string", "pattern": "^[A-Z]{3}$"}


def schemas(rooms: Iterable[Room]) -> Json:
    """One document: `records` by kind, `commands` and `reads` by name, and `$defs` that they refer to.

    A command has `arguments` (an object; what is not required may be left out), `may` in both languages, and the kinds
    that it `gives`; a read has its `answer` instead of these, if JSON stands for it.
    Raises Mistake for an argument whose type no JSON stands for.
    """
    made = _Schemas()
    told: Json = {"$schema": DIALECT, "records": {}, "commands": {}, "reads": {}}
    for room in rooms:
        for kind in room.records:
            told["records"][shape_of(kind).kind] = {**made.record(kind), "room": room.name}
        for command in room.commands:
            gives = [shape.kind for shape in command.result_shapes()]
            told["commands"][command.name] = {**made.call(command), "room": room.name, "gives": gives}
        for read in room.reads:
            told["reads"][read.name] = {**made.call(read), "room": room.name, **made.answer(read)}
    return {**told, "$defs": dict(sorted(made.defs.items()))}


class _Schemas:
    """Schemas of types, and the definitions that they share."""

    def __init__(self) -> None:
        self.defs: dict[str, Json] = {}

    def record(self, kind: type[Any]) -> Json:
        """A record's schema: its fields, with who reads it."""
        shape = shape_of(kind)
        made = self.object(kind)
        personal = [field.name for field in shape.fields if field.personal]
        return {
            **made,
            "read": {"en": shape.read.say("en"), "zh": shape.read.say("zh")},
            **({"personal": personal} if personal else {}),
        }

    def call(self, declared: Command[..., Any] | Read[..., Any]) -> Json:
        """A command's or read's schema: its arguments, and whom it admits."""
        hints = declared.hints()
        arguments = {name: self.of(hints[name], f"{declared.name}.{name}") for name in declared.parameters}
        return {
            "description": _promise(declared),
            "arguments": {
                "type": "object",
                "properties": arguments,
                "required": [name for name in arguments if name not in declared.defaults],
                "additionalProperties": False,
            },
            "may": {"en": declared.may.say("en"), "zh": declared.may.say("zh")},
        }

    def answer(self, read: Read[..., Any]) -> Json:
        """What a read answers, unless no JSON stands for it: it is for programs in this process then."""
        try:
            return {"answer": self.of(read.hints()["return"], read.name)}
        except (Mistake, KeyError):
            return {}

    def of(self, declared: Any, where: str) -> Json:
        """The schema of a declared type. Raises Mistake."""
        origin, inner = typing.get_origin(declared), typing.get_args(declared)
        if origin is typing.Annotated:
            made = self.of(inner[0], where)
            longest = [mark.length for mark in inner[1:] if isinstance(mark, Max)]
            return {**made, "maxLength": longest[0]} if longest and made.get("type") == "string" else made
        if origin in (typing.Union, types.UnionType):
            ways = [self.of(one, where) for one in inner if not stays(one)]
            return ways[0] if len(ways) == 1 else {"anyOf": ways}
        if origin is tuple:
            return self._tuple(inner, where)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1], where)}
        if isinstance(declared, typing.TypeVar):  # a record's own id
            return dict(ID)
        supertype = getattr(declared, "__supertype__", None)
        if supertype is not None:
            return dict(ID) if supertype is str else self.of(supertype, where)
        if isinstance(declared, type):
            plain = _PLAIN.get(declared)
            if plain is not None:
                return dict(plain)
            return self._class(declared, where)
        raise Mistake(f"{where}: no JSON stands for {declared!r}; use a type that a store can hold")

    def _tuple(self, inner: tuple[Any, ...], where: str) -> Json:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": self.of(inner[0], where)}
        parts = [self.of(one, where) for one in inner]
        return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}

    def _class(self, declared: type[Any], where: str) -> Json:
        if not (issubclass(declared, StrEnum) or hasattr(declared, "to_text") or attrs.has(declared)):
            raise Mistake(f"{where}: no JSON stands for {declared.__name__}; use a type that a store can hold")
        name = f"{declared.__module__.removeprefix('communitycore.')}.{declared.__qualname__}"
        if name not in self.defs:
            self.defs[name] = {}  # a class may hold itself
            if issubclass(declared, StrEnum):
                self.defs[name] = {"oneOf": [_word(word) for word in declared]}
            elif hasattr(declared, "to_text"):
                self.defs[name] = {"type": "string", "description": _promise(declared), "maxLength": NESTED_MAX}
            else:
                self.defs[name] = {**self.object(declared), "additionalProperties": False}
        return {"$ref": f"#/$defs/{name}"}

    def object(self, declared: type[Any]) -> Json:
        """The schema of an attrs class."""
        hints = typing.get_type_hints(declared, include_extras=True)
        fields = {f.name: f for f in attrs.fields(declared) if not f.name.startswith("__")}
        return {
            "description": _promise(declared),
            "type": "object",
            "properties": {name: self.of(hints[name], f"{declared.__name__}.{name}") for name in fields},
            "required": [name for name, field in fields.items() if field.default is attrs.NOTHING],
        }


_PLAIN: dict[type[Any], Json] = {
    str: TEXT,
    bool: {"type": "boolean"},
    int: {"type": "integer", **INT64},
    float: {"type": "number"},
    datetime: MOMENT,
    date: DAY,
    timedelta: {"type": "integer", "description": "seconds", **SECONDS},
    Decimal: EXACT,
    Ref: REF,
    Money: {
        "type": "array",
        "prefixItems": [{"type": "integer", **INT64}, CURRENCY],
        "items": False,
        "minItems": 2,
    },
    types.NoneType: {"type": "null"},
}


def stays(declared: Any) -> bool:
    """Whether it says that something stays as it is, which JSON says by leaving it out."""
    return isinstance(declared, type) and issubclass(declared, Enum) and not issubclass(declared, StrEnum)


def _word(word: StrEnum) -> Json:
    zh = getattr(word, "zh", "")
    return {"const": word.value, **({"title": zh} if zh else {})}


def _promise(documented: Any) -> str:
    """The first sentence of a docstring."""
    text = " ".join((documented.__doc__ or "").split("\n\n")[0].split())
    return text
