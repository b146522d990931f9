"""What all tests share: no settings from the caller's environment, and property tests that repeat exactly."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Examples are the same in every run, so that a red test is red for everybody; no deadline, since machines differ.
# HYPOTHESIS_PROFILE=explore draws new examples each time.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


# tests/servers is on the path (pyproject.toml): what tests start in place of the world's servers
pytest_plugins = ["hostile_fixtures", "postgres_server", "s3_server"]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith("WINNOW"):
            monkeypatch.delenv(name)
