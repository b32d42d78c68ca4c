"""Erasing a person: everything personal of theirs, in every jurisdiction in steps that may be repeated."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from communitycore.hub.authority import Authority
from communitycore.hub.certificate import ACCOUNT, Certificate, Erased, Kept, Stand
from communitycore.hub.desk import Desk
from communitycore.hub.office import Office
from communitycore.hub.owners import Owners
from communitycore.hub.session import TOUCH_MAX
from communitycore.kernel import times
from communitycore.kernel.change import Change, many, note, unchanged
from communitycore.kernel.command import Call, Command
from communitycore.kernel.erasure import erasing, holds_personal
from communitycore.kernel.errors import BadValue, NotAllowed, NotFound
from communitycore.kernel.ids import Draw, Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.jurisdiction import ADMINISTRATOR
from communitycore.kernel.query import FIND_MAX, make_query, where
from communitycore.kernel.record import Record, shape_of
from communitycore.kernel.rules import own, role
from communitycore.kernel.shape import LegalGround, check_text
from communitycore.kernel.values import frozen
from communitycore.kernel.view import View
from communitycore.ports import Reading

REASON_MAX = 500
PAGE = TOUCH_MAX - 1  # with the note on the person themselves

MAY = role(ADMINISTRATOR) | own("party")
"""Who may erase a person: an administrator there or above, or they themselves."""

Progress = Callable[[int, int], None]
_Ground = LegalGround | None


@frozen
class Holding:
    """What one jurisdiction holds of one person in one kind of record. held: what an erasure would empty.

    kept: what it would leave, by legal ground. erased: what is empty already.
    """

    jurisdiction: str
    person: Ref
    kind: str
    held: int
    kept: tuple[tuple[LegalGround, int], ...]
    erased: int


@attrs.define
class Found:
    """All places where something of a person may be erased, and the jurisdictions where there is something besides."""

    people: tuple[Ref, ...]
    places: list[tuple[str, Ref]]
    elsewhere: tuple[str, ...]


class Erasing:
    """One person's data, as one actor may deal with it."""

    def __init__(
        self, office: Office, desk: Callable[[str], Desk], carry_out: Callable[[Desk, Call[Any]], Any]
    ) -> None:
        self._office = office
        self._desk = desk
        self._carry_out = carry_out
        self._owners = Owners(office.catalogue)
        self._subject = office.catalogue.subject

    def holdings(self, party: Ref, actor: Ref) -> tuple[Holding, ...]:
        """See Hub.holdings."""
        made: list[Holding] = []
        for place, person in self._find(party, actor).places:
            made += self._held(place, person, actor)
        return tuple(made)

    def erase(self, party: Ref, actor: Ref, reason: str, progress: Progress | None) -> Certificate:
        """See Hub.erase."""
        reason = _stated(reason)
        found = self._find(party, actor)
        total = sum(self._to_erase(place, person, actor, reason) for place, person in found.places)
        done = 0
        for place, person in found.places:
            while page := self._erase_page(place, person, reason):
                done += page
                if progress is not None:
                    progress(done, max(done, total))
                if page < PAGE:
                    break
        return self._certificate(party, actor, found)

    # who and where

    def _find(self, party: Ref, actor: Ref) -> Found:
        """Raises NotFound if nothing is known of them, NotAllowed if the actor may erase them nowhere."""
        with self._office.store.reading() as tx:
            bodies = [head.id for head in tx.heads()]
            people = self._same(tx, party, bodies)
            places: list[tuple[str, Ref]] = []
            barred: set[str] = set()
            refusal: NotAllowed | None = None
            for place in bodies:
                view, authority = self._look(tx, place, actor)
                for person in people:
                    if not self._there(view, person):
                        continue
                    try:
                        authority.check(self._call(person, ""))
                    except NotAllowed as error:
                        barred.add(place)
                        refusal = refusal or error
                    else:
                        places.append((place, person))
        if not places:
            if refusal is not None:
                raise refusal
            raise NotFound(kind="party" if self._subject is None else self._subject.kind, id=str(party))
        return Found(people, places, tuple(sorted(barred)))

    def _same(self, tx: Reading, party: Ref, bodies: list[str]) -> tuple[Ref, ...]:
        """The party, and whoever `same_as` says is the same, from either side and however far."""
        known = {party: None}
        fresh = [party]
        while fresh and self._subject is not None:
            met: list[Ref] = []
            for place in bodies:
                twins = make_query(self._subject, (where("same_as", among=fresh),), limit=FIND_MAX)
                met += (Ref(place, row[0]) for row in tx.find(self._subject, place, twins))
            for ref in fresh:
                row = tx.get(self._subject, ref.jurisdiction, ref.id) if ref.jurisdiction in bodies else None
                if row is not None and (other := self._subject.read_row(row).same_as) is not None:
                    met.append(other)
            fresh = [ref for ref in dict.fromkeys(met) if ref not in known]
            known.update(dict.fromkeys(fresh))
        return tuple(known)

    def _look(self, tx: Reading, place: str, actor: Ref) -> tuple[View, Authority]:
        office = self._office
        draw = Draw(b"", times.aware(office.clock(), "clock"))  # a reading draws no chance
        session = office.looking(tx, place, draw)
        view = session.view(actor, draw)
        return view, Authority(session, office.catalogue, view)

    def _there(self, view: View, person: Ref) -> bool:
        return self._record_of(view, person) is not None or next(self._owners.of(view, person), None) is not None

    def _record_of(self, view: View, person: Ref) -> Record[Any] | None:
        """The person's own record here."""
        if self._subject is None or person.jurisdiction != view.jurisdiction:
            return None
        found: Record[Any] | None = view.one(self._subject.cls, where("id", person.id))
        return found

    # what

    def _held(self, place: str, person: Ref, actor: Ref) -> Iterator[Holding]:
        held: Counter[str] = Counter()
        erased: Counter[str] = Counter()
        kept: dict[str, Counter[LegalGround]] = defaultdict(Counter)
        with self._office.store.reading() as tx:
            view, _ = self._look(tx, place, actor)
            for record in self._owners.of(view, person):
                kind = record.__shape__.kind
                if not holds_personal(record):
                    erased[kind] += record.erased
                elif (ground := _ground(view, record)) is not None:
                    kept[kind][ground] += 1
                else:
                    held[kind] += 1
        for kind in sorted(+held | +erased | dict.fromkeys(kept, 1)):
            grounds = sorted(kept[kind].items(), key=lambda item: item[0].en)
            yield Holding(place, person, kind, held[kind], tuple(grounds), erased[kind])

    def _to_erase(self, place: str, person: Ref, actor: Ref, reason: str) -> int:
        """How many records there are to be erased. Raises BadValue if the reason repeats what stands in one of them."""
        count = 0
        with self._office.store.reading() as tx:
            view, _ = self._look(tx, place, actor)
            for record in self._owners.of(view, person):
                if holds_personal(record) and _ground(view, record) is None:
                    count += 1
                    _check_discreet(reason, record)
        return count

    # doing it

    def _erase_page(self, place: str, person: Ref, reason: str) -> int:
        count: int = self._carry_out(self._desk(place), self._call(person, reason))
        return count

    def _call(self, person: Ref, reason: str) -> Call[Any]:
        def erase(view: View, party: Ref, *, reason: str) -> Change[Any]:
            steps: list[Change[Any]] = []
            for record in self._owners.of(view, party):
                if holds_personal(record) and _ground(view, record) is None:
                    steps.append(erasing(record))
                    if len(steps) == PAGE:
                        break
            if not steps:
                return unchanged(0)
            about = self._record_of(view, party) or steps[0].result
            told = note("erasure.made", about, reason=reason, records=len(steps))
            return many(steps).also(told).giving(len(steps))

        return Call(Command("hub.erase", MAY, erase), (person,), {"reason": reason})

    # saying what was done

    def _certificate(self, party: Ref, actor: Ref, found: Found) -> Certificate:
        erased: dict[tuple[str, str], list[Entry]] = {}
        kept: Counter[tuple[str, str, LegalGround]] = Counter()
        stands: dict[str, Stand] = {}
        for place, person in found.places:
            with self._office.store.reading() as tx:
                head = self._office.head(tx, place)
                stands[place] = Stand(place, head.seq, head.hash)
                view, _ = self._look(tx, place, actor)
                for record in self._owners.of(view, person):
                    kind = record.__shape__.kind
                    entries = tx.entries_of(place, kind, record.id)
                    kept[place, "journal", ACCOUNT] += len(entries)
                    gone = [entry for entry in entries if entry.erases]
                    if gone:
                        erased.setdefault((place, kind), []).extend(gone)
                    if holds_personal(record) and (ground := _ground(view, record)) is not None:
                        kept[place, kind, ground] += 1
        return Certificate(
            party=party,
            people=found.people,
            at=times.aware(self._office.clock(), "clock"),
            erased=tuple(_erased(place, kind, gone) for (place, kind), gone in sorted(erased.items(), key=_by_key)),
            kept=tuple(_kept(key, n) for key, n in sorted(kept.items(), key=_by_text) if n),
            elsewhere=found.elsewhere,
            stands=tuple(stands[place] for place in sorted(stands)),
        )


def _ground(view: View, record: Record[Any]) -> LegalGround | None:
    """Why the law has it kept, if it does."""
    keep = shape_of(record).keep
    return None if keep is None else keep(view, record)


def _erased(place: str, kind: str, gone: list[Entry]) -> Erased:
    fields = sorted({field for entry in gone for field, pair in entry.changes().items() if _emptied(*pair)})
    seqs = sorted({entry.seq for entry in gone})
    return Erased(place, kind, len({entry.record for entry in gone}), tuple(fields), tuple(seqs))


def _emptied(before: Any, after: Any) -> bool:
    """Whether something personal stood there; a row of an older form is brought into today's by the same step."""
    return after is None and isinstance(before, dict) and before.keys() == {"hmac"}


def _kept(key: tuple[str, str, LegalGround], records: int) -> Kept:
    place, kind, ground = key
    return Kept(place, kind, records, ground)


def _by_key(item: tuple[Any, Any]) -> Any:
    return item[0]


def _by_text(item: tuple[tuple[str, str, LegalGround], int]) -> Any:
    place, kind, ground = item[0]
    return place, kind, ground.en


def _stated(reason: str) -> str:
    said = check_text(reason, "reason", REASON_MAX).strip()
    if not said:
        raise BadValue(
            field="reason", why="it is blank; say on what request or rule", why_zh="为空，请说明依据的申请或规定"
        )
    return said


def _check_discreet(reason: str, record: Record[Any]) -> None:
    """The journal keeps the reason for ever: it may not repeat what is erased."""
    shape = shape_of(record)
    for f in shape.fields:
        if f.personal and any(len(text) > 1 and text in reason for text in _texts(getattr(record, f.name))):
            raise BadValue(
                field="reason",
                why=f"it repeats a value of {shape.kind}.{f.name}, which is to be erased; name the request's number",
                why_zh=f"含有将被删除的 {shape.kind}.{f.name} 的内容，请改填申请编号",
            )


def _texts(value: Any) -> Iterator[str]:
    """Free text in a value, however deep; the words of an enum are nobody's own."""
    if value.__class__ is str:
        yield value
    elif isinstance(value, (tuple, list, frozenset)):
        for part in value:
            yield from _texts(part)
    elif attrs.has(value.__class__):
        for attribute in attrs.fields(value.__class__):
            yield from _texts(getattr(value, attribute.name))
