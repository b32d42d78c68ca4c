"""All suites in one, so that what a later kit adds is proved without another word."""

from __future__ import annotations

from communitycore.conformance.agreement import Agreement
from communitycore.conformance.commits import LostCommits
from communitycore.conformance.erasing import Erasing
from communitycore.conformance.heads import Heads
from communitycore.conformance.interleavings import Interleavings
from communitycore.conformance.journal import Journal
from communitycore.conformance.lockstep import Lockstep
from communitycore.conformance.moving import Moving
from communitycore.conformance.opening import Opening
from communitycore.conformance.processes import KilledWriters, Processes
from communitycore.conformance.rows import Rows
from communitycore.conformance.searches import Searches
from communitycore.conformance.suite import Suite
from communitycore.conformance.threads import Threads
from communitycore.conformance.transactions import Transactions
from communitycore.conformance.waiting import Figures, Keys, Timers

SUITES: tuple[type[Suite], ...] = (
    Opening,
    Heads,
    Rows,
    Searches,
    Journal,
    Timers,
    Keys,
    Figures,
    Transactions,
    Erasing,
    Moving,
    Agreement,
    Interleavings,
    Threads,
    Processes,
    KilledWriters,
    LostCommits,
    Lockstep,
)
"""Every suite of the kit, from the ground up."""


class Everything(
    Opening,
    Heads,
    Rows,
    Searches,
    Journal,
    Timers,
    Keys,
    Figures,
    Transactions,
    Erasing,
    Moving,
    Agreement,
    Interleavings,
    Threads,
    Processes,
    KilledWriters,
    LostCommits,
    Lockstep,
):
    """The whole kit: `class TestStore(conformance.Everything)`, with the fixture `store_url`, proves a store."""
