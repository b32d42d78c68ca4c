"""Searches: what is found, in which order, page by page; text told apart and ordered by its code points."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communitycore.conformance.books import Books, put, query
from communitycore.conformance.kinds import EXTREMES, IDS, MOMENTS, SAMPLE, TEXTS, VALUES, sample
from communitycore.conformance.suite import EVERY_CHECK, Suite
from communitycore.kernel.query import Comparison, Query, Test
from communitycore.kernel.shape import Column, Row, Shape

ORDERED = ("id", "version", "name", "count", "sharp", "seen", "day", "colour", "weight", "home", "text")
SEARCHED = tuple(c.name for c in SAMPLE.columns if c.type != "nested" and c.name not in ("schema", "salt"))


def _stored(column: Column) -> st.SearchStrategy[Any]:
    return st.sampled_from(VALUES[column.type])


@st.composite
def queries(draw: st.DrawFn, shape: Shape = SAMPLE) -> Query:
    """Searches of any kind."""
    tests = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2, 3]))):
        n = draw(st.sampled_from([n for n, c in enumerate(shape.columns) if c.type != "nested"]))
        column = shape.columns[n]
        test: Comparison = draw(st.sampled_from(["=", ">=", "<", "in"]))
        one = _stored(column)
        several = st.lists(st.none() | one, max_size=5).map(tuple)
        value = draw(several if test == "in" else st.none() | one if test == "=" else one)
        tests.append(Test(n, test, value))
    orders = [n for n, c in enumerate(shape.columns) if c.name in ORDERED or (shape is not SAMPLE and c.type == "text")]
    order = draw(st.sampled_from([0, *orders]))
    id = draw(st.sampled_from(IDS))
    page = st.just((id, id)) if order == 0 else st.tuples(_stored(shape.columns[order]), st.just(id))
    after = draw(st.none() | st.none() | page)
    return Query(tuple(tests), order, draw(st.booleans()), draw(st.sampled_from([1, 2, 50, 50])), after)


def samples() -> st.SearchStrategy[list[Row]]:
    """Rows of SAMPLE with values that are often the same, by dice from a drawn seed."""

    def thrown(seed: int) -> list[Row]:
        dice = random.Random(seed)
        columns = [c for c in SAMPLE.columns[3:] if not c.unique]
        said = ({c.name: dice.choice((None, *VALUES[c.type][:6])) for c in columns} for _ in range(dice.randrange(7)))
        return [sample(id, 1, **values) for id, values in zip(IDS, said, strict=False)]

    return st.integers(0, 2**32 - 1).map(thrown)


class Searches(Suite):
    """A search finds what `Query.pick` would find among all rows, in its order."""

    @pytest.fixture
    def words(self, books: Books) -> Books:
        """Books with a row for each of TEXTS."""
        books.write(*(put(sample(f"w-{n:02}", name=text, tag=text, text=text)) for n, text in enumerate(TEXTS)))
        return books

    def test_a_search_finds_what_its_definition_says(self, books: Books) -> None:
        @settings(suppress_health_check=EVERY_CHECK, deadline=None)
        @given(samples(), st.lists(queries(), min_size=4, max_size=12))
        def check(rows: list[Row], wanted: list[Query]) -> None:
            own = Books(books.store)
            own.write(*map(put, rows))
            with own.reading() as tx:
                for one in wanted:
                    assert tx.find(SAMPLE, own.id, one) == one.pick(rows)

        check()

    # conditions

    def test_every_column_is_searched_by_equality_and_membership(self, books: Books) -> None:
        for column in SEARCHED:
            own, at = Books(books.store), SAMPLE.position[column]
            rows = self.with_values(column)
            own.write(*(put(row, over=0) for row in rows))
            for row in rows:
                same = [other[0] for other in rows if other[at] == row[at]]
                assert own.found(query((column, "=", row[at]))) == same, column
                assert own.found(query((column, "in", (row[at], None)))) == same, column
            assert own.found(query((column, "in", tuple(row[at] for row in rows)))) == [row[0] for row in rows], column

    def with_values(self, column: str) -> list[Row]:
        """Rows with one value each of a column's type."""
        if column == "id":
            return [sample(id) for id in IDS]
        if column == "version":
            return [sample(id, n + 1) for n, id in enumerate(IDS)]
        values = ("a", "A", "a ") if column == "short" else VALUES[SAMPLE.columns[SAMPLE.position[column]].type]
        given: list[dict[str, Any]] = [{column: value} for value in values]
        return [sample(f"r-{n:02}", **each) for n, each in enumerate(given)]

    def test_equality_with_null_finds_nulls_and_nothing_else(self, books: Books) -> None:
        books.write(put(sample("a")), put(sample("b", tag="", amount=0, until=MOMENTS[0], other="x", hue="red")))
        for column in ("tag", "amount", "until", "other", "hue", "label", "number", "maker"):
            assert books.found(query((column, "=", None)))[:1] == ["a"]
            assert ("b" in books.found(query((column, "=", None)))) == (column in ("label", "number", "maker"))

    def test_membership_never_finds_nulls(self, books: Books) -> None:
        books.write(put(sample("a")), put(sample("b", tag="x")))
        assert books.found(query(("tag", "in", ("x", None)))) == ["b"]
        assert books.found(query(("tag", "in", (None,)))) == []
        assert books.found(query(("tag", "in", ()))) == []

    def test_a_range_has_its_beginning_in_it_its_end_not_and_no_nulls(self, books: Books) -> None:
        rows = [sample(f"r-{n}", amount=v, until=MOMENTS[n % 6]) for n, v in enumerate(EXTREMES)]
        books.write(*map(put, rows), put(sample("null")))
        for value in EXTREMES:
            assert books.found(query(("amount", ">=", value))) == [
                f"r-{n}" for n, v in enumerate(EXTREMES) if v >= value
            ]
            assert books.found(query(("amount", "<", value))) == [f"r-{n}" for n, v in enumerate(EXTREMES) if v < value]
        both = query(("amount", ">=", -1), ("amount", "<", 2))
        assert books.found(both) == [f"r-{n}" for n, v in enumerate(EXTREMES) if -1 <= v < 2]
        assert "null" not in books.found(query(("until", ">=", MOMENTS[0])))

    def test_all_conditions_hold_at_once(self, books: Books) -> None:
        rows = [sample(f"r-{n:02}", name=f"{n % 2}", count=n % 3, tag="x" if n % 5 else None) for n in range(30)]
        books.write(*map(put, rows))
        wanted = query(("name", "=", "1"), ("count", "in", (0, 2)), ("tag", "=", None), ("version", "=", 1))
        assert books.find(wanted) == wanted.pick(rows)
        assert len(books.find(wanted)) == 2

    def test_thousands_of_values_may_be_looked_for_at_once(self, books: Books) -> None:
        rows = [sample(f"id-{n:04}", name=f"n-{n % 700}") for n in range(1_500)]
        books.write(*map(put, rows))
        ids = tuple(f"id-{n:04}" for n in range(0, 3_000, 2))
        names = tuple(f"n-{n}" for n in range(1_200))
        for order in ("id", "name"):
            for descending in (False, True):
                wanted = query(("id", "in", ids), ("name", "in", names), order=order, descending=descending, limit=900)
                found = books.find(wanted)
                assert len(found) == 750
                assert found == wanted.pick(rows)

    def test_another_jurisdictions_rows_are_never_found(self, books: Books) -> None:
        other = Books(books.store)
        books.write(put(sample("a", name="x", label="l")))
        other.write(put(sample("b", name="x")))
        for wanted in (query(), query(("name", "=", "x")), query(("label", "=", "l")), query(("id", "in", ("a", "b")))):
            assert books.found(wanted) == ["a"]

    def test_what_was_changed_is_found_as_it_is_now(self, books: Books) -> None:
        books.write(put(sample("a", name="x", tag="old")))
        books.write(put(sample("a", 2, name="y")))
        assert books.found(query(("name", "=", "x"))) == books.found(query(("tag", "=", "old"))) == []
        assert books.found(query(("name", "=", "y"))) == ["a"]

    # text

    def alone(self, books: Books, *texts: str) -> None:
        """Each of these is found by itself alone: by equality, membership and both ends of a range."""
        books.write(*(put(sample(f"t-{n}", name=text, text=text, tag=text)) for n, text in enumerate(texts)))
        for column in ("name", "text", "tag"):
            for n, text in enumerate(texts):
                assert books.found(query((column, "=", text))) == [f"t-{n}"]
                assert books.found(query((column, "in", (text, "nothing like it")))) == [f"t-{n}"]
                assert books.found(query((column, ">=", text), (column, "<", text + "\x01"))) == [f"t-{n}"]

    def test_case_is_told_apart(self, books: Books) -> None:
        self.alone(books, "saw", "Saw", "SAW", "é", "É", "я", "Я", "ß", "SS")

    def test_accents_are_told_apart(self, books: Books) -> None:
        self.alone(books, "e", "é", "è", "n", "ñ", "u", "ü")

    def test_trailing_spaces_are_told_apart(self, books: Books) -> None:
        self.alone(books, "a", "a ", "a  ", "", " ", "a\t", "a\u3000")

    def test_normal_forms_and_widths_are_told_apart(self, books: Books) -> None:
        self.alone(books, "\u00e9", "e\u0301", "ｱ", "ア", "ﬁ", "fi", "１", "1", "濟", "济")

    def test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found(self, words: Books) -> None:
        for n, text in enumerate(TEXTS):
            for column in ("name", "tag", "text"):
                assert words.found(query((column, "=", text))) == [f"w-{n:02}"]

    @pytest.mark.parametrize("column", ["name", "text"])
    def test_text_is_ordered_by_code_point(self, words: Books, column: str) -> None:
        """As its UTF-8 bytes are, and not its UTF-16 units: U+FFFF comes before U+10000."""
        at = SAMPLE.position[column]
        found = [row[at] for row in words.find(query(order=column))]
        assert found == sorted(TEXTS) == sorted(TEXTS, key=lambda text: text.encode())
        back = [row[at] for row in words.find(query(order=column, descending=True))]
        assert back == sorted(TEXTS, reverse=True)

    def test_ranges_of_text_are_by_code_point(self, words: Books) -> None:
        at = SAMPLE.position["name"]
        for text in TEXTS:
            upper = [row[at] for row in words.find(query(("name", ">=", text), order="name"))]
            lower = [row[at] for row in words.find(query(("name", "<", text), order="name"))]
            assert upper == sorted(t for t in TEXTS if t >= text)
            assert lower == sorted(t for t in TEXTS if t < text)

    # order and pages

    def test_the_found_are_ordered_by_the_column_then_by_id(self, books: Books) -> None:
        for column in ORDERED:
            own, values = Books(books.store), VALUES[SAMPLE.columns[SAMPLE.position[column]].type]
            rows = []
            for n in range(24):
                said = {} if column in ("id", "version") else {column: values[n * 7 % len(values)]}
                rows.append(sample(f"r-{n * 5 % 24:02}", n % 3 + 1, **said))
            own.write(*(put(row, over=0) for row in rows))
            for descending in (False, True):
                wanted = query(order=column, descending=descending)
                assert own.find(wanted) == wanted.pick(rows), column

    @pytest.mark.parametrize("column", ["id", "name", "count", "seen", "sharp"])
    def test_pages_follow_each_other_without_gap_or_repeat(self, books: Books, column: str) -> None:
        values = VALUES[SAMPLE.columns[SAMPLE.position[column]].type]
        rows = [sample(f"r-{n:02}", **({} if column == "id" else {column: values[n % len(values)]})) for n in range(48)]
        books.write(*map(put, rows))
        at = SAMPLE.position[column]
        for descending in (False, True):
            found: list[Row] = []
            after = None
            with books.reading() as tx:
                while page := tx.find(
                    SAMPLE, books.id, query(order=column, descending=descending, limit=7, after=after)
                ):
                    assert len(page) == min(7, 48 - len(found))
                    found += page
                    after = (page[-1][at], page[-1][0])
            assert found == sorted(rows, key=lambda row: (row[at], row[0]), reverse=descending)

    def test_a_page_begins_behind_a_place_where_no_row_need_stand(self, books: Books) -> None:
        books.write(put(sample("b", name="m")), put(sample("d", name="m")), put(sample("f", name="n")))
        assert books.found(query(order="name", after=("m", "c"))) == ["d", "f"]
        assert books.found(query(order="name", after=("m", "d"))) == ["f"]
        assert books.found(query(order="name", after=("mm", "a"))) == ["f"]
        assert books.found(query(order="name", after=("m", "c"), descending=True)) == ["b"]

    def test_a_limit_gives_the_first_of_the_order(self, books: Books) -> None:
        books.write(*(put(sample(f"r-{n}", count=9 - n)) for n in range(9)))
        assert books.found(query(order="count", limit=3)) == ["r-8", "r-7", "r-6"]
        assert books.found(query(order="count", limit=3, descending=True)) == ["r-0", "r-1", "r-2"]
        assert books.found(query(("count", ">=", 5), order="count", limit=1)) == ["r-4"]

    def test_what_has_nothing_in_the_column_of_the_order_is_left_out(self, books: Books) -> None:
        books.write(put(sample("a", name=None)), put(sample("b", name="x")))
        assert books.found(query(order="name")) == books.found(query(order="name", descending=True)) == ["b"]
