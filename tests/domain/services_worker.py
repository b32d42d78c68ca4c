"""A process that books whatever it can get: `python -m tests.domain.services_worker URL SEED`, told to go by a line."""

from __future__ import annotations

import random
import sys

from tests.domain.services_world import CODE, NOW

import communitycore as cc
from communitycore import services
from communitycore.domain.people import Party, PartyKind
from communitycore.kernel.errors import Refused
from communitycore.testing import Clock


def main(url: str, seed: int) -> None:
    draw = random.Random(seed)
    with cc.open(url, clock=Clock(NOW)) as hub:
        admin = hub.desk(CODE, hub.administrator(CODE))
        parties = [party.id for party in admin.find(Party, cc.where(Party.kind, PartyKind.PERSON), limit=100)]
        sessions = [session.id for session in admin.find(services.Session, limit=100)]
        wanted = [(party, session) for party in parties for session in sessions]
        draw.shuffle(wanted)
        print("ready", flush=True)
        sys.stdin.readline()
        booked = 0
        for party, session in wanted[:40]:
            try:
                made = admin.do(services.book, session, party=party, size=draw.randint(1, 3), wait=draw.random() < 0.3)
                booked += made.status is services.BookingStatus.BOOKED
                if draw.random() < 0.2:
                    admin.do(services.cancel_booking, made.id)
                    booked -= made.status is services.BookingStatus.BOOKED
            except Refused:
                continue
        print(booked, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
