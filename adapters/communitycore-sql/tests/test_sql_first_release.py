"""A store as the first release made it opens, verifies, goes on working, and verifies again."""

from __future__ import annotations

import gzip
import sqlite3
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sql_room as garden

import communitycore as cc
from communitycore import (
    Indexed,
    Money,
    Personal,
    Record,
    Unique,
    command,
    evolve,
    frozen,
    record,
    removed,
    renamed,
    tickets,
    wishes,
)
from communitycore.hub.verify import Anchor
from communitycore.testing import Clock

FILES = Path(__file__).parent / "files"
ANCHOR = Anchor.from_text((FILES / "first-release.anchor.json").read_text(encoding="utf-8"))
HOME = "370115001001"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A copy of the file that may be written."""
    path = tmp_path / "first-release.db"
    path.write_bytes(gzip.decompress((FILES / "first-release.sqlite3.gz").read_bytes()))
    return path


def opened(path: Path) -> tuple[cc.Hub, Clock]:
    """A hub over it, at the moment of its last entry."""
    clock = Clock()
    hub = cc.open(f"sqlite:///{path}", rooms=[*cc.built_in_rooms(), garden.ROOM], clock=clock)
    clock.set(hub.journal(HOME)[-1].recorded)
    return hub, clock


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    """Every row of every table that holds what was recorded, nulls left out."""
    file = sqlite3.connect(path)
    file.row_factory = sqlite3.Row
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    held = {
        table: [{name: value for name, value in dict(row).items() if value is not None} for row in rows]
        for table in tables
        if not table.startswith("sqlite_")
        for rows in [file.execute(f'SELECT * FROM "{table}"').fetchall()]
    }
    file.close()
    return held


def test_it_verifies_and_opening_rewrites_nothing_that_was_recorded(kept: Path) -> None:
    before = contents(kept)
    hub, _ = opened(kept)
    with hub:
        report = hub.verify(ANCHOR)
        assert report.faults == []
        assert (report.jurisdictions, report.entries, report.rows) == (3, 68, 49)
        assert hub.anchor() == ANCHOR
    after = contents(kept)
    assert {table: after[table] for table in before if table != "cc_kinds"} == {
        table: rows for table, rows in before.items() if table != "cc_kinds"
    }


def test_it_goes_on_working_and_verifies_again(kept: Path) -> None:
    hub, clock = opened(kept)
    with hub:
        assert hub.verify(ANCHOR).faults == []
        admin = hub.desk(HOME, hub.administrator(HOME))
        clerk = hub.desk(HOME, cc.Ref(admin.jurisdiction, "clerk"))
        [waiting] = clerk.find(tickets.Ticket, cc.where(tickets.Ticket.status, tickets.TicketStatus.ACCEPTED), limit=9)
        clerk.do(tickets.dispatch, waiting.id)
        [again] = clerk.find(tickets.Ticket, cc.where(tickets.Ticket.title, "路灯不亮 0"), limit=9)
        [reporter] = clerk.find(tickets.TicketReporter, cc.where(tickets.TicketReporter.ticket, again.id), limit=9)
        assert reporter.party is not None
        told = hub.desk(HOME, cc.Ref(admin.jurisdiction, reporter.party)).keyed("app-0")
        assert again == told.do(
            tickets.report,
            source=tickets.Source.APP,
            title="路灯不亮 0",
            category=again.category,
            point=cc.Point(117.125, 36.875),
            reporter=reporter.party,
            message="app-0",
        ), "the key of a call made then is known now"
        [plot] = admin.find(garden.Plot, cc.where(garden.Plot.label, "地9"), limit=2)
        admin.do(garden.bump, plot.id)
        clock.advance(timedelta(days=4))
        assert hub.run_due() == 2  # the last plot is weeded, the claim lapses
        assert admin.get(garden.Plot, plot.id).sunny
        [lapsed] = hub.desk(HOME, cc.Ref(admin.jurisdiction, "writer")).find(wishes.WishClaim, limit=9)
        assert lapsed.status is wishes.ClaimStatus.LAPSED
        for fold in wishes.ROOM.folds:
            hub.desk(HOME, cc.Ref(admin.jurisdiction, "writer")).figures(fold)
        report = hub.verify(ANCHOR)
        assert report.faults == []
        assert report.entries > 68
    hub, _ = opened(kept)
    with hub:
        assert hub.verify(ANCHOR).faults == []


def test_a_waiting_timer_of_it_may_name_the_last_entry_of_its_change_and_no_other(kept: Path) -> None:
    with sqlite3.connect(kept) as file:
        [(seq,)] = file.execute("SELECT seq FROM cc_timers WHERE command = 'wishes.lapse'").fetchall()
        [(first,)] = file.execute("SELECT seq FROM cc_journal WHERE timers LIKE '%+wishes.lapse%'").fetchall()
    file.close()
    assert first < seq, "the change has entries behind the one that sets the timer"
    for moved, right in (
        (first, True),
        (seq, True),
        (first + 1, first + 1 == seq),
        (seq + 1, False),
        (first - 1, False),
    ):
        with sqlite3.connect(kept) as file:
            file.execute("UPDATE cc_timers SET seq = ? WHERE command = 'wishes.lapse'", (moved,))
        file.close()
        hub, _ = opened(kept)
        with hub:
            assert hub.verify(ANCHOR).ok is right, moved


@record(
    "plot",
    states=garden.STATES,
    read=garden.ADMIN,
    owner="tenant",
    schema=2,
    upcasters={
        1: (
            renamed("label", "name"),
            renamed("tag", "side"),
            renamed("rank", "score", was=int, by=Decimal),
            renamed("holder", "tenant"),
            renamed("phone", "telephone"),
            renamed("fee", "rent"),
            removed("text", str),
            removed("crops", tuple[str, ...]),
        )
    },
)
@frozen(kw_only=True)
class NextPlot(Record[garden.PlotId]):
    """A plot as a later release might declare it: nearly every field under another name."""

    name: Unique[str | None] = None
    side: Indexed[str] = ""
    score: Decimal = Decimal(0)
    status: Indexed[garden.PlotStatus] = garden.FREE
    tenant: Indexed[cc.Ref | None] = None
    telephone: Personal[str | None] = None
    sunny: bool = False
    sown: datetime | None = None
    day: date | None = None
    size: Decimal | None = None
    rent: Money | None = None
    heated: Indexed[bool] = False


@command("garden.weed", may=cc.TIMER)
def weed(view: cc.View, plot_id: garden.PlotId) -> cc.Change[NextPlot]:
    plot = view.get(NextPlot, plot_id)
    return cc.step("plot.weeded", plot, cc.evolve(plot, sunny=True))


NEXT = cc.Room("garden", records=[NextPlot, garden.Order], commands=[weed])


def test_a_later_declaration_of_its_records_opens_it_too(kept: Path) -> None:
    clock = Clock()
    with cc.open(f"sqlite:///{kept}", rooms=[*cc.built_in_rooms(), NEXT], clock=clock) as hub:
        clock.set(hub.journal(HOME)[-1].recorded)
        assert hub.verify(ANCHOR).faults == []
        desk = hub.desk(HOME, hub.administrator(HOME))
        plots = desk.find(NextPlot, limit=9)
        assert [(plot.name, plot.side, plot.score) for plot in plots] == [
            ("地0", "甲", 0),
            ("地1", "北", 1),
            ("地2", "南", 0),
            ("地3", "北", 0),
            ("地9", "北", 0),
        ]
        assert [plot.name for plot in desk.find(NextPlot, cc.where(NextPlot.side, "北"), limit=9)] == [
            "地1",
            "地3",
            "地9",
        ]
        assert desk.find(NextPlot, cc.where(NextPlot.name, "地3"), limit=9) == [plots[3]]
        assert len(desk.find(NextPlot, cc.where(NextPlot.heated, False), limit=9)) == 5
        clock.advance(timedelta(days=2))
        hub.run_due()  # the last plot's timer was set by the first release
        assert desk.get(NextPlot, plots[4].id).sunny
        assert hub.verify(ANCHOR).faults == []
        report = hub.upcast()
        assert (report.stepped, report.left) == (4, [])
        assert hub.verify(ANCHOR).faults == []
        assert [evolve(plot, version=0) for plot in desk.find(NextPlot, limit=9)] == [
            evolve(plot, version=0, sunny=True) for plot in plots
        ]
