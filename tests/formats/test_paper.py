"""Paper: what a page says is what the books say, and nothing in a name becomes markup."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain import funds_world, services_world

from communitycore import Money, funds, services
from communitycore.formats import paper
from communitycore.formats.paper.capital import DIGITS, MOST, capital
from communitycore.kernel.errors import BadValue

DAY = date(2024, 6, 30)


class Words(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def number_of(text: str) -> int:
    """Yuan in capitals, read back by the rules of speech alone: units multiply, places add."""
    total = section = digit = 0
    for character in text:
        if character in DIGITS:
            digit = DIGITS.index(character)
        elif character in "拾佰仟":
            section += digit * 10 ** ("拾佰仟".index(character) + 1)
            digit = 0
        elif character == "万":
            total, section, digit = total + (section + digit) * 10**4, 0, 0
        elif character == "亿":
            total, section, digit = (total + section + digit) * 10**8, 0, 0
    return total + section + digit


@given(st.integers(0, MOST) | st.integers(0, 10**7) | st.integers(0, 10**12).map(lambda n: n * 100))
def test_an_amount_in_capitals_reads_back_as_it_was(amount: int) -> None:
    said = capital(Money(amount))
    assert said is not None
    yuan, _, rest = said.rpartition("元")
    jiao = DIGITS.index(rest[rest.index("角") - 1]) if "角" in rest else 0
    fen = DIGITS.index(rest[rest.index("分") - 1]) if "分" in rest else 0
    assert number_of(yuan) * 100 + jiao * 10 + fen == amount
    assert "零零" not in said
    assert said.endswith("整") == (fen == 0)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        # the first four: 支付结算办法, annex 1
        (140_950, "壹仟肆佰零玖元伍角整"),
        (600_714, "陆仟零柒元壹角肆分"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (32_504, "叁佰贰拾伍元零肆分"),
        (0, "零元整"),
        (5, "伍分"),
        (-12_345, "负壹佰贰拾叁元肆角伍分"),
        (10_001_000_000, "壹亿零壹万元整"),
    ],
)
def test_amounts_are_written_as_banks_write_them(amount: int, said: str) -> None:
    assert capital(Money(amount)) == said


def test_other_currencies_have_no_capitals_and_what_is_too_much_is_said() -> None:
    assert capital(Money(5, "EUR")) is None
    with pytest.raises(BadValue):
        capital(Money(MOST + 1))


def test_a_receipt_says_what_was_given_and_by_whom() -> None:
    w = funds_world.world()
    gift = w.accountant.do(
        funds.donate, w.fund.id, amount=Money(140_950), purpose="夜校", donor=w.teacher, name="<b>钱&李</b>"
    )
    page = Words(paper.receipt_page(w.accountant.ask(funds.receipt, gift.id)))
    for said in ("<b>钱&李</b>", "1409.50 CNY", "人民币壹仟肆佰零玖元伍角整", "夜校", "汇鑫社区基金", "汇鑫社区"):
        assert said in page.text, said
    assert "b" not in page.tags
    w.accountant.do(funds.return_gift, gift.id, reason="退还")
    assert "已退回" in paper.receipt_page(w.accountant.ask(funds.receipt, gift.id))
    nobody = w.accountant.do(funds.donate, w.fund.id, amount=Money(5), purpose="夜校")
    assert "未具名" in paper.receipt_page(w.accountant.ask(funds.receipt, nobody.id))


def test_a_certificate_tells_the_hours_and_leaves_a_line_for_a_name_that_is_not_known() -> None:
    w = services_world.world()
    w.host.do(services.register_volunteer, party=w.barber, skills=("理发",))
    session = w.session(w.haircuts)
    w.clock.advance(timedelta(hours=25))
    w.host.do(services.close_attendance, session.id)
    w.host.do(services.credit_hours, session.id, party=w.barber)
    w.host.do(services.note_volunteer, party=w.barber, kind=services.NoteKind.AWARD, text="优秀志愿者")
    told = w.host.ask(services.certificate, party=w.barber)
    page = Words(paper.certificate_page(told, name="理发师", body="汇鑫社区", printed=DAY))
    for said in ("理发师", "1.5 小时", "义务理发", "优秀志愿者", "2024-06-30", "汇鑫社区"):
        assert said in page.text, said
    assert "None" not in paper.certificate_page(told, name=None, body="汇鑫社区", printed=DAY)


def test_a_statement_withholds_the_names_that_are_withheld() -> None:
    w = funds_world.world()
    w.accountant.do(funds.open_account, w.fund.id, name="应付：王五", type=funds.AccountType.LIABILITY, withheld=True)
    w.accountant.do(funds.donate, w.fund.id, amount=Money(500), purpose="夜校")
    told = w.resident.ask(funds.statement, w.fund.id)
    page = Words(paper.statement_page(told, body="汇鑫社区", printed=DAY)).text
    for said in ("银行存款", "5.00 CNY", "不公开名称", "一位热心市民"):
        assert said in page, said
    assert "王五" not in page


@given(st.integers(0, 10**7))
def test_hours_are_never_rounded_up(minutes: int) -> None:
    tenths = round(float(paper.hours(minutes)) * 10)
    assert tenths * 6 <= minutes < tenths * 6 + 6


def test_without_the_library_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    w = funds_world.world()
    told = w.resident.ask(funds.statement, w.fund.id)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    paper._template.cache_clear()
    with pytest.raises(paper.PaperMissing, match=r"communitycore\[paper\]"):
        paper.statement_page(told, body="x", printed=DAY)
