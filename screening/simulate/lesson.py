"""How judges did on a simulated programme, where it is known what was fraud. Always money, per currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

STOPPED = ("hold", "reject")


@dataclass(frozen=True, slots=True)
class Money:
    """What became of the payout of one currency. fraud: simulated fraud; stopped: held or rejected."""

    currency: str
    fraud: Decimal
    fraud_stopped: Decimal
    clean: Decimal
    clean_stopped: Decimal

    @property
    def found(self) -> float | None:
        """Share of the simulated fraudulent payout that was stopped; None when there was none."""
        return float(self.fraud_stopped / self.fraud) if self.fraud else None

    @property
    def mistaken(self) -> float | None:
        """Share of the clean payout that was stopped by mistake; None when there was none."""
        return float(self.clean_stopped / self.clean) if self.clean else None


@dataclass(frozen=True, slots=True)
class Lesson:
    """How it went: by currency, the largest first; and per kind of simulated fraud the share of its payout stopped."""

    money: tuple[Money, ...]
    kinds: dict[str, float]


def learn(truth: pl.DataFrame, decisions: pl.DataFrame) -> Lesson:
    """Compare decisions (conversion_id, payout, currency, decision) with the truth (columns TRUTH).

    Conversions that have no decision count as not stopped. A kind's share adds currencies as they are, which is near
    enough for the dollars, euros and pounds that are simulated.
    """
    judged = truth.join(decisions.select("conversion_id", "payout", "currency", "decision"), on="conversion_id")
    stopped = pl.col("decision").is_in(STOPPED)
    amount = pl.col("payout")
    sums = judged.group_by("currency").agg(
        fraud=amount.filter("is_fraud").sum(),
        fraud_stopped=amount.filter(pl.col("is_fraud") & stopped).sum(),
        clean=amount.filter(~pl.col("is_fraud")).sum(),
        clean_stopped=amount.filter(~pl.col("is_fraud") & stopped).sum(),
    )
    money = [Money(**row) for row in sums.iter_rows(named=True)]
    kinds = (
        judged.filter("is_fraud")
        .group_by("kind")
        .agg(share=amount.filter(stopped).sum().cast(pl.Float64) / amount.sum().cast(pl.Float64))
        .sort("kind")
    )
    largest_first = sorted(money, key=lambda item: item.fraud + item.clean, reverse=True)
    return Lesson(tuple(largest_first), dict(kinds.iter_rows()))
