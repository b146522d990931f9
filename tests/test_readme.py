"""The commands in the README work, in the order in which they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from screening.cli.app import app

REPO = Path(__file__).resolve().parents[1]
README = (REPO / "README.md").read_text(encoding="utf-8")
DONE = {0, 3}


def lines() -> list[str]:
    """Every line of the README's `sh` blocks; a line that ends with a backslash goes on in the next."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return "".join(blocks).replace("\\\n", " ").splitlines()


def commands() -> list[str]:
    return [line for line in lines() if not line.startswith(("export ", "#")) and line.strip()]


def exported() -> dict[str, str]:
    return dict(line.removeprefix("export ").split("=", 1) for line in lines() if line.startswith("export "))


def verbs() -> set[str]:
    return {match for command in commands() for match in re.findall(r"^winnow ([a-z]+)", command)}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_commands_of_the_readme_run_in_order(tmp_path):
    scripts = Path(sys.executable).parent
    environment = {**os.environ, **exported(), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    assert len(commands()) > 3
    for command in commands():
        ran = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode in DONE, f"{command}\n{ran.stdout}{ran.stderr}"


def test_every_verb_is_in_the_readme():
    registered = {command.name for command in app.registered_commands}
    registered |= {group.name for group in app.registered_groups}
    assert registered - verbs() == set()


def test_the_readme_names_files_that_exist():
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    assert linked
    assert [name for name in linked if not (REPO / name).exists()] == []


def test_the_make_targets_of_the_readme_exist():
    makefile = (REPO / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^    make ([a-z]+)", README, re.MULTILINE))
    assert {"demo", "test"} <= targets
    assert [name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
