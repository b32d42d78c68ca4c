"""MariaDB, by PyMySQL: everything in which it differs from another SQL server stands in this folder."""

from communitycore_sql.mariadb.server import MariadbServer

__all__ = ["MariadbServer"]
