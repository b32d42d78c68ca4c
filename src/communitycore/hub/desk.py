"""A desk: one actor at work in one jurisdiction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from attrs import evolve

from communitycore.kernel import times
from communitycore.kernel.command import Call, Command, Fold, Read
from communitycore.kernel.ids import JurisdictionId, Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.query import Where
from communitycore.kernel.record import Kind, Record
from communitycore.kernel.values import frozen

if TYPE_CHECKING:
    from communitycore.hub.hub import Hub

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
I = TypeVar("I", bound=str)  # noqa: E741 - an id's type
R = TypeVar("R", bound=Record[Any])


@frozen
class Outcome(Generic[T]):
    """What became of one call of many: its value, or the error that it alone met."""

    value: T | None = None
    error: Exception | None = None

    def get(self) -> T:
        """The value; raises the call's error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # None only beside an error


@frozen
class Desk:
    """Where commands are done and records are read, as one actor in one jurisdiction."""

    hub: Hub
    jurisdiction: JurisdictionId
    actor: Ref
    key: str | None = None
    _occurred: datetime | None = None

    def keyed(self, key: str | None = None) -> Desk:
        """The same desk, whose next call has this idempotency key: made again, it gives what the first gave.

        Without one, a key is made that nobody else has; `key` of the desk tells it.
        """
        return evolve(self, key=self.hub.entropy(16).hex() if key is None else key)

    def became(self) -> Outcome[Any] | None:
        """What became of the call under this desk's key: what it gave, as it is now; None if none such was kept.

        None means refused, withdrawn, still under way or never made. Raises KeyErased; Mistake at a desk without key.
        """
        return self.hub.became(self)

    def occurred(self, at: datetime) -> Desk:
        """The same desk, for things that happened at `at`; they are recorded now."""
        return evolve(self, occurred=times.aware(at, "occurred_at"))

    def do(self, command: Command[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do one command and return its result once it is durable.

        Raises Refused if a rule says no; StoreError if the store fails. Either way nothing was changed.
        """
        return self.hub.carry_out(self, Call(command, args, kwargs, self.key, self._occurred))

    def do_many(self, calls: Iterable[Call[T]]) -> list[Outcome[T]]:
        """Do independent calls in order, many in a transaction; one that fails leaves the others alone."""
        return self.hub.carry_out_many(self, [self._dressed(call) for call in calls])

    def ask(self, read: Read[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask a room's question, as of now. Raises NotAllowed, and what the question raises."""
        call: Call[T] = Call(read, args, kwargs)
        return self.hub.answer(self, call)

    def get(self, kind: Kind[K, I], id: I) -> K:
        """One record. Raises NotFound, NotAllowed."""
        return self.hub.read_one(self, kind, id)

    def find(
        self,
        kind: type[R],
        *conditions: Where,
        limit: int = 100,
        order: Any = "id",
        descending: bool = False,
        after: R | None = None,
    ) -> list[R]:
        """Records that meet all conditions and that the actor may read; see View.find."""
        return self.hub.read_many(self, kind, conditions, limit=limit, order=order, descending=descending, after=after)

    def history(self, kind: Kind[K, I], id: I) -> list[Entry]:
        """A record's journal entries, oldest first, without who acted where the kind keeps that from the reader.

        Where it does, those that say that it was erased are left out: their moment would lead to the person.

        Raises NotFound, NotAllowed.
        """
        return self.hub.history(self, kind, id)

    def figure(self, fold: Fold, key: str) -> Any:
        """One row of a fold as JSON data, after the fold has caught up; None if there is none."""
        return dict(self.figures(fold)).get(key)

    def figures(self, fold: Fold) -> Sequence[tuple[str, Any]]:
        """All rows of a fold, after it has caught up. Raises NotAllowed."""
        return self.hub.figures(self, fold)

    def _dressed(self, call: Call[Any]) -> Call[Any]:
        if self.key is not None and call.key is None:
            call = evolve(call, key=self.key)
        if self._occurred is not None and call.occurred_at is None:
            call = evolve(call, occurred_at=self._occurred)
        return call
