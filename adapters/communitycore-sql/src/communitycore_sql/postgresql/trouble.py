"""What a PostgreSQL error means, and what to do about it, by its SQLSTATE (appendix A of its manual)."""

from __future__ import annotations

import psycopg

from communitycore.kernel.errors import CommunityCoreError, StoreBusy, StoreError, StoreUnusable

UNREACHED = "08001"
STALE_PLAN = "0A000"  # a prepared statement would give columns of other types than it did
_BUSY: dict[str, tuple[str, str]] = {
    UNREACHED: (
        "the server cannot be reached; check that it runs, and the URL's host, port and TLS options",
        "无法连接服务器，请检查服务器是否运行，以及地址中的主机、端口和 TLS 选项",
    ),
    "55P03": ("another call or process is writing there", "另一个调用或进程正在写入"),
    "40001": ("another transaction was in the way", "与另一个事务冲突"),
    "40P01": ("two transactions waited for each other", "两个事务互相等待"),
    "53300": (
        "the server takes no more connections; lower pool_size, or raise its max_connections",
        "服务器连接数已满，请调小 pool_size 或调大服务器的 max_connections",
    ),
    "57P03": ("the server is starting or stopping", "服务器正在启动或停止"),
    "25P03": ("the transaction did nothing for too long, and the server ended it", "事务空闲过久，已被服务器终止"),
    STALE_PLAN: ("its tables were changed meanwhile", "表结构刚刚被更改"),
    "26000": (
        "the connection is shared by a pooler that forgets prepared statements; connect to the server itself",
        "连接经由不保留预备语句的连接池，请直接连接服务器",
    ),
}
_LOST = ("the connection broke", "连接已断开")
_UNUSABLE: dict[str, tuple[str, str]] = {
    "53100": (
        "the server's disk is full; nothing of the call was kept; make room and call again",
        "服务器磁盘已满，本次调用未保存任何内容；请腾出空间后重试",
    ),
    "53200": ("the server has not enough memory", "服务器内存不足"),
    "28P01": ("the user name or password is wrong", "用户名或密码错误"),
    "28000": (
        "the server does not let this user in; check the user name and the server's pg_hba.conf",
        "服务器拒绝该用户登录，请检查用户名和服务器的 pg_hba.conf",
    ),
    "3D000": ("there is no such database; create it first", "数据库不存在，请先创建"),
    "3F000": ("the search path names no schema; set it for this user", "search_path 中没有可用的模式，请为该用户设置"),
    "42501": (
        "this user may not do that; grant it what it lacks, among it CREATE on the schema",
        "该用户权限不足，请授予所需权限，包括在模式中创建表的权限",
    ),
    "42P01": ("a table is missing; open the store anew", "缺少数据表，请重新打开"),
    "42703": ("a column is missing; open the store anew", "缺少数据列，请重新打开"),
    "25006": (
        "the server lets nothing be written, as a standby does; connect to the primary, or add ?mode=ro",
        "服务器只读（如备库）；请连接主库，或加 ?mode=ro 打开",
    ),
}
_DAMAGED = (
    "its data is damaged; restore it from a backup, then run verify",
    "数据已损坏，请从备份恢复后运行 verify 校验",
)
_DUPLICATE = ("42P07", "42701", "42710", "42704")  # a table, a column, another thing is there; it is gone


def trouble_of(error: BaseException, url: str) -> CommunityCoreError:
    """The error of ours for a driver's."""
    state = state_of(error)
    if state in _UNUSABLE:
        why, why_zh = _UNUSABLE[state]
        return StoreUnusable(url=url, why=why, why_zh=why_zh)
    if state in ("XX001", "XX002"):
        return StoreUnusable(url=url, why=_DAMAGED[0], why_zh=_DAMAGED[1])
    said = " ".join(str(error).split())
    if state == "57014":
        return StoreError(
            url=url,
            why=f"a statement took longer than statement_seconds ({said})",
            why_zh=f"语句执行超过 statement_seconds（{said}）",
        )
    lost = not state and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    if state in _BUSY or state[:2] in ("08", "40", "57") or lost:
        why, why_zh = _BUSY.get(state, _LOST)
        return StoreBusy(url=url, why=f"{why} ({said})", why_zh=f"{why_zh}（{said}）")
    said = f"{type(error).__name__}: {said}"
    return StoreError(url=url, why=f"the driver said {said}", why_zh=f"驱动报告 {said}")


def state_of(error: BaseException) -> str:
    """Its SQLSTATE, or nothing."""
    return getattr(error, "sqlstate", None) or ""


def is_conflict(error: BaseException) -> bool:
    """A key, a value that must be unique or may not be missing; or a text that is too long."""
    return state_of(error).startswith("23") or state_of(error) == "22001"


def is_overtaken(error: BaseException) -> bool:
    """Where two make the same at once, the server may say so in the words of its own tables."""
    state, said = state_of(error), str(error)
    return state in _DUPLICATE or (state == "23505" and '"pg_' in said) or (state == "XX000" and "concurrently" in said)


def told(error: psycopg.OperationalError) -> psycopg.OperationalError:
    """The same error of connecting, with the state that libpq keeps to itself read off its English text."""
    if error.sqlstate is None:
        said = str(error)
        error.sqlstate = next((state for state, words in _CONNECTING if words in said), UNREACHED)
    return error


def is_away(error: BaseException) -> bool:
    """Nobody listens, or the server is only about to."""
    return state_of(error) in (UNREACHED, "57P03")


_CONNECTING = (
    ("28P01", "password authentication failed"),
    ("28P01", "no password supplied"),
    ("28000", "no pg_hba.conf entry"),
    ("28000", "authentication failed"),
    ("28000", "not permitted to log in"),
    ("42501", "permission denied for database"),
    ("53300", "too many"),
    ("53300", "remaining connection slots"),
    ("57P03", "the database system is"),
    ("28000", 'FATAL:  role "'),
    ("3D000", 'FATAL:  database "'),
)
