"""A line between a client and a server that the tests can cut, at a word of their choosing."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Cutting:
    """Listens on a port of the loopback and passes everything on to another.

    cut: b"" or what the client must say for its connection to be cut then: before the server hears it, or once the
    server has answered and before the client hears that (`after`). Both ends see their connection closed.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cut = b""
        self.after = False
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._unheard: set[socket.socket] = set()  # servers whose next word is the last
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def through(self, url: str) -> str:
        """The same URL, through here."""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=re.sub(r":\d+$", f":{self.port}", parts.netloc)))

    def close(self) -> None:
        self._closed = True
        self._listening.close()
        for each in list(self._open):
            _end(each)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                continue
            self._open |= {client, server}
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, here: socket.socket, there: socket.socket, from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := here.recv(1 << 16):
                if from_client and self.cut and self.cut in data:
                    self.cut = b""
                    self.cuts += 1
                    if not self.after:
                        break
                    self._unheard.add(there)
                elif here in self._unheard:
                    break
                there.sendall(data)
        for each in (here, there):
            _end(each)
            self._open.discard(each)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
