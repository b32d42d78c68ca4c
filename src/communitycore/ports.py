"""What an adapter must offer: small protocols, with what it can do said as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from attrs import Factory, define

from communitycore.kernel.errors import StoreUnusable
from communitycore.kernel.journal import Entry
from communitycore.kernel.query import Query
from communitycore.kernel.shape import Row, Shape
from communitycore.kernel.values import frozen


@frozen
class Head:
    """Where a jurisdiction's books stand; locking its row makes one writer at a time.

    code: in use today, unique among all heads. next_wake: the earliest moment a timer wants to run.
    standing: counts the changes of standing records. All times are `times.to_text` text.
    """

    id: str
    code: str
    seq: int
    hash: str
    last_at: str
    standing: int
    next_wake: str | None


@frozen
class Timer:
    """A command that waits for its moment, or a reaction that waits for its turn.

    due: the planned moment; wake: when to try, later than due after a failure. seq: of the entry that set it.
    source: empty for a timer, of which there is one a record and command; for a reaction its entry's seq.
    parked: why it is no longer tried, until a person looks.
    """

    due: str
    seq: int
    kind: str
    record: str
    command: str
    source: str
    cause: str
    behalf: str | None
    depth: int
    attempts: int
    wake: str
    parked: str | None

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it in its jurisdiction."""
        return self.record, self.command, self.source


@frozen
class Key:
    """An idempotency key: mac is over the call, under a salt of its own; result names the records given back.

    Both are empty once a record that the call touched was erased.
    """

    actor: str
    key: str
    cause: str
    salt: str
    mac: str
    result: str
    at: str


@define
class Batch:
    """All that one transaction writes for one jurisdiction.

    rows: what is new or changed, once a record: (shape, row, the version it must have now; 0: it must be new).
    entries: in the order of journal.FIELDS, then the hash. removed: keys of timers. emptied: (actor, key) of
    idempotency keys that stay, with an empty salt and an empty mac.
    """

    head: Head
    was: Head
    rows: list[tuple[Shape, Row, int]] = Factory(list)
    entries: list[tuple[Any, ...]] = Factory(list)
    timers: list[Timer] = Factory(list)
    removed: list[tuple[str, str, str]] = Factory(list)
    keys: list[Key] = Factory(list)
    emptied: list[tuple[str, str]] = Factory(list)


class Reading(Protocol):
    """Reads of one consistent state. Every method takes the jurisdiction's id; rows come in `Shape.columns` order."""

    def head(self, jurisdiction: str) -> Head | None:
        """Its head."""
        ...

    def heads(self, jurisdictions: Sequence[str] | None = None) -> list[Head]:
        """These heads, or all, ordered by id."""
        ...

    def get(self, shape: Shape, jurisdiction: str, id: str) -> Row | None:
        """One row."""
        ...

    def find(self, shape: Shape, jurisdiction: str, query: Query) -> list[Row]:
        """The found, ordered."""
        ...

    def entries(self, jurisdiction: str, after: int, limit: int) -> list[Entry]:
        """Entries with seq > after, in order."""
        ...

    def entries_of(self, jurisdiction: str, kind: str, record: str) -> list[Entry]:
        """One record's entries, in order."""
        ...

    def last_entries(self, jurisdiction: str, kind: str, records: Sequence[str]) -> dict[str, Entry]:
        """The last entry of each of these records (at most 1,000), notes included."""
        ...

    def caused(self, jurisdiction: str, cause: str) -> list[Entry]:
        """The entries of one cause."""
        ...

    def key(self, jurisdiction: str, actor: str, key: str) -> Key | None:
        """An idempotency key."""
        ...

    def keys_caused(self, jurisdiction: str, causes: Sequence[str]) -> list[Key]:
        """The idempotency keys of calls that had one of these causes, however many, ordered by actor and key."""
        ...

    def keys(self, jurisdiction: str, after: tuple[str, str] | None, limit: int) -> list[Key]:
        """Idempotency keys, ordered by actor and key; after: the (actor, key) that the page starts behind."""
        ...

    def timer(self, jurisdiction: str, key: tuple[str, str, str]) -> Timer | None:
        """One timer."""
        ...

    def timers_of(self, jurisdiction: str, record: str) -> list[Timer]:
        """All timers of one record, reactions not counted, ordered by command."""
        ...

    def timers(self, jurisdiction: str, until: str | None, limit: int) -> list[Timer]:
        """Timers not parked with wake <= until, ordered by due and seq; with None all, parked too."""
        ...

    def timers_after(self, jurisdiction: str, after: tuple[str, str, str] | None, limit: int) -> list[Timer]:
        """All timers, parked too, ordered by their keys; after: the key that the page starts behind."""
        ...

    def next_wake(self, jurisdiction: str, without: Sequence[tuple[str, str, str]]) -> str | None:
        """The earliest wake of the timers not parked, apart from those named."""
        ...

    def lacking(self) -> Mapping[str, frozenset[str]]:
        """Kind -> those of its fields with a default that rows of today's form may lack.

        A null stands in a column that was added after its row was written, and the hub reads a default there. Only
        the store knows where that may be so, and a search must know it.
        """
        ...

    def cursor(self, follower: str, jurisdiction: str) -> tuple[int, int]:
        """(seq, version) that this follower has reached; (0, 0) at first."""
        ...

    def cursors(self, jurisdiction: str) -> list[tuple[str, int, int]]:
        """(follower, seq, version) of all that have begun, ordered by follower."""
        ...

    def figure(self, fold: str, jurisdiction: str, key: str) -> str | None:
        """One row of a fold: JSON text."""
        ...

    def figures(
        self, fold: str, jurisdiction: str, after: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """Rows of a fold, ordered by key: all, or a page that starts behind the key `after`."""
        ...


class Writing(Reading, Protocol):
    """A transaction. It reads what was committed before it; nothing that it writes is seen before `commit`."""

    def lock(self, jurisdiction: str) -> Head | None:
        """Lock the head and read it; its first statement."""
        ...

    def found(self, head: Head) -> None:
        """A new head. Raises CodeTaken."""
        ...

    def write(self, batch: Batch) -> None:
        """Raises NotUnique for a unique value that another record holds, StaleStep if a version is not as said."""
        ...

    def fold(
        self, fold: str, jurisdiction: str, rows: Mapping[str, str | None], seq: int, version: int, *, anew: bool
    ) -> None:
        """A fold's changed rows (None deletes) with its cursor; anew: all older rows go first.

        A cursor of (0, 0) is kept nowhere.
        """
        ...

    def bring(self, batch: Batch) -> None:
        """Part of a jurisdiction that comes from elsewhere: all of it new, and its head not written.

        Without a head it is seen by nobody who does not know its id; `found` gives it one.
        Raises NotUnique, StaleStep, KeyReused for rows, entries and keys that are there already.
        """
        ...

    def forget(self, jurisdiction: str) -> None:
        """Remove all that was brought of a jurisdiction that has no head; of one that has, nothing."""
        ...

    def commit(self) -> None:
        """Make it durable. Without it, leaving the context keeps nothing.

        Raises OutcomeUnknown if the store may or may not have kept it.
        """
        ...


class Store(Protocol):
    """Where jurisdictions are kept. capabilities: name -> True, or the reason why not, as text.

    threads, processes: several may use it at once. durable: what was committed outlives a power cut.
    parallel: transactions in two jurisdictions do not wait for each other; where they do, one transaction may write
    in several, which are locked in the order of their ids. scrub: see there.
    """

    url: str
    capabilities: Mapping[str, bool | str]

    def prepare(self, shapes: Iterable[Shape]) -> None:
        """Make or extend the tables for these kinds. Raises StoreUnusable where that is not enough."""
        ...

    def reading(self) -> AbstractContextManager[Reading]:
        """A read snapshot of one moment, between its opening and its first read, that waits for no writer."""
        ...

    def writing(self, *, wait: bool = True) -> AbstractContextManager[Writing]:
        """A write transaction. Raises StoreBusy at once if not `wait` and another writes."""
        ...

    def scrub(self) -> None:
        """Rewrite what it keeps, so that no byte is left of values that were overwritten; may take long.

        The capability `scrub` is the reason, where something beyond this store's reach may still hold them.
        Raises StoreBusy if another holds on to an old state, StoreUnusable if it may only be read.
        """
        ...

    def close(self) -> None:
        """Give everything back; no call may be under way."""
        ...


@frozen
class Planned:
    """One thing that a store would do to take in a set of kinds. what: table, column, index, number and so on.

    name: of what. statement: how, in the store's own language.
    """

    what: str
    name: str
    statement: str


@frozen
class Plan:
    """What a store would do to take in a set of kinds, and what its rows need then.

    steps: in order. obstacles: why that is not enough; nothing is done while there is one. older: kind -> schema
    number -> how many rows are still of that form. lacking: kind -> field -> how many rows were written before it was
    added and read as its default.
    """

    steps: tuple[Planned, ...] = ()
    obstacles: tuple[StoreUnusable, ...] = ()
    older: Mapping[str, Mapping[int, int]] = Factory(dict)
    lacking: Mapping[str, Mapping[str, int]] = Factory(dict)


@runtime_checkable
class Migrating(Protocol):
    """What a store offers besides, for `communitycore migrate`; one whose kinds never change may leave it out."""

    def plan(self, shapes: Iterable[Shape]) -> Plan:
        """What `prepare` would do for these kinds; changes nothing."""
        ...

    def note(self, lacking: Mapping[str, frozenset[str]]) -> None:
        """There are rows from elsewhere that lack these fields of these kinds: `Reading.lacking` is to say so."""
        ...

    def settle(self) -> None:
        """Look whether rows still lack what `Reading.lacking` says, and forget of it what none does."""
        ...
