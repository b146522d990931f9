"""What a purge does beside the lake: evidence of screenings, dated files, and roll-ups that nobody reads again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from screening.applicants.crawl.journal import Journal
from screening.applicants.dossier import earlier_of
from screening.applicants.known import forget
from screening.store.retention import Needed
from screening.traffic.gather import CLICK_DAYS, WINDOW_DAYS
from screening.traffic.lake_remote import remote_of
from screening.workspace import Workspace

EVIDENCE = "evidence"
_MIRRORED_DAYS = 2 * (WINDOW_DAYS + CLICK_DAYS)
"""Twice what a night reads, so that long scans now and then fetch little."""


@dataclass(frozen=True, slots=True)
class OldEvidence:
    """Folders of screenings that are kept no longer; `kept` counts old ones that a case or an appeal needs."""

    root: Path
    folders: tuple[Path, ...]
    bytes: int
    kept: int

    def remove(self) -> None:
        """Remove the folders, and forget the members that they are about."""
        journal = Journal(self.root)
        gone = set(self.folders)
        forget(self.root, lambda member: journal.folder(member) in gone)
        for folder in self.folders:
            shutil.rmtree(folder)


def old_evidence(workspace: Workspace, needed: Needed, before: datetime) -> OldEvidence:
    """Find the evidence of members whose last screening was before that moment."""
    root = workspace.folder(EVIDENCE)
    journal = Journal(root)
    members = needed.named("application", "affiliate")
    kept_folders = {journal.folder(member) for member in members}
    kept_folders |= {journal.folder(f"affiliate:{member}") for member in members}
    kept_folders |= {journal.folder(f"affiliate:{affiliate}") for affiliate, _ in needed.sources}
    old = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and _last_seen(folder) < before]
    going = tuple(folder for folder in old if folder not in kept_folders)
    size = sum(path.stat().st_size for folder in going for path in folder.rglob("*") if path.is_file())
    return OldEvidence(root, going, size, len(old) - len(going))


def _last_seen(folder: Path) -> datetime:
    last = earlier_of(folder)
    if last is not None:
        return datetime.fromisoformat(last.judged_at)
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)


def old_files(folder: Path, before: datetime) -> list[Path]:
    """Return the files below a folder that were last written before that moment."""
    if not folder.is_dir():
        return []
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _written(path) < before]


def stale_rollups(folder: Path) -> list[Path]:
    """Return the daily roll-ups that a night does not read: replaced ones, and those of days long past.

    They are a cache: a scan of an old period makes them again.
    """
    newest: dict[str, Path] = {}
    stale: list[Path] = []
    for path in sorted(folder.glob("????-??-??-*.parquet"), key=lambda path: path.stat().st_mtime):
        day = path.name[:10]
        if day in newest:
            stale.append(newest[day])
        newest[day] = path
    if newest:
        first = date.fromisoformat(max(newest)) - timedelta(days=WINDOW_DAYS + CLICK_DAYS)
        stale += [path for day, path in newest.items() if date.fromisoformat(day) < first]
    drafts = [path for path in folder.glob("*.draft") if not _is_running(path)]
    return sorted([*stale, *drafts])


def stale_copies(lake: Path, now: datetime) -> list[Path]:
    """Return the parts in a mirror of object storage that no night reads again; they can be fetched again."""
    if remote_of(lake) is None:
        return []
    first = (now - timedelta(days=_MIRRORED_DAYS)).date().isoformat()
    return [path for path in sorted(lake.glob("*/date=*/*.parquet")) if path.parent.name < f"date={first}"]


def _is_running(draft: Path) -> bool:
    number = draft.suffixes[-2].removeprefix(".")
    return number.isdigit() and Path(f"/proc/{number}").exists()


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
