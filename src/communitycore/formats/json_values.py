"""Values from JSON, by their declared types, as `communitycore.formats.schemas` describes them."""

from __future__ import annotations

import difflib
import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache, partial
from typing import Any

import attrs

from communitycore.formats.schemas import CURRENCY, DAY, EXACT, ID, MOMENT, REF, SECONDS, Json, stays
from communitycore.kernel import times
from communitycore.kernel.errors import BadValue, CommunityCoreError, Mistake
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.shape import EXACT_MAX, NESTED_MAX, TEXT_MAX, Max, check_int, check_text
from communitycore.kernel.values import frozen

Reader = Callable[[Any, str], Any]
"""From JSON data and the place where it stands, such as `text.title`, to a value. Raises BadValue."""

WHOLE_FLOATS = 2**53
"""Up to here a number written with a point is told from its neighbours."""
SHOWN = 60


def bad(where: str, why: str, why_zh: str) -> BadValue:
    """The error for what stands at a place."""
    return BadValue(field=where, why=why, why_zh=why_zh)


def _wrong(value: Any, where: str, wanted: str, wanted_zh: str) -> BadValue:
    """The error for JSON of another type than the wanted one."""
    given, given_zh = next((said for kind, said in _SAID if isinstance(value, kind)), ("something else", "其他内容"))
    return bad(where, f"{wanted} is wanted, and {given} was given", f"应为{wanted_zh}，收到的是{given_zh}")


_SAID: tuple[tuple[type[Any], tuple[str, str]], ...] = (
    (types.NoneType, ("null", "null")),
    (bool, ("true or false", "真假值")),
    (int, ("a whole number", "整数")),
    (float, ("a number", "小数")),
    (str, ("text", "文本")),
    (list, ("a list", "列表")),
    (dict, ("an object", "对象")),
)


# objects


@frozen
class Parts:
    """What an object holds: how each is read, and which may not be left out. noun: what one of them is called."""

    readers: Mapping[str, Reader]
    required: tuple[str, ...]
    noun: str
    noun_zh: str


@cache
def _fields(declared: Any) -> Parts:
    hints = typing.get_type_hints(declared, include_extras=True)
    fields = {f.name: f for f in attrs.fields(declared) if not f.name.startswith("__")}
    readers = {name: reader(hints[name], f"{declared.__name__}.{name}") for name in fields}
    required = tuple(name for name, field in fields.items() if field.default is attrs.NOTHING)
    return Parts(readers, required, "part", "字段")


def filled(data: Any, parts: Parts, where: str) -> dict[str, Any]:
    """The values in `data` by name. Raises BadValue for what is unknown or missing."""
    if not isinstance(data, dict):
        raise _wrong(data, where or "arguments", "an object", "对象")
    within = f"{where}." if where else ""
    for name in data:
        if name not in parts.readers:
            raise _unknown(f"{within}{str(name)[:SHOWN]}", str(name)[:SHOWN], parts)
    made = {name: parts.readers[name](value, f"{within}{name}") for name, value in data.items()}
    for name in parts.required:
        if name not in data:
            raise bad(f"{within}{name}", f"this {parts.noun} is missing; give it", f"缺少该{parts.noun_zh}，请补上")
    return made


def _unknown(where: str, name: str, parts: Parts) -> BadValue:
    known = difflib.get_close_matches(name, parts.readers, 1, 0.6) or list(parts.readers)
    if not known:
        return bad(where, f"there is no such {parts.noun}, and none at all", f"没有该{parts.noun_zh}，也没有任何参数")
    if len(known) == 1:
        return bad(
            where,
            f"there is no such {parts.noun}; perhaps {known[0]} is meant",
            f"没有该{parts.noun_zh}，可能应为 {known[0]}",
        )
    return bad(
        where,
        f"there is no such {parts.noun}; there are {', '.join(known)}",
        f"没有该{parts.noun_zh}，现有 {'、'.join(known)}",
    )


def _object(declared: Any, value: Any, where: str) -> Any:
    """An attrs value, whose own rules speak too."""
    parts = _fields(declared)
    given = filled(value, parts, where)
    aliases = {field.name: field.alias for field in attrs.fields(declared)}
    return _made(lambda: declared(**{aliases[name]: part for name, part in given.items()}), where, parts.readers)


def _made(make: Callable[[], Any], where: str, names: Iterable[str] = ()) -> Any:
    """What `make` makes; its refusal, or the ValueError of a class from elsewhere, becomes a BadValue at its place."""
    try:
        return make()
    except CommunityCoreError as error:
        last = str(error.data.get("field", "")).rpartition(".")[2]
        why, why_zh = error.say("en").rstrip("."), error.say("zh").rstrip("。")
        if isinstance(error, BadValue):
            why, why_zh = error.why, error.why_zh
        raise bad(f"{where}.{last}" if last in names else where, why, why_zh) from error
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise bad(where, f"it is refused: {error}", f"该值被拒绝：{error}") from error


# types


def reader(declared: Any, where: str) -> Reader:
    """How a declared type is read. Raises Mistake for one that no JSON stands for."""
    origin, inner = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        longest = next((mark.length for mark in inner[1:] if isinstance(mark, Max)), None)
        return reader(inner[0], where) if longest is None or inner[0] is not str else partial(_text, longest=longest)
    if origin in (typing.Union, types.UnionType):
        ways = [reader(one, where) for one in inner if one is not types.NoneType and not stays(one)]
        return _union(ways, optional=types.NoneType in inner)
    if origin is tuple:
        return _tuple(inner, where)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return partial(_mapping, reader(inner[0], where), reader(inner[1], where))
    supertype = getattr(declared, "__supertype__", None)
    if supertype is not None:
        return partial(_like, ID, "an id", "编号") if supertype is str else reader(supertype, where)
    if isinstance(declared, type):
        plain = _PLAIN.get(declared)
        if plain is not None:
            return plain
        if issubclass(declared, StrEnum):
            return partial(_word, declared)
        if hasattr(declared, "to_text"):
            return partial(_of_text, declared)
        if attrs.has(declared):
            return partial(_object, declared)
    raise Mistake(f"{where}: no JSON stands for {declared!r}; use a type that a store can hold")


def _union(ways: list[Reader], *, optional: bool) -> Reader:
    def read(value: Any, where: str) -> Any:
        if value is None and optional:
            return None
        for way in ways[:-1]:
            try:
                return way(value, where)
            except BadValue:
                continue
        return ways[-1](value, where)

    return read


def _tuple(inner: tuple[Any, ...], where: str) -> Reader:
    endless = len(inner) == 2 and inner[1] is Ellipsis
    parts = [reader(one, where) for one in inner if one is not Ellipsis and one != ()]

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise _wrong(value, where, "a list", "列表")
        if not endless and len(value) != len(parts):
            raise bad(where, f"a list of {len(parts)} is wanted", f"应为 {len(parts)} 项的列表")
        return tuple(parts[0 if endless else n](one, f"{where}[{n}]") for n, one in enumerate(value))

    return read


def _mapping(key: Reader, value: Reader, given: Any, where: str) -> Any:
    if not isinstance(given, dict):
        raise _wrong(given, where, "an object", "对象")
    return {key(name, where): value(one, f"{where}.{str(name)[:SHOWN]}") for name, one in given.items()}


def _text(value: Any, where: str, longest: int = TEXT_MAX) -> str:
    if not isinstance(value, str):
        raise _wrong(value, where, "text", "文本")
    return check_text(value, where, longest)


def _like(schema: Json, wanted: str, wanted_zh: str, value: Any, where: str) -> str:
    """Text as the schema's pattern says."""
    if not isinstance(value, str):
        raise _wrong(value, where, wanted, wanted_zh)
    text = check_text(value, where, schema.get("maxLength", TEXT_MAX))
    if not re.fullmatch(schema["pattern"], text):
        raise bad(where, f"it is not {wanted}", f"不是{wanted_zh}")
    return text


def _word(declared: type[StrEnum], value: Any, where: str) -> StrEnum:
    if not isinstance(value, str):
        raise _wrong(value, where, "a word", "代码词")
    try:
        return declared(value)
    except ValueError:
        words = [f"{word.value} {getattr(word, 'zh', '')}".rstrip() for word in declared]
        raise bad(where, f"it is none of {', '.join(declared)}", f"应为以下之一：{'、'.join(words)}") from None


def _of_text(declared: Any, value: Any, where: str) -> Any:
    text = _text(value, where, NESTED_MAX)
    return _made(lambda: declared.from_text(text), where)


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, where, "true or false", "真假值")
    return value


def _whole(value: Any, where: str) -> int:
    if value.__class__ is float and value.is_integer() and abs(value) <= WHOLE_FLOATS:
        value = int(value)  # to JSON 1.0 is 1, and some languages write it so
    if value.__class__ is not int:
        raise _wrong(value, where, "a whole number", "整数")
    return check_int(value, where)


def _number(value: Any, where: str) -> float:
    if value.__class__ not in (int, float):
        raise _wrong(value, where, "a number", "数字")
    try:
        made = float(value)
    except OverflowError:
        made = math.inf
    if not math.isfinite(made):
        raise bad(where, "it is no finite number", "不是有限的数字")
    return made


def _moment(value: Any, where: str) -> datetime:
    text = _like(
        MOMENT,
        "a time with its zone, such as 2024-06-04T14:30:00+08:00",
        "带时区的时间（如 2024-06-04T14:30:00+08:00）",
        value,
        where,
    )
    return times.aware(_calendar(datetime.fromisoformat, text, where), where)


def _day(value: Any, where: str) -> date:
    text = _like(DAY, "a day such as 2024-06-04", "日期（如 2024-06-04）", value, where)
    return _calendar(date.fromisoformat, text, where)


D = typing.TypeVar("D", date, datetime)


def _calendar(read: Callable[[str], D], text: str, where: str) -> D:
    try:
        return read(text)
    except ValueError:
        raise bad(where, "no calendar has such a day or time", "不存在这样的日期或时间") from None


def _seconds(value: Any, where: str) -> timedelta:
    number = _whole(value, where)
    if not SECONDS["minimum"] <= number <= SECONDS["maximum"]:
        raise bad(where, "it is more seconds than a span of time can have", "秒数超出时间跨度的范围")
    return timedelta(seconds=number)


def _exact(value: Any, where: str) -> Decimal:
    text = _like(EXACT, "a decimal number as text, such as 12.5", "文本形式的小数（如 12.5）", value, where)
    made: Decimal = _made(lambda: Decimal(text), where)
    if len(str(made)) > EXACT_MAX:
        raise bad(where, f"it needs more than {EXACT_MAX} characters", f"超过 {EXACT_MAX} 个字符")
    return made


def _ref(value: Any, where: str) -> Ref:
    text = _like(REF, "a reference: jurisdiction/id", "引用（辖区/编号）", value, where)
    return Ref.parse(text)


def _money(value: Any, where: str) -> Money:
    if not isinstance(value, list) or len(value) != 2:
        raise bad(
            where,
            "an amount is [minor units, currency], such as [1250, 'CNY']",
            '金额应写作 [最小货币单位数, 货币代码]，如 [1250, "CNY"]',
        )
    currency = _like(CURRENCY, "a currency such as CNY", "货币代码（如 CNY）", value[1], f"{where}[1]")
    return Money(_whole(value[0], f"{where}[0]"), currency)


def _null(value: Any, where: str) -> None:
    if value is not None:
        raise _wrong(value, where, "null", "null")


_PLAIN: dict[type[Any], Reader] = {
    str: _text,
    bool: _truth,
    int: _whole,
    float: _number,
    datetime: _moment,
    date: _day,
    timedelta: _seconds,
    Decimal: _exact,
    Ref: _ref,
    Money: _money,
    types.NoneType: _null,
}
