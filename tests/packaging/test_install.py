"""winnow installs as a wheel from its source distribution, from a folder and editable, and runs from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PACKAGES = ("screening", "models", "features")
SITE_PACKAGES = Path(pytest.__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without the variables that would show it this checkout, and return its standard output."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden and "WINNOW" not in name}
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 3), ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel built from the source distribution, with the build tools that are installed here."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, REPO, cwd=folder)
    assert len(list(folder.glob("winnow-*.tar.gz"))) == 1
    return next(folder.glob("winnow-*.whl"))


@pytest.fixture
def environment(tmp_path):
    """A fresh virtual environment that sees this one's dependencies but not its winnow; nothing is downloaded.

    A path line in the new environment makes our site-packages importable; path files within it are not followed, so
    the editable winnow installed there stays out of sight.
    """
    folder = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=tmp_path)
    site = next((folder / "lib").glob("python3.*")) / "site-packages"
    (site / "dependencies.pth").write_text(f"{SITE_PACKAGES}\n", encoding="utf-8")
    return folder


def install(environment: Path, *what: str | Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet")
    run(*pip, "--no-deps", "--no-index", "--no-build-isolation", "--force-reinstall", *what, cwd=environment)


def test_the_wheel_carries_every_file_of_the_packages(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    files = [path for package in PACKAGES for path in (REPO / package).rglob("*") if path.is_file()]
    wanted = {path.relative_to(REPO).as_posix() for path in files if "__pycache__" not in path.parts}
    assert wanted | {"screening/config.yaml"} <= inside
    assert {name.split("/")[0] for name in inside} - set(PACKAGES) == {f"{wheel.name.rsplit('-py3', 1)[0]}.dist-info"}


@pytest.mark.parametrize("way", ["wheel from the source distribution", "folder", "editable folder"])
def test_winnow_runs_from_another_folder(way, wheel, environment, tmp_path):
    install(environment, *{"wheel from the source distribution": (wheel,), "folder": (REPO,)}.get(way, ("-e", REPO)))
    winnow = environment / "bin" / "winnow"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "models.py").write_text("raise SystemExit('the current folder must not be imported')\n")

    assert "config" in run(winnow, "--help", cwd=elsewhere)
    rows = json.loads(run(winnow, "config", "--json", cwd=elsewhere))["settings"]
    home = REPO if way == "editable folder" else environment
    assert [row["key"] for row in rows if not row["sources"][0].startswith(f"{home}{os.sep}")] == []
    assert (elsewhere / "winnow-workspace").is_dir()


def test_the_doctor_finds_nothing_wrong_with_an_installed_wheel(wheel, environment, tmp_path):
    install(environment, wheel)
    doctor = json.loads(run(environment / "bin" / "winnow", "doctor", "--json", cwd=tmp_path))
    assert [finding for finding in doctor["findings"] if finding["health"] in ("failed", "unknown")] == []
