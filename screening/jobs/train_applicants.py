"""Teach models on people's decisions about applicants: a judge of findings and a model of sites, both as challengers.

They learn from what the newest screening before each decision had found, never from anything later. How good the judge
is, is measured on the newest decisions with one taught on those before; what is registered is taught on all of them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import numpy as np

from models.applicants import ApplicantJudge, Decided, Lessons
from models.applicants import fit as fit_judge
from models.applicants_measure import Trial, compared
from models.sites import SiteLessons, SiteModel
from models.sites import fit as fit_sites
from screening.applicants.learned import fact_rows, learned_facts
from screening.applicants.site_facts import fact_frame
from screening.errors import InputError
from screening.jobs.applicant_models import APPLICANTS, SITES, Decision, decisions_of_people
from screening.jobs.progress import Progress
from screening.jobs.train import Trained, keep_model_file
from screening.settings import without_passwords
from screening.settings.training import ApplicantSettings, TrainingSettings
from screening.store import AuditEvent, ModelRecord, RunRecord, Store, open_store
from screening.store.registry import CHALLENGER
from screening.traffic.champion import model_path
from screening.traffic.lakelock import holding_lock
from screening.workspace import Workspace

COMMAND = "train"
_STEPS = 3


@dataclass(frozen=True, slots=True)
class TrainedOnPeople:
    """What people's decisions taught: the judge of applicants, and the site model or why there is none."""

    judge: Trained
    sites: Trained | None
    without_sites: str


@dataclass(frozen=True, slots=True)
class _Taught:
    name: str
    content: bytes
    features: tuple[str, ...]
    metrics: Mapping[str, Any]


def train_applicants(workspace: Workspace, now: datetime, progress: Progress) -> TrainedOnPeople:
    """Teach on people's decisions, keep the model files, register them as challengers.

    Raises InputError when there are too few decisions, or they tell nothing; BusyError while another training runs.
    """
    lock = holding_lock(
        workspace.folder("locks") / COMMAND,
        command=COMMAND,
        now=now,
        wait_seconds=workspace.settings.ingest.lock_wait_seconds,
        waiting=lambda who: progress.step(who, 0, None),
    )
    settings = workspace.settings.training
    with lock, open_store(workspace.store_url) as store:
        progress.step(COMMAND, 0, _STEPS)
        decisions = _enough(decisions_of_people(store), settings.applicants, now)
        judge = _judge(decisions, settings, _stands_for(workspace))
        progress.step(COMMAND, 1, _STEPS)
        sites = _sites(decisions, settings)
        progress.step(COMMAND, 2, _STEPS)
        taught = [judge, *([sites] if isinstance(sites, _Taught) else [])]
        trained = _register(workspace, store, taught, (decisions, now))
        progress.step(COMMAND, _STEPS, _STEPS)
    return TrainedOnPeople(
        trained[0], trained[1] if len(trained) > 1 else None, "" if isinstance(sites, _Taught) else sites
    )


def _enough(decisions: Sequence[Decision], settings: ApplicantSettings, now: datetime) -> list[Decision]:
    since = now - timedelta(days=settings.history_days)
    recent = [one for one in decisions if since <= one.decided_at <= now]
    rejected = sum(one.rejected for one in recent)
    if len(recent) < settings.decided_min or min(rejected, len(recent) - rejected) < settings.each_min:
        raise InputError(
            f"{len(recent)} decisions of people about applicants, {rejected} of them rejections, are too few to learn "
            "from.",
            remedy=f"It takes {settings.decided_min}, at least {settings.each_min} of either kind; until then the "
            "scorecard decides alone.",
            where="training.applicants",
        )
    return recent


def _stands_for(workspace: Workspace) -> float:
    """Return for how many approved applicants one stands that the draw brought to a person."""
    share, most = workspace.settings.screening.audit_share, workspace.settings.training.applicants.audit_weight_max
    return max(1.0, min(most, 1 / share if share else most))


def _judge(decisions: Sequence[Decision], settings: TrainingSettings, unseen: float) -> _Taught:
    measured = _held_out(decisions, settings, unseen)
    judge = _fit(decisions, settings, unseen)
    if judge is None:
        raise InputError(
            "What the screenings found tells nothing of how people decided.",
            remedy="Look at the decisions: were they about the findings? More of them may help.",
            where="training.applicants",
        )
    rejected = sum(one.rejected for one in decisions)
    metrics = {"decisions": len(decisions), "rejected": rejected, "held_out": measured}
    return _Taught(APPLICANTS, judge.dump(), tuple(fact.name for fact in judge.facts), metrics)


def _fit(decisions: Sequence[Decision], training: TrainingSettings, unseen: float) -> ApplicantJudge | None:
    settings = training.applicants
    lessons = Lessons(settings.trees, settings.leaves, settings.leaf_rows, settings.rate)
    facts = fact_rows((one.found, one.unknown) for one in decisions)
    return fit_judge(facts, learned_facts(), _decided(decisions, unseen), lessons, training.seed)


def _decided(decisions: Sequence[Decision], unseen: float) -> Decided:
    """Return the decisions as lessons; one that chance brought stands for all like it that were approved unseen."""
    return Decided(
        np.array([one.rejected for one in decisions], dtype=bool),
        np.array([one.applicant for one in decisions]),
        np.array([unseen if one.by_chance else 1.0 for one in decisions]),
    )


def _held_out(decisions: Sequence[Decision], settings: TrainingSettings, unseen: float) -> dict[str, Any] | None:
    """Measure on the newest decisions, about applicants that teach nothing; None when that cannot be done."""
    cut = len(decisions) - int(settings.applicants.held_out * len(decisions))
    earlier, later = decisions[:cut], decisions[cut:]
    taught_on = {one.applicant for one in earlier}
    asked = [one for one in later if one.applicant not in taught_on and one.score is not None]
    rejected = sum(one.rejected for one in asked)
    judge = _fit(earlier, settings, unseen) if 0 < rejected < len(asked) else None
    if judge is None:
        return None
    facts = fact_rows((one.found, one.unknown) for one in asked)
    by_card = np.array([one.score for one in asked], dtype=np.float64)
    before = [one for one in earlier if one.score is not None]
    trial = Trial(
        chance=judge.score(facts),
        scorecard=by_card,
        decided=_decided(asked, unseen),
        earlier_scorecard=np.array([one.score for one in before], dtype=np.float64),
        earlier=_decided(before, unseen),
    )
    return {"from": asked[0].decided_at.date().isoformat(), **compared(trial, settings.seed)}


def _sites(decisions: Sequence[Decision], settings: TrainingSettings) -> _Taught | str:
    rows = [(facts, one.rejected) for one in decisions for facts in one.measured]
    bad = np.array([rejected for _, rejected in rows], dtype=bool)
    facts = fact_frame([facts for facts, _ in rows])
    model: SiteModel | None = fit_sites(facts, bad, SiteLessons(**settings.sites.model_dump()), settings.seed)
    if model is None:
        return f"{len(rows)} measured sites, {int(bad.sum())} of them of rejected applicants, are too few for one."
    metrics = {"sites": len(rows), "rejected": int(bad.sum())}
    return _Taught(SITES, model.dump(), model.facts, metrics)


def _register(
    workspace: Workspace, store: Store, taught: Sequence[_Taught], read: tuple[Sequence[Decision], datetime]
) -> list[Trained]:
    decisions, now = read
    digests = [hashlib.sha256(one.content).hexdigest() for one in taught]
    for one, digest in zip(taught, digests, strict=True):
        keep_model_file(model_path(workspace.folder("models"), digest), one.content)
    run = _run(workspace, dict(zip((one.name for one in taught), digests, strict=True)), decisions, now)
    trained = [_record(store, one, digest, (decisions, run)) for one, digest in zip(taught, digests, strict=True)]
    new = [one for one in trained if not one.known_before]
    if new:
        with store.together() as records:
            records.record_run(run)
            for model in new:
                for old in model.replaced:
                    records.models.retire(model.record.name, old)
                records.models.add(model.record)
                details = {"digest": model.record.digest, "run_id": run.run_id, "retired": list(model.replaced)}
                subject = f"model {model.record.name} {model.record.version}"
                records.audit.append(AuditEvent(run.finished_at, COMMAND, "model trained", subject, details))
    return trained


def _record(store: Store, taught: _Taught, digest: str, read: tuple[Sequence[Decision], RunRecord]) -> Trained:
    known = store.models.all(taught.name)
    same = [model for model in known if model.digest == digest]
    if same:
        return Trained(same[0], known_before=True, replaced=())
    decisions, run = read
    first, last = decisions[0].decided_at.date(), decisions[-1].decided_at.date()
    record = ModelRecord(
        name=taught.name,
        version=f"{last:%Y%m%d}-{digest[:8]}",
        role=CHALLENGER,
        digest=digest,
        data_from=first,
        data_to=last,
        feature_schema={
            "features": list(taught.features),
            "digest": hashlib.sha256("\n".join(taught.features).encode()).hexdigest(),
        },
        metrics={**taught.metrics, "run_id": run.run_id, "winnow": version("winnow")},
        created_at=run.finished_at,
    )
    replaced = tuple(model.version for model in known if model.role == CHALLENGER)
    return Trained(record, known_before=False, replaced=replaced)


def _run(
    workspace: Workspace, digests: Mapping[str, str], decisions: Sequence[Decision], started: datetime
) -> RunRecord:
    return RunRecord(
        run_id=f"train-{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        command=COMMAND,
        status="complete",
        started_at=started,
        finished_at=datetime.now(UTC),
        period_from=decisions[0].decided_at.date(),
        period_to=decisions[-1].decided_at.date(),
        lake_version=None,
        inputs={},
        settings=without_passwords(workspace.settings.model_dump(mode="json")),
        versions={"winnow": version("winnow"), **digests},
        seed=workspace.settings.training.seed,
        counts={"decisions": len(decisions), "rejected": sum(one.rejected for one in decisions)},
    )
