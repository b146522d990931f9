"""Deterministic rules, one conversion at a time, on facts made by the real feature code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import narwhals as nw
import polars as pl
import pytest

from features.facts import Inputs, conversion_facts
from features.schema import Kind, polars_schema
from features.windows import MICROSECONDS_PER_DAY, day_number
from features.working import claimed_clicks, working_clicks, working_conversions
from models.evidence import Severity
from models.reasons import CODES
from models.rules import RuleInputs, rule_hits

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = day_number(NOON.date())
WINDOW = 30


def conversion(conversion_id, **fields):
    return {
        "conversion_id": conversion_id,
        "ts": NOON,
        "affiliate_id": "a",
        "offer_id": "o",
        "payout": Decimal("10"),
        **fields,
    }


def click(click_id, **fields):
    return {"click_id": click_id, "ts": NOON - timedelta(hours=1), "affiliate_id": "a", "offer_id": "o", **fields}


def frame(kind, rows):
    schema = polars_schema(kind)
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def hits(conversions, clicks=(), *, affiliates=(), outcomes=(), addresses=(), agents=(), click_days=None):
    """Rule hits as {conversion_id: {code: numbers}}."""
    working = working_conversions(nw.from_native(frame(Kind.CONVERSIONS, conversions).lazy()))
    logged = working_clicks(nw.from_native(frame(Kind.CLICKS, clicks).lazy()))
    tables = {
        "addresses": (addresses, ["ip", "ip_class", "ip_country", "network"]),
        "agents": (agents, ["user_agent", "agent_class"]),
    }
    lookups = {
        name: pl.DataFrame(list(rows), schema=dict.fromkeys(columns, pl.String), orient="row")
        for name, (rows, columns) in tables.items()
    }
    lookups["agents"] = lookups["agents"].with_columns(
        agent_age=pl.lit(None, dtype=pl.Int64), agent_mobile=pl.lit(None, dtype=pl.Boolean)
    )
    referrals = pl.DataFrame(schema={"affiliate_id": pl.String, "referrer": pl.String, "off_site": pl.Int64})
    known = pl.DataFrame(schema={"conversion_id": pl.String, "outcome": pl.String})
    days = (DAY,) if click_days is None and clicks else tuple(click_days or ())
    inputs = Inputs(
        working,
        claimed_clicks(logged, working),
        *(nw.from_native(table.lazy()) for table in (lookups["addresses"], lookups["agents"], referrals, known)),
        days,
    )
    facts = nw.to_native(conversion_facts(inputs, DAY)).collect()
    found = rule_hits(RuleInputs(facts, frame(Kind.AFFILIATES, affiliates), frame(Kind.OUTCOMES, outcomes)), WINDOW)
    result = {}
    for conversion_id, code, numbers in found.iter_rows():
        result.setdefault(conversion_id, {})[code] = json.loads(numbers)
    for codes in result.values():
        for code, numbers in codes.items():
            assert CODES[code].explanation.format(**numbers), "the numbers of a hit fill its explanation"
    return result


def test_nothing_to_object_to_gives_no_hit():
    assert hits([conversion("v1", click_id="c1", order_id="n1")], [click("c1")]) == {}


def test_facts_that_are_missing_break_no_rule():
    assert hits([conversion("v1"), conversion("v2"), conversion("v3")]) == {}


def test_the_second_conversion_of_an_order_is_a_duplicate_of_the_first():
    later = NOON + timedelta(days=2)
    found = hits(
        [
            conversion("v9", order_id="n1"),
            conversion("v1", order_id="n1", ts=later),
            conversion("v2", order_id="n1", ts=later, affiliate_id="b"),
            conversion("v3", order_id="n1", ts=later, offer_id="p"),
            conversion("v4", order_id="n1", ts=later, event="upsell"),
            conversion("v5", order_id="n2"),
        ]
    )
    assert found == {name: {"duplicate_order": {"order_id": "n1", "first": "v9"}} for name in ("v1", "v2")}


def test_of_duplicates_at_the_same_moment_the_first_id_stands():
    assert set(hits([conversion("v2", order_id="n"), conversion("v1", order_id="n")])) == {"v2"}


@pytest.mark.parametrize(
    ("change", "is_duplicate"),
    [
        ({}, True),
        ({"ts": NOON + timedelta(seconds=61)}, False),
        ({"click_id": "c2"}, False),
        ({"click_id": None}, False),
        ({"event": "upsell"}, False),
        ({"customer_id": "k2"}, False),
        ({"payout": Decimal("10.01")}, False),
        ({"order_id": "n2"}, False),
    ],
)
def test_the_same_conversion_within_a_minute_is_a_duplicate(change, is_duplicate):
    same = {"click_id": "c1", "customer_id": "k1"}
    again = conversion("v2", **{**same, "ts": NOON + timedelta(seconds=60), **change})
    found = hits([conversion("v1", **same), again], [click("c1"), click("c2")])
    expected = {"v2": {"duplicate_conversion": {"seconds": 60.0, "first": "v1"}}} if is_duplicate else {}
    assert found == expected


def test_without_order_and_customer_a_click_that_converts_again_is_for_people_to_judge():
    again = conversion("v2", click_id="c1", ts=NOON + timedelta(seconds=5))
    found = hits([conversion("v1", click_id="c1"), again], [click("c1")])
    assert found == {"v2": {"click_converted_again": {"seconds": 5.0, "first": "v1"}}}


def others(gapped):
    """Ten other affiliates with twenty conversions each; of `gapped` of them the log lacks a fifth of the clicks."""
    known, logged = [], []
    for partner in range(10):
        for n in range(20):
            name = {"affiliate_id": f"other{partner}", "click_id": f"c{partner}-{n}"}
            known.append(conversion(f"k{partner}-{n}", **name))
            if partner >= gapped or n % 5:
                logged.append(click(name["click_id"], affiliate_id=name["affiliate_id"]))
    return known, logged


@pytest.mark.parametrize(("gapped", "held"), [(0, True), (3, True), (4, True), (7, False), (10, False)])
def test_only_a_click_log_with_gaps_for_most_partners_says_nothing(gapped, held):
    known, logged = others(gapped)
    mine = conversion("v1", affiliate_id="a1", click_id="nowhere")
    assert ("v1" in hits([mine, *known], logged)) is held


def test_gaps_of_all_partners_do_not_excuse_one_that_lacks_far_more():
    known, logged = others(10)
    mine = [conversion(f"v{n}", affiliate_id="a1", click_id=f"mine{n}") for n in range(20)]
    found = [click(f"mine{n}", affiliate_id="a1") for n in range(20)]
    usual = hits([*mine, *known], [*found[:14], *logged])
    assert not any(row["conversion_id"] in usual for row in mine)
    invented = hits([*mine, *known], [*found[:4], *logged])
    assert sum(row["conversion_id"] in invented for row in mine) == 16


def test_with_few_other_partners_an_unknown_click_is_held():
    known, logged = others(10)
    few = [row for row in known if row["affiliate_id"] in {"other0", "other1"}]
    mine = conversion("v1", affiliate_id="a1", click_id="nowhere")
    assert hits([mine, *few], logged)["v1"] == {"click_unknown": {"click_id": "nowhere"}}


def test_a_click_after_the_conversion_is_impossible_whoever_reports_it():
    after = NOON + timedelta(seconds=5)
    expected = {"click_after_conversion": {"seconds": 5.0}}
    assert hits([conversion("v1", click_ts=after)]) == {"v1": expected}
    assert hits([conversion("v1", click_id="c1")], [click("c1", ts=after)]) == {"v1": expected}


@pytest.mark.parametrize(("beyond", "breached"), [(0, False), (1, True)])
def test_the_attribution_window_ends_with_its_last_microsecond(beyond, breached):
    clicked = NOON - timedelta(days=WINDOW, microseconds=beyond)
    found = hits([conversion("v1", click_ts=clicked)])
    assert ("window_breach" in found.get("v1", {})) is breached
    if breached:
        assert found["v1"]["window_breach"]["window_days"] == WINDOW


@pytest.mark.parametrize(
    ("agent_class", "code"),
    [
        ("declared_bot", "declared_bot"),
        ("automation", "automation_agent"),
        ("library", "automation_agent"),
        ("browser", None),
        ("unknown", None),
    ],
)
def test_agents_that_say_what_they_are(agent_class, code):
    found = hits([conversion("v1", user_agent="U/1")], agents=[("U/1", agent_class)])
    assert found == ({"v1": {code: {"user_agent": "U/1"}}} if code else {})


def test_the_agent_of_the_click_counts_where_the_conversion_has_none():
    found = hits([conversion("v1", click_id="c1")], [click("c1", user_agent="U/1")], agents=[("U/1", "declared_bot")])
    assert found == {"v1": {"declared_bot": {"user_agent": "U/1"}}}


def test_tor_exits_are_held_and_hosting_alone_is_no_rule():
    addresses = [("192.0.2.1", "tor", None, None), ("192.0.2.2", "hosting", None, None)]
    found = hits([conversion("v1", ip="192.0.2.1"), conversion("v2", ip="192.0.2.2")], addresses=addresses)
    assert found == {"v1": {"tor_exit": {"ip": "192.0.2.1"}}}


def test_a_click_is_unknown_only_where_the_click_log_would_have_it():
    rows = [conversion("v1", click_id="gone")]
    assert hits(rows, click_days=[DAY]) == {"v1": {"click_unknown": {"click_id": "gone"}}}
    assert hits(rows, click_days=[DAY - 5]) == {}, "the log does not cover the day"
    assert hits(rows, click_days=[]) == {}, "there is no click log"
    early = [conversion("v1", click_id="gone", click_ts=NOON - timedelta(microseconds=MICROSECONDS_PER_DAY))]
    assert hits(early, click_days=[DAY]) == {}, "the day of the click counts, not that of the conversion"


@pytest.mark.parametrize("owner", [{"affiliate_id": "b"}, {"offer_id": "p"}])
def test_the_click_of_another_affiliate_or_offer_is_not_one_s_own(owner):
    found = hits([conversion("v1", click_id="c1")], [click("c1", **owner)])
    full = {"affiliate_id": "a", "offer_id": "o", **owner}
    assert found == {
        "v1": {"click_of_another": {"click_id": "c1", "owner": full["affiliate_id"], "offer": full["offer_id"]}}
    }


@pytest.mark.parametrize(("status", "code"), [("banned", "affiliate_banned"), ("paused", "affiliate_paused")])
def test_the_standing_of_the_affiliate_reaches_each_of_its_conversions(status, code):
    people = [{"affiliate_id": "a", "status": status}, {"affiliate_id": "b", "status": "active"}]
    rows = [conversion("v1"), conversion("v2"), conversion("v3", affiliate_id="b"), conversion("v4", affiliate_id="c")]
    assert hits(rows, affiliates=people) == {"v1": {code: {}}, "v2": {code: {}}}
    assert CODES[code].severity is (Severity.CERTAIN if status == "banned" else Severity.STRONG)


def test_outcomes_that_say_fraud_are_named_with_their_date():
    known = [
        {"conversion_id": name, "outcome": outcome, "ts": NOON + timedelta(days=3)}
        for name, outcome in (("v1", "confirmed_fraud"), ("v2", "chargeback"), ("v3", "refund"), ("v4", "retained"))
    ]
    found = hits([conversion(f"v{i}") for i in range(1, 6)], outcomes=known)
    assert found == {"v1": {"confirmed_fraud": {"date": "2026-03-13"}}, "v2": {"charged_back": {"date": "2026-03-13"}}}


def test_a_rule_hits_a_conversion_once():
    twice = [{"conversion_id": "v1", "outcome": "chargeback", "ts": NOON + timedelta(days=d)} for d in (1, 2)]
    working = hits([conversion("v1")], outcomes=twice)
    assert list(working["v1"]) == ["charged_back"]
