"""The job `export`: what runs judged, the runs themselves and the audit trail, as files for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import polars as pl
import polars.selectors as cs

from screening.errors import InputError
from screening.jobs.outfile import new_file
from screening.jobs.progress import Progress, silent_progress
from screening.jobs.scorecards import chosen_span, scorecards
from screening.store import LATEST, Store, open_store
from screening.store.tables import SUBJECT_KINDS
from screening.traffic.parquet_file import put_parquet
from screening.workspace import Workspace

INSTANT = pl.Datetime("us", "UTC")
_CSV_INSTANT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_BETWEEN_ITEMS = ";"
_FORMULA = r"^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]"
"""How a text begins that a spreadsheet may run (OWASP, CSV Injection); the signs count in their full width too."""
_NUMBER = r"^[+-]?\d+(?:\.\d+)?$"
"""Text that is a number runs nothing, and a phone number or `-1` should stay what it is."""


class What(StrEnum):
    """What can be exported."""

    DECISIONS = "decisions"
    SOURCES = "sources"
    CAPS = "caps"
    SCREENINGS = "screenings"
    SCORECARDS = "scorecards"
    AUDIT = "audit"
    RUNS = "runs"
    REVIEWS = "reviews"


COLUMNS: Mapping[What, tuple[str, ...]] = {
    What.DECISIONS: (
        *("conversion_id", "affiliate_id", "offer_id", "sub_id", "ts", "payout", "currency", "decision", "score"),
        *("p_value", "reasons", "missing", "run_id"),
    ),
    What.SOURCES: (
        *("affiliate_id", "offer_id", "sub_id", "from", "to", "clicks", "conversions", "payout", "score", "p_value"),
        *("flagged", "bad_share", "bad_share_low", "bad_share_high", "reasons", "run_id"),
    ),
    What.CAPS: (
        *("affiliate_id", "offer_id", "cap_type", "current", "recommended", "action", "expected_saving"),
        *("saving_low", "saving_high", "expires_at", "reasons", "status", "run_id"),
    ),
    What.SCREENINGS: ("application_id", "decision", "score", "reasons", "missing", "evidence", "run_id"),
}
"""The columns of a run's tables, in the order that other programs rely on."""

_AUDIT: Mapping[str, pl.DataType] = {
    "number": pl.Int64(),
    "at": INSTANT,
    "actor": pl.String(),
    "action": pl.String(),
    "subject": pl.String(),
    "details": pl.String(),
}
_REVIEWS: Mapping[str, pl.DataType] = {
    "kind": pl.String(),
    "subject": pl.String(),
    "decision": pl.String(),
    "decided_by": pl.String(),
    "decided_at": INSTANT,
}
_RUNS: Mapping[str, pl.DataType] = {
    "run_id": pl.String(),
    "command": pl.String(),
    "status": pl.String(),
    "started_at": INSTANT,
    "finished_at": INSTANT,
    "period_from": pl.Date(),
    "period_to": pl.Date(),
    "lake_version": pl.Int64(),
    "counts": pl.String(),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `run_id` is None where the rows are not those of one run."""

    what: What
    rows: int
    run_id: str | None
    out: Path


def export(
    workspace: Workspace,
    what: What,
    out: Path,
    run: str,
    month: str | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write the rows of a run (an id, or `latest`: the newest that has such rows), or a whole trail, to `out`.

    Scorecards are of a `month`, such as `2026-11`; None: the last whole one. The suffix of `out` is .parquet or .csv.
    In CSV, lists are joined by `;`, and a text that a spreadsheet would run gets a `'` in front. Raises InputError for
    another suffix, without such a run or month, and for what nothing has recorded.
    """
    write = _writer(out)
    if month is not None and what != What.SCORECARDS:
        raise InputError(f"The {what} are not those of one month.", remedy="Leave out --month.", where="--month")
    if what == What.SCORECARDS:
        frame, run_id = _scorecards(workspace, run, month, progress or silent_progress()), None
    else:
        with open_store(workspace.store_url) as store:
            frame, run_id = _rows(store, what, run)
    with new_file(out) as draft:
        write(frame, draft)
    return Exported(what, frame.height, run_id, out)


def _rows(store: Store, what: What, run: str) -> tuple[pl.DataFrame, str | None]:
    if what in COLUMNS:
        command = "screen" if what == What.SCREENINGS else "scan"
        judged = store.run(run, command)
        if judged.command != command:
            raise InputError(
                f"The run {judged.run_id} is a {judged.command} and has no {what}.",
                remedy=f"Give the run_id of a {command}; `winnow export runs` lists them.",
                where="--run",
            )
        run_id = judged.run_id
        read = {
            What.DECISIONS: store.decisions,
            What.SOURCES: store.sources,
            What.CAPS: store.caps,
            What.SCREENINGS: store.screenings,
        }[what]
        return read(run_id).select(COLUMNS[what]), run_id
    if run != LATEST:
        raise InputError(f"The {what} are not those of one run.", remedy="Leave out --run.", where="--run")
    if what == What.AUDIT:
        return _audit(store), None
    if what == What.REVIEWS:
        return _reviews(store), None
    return _runs(store), None


def _reviews(store: Store) -> pl.DataFrame:
    """Return the decisions of people that stand: about applications, affiliates, sources and conversions."""
    rows = [
        (kind, subject, said.decision, said.author, said.at)
        for kind in SUBJECT_KINDS
        for subject, said in store.cases.standing(kind).items()
    ]
    return pl.DataFrame(rows, schema=dict(_REVIEWS), orient="row")


def _scorecards(workspace: Workspace, run: str, month: str | None, progress: Progress) -> pl.DataFrame:
    if run != LATEST:
        raise InputError("Scorecards are not those of one run.", remedy="Leave out --run; give --month.", where="--run")
    return scorecards(workspace, chosen_span(workspace, month, (None, None)), progress).rows


def _audit(store: Store) -> pl.DataFrame:
    events = [
        (number, event.at, event.actor, event.action, event.subject, json.dumps(dict(event.details), sort_keys=True))
        for number, event in store.audit.events()
    ]
    return pl.DataFrame(events, schema=dict(_AUDIT), orient="row")


def _runs(store: Store) -> pl.DataFrame:
    runs = [
        {**{name: getattr(run, name) for name in _RUNS}, "counts": json.dumps(dict(run.counts), sort_keys=True)}
        for run in store.runs()
    ]
    return pl.DataFrame(runs, schema=dict(_RUNS))


def _writer(out: Path) -> Callable[[pl.DataFrame, Path], None]:
    suffix = out.suffix.lower()
    if suffix == ".parquet":
        return put_parquet
    if suffix == ".csv":
        return lambda frame, draft: for_csv(frame).write_csv(draft, datetime_format=_CSV_INSTANT)
    raise InputError(
        f"The suffix {suffix!r} is not known.", remedy="Let --out end with .csv or .parquet.", where=str(out)
    )


def for_csv(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with lists joined by `;` and with no text that a spreadsheet would run."""
    joined = frame.with_columns(cs.list().list.join(_BETWEEN_ITEMS))
    return joined.with_columns(_harmless(name) for name in joined.select(cs.string()).columns)


def _harmless(name: str) -> pl.Expr:
    text = pl.col(name)
    runs = text.str.contains(_FORMULA) & ~text.str.contains(_NUMBER)
    return pl.when(runs).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(name)
