"""What the room of tickets refuses, and what to do then. No error tells who reported (G7)."""

from __future__ import annotations

from datetime import datetime

from communitycore.kernel.errors import Refused


class WrongStatus(Refused):
    """The ticket is not where this command takes it up."""

    code = "tickets.wrong_status"
    en = "The ticket {ticket} is {status}; {command} takes one that is {allowed}."
    zh = "工单 {ticket} 当前为“{status_zh}”，{command} 仅适用于：{allowed_zh}。"
    ticket: str
    status: str
    status_zh: str
    command: str
    allowed: tuple[str, ...]
    allowed_zh: tuple[str, ...]


class MessageTaken(Refused):
    """Another reporter's report came in by this message."""

    code = "tickets.message_taken"
    en = "This message of {source} is another reporter's report already. Check the message id."
    zh = "该 {source} 消息已由其他人上报，请核对消息编号。"
    source: str


class CategoryNeeded(Refused):
    """A ticket is accepted under a category."""

    code = "tickets.category_needed"
    en = "The ticket {ticket} has no category yet. Accept it under one."
    zh = "工单 {ticket} 尚无类别，请在立案时选定类别。"
    ticket: str


class CategoryRetired(Refused):
    """The category is no longer used."""

    code = "tickets.category_retired"
    en = "The category {name} is retired. Choose one in use."
    zh = "类别“{name}”已停用，请选择在用类别。"
    name: str
    category: str


class CategoryTooDeep(Refused):
    """Categories have two levels (G3)."""

    code = "tickets.category_too_deep"
    en = "{name} has a parent already, and categories have two levels. Put the new one under a category of the first."
    zh = "“{name}”已是二级类别，类别只分两级，请归入一级类别。"
    name: str
    category: str


class CategoryPartDiffers(Refused):
    """A part stands under parts, an event under events."""

    code = "tickets.category_part_differs"
    en = "{name} is for {part}s. Put the new category under one of its own sort."
    zh = "“{name}”属于{part_zh}类，部件与事件不能互为上下级。"
    name: str
    part: str
    part_zh: str


class CategoryCodeTaken(Refused):
    """Another category in use here has this code."""

    code = "tickets.category_code_taken"
    en = "The code {given} is {name}'s. Give another, or retire that category first."
    zh = "编码 {given} 已由类别“{name}”使用，请更换编码或先停用该类别。"
    given: str
    name: str


class CategoryOfAbove(Refused):
    """The category is kept by a body above."""

    code = "tickets.category_of_above"
    en = "The category {category} is kept by a body above. Change it there."
    zh = "类别 {category} 由上级设置，请在上级修改。"
    category: str


class CategoryInUse(Refused):
    """Categories in use stand under this one."""

    code = "tickets.category_in_use"
    en = "{count} categories in use stand under {name}. Retire those first."
    zh = "“{name}”下仍有 {count} 个在用的二级类别，请先停用。"
    name: str
    count: int


class NameAssignee(Refused):
    """No rule can choose who handles this."""

    code = "tickets.name_assignee"
    en = "The ticket {ticket} was sent up from the grids. Name who shall handle it."
    zh = "工单 {ticket} 已由网格上报，请指定办理人或办理单位。"
    ticket: str


class Recused(Refused):
    """One who must stand aside. Why is not told, since it could tell who reported."""

    code = "tickets.recused"
    en = "{party} must stand aside from the ticket {ticket}. Choose another."
    zh = "{party} 应当回避工单 {ticket}，请另选他人。"
    party: str
    ticket: str


class RecusalUnclear(Refused):
    """A recusal is from one thing."""

    code = "tickets.recusal_unclear"
    en = "Say from what one stands aside: a party, a dwelling or a ticket, one of them."
    zh = "请说明回避对象：当事人、房屋或工单，三者选一。"


class RecusalEnded(Refused):
    """The recusal was lifted already."""

    code = "tickets.recusal_ended"
    en = "The recusal {recusal} was lifted already."
    zh = "回避登记 {recusal} 已经解除。"
    recusal: str


class OwnWork(Refused):
    """Who handles never verifies, nor do those who stand in for each other (G5)."""

    code = "tickets.own_work"
    en = "{party} handled the ticket {ticket}, or stands in for one who did. Let another do this."
    zh = "{party} 办理过工单 {ticket}，或与办理人互为代班，应由他人进行。"
    party: str
    ticket: str


class EvidenceNeeded(Refused):
    """Closure needs evidence (G5)."""

    code = "tickets.evidence_needed"
    en = "Say by what it can be seen: give at least one reference to a photo, a form or a message."
    zh = "请提供依据：至少一条照片、表单或消息的引用。"


class Paused(Refused):
    """The clock stands already."""

    code = "tickets.paused"
    en = "The clock of the ticket {ticket} is stopped already. Resume it first."
    zh = "工单 {ticket} 已中止计时，请先恢复。"
    ticket: str


class NotPaused(Refused):
    """The clock runs."""

    code = "tickets.not_paused"
    en = "The clock of the ticket {ticket} is not stopped."
    zh = "工单 {ticket} 未中止计时。"
    ticket: str


class NobodyAbove(Refused):
    """No body stands above the one that answers."""

    code = "tickets.nobody_above"
    en = "{body} answers for the ticket {ticket}, and no body stands above it."
    zh = "工单 {ticket} 已由{body}负责，其上没有更高层级。"
    ticket: str
    body: str


class UrgedAlready(Refused):
    """The ticket was urged a short while ago, by whomever."""

    code = "tickets.urged_already"
    en = "The ticket {ticket} was urged within the last day. It may be urged again from {again} on."
    zh = "工单 {ticket} 一日内已催办，{again} 之后可再次催办。"
    ticket: str
    again: datetime


class NotAReporter(Refused):
    """One who did not report this, or has withdrawn."""

    code = "tickets.not_a_reporter"
    en = "That party does not stand behind the ticket {ticket}, or no longer does. Name one who does."
    zh = "该主体不是工单 {ticket} 的诉求人，或已撤回，请核对。"
    ticket: str


class WhichReporter(Refused):
    """Several reported this; it must be said who is meant."""

    code = "tickets.which_reporter"
    en = "{count} reporters of the ticket {ticket} are still to be called back. Say which one answered."
    zh = "工单 {ticket} 还有 {count} 位诉求人待回访，请指明是哪一位。"
    ticket: str
    count: int


class NobodyToCall(Refused):
    """Everybody was called back, or nobody can be."""

    code = "tickets.nobody_to_call"
    en = "Nobody is left to call back about the ticket {ticket}."
    zh = "工单 {ticket} 没有待回访的诉求人。"
    ticket: str


class CannotJoin(Refused):
    """A ticket is merged into another one that is still open."""

    code = "tickets.cannot_join"
    en = "The ticket {ticket} cannot be merged into {into}, which is {what}. Choose one that is still open."
    zh = "工单 {ticket} 不能并入 {into}（{what_zh}），请选择未办结的工单。"
    ticket: str
    into: str
    what: str
    what_zh: str


class TooManyReporters(Refused):
    """More reporters than one command can bring over."""

    code = "tickets.too_many_reporters"
    en = "The ticket {ticket} has more than {limit} reporters. Merge the other into it instead."
    zh = "工单 {ticket} 的诉求人超过 {limit} 位，请将另一工单并入它。"
    ticket: str
    limit: int
