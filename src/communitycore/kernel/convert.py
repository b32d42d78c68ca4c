"""Nested values as canonical text, and back: one cattrs converter for the whole library."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from communitycore.kernel import times
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money

if TYPE_CHECKING:
    from cattrs import Converter

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _has_text(declared: Any) -> bool:
    return isinstance(declared, type) and hasattr(declared, "to_text") and hasattr(declared, "from_text")


@cache
def converter() -> Converter:
    """The converter, made when first needed: importing cattrs takes as long as opening a hub."""
    from cattrs import Converter

    made = Converter(forbid_extra_keys=False, detailed_validation=False)
    made.register_unstructure_hook(datetime, times.to_text)
    made.register_structure_hook(datetime, lambda text, _: times.from_text(text))
    made.register_unstructure_hook(date, date.isoformat)
    made.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
    made.register_unstructure_hook(timedelta, lambda span: int(span.total_seconds()))
    made.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))
    made.register_unstructure_hook(Decimal, str)
    made.register_structure_hook(Decimal, lambda text, _: Decimal(text))
    made.register_unstructure_hook(Ref, str)
    made.register_structure_hook(Ref, lambda text, _: Ref.parse(text))
    made.register_unstructure_hook(Money, lambda money: [money.amount, money.currency])
    made.register_structure_hook(Money, lambda pair, _: Money(*pair))
    made.register_unstructure_hook_factory(attrs.has, _plain)
    # Values with a text of their own (areas, say) stand in nested values as that text.
    made.register_unstructure_hook_func(_has_text, lambda value: value.to_text())
    made.register_structure_hook_func(_has_text, lambda text, declared: declared.from_text(text))
    return made


def _plain(cls: type[Any]) -> Any:
    """Unstructure an attrs value without its nulls, so that an added field changes no old text."""
    from cattrs.gen import make_dict_unstructure_fn, override

    fields = attrs.fields(cls)
    overrides: Any = {f.name: override(omit_if_default=f.default is None) for f in fields}
    return make_dict_unstructure_fn(cls, converter(), **overrides)


def to_text(value: Any, declared: Any = None) -> str:
    """Canonical JSON: sorted keys, no spaces, nulls of optional fields left out, any script as itself."""
    return _encode(converter().unstructure(value, declared))


def from_text(text: str, declared: Any) -> Any:
    """The value of type `declared` that `to_text` wrote."""
    return converter().structure(json.loads(text), declared)
