"""Random lives of sessions: whoever books, waits, gives up or comes, seats add up, and so does the money."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.domain.services_world import FEE, fund, world

import communitycore as cc
from communitycore import funds, services
from communitycore.kernel.errors import Refused

party = st.integers(0, 7)
pick = st.integers(0, 99)


class Lives(RuleBasedStateMachine):
    """Sessions of a class with a fee, some of which are called off, held, settled, and taken back."""

    def __init__(self) -> None:
        super().__init__()
        self.w = world()
        self.ledger, *_ = fund(self.w)
        self.sessions: list[services.Session] = []
        self.plan(5, 30)

    @rule(seats=st.integers(1, 8), hours=st.integers(1, 60))
    def plan(self, seats: int, hours: int) -> None:
        if len(self.sessions) < 4:
            self.sessions.append(self.w.session(seats=seats, hours=hours))

    def any_session(self, n: int) -> services.SessionId:
        return self.sessions[n % len(self.sessions)].id

    def any_booking(self, n: int) -> services.BookingId:
        found = self.w.host.find(services.Booking, limit=500)
        return found[n % len(found)].id if found else services.BookingId("none")

    @rule(n=pick, who=party, size=st.integers(1, 7), wait=st.booleans())
    def book(self, n: int, who: int, size: int, wait: bool) -> None:
        me = self.w.neighbours[who]
        with suppress(Refused):
            self.w.desk(me).do(services.book, self.any_session(n), party=me, size=size, wait=wait)

    @rule(n=pick)
    def cancel(self, n: int) -> None:
        with suppress(Refused):
            self.w.host.do(services.cancel_booking, self.any_booking(n))

    @rule(n=pick)
    def accept(self, n: int) -> None:
        with suppress(Refused):
            self.w.host.do(services.accept, self.any_booking(n))

    @rule(hours=st.sampled_from([0.5, 1, 3, 20]))
    def time_passes(self, hours: float) -> None:
        self.w.clock.advance(timedelta(hours=hours))
        self.w.hub.run_due()

    @rule(n=pick, came=st.integers(1, 6))
    def come(self, n: int, came: int) -> None:
        with suppress(Refused):
            self.w.host.do(services.check_in, self.any_booking(n), came=came)

    @rule(n=pick, people=st.integers(1, 4))
    def walk_in(self, n: int, people: int) -> None:
        with suppress(Refused):
            self.w.host.do(services.walk_in, self.any_session(n), people=people)

    @rule(n=pick)
    def call_off(self, n: int) -> None:
        with suppress(Refused):
            self.w.host.do(services.cancel_session, self.any_session(n), reason="x")

    @rule(n=pick)
    def close(self, n: int) -> None:
        with suppress(Refused):
            self.w.host.do(services.close_attendance, self.any_session(n))

    @rule(n=pick, unpaid=st.integers(0, 2))
    def settle(self, n: int, unpaid: int) -> None:
        with suppress(Refused):
            self.w.accountant.do(services.settle, self.any_session(n), unpaid=unpaid)

    @rule(n=pick)
    def unsettle(self, n: int) -> None:
        with suppress(Refused):
            self.w.accountant.do(services.unsettle, self.any_session(n), reason="x")

    @invariant()
    def seats_and_money_add_up(self) -> None:
        taken = 0
        for session in self.sessions:
            self.w.check(session)
            here = self.w.now(session)
            if here.takings is not None:
                assert here.takings.amount <= here.attended * FEE.amount
                taken += here.takings.amount
            assert (here.status is services.SessionStatus.SETTLED) == (here.takings is not None)
        accounts = self.w.accountant.find(funds.Account, cc.where(funds.Account.ledger, self.ledger.id), limit=100)
        assert sum(account.balance for account in accounts) == 0
        assert next(a for a in accounts if a.id == self.ledger.bank).balance == taken

    def teardown(self) -> None:
        assert self.w.hub.verify().ok
        self.w.hub.close()


class TestLives(Lives.TestCase):  # type: ignore[misc]  # hypothesis makes it at run time
    settings = settings(stateful_step_count=30)
