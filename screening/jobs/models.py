"""Say which models there are, and let a person promote or retire one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.applicants import ApplicantJudge
from models.fused import load_judge
from models.sites import SiteModel
from screening.errors import InputError
from screening.jobs.applicant_models import APPLICANTS, SITES, decisions_of_people
from screening.store import AuditEvent, ModelRecord, Observation, Records, open_store
from screening.store.observations import SHADOW
from screening.store.registry import CHAMPION, RETIRED
from screening.traffic.champion import MODEL, SHIPPED, load_champion, load_model
from screening.workspace import Workspace

NOBODY = "none"
"""In place of a version, of models that do not ship with winnow: no model takes part, points alone decide."""
_READERS: Mapping[str, Callable[[bytes], Any]] = {
    MODEL: load_judge,
    APPLICANTS: ApplicantJudge.load,
    SITES: SiteModel.load,
}
_NEVER = datetime.max.replace(tzinfo=UTC)
"""When what is not stored yet finished: nobody decided after that."""
_RUNS_READ = 500
"""Screenings, the newest, whose shadows are held against what people decided since."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What an act about a model changed: the version that judges before and after it.

    `shipped` is winnow's own judge of traffic, `none` that no model of this `name` takes part.
    """

    version: str
    before: str
    after: str
    name: str = MODEL


@dataclass(frozen=True, slots=True)
class ShadowOfApplicants:
    """What a judge of applicants said in screenings, and what people decided since, of those they decided.

    `spared` and `doubted` count applications that it would have spared a review, or sent to a person; of these
    `spared_rejected` were rejected by people all the same, and `doubted_rejected` rightly doubted.
    """

    runs: int
    screened: int
    spared: int
    doubted: int
    spared_decided: int
    spared_rejected: int
    doubted_decided: int
    doubted_rejected: int


def list_models(workspace: Workspace) -> list[ModelRecord]:
    """Return the programme's own models, the newest first. No champion of traffic: the judge that ships judges."""
    with open_store(workspace.store_url) as store:
        return store.models.all()


def newest_shadow(workspace: Workspace, version: str) -> Observation | None:
    """Return how a challenger would have decided in the newest run that it shadowed; None: in none yet."""
    with open_store(workspace.store_url) as store:
        found = store.observations.newest(SHADOW, version, 1)
    return found[0] if found else None


def shadow_of_applicants(workspace: Workspace, version: str) -> ShadowOfApplicants:
    """Hold what a judge of applicants said against what people decided afterwards, over its newest screenings."""
    with open_store(workspace.store_url) as store:
        seen = [one for one in store.observations.newest(SHADOW, version, _RUNS_READ) if not one.details["error"]]
        decided = decisions_of_people(store)
    since: dict[str, dict[str, datetime]] = {"spared": {}, "doubted": {}}
    for one in seen:  # the newest first, so the earliest time stays
        for what, first in since.items():
            first.update(dict.fromkeys(one.details[what], one.at or _NEVER))
    after = {
        what: [one.rejected for one in decided if one.applicant in first and one.decided_at >= first[one.applicant]]
        for what, first in since.items()
    }
    return ShadowOfApplicants(
        runs=len(seen),
        screened=sum(one.details["screened"] for one in seen),
        spared=len(since["spared"]),
        doubted=len(since["doubted"]),
        spared_decided=len(after["spared"]),
        spared_rejected=sum(after["spared"]),
        doubted_decided=len(after["doubted"]),
        doubted_rejected=sum(after["doubted"]),
    )


def promote_model(workspace: Workspace, version: str, person: str, now: datetime) -> Changed:
    """Let a version judge from now on; `shipped` brings back winnow's own judge of traffic.

    Raises InputError when there is no such version, or no name; IntegrityError when its file is missing, was altered,
    or cannot be used: then nothing changes.
    """
    author = _named(person)
    folder = workspace.folder("models")
    with open_store(workspace.store_url) as store:
        record = None if version == SHIPPED else _known(store.models.all(), version)
        name = MODEL if record is None else record.name
        before = _judging(store, name)
        if record is None:
            load_champion(folder, None)
        else:
            load_model(folder, record.digest, _READERS[name])
        with store.together() as records:
            if record is not None:
                records.models.promote(name, version)
            elif before != SHIPPED:
                records.models.retire(name, before)
            details = {"before": before, "after": version}
            records.audit.append(AuditEvent(now, author, "model promoted", f"model {name} {version}", details))
    return Changed(version, before, version, name)


def retire_model(workspace: Workspace, version: str, person: str, now: datetime) -> Changed:
    """Let a version judge no more, not even in the shadow.

    After a champion of traffic the judge that ships with winnow judges; after one of applicants or sites none does.
    Raises InputError when there is no such version, it is retired already, or no name is given.
    """
    author = _named(person)
    with open_store(workspace.store_url) as store:
        record = _known(store.models.all(), version)
        if record.role == RETIRED:
            raise InputError(
                f"The model {version} is retired already.", remedy="`winnow models list` shows roles.", where="models"
            )
        before = _judging(store, record.name)
        after = _unled(record.name) if record.role == CHAMPION else before
        with store.together() as records:
            records.models.retire(record.name, version)
            details = {"before": before, "after": after, "role": record.role}
            event = AuditEvent(now, author, "model retired", f"model {record.name} {version}", details)
            records.audit.append(event)
    return Changed(version, before, after, record.name)


def _judging(records: Records, name: str) -> str:
    champion = records.models.champion(name)
    return champion.version if champion else _unled(name)


def _unled(name: str) -> str:
    return SHIPPED if name == MODEL else NOBODY


def _named(person: str) -> str:
    if not person.strip():
        raise InputError("Nobody is named who decides this.", remedy="Give your name: --by NAME.", where="--by")
    return person.strip()


def _known(models: list[ModelRecord], version: str) -> ModelRecord:
    for model in models:
        if model.version == version:
            return model
    raise InputError(
        f"There is no model {version}.",
        remedy="`winnow models list` shows those there are, `winnow train` makes one.",
        where="models",
    )
