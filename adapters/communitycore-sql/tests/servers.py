"""Real database servers for the tests, each with a data folder of its own, on a free port of the loopback alone.

    server = PostgreSQL()          # or MariaDB(); raises Missing, saying what to install
    server = PostgreSQL("max_connections=20", in_memory=False)  # settings; on a disk, for who measures
    url = server.fresh()           # a new, empty database
    server.kill(); server.start()  # as after a power cut: the same port, the same data
    server.close()                 # stopped, and its folder removed

Their defaults compare text as people do, so that what holds here holds by the adapter's own doing.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

USER = "keeper"
PASSWORD = "p@ss/w:rd %2F?#é"
START_SECONDS = 60
ROOM_BYTES = 3 << 30


class Missing(Exception):
    """The server's programs or its driver are not installed."""


class Server(Protocol):
    """A running server."""

    port: int

    def fresh(self) -> str: ...
    def drop(self, url: str) -> None: ...
    def dump(self, url: str) -> bytes: ...
    def cut(self, url: str) -> int: ...
    def limit(self, connections: int) -> None: ...
    def execute(self, sql: str) -> list[Any]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def close(self) -> None: ...


def program(name: str, *folders: str) -> str:
    """Where a program is, the newest version first. Raises Missing."""
    places = [str(place) for folder in folders for place in sorted(Path("/").glob(folder), key=_version, reverse=True)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


def _version(folder: Path) -> list[int]:
    return [int(part) for part in folder.parent.name.split(".") if part.isdigit()]


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class Process:
    """A server's process and folder. As root it runs as somebody else, since servers refuse root."""

    def __init__(self, users: Sequence[str], *, in_memory: bool) -> None:
        place = _quick_place() if in_memory else None
        self.folder = Path(tempfile.mkdtemp(prefix="communitycore-server-", dir=place))
        self.port = 0
        self._as: dict[str, Any] = {}
        self._running: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = next(known[name] for name in (*users, "nobody") if name in known)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self._as = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def run(self, *words: str | Path, stdin: bytes = b"") -> bytes:
        """A program that ends by itself."""
        done = subprocess.run(
            [*map(str, words)], input=stdin, capture_output=True, cwd=self.folder, env=self._environment(), **self._as
        )
        if done.returncode:
            raise RuntimeError(f"{words[0]} failed: {done.stderr.decode(errors='replace')[-2_000:]}")
        return done.stdout

    def start(self, words: Callable[[int], Sequence[str | Path]], ready: Callable[[int], bool]) -> None:
        """Start, on the port that it had before if it had one, and wait until it is ready."""
        for _ in range(5):
            port = self.port or free_port()
            with (self.folder / "log").open("ab") as log:
                self._running = subprocess.Popen(
                    [*map(str, words(port))],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    env=self._environment(),
                    # What it does, it does when the starting thread ends, so not from a thread that will.
                    preexec_fn=_end_with_parent if threading.current_thread() is threading.main_thread() else None,
                    **self._as,
                )
            if self._wait(lambda: ready(port)):  # noqa: B023 - called at once
                self.port = port
                return
        raise RuntimeError(f"the server does not start: {(self.folder / 'log').read_text(errors='replace')[-2_000:]}")

    def _wait(self, ready: Callable[[], bool]) -> bool:
        assert self._running is not None
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._running.poll() is None:
            if ready():
                return True
            time.sleep(0.02)
        self.end(signal.SIGKILL)
        return False

    def end(self, how: signal.Signals) -> None:
        """End it and wait until it is gone."""
        running, self._running = self._running, None
        if running is None:
            return
        children = _children(running.pid) if how == signal.SIGKILL else []
        running.send_signal(how)
        for child in children:  # PostgreSQL's notice that they are alone, but not at once
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, how)
        try:
            running.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        while any(map(_alive, children)):
            time.sleep(0.005)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MYSQL", "LC_"))}
        return {**kept, "LANG": "C.UTF-8", "HOME": str(self.folder)}


def _quick_place() -> str | None:
    """A folder in memory, where to sync costs nothing, if it has room; servers sync all the same."""
    place = "/dev/shm"
    try:
        found = os.statvfs(place)
    except OSError:
        return None
    return place if os.access(place, os.W_OK) and found.f_bavail * found.f_frsize > ROOM_BYTES else None


def _end_with_parent() -> None:
    """Runs in the new process: whoever started it may be killed without a chance to stop it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


COMMITS = {"postgresql": b"COMMIT\0", "mariadb": b"\3COMMIT"}
"""How a COMMIT is sent, so that no READ COMMITTED is taken for one."""


def commit_of(url: str) -> bytes:
    """How a COMMIT is sent to the server of this URL."""
    return COMMITS["postgresql" if url.startswith("postgresql") else "mariadb"]


def url_of(scheme: str, port: int, database: str, user: str = USER, password: str = PASSWORD) -> str:
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def database_in(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


class PostgreSQL:
    """PostgreSQL, whose databases sort as English does unless told otherwise."""

    def __init__(self, *settings: str, in_memory: bool = True) -> None:
        place = "usr/lib/postgresql/*/bin"
        initdb, self._program = program("initdb", place), program("postgres", place)
        self._dump_program = program("pg_dump", place)
        try:
            import psycopg
        except ImportError as error:
            raise Missing(f"psycopg is not installed ({error})") from error
        self._driver = psycopg
        self._settings = [word for setting in settings for word in ("-c", setting)]
        self._process = Process(["postgres"], in_memory=in_memory)
        self._numbers = itertools.count()
        self._super = secrets.token_hex(8)
        try:
            secret = self._process.folder / "secret"
            secret.write_text(self._super)
            secret.chmod(0o644)
            locale = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
            self._data = self._process.folder / "data"
            self._process.run(
                initdb, "-D", self._data, "-U", "postgres", "-E", "UTF8", *locale, "-A", "md5", "--pwfile", secret
            )
            self.start()
            with self._admin() as connection:
                connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        except BaseException:
            self.close()
            raise

    @property
    def port(self) -> int:
        return self._process.port

    def _admin(self, port: int = 0) -> Any:
        return self._driver.connect(
            host="127.0.0.1",
            port=port or self.port,
            user="postgres",
            password=self._super,
            dbname="postgres",
            autocommit=True,
            connect_timeout=START_SECONDS,
        )

    def execute(self, sql: str) -> list[Any]:
        """As the server's superuser."""
        with self._admin() as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def fresh(self) -> str:
        name = f"books_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER {USER}")
        return url_of("postgresql", self.port, name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database_in(url)} WITH (FORCE)")

    def cut(self, url: str) -> int:
        """End all connections to a database; gives how many."""
        name = database_in(url)
        return len(
            self.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        )

    def limit(self, connections: int) -> None:
        """How many connections its user may have; -1: any number."""
        self.execute(f"ALTER ROLE {USER} CONNECTION LIMIT {connections}")

    def dump(self, url: str) -> bytes:
        """A logical dump of everything in a database."""
        admin = url_of("postgresql", self.port, database_in(url), "postgres", self._super)
        return self._process.run(self._dump_program, "--dbname", admin)

    def start(self) -> None:
        def words(port: int) -> list[str | Path]:
            settings = ("listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "shared_buffers=64MB")
            settings += ("max_wal_size=256MB", "dynamic_shared_memory_type=mmap")
            told = [word for setting in settings for word in ("-c", setting)]
            return [self._program, "-D", self._data, *told, *self._settings]

        self._process.start(words, self._ready)

    def _ready(self, port: int) -> bool:
        try:
            self._admin(port).close()
        except self._driver.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self._process.end(signal.SIGINT)  # what it calls a fast shutdown

    def kill(self) -> None:
        self._process.end(signal.SIGKILL)

    def close(self) -> None:
        self.stop()
        self._process.remove()


class MariaDB:
    """MariaDB, whose tables fold case and pad unless told otherwise."""

    def __init__(self, *settings: str, in_memory: bool = True) -> None:
        install, self._program = program("mariadb-install-db"), program("mariadbd", "usr/sbin", "usr/libexec")
        self._dump_program = program("mariadb-dump")
        try:
            import pymysql
        except ImportError as error:
            raise Missing(f"PyMySQL is not installed ({error})") from error
        self._driver = pymysql
        self._settings = [f"--{setting}" for setting in settings]
        self._process = Process(["mysql"], in_memory=in_memory)
        self._numbers = itertools.count()
        self._data = self._process.folder / "data"
        self._super = ""
        try:
            self._process.run(
                install,
                "--no-defaults",
                f"--datadir={self._data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            )
            self.start()
            password = PASSWORD.replace("'", "''")
            self.execute(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{password}'")
            self.execute(f"GRANT ALL ON `books\\_%`.* TO {USER}@'127.0.0.1'")
            secret = secrets.token_hex(8)
            self.execute(f"SET PASSWORD FOR root@'127.0.0.1' = PASSWORD('{secret}')")
            self._super = secret
        except BaseException:
            self.close()
            raise

    @property
    def port(self) -> int:
        return self._process.port

    def _admin(self, port: int = 0) -> Any:
        return self._driver.connect(
            host="127.0.0.1",
            port=port or self.port,
            user="root",
            password=self._super,
            autocommit=True,
            charset="utf8mb4",
            connect_timeout=START_SECONDS,
        )

    def execute(self, sql: str) -> list[Any]:
        """As the server's superuser."""
        connection = self._admin()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def fresh(self) -> str:
        name = f"books_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return url_of("mariadb", self.port, name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database_in(url)}")

    def cut(self, url: str) -> int:
        """End all connections to a database; gives how many."""
        asked = f"SELECT id FROM information_schema.processlist WHERE db = '{database_in(url)}'"
        found = self.execute(asked)
        for (number,) in found:
            self.execute(f"KILL CONNECTION {number}")
        while self.execute(asked):
            time.sleep(0.005)
        return len(found)

    def limit(self, connections: int) -> None:
        """How many connections its user may have; -1: any number."""
        self.execute(f"ALTER USER {USER}@'127.0.0.1' WITH MAX_USER_CONNECTIONS {max(connections, 0)}")

    def dump(self, url: str) -> bytes:
        """A logical dump of everything in a database."""
        return self._process.run(
            self._dump_program,
            "--no-defaults",
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--user=root",
            f"--password={self._super}",
            "--default-character-set=utf8mb4",
            database_in(url),
        )

    def start(self) -> None:
        def words(port: int) -> list[str | Path]:
            return [
                self._program,
                "--no-defaults",
                f"--datadir={self._data}",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--socket={self._process.folder / 'socket'}",
                f"--pid-file={self._process.folder / 'pid'}",
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_general_ci",
                "--innodb-buffer-pool-size=64M",
                "--skip-name-resolve",
                *self._settings,
            ]

        self._process.start(words, self._ready)

    def _ready(self, port: int) -> bool:
        try:
            self._admin(port).close()
        except self._driver.err.OperationalError:
            return False
        return True

    def stop(self) -> None:
        self._process.end(signal.SIGTERM)

    def kill(self) -> None:
        self._process.end(signal.SIGKILL)

    def close(self) -> None:
        self._process.end(signal.SIGKILL)  # nothing of it is kept
        self._process.remove()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


KINDS: dict[str, Callable[[], Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB}
