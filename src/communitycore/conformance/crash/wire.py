"""The way to a server, for tests: everything is passed on, until a connection is cut at a word of their choosing."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
import time
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

HOST = "127.0.0.1"
A_WHILE = 5.0
"""Seconds for which a word is waited for that is to be cut at."""


class Cut(Enum):
    """When a connection is cut, seen from the word at which it is."""

    BEFORE = "before the server hears it"
    UNDER_WAY = "once it was sent on, whatever the server does then"
    ANSWERED = "once the server has answered, before the client hears that"


class Wire:
    """Listens on a port of the loopback and passes on to another; both ends see a cut as a closed connection.

    cuts: how many connections were cut.
    """

    def __init__(self, port: int, host: str = HOST) -> None:
        self.cuts = 0
        self._to = host, port
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._mutex = threading.Lock()
        self._at: tuple[bytes, Cut] | None = None
        self._open: set[socket.socket] = set()
        self._mute: set[socket.socket] = set()  # servers whose next word is not passed on
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def through(self, url: str) -> str:
        """The same URL, by this way."""
        parts = urlsplit(url)
        netloc = re.sub(
            r"@?[^@]*$", lambda end: f"{'@' * end[0].startswith('@')}{HOST}:{self.port}", parts.netloc, count=1
        )
        return urlunsplit(parts._replace(netloc=netloc))

    def cut_at(self, word: bytes, when: Cut) -> None:
        """Cut the next connection whose client says this, once."""
        with self._mutex:
            self._at = word, when

    def cut_all(self) -> None:
        """Cut all connections now, wherever they are."""
        with self._mutex:
            there = list(self._open)
            self.cuts += len(there) // 2
        for each in there:
            _end(each)

    def disturb(self, chance: random.Random, word: bytes) -> None:
        """Cut a connection in its next COMMIT, in one way or another, or all of them now."""
        when = chance.choice((*Cut, None))
        before = self.cuts
        if when is None:
            self.cut_all()
            return
        self.cut_at(word, when)
        end = time.monotonic() + A_WHILE
        while self.cuts == before and time.monotonic() < end:
            time.sleep(0.002)
        with self._mutex:
            self._at = None

    def close(self) -> None:
        """Cut everything, and listen no more."""
        self._closed = True
        self._listening.close()
        self.cut_all()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listening.accept()
            except OSError:
                continue
            try:
                server = socket.create_connection(self._to)
            except OSError:  # it is down, which a client sees as a refusal
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._mutex:
                self._open |= {client, server}
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, here: socket.socket, there: socket.socket, from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(1 << 16):
                when = self._cuts_at(data) if from_client else None
                if when is Cut.BEFORE or here in self._mute:
                    break
                if when is Cut.ANSWERED:
                    self._mute.add(there)
                there.sendall(data)
                if when is Cut.UNDER_WAY:
                    break
        for each in (here, there):
            _end(each)
        with self._mutex:
            self._open -= {here, there}
            self._mute.discard(here)

    def _cuts_at(self, data: bytes) -> Cut | None:
        with self._mutex:
            if self._at is None or self._at[0] not in data:
                return None
            _, when = self._at
            self._at = None
            self.cuts += 1
            return when


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
