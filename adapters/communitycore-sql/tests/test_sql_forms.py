"""Rows that earlier releases wrote, on every database: read, found, proved and stepped as the memory store does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.hub import added_lives, forms_lives
from tests.hub.forms_lives import Library, Plan
from tests.hub.forms_room import CODE, ROOMS, TO_2, Card1, Card3, do

import communitycore as cc
from communitycore.hub.forms import find_all
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import Mistake, StoreUnusable
from communitycore.kernel.query import make_query
from communitycore.kernel.record import shape_of
from communitycore.ports import Migrating
from communitycore_sql import SqlStore, open_store
from communitycore_sql.backend import ONCE
from communitycore_sql.ddl import ddl

LIVES = settings(
    deadline=None,
    max_examples=4,  # each opens a store eight times
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@contextmanager
def reopening(url: str) -> Iterator[Callable[[], SqlStore]]:
    """A function that opens the store again, as another process would; the one before is closed."""
    opened: list[SqlStore] = []

    def reopened() -> SqlStore:
        for store in opened:
            store.close()
        opened[:] = [open_store(url)]
        return opened[0]

    try:
        yield reopened
    finally:
        for store in opened:
            store.close()


def lives_as_in_memory(url: str, life: tuple[Plan, Plan, Plan]) -> None:
    store = MemoryStore()
    memory = forms_lives.live_through(lambda: store, life)
    with reopening(url) as reopened:
        kept = forms_lives.live_through(reopened, life)
        assert kept.hub.anchor() == memory.hub.anchor(), "the journals are the same to the last byte"


@given(life=forms_lives.lives)
@LIVES
def test_random_cards_of_three_releases_live_as_in_memory(
    life: tuple[Plan, Plan, Plan], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lives_as_in_memory(f"sqlite:///{tmp_path_factory.mktemp('cards') / 'cards.db'}", life)


def test_cards_of_three_releases_live_as_in_memory_on_every_database(store_url: str) -> None:
    first = Plan([{"who": "甲", "phone": "139", "full": "欧阳 秀兰"}, {"level": 2}], [(0, {"who": "乙"}), (1, None)])
    second = Plan([{"rank": 6}], [(0, {"telephone": "138"}), (0, None)])
    third = Plan([{"name": "甲", "region": "there"}], [(1, {"name": "丁"})])
    lives_as_in_memory(store_url, (first, second, third))


def test_fields_added_with_no_new_number_are_searched_by_their_default(store_url: str) -> None:
    with reopening(store_url) as reopened:
        added_lives.live_through(reopened, ["甲", "乙"], [("甲", 5, 3), ("丙", 4, 2), ("乙", 6, 4)])


def library(reopened: Callable[[], SqlStore]) -> Library:
    made = Library(reopened)
    made.live(Plan([{"who": "甲"}, {"who": "乙", "colour": "red"}, {"who": "丁"}], []))
    return made


def test_what_one_transaction_laid_down_is_found_beside_rows_of_older_forms(store_url: str) -> None:
    with reopening(store_url) as reopened:
        made = library(reopened)
        made.opened(3)
        forms_lives.mark(made)


def test_a_plan_says_what_opening_would_do_and_changes_nothing(store_url: str) -> None:
    with reopening(store_url) as reopened:
        made = library(reopened)
        store = reopened()
        assert isinstance(store, Migrating)
        shapes = made.hub.catalogue.shapes
        assert store.plan(shapes.values()).steps == ()
        wanted = {**shapes, "card": shape_of(Card3)}
        plan = store.plan(wanted.values())
        told = {(step.what, step.name) for step in plan.steps if step.what != "planner"}
        assert {("column", "card.name"), ("column", "card.price_amount"), ("column", "card.family")} <= told
        assert {("index", "cc_ix_card$name"), ("index", "cc_uq_card$tag"), ("index", "cc_ix_card$schema")} <= told
        assert ("number", "card 1 → 3") in told
        assert plan.older == {"card": {1: 3}}
        assert plan.lacking == {}, "the number tells it"
        assert plan.obstacles == ()
        assert store.plan(wanted.values()) == plan
        assert store.plan(shapes.values()).steps == (), "nothing was done"
        made.opened(3)
        plan = made.hub.store.plan(wanted.values())  # type: ignore[attr-defined]
        assert (plan.steps, plan.older) == ((), {"card": {1: 3}})


@cc.record("card", read=cc.role(cc.ADMINISTRATOR), owner="holder", schema=2, upcasters={1: TO_2[:3]})
@cc.frozen(kw_only=True)
class Forgetful(cc.Record[str]):
    """The second form, with what became of `colour` left out, and of another type besides."""

    holder: cc.Indexed[cc.Ref | None] = None
    name: cc.Unique[str] = ""
    telephone: cc.Personal[str | None] = None
    level: cc.Indexed[str] = ""
    label: cc.Unique[str | None] = None
    needed: int


def test_a_plan_names_all_that_is_in_the_way(store_url: str) -> None:
    with reopening(store_url) as reopened:
        made = library(reopened)
        made.live(Plan([{"who": "甲"}], []))
        plan = reopened().plan([shape_of(Forgetful)])
        said = " | ".join(obstacle.why for obstacle in plan.obstacles)
        assert "card.colour holds values and is no longer declared" in said
        assert "the column card.level holds integer values, and text is declared now" in said
        assert "card.needed is new, and no row has a value for it" in said
        assert "card.who must be unique now, and several rows hold the same value" in said
        assert all(obstacle.say("zh") != obstacle.say("en") for obstacle in plan.obstacles)
        with pytest.raises(StoreUnusable):
            Hub(reopened(), [cc.Room("cards", records=[Forgetful], commands=[])])
        made.opened(1)
        assert made.hub.verify().ok
        assert len(made.desk.find(Card1)) == 4


def test_a_store_that_was_opened_with_a_newer_declaration_serves_no_older_hub(store_url: str) -> None:
    with reopening(store_url) as reopened:
        made = library(reopened)
        old = made.hub
        Hub(old.store, [ROOMS[1]])
        desk = old.desk(CODE, old.administrator(CODE))
        with pytest.raises(Mistake, match="another declaration"):
            desk.find(Card1)
        with pytest.raises(Mistake, match="another declaration"):
            do(desk, "open", who="戊")


def test_several_processes_may_note_the_same_added_field(store_url: str) -> None:
    with reopening(store_url) as reopened:
        hub = Hub(reopened(), [added_lives.OLD])
        hub.found(CODE, name="济阳", level="district")
        hub.desk(CODE, hub.administrator(CODE)).do(added_lives.put, name="甲")
        one, two = open_store(store_url), open_store(store_url)
        for store in (one, two):
            made = Hub(store, [added_lives.NEW])
            assert added_lives.lacking(made) == {"box": {"rank", "size"}}
        Hub(one, [added_lives.NEW]).upcast()
        assert added_lives.lacking(Hub(two, [added_lives.NEW])) == {}
        one.close()
        two.close()


def test_rows_from_elsewhere_that_lack_a_field_are_found_by_its_default_by_all_who_have_the_store_open(
    store_url: str,
) -> None:
    hub = Hub(open_store(store_url), [added_lives.NEW])
    hub.found(CODE, name="济阳", level="district")
    added_lives.check(hub.desk(CODE, hub.administrator(CODE)))
    other = Hub(open_store(store_url), [added_lives.NEW])
    added_lives.bring_from_elsewhere(other, seen=hub)
    other.close()
    hub.close()


def test_an_older_file_is_read_alone_though_nothing_is_noted_in_it(path: Path) -> None:
    with cc.open(f"sqlite:///{path}", rooms=[added_lives.NEW]) as hub:
        hub.found(CODE, name="济阳", level="district")
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE cc_added")
    with cc.open(f"sqlite:///{path}?mode=ro", rooms=[added_lives.NEW]) as hub:
        assert added_lives.lacking(hub) == {}
        assert hub.verify().ok
        added_lives.check(hub.desk(CODE, hub.administrator(CODE)))


@pytest.mark.parametrize(
    ("conditions", "order", "expected"),
    [
        ([cc.where(Card3.name, "甲")], "id", {"cc_ix_card$who", "cc_ix_card$name"}),
        ([cc.where(Card3.tag, "c1")], "id", {"cc_uq_card$code", "cc_uq_card$label", "cc_uq_card$tag"}),
        ([cc.where(Card3.rank, 9)], "id", {"cc_ix_card$rank"}),
        ([], "since", {"cc_ix_card$opened", "cc_ix_card$since"}),
        # What must first be made of something else is looked for among the rows of that number.
        ([cc.where(Card3.given, "甲")], "since", {"cc_ix_card$schema", "cc_ix_card$since"}),
    ],
)
def test_each_part_of_a_search_of_several_forms_uses_the_index_of_its_form(
    path: Path, conditions: Any, order: Any, expected: set[str]
) -> None:
    with reopening(f"sqlite:///{path}") as reopened:
        made = library(reopened)
        made.opened(3)
        plans: list[str] = []
        with made.hub.store.reading() as tx:
            run: Callable[..., list[Any]] = tx._all  # type: ignore[attr-defined]

            def watched(sql: str, values: Any) -> list[Any]:
                plans.extend(row[3] for row in run(f"EXPLAIN QUERY PLAN {sql}", values))
                return run(sql, values)

            tx._all = watched  # type: ignore[attr-defined]
            query = make_query(shape_of(Card3), conditions, limit=9, order=order)
            find_all(tx, shape_of(Card3), made.desk.jurisdiction, query, (), older=True)
        used = {plan.partition(" USING INDEX ")[2].partition(" ")[0] for plan in plans if " USING INDEX " in plan}
        assert expected <= used, plans
        assert not [plan for plan in plans if "USING PRIMARY KEY" in plan or plan.startswith("SCAN")], plans


def test_the_statements_that_are_printed_make_what_opening_would(store_url: str, database: str) -> None:
    shapes = [shape_of(Card3), shape_of(added_lives.Ranked)]
    store = open_store(store_url)
    line = store.backend.building()
    for statement in ddl(database, shapes):
        if not statement.startswith("PRAGMA"):  # which marks an empty file, and this one is marked
            line.run([(statement, ONCE)])
    line.commit("")
    line.end()
    assert {step.what for step in store.plan(shapes).steps} <= {"number", "planner"}
    hub = Hub(store, [ROOMS[2], added_lives.NEW])
    hub.found(CODE, name="济阳", level="district")
    do(hub.desk(CODE, hub.administrator(CODE)), "open", name="甲")
    assert hub.verify().ok
    store.close()
