"""Judge what was gathered: rules, scores, bound, sources, and a decision for every conversion of the period."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time

import narwhals as nw
import numpy as np
import polars as pl

from features.registry import LEVELS, SUB
from features.source_rows import source_matrix
from features.windows import day_number, window_bounds, window_name
from models.decide import Verdicts, rebased, verdicts
from models.evidence import Reason
from models.explain import source_reasons
from models.opinions import by_source, second_opinions
from models.rules import RuleInputs, rule_hits
from models.stats import benjamini_hochberg, conformal_p, fit_beta_prior, shrunk_interval
from models.taught import SUSPECT, TaughtJudge
from screening.gate.decision import Decision, Hold, name, worst
from screening.gate.policy import Evidence, by_rule, decide
from screening.settings.decisions import DecisionSettings
from screening.traffic.gather import WINDOW_DAYS, Gathered

FACTS = (
    "click_id",
    "click_ts",
    "sub_id",
    "ip",
    "user_agent",
    "device_id",
    "country",
    "referrer",
    "customer_id",
    "order_id",
    "revenue",
)
"""Canonical columns whose absence a decision names."""
INTERVAL = 0.9
"""Level of the interval of a source's bad share."""
_WINDOW = window_name(WINDOW_DAYS)
_SUB28 = LEVELS[0]


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome of a scan: frames with the contract's columns except run_id, and what was counted."""

    decisions: pl.DataFrame
    sources: pl.DataFrame
    base_rate: float | None
    """Estimated share of fraud among conversions, 0..1; None when nothing could be judged."""


def judge(gathered: Gathered, taught: TaughtJudge, settings: DecisionSettings) -> Judged:
    """Judge the period. The same arguments give the same frames."""
    matrix = gathered.prepared.matrix
    hits = _rules(gathered, settings)
    if matrix.height < settings.fewest_conversions:
        return _too_little(gathered, hits, settings)
    scores = taught.score(matrix)
    trusted = scores[~np.isnan(scores) & (scores < SUSPECT)]
    verdict = verdicts(
        scores, matrix["payout"].to_numpy(), trusted, taught.fraud_share, settings.clean_share_of_held_max
    )
    sources = _sources(gathered, taught, verdict, settings)
    decisions = _decisions(gathered, verdict, hits, sources, settings)
    return Judged(decisions, _source_frame(sources, gathered), verdict.base_rate)


def _rules(gathered: Gathered, settings: DecisionSettings) -> dict[str, list[Reason]]:
    inputs = RuleInputs(gathered.prepared.facts, gathered.affiliates, gathered.outcomes)
    found: dict[str, list[Reason]] = defaultdict(list)
    for conversion_id, code, numbers in rule_hits(inputs, settings.attribution_window_days).iter_rows():
        found[conversion_id].append(Reason(code, json.loads(numbers), 1.0))
    return found


def _sources(gathered: Gathered, taught: TaughtJudge, verdict: Verdicts, settings: DecisionSettings) -> pl.DataFrame:
    """Judge sub-sources and windows: SUB, window, counts, posterior, p_value, flagged, bad share, `held`, reasons."""
    matrix = gathered.prepared.matrix
    lazy: pl.LazyFrame = nw.to_native(source_matrix(gathered.prepared.sources))
    rows = lazy.collect().sort(*SUB, "window")
    scores = taught.score(rows)
    newest = rows.filter(pl.col("window") == 0)
    own = matrix.select(*SUB, window=_WINDOW, payout="payout").with_columns(
        posterior=pl.Series(verdict.posterior).fill_nan(None), hold=pl.Series(verdict.held)
    )
    weighted = own.group_by(*SUB, "window").agg(
        judged=pl.col("posterior").count(),
        bad=pl.col("posterior").sum(),
        bad_share=(pl.col("posterior") * pl.col("payout")).sum()
        / pl.col("payout").filter(pl.col("posterior").is_not_null()).sum(),
        held_share=(pl.col("hold") * pl.col("payout")).sum() / pl.col("payout").sum(),
    )
    rows = rows.select(*SUB, "window", "clicks", "conversions", "payout").with_columns(
        score=pl.Series(rebased(scores, taught.fraud_share, verdict.base_rate)).fill_nan(None),
        p_value=pl.Series(conformal_p(scores[~np.isnan(scores) & (scores < SUSPECT)], scores)).fill_nan(None),
    )
    rows = rows.join(weighted, on=[*SUB, "window"], how="left", maintain_order="left")
    rows = rows.with_columns(judged=pl.col("judged").fill_null(0), bad=pl.col("bad").fill_null(0.0))
    # the prior's likelihood is one of whole counts
    prior = fit_beta_prior(np.round(rows["bad"].to_numpy()), rows["judged"].to_numpy())
    low, high = shrunk_interval(rows["bad"].to_numpy(), rows["judged"].to_numpy(), prior, INTERVAL)
    unlike = (
        pl.Series(benjamini_hochberg(rows["p_value"].fill_null(float("nan")).to_numpy())).fill_nan(1.0)
        <= settings.clean_share_of_held_max
    )
    known = pl.col("judged") > 0
    rows = rows.with_columns(
        score=pl.max_horizontal("score", "bad_share"),
        bad_share_low=pl.when(known).then(pl.Series(low)),
        bad_share_high=pl.when(known).then(pl.Series(high)),
        unlike=unlike,
    )
    rows = rows.with_columns(
        # the judge was taught on conversions: of a source without any it has an opinion, but no ground for a flag
        flagged=known
        & ((pl.col("score") > SUSPECT) & pl.col("unlike") | (pl.col("held_share") >= SUSPECT)).fill_null(value=False),
        # the rest of a source goes with its conversions only where most of its money is held on their own scores
        held=((pl.col("bad_share_low") >= settings.source_bad_share_min) & (pl.col("held_share") >= SUSPECT)).fill_null(
            value=False
        ),
    )
    rows = rows.with_columns(_reasons_of(rows, gathered, settings))
    return _with_opinions(rows, newest, gathered, settings)


def _with_opinions(
    rows: pl.DataFrame, newest: pl.DataFrame, gathered: Gathered, settings: DecisionSettings
) -> pl.DataFrame:
    """Flag what second opinions find, and add their reasons; what is held does not change by them."""
    found = by_source(second_opinions(newest, gathered.daily, settings.opinion_false_share_max))
    flagged, details = [], []
    for affiliate, offer, sub, window, flag, text in rows.select(
        *SUB, "window", "flagged", "reason_details"
    ).iter_rows():
        own = found.get((affiliate, offer, sub), []) if window == 0 else []
        flagged.append(flag or bool(own))
        reasons = [*json.loads(text), *(asdict(reason) for reason in own)]
        details.append(json.dumps(reasons) if own else text)
    return rows.with_columns(
        flagged=pl.Series(flagged, dtype=pl.Boolean), reason_details=pl.Series(details, dtype=pl.String)
    )


def _reasons_of(rows: pl.DataFrame, gathered: Gathered, settings: DecisionSettings) -> pl.Series:
    level = nw.to_native(gathered.prepared.sources.level(_SUB28)).collect()
    wanted = rows.filter(pl.col("flagged") | pl.col("held") | (pl.col("held_share").fill_null(0.0) > 0)).select(
        *SUB, "window"
    )
    sums = {
        tuple(row[key] for key in (*SUB, "window")): row
        for row in level.join(wanted, on=[*SUB, "window"], how="semi").iter_rows(named=True)
    }
    texts = []
    for *key, score in rows.select(*SUB, "window", "score").iter_rows():
        row = sums.get(tuple(key))
        found = (
            []
            if row is None
            else source_reasons(row, settings.reasons_max) or [Reason("unlike_programme", {"score": score}, 0.5)]
        )
        texts.append(json.dumps([asdict(reason) for reason in found]))
    return pl.Series("reason_details", texts, dtype=pl.String)


def _decisions(
    gathered: Gathered,
    verdict: Verdicts,
    hits: Mapping[str, Sequence[Reason]],
    sources: pl.DataFrame,
    settings: DecisionSettings,
) -> pl.DataFrame:
    judged = gathered.prepared.matrix.select("conversion_id", *SUB, window=_WINDOW).with_columns(
        score=pl.Series(verdict.posterior).fill_nan(None),
        p_value=pl.Series(verdict.p_value).fill_nan(None),
        hold=pl.Series(verdict.held),
    )
    judged = judged.join(sources.select(*SUB, "window", "held", "reason_details"), on=[*SUB, "window"], how="left")
    rows = _of_period(gathered).join(judged.drop(*SUB), on="conversion_id", how="left", maintain_order="left")
    return _decided(rows, hits, settings, has_clicks=gathered.has_clicks)


def _of_period(gathered: Gathered) -> pl.DataFrame:
    first = datetime.combine(gathered.period.first, time(), UTC)
    return gathered.conversions.filter(pl.col("ts") >= first).sort("ts", "conversion_id")


def _decided(
    rows: pl.DataFrame, hits: Mapping[str, Sequence[Reason]], settings: DecisionSettings, *, has_clicks: bool
) -> pl.DataFrame:
    missing = _missing(rows, has_clicks=has_clicks)
    known: dict[str, list[Reason]] = {}
    decisions = []
    for row, absent in zip(rows.iter_rows(named=True), missing, strict=True):
        text = row["reason_details"] or "[]"
        source = known.setdefault(text, [Reason(**reason) for reason in json.loads(text)])
        rules = hits.get(row["conversion_id"], ())
        evidence = Evidence(rules, row["score"], bool(row["hold"]), source, bool(row["held"]), tuple(absent))
        decisions.append(decide(evidence, settings.reasons_max))
    return _decision_frame(rows, decisions, missing)


def _source_frame(sources: pl.DataFrame, gathered: Gathered) -> pl.DataFrame:
    last = day_number(gathered.period.last)
    bounds = {window: window_bounds(last, window, WINDOW_DAYS) for window in sources["window"].unique()}
    codes = [[reason["code"] for reason in json.loads(text)] for text in sources["reason_details"]]
    money = gathered.conversions.with_columns(
        sub=pl.col("sub_id").fill_null(""), window=(last - (pl.col("ts").dt.epoch("d").cast(pl.Int64))) // WINDOW_DAYS
    )
    paid = money.group_by(*SUB, "window").agg(exact=pl.col("payout").sum())
    exact = sources.join(paid, on=[*SUB, "window"], how="left", maintain_order="left")["exact"].fill_null(0)
    return sources.select(
        "affiliate_id",
        "offer_id",
        pl.when(pl.col("sub") != "").then("sub").alias("sub_id"),
        pl.Series("from", [bounds[window][0] for window in sources["window"]]),
        pl.Series("to", [bounds[window][1] for window in sources["window"]]),
        pl.col("clicks").cast(pl.Int64),
        pl.col("conversions").cast(pl.Int64),
        exact.cast(pl.Decimal(18, 4)).alias("payout"),
        *("score", "p_value", "flagged", "bad_share", "bad_share_low", "bad_share_high"),
        pl.Series("reasons", codes, dtype=pl.List(pl.String)),
        "reason_details",
    )


def _too_little(gathered: Gathered, hits: Mapping[str, Sequence[Reason]], settings: DecisionSettings) -> Judged:
    """Hold everything: a programme this small has no norm to hold anything against."""
    numbers: dict[str, str | int | float] = {"n": gathered.prepared.matrix.height, "least": settings.fewest_conversions}
    too_little = Hold((Reason("not_enough_history", numbers, 0.5),))
    rows = _of_period(gathered).with_columns(
        score=pl.lit(None, dtype=pl.Float64), p_value=pl.lit(None, dtype=pl.Float64)
    )
    decisions = [
        worst([*(by_rule(reason) for reason in hits.get(row["conversion_id"], ())), too_little])
        for row in rows.iter_rows(named=True)
    ]
    empty = (
        nw.to_native(gathered.prepared.sources.sums[WINDOW_DAYS])
        .collect()
        .sort(*SUB, "window")
        .select(*SUB, "window", "clicks", "conversions")
    )
    unknown = [
        pl.lit(None, dtype=pl.Float64).alias(column)
        for column in ("score", "p_value", "bad_share", "bad_share_low", "bad_share_high")
    ]
    sources = empty.with_columns(*unknown, flagged=pl.lit(value=False), reason_details=pl.lit("[]"))
    return Judged(
        _decision_frame(rows, decisions, _missing(rows, has_clicks=gathered.has_clicks)),
        _source_frame(sources, gathered),
        None,
    )


def _missing(rows: pl.DataFrame, *, has_clicks: bool) -> list[list[str]]:
    lacks = [] if has_clicks else ["clicks"]
    return [
        [*lacks, *(fact for fact, value in zip(FACTS, row, strict=True) if value is None)]
        for row in rows.select(FACTS).iter_rows()
    ]


def _decision_frame(
    rows: pl.DataFrame, decisions: Sequence[Decision], missing: Sequence[Sequence[str]]
) -> pl.DataFrame:
    details = [
        json.dumps([asdict(reason) for reason in decision.reasons], default=str) if decision.reasons else None
        for decision in decisions
    ]
    return rows.select(
        "conversion_id", "affiliate_id", "offer_id", "sub_id", "ts", "payout", "currency", "score", "p_value"
    ).with_columns(
        decision=pl.Series([name(decision) for decision in decisions], dtype=pl.String),
        reasons=pl.Series(
            [[reason.code for reason in decision.reasons] for decision in decisions], dtype=pl.List(pl.String)
        ),
        missing=pl.Series(missing, dtype=pl.List(pl.String)),
        reason_details=pl.Series(details, dtype=pl.String),
    )
