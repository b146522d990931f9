"""The lock files name an exact, hashed version of everything that pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
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
