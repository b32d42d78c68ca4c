"""A small room of one's own, beside the built-in ones."""

from __future__ import annotations

from typing import NewType

import communitycore as cc

BookId = NewType("BookId", str)
LIBRARIAN = cc.Role("librarian", "图书管理员")


@cc.record("shelf_book", read=cc.PUBLIC)
@cc.frozen(kw_only=True)
class Book(cc.Record[BookId]):
    """A book 图书 on a shelf."""

    title: str


@cc.command("shelf.add", may=cc.role(LIBRARIAN))
def add(view: cc.View, *, title: str) -> cc.Change[Book]:
    """Put a book there."""
    return cc.begin("book.added", Book(id=view.new(Book), title=title))


@cc.command("shelf.drop", may=cc.role(LIBRARIAN))
def retitle(view: cc.View, book_id: BookId, *, title: str) -> cc.Change[Book]:
    """Call it otherwise."""
    book = view.get(Book, book_id)
    return cc.step("book.retitled", book, cc.evolve(book, title=title))


SHELF = cc.Room("shelf", records=(Book,), commands=(add, retitle), roles=(LIBRARIAN,))
