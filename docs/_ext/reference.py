"""The reference, made from the code: a line `<!-- generated: WHAT NAME -->` in a page becomes Markdown.

Nothing here is written to disk, so nothing can go stale. The functions need no Sphinx; `setup` is its door.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

import attrs

import communitycore as cc
from communitycore import plugins
from communitycore.domain import roles
from communitycore.kernel.command import Command, Declared
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.record import shape_of
from communitycore.kernel.rules import Anyone, Holds, Linked, Own, Rule, System, all_ways
from communitycore.kernel.shape import PERSONAL, UNIQUE, Shape

MARK = re.compile(r"^<!-- generated: (\w+)(?: (\S+))? -->$", re.MULTILINE)
TICK, NONE = "✓", "·"
KIT = "communitycore.conformance"


# Markdown


def inline(text: str) -> str:
    """`text` with what Markdown would read as markup escaped, code in backticks left alone."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if n % 2 else re.sub(r"([*<>\[\]|\\])", r"\\\1", piece) for n, piece in enumerate(pieces))


def cell(text: str) -> str:
    """`text` for a table's cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; nothing at all if it has no rows."""
    listed, names = [[cell(c) for c in row] for row in rows], list(head)
    if not listed:
        return ""
    lines = [names, ["---"] * len(names), *listed]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def prose(documented: Any) -> str:
    """A docstring as Markdown: a promise, then paragraphs, one for each `name:` or `Raises`."""
    text = inspect.getdoc(documented) or ""
    paragraphs: list[str] = []
    for block in text.split("\n\n"):
        if block.startswith("    "):
            paragraphs.append(block)  # stays a block of code
            continue
        lines: list[str] = []
        for line in block.splitlines():
            if re.match(r"(Raises\b|Returns\b|[a-z_]+(, [a-z_]+)*: )", line) and lines:
                paragraphs.append(inline(" ".join(lines)))
                lines = []
            lines.append(line.strip())
        paragraphs.append(inline(" ".join(lines)))
    paragraphs = [re.sub(r"^([a-z_0-9]+(?:, [a-z_0-9]+)*): ", r"*\1*: ", paragraph) for paragraph in paragraphs]
    return "\n\n".join(p for p in paragraphs if p)


def type_text(declared: Any) -> str:
    """A type as a reader would write it."""
    if declared in (None, types.NoneType):
        return "None"
    if declared is Ellipsis:
        return "..."
    if isinstance(declared, (str, typing.ForwardRef)):
        return declared if isinstance(declared, str) else declared.__forward_arg__
    origin, inner = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        return type_text(inner[0])
    if origin in (types.UnionType, typing.Union):
        return " | ".join(type_text(i) for i in inner)
    if origin is not None:
        name = getattr(origin, "__name__", str(origin))
        return f"{name}[{', '.join(type_text(i) if not isinstance(i, list) else '...' for i in inner)}]"
    return getattr(declared, "__name__", str(declared).replace("typing.", ""))


def call_text(declared: Declared) -> str:
    """How a command or a question is written, without its View."""
    hints = declared.hints()
    shown: list[str] = []
    parameters = list(inspect.signature(declared.function).parameters.values())[1:]
    for n, p in enumerate(parameters):
        if p.kind is p.KEYWORD_ONLY and (n == 0 or parameters[n - 1].kind is not p.KEYWORD_ONLY):
            shown.append("*")
        default = "" if p.default is p.empty else f" = {_default(p.default)}"
        shown.append(f"{p.name}: {type_text(hints.get(p.name, 'Any'))}{default}")
    gives = hints.get("return")
    if isinstance(declared, Command):
        gives = typing.get_args(gives)[0]
    return f"{declared.name.rpartition('.')[2]}({', '.join(shown)}) -> {type_text(gives)}"


def _default(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return repr(value).removeprefix("datetime.")


# what there is


def rooms() -> list[cc.Room]:
    """All rooms of the distribution, the hub's own first."""
    return [JURISDICTIONS, *cc.built_in_rooms()]


def room(name: str) -> cc.Room:
    """The room of this name."""
    return next(r for r in rooms() if r.name == name)


def modules_of(name: str) -> list[types.ModuleType]:
    """The modules that a room is written in."""
    start = "communitycore.kernel.jurisdiction" if name == JURISDICTIONS.name else f"communitycore.domain.{name}"
    first = importlib.import_module(start)
    found = [first]
    for info in pkgutil.walk_packages(getattr(first, "__path__", []), f"{start}."):
        found.append(importlib.import_module(info.name))
    return found


def all_errors() -> list[type[cc.CommunityCoreError]]:
    """Every error class of the distribution, by code; but those of the conformance kit's own room."""
    package = importlib.import_module("communitycore")
    for info in pkgutil.walk_packages(package.__path__, "communitycore."):
        if not info.name.endswith("__main__") and not info.name.startswith(KIT):
            importlib.import_module(info.name)
    found: set[type[cc.CommunityCoreError]] = {cc.CommunityCoreError}
    waiting = [cc.CommunityCoreError]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            if (
                kind not in found
                and kind.__module__.startswith("communitycore.")
                and not kind.__module__.startswith(KIT)
            ):
                found.add(kind)
                waiting.append(kind)
    return sorted(found, key=lambda kind: (kind.code, kind.__name__))


def entry_names(name: str) -> list[str]:
    """The names of the journal entries that a room's commands make, read from its source."""
    found: set[str] = set()
    for module in modules_of(name):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("begin", "step", "note")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return sorted(found)


# who may


def known_roles() -> list[cc.Role]:
    """Every role that a rule of some room names, the usual ones first."""
    found = dict.fromkeys(roles.ROLES)
    for each in rooms():
        rules = [d.may for d in (*each.commands, *each.reads)] + [shape_of(r).read for r in each.records]
        for rule in rules:
            for way in all_ways(rule):
                found.update(dict.fromkeys(way.roles if isinstance(way, Holds) else ()))
    return list(found)


def columns() -> dict[str, str]:
    """The kinds of actor, with their Chinese names."""
    named = {role.name: role.zh for role in known_roles()}
    return {**named, "anyone": "任何人", "timer": "定时器", "reaction": "联动"}


def admits(rule: Rule) -> dict[str, bool]:
    """Column -> whether such an actor is admitted whatever the record."""
    ways = list(rule)
    anyone = any(isinstance(way, Anyone) for way in ways)
    held = {name for way in ways if isinstance(way, Holds) for name in way.names}
    system = {way.name for way in ways if isinstance(way, System)}
    return {column: anyone or column in held or column in system for column in columns()}


def also(rule: Rule, language: typing.Literal["en", "zh"] = "en") -> str:
    """Those whom a rule admits because of the record."""
    joined = " or " if language == "en" else "或"
    return joined.join(way.say(language) for way in rule if isinstance(way, (Own, Linked)))


def who_may() -> str:
    """The table: commands and questions × kinds of actor."""
    parts: list[str] = []
    for each in rooms():
        declared: list[Declared] = [*each.commands, *each.reads]
        if not declared:
            continue
        cells = {d.name: admits(d.may) for d in declared}
        names = columns()
        used = [column for column in names if any(row[column] for row in cells.values())]
        rows = [
            [
                f"`{d.name}`",
                *(TICK if cells[d.name][column] else NONE for column in used),
                inline(also(d.may)),
                inline(also(d.may, "zh")),
            ]
            for d in declared
        ]
        head = ["", *(f"{column}<br>{names[column]}" for column in used), "and", "以及"]
        parts.append(f"## {each.name}\n\n{table(head, rows)}")
    return "\n".join(parts)


def _readers(rule: Rule) -> str:
    return f"{inline(rule.say('en'))} ({inline(rule.say('zh'))})"


# one room


def room_page(name: str) -> str:
    """All of a room: records with states, commands, questions, reactions, figures, entries, errors."""
    made = room(name)
    errors = [e for e in all_errors() if e.__module__ in {m.__name__ for m in modules_of(name)}]
    entries = ", ".join(f"`{entry}`" for entry in entry_names(name))
    sections = [
        ("Records", "\n".join(_record(cls) for cls in made.records)),
        ("Commands", "\n".join(_declared(c) for c in made.commands)),
        ("Questions", "\n".join(_declared(r) for r in made.reads)),
        (
            "Reactions",
            table(
                ["reaction", "when this entry is written", "this runs"],
                ([f"`{r.name}`", f"`{r.on}`", f"`{r.run.name}`"] for r in made.reactions),
            ),
        ),
        (
            "Figures",
            "\n".join(
                f"### {f.name}\n\nRead by: {_readers(f.read)}. Follows {', '.join(f'`{on}`' for on in sorted(f.on))}."
                f" Version {f.version}.\n\n{prose(f.apply)}\n"
                for f in made.folds
            ),
        ),
        ("Values and words", _values(name)),
        ("For other rooms", _functions(name)),
        ("Journal entries", f"{entries}\n" if entries else ""),
        ("Errors", error_table(errors)),
    ]
    return "\n".join(f"## {title}\n\n{body}" for title, body in sections if body)


def offered(name: str) -> dict[str, Any]:
    """What a room's module offers, apart from what its Room lists."""
    module, made = modules_of(name)[0], room(name)
    listed = {id(x) for x in (made, *made.records, *made.commands, *made.reads, *made.folds)}
    every = {n: getattr(module, n) for n in getattr(module, "__all__", ())}
    return {n: v for n, v in every.items() if id(v) not in listed and not _is_error(v)}


def _is_error(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, cc.CommunityCoreError)


def _values(name: str) -> str:
    parts = []
    for each, value in offered(name).items():
        if not isinstance(value, type):
            continue
        lines = [f"### {each}", "", prose(value), ""]
        if issubclass(value, Enum):
            lines += [", ".join(_word(member) for member in value) + ".", ""]
        elif attrs.has(value):
            hints = typing.get_type_hints(value, include_extras=True)
            rows = []
            for field in attrs.fields(value):
                default = "" if field.default is attrs.NOTHING else _field_default(field.default)
                rows.append([f"`{field.name}`", f"`{type_text(hints[field.name])}`", default])
            lines += [table(["field", "type", "default"], rows)]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _functions(name: str) -> str:
    parts = []
    for each, value in offered(name).items():
        if inspect.isfunction(value):
            parts.append(f"### {each}\n\n```python\n{each}{_signature(value)}\n```\n\n{prose(value)}\n")
    rest = [n for n, v in offered(name).items() if not isinstance(v, type) and not inspect.isfunction(v)]
    if rest:
        parts.append("Constants and id types: " + ", ".join(f"`{n}`" for n in rest) + ".\n")
    return "\n".join(parts)


def _record(cls: type[Any]) -> str:
    shape = shape_of(cls)
    facts = [f"Kind `{shape.kind}`", f"read by {_readers(shape.read)}"]
    if shape.actors is not None:
        facts.append(f"its history names who acted to {_readers(shape.actors)} alone")
    if shape.standing:
        facts.append("standing: the bodies below see it too")
    if shape.owner:
        facts.append(f"its personal fields are those of `{shape.owner}`")
    if shape.keep is not None:
        facts.append(f"not always erased with them: {prose(shape.keep).rstrip('.').lower()}")
    lines = [f"### {cls.__name__}", "", prose(cls), "", "; ".join(facts) + ".", "", _fields(cls, shape)]
    if shape.history is not None:
        lines += [_earlier(shape)]
    if shape.states is not None:
        lines += [_states(shape)]
    return "\n".join(lines)


def _earlier(shape: Shape) -> str:
    """What became of fields that the kind had once, from the latest number back."""
    assert shape.history is not None
    rows = []
    for number, changes in sorted(shape.history.changes.items(), reverse=True):
        for change in changes:
            became = "removed" if change.new is None else f"`{change.new}`"
            made = "" if change.by is None else f", made by `{getattr(change.by, '__name__', 'a function')}`"
            rows.append([f"`{change.old}`", str(number), became + made])
    return table(["earlier field", "up to schema", "became"], rows)


def _fields(cls: type[Any], shape: Shape) -> str:
    hints = typing.get_type_hints(cls, include_extras=True)
    rows = []
    for field in shape.fields:
        marks = []
        column = shape.columns[field.at]
        if UNIQUE in _marks(hints[field.name]):
            marks.append("unique")
        elif column.indexed:
            marks.append("indexed")
        if PERSONAL in _marks(hints[field.name]):
            marks.append("personal 个人信息")
        if field.type == "text":
            marks.append(f"at most {field.max:,} characters")
        if field.type == "enum":
            marks.append(", ".join(_word(member) for member in field.declared))
        default = "" if field.default is attrs.NOTHING else _field_default(field.default)
        rows.append([f"`{field.name}`", f"`{_optional(field)}`", default, ", ".join(marks)])
    return table(["field", "type", "default", ""], rows)


def _field_default(value: Any) -> str:
    return "made anew" if isinstance(value, attrs.Factory) else f"`{_default(value)}`"  # type: ignore[arg-type]


def _optional(field: Any) -> str:
    return type_text(field.declared) + (" | None" if field.optional else "")


def _marks(hint: Any) -> list[Any]:
    found: list[Any] = []
    if typing.get_origin(hint) is typing.Annotated:
        first, *rest = typing.get_args(hint)
        return [*rest, *_marks(first)]
    for inner in typing.get_args(hint):
        found += _marks(inner)
    return found


def _word(member: Any) -> str:
    """A member of an enum with its Chinese term, if it has one."""
    return f"`{member.value}` {getattr(member, 'zh', '')}".rstrip()


def _states(shape: Shape) -> str:
    states = shape.states
    assert states is not None
    rows = []
    for state in states.kind:
        following = ", ".join(_word(s) for s in states.kind if s in states.then[state]) or "nothing: it is final"
        start = "start" if state in states.start else ""
        rows.append([_word(state), start, following])
    return f"States of `{shape.state_field}`:\n\n" + table(["state", "", "may be followed by"], rows)


def _declared(declared: Declared) -> str:
    lines = [
        f"### {declared.name}",
        "",
        f"```python\n{call_text(declared)}\n```",
        "",
        prose(declared.function),
        "",
        f"For: {_readers(declared.may)}.",
        "",
    ]
    if isinstance(declared, Command) and declared.reveals:
        lines += [f"Every call leaves an entry on each {', '.join(sorted(declared.reveals))} that it shows.", ""]
    return "\n".join(lines)


# errors, hooks, the command line, modules


def error_table(errors: Iterable[type[cc.CommunityCoreError]]) -> str:
    """Errors with code, class, sentence in both languages, and whether the same call may be made again."""
    return table(
        ["code", "error", "sentence", "中文", "again?"],
        ([f"`{e.code}`", f"`{e.__name__}`", inline(e.en), inline(e.zh), "yes" if e.retryable else ""] for e in errors),
    )


def errors_page() -> str:
    """Every error, by its home."""
    homes: dict[str, list[type[cc.CommunityCoreError]]] = {}
    for error in all_errors():
        parts = error.__module__.split(".")
        home = f"`communitycore.{parts[2]}`" if parts[1] == "domain" else "The road"
        homes.setdefault(home, []).append(error)
    order = ["The road", *(f"`communitycore.{name}`" for name in cc.ROOMS)]
    ordered = sorted(homes, key=lambda home: order.index(home) if home in order else len(order))
    return "\n".join(f"## {home}\n\n{error_table(homes[home])}" for home in ordered)


def hooks() -> dict[str, Callable[..., Any]]:
    """Every hook by name."""
    return {n: f for n, f in vars(plugins.Hooks).items() if callable(f) and not n.startswith("_")}


def hooks_page() -> str:
    """Hooks with signature and promise, then the entry points and the adapters that are known."""
    lines = []
    for name, hook in hooks().items():
        signature = str(inspect.signature(hook)).replace("(self, ", "(").replace("(self)", "()").replace("'", "")
        lines += [f"## {name}", "", f"```python\n{name}{signature}\n```", "", prose(hook), ""]
    lines += [
        "## Entry points",
        "",
        table(
            ["group", "what stands in it"],
            [
                [f"`{plugins.PLUGINS}`", "a module or object with hook implementations"],
                [f"`{plugins.STORES}`", "URL scheme = a function from URL and options to a store"],
            ],
        ),
        "## Known adapters",
        "",
        table(["scheme", "install"], ([f"`{s}`", f"`{d}`"] for s, d in plugins.KNOWN_STORES.items())),
    ]
    return "\n".join(lines)


def verbs() -> dict[str, argparse.ArgumentParser]:
    """Every verb of the command line with its parser."""
    from communitycore.cli.run import make_parser

    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise LookupError("the command line has no verbs")


def verbs_page() -> str:
    """Verbs with all their options."""
    lines: list[str] = []
    for name, parser in verbs().items():
        rows = []
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            words = ", ".join(action.option_strings) or action.dest
            if action.option_strings and action.nargs != 0:
                words += " " + (action.metavar or "|".join(action.choices or ()) or action.dest.upper())  # type: ignore[operator]
            rows.append([f"`{words}`", inline(action.help or "")])
        description = parser.description or ""
        lines += [f"## {name}", "", inline(description[:1].upper() + description[1:]) + ".", "", table(["", ""], rows)]
    return "\n".join(lines)


def module_page(name: str) -> str:
    """What a module offers: everything in its `__all__`, or all its own public names."""
    module = importlib.import_module(name)
    offered = getattr(module, "__all__", None) or [
        n
        for n, v in vars(module).items()
        if not n.startswith("_") and getattr(v, "__module__", None) == name and (inspect.isclass(v) or callable(v))
    ]
    return "\n".join(_offered(n, getattr(module, n)) for n in sorted(offered, key=str.lower))


def fixtures(name: str) -> str:
    """The pytest fixtures of a module, with their promises."""
    tree = ast.parse(inspect.getsource(importlib.import_module(name)))
    made = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    return "\n".join(f"## {node.name}\n\n{inline(ast.get_docstring(node) or '')}\n" for node in made)


def _offered(name: str, value: Any) -> str:
    if inspect.ismodule(value):
        return f"## {name}\n\nThe room [{name}]({name}.md).\n"
    if value in (attrs.frozen, attrs.evolve):
        return f"## {name}\n\n`attrs.{name}`, offered here for short.\n"
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return f"## {name}\n\n{_constant(name, value)}\n"
    lines = [f"## {name}", "", f"```python\n{name}{_signature(value)}\n```", "", prose(value), ""]
    if inspect.isclass(value):
        lines += _methods(value)
    return "\n".join(lines)


def _constant(name: str, value: Any) -> str:
    if isinstance(value, Rule):
        return f"A rule: {_readers(value)}."
    if isinstance(value, cc.Role):
        return f"A role: {value.name} ({value.zh})."
    if isinstance(value, tuple):
        return ", ".join(f"`{getattr(item, '__name__', item)}`" for item in value) + "."
    said = {
        "Indexed": "Marks a field that is searched by: `Indexed[str]`. Indexed text is at most 191 characters.",
        "Unique": "Marks a field whose value only one record of a jurisdiction may have: `Unique[str]`.",
        "Personal": "Marks what is about a person, and is erased with them: `Personal[str | None]`.",
    }
    return said[name]


def _signature(value: Any) -> str:
    try:
        shown = str(inspect.signature(value, eval_str=False))
    except (ValueError, TypeError):
        return ""
    shown = re.sub(r"(: |-> )'([^']*)'", r"\1\2", shown.replace("communitycore.kernel.", ""))
    return re.sub(r" at 0x[0-9a-f]+", "", shown)


def _methods(cls: type[Any]) -> Iterator[str]:
    for name, member in vars(cls).items():
        if name.startswith("_") or name.endswith("_"):
            continue
        function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if isinstance(function, property):
            yield f"`{name}`\n: {_hanging(prose(function.fget))}\n"
        elif inspect.isfunction(function) and function.__doc__:
            signature = _signature(function).replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(")
            yield f"`{name}{signature}`\n: {_hanging(prose(function))}\n"


def _hanging(text: str) -> str:
    return text.replace("\n", "\n  ")


CHINESE = re.compile(r"[\u4e00-\u9fff][\u4e00-\u9fff0-9“”+·]*")


def words() -> dict[str, type[Enum]]:
    """The classes of words of all rooms, by `room.Name`."""
    found = {}
    for room in rooms():
        for module in modules_of(room.name):
            for name, value in vars(module).items():
                own = isinstance(value, type) and issubclass(value, Enum) and value.__module__ == module.__name__
                if own and all(getattr(word, "zh", "") for word in value):
                    found[f"{room.name}.{name}"] = value
    return dict(sorted(found.items()))


def glossary() -> str:
    """Every kind of record and every word of the rooms, with its Chinese."""
    records = [
        (CHINESE.findall(record.__doc__ or "")[0], f"`{record.__name__}`", f"`{room.name}`", promise(record))
        for room in rooms()
        for record in room.records
    ]
    lines = ["## Records 记录", "", table(["中文", "record", "room", "what it is"], records)]
    lines += [
        "## Words 用语",
        "",
        "What a state, a kind or a ground is called, as a program writes it and as a person reads it.",
        "",
    ]
    rows = [(f"`{name}`", "、".join(f"{word.zh} `{word.value}`" for word in kind)) for name, kind in words().items()]  # type: ignore[attr-defined]  # words() chose those that have it
    lines += [table(["of", "中文"], rows)]
    return "\n".join(lines)


def promise(documented: Any) -> str:
    """The first sentence of a docstring."""
    return inline(" ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split()).partition(". ")[0].rstrip("."))


GENERATORS: dict[str, Callable[..., str]] = {
    "glossary": glossary,
    "room": room_page,
    "who_may": who_may,
    "errors": errors_page,
    "hooks": hooks_page,
    "verbs": verbs_page,
    "module": module_page,
    "fixtures": fixtures,
}


def filled(source: str) -> str:
    """A page with its marks replaced."""

    def made(mark: re.Match[str]) -> str:
        what, name = mark.groups()
        return GENERATORS[what](name) if name else GENERATORS[what]()

    return MARK.sub(made, source)


def setup(app: Any) -> dict[str, bool]:
    """Fill the marks of each page as Sphinx reads it."""

    def read(_app: Any, _page: str, source: list[str]) -> None:
        source[0] = filled(source[0])

    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
