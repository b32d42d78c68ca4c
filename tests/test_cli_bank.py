"""The verb that holds a bank's statement against a ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import frozen
from tests.domain.funds_world import CODE, world

import communitycore as cc
from communitycore import funds
from communitycore.cli import DONE, REFUSED, UNUSABLE, USAGE, main
from communitycore.kernel.money import Money

pytest.importorskip("communitycore_sql")

MAPPING = 'encoding = "{}"\n[columns]\nday = "日期"\namount = "金额"\ntext = "摘要"\n'


@frozen
class Town:
    """A ledger with three gifts, 50.00 and twice 20.00, and where its bank's statement lies."""

    url: str
    ledger: str
    accountant: str
    day: str
    at: Path
    capsys: pytest.CaptureFixture[str]

    def write(self, *rows: str, encoding: str = "utf-8", mark: bool = False) -> None:
        text = "日期,金额,摘要\n" + "".join(f"{row}\n" for row in rows)
        (self.at / "bank.csv").write_bytes(text.encode("utf-8-sig" if mark else encoding))
        (self.at / "bank.toml").write_text(MAPPING.format(encoding), encoding="utf-8")

    def run(self, *words: str, ledger: str | None = None) -> tuple[int, str, str]:
        files = [str(self.at / "bank.csv"), "--mapping", str(self.at / "bank.toml")]
        acting = ["--db", self.url, "--in", CODE, "--as", self.accountant]
        code = main(["match-bank", ledger or self.ledger, *files, *acting, *words])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def confirmed(self) -> int:
        with cc.open(self.url) as hub:
            return len(hub.desk(CODE, hub.administrator(CODE)).find(funds.BankMatch, limit=100))


@pytest.fixture
def town(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Town:
    url = f"sqlite:///{tmp_path}/town.db"
    w = world(url)
    for amount in (5_000, 2_000, 2_000):
        w.accountant.do(funds.donate, w.fund.id, amount=Money(amount), purpose="夜校")
    made = Town(url, w.fund.id, str(w.accountant.actor), str(w.clock().date()), tmp_path, capsys)
    w.hub.close()
    return made


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", False), ("utf-8", True), ("gb18030", False)])
def test_a_statement_is_compared_and_what_is_exact_is_confirmed_once(town: Town, encoding: str, mark: bool) -> None:
    town.write(
        f"{town.day},50.00,赵静", f"{town.day},20.00,钱林", f"{town.day},(1.00),手续费", encoding=encoding, mark=mark
    )
    code, out, err = town.run("--json")
    told = json.loads(out)
    assert (code, err) == (DONE, "")
    assert [(p["line"]["text"], p["entry"]["amount"]) for p in told["exact"]] == [("赵静", 5_000)]
    assert [(s["why"], len(s["lines"]), len(s["entries"])) for s in told["suggested"]] == [("several", 1, 2)]
    assert [(line["row"], line["amount"]) for line in told["unmatched_lines"]] == [(4, -100)]
    assert (told["newly_confirmed"], town.confirmed()) == ([], 0)
    code, out, _ = town.run("--json", "--confirm-exact")
    assert (code, json.loads(out)["newly_confirmed"]) == (DONE, [told["exact"][0]["entry"]["id"]])
    code, out, _ = town.run("--json", "--confirm-exact")
    again = json.loads(out)
    assert (code, again["exact"], again["newly_confirmed"], len(again["confirmed"])) == (DONE, [], [], 1)
    assert town.confirmed() == 1


def test_what_it_says_is_said_in_both_languages(town: Town) -> None:
    town.write(f"{town.day},50.00,赵静", f"{town.day},20.00,钱林", f"{town.day},90.00,孙")
    code, out, _ = town.run("--lang", "en", "--confirm-exact")
    assert code == DONE
    for said in (
        "Exact",
        "Suggested: a person decides",
        "Unmatched lines of the bank",
        "1 line exact",
        "1 of them conf",
    ):
        assert said in out, said
    code, out, _ = town.run("--lang", "zh")
    assert code == DONE
    for said in ("建议匹配", "未匹配的银行流水", "此前已确认 1 笔", "多笔金额相同"):
        assert said in out, said


def test_a_sum_names_its_parts(town: Town) -> None:
    town.write(f"{town.day},40.00,商户")
    _, out, _ = town.run("--json")
    [suggestion] = json.loads(out)["suggested"]
    assert (suggestion["why"], [len(way) for way in suggestion["sums"][0]["ways"]]) == ("sum", [2])
    _, out, _ = town.run("--lang", "en")
    assert " + " in out


def test_a_line_that_names_its_entry_is_exact_on_any_day(town: Town) -> None:
    town.write(f"{town.day},20.00,钱林")
    _, out, _ = town.run("--json")
    [_, second] = json.loads(out)["suggested"][0]["entries"]
    town.write(f"2025-01-31,20.00,捐赠{second['id']}钱林")
    code, out, _ = town.run("--json", "--confirm-exact")
    assert (code, json.loads(out)["newly_confirmed"]) == (DONE, [second["id"]])


def test_a_row_that_cannot_be_read_is_told_and_then_nothing_is_confirmed(town: Town) -> None:
    town.write(f"{town.day},50.00,赵静", f"{town.day},五十元,钱林")
    code, out, err = town.run("--lang", "en", "--confirm-exact")
    assert (code, "1 line exact" in out, "Line 3, column 金额" in err) == (REFUSED, True, True)
    assert "Nothing was confirmed" in err
    code, out, _ = town.run("--json", "--lang", "zh", "--confirm-exact")
    assert (code, [bad["row"] for bad in json.loads(out)["bad_rows"]], town.confirmed()) == (REFUSED, [3], 0)


def test_who_is_no_accountant_confirms_nothing(town: Town) -> None:
    town.write(f"{town.day},50.00,赵静")
    code, _, err = town.run("--lang", "en", "--confirm-exact", "--as", _administrator(town))
    assert (code, "may not funds.confirm_match" in err, town.confirmed()) == (REFUSED, True, 0)


def test_days_outside_the_file_are_compared_if_they_are_said(town: Town) -> None:
    town.write("2024-01-31,50.00,赵静")
    _, out, _ = town.run("--json")
    assert json.loads(out)["unmatched_entries"] == []
    _, out, _ = town.run("--json", "--until", "2024-12-31")
    assert [m["amount"] for m in json.loads(out)["unmatched_entries"]] == [2_000, 2_000, 5_000]
    code, _, err = town.run("--until", "2024-01-30", "--lang", "en")
    assert (code, "covers" in err) == (REFUSED, True)


def test_too_many_alike_are_told_in_one_row(town: Town) -> None:
    town.write(*[f"{town.day},20.00,某人"] * 300)
    code, out, _ = town.run("--lang", "en")
    assert (code, "300 lines" in out, "300 suggested" in out, out.count("某人")) == (DONE, True, True, 1)
    code, out, _ = town.run("--json")
    assert (code, len(json.loads(out)["suggested"][0]["lines"])) == (DONE, 300)


def test_what_cannot_be_used_is_said_with_its_code(town: Town) -> None:
    town.write(f"{town.day},50.00,赵静")
    assert town.run(ledger="nothing")[0] == REFUSED
    assert town.run("--since", "yesterday")[0] == USAGE
    assert town.run("--db", f"sqlite:///{town.at}/no/where.db")[0] == UNUSABLE
    (town.at / "bank.csv").write_bytes("日期,金额,摘要\n".encode("gb18030"))
    code, _, err = town.run("--lang", "en")
    assert (code, "is not utf-8 text; say which it is" in err) == (USAGE, True)
    (town.at / "bank.csv").unlink()
    assert town.run()[0] == USAGE
    town.write()
    (town.at / "bank.toml").write_text("[columns]\nday = 3\n", encoding="utf-8")
    code, out, _ = town.run("--json")
    assert (code, json.loads(out)["error"]) == (REFUSED, "requests_csv.bad_mapping")


def _administrator(town: Town) -> str:
    with cc.open(town.url) as hub:
        return str(hub.administrator(CODE))
