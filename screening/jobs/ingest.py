"""The job `ingest`: find the files, learn how their columns are to be read, and take them into the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from features.schema import TABLES, Kind
from screening.errors import InputError
from screening.jobs.progress import Progress
from screening.networks.profiles import load_profile
from screening.traffic.ingest import IngestRequest, ingest
from screening.traffic.intake.layout import Layout
from screening.traffic.intake.report import IngestReport
from screening.traffic.lake import Lake
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are to be read.

    `profile` by name or path (None: columns have their canonical names), `columns` from canonical to source column,
    `timezone` of times that name none (None: as profile or settings say).
    """

    profile: str | None = None
    columns: Mapping[str, str] | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Ingested:
    """The account of an ingest, and what a reader has to know of the profile (None: no profile)."""

    report: IngestReport
    note: str | None


def ingest_files(
    workspace: Workspace, kind: Kind, paths: Sequence[Path], reading: Reading, now: datetime, progress: Progress
) -> Ingested:
    """Take files, and all files below folders, into the workspace's lake in one commit.

    Raises InputError for an unknown profile, column or zone, or when a folder holds no file; BusyError when another
    process writes the lake for too long. A file that cannot be used is part of the report.
    """
    layout, note = _layout(kind, reading)
    request = IngestRequest(kind, tuple(_files(paths)), layout, f"winnow ingest {kind}", now, timezone=reading.timezone)
    lake = Lake(workspace.lake)
    quarantine = workspace.folder("quarantine")
    return Ingested(ingest(lake, quarantine, request, workspace.settings.ingest, progress.step), note)


def _layout(kind: Kind, reading: Reading) -> tuple[Layout, str | None]:
    chosen = reading.columns or {}
    names = [column.name for column in TABLES[kind].columns]
    for name in chosen:
        if name not in names:
            raise InputError(f"{kind} have no column `{name}`.", remedy=f"Their columns are {', '.join(names)}.")
    if reading.profile is None:
        return Layout().with_columns(chosen), None
    profile = load_profile(reading.profile)
    if kind not in profile.kinds:
        raise InputError(
            f"The profile `{reading.profile}` has no {kind}.",
            remedy=f"It has {', '.join(profile.kinds)}. Name the columns of this file with --map.",
        )
    layout = Layout(**profile.kinds[kind].model_dump(), named=True)
    return layout.with_columns(chosen), f"{profile.title}: {profile.note}"


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(entry for entry in path.rglob("*") if entry.is_file() and not entry.name.startswith("."))
        if not below:
            raise InputError("The folder holds no files.", remedy="Give files, or a folder of them.", where=str(path))
        found += below
    return found
