"""Requests from CSV: what a row says wrongly is told, and no text brings out anything but a refusal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.domain.tickets import Source
from communitycore.formats.requests_csv import BadMapping, BadTable, Mapped, Request, read_mapping, read_requests
from communitycore.kernel.geometry import Point

MAPPING = """
[time]
zone = "Asia/Shanghai"
[columns]
id = "编号"
opened = "受理"
closed = "结案"
category = "类别"
lon = "经度"
lat = "纬度"
source = "来源"
[sources]
"热线" = "telephone"
"""
HEADER = "编号,受理,结案,类别,经度,纬度,来源\n"


def rows(text: str, mapping: str = MAPPING) -> list[Request]:
    return list(read_requests(text, read_mapping(mapping)))


def test_a_row_as_it_should_be() -> None:
    [row] = rows(HEADER + "7,2024-06-04 08:00,2024-06-05T08:00:00+09:00, 路灯 ,117.5,36.5,热线\n")
    assert row == Request(
        2,
        "7",
        datetime(2024, 6, 4, tzinfo=UTC),
        datetime(2024, 6, 4, 23, tzinfo=UTC),
        "路灯",
        point=Point(117.5, 36.5),
        source="telephone",
    )
    assert row.problems == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1,,,路灯,,", "fewer values than there are columns"),
        ("1", "fewer values than there are columns"),
        ("1,,,路灯,,,热线,more,and more", "more values than there are columns"),
        ("1,yesterday,,路灯,,,热线", "opened 'yesterday' is not a time"),
        ("1,,2024-02-30,路灯,,,热线", "closed '2024-02-30' is not a time"),
        ("1,0001-01-01,,路灯,,,热线", "opened '0001-01-01' is not a time"),  # before the year 1 in UTC
        ("1,2024-06-04,2024-06-03,路灯,,,热线", "closed before it was opened"),
        ("1,,,路灯,117,,热线", "('117', '') is no longitude and latitude"),
        ("1,,,路灯,36.5,117.5,热线", "('36.5', '117.5') is no longitude and latitude"),
        ("1,,,路灯,nan,inf,热线", "('nan', 'inf') is no longitude and latitude"),
        ("1,,,路灯,,,鸽子", "source '鸽子' is not in the mapping"),
        (",,,路灯,,,热线", "it has no id"),
    ],
)
def test_what_a_row_says_wrongly_is_left_out_of_it_and_told_in_both_languages(line: str, told: str) -> None:
    [row] = rows(f"{HEADER}{line}\n")
    [problem] = row.problems
    assert told in problem.say() == str(problem)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.say("zh"))
    assert (row.line, row.source) == (2, "telephone" if "热线" in line else "import")


def test_a_ragged_row_keeps_what_it_has_and_the_next_one_is_whole() -> None:
    short, long, whole = rows(f"{HEADER}1,,,路灯\n2,,,路面,117,36,热线,rest\n3,,,噪声,,,热线\n")
    assert (short.id, short.category, short.point, len(short.problems)) == ("1", "路灯", None, 1)
    assert (long.id, long.category, long.point, len(long.problems)) == ("2", "路面", Point(117, 36), 1)
    assert (whole.line, whole.problems) == (4, ())


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("[columns", "not TOML"),
        ("columns = 3", "[columns] is not a table of texts"),
        ('[columns]\nid = ["a"]', "[columns] is not a table of texts"),
        ('[columns]\nopened = "a"', "which column holds the id"),
        ('[columns]\nid = "a"\nlon = "x"', "one of lon and lat"),
        ('[columns]\nid = "a"\ncolour = "b"', "[columns] has colour"),
        ('[columns]\nid = "a"\n[sources]\n"x" = "pigeon"', "[sources] has pigeon; known are app, counter, telephone"),
        ('[time]\nzone = "Mars/Base"\n[columns]\nid = "a"', "Mars/Base"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_in_both_languages(mapping: str, told: str) -> None:
    with pytest.raises(BadMapping) as refused:
        read_mapping(mapping)
    assert told in refused.value.say()
    assert refused.value.why_zh != refused.value.why


def test_every_source_of_ours_may_be_mapped_to() -> None:
    lines = "\n".join(f'"{source}" = "{source}"' for source in Source)
    assert read_mapping(f'[columns]\nid = "a"\n[sources]\n{lines}').sources == {s: s for s in Source}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no column"),
        ("编号,受理\n1,2\n", "no column 来源, 类别, 纬度, 经度, 结案"),
        ("编号," + HEADER + "1,2,,,,,,\n", "the column 编号 more than once"),
        (HEADER + '1,"open\n', "line 2"),
        (HEADER + '1,,,,,,\n2,"a"b,,,,,\n', "line 3"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_the_line(text: str, told: str) -> None:
    with pytest.raises(BadTable) as refused:
        rows(text)
    assert told in refused.value.say()
    assert refused.value.why_zh != refused.value.why


@given(
    st.text()
    | st.lists(st.lists(st.text(max_size=9), max_size=9), max_size=5).map(
        lambda lines: HEADER + "\n".join(",".join(cells) for cells in lines)
    )
)
def test_no_text_brings_out_anything_but_rows_and_refusals(text: str) -> None:
    try:
        found = rows(text)
    except BadTable as refused:
        assert refused.say("zh")
    else:
        assert all(row.line >= 2 for row in found)


@given(st.text())
def test_no_text_is_a_mapping_but_a_right_one(text: str) -> None:
    try:
        assert isinstance(read_mapping(text), Mapped)
    except BadMapping as refused:
        assert str(refused)
