"""What goes along with erased records: what was said to make them, under whatever key, and why their timers failed."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import evolve

from communitycore.kernel.journal import FIELDS
from communitycore.kernel.shape import ERASED
from communitycore.ports import Batch, Reading, Timer

_KIND, _RECORD, _CAUSE = (FIELDS.index(name) for name in ("kind", "record", "cause"))
PAGE = 1_000


def clear(tx: Reading, batch: Batch, erased: Collection[tuple[str, str]]) -> None:
    """Add to a batch that erases these records (kind, id) whatever else may hold what was personal in them.

    The idempotency keys of calls that ever touched them, whose MACs are over such values, and the words for which
    their timers were parked.
    """
    here = batch.head.id
    causes = {values[_CAUSE] for values in batch.entries if (values[_KIND], values[_RECORD]) in erased}
    for kind, id in sorted(erased):
        causes.update(entry.cause for entry in tx.entries_of(here, kind, id))
    batch.keys = [evolve(key, salt=ERASED, mac=ERASED) if key.cause in causes else key for key in batch.keys]
    found = tx.keys_caused(here, sorted(causes))
    batch.emptied = [(key.actor, key.key) for key in found if key.salt != ERASED]
    set_now = {timer.key for timer in batch.timers} | set(batch.removed)
    for timer in _timers(tx, here):
        if timer.parked and (timer.kind, timer.record) in erased and timer.key not in set_now:
            batch.timers.append(evolve(timer, parked=""))
            batch.removed.append(timer.key)


def _timers(tx: Reading, jurisdiction: str) -> Iterator[Timer]:
    after = None
    while page := tx.timers_after(jurisdiction, after, PAGE):
        yield from page
        after = page[-1].key
