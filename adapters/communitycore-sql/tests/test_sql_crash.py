"""Crashes: workers and servers are killed, connections cut, disks filled; nothing acknowledged is lost, nothing twice.

COMMUNITYCORE_CRASH_KILLS says how many kills each test makes.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import servers

from communitycore.conformance import crash
from communitycore.conformance.crash.suite import Crashes, kills

SEED = 7


class TestSqlite(Crashes):
    @pytest.fixture
    def store_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture
def server_urls(server: servers.Server) -> Iterator[Callable[[], str]]:
    """Makes URLs of new, empty databases on a server; they go afterwards."""
    made: list[str] = []

    def another() -> str:
        made.append(server.fresh())
        return made[-1]

    yield another
    for url in made:
        server.drop(url)


class TestServers(Crashes):
    kills = 3
    test_clocks_that_jump_harm_nothing = None  # the hub's affair, whatever the database

    @pytest.fixture
    def store_url(self, server_urls: Callable[[], str]) -> str:
        return server_urls()

    @pytest.fixture
    def new_store_url(self, server_urls: Callable[[], str]) -> Callable[[], str]:
        return server_urls


def test_a_server_killed_under_load_loses_nothing(server: servers.Server, server_urls: Callable[[], str]) -> None:
    figures = crash.kill_server(server.kill, server.start, server_urls, kills=kills(2), seed=SEED, say=print)
    assert figures.calls.done > 0


def test_connections_cut_in_the_middle_of_commit_lose_nothing(
    server: servers.Server, server_urls: Callable[[], str]
) -> None:
    url = server_urls()
    urls = itertools.chain([url], iter(server_urls, ""))
    word = servers.commit_of(url)
    figures = crash.cut_commits(server.port, lambda: next(urls), word=word, kills=kills(4), seed=SEED, say=print)
    assert figures.calls.done > 0


def test_a_disk_that_fills_up_again_and_again_loses_nothing(small_disk: Path) -> None:
    ballast, numbers = small_disk / "ballast", itertools.count()
    # Large enough that it is the ballast which fills it.
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)

    def new_url() -> str:
        for old in small_disk.iterdir():
            old.unlink()
        return f"sqlite:///{small_disk}/books-{next(numbers)}.db"

    def fill(chance: random.Random) -> None:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:  # until it is full
            file.write(b"\0" * (64 << 20))
            while True:
                file.write(b"\0" * 4_096)
        time.sleep(chance.uniform(0.1, 0.5))
        ballast.unlink()

    figures = crash.disturb(fill, new_url, kills=kills(3), seed=SEED, per_store=5, say=print)
    assert figures.calls.done > 0


def test_a_file_that_lost_its_end_is_never_silently_wrong() -> None:
    """Not the file, nor its log, at whatever length."""
    outcomes = crash.cut_files(lambda folder: f"sqlite:///{folder}/books.db", cuts=max(kills(16), 16), seed=SEED)
    assert outcomes.keys() == {"refused", "found", "whole"}


def test_the_way_through_a_wire_keeps_everything_else_of_a_url(server: servers.Server) -> None:
    wire = crash.Wire(server.port)
    try:
        url = servers.url_of("postgresql", server.port, "books") + "?pool_size=3"
        there, here = urlsplit(url), urlsplit(wire.through(url))
        assert (here.hostname, here.port) == ("127.0.0.1", wire.port)
        assert (here.username, here.password, here.path, here.query) == (
            there.username, there.password, there.path, there.query,
        )  # fmt: skip
    finally:
        wire.close()
