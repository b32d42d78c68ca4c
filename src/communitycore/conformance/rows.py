"""Rows: what was written comes back byte for byte, over the version it was meant for, and unique where it must be."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communitycore.conformance.books import Books, Put, put
from communitycore.conformance.kinds import EXTREMES, MOMENTS, ORDER, SAMPLE, TEXTS, VALUES, order, sample
from communitycore.conformance.suite import EVERY_CHECK, Suite
from communitycore.kernel.errors import NotUnique, Refused, StaleStep
from communitycore.kernel.shape import Column, Row

SCRIPTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)


@st.composite
def _rows(draw: st.DrawFn) -> tuple[Any, ...]:
    """The fields of a row: some text and numbers that are drawn, the rest by dice from a drawn seed."""
    dice = random.Random(draw(st.integers(0, 2**32 - 1)))
    texts, numbers = draw(st.lists(SCRIPTS, max_size=4)), draw(st.lists(NUMBERS, max_size=4))

    def value(column: Column) -> Any:
        if column.unique:
            return None
        drawn: dict[str, list[Any]] = {"text": [text[: column.max] for text in texts], "int": numbers}
        usual = [v for v in VALUES[column.type] if column.type != "text" or len(v) <= column.max]
        return dice.choice((None, *(drawn.get(column.type) or usual), dice.choice(usual)))

    return tuple(value(column) for column in SAMPLE.columns[3:])


class Rows(Suite):
    """Rows come back byte for byte; each is written over one version; what is unique has one holder."""

    def same(self, books: Books, *rows: Row) -> None:
        """Write these and see that they come back the same, value by value and type by type."""
        books.write(*(put(row) for row in rows))
        for row in rows:
            got = books.get(row[0])
            assert got == row
            assert repr(got) == repr(row)  # 1 is not True, and text not its normal form

    # what comes back

    def test_a_value_of_every_type_comes_back_as_it_was(self, books: Books) -> None:
        columns = [c for c in SAMPLE.columns[4:] if not c.unique]
        most = max(len(VALUES[c.type]) for c in columns)
        rows = []
        for n in range(most):
            said = {c.name: VALUES[c.type][n % len(VALUES[c.type])] for c in columns if c.name != "short"}
            rows.append(sample(f"r-{n}", salt="5" * 64, **said))
        self.same(books, *rows)

    def test_rows_of_any_values_come_back_as_they_were(self, books: Books) -> None:
        count = 0

        @settings(suppress_health_check=EVERY_CHECK, deadline=None)
        @given(st.lists(_rows(), min_size=1, max_size=4))
        def check(drawn: list[tuple[Any, ...]]) -> None:
            nonlocal count
            count += 1
            self.same(books, *((f"{count}-{n}", 1, 1, *fields) for n, fields in enumerate(drawn)))

        check()

    def test_text_of_any_script_comes_back_as_it_was(self, books: Books) -> None:
        self.same(books, *(sample(f"t-{n}", name=text, text=text, tag=text) for n, text in enumerate(TEXTS)))

    @pytest.mark.parametrize("sign", ["x", "济", "😀", "\U0010ffff"])
    def test_ten_thousand_characters_come_back_whole(self, books: Books, sign: str) -> None:
        self.same(books, sample("long", text=sign * 10_000, short=sign * 5))

    @pytest.mark.parametrize("sign", ["x", "济", "😀"])
    def test_the_longest_text_that_is_searched_by_comes_back_whole(self, books: Books, sign: str) -> None:
        texts = [sign * 191, sign * 190 + "y", sign * 190]
        self.same(books, *(sample(f"i-{n}", name=t, tag=t, label=t) for n, t in enumerate(texts)))

    def test_a_nested_value_of_a_million_characters_comes_back_whole(self, books: Books) -> None:
        self.same(books, sample("big", parts='["' + "麦😀" * 500_000 + '"]'))

    def test_whole_numbers_keep_all_their_sixty_four_bits(self, books: Books) -> None:
        self.same(
            books,
            *(
                sample(f"n-{n}", count=v, amount=v, number=v, fee_amount=v, fee_currency="CNY")
                for n, v in enumerate(EXTREMES)
            ),
        )

    def test_times_keep_their_microseconds(self, books: Books) -> None:
        moments = [f"2024-06-04T06:30:00.{n:06}Z" for n in (0, 1, 999, 1_000, 123_456, 999_999)]
        moments += ["0001-01-01T00:00:00.000001Z", "9999-12-31T23:59:59.999999Z"]
        self.same(books, *(sample(f"m-{n}", seen=m, until=m, moment=m) for n, m in enumerate(moments)))

    def test_decimals_keep_every_sign_that_was_written(self, books: Books) -> None:
        texts = ["1.10", "1.1", "-0", "1E+2", "0.1", "0.30000000000000004", f"{'9' * 50}.5"]
        self.same(books, *(sample(f"d-{n}", weight=text, exact=text) for n, text in enumerate(texts)))

    def test_nothing_and_the_empty_text_are_two_things(self, books: Books) -> None:
        self.same(books, sample("null", tag=None, label=None, text=""), sample("empty", tag="", label="", text=""))

    def test_a_kind_and_its_fields_may_be_called_by_words_of_sql(self, books: Books) -> None:
        row = order("a", group="select", select=1)
        books.write(put(row, shape=ORDER), put(sample("a")))
        assert (books.get("a", ORDER), books.get("a")) == (row, sample("a"))

    def test_a_thousand_rows_may_be_written_at_once(self, books: Books) -> None:
        rows = [sample(f"r-{n:04}", label=f"{n}", number=n) for n in range(1_000)]
        books.write(*map(put, rows))
        books.write(*(put((row[0], 2, *row[2:])) for row in rows))
        with books.reading() as tx:
            for row in rows[::97]:
                assert tx.get(SAMPLE, books.id, row[0]) == (row[0], 2, *row[2:])

    @pytest.mark.parametrize("id", ["\ud800", "\0", "济阳", "", "a" * 10_000, "A", " a", "a ", 5, None])
    def test_what_is_no_id_of_a_row_finds_none(self, books: Books, id: Any) -> None:
        books.write(put(sample("a")), put(sample("5")))
        assert books.get(id) is None

    # versions

    def test_a_row_is_written_only_over_the_version_it_was_meant_for(self, books: Books) -> None:
        books.write(put(sample("a")))
        books.write(put(sample("a", 2, name="kept")))
        wrong = [
            (put(sample("a", 3), over=1), ("a", 1, 2)),
            (put(sample("a", 4), over=3), ("a", 3, 2)),
            (put(sample("a", 1), over=0), ("a", 0, 2)),
            (put(sample("b", 2), over=1), ("b", 1, 0)),
        ]
        for one, told in wrong:
            with pytest.raises(StaleStep) as stale, books.store.writing() as tx:
                tx.lock(books.id)
                tx.write(books.batch(one))
                tx.commit()
            assert (stale.value.kind, stale.value.id, stale.value.before, stale.value.current) == ("sample", *told)
        assert books.get("a") == sample("a", 2, name="kept")
        assert books.get("b") is None
        books.write(put(sample("a", 3)))

    def test_one_row_of_a_wrong_version_stops_the_whole_batch(self, books: Books) -> None:
        books.write(put(sample("a")), put(sample("b")))
        before = books.told()
        for wrong in ([put(sample("a", 2)), put(sample("b", 3))], [put(sample("b", 3)), put(sample("a", 2))]):
            assert self.refused(books, *wrong) == "stale_step"
        assert books.told() == before

    # what is unique

    def refused(self, books: Books, *rows: Put) -> str | None:
        """The code with which a batch is refused; None if it is kept."""
        try:
            books.write(*rows)
        except Refused as refused:
            return refused.code
        return None

    def test_a_unique_value_has_one_holder(self, books: Books) -> None:
        books.write(put(sample("a", label="x", number=1, moment=MOMENTS[0])))
        taken: dict[str, Any]
        for taken in ({"label": "x"}, {"number": 1}, {"moment": MOMENTS[0]}):
            with pytest.raises(NotUnique) as refused, books.store.writing() as tx:
                tx.lock(books.id)
                tx.write(books.batch(put(sample("b", **taken))))
                tx.commit()
            assert (refused.value.kind, refused.value.field) == ("sample", *taken)
        assert self.refused(books, put(sample("b", label="y")), put(sample("c", label="y"))) == "not_unique"
        assert books.get("b") is None
        assert self.refused(books, put(sample("b", label="y", number=2))) is None
        assert self.refused(books, put(sample("a", 2, label="y"))) == "not_unique"

    def test_nulls_are_not_equal(self, books: Books) -> None:
        assert self.refused(books, put(sample("a")), put(sample("b"))) is None
        assert self.refused(books, put(sample("c"))) is None

    def test_unique_text_is_told_apart_sign_by_sign(self, books: Books) -> None:
        assert self.refused(books, *(put(sample(f"u-{n}", label=text)) for n, text in enumerate(TEXTS))) is None
        for n, text in enumerate(TEXTS):
            assert self.refused(books, put(sample(f"v-{n}", label=text))) == "not_unique"

    def test_a_unique_value_is_free_again_in_the_batch_that_gives_it_up(self, books: Books) -> None:
        books.write(put(sample("a", label="x")))
        assert self.refused(books, put(sample("b", label="x")), put(sample("a", 2))) is None
        assert self.refused(books, put(sample("b", 2)), put(sample("c", label="x"))) is None

    def test_rows_may_exchange_what_is_unique_in_one_batch(self, books: Books) -> None:
        books.write(put(sample("a", label="x")), put(sample("b", label="y")), put(sample("c", label="z")))
        ring = (put(sample("a", 2, label="y")), put(sample("b", 2, label="z")), put(sample("c", 2, label="x")))
        assert self.refused(books, *ring) is None
        assert self.refused(books, put(sample("a", 3, label="x")), put(sample("b", 3, label="y"))) == "not_unique"
        stale = (put(sample("a", 3, label="z")), put(sample("b", 8, label="y")))
        assert self.refused(books, *stale) == "stale_step"
        labels = [row[SAMPLE.position["label"]] for row in (books.get(id) for id in "abc") if row is not None]
        assert labels == ["y", "z", "x"]

    def test_what_is_unique_is_so_in_one_jurisdiction_and_kind_alone(self, books: Books) -> None:
        other = Books(books.store)
        books.write(put(sample("a", label="x", number=1)), put(order("a", select=1), shape=ORDER))
        assert self.refused(other, put(sample("b", label="x", number=1))) is None
