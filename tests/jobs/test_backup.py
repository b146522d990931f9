"""A backup is one consistent copy; a restore gives the same workspace back, or nothing."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
import store_writer as writer
import zstandard

from features.schema import Kind
from screening.errors import InputError, IntegrityError, UnavailableError, WorkspaceError
from screening.jobs.backup import backup
from screening.jobs.backup_archive import CONTENTS, unpack
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.replay import replay
from screening.jobs.restore import restore
from screening.jobs.scan import scan
from screening.jobs.vault import KEY_VARIABLE, vault_of, webhook_purpose
from screening.store import AuditEvent, Case, CaseEvent, open_store
from screening.store.webhooks import Webhook
from screening.traffic.lake import Lake
from screening.workspace import Workspace, open_workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = date(2026, 2, 10)


def filled(root: Path, environment: dict[str, str]) -> Workspace:
    """A workspace with something of everything: events, a scan, a case, evidence, settings, an older lake version."""
    workspace = open_workspace(root, environment)
    for number, kind in enumerate((Kind.CLICKS, Kind.CONVERSIONS)):
        key = "click_id" if kind is Kind.CLICKS else "conversion_id"
        payout = "" if kind is Kind.CLICKS else ",payout"
        lines = [f"{key},ts,affiliate_id,offer_id{payout}"]
        lines += [f"e{n},2026-02-10T10:00:0{n}Z,a1,o1{',1.5' if number else ''}" for n in range(9)]
        path = root.with_suffix(f".{kind}.csv")
        path.write_text("\n".join(lines) + "\n")
        ingest_files(workspace, kind, [path], Reading(), NOW, silent_progress())
    with open_store(workspace.store_url) as store:
        store.record_scan(writer.run_record("r1"), writer.decisions(9), writer.sources(2), writer.caps(1))
        store.cases.open(Case("conversion", "e1", NOW, ("x",)), CaseEvent(NOW, "test", "opened", details={"a": [1]}))
        store.audit.append(AuditEvent(NOW, "test", "did", "something", {"n": 1}))
    (root / "evidence" / "app").mkdir()
    (root / "evidence" / "app" / "report.html").write_text("<p>seen</p>")
    (root / "config.yaml").write_text("decisions:\n  seed: 7\n")
    (root / "logs").mkdir()
    (root / "logs" / "winnow.jsonl").write_text("{}")
    return workspace


@pytest.fixture
def workspace(tmp_path, store_url):
    return filled(tmp_path / "programme", {"WINNOW__STORE__URL": store_url})


@pytest.fixture
def sqlite(tmp_path):
    return filled(tmp_path / "programme", {})


@pytest.fixture
def empty_url(tmp_path, store_url):
    """The URL of a second, empty database of the same kind."""
    if store_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'second.db'}"
        return
    server, _, rest = store_url.partition("?")
    base, _, name = server.rpartition("/")
    with psycopg.connect(f"{base}/postgres?{rest}", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}_second"')
        yield f"{base}/{name}_second?{rest}"
        connection.execute(f'DROP DATABASE "{name}_second" WITH (FORCE)')


def made(workspace, tmp_path, name="a.backup"):
    return backup(workspace, tmp_path / name, NOW, silent_progress())


def state(workspace):
    with open_store(workspace.store_url) as store:
        run = store.run("latest")
        events = [event for _, event in store.audit.events() if event.actor not in ("backup", "restore")]
        decisions = store.decisions(run.run_id).to_dicts()
        cases = [(case, store.cases.history(case.case_id)) for case in store.cases.waiting()]
        store.audit.verify()
    lake = Lake(workspace.lake)
    return run, events, decisions, cases, lake.snapshot().parts, lake.snapshot(1).parts


def test_a_restored_workspace_is_the_one_that_was_backed_up_and_works_on(workspace, tmp_path, empty_url):
    done = made(workspace, tmp_path)
    second = open_workspace(tmp_path / "second", {})
    restored = restore(second, done.path, NOW, silent_progress(), {"WINNOW__STORE__URL": empty_url})
    assert restored.audit_events == done.audit_events
    again = open_workspace(tmp_path / "second", {"WINNOW__STORE__URL": empty_url})
    assert state(again) == state(workspace)
    assert again.settings.decisions.seed == 7
    assert (again.root / "evidence" / "app" / "report.html").read_text() == "<p>seen</p>"
    assert not (again.root / "logs").exists()
    assert not (again.root / ".restoring").exists()
    # numbers go on after those that are there
    with open_store(again.store_url) as store:
        case = store.cases.open(Case("conversion", "e2", NOW, ("x",)), CaseEvent(NOW, "test", "opened"))
        assert case.case_id > 1
        assert "restored" in {event.action for _, event in store.audit.events()}
    rows = ("conversion_id,ts,affiliate_id,offer_id,payout", "e1,2026-02-10T10:00:01Z,a1,o1,1.5")
    (tmp_path / "more.csv").write_text("\n".join((*rows, "new,2026-02-11T10:00:00Z,a1,o1,1")) + "\n")
    report = ingest_files(again, Kind.CONVERSIONS, [tmp_path / "more.csv"], Reading(), NOW, silent_progress()).report
    assert (report.totals()["taken"], report.totals()["repeated"]) == (1, 1)


def test_a_scan_can_be_replayed_in_what_was_restored(sqlite, tmp_path):
    scanned = scan(sqlite, (DAY, DAY), NOW, silent_progress())
    second = open_workspace(tmp_path / "second", {})
    restore(second, made(sqlite, tmp_path).path, NOW, silent_progress(), {})
    assert replay(open_workspace(second.root, {}), scanned.run.run_id).identical


def test_only_the_owner_can_read_a_backup(sqlite, tmp_path):
    assert made(sqlite, tmp_path).path.stat().st_mode & 0o077 == 0


def test_secrets_and_the_key_to_sealed_ones_are_in_no_backup_and_their_lack_is_said(sqlite, tmp_path):
    vault = vault_of(sqlite, {})
    sealed = vault.seal("s3cret-of-a-hook", webhook_purpose("h1"))
    with open_store(sqlite.store_url) as store:
        store.webhooks.add(Webhook("h1", "https://x.example/", ("case.opened",), sealed, True, NOW, "ann"))
    file = made(sqlite, tmp_path).path
    unpack(file, tmp_path / "unpacked")
    assert not [path for path in (tmp_path / "unpacked").rglob("*") if "secrets" in path.parts]
    alone = restore(open_workspace(tmp_path / "alone", {}), file, NOW, silent_progress(), {})
    assert alone.sealed == 1
    with_key = {KEY_VARIABLE: vault.key_file.read_text()}
    assert restore(open_workspace(tmp_path / "both", {}), file, NOW, silent_progress(), with_key).sealed == 0


def test_nothing_is_overwritten(sqlite, tmp_path):
    done = made(sqlite, tmp_path)
    with pytest.raises(InputError, match="exists already"):
        made(sqlite, tmp_path)
    with pytest.raises(InputError, match="lies in the workspace"):
        backup(sqlite, sqlite.root / "x.backup", NOW, silent_progress())
    before = state(sqlite)
    with pytest.raises(WorkspaceError, match="not empty"):
        restore(sqlite, done.path, NOW, silent_progress(), {})
    second = open_workspace(tmp_path / "second", {})
    with pytest.raises(WorkspaceError, match=r"database .* not empty"):
        restore(second, done.path, NOW, silent_progress(), {"WINNOW__STORE__URL": sqlite.store_url})
    with pytest.raises(WorkspaceError, match=r"lake .* not empty"):
        restore(second, done.path, NOW, silent_progress(), {"WINNOW__LAKE__URL": str(sqlite.lake)})
    assert state(sqlite) == before
    assert not [path for path in second.root.rglob("*") if path.is_file()]


def test_a_backup_that_was_cut_or_changed_is_refused_and_leaves_nothing(sqlite, tmp_path):
    whole = made(sqlite, tmp_path).path.read_bytes()
    for number, content in enumerate((whole[: len(whole) // 2], whole[:-2000], b"no backup", b"", _flipped(whole))):
        path = tmp_path / f"bad-{number}.backup"
        path.write_bytes(content)
        second = open_workspace(tmp_path / "second", {})
        with pytest.raises(InputError, match="cannot be used"):
            restore(second, path, NOW, silent_progress(), {})
        assert not [path for path in second.root.rglob("*") if path.is_file()]
    with pytest.raises(InputError, match="no such file"):
        restore(second, tmp_path / "absent", NOW, silent_progress(), {})


def _flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[len(changed) // 2] ^= 0x55
    return bytes(changed)


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], contents: object = None) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for info, body in members:
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        if contents is not None:
            body = json.dumps(contents).encode()
            info = tarfile.TarInfo(CONTENTS)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    path.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))
    return path


def named(name: str, **changed: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in changed.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "member",
    [
        named("../outside"),
        named("/etc/outside"),
        named("workspace/../../outside"),
        named("workspace//outside"),
        named("./outside"),
        named("a\\..\\outside"),
        named("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        named("link", type=tarfile.LNKTYPE, linkname="workspace/config.yaml"),
        named("device", type=tarfile.CHRTYPE),
        named("pipe", type=tarfile.FIFOTYPE),
        named("folder", type=tarfile.DIRTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.type.decode()}",
)
def test_names_and_kinds_that_lead_elsewhere_are_refused(tmp_path, member):
    (tmp_path / "in").mkdir()
    path = archive(tmp_path / "evil", (member, b""), contents={"format": 1, "members": {}})
    with pytest.raises(InputError, match="no plain file"):
        unpack(path, tmp_path / "in")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["evil", "in"]
    assert not list((tmp_path / "in").iterdir())


def test_members_must_be_in_the_table_of_contents_once_and_as_it_says(tmp_path):
    (tmp_path / "in").mkdir()
    twice = archive(tmp_path / "twice", (named("a"), b"1"), (named("a"), b"2"), contents={"format": 1, "members": {}})
    for path, why in (
        (twice, "twice"),
        (archive(tmp_path / "extra", (named("b"), b"1"), contents={"format": 1, "members": {}}), "b is not what"),
        (archive(tmp_path / "none", (named("c"), b"1")), "no table of contents"),
        (archive(tmp_path / "odd", (named("d"), b"1"), contents=[1]), "cannot be read"),
        (archive(tmp_path / "newer", (named("e"), b"1"), contents={"format": 2, "members": {}}), "newer winnow"),
    ):
        with pytest.raises(InputError, match=why):
            unpack(path, tmp_path / "in")


def test_a_copied_audit_trail_must_contain_the_head_that_was_noted(sqlite, tmp_path):
    done = made(sqlite, tmp_path)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    contents = dict(unpack(done.path, folder))
    contents["audit"] = {"count": 99, "hash": "0" * 64}
    files = [
        (named(path.relative_to(folder).as_posix()), path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    ]
    forged = archive(tmp_path / "forged", *files, contents=contents)
    with pytest.raises(IntegrityError, match="audit"):
        restore(open_workspace(tmp_path / "second", {}), forged, NOW, silent_progress(), {})


def test_a_restore_that_was_killed_can_be_run_again(sqlite, tmp_path, monkeypatch):
    done = made(sqlite, tmp_path)
    second = open_workspace(tmp_path / "second", {})
    with monkeypatch.context() as patched:
        patched.setattr("screening.jobs.restore.restore_database", lambda *_: (_ for _ in ()).throw(SystemExit(9)))
        with pytest.raises(SystemExit):
            restore(second, done.path, NOW, silent_progress(), {})
    assert (second.root / ".restoring").is_dir()
    restore(second, done.path, NOW, silent_progress(), {})
    assert state(open_workspace(second.root, {})) == state(sqlite)
    # one that was used since is never cleared away, whatever lies in it
    (second.root / ".restoring").mkdir()
    with pytest.raises(WorkspaceError, match="not empty"):
        restore(second, done.path, NOW, silent_progress(), {})


def test_a_disk_without_room_is_said_and_no_half_backup_stays(sqlite, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("screening.jobs.backup_archive.ArchiveWriter.finish", full)
    with pytest.raises(UnavailableError, match="No space left"):
        made(sqlite, tmp_path)
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


def test_a_database_of_another_kind_is_refused(sqlite, tmp_path, postgres_url):
    done = made(sqlite, tmp_path)
    with pytest.raises(WorkspaceError, match="copy is of a sqlite database"):
        restore(
            open_workspace(tmp_path / "second", {}),
            done.path,
            NOW,
            silent_progress(),
            {"WINNOW__STORE__URL": postgres_url},
        )


def test_a_damaged_lake_or_database_is_found_at_backup_or_restore(sqlite, tmp_path):
    part = next(sqlite.lake.glob("clicks/*/*.parquet"))
    part.write_bytes(part.read_bytes()[:-8] + b"nonsense")
    done = made(sqlite, tmp_path)
    with pytest.raises(IntegrityError, match="not what was written"):
        restore(open_workspace(tmp_path / "second", {}), done.path, NOW, silent_progress(), {})
    shutil.rmtree(tmp_path / "second")
