"""The room tickets: how they come in, their table of states, and one whole life as documentation."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.tickets_world import BORDER, EAST, NOWHERE, PHOTO, STREET, WEST, World, build

import communitycore as cc
from communitycore import people, places, tickets
from communitycore.domain.people import PartyId
from communitycore.domain.roles import CLERK
from communitycore.domain.tickets import (
    OPEN,
    TICKET_STATES,
    UNHANDLED,
    Category,
    Ground,
    Load,
    Outcome,
    Reason,
    Said,
    Source,
    Ticket,
    TicketReporter,
    TicketStatus,
)
from communitycore.kernel.errors import BadValue, NotAllowed, NotFound
from communitycore.kernel.jurisdiction import give

S = TicketStatus


@pytest.fixture
def world() -> World:
    return build()


def test_the_room_contradicts_itself_nowhere(world: World) -> None:
    world.hub.catalogue.check()


def test_a_stranger_may_call_and_ask_nothing(world: World) -> None:
    stranger: Any = world.desk("stranger")
    for command in tickets.ROOM.commands:
        with pytest.raises(NotAllowed):
            stranger.do(command, "x", "x")
    for question in tickets.ROOM.reads:
        if question is not tickets.choices:  # what one may report about is for everybody
            with pytest.raises(NotAllowed):
                stranger.ask(question, "x")


# one life, as documentation


def test_a_ticket_lives_from_the_first_word_to_the_reporters_answer(world: World) -> None:
    resident, clerk, supervisor = world.desk(world.reporter), world.clerk, world.supervisor
    ticket = resident.do(
        tickets.report,
        source=Source.CHAT,
        message="8812",
        title="路灯不亮",
        description="三号楼前的路灯三天没亮了",
        reporter=world.reporter,
        category=world.lamp.id,
        point=WEST,
        attachments=("photo:1",),
    )
    assert ticket.status is S.REPORTED
    clerk.do(tickets.accept, ticket.id)
    ticket = clerk.do(tickets.dispatch, ticket.id)
    assert ticket.grid == world.west
    assert ticket.assignee in (world.ref(world.anna), world.ref(world.bo))
    assert ticket.why is not None
    assert ticket.why.say() == "You have the lightest load (0) of the 2 who may handle this in 西网格."
    assert ticket.why.say("zh") == "在西网格可派的 2 人中，您的在办负荷最轻（0）。"
    officer = world.hand(ticket)
    officer.do(tickets.start, ticket.id)
    officer.do(tickets.pause, ticket.id, reason="等配件")
    world.clock.advance(timedelta(hours=3))
    officer.do(tickets.resume, ticket.id)
    officer.do(tickets.extend, ticket.id, until=world.clock() + timedelta(days=2), reason="配件未到")
    officer.do(tickets.handle, ticket.id, evidence=PHOTO, report="换了灯泡")
    supervisor.do(tickets.verify, ticket.id, evidence=("photo:18",))
    ticket = clerk.do(tickets.close, ticket.id)
    assert (ticket.status, ticket.to_call, ticket.paused_seconds) == (S.CLOSED, 1, 3 * 3600)
    assert resident.ask(tickets.progress, ticket.id).calls
    ticket = resident.do(tickets.call_back, ticket.id, satisfied=False, words="晚上又灭了")
    assert (ticket.status, ticket.reopened, ticket.assignee) == (S.REOPENED, 1, None)
    ticket = clerk.do(tickets.dispatch, ticket.id)
    officer = world.hand(ticket)
    officer.do(tickets.start, ticket.id)
    officer.do(tickets.handle, ticket.id, evidence=("photo:20",), report="换了线路", outcome=Outcome.RESOLVED)
    supervisor.do(tickets.verify, ticket.id, evidence=("photo:21",))
    clerk.do(tickets.close, ticket.id)
    ticket = resident.do(tickets.call_back, ticket.id, satisfied=True)
    assert ticket.status is S.CALLED_BACK
    assert [remark.what for remark in ticket.remarks] == [
        Said.PAUSED,
        Said.EXTENDED,
        Said.HANDLED,
        Said.CALLED_BACK,
        Said.HANDLED,
    ]
    assert [entry.name for entry in clerk.history(Ticket, ticket.id)] == [
        "ticket.reported",
        "ticket.accepted",
        "ticket.dispatched",
        "ticket.started",
        "ticket.paused",
        "ticket.resumed",
        "ticket.extended",
        "ticket.handled",
        "ticket.verified",
        "ticket.closed",
        "ticket.called_back",
        "ticket.reopened",
        "ticket.dispatched",
        "ticket.started",
        "ticket.handled",
        "ticket.verified",
        "ticket.closed",
        "ticket.called_back",
    ]
    assert world.loads() == {}
    assert world.hub.verify().ok


def test_the_words_of_states_and_the_groups_of_them_hang_together() -> None:
    assert {s for s in S if S.WITHDRAWN in TICKET_STATES.then[s]} == set(UNHANDLED)
    assert {s for s in S if S.MERGED in TICKET_STATES.then[s]} == set(UNHANDLED)
    assert TICKET_STATES.terminal == {S.REJECTED, S.WITHDRAWN, S.MERGED}
    assert set(OPEN) == set(S) - TICKET_STATES.terminal - {S.CLOSED, S.CALLED_BACK}
    assert all(status.zh for status in S)


# in


@given(st.text(max_size=200), st.text(max_size=10_000))
@settings(max_examples=25)
def test_text_of_any_script_comes_back_as_it_was(title: str, description: str) -> None:
    if not title.strip() or "\0" in title + description:
        return
    try:
        (title + description).encode()
    except UnicodeEncodeError:
        return
    ticket = WORLD.reported(title=title, description=description)
    kept = WORLD.ticket(ticket.id)
    assert (kept.title, kept.description) == (title, description)


WORLD = build(seed=7)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title": "  "}, "bad_value"),
        ({"title": "x" * 201}, "bad_value"),
        ({"title": "a\0b"}, "bad_value"),
        ({"description": "\ud800"}, "bad_value"),
        ({"description": "x" * 10_001}, "bad_value"),
        ({"message": ""}, "bad_value"),
        ({"message": "x" * 181}, "bad_value"),
        ({"attachments": ("",)}, "bad_value"),
        ({"attachments": "photo:1"}, "bad_value"),
        ({"category": tickets.CategoryId("none")}, "not_found"),
        ({"about": PartyId("none")}, "not_found"),
        ({"venue": places.VenueId("none")}, "not_found"),
        ({"dwelling": places.DwellingId("none")}, "not_found"),
        ({"point": cc.Point(36.875, 89.0)}, "places.outside"),
    ],
)
def test_a_bad_report_is_refused_and_leaves_nothing(wrong: dict[str, Any], code: str) -> None:
    before = WORLD.hub.anchor()
    with pytest.raises(cc.Refused) as refused:
        WORLD.reported(**wrong)
    assert refused.value.code == code
    assert WORLD.hub.anchor() == before


def test_a_time_without_a_zone_is_refused(world: World) -> None:
    with pytest.raises(BadValue):
        world.reported(happened=world.clock().replace(tzinfo=None))
    long_ago = world.clock() - timedelta(days=3000)
    assert world.reported(happened=long_ago).happened == long_ago


def test_the_same_message_from_eight_threads_makes_one_ticket(world: World) -> None:
    made: list[Ticket] = []
    gate = threading.Barrier(8)

    def send() -> None:
        gate.wait()
        made.append(world.reported(source=Source.CHAT, message="m-1", title=f"{threading.get_ident()}"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({ticket.id for ticket in made}) == 1
    assert len(world.all()) == 1


def test_a_message_that_comes_again_gives_its_ticket_as_it_is_now(world: World) -> None:
    first = world.reported(source=Source.CHAT, message="m-1")
    world.clerk.do(tickets.accept, first.id)
    before = world.hub.anchor()
    again = world.reported(source=Source.CHAT, message="m-1", title="something else")
    assert (again.id, again.status) == (first.id, S.ACCEPTED)
    assert world.hub.anchor() == before
    assert world.reported(source=Source.APP, message="m-1").id != first.id
    [one, two] = world.desk(world.reporter).do_many(
        [
            tickets.report.call(source=Source.CHAT, message="m-2", title="a", reporter=world.reporter),
            tickets.report.call(source=Source.CHAT, message="m-2", title="a", reporter=world.reporter),
        ]
    )
    assert one.get().id == two.get().id


def test_whoever_guesses_a_message_is_not_shown_its_ticket(world: World) -> None:
    world.reported(source=Source.CHAT, message="m-1")
    for other in (world.neighbour, None):
        with pytest.raises(tickets.MessageTaken) as refused:
            world.reported(source=Source.CHAT, message="m-1", reporter=other)
        assert world.reporter not in str(refused.value) + repr(refused.value)


def test_a_clerk_reports_for_others_and_for_the_unnamed(world: World) -> None:
    ticket = world.clerk.do(tickets.report, source=Source.TELEPHONE, title="漏水", reporter=world.reporter, point=EAST)
    [behind] = world.behind(ticket.id)
    assert (behind.party, behind.by, ticket.reporters) == (world.reporter, world.clerk.actor, 1)
    unnamed = world.clerk.do(tickets.report, source=Source.TELEPHONE, title="漏水", contact="138 0531 7788")
    [behind] = world.behind(unnamed.id)
    assert (behind.party, behind.contact, unnamed.reporters) == (None, "138 0531 7788", 1)
    assert world.reported(reporter=None).reporters == 0
    with pytest.raises(NotFound):
        world.clerk.do(tickets.report, source=Source.TELEPHONE, title="x", reporter=PartyId("nobody"))
    with pytest.raises(NotAllowed):
        world.desk(world.neighbour).do(tickets.report, source=Source.APP, title="x", reporter=world.reporter)


def test_a_device_hands_in_and_reads_nothing(world: World) -> None:
    for _ in range(2):
        assert (
            world.device.do(tickets.hand_in, source=Source.DEVICE, title="桶满", message="bin-7/1", point=WEST) is None
        )
    [ticket] = world.all()
    with pytest.raises(NotAllowed):
        world.device.get(Ticket, ticket.id)
    with pytest.raises(NotAllowed):
        world.device.do(tickets.report, source=Source.DEVICE, title="桶满")
    officer = world.desk(world.anna)
    assert officer.do(tickets.hand_in, source=Source.VISIT, title="漏水", reporter=world.reporter) is None
    assert officer.find(Ticket) == []
    assert world.desk(world.reporter).find(Ticket)[0].title == "漏水"


def test_a_ticket_is_accepted_under_a_category_in_use(world: World) -> None:
    ticket = world.reported(category=None)
    with pytest.raises(tickets.CategoryNeeded):
        world.clerk.do(tickets.accept, ticket.id)
    world.admin.do(tickets.retire_category, world.litter.id)
    with pytest.raises(tickets.CategoryRetired):
        world.clerk.do(tickets.accept, ticket.id, category=world.litter.id)
    assert world.clerk.do(tickets.accept, ticket.id, category=world.lamp.id).category == world.lamp.id


def test_a_report_is_rejected_on_a_ground_and_with_a_reason(world: World) -> None:
    ticket = world.reported()
    with pytest.raises(BadValue):
        world.clerk.do(tickets.reject, ticket.id, ground=Ground.NOT_OURS, reason=" ")
    rejected = world.clerk.do(tickets.reject, ticket.id, ground=Ground.IN_PROCEEDINGS, reason="已在法院审理")
    assert (rejected.ground, rejected.remarks[-1].text) == (Ground.IN_PROCEEDINGS, "已在法院审理")
    with pytest.raises(tickets.WrongStatus):
        world.clerk.do(tickets.accept, ticket.id)


# who has it


def test_a_dispute_keeps_its_weight_until_a_clerk_decides(world: World) -> None:
    ticket = world.dispatched()
    first = ticket.assignee
    assert first is not None
    world.hand(ticket).do(tickets.dispute, ticket.id, reason="不属本网格职责")
    assert world.loads() == {first: (1, 3)}
    other = world.clerk.do(tickets.redispatch, ticket.id, reason="异议成立")
    assert other.assignee not in (None, first)
    assert (other.first_receiver, other.disputes) == (first, 1)
    world.hand(other).do(tickets.dispute, ticket.id, reason="也不是我的")
    same = world.clerk.do(tickets.redispatch, ticket.id, reason="异议不成立", to=other.assignee)
    assert (same.status, same.assignee) == (S.DISPATCHED, other.assignee)
    assert same.why is not None
    assert same.why.reason is Reason.NAMED
    assert world.loads() == {other.assignee: (1, 3)}


def test_without_another_officer_it_goes_back_to_the_queue(world: World) -> None:
    ticket = world.dispatched(point=EAST)
    queued = world.clerk.do(tickets.redispatch, ticket.id, reason="蔡明调岗")
    assert (queued.status, queued.assignee, world.loads()) == (S.ACCEPTED, None, {})
    assert queued.why is not None
    assert queued.why.say() == "东网格 has nobody who may handle this. Name who shall."
    assert world.clerk.do(tickets.dispatch, ticket.id).assignee == world.ref(world.cai)


def test_a_unit_has_it_whole_and_weighs_as_one(world: World) -> None:
    ticket = world.accepted()
    company = world.ref(world.company)
    given = world.clerk.do(tickets.dispatch, ticket.id, unit=company)
    assert (given.unit, given.assignee, given.grid) == (company, None, world.west)
    assert world.loads() == {company: (1, 3)}
    world.desk(world.company).do(tickets.start, ticket.id)
    with pytest.raises(cc.Refused):
        world.desk(world.anna).do(tickets.handle, ticket.id, evidence=PHOTO, report="x")
    world.desk(world.company).do(tickets.handle, ticket.id, evidence=PHOTO, report="已修")
    assert world.loads() == {}


def test_nobody_is_named_who_is_unknown_or_has_left(world: World) -> None:
    ticket = world.accepted()
    with pytest.raises(NotFound):
        world.clerk.do(tickets.dispatch, ticket.id, to=world.ref("nobody"))
    world.clerk.do(people.leave, world.neighbour)
    with pytest.raises(people.PartyGone):
        world.clerk.do(tickets.dispatch, ticket.id, to=world.ref(world.neighbour))
    assert world.ticket(ticket.id) == ticket


def test_a_ticket_climbs_to_each_body_above_and_stays_where_it_was_born(world: World) -> None:
    ticket = world.started()
    up = world.hand(ticket).do(tickets.escalate, ticket.id, reason="需上级协调")
    for body in (world.home, world.street, world.district):
        assert (up.status, up.answers, up.assignee) == (S.ACCEPTED, cc.Ref(body, body), None)
        assert world.loads() == {}
        with pytest.raises(tickets.NameAssignee):
            world.clerk.do(tickets.dispatch, ticket.id)
        if body != world.district:
            up = world.clerk.do(tickets.escalate, ticket.id, reason="继续上报")
    with pytest.raises(tickets.NobodyAbove) as refused:
        world.clerk.do(tickets.escalate, ticket.id, reason="再上报")
    assert "济阳区" in refused.value.say("zh")
    above = world.hub.desk(STREET, world.hub.administrator(STREET))
    above.do(give, holder=cc.Ref(world.street, "street-clerk"), role=CLERK)
    street_clerk = world.desk(cc.Ref(world.street, "street-clerk"))
    named = street_clerk.do(tickets.dispatch, ticket.id, unit=world.ref(world.company))
    assert (named.status, named.first_receiver) == (S.DISPATCHED, ticket.assignee)


# at work


def test_the_clock_stops_and_runs_for_a_reason_alone(world: World) -> None:
    ticket = world.started()
    officer = world.hand(ticket)
    with pytest.raises(BadValue):
        officer.do(tickets.pause, ticket.id, reason="\n")
    with pytest.raises(tickets.NotPaused):
        officer.do(tickets.resume, ticket.id)
    officer.do(tickets.pause, ticket.id, reason="鉴定中")
    with pytest.raises(tickets.Paused):
        officer.do(tickets.pause, ticket.id, reason="还在鉴定")
    world.clock.advance(timedelta(minutes=90))
    done = officer.do(tickets.handle, ticket.id, evidence=PHOTO, report="鉴定后修复")
    assert (done.paused_at, done.paused_seconds) == (None, 5400)


def test_an_extension_leads_to_a_later_time_alone(world: World) -> None:
    ticket = world.started()
    officer = world.hand(ticket)
    day = timedelta(days=1)
    for wrong in (world.clock(), world.clock() - day):
        with pytest.raises(BadValue):
            officer.do(tickets.extend, ticket.id, until=wrong, reason="x")
    officer.do(tickets.extend, ticket.id, until=world.clock() + 2 * day, reason="缺料")
    with pytest.raises(BadValue):
        officer.do(tickets.extend, ticket.id, until=world.clock() + day, reason="缺料")
    assert officer.do(tickets.extend, ticket.id, until=world.clock() + 3 * day, reason="缺料").extensions == 2


def test_work_that_is_not_done_comes_back_with_its_weight(world: World) -> None:
    ticket = world.handled()
    assert world.loads() == {}
    back = world.supervisor.do(tickets.send_back, ticket.id, reason="照片看不清")
    assert (back.status, back.outcome, back.handled_with) == (S.IN_PROGRESS, None, ())
    assert world.loads() == {back.assignee: (1, 3)}


# reporters


def test_only_a_reporter_or_a_clerk_withdraws(world: World) -> None:
    ticket = world.started()
    for other in (world.desk(world.neighbour), world.hand(ticket), world.supervisor):
        with pytest.raises(NotAllowed):
            other.do(tickets.withdraw, ticket.id, reason="算了")
    gone = world.desk(world.reporter).do(tickets.withdraw, ticket.id, reason="自己修好了")
    assert (gone.status, world.loads()) == (S.WITHDRAWN, {})
    other = world.clerk.do(tickets.withdraw, world.accepted().id, reason="录入错误")
    assert other.status is S.WITHDRAWN


def test_no_clock_stands_once_the_work_has_left_its_handler(world: World) -> None:
    other = world.reported(reporter=world.neighbour)
    leave: list[tuple[Any, dict[str, Any]]] = [
        (tickets.withdraw, {"reason": "录入错误"}),
        (tickets.merge, {"into": other.id, "reason": "同一盏灯"}),
        (tickets.redispatch, {"reason": "换人"}),
        (tickets.escalate, {"reason": "需上级协调"}),
    ]
    for command, given_ in leave:
        ticket = world.started()
        world.hand(ticket).do(tickets.pause, ticket.id, reason="等配件")
        world.clock.advance(timedelta(seconds=7))
        world.clerk.do(command, ticket.id, **given_)
        now = world.ticket(ticket.id)
        assert (now.paused_at, now.paused_seconds) == (None, 7)


def test_what_is_handled_is_not_withdrawn(world: World) -> None:
    ticket = world.handled()
    with pytest.raises(tickets.WrongStatus) as refused:
        world.desk(world.reporter).do(tickets.withdraw, ticket.id, reason="算了")
    assert refused.value.allowed == tuple(str(status) for status in UNHANDLED)


def test_all_reporters_of_merged_tickets_are_kept_and_called_back(world: World) -> None:
    kept, other = world.reported(), world.dispatched(reporter=world.neighbour)
    survivor = world.clerk.do(tickets.merge, other.id, into=kept.id, reason="同一盏灯")
    assert (survivor.id, survivor.reporters, world.loads()) == (kept.id, 2, {})
    assert world.ticket(other.id).merged_into == kept.id
    world.clerk.do(tickets.accept, kept.id)
    world.clerk.do(tickets.dispatch, kept.id)
    world.hand(kept).do(tickets.start, kept.id)
    told = world.desk(world.neighbour).ask(tickets.progress, other.id)
    assert (told.status, told.merged, told.calls) == (S.IN_PROGRESS, True, False)
    world.hand(kept).do(tickets.handle, kept.id, evidence=PHOTO, report="已修")
    world.supervisor.do(tickets.verify, kept.id, evidence=PHOTO)
    world.clerk.do(tickets.close, kept.id)
    with pytest.raises(tickets.WhichReporter):
        world.clerk.do(tickets.call_back, kept.id, satisfied=True)
    first = world.clerk.do(tickets.call_back, kept.id, satisfied=True, reporter=world.reporter)
    assert (first.status, first.to_call) == (S.CLOSED, 1)
    mine = world.desk(world.neighbour).do(tickets.call_back, other.id, satisfied=True)
    assert mine.id == other.id  # the neighbour never reads the other's ticket
    assert world.ticket(kept.id).status is S.CALLED_BACK
    with pytest.raises(NotAllowed):
        world.desk(world.neighbour).get(Ticket, kept.id)


def test_one_of_several_who_withdraws_leaves_the_others(world: World) -> None:
    kept, other = world.reported(), world.reported(reporter=world.neighbour)
    world.clerk.do(tickets.merge, other.id, into=kept.id, reason="同一盏灯")
    with pytest.raises(tickets.NotAReporter):
        world.desk(world.neighbour).do(tickets.withdraw, other.id, reason="x", reporter=world.reporter)
    world.desk(world.neighbour).do(tickets.withdraw, other.id, reason="不用了")
    assert (world.ticket(kept.id).status, world.ticket(kept.id).reporters) == (S.REPORTED, 1)
    with pytest.raises(tickets.NotAReporter):
        world.desk(world.neighbour).do(tickets.withdraw, other.id, reason="不用了")
    with pytest.raises(tickets.NotAReporter):
        world.clerk.do(tickets.withdraw, kept.id, reason="x", reporter=world.neighbour)
    assert world.clerk.do(tickets.withdraw, kept.id, reason="x", reporter=world.reporter).status is S.WITHDRAWN


def test_one_who_reported_twice_is_called_once(world: World) -> None:
    kept, other = world.reported(), world.reported()
    assert world.clerk.do(tickets.merge, other.id, into=kept.id, reason="重复").reporters == 1
    assert sorted(row.live for row in world.behind(kept.id)) == [False, True]
    gone = world.desk(world.reporter).do(tickets.withdraw, other.id, reason="不用了")
    assert gone.id == other.id
    assert world.ticket(kept.id).status is S.WITHDRAWN


def test_a_merger_that_makes_the_assignee_a_party_sends_it_back_to_the_queue(world: World) -> None:
    ticket = world.started()
    officer = ticket.assignee
    assert officer is not None
    own = world.reported(reporter=PartyId(officer.id))
    survivor = world.clerk.do(tickets.merge, own.id, into=ticket.id, reason="同一盏灯")
    assert (survivor.status, survivor.assignee, world.loads()) == (S.ACCEPTED, None, {})
    again = world.clerk.do(tickets.dispatch, ticket.id)
    assert again.assignee not in (None, officer)


def test_a_clerk_who_names_a_merged_ticket_does_not_touch_the_one_it_became_part_of(world: World) -> None:
    kept, other = world.reported(), world.reported(reporter=world.neighbour)
    survivor = world.clerk.do(tickets.merge, other.id, into=kept.id, reason="同一盏灯")
    for command, given_ in ((tickets.withdraw, {"reason": "录入错误"}), (tickets.urge, {})):
        step: Any = command
        with pytest.raises(tickets.WrongStatus):
            world.clerk.do(step, other.id, **given_)
    assert world.ticket(kept.id) == survivor


def test_a_ticket_is_merged_into_another_open_one_alone(world: World) -> None:
    ticket, closed = world.reported(), world.closed()
    for into in (ticket.id, closed.id):
        with pytest.raises(tickets.CannotJoin):
            world.clerk.do(tickets.merge, ticket.id, into=into, reason="x")
    with pytest.raises(tickets.WrongStatus):
        world.clerk.do(tickets.merge, closed.id, into=ticket.id, reason="x")


def test_nobody_calls_the_unnamed_nor_an_officer_about_their_own_find(world: World) -> None:
    unnamed = world.closed(reporter=None)
    found = world.closed(reporter=world.anna, source=Source.PATROL)
    for ticket in (unnamed, found):
        assert ticket.to_call == 0
        with pytest.raises(tickets.NobodyToCall):
            world.clerk.do(tickets.call_back, ticket.id, satisfied=True)
        assert world.supervisor.do(tickets.reopen, ticket.id, reason="抽查发现未修").status is S.REOPENED


def test_urging_is_counted_until_it_is_closed(world: World) -> None:
    ticket = world.started()
    for n in (1, 2):
        assert world.desk(world.reporter).do(tickets.urge, ticket.id).urges == n
        world.clock.advance(timedelta(days=1))
    with pytest.raises(NotAllowed):
        world.desk(world.neighbour).do(tickets.urge, ticket.id)
    with pytest.raises(tickets.WrongStatus):
        world.clerk.do(tickets.urge, world.closed().id)


def test_a_ticket_is_urged_once_a_day_however_many_stand_behind_it(world: World) -> None:
    ticket, other = world.started(), world.reported(reporter=world.neighbour)
    world.clerk.do(tickets.merge, other.id, into=ticket.id, reason="同一盏灯")
    world.desk(world.reporter).do(tickets.urge, ticket.id)
    world.clock.advance(timedelta(hours=23, minutes=59))
    for desk, id in (
        (world.desk(world.reporter), ticket.id),
        (world.desk(world.neighbour), other.id),
        (world.clerk, ticket.id),
    ):
        with pytest.raises(tickets.UrgedAlready) as refused:
            desk.do(tickets.urge, id)
        assert refused.value.again == world.clock() + timedelta(minutes=1)
        assert refused.value.ticket == id  # its own, not the one that it became part of
    world.clock.advance(timedelta(minutes=1))
    world.desk(world.neighbour).do(tickets.urge, other.id)
    assert world.ticket(ticket.id).urges == 2
    world.hand(ticket).do(tickets.handle, ticket.id, evidence=PHOTO, report="已修")
    world.supervisor.do(tickets.verify, ticket.id, evidence=PHOTO)
    world.clerk.do(tickets.close, ticket.id)
    world.desk(world.reporter).do(tickets.call_back, ticket.id, satisfied=False)
    assert world.desk(world.reporter).do(tickets.urge, ticket.id).urges == 3  # a new round


# duplicates


def test_duplicates_are_suggested_by_category_distance_and_time(world: World) -> None:
    mine = world.reported()
    near = cc.Point(117.0319, 36.875)  # about 58 m to the east
    hit = world.reported(point=near, happened=world.clock() - timedelta(hours=5))
    world.reported(point=EAST)
    world.reported(point=near, happened=world.clock() - timedelta(hours=73))
    world.reported(point=near, category=world.litter.id)
    world.clerk.do(tickets.withdraw, world.reported(point=near).id, reason="x")
    [found] = world.clerk.ask(tickets.suggest_duplicates, mine.id)
    assert (found.ticket, found.apart_seconds) == (hit.id, 5 * 3600)
    assert 55 <= found.distance_m <= 60
    assert world.clerk.ask(tickets.suggest_duplicates, mine.id, within_m=50) == ()
    assert len(world.clerk.ask(tickets.suggest_duplicates, mine.id, within_m=20_000, within_hours=100)) == 3
    assert world.ticket(hit.id).status is S.REPORTED


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 200)), max_size=12), st.integers(0, 2000))
@settings(max_examples=15)
def test_suggestions_are_what_a_plain_search_finds(others: list[tuple[int, int]], within_m: int) -> None:
    from communitycore.domain.tickets.merging import great_circle_m

    world = build()
    start = world.clock()

    def at(n: int) -> cc.Point:
        return cc.Point(117.03125 + n / 2048, 36.875)

    mine = world.reported(happened=start)
    made = [world.reported(point=at(n), happened=start - timedelta(hours=h)) for n, h in others]
    expected = {
        ticket.id
        for ticket, (n, h) in zip(made, others, strict=True)
        if h <= 72 and great_circle_m(at(0), at(n)) <= within_m
    }
    found = world.clerk.ask(tickets.suggest_duplicates, mine.id, within_m=within_m, limit=100)
    assert {likeness.ticket for likeness in found} == expected
    assert [f.distance_m for f in found] == sorted(f.distance_m for f in found)


# the map


def test_an_unplaceable_ticket_waits_with_the_reason_that_names_all_grids(world: World) -> None:
    waiting = {
        place: world.clerk.do(tickets.dispatch, world.accepted(point=place).id) for place in (BORDER, NOWHERE, None)
    }
    assert all(ticket.status is S.ACCEPTED and ticket.assignee is None for ticket in waiting.values())
    both = waiting[BORDER].why
    assert both is not None
    assert both.grids == tuple(sorted((world.west, world.east)))
    assert set(both.names) == {"西网格", "东网格"}
    assert both.say("zh").startswith("该地点同时位于 2 个网格：")
    reasons = [waiting[place].why for place in (NOWHERE, None)]
    assert [why.reason for why in reasons if why] == [Reason.NO_GRID, Reason.NO_PLACE]
    chosen = world.clerk.do(tickets.dispatch, waiting[BORDER].id, grid=world.east)
    assert (chosen.grid, chosen.assignee) == (world.east, world.ref(world.cai))


def test_a_place_known_by_its_venue_or_dwelling_is_found(world: World) -> None:
    venue = world.clerk.do(places.open_venue, name="汇客厅", kind=places.VenueKind.LIVING_ROOM, point=EAST)
    flat = world.clerk.do(places.add_dwelling, building="3", room="501", grid=world.east)
    for place in ({"venue": venue.id}, {"dwelling": flat.id}):
        assert world.dispatched(point=None, **place).grid == world.east


def test_a_load_is_read_by_its_officer_and_the_desk(world: World) -> None:
    ticket = world.dispatched()
    [load] = world.hand(ticket).find(Load)
    assert (load.officer, load.weight) == (ticket.assignee, 3)
    assert world.desk(world.cai).find(Load) == []


def test_the_room_keeps_its_records_apart(world: World) -> None:
    world.reported()
    assert world.desk(world.anna).find(TicketReporter) == []
    assert world.desk(world.neighbour).find(Ticket) == []
    assert len(world.desk(world.reporter).find(TicketReporter)) == 1
    assert len(world.desk(world.neighbour).find(Category)) == 1  # those set here; the district's are used all the same
