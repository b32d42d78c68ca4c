"""`export`, `import` and `verify --resume` by the command line: files, streams, exit codes, both languages."""

from __future__ import annotations

import gzip
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.test_cli import Town, bare, gridded, loaded, town  # noqa: F401 - fixtures

from communitycore.cli import DONE, REFUSED, UNUSABLE, USAGE, resuming
from communitycore.hub import verify as verifying
from communitycore.hub.report import Checkpoint

pytest.importorskip("communitycore_sql")


@pytest.fixture
def file(loaded: Town) -> Path:  # noqa: F811
    """A town exported."""
    path = loaded.folder / "town.jsonl.gz"
    code, _, err = loaded("export", str(path))
    assert code == DONE, err
    return path


def records(path: Path) -> list[bytes]:
    """All but what depends on when it was written: the first line, and the hashes."""
    lines = gzip.decompress(path.read_bytes()).splitlines()[1:-1]
    return [line for line in lines if not line.startswith(b'["page"')]


def new(town: Town, name: str = "new.db") -> tuple[str, str]:  # noqa: F811
    return "--db", f"sqlite:///{town.folder / name}"


def test_a_town_moves_to_a_new_store_and_verifies_with_its_old_anchor(loaded: Town, file: Path) -> None:  # noqa: F811
    anchor = str(loaded.folder / "anchor.json")
    assert loaded("verify", "--write-anchor", anchor)[0] == DONE
    code, out, err = loaded.bare("import", str(file), *new(loaded), "--anchor", anchor)
    assert (code, err) == (DONE, "")
    assert "Took in 370115002023 and verified it: " in out
    assert loaded.bare("verify", "--anchor", anchor, *new(loaded))[0] == DONE
    again = loaded.folder / "again.jsonl.gz"
    assert loaded.bare("export", str(again), *new(loaded), "--in", "370115002023")[0] == DONE
    assert records(again) == records(file)


def test_what_is_exported_and_taken_in_is_told_as_json_and_in_both_languages(
    loaded: Town,  # noqa: F811
    file: Path,
) -> None:
    told = loaded.json("export", str(file))
    assert told["code"] == "370115002023"
    assert told["anchor"][0] == told["counts"]["entry"] == loaded.json("verify")["entries"]
    code, out, _ = loaded("export", str(file), lang="zh")
    assert code == DONE
    assert "个人信息" in out
    code, out, _ = loaded.bare("import", str(file), *new(loaded), "--json")
    arrived = json.loads(out)
    assert (code, arrived["counts"], arrived["anchor"]) == (DONE, told["counts"], told["anchor"])
    code, out, err = loaded.bare("import", str(file), *new(loaded), lang="zh")
    assert (code, out) == (REFUSED, "")
    assert "已有辖区" in err
    assert "已导入并校验" in loaded.bare("import", str(file), *new(loaded, "third.db"), lang="zh")[1]


def test_the_file_is_its_owners_alone_and_takes_its_name_when_it_is_whole(
    loaded: Town,  # noqa: F811
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    code, _, err = loaded("export", str(file))
    assert (code, "No space left" in err) == (USAGE, True)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.glob("*.part")) == []


def test_it_goes_through_standard_streams(loaded: Town) -> None:  # noqa: F811
    def run(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "communitycore.cli", *words, "--lang", "en"], input=given, capture_output=True
        )

    sent = run("export", "-", *loaded.db)
    assert (sent.returncode, b"Exported" in sent.stderr) == (DONE, True)
    assert gzip.decompress(sent.stdout).splitlines()[-1][:6] == b'["end"'
    assert run("export", "-", "--json", *loaded.db).returncode == USAGE
    arrived = run("import", "-", *new(loaded), given=sent.stdout)
    assert (arrived.returncode, b"Took in" in arrived.stdout) == (DONE, True)


def test_what_cannot_be_read_written_or_found_says_so(loaded: Town, file: Path) -> None:  # noqa: F811
    nowhere = str(loaded.folder / "nowhere" / "x")
    poem = loaded.write("poem", "roses are red")
    for words, expected, english, chinese in (
        (("export", nowhere), USAGE, "cannot be written", "无法写入"),
        (("export", "a\0b"), USAGE, "cannot be written", "无法写入"),
        (("export", str(file), "--in", "999"), REFUSED, "uses the code 999", "999"),
        (("import", nowhere), USAGE, "cannot be read", "无法读取"),
        (("import", str(loaded.folder)), USAGE, "cannot be read", "无法读取"),
        (("import", poem), REFUSED, "no export", "不是 communitycore 的导出文件"),
        (("import", poem, "--discard"), REFUSED, "no export", "不是 communitycore 的导出文件"),
        (("import", str(file)), REFUSED, "in this store already", "已有辖区"),
        (("import", str(file), "--discard"), REFUSED, "in this store already", "已有辖区"),
        (("import", str(file), "--anchor", poem), USAGE, "is no anchor", "不是锚点文件"),
        (("verify", "--resume", poem), USAGE, "no place of a verification", "不是校验进度文件"),
    ):
        code, out, err = loaded(*words)
        assert (code, out, english in err) == (expected, "", True), (words, err)
        assert chinese in loaded(*words, lang="zh")[2], words
    assert loaded.bare("export", str(file), "--db", f"sqlite:///{nowhere}.db")[0] == UNUSABLE
    assert loaded.bare("import", str(file), "--discard", "--db", f"sqlite:///{nowhere}.db")[0] == UNUSABLE


def test_a_cut_file_is_refused_then_goes_on_with_the_whole_one(
    loaded: Town,  # noqa: F811
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = loaded.folder / "cut.jsonl.gz"
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    code, _, err = loaded.bare("import", str(cut), *new(loaded))
    assert (code, "ends in the middle" in err) == (REFUSED, True)
    assert json.loads(loaded.bare("verify", *new(loaded), "--json")[1])["jurisdictions"] == 0
    assert loaded.bare("import", str(file), *new(loaded))[0] == DONE


def test_what_a_broken_import_left_is_discarded(loaded: Town, file: Path) -> None:  # noqa: F811
    cut = loaded.folder / "cut.jsonl.gz"
    cut.write_bytes(file.read_bytes()[:-9])
    assert loaded.bare("import", str(cut), *new(loaded))[0] == REFUSED
    code, out, _ = loaded.bare("import", str(cut), "--discard", *new(loaded))
    assert (code, "Nothing is left" in out) == (DONE, True)
    assert "已清除" in loaded.bare("import", str(file), "--discard", *new(loaded), lang="zh")[1]
    assert "discarded" in json.loads(loaded.bare("import", str(file), "--discard", *new(loaded), "--json")[1])


# verify --resume


def test_a_verification_that_was_broken_off_goes_on_with_the_same_words(
    loaded: Town,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifying, "PAGE", 5)
    place = loaded.folder / "place.json"
    whole = loaded.json("verify")
    linked: list[int] = []
    link = verifying._Check.link

    def breaking(self: Any, entry: Any) -> None:
        linked.append(entry.seq)
        if len(linked) == 12:
            raise KeyboardInterrupt
        link(self, entry)

    monkeypatch.setattr(verifying._Check, "link", breaking)
    code, _, err = loaded("verify", "--resume", str(place))
    assert (code, "stopped" in err) == (130, True)
    assert Checkpoint.from_text(place.read_text(encoding="utf-8")).seq == 10
    assert loaded.json("verify", "--resume", str(place)) == whole
    assert linked[12] == 11
    assert not place.exists()
    assert loaded.json("verify", "--resume", str(place)) == whole


def test_the_place_is_kept_as_time_goes_by(loaded: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(verifying, "PAGE", 5)
    monkeypatch.setattr(resuming, "SECONDS", 0.0)
    place = loaded.folder / "place.json"
    seen: list[int] = []
    rows = verifying._Check.rows

    def watched(self: Any) -> None:
        seen.append(Checkpoint.from_text(place.read_text(encoding="utf-8")).seq)
        rows(self)

    monkeypatch.setattr(verifying._Check, "rows", watched)
    told = loaded.json("verify", "--resume", str(place))
    assert seen == [told["entries"]]


def test_faults_beyond_those_that_are_listed_are_counted(
    loaded: Town,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sqlite3

    from communitycore.hub import report

    with sqlite3.connect(loaded.file) as behind:
        behind.execute("UPDATE grid SET name = name || '!'")
        behind.execute("UPDATE ticket SET title = title || '!'")
    behind.close()
    all_ = loaded.json("verify")
    assert all_["further"] == 0
    monkeypatch.setattr(report, "FAULTS_LISTED", 2)
    told = loaded.json("verify")
    assert (len(told["faults"]), told["further"]) == (2, len(all_["faults"]) - 2)
    assert f"and {told['further']} more" in loaded("verify")[1]
    assert f"另有 {told['further']} 处" in loaded("verify", lang="zh")[1]


# the demo's store


def test_the_demos_whole_store_moves_and_verifies_with_its_anchor(bare: Town) -> None:  # noqa: F811
    anchor = str(bare.folder / "anchor.json")
    assert bare("demo")[0] == DONE
    assert bare("verify", "--write-anchor", anchor)[0] == DONE
    for id in json.loads(Path(anchor).read_text(encoding="utf-8")):
        path = str(bare.folder / f"{id}.jsonl.gz")
        assert bare("export", path, "--in", id)[0] == DONE
        assert bare.bare("import", path, "--anchor", anchor, *new(bare))[0] == DONE
    told = bare.bare("verify", "--anchor", anchor, *new(bare), "--json")
    assert told[0] == DONE
    assert json.loads(told[1]) == bare.json("verify", "--anchor", anchor)
    for verb in (("tally", "--in", "370115"),):
        assert bare.bare(*verb, *new(bare), "--json")[1] == bare(*verb, "--json")[1]
