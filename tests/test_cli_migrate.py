"""`communitycore schema` and `communitycore migrate`: what they print, do, and end with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.hub.forms_lives import read
from tests.hub.forms_room import CODE, ROOMS, Card3, do, made_unique, room_of
from tests.hub.stores import Wrapped

import communitycore as cc
from communitycore import plugins
from communitycore.cli import DONE, REFUSED, UNUSABLE, USAGE, main
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import NoAdapter

pytest.importorskip("communitycore_sql")

Said = tuple[int, str, str]


class Store:
    """A file, the rooms that are installed, and the words to speak to both."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], installed: list[cc.Room]) -> None:
        self.file = folder / "cards.db"
        self.url = f"sqlite:///{self.file}"
        self._capsys, self._installed = capsys, installed

    def installs(self, room: cc.Room) -> None:
        self._installed[:] = [room]

    def __call__(self, *words: str, lang: str = "en") -> Said:
        self._capsys.readouterr()
        code = main([*words, "--lang", lang])
        out, err = self._capsys.readouterr()
        return code, out, err

    def migrate(self, *words: str, lang: str = "en") -> Said:
        return self("migrate", "--db", self.url, *words, lang=lang)

    def json(self, *words: str) -> tuple[int, Any]:
        code, out, _ = self.migrate(*words, "--json")
        return code, json.loads(out)


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store of the first release with three cards; the third release is installed now."""
    monkeypatch.delenv("COMMUNITYCORE_DB", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    installed: list[cc.Room] = [ROOMS[0]]
    monkeypatch.setattr(cc, "installed_plugins", lambda: plugins.Installed(tuple(installed)))
    made = Store(tmp_path, capsys, installed)
    with cc.open(made.url) as hub:
        hub.found(CODE, name="济阳", level="district")
        desk = hub.desk(CODE, hub.administrator(CODE))
        for who in ("甲", "乙", "甲"):
            do(desk, "open", who=who, level=1)
    made.installs(ROOMS[2])
    return made


def columns(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as db:
        return {name for (name,) in db.execute("SELECT name FROM pragma_table_info('card')")}


def test_a_plan_is_shown_and_nothing_is_changed(store: Store) -> None:
    before = store.file.read_bytes()
    code, out, err = store.migrate()
    assert (code, err) == (DONE, "")
    for said in ("card.name", "cc_ix_card$name", "card 1 → 3", "of form 1", "Nothing was changed", "--yes", "--rows"):
        assert said in out, said
    assert store.file.read_bytes() == before
    code, out, _ = store.migrate("--rows", lang="zh")
    assert code == DONE
    for said in ("待变更", "索引", "结构版本 1", "未做任何变更"):
        assert said in out, said
    assert store.file.read_bytes() == before
    code, told = store.json()
    assert (code, told["ok"], told["done"], told["older"], told["obstacles"]) == (
        DONE,
        True,
        False,
        {"card": {"1": 3}},
        [],
    )
    assert {
        "what": "column",
        "name": "card.name",
        "statement": 'ALTER TABLE "card" ADD COLUMN "name" VARCHAR(191)',
    } in (told["steps"])


def test_what_was_planned_is_done_and_rows_are_left_as_they_are_unless_asked_for(store: Store) -> None:
    code, out, _ = store.migrate("--yes")
    assert code == DONE
    assert "Rows stay as they are" in out
    assert {"name", "who"} <= columns(store.file)
    with cc.open(store.url) as hub:
        assert [e.name for e in hub.journal(CODE)].count("card.upcast") == 0
        assert hub.verify().ok
    code, out, _ = store.migrate()
    assert (code, "of form 1" in out) == (DONE, True)
    code, told = store.json("--yes", "--rows")
    assert (code, told["done"], told["rows"]) == (DONE, True, 3)
    with cc.open(store.url) as hub:
        assert [e.name for e in hub.journal(CODE)].count("card.upcast") == 3
        assert hub.verify().ok
        cards = hub.desk(CODE, hub.administrator(CODE)).find(Card3)
        assert sorted(read(card)["name"] for card in cards) == ["乙", "甲", "甲"]
    code, out, _ = store.migrate()
    assert (code, out) == (DONE, "Nothing is lacking.\n")
    assert store.migrate(lang="zh")[1] == "无需变更。\n"
    assert "0 rows stepped" in store.migrate("--yes", "--rows")[1]


def test_what_is_in_the_way_is_told_in_full_and_nothing_is_changed(store: Store) -> None:
    store.installs(room_of(made_unique()))
    before = columns(store.file)
    for words in ((), ("--yes",), ("--yes", "--rows")):
        code, out, err = store.migrate(*words)
        assert code == UNUSABLE
        assert "card.who must be unique now" in err
        assert "Nothing was changed" in out
        assert "唯一" in store.migrate(*words, lang="zh")[2]
    code, told = store.json("--yes")
    assert (code, told["ok"], told["done"]) == (UNUSABLE, False, False)
    assert "must be unique" in told["obstacles"][0]["say"]
    assert columns(store.file) == before


def test_rows_that_cannot_be_stepped_are_named_and_the_others_are_stepped(store: Store) -> None:
    store.installs(room_of(made_unique(was=str, by=str.strip)))
    code, out, _ = store.migrate("--yes", "--rows")
    assert code == REFUSED
    assert "1 row stepped" in out
    assert out.count("already has this name") == 2
    assert "已有card使用相同的" in store.migrate("--yes", "--rows", lang="zh")[1].replace("\n", "")


def test_an_older_program_is_told_to_be_upgraded(store: Store) -> None:
    store.migrate("--yes")
    store.installs(ROOMS[1])
    code, _, err = store.migrate()
    assert code == UNUSABLE
    assert "its card records have schema 3, newer than 2 here" in err


def test_words_that_are_off_and_stores_that_are_not_there(store: Store, tmp_path: Path) -> None:
    assert store("migrate")[0] == USAGE
    assert store("migrate", "--db", "town.db")[0] == USAGE
    code, _, err = store("migrate", "--db", f"sqlite:///{tmp_path / 'none.db'}")
    assert (code, "no such file" in err) == (UNUSABLE, True)
    assert not (tmp_path / "none.db").exists()
    assert store("migrate", "--db", "memory://") == (DONE, "Nothing is lacking.\n", "")
    assert store("migrate", "--db", "oracle://x")[0] == UNUSABLE


def test_a_store_that_plans_nothing_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "open_store", lambda *_, **__: Wrapped(MemoryStore()))
    code, out, err = store.migrate()
    assert (code, out) == (UNUSABLE, "")
    assert "cannot say what it would change" in err
    assert "无法给出变更计划" in store.migrate(lang="zh")[2]
    assert store.json() == (UNUSABLE, {"ok": False, "plan": None})


# schema


def test_the_statements_make_a_store_that_lacks_nothing_but_the_numbers_of_its_kinds(
    store: Store, tmp_path: Path
) -> None:
    code, out, err = store("schema", "--dialect", "sqlite")
    assert (code, err) == (DONE, "")
    by_hand, by_us = tmp_path / "by-hand.db", tmp_path / "by-us.db"
    with closing(sqlite3.connect(by_hand)) as db:
        db.executescript(out)
    cc.open(f"sqlite:///{by_us}").close()

    def layout(file: Path) -> set[tuple[Any, ...]]:
        with closing(sqlite3.connect(file)) as db:
            made = db.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite%'"
            ).fetchall()
            return {
                *made,
                *db.execute("PRAGMA application_id").fetchall(),
                *db.execute("PRAGMA user_version").fetchall(),
            }

    assert layout(by_hand) == layout(by_us)
    code, told = store("migrate", "--db", f"sqlite:///{by_hand}", "--json")[:2]
    assert {step["what"] for step in json.loads(told)["steps"]} == {"number", "planner"}
    with cc.open(f"sqlite:///{by_hand}") as hub:
        hub.found(CODE, name="济阳", level="district")
        assert hub.verify().ok


def test_statements_of_some_kinds_or_for_another_database(store: Store) -> None:
    code, out, _ = store("schema", "--db", store.url, "--kind", "card", "--kind", "grid")
    assert code == DONE
    assert out.startswith('CREATE TABLE "grid" (')
    assert 'CREATE TABLE "card" (' in out
    assert '"who" VARCHAR(191)' in out
    assert "cc_heads" not in out
    assert '"order"' not in out
    assert 'CREATE TABLE "card"' in store("schema", "--dialect", "postgresql")[1]
    maria = store("schema", "--dialect", "mariadb", "--kind", "card")[1]
    assert "ENGINE=InnoDB" in maria
    assert store("schema", "--dialect", "mysql", "--kind", "card")[1] == maria
    told = json.loads(store("schema", "--dialect", "sqlite", "--kind", "card", "--json")[1])
    assert told["dialect"] == "sqlite"
    assert told["statements"][0].startswith('CREATE TABLE "card"')


def test_what_schema_refuses(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store("schema")[0] == USAGE
    assert store("schema", "--db", "town.db")[0] == USAGE
    code, _, err = store("schema", "--dialect", "sqlite", "--kind", "nothing")
    assert (code, "no kind of record is called nothing" in err) == (USAGE, True)
    assert store("schema", "--dialect", "oracle")[0] == UNUSABLE
    assert store("schema", "--db", "memory://") == (DONE, "This store has no tables to be made.\n", "")
    real: Callable[[str], Any] = plugins.entry_points
    monkeypatch.setattr(plugins, "entry_points", lambda group: () if group == plugins.DDL else real(group))
    with pytest.raises(NoAdapter, match="communitycore-sql, does not say"):
        plugins.ddl_of("sqlite", [])
    with pytest.raises(NoAdapter, match="No known adapter"):
        plugins.ddl_of("oracle", [])
    code, _, err = store("schema", "--dialect", "sqlite", lang="zh")
    assert (code, "未提供建表语句" in err) == (UNUSABLE, True)


def test_a_new_store_takes_in_a_newer_form_at_once(store: Store, tmp_path: Path) -> None:
    with cc.open(f"sqlite:///{tmp_path / 'new.db'}") as hub:
        hub.found(CODE, name="济阳", level="district")
        do(hub.desk(CODE, hub.administrator(CODE)), "open", name="甲")
        assert hub.upcast().stepped == 0
        assert hub.verify().ok
