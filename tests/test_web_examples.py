"""The examples that embedders copy: each runs as it stands, and the web services answer whatever a client sends."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.formats.json_data import ANY

import communitycore as cc
from communitycore import people
from communitycore.kernel.view import View

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMEWORKS = ("django", "fastapi", "litestar")
CODE, TOKEN = "370115002023", "s3cret"
ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@cc.command("lending.lend", may=cc.PUBLIC)
def lend(view: View, *, what: str, days: int = 7) -> cc.Change[None]:
    """Lend something out."""
    return cc.unchanged(None)


@cc.read("lending.terms", may=cc.PUBLIC)
def terms(view: View) -> tuple[str, int]:
    """On which terms things are lent."""
    return "七天", 7


LENDING = cc.Room("lending", records=[], commands=[lend], reads=[terms])

Told = tuple[int, Any, dict[str, str]]


@frozen
class Service:
    """One example at work. send: path, body and headers to status, data and headers."""

    hub: cc.Hub
    resident: str
    send: Callable[..., Told]
    get: Callable[[str], Any]

    def report(self, key: str | None = None, **more: Any) -> Told:
        given = {"source": "app", "title": "楼道灯不亮", "reporter": self.resident, **more}
        return self.send("/do/tickets.report", given, **({} if key is None else {"Idempotency-Key": key}))


def needed(framework: str) -> None:
    if importlib.util.find_spec(framework) is None and not os.environ.get("COMMUNITYCORE_CI"):
        pytest.skip(f"{framework} is not installed")


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # frameworks look annotations up there
    spec.loader.exec_module(module)
    return module


@contextmanager
def client_of(framework: str, made: Any) -> Iterator[Any]:
    if framework == "django":
        import django.conf
        import django.test

        if not django.conf.settings.configured:
            django.conf.settings.configure(ALLOWED_HOSTS=["testserver"])
        with django.test.override_settings(ROOT_URLCONF=made):
            yield django.test.Client()
    elif framework == "fastapi":
        import fastapi.testclient

        yield fastapi.testclient.TestClient(made)
    else:
        import litestar.testing

        with litestar.testing.TestClient(made) as client:
            yield client


@pytest.fixture(params=FRAMEWORKS)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    framework = request.param
    needed(framework)
    hub = cc.open("memory://", rooms=[*cc.built_in_rooms(), LENDING])
    town = hub.found(CODE, name="汇鑫社区", level="community")
    resident = hub.desk(CODE, hub.administrator(CODE)).do(people.register, name="居民").id
    opened: Any = cc.AsyncHub(hub) if framework == "fastapi" else hub
    app = example(f"web_{framework}").service(opened, CODE, {TOKEN: cc.Ref(town.id, resident)})
    with client_of(framework, app) as client:

        def send(path: str, body: Any, **headers: str) -> Told:
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            chosen = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **headers}
            if framework == "django":
                kind = chosen.pop("Content-Type")
                told = client.post(path, sent, content_type=kind, headers=chosen)
            else:
                told = client.post(path, content=sent, headers=chosen)
            return told.status_code, json.loads(told.content), {n.lower(): v for n, v in told.headers.items()}

        yield Service(hub, resident, send, lambda path: json.loads(client.get(path).content))


@pytest.mark.parametrize("name", ["chat_bot", *(f"web_{framework}" for framework in FRAMEWORKS)])
def test_an_example_runs_as_it_stands_and_is_short(name: str, tmp_path: Path) -> None:
    if name.startswith("web_"):
        needed(name.removeprefix("web_"))
    file = EXAMPLES / f"{name}.py"
    assert len(file.read_text(encoding="utf-8").splitlines()) < 80
    said = run(file, tmp_path)
    assert "已上报" in said
    assert ("无权执行" if name.startswith("web_") else "已被认领") in said


def run(file: Path, folder: Path, *words: str, said: bytes = b"") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file), *words],
        input=said,
        capture_output=True,
        cwd=folder,
        timeout=120,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_the_bot_answers_each_line_in_its_language_whatever_it_says(tmp_path: Path) -> None:
    lines = [
        "李: 报修 楼道灯不亮",
        "李: state 1",
        "王: 进度 1",
        "王: claim 1",
        "李: 认领 1",
        "李: claim 9999",
        "",
        ": ",
        "x: report \0",
    ]
    said = run(EXAMPLES / "chat_bot.py", tmp_path, "--listen", said="\n".join(lines).encode() + b"\nx: \xff\xfe\n")
    answers = [line.strip() for line in said.split("\n") if line.startswith("    ")]
    assert answers[:2] == ["1: 已上报", "1: reported"]
    assert "无权执行" in answers[2]
    assert answers[3] == "1: claimed"
    assert "已被认领" in answers[4]
    assert len(answers) == len(lines) + 1


def test_a_call_is_done_and_its_record_comes_back(service: Service) -> None:
    status, ticket, _ = service.report()
    assert (status, ticket["title"], ticket["status"]) == (200, "楼道灯不亮", "reported")
    status, progress, _ = service.send("/ask/tickets.progress", {"ticket_id": ticket["id"]})
    assert (status, progress["ticket"]) == (200, ticket["id"])


def test_a_plug_ins_command_and_read_are_routes_like_all_others(service: Service) -> None:
    assert service.send("/do/lending.lend", {"what": "梯子"})[:2] == (200, None)
    assert service.send("/do/lending.lend", {"what": "梯子", "day": 3})[1]["data"]["field"] == "day"
    assert service.send("/ask/lending.terms", {})[:2] == (200, ["七天", 7])
    for name in service.hub.catalogue.commands:
        assert service.send(f"/do/{name}", {"no such": 1})[0] == 422, name
    for name in service.hub.catalogue.reads:
        assert service.send(f"/ask/{name}", {"no such": 1})[0] == 422, name


def test_schemas_and_openapi_show_each_command_with_its_own_arguments(service: Service) -> None:
    assert service.get("/schemas")["commands"]["lending.lend"]["arguments"]["required"] == ["what"]
    document = service.get("/openapi.json")
    catalogue = service.hub.catalogue
    wanted = {f"/do/{name}" for name in catalogue.commands} | {f"/ask/{name}" for name in catalogue.reads}
    assert set(document["paths"]) == wanted
    operation = document["paths"]["/do/tickets.report"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert "title" in body["required"]
    _, ticket, _ = service.report()
    result = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**result, "components": document["components"]}).validate(ticket)


def test_the_same_key_twice_is_done_once_and_another_call_under_it_is_refused(service: Service) -> None:
    first, again = service.report(key="form-7f3a"), service.report(key="form-7f3a")
    assert first[:2] == again[:2]
    other = service.report(key="form-7f3a", title="另一件事")
    assert (other[0], other[1]["code"]) == (409, "key_reused")
    assert service.report(key="x" * 999)[0] == 422
    with service.hub.store.reading() as tx:
        named = [entry.name for entry in tx.entries(service.hub.resolve(CODE), 0, 1_000)]
    assert named.count("ticket.reported") == 1


def test_each_error_has_its_status_and_says_what_to_do_in_the_readers_language(service: Service) -> None:
    wrong: list[tuple[str, Any, int, str]] = [
        ("/ask/tickets.progress", {"ticket_id": "nowhere"}, 403, "not_allowed"),
        ("/ask/funds.statement", {"ledger_id": "nowhere"}, 404, "not_found"),
        ("/do/tickets.report", {"source": "app", "title": " ", "reporter": service.resident}, 422, "bad_value"),
        ("/do/tickets.report", b"{", 422, "bad_value"),
        ("/do/tickets.report", b"", 422, "bad_value"),
        ("/do/tickets.report", b"\xff", 422, "bad_value"),
    ]
    for path, body, status, code in wrong:
        for language, chinese in (("zh-CN,zh;q=0.9,en;q=0.8", True), ("en", False)):
            told = service.send(path, body, **{"Accept-Language": language})
            assert told[0] == status, (path, told)
            assert told[1]["code"] == code
            assert any("\u4e00" <= letter <= "\u9fff" for letter in told[1]["say"]) == chinese


def test_who_has_no_token_is_asked_for_one(service: Service) -> None:
    for header in ("", "Bearer ", "Bearer wrong", "Basic czNjcmV0"):
        status, told, headers = service.send("/do/lending.lend", {"what": "x"}, Authorization=header)
        assert (status, told["code"], headers["www-authenticate"]) == (401, "unknown_token", "Bearer")


def test_a_busy_store_says_when_to_come_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from communitycore.kernel.errors import StoreBusy

    def busy(*_: object) -> cc.Desk:
        raise StoreBusy(url="memory://", why="locked")

    monkeypatch.setattr(service.hub, "desk", busy)
    status, told, headers = service.send("/do/lending.lend", {"what": "x"})
    assert (status, told["code"], headers["retry-after"]) == (503, "store_busy", "1")


@ONCE
@given(
    path=st.sampled_from(["/do/tickets.report", "/do/places.draw_grid", "/do/funds.agree", "/ask/places.audit"]),
    body=st.data(),
)
def test_no_body_is_too_bad_for_a_code(service: Service, path: str, body: st.DataObject) -> None:
    names = {"source": ANY, "title": ANY, "reporter": ANY, "point": ANY, "attachments": ANY, "happened": ANY}
    data = body.draw(ANY | st.fixed_dictionaries({}, optional=names))
    sent = body.draw(st.binary(max_size=40) | st.just(json.dumps(data).encode()))
    status, told, _ = service.send(path, sent)
    assert 400 <= status < 500 or (status, path) == (200, "/ask/places.audit")
    if status != 200:
        assert told["code"]
        assert told["say"]


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"1" * 5_000,
        b'{"title": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a":NaN}',
        b"null",
        b'"x"',
        b"{}" * 2,
    ],
)
def test_odd_bodies_are_refused_too(service: Service, body: bytes) -> None:
    status, told, _ = service.send("/do/tickets.report", body)
    assert status == 422
    assert told["code"] == "bad_value"


def test_an_odd_header_changes_nothing(service: Service) -> None:
    for odd in ("x" * 5_000, "zh;q=nan", ";;;,,,", "en;q=9e999"):
        assert service.send("/do/lending.lend", {"what": "x"}, **{"Accept-Language": odd})[0] == 200
