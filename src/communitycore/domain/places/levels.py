"""Levels of jurisdictions, and which may stand under which."""

from __future__ import annotations

from communitycore.domain.places.words import Word
from communitycore.kernel.errors import Refused
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.view import View


class Level(Word):
    """The level of a jurisdiction 层级, the highest first."""

    DISTRICT = "district", "区（县）"
    SUBDISTRICT = "subdistrict", "街道（乡镇）"
    COMMUNITY = "community", "社区（村）"


_RANK = {level: rank for rank, level in enumerate(Level)}


class UnknownLevel(Refused):
    """A word that is no level."""

    code = "places.unknown_level"
    en = "{level} is no level. Use one of: {levels}."
    zh = "{level} 不是有效层级，应为：{levels}。"
    level: str
    levels: tuple[str, ...]


class WrongLevel(Refused):
    """A level that may not stand under the other."""

    code = "places.wrong_level"
    en = "A {level} cannot stand under a {parent}: a parent is of a higher level. Choose another parent."
    zh = "{level_zh}不能隶属于{parent_zh}，上级的层级必须更高，请更换上级。"
    level: str
    parent: str
    level_zh: str
    parent_zh: str


class NotACommunity(Refused):
    """Grids are of a community, never of a subdistrict or a district (DB6101/T 3185-2024, 5.2)."""

    code = "places.not_a_community"
    en = "{jurisdiction} is a {level}, and a grid belongs to a community. Work at the community's desk."
    zh = "{jurisdiction}的层级为“{level_zh}”，网格只能归属社区（村），请在所属社区操作。"
    jurisdiction: str
    level: str
    level_zh: str


def level_of(word: str) -> Level:
    """The level that a word names. Raises UnknownLevel."""
    try:
        return Level(word)
    except ValueError:
        raise UnknownLevel(level=str(word), levels=tuple(str(level) for level in Level)) from None


def check_level(level: str, parent_level: str | None) -> Level:
    """The level named by `level`, which may stand under `parent_level`; None: under nothing.

    Any level may be the topmost, since a community or a property company may keep books alone; otherwise a
    parent is of any higher level (some districts lead communities without a subdistrict between).
    Raises UnknownLevel, WrongLevel.
    """
    child = level_of(level)
    if parent_level is not None:
        parent = level_of(parent_level)
        if _RANK[parent] >= _RANK[child]:
            raise WrongLevel(level=str(child), parent=str(parent), level_zh=child.zh, parent_zh=parent.zh)
    return child


def body_of(view: View) -> Jurisdiction:
    """The jurisdiction in which the command runs."""
    return view.get(Jurisdiction, view.jurisdiction)


def check_community(view: View) -> Jurisdiction:
    """This jurisdiction if it is a community. Raises NotACommunity."""
    body = body_of(view)
    if body.level != Level.COMMUNITY:
        zh = Level(body.level).zh if body.level in _RANK else body.level
        raise NotACommunity(jurisdiction=body.name(view.now), level=str(body.level), level_zh=zh)
    return body
