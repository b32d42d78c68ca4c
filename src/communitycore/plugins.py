"""What others may add: rooms, vetoes and classifiers by hook (pluggy), stores by URL scheme (entry points)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import Factory

from communitycore.kernel.classify import Classifier
from communitycore.kernel.command import Room, Veto
from communitycore.kernel.errors import BadValue, CommunityCoreError, Mistake, NoAdapter
from communitycore.kernel.shape import Shape
from communitycore.kernel.values import frozen
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
    """The whole hook page. Each hook gives what one plug-in brings; plug-ins are asked in the order of their names."""

    @hookspec
    def communitycore_rooms(self) -> Iterable[Room]:  # type: ignore[empty-body]  # a hook has no body
        """Further rooms, whose records every store keeps and whose commands every desk does."""

    @hookspec
    def communitycore_vetoes(self) -> Iterable[Veto]:  # type: ignore[empty-body]  # a hook has no body
        """Rules that may refuse what somebody is about to do, in the jurisdictions that put them in force."""

    @hookspec
    def communitycore_classifiers(self) -> Iterable[Classifier]:  # type: ignore[empty-body]  # a hook has no body
        """What turns free text into suggestions, such as a ticket's category."""


@frozen(eq=False)
class Installed:
    """What the installed plug-ins bring, in the order of their names. faults: plug-in -> why it is left out."""

    rooms: tuple[Room, ...] = ()
    vetoes: tuple[Veto, ...] = ()
    classifiers: tuple[Classifier, ...] = ()
    faults: Mapping[str, str] = Factory(dict)
    origins: Mapping[str, str] = Factory(dict)
    """A room's, veto's or classifier's name -> its plug-in."""


class PluginWarning(UserWarning):
    """A plug-in that is installed and left out, and why."""


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


def installed(check: Callable[[Sequence[Room], Sequence[Veto]], object] | None = None) -> Installed:
    """What all installed plug-ins bring. One that fails in any way is left out whole, and named in `faults`.

    check: raises for rooms and vetoes that contradict themselves or those before them.
    """
    return collect(_points(), check) if _mentioned(PLUGINS) else Installed()


def _points() -> list[tuple[str, Callable[[], Any]]]:
    return [(point.name, point.load) for point in sorted(entry_points(PLUGINS), key=lambda point: point.name)]


def collect(
    plugins: Iterable[tuple[str, Callable[[], Any]]],
    check: Callable[[Sequence[Room], Sequence[Veto]], object] | None = None,
) -> Installed:
    """What these plug-ins, given as name and loader, bring; see `installed`."""
    hooks = pluggy.PluginManager(NAME)
    hooks.add_hookspecs(Hooks)
    rooms: list[Room] = []
    vetoes: list[Veto] = []
    classifiers: list[Classifier] = []
    faults: dict[str, str] = {}
    origins: dict[str, str] = {}
    for name, load in plugins:
        try:
            plugin = load()
            _misspelled(plugin)
            if hooks.register(plugin, name) is None:
                raise Mistake("its name is blocked")
            asked = hooks.subset_hook_caller
            others = [other for other in hooks.get_plugins() if other is not plugin]
            more_rooms, more_vetoes, more_classifiers = (
                [one for group in asked(hook, others)() for one in _all(hook, group, kind)]
                for hook, kind in _KINDS.items()
            )
            if check is not None:
                check([*rooms, *more_rooms], [*vetoes, *more_vetoes])
        except Exception as bug:  # noqa: BLE001 - whatever a plug-in raises, it is named and the others are heard
            faults[name] = str(bug) if isinstance(bug, CommunityCoreError) else f"{type(bug).__name__}: {bug}"
            continue
        rooms += more_rooms
        vetoes += more_vetoes
        classifiers += more_classifiers
        origins.update({one.name: name for one in (*more_rooms, *more_vetoes, *more_classifiers)})
    return Installed(tuple(rooms), tuple(vetoes), tuple(classifiers), faults, origins)


_KINDS: Mapping[str, type[Any]] = {
    "communitycore_rooms": Room,
    "communitycore_vetoes": Veto,
    "communitycore_classifiers": Classifier,
}


def _all(hook: str, given: Any, kind: type[Any]) -> list[Any]:
    """What one plug-in gave to a hook. Raises Mistake for anything else than a list of what it is for."""
    listed = list(given) if isinstance(given, Iterable) else [given]
    if strange := [one for one in listed if not isinstance(one, kind)]:
        raise Mistake(f"{hook} gave {strange[0]!r}; it gives a list of {kind.__name__}s")
    return listed


def _misspelled(plugin: Any) -> None:
    """Raises Mistake for what looks like a hook and would never be called: another name, or no mark."""
    from difflib import get_close_matches

    for name in dir(plugin):
        value = getattr(plugin, name, None)
        marked = isinstance(getattr(value, f"{NAME}_impl", None), dict)
        if not (marked or (name.startswith(f"{NAME}_") and callable(value))):
            continue
        if name not in _KINDS:
            near = get_close_matches(name, _KINDS, 1, 0)
            raise Mistake(f"{name} is no hook; {near[0]} is. All: {', '.join(_KINDS)}")
        if not marked:
            raise Mistake(f"{name} has the name of a hook and would never be called; mark it with @hookimpl")


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
