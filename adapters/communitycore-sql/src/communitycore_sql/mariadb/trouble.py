"""What a MariaDB error means, and what to do about it, by its number."""

from __future__ import annotations

import pymysql
from pymysql.constants import CR, ER

from communitycore.kernel.errors import CommunityCoreError, StoreBusy, StoreError, StoreUnusable

NO_SPACE = 28  # the system's own number, as the storage engine passes it on
CONNECTION_KILLED, IDLE_TRANSACTION = 1927, 4031
READ_ONLY, READ_ONLY_TRANSACTION, BINLOG_STATEMENT = 1836, 1792, 1665
TABLE_CORRUPT, INDEX_CORRUPT = 1877, 1712
STRANGER = (1045, 1698, 1130)  # a wrong password; a user for another way of logging in; a host that may not

ROLLED_BACK = (ER.LOCK_DEADLOCK, ER.LOCK_WAIT_TIMEOUT)  # what COMMIT answers, in a cluster too, when nothing was kept

_UNREACHED = (
    "the server cannot be reached; check that it runs, and the URL's host, port and TLS options",
    "无法连接服务器，请检查服务器是否运行，以及地址中的主机、端口和 TLS 选项",
)
_BUSY: dict[int, tuple[str, str]] = {
    ER.LOCK_WAIT_TIMEOUT: ("another call or process is writing there", "另一个调用或进程正在写入"),
    ER.LOCK_DEADLOCK: ("two transactions waited for each other", "两个事务互相等待"),
    ER.CHECKREAD: ("another transaction was in the way", "与另一个事务冲突"),
    ER.TABLE_DEF_CHANGED: ("its tables were changed meanwhile", "表结构刚刚被更改"),
    ER.CON_COUNT_ERROR: (
        "the server takes no more connections; lower pool_size, or raise its max_connections",
        "服务器连接数已满，请调小 pool_size 或调大服务器的 max_connections",
    ),
    ER.TOO_MANY_USER_CONNECTIONS: (
        "the server takes no more connections of this user; lower pool_size",
        "该用户的连接数已满，请调小 pool_size",
    ),
    ER.USER_LIMIT_REACHED: (
        "this user has reached one of its limits; lower pool_size, or raise it",
        "该用户已达到资源上限，请调小 pool_size 或调高上限",
    ),
    ER.SERVER_SHUTDOWN: ("the server is stopping", "服务器正在停止"),
    ER.QUERY_INTERRUPTED: ("a statement was cancelled", "语句被取消"),
    **dict.fromkeys((CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR, CR.CR_UNKNOWN_HOST), _UNREACHED),
}
_LOST = ("the connection broke", "连接已断开")
_LOST_NUMBERS = (
    *(CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST),
    *(CONNECTION_KILLED, IDLE_TRANSACTION, ER.NEW_ABORTING_CONNECTION, ER.ABORTING_CONNECTION),
)
_FULL = (
    "the server's disk is full; nothing of the call was kept; make room and call again",
    "服务器磁盘已满，本次调用未保存任何内容；请腾出空间后重试",
)
_DAMAGED = (
    "its data is damaged; restore it from a backup, then run verify",
    "数据已损坏，请从备份恢复后运行 verify 校验",
)
_READ_ONLY = (
    "the server lets nothing be written, as a replica does; connect to the primary, or add ?mode=ro",
    "服务器只读（如从库）；请连接主库，或加 ?mode=ro 打开",
)
_DENIED = ("this user may not do that; grant it what it lacks", "该用户权限不足，请授予所需权限")
_MISSING = ("a table or column is missing; open the store anew", "缺少数据表或列，请重新打开")
_STRANGER = (
    "the user name or password is wrong, or the server does not let this user in from here",
    "用户名或密码错误，或服务器不允许该用户从此处登录",
)
_UNUSABLE: dict[int, tuple[str, str]] = {
    **dict.fromkeys((NO_SPACE, ER.DISK_FULL, ER.RECORD_FILE_FULL), _FULL),
    **dict.fromkeys(
        (TABLE_CORRUPT, INDEX_CORRUPT, ER.CRASHED_ON_USAGE, ER.CRASHED_ON_REPAIR, ER.NOT_KEYFILE), _DAMAGED
    ),
    **dict.fromkeys((ER.OPTION_PREVENTS_STATEMENT, READ_ONLY, READ_ONLY_TRANSACTION), _READ_ONLY),
    **dict.fromkeys((ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR), _DENIED),
    **dict.fromkeys((ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR), _MISSING),
    **dict.fromkeys(STRANGER, _STRANGER),
    ER.BAD_DB_ERROR: ("there is no such database; create it first", "数据库不存在，请先创建"),
    ER.OUT_OF_RESOURCES: ("the server has not enough memory", "服务器内存不足"),
    ER.OUTOFMEMORY: ("the server has not enough memory", "服务器内存不足"),
    BINLOG_STATEMENT: (
        "its binary log takes statements; set binlog_format to ROW or MIXED",
        "服务器的二进制日志为语句格式，请将 binlog_format 设为 ROW 或 MIXED",
    ),
}
# A table is there, a column, an index; or is gone.
_DUPLICATE = (ER.TABLE_EXISTS_ERROR, ER.DUP_FIELDNAME, ER.DUP_KEYNAME, ER.CANT_DROP_FIELD_OR_KEY)


def trouble_of(error: BaseException, url: str) -> CommunityCoreError:
    """The error of ours for a driver's."""
    number = number_of(error)
    if number in _UNUSABLE:
        why, why_zh = _UNUSABLE[number]
        return StoreUnusable(url=url, why=why, why_zh=why_zh)
    said = " ".join(str(error.args[1]).split()) if len(error.args) > 1 else str(error)
    if number == ER.NET_PACKET_TOO_LARGE:
        return StoreUnusable(
            url=url,
            why=f"one statement is longer than the server takes ({said}); raise its max_allowed_packet",
            why_zh=f"单条语句超过服务器允许的长度（{said}），请调大 max_allowed_packet",
        )
    if number == ER.STATEMENT_TIMEOUT:
        return StoreError(
            url=url,
            why=f"a statement took longer than statement_seconds ({said})",
            why_zh=f"语句执行超过 statement_seconds（{said}）",
        )
    if number in _BUSY or number in _LOST_NUMBERS or isinstance(error, (pymysql.err.InterfaceError, OSError)):
        why, why_zh = _BUSY.get(number, _LOST)
        return StoreBusy(url=url, why=f"{why} ({said})", why_zh=f"{why_zh}（{said}）")
    said = f"{type(error).__name__} {number}: {said}"
    return StoreError(url=url, why=f"the driver said {said}", why_zh=f"驱动报告 {said}")


def number_of(error: BaseException) -> int:
    """The server's number for it, or the driver's; 0 if it has none."""
    number = error.args[0] if error.args and isinstance(error, pymysql.err.MySQLError) else 0
    return number if isinstance(number, int) else 0


def is_conflict(error: BaseException) -> bool:
    """A key, a value that must be unique or may not be missing; or a text that is too long."""
    return isinstance(error, pymysql.err.IntegrityError) or number_of(error) == ER.DATA_TOO_LONG


def is_overtaken(error: BaseException) -> bool:
    return number_of(error) in _DUPLICATE


def is_away(error: BaseException) -> bool:
    """Nobody listens, or the server is only about to."""
    return number_of(error) in (CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_LOST, CR.CR_CONNECTION_ERROR, ER.SERVER_SHUTDOWN)
