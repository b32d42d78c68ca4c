"""Grids from GeoJSON features."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import Factory, define

from communitycore.domain import places
from communitycore.domain.places import BadBoundary, Grid, GridKind, GridStatus
from communitycore.formats.geojson import Feature
from communitycore.hub.desk import Desk
from communitycore.kernel.command import Call
from communitycore.kernel.errors import CommunityCoreError, Language
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.query import where

TOGETHER = 50

Progress = Callable[[int, int], None]


@define
class GridsLoaded:
    """What became of the features: names drawn, names repaired among them, and name -> why it was refused.

    known: names of those that stand here already with the same boundary, and were not drawn again.
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
    language: Language = "en",
    progress: Progress | None = None,
) -> GridsLoaded:
    """Draw a grid for each area among `features`; those that are refused do not hinder the others.

    What stands here already under the same name with the same boundary is not drawn again, so that a file in which
    some were refused may be loaded once more, corrected or with `repair`.
    repair: read invalid polygons even-odd and record that they were. language: of what is said of the refused.
    """
    loaded = GridsLoaded()
    standing = _standing(desk)
    for start in range(0, len(features), TOGETHER):
        calls: list[tuple[str, Call[Grid]]] = []
        for number, feature in enumerate(features[start : start + TOGETHER], start + 1):
            name = feature.name or f"#{number}"
            if (feature.name, feature.shape) in standing:
                loaded.known.append(name)
            elif isinstance(feature.shape, Area):
                standing.add((feature.name, feature.shape))
                call = places.draw_grid.call(name=feature.name, area=feature.shape, kind=kind, repair=repair)
                calls.append((name, call))
            else:
                loaded.refuse(
                    name, "这是一个点，网格应为面。" if language == "zh" else "It is a point; a grid is an area."
                )
        outcomes = desk.do_many([call for _, call in calls])
        for (name, _), outcome in zip(calls, outcomes, strict=True):
            if outcome.error is None:
                loaded.drawn.append(name)
                if outcome.get().repaired:
                    loaded.repaired.append(name)
            else:
                loaded.refuse(name, _why(outcome.error, language))
        if progress is not None:
            progress(min(start + TOGETHER, len(features)), len(features))
    return loaded


def _standing(desk: Desk) -> set[tuple[str, Area | Point]]:
    """Name and boundary of each grid that is worked in here."""
    found: set[tuple[str, Area | Point]] = set()
    after: Grid | None = None
    while page := desk.find(Grid, where(Grid.status, GridStatus.ACTIVE), limit=1_000, after=after):
        after = page[-1]
        found.update((grid.name, grid.area) for grid in page)
    return found


def _why(error: Exception, language: Language) -> str:
    """In words; of a bad boundary its faults alone, since the name is said beside them."""
    if isinstance(error, BadBoundary):
        return error.shown_zh if language == "zh" else error.shown
    return error.say(language) if isinstance(error, CommunityCoreError) else str(error)
