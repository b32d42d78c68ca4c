"""A file made by an older set of records gains what is new, or is refused with what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sql_room import CODE, Plot, PlotId, bump, hub_at, open_plot, url_of

import communitycore as cc
from communitycore import Change, Indexed, Record, Room, Unique, View, begin, command, frozen, record, role, where
from communitycore.kernel.errors import NotUnique, StoreUnusable
from communitycore.kernel.jurisdiction import ADMINISTRATOR

ADMIN = role(ADMINISTRATOR)


@record("plot", read=ADMIN)
@frozen(kw_only=True)
class OldPlot(Record[PlotId]):
    """A plot as it was once: neither labelled nor ranked."""

    tag: str = ""
    text: Unique[str | None] = None


@command("garden.open", may=ADMIN)
def open_old(view: View, *, tag: str = "", text: str | None = None) -> Change[OldPlot]:
    return begin("plot.opened", OldPlot(id=view.new(OldPlot), tag=tag, text=text))


OLD = Room("garden", records=[OldPlot], commands=[open_old])


def room_of(plot: type[Any]) -> Room:
    return Room("garden", records=[plot], commands=[])


def made_by(path: Path, room: Room, *tags: str) -> list[str]:
    with cc.open(url_of(path), rooms=[room]) as hub:
        if not hub.jurisdictions():
            hub.found(CODE, name="济阳", level="district")
        desk = hub.desk(CODE, hub.administrator(CODE))
        return [desk.do(open_old, tag=tag).id for tag in tags]


def refused(path: Path, room: Room) -> StoreUnusable:
    before = path.read_bytes()
    with pytest.raises(StoreUnusable) as caught:
        cc.open(url_of(path), rooms=[room])
    assert path.read_bytes() == before
    assert caught.value.say("zh") != caught.value.say("en")
    return caught.value


def names_in(path: Path) -> set[str]:
    plain = sqlite3.connect(path)
    found = {name for (name,) in plain.execute("SELECT name FROM sqlite_master")}
    plain.close()
    return found


def test_tables_columns_and_indexes_are_added_and_old_rows_read_on(path: Path) -> None:
    ids = made_by(path, OLD, "北", "南")
    assert "order" not in names_in(path)
    with hub_at(path) as hub:
        desk = hub.desk(CODE, hub.administrator(CODE))
        assert {"order", "cc_uq_plot$label", "cc_ix_plot$tag", "cc_ix_plot$rank"} <= names_in(path)
        old = desk.find(Plot, where(Plot.tag, "北"))[0]
        assert (old.id, old.rank, old.crops, old.label) == (ids[0], 0, (), None)
        assert hub.verify().ok
        assert desk.do(bump, old.id).rank == 1
        desk.do(open_plot, label="新")
        assert hub.verify().ok


def test_what_is_no_longer_unique_stops_refusing(path: Path) -> None:
    with cc.open(url_of(path), rooms=[OLD]) as hub:
        hub.found(CODE, name="济阳", level="district")
        desk = hub.desk(CODE, hub.administrator(CODE))
        desk.do(open_old, text="same")
        with pytest.raises(NotUnique):
            desk.do(open_old, text="same")
    with hub_at(path) as hub:
        hub.desk(CODE, hub.administrator(CODE)).do(open_plot, text="same")
        assert hub.verify().ok
    assert "cc_uq_plot$text" not in names_in(path)


def test_what_rows_already_share_cannot_become_unique(path: Path) -> None:
    made_by(path, OLD, "北", "北")

    @record("plot", read=ADMIN)
    @frozen(kw_only=True)
    class UniquePlot(Record[PlotId]):
        tag: Unique[str] = ""
        text: Unique[str | None] = None

    assert "plot.tag must be unique" in refused(path, room_of(UniquePlot)).why


def test_a_column_does_not_change_its_type(path: Path) -> None:
    made_by(path, OLD, "北")

    @record("plot", read=ADMIN)
    @frozen(kw_only=True)
    class NumberedPlot(Record[PlotId]):
        tag: Indexed[int] = 0
        text: Unique[str | None] = None

    assert "new name" in refused(path, room_of(NumberedPlot)).why


def test_newer_records_are_refused_and_older_ones_go_on(path: Path) -> None:
    @record("plot", read=ADMIN, schema=3)
    @frozen(kw_only=True)
    class ThirdPlot(Record[PlotId]):
        tag: str = ""
        text: Unique[str | None] = None

    made_by(path, OLD, "北")
    made_by(path, room_of(ThirdPlot))
    assert "schema 3, newer than 1" in refused(path, OLD).why
    made_by(path, room_of(ThirdPlot))


def test_a_missing_column_that_no_row_can_do_without_is_refused(path: Path) -> None:
    made_by(path, OLD, "北")
    plain = sqlite3.connect(path)
    plain.execute('ALTER TABLE plot DROP COLUMN "schema"')
    plain.close()
    assert "plot.schema is missing" in refused(path, OLD).why


def test_reading_alone_does_not_extend_a_file(path: Path) -> None:
    made_by(path, OLD, "北")
    with pytest.raises(StoreUnusable, match="without mode=ro"):
        hub_at(f"{url_of(path)}?mode=ro")
    with cc.open(f"{url_of(path)}?mode=ro", rooms=[OLD]) as hub:
        assert hub.verify().ok


def test_a_kind_may_be_called_as_one_of_the_stores_own_tables(path: Path) -> None:
    made = {}
    for kind in ("cc_journal", "sqlite_master", "kind_cc_journal", "select", "3d", "a" * 40):

        @record(kind, read=ADMIN)
        @frozen(kw_only=True)
        class Odd(Record[PlotId]):
            index: Indexed[str] = ""
            a_name_that_is_longer_than_most_others_are: Indexed[str] = ""
            a_name_that_is_longer_than_most_others_be: Unique[str | None] = None

        Odd.__shape__.id_type = str
        made[kind] = Odd
    with cc.open(url_of(path), rooms=[Room("odd", records=list(made.values()), commands=[])]) as hub:
        hub.found(CODE, name="济阳", level="district")
        assert hub.verify().ok
    assert {"cc_journal", "kind_cc_journal", "kind_kind_cc_journal", "kind_sqlite_master", "3d"} <= names_in(path)
    assert not [name for name in names_in(path) if len(name) > 63]


def test_opening_twice_changes_nothing(path: Path) -> None:
    with hub_at(path) as hub:
        hub.found(CODE, name="济阳", level="district")
    before = path.read_bytes()
    hub_at(path).close()
    assert path.read_bytes() == before
