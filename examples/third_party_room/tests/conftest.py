"""Each test has a community of its own, on every store at hand."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

import communitycore as cc
from community_tools import ROOM, TWO_AT_MOST

STORES = ["memory://", *(["sqlite"] if find_spec("communitycore_sql") else [])]
STORES += os.environ.get("COMMUNITYCORE_TEST_STORES", "").split()


@pytest.fixture
def community_rooms() -> list[cc.Room]:
    return [ROOM]


@pytest.fixture
def community_vetoes() -> list[cc.Veto]:
    return [TWO_AT_MOST]


@pytest.fixture(params=STORES, ids=[url.partition(":")[0] for url in STORES])
def community_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'town.db'}" if request.param == "sqlite" else str(request.param)
