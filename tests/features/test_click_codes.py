"""Roll-ups over numbers say exactly what roll-ups over text say."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import click_codes
from features.click_codes import coded, rolled_up
from features.clicks import SOURCE_DAY, click_rollup
from features.lookups import Lookups, tables_for
from features.working import CLICK_COLUMNS

DAY = 86_400_000_000


def addresses(given: pl.Series) -> pl.DataFrame:
    listed = given.filter(~given.str.starts_with("192.")).unique(maintain_order=True)
    return listed.to_frame("ip").select(
        "ip",
        ip_class=pl.when(pl.col("ip").str.ends_with("1")).then(pl.lit("hosting")).otherwise(pl.lit("mobile")),
        ip_country=pl.when(~pl.col("ip").str.ends_with("2")).then(pl.lit("DE")),
        network=pl.lit("n"),
    )


def agents(given: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"user_agent": given.unique(maintain_order=True)}).select(
        "user_agent",
        agent_class=pl.when(pl.col("user_agent") == "bot").then(pl.lit("declared_bot")).otherwise(pl.lit("person")),
        agent_age=pl.col("user_agent").str.len_chars().cast(pl.Int64),
        agent_mobile=pl.when(pl.col("user_agent") != "x").then(pl.lit(value=True)),
    )


LOOKUPS = Lookups(addresses, agents, pl.DataFrame({"affiliate_id": ["a", "b"], "host": ["a.example", "b.example"]}))
CLICKS = st.fixed_dictionaries(
    {
        "click_id": st.just("c"),
        "ts_us": st.integers(20_000 * DAY, 20_002 * DAY),
        "affiliate_id": st.sampled_from(["a", "b", "c", "ab"]),
        "offer_id": st.sampled_from(["o", "b"]),
        "sub_id": st.sampled_from([None, "", "s", "t"]),
        "ip": st.sampled_from([None, "", "1.1.1.1", "1.1.1.2", "192.0.2.1", "192.0.2.3"]),
        "user_agent": st.sampled_from([None, "bot", "x", "Mozilla/5.0 of some length"]),
        "device_id": st.sampled_from([None, "d1", "d2", "d3"]),
        "country": st.sampled_from([None, "DE", "FR"]),
        "referrer": st.sampled_from([None, "https://a.example/1", "https://b.example", "nonsense"]),
    }
)
SCHEMA = {name: pl.Int64 if name == "ts_us" else pl.String for name in CLICK_COLUMNS}


def by_text(clicks: pl.DataFrame) -> pl.DataFrame:
    tables = tables_for([clicks.lazy()], LOOKUPS)
    lazy = [nw.from_native(frame.lazy()) for frame in (clicks, tables.addresses, tables.agents, tables.referrals)]
    return nw.to_native(click_rollup(*lazy)).collect()


@settings(max_examples=60, deadline=None)
@given(st.lists(CLICKS, max_size=60))
def test_codes_and_text_roll_up_to_the_same(rows):
    clicks = pl.DataFrame(rows, schema=SCHEMA)
    expected, found = by_text(clicks), rolled_up(clicks.drop("click_id"), LOOKUPS)
    assert found.schema == expected.schema
    assert found.sort(SOURCE_DAY).equals(expected.sort(SOURCE_DAY))


@pytest.mark.parametrize("modulus", [1, 2, 1 << 60])
def test_values_that_share_a_hash_are_still_told_apart(monkeypatch, modulus):
    column = pl.Series(["b", None, "a", "b", "", None, "c"])
    monkeypatch.setattr(click_codes, "_hashed", lambda given: given.hash().to_numpy() % np.uint64(modulus))
    numbered = coded(column)
    assert column[numbered.first][numbered.codes].to_list() == column.to_list()
    assert len(numbered.first) == 5
    assert sorted(set(numbered.codes)) == list(range(5))
