"""The generators of simulated programmes, which are scripts beside the benchmarks and no package."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

GENERATORS = Path(__file__).resolve().parents[2] / "benchmarks" / "generators"


@pytest.fixture(scope="module")
def generator():
    """Give the module of a generator by its name; it finds its own parts as it does when it is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(GENERATORS))
        yield importlib.import_module
