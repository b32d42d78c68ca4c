"""Good use, which both type checkers must accept, with the types that they must see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from shelf import Book, BookId, Card, CardId, Place, back, count, shelve, take

import communitycore as cc


def at_the_desk(desk: cc.Desk, hub: cc.Hub) -> None:
    book = desk.do(shelve, title="A", pages=3)
    assert_type(book, Book)
    assert_type(book.id, BookId)
    assert_type(book.title, str)
    assert_type(book.place, Place)
    assert_type(desk.do(take, book.id, holder=desk.actor), Book)
    assert_type(desk.do(take, book_id=book.id, holder=desk.actor), Book)
    assert_type(desk.keyed("k").occurred(datetime.now(UTC)).do(shelve, title="A"), Book)
    outcomes = desk.do_many([take.call(book.id, holder=desk.actor), shelve.call(title="B")])
    assert_type(outcomes[0].get(), Book)
    assert_type(desk.get(Book, book.id), Book)
    assert_type(desk.find(Book, cc.where(Book.place, Place.OUT), order=Book.title), list[Book])
    assert_type(desk.history(Book, book.id), list[cc.Entry])
    assert_type(desk.ask(count, Place.IN), int)
    assert_type(hub.desk("370115", actor=cc.Ref("a", "b")), cc.Desk)


def in_a_command(view: cc.View, book_id: BookId, card_id: CardId) -> cc.Change[Book]:
    book = view.get(Book, book_id)
    assert_type(book, Book)
    assert_type(view.get(Card, card_id), Card)
    assert_type(view.new(Card), CardId)
    assert_type(view.one(Card, cc.where(Card.holder, view.actor)), Card | None)
    assert_type(view.find(Book, cc.where(Book.pages, at_least=3), limit=1), list[Book])
    change = cc.step("book.read", book, cc.evolve(book, pages=4)).also(cc.note("card.seen", view.get(Card, card_id)))
    assert_type(change, cc.Change[Book])
    assert_type(change.giving(None), cc.Change[None])
    assert_type(view.after(change).get(Book, book_id), Book)
    assert_type(cc.many([change, change]), cc.Change[tuple[Book, ...]])
    return change.at(view.now, back)
