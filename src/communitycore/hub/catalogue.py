"""What an open hub knows of its rooms: kinds, commands, reactions, folds and vetoes by name, checked once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from communitycore.hub.authority import parameter_of
from communitycore.hub.owners import Owners
from communitycore.kernel.command import Command, Declared, Fold, Reaction, Read, Room, Veto
from communitycore.kernel.errors import Mistake
from communitycore.kernel.jurisdiction import ROOM as JURISDICTIONS
from communitycore.kernel.record import shape_of
from communitycore.kernel.rules import Anyone, Holds, Linked, Own, Rule, System, Unless, all_ways
from communitycore.kernel.shape import Shape

NAME_LENGTH = 60


class Catalogue:
    """All rooms of a hub. Raises Mistake for two of one name and for rules that name nothing."""

    def __init__(self, rooms: Iterable[Room], vetoes: Iterable[Veto] = ()) -> None:
        self.rooms = tuple(rooms)
        self.shapes: dict[str, Shape] = {}
        self.commands: dict[str, Command[..., Any]] = {}
        self.reads: dict[str, Read[..., Any]] = {}
        self.reactions: dict[str, Reaction] = {}
        self.by_entry: dict[str, tuple[Reaction, ...]] = {}
        self.folds: dict[str, Fold] = {}
        self.subject: Shape | None = None
        self._by_id_type: dict[Any, Shape] = {}
        self._concerned: dict[str, str | None] = {}
        self._owned: dict[tuple[str, Own], tuple[str, Shape | None]] = {}
        for room in self.rooms:
            self._add(room)
        self.vetoes: dict[str, Veto] = {}
        for veto in vetoes:
            _put(self.vetoes, _name(veto.name), veto, "veto")

    def vetoable(self, command: Declared) -> bool:
        """Whether vetoes are asked about it: not if it governs the place itself, nor about erasing."""
        return command.name in self.commands and command not in JURISDICTIONS.commands

    def _add(self, room: Room) -> None:
        for cls in room.records:
            shape = shape_of(cls)
            _put(self.shapes, shape.kind, shape, f"room {room.name}: kind")
            if shape.id_type is not str:
                _put(self._by_id_type, shape.id_type, shape, f"room {room.name}: id type of {shape.kind}")
            if shape.subject:
                if "same_as" not in shape.by_name:
                    raise Mistake(f"{shape.kind} is a subject; give it same_as: Indexed[Ref | None] = None")
                if self.subject not in (None, shape):
                    raise Mistake(f"{self.subject.kind} is the subject already; {shape.kind} cannot be a second")
                self.subject = shape
        for command in room.commands:
            _put(self.commands, _name(command.name), command, f"room {room.name}: command")
        for read in room.reads:
            _put(self.reads, _name(read.name), read, f"room {room.name}: read")
        for reaction in room.reactions:
            _put(self.reactions, _name(reaction.name), reaction, f"room {room.name}: reaction")
            self.by_entry[reaction.on] = (*self.by_entry.get(reaction.on, ()), reaction)
        for fold in room.folds:
            _put(self.folds, _name(fold.name), fold, f"room {room.name}: fold")

    def check(self) -> None:
        """Check every rule against the arguments it names, every result against its readers, and every owner.

        Run by tests and by `communitycore plugins`, and for rooms from outside when they are opened.
        """
        declared: tuple[Declared, ...] = (*self.commands.values(), *self.reads.values())
        for one in declared:
            for way in one.may:
                if isinstance(way, Own):
                    self.owned(one, way)
                elif isinstance(way, Linked):
                    self.parameter(one, way.argument or "id")
                elif isinstance(way, Unless):
                    raise Mistake(f"{one.name}: unless(...) is for read= and actors=; let the command refuse them")
        for command in self.commands.values():
            for shape in command.result_shapes():
                if shape.kind not in command.reveals:
                    _check_readable(command, shape)
        for reaction in self.reactions.values():
            if not any(isinstance(way, (Anyone, System)) for way in reaction.run.may):
                raise Mistake(f"{reaction.name} runs {reaction.run.name}, whose may= does not admit it; add REACTION")
        for shape in self.shapes.values():
            for way in (*all_ways(shape.read), *(() if shape.actors is None else all_ways(shape.actors))):
                if isinstance(way, Own) and (way.field or way.argument) not in (*shape.by_name, "id"):
                    raise Mistake(f"{shape.kind}: a rule names {way.field or way.argument!r}, which it has not")
        Owners(self)

    def owned(self, command: Declared, way: Own) -> tuple[str, Shape | None]:
        """The parameter that `own(...)` names in this command, and the kind whose field it then reads."""
        known = self._owned.get((command.name, way))
        if known is None:
            parameter = parameter_of(command, way.argument)
            shape = None
            if way.field is not None:
                shape = self._by_id_type.get(command.hints()[parameter])
                if shape is None or (way.field not in shape.by_name and way.field != "id"):
                    raise Mistake(f"{command.name}: own({way.argument}.{way.field}) names no field of a known kind")
            known = self._owned[command.name, way] = (parameter, shape)
        return known

    def concerned(self, command: Declared) -> str | None:
        """The parameter that names the record concerned, for roles held for one record: its first, if that is an id.

        Any other would let one reach further records by naming one's own in passing.
        """
        try:
            return self._concerned[command.name]
        except KeyError:
            first = next(iter(command.parameters), None)
            is_id = first is not None and getattr(command.hints()[first], "__supertype__", None) is str
            found = self._concerned[command.name] = first if is_id else None
            return found

    def parameter(self, command: Declared, argument: str) -> str:
        """The parameter that a rule's argument names."""
        return parameter_of(command, argument)

    def named_by(self, id_type: Any) -> Shape | None:
        """The kind whose ids are of this type, if an open room has it."""
        return self._by_id_type.get(id_type)

    def shape(self, kind: str) -> Shape:
        """The kind of this name. Raises Mistake if no open room has it."""
        shape = self.shapes.get(kind)
        if shape is None:
            raise Mistake(f"no open room has records of kind {kind!r}; open the hub with the room that does")
        return shape


def _put(where: dict[Any, Any], name: Any, value: Any, what: str) -> None:
    if where.setdefault(name, value) is not value:
        raise Mistake(f"{what} {name!r} is declared twice; give each its own name")


def _name(name: str) -> str:
    if not (name.isascii() and "." in name and len(name) <= NAME_LENGTH and name.isprintable()) or set(name) & set(
        " #/@"
    ):
        raise Mistake(f"{name!r} is no name: room.verb in ASCII without # / @, at most {NAME_LENGTH} characters")
    return name


def _check_readable(command: Command[..., Any], shape: Shape) -> None:
    """A command may not give back what some of those whom it admits could not read."""
    readers = tuple(shape.read)
    if any(isinstance(way, Anyone) for way in readers):
        return
    roles = frozenset(name for way in readers if isinstance(way, Holds) for name in way.names)
    personal = any(isinstance(way, (Own, Linked)) for way in readers)
    for way in command.may:
        if not _covered(way, roles, personal):
            raise Mistake(
                f"{command.name} admits {way}, who may not read the {shape.kind} it gives back "
                f"(read by {shape.read}); give something they may read, or None"
            )


def _covered(way: Rule, roles: frozenset[str], personal: bool) -> bool:
    if isinstance(way, Holds):
        return way.names <= roles
    if isinstance(way, (Own, Linked)):
        return personal
    return not isinstance(way, Anyone)
