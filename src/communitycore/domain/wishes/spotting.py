"""Private details in free text 隐私信息识别 (R14, R17): what a person is warned of before a text goes out.

A finding is a warning, never a verdict: a person decides, with a reason. So it leans towards warning, but not
where every second wish would set it off: a school bag 书包 is a gift, `8–10 岁` is a size and not an age.
Findings hold positions only, never the text, so they may be stored and shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from communitycore.domain.places import Word
from communitycore.kernel.values import frozen


class Detail(Word):
    """What kind of private detail a text seems to hold."""

    NAME = "name", "姓名"
    SCHOOL = "school", "学校"
    CLASS = "class", "班级"
    AGE = "age", "年龄"
    BIRTHDAY = "birthday", "出生日期"
    ADDRESS = "address", "住址"
    PHONE = "phone", "电话"
    ID_NUMBER = "id_number", "证件号码"
    ACCOUNT = "account", "账号"
    LINK = "link", "链接或照片"
    KNOWN = "known", "登记信息"
    """Words that the private record holds, such as the school's name or an exact size."""


@frozen(order=True)
class Finding:
    """A private detail in `field`, from character `start` to before `end`."""

    field: str
    start: int
    end: int
    detail: Detail


# All repetitions are bounded, so that no text makes the search slow.
_COUNT = "0-9零〇一二两三四五六七八九十"
_NUMBER = f"[{_COUNT}百]{{1,6}}"
_GAP = r"[\s\-–—.·_]?"

_SOURCES: tuple[tuple[Detail, str], ...] = (
    (Detail.ID_NUMBER, rf"(?<![0-9])[1-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9x](?![0-9a-z])"),
    (Detail.PHONE, rf"(?<![0-9])(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}(?![0-9])"),
    (Detail.PHONE, r"(?<![0-9])0[0-9]{2,3}[\s\-–—]?[0-9]{7,8}(?![0-9])"),
    (Detail.PHONE, r"\+[0-9](?:[\s\-()]?[0-9]){7,14}"),
    (Detail.ACCOUNT, r"微信号?\s*:?\s*[a-z][a-z0-9_\-]{4,30}|(?:wechat|weixin)(?:\s+id)?\s*:\s*[a-z0-9_\-]{4,30}"),
    (Detail.ACCOUNT, r"qq\s*号?\s*:?\s*[0-9]{5,11}"),
    (Detail.ACCOUNT, r"[a-z0-9._%+\-]{1,64}@[a-z0-9\-]{1,64}(?:\.[a-z0-9\-]{1,64}){1,5}"),
    (Detail.LINK, r"https?://\S{1,200}|\bwww\.\S{1,200}|[a-z0-9_\-]{1,80}\.(?:jpe?g|png|heic|gif|webp|bmp)(?![a-z])"),
    (Detail.SCHOOL, r"学校|[小初高]学(?!生)|中学(?!生)|[初高]中(?!生)|幼儿园|实验学|附小|附中|就读"),
    (Detail.SCHOOL, r"[一二三四五六七八九十]中(?![国间文号华秋式心等型个央])"),
    (
        Detail.SCHOOL,
        r"\bschool\b(?!\s*-?\s*(?:bags?|suppl(?:y|ies)|shoes?|uniforms?|books?|things|kit|stationery)\b)"
        r"|\bkindergarten\b|\bnursery\s+school\b",
    ),
    (Detail.CLASS, rf"(?:{_NUMBER}|\b[a-z])\s*班(?![车机])|[{_COUNT}]\s*年级|[大中小]班(?!椅|台)|班级|班主任"),
    (Detail.CLASS, r"初[一二三]|高[一二三](?![点些层个倍])"),
    (Detail.CLASS, r"\b(?:class|grade|year)\s+(?:[0-9]{1,2}|one|two|three|four|five|six|seven|eight|nine)\b"),
    (Detail.CLASS, r"\b[0-9]{1,2}(?:st|nd|rd|th)[\s\-]{1,2}grader?\b"),
    (Detail.BIRTHDAY, r"(?:19|20)[0-9]{2}\s*[年\-/.]\s*[01]?[0-9]\s*[月\-/.]\s*[0-3]?[0-9]\s*日?"),
    (Detail.BIRTHDAY, rf"{_NUMBER}\s*月\s*{_NUMBER}\s*[日号].{{0,4}}(?:生日|出生)|生于"),
    # A span of years is a size: neither end of `8–10 岁` is an age, nor is `8 岁以上`.
    (
        Detail.AGE,
        rf"(?<![{_COUNT}~至到\-–—])[{_COUNT}]{{1,3}}\s*[周虚]?岁半?(?!\s*(?:以[上下]|[至到~\-–—]))",
    ),
    (
        Detail.AGE,
        r"(?<![0-9~\-–—])(?<!to )(?<!and )\b[0-9]{1,2}[\s\-]{0,2}(?:years?|yrs?)[\s\-]{0,2}old\b"
        r"|\baged?\s+[0-9]{1,2}\b(?!\s*(?:to|and|[-–—~]))",
    ),
    (
        Detail.ADDRESS,
        rf"(?:{_NUMBER}|\b[a-z])\s*(?:号楼|号院|门牌)|(?<!第){_NUMBER}\s*单元|{_NUMBER}\s*(?:弄|楼(?!梯))",
    ),
    (
        Detail.ADDRESS,
        rf"[0-9]{{1,4}}\s*[栋幢]|[0-9]{{3,4}}\s*室|小区|[路街道巷]\s*{_NUMBER}\s*号|[村队]\s*{_NUMBER}\s*组",
    ),
    (Detail.ADDRESS, r"\b(?:building|unit|apartment|apt\.?|room|flat)\s*(?:no\.?\s*)?[0-9]{1,5}\b"),
    (Detail.ADDRESS, r"\b[0-9]{1,5}\s+(?:[a-z]{1,20}\s+){1,3}(?:street|st|road|rd|avenue|ave|lane)\b"),
)


@cache
def _patterns() -> tuple[tuple[Detail, re.Pattern[str]], ...]:
    """Compiled on first use: that takes longer than importing the room.

    In ASCII mode a Chinese character ends a Latin word, as in `在Riverside School读书`.
    """
    return tuple((detail, re.compile(source, re.IGNORECASE | re.ASCII)) for detail, source in _SOURCES)


# One character to one, so that a finding's positions hold in the text as it was written.
_PLAIN = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}
_COMPOUND_SURNAMES = frozenset(
    ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯", "端木", "百里")
)


def _has_chinese(text: str) -> bool:
    # Not a pattern: compiling this one range takes longer than importing the rest of the room.
    return any("\u3400" <= c <= "\u9fff" for c in text)


def spot(
    fields: Mapping[str, str | None], *, names: Iterable[str] = (), known: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Everything in these fields that may tell who somebody is, in order, each passage once.

    names: of the child and its family; known: other words of the private record.
    """
    words = [(Detail.NAME, pattern) for name in names for pattern in _name_patterns(name)]
    words += [(Detail.KNOWN, pattern) for word in known for pattern in _word_patterns(word)]
    found: list[Finding] = []
    for field, text in fields.items():
        if text:
            found += _in(field, text.translate(_PLAIN), (*words, *_patterns()))
    return tuple(sorted(found))


def spelt_out(fields: Mapping[str, str | None], words: Iterable[str]) -> tuple[str, ...]:
    """The fields in which any of these words stands whole, however it is spaced. One character alone is no word."""
    patterns = [_spaced(word) for word in words if len(word.strip()) > 1]
    plain = {field: text.translate(_PLAIN) for field, text in fields.items() if text}
    return tuple(field for field, text in plain.items() if any(pattern.search(text) for pattern in patterns))


def _in(field: str, text: str, patterns: Iterable[tuple[Detail, re.Pattern[str]]]) -> Iterator[Finding]:
    taken: list[tuple[int, int]] = []
    for detail, pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(start < e and s < end for s, e in taken):
                taken.append((start, end))
                yield Finding(field, start, end, detail)


def _spaced(word: str) -> re.Pattern[str]:
    """The word however it is spaced, so that `张 小 明` is found as well as `张小明`."""
    letters = [re.escape(c) for c in word.translate(_PLAIN) if not c.isspace()]
    inner = r"[\s·.\-_]{0,2}".join(letters)
    if not _has_chinese(word):
        # A Latin word ends where its letters do: Ann is not found in `planned`, but in `给Ann买`.
        inner = rf"(?<![0-9A-Za-zÀ-ɏ]){inner}(?![0-9A-Za-zÀ-ɏ])"
    return re.compile(inner, re.IGNORECASE)


def _word_patterns(word: str) -> Iterator[re.Pattern[str]]:
    """The whole, and those of its parts that say much by themselves: an estate's name, an exact size."""
    word = word.strip()
    if len(word) > 1:
        yield _spaced(word)
    for part in re.split(r"[\s,，、;；]+", word):
        if 2 < len(part) < len(word) and (_has_chinese(part) or any(c.isdigit() for c in part)):
            yield _spaced(part)


def _name_patterns(name: str) -> Iterator[re.Pattern[str]]:
    """The full name, and what a child is called by it; one Chinese character alone is no name."""
    name = name.strip()
    if len(name) > 1:
        yield _spaced(name)
    parts = [part for part in re.split(r"[\s,，·•・]+", name) if part]
    if len(parts) > 1 or not _has_chinese(name):
        for part in parts:
            if len(part) > (1 if _has_chinese(part) else 2):
                yield _spaced(part)
        return
    given = name[2 if name[:2] in _COMPOUND_SURNAMES else 1 :]
    if len(given) > 1:
        yield _spaced(given)
    if given:
        last = re.escape(given[-1])
        alone = f"|[小阿]{last}|{last}(?:同学|小朋友|宝宝)" if len(given) == 1 else ""
        yield re.compile(f"{last}{last}{alone}")
