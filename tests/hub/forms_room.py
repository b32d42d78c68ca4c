"""A library card in three forms, as three releases declared it, for the tests of what becomes of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

import communitycore as cc
from communitycore import (
    ADMINISTRATOR,
    Change,
    Indexed,
    Money,
    Personal,
    Record,
    Ref,
    Room,
    Unique,
    View,
    begin,
    command,
    evolve,
    frozen,
    many,
    note,
    record,
    removed,
    renamed,
    role,
    step,
    where,
)

CardId = NewType("CardId", str)
ADMIN = role(ADMINISTRATOR)


class Grade(StrEnum):
    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"


def grade_of(level: int) -> Grade:
    """What a number meant."""
    return (Grade.LOW, Grade.MIDDLE, Grade.HIGH)[min(max(level, 0), 2)]


def given_name(full: str) -> str:
    return full.partition(" ")[0]


def family_name(full: str) -> str | None:
    return full.partition(" ")[2] or None


@record("card", read=ADMIN, owner="holder")
@frozen(kw_only=True)
class Card1(Record[CardId]):
    """As it was first."""

    holder: Indexed[Ref | None] = None
    who: Indexed[str] = ""
    phone: Personal[str | None] = None
    level: Indexed[int] = 0
    colour: str | None = None
    fee: Money | None = None
    code: Unique[str | None] = None
    remark: str = ""
    secret: Personal[str | None] = None
    opened: Indexed[datetime]
    full: str = ""


TO_2 = (
    renamed("who", "name"),
    renamed("phone", "telephone"),
    renamed("code", "label"),
    removed("colour", str),
)


@record("card", read=ADMIN, owner="holder", schema=2, upcasters={1: TO_2})
@frozen(kw_only=True)
class Card2(Record[CardId]):
    """Clearer names, and a rank."""

    holder: Indexed[Ref | None] = None
    name: Indexed[str] = ""
    telephone: Personal[str | None] = None
    level: Indexed[int] = 0
    rank: Indexed[int] = 5
    fee: Money | None = None
    label: Unique[str | None] = None
    remark: str = ""
    secret: Personal[str | None] = None
    opened: Indexed[datetime]
    full: str = ""


TO_3 = (
    renamed("label", "tag"),
    renamed("fee", "price"),
    renamed("opened", "since"),
    renamed("level", "grade", was=int, by=grade_of),
    renamed("full", "given", was=str, by=given_name),
    renamed("full", "family", was=str, by=family_name),
    removed("secret", Personal[str]),
)


@record("card", read=ADMIN, owner="holder", schema=3, upcasters={1: TO_2, 2: TO_3})
@frozen(kw_only=True)
class Card3(Record[CardId]):
    """A grade instead of a level, and where it counts."""

    region: Indexed[str] = "here"
    holder: Indexed[Ref | None] = None
    name: Indexed[str] = ""
    telephone: Personal[str | None] = None
    grade: Indexed[Grade] = Grade.LOW
    rank: Indexed[int] = 5
    price: Money | None = None
    tag: Unique[str | None] = None
    remark: str = ""
    since: Indexed[datetime]
    given: str = ""
    family: str | None = None


FORMS: tuple[Any, ...] = (Card1, Card2, Card3)


def room_of(card: Any) -> Room:
    """The room as it was with this form; commands are called by name, since each form has its own."""

    @command("cards.open", may=ADMIN)
    def open_card(view: View, **fields: Any) -> Change[Any]:
        stamp = {"opened" if "opened" in card.__shape__.by_name else "since": view.now}
        return begin("card.opened", card(id=view.new(card), **{**stamp, **fields}))

    @command("cards.change", may=ADMIN)
    def change(view: View, card_id: CardId, /, **fields: Any) -> Change[Any]:
        held = view.get(card, card_id)
        return step("card.changed", held, evolve(held, **fields))

    @command("cards.remark", may=ADMIN)
    def remark(view: View, card_id: CardId, *, said: str) -> Change[Any]:
        return note("card.remarked", view.get(card, card_id), said=said)

    @command("cards.hand_over", may=ADMIN)
    def hand_over(view: View, giver_id: CardId, *, taker: CardId, field: str) -> Change[Any]:
        giver, other = view.get(card, giver_id), view.get(card, taker)
        freed = step("card.changed", giver, evolve(giver, **{field: None}))
        return freed.also(step("card.changed", other, evolve(other, **{field: getattr(giver, field)})))

    @command("cards.mark", may=ADMIN)
    def mark(view: View, *, field: str, value: Any, said: str) -> Change[Any]:
        found = view.find(card, where(field, value), limit=100)
        return many([step("card.marked", held, evolve(held, remark=said)) for held in found])

    commands = (open_card, change, remark, hand_over, mark)
    for made in commands:
        made.hints()["return"] = Change[tuple[card, ...]] if made is mark else Change[card]
    return Room("cards", records=[card], commands=commands)


def made_unique(**how: Any) -> Any:
    """The second form, but with a name that only one may have."""
    changes = tuple(c for c in TO_2 if c.old != "who")

    @record("card", read=ADMIN, owner="holder", schema=2, upcasters={1: (renamed("who", "name", **how), *changes)})
    @frozen(kw_only=True)
    class Named(Record[CardId]):
        holder: Indexed[Ref | None] = None
        name: Unique[str] = ""
        telephone: Personal[str | None] = None
        level: Indexed[int] = 0
        fee: Money | None = None
        label: Unique[str | None] = None
        remark: str = ""
        secret: Personal[str | None] = None
        opened: Indexed[datetime]
        full: str = ""

    return Named


ROOMS = tuple(room_of(card) for card in FORMS)
CODE = "370115"


def call(desk: cc.Desk, name: str, /, *args: Any, **fields: Any) -> cc.Call[Any]:
    """A call of the command of this name that the desk's hub has."""
    return desk.hub.catalogue.commands[f"cards.{name}"].call(*args, **fields)


def do(desk: cc.Desk, name: str, /, *args: Any, **fields: Any) -> Any:
    """Do it."""
    return desk.do_many([call(desk, name, *args, **fields)])[0].get()


def upcast(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What a card of this form reads as in form 3, written out by hand."""
    told = dict(values)
    if number < 2:
        told["name"], told["telephone"], told["label"] = told.pop("who"), told.pop("phone"), told.pop("code")
        told["rank"] = 5
        del told["colour"]
    if number < 3:
        told["tag"], told["price"], told["since"] = told.pop("label"), told.pop("fee"), told.pop("opened")
        told["grade"] = grade_of(told.pop("level"))
        full = told.pop("full")
        told["given"], told["family"] = given_name(full), family_name(full)
        told["region"] = "here"
        del told["secret"]
    return told
