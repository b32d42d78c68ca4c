"""A redis-server of the tests' own, on a free port, with its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import redis

SECONDS = 20


class RedisServer:
    """One server, which may be killed and started again."""

    def __init__(self, binary: str, folder: Path, *words: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.folder = folder
        self._words = [
            binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes",
            "--appendfsync", "always", "--save", "", "--rdbcompression", "no", "--daemonize", "no", *words,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self.password: str | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(self._words, stdout=log, stderr=log)
        log.close()
        client = redis.Redis(port=self.port, password=self.password)
        end = time.monotonic() + SECONDS
        while True:
            try:
                client.ping()
                break
            except redis.RedisError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        client.close()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(SECONDS)
            self._process = None


def binary() -> str:
    found = shutil.which("redis-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/bin")
    if found is None:
        if os.environ.get("COMMUNITYCORE_CI"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RedisServer]]:
    """Starts servers of a test's own."""
    made: list[RedisServer] = []

    def one(*words: str, password: str | None = None) -> RedisServer:
        folder = tmp_path / f"redis-{len(made)}"
        folder.mkdir()
        server = RedisServer(binary(), folder, *words)
        server.password = password
        made.append(server)
        server.start()
        return server

    yield one
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests that do it no harm."""
    made = RedisServer(binary(), tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def fresh_url(server: RedisServer) -> Callable[[], str]:
    """The URL of another empty store each time."""
    numbers = count()
    return lambda: f"redis://127.0.0.1:{server.port}/0?prefix=store-{next(numbers)}"
