"""Every command and read as an operation of OpenAPI 3.1, for a service of `/do/{command}` and `/ask/{read}`."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from types import NoneType
from typing import Any

from communitycore.formats.schemas import DIALECT, Json, schemas
from communitycore.kernel.command import Command, Room
from communitycore.kernel.shape import INDEXED_MAX

ERROR: Json = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "stable, for programs"},
        "say": {"type": "string", "description": "what a person should do"},
        "data": {"type": "object"},
    },
    "required": ["code", "say"],
}
KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A command made again under its key gives what the first gave.",
    "schema": {"type": "string", "maxLength": INDEXED_MAX},
}


def openapi(rooms: Iterable[Room], *, title: str, version: str) -> Json:
    """The document: a POST for each command and read, with its own arguments, tagged with its room.

    Its `securitySchemes` are for the service to add, since it authenticates. Raises Mistake as `schemas` does.
    """
    opened = tuple(rooms)
    told = schemas(opened)
    paths: Json = {}
    for room in opened:
        for command in room.commands:
            one = told["commands"][command.name]
            paths[f"/do/{command.name}"] = {
                "post": {**_operation(command.name, one, _given(command)), "parameters": [KEY]}
            }
        for read in room.reads:
            one = told["reads"][read.name]
            paths[f"/ask/{read.name}"] = {"post": _operation(read.name, one, one.get("answer", {}))}
    document = {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": {**told["records"], **told["$defs"], "Error": ERROR}},
    }
    made: Json = _referring(document)
    return made


def _operation(name: str, told: Json, answer: Json) -> Json:
    failed = {"description": "refused, or failed", "content": _json({"$ref": "#/$defs/Error"})}
    return {
        "operationId": name,
        "tags": [told["room"]],
        "summary": told["description"],
        "description": f"{told['may']['en']} 权限：{told['may']['zh']}",
        "requestBody": {"required": True, "content": _json(told["arguments"])},
        "responses": {"200": {"description": "done", "content": _json(answer)}, "default": failed},
    }


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _given(command: Command[..., Any]) -> Json:
    """What a command gives: a record, records, or nothing."""
    (declared,) = typing.get_args(command.hints()["return"])
    kinds: list[Json] = [{"$ref": f"#/$defs/{shape.kind}"} for shape in command.result_shapes()]
    if command.gives_many():
        return {"type": "array", "items": {"anyOf": kinds}}
    if declared is NoneType or NoneType in typing.get_args(declared):
        kinds.append({"type": "null"})
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _referring(data: Any) -> Any:
    """The same, whose references lead to where OpenAPI keeps its schemas."""
    if isinstance(data, dict):
        return {
            name: one.replace("#/$defs/", "#/components/schemas/") if name == "$ref" else _referring(one)
            for name, one in data.items()
        }
    return [_referring(one) for one in data] if isinstance(data, list) else data
