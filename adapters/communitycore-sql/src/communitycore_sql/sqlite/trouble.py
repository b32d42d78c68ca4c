"""What a driver's error means, and what to do about it."""

from __future__ import annotations

import sqlite3
from typing import Any

from communitycore.kernel.errors import CommunityCoreError, StoreBusy, StoreError, StoreUnusable

BUSY = {"why": "another call or process is writing it", "why_zh": "另一个调用或进程正在写入"}
TORN = (
    "it is damaged or was cut short; restore it from a backup, then run verify",
    "文件已损坏或被截断，请从备份恢复后运行 verify 校验",
)
_TROUBLE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: (
        "the disk is full; nothing of the call was kept; make room and call again",
        "磁盘已满，本次调用未保存任何内容；请腾出空间后重试",
    ),
    sqlite3.SQLITE_READONLY: (
        "it may only be read; change its permissions, or add ?mode=ro",
        "文件只读；请调整权限，或加 ?mode=ro 打开",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened; check the path, its permissions and those of its directory",
        "无法打开，请检查路径以及文件和目录的权限",
    ),
    sqlite3.SQLITE_PERM: ("access was denied; check its permissions", "访问被拒绝，请检查权限"),
    sqlite3.SQLITE_CORRUPT: TORN,
    sqlite3.SQLITE_NOTADB: (
        "it is not a SQLite file, or its beginning is damaged; check the path, or restore a backup",
        "不是 SQLite 文件或文件头已损坏；请核对路径或恢复备份",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk failed while reading or writing; check it, then run verify",
        "磁盘读写出错，请检查磁盘后运行 verify 校验",
    ),
    sqlite3.SQLITE_NOMEM: ("there is not enough memory", "内存不足"),
}


def trouble_of(error: BaseException, url: str, *, readonly: bool) -> CommunityCoreError:
    """The error of ours for a driver's."""
    code = primary(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(url=url, **BUSY)
    if code == sqlite3.SQLITE_CANTOPEN and readonly:
        return StoreUnusable(
            url=url,
            why="it cannot be opened; check its permissions and those of its directory",
            why_zh="无法打开，请检查文件及其目录的权限",
        )
    known = _TROUBLE.get(code)
    if known is not None:
        return StoreUnusable(url=url, why=known[0], why_zh=known[1])
    said = f"{type(error).__name__}: {error}"
    return StoreError(url=url, why=f"the driver said {said}", why_zh=f"驱动报告 {said}")


def primary(error: BaseException) -> int:
    """SQLite's result code, without its extension; 0 if it is none of SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def ended(connection: Any) -> bool:
    """Roll back what is open; whether the connection may be used again."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True
