"""The drop folder: files that other programs leave for the night to take in.

    drop/clicks/...                 files of a kind, with canonical columns
    drop/conversions@everflow/...   files of a kind, read with a profile
    drop/applications/...           applications to screen
    drop/taken/2026-01-31/...       where a night moves what it has taken in completely

A file that cannot be used, or of which something is still missing, stays where it is and is reported every night.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from features.schema import Kind
from screening.errors import InputError
from screening.traffic.intake.faults import Fault
from screening.traffic.intake.report import FileReport, Outcome
from screening.workspace import Workspace

APPLICATIONS = "applications"
TAKEN = "taken"
_PROFILE_MARK = "@"
_UNFINISHED = (".part", ".tmp", ".partial", ".filepart", ".crdownload", ".swp", "~")
"""Endings that programs give to files they are still writing."""
_ORDER = (Kind.AFFILIATES, Kind.CAPS, Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES)
"""Partners and clicks come before the conversions that name them."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The files of one folder of the drop folder; `profile` None: canonical columns."""

    kind: Kind
    profile: str | None
    files: tuple[Path, ...]


def drop_folder(workspace: Workspace) -> Path | None:
    """Return the folder whose files a night takes in, None when the settings name none."""
    named = workspace.settings.nightly.drop_folder
    return workspace.root / named if named else None


def dropped_events(workspace: Workspace, now: datetime) -> list[Dropped]:
    """Return the event files that wait, affiliates and clicks before the conversions that name them.

    Raises InputError for a folder that names no kind, so that nothing waits there unseen.
    """
    found = []
    for folder in _folders(workspace):
        name, _, profile = folder.name.partition(_PROFILE_MARK)
        if name not in tuple(Kind):
            kinds = ", ".join([*Kind, APPLICATIONS])
            raise InputError(
                f"The folder `{folder.name}` of the drop folder names no kind of event.",
                remedy=f"Name it after one of {kinds}; a profile may follow, as in conversions@everflow.",
                where=str(folder),
            )
        files = tuple(_waiting(folder, workspace, now))
        if files:
            found.append(Dropped(Kind(name), profile or None, files))
    return sorted(found, key=lambda dropped: (_ORDER.index(dropped.kind), dropped.profile or ""))


def dropped_applications(workspace: Workspace, now: datetime) -> list[Path]:
    """Return the files of applications that wait."""
    folder = drop_folder(workspace)
    return [] if folder is None else list(_waiting(folder / APPLICATIONS, workspace, now))


def complete(report: FileReport) -> bool:
    """Say whether nothing more can be taken from the file, however often it is read."""
    if report.outcome == Outcome.REFUSED:
        return False
    return not report.rest_lost and not report.faults[Fault.FUTURE_TIME]


def put_away(workspace: Workspace, file: Path, night: date) -> None:
    """Move a file that was taken to taken/NIGHT/, under a name of its own."""
    top = drop_folder(workspace)
    if top is None or not file.exists():
        return
    inside = file.relative_to(top)
    target = top / TAKEN / night.isoformat() / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{inside.name}.{number}")
    file.replace(target)
    target.touch()  # so that its age counts from here


def _folders(workspace: Workspace) -> Iterator[Path]:
    top = drop_folder(workspace)
    if top is None or not top.is_dir():
        return
    for entry in sorted(top.iterdir()):
        if entry.is_dir() and entry.name not in (TAKEN, APPLICATIONS) and not entry.name.startswith("."):
            yield entry


def _waiting(folder: Path, workspace: Workspace, now: datetime) -> Iterator[Path]:
    if not folder.is_dir():
        return
    quiet = workspace.settings.nightly.quiet_seconds
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.name.endswith(_UNFINISHED) or not path.is_file():
            continue
        # a time in the future is a copied one or the clock's fault, and must not keep a file waiting for ever
        if abs(now.timestamp() - path.stat().st_mtime) >= quiet:
            yield path
