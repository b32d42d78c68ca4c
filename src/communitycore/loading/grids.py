"""Grids from GeoJSON features."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import Factory, define

from communitycore.domain import places
from communitycore.domain.places import GridKind
from communitycore.formats.geojson import Feature
from communitycore.hub.desk import Desk
from communitycore.kernel.errors import CommunityCoreError
from communitycore.kernel.geometry import Area

Progress = Callable[[int, int], None]


@define
class GridsLoaded:
    """What became of the features: names drawn, names repaired among them, and name -> why it was refused."""

    drawn: list[str] = Factory(list)
    repaired: list[str] = Factory(list)
    refused: dict[str, str] = Factory(dict)


def load_grids(
    desk: Desk,
    features: Sequence[Feature],
    *,
    kind: GridKind = GridKind.BASIC,
    repair: bool = False,
    progress: Progress | None = None,
) -> GridsLoaded:
    """Draw a grid for each area among `features`; those that are refused do not hinder the others.

    repair: read invalid polygons even-odd and record that they were.
    """
    loaded = GridsLoaded()
    for done, feature in enumerate(features, 1):
        if isinstance(feature.shape, Area):
            try:
                grid = desk.do(places.draw_grid, name=feature.name, area=feature.shape, kind=kind, repair=repair)
                loaded.drawn.append(feature.name)
                if grid.repaired:
                    loaded.repaired.append(feature.name)
            except CommunityCoreError as refused:
                loaded.refused[feature.name] = str(refused)
        else:
            loaded.refused[feature.name] = "it is a point, and a grid is an area"
        if progress is not None:
            progress(done, len(features))
    return loaded
