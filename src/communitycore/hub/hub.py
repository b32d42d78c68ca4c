"""The hub: one open store with its rooms, clock and chance; every change goes through `carry_out`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from communitycore.hub import telling
from communitycore.hub.authority import Authority
from communitycore.hub.bodies import Bodies
from communitycore.hub.catalogue import Catalogue
from communitycore.hub.desk import Desk, Outcome
from communitycore.hub.directory import Directory
from communitycore.hub.office import Office
from communitycore.hub.road import CALLS_TOGETHER, Road
from communitycore.hub.wakes import Wakes
from communitycore.kernel import times
from communitycore.kernel.classify import Classified, Classifier, classify
from communitycore.kernel.command import Call, Fold, Read, Room, Veto
from communitycore.kernel.errors import BadValue, Mistake, NotAllowed, NotFound, StoreError
from communitycore.kernel.ids import SYSTEM, Draw, JurisdictionId, Ref, check_id
from communitycore.kernel.journal import Entry
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.jurisdiction import Jurisdiction, move
from communitycore.kernel.query import Where
from communitycore.kernel.record import Kind, Record
from communitycore.kernel.shape import Shape
from communitycore.kernel.view import View
from communitycore.plugins import without_password
from communitycore.ports import Reading, Store, Timer

if TYPE_CHECKING:
    from communitycore.hub.certificate import Certificate
    from communitycore.hub.erasing import Erasing, Holding
    from communitycore.hub.parcel import Contents
    from communitycore.hub.report import Anchor, Checkpoint, Progress, Report
    from communitycore.hub.upcasting import Upcasted
    from communitycore.kernel.geometry import Area, Point

T = TypeVar("T")
K = TypeVar("K")
I = TypeVar("I", bound=str)  # noqa: E741 - an id's type
R = TypeVar("R", bound=Record[Any])


class Hub:
    """One store with its rooms. Threads may share it; each call is a transaction of its own.

    Made by `communitycore.open`. Close it when done, or use it as a context.
    """

    def __init__(
        self,
        store: Store,
        rooms: Iterable[Room],
        *,
        vetoes: Iterable[Veto] = (),
        classifiers: Iterable[Classifier] = (),
        clock: times.Clock = times.system_clock,
        entropy: times.Entropy = times.system_entropy,
        check: bool = False,
    ) -> None:
        self.catalogue = Catalogue((JURISDICTIONS, *rooms), vetoes)
        self.classifiers = tuple(classifiers)
        if check:
            self.catalogue.check()
        self.clock = clock
        self.entropy = entropy
        self._office = Office(store, self.catalogue, clock, entropy)
        self._directory = Directory(lambda: self.store)
        self._bodies = Bodies(self._office, self._directory)
        self._office.guard = self._bodies.check
        self._road = Road(self._office)
        self._wakes = Wakes(self._office)
        store.prepare(self.catalogue.shapes.values())
        if "logging" in sys.modules:
            names = ",".join(room.name for room in self.catalogue.rooms)
            telling.tell(telling.INFO, "opened", store=without_password(store.url), rooms=names)

    @property
    def store(self) -> Store:
        """Where it keeps everything. Raises Mistake in a process that inherited this hub through fork."""
        return self._office.store

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the store back. No call may be under way."""
        self._office.close()

    # jurisdictions

    def found(
        self,
        code: str,
        *,
        name: str,
        level: str,
        first: Ref | None = None,
        parent: str | None = None,
        zone: str = "Asia/Shanghai",
        since: date | None = None,
        extent: Area | None = None,
    ) -> Jurisdiction:
        """Found a jurisdiction: its head, its record, and the first grant of administrator.

        code: in use from `since` (today, unless given). parent: a code or id. first: who administers it;
        left out for a new one, who then is `Ref(jurisdiction.id, ...)` as `hub.administrator` tells.
        level: a word of the room `places`. extent: where it lies, WGS-84; given, never computed from grids.
        Raises CodeTaken, UnknownCode, BadValue.
        """
        body, reacts = self._bodies.found(
            code,
            name=name,
            level=level,
            first=first,
            above=None if parent is None else self.resolve(parent),
            zone=zone,
            since=since,
            extent=extent,
        )
        if reacts:
            self._react_now(body.id)
        return body

    def move(self, code: str, *, parent: str, since: date, actor: Ref) -> Jurisdiction:
        """Put a jurisdiction under another parent from `since` on, as an administrator of it.

        Raises UnknownCode, NotAllowed, BadValue for a parent that stands below it; and what rooms refuse by level.
        """
        return self.desk(code, actor).do(move, parent=self.resolve(parent), since=since)

    def resolve(self, code: str) -> JurisdictionId:
        """The id of the jurisdiction with this id, or that uses this code today. Raises UnknownCode."""
        return self._directory.resolve(code, self.clock())

    def jurisdictions(self) -> list[Jurisdiction]:
        """All jurisdictions, by id."""
        return self._directory.all()

    def administrator(self, code: str) -> Ref:
        """The first administrator of a jurisdiction: the holder of the grant that founded it."""
        id = self.resolve(code)
        with self.store.reading() as tx:
            entries = tx.entries(id, 0, 2)
        holder: str = entries[1].changes()["holder"]
        return Ref.parse(holder)

    def locate(self, point: Point) -> tuple[JurisdictionId, ...]:
        """The lowest jurisdictions whose extent contains the point: none, one, or, on a border, all of them."""
        return self._directory.locate(point, self.clock())

    def desk(self, code: str, actor: Ref) -> Desk:
        """A desk for `actor` in the jurisdiction with this id or that uses this code today.

        Raises UnknownCode; BadValue for an actor that is no one.
        """
        if actor.jurisdiction == SYSTEM:
            raise BadValue(field="actor", why="the system sits at no desk", why_zh="系统不在办事台前")
        check_id(actor.jurisdiction, "actor")
        check_id(actor.id, "actor")
        return Desk(self, self.resolve(code), actor)

    # the road

    def carry_out(self, desk: Desk, call: Call[T]) -> T:
        """Do one call; see Desk.do."""
        value, reacts = self._road.do(desk, call)
        if reacts:
            self._react_now(desk.jurisdiction)
        return value

    def carry_out_many(self, desk: Desk, calls: Sequence[Call[T]]) -> list[Outcome[T]]:
        """Do independent calls in order; see Desk.do_many."""
        outcomes: list[Outcome[T]] = []
        for start in range(0, len(calls), CALLS_TOGETHER):
            more, reacts = self._road.do_many(desk, calls[start : start + CALLS_TOGETHER])
            outcomes += more
            if reacts:
                self._react_now(desk.jurisdiction)
        return outcomes

    def became(self, desk: Desk) -> Outcome[Any] | None:
        """See Desk.became."""
        if desk.key is None:
            raise Mistake("ask what became of a call at the desk it was made at: desk.keyed(key).became()")
        draw = Draw(b"", times.aware(self.clock(), "clock"))
        with self.store.reading() as tx:
            session = self._office.looking(tx, desk.jurisdiction, draw)
            given = session.became(desk.key, session.view(desk.actor, draw))
        return None if given is None else Outcome(given[0])

    # timers and reactions

    def run_due(self, code: str | None = None, *, limit: int | None = None) -> int:
        """Run what is due, reactions included, in order of (due, seq); gives how many ran.

        code: in this jurisdiction alone; otherwise in every one. Raises UnknownCode.
        """
        if code is None:
            return self._wakes.run_due(limit)
        return self._wakes.drain(self.resolve(code), limit=limit)

    def react(self, jurisdiction: str) -> int:
        """Run the reactions that wait in one jurisdiction; gives how many ran."""
        return self._wakes.drain(jurisdiction, reactions_only=True)

    def parked(self, code: str) -> list[Timer]:
        """Timers and reactions whose command failed with a bug, and that wait for a person."""
        with self.store.reading() as tx:
            return [t for t in tx.timers(self.resolve(code), None, 1_000) if t.parked is not None]

    # earlier forms

    def upcast(self, progress: Callable[[int], object] | None = None) -> Upcasted:
        """Step every row of an earlier form, and every one that lacks an added field, into today's form.

        Each by the system, with an entry `kind.upcast`, at most 1,000 a transaction. It may be broken off and begun
        again at any time; searches are right before, during and after. progress: called with how many were stepped.
        """
        from communitycore.hub.upcasting import upcast

        return upcast(self._office, progress)

    # reading

    def read_one(self, desk: Desk, kind: Kind[K, I], id: I) -> K:
        """See Desk.get."""
        with self._looking(desk) as (_, view, authority):
            record = view.get(kind, id)
            self._must_read(authority, record)
            return record

    def answer(self, desk: Desk, call: Call[T]) -> T:
        """See Desk.ask."""
        with self._looking(desk) as (_, view, authority):
            if not isinstance(call.command, Read):
                raise Mistake(f"{call.command.name} is a command; do it instead of asking it")
            authority.check(call)
            answer: T = call.command.function(view, *call.args, **call.kwargs)
            return answer

    def read_many(
        self,
        desk: Desk,
        kind: type[R],
        conditions: Sequence[Where],
        *,
        limit: int,
        order: Any,
        descending: bool,
        after: R | None,
    ) -> list[R]:
        """See Desk.find."""
        shape = kind.__shape__
        with self._looking(desk) as (_, view, authority):
            if not authority.reads_some(shape):
                raise NotAllowed(actor=str(desk.actor), what=f"read {shape.kind}", rule=shape.read)
            found: list[R] = []
            while True:
                page = view.find(kind, *conditions, limit=limit, order=order, descending=descending, after=after)
                found += [record for record in page if authority.reads(shape, record)]
                if len(page) < limit or len(found) >= limit:
                    return found[:limit]
                after = page[-1]

    def history(self, desk: Desk, kind: Kind[K, I], id: I) -> list[Entry]:
        """See Desk.history."""
        shape: Shape = kind.__shape__  # type: ignore[attr-defined]  # Kind is for checkers alone; @record sets the shape
        with self._looking(desk) as (tx, view, authority):
            record = view.get(kind, id)
            self._must_read(authority, record)
            entries = tx.entries_of(desk.jurisdiction, shape.kind, id)
            if not entries:
                raise NotFound(kind=shape.kind, id=str(id))  # it stands above, where its history is
            shown = (authority.shown(shape, record, entry) for entry in entries)
            return [entry for entry in shown if entry is not None]

    def figures(self, desk: Desk, fold: Fold) -> list[tuple[str, Any]]:
        """See Desk.figures."""
        from communitycore.hub.followers import catch_up

        with self._looking(desk) as (_, _view, authority):
            if not authority.reads_rule(fold.read):
                raise NotAllowed(actor=str(desk.actor), what=f"read {fold.name}", rule=fold.read)
        catch_up(self.store, fold, desk.jurisdiction)
        with self.store.reading() as tx:
            return [(key, json.loads(text)) for key, text in tx.figures(fold.name, desk.jurisdiction)]

    def classify(self, text: str, choices: Mapping[str, str]) -> Classified:
        """What the classifiers of installed plug-ins suggest of a text, such as a ticket's category.

        choices: id -> what it is called, for instance `desk.ask(tickets.choices)`. Nothing is kept or decided.
        """
        return classify(self.classifiers, text, choices)

    # erasing

    def holdings(self, party: Ref, *, actor: Ref) -> tuple[Holding, ...]:
        """What is held of a person in each jurisdiction where the actor may erase them: how much, not what it says.

        Raises NotFound, NotAllowed.
        """
        return self._erasing(actor).holdings(party, actor)

    def erase(self, party: Ref, *, actor: Ref, reason: str, progress: Progress | None = None) -> Certificate:
        """Erase what is personal of a person 删除个人信息, here and wherever `same_as` says it is the same person.

        In every jurisdiction where the actor is an administrator, or the person themselves; at most 1,000 records a
        transaction. Done again after it was broken off it goes on, and done again after that it changes nothing. What
        the law has kept stays, and can be erased later. reason: kept in the journal for ever; a request's number.
        progress: called with how many records are done, and how many there are.
        Raises NotFound, NotAllowed; BadValue for a reason that is blank or repeats what is to be erased.
        """
        return self._erasing(actor).erase(party, actor, reason, progress)

    def scrub(self) -> None:
        """Have the store rewritten, so that no byte of what was erased is left in it; may take long.

        `store.capabilities["scrub"]` says what is beyond its reach, if anything is.
        Raises StoreBusy, StoreUnusable.
        """
        self._office.standing.forget()
        self.store.scrub()

    def _erasing(self, actor: Ref) -> Erasing:
        from communitycore.hub.erasing import Erasing

        return Erasing(self._office, lambda place: self.desk(place, actor), self.carry_out)

    # proof

    def verify(
        self,
        anchor: Anchor | None = None,
        progress: Progress | None = None,
        *,
        resume: Checkpoint | None = None,
        keep: Callable[[Checkpoint], None] | None = None,
    ) -> Report:
        """Check chain, rows and timers of every jurisdiction; with an anchor also for a cut tail or an old state.

        progress: told how many entries are checked, and of how many. keep: given a checkpoint after each page.
        resume: the last one of a verification that was broken off, which goes on from there.
        """
        from communitycore.hub.verify import verify

        return verify(self.store, self.catalogue, anchor, progress, resume=resume, keep=keep)

    def anchor(self) -> Anchor:
        """Where every journal stands now: keep it where this store's keepers cannot write."""
        from communitycore.hub.report import Anchor

        with self.store.reading() as tx:
            return Anchor({head.id: (head.seq, head.hash) for head in tx.heads()})

    # moving house

    def export(self, code: str, file: BinaryIO, *, progress: Progress | None = None) -> Contents:
        """Write a jurisdiction to `file`, all of it and as it stands now: for operators, not for actors.

        The stream holds personal data and the salts that hide it in the journal: keep it as you keep the store.
        progress: told how many records are written, and of how many as far as is known.
        Raises UnknownCode; Damaged for a journal that does not hold; Mistake where the room of a kind is not open.
        """
        from communitycore.hub.export import export

        at = times.to_text(times.aware(self.clock(), "clock"))
        return export(self.store, self.catalogue, self.resolve(code), file, at, progress)

    def take_in(self, file: BinaryIO, *, progress: Progress | None = None, anchor: Anchor | None = None) -> Contents:
        """Take in the jurisdiction that `export` wrote to `file`, with its timers, keys and figures.

        Nobody sees it before all of it is here and verified. Broken off, it goes on where it stopped when it is given
        the same file again; `discard` removes what it left instead. anchor: one kept elsewhere, to hold it against.
        Raises AlreadyHere, CodeTaken, ExportUnfit, ExportDamaged; OtherExport where another file was begun.
        """
        from communitycore.hub.taking_in import take_in

        return take_in(self.store, self.catalogue, self._directory, file, progress, anchor)

    def discard(self, jurisdiction: str) -> None:
        """Remove what taking in the jurisdiction of this id left when it was broken off.

        Raises AlreadyHere for one that is whole: such a one is never removed.
        """
        from communitycore.hub.taking_in import discard

        discard(self.store, jurisdiction)

    def journal(self, code: str, after: int = 0, limit: int = 1_000) -> list[Entry]:
        """Entries of one jurisdiction with seq > after: for operators and followers, not for actors."""
        id = self.resolve(code)
        with self.store.reading() as tx:
            return tx.entries(id, after, limit)

    # inside

    def _react_now(self, jurisdiction: str) -> None:
        """What is durable is told as done, even if the store fails now: the reactions wait for run_due."""
        with suppress(StoreError):
            self.react(jurisdiction)

    @contextmanager
    def _looking(self, desk: Desk) -> Iterator[tuple[Reading, View, Authority]]:
        draw = Draw(b"", times.aware(self.clock(), "clock"))  # a reading draws no chance
        with self.store.reading() as tx:
            session = self._office.looking(tx, desk.jurisdiction, draw)
            view = session.view(desk.actor, draw)
            yield tx, view, Authority(session, self.catalogue, view)

    def _must_read(self, authority: Authority, record: Any) -> None:
        shape: Shape = record.__shape__
        if not authority.reads(shape, record):
            raise NotAllowed(actor=str(authority.actor), what=f"read {shape.kind}", rule=shape.read)
