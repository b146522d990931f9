"""A running Everflow, an account on it as winnow sees it, and a store for the journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from everflow_server import KEY, EverflowServer, everflow_server

from screening.networks.choose import everflow_of
from screening.networks.everflow import Everflow
from screening.settings import load_settings
from screening.settings.networks import EverflowSettings
from screening.store import Store, open_store


@pytest.fixture
def server() -> Iterator[EverflowServer]:
    with everflow_server() as running:
        yield running


@pytest.fixture
def everflow_settings(server: EverflowServer, tmp_path: Path) -> EverflowSettings:
    (tmp_path / "ca.pem").write_bytes(server.ca_pem)
    changed = {
        "url": server.url,
        "ca_file": "ca.pem",
        "requests_per_second": 1000,
        "read_seconds": 30.0,
        "retries": 2,
        "backoff_seconds": 0.01,
        "statuses_per_call": 3,
    }
    return load_settings(None, {}).settings.networks.everflow.model_copy(update=changed)


@pytest.fixture
def network(everflow_settings: EverflowSettings, tmp_path: Path) -> Everflow:
    return everflow_of(everflow_settings, tmp_path, {everflow_settings.key_variable: KEY})


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: SQLite, or what a test asks for by `on_both_databases`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'winnow.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with open_store(store_url) as opened:
        yield opened
