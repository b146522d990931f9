"""What the payout gate is told about conversions, whether they come in a file or in a call."""

from __future__ import annotations

import polars as pl

from screening.gate.verdicts import with_verdicts
from screening.store import Store

_WANTED = ("affiliate_id", "payout", "currency", "decision", "reasons")
"""Of a judgement; reading all of it takes twice as long."""


def judged_lines(store: Store, ids: pl.Series) -> pl.DataFrame:
    """Return, for each of the ids in its order, the columns of `screening.gate.payout.JUDGED`, and `judged_by`.

    `ids` is named `conversion_id` and may hold nulls and repetitions. `judged_by` is the scan's run_id; null, as all
    else but `paid`, for a conversion that nobody judged.
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
    newest = with_verdicts(newest.join(given, on="conversion_id", how="left"))
    paid = store.ledger.released(asked).select("conversion_id", paid=pl.lit(value=True))
    joined = ids.to_frame().join(newest, on="conversion_id", how="left", maintain_order="left")
    joined = joined.join(paid, on="conversion_id", how="left", maintain_order="left")
    return joined.drop("conversion_id").with_columns(pl.col("paid").fill_null(value=False))
