"""The job `purge`: remove what the retention settings say is kept no longer, and nothing that somebody still needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

from screening.jobs.backup import RETENTION_LOCK
from screening.jobs.drop import TAKEN, drop_folder
from screening.jobs.night_journal import NIGHTS
from screening.jobs.progress import Progress
from screening.jobs.purge_lake import LakePurge, lake_purge
from screening.jobs.purge_work import old_evidence, old_files, stale_copies, stale_rollups
from screening.logs import LOG_FOLDER, events
from screening.store import AuditEvent, Store, open_store
from screening.traffic.lakelock import holding_lock
from screening.workspace import Workspace

_LOCK_WAIT_SECONDS = 3_600.0
"""How long a purge waits for a backup."""


@dataclass(frozen=True, slots=True)
class PurgedItem:
    """One kind of thing that goes.

    `count` of them go, `bytes` in all (None: not a matter of files); `kept` are old enough but still needed. What is
    older than `before` counts as old; None: not a matter of age.
    """

    what: str
    unit: str
    count: int
    bytes: int | None
    kept: int
    before: datetime | None


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed, or with `dry_run` would remove: the kinds of which there is something."""

    items: tuple[PurgedItem, ...]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class _Task:
    item: PurgedItem
    work: Callable[[], object]


def purge(workspace: Workspace, now: datetime, progress: Progress, *, dry_run: bool = False) -> Purged:
    """Remove what is kept no longer; with `dry_run` only say what that is.

    Never removes what an open case, an open appeal or a held conversion needs. The audit trail says what goes before it
    does; killed and run again, the rest goes. Raises BusyError when another process writes the lake, IntegrityError
    when a part of the lake that would be written anew is damaged.
    """
    lock = holding_lock(
        workspace.folder("locks") / RETENTION_LOCK,
        command="winnow purge",
        now=now,
        wait_seconds=_LOCK_WAIT_SECONDS,
        waiting=lambda who: progress.step(who, 0, None),
        what="Files are being removed or copied",
    )
    with nullcontext() if dry_run else lock, open_store(workspace.store_url) as store:
        progress.step("looking", 0, 1)
        lake = lake_purge(workspace, store, now)
        tasks = list(_tasks(workspace, store, lake, now))
        progress.step("looking", 1, 1)
        items = tuple(task.item for task in tasks if task.item.count or task.item.kept)
        if not dry_run:
            _announce(store, items, now)
            lake.work(now, progress)
            for done, task in enumerate(tasks):
                progress.step("removing", done, len(tasks))
                if task.item.count:
                    task.work()
            progress.step("removing", len(tasks), len(tasks))
        return Purged(items, dry_run)


def _announce(store: Store, items: tuple[PurgedItem, ...], now: datetime) -> None:
    counts = {item.what: item.count for item in items if item.count}
    if counts:
        store.audit.append(AuditEvent(now, "purge", "purged", "retention", counts))
        events().info("purge", **{name.replace(" ", "_"): count for name, count in counts.items()})


def _tasks(workspace: Workspace, store: Store, lake: LakePurge, now: datetime) -> Iterator[_Task]:
    days = workspace.settings.retention
    yield from _lake_tasks(lake)
    before = _age(now, days.evidence_days)
    old = old_evidence(workspace, store.retention.needed(), before)
    yield _Task(
        PurgedItem("evidence of screenings", "folders", len(old.folders), old.bytes, old.kept, before), old.remove
    )
    taken = (drop_folder(workspace) or workspace.root / "drop") / TAKEN
    for what, folder, age in (
        ("refused rows", workspace.folder("quarantine"), days.quarantine_days),
        ("files taken from the drop folder", taken, days.dropped_files_days),
        ("left-overs of pulls", workspace.root / "pulled", days.dropped_files_days),
        ("logs", workspace.root / LOG_FOLDER, days.log_days),
        ("journals of nights", workspace.root / NIGHTS, days.log_days),
    ):
        before = _age(now, age)
        yield _files_task(what, old_files(folder, before), folder, before)
    before = _age(now, days.superseded_decisions_days)
    item = PurgedItem("replaced decisions", "rows", store.retention.superseded(before), None, 0, before)
    yield _Task(item, partial(store.retention.remove_superseded, before))
    rollups = workspace.root / "rollups"
    yield _files_task("roll-ups that no night reads", stale_rollups(rollups), rollups, None)
    copies = stale_copies(workspace.lake, now)
    yield _files_task("mirrored files that no night reads", copies, workspace.lake, None)


def _lake_tasks(lake: LakePurge) -> Iterator[_Task]:
    """Yield what `LakePurge.work` does, so that it is told and counted; the work itself is one version of the lake."""
    for kind, plan in lake.plans.items():
        before = datetime.combine(plan.before, time(), UTC)
        yield _Task(PurgedItem(f"details of {kind}", "rows", plan.rows, None, plan.kept, before), lambda: None)
    size = sum(size for _, size in lake.replaced)
    yield _Task(PurgedItem("replaced files of the lake", "files", len(lake.replaced), size, 0, None), lambda: None)


def _files_task(what: str, files: list[Path], top: Path, before: datetime | None) -> _Task:
    size = sum(path.stat().st_size for path in files)
    return _Task(PurgedItem(what, "files", len(files), size, 0, before), partial(_remove, files, top))


def _remove(files: list[Path], top: Path) -> None:
    for path in files:
        path.unlink(missing_ok=True)
    for folder in sorted({parent for path in files for parent in path.parents if top in parent.parents}, reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _age(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
