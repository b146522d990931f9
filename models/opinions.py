"""Second opinions on sources: a change against a source's own past, strange hours, and being unlike all others.

The taught judge knows the shapes of fraud that it was taught. These know none, so they may see what is new; for the
same reason they cannot tell fraud from news. What they find brings a source to people, with numbers; it never holds
money.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from scipy.stats import norm, t

from features.families import source_features
from features.registry import SUB
from models.anomaly import LEAST_ROWS, AnomalyJudge
from models.change import ChangeJudge, Direction, Measure, with_quiet_days
from models.evidence import Reason, rounded
from models.judge import Floats
from models.series import HOURS, LEAST_PAST_DAYS, SeriesJudge
from models.stats import benjamini_hochberg

LEAST_CONVERSIONS = 10
"""Conversions below which a source is too small for a second opinion."""
LEAST_HOURLY = 24
"""Conversions on its last day below which the hours of a source are chance: one an hour."""
LEAST_SERIES = 20
"""Sources with hours to judge below which there is no bulk to be unlike of."""
MOSTLY_KNOWN = 0.5
"""A feature known for fewer sources than this share is left out of the comparison."""
_QUARTILES_OF_NORMAL = 1.349
"""Distance between the quartiles of a normal distribution, in standard deviations."""
_TAIL = 15
"""Degrees of freedom of Student's distribution for how honest sources scatter: heavier tails than normal. Ours."""
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is peculiar about a source (affiliate_id, offer_id, sub; sub "" where there is none), as a reason."""

    source: tuple[str, str, str]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Past:
    """What happened over several weeks up to the last judged day.

    `daily`: SUB, `day` (date), `conversions`, `timed` (those with a known click-to-conversion time) and `hasty` (of
    these, within 15 seconds). `hourly`: SUB, `ts` (the hour, UTC) and `conversions`; hours without any may be left out.
    """

    daily: pl.DataFrame
    hourly: pl.DataFrame


def second_opinions(rows: pl.DataFrame, past: Past, level: float) -> list[Opinion]:
    """Give an opinion on the sources of the newest window, for those where there is one.

    `rows`: SUB, `conversions` and the features of sources. `level` (0..1) is the false discovery rate of each kind of
    opinion. The same arguments give the same.
    """
    return [*_changed(past.daily, level), *_strange_hours(past.hourly, level), *_unlike(rows, level)]


def _changed(daily: pl.DataFrame, level: float) -> Iterator[Opinion]:
    if daily.is_empty():
        return
    named = daily.with_columns(source=pl.concat_str(SUB, separator=_SEPARATOR), peers="offer_id")
    counts = with_quiet_days(named.select("source", "peers", "day", events="conversions"))
    shares = named.filter(pl.col("timed") > 0).select("source", "peers", "day", events="hasty", exposure="timed")
    yield from _moved(counts, Measure.COUNT, ("conversions_jumped", level))
    yield from _moved(shares, Measure.SHARE, ("haste_jumped", level))


def _moved(table: pl.DataFrame, measure: Measure, wanted: tuple[str, float]) -> Iterator[Opinion]:
    code, level = wanted
    if table.is_empty():
        return
    last = pl.col("day") == table["day"].max()
    today = table.filter(last)
    judge = ChangeJudge(measure, Direction.MORE).fit(table.filter(~last), seed=0)
    evidence = judge.evidence(today).with_columns(today["source"])
    told = evidence.filter(pl.col("z").is_not_nan() & (pl.col("observed") >= LEAST_CONVERSIONS))
    found = benjamini_hochberg(norm.sf(told["z"].to_numpy())) <= level
    for row in told.filter(pl.Series(found, dtype=pl.Boolean)).sort("source").iter_rows(named=True):
        numbers: dict[str, str | int | float] = {
            "n": int(row["observed"]),
            "days": int(row["span_days"]),
            "expected": rounded(float(row["expected"])),
            "z": rounded(float(row["z"])),
        }
        yield Opinion(_source(row["source"]), Reason(code, numbers, 0.5))


def _strange_hours(hourly: pl.DataFrame, level: float) -> Iterator[Opinion]:
    """Name sources whose last day differs from their earlier ones far more than that of the bulk of sources does.

    Against the bulk, since a sale or an outage makes the day strange for all of them.
    """
    if hourly.is_empty() or (table := _every_hour(hourly)).is_empty():
        return
    last = table["ts"].dt.date() == table["ts"].dt.date().max()
    today = table.filter(last)
    judge = SeriesJudge().fit(table.filter(~last), seed=0)
    judged = today.with_columns(
        score=pl.Series(judge.score(today)).fill_nan(None), usual=pl.Series(judge.expected(today)).fill_nan(None)
    ).drop_nulls()
    days = judged.group_by("series").agg(pl.col("score").first()).sort("series")
    if days.height < LEAST_SERIES:
        return
    found = benjamini_hochberg(t.sf(_distance(days["score"].to_numpy()), _TAIL)) <= level
    for series, score in days.filter(pl.Series(found, dtype=pl.Boolean)).iter_rows():
        hours = judged.filter(pl.col("series") == series)
        worst = hours.row(int((hours["value"] - hours["usual"]).abs().arg_max() or 0), named=True)
        numbers: dict[str, str | int | float] = {
            "n": int(hours["value"].sum()),
            "hour": f"{worst['ts']:%H:%M}",
            "observed": int(worst["value"]),
            "usual": rounded(float(worst["usual"])),
        }
        yield Opinion(_source(series), Reason("hours_strange", numbers, rounded(float(score))))


def _every_hour(hourly: pl.DataFrame) -> pl.DataFrame:
    """Return series, ts and value for every hour from the first to the last day of sources with enough to judge."""
    named = hourly.select(pl.concat_str(SUB, separator=_SEPARATOR).alias("series"), "ts", value="conversions")
    day, newest = pl.col("ts").dt.truncate("1d"), pl.col("ts").max().dt.truncate("1d")
    spans = (
        named.with_columns(newest=newest)
        .group_by("series", "newest")
        .agg(first=day.min(), lately=pl.col("value").filter(day == pl.col("newest")).sum())
        .filter(pl.col("lately") >= LEAST_HOURLY, pl.col("newest") - pl.col("first") >= timedelta(days=LEAST_PAST_DAYS))
    )
    last = pl.col("newest") + timedelta(hours=HOURS - 1)
    hours = spans.select("series", ts=pl.datetime_ranges("first", last, "1h")).explode("ts")
    told = hours.join(named, on=["series", "ts"], how="left")
    return told.with_columns(pl.col("value").fill_null(0)).sort("series", "ts")


def _source(text: str) -> tuple[str, str, str]:
    affiliate, offer, sub = text.split(_SEPARATOR)
    return affiliate, offer, sub


def _unlike(rows: pl.DataFrame, level: float) -> Iterator[Opinion]:
    rows = rows.filter(pl.col("conversions") >= LEAST_CONVERSIONS).sort(SUB)
    needs = _compared(rows)
    if rows.height < LEAST_ROWS or not needs:
        return
    judge = AnomalyJudge(needs).fit(rows, seed=0)
    score = judge.score(rows)
    found = benjamini_hochberg(t.sf(_distance(score), _TAIL)) <= level
    values = np.nan_to_num(rows.select(needs).cast(pl.Float64).to_numpy())
    # far from the others in spreads, and far in what it says: where nobody varies, next to nothing is many spreads
    telling = np.nan_to_num(judge.contributions(rows)) * np.abs(values)
    meanings = {feature.name: feature.meaning for feature in source_features()}
    for place in np.flatnonzero(found):
        most = int(telling[place].argmax())
        numbers: dict[str, str | int | float] = {
            "n": int(rows["conversions"][int(place)]),
            "what": meanings[needs[most]],
            "value": rounded(float(values[place, most])),
        }
        affiliate, offer, sub = (str(rows[key][int(place)]) for key in SUB)
        yield Opinion((affiliate, offer, sub), Reason("unlike_other_sources", numbers, rounded(float(score[place]))))


def _compared(rows: pl.DataFrame) -> tuple[str, ...]:
    columns = [name for name in rows.columns if name.endswith("_sub28")]
    known = rows.select(pl.col(columns).is_not_null().mean()).row(0) if rows.height and columns else ()
    return tuple(name for name, share in zip(columns, known, strict=False) if share >= MOSTLY_KNOWN)


def _distance(score: Floats) -> Floats:
    """Return how many spreads of the bulk each score lies above its median; NaN where the score is unknown."""
    odds = np.log(np.clip(score, 1e-6, 1 - 1e-6) / np.clip(1 - score, 1e-6, 1))
    low, middle, high = np.nanquantile(odds, [0.25, 0.5, 0.75])
    return np.asarray((odds - middle) / max((high - low) / _QUARTILES_OF_NORMAL, 1e-9))


def by_source(opinions: Sequence[Opinion]) -> dict[tuple[str, str, str], list[Reason]]:
    """Collect opinions by source."""
    found: dict[tuple[str, str, str], list[Reason]] = {}
    for opinion in opinions:
        found.setdefault(opinion.source, []).append(opinion.reason)
    return found
