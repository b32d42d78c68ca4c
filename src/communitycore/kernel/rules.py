"""Who may do or read: rules as data, so that the check and the table in the docs have one source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from communitycore.kernel.errors import Mistake
from communitycore.kernel.values import frozen

Language = Literal["en", "zh"]


class Rule:
    """One way, or several joined by `|`, to be admitted."""

    __slots__ = ()

    def __or__(self, other: Rule) -> Rule:
        return Either((*self, *other))

    def __iter__(self) -> Iterator[Rule]:
        yield self

    def say(self, language: Language = "en") -> str:
        raise Mistake(f"{type(self).__name__} does not say whom it admits; write its say()")

    def __str__(self) -> str:
        return self.say()


@frozen
class Either(Rule):
    """Any one of `ways`."""

    ways: tuple[Rule, ...]

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.ways)

    def say(self, language: Language = "en") -> str:
        return (" or " if language == "en" else "或").join(way.say(language) for way in self.ways)

    __str__ = Rule.__str__


@frozen
class Anyone(Rule):
    """Everybody, known or not."""

    def say(self, language: Language = "en") -> str:
        return "anyone" if language == "en" else "任何人"

    __str__ = Rule.__str__


@frozen
class Role:
    """A duty that a grant gives at a jurisdiction and below, or for one record. name: stored; zh: shown."""

    name: str
    zh: str

    def __str__(self) -> str:
        return self.name


@frozen
class Holds(Rule):
    """Holders of one of these roles, here, above, or for the very record concerned."""

    roles: tuple[Role, ...]
    names: frozenset[str]

    def say(self, language: Language = "en") -> str:
        if language == "zh":
            return "、".join(role.zh for role in self.roles)
        return ", ".join(role.name for role in self.roles)

    __str__ = Rule.__str__


@frozen
class Own(Rule):
    """One whom an argument names, or a field of the record that an argument names.

    For `may=`: `argument`, or `argument` and `field`. For `read=`: `field` alone, of the record read.
    """

    argument: str
    field: str | None = None

    def say(self, language: Language = "en") -> str:
        path = self.argument if self.field is None else f"{self.argument}.{self.field}"
        return f"the {path} themselves" if language == "en" else f"{path} 本人"

    __str__ = Rule.__str__


@frozen
class Linked(Rule):
    """One for whom a record of `kind` links the record concerned: `kind.record` is its id, `kind.holder` is they.

    argument: the argument that names the record concerned (in `may=`); left out in `read=`.
    """

    kind: type[Any]
    record: str
    holder: str
    argument: str | None = None

    def say(self, language: Language = "en") -> str:
        name = self.kind.__name__
        return f"the {self.holder} of its {name}" if language == "en" else f"其 {name} 的 {self.holder}"

    __str__ = Rule.__str__


@frozen
class Unless(Rule):
    """Those whom `rule` admits, but for those whom `barred` keeps out, whatever else they are. See `unless`."""

    rule: Rule
    barred: Callable[[Any, Any], bool]
    en: str
    zh: str

    def say(self, language: Language = "en") -> str:
        if language == "zh":
            return f"{self.rule.say('zh')}（{self.zh}除外）"
        return f"{self.rule.say()} (except {self.en})"

    __str__ = Rule.__str__


@frozen
class System(Rule):
    """The library itself: a timer or a reaction."""

    name: Literal["timer", "reaction"]

    def say(self, language: Language = "en") -> str:
        return f"a {self.name}" if language == "en" else {"timer": "定时器", "reaction": "联动"}[self.name]

    __str__ = Rule.__str__


PUBLIC: Rule = Anyone()
TIMER: Rule = System("timer")
REACTION: Rule = System("reaction")


def role(*roles: Role) -> Rule:
    """Holders of any of these roles."""
    return Holds(roles, frozenset(r.name for r in roles))


def own(path: str) -> Rule:
    """`own("claimant")`: the one an argument names. `own("wish.reporter")`: the one named by that field
    of the record that the argument `wish` (or `wish_id`) names. In `read=`: a field of the record itself."""
    argument, dot, field = path.partition(".")
    return Own(argument, field if dot else None)


def linked(kind: type[Any], record: str, holder: str, argument: str | None = None) -> Rule:
    """Those for whom a record of `kind` exists whose field `record` is the one concerned and `holder` is they."""
    return Linked(kind, record, holder, argument)


def unless(rule: Rule, barred: Callable[[Any, Any], bool], *, en: str, zh: str) -> Rule:
    """Those whom `rule` admits, in `read=` and `actors=`, unless `barred(view, record)` says of `view.actor` that they
    must not, such as one who is party to the matter. en, zh: whom that keeps out, in words."""
    return Unless(rule, barred, en, zh)


def all_ways(rule: Rule) -> Iterator[Rule]:
    """The ways of a rule, those inside an `unless` among them."""
    for way in rule:
        if isinstance(way, Unless):
            yield from all_ways(way.rule)
        else:
            yield way
