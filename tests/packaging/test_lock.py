"""The lock files name an exact, hashed version of everything that pyproject.toml asks for."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("screening", "models", "features")
REMEDY = "run: make lock"


def pins(name: str) -> list[Requirement]:
    """Every `name==version ; marker` of a lock file."""
    text = (REPO / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[a-zA-Z0-9]", line)]


def versions(name: str) -> set[str]:
    return {f"{pin.name}{pin.specifier}" for pin in pins(name)}


def asked_for(*groups: str) -> list[Requirement]:
    """What pyproject.toml asks for: the named dependency groups, or without one the project's own dependencies."""
    if not groups:
        return [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
    listed = [line for group in groups for line in PYPROJECT["dependency-groups"][group]]
    return [Requirement(line) for line in listed if isinstance(line, str)]


def extras() -> list[Requirement]:
    return [Requirement(line) for lines in PYPROJECT["project"]["optional-dependencies"].values() for line in lines]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("runtime", asked_for()),
        ("develop", [*asked_for(), *asked_for("dev", "build"), *extras()]),
        ("build", asked_for("build")),
    ],
)
def test_every_requirement_is_locked_to_a_version_it_allows(lock, wanted):
    locked = pins(lock)
    for requirement in wanted:
        found = [
            next(iter(pin.specifier)).version
            for pin in locked
            if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
        ]
        assert found, f"{requirement} is missing in requirements/{lock}.txt; {REMEDY}"
        assert all(requirement.specifier.contains(version) for version in found), f"{requirement}; {REMEDY}"


@pytest.mark.parametrize("lock", ["runtime", "build"])
def test_the_smaller_locks_agree_with_the_development_one(lock):
    assert versions(lock) - versions("develop") == set(), REMEDY


@pytest.mark.parametrize("lock", ["runtime", "develop", "build"])
def test_every_pin_has_a_hash_and_none_an_address(lock):
    text = (REPO / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", text)
    assert len(blocks) == len(pins(lock)) > 5
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text
    assert "--index" not in text


def imported() -> dict[str, Path]:
    """Every top-level module that our packages import from elsewhere, with a file that does."""
    found: dict[str, Path] = {}
    for path in (path for package in PACKAGES for path in (REPO / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found |= {name.split(".")[0]: path for name in names}
    return {name: path for name, path in found.items() if name not in {*sys.stdlib_module_names, *PACKAGES}}


def test_every_imported_module_is_a_declared_dependency():
    owners = packages_distributions()
    declared = {canonicalize_name(requirement.name) for requirement in [*asked_for(), *extras()]}
    undeclared = [
        f"{name} in {path.relative_to(REPO)}"
        for name, path in imported().items()
        if not declared & {canonicalize_name(owner) for owner in owners.get(name, [])}
    ]
    assert undeclared == []
