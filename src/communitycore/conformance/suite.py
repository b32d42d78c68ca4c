"""What every suite of the kit shares: how a store is opened, and what its capabilities excuse it from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck

from communitycore.conformance.bench import Bench, open_bench
from communitycore.conformance.books import Books
from communitycore.conformance.kinds import KINDS
from communitycore.conformance.workers import Opening
from communitycore.plugins import open_store
from communitycore.ports import Store

F = TypeVar("F", bound=Callable[..., Any])
_NEEDS = "communitycore_needs"
EVERY_CHECK: Any = list(HealthCheck)
"""For `settings(suppress_health_check=…)`: stores are slow beside what Hypothesis usually draws for."""


def needs(*capabilities: str) -> Callable[[F], F]:
    """For a scenario that a store without these cannot play: it is skipped, for the reason that the store gives.

    Only what a store cannot be asked for at all is excused so; no capability excuses from a safety property.
    """

    def mark(function: F) -> F:
        setattr(function, _NEEDS, capabilities)
        return function

    return mark


class Suite:
    """One store's proof. Subclass a suite in a test module and give it a fixture `store_url`.

    The fixture gives the URL of a store that may be made there. It may have any scope, since the tests that open it
    keep to jurisdictions of their own; those that look at a store as a whole ask `new_store_url` for another.
    opener: what opens a store, the adapter that the URL's scheme names unless overridden; other processes call it
    too, so it must be importable by name. options: handed to the opener.
    """

    opener: ClassVar[Callable[..., Store]] = staticmethod(open_store)
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def make_store(self, url: str) -> Store:
        """The store at `url`, opened anew."""
        store: Store = type(self).opener(url, **self.options)
        return store

    def make_quick_store(self, url: str) -> Store:
        """The same, where no power cut is feared; override it for a store that then can be quicker."""
        return self.make_store(url)

    def opening(self, url: str) -> Opening:
        """How another process opens the store."""
        options: dict[str, Any] = dict(self.options)
        return Opening(type(self).opener, url, options)

    @pytest.fixture
    def new_store_url(self, store_url: str) -> Callable[[], str]:
        """A function that gives the URL of another empty store each time.

        A number is put behind the path, which suits a store that is made where the URL says. Override it where
        something must be made first, such as a server's database.
        """
        count = 0

        def another() -> str:
            nonlocal count
            count += 1
            place, mark, options = store_url.partition("?")
            return store_url if place.endswith("://") else f"{place}-{count}{mark}{options}"

        return another

    @pytest.fixture
    def new_url(self, new_store_url: Callable[[], str]) -> str:
        """The URL of another empty store."""
        return new_store_url()

    @pytest.fixture
    def store(self, store_url: str, request: pytest.FixtureRequest) -> Iterator[Store]:
        """The store, if it has what the test needs; closed afterwards."""
        with self.opened(store_url, request) as store:
            yield store

    @contextmanager
    def opened(self, url: str, request: pytest.FixtureRequest | None = None) -> Iterator[Store]:
        """The store at `url` for a while; skips the test of `request` that needs what this store has not."""
        store = self.make_store(url)
        try:
            for name in getattr(request.function, _NEEDS, ()) if request is not None else ():
                excuse(store, name)
            yield store
        finally:
            store.close()

    @pytest.fixture
    def books(self, store: Store) -> Books:
        """Empty books of a jurisdiction of their own."""
        store.prepare(KINDS)
        return Books(store)

    @pytest.fixture
    def bench(self, new_url: str, request: pytest.FixtureRequest) -> Iterator[Bench]:
        """A hub with the kit's room over a store of its own, in which a district and a community are founded."""
        with self.opened(new_url, request) as store:
            yield open_bench(store)


def excuse(store: Store, capability: str) -> None:
    """Skip the test unless the store has this capability; fails if it says nothing of it."""
    said = store.capabilities.get(capability)
    if said is None:
        pytest.fail(f"capabilities of {store.url} do not tell of {capability!r}: say True, or the reason why not")
    if said is not True:
        pytest.skip(f"{capability}: {said}")
