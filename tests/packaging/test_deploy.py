"""The examples of deploy/ are what a scheduler can use: parsed by its own tools where the machine has them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from screening.cli.app import app

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy"
VERBS = set(get_command(app).commands)
UNITS = sorted((DEPLOY / "systemd").iterdir())


def test_systemd_takes_the_units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "winnow"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS:
        text = unit.read_text().replace("/opt/winnow/bin/winnow", str(program)).replace("%i", "acme")
        text = text.replace("User=winnow", "User=root").replace("Group=winnow", "Group=root")
        (tmp_path / unit.name.replace("@", "-")).write_text(text)
    paths = [str(path) for path in sorted(tmp_path.glob("*.service")) + sorted(tmp_path.glob("*.timer"))]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False
    )
    complaints = [line for line in checked.stderr.splitlines() if str(tmp_path) in line or "winnow" in line]
    assert complaints == []
    assert checked.returncode == 0, checked.stderr


def test_systemd_understands_when_the_night_is():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    (when,) = re.findall(r"^OnCalendar=(.+)$", (DEPLOY / "systemd" / "winnow-nightly@.timer").read_text(), re.MULTILINE)
    checked = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "02:00:00 UTC" in checked.stdout


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_units_run_verbs_there_are_and_as_nobody_special(unit):
    text = unit.read_text()
    (command,) = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    assert command.split()[1] in VERBS
    assert "User=winnow" in text
    assert "NoNewPrivileges=yes" in text


def test_the_night_unit_acts_on_every_exit_status():
    text = (DEPLOY / "systemd" / "winnow-nightly@.service").read_text()
    assert {"SuccessExitStatus=3", "Restart=on-failure", "RestartPreventExitStatus=2"} <= set(text.splitlines())


def test_the_cron_lines_say_when_and_print_only_what_failed(tmp_path):
    lines = [line for line in (DEPLOY / "cron" / "winnow").read_text().splitlines() if re.match(r"\d", line)]
    assert len(lines) == 2
    for line in lines:
        minute, hour, *every, user, command = line.split(None, 6)
        assert (minute, every, user) == ("0", ["*", "*", "*"], "winnow")
        assert int(hour) in range(24)
        assert "%" not in command  # cron would end the command there
        for status, printed in ((0, ""), (3, ""), (1, "why\n"), (2, "why\n")):
            program = tmp_path / "winnow"
            program.write_text(f"#!/bin/sh\necho why\nexit {status}\n")
            program.chmod(0o755)
            shell = command.replace("/opt/winnow/bin/winnow", shlex.quote(str(program)))
            done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=False)
            assert done.stdout == printed, status


def test_the_container_copies_what_is_there_and_runs_winnow():
    text = (DEPLOY / "container" / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    for sources in (rest.split()[:-1] for instruction, rest in lines if instruction == "COPY"):
        assert [source for source in sources if not (REPO / source).exists()] == []
    packaged = {
        Path(source).name for instruction, rest in lines if instruction == "COPY" for source in rest.split()[:-1]
    }
    assert packaged >= {"pyproject.toml", "config.yaml", "README.md", "LICENSE", "screening", "models", "features"}
    assert ["USER", "winnow"] in lines
    assert [rest for instruction, rest in lines if instruction == "ENTRYPOINT"] == ['["winnow"]']


def test_the_compose_file_runs_verbs_there_are_and_shows_no_secret():
    text = (DEPLOY / "container" / "compose.yaml").read_text()
    services = yaml.safe_load(text)["services"]
    assert {service["command"][0] for name, service in services.items() if name != "database"} <= VERBS
    assert (DEPLOY / "container" / services["console"]["build"]["context"] / "pyproject.toml").is_file()
    assert re.findall(r"PASSWORD: (?!\$\{)", text) == []
    assert services["console"]["ports"] == ["127.0.0.1:8470:8470"]  # people reach it through a proxy with TLS
    assert services["night"]["restart"] == "no"
