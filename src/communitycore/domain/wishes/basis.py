"""On what legal ground a campaign asks for gifts (R22: 慈善法 §22, 26, 79, 122). What differs by country is data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from attrs import field

from communitycore.domain.places import Level, Word
from communitycore.domain.wishes.errors import BasisIncomplete, MutualAidElsewhere, NotPublicFundraising
from communitycore.kernel.shape import check_text
from communitycore.kernel.values import frozen


class Basis(Word):
    """The grounds on which wishes may be posted."""

    MUTUAL_AID = "mutual_aid", "社区内互助互济"
    """Neighbours help one another within one community 社区内互助互济 (§122)."""
    PUBLIC_CARE = "public_care", "公共机构关爱项目"
    """A public body's own care programme 公共机构关爱项目; no money is raised."""
    TARGETED = "targeted", "定向募捐"
    """A registered charity asks its own founders, directors and members 定向募捐."""
    PUBLIC_FUNDRAISING = "public_fundraising", "公开募捐"
    """A qualified charity asks the public 公开募捐 (§22)."""
    JOINT_FUNDRAISING = "joint_fundraising", "合作公开募捐"
    """Another body asks the public with a qualified charity and through its accounts 合作募捐 (§26)."""


@frozen(kw_only=True)
class Declaration:
    """What a campaign declares of its basis 依据申报; all of it is public.

    charity: its name. registration: its number in the register. certificate: of its qualification to ask the
    public 公开募捐资格. filing: number of the filed plan 备案. account: through which the gifts go.
    agreement: with the qualified charity. programme: the public body's document. members: who is asked.
    """

    basis: Basis
    charity: str | None = None
    registration: str | None = None
    certificate: str | None = None
    filing: str | None = None
    account: str | None = None
    agreement: str | None = None
    programme: str | None = None
    members: str | None = None

    def __attrs_post_init__(self) -> None:
        for name in DECLARABLE:
            value = getattr(self, name)
            if value is not None:
                check_text(value, f"declaration.{name}", 200)


DECLARABLE = ("charity", "registration", "certificate", "filing", "account", "agreement", "programme", "members")
_QUALIFIED = ("charity", "registration", "certificate", "filing", "account")

NEEDS: Mapping[Basis, tuple[str, ...]] = MappingProxyType(
    {
        Basis.MUTUAL_AID: (),
        Basis.PUBLIC_CARE: ("programme",),
        Basis.TARGETED: ("charity", "registration", "members"),
        Basis.PUBLIC_FUNDRAISING: _QUALIFIED,
        Basis.JOINT_FUNDRAISING: (*_QUALIFIED, "agreement"),
    }
)
ASKS_THE_PUBLIC = frozenset({Basis.PUBLIC_FUNDRAISING, Basis.JOINT_FUNDRAISING})
RESERVED_WORDS = (
    "公开募捐",
    "公募",
    "向社会募捐",
    "面向社会募捐",
    "社会募捐",
    "public fundraising",
    "public fund-raising",
    "fundraising from the public",
)


def check_declaration(declaration: Declaration, said: str, level: str) -> None:
    """Whether a campaign that says `said` of itself, at a body of `level`, may rest on this declaration (R22).

    Raises BasisIncomplete, NotPublicFundraising, MutualAidElsewhere.
    """
    basis = declaration.basis
    missing = tuple(name for name in NEEDS[basis] if not (getattr(declaration, name) or "").strip())
    if missing:
        raise BasisIncomplete(basis=basis.value, missing=missing)
    if basis not in ASKS_THE_PUBLIC:
        lowered = " ".join(said.casefold().split())
        word = next((w for w in RESERVED_WORDS if w in lowered), None)
        if word is not None:
            raise NotPublicFundraising(word=word)
    if basis is Basis.MUTUAL_AID and level != Level.COMMUNITY:
        raise MutualAidElsewhere(level=level)


@frozen
class Reporting:
    """When a campaign that asks the public has to report 信息公开 (§79).

    long_months: one that lasts longer reports every `every_months` while it runs; each reports within
    `after_months` of its end. The law's six months are from memory.
    """

    long_months: int = 6
    every_months: int = 3
    after_months: int = 3

    def due(self, first: date, last: date) -> tuple[date, ...]:
        """The last days for each report of a campaign that runs from `first` to `last`, in order."""
        days: list[date] = []
        if last > months_after(first, self.long_months):
            n = 1
            while (day := months_after(first, n * self.every_months)) < last:
                days.append(day)
                n += 1
        return (*days, months_after(last, self.after_months))


def months_after(day: date, months: int) -> date:
    """The same day of a later month; the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


REPORTING = Reporting()


@frozen(kw_only=True)
class ReportsDue:
    """When a campaign has to report, and why; none where it does not ask the public."""

    basis: Basis
    days: tuple[date, ...] = field(default=())
