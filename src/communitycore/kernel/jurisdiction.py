"""Jurisdictions and grants: the bodies that keep books of their own, who holds which role there, which vetoes hold.

They are the kernel's and the hub's, since every key and every check leans on them; rooms add the domain's words.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import Annotated

from attrs import evolve

from communitycore.kernel.change import Change, begin, step, unchanged
from communitycore.kernel.command import Room, command
from communitycore.kernel.errors import BadValue, NotFound, Refused
from communitycore.kernel.geometry import Area
from communitycore.kernel.ids import GrantId, JurisdictionId, Ref, VetoId
from communitycore.kernel.query import where
from communitycore.kernel.record import Indexed, Max, Record, Unique, record
from communitycore.kernel.rules import PUBLIC, Role, own, role
from communitycore.kernel.shape import check_text
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View

ADMINISTRATOR = Role("administrator", "管理员")

CODE_MAX = 40
NAME_MAX = 200


@frozen
class Dated:
    """A value in force from `since` to before `until`, in the jurisdiction's own calendar."""

    value: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is in force on `day`."""
        return self.since <= day and (self.until is None or day < self.until)


def zone_of(name: str) -> tzinfo:
    """The IANA time zone of this name. Raises KeyError (ZoneInfoNotFoundError) and others for what is none."""
    from zoneinfo import ZoneInfo  # not needed by a program that only reads and writes

    return ZoneInfo(name)


def in_force(values: Iterable[Dated], day: date) -> str | None:
    """The value in force on `day`, if any."""
    return next((dated.value for dated in values if dated.covers(day)), None)


@record("jurisdiction", read=PUBLIC, standing=True)
@frozen(kw_only=True)
class Jurisdiction(Record[JurisdictionId]):
    """A body with books of its own 辖区. Its id never changes; code, name and parent are data with dates."""

    level: Annotated[str, Max(40)]
    codes: tuple[Dated, ...]
    names: tuple[Dated, ...]
    parents: tuple[Dated, ...] = ()
    zone: Annotated[str, Max(60)] = "Asia/Shanghai"
    extent: Area | None = None

    def day(self, moment: datetime) -> date:
        """The calendar day here at `moment`."""
        return moment.astimezone(zone_of(self.zone)).date()

    def code(self, moment: datetime) -> str | None:
        """The code in use at `moment`."""
        return in_force(self.codes, self.day(moment))

    def name(self, moment: datetime) -> str:
        """The name in use at `moment`; the last known if none is."""
        return in_force(self.names, self.day(moment)) or self.names[-1].value

    def parent(self, moment: datetime) -> JurisdictionId | None:
        """The body above at `moment`."""
        above = in_force(self.parents, self.day(moment))
        return None if above is None else JurisdictionId(above)


@record("grant", read=role(ADMINISTRATOR) | own("holder"), standing=True)
@frozen(kw_only=True)
class Grant(Record[GrantId]):
    """A role held here and below, or for one record alone 授权. Only a grant authorises."""

    holder: Indexed[Ref]
    role: Indexed[Annotated[str, Max(40)]]
    since: datetime
    until: datetime | None = None
    record: Annotated[str, Max(36)] | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether it is in force at `moment`."""
        return self.since <= moment and (self.until is None or moment < self.until)


@record("veto", read=PUBLIC, standing=True)
@frozen(kw_only=True)
class VetoInForce(Record[VetoId]):
    """A veto 一票否决 in force here, and not below; lifted, it stays on record."""

    name: Unique[Annotated[str, Max(60)]]
    in_force: bool = True


def vetoes_in_force(listed: tuple[VetoInForce, ...]) -> tuple[str, ...]:
    """The names of those in force, in order."""
    return tuple(sorted(veto.name for veto in listed if veto.in_force))


class GrantEnded(Refused):
    """The grant has ended already."""

    code = "grants.ended"
    en = "The grant {grant} has ended already."
    zh = "授权 {grant} 已经终止。"
    grant: str


def check_zone(zone: str) -> str:
    """`zone` if it is an IANA time zone. Raises BadValue."""
    try:
        zone_of(zone)
    except (KeyError, ValueError, OSError, TypeError):
        raise BadValue(
            field="zone",
            why=f"{zone!r} is no IANA time zone such as Asia/Shanghai",
            why_zh=f"{zone!r} 不是 IANA 时区名（如 Asia/Shanghai）",
        ) from None
    return zone


def check_code(code: str) -> str:
    """`code` if it can be a jurisdiction's: 1 to 40 characters, none of them a space. Raises BadValue."""
    check_text(code, "code", CODE_MAX)
    if not code.isprintable() or not code or " " in code:
        raise BadValue(field="code", why=f"{code!r} is empty or has spaces in it", why_zh=f"{code!r} 为空或含有空格")
    return code


def check_name(name: str) -> str:
    """`name` if it can be a jurisdiction's: not blank, 200 characters at most. Raises BadValue."""
    check_text(name, "name", NAME_MAX)
    if not name.strip():
        raise BadValue(field="name", why="it is blank; give the name people use", why_zh="名称为空，请填写通用名称")
    return name


def successor(values: tuple[Dated, ...], value: str, since: date, field: str) -> tuple[Dated, ...]:
    """`values` with `value` in force from `since` on. Raises BadValue if `since` is not after the last change."""
    if values and since <= values[-1].since:
        raise BadValue(
            field=field,
            why=f"a change on {since} would not follow the last, of {values[-1].since}",
            why_zh=f"{since} 的变更不晚于上一次变更（{values[-1].since}）",
        )
    closed = tuple(evolve(d, until=since) if d.until is None or d.until > since else d for d in values)
    return (*closed, Dated(value, since))


@command("jurisdiction.recode", may=role(ADMINISTRATOR))
def recode(view: View, *, code: str, since: date) -> Change[Jurisdiction]:
    """Give this jurisdiction another code from `since` on; the old one stays on record."""
    here = view.get(Jurisdiction, view.jurisdiction)
    check_code(code)
    return step("jurisdiction.recoded", here, evolve(here, codes=successor(here.codes, code, since, "code")))


@command("jurisdiction.rename", may=role(ADMINISTRATOR))
def rename(view: View, *, name: str, since: date) -> Change[Jurisdiction]:
    """Give this jurisdiction another name from `since` on."""
    here = view.get(Jurisdiction, view.jurisdiction)
    check_name(name)
    return step("jurisdiction.renamed", here, evolve(here, names=successor(here.names, name, since, "name")))


@command("jurisdiction.move", may=role(ADMINISTRATOR))
def move(view: View, *, parent: JurisdictionId, since: date) -> Change[Jurisdiction]:
    """Put this jurisdiction under another parent from `since` on; `hub.move` also checks levels and cycles."""
    here = view.get(Jurisdiction, view.jurisdiction)
    return step("jurisdiction.moved", here, evolve(here, parents=successor(here.parents, parent, since, "parent")))


@command("jurisdiction.redraw", may=role(ADMINISTRATOR))
def redraw(view: View, *, extent: Area) -> Change[Jurisdiction]:
    """Give this jurisdiction another extent. It is given, never computed from grids."""
    here = view.get(Jurisdiction, view.jurisdiction)
    return step("jurisdiction.redrawn", here, evolve(here, extent=extent))


@command("grants.give", may=role(ADMINISTRATOR))
def give(
    view: View, *, holder: Ref, role: Role, until: datetime | None = None, record: str | None = None
) -> Change[Grant]:
    """Give `holder` a role from now on, here and below, or for one record alone."""
    return begin(
        "grant.given",
        Grant(id=view.new(Grant), holder=holder, role=role.name, since=view.now, until=until, record=record),
    )


@command("grants.end", may=role(ADMINISTRATOR))
def end(view: View, grant_id: GrantId) -> Change[Grant]:
    """End a grant now. Raises GrantEnded if it has ended."""
    grant = view.get(Grant, grant_id)
    if not (grant.until is None or view.now < grant.until):
        raise GrantEnded(grant=grant.id)
    return step("grant.ended", grant, evolve(grant, until=view.now))


@command("vetoes.put_in_force", may=role(ADMINISTRATOR))
def put_in_force(view: View, *, name: str) -> Change[VetoInForce]:
    """Have the veto of this name asked here from now on. Raises UnknownVeto for one that no open plug-in brings."""
    known = view.one(VetoInForce, where(VetoInForce.name, name))
    if known is None:
        return begin("veto.put_in_force", VetoInForce(id=view.new(VetoInForce), name=name))
    return unchanged(known) if known.in_force else step("veto.put_in_force", known, evolve(known, in_force=True))


@command("vetoes.lift", may=role(ADMINISTRATOR))
def lift(view: View, *, name: str) -> Change[VetoInForce]:
    """No longer ask a veto here, even one that is installed no more. Raises NotFound if it never was in force."""
    known = view.one(VetoInForce, where(VetoInForce.name, name))
    if known is None:
        raise NotFound(kind="veto", id=name)
    return step("veto.lifted", known, evolve(known, in_force=False)) if known.in_force else unchanged(known)


ROOM = Room(
    "jurisdictions",
    records=(Jurisdiction, Grant, VetoInForce),
    commands=(recode, rename, move, redraw, give, end, put_in_force, lift),
    roles=(ADMINISTRATOR,),
)
