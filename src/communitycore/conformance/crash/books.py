"""The journal as a keeper has read it: what each call left, found again by its mark."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from communitycore.hub.hub import Hub
from communitycore.kernel.journal import Entry

PAGE = 1_000
Group = tuple[str, str]
"""What the entries that one call or timer left have in common: their cause, and the noise in their ids."""


class Books:
    """One jurisdiction's journal up to `seq`, read on as it grows."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.entries: list[Entry] = []
        self.groups: dict[Group, list[Entry]] = defaultdict(list)
        self._marked: dict[tuple[str, str], list[Group]] = defaultdict(list)
        self._versions: dict[str, int] = defaultdict(int)

    def read(self, hub: Hub) -> Iterator[str]:
        """Read what is new; gives what is wrong with its order. Where it ends, a transaction has ended.

        A record's versions are counted one by one, so that no step was made over another.
        """
        seq = len(self.entries)
        while page := hub.journal(self.place, seq, PAGE):
            for entry in page:
                if entry.seq != seq + 1:
                    yield f"entry {entry.seq} follows entry {seq}"
                if self.entries and entry.at < self.entries[-1].at:
                    yield f"entry {entry.seq} of {entry.at} follows one of {self.entries[-1].at}"
                version = self._versions[entry.record] + (not entry.notes)
                if entry.version != version:
                    yield f"entry {entry.seq} makes version {entry.version} of {entry.record} instead of {version}"
                seq, self._versions[entry.record] = entry.seq, entry.version
                self._take(entry)

    def _take(self, entry: Entry) -> None:
        group = entry.cause, entry.id[18:]
        self.entries.append(entry)
        self.groups[group].append(entry)
        for text in marks(entry):
            found = self._marked[entry.name, text]
            if group not in found:
                found.append(group)

    def marked(self, mark: tuple[str, str]) -> list[Group]:
        """The calls that left this mark."""
        return self._marked.get(mark, [])

    def names(self, group: Group) -> Counter[str]:
        """The names of the entries that one call left."""
        return Counter(entry.name for entry in self.groups[group])

    def of(self, name: str) -> list[Entry]:
        """All entries of one name."""
        return [entry for entry in self.entries if entry.name == name]


def marks(entry: Entry) -> Iterator[str]:
    """The texts by which a call may be found: its record's id and version, and every text that it set."""
    yield entry.record
    yield f"{entry.record}@{entry.version}"
    for value in entry.changes().values():
        after = value[1] if isinstance(value, list) and len(value) == 2 else value
        if isinstance(after, str):
            yield after
