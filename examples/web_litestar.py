"""Every command and read over HTTP, with Litestar: a plug-in's too, without a line for it. /openapi.json tells of all.

Run bare it calls itself and prints what came back; with `--serve` it listens on 127.0.0.1:8000 (needs uvicorn).
"""

import secrets
import sys
from collections.abc import Mapping
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import RawBody

import communitycore as cc
from communitycore import people, tickets
from communitycore.formats.http_calls import Answer, answer
from communitycore.formats.json_calls import Callee
from communitycore.formats.openapi import openapi
from communitycore.formats.schemas import schemas


def service(hub: cc.Hub, code: str, logins: Mapping[str, cc.Ref]) -> Litestar:
    """The service of one jurisdiction. logins: bearer token -> who it is."""

    def call(declared: Callee, headers: Mapping[str, str], body: bytes) -> Answer:
        # Authentication is yours. A token out of a dictionary is honest as far as it goes: who has it is who it names.
        actor = logins.get(headers.get("authorization", "").removeprefix("Bearer "))
        if actor is None:
            return Answer(401, {"code": "unknown_token", "say": "Log in. 请先登录。"}, {"WWW-Authenticate": "Bearer"})
        return answer(lambda: hub.desk(code, actor), declared, headers, body)

    def route(path: str, declared: Callee) -> HTTPRouteHandler:
        def endpoint(request: Request[Any, Any, Any], body: RawBody) -> Response[Any]:
            told = call(declared, request.headers, body)
            return Response(told.body, status_code=told.status, headers=told.headers, media_type="application/json")

        # A hub waits for its store: in a thread, so that the event loop does not.
        return post(path, sync_to_thread=True)(endpoint)

    @get("/openapi.json", sync_to_thread=True)
    def document() -> dict[str, Any]:
        return openapi(hub.catalogue.rooms, title="communitycore", version=cc.__version__)

    @get("/schemas", sync_to_thread=True)
    def told() -> dict[str, Any]:
        return schemas(hub.catalogue.rooms)

    commands = [route(f"/do/{name}", command) for name, command in hub.catalogue.commands.items()]
    reads = [route(f"/ask/{name}", read) for name, read in hub.catalogue.reads.items()]
    return Litestar([document, told, *commands, *reads], openapi_config=None, logging_config=None)


def main() -> None:
    hub = cc.open("memory://")
    town = hub.found("370115002023", name="汇鑫社区", level="community")
    resident = hub.desk(town.id, hub.administrator(town.id)).do(people.register, name="居民 Zhang")
    token = secrets.token_urlsafe()
    app = service(hub, town.id, {token: cc.Ref(town.id, resident.id)})
    if "--serve" in sys.argv:
        import uvicorn

        print(f"Authorization: Bearer {token}")
        uvicorn.run(app)
    else:
        from litestar.testing import TestClient

        lamp = {"source": "app", "title": "楼道灯不亮", "reporter": resident.id}
        with TestClient(app) as client:
            client.headers.update({"Authorization": f"Bearer {token}", "Accept-Language": "zh-CN"})
            made, again = (client.post("/do/tickets.report", json=lamp, headers={"Idempotency-Key": "1"}) for _ in "ab")
            print(made.status_code, made.json()["title"], again.json() == made.json())
            for path in ("/ask/tickets.progress", "/do/tickets.accept"):
                told = client.post(path, json={"ticket_id": made.json()["id"]})
                print(told.status_code, told.json().get("say") or tickets.TicketStatus(told.json()["status"]).zh)


if __name__ == "__main__":
    main()
