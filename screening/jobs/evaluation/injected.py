"""Fraud injected into the programme's own traffic, kind by kind: what share of its payout would be held on scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.lookups import Lookups
from features.prepare import Traffic
from models.decide import matrix_verdicts
from models.injection import build_pools, inject
from models.injection.campaigns import PLACEBO
from models.metrics import Estimate, Resampling, shares
from models.presets import PRESETS, held_by
from models.taught import TaughtJudge, labelled_matrix
from screening.settings.decisions import DecisionSettings
from screening.settings.evaluation import EvaluationSettings

WINNOW = "winnow"


@dataclass(frozen=True, slots=True)
class InjectedKind:
    """Share of the payout of one kind of injected fraud that each method would hold. `campaigns` are by affiliate."""

    kind: str
    conversions: int
    campaigns: int
    held: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Injection:
    """What injected fraud shows: each kind, all kinds together, and honest oddities injected as placebos.

    `untouched` is what was left as it is, which may hold real fraud of its own.
    """

    kinds: tuple[InjectedKind, ...]
    together: InjectedKind | None
    placebos: InjectedKind | None
    untouched: InjectedKind | None


def injected_fraud(
    traffic: Traffic,
    on: tuple[Lookups, int],
    taught: TaughtJudge,
    settings: tuple[DecisionSettings, EvaluationSettings],
    done: Callable[[int], None],
) -> Injection:
    """Inject every kind of fraud into copies of the traffic, judge them, and measure what would be held.

    `on` is the lookups and the last day (since 1970) of the traffic; `done` is told the copies that are finished. Held
    on scores alone: rules are left out, since injected identifiers could break them for reasons of their own.
    """
    lookups, last_day = on
    deciding, evaluating = settings
    pools = build_pools(lookups.addresses, np.random.default_rng(evaluating.seed))
    parts = []
    for copy in range(evaluating.injected_copies):
        injected = inject(traffic, pools, evaluating.injected_part, evaluating.seed + copy)
        matrix = labelled_matrix(injected, lookups, last_day)
        held = matrix.select("conversion_id", "affiliate_id", "payout", "label", "kind").with_columns(
            pl.Series(WINNOW, held_on_scores(taught, matrix, deciding)), copy=pl.lit(copy)
        )
        parts.append(_with_presets(held, injected.traffic))
        done(copy + 1)
    rows = pl.concat(parts)
    resampling = Resampling(evaluating.level, evaluating.draws, evaluating.seed)
    fraud = rows.filter(pl.col("label") == 1)
    kinds = tuple(_kind(str(kind), part, resampling) for (kind,), part in sorted(fraud.group_by("kind")))
    # the honest part of a mixture is no placebo
    placebos = rows.filter((pl.col("label") == 0) & (pl.col("kind") == PLACEBO))
    others = (("all kinds", fraud), (PLACEBO, placebos), ("untouched", rows.filter(pl.col("label").is_null())))
    return Injection(kinds, *(_kind(name, part, resampling) if part.height else None for name, part in others))


def held_on_scores(taught: TaughtJudge, matrix: pl.DataFrame, settings: DecisionSettings) -> np.ndarray:
    """Say which rows of a matrix a scan would hold on their own scores, shape (n,)."""
    scores = taught.score(matrix)
    return matrix_verdicts(scores, matrix, taught.fraud_share, settings.clean_share_of_held_max).held


def _with_presets(rows: pl.DataFrame, traffic: Traffic) -> pl.DataFrame:
    conversions = _canonical(traffic.conversions).with_columns(
        click_ts=pl.from_epoch("click_ts_us", time_unit="us").dt.replace_time_zone("UTC")
    )
    clicks = _canonical(traffic.clicks) if traffic.clicks.height else None
    for preset in PRESETS.values():
        held = held_by(preset, conversions, clicks)
        told = held.select("conversion_id", pl.col("held").fill_null(value=False).alias(preset.title))
        rows = rows.join(told, on="conversion_id", how="left", maintain_order="left")
    return rows


def _canonical(events: pl.DataFrame) -> pl.DataFrame:
    return events.with_columns(ts=pl.from_epoch("ts_us", time_unit="us").dt.replace_time_zone("UTC"))


def _kind(kind: str, rows: pl.DataFrame, resampling: Resampling) -> InjectedKind:
    methods = (WINNOW, *(preset.title for preset in PRESETS.values()))
    affiliate = pl.format("{}/{}", "copy", "affiliate_id")
    named = rows.select(affiliate.alias("affiliate"))["affiliate"].to_numpy()
    payout = rows["payout"].to_numpy()[:, None]
    held = rows.select(methods).to_numpy().astype(np.float64)
    found = shares(payout * held, payout * np.ones((1, len(methods))), named, resampling)
    return InjectedKind(kind, rows.height, found[0].clusters, dict(zip(methods, found, strict=True)))
