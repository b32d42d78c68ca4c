"""Grids from GeoJSON features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import Factory, define, frozen

from communitycore.domain import places
from communitycore.domain.places import BadBoundary, Grid, GridCode, GridKind, GridStatus
from communitycore.formats.geojson import Feature
from communitycore.hub.desk import Desk, Outcome
from communitycore.kernel.command import Call
from communitycore.kernel.errors import BadValue, Language, Refused
from communitycore.kernel.geometry import Area
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.query import where

TOGETHER = 50

Progress = Callable[[int, int], None]
_Drawn = tuple[str, Area, GridKind]


@frozen(kw_only=True)
class More:
    """Which properties of a feature hold more than its name; what a feature has not is left out.

    code: its code under `scheme`, in force from today. households: their number. phone: of those who supervise its
    officers' work, published (G9).
    """

    code: str | None = None
    scheme: str = places.CELL_15.name
    households: str | None = None
    phone: str | None = None


NO_MORE = More()


@define
class GridsLoaded:
    """What became of the features: names drawn, names repaired among them, and name -> why it was refused.

    known: names of those that stand here already with the same boundary and kind, and were not drawn again.
    Features of one name are told apart in `refused` by a number.
    """

    drawn: list[str] = Factory(list)
    known: list[str] = Factory(list)
    repaired: list[str] = Factory(list)
    refused: dict[str, str] = Factory(dict)

    def refuse(self, name: str, why: str) -> None:
        """Keep why a feature was refused."""
        called, n = name, 1
        while called in self.refused:
            n += 1
            called = f"{name} ({n})"
        self.refused[called] = why


def load_grids(
    desk: Desk,
    features: Sequence[Feature],
    *,
    kind: GridKind = GridKind.BASIC,
    repair: bool = False,
    more: More = NO_MORE,
    language: Language = "en",
    progress: Progress | None = None,
) -> GridsLoaded:
    """Draw a grid for each area among `features`; those that are refused do not hinder the others.

    What stands here already, of this kind and under the same name with the same boundary, is not drawn again; so a
    file in which some were refused may be loaded once more, corrected or with `repair`.
    repair: read invalid polygons even-odd and record that they were. more: properties that hold a code, households
    or a telephone. language: of what is said of the refused.
    Raises StoreError if the store fails; what was drawn before stays, and is known when the file is loaded again.
    """
    load = _Load(desk, kind, repair, more, language)
    for start in range(0, len(features), TOGETHER):
        load.draw(features[start : start + TOGETHER], start + 1)
        if progress is not None:
            progress(min(start + TOGETHER, len(features)), len(features))
    return load.told


class _Load:
    """One load on its way."""

    def __init__(self, desk: Desk, kind: GridKind, repair: bool, more: More, language: Language) -> None:
        self.desk, self.kind, self.repair, self.more = desk, kind, repair, more
        self.language: Language = language
        self.today = desk.get(Jurisdiction, desk.jurisdiction).day(desk.hub.clock())
        self.standing = _standing(desk)
        self.told = GridsLoaded()

    def draw(self, features: Sequence[Feature], first: int) -> None:
        """Draw the areas of one part together, and tell of each feature in the file's order. first: its number."""
        calls: dict[_Drawn, Call[Grid]] = {}
        outcomes: dict[_Drawn, Outcome[Grid]] = {}
        for feature in features:
            drawn = self.drawn(feature)
            if drawn is not None and drawn not in self.standing:
                try:
                    calls[drawn] = self.call(drawn, feature.properties)
                except BadValue as error:
                    outcomes[drawn] = Outcome(error=error)
        outcomes |= zip(calls, self.desk.do_many(calls.values()), strict=True)
        for number, feature in enumerate(features, first):
            drawn = self.drawn(feature)
            if drawn is None:
                why = "这是一个点，网格应为面。" if self.language == "zh" else "It is a point; a grid is an area."
                self.told.refuse(feature.name or f"#{number}", why)
            else:
                self.tell(feature.name or f"#{number}", drawn, outcomes.get(drawn))

    def call(self, drawn: _Drawn, properties: Mapping[str, Any]) -> Call[Grid]:
        """The drawing of one grid, with what else its properties say. Raises BadValue."""
        name, area, kind = drawn
        code, phone = (_text(properties, name) for name in (self.more.code, self.more.phone))
        return places.draw_grid.call(
            name=name,
            area=area,
            kind=kind,
            repair=self.repair,
            households=_count(properties, self.more.households),
            supervision_phone=phone,
            codes=() if code is None else (GridCode(code, self.today, scheme=self.more.scheme),),
        )

    def drawn(self, feature: Feature) -> _Drawn | None:
        """What the feature would be as a grid; None for a point."""
        return (feature.name, feature.shape, self.kind) if isinstance(feature.shape, Area) else None

    def tell(self, name: str, drawn: _Drawn, outcome: Outcome[Grid] | None) -> None:
        """Keep what became of an area; the same one again, later in the file, shares its outcome. Raises StoreError."""
        if outcome is not None and outcome.error is not None:
            if not isinstance(outcome.error, Refused):
                raise outcome.error
            self.told.refuse(name, _why(outcome.error, self.language))
        elif drawn in self.standing or outcome is None:
            self.told.known.append(name)
        else:
            self.standing.add(drawn)
            self.told.drawn.append(name)
            if outcome.get().repaired:
                self.told.repaired.append(name)


def _standing(desk: Desk) -> set[_Drawn]:
    """What tells one grid that is worked in here from another: name, boundary and kind."""
    found: set[_Drawn] = set()
    after: Grid | None = None
    while page := desk.find(Grid, where(Grid.status, GridStatus.ACTIVE), limit=1_000, after=after):
        after = page[-1]
        found.update((grid.name, grid.area, grid.kind) for grid in page)
    return found


def _text(properties: Mapping[str, Any], name: str | None) -> str | None:
    """A property as text, a whole number among them; None if it is missing or blank. Raises BadValue."""
    value = None if name is None else properties.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadValue(field=f"{name}", why="it is neither text nor a whole number", why_zh="既非文本也非整数")
    return str(value).strip()


def _count(properties: Mapping[str, Any], name: str | None) -> int | None:
    text = _text(properties, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadValue(field=f"{name}", why=f"{text!r} is no count", why_zh=f"{text!r} 不是数目")
    return int(text)


def _why(refused: Refused, language: Language) -> str:
    """In words; of a bad boundary its faults alone, since the name is said beside them."""
    if isinstance(refused, BadBoundary):
        return refused.shown_zh if language == "zh" else refused.shown
    return refused.say(language)
