"""Injected fraud is repeatable, labelled where it is and nowhere else, and invents no facts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.prepare import Traffic
from features.windows import MICROSECONDS_PER_DAY
from features.working import CLICK_COLUMNS, CONVERSION_COLUMNS
from models.injection import AddressPools, build_pools, inject
from models.injection.campaigns import PLACEBO
from models.injection.mechanisms import KINDS

NUMBERS = {"ts_us": pl.Int64, "click_ts_us": pl.Int64, "payout": pl.Float64, "revenue": pl.Float64}
POOLS = AddressPools(
    {
        name: np.array([f"203.0.{index}.{last}" for last in range(1, 200)], dtype=object)
        for index, name in enumerate(("hosting", "vpn", "tor", "mobile"))
    },
    {"DE": np.array([f"198.51.100.{last}" for last in range(1, 200)], dtype=object)},
)


def table(columns, rows):
    schema = {name: NUMBERS.get(name, pl.String) for name in columns}
    return pl.DataFrame(rows, schema=schema, orient="row")


def programme(seed=1, *, with_clicks=True, lacking=()):
    """Draw 400 conversions of eight affiliates over 28 days, three clicks for each."""
    rng = np.random.default_rng(seed)
    size = 400
    clicks, conversions = [], []
    for number in range(size * 3):
        affiliate = f"a{number % 8}"
        sub, offer = f"s{rng.integers(0, 4)}", f"o{rng.integers(0, 2)}"
        moment = int(20_000 * MICROSECONDS_PER_DAY + rng.integers(0, 28 * MICROSECONDS_PER_DAY))
        facts = [f"10.{number % 7}.{rng.integers(9)}.{number % 251}", f"agent {rng.integers(9)}", f"d{number}", "US"]
        facts.append(f"https://site.example/{rng.integers(5)}")
        clicks.append([f"c{number}", moment, affiliate, offer, sub, *facts])
        if number < size:
            later = moment + int(np.exp(rng.normal(6, 1)) * 1e6)
            fields = [f"v{number}", later, affiliate, offer, sub, 5.0, f"c{number}", moment, *facts]
            conversions.append([*fields, f"k{number}", f"n{number}", "sale", float(rng.uniform(5, 90))])
    logged = table(CLICK_COLUMNS, clicks if with_clicks else [])
    made = table(CONVERSION_COLUMNS, conversions).with_columns(pl.lit(None).cast(pl.String).alias(n) for n in lacking)
    known = made.head(60).select("conversion_id", outcome=pl.lit("good"))
    return Traffic(logged, made.select(CONVERSION_COLUMNS), known)


@pytest.fixture(scope="module")
def traffic():
    return programme()


@pytest.fixture(scope="module")
def injected(traffic):
    return [inject(traffic, POOLS, 0.7, seed) for seed in range(6)]


def test_the_same_seed_gives_the_same_result_and_another_another(traffic):
    one, same, other = (inject(traffic, POOLS, 0.5, seed) for seed in (3, 3, 4))
    for name in ("clicks", "conversions", "outcomes"):
        assert getattr(one.traffic, name).equals(getattr(same.traffic, name)), name
    assert one.labels.equals(same.labels)
    assert not one.traffic.conversions.equals(other.traffic.conversions)


def test_conversions_are_changed_in_place_and_none_is_lost_or_doubled(traffic, injected):
    for result in injected:
        assert result.traffic.conversions.columns == list(CONVERSION_COLUMNS)
        assert sorted(result.traffic.conversions["conversion_id"]) == sorted(traffic.conversions["conversion_id"])
        assert result.traffic.clicks["click_id"].is_unique().all()


def test_what_has_no_label_was_left_alone(traffic, injected):
    for result in injected:
        assert result.labels["conversion_id"].is_unique().all()
        alone = traffic.conversions.join(result.labels, on="conversion_id", how="anti").sort("conversion_id")
        after = result.traffic.conversions.join(result.labels, on="conversion_id", how="anti").sort("conversion_id")
        assert alone.height > 0
        assert after.equals(alone)
        own = alone.select("click_id")
        before, kept = (
            clicks.join(own, on="click_id", how="semi").sort("click_id")
            for clicks in (traffic.clicks, result.traffic.clicks)
        )
        assert kept.equals(before)


def test_a_placebo_is_never_labelled_fraud(injected):
    labels = pl.concat([result.labels for result in injected])
    assert labels.filter(kind=PLACEBO).height > 50
    assert labels.filter(kind=PLACEBO)["label"].to_list() == [0] * labels.filter(kind=PLACEBO).height
    assert set(labels["kind"]) <= {PLACEBO, *KINDS}
    assert labels.filter(label=1).height > 50


def test_mixtures_hold_rows_of_both_labels(injected):
    labels = pl.concat([result.labels for result in injected]).filter(pl.col("kind") != PLACEBO)
    assert 0 < labels["label"].mean() < 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_injected_alone_and_changes_something(traffic, kind):
    results = [inject(traffic, POOLS, 1.0, seed, [kind]) for seed in (1, 2)]
    labels = pl.concat([result.labels for result in results])
    assert set(labels["kind"]) <= {kind, PLACEBO}
    fraud = results[0].labels.filter(label=1)
    before = traffic.conversions.join(fraud, on="conversion_id", how="semi").sort("conversion_id")
    after = results[0].traffic.conversions.join(fraud, on="conversion_id", how="semi").sort("conversion_id")
    assert fraud.height > 0
    assert not after.equals(before) or results[0].traffic.clicks.height != traffic.clicks.height


@pytest.mark.parametrize("fact", ["ip", "user_agent", "device_id", "customer_id", "click_id", "referrer"])
def test_a_fact_that_is_not_reported_stays_missing(fact):
    lacking = programme(with_clicks=False, lacking=[fact])
    for seed in range(3):
        result = inject(lacking, POOLS, 1.0, seed)
        assert result.traffic.conversions[fact].null_count() == lacking.conversions.height


def test_a_feed_of_conversions_without_clicks_works(traffic):
    alone = programme(with_clicks=False)
    result = inject(alone, POOLS, 0.7, 2)
    assert result.labels.height > 0
    assert result.traffic.clicks.height == 0


def test_a_programme_without_click_times_stays_without_them():
    bare = programme(with_clicks=False)
    blank = bare.conversions.with_columns(click_ts_us=pl.lit(None, dtype=pl.Int64))
    result = inject(Traffic(bare.clicks, blank, bare.outcomes), POOLS, 1.0, 2)
    assert result.traffic.conversions["click_ts_us"].null_count() == blank.height


def test_an_injected_outcome_replaces_the_known_one(traffic):
    for seed in range(6):
        outcomes = inject(traffic, POOLS, 1.0, seed, ["self_referral", "stuffed_leads"]).traffic.outcomes
        assert outcomes["conversion_id"].is_unique().all()


def test_the_honest_part_of_a_mixture_keeps_its_clicks(traffic):
    for seed in range(6):
        result = inject(traffic, POOLS, 1.0, seed, ["invented"])
        honest = result.labels.filter((pl.col("label") == 0) & (pl.col("kind") == "invented"))
        rows = result.traffic.conversions.join(honest, on="conversion_id", how="semi").drop_nulls("click_id")
        rows = rows.filter(pl.col("click_ts_us").is_not_null())
        assert rows.join(result.traffic.clicks, on="click_id", how="anti").height == 0


def test_no_part_is_no_injection(traffic):
    result = inject(traffic, POOLS, 0.0, 1)
    assert result.labels.height == 0
    assert result.traffic.conversions.equals(traffic.conversions)


def test_pools_hold_addresses_of_the_class_they_are_named_for():
    def classify(addresses):
        first = addresses.str.extract(r"^(\d+)").cast(pl.Int64)
        return pl.DataFrame(
            {
                "ip": addresses,
                "ip_class": pl.Series(np.where(first.to_numpy() < 100, "hosting", "residential")),
                "ip_country": pl.Series(["US"] * len(addresses)),
                "network": addresses,
            }
        )

    pools = build_pools(classify, np.random.default_rng(1))
    assert all(int(ip.split(".")[0]) < 100 for ip in pools.by_class["hosting"])
    assert pools.draw("tor", 5, np.random.default_rng(1)) is None
    assert len(pools.draw("hosting", 5, np.random.default_rng(1))) == 5
    assert set(pools.by_country["US"]) == set(pools.by_class["residential"])
