"""What a verification found, how far it has come, and what it is measured against."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import Factory, define, evolve

from communitycore.kernel.journal import GENESIS
from communitycore.kernel.values import frozen

FAULTS_LISTED = 1_000

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much in all."""


@frozen
class Fault:
    """Something that is not as the journal says. seq: the entry concerned, if one is."""

    jurisdiction: str
    what: str
    what_zh: str
    seq: int | None = None
    kind: str | None = None
    record: str | None = None


@define
class Report:
    """What a verification saw. ok: no fault. Of very many faults the first are listed; `further` counts the others."""

    entries: int = 0
    rows: int = 0
    jurisdictions: int = 0
    faults: list[Fault] = Factory(list)
    further: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.faults

    def add(self, fault: Fault) -> None:
        """Take in one more."""
        if len(self.faults) < FAULTS_LISTED:
            self.faults.append(fault)
        else:
            self.further += 1


@frozen
class Anchor:
    """Where every jurisdiction's journal stood: keep it elsewhere, and a cut tail or a restored old state is found."""

    heads: Mapping[str, tuple[int, str]]

    def to_text(self) -> str:
        """JSON: jurisdiction -> [seq, hash]."""
        return json.dumps({id: list(place) for id, place in sorted(self.heads.items())}, indent=1)

    @classmethod
    def from_text(cls, text: str) -> Anchor:
        """The anchor that `to_text` wrote."""
        return cls({id: (int(seq), str(hash)) for id, (seq, hash) in json.loads(text).items()})


@frozen
class Checkpoint:
    """Where a verification stands; the next one goes on from there and looks at nothing before it again.

    report: what was seen so far; its jurisdictions are those that are done, in the order of their ids.
    jurisdiction: the one under way. seq, hash, at: of the last entry checked there; kind, after: of the last row.
    """

    report: Report
    jurisdiction: str = ""
    seq: int = 0
    hash: str = GENESIS
    at: str = ""
    kind: str = ""
    after: str | None = None

    def to_text(self) -> str:
        """JSON on one line."""
        report = self.report
        told: dict[str, Any] = {
            "verification": 1,
            "jurisdictions": report.jurisdictions,
            "entries": report.entries,
            "rows": report.rows,
            "jurisdiction": self.jurisdiction,
            "entry": [self.seq, self.hash, self.at],
            "row": [self.kind, self.after],
            "faults": [[f.jurisdiction, f.what, f.what_zh, f.seq, f.kind, f.record] for f in report.faults],
            "further": report.further,
        }
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str) -> Checkpoint:
        """The checkpoint that `to_text` wrote. Raises ValueError for what is none."""
        try:
            told = json.loads(text)
            if told["verification"] != 1:
                raise ValueError("a checkpoint of another kind")
            (seq, hash, at), (kind, after) = told["entry"], told["row"]
            entries, rows, jurisdictions, further = (
                int(told[name]) for name in ("entries", "rows", "jurisdictions", "further")
            )
            report = Report(entries, rows, jurisdictions, [Fault(*each) for each in told["faults"]], further)
            last = None if after is None else str(after)
            return cls(report, str(told["jurisdiction"]), int(seq), str(hash), str(at), str(kind), last)
        except (TypeError, KeyError) as error:
            raise ValueError("this is no checkpoint of a verification") from error

    @classmethod
    def of(cls, report: Report, *place: Any) -> Checkpoint:
        """One that no later finding changes."""
        return cls(evolve(report, faults=list(report.faults)), *place)
