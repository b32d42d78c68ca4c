"""SQL stores for communitycore, found by URL scheme; SQLite today.

import communitycore as cc
hub = cc.open("sqlite:///district.db")
"""

from __future__ import annotations

from communitycore_sql.sqlite import SqliteFile
from communitycore_sql.store import SqlStore

__version__ = "0.1.0"

__all__ = ["SqlStore", "open_store"]


def open_store(
    url: str, *, create: bool | None = None, durability: str | None = None, busy_seconds: float | None = None
) -> SqlStore:
    """The store in the SQLite file that `url` names; it is made if absent.

    create: False refuses a file that is not there. durability: "full" (the default) keeps every acknowledged
    call through a power cut; "normal" may lose the last ones then, but never half of one.
    busy_seconds: how long a call waits for another that is being written; 30 unless given.
    The URL may say the same: `sqlite:///f.db?durability=normal&busy_seconds=5&create=no`; what is given here wins.
    `?mode=ro` opens for reading alone.
    Raises StoreUnusable, saying what to do; StoreBusy if another process holds the file for itself.
    """
    return SqlStore(SqliteFile(url, create=create, durability=durability, busy_seconds=busy_seconds))
