"""The law's rules that tickets touch, each a test named after it (G3, G5, G7, G8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.domain.tickets_world import DISTRICT, EAST, PHOTO, REPORTER_NAME, WEST, World, build

import communitycore as cc
from communitycore import people, places, tickets
from communitycore.domain.places import CodePart
from communitycore.domain.roles import CLERK, PROPERTY_STAFF, SUPERVISOR
from communitycore.domain.tickets import (
    Category,
    CategoryCode,
    Load,
    Part,
    Recusal,
    Source,
    Ticket,
    TicketReporter,
    TicketStatus,
)
from communitycore.kernel import convert
from communitycore.kernel.errors import NotAllowed
from communitycore.kernel.ids import HIDDEN
from communitycore.kernel.journal import chain_hash, values_of
from communitycore.kernel.jurisdiction import give

S = TicketStatus


@pytest.fixture
def world() -> World:
    return build()


# G3


def test_g3_categories_have_two_levels_and_are_parts_or_events(world: World) -> None:
    lamp = world.lamp
    assert lamp.parent is not None
    with pytest.raises(tickets.CategoryTooDeep):
        world.admin.do(tickets.define_category, name_zh="灯泡", part=Part.PART, parent_id=lamp.id)
    with pytest.raises(tickets.CategoryPartDiffers):
        world.admin.do(tickets.define_category, name_zh="积水", part=Part.EVENT, parent_id=lamp.parent)
    over = world.hub.desk(DISTRICT, world.hub.administrator(DISTRICT))
    with pytest.raises(tickets.CategoryInUse):
        over.do(tickets.retire_category, lamp.parent)
    with pytest.raises(tickets.CategoryOfAbove):
        world.admin.do(tickets.retire_category, lamp.id)
    over.do(tickets.retire_category, lamp.id)
    with pytest.raises(tickets.CategoryRetired):
        world.reported()
    assert (lamp.name(), lamp.name("zh"), world.litter.part) == ("Street lamp", "路灯", Part.EVENT)


def test_g3_a_category_of_the_district_serves_all_below_it(world: World) -> None:
    assert world.dispatched().weight == 3
    assert world.admin.find(Category, cc.where(Category.id, world.lamp.id)) == []


@given(st.text("0123456789A", min_size=8, max_size=17) | st.integers(8, 18).map(lambda n: "3" * n))
@example("3701150101")
@example("3701150101000001")
@example("370115010100000")
@settings(max_examples=40)
def test_g3_codes_have_10_digits_or_16(value: str) -> None:
    for scheme, length in ((tickets.GBT30428_10, 10), (tickets.GBT30428_16, 16)):
        assert scheme.fits(value) == (len(value) == length and value.isdigit())


def test_g3_code_schemes_are_data(world: World) -> None:
    def define(scheme: str, value: str) -> Category:
        codes = (CategoryCode(scheme, value),)
        return world.admin.do(tickets.define_category, name_zh="井盖", part=Part.PART, codes=codes)

    cover = define("gbt30428-10", "3701150101")
    assert (cover.code("gbt30428-10"), cover.code("other")) == ("3701150101", None)
    with pytest.raises(tickets.CategoryCodeTaken):
        define("gbt30428-10", "3701150101")
    for wrong in ("37011501", "37011501XX", "37011501010"):
        with pytest.raises(cc.Refused) as refused:
            define("gbt30428-10", wrong)
        assert refused.value.code == "places.bad_code"
    with pytest.raises(cc.Refused) as refused:
        define("city-4", "0101")
    assert refused.value.code == "places.unknown_scheme"
    over = world.hub.desk(DISTRICT, world.hub.administrator(DISTRICT))
    over.do(places.adopt_scheme, name="city-4", title="本市 4 位", parts=(CodePart("all", "全部", 4),))
    assert define("city-4", "0101").code("city-4") == "0101"
    world.admin.do(tickets.retire_category, cover.id)
    assert define("gbt30428-10", "3701150101").id != cover.id


# G5


def both(world: World, holder: cc.Ref) -> None:
    """Give one every role of the desk."""
    for duty in (CLERK, SUPERVISOR):
        world.admin.do(give, holder=holder, role=duty)


def test_g5_who_handles_never_verifies_nor_closes_nor_calls_back(world: World) -> None:
    ticket = world.handled()
    assert ticket.assignee is not None
    both(world, ticket.assignee)
    handler = world.hand(ticket)
    steps: list[tuple[Any, dict[str, Any], cc.Desk]] = [
        (tickets.verify, {"evidence": PHOTO}, world.supervisor),
        (tickets.close, {}, world.clerk),
        (tickets.call_back, {"satisfied": True}, world.clerk),
    ]
    with pytest.raises(tickets.OwnWork):
        handler.do(tickets.send_back, ticket.id, reason="再想想")
    for command, given_, other in steps:
        with pytest.raises(tickets.OwnWork) as refused:
            handler.do(command, ticket.id, **given_)
        assert refused.value.code == "tickets.own_work"
        other.do(command, ticket.id, **given_)
    assert world.ticket(ticket.id).status is S.CALLED_BACK


def test_g5_whoever_had_it_in_an_earlier_round_never_verifies(world: World) -> None:
    ticket = world.closed()
    first = ticket.assignee
    assert first is not None
    world.supervisor.do(tickets.reopen, ticket.id, reason="未修好")
    other = world.ref(world.bo if first.id == world.anna else world.anna)
    world.clerk.do(tickets.dispatch, ticket.id, to=other)
    world.desk(other).do(tickets.start, ticket.id)
    world.desk(other).do(tickets.handle, ticket.id, evidence=PHOTO, report="重新修")
    both(world, first)
    with pytest.raises(tickets.OwnWork):
        world.desk(first).do(tickets.verify, ticket.id, evidence=PHOTO)


@pytest.mark.parametrize("way", ["standing", "absence", "reverse"])
def test_g5_stand_ins_never_verify_for_each_other(world: World, way: str) -> None:
    ticket = world.handled(point=EAST)
    cai, deputy = world.ref(world.cai), world.ref(world.neighbour)
    both(world, deputy)
    if way == "standing":
        world.appoint(world.cai, world.west, stand_in=deputy)
    elif way == "absence":
        tenure = world.admin.find(people.Tenure, cc.where(people.Tenure.holder, cai))[0]
        until = world.clock() + timedelta(days=3)
        world.admin.do(people.set_absent, tenure.id, until=until, stand_in=deputy)
    else:
        world.appoint(world.neighbour, world.west, stand_in=cai)
    with pytest.raises(tickets.OwnWork):
        world.desk(deputy).do(tickets.verify, ticket.id, evidence=PHOTO)
    world.supervisor.do(tickets.verify, ticket.id, evidence=PHOTO)


def test_g5_a_unit_never_verifies_its_own_work_by_another_name(world: World) -> None:
    above = cc.Ref(world.district, "unit")
    world.admin.do(people.link_same, world.company, same_as=above)
    both(world, above)
    ticket = world.accepted()
    world.clerk.do(tickets.dispatch, ticket.id, unit=world.ref(world.company))
    world.desk(world.company).do(tickets.start, ticket.id)
    world.desk(world.company).do(tickets.handle, ticket.id, evidence=PHOTO, report="已修")
    with pytest.raises(tickets.OwnWork):
        world.desk(above).do(tickets.verify, ticket.id, evidence=PHOTO)


def test_g5_closure_needs_evidence(world: World) -> None:
    ticket = world.started()
    for nothing in ((), ("",)):
        with pytest.raises(cc.Refused):
            world.hand(ticket).do(tickets.handle, ticket.id, evidence=nothing, report="已修")
    world.hand(ticket).do(tickets.handle, ticket.id, evidence=PHOTO, report="已修")
    with pytest.raises(tickets.EvidenceNeeded):
        world.supervisor.do(tickets.verify, ticket.id, evidence=())
    with pytest.raises(tickets.WrongStatus):
        world.clerk.do(tickets.close, ticket.id)
    done = world.supervisor.do(tickets.verify, ticket.id, evidence=("photo:2",))
    assert (done.handled_with, done.verified_with, done.verifier) == (PHOTO, ("photo:2",), world.supervisor.actor)


# G7


def life_of_a_hidden_reporter(world: World, desk: cc.Desk) -> tuple[Ticket, list[Any]]:
    """A ticket with all that its reporter ever does to it, and all that its handler is given back."""
    own = world.desk(world.reporter)
    seen: list[Any] = []
    ticket = world.accepted(description="楼道堆放杂物", source=Source.CHAT, message="m-77", contact="138 0531 7788")
    unit = desk.actor
    world.clerk.do(tickets.dispatch, ticket.id, unit=unit)
    own.do(tickets.urge, ticket.id)
    other = world.reported(reporter=world.neighbour)
    world.clerk.do(tickets.merge, other.id, into=ticket.id, reason="同一件事")
    seen.append(desk.do(tickets.start, ticket.id))
    seen.append(desk.do(tickets.pause, ticket.id, reason="等配件"))
    seen.append(desk.do(tickets.resume, ticket.id))
    seen.append(desk.do(tickets.extend, ticket.id, until=world.clock() + timedelta(days=2), reason="缺料"))
    world.desk(world.neighbour).do(tickets.withdraw, other.id, reason="不用了")
    seen.append(desk.do(tickets.handle, ticket.id, evidence=PHOTO, report="已清理"))
    world.supervisor.do(tickets.verify, ticket.id, evidence=PHOTO)
    world.clerk.do(tickets.close, ticket.id)
    own.do(tickets.call_back, ticket.id, satisfied=False, words="还在堆")
    world.clerk.do(tickets.dispatch, ticket.id, unit=unit)
    gone = world.accepted()
    world.clerk.do(tickets.dispatch, gone.id, unit=unit)
    own.do(tickets.withdraw, gone.id, reason="不用了")
    return world.ticket(ticket.id), seen


@pytest.mark.parametrize("duty", [None, PROPERTY_STAFF])
def test_g7_the_reporter_never_reaches_the_handling_unit(world: World, duty: cc.Role | None) -> None:
    desk = world.desk(world.company)
    if duty is not None:
        world.admin.do(give, holder=desk.actor, role=duty)
    ticket, seen = life_of_a_hidden_reporter(world, desk)
    told = "\n".join([*(convert.to_text(record) for record in seen), world.readable(desk)])
    assert ticket.id in told  # the unit does see its ticket and the history of it
    assert "ticket.urged" in told
    for secret in (world.reporter, world.neighbour, REPORTER_NAME, "周建国", "138 0531 7788", "m-77"):
        assert secret not in told, secret
    behind = world.behind(ticket.id)[0]
    for refused in (
        lambda: desk.get(TicketReporter, behind.id),
        lambda: desk.history(TicketReporter, behind.id),
        lambda: desk.ask(tickets.progress, ticket.id),
        lambda: desk.ask(tickets.suggest_duplicates, ticket.id),
    ):
        with pytest.raises(NotAllowed) as error:
            refused()
        assert world.reporter not in repr(error.value) + str(error.value)
    assert desk.find(TicketReporter, cc.where(TicketReporter.party, world.reporter)) == []


def test_g7_an_officer_who_reads_names_still_reads_no_reporter(world: World) -> None:
    ticket = world.dispatched()
    officer = world.hand(ticket)
    world.desk(world.reporter).do(tickets.urge, ticket.id)
    world.desk(world.reporter).do(tickets.withdraw, ticket.id, reason="自己修好了")
    told = world.readable(officer)
    assert world.reporter not in told
    [load] = world.clerk.find(Load, cc.where(Load.officer, officer.actor))
    assert [entry.by for entry in officer.history(Load, load.id)] == [HIDDEN, HIDDEN]


def hidden_from(world: World, who: cc.Ref, ticket: Ticket) -> bool:
    """Whether one who sits at the desk as well learns nothing of who reported this ticket, on any way."""
    desk = world.desk(who)
    behind = world.clerk.find(TicketReporter, cc.where(TicketReporter.born, ticket.id))
    assert behind  # an impartial clerk sees them
    for reporter in behind:
        for look in (desk.get, desk.history):
            with pytest.raises(NotAllowed) as refused:
                look(TicketReporter, reporter.id)  # type: ignore[operator]
            assert world.reporter not in repr(refused.value) + refused.value.say() + refused.value.say("zh")
    told = [convert.to_text(found) for found in desk.find(TicketReporter)]
    told += [repr(entry) for entry in desk.history(Ticket, ticket.id)]
    for load in desk.find(Load, cc.where(Load.officer, who)):
        told += [repr(entry) for entry in desk.history(Load, load.id)]
    return not any(world.reporter in text for text in told)


def test_g7_an_officer_who_is_a_clerk_too_learns_nothing_of_who_reported_what_they_handle(world: World) -> None:
    ticket = world.dispatched(point=EAST)
    cai = world.ref(world.cai)
    both(world, cai)
    world.desk(world.reporter).do(tickets.urge, ticket.id)
    assert hidden_from(world, cai, ticket)
    world.desk(cai).do(tickets.start, ticket.id)
    world.clerk.do(tickets.redispatch, ticket.id, reason="换人", to=world.ref(world.anna))
    assert hidden_from(world, cai, ticket)  # who had it once, too
    world.desk(world.reporter).do(tickets.withdraw, ticket.id, reason="不用了")
    assert hidden_from(world, cai, ticket)
    # Of all others they learn what a clerk has to know.
    other = world.dispatched(point=WEST)
    assert [r.party for r in world.desk(cai).find(TicketReporter)] == [world.reporter]
    assert world.desk(cai).history(Ticket, other.id)[0].by == world.ref(world.reporter)


def test_g7_a_unit_that_is_a_clerk_too_learns_nothing_of_who_reported(world: World) -> None:
    company = world.ref(world.company)
    both(world, company)
    ticket = world.accepted()
    world.clerk.do(tickets.dispatch, ticket.id, unit=company)
    assert hidden_from(world, company, ticket)


def test_g7_the_reported_learn_nothing_of_who_reported_whatever_they_are(world: World) -> None:
    accused = cc.Ref(world.district, "accused")
    both(world, accused)
    party = world.new("被投诉的工作人员")
    world.admin.do(people.link_same, party, same_as=accused)
    ticket = world.accepted(about=party)
    world.desk(world.reporter).do(tickets.urge, ticket.id)
    assert hidden_from(world, accused, ticket)
    merged = world.reported(reporter=world.neighbour)
    assert world.desk(accused).find(TicketReporter, cc.where(TicketReporter.born, merged.id))
    world.clerk.do(tickets.merge, merged.id, into=ticket.id, reason="同一件事")
    assert hidden_from(world, accused, merged)


@pytest.mark.parametrize("what", ["ticket", "dwelling", "party"])
def test_g7_who_stands_aside_learns_nothing_of_who_reported(world: World, what: str) -> None:
    cai = world.ref(world.cai)
    both(world, cai)
    flat = world.clerk.do(places.add_dwelling, building="3", room="501", grid=world.east)
    ticket = world.accepted(point=None, dwelling=flat.id)
    assert world.desk(cai).find(TicketReporter)
    given_: dict[str, Any] = {"ticket": ticket.id, "dwelling": flat.id, "party": world.reporter}
    recusal = world.clerk.do(tickets.recuse, officer=cai, reason="亲属", **{what: given_[what]})
    assert hidden_from(world, cai, ticket)
    world.clerk.do(tickets.lift_recusal, recusal.id)
    assert world.desk(cai).find(TicketReporter)


def test_g7_no_hash_or_cause_lets_a_handler_try_every_party(world: World) -> None:
    ticket = world.dispatched()
    true = world.clerk.history(Ticket, ticket.id)[0]
    shown = world.hand(ticket).history(Ticket, ticket.id)[0]
    assert true.by == world.ref(world.reporter)
    assert (shown.by, shown.cause, shown.hash, shown.grant) == (HIDDEN, "", "", None)
    before = world.hub.journal(world.home, true.seq - 2, 1)[0]
    assert chain_hash(before.hash, values_of(true)) == true.hash  # what a guess would be checked against
    assert shown.difference == true.difference
    assert world.reporter not in repr(shown)


def test_g7_the_desk_and_the_reporter_see_who_acted(world: World) -> None:
    ticket = world.dispatched()
    [reported, accepted, *_] = world.desk(world.reporter).history(Ticket, ticket.id)
    assert (reported.by, accepted.by) == (world.ref(world.reporter), HIDDEN)
    assert [entry.by for entry in world.supervisor.history(Ticket, ticket.id)][:2] == [
        world.ref(world.reporter),
        world.clerk.actor,
    ]


def test_g7_nobody_handles_their_own_complaint_nor_one_against_them(world: World) -> None:
    officers = {world.ref(world.anna), world.ref(world.bo)}
    for _ in range(4):
        assert world.dispatched(reporter=world.anna).assignee == world.ref(world.bo)
        assert world.dispatched(about=world.bo).assignee == world.ref(world.anna)
    assert world.dispatched(reporter=world.anna, about=world.bo).assignee is None
    for whom, what in ((world.anna, {"reporter": world.anna}), (world.company, {"about": world.company})):
        ticket = world.accepted(**what)
        for way in ("to", "unit"):
            with pytest.raises(tickets.Recused):
                world.clerk.do(tickets.dispatch, ticket.id, **{way: world.ref(whom)})
    # what an officer finds on patrol is no complaint of theirs
    assert world.dispatched(reporter=world.anna, source=Source.PATROL).assignee in officers


def test_g7_the_reported_read_nothing_and_decide_nothing(world: World) -> None:
    ticket = world.reported(about=world.company)
    assert world.desk(world.company).find(Ticket) == []
    accused = cc.Ref(world.district, "accused")
    both(world, accused)
    party = world.new("被投诉的工作人员")
    world.admin.do(people.link_same, party, same_as=accused)
    against = world.reported(about=party)
    for command, given_ in (
        (tickets.accept, {}),
        (tickets.reject, {"ground": tickets.Ground.NO_FACTS, "reason": "不实"}),
        (tickets.merge, {"into": ticket.id, "reason": "同一件事"}),
        (tickets.withdraw, {"reason": "不用了"}),
    ):
        step: Any = command
        with pytest.raises(tickets.Recused):
            world.desk(accused).do(step, against.id, **given_)
    assert world.ticket(against.id).status is S.REPORTED


def test_g7_a_declared_recusal_is_no_oracle_for_who_reported(world: World) -> None:
    """An officer who declares to stand aside from a party learns nothing of the tickets they have."""
    ticket = world.dispatched()
    officer = world.hand(ticket)
    before = officer.get(Ticket, ticket.id)
    for party in (world.reporter, world.neighbour):
        officer.do(tickets.recuse, officer=officer.actor, party=party, reason="亲属")
        assert officer.get(Ticket, ticket.id) == before
    officer.do(tickets.start, ticket.id)
    officer.do(tickets.handle, ticket.id, evidence=PHOTO, report="已修")
    assert len(officer.find(Recusal)) == 2


def test_g7_merged_reporters_do_not_read_each_other(world: World) -> None:
    kept = world.reported(description="三号楼的老王家漏水")
    other = world.reported(reporter=world.neighbour, description="楼上漏水")
    world.clerk.do(tickets.merge, other.id, into=kept.id, reason="同一处漏水")
    told = world.readable(world.desk(world.neighbour))
    assert "老王" not in told
    assert world.reporter not in told
    assert "楼上漏水" in told


def test_g7_free_text_stays_out_of_the_journal(world: World) -> None:
    life_of_a_hidden_reporter(world, world.desk(world.company))
    text = "\n".join(repr(entry) for entry in world.hub.journal(world.home, limit=100_000))
    for words in ("楼道堆放杂物", "路灯不亮", "还在堆", "等配件", "138 0531 7788"):
        assert words not in text


def test_g7_who_declared_to_stand_aside_from_a_party_is_given_nothing_of_theirs(world: World) -> None:
    cai = world.ref(world.cai)
    world.desk(world.cai).do(tickets.recuse, officer=cai, party=world.reporter, reason="亲属")
    for whose in ({"reporter": world.reporter}, {"reporter": world.neighbour, "about": world.reporter}):
        ticket = world.accepted(point=EAST, **whose)
        assert world.clerk.do(tickets.dispatch, ticket.id).assignee is None
        for way in ("to", "unit"):
            with pytest.raises(tickets.Recused):
                world.clerk.do(tickets.dispatch, ticket.id, **{way: cai})
    assert world.dispatched(point=EAST, reporter=world.neighbour).assignee == cai


def test_g7_a_dwelling_an_officer_stands_aside_from_is_passed_by(world: World) -> None:
    flat = world.clerk.do(places.add_dwelling, building="3", room="501", grid=world.east)
    world.clerk.do(tickets.recuse, officer=world.ref(world.cai), dwelling=flat.id, reason="自家")
    assert world.dispatched(point=None, dwelling=flat.id).assignee is None
    assert world.dispatched(point=EAST).assignee == world.ref(world.cai)


def test_every_refusal_of_the_room_can_be_said_in_both_languages() -> None:
    from communitycore.domain.tickets import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert len({kind.code for kind in kinds}) == len(kinds) > 20
    for kind in kinds:
        assert kind.code.startswith("tickets.")
        assert kind.en != kind.zh


def test_g8_the_first_receiver_stays_on_record(world: World) -> None:
    ticket = world.dispatched(point=WEST)
    first = ticket.assignee
    world.clerk.do(tickets.redispatch, ticket.id, reason="换人", unit=world.ref(world.company))
    assert world.ticket(ticket.id).first_receiver == first
