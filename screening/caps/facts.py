"""The facts that recommendations are made from, as frames, and what they say of one offer or one partner on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from models.stats import fit_beta_prior, shrunk_share
from screening.caps.evidence import BadShare, Floats, Worth
from screening.caps.limits import Measure, Span, begins
from screening.caps.policy import CapPolicy

Pair = tuple[str, str | None]
"""Offer and affiliate; None: the whole offer."""
_OFFER, _PAIR = ["offer_id"], ["offer_id", "affiliate_id"]
_MEASURES = [str(measure) for measure in Measure]
UNKNOWN_SHARE_MAX = 0.5
"""Share of a pair's payout in sources that could not be judged, above which the pair's bad share is unknown."""
_SOURCE_INTERVAL = 0.9
"""Level of the interval that the scan gives of a source's bad share."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was known at `as_of`.

    limits: canonical caps, the limits that hold. usage: offer_id, affiliate_id, day, and the four measures, of every
    day that a period of a cap needs, today included. sources: the scan's, of its newest window. money: of the days of
    the history by offer_id and affiliate_id `payout`, `early` (payout that locks before evidence usually comes),
    `mature` and `reversed` (conversions old enough to be reversed, and those that were), `currencies` (list, with null
    for none named). affiliates: canonical. decided: earlier recommendations that were decided, the store's columns.
    """

    as_of: datetime
    newest: datetime
    limits: pl.DataFrame
    usage: pl.DataFrame
    sources: pl.DataFrame
    money: pl.DataFrame
    affiliates: pl.DataFrame
    decided: pl.DataFrame
    evidence_days: float

    @property
    def today(self) -> date:
        """The day of the recommendation."""
        return self.as_of.date()


class Ledger:
    """Facts looked up by offer and affiliate."""

    def __init__(self, facts: Facts, policy: CapPolicy) -> None:
        self.facts = facts
        self._policy = policy
        self.days = [facts.today - timedelta(days=back) for back in range(policy.history_days, 0, -1)]

    def used(self, pair: Pair, span: Span, measure: Measure) -> Decimal:
        """Return what was counted so far in the present period."""
        rows = self._usage.get(pair)
        if rows is None:
            return Decimal(0)
        start = begins(span, self.facts.today)
        counted = rows if start is None else rows.filter(pl.col("day") >= start)
        total = counted[str(measure)].sum()
        return Decimal(total) if total is not None else Decimal(0)

    def history(self, pair: Pair, measure: Measure) -> tuple[list[date], Floats]:
        """Return the whole past days from the first on which anything came, and their amounts."""
        rows = self._usage.get(pair)
        if rows is None:
            return [], np.zeros(0)
        known = dict(rows.select("day", pl.col(str(measure)).cast(pl.Float64)).iter_rows())
        active = [day for day in self.days if day in known]
        days = [day for day in self.days if active and day >= active[0]]
        return days, np.array([known.get(day, 0.0) for day in days])

    def per_conversion(self, pair: Pair, measure: Measure) -> Decimal | None:
        """Return what one conversion comes to in the measure; from the offer where the pair had none; None: unknown."""
        for place in dict.fromkeys((pair, (pair[0], None))):
            sums = self._sums(place)
            if sums is not None and sums["conversions"] and sums[str(measure)]:
                return Decimal(str(sums[str(measure)])) / int(sums["conversions"])
        return None

    def worth(self, pair: Pair, measure: Measure) -> Worth:
        """Return what conversions are worth: payout and locks of the offer, reversals of the pair."""
        policy, row = self._policy, self._money.get(pair, {})
        offer = self._money.get((pair[0], None), {})
        paid = offer.get("payout") or 0.0
        # payout whose lock is unknown counts as lost: nothing says that it can be held back
        early = min(offer["early"] / paid, 1.0) if paid else 1.0
        reversed_share = row.get("reversed_share", offer.get("reversed_share", 0.0))
        currencies = row.get("currencies") or offer.get("currencies") or []
        return Worth(
            clean=policy.clean_worth * (1 - reversed_share),
            bad=policy.bad_cost + early + (1 - early) * policy.missed_share,
            early=early,
            evidence_days=self.facts.evidence_days,
            reversed=reversed_share,
            payout_per_unit=self._payout_per_unit(pair, measure),
            currency=currencies[0] if len(currencies) == 1 else None,
        )

    def mixed(self, pair: Pair) -> bool:
        """Whether conversions of the history are in several currencies, or some in one and some in none."""
        return len(self._money.get(pair, {}).get("currencies") or []) > 1

    def bad_share(self, offer_id: str, affiliates: Iterable[str]) -> BadShare | None:
        """Return the posterior bad share over the sources of these affiliates on the offer; None: too little known.

        Sources weigh by payout, or by conversions where currencies are mixed.
        """
        rows = [self._sources[pair] for affiliate in affiliates if (pair := (offer_id, affiliate)) in self._sources]
        if not rows:
            return None
        found = pl.concat(rows)
        by = "conversions" if self.mixed((offer_id, None)) else "payout"
        weight = found[by].cast(pl.Float64).to_numpy()
        mean = found["bad_share"].to_numpy()
        known = ~np.isnan(mean)
        if not weight[known].sum() > (1 - UNKNOWN_SHARE_MAX) * weight.sum():
            return None
        share = weight[known] / weight[known].sum()
        wide = (found["bad_share_high"] - found["bad_share_low"]).to_numpy()[known]
        spread = wide / (2 * float(stats.norm.ppf(0.5 + _SOURCE_INTERVAL / 2)))
        judged = int(found["conversions"].to_numpy()[known].sum())
        return BadShare.around(float(share @ mean[known]), float(np.linalg.norm(share * spread)), judged)

    def affiliates_of(self, offer_id: str) -> list[str]:
        """Return the affiliates whose sources on the offer were judged."""
        return [affiliate for offer, affiliate in self._sources if offer == offer_id and affiliate is not None]

    def pairs(self) -> list[tuple[str, str]]:
        """Return offer and affiliate of every judged source."""
        return [(offer, affiliate) for offer, affiliate in self._sources if affiliate is not None]

    def _payout_per_unit(self, pair: Pair, measure: Measure) -> float | None:
        if self.mixed(pair):
            return None
        if measure is Measure.PAYOUT:
            return 1.0
        for place in dict.fromkeys((pair, (pair[0], None))):
            sums = self._sums(place)
            if sums is not None and sums[str(measure)]:
                return float(sums["payout"]) / float(sums[str(measure)])
        return None

    def _sums(self, pair: Pair) -> Mapping[str, Any] | None:
        rows = self._usage.get(pair)
        if rows is None:
            return None
        past = rows.filter(pl.col("day").is_between(self.days[0], self.days[-1]))
        return past.select(pl.col(_MEASURES).sum()).row(0, named=True)

    @cached_property
    def _usage(self) -> dict[Pair, pl.DataFrame]:
        usage = self.facts.usage
        whole = usage.group_by("offer_id", "day").agg(pl.col(_MEASURES).sum()).sort("offer_id", "day")
        pairs: dict[Pair, pl.DataFrame] = {(key[0], key[1]): rows for key, rows in _parts(usage.sort("day"), _PAIR)}
        return pairs | {(key[0], None): rows for key, rows in _parts(whole, _OFFER)}

    @cached_property
    def _money(self) -> dict[Pair, dict[str, Any]]:
        money = self.facts.money
        every = pl.col("currencies").list.explode(keep_nulls=True, empty_as_null=False).unique().sort()
        whole = money.group_by("offer_id").agg(pl.col("payout", "early", "mature", "reversed").sum(), every)
        of_offer = whole.with_columns(affiliate_id=pl.lit(None, pl.String)).select(money.columns)
        both = pl.concat([money, of_offer])
        if both.is_empty():
            return {}
        prior = fit_beta_prior(money["reversed"].to_numpy(), money["mature"].to_numpy())
        share = shrunk_share(both["reversed"].to_numpy(), both["mature"].to_numpy(), prior)
        rows = both.with_columns(reversed_share=pl.Series(share)).iter_rows(named=True)
        return {(row["offer_id"], row["affiliate_id"]): row for row in rows}

    @cached_property
    def _sources(self) -> dict[Pair, pl.DataFrame]:
        sources = self.facts.sources.filter(pl.col("conversions") > 0)
        wanted = sources.select(*_PAIR, "conversions", "payout", "bad_share", "bad_share_low", "bad_share_high")
        return {(key[0], key[1]): rows for key, rows in _parts(wanted, _PAIR)}


def _parts(frame: pl.DataFrame, by: list[str]) -> Iterable[tuple[tuple[Any, ...], pl.DataFrame]]:
    return frame.partition_by(by, as_dict=True, maintain_order=True).items() if frame.height else ()
