"""What became of a call, as HTTP says it: a status, a code and a sentence; and which language the reader likes."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import communitycore as cc
from communitycore.domain.roles import CLERK
from communitycore.formats.http_calls import failed, language_of
from communitycore.formats.openapi import openapi
from communitycore.kernel import errors
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS

STATUSES = [
    (errors.NotFound(kind="wish", id="x"), 404),
    (errors.UnknownCode(given="370125", hint=""), 404),
    (errors.NotAllowed(actor="a/b", what="x.y", rule=cc.role(CLERK)), 403),
    (errors.StaleStep(kind="wish", id="x", before=1, current=2), 409),
    (errors.KeyReused(key="k"), 409),
    (errors.NotUnique(kind="wish", field="title"), 409),
    (errors.BadValue(field="size", why="too large", why_zh="过大"), 422),
    (errors.TooMuch(limit=1, count=2), 422),
    (errors.StoreBusy(url="x", why="locked"), 503),
    (errors.OutcomeUnknown(url="x", why="cut", cause="c"), 500),
    (errors.Damaged(kind="wish", id="x", why="torn"), 500),
    (errors.Mistake("x"), 500),
]


@pytest.mark.parametrize(("error", "status"), STATUSES, ids=lambda value: getattr(value, "code", str(value)))
def test_an_error_has_its_status_its_code_and_a_sentence(error: cc.CommunityCoreError, status: int) -> None:
    for language in ("en", "zh"):
        told = failed(error, language)  # type: ignore[arg-type]
        assert told.status == status
        assert (told.body["code"], told.body["say"]) == (error.code, error.say(language))  # type: ignore[arg-type]
        assert ("data" in told.body) == (status < 500)
        assert ("Retry-After" in told.headers) == error.retryable
        json.dumps(told.body, ensure_ascii=False).encode()


def test_what_a_refusal_is_about_is_data_that_any_encoder_takes() -> None:
    refused = errors.Refused(who=cc.Ref("a", "b"), several=("x", 1), half="\ud800", amount=cc.Money(5), none=None)
    shown = failed(refused).body["data"]
    assert shown == {"who": "a/b", "several": ["x", 1], "half": "\\ud800", "amount": "0.05 CNY", "none": None}
    barred = errors.NotAllowed(actor="a/b", what="x.y", rule=cc.role(CLERK))
    assert failed(barred, "zh").body["data"]["rule"] == "窗口人员"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-Hans-CN , en; q=0.1", "zh"),
        ("en-US,en;q=0.5,zh;q=0.1", "en"),
        ("fr, zh;q=0.2", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=nan", "en"),
        ("*", "en"),
    ],
)
def test_the_language_is_the_one_that_is_liked_more(header: str | None, language: str) -> None:
    assert language_of(header) == language


@given(st.text() | st.text("zhen-;q=01.,* ", max_size=60))
def test_no_header_is_too_odd_for_a_language(header: str) -> None:
    assert language_of(header) in ("en", "zh")


def test_every_reference_of_the_openapi_document_leads_to_a_schema() -> None:
    rooms = (JURISDICTIONS, *cc.built_in_rooms())
    document = openapi(rooms, title="town", version="1")
    assert len(document["paths"]) == sum(len(room.commands) + len(room.reads) for room in rooms)
    schemas = document["components"]["schemas"]
    for part in json.dumps(document).split('"$ref": "')[1:]:
        path, name = part.partition('"')[0].rsplit("/", 1)
        assert (path, name in schemas) == ("#/components/schemas", True)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
