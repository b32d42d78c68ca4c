"""Records: frozen attrs classes whose types say what a store must know."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Protocol, Self, TypeVar

from attrs import field

from communitycore.kernel.rules import PUBLIC, Rule
from communitycore.kernel.shape import ERASED, INDEXED, PERSONAL, UNIQUE, LegalGround, Max, Row, Shape, make_shape
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen

if TYPE_CHECKING:
    from communitycore.kernel.upcast import Upcasters
    from communitycore.kernel.view import View

__all__ = ["PUBLIC", "Indexed", "Kind", "LegalGround", "Max", "Personal", "Record", "Unique", "record", "shape_of"]

T = TypeVar("T")
I = TypeVar("I", bound=str)  # noqa: E741 - an id's type
R = TypeVar("R", bound="Record[Any]")

Indexed = Annotated[T, INDEXED]
Unique = Annotated[T, UNIQUE]
Personal = Annotated[T, PERSONAL]

R_co = TypeVar("R_co", covariant=True)
I_contra = TypeVar("I_contra", contravariant=True)


class Kind(Protocol[R_co, I_contra]):
    """A record class, as a function from its own id type to itself: what ties `Wish` to `WishId`."""

    def of_id(self, id: I_contra, /) -> R_co: ...


class Rowed:
    """What remembers the row that it was read from or written as; the copies that `evolve` makes do not."""

    __slots__ = ("__row__",)

    __row__: Row


@frozen(kw_only=True)
class Record(Rowed, Generic[I]):
    """The current state of one thing. `version` counts its steps and is kept by the hub."""

    __shape__: ClassVar[Shape]

    id: I
    version: int = field(default=0, kw_only=True)

    @property
    def erased(self) -> bool:
        """Whether what was personal in it was erased, and nothing personal came since.

        Said of a record as it was read or given back by a command, not of a copy that `evolve` made.
        """
        row = getattr(self, "__row__", None)
        return row is not None and row[3] == ERASED

    @classmethod
    def of_id(cls, id: I, /) -> Self:
        """For type checkers alone; a record is read through a View or a Desk."""
        raise TypeError(f"read {cls.__name__} {id} through view.get or desk.get")


def record(
    kind: str,
    *,
    states: States[Any] | None = None,
    read: Rule,
    actors: Rule | None = None,
    owner: str | None = None,
    standing: bool = False,
    subject: bool = False,
    schema: int = 1,
    upcasters: Upcasters | None = None,
    keep: Callable[[View, Any], LegalGround | None] | None = None,
) -> Callable[[type[R]], type[R]]:
    """Declare a frozen attrs class as a kind of record, above `@frozen(kw_only=True)`.

    kind: the stable name in stores and journals. states: its table, if it has one; one field has the
    table's enum as its type. read: who may read it. actors: who of them may learn from its history who
    took its steps; left out, all of them, and each always sees their own. owner: the field that names the
    person whose the `Personal` fields are (`"id"` for a person's own record). standing: commands decide by
    it; kept in memory while unchanged. subject: it is a party, and may have `same_as: Ref`. schema: the
    number of its present form. upcasters: number -> what was renamed or removed from it to the next, one of
    `renamed(…)` and `removed(…)` or several, `()` for nothing; each number before `schema` is there. keep: a pure
    function of a View and a record that tells on which legal ground the record is kept though its owner is erased;
    None: it is erased with them, as all are where this is left out.
    Raises Mistake for a field whose type no store can hold, and for upcasters that contradict the fields.
    """

    def declare(cls: type[R]) -> type[R]:
        cls.__shape__ = make_shape(
            cls,
            kind,
            states=states,
            read=read,
            owner=owner,
            standing=standing,
            subject=subject,
            schema=schema,
            actors=actors,
            upcasters=upcasters,
            keep=keep,
        )
        return cls

    return declare


def shape_of(kind: Any) -> Shape:
    """What the store knows of a record class."""
    shape: Shape = kind.__shape__
    return shape
