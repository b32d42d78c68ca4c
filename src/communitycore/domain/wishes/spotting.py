"""Private details in free text 隐私信息识别 (R14, R17): what a person is warned of before a text goes out.

A finding is a warning, never a verdict: a person decides, with a reason. So it leans towards warning, but not
where every second wish would set it off: a school bag 书包 is a gift, `8–10 岁` is a size and not an age.
Findings hold positions only, never the text, so they may be stored and shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from communitycore.domain.places import Word


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
    """Words that the private record holds, such as the school's name or a diagnosis."""


@frozen(order=True)
class Finding:
    """A private detail in `field`, from character `start` to before `end`."""

    field: str
    start: int
    end: int
    detail: Detail


_NUMBER = r"[0-9零〇一二两三四五六七八九十百]+"
_GAP = r"[\s\-–—.·_]?"
_PATTERNS: tuple[tuple[Detail, re.Pattern[str]], ...] = tuple(
    (detail, re.compile(pattern, re.IGNORECASE))
    for detail, pattern in (
        (Detail.ID_NUMBER, rf"(?<![0-9])[1-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9x](?![0-9a-z])"),
        (Detail.PHONE, rf"(?<![0-9])(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}[0-9]){{9}}(?![0-9])"),
        (Detail.PHONE, r"(?<![0-9])0[0-9]{2,3}[\s\-–—]?[0-9]{7,8}(?![0-9])"),
        (Detail.PHONE, r"\+[0-9](?:[\s\-()]?[0-9]){7,14}"),
        (
            Detail.ACCOUNT,
            r"微信号?\s*[:：]?\s*[a-z][a-z0-9_\-]{4,}|(?:wechat|weixin|qq)\s*(?:id|号)?\s*[:：]?\s*[a-z0-9_\-]{5,}",
        ),
        (Detail.ACCOUNT, r"[a-z0-9._%+\-]+@[a-z0-9.\-]+\.[a-z]{2,}"),
        (Detail.LINK, r"(?:https?://|www\.)\S+|\S+\.(?:jpe?g|png|heic|gif|webp|bmp)(?![a-z])"),
        (Detail.SCHOOL, r"学校|小学(?!生)|中学(?!生)|初中(?!生)|高中(?!生)|幼儿园|一中|二中|实验学|附小|附中|就读"),
        (
            Detail.SCHOOL,
            r"\bschool\b(?!\s*(?:-\s*)?(?:bags?|suppl(?:y|ies)|shoes?|uniforms?|books?|things|kit|stationery)\b)"
            r"|\bkindergarten\b|\bnursery\s+school\b",
        ),
        (
            Detail.CLASS,
            rf"(?:{_NUMBER}|[a-z])\s*班(?!车|机)|[0-9一二三四五六七八九]\s*年级|班级|班主任|[初高][一二三]\b",
        ),
        (Detail.CLASS, r"\b(?:class|grade|year)\s+(?:[0-9]{1,2}|one|two|three|four|five|six|seven|eight|nine)\b"),
        (Detail.CLASS, r"\b[0-9]{1,2}(?:st|nd|rd|th)[\s\-]+grade(?:r)?\b"),
        (Detail.BIRTHDAY, r"(?:19|20)[0-9]{2}\s*[年\-/.]\s*[01]?[0-9]\s*[月\-/.]\s*[0-3]?[0-9]\s*日?"),
        (Detail.BIRTHDAY, rf"(?:{_NUMBER}\s*月\s*{_NUMBER}\s*[日号]).{{0,4}}(?:生日|出生)|生于"),
        (
            Detail.AGE,
            rf"(?<![0-9零一二两三四五六七八九十~～至到\-–—]){_NUMBER}\s*(?:周|虚)?岁半?(?!\s*(?:以[上下]|至|到|[~～\-–—]))",
        ),
        (
            Detail.AGE,
            r"(?<![0-9~\-–—])(?<!to )(?<!and )\b[0-9]{1,2}[\s\-]*(?:years?|yrs?)[\s\-]*old\b"
            r"|\baged?\s+[0-9]{1,2}\b(?!\s*(?:to|[-–—~]))",
        ),
        (
            Detail.ADDRESS,
            rf"(?:{_NUMBER}|[a-z])\s*(?:号楼|单元|栋|幢|号院|弄|室|楼[0-9]|门牌)|[路街道巷]\s*{_NUMBER}\s*号|小区|{_NUMBER}\s*组(?!合|装)",
        ),
        (Detail.ADDRESS, r"\b(?:building|unit|apartment|apt\.?|room|flat)\s*(?:no\.?\s*)?[0-9]+\b"),
        (Detail.ADDRESS, r"\b[0-9]+\s+(?:[a-z]+\s+){1,3}(?:street|st|road|rd|avenue|ave|lane)\b"),
    )
)
# One character to one, so that a finding's positions hold in the text as it was written.
_PLAIN = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_COMPOUND_SURNAMES = frozenset(
    ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯", "端木", "百里")
)


def spot(
    fields: Mapping[str, str | None], *, names: Iterable[str] = (), known: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Everything in these fields that may tell who somebody is, in order, each passage once.

    names: of the child and its family; known: other words of the private record.
    """
    words = [(Detail.NAME, p) for name in names for p in _name_patterns(name)]
    words += [(Detail.KNOWN, _spaced(word)) for word in known if len(word.strip()) > 1]
    found: list[Finding] = []
    for field, text in fields.items():
        if text:
            plain = text.translate(_PLAIN)
            found += _in(field, plain, (*words, *_PATTERNS))
    return tuple(sorted(found))


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
    # Latin words end at word borders: Ann is not found in "planned".
    return re.compile(rf"\b{inner}\b" if word.isascii() else inner, re.IGNORECASE)


def _name_patterns(name: str) -> Iterator[re.Pattern[str]]:
    """The full name, and the given name by which a child is called; one Chinese character alone is no name."""
    name = name.strip()
    if name.isascii():
        parts = [part for part in re.split(r"[\s,]+", name) if len(part) > 2]
        for part in (name, *parts) if len(name) > 1 else ():
            yield _spaced(part)
        return
    if len(name) > 1:
        yield _spaced(name)
    surname = 2 if name[:2] in _COMPOUND_SURNAMES else 1
    given = name[surname:]
    if len(given) > 1:
        yield _spaced(given)
    elif given:
        yield re.compile(f"[小阿]{re.escape(given)}|{re.escape(given)}{{2}}|{re.escape(given)}(?:同学|小朋友|宝宝)")
