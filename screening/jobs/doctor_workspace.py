"""Checks of a workspace: its folders, the disk, the database and its audit trail, the lake, the lists."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from screening.errors import IntegrityError
from screening.jobs.health import Check, Finding, Health
from screening.jobs.lists import show_lists
from screening.jobs.private import open_to_others, secrets_folder
from screening.jobs.progress import Progress
from screening.jobs.vault import sealed_secrets, unsealed, vault_of
from screening.store import open_store
from screening.store.registry import RETIRED
from screening.traffic.champion import load_champion
from screening.traffic.lake import Lake
from screening.workspace import Workspace

_GIB = 1024**3
_DAMAGED_SHOWN = 3
"""Damaged parts that are named; with more, only their number is."""


def workspace_checks(workspace: Workspace, now: datetime, progress: Progress) -> Iterator[Check]:
    """Yield the checks of what the workspace holds; `now` gives the age of lists."""
    yield Check("workspace", partial(_folders, workspace))
    yield Check("disk", partial(_disk, workspace))
    yield Check("database", partial(_database, workspace))
    yield Check("audit trail", partial(_audit_trail, workspace))
    yield Check("secrets", partial(_secrets, workspace))
    yield Check("models", partial(_models, workspace))
    yield Check("lake", partial(_lake, workspace, progress))
    yield Check("lists", partial(_lists, workspace, now))


def _folders(workspace: Workspace) -> Sequence[Finding]:
    for folder in (workspace.root, *(path for path in sorted(workspace.root.iterdir()) if path.is_dir())):
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            seen, remedy = (
                f"{folder} cannot be written: {error.strerror}",
                "Give the folder to the user winnow runs as.",
            )
            return [Finding("workspace", Health.FAILED, seen, remedy)]
    if workspace.root.stat().st_mode & stat.S_IRWXO:
        seen = f"{workspace.root} holds personal data and every user of this machine can enter it"
        return [Finding("workspace", Health.WARNING, seen, f"chmod o-rwx {workspace.root}")]
    return [Finding("workspace", Health.OK, f"{workspace.root} can be written, by its owners only")]


def _disk(workspace: Workspace) -> Sequence[Finding]:
    limits = workspace.settings.doctor
    places = {path.stat().st_dev: path for path in (workspace.lake, workspace.root) if path.exists()}
    return [_free_space(path, limits.free_bytes_warning, limits.free_bytes_min) for path in places.values()]


def _free_space(place: Path, warning: int, least: int) -> Finding:
    free = shutil.disk_usage(place).free
    seen = f"{free / _GIB:.1f} GiB free at {place}"
    if free >= warning:
        return Finding("disk", Health.OK, seen)
    health = Health.FAILED if free < least else Health.WARNING
    wanted = least if free < least else warning
    remedy = "Free some space, or move the workspace or the lake."
    return Finding("disk", health, f"{seen}, fewer than {wanted / _GIB:.1f} GiB", remedy)


def _database(workspace: Workspace) -> Sequence[Finding]:
    with open_store(workspace.store_url) as store:
        return [Finding("database", Health.OK, f"answers and is up to date, {len(store.runs())} runs recorded")]


def _audit_trail(workspace: Workspace) -> Sequence[Finding]:
    with open_store(workspace.store_url) as store:
        head = store.audit.verify()
    return [Finding("audit trail", Health.OK, f"unbroken, {head.count} events, head {head.hash}")]


def _secrets(workspace: Workspace) -> Sequence[Finding]:
    if exposed := open_to_others(workspace.root):
        seen = f"others than their owner can reach {', '.join(str(path) for path in exposed[:_DAMAGED_SHOWN])}"
        remedy = f"chmod -R go-rwx {secrets_folder(workspace.root)}, and renew what somebody may have read there."
        return [Finding("secrets", Health.FAILED, seen, remedy)]
    vault = vault_of(workspace)
    with open_store(workspace.store_url) as store:
        in_clear, sealed = unsealed(store), sealed_secrets(store)
    if in_clear:
        seen = f"{in_clear} secrets of one-time codes and webhooks stand in clear in the database"
        return [Finding("secrets", Health.WARNING, seen, "Start `winnow serve` once: it seals them.")]
    for stored, purpose in sealed:
        vault.unseal(stored, purpose)
    return [Finding("secrets", Health.OK, f"{len(sealed)} sealed, all can be opened; only their owner reads the key")]


def _models(workspace: Workspace) -> Sequence[Finding]:
    with open_store(workspace.store_url) as store:
        used = [model for model in store.models.all() if model.role != RETIRED]
    for model in used:
        load_champion(workspace.folder("models"), model.digest)
    load_champion(workspace.folder("models"), None)
    return [Finding("models", Health.OK, f"the shipped one and {len(used)} of this workspace can be used")]


def _lake(workspace: Workspace, progress: Progress) -> Sequence[Finding]:
    snapshot = Lake(workspace.lake).snapshot()
    damaged: list[IntegrityError] = []
    for done, part in enumerate(snapshot.parts):
        progress.step("lake", done, len(snapshot.parts))
        try:
            snapshot.verify([part])
        except IntegrityError as error:
            damaged.append(error)
    if snapshot.parts:
        progress.step("lake", len(snapshot.parts), len(snapshot.parts))
    if damaged:
        first = "; ".join(f"{error.where}: {error.cause}" for error in damaged[:_DAMAGED_SHOWN])
        seen = f"{len(damaged)} of {len(snapshot.parts)} parts are damaged: {first}"
        return [Finding("lake", Health.FAILED, seen, damaged[0].remedy)]
    rows = sum(part.rows for part in snapshot.parts)
    seen = f"version {snapshot.version}, {len(snapshot.parts)} parts with {rows} rows are as they were written"
    return [Finding("lake", Health.OK, seen)]


def _lists(workspace: Workspace, now: datetime) -> Sequence[Finding]:
    shown = show_lists(workspace, now)
    findings: list[Finding] = []
    if stale := [f"{state.name} ({state.age_days} days)" for state in shown.lists if state.stale]:
        seen = f"older than {workspace.settings.lists.max_age_days} days: {', '.join(stale)}"
        findings.append(Finding("lists", Health.WARNING, seen, "Import newer data: winnow lists update NAME FILE."))
    if undated := [state.name for state in shown.lists if state.stale is None]:
        seen = f"age not known: {', '.join(undated)}"
        findings.append(Finding("lists", Health.UNKNOWN, seen, "Import data that state their date."))
    if shown.lacking:
        seen = f"no list gives {', '.join(shown.lacking)}: what depends on it is unknown, never clean"
        findings.append(Finding("lists", Health.WARNING, seen, "Import one: winnow lists update NAME FILE."))
    fresh = sum(state.stale is False for state in shown.lists)
    return [*findings, Finding("lists", Health.OK, f"{fresh} of {len(shown.lists)} are as recorded and recent")]
