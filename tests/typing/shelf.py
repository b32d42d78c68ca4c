"""A small room for the files beside this one."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

import communitycore as cc

BookId = NewType("BookId", str)
CardId = NewType("CardId", str)
LENDER = cc.Role("lender", "管理员")


class Place(StrEnum):
    IN = "in"
    OUT = "out"


@cc.record("book", states=cc.States(Place, start={Place.IN}, then={Place.IN: {Place.OUT}}), read=cc.PUBLIC)
@cc.frozen(kw_only=True)
class Book(cc.Record[BookId]):
    """A book 书."""

    title: cc.Unique[str]
    pages: int = 0
    place: cc.Indexed[Place] = Place.IN


@cc.record("card", read=cc.own("holder"), owner="holder")
@cc.frozen(kw_only=True)
class Card(cc.Record[CardId]):
    """A card 卡."""

    holder: cc.Ref
    telephone: cc.Personal[str | None] = None


@cc.command("book.shelve", may=cc.role(LENDER))
def shelve(view: cc.View, *, title: str, pages: int = 0) -> cc.Change[Book]:
    """A new book."""
    return cc.begin("book.shelved", Book(id=view.new(Book), title=title, pages=pages))


@cc.command("book.take", may=cc.own("holder"))
def take(view: cc.View, book_id: BookId, *, holder: cc.Ref) -> cc.Change[Book]:
    """Take it."""
    book = view.get(Book, book_id)
    return cc.step("book.taken", book, cc.evolve(book, place=Place.OUT))


@cc.command("book.back", may=cc.TIMER)
def back(view: cc.View, book_id: BookId) -> cc.Change[Book]:
    """Nothing to do."""
    return cc.unchanged(view.get(Book, book_id))


@cc.read("book.count", may=cc.PUBLIC)
def count(view: cc.View, place: Place) -> int:
    """How many there are."""
    return len(view.find(Book, cc.where(Book.place, place), limit=100))
