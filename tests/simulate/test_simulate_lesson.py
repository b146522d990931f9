"""How judges did is counted in money, per currency, and unknown stays unknown."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from screening.simulate.lesson import learn

MONEY = pl.Decimal(18, 4)


def truth(rows):
    return pl.DataFrame(
        rows, schema={"conversion_id": pl.String, "is_fraud": pl.Boolean, "kind": pl.String}, orient="row"
    )


def decisions(rows):
    schema = {"conversion_id": pl.String, "payout": MONEY, "currency": pl.String, "decision": pl.String}
    return pl.DataFrame([(i, Decimal(p), c, d) for i, p, c, d in rows], schema=schema, orient="row")


def test_stopped_money_is_held_or_rejected_money():
    lesson = learn(
        truth([("a", True, "bot_leads"), ("b", True, "bot_leads"), ("c", False, None), ("d", False, None)]),
        decisions(
            [
                ("a", "10.10", "EUR", "hold"),
                ("b", "30.30", "EUR", "pay"),
                ("c", "1.05", "EUR", "reject"),
                ("d", "98.95", "EUR", "pay"),
            ]
        ),
    )
    [euro] = lesson.money
    assert (euro.fraud, euro.fraud_stopped) == (Decimal("40.40"), Decimal("10.10"))
    assert (euro.clean, euro.clean_stopped) == (Decimal("100.00"), Decimal("1.05"))
    assert (euro.found, euro.mistaken) == (0.25, 0.0105)
    assert lesson.kinds == {"bot_leads": 0.25}


def test_currencies_are_kept_apart_and_the_largest_comes_first():
    lesson = learn(
        truth([("a", True, "device_farm"), ("b", False, None), ("c", False, None)]),
        decisions([("a", "1", "USD", "reject"), ("b", "2", "USD", "pay"), ("c", "50", "GBP", "pay")]),
    )
    assert [item.currency for item in lesson.money] == ["GBP", "USD"]
    assert lesson.money[0].found is None
    assert lesson.money[1].found == 1.0
    assert lesson.money[1].mistaken == 0.0


def test_a_clean_programme_has_no_share_found():
    lesson = learn(truth([("a", False, None)]), decisions([("a", "5", "USD", "hold")]))
    assert lesson.kinds == {}
    assert lesson.money[0].found is None
    assert lesson.money[0].mistaken == 1.0
