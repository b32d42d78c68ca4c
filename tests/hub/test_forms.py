"""A hub over rows that earlier releases wrote: they read, are found and are proved like any other."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from tests.hub import added_lives
from tests.hub.forms_lives import Library, Plan, live_through, lives, mark
from tests.hub.forms_room import ADMIN, CODE, ROOMS, Card1, Card2, Card3, do, made_unique, room_of
from tests.hub.stores import Flaky

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import NotUnique, StoreUnusable
from communitycore.kernel.record import Record


@given(lives)
def test_cards_of_three_releases_read_and_verify_before_and_after_they_are_stepped(
    life: tuple[Plan, Plan, Plan],
) -> None:
    store = MemoryStore()
    live_through(lambda: store, life)


@pytest.fixture
def library() -> Library:
    """Five cards of the first form and two of the second, opened by the third release."""
    store = MemoryStore()
    made = Library(lambda: store)
    first = [{"who": name, "level": n, "full": "欧阳 秀兰"} for n, name in enumerate(("甲", "乙", "丁", "甲", "戊"))]
    made.live(Plan([*first], [(3, {"phone": "139", "colour": "red"})]))
    made.opened(2)
    made.live(Plan([{"name": "丁", "rank": 6}, {"name": "甲"}], [(4, {"telephone": "138"})]))
    made.opened(3)
    return made


def test_what_one_transaction_laid_down_is_found_beside_rows_of_older_forms(library: Library) -> None:
    mark(library)


def test_a_unique_value_that_only_a_row_of_an_older_form_holds_is_taken(library: Library) -> None:
    holder = library.ids[1]
    assert library.desk.get(Card3, holder).tag == "c1"
    with pytest.raises(NotUnique) as caught:
        do(library.desk, "open", tag="c1")
    assert caught.value.field == "tag"
    with pytest.raises(NotUnique):
        do(library.desk, "change", library.ids[2], tag="c1")
    do(library.desk, "hand_over", holder, taker=library.ids[2], field="tag")
    assert [library.desk.get(Card3, id).tag for id in library.ids[1:3]] == [None, "c1"]
    do(library.desk, "open", tag="c2")
    assert library.hub.verify().ok


def test_a_note_on_a_row_of_an_older_form_leaves_the_row_as_it_is(library: Library) -> None:
    do(library.desk, "remark", library.ids[0], said="看过")
    entry = library.hub.journal(CODE)[-1]
    assert (entry.schema, entry.version) == (1, 1)
    assert library.older() == 7
    assert library.hub.verify().ok


def test_a_personal_field_that_was_removed_is_erased_from_the_row_with_its_next_step(library: Library) -> None:
    do(library.desk, "change", library.ids[3], remark="x")
    with library.hub.store.reading() as tx:
        row: Any = tx.get(Card3.__shape__, library.hub.resolve(CODE), library.ids[3])
    held = dict(zip((c.name for c in Card3.__shape__.columns), row, strict=True))
    assert (held["phone"], held["telephone"]) == (None, "139")
    entry = library.hub.journal(CODE)[-1]
    assert "139" not in entry.difference
    assert entry.changes()["phone"][1] is None
    assert entry.changes(Card3)["telephone"][0] != entry.changes(Card3)["telephone"][1], "a name is part of its HMAC"
    assert "telephone" in entry.changes(Card3)


def test_stepping_may_be_broken_off_and_begun_again_and_no_row_is_stepped_twice(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("communitycore.hub.upcasting.TOUCH_MAX", 2)
    flaky = Flaky(library.hub.store)
    hub = Hub(flaky, [ROOMS[2]], clock=library.clock)
    told: list[int] = []

    def stop(stepped: int) -> None:
        told.append(stepped)
        if stepped >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub.upcast(stop)
    assert told == [2, 4]
    assert library.older() == 3
    assert hub.verify().ok
    # A lost answer to a COMMIT, kept or not, changes nothing of that.
    flaky.unknown = [True, False]
    report = hub.upcast(told.append)
    assert (report.stepped, report.left, library.older()) == (3, [], 0)
    entries = [e.record for e in hub.journal(CODE) if e.name == "card.upcast"]
    assert sorted(entries) == sorted(library.ids)
    ids = [e.id for e in hub.journal(CODE)]
    assert len(ids) == len(set(ids))
    library.check()


def test_a_store_that_stays_busy_says_so_and_what_was_stepped_stays(library: Library) -> None:
    flaky = Flaky(library.hub.store)
    hub = Hub(flaky, [ROOMS[2]])
    flaky.busy_after_commits = 1
    with pytest.raises(cc.CommunityCoreError) as caught:
        hub.upcast()
    assert caught.value.retryable
    assert library.older() == 3, "those of the first number were done"


def test_a_row_that_cannot_be_stepped_is_named_and_stays_and_the_others_are_stepped() -> None:
    store = MemoryStore()
    old = Library(lambda: store)
    old.live(Plan([{"who": "甲"}, {"who": "甲"}, {"who": "乙"}], []))
    with pytest.raises(StoreUnusable, match="several rows hold the same value"):
        Hub(store, [room_of(made_unique())])
    assert Hub(store, [ROOMS[0]]).verify().ok, "nothing was changed by that"
    # Where values are made of others, only the step shows that two of them are the same.
    named = made_unique(was=str, by=str.strip)
    hub = Hub(store, [room_of(named)])
    report = hub.upcast()
    assert report.stepped == 1
    assert [(left.kind, left.record) for left in report.left] == [("card", id) for id in old.ids[:2]]
    assert all(isinstance(left.why, NotUnique) for left in report.left)
    assert hub.verify().ok
    desk = hub.desk(CODE, hub.administrator(CODE))
    assert len(desk.find(named, cc.where(named.name, "甲"))) == 2, "both are still found"
    do(desk, "change", old.ids[1], name="丙")
    again = hub.upcast()
    assert (again.stepped, again.left) == (1, [])
    assert [card.name for card in desk.find(named)] == ["甲", "丙", "乙"]


def test_a_hub_of_an_older_release_is_refused_once_a_newer_one_was_opened() -> None:
    store = MemoryStore()
    first = Library(lambda: store)
    first.live(Plan([{"who": "甲"}], []))
    old = first.hub
    Hub(store, [ROOMS[1]])
    with pytest.raises(StoreUnusable, match="newer than 1"):
        Hub(store, [ROOMS[0]])
    desk = old.desk(CODE, old.administrator(CODE))
    with pytest.raises(StoreUnusable, match="another declaration"):
        desk.find(Card1)
    with pytest.raises(StoreUnusable, match="another declaration"):
        do(desk, "open", who="乙")
    assert Hub(store, [ROOMS[1]]).desk(CODE, old.administrator(CODE)).find(Card2)[0].name == "甲"


@given(added_lives.olds, added_lives.news)
def test_a_field_added_with_no_new_number_is_searched_by_its_default(
    old: list[str], new: list[tuple[str, int, int]]
) -> None:
    store = MemoryStore()
    added_lives.live_through(lambda: store, old, new)


def test_rows_from_elsewhere_that_lack_a_field_are_found_by_its_default() -> None:
    store = MemoryStore()
    hub = Hub(store, [added_lives.NEW])
    hub.found(CODE, name="济阳", level="district")
    added_lives.check(hub.desk(CODE, hub.administrator(CODE)))
    added_lives.bring_from_elsewhere(Hub(store, [added_lives.NEW]), seen=hub)


def test_a_jurisdiction_with_rows_of_older_forms_moves_into_a_store_of_today(library: Library) -> None:
    stream = BytesIO()
    library.hub.export(CODE, stream)
    shelf = MemoryStore()
    first = Library(lambda: shelf)
    first.live(Plan([{"who": "甲"}, {"who": "乙", "colour": "red", "phone": "139"}], []))
    older = BytesIO()
    first.hub.export(CODE, older)
    for source, written in ((library, stream), (first, older)):
        store = MemoryStore()
        hub = Hub(store, [ROOMS[2]])
        written.seek(0)
        hub.take_in(written, anchor=source.hub.anchor())
        source.hub = hub
        source.check()
        assert source.older() == len(source.ids)
        assert hub.upcast().stepped == len(source.ids)
        source.check()


def test_a_field_that_no_row_has_a_value_for_cannot_be_required() -> None:
    @cc.record("box", read=ADMIN)
    @cc.frozen(kw_only=True)
    class Sized(Record[added_lives.BoxId]):
        name: cc.Indexed[str] = ""
        size: int

    store = MemoryStore()
    hub = Hub(store, [added_lives.OLD])
    hub.found(CODE, name="济阳", level="district")
    sized = cc.Room("boxes", records=[Sized], commands=[])
    Hub(store, [sized])  # there is no row that lacks it
    hub = Hub(store, [added_lives.OLD])
    hub.desk(CODE, hub.administrator(CODE)).do(added_lives.put, name="甲")
    with pytest.raises(StoreUnusable, match="give it a default"):
        Hub(store, [sized])


def test_what_a_declaration_forgets_or_retypes_is_refused_by_the_memory_store() -> None:
    @cc.record("box", read=ADMIN)
    @cc.frozen(kw_only=True)
    class Forgotten(Record[added_lives.BoxId]):
        size: int = 3

    @cc.record("box", read=ADMIN)
    @cc.frozen(kw_only=True)
    class Retyped(Record[added_lives.BoxId]):
        name: int = 3

    store = MemoryStore()
    hub = Hub(store, [added_lives.OLD])
    hub.found(CODE, name="济阳", level="district")
    box = hub.desk(CODE, hub.administrator(CODE)).do(added_lives.put, name="甲")
    for declared, said in ((Forgotten, "say what became of it"), (Retyped, "new name")):
        room = cc.Room("boxes", records=[declared], commands=[])
        [obstacle] = store.plan([declared.__shape__]).obstacles
        assert said in obstacle.why
        assert obstacle.say("zh") != obstacle.say("en")
        with pytest.raises(StoreUnusable, match=said):
            Hub(store, [room])
    assert hub.desk(CODE, hub.administrator(CODE)).find(added_lives.Plain) == [box], "nothing was changed by that"
