"""A bank's statement from CSV: amounts to the last cent, and no row lost or guessed at."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.domain.funds import BankLine
from communitycore.formats.bank_csv import BankMapped, BankTable, minor_units, read_bank_csv, read_bank_mapping
from communitycore.formats.requests_csv import BadMapping, BadTable
from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money

ONE = '[columns]\nday = "日期"\namount = "金额"\ntext = "摘要"\nreference = "流水号"\n'
TWO = '[columns]\nday = "日期"\ncredit = "收入"\ndebit = "支出"\n'
WAYS = '[columns]\nday = "日期"\namount = "金额"\ndirection = "借贷"\n[directions]\n"贷" = "in"\n"借" = "out"\n'
HEADER = "日期,金额,摘要,流水号,余额\n"


def read(text: str, mapping: str = ONE) -> BankTable:
    return read_bank_csv(text, read_bank_mapping(mapping))


def chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@given(st.integers(-(10**15), 10**15), st.booleans(), st.booleans(), st.booleans())
def test_an_amount_is_what_was_written_to_the_last_cent(value: int, commas: bool, wide: bool, brackets: bool) -> None:
    yuan = str(Money(abs(value))).removesuffix(" CNY")
    whole, _, cents = yuan.partition(".")
    written = f"{int(whole):,}.{cents}" if commas else yuan
    if value < 0:
        written = f"({written})" if brackets else f"-{written}"
    if wide:
        written = written.translate(str.maketrans("0123456789.,-()", "０１２３４５６７８９．，－（）"))
    assert minor_units(written) == value


@given(st.text() | st.text("0123456789.,-+()eE_ 　０１－，٣∞", max_size=12))
def test_no_text_is_an_amount_by_chance(text: str) -> None:
    try:
        value = minor_units(text)
    except BadValue as refused:
        assert chinese(refused.say("zh"))
    else:
        digits = "".join(
            c for c in text.translate(str.maketrans("０１２３４５６７８９．", "0123456789.")) if c in "0123456789."
        )
        assert abs(value) == Money.of(digits).amount


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1,234.50", 123_450),
        ("０．０１", 1),
        ("－５", -500),
        ("−5", -500),
        ("（1,000）", -100_000),
        ("+7.", 700),
        (".5", 50),
        ("1.500", 150),
    ],
)
def test_amounts_as_banks_write_them(text: str, cents: int) -> None:
    assert minor_units(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "1,23",
        "12,34.00",
        "1,2345",
        "1.234,50",
        "1.005",
        "1e3",
        "1_000",
        "nan",
        "0x1",
        "--5",
        "(-5)",
        "5-",
        "¥5",
        "1 000",
        "٣",
        "()",
        ",",
        ".",
    ],
)
def test_what_could_mean_something_else_is_no_amount(text: str) -> None:
    with pytest.raises(BadValue):
        minor_units(text)


def test_a_currency_without_cents_has_none() -> None:
    assert minor_units("1,234", "JPY") == 1_234
    with pytest.raises(BadValue):
        minor_units("1.5", "JPY")


def test_a_statement_as_a_bank_writes_it() -> None:
    mapping = 'header = 3\n[columns]\nday = "交易日"\ncredit = "贷方"\ndebit = "借方"\ntext = ["摘要", "附言"]\n[day]\nformat = "%Y%m%d"\n'
    text = (
        "账号：1234\r\n"
        '查询时间,"2024-07-01"\r\n'
        "交易日 ,借方,贷方,余额,摘要,附言\t\r\n"
        '20240604,,"1,000.00","2,000.00",转账,捐赠\r\n'
        "20240604,30.00,0.00,1970.00,手续费,\r\n"
        ",,,,,\r\n"
        "20240605,,,1970.00,结息,\r\n"
        "合计,30.00,1000.00,,,\r\n"
    )
    found = read(text, mapping)
    assert found.lines == (
        BankLine(date(2024, 6, 4), 100_000, "转账 捐赠", row=4),
        BankLine(date(2024, 6, 4), -3_000, "手续费", row=5),
    )
    assert [(bad.row, bad.column) for bad in found.bad] == [(7, "贷方"), (8, "交易日")]


def test_a_column_may_say_which_way_it_went() -> None:
    found = read("日期,借贷,金额\n2024-06-04,贷,5\n2024-06-04,借,7\n2024-06-04,冲,7\n2024-06-04,借,-7\n", WAYS)
    assert [line.amount for line in found.lines] == [500, -700]
    assert [(bad.row, bad.column) for bad in found.bad] == [(4, "借贷"), (5, "金额")]


def test_lines_that_are_alike_are_told_apart_by_a_number() -> None:
    row = "2024-06-04,20.00,捐赠,,1\n"
    assert [(line.row, line.nth) for line in read(HEADER + row * 3).lines] == [(2, 1), (3, 2), (4, 3)]


@pytest.mark.parametrize(
    ("mapping", "text", "column", "told"),
    [
        (ONE, HEADER + "yesterday,1,a,1,1", "日期", "'yesterday' is not a day"),
        (ONE, HEADER + "2024-02-30,1,a,1,1", "日期", "'2024-02-30' is not a day"),
        (ONE, HEADER + ",1,a,1,1", "日期", "'' is not a day"),
        (ONE, HEADER + "2024-06-04,1.2.3,a,1,1", "金额", "'1.2.3' is not an amount"),
        (ONE, HEADER + "2024-06-04,1.234,a,1,1", "金额", "more places"),
        (ONE, HEADER + "2024-06-04,1", "摘要", "too few values"),
        (ONE, HEADER + "2024-06-04,1,234.00,a,1,", "#6", "more values than there are columns"),
        (TWO, "日期,收入,支出\n2024-06-04,1,2", "支出", "both it and the other"),
        (TWO, "日期,收入,支出\n2024-06-04,,", "收入", "neither it nor the other"),
        (TWO, "日期,收入,支出\n2024-06-04,,-2", "支出", "could mean either"),
        (WAYS, "日期,借贷,金额\n2024-06-04,,2", "借贷", "'' is not in"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_line_and_column(
    mapping: str, text: str, column: str, told: str
) -> None:
    found = read(text, mapping)
    assert found.lines == ()
    [bad] = found.bad
    assert (bad.row, bad.column) == (2, column)
    assert told in bad.say()
    assert column in bad.say("zh")
    assert chinese(bad.why_zh)
    assert bad.why_zh != bad.why


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("[columns", "not TOML"),
        ("columns = 3", "[columns] is not a table"),
        ("colums = 3", "mapping has colums"),
        ('[columns]\nday = ["a"]\namount = "b"', "[columns] holds more than texts"),
        ('[columns]\nday = "a"\namount = "b"\ntext = 3', "text names one column or a list"),
        ('[columns]\nday = "a"\namount = "b"\ntext = [3]', "[columns] holds more than texts"),
        ('[columns]\nday = "a"\namount = "b"\ncolour = "c"', "[columns] has colour"),
        ('[columns]\namount = "b"', "needs day"),
        ('[columns]\nday = "a"\ncredit = "b"', "both credit and debit"),
        ('[columns]\nday = "a"\namount = "b"\ncredit = "c"\ndebit = "d"', "both credit and debit"),
        ('[columns]\nday = "a"\namount = "b"\ndirection = "c"', "come together"),
        (ONE + '[directions]\n"贷" = "in"', "come together"),
        (WAYS + '"冲" = "back"', "[directions] has back"),
        ('encoding = "latin-1"\n' + ONE, "known are utf-8, gb18030"),
        ("encoding = []\n" + ONE, "known are utf-8, gb18030"),
        ("header = 0\n" + ONE, "header is the number"),
        ("header = true\n" + ONE, "header is the number"),
        (ONE + '[day]\nformat = "%d.%m."', "does not tell year"),
        (ONE + '[day]\nformat = "%Q%y"', "does not tell year"),
        (ONE + '[day]\nzone = "UTC"', "[day] has zone"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_in_both_languages(mapping: str, told: str) -> None:
    with pytest.raises(BadMapping) as refused:
        read_bank_mapping(mapping)
    assert told in refused.value.say()
    assert refused.value.why_zh != refused.value.why


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1 has no column 摘要, 日期, 流水号, 金额; it has none"),
        ("日期,金额\n1,2\n", "no column 摘要, 流水号"),
        ("日期," + HEADER, "the column 日期 more than once"),
        (HEADER + '2024-06-04,"1\n', "line 2"),
        (HEADER + '2024-06-04,1,a,1,1\n2024-06-04,"1"2,a,1,1\n', "line 3"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_the_line(text: str, told: str) -> None:
    with pytest.raises(BadTable) as refused:
        read(text)
    assert told in refused.value.say()
    assert refused.value.why_zh != refused.value.why


cells = st.text(max_size=9) | st.sampled_from(["2024-06-04", "1.00", "-5", "", " ", '"1,000.00"'])


@given(st.lists(st.lists(cells, max_size=7), max_size=6), st.integers(1, 4))
def test_no_row_is_lost_whatever_stands_in_it(rows: list[list[str]], header: int) -> None:
    written = [",".join(row).replace("\r", "").replace("\n", "") for row in rows]
    if any('"' in row.replace('"1,000.00"', "") for row in written):
        return
    above = "\n" * (header - 1)
    found = read(above + HEADER + "\n".join(written), f"header = {header}\n{ONE}")
    told = [line.row for line in found.lines] + [bad.row for bad in found.bad]
    assert sorted(told) == [
        n for n, row in enumerate(written, header + 1) if any(cell.strip() for cell in row.replace('"', "").split(","))
    ]


@given(
    st.text()
    | st.lists(st.lists(cells, max_size=7), max_size=5).map(lambda rows: HEADER + "\n".join(map(",".join, rows)))
)
def test_no_text_brings_out_anything_but_lines_and_refusals(text: str) -> None:
    try:
        found = read(text)
    except BadTable as refused:
        assert refused.say("zh")
    else:
        assert all(line.row >= 2 for line in found.lines)


@given(st.text())
def test_no_text_is_a_mapping_but_a_right_one(text: str) -> None:
    try:
        assert isinstance(read_bank_mapping(text), BankMapped)
    except BadMapping as refused:
        assert str(refused)
