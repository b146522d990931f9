"""The job `payout`: gate a payout file, write down what it releases, and hand the same lines back with decisions.

The same batch, known by its content, is decided once. Its answer is kept, so that a second run, after a crash or by
mistake, says the same and releases nothing again. The order is: keep the answer, write the draft of the out-file,
record run, releases and audit event in one transaction, put the draft in its place. Killed in between, the next run
either finds nothing recorded and decides afresh, or finds the batch recorded and hands out its answer.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl

from screening.errors import BusyError, InputError, IntegrityError, UnavailableError
from screening.gate.decision import WORDS
from screening.gate.payout import LACKING, Total, times_that_count
from screening.jobs.outfile import new_file
from screening.jobs.payout_answers import Judge, Summary, UnreadableLine, summarise
from screening.jobs.payout_evidence import EvidenceChangedError, EvidenceState, evidence_state, refuse_changed
from screening.jobs.progress import Progress
from screening.settings import without_passwords
from screening.store import RELEASES, AuditEvent, ReleasedBeforeError, RunRecord, Store, open_store
from screening.traffic.intake.rules import rules_of
from screening.traffic.lake import Lake, file_digest
from screening.traffic.lakewrite import flush
from screening.traffic.payout_file import read_payout, write_payout
from screening.traffic.payout_lines import FrameFile, InStep, PayoutLines, frames_of, numbered, write_frames
from screening.workspace import Workspace

COMMAND = "payout"
ACTOR = "winnow payout gate"
_REPORTS = "reports"
_ANSWERS = "payouts"
_COMPRESSED = (".gz", ".zst", ".zstd", ".zip", ".bz2", ".xz")
_ID_LETTERS = 24
"""Letters of a batch's digest in its run_id: 96 bits, so that two batches never share one."""
_ATTEMPTS = 5
"""How often a batch is decided anew because releases, verdicts or scans came in between."""


@dataclass(frozen=True, slots=True)
class Gated:
    """What the gate said about a batch.

    `repeated`: this batch was gated before, and this is the answer it got then. `reasons` counts lines by code.
    `unreadable` names the first `UNREADABLE_NAMED` of the lines that cannot be read.
    """

    run_id: str
    batch_id: str
    lines: int
    totals: tuple[Total, ...]
    reasons: Mapping[str, int]
    unreadable: tuple[UnreadableLine, ...]
    repeated: bool
    out: Path

    @property
    def incomplete(self) -> bool:
        """Something was held for lack of evidence."""
        return bool(LACKING & set(self.reasons))


def gate_payout(
    workspace: Workspace, path: Path, out: Path, mapping: Mapping[str, str], now: datetime, progress: Progress
) -> Gated:
    """Gate a payout file: pay, hold or reject each of its lines, and record what is released.

    `mapping` names source columns by canonical one. Raises InputError when the file cannot be used or `out` cannot be
    written, IntegrityError when the kept answer of a batch is not what was recorded; then nothing is released.
    """
    _refuse_out(path, out)
    settings = workspace.settings.ingest
    rules = rules_of(settings, now=now, zone=settings.timezone, time_formats=())
    size = path.stat().st_size if path.is_file() else None
    with FrameFile(workspace.folder(_REPORTS)) as read:
        lines = read_payout(path, mapping, settings, rules, read, lambda done: progress.step("read", done, size))
        with open_store(workspace.store_url) as store, new_file(out) as draft:
            batch = _Batch(workspace, store, lines, now, progress)
            for _ in range(_ATTEMPTS):
                before = evidence_state(store)
                kept = batch.kept_answer()
                answer = kept or batch.decide()
                try:
                    progress.step("write", 0, lines.count)
                    write_payout(lines, batch.columns_of(answer), draft, settings)
                    summary = summarise(lines, answer.frames())
                    if kept is not None or batch.record(answer, summary, before):
                        return batch.account(summary, out, repeated=kept is not None)
                finally:
                    batch.discard_unrecorded(answer)
    raise BusyError(
        "Other batches, people or scans keep changing the same conversions.", remedy="Try again.", where=str(path)
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer to a batch as it is kept: a Parquet file, its SHA-256, and the scans that it rests on."""

    path: Path
    digest: str
    scans: tuple[str, ...] = ()

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield `decision`, `reasons` and `currency` in the order of the lines."""
        return frames_of(self.path)


@dataclass(frozen=True, slots=True)
class _Batch:
    workspace: Workspace
    store: Store
    lines: PayoutLines
    now: datetime
    progress: Progress

    @property
    def batch_id(self) -> str:
        """SHA-256 of the content and of the columns that were read from it."""
        columns = json.dumps(asdict(self.lines.columns), sort_keys=True)
        return hashlib.sha256(f"{self.lines.digest}\n{columns}".encode()).hexdigest()

    @property
    def run_id(self) -> str:
        return f"{COMMAND}-{self.batch_id[:_ID_LETTERS]}"

    def columns_of(self, answer: _Answer) -> Iterator[pl.DataFrame]:
        """Yield the columns that the answer adds to the file."""
        return (frame.with_columns(run_id=pl.lit(self.run_id)) for frame in answer.frames())

    def kept_answer(self) -> _Answer | None:
        """Return the answer that this batch got before, None when it is new."""
        run = self._recorded()
        if run is None:
            return None
        kept, digest = next((name, sha) for name, sha in run.inputs.items() if name.startswith(f"{_REPORTS}/"))
        path = self.workspace.root / kept
        if not path.is_file() or file_digest(path) != digest:
            raise IntegrityError(
                f"This batch was gated on {run.finished_at:%Y-%m-%d}, and the answer kept of it is gone or changed.",
                remedy="Restore it from a backup; `winnow export audit` says what was released.",
                where=str(path),
            )
        return _Answer(path, digest)

    def decide(self) -> _Answer:
        """Decide all lines and keep the answer."""
        settings = self.workspace.settings.payout
        times = times_that_count(self.now, settings.scan_age_days_max, settings.clock_difference_minutes_max)
        judge = Judge(self.store, Lake(self.workspace.lake), self.lines, times, self.progress)
        with FrameFile(self.workspace.folder(_REPORTS)) as judged:
            answers, scans = judge.decide(judged)
            return replace(self._keep(answers), scans=scans)

    def record(self, answer: _Answer, summary: Summary, before: EvidenceState) -> bool:
        """Record the run, its releases and their audit event, all or nothing.

        Returns False, and records nothing, when another batch released one of these conversions first, or when a
        verdict or a scan came in after `before`, the state of the evidence that the answer rests on.
        """
        inputs = {str(self.lines.path.absolute()): self.lines.digest, self._inside(answer.path): answer.digest}
        try:
            with self.store.together() as records:
                records.audit.lock()
                refuse_changed(records, before)
                records.record_run(self._run(summary, inputs))
                records.ledger.release(self._releases(answer))
                records.audit.append(self._event(summary, answer.scans))
        except (ReleasedBeforeError, EvidenceChangedError):
            return False
        except InputError:
            if self._recorded() is None:
                raise
            return False
        return True

    def discard_unrecorded(self, answer: _Answer) -> None:
        """Remove an answer that no record names. It stays where the database cannot say so."""
        with suppress(UnavailableError):
            run = self._recorded()
            if run is None or self._inside(answer.path) not in run.inputs:
                answer.path.unlink(missing_ok=True)

    def account(self, summary: Summary, out: Path, *, repeated: bool) -> Gated:
        """Return what to say about the batch."""
        return Gated(
            run_id=self.run_id,
            batch_id=self.batch_id,
            lines=self.lines.count,
            totals=summary.totals,
            reasons=summary.reasons,
            unreadable=summary.unreadable,
            repeated=repeated,
            out=out,
        )

    def _releases(self, answer: _Answer) -> Iterator[pl.DataFrame]:
        answers = InStep(answer.frames())
        facts = {"released_at": self.now, "run_id": self.run_id, "batch_id": self.batch_id}
        for at, rows in numbered(self.lines.slices()):
            self.progress.step("release", at, self.lines.count)
            decided = answers.take(rows.height).select("currency", "decision")
            lines = rows.select("conversion_id", "amount").hstack(decided).filter(pl.col("decision") == "pay")
            releases = lines.with_columns(pl.lit(value).alias(name) for name, value in facts.items())
            yield releases.select(RELEASES.names()).cast(RELEASES)

    def _keep(self, answers: Iterator[pl.DataFrame]) -> _Answer:
        """Write the answer to the workspace, under a name that no other process uses: either may be discarded."""
        folder = self.workspace.folder(_REPORTS) / _ANSWERS
        folder.mkdir(exist_ok=True)
        kept = folder / f"{self.run_id}-{uuid.uuid4().hex}.parquet"
        try:
            write_frames(kept, answers)
            for place in (folder, folder.parent):
                flush(place)
            return _Answer(kept, file_digest(kept))
        except BaseException:
            kept.unlink(missing_ok=True)
            raise

    def _inside(self, path: Path) -> str:
        return path.relative_to(self.workspace.root).as_posix()

    def _recorded(self) -> RunRecord | None:
        return next((run for run in self.store.runs(COMMAND) if run.run_id == self.run_id), None)

    def _run(self, summary: Summary, inputs: Mapping[str, str]) -> RunRecord:
        counts = {word: sum(total.lines for total in summary.totals if total.decision == word) for word in WORDS}
        return RunRecord(
            run_id=self.run_id,
            command=COMMAND,
            status="complete",
            started_at=self.now,
            finished_at=datetime.now(UTC),
            period_from=None,
            period_to=None,
            lake_version=None,
            inputs=inputs,
            settings=without_passwords(self.workspace.settings.model_dump(mode="json")),
            versions={"winnow": version("winnow")},
            seed=0,
            counts={"lines": self.lines.count, **counts},
        )

    def _event(self, summary: Summary, scans: tuple[str, ...]) -> AuditEvent:
        said = [{**asdict(total), "amount": str(total.amount)} for total in summary.totals]
        details = {
            "batch_id": self.batch_id,
            "file": str(self.lines.path.absolute()),
            "scans": list(scans),
            "totals": said,
        }
        return AuditEvent(self.now, ACTOR, "release", f"run {self.run_id}", details)


def _refuse_out(path: Path, out: Path) -> None:
    if path.is_dir():
        raise InputError("This is a folder.", remedy="Name a payout file in it.", where=str(path))
    if out.exists() and path.exists() and out.samefile(path):
        raise InputError("The out-file is the file itself.", remedy="Name another --out.", where=str(out))
    if out.suffix.lower() in _COMPRESSED:
        raise InputError(
            "The out-file is not compressed.", remedy=f"Let --out end without {out.suffix}.", where=str(out)
        )
    ends = out.suffix.lower() == ".parquet"
    if path.is_file() and ends != _is_parquet(path):
        form = "CSV" if ends else "Parquet"
        raise InputError(
            f"The file is {form}, and the out-file would not be.",
            remedy=f"The same lines come out in the same form: let --out end with {'.csv' if ends else '.parquet'}.",
            where=str(out),
        )


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError as error:
        raise InputError(
            f"The file cannot be read: {error.strerror}.", remedy="Check name and rights.", where=str(path)
        ) from error
