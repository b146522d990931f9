"""The measured error rate: what people found in the sources that scans drew at random.

Only drawn sources count: people look at flagged ones anyway, but those say nothing about what was missed. Who is drawn
follows from the seed, the day and the source alone, so it is worked out again here for every scan; an answer is any
finding of a person about a drawn source after that scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from models.error_rate import Answers, ErrorRate, Population, error_rate
from models.metrics import Estimate, Resampling
from screening.jobs.queue import drawn_for_audit, source_subject
from screening.store import Records, RunRecord, open_store
from screening.store.runs import COMPLETE, SCAN
from screening.workspace import Workspace

_SOURCE = ("affiliate_id", "offer_id", "sub_id")
_DRAWN: dict[str, pl.DataType] = {
    "affiliate_id": pl.String(),
    "offer_id": pl.String(),
    "sub_id": pl.String(),
    "stopped": pl.Float64(),
    "paid": pl.Float64(),
    "chance": pl.Float64(),
    "from": pl.Date(),
    "to": pl.Date(),
    "at": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Quality:
    """The measured error rate of the scans since `since`.

    `drawn` sources were drawn for audit, `answered` of them have a person's finding. `overturned` of the
    `appeals_answered` were decided against winnow, releasing `released` by currency ("" where none is named).
    """

    since: datetime
    scans: int
    drawn: int
    answered: int
    level: float
    rate: ErrorRate
    appeals_answered: int
    overturned: int
    released: Mapping[str, Decimal]

    def sentences(self) -> tuple[str, ...]:
        """Say it in words, for people: what is measured, what is not yet and how many answers it takes."""
        rate = self.rate
        answers = f"{self.answered} of {self.drawn} sources drawn for audit in {self.scans} scans are answered."
        appeals = f"{self.overturned} of {self.appeals_answered} answered appeals were decided for the partner."
        return (
            answers,
            _sentence("Of the stopped payout", "is fraud", rate.precision, rate.stopped_needed, "stopped"),
            _recall_sentence(rate),
            appeals,
        )


def quality(workspace: Workspace, now: datetime) -> Quality:
    """Measure the error rate of the scans of the last `quality.days` days. The same records give the same figures."""
    settings = workspace.settings.quality
    since = now - timedelta(days=settings.days)
    with open_store(workspace.store_url) as store:
        runs = _newest_of_each_day([run for run in store.runs(SCAN) if since <= run.finished_at <= now])
        parts = [_of_run(store, run) for run in runs]
        labels = store.labels.all()
        appeals = [appeal.answer for appeal in store.appeals.all() if appeal.answer]
    answered = [answer for answer in appeals if since <= answer.answered_at <= now and answer.status != "withdrawn"]
    overturned = [answer for answer in answered if answer.status == "overturned"]
    released: dict[str, Decimal] = {}
    for answer in overturned:
        currency = answer.currency or ""
        released[currency] = released.get(currency, Decimal()) + (answer.amount_released or Decimal())
    drawn = pl.concat([pl.DataFrame(schema=_DRAWN), *(frame for frame, _ in parts)])
    found = _answered(drawn, labels, now)
    population = Population(sum(of.stopped for _, of in parts), sum(of.paid for _, of in parts))
    resampling = Resampling(settings.level, settings.draws, settings.seed)
    rate = error_rate(_answers(found), population, settings.answers_min, resampling)
    return Quality(
        since, len(runs), drawn.height, found.height, settings.level, rate, len(answered), len(overturned), released
    )


def _newest_of_each_day(runs: list[RunRecord]) -> list[RunRecord]:
    """Keep of the scans up to the same day the newest, so that a repeated scan does not count twice."""
    newest: dict[object, RunRecord] = {}
    for run in runs:
        if run.status == COMPLETE and run.period_to is not None:
            newest.setdefault(run.period_to, run)
    return list(newest.values())


def _of_run(records: Records, run: RunRecord) -> tuple[pl.DataFrame, Population]:
    """Return the sources that a scan drew (`_DRAWN`), and the payout of all that it could have drawn."""
    # of an older winnow too, so nothing else of its settings is read
    seed, share = int(run.settings["decisions"]["seed"]), float(run.settings["decisions"]["audit_share"])
    sources = records.sources(run.run_id)
    newest = sources.filter(pl.col("to") == pl.col("to").max()).select(*_SOURCE, "from", "to")
    money = records.decisions(run.run_id).select(
        *_SOURCE,
        day=pl.col("ts").dt.date(),
        payout=pl.col("payout").cast(pl.Float64),
        stopped=pl.col("decision") != "pay",
    )
    within = newest.join(money, on=_SOURCE, how="left", nulls_equal=True).filter(
        pl.col("day").is_null() | pl.col("day").is_between(pl.col("from"), pl.col("to"))
    )
    summed = within.group_by(*_SOURCE, "from", "to").agg(
        stopped=pl.col("payout").filter(pl.col("stopped")).sum(), paid=pl.col("payout").filter(~pl.col("stopped")).sum()
    )
    chosen = [
        drawn_for_audit(source_subject(row), run.period_to, seed, share)
        for row in summed.select(_SOURCE).iter_rows(named=True)
    ]
    drawn = summed.filter(pl.Series(chosen, dtype=pl.Boolean)).with_columns(
        chance=pl.lit(share), at=pl.lit(run.finished_at, dtype=pl.Datetime("us", "UTC"))
    )
    population = Population(float(summed["stopped"].sum()), float(summed["paid"].sum()))
    return drawn.select(pl.col(name).cast(kind) for name, kind in _DRAWN.items()), population


def _answered(drawn: pl.DataFrame, labels: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the drawn sources that have a finding about their days, given after their scan; the newest counts."""
    findings = labels.filter(pl.col("conversion_id").is_null() & (pl.col("at") <= now)).select(
        *_SOURCE, "label", "label_id", "period_from", "period_to", given=pl.col("at")
    )
    rows = drawn.with_row_index("row").join(findings, on=_SOURCE, how="inner", nulls_equal=True)
    rows = rows.filter(
        (pl.col("given") >= pl.col("at"))
        & (pl.col("period_from").is_null() | (pl.col("period_from") <= pl.col("to")))
        & (pl.col("period_to").is_null() | (pl.col("period_to") >= pl.col("from")))
    )
    return rows.sort("label_id").unique("row", keep="last", maintain_order=True)


def _answers(found: pl.DataFrame) -> Answers:
    return Answers(
        found["stopped"].to_numpy(),
        found["paid"].to_numpy(),
        np.asarray(found["label"].to_numpy() == "fraud", dtype=np.bool_),
        found["chance"].to_numpy(),
        found["affiliate_id"].to_numpy(),
    )


def _sentence(whose: str, what: str, found: Estimate | None, needed: int, kind: str) -> str:
    if found is None:
        return (
            f"{whose}, the share that {what} is not measured yet: {needed} more answers on sources with {kind} payout."
        )
    return f"{whose}, {found.value:.0%} {what} ({found.low:.0%} to {found.high:.0%})."


def _recall_sentence(rate: ErrorRate) -> str:
    if rate.recall is None:
        lacking = [
            f"{needed} more answers on sources with {kind} payout"
            for needed, kind in ((rate.stopped_needed, "stopped"), (rate.paid_needed, "paid"))
            if needed
        ]
        return (
            f"The share of fraud that is stopped is not measured yet: {' and '.join(lacking) or 'nothing was judged'}."
        )
    return _sentence("Of the payout of fraud", "is stopped", rate.recall, 0, "")
