"""What a command may see: records here, standing records above, the moment, the actor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from communitycore.kernel import times
from communitycore.kernel.change import Change, Step
from communitycore.kernel.errors import Mistake, NotFound
from communitycore.kernel.ids import Draw, JurisdictionId, Ref
from communitycore.kernel.query import Query, Where, make_query
from communitycore.kernel.record import Kind, Record
from communitycore.kernel.shape import Row, Shape

R = TypeVar("R", bound=Record[Any])
K = TypeVar("K")
I = TypeVar("I", bound=str)  # noqa: E741 - an id's type
V = TypeVar("V")

Held = tuple[Any, Row]


class Source(Protocol):
    """Where a View reads: the hub's transaction, or a layer of changes over one."""

    def load(self, shape: Shape, id: str) -> Held | None:
        """The record and its row, here or (standing kinds alone) in an ancestor."""
        ...

    def query(self, shape: Shape, query: Query) -> list[Held]:
        """The found, here."""
        ...

    def here(self, shape: Shape) -> tuple[Any, ...]:
        """All records of a standing kind here, by id."""
        ...

    def above(self, shape: Shape) -> list[tuple[Any, ...]]:
        """All records of a standing kind: here, then at the parent, and so on up."""
        ...

    def derive(self, build: Callable[[tuple[Any, ...]], Any], shape: Shape) -> Any:
        """`build` of all records of a standing kind here, remembered while they are unchanged."""
        ...

    def form(self, shape: Shape) -> Callable[[Row], Row] | None:
        """What makes of a row the one that a search compares; None: itself, since none is of an older form."""
        ...


class View:
    """What a command reads. Everything it says is as of one moment in one jurisdiction."""

    __slots__ = ("_draw", "_source", "actor", "due", "jurisdiction", "now", "stamp")

    def __init__(
        self,
        source: Source,
        draw: Draw,
        *,
        jurisdiction: JurisdictionId,
        actor: Ref,
        now: datetime,
        due: datetime | None = None,
        stamp: str | None = None,
    ) -> None:
        self._source = source
        self._draw = draw
        self.jurisdiction = jurisdiction
        self.actor = actor
        self.now = now
        self.due: datetime = due or now
        """The planned moment of the timer that runs this command; otherwise `now`."""
        self.stamp = times.to_text(now) if stamp is None else stamp
        """`now` as stores keep it."""

    def get(self, kind: Kind[K, I], id: I) -> K:
        """The record with this id. Raises NotFound. A standing kind is looked for in the ancestors too."""
        shape: Shape = kind.__shape__  # type: ignore[attr-defined]  # Kind is for checkers alone; @record sets the shape
        held = self._source.load(shape, id)
        if held is None:
            raise NotFound(kind=shape.kind, id=str(id))
        found: K = held[0]
        return found

    def find(
        self,
        kind: type[R],
        *conditions: Where,
        limit: int,
        order: Any = "id",
        descending: bool = False,
        after: R | None = None,
    ) -> list[R]:
        """At most `limit` records that meet all conditions, ordered by `order` (never null) and id.

        after: the last record of the page before.
        """
        shape = kind.__shape__
        query = make_query(shape, conditions, limit=limit, order=order, descending=descending, after=after)
        return [held[0] for held in self._source.query(shape, query)]

    def one(self, kind: type[R], *conditions: Where) -> R | None:
        """The first such record by id, or None."""
        found = self.find(kind, *conditions, limit=1)
        return found[0] if found else None

    def above(self, kind: type[R]) -> list[R]:
        """All records of a standing kind, here first, then at the parent, and so on up."""
        return [record for level in self._source.above(_standing(kind)) for record in level]

    def derive(self, build: Callable[[tuple[R, ...]], V], kind: type[R]) -> V:
        """`build` of all records of a standing kind here (ordered by id), remembered while they are unchanged."""
        value: V = self._source.derive(build, _standing(kind))
        return value

    def after(self, change: Change[Any]) -> View:
        """This view as it will be once `change` is committed."""
        layer = Layer(self._source)
        layer.add(change.steps)
        return View(
            layer,
            self._draw,
            jurisdiction=self.jurisdiction,
            actor=self.actor,
            now=self.now,
            due=self.due,
            stamp=self.stamp,
        )

    def new(self, kind: Kind[Any, I]) -> I:
        """A new id for a record of this kind."""
        return self._draw.id()  # type: ignore[return-value]  # an id is text at run time

    def ref(self, id: str) -> Ref:
        """How a record here is named from elsewhere."""
        return Ref(self.jurisdiction, id)


def _standing(kind: Any) -> Shape:
    """Its shape. Raises Mistake for a kind that would be remembered though it changes."""
    shape: Shape = kind.__shape__
    if not shape.standing:
        raise Mistake(f"{shape.kind} is no standing kind; find it, or declare it with standing=True")
    return shape


class Layer:
    """Changes laid over a source: reads see them, the source does not."""

    __slots__ = ("_base", "_held", "_unique")

    def __init__(self, base: Source) -> None:
        self._base = base
        self._held: dict[str, dict[str, Held]] = {}
        # (kind, unique column) -> value -> the id of who was laid down with it; it may have moved on since
        self._unique: dict[tuple[str, int], dict[Any, str]] = {}

    def add(self, steps: Iterable[Step]) -> None:
        """Lay these steps on top."""
        for step in steps:
            if step.row is not None:
                self.put(step.shape, step.after, step.row)

    def put(self, shape: Shape, record: Any, row: Row) -> None:
        """Lay one record on top."""
        self._held.setdefault(shape.kind, {})[row[0]] = (record, row)
        for n in shape.unique:
            if row[n] is not None:
                self._unique.setdefault((shape.kind, n), {})[row[n]] = row[0]

    def is_free(self, shape: Shape, column: int, value: Any) -> bool:
        """Whether no record was ever laid down here with this value of a unique column."""
        return value not in self._unique.get((shape.kind, column), ())

    def load(self, shape: Shape, id: str) -> Held | None:
        mine = self._held.get(shape.kind)
        if mine is not None and (held := mine.get(id)) is not None:
            return held
        return self._base.load(shape, id)

    def query(self, shape: Shape, query: Query) -> list[Held]:
        mine = self._held.get(shape.kind)
        if not mine:
            return self._base.query(shape, query)
        for test in query.tests:
            if test.test == "=" and test.column in shape.unique and test.value is not None:
                # At most one row can hold it, so a batch of hundreds need not be looked through.
                holder = self._unique.get((shape.kind, test.column), {}).get(test.value)
                rows = [held for held in self._base.query(shape, query) if held[1][0] not in mine]
                if holder is not None and query.admits(mine[holder][1]):
                    rows.append(mine[holder])
                return rows[: query.limit]
        # A laid-over row may leave the result, so ask for as many more.
        wider = Query(query.tests, query.order, query.descending, query.limit + len(mine), query.after)
        merged = {held[1]: held for held in self._base.query(shape, wider) if held[1][0] not in mine}
        merged.update({held[1]: held for held in mine.values()})
        return [merged[row] for row in query.pick(merged, self._base.form(shape))]

    def form(self, shape: Shape) -> Callable[[Row], Row] | None:
        return self._base.form(shape)

    def here(self, shape: Shape) -> tuple[Any, ...]:
        mine = self._held.get(shape.kind)
        if not mine:
            return self._base.here(shape)
        here = {record.id: record for record in self._base.here(shape)}
        here.update({id: held[0] for id, held in mine.items()})
        return tuple(here[id] for id in sorted(here))

    def above(self, shape: Shape) -> list[tuple[Any, ...]]:
        levels = self._base.above(shape)
        return [self.here(shape), *levels[1:]] if shape.kind in self._held else levels

    def derive(self, build: Callable[[tuple[Any, ...]], Any], shape: Shape) -> Any:
        if shape.kind not in self._held:
            return self._base.derive(build, shape)
        return build(self.here(shape))
