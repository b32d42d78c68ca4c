"""Every error of the library: one root, a stable code, its data as attributes, a sentence in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal

Language = Literal["en", "zh"]


class CommunityCoreError(Exception):
    """The root of all errors of this library.

    code: stable, dotted, for programs. en, zh: what a person should do, with `{name}` for each datum.
    retryable: whether the same call may succeed if simply made again.
    Its data are attributes, and together `data`.
    """

    code: ClassVar[str] = "error"
    en: ClassVar[str] = "Something went wrong."
    zh: ClassVar[str] = "出错了。"
    retryable: ClassVar[bool] = False

    def __init__(self, **data: Any) -> None:
        self.data: Mapping[str, Any] = MappingProxyType(data)
        self.__dict__.update(data)
        super().__init__()

    def say(self, language: Language = "en") -> str:
        """The sentence for a person, in English or Chinese."""
        return (self.zh if language == "zh" else self.en).format_map(_Shown(self.data))

    def __str__(self) -> str:
        return self.say("en")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(self.data))


def _rebuild(kind: type[CommunityCoreError], data: dict[str, Any]) -> CommunityCoreError:
    error = kind.__new__(kind)
    CommunityCoreError.__init__(error, **data)
    return error


class _Shown(dict[str, Any]):
    """A sentence whose datum was not given still prints."""

    def __missing__(self, key: str) -> str:
        return "?"

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if isinstance(value, str):
            return str(value).encode("utf-8", "backslashreplace").decode()
        if isinstance(value, (tuple, list, set, frozenset)):
            return ", ".join(str(item) for item in value)
        return value


class Refused(CommunityCoreError):
    """A rule said no; nothing was changed. What to do stands in the sentence."""

    code = "refused"
    en = "Refused."
    zh = "操作被拒绝。"


class NotFound(Refused):
    """No such record in this jurisdiction."""

    code = "not_found"
    en = "There is no {kind} {id} here. Check the id and the jurisdiction."
    zh = "此处没有编号为 {id} 的{kind}，请核对编号和辖区。"
    kind: str
    id: str


class NotAllowed(Refused):
    """The actor may not do or read this."""

    code = "not_allowed"
    en = "{actor} may not {what}. It is for: {rule}."
    zh = "{actor} 无权执行 {what}，仅限：{rule}。"
    actor: str
    what: str
    rule: Any

    def say(self, language: Language = "en") -> str:
        rule = self.rule.say(language) if hasattr(self.rule, "say") else str(self.rule)
        return (self.zh if language == "zh" else self.en).format_map(_Shown({**self.data, "rule": rule}))


class IllegalStep(Refused):
    """The state table does not allow this step."""

    code = "illegal_step"
    en = "{kind} {id} is {before} and cannot become {after}. Allowed from here: {allowed}."
    zh = "{kind} {id} 当前状态为 {before}，不能变为 {after}；允许的下一状态：{allowed}。"
    kind: str
    id: str
    before: str
    after: str
    allowed: tuple[str, ...]


class StaleStep(Refused):
    """The record has moved on since it was read."""

    code = "stale_step"
    en = "{kind} {id} has changed since it was read (version {before}, now {current}). Read it again and decide anew."
    zh = "{kind} {id} 自读取后已被修改（读取时版本 {before}，现为 {current}），请重新读取后再操作。"
    kind: str
    id: str
    before: int
    current: int


class BadValue(Refused):
    """A value that no store could hold, or that breaks its field's rule."""

    code = "bad_value"
    en = "{field}: {why}."
    zh = "{field} 的值不合要求：{why_zh}。"
    field: str
    why: str
    why_zh: str

    def __init__(self, *, field: str, why: str, why_zh: str | None = None, **more: Any) -> None:
        super().__init__(field=field, why=why, why_zh=why_zh or why, **more)


class NotUnique(Refused):
    """Another record already holds this value."""

    code = "not_unique"
    en = "Another {kind} already has this {field}. Use that one, or choose another value."
    zh = "已有{kind}使用相同的 {field}，请使用已有记录或更换取值。"
    kind: str
    field: str


class KeyReused(Refused):
    """The idempotency key was used before, for another call."""

    code = "key_reused"
    en = "The key {key} was already used for another call. Use a new key for a new call."
    zh = "幂等键 {key} 已用于另一次调用，新的调用请使用新键。"
    key: str


class KeyErased(Refused):
    """What was called under this key was erased with a person's data: it was done once, and is not done again."""

    code = "key_erased"
    en = "What was called under the key {key} was erased with a person's data. It was done, and is not done again."
    zh = "幂等键 {key} 所对应的调用已执行，其内容已随个人信息一并删除，不会再次执行。"
    key: str


class TooMuch(Refused):
    """More records than one command may touch."""

    code = "too_much"
    en = "One command may touch at most {limit} records; this one touches {count}. Split it, or use a run."
    zh = "一个命令最多涉及 {limit} 条记录，本次涉及 {count} 条；请拆分或改用分批任务。"
    limit: int
    count: int


class Vetoed(Refused):
    """A veto in force here says no."""

    code = "veto.refused"
    en = "A rule of this place, {veto}, does not allow it: {why}."
    zh = "本辖区启用的规则 {veto} 不允许此操作：{why_zh}。"
    veto: str
    why: str
    why_zh: str

    def __init__(self, *, veto: str, why: str, why_zh: str | None = None, **more: Any) -> None:
        super().__init__(veto=veto, why=why, why_zh=why_zh or why, **more)


class VetoFailed(Refused):
    """A veto in force here broke off, and one that cannot be asked refuses."""

    code = "veto.failed"
    en = "The rule {veto}, in force here, could not be asked ({why}). Tell who runs it, or have it lifted: vetoes.lift."
    zh = "本辖区启用的规则 {veto} 无法执行（{why}）。请联系维护人员修复，或由管理员停用：vetoes.lift。"
    veto: str
    why: str


class VetoMissing(Refused):
    """A veto is in force here, and the plug-in that brings it is not installed or not open."""

    code = "veto.missing"
    en = (
        "The rule {veto} is in force here and not installed. Install its plug-in again, or have it lifted: vetoes.lift."
    )
    zh = "规则 {veto} 在本辖区已启用，但未安装。请重新安装其插件，或由管理员停用：vetoes.lift。"
    veto: str


class UnknownVeto(Refused):
    """No open plug-in brings a veto of this name."""

    code = "veto.unknown"
    en = "No installed plug-in brings the rule {veto}. Those that may be put in force: {known}."
    zh = "没有已安装的插件提供规则 {veto}。可启用的规则：{known}。"
    veto: str
    known: tuple[str, ...]


class UnknownCode(Refused):
    """No jurisdiction uses this code today."""

    code = "unknown_code"
    en = "No jurisdiction uses the code {given} today.{hint} Found it first, or check the code."
    zh = "目前没有辖区使用代码 {given}。{hint}请先建立辖区，或核对代码。"
    given: str
    hint: str


class CodeTaken(Refused):
    """Another jurisdiction uses this code."""

    code = "code_taken"
    en = "The code {given} is in use by {jurisdiction}. Choose another, or end that one's use first."
    zh = "代码 {given} 正由辖区 {jurisdiction} 使用，请更换代码，或先终止其使用。"
    given: str
    jurisdiction: str


class Mistake(CommunityCoreError):
    """A programmer's error: a declaration or a change that can never be right."""

    code = "mistake"
    en = "{what}"
    zh = "{what}"
    what: str

    def __init__(self, what: str = "", **more: Any) -> None:
        super().__init__(what=what, **more)


class StoreError(CommunityCoreError):
    """The store failed; nothing of the call was kept."""

    code = "store"
    en = "The store {url} failed: {why}."
    zh = "存储 {url} 出错：{why_zh}。"
    url: str
    why: str
    why_zh: str

    def __init__(self, *, url: str, why: str, why_zh: str | None = None, **more: Any) -> None:
        super().__init__(url=url, why=why, why_zh=why_zh or why, **more)


class StoreBusy(StoreError):
    """The store is locked by another or the connection broke; the same call may be made again."""

    code = "store_busy"
    en = "The store {url} is busy: {why}. Try again."
    zh = "存储 {url} 正忙：{why_zh}，请稍后重试。"
    retryable = True


class StoreUnusable(StoreError):
    """The store cannot be opened or written as it is."""

    code = "store_unusable"
    en = "The store {url} cannot be used: {why}."
    zh = "存储 {url} 无法使用：{why_zh}。"


class NoAdapter(StoreUnusable):
    """No installed distribution serves this URL scheme."""

    code = "no_adapter"
    en = "Nothing installed can open {url}. {why}."
    zh = "未安装可打开 {url} 的适配器。{why_zh}。"


class TooNew(CommunityCoreError):
    """A record in a form that a later set of records gave it."""

    code = "too_new"
    en = "{kind} {id} was written in form {found}, and this program knows forms up to {known}. Upgrade this program."
    zh = "{kind} {id} 以结构版本 {found} 写入，本程序只支持到 {known}，请升级本程序。"
    kind: str
    id: str
    found: int
    known: int


class OutcomeUnknown(StoreError):
    """The connection broke in COMMIT and the store cannot be asked; look for the cause before calling again."""

    code = "outcome_unknown"
    en = "Whether the call {cause} was kept is unknown: {why}. Ask for that cause before calling again."
    zh = "调用 {cause} 是否已保存尚不确定：{why_zh}。重试前请先按该编号查询。"
    cause: str


class Damaged(CommunityCoreError):
    """Stored bytes that cannot be read back as what they claim to be."""

    code = "damaged"
    en = "{kind} {id} cannot be read back: {why}. Run verify, then restore from a backup."
    zh = "{kind} {id} 无法读取：{why}。请运行 verify 校验，并从备份恢复。"
    kind: str
    id: str
    why: str
