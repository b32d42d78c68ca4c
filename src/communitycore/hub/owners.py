"""Whose the personal fields are: from a person to all records that are theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from communitycore.kernel.errors import Mistake
from communitycore.kernel.ids import Ref
from communitycore.kernel.query import FIND_MAX, Where, where
from communitycore.kernel.record import Record
from communitycore.kernel.shape import Shape
from communitycore.kernel.view import View

if TYPE_CHECKING:
    from communitycore.hub.catalogue import Catalogue

AMONG = 500  # ids in one search


class Owners:
    """The kinds of record with something personal in them, and how each leads to its person.

    A kind's owner is its own id, a Ref, the id of a party here, or the id of a record that has an owner in turn.
    Raises Mistake for one that leads to nobody.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.kinds = tuple(shape for shape in catalogue.shapes.values() if shape.salted)
        for shape in self.kinds:
            self._check(shape)

    def of(self, view: View, person: Ref) -> Iterator[Record[Any]]:
        """All records here that are this person's and may hold something personal, by kind and id."""
        for shape in self.kinds:
            yield from self._of(view, shape, person)

    def _of(self, view: View, shape: Shape, person: Ref) -> Iterator[Record[Any]]:
        here = person.jurisdiction == view.jurisdiction
        owner = shape.owner or "id"
        by = shape.by_name.get(owner)
        through = self._through(shape)
        if through is not None:
            ids = [record.id for record in self._of(view, through, person)]
            for start in range(0, len(ids), AMONG):
                yield from _all(view, shape, where(owner, among=ids[start : start + AMONG]))
        elif by is not None and by.type == "ref":
            yield from _all(view, shape, where(owner, person))
        elif here:
            yield from _all(view, shape, where(owner, person.id))

    def _through(self, shape: Shape) -> Shape | None:
        """The kind whose records this one's owner names, unless that is a person already."""
        by = shape.by_name.get(shape.owner or "id")
        named = None if by is None else self._catalogue.named_by(by.declared)
        return None if named is None or named.subject else named

    def _check(self, shape: Shape) -> None:
        passed = {shape.kind}
        through = self._through(shape)
        while through is not None:
            if through.owner is None or through.kind in passed:
                raise Mistake(
                    f"{shape.kind}: owner={shape.owner!r} leads to {through.kind}, and from there to no person; "
                    f"say whose that is: @record(..., owner='field')"
                )
            passed.add(through.kind)
            through = self._through(through)


def _all(view: View, shape: Shape, condition: Where) -> Iterator[Record[Any]]:
    after: Record[Any] | None = None
    while True:
        page: list[Record[Any]] = view.find(shape.cls, condition, limit=FIND_MAX, after=after)
        yield from page
        if len(page) < FIND_MAX:
            return
        after = page[-1]
