"""Schemas say of every command and record what the library itself writes and takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from tests.domain import funds_world, services_world

import communitycore as cc
from communitycore import funds, services
from communitycore.cli import DONE, main
from communitycore.formats.schemas import schemas
from communitycore.kernel import convert
from communitycore.kernel.errors import Mistake, NotAllowed
from communitycore.kernel.record import shape_of
from communitycore.kernel.view import View

TOLD = schemas(cc.built_in_rooms())
COMMANDS = {command.name: command for room in cc.built_in_rooms() for command in room.commands}


def valid(schema: dict[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator({**schema, "$defs": TOLD["$defs"]}).validate(value)


def parts() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from TOLD["records"].items()
    yield from TOLD["$defs"].items()
    for several in (TOLD["commands"], TOLD["reads"]):
        yield from ((name, one["arguments"]) for name, one in several.items())


def test_every_schema_is_one_and_refers_to_what_there_is() -> None:
    for name, schema in parts():
        jsonschema.Draft202012Validator.check_schema(schema)
        for line in json.dumps(schema).split('"$ref": "#/$defs/')[1:]:
            assert line.partition('"')[0] in TOLD["$defs"], name


def test_every_command_and_record_of_every_room_is_there() -> None:
    assert set(TOLD["commands"]) == set(COMMANDS)
    assert set(TOLD["records"]) == {shape_of(kind).kind for room in cc.built_in_rooms() for kind in room.records}
    for name, one in TOLD["commands"].items():
        assert set(one["arguments"]["properties"]) == set(COMMANDS[name].parameters)
        assert set(one["gives"]) <= set(TOLD["records"]) | {"grant", "jurisdiction"}
        assert one["description"]


def lived() -> Iterator[Any]:
    """Records of every kind that three small worlds leave behind."""
    money = funds_world.world()
    money.accountant.do(funds.donate, money.fund.id, amount=cc.Money(5), purpose="x", donor=money.teacher, shown="钱")
    stage = money.account("活动支出", funds.AccountType.EXPENSE)
    money.spend(stage, 1)
    class_ = services_world.world()
    services_world.fund(class_)
    class_.series()
    session = class_.session()
    class_.host.do(services.book, session.id, party=class_.neighbours[0], names=("王",))
    class_.clock.advance(timedelta(hours=25))
    class_.host.do(services.close_attendance, session.id)
    desks = (money.admin, money.accountant, class_.admin, class_.host, class_.accountant)
    for room in cc.built_in_rooms():
        for kind in room.records:
            for desk in desks:
                with suppress(NotAllowed):
                    yield from desk.find(kind, limit=50)


def test_what_the_library_writes_is_as_its_schema_says() -> None:
    seen = set()
    for record in lived():
        kind = shape_of(type(record)).kind
        seen.add(kind)
        valid(TOLD["records"][kind], json.loads(convert.to_text(record)))
    assert len(seen) >= 15, seen


def test_a_wrong_value_is_told_by_the_schema() -> None:
    book = TOLD["commands"]["services.book"]["arguments"]
    valid(book, {"session_id": "x", "party": "y", "size": 2})
    for wrong in (
        {"session_id": "x"},
        {"session_id": "x", "party": "y", "size": "2"},
        {"session_id": "x", "party": "y", "z": 1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            valid(book, wrong)
    offer = TOLD["commands"]["services.offer"]["arguments"]
    given = {"name": "剪纸", "provider": "volunteer", "by": "x", "fee": [500, "CNY"], "segments": ["elderly"]}
    valid(offer, given)
    with pytest.raises(jsonschema.ValidationError):
        valid(offer, {**given, "segments": ["nobody"]})


def test_words_carry_their_chinese() -> None:
    assert {"const": "elderly", "title": "老年人"} in TOLD["$defs"]["domain.services.policy.Segment"]["oneOf"]
    assert TOLD["commands"]["services.book"]["may"]["zh"]


def test_a_type_that_no_json_stands_for_is_a_mistake() -> None:
    @cc.command("odd.do", may=cc.PUBLIC)
    def odd(view: View, *, what: complex) -> cc.Change[None]:
        return cc.unchanged(None)

    with pytest.raises(Mistake, match=r"odd\.do\.what"):
        schemas([cc.Room("odd", records=[], commands=[odd])])


def test_the_verb_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "--room", "services"]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert {one["room"] for one in told["commands"].values()} == {"services"}
    assert main(["schemas", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(TOLD))
