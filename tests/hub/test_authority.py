"""Who may do and who may read: every way to be admitted, and no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen
from tests.hub import room
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.room import Card, Loan, NeighbourId, Tool

import communitycore as cc
from communitycore.hub.catalogue import Catalogue
from communitycore.kernel.change import Change, begin
from communitycore.kernel.command import Command, Room, command
from communitycore.kernel.errors import Mistake, NotAllowed, NotFound
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.jurisdiction import Grant, GrantEnded, end, give
from communitycore.kernel.record import Record, record
from communitycore.kernel.rules import PUBLIC, Rule, linked, own, role
from communitycore.kernel.view import View


@pytest.fixture
def bench() -> Bench:
    return open_bench()


def nid(ref: Ref) -> NeighbourId:
    return NeighbourId(ref.id)


def grant(bench: Bench, place: str, who: Ref, what: cc.Role = room.KEEPER, **more: Any) -> Grant:
    return bench.at(bench.admin, place).do(give, holder=who, role=what, **more)


def may_add(bench: Bench, who: Ref, place: str | None = None) -> bool:
    try:
        bench.at(who, place).do(room.add, name="saw")
    except NotAllowed as refused:
        assert refused.actor == str(who)
        assert refused.what == "tools.add"
        assert "keeper" in refused.say("en")
        assert "管理员助理" in refused.say("zh")
        return False
    return True


# roles


def test_a_role_holds_where_it_was_given_and_below_but_not_above_or_beside(bench: Bench) -> None:
    sister = bench.hub.found("370115001002", name="第二社区", level="community", parent="370115", first=bench.admin).id
    here, above = Ref("x", "here"), Ref("x", "above")
    grant(bench, bench.community, here)
    grant(bench, bench.district, above)
    places = [bench.community, sister, bench.district]
    assert [may_add(bench, here, place) for place in places] == [True, False, False]
    assert [may_add(bench, above, place) for place in places] == [True, True, True]
    assert not may_add(bench, Ref("x", "nobody"))


def test_another_role_does_not_do(bench: Bench) -> None:
    who = Ref("x", "nurse")
    grant(bench, bench.community, who, room.NURSE)
    assert not may_add(bench, who)
    assert not may_add(bench, bench.admin)


def test_a_grant_holds_from_its_first_moment_to_before_its_last(bench: Bench) -> None:
    who = Ref("x", "temp")
    grant(bench, bench.community, who, until=bench.clock() + DAY)
    assert may_add(bench, who)
    bench.clock.advance(DAY - timedelta(microseconds=1))
    assert may_add(bench, who)
    bench.clock.advance(timedelta(microseconds=1))
    assert not may_add(bench, who)


def test_an_ended_grant_ends_at_once_also_from_above(bench: Bench) -> None:
    who = Ref("x", "temp")
    given = grant(bench, bench.district, who)
    assert may_add(bench, who)
    bench.at(bench.admin, bench.district).do(end, given.id)
    assert not may_add(bench, who)
    with pytest.raises(GrantEnded):
        bench.at(bench.admin, bench.district).do(end, given.id)


def test_nobody_gives_or_ends_a_role_without_being_administrator(bench: Bench) -> None:
    for who in (bench.keeper, Ref("x", "nobody")):
        with pytest.raises(NotAllowed):
            bench.at(who).do(give, holder=who, role=cc.ADMINISTRATOR)


def test_an_administrator_below_is_none_above(bench: Bench) -> None:
    below = Ref("x", "below")
    grant(bench, bench.community, below, cc.ADMINISTRATOR)
    bench.at(below).do(give, holder=below, role=room.KEEPER)
    with pytest.raises(NotAllowed):
        bench.at(below, bench.district).do(give, holder=below, role=room.KEEPER)


def test_a_role_for_one_record_admits_to_that_record_alone(bench: Bench) -> None:
    who, mine, other = Ref("x", "one"), bench.tool(), bench.tool()
    grant(bench, bench.community, who, record=mine.id)
    desk = bench.at(who)
    desk.do(room.inspect, mine.id, remark="fine")
    desk.do(room.inspect, tool_id=mine.id, remark="fine")
    for refused in (
        lambda: desk.do(room.inspect, other.id, remark="fine"),
        lambda: desk.do(room.add, name="saw"),
    ):
        with pytest.raises(NotAllowed):
            refused()


def test_a_role_for_one_record_is_not_stretched_by_naming_it_in_passing(bench: Bench) -> None:
    """The id of one's own record, given as a remark or as another argument, opens no other record."""
    who, mine, other = Ref("x", "one"), bench.tool(tag="A1"), bench.tool(tag="B1")
    grant(bench, bench.community, who, record=mine.id)
    desk = bench.at(who)
    for sly in (
        lambda: desk.do(room.inspect, other.id, remark=mine.id),
        lambda: desk.do(room.retag, other.id, tag=mine.id),
        lambda: desk.do(room.add, name=mine.id),
        lambda: desk.do(room.hand_tag, other.id, taker=mine.id),
        lambda: desk.do(room.issue_card, NeighbourId(other.id), name=mine.id),
    ):
        with pytest.raises(NotAllowed):
            sly()


def test_a_role_for_one_record_reads_that_record_by_get_find_and_history(bench: Bench) -> None:
    neighbour, who = bench.neighbour(), Ref("x", "one")
    mine = bench.desk.do(room.issue_card, nid(neighbour), name="张")
    other = bench.desk.do(room.issue_card, nid(neighbour), name="李")
    grant(bench, bench.community, who, record=mine.id)
    desk = bench.at(who)
    assert desk.get(Card, mine.id).name == "张"
    assert [c.id for c in desk.find(Card)] == [mine.id]
    assert len(desk.history(Card, mine.id)) == 1
    for read in (desk.get, desk.history):
        with pytest.raises(NotAllowed):
            read(Card, other.id)


# ownership


def test_one_owns_what_an_argument_names(bench: Bench) -> None:
    me, you, tool = bench.neighbour(), bench.neighbour(), bench.tool()
    with pytest.raises(NotAllowed):
        bench.at(you).do(room.lend, tool.id, to=nid(me))
    assert bench.at(me).do(room.lend, tool.id, to=nid(me)).holder == me.id


def test_one_owns_what_a_field_of_the_named_record_names(bench: Bench) -> None:
    me, you, tool = bench.neighbour(), bench.neighbour(), bench.tool()
    bench.at(me).do(room.lend, tool.id, to=nid(me))
    with pytest.raises(NotAllowed):
        bench.at(you).do(room.bring_back, tool.id)
    assert bench.at(me).do(room.bring_back, tool.id).holder is None
    with pytest.raises(NotAllowed):
        bench.at(me).do(room.bring_back, tool.id)
    with pytest.raises(NotAllowed):
        bench.at(me).do(room.bring_back, room.ToolId("nothing"))


def test_one_from_elsewhere_owns_what_their_twin_here_owns(bench: Bench) -> None:
    far = Ref(bench.district, "far-away")
    stranger = Ref(bench.district, "stranger")
    twin = bench.neighbour(same_as=far)
    tool = bench.tool()
    with pytest.raises(NotAllowed):
        bench.at(stranger).do(room.lend, tool.id, to=nid(twin))
    assert bench.at(far).do(room.lend, tool.id, to=nid(twin)).holder == twin.id
    card = bench.at(far).do(room.issue_card, nid(twin), name="张")
    assert bench.at(far).get(Card, card.id) == card
    assert bench.at(far).find(Card) == [card]
    with pytest.raises(NotAllowed):
        bench.at(stranger).get(Card, card.id)
    # an id that happens to be the same in another jurisdiction is somebody else's
    with pytest.raises(NotAllowed):
        bench.at(Ref(bench.district, twin.id)).get(Card, card.id)


def test_one_who_has_the_same_id_elsewhere_is_somebody_else(bench: Bench) -> None:
    me = bench.neighbour()
    mine = grant(bench, bench.community, me)
    theirs = grant(bench, bench.community, Ref("elsewhere", me.id))
    assert [g.id for g in bench.at(me).find(Grant)] == [mine.id]
    with pytest.raises(NotAllowed):
        bench.at(me).get(Grant, theirs.id)


def test_one_linked_by_a_record_may(bench: Bench) -> None:
    me, you, tool = bench.neighbour(), bench.neighbour(), bench.tool()
    bench.at(me).do(room.lend, tool.id, to=nid(me))
    bench.desk.do(room.bring_back, tool.id)
    bench.at(you).do(room.lend, tool.id, to=nid(you))
    assert bench.at(me).do(room.prolong, tool.id, days=3).holder == you.id  # once had it, so is linked for good
    with pytest.raises(NotAllowed):
        bench.at(bench.neighbour()).do(room.prolong, tool.id, days=3)


# the system


def test_a_timers_command_is_for_timers_alone(bench: Bench) -> None:
    tool = bench.tool()
    for who in (
        bench.admin,
        bench.keeper,
        bench.neighbour(),
        Ref(bench.community, "timer"),
        Ref("x", "timer:tools.remind"),
    ):
        with pytest.raises(NotAllowed):
            bench.at(who).do(room.remind, tool.id)
        with pytest.raises(NotAllowed):
            bench.at(who).do(room.replace, tool.id)


@pytest.mark.parametrize("name", ["timer", "timer:tools.remind", "reaction", "reaction:x", "anything"])
def test_nobody_sits_at_a_desk_as_the_system(bench: Bench, name: str) -> None:
    tool = bench.tool()
    with pytest.raises(cc.Refused):
        bench.at(Ref("system", name)).do(room.remind, tool.id)


@pytest.mark.parametrize(
    "who", [Ref("a b", "c"), Ref("a", ""), Ref("a", "x" * 37), Ref("字", "b"), Ref("a", "b/c"), Ref("a", "\0")]
)
def test_an_actor_that_no_store_holds_is_refused(bench: Bench, who: Ref) -> None:
    with pytest.raises(cc.Refused):
        bench.at(who).do(room.enrol)


# reading


def test_reading_obeys_the_kinds_rule_in_get_find_and_history(bench: Bench) -> None:
    me, you = bench.neighbour(), bench.neighbour()
    mine = bench.desk.do(room.issue_card, nid(me), name="张")
    yours = bench.desk.do(room.issue_card, nid(you), name="李")
    assert {c.id for c in bench.desk.find(Card)} == {mine.id, yours.id}
    desk = bench.at(me)
    assert desk.get(Card, mine.id) == mine
    assert desk.find(Card) == [mine]
    assert len(desk.history(Card, mine.id)) == 1
    for read in (desk.get, desk.history):
        with pytest.raises(NotAllowed):
            read(Card, yours.id)
        with pytest.raises(NotFound):
            read(Card, room.CardId("nothing"))
    nobody = bench.at(Ref("x", "nobody"))
    assert nobody.find(Card) == nobody.find(Grant) == []


def test_pages_of_what_one_may_read_are_full_and_miss_nothing(bench: Bench) -> None:
    me, you = bench.neighbour(), bench.neighbour()
    mine = {
        bench.desk.do(room.issue_card, nid(who), name=f"{n}").id for n in range(20) for who in (me, you, you) if who
    }
    desk, after, got = bench.at(me), None, []
    while page := desk.find(Card, limit=7, after=after):
        got += page
        after = page[-1]
        assert len(page) == 7 or len(got) == 20
    assert len(got) == len({c.id for c in got}) == 20
    assert {c.id for c in got} < mine
    assert {c.neighbour for c in got} == {me.id}


def test_questions_and_figures_have_their_own_rule(bench: Bench) -> None:
    nobody = bench.at(Ref("x", "nobody"))
    assert nobody.ask(room.limits) == ()
    assert nobody.figures(room.TALLY) == []
    for refused in (
        lambda: nobody.ask(room.audit),
        lambda: nobody.figures(room.HIDDEN),
        lambda: nobody.figure(room.HIDDEN, "n"),
    ):
        with pytest.raises(NotAllowed):
            refused()
    assert bench.desk.ask(room.audit) == 0
    assert bench.desk.figures(room.HIDDEN) == []


def test_a_command_is_not_asked_as_a_question(bench: Bench) -> None:
    with pytest.raises(Mistake):
        bench.desk.ask(room.add, name="saw")  # type: ignore[arg-type]


def test_what_is_revealed_leaves_a_note(bench: Bench) -> None:
    nurse = Ref("x", "nurse")
    grant(bench, bench.community, nurse, room.NURSE)
    card = bench.desk.do(room.issue_card, nid(bench.neighbour()), name="张")
    desk = bench.at(nurse)
    with pytest.raises(NotAllowed):
        desk.get(Card, card.id)
    assert desk.do(room.look_up, card.id, reason="allergy").name == "张"
    told = bench.desk.history(Card, card.id)[-1]
    assert (told.name, told.by, told.changes()) == ("card.looked_up", nurse, {"reason": "allergy"})
    with pytest.raises(Mistake, match="without a note"):
        desk.do(room.look_up, card.id, reason="x", tell=False)
    with pytest.raises(NotAllowed):
        bench.at(bench.keeper).do(room.look_up, card.id, reason="x")


def test_what_was_revealed_once_is_not_shown_again_by_its_key(bench: Bench) -> None:
    nurse = Ref("x", "nurse")
    given = grant(bench, bench.community, nurse, room.NURSE)
    card = bench.desk.do(room.issue_card, nid(bench.neighbour()), name="张")
    desk = bench.at(nurse).keyed("k")
    desk.do(room.look_up, card.id, reason="allergy")
    bench.at(bench.admin).do(end, given.id)
    before = len(bench.journal())
    with pytest.raises(NotAllowed):
        desk.do(room.look_up, card.id, reason="allergy")
    assert len(bench.journal()) == before


def test_one_who_may_not_learns_nothing_from_the_rest_of_the_command(bench: Bench) -> None:
    """The rule is asked first: whether the tool exists, or is out, is not told to those who may not lend it."""
    you = bench.neighbour()
    me = bench.neighbour()
    for tool in ("nothing", bench.tool().id):
        with pytest.raises(NotAllowed):
            bench.at(you).do(room.lend, room.ToolId(tool), to=nid(me))


# rooms


@record("secret", read=own("holder"))
@frozen(kw_only=True)
class Secret(Record[str]):
    holder: NeighbourId


def made(may: Rule, returns: Any, **more: Any) -> Command[..., Any]:
    def do(view: View, holder_id: NeighbourId, *, other: str = "") -> Any:
        return begin("secret.made", Secret(id="s", holder=holder_id))

    do.__annotations__["return"] = returns
    return command("test.do", may=may, **more)(do)


def check(*commands: Command[..., Any]) -> None:
    Catalogue((JURISDICTIONS, room.ROOM, Room("test", records=[Secret], commands=commands))).check()


def test_a_room_is_refused_when_a_result_is_not_readable_by_all_it_admits() -> None:
    check(made(own("holder"), Change[Secret]))
    check(made(PUBLIC, Change[None]))
    check(made(PUBLIC, Change[Tool]))
    check(made(PUBLIC, Change[Secret], reveals=(Secret,)))
    for may, returns in (
        (PUBLIC, Change[Secret]),
        (role(room.KEEPER), Change[Secret]),
        (own("holder") | role(room.KEEPER), Change[tuple[Tool, Secret]]),
        (PUBLIC, Change[tuple[Secret, ...]]),
        (role(room.KEEPER, room.NURSE), Change[Card]),
        (PUBLIC, Change[Loan]),
    ):
        with pytest.raises(Mistake, match="may not read"):
            check(made(may, returns))


@pytest.mark.parametrize("returns", [Change[int], Change[Any], None, int, Change[list[Tool]]])
def test_a_room_is_refused_when_a_result_is_not_records(returns: Any) -> None:
    with pytest.raises(Mistake):
        check(made(PUBLIC, returns))


@pytest.mark.parametrize(
    "rule", [own("nobody"), own("holder.nothing"), own("other.holder"), linked(Loan, "tool", "neighbour", "nothing")]
)
def test_a_room_is_refused_when_a_rule_names_nothing(rule: Any) -> None:
    with pytest.raises(Mistake):
        check(made(rule, Change[None]))


def test_a_room_is_refused_when_a_timer_or_reaction_could_never_run() -> None:
    shy = made(role(room.KEEPER), Change[None])
    with pytest.raises(Mistake, match="REACTION"):
        Catalogue(
            (
                JURISDICTIONS,
                room.ROOM,
                Room("t", records=[Secret], commands=[shy], reactions=[cc.Reaction("t.r", on="x", run=shy)]),
            )
        ).check()


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(Mistake, match="twice"):
        check(made(PUBLIC, Change[None]), made(PUBLIC, Change[None]))
    other = Room("other", records=[Secret], commands=[])
    with pytest.raises(Mistake, match="twice"):
        Catalogue((other, Room("third", records=[_other_secret()], commands=[])))


def _other_secret() -> type[Any]:
    @record("secret", read=PUBLIC)
    @frozen(kw_only=True)
    class Other(Record[str]):
        name: str

    return Other


def test_two_subjects_are_refused() -> None:
    @record("second", read=PUBLIC, subject=True)
    @frozen(kw_only=True)
    class Second(Record[str]):
        same_as: cc.Indexed[Ref | None] = None

    with pytest.raises(Mistake, match="subject"):
        Catalogue((room.ROOM, Room("t", records=[Second], commands=[])))


@pytest.mark.parametrize("name", ["nodot", "with space.x", "x." + "y" * 60, "字.x", "a#b.c", "a.b@c", "a/b.c", "a.\n"])
def test_a_commands_name_is_plain(name: str) -> None:
    def do(view: View) -> Change[None]:
        raise AssertionError

    with pytest.raises(Mistake):
        Catalogue((Room("t", records=[], commands=[command(name, may=PUBLIC)(do)]),))
