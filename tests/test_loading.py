"""Files of others become grids and tickets: real ones of Boston, and small ones with every fault a row may have."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

import communitycore as cc
from communitycore import Area, Desk, Point, Ref, people, places, where
from communitycore.domain.roles import GRID_OFFICER
from communitycore.domain.tickets import Category, Source, Ticket, TicketReporter, TicketStatus
from communitycore.formats.geojson import Feature, read_features
from communitycore.formats.requests_csv import Problem, Request, read_mapping, read_requests
from communitycore.hub.desk import Outcome
from communitycore.kernel.errors import StoreUnusable
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.loading import More, RequestsLoaded, load_grids, load_requests
from communitycore.loading.requests import _message, make_actors
from communitycore.testing import Clock, seeded

MAPPING = Path(__file__).parents[1] / "examples" / "boston_mapping.toml"
OPENED = datetime(2015, 5, 1, 12, tzinfo=UTC)
CLOSED = OPENED + timedelta(days=2)
BOW_TIE = Area([[[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]]])
WEST, EAST = Area.box(0, 0, 1, 1), Area.box(1, 0, 2, 1)


def town(extent: Area | None = None) -> Desk:
    """A community's administrator, on a store of its own."""
    hub = cc.open("memory://", clock=Clock(datetime(2026, 1, 1, tzinfo=UTC)), entropy=seeded(1))
    body = hub.found("town", name="Town", level="community", extent=extent)
    return hub.desk(body.id, hub.administrator(body.id))


def with_grids() -> Desk:
    """The same with two grids side by side, of which the western has an officer."""
    desk = town(Area.box(-1, -1, 4, 4))
    load_grids(desk, [Feature("west", WEST), Feature("east", EAST)])
    west = next(grid for grid in desk.find(places.Grid) if grid.name == "west")
    party = desk.do(people.register, name="Officer")
    desk.do(people.appoint, holder=Ref(desk.jurisdiction, party.id), duty=GRID_OFFICER, grid_id=west.id)
    return desk


def clerk_of(admin: Desk) -> Desk:
    return admin.hub.desk(admin.jurisdiction, make_actors(admin).clerk)


def row(
    id: str, at: tuple[float, float] | None = (0.5, 0.5), *, closed: datetime | None = None, line: int = 2
) -> Request:
    point = None if at is None else Point(*at)
    return Request(line, id, OPENED, closed, "Street Lights", "Lamp out", f"Lamp {id}", point, "app", "Lamps Unit")


def loaded_ticket(admin: Desk, message: str) -> Ticket:
    clerk = clerk_of(admin)
    behind = clerk.find(TicketReporter, where(TicketReporter.message, message))
    assert len(behind) == 1
    return clerk.get(Ticket, behind[0].born)


def test_a_bad_polygon_is_refused_by_name_and_hinders_no_other() -> None:
    desk = town()
    loaded = load_grids(desk, [Feature("good", EAST), Feature("tie", BOW_TIE), Feature("dot", Point(0, 0))])
    assert loaded.drawn == ["good"]
    assert list(loaded.refused) == ["tie", "dot"]  # in the order of the file
    assert "crosses itself" in loaded.refused["tie"]
    assert [grid.name for grid in desk.find(places.Grid)] == ["good"]


def test_what_is_refused_is_said_in_chinese_too() -> None:
    refused = load_grids(town(), [Feature("领结", BOW_TIE), Feature("点", Point(0, 0))], language="zh").refused
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in why) for why in refused.values())


def test_two_refused_features_of_one_name_are_both_told() -> None:
    assert list(load_grids(town(), [Feature("tie", BOW_TIE)] * 2).refused) == ["tie", "tie (2)"]


def test_a_file_of_grids_loaded_again_draws_nothing_twice() -> None:
    desk = town()
    file = [Feature("west", WEST), Feature("tie", BOW_TIE), Feature("east", EAST), Feature("east", EAST)]
    first = load_grids(desk, file)
    assert (first.drawn, first.known, list(first.refused)) == (["west", "east"], ["east"], ["tie"])
    entries = desk.hub.verify().entries
    again = load_grids(desk, file)
    assert (again.drawn, again.known, list(again.refused)) == ([], ["west", "east", "east"], ["tie"])
    assert desk.hub.verify().entries == entries
    mended = load_grids(desk, file, repair=True)
    assert (mended.drawn, mended.repaired, mended.refused) == (["tie"], ["tie"], {})
    assert load_grids(desk, file).known == ["west", "tie", "east", "east"]
    assert sorted(grid.name for grid in desk.find(places.Grid)) == ["east", "tie", "west"]


def test_a_grid_is_known_by_name_boundary_and_kind_while_it_is_worked_in() -> None:
    desk = town()
    load_grids(desk, [Feature("west", WEST)])
    assert load_grids(desk, [Feature("west", EAST), Feature("other", WEST)]).drawn == ["west", "other"]
    assert load_grids(desk, [Feature("west", WEST)], kind=places.GridKind.DEDICATED).drawn == ["west"]
    first = next(g for g in desk.find(places.Grid) if (g.name, g.area, g.kind) == ("west", WEST, places.GridKind.BASIC))
    desk.do(places.retire_grid, first.id)
    assert load_grids(desk, [Feature("west", WEST)]).drawn == ["west"]


def test_many_features_are_numbered_through_where_they_have_no_name() -> None:
    desk = town()
    strips = [Feature("" if n in (0, 70) else f"{n}", Area.box(n, 0, n + 1, 1)) for n in range(120)]
    seen: list[tuple[int, int]] = []
    loaded = load_grids(desk, strips, progress=lambda done, total: seen.append((done, total)))
    assert (len(loaded.drawn), list(loaded.refused)) == (118, ["#1", "#71"])
    assert seen == [(50, 120), (100, 120), (120, 120)]


def test_codes_households_and_telephones_come_from_properties_that_are_named() -> None:
    desk = town()
    code, more = "370115002023001", More(code="编码", households="户数", phone="电话")

    def strip(n: int, name: str, **properties: object) -> Feature:
        return Feature(name, Area.box(n, 0, n + 1, 1), properties)

    loaded = load_grids(
        desk,
        [
            strip(0, "all", 编码=int(code), 户数="412", 电话="0531-12345"),
            strip(1, "none", 编码=" ", 户数=None),
            strip(2, "float", 户数=300.0),
            strip(3, "taken", 编码=code),
            strip(4, "short", 编码="3701"),
            strip(5, "many", 户数="many"),
            strip(6, "list", 编码=[code]),
            strip(7, "half", 户数=2.5),
            strip(8, "below", 户数="-1"),
        ],
        more=more,
    )
    assert loaded.drawn == ["all", "none", "float"]
    assert list(loaded.refused) == ["taken", "short", "many", "list", "half", "below"]
    assert "'many' is no count" in loaded.refused["many"]
    grids = {grid.name: grid for grid in desk.find(places.Grid)}
    today = desk.get(Jurisdiction, desk.jurisdiction).day(desk.hub.clock())
    assert grids["all"].code("cell-15", today) == code
    assert (grids["all"].households, grids["all"].supervision_phone) == (412, "0531-12345")
    assert (grids["none"].codes, grids["none"].households, grids["float"].households) == ((), None, 300)
    assert load_grids(desk, [strip(9, "other", 编码=code)]).drawn == ["other"]  # what is not named is not read
    with_scheme = load_grids(
        desk, [strip(10, "scheme", 编码="x")], more=More(code="编码", scheme="nowhere"), language="zh"
    )
    assert "没有名为 nowhere 的编码规则" in with_scheme.refused["scheme"]


def test_a_store_that_fails_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    admin = with_grids()
    actors = make_actors(admin)
    broken = StoreUnusable(url="memory://", why="the disk is full", why_zh="磁盘已满")
    monkeypatch.setattr(cc.Hub, "carry_out_many", lambda hub, desk, calls: [Outcome(error=broken) for _ in calls])
    with pytest.raises(StoreUnusable):
        load_grids(admin, [Feature("north", Area.box(0, 1, 1, 2))])
    with pytest.raises(StoreUnusable):
        load_requests(admin, [row("1")], actors=actors)


def test_a_repaired_polygon_is_drawn_and_recorded_as_repaired() -> None:
    desk = town()
    loaded = load_grids(desk, [Feature("tie", BOW_TIE), Feature("good", EAST)], repair=True)
    assert (loaded.drawn, loaded.repaired, loaded.refused) == (["tie", "good"], ["tie"], {})
    assert {grid.name: grid.repaired for grid in desk.find(places.Grid)} == {"tie": True, "good": False}


def test_a_closed_row_with_an_officer_is_routed_by_its_point_and_walked_to_its_end_at_its_own_times() -> None:
    admin = with_grids()
    loaded = load_requests(admin, [row("1", closed=CLOSED)])
    assert (loaded.made, loaded.placed, loaded.routed, loaded.by_unit, loaded.closed) == (1, 1, 1, 0, 1)
    assert loaded.problems == []
    ticket = loaded_ticket(admin, "app:1")
    assert (ticket.status, ticket.happened) == (TicketStatus.CLOSED, OPENED)
    assert ticket.assignee is not None
    assert ticket.why is not None
    assert ticket.why.automatic
    entries = clerk_of(admin).history(Ticket, ticket.id)
    assert [e.name.removeprefix("ticket.") for e in entries] == [
        "reported", "accepted", "dispatched", "started", "handled", "verified", "closed"
    ]  # fmt: skip
    assert [datetime.fromisoformat(e.occurred_at) for e in entries] == [OPENED] * 3 + [CLOSED] * 4
    assert admin.hub.verify().ok


def test_who_handles_a_loaded_ticket_never_verifies_it() -> None:
    admin = with_grids()
    load_requests(admin, [row("1", closed=CLOSED), row("2", (3.5, 3.5), closed=CLOSED)])
    found = clerk_of(admin).find(Ticket)
    assert len(found) == 2
    for ticket in found:
        assert ticket.verifier is not None
        assert ticket.verifier not in ticket.handlers
        assert make_actors(admin).clerk not in (ticket.verifier, *ticket.handlers)


def test_where_routing_finds_nobody_an_open_row_waits_and_a_closed_one_goes_to_its_unit() -> None:
    admin = with_grids()
    rows = [
        row("1", (1.5, 0.5)),  # a grid without an officer
        row("2", (1.5, 0.5), closed=CLOSED),
        row("3", (3, 3)),  # no grid
        row("4", (3, 3), closed=CLOSED),
        row("5", (1, 0.5)),  # on the border of both
        row("6", None, closed=CLOSED),
    ]
    loaded = load_requests(admin, rows)
    assert (loaded.placed, loaded.unplaced, loaded.ambiguous) == (2, 3, 1)
    assert (loaded.routed, loaded.by_unit, loaded.waiting, loaded.closed, loaded.failed) == (0, 3, 3, 3, 0)
    waiting = loaded_ticket(admin, "app:5")
    assert waiting.status is TicketStatus.ACCEPTED
    assert waiting.why is not None
    assert set(waiting.why.names) == {"west", "east"}
    units = {loaded_ticket(admin, f"app:{n}").unit for n in (2, 4, 6)}
    assert len(units) == 1
    assert admin.find(people.OrganisationProfile, limit=9)[0].name == "Lamps Unit"


def test_a_second_load_makes_nothing_twice() -> None:
    admin = with_grids()
    rows = [row("1", closed=CLOSED), row("2"), row("3", (3, 3)), row("", line=9)]
    load_requests(admin, rows)
    entries = admin.hub.verify().entries
    again = load_requests(admin, rows)
    assert (again.made, again.known, again.failed, again.closed, again.routed) == (0, 4, 0, 0, 0)
    assert admin.hub.verify().entries == entries


def test_a_row_without_an_id_is_known_by_its_line_and_by_what_it_says() -> None:
    admin = with_grids()
    load_requests(admin, [row("", line=2), row("", line=3)])
    assert len(clerk_of(admin).find(Ticket)) == 2  # alike, yet two rows
    ended = load_requests(admin, [row("", line=2, closed=CLOSED), row("", line=3)])
    assert (ended.made, ended.known, ended.closed) == (0, 2, 1)
    # The same line of another month's file is another request, whatever it differs in.
    others = [
        evolve(row("", line=2), opened=OPENED + timedelta(days=31)),
        evolve(row("", line=2), title="another"),
        evolve(row("", line=2), kind="Lamp flickers"),
        row("", (0.75, 0.75), line=2),
        row("", None, line=2),
        evolve(row("", line=2), unit="Roads Unit"),
    ]
    for other in others:
        again = load_requests(admin, [other])
        assert (again.made, again.known) == (1, 0), other
    assert load_requests(admin, others).known == len(others)


def test_what_a_row_without_an_id_is_known_by_never_changes() -> None:
    """A later version has to find what an earlier one loaded."""
    assert _message(row("", line=2)) == "line-2-802f1e4310d63b67"


def test_a_source_that_is_none_of_ours_is_taken_as_import_and_told() -> None:
    admin = with_grids()
    loaded = load_requests(admin, [evolve(row("1"), source="pigeon")])
    assert (loaded.made, loaded_ticket(admin, "import:1").source) == (1, Source.IMPORT)
    [(line, problem)] = loaded.problems
    assert (line, "pigeon" in problem.say(), "pigeon" in problem.say("zh")) == (2, True, True)
    assert loaded.data("zh")["problems"] == [{"line": 2, "what": problem.zh}]


def test_a_later_file_in_which_a_row_is_closed_walks_its_ticket_on() -> None:
    admin = with_grids()
    load_requests(admin, [row("1"), row("2", (3, 3))])
    again = load_requests(admin, [row("1", closed=CLOSED), row("2", (3, 3), closed=CLOSED)])
    assert (again.made, again.known, again.closed) == (0, 2, 2)
    assert {t.status for t in clerk_of(admin).find(Ticket)} == {TicketStatus.CLOSED}


def test_no_row_is_dropped_whatever_it_says() -> None:
    admin = with_grids()
    odd = [
        Request(2, ""),
        Request(3, "far", OPENED, point=Point(50, 50)),
        Request(4, "long", OPENED, title="x" * 500, category="c" * 300, kind="k" * 300),
        Request(5, "i" * 400, OPENED),
        Request(6, "nul\0id", OPENED, CLOSED, "ca\0t", "", "ti\0tle", None, "web", "un\0it"),
        evolve(
            row("back", closed=OPENED - timedelta(days=1), line=7),
            problems=(Problem("closed before it was opened", "结案时间早于受理时间"),),
        ),
        row("twice", line=8),
        row("twice", line=9),
    ]
    loaded = load_requests(admin, odd)
    assert (loaded.rows, loaded.made, loaded.known, loaded.failed, loaded.out_of_order) == (8, 7, 1, 0, 1)
    assert loaded.placed + loaded.unplaced + loaded.ambiguous == loaded.rows
    assert loaded.closed == 2
    told = Counter(line for line, _ in loaded.problems)
    assert set(told) == {3, 4, 5, 7, 9}
    assert loaded_ticket(admin, "import:far").point is None
    assert loaded_ticket(admin, "import:long").description == "x" * 500
    assert admin.hub.verify().ok


def test_categories_are_defined_once_on_two_levels() -> None:
    admin = with_grids()
    rows = [row(f"{n}") for n in range(5)]
    rows += [Request(9, "none"), Request(10, "top", category="Street Lights")]
    load_requests(admin, rows)
    load_requests(admin, [row("later")])
    found = {c.name_zh: c for c in admin.find(Category)}
    assert len(admin.find(Category)) == len(found) == 3
    assert found["Lamp out"].parent == found["Street Lights"].id
    assert loaded_ticket(admin, "import:top").category == found["Street Lights"].id


def test_a_suspiciously_shared_point_is_told() -> None:
    loaded = load_requests(with_grids(), [row(f"{n}") for n in range(101)] + [row("other", (0.25, 0.25))])
    assert loaded.shared == {(0.5, 0.5): 101}


def test_progress_runs_up_to_all_rows() -> None:
    seen: list[tuple[int, int]] = []
    load_requests(
        with_grids(), [row(f"{n}") for n in range(5)], progress=lambda done, total: seen.append((done, total))
    )
    assert seen == sorted(seen)
    assert seen[-1] == (5, 5)


# real data


def boston(community_data: Path, repair: bool) -> tuple[Desk, list[Request], dict[str, str]]:
    folder = community_data / "boston"
    admin = town(Area.box(-71.3, 42.2, -70.8, 42.5))
    features = read_features((folder / "neighborhoods.geojson").read_text(encoding="utf-8"))
    refused = load_grids(admin, features, repair=repair).refused
    text = (folder / "requests-2015-05.csv").read_text(encoding="utf-8")
    return admin, list(read_requests(text, read_mapping(MAPPING.read_text(encoding="utf-8")))), refused


@pytest.mark.parametrize(("repair", "expected", "refused"), [(False, (7_367, 3_069), 4), (True, (10_434, 2), 0)])
def test_the_requests_of_boston_lie_in_the_neighbourhoods_of_boston(
    community_data: Path, repair: bool, expected: tuple[int, int], refused: int
) -> None:
    admin, rows, names = boston(community_data, repair)
    assert len(names) == refused
    assert set(names) <= {"Hyde Park", "East Boston", "Downtown", "Beacon Hill"}
    points = Counter(r.point for r in rows if r.point is not None)
    located = {point: admin.ask(places.locate, point) for point in points}
    placed = sum(count for point, count in points.items() if located[point].one is not None)
    assert (placed, len(rows) - placed) == expected
    assert not any(found.ambiguous for found in located.values())
    assert points.most_common(1)[0][1] == 1_216
    assert sum(r.opened is not None and r.closed is not None and r.closed < r.opened for r in rows) == 28


def test_the_first_requests_of_boston_are_walked_to_their_real_end(community_data: Path) -> None:
    admin, rows, _ = boston(community_data, repair=True)
    for grid in admin.find(places.Grid):
        party = admin.do(people.register)
        admin.do(people.appoint, holder=Ref(admin.jurisdiction, party.id), duty=GRID_OFFICER, grid_id=grid.id)
    rows = rows[:400]
    loaded: RequestsLoaded = load_requests(admin, rows)
    assert (loaded.made, loaded.failed) == (400, 0)
    assert loaded.closed == sum(r.closed is not None for r in rows)
    clerk, found = clerk_of(admin), Counter[TicketStatus]()
    found.update(t.status for t in clerk.find(Ticket, limit=1_000))
    assert found == {TicketStatus.CLOSED: loaded.closed, TicketStatus.DISPATCHED: 400 - loaded.closed}
    assert admin.hub.verify().ok
