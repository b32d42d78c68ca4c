"""Writes docs/journal-vectors.json: a small journal, its rows and their salts, the same on every machine.

    python docs/make_vectors.py

The kinds below exist for this alone, so that a room's growth changes no vector: between them they use every
field type, a null, a personal field, one that was erased, a note, timers, a reaction, a grant and an ancestor.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, NewType

import communitycore as cc
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.shape import Shape
from communitycore.testing import Clock, seeded

FILE = Path(__file__).with_name("journal-vectors.json")
KEEPER = cc.Role("keeper", "保管员")

SampleId = NewType("SampleId", str)


class Stage(StrEnum):
    OPEN = "open"
    SHUT = "shut"


@cc.frozen
class Nested:
    """A value inside a value."""

    label: str
    count: int | None = None


@cc.record(
    "sample",
    states=cc.States(Stage, start={Stage.OPEN}, then={Stage.OPEN: {Stage.SHUT}}),
    read=cc.PUBLIC,
    owner="whose",
)
@cc.frozen(kw_only=True)
class Sample(cc.Record[SampleId]):
    """One field of every type."""

    stage: cc.Indexed[Stage] = Stage.OPEN
    whose: cc.Ref
    title: str
    absent: str | None = None
    secret: cc.Personal[str | None] = None
    number: int
    yes: bool
    moment: datetime
    day: date
    exact: Decimal
    brief: str | None = None
    price: cc.Money
    place: cc.Point
    area: cc.Area
    parts: tuple[Nested, ...]


@cc.command("sample.shut", may=cc.TIMER)
def shut(view: cc.View, sample_id: SampleId) -> cc.Change[Sample]:
    """End it."""
    sample = view.get(Sample, sample_id)
    return cc.step("sample.shut", sample, cc.evolve(sample, stage=Stage.SHUT))


@cc.command("sample.make", may=cc.role(KEEPER))
def make(view: cc.View) -> cc.Change[Sample]:
    """One with everything in it."""
    sample = Sample(
        id=view.new(Sample),
        whose=view.actor,
        title='Quote ", backslash \\, tab \t, bell \a, 微心愿, \U0001f3ee',
        secret="陈 A-0001",
        number=-(2**63),
        yes=True,
        moment=datetime.fromisoformat("2024-06-04T14:30:00+08:00"),
        day=date(2024, 6, 4),
        exact=Decimal("12.50"),
        brief="gone soon",
        price=cc.Money(1999, "CNY"),
        place=cc.Point(117.2, 36.975),
        area=cc.Area([[[[117.0, 36.5], [117.5, 36.5], [117.5, 37.0], [117.0, 36.5]]]]),
        parts=(Nested("一", 1), Nested("two")),
    )
    return cc.begin("sample.made", sample).at(view.now + timedelta(hours=2), shut)


@cc.command("sample.change", may=cc.role(KEEPER))
def change(view: cc.View, sample_id: SampleId) -> cc.Change[Sample]:
    """A difference that fills one field, empties another, and moves money and a personal value."""
    sample = view.get(Sample, sample_id)
    after = cc.evolve(sample, absent="", brief=None, secret="李 B-0002", price=cc.Money(0, "CNY"), number=0)
    return cc.step("sample.changed", sample, after)


@cc.command("sample.remark", may=cc.REACTION)
def remark(view: cc.View, sample_id: SampleId) -> cc.Change[Sample]:
    """A note, which changes nothing."""
    return cc.note("sample.remarked", view.get(Sample, sample_id), reason="联动", times=1, done=True)


ROOM = cc.Room(
    "sample",
    records=(Sample,),
    commands=(make, change, shut, remark),
    reactions=(cc.Reaction("sample.remark_on_change", on="sample.changed", run=remark),),
    roles=(KEEPER,),
)


def vectors() -> dict[str, Any]:
    """The journal of a seeded hub, its rows as fields, and what to keep as an anchor."""
    clock = Clock()
    hub = cc.open("memory://", rooms=[ROOM], clock=clock, entropy=seeded("vectors"))
    hub.found("370115", name="济阳区", level="district")
    hub.found("370115002", name="济北街道", level="subdistrict", parent="370115", first=hub.administrator("370115"))
    from communitycore.kernel.jurisdiction import give

    above, below = hub.resolve("370115"), hub.resolve("370115002")
    clerk, another = cc.Ref(above, "clerk-1"), cc.Ref(above, "clerk-2")
    admin = hub.desk("370115", actor=hub.administrator("370115"))
    admin.do(give, holder=clerk, role=KEEPER)
    desk = hub.desk("370115002", actor=clerk)
    sample = desk.do(make)
    clock.advance(timedelta(hours=1))
    desk.occurred(clock() - timedelta(minutes=5)).do(change, sample.id)
    admin.do(give, holder=another, role=KEEPER)
    hub.desk("370115002", actor=another).do(make)
    hub.erase(another, actor=admin.actor, reason="request 17")
    clock.advance(timedelta(hours=1))
    hub.run_due()
    if not hub.verify().ok:
        raise SystemExit("the journal does not verify")
    journals, rows = {}, []
    with hub.store.reading() as tx:
        for jurisdiction in (above, below):
            entries = tx.entries(jurisdiction, 0, 1_000)
            journals[jurisdiction] = [{name: getattr(e, name) for name in (*FIELDS, "hash")} for e in entries]
            for kind, record in dict.fromkeys((e.kind, e.record) for e in entries):
                shape = hub.catalogue.shape(kind)
                row = tx.get(shape, jurisdiction, record)
                assert row is not None
                rows.append({"jurisdiction": jurisdiction, "kind": kind, **_shown(shape, row)})
    return {
        "about": "Test vectors for docs/journal.md, written by docs/make_vectors.py",
        "anchor": {id: list(place) for id, place in sorted(hub.anchor().heads.items())},
        "journals": journals,
        "rows": rows,
    }


def _shown(shape: Shape, row: tuple[Any, ...]) -> dict[str, Any]:
    """A row by column, and which of its fields are personal, nested, money or truth values."""
    columns = dict(zip((column.name for column in shape.columns), row, strict=True))
    header = {name: columns.pop(name) for name in ("id", "version", "schema", "salt")}
    types = {f.name: f.type for f in shape.fields}
    personal = sorted(f.name for f in shape.fields if f.personal)
    return {**header, "columns": columns, "types": types, "personal": personal}


def text() -> str:
    """The file's content."""
    return json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
