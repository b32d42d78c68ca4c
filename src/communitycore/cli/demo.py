"""`communitycore demo`: play a real district's week, then show what each of the three ends looks at."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from communitycore.cli import DONE, REFUSED
from communitycore.cli.books import show_statement, statement_data
from communitycore.cli.figures import show_tally, tally_data
from communitycore.cli.output import Output
from communitycore.cli.verbs import Usage, open_url, show_report
from communitycore.demo import campaign, classes, facts, fund, work
from communitycore.demo.town import Neighbourhood, Town, found
from communitycore.domain import funds, people, places, tickets, wishes
from communitycore.domain.funds import Ledger
from communitycore.domain.services import Segment
from communitycore.domain.tickets import Ticket, TicketStatus
from communitycore.domain.wishes import CampaignId
from communitycore.hub.hub import Hub
from communitycore.kernel.ids import Ref
from communitycore.kernel.money import Money
from communitycore.kernel.query import where
from communitycore.plugins import without_password
from communitycore.testing import Clock, seeded

LINES = 8  # of an audit, in the window
START = facts.PUBLISHED_AT - timedelta(days=14)


def demo(given: argparse.Namespace, out: Output) -> int:
    """Play the week on an empty store; exit 1 if it does not verify. Raises Usage for a store that is in use."""
    url = given.db or f"sqlite:///{Path(tempfile.mkdtemp(prefix='communitycore-'), 'jiyang.db')}"
    shown = without_password(url)
    clock = Clock(START)
    draw = Random(f"{given.seed}")
    began = perf_counter()
    with open_url(url, clock=clock, entropy=seeded(given.seed)) as hub:
        if hub.jurisdictions():
            raise Usage(
                f"{shown} is in use; the demo plays on an empty store: give another --db, or leave it out",
                f"{shown} 已有数据；演示需使用空存储，请更换 --db 或省略",
            )
        show_page(out)
        with out.progress() as progress:
            bars: dict[str, Any] = {}

            def told(en: str, zh: str, done: int, total: int) -> None:
                name = out.pick(en, zh)
                if name not in bars:
                    bars[name] = progress.add_task(name, total=total)
                progress.update(bars[name], completed=done)

            town = found(hub, draw, told)
            work.week(town, clock, draw, told)
            running = campaign.announce(town, clock, draw, told)
            campaign.claim(town, running, clock, draw, told, race=given.race)
            campaign.hand_over(town, running, clock, told)
            evenings, ledger = fund.week(town, clock, told)
            offered = (evenings, classes.haircuts(town, clock), classes.willow(town, clock))
            hub.run_due()
            checking = progress.add_task(out.pick("entries verified", "日志校验"), total=None)
            report = hub.verify(progress=lambda done, total: progress.update(checking, completed=done, total=total))
        taken = perf_counter() - began
        mark = journal_hash(hub)
        data: dict[str, Any] = {
            "db": shown,
            "seed": given.seed,
            "race": given.race,
            "journal": mark,
            "entries": report.entries,
            "rows": report.rows,
            "verified": report.ok,
            "wishes": tally_data(town.district.ask(wishes.tally, running)),
            "claims": dict(claims_of(town, running, out)),
            "fund": statement_data(evenings.place.desk.ask(funds.statement, ledger.id)),
            "services": [services_data(one) for one in offered],
            "tickets": {n.fact.name: dict(Counter(t.status.value for t in tickets_of(n))) for n in town.neighbourhoods},
        }
        out.result(data)
        if not out.as_json:
            show_resident(town, running, out)
            show_property(town, out)
            show_government(town, running, out)
            show_services(offered, out)
            show_fund(evenings.place, ledger, out)
            out.heading("Proof", "校验")
            show_report(report, out)
            out.say(
                f"Played in {taken:.1f} s. Journal hash {mark}"
                + (
                    " (a race: no two are alike)."
                    if given.race
                    else f"; the same for every run with --seed {given.seed}."
                ),
                f"用时 {taken:.1f} 秒。日志哈希 {mark}"
                + ("（并发竞赛，每次不同）。" if given.race else f"；使用 --seed {given.seed} 时每次相同。"),
            )
            show_next(shown, town, out)
    return DONE if report.ok else REFUSED


def journal_hash(hub: Hub) -> str:
    """One hash for all journals of a store."""
    heads = sorted(hub.anchor().heads.items())
    return sha256("\n".join(f"{id} {seq} {hash}" for id, (seq, hash) in heads).encode()).hexdigest()[:16]


def tickets_of(place: Neighbourhood) -> list[Ticket]:
    """All tickets of a neighbourhood, as its clerk sees them."""
    return place.as_(place.clerk).find(Ticket, limit=1_000)


def claims_of(town: Town, running: CampaignId, out: Output) -> list[tuple[str, int]]:
    """Who claimed how many, as the organiser alone sees it: unnamed donors one by one, still without names."""
    organiser = town.district.hub.desk(town.district.jurisdiction, town.staff[0])
    claims = organiser.find(wishes.WishClaim, where(wishes.WishClaim.campaign, running), limit=1_000)
    by: Counter[tuple[str, str]] = Counter()
    for claim in claims:
        by[claim.label or wishes.NEIGHBOUR["zh"], "" if claim.label else claim.claimant] += 1
    ranked = sorted(by.items(), key=lambda item: (-item[1], item[0]))
    named = [(name, count) for (name, id), count in ranked if not id]
    unnamed = [count for (_, id), count in ranked if id]
    largest, rest = unnamed[0], unnamed[1:]
    listed = [*named, (wishes.NEIGHBOUR[out.language], largest)]
    listed.sort(key=lambda item: -item[1])
    return [*listed, (out.pick("others who left no name", "其他未留名者"), sum(rest))]


def show_page(out: Output) -> None:
    """What is played, what of it is invented, and what the page says of the five communities."""
    out.say(
        "Jiyang District, June 2024: five communities, a week of tickets, 133 children's wishes.",
        "2024 年 6 月，济阳区：五个社区、一周诉求、133 个微心愿。",
    )
    out.say(facts.INVENTED_NOTE, facts.INVENTED_NOTE_ZH)
    columns = (("code", "代码"), ("where", "社区"), ("subdistrict", "街道"), ("known for", "特色"))
    out.table(
        out.pick("The five communities of the page", "报道中的五个社区"),
        [out.pick(*c) for c in columns],
        [
            [c.code, c.name, facts.SUBDISTRICTS[c.subdistrict], out.pick(c.known_for, c.known_for_zh)]
            for c in facts.COMMUNITIES
        ],
    )


def show_resident(town: Town, running: CampaignId, out: Output) -> None:
    """What a resident sees: the grid's notice, their own tickets, the wishes."""
    place = town.neighbourhoods[0]
    mine = [t for t in tickets_of(place) if t.source is tickets.Source.APP]
    behind = place.as_(place.clerk).find(
        tickets.TicketReporter, where(tickets.TicketReporter.born, mine[0].id), limit=1
    )[0]
    assert behind.party is not None
    resident = next(r for r in place.residents if r.party == behind.party)
    desk = place.as_(resident.ref)
    out.heading(f"A resident of {place.fact.name}", f"居民端 · {place.fact.name}")
    notice = desk.ask(people.public_notice, resident.grid.id)
    officers = ", ".join(f"{o.name} {o.contact or ''}".strip() for o in notice.officers)
    out.say(
        f"My grid: {notice.name}. Officers: {officers}. Supervision: {notice.supervision_phone}.",
        f"我的网格：{notice.name}；网格员：{officers}；监督电话：{notice.supervision_phone}。",
    )
    links = place.as_(place.clerk).find(
        tickets.TicketReporter, where(tickets.TicketReporter.party, resident.party), limit=20
    )
    rows = []
    for link in links:
        ticket = desk.get(Ticket, link.born)
        stands = desk.ask(tickets.progress, link.born)
        rows.append([ticket.title, word(ticket.source, out), word(stands.status, out), stands.reopened])
    columns = (("my ticket", "我的诉求"), ("by", "来源"), ("stands", "状态"), ("reopened", "重办次数"))
    out.table(out.pick("My tickets", "我的诉求"), [out.pick(*c) for c in columns], rows)
    show_tally(campaign.TITLE, desk.hub.desk(town.district.jurisdiction, resident.ref).ask(wishes.tally, running), out)
    late = campaign.one_more(town, running)
    out.say(f"One more neighbour comes too late and is told: {late.say()}", f"又有一位市民来晚了：{late.say('zh')}")


def show_property(town: Town, out: Output) -> None:
    """What a property company sees: what was given to it, never who reported."""
    place = town.neighbourhoods[0]
    company = Ref(place.desk.jurisdiction, place.property_company)
    desk = place.as_(company)
    out.heading(f"The property company of {place.fact.name}", f"物业端 · {place.fact.name}")
    given = desk.find(Ticket, where(Ticket.unit, company), limit=100)
    rows = [
        [t.title, word(t.status, out), t.outcome.zh if t.outcome and out.language == "zh" else str(t.outcome or ""),
         t.disputes, t.extensions, t.paused_seconds // 60]
        for t in given
    ]  # fmt: skip
    columns = (
        ("work order", "工单"),
        ("stands", "状态"),
        ("outcome", "结果"),
        ("disputes", "异议"),
        ("extensions", "延期"),
        ("minutes paused", "中止分钟"),
    )
    out.table(out.pick("Work orders", "工单"), [out.pick(*c) for c in columns], rows)
    out.say("Nothing here tells who reported.", "此处不显示诉求人身份。")


def show_government(town: Town, running: CampaignId, out: Output) -> None:
    """What the government sees: tickets by community and source, grids that need a look, who lit the wishes."""
    out.heading("The government", "政府端")
    rows = []
    sources: Counter[str] = Counter()
    for place in town.neighbourhoods:
        mine = tickets_of(place)
        sources.update(word(t.source, out) for t in mine)
        done = sum(t.status in (TicketStatus.CLOSED, TicketStatus.CALLED_BACK) for t in mine)
        rows.append(
            [
                place.fact.name,
                len(place.grids),
                sum(len(o) for o in place.officers.values()),
                len(mine),
                done,
                sum(t.reopened for t in mine),
                sum(t.status is TicketStatus.MERGED for t in mine),
            ]
        )
    columns = (
        ("where", "社区"),
        ("grids", "网格"),
        ("officers", "网格员"),
        ("tickets", "诉求"),
        ("closed", "结案"),
        ("reopened", "重办"),
        ("merged", "并案"),
    )
    out.table(out.pick("Communities", "社区"), [out.pick(*c) for c in columns], rows)
    out.bars(out.pick("Tickets by source", "诉求来源"), sources.most_common())
    lines = []
    for place in town.neighbourhoods:
        desk = place.as_(town.supervisor)
        lines += [[place.fact.name, finding.say(out.language)] for finding in desk.ask(places.audit).findings]
        lines += [[place.fact.name, line.say(out.language)] for line in desk.ask(people.audit_officers)]
    if lines:
        out.table(
            out.pick("Audit: worth a look", "核查提示"),
            [out.pick("where", "社区"), out.pick("what", "事项")],
            lines[:LINES],
        )
        if (more := len(lines) - LINES) > 0:
            out.say(f"… and {more} more.", f"……另有 {more} 条。")
    out.bars(
        out.pick("Wishes by claimant, as the organiser sees them", "认领情况（仅组织方可见）"),
        claims_of(town, running, out),
    )


def services_data(one: classes.Told) -> dict[str, Any]:
    """What came of an offering, as plain data: takings in minor units, hours in minutes."""
    return {
        "community": one.place.fact.code,
        "offering": one.offering.name,
        "kind": one.offering.kind.value,
        "sessions": one.held,
        "came": one.came,
        "takings": one.takings,
        "volunteer_minutes": one.minutes,
        "in_work": one.outcomes,
    }


def show_services(offered: Sequence[classes.Told], out: Output) -> None:
    """What the page's communities offer, free or for a low fee, and what came of it."""
    out.heading("Services for neighbours", "公益与低偿服务")
    titles = (
        ("where", "社区"),
        ("offering", "项目"),
        ("kind", "性质"),
        ("sessions", "场次"),
        ("came", "人次"),
        ("takings, yuan", "收入（元）"),
        ("hours", "志愿小时"),
        ("in work", "就业"),
    )
    rows = [
        [
            one.place.fact.name,
            one.offering.name,
            word(one.offering.kind, out),
            one.held,
            one.came,
            str(Money(one.takings)).partition(" ")[0] if one.takings else "",
            f"{one.minutes / 60:g}" if one.minutes else "",
            one.outcomes or "",
        ]
        for one in offered
    ]
    out.table(out.pick("Who came", "参与情况"), [out.pick(*title) for title in titles], rows)
    served = Counter[str]()
    for one in offered:
        for segment in one.offering.segments or Segment:
            served[segment.zh if out.language == "zh" else segment.value] += one.held
    out.bars(out.pick("Sessions for whom", "各类人群的服务场次"), served.most_common())


def show_fund(place: Neighbourhood, ledger: Ledger, out: Output) -> None:
    """What is published of the fund: where the takings went, evening by evening, and how it stands."""
    out.heading(f"The fund of {place.fact.name}", f"社区基金 · {place.fact.name}")
    settled = place.desk.find(funds.Settlement, limit=100, order=funds.Settlement.id)
    taken = sum((s.whole for s in settled), Money(0, ledger.currency))
    out.say(
        f"{len(settled)} evenings of low-fee yoga took in {taken}; each evening's takings were split by the agreement:",
        f"{len(settled)} 晚低偿瑜伽共收 {taken}，每晚按协议分配：",
    )
    accounts = place.desk.find(funds.Account, where(funds.Account.ledger, ledger.id), limit=100)
    names = {a.id: out.pick("name withheld", "不公开名称") if a.withheld else a.name for a in accounts}
    shares: Counter[str] = Counter()
    for one in settled:
        for posting in one.amounts:
            shares[names[posting.account]] += posting.amount
    out.bars(
        out.pick("Where it went, in yuan", "分配去向（元）"), [(name, n // 100) for name, n in shares.most_common()]
    )
    show_statement(place.desk.ask(funds.statement, ledger.id), out)


def show_next(url: str, town: Town, out: Output) -> None:
    """Where the file is, and what to try with it."""
    place = town.neighbourhoods[0]
    point = place.grids[0].area.bounds
    middle = (point[0] + point[2]) / 2, (point[1] + point[3]) / 2
    if url.startswith("memory:"):
        out.say(
            "It was played in memory and is gone now; give --db to keep it.",
            "本次在内存中演示，不留文件；用 --db 可保存。",
        )
        return
    out.say(f"It is all in {url}. Try:", f"全部数据在 {url}，可继续尝试：")
    for line in (
        f"communitycore verify --db {url}",
        f"communitycore tally --db {url} --in {facts.DISTRICT_CODE}",
        f"communitycore statement --db {url} --in {facts.FUND_COMMUNITY}",
        f"communitycore coverage --db {url} --in {facts.FUND_COMMUNITY} --since 2024-06-01",
        f"communitycore locate --db {url} {middle[0]} {middle[1]}",
        f"communitycore history --db {url} --in {place.fact.code} grid {place.grids[0].id}",
    ):
        out.command(line)


def word(value: Any, out: Output) -> str:
    """A state or source in the chosen language."""
    return str(value.zh if out.language == "zh" else value.value.replace("_", " "))
