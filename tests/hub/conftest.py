"""Fixtures of the hub's tests: new stores, and streams of small pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from communitycore.hub import parcel
from communitycore.hub.memory import MemoryStore
from communitycore.plugins import open_store
from communitycore.ports import Store


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcel, "RECORDS_MOST", 7)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Makes new stores of a kind."""
    made: list[Store] = []

    def make(kind: str) -> Store:
        url = f"sqlite:///{tmp_path / f'{len(made)}.db'}"
        made.append(MemoryStore() if kind == "memory" else open_store(url, durability="normal"))
        return made[-1]

    yield make
    for store in made:
        store.close()
