"""The job `nightly`: one command, no person. Stages in order, each done once a night, whatever kills it in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from screening.errors import BusyError, ExitCode, UnavailableError, WinnowError, of_system
from screening.jobs.night_journal import LAST_STAGE, NIGHTS, Journal, StageReport, StageStatus, newest_night, stamp
from screening.jobs.night_letters import plan_tell_partners, tell_partners
from screening.jobs.night_outside import bring_old_holds, plan_bring_old_holds, plan_pull_events, pull_events
from screening.jobs.night_stages import (
    Night,
    Outcome,
    Stage,
    judge,
    keep_to_retention,
    plan_judge,
    plan_keep_to_retention,
    plan_screen_again,
    plan_screen_applicants,
    plan_take_in,
    plan_write_digest,
    screen_again,
    screen_applicants,
    take_in,
    write_digest,
)
from screening.jobs.progress import Progress
from screening.logs import events
from screening.traffic.lakelock import holding_lock
from screening.workspace import Workspace

STAGES: tuple[Stage, ...] = (
    Stage("pull", pull_events, plan_pull_events),
    Stage("ingest", take_in, plan_take_in),
    Stage("scan", judge, plan_judge),
    Stage("holds", bring_old_holds, plan_bring_old_holds),
    Stage("screen", screen_applicants, plan_screen_applicants),
    Stage("rescreen", screen_again, plan_screen_again),
    Stage("letters", tell_partners, plan_tell_partners),
    Stage("purge", keep_to_retention, plan_keep_to_retention),
    Stage(LAST_STAGE, write_digest, plan_write_digest, reports=True),
)
"""In the order in which a night does them. None depends on the success of another: what a failed pull or ingest did
not bring is not judged, and the payout gate holds what was not judged."""


@dataclass(frozen=True, slots=True)
class NightReport:
    """What became of the stages of a night, in order."""

    night: date
    stages: tuple[StageReport, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0 all done; 1 a stage failed; 3 all done, but something was set aside or held for lack of evidence."""
        statuses = {stage.status for stage in self.stages}
        if StageStatus.FAILED in statuses:
            return ExitCode.FAILED
        return ExitCode.INCOMPLETE if StageStatus.INCOMPLETE in statuses else ExitCode.DONE


def nightly(workspace: Workspace, now: datetime, progress: Progress, *, again: bool = False) -> NightReport:
    """Do what is left of the night of `now`'s UTC day; `again` does the stages that are done already once more.

    A stage that fails is reported, and the others run. Raises BusyError, naming the other, when a night is running, and
    UnavailableError when the clock stands before a night that has run or the journal cannot be written.
    """
    lock = holding_lock(
        workspace.folder("locks") / "nightly",
        command="winnow nightly",
        now=now,
        wait_seconds=0,
        waiting=lambda _: None,
        what="The night is being run",
    )
    with lock:
        folder = workspace.folder(NIGHTS)
        night = Night(workspace, now.astimezone(UTC).date(), now)
        _check_clock(newest_night(folder), night.date)
        journal = Journal.of(folder, night.date)
        if again:
            journal.stages.clear()
        for stage in STAGES:
            report = _ended(stage, night, journal, progress)
            night = replace(night, ended=(*night.ended, report))
        return NightReport(night.date, night.ended)


def planned(workspace: Workspace, now: datetime) -> NightReport:
    """Say what the night would do. Changes nothing, and waits for nobody."""
    night = Night(workspace, now.astimezone(UTC).date(), now)
    journal = Journal.of(workspace.root / NIGHTS, night.date)
    return NightReport(night.date, tuple(_planned(stage, night, journal) for stage in STAGES))


def _check_clock(newest: date | None, night: date) -> None:
    if newest is not None and newest > night:
        raise UnavailableError(
            f"The clock says {night}, but the night of {newest} has run already: one of the two clocks was wrong.",
            remedy=f"Set the clock. If it was wrong on {newest}, remove {NIGHTS}/{newest}.json from the workspace.",
        )


def _planned(stage: Stage, night: Night, journal: Journal) -> StageReport:
    if (done := journal.done(stage.name)) is not None:
        return replace(done, earlier=True)
    try:
        return StageReport(stage.name, StageStatus.PLANNED, stage.plan(night))
    except WinnowError as error:
        return StageReport(stage.name, StageStatus.FAILED, str(error))


def _ended(stage: Stage, night: Night, journal: Journal, progress: Progress) -> StageReport:
    outdated = stage.reports and not all(report.earlier for report in night.ended)
    if (done := journal.done(stage.name)) is not None and not outdated:
        return replace(done, earlier=True)
    log = events().bind(night=night.date.isoformat(), stage=stage.name)
    log.info("stage begins")
    began = time.monotonic()
    try:
        outcome = _attempted(lambda: stage.work(night, _Named(progress, stage.name)), night, progress)
    except WinnowError as error:
        report = StageReport(stage.name, StageStatus.FAILED, str(error))
        log.exception("stage failed", cause=error.cause, remedy=error.remedy)
    except OSError as error:
        # a full or read-only disk meets whoever writes next; its own words say it best
        report = StageReport(stage.name, StageStatus.FAILED, str(of_system(error)))
        log.exception("stage failed")
    except Exception as error:  # one broken stage must not keep the others from running
        report = StageReport(stage.name, StageStatus.FAILED, f"winnow failed: {type(error).__name__}: {error}")
        log.exception("stage failed")
    else:
        status = StageStatus.INCOMPLETE if outcome.incomplete else StageStatus.DONE
        report = StageReport(stage.name, status, outcome.message, dict(outcome.counts))
        log.info("stage ended", status=str(status), seconds=round(time.monotonic() - began, 3), **outcome.counts)
    report = replace(report, ended_at=stamp(datetime.now(UTC)), seconds=round(time.monotonic() - began, 3))
    journal.record(report)
    return report


def _attempted(work: Callable[[], Outcome], night: Night, progress: Progress) -> Outcome:
    """Try again after failures that may pass: a database that does not answer, a lake that another writes."""
    settings = night.workspace.settings.nightly
    for attempt in range(1, settings.attempts):
        try:
            return work()
        except (UnavailableError, BusyError) as error:
            progress.step(f"waiting to try again: {error.cause}", attempt, settings.attempts)
            time.sleep(settings.pause_seconds)
    return work()


@dataclass(frozen=True, slots=True)
class _Named:
    """Progress of one stage, told under its name."""

    inner: Progress
    part: str

    def step(self, name: str, done: int, total: int | None) -> None:
        """Pass a step on."""
        self.inner.step(f"{self.part}: {name}", done, total)
