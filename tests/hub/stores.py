"""Stores that misbehave on request, over one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from communitycore.kernel.errors import OutcomeUnknown, StoreBusy, StoreError
from communitycore.kernel.shape import Shape
from communitycore.ports import Reading, Store, Writing


class Wrapped:
    """A store over another."""

    def __init__(self, under: Store) -> None:
        self.under = under
        self.url = under.url
        self.capabilities: Mapping[str, bool | str] = under.capabilities

    def prepare(self, shapes: Iterable[Shape]) -> None:
        self.under.prepare(shapes)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        with self.under.reading() as tx:
            yield tx

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        with self.under.writing(wait=wait) as tx:
            yield tx

    def scrub(self) -> None:
        self.under.scrub()

    def close(self) -> None:
        self.under.close()


class Flaky(Wrapped):
    """Says it is busy, or loses the answer to a commit, as often as it is told to.

    busy: so many write transactions find it busy. unknown: the next commits lose their answer, kept or not.
    late: as many commits lose their answer and are only kept when the next write transaction begins.
    busy_after_commits: busy once so many more commits were made. broken: nothing works any more.
    """

    def __init__(self, under: Store) -> None:
        super().__init__(under)
        self.busy = 0
        self.unknown: list[bool] = []
        self.late = 0
        self.busy_after_commits: int | None = None
        self.broken_after_commit = False
        self.broken = False
        self._pending: list[Any] = []

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        if self.broken:
            raise StoreError(url=self.url, why="it is broken")
        with super().reading() as tx:
            yield tx

    @contextmanager
    def writing(self, *, wait: bool = True) -> Iterator[Writing]:
        if self.broken:
            raise StoreError(url=self.url, why="it is broken")
        if self.busy > 0:
            self.busy -= 1
            raise StoreBusy(url=self.url, why="a test says so")
        if self.busy_after_commits is not None and self.busy_after_commits <= 0:
            raise StoreBusy(url=self.url, why="a test says so")
        while self._pending:
            self._finish(self._pending.pop())
        with super().writing(wait=wait) as tx:
            yield _Commit(tx, self)  # type: ignore[misc]

    def _finish(self, written: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> None:
        with super().writing() as tx:
            for name, args, kwargs in written:
                getattr(tx, name)(*args, **kwargs)
            tx.commit()


class _Commit:
    """A transaction whose commit may go wrong."""

    def __init__(self, tx: Writing, store: Flaky) -> None:
        self._tx, self._store = tx, store
        self._written: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tx, name)
        if name not in ("write", "found", "fold"):
            return method

        def noted(*args: Any, **kwargs: Any) -> Any:
            self._written.append((name, args, kwargs))
            return method(*args, **kwargs)

        return noted

    def commit(self) -> None:
        store = self._store
        if store.late > 0:
            store.late -= 1
            store._pending.append(self._written)
            raise OutcomeUnknown(url=store.url, cause="", why="the line went dead")
        if store.unknown:
            if store.unknown.pop(0):
                self._tx.commit()
            raise OutcomeUnknown(url=store.url, cause="", why="the line went dead")
        self._tx.commit()
        if store.busy_after_commits is not None:
            store.busy_after_commits -= 1
        store.broken = store.broken_after_commit
