"""The stages of a night: what each does, and what it would do.

Each stage can be killed and done again: what it changes appears in one step, and what is there already is recognised.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from screening.errors import WinnowError
from screening.jobs.digest import KIND, digest
from screening.jobs.drop import complete, drop_folder, dropped_applications, dropped_events, put_away
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.night_journal import StageReport, StageStatus
from screening.jobs.night_period import night_period
from screening.jobs.outbox import send_letters
from screening.jobs.progress import Progress, silent_progress
from screening.jobs.purge import Purged, purge
from screening.jobs.scan import scan
from screening.jobs.screen import affiliates_due, screen_affiliates, screen_file
from screening.store import open_store
from screening.traffic.intake.report import IngestReport
from screening.traffic.lake import Lake
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Night:
    """One night of a workspace: `date` is the UTC day on which it runs, `now` the moment at which it began."""

    workspace: Workspace
    date: date
    now: datetime
    ended: tuple[StageReport, ...] = ()
    """The stages that have ended so far, in order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage did, in a sentence and numbers; `incomplete`: something was set aside or held for lack of facts."""

    message: str
    counts: Mapping[str, int] = field(default_factory=dict)
    incomplete: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage by name. `plan` says what `work` would do and changes nothing.

    One that `reports` on the others is done again when another was done since.
    """

    name: str
    work: Callable[[Night, Progress], Outcome]
    plan: Callable[[Night], str]
    reports: bool = False


def take_in(night: Night, progress: Progress) -> Outcome:
    """Take the files of the drop folder into the lake, kind by kind, and put away those that are in completely.

    A kind that fails does not keep the others out; its error is raised at the end.
    """
    counts = {"files": 0, "taken": 0, "revised": 0, "repeated": 0, "quarantined": 0, "files_left": 0}
    failed: WinnowError | None = None
    unusable: list[str] = []
    for dropped in dropped_events(night.workspace, night.now):
        try:
            reading = Reading(profile=dropped.profile)
            done = ingest_files(night.workspace, dropped.kind, dropped.files, reading, night.now, progress)
        except WinnowError as error:
            failed = failed or error
            continue
        unusable += _account(night, done.report, counts)
    if failed is not None:
        raise failed
    message = f"{counts['files']} files, {counts['taken']} new rows, {counts['quarantined']} set aside"
    if unusable:
        message += f"; left in the drop folder: {', '.join(unusable)}"
    return Outcome(message, counts, incomplete=bool(unusable or counts["quarantined"]))


def plan_take_in(night: Night) -> str:
    """Say which files wait."""
    waiting = dropped_events(night.workspace, night.now)
    if not waiting:
        place = drop_folder(night.workspace)
        return f"no files wait in {place}" if place else "no drop folder is set"
    return "take in " + ", ".join(f"{len(dropped.files)} files of {dropped.kind}" for dropped in waiting)


def judge(night: Night, progress: Progress) -> Outcome:
    """Scan the days that are due; the scan also recommends caps."""
    with open_store(night.workspace.store_url) as store:
        snapshot = Lake(night.workspace.lake).snapshot()
        period = night_period(snapshot, store, night.date, night.workspace.settings.nightly)
    if period is None:
        return Outcome("nothing new to judge")
    scanned = scan(night.workspace, period, night.now, progress)
    counts = {**scanned.decisions, "flagged": scanned.flagged.height, "held_for_lack_of_evidence": scanned.unknown}
    judged = sum(scanned.decisions.values())
    message = f"judged {judged} conversions from {period[0]} to {period[1]}, {scanned.flagged.height} sources flagged"
    return Outcome(message, counts, incomplete=scanned.unknown > 0)


def plan_judge(night: Night) -> str:
    """Say which days would be judged, by what the lake holds now."""
    with open_store(night.workspace.store_url) as store:
        snapshot = Lake(night.workspace.lake).snapshot()
        period = night_period(snapshot, store, night.date, night.workspace.settings.nightly)
    return f"judge {period[0]} to {period[1]}" if period else "nothing new to judge before files are taken in"


def screen_applicants(night: Night, progress: Progress) -> Outcome:
    """Screen the applications of the drop folder, file by file."""
    counts: dict[str, int] = {"files": 0}
    incomplete = False
    for path in dropped_applications(night.workspace, night.now):
        done = screen_file(night.workspace, path, night.now, progress)
        put_away(night.workspace, path, night.date)
        counts["files"] += 1
        for name, count in done.counts.items():
            counts[name] = counts.get(name, 0) + count
        incomplete = incomplete or done.incomplete
    return Outcome(f"{counts['files']} files of applications", counts, incomplete)


def plan_screen_applicants(night: Night) -> str:
    """Say which files of applications wait."""
    return f"screen {len(dropped_applications(night.workspace, night.now))} files of applications"


def screen_again(night: Night, progress: Progress) -> Outcome:
    """Screen affiliates whose turn it is again, as many as the settings allow for a night."""
    most = night.workspace.settings.nightly.rescreen_max
    if not most:
        return Outcome("no affiliate is screened again: nightly.rescreen_max is 0")
    if not affiliates_due(night.workspace, night.now).applications:
        return Outcome("no affiliate's turn has come")
    done = screen_affiliates(night.workspace, night.now, progress, most=most)
    message = f"{len(done.outcomes)} affiliates screened again"
    return Outcome(message, done.counts, incomplete=done.incomplete)


def plan_screen_again(night: Night) -> str:
    """Say how many affiliates would be screened again."""
    due = len(affiliates_due(night.workspace, night.now).applications)
    return f"screen {min(due, night.workspace.settings.nightly.rescreen_max)} of {due} affiliates that are due again"


def keep_to_retention(night: Night, progress: Progress) -> Outcome:
    """Remove what is kept no longer."""
    purged = purge(night.workspace, night.now, progress)
    counts = {item.what.replace(" ", "_"): item.count for item in purged.items if item.count}
    return Outcome(_gone(purged), counts)


def plan_keep_to_retention(night: Night) -> str:
    """Say what would be removed."""
    return _gone(purge(night.workspace, night.now, silent_progress(), dry_run=True))


def _gone(purged: Purged) -> str:
    going = [f"{item.count} {item.unit} of {item.what}" for item in purged.items if item.count]
    verb = "would remove" if purged.dry_run else "removed"
    return f"{verb} {', '.join(going)}" if going else "nothing is old enough to go"


def write_digest(night: Night, progress: Progress) -> Outcome:
    """Write what the night found for staff, with what it could not do, and put it into the outbox."""
    lacked = [f"{stage.name}: {stage.message}" for stage in night.ended if stage.status is StageStatus.FAILED]
    written = digest(night.workspace, night.now, progress, lacked=lacked)
    message = f"written to {written.path.relative_to(night.workspace.root)}, for {written.queued} of the staff"
    if written.unreachable:
        message += f"; no mail reaches {len(written.unreachable)} addresses of notices.staff"
    unsent = None
    if night.workspace.settings.notices.staff:
        posted = send_letters(night.workspace, night.now, os.environ, progress, KIND)
        message += f"; {posted.ended.get('sent', 0)} sent"
        unsent = posted.stopped
    if unsent is not None:
        message += f"; the rest waits in the outbox: {unsent}"
    return Outcome(message, {"queued": written.queued}, incomplete=bool(written.unreachable or unsent))


def plan_write_digest(night: Night) -> str:
    """Say for whom the digest would be written."""
    return f"write the digest, for {len(night.workspace.settings.notices.staff)} of the staff"


def _account(night: Night, report: IngestReport, counts: dict[str, int]) -> list[str]:
    """Add up an ingest, put its finished files away, and return the names of those that stay."""
    stay: list[str] = []
    totals = report.totals()
    for name in ("taken", "revised", "repeated", "quarantined"):
        counts[name] += totals[name]
    for file in report.files:
        counts["files"] += 1
        if complete(file):
            put_away(night.workspace, Path(file.path), night.date)
        else:
            counts["files_left"] += 1
            why = file.error.cause if file.error else "the file ends too early or tells of the future"
            stay.append(f"{file.path.name} ({why})")
    return stay
