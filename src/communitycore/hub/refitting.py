"""What a store's rows must go through when a kind's declaration changes under them; for the memory store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from communitycore.kernel.errors import StoreUnusable
from communitycore.kernel.shape import Row, Shape

URL = "memory://"


def same(was: Shape, now: Shape) -> bool:
    """Whether rows of one are rows of the other as they stand."""
    return was is now or (was.schema == now.schema and was.columns == now.columns)


def check(was: Shape, now: Shape) -> None:
    """Raises StoreUnusable if a hub's kind is not the one that this store's rows are fitted to."""
    if not same(was, now):
        raise _unusable(
            f"{now.kind} was opened with another declaration since; open a hub with that one",
            f"{now.kind} 已按另一种声明打开，请用该声明打开",
        )


def refitted(was: Shape, now: Shape, row: Row) -> Row:
    """A row's values, each in its column's place of now."""
    return tuple(row[was.position[c.name]] if c.name in was.position else None for c in now.columns)


def obstacles(was: Shape, now: Shape, kept: Iterable[Collection[Row]]) -> Iterator[StoreUnusable]:
    """Why these rows, jurisdiction by jurisdiction, cannot be refitted."""
    kind, books = now.kind, list(kept)
    rows = [row for those in books for row in those]
    if now.schema < was.schema:
        yield _unusable(
            f"its {kind} records have schema {was.schema}, newer than {now.schema} here; upgrade the room",
            f"{kind} 记录的结构版本为 {was.schema}，比此处的 {now.schema} 新，请升级声明它的模块",
        )
    for column in was.columns:
        n, found = was.position[column.name], now.position.get(column.name)
        if found is None and any(row[n] is not None for row in rows):
            yield _unusable(
                f"{kind}.{column.name} holds values and is no longer declared; say what became of it: renamed, removed",
                f"{kind}.{column.name} 仍有数据但已不再声明，请在 upcasters 中说明其改名或删除",
            )
        elif found is not None and (declared := now.columns[found].type) != column.type:
            yield _unusable(
                f"{kind}.{column.name} holds {column.type} values, and {declared} is declared now; "
                "give the field a new name",
                f"{kind}.{column.name} 的类型为 {column.type}，现声明为 {declared}，请为该字段改用新名称",
            )
    if rows:
        for field in now.added_to(was.position):
            if field.required:
                yield _unusable(
                    f"{kind}.{field.name} is new, and no row has a value for it; give it a default, or None",
                    f"{kind}.{field.name} 为新增字段，已有数据没有取值，请给出默认值或允许为空",
                )
    for n in now.unique:
        held = was.position.get(now.columns[n].name)
        if held is None:
            continue
        for those in books:
            values = [row[held] for row in those if row[held] is not None]
            if len(values) != len(set(values)):
                yield _unusable(
                    f"{kind}.{now.columns[n].name} must be unique now, and several rows hold the same value; "
                    "make them differ first",
                    f"{kind}.{now.columns[n].name} 现要求唯一，但已有多行取值相同，请先修改重复值",
                )
                break


def _unusable(why: str, why_zh: str) -> StoreUnusable:
    return StoreUnusable(url=URL, why=why, why_zh=why_zh)
