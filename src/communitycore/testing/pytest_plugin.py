"""Fixtures for pytest, which finds this plug-in by itself. Override `community_rooms` for a room of your own:

# conftest.py
@pytest.fixture
def community_rooms():
    return [ROOM]

# test_tools.py
def test_a_tool_is_lent_once(community): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # so that it costs nothing where no fixture is asked for
    from collections.abc import Iterable

    import communitycore as cc
    from communitycore.testing import Clock, Town


@pytest.fixture
def community_rooms() -> Iterable[cc.Room]:
    """Rooms beside the built-in ones; override it."""
    return ()


@pytest.fixture
def community_vetoes() -> Iterable[cc.Veto]:
    """Vetoes that may be put in force; override it."""
    return ()


@pytest.fixture
def community_url() -> str:
    """The store, in memory; override it, perhaps with parameters, to try your room on others."""
    return "memory://"


@pytest.fixture
def community_clock() -> Clock:
    """The clock of `community`, which moves when told."""
    from communitycore.testing import Clock

    return Clock()


@pytest.fixture
def community(
    community_rooms: Iterable[cc.Room],
    community_vetoes: Iterable[cc.Veto],
    community_url: str,
    community_clock: Clock,
) -> Iterator[Town]:
    """A community to test in, a new one for each test, with the rooms that `community_rooms` gives."""
    from communitycore.testing import town

    with town(*community_rooms, vetoes=community_vetoes, url=community_url, clock=community_clock) as here:
        yield here
