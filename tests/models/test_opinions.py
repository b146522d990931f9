"""Second opinions: a source that leaves its own past, and one that is unlike all others, come with their numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.opinions import Past, second_opinions
from models.reasons import CODES

LEVEL = 0.01
LAST = date(2026, 5, 31)
DAYS = 60


def daily(seed: int = 1, sources: int = 12) -> pl.DataFrame:
    """Conversions of honest sources of one offer, about twenty a day each, a twentieth of them hasty."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(sources):
        for back in range(DAYS):
            count = int(rng.poisson(20))
            hasty = int(rng.binomial(count, 0.05))
            rows.append((f"a{number}", "o1", "", LAST - timedelta(days=back), count, count, hasty))
    columns = ["affiliate_id", "offer_id", "sub", "day", "conversions", "timed", "hasty"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def hourly(seed: int = 1, sources: int = 30) -> pl.DataFrame:
    """Conversions an hour of honest sources, some sixty a day each, more in the evening; quiet hours are left out."""
    rng = np.random.default_rng(seed)
    start = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) - timedelta(days=DAYS - 1)
    usual = 1 + 3 * np.exp(-((np.arange(24) - 19) ** 2) / 18)
    counts = rng.poisson(np.tile(usual, DAYS), (sources, DAYS * 24))
    places = np.argwhere(counts > 0)
    return pl.DataFrame(
        {
            "affiliate_id": [f"a{source}" for source, _ in places],
            "offer_id": ["o1"] * len(places),
            "sub": [""] * len(places),
            "ts": [start + timedelta(hours=int(hour)) for _, hour in places],
            "conversions": counts[counts > 0],
        }
    )


def rows(seed: int = 1, sources: int = 80) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    names = ("ctct_under_15s_sub28", "ip_again_sub28", "hosting_sub28", "no_referrer_sub28")
    return pl.DataFrame(
        {
            "affiliate_id": [f"a{number}" for number in range(sources)],
            "offer_id": ["o1"] * sources,
            "sub": [""] * sources,
            "conversions": [50] * sources,
            **{name: rng.normal(0, 0.3, sources) for name in names},
        }
    )


def codes(found) -> set[tuple[str, str]]:
    return {(opinion.source[0], opinion.reason.code) for opinion in found}


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_is_peculiar_there_is_no_opinion(seed):
    assert codes(second_opinions(rows(seed), Past(daily(seed), hourly()), LEVEL)) == set()


def test_a_source_that_doubles_is_named_with_what_was_expected():
    doubled = (pl.col("affiliate_id") == "a3") & (pl.col("day") > LAST - timedelta(days=7))
    table = daily().with_columns(
        pl.when(doubled).then(pl.col("conversions") * 3).otherwise(pl.col("conversions")).alias("conversions")
    )
    (found,) = [
        each
        for each in second_opinions(rows(), Past(table, hourly()), LEVEL)
        if each.reason.code == "conversions_jumped"
    ]
    assert found.source == ("a3", "o1", "")
    assert found.reason.numbers["n"] > 2 * found.reason.numbers["expected"]
    assert "own past" in CODES["conversions_jumped"].explanation.format(**found.reason.numbers)


def test_a_sale_that_lifts_all_partners_is_no_news_about_any():
    lifted = pl.col("day") > LAST - timedelta(days=3)
    table = daily().with_columns(
        pl.when(lifted).then(pl.col("conversions") * 3).otherwise(pl.col("conversions")).alias("conversions")
    )
    assert codes(second_opinions(rows(), Past(table, hourly()), LEVEL)) == set()


def test_conversions_that_become_hasty_are_named():
    hasty = (pl.col("affiliate_id") == "a5") & (pl.col("day") > LAST - timedelta(days=7))
    table = daily().with_columns(pl.when(hasty).then(pl.col("timed") // 2).otherwise(pl.col("hasty")).alias("hasty"))
    assert codes(second_opinions(rows(), Past(table, hourly()), LEVEL)) == {("a5", "haste_jumped")}


def test_a_source_unlike_all_others_is_named_with_the_feature_that_shows_it_most():
    odd = pl.col("affiliate_id") == "a7"
    table = rows().with_columns(pl.when(odd).then(4.0).otherwise(pl.col("hosting_sub28")).alias("hosting_sub28"))
    found = {opinion.source[0]: opinion.reason for opinion in second_opinions(table, Past(daily(), hourly()), LEVEL)}
    assert found["a7"].code == "unlike_other_sources"
    assert "hosting" in str(found["a7"].numbers["what"])
    assert len(found) <= 2


def test_too_few_sources_or_conversions_give_no_opinion():
    nothing = Past(daily().head(0), hourly().head(0))
    assert second_opinions(rows(sources=20), nothing, LEVEL) == []
    small = rows().with_columns(conversions=pl.lit(3))
    assert second_opinions(small, nothing, LEVEL) == []


def test_a_source_whose_conversions_come_at_another_time_of_day_is_named_with_the_hour():
    strange = (pl.col("affiliate_id") == "a7") & (pl.col("ts").dt.date() == LAST)
    table = hourly().with_columns(
        pl.when(strange).then(pl.col("ts").dt.truncate("1d") + pl.duration(hours=4)).otherwise("ts").alias("ts")
    )
    table = table.group_by("affiliate_id", "offer_id", "sub", "ts").agg(pl.col("conversions").sum())
    (found,) = second_opinions(rows(), Past(daily(), table), LEVEL)
    assert (found.source, found.reason.code) == (("a7", "o1", ""), "hours_strange")
    assert found.reason.numbers["hour"] == "04:00"
    assert found.reason.numbers["observed"] == found.reason.numbers["n"] > 10 * found.reason.numbers["usual"]
    assert "in the hour from 04:00 UTC" in CODES["hours_strange"].explanation.format(**found.reason.numbers)


def test_strange_hours_of_all_sources_and_those_of_few_sources_are_no_news():
    table = hourly().with_columns(
        pl.when(pl.col("ts").dt.date() == LAST).then(pl.col("ts").dt.truncate("1d")).otherwise("ts").alias("ts")
    )
    table = table.group_by("affiliate_id", "offer_id", "sub", "ts").agg(pl.col("conversions").sum())
    assert second_opinions(rows(), Past(daily(), table), LEVEL) == []
    few = table.filter((pl.col("affiliate_id") <= "a2") | (pl.col("ts").dt.date() < LAST))
    assert second_opinions(rows(), Past(daily(), few), LEVEL) == []


def test_a_new_source_and_one_of_few_conversions_have_no_usual_hours():
    midnight = datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC)
    own = {"affiliate_id": "new", "offer_id": "o1", "sub": "", "ts": midnight, "conversions": 500}
    table = pl.concat([hourly(), pl.DataFrame([own], schema=hourly().schema)])
    assert second_opinions(rows(), Past(daily(), table), LEVEL) == []
    assert second_opinions(rows(), Past(daily(), table.clear()), LEVEL) == []
