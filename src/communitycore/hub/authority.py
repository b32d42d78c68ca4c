"""Whether the rule admits the actor: the one place where `may=` and `read=` are decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from communitycore.kernel.command import Call, Declared
from communitycore.kernel.errors import Mistake, NotAllowed
from communitycore.kernel.ids import SYSTEM, Ref
from communitycore.kernel.journal import Entry
from communitycore.kernel.jurisdiction import Grant
from communitycore.kernel.query import where
from communitycore.kernel.record import shape_of
from communitycore.kernel.rules import Anyone, Holds, Linked, Own, Rule, System, Unless, all_ways
from communitycore.kernel.shape import Shape
from communitycore.kernel.view import View

if TYPE_CHECKING:
    from communitycore.hub.catalogue import Catalogue
    from communitycore.hub.session import Session

_GRANT = shape_of(Grant)
_WHATEVER = object()


def grants_by_holder(grants: tuple[Grant, ...]) -> dict[Ref, tuple[Grant, ...]]:
    """An index for `derive`: whose grants these are."""
    index: dict[Ref, list[Grant]] = {}
    for grant in grants:
        index.setdefault(grant.holder, []).append(grant)
    return {holder: tuple(held) for holder, held in index.items()}


class Authority:
    """What one actor may do and read in one session."""

    __slots__ = ("_catalogue", "_local", "_session", "_view", "actor")

    def __init__(self, session: Session, catalogue: Catalogue, view: View) -> None:
        self._session = session
        self._catalogue = catalogue
        self._view = view
        self._local: frozenset[str] | None = None
        self.actor = view.actor

    def check(self, call: Call[Any]) -> str | None:
        """The id of the grant relied on; None if none was needed. Raises NotAllowed."""
        command = call.command
        for way in command.ways:
            if isinstance(way, Holds):
                grant = self._grant(way, call)
                if grant is not None:
                    return grant
            elif self._admits_call(way, call):
                return None
        raise NotAllowed(actor=str(self.actor), what=command.name, rule=command.may)

    def reads(self, shape: Shape, record: Any) -> bool:
        """Whether the actor may read this record."""
        return any(self._admits_read(way, record) for way in shape.read)

    def shown(self, shape: Shape, record: Any, entry: Entry) -> Entry | None:
        """An entry of a record that the actor may read, without who acted unless they may learn that.

        None for one that says that the record was erased, whose moment would lead to the person.
        """
        if shape.actors is None or entry.actor == str(self.actor):
            return entry
        if any(self._admits_read(way, record) for way in shape.actors):
            return entry
        return None if entry.erases else entry.without_actor()

    def reads_some(self, shape: Shape) -> bool:
        """Whether the actor may read any record of this kind by the kind alone."""
        return any(
            isinstance(way, (Own, Linked))
            or (isinstance(way, Holds) and self._grant(way, _WHATEVER) is not None)
            or self._admits_read(way, None)
            for way in all_ways(shape.read)
        )

    def reads_rule(self, rule: Rule) -> bool:
        """Whether the actor meets a rule that names no record, such as a fold's."""
        return any(self._admits_read(way, None) for way in rule if isinstance(way, (Anyone, Holds, System)))

    # the ways

    def _admits_call(self, way: Rule, call: Call[Any]) -> bool:
        if isinstance(way, Anyone):
            return True
        if isinstance(way, System):
            return self._is_system(way)
        if isinstance(way, Own):
            name, shape = self._catalogue.owned(call.command, way)
            value = call.argument(name)
            if way.field is None:
                # Of several whom a caller names, none may be another: naming oneself in passing admits nobody.
                several = value if isinstance(value, (tuple, list, frozenset)) else (value,)
                return bool(several) and all(self._is_self(each) for each in several)
            assert shape is not None
            held = None if value is None else self._session.layer.load(shape, value)
            return held is not None and self._is_self(getattr(held[0], way.field))
        if isinstance(way, Linked):
            value = call.argument(self._catalogue.parameter(call.command, way.argument or "id"))
            return value is not None and self._is_linked(way, value)
        raise Mistake(f"{call.command.name}: unknown rule {way!r}")

    def _admits_read(self, way: Rule, record: Any) -> bool:
        if isinstance(way, Anyone):
            return True
        if isinstance(way, System):
            return self._is_system(way)
        if isinstance(way, Holds):
            return self._grant(way, record) is not None
        if record is None:
            return False
        if isinstance(way, Unless):
            admitted = any(self._admits_read(inner, record) for inner in way.rule)
            return admitted and not way.barred(self._view, record)
        if isinstance(way, Own):
            return self._is_self(getattr(record, way.field or way.argument))
        if isinstance(way, Linked):
            return self._is_linked(way, record.id)
        raise Mistake(f"unknown rule {way!r}")

    def _is_system(self, way: System) -> bool:
        return self.actor.jurisdiction == SYSTEM and self.actor.id.partition(":")[0] == way.name

    def _is_self(self, value: Any) -> bool:
        if value is None:
            return False
        if isinstance(value, Ref):
            return value == self.actor or (value.jurisdiction == self._view.jurisdiction and value.id in self._locals())
        if isinstance(value, (tuple, list, frozenset)):
            return any(self._is_self(v) for v in value)
        return value in self._locals()

    def _is_linked(self, way: Linked, record: str) -> bool:
        links = (where(way.record, record),)
        return any(
            self._view.one(way.kind, *links, where(way.holder, holder)) is not None for holder in self._holders(way)
        )

    def _holders(self, way: Linked) -> list[Any]:
        field = shape_of(way.kind).by_name[way.holder]
        if field.declared is Ref:
            return [self.actor, *(Ref(self._view.jurisdiction, id) for id in self._locals())]
        return sorted(self._locals())

    def _locals(self) -> frozenset[str]:
        """The ids that the actor goes by here: their own, or those of parties that are the same as they."""
        if self._local is None:
            if self.actor.jurisdiction == self._view.jurisdiction:
                self._local = frozenset((self.actor.id,))
            else:
                subject = self._catalogue.subject
                twins = (
                    []
                    if subject is None or self.actor.jurisdiction == SYSTEM
                    else self._view.find(subject.cls, where("same_as", self.actor), limit=10)
                )
                self._local = frozenset(twin.id for twin in twins)
        return self._local

    def _grant(self, way: Holds, concerned: Any) -> str | None:
        """The id of a grant that gives one of the roles, for all records or for the one concerned.

        concerned: a call, a record, None for no record, or _WHATEVER.
        """
        here = self._session.layer.derive(grants_by_holder, _GRANT).get(self.actor)
        if here is not None and (found := self._among(here, way, concerned)) is not None:
            return found
        for held in self._session.grants_above():
            if (found := self._among(held.get(self.actor, ()), way, concerned)) is not None:
                return found
        return None

    def _among(self, grants: tuple[Grant, ...], way: Holds, concerned: Any) -> str | None:
        now, names = self._view.now, way.names
        for grant in grants:
            if (
                grant.role in names
                and grant.holds(now)
                and (grant.record is None or self._concerns(grant.record, concerned))
            ):
                return str(grant.id)
        return None

    def _concerns(self, record: str, concerned: Any) -> bool:
        """Whether a grant for this one record is for the one concerned."""
        if isinstance(concerned, Call):
            name = self._catalogue.concerned(concerned.command)
            return name is not None and concerned.argument(name) == record
        return concerned is _WHATEVER or (concerned is not None and concerned.id == record)


def parameter_of(command: Declared, argument: str) -> str:
    """The parameter that a rule's `argument` names: itself, or with `_id` behind. Raises Mistake."""
    for name in (argument, f"{argument}_id"):
        if name in command.parameters:
            return name
    raise Mistake(f"{command.name}: may= names {argument!r}, but there is no argument {argument} or {argument}_id")
