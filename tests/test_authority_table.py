"""The table of who may, cell by cell: for each command and question, each kind of actor asks the hub itself.

The arguments are stand-ins that name nothing, so a call that is admitted fails for some later reason, or does
something harmless in a store of memory; only NotAllowed for the call's own rule counts as a no.
"""

from __future__ import annotations

import importlib.util
import inspect
import typing
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import communitycore as cc
from communitycore.kernel.command import Call, Command, Declared
from communitycore.kernel.errors import NotAllowed
from communitycore.kernel.ids import system
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.rules import Own

ROOMS = (JURISDICTIONS, *cc.built_in_rooms())
DECLARED: list[Declared] = [d for room in ROOMS for d in (*room.commands, *room.reads)]
STANDINS: dict[Any, Any] = {
    str: "x",
    int: 1,
    bool: False,
    datetime: datetime(2024, 6, 4, tzinfo=UTC),
    date: date(2024, 6, 4),
    cc.Ref: cc.Ref("nowhere", "nobody"),
    cc.Point: cc.Point(117.0, 36.9),
    cc.Area: cc.Area.box(117.0, 36.9, 117.1, 37.0),
}


@pytest.fixture(scope="module")
def reference() -> Any:
    page = Path(__file__).parents[1] / "docs" / "_ext" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", page)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def actors(reference: Any) -> dict[str, cc.Desk]:
    """A desk for each kind of actor of the table, and for a stranger."""
    hub = cc.open("memory://")
    above = hub.found("370115", name="济阳区", level="district")
    here = hub.found("370115002", name="济北街道", level="subdistrict", parent="370115")
    made = {}
    for n, role in enumerate(reference.known_roles()):
        # Roles are held here or above: half of them each.
        body = (above, here)[n % 2]
        holder = cc.Ref("elsewhere", role.name)
        hub.desk(body.id, hub.administrator(body.id)).do(give, holder=holder, role=role)
        made[role.name] = hub.desk(here.id, holder)
    for name in ("timer", "reaction"):
        made[name] = cc.Desk(hub, here.id, system(f"{name}:test"))
    made["anyone"] = hub.desk(here.id, cc.Ref("elsewhere", "stranger"))
    return made


def standin(declared: Any) -> Any:
    """A value for an argument of this type that names nothing real; None where no better is known."""
    supertype = getattr(declared, "__supertype__", None)
    if supertype is not None:
        return STANDINS.get(supertype)
    if isinstance(declared, type) and issubclass(declared, Enum):
        return next(iter(declared))
    if typing.get_origin(declared) is typing.Annotated:
        return standin(typing.get_args(declared)[0])
    if typing.get_origin(declared) is tuple:
        return ()
    return STANDINS.get(declared)


def call_of(declared: Declared, **given: Any) -> Call[Any]:
    hints = declared.hints()
    parameters = list(inspect.signature(declared.function).parameters.values())[1:]
    needed = {p.name: standin(hints.get(p.name)) for p in parameters if p.default is p.empty}
    return Call(declared, (), {**needed, **given})


def asks(desk: cc.Desk, call: Call[Any], declared: Declared) -> bool:
    """The hub's answer to one call: False for NotAllowed by the call's own rule, True for anything else."""
    try:
        if isinstance(declared, Command):
            desk.hub.carry_out(desk, call)
        else:
            desk.hub.answer(desk, call)
    except NotAllowed as refused:
        return not (refused.what == declared.name and refused.rule is declared.may)
    except Exception:
        return True
    return True


@pytest.mark.parametrize("declared", DECLARED, ids=lambda d: d.name)
def test_every_cell_of_the_table_is_the_hubs_answer(declared: Declared, reference: Any, actors: dict[str, Any]) -> None:
    said = reference.admits(declared.may)
    assert set(said) == set(actors)
    asked = {column: asks(desk, call_of(declared), declared) for column, desk in actors.items()}
    assert asked == said


OWNED = [(d, way) for d in DECLARED for way in d.may if isinstance(way, Own) and way.field is None]


@pytest.mark.parametrize(
    ("declared", "way"), OWNED, ids=lambda x: getattr(x, "name", None) or getattr(x, "argument", "")
)
def test_whom_an_argument_names_is_admitted_and_another_is_not(
    declared: Declared, way: Own, actors: dict[str, Any]
) -> None:
    stranger = actors["anyone"]
    parameter = stranger.hub.catalogue.owned(declared, way)[0]
    themselves: Any = stranger.actor
    desk = stranger
    if "Ref" not in str(declared.hints()[parameter]):
        desk = stranger.hub.desk(stranger.jurisdiction, cc.Ref(stranger.jurisdiction, "local"))
        themselves = "local"
    another = cc.Desk(desk.hub, desk.jurisdiction, cc.Ref(desk.jurisdiction, "another"))
    if typing.get_origin(declared.hints()[parameter]) is tuple:
        themselves = (themselves,)
    call = call_of(declared, **{parameter: themselves})
    assert asks(desk, call, declared)
    assert asks(another, call, declared) == any(admits_anyone(w) for w in declared.may)


def admits_anyone(way: Any) -> bool:
    return way is cc.PUBLIC
