"""Commands: pure functions from a View to a Change, with who may call them."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from attrs import evolve

from communitycore.kernel.change import Change, Step
from communitycore.kernel.errors import Mistake
from communitycore.kernel.rules import Role, Rule
from communitycore.kernel.shape import Shape
from communitycore.kernel.values import frozen

if TYPE_CHECKING:
    from communitycore.kernel.view import View

P = ParamSpec("P")
T = TypeVar("T")


@frozen(eq=False)
class Call(Generic[T]):
    """One command (or read) with its arguments, for `desk.do_many`."""

    command: Declared
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    key: str | None = None
    occurred_at: datetime | None = None

    def keyed(self, key: str) -> Call[T]:
        """The same call under an idempotency key: made again, it gives what the first gave."""
        return evolve(self, key=key)

    def occurred(self, at: datetime) -> Call[T]:
        """The same call for something that happened at `at`."""
        return evolve(self, occurred_at=at)

    def argument(self, name: str) -> Any:
        """The argument called `name`, wherever it was given; its default otherwise."""
        if name in self.kwargs:
            return self.kwargs[name]
        n = self.command.parameters.get(name)
        if n is not None and n < len(self.args):
            return self.args[n]
        return self.command.defaults.get(name)


class Declared:
    """A named function over a View, with who may call it."""

    def __init__(self, name: str, may: Rule, function: Callable[..., Any]) -> None:
        code = function.__code__
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        positional = code.co_argcount - 1
        self.name = name
        self.may = may
        self.ways = tuple(may)
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self.__wrapped__ = function
        # name -> position; keyword-only ones stand past any possible position
        self.parameters = {n: (i if i < positional else 1 << 30) for i, n in enumerate(names)}
        given = function.__defaults__ or ()
        self.defaults = dict(zip(names[positional - len(given) : positional], given, strict=True))
        self.defaults.update(function.__kwdefaults__ or {})
        self._hints: dict[str, Any] | None = None

    def hints(self) -> dict[str, Any]:
        """The types of its arguments and of its `return`."""
        if self._hints is None:
            self._hints = typing.get_type_hints(self.function, include_extras=True)
        return self._hints

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class Command(Declared, Generic[P, T]):
    """A named command. Calling it runs the bare function on a View, so that rooms compose.

    reveals: kinds that it gives back though not all whom it admits may read them otherwise; the hub then
    insists on a step or note on every such record, so that each such reading leaves an entry.
    """

    reveals: frozenset[str] = frozenset()

    def __call__(self, view: View, /, *args: P.args, **kwargs: P.kwargs) -> Change[T]:
        change: Change[T] = self.function(view, *args, **kwargs)
        return change

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """This command with its arguments, to be done later."""
        return Call(self, args, kwargs)

    def result_shapes(self) -> tuple[Shape, ...]:
        """The kinds of record it gives back. Raises Mistake unless its result is records, a tuple of them, or None."""
        arguments = typing.get_args(self.hints().get("return"))
        if not arguments:
            raise Mistake(f"{self.name}: declare what it returns, as Change[SomeRecord]")
        return tuple(_shapes(arguments[0], self.name))

    def gives_many(self) -> bool:
        """Whether its result is a tuple of records."""
        return typing.get_origin(typing.get_args(self.hints()["return"])[0]) is tuple


class Read(Declared, Generic[P, T]):
    """A named question: a pure function from a View to an answer, asked through `desk.ask`."""

    def __call__(self, view: View, /, *args: P.args, **kwargs: P.kwargs) -> T:
        answer: T = self.function(view, *args, **kwargs)
        return answer


def _shapes(declared: Any, command: str) -> list[Shape]:
    if declared in (None, type(None)):
        return []
    shape = getattr(declared, "__shape__", None)
    if shape is not None:
        return [shape]
    inner = [a for a in typing.get_args(declared) if a is not Ellipsis]
    if not inner or typing.get_origin(declared) not in (tuple, typing.Union, UnionType):
        raise Mistake(f"{command}: its result {declared!r} is neither a record, a tuple of records, nor None")
    return [shape for part in inner for shape in _shapes(part, command)]


def command(
    name: str, *, may: Rule, reveals: tuple[type[Any], ...] = ()
) -> Callable[[Callable[Concatenate[View, P], Change[T]]], Command[P, T]]:
    """Declare a command. name: `room.verb`, stored with timers and keys. may: who may call it.

    reveals: kinds of record that it gives back to some who may not read them otherwise; see Command.
    """

    def declare(function: Callable[Concatenate[View, P], Change[T]]) -> Command[P, T]:
        made: Command[P, T] = Command(name, may, function)
        made.reveals = frozenset(kind.__shape__.kind for kind in reveals)
        return made

    return declare


def read(name: str, *, may: Rule) -> Callable[[Callable[Concatenate[View, P], T]], Read[P, T]]:
    """Declare a question: what it answers must be fit for all whom `may` admits."""

    def declare(function: Callable[Concatenate[View, P], T]) -> Read[P, T]:
        return Read(name, may, function)

    return declare


@frozen(eq=False)
class Reaction:
    """A command that the system runs, with the entry's record's id, for every journal entry called `on`."""

    name: str
    on: str
    run: Command[..., Any]


@frozen(eq=False)
class Fold:
    """Figures that follow the journal: a pure function from rows so far and one entry to rows changed.

    name: stored; a new `version` rebuilds it. on: the entry names it reads.
    apply(get, entry): `get(key)` is the row now (JSON data or None); gives pairs of key and new row (None deletes).
    read: who may read it. key: at most 191 characters, no personal data.
    """

    name: str
    on: frozenset[str]
    apply: Callable[..., Any]
    read: Rule
    version: int = 1


@frozen(eq=False)
class Veto:
    """A rule of a place's own 一票否决: asked before anybody's change with such a step, where it is in force.

    name: stored in the list of those in force. on: the entry names it is asked about.
    check(view, step): pure; `view` is as before the change, `step.before` and `step.after` are the record. It raises a
    Refused to refuse, most simply `Vetoed`; any other exception refuses too, as VetoFailed.
    Timers and reactions are not asked about: what was promised before comes to pass.
    """

    name: str
    on: frozenset[str]
    check: Callable[[View, Step], object]


@frozen(eq=False)
class Room:
    """One room: its records, commands, reads, reactions and folds, listed openly.

    founding: called with the level of a jurisdiction to be founded or moved and its parent's level (None: it has
    none); refuses what may not stand there.
    """

    name: str
    records: Sequence[type[Any]]
    commands: Sequence[Command[..., Any]]
    reads: Sequence[Read[..., Any]] = ()
    reactions: Sequence[Reaction] = ()
    folds: Sequence[Fold] = ()
    roles: Sequence[Role] = ()
    founding: Callable[[str, str | None], object] | None = None
