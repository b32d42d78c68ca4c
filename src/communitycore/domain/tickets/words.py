"""The words of the room: sources, part and event, grounds and outcomes, remarks, and why one was chosen."""

from __future__ import annotations

from datetime import datetime

from communitycore.domain.places import GridId, Word
from communitycore.kernel.errors import BadValue
from communitycore.kernel.rules import Language
from communitycore.kernel.shape import check_text
from communitycore.kernel.values import frozen

REMARK_MAX = 2_000
REFERENCE_MAX = 500
REFERENCES_MAX = 50


class Source(Word):
    """How a report came in 来源."""

    APP = "app", "手机应用"
    COUNTER = "counter", "窗口"
    TELEPHONE = "telephone", "电话"
    CHAT = "chat", "群聊"
    WEB = "web", "网站"
    PATROL = "patrol", "巡查"
    VISIT = "visit", "入户走访"
    DEVICE = "device", "设备"
    IMPORT = "import", "导入"


ON_DUTY = frozenset({Source.PATROL, Source.VISIT})
"""What an officer finds on duty is no complaint of theirs: they may handle it, and nobody calls them back."""


class Part(Word):
    """A part of the public realm 部件 such as a lamp, or an event 事件 such as litter (G3)."""

    PART = "part", "部件"
    EVENT = "event", "事件"


class Ground(Word):
    """On what ground a report is lawfully refused 不予受理理由."""

    NOT_OURS = "not_ours", "不属于受理范围"
    REPEATED = "repeated", "重复诉求"
    IN_PROCEEDINGS = "in_proceedings", "已进入诉讼、仲裁、复议等程序"
    NO_FACTS = "no_facts", "内容不明或无事实依据"
    SETTLED = "settled", "已依法终结"


class Outcome(Word):
    """What handling came to 办理结果."""

    RESOLVED = "resolved", "已解决"
    EXPLAINED = "explained", "已解释说明"
    PLANNED = "planned", "列入计划"


class Said(Word):
    """At which step a remark was made."""

    REJECTED = "rejected", "不予受理"
    DISPATCHED = "dispatched", "派单"
    DISPUTED = "disputed", "异议"
    ESCALATED = "escalated", "上报"
    PAUSED = "paused", "中止计时"
    EXTENDED = "extended", "延期"
    HANDLED = "handled", "办结"
    VERIFIED = "verified", "核查"
    SENT_BACK = "sent_back", "退回"
    CALLED_BACK = "called_back", "回访"
    REOPENED = "reopened", "重新办理"
    WITHDRAWN = "withdrawn", "撤回"
    MERGED = "merged", "并案"


@frozen(kw_only=True)
class Remark:
    """What was said at a step 办理意见: a reason, an outcome, a reporter's answer."""

    at: datetime
    what: Said
    text: str


class Reason(Word):
    """Why a ticket is where it is 派单理由."""

    LIGHTEST = "lightest", "负荷最轻"
    NAMED = "named", "人工指定"
    STAYED = "stayed", "网格调整后仍由原人员办理"
    NO_PLACE = "no_place", "未提供地点"
    NO_GRID = "no_grid", "不在任何网格内"
    SEVERAL_GRIDS = "several_grids", "位于多个网格"
    NOBODY = "nobody", "网格内无人可派"
    ESCALATED = "escalated", "已上报"
    REVIEW = "review", "需重新派单"
    LEFT = "left", "原办理人已卸任"


_SENTENCES = {
    Reason.LIGHTEST: (
        "You have the lightest load ({load}) of the {among} who may handle this in {grids}.",
        "在{grids}可派的 {among} 人中，您的在办负荷最轻（{load}）。",
    ),
    Reason.NAMED: ("A clerk chose you by name.", "由工作人员指定您办理。"),
    Reason.STAYED: (
        "The grids were redrawn; this now lies in {grids}, and it stays with you.",
        "网格已调整，现位于{grids}，仍由您办理。",
    ),
    Reason.NO_PLACE: (
        "Nobody knows where this is. Ask for the place, or choose the grid.",
        "未提供地点，请补充地点或指定网格。",
    ),
    Reason.NO_GRID: (
        "This place lies in no grid. Choose the grid, or name who shall handle it.",
        "该地点不在任何网格内，请指定网格或办理人。",
    ),
    Reason.SEVERAL_GRIDS: (
        "This place lies in {count} grids: {grids}. Choose one of them.",
        "该地点同时位于 {count} 个网格：{grids}，请选定其一。",
    ),
    Reason.NOBODY: (
        "{grids} has nobody who may handle this. Name who shall.",
        "{grids}目前无人可派，请指定办理人。",
    ),
    Reason.ESCALATED: ("This was sent up. Name who shall handle it.", "已上报，请指定办理人。"),
    Reason.REVIEW: ("This is to be dispatched anew.", "请重新派单。"),
    Reason.LEFT: (
        "Whoever had this serves here no longer. Name who shall handle it.",
        "原办理人已卸任，请指定办理人。",
    ),
}
_MOVED = (" It lay in {moved_from} before.", "原属{moved_from}。")


@frozen(kw_only=True)
class Why:
    """Why a ticket came to whom it came to, or waits for a clerk (R7).

    grids, names: the grid it lies in, or all it may lie in, with their names at that time. load, among: the weight
    that the chosen one carried before, and how many could have been chosen. moved_from: the name of the grid that it
    lay in until the boundaries changed. Who was passed over is not said: it would tell who stands aside, and from whom.
    """

    reason: Reason
    grids: tuple[GridId, ...] = ()
    names: tuple[str, ...] = ()
    load: int | None = None
    among: int | None = None
    moved_from: str | None = None

    @property
    def automatic(self) -> bool:
        """Whether a rule chose, and not a person."""
        return self.reason in (Reason.LIGHTEST, Reason.STAYED)

    def say(self, language: Language = "en") -> str:
        """The reason, told to whoever has the ticket or has to dispatch it."""
        n = 1 if language == "zh" else 0
        sentence = _SENTENCES[self.reason][n] + (_MOVED[n] if self.moved_from is not None else "")
        names = ("、" if n else ", ").join(self.names)
        return sentence.format(
            grids=names, count=len(self.grids), load=self.load, among=self.among, moved_from=self.moved_from
        )


def check_words(text: str, field: str = "reason") -> str:
    """`text`, which says something. Raises BadValue, without repeating it."""
    if not check_text(text, field, REMARK_MAX).strip():
        raise BadValue(field=field, why="it is blank; say it in a few words", why_zh="为空，请简要说明")
    return text


def check_references(references: tuple[str, ...], field: str) -> tuple[str, ...]:
    """References to files or messages kept elsewhere. Raises BadValue for a blank or overlong one, or too many."""
    if not isinstance(references, tuple):  # a bare text would be read as one reference a character
        raise BadValue(field=field, why="give a tuple of references", why_zh="应为引用的元组")
    kept = references
    if len(kept) > REFERENCES_MAX:
        raise BadValue(
            field=field,
            why=f"{len(kept)} references; at most {REFERENCES_MAX} are allowed",
            why_zh=f"共 {len(kept)} 条引用，最多 {REFERENCES_MAX} 条",
        )
    for reference in kept:
        if not check_text(reference, field, REFERENCE_MAX).strip():
            raise BadValue(field=field, why="a reference is blank", why_zh="引用为空")
    return kept
