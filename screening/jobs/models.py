"""Say which models there are, and let a person promote or retire one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from screening.errors import InputError
from screening.store import AuditEvent, ModelRecord, Observation, open_store
from screening.store.observations import SHADOW
from screening.store.registry import CHAMPION, RETIRED
from screening.traffic.champion import MODEL, SHIPPED, load_champion
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Changed:
    """What an act about a model changed: the version that judges before and after it; `shipped` is winnow's own."""

    version: str
    before: str
    after: str


def list_models(workspace: Workspace) -> list[ModelRecord]:
    """Return the programme's own models, the newest first. None is champion: the judge that ships with winnow is."""
    with open_store(workspace.store_url) as store:
        return store.models.all(MODEL)


def newest_shadow(workspace: Workspace, version: str) -> Observation | None:
    """Return how a challenger would have decided in the newest scan that it shadowed; None: in none yet."""
    with open_store(workspace.store_url) as store:
        found = store.observations.newest(SHADOW, version, 1)
    return found[0] if found else None


def promote_model(workspace: Workspace, version: str, person: str, now: datetime) -> Changed:
    """Let a version judge from now on; `shipped` brings back winnow's own.

    Raises InputError when there is no such version, or no name; IntegrityError when its file is missing, was altered,
    or cannot be used: then nothing changes.
    """
    author = _named(person)
    with open_store(workspace.store_url) as store:
        champion = store.models.champion(MODEL)
        before = champion.version if champion else SHIPPED
        if version == SHIPPED:
            load_champion(workspace.folder("models"), None)
        else:
            load_champion(workspace.folder("models"), _known(store.models.all(MODEL), version).digest)
        with store.together() as records:
            if version != SHIPPED:
                records.models.promote(MODEL, version)
            elif champion:
                records.models.retire(MODEL, champion.version)
            details = {"before": before, "after": version}
            event = AuditEvent(now, author, "model promoted", f"model {MODEL} {version}", details)
            records.audit.append(event)
    return Changed(version, before, version)


def retire_model(workspace: Workspace, version: str, person: str, now: datetime) -> Changed:
    """Let a version judge no more, not even in the shadow; after a champion the judge that ships with winnow judges.

    Raises InputError when there is no such version, it is retired already, or no name is given.
    """
    author = _named(person)
    with open_store(workspace.store_url) as store:
        record = _known(store.models.all(MODEL), version)
        if record.role == RETIRED:
            raise InputError(
                f"The model {version} is retired already.", remedy="`winnow models list` shows roles.", where="models"
            )
        champion = store.models.champion(MODEL)
        before = champion.version if champion else SHIPPED
        after = SHIPPED if record.role == CHAMPION else before
        with store.together() as records:
            records.models.retire(MODEL, version)
            details = {"before": before, "after": after, "role": record.role}
            records.audit.append(AuditEvent(now, author, "model retired", f"model {MODEL} {version}", details))
    return Changed(version, before, after)


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
