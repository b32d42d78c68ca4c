"""`frozen`: attrs' own, but cheap to declare.

A hundred classes are declared when the rooms are imported, and half of the time that takes goes into generating
`__eq__`, `__hash__` and `__repr__` for each. Here one general form of these serves all; everything else is attrs'.
Classes that are compared or hashed on the road itself, such as Ref, stay with attrs' generated ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from attrs import frozen as frozen
else:

    def frozen(maybe_cls: Any = None, **options: Any) -> Any:
        """Like attrs.frozen. Classes that need `order` or their own `eq` get attrs' generated methods."""
        if options.keys() & {"eq", "order", "repr", "unsafe_hash", "hash"}:
            return attrs.frozen(maybe_cls, **options)

        def wrap(cls: type[Any]) -> type[Any]:
            own = cls.__dict__.keys() & {"__eq__", "__hash__", "__repr__"}
            made = attrs.frozen(cls, eq=False, repr=False, **options)
            for name, method in _METHODS.items():
                if name not in own:
                    setattr(made, name, method)
            return made

        return wrap if maybe_cls is None else wrap(maybe_cls)


def _key(value: Any, wanted: str) -> tuple[Any, ...]:
    return tuple(getattr(value, a.name) for a in value.__attrs_attrs__ if getattr(a, wanted))


def _eq(self: Any, other: object) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _key(self, "eq") == _key(other, "eq")


def _hash(self: Any) -> int:
    return hash((self.__class__, _key(self, "eq")))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{a.name}={getattr(self, a.name)!r}" for a in self.__attrs_attrs__ if a.repr)
    return f"{self.__class__.__qualname__}({shown})"


_METHODS = {"__eq__": _eq, "__hash__": _hash, "__repr__": _repr}
