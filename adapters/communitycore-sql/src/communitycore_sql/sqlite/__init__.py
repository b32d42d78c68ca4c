"""SQLite: everything in which it differs from another SQL server stands in this folder.

A backend such as `SqliteFile` gives connections inside a transaction and ends them, tells which tables there are,
and says in this library's errors what a driver's error means. PostgreSQL or MariaDB would be another one.
"""

from communitycore_sql.sqlite.file import Connection, Pooled, SqliteFile
from communitycore_sql.sqlite.layout import Layout, affinity_of

__all__ = ["Connection", "Layout", "Pooled", "SqliteFile", "affinity_of"]
