"""The kinds of record with which a store is tried without a hub: every stored type, and what it must tell apart."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, NewType

from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.record import PUBLIC, Indexed, Max, Personal, Record, Unique, record, shape_of
from communitycore.kernel.shape import Row, Shape
from communitycore.kernel.values import frozen
from communitycore.ports import Key, Timer

SampleId = NewType("SampleId", str)
OrderId = NewType("OrderId", str)


class Colour(StrEnum):
    """Some words."""

    RED = "red"
    GREEN = "green"
    DARK_RED = "dark_red"


@record("sample", read=PUBLIC, owner="id")
@frozen(kw_only=True)
class Sample(Record[SampleId]):
    """A field of every stored type that may be empty, and one of each that may not."""

    name: Indexed[str] = ""
    count: Indexed[int] = 0
    sharp: Indexed[bool] = False
    seen: Indexed[datetime]
    day: Indexed[date]
    colour: Indexed[Colour] = Colour.RED
    weight: Indexed[Decimal] = Decimal(1)
    home: Indexed[SampleId]
    text: str = ""
    short: Annotated[str, Max(5)] = ""
    label: Unique[str | None] = None
    number: Unique[int | None] = None
    moment: Unique[datetime | None] = None
    tag: Indexed[str | None] = None
    amount: Indexed[int | None] = None
    fair: bool | None = None
    until: Indexed[datetime | None] = None
    birthday: Personal[date | None] = None
    hue: Indexed[Colour | None] = None
    exact: Decimal | None = None
    maker: Indexed[Ref | None] = None
    other: Indexed[SampleId | None] = None
    fee: Money | None = None
    parts: tuple[str, ...] | None = None


@record("order", read=PUBLIC)
@frozen(kw_only=True)
class Order(Record[OrderId]):
    """A kind whose name and fields are words of SQL."""

    group: Indexed[str] = ""
    select: Unique[int | None] = None


SAMPLE: Shape = shape_of(Sample)
ORDER: Shape = shape_of(Order)
KINDS = (SAMPLE, ORDER)


def old_and_new() -> tuple[Shape, Shape]:
    """One kind as an older and as a newer set of records declares it."""

    @record("leaflet", read=PUBLIC)
    @frozen(kw_only=True)
    class Old(Record[SampleId]):
        name: Indexed[str] = ""

    @record("leaflet", read=PUBLIC)
    @frozen(kw_only=True)
    class New(Record[SampleId]):
        name: Indexed[str] = ""
        title: Indexed[str | None] = None
        number: Unique[int | None] = None
        pages: int = 1

    return shape_of(Old), shape_of(New)


def changed() -> Shape:
    """The older kind again, one of its fields of another type."""

    @record("leaflet", read=PUBLIC)
    @frozen(kw_only=True)
    class Changed(Record[SampleId]):
        name: Indexed[int] = 0

    return shape_of(Changed)


# Text that a store is apt to fold, trim, normalise or misplace, in no particular order.
TEXTS = (
    "", " ", "a", "a ", " a", "A", "B", "b", "é", "e\u0301", "É", "z", "Z", "ß", "ss", "ﬁ", "fi", "ｱ", "ア",
    "ı", "i", "I", "济阳", "济阳 ", "濟陽", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U00020bb7野家", "😀",
    "👩\u200d🌾", "אב", "\u202eא", "'; --", 'a"b\\', "%", "_", "\n", "\r\n", "\t", "\x01", "\x7f",
    "\u0085", "\u2028", "\ufeff", "\n٣", "null", "NULL", "0", "00", "1e0", "true",
)  # fmt: skip
MOMENTS = tuple(f"2024-06-0{n}T06:30:00.00000{n}Z" for n in range(1, 7))
EXTREMES = (-(1 << 63), -(1 << 53) - 1, -1, 0, 1, 2, (1 << 31), (1 << 53) + 1, (1 << 63) - 1)
IDS = tuple(f"id-{n}" for n in range(6))
VALUES: dict[str, tuple[Any, ...]] = {
    "id": IDS,
    "ref": ("here/id-1", "there/id-1", "there/id-2"),
    "text": TEXTS,
    "int": EXTREMES,
    "bool": (0, 1),
    "time": MOMENTS,
    "date": ("0001-01-01", "2024-06-01", "2024-06-02", "9999-12-31"),
    "enum": ("red", "green", "dark_red"),
    "decimal": ("1.10", "1.1", "-3", "1E+2", "10"),
    "nested": ('["麦"]', "[]"),
}
"""Stored values of every type, as they stand in a row."""

_FILLED: dict[str, Any] = {
    "name": "", "count": 0, "sharp": 0, "seen": MOMENTS[0], "day": "2024-06-01", "colour": "red", "weight": "1",
    "home": "home", "text": "", "short": "",
}  # fmt: skip


def row(shape: Shape, id: str, version: int = 1, **values: Any) -> Row:
    """A row as it is stored; columns that are not given are null."""
    if unknown := values.keys() - shape.position.keys():
        raise KeyError(f"{shape.kind} has no {sorted(unknown)}")
    said = {"id": id, "version": version, "schema": 1, **values}
    return tuple(said.get(column.name) for column in shape.columns)


def sample(id: str, version: int = 1, **values: Any) -> Row:
    """A row of SAMPLE; fields that are not given have their defaults."""
    return row(SAMPLE, id, version, **{**_FILLED, **values})


def order(id: str, version: int = 1, **values: Any) -> Row:
    """A row of ORDER."""
    return row(ORDER, id, version, **{"group": "", **values})


def timer(record: str = "id-0", command: str = "tools.remind", source: str = "", **values: Any) -> Timer:
    """A timer that is due at the first of MOMENTS, unless told otherwise."""
    said: dict[str, Any] = {
        "due": MOMENTS[0], "seq": 1, "kind": "sample", "record": record, "command": command, "source": source,
        "cause": "cause", "behalf": None, "depth": 0, "attempts": 0, "wake": values.get("due", MOMENTS[0]),
        "parked": None, **values,
    }  # fmt: skip
    return Timer(**said)


def key(name: str = "k", actor: str = "here/a", **values: Any) -> Key:
    """An idempotency key."""
    said = {"cause": "cause", "salt": "5" * 64, "mac": "a" * 64, "result": '["sample","id-0"]', "at": MOMENTS[0]}
    return Key(actor=actor, key=name, **{**said, **values})
