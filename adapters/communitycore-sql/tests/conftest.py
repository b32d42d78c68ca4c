"""What the adapter's tests share; the room they play in stands in sql_room.py, the servers in servers.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import servers  # noqa: E402 - found through the line above

CI = bool(os.environ.get("CI") or os.environ.get("COMMUNITYCORE_CI"))


def started(kind: str) -> Iterator[servers.Server]:
    """One server for the session; missing, its tests are skipped, but fail where everything must be tried."""
    try:
        server = servers.KINDS[kind]()
    except servers.Missing as missing:
        if CI:
            pytest.fail(f"{missing}; CI tries every server")
        pytest.skip(f"{missing}; CONTRIBUTING.md says what to install")
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.Server]:
    """A PostgreSQL server."""
    yield from started("postgresql")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[servers.Server]:
    """A MariaDB server."""
    yield from started("mariadb")


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; each that asks for one runs on all."""
    kind: str = request.param
    if kind != "sqlite":
        request.getfixturevalue(kind)
    return kind


@pytest.fixture(scope="session")
def fresh_url(
    database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Makes URLs of new, empty stores, for tests that need several; they go when the session ends."""
    if database == "sqlite":
        return lambda: f"sqlite:///{tmp_path_factory.mktemp('books') / 'garden.db'}"
    server: servers.Server = request.getfixturevalue(database)
    return server.fresh


@pytest.fixture(scope="session", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> servers.Server:
    """A server, each kind in turn; a test may kill it if it starts it again."""
    found: servers.Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def served_url(server: servers.Server) -> Iterator[str]:
    """The URL of a new, empty database on it."""
    url = server.fresh()
    yield url
    server.drop(url)


@pytest.fixture
def store_url(database: str, fresh_url: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a new, empty store, on each database in turn."""
    server: servers.Server | None = None if database == "sqlite" else request.getfixturevalue(database)
    url = fresh_url()
    yield url
    if server is not None:
        server.drop(url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "garden.db"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes; skips where this user may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True, check=False)
        if sys.platform == "linux" and os.geteuid() == 0
        else None
    )
    if made is None or made.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)
