"""winnow refuses to run when `models` or `features` are not its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from screening.guard import ForeignPackageError, check_owners, check_places

REPO = Path(__file__).resolve().parents[2]
START = "from screening.cli.entry import main; main()"


@pytest.fixture
def copy(tmp_path):
    """A folder with screening, models and features, as site-packages would hold them."""
    home = tmp_path / "site"
    for package in ("screening", "models", "features"):
        shutil.copytree(REPO / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "config.yaml", home / "screening")
    return home


def winnow(*arguments: str, path: list[Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the console script's code with these folders ahead of everything else that can be imported."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "WINNOW_WORKSPACE": str(cwd / "w")}
    return subprocess.run(
        [sys.executable, "-P", "-c", START, *arguments],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def distribution(folder: Path, name: str, package: str) -> None:
    """Plant the record of an installed distribution that owns a package."""
    record = folder / f"{name}-1.0.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (record / "RECORD").write_text(f"{package}/__init__.py,,\n", encoding="utf-8")
    (folder / package).mkdir(exist_ok=True)
    (folder / package / "__init__.py").touch()


def test_an_undisturbed_copy_runs(copy, tmp_path):
    ran = winnow("config", "engine", path=[copy], cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "engine: polars\n"), ran.stderr


@pytest.mark.parametrize("name", ["models", "features"])
@pytest.mark.parametrize("shape", ["{}.py", "{}/__init__.py"])
def test_a_module_of_the_same_name_ahead_of_ours_is_refused_and_never_run(copy, tmp_path, name, shape):
    other = tmp_path / "other" / shape.format(name)
    other.parent.mkdir(parents=True)
    other.write_text("raise SystemExit('the foreign module ran')", encoding="utf-8")
    ran = winnow("config", path=[tmp_path / "other", copy], cwd=tmp_path)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"winnow: The name `{name}` leads to {other}, which is not winnow's")
    assert "environment of its own" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("name", ["models", "features"])
def test_a_package_that_was_removed_is_refused(copy, tmp_path, name):
    shutil.rmtree(copy / name)
    # -S would hide an editable install of the checkout as well as every dependency, so stand in its way instead
    (tmp_path / "empty" / name).mkdir(parents=True)
    ran = winnow("config", path=[copy, tmp_path / "empty"], cwd=tmp_path)
    assert ran.returncode == 1
    assert f"`{name}`" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_refusal_is_an_object_under_json(copy, tmp_path):
    (copy / "models" / "__init__.py").unlink()
    (tmp_path / "models.py").touch()
    ran = winnow("config", "--json", path=[copy, tmp_path], cwd=tmp_path)
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["error"] == "ForeignPackageError"


def test_a_data_folder_of_the_same_name_does_not_disturb(copy, tmp_path):
    (tmp_path / "data" / "models").mkdir(parents=True)
    (tmp_path / "data" / "models" / "judge.joblib").touch()
    assert winnow("config", path=[tmp_path / "data", copy], cwd=tmp_path).returncode == 0


def test_the_packages_under_test_are_ours():
    check_places()
    check_owners()


@pytest.mark.parametrize("package", ["screening", "models", "features"])
def test_another_owner_of_our_packages_is_named(tmp_path, monkeypatch, package):
    distribution(tmp_path, "lookalike", package)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ForeignPackageError, match=f"`{package}` was also installed by lookalike"):
        check_owners()


def test_the_doctor_refuses_packages_with_another_owner(copy, tmp_path):
    distribution(copy, "lookalike", "models")
    ran = winnow("doctor", "--json", path=[copy], cwd=tmp_path)
    assert ran.returncode == 1
    found = next(finding for finding in json.loads(ran.stdout)["findings"] if finding["subject"] == "packages")
    assert (found["health"], "lookalike" in found["seen"]) == ("failed", True)


def test_winnow_itself_and_other_packages_are_no_foreign_owners(tmp_path, monkeypatch):
    distribution(tmp_path, "winnow", "models")
    distribution(tmp_path, "lookalike", "modelling")
    monkeypatch.syspath_prepend(tmp_path)
    check_owners()
