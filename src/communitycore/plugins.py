"""What others may add: rooms by hook (pluggy), stores by URL scheme (entry points)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

from communitycore.kernel.command import Room
from communitycore.kernel.errors import BadValue, NoAdapter
from communitycore.kernel.shape import Shape
from communitycore.ports import Store

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

NAME = "communitycore"
STORES = "communitycore.stores"
DDL = "communitycore.ddl"
PLUGINS = "communitycore.plugins"
KNOWN_STORES = {
    "sqlite": "communitycore-sql",
    "postgresql": "communitycore-sql[postgresql]",
    "mariadb": "communitycore-sql[mariadb]",
    "mysql": "communitycore-sql[mariadb]",
}

hookspec = pluggy.HookspecMarker(NAME)
hookimpl = pluggy.HookimplMarker(NAME)


class Hooks:
    """The whole hook page."""

    @hookspec
    def communitycore_rooms(self) -> Iterable[Room]:  # type: ignore[empty-body]  # a hook has no body
        """Further rooms, whose records every store keeps and whose commands every desk does."""


def entry_points(group: str) -> Iterable[EntryPoint]:
    """Installed entry points of a group; the module behind it is slow to import and so is left until asked for."""
    from importlib.metadata import entry_points

    return entry_points(group=group)


@cache
def _mentioned(group: str) -> bool:
    """Whether any installed distribution may declare this group, by a look at sys.path's metadata files.

    It spares most programs the import of importlib.metadata, which takes longer than opening a hub.
    A distribution inside a zip file is not seen: pass its rooms to `open`.
    """
    for folder in dict.fromkeys(sys.path):
        try:
            with os.scandir(folder or ".") as found:
                names = [item.path for item in found if item.name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(name, "entry_points.txt"), encoding="utf-8") as file:
                    if f"[{group}]" in file.read():
                        return True
            except OSError:
                continue
    return False


def manager() -> pluggy.PluginManager:
    """A plug-in manager with all installed plug-ins, in the order of their names."""
    made = pluggy.PluginManager(NAME)
    made.add_hookspecs(Hooks)
    for point in sorted(entry_points(PLUGINS), key=lambda point: point.name):
        made.register(point.load(), point.name)
    made.check_pending()
    return made


def installed_rooms() -> list[Room]:
    """The rooms of all installed plug-ins."""
    if not _mentioned(PLUGINS):
        return []
    return [room for rooms in reversed(manager().hook.communitycore_rooms()) for room in rooms]


def installed_stores() -> dict[str, str]:
    """Scheme -> the distribution that serves it."""
    found = {"memory": NAME}
    for point in entry_points(STORES):
        found[point.name] = point.dist.name if point.dist is not None else point.value
    return found


def scheme_of(url: str) -> str:
    """`sqlite` of `sqlite:///file.db` and of `sqlite+driver:///…`. Raises BadValue, without repeating the URL."""
    scheme, colon, _ = url.partition("://")
    if not colon or not scheme:
        # Not even its beginning is repeated: what is cut wrongly may hold a password anywhere.
        raise BadValue(
            field="url",
            why="it is no store's URL such as sqlite:///file.db or memory://",
            why_zh="不是存储地址（如 sqlite:///文件.db 或 memory://）",
        )
    return scheme.partition("+")[0]


# To the last @, since a password may hold one, or a slash, that was never escaped: rather too much than too little.
_USERS_PASSWORD = re.compile(r"(?<=://)([^/:@]*):.*@", re.DOTALL)
_OPTION_PASSWORD = re.compile(r"(?<=[?&])(\w*(?:password|passwd|pwd))=[^&#]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """The URL as it may be shown: `***` where a password stands."""
    return _OPTION_PASSWORD.sub(r"\1=***", _USERS_PASSWORD.sub(r"\1:***@", url))


def open_store(url: str, **options: Any) -> Store:
    """The store at `url`, by the adapter that its scheme names. Raises NoAdapter, saying what to install."""
    scheme = scheme_of(url)
    if scheme == "memory":
        from communitycore.hub.memory import MemoryStore

        return MemoryStore(url)
    for point in entry_points(STORES):
        if point.name != scheme:
            continue
        factory: Callable[..., Store] = point.load()
        return factory(url, **options)
    raise _no_adapter(scheme, without_password(url))


def ddl_of(scheme: str, shapes: Iterable[Shape], *, own: bool = True) -> tuple[str, ...]:
    """The statements by which the adapter of this scheme makes the tables of these kinds; `memory` has none.

    own: with the store's own tables. An adapter offers it as an entry point of the group `communitycore.ddl`: a
    function of the same arguments. Raises NoAdapter where none is installed, or its adapter offers none.
    """
    if scheme == "memory":
        return ()
    for point in entry_points(DDL):
        if point.name == scheme:
            function: Callable[..., tuple[str, ...]] = point.load()
            return function(scheme, shapes, own=own)
    if adapter := installed_stores().get(scheme):
        raise NoAdapter(
            url=f"{scheme}://",
            why=f"Its adapter, {adapter}, does not say by which statements it makes its tables",
            why_zh=f"其适配器 {adapter} 未提供建表语句",
        )
    raise _no_adapter(scheme, f"{scheme}://")


def _no_adapter(scheme: str, url: str) -> NoAdapter:
    known = KNOWN_STORES.get(scheme)
    install = f'pip install "{known}"'  # quoted, since shells read brackets
    why = f"Install it with: {install}" if known else f"No known adapter serves {scheme}://"
    why_zh = f"请安装：{install}" if known else f"没有已知的适配器支持 {scheme}://"
    return NoAdapter(url=url, why=why, why_zh=why_zh)
