"""Categories 类别: two levels, part or event, with codes under schemes that are data (G3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NewType

from attrs import evolve

from communitycore.domain.places import BadCode, CodePart, CodeScheme, CodeSchemeId, UnknownScheme, Word
from communitycore.domain.tickets.errors import (
    CategoryCodeTaken,
    CategoryInUse,
    CategoryOfAbove,
    CategoryPartDiffers,
    CategoryRetired,
    CategoryTooDeep,
)
from communitycore.domain.tickets.words import Part
from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import command, read
from communitycore.kernel.errors import BadValue
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import where
from communitycore.kernel.record import PUBLIC, Indexed, Max, Record, record
from communitycore.kernel.rules import Language, role
from communitycore.kernel.states import States
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

CategoryId = NewType("CategoryId", str)

NAME_MAX, WEIGHT_MAX = 100, 100

_STEM = (
    CodePart("county", "县级及以上行政区划", 6),
    CodePart("major", "大类", 2),
    CodePart("minor", "小类", 2),
)
GBT30428_10 = CodeScheme(
    id=CodeSchemeId("gbt30428-10"),
    name="gbt30428-10",
    title="GB/T 30428.2 10 位类别编码：县级 6 + 大类 2 + 小类 2",
    parts=_STEM,
)
"""County 6, major 2, minor 2 (from memory of GB/T 30428.2)."""
GBT30428_16 = CodeScheme(
    id=CodeSchemeId("gbt30428-16"),
    name="gbt30428-16",
    title="GB/T 30428.2 16 位部件编码：县级 6 + 大类 2 + 小类 2 + 顺序 6",
    parts=(*_STEM, CodePart("sequence", "部件顺序", 6)),
)
"""The same with a sequence of 6, for one part such as one lamp (from memory of GB/T 30428.2)."""
BUILT_IN = {scheme.name: scheme for scheme in (GBT30428_10, GBT30428_16)}


class CategoryStatus(Word):
    """Whether new tickets take it."""

    ACTIVE = "active", "在用"
    RETIRED = "retired", "停用"


CATEGORY_STATES = States(
    CategoryStatus, start={CategoryStatus.ACTIVE}, then={CategoryStatus.ACTIVE: {CategoryStatus.RETIRED}}
)


@frozen
class CategoryCode:
    """A category's code under a scheme."""

    scheme: str
    value: str


@record("category", states=CATEGORY_STATES, read=PUBLIC, standing=True)
@frozen(kw_only=True)
class Category(Record[CategoryId]):
    """What a ticket is about 类别: a major one 大类, or a minor one 小类 under it. A district's serve all below it.

    weight: how much a ticket of it adds to the load of whoever has it. duplicate_m, duplicate_hours: how near each
    other, in place and time, two tickets of it are suggested to be the same matter.
    """

    name_zh: Annotated[str, Max(NAME_MAX)]
    name_en: Annotated[str, Max(NAME_MAX)] | None = None
    part: Indexed[Part]
    parent: Indexed[CategoryId | None] = None
    codes: tuple[CategoryCode, ...] = ()
    weight: int = 1
    duplicate_m: int = 100
    duplicate_hours: int = 72
    status: Indexed[CategoryStatus] = CategoryStatus.ACTIVE

    def name(self, language: Language = "en") -> str:
        """Its name in English if it has one and that is asked for, else in Chinese."""
        return self.name_en if language == "en" and self.name_en else self.name_zh

    def code(self, scheme: str) -> str | None:
        """Its code under a scheme."""
        return next((code.value for code in self.codes if code.scheme == scheme), None)


@command("tickets.define_category", may=role(ADMINISTRATOR))
def define_category(
    view: View,
    *,
    name_zh: str,
    part: Part,
    name_en: str | None = None,
    parent_id: CategoryId | None = None,
    codes: tuple[CategoryCode, ...] = (),
    weight: int = 1,
    duplicate_m: int = 100,
    duplicate_hours: int = 72,
) -> Change[Category]:
    """Define a category for tickets here and in all bodies below; with a parent, it is of the second level.

    Raises CategoryTooDeep, CategoryPartDiffers, CategoryRetired for a parent that will not do; UnknownScheme,
    BadCode, CategoryCodeTaken for a code; BadValue.
    """
    if parent_id is not None:
        parent = active_category(view, parent_id)
        if parent.parent is not None:
            raise CategoryTooDeep(name=parent.name_zh, category=parent.id)
        if parent.part is not part:
            raise CategoryPartDiffers(name=parent.name_zh, part=str(parent.part), part_zh=parent.part.zh)
    for field, name in (("name_zh", name_zh), ("name_en", name_en)):
        if isinstance(name, str) and not name.strip():
            raise BadValue(field=field, why="it is blank", why_zh="不能为空")
    _check_range("weight", weight, 1, WEIGHT_MAX)
    _check_range("duplicate_m", duplicate_m, 0, 100_000)
    _check_range("duplicate_hours", duplicate_hours, 0, 24 * 366)
    category = Category(
        id=view.new(Category),
        name_zh=name_zh,
        name_en=name_en,
        part=part,
        parent=parent_id,
        codes=tuple(codes),
        weight=weight,
        duplicate_m=duplicate_m,
        duplicate_hours=duplicate_hours,
    )
    _check_codes(view, category)
    return begin("category.defined", category)


@command("tickets.retire_category", may=role(ADMINISTRATOR))
def retire_category(view: View, category_id: CategoryId) -> Change[Category]:
    """Take a category out of use; tickets that have it keep it. Raises CategoryOfAbove, CategoryInUse."""
    category = active_category(view, category_id)
    if view.one(Category, where(Category.id, category_id)) is None:
        raise CategoryOfAbove(category=category_id)
    under = [c for c in view.above(Category) if c.parent == category_id and c.status is CategoryStatus.ACTIVE]
    if under:
        raise CategoryInUse(name=category.name_zh, count=len(under))
    return step("category.retired", category, evolve(category, status=CategoryStatus.RETIRED))


@read("tickets.choices", may=PUBLIC)
def choices(view: View) -> Mapping[str, str]:
    """The categories that a new ticket may have here: id -> its names, behind those of the one above it.

    What a person picks from, and what `hub.classify` suggests. One with others in use under it is no choice itself.
    """
    active = {c.id: c for c in view.above(Category) if c.status is CategoryStatus.ACTIVE}
    divided = {c.parent for c in active.values()}

    def named(category: Category) -> str:
        own = " ".join(name for name in (category.name_zh, category.name_en) if name)
        above = active.get(category.parent) if category.parent else None
        return own if above is None else f"{named(above)} › {own}"

    return {id: named(category) for id, category in active.items() if id not in divided}


def active_category(view: View, category_id: CategoryId) -> Category:
    """The category, set here or above, which is in use. Raises NotFound, CategoryRetired."""
    category = view.get(Category, category_id)
    if category.status is not CategoryStatus.ACTIVE:
        raise CategoryRetired(name=category.name_zh, category=category.id)
    return category


def _check_range(field: str, value: int, least: int, most: int) -> None:
    if isinstance(value, int) and not least <= value <= most:
        raise BadValue(
            field=field, why=f"{value} is not from {least} to {most}", why_zh=f"{value} 不在 {least} 至 {most} 之间"
        )


def _check_codes(view: View, category: Category) -> None:
    """Each code fits its scheme, built in or adopted here or above, and is no other category's in use."""
    if not category.codes:
        return
    schemes = {scheme.name: scheme for scheme in (*view.above(CodeScheme), *BUILT_IN.values())}
    taken = {
        (code.scheme, code.value): other.name_zh
        for other in view.above(Category)
        if other.status is CategoryStatus.ACTIVE
        for code in other.codes
    }
    for code in category.codes:
        scheme = schemes.get(code.scheme)
        if scheme is None:
            raise UnknownScheme(scheme=code.scheme, known=tuple(sorted(schemes)))
        if not scheme.fits(code.value):
            raise BadCode(
                given=code.value,
                scheme=scheme.name,
                length=scheme.length,
                parts=tuple(f"{part.name} {part.length}" for part in scheme.parts),
                parts_zh=tuple(f"{part.zh} {part.length}" for part in scheme.parts),
            )
        holder = taken.get((code.scheme, code.value))
        if holder is not None:
            raise CategoryCodeTaken(given=code.value, name=holder)
        taken[code.scheme, code.value] = category.name_zh
