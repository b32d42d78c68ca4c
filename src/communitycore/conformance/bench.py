"""A hub on the bench: the kit's room open over a store, with a clock and chance that repeat."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import frozen

import communitycore as cc
from communitycore.conformance import room
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.ids import JurisdictionId, Ref
from communitycore.kernel.jurisdiction import give
from communitycore.ports import Store
from communitycore.testing import Clock, seeded

START = datetime(2024, 6, 4, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@frozen
class Bench:
    """An open hub with a district, its community, and a keeper in the district."""

    hub: Hub
    clock: Clock
    district: JurisdictionId
    community: JurisdictionId
    admin: Ref
    keeper: Ref

    @property
    def desk(self) -> cc.Desk:
        """The keeper's desk in the community."""
        return self.hub.desk(self.community, self.keeper)

    def desks(self, count: int) -> list[cc.Desk]:
        """So many desks of the keeper, each of a hub of its own: what one hub sends to the store it sends in turn."""
        hubs = [
            Hub(self.hub.store, self.hub.catalogue.rooms[1:], clock=self.clock, entropy=seeded(f"hub {n}"))
            for n in range(count)
        ]
        return [hub.desk(self.community, self.keeper) for hub in hubs]

    def at(self, actor: Ref | None = None, place: str | None = None) -> cc.Desk:
        """Anybody's desk, in the community unless said otherwise."""
        return self.hub.desk(place or self.community, actor or self.keeper)

    def neighbour(self, same_as: Ref | None = None) -> Ref:
        """A new neighbour of the community."""
        return Ref(self.community, self.desk.do(room.enrol, same_as=same_as).id)

    def tool(self, **fields: Any) -> room.Tool:
        """A new tool in the community."""
        return self.desk.do(room.add, **{"name": "锤子 hammer", **fields})

    def journal(self) -> list[cc.Entry]:
        """The community's."""
        return self.hub.journal(self.community)

    def state(self) -> tuple[Any, ...]:
        """All that could have changed."""
        with self.hub.store.reading() as tx:
            return (
                tx.heads(),
                [tx.timers(head.id, None, 10_000) for head in tx.heads()],
                [tx.entries(head.id, 0, 100_000) for head in tx.heads()],
            )


def open_bench(
    store: Store | None = None,
    *,
    seed: int | str = 1,
    start: datetime = START,
    rooms: tuple[cc.Room, ...] = (room.ROOM,),
    make: Callable[..., Hub] = Hub,
    codes: tuple[str, str] = ("370115", "370115001001"),
) -> Bench:
    """A hub with a district and its community founded, in a new memory store unless told otherwise.

    codes: the district's, which must be free, and the community's. make: makes the hub, as `Hub` does.
    """
    clock = Clock(start)
    hub = make(store or MemoryStore(), rooms, clock=clock, entropy=seeded(seed), check=True)
    district = hub.found(codes[0], name="济阳区", level="district", since=date(2018, 7, 1)).id
    admin = hub.administrator(district)
    community = hub.found(codes[1], name="第一社区", level="community", parent=district, first=admin).id
    keeper = Ref(district, "keeper")
    hub.desk(district, admin).do(give, holder=keeper, role=room.KEEPER)
    return Bench(hub, clock, district, community, admin, keeper)
