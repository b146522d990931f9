"""The job `screen`: applications, or affiliates whose turn it is again, from the crawl to a decision."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import Kind
from screening.applicants.batch import Judged, affiliate_member, judge
from screening.applicants.crawl.guard import make_guard
from screening.applicants.crawl.journal import Journal
from screening.applicants.decide import CHOSEN, check_gates
from screening.applicants.dossier import PAGE_NAME, dossier, earlier_of, write_dossier
from screening.applicants.intake import Intake, QuarantinedRow, read_applications
from screening.applicants.known import load_known, remember
from screening.applicants.policy import Policy, programme_policy
from screening.applicants.reasons import Tier, reasons
from screening.applicants.rescreen import due_affiliates
from screening.applicants.scorecard import check_points
from screening.applicants.signals.category import unworded
from screening.applicants.study import Studied
from screening.jobs.applicant_models import panel_of_judges
from screening.jobs.learned_screening import SecondThoughts, second_thoughts
from screening.jobs.progress import Progress
from screening.jobs.queue import queue_applications
from screening.jobs.screen_gather import Gathering, forget_journal, gather
from screening.jobs.screen_lookups import opened_lookups
from screening.jobs.screen_pictures import watch_escalated
from screening.settings import without_passwords
from screening.store import SCREENINGS, RunRecord, open_store
from screening.traffic.lake import Lake
from screening.workspace import Workspace

COMMAND = "screen"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one application; `evidence` is the folder with report.html, relative to the workspace.

    `changed` are codes that are new since the last screening (None: there was none).
    """

    application_id: str
    name: str
    decision: str
    advice: str
    points: float
    score: float
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    evidence: str
    unseen: bool
    changed: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Screened:
    """What a screening came to. `notices` are things that whoever reads the results has to know, loudest first."""

    run_id: str
    outcomes: tuple[Outcome, ...]
    quarantined: tuple[QuarantinedRow, ...]
    quarantine: Path | None
    notices: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of applications by decision, and of rows set aside."""
        decisions = Counter(outcome.decision for outcome in self.outcomes)
        named = {name: decisions.get(name, 0) for name in ("approve", "review", "reject")}
        return {**named, "quarantined": len(self.quarantined)}

    @property
    def incomplete(self) -> bool:
        """Something was set aside, or held because it could not be seen."""
        return bool(self.quarantined) or any(outcome.unseen for outcome in self.outcomes)


def screen_file(workspace: Workspace, path: Path, now: datetime, progress: Progress) -> Screened:
    """Screen a file of applications (CSV or JSON lines).

    Raises InputError when the file or the policy cannot be used, SettingsError when points or gates are wrong.
    """
    intake = read_applications(path, workspace.settings.screening.intake, now)
    return _screen(workspace, intake, now, progress)


def screen_affiliates(
    workspace: Workspace,
    now: datetime,
    progress: Progress,
    *,
    most: int | None = None,
) -> Screened:
    """Screen again the affiliates whose last screening is older than screening.rescreen_days, or who had none.

    `most` bounds how many (None: all); those who waited longest come first.
    """
    intake = affiliates_due(workspace, now)
    intake = replace(intake, applications=intake.applications[:most])
    return _screen(workspace, intake, now, progress)


def affiliates_due(workspace: Workspace, now: datetime) -> Intake:
    """Return the affiliates whose turn it is to be screened again, as applications, the longest ago first."""
    journal = Journal(workspace.folder("evidence"))
    return due_affiliates(
        _affiliates(workspace),
        lambda member: earlier_of(journal.folder(member)),
        workspace.settings.screening,
        now,
    )


def _screen(workspace: Workspace, intake: Intake, now: datetime, progress: Progress) -> Screened:
    settings = workspace.settings
    check_points(settings.screening.scorecard)
    check_gates(settings.screening.reject_on)
    policy = programme_policy(settings.policy, workspace.root)
    evidence = workspace.folder("evidence")
    run_id = f"{COMMAND}-{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    with open_store(workspace.store_url) as store:
        panel = panel_of_judges(workspace, store)  # a damaged model ends the run before the crawl, not after
    studied = gather(
        intake.applications, Gathering(settings, policy, evidence, partial(opened_lookups, workspace, now)), progress
    )
    in_order = [studied[item.application_id] for item in intake.applications]
    known = load_known(evidence)
    members = [affiliate_member(record, known) for record in _affiliates(workspace)]
    thoughts = second_thoughts(judge(in_order, known, members, settings.screening), panel, settings.screening)
    outcomes = _written(workspace, thoughts.judged, run_id, now)
    quarantine = _quarantine(workspace, intake.quarantined, run_id)
    screened = Screened(run_id, outcomes, intake.quarantined, quarantine, _notices(workspace, intake, policy))
    _record(workspace, screened, thoughts, now)
    remember(evidence, in_order)
    forget_journal(evidence)
    _watch(workspace, screened, in_order, progress)
    return screened


def _watch(workspace: Workspace, screened: Screened, studied: Sequence[Studied], progress: Progress) -> None:
    """Look with a browser at the sites of those who go to a person, where the settings say so."""
    folders = {outcome.application_id: workspace.root / outcome.evidence for outcome in screened.outcomes}
    websites = {folders[one.application.application_id]: one.application.websites for one in studied}
    waiting = [folders[outcome.application_id] for outcome in screened.outcomes if outcome.decision == "review"]
    watch_escalated(workspace, waiting, websites, progress)


def _affiliates(workspace: Workspace) -> list[dict[str, Any]]:
    return Lake(workspace.lake).snapshot().frame(Kind.AFFILIATES).collect().to_dicts()


def _written(workspace: Workspace, judged: Sequence[Judged], run_id: str, now: datetime) -> tuple[Outcome, ...]:
    journal = Journal(workspace.folder("evidence"))
    outcomes = []
    for item in judged:
        folder = journal.folder(item.studied.application.application_id)
        earlier = earlier_of(folder)
        data = dossier(item, run_id, now, earlier)
        write_dossier(folder, data)
        verdict = item.verdict
        outcomes.append(
            Outcome(
                application_id=item.studied.application.application_id,
                name=item.studied.application.name,
                decision=verdict.decision.value,
                advice=verdict.advice.value,
                points=verdict.scorecard.points,
                score=verdict.scorecard.score,
                reasons=verdict.reasons,
                missing=verdict.missing,
                evidence=folder.relative_to(workspace.root).as_posix(),
                unseen=any(_unseen(code) for code in verdict.reasons),
                changed=None if earlier is None else tuple(data["changes"]["new"]),
            )
        )
    return tuple(outcomes)


def _unseen(code: str) -> bool:
    return reasons()[code].tier is Tier.UNSEEN and code not in CHOSEN


def _notices(workspace: Workspace, intake: Intake, policy: Policy) -> tuple[str, ...]:
    notices = [f"The crawl guard is open: {opening}." for opening in make_guard(workspace.settings.crawl).openings]
    named = ", ".join(unworded(policy))
    if named:
        notices.append(f"Of these prohibited categories only the name itself is looked for: {named}.")
    if intake.unread_columns:
        names = ", ".join(ascii(name)[1:-1][:60] for name in intake.unread_columns[:20])
        notices.append(f"Columns that nobody reads: {names}.")
    return tuple(notices)


def _quarantine(workspace: Workspace, rows: Sequence[QuarantinedRow], run_id: str) -> Path | None:
    if not rows:
        return None
    path = workspace.folder("quarantine") / f"applications-{run_id}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            body = {"file": row.file, "line": row.line, "application_id": row.application_id, **asdict(row.problem)}
            file.write(json.dumps(body, ensure_ascii=False) + "\n")
    return path


def _record(workspace: Workspace, screened: Screened, thoughts: SecondThoughts, started: datetime) -> None:
    rows = [
        {
            "application_id": outcome.application_id,
            "decision": outcome.decision,
            "score": outcome.score,
            "reasons": list(outcome.reasons),
            "missing": list(outcome.missing),
            "evidence": outcome.evidence,
            "reason_details": json.dumps(_details(item), ensure_ascii=False),
        }
        for outcome, item in zip(screened.outcomes, thoughts.judged, strict=True)
    ]
    schema = {name: dtype for name, dtype in SCREENINGS.items() if name != "run_id"}
    frame = pl.DataFrame(rows, schema=schema)
    lake = Lake(workspace.lake).snapshot()
    run = RunRecord(
        run_id=screened.run_id,
        command=COMMAND,
        status="complete",
        started_at=started,
        finished_at=datetime.now(UTC),
        period_from=None,
        period_to=None,
        lake_version=lake.version,
        inputs={part.path: part.digest for part in lake.select((Kind.AFFILIATES,))},
        settings=without_passwords(workspace.settings.model_dump(mode="json")),
        versions={"winnow": version("winnow"), **thoughts.versions},
        seed=workspace.settings.screening.seed,
        counts=screened.counts,
    )
    with open_store(workspace.store_url) as store, store.together() as records:
        records.record_screenings(run, frame)
        for observation in thoughts.observations(run.run_id):
            records.observations.add(observation)
        queue_applications(records, frame, run)


def _details(item: Judged) -> list[Mapping[str, Any]]:
    return [
        {
            "code": weighed.reason.code,
            "points": weighed.points,
            "numbers": [dict(finding.numbers) for finding in weighed.findings],
            "clauses": [finding.clause for finding in weighed.findings if finding.clause is not None],
        }
        for weighed in item.verdict.scorecard.weighed
    ]


def report_of(workspace: Workspace, outcome: Outcome) -> Path:
    """Return where the page of an outcome is."""
    return workspace.root / outcome.evidence / PAGE_NAME
