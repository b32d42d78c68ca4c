"""PostgreSQL, by psycopg 3: everything in which it differs from another SQL server stands in this folder."""

from communitycore_sql.postgresql.server import PostgresqlServer

__all__ = ["PostgresqlServer"]
