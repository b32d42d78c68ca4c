"""Hypothesis profiles (HYPOTHESIS_PROFILE = quick, ci or thorough) and the folder of real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No example database: a run leaves nothing behind, and a failure prints the blob that repeats it.
settings.register_profile("ci", deadline=None, database=None, print_blob=True, max_examples=25)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=20)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "ci")


@pytest.fixture(scope="session")
def community_data() -> Path:
    """The folder of real data sets that COMMUNITYCORE_DATA names; CONTRIBUTING.md says what is in it."""
    folder = os.environ.get("COMMUNITYCORE_DATA")
    if not folder:
        pytest.skip("COMMUNITYCORE_DATA is not set; it names the folder of real data sets")
    return Path(folder)
