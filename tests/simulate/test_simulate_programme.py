"""What anybody relies on who practises or measures on a simulated programme."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema import TABLES, Kind, polars_schema
from screening.simulate import (
    TRUTH,
    Feed,
    FraudKind,
    ProgrammeSpec,
    clean_spec,
    conversion_only_spec,
    demo_spec,
    simulate,
    small_spec,
)

START = date(2026, 3, 2)


@cache
def demo():
    return simulate(demo_spec(START), 5)


@cache
def small():
    return simulate(small_spec(START), 11)


def digest(programme):
    tables = [programme.table(kind) for kind in Kind] + [programme.truth]
    return [table.write_ndjson() for table in tables]


def labelled(programme):
    return programme.conversions.join(
        programme.truth.select("conversion_id", "is_fraud", "kind", "mechanic", "scheme"), on="conversion_id"
    ).with_columns(
        lag=(pl.col("ts") - pl.col("click_ts")).dt.total_milliseconds() / 1000, money=pl.col("payout").cast(pl.Float64)
    )


@st.composite
def specs(draw):
    kinds = draw(st.lists(st.sampled_from(FraudKind), unique=True, max_size=4))
    return ProgrammeSpec(
        start=draw(st.dates(date(2024, 1, 1), date(2027, 12, 31))),
        days=draw(st.integers(1, 30)),
        affiliates=draw(st.integers(1, 40)),
        offers=draw(st.integers(1, 12)),
        clicks=draw(st.integers(1, 4000)),
        conversions=draw(st.integers(1, 400)),
        fraud={kind: draw(st.floats(0, 0.2)) for kind in kinds},
        strength=draw(st.sampled_from([(0.0, 0.0), (0.2, 0.9), (1.0, 1.0)])),
        mixed=draw(st.sampled_from([0.0, 1.0])),
        sub_grain=draw(st.sampled_from([0.0, 1.0])),
        feed=draw(st.sampled_from(Feed)),
        currencies=draw(st.sampled_from([("USD",), ("EUR", "GBP"), ("USD", "EUR", "GBP")])),
    )


@settings(max_examples=20)
@given(specs(), st.integers(0, 2**32))
def test_every_programme_keeps_the_contract(spec, seed):
    programme = simulate(spec, seed)
    begin = datetime(spec.start.year, spec.start.month, spec.start.day, tzinfo=UTC)
    end = begin + timedelta(days=spec.days)
    for kind in Kind:
        table = programme.table(kind)
        assert dict(table.schema) == polars_schema(kind)
        required = TABLES[kind].required
        assert table.select(pl.col(*required).null_count()).sum_horizontal().sum() == 0
        assert not table.select(TABLES[kind].key).is_duplicated().any()
        for column in TABLES[kind].columns:
            if column.choices:
                assert set(table[column.name].drop_nulls()) <= set(column.choices)
        if TABLES[kind].dated_by:
            assert table.filter(~pl.col("ts").is_between(begin, end, closed="left")).is_empty()
            assert table["ts"].is_sorted()
    assert (programme.conversions["payout"] >= 0).all()
    assert set(programme.conversions["currency"]) <= set(spec.currencies)


@settings(max_examples=20)
@given(specs(), st.integers(0, 2**32))
def test_truth_labels_each_conversion_once_and_nothing_else(spec, seed):
    programme = simulate(spec, seed)
    truth = programme.truth
    assert dict(truth.schema) == TRUTH
    assert truth["conversion_id"].to_list() == programme.conversions["conversion_id"].to_list()
    for column in ("affiliate_id", "offer_id", "sub_id"):
        assert truth[column].equals(programme.conversions[column], null_equal=True)
    wanted = {kind.value for kind, share in spec.fraud.items() if share > 0}
    assert set(truth["kind"].drop_nulls()) <= wanted
    for column in ("kind", "mechanic", "scheme"):
        assert (truth[column].is_not_null() == truth["is_fraud"]).all()
    assert programme.outcomes["conversion_id"].is_in(truth["conversion_id"].implode()).all()


def test_same_seed_gives_the_same_bytes_and_another_seed_another_programme():
    again = simulate(small_spec(START), 11)
    assert digest(again) == digest(small())
    assert digest(simulate(small_spec(START), 12)) != digest(small())


def test_a_clean_programme_has_no_fraud():
    programme = simulate(replace(clean_spec(START), clicks=20_000, conversions=900, days=14), 3)
    assert not programme.truth["is_fraud"].any()
    assert programme.truth["kind"].null_count() == len(programme.truth)


def test_fraud_has_the_share_of_payout_that_was_asked_for():
    for programme in (demo(), small()):
        shares = labelled(programme).group_by("kind").agg(pl.col("money").sum())
        found = dict(zip(shares["kind"], shares["money"] / shares["money"].sum(), strict=True))
        for kind, share in programme.spec.fraud.items():
            assert 0.4 * share < found[kind.value] < 2.2 * share, kind
        total = 1 - found[None]
        assert total == pytest.approx(sum(programme.spec.fraud.values()), rel=0.25)


def test_the_size_is_about_what_was_asked_for():
    programme = demo()
    assert len(programme.clicks) == pytest.approx(250_000, rel=0.2)
    assert len(programme.conversions) == pytest.approx(8_000, rel=0.2)
    assert len(programme.affiliates) == 60


def test_feeds_lack_exactly_what_such_networks_do_not_give():
    full, none = small(), simulate(replace(small_spec(START), feed=Feed.NO_CLICKS), 11)
    assert none.clicks.is_empty()
    assert none.conversions.equals(full.conversions, null_equal=True)
    spec = replace(conversion_only_spec(START), clicks=20_000, conversions=900, days=14)
    only = simulate(spec, 11)
    assert only.clicks.is_empty()
    empty = {name for name in only.conversions.columns if only.conversions[name].null_count() == len(only.conversions)}
    assert empty == {"click_id", "click_ts", "ip", "user_agent", "device_id", "customer_id"}
    assert simulate(replace(spec, feed=Feed.FULL), 11).truth.equals(only.truth, null_equal=True)


def test_honest_conversions_follow_their_click_and_belong_to_it():
    programme = demo()
    honest = labelled(programme).filter(~pl.col("is_fraud"))
    assert (honest["lag"] > 0).all()
    assert (honest["lag"] <= 30 * 86_400).all()
    assert honest["click_id"].is_unique().all()
    orders = honest.filter(pl.col("order_id").is_not_null())
    assert not orders.select("offer_id", "order_id").is_duplicated().any()
    logged = honest.join(programme.clicks, on="click_id", suffix="_clicked")
    assert len(logged) > 0.9 * len(honest)
    for name in ("affiliate_id", "offer_id", "sub_id"):
        assert logged[name].eq_missing(logged[f"{name}_clicked"]).all()
    assert (logged["click_ts"] == logged["ts_clicked"]).all()


def test_partners_are_few_large_and_many_small():
    clicks = demo().clicks["affiliate_id"].value_counts(sort=True)["count"]
    assert clicks[0] > 8 * clicks[len(clicks) // 2]
    assert len(clicks) == 60


def test_honest_people_share_addresses_and_the_web_shows_its_usual_gaps():
    clicks = demo().clicks
    sharing = clicks.group_by("ip").agg(devices=pl.col("device_id").n_unique())["devices"]
    assert (sharing > 20).sum() >= 3  # offices and carriers
    assert (sharing == 1).mean() > 0.6
    assert 0.2 < clicks["ip"].str.contains(":", literal=True).mean() < 0.6
    for name in ("sub_id", "device_id", "referrer"):
        assert 0.02 < clicks[name].null_count() / len(clicks) < 0.6
    assert clicks["user_agent"].str.contains("bot", literal=True).mean() < 0.02
    assert clicks["user_agent"].n_unique() > 200


def test_people_sleep():
    night = demo().clicks.filter(pl.col("country") == "GB")["ts"].dt.hour().is_between(2, 4).mean()
    assert night < 0.06  # three hours of twenty-four


def test_an_outage_loses_clicks_but_not_their_conversions():
    clicks = simulate(replace(clean_spec(START), conversions=500), 2).clicks
    hourly = clicks.group_by(pl.col("ts").dt.truncate("1h")).len()
    hours = pl.datetime_range(clicks["ts"].min(), clicks["ts"].max(), "1h", eager=True).dt.truncate("1h")
    missing = hours.filter(~hours.is_in(hourly["ts"].implode()))
    assert 2 <= len(missing) <= 9


MECHANICS = [kind for kind in FraudKind if kind not in (FraudKind.BOUGHT_SUBID, FraudKind.SLOW_RAMP)]


@cache
def only(kind, strength=1.0):
    spec = replace(
        small_spec(START), fraud={kind: 0.12}, strength=(strength, strength), mixed=0.0, sub_grain=0.0, offers=10
    )
    return simulate(spec, 21)


@pytest.mark.parametrize("kind", MECHANICS)
def test_each_mechanic_is_labelled_as_itself(kind):
    fraud = labelled(only(kind)).filter("is_fraud")
    assert len(fraud) >= 5
    assert set(fraud["kind"]) == {kind.value}
    assert set(fraud["mechanic"]) == {kind.value}


def of(kind, strength=1.0):
    rows = labelled(only(kind, strength))
    return rows.filter("is_fraud"), rows.filter(~pl.col("is_fraud"))


def test_flooding_is_slow_flat_and_rarely_converts():
    fraud, honest = of(FraudKind.CLICK_FLOODING)
    assert (fraud["lag"] > 3600).mean() > 0.8 > (honest["lag"] > 3600).mean()
    bad = fraud["affiliate_id"].unique().implode()
    clicks = only(FraudKind.CLICK_FLOODING).clicks.filter(pl.col("affiliate_id").is_in(bad))
    assert len(clicks) > 35 * len(fraud)


def test_injection_clicks_come_seconds_before():
    fraud, honest = of(FraudKind.CLICK_INJECTION)
    assert fraud["lag"].median() < 10 < honest["lag"].quantile(0.05)
    assert set(fraud["event"]) == {"install"}


def test_stuffing_sets_several_cookies_at_once():
    clicks = only(FraudKind.COOKIE_STUFFING).clicks
    bad = of(FraudKind.COOKIE_STUFFING)[0]["affiliate_id"].unique().implode()
    at_once = clicks.filter(pl.col("affiliate_id").is_in(bad)).group_by("ip", pl.col("ts").dt.truncate("2s")).len()
    honest = clicks.filter(~pl.col("affiliate_id").is_in(bad)).group_by("ip", pl.col("ts").dt.truncate("2s")).len()
    assert (at_once["len"] > 1).mean() > 0.3 > 10 * (honest["len"] > 1).mean()


def test_bots_are_regular_and_share_addresses():
    fraud, honest = of(FraudKind.BOT_LEADS)
    for scheme in fraud.partition_by("scheme"):
        assert scheme["lag"].std() / scheme["lag"].mean() < 0.2
    assert fraud["ip"].n_unique() / len(fraud) < 0.5 < honest["ip"].n_unique() / len(honest)


def test_hired_people_serve_many_names_from_few_agents():
    fraud, _ = of(FraudKind.STUFFED_LEADS)
    assert fraud["customer_id"].n_unique() == len(fraud)
    assert fraud["user_agent"].n_unique() < len(fraud) / 2


def test_a_farm_has_new_devices_behind_few_lines():
    fraud, _ = of(FraudKind.DEVICE_FARM)
    known = fraud["device_id"].drop_nulls()
    assert known.n_unique() == len(known)
    assert fraud["ip"].n_unique() < len(fraud) / 4


def test_a_ring_is_few_people_who_buy_often():
    fraud, honest = of(FraudKind.SELF_REFERRAL_RING)
    assert fraud["ip"].n_unique() < 0.7 * len(fraud)
    assert fraud["customer_id"].n_unique() < len(fraud) < 1.3 * len(fraud)
    assert honest["customer_id"].drop_nulls().n_unique() > 0.8 * honest["customer_id"].drop_nulls().len()


def test_paid_visitors_are_quick_and_do_not_stay():
    programme = only(FraudKind.UNDISCLOSED_INCENTIVE)
    fraud, honest = of(FraudKind.UNDISCLOSED_INCENTIVE)
    offers = fraud["offer_id"].unique().implode()
    assert fraud["lag"].median() < honest.filter(pl.col("offer_id").is_in(offers))["lag"].median() / 1.5
    stayed = programme.outcomes.filter(pl.col("outcome") == "retained")["conversion_id"].implode()
    assert fraud["conversion_id"].is_in(stayed).mean() <= honest["conversion_id"].is_in(stayed).mean()


def test_spoofed_visitors_state_a_country_that_pays():
    fraud, honest = of(FraudKind.PROXY_GEO_SPOOFING)
    assert set(fraud["country"]) <= set(honest["country"])


def test_replays_repeat_a_conversion_that_was_there_before():
    programme = only(FraudKind.REPLAYED_CONVERSIONS)
    fraud, honest = of(FraudKind.REPLAYED_CONVERSIONS)
    original = honest.select("offer_id", "order_id", "click_id", "ts")
    same_click = fraud.join(original, on="click_id", suffix="_first")
    same_order = fraud.filter(pl.col("order_id").is_not_null()).join(
        original, on=["offer_id", "order_id"], suffix="_first"
    )
    explained = pl.concat([same_click["conversion_id"], same_order["conversion_id"]]).unique()
    assert set(fraud["conversion_id"]) == set(explained)
    assert (same_click["ts"] > same_click["ts_first"]).all()
    assert programme.conversions["conversion_id"].is_unique().all()


def test_window_abuse_is_at_the_edges():
    fraud, honest = of(FraudKind.ATTRIBUTION_WINDOW_ABUSE)
    at_edge = (pl.col("lag") < 15) | (pl.col("lag") > 13 * 86_400)
    assert fraud.select(at_edge.mean()).item() > 0.8 > 20 * honest.select(at_edge.mean()).item()
    assert (fraud["lag"] > 30 * 86_400).any()


def test_a_bought_sub_id_is_one_and_its_partner_is_mostly_good():
    rows = labelled(only(FraudKind.BOUGHT_SUBID))
    bad = (
        rows.filter("is_fraud")
        .group_by("scheme")
        .agg(pl.col("affiliate_id").unique(), pl.col("sub_id").unique(), pl.col("money").sum())
    )
    for scheme in bad.iter_rows(named=True):
        [affiliate], [sub] = scheme["affiliate_id"], scheme["sub_id"]
        assert sub is not None
        good = rows.filter((pl.col("affiliate_id") == affiliate) & ~pl.col("is_fraud"))
        assert good["money"].sum() > scheme["money"]
        assert (good["sub_id"] != sub).fill_null(value=True).all()


def test_a_slow_ramp_rises():
    rows = labelled(only(FraudKind.SLOW_RAMP)).filter("is_fraud")
    end = rows["ts"].max()
    position = rows.select(
        (pl.col("ts") - pl.col("ts").min()).over("scheme") / (end - pl.col("ts").min()).over("scheme")
    )
    assert position.to_series().mean() > 0.55


def test_subtle_fraud_is_closer_to_honest_traffic_than_blatant():
    def spread(strength):
        schemes = of(FraudKind.BOT_LEADS, strength)[0].partition_by("scheme")
        return min(float(scheme["lag"].std() / scheme["lag"].mean()) for scheme in schemes)

    assert spread(0.05) > 2 * spread(1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 0},
        {"clicks": -1},
        {"fraud": {FraudKind.BOT_LEADS: -0.1}},
        {"fraud": {FraudKind.BOT_LEADS: 0.95}},
        {"strength": (0.9, 0.1)},
        {"currencies": ()},
        {"currencies": ("ZZZ",)},
    ],
)
def test_impossible_programmes_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0][:6]):
        replace(small_spec(START), **wrong)
