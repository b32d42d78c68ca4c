"""The certificate of an erasure: what was emptied, what was kept and why, and where the journals stood afterwards."""

from __future__ import annotations

import json
import typing
from datetime import datetime

from communitycore.hub.verify import Anchor
from communitycore.kernel import convert
from communitycore.kernel.errors import BadValue
from communitycore.kernel.ids import Ref
from communitycore.kernel.shape import LegalGround
from communitycore.kernel.values import frozen

ACCOUNT = LegalGround(
    "entries are kept to account for what was done: PIPL 9 and 54, GDPR 5(2); "
    "they hold ids, times and states, and of personal values nothing",
    "日志条目依法留存以备核查（个人信息保护法第九条、第五十四条）；其中仅有编号、时间和状态，不含个人信息内容",
)


@frozen
class Erased:
    """Records of one kind whose personal fields are empty. entries: those of the journal that say so."""

    jurisdiction: str
    kind: str
    records: int
    fields: tuple[str, ...]
    entries: tuple[int, ...]


@frozen
class Kept:
    """What was kept of one kind, on which legal ground. Of kind `journal`: entries about the person's records."""

    jurisdiction: str
    kind: str
    records: int
    ground: LegalGround


@frozen
class Stand:
    """Where a jurisdiction's journal stood."""

    jurisdiction: str
    seq: int
    hash: str


@frozen
class Certificate:
    """What became of a person's data 删除证明. Nothing in it is personal: it names ids, kinds, fields and entries.

    people: the party and all that are the same person. elsewhere: jurisdictions that hold something of theirs where
    the one who asked may erase nothing; somebody there has to be asked. stands: of the jurisdictions concerned.
    """

    party: Ref
    people: tuple[Ref, ...]
    at: datetime
    erased: tuple[Erased, ...]
    kept: tuple[Kept, ...]
    elsewhere: tuple[str, ...]
    stands: tuple[Stand, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing personal of theirs is left: no record was kept, and nothing is elsewhere."""
        return not self.elsewhere and all(kept.kind == "journal" for kept in self.kept)

    @property
    def anchor(self) -> Anchor:
        """The journals after it, to verify against."""
        return Anchor({stand.jurisdiction: (stand.seq, stand.hash) for stand in self.stands})

    def to_text(self) -> str:
        """Canonical JSON."""
        return convert.to_text({name: getattr(self, name) for name in _TYPES})

    @classmethod
    def from_text(cls, text: str) -> Certificate:
        """The certificate that `to_text` wrote. Raises BadValue for any other text."""
        try:
            told = json.loads(text)
            return cls(**{name: convert.converter().structure(told[name], type_) for name, type_ in _TYPES.items()})
        except Exception as cause:  # whatever is wrong with it
            raise BadValue(
                field="certificate", why="this text is no certificate of an erasure", why_zh="该文本不是删除证明"
            ) from cause


_TYPES = typing.get_type_hints(Certificate)
