"""The job `backup`: one consistent copy of everything that a workspace holds, in one file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from screening.errors import InputError, UnavailableError
from screening.jobs.backup_archive import ArchiveWriter, writing_archive
from screening.jobs.progress import Progress
from screening.logs import LOG_FOLDER
from screening.store import AuditEvent, open_store
from screening.store.copies import copy_database
from screening.traffic.lake import MANIFESTS, Lake, Snapshot, version_name
from screening.traffic.lake_remote import remote_of
from screening.traffic.lakelock import holding_lock
from screening.workspace import SECRETS, Workspace

RETENTION_LOCK = "retention"
"""Held by whoever removes files of the lake and by whoever copies them."""
_LEFT_OUT = frozenset(
    {"lake", "lake-mirrors", "locks", "rollups", LOG_FOLDER, SECRETS, "winnow.db", "winnow.db-wal", "winnow.db-shm"}
)
"""Of a workspace: what is copied in another way or can be made again, logs, and secrets with the key to sealed ones."""
_LOCK_WAIT_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was made: `files` in it, `bytes` of the file, `digest` the SHA-256 of its table of contents."""

    path: Path
    files: int
    bytes: int
    lake_version: int
    audit_events: int
    digest: str


def backup(workspace: Workspace, out: Path, now: datetime, progress: Progress) -> BackedUp:
    """Copy database, lake, models, evidence, settings and all else into the file `out`, which must not exist.

    The database is copied first, so that every event that it speaks of is in the copy of the lake. Other commands may
    run meanwhile, except a purge. Files that wait in the drop folder are copied too; logs and caches are not. The file
    holds personal data; only its owner can read it. The folder of secrets is not in it: without the key there, what is
    sealed in the database stays so. Raises InputError when `out`
    exists or lies in the workspace, UnavailableError when it cannot be written.
    """
    if out.exists():
        raise InputError("The file exists already.", remedy="Give --out another name.", where=str(out))
    if out.resolve().is_relative_to(workspace.root.resolve()):
        raise InputError("The file lies in the workspace.", remedy="Keep backups elsewhere.", where=str(out))
    lock = holding_lock(
        workspace.folder("locks") / RETENTION_LOCK,
        command="winnow backup",
        now=now,
        wait_seconds=_LOCK_WAIT_SECONDS,
        waiting=lambda who: progress.step(who, 0, None),
        what="Files are being removed or copied",
    )
    draft = out.with_name(f".{out.name}.{os.getpid()}.draft")
    with lock:
        try:
            made = _written(workspace, draft, now, progress)
            draft.replace(out)
        except OSError as error:
            raise UnavailableError(
                f"The backup cannot be written: {error.strerror or error}.",
                remedy="Give --out a place with room for it.",
                where=str(out),
            ) from error
        finally:
            draft.unlink(missing_ok=True)
    return BackedUp(out, *made)


def _written(workspace: Workspace, draft: Path, now: datetime, progress: Progress) -> tuple[int, int, int, int, str]:
    with draft.open("xb") as stream:
        draft.chmod(0o600)
        with writing_archive(stream) as archive, tempfile.TemporaryDirectory(dir=draft.parent) as scratch:
            progress.step("backup database", 0, 1)
            with open_store(workspace.store_url) as store:
                store.audit.append(AuditEvent(now, "backup", "backup begun", "workspace", {}))
                head = store.audit.head()
            copied = copy_database(workspace.store_url, Path(scratch))
            for name in copied.files:
                archive.add_file(f"database/{name}", Path(scratch) / name)
                (Path(scratch) / name).unlink()
            progress.step("backup database", 1, 1)
            snapshot = Lake(workspace.lake).snapshot()
            _add_lake(archive, snapshot, progress)
            _add_workspace(archive, workspace, draft, progress)
            about = {
                "winnow": version("winnow"),
                "made_at": now.isoformat(),
                "database": asdict(copied),
                "lake_version": snapshot.version,
                "audit": asdict(head),
            }
            digest = archive.finish(about)
        stream.flush()
        os.fsync(stream.fileno())
        return len(archive.members) - 1, stream.tell(), snapshot.version, head.count, digest


def _add_lake(archive: ArchiveWriter, snapshot: Snapshot, progress: Progress) -> None:
    """Add the lake as of the snapshot, and older parts that past runs read."""
    names = sorted(_lake_files(snapshot))
    for done, name in enumerate(names):
        progress.step("backup lake", done, len(names))
        here = snapshot.root / name
        remote = remote_of(snapshot.root)
        if not here.is_file() and remote is not None:
            archive.add_bytes(f"lake/{name}", remote.read(name))
        else:
            archive.add_file(f"lake/{name}", here)
    progress.step("backup lake", len(names), len(names))


def _lake_files(snapshot: Snapshot) -> Iterator[str]:
    last = version_name(snapshot.version)
    remote = remote_of(snapshot.root)
    if remote is None:
        found = [path.relative_to(snapshot.root).as_posix() for path in snapshot.root.rglob("*") if path.is_file()]
    else:
        found = [stored.path for stored in remote.listed("")]
    for name in found:
        top, _, _ = name.partition("/")
        stem = name.rpartition("/")[2]
        of_version = stem.split("-")[1] if stem.startswith("part-") else stem[: len(last)]
        dated = top in (MANIFESTS, "ledger", "index") or stem.startswith("part-")
        if dated and not stem.endswith((".draft", ".fetching")) and of_version <= last:
            yield name


def _add_workspace(archive: ArchiveWriter, workspace: Workspace, draft: Path, progress: Progress) -> None:
    paths = [
        path
        for top in sorted(workspace.root.iterdir())
        if top.name not in _LEFT_OUT
        for path in ([top] if top.is_file() else sorted(top.rglob("*")))
        if path.is_file() and not path.is_symlink() and not path.name.endswith(".draft") and path != draft
    ]
    for done, path in enumerate(paths):
        progress.step("backup files", done, len(paths))
        try:
            archive.add_file(f"workspace/{path.relative_to(workspace.root).as_posix()}", path)
        except FileNotFoundError:
            continue  # put away or removed since it was listed
    progress.step("backup files", len(paths), len(paths))
