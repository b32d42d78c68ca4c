"""The command line, verb by verb: what it prints, in which language, and with which exit code."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from communitycore.cli import DONE, REFUSED, UNUSABLE, USAGE, main

pytest.importorskip("communitycore_sql")

Told = tuple[int, str, str]

MAPPING = """
[columns]
id = "no"
opened = "from"
closed = "to"
category = "group"
kind = "what"
lon = "x"
lat = "y"
source = "by"
unit = "who"
[sources]
call = "telephone"
"""
ROWS = """no,from,to,group,what,x,y,by,who
1,2015-05-01T08:00:00,2015-05-02T08:00:00,路灯,灯不亮,0.25,0.5,call,Lamps
2,2015-05-01T09:00:00,,路灯,灯不亮,0.75,0.5,call,Lamps
3,2015-05-01T10:00:00,2015-05-01T09:00:00,路面,坑,9,9,pigeon,Roads
"""
BOW_TIE = [[[2, 0], [3, 1], [3, 0], [2, 1], [2, 0]]]


def square(west: float, east: float) -> list[Any]:
    return [[[west, 0], [east, 0], [east, 1], [west, 1], [west, 0]]]


def features(**polygons: Any) -> str:
    members = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": rings}}
        for name, rings in polygons.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": members})


class Town:
    """A store file with one community, and the words to speak to it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.file = folder / "town.db"
        self.db = ("--db", f"sqlite:///{self.file}")

    def __call__(self, *words: str, lang: str = "en") -> Told:
        """Run one verb on the store; gives exit code, standard output and standard error."""
        return self.bare(*words, *self.db, lang=lang)

    def bare(self, *words: str, lang: str = "en") -> Told:
        """The same without the store."""
        self.capsys.readouterr()
        code = main([*words, "--lang", lang])
        out, err = self.capsys.readouterr()
        return code, out, err

    def json(self, *words: str) -> Any:
        """What a verb prints as JSON."""
        return json.loads(self(*words, "--json")[1])

    def write(self, name: str, text: str | bytes) -> str:
        """A file to give to a verb."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)


@pytest.fixture
def bare(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("COMMUNITYCORE_DB", raising=False)
    return Town(tmp_path, capsys)


@pytest.fixture
def town(bare: Town) -> Town:
    code, _, err = bare("init", "--code", "370115002023", "--title", "汇鑫社区", "--level", "community")
    assert code == DONE, err
    return bare


@pytest.fixture
def gridded(town: Town) -> Town:
    code, _, err = town(
        "import-grids", town.write("grids.json", features(西网格=square(0, 0.5), 东网格=square(0.5, 1)))
    )
    assert code == DONE, err
    return town


@pytest.fixture
def loaded(gridded: Town) -> Town:
    files = gridded.write("rows.csv", ROWS), "--mapping", gridded.write("map.toml", MAPPING)
    code, _, err = gridded("import-requests", *files)
    assert code == DONE, err
    return gridded


# words and stores


@pytest.mark.parametrize(
    "words", [(), ("dance",), ("locate", "east", "west"), ("init",), ("import-grids", "x", "--kind", "round")]
)
def test_words_that_are_no_verb_of_ours_are_usage(bare: Town, words: tuple[str, ...]) -> None:
    code, out, err = bare.bare(*words)
    assert (code, out) == (USAGE, "")
    assert "communitycore" in err


def test_help_and_version_are_done(bare: Town) -> None:
    assert bare.bare("--help")[0] == DONE
    code, out, _ = bare.bare("--version")
    assert (code, out.split()[0]) == (DONE, "communitycore")


def test_a_verb_without_a_store_is_usage_and_the_environment_may_name_one(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert town.bare("verify")[0] == USAGE
    monkeypatch.setenv("COMMUNITYCORE_DB", town.db[1])
    assert town.bare("verify")[0] == DONE


def test_a_missing_file_a_foreign_one_and_a_folder_are_unusable_stores(bare: Town) -> None:
    foreign = bare.write("foreign.db", "this is no database, only a letter to a friend" * 40)
    with sqlite3.connect(bare.folder / "other.db") as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    for path in (bare.folder / "missing.db", foreign, bare.folder / "other.db", bare.folder):
        code, out, err = bare.bare("verify", "--db", f"sqlite:///{path}")
        assert (code, out) == (UNUSABLE, ""), path
        assert err.strip()
        assert "Traceback" not in err
    assert not (bare.folder / "missing.db").exists()
    assert sqlite3.connect(bare.folder / "other.db").execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_a_scheme_that_nobody_serves_is_an_unusable_store_in_both_languages(bare: Town) -> None:
    code, out, err = bare.bare("verify", "--db", "oracle://somewhere", "--json")
    assert (code, json.loads(out)["error"]) == (UNUSABLE, "no_adapter")
    assert "No known adapter serves oracle://" in err
    code, _, err = bare.bare("verify", "--db", "oracle://somewhere", lang="zh")
    assert code == UNUSABLE
    assert "没有已知的适配器支持 oracle://" in err


@pytest.mark.parametrize("url", ["town.db", "sqlite:/town.db", "://x", "C:\\town.db", "postgres:me:s3cret@host"])
@pytest.mark.parametrize("verb", ["verify", "tally", "demo"])
def test_what_is_no_stores_url_is_usage_in_both_languages(bare: Town, verb: str, url: str) -> None:
    code, out, err = bare.bare(verb, "--db", url)
    assert (code, out) == (USAGE, "")
    assert "sqlite:///file.db" in err
    code, _, chinese = bare.bare(verb, "--db", url, lang="zh")
    assert code == USAGE
    assert "不是存储地址" in chinese
    assert "s3cret" not in err + chinese


def test_no_password_is_repeated(bare: Town) -> None:
    for url in ("oracle://me:s3cret@host/db", "oracle://host/db?password=s3cret"):
        code, out, err = bare.bare("verify", "--db", url, "--json")
        assert code == UNUSABLE
        assert "oracle://" in err
        assert "s3cret" not in out + err


def test_words_that_name_nothing_are_usage_in_both_languages_and_as_json(town: Town) -> None:
    town("init", "--code", "370115002999", "--title", "试点社区")
    nowhere = str(town.folder / "nowhere" / "x")
    for words, english, chinese in (
        (("tally",), "say which jurisdiction", "请指定辖区"),
        (("tally", "--in", "370115002023", "--as", "somebody"), "names nobody", "无效"),
        (("locate", "1", "1", "--in", "370115002023", "--as", "somebody"), "names nobody", "无效"),
        (("import-grids", nowhere), "cannot be read", "无法读取"),
        (("import-grids", "a\0b"), "cannot be read", "无法读取"),
        (("import-grids", town.write("latin", b"\xe9")), "UTF-8", "UTF-8"),
        (("history", "unicorn", "x", "--in", "370115002023"), "no kind of record", "没有名为 unicorn 的记录种类"),
        (("verify", "--anchor", town.write("poem", "roses are red")), "is no anchor", "不是锚点文件"),
        (("verify", "--write-anchor", nowhere), "cannot be written", "无法写入"),
        (
            ("init", "--code", "x", "--title", "X", "--extent", town.write("e.json", features())),
            "0 polygons",
            "0 个多边形",
        ),
    ):
        code, _, err = town(*words)
        assert (code, english in err) == (USAGE, True), (words, err)
        code, _, err = town(*words, lang="zh")
        assert (code, chinese in err) == (USAGE, True), (words, err)
    code, out, _ = town("tally", "--json", lang="zh")
    told = json.loads(out)
    assert (code, told["error"], told["retryable"]) == (USAGE, "usage", False)
    assert "请指定辖区" in told["say"]


# init, verify, plugins


def test_init_founds_a_jurisdiction_and_says_who_administers_it(bare: Town) -> None:
    made = bare.json("init", "--code", "370115", "--title", "济阳区", "--level", "district")
    assert made["code"] == "370115"
    assert made["administrator"].startswith(made["jurisdiction"] + "/")
    below = bare.json(
        "init", "--code", "370115002", "--title", "济北街道", "--level", "subdistrict", "--parent", "370115"
    )
    assert below["jurisdiction"] != made["jurisdiction"]
    assert bare.json("verify")["jurisdictions"] == 2


def test_a_jurisdictions_name_is_not_blank(bare: Town) -> None:
    for title in ("", "  ", "\u3000"):
        code, _, err = bare("init", "--code", "370115", "--title", title)
        assert (code, "blank" in err) == (REFUSED, True)
        assert "名称为空" in bare("init", "--code", "370115", "--title", title, lang="zh")[2]
    assert bare.json("verify")["jurisdictions"] == 0


def test_a_code_is_founded_once(town: Town) -> None:
    code, out, err = town("init", "--code", "370115002023", "--title", "另一社区", "--json")
    assert code == REFUSED
    assert json.loads(out)["error"]
    assert "370115002023" in err
    assert town.json("verify")["jurisdictions"] == 1


def test_an_extent_is_one_polygon_and_points_outside_it_are_in_no_jurisdiction(bare: Town) -> None:
    one, two = (
        bare.write("one.json", features(a=square(0, 1))),
        bare.write("two.json", features(a=square(0, 1), b=square(1, 2))),
    )
    words = ("init", "--code", "x", "--title", "X", "--extent")
    assert bare(*words, two)[0] == USAGE
    assert bare(*words, one)[0] == DONE
    assert bare("locate", "5", "5")[0] == REFUSED


def test_verify_says_so_in_the_language_that_was_asked_for(loaded: Town) -> None:
    code, out, _ = loaded("verify")
    assert code == DONE
    assert "as the journal says" in out
    code, out, _ = loaded("verify", lang="zh")
    assert code == DONE
    assert "全部与日志一致" in out


def test_verify_finds_what_was_changed_behind_its_back(loaded: Town) -> None:
    file = sqlite3.connect(loaded.file)
    with file:
        assert file.execute("UPDATE grid SET name = '南网格' WHERE name = '东网格'").rowcount == 1
    file.close()
    code, out, _ = loaded("verify")
    assert code == REFUSED
    assert "Not as the journal says" in out
    told = loaded.json("verify")
    assert told["ok"] is False
    assert told["faults"][0]["kind"] == "grid"


def test_an_anchor_kept_elsewhere_finds_an_old_state(gridded: Town) -> None:
    old, anchor = gridded.file.read_bytes(), str(gridded.folder / "anchor.json")
    gridded("import-grids", gridded.write("more.json", features(北网格=square(4, 5))))
    assert gridded("verify", "--write-anchor", anchor)[0] == DONE
    assert gridded("verify", "--anchor", anchor)[0] == DONE
    for leftover in gridded.folder.glob("town.db-*"):
        leftover.unlink()
    gridded.file.write_bytes(old)
    assert gridded("verify")[0] == DONE
    assert gridded("verify", "--anchor", anchor)[0] == REFUSED
    assert gridded("verify", "--anchor", gridded.write("poem.txt", "roses are red"))[0] == USAGE


def test_an_anchor_that_cannot_be_written_keeps_no_result_back(gridded: Town) -> None:
    nowhere = gridded.folder / "nowhere" / "anchor.json"
    code, out, err = gridded("verify", "--write-anchor", str(nowhere), "--json")
    assert (code, json.loads(out)["ok"]) == (USAGE, True)
    assert "cannot be written" in err


def test_no_anchor_is_written_for_a_store_that_does_not_verify(gridded: Town) -> None:
    file = sqlite3.connect(gridded.file)
    with file:
        file.execute("UPDATE grid SET name = '南网格' WHERE name = '东网格'")
    file.close()
    anchor = gridded.folder / "anchor.json"
    code, _, err = gridded("verify", "--write-anchor", str(anchor))
    assert (code, anchor.exists()) == (REFUSED, False)
    assert "No anchor was written" in err
    assert "未写入锚点" in gridded("verify", "--write-anchor", str(anchor), lang="zh")[2]


def test_plugins_lists_rooms_and_stores(bare: Town) -> None:
    code, out, _ = bare.bare("plugins", "--json")
    told = json.loads(out)
    assert code == DONE
    assert {room["name"] for room in told["rooms"]} >= {"places", "people", "tickets", "wishes"}
    assert {"memory", "sqlite"} <= set(told["stores"])
    assert told["faults"] == {}
    assert "模块" in bare.bare("plugins", lang="zh")[1]


# import-grids and locate


def test_import_grids_refuses_by_name_and_repairs_if_asked(town: Town) -> None:
    file = town.write("grids.json", features(good=square(0, 1), tie=BOW_TIE))
    code, out, err = town("import-grids", file)
    assert code == REFUSED
    assert "1 grid drawn, 0 of them repaired, 0 known already, 1 refused." in out
    assert "tie" in err
    assert "crosses itself" in err
    again = town.write("tie.json", features(tie=BOW_TIE))
    code, out, _ = town("import-grids", again, "--repair", "--json")
    assert (code, json.loads(out)) == (DONE, {"drawn": ["tie"], "known": [], "repaired": ["tie"], "refused": {}})


def test_import_grids_reads_codes_households_and_telephones_from_properties(town: Town) -> None:
    member = {
        "type": "Feature",
        "properties": {"名称": "一网格", "编码": "370115002023001", "户数": 412, "电话": "0531-12345"},
        "geometry": {"type": "Polygon", "coordinates": square(0, 1)},
    }
    file = town.write("grids.json", json.dumps({"type": "FeatureCollection", "features": [member]}))
    words = (
        "--name-property",
        "名称",
        "--code-property",
        "编码",
        "--households-property",
        "户数",
        "--phone-property",
        "电话",
    )
    assert town("import-grids", file, *words)[0] == DONE
    grid = town.json("locate", "0.5", "0.5")["found"][0]["grid"]
    drawn = town.json("history", "grid", grid)[0]["changes"]
    assert (drawn["name"], drawn["households"], drawn["supervision_phone"]) == ("一网格", 412, "0531-12345")
    assert drawn["codes"][0]["value"] == "370115002023001"
    code, _, err = town("import-grids", town.write("g2.json", features(x=square(2, 3))), "--scheme", "x")
    assert code == DONE, err


def test_import_grids_draws_nothing_twice(town: Town) -> None:
    file = town.write("grids.json", features(good=square(0, 1), tie=BOW_TIE))
    assert town("import-grids", file)[0] == REFUSED
    assert town.json("import-grids", file, "--repair") == {
        "drawn": ["tie"], "known": ["good"], "repaired": ["tie"], "refused": {}
    }  # fmt: skip
    entries = town.json("verify")["entries"]
    code, out, _ = town("import-grids", file, lang="zh")
    assert code == DONE
    assert "已绘制网格 0 个（其中修复 0 个），已有 2 个，拒绝 0 个。" in out
    assert town.json("verify")["entries"] == entries


@pytest.mark.parametrize("text", ["{", '{"type": "Point", "coordinates": [1]}', '{"type": "FeatureCollection"}'])
def test_a_file_that_is_no_geojson_is_refused(town: Town, text: str) -> None:
    code, _, err = town("import-grids", town.write("bad.json", text))
    assert code == REFUSED
    assert err.strip()


def test_a_file_that_is_not_there_or_not_utf_8_is_usage(town: Town) -> None:
    assert town("import-grids", str(town.folder / "nowhere.json"))[0] == USAGE
    assert town("import-grids", str(town.folder))[0] == USAGE
    latin = town.write(
        "latin.json", features(x=square(0, 1)).replace('"x"', '"Alameda de las Pulgas é"').encode("latin-1")
    )
    code, _, err = town("import-grids", latin)
    assert code == USAGE
    assert "UTF-8" in err


def test_locate_names_one_none_or_all(gridded: Town) -> None:
    where = ("--in", "370115002023")
    assert gridded("locate", "0.25", "0.5", *where)[0] == DONE
    code, out, _ = gridded("locate", "0.25", "0.5", *where, "--json")
    assert (code, [found["grid_name"] for found in json.loads(out)["found"]]) == (DONE, ["西网格"])
    code, out, _ = gridded("locate", "7", "7", *where, "--json")
    assert (code, [found["grid"] for found in json.loads(out)["found"]]) == (REFUSED, [None])
    code, out, _ = gridded("locate", "0.5", "0.5", *where, "--json")
    assert code == REFUSED
    assert {found["grid_name"] for found in json.loads(out)["found"]} == {"西网格", "东网格"}
    assert "由人判定" in gridded("locate", "0.5", "0.5", *where, lang="zh")[1]


def test_locate_asks_the_grids_where_no_extent_was_given(gridded: Town) -> None:
    assert gridded.json("locate", "0.25", "0.5")["found"][0]["grid_name"] == "西网格"
    assert len(gridded.json("locate", "0.5", "0.5")["found"]) == 2
    code, out, _ = gridded("locate", "7", "7", "--json")
    assert (code, json.loads(out)["found"]) == (REFUSED, [])


def test_an_impossible_point_and_an_unknown_place_are_refused(gridded: Town) -> None:
    assert gridded("locate", "200", "0.5")[0] == REFUSED
    assert gridded("locate", "nan", "0.5")[0] == REFUSED
    assert gridded("locate", "0.5", "0.5", "--in", "nowhere")[0] == REFUSED


# import-requests, history, tally


def test_import_requests_makes_a_ticket_of_each_row_and_none_twice(gridded: Town) -> None:
    words = ("import-requests", gridded.write("rows.csv", ROWS), "--mapping", gridded.write("map.toml", MAPPING))
    first = gridded.json(*words)
    assert (first["rows"], first["made"], first["known"], first["closed"]) == (3, 3, 0, 2)
    assert (first["placed"], first["unplaced"], first["out_of_order"]) == (2, 1, 1)
    assert [problem["line"] for problem in first["problems"]] == [4, 4]
    entries = gridded.json("verify")["entries"]
    second = gridded.json(*words)
    assert (second["made"], second["known"], second["closed"]) == (0, 3, 0)
    assert gridded.json("verify")["entries"] == entries
    assert "新建 0 件，已有 3 件" in gridded(*words, lang="zh")[1]


def test_what_rows_say_wrongly_is_told_in_the_language_asked_for(gridded: Town) -> None:
    ragged = "no,from,to,group,what,x,y,by,who\n1,2015-05-01T08:00:00,,路灯\n2,,,路灯,灯不亮,0.25,0.5,call,Lamps,rest\n"
    words = ("import-requests", gridded.write("rows.csv", ragged), "--mapping", gridded.write("map.toml", MAPPING))
    code, out, err = gridded(*words)
    assert code == DONE
    assert "2 rows: 2 tickets made" in out
    assert "rows.csv:2: it has fewer values than there are columns" in err
    assert "rows.csv:3: it has more values than there are columns" in err
    code, out, err = gridded(*words, "--json", lang="zh")
    assert [problem["what"] for problem in json.loads(out)["problems"]] == ["该行的值少于列数", "该行的值多于列数"]
    assert "该行的值少于列数" in err


def test_a_mapping_to_a_source_that_is_none_of_ours_is_refused(gridded: Town) -> None:
    rows, mapping = gridded.write("rows.csv", ROWS), gridded.write("map.toml", MAPPING.replace("telephone", "pigeon"))
    code, _, err = gridded("import-requests", rows, "--mapping", mapping)
    assert (code, "pigeon" in err) == (REFUSED, True)
    assert "可用：app、counter" in gridded("import-requests", rows, "--mapping", mapping, lang="zh")[2]


def test_a_column_that_is_not_there_and_a_word_that_is_no_column_of_ours_are_refused(gridded: Town) -> None:
    rows, mapping = gridded.write("rows.csv", ROWS), gridded.write("map.toml", MAPPING.replace('"what"', '"whatever"'))
    code, _, err = gridded("import-requests", rows, "--mapping", mapping)
    assert code == REFUSED
    assert "whatever" in err
    mapping = gridded.write("map.toml", MAPPING.replace("kind =", "colour ="))
    code, _, err = gridded("import-requests", rows, "--mapping", mapping)
    assert code == REFUSED
    assert "colour" in err
    assert gridded("import-requests", rows, "--mapping", gridded.write("map.toml", "[columns"))[0] == REFUSED


def test_a_table_in_latin_1_is_usage_and_leaves_no_trace(gridded: Town) -> None:
    entries = gridded.json("verify")["entries"]
    rows = gridded.write(
        "rows.csv",
        ROWS.replace("路灯", "Café").replace("路面", "x").replace("灯不亮", "y").replace("坑", "z").encode("latin-1"),
    )
    code, _, err = gridded("import-requests", rows, "--mapping", gridded.write("map.toml", MAPPING))
    assert code == USAGE
    assert "UTF-8" in err
    assert gridded.json("verify")["entries"] == entries


def test_what_was_loaded_is_read_as_the_loaders_clerk(gridded: Town) -> None:
    words = ("import-requests", gridded.write("rows.csv", ROWS), "--mapping", gridded.write("map.toml", MAPPING))
    clerk = gridded.json(*words)["clerk"]
    assert clerk in gridded(*words)[1]
    file = sqlite3.connect(gridded.file)
    ticket = file.execute("SELECT id FROM ticket WHERE status = 'closed'").fetchone()[0]
    file.close()
    code, out, _ = gridded("history", "ticket", ticket, "--as", clerk)
    assert code == DONE
    assert "status: reported → accepted" in out
    assert gridded("history", "ticket", ticket)[0] == REFUSED  # an administrator reads no tickets


def test_history_tells_what_happened_to_a_record(loaded: Town) -> None:
    grid = loaded.json("locate", "0.25", "0.5", "--in", "370115002023")["found"][0]["grid"]
    told = loaded.json("history", "grid", grid)
    assert [entry["name"] for entry in told] == ["grid.drawn"]
    assert told[0]["changes"]["name"] == "西网格"
    assert "grid.drawn" in loaded("history", "grid", grid)[1]
    assert "事项" in loaded("history", "grid", grid, lang="zh")[1]
    assert "name: 西网格" in loaded("history", "grid", grid)[1]
    assert loaded("history", "grid", "nobody")[0] == REFUSED
    code, _, err = loaded("history", "unicorn", grid)
    assert code == USAGE
    assert "ticket" in err


def test_with_several_jurisdictions_one_has_to_be_named(town: Town) -> None:
    assert town("init", "--code", "370115002999", "--title", "试点社区")[0] == DONE
    code, _, err = town("tally")
    assert code == USAGE
    assert "370115002999" in err
    assert town("tally", "--in", "370115002999")[0] == DONE


def test_who_may_not_do_it_is_refused(gridded: Town) -> None:
    file = gridded.write("more.json", features(北网格=square(4, 5)))
    before = gridded.json("verify")["entries"]
    code, _, err = gridded("import-grids", file, "--as", "370115002023/somebody")
    assert code == REFUSED
    assert err.strip()
    assert gridded.json("verify")["entries"] == before


def test_a_tally_without_a_campaign_says_so(town: Town) -> None:
    assert town.json("tally") == []
    assert "尚未发布" in town("tally", lang="zh")[1]


def test_a_reader_that_goes_away_changes_no_exit_code(gridded: Town) -> None:
    grid = gridded.json("locate", "0.25", "0.5")["found"][0]["grid"]

    def ends(*words: str) -> int:
        reader, writer = os.pipe()
        os.close(reader)  # as `| head` does once it has seen enough
        command = [sys.executable, "-m", "communitycore.cli", *words, *gridded.db]
        ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writer)
        assert ended.stderr == "", words
        return ended.returncode

    assert [ends("history", "grid", grid, *more) for more in ((), ("--json",))] == [DONE, DONE]
    assert ends("verify") == DONE
    file = sqlite3.connect(gridded.file)
    with file:
        file.execute("UPDATE grid SET name = '南网格' WHERE name = '东网格'")
    file.close()
    assert [ends("verify", *more) for more in ((), ("--json",))] == [REFUSED, REFUSED]


# demo


def test_the_demo_of_one_seed_is_the_same_on_every_store_and_has_the_pages_tallies(bare: Town) -> None:
    first, second, other = (
        json.loads(bare.bare("demo", "--json", "--db", url, *seed)[1])
        for url, seed in (("memory://", ()), (bare.db[1], ()), ("memory://", ("--seed", "8")))
    )
    assert first["journal"] == second["journal"] != other["journal"]
    for told in (first, second, other):
        assert told["verified"] is True
        *named, others = told["claims"].values()  # the last are those who left no name, the largest of them apart
        assert named[:6] == [13, 11, 10, 9, 6, 6]
        assert sum(named) + others == 133
        assert told["wishes"]["published"] == 133
        assert told["wishes"]["open"] == 0
        sums = {line["name"]: line["amount"] for line in told["fund"]["accounts"]}
        assert (sums["银行存款"], sums["低偿服务分成收入"], sums[None]) == (71_000, 20_700, 41_400)
        yoga, haircuts, willow = told["services"]
        assert (yoga["sessions"], yoga["came"], yoga["takings"]) == (7, 138, 69_000)
        assert (haircuts["came"], haircuts["volunteer_minutes"], haircuts["takings"]) == (35, 180, 0)
        assert (willow["came"], willow["in_work"]) == (24, 22)


@pytest.mark.parametrize("store", ["memory://", "sqlite"])
def test_a_race_keeps_the_tally_and_one_winner_a_wish(bare: Town, store: str) -> None:
    code, out, _ = bare.bare("demo", "--race", "--db", bare.db[1] if store == "sqlite" else store, "--json")
    told = json.loads(out)
    assert code == DONE
    assert told["verified"] is True
    *named, others = told["claims"].values()
    assert named[:6] == [13, 11, 10, 9, 6, 6]
    assert sum(named) + others == 133 == told["wishes"]["handed_over"]


def test_the_demo_plays_on_an_empty_store_alone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMUNITYCORE_DB", town.db[1])  # where somebody keeps a real town
    code, out, err = town.bare("demo")
    assert (code, out) == (USAGE, "")
    assert "is in use" in err
    assert "已有数据" in town.bare("demo", lang="zh")[2]
    assert town.json("verify")["jurisdictions"] == 1


def test_the_demo_shows_every_source_and_every_end(bare: Town) -> None:
    told = json.loads(bare("demo", "--json")[1])
    for name, ends in told["tickets"].items():
        assert set(ends) == {"called_back", "closed", "merged", "rejected", "withdrawn"}, name
    assert len({json.dumps(ends, sort_keys=True) for ends in told["tickets"].values()}) > 1  # no two towns are alike
    with sqlite3.connect(bare.file) as file:
        sources = {source for (source,) in file.execute("SELECT DISTINCT source FROM ticket")}
    file.close()
    assert sources >= {"app", "counter", "telephone", "chat", "patrol", "visit", "device"}


def test_the_demo_speaks_both_languages_and_says_what_to_try_next(bare: Town) -> None:
    code, out, _ = bare("demo", lang="zh")
    assert code == DONE
    for heading in ("居民端", "物业端", "政府端", "校验"):
        assert heading in out
    assert "比邻医馆" in out
    assert "又有一位市民来晚了" in out
    tries = [line.strip() for line in out.splitlines() if line.strip().startswith("communitycore ")]
    assert f"communitycore verify --db {bare.db[1]}" in tries
    for line in tries:
        assert bare.bare(*line.split()[1:])[0] == DONE, line
    assert bare.json("tally", "--in", "370115")[0]["published"] == 133
    bare.file.unlink()
    code, out, _ = bare("demo")
    assert code == DONE
    for heading in ("A resident of", "The property company of", "The government", "Proof"):
        assert heading in out


# erase


@pytest.fixture
def resident(town: Town) -> str:
    """Somebody registered in the town, by reference."""
    import communitycore as cc
    from communitycore import people
    from communitycore.domain.people import Channel, ChannelKind

    with cc.open(f"sqlite:///{town.file}") as hub:
        desk = hub.desk("370115002023", hub.administrator("370115002023"))
        number = (Channel(ChannelKind.PHONE, "139 5310 0001"),)
        made = desk.do(people.register, name="赵淑芬", channels=number)
        return f"{desk.jurisdiction}/{made.id}"


def bytes_in(town: Town) -> bytes:
    return b"".join(file.read_bytes() for file in town.folder.glob("town.db*"))


def test_erase_shows_what_there_is_and_does_nothing_without_yes(town: Town, resident: str) -> None:
    code, out, err = town("erase", resident, "--reason", "申请 17")
    assert code == USAGE
    assert "profile" in out
    assert "Nothing was erased. Add --yes" in err
    code, out, _ = town("erase", resident, "--reason", "申请 17", "--json")
    (held,) = json.loads(out)
    assert (code, held["kind"], held["held"], held["kept"], held["erased"]) == (USAGE, "profile", 1, {}, 0)
    assert "尚未删除" in town("erase", resident, "--reason", "申请 17", lang="zh")[2]
    assert "赵淑芬".encode() in bytes_in(town)
    assert town("verify")[0] == DONE


def test_erase_with_yes_prints_the_certificate_and_scrubs(town: Town, resident: str) -> None:
    from communitycore.hub.certificate import Certificate

    file = town.folder / "certificate.json"
    code, out, err = town("erase", resident, "--reason", "申请 17", "--yes", "--scrub", "--certificate", str(file))
    assert code == DONE, err
    assert "channels, name" in " ".join(out.split())
    assert "nothing of it is left there" in out
    assert not [value for value in ("赵淑芬", "139 5310 0001") if value.encode() in bytes_in(town)]
    certificate = Certificate.from_text(file.read_text(encoding="utf-8"))
    assert str(certificate.party) == resident
    again = town.json("erase", resident, "--reason", "申请 17", "--yes")
    assert again["erased"] == json.loads(certificate.to_text())["erased"]
    assert town("verify")[0] == DONE
    assert town.json("history", "party", resident.partition("/")[2])[-1]["changes"] == {
        "reason": "申请 17",
        "records": 1,
    }
    assert "个人信息保护法" in town("erase", resident, "--reason", "申请 17", "--yes", lang="zh")[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("nobody", "--reason", "x", "--yes"), USAGE),
        (("a/b", "--reason", "x", "--yes"), REFUSED),
        (("RESIDENT", "--yes"), USAGE),
        (("RESIDENT", "--reason", " ", "--yes"), REFUSED),
        (("RESIDENT", "--reason", "赵淑芬申请", "--yes"), REFUSED),
        (("RESIDENT", "--reason", "x", "--yes", "--as", "far/away"), REFUSED),
        (("RESIDENT", "--reason", "x", "--as", "away"), USAGE),
    ],
)
def test_erase_refuses_what_it_should(town: Town, resident: str, words: tuple[str, ...], expected: int) -> None:
    before = town.json("verify")["entries"]
    code, _, err = town("erase", *(resident if word == "RESIDENT" else word for word in words))
    assert code == expected
    assert err
    assert "赵淑芬" not in err
    assert town.json("verify")["entries"] == before
