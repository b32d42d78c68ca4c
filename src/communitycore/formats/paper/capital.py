"""Amounts in Chinese capitals 大写金额, which cannot be altered with a stroke of the pen, as receipts carry them.

Source: 支付结算办法 (People's Bank of China, 1997), annex 1.
"""

from __future__ import annotations

from communitycore.kernel.errors import BadValue
from communitycore.kernel.money import Money

DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = ("", "拾", "佰", "仟")
MOST = 10**16 * 100 - 1


def capital(amount: Money) -> str | None:
    """`amount` in capitals: 1409.50 yuan is 壹仟肆佰零玖元伍角整. None for another currency than CNY.

    Raises BadValue for ten thousand trillion yuan and more.
    """
    if amount.currency != "CNY":
        return None
    if abs(amount.amount) > MOST:
        raise BadValue(field="amount", why=f"{amount} is more than can be written", why_zh=f"{amount} 超出可书写范围")
    yuan, fen_in_all = divmod(abs(amount.amount), 100)
    jiao, fen = divmod(fen_in_all, 10)
    said = "负" if amount.amount < 0 else ""
    if yuan or not fen_in_all:
        said += (_whole(yuan) or "零") + "元"
    if not fen_in_all:
        return said + "整"
    if jiao:
        said += f"{DIGITS[jiao]}角"
    elif yuan:
        said += "零"
    return said + (f"{DIGITS[fen]}分" if fen else "整")


def _whole(number: int) -> str:
    """A whole number below 10¹⁶; one 零 stands for zeros between digits, however many."""
    for size, unit in ((10**8, "亿"), (10**4, "万")):
        above, below = divmod(number, size)
        if above:
            gap = "零" if 0 < below < size // 10 else ""
            return f"{_whole(above)}{unit}{gap}{_whole(below)}"
    said, gap = "", ""
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            said += f"{gap}{DIGITS[digit]}{UNITS[place]}"
            gap = ""
        elif said:
            gap = "零"
    return said
