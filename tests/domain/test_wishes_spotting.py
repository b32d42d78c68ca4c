"""Private details are spotted in what people write, and gifts are not taken for them."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.domain.wishes import (
    Detail,
    spot,
)

ON_RECORD = ("陈雨桐", "王明", "阿依古丽·买买提", "Mia Carter", "Zoë Li")
TELLING = [
    ("陈雨桐想要一个书包", Detail.NAME),
    ("雨桐想要一个书包", Detail.NAME),
    ("陈 雨 桐想要一个书包", Detail.NAME),
    ("for Mia Carter", Detail.NAME),
    ("for mia", Detail.NAME),
    ("给Mia买个书包", Detail.NAME),
    ("桐桐想要一个书包", Detail.NAME),
    ("小明想要一个书包", Detail.NAME),
    ("阿依古丽想要一个书包", Detail.NAME),
    ("for Zoë", Detail.NAME),
    ("34.5 码球鞋", Detail.KNOWN),
    ("济阳区第三实验学校", Detail.KNOWN),
    ("想去实验小学看书", Detail.SCHOOL),
    ("a gift at Riverside School", Detail.SCHOOL),
    ("在Riverside School读书", Detail.SCHOOL),
    ("济阳一中", Detail.SCHOOL),
    ("幼儿园大班", Detail.CLASS),
    ("高三复习资料", Detail.CLASS),
    ("三年级的练习册", Detail.CLASS),
    ("3 班", Detail.CLASS),
    ("a Grade 3 workbook", Detail.CLASS),
    ("8岁女孩的裙子", Detail.AGE),
    ("八周岁", Detail.AGE),
    ("８岁", Detail.AGE),
    ("for an 8-year-old", Detail.AGE),
    ("a boy aged 9", Detail.AGE),
    ("2015年5月2日", Detail.BIRTHDAY),
    ("12号楼2单元", Detail.ADDRESS),
    ("富强街 5 号", Detail.ADDRESS),
    ("Building 12", Detail.ADDRESS),
    ("5 Old Mill Road", Detail.ADDRESS),
    ("电话13953100001", Detail.PHONE),
    ("139-5310-0001", Detail.PHONE),
    ("１３９５３１０００１２", Detail.PHONE),
    ("0531-84211234", Detail.PHONE),
    ("+44 20 7946 0958", Detail.PHONE),
    ("370125201505023214", Detail.ID_NUMBER),
    ("37012520150502321X", Detail.ID_NUMBER),
    ("微信号 chen_yt2015", Detail.ACCOUNT),
    ("mail a.b@example.org", Detail.ACCOUNT),
    ("见 https://example.org/p", Detail.LINK),
    ("photo IMG_20240601.jpg", Detail.LINK),
]
HARMLESS = [
    "一个书包和一套少儿百科全书",
    "a school bag and a pencil case",
    "school supplies",
    "适合 8–10 岁的乐高积木",
    "8至10岁",
    "8岁以上的拼图",
    "puzzles for children aged 8 to 10",
    "130–140 cm",
    "小学生字典",
    "篮球一个，5 号球",
    "48 色水彩笔",
    "a basketball, size 5",
    "planned amiable camping mat",
    "航班模型",
    "一组绘本",
    "第一单元练习册",
    "一栋乐高房子",
    "长命百岁锁",
    "万里挑一中国结",
    "WeChat stickers",
    "QQ糖一大包",
    "高一点的凳子",
    "children aged 8 and up",
    "Zoëtrope",
]


@pytest.mark.parametrize(("said", "detail"), TELLING)
def test_r17_private_details_in_a_text_are_spotted(said: str, detail: Detail) -> None:
    found = spot({"title": said}, names=ON_RECORD, known=("济阳区第三实验学校", "鞋码 34.5"))
    assert detail in {finding.detail for finding in found}
    for finding in found:
        assert said[finding.start : finding.end].strip()


@pytest.mark.parametrize("said", HARMLESS)
def test_what_every_second_wish_says_is_not_taken_for_a_private_detail(said: str) -> None:
    assert spot({"title": said}, names=(*ON_RECORD, "Li"), known=("x", "Riverside Primary School")) == ()


@given(st.text("陈雨桐小ab1岁. ", max_size=30), st.text("陈雨桐小ab1岁. ", max_size=30))
def test_what_stands_around_a_name_does_not_hide_it(before: str, after: str) -> None:
    found = spot({"title": f"{before} 陈雨桐 {after}"}, names=("陈雨桐",))
    assert Detail.NAME in {finding.detail for finding in found}


@given(
    st.dictionaries(st.sampled_from(["title", "kind"]), st.text(max_size=60)), st.lists(st.text(max_size=8), max_size=3)
)
def test_findings_lie_inside_the_text_and_never_overlap(fields: dict[str, str], names: list[str]) -> None:
    found = spot(fields, names=names, known=names)
    for finding in found:
        assert 0 <= finding.start < finding.end <= len(fields[finding.field])
    for one, next_ in pairwise(found):
        assert one.field != next_.field or one.end <= next_.start


@pytest.mark.parametrize("piece", ["1", "一", "a", "a ", "1 a ", " ", "-", "岁", "http://", "a.", "0531-8421123"])
def test_no_text_makes_the_search_slow(piece: str) -> None:
    started = time.perf_counter()
    spot({"text": (piece * 10_000)[:10_000]}, names=ON_RECORD)
    assert time.perf_counter() - started < 2
