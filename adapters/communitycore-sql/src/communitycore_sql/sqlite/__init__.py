"""SQLite: everything in which it differs from another SQL database stands in this folder."""

from communitycore_sql.sqlite.file import SqliteFile

__all__ = ["SqliteFile"]
