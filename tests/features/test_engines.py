"""The same narwhals expressions give the same roll-ups and sums on Polars and, planned by Spark itself, on Spark.

Scans do not plan them so: `tests/jobs/test_scan_spark.py` compares what they do, with the whole matrix of features.
"""

from __future__ import annotations

import shutil

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from features.clicks import click_rollup
from features.facts import Inputs, conversion_facts
from features.lookups import tables_for
from features.matrix import summed_sources
from features.sources import sum_columns
from features.windows import MICROSECONDS_PER_DAY, day_number
from features.working import claimed_clicks, working_clicks, working_conversions

EXACT = ("k_", "n_", "b_", "m_", "conversions", "clicks")
"""Sums that count; all other sums are of floats, whose order of adding differs between engines."""

# pyspark 4.3 warns about pandas 3 and about its own use of things that pandas renamed; neither is ours to mend
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),  # a call from Python to Java for each part of each expression, thousands in all
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark"),
    pytest.mark.filterwarnings("ignore:.*[Pp]andas.*:FutureWarning"),
]


def tables(events, start):
    """Carry events through features on the engine to which `start` takes a Polars frame; name -> native frame."""
    clicks = working_clicks(nw.from_native(start("clicks", events.clicks)))
    conversions = working_conversions(nw.from_native(start("conversions", events.conversions)))
    local = [
        working_clicks(nw.from_native(events.clicks.lazy())),
        working_conversions(nw.from_native(events.conversions.lazy())),
    ]
    known = tables_for([nw.to_native(frame) for frame in local], events.lookups)
    addresses, agents, referrals, outcomes = (
        nw.from_native(start(name, frame))
        for name, frame in (
            ("addresses", known.addresses),
            ("agents", known.agents),
            ("referrals", known.referrals),
            ("outcomes", events.outcomes),
        )
    )
    days = nw.to_native(local[0]).select(pl.col("ts_us") // MICROSECONDS_PER_DAY).unique().collect().to_series()
    last = day_number(events.last)
    claimed = claimed_clicks(clicks, conversions)
    inputs = Inputs(conversions, claimed, addresses, agents, referrals, outcomes, tuple(sorted(days)))
    rollup = click_rollup(clicks, addresses, agents, referrals)
    facts = conversion_facts(inputs, last)
    sources = summed_sources(facts, rollup, last)
    return {
        "rollup": (rollup, ["affiliate_id", "offer_id", "sub", "day"]),
        "sums": (sources.sums[28], ["affiliate_id", "offer_id", "sub", "window"]),
    }


@pytest.fixture(scope="module")
def spark():
    pytest.importorskip("pyspark", reason="pyspark is not installed (extra `spark`)")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is none on this machine")
    from pyspark.sql import SparkSession  # noqa: PLC0415 - only where there is a Spark

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        # little data and wide plans: planning and compiling cost more than the work
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.constraintPropagation.enabled", "false")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.sql.debug.maxToStringFields", "10")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def both(events, spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spark")

    def on_spark(name, frame):
        path = folder / f"{name}.parquet"
        frame.write_parquet(path)
        return spark.read.parquet(str(path))

    ours = {
        name: (nw.to_native(frame).collect(), keys)
        for name, (frame, keys) in tables(events, lambda name, frame: frame.lazy()).items()
    }
    theirs = {
        name: pl.from_arrow(nw.to_native(frame).toArrow()) for name, (frame, _) in tables(events, on_spark).items()
    }
    return {name: (frame.sort(keys), theirs[name].sort(keys)) for name, (frame, keys) in ours.items()}


@pytest.mark.parametrize("name", ["rollup", "sums"])
def test_spark_gives_what_polars_gives(both, name):
    polars, spark = both[name]
    assert polars.height == spark.height > 20
    assert set(polars.columns) == set(spark.columns)
    for column in polars.columns:
        ours, theirs = polars[column], spark[column]
        assert ours.is_null().to_list() == theirs.is_null().to_list(), f"{column}: unknown on one engine only"
        if ours.dtype.is_float():
            np.testing.assert_allclose(ours.to_numpy(), theirs.to_numpy(), rtol=1e-9, atol=1e-9, err_msg=column)
        else:
            assert ours.to_list() == theirs.to_list(), column


def test_counts_are_whole_numbers_on_both_engines(both):
    for frame in both["sums"]:
        for column in [name for name in sum_columns() if name.startswith(EXACT)]:
            values = frame[column].cast(pl.Float64)
            assert (values == values.round()).all(), column


def test_the_comparison_has_something_to_compare(both):
    polars, _ = both["sums"]
    assert sum(polars[name].n_unique() > 1 for name in sum_columns()) > 0.5 * len(sum_columns())
