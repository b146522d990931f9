"""Reasons are counts against the norm, the most surprising first, and every one of them can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.families import CLICK_SHARES, CONVERSION_SHARES, SPREADS
from models.explain import MEANINGS, SHARE_CODES, source_reasons
from models.reasons import CODES


def sums(**changes):
    """A source of 200 conversions of 10,000 clicks that shows exactly the norm."""
    row = {"conversions": 200, "clicks": 10_000, "e_rate": 200.0}
    for name in SHARE_CODES:
        row |= {f"k_{name}": 20, f"n_{name}": 200, f"e_{name}": 20.0}
    for spread in SPREADS:
        row |= {f"m_{spread.name}": 200, f"z_{spread.name}": 0.0, f"v_{spread.name}": 200.0}
    return row | changes


def codes(row, most=10):
    return [reason.code for reason in source_reasons(row, most)]


def test_a_source_like_the_norm_has_no_reason():
    assert codes(sums()) == []


def test_a_source_of_which_nothing_is_known_has_no_reason():
    assert codes(dict.fromkeys(sums())) == []


@pytest.mark.parametrize("name", sorted(SHARE_CODES))
def test_a_share_far_from_its_norm_is_named_in_numbers(name):
    code, direction = SHARE_CODES[name]
    row = sums(**{f"k_{name}": 180 if direction > 0 else 0, f"e_{name}": 20.0 if direction > 0 else 180.0})
    [reason] = source_reasons(row, 5)
    assert reason.code == code
    assert reason.numbers["n"] == 200
    text = CODES[code].explanation.format(**reason.numbers)
    assert MEANINGS[name] in text
    assert "200" in text
    assert 0 < reason.weight <= 1
    other_way = sums(**{f"k_{name}": 0 if direction > 0 else 180, f"e_{name}": 180.0 if direction > 0 else 20.0})
    assert codes(other_way) == []


def test_few_events_are_no_reason_however_odd():
    assert codes(sums(k_hosting=1, n_hosting=1, e_hosting=0.1)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"conversions": 2}, "rate_low"),
        ({"conversions": 2000}, "rate_high"),
        ({"v_ctct": 2.0}, "ctct_regular"),
        ({"v_revenue": 2.0}, "revenue_alike"),
    ],
)
def test_rates_and_scatters_far_from_the_norm_are_named_in_numbers(changes, code):
    [reason] = source_reasons(sums(**changes), 5)
    assert reason.code == code
    assert CODES[code].explanation.format(**reason.numbers)


def test_what_is_explained_is_no_reason():
    row = sums(k_customer_again=180, k_hosting=180, conversions=1000, e_rate=200.0)
    found = source_reasons(row, 5, explained={"customer_again", "rate"})
    assert [reason.code for reason in found] == ["address_hosting"]
    assert set(codes(row)) == {"address_hosting", "customer_repeated", "rate_high"}


def test_a_code_is_given_once_and_the_most_surprising_comes_first():
    row = sums(k_ctct_under_5s=60, k_ctct_under_15s=100, k_hosting=190)
    assert codes(row) == ["address_hosting", "ctct_short"]
    assert codes(row, most=1) == ["address_hosting"]
    assert source_reasons(row, 5)[1].numbers["share"] == "ctct_under_15s"


@given(st.integers(20, 200), st.integers(0, 50))
def test_more_of_the_same_never_weighs_less(k, more):
    def weight(count):
        found = source_reasons(sums(k_hosting=min(count, 200)), 5)
        return found[0].weight if found else 0.0

    assert weight(k + more) >= weight(k)


def test_only_shares_that_say_nothing_in_one_direction_have_no_code():
    named = {share.name for share in (*CONVERSION_SHARES, *CLICK_SHARES)}
    assert named - set(SHARE_CODES) == {"mobile", "phone", "weekend", "click_mobile", "click_phone", "click_no_device"}
