"""What communitycore finds by the entry point: the hooks, each a plain function."""

import communitycore as cc
from community_tools.names import NAMES
from community_tools.room import ROOM, TWO_AT_MOST
from communitycore.plugins import hookimpl


@hookimpl
def communitycore_rooms() -> list[cc.Room]:
    """The room of tools."""
    return [ROOM]


@hookimpl
def communitycore_vetoes() -> list[cc.Veto]:
    """The rule that a community may put in force."""
    return [TWO_AT_MOST]


@hookimpl
def communitycore_classifiers() -> list[cc.Classifier]:
    """Categories by the words of their names."""
    return [NAMES]
