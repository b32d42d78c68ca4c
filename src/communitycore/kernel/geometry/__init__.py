"""Points, areas, and which area a point lies in: exact in floats, WGS-84, longitude first."""

from communitycore.kernel.geometry.area import Area, BadAreaText, BadCoordinate, BadShape, Point, looks_swapped
from communitycore.kernel.geometry.audit import Gap, Overlap, gaps, overlaps
from communitycore.kernel.geometry.index import AreaIndex
from communitycore.kernel.geometry.orientation import orient
from communitycore.kernel.geometry.rings import Polygon, Position, Ring
from communitycore.kernel.geometry.validity import InvalidArea, Problem

__all__ = [
    "Area", "AreaIndex", "BadAreaText", "BadCoordinate", "BadShape", "Gap", "InvalidArea", "Overlap",
    "Point", "Polygon", "Position", "Problem", "Ring", "gaps", "looks_swapped", "orient", "overlaps",
]  # fmt: skip
