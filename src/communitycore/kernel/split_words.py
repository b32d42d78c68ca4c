"""The arithmetic of a split in words, Chinese and English."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from communitycore.kernel.money import Money
from communitycore.kernel.sharing import percent


def _plain(value: object, sign: int, currency: str) -> str:
    return str(value)


def _money(value: object, sign: int, currency: str) -> str:
    assert isinstance(value, int)
    return str(Money(sign * value, currency))


def _part_of(value: object, sign: int, currency: str) -> str:
    return percent(*cast("tuple[int, int]", value))


def _exact(value: object, sign: int, currency: str) -> str:
    """To a thousandth of the minor unit, with `…` where it goes on."""
    score, over = cast("tuple[int, int]", value)
    whole, part = divmod(abs(score), over)
    thousandths, more = divmod(part * 1_000, over)
    figure = _money(sign * whole if score >= 0 else -sign * whole, 1, currency).removesuffix(f" {currency}")
    point = "" if "." in figure else "."
    shown = f"{figure}{point}{thousandths:03d}".rstrip("0").rstrip(".")
    return f"{shown}{'…' if more else ''} {currency}"


_Show = Callable[[object, int, str], str]
SHOWN: dict[str, tuple[_Show, ...]] = {
    "group": (_plain,),
    "fixed": (_plain,),
    "ratios": (_part_of, _money, _exact, _plain),
    "ratio": (_plain, _part_of, _money, _exact),
    "weight": (_plain, _plain, _plain, _money, _exact),
    "bound": (_plain,),
    "rest": (_plain,),
}
WORDS = {
    "whole": ("{amount} is split", "待分配 {amount}"),
    "group": ("of {0}: {amount} is split", "{0} 内待分配 {amount}"),
    "fixed": ("{0}: a fixed sum, {amount}", "{0}：定额 {amount}"),
    "ratios": (
        "{0} of {1} is {2}, rounded half up {amount}, for {3}",
        "{1} 的 {0} 为 {2}，四舍五入得 {amount}，由 {3} 分配",
    ),
    "ratio": ("{0}: {1} of {2} is {3}; gets {amount}", "{0}：{2} 的 {1} 为 {3}，得 {amount}"),
    "weight": ("{0}: {1} of {2} parts of {3} is {4}; gets {amount}", "{0}：{3} 的 {1}/{2} 为 {4}，得 {amount}"),
    "bound": ("{0}: by its bounds gets {amount}", "{0}：按保底或封顶得 {amount}"),
    "rest": ("{0}: what is left, {amount}", "{0}：余额 {amount}"),
    "reversed": ("the recorded split of {amount} is taken back, part by part", "按原分配逐项冲回 {amount}"),
}
