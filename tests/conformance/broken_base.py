"""What stores that are broken on purpose are made of; see broken.py."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Shape
from communitycore.ports import Reading, Writing

SEQ = FIELDS.index("seq")
ALL = Query((), 0, False, 1_000_000, None)


class Transaction:
    """A transaction of the store underneath; a fault overrides what it spoils."""

    def __init__(self, tx: Any, store: Any) -> None:
        self.tx, self.store = tx, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tx, name)


class Healthy:
    """A memory store with nothing wrong yet. Subclasses say what is, in the transactions that they give."""

    reads: type[Any] = Transaction
    writes: type[Any] = Transaction
    capabilities: Mapping[str, bool | str] = MemoryStore.capabilities
    suite: str = ""
    caught_by: tuple[str, ...] = ()

    def __init__(self, url: str) -> None:
        self.url = url
        self.under = MemoryStore(url)

    def prepare(self, shapes: Iterable[Shape]) -> None:
        self.under.prepare(shapes)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with self.under.reading() as tx:
            yield self.reads(tx, self)

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with self.under.writing(wait=wait) as tx:
            yield self.writes(tx, self)

    def scrub(self) -> None:
        self.under.scrub()

    def close(self) -> None:
        self.under.close()


class Short(Transaction):
    """A transaction that reads, and perhaps writes, by short ones of the store underneath."""

    def __getattr__(self, name: str) -> Any:
        def read(*args: Any) -> Any:
            with self.store.under.reading() as tx:
                return getattr(tx, "head" if name == "lock" else name)(*args)

        return read


class Logged(Healthy):
    """Keeps all that was committed, so that an older state can be made again."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.log: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.pending: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.mutex = threading.Lock()

    class writes(Transaction):  # noqa: N801
        def __init__(self, tx: Any, store: Any) -> None:
            super().__init__(tx, store)
            self.done: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

        def __getattr__(self, name: str) -> Any:
            method = getattr(self.tx, name)
            if name not in ("found", "write", "fold"):
                return method

            def noted(*args: Any, **more: Any) -> None:
                method(*args, **more)
                self.done.append((name, args, more))
                self.store.pending = self.done

            return noted

        def commit(self) -> None:
            self.tx.commit()
            with self.store.mutex:
                self.store.log += self.done
                self.store.pending = []

    def made_again(self, *more: tuple[str, tuple[Any, ...], dict[str, Any]]) -> MemoryStore:
        """The state that was committed by now, and `more` on top."""
        with self.mutex:
            log = [*self.log, *more]
        store = MemoryStore(self.url)
        for name, args, options in log:
            with store.writing() as tx:
                getattr(tx, name)(*args, **options)
                tx.commit()
        return store
