"""Stores broken on purpose, each over a healthy memory store, each in one way.

suite: the suite of the kit that is tried on it. caught_by: the tests of that suite which it must fail, those and no
others; the first is named after the fault. See test_broken.py.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.broken_base import Healthy
from tests.conformance.broken_reading import (
    CutText,
    EmptyIsNull,
    EqualNulls,
    FoldedAccents,
    FoldedCase,
    FoldedFollowers,
    ForgottenNotes,
    KeptMac,
    KeysOfSomeCauses,
    LostMicroseconds,
    NormalisedText,
    NoScrub,
    NullNeverFound,
    PaddedSpaces,
    PagesFromTheKey,
    ParkedRun,
    RoundedNumbers,
    SilentCapability,
    SkippedTies,
    TimersByWake,
    Utf16Order,
    WrongPageOrder,
)
from tests.conformance.broken_writing import (
    Autocommit,
    CodesTwice,
    DirtyReads,
    FoldsApart,
    ForeignErrors,
    ForgetsTheLiving,
    GapInSeq,
    KeyRace,
    KeysTwice,
    Line,
    LockAfterFirstRead,
    LostUpdate,
    MovingSnapshot,
    NeverBusy,
    NoVersionCheck,
    TornBatch,
    UnluckyRetry,
)

FAULTS: dict[str, type[Healthy]] = {
    fault.__name__: fault
    for fault in (
        NoVersionCheck, LostUpdate, LockAfterFirstRead, KeyRace, KeysTwice, TornBatch, Autocommit, FoldsApart, GapInSeq,
        NeverBusy, ForeignErrors, CodesTwice, MovingSnapshot, DirtyReads, LostMicroseconds, CutText,
        RoundedNumbers, EmptyIsNull, NormalisedText, FoldedCase, FoldedAccents, PaddedSpaces, WrongPageOrder, SkippedTies,
        Utf16Order, NullNeverFound, EqualNulls, ForgottenNotes, TimersByWake, ParkedRun, SilentCapability, KeptMac,
        KeysOfSomeCauses, NoScrub, PagesFromTheKey, FoldedFollowers, ForgetsTheLiving, UnluckyRetry,
    )
}  # fmt: skip


def open_broken(url: str) -> Any:
    """The store that is named before `://`."""
    return {**FAULTS, "Healthy": Healthy, "Line": Line}[url.partition("://")[0]](url)
