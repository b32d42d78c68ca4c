"""A chat bot 聊天机器人: neighbours report, ask how it stands and claim wishes, in Chinese or English.

Run bare it plays a conversation; with `--listen` it answers lines of `sender: text` from standard input. Who sends is
the chat service's word, not the sender's: whoever may write to that input is believed.
"""

import re
import sys
from datetime import UTC, date, datetime, timedelta

import communitycore as cc
from communitycore import people, tickets, wishes
from communitycore.domain.places import Word
from communitycore.domain.roles import ORGANISER
from communitycore.kernel.jurisdiction import give

HELP = {True: "请说：报修 …、进度 1、心愿、认领 1", False: "Say: report …, state 1, wishes, claim 1"}
VERBS = {"报修": "report", "进度": "state", "心愿": "wishes", "认领": "claim"}
SAID = ("李: 报修 楼道灯不亮", "李: 进度 1", "Ann: state 1", "Ann: wishes", "Ann: claim 1", "李: 认领 1", "李: 你好")

hub = cc.open("memory://")
town = hub.found("370115002023", name="汇鑫社区", level="community").id
admin = hub.desk(town, hub.administrator(town))
wished: list[wishes.WishId] = []  # people type numbers: these are the first of them, the second …
reported: list[tickets.TicketId] = []
known: dict[str, people.PartyId] = {}


def party(name: str) -> people.PartyId:
    return known.setdefault(name, known.get(name) or admin.do(people.register, name=name).id)


def hear(sender: str, text: str) -> str:
    """The answer to a message, in its language."""
    zh = re.search(r"[\u4e00-\u9fff]", text) is not None
    verb, _, rest = text.partition(" ")
    try:
        told = act(party(sender), VERBS.get(verb, verb.lower()), rest.strip())
    except cc.CommunityCoreError as error:
        return error.say("zh" if zh else "en")
    return HELP[zh] if told is None else "; ".join(f"{what} {word.zh if zh else word}" for what, word in told)


def act(me: people.PartyId, verb: str, rest: str) -> list[tuple[str, Word]] | None:
    desk = hub.desk(town, cc.Ref(town, me))
    nth = int(rest) - 1 if re.fullmatch("[0-9]{1,4}", rest) else -1
    if verb == "report" and rest:
        made = desk.do(tickets.report, source=tickets.Source.CHAT, title=rest, reporter=me)
        reported.append(made.id)
        return [(f"{len(reported)}:", made.status)]
    if verb == "state" and 0 <= nth < len(reported):
        return [(f"{rest}:", desk.ask(tickets.progress, reported[nth]).status)]
    if verb == "claim" and 0 <= nth < len(wished):
        return [(f"{rest}:", desk.do(wishes.claim, wished[nth], claimant=me).status)]
    if verb == "wishes":
        now = [desk.get(wishes.Wish, wish) for wish in wished]
        return [(f"{n}: {wish.title}", wish.status) for n, wish in enumerate(now, 1)]
    return None


writer, checker = (hub.desk(town, cc.Ref(town, party(name))) for name in ("吴女士", "郑先生"))
for desk in (writer, checker):
    admin.do(give, holder=desk.actor, role=ORGANISER)
now, aid = datetime.now(UTC), wishes.Declaration(basis=wishes.Basis.MUTUAL_AID)
child = admin.do(people.register, name="小赵", birth_date=date(now.year - 8, 1, 1), guardians=(party("赵女士"),)).id
host = admin.do(people.register_organisation, name="区妇联", kind=people.OrganisationKind.PUBLIC_BODY).id
opens, closes = now + timedelta(seconds=1), now + timedelta(days=30)
campaign = writer.do(wishes.announce, organiser=host, title="微心愿", declaration=aid, opens=opens, closes=closes).id
writer.do(wishes.open_campaign, campaign)
lamp = wishes.WishText(title="一盏护眼台灯 a reading lamp", kind="study")
draft = writer.do(wishes.draft, campaign, child=child, about=wishes.About(), text=lamp).id
checker.do(wishes.review, draft, wishes.Verdict.APPROVE)
wished += [wish.id for wish in writer.do(wishes.publish, campaign, drafts=(draft,))]
with open(0, encoding="utf-8", errors="replace") as standard_input:
    for line in standard_input if "--listen" in sys.argv else SAID:
        sender, _, text = line.strip().partition(": ")
        print(f"{line.strip()}\n    {hear(sender, text)}", flush=True)
