"""How often a call goes to the server and back: few times, and no more for many rows than for one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sql_room import Plot, bump, fill, garden, open_plot, place_order

import communitycore as cc
from communitycore import Area, Point, people, places, tickets
from communitycore.domain.roles import CLERK
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import NotUnique
from communitycore.kernel.ids import Ref


class Counted:
    """The trips of one hub; see `told`."""

    def __init__(self, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trips: list[str] = []
        backend: Any = hub.store.backend  # type: ignore[attr-defined]
        wire = type(backend._pool._idle[0][0])
        ask = wire._ask

        def counting(self_: Any, *said: Any) -> Any:
            self.trips.append(threading.current_thread().name)
            return ask(self_, *said)

        monkeypatch.setattr(wire, "_ask", counting)

    def __call__(self, act: Callable[[], Any]) -> int:
        """How many trips `act` takes, once everything that is kept from call to call is kept."""
        act()
        self.trips.clear()
        act()
        return len(self.trips)


@pytest.fixture
def town(served_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[cc.Desk, cc.Desk, Any, Counted]]:
    """A resident's desk, a clerk's, a category, and the count."""
    hub = cc.open(served_url)
    square = Area.box(117.0, 36.96875, 117.03125, 37.0)
    body = hub.found("370115002023", name="汇鑫社区", level="community", extent=square)
    admin = hub.desk(body.id, hub.administrator(body.id))
    admin.do(places.draw_grid, name="第一网格", area=square)
    clerk, resident = (admin.do(people.register, name=name).id for name in ("窗口 Wang", "居民 Zhang"))
    admin.do(people.appoint, holder=Ref(body.id, clerk), duty=CLERK)
    lamps = admin.do(tickets.define_category, name_zh="楼道照明", part=tickets.Part.PART)
    yield (
        hub.desk(body.id, Ref(body.id, resident)),
        hub.desk(body.id, Ref(body.id, clerk)),
        lamps,
        Counted(hub, monkeypatch),
    )
    hub.close()


def test_a_report_takes_three_trips(town: tuple[cc.Desk, cc.Desk, Any, Counted]) -> None:
    resident, clerk, lamps, trips = town
    said = {"source": tickets.Source.APP, "title": "灯坏了", "category": lamps.id, "point": Point(117.01, 36.98)}

    def report() -> tickets.Ticket:
        return resident.do(tickets.report, reporter=resident.actor.id, **said)  # type: ignore[arg-type]

    # The beginning with the lock; all that is written; the commit.
    assert trips(report) == 3
    # A key is looked up before.
    numbers = iter(range(9))
    assert (
        trips(lambda: resident.keyed(f"k{next(numbers)}").do(tickets.report, reporter=resident.actor.id, **said)) == 4
    )
    # The ticket is read before.
    waiting = iter([report(), report()])
    assert trips(lambda: clerk.do(tickets.accept, next(waiting).id)) == 4


def test_rows_do_not_take_trips(served_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, desk = garden(served_url)
    plot = desk.do(open_plot)
    trips = Counted(hub, monkeypatch)
    assert trips(lambda: desk.do(bump, plot.id)) == 4
    assert trips(lambda: desk.do(fill, count=1, text="")) == 3
    assert trips(lambda: desk.do(fill, count=300, text="麦" * 100)) == 3
    assert trips(lambda: desk.do_many([place_order.call(group=f"{n}") for n in range(100)])) == 3
    hub.close()


def test_reading_takes_a_trip_for_each_thing_that_is_read(served_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, desk = garden(served_url)
    plot = desk.do(open_plot, label="a")
    trips = Counted(hub, monkeypatch)
    # PostgreSQL is told that a snapshot is over, but nobody waits for its answer.
    end = 0 if served_url.startswith("postgresql") else 1

    def snapshot() -> None:
        with hub.store.reading():
            pass

    assert trips(snapshot) == 0
    assert trips(lambda: desk.get(Plot, plot.id)) == 2 + end  # the head, with which it begins; the row
    assert trips(lambda: desk.find(Plot, limit=100)) == 2 + end
    hub.close()


def test_a_refused_call_commits_nothing(served_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, desk = garden(served_url)
    desk.do(open_plot, label="a")
    trips = Counted(hub, monkeypatch)
    end = 0 if served_url.startswith("postgresql") else 1

    def refused() -> None:
        with pytest.raises(NotUnique):
            desk.do(open_plot, label="a")

    assert trips(refused) == 2 + end  # the beginning with the lock; who holds the label
    hub.close()
