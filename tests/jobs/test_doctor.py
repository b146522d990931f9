"""The self-check finds what was broken on purpose, says what to do, and never calls the unknown ok."""

from __future__ import annotations

import socket
import sqlite3
from collections import namedtuple
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec

import pytest

from screening.errors import ExitCode, InputError
from screening.jobs import doctor_installation, doctor_workspace
from screening.jobs.doctor import Report, doctor
from screening.jobs.doctor_installation import installation_checks
from screening.jobs.doctor_workspace import workspace_checks
from screening.jobs.health import Check, Finding, Health
from screening.jobs.progress import silent_progress
from screening.jobs.vault import totp_purpose, vault_of
from screening.store import AuditEvent, ModelRecord, User, open_store
from screening.traffic import spark_session
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w", {})


def examine(workspace, subject: str) -> Finding:
    """Run the checks of one subject and return the worst finding."""
    checks = [*installation_checks(workspace), *workspace_checks(workspace, NOW, silent_progress())]
    findings = [finding for check in checks if check.subject == subject for finding in check.findings()]
    return max(findings, key=lambda finding: list(Health).index(finding.health))


def test_a_new_workspace_is_sound_in_all_but_the_age_of_packaged_lists(workspace):
    report = doctor(workspace, NOW, silent_progress())
    assert [f for f in report.findings if f.subject != "lists" and f.health is not Health.OK] == []
    assert [f for f in report.findings if bool(f.remedy) is (f.health is Health.OK)] == []
    subjects = {finding.subject for finding in report.findings}
    assert subjects >= {"packages", "dependencies", "settings", "engine", "workspace", "disk", "database", "lake"}
    assert subjects >= {"audit trail", "lists"}

    later = doctor(workspace, NOW.replace(year=NOW.year + 10), silent_progress())
    stale = next(f for f in later.findings if f.subject == "lists" and f.health is Health.WARNING)
    assert "geoip2fast-country" in stale.seen
    assert later.exit_code is ExitCode.DONE


def test_a_changed_event_of_the_audit_trail_is_found(workspace):
    with open_store(workspace.store_url) as store:
        for subject in ("first", "second"):
            store.audit.append(AuditEvent(at=NOW, actor="test", action="note", subject=subject, details={}))
    found = examine(workspace, "audit trail")
    assert (found.health, found.seen.startswith("unbroken, 2 events, head ")) == (Health.OK, True)

    with closing(sqlite3.connect(workspace.root / "winnow.db")) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("UPDATE audit_events SET actor = 'somebody else' WHERE number = 1")
        database.commit()
    found = examine(workspace, "audit trail")
    assert found.health is Health.FAILED
    assert "1" in found.seen


def test_a_database_that_does_not_answer_fails_its_checks_and_no_others(workspace):
    (workspace.root / "winnow.db").write_bytes(b"this is no database" * 100)
    health = {subject: examine(workspace, subject).health for subject in ("database", "audit trail", "lake")}
    assert health == {"database": Health.FAILED, "audit trail": Health.FAILED, "lake": Health.OK}


def test_a_model_file_that_is_gone_is_found(workspace):
    assert examine(workspace, "models").health is Health.OK
    day = NOW.date()
    model = ModelRecord("taught", "1", "champion", "0" * 64, day, day, {}, {}, NOW)
    with open_store(workspace.store_url) as store:
        store.models.add(model)
    found = examine(workspace, "models")
    assert found.health is Health.FAILED
    assert f"{'0' * 64}.npz" in found.seen


def test_a_damaged_manifest_of_the_lake_is_found(workspace):
    manifest = Lake(workspace.lake).manifest_path(1)
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{", encoding="utf-8")
    assert examine(workspace, "lake").health is Health.FAILED


def test_a_workspace_that_others_can_enter_is_a_warning(workspace):
    workspace.root.chmod(0o755)
    found = examine(workspace, "workspace")
    assert (found.health, found.remedy) == (Health.WARNING, f"chmod o-rwx {workspace.root}")


@pytest.mark.parametrize(("free", "health"), [(2**40, Health.OK), (2 * 2**30, Health.WARNING), (2**20, Health.FAILED)])
def test_a_full_disk_is_found(workspace, monkeypatch, free, health):
    usage = namedtuple("usage", "total used free")(2**41, 0, free)
    monkeypatch.setattr(doctor_workspace.shutil, "disk_usage", lambda place: usage)
    assert examine(workspace, "disk").health is health


def test_missing_and_wrong_dependencies_are_named(workspace, monkeypatch):
    wanted = ["polars>=2.0", "polars<1", "winnow-needs-this", "pyspark<1; extra == 'spark'"]
    monkeypatch.setattr(doctor_installation, "requires", lambda name: wanted)
    found = examine(workspace, "dependencies")
    assert found.health is Health.FAILED
    assert "polars is " in found.seen
    assert "winnow-needs-this is missing" in found.seen
    assert "pyspark" not in found.seen


def test_a_loosened_crawl_guard_is_said_loudly(tmp_path):
    workspace = open_workspace(tmp_path / "w", {"WINNOW__CRAWL__ALLOW_NETWORKS": "[10.0.0.0/8]"})
    found = examine(workspace, "settings")
    assert found.health is Health.WARNING
    assert "crawl.allow_networks" in found.seen


def test_an_engine_that_is_not_there_is_found(tmp_path, monkeypatch):
    workspace = open_workspace(tmp_path / "w", {"WINNOW__ENGINE": "spark"})
    monkeypatch.setattr(spark_session, "find_spec", lambda name: None)
    assert "winnow[spark]" in examine(workspace, "engine").remedy
    monkeypatch.setattr(spark_session, "find_spec", lambda name: object())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "Java" in examine(workspace, "engine").remedy


def test_a_spark_that_does_not_answer_is_found_without_a_secret(tmp_path, monkeypatch):
    monkeypatch.setattr(spark_session, "find_spec", lambda name: object())
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        settings = {"WINNOW__ENGINE": "spark", "WINNOW__SPARK__CONNECT": f"sc://127.0.0.1:{port}/;token=hush"}
        if find_spec("pyspark") is not None:
            assert examine(open_workspace(tmp_path / "w", settings), "engine").health is Health.OK
    found = examine(open_workspace(tmp_path / "w", settings), "engine")
    assert found.health is Health.FAILED
    assert "No Spark answers" in found.seen
    assert "hush" not in found.seen


def broken() -> list[Finding]:
    raise RuntimeError("a defect")


def refused() -> list[Finding]:
    raise InputError("It is wrong.", remedy="Mend it.", where="there")


def read_only() -> list[Finding]:
    raise OSError(30, "Read-only file system", "there")


def test_a_check_that_breaks_off_leaves_its_subject_unknown():
    (found,) = Check("this", broken).findings()
    assert (found.health, found.seen) == (Health.UNKNOWN, "The check broke off: RuntimeError: a defect")
    (found,) = Check("this", refused).findings()
    assert found == Finding("this", Health.FAILED, "there: It is wrong.", "Mend it.")
    (found,) = Check("this", read_only).findings()
    assert (found.health, found.seen) == (Health.FAILED, "there: Read-only file system.")
    assert found.remedy.startswith("Mount that place so that it can be written")


@pytest.mark.parametrize(
    ("healths", "code"),
    [
        ([Health.OK], 0),
        ([Health.OK, Health.WARNING], 0),
        ([Health.UNKNOWN, Health.OK], 3),
        ([Health.UNKNOWN, Health.FAILED, Health.WARNING], 1),
    ],
)
def test_the_exit_status_is_that_of_the_worst_finding(healths, code):
    findings = tuple(Finding("this", health, "seen") for health in healths)
    assert Report(findings).exit_code == code
    assert Report(findings, strict=True).exit_code == (3 if healths == [Health.OK, Health.WARNING] else code)


def test_secrets_that_others_can_read_or_that_cannot_be_opened_are_found(workspace):
    vault = vault_of(workspace, {})
    with open_store(workspace.store_url) as store:
        sealed = vault.seal("k", totp_purpose("ann"))
        store.users.add(User("ann", "admin", "$argon2id$", active=True, created_at=NOW, totp_secret=sealed))
    assert examine(workspace, "secrets").health is Health.OK
    vault.key_file.chmod(0o644)
    exposed = examine(workspace, "secrets")
    assert exposed.health is Health.FAILED
    assert str(vault.key_file) in exposed.seen
    vault.key_file.unlink()
    lost = examine(workspace, "secrets")
    assert lost.health is Health.FAILED
    assert "key of the sealed secrets is missing" in lost.seen
    with open_store(workspace.store_url) as store:
        store.users.change(replace(store.users.one("ann"), totp_secret="A" * 32))
    assert "stand in clear" in examine(workspace, "secrets").seen
