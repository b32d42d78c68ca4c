"""The memory store under the whole kit: it is the reference, and proves that the kit asks for nothing impossible."""

from __future__ import annotations

from typing import Any

import pytest

from communitycore import conformance


def bytes_held(store: Any) -> bytes:
    """All that a memory store's dictionaries hold, their indexes too."""
    held = [(vars(books), [vars(table) for table in books.tables.values()]) for books in store.books.values()]
    return repr(held).encode()


class TestMemory(conformance.Everything):
    @pytest.fixture
    def store_url(self) -> str:
        return "memory://"

    def dump(self, store: Any, url: str) -> bytes:
        return bytes_held(store)
