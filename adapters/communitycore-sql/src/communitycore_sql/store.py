"""The store: hands out snapshots and transactions over a backend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from communitycore.kernel.errors import Mistake
from communitycore.kernel.shape import Shape
from communitycore_sql.reading import SqlReading
from communitycore_sql.schema import work_on
from communitycore_sql.sqlite import SqliteFile
from communitycore_sql.statements import KindStatements, Statements
from communitycore_sql.tables import tables_of
from communitycore_sql.writing import SqlWriting


class SqlStore:
    """See ports.Store. Threads may share it; so may processes, each with one of its own."""

    capabilities: Mapping[str, bool | str]

    def __init__(self, backend: SqliteFile) -> None:
        self.backend = backend
        self.url = backend.url
        self.capabilities = backend.capabilities
        self.statements = Statements(backend.dialect)
        self._kinds: dict[str, KindStatements] = {}

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Make or extend the tables for these kinds, in one transaction. Raises StoreUnusable where it cannot."""
        wanted = {shape.kind: shape for shape in shapes}
        made = tables_of(wanted.values())
        backend = self.backend
        with backend.reading() as connection:
            work = work_on(backend, connection, wanted, made)
        if work and backend.readonly:
            raise backend.unusable(
                "an older set of records made it; open it once without mode=ro, so that it gains what is new",
                "文件由较旧的记录定义建立；请先不带 mode=ro 打开一次以补充新增内容",
            )
        if work:
            with backend.writing() as connection:
                # Another process may have done it meanwhile.
                for one in work_on(backend, connection, wanted, made):
                    try:
                        connection.execute(one.sql, one.values)
                    except backend.errors as error:
                        if one.conflict is not None and backend.is_conflict(error):
                            raise backend.unusable(*one.conflict) from error
                        raise backend.trouble(error) from error
                backend.commit(connection, "")
            backend.refresh()
        for kind, shape in wanted.items():
            self._kinds[kind] = KindStatements(backend.dialect, shape, made[kind])

    def reading(self) -> SqlReading:
        """A read snapshot, opened when entered, that waits for no writer."""
        return SqlReading(self)

    def writing(self, *, wait: bool = True) -> SqlWriting:
        """A write transaction. Raises StoreBusy at once if not `wait` and another writes, here or elsewhere."""
        return SqlWriting(self, wait)

    def close(self) -> None:
        """Give everything back; no call may be under way."""
        self.backend.close()

    def kind(self, shape: Shape) -> KindStatements:
        """The statements of a kind. Raises Mistake for one that was not prepared."""
        try:
            return self._kinds[shape.kind]
        except KeyError:
            raise Mistake(f"no table for {shape.kind}; open the hub with the room that declares it") from None
