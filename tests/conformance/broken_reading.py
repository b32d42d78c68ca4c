"""Stores that are broken in what they give back, find and list; see broken.py."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve
from tests.conformance.broken_base import ALL, Healthy, Transaction

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import NotUnique
from communitycore.kernel.journal import Entry
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.ports import Batch, Timer

# what comes back


class Spoiling(Healthy):
    """Spoils the values of rows on their way in."""

    columns: tuple[str, ...]
    spoil: Callable[[Any], Any]

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, rows=[(shape, self.row(shape, row), n) for shape, row, n in batch.rows]))

        def row(self, shape: Shape, row: Row) -> Row:
            spoil, spoilt = type(self.store).spoil, self.store.columns
            told = zip(shape.columns, row, strict=True)
            return tuple(v if v is None or column.name not in spoilt else spoil(v) for column, v in told)


class LostMicroseconds(Spoiling):
    """Keeps times to the millisecond."""

    suite = "Rows"
    caught_by = (
        "test_times_keep_their_microseconds",
        "test_a_value_of_every_type_comes_back_as_it_was",
    )
    columns = ("until",)
    spoil = staticmethod(lambda text: f"{text[:23]}000Z")


class CutText(Spoiling):
    """Keeps 64 KiB of a text, without a word."""

    suite = "Rows"
    caught_by = ("test_a_nested_value_of_a_million_characters_comes_back_whole",)
    columns = ("text", "parts")
    spoil = staticmethod(lambda text: text.encode()[:65_535].decode(errors="ignore"))


class RoundedNumbers(Spoiling):
    """Keeps whole numbers as binary floats."""

    suite = "Rows"
    caught_by = (
        "test_whole_numbers_keep_all_their_sixty_four_bits",
        "test_a_value_of_every_type_comes_back_as_it_was",
    )
    columns = ("amount",)
    spoil = staticmethod(lambda number: min(int(float(number)), (1 << 63) - 1))


class EmptyIsNull(Spoiling):
    """Takes the empty text for nothing."""

    suite = "Rows"
    caught_by = (
        "test_nothing_and_the_empty_text_are_two_things",
        "test_a_value_of_every_type_comes_back_as_it_was",
        "test_text_of_any_script_comes_back_as_it_was",
    )
    columns = ("tag",)
    spoil = staticmethod(lambda text: text or None)


class NormalisedText(Spoiling):
    """Keeps text in its composed form."""

    suite = "Rows"
    caught_by = (
        "test_text_of_any_script_comes_back_as_it_was",
        "test_a_value_of_every_type_comes_back_as_it_was",
    )
    columns = ("tag",)
    spoil = staticmethod(lambda text: unicodedata.normalize("NFC", text))


# what is found


class Finding(Healthy):
    """Spoils what is found, for readers and writers alike."""

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        raise NotImplementedError

    class reads(Transaction):  # noqa: N801
        def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
            found: list[Row] = self.store.found(self.tx, shape, jurisdiction, query)
            return found

    writes = reads


class Folding(Finding):
    """Compares text as a collation does that folds some of it away."""

    fold: Callable[[str], str]

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        fold = type(self).fold

        def folded(value: Any) -> Any:
            return fold(value) if isinstance(value, str) else value

        text = {t.column for t in query.tests if shape.columns[t.column].type == "text" and t.test in ("=", "in")}
        tests = tuple(
            evolve(t, value=tuple(map(folded, t.value)) if t.test == "in" else folded(t.value))
            if t.column in text
            else t
            for t in query.tests
        )
        rows = {row[0]: row for row in tx.find(shape, jurisdiction, ALL)}
        seen = [tuple(folded(v) if n in text else v for n, v in enumerate(row)) for row in rows.values()]
        admitted = [row[0] for row in seen if Query(tests, 0, False, 1, None).admits(row)]
        return Query((), query.order, query.descending, query.limit, query.after).pick(rows[id] for id in admitted)


class FoldedCase(Folding):
    """Takes a for A."""

    suite = "Searches"
    caught_by = (
        "test_case_is_told_apart",
        "test_every_column_is_searched_by_equality_and_membership",
        "test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found",
    )
    fold = staticmethod(str.lower)


class FoldedAccents(Folding):
    """Takes é for e."""

    suite = "Searches"
    caught_by = (
        "test_accents_are_told_apart",
        "test_every_column_is_searched_by_equality_and_membership",
        "test_normal_forms_and_widths_are_told_apart",
        "test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found",
    )
    fold = staticmethod(
        lambda text: "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    )


class PaddedSpaces(Folding):
    """Takes no notice of spaces at the end."""

    suite = "Searches"
    caught_by = (
        "test_trailing_spaces_are_told_apart",
        "test_every_column_is_searched_by_equality_and_membership",
        "test_signs_that_some_stores_cannot_tell_apart_or_hold_are_found",
    )
    fold = staticmethod(lambda text: text.rstrip(" "))


class WrongPageOrder(Finding):
    """Gives every page but the first backwards."""

    suite = "Searches"
    caught_by = (
        "test_pages_follow_each_other_without_gap_or_repeat",
        "test_a_page_begins_behind_a_place_where_no_row_need_stand",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        rows = tx.find(shape, jurisdiction, query)
        return rows if query.after is None else rows[::-1]


class SkippedTies(Finding):
    """Begins a page behind the last value, and so misses the others that have it."""

    suite = "Searches"
    caught_by = (
        "test_a_page_begins_behind_a_place_where_no_row_need_stand",
        "test_pages_follow_each_other_without_gap_or_repeat",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        if query.after is None:
            return list(tx.find(shape, jurisdiction, query))
        value = query.after[0]
        rows = tx.find(shape, jurisdiction, evolve(query, after=None, limit=1_000_000))
        beyond = [row for row in rows if (row[query.order] < value if query.descending else row[query.order] > value)]
        return beyond[: query.limit]


class Utf16Order(Finding):
    """Orders text by its UTF-16 units, as some platforms do."""

    suite = "Searches"
    caught_by = (
        "test_text_is_ordered_by_code_point",
        "test_pages_follow_each_other_without_gap_or_repeat",
        "test_ranges_of_text_are_by_code_point",
        "test_the_found_are_ordered_by_the_column_then_by_id",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        if shape.columns[query.order].type != "text" or query.after is not None:
            return list(tx.find(shape, jurisdiction, query))
        rows = tx.find(shape, jurisdiction, evolve(query, limit=1_000_000))
        rows.sort(key=lambda row: (row[query.order].encode("utf-16-be"), row[0]), reverse=query.descending)
        return list(rows[: query.limit])


class NullNeverFound(Finding):
    """Asks for `= NULL`, which finds nothing."""

    suite = "Searches"
    caught_by = (
        "test_equality_with_null_finds_nulls_and_nothing_else",
        "test_all_conditions_hold_at_once",
    )

    def found(self, tx: Any, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        if any(t.test == "=" and t.value is None for t in query.tests):
            return []
        return list(tx.find(shape, jurisdiction, query))


class EqualNulls(Healthy):
    """Lets one row alone have nothing in a unique column."""

    suite = "Rows"
    caught_by = (
        "test_nulls_are_not_equal",
        "test_a_thousand_rows_may_be_written_at_once",
        "test_a_unique_value_is_free_again_in_the_batch_that_gives_it_up",
        "test_rows_may_exchange_what_is_unique_in_one_batch",
    )

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(batch)
            for shape, row, _ in batch.rows:
                for n in shape.unique:
                    held = [r[0] for r in self.tx.find(shape, batch.head.id, ALL) if r[n] is None]
                    if row[n] is None and [id for id in held if id != row[0]]:
                        raise NotUnique(kind=shape.kind, field=shape.columns[n].name)


# journal and timers


class ForgottenNotes(Healthy):
    """Gives the last entry that changed a record, and forgets what was said of it since."""

    suite = "Journal"
    caught_by = ("test_the_last_entries_of_a_thousand_records_are_given_at_once",)

    class reads(Transaction):  # noqa: N801
        def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
            every = {id: self.tx.entries_of(jurisdiction, kind, id) for id in records}
            last = {id: [entry for entry in entries if not entry.notes][-1:] for id, entries in every.items()}
            return {id: entries[0] for id, entries in last.items() if entries}


class TimersByWake(Healthy):
    """Gives timers in the order in which they wake, so that what failed once comes last."""

    suite = "Timers"
    caught_by = (
        "test_timers_are_given_in_the_order_of_due_then_seq",
        "test_only_those_are_due_whose_wake_has_come_and_that_are_not_parked",
    )

    class reads(Transaction):  # noqa: N801
        def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
            every = self.tx.timers(jurisdiction, until, 1_000_000)
            return sorted(every, key=lambda timer: (timer.wake, timer.seq))[:limit]


class ParkedRun(Healthy):
    """Gives parked timers among those that are due."""

    suite = "Timers"
    caught_by = ("test_only_those_are_due_whose_wake_has_come_and_that_are_not_parked",)

    class reads(Transaction):  # noqa: N801
        def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
            every = self.tx.timers(jurisdiction, None, 1_000_000)
            return [timer for timer in every if until is None or timer.wake <= until][:limit]


class SilentCapability(Healthy):
    """Does not say why it cannot."""

    suite = "Opening"
    caught_by = ("test_each_capability_is_true_or_the_reason_why_not",)
    capabilities: Mapping[str, bool | str] = {**MemoryStore.capabilities, "processes": False}


# what was erased


class KeptMac(Healthy):
    """Leaves a key as it was though it should be emptied."""

    suite = "Keys"
    caught_by = ("test_an_emptied_key_stays_and_tells_of_its_call_no_more",)

    class writes(Transaction):  # noqa: N801
        def write(self, batch: Batch) -> None:
            self.tx.write(evolve(batch, emptied=[]))


class KeysOfSomeCauses(Healthy):
    """Finds the keys of so many causes as one statement takes."""

    suite = "Keys"
    caught_by = ("test_keys_are_found_by_their_causes_however_many",)

    class reads(Transaction):  # noqa: N801
        def keys_caused(self, jurisdiction: str, causes: Sequence[str]) -> Any:
            return self.tx.keys_caused(jurisdiction, causes[:900])


class NoScrub(Healthy):
    """Says that it scrubs, and does not."""

    suite = "Erasing"
    caught_by = ("test_what_was_erased_is_in_no_byte_once_it_is_scrubbed",)

    def scrub(self) -> None:
        """Nothing is done."""


class PagesFromTheKey(Healthy):
    """Begins a page of timers with the one it should begin behind, and one further in its place at the end."""

    suite = "Moving"
    caught_by = ("test_all_timers_are_given_in_pages_ordered_by_their_keys",)

    class reads(Transaction):  # noqa: N801
        def timers_after(self, jurisdiction: str, after: tuple[str, str, str] | None, limit: int) -> list[Timer]:
            found = self.tx.timers_after(jurisdiction, None, 1_000)
            return [one for one in found if after is None or one.key[:2] > after[:2]][:limit]


class FoldedFollowers(Healthy):
    """Takes two followers for one whose names differ by case alone."""

    suite = "Moving"
    caught_by = ("test_all_followers_that_have_begun_are_told_with_where_they_stand",)

    class reads(Transaction):  # noqa: N801
        def cursors(self, jurisdiction: str) -> list[tuple[str, int, int]]:
            found = {name.lower(): (name, seq, version) for name, seq, version in self.tx.cursors(jurisdiction)}
            return sorted(found.values())
