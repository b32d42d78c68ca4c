"""What is opened: made when absent, refused when it is something else, always with a word on what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sql_room import CODE, Order, Plot, bump, garden, hub_at, open_plot, url_of, write

import communitycore as cc
from communitycore import plugins
from communitycore.hub.desk import Desk
from communitycore.kernel.errors import CommunityCoreError, StoreBusy, StoreUnusable
from communitycore.kernel.query import where
from communitycore_sql import open_store


def refused(url: Path | str, **options: Any) -> StoreUnusable:
    with pytest.raises(StoreUnusable) as caught:
        hub_at(url, **options)
    error = caught.value
    assert error.say("en") != error.say("zh")
    assert not isinstance(error.why, type(None))
    return error


def filled(path: Path, plots: int = 30) -> None:
    hub, desk = garden(path)
    for n in range(plots):
        desk.do(open_plot, label=f"{n}", text="麦" * 400)
    hub.close()


def test_a_new_file_is_made_and_closing_leaves_it_alone(path: Path) -> None:
    filled(path)
    assert os.listdir(path.parent) == [path.name]


def test_closing_leaves_one_file_whoever_still_holds_a_transaction(path: Path) -> None:
    hub, _ = garden(path)
    with hub.store.reading() as reading, hub.store.writing() as writing:
        assert reading.heads() == writing.heads()
    hub.close()
    assert os.listdir(path.parent) == [path.name]
    with pytest.raises(CommunityCoreError):
        reading.heads()
    with pytest.raises(CommunityCoreError):
        writing.commit()


def test_tables_are_read_by_any_sqlite_client(path: Path) -> None:
    hub, desk = garden(path)
    plot = desk.do(open_plot, label="北一", text="玉米")
    hub.close()
    plain = sqlite3.connect(path)
    assert plain.execute("SELECT id, version, label, text FROM plot").fetchall() == [(plot.id, 1, "北一", "玉米")]
    names = [name for (name,) in plain.execute("SELECT name FROM cc_journal ORDER BY seq")]
    assert names == ["jurisdiction.founded", "grant.given", "plot.opened"]
    assert plain.execute('SELECT count(*) FROM "order"').fetchone() == (0,)
    plain.close()


@pytest.mark.parametrize("name", ["济阳 网格#1&x=1.db", "a'b\".db", "-.db", "what? 100%.db"])
def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    filled(tmp_path / name.replace("%", "%25").replace("?", "%3F"), 1)
    assert os.listdir(tmp_path) == [name]


def test_the_url_may_carry_the_options(path: Path) -> None:
    store = open_store(f"{url_of(path)}?durability=normal&busy_seconds=0.5&mode=rwc")
    assert store.capabilities["durable"] is not True
    assert store.backend.place.busy_seconds == 0.5
    store.close()
    refused(f"{url_of(path)}?durability=none")
    refused(f"{url_of(path)}?busy_seconds=soon")
    refused(f"{url_of(path)}?mode=memory")
    assert "colour" in refused(f"{url_of(path)}?colour=red").why


def test_a_path_is_kept_when_the_process_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hub, _ = garden("sqlite:///here.db")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    assert len(hub.jurisdictions()) == 1
    with hub.store.reading(), hub.store.reading(), hub.store.reading() as tx:
        assert len(tx.heads()) == 1
    hub.close()
    assert os.listdir(tmp_path / "there") == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file::memory:"])
def test_what_keeps_nothing_is_called_memory(url: str) -> None:
    assert "memory://" in refused(url).why


def test_no_error_shows_a_password(tmp_path: Path) -> None:
    for url in (
        "sqlite://me:hush@host/f.db",
        "sqlite+aiosqlite://me:hush@host/f.db",
        "sqlite://me:hush@[host/f.db",
        "nosuch://me:hush@host/f.db",
    ):
        error = refused(url)
        assert "hush" not in f"{error} {error!r} {error.say('zh')} {error.__cause__}"


@pytest.mark.parametrize(
    ("scheme", "extra"), [("postgresql", "postgresql"), ("mariadb", "mariadb"), ("mysql", "mariadb")]
)
def test_without_the_adapter_its_name_and_extra_are_told(
    monkeypatch: pytest.MonkeyPatch, scheme: str, extra: str
) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    error = refused(f"{scheme}://me:hush@host/books")
    assert f'pip install "communitycore-sql[{extra}]"' in error.why
    assert "hush" not in f"{error} {error.say('zh')}"


def test_a_missing_file_is_refused_unless_it_may_be_made(path: Path) -> None:
    assert "no such file" in refused(path, create=False).why
    refused(f"{url_of(path)}?mode=rw")
    refused(f"{url_of(path)}?mode=ro")
    refused(f"{url_of(path)}?create=no")
    assert os.listdir(path.parent) == []


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "directory" in refused(tmp_path).why
    assert "make it first" in refused(tmp_path / "no" / "f.db").why


def test_what_is_no_sqlite_file_is_refused_and_left_as_it_is(path: Path) -> None:
    path.write_bytes("这不是数据库\n".encode() * 200)
    before = path.read_bytes()
    assert "not a SQLite file" in refused(path).why
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE plot (a); INSERT INTO plot VALUES (1);")
    other.close()
    before = path.read_bytes()
    assert "another program" in refused(path).why
    other = sqlite3.connect(path)
    other.executescript("DROP TABLE plot; PRAGMA application_id=77;")
    other.close()
    assert "another program" in refused(path).why
    assert path.read_bytes()[18:20] == before[18:20]  # not turned to WAL


def test_a_newer_format_is_refused(path: Path) -> None:
    filled(path, 1)
    plain = sqlite3.connect(path)
    plain.execute("PRAGMA user_version=2")
    plain.close()
    assert "upgrade" in refused(path).why


def test_a_file_cut_short_is_refused_wherever_it_was_cut(path: Path) -> None:
    filled(path)
    whole = path.read_bytes()
    for length in (60, 100, 511, 4_096, 5_000, len(whole) // 2, len(whole) - 4_096, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path)
        refused(f"{url_of(path)}?mode=ro")
    path.write_bytes(whole)
    with hub_at(path) as hub:
        assert hub.verify().ok


def test_damage_inside_is_an_error_of_ours(path: Path) -> None:
    filled(path)
    whole = bytearray(path.read_bytes())
    for start in range(4_096, len(whole), 4_096):
        whole[start : start + 600] = b"\xff" * 600
    path.write_bytes(whole)
    with pytest.raises(CommunityCoreError) as caught:
        hub_at(path).verify()
    assert caught.value.code == "store_unusable"
    assert caught.value.__cause__ is not None


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    assert "empty" in refused(f"{url_of(path)}?mode=ro").why
    filled(path, 1)


def test_reading_alone_reads_verifies_and_refuses_to_write(path: Path) -> None:
    filled(path)
    before = path.read_bytes()
    hub = hub_at(f"{url_of(path)}?mode=ro")
    desk = hub.desk(CODE, hub.administrator(CODE))
    assert len(desk.find(Plot, limit=100)) == 30
    assert hub.verify().ok
    with pytest.raises(StoreUnusable, match="mode=ro"):
        desk.do(open_plot)
    hub.close()
    assert path.read_bytes() == before


def test_reading_alone_goes_beside_a_writer(path: Path) -> None:
    hub, desk = garden(path)
    reader = hub_at(f"{url_of(path)}?mode=ro")
    for n in range(3):
        desk.do(open_plot)
        assert len(Desk(reader, desk.jurisdiction, desk.actor).find(Plot, limit=100)) == n + 1
    reader.close()
    hub.close()


def test_a_disk_that_cannot_be_written_is_read_with_mode_ro(small_disk: Path) -> None:
    path = small_disk / "garden.db"
    filled(path, 3)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "mode=ro" in refused(path).why
    assert "may not write" in refused(small_disk / "new.db").why
    with hub_at(f"{url_of(path)}?mode=ro") as hub:
        assert hub.verify().rows == 5


def test_a_file_that_turns_read_only_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, desk = garden(path)
    hub.close()
    plain = sqlite3.connect(path)
    hub = hub_at(path)
    hub.store.backend._writer.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]
    with pytest.raises(StoreUnusable, match="only be read"):
        Desk(hub, desk.jurisdiction, desk.actor).do(open_plot)
    hub.close()
    plain.close()


def test_a_file_that_another_keeps_for_itself_is_busy(path: Path) -> None:
    filled(path, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE x (a)")
    with pytest.raises(StoreBusy) as caught:
        hub_at(path, busy_seconds=0.1)
    assert caught.value.retryable
    other.execute("ROLLBACK")
    other.close()
    hub_at(path).close()


def test_text_of_any_script_comes_back_byte_for_byte(path: Path) -> None:
    texts = ["e\u0301é", "  \t\r\n ", "济阳區ꡘ𠀀", "שָׁלוֹם", "👨‍👩‍👧", "\u202e\ufeff\x01\x7f", "''\"`;%_\\", "ﷺ" * 3_000]
    hub, desk = garden(path)
    plots = [desk.do(open_plot, tag=text[:191], text=text) for text in texts]
    hub.close()
    hub, desk = garden(path)
    for plot, text in zip(plots, texts, strict=True):
        assert desk.get(Plot, plot.id).text.encode() == text.encode()
        assert desk.find(Plot, where(Plot.tag, text[:191]))[0].id == plot.id
    assert hub.verify().ok
    hub.close()


def test_words_of_sql_are_names_like_any_other(path: Path) -> None:
    from sql_room import place_order

    hub, desk = garden(path)
    order = desk.do(place_order, group="by", select=3)
    assert desk.find(Order, where(Order.group, "by"), order=Order.group) == [order]
    hub.close()


def test_the_log_is_worked_into_the_file_again_and_again(path: Path) -> None:
    hub, desk = garden(path, durability="normal")
    plot = desk.do(open_plot)
    sizes = []
    for n in range(12):
        for _ in range(20):
            desk.do(write, plot.id, text=f"{n % 10}" * 10_000)
        desk.do_many([bump.call(plot.id) for _ in range(100)])
        sizes.append(os.path.getsize(f"{path}-wal"))
    assert max(sizes) < 40 << 20
    hub.close()
    assert os.listdir(path.parent) == [path.name]


def test_a_closed_store_says_so_and_closes_twice(path: Path) -> None:
    hub, _ = garden(path)
    hub.close()
    hub.close()
    with pytest.raises(cc.CommunityCoreError, match="closed"):
        hub.jurisdictions()
