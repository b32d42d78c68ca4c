"""Tools go from neighbour to neighbour and back, and nobody learns who has what."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

import communitycore as cc
from community_tools import (
    LENT,
    ROOM,
    TWO_AT_MOST,
    Keeping,
    Loan,
    Shelf,
    Tool,
    ToolOut,
    borrow,
    give_back,
    offer,
    withdraw,
)
from community_tools.names import NAMES
from community_tools.room import DAYS
from communitycore.plugins import collect
from communitycore.testing import Person, Town, make, strategies, town


def lend(keeper: Person, name: str = "冲击钻 impact drill") -> Tool:
    return keeper.desk.do(offer, name=name, keeper=keeper.ref, fetch_at="三号楼 101")


def test_a_tool_goes_home_with_one_neighbour_at_a_time(community: Town) -> None:
    li, wang, chen = (community.person() for _ in range(3))
    drill = lend(li)
    loan = wang.desk.do(borrow, drill.id, borrower=wang.ref)
    with pytest.raises(ToolOut) as out:
        chen.desk.do(borrow, drill.id, borrower=chen.ref)
    assert f"{community.now + DAYS:%Y-%m-%d}" in out.value.say("zh")
    assert wang.desk.do(give_back, loan.id).back is not None
    assert chen.desk.do(borrow, drill.id, borrower=chen.ref).borrower == chen.ref
    assert community.hub.verify().ok


def test_nobody_borrows_or_gives_back_for_another(community: Town) -> None:
    li, wang, chen = (community.person() for _ in range(3))
    drill = lend(li)
    with pytest.raises(cc.Refused):
        chen.desk.do(borrow, drill.id, borrower=wang.ref)
    loan = wang.desk.do(borrow, drill.id, borrower=wang.ref)
    with pytest.raises(cc.Refused):
        chen.desk.do(give_back, loan.id)
    back = li.desk.do(give_back, loan.id)
    assert wang.desk.do(give_back, loan.id) == back


def test_strangers_see_the_tool_and_neither_whose_it_is_nor_who_has_it(community: Town) -> None:
    li, wang = community.person(), community.person()
    drill = lend(li)
    wang.desk.do(borrow, drill.id, borrower=wang.ref)
    stranger = community.person().desk
    assert [tool.shelf for tool in stranger.find(Tool)] == [Shelf.LENT]
    assert (stranger.find(Keeping), stranger.find(Loan)) == ([], [])
    assert [loan.borrower for loan in li.desk.find(Loan)] == [wang.ref]


def test_a_tool_that_is_out_is_not_withdrawn(community: Town) -> None:
    li, wang = community.person(), community.person()
    drill = lend(li)
    (keeping,) = li.desk.find(Keeping)
    loan = wang.desk.do(borrow, drill.id, borrower=wang.ref)
    with pytest.raises(cc.Refused):
        li.desk.do(withdraw, keeping.id)
    li.desk.do(give_back, loan.id)
    assert li.desk.do(withdraw, keeping.id).shelf is Shelf.WITHDRAWN
    assert li.desk.do(withdraw, keeping.id).version == 4
    with pytest.raises(ToolOut):
        wang.desk.do(borrow, drill.id, borrower=wang.ref)


def test_a_reminder_comes_after_three_days_unless_it_is_back(community: Town) -> None:
    li, wang = community.person(), community.person()
    late, back = lend(li, "锯"), lend(li, "梯子")
    loans = [wang.desk.do(borrow, tool.id, borrower=wang.ref) for tool in (late, back)]
    wang.desk.do(give_back, loans[1].id)
    assert community.advance(DAYS - timedelta(seconds=1)) == 0
    assert community.advance(timedelta(seconds=1)) == 1
    assert [entry.name for entry in wang.desk.history(Tool, late.id)][-1] == "tool.overdue"
    assert community.admin.figure(LENT, "2024-06") == {"loan.made": 2, "loan.ended": 1, "tool.overdue": 1}


def test_the_veto_holds_where_it_is_in_force_alone(community: Town) -> None:
    li, wang = community.person(), community.person()
    tools = [lend(li, name) for name in ("锯", "梯子", "冲击钻", "扳手")]
    loans = [wang.desk.do(borrow, tool.id, borrower=wang.ref) for tool in tools[:3]]
    wang.desk.do(give_back, loans[0].id)
    community.force(TWO_AT_MOST)
    with pytest.raises(cc.Vetoed):
        wang.desk.do(borrow, tools[3].id, borrower=wang.ref)
    wang.desk.do(give_back, loans[1].id)
    wang.desk.do(borrow, tools[3].id, borrower=wang.ref)


def test_where_one_fetches_a_tool_is_erased_with_its_keeper(community: Town) -> None:
    li = community.person()
    lend(li)
    community.hub.erase(li.ref, actor=community.admin.actor, reason="request 7")
    (keeping,) = community.clerk().desk.find(Keeping)
    assert keeping.fetch_at is None
    assert community.hub.verify().ok


def test_categories_are_suggested_by_the_words_of_their_names(community: Town) -> None:
    lamps = community.category("楼道照明", name_en="stairway lights")
    community.category("垃圾清运")
    choices = community.admin.ask(cc.tickets.choices)
    assert [s.choice for s in NAMES.suggest("三楼楼道的灯不亮", choices)] == [lamps.id]
    assert [s.choice for s in NAMES.suggest("The lights are out", choices)] == [lamps.id]
    assert list(NAMES.suggest("谢谢", choices)) == []


def test_what_a_hub_finds_installed() -> None:
    found = collect([("tools", lambda: import_module("community_tools.plugin"))])
    assert (found.rooms, found.vetoes, found.classifiers, found.faults) == ((ROOM,), (TWO_AT_MOST,), (NAMES,), {})


@given(strategies.records(Loan))
def test_every_loan_is_kept_as_it_is(loan: Loan) -> None:
    shape = Loan.__shape__
    assert shape.read_row(shape.to_row(loan, 1, None)) == cc.evolve(loan, version=1)


def test_a_tool_by_hand() -> None:
    assert make(Tool, name="锯").shelf is Shelf.ON_OFFER


class Lives(RuleBasedStateMachine):
    """Random lives of tools, with whatever else may be asked of the room in between."""

    tools = Bundle("tools")
    loans = Bundle("loans")

    def __init__(self) -> None:
        super().__init__()
        self.here = town(ROOM, vetoes=[TWO_AT_MOST])
        self.people = [self.here.person() for _ in range(3)]

    def teardown(self) -> None:
        assert self.here.hub.verify().ok
        self.here.close()

    @rule(target=tools, n=st.integers(0, 2))
    def offer_one(self, n: int) -> Tool:
        return lend(self.people[n])

    @rule(target=loans, tool=tools, n=st.integers(0, 2))
    def borrow_one(self, tool: Tool, n: int) -> Loan:
        who = self.people[n]
        free = who.desk.get(Tool, tool.id).shelf is Shelf.ON_OFFER
        try:
            loan = who.desk.do(borrow, tool.id, borrower=who.ref)
        except ToolOut:
            assert not free
            return self.here.clerk().desk.find(Loan, cc.where(Loan.tool, tool.id))[-1]
        assert free
        return loan

    @rule(loan=loans)
    def give_one_back(self, loan: Loan) -> None:
        assert self.here.desk(loan.borrower).do(give_back, loan.id).back is not None

    @rule(days=st.integers(0, 4))
    def wait(self, days: int) -> None:
        self.here.advance(timedelta(days=days))

    @rule(data=st.data())
    def ask_anything(self, data: st.DataObject) -> None:
        stranger = self.here.stranger()
        (outcome,) = stranger.do_many([data.draw(strategies.calls(stranger, ROOM.commands))])
        assert outcome.error is None or isinstance(outcome.error, cc.CommunityCoreError)

    @invariant()
    def what_is_out_is_lent_to_one(self) -> None:
        desk = self.here.clerk().desk
        out = [loan.tool for loan in desk.find(Loan, cc.where(Loan.back, None))]
        lent = [tool.id for tool in desk.find(Tool, cc.where(Tool.shelf, Shelf.LENT))]
        assert sorted(out) == sorted(lent)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
