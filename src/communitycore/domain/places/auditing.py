"""What is amiss with a community's grids: overlaps, holes, counts, codes; seen, never silently mended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from communitycore.domain.places.dwellings import Dwelling, DwellingStatus
from communitycore.domain.places.extents import beyond_m2
from communitycore.domain.places.grids import Grid, GridId, active_grid, active_grids
from communitycore.domain.places.levels import body_of
from communitycore.domain.places.standards import household_range
from communitycore.domain.places.venues import Venue, VenueStatus
from communitycore.domain.places.words import Word
from communitycore.domain.roles import CLERK, COMMUNITY_WORKER, GRID_OFFICER, SUPERVISOR
from communitycore.kernel.command import read
from communitycore.kernel.errors import Language
from communitycore.kernel.geometry import Area, Point, gaps, overlaps
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

STAFF = role(ADMINISTRATOR, CLERK, GRID_OFFICER, COMMUNITY_WORKER, SUPERVISOR)

SLIVER_M2 = 1.0
"""Overlaps and holes up to this size come from drawing and rounding, and no audit gains by naming them."""
_PAGE = 1_000


class Flaw(Word):
    """What an audit finds."""

    OVERLAP = "overlap", "网格重叠"
    OVERLAY = "overlay", "专属网格与基础网格重叠"
    HOLE = "hole", "覆盖空白"
    BEYOND = "beyond", "超出辖区范围"
    NO_EXTENT = "no_extent", "辖区范围未知"
    REPAIRED = "repaired", "边界经修复读取"
    EXPIRED_CODE = "expired_code", "编码已失效"
    SAME_NAME = "same_name", "网格重名"
    NO_PHONE = "no_phone", "缺少监督电话"
    HOUSEHOLDS_UNKNOWN = "households_unknown", "户数未知"
    TOO_FEW_HOUSEHOLDS = "too_few_households", "户数偏少"
    TOO_MANY_HOUSEHOLDS = "too_many_households", "户数偏多"
    STRAY_VENUE = "stray_venue", "阵地未落入网格"
    STRAY_DWELLINGS = "stray_dwellings", "房屋未落入网格"


_SAID: dict[Flaw, tuple[str, str]] = {
    Flaw.OVERLAP: ("{names} overlap by {amount} m², as at {inside}.", "{names}重叠 {amount} 平方米，如 {inside} 处。"),
    Flaw.OVERLAY: (
        "{names}: a dedicated grid lies upon a basic one by {amount} m², as at {inside}.",
        "{names}：专属网格与基础网格重叠 {amount} 平方米，如 {inside} 处。",
    ),
    Flaw.HOLE: ("No grid covers {amount} m² around {inside}.", "{inside} 附近 {amount} 平方米无网格覆盖。"),
    Flaw.BEYOND: ("{names} reaches {amount} m² beyond the extent.", "{names}超出辖区范围 {amount} 平方米。"),
    Flaw.NO_EXTENT: (
        "The extent is not known, so holes cannot be found.",
        "未登记辖区范围，无法检查覆盖空白。",
    ),
    Flaw.REPAIRED: (
        "The boundary of {names} has faults and is read even-odd: redraw it.",
        "{names}的边界有误，现按奇偶规则读取，请重新绘制。",
    ),
    Flaw.EXPIRED_CODE: ("No code of {names} is in force any more.", "{names}已无有效编码。"),
    Flaw.SAME_NAME: ("{amount} grids are called {names}.", "{amount} 个网格同名：{names}。"),
    Flaw.NO_PHONE: ("{names} has no supervision phone to publish.", "{names}缺少应公示的监督电话。"),
    Flaw.HOUSEHOLDS_UNKNOWN: ("The households of {names} are not counted.", "{names}户数未统计。"),
    Flaw.TOO_FEW_HOUSEHOLDS: (
        "{names} has {amount} households, fewer than usual.",
        "{names}有 {amount} 户，低于一般标准。",
    ),
    Flaw.TOO_MANY_HOUSEHOLDS: (
        "{names} has {amount} households, more than usual.",
        "{names}有 {amount} 户，高于一般标准。",
    ),
    Flaw.STRAY_VENUE: (
        "{names} stands in no one active grid: choose one.",
        "{names}未落入唯一的启用网格，请指定。",
    ),
    Flaw.STRAY_DWELLINGS: (
        "{amount} dwellings stand in no active grid.",
        "{amount} 套房屋未落入启用网格。",
    ),
}

_SERIOUS = frozenset((Flaw.OVERLAP, Flaw.HOLE, Flaw.BEYOND, Flaw.REPAIRED, Flaw.EXPIRED_CODE, Flaw.NO_PHONE))


@frozen
class Finding:
    """One thing an audit found. grids, names: which. inside: a point of it. amount: m², households, or how many."""

    flaw: Flaw
    grids: tuple[GridId, ...] = ()
    names: tuple[str, ...] = ()
    inside: Point | None = None
    amount: int | None = None

    @property
    def serious(self) -> bool:
        """Whether it is to be mended; otherwise it is a warning or a note."""
        return self.flaw in _SERIOUS

    def say(self, language: Language = "en") -> str:
        """A sentence, in English or Chinese."""
        text = _SAID[self.flaw][language == "zh"]
        at = "" if self.inside is None else f"{self.inside.lon:.6f}, {self.inside.lat:.6f}"
        return text.format(names=("、" if language == "zh" else ", ").join(self.names), amount=self.amount, inside=at)

    def __str__(self) -> str:
        return self.say()


@frozen(kw_only=True)
class Audit:
    """What an audit of the grids found, as of one moment. grids: how many active ones were looked at."""

    as_of: datetime
    grids: int
    findings: tuple[Finding, ...]

    def of(self, flaw: Flaw) -> tuple[Finding, ...]:
        """The findings of one sort."""
        return tuple(finding for finding in self.findings if finding.flaw is flaw)

    @property
    def serious(self) -> tuple[Finding, ...]:
        """What is to be mended."""
        return tuple(finding for finding in self.findings if finding.serious)


@read("places.warnings", may=STAFF)
def warnings(view: View, grid_id: GridId) -> tuple[Finding, ...]:
    """What to know of one grid by itself, such as more households than usual. Raises NotFound, GridRetired."""
    return tuple(_alone(active_grid(view, grid_id), household_range(view), body_of(view).day(view.now)))


@read("places.audit", may=STAFF)
def audit(view: View, *, sliver_m2: float = SLIVER_M2) -> Audit:
    """All that is amiss with the active grids here, the serious first.

    Two grids of one kind that overlap are serious, a dedicated upon a basic one is a note.
    sliver_m2: overlaps, holes and overshoots up to this size are left out; 0 leaves out none.
    """
    grids = view.derive(active_grids, Grid)
    body = body_of(view)
    usual, today = household_range(view), body.day(view.now)
    found = [*_between(grids, body.extent, sliver_m2)]
    for grid in grids:
        found += _alone(grid, usual, today)
    found += _strays(view, frozenset(grid.id for grid in grids))
    order = {flaw: n for n, flaw in enumerate(Flaw)}
    found.sort(key=lambda f: (not f.serious, order[f.flaw], -(f.amount or 0), f.grids))
    return Audit(as_of=view.now, grids=len(grids), findings=tuple(found))


def _between(grids: tuple[Grid, ...], extent: Area | None, sliver_m2: float) -> Iterator[Finding]:
    by_id = {str(grid.id): grid for grid in grids}
    areas = {id: grid.area for id, grid in by_id.items()}
    for overlap in overlaps(areas, sliver_m2=sliver_m2):
        pair = by_id[overlap.first], by_id[overlap.second]
        flaw = Flaw.OVERLAP if pair[0].kind is pair[1].kind else Flaw.OVERLAY
        ids, names = tuple(grid.id for grid in pair), tuple(grid.name for grid in pair)
        yield Finding(flaw, ids, names, overlap.inside, round(overlap.area_m2))
    if extent is None:
        yield Finding(Flaw.NO_EXTENT)
    else:
        for gap in gaps(areas, extent, sliver_m2=sliver_m2):
            yield Finding(Flaw.HOLE, inside=gap.inside, amount=round(gap.area_m2))
        for grid in grids:
            beyond = beyond_m2(grid.area, extent)
            if beyond > sliver_m2:
                yield Finding(Flaw.BEYOND, (grid.id,), (grid.name,), amount=round(beyond))
    named: dict[str, list[GridId]] = {}
    for grid in grids:
        named.setdefault(grid.name, []).append(grid.id)
    for name, ids_of in named.items():
        if len(ids_of) > 1:
            yield Finding(Flaw.SAME_NAME, tuple(ids_of), (name,), amount=len(ids_of))


def _alone(grid: Grid, usual: tuple[int, int], today: date) -> Iterator[Finding]:
    ids, names, count = (grid.id,), (grid.name,), grid.households
    if grid.repaired:
        yield Finding(Flaw.REPAIRED, ids, names)
    if grid.codes and all(code.until is not None and code.until <= today for code in grid.codes):
        yield Finding(Flaw.EXPIRED_CODE, ids, names)
    if not grid.supervision_phone:
        yield Finding(Flaw.NO_PHONE, ids, names)
    if count is None:
        yield Finding(Flaw.HOUSEHOLDS_UNKNOWN, ids, names)
    elif count < usual[0]:
        yield Finding(Flaw.TOO_FEW_HOUSEHOLDS, ids, names, amount=count)
    elif count > usual[1]:
        yield Finding(Flaw.TOO_MANY_HOUSEHOLDS, ids, names, amount=count)


def _strays(view: View, active: frozenset[GridId]) -> Iterator[Finding]:
    venue: Venue | None = None
    while venues := view.find(Venue, where(Venue.status, VenueStatus.OPEN), limit=_PAGE, after=venue):
        venue = venues[-1]
        for v in venues:
            if v.grid not in active:
                yield Finding(Flaw.STRAY_VENUE, () if v.grid is None else (v.grid,), (v.name,), v.point)
    strays = 0
    dwelling: Dwelling | None = None
    while dwellings := view.find(
        Dwelling, where(Dwelling.status, DwellingStatus.STANDING), limit=_PAGE, after=dwelling
    ):
        dwelling = dwellings[-1]
        strays += sum(1 for d in dwellings if d.grid not in active)
    if strays:
        yield Finding(Flaw.STRAY_DWELLINGS, amount=strays)
