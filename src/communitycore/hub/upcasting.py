"""Stepping rows of earlier forms into today's: nothing has to, but searches are quicker afterwards."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from attrs import Factory, define

from communitycore.hub.forms import SCHEMA
from communitycore.hub.office import Office
from communitycore.hub.session import TOUCH_MAX, Session
from communitycore.kernel.change import step
from communitycore.kernel.errors import CommunityCoreError, OutcomeUnknown, StoreError
from communitycore.kernel.ids import Draw, system
from communitycore.kernel.query import Query, Test
from communitycore.kernel.shape import Shape
from communitycore.kernel.values import frozen
from communitycore.ports import Migrating, Writing

ATTEMPTS = 4


@frozen
class Left:
    """A row that stays in its earlier form, and why."""

    jurisdiction: str
    kind: str
    record: str
    why: CommunityCoreError


@define
class Upcasted:
    """What became of the rows of earlier forms. stepped: how many are in today's form now."""

    stepped: int = 0
    left: list[Left] = Factory(list)


def upcast(office: Office, progress: Callable[[int], object] | None) -> Upcasted:
    """See Hub.upcast."""
    report = Upcasted()
    with office.store.reading() as tx:
        bodies = [head.id for head in tx.heads()]
        lacking = tx.lacking()
    for body in bodies:
        for shape in office.catalogue.shapes.values():
            for tests in _older(shape, lacking.get(shape.kind, frozenset())):
                _Rows(office, body, shape, tests, report, progress).step()
    if isinstance(office.store, Migrating):
        office.store.settle()
        office.standing.all_filled()
    return report


def _older(shape: Shape, lacking: frozenset[str]) -> Iterator[tuple[Test, ...]]:
    """What finds the rows to be stepped, each through one index where there is one."""
    for number in range(1, shape.schema):
        yield (Test(SCHEMA, "=", number),)
    for name in sorted(lacking):
        yield Test(shape.position[name], "=", None), Test(SCHEMA, "=", shape.schema)


class _Rows:
    """The rows of one kind in one jurisdiction that `tests` find, a page a transaction."""

    def __init__(
        self,
        office: Office,
        body: str,
        shape: Shape,
        tests: tuple[Test, ...],
        report: Upcasted,
        progress: Callable[[int], object] | None,
    ) -> None:
        self._office, self._body, self._shape, self._tests = office, body, shape, tests
        self._report, self._progress = report, progress
        self._after: tuple[str, str] | None = None

    def step(self) -> None:
        while self._page() == TOUCH_MAX:
            pass

    def _page(self) -> int:
        """How many rows were looked at."""
        draw = self._office.draw()
        lost: _Page | None = None  # the answer to the last attempt's COMMIT
        for attempt in range(1, ATTEMPTS + 1):
            page = _Page(draw.again())
            try:
                with self._office.store.writing() as tx:
                    session = self._office.session(tx, self._body, draw)
                    if lost is not None and tx.caused(self._body, page.cause):
                        return self._done(lost)
                    self._accept(session, page, tx)
                    self._office.flush(tx, session)
                return self._done(page)
            except StoreError as error:
                if not (error.retryable or isinstance(error, OutcomeUnknown)) or attempt == ATTEMPTS:
                    raise
                lost = page if isinstance(error, OutcomeUnknown) else None
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("the last attempt returns or raises")

    def _accept(self, session: Session, page: _Page, tx: Writing) -> None:
        view = session.view(system("upcast"), page.draw)
        for row in tx.find(self._shape, self._body, Query(self._tests, 0, False, TOUCH_MAX, self._after)):
            page.looked += 1
            page.last = row[0]
            try:
                record = self._shape.read_row(row)
                renewed = step(f"{self._shape.kind}.upcast", record, record)
                session.accept_upcast(renewed, view, page.draw, page.cause)
            except StoreError:
                raise
            except CommunityCoreError as why:
                page.left.append(Left(self._body, self._shape.kind, row[0], why))

    def _done(self, page: _Page) -> int:
        self._report.stepped += page.looked - len(page.left)
        self._report.left += page.left
        if page.looked:
            self._after = (page.last, page.last)
            if self._progress is not None:
                self._progress(self._report.stepped)
        return page.looked


class _Page:
    """One transaction's rows."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.cause = draw.id()
        self.looked = 0
        self.last = ""
        self.left: list[Left] = []
