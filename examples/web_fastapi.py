"""Every command and read over HTTP, with FastAPI: a plug-in's too, without a line for it. Its /docs shows all of them.

Run bare it calls itself and prints what came back; with `--serve` it listens on 127.0.0.1:8000 (needs uvicorn).
"""

import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import communitycore as cc
from communitycore import people, tickets
from communitycore.formats.http_calls import Answer, answer
from communitycore.formats.json_calls import Callee
from communitycore.formats.openapi import openapi
from communitycore.formats.schemas import schemas


def service(hub: cc.AsyncHub, code: str, logins: Mapping[str, cc.Ref]) -> FastAPI:
    """The service of one jurisdiction. logins: bearer token -> who it is."""
    app = FastAPI()
    known = hub.hub.catalogue
    document = openapi(known.rooms, title="communitycore", version=cc.__version__)
    app.openapi = lambda: document  # type: ignore[method-assign]  # the way that FastAPI's own guide shows

    def call(declared: Callee, headers: Mapping[str, str], body: bytes) -> Answer:
        # Authentication is yours. A token out of a dictionary is honest as far as it goes: who has it is who it names.
        actor = logins.get(headers.get("authorization", "").removeprefix("Bearer "))
        if actor is None:
            return Answer(401, {"code": "unknown_token", "say": "Log in. 请先登录。"}, {"WWW-Authenticate": "Bearer"})
        return answer(lambda: hub.hub.desk(code, actor), declared, headers, body)

    def route(declared: Callee) -> Callable[[Request], Awaitable[JSONResponse]]:
        async def endpoint(request: Request) -> JSONResponse:
            # A hub waits for its store: on a thread of its own, so that the event loop does not.
            told = await hub.run(call, declared, request.headers, await request.body())
            return JSONResponse(told.body, told.status, told.headers)

        return endpoint

    for command in known.commands.values():
        app.add_api_route(f"/do/{command.name}", route(command), methods=["POST"])
    for read in known.reads.values():
        app.add_api_route(f"/ask/{read.name}", route(read), methods=["POST"])
    app.add_api_route("/schemas", lambda: schemas(known.rooms), methods=["GET"], response_model=None)
    return app


def main() -> None:
    hub = cc.open("memory://")
    town = hub.found("370115002023", name="汇鑫社区", level="community")
    resident = hub.desk(town.id, hub.administrator(town.id)).do(people.register, name="居民 Zhang")
    token = secrets.token_urlsafe()
    app = service(cc.AsyncHub(hub), town.id, {token: cc.Ref(town.id, resident.id)})
    if "--serve" in sys.argv:
        import uvicorn

        print(f"Authorization: Bearer {token}")
        uvicorn.run(app)
    else:
        from fastapi.testclient import TestClient

        client = TestClient(app, headers={"Authorization": f"Bearer {token}", "Accept-Language": "zh-CN"})
        lamp = {"source": "app", "title": "楼道灯不亮", "reporter": resident.id}
        made, again = (client.post("/do/tickets.report", json=lamp, headers={"Idempotency-Key": "1"}) for _ in "ab")
        print(made.status_code, made.json()["title"], again.json() == made.json())
        for path in ("/ask/tickets.progress", "/do/tickets.accept"):
            told = client.post(path, json={"ticket_id": made.json()["id"]})
            print(told.status_code, told.json().get("say") or tickets.TicketStatus(told.json()["status"]).zh)


if __name__ == "__main__":
    main()
