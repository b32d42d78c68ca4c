"""Mistakes, each on a line marked E, which both type checkers must find, and find nothing else.

A line marked `E mypy` is found by mypy alone: pyright does not look into `attrs.evolve`.
"""

from __future__ import annotations

from shelf import Book, BookId, Card, CardId, Place, count, shelve, take

import communitycore as cc


def at_the_desk(desk: cc.Desk, hub: cc.Hub, book_id: BookId, card_id: CardId) -> None:
    desk.do(shelve, name="A")  # E
    desk.do(shelve, title=3)  # E
    desk.do(shelve)  # E
    desk.do(shelve, "A")  # E
    desk.do(take, card_id, holder=desk.actor)  # E
    desk.do(take, "any text", holder=desk.actor)  # E
    desk.do(take, book_id, holder="somebody")  # E
    desk.do(count, Place.IN)  # E
    desk.ask(count, "in")  # E
    desk.ask(shelve, title="A")  # E
    desk.get(Book, card_id)  # E
    desk.history(Card, book_id)  # E
    desk.find(Card)[0].titel  # E
    desk.do(shelve, title="A").titel  # E
    take.call(card_id, holder=desk.actor)  # E
    hub.desk("370115", actor="somebody")  # E


def in_a_command(view: cc.View, book_id: BookId, card_id: CardId) -> cc.Change[Book]:
    book = view.get(Book, book_id)
    view.get(Book, card_id)  # E
    view.get(Card, "any text")  # E
    Book(id=view.new(Book), titel="A")  # E
    Book(id=view.new(Card), title="A")  # E
    Book(id=view.new(Book), title=None)  # E
    Card(id=view.new(Card), holder="somebody")  # E
    cc.step("book.read", book, view.get(Card, card_id)).result.title  # E
    view.find(Book, limit="many")  # E
    book.pages = 4  # E
    cc.evolve(book, titel="A")  # E mypy
    cc.evolve(book, pages="four")  # E mypy
    return cc.begin("card.made", Card(id=view.new(Card), holder=view.actor))  # E
