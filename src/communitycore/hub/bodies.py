"""Jurisdictions among each other: founding one, and what one may not become because of the others."""

from __future__ import annotations

import random
import time
from datetime import date
from typing import TYPE_CHECKING

from attrs import evolve

from communitycore.hub.directory import Directory
from communitycore.hub.office import Office
from communitycore.hub.session import Session
from communitycore.kernel.change import begin
from communitycore.kernel.errors import BadValue, OutcomeUnknown, StoreError
from communitycore.kernel.ids import Draw, JurisdictionId, Ref
from communitycore.kernel.journal import GENESIS
from communitycore.kernel.jurisdiction import (
    ADMINISTRATOR,
    Dated,
    Grant,
    Jurisdiction,
    check_code,
    check_name,
    check_zone,
)
from communitycore.ports import Head

if TYPE_CHECKING:
    from communitycore.kernel.geometry import Area

ATTEMPTS = 4


class Bodies:
    """All jurisdictions of a store."""

    def __init__(self, office: Office, directory: Directory) -> None:
        self._office = office
        self._directory = directory

    def found(
        self,
        code: str,
        *,
        name: str,
        level: str,
        first: Ref | None,
        above: JurisdictionId | None,
        zone: str,
        since: date | None,
        extent: Area | None,
    ) -> tuple[Jurisdiction, bool]:
        """See Hub.found; gives the body, and whether reactions wait."""
        check_zone(zone)
        check_code(code)
        check_name(name)
        self._check_level(level, above)
        draw = self._office.draw()
        body = Jurisdiction(id=JurisdictionId(""), level=level, codes=(), names=(), zone=zone, extent=extent)
        start = since or body.day(draw.at)
        body = evolve(
            body,
            codes=(Dated(code, start),),
            names=(Dated(name, start),),
            parents=() if above is None else (Dated(above, start),),
        )
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._found(draw.again(), body, first)
            except OutcomeUnknown as unknown:
                if (made := self._made(draw, unknown)) is not None:
                    return made, True
            except StoreError as error:
                if attempt == ATTEMPTS or not error.retryable:
                    raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        return self._found(draw.again(), body, first)

    def _found(self, draw: Draw, body: Jurisdiction, first: Ref | None) -> tuple[Jurisdiction, bool]:
        office, now = self._office, draw.at
        cause, id = draw.id(), JurisdictionId(draw.id())
        holder = first or Ref(id, draw.id())
        body = evolve(body, id=id)
        code = body.codes[0]
        with office.store.writing() as tx:
            self._directory.check_free(code.value, code.since)
            grant = Grant(id=draw.id(), holder=holder, role=ADMINISTRATOR.name, since=now)  # type: ignore[arg-type]  # an id is text at run time
            head = Head(id, code.value, 0, GENESIS, draw.stamp, 0, None)
            tx.found(head)
            session = Session(tx, head, office.standing, office.catalogue, now)
            change = begin("jurisdiction.founded", body).also(begin("grant.given", grant))
            session.accept_founding(change, session.view(holder, draw), draw, cause)
            office.flush(tx, session)
        return change.result, session.reacts

    def _made(self, draw: Draw, unknown: OutcomeUnknown) -> Jurisdiction | None:
        """After a COMMIT lost its answer: the body, if it was kept. Raises OutcomeUnknown if that cannot be seen."""
        again = draw.again()
        cause, id = again.id(), again.id()
        try:
            return next((body for body in self._directory.all() if body.id == id), None)
        except StoreError:
            raise OutcomeUnknown(url=unknown.url, why=unknown.why, why_zh=unknown.why_zh, cause=cause) from unknown

    def check(self, before: Jurisdiction, after: Jurisdiction) -> None:
        """Whether a body may become so, by its neighbours; asked under its lock, whatever command changes it.

        Raises CodeTaken for a code that another uses then or later, BadValue for a parent below it or that there is
        not; and what rooms refuse by level.
        """
        if after.codes != before.codes:
            new = after.codes[-1]
            self._directory.check_free(new.value, new.since, but=after.id)
        if after.parents != before.parents and after.parents:
            self._check_parent(after, JurisdictionId(after.parents[-1].value))

    def _check_parent(self, body: Jurisdiction, above: JurisdictionId) -> None:
        bodies = {other.id: other for other in self._directory.all()}
        if above not in bodies:
            raise BadValue(field="parent", why=f"there is no jurisdiction {above}", why_zh=f"没有辖区 {above}")
        now = self._office.clock()
        upward: JurisdictionId | None = above
        passed: set[str] = set()
        while upward is not None and upward in bodies and upward not in passed:
            if upward == body.id:
                name = bodies[above].name(now)
                raise BadValue(
                    field="parent",
                    why=f"{name} stands below {body.name(now)}",
                    why_zh=f"{name} 是 {body.name(now)} 的下级辖区",
                )
            passed.add(upward)
            upward = bodies[upward].parent(now)
        self._check_level(body.level, above)

    def _check_level(self, level: str, above: JurisdictionId | None) -> None:
        higher = next((body.level for body in self._directory.all() if body.id == above), None)
        for room in self._office.catalogue.rooms:
            if room.founding is not None:
                room.founding(level, higher)
