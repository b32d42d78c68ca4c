"""The memory store under the whole kit: it is the reference, and proves that the kit asks for nothing impossible."""

from __future__ import annotations

import pytest

from communitycore import conformance


class TestMemory(conformance.Everything):
    @pytest.fixture
    def store_url(self) -> str:
        return "memory://"
