"""Register what was taught as a challenger: one training at a time, recorded in one way; only a person promotes it."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from screening.jobs.progress import Progress
from screening.settings import without_passwords
from screening.store import AuditEvent, ModelRecord, RunRecord, Store, open_store
from screening.store.observations import REFERENCE, Observation
from screening.store.registry import CHALLENGER
from screening.traffic.champion import model_path
from screening.traffic.lakelock import holding_lock
from screening.workspace import Workspace

COMMAND = "train"


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gave. `known_before`: the same judge was registered already, and nothing was added."""

    record: ModelRecord
    known_before: bool
    replaced: tuple[str, ...]
    """Versions of challengers that were retired for it, so that one judges in the shadow."""


@dataclass(frozen=True, slots=True)
class Taught:
    """A model that was taught: the file's bytes, the facts it reads, what is to be told of it.

    `reference` is what later runs are held against to see whether the facts have drifted; None where nothing is.
    """

    name: str
    content: bytes
    features: tuple[str, ...]
    metrics: Mapping[str, Any]
    reference: Mapping[str, Any] | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the file, in hex; the file is named by it."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """What models were taught on, first day to last, as the record of the run keeps it."""

    first: date
    last: date
    counts: Mapping[str, int]
    lake_version: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def training(workspace: Workspace, now: datetime, progress: Progress) -> Iterator[Store]:
    """Hold the lock of all training, and the store open. Waits a while for another training, then raises BusyError."""
    lock = holding_lock(
        workspace.folder("locks") / COMMAND,
        command=COMMAND,
        now=now,
        wait_seconds=workspace.settings.ingest.lock_wait_seconds,
        waiting=lambda who: progress.step(who, 0, None),
    )
    with lock, open_store(workspace.store_url) as store:
        yield store


def register(
    workspace: Workspace, store: Store, taught: Sequence[Taught], source: Source, now: datetime
) -> list[Trained]:
    """Keep the model files and register each model that is new as the one challenger of its name, in one transaction.

    A model that was registered before, byte for byte, is not registered again; when none is new, no run is recorded.
    """
    for one in taught:
        _keep(model_path(workspace.folder("models"), one.digest), one.content)
    run = _run(workspace, taught, source, now)
    trained = [_trained(store, one, source, run) for one in taught]
    new = [(one, done) for one, done in zip(taught, trained, strict=True) if not done.known_before]
    if not new:
        return trained
    with store.together() as records:
        records.record_run(run)
        for one, done in new:
            for old in done.replaced:
                records.models.retire(one.name, old)
            records.models.add(done.record)
            if one.reference is not None:
                records.observations.add(Observation(run.run_id, REFERENCE, one.digest, dict(one.reference)))
            details = {"digest": one.digest, "run_id": run.run_id, "retired": list(done.replaced)}
            subject = f"model {one.name} {done.record.version}"
            records.audit.append(AuditEvent(run.finished_at, COMMAND, "model trained", subject, details))
    return trained


def _trained(store: Store, taught: Taught, source: Source, run: RunRecord) -> Trained:
    known = store.models.all(taught.name)
    same = [model for model in known if model.digest == taught.digest]
    if same:
        return Trained(same[0], known_before=True, replaced=())
    names = list(taught.features)
    record = ModelRecord(
        name=taught.name,
        version=f"{source.last:%Y%m%d}-{taught.digest[:8]}",
        role=CHALLENGER,
        digest=taught.digest,
        data_from=source.first,
        data_to=source.last,
        feature_schema={"features": names, "digest": hashlib.sha256("\n".join(names).encode()).hexdigest()},
        metrics={**taught.metrics, "run_id": run.run_id, "winnow": version("winnow")},
        created_at=run.finished_at,
    )
    return Trained(
        record,
        known_before=False,
        replaced=tuple(model.version for model in known if model.role == CHALLENGER),
    )


def _run(workspace: Workspace, taught: Sequence[Taught], source: Source, started: datetime) -> RunRecord:
    return RunRecord(
        run_id=f"{COMMAND}-{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        command=COMMAND,
        status="complete",
        started_at=started,
        finished_at=datetime.now(UTC),
        period_from=source.first,
        period_to=source.last,
        lake_version=source.lake_version,
        inputs=dict(source.inputs),
        settings=without_passwords(workspace.settings.model_dump(mode="json")),
        versions={"winnow": version("winnow"), **{one.name: one.digest for one in taught}, **source.versions},
        seed=workspace.settings.training.seed,
        counts=dict(source.counts),
    )


def _keep(path: Path, content: bytes) -> None:
    """Write the file whole or not at all; its name is its digest, so one that is there as it should be stays."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
