"""A small room for the adapter's tests: plots of land, each claimed by at most one, weeded by a timer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import NewType

import communitycore as cc
from communitycore import (
    ADMINISTRATOR,
    TIMER,
    Change,
    Indexed,
    Money,
    Personal,
    Record,
    Ref,
    Room,
    States,
    Unique,
    View,
    begin,
    command,
    evolve,
    frozen,
    many,
    record,
    role,
    step,
)
from communitycore.testing import seeded

PlotId = NewType("PlotId", str)
OrderId = NewType("OrderId", str)


class PlotStatus(StrEnum):
    FREE = "free"
    TAKEN = "taken"
    GONE = "gone"


FREE, TAKEN, GONE = PlotStatus.FREE, PlotStatus.TAKEN, PlotStatus.GONE
STATES = States(PlotStatus, start={FREE, TAKEN}, then={FREE: {TAKEN, GONE}, TAKEN: {FREE, GONE}})
ADMIN = role(ADMINISTRATOR)


@record("plot", states=STATES, read=ADMIN, owner="holder")
@frozen(kw_only=True)
class Plot(Record[PlotId]):
    """One plot, with a field of every stored type."""

    label: Unique[str | None] = None
    tag: Indexed[str] = ""
    rank: Indexed[int] = 0
    status: Indexed[PlotStatus] = FREE
    holder: Indexed[Ref | None] = None
    phone: Personal[str | None] = None
    text: str = ""
    sunny: bool = False
    sown: datetime | None = None
    day: date | None = None
    size: Decimal | None = None
    fee: Money | None = None
    crops: tuple[str, ...] = ()


@record("order", read=ADMIN)
@frozen(kw_only=True)
class Order(Record[OrderId]):
    """A kind whose name and fields are words of SQL."""

    group: Indexed[str] = ""
    select: Unique[int | None] = None


@command("garden.open", may=ADMIN)
def open_plot(view: View, *, label: str | None = None, tag: str = "", text: str = "") -> Change[Plot]:
    plot = Plot(id=view.new(Plot), label=label, tag=tag, text=text)
    return begin("plot.opened", plot).at(view.now + timedelta(days=1), weed)


@command("garden.order", may=ADMIN)
def place_order(view: View, *, group: str, select: int | None = None) -> Change[Order]:
    return begin("order.placed", Order(id=view.new(Order), group=group, select=select))


@command("garden.take", may=ADMIN)
def take(view: View, plot_id: PlotId, *, holder: str) -> Change[Plot]:
    plot = view.get(Plot, plot_id)
    return step("plot.taken", plot, evolve(plot, status=TAKEN, tag=holder))


@command("garden.bump", may=ADMIN)
def bump(view: View, plot_id: PlotId) -> Change[Plot]:
    plot = view.get(Plot, plot_id)
    return step("plot.bumped", plot, evolve(plot, rank=plot.rank + 1))


@command("garden.label", may=ADMIN)
def relabel(view: View, plot_id: PlotId, *, label: str | None) -> Change[Plot]:
    plot = view.get(Plot, plot_id)
    return step("plot.labelled", plot, evolve(plot, label=label))


@command("garden.write", may=ADMIN)
def write(view: View, plot_id: PlotId, *, text: str) -> Change[Plot]:
    plot = view.get(Plot, plot_id)
    return step("plot.written", plot, evolve(plot, text=text))


@command("garden.fill", may=ADMIN)
def fill(view: View, *, count: int, text: str) -> Change[tuple[Plot, ...]]:
    return many([begin("plot.opened", Plot(id=view.new(Plot), text=text)) for _ in range(count)])


@command("garden.weed", may=TIMER)
def weed(view: View, plot_id: PlotId) -> Change[Plot]:
    plot = view.get(Plot, plot_id)
    return step("plot.weeded", plot, evolve(plot, sunny=True))


@command("garden.close", may=ADMIN)
def close(view: View, plot_id: PlotId) -> Change[Plot]:
    plot = view.get(Plot, plot_id)
    return step("plot.closed", plot, evolve(plot, status=GONE))


ROOM = Room(
    "garden",
    records=[Plot, Order],
    commands=[open_plot, place_order, take, bump, relabel, write, fill, weed, close],
)
CODE = "370115"


def url_of(path: Path) -> str:
    """The URL of a file."""
    return f"sqlite:///{path}"


def hub_at(path: Path | str, **options: object) -> cc.Hub:
    """The garden's hub over a file, or over a URL."""
    url = str(path) if "://" in str(path) else url_of(Path(path))
    return cc.open(url, rooms=[ROOM], **options)


def garden(path: Path | str, **options: object) -> tuple[cc.Hub, cc.Desk]:
    """A hub with one jurisdiction, founded if it is not there, and its administrator's desk."""
    hub = hub_at(path, **options)
    if not hub.jurisdictions():
        hub.found(CODE, name="济阳", level="district")
    return hub, hub.desk(CODE, hub.administrator(CODE))


def repeating(seed: int | str) -> dict[str, object]:
    """Options that make chance repeat."""
    return {"entropy": seeded(seed)}
