"""The lives of cards through three releases, on any store: what is read, found and proved is the same throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import define
from hypothesis import strategies as st
from tests.hub.forms_room import CODE, FORMS, ROOMS, Card3, call, do, upcast

import communitycore as cc
from communitycore.hub.hub import Hub
from communitycore.kernel.query import Where
from communitycore.kernel.record import shape_of
from communitycore.ports import Store
from communitycore.testing import Clock, seeded

THREE = shape_of(Card3)
Values = dict[str, Any]

words = st.sampled_from(["", "甲", "乙 丙", "丁"])
shared: dict[str, Any] = {
    "holder": st.none() | st.builds(cc.Ref, st.just("j"), st.sampled_from("pq")),
    "level": st.integers(-1, 3),
    "fee": st.none() | st.builds(cc.Money, st.integers(0, 9), st.just("CNY")),
    "remark": words,
    "secret": st.none() | words,
    "full": words,
}
FIRST = {**shared, "who": words, "phone": st.none() | words, "colour": st.none() | words}
SECOND = {**shared, "name": words, "telephone": st.none() | words, "rank": st.integers(4, 6)}
THIRD = {
    "holder": shared["holder"],
    "remark": words,
    "name": words,
    "telephone": st.none() | words,
    "rank": st.integers(4, 6),
    "region": st.sampled_from(["here", "there"]),
    "given": words,
}
DRAWN = (FIRST, SECOND, THIRD)


def some(fields: Mapping[str, Any]) -> st.SearchStrategy[Values]:
    """A few of these fields."""
    return st.fixed_dictionaries({}, optional=dict(fields))


@define
class Plan:
    """What is done under one form: cards opened, and then cards of any age changed or remarked upon."""

    opened: list[Values]
    changed: list[tuple[int, Values | None]]


def plans(number: int) -> st.SearchStrategy[Plan]:
    """Plans for one form."""
    fields = DRAWN[number - 1]
    return st.builds(
        Plan,
        st.lists(some(fields), max_size=4),
        st.lists(st.tuples(st.integers(0, 7), st.none() | some(fields)), max_size=4),
    )


lives = st.tuples(plans(1), plans(2), plans(3))


class Library:
    """One store that is opened by release after release. reopened: gives the store anew, as another process finds it."""

    def __init__(self, reopened: Callable[[], Store]) -> None:
        self._reopened = reopened
        self.clock = Clock()
        self._entropy = seeded("cards")
        self.ids: list[str] = []
        self.forms: dict[str, int] = {}
        self.values: dict[str, Values] = {}
        self.hub = self.opened(1)
        self.hub.found(CODE, name="济阳", level="district")

    def opened(self, number: int) -> Hub:
        """The hub of this release."""
        self.number = number
        self.hub = Hub(self._reopened(), [ROOMS[number - 1]], clock=self.clock, entropy=self._entropy, check=True)
        return self.hub

    @property
    def desk(self) -> cc.Desk:
        return self.hub.desk(CODE, self.hub.administrator(CODE))

    def live(self, plan: Plan) -> None:
        """Do what was planned, and remember what each card should say."""
        card, taken = FORMS[self.number - 1], self.number < 3
        for fields in plan.opened:
            self.clock.advance(timedelta(minutes=1))
            code = {("code", "label", "tag")[self.number - 1]: f"c{len(self.ids)}"} if len(self.ids) % 3 else {}
            made = do(self.desk, "open", **fields, **code)
            self.ids.append(made.id)
            self.forms[made.id], self.values[made.id] = self.number, read(made)
            assert taken == ("opened" in self.values[made.id])
        for n, fields in plan.changed:
            if n >= len(self.ids):
                continue
            if fields is None:
                do(self.desk, "remark", self.ids[n], said="看过")
                continue
            moved = do(self.desk, "change", self.ids[n], **fields)
            self.forms[moved.id], self.values[moved.id] = self.number, read(moved)
            assert read(self.desk.get(card, moved.id)) == read(moved)

    def expected(self) -> dict[str, Values]:
        """What every card says in the third form."""
        return {id: upcast(self.values[id], self.forms[id]) for id in self.ids}

    def check(self) -> None:
        """Everything reads, is found and verifies as it should."""
        desk, expected = self.desk, self.expected()
        assert {id: read(desk.get(Card3, id)) for id in self.ids} == expected
        for condition, meets in conditions(expected):
            found = desk.find(Card3, condition, limit=100)
            assert [card.id for card in found] == sorted(id for id in self.ids if meets(expected[id])), condition
        for order in ("name", "rank", "grade", "since", "region", "given"):
            for descending in (False, True):
                self.check_order(order, descending)
        assert self.hub.verify().faults == []

    def check_order(self, order: str, descending: bool) -> None:
        """Page by page, with a condition and without."""
        expected = self.expected()
        for conditions in ((), (cc.where(Card3.rank, 5),), (cc.where(Card3.name, at_least="乙"),)):
            wanted = sorted(
                (id for id in self.ids if all(_meets(c, expected[id]) for c in conditions)),
                key=lambda id: (key(order, expected[id]), id),
                reverse=descending,
            )
            found: list[Card3] = []
            while page := self.desk.find(
                Card3, *conditions, order=order, descending=descending, limit=2, after=found[-1] if found else None
            ):
                found += page
            assert [card.id for card in found] == wanted, (order, descending, conditions)

    def older(self) -> int:
        """How many rows are still of an earlier form."""
        plan: Any = self.hub.store
        return sum(sum(counts.values()) for counts in plan.plan(self.hub.catalogue.shapes.values()).older.values())


def read(card: Any) -> Values:
    """A card's fields."""
    return {name: getattr(card, name) for name in card.__shape__.by_name}


def key(field: str, values: Values) -> Any:
    """A field's value as stores compare it."""
    return THREE.key_of(field, values[field])


def _meets(condition: Where, values: Values) -> bool:
    value = key(condition.field, values)
    if condition.test == "in":
        return value in [THREE.key_of(condition.field, one) for one in condition.value] and value is not None
    asked = THREE.key_of(condition.field, condition.value)
    if condition.test == "=":
        return bool(value == asked)
    return value is not None and bool(value >= asked if condition.test == ">=" else value < asked)


def conditions(expected: Mapping[str, Values]) -> Iterator[tuple[Where, Callable[[Values], bool]]]:
    """Searches by every field that can be searched, for every value that occurs and some that do not."""
    more: Values = {"name": "甲", "rank": 5, "region": "here", "given": "", "remark": "丁", "since": datetime.max}
    for field in ("name", "holder", "grade", "rank", "tag", "remark", "since", "given", "family", "region"):
        seen = {values[field] for values in expected.values()}
        asked = [*seen, *([more[field]] if field in more and field != "since" else [])]
        for value in asked:
            wheres = [cc.where(field, value)]
            if value is not None:
                wheres += [
                    cc.where(field, at_least=value),
                    cc.where(field, below=value),
                    cc.where(field, among=[value]),
                ]
            for condition in wheres:
                yield condition, lambda values, c=condition: _meets(c, values)  # type: ignore[misc]


def live_through(reopened: Callable[[], Store], life: tuple[Plan, Plan, Plan]) -> Library:
    """Three releases, one after another, then every row stepped: proved at each station."""
    library = Library(reopened)
    for number, plan in enumerate(life, start=1):
        library.opened(number)
        assert library.hub.verify().faults == []
        library.live(plan)
        assert library.hub.verify().faults == []
    library.check()
    older = library.older()
    assert older == sum(form < 3 for form in library.forms.values())
    entries = library.hub.journal(CODE, 0)
    report = library.hub.upcast()
    assert (report.stepped, report.left) == (older, [])
    assert library.older() == 0
    told = library.hub.journal(CODE, len(entries))
    assert [(e.name, e.actor, e.behalf, e.schema) for e in told] == [("card.upcast", "system/upcast", None, 3)] * older
    library.check()
    assert library.hub.upcast().stepped == 0
    library.opened(3)
    library.check()
    return library


def mark(library: Library) -> None:
    """In one transaction a card is stepped and others are looked for: what is laid down and what is older both count."""
    desk = library.desk
    expected = library.expected()
    first = library.ids[0]
    calls = [
        call(desk, "change", first, name="丁"),
        call(desk, "mark", field="name", value="丁", said="记"),
        call(desk, "mark", field="rank", value=5, said="五"),
        call(desk, "mark", field="grade", value=expected[first]["grade"], said="级"),
    ]
    _, named, ranked, graded = (outcome.get() for outcome in desk.do_many(calls))
    expected[first]["name"] = "丁"
    assert {card.id for card in named} == {id for id in library.ids if expected[id]["name"] == "丁"}
    assert {card.id for card in ranked} == {id for id in library.ids if expected[id]["rank"] == 5}
    assert {card.id for card in graded} == {
        id for id in library.ids if expected[id]["grade"] == expected[first]["grade"]
    }
    for card in (*named, *ranked, *graded):
        library.forms[card.id], library.values[card.id] = 3, read(desk.get(Card3, card.id))
    library.check()
