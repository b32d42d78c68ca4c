"""The verbs that show what is offered to neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import icalendar
import pytest
from tests.domain.services_world import CODE, World, world

import communitycore as cc
from communitycore import services
from communitycore.cli import DONE, REFUSED, USAGE, main

pytest.importorskip("communitycore_sql")

DAYS = ("--since", "2024-06-01", "--until", "2024-06-30")


@pytest.fixture
def town(tmp_path: Path) -> tuple[str, World]:
    url = f"sqlite:///{tmp_path}/town.db"
    w = world(url)
    first = w.sessions(w.series())[0]
    w.desk(w.neighbours[0]).do(services.book, first.id, party=w.neighbours[0])
    w.session(w.haircuts)
    w.hub.close()
    return url, w


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(list(words))
    return code, capsys.readouterr().out


def test_a_venue_s_calendar_is_written_for_any_program(
    town: tuple[str, World], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url, w = town
    file = tmp_path / "hall.ics"
    code, _ = run(capsys, "calendar", "--db", url, "--in", CODE, "--venue", w.hall.id, *DAYS, "--output", str(file))
    assert code == DONE
    read = icalendar.Calendar.from_ical(file.read_bytes())
    assert len(read.walk("VEVENT")) == 8
    assert {str(event["SUMMARY"]) for event in read.walk("VEVENT")} == {"夜间瑜伽"}
    assert b"\r\r" not in file.read_bytes()
    code, out = run(capsys, "calendar", "--db", url, "--in", CODE, "--offering", w.haircuts.id, *DAYS, "--json")
    assert (code, json.loads(out)["events"]) == (DONE, 1)


def test_a_person_s_calendar_is_told_to_them_and_to_no_other(
    town: tuple[str, World], capsys: pytest.CaptureFixture[str]
) -> None:
    url, w = town
    me, other = w.neighbours[:2]
    words = ("calendar", "--db", url, "--in", CODE, "--party", me)
    code, out = run(capsys, *words, "--as", str(cc.Ref(w.admin.jurisdiction, me)))
    assert (code, out.count("BEGIN:VEVENT")) == (DONE, 1)
    code, out = run(capsys, *words, "--as", str(cc.Ref(w.admin.jurisdiction, other)))
    assert (code, "VEVENT" in out) == (REFUSED, False)


def test_coverage_says_whom_nobody_serves(town: tuple[str, World], capsys: pytest.CaptureFixture[str]) -> None:
    url, _ = town
    words = ("coverage", "--db", url, "--in", CODE)
    code, out = run(capsys, *words, "--since", "2024-06-02", "--until", "2024-06-02", "--lang", "zh")
    assert code == DONE
    assert "第一网格" in out
    assert "共有 4 个" in out
    code, out = run(capsys, *words, *DAYS, "--json")
    assert json.loads(out)[0]["unserved"] == []
    assert main([*words, "--since", "2024-06-02", "--until", "2024-06-01"]) == USAGE


def test_a_certificate_is_printed_with_the_name_that_its_reader_may_know(
    town: tuple[str, World], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url, w = town
    page = tmp_path / "certificate.html"
    words = ("paper", "certificate", w.barber, "--db", url, "--in", CODE, "--output", str(page))
    code, _ = run(capsys, *words)
    assert code == REFUSED  # no volunteer yet
    assert not page.exists()
    with cc.open(url) as hub:
        host = hub.desk(CODE, w.host.actor)
        host.do(services.register_volunteer, party=w.barber)
    code, _ = run(capsys, *words, "--as", str(w.host.actor))
    assert code == DONE
    assert "理发师" in page.read_text("utf-8")
