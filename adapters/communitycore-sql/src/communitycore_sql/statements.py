"""Every statement, built with SQLAlchemy Core and compiled once to the text that the driver runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.expression import ClauseElement

from communitycore.kernel.query import Query
from communitycore.kernel.shape import Shape
from communitycore_sql import tables
from communitycore_sql.tables import cursors, figures, heads, journal, keys, timers

PARAMETERS_MAX = 900  # SQLite before 3.32 takes 999 in one statement

b = sa.bindparam


@frozen
class Prepared:
    """A statement's text; its values come as a tuple in the order of its bind names, then `tail`."""

    sql: str
    tail: tuple[Any, ...]


def prepared(dialect: Dialect, statement: ClauseElement, names: Sequence[str]) -> Prepared:
    """Compile once. names: what the values will be, in order; checked, since a swap would be a wrong answer."""
    compiled: Any = statement.compile(dialect=dialect)
    order = list(compiled.positiontup or ())
    if order[: len(names)] != list(names):
        raise AssertionError(f"{compiled}: takes {order}, not {names}")
    return Prepared(str(compiled), tuple(compiled.params[name] for name in order[len(names) :]))


def widened(count: int) -> int:
    """The next power of two, so that lists of any length need few statements."""
    return 1 << (count - 1).bit_length() if count > 1 else 1


def padded(values: Sequence[Any]) -> tuple[Any, ...]:
    """`values` to a widened length, the last one repeated."""
    return (*values, *(values[-1],) * (widened(len(values)) - len(values)))


class KindStatements:
    """One kind's statements."""

    def __init__(self, dialect: Dialect, shape: Shape, table: sa.Table) -> None:
        self.shape = shape
        self._dialect = dialect
        self._table = table
        self._columns = [table.c[column.name] for column in shape.columns]
        self._nullable = [column.nullable for column in shape.columns]
        self._found: dict[Any, Prepared] = {}
        # MariaDB finds no place in an index by a comparison of pairs.
        self._pairs = dialect.name != "mariadb"
        self.uniques = tuple(n for n, column in enumerate(shape.columns) if column.unique)

    def _here(self) -> sa.ColumnElement[bool]:
        return self._table.c.jurisdiction == b("jurisdiction")

    @cached_property
    def get(self) -> str:
        """(jurisdiction, id) -> row."""
        statement = sa.select(*self._columns).where(self._here(), self._columns[0] == b("id"))
        return prepared(self._dialect, statement, ("jurisdiction", "id")).sql

    @cached_property
    def insert(self) -> str:
        """(jurisdiction, *row)."""
        statement = sa.insert(self._table)
        return prepared(self._dialect, statement, [c.key for c in self._table.columns]).sql

    @cached_property
    def update(self) -> str:
        """(*row without its id, jurisdiction, id, version that it must have)."""
        changed = self._columns[1:]
        names = [f"new_{n}" for n in range(len(changed))]
        statement = (
            sa.update(self._table)
            .values({c: b(name) for c, name in zip(changed, names, strict=True)})
            .where(self._here(), self._columns[0] == b("of"), self._columns[1] == b("was"))
        )
        return prepared(self._dialect, statement, [*names, "jurisdiction", "of", "was"]).sql

    @cached_property
    def vacate(self) -> str:
        """(jurisdiction, id): empties the unique columns, so that rows may exchange what they hold."""
        statement = (
            sa.update(self._table)
            .values({self._columns[n]: sa.null() for n in self.uniques})
            .where(self._here(), self._columns[0] == b("of"))
        )
        return prepared(self._dialect, statement, ("jurisdiction", "of")).sql

    @cached_property
    def clear(self) -> str:
        """(jurisdiction): all of them."""
        return prepared(self._dialect, sa.delete(self._table).where(self._here()), ("jurisdiction",)).sql

    def find(self, query: Query, values: list[Any]) -> Prepared:
        """The statement of a search, whose values are appended to `values`."""
        structure: list[tuple[int, str, int]] = []
        for t in query.tests:
            if t.test == "in":
                structure.append((t.column, "in", widened(len(t.value))))
                values += padded(t.value)
            elif t.value is None and t.test == "=":
                structure.append((t.column, "null", 0))
            else:
                structure.append((t.column, t.test, 0))
                values.append(t.value)
        if query.after is not None:
            by, behind = query.after
            values += (behind,) if not query.order else (by, behind) if self._pairs else (values[0], by, by, behind)
        values.append(query.limit)
        key = (tuple(structure), query.order, query.descending, query.after is not None)
        made = self._found.get(key)
        if made is None:
            made = self._found[key] = self._find(*key)
        values += made.tail
        return made

    def _find(self, structure: tuple[tuple[int, str, int], ...], order: int, descending: bool, paged: bool) -> Prepared:
        home = self._table.c.jurisdiction
        apart = paged and bool(order) and not self._pairs
        conditions: list[sa.ColumnElement[bool]] = [home >= b("jurisdiction") if apart else self._here()]
        names = ["jurisdiction"]
        for n, (position, test, count) in enumerate(structure):
            column = self._columns[position]
            bound = [f"t{n}_{i}" for i in range(count or 1)]
            if test == "null":
                conditions.append(column.is_(None))
                continue
            names += bound
            value: sa.BindParameter[Any] = b(bound[0])
            conditions.append(
                column.in_([b(name) for name in bound])
                if test == "in"
                else {"=": column == value, ">=": column >= value, "<": column < value}[test]
            )
        by, id = self._columns[order], self._columns[0]
        if self._nullable[order]:
            conditions.append(by.is_not(None))
        sorting: list[sa.ColumnElement[Any]] = [by, id] if order else [id]
        if apart:
            # Asked for a range of one jurisdiction, it takes the index's order from where the page begins; asked for
            # the one, from its first row.
            names += ["same", "beyond", "by", "behind"]
            later = sa.and_(by == b("by"), _past(id, b("behind"), descending))
            conditions += [home <= b("same"), sa.or_(_past(by, b("beyond"), descending), later)]
            sorting = [home, *sorting]
        elif paged and order:
            names += ["by", "behind"]
            conditions.append(_past(sa.tuple_(by, id), sa.tuple_(b("by"), b("behind")), descending))
        elif paged:
            names.append("behind")
            conditions.append(_past(id, b("behind"), descending))
        statement = (
            sa.select(*self._columns)
            .where(*conditions)
            .order_by(*(c.desc() if descending else c for c in sorting))
            .limit(b("limit"))
        )
        return prepared(self._dialect, statement, [*names, "limit"])


def _past(here: Any, start: Any, descending: bool) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = here < start if descending else here > start
    return found


_J = journal.c
_T = timers.c
_TIMER = tuple(_T[name] for name in tables.TIMER)


class Statements:
    """The statements on the store's own tables, each compiled when first used."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._last: dict[int, str] = {}
        self._heads: dict[int, str] = {}
        self._caused: dict[int, str] = {}

    def _one(self, statement: ClauseElement, *names: str) -> str:
        made = prepared(self.dialect, statement, names)
        if made.tail:
            raise AssertionError(made)
        return made.sql

    # heads

    @cached_property
    def head(self) -> str:
        return self._one(sa.select(heads).where(heads.c.id == b("id")), "id")

    @cached_property
    def lock(self) -> str:
        # FOR UPDATE where the server knows it; SQLite has locked the whole file by now.
        return self._one(sa.select(heads).where(heads.c.id == b("id")).with_for_update(), "id")

    @cached_property
    def lock_at_once(self) -> str:
        """Fails where another holds the lock."""
        return self._one(sa.select(heads).where(heads.c.id == b("id")).with_for_update(nowait=True), "id")

    @cached_property
    def all_heads(self) -> str:
        return self._one(sa.select(heads).order_by(heads.c.id))

    @cached_property
    def code_holder(self) -> str:
        return self._one(sa.select(heads.c.id).where(heads.c.code == b("code"), heads.c.id != b("id")), "code", "id")

    @cached_property
    def insert_head(self) -> str:
        return self._one(sa.insert(heads), *(c.name for c in heads.columns))

    @cached_property
    def update_head(self) -> str:
        changed = [c for c in heads.columns if c.name != "id"]
        statement = (
            sa.update(heads)
            .values({c: b(f"new_{c.name}") for c in changed})
            .where(heads.c.id == b("of"), heads.c.seq == b("was"))
        )
        return self._one(statement, *(f"new_{c.name}" for c in changed), "of", "was")

    def some_heads(self, count: int) -> str:
        """(id, …), so many."""
        if count not in self._heads:
            names = [f"id{n}" for n in range(count)]
            statement = sa.select(heads).where(heads.c.id.in_([b(n) for n in names])).order_by(heads.c.id)
            self._heads[count] = self._one(statement, *names)
        return self._heads[count]

    # journal

    def _entries(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        columns = (_J[name] for name in tables.JOURNAL)
        return sa.select(*columns).where(_J.jurisdiction == b("jurisdiction"), *conditions).order_by(_J.seq)

    @cached_property
    def entries(self) -> Prepared:
        statement = self._entries(_J.seq > b("after")).limit(b("limit"))
        return prepared(self.dialect, statement, ("jurisdiction", "after", "limit"))

    @cached_property
    def entries_of(self) -> str:
        statement = self._entries(_J.kind == b("kind"), _J.record == b("record"))
        return self._one(statement, "jurisdiction", "kind", "record")

    @cached_property
    def caused(self) -> str:
        return self._one(self._entries(_J.cause == b("cause")), "jurisdiction", "cause")

    def last_entries(self, count: int) -> str:
        """(jurisdiction, jurisdiction, kind, record, …), so many records."""
        if count not in self._last:
            names = [f"r{n}" for n in range(count)]
            here = (_J.jurisdiction == b("in_"), _J.kind == b("kind"))
            highest: sa.Select[Any] = sa.select(sa.func.max(_J.seq).label("seq"))
            if self.dialect.name == "postgresql":
                # Grouped, it would read all of the kind; so it looks into the index for one record after another.
                asked = sa.values(sa.column("record", sa.Text), name="asked").data(
                    [(b(name, type_=sa.Text),) for name in names]
                )
                one = highest.where(*here, _J.record == asked.c.record).correlate(asked).scalar_subquery()
                last = sa.select(one).select_from(asked)
            else:
                last = highest.where(*here, _J.record.in_([b(n) for n in names])).group_by(_J.record).correlate(None)
            statement = self._entries(_J.seq.in_(last))
            self._last[count] = self._one(statement, "jurisdiction", "in_", "kind", *names)
        return self._last[count]

    @cached_property
    def insert_entry(self) -> str:
        return self._one(sa.insert(journal), *tables.JOURNAL)

    # timers

    @cached_property
    def timer(self) -> str:
        statement = sa.select(*_TIMER).where(*self._timer_key())
        return self._one(statement, "jurisdiction", "record", "command", "source")

    @cached_property
    def timers_of(self) -> str:
        statement = (
            sa.select(*_TIMER)
            .where(_T.jurisdiction == b("jurisdiction"), _T.record == b("record"), _T.source == b("source"))
            .order_by(_T.command)
        )
        return self._one(statement, "jurisdiction", "record", "source")

    def _timers(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return (
            sa.select(*_TIMER)
            .where(_T.jurisdiction == b("jurisdiction"), *conditions)
            .order_by(_T.due, _T.seq, _T.record, _T.command, _T.source)
            .limit(b("limit"))
        )

    @cached_property
    def timers(self) -> Prepared:
        return prepared(self.dialect, self._timers(), ("jurisdiction", "limit"))

    @cached_property
    def timers_due(self) -> Prepared:
        statement = self._timers(_T.parked.is_(None), _T.wake <= b("until"))
        return prepared(self.dialect, statement, ("jurisdiction", "until", "limit"))

    @cached_property
    def timers_after(self) -> Prepared:
        """In the order of the table itself; the first condition is for servers that find no index for the second."""
        key = (_T.record, _T.command, _T.source)
        statement = (
            sa.select(*_TIMER)
            .where(_T.jurisdiction == b("jurisdiction"), _T.record >= b("from"))
            .where(sa.tuple_(*key) > sa.tuple_(b("record"), b("command"), b("source")))
            .order_by(*key)
            .limit(b("limit"))
        )
        return prepared(self.dialect, statement, ("jurisdiction", "from", "record", "command", "source", "limit"))

    @cached_property
    def wakes(self) -> Prepared:
        statement = (
            sa.select(_T.wake, _T.record, _T.command, _T.source)
            .where(_T.jurisdiction == b("jurisdiction"), _T.parked.is_(None))
            .order_by(_T.wake)
            .limit(b("limit"))
        )
        return prepared(self.dialect, statement, ("jurisdiction", "limit"))

    @cached_property
    def delete_timer(self) -> str:
        statement = sa.delete(timers).where(*self._timer_key())
        return self._one(statement, "jurisdiction", "record", "command", "source")

    @cached_property
    def insert_timer(self) -> str:
        statement = sa.insert(timers).values({c: b(c.name) for c in (_T.jurisdiction, *_TIMER)})
        return self._one(statement, "jurisdiction", *tables.TIMER)

    def _timer_key(self) -> Iterable[sa.ColumnElement[bool]]:
        yield _T.jurisdiction == b("jurisdiction")
        yield _T.record == b("record")
        yield _T.command == b("command")
        yield _T.source == b("source")

    # keys

    @cached_property
    def key(self) -> str:
        columns = [c for c in keys.columns if c.name != "jurisdiction"]
        statement = sa.select(*columns).where(
            keys.c.jurisdiction == b("jurisdiction"), keys.c.actor == b("actor"), keys.c.key == b("key")
        )
        return self._one(statement, "jurisdiction", "actor", "key")

    def keys_caused(self, count: int) -> str:
        """(jurisdiction, cause, …), so many causes."""
        if count not in self._caused:
            names = [f"c{n}" for n in range(count)]
            columns = [c for c in keys.columns if c.name != "jurisdiction"]
            statement = sa.select(*columns).where(
                keys.c.jurisdiction == b("jurisdiction"), keys.c.cause.in_([b(n) for n in names])
            )
            self._caused[count] = self._one(statement, "jurisdiction", *names)
        return self._caused[count]

    @cached_property
    def empty_key(self) -> str:
        """(salt, mac, jurisdiction, actor, key)."""
        statement = (
            sa.update(keys)
            .values({keys.c.salt: b("new_salt"), keys.c.mac: b("new_mac")})
            .where(keys.c.jurisdiction == b("in_"), keys.c.actor == b("of"), keys.c.key == b("under"))
        )
        return self._one(statement, "new_salt", "new_mac", "in_", "of", "under")

    def _keys(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        columns = [c for c in keys.columns if c.name != "jurisdiction"]
        here = keys.c.jurisdiction == b("jurisdiction")
        return sa.select(*columns).where(here, *conditions).order_by(keys.c.actor, keys.c.key).limit(b("limit"))

    @cached_property
    def keys_of(self) -> Prepared:
        """One actor's; those of all in one statement would read from the first on, on servers without row values."""
        statement = self._keys(keys.c.actor == b("actor"), keys.c.key > b("after"))
        return prepared(self.dialect, statement, ("jurisdiction", "actor", "after", "limit"))

    @cached_property
    def keys_beyond(self) -> Prepared:
        return prepared(self.dialect, self._keys(keys.c.actor > b("actor")), ("jurisdiction", "actor", "limit"))

    @cached_property
    def insert_key(self) -> str:
        return self._one(sa.insert(keys), *(c.name for c in keys.columns))

    # kinds

    @cached_property
    def all_kinds(self) -> str:
        return self._one(sa.select(tables.kinds.c.kind))

    # followers

    @cached_property
    def added(self) -> str:
        return self._one(sa.select(tables.added.c.kind, tables.added.c.field))

    @cached_property
    def cursor(self) -> str:
        c = cursors.c
        statement = sa.select(c.seq, c.version).where(c.jurisdiction == b("jurisdiction"), c.follower == b("follower"))
        return self._one(statement, "jurisdiction", "follower")

    @cached_property
    def cursors(self) -> str:
        c = cursors.c
        statement = sa.select(c.follower, c.seq, c.version).where(c.jurisdiction == b("jurisdiction"))
        return self._one(statement.order_by(c.follower), "jurisdiction")

    @cached_property
    def delete_cursor(self) -> str:
        c = cursors.c
        statement = sa.delete(cursors).where(c.jurisdiction == b("jurisdiction"), c.follower == b("follower"))
        return self._one(statement, "jurisdiction", "follower")

    @cached_property
    def insert_cursor(self) -> str:
        return self._one(sa.insert(cursors), *(c.name for c in cursors.columns))

    @cached_property
    def figure(self) -> str:
        c = figures.c
        statement = sa.select(c.row).where(c.jurisdiction == b("jurisdiction"), c.fold == b("fold"), c.key == b("key"))
        return self._one(statement, "jurisdiction", "fold", "key")

    def _figures(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        c = figures.c
        columns, here = [c.key, c.row], (c.jurisdiction == b("jurisdiction"), c.fold == b("fold"))
        return sa.select(*columns).where(*here, *conditions).order_by(c.key)

    @cached_property
    def figures(self) -> str:
        return self._one(self._figures(), "jurisdiction", "fold")

    @cached_property
    def first_figures(self) -> Prepared:
        return prepared(self.dialect, self._figures().limit(b("limit")), ("jurisdiction", "fold", "limit"))

    @cached_property
    def next_figures(self) -> Prepared:
        statement = self._figures(figures.c.key > b("after")).limit(b("limit"))
        return prepared(self.dialect, statement, ("jurisdiction", "fold", "after", "limit"))

    @cached_property
    def delete_figure(self) -> str:
        c = figures.c
        statement = sa.delete(figures).where(
            c.jurisdiction == b("jurisdiction"), c.fold == b("fold"), c.key == b("key")
        )
        return self._one(statement, "jurisdiction", "fold", "key")

    @cached_property
    def delete_figures(self) -> str:
        c = figures.c
        statement = sa.delete(figures).where(c.jurisdiction == b("jurisdiction"), c.fold == b("fold"))
        return self._one(statement, "jurisdiction", "fold")

    @cached_property
    def insert_figure(self) -> str:
        return self._one(sa.insert(figures), *(c.name for c in figures.columns))

    # a jurisdiction as a whole

    @cached_property
    def clear(self) -> tuple[str, ...]:
        """(jurisdiction) each: all but its head, its records and its followers."""
        return self._clear(journal, timers, keys)

    @cached_property
    def clear_followers(self) -> tuple[str, ...]:
        """(jurisdiction) each."""
        return self._clear(figures, cursors)

    def _clear(self, *kept: sa.Table) -> tuple[str, ...]:
        return tuple(
            self._one(sa.delete(table).where(table.c.jurisdiction == b("jurisdiction")), "jurisdiction")
            for table in kept
        )
