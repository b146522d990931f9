"""The import contracts hold, and each of them notices a planted violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]

PLANTED = {
    "models/planted.py": "import screening.store",
    "features/planted.py": "import models",
    "screening/gate/planted.py": "import sqlite3",
    "screening/caps/planted.py": "from time import time",
    "screening/traffic/planted.py": "from screening import networks",
    "screening/store/planted.py": "import screening.jobs.progress",
    "screening/jobs/planted.py": "import screening.cli.app",
    "screening/console/planted.py": "def late():\n    import screening.cli",
    "screening/guard.py": "import screening.settings",
}


@pytest.fixture
def copy(tmp_path):
    """A copy of the sources and of pyproject.toml, to plant things in."""
    for package in ("screening", "models", "features"):
        shutil.copytree(REPO / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_contracts_hold(copy):
    checked = lint(copy)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in checked.stdout


def test_every_contract_notices_what_it_forbids(copy):
    for name, line in PLANTED.items():
        with (copy / name).open("a", encoding="utf-8") as planted:
            planted.write(f"\n{line}\n")
    checked = lint(copy)
    assert checked.returncode == 1
    assert f"0 kept, {len(CONTRACTS)} broken" in checked.stdout
    modules = {name.removesuffix(".py").replace("/", ".") for name in PLANTED}
    assert {module for module in modules if f"{module} -> " not in checked.stdout} == set()


def test_every_part_of_screening_has_its_layer():
    layers = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    placed = {name.strip() for layer in layers for name in layer.split("|")}
    parts = {f"screening.{path.stem}" for path in (REPO / "screening").iterdir() if is_module(path)}
    assert parts - placed == {"screening.errors", "screening.guard"}


def is_module(path: Path) -> bool:
    return (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
