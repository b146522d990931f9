"""Scorecards add up to the cent, are net of fraud, never mix currencies, and leave unknown what is not known."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_programme import OCTOBER, small_programme
from typer.testing import CliRunner

from screening.cli.app import app
from screening.errors import InputError
from screening.jobs.export import What, export
from screening.jobs.progress import silent_progress
from screening.jobs.scorecard_figures import BUCKETS, cards, classified, summed
from screening.jobs.scorecards import COLUMNS, chosen_span, scorecards, totals
from screening.jobs.span import Span, last_whole_month, month_of

SEPTEMBER = OCTOBER - timedelta(days=30)
MONTH = Span(date(2026, 10, 1), date(2026, 10, 31))


@pytest.fixture
def programme(tmp_path):
    return small_programme(tmp_path / "ws")


def made(programme, span=MONTH):
    programme.build()
    return scorecards(programme.workspace, span, silent_progress())


def row(result, affiliate="a1", currency="USD"):
    [found] = result.rows.filter(
        pl.col("affiliate_id") == affiliate, pl.col("currency").eq_missing(pl.lit(currency, pl.String))
    ).to_dicts()
    return found


def test_money_stands_where_decision_outcome_person_and_ledger_put_it(programme):
    add = programme.conversion
    programme.clicks("a1", 100)
    add("a1", "1")
    add("a1", "2", "hold", score=0.75)
    add("a1", "4", "reject")
    add("a1", "8", outcome="refund")
    add("a1", "16", outcome="chargeback")
    add("a1", "32", None)
    add("a1", "64", status="void")
    add("a1", "128", status="rejected")
    add("a1", "256", "reject", outcome="chargeback")
    cleared, confirmed, released = add("a1", "512", "hold"), add("a1", "1024", "pay"), add("a1", "2048", "hold")
    programme.build()
    programme.verdict(cleared, "clean")
    programme.verdict(confirmed, "fraud")
    programme.release(released, "2048")
    found = row(scorecards(programme.workspace, MONTH, silent_progress()))
    assert {name: int(found[name]) for name in BUCKETS} == {
        "approved": 1 + 512 + 2048,
        "held": 2,
        "rejected": 4 + 128 + 256 + 1024,
        "returned": 8 + 16 + 64,
        "unjudged": 32,
    }
    assert (found["conversions"], found["approved_conversions"], found["rate"]) == (12, 3, 0.03)
    assert found["earnings_per_click"] == Decimal("25.61")
    assert (found["refunds"], found["chargebacks"]) == (1, 2)
    # clean by weight: 1, 1 - 0.75 of 2, 8, 64, 128, 512, 1 - 0.1 of 2048; unjudged is left out, not called clean
    clean = 1 + 0.5 + 8 + 64 + 128 + 512 + 0.9 * 2048
    assert found["quality_seen"] == pytest.approx(clean / (4095 - 32))


def test_a_fact_that_the_person_had_not_seen_keeps_the_money_back(programme):
    seen = programme.conversion("a1", "5", "reject", reasons=["duplicate_order"])
    unseen = programme.conversion("a1", "7", "reject", reasons=["duplicate_order"])
    programme.build()
    programme.verdict(seen, "clean", ["duplicate_order"])
    programme.verdict(unseen, "clean", ["ctct_short"])
    found = row(scorecards(programme.workspace, MONTH, silent_progress()))
    assert (found["approved"], found["rejected"]) == (5, 7)


def test_currencies_are_never_added_and_clicks_follow_the_currency_of_their_offer(programme):
    programme.conversion("a1", "10")
    programme.conversion("a1", "1000", currency="JPY", offer_id="o2")
    programme.clicks("a1", 10)
    programme.clicks("a1", 4, "o2")
    programme.clicks("a1", 3, "o3")
    result = made(programme)
    assert {(r["currency"], r["clicks"], r["approved"]) for r in result.rows.to_dicts()} == {
        ("USD", 10, Decimal(10)),
        ("JPY", 4, Decimal(1000)),
        (None, 3, Decimal(0)),
    }
    assert {r["currency"]: r["approved"] for r in totals(result.rows)} == {"USD": 10, "JPY": 1000, None: 0}
    assert [(k.currency, k.value) for k in result.kpis if k.key == "revenue"] == [("JPY", None), ("USD", None)]


def test_an_offer_paid_in_two_currencies_has_no_rate_in_either(programme):
    programme.conversion("a1", "10")
    programme.conversion("a1", "10", currency="EUR")
    programme.clicks("a1", 10)
    found = (
        made(programme)
        .rows.sort("currency", nulls_last=True)
        .select("currency", "clicks", "rate", "earnings_per_click")
    )
    assert found.rows() == [("EUR", 0, None, None), ("USD", 0, None, None), (None, 10, 0.0, Decimal(0))]


def test_without_clicks_rates_are_unknown_not_zero(programme):
    programme.conversion("a1", "10")
    found = row(made(programme))
    assert (found["rate"], found["earnings_per_click"], found["clicks"]) == (None, None, 0)


def test_a_new_partner_is_drawn_to_the_programme_and_neither_first_nor_punished(programme):
    for _ in range(60):
        programme.conversion("good", "10")
    for number in range(60):
        programme.conversion("bad", "10", "hold" if number % 2 else "reject", score=0.95)
    programme.conversion("new", "10")
    programme.conversion("unlucky", "10", "reject")
    cards_of = {r["affiliate_id"]: r for r in made(programme).rows.to_dicts()}
    qualities = {name: card["quality"] for name, card in cards_of.items()}
    assert qualities["bad"] < 0.1 < qualities["unlucky"] < qualities["new"] < qualities["good"]
    assert cards_of["unlucky"]["quality_seen"] == 0.0
    widths = {name: card["quality_high"] - card["quality_low"] for name, card in cards_of.items()}
    assert widths["new"] > 3 * widths["good"]
    # the same payout as good's, and hardly any of it counts
    assert cards_of["good"]["rank"] == 1
    assert cards_of["bad"]["adjusted_payout"] < cards_of["good"]["adjusted_payout"] / 10


def test_the_period_before_is_compared_only_where_the_lake_reaches_back(programme):
    programme.clicks("a1", 1, at=OCTOBER.replace(day=1))
    programme.conversion("a1", "10")
    result = made(programme)
    assert result.before is None
    assert row(result)["approved_before"] is None
    assert {kpi.before for kpi in result.kpis} == {None}
    programme.rows.clear()
    programme.judged.clear()
    programme.clicks("a1", 2, at=SEPTEMBER.replace(day=1))
    programme.build("scan-2")
    result = scorecards(programme.workspace, MONTH, silent_progress())
    assert result.before == Span(date(2026, 9, 1), date(2026, 9, 30))
    assert (row(result)["clicks_before"], row(result)["approved_before"], row(result)["rank_before"]) == (2, 0, None)
    assert {kpi.key: kpi.before for kpi in result.kpis}["sales"] == 0


def test_key_figures_stand_beside_their_targets_and_stay_unknown_where_facts_lack(tmp_path):
    programme = small_programme(
        tmp_path / "ws",
        "kpis: {targets: {sales_min: 3, return_rate_max: 0.2, new_affiliates_min: 1, revenue_min: {USD: 100},"
        " customer_value_min: {USD: 20}, conversion_rate_min: 0.5}}",
    )
    for customer, outcome in (("u1", "retained"), ("u2", None), ("u2", "retained"), ("u3", "refund")):
        programme.conversion("a1", "1", customer_id=customer, revenue=Decimal(30), outcome=outcome)
    programme.affiliate("a1", joined_at=SEPTEMBER)
    figures = {(str(kpi.key), kpi.currency): (kpi.value, kpi.met) for kpi in made(programme).kpis}
    assert figures == {
        ("sales", None): (3, True),
        ("revenue", "USD"): (Decimal(90), False),
        ("new_affiliates", None): (0, False),
        ("conversion_rate", None): (None, None),
        ("return_rate", None): (0.25, False),
        ("customer_value", "USD"): (Decimal(30), True),
    }


def test_targets_of_a_months_sums_are_not_held_against_half_a_month(tmp_path):
    programme = small_programme(tmp_path / "ws", "kpis: {targets: {sales_min: 3, return_rate_max: 0.2}}")
    programme.conversion("a1", "1", outcome="refund")
    programme.build()
    half = scorecards(programme.workspace, Span(MONTH.first, OCTOBER.date()), silent_progress())
    assert {kpi.key: kpi.met for kpi in half.kpis if kpi.target is not None} == {"return_rate": False}


def test_without_outcomes_and_joining_dates_those_figures_are_missing(programme):
    programme.conversion("a1", "1", customer_id="u1", revenue=Decimal(30))
    programme.affiliate("a1")
    figures = {kpi.key: kpi.value for kpi in made(programme).kpis}
    assert (figures["return_rate"], figures["new_affiliates"], figures["customer_value"]) == (None, None, None)


CONVERSION = st.fixed_dictionaries(
    {
        "affiliate_id": st.sampled_from(["a", "b"]),
        "currency": st.sampled_from(["USD", "EUR", None]),
        "payout": st.decimals(0, 10**6, places=4),
        "revenue": st.none() | st.decimals(0, 100, places=2),
        "status": st.sampled_from([None, "pending", "rejected", "void", "paid"]),
        "decision": st.sampled_from([None, "pay", "hold", "reject"]),
        "score": st.none() | st.floats(0, 1),
        "person": st.sampled_from([None, "clean", "fraud", "withdrawn"]),
        "released": st.booleans(),
        "unsplit": st.booleans(),
        "outcomes": st.lists(st.sampled_from(["chargeback", "refund", "retained", "confirmed_clean"]), max_size=2),
    }
)
SCHEMA = {
    **dict.fromkeys(("affiliate_id", "currency", "status", "decision", "person"), pl.String),
    **dict.fromkeys(("payout", "revenue"), pl.Decimal(18, 4)),
    **dict.fromkeys(("released", "unsplit"), pl.Boolean),
    "score": pl.Float64,
    "outcomes": pl.List(pl.String),
}


@given(st.lists(CONVERSION, max_size=30))
def test_every_conversion_is_in_one_bucket_and_all_sums_are_exact(rows):
    frame = pl.DataFrame(rows, schema=SCHEMA)
    result = cards(summed(classified(frame)), pl.DataFrame(schema=CLICKS), 0.9)
    for found in result.iter_rows(named=True):
        own = [r for r in rows if (r["affiliate_id"], r["currency"]) == (found["affiliate_id"], found["currency"])]
        assert found["payout"] == sum((r["payout"] for r in own), Decimal(0)) == sum(found[name] for name in BUCKETS)
        assert found["conversions"] == len(own)
        if found["quality"] is not None:
            assert 0 <= found["quality_low"] <= found["quality"] <= found["quality_high"] <= 1
        assert (found["rank"] is None) == (found["quality"] is None)
    assert result["conversions"].sum() == len(rows)


CLICKS = {"affiliate_id": pl.String, "currency": pl.String, "clicks": pl.Int64}


@pytest.mark.parametrize(
    ("span", "before"),
    [
        ("2026-10-01 2026-10-31", "2026-09-01 2026-09-30"),
        ("2026-03-01 2026-03-31", "2026-02-01 2026-02-28"),
        ("2026-10-01 2026-10-12", "2026-09-01 2026-09-12"),
        ("2026-03-01 2026-03-30", "2026-02-01 2026-02-28"),
        ("2026-10-05 2026-10-11", "2026-09-28 2026-10-04"),
        ("2026-01-01 2026-01-31", "2025-12-01 2025-12-31"),
        ("2026-10-01 2026-11-30", "2026-08-01 2026-09-30"),
    ],
)
def test_what_a_period_is_compared_with(span, before):
    first, last = map(date.fromisoformat, span.split())
    assert Span(first, last).before() == Span(*map(date.fromisoformat, before.split()))


def test_the_month_shown_is_the_last_whole_one_or_the_one_asked_for(programme):
    assert last_whole_month(date(2026, 10, 30)) == Span(date(2026, 9, 1), date(2026, 9, 30))
    assert last_whole_month(date(2026, 10, 31)) == Span(date(2026, 10, 1), date(2026, 10, 31))
    assert month_of("2026-10", date(2026, 10, 12)).last == date(2026, 10, 12)
    programme.conversion("a1", "1")
    programme.build()
    assert chosen_span(programme.workspace, None, (None, None)) == Span(date(2026, 10, 1), date(2026, 10, 10))
    for wrong in ("2026-13", "0000-01", "october", "2026-11"):
        with pytest.raises(InputError, match=wrong):
            chosen_span(programme.workspace, wrong, (None, None))
    with pytest.raises(InputError, match="A month and days"):
        chosen_span(programme.workspace, "2026-10", (date(2026, 10, 1), None))
    with pytest.raises(InputError, match="ends on"):
        chosen_span(programme.workspace, None, (date(2026, 10, 1), date(2026, 9, 1)))


def test_the_command_shows_and_exports_them(programme):
    programme.clicks("a1", 4)
    programme.conversion("a1", "10.50")
    programme.affiliate("a1", name="Zoë")
    programme.build()
    root = ["--workspace", str(programme.workspace.root)]
    shown = CliRunner().invoke(app, ["scorecards", *root, "--month", "2026-10"])
    assert shown.exit_code == 0
    assert "a1 Zoë" in shown.stdout
    assert "10.50" in shown.stdout
    data = json.loads(CliRunner().invoke(app, ["scorecards", *root, "--month", "2026-10", "--json"]).stdout)
    assert data["partners"][0]["approved"] == "10.5000"
    assert data["partners"][0]["rate"] == 0.25
    out = programme.workspace.root / "cards.parquet"
    done = export(programme.workspace, What.SCORECARDS, out, "latest", "2026-10")
    assert (done.rows, done.run_id) == (1, None)
    frame = pl.read_parquet(out)
    assert frame.columns[: len(COLUMNS)] == list(COLUMNS)
    assert frame.schema["approved"] == frame.schema["adjusted_payout"] == pl.Decimal(18, 4)
