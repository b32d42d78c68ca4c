"""How a party may be reached: channels in the order in which they are to be tried."""

from __future__ import annotations

import re

from attrs import evolve

from communitycore.domain.places import Word
from communitycore.kernel.errors import BadValue
from communitycore.kernel.shape import check_text
from communitycore.kernel.values import frozen

CHANNELS_MAX = 10
VALUE_MAX = 191


class ChannelKind(Word):
    """A way to reach somebody."""

    PHONE = "phone", "电话"
    SMS = "sms", "短信"
    WECHAT = "wechat", "微信"
    MAIL = "mail", "电子邮件"
    APP = "app", "应用"
    POST = "post", "信函"


@frozen
class Channel:
    """One way to reach one party. value: a number, an account, an address; it is personal."""

    kind: ChannelKind
    value: str


_NUMBER = re.compile(r"\+?[0-9][0-9 ()-]{1,30}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check_channels(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """The channels with blanks trimmed. Raises BadValue, without repeating the value, for one that cannot be right.

    At most ten, none twice; phone and sms look like numbers, mail has its one @.
    """
    if not isinstance(channels, tuple) or not all(isinstance(c, Channel) for c in channels):
        raise BadValue(field="channels", why="give a tuple of Channel", why_zh="应为 Channel 的元组")
    if len(channels) > CHANNELS_MAX:
        raise BadValue(
            field="channels",
            why=f"there are {len(channels)}; at most {CHANNELS_MAX} are kept",
            why_zh=f"共 {len(channels)} 个，最多保存 {CHANNELS_MAX} 个",
        )
    trimmed = tuple(_checked(n, channel) for n, channel in enumerate(channels, 1))
    if len(set(trimmed)) < len(trimmed):
        raise BadValue(field="channels", why="one stands there twice", why_zh="存在重复的联系方式")
    return trimmed


def _checked(number: int, channel: Channel) -> Channel:
    field = f"channels.{number}"
    if not isinstance(channel.kind, ChannelKind) or not isinstance(channel.value, str):
        raise BadValue(field=field, why="it has no kind or no text", why_zh="缺少类型或内容")
    value = check_text(channel.value, field, VALUE_MAX).strip()
    pattern = {ChannelKind.PHONE: _NUMBER, ChannelKind.SMS: _NUMBER, ChannelKind.MAIL: _MAIL}.get(channel.kind)
    if not value or (pattern is not None and pattern.fullmatch(value) is None):
        raise BadValue(
            field=field,
            why=f"it does not look like a value for {channel.kind}",
            why_zh=f"不像有效的 {channel.kind} 联系方式",
        )
    return evolve(channel, value=value)
