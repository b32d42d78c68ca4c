"""A request's body becomes a call, and what becomes of the call an answer for HTTP, in any web framework.

Who calls is for the service to know: it hands over the desk of whoever is logged in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from communitycore.formats.json_calls import Callee, arguments, decode, to_json
from communitycore.kernel.command import Read
from communitycore.kernel.errors import (
    CodeTaken,
    CommunityCoreError,
    IllegalStep,
    KeyErased,
    KeyReused,
    Language,
    NotAllowed,
    NotFound,
    NotUnique,
    Refused,
    StaleStep,
    UnknownCode,
)
from communitycore.kernel.rules import Rule
from communitycore.kernel.values import frozen

if TYPE_CHECKING:
    from communitycore.hub.desk import Desk

RETRY_SECONDS = 1


@frozen
class Answer:
    """What a service sends back: a status, headers, and data for a body in JSON."""

    status: int
    body: Any
    headers: dict[str, str]


def answer(desk: Callable[[], Desk], declared: Callee, headers: Mapping[str, str], body: bytes | str) -> Answer:
    """Do the command, or ask the read, with the JSON object in `body`: 200 and what comes of it, or `failed`.

    desk: called once, for the desk of whoever is logged in. headers: the request's, of which `accept-language` and
    `idempotency-key` are asked for: a command made again under its key gives what the first gave.
    Raises what is a bug, which is for the framework to log and to answer with 500.
    """
    try:
        given, at = arguments(declared, decode(body)), desk()
        if isinstance(declared, Read):
            return Answer(200, to_json(at.ask(declared, **given)), {})
        key = headers.get("idempotency-key")
        return Answer(200, to_json((at.keyed(key) if key else at).do(declared, **given)), {})
    except CommunityCoreError as error:
        return failed(error, language_of(headers.get("accept-language")))


_STATUSES: tuple[tuple[tuple[type[CommunityCoreError], ...], int], ...] = (
    ((NotFound, UnknownCode), 404),
    ((NotAllowed,), 403),
    ((StaleStep, IllegalStep, NotUnique, CodeTaken, KeyReused, KeyErased), 409),
    ((Refused,), 422),
)


def failed(error: CommunityCoreError, language: Language = "en") -> Answer:
    """An error: its `code` for programs, what it `say`s to a person, and the `data` of a refusal.

    404, 403, 409 or 422 where a rule said no; 503 with Retry-After if the same call may be made again; else 500.
    """
    body = {"code": error.code, "say": error.say(language)}
    for kinds, status in _STATUSES:
        if isinstance(error, kinds):
            return Answer(status, {**body, "data": _shown(dict(error.data), language)}, {})
    if error.retryable:
        return Answer(503, body, {"Retry-After": str(RETRY_SECONDS)})
    return Answer(500, body, {})


_WEIGHED = re.compile(r"([A-Za-z]{1,8})(?:-[-A-Za-z0-9]*)?(?: *; *q=([01](?:[.][0-9]{0,3})?))?")


def language_of(accepted: str | None) -> Language:
    """Chinese or English, whichever the header `Accept-Language` likes more; English where it names neither."""
    liked: dict[str, float] = {}
    for part in (accepted or "").split(","):
        if found := _WEIGHED.fullmatch(part.strip()):
            name = found[1].lower()
            liked[name] = max(liked.get(name, 0.0), float(found[2] or 1))
    return "zh" if liked.get("zh", 0) > liked.get("en", 0) else "en"


def _shown(value: Any, language: Language) -> Any:
    """An error's datum as JSON that any encoder takes."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, dict):
        return {str(name): _shown(one, language) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_shown(one, language) for one in value]
    text = value.say(language) if isinstance(value, Rule) else str(value)
    return text.encode("utf-8", "backslashreplace").decode()
