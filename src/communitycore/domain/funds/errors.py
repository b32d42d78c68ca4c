"""What the room of funds refuses, and what to do then."""

from __future__ import annotations

from datetime import date

from communitycore.kernel.errors import Refused


class Unbalanced(Refused):
    """Debits and credits differ."""

    code = "funds.unbalanced"
    en = "The postings do not balance: they are off by {off} minor units. Debits and credits must be equal."
    zh = "借贷不平，相差 {off}（最小货币单位），请核对后重新记账。"
    off: int


class WrongLedger(Refused):
    """What is of one ledger was to be booked in another (R18)."""

    code = "funds.wrong_ledger"
    en = "{account} is not of the ledger {ledger}. Between ledgers there are only transfers under a decision."
    zh = "科目 {account} 不属于账簿 {ledger}；不同账簿之间只能凭决定划转。"
    account: str
    ledger: str


class LedgerShut(Refused):
    """Nothing is booked in a closed ledger."""

    code = "funds.ledger_closed"
    en = "The ledger {name} is closed. Book it in one that is open."
    zh = "账簿“{name}”已停用，请使用启用中的账簿。"
    name: str


class LedgerNotEmpty(Refused):
    """A ledger that still holds something is not closed."""

    code = "funds.not_empty"
    en = "The ledger {name} still holds a balance in {account}. Pay it out or transfer it first."
    zh = "账簿“{name}”的科目“{account}”尚有余额，请先支付或划转。"
    name: str
    account: str


class NotEnough(Refused):
    """An asset would fall below nothing."""

    code = "funds.not_enough"
    en = "{account} holds {there}, and {needed} is needed. Book what came in first, or take less."
    zh = "科目“{account}”余额 {there}，不足 {needed}，请先登记收入或减少金额。"
    account: str
    there: str
    needed: str


class YearOpen(Refused):
    """A year is closed once it is over."""

    code = "funds.year_open"
    en = "The year {year} is not over yet. Close it once it is."
    zh = "{year} 年度尚未结束，请在年度结束后结转。"
    year: int


class YearShut(Refused):
    """Nothing is booked in a year that was closed."""

    code = "funds.year_closed"
    en = "The books of {name} are closed until {day}. Book it on a later day, and say in the text what it is about."
    zh = "账簿“{name}”截至 {day} 已结转，请记入之后的日期，并在摘要中说明。"
    name: str
    day: date


class DecisionNeeded(Refused):
    """Income and what years left over belong to the owners (R19)."""

    code = "funds.decision_needed"
    en = "What stands in {account} moves by the owners' decision alone. Record it, and transfer or pay under it."
    zh = "“{account}”中的资金只能凭业主共同决定动用，请先登记决定，再凭其划转或支付。"
    account: str


class NotDecided(Refused):
    """A transfer or distribution that no adopted decision permits (R18, R19)."""

    code = "funds.not_decided"
    en = "The decision {decision} does not permit this: {why}."
    zh = "决定 {decision} 不允许此项资金动用：{why_zh}。"
    decision: str
    why: str
    why_zh: str


class AlreadyReversed(Refused):
    """An entry is taken back once."""

    code = "funds.reversed"
    en = "The entry {entry} was taken back already by {by}."
    zh = "凭证 {entry} 已由 {by} 冲回。"
    entry: str
    by: str


class BookedOtherwise(Refused):
    """An entry that something else made is taken back together with that."""

    code = "funds.booked_otherwise"
    en = "The entry {entry} was made by a {origin}. Take that back instead, and the entry goes along."
    zh = "凭证 {entry} 由“{origin_zh}”生成，请撤回相应业务，凭证将一并冲回。"
    entry: str
    origin: str
    origin_zh: str


class SecondPerson(Refused):
    """Who asked, or is paid, does not approve."""

    code = "funds.second_person"
    en = "Whoever asked for a payment or receives it does not approve it. Let another person decide."
    zh = "申请人或收款人不得审批，请由其他人审批。"


class PaymentNeeded(Refused):
    """Nobody pays alone."""

    code = "funds.payment_needed"
    en = "This would take money out of {ledger} on one person's word. Request a payment, and let another approve it."
    zh = "此凭证将减少账簿“{ledger}”的资产，不得由一人办理；请申请支出，并由另一人审批。"
    ledger: str


class PaymentPassed(Refused):
    """It is too late, or too early, for that."""

    code = "funds.payment_passed"
    en = "The payment {payment} is {status} now, so that is not possible. Ask for another one if it is needed."
    zh = "支出 {payment} 目前{status_zh}，不能进行此操作；如有需要请另行申请。"
    payment: str
    status: str
    status_zh: str


class AlreadySettled(Refused):
    """The same takings are split once."""

    code = "funds.settled"
    en = "{source} was settled already. Take the settlement back first if it was wrong."
    zh = "{source} 已结算；如有错误请先冲回。"
    source: str


class NoRule(Refused):
    """No version of the rule is in force."""

    code = "funds.no_rule"
    en = "No version of the rule {name} was in force at that time. Agree on one before the activity."
    zh = "分账规则“{name}”当时没有有效版本，请在活动前签订协议并登记。"
    name: str


class LineConfirmed(Refused):
    """A line of the bank's statement is confirmed once."""

    code = "funds.line_confirmed"
    en = "The line of {day} over {amount} was confirmed already. Take that back first if it was wrong."
    zh = "{day} 金额为 {amount} 的银行流水已确认；如有错误请先撤销。"
    day: date
    amount: str


class EntryConfirmed(Refused):
    """An entry is confirmed to be one line."""

    code = "funds.entry_confirmed"
    en = "The entry {entry} was confirmed already, as a line of {day}. Take that back first if it was wrong."
    zh = "凭证 {entry} 已与 {day} 的银行流水确认；如有错误请先撤销。"
    entry: str
    day: date


class NotTheLine(Refused):
    """What the entries moved is not what the bank moved."""

    code = "funds.not_the_line"
    en = "The bank moved {amount}, the entries together {moved}. Choose others, or book what is missing, such as a fee."
    zh = "银行流水金额为 {amount}，所选凭证合计 {moved}，请另选凭证，或补记差额（如手续费）。"
    amount: str
    moved: str


class MatchWithdrawn(Refused):
    """A confirmation is taken back once."""

    code = "funds.match_withdrawn"
    en = "The confirmation {match} was taken back already. Confirm the line anew if it is right after all."
    zh = "对账确认 {match} 已撤销；如确属正确，请重新确认。"
    match: str
