"""`frozen`: attrs' own, but built when first used.

A hundred classes are declared when the rooms are imported, and a program uses a few of them; having attrs write,
compile and attach the methods of all would take longer than everything else. So a declaration makes the slots
alone. The first instance, or the first look at the fields, has attrs build the class from the same source and
takes over what it made; the methods that compare and show, which many classes never need, follow at their first use.
"""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from attrs import frozen as frozen
else:

    def frozen(maybe_cls: Any = None, **options: Any) -> Any:
        """Like attrs.frozen, but a mandatory field after one with a default is told at the first use."""

        def wrap(cls: type[Any]) -> type[Any]:
            return _declare(cls, options) if _is_plain(cls, options) else attrs.frozen(cls, **options)

        return wrap if maybe_cls is None else wrap(maybe_cls)


def is_frozen(cls: type[Any]) -> bool:
    """Whether it is an attrs class whose instances do not change. Asking does not build it."""
    return cls.__setattr__ is _SHARED["__setattr__"]


class _Sample:
    """Shows what this attrs makes for each frozen class in this Python, beyond the optional methods."""


_OPTIONAL = {
    "eq": {"__eq__", "__ne__", "__hash__"},
    "repr": {"__repr__"},
    "order": {"__lt__", "__le__", "__gt__", "__ge__"},
}
_WITHOUT: Any = dict.fromkeys(_OPTIONAL, False)
_MADE = vars(attrs.frozen(_Sample, **_WITHOUT))
_SHARED = {name: _MADE[name] for name in ("__setattr__", "__delattr__")}
_NEEDED = _MADE.keys() - vars(_Sample).keys() - _SHARED.keys() - {"__slots__"}
_FIELD = type(attrs.field())
_CLASS_VARIABLE = ("ClassVar", "typing.ClassVar", "t.ClassVar", "typing_extensions.ClassVar")  # as attrs tells them

# A class with one of these of its own is no plain one.
_UNUSUAL = _NEEDED | _SHARED.keys() | _OPTIONAL["eq"] | _OPTIONAL["order"] | {"__slots__"}


# attrs leaves a mark in the source, so no other thread may read that meanwhile. A class asks for its bases' fields.
_BUILDING = RLock()


class _Later:
    """Stands in a class for one of the things that attrs will make for it."""

    __slots__ = ("cls", "name", "options", "source")

    def __init__(self, source: type[Any], options: dict[str, Any]) -> None:
        self.source = source
        self.options = options

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.cls = owner
        self.name = name

    def __get__(self, instance: object, owner: type[Any] | None = None) -> Any:
        with _BUILDING:
            if vars(self.cls)[self.name] is self:
                self._build()
        found = vars(self.cls)[self.name]
        return found.__get__(instance, owner) if hasattr(found, "__get__") else found

    def _build(self) -> None:
        options = {**self.options, **_WITHOUT} if self.name in _NEEDED else self.options
        made = vars(attrs.frozen(self.source, **options))
        for name, value in tuple(vars(self.cls).items()):
            if value.__class__ is _Later and name in made:
                setattr(self.cls, name, made[name])


def _declare(cls: type[Any], options: dict[str, Any]) -> type[Any]:
    """`cls` with slots for its fields and a promise of what attrs will make."""
    own, bases = dict(vars(cls)), [vars(base) for base in cls.__mro__[1:]]
    names = [name for name, annotation in cls.__annotations__.items() if not _is_class_variable(annotation)]
    taken = {name: base[name] for base in reversed(bases) for name in base.get("__slots__", ()) if name in names}
    slots = [name for name in names if name not in taken]
    if not any("__weakref__" in base for base in bases):
        slots.append("__weakref__")
    kept = {name: value for name, value in own.items() if name not in ("__dict__", "__weakref__", *names)}
    chosen = {"eq": True, "repr": True, **options}
    promised = _NEEDED.union(*(methods for name, methods in _OPTIONAL.items() if chosen.get(name)))
    later = {name: _Later(cls, options) for name in promised}
    body = {**later, **kept, **taken, **_SHARED, "__slots__": tuple(slots), "__qualname__": cls.__qualname__}
    metaclass: Any = type(cls)
    made: type[Any] = metaclass(cls.__name__, cls.__bases__, body)
    return made


def _is_plain(cls: type[Any], options: dict[str, Any]) -> bool:
    """Whether it is declared as nearly all are. What is rarer attrs builds at once."""
    own = vars(cls)
    return (
        options.keys() <= {"kw_only", *_OPTIONAL}
        and own.keys().isdisjoint(_UNUSUAL)
        and not issubclass(cls, BaseException)
        and not hasattr(cls, "__attrs_init_subclass__")
        and not any(_knows_its_class(value) for value in own.values())
        and not any(value.__class__ is _FIELD and name not in cls.__annotations__ for name, value in own.items())
    )


def _knows_its_class(value: Any) -> bool:
    """Whether it must be told that its class was made anew: a cached property, or a method that uses super()."""
    function = getattr(value, "__func__", None) or getattr(value, "fget", value)
    return isinstance(value, cached_property) or getattr(function, "__closure__", None) is not None


def _is_class_variable(annotation: Any) -> bool:
    return str(annotation).lstrip("'\"").startswith(_CLASS_VARIABLE)
