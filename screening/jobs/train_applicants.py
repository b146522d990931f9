"""Teach models on people's decisions about applicants: a judge of findings and a model of sites, both as challengers.

They learn from what the newest screening before each decision had found, never from anything later. How good the judge
is, is measured on the newest decisions with one taught on those before; what is registered is taught on all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from screening.jobs.challenger import COMMAND, Source, Taught, Trained, register, training
from screening.jobs.progress import Progress
from screening.settings.training import ApplicantSettings, TrainingSettings
from screening.workspace import Workspace

_STEPS = 3


@dataclass(frozen=True, slots=True)
class TrainedOnPeople:
    """What people's decisions taught: the judge of applicants, and the site model or why there is none."""

    judge: Trained
    sites: Trained | None
    without_sites: str


def train_applicants(workspace: Workspace, now: datetime, progress: Progress) -> TrainedOnPeople:
    """Teach on people's decisions, keep the model files, register them as challengers.

    Raises InputError when there are too few decisions, or they tell nothing; BusyError while another training runs.
    """
    settings = workspace.settings.training
    with training(workspace, now, progress) as store:
        progress.step(COMMAND, 0, _STEPS)
        decisions = _enough(decisions_of_people(store), settings.applicants, now)
        judge = _judge(decisions, settings, _stands_for(workspace))
        progress.step(COMMAND, 1, _STEPS)
        sites = _sites(decisions, settings)
        progress.step(COMMAND, 2, _STEPS)
        taught = [judge, *([sites] if isinstance(sites, Taught) else [])]
        trained = register(workspace, store, taught, _source(decisions), now)
        progress.step(COMMAND, _STEPS, _STEPS)
    return TrainedOnPeople(
        trained[0], trained[1] if len(trained) > 1 else None, "" if isinstance(sites, Taught) else sites
    )


def _source(decisions: Sequence[Decision]) -> Source:
    counts = {"decisions": len(decisions), "rejected": sum(one.rejected for one in decisions)}
    return Source(decisions[0].decided_at.date(), decisions[-1].decided_at.date(), counts)


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


def _judge(decisions: Sequence[Decision], settings: TrainingSettings, unseen: float) -> Taught:
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
    return Taught(APPLICANTS, judge.dump(), tuple(fact.name for fact in judge.facts), metrics)


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


def _sites(decisions: Sequence[Decision], settings: TrainingSettings) -> Taught | str:
    rows = [(facts, one.rejected) for one in decisions for facts in one.measured]
    bad = np.array([rejected for _, rejected in rows], dtype=bool)
    facts = fact_frame([facts for facts, _ in rows])
    model: SiteModel | None = fit_sites(facts, bad, SiteLessons(**settings.sites.model_dump()), settings.seed)
    if model is None:
        return f"{len(rows)} measured sites, {int(bad.sum())} of them of rejected applicants, are too few for one."
    metrics = {"sites": len(rows), "rejected": int(bad.sum())}
    return Taught(SITES, model.dump(), model.facts, metrics)
