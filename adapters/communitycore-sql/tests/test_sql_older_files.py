"""A store made by an older set of records gains what is new, or is refused with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sql_room import CODE, Plot, PlotId, bump, hub_at, open_plot

import communitycore as cc
from communitycore import (
    Change,
    Indexed,
    Record,
    Room,
    Unique,
    View,
    begin,
    command,
    evolve,
    frozen,
    record,
    role,
    step,
    where,
)
from communitycore.kernel.errors import NotUnique, StoreBusy, StoreUnusable
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.record import shape_of
from communitycore_sql import open_store
from communitycore_sql.backend import ONCE, Layout

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


def made_by(url: str, room: Room, *tags: str) -> list[str]:
    with cc.open(url, rooms=[room]) as hub:
        if not hub.jurisdictions():
            hub.found(CODE, name="济阳", level="district")
        desk = hub.desk(CODE, hub.administrator(CODE))
        return [desk.do(open_old, tag=tag).id for tag in tags]


def layout_at(url: str) -> Layout:
    store = open_store(url)
    line = store.backend.reading()
    try:
        return store.backend.layout(line)
    finally:
        line.end()
        store.close()


def refused(url: str, room: Room) -> StoreUnusable:
    before = layout_at(url)
    with pytest.raises(StoreUnusable) as caught:
        cc.open(url, rooms=[room])
    after = layout_at(url)
    if url.startswith("mariadb"):  # it takes back no change of a table: a column may be shorter by now
        for found in (*before.tables.values(), *after.tables.values()):
            for column in found.values():
                column.size = None
    assert after == before
    assert caught.value.say("zh") != caught.value.say("en")
    return caught.value


def names_in(url: str) -> set[str]:
    layout = layout_at(url)
    return {*layout.tables, *layout.indexes}


def altered(url: str, sql: str, *names: str) -> None:
    """Change a table by hand; {} are names."""
    store = open_store(url)
    quote = store.backend.dialect.identifier_preparer.quote_identifier
    line = store.backend.building()
    line.run([(sql.format(*map(quote, names)), ONCE)])
    line.commit("")
    line.end()
    store.close()


def test_tables_columns_and_indexes_are_added_and_old_rows_read_on(store_url: str) -> None:
    ids = made_by(store_url, OLD, "北", "南")
    assert "order" not in names_in(store_url)
    with hub_at(store_url) as hub:
        desk = hub.desk(CODE, hub.administrator(CODE))
        assert {"order", "cc_uq_plot$label", "cc_ix_plot$tag", "cc_ix_plot$rank"} <= names_in(store_url)
        old = desk.find(Plot, where(Plot.tag, "北"))[0]
        assert (old.id, old.rank, old.crops, old.label) == (ids[0], 0, (), None)
        assert hub.verify().ok
        assert desk.do(bump, old.id).rank == 1
        desk.do(open_plot, label="新")
        assert hub.verify().ok


def test_what_is_no_longer_unique_stops_refusing(store_url: str) -> None:
    with cc.open(store_url, rooms=[OLD]) as hub:
        hub.found(CODE, name="济阳", level="district")
        desk = hub.desk(CODE, hub.administrator(CODE))
        desk.do(open_old, text="same")
        with pytest.raises(NotUnique):
            desk.do(open_old, text="same")
    with hub_at(store_url) as hub:
        hub.desk(CODE, hub.administrator(CODE)).do(open_plot, text="same")
        assert hub.verify().ok
    assert "cc_uq_plot$text" not in names_in(store_url)


def test_what_rows_already_share_cannot_become_unique(store_url: str) -> None:
    made_by(store_url, OLD, "北", "北")

    @record("plot", read=ADMIN)
    @frozen(kw_only=True)
    class UniquePlot(Record[PlotId]):
        tag: Unique[str] = ""
        text: Unique[str | None] = None

    assert "plot.tag must be unique" in refused(store_url, room_of(UniquePlot)).why


def test_a_column_does_not_change_its_type(store_url: str) -> None:
    made_by(store_url, OLD, "北")

    @record("plot", read=ADMIN)
    @frozen(kw_only=True)
    class NumberedPlot(Record[PlotId]):
        tag: Indexed[int] = 0
        text: Unique[str | None] = None

    assert "new name" in refused(store_url, room_of(NumberedPlot)).why


def test_what_holds_more_than_may_be_searched_is_not_cut(store_url: str, database: str) -> None:
    long = "长" * 192
    made_by(store_url, OLD, long)

    @record("plot", read=ADMIN)
    @frozen(kw_only=True)
    class TaggedPlot(Record[PlotId]):
        tag: Indexed[str] = ""
        text: Unique[str | None] = None

    if database == "mariadb":  # the only one that cannot index it
        assert "plot.tag may hold 191" in refused(store_url, room_of(TaggedPlot)).why
    else:
        made_by(store_url, room_of(TaggedPlot))
    with cc.open(store_url, rooms=[OLD]) as hub:
        assert [plot.tag for plot in hub.desk(CODE, hub.administrator(CODE)).find(OldPlot, limit=9)] == [long]
        assert hub.verify().ok


@record("plot", read=ADMIN)
@frozen(kw_only=True)
class ShortPlot(Record[PlotId]):
    """A plot whose tag was short, and whose rank was only true or false."""

    tag: Indexed[str] = ""
    rank: bool = False


@command("garden.short", may=ADMIN)
def open_short(view: View) -> Change[ShortPlot]:
    return begin("plot.opened", ShortPlot(id=view.new(ShortPlot), tag="短"))


@record("plot", read=ADMIN)
@frozen(kw_only=True)
class LongPlot(Record[PlotId]):
    """The same, with room for more in both."""

    tag: str = ""
    rank: int = 0


@command("garden.lengthen", may=ADMIN)
def lengthen(view: View, id: PlotId) -> Change[LongPlot]:
    plot = view.get(LongPlot, id)
    return step("plot.lengthened", plot, evolve(plot, tag="长" * 10_000, rank=plot.rank + (1 << 40)))


def test_a_field_may_hold_more_than_it_did(store_url: str) -> None:
    with cc.open(store_url, rooms=[Room("garden", records=[ShortPlot], commands=[open_short])]) as hub:
        hub.found(CODE, name="济阳", level="district")
        short = hub.desk(CODE, hub.administrator(CODE)).do(open_short)

    with cc.open(store_url, rooms=[Room("garden", records=[LongPlot], commands=[lengthen])]) as hub:
        long = hub.desk(CODE, hub.administrator(CODE)).do(lengthen, short.id)
        assert (long.tag, long.rank) == ("长" * 10_000, 1 << 40)
        assert hub.verify().ok


def test_an_open_store_notices_that_another_has_changed_its_tables(store_url: str, database: str) -> None:
    rooms = [Room("garden", records=[ShortPlot], commands=[open_short])]
    with cc.open(store_url, rooms=rooms) as hub:
        hub.found(CODE, name="济阳", level="district")
        desk = hub.desk(CODE, hub.administrator(CODE))
        short = desk.do(open_short)
        assert desk.get(ShortPlot, short.id) == short
        with cc.open(store_url, rooms=[Room("garden", records=[LongPlot], commands=[lengthen])]):
            desk.do(open_short)
            if database == "postgresql":  # what was prepared would give another type; who only reads tries again
                with pytest.raises(StoreBusy), hub.store.reading() as tx:
                    assert tx.head(desk.jurisdiction) is not None
                    tx.get(shape_of(ShortPlot), desk.jurisdiction, short.id)
            assert desk.get(ShortPlot, short.id) == short
        assert hub.verify().ok


def test_newer_records_are_refused_and_older_ones_go_on(store_url: str) -> None:
    @record("plot", read=ADMIN, schema=3, upcasters={1: (), 2: ()})
    @frozen(kw_only=True)
    class ThirdPlot(Record[PlotId]):
        tag: str = ""
        text: Unique[str | None] = None

    made_by(store_url, OLD, "北")
    made_by(store_url, room_of(ThirdPlot))
    assert "schema 3, newer than 1" in refused(store_url, OLD).why
    made_by(store_url, room_of(ThirdPlot))


def test_a_missing_column_that_no_row_can_do_without_is_refused(store_url: str) -> None:
    made_by(store_url, OLD, "北")
    altered(store_url, "ALTER TABLE plot DROP COLUMN {}", "schema")
    assert "plot.schema is missing" in refused(store_url, OLD).why


def test_reading_alone_does_not_extend_a_file(store_url: str) -> None:
    made_by(store_url, OLD, "北")
    with pytest.raises(StoreUnusable, match="without mode=ro"):
        hub_at(f"{store_url}?mode=ro")
    with cc.open(f"{store_url}?mode=ro", rooms=[OLD]) as hub:
        assert hub.verify().ok


def test_a_kind_may_be_called_as_one_of_the_stores_own_tables(store_url: str) -> None:
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
    with cc.open(store_url, rooms=[Room("odd", records=list(made.values()), commands=[])]) as hub:
        hub.found(CODE, name="济阳", level="district")
        assert hub.verify().ok
    assert {"cc_journal", "kind_cc_journal", "kind_kind_cc_journal", "kind_sqlite_master", "3d"} <= names_in(store_url)
    assert not [name for name in names_in(store_url) if len(name) > 63]


def test_opening_twice_changes_nothing(path: Path) -> None:
    with hub_at(path) as hub:
        hub.found(CODE, name="济阳", level="district")
    before = path.read_bytes()
    hub_at(path).close()
    assert path.read_bytes() == before


@record("plot", read=ADMIN)
@frozen(kw_only=True)
class Boxed(Record[PlotId]):
    """A plot whose fields servers have for themselves."""

    xmin: Indexed[int] = 0
    ctid: Unique[str | None] = None
    db_row_id: str = ""


@command("garden.box", may=ADMIN)
def box(view: View, *, xmin: int) -> Change[Boxed]:
    return begin("plot.boxed", Boxed(id=view.new(Boxed), xmin=xmin, ctid=f"{xmin}", db_row_id="x"))


def test_a_field_may_be_called_as_a_column_that_a_server_keeps_for_itself(store_url: str) -> None:
    for _ in range(2):
        with cc.open(store_url, rooms=[Room("boxes", records=[Boxed], commands=[box])]) as hub:
            if not hub.jurisdictions():
                hub.found(CODE, name="济阳", level="district")
            desk = hub.desk(CODE, hub.administrator(CODE))
            made = desk.do(box, xmin=len(desk.find(Boxed, limit=9)))
            assert desk.find(Boxed, where(Boxed.xmin, made.xmin), limit=9, order=Boxed.xmin) == [made]
            assert hub.verify().ok


def test_text_that_is_compared_as_people_do_is_refused(store_url: str, database: str) -> None:
    folding = {
        "sqlite": None,
        "postgresql": 'ALTER TABLE plot ALTER COLUMN {} TYPE varchar(191) COLLATE "en-x-icu"',
        "mariadb": "ALTER TABLE plot MODIFY {} varchar(191) COLLATE utf8mb4_general_ci",
    }[database]
    if folding is None:
        return  # a column of a SQLite table does not change its collation
    hub_at(store_url).close()
    altered(store_url, folding, "tag")
    with pytest.raises(StoreUnusable, match=r"plot\.tag compares text"):
        hub_at(store_url)
