"""Judge what was gathered: rules, scores, bound, sources, and a decision for every conversion of the period."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from features.declared import EXPLAINED, without_explained
from features.registry import LEVELS, SUB
from features.source_rows import source_matrix
from features.windows import day_number, window_bounds, window_name
from models.decide import Verdicts, matrix_verdicts, rebased
from models.evidence import Reason
from models.explain import source_reasons
from models.opinions import by_source, second_opinions
from models.rules import RuleInputs, rule_hits
from models.stats import benjamini_hochberg, conformal_p, fit_beta_prior, shrunk_interval
from models.taught import SUSPECT, TaughtJudge
from screening.gate.decision import Decision, Hold, Pay, name, worst
from screening.gate.policy import Evidence, by_rule, clear, decide
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
    scores: np.ndarray | None = field(default=None, compare=False, repr=False)
    """What the judge said of each row of the matrix, before it was put in proportion to the base rate."""


def judge(gathered: Gathered, taught: TaughtJudge, settings: DecisionSettings) -> Judged:
    """Judge the period. The same arguments give the same frames."""
    matrix = gathered.prepared.matrix
    hits = _rules(gathered, settings)
    if matrix.height < settings.fewest_conversions:
        return _too_little(gathered, hits, settings)
    scores = taught.score(matrix)
    verdict = matrix_verdicts(scores, matrix, taught.fraud_share, settings.clean_share_of_held_max)
    sources = _sources(gathered, taught, verdict, settings)
    decisions = _decisions(gathered, verdict, hits, sources, settings)
    return Judged(decisions, _source_frame(sources, gathered), verdict.base_rate, scores)


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
    rows = without_explained(lazy.collect(), gathered.prepared.clubs).sort(*SUB, "window")
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
    found = by_source(second_opinions(newest, gathered.past, settings.opinion_false_share_max))
    rows = rows.with_row_index("place")
    judged = rows.filter(pl.col("window") == 0).select("place", *SUB, "reason_details")
    told = [
        (place, json.dumps([*json.loads(text), *map(_data, own)]))
        for place, affiliate, offer, sub, text in judged.iter_rows()
        if (own := found.get((affiliate, offer, sub)))
    ]
    opinions = pl.DataFrame(told, schema={"place": rows.schema["place"], "opinion": pl.String}, orient="row")
    rows = rows.join(opinions, on="place", how="left", maintain_order="left")
    return rows.with_columns(
        flagged=pl.col("flagged") | pl.col("opinion").is_not_null(),
        reason_details=pl.coalesce("opinion", "reason_details"),
    ).drop("place", "opinion")


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
        if (row := sums.get(tuple(key))) is None:
            texts.append("[]")
            continue
        explained = EXPLAINED if key[0] in gathered.prepared.clubs else ()
        found = source_reasons(row, settings.reasons_max, explained) or [
            Reason("unlike_programme", {"score": score}, 0.5)
        ]
        texts.append(json.dumps([_data(reason) for reason in found]))
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
        held=pl.Series(verdict.held),
    )
    whole = sources.select(*SUB, "window", "reason_details", source_held="held")
    judged = judged.join(whole, on=[*SUB, "window"], how="left")
    rows = _of_period(gathered).join(judged.drop(*SUB), on="conversion_id", how="left", maintain_order="left")
    return _decided(rows, hits, settings, has_clicks=gathered.has_clicks)


def _of_period(gathered: Gathered) -> pl.DataFrame:
    first = datetime.combine(gathered.period.first, time(), UTC)
    return gathered.conversions.filter(pl.col("ts") >= first).sort("ts", "conversion_id")


def _decided(
    rows: pl.DataFrame, hits: Mapping[str, Sequence[Reason]], settings: DecisionSettings, *, has_clicks: bool
) -> pl.DataFrame:
    """Decide row by row where there is an objection; the rest, known and without any, is paid."""
    ruled = pl.Series(list(hits), dtype=pl.String)
    rows = rows.with_columns(clear=clear(pl.col("conversion_id").is_in(ruled.implode())))
    sources: dict[str, list[Reason]] = {}
    decisions = []
    doubtful = rows.filter(~pl.col("clear"))
    columns = ("conversion_id", "score", "held", "source_held", "reason_details")
    for conversion_id, score, held, source_held, details in doubtful.select(columns).iter_rows():
        text = details or "[]"
        if text not in sources:
            sources[text] = [Reason(**reason) for reason in json.loads(text)]
        evidence = Evidence(hits.get(conversion_id, ()), score, held, sources[text], source_held)
        decisions.append(decide(evidence, settings.reasons_max))
    return _decision_frame(rows, decisions, has_clicks=has_clicks)


def _data(reason: Reason) -> dict[str, Any]:
    # not dataclasses.asdict, which copies every number: of all reasons of a large scan that took seconds
    return {"code": reason.code, "numbers": reason.numbers, "weight": reason.weight}


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
        *(
            pl.col("window")
            .replace_strict({window: ends[end] for window, ends in bounds.items()}, return_dtype=pl.Date)
            .alias(name)
            for end, name in enumerate(("from", "to"))
        ),
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
        worst([*(by_rule(reason) for reason in hits.get(conversion_id, ())), too_little])
        for conversion_id in rows["conversion_id"]
    ]
    rows = rows.with_columns(clear=pl.lit(value=False))
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
        _decision_frame(rows, decisions, has_clicks=gathered.has_clicks),
        _source_frame(sources, gathered),
        None,
    )


def _missing(*, has_clicks: bool) -> pl.Expr:
    """Name the facts that a row lacks."""
    lacks = pl.lit(None if has_clicks else "clicks", pl.String)
    absent = [pl.when(pl.col(fact).is_null()).then(pl.lit(fact)) for fact in FACTS]
    return pl.concat_list(lacks, *absent).list.drop_nulls()


def _decision_frame(rows: pl.DataFrame, decisions: Sequence[Decision], *, has_clicks: bool) -> pl.DataFrame:
    """Put decisions beside the rows that are not `clear`, in their order; those that are clear are paid."""
    given = pl.DataFrame(
        {
            "place": rows.select(pl.arg_where(~pl.col("clear"))).to_series(),
            "decision": [name(decision) for decision in decisions],
            "codes": [[reason.code for reason in decision.reasons] for decision in decisions],
            "reason_details": [
                json.dumps([_data(reason) for reason in decision.reasons], default=str) if decision.reasons else None
                for decision in decisions
            ],
        },
        schema={"place": pl.UInt32, "decision": pl.String, "codes": pl.List(pl.String), "reason_details": pl.String},
    )
    listed = rows.with_row_index("place").select(
        *("place", "conversion_id", "affiliate_id", "offer_id", "sub_id", "ts", "payout", "currency"),
        *("score", "p_value", "clear"),
        missing=_missing(has_clicks=has_clicks),
    )
    joined = listed.join(given, on="place", how="left", maintain_order="left")
    return joined.select(
        *("conversion_id", "affiliate_id", "offer_id", "sub_id", "ts", "payout", "currency", "score", "p_value"),
        decision=pl.when("clear").then(pl.lit(name(Pay(())))).otherwise("decision"),
        reasons=pl.when("clear").then(pl.lit([], dtype=pl.List(pl.String))).otherwise("codes"),
        missing="missing",
        reason_details="reason_details",
    )
