"""What a `sqlite:///` URL and its options mean."""

from __future__ import annotations

import os
from typing import Any, Literal, get_args
from urllib.parse import quote

from attrs import frozen
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from communitycore.kernel.errors import StoreUnusable

Durability = Literal["full", "normal"]
_KNOWN = ("mode", "create", "durability", "busy_seconds")
_NO = ("0", "no", "false", "off")


@frozen
class Place:
    """One SQLite file and how it is to be opened. url: without anything secret, for messages."""

    url: str
    path: str
    readonly: bool
    create: bool
    durability: str
    busy_seconds: float

    def uri(self, mode: str) -> str:
        """The file as SQLite's URI, whatever signs its path is made of."""
        return f"file:{quote(self.path)}?{mode}"


def place_of(url: str, *, create: bool | None, durability: str | None, busy_seconds: float | None) -> Place:
    """Read a URL. What is not None wins over what the URL says. Raises StoreUnusable."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The error's own text would repeat the URL, and with it a password.
        raise StoreUnusable(
            url="sqlite://",
            why="the URL cannot be read; write sqlite:///file.db",
            why_zh="地址无法识别，请写成 sqlite:///文件.db",
        ) from None
    shown = parsed.render_as_string(hide_password=True) if parsed.host or parsed.password else url
    path = _path(parsed, shown)
    said = dict(parsed.query)
    if unknown := sorted(set(said) - set(_KNOWN)):
        raise _wrong(
            shown, unknown[0], f"is unknown; there are {', '.join(_KNOWN)}", f"未知，可用：{'、'.join(_KNOWN)}"
        )
    mode = str(said.get("mode", "rwc"))
    if mode not in ("ro", "rw", "rwc"):
        raise _wrong(shown, "mode", "is one of ro, rw, rwc", "应为 ro、rw 或 rwc")
    if durability is None:
        durability = str(said.get("durability", "full"))
    if durability not in get_args(Durability):
        raise _wrong(shown, "durability", "is full or normal", "应为 full 或 normal")
    if create is None:
        create = mode == "rwc" and str(said.get("create", "yes")).lower() not in _NO
    seconds: Any = said.get("busy_seconds", 30) if busy_seconds is None else busy_seconds
    try:
        seconds = float(seconds)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= 1_000_000:
        raise _wrong(shown, "busy_seconds", "is a number of seconds, 0 or more", "应为不小于 0 的秒数")
    return Place(shown, path, mode == "ro", create and mode == "rwc", durability, seconds)


def _path(parsed: URL, shown: str) -> str:
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreUnusable(
            url=shown,
            why=f"the driver {parsed.drivername} is not supported; write sqlite:///file.db",
            why_zh=f"不支持驱动 {parsed.drivername}，请写成 sqlite:///文件.db",
        )
    if parsed.host:
        raise StoreUnusable(
            url=shown,
            why="a SQLite file has no host; write sqlite:///file.db, with four slashes for an absolute path",
            why_zh="SQLite 文件没有主机名；请写成 sqlite:///文件.db，绝对路径用四个斜杠",
        )
    path = parsed.database or ""
    if path in ("", ":memory:") or path.startswith("file:"):
        raise StoreUnusable(
            url=shown,
            why="it names no file; write sqlite:///file.db, or memory:// to keep nothing",
            why_zh="未指定文件；请写成 sqlite:///文件.db，不需要保存时用 memory://",
        )
    if "\0" in path:
        raise StoreUnusable(url="sqlite://", why="the path contains a NUL character", why_zh="路径含有 NUL 字符")
    return os.path.abspath(path)


def _wrong(shown: str, option: str, why: str, why_zh: str) -> StoreUnusable:
    return StoreUnusable(url=shown, why=f"the option {option} {why}", why_zh=f"选项 {option} {why_zh}")
