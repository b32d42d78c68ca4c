"""What a server's URL and options mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from communitycore.kernel.errors import StoreUnusable

DURABILITY = ("full", "normal")
_NO = ("0", "no", "false", "off")


@frozen
class Address:
    """A database on a server and how it is used. url: without the password and the options, for messages.

    passed: options that the driver understands. The times are in seconds.
    """

    url: str
    host: str | None
    port: int | None
    user: str | None
    password: str | None = field(repr=False)
    database: str
    passed: Mapping[str, str]
    readonly: bool
    create: bool
    durability: str
    pool_size: int
    pool_seconds: float
    connect_seconds: float
    lock_seconds: float
    statement_seconds: float

    @property
    def patience(self) -> float:
        """How long one answer may take, waiting for a lock included."""
        return self.statement_seconds + self.lock_seconds


@frozen
class Option:
    """One number. least, most: what it may be."""

    default: float
    least: float
    most: float
    why: str
    why_zh: str


_SECONDS = ("is a number of seconds, 0 or more", "应为不小于 0 的秒数")
_SOME = ("is a number of seconds, more than 0", "应为大于 0 的秒数")
OPTIONS = {
    "pool_size": Option(10, 2, 10_000, "is a whole number, 2 or more", "应为不小于 2 的整数"),
    "pool_seconds": Option(30, 0, 1_000_000, *_SECONDS),
    "connect_seconds": Option(10, 0.001, 1_000_000, *_SOME),
    "lock_seconds": Option(30, 0, 1_000_000, *_SECONDS),
    "statement_seconds": Option(60, 0.001, 1_000_000, *_SOME),
}


def address_of(url: str, given: Mapping[str, Any], *, names: Iterable[str], passed: Iterable[str]) -> Address:
    """Read a URL. names: its schemes, the plain one first. given: options that win over what the URL says.

    passed: what the URL may say to the driver. Raises StoreUnusable, without the password.
    """
    names = tuple(names)
    example = f"{names[0]}://user:password@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        # The error's own text would repeat the URL, and with it a password.
        raise StoreUnusable(
            url=f"{names[0]}://",
            why=f"the URL cannot be read; write {example}, and signs such as @ : / in a password as %40 %3A %2F",
            why_zh=f"地址无法识别，请写成 {example}；密码中的 @ : / 等符号写成 %40 %3A %2F",
        ) from None
    shown = parsed.set(query={}).render_as_string(hide_password=True)
    if parsed.drivername not in names:
        raise StoreUnusable(
            url=shown,
            why=f"the driver {parsed.drivername} is not supported; write {example}",
            why_zh=f"不支持驱动 {parsed.drivername}，请写成 {example}",
        )
    if not parsed.database:
        raise StoreUnusable(
            url=shown, why=f"it names no database; write {example}", why_zh=f"未指定数据库，请写成 {example}"
        )
    said = {**_query(parsed, shown), **{name: value for name, value in given.items() if value is not None}}
    password = said.pop("password", parsed.password)
    passed = tuple(passed)
    known = ("mode", "create", "durability", *OPTIONS)
    if unknown := sorted(set(said) - {*known, *passed}):
        listed = (*known, *passed)
        raise wrong(shown, unknown[0], f"is unknown; there are {', '.join(listed)}", f"未知，可用：{'、'.join(listed)}")
    mode, durability = str(said.get("mode", "rw")), str(said.get("durability", "full"))
    if mode not in ("ro", "rw"):
        raise wrong(shown, "mode", "is ro or rw", "应为 ro 或 rw")
    if durability not in DURABILITY:
        raise wrong(shown, "durability", "is full or normal", "应为 full 或 normal")
    numbers = {name: _number(shown, name, option, said.get(name)) for name, option in OPTIONS.items()}
    return Address(
        url=shown,
        host=parsed.host,
        port=parsed.port,
        user=parsed.username,
        password=None if password is None else str(password),
        database=parsed.database,
        passed={name: str(said[name]) for name in passed if name in said},
        readonly=mode == "ro",
        create=mode == "rw" and str(said.get("create", "yes")).lower() not in _NO,
        durability=durability,
        pool_size=int(numbers.pop("pool_size")),
        **numbers,
    )


def _query(parsed: URL, shown: str) -> dict[str, Any]:
    if "password" in parsed.query:
        raise wrong(
            shown, "password", "does not stand in a URL's query; see the README", "不可写在地址的查询部分，见 README"
        )
    for name, value in parsed.query.items():
        if not isinstance(value, str):
            raise wrong(shown, name, "is said twice", "重复出现")
    return dict(parsed.query)


def _number(shown: str, name: str, option: Option, said: Any) -> float:
    try:
        number = option.default if said is None else float(said)
    except (TypeError, ValueError):
        number = -1.0
    if not option.least <= number <= option.most or (name == "pool_size" and number != int(number)):
        raise wrong(shown, name, option.why, option.why_zh)
    return number


def wrong(shown: str, option: str, why: str, why_zh: str) -> StoreUnusable:
    """The error for an option that cannot be as it is."""
    return StoreUnusable(url=shown, why=f"the option {option} {why}", why_zh=f"选项 {option} {why_zh}")
