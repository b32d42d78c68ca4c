"""Searches: the same found, in the same order, as a plain reading of the rules would find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub.bench import open_bench
from tests.hub.room import Tool, ToolStatus

from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import BadValue, Mistake
from communitycore.kernel.query import FIND_MAX, Where, make_query, where
from communitycore.kernel.record import shape_of
from communitycore.kernel.view import Layer

NOW = datetime(2024, 6, 4, tzinfo=UTC)
SHAPE = shape_of(Tool)

tools = st.lists(
    st.builds(
        Tool,
        id=st.text("abc", min_size=1, max_size=3),
        name=st.sampled_from(["", "a", "A", "锤", "锤子", "𠮷", "｡"]),
        lends=st.integers(-2, 3),
        sharp=st.booleans(),
        status=st.sampled_from(ToolStatus),
        added=st.integers(0, 3).map(lambda h: NOW + timedelta(hours=h)),
        holder=st.none() | st.sampled_from(["n1", "n2"]),
        tag=st.none() | st.sampled_from(["x", "y"]),
    ),
    max_size=12,
    unique_by=lambda tool: tool.id,
)
conditions = st.lists(
    st.one_of(
        st.sampled_from(ToolStatus).map(lambda v: where(Tool.status, v)),
        st.integers(-2, 3).map(lambda v: where(Tool.lends, at_least=v)),
        st.integers(-2, 3).map(lambda v: where(Tool.lends, below=v)),
        st.sampled_from(["n1", "n2", None]).map(lambda v: where(Tool.holder, v)),
        st.lists(st.sampled_from(["n1", "n2", None])).map(lambda v: where(Tool.holder, among=v)),
        st.sampled_from(["a", "锤"]).map(lambda v: where(Tool.name, v)),
        st.sampled_from(["a", "锤"]).map(lambda v: where(Tool.name, at_least=v)),
        st.booleans().map(lambda v: where(Tool.sharp, v)),
        st.just(where(Tool.added, at_least=NOW + timedelta(hours=1))),
        st.just(where(Tool.tag, below="y")),
    ),
    max_size=2,
)


def meets(tool: Tool, condition: Where) -> bool:
    value = getattr(tool, condition.field)
    match condition.test:
        case "=":
            return bool(value == condition.value)
        case "in":
            return value is not None and value in condition.value
        case ">=":
            return value is not None and bool(value >= condition.value)
        case "<":
            return value is not None and bool(value < condition.value)
    raise AssertionError(condition)


def plainly(found: list[Tool], wanted: list[Where], order: str, descending: bool) -> list[str]:
    met = [tool for tool in found if all(meets(tool, w) for w in wanted)]
    return [t.id for t in sorted(met, key=lambda t: (getattr(t, order), t.id), reverse=descending)]


class Rows:
    """A source of rows, as a store is one."""

    def __init__(self, found: list[Tool]) -> None:
        self.rows = {SHAPE.to_row(t, 1, None): t for t in found}

    def query(self, shape: Any, query: Any) -> list[Any]:
        return [(self.rows[row], row) for row in query.pick(self.rows)]

    def form(self, shape: Any) -> None:
        """All rows have today's form."""

    def load(self, shape: Any, id: str) -> Any:
        return next(((t, row) for row, t in self.rows.items() if t.id == id), None)


@given(tools, conditions, st.sampled_from(["id", "lends", "added", "name", "sharp", "status"]), st.booleans())
def test_find_is_what_the_conditions_say_in_the_order_asked_for(
    found: list[Tool], wanted: list[Where], order: str, descending: bool
) -> None:
    query = make_query(SHAPE, wanted, limit=100, order=order, descending=descending)
    assert [t.id for t, _ in Rows(found).query(SHAPE, query)] == plainly(found, wanted, order, descending)


@given(tools, conditions, st.sampled_from(["id", "lends", "added"]), st.booleans(), st.integers(1, 4))
def test_pages_join_to_the_whole(
    found: list[Tool], wanted: list[Where], order: str, descending: bool, limit: int
) -> None:
    paged: list[str] = []
    after = None
    while True:
        query = make_query(SHAPE, wanted, limit=limit, order=order, descending=descending, after=after)
        page = [tool for tool, _ in Rows(found).query(SHAPE, query)]
        paged += [tool.id for tool in page]
        if len(page) < limit:
            break
        after = page[-1]
    assert paged == plainly(found, wanted, order, descending)


@given(tools, tools, conditions, st.sampled_from(["id", "lends"]), st.booleans(), st.integers(1, 5))
def test_a_layer_of_changes_is_found_as_if_it_were_below(
    base: list[Tool], changed: list[Tool], wanted: list[Where], order: str, descending: bool, limit: int
) -> None:
    layer = Layer(Rows(base))  # type: ignore[arg-type]
    for tool in changed:
        layer.put(SHAPE, tool, SHAPE.to_row(tool, 2, None))
    merged = {t.id: t for t in base} | {t.id: t for t in changed}
    query = make_query(SHAPE, wanted, limit=limit, order=order, descending=descending)
    found = [t.id for t, _ in layer.query(SHAPE, query)]
    assert found == plainly(list(merged.values()), wanted, order, descending)[:limit]
    for id, tool in merged.items():
        held = layer.load(SHAPE, id)
        assert held is not None
        assert held[0] == tool


@pytest.mark.parametrize("limit", [0, -1, FIND_MAX + 1, None, 1.5, "5"])
def test_find_needs_a_limit_from_one_to_a_thousand(limit: Any) -> None:
    with pytest.raises(Mistake, match="limit"):
        make_query(SHAPE, (), limit=limit)


def test_a_view_does_not_search_without_a_limit() -> None:
    from communitycore.kernel.ids import Draw, JurisdictionId, Ref
    from communitycore.kernel.view import View

    view = View(Rows([]), Draw(b"", NOW), jurisdiction=JurisdictionId("j"), actor=Ref("j", "a"), now=NOW)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="limit"):
        view.find(Tool)  # type: ignore[call-arg]


@pytest.mark.parametrize("order", ["tag", "holder", "price", "sizes", "nothing", "due_back"])
def test_order_is_by_a_field_that_is_never_null(order: str) -> None:
    with pytest.raises(Mistake):
        make_query(SHAPE, (), limit=1, order=order)


@pytest.mark.parametrize("field", ["price", "sizes", "wear", "spot", "reach", "nothing"])
def test_what_is_nested_or_unknown_cannot_be_searched_by(field: str) -> None:
    with pytest.raises(Mistake, match=field):
        make_query(SHAPE, [where(field, None)], limit=1)


def test_a_condition_is_exactly_one() -> None:
    for given_ in ({}, {"at_least": 1, "below": 2}, {"equals": 1, "among": [1]}):
        with pytest.raises(Mistake):
            where(Tool.lends, **given_)
    with pytest.raises(Mistake):
        where(5, 5)


@pytest.mark.parametrize("bound", ["at_least", "below"])
def test_a_range_needs_a_bound(bound: str) -> None:
    with pytest.raises(Mistake):
        make_query(SHAPE, [where(Tool.lends, **{bound: None})], limit=1)


def test_a_condition_with_a_value_of_the_wrong_type_is_refused_as_ours() -> None:
    for condition in (where(Tool.lends, "1"), where(Tool.status, "in"), where(Tool.added, datetime(2024, 1, 1))):
        with pytest.raises(BadValue):
            make_query(SHAPE, [condition], limit=1)


@given(tools, conditions, st.booleans())
@settings(max_examples=25)
def test_a_hub_finds_the_same(found: list[Tool], wanted: list[Where], descending: bool) -> None:
    store = MemoryStore()
    bench = open_bench(store)
    made = [
        bench.tool(name=t.name, sharp=t.sharp, tag=tag) for t, tag in zip(found, ["x", "y", *[None] * 12], strict=False)
    ]
    got = bench.desk.find(Tool, *wanted, limit=100, order=Tool.name, descending=descending)
    assert [t.id for t in got] == plainly(made, wanted, "name", descending)
