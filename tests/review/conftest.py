"""A store whose newest scan judged five conversions of one source, and a case about that source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import review_scene as scene

from screening.settings import load_settings
from screening.settings.review import ReviewSettings
from screening.store import Case, CaseEvent, Store, open_store


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database: SQLite, or what a test asks for by `on_both_databases`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'winnow.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def review_settings() -> ReviewSettings:
    return load_settings(None, {}).settings.review


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with open_store(store_url) as opened:
        scene.judge(opened, "scan-1", "pay", "pay", "hold", "hold", "reject")
        yield opened


@pytest.fixture
def case(store: Store) -> Case:
    return store.cases.open(scene.SOURCE_CASE, CaseEvent(scene.NOW - timedelta(hours=10), "scan", "opened"))
