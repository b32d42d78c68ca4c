"""The life of a ticket, on one screen.

    reported 已上报 → accepted 已立案 → dispatched 已派单 → in progress 办理中 → handled 已办结 → verified 已核查
                  ↘ rejected 不予受理        ⇅                    ↖──── sent back ────┘            ↓
                                  disputed 派单异议                                             closed 已结案
                                                                                                   ↓
       dispatched ← reopened 重新办理 ←──────────────────────────────────────────── called back 已回访

    Back to accepted, which is the clerk's queue: work that is sent up, or whose grid has nobody for it.
    Until it is handled: withdrawn 已撤回 by its reporter, or merged 已并案 into another ticket.

An extension and a stop of the clock are steps within "in progress". A closed ticket may be reopened without a call,
since an anonymous reporter cannot be called and an inspection may find what a call does not.
"""

from __future__ import annotations

from communitycore.domain.places import Word
from communitycore.kernel.states import States


class TicketStatus(Word):
    """Where a ticket is in its life."""

    REPORTED = "reported", "已上报"
    ACCEPTED = "accepted", "已立案"
    REJECTED = "rejected", "不予受理"
    DISPATCHED = "dispatched", "已派单"
    DISPUTED = "disputed", "派单异议"
    IN_PROGRESS = "in_progress", "办理中"
    HANDLED = "handled", "已办结"
    VERIFIED = "verified", "已核查"
    CLOSED = "closed", "已结案"
    CALLED_BACK = "called_back", "已回访"
    REOPENED = "reopened", "重新办理"
    WITHDRAWN = "withdrawn", "已撤回"
    MERGED = "merged", "已并案"


_S = TicketStatus
_LEFT = {_S.WITHDRAWN, _S.MERGED}

TICKET_STATES = States(
    TicketStatus,
    start={_S.REPORTED},
    then={
        _S.REPORTED: {_S.ACCEPTED, _S.REJECTED} | _LEFT,
        _S.ACCEPTED: {_S.DISPATCHED} | _LEFT,
        _S.DISPATCHED: {_S.IN_PROGRESS, _S.DISPUTED, _S.ACCEPTED} | _LEFT,
        _S.DISPUTED: {_S.DISPATCHED, _S.ACCEPTED} | _LEFT,
        _S.IN_PROGRESS: {_S.HANDLED, _S.DISPATCHED, _S.ACCEPTED} | _LEFT,
        _S.HANDLED: {_S.VERIFIED, _S.IN_PROGRESS},
        _S.VERIFIED: {_S.CLOSED},
        _S.CLOSED: {_S.CALLED_BACK, _S.REOPENED},
        _S.CALLED_BACK: {_S.REOPENED},
        _S.REOPENED: {_S.DISPATCHED} | _LEFT,
    },
)

LOADED = frozenset({_S.DISPATCHED, _S.DISPUTED, _S.IN_PROGRESS})
"""While it is one of these, a ticket weighs on whoever has it. A dispute does not lighten the load: see `dispute`."""

UNHANDLED = (_S.REPORTED, _S.ACCEPTED, _S.DISPATCHED, _S.DISPUTED, _S.IN_PROGRESS, _S.REOPENED)
"""Until it is handled a ticket may be withdrawn, and merged into another."""

OPEN = (*UNHANDLED, _S.HANDLED, _S.VERIFIED)
"""Not yet at its end: it may be urged, others may be merged into it, and its grid follows the map."""
