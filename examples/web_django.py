"""Every command and read over HTTP, with Django: a plug-in's too, without a line for it. /openapi.json tells of all.

Run bare it calls itself and prints what came back; with `--serve` it listens on 127.0.0.1:8000.
"""

import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import JsonResponse
from django.urls import path

import communitycore as cc
from communitycore import people, tickets
from communitycore.formats.http_calls import Answer, answer
from communitycore.formats.json_calls import Callee
from communitycore.formats.openapi import openapi
from communitycore.formats.schemas import schemas


def service(hub: cc.Hub, code: str, logins: Mapping[str, cc.Ref]) -> tuple[Any, ...]:
    """The URLs of one jurisdiction. logins: bearer token -> who it is."""

    def call(declared: Callee, headers: Mapping[str, str], body: bytes) -> Answer:
        # Authentication is yours. A token out of a dictionary is honest as far as it goes: who has it is who it names.
        actor = logins.get(headers.get("authorization", "").removeprefix("Bearer "))
        if actor is None:
            return Answer(401, {"code": "unknown_token", "say": "Log in. 请先登录。"}, {"WWW-Authenticate": "Bearer"})
        return answer(lambda: hub.desk(code, actor), declared, headers, body)

    def view(declared: Callee) -> Callable[[Any], JsonResponse]:
        def endpoint(request: Any) -> JsonResponse:
            told = call(declared, request.headers, request.body)
            return JsonResponse(told.body, status=told.status, headers=told.headers, safe=False)

        return endpoint

    def document(request: Any) -> JsonResponse:
        return JsonResponse(openapi(hub.catalogue.rooms, title="communitycore", version=cc.__version__))

    commands = [path(f"do/{name}", view(command)) for name, command in hub.catalogue.commands.items()]
    reads = [path(f"ask/{name}", view(read)) for name, read in hub.catalogue.reads.items()]
    told = path("schemas", lambda request: JsonResponse(schemas(hub.catalogue.rooms)))
    return (path("openapi.json", document), told, *commands, *reads)


def main() -> None:
    hub = cc.open("memory://")
    town = hub.found("370115002023", name="汇鑫社区", level="community")
    resident = hub.desk(town.id, hub.administrator(town.id)).do(people.register, name="居民 Zhang")
    token = secrets.token_urlsafe()
    urls = service(hub, town.id, {token: cc.Ref(town.id, resident.id)})
    settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["127.0.0.1", "testserver"])
    if "--serve" in sys.argv:
        from wsgiref.simple_server import make_server

        from django.core.wsgi import get_wsgi_application

        print(f"Authorization: Bearer {token}")
        app: Any = get_wsgi_application()
        make_server("127.0.0.1", 8000, app).serve_forever()
    else:
        from django.test import Client

        client: Any = Client(headers={"Authorization": f"Bearer {token}", "Accept-Language": "zh-CN"})
        lamp = {"source": "app", "title": "楼道灯不亮", "reporter": resident.id}
        keyed = {"content_type": "application/json", "headers": {"Idempotency-Key": "1"}}
        made, again = (client.post("/do/tickets.report", lamp, **keyed) for _ in "ab")
        print(made.status_code, made.json()["title"], again.json() == made.json())
        for url in ("/ask/tickets.progress", "/do/tickets.accept"):
            told = client.post(url, {"ticket_id": made.json()["id"]}, "application/json")
            print(told.status_code, told.json().get("say") or tickets.TicketStatus(told.json()["status"]).zh)


if __name__ == "__main__":
    main()
