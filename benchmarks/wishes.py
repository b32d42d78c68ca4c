"""Many who want the same wishes at once, beside raw conditional UPDATEs: one winner each, and nobody starved.

Every claimant tries all wishes in an order of their own. Ours go through one hub; the raw side gives every
claimant a connection of its own, that runs `BEGIN IMMEDIATE; UPDATE … WHERE status = 'open'` and, if it won,
writes a journal row of the size of ours.
"""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import communitycore as cc
from communitycore import people, places, wishes
from communitycore.domain.people import OrganisationKind, PartyId
from communitycore.domain.roles import CLERK, ORGANISER
from communitycore.domain.wishes import Basis, Campaign, CampaignId, Declaration, Wish, WishId
from communitycore.hub.desk import Desk
from communitycore.kernel.change import Change, begin, many
from communitycore.kernel.command import Room, command
from communitycore.kernel.errors import Refused
from communitycore.kernel.ids import Ref
from communitycore.kernel.jurisdiction import ADMINISTRATOR, give
from communitycore.kernel.rules import role
from communitycore.kernel.view import View

CLAIMANTS = 8
BUSY_SECONDS = 120
AT_ONCE = 500
ENTRY = "x" * 900  # about what an entry of ours holds


@command("bench.hang_out", may=role(ADMINISTRATOR))
def hang_out(view: View, campaign_id: CampaignId, *, count: int) -> Change[tuple[Wish, ...]]:
    """Public wishes without the drafts and reviews behind them, which are not what is measured."""
    made = [
        begin("wish.published", Wish(id=view.new(Wish), campaign=campaign_id, title=f"书包 {n}", kind="bag"))
        for n in range(count)
    ]
    return many(made)


def rooms() -> list[Room]:
    """The real ones, and the one command that fills the campaign."""
    return [places.ROOM, people.ROOM, wishes.ROOM, Room("bench", records=[], commands=[hang_out])]


def fill(hub: cc.Hub, count: int) -> tuple[str, list[PartyId], list[WishId]]:
    """A district with an open campaign of so many wishes, and those who want them."""
    now = datetime.now(UTC)
    home = hub.found("370115", name="济阳区", level="district").id
    admin = hub.desk(home, hub.administrator(home))
    admin.do(give, holder=admin.actor, role=ORGANISER)
    admin.do(give, holder=admin.actor, role=CLERK)
    office = admin.do(people.register_organisation, name="济阳区文明办", kind=OrganisationKind.PUBLIC_BODY)
    campaign: Campaign = admin.do(
        wishes.announce,
        organiser=office.id,
        title="点亮微心愿",
        declaration=Declaration(basis=Basis.PUBLIC_CARE, programme="bench"),
        opens=now,
        closes=now + timedelta(days=30),
        hold_hours=240,
    )
    admin.do(wishes.open_campaign, campaign.id)
    hung: list[WishId] = []
    while len(hung) < count:
        hung += [w.id for w in admin.do(hang_out, campaign.id, count=min(AT_ONCE, count - len(hung)))]
    wanting = [admin.do(people.register, name=f"居民 {n}").id for n in range(CLAIMANTS)]
    return home, wanting, hung


def try_all(desk: Desk, party: PartyId, order: Sequence[WishId]) -> int:
    """Claim whatever is still free; gives how many were won."""
    won = 0
    for wish in order:
        try:
            desk.do(wishes.claim, wish, claimant=party)
            won += 1
        except Refused:
            continue
    return won


def race(acts: Sequence[Callable[[], int]]) -> tuple[float, list[int]]:
    """All at one moment on threads of their own: seconds until the last is done, and what each won."""
    won = [0] * len(acts)
    line = threading.Barrier(len(acts) + 1)

    def run(n: int) -> None:
        line.wait()
        won[n] = acts[n]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    line.wait()
    start = perf_counter()
    for thread in threads:
        thread.join()
    return perf_counter() - start, won


def orders(items: Sequence[Any], seed: int) -> list[list[Any]]:
    """An order of their own for every claimant."""
    draw = random.Random(seed)
    return [draw.sample(items, len(items)) for _ in range(CLAIMANTS)]


def ours(count: int, seed: int) -> tuple[float, list[int]]:
    """Through one hub on one SQLite file."""
    with tempfile.TemporaryDirectory() as folder, cc.open(f"sqlite:///{folder}/ours.db", rooms=rooms()) as hub:
        home, wanting, hung = fill(hub, count)
        acts = [
            lambda p=party, o=order: try_all(hub.desk(home, Ref(home, p)), p, o)
            for party, order in zip(wanting, orders(hung, seed), strict=True)
        ]
        seconds, won = race(acts)
        admin = hub.desk(home, hub.administrator(home))
        holders = Counter[str](claim.wish for claim in _every_claim(admin))
        assert set(holders.values()) == {1}, "one winner a wish"
        assert len(holders) == sum(won) == count, "every wish found one"
        assert hub.verify().ok, "a benchmark's store must verify"
    return seconds, won


def raw(count: int, seed: int) -> tuple[float, list[int]]:
    """On a connection each."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/raw.db"
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE wish (id TEXT PRIMARY KEY, status TEXT NOT NULL, claimant INTEGER) WITHOUT ROWID")
        db.execute("CREATE TABLE journal (seq INTEGER PRIMARY KEY, wish TEXT NOT NULL, entry TEXT NOT NULL)")
        ids = [f"w{n:06}" for n in range(count)]
        db.execute("BEGIN")
        db.executemany("INSERT INTO wish VALUES (?, 'open', NULL)", [(id,) for id in ids])
        db.execute("COMMIT")

        def act(n: int, order: Sequence[str]) -> int:
            won = 0
            mine = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
            mine.execute("PRAGMA synchronous=FULL")
            for id in order:
                mine.execute("BEGIN IMMEDIATE")
                changed = mine.execute(
                    "UPDATE wish SET status = 'claimed', claimant = ? WHERE id = ? AND status = 'open'", (n, id)
                ).rowcount
                if changed:
                    mine.execute("INSERT INTO journal (wish, entry) VALUES (?, ?)", (id, ENTRY))
                    won += 1
                mine.execute("COMMIT")
            mine.close()
            return won

        acts = [lambda n=n, o=order: act(n, o) for n, order in enumerate(orders(ids, seed))]
        seconds, won = race(acts)
        assert sum(won) == count
        db.close()
    return seconds, won


def run_threads(quick: bool) -> dict[str, Any]:
    """ratio: raw's time over ours; at least 1.4, and nobody below half a fair share."""
    count, rounds = (1_000, 1) if quick else (10_000, 3)
    mine, limit, least = [], [], 1.0
    for turn in range(rounds):
        seconds, won = ours(count, turn)
        mine.append(seconds)
        least = min(least, min(won) * CLAIMANTS / count)
        limit.append(raw(count, turn)[0])
    ratio = sorted(b / o for o, b in zip(mine, limit, strict=True))[rounds // 2]
    fair = "" if least >= 0.5 else "; UNFAIR"
    return {
        "name": "wishes-threads",
        "ours": sorted(mine)[rounds // 2],
        "limit": sorted(limit)[rounds // 2],
        "ratio": ratio if least >= 0.5 else 0.0,
        "goal": 1.4,
        "better": "higher",
        "runs": rounds,
        "note": f"seconds for {CLAIMANTS} threads on {count} wishes; the least won {least:.2f} of a fair share{fair}",
    }


# processes on PostgreSQL


def _claimant(pipe: Any, url: str, home: str, party: PartyId, order: list[WishId]) -> None:
    """One process of ours: a hub of its own."""
    with cc.open(url, rooms=rooms()) as hub:
        desk = hub.desk(home, Ref(home, party))
        desk.get(people.Party, party)  # connected, and ready to run
        pipe.send("ready")
        pipe.recv()
        pipe.send(try_all(desk, party, order))


def _raw_claimant(pipe: Any, url: str, n: int, order: list[str]) -> None:
    """One process of the raw side."""
    from benchmarks.servers import connected

    db = connected("postgresql", url)
    with db.cursor() as cursor:
        cursor.execute("SELECT 1")
        pipe.send("ready")
        pipe.recv()
        won = 0
        for id in order:
            cursor.execute("BEGIN")
            cursor.execute(
                "UPDATE wish SET status = 'claimed', claimant = %s WHERE id = %s AND status = 'open'", (n, id)
            )
            if cursor.rowcount:
                cursor.execute("INSERT INTO journal (wish, entry) VALUES (%s, %s)", (id, ENTRY))
                won += 1
            cursor.execute("COMMIT")
    db.close()
    pipe.send(won)


def race_processes(target: Callable[..., None], words: Sequence[tuple[Any, ...]]) -> tuple[float, list[int]]:
    """All at one moment in processes of their own: seconds until the last is done, and what each won."""
    context = multiprocessing.get_context("spawn")
    pipes, started = [], []
    for each in words:
        here, there = context.Pipe()
        process = context.Process(target=target, args=(there, *each))
        process.start()
        pipes.append(here)
        started.append(process)
    for pipe in pipes:
        assert pipe.recv() == "ready"
    start = perf_counter()
    for pipe in pipes:
        pipe.send("go")
    won = [pipe.recv() for pipe in pipes]
    seconds = perf_counter() - start
    for process in started:
        process.join()
    return seconds, won


def run_processes(quick: bool) -> dict[str, Any]:
    """ratio: raw's time over ours, 8 processes on PostgreSQL; at least 0.8, and no wish claimed twice."""
    from benchmarks.servers import connected, server

    count, rounds = (200, 1) if quick else (2_000, 3)
    mine, limit = [], []
    running = server("postgresql")
    try:
        for turn in range(rounds):
            url = running.fresh()
            with cc.open(url, rooms=rooms()) as hub:
                home, wanting, hung = fill(hub, count)
                words = [(url, home, p, o) for p, o in zip(wanting, orders(hung, turn), strict=True)]
                seconds, won = race_processes(_claimant, words)
                admin = hub.desk(home, hub.administrator(home))
                taken = [claim.wish for claim in _every_claim(admin)]
                assert len(set(taken)) == len(taken) == sum(won) == count, "one winner a wish"
                assert hub.verify().ok, "a benchmark's store must verify"
            mine.append(seconds)
            bare = running.fresh()
            db = connected("postgresql", bare)
            db.execute("CREATE TABLE wish (id text PRIMARY KEY, status text NOT NULL, claimant integer)")
            db.execute("CREATE TABLE journal (seq bigserial PRIMARY KEY, wish text NOT NULL, entry text NOT NULL)")
            ids = [f"w{n:06}" for n in range(count)]
            for id in ids:
                db.execute("INSERT INTO wish VALUES (%s, 'open', NULL)", (id,))
            db.close()
            seconds, won = race_processes(_raw_claimant, [(bare, n, o) for n, o in enumerate(orders(ids, turn))])
            assert sum(won) == count
            limit.append(seconds)
    finally:
        running.close()
    return {
        "name": "wishes-processes-postgres",
        "ours": sorted(mine)[rounds // 2],
        "limit": sorted(limit)[rounds // 2],
        "ratio": sorted(b / o for o, b in zip(mine, limit, strict=True))[rounds // 2],
        "goal": 0.8,
        "better": "higher",
        "runs": rounds,
        "note": f"seconds for {CLAIMANTS} processes on {count} wishes, each trying all",
    }


def _every_claim(desk: Desk) -> Iterator[wishes.WishClaim]:
    after = None
    while page := desk.find(wishes.WishClaim, limit=1_000, after=after):
        yield from page
        after = page[-1]
