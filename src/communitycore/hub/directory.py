"""Finding a jurisdiction by its id, its code of today, or a point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from communitycore.kernel.errors import CodeTaken, UnknownCode
from communitycore.kernel.ids import JurisdictionId
from communitycore.kernel.jurisdiction import Jurisdiction
from communitycore.kernel.record import shape_of
from communitycore.ports import Store

if TYPE_CHECKING:
    from communitycore.kernel.geometry import AreaIndex, Point

_SHAPE = shape_of(Jurisdiction)


class Directory:
    """All jurisdictions of a store, read again when one of their heads has moved on in what stands."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._known: dict[str, tuple[int, Jurisdiction]] = {}
        self._by_code: dict[str, str] = {}  # codes asked for, and whose they were
        self._index: AreaIndex | None = None

    def all(self) -> list[Jurisdiction]:
        """All, by id."""
        self._refresh()
        return [self._known[id][1] for id in sorted(self._known)]

    def resolve(self, code: str, moment: datetime) -> JurisdictionId:
        """The id for an id or a code in use at `moment`. Raises UnknownCode, naming a code's successor."""
        if code in self._known:
            return JurisdictionId(code)
        if (id := self._by_code.get(code)) is not None and self._still(id, code, moment):
            return JurisdictionId(id)
        self._refresh()
        hint = ""
        for id, (_, body) in self._known.items():
            if id == code or body.code(moment) == code:
                self._by_code[code] = id
                return JurisdictionId(id)
            if any(dated.value == code for dated in body.codes):
                hint = f" {body.name(moment)} uses {body.code(moment)} now."
        raise UnknownCode(given=code, hint=hint)

    def _still(self, id: str, code: str, moment: datetime) -> bool:
        """Whether a body still uses the code that it was known by: one look, however many bodies there are.

        Another can have taken the code only after this one gave it up.
        """
        count, body = self._known[id]
        with self._store().reading() as tx:
            head = tx.head(id)
        return head is not None and head.standing == count and body.code(moment) == code

    def check_free(self, code: str, since: date, *, but: str | None = None) -> None:
        """Raises CodeTaken if a jurisdiction uses `code` on any day from `since` on, be another to come or not.

        but: the id of one that may.
        """
        for body in self.all():
            if body.id != but and any(d.value == code and (d.until is None or since < d.until) for d in body.codes):
                raise CodeTaken(given=code, jurisdiction=body.id)

    def locate(self, point: Point, moment: datetime) -> tuple[JurisdictionId, ...]:
        """The lowest jurisdictions whose extent contains the point."""
        self._refresh()
        if self._index is None:
            from communitycore.kernel.geometry import AreaIndex

            self._index = AreaIndex({id: b.extent for id, (_, b) in self._known.items() if b.extent is not None})
        found = set(self._index.locate(point.lon, point.lat))
        above: set[str] = set()
        for id in found:
            parent = self._known[id][1].parent(moment)
            while parent is not None and parent in self._known and parent not in above:
                above.add(parent)
                parent = self._known[parent][1].parent(moment)
        return tuple(JurisdictionId(id) for id in sorted(found - above))

    def _refresh(self) -> None:
        with self._store().reading() as tx:
            known: dict[str, tuple[int, Jurisdiction]] = {}
            for head in tx.heads():
                kept = self._known.get(head.id)
                if kept is not None and kept[0] == head.standing:
                    known[head.id] = kept
                elif (row := tx.get(_SHAPE, head.id, head.id)) is not None:
                    known[head.id] = (head.standing, _SHAPE.read_row(row))
        if known != self._known:
            self._known, self._by_code, self._index = known, {}, None
