"""The job `payout`: gate a payout file, write down what it releases, and hand the same lines back with decisions.

The same batch, known by its content, is decided once. Its answer is kept, so that a second run, after a crash or by
mistake, says the same and releases nothing again. The order is: keep the answer, write the draft of the out-file,
record run, releases and audit event in one transaction, put the draft in its place. Killed in between, the next run
either finds nothing recorded and decides afresh, or finds the batch recorded and hands out its answer.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import polars as pl

from features.schema import Kind
from screening.errors import BusyError, InputError, IntegrityError
from screening.gate.payout import LACKING, Total, add_up, decide_lines, earliest_judgement, name_unknown
from screening.jobs.outfile import new_file
from screening.jobs.payout_evidence import judged_lines
from screening.jobs.progress import Progress
from screening.settings import without_passwords
from screening.store import RELEASES, AuditEvent, Records, RunRecord, Store, open_store
from screening.traffic.intake.batch import LINE
from screening.traffic.intake.faults import MEANINGS, Fault
from screening.traffic.intake.rules import rules_of
from screening.traffic.lake import Lake
from screening.traffic.payout_file import FIELD, PayoutLines, read_payout, write_payout
from screening.workspace import Workspace

COMMAND = "payout"
ACTOR = "winnow payout gate"
_REPORTS = "reports"
_ANSWERS = "payouts"
_ROWS_AT_A_TIME = 100_000
"""Lines judged at a time, so that memory stays bounded by the few columns that are kept of each line."""
_ID_LETTERS = 24
"""Letters of a batch's digest in its run_id: 96 bits, so that two batches never share one."""
_ATTEMPTS = 5
"""How often a batch is decided anew because another one released some of its conversions at the same moment."""


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that was held because it cannot be read: its number, the column at fault, and what to do."""

    line: int
    field: str
    fault: str
    explanation: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Gated:
    """What the gate said about a batch.

    `repeated`: this batch was gated before, and this is the answer it got then. `reasons` counts lines by code.
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
    lines = read_payout(path, mapping, settings, rules, lambda done: progress.step("read", done, size))
    with open_store(workspace.store_url) as store, new_file(out) as draft:
        batch = _Batch(workspace, store, lines, now, progress)
        for _ in range(_ATTEMPTS):
            verdict = store.verdicts.last()
            kept = batch.kept_answer()
            answers, scans = (kept, ()) if kept is not None else batch.decide()
            progress.step("write", 0, lines.rows.height)
            write_payout(lines, answers.with_columns(run_id=pl.lit(batch.run_id)), draft, settings)
            if kept is not None or batch.record(answers, scans, verdict):
                return batch.account(answers, out, repeated=kept is not None)
    raise BusyError("Other batches keep releasing the same conversions.", remedy="Try again.", where=str(path))


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

    def kept_answer(self) -> pl.DataFrame | None:
        """Return the answer that this batch got before, None when it is new."""
        run = self._recorded()
        if run is None:
            return None
        kept, digest = next((name, sha) for name, sha in run.inputs.items() if name.startswith(f"{_REPORTS}/"))
        path = self.workspace.root / kept
        if not path.is_file() or _digest(path) != digest:
            raise IntegrityError(
                f"This batch was gated on {run.finished_at:%Y-%m-%d}, and the answer kept of it is gone or changed.",
                remedy="Restore it from a backup; `winnow export audit` says what was released.",
                where=str(path),
            )
        return pl.read_parquet(path)

    def decide(self) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """Decide all lines; return the answers and the scans they rest on."""
        oldest = earliest_judgement(self.now, self.workspace.settings.payout.scan_age_days_max)
        scans: set[str] = set()
        answers = []
        for rows in self._slices():
            judged = judged_lines(self.store, rows["conversion_id"])
            scans |= set(judged["judged_by"].drop_nulls())
            answers.append(decide_lines(rows.hstack(judged.drop("judged_by")), oldest))
        answer = self._with_unknown(pl.concat(answers))
        self._refuse_mixed(answer)
        return answer, tuple(sorted(scans))

    def record(self, answers: pl.DataFrame, scans: tuple[str, ...], verdict: int) -> bool:
        """Record the run, its releases and their audit event, all or nothing.

        Returns False, and records nothing, when another batch released one of these conversions first, or when a person
        gave another verdict than the last one (`verdict`) before the decision.
        """
        kept, digest = self._keep(answers)
        pays = answers["decision"] == "pay"
        releases = self.lines.rows.select("conversion_id", "amount").hstack(answers.select("currency", "decision"))
        frame = releases.filter(pays).with_columns(
            released_at=pl.lit(self.now), run_id=pl.lit(self.run_id), batch_id=pl.lit(self.batch_id)
        )
        inputs = {str(self.lines.path.absolute()): self.lines.digest, kept: digest}
        try:
            with self.store.together() as records:
                records.audit.lock()
                _refuse_later(records, verdict)
                records.record_run(self._run(answers, inputs))
                self._release(records, frame.select(RELEASES.names()).cast(RELEASES))
                records.audit.append(self._event(answers, scans))
        except (_ReleasedElsewhereError, _DecidedElsewhereError):
            return False
        except InputError:
            if self._recorded() is None:
                raise
            return False
        return True

    def account(self, answers: pl.DataFrame, out: Path, *, repeated: bool) -> Gated:
        """Return what to say about the batch."""
        counted = answers.explode("reasons", empty_as_null=False)["reasons"].drop_nulls().value_counts(sort=True)
        return Gated(
            run_id=self.run_id,
            batch_id=self.batch_id,
            lines=answers.height,
            totals=add_up(self.lines.rows["amount"], answers),
            reasons=dict(counted.iter_rows()),
            unreadable=tuple(_unreadable(self.lines.rows)),
            repeated=repeated,
            out=out,
        )

    def _release(self, records: Records, releases: pl.DataFrame) -> None:
        for some in releases.iter_slices(_ROWS_AT_A_TIME):
            released = records.ledger.release(some)
            if (released["batch_id"] != self.batch_id).any():
                raise _ReleasedElsewhereError

    def _slices(self) -> Iterator[pl.DataFrame]:
        rows = self.lines.rows
        for at in range(0, rows.height, _ROWS_AT_A_TIME):
            self.progress.step("judge", at, rows.height)
            yield rows.slice(at, _ROWS_AT_A_TIME)

    def _with_unknown(self, answers: pl.DataFrame) -> pl.DataFrame:
        """Tell the conversions that nobody reported from those that no scan has judged yet."""
        unjudged = answers["reasons"].list.contains("not_judged") & self.lines.rows["conversion_id"].is_not_null()
        ids = self.lines.rows.filter(unjudged).select("conversion_id").unique()
        if ids.is_empty():
            return answers
        conversions = Lake(self.workspace.lake).snapshot().frame(Kind.CONVERSIONS).select("conversion_id")
        known = conversions.join(ids.lazy(), on="conversion_id", how="semi").collect(engine="streaming")
        unknown = unjudged & ~self.lines.rows["conversion_id"].is_in(known["conversion_id"].implode())
        return name_unknown(answers, unknown)

    def _refuse_mixed(self, answers: pl.DataFrame) -> None:
        currencies = answers["currency"].drop_nulls().unique().sort().to_list()
        if self.lines.columns.currency is None and len(currencies) > 1:
            raise InputError(
                f"The file names no currency, and its conversions were judged in {', '.join(currencies)}.",
                remedy="Add a column `currency`, or name it with --map currency=COLUMN.",
                where=str(self.lines.path),
            )

    def _keep(self, answers: pl.DataFrame) -> tuple[str, str]:
        """Write the answer to the workspace, named by its content; return its path in it and its SHA-256."""
        folder = self.workspace.folder(_REPORTS) / _ANSWERS
        folder.mkdir(exist_ok=True)
        draft = folder / f"{self.run_id}.{os.getpid()}.draft"
        answers.write_parquet(draft)
        digest = _digest(draft)
        kept = folder / f"{self.run_id}-{digest[:_ID_LETTERS]}.parquet"
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(kept)
        return kept.relative_to(self.workspace.root).as_posix(), digest

    def _recorded(self) -> RunRecord | None:
        return next((run for run in self.store.runs(COMMAND) if run.run_id == self.run_id), None)

    def _run(self, answers: pl.DataFrame, inputs: Mapping[str, str]) -> RunRecord:
        counts = {str(word): int(count) for word, count in answers["decision"].value_counts().iter_rows()}
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
            counts={"lines": answers.height, **{word: counts.get(word, 0) for word in ("pay", "hold", "reject")}},
        )

    def _event(self, answers: pl.DataFrame, scans: tuple[str, ...]) -> AuditEvent:
        totals = add_up(self.lines.rows["amount"], answers)
        said = [{**asdict(total), "amount": str(total.amount)} for total in totals]
        details = {
            "batch_id": self.batch_id,
            "file": str(self.lines.path.absolute()),
            "scans": list(scans),
            "totals": said,
        }
        return AuditEvent(self.now, ACTOR, "release", f"run {self.run_id}", details)


def _refuse_later(records: Records, verdict: int) -> None:
    if records.verdicts.last() != verdict:
        raise _DecidedElsewhereError


class _ReleasedElsewhereError(Exception):
    """Another batch released a conversion between the decision and its record."""


class _DecidedElsewhereError(Exception):
    """A person decided about conversions between the decision and its record."""


def _refuse_out(path: Path, out: Path) -> None:
    if out.exists() and path.exists() and out.samefile(path):
        raise InputError("The out-file is the file itself.", remedy="Name another --out.", where=str(out))
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


def _unreadable(rows: pl.DataFrame) -> Iterator[UnreadableLine]:
    faulty = rows.filter(pl.col("fault").is_not_null()).select(LINE, FIELD, "fault")
    for line, field, fault in faulty.iter_rows():
        meaning = MEANINGS[Fault(fault)]
        yield UnreadableLine(line, field, fault, meaning.explanation, meaning.remedy)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
