"""The room people: nothing personal in a party, minors behind an approval, and who serves a grid at any moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

import communitycore as cc
from communitycore.domain import people, places
from communitycore.domain.people import (
    AccessStatus,
    Channel,
    ChannelKind,
    DetailsStatus,
    Guardianship,
    GuardianshipStatus,
    MinorAccess,
    MinorProfile,
    OfficerConcern,
    OrganisationKind,
    OrganisationProfile,
    Party,
    PartyId,
    PartyStatus,
    Profile,
    Residency,
    ResidencyKind,
    Tenure,
    TenureStatus,
)
from communitycore.domain.people.age import birthday
from communitycore.domain.places import GridId, NoticeOfficer
from communitycore.domain.roles import (
    CLERK,
    COMMUNITY_WORKER,
    FAMILY_DOCTOR,
    GRID_OFFICER,
    ORGANISER,
    POLICE,
    PROPERTY_STAFF,
    SUPERVISOR,
    VOLUNTEER,
)
from communitycore.kernel.errors import BadValue, IllegalStep, NotAllowed, NotFound, NotUnique
from communitycore.kernel.jurisdiction import ADMINISTRATOR, Grant, give
from communitycore.kernel.view import View
from communitycore.testing import Clock, seeded

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2024, 6, 4, 6, 0, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

PHONE = Channel(ChannelKind.PHONE, "+86 531 8400 0001")
WECHAT = Channel(ChannelKind.WECHAT, "wx_liming_77")
MOTHER_PHONE = Channel(ChannelKind.PHONE, "13800138000")
REASON = "preparing the home visit of the wish campaign"


@cc.read("probe.officers", may=cc.PUBLIC)
def officers_now(view: View, grid_id: GridId) -> tuple[cc.Ref, ...]:
    return people.officers_of(view, grid_id)


@cc.read("probe.minor", may=cc.PUBLIC)
def minor_as_stored(view: View, minor_id: people.MinorProfileId) -> MinorProfile:
    return view.get(MinorProfile, minor_id)


PROBE = cc.Room("probe", records=(), commands=(), reads=(officers_now, minor_as_stored))


@frozen(eq=False)
class Town:
    """One community under one district, its clerk and its administrator."""

    hub: cc.Hub
    clock: Clock
    district: str
    community: str
    admin: cc.Ref
    clerk: cc.Ref

    def at(self, actor: cc.Ref) -> cc.Desk:
        return self.hub.desk(self.community, actor)

    @property
    def office(self) -> cc.Desk:
        return self.at(self.clerk)

    @property
    def head(self) -> cc.Desk:
        return self.at(self.admin)

    def ref(self, party: PartyId) -> cc.Ref:
        return cc.Ref(self.community, party)

    def staff(self, role: cc.Role, name: str | None = None) -> cc.Ref:
        """One from the district who holds a role in the community, without a party here."""
        holder = cc.Ref(self.district, name or f"staff-{role.name}")
        self.head.do(give, holder=holder, role=role)
        return holder

    def adult(self, name: str = "李明", **details: Any) -> PartyId:
        return self.office.do(people.register, name=name, **details).id

    def child(self, *guardians: PartyId, name: str = "小雨", born: date = date(2015, 3, 1), **details: Any) -> PartyId:
        return self.office.do(people.register, name=name, birth_date=born, guardians=guardians, **details).id

    def grid(self, name: str = "一号网格", phone: str | None = "0531-12345") -> GridId:
        n = len(self.head.find(places.Grid))
        west = 117.1 + 0.01 * n
        ring = [(west, 36.9), (west + 0.01, 36.9), (west + 0.01, 36.91), (west, 36.91), (west, 36.9)]
        return self.head.do(places.draw_grid, name=name, area=cc.Area([[ring]]), supervision_phone=phone).id

    def home(self, room: str = "101") -> places.DwellingId:
        return self.office.do(places.add_dwelling, building="1", unit="1", room=room).id

    def settle(self, party: PartyId, room: str = "101") -> Residency:
        return self.office.do(people.move_in, party, self.home(room), kind=ResidencyKind.OWNER)

    def officers(self, grid: GridId) -> tuple[cc.Ref, ...]:
        return self.office.ask(officers_now, grid)

    def concerns(self, grid: GridId | None = None, **options: Any) -> list[OfficerConcern]:
        return [
            line.concern
            for line in self.office.ask(people.audit_officers, **options)
            if grid is None or line.grid == grid
        ]

    def minor(self, guardian: PartyId, child: PartyId) -> MinorProfile:
        """The child's record as its guardian reads it."""
        return self.at(self.ref(guardian)).find(MinorProfile, cc.where(MinorProfile.party, child))[0]

    def journal_text(self) -> str:
        return "\n".join(repr(entry) for entry in self.hub.journal(self.community, limit=100_000))


def a_town(start: datetime = START, seed: int = 1) -> Town:
    clock = Clock(start)
    hub = cc.open("memory://", rooms=[places.ROOM, people.ROOM, PROBE], clock=clock, entropy=seeded(seed))
    district = hub.found("370115", name="济阳区", level="district")
    community = hub.found("370115001001", name="某社区", level="community", parent="370115")
    admin = hub.administrator(community.id)
    clerk = cc.Ref(district.id, "clerk")
    hub.desk(community.id, admin).do(give, holder=clerk, role=CLERK)
    return Town(hub, clock, district.id, community.id, admin, clerk)


@pytest.fixture
def town() -> Town:
    return a_town()


@pytest.fixture
def family(town: Town) -> tuple[PartyId, PartyId]:
    """A mother and her child."""
    mother = town.adult("王芳", channels=(MOTHER_PHONE,))
    return mother, town.child(mother)


# parties


def test_the_room_contradicts_itself_nowhere(town: Town) -> None:
    town.hub.catalogue.check()


def test_a_stranger_may_call_nothing_but_the_public_notice(town: Town) -> None:
    stranger: Any = town.at(cc.Ref(town.district, "stranger"))
    for command in people.ROOM.commands:
        with pytest.raises(NotAllowed):
            stranger.do(command, "x", "x")
    for question in people.ROOM.reads:
        if question is not people.public_notice:
            with pytest.raises(NotAllowed):
                stranger.ask(question, "x")


def test_a_party_holds_nothing_personal(town: Town) -> None:
    party = town.adult(channels=(PHONE,), birth_date=date(1980, 1, 1))
    assert not Party.__shape__.salted
    assert "李明" not in repr(town.office.get(Party, party))
    profile = town.office.find(Profile, cc.where(Profile.party, party))[0]
    assert (profile.name, profile.channels, profile.birth_date) == ("李明", (PHONE,), date(1980, 1, 1))


def test_a_profile_is_read_by_its_person_and_those_who_need_it_alone(town: Town) -> None:
    party = town.adult()
    profile = town.office.find(Profile)[0]
    assert town.at(town.ref(party)).get(Profile, profile.id) == profile
    for role in (PROPERTY_STAFF, POLICE, FAMILY_DOCTOR, SUPERVISOR, VOLUNTEER):
        with pytest.raises(NotAllowed):
            town.at(town.staff(role)).get(Profile, profile.id)
    other = town.adult("张伟")
    with pytest.raises(NotAllowed):
        town.at(town.ref(other)).get(Profile, profile.id)
    with pytest.raises(NotAllowed):
        town.at(town.ref(other)).get(Party, party)


def test_a_first_administrator_is_registered_under_the_id_they_act_by(town: Town) -> None:
    party = town.head.do(people.register, name="赵主任", party_id=PartyId(town.admin.id))
    assert town.head.get(Party, party.id).id == town.admin.id
    assert town.head.do(people.change_profile, party.id, language="zh-Hans").language == "zh-Hans"
    with pytest.raises(NotUnique):
        town.head.do(people.register, party_id=party.id)


def test_an_organisation_has_a_name_and_contacts_of_its_own(town: Town) -> None:
    shop = town.office.do(
        people.register_organisation, name="老街理发店", kind=OrganisationKind.MERCHANT, channels=(PHONE,)
    )
    assert shop.organisation is OrganisationKind.MERCHANT
    details = town.at(town.staff(PROPERTY_STAFF)).find(OrganisationProfile)[0]
    assert (details.name, details.channels) == ("老街理发店", (PHONE,))
    mine = town.at(town.ref(shop.id))
    assert mine.do(people.change_organisation, shop.id, channels=()).channels == ()
    with pytest.raises(BadValue):
        mine.do(people.change_organisation, shop.id, name="  ")
    with pytest.raises(NotFound):
        mine.do(people.change_profile, shop.id, name="x")


def test_a_person_changes_their_own_profile_and_nobody_elses(town: Town) -> None:
    party, other = town.adult(channels=(PHONE,)), town.adult("张伟")
    mine = town.at(town.ref(party))
    changed = mine.do(people.change_profile, party, channels=(WECHAT, PHONE), do_not_contact=True)
    assert (changed.name, changed.channels, changed.do_not_contact) == ("李明", (WECHAT, PHONE), True)
    assert mine.do(people.change_profile, party, name=None).name is None
    version = changed.version + 1
    assert mine.do(people.change_profile, party).version == version
    with pytest.raises(NotAllowed):
        mine.do(people.change_profile, other, name="x")


def test_one_from_elsewhere_acts_as_the_party_they_are_linked_to(town: Town) -> None:
    party, other = town.adult(), town.adult("张伟")
    elsewhere = cc.Ref(town.district, "resident-of-elsewhere")
    with pytest.raises(NotAllowed):
        town.at(elsewhere).do(people.change_profile, party, name="李 明")
    town.head.do(people.link_same, party, same_as=elsewhere)
    assert town.at(elsewhere).do(people.change_profile, party, name="李 明").name == "李 明"
    with pytest.raises(people.AlreadyLinked):
        town.head.do(people.link_same, other, same_as=elsewhere)
    with pytest.raises(BadValue):
        town.head.do(people.link_same, other, same_as=town.ref(party))
    with pytest.raises(NotAllowed):
        town.office.do(people.link_same, other, same_as=None)
    town.head.do(people.link_same, party, same_as=None)
    with pytest.raises(NotAllowed):
        town.at(elsewhere).do(people.change_profile, party, name="x")


@pytest.mark.parametrize(
    "channels",
    [
        (Channel(ChannelKind.PHONE, "not-a-number-SECRET"),),
        (Channel(ChannelKind.MAIL, "SECRET"),),
        (Channel(ChannelKind.WECHAT, "  "),),
        (Channel(ChannelKind.WECHAT, "SECRET\0"),),
        (Channel(ChannelKind.WECHAT, "SECRET" * 100),),
        (PHONE, PHONE),
        (PHONE,) * 11,
        [PHONE],
        ("SECRET",),
        (Channel("phone", "SECRET"),),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ],
)
def test_a_channel_that_cannot_be_right_is_refused_without_being_repeated(town: Town, channels: Any) -> None:
    before = len(town.hub.journal(town.community))
    with pytest.raises(BadValue) as refused:
        town.adult(channels=channels)
    assert "SECRET" not in refused.value.say("en") + refused.value.say("zh") + repr(refused.value)
    assert "8400" not in repr(refused.value)
    assert len(town.hub.journal(town.community)) == before


@pytest.mark.parametrize(
    "details",
    [
        {"name": " "},
        {"name": "名" * 101},
        {"name": b"SECRET"},
        {"name": "SECRET\ud800"},
        {"birth_date": date(2024, 6, 5)},
        {"birth_date": date(1893, 1, 1)},
        {"birth_date": datetime(1980, 1, 1, tzinfo=UTC)},
        {"birth_date": "1980-01-01"},
        {"language": "SECRET" * 10},
    ],
)
def test_details_that_cannot_be_right_are_refused_without_being_repeated(town: Town, details: dict[str, Any]) -> None:
    with pytest.raises(BadValue) as refused:
        town.office.do(people.register, **details)
    said = refused.value.say("en") + refused.value.say("zh") + repr(refused.value)
    assert not any(secret in said for secret in ("SECRET", "1980", "1893", "2024"))


def test_names_of_any_script_come_back_as_they_were(town: Town) -> None:
    for name in ("ئايگۈل", "བསོད་ནམས", "𠮷田", "O’Brien-Łukasz"):
        party = town.adult(name)
        assert town.office.find(Profile, cc.where(Profile.party, party))[0].name == name


# reaching


def test_channels_are_tried_in_the_order_in_which_they_were_given(town: Town) -> None:
    party = town.adult(channels=(WECHAT, PHONE), language="ug")
    reached = town.at(town.staff(FAMILY_DOCTOR)).ask(people.reach, party)
    assert [(c.kind, c.value, c.language) for c in reached.contacts] == [
        (ChannelKind.WECHAT, WECHAT.value, "ug"),
        (ChannelKind.PHONE, PHONE.value, "ug"),
    ]
    for role in (PROPERTY_STAFF, POLICE, VOLUNTEER):
        with pytest.raises(NotAllowed):
            town.at(town.staff(role)).ask(people.reach, party)


def test_one_who_wants_no_contact_gives_no_way(town: Town) -> None:
    party = town.adult(channels=(PHONE,))
    town.at(town.ref(party)).do(people.change_profile, party, do_not_contact=True)
    reached = town.office.ask(people.reach, party)
    assert (reached.contacts, reached.do_not_contact) == ((), True)


def test_a_child_is_reached_through_its_guardians_never_itself(town: Town) -> None:
    mother, father = town.adult("王芳", channels=(MOTHER_PHONE,)), town.adult("刘强", channels=(PHONE,))
    child = town.child(mother, father, channels=(WECHAT,))
    reached = town.office.ask(people.reach, child)
    assert reached.through_guardians
    assert [(c.party, c.value) for c in reached.contacts] == [(mother, MOTHER_PHONE.value), (father, PHONE.value)]
    town.at(town.ref(mother)).do(people.change_profile, mother, do_not_contact=True)
    reached = town.office.ask(people.reach, child)
    assert [c.party for c in reached.contacts] == [father]
    assert not reached.do_not_contact


# coming of age


def years_old(born: date, day: date) -> int:
    """Age as people count it on their fingers."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@given(
    born=st.dates(date(1985, 1, 1), date(2024, 6, 1)),
    hops=st.lists(st.integers(0, 3_000), min_size=1, max_size=4),
    minutes=st.integers(0, 24 * 60 - 1),
)
@settings(max_examples=60)
def test_details_stand_in_a_minors_record_exactly_while_one_is_under_18(
    born: date, hops: list[int], minutes: int
) -> None:
    town = a_town(START + timedelta(minutes=minutes))
    mother = town.adult("王芳")
    minor = years_old(born, town.clock().astimezone(SHANGHAI).date()) < 18
    child = town.child(*((mother,) if minor else ()), born=born, channels=(WECHAT,))
    for hop in [0, *hops]:
        town.clock.advance(hop * DAY)
        town.hub.run_due()
        minor = years_old(born, town.clock().astimezone(SHANGHAI).date()) < 18
        held = town.at(town.ref(mother)).find(MinorProfile, cc.where(MinorProfile.party, child))
        adult = town.office.find(Profile, cc.where(Profile.party, child))
        links = town.office.find(Guardianship, cc.where(Guardianship.status, GuardianshipStatus.ACTIVE))
        assert (len(held), len(adult), len(links)) == ((1, 0, 1) if minor else (0, 1, 0))
        details: Any = [*held, *adult][0]
        assert (details.name, details.birth_date, details.channels) == ("小雨", born, (WECHAT,))
    assert not town.hub.parked(town.community)
    assert town.hub.verify().ok


def test_one_comes_of_age_with_the_first_moment_of_the_birthday_in_the_towns_own_calendar() -> None:
    midnight = datetime.combine(date(2024, 6, 5), time(), SHANGHAI)
    town = a_town(midnight - timedelta(microseconds=1))
    mother = town.adult("王芳")
    child = town.child(mother, born=date(2006, 6, 5))
    assert town.hub.run_due() == 0
    assert town.minor(mother, child).name == "小雨"
    town.clock.set(midnight)
    assert town.hub.run_due() == 1
    assert town.office.find(Profile, cc.where(Profile.party, child))[0].name == "小雨"
    with pytest.raises(NotAllowed):
        town.at(town.ref(mother)).do(people.change_profile, child, name="x")
    assert town.at(town.ref(child)).do(people.change_profile, child, name="刘小雨").name == "刘小雨"


def test_one_born_on_29_february_comes_of_age_on_1_march_of_a_common_year() -> None:
    assert birthday(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert birthday(date(2008, 2, 29), 16) == date(2024, 2, 29)


def test_the_minors_record_is_empty_once_one_is_of_age(town: Town, family: tuple[PartyId, PartyId]) -> None:
    mother, child = family
    minor = town.minor(mother, child)
    town.clock.set(datetime(2033, 3, 1, tzinfo=SHANGHAI))
    town.hub.run_due()
    left = town.office.ask(minor_as_stored, minor.id)
    assert left.status is DetailsStatus.EMPTIED
    assert (left.name, left.birth_date, left.channels, left.guardians) == (None, None, (), ())


def test_a_corrected_birth_date_moves_the_details_where_they_belong(town: Town) -> None:
    mother = town.adult("王芳")
    child = town.adult("小雨", birth_date=date(2005, 3, 1), channels=(WECHAT,))
    with pytest.raises(people.GuardianNeeded):
        town.office.do(people.correct_birth_date, child, birth_date=date(2015, 3, 1))
    town.office.do(people.correct_birth_date, child, birth_date=date(2015, 3, 1), guardians=(mother,))
    minor = town.minor(mother, child)
    assert (minor.name, minor.channels) == ("小雨", (WECHAT,))
    emptied = town.office.find(Profile, cc.where(Profile.party, child))[0]
    assert (emptied.status, emptied.name, emptied.channels) == (DetailsStatus.EMPTIED, None, ())
    town.office.do(people.correct_birth_date, child, birth_date=date(2006, 6, 10))
    town.clock.advance(6 * DAY)
    assert town.hub.run_due() == 1
    again = town.office.find(Profile, cc.where(Profile.party, child))[0]
    assert (again.status, again.name, again.birth_date) == (DetailsStatus.HELD, "小雨", date(2006, 6, 10))
    town.office.do(people.correct_birth_date, child, birth_date=date(2016, 1, 1), guardians=(mother,))
    assert town.minor(mother, child).id == minor.id
    town.office.do(people.correct_birth_date, child, birth_date=date(2000, 1, 1))
    assert town.office.find(Profile, cc.where(Profile.party, child))[0].birth_date == date(2000, 1, 1)
    town.clock.set(datetime(2040, 1, 1, tzinfo=UTC))
    assert town.hub.run_due() == 0
    assert town.hub.verify().ok


# guardians


def test_a_minor_needs_a_guardian_who_is_grown_and_here(town: Town, family: tuple[PartyId, PartyId]) -> None:
    mother, child = family
    with pytest.raises(people.GuardianNeeded):
        town.child()
    for unfit in ((child,), (mother, mother), (PartyId("self"),)):
        with pytest.raises(people.UnfitGuardian):
            town.child(*unfit, party_id=PartyId("self"))
    with pytest.raises(NotFound):
        town.child(PartyId("nobody"))
    gone = town.adult("张伟")
    town.office.do(people.leave, gone)
    with pytest.raises(people.PartyGone):
        town.child(gone)
    with pytest.raises(BadValue):
        town.office.do(people.register, name="成人", guardians=(mother,))


def test_an_organisation_may_be_a_guardian(town: Town) -> None:
    home = town.office.do(people.register_organisation, name="儿童福利院", kind=OrganisationKind.PUBLIC_BODY)
    child = town.child(home.id)
    assert town.minor(home.id, child).name == "小雨"


def test_a_guardian_reads_the_record_for_as_long_as_the_guardianship_lasts(
    town: Town, family: tuple[PartyId, PartyId]
) -> None:
    mother, child = family
    grandmother = town.adult("陈奶奶")
    minor = town.minor(mother, child)
    with pytest.raises(NotAllowed):
        town.at(town.ref(grandmother)).get(MinorProfile, minor.id)
    town.office.do(people.add_guardian, child, guardian_id=grandmother)
    assert town.at(town.ref(grandmother)).get(MinorProfile, minor.id).name == "小雨"
    assert [g.child for g in town.at(town.ref(grandmother)).find(Guardianship)] == [child]
    town.office.do(people.end_guardianship, child, guardian_id=mother)
    with pytest.raises(NotAllowed):
        town.at(town.ref(mother)).get(MinorProfile, minor.id)
    with pytest.raises(people.GuardianNeeded):
        town.office.do(people.end_guardianship, child, guardian_id=grandmother)
    with pytest.raises(NotFound):
        town.office.do(people.end_guardianship, child, guardian_id=mother)
    with pytest.raises(people.NotAMinor):
        town.office.do(people.add_guardian, mother, guardian_id=grandmother)


def test_a_guardian_corrects_the_record_and_a_clerk_does_so_blindly(
    town: Town, family: tuple[PartyId, PartyId]
) -> None:
    mother, child = family
    minor = town.minor(mother, child)
    town.at(town.ref(mother)).do(people.change_minor, minor.id, name="刘小雨")
    assert town.office.do(people.change_minor, minor.id, channels=(WECHAT,)) is None
    assert (town.minor(mother, child).name, town.minor(mother, child).channels) == ("刘小雨", (WECHAT,))
    with pytest.raises(NotAllowed):
        town.at(town.ref(child)).do(people.change_minor, minor.id, name="x")


# R16


def an_access(town: Town, child: PartyId, staff: cc.Ref, approver: cc.Ref) -> MinorAccess:
    asked = town.at(staff).do(people.request_minor_access, child, reason=REASON)
    return town.at(approver).do(people.approve_minor_access, asked.id)


def test_r16_no_staff_role_reads_a_minors_record_by_get_find_or_history(
    town: Town, family: tuple[PartyId, PartyId]
) -> None:
    mother, child = family
    minor = town.minor(mother, child)
    for role in (*people.STAFF, VOLUNTEER):
        desk = town.at(town.staff(role))
        assert desk.find(MinorProfile) == []
        with pytest.raises(NotAllowed):
            desk.get(MinorProfile, minor.id)
        with pytest.raises(NotAllowed):
            desk.history(MinorProfile, minor.id)


def test_r16_a_staff_reading_is_approved_by_another_and_logged_with_its_reason(
    town: Town, family: tuple[PartyId, PartyId]
) -> None:
    mother, child = family
    organiser, supervisor = town.staff(ORGANISER), town.staff(SUPERVISOR)
    desk = town.at(organiser)
    with pytest.raises(people.AccessNeeded):
        desk.do(people.read_minor, child, reason=REASON)
    asked = desk.do(people.request_minor_access, child, reason=REASON)
    with pytest.raises(people.AccessNeeded):
        desk.do(people.read_minor, child, reason=REASON)
    approved = town.at(supervisor).do(people.approve_minor_access, asked.id)
    assert (approved.status, approved.approver) == (AccessStatus.APPROVED, supervisor)
    assert desk.do(people.read_minor, child, reason=REASON).name == "小雨"

    guardian = town.at(town.ref(mother))
    read = [e for e in guardian.history(MinorProfile, town.minor(mother, child).id) if e.name == "minor.read"]
    assert [(e.by, e.changes()) for e in read] == [(organiser, {"reason": REASON, "access": asked.id})]
    assert [row for _, row in town.at(supervisor).figures(people.MINOR_READS)] == [
        {
            "at": "2024-06-04T06:00:00.000000Z",
            "by": str(organiser),
            "minor_profile": read[0].record,
            "reason": REASON,
            "access": asked.id,
        }
    ]
    with pytest.raises(NotAllowed):
        desk.figures(people.MINOR_READS)


def test_r16_an_approval_serves_its_own_staff_member_child_and_day_alone(
    town: Town, family: tuple[PartyId, PartyId]
) -> None:
    mother, child = family
    sibling = town.child(mother, name="小雪")
    officer, other, supervisor = town.staff(GRID_OFFICER), town.staff(COMMUNITY_WORKER), town.staff(SUPERVISOR)
    an_access(town, child, officer, supervisor)
    with pytest.raises(people.AccessNeeded):
        town.at(other).do(people.read_minor, child, reason=REASON)
    with pytest.raises(people.AccessNeeded):
        town.at(officer).do(people.read_minor, sibling, reason=REASON)
    with pytest.raises(NotAllowed):
        town.at(supervisor).do(people.read_minor, child, reason=REASON)
    town.clock.advance(DAY - timedelta(microseconds=1))
    assert town.at(officer).do(people.read_minor, child, reason=REASON).name == "小雨"
    town.clock.advance(timedelta(microseconds=1))
    with pytest.raises(people.AccessNeeded):
        town.at(officer).do(people.read_minor, child, reason=REASON)
    assert town.hub.run_due() == 1
    assert town.at(officer).find(MinorAccess)[0].status is AccessStatus.LAPSED


def test_r16_nobody_approves_their_own_reading(town: Town, family: tuple[PartyId, PartyId]) -> None:
    _, child = family
    both = town.staff(CLERK, "both")
    town.head.do(give, holder=both, role=SUPERVISOR)
    asked = town.at(both).do(people.request_minor_access, child, reason=REASON)
    for decide in (people.approve_minor_access, people.decline_minor_access):
        with pytest.raises(people.OwnApproval):
            town.at(both).do(decide, asked.id)
    with pytest.raises(NotAllowed):
        town.office.do(people.approve_minor_access, asked.id)


def test_r16_a_request_is_decided_once_and_in_time(town: Town, family: tuple[PartyId, PartyId]) -> None:
    _, child = family
    asked = town.office.do(people.request_minor_access, child, reason=REASON)
    assert town.head.do(people.decline_minor_access, asked.id).status is AccessStatus.DECLINED
    with pytest.raises(people.AlreadyDecided):
        town.head.do(people.approve_minor_access, asked.id)
    access = an_access(town, child, town.clerk, town.admin)
    with pytest.raises(people.AlreadyDecided):
        town.head.do(people.approve_minor_access, access.id)
    late = town.office.do(people.request_minor_access, child, reason=REASON)
    town.clock.advance(7 * DAY)
    with pytest.raises(people.AccessLapsed):
        town.head.do(people.approve_minor_access, late.id)
    town.hub.run_due()
    assert town.head.get(MinorAccess, late.id).status is AccessStatus.LAPSED


def test_r16_an_access_ends_when_it_is_given_back(town: Town, family: tuple[PartyId, PartyId]) -> None:
    _, child = family
    access = an_access(town, child, town.clerk, town.admin)
    assert town.office.do(people.end_minor_access, access.id).status is AccessStatus.LAPSED
    with pytest.raises(people.AccessNeeded):
        town.office.do(people.read_minor, child, reason=REASON)
    with pytest.raises(NotAllowed):
        town.at(town.staff(POLICE)).do(people.end_minor_access, access.id)


@pytest.mark.parametrize("reason", ["家访小雨", "call 138 0013 8001", "mail to a@b.cn", "身份证 370125201503010000"])
def test_r16_a_reason_holds_nothing_personal(town: Town, family: tuple[PartyId, PartyId], reason: str) -> None:
    _, child = family
    an_access(town, child, town.clerk, town.admin)
    with pytest.raises(people.PersonalReason):
        town.office.do(people.read_minor, child, reason=reason)


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_r16_a_reading_without_a_reason_is_refused(town: Town, family: tuple[PartyId, PartyId], reason: str) -> None:
    _, child = family
    with pytest.raises(people.ReasonNeeded):
        town.office.do(people.request_minor_access, child, reason=reason)
    an_access(town, child, town.clerk, town.admin)
    with pytest.raises(people.ReasonNeeded):
        town.office.do(people.read_minor, child, reason=reason)


def test_r16_a_repeated_key_shows_no_minors_record_again(town: Town, family: tuple[PartyId, PartyId]) -> None:
    """A repeat makes no entry, so it would be a reading that nobody could find."""
    _, child = family
    asked = town.office.keyed("ask").do(people.request_minor_access, child, reason=REASON)
    assert town.office.keyed("ask").do(people.request_minor_access, child, reason=REASON) == asked
    town.head.do(people.approve_minor_access, asked.id)
    assert town.office.keyed("once").do(people.read_minor, child, reason=REASON).name == "小雨"
    with pytest.raises(NotAllowed):
        town.office.keyed("once").do(people.read_minor, child, reason=REASON)


def test_r16_one_of_age_has_no_minors_record_to_read(town: Town, family: tuple[PartyId, PartyId]) -> None:
    mother, _ = family
    with pytest.raises(people.NotAMinor):
        town.office.do(people.request_minor_access, mother, reason=REASON)


# residency


def test_who_lives_where_has_a_beginning_and_an_end(town: Town) -> None:
    party, home = town.adult(), town.home()
    lives = town.office.do(people.move_in, party, home, kind=ResidencyKind.TENANT)
    assert (lives.since, lives.until) == (date(2024, 6, 4), None)
    with pytest.raises(people.AlreadyLivesThere):
        town.office.do(people.move_in, party, home, kind=ResidencyKind.OWNER)
    with pytest.raises(BadValue):
        town.office.do(people.move_out, lives.id, until=date(2024, 6, 3))
    assert town.office.do(people.move_out, lives.id).until == date(2024, 6, 4)
    with pytest.raises(people.ResidencyEnded):
        town.office.do(people.move_out, lives.id)
    assert town.office.do(people.move_in, party, home, kind=ResidencyKind.OWNER).kind is ResidencyKind.OWNER
    assert len(town.at(town.ref(party)).find(Residency)) == 2


def test_nobody_moves_into_what_is_not_there_and_no_organisation_is_family(town: Town) -> None:
    party, home = town.adult(), town.home()
    shop = town.office.do(people.register_organisation, name="超市", kind=OrganisationKind.MERCHANT)
    with pytest.raises(NotFound):
        town.office.do(people.move_in, party, places.DwellingId("nowhere"), kind=ResidencyKind.OWNER)
    with pytest.raises(BadValue):
        town.office.do(people.move_in, shop.id, home, kind=ResidencyKind.FAMILY)
    town.office.do(places.strike_dwelling, home)
    with pytest.raises(places.DwellingGone):
        town.office.do(people.move_in, party, home, kind=ResidencyKind.OWNER)
    town.office.do(people.leave, party)
    with pytest.raises(people.PartyGone):
        town.office.do(people.move_in, party, town.home("102"), kind=ResidencyKind.OWNER)


def test_one_who_leaves_lives_nowhere_here_and_may_come_back(town: Town) -> None:
    party = town.adult()
    town.settle(party)
    assert town.at(town.ref(party)).do(people.leave, party).status is PartyStatus.LEFT
    assert town.office.find(Residency)[0].until == date(2024, 6, 4)
    assert town.office.do(people.leave, party).version == 2
    assert town.office.do(people.come_back, party).status is PartyStatus.ACTIVE
    assert town.office.do(people.strike_off, party).status is PartyStatus.ENDED
    with pytest.raises(IllegalStep):
        town.office.do(people.come_back, party)
    assert town.office.ask(people.reach, party).contacts == ()


def test_one_who_serves_does_not_leave_before_the_tenure_ends(town: Town) -> None:
    party = town.adult()
    tenure = town.head.do(people.appoint, holder=town.ref(party), duty=GRID_OFFICER, grid_id=town.grid())
    for go in (people.leave, people.strike_off):
        with pytest.raises(people.StillServes) as refused:
            town.office.do(go, party)
        assert refused.value.tenures == (tenure.id,)
    town.head.do(people.end_tenure, tenure.id)
    assert town.office.do(people.leave, party).status is PartyStatus.LEFT


# tenures


def may_register(town: Town, actor: cc.Ref) -> bool:
    """Whether one has an officer's authority now."""
    try:
        town.at(actor).do(people.register)
    except NotAllowed:
        return False
    return True


def test_an_appointment_writes_tenure_and_grant_at_once_and_its_end_ends_both(town: Town) -> None:
    officer, grid = town.ref(town.adult()), town.grid()
    assert not may_register(town, officer)
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid)
    grant = town.head.get(Grant, tenure.grant)
    assert (grant.holder, grant.role, grant.until) == (officer, "grid_officer", None)
    assert town.officers(grid) == (officer,)
    assert may_register(town, officer)
    ended = town.head.do(people.end_tenure, tenure.id)
    assert (ended.status, ended.warnings) == (TenureStatus.ENDED, (OfficerConcern.NO_OFFICER,))
    assert town.officers(grid) == ()
    assert not may_register(town, officer)
    for late in (people.end_tenure, people.return_early):
        with pytest.raises(people.TenureEnded):
            town.head.do(late, tenure.id)


def test_a_tenure_with_an_end_lapses_by_itself(town: Town) -> None:
    officer, grid = town.ref(town.adult()), town.grid()
    begins, ends = START + DAY, START + 3 * DAY
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid, since=begins, until=ends)
    assert (town.officers(grid), may_register(town, officer)) == ((), False)
    town.clock.set(begins)
    assert (town.officers(grid), may_register(town, officer)) == ((officer,), True)
    town.clock.set(ends)
    assert (town.officers(grid), may_register(town, officer)) == ((), False)
    with pytest.raises(people.TenureEnded):
        town.head.do(people.extend_tenure, tenure.id, until=None)
    assert town.hub.run_due() == 1
    assert town.head.get(Tenure, tenure.id).status is TenureStatus.ENDED


def test_an_extended_tenure_keeps_its_officer_and_an_ended_grant_stays_ended(town: Town) -> None:
    officer, grid = town.ref(town.adult()), town.grid()
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid, until=START + DAY)
    town.head.do(people.extend_tenure, tenure.id, until=START + 3 * DAY)
    town.clock.advance(2 * DAY)
    assert town.hub.run_due() == 0
    assert (town.officers(grid), may_register(town, officer)) == ((officer,), True)
    town.head.do(people.extend_tenure, tenure.id, until=None)
    town.clock.advance(100 * DAY)
    assert town.hub.run_due() == 0
    assert may_register(town, officer)
    town.head.do(cc.kernel.jurisdiction.end, tenure.grant)
    town.head.do(people.extend_tenure, tenure.id, until=town.clock() + DAY)
    assert not may_register(town, officer)
    assert town.head.do(people.end_tenure, tenure.id).status is TenureStatus.ENDED


def test_one_from_a_higher_body_serves_without_a_twin_here(town: Town) -> None:
    grid, from_district = town.grid(), cc.Ref(town.district, "seconded")
    tenure = town.head.do(people.appoint, holder=from_district, duty=GRID_OFFICER, grid_id=grid)
    assert town.officers(grid) == (from_district,)
    assert tenure.warnings == (OfficerConcern.NOT_RESIDENT,)
    twin = town.adult()
    town.settle(twin)
    town.head.do(people.link_same, twin, same_as=from_district)
    assert OfficerConcern.NOT_RESIDENT not in town.concerns(grid)


def test_what_cannot_be_an_appointment_is_refused(town: Town, family: tuple[PartyId, PartyId]) -> None:
    _, child = family
    officer, grid = town.ref(town.adult()), town.grid()
    gone = town.adult("张伟")
    town.office.do(people.leave, gone)
    retired = town.grid("二号网格")
    town.head.do(places.retire_grid, retired)
    fine: dict[str, Any] = {"holder": officer, "duty": GRID_OFFICER, "grid_id": grid}
    cases: list[tuple[type[Exception], dict[str, Any]]] = [
        (people.UnknownDuty, {"duty": ADMINISTRATOR}),
        (people.UnknownDuty, {"duty": "grid_officer"}),
        (NotFound, {"holder": town.ref(PartyId("nobody"))}),
        (people.PartyGone, {"holder": town.ref(gone)}),
        (people.TooYoung, {"holder": town.ref(child)}),
        (people.TooYoung, {"stand_in": town.ref(child)}),
        (people.StandInForSelf, {"stand_in": officer}),
        (NotFound, {"grid_id": GridId("nowhere")}),
        (places.GridRetired, {"grid_id": retired}),
        (BadValue, {"until": START}),
        (BadValue, {"since": START + DAY, "until": START + HOUR}),
        (BadValue, {"until": datetime(2030, 1, 1)}),
        (BadValue, {"duty_phone": "0531-1"}),
        (BadValue, {"public_name": "李", "duty_phone": "1" * 41}),
        (BadValue, {"public_name": " "}),
    ]
    before = town.journal_text()
    for error, wrong in cases:
        with pytest.raises(error):
            town.head.do(people.appoint, **{**fine, **wrong})
    with pytest.raises(NotAllowed):
        town.office.do(people.appoint, **fine)
    assert town.journal_text() == before
    town.head.do(people.appoint, holder=town.ref(child), duty=VOLUNTEER)
    town.head.do(people.appoint, **fine)
    with pytest.raises(people.AlreadyServes):
        town.head.do(people.appoint, **fine)
    town.head.do(people.appoint, **{**fine, "grid_id": None})


def test_a_third_officer_or_one_from_elsewhere_is_a_warning_and_an_audit_line_never_a_refusal(town: Town) -> None:
    grid = town.grid()
    officers = [town.adult(name) for name in ("甲", "乙", "丙")]
    for n, party in enumerate(officers):
        if n:
            town.settle(party, str(n))
        tenure = town.head.do(
            people.appoint,
            holder=town.ref(party),
            duty=GRID_OFFICER,
            grid_id=grid,
            public_name=f"网格员{n}",
            duty_phone="0531-2",
        )
        assert tenure.warnings == [(OfficerConcern.NOT_RESIDENT,), (), (OfficerConcern.MORE_THAN_TWO,)][n]
    assert town.concerns() == [OfficerConcern.MORE_THAN_TWO, OfficerConcern.NOT_RESIDENT]


def test_the_audit_names_every_concern(town: Town) -> None:
    empty, short, away, retired = (town.grid(f"{n}号") for n in range(4))
    parties = [town.adult(name) for name in ("甲", "乙", "丙")]
    for n, party in enumerate(parties):
        town.settle(party, str(n))
    given: dict[str, Any] = {"duty": GRID_OFFICER, "public_name": "网格员", "duty_phone": "0531-2"}
    town.head.do(people.appoint, holder=town.ref(parties[0]), grid_id=short, duty=GRID_OFFICER, until=START + 29 * DAY)
    absent = town.head.do(people.appoint, holder=town.ref(parties[1]), grid_id=away, **given)
    uncovered = town.head.do(people.set_absent, absent.id, until=START + DAY)
    assert uncovered.warnings == (OfficerConcern.UNCOVERED_ABSENCE,)
    town.head.do(people.appoint, holder=town.ref(parties[2]), grid_id=retired, **given)
    town.head.do(places.retire_grid, retired)
    lines = town.office.ask(people.audit_officers)
    assert {(line.grid, line.concern) for line in lines} == {
        (empty, OfficerConcern.NO_OFFICER),
        (short, OfficerConcern.ENDS_SOON),
        (short, OfficerConcern.NO_PUBLIC_CONTACT),
        (away, OfficerConcern.UNCOVERED_ABSENCE),
        (retired, OfficerConcern.RETIRED_GRID),
    }
    for line in lines:
        assert line.name in line.say("en")
        assert line.name in line.say("zh")
        assert line.concern.zh
    assert OfficerConcern.ENDS_SOON not in town.concerns(short, soon=7 * DAY)


# grids that change


def halves(town: Town, grid: GridId) -> tuple[GridId, GridId]:
    """A grid of this town split into a western and an eastern half."""
    old = town.head.get(places.Grid, grid)
    west, south, east, north = old.area.bounds
    middle = (west + east) / 2
    parts = tuple(
        places.Part(f"{old.name}{side}", cc.Area.box(a, south, b, north))
        for side, a, b in (("西", west, middle), ("东", middle, east))
    )
    one, two = town.head.do(places.split_grid, grid, parts=parts)
    return one.id, two.id


def test_whoever_serves_a_grid_serves_what_it_is_merged_into(town: Town) -> None:
    one, two = town.grid("一号"), town.grid("二号")
    refs = [town.ref(town.adult(name)) for name in ("甲", "乙")]
    for ref, grid in zip(refs, (one, two), strict=True):
        town.head.do(
            people.appoint, holder=ref, duty=GRID_OFFICER, grid_id=grid, public_name="网格员", duty_phone=str(grid)[-9:]
        )
    police = town.head.do(people.appoint, holder=refs[0], duty=POLICE, grid_id=two)
    grants = {t.grant for t in town.head.find(Tenure)}
    whole = town.head.do(places.merge_grids, (one, two), name="合并网格").id
    assert set(town.officers(whole)) == set(refs)
    assert {t.grid for t in town.head.find(Tenure)} == {whole}
    assert {t.grant for t in town.head.find(Tenure)} == grants
    published = town.office.ask(people.public_notice, whole).officers
    assert {officer.contact for officer in published} == {str(one)[-9:], str(two)[-9:]}
    assert set(town.concerns()) == {OfficerConcern.NOT_RESIDENT}
    entries = [e.name for e in town.head.history(Tenure, police.id)]
    assert entries == ["tenure.begun", "tenure.followed"]
    ended = town.head.do(people.end_tenure, police.id)
    assert ended.status is TenureStatus.ENDED
    assert town.hub.verify().ok


def test_one_who_served_both_merged_grids_is_one_officer(town: Town) -> None:
    one, two = town.grid("一号"), town.grid("二号")
    party = town.adult()
    town.settle(party)
    for grid in (one, two):
        town.head.do(
            people.appoint, holder=town.ref(party), duty=GRID_OFFICER, grid_id=grid, public_name="李", duty_phone="1"
        )
    whole = town.head.do(places.merge_grids, (one, two), name="合并网格").id
    assert town.officers(whole) == (town.ref(party),)
    assert len(town.office.ask(people.public_notice, whole).officers) == 1
    second = town.adult("乙")
    town.settle(second, "2")
    more = town.head.do(people.appoint, holder=town.ref(second), duty=GRID_OFFICER, grid_id=whole)
    assert more.warnings == ()  # three tenures, two officers
    assert OfficerConcern.MORE_THAN_TWO not in town.concerns(whole)


def test_after_a_split_the_audit_names_the_tenure_and_where_its_grid_lives_on_until_it_is_reassigned(
    town: Town,
) -> None:
    grid = town.grid("一号")
    officer, deputy = town.ref(town.adult()), town.ref(town.adult("张伟"))
    tenure = town.head.do(
        people.appoint,
        holder=officer,
        duty=GRID_OFFICER,
        grid_id=grid,
        stand_in=deputy,
        public_name="小李",
        duty_phone="0531-1",
    )
    town.head.do(people.set_absent, tenure.id, since=START + 2 * DAY, until=START + 3 * DAY)
    west, east = halves(town, grid)
    [line] = [x for x in town.office.ask(people.audit_officers) if x.concern is OfficerConcern.RETIRED_GRID]
    assert (line.tenure, line.holder, line.successors) == (tenure.id, officer, ("一号西", "一号东"))
    assert "It lives on in 一号西, 一号东." in line.say()
    assert line.say("zh").endswith("后续网格：一号西、一号东。")
    assert [town.concerns(half) for half in (west, east)] == [[OfficerConcern.NO_OFFICER]] * 2
    moved = town.head.do(people.reassign, tenure.id, grid_id=west)
    assert (moved.grid, moved.grant, moved.stand_in) == (west, tenure.grant, deputy)
    assert [o.name for o in town.office.ask(people.public_notice, west).officers] == ["小李"]
    assert town.officers(west) == (officer,)
    town.clock.set(START + 2 * DAY)
    assert town.officers(west) == (deputy,)
    assert OfficerConcern.RETIRED_GRID not in town.concerns()
    again = halves(town, west)
    whole = town.head.do(places.merge_grids, (*again, east), name="全部").id
    [line] = [x for x in town.office.ask(people.audit_officers) if x.concern is OfficerConcern.RETIRED_GRID]
    assert line.successors == ("全部",)  # through a split and a merger
    assert town.head.do(people.reassign, tenure.id, grid_id=whole).grid == whole


def test_a_tenure_is_reassigned_to_a_grid_that_stands_and_once(town: Town) -> None:
    one, two, gone = (town.grid(f"{n}号") for n in range(3))
    party = town.adult()
    town.settle(party)
    given: dict[str, Any] = {"holder": town.ref(party), "duty": GRID_OFFICER}
    first = town.head.do(people.appoint, grid_id=one, **given)
    town.head.do(people.appoint, grid_id=two, **given)
    town.head.do(places.retire_grid, gone)
    with pytest.raises(people.AlreadyServes):
        town.head.do(people.reassign, first.id, grid_id=two)
    with pytest.raises(places.GridRetired):
        town.head.do(people.reassign, first.id, grid_id=gone)
    with pytest.raises(NotFound):
        town.head.do(people.reassign, first.id, grid_id=GridId("nowhere"))
    with pytest.raises(NotAllowed):
        town.office.do(people.reassign, first.id, grid_id=two)
    assert town.head.do(people.reassign, first.id, grid_id=one) == first
    for name in ("甲", "乙"):
        town.head.do(people.appoint, holder=town.ref(town.adult(name)), duty=GRID_OFFICER, grid_id=two)
    third = town.grid("3号")
    assert town.head.do(people.reassign, first.id, grid_id=third).warnings == ()
    town.head.do(people.end_tenure, first.id)
    with pytest.raises(people.TenureEnded):
        town.head.do(people.reassign, first.id, grid_id=one)


# absences


def test_a_stand_in_serves_and_is_authorised_for_the_absence_alone(town: Town) -> None:
    grid = town.grid()
    officer, deputy = town.ref(town.adult()), town.ref(town.adult("张伟"))
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid)
    begins, ends = START + DAY, START + 3 * DAY
    town.head.do(people.set_absent, tenure.id, since=begins, until=ends, stand_in=deputy)
    assert (town.officers(grid), may_register(town, deputy)) == ((officer,), False)
    town.clock.set(begins)
    assert (town.officers(grid), may_register(town, deputy)) == ((deputy,), True)
    assert may_register(town, officer)
    town.clock.set(ends)
    assert (town.officers(grid), may_register(town, deputy)) == ((officer,), False)


def test_an_early_return_ends_the_stand_ins_authority_or_calls_off_what_is_planned(town: Town) -> None:
    grid = town.grid()
    officer, deputy = town.ref(town.adult()), town.ref(town.adult("张伟"))
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid)
    town.head.do(people.set_absent, tenure.id, until=START + 2 * DAY, stand_in=deputy)
    town.head.do(people.set_absent, tenure.id, since=START + 5 * DAY, until=START + 6 * DAY, stand_in=deputy)
    with pytest.raises(people.AbsenceOverlaps):
        town.head.do(people.set_absent, tenure.id, since=START + DAY, until=START + 3 * DAY)
    town.clock.advance(HOUR)
    returned = town.at(officer).do(people.return_early, tenure.id)
    assert [a.until for a in returned.absences] == [START + HOUR, START + 6 * DAY]
    assert (town.officers(grid), may_register(town, deputy)) == ((officer,), False)
    called_off = town.at(officer).do(people.return_early, tenure.id)
    assert [a.until for a in called_off.absences] == [START + HOUR]
    town.clock.set(START + 5 * DAY)
    assert (town.officers(grid), may_register(town, deputy)) == ((officer,), False)
    with pytest.raises(people.NotAbsent):
        town.at(officer).do(people.return_early, tenure.id)


def test_one_who_reports_themselves_away_cannot_choose_whom_their_authority_goes_to(town: Town) -> None:
    grid = town.grid()
    officer, deputy = town.ref(town.adult()), town.ref(town.adult("张伟"))
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, grid_id=grid, stand_in=deputy)
    with pytest.raises(NotAllowed):
        town.at(officer).do(people.set_absent, tenure.id, until=START + DAY, stand_in=cc.Ref("x", "friend"))
    with pytest.raises(NotAllowed):
        town.at(deputy).do(people.report_absent, tenure.id, until=START + DAY)
    town.at(officer).do(people.report_absent, tenure.id, until=START + DAY)
    assert town.officers(grid) == (deputy,)


def test_a_stand_in_who_is_away_too_leaves_nobody_and_the_audit_says_so(town: Town) -> None:
    grid = town.grid()
    first, second = town.ref(town.adult()), town.ref(town.adult("张伟"))
    tenures = [
        town.head.do(people.appoint, holder=holder, duty=GRID_OFFICER, grid_id=grid, stand_in=deputy)
        for holder, deputy in ((first, second), (second, first))
    ]
    town.head.do(people.set_absent, tenures[0].id, until=START + DAY)
    assert town.officers(grid) == (second,)
    town.head.do(people.set_absent, tenures[1].id, until=START + DAY)
    assert town.officers(grid) == ()
    assert town.concerns(grid).count(OfficerConcern.UNCOVERED_ABSENCE) == 2


def test_an_absence_lies_within_its_tenure(town: Town) -> None:
    tenure = town.head.do(
        people.appoint, holder=town.ref(town.adult()), duty=POLICE, until=START + DAY, stand_in=town.clerk
    )
    for since, until in ((START + DAY, START + 2 * DAY), (START, START), (START - 2 * DAY, START - DAY)):
        with pytest.raises(BadValue):
            town.head.do(people.set_absent, tenure.id, since=since, until=until)
    town.head.do(people.set_absent, tenure.id, until=START + 2 * DAY)
    later = town.head.do(people.appoint, holder=town.ref(town.adult()), duty=POLICE, since=START + 2 * DAY)
    with pytest.raises(BadValue):
        town.head.do(people.set_absent, later.id, until=START + 2 * DAY)
    town.head.do(people.set_absent, later.id, until=START + 3 * DAY, stand_in=cc.Ref("elsewhere", "x"))
    early = town.head.find(Grant, cc.where(Grant.holder, cc.Ref("elsewhere", "x")))
    assert [(grant.since, grant.until) for grant in early] == [(START + 2 * DAY, START + 3 * DAY)]
    stand_in = town.head.find(Grant, cc.where(Grant.holder, town.clerk), cc.where(Grant.role, POLICE.name))
    assert [grant.until for grant in stand_in] == [START + DAY]


def test_the_end_of_a_tenure_ends_its_stand_ins_authority(town: Town) -> None:
    officer, deputy = town.ref(town.adult()), town.ref(town.adult("张伟"))
    tenure = town.head.do(people.appoint, holder=officer, duty=GRID_OFFICER, stand_in=deputy)
    town.head.do(people.set_absent, tenure.id, until=START + 9 * DAY)
    town.clock.advance(DAY)
    assert may_register(town, deputy)
    assert [a.until for a in town.head.do(people.end_tenure, tenure.id).absences] == [START + DAY]
    assert not may_register(town, deputy)


def test_an_absence_that_outlasts_its_tenure_keeps_nobody_from_standing_in(town: Town) -> None:
    here, there = town.grid("一号"), town.grid("二号")
    first, second = town.ref(town.adult()), town.ref(town.adult("张伟"))
    short = town.head.do(people.appoint, holder=first, duty=GRID_OFFICER, grid_id=here, until=START + DAY)
    town.head.do(people.set_absent, short.id, until=START + 9 * DAY)
    long = town.head.do(people.appoint, holder=second, duty=GRID_OFFICER, grid_id=there)
    town.head.do(people.set_absent, long.id, until=START + 9 * DAY, stand_in=first)
    assert town.officers(there) == ()
    town.clock.advance(DAY)
    assert town.officers(there) == (first,)


# who serves at any moment, against a model that remembers everything and looks through all of it

PEOPLE = 4
GRIDS = 2


@frozen
class Was:
    """A tenure as the model remembers it: [since, until), and absences likewise with their stand-in."""

    holder: int
    grid: int
    since: int
    until: int | None
    away: tuple[tuple[int, int, int | None], ...] = ()

    def serves(self, now: int) -> bool:
        return self.since <= now and (self.until is None or now < self.until)

    def absent(self, now: int) -> list[int | None]:
        return [deputy for since, until, deputy in self.away if since <= now < until]


def model_officers(was: list[Was], grid: int, now: int) -> list[int]:
    gone = {w.holder for w in was if w.serves(now) and w.absent(now)}
    found = []
    for w in sorted(was, key=lambda w: w.since):
        if w.grid != grid or not w.serves(now):
            continue
        away = w.absent(now)
        if not away:
            found.append(w.holder)
        elif away[0] is not None and away[0] not in gone:
            found.append(away[0])
    return found


def model_authorised(was: list[Was], now: int) -> set[int]:
    serving = [w for w in was if w.serves(now)]
    return {w.holder for w in serving} | {d for w in serving for d in w.absent(now) if d is not None}


tenure_numbers = st.integers(0, 2)
somebody = st.integers(0, PEOPLE - 1)
deeds = st.one_of(
    st.tuples(
        st.just("appoint"),
        somebody,
        st.integers(0, GRIDS - 1),
        st.sampled_from((0, 0, -3, 2)),
        st.sampled_from((None, None, 4, 9, 20)),
    ),
    st.tuples(st.just("away"), tenure_numbers, st.sampled_from((0, 0, 2, 5)), st.integers(1, 12), st.none() | somebody),
    st.tuples(st.just("end"), tenure_numbers),
    st.tuples(st.just("extend"), tenure_numbers, st.none() | st.integers(1, 12)),
    st.tuples(st.just("back"), tenure_numbers),
    st.tuples(st.just("wait"), st.integers(1, 6)),
)


@given(st.lists(deeds, min_size=3, max_size=14))
@settings(max_examples=100)
def test_officers_and_their_authority_at_any_moment_are_what_a_plain_model_says(done: list[Any]) -> None:
    town = a_town()
    grids = [town.grid(str(n)) for n in range(GRIDS)]
    refs = [town.ref(town.adult(str(n))) for n in range(PEOPLE)]
    was: list[Was] = []
    ids: list[Any] = []
    now = 0

    def moment(hour: int) -> datetime:
        return START + hour * HOUR

    def replace(n: int, **changes: Any) -> None:
        was[n] = cc.evolve(was[n], **changes)

    for kind, *with_ in done:
        try:
            if kind == "wait":
                now += with_[0]
                town.clock.set(moment(now))
                town.hub.run_due()
            elif kind == "appoint":
                holder, grid, start, length = with_
                since, until = now + start, None if length is None else now + start + length
                tenure = town.head.do(
                    people.appoint,
                    holder=refs[holder],
                    duty=GRID_OFFICER,
                    grid_id=grids[grid],
                    since=moment(since),
                    until=None if until is None else moment(until),
                )
                was.append(Was(holder, grid, since, until))
                ids.append(tenure.id)
            elif with_[0] < len(ids):
                n = with_[0]
                if kind == "end":
                    town.head.do(people.end_tenure, ids[n])
                    replace(n, until=now)
                elif kind == "extend":
                    until = None if with_[1] is None else now + with_[1]
                    town.head.do(people.extend_tenure, ids[n], until=None if until is None else moment(until))
                    replace(n, until=until)
                elif kind == "away":
                    since, until = now + with_[1], now + with_[1] + with_[2]
                    deputy = with_[3]
                    town.head.do(
                        people.set_absent,
                        ids[n],
                        since=moment(since),
                        until=moment(until),
                        stand_in=None if deputy is None else refs[deputy],
                    )
                    replace(n, away=(*was[n].away, (since, until, deputy)))
                else:
                    town.head.do(people.return_early, ids[n])
                    next_one = min((a for a in was[n].away if now < a[1]), key=lambda a: a[0])
                    others = tuple(a for a in was[n].away if a != next_one)
                    replace(n, away=(*others, (next_one[0], max(min(next_one[1], now), next_one[0]), next_one[2])))
        except (
            people.AlreadyServes,
            people.AbsenceOverlaps,
            people.NotAbsent,
            people.StandInForSelf,
            people.TenureEnded,
            BadValue,
        ):
            pass  # the model says below that nothing has changed
        for hour in (now, now + 3):
            town.clock.set(moment(hour))
            for number, grid_id in enumerate(grids):
                shown = [refs.index(officer) for officer in town.officers(grid_id)]
                wanted = model_officers(was, number, hour)
                assert sorted(shown) == sorted(set(wanted))
            granted = town.head.find(Grant, cc.where(Grant.role, GRID_OFFICER.name), limit=1_000)
            holding = {refs.index(g.holder) for g in granted if g.holds(moment(hour))}
            assert holding == model_authorised(was, hour)
        town.clock.set(moment(now))
    assert town.hub.verify().ok


# G9


def test_g9_the_public_notice_names_a_grids_officers_with_the_contact_they_gave_for_it(town: Town) -> None:
    grid = town.grid(phone="0531-84230000")
    party = town.adult("李明", channels=(PHONE,))
    tenure = town.head.do(people.appoint, holder=town.ref(party), duty=GRID_OFFICER, grid_id=grid)
    anyone = town.at(cc.Ref(town.district, "passer-by"))
    assert anyone.ask(people.public_notice, grid).officers == ()
    given = town.at(town.ref(party)).do(
        people.publish_contact, tenure.id, public_name="网格员小李", duty_phone="0531-84231111"
    )
    assert given.given_for_publication == START
    notice = anyone.ask(people.public_notice, grid)
    assert (notice.name, notice.supervision_phone) == ("一号网格", "0531-84230000")
    assert notice.area == town.head.get(places.Grid, grid).area
    assert notice.officers == (NoticeOfficer("网格员小李", "0531-84231111"),)
    assert not any(value in repr(notice) for value in ("李明", PHONE.value))
    with pytest.raises(NotAllowed):
        anyone.get(Tenure, tenure.id)


def test_g9_what_was_given_for_publication_can_be_taken_back(town: Town) -> None:
    grid, party = town.grid(), town.adult()
    tenure = town.head.do(
        people.appoint, holder=town.ref(party), duty=GRID_OFFICER, grid_id=grid, public_name="小李", duty_phone="0531-1"
    )
    taken = town.at(town.ref(party)).do(people.publish_contact, tenure.id, public_name=None, duty_phone=None)
    assert taken.given_for_publication is None
    assert town.office.ask(people.public_notice, grid).officers == ()
    assert OfficerConcern.NO_PUBLIC_CONTACT in town.concerns(grid)


def test_g9_a_stand_in_with_a_published_contact_is_shown_in_place_of_one_who_is_away(town: Town) -> None:
    here, there = town.grid("一号"), town.grid("二号")
    first, second, unknown = (town.ref(town.adult(n)) for n in ("甲", "乙", "丙"))
    tenure = town.head.do(
        people.appoint, holder=first, duty=GRID_OFFICER, grid_id=here, public_name="小甲", duty_phone="0531-1"
    )
    town.head.do(
        people.appoint, holder=second, duty=GRID_OFFICER, grid_id=there, public_name="小乙", duty_phone="0531-2"
    )
    town.head.do(people.set_absent, tenure.id, until=START + DAY, stand_in=second)
    assert town.office.ask(people.public_notice, here).officers == (NoticeOfficer("小乙", "0531-2"),)
    town.clock.advance(DAY)
    town.head.do(people.set_absent, tenure.id, until=START + 2 * DAY, stand_in=unknown)
    assert town.office.ask(people.public_notice, here).officers == (NoticeOfficer("小甲", "0531-1"),)


# what the journal may never hold


def test_no_personal_value_ever_stands_in_the_journal(town: Town) -> None:
    mother = town.adult("王芳菲", channels=(MOTHER_PHONE,), birth_date=date(1981, 7, 9), language="ug-Arab")
    child = town.child(mother, name="刘小雨", born=date(2007, 2, 3), channels=(WECHAT,), language="bo-Tibt")
    shop = town.office.do(
        people.register_organisation, name="老街理发店", kind=OrganisationKind.MERCHANT, channels=(PHONE,)
    )
    home = town.settle(mother).dwelling
    town.at(town.ref(mother)).do(people.change_profile, mother, name="王芳菲菲")
    town.at(town.ref(mother)).do(people.change_minor, town.minor(mother, child).id, name="刘小雨雨")
    town.office.do(people.change_organisation, shop.id, channels=())
    grid = town.grid()
    tenure = town.head.do(
        people.appoint,
        holder=town.ref(mother),
        duty=GRID_OFFICER,
        grid_id=grid,
        public_name="网格员王姐",
        duty_phone="0531-84232222",
    )
    town.head.do(people.publish_contact, tenure.id, public_name="网格员大王", duty_phone="0531-84233333")
    asked = town.office.do(people.request_minor_access, child, reason="家访，刘小雨雨的微心愿")
    town.head.do(people.approve_minor_access, asked.id)
    town.office.keyed("k").do(people.read_minor, child, reason=REASON)
    town.clock.set(datetime(2025, 2, 3, tzinfo=SHANGHAI))
    assert town.hub.run_due() > 0
    town.office.do(people.correct_birth_date, child, birth_date=date(2010, 11, 12), guardians=(mother,))

    written = town.journal_text()
    assert "老街理发店" in written
    secrets = (
        ["王芳菲", "刘小雨", "网格员", "家访", "ug-Arab", "bo-Tibt"]
        + [c.value for c in (MOTHER_PHONE, WECHAT, PHONE)]
        + ["1981-07-09", "2007-02-03", "2010-11-12", "0531-84232222", "0531-84233333"]
    )
    assert [secret for secret in secrets if secret in written] == []
    lives = [e for e in town.hub.journal(town.community, limit=1_000) if e.kind == "residency"]
    assert home is not None
    assert all(home not in e.difference for e in lives)
    assert town.hub.verify().ok


def errors_of_the_room() -> list[type[cc.Refused]]:
    return [value for value in vars(people).values() if isinstance(value, type) and issubclass(value, cc.Refused)]


@pytest.mark.parametrize("error", errors_of_the_room(), ids=lambda e: e.code)
def test_every_refusal_has_a_code_and_says_what_to_do_in_both_languages(error: type[cc.Refused]) -> None:
    assert error.code.startswith("people.")
    assert error.en.endswith(".")
    assert error.zh.endswith("。")


def test_codes_are_the_rooms_own_and_each_is_used_once() -> None:
    codes = [error.code for error in errors_of_the_room()]
    assert len(set(codes)) == len(codes)
