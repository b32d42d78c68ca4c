"""The kit's whole proof on a real server, and what it cannot know: the server's death, and who may enter."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

import communitycore as cc
from communitycore import conformance
from communitycore.conformance import room
from communitycore.conformance.bench import open_bench
from communitycore.conformance.room import Tool
from communitycore.kernel.errors import BadValue, StoreBusy, StoreError, StoreUnusable
from communitycore.ports import Store
from communitycore_redis import RedisStore, open_store
from communitycore_redis import server as serving
from conftest import RedisServer


class TestRedis(conformance.Everything):
    opener = staticmethod(open_store)
    folder: Path

    @pytest.fixture
    def store_url(self, fresh_url: Callable[[], str]) -> str:
        return fresh_url()

    @pytest.fixture
    def new_store_url(
        self, fresh_url: Callable[[], str], start: Callable[..., RedisServer], request: pytest.FixtureRequest
    ) -> Callable[[], str]:
        if "in_no_byte" not in request.node.name:
            return fresh_url
        own = start()  # other tests' stores hold the same values
        self.folder = own.folder
        return lambda: f"redis://127.0.0.1:{own.port}/0"

    def dump(self, store: Store, url: str) -> bytes:
        return b"".join(file.read_bytes() for file in sorted(self.folder.rglob("*")) if file.is_file())

    def break_commit(self, store: Store, *, kept: bool) -> None:
        assert isinstance(store, RedisStore)
        send = store.server._send

        def breaks(keys: list[str], words: list[Any]) -> int:
            store.server._send = send  # type: ignore[method-assign]
            if kept:
                send(keys, words)
            raise redis.ConnectionError("the line was cut")

        store.server._send = breaks  # type: ignore[method-assign]


def test_what_was_acknowledged_outlives_a_killed_server(start: Callable[..., RedisServer]) -> None:
    server = start()
    url = f"redis://127.0.0.1:{server.port}/0"
    bench = open_bench(open_store(url))
    tools = [bench.tool(name=f"锤子 {n}").id for n in range(20)]
    server.stop(signal.SIGKILL)
    with pytest.raises(StoreError):
        bench.tool()
    server.start()
    again = cc.Hub(open_store(url), [room.ROOM])
    assert again.verify().ok
    desk = again.desk(bench.community, bench.keeper)
    assert [desk.get(Tool, id).name for id in tools] == [f"锤子 {n}" for n in range(20)]
    assert bench.tool(name="again").name == "again"


def test_a_wrong_password_is_refused_without_repeating_it(start: Callable[..., RedisServer]) -> None:
    server = start("--requirepass", "right-s3cret", password="right-s3cret")
    for given in ("", ":wrong-s3cret@"):
        with pytest.raises(StoreUnusable) as refused:
            open_store(f"redis://{given}127.0.0.1:{server.port}/0")
        said = refused.value.say() + refused.value.say("zh") + repr(refused.value)
        assert "s3cret" not in said
    store = open_store(f"redis://:right-s3cret@127.0.0.1:{server.port}/0")
    assert "s3cret" not in store.url
    store.close()


def test_a_server_that_is_not_there_is_busy_and_what_is_no_url_is_refused() -> None:
    with pytest.raises(StoreBusy) as busy:
        open_store("redis://127.0.0.1:1/0")
    assert busy.value.retryable
    with pytest.raises((BadValue, StoreError)):
        open_store("redis://127.0.0.1:port/0")


def test_a_server_that_may_lose_seconds_says_so(start: Callable[..., RedisServer]) -> None:
    server = start("--appendfsync", "everysec")
    store = open_store(f"redis://127.0.0.1:{server.port}/0")
    assert "appendfsync always" in str(store.capabilities["durable"])
    store.close()


def test_a_snapshot_holds_while_others_commit_and_says_when_it_is_too_old(
    fresh_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "KEPT", 3)
    bench = open_bench(open_store(fresh_url()))
    tool = bench.tool(name="one")
    with bench.hub.store.reading() as tx:
        head = tx.head(bench.community)
        for n in range(3):
            bench.desk.do(room.inspect, tool.id, remark=str(n))
        assert tx.head(bench.community) == head
        assert len(tx.entries(bench.community, 0, 100)) == (head.seq if head else 0)
        row = tx.get(Tool.__shape__, bench.community, tool.id)
        assert row is not None
        assert row[1] == 1
    with bench.hub.store.reading() as tx:
        tx.head(bench.community)
        for n in range(4):
            bench.desk.do(room.inspect, tool.id, remark=str(n))
        with pytest.raises(StoreBusy, match="commits"):
            tx.head(bench.district)


def test_two_stores_of_one_server_do_not_see_each_other(fresh_url: Callable[[], str], tmp_path: Path) -> None:
    one, other = open_bench(open_store(fresh_url())), open_bench(open_store(fresh_url()))
    one.tool()
    assert other.desk.find(Tool) == []
    assert other.hub.verify().ok


def test_it_is_found_by_its_scheme() -> None:
    from importlib.metadata import entry_points

    points = [point for point in entry_points(group="communitycore.stores") if point.name == "redis"]
    if not points:
        pytest.skip("communitycore-redis is not installed; its tests import it from its folder")
    assert points[0].load() is open_store
