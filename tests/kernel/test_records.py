"""Records: what a declaration may hold, and that every value comes back as it went in, byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, ClassVar, Literal, NewType

import attrs
import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from communitycore import built_in_rooms
from communitycore.kernel.change import begin, step
from communitycore.kernel.errors import BadValue, Damaged, Mistake
from communitycore.kernel.geometry import Area, Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import state_digest
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.money import Money
from communitycore.kernel.record import Indexed, Max, Personal, Record, Unique, record, shape_of
from communitycore.kernel.rules import PUBLIC

PotId = NewType("PotId", str)
SALT = "5" * 64


class Glaze(StrEnum):
    RED = "red"
    BLUE = "blue"


class OtherGlaze(StrEnum):
    RED = "red"


@frozen
class Chip:
    where: str
    seen: datetime | None = None
    cost: Money | None = None


@record("pot", read=PUBLIC, owner="id")
@frozen(kw_only=True)
class Pot(Record[PotId]):
    """Every type of field, each optional but the first."""

    text: str
    short: Annotated[str, Max(3)] | None = None
    tag: Unique[str | None] = None
    number: int | None = None
    flag: bool | None = None
    time: datetime | None = None
    day: date | None = None
    exact: Decimal | None = None
    glaze: Indexed[Glaze | None] = None
    price: Money | None = None
    other: PotId | None = None
    ref: Ref | None = None
    numbers: tuple[int, ...] = ()
    chips: tuple[Chip, ...] = ()
    point: Point | None = None
    area: Area | None = None
    secret: Personal[str | None] = None
    born: Personal[Indexed[date | None]] = None


SHAPE = shape_of(Pot)
SQUARE = Area.from_text("[[[[116.0,36.0],[116.5,36.0],[116.5,36.5],[116.0,36.5],[116.0,36.0]]]]")

storable = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=50)
ids = st.text(st.sampled_from("abz09-_:."), min_size=1, max_size=36)
times = st.datetimes(
    timezones=st.timezones() | st.just(UTC), min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)
)
whole = st.integers(-(2**63), 2**63 - 1)
money = st.builds(Money, whole, st.sampled_from(["CNY", "JPY", "KWD"]))
chips = st.builds(Chip, storable, st.none() | times, st.none() | money)
points = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))
pots = st.builds(
    Pot,
    id=ids,
    text=storable,
    short=st.none() | st.text("字ab", max_size=3),
    tag=st.none() | storable,
    number=st.none() | whole,
    flag=st.none() | st.booleans(),
    time=st.none() | times,
    day=st.none() | st.dates(),
    exact=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=4),
    glaze=st.none() | st.sampled_from(Glaze),
    price=st.none() | money,
    other=st.none() | ids,
    ref=st.none() | st.builds(Ref, ids, ids),
    numbers=st.lists(whole, max_size=3).map(tuple),
    chips=st.lists(chips, max_size=2).map(tuple),
    point=st.none() | points,
    area=st.none() | st.just(SQUARE),
    secret=st.none() | storable,
    born=st.none() | st.dates(),
)


@given(pots)
def test_every_value_comes_back_as_it_went_in(pot: Pot) -> None:
    row = SHAPE.to_row(pot, 3, SALT)
    assert len(row) == len(SHAPE.columns)
    assert all(value is None or type(value) in (str, int) for value in row)
    # Python calls a time that a change of clocks makes ambiguous unequal to the same instant in another zone.
    chips = tuple(evolve(chip, seen=chip.seen and chip.seen.astimezone(UTC)) for chip in pot.chips)
    assert SHAPE.read_row(row) == evolve(pot, version=3, time=pot.time and pot.time.astimezone(UTC), chips=chips)


@given(pots, pots, st.data())
def test_a_step_writes_the_row_that_its_record_would_have_by_itself(
    first: Pot, other: Pot, data: st.DataObject
) -> None:
    """A step copies from the row before it what both records share, which must not show."""
    names = [f.name for f in SHAPE.fields]
    changed = data.draw(st.sets(st.sampled_from(names)))
    before = begin("pot.made", first).result
    after = evolve(before, **{name: getattr(other, name) for name in changed})
    made = step("pot.moved", before, after).steps[0]
    assert made.row == SHAPE.to_row(after, 2, None)
    read = SHAPE.read_row(SHAPE.to_row(first, 4, SALT))
    again = evolve(read, **{name: getattr(other, name) for name in changed})
    assert step("pot.moved", read, again).steps[0].row == SHAPE.to_row(again, 5, None)


def test_a_step_of_a_record_made_by_hand_checks_every_field() -> None:
    forged = Pot(id="p", version=3, text="a\0b")
    with pytest.raises(BadValue, match="text"):
        step("pot.moved", forged, evolve(forged, number=1))


@given(storable)
def test_text_of_any_script_keeps_its_bytes(text: str) -> None:
    row = SHAPE.to_row(Pot(id="p", text=text, chips=(Chip(text),)), 1, SALT)
    back = SHAPE.read_row(row)
    assert back.text.encode() == back.chips[0].where.encode() == text.encode()


def test_text_is_not_normalised() -> None:
    composed, decomposed = "\u00e9", "e\u0301"
    assert SHAPE.to_row(Pot(id="p", text=composed), 1, SALT) != SHAPE.to_row(Pot(id="p", text=decomposed), 1, SALT)


@given(pots, pots)
def test_a_difference_holds_exactly_the_fields_that_changed(before: Pot, after: Pot) -> None:
    old, new = SHAPE.to_row(before, 1, SALT), SHAPE.to_row(after, 2, SALT)
    told = json.loads(SHAPE.difference(old, new))
    whole_old, whole_new = SHAPE.read_row(old), SHAPE.read_row(new)
    # -0.0 and 0.0, or one instant told in two zones, are one value
    changed = {f.name for f in SHAPE.fields if getattr(whole_old, f.name) != getattr(whole_new, f.name)}
    exact = {"exact"}  # 1.0 and 1.00 are equal, and yet not the same text
    assert told.keys() - exact == changed - exact
    assert changed <= told.keys()


@given(pots)
def test_a_personal_value_stands_in_text_and_difference_as_its_hmac_alone(pot: Pot) -> None:
    secret = "机密-Zhang-3"
    pot = evolve(pot, secret=secret, born=date(1987, 3, 9))
    row = SHAPE.to_row(pot, 1, SALT)
    empty = SHAPE.to_row(evolve(pot, secret=None, born=None), 2, SALT)
    for told in (SHAPE.text(row), SHAPE.difference(row, empty), SHAPE.difference(empty, row)):
        assert secret not in told
        assert "1987-03-09" not in told
        assert '"secret":' in told
        assert "hmac" in told


def test_equal_personal_values_in_two_rows_give_different_hmacs() -> None:
    pot = Pot(id="p", text="t", secret="13800000000", born=date(1987, 3, 9))
    one, two = SHAPE.to_row(pot, 1, "1" * 64), SHAPE.to_row(pot, 1, "2" * 64)
    assert SHAPE.text(one) != SHAPE.text(two)
    assert SHAPE.text(one) == SHAPE.text(SHAPE.to_row(pot, 1, "1" * 64))


def test_the_same_text_in_two_personal_fields_gives_different_hmacs() -> None:
    @record("twice", read=PUBLIC, owner="id")
    @frozen(kw_only=True)
    class Twice(Record[PotId]):
        a: Personal[str]
        b: Personal[str]

    shape = shape_of(Twice)
    told = json.loads(shape.text(shape.to_row(Twice(id="p", a="x", b="x"), 1, SALT)))
    assert told["a"] != told["b"]


def test_a_field_added_later_changes_no_text_and_no_digest() -> None:
    @record("jar", read=PUBLIC)
    @frozen(kw_only=True)
    class Before(Record[PotId]):
        name: str
        many: tuple[int, ...] = ()

    @record("jar", read=PUBLIC)
    @frozen(kw_only=True)
    class After(Record[PotId]):
        added: Indexed[int] = 7
        name: str
        many: tuple[int, ...] = ()
        worth: Money | None = None

    old, new = shape_of(Before), shape_of(After)
    row = old.to_row(Before(id="j", name="n", many=(1,)), 1, None)
    stored = dict(zip((c.name for c in old.columns), row, strict=True))
    grown = tuple(stored.get(c.name) for c in new.columns)
    assert old.text(row) == new.text(grown)
    assert state_digest(old, row, old.text(row)) == state_digest(new, grown, new.text(grown))
    read = new.read_row(grown)
    assert read == After(id="j", version=1, name="n", many=(1,), added=7)
    # its next step writes the default out: what the record said then shall not change with the declaration
    moved = step("jar.moved", read, evolve(read, name="m")).steps[0]
    assert moved.row == new.to_row(moved.after, 2, None)


def test_a_field_added_later_inside_a_nested_value_changes_no_text() -> None:
    @frozen
    class Old:
        a: int

    @frozen
    class New:
        a: int
        b: str | None = None

    from communitycore.kernel import convert

    assert convert.to_text(Old(1)) == convert.to_text(New(1)) == '{"a":1}'


BAD: list[tuple[str, Any]] = [
    ("text", "a\0b"),
    ("text", "cut \ud83d"),
    ("text", "\udc00"),
    ("text", "x" * 10_001),
    ("text", 5),
    ("text", None),
    ("text", b"bytes"),
    ("short", "four"),
    ("tag", "x" * 192),
    ("number", 2**63),
    ("number", -(2**63) - 1),
    ("number", True),
    ("number", 1.0),
    ("number", "1"),
    ("flag", 1),
    ("flag", "yes"),
    ("time", datetime(2024, 6, 4)),
    ("time", "2024-06-04"),
    ("time", date(2024, 6, 4)),
    ("time", datetime.min.replace(tzinfo=timezone(timedelta(hours=8)))),
    ("day", datetime(2024, 6, 4, tzinfo=UTC)),
    ("day", "2024-06-04"),
    ("exact", Decimal("NaN")),
    ("exact", Decimal("Infinity")),
    ("exact", 1.5),
    ("exact", Decimal("1" * 61)),
    ("glaze", "red"),
    ("glaze", OtherGlaze.RED),
    ("price", 12),
    ("price", 12.5),
    ("price", Money(2**63)),
    ("other", "with space"),
    ("other", "a/b"),
    ("other", ""),
    ("other", "x" * 37),
    ("other", "字"),
    ("ref", "a/b"),
    ("ref", Ref("a b", "c")),
    ("numbers", [1]),
    ("numbers", (1.5,)),
    ("numbers", (True,)),
    ("numbers", (2**63,)),
    ("numbers", ("1",)),
    ("numbers", (float("nan"),)),
    ("chips", (Chip("\ud83d"),)),
    ("chips", (Chip("a\0b"),)),
    ("chips", (Chip("x" * 10_001),)),
    ("chips", (Chip(5),)),
    ("chips", (Chip("a", datetime(2024, 6, 4)),)),
    ("chips", (Chip("a", None, 12.5),)),
    ("chips", ("a",)),
    ("chips", (object(),)),
    ("point", (1.0, 2.0)),
    ("area", "[]"),
    ("secret", "a\0"),
    ("secret", 13800000000),
    ("born", "1987-03-09"),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda v: repr(v)[:30])
def test_what_no_store_holds_is_refused_when_the_change_is_made_and_the_field_is_named(field: str, value: Any) -> None:
    pot = evolve(Pot(id="p", text="t"), **{field: value})
    with pytest.raises(BadValue) as caught:
        begin("pot.made", pot)
    assert caught.value.field == f"pot.{field}"
    assert caught.value.say("zh")


@pytest.mark.parametrize("id", ["", "a b", "a/b", "x" * 37, "字", "a\n", None, 5])
def test_an_id_that_no_store_holds_is_refused(id: Any) -> None:
    with pytest.raises(BadValue):
        begin("pot.made", Pot(id=id, text="t"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("secret", 13800000000), ("born", "1987-03-09"), ("secret", b"138000"), ("secret", "138000" * 9999)],
)
def test_an_error_never_tells_a_personal_value(field: str, value: Any) -> None:
    with pytest.raises(BadValue) as caught:
        begin("pot.made", evolve(Pot(id="p", text="t"), **{field: value}))
    for told in (str(caught.value), repr(caught.value), caught.value.say("zh")):
        assert "138000" not in told
        assert "1987" not in told


@given(st.text(max_size=20), st.integers())
@settings(max_examples=200)
def test_whatever_is_given_is_held_or_refused_by_us(text: str, number: int) -> None:
    try:
        row = SHAPE.to_row(Pot(id="p", text=text, number=number, tag=text, secret=text), 1, SALT)
    except BadValue:
        return
    assert SHAPE.read_row(row).text == text


@pytest.mark.parametrize("field", ["time", "day", "exact", "glaze", "chips", "point", "area", "ref"])
def test_bytes_that_are_not_what_they_claim_are_damage_and_say_so(field: str) -> None:
    row = list(SHAPE.to_row(Pot(id="p", text="t"), 1, SALT))
    row[SHAPE.position[field]] = "rubbish"
    with pytest.raises(Damaged) as caught:
        SHAPE.read_row(tuple(row))
    assert (caught.value.kind, caught.value.id) == ("pot", "p")


def test_a_required_value_that_is_missing_is_damage() -> None:
    row = list(SHAPE.to_row(Pot(id="p", text="t"), 1, SALT))
    row[SHAPE.position["text"]] = None
    with pytest.raises(Damaged):
        SHAPE.read_row(tuple(row))


# declarations


class Colour(Enum):
    RED = 1


class Long(StrEnum):
    NAME = "x" * 41


@attrs.define
class Mutable:
    a: int


@frozen
class FloatForId:
    id: float


@frozen
class HoldsFloat:
    a: float


@pytest.mark.parametrize(
    "declared",
    [
        dict[str, str],
        dict,
        float,
        set[str],
        frozenset[str],
        list[str],
        bytes,
        object,
        Any,
        Colour,
        Long,
        str | int,
        Literal["a"],
        tuple,
        tuple[float, ...],
        HoldsFloat,
        tuple[HoldsFloat, ...],
        FloatForId,
        Mutable,
        Indexed[tuple[int, ...]],
        Indexed[Money],
        Unique[Area],
        Personal[str],
        float | None,
    ],
    ids=str,
)
def test_a_field_that_no_store_can_hold_is_refused_when_it_is_declared(declared: Any) -> None:
    made = attrs.make_class(
        "Odd",
        {"field": attrs.field()},
        bases=(Record,),
        frozen=True,
        kw_only=True,
        class_body={"__annotations__": {"field": declared}},
    )
    made.__annotations__["field"] = declared
    with pytest.raises(Mistake):
        record("odd", read=PUBLIC)(made)


def test_a_field_without_a_type_is_refused() -> None:
    made = attrs.make_class("Odd", {"field": attrs.field()}, bases=(Record,), frozen=True, kw_only=True)
    with pytest.raises(Mistake, match=r"odd\.field"):
        record("odd", read=PUBLIC)(made)


def test_a_class_variable_is_no_field() -> None:
    @record("fine", read=PUBLIC)
    @frozen(kw_only=True)
    class Fine(Record[PotId]):
        many: ClassVar[list[int]] = [1]
        name: str

    assert [f.name for f in shape_of(Fine).fields] == ["name"]


def test_every_kind_of_the_library_can_be_stored() -> None:
    """Their types are read when first asked for: only a test tells before that what no store could hold."""
    kinds = [cls for room in (JURISDICTIONS, *built_in_rooms()) for cls in room.records]
    for cls in kinds:
        shape = shape_of(cls)
        assert [f.name for f in shape.fields] == [a.name for a in attrs.fields(cls) if a.name not in ("id", "version")]
    assert len(kinds) > 25


def test_a_kind_of_the_library_that_cannot_be_stored_is_told_when_it_is_asked_for() -> None:
    made = attrs.make_class("Odd", {}, bases=(Record,), frozen=True, kw_only=True)
    made.__module__, made.__annotations__ = "communitycore.domain.odd", {"field": float}
    shape = shape_of(record("odd", read=PUBLIC)(made))
    assert shape.kind == "odd"
    for _ in range(2):
        with pytest.raises(Mistake, match=r"odd\.field"):
            shape.columns  # noqa: B018


def test_a_record_without_frozen_is_refused() -> None:
    class Plain(Record[PotId]):
        name: str

    with pytest.raises(Mistake):
        record("plain", read=PUBLIC)(Plain)


def test_a_class_that_is_no_record_is_refused() -> None:
    @frozen
    class Plain:
        id: str

    with pytest.raises(Mistake):
        record("plain", read=PUBLIC)(Plain)


@pytest.mark.parametrize("name", ["schema", "salt", "jurisdiction"])
def test_the_stores_own_column_names_are_refused(name: str) -> None:
    made = attrs.make_class("Odd", {name: attrs.field()}, bases=(Record,), frozen=True, kw_only=True)
    made.__annotations__ = {name: str}
    with pytest.raises(Mistake, match=name):
        record("odd", read=PUBLIC)(made)


def test_a_field_that_collides_with_a_money_column_is_refused() -> None:
    @frozen(kw_only=True)
    class Odd(Record[PotId]):
        fee: Money
        fee_amount: int

    with pytest.raises(Mistake, match="fee_amount"):
        record("odd", read=PUBLIC)(Odd)


@pytest.mark.parametrize("kind", ["", "Pot", "a b", "x" * 41, "罐", "a-b"])
def test_a_kind_has_a_plain_name(kind: str) -> None:
    @frozen(kw_only=True)
    class Fine(Record[PotId]):
        name: str

    with pytest.raises(Mistake):
        record(kind, read=PUBLIC)(Fine)


def test_an_owner_that_is_no_field_is_refused() -> None:
    @frozen(kw_only=True)
    class Odd(Record[PotId]):
        name: Personal[str]

    with pytest.raises(Mistake, match="owner"):
        record("odd", read=PUBLIC, owner="nobody")(Odd)


def test_a_record_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Pot(id="p", text="t").text = "u"  # type: ignore[misc]
