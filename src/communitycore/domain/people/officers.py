"""Grid officers: who serves a grid now, what the public is told of them, and what is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import evolve

from communitycore.domain.people.homes import is_resident
from communitycore.domain.people.tenures import OFFICERS_A_GRID, OfficerConcern, Tenure, TenureId, TenureStatus
from communitycore.domain.places import Grid, GridId, GridStatus, Notice, NoticeOfficer, successors_of
from communitycore.domain.places import public_notice as grid_notice
from communitycore.domain.roles import CLERK, COMMUNITY_WORKER, GRID_OFFICER, SUPERVISOR
from communitycore.kernel.command import read
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.rules import PUBLIC, Language, role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

SOON = timedelta(days=30)


@frozen(eq=False)
class OfficersIndex:
    """The grid officers' tenures of one jurisdiction that have not ended, by grid and by holder."""

    by_grid: dict[GridId, tuple[Tenure, ...]]
    by_holder: dict[Ref, tuple[Tenure, ...]]

    def tenures(self, grid: GridId, moment: datetime) -> tuple[Tenure, ...]:
        """The tenures of a grid's officers in force at `moment`, those away among them, longest in office first."""
        return tuple(tenure for tenure in self.by_grid.get(grid, ()) if tenure.serves(moment))

    def serving(self, tenure: Tenure, moment: datetime) -> Ref | None:
        """Who does this duty at `moment`: the holder; a stand-in while the holder is away; None if they are too."""
        absence = tenure.absence(moment)
        if absence is None:
            return tenure.holder
        deputy = absence.stand_in
        return None if deputy is None or self.is_away(deputy, moment) else deputy

    def is_away(self, officer: Ref, moment: datetime) -> bool:
        """Whether one is on record as away from an officer's duty of their own."""
        return any(
            tenure.serves(moment) and tenure.absence(moment) is not None for tenure in self.by_holder.get(officer, ())
        )

    def officers(self, grid: GridId, moment: datetime) -> tuple[Ref, ...]:
        """Who serves a grid at `moment`, which is now or later; nobody twice."""
        serving = (self.serving(tenure, moment) for tenure in self.tenures(grid, moment))
        return tuple(dict.fromkeys(officer for officer in serving if officer is not None))


def officers_index(tenures: tuple[Tenure, ...]) -> OfficersIndex:
    """For `view.derive(officers_index, Tenure)`: officers by grid."""
    by_grid: dict[GridId, list[Tenure]] = {}
    by_holder: dict[Ref, list[Tenure]] = {}
    in_office = [t for t in tenures if t.duty == GRID_OFFICER.name and t.status is TenureStatus.ACTIVE]
    for tenure in sorted(in_office, key=lambda t: (t.since, t.id)):
        by_holder.setdefault(tenure.holder, []).append(tenure)
        if tenure.grid is not None:
            by_grid.setdefault(tenure.grid, []).append(tenure)
    return OfficersIndex(
        {grid: tuple(held) for grid, held in by_grid.items()},
        {holder: tuple(held) for holder, held in by_holder.items()},
    )


def officers_of(view: View, grid_id: GridId) -> tuple[Ref, ...]:
    """Who serves this grid now, longest in office first; a stand-in in place of one who is away.

    One who is away without a stand-in, or whose stand-in is away from a grid too, is left out; so it may be empty.
    """
    return view.derive(officers_index, Tenure).officers(grid_id, view.now)


@read("people.public_notice", may=PUBLIC)
def public_notice(view: View, grid_id: GridId) -> Notice:
    """A grid's notice 网格公示 with its officers: the name and phone that each gave to be published (G9).

    For one who is away the stand-in is shown, if a tenure of theirs has a name given for publication; otherwise the
    officer stays, since residents must find somebody to call. Nothing is taken from a profile; who has given
    nothing is left out, and is a line of `audit_officers`. Raises NotFound, GridRetired.
    """
    index = view.derive(officers_index, Tenure)
    shown = (_shown(index, tenure, view.now) for tenure in index.tenures(grid_id, view.now))
    officers = tuple(dict.fromkeys(officer for officer in shown if officer is not None))
    return evolve(grid_notice(view, grid_id), officers=officers)


def _shown(index: OfficersIndex, tenure: Tenure, moment: datetime) -> NoticeOfficer | None:
    serving = index.serving(tenure, moment)
    source = tenure
    if serving is not None and serving != tenure.holder:
        own_tenures = (own for own in index.by_holder.get(serving, ()) if own.serves(moment))
        source = next((own for own in own_tenures if own.public_name is not None), tenure)
    return None if source.public_name is None else NoticeOfficer(source.public_name, source.duty_phone)


@frozen
class AuditLine:
    """One thing that is not as it should be with a grid's officers.

    name: the grid's. holder: whom it is about. successors: names of the grids that a retired one lives on in.
    """

    concern: OfficerConcern
    grid: GridId
    name: str
    tenure: TenureId | None = None
    holder: Ref | None = None
    successors: tuple[str, ...] = ()

    def say(self, language: Language = "en") -> str:
        """The line for a person."""
        sentence = _SENTENCES[self.concern][1 if language == "zh" else 0]
        told = sentence.format(grid=self.name, holder=self.holder)
        if not self.successors:
            return told
        if language == "zh":
            return f"{told}后续网格：{'、'.join(self.successors)}。"
        return f"{told} It lives on in {', '.join(self.successors)}."


_SENTENCES = {
    OfficerConcern.NO_OFFICER: ("Grid {grid} has no officer. Appoint one.", "网格{grid}没有网格员，请任命。"),
    OfficerConcern.MORE_THAN_TWO: (
        "Grid {grid} has more than two officers.",
        "网格{grid}的网格员超过两名。",
    ),
    OfficerConcern.NOT_RESIDENT: (
        "{holder}, officer of grid {grid}, is not on record as living here.",
        "网格{grid}的网格员 {holder} 未登记为本辖区居民。",
    ),
    OfficerConcern.ENDS_SOON: (
        "The tenure of {holder} in grid {grid} ends soon. Extend it, or appoint another.",
        "网格{grid}的网格员 {holder} 任期即将届满，请延期或另行任命。",
    ),
    OfficerConcern.UNCOVERED_ABSENCE: (
        "{holder}, officer of grid {grid}, is away and nobody stands in. Name a stand-in.",
        "网格{grid}的网格员 {holder} 缺勤且无人代班，请指定代班人员。",
    ),
    OfficerConcern.NO_PUBLIC_CONTACT: (
        "{holder}, officer of grid {grid}, has given no name or phone to publish. Ask for them.",
        "网格{grid}的网格员 {holder} 未提供可公示的姓名或电话，请补充。",
    ),
    OfficerConcern.RETIRED_GRID: (
        "{holder} is officer of grid {grid}, which is no more. Reassign the tenure to another grid, or end it.",
        "{holder} 仍任职于已撤销的网格{grid}，请调整到其他网格或办理卸任。",
    ),
}


@read("people.audit_officers", may=role(ADMINISTRATOR, SUPERVISOR, COMMUNITY_WORKER, CLERK))
def audit_officers(view: View, *, soon: timedelta = SOON) -> tuple[AuditLine, ...]:
    """What is not as it should be with the officers of all grids here, in the order of grids.

    One or two officers a grid, residents of the jurisdiction; `soon`: how far ahead an end of tenure is told.
    """
    index = view.derive(officers_index, Tenure)
    lines: list[AuditLine] = []
    for grid in view.derive(_all, Grid):
        tenures = index.tenures(grid.id, view.now)
        if grid.status is GridStatus.ACTIVE:
            if not tenures:
                lines.append(AuditLine(OfficerConcern.NO_OFFICER, grid.id, grid.name))
            elif len({tenure.holder for tenure in tenures}) > OFFICERS_A_GRID:
                lines.append(AuditLine(OfficerConcern.MORE_THAN_TWO, grid.id, grid.name))
        for tenure in tenures:
            for concern in _concerns(view, index, tenure, grid, soon):
                gone = concern is OfficerConcern.RETIRED_GRID
                after = tuple(heir.name for heir in successors_of(view, grid)) if gone else ()
                lines.append(AuditLine(concern, grid.id, grid.name, tenure.id, tenure.holder, after))
    return tuple(lines)


def _all(grids: tuple[Grid, ...]) -> tuple[Grid, ...]:
    return grids


def _concerns(
    view: View, index: OfficersIndex, tenure: Tenure, grid: Grid, soon: timedelta
) -> Iterator[OfficerConcern]:
    if grid.status is not GridStatus.ACTIVE:
        yield OfficerConcern.RETIRED_GRID
    if not is_resident(view, tenure.holder):
        yield OfficerConcern.NOT_RESIDENT
    if tenure.until is not None and tenure.until < view.now + soon:
        yield OfficerConcern.ENDS_SOON
    if index.serving(tenure, view.now) is None:
        yield OfficerConcern.UNCOVERED_ABSENCE
    if tenure.public_name is None or tenure.duty_phone is None:
        yield OfficerConcern.NO_PUBLIC_CONTACT
