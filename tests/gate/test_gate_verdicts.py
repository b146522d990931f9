"""People's verdicts before the scans' judgements, beside the same rule written out for one conversion at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from models.reasons import RULES
from screening.gate.payout import JUDGED
from screening.gate.verdicts import VERDICTS, with_verdicts

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = {**JUDGED, **VERDICTS}
FACTS = {rule.code for rule in RULES}
codes = st.lists(
    st.sampled_from(["ctct_short", "unlike_programme", "charged_back", "tor_exit"]), max_size=3, unique=True
)
rows = st.fixed_dictionaries(
    {
        "judged_decision": st.sampled_from(["pay", "hold", "reject", None]),
        "judged_payout": st.just(Decimal("1.0000")),
        "judged_currency": st.just("EUR"),
        "judged_affiliate": st.just("a1"),
        "judged_at": st.sampled_from([NOW, NOW - timedelta(days=9)]),
        "judged_reasons": codes,
        "paid": st.just(value=False),
        "verdict": st.sampled_from(["clean", "fraud", "hold", "withdrawn", None]),
        "verdict_at": st.sampled_from([NOW, NOW - timedelta(days=5)]),
        "overruled": codes,
    }
)


def one_by_one(row):
    decision, reasons, at = row["judged_decision"], row["judged_reasons"], row["judged_at"]
    later = max(at, row["verdict_at"])
    if decision is None:
        return None, reasons, at
    if row["verdict"] == "clean" and not (set(reasons) & FACTS) - set(row["overruled"]):
        return "pay", [], later
    if row["verdict"] == "fraud":
        return "reject", ["review_fraud", *reasons], later
    if row["verdict"] == "hold":
        return "reject" if decision == "reject" else "hold", ["review_hold", *reasons], later
    return decision, reasons, at


@given(st.lists(rows, min_size=1, max_size=20))
def test_each_line_is_decided_as_one_by_one(given_rows):
    got = with_verdicts(pl.DataFrame(given_rows, schema=SCHEMA))
    assert got.columns == list(JUDGED)
    assert got.select("judged_decision", "judged_reasons", "judged_at").rows() == [
        one_by_one(row) for row in given_rows
    ]


@given(rows)
def test_only_a_persons_release_makes_a_judgement_milder(row):
    severity = {"pay": 0, "hold": 1, "reject": 2}
    if row["verdict"] != "clean" and row["judged_decision"] is not None:
        (after,) = with_verdicts(pl.DataFrame([row], schema=SCHEMA))["judged_decision"]
        assert severity[after] >= severity[row["judged_decision"]]
