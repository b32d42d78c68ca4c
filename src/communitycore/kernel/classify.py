"""Classifiers: what a person wrote in free text may belong to, as suggestions that a person then takes or leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from communitycore.kernel.errors import BadValue
from communitycore.kernel.values import frozen


@frozen
class Suggestion:
    """One of the choices that a text may belong to. percent: how likely, 1 to 100. why: in the reader's words.

    by: the classifier's name, which the hub fills in. Raises BadValue for another percentage.
    """

    choice: str
    percent: int
    why: str = ""
    by: str = ""

    def __attrs_post_init__(self) -> None:
        if self.percent.__class__ is not int or not 1 <= self.percent <= 100:
            raise BadValue(
                field="percent", why=f"{self.percent!r} is not 1 to 100", why_zh=f"{self.percent!r} 不在 1 到 100 之间"
            )


@frozen(eq=False)
class Classifier:
    """Turns free text into suggestions 智能分类建议. It changes nothing, so it need not be pure: it may ask a model.

    name: shown with what it suggests. suggest(text, choices): any of `choices` (id -> what it is called), in any order.
    """

    name: str
    suggest: Callable[[str, Mapping[str, str]], Iterable[Suggestion]]


@frozen
class Classified:
    """What the classifiers of a hub suggest, the likeliest first, and those that failed: name -> why."""

    suggestions: tuple[Suggestion, ...]
    failed: Mapping[str, str]


def classify(classifiers: Iterable[Classifier], text: str, choices: Mapping[str, str]) -> Classified:
    """Ask each classifier. One that breaks off or suggests what is no choice is named, and the others are heard."""
    found: list[Suggestion] = []
    failed: dict[str, str] = {}
    for one in classifiers:
        try:
            told = [Suggestion(s.choice, s.percent, s.why, one.name) for s in one.suggest(text, choices)]
            strange = [s.choice for s in told if s.choice not in choices]
        except Exception as bug:  # noqa: BLE001 - whatever a classifier raises, the others are heard
            failed[one.name] = type(bug).__name__  # its words may repeat the text
            continue
        if strange:
            failed[one.name] = f"{strange[0]!r} is none of the choices"
        else:
            found += told
    return Classified(tuple(sorted(found, key=lambda s: -s.percent)), failed)
