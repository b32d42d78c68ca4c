"""Boxes to whose kind fields were added with no new number, on any store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any, NewType

from hypothesis import strategies as st

import communitycore as cc
from communitycore import (
    ADMINISTRATOR,
    Change,
    Indexed,
    Record,
    Room,
    View,
    begin,
    command,
    evolve,
    frozen,
    record,
    role,
    step,
)
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.hub.taking_in import AlreadyHere
from communitycore.ports import Store
from communitycore.testing import Clock, seeded

BoxId = NewType("BoxId", str)
ADMIN = role(ADMINISTRATOR)
CODE = "370115"


@record("box", read=ADMIN)
@frozen(kw_only=True)
class Plain(Record[BoxId]):
    """As it was."""

    name: Indexed[str] = ""


@record("box", read=ADMIN)
@frozen(kw_only=True)
class Ranked(Record[BoxId]):
    """With more to say."""

    rank: Indexed[int] = 5
    name: Indexed[str] = ""
    size: int = 3
    spot: Indexed[str | None] = None


@command("boxes.put", may=ADMIN)
def put(view: View, *, name: str) -> Change[Plain]:
    return begin("box.put", Plain(id=view.new(Plain), name=name))


@command("boxes.rank", may=ADMIN)
def put_ranked(view: View, *, name: str, rank: int, size: int = 3) -> Change[Ranked]:
    return begin("box.put", Ranked(id=view.new(Ranked), name=name, rank=rank, size=size))


@command("boxes.move", may=ADMIN)
def move(view: View, box_id: BoxId, *, spot: str) -> Change[Ranked]:
    box = view.get(Ranked, box_id)
    return step("box.moved", box, evolve(box, spot=spot))


OLD = Room("boxes", records=[Plain], commands=[put])
NEW = Room("boxes", records=[Ranked], commands=[put_ranked, move])

names = st.sampled_from("甲乙丙")
olds = st.lists(names, min_size=1, max_size=5)
news = st.lists(st.tuples(names, st.integers(4, 6), st.integers(2, 4)), max_size=5)


def lacking(hub: Hub) -> Mapping[str, frozenset[str]]:
    with hub.store.reading() as tx:
        return tx.lacking()


def check(desk: cc.Desk) -> None:
    """Searches of columns find what searches of records would."""
    boxes = sorted(desk.find(Ranked, limit=100), key=lambda box: box.id)
    tests: list[tuple[Any, Callable[[Ranked], bool]]] = [
        *((cc.where(Ranked.rank, n), lambda box, n=n: box.rank == n) for n in (4, 5, 6)),
        *((cc.where(Ranked.rank, at_least=n), lambda box, n=n: box.rank >= n) for n in (4, 5, 6)),
        *((cc.where(Ranked.rank, below=n), lambda box, n=n: box.rank < n) for n in (4, 5, 6)),
        (cc.where(Ranked.rank, among=[4, 5]), lambda box: box.rank in (4, 5)),
        (cc.where(Ranked.rank, among=[4, 6]), lambda box: box.rank in (4, 6)),
        *((cc.where(Ranked.size, n), lambda box, n=n: box.size == n) for n in (2, 3)),
        (cc.where(Ranked.spot, None), lambda box: box.spot is None),
        (cc.where(Ranked.spot, "x"), lambda box: box.spot == "x"),
        (cc.where(Ranked.name, "甲"), lambda box: box.name == "甲"),
    ]
    for first, meets in tests:
        assert desk.find(Ranked, first, limit=100) == [box for box in boxes if meets(box)], first
        for second, also in tests[::3]:
            found = desk.find(Ranked, first, second, limit=100)
            assert found == [box for box in boxes if meets(box) and also(box)], (first, second)
    for field in ("rank", "size"):
        for descending in (False, True):
            wanted = sorted(boxes, key=lambda box: (getattr(box, field), box.id), reverse=descending)
            seen: list[Ranked] = []
            while page := desk.find(
                Ranked, order=field, descending=descending, limit=2, after=seen[-1] if seen else None
            ):
                seen += page
            assert seen == wanted, (field, descending)


def live_through(reopened: Callable[[], Store], old: list[str], new: list[tuple[str, int, int]]) -> None:
    """Boxes of before, boxes of after, one moved, all stepped: searched at each station."""
    clock, entropy = Clock(), seeded("boxes")
    hub = Hub(reopened(), [OLD], clock=clock, entropy=entropy)
    hub.found(CODE, name="济阳", level="district")
    admin = hub.administrator(CODE)
    ids = [hub.desk(CODE, admin).do(put, name=name).id for name in old]
    hub = Hub(reopened(), [NEW], clock=clock, entropy=entropy)
    check(hub.desk(CODE, admin))
    assert lacking(hub) == {"box": {"rank", "size"}}
    for name, rank, size in new:
        hub.desk(CODE, admin).do(put_ranked, name=name, rank=rank, size=size)
    check(hub.desk(CODE, admin))
    hub.desk(CODE, admin).do(move, ids[0], spot="x")
    check(hub.desk(CODE, admin))
    hub = Hub(reopened(), [NEW], clock=clock, entropy=entropy)
    store: Any = hub.store
    left = len(old) - 1
    told = store.plan(hub.catalogue.shapes.values())
    assert (told.steps, told.obstacles, told.older) == ((), (), {})
    assert told.lacking == ({"box": {"rank": left, "size": left}} if left else {})
    check(hub.desk(CODE, admin))
    assert hub.upcast().stepped == left
    assert lacking(hub) == {}
    check(hub.desk(CODE, admin))
    assert hub.verify().ok
    hub = Hub(reopened(), [NEW], clock=clock, entropy=entropy)
    assert lacking(hub) == {}
    check(hub.desk(CODE, admin))


def bring_from_elsewhere(taking: Hub, *, seen: Hub) -> None:
    """Rows that lack a field come into a store whose own rows lack none, and into the sight of a hub that is open."""
    elsewhere = Hub(MemoryStore(), [OLD])
    elsewhere.found("370116", name="莱芜", level="district")
    for name in "甲乙":
        elsewhere.desk("370116", elsewhere.administrator("370116")).do(put, name=name)
    stream = BytesIO()
    elsewhere.export("370116", stream)
    for _ in range(2):  # the second time it is there already
        stream.seek(0)
        with suppress(AlreadyHere):
            taking.take_in(stream)
    for hub in (taking, seen):
        desk = hub.desk("370116", hub.administrator("370116"))
        check(desk)
        assert len(desk.find(Ranked, cc.where(Ranked.rank, 5))) == 2
    assert seen.verify().ok
    assert seen.upcast().stepped == 2
    assert lacking(taking) == {}
