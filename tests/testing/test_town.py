"""A community to test in: real, the same each time, on any store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.hub.test_lockstep import SQLITE
from tests.testing.shelf import LIBRARIAN, SHELF, Book, add

import communitycore as cc
from communitycore.testing import Clock, town


def test_everything_it_makes_is_there_and_the_journal_is_whole() -> None:
    with town() as here:
        grid = here.grid()
        officer = here.officer(grid)
        ticket, wish, ledger, session = here.ticket(), here.wish(), here.ledger(), here.session()
        assert here.clerk().desk.get(cc.tickets.Ticket, ticket.id).status is cc.tickets.TicketStatus.REPORTED
        assert here.stranger().get(cc.wishes.Wish, wish.id).status is cc.wishes.WishStatus.OPEN
        assert here.admin.get(cc.funds.Ledger, ledger.id) == ledger
        assert here.admin.get(cc.services.Session, session.id).starts > here.now
        assert here.stranger().ask(cc.people.public_notice, grid.id).grid == grid.id
        assert officer.ref.jurisdiction == here.id
        assert here.hub.verify().ok


def test_the_same_lines_give_the_same_journal() -> None:
    anchors = []
    for _ in range(2):
        with town() as here:
            here.ticket()
            here.wish()
            anchors.append(here.hub.anchor())
    assert anchors[0] == anchors[1]
    with town(seed="another") as here:
        here.ticket()
        here.wish()
        assert here.hub.anchor() != anchors[0]


def test_time_moves_when_told_and_what_is_due_then_runs() -> None:
    with town(clock=Clock()) as here:
        wish = here.wish()
        donor = here.person()
        held = donor.desk.do(cc.wishes.claim, wish.id, claimant=donor.party)
        assert held.hold_until is not None
        assert here.advance(held.hold_until - here.now - timedelta(seconds=1)) == 0
        assert here.advance(timedelta(seconds=1)) == 1
        assert here.stranger().get(cc.wishes.Wish, wish.id).status is cc.wishes.WishStatus.OPEN


def test_a_room_of_ones_own_stands_beside_the_others() -> None:
    with town(SHELF) as here:
        book = here.person(LIBRARIAN).desk.do(add, title="红楼梦")
        assert here.admin.get(Book, book.id) == book
        with pytest.raises(cc.Refused):
            here.stranger().do(add, title="水浒传")


def test_a_veto_is_put_in_force_in_one_line() -> None:
    def never(view: cc.View, step: object) -> None:
        raise cc.Vetoed(veto="grids.never", why="never", why_zh="不允许")

    veto = cc.Veto("grids.never", frozenset({"grid.drawn"}), never)
    with town(vetoes=[veto]) as here:
        here.grid()
        here.force(veto)
        with pytest.raises(cc.Vetoed):
            here.grid()


@pytest.mark.skipif(not SQLITE, reason="communitycore-sql is not installed")
def test_several_towns_share_another_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'towns.db'}"
    with town(url=url) as one, town(url=url) as other:
        assert one.id != other.id
        one.ticket()
        other.ticket()
        assert len(one.hub.jurisdictions()) == 2
        assert one.hub.verify().ok
