"""Neighbours borrow tools from each other 邻里共享工具: a room of one's own for communitycore."""

from community_tools.room import (
    LENT,
    ROOM,
    TWO_AT_MOST,
    Keeping,
    Loan,
    Shelf,
    Tool,
    ToolOut,
    borrow,
    give_back,
    offer,
    remind,
    withdraw,
)

__all__ = [
    "LENT",
    "ROOM",
    "TWO_AT_MOST",
    "Keeping",
    "Loan",
    "Shelf",
    "Tool",
    "ToolOut",
    "borrow",
    "give_back",
    "offer",
    "remind",
    "withdraw",
]
