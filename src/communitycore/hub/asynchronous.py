"""The hub for programs that await: the same verbs, each a whole call on a thread of the hub's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from communitycore.hub.desk import Desk, Outcome
from communitycore.hub.hub import Hub
from communitycore.kernel.command import Call, Command, Fold, Read
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.query import Where
from communitycore.kernel.record import Kind, Record
from communitycore.kernel.values import frozen

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
I = TypeVar("I", bound=str)  # noqa: E741 - an id's type
R = TypeVar("R", bound=Record[Any])

THREADS = 8


def _awaited(
    method: Callable[Concatenate[Hub, P], T],
) -> Callable[Concatenate[AsyncHub, P], Coroutine[Any, Any, T]]:
    """The same method, awaited."""

    async def awaited(self: AsyncHub, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(method, self.hub, *args, **kwargs)

    update_wrapper(awaited, method)
    return awaited


class AsyncHub:
    """A hub whose verbs are awaited. Made over an open hub, whose owner it becomes; closing it closes both.

    A call that is cancelled before it has begun is withdrawn, and nothing of it happens. One that has begun is finished
    all the same: with a key, `desk.keyed(key).became()` tells what it gave.
    threads: how many calls run at once; more wait their turn. Reads gain from several, writes of one jurisdiction share
    transactions. What is awaited on one event loop may be asked for on another.
    """

    def __init__(self, hub: Hub, *, threads: int = THREADS) -> None:
        self.hub = hub
        self._threads = ThreadPoolExecutor(threads, "communitycore")
        self._running: dict[tuple[str, Ref, str], set[Future[Any]]] = {}

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Any function of the hub or of a desk on a thread of this hub's own. Raises Mistake in a forked process."""
        return await asyncio.wrap_future(self._begin(function, *args, **kwargs))

    def _begin(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        _ = self.hub.store  # one inherited through fork has no threads: a call would wait for ever
        return self._threads.submit(copy_context().run, partial(function, *args, **kwargs))

    async def __aenter__(self) -> AsyncHub:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Withdraw what has not begun, wait for what has, and close the hub."""
        closing = asyncio.get_running_loop().run_in_executor(None, self._close)
        await asyncio.shield(closing)

    def _close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.hub.close()

    async def desk(self, code: str, actor: Ref) -> AsyncDesk:
        """See Hub.desk."""
        return AsyncDesk(self, await self.run(self.hub.desk, code, actor))

    found = _awaited(Hub.found)
    move = _awaited(Hub.move)
    resolve = _awaited(Hub.resolve)
    jurisdictions = _awaited(Hub.jurisdictions)
    administrator = _awaited(Hub.administrator)
    locate = _awaited(Hub.locate)
    run_due = _awaited(Hub.run_due)
    react = _awaited(Hub.react)
    parked = _awaited(Hub.parked)
    upcast = _awaited(Hub.upcast)
    classify = _awaited(Hub.classify)
    holdings = _awaited(Hub.holdings)
    erase = _awaited(Hub.erase)
    scrub = _awaited(Hub.scrub)
    verify = _awaited(Hub.verify)
    anchor = _awaited(Hub.anchor)
    export = _awaited(Hub.export)
    take_in = _awaited(Hub.take_in)
    discard = _awaited(Hub.discard)
    journal = _awaited(Hub.journal)

    # inside

    async def keyed_run(self, desk: Desk, work: Callable[[], T]) -> T:
        """`work` at a desk, to be found under the desk's key while it runs."""
        running = self._begin(work)
        if desk.key is not None:
            under = (desk.jurisdiction, desk.actor, desk.key)
            there = self._running.setdefault(under, set())
            there.add(running)
            running.add_done_callback(lambda _: self._done(under, running))
        return await asyncio.wrap_future(running)

    def _done(self, under: tuple[str, Ref, str], ran: Future[Any]) -> None:
        there = self._running.get(under, set())
        there.discard(ran)
        if not there:
            self._running.pop(under, None)

    async def became(self, desk: Desk) -> Outcome[Any] | None:
        """See AsyncDesk.became."""
        under = (desk.jurisdiction, desk.actor, desk.key or "")
        while there := [future for future in self._running.get(under, ()) if not future.done()]:
            await asyncio.wait([asyncio.shield(asyncio.wrap_future(future)) for future in there])
        return await self.run(desk.became)


@frozen
class AsyncDesk:
    """A desk whose verbs are awaited; each does what that of Desk does."""

    hub: AsyncHub
    desk: Desk

    @property
    def key(self) -> str | None:
        """The idempotency key of the next call."""
        return self.desk.key

    def keyed(self, key: str | None = None) -> AsyncDesk:
        """See Desk.keyed. Made before the call begins, so that whoever is cancelled can ask what became of it."""
        return AsyncDesk(self.hub, self.desk.keyed(key))

    def occurred(self, at: datetime) -> AsyncDesk:
        """See Desk.occurred."""
        return AsyncDesk(self.hub, self.desk.occurred(at))

    async def do(self, command: Command[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Desk.do."""
        return await self.hub.keyed_run(self.desk, lambda: self.desk.do(command, *args, **kwargs))

    async def became(self) -> Outcome[Any] | None:
        """See Desk.became; a call under this key that is still under way here is waited for."""
        return await self.hub.became(self.desk)

    async def do_many(self, calls: Iterable[Call[T]]) -> list[Outcome[T]]:
        """See Desk.do_many."""
        listed = list(calls)
        return await self.hub.keyed_run(self.desk, lambda: self.desk.do_many(listed))

    async def ask(self, read: Read[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Desk.ask."""
        return await self.hub.run(lambda: self.desk.ask(read, *args, **kwargs))

    async def get(self, kind: Kind[K, I], id: I) -> K:
        """See Desk.get."""
        return await self.hub.run(lambda: self.desk.get(kind, id))

    async def find(
        self,
        kind: type[R],
        *conditions: Where,
        limit: int = 100,
        order: Any = "id",
        descending: bool = False,
        after: R | None = None,
    ) -> list[R]:
        """See Desk.find."""
        options: Any = {"limit": limit, "order": order, "descending": descending, "after": after}
        return await self.hub.run(lambda: self.desk.find(kind, *conditions, **options))

    async def history(self, kind: Kind[K, I], id: I) -> list[Entry]:
        """See Desk.history."""
        return await self.hub.run(lambda: self.desk.history(kind, id))

    async def figure(self, fold: Fold, key: str) -> Any:
        """See Desk.figure."""
        return await self.hub.run(self.desk.figure, fold, key)

    async def figures(self, fold: Fold) -> Sequence[tuple[str, Any]]:
        """See Desk.figures."""
        return await self.hub.run(self.desk.figures, fold)
