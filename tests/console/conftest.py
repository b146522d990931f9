"""A console for each test file, and one of its own for each test that changes it."""

from __future__ import annotations

import pytest
from console_scene import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    made = Scene(tmp_path_factory.mktemp("console"))
    yield made
    made.close()


@pytest.fixture
def make_scene(tmp_path):
    made = []

    def make(**settings):
        made.append(Scene(tmp_path / str(len(made)), {f"WINNOW__{key}": value for key, value in settings.items()}))
        return made[-1]

    yield make
    for each in made:
        each.close()
