"""What the room of wishes refuses, and what to do then."""

from __future__ import annotations

from datetime import datetime

from communitycore.kernel.errors import Refused


class WishTaken(Refused):
    """Someone was first. It says nothing of whom (R23)."""

    code = "wishes.taken"
    en = "The wish {wish} is no longer open. Choose another of the campaign's open wishes."
    zh = "心愿 {wish} 已被认领或不再开放，请选择其他尚未认领的心愿。"
    wish: str


class CampaignClosed(Refused):
    """Nothing may be promised or published outside the campaign's days."""

    code = "wishes.campaign_closed"
    en = "The campaign {campaign} is not open now. It runs from {opens} until {closes}."
    zh = "活动 {campaign} 目前未开放，开放时间为 {opens} 至 {closes}。"
    campaign: str
    opens: datetime
    closes: datetime


class CampaignOver(Refused):
    """A closed campaign stays closed."""

    code = "wishes.campaign_over"
    en = "The campaign {campaign} is over. Announce a new one."
    zh = "活动 {campaign} 已结束，请另行发布新的活动。"
    campaign: str


class BasisIncomplete(Refused):
    """The legal basis needs more than was declared (R22)."""

    code = "wishes.basis_incomplete"
    en = "A campaign of basis {basis} must also declare: {missing}."
    zh = "依据“{basis}”开展的活动还须申报：{missing}。"
    basis: str
    missing: tuple[str, ...]


class NotPublicFundraising(Refused):
    """Only a qualified charity's campaign may call itself public fundraising (R22)."""

    code = "wishes.not_public_fundraising"
    en = 'The title says "{word}", kept for public fundraising by a qualified charity. Change the title or basis.'
    zh = "标题含有“{word}”，仅具有公开募捐资格的慈善组织的公开募捐可以使用。请修改标题或活动依据。"
    word: str


class MutualAidElsewhere(Refused):
    """Mutual aid is free of the charity law only within a community (R22)."""

    code = "wishes.mutual_aid_elsewhere"
    en = "Mutual aid is of one community; this body is a {level}. Run it in a community, or declare another basis."
    zh = "互助互济应在本社区内开展，当前辖区层级为 {level}。请在社区开展，或申报其他依据。"
    level: str


class SamePerson(Refused):
    """A text is checked by another than its writer (R14)."""

    code = "wishes.same_person"
    en = "You wrote this text; another person has to check it."
    zh = "该文本由您本人撰写，须由他人审核。"


class PrivateDetails(Refused):
    """The text may tell who the child is; it is not distributed until a person overrides with a reason (R17)."""

    code = "wishes.private_details"
    en = "The text may tell who the child is ({found}). Return it, or approve it with a reason."
    zh = "文本可能暴露儿童身份（{found}）。请退回修改，或注明理由后通过。"
    found: tuple[str, ...]


class ChildNamed(Refused):
    """The text says who the child is; no reason lets that pass (R14)."""

    code = "wishes.child_named"
    en = "The text says in so many words who the child is (in: {fields}). Return it."
    zh = "文本直接写明了儿童身份（{fields}），不得通过，请退回修改。"
    fields: tuple[str, ...]


class ReasonNeeded(Refused):
    """A returned text says why."""

    code = "wishes.reason_needed"
    en = "Say what has to change, so that the writer can mend it."
    zh = "请说明需要修改的内容，以便撰写人改正。"


class NotInCampaign(Refused):
    """Published together means: of this one campaign, each once."""

    code = "wishes.not_in_campaign"
    en = "The draft {draft} is not of the campaign {campaign}, or is listed twice. Publish each once, in its own."
    zh = "草稿 {draft} 不属于活动 {campaign} 或被重复列出，请在其所属活动中各发布一次。"
    draft: str
    campaign: str


class NotReviewed(Refused):
    """Only what a second person approved is published (R14)."""

    code = "wishes.not_reviewed"
    en = "The draft {draft} is {status}; only approved ones are published. Have it reviewed first."
    zh = "草稿 {draft} 状态为 {status}，仅审核通过的可以发布，请先审核。"
    draft: str
    status: str


class HoldOver(Refused):
    """The hold ended, so the wish is free again."""

    code = "wishes.hold_over"
    en = "The hold of {claim} ended at {until}. If the wish is still open, claim it anew."
    zh = "认领 {claim} 的保留期已于 {until} 结束。如心愿仍开放，请重新认领。"
    claim: str
    until: datetime


class NotHeld(Refused):
    """The promise is no longer, or not yet, where this step begins."""

    code = "wishes.not_held"
    en = "The claim {claim} is {status}; this step needs it to be {needed}."
    zh = "认领 {claim} 状态为 {status}，该操作要求状态为 {needed}。"
    claim: str
    status: str
    needed: str


class NotAnOrganisation(Refused):
    """Only an organisation is spoken for by others."""

    code = "wishes.not_an_organisation"
    en = "{party} is a person and speaks for itself; only an organisation entrusts others."
    zh = "{party} 为自然人，应由本人办理；仅组织可以委托他人。"
    party: str


class NotAPerson(Refused):
    """Children and guardians are people."""

    code = "wishes.not_a_person"
    en = "{party} is an organisation; a child and a guardian are people."
    zh = "{party} 为组织；儿童及监护人应为自然人。"
    party: str


class NoThanksYet(Refused):
    """Thanks follow the gift."""

    code = "wishes.no_thanks_yet"
    en = "Thanks can be written once the gift was handed over, and until they are passed on."
    zh = "礼物送达之后、感谢转达之前方可填写感谢。"
