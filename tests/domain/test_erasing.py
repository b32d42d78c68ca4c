"""R6 and §47 PIPL in the rooms: who asks is erased; what a duty laid down by law still needs is kept, and said to be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from tests.domain import tickets_world, wishes_world
from tests.domain.wishes_world import ABOUT, DONOR_NAME, DONOR_PHONE, GRANDMOTHER, secrets

import communitycore as cc
from communitycore import people, places, tickets, wishes
from communitycore.domain.people import (
    Channel,
    ChannelKind,
    DetailsStatus,
    MinorProfile,
    Profile,
    Residency,
    Tenure,
)
from communitycore.domain.roles import GRID_OFFICER
from communitycore.domain.tickets import Ticket, TicketStatus
from communitycore.domain.wishes import PrivateWish, Verdict, WishClaim, WishDonor, WishDraft, WishThanks
from communitycore.hub.catalogue import Catalogue
from communitycore.hub.certificate import Certificate
from communitycore.hub.owners import Owners
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.query import FIND_MAX, Query
from communitycore.kernel.shape import erased_value

WHY = "申请 2024-17"
SECRET = "我家暖气不热 zz-secret"


def erase(world: Any, party: str) -> Certificate:
    hub, home = world.hub, world.home
    return hub.erase(cc.Ref(home, party), actor=hub.administrator(home), reason=WHY)


def kept(certificate: Certificate) -> dict[str, int]:
    return {each.kind: each.records for each in certificate.kept if each.kind != "journal"}


def emptied(certificate: Certificate) -> dict[str, int]:
    return {each.kind: each.records for each in certificate.erased}


def stored(hub: cc.Hub) -> str:
    """Every row and entry of the store."""

    def told() -> Iterator[Any]:
        with hub.store.reading() as tx:
            for head in tx.heads():
                yield tx.entries(head.id, 0, 10_000)
                for shape in hub.catalogue.shapes.values():
                    yield tx.find(shape, head.id, Query((), 0, False, FIND_MAX, None))

    return repr(list(told()))


@pytest.fixture
def town() -> tickets_world.World:
    return tickets_world.build()


@pytest.fixture
def fair() -> wishes_world.World:
    return wishes_world.build()


def test_every_kind_with_something_personal_leads_to_its_person_and_reads_as_erased() -> None:
    catalogue = Catalogue((JURISDICTIONS, *cc.built_in_rooms()))
    kinds = Owners(catalogue).kinds
    assert {"profile", "minor_profile", "ticket", "ticket_reporter", "wish_claim", "tenure"} <= {s.kind for s in kinds}
    for shape in kinds:
        for field in shape.fields:
            if field.personal:
                erased_value(field)


# tickets


def test_r6_a_neighbour_is_erased_with_all_that_is_theirs(town: tickets_world.World) -> None:
    channel = Channel(ChannelKind.PHONE, "139 5310 0001")
    me = town.clerk.do(people.register, name="赵淑芬", channels=(channel,), birth_date=date(1950, 1, 2)).id
    ticket = town.closed(reporter=me, title=SECRET, description="zz-secret 二单元", contact="zz-secret 后门")
    town.desk(me).do(tickets.call_back, ticket.id, satisfied=True, words="zz-secret 修好了")
    certificate = erase(town, me)
    assert emptied(certificate) == {"profile": 1, "ticket": 1, "ticket_reporter": 1}
    assert certificate.complete
    assert not [value for value in ("赵淑芬", "139 5310 0001", "zz-secret", "1950-01-02") if value in stored(town.hub)]
    now = town.ticket(ticket.id)
    assert (now.title, now.description, now.remarks, now.status) == (None, None, (), TicketStatus.CALLED_BACK)
    assert now.erased
    assert town.hub.verify(certificate.anchor).ok


def test_r6_a_ticket_is_kept_while_it_is_seen_to_and_until_its_reporter_was_called_back(
    town: tickets_world.World,
) -> None:
    me = town.reporter
    ticket = town.reported(title=SECRET)
    steps = [
        lambda: town.clerk.do(tickets.accept, ticket.id),
        lambda: town.clerk.do(tickets.dispatch, ticket.id),
        lambda: town.hand(ticket).do(tickets.start, ticket.id),
        lambda: town.hand(ticket).do(tickets.handle, ticket.id, evidence=("photo:1",), report="换了"),
        lambda: town.supervisor.do(tickets.verify, ticket.id, evidence=("photo:2",)),
        lambda: town.clerk.do(tickets.close, ticket.id),
    ]
    for do in (lambda: None, *steps):
        do()
        certificate = erase(town, me)
        assert kept(certificate) == {"ticket": 1, "ticket_reporter": 1}
        assert all("个人信息保护法" in each.ground.zh for each in certificate.kept)
        assert town.ticket(ticket.id).title == SECRET
    town.desk(me).do(tickets.call_back, ticket.id, satisfied=True)
    certificate = erase(town, me)
    assert kept(certificate) == {}
    assert town.ticket(ticket.id).title is None
    assert town.hub.verify().ok


def test_r6_what_was_merged_is_kept_as_long_as_what_it_became_part_of(town: tickets_world.World) -> None:
    me, other = town.reporter, town.neighbour
    mine, theirs = town.accepted(title=SECRET), town.accepted(reporter=other, title="别人的")
    town.clerk.do(tickets.merge, mine.id, into=theirs.id, reason="同一处")
    assert kept(erase(town, me)) == {"ticket": 1, "ticket_reporter": 1}
    town.clerk.do(tickets.withdraw, theirs.id, reason="误报")
    certificate = erase(town, me)
    assert kept(certificate) == {}
    assert town.ticket(mine.id).title is None
    assert town.ticket(theirs.id).title == "别人的"


def test_r6_one_who_took_their_report_back_is_not_kept_for_it(town: tickets_world.World) -> None:
    me, other = town.reporter, town.neighbour
    mine, theirs = town.accepted(title=SECRET, contact="zz-contact"), town.accepted(reporter=other, title="别人的")
    town.clerk.do(tickets.merge, mine.id, into=theirs.id, reason="同一处")
    town.desk(me).do(tickets.withdraw, mine.id, reason="不用了")
    certificate = erase(town, me)
    assert kept(certificate) == {"ticket": 1}, "the matter goes on, and its text is part of it"
    assert "zz-contact" not in stored(town.hub)


def test_g7_whoever_handled_it_does_not_learn_from_its_history_when_it_was_erased(town: tickets_world.World) -> None:
    """The neighbours' own records tell when they were erased: the two together would tell who reported."""
    ticket = town.closed()
    handler = town.hand(ticket)
    town.desk(town.reporter).do(tickets.call_back, ticket.id, satisfied=True)
    erase(town, town.reporter)
    assert "ticket.erased" not in [entry.name for entry in handler.history(Ticket, ticket.id)]
    assert "ticket.erased" in [entry.name for entry in town.supervisor.history(Ticket, ticket.id)]


def test_an_erased_ticket_may_be_taken_up_again(town: tickets_world.World) -> None:
    ticket = town.closed(title=SECRET)
    town.desk(town.reporter).do(tickets.call_back, ticket.id, satisfied=True)
    erase(town, town.reporter)
    again = town.clerk.do(tickets.reopen, ticket.id, reason="检查发现未修好")
    assert again.status is TicketStatus.REOPENED
    assert [remark.text for remark in again.remarks] == ["检查发现未修好"]
    assert not again.erased
    assert town.hub.verify().ok


def test_loads_and_figures_stand(town: tickets_world.World) -> None:
    ticket = town.started()
    town.desk(town.reporter).do(tickets.withdraw, ticket.id, reason="好了")
    other = town.started(reporter=town.neighbour)
    before = town.loads()
    erase(town, town.reporter)
    assert town.loads() == before == town.counted_loads()
    assert town.hand(other).actor in before


# people


def test_g9_an_officers_published_contact_is_kept_while_they_serve(town: tickets_world.World) -> None:
    who = town.new("孙网格")
    tenure = town.appoint(who, town.east, public_name="孙网格员", duty_phone="0531-84230001")
    certificate = erase(town, who)
    assert kept(certificate) == {"tenure": 1}
    assert next(each.ground.zh for each in certificate.kept if each.kind == "tenure").startswith("在任网格员")
    assert town.admin.get(Tenure, tenure.id).duty_phone == "0531-84230001"
    town.admin.do(people.end_tenure, tenure.id)
    certificate = erase(town, who)
    assert emptied(certificate)["tenure"] == 1
    now = town.admin.get(Tenure, tenure.id)
    assert (now.public_name, now.duty_phone, now.duty) == (None, None, GRID_OFFICER.name)
    assert "0531-84230001" not in stored(town.hub)


def test_who_serves_from_elsewhere_is_erased_here_too(town: tickets_world.World) -> None:
    boss = cc.Ref(town.district, "someone")
    tenure = town.admin.do(people.appoint, holder=boss, duty=GRID_OFFICER, grid_id=town.east, public_name="外来的人")
    town.admin.do(people.end_tenure, tenure.id)
    town.hub.erase(boss, actor=town.hub.administrator(town.home), reason=WHY)
    assert "外来的人" not in stored(town.hub)


def test_who_lived_where_is_erased_and_that_somebody_did_is_not(town: tickets_world.World) -> None:
    dwelling = town.admin.do(places.add_dwelling, building="1", unit="1", room="501")
    home = town.clerk.do(
        people.move_in, town.neighbour, dwelling.id, kind=people.ResidencyKind.OWNER, since=date(2020, 1, 1)
    )
    erase(town, town.neighbour)
    now = town.clerk.get(Residency, home.id)
    assert (now.dwelling, now.since, now.erased) == (None, date(2020, 1, 1), True)
    assert town.clerk.find(Residency, cc.where(Residency.dwelling, dwelling.id)) == []


def test_an_erased_profile_takes_new_details(town: tickets_world.World) -> None:
    erase(town, town.neighbour)
    assert town.clerk.do(people.change_profile, town.neighbour, do_not_contact=True).erased
    again = town.clerk.do(people.change_profile, town.neighbour, name="周建国")
    assert (again.name, again.erased) == ("周建国", False)
    assert town.clerk.ask(people.reach, town.neighbour).do_not_contact
    assert town.hub.verify().ok


def test_an_organisation_keeps_its_name_and_loses_its_numbers(town: tickets_world.World) -> None:
    numbers = (Channel(ChannelKind.PHONE, "0531-84239999"),)
    town.clerk.do(people.change_organisation, town.company, channels=numbers)
    erase(town, town.company)
    assert "0531-84239999" not in stored(town.hub)
    assert "某物业公司" in stored(town.hub)


# minors and wishes


def test_r16_a_childs_side_is_erased_and_the_child_still_comes_of_age(fair: wishes_world.World) -> None:
    (wish,) = fair.published()
    fair.thanked(wish, words="谢谢 zz-thanks")
    pending = fair.drafted(7)
    before = stored(fair.hub)
    assert all(secret in before for secret in secrets(ABOUT))
    certificate = erase(fair, fair.child)
    assert certificate.complete
    assert set(emptied(certificate)) == {"minor_profile", "private_wish", "wish_draft", "wish_thanks"}
    after = stored(fair.hub)
    assert not [secret for secret in secrets(ABOUT) if secret in after]
    assert "2015-05-02" not in after
    assert fair.writer.get(WishDraft, pending.id).text is None
    (thanks,) = fair.writer.find(WishThanks)
    assert thanks.text is None
    assert fair.desk(fair.guardian).find(PrivateWish)[0].about is None
    assert fair.wish(wish).title.startswith("一套少儿百科全书"), "it is public, and nobody's any more"
    with pytest.raises(wishes.NotReviewed):
        fair.writer.do(wishes.publish, fair.campaign.id, drafts=(pending.id,))
    fair.writer.do(wishes.redraft, pending.id, text=wishes_world.text(8))
    fair.checker.do(wishes.review, pending.id, Verdict.APPROVE)
    fair.writer.do(wishes.publish, fair.campaign.id, drafts=(pending.id,))
    fair.clock.advance(timedelta(days=366 * 10))
    fair.hub.run_due()
    assert fair.hub.parked(fair.home) == []
    (grown,) = [p for p in fair.clerk.find(Profile) if p.party == fair.child]
    assert (grown.name, grown.status) == (None, DetailsStatus.HELD)
    assert fair.hub.verify().ok


def test_an_approved_text_that_was_erased_is_not_published(fair: wishes_world.World) -> None:
    ready = fair.approved()
    erase(fair, fair.child)
    with pytest.raises(wishes.NotReviewed):
        fair.writer.do(wishes.publish, fair.campaign.id, drafts=(ready.id,))


def test_an_erased_minor_has_its_birth_date_put_in_again(fair: wishes_world.World) -> None:
    erase(fair, fair.child)
    fair.clerk.do(people.correct_birth_date, fair.child, birth_date=date(2015, 5, 2))
    with fair.hub.store.reading() as tx:
        (row,) = tx.find(MinorProfile.__shape__, fair.home, Query((), 0, False, 10, None))
    assert MinorProfile.__shape__.read_row(row).birth_date == date(2015, 5, 2)
    assert fair.hub.verify().ok


def test_a_donor_is_erased_and_the_claim_stands_unnamed(fair: wishes_world.World) -> None:
    one, two = fair.published(2)
    promise = fair.claimed(one, public_name=DONOR_NAME)
    fair.clerk.do(wishes.claim_by_telephone, (two.id,), name="郑美玲", phone=DONOR_PHONE)
    caller = fair.claim_of(two).claimant
    fair.desk(fair.donor).do(wishes.fulfil, promise.id, proof="收据 zz-17")
    erase(fair, fair.donor)
    erase(fair, caller)
    after = stored(fair.hub)
    assert not [value for value in (DONOR_NAME, DONOR_PHONE, "郑美玲", "zz-17") if value in after]
    now = fair.writer.get(WishClaim, promise.id)
    assert (now.public_name, now.proof, now.status) == (None, None, "fulfilled")
    assert fair.writer.find(WishDonor)[0].erased
    assert fair.public.ask(wishes.tally, fair.campaign.id).unnamed == 2
    fair.writer.do(wishes.hand_over, one.id)
    assert fair.hub.verify().ok


def test_what_stands_in_anothers_record_is_theirs_to_keep(fair: wishes_world.World) -> None:
    """A guardian's own details go; what a child's wish says of who cares for it is the child's."""
    fair.drafted()
    erase(fair, fair.guardian)
    after = stored(fair.hub)
    assert GRANDMOTHER not in after
    assert ABOUT.guardian_name is not None
    assert ABOUT.guardian_name in after
