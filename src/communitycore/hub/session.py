"""One transaction's work in one jurisdiction: calls are decided and collected here, then written at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any

from attrs import evolve

from communitycore.hub import telling
from communitycore.hub.authority import _GRANT, Authority, grants_by_holder
from communitycore.hub.catalogue import Catalogue
from communitycore.hub.clearing import clear
from communitycore.hub.forms import any_older, find_all
from communitycore.hub.standing import Standing, StandingCache
from communitycore.kernel import convert, times
from communitycore.kernel.change import Change, Step, note
from communitycore.kernel.command import Call, Command
from communitycore.kernel.erasure import resalted
from communitycore.kernel.errors import (
    KeyErased,
    KeyReused,
    Mistake,
    NotAllowed,
    NotUnique,
    Refused,
    StaleStep,
    StoreError,
    TooMuch,
    UnknownVeto,
    VetoFailed,
    VetoMissing,
)
from communitycore.kernel.ids import Draw, JurisdictionId, Ref, system
from communitycore.kernel.journal import FORMAT, chain_hash, state_digest
from communitycore.kernel.jurisdiction import Jurisdiction, VetoInForce, vetoes_in_force
from communitycore.kernel.query import Query, Test
from communitycore.kernel.record import Record, shape_of
from communitycore.kernel.shape import ERASED, INDEXED_MAX, Row, Shape, check_text
from communitycore.kernel.view import Held, Layer, View
from communitycore.ports import Batch, Head, Key, Reading, Timer

_remember = object.__setattr__  # a record is frozen, but for the row it knows, whose salt tells what was erased
TOUCH_MAX = 1_000
DEPTH_MAX = 16
_JURISDICTION = shape_of(Jurisdiction)
_VETO = shape_of(VetoInForce)

Cause = tuple[str, str | None, int]
Guard = Callable[[Jurisdiction, Jurisdiction], None]


class Base:
    """The committed state under a session's own changes; see view.Source."""

    __slots__ = (
        *("_cache", "_found", "_free", "_lacking", "_levels", "_older", "_own"),
        *("consulted", "head", "moment", "tx"),
    )

    def __init__(self, tx: Reading, head: Head, cache: StandingCache, moment: datetime) -> None:
        self.moment = moment
        self.tx = tx
        self.head = head
        self.consulted = False
        self._cache = cache
        self._own = cache.at(head.id, head.standing)
        self._levels: list[Standing] | None = None
        self._found: dict[tuple[str, str], Held | None] = {}
        self._free: dict[tuple[str, int, Any], None] = {}
        self._lacking = cache.lacking(tx, head.id)
        self._older: dict[str, bool] = {}

    def load(self, shape: Shape, id: str) -> Held | None:
        if shape.standing:
            held = self._own.kind(self.tx, shape).get(id)
            return held if held is not None else self._load_above(shape, id)
        key = (shape.kind, id)
        if key in self._found:
            return self._found[key]
        row = self.tx.get(shape, self.head.id, id)
        held = self._found[key] = None if row is None else self._cache.recent.read(shape, self.head.id, row)
        return held

    def _load_above(self, shape: Shape, id: str) -> Held | None:
        for standing in self.levels()[1:]:
            if (held := standing.kind(self.tx, shape).get(id)) is not None:
                return held
        return None

    def load_here(self, shape: Shape, id: str) -> Held | None:
        """Like load, but never from an ancestor."""
        return self._own.kind(self.tx, shape).get(id) if shape.standing else self.load(shape, id)

    def query(self, shape: Shape, query: Query) -> list[Held]:
        if shape.standing:
            held = {h[1]: h for h in self._own.kind(self.tx, shape).values()}
            return [held[row] for row in query.pick(held, self.form(shape))]
        test = query.tests[0] if len(query.tests) == 1 else None
        probe = None
        if test is not None and test.test == "=" and test.column in shape.unique and query.after is None:
            probe = (shape.kind, test.column, test.value)
            if probe in self._free:
                return []
        found = []
        for row in self._rows(shape, query):
            key = (shape.kind, row[0])
            known = self._found.get(key)
            if known is None:
                known = self._found[key] = self._cache.recent.read(shape, self.head.id, row)
            found.append(known)
        if probe is not None and not found:
            self._free[probe] = None
        return found

    def _rows(self, shape: Shape, query: Query) -> list[Row]:
        if self.form(shape) is None:
            return self.tx.find(shape, self.head.id, query)
        older = self._older.get(shape.kind)
        if older is None:
            older = shape.history is not None and any_older(self.tx, shape, self.head.id)
            self._older[shape.kind] = older
        return find_all(self.tx, shape, self.head.id, query, self._lacking.get(shape.kind, ()), older=older)

    def form(self, shape: Shape) -> Callable[[Row], Row] | None:
        return None if shape.history is None and shape.kind not in self._lacking else shape.filled

    def is_free(self, shape: Shape, column: int, value: Any) -> bool:
        """Whether a unique value was looked for and not found; a command does, then the hub before it takes it."""
        return (shape.kind, column, value) in self._free

    def here(self, shape: Shape) -> tuple[Any, ...]:
        return self._own.all(self.tx, shape)

    def above(self, shape: Shape) -> list[tuple[Any, ...]]:
        return [standing.all(self.tx, shape) for standing in self.levels()]

    def derive(self, build: Callable[[tuple[Any, ...]], Any], shape: Shape) -> Any:
        return self._own.derive(self.tx, build, shape)

    def levels(self) -> list[Standing]:
        """The standing records here, at the parent, and so on up; ancestors as they are now, unlocked."""
        if self._levels is None:
            levels, seen = [self._own], {self.head.id}
            while True:
                below = levels[-1]
                held = below.kind(self.tx, _JURISDICTION).get(below.jurisdiction)
                parent = None if held is None else held[0].parent(self.moment)
                if parent is None or parent in seen or (head := self.tx.head(parent)) is None:
                    break
                seen.add(parent)
                levels.append(self._cache.at(parent, head.standing))
            self._levels = levels
        self.consulted = self.consulted or len(self._levels) > 1
        return self._levels

    def counts(self) -> str | None:
        """What an entry notes of the ancestors that were consulted."""
        if not self.consulted or self._levels is None:
            return None
        return convert.to_text([[level.jurisdiction, level.count] for level in self._levels[1:]])


class Session:
    """Calls decided one after another in one transaction; each sees those accepted before it.

    guard: told of every change of the jurisdiction itself, to refuse what its neighbours rule out.
    """

    def __init__(
        self,
        tx: Reading,
        head: Head,
        cache: StandingCache,
        catalogue: Catalogue,
        moment: datetime,
        guard: Guard | None = None,
    ) -> None:
        self.tx = tx
        self._guard = guard
        self.was = head
        self.base = Base(tx, head, cache, moment)
        self.layer = Layer(self.base)
        self.reacts = False
        self._cache = cache
        self._catalogue = catalogue
        self._seq, self._hash, self._last = head.seq, head.hash, head.last_at
        self._rows: dict[tuple[str, str], tuple[Shape, Row, int, Any]] = {}
        self._entries: list[tuple[Any, ...]] = []
        self._timers: dict[tuple[str, str, str], Timer | None] = {}
        self._keys: dict[tuple[str, str], Key] = {}
        self._erased: dict[tuple[str, str], None] = {}  # (kind, id)
        self._vetoes: tuple[str, ...] | None = None  # the names of those in force, once asked for
        self._moves = False  # a standing record was changed
        self._standing: Standing | None = None

    # what authority asks

    def grants_above(self) -> Any:
        """Indexes of grants by holder, level by level up from the parent."""
        for standing in self.base.levels()[1:]:
            yield standing.derive(self.tx, grants_by_holder, _GRANT)

    def view(self, actor: Ref, draw: Draw, due: Any = None) -> View:
        """A view for `actor`, at the draw's time or the jurisdiction's last, whichever is later."""
        now, stamp = draw.at, draw.stamp
        if stamp < self._last:
            stamp = self._last
            now = times.from_text(stamp)
        return View(
            self.layer, draw, jurisdiction=JurisdictionId(self.was.id), actor=actor, now=now, due=due, stamp=stamp
        )

    # the road

    def run(self, call: Call[Any], actor: Ref, draw: Draw) -> Any:
        """Authorise, decide and accept one call. Whatever it raises, nothing of it stays."""
        cause = draw.id()
        view = self.view(actor, draw)
        if call.key is not None and (kept := self._kept(str(actor), call.key)) is not None:
            return self._repeat(kept, call, view)
        grant = Authority(self, self._catalogue, view).check(call)
        change = call.command.function(view, *call.args, **call.kwargs)
        if isinstance(call.command, Command) and call.command.reveals:
            _check_revealed(change, call.command)
        if self._vetoes is None:
            self._vetoes = view.derive(vetoes_in_force, VetoInForce)
        if self._vetoes:
            self._ask(self._vetoes, call, change, view)
        key = None
        if call.key is not None:  # made first: once accepted, nothing may fail
            salt, by = draw.salt(), str(actor)
            check_text(call.key, "key", INDEXED_MAX)
            key = Key(by, call.key, cause, salt, _mac(salt, call), _named(change.result), view.stamp)
        self._accept(change, call, view, draw, (cause, None, 0), grant)
        if key is not None:
            self._keys[key.actor, key.key] = key
        return change.result

    def _ask(self, names: tuple[str, ...], call: Call[Any], change: Change[Any], view: View) -> None:
        """Ask the vetoes in force here about a change, unless it is of those by which they are lifted."""
        if not self._catalogue.vetoable(call.command):
            return
        for name in names:
            veto = self._catalogue.vetoes.get(name)
            if veto is None:
                raise VetoMissing(veto=name)
            for one in change.steps:
                if one.name in veto.on:
                    try:
                        veto.check(view, one)
                    except (Refused, StoreError):
                        raise
                    except Exception as bug:
                        telling.bug(
                            "a veto failed", bug, veto=name, jurisdiction=self.was.id, command=call.command.name
                        )
                        raise VetoFailed(veto=name, why=type(bug).__name__) from bug

    def accept_founding(self, change: Change[Any], view: View, draw: Draw, cause: str) -> None:
        """Take in the first change of a jurisdiction, which no grant can precede."""
        self._accept(change, None, view, draw, (cause, None, 0), None)

    def accept_upcast(self, change: Change[Any], view: View, draw: Draw, cause: str) -> None:
        """Take in a step that brings a row into today's form and says nothing new."""
        self._accept(change, None, view, draw, (cause, None, 0), None)

    def timer(self, key: tuple[str, str, str]) -> Timer | None:
        """A timer as it stands after what was accepted here."""
        return self._timers[key] if key in self._timers else self.tx.timer(self.was.id, key)

    @property
    def touched(self) -> int:
        """How many records were changed."""
        return len(self._rows)

    def set_aside(self, timer: Timer, draw: Draw) -> None:
        """Keep a timer for later, or parked, with an entry that says so."""
        draw.id()  # entries are numbered after it
        view = self.view(_runner(timer), draw)
        try:
            about = self._noted(timer)
        except Mistake:  # the room of its record is not open, which may be why it failed
            about = self.layer.load(_JURISDICTION, self.was.id)[0]  # type: ignore[index]  # a jurisdiction has its record
        told = note("timer.parked" if timer.parked is not None else "timer.put_off", about, command=timer.command)
        why = (timer.cause, timer.behalf, timer.depth + 1)
        self._accept(told, None, view, draw, why, None, aside=timer)

    def run_timer(self, timer: Timer, draw: Draw) -> None:
        """Run a timer's or a reaction's command as the system, in the transaction that removes it.

        Refused: it is removed, with an entry that says so. Any other exception is a bug and passes through.
        """
        reaction = self._catalogue.reactions.get(timer.command) if timer.source else None
        command = reaction.run if reaction is not None else self._catalogue.commands.get(timer.command)
        if command is None:
            raise Mistake(
                f"no open room has the command {timer.command} of a timer; open the hub with the room that does"
            )
        draw.id()  # entries are numbered after it, as those of a call are after its cause
        view = self.view(_runner(timer), draw, times.from_text(timer.due))
        call: Call[Any] = Call(command, (timer.record,), {})
        why: tuple[str, str, int] = (timer.cause, timer.behalf, timer.depth + 1)  # type: ignore[assignment]  # a timer that runs has its cause
        told: Change[Any]
        try:
            Authority(self, self._catalogue, view).check(call)
            change = command.function(view, timer.record)
            if change.steps:
                self._accept(change, call, view, draw, why, None, timer.key)
                return
            told = note("timer.passed", self._noted(timer), command=timer.command)
        except Refused as refused:
            told = note("timer.refused", self._noted(timer), command=timer.command, code=refused.code)
        self._accept(told, call, view, draw, why, None, timer.key)

    def _noted(self, timer: Timer) -> Record[Any]:
        shape = self._catalogue.shape(timer.kind)
        held = self.layer.load(shape, timer.record)
        if held is None:
            raise Mistake(f"the {timer.kind} {timer.record} of a timer is gone")
        record: Record[Any] = held[0]
        return record

    def _accept(
        self,
        change: Change[Any],
        call: Call[Any] | None,
        view: View,
        draw: Draw,
        cause: Cause,
        grant: str | None,
        fired: tuple[str, str, str] | None = None,
        aside: Timer | None = None,
    ) -> None:
        """Make rows, entries and timers of a change; only when all are made does the session take them in."""
        steps = change.steps
        if len(steps) > TOUCH_MAX:
            touched = len({(s.shape.kind, s.after.id) for s in steps})
            if touched > TOUCH_MAX:
                raise TooMuch(limit=TOUCH_MAX, count=touched)
        if not steps:
            if change.timers:
                raise Mistake("timers without a step; set them where the step is made")
            return
        at, by = view.stamp, str(view.actor)
        behalf = cause[1] or by
        timers = self._timers_of(change, steps, cause[0], behalf)
        if fired is not None:
            # The command may have set the very timer that fired anew.
            timers.setdefault(fired, None)
        told = _told(change, timers, fired) if timers else {}
        if aside is not None:
            timers[aside.key] = aside
            told[steps[0].shape.kind, steps[0].after.id] = [_set_aside(aside, steps[0].after.id)]
        occurred = at if call is None or call.occurred_at is None else times.to_text(call.occurred_at, "occurred_at")
        above = self.base.counts() if self.base.consulted else None
        rows: dict[tuple[str, str], tuple[Shape, Row, int, Any]] = {}
        entries: list[tuple[Any, ...]] = []
        told_at: dict[tuple[str, str], int] = {}
        erased: list[tuple[str, str]] = []
        seq, hash, here, by_entry = self._seq, self._hash, self.was.id, self._catalogue.by_entry
        for s in steps:
            shape, id, row = s.shape, s.after.id, s.row
            key = (shape.kind, id)
            earlier = rows.get(key)
            current = earlier[1] if earlier is not None else self._current(s, key, draw)
            if row is None:
                version, difference, schema = current[1], s.details, current[2]  # type: ignore[index]  # what a note is of is held
                text = shape.text(current)  # type: ignore[arg-type]  # the same
                digest = state_digest(shape, current, text)  # type: ignore[arg-type]  # the same
            else:
                version, schema = row[1], row[2]
                if current is None:
                    if shape.salted:
                        row = (*row[:3], draw.salt(), *row[4:])
                        _remember(s.after, "__row__", row)
                    difference = text = shape.text(row)
                    expected = 0
                else:
                    if current[1] + 1 != version:
                        raise StaleStep(kind=shape.kind, id=id, before=version - 1, current=current[1])
                    if shape.salted:
                        if current[3] and row[3] is None:
                            row = (*row[:3], current[3], *row[4:])
                        else:
                            if row[3] == ERASED:
                                erased.append(key)
                            row = resalted(shape, row, current, draw.salt)
                        _remember(s.after, "__row__", row)
                    difference, text = shape.difference(current, row), shape.text(row)
                    known = self._rows.get(key) if earlier is None else earlier
                    expected = current[1] if known is None else known[2]
                if shape.unique:
                    self._check_unique(shape, row, current, rows)
                if shape is _VETO and s.after.in_force and s.after.name not in self._catalogue.vetoes:  # type: ignore[attr-defined]  # the shape says what it is
                    raise UnknownVeto(veto=s.after.name, known=tuple(sorted(self._catalogue.vetoes)))  # type: ignore[attr-defined]  # the same
                if shape is _JURISDICTION and s.before is not None and self._guard is not None:
                    self._guard(s.before, s.after)  # type: ignore[arg-type]  # the shape says what they are
                rows[key] = (shape, row, expected, s.after)
                digest = state_digest(shape, row, text)
            seq += 1
            if said := told.pop(key, None) if told else None:
                told_at[key] = seq
            if (reactions := by_entry.get(s.name)) is not None:
                said = said or []
                for reaction in reactions:
                    said.append(f"!{reaction.name}")
                    made = self._react(timers, reaction.name, s, seq, at, cause, behalf)
                    if made.parked is not None:
                        said.append(_set_aside(made, id))
            values = (
                FORMAT,
                here,
                seq,
                draw.entry_id(),
                at,
                occurred,
                by,
                cause[1],
                cause[0],
                s.name,
                shape.kind,
                schema,
                id,
                version,
                difference,
                digest,
                above,
                grant,
                None if said is None else convert.to_text(said),
            )
            hash = chain_hash(hash, values)
            entries.append((*values, hash))
        if told:
            raise Mistake("a timer for a record that the change does not touch")
        # From here on nothing can fail.
        self._seq, self._hash = seq, hash
        if at > self._last:
            self._last = at
        self._entries += entries
        self._rows.update(rows)
        if erased:
            self._erased.update(dict.fromkeys(erased))
        for shape, row, _, record in rows.values():
            self.layer.put(shape, record, row)
            if shape.standing:
                self._moves = True
                if shape is _VETO:
                    self._vetoes = None
        for timer_key, timer in timers.items():
            if timer is not None and timer.seq == 0:
                timer = evolve(timer, seq=told_at[timer.kind, timer.record])
            self._timers[timer_key] = timer

    def _current(self, s: Step, key: tuple[str, str], draw: Draw) -> Row | None:
        """The row as it stands before this change. Raises for a begun record that exists and for a stale one."""
        if s.before is None and s.row is not None:
            if s.after.id not in draw.ids and self._here(s.shape, s.after.id) is not None:
                raise NotUnique(kind=s.shape.kind, field="id")
            return None
        known = self._rows.get(key)
        if known is not None:
            return known[1]
        held = self.base.load_here(s.shape, s.after.id)
        if held is None:
            raise StaleStep(kind=s.shape.kind, id=s.after.id, before=s.after.version, current=0)
        return held[1]

    def _here(self, shape: Shape, id: str) -> Held | None:
        known = self._rows.get((shape.kind, id))
        return (known[3], known[1]) if known is not None else self.base.load_here(shape, id)

    def _check_unique(self, shape: Shape, row: Row, current: Row | None, pending: dict[tuple[str, str], Any]) -> None:
        for n in shape.unique:
            column = shape.columns[n]
            if row[n] is None or (current is not None and current[n] == row[n]):
                continue
            for (kind, id), (_, other, _, _) in pending.items():
                if kind == shape.kind and id != row[0] and other[n] == row[n]:
                    raise NotUnique(kind=shape.kind, field=column.name)
            if self.layer.is_free(shape, n, row[n]) and self.base.is_free(shape, n, row[n]):
                continue
            holders = self.layer.query(shape, Query((Test(n, "=", row[n]),), 0, False, 2, None))
            if any(held[1][0] != row[0] and (shape.kind, held[1][0]) not in pending for held in holders):
                raise NotUnique(kind=shape.kind, field=column.name)

    def _timers_of(
        self, change: Change[Any], steps: tuple[Step, ...], cause: str, behalf: str
    ) -> dict[tuple[str, str, str], Timer | None]:
        made: dict[tuple[str, str, str], Timer | None] = {}
        for s in steps:
            states = s.shape.states
            if states is None or s.row is None:
                continue
            state = getattr(s.after, s.shape.state_field or "")
            if state in states.terminal and s.before is not None:
                kind, id = s.shape.kind, s.after.id  # records of two kinds may share an id
                standing = {t.key for t in self.tx.timers_of(self.was.id, id) if t.kind == kind}
                pending = {
                    k for k, t in self._timers.items() if t is not None and k[0] == id and not k[2] and t.kind == kind
                }
                for key in sorted(standing | pending):
                    if self._timers.get(key, True) is not None:
                        made[key] = None
        for t in change.timers:
            key = (t.record, t.command, "")
            if t.due is None:
                if self.timer(key) is not None or key in made:
                    made[key] = None
                continue
            due = times.to_text(t.due)
            made[key] = Timer(due, 0, t.shape.kind, t.record, t.command, "", cause, behalf, 0, 0, due, None)
        return made

    def _react(self, timers: dict[Any, Any], name: str, s: Step, seq: int, at: str, cause: Cause, by: str) -> Timer:
        parked = f"more than {DEPTH_MAX} reactions deep" if cause[2] >= DEPTH_MAX else None
        timer = Timer(at, seq, s.shape.kind, s.after.id, name, str(seq), cause[0], by, cause[2], 0, at, parked)
        timers[timer.key] = timer
        self.reacts = self.reacts or parked is None
        return timer

    # keys

    def _kept(self, actor: str, key: str) -> Key | None:
        return self._keys.get((actor, key)) or self.tx.key(self.was.id, actor, key)

    def became(self, key: str, view: View) -> tuple[Any] | None:
        """What the actor's call under this key gave, as it is now, in a tuple of one; None if none such was kept.

        Raises KeyErased; NotAllowed for what was revealed once, with an entry.
        """
        kept = self._kept(str(view.actor), key)
        if kept is None:
            return None
        if kept.salt == ERASED:
            raise KeyErased(key=kept.key)
        return (self._again(kept, view, "became", reveals=True),)

    def _repeat(self, kept: Key, call: Call[Any], view: View) -> Any:
        if kept.salt == ERASED:
            raise KeyErased(key=kept.key)
        if not compare_digest(kept.mac, _mac(kept.salt, call)):
            raise KeyReused(key=kept.key)
        reveals = isinstance(call.command, Command) and bool(call.command.reveals)
        return self._again(kept, view, call.command.name, reveals=reveals)

    def _again(self, kept: Key, view: View, what: str, *, reveals: bool) -> Any:
        """The records that a call gave, as they are now."""
        named = convert.from_text(kept.result, Any)
        if named is None:
            return None
        single = bool(named) and isinstance(named[0], str)
        found = tuple(self._reread(kind, id) for kind, id in ([named] if single else named))
        if reveals:
            # What was revealed once, with an entry, is not shown again without one.
            authority = Authority(self, self._catalogue, view)
            for record in found:
                if record is not None and not authority.reads(shape := shape_of(record), record):
                    raise NotAllowed(actor=str(view.actor), what=f"repeat {what}", rule=shape.read)
        return found[0] if single else found

    def _reread(self, kind: str, id: str) -> Any:
        held = self.layer.load(self._catalogue.shape(kind), id)
        return None if held is None else held[0]

    # the end

    @property
    def soonest(self) -> str | None:
        """The earliest planned moment of the timers and reactions that were set."""
        return min((t.due for t in self._timers.values() if t is not None), default=None)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self._entries or self._keys or self._timers)

    def batch(self) -> Batch:
        """All that was accepted, ready to be written."""
        was, rows, timers = self.was, self._rows.values(), self._timers
        count, code = was.standing, was.code
        if self._moves:
            moved = [(shape, row, record) for shape, row, _, record in rows if shape.standing]
            count += 1
            code = self._code(moved)
            self._standing = self.base._own.moved(count, moved)
        wake = self._next_wake() if timers else was.next_wake
        head = Head(was.id, code, self._seq, self._hash, self._last, count, wake)
        batch = Batch(head, was, [row[:3] for row in rows], self._entries)
        if timers:
            batch.timers = [t for t in timers.values() if t is not None]
            batch.removed = list(timers)
        if self._keys:
            batch.keys = list(self._keys.values())
        if self._erased:
            clear(self.tx, batch, self._erased)
        return batch

    def committed(self) -> None:
        """After the commit: remember the records as they are now."""
        if self._standing is not None:
            self._cache.keep(self._standing)
        for shape, row, expected, record in self._rows.values():
            if expected and not shape.standing:  # what changes once will change again; what is new seldom at once
                self._cache.recent.keep(self.was.id, shape, (record, row))

    def _code(self, moved: list[tuple[Shape, Row, Any]]) -> str:
        for shape, _, record in moved:
            if shape is _JURISDICTION and record.id == self.was.id:
                return record.codes[-1].value  # type: ignore[no-any-return]  # a source gives records without their type
        return self.was.code

    def _next_wake(self) -> str | None:
        others = self.tx.next_wake(self.was.id, list(self._timers))
        wakes = [t.wake for t in self._timers.values() if t is not None and t.parked is None]
        return min(([others] if others is not None else []) + wakes, default=None)


def _told(
    change: Change[Any], timers: dict[tuple[str, str, str], Timer | None], fired: tuple[str, str, str] | None
) -> dict[tuple[str, str], list[str]]:
    """What each record's first entry says of its timers: `+command@due`, `-command`.

    The timer or reaction that fired is told in the change's first entry: `-command`, `-reaction#seq`; followed
    by `/record` where that entry is another record's.
    """
    kinds = {s.after.id: s.shape.kind for s in reversed(change.steps)}
    told: dict[tuple[str, str], list[str]] = {}
    if fired is not None:
        first = change.steps[0]
        record, command, source = fired
        removal = f"-{command}" + (f"#{source}" if source else "")
        told[first.shape.kind, first.after.id] = [removal if record == first.after.id else f"{removal}/{record}"]
    for key, timer in timers.items():
        record, command, _ = key
        if timer is not None:
            told.setdefault((timer.kind, record), []).append(f"+{command}@{timer.due}")
        elif key != fired:
            told.setdefault((kinds.get(record, ""), record), []).append(f"-{command}")
    return told


def _set_aside(timer: Timer, about: str) -> str:
    """What an entry about `about` says of a timer put off or parked: `?command@wake@attempts`, `=command@attempts`.

    A reaction's has `#seq` behind its name; `/record` at the end names the timer's record where that is another.
    """
    name = timer.command + (f"#{timer.source}" if timer.source else "")
    said = f"?{name}@{timer.wake}@{timer.attempts}" if timer.parked is None else f"={name}@{timer.attempts}"
    return said if timer.record == about else f"{said}/{timer.record}"


def _runner(timer: Timer) -> Ref:
    """The system, under the name of the timer or reaction."""
    return system(f"{'reaction' if timer.source else 'timer'}:{timer.command}")


def _mac(salt: str, call: Call[Any]) -> str:
    names = list(call.command.parameters)
    given = dict(zip(names, call.args, strict=False)) | call.kwargs  # by name or by place is the same call
    text = convert.to_text([call.command.name, given, len(call.args) > len(names)])
    return hmac_digest(salt.encode(), text.encode(), "sha256").hex()


def _named(result: Any) -> str:
    def name(record: Any) -> list[str]:
        return [record.__shape__.kind, record.id]

    if result is None:
        return "null"
    if isinstance(result, tuple):
        return convert.to_text([name(record) for record in result])
    return convert.to_text(name(result))


def _check_revealed(change: Change[Any], command: Command[..., Any]) -> None:
    """What a command reveals must leave an entry of its own."""
    given = change.result if isinstance(change.result, tuple) else (change.result,)
    told = {(s.shape.kind, s.after.id) for s in change.steps}
    for record in given:
        if record is None or record.__shape__.kind not in command.reveals:
            continue
        if (record.__shape__.kind, record.id) not in told:
            raise Mistake(f"{command.name} reveals {record.__shape__.kind} {record.id} without a note on it")
