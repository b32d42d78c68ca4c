"""Timers and reactions that wait, idempotency keys, and what followers keep."""

from __future__ import annotations

from typing import Any

import pytest

from communitycore.conformance.books import FOLD, Books
from communitycore.conformance.kinds import MOMENTS, TEXTS, key, timer
from communitycore.conformance.suite import Suite
from communitycore.kernel.errors import KeyReused
from communitycore.ports import Timer

EARLY, MIDDLE, LATE = MOMENTS[0], MOMENTS[2], MOMENTS[4]


class Timers(Suite):
    """Timers wait under record, command and source, and are given in the order of (due, seq)."""

    def all(self, books: Books, until: str | None = None, limit: int = 1_000) -> list[Timer]:
        """Those that wait."""
        with books.reading() as tx:
            return tx.timers(books.id, until, limit)

    def test_every_field_of_a_timer_comes_back_as_it_was(self, books: Books) -> None:
        full = timer(
            "r" * 36, "c" * 60, "9223372036854775807", due="0001-01-01T00:00:00.000001Z", seq=(1 << 63) - 1,
            kind="k" * 40, cause="0190-cause", behalf=f"{'j' * 36}/{'a' * 36}", depth=16, attempts=9,
            wake="9999-12-31T23:59:59.999999Z", parked="".join(TEXTS)[:500],
        )  # fmt: skip
        books.write(timers=[full, timer("a")])
        with books.reading() as tx:
            assert tx.timer(books.id, full.key) == full
            assert repr(tx.timer(books.id, full.key)) == repr(full)
            assert tx.timer(books.id, timer("a").key) == timer("a")
            assert tx.timer(books.id, ("a", "tools.remind", "1")) is None

    def test_timers_are_given_in_the_order_of_due_then_seq(self, books: Books) -> None:
        """And not in that of wake: one that failed once comes back in its place."""
        made = [
            timer("a", due=LATE, seq=1), timer("b", due=EARLY, seq=9), timer("c", due=EARLY, seq=2),
            timer("d", due=MIDDLE, seq=3, wake=MOMENTS[5]), timer("e", due=MIDDLE, seq=10),
            timer("f", due=MIDDLE, seq=9),
        ]  # fmt: skip
        books.write(timers=made)
        assert [t.record for t in self.all(books)] == ["c", "b", "d", "f", "e", "a"]
        assert [t.record for t in self.all(books, MOMENTS[5])] == ["c", "b", "d", "f", "e", "a"]
        assert [t.record for t in self.all(books, MOMENTS[5], 3)] == ["c", "b", "d"]
        assert [t.record for t in self.all(books, None, 2)] == ["c", "b"]

    def test_timers_set_by_one_entry_for_one_moment_are_ordered_by_their_key(self, books: Books) -> None:
        made = [timer(r, c, s) for r in ("b", "a") for c in ("y", "x") for s in ("2", "", "10")]
        books.write(timers=made)
        assert [t.key for t in self.all(books)] == sorted(t.key for t in made)

    def test_only_those_are_due_whose_wake_has_come_and_that_are_not_parked(self, books: Books) -> None:
        made = [
            timer("a", due=EARLY), timer("b", due=EARLY, wake=LATE), timer("c", due=EARLY, parked="出错"),
            timer("d", due=LATE), timer("e", due=EARLY, parked=""),
        ]  # fmt: skip
        books.write(timers=made)
        assert [t.record for t in self.all(books, EARLY)] == ["a"]
        assert [t.record for t in self.all(books, MOMENTS[3])] == ["a"]
        assert [t.record for t in self.all(books, LATE)] == ["a", "b", "d"]
        assert [t.record for t in self.all(books, "2000-01-01T00:00:00.000000Z")] == []
        assert [t.record for t in self.all(books)] == ["a", "b", "c", "e", "d"]

    def test_setting_a_timer_again_replaces_it(self, books: Books) -> None:
        books.write(timers=[timer("a", due=EARLY), timer("a", source="7")])
        books.write(timers=[timer("a", due=LATE, seq=5, attempts=2)])
        assert self.all(books) == [timer("a", source="7"), timer("a", due=LATE, seq=5, attempts=2)]

    def test_a_removed_timer_is_gone_and_removing_what_is_not_there_does_nothing(self, books: Books) -> None:
        books.write(timers=[timer("a"), timer("b")])
        books.write(removed=[timer("a").key, ("a", "tools.remind", "1"), ("x", "y", "")])
        assert self.all(books) == [timer("b")]
        books.write(removed=[timer("b").key, timer("b").key], timers=[timer("b", seq=2)])
        assert self.all(books) == [timer("b", seq=2)]

    def test_one_records_timers_are_ordered_by_command_and_reactions_are_not_among_them(self, books: Books) -> None:
        made = [timer("a", "y", due=EARLY), timer("a", "x", due=LATE), timer("a", "x", "3"), timer("b", "x")]
        books.write(timers=[*made, timer("a", "z", parked="why")])
        with books.reading() as tx:
            assert [t.command for t in tx.timers_of(books.id, "a")] == ["x", "y", "z"]
            assert tx.timers_of(books.id, "b") == [timer("b", "x")]
            assert tx.timers_of(books.id, "A") == []

    def test_the_next_wake_is_the_earliest_of_those_not_parked_and_not_named(self, books: Books) -> None:
        made = [
            timer("a", due=EARLY, wake=LATE), timer("b", due=MIDDLE), timer("c", due=EARLY, parked="why"),
            timer("d", due=LATE, wake=MOMENTS[5]),
        ]  # fmt: skip
        with books.reading() as tx:
            assert tx.next_wake(books.id, []) is None
        books.write(timers=made, next_wake=MIDDLE)
        with books.reading() as tx:
            assert tx.next_wake(books.id, []) == MIDDLE
            assert tx.next_wake(books.id, [made[1].key]) == LATE
            assert tx.next_wake(books.id, [made[1].key, made[0].key, ("x", "y", "")]) == MOMENTS[5]
            assert tx.next_wake(books.id, [each.key for each in made]) is None

    def test_each_jurisdiction_has_timers_of_its_own(self, books: Books) -> None:
        other = Books(books.store)
        books.write(timers=[timer("a")])
        other.write(timers=[timer("a", due=LATE)])
        other.write(removed=[timer("a").key])
        assert (self.all(books), self.all(other)) == ([timer("a")], [])


class Keys(Suite):
    """A key is kept once for an actor of a jurisdiction, and told apart sign by sign."""

    def kept(self, books: Books, name: str, actor: str = "here/a") -> Any:
        """The key, if it was kept."""
        with books.reading() as tx:
            return tx.key(books.id, actor, name)

    def test_every_field_of_a_key_comes_back_as_it_was(self, books: Books) -> None:
        full = key(
            "😀" * 191, f"{'j' * 36}/{'a' * 36}", cause="0190-cause", salt="0123456789abcdef" * 4, mac="f" * 64,
            result='["sample","' + "r" * 36 + '"]', at="9999-12-31T23:59:59.999999Z",
        )  # fmt: skip
        many = key("m", result="[" + ",".join(['["sample","' + "r" * 36 + '"]'] * 1_000) + "]")
        books.write(keys=[full, many, key("n", result="null")])
        assert self.kept(books, full.key, full.actor) == full
        assert self.kept(books, "m") == many
        assert self.kept(books, "n") == key("n", result="null")

    def test_a_key_is_one_actors_in_one_jurisdiction(self, books: Books) -> None:
        other = Books(books.store)
        books.write(keys=[key("k"), key("k", "here/b", cause="b")])
        other.write(keys=[key("k", cause="there")])
        assert self.kept(books, "k").cause == "cause"
        assert self.kept(books, "k", "here/b").cause == "b"
        assert self.kept(other, "k").cause == "there"
        assert self.kept(books, "k", "here/c") is None

    def test_keys_are_told_apart_sign_by_sign(self, books: Books) -> None:
        books.write(keys=[key(text, cause=f"c-{n}") for n, text in enumerate(TEXTS)])
        assert [self.kept(books, text).cause for text in TEXTS] == [f"c-{n}" for n in range(len(TEXTS))]

    def test_an_emptied_key_stays_and_tells_of_its_call_no_more(self, books: Books) -> None:
        other = Books(books.store)
        for each in (books, other):
            each.write(keys=[key("k"), key("l"), key("k", "here/b")])
        books.write(emptied=[("here/a", "k"), ("here/b", "k")])
        assert self.kept(books, "k") == key("k", salt="", mac="")
        assert self.kept(books, "k", "here/b") == key("k", "here/b", salt="", mac="")
        assert self.kept(books, "l") == key("l")
        assert self.kept(other, "k") == key("k")
        books.write(keys=[key("m")], emptied=[("here/a", "l"), ("here/a", "k"), ("here/a", "no such")])
        assert [self.kept(books, name).mac for name in "klm"] == ["", "", key().mac]

    def test_keys_are_found_by_their_causes_however_many(self, books: Books) -> None:
        other = Books(books.store)
        other.write(keys=[key("k", cause="c-1")])
        some = [key(f"k-{n}", cause=f"c-{n}") for n in range(3)]
        books.write(keys=[*some, key("k-1", "here/b", cause="c-1"), key("a", cause="c-1"), key("z", cause="C-1")])
        with books.reading() as tx:
            found = tx.keys_caused(books.id, ["c-1"])
            assert [(one.actor, one.key) for one in found] == [("here/a", "a"), ("here/a", "k-1"), ("here/b", "k-1")]
            assert found[1] == some[1]
            assert tx.keys_caused(books.id, []) == tx.keys_caused(books.id, ["c", "c-", "c-11", ""]) == []
            many = [f"c-{n}" for n in range(2_500, -1, -1)]
            assert [one.key for one in tx.keys_caused(books.id, many)] == ["a", "k-0", "k-1", "k-2", "k-1"]

    def test_a_key_is_kept_once(self, books: Books) -> None:
        books.write(keys=[key("k", cause="first")])
        with pytest.raises(KeyReused):
            books.write(notes=["a"], keys=[key("k", cause="second")])
        assert self.kept(books, "k").cause == "first"
        assert books.entries() == []


class Figures(Suite):
    """A fold's rows and its cursor are kept together, by fold and jurisdiction."""

    def test_a_fold_that_never_ran_stands_at_nothing(self, books: Books) -> None:
        with books.reading() as tx:
            assert tx.cursor(FOLD, books.id) == (0, 0)
            assert tx.figures(FOLD, books.id) == []
            assert tx.figure(FOLD, books.id, "a") is None

    def test_rows_are_put_replaced_and_deleted_with_the_cursor(self, books: Books) -> None:
        books.fold({"a": "1", "b": '{"n":1}', "c": "null"}, 3, 1)
        books.fold({"a": "2", "b": None, "x": None}, 7, 1)
        with books.reading() as tx:
            assert tx.cursor(FOLD, books.id) == (7, 1)
            assert tx.figures(FOLD, books.id) == [("a", "2"), ("c", "null")]
            assert [tx.figure(FOLD, books.id, k) for k in "abcx"] == ["2", None, "null", None]

    def test_a_cursor_moves_without_rows(self, books: Books) -> None:
        books.fold({}, 5, 2)
        with books.reading() as tx:
            assert tx.cursor(FOLD, books.id) == (5, 2)

    def test_starting_anew_leaves_nothing_older(self, books: Books) -> None:
        books.fold({"a": "1", "b": "1"}, 3, 1)
        books.fold({"b": "2"}, 4, 2, anew=True)
        with books.reading() as tx:
            assert tx.figures(FOLD, books.id) == [("b", "2")]
            assert tx.cursor(FOLD, books.id) == (4, 2)

    def test_rows_are_ordered_by_the_code_points_of_their_keys_and_told_apart(self, books: Books) -> None:
        books.fold({text: f'"{n}"' for n, text in enumerate(TEXTS)})
        with books.reading() as tx:
            figures = tx.figures(FOLD, books.id)
            assert [name for name, _ in figures] == sorted(TEXTS)
            assert [tx.figure(FOLD, books.id, text) for text in TEXTS] == [f'"{n}"' for n in range(len(TEXTS))]

    def test_a_row_of_any_length_comes_back_whole(self, books: Books) -> None:
        long = '{"麦😀":"' + "麦😀" * 200_000 + '"}'
        books.fold({"k" * 191: long, "😀" * 191: "1"})
        with books.reading() as tx:
            assert tx.figure(FOLD, books.id, "k" * 191) == long
            assert tx.figure(FOLD, books.id, "😀" * 191) == "1"

    def test_each_fold_and_jurisdiction_has_rows_of_its_own(self, books: Books) -> None:
        other = Books(books.store)
        books.fold({"a": "1"}, 3)
        with books.store.writing() as tx:
            tx.lock(books.id)
            tx.fold("kit.other", books.id, {"a": "2"}, 9, 1, anew=True)
            tx.commit()
        with books.reading() as reading:
            assert (reading.figure(FOLD, books.id, "a"), reading.cursor(FOLD, books.id)) == ("1", (3, 1))
            assert (reading.figure("kit.other", books.id, "a"), reading.cursor("kit.other", books.id)) == ("2", (9, 1))
            assert (reading.figures(FOLD, other.id), reading.cursor(FOLD, other.id)) == ([], (0, 0))

    def test_a_fold_that_was_rolled_back_moved_neither_rows_nor_cursor(self, books: Books) -> None:
        books.fold({"a": "1"}, 3)
        with books.store.writing() as tx:
            tx.lock(books.id)
            tx.fold(FOLD, books.id, {"a": "2", "b": "2"}, 9, 1, anew=True)
        with books.reading() as reading:
            assert reading.figures(FOLD, books.id) == [("a", "1")]
            assert reading.cursor(FOLD, books.id) == (3, 1)
