"""What a person decided about a conversion, put before what the newest scan said of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from models.reasons import RULES

VERDICTS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "verdict": pl.String(),
        "verdict_at": pl.Datetime("us", "UTC"),
        "overruled": pl.List(pl.String),
    }
)
"""Beside each judgement: the newest verdict of a person (`clean`, `fraud`, `hold`; anything else: none).

`overruled` are the reasons that the person saw and set aside.
"""

_FACTS = tuple(code.code for code in RULES)
_NO_WORDS = pl.lit([], pl.List(pl.String))


def with_verdicts(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the judgements with people's verdicts applied, and without the columns of `VERDICTS`.

    `judged` has the columns of `screening.gate.payout.JUDGED` and `VERDICTS`. `clean` pays what is held or rejected,
    but not once a rule has found a fact about this conversion that the person had not seen. `fraud` rejects and `hold`
    never pays. A verdict counts as a judgement of its day. Without a judgement by a scan there is nothing to decide.
    """
    known = pl.col("judged_decision").is_not_null()
    reasons = pl.col("judged_reasons").fill_null(_NO_WORDS)
    facts = reasons.list.set_intersection(pl.lit(_FACTS, pl.List(pl.String)))
    unseen = facts.list.set_difference(pl.col("overruled").fill_null(_NO_WORDS))
    clean = known & pl.col("verdict").eq_missing("clean") & (unseen.list.len() == 0)
    fraud = known & pl.col("verdict").eq_missing("fraud")
    hold = known & pl.col("verdict").eq_missing("hold")
    decision = pl.when(clean).then(pl.lit("pay")).when(fraud).then(pl.lit("reject"))
    decision = decision.when(hold & pl.col("judged_decision").ne_missing("reject")).then(pl.lit("hold"))
    said = pl.when(clean).then(_NO_WORDS).when(fraud).then(_before("review_fraud", reasons))
    decided_at = pl.when(clean | fraud | hold).then(pl.max_horizontal("judged_at", "verdict_at")).otherwise("judged_at")
    return judged.with_columns(
        judged_decision=decision.otherwise("judged_decision"),
        judged_reasons=said.when(hold).then(_before("review_hold", reasons)).otherwise("judged_reasons"),
        judged_at=decided_at,
    ).drop(*VERDICTS)


def _before(code: str, reasons: pl.Expr) -> pl.Expr:
    return pl.concat_list(pl.lit([code], pl.List(pl.String)), reasons)
