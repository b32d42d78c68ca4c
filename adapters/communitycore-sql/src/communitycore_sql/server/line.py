"""A transaction on a server's connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from communitycore.kernel.errors import CommunityCoreError, Mistake, OutcomeUnknown
from communitycore.kernel.shape import Row
from communitycore_sql.backend import Conflict, Overtaken, Statement

if TYPE_CHECKING:
    from communitycore_sql.server.server import Server

T = TypeVar("T")
AT_ONCE_SECONDS = 1.0


class Wire(Protocol):
    """One connection to a server. Each method is one trip there and back, and raises the driver's errors.

    begin: a statement that goes along in front, or "". broken: no longer of use; also after an error or an
    interrupt in the midst of an answer. reused: it was used before this transaction.
    """

    broken: bool
    reused: bool

    def all(self, begin: str, sql: str, values: Sequence[object], /) -> list[Row]:
        """The rows that a statement gives."""
        ...

    def run(self, begin: str, statements: Sequence[Statement], /) -> list[int]:
        """How many rows each statement found or made."""
        ...

    def commit(self) -> None: ...
    def rollback(self) -> None: ...

    def alive(self) -> bool:
        """See pool.Pooled."""
        ...

    def close(self) -> None:
        """Close it, whatever state it is in."""
        ...


class ServerLine:
    """See backend.Line. The transaction begins along with its first statement, in the same trip."""

    def __init__(self, server: Server, wire: Wire, begin: str, *, writing: bool, pooled: bool = True) -> None:
        self.server = server
        self.writing = writing
        self.wire: Wire | None = wire
        self._begins = begin
        self._begin = begin
        self._pooled = pooled
        self._failed: CommunityCoreError | None = None

    def all(self, sql: str, values: Sequence[object] = (), /) -> list[Row]:
        return self._trip(lambda wire, begin: wire.all(begin, sql, values))

    def run(self, statements: Sequence[Statement], /) -> list[int]:
        return self._trip(lambda wire, begin: wire.run(begin, statements))

    def restart(self) -> None:
        wire, server = self._usable(), self.server
        if not self._begin:
            try:
                wire.rollback()
            except server.errors as error:
                raise self._said(error, wire) from error
        self._begin = self._begins

    def commit(self, cause: str) -> None:
        wire, server = self._usable(), self.server
        if self._begin:
            return  # nothing was asked of the server
        self._failed = Mistake("this transaction is over; begin another")
        try:
            wire.commit()
        except server.errors as error:
            if wire.broken or not server.kept_nothing(error):
                trouble = server.trouble(error)
                raise OutcomeUnknown(
                    url=server.url,
                    why=f"COMMIT had no answer ({_why(trouble)})",
                    why_zh=f"提交没有得到答复（{_why(trouble, zh=True)}）",
                    cause=cause,
                ) from error
            raise server.trouble(error) from error
        self._begin = self._begins  # so that ending it has nothing to roll back

    def end(self) -> None:
        wire, self.wire = self.wire, None
        if wire is None:
            return
        try:
            if not self._begin and not wire.broken:
                wire.rollback()
        except self.server.errors:
            wire.broken = True  # the server rolls back by itself what has lost its connection
        finally:
            self.server.give_back(wire, writing=self.writing, pooled=self._pooled)

    def _usable(self) -> Wire:
        if self._failed is not None:
            raise self._failed
        if self.wire is None:
            raise Mistake("this transaction is over; begin another")
        return self.wire

    def _trip(self, act: Callable[[Wire, str], T]) -> T:
        wire = self._usable()
        begin, self._begin = self._begin, ""
        start = time.monotonic()
        try:
            return act(wire, begin)
        except self.server.errors as error:
            trouble = self._said(error, wire)
            if not (wire.broken and begin and wire.reused) or time.monotonic() - start > AT_ONCE_SECONDS:
                raise trouble from error
        # It had broken while it lay idle, which shows at once, and nothing was done yet: once more, on a new one.
        self._failed = None
        wire = self.wire = self.server.replaced(wire)
        try:
            return act(wire, begin)
        except self.server.errors as error:
            raise self._said(error, wire) from error

    def _said(self, error: Exception, wire: Wire) -> Exception:
        server = self.server
        if wire.broken:
            server.lost()
        elif server.is_overtaken(error):
            return Overtaken()
        elif server.is_conflict(error):
            return Conflict(server.trouble(error))
        self._failed = trouble = server.trouble(error)
        return trouble


def _why(trouble: CommunityCoreError, *, zh: bool = False) -> str:
    said = trouble.data.get("why_zh" if zh else "why")
    return str(said)
