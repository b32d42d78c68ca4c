"""Errors: one root, a stable code each, data as attributes, two languages, and safe to send elsewhere."""

from __future__ import annotations

import copy
import pickle
import re
import string

import pytest

import communitycore.hub.followers
import communitycore.hub.hub
import communitycore.kernel.geometry
import communitycore.kernel.jurisdiction  # noqa: F401 - so that their errors are known
from communitycore.kernel.errors import BadValue, CommunityCoreError, KeyReused, NotAllowed, Refused, StoreBusy
from communitycore.kernel.rules import Role, role


def family(kind: type[CommunityCoreError]) -> list[type[CommunityCoreError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in family(child))]


OURS = [e for e in family(CommunityCoreError) if e.__module__.startswith("communitycore.")]


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_an_error_has_a_code_and_two_sentences_with_the_same_data(kind: type[CommunityCoreError]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", kind.code)
    declared = {name for base in kind.__mro__ for name in base.__dict__.get("__annotations__", ())}
    for sentence in (kind.en, kind.zh):
        assert {n.removesuffix("_zh") for n in fields(sentence)} <= {n.removesuffix("_zh") for n in declared}
    assert kind.en.isascii()
    assert kind.__doc__
    made = kind(**{name: f"<{name}>" for name in declared - {"code", "en", "zh", "retryable", "data"}})
    for name in fields(kind.en):
        assert f"<{name}>" in made.say("en")
        assert getattr(made, name) == made.data[name] == f"<{name}>"


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in OURS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    "error",
    [
        BadValue(field="name", why="it is wrong", why_zh="有误"),
        KeyReused(key="k"),
        StoreBusy(url="memory://", why="x"),
        NotAllowed(actor="a/b", what="tools.lend", rule=role(Role("clerk", "窗口人员"))),
    ],
    ids=lambda e: type(e).__name__,
)
def test_an_error_survives_pickling_and_copying(error: CommunityCoreError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert (twin.code, dict(twin.data)) == (error.code, dict(error.data))
        assert twin.say("en") == error.say("en") == str(error)
        assert twin.say("zh") == error.say("zh")


def test_a_sentence_prints_whatever_its_data() -> None:
    assert "?" in KeyReused().say()
    odd = KeyReused(key="{key} %s \ud800 \0")
    for told in (str(odd), odd.say("zh"), repr(odd)):
        told.encode()


def test_data_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        KeyReused(key="k").data["key"] = "other"  # type: ignore[index]


def test_only_what_may_be_made_again_is_retryable() -> None:
    assert {kind.code for kind in OURS if kind.retryable} == {"store_busy"}
    assert not any(kind.retryable for kind in family(Refused) if kind.__module__.startswith("communitycore."))


def test_who_was_refused_is_told_whom_it_is_for_in_their_language() -> None:
    refused = NotAllowed(actor="a/b", what="tools.lend", rule=role(Role("clerk", "窗口人员")))
    assert "clerk" in refused.say("en")
    assert "窗口人员" in refused.say("zh")
