"""A small room for erasing: every way in which a record may be a person's, and every form of what is personal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, NewType

from attrs import evolve, frozen

from communitycore.kernel.change import Change, begin, step
from communitycore.kernel.command import Fold, Room, command
from communitycore.kernel.geometry import Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.record import Indexed, LegalGround, Max, Personal, Record, Unique, record
from communitycore.kernel.rules import PUBLIC, TIMER, Role, own, role
from communitycore.kernel.view import View

KEEPER = Role("keeper", "管理员助理")

PersonId = NewType("PersonId", str)
PageId = NewType("PageId", str)
ReplyId = NewType("ReplyId", str)
PostId = NewType("PostId", str)

COURT = LegalGround("a court has asked for it", "法院调取")


@frozen
class Line:
    """One line, as a nested value."""

    said: str
    on: date | None = None


@record("person", read=PUBLIC, subject=True, owner="id")
@frozen(kw_only=True)
class Person(Record[PersonId]):
    """Who keeps a diary; their own record has something personal in it."""

    same_as: Indexed[Ref | None] = None
    nick: Personal[str | None] = None


def _in_court(view: View, page: Page) -> LegalGround | None:
    """Kept while a court wants it."""
    return COURT if page.wanted else None


@record("page", read=own("writer") | role(KEEPER), owner="writer", keep=_in_court)
@frozen(kw_only=True)
class Page(Record[PageId]):
    """A page of a diary: what is personal in it may be missing, be defaulted, or be there always."""

    writer: Indexed[PersonId]
    title: Personal[Annotated[str, Max(60)]]
    lines: Personal[tuple[Line, ...]] = ()
    tags: Personal[tuple[str, ...]]
    phone: Personal[Unique[str | None]] = None
    spent: Personal[Money | None] = None
    place: Personal[Point | None] = None
    mood: Personal[str] = "untold"
    read_times: int = 0
    wanted: bool = False


@record("reply", read=PUBLIC, owner="page", actors=role(KEEPER))
@frozen(kw_only=True)
class Reply(Record[ReplyId]):
    """What the writer of a page answered: theirs, though it names the page alone. Who did it is for the keeper."""

    page: PageId
    text: Personal[str | None] = None


@record("post", read=PUBLIC, owner="holder", standing=True)
@frozen(kw_only=True)
class Post(Record[PostId]):
    """An office that somebody holds who need not be known here; a standing record."""

    holder: Indexed[Ref]
    motto: Personal[str | None] = None


@command("diary.join", may=PUBLIC)
def join(view: View, *, nick: str | None = None, same_as: Ref | None = None) -> Change[Person]:
    """Somebody begins a diary."""
    return begin("person.joined", Person(id=view.new(Person), nick=nick, same_as=same_as))


@command("diary.write", may=role(KEEPER))
def write(
    view: View,
    writer: PersonId,
    *,
    title: str,
    tags: tuple[str, ...] = (),
    lines: tuple[Line, ...] = (),
    phone: str | None = None,
    spent: Money | None = None,
    place: Point | None = None,
    mood: str = "untold",
) -> Change[Page]:
    """A page; a timer comes by after a day."""
    page = Page(
        id=view.new(Page),
        writer=writer,
        title=title,
        tags=tags,
        lines=lines,
        phone=phone,
        spent=spent,
        place=place,
        mood=mood,
    )
    return begin("page.written", page).at(view.now + timedelta(days=1), ponder)


@command("diary.reread", may=role(KEEPER))
def reread(view: View, page_id: PageId) -> Change[Page]:
    """A step that has nothing to do with what is personal."""
    page = view.get(Page, page_id)
    return step("page.reread", page, evolve(page, read_times=page.read_times + 1))


@command("diary.retitle", may=role(KEEPER))
def retitle(view: View, page_id: PageId, *, title: str) -> Change[Page]:
    """Something personal comes."""
    page = view.get(Page, page_id)
    return step("page.retitled", page, evolve(page, title=title))


@command("diary.want", may=role(KEEPER))
def want(view: View, page_id: PageId, *, wanted: bool) -> Change[Page]:
    """A court wants it, or wants it no longer."""
    page = view.get(Page, page_id)
    return step("page.wanted", page, evolve(page, wanted=wanted))


@command("diary.ponder", may=TIMER)
def ponder(view: View, page_id: PageId) -> Change[Page]:
    """The timer's bug, whose words are somebody's own."""
    raise ValueError(f"cannot ponder {view.get(Page, page_id).title}")


@command("diary.reply", may=PUBLIC)
def reply(view: View, page_id: PageId, *, text: str) -> Change[Reply]:
    """An answer, of the page's writer."""
    return begin("reply.made", Reply(id=view.new(Reply), page=page_id, text=text))


@command("diary.take_back", may=PUBLIC)
def take_back(view: View, reply_id: ReplyId) -> Change[Reply]:
    """Nothing personal is left in it, but for the salt."""
    made = view.get(Reply, reply_id)
    return step("reply.taken_back", made, evolve(made, text=None))


@command("diary.appoint", may=PUBLIC)
def appoint(view: View, *, holder: Ref, motto: str) -> Change[Post]:
    """An office."""
    return begin("post.given", Post(id=view.new(Post), holder=holder, motto=motto))


PAGES = Fold("diary.pages", frozenset({"page.written"}), lambda get, e: [("n", (get("n") or 0) + 1)], PUBLIC)

ROOM = Room(
    "diary",
    records=(Person, Page, Reply, Post),
    commands=(join, write, reread, retitle, want, ponder, reply, take_back, appoint),
    folds=(PAGES,),
    roles=(KEEPER,),
)
