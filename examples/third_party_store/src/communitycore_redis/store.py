"""The store: what it can do, which kinds it knows, and how it is rid of what was overwritten."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from communitycore.kernel.errors import StoreBusy, StoreError, StoreUnusable
from communitycore.kernel.shape import Shape
from communitycore_redis.reading import COLUMNS, LACKING, PLAIN, RedisReading
from communitycore_redis.server import LEASE_SECONDS, PATIENCE_SECONDS, Server
from communitycore_redis.writing import RedisWriting

REWRITE_SECONDS = 60.0


def open_store(
    url: str,
    *,
    lease_seconds: float = LEASE_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
    **options: Any,
) -> RedisStore:
    """The store at `redis://host:port/database?prefix=town`; `rediss://` over TLS.

    lease_seconds: how long a writer that died keeps others waiting. patience_seconds: how long one waits for another.
    options: of redis-py's client. Raises StoreBusy, StoreUnusable, BadValue.
    """
    return RedisStore(Server(url, lease_seconds=lease_seconds, patience_seconds=patience_seconds, **options))


class RedisStore:
    """See communitycore.ports.Store."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self.capabilities: Mapping[str, bool | str] = {
            "threads": True,
            "processes": True,
            "parallel": "one writer at a time, whatever the jurisdiction",
            "durable": self._durable(),
            "scrub": True,
        }

    def _durable(self) -> bool | str:
        try:
            said = dict(zip(*[iter(self._config("append*"))] * 2, strict=True))
        except (StoreUnusable, StoreBusy):
            raise
        except StoreError as refused:
            return f"the server does not say how it keeps what it is told ({refused.why})"
        if (said.get("appendonly"), said.get("appendfsync")) == ("yes", "always"):
            return True
        return "the server may lose the last seconds; set appendonly yes and appendfsync always"

    def _config(self, pattern: str) -> list[str]:
        told = self.server.ask("CONFIG", "GET", pattern)
        return [word for pair in told.items() for word in pair] if isinstance(told, dict) else list(told)

    def prepare(self, shapes: Iterable[Shape]) -> None:
        wanted = {shape.kind: shape for shape in shapes}
        with self.reading() as tx:
            if all(tx._at.one(COLUMNS, kind) == _columns(shape) for kind, shape in wanted.items()):
                return
        with self.writing() as writing:
            for kind, shape in wanted.items():
                now, text = _columns(shape), writing._at.one(COLUMNS, kind)
                if text not in (None, now):
                    was = json.loads(text)
                    for obstacle in self._obstacles(writing, shape, was):
                        raise obstacle
                    if was["schema"] == shape.schema and (lacks := shape.lacked_by(was["columns"])):
                        known = writing.lacking().get(kind, frozenset())
                        writing._new[LACKING, kind] = PLAIN(sorted(known | lacks))
                writing._new[COLUMNS, kind] = now
            writing.commit()

    def _obstacles(self, tx: RedisWriting, shape: Shape, was: Mapping[str, Any]) -> Iterator[StoreUnusable]:
        """Why rows that an earlier set of records made cannot be rows of this one."""
        kind, columns = shape.kind, was["columns"]
        kept = [[json.loads(text) for text in tx._at.whole(f"rows:{head.id}:{kind}").values()] for head in tx.heads()]
        rows = [row for those in kept for row in those]
        if shape.schema < was["schema"]:
            yield self._unusable(f"its {kind} records have schema {was['schema']}, newer than {shape.schema} here")
        for name, column in columns.items():
            if name not in shape.position:
                if any(name in row for row in rows):
                    yield self._unusable(f"{kind}.{name} holds values and is no longer declared")
            elif shape.columns[shape.position[name]].type != column:
                yield self._unusable(f"{kind}.{name} holds {column} values, and is declared otherwise now")
        if rows:
            for field in shape.added_to(columns):
                if field.required:
                    yield self._unusable(f"{kind}.{field.name} is new, and no row has a value for it")
        for n in shape.unique:
            name = shape.columns[n].name
            for those in kept:
                values = [row[name] for row in those if name in row]
                if len(values) != len(set(values)):
                    yield self._unusable(f"{kind}.{name} must be unique now, and several rows hold the same value")

    def _unusable(self, why: str) -> StoreUnusable:
        return StoreUnusable(url=self.url, why=why, why_zh=f"已有数据与新的声明不符（{why}）")

    def reading(self) -> RedisReading:
        return RedisReading(self.server)

    def writing(self, *, wait: bool = True) -> RedisWriting:
        return RedisWriting(self.server, wait)

    def scrub(self) -> None:
        """Undo records go, then the server writes its files anew."""
        with self.server.writer(wait=True):
            self.server.ask("DEL", self.server.key("undo"))
        self._rewritten("BGREWRITEAOF", "aof_rewrite_in_progress", "aof_rewrite_scheduled", "aof_last_bgrewrite_status")
        saved = dict(zip(*[iter(self._config("save"))] * 2, strict=True)).get("save")
        if saved or self.server.ask("LASTSAVE"):
            self._rewritten("BGSAVE", "rdb_bgsave_in_progress", "", "rdb_last_bgsave_status")

    def _rewritten(self, command: str, running: str, waiting: str, status: str) -> None:
        end = time.monotonic() + REWRITE_SECONDS
        self.server.ask(command)
        while time.monotonic() < end:
            told = self.server.ask("INFO", "persistence")
            if not int(told.get(running, 0)) and not int(told.get(waiting, 0) if waiting else 0):
                if told.get(status, "ok") != "ok":
                    raise StoreError(url=self.url, why=f"{command} failed", why_zh=f"{command} 失败")
                return
            time.sleep(0.02)
        raise StoreError(url=self.url, why=f"{command} took too long", why_zh=f"{command} 超时")

    def close(self) -> None:
        self.server.close()


def _columns(shape: Shape) -> str:
    return PLAIN({"schema": shape.schema, "columns": {column.name: column.type for column in shape.columns}})
