"""What the payout gate is told about conversions, whether they come in a file or in a call."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from screening.gate.verdicts import with_verdicts
from screening.store import Records, Store

BESIDE = ("judged_by", "cleared_at")
"""Beside a judgement: the run_id of its scan, and when a person released the conversion as clean (null: nobody did)."""
_WANTED = ("affiliate_id", "payout", "currency", "decision", "reasons")
"""Of a judgement; reading all of it takes twice as long."""


@dataclass(frozen=True, slots=True)
class EvidenceState:
    """How far the evidence of the gate was: the last verdict that a person gave, and the complete scans."""

    verdict: int
    scans: tuple[int, int]


class EvidenceChangedError(Exception):
    """A person decided, or a scan judged, between the gate's look-ups and its record."""


def evidence_state(records: Records) -> EvidenceState:
    """Return how far the evidence is. Read it before `judged_lines`, so that nothing newer goes unnoticed."""
    return EvidenceState(records.verdicts.last(), records.scans_state())


def refuse_changed(records: Records, before: EvidenceState) -> None:
    """Raise EvidenceChangedError when the evidence is no longer as it was. Call it with the audit trail locked."""
    if evidence_state(records) != before:
        raise EvidenceChangedError


def judged_lines(store: Store, ids: pl.Series) -> pl.DataFrame:
    """Return, for each of the ids in its order, the columns of `screening.gate.payout.JUDGED` and of `BESIDE`.

    `ids` is named `conversion_id` and may hold nulls and repetitions. All but `paid` is null for a conversion that
    nobody judged or released.
    """
    asked = ids.drop_nulls().unique()
    newest = store.decisions_of(asked, _WANTED).select(
        "conversion_id",
        judged_decision="decision",
        judged_payout="payout",
        judged_currency="currency",
        judged_affiliate="affiliate_id",
        judged_at="judged_at",
        judged_reasons="reasons",
        judged_by="run_id",
    )
    given = store.verdicts.of(asked).select("conversion_id", "verdict", "overruled", verdict_at="at")
    cleared = given.filter(verdict="clean").select("conversion_id", cleared_at="verdict_at")
    newest = with_verdicts(newest.join(given, on="conversion_id", how="left"))
    paid = store.ledger.released(asked).select("conversion_id", paid=pl.lit(value=True))
    joined = ids.to_frame().join(newest, on="conversion_id", how="left", maintain_order="left")
    for more in (paid, cleared):
        joined = joined.join(more, on="conversion_id", how="left", maintain_order="left")
    return joined.drop("conversion_id").with_columns(pl.col("paid").fill_null(value=False))
