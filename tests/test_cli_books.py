"""The verbs that show a fund's books."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.domain.funds_world import CODE, world

import communitycore as cc
from communitycore import funds
from communitycore.cli import DONE, REFUSED, USAGE, main
from communitycore.kernel.money import Money

pytest.importorskip("communitycore_sql")


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/town.db"
    w = world(url)
    w.accountant.do(funds.donate, w.fund.id, amount=Money(12_345), purpose="夜校", donor=w.teacher, shown="钱先生")
    w.accountant.do(funds.donate, w.fund.id, amount=Money(500), purpose="夜校")
    w.account("应付：瑜伽老师", funds.AccountType.LIABILITY)
    w.hub.close()
    return url


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_statement_is_shown_in_both_languages(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "statement", "--db", store, "--in", CODE, "--lang", "zh")
    assert code == DONE
    for said in ("汇鑫社区基金", "银行存款", "128.45 CNY", "钱先生", "一位热心市民"):
        assert said in out, said
    code, out, _ = run(capsys, "statement", "--db", store, "--in", CODE, "--lang", "en")
    assert (code, "a kind neighbour" in out, "Came in 128.45 CNY" in out) == (DONE, True, True)


def test_a_ledger_is_written_as_beancount(store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "statement", "--db", store, "--in", CODE, "--json")
    (told,) = json.loads(out)
    assert (code, sum(a["amount"] for a in told["accounts"] if a["type"] == "asset")) == (DONE, 12_845)
    code, out, _ = run(capsys, "ledger", told["id"], "--db", store, "--in", CODE)
    assert (code, out.count(" * "), "-银行存款  123.45 CNY" in out) == (DONE, 2, True)
    file = tmp_path / "fund.beancount"
    code, said, _ = run(
        capsys, "ledger", told["id"], "--db", store, "--in", CODE, "--output", str(file), "--lang", "en"
    )
    assert (code, file.read_text(encoding="utf-8"), "2 entries" in said) == (DONE, out, True)
    code, said, _ = run(capsys, "ledger", told["id"], "--db", store, "--in", CODE, "--json")
    assert (code, json.loads(said)["beancount"]) == (DONE, out)


def test_what_is_not_there_is_said(store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = run(capsys, "ledger", "nothing", "--db", store, "--in", CODE, "--lang", "en")
    assert (code, "nothing" in err) == (REFUSED, True)
    with cc.open(store) as hub:
        (ledger,) = hub.desk(CODE, hub.administrator(CODE)).find(funds.Ledger, limit=2)
    nowhere = str(tmp_path / "no" / "where")
    code, _, err = run(capsys, "ledger", ledger.id, "--db", store, "--in", CODE, "--output", nowhere)
    assert (code, "no/where" in err) == (USAGE, True)
