"""Words that are stored in English and shown in Chinese too, and small checks that all commands here share."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final, Self

from communitycore.kernel.errors import BadValue


class Word(StrEnum):
    """A stored word with its Chinese, `zh`."""

    zh: str

    def __new__(cls, value: str, zh: str = "") -> Self:  # the default is for `Level("district")` in type checkers
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh = zh
        return member


class Keep(Enum):
    """The default of an argument that changes nothing when left out, where None would clear the field."""

    AS_IS = "as it is"


AS_IS: Final = Keep.AS_IS


def check_name(name: str) -> str:
    """`name` unless it is blank. Raises BadValue."""
    if isinstance(name, str) and not name.strip():
        raise BadValue(field="name", why="it is blank; give the name people use", why_zh="名称为空，请填写通用名称")
    return name


def check_count(value: int | None, field: str) -> int | None:
    """`value` if it is no negative number. Raises BadValue."""
    if isinstance(value, int) and value < 0:
        raise BadValue(field=field, why=f"{value} is below zero", why_zh=f"{value} 小于零")
    return value
