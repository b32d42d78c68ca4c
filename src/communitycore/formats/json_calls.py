"""Calls from JSON and answers to JSON: what `communitycore.formats.schemas` describes, read and written.

A service hands `arguments` what its client sent, and a desk what comes out. What the schema refuses is refused.
What it admits is read, but for what no schema tells: a day that no calendar has, text with NUL or half a surrogate pair
in it, an area or another value that its own class refuses.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from communitycore.formats.json_values import Parts, bad, filled, reader
from communitycore.kernel import convert
from communitycore.kernel.command import Command, Read
from communitycore.kernel.errors import Mistake

Callee = Command[..., Any] | Read[..., Any]
"""What JSON may call."""


def decode(body: bytes | str) -> Any:
    """The JSON data of a request's body: UTF-8, without NaN or Infinity. Raises BadValue."""
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad("body", "it is no JSON in UTF-8", "不是 UTF-8 编码的 JSON") from None


def arguments(declared: Callee, data: Any) -> dict[str, Any]:
    """The arguments of a call, by name, from decoded JSON: `desk.do(command, **arguments(command, data))`.

    What may be left out and is not there stays out, so its default holds.
    Raises BadValue, whose `field` says where: `text.title`, `drafts[2]`. It does not repeat what was given, which may
    be personal, unless the rule of a value's own class does so.
    """
    try:
        return filled(data, _parameters(declared), "")
    except RecursionError:
        raise bad("arguments", "they are nested too deeply", "嵌套过深") from None


def to_json(value: Any) -> Any:
    """A record, or whatever else a command gives or a read answers, as JSON data; nulls of optional fields left out.

    Raises Mistake for a value that no JSON stands for.
    """
    try:
        return json.loads(convert.to_text(value))
    except (TypeError, ValueError) as error:
        raise Mistake(f"no JSON stands for this {type(value).__name__}: {error}") from error


def _no_constant(name: str) -> Any:
    raise ValueError(name)


@cache
def _parameters(declared: Callee) -> Parts:
    hints, names = declared.hints(), tuple(declared.parameters)
    readers = {name: reader(hints[name], f"{declared.name}.{name}") for name in names}
    return Parts(readers, tuple(name for name in names if name not in declared.defaults), "argument", "参数")
