"""Ids, references and the chance of one call."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Draw, Ref, check_id

AT = datetime(2024, 6, 4, 6, 30, tzinfo=UTC)


@given(st.text(max_size=40))
def test_an_id_is_visible_ascii_without_a_slash(text: str) -> None:
    good = re.fullmatch(r"[!-.0-~]{1,36}", text) is not None and not text.endswith("\n")
    if good:
        assert check_id(text) == text
    else:
        with pytest.raises(BadValue):
            check_id(text)


@given(st.from_regex(r"\A[!-.0-~]{1,36}\Z"), st.from_regex(r"\A[!-.0-~]{1,36}\Z"))
def test_a_reference_is_read_back_from_its_text(jurisdiction: str, id: str) -> None:
    ref = Ref(jurisdiction, id)
    assert Ref.parse(str(ref)) == ref


@pytest.mark.parametrize("text", ["", "a", "/", "a/", "/b", "a/b/c", "a b/c", "字/b"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        Ref.parse(text)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 300))
def test_the_same_seed_draws_the_same_ids_and_salts(seed: bytes, count: int) -> None:
    one, two = Draw(seed, AT), Draw(seed, AT)
    drawn = [one.id() for _ in range(count)]
    assert drawn == [two.id() for _ in range(count)]
    assert [one.salt(), one.salt()] == [two.salt(), two.salt()]
    again = one.again()
    assert [again.id() for _ in range(count)] == drawn
    assert one.ids == set(drawn[1:])  # the first is the cause


@given(st.binary(min_size=32, max_size=32), st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))
def test_ids_are_uuids_of_version_7_that_sort_as_drawn(seed: bytes, at: datetime) -> None:
    draw = Draw(seed, at.replace(tzinfo=UTC))
    drawn = [draw.id() for _ in range(50)]
    assert len(set(drawn)) == 50
    assert drawn == sorted(drawn)
    for text in drawn:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)
        assert parsed.int >> 80 == int(at.replace(tzinfo=UTC).timestamp() * 1000)


def test_another_seed_or_time_draws_others() -> None:
    base = Draw(b"a" * 32, AT)
    assert base.id() != Draw(b"b" * 32, AT).id()
    assert base.again().id() != Draw(b"a" * 32, AT + timedelta(seconds=1)).id()
    assert base.salt() != Draw(b"b" * 32, AT).salt()


def test_ids_tell_nothing_of_salts() -> None:
    draw = Draw(b"a" * 32, AT)
    assert not {draw.salt() for _ in range(9)} & {draw.id() for _ in range(9)}
