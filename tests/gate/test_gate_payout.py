"""The gate's rule for payout lines, beside the same rule written out for one line at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evidence import Reason
from models.reasons import CODES
from screening.gate.decision import Hold, Pay, Reject, name, worst
from screening.gate.payout import (
    JUDGED,
    LACKING,
    LINES,
    add_up,
    decide_lines,
    hold_not_due,
    name_unknown,
    times_that_count,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TIMES = times_that_count(NOW, 7, 5)
OLDEST, LAST = NOW - timedelta(days=7), NOW + timedelta(minutes=5)
TICK = timedelta(microseconds=1)
GOOD = {
    "conversion_id": "c1",
    "amount": Decimal("10.0000"),
    "currency": "EUR",
    "affiliate_id": "a1",
    "fault": None,
    "formula": False,
    "repeated": False,
    "judged_decision": "pay",
    "judged_payout": Decimal("10.0000"),
    "judged_currency": "EUR",
    "judged_affiliate": "a1",
    "judged_at": NOW - timedelta(days=1),
    "judged_reasons": [],
    "paid": False,
}
amounts = st.sampled_from([Decimal("10.0000"), Decimal("10.0001"), None])
lines = st.fixed_dictionaries(
    {
        "conversion_id": st.sampled_from(["c1", "c2", None]),
        "amount": amounts,
        "currency": st.sampled_from(["EUR", "USD", None]),
        "affiliate_id": st.sampled_from(["a1", "a2", None]),
        "fault": st.sampled_from([None, None, None, "bad_encoding"]),
        "formula": st.sampled_from([False, False, True, None]),
        "repeated": st.sampled_from([False, False, True, None]),
        "judged_decision": st.sampled_from(["pay", "pay", "hold", "reject", None, "nonsense"]),
        "judged_payout": amounts,
        "judged_currency": st.sampled_from(["EUR", "USD", None]),
        "judged_affiliate": st.sampled_from(["a1", None]),
        "judged_at": st.sampled_from([NOW, OLDEST, OLDEST - TICK, LAST, LAST + TICK, None]),
        "judged_reasons": st.sampled_from([[], ["ctct_short"], ["tor_exit", "ctct_short"]]),
        "paid": st.sampled_from([False, False, True, None]),
    }
)


def decided(*rows: dict) -> list[tuple[str, list[str]]]:
    frame = pl.DataFrame(rows, schema={**LINES, **JUDGED}, orient="row")
    return list(decide_lines(frame, TIMES).select("decision", "reasons").iter_rows())


def one_by_one(line: dict) -> str:
    """The same rule with the decision types: each objection is a Hold, the severest wins."""
    judged = line["judged_decision"]
    because = tuple(Reason(code) for code in line["judged_reasons"]) or (Reason("not_judged"),)
    answers = [{"pay": Pay(()), "hold": Hold(because), "reject": Reject(because)}.get(judged, Hold(because))]
    objections = [
        line["fault"] is not None or line["conversion_id"] is None or line["amount"] is None,
        line["formula"] is not False,
        line["repeated"] is not False,
        line["paid"] is not False,
        line["judged_at"] is None or not OLDEST <= line["judged_at"] <= LAST,
        line["amount"] != line["judged_payout"],
        line["currency"] is not None and line["currency"] != line["judged_currency"],
        line["affiliate_id"] is not None and line["affiliate_id"] != line["judged_affiliate"],
    ]
    answers += [Hold((Reason("not_judged"),)) for objection in objections if objection]
    return name(worst(answers))


@given(st.lists(lines, min_size=1, max_size=20))
def test_it_decides_as_the_decision_types_do_and_keeps_order(rows):
    answers = decided(*rows)
    assert [decision for decision, _ in answers] == [one_by_one(row) for row in rows]


@given(lines)
def test_what_is_not_paid_has_a_reason_of_the_known_codes_and_pay_has_none(line):
    decision, reasons = decided(line)[0]
    if line["judged_decision"] in {"hold", "reject"} and not line["judged_reasons"]:
        return  # the store refuses such a judgement
    if decision != "pay" and line["judged_decision"] != "nonsense":
        assert reasons
    assert set(reasons) <= set(CODES)
    assert len(reasons) == len(set(reasons))
    if decision == "pay":
        assert reasons == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fault": "bad_time"}, "line_unreadable"),
        ({"formula": True}, "formula_in_line"),
        ({"repeated": True}, "duplicate_line"),
        ({"paid": True}, "already_paid"),
        ({"judged_decision": None, "judged_at": None, "judged_payout": None}, "not_judged"),
        ({"judged_at": OLDEST - TICK}, "scan_stale"),
        ({"judged_at": None}, "scan_stale"),
        ({"judged_at": LAST + TICK}, "judged_in_future"),
        ({"amount": Decimal("9.9999")}, "amount_differs"),
        ({"amount": Decimal("10.0001")}, "amount_differs"),
        ({"currency": "USD"}, "currency_differs"),
        ({"judged_currency": None}, "currency_differs"),
        ({"affiliate_id": "a2"}, "affiliate_differs"),
    ],
)
def test_each_objection_alone_holds_a_line_that_would_be_paid(change, reason):
    assert decided(GOOD) == [("pay", [])]
    assert decided({**GOOD, **change}) == [("hold", [reason])]


def test_a_rejected_conversion_stays_rejected_and_says_everything():
    line = {**GOOD, "judged_decision": "reject", "judged_reasons": ["duplicate_order"], "paid": True}
    assert decided(line) == [("reject", ["already_paid", "duplicate_order"])]


def test_a_file_without_currency_is_paid_in_that_of_the_judgement():
    frame = pl.DataFrame([{**GOOD, "currency": None}], schema={**LINES, **JUDGED}, orient="row")
    assert decide_lines(frame, TIMES)["currency"].to_list() == ["EUR"]


def test_a_conversion_that_nobody_reported_is_told_from_one_that_no_scan_judged():
    unjudged = {**GOOD, "judged_decision": None, "judged_at": None, "judged_payout": None}
    frame = pl.DataFrame([unjudged, unjudged], schema={**LINES, **JUDGED}, orient="row")
    answers = name_unknown(decide_lines(frame, TIMES), pl.Series([True, False]))
    assert answers["reasons"].to_list() == [["unknown_conversion"], ["not_judged"]]


def test_only_what_would_be_paid_is_held_for_not_being_due():
    rows = [GOOD, {**GOOD, "judged_decision": "reject", "judged_reasons": ["tor_exit"]}, GOOD, {**GOOD, "paid": True}]
    answers = decide_lines(pl.DataFrame(rows, schema={**LINES, **JUDGED}, orient="row"), TIMES)
    held = hold_not_due(answers, pl.Series([True, True, False, True]))
    assert held.select("decision", "reasons").rows() == [
        ("hold", ["not_due"]),
        ("reject", ["tor_exit"]),
        ("pay", []),
        ("hold", ["already_paid"]),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pay", "hold", "reject"]),
            st.sampled_from(["EUR", "USD", None]),
            st.none() | st.decimals(0, Decimal("99999999999999.9999"), places=4),
        ),
        max_size=60,
    )
)
def test_totals_are_exact_and_leave_no_line_out(rows):
    answers = pl.DataFrame(
        rows, schema={"decision": pl.String, "currency": pl.String, "a": LINES["amount"]}, orient="row"
    )
    totals = add_up(answers["a"], answers.drop("a"))
    for total in totals:
        mine = [
            amount for decision, currency, amount in rows if (decision, currency) == (total.decision, total.currency)
        ]
        assert total.amount == sum((amount for amount in mine if amount is not None), Decimal(0))
        assert (total.lines, total.unreadable) == (len(mine), mine.count(None))
    assert sum(total.lines for total in totals) == len(rows)


def test_reasons_that_mean_a_lack_of_evidence_are_known_codes():
    assert set(CODES) >= LACKING
