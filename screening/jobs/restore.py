"""The job `restore`: a backup into an empty workspace, checked before anything of it counts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from screening.errors import InputError, IntegrityError, WorkspaceError
from screening.jobs.backup_archive import unpack
from screening.jobs.progress import Progress
from screening.jobs.vault import out_of_reach, vault_of
from screening.settings import load_settings
from screening.store import AuditEvent, AuditHead, open_store
from screening.store.copies import DatabaseCopy, is_empty, restore_database
from screening.traffic.lake import Lake
from screening.traffic.lake_remote import remote_of
from screening.workspace import LAKE_ORIGIN, Workspace, open_workspace

_UNPACKED = ".restoring"
"""Where a backup is unpacked in the workspace; while it is there, what stands beside it was not restored to its end."""
_UNTOUCHED = frozenset({_UNPACKED, "locks"})


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: a backup made at `made_at` (ISO text) by that winnow.

    `sealed` counts the secrets in it that cannot be opened here, because backups do not hold their key.
    """

    made_at: str
    winnow: str
    files: int
    lake_version: int
    audit_events: int
    sealed: int = 0


def restore(
    workspace: Workspace, file: Path, now: datetime, progress: Progress, environment: Mapping[str, str] | None = None
) -> Restored:
    """Restore a backup into this workspace, which must be empty, as must be the database and lake that it will use.

    Every member is compared with its digest, the lake with its manifests and the audit trail with the head that the
    backup noted, before the restore counts as done. Raises InputError when the file cannot be used, WorkspaceError when
    something would be overwritten, IntegrityError when what it holds does not fit together. Killed, it may be run
    again.
    """
    unpacked = workspace.root / _UNPACKED
    _require_empty(workspace)
    if not file.is_file():
        raise InputError("There is no such file.", remedy="Name a file that winnow backup wrote.", where=str(file))
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    progress.step("unpack", 0, 1)
    try:
        contents = unpack(file, unpacked)
        progress.step("unpack", 1, 1)
        environment = os.environ if environment is None else environment
        _refuse_foreign_settings(unpacked, environment)
    except BaseException:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise
    _clear(workspace.root)
    target = _placed(workspace.root, unpacked, environment)
    progress.step("check lake", 0, 1)
    Lake(target.lake).snapshot().verify()
    progress.step("check lake", 1, 1)
    database = DatabaseCopy(**{**contents["database"], "files": tuple(contents["database"]["files"])})
    restore_database(target.store_url, database, unpacked / "database")
    noted = AuditHead(**contents["audit"])
    with open_store(target.store_url) as store:
        store.audit.verify(noted)
        store.audit.append(
            AuditEvent(now, "restore", "restored", "workspace", {"made_at": contents["made_at"], "events": noted.count})
        )
        sealed = out_of_reach(store, vault_of(target, environment))
    shutil.rmtree(unpacked)
    members: Mapping[str, Any] = contents["members"]
    return Restored(
        contents["made_at"], contents["winnow"], len(members), int(contents["lake_version"]), noted.count, sealed
    )


def _require_empty(workspace: Workspace) -> None:
    # the database comes last: a workspace with one was restored, or used since, and is never cleared away
    begun = (workspace.root / _UNPACKED).exists() and not (workspace.root / "winnow.db").exists()
    there = [path.relative_to(workspace.root) for path in workspace.root.rglob("*") if path.is_file()]
    there = [path for path in there if path.parts[0] not in _UNTOUCHED and path.name != LAKE_ORIGIN]
    if there and not begun:
        raise WorkspaceError(
            f"The workspace is not empty: it has {there[0]}.",
            remedy="Restore into a new one, with --workspace.",
            where=str(workspace.root),
        )


def _refuse_foreign_settings(unpacked: Path, environment: Mapping[str, str]) -> None:
    """Check that the database and the lake that the restored settings name are empty, before anything is placed."""
    settings = load_settings(unpacked / "workspace" / "config.yaml", environment).settings
    if settings.store.url and not is_empty(settings.store.url):
        raise WorkspaceError(
            "The database that the restored settings name is not empty.",
            remedy="Name an empty one with the variable WINNOW__STORE__URL.",
            where="store.url",
        )
    if settings.lake.url and not settings.lake.url.startswith("s3://"):
        folder = Path(settings.lake.url)
        if folder.exists() and any(folder.iterdir()):
            raise WorkspaceError(
                "The lake that the restored settings name is not empty.",
                remedy="Name an empty folder with the variable WINNOW__LAKE__URL.",
                where=str(folder),
            )


def _clear(root: Path) -> None:
    """Remove what a restore that was killed had placed, and the empty folders of a new workspace."""
    for path in root.iterdir():
        if path.name in _UNTOUCHED:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _placed(root: Path, unpacked: Path, environment: Mapping[str, str]) -> Workspace:
    """Move files and lake to their places and open the workspace that they make."""
    for path in sorted((unpacked / "workspace").iterdir()) if (unpacked / "workspace").is_dir() else ():
        path.replace(root / path.name)
    target = open_workspace(root, environment)
    lake = unpacked / "lake"
    if not lake.is_dir():
        return target
    remote = remote_of(target.lake)
    if remote is None:
        target.lake.mkdir(parents=True, exist_ok=True)
        for path in sorted(lake.iterdir()):
            path.replace(target.lake / path.name)
        return target
    if Lake(target.lake).newest_version():
        raise WorkspaceError(
            "The lake that the restored settings name is not empty.",
            remedy="Name an empty prefix with the variable WINNOW__LAKE__URL.",
            where=remote.url,
        )
    files = {path.relative_to(lake).as_posix(): path for path in lake.rglob("*") if path.is_file()}
    manifests = sorted(name for name in files if name.startswith("manifests/"))
    remote.upload({name: path for name, path in files.items() if name not in manifests})
    for name in manifests:
        if not remote.publish(name, files[name].read_bytes()):
            raise IntegrityError("Another process writes that lake.", remedy="Name an empty prefix.", where=remote.url)
    return target
