"""Codes of grids 网格编码: schemes as data, validity dates, never keys (G2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, NewType

from attrs import evolve, field

from communitycore.kernel.change import Change, begin
from communitycore.kernel.command import command
from communitycore.kernel.errors import BadValue, Refused
from communitycore.kernel.jurisdiction import ADMINISTRATOR, Dated
from communitycore.kernel.record import PUBLIC, Max, Record, Unique, record
from communitycore.kernel.rules import role
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

CodeSchemeId = NewType("CodeSchemeId", str)
CODE_MAX = 60


@frozen
class GridCode(Dated):
    """A code of a grid under a scheme, in force from `since` to before `until`."""

    scheme: str = field(kw_only=True)


@frozen
class CodePart:
    """A stretch of a code: so many characters, digits unless `letters` allows A to Z as well."""

    name: str
    zh: str
    length: int
    letters: bool = False


@record("code_scheme", read=PUBLIC, standing=True)
@frozen(kw_only=True)
class CodeScheme(Record[CodeSchemeId]):
    """How codes of one kind are built 编码规则: parts of fixed length, one after the other."""

    name: Unique[str]
    title: Annotated[str, Max(200)]
    parts: tuple[CodePart, ...]

    @property
    def length(self) -> int:
        """Characters of a code."""
        return sum(part.length for part in self.parts)

    def fits(self, code: str) -> bool:
        """Whether `code` is built so."""
        if not (isinstance(code, str) and code.isascii() and len(code) == self.length):
            return False
        at = 0
        for part in self.parts:
            piece, at = code[at : at + part.length], at + part.length
            if not (piece.isdigit() or (part.letters and piece.isalnum() and piece == piece.upper())):
                return False
        return True

    def split(self, code: str) -> dict[str, str]:
        """The parts of a fitting code, by their names."""
        pieces, at = {}, 0
        for part in self.parts:
            pieces[part.name], at = code[at : at + part.length], at + part.length
        return pieces


_COUNTY = CodePart("county", "县级及以上行政区划", 6)
_STREET = CodePart("street", "街道（乡镇）", 3)
_COMMUNITY = CodePart("community", "社区", 3)

CELL_15 = CodeScheme(
    id=CodeSchemeId("cell-15"),
    name="cell-15",
    title="15 位单元网格编码：县级 6 + 街道 3 + 社区 3 + 顺序 3",
    parts=(_COUNTY, _STREET, _COMMUNITY, CodePart("sequence", "网格顺序", 3)),
)
"""County 6 (GB/T 2260), street 3 (GB/T 10114), community 3, sequence 3."""

CJT349_20 = CodeScheme(
    id=CodeSchemeId("cjt349-20"),
    name="cjt349-20",
    title="CJ/T 349-2010 数字社区网格编码：对象 6 + 县级 6 + 街道 3 + 社区 3 + 顺序 2",
    parts=(CodePart("subject", "管理或服务对象", 6), _COUNTY, _STREET, _COMMUNITY, CodePart("sequence", "顺序", 2)),
)
"""What is managed or served 6 (CJ/T 348), county 6, street 3, community 3 (601 and up: several joined),
sequence 2 (00: the community is not cut further)."""

BUILT_IN = {scheme.name: scheme for scheme in (CELL_15, CJT349_20)}


class UnknownScheme(Refused):
    """No such scheme, built in or adopted here or above."""

    code = "places.unknown_scheme"
    en = "There is no code scheme {scheme}. Known here: {known}. Adopt it first, with its parts."
    zh = "没有名为 {scheme} 的编码规则。此处可用：{known}。请先登记该规则。"
    scheme: str
    known: tuple[str, ...]


class SchemeKnown(Refused):
    """A scheme of this name exists here, above, or built in."""

    code = "places.scheme_known"
    en = "A code scheme {scheme} exists already. Give this one another name, such as one with its year."
    zh = "已有名为 {scheme} 的编码规则，请换一个名称，例如加上年份。"
    scheme: str


class BadCode(Refused):
    """A code that its scheme does not build."""

    code = "places.bad_code"
    en = "{given} is no code of {scheme}, which has {length} characters: {parts}. Check it against its source."
    zh = "{given} 不符合编码规则 {scheme}（共 {length} 位：{parts_zh}），请核对来源。"
    given: str
    scheme: str
    length: int
    parts: tuple[str, ...]
    parts_zh: tuple[str, ...]


class GridCodeTaken(Refused):
    """Another grid has this code on some of the same days."""

    code = "places.code_taken"
    en = "The code {given} is in use by {grid} at the same time. Give another, or end its use there first."
    zh = "编码 {given} 同期已由{grid}使用，请更换编码，或先在该网格终止使用。"
    given: str
    grid: str
    grid_id: str


@command("places.adopt_scheme", may=role(ADMINISTRATOR))
def adopt_scheme(view: View, *, name: str, title: str, parts: tuple[CodePart, ...]) -> Change[CodeScheme]:
    """Adopt a city's own code scheme, for grids here and in all communities below.

    Raises SchemeKnown if one of this name is in force here already, BadValue for a part without length.
    """
    if name in BUILT_IN or any(scheme.name == name for scheme in view.above(CodeScheme)):
        raise SchemeKnown(scheme=name)
    if not parts or any(part.length < 1 for part in parts) or sum(part.length for part in parts) > CODE_MAX:
        raise BadValue(
            field="parts",
            why=f"a scheme has parts of at least one character, {CODE_MAX} together at most",
            why_zh=f"每段至少 1 位，各段合计最多 {CODE_MAX} 位",
        )
    return begin("code_scheme.adopted", CodeScheme(id=view.new(CodeScheme), name=name, title=title, parts=tuple(parts)))


def scheme_of(view: View, name: str) -> CodeScheme:
    """The scheme of this name: built in, adopted here, or above. Raises UnknownScheme."""
    built_in = BUILT_IN.get(name)
    if built_in is not None:
        return built_in
    adopted = view.above(CodeScheme)
    for scheme in adopted:
        if scheme.name == name:
            return scheme
    known = (*BUILT_IN, *sorted({scheme.name for scheme in adopted}))
    raise UnknownScheme(scheme=str(name), known=known)


def meet(one: Dated, other: Dated) -> bool:
    """Whether both are in force on some day."""
    return max(one.since, other.since) < min(one.until or date.max, other.until or date.max)


def check_codes(view: View, codes: tuple[GridCode, ...]) -> None:
    """Check one grid's codes against their schemes and each other.

    Raises UnknownScheme, BadCode, BadValue for dates that contradict each other.
    """
    for n, code in enumerate(codes):
        if not isinstance(code, GridCode):
            raise BadValue(field="codes", why=f"{code!r} is no GridCode", why_zh=f"{code!r} 不是 GridCode")
        scheme = scheme_of(view, code.scheme)
        if not scheme.fits(code.value):
            raise BadCode(
                given=str(code.value),
                scheme=scheme.name,
                length=scheme.length,
                parts=tuple(f"{part.name} {part.length}" for part in scheme.parts),
                parts_zh=tuple(f"{part.zh} {part.length}" for part in scheme.parts),
            )
        if code.until is not None and code.until < code.since:
            raise BadValue(
                field="codes",
                why=f"{code.value} ends on {code.until}, before it begins on {code.since}",
                why_zh=f"{code.value} 的终止日 {code.until} 早于起始日 {code.since}",
            )
        for other in codes[:n]:
            if other.scheme == code.scheme and meet(code, other):
                raise BadValue(
                    field="codes",
                    why=f"{other.value} and {code.value} of one scheme are in force at the same time",
                    why_zh=f"同一规则的编码 {other.value} 与 {code.value} 有效期重叠",
                )


def recoded(codes: tuple[GridCode, ...], scheme: str, code: str | None, since: date) -> tuple[GridCode, ...]:
    """`codes` with `code` in force under `scheme` from `since` on; None: none any more.

    Raises BadValue if `since` lies before the scheme's last code began.
    """
    last = max((c.since for c in codes if c.scheme == scheme), default=None)
    if last is not None and since < last:
        raise BadValue(
            field="since",
            why=f"a change on {since} would come before the last, of {last}",
            why_zh=f"{since} 的变更早于上一次变更（{last}）",
        )
    kept = _ended((c for c in codes if c.scheme == scheme), since)
    others = tuple(c for c in codes if c.scheme != scheme)
    return (*others, *kept, *(() if code is None else (GridCode(code, since, scheme=scheme),)))


def ended(codes: tuple[GridCode, ...], day: date) -> tuple[GridCode, ...]:
    """`codes`, none of them in force on `day` or later."""
    return _ended(codes, day)


def _ended(codes: Iterable[GridCode], day: date) -> tuple[GridCode, ...]:
    return tuple(
        evolve(code, until=max(day, code.since)) if code.until is None or code.until > day else code for code in codes
    )
