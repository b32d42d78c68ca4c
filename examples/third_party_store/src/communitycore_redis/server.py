"""The way to the server: two scripts, a lease, and Redis's errors in the library's words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.retry import Retry

from communitycore.kernel.errors import BadValue, OutcomeUnknown, StoreBusy, StoreError, StoreUnusable

KEPT = 1_000
"""So many commits a reader may fall behind."""
LEASE_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
FIELDS_AT_ONCE = 500

READ = """
local now, since = tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1])
local undo = {}
if since >= 0 then
  for n = now, since + 1, -1 do
    local told = redis.call('HGET', KEYS[2], n)
    if not told then return {now} end
    undo[#undo + 1] = told
  end
end
if #ARGV == 1 then return {now, undo, redis.call('HGETALL', KEYS[3])} end
return {now, undo, redis.call('HMGET', KEYS[3], unpack(ARGV, 2))}
"""
"""What a hash holds (of the fields named, or all), with what undoes every commit since the number given."""

COMMIT = """
local held = redis.call('GET', KEYS[3])
if held and held ~= ARGV[1] then return -1 end
local now = tonumber(redis.call('GET', KEYS[1]) or '0')
if now ~= tonumber(ARGV[2]) then return -1 end
local undo = {}
for i = 4, #ARGV, 4 do
  local hash, field = ARGV[i], ARGV[i + 1]
  undo[#undo + 1] = {hash, field, redis.call('HGET', hash, field) or cjson.null}
  if ARGV[i + 2] == '+' then redis.call('HSET', hash, field, ARGV[i + 3]) else redis.call('HDEL', hash, field) end
end
redis.call('HSET', KEYS[2], now + 1, cjson.encode(undo))
redis.call('HDEL', KEYS[2], now + 1 - tonumber(ARGV[3]))
redis.call('SET', KEYS[1], now + 1)
if held then redis.call('DEL', KEYS[3]) end
return now + 1
"""
"""Put and delete fields, all of them or none: none if somebody committed since, or holds the lease now."""

RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

Undo = list[tuple[str, str, str | None]]
Write = tuple[str, str, str | None]
"""A hash, a field, and its text from now on; None deletes it."""


class Server:
    """One Redis, and the keys under one prefix there."""

    def __init__(self, url: str, *, lease_seconds: float, patience_seconds: float, **options: Any) -> None:
        self.url, prefix, plain = _parted(url)
        self._lease, self._patience = lease_seconds, patience_seconds
        # Made again by the client itself, a commit would be made twice.
        once = Retry(NoBackoff(), 0)
        try:
            self.client = redis.Redis.from_url(plain, decode_responses=True, retry=once, **options)
        except (ValueError, TypeError) as cause:
            raise BadValue(
                field="url", why=f"it is no Redis URL ({type(cause).__name__})", why_zh="不是 Redis 地址"
            ) from None
        self._prefix = f"{{{prefix}}}:"  # braces keep all of it in one slot of a cluster
        self._read = self.client.register_script(READ)
        self._commit = self.client.register_script(COMMIT)
        self._release = self.client.register_script(RELEASE)
        self._writer = threading.Lock()
        self.closed = False

    def key(self, name: str) -> str:
        """What the server calls it."""
        return self._prefix + name

    def close(self) -> None:
        """Give all connections back."""
        self.closed = True
        self.client.close()

    # reading

    def read(self, hash: str, fields: Sequence[str] | None, since: int) -> tuple[int, Undo, Any]:
        """(commits by now, what undoes those after `since`, the hash's pairs or these fields' texts).

        since: -1 for the first reading of a snapshot. Raises StoreBusy for one that is too old.
        """
        keys = [self.key("commits"), self.key("undo"), self.key(hash)]
        with self._words():
            told = self._read(keys=keys, args=[since, *(fields or ())])
        if len(told) == 1:
            raise StoreBusy(
                url=self.url,
                why=f"more than {KEPT} commits were made while this was read",
                why_zh=f"读取期间已有超过 {KEPT} 次提交",
            )
        cut = len(self._prefix)
        undo = [(one[cut:], field, old) for text in told[1] for one, field, old in reversed(_undone(text))]
        return told[0], undo, told[2]

    # writing

    @contextmanager
    def writer(self, *, wait: bool) -> Iterator[str]:
        """Be the only writer for a while: of this process by a lock, of all by a lease. Raises StoreBusy."""
        token = uuid4().hex
        if (
            not self._writer.acquire(timeout=self._patience if wait else 0.0)
            if wait
            else not self._writer.acquire(False)
        ):
            raise self._busy()
        try:
            self._take(token, wait)
            try:
                yield token
            finally:
                self._give_back(token)
        finally:
            self._writer.release()

    def _take(self, token: str, wait: bool) -> None:
        end, pause = time.monotonic() + self._patience, 0.0005
        while True:
            with self._words():
                if self.client.set(self.key("lease"), token, nx=True, px=int(self._lease * 1000)):
                    return
            if not wait or time.monotonic() > end:
                raise self._busy()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.01)

    def _give_back(self, token: str) -> None:
        try:
            self._release(keys=[self.key("lease")], args=[token])
        except RedisError:
            return  # it runs out by itself

    def commit(self, token: str, since: int, writes: Sequence[Write]) -> None:
        """Do all of it, or nothing. Raises OutcomeUnknown if the answer was lost, StoreBusy if somebody was faster."""
        keys = [self.key("commits"), self.key("undo"), self.key("lease")]
        words: list[Any] = [token, since, KEPT]
        for hash, field, text in writes:
            words += [self.key(hash), field, "-" if text is None else "+", text or ""]
        try:
            done = self._send(keys, words)
        except (redis.ConnectionError, redis.TimeoutError) as cause:
            if isinstance(cause, (AuthenticationError, BusyLoadingError)):
                self._say(cause)
            raise OutcomeUnknown(
                url=self.url, why="the connection broke in the commit", why_zh="提交时连接中断", cause="?"
            ) from None
        except RedisError as cause:
            self._say(cause)
        if done < 0:
            raise self._busy()

    def _send(self, keys: list[str], words: list[Any]) -> int:
        sent: int = self._commit(keys=keys, args=words)
        return sent

    # words

    def ask(self, *words: Any) -> Any:
        """Any command's answer."""
        with self._words():
            return self.client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

    def _busy(self) -> StoreBusy:
        return StoreBusy(url=self.url, why="another call is being written", why_zh="另一调用正在写入")

    @contextmanager
    def _words(self) -> Iterator[None]:
        """Redis's errors in the library's words. Raises StoreUnusable once closed."""
        if self.closed:
            raise StoreUnusable(url=self.url, why="it was closed", why_zh="已关闭")
        try:
            yield
        except RedisError as cause:
            self._say(cause)
        except OSError as cause:
            raise StoreBusy(url=self.url, why=f"it cannot be reached ({cause.strerror})", why_zh="无法连接") from cause

    def _say(self, cause: RedisError) -> NoReturn:
        """Without the driver's own words, which may hold a value or a password."""
        if isinstance(cause, AuthenticationError) or "NOAUTH" in str(cause) or "WRONGPASS" in str(cause):
            raise StoreUnusable(
                url=self.url, why="it wants another user or password", why_zh="用户名或密码不正确"
            ) from None
        if isinstance(cause, (BusyLoadingError, redis.ConnectionError, redis.TimeoutError)):
            raise StoreBusy(url=self.url, why="it cannot be reached now", why_zh="暂时无法连接") from cause
        told = str(cause).partition(" ")[0]  # such as OOM, MISCONF, READONLY
        if isinstance(cause, ResponseError) and told == "READONLY":
            raise StoreUnusable(url=self.url, why="it may only be read", why_zh="只读") from cause
        raise StoreError(url=self.url, why=f"it answered {told}", why_zh=f"返回 {told}") from cause


def _undone(text: str) -> list[tuple[str, str, str | None]]:
    listed = json.loads(text)
    return [(hash, field, old) for hash, field, old in listed] if listed else []


def _parted(url: str) -> tuple[str, str, str]:
    """(the URL as it may be shown, the prefix of its keys, the URL for the driver)."""
    parts = urlsplit(url)
    options: Mapping[str, str] = dict(parse_qsl(parts.query))
    prefix = options.get("prefix", "communitycore")
    plain = urlencode({name: value for name, value in options.items() if name != "prefix"})
    shown = parts._replace(netloc=_hidden(parts.netloc))
    return urlunsplit(shown), prefix, urlunsplit(parts._replace(query=plain))


def _hidden(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    return f"{user.partition(':')[0]}:***@{host}" if at else host
