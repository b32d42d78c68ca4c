"""The conformance kit's room, under the name by which these tests know it."""

from __future__ import annotations

from communitycore.conformance.room import *  # noqa: F403
