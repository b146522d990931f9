"""What a cap recommendation promises: bounded, steady under noise, never kinder to more bad, exact, and explained."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema import CAP_TYPES
from screening.caps.codes import CAP_CODES, sentences
from screening.caps.effect import effect
from screening.caps.evidence import BadShare, CapEvidence, Decided, Demand, Partner, Room, Worth
from screening.caps.limits import DAYS, MONEY, Cap, Measure
from screening.caps.policy import CapPolicy
from screening.caps.recommend import recommend, usual_period
from screening.settings.load import load_settings

NOW = datetime(2026, 3, 11, 6, tzinfo=UTC)
SETTINGS = load_settings(None, {}).settings.caps
POLICY = replace(CapPolicy(**{field.name: getattr(SETTINGS, field.name) for field in fields(CapPolicy)}), draws=60)
WORTH = Worth(clean=0.3, bad=0.6, early=0.1, evidence_days=7, reversed=0.05, payout_per_unit=1.0, currency="USD")
ORDER = {"pause": 0, "lower": 1, "keep": 2, "raise": 3}
OLD = Partner("active", 400.0)


def share(mean, size=200, conversions=None):
    return BadShare(mean * size, (1 - mean) * size, size if conversions is None else conversions)


def evidence(cap_type="daily_payout", **changes):
    cap = Cap("o1", "a1", cap_type)
    days = 31 if cap_type.startswith("monthly") else 7
    given_ = CapEvidence(
        cap=cap,
        as_of=NOW,
        newest=NOW,
        current=Decimal(1000),
        used=Decimal(0),
        bad=share(0.5),
        demand=Demand(NOW.date(), (950.0,) * days, (0.8, 1.0, 1.2)),
        worth=WORTH,
        partner=OLD,
    )
    return replace(given_, **changes)


shares = st.floats(0.001, 0.999)
amounts = st.decimals(Decimal("0.01"), Decimal(10**9), places=2)
cap_types = st.sampled_from(CAP_TYPES)
demands = st.builds(
    lambda level, spread: Demand(NOW.date(), (level,) * 31, spread),
    st.floats(0.01, 1e7),
    st.sampled_from([(1.0,), (0.5, 1.5), (0.0, 0.0, 3.0)]),
)


@st.composite
def cases(draw):
    age = draw(st.one_of(st.none(), st.floats(0, 100)))
    decided = draw(
        st.lists(st.builds(Decided, st.sampled_from(list(ORDER)), st.just(NOW - timedelta(hours=30)), st.booleans()))
    )
    return evidence(
        draw(cap_types),
        current=draw(st.one_of(st.none(), st.just(Decimal(0)), amounts)),
        used=draw(amounts),
        demand=draw(st.one_of(st.none(), demands)),
        partner=draw(
            st.one_of(st.none(), st.builds(Partner, st.sampled_from(["active", "paused", None]), st.just(age)))
        ),
        least=draw(st.one_of(st.none(), amounts)),
        room=draw(st.one_of(st.none(), st.builds(Room, amounts, st.just("monthly_payout")))),
        decided=tuple(decided),
        limited=draw(st.integers(0, 2)),
        bad=share(draw(shares), draw(st.integers(20, 2000))),
    )


def height(limit):
    """Order limits; none at all is the highest."""
    return Decimal("Infinity") if limit is None else limit


@settings(max_examples=40, deadline=None)
@given(cases(), st.floats(0, 500))
def test_more_bad_never_gives_a_higher_limit(case, more):
    worse = replace(case, bad=replace(case.bad, bad=case.bad.bad + more))
    before, after = recommend(case, POLICY), recommend(worse, POLICY)
    assert height(after.recommended) <= height(before.recommended)
    assert ORDER[after.action] <= ORDER[before.action]


@settings(max_examples=40, deadline=None)
@given(cases())
def test_steps_are_bounded_and_actions_mean_what_they_say(case):
    done = recommend(case, POLICY)
    if done.action == "keep":
        assert done.recommended == case.current
    elif done.action == "pause":
        assert done.recommended == 0
    elif done.action == "raise":
        assert case.current < done.recommended <= case.current * Decimal(str(1 + POLICY.raise_step_max))
    else:
        usual = usual_period(case)
        base = usual if case.current is None else min(usual, case.current)
        assert done.recommended >= base * Decimal(str(1 - POLICY.lower_step_max))
        assert done.recommended > 0
        assert height(done.recommended) < height(case.current)


@settings(max_examples=25, deadline=None)
@given(cases())
def test_limits_are_exact_and_whole_where_things_are_counted(case):
    limit = recommend(case, POLICY).recommended
    if limit is None or limit == case.current:
        return
    assert isinstance(limit, Decimal)
    assert limit == limit.quantize(Decimal("0.01") if case.cap.measure in MONEY else Decimal(1))


@settings(max_examples=25, deadline=None)
@given(cases())
def test_a_limit_below_what_is_used_says_so(case):
    done = recommend(case, POLICY)
    says = "below_use" in [reason.code for reason in done.reasons]
    stops = done.action in ("lower", "pause") and done.recommended < case.used
    assert says == stops


@settings(max_examples=25, deadline=None)
@given(cases())
def test_every_reason_can_be_said(case):
    done = recommend(case, POLICY)
    codes = [reason.code for reason in done.reasons]
    assert set(codes) <= set(CAP_CODES)
    assert "what_would_change" in codes
    told = sentences([{"code": reason.code, "numbers": reason.numbers} for reason in done.reasons])
    titles = {code.title + "." for code in CAP_CODES.values()}
    assert not set(told) & titles


@settings(max_examples=20, deadline=None)
@given(cases())
def test_the_same_evidence_gives_the_same_answer(case):
    assert recommend(case, POLICY) == recommend(case, POLICY)


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.03, 0.03), st.floats(-0.03, 0.03))
def test_noise_flips_nothing(first, second):
    """The band between raising and lowering is far wider than the noise of a posterior."""
    break_even = WORTH.break_even
    middle = break_even * 0.8
    actions = {recommend(evidence(bad=share(middle + noise)), POLICY).action for noise in (first, second)}
    assert actions == {"keep"}


def test_a_raise_is_not_taken_back_the_next_day():
    raised = (Decided("raise", NOW - timedelta(days=1), rejected=False),)
    bad = share(0.5)
    assert recommend(evidence(bad=bad), POLICY).action == "lower"
    put_off = recommend(evidence(bad=bad, decided=raised), POLICY)
    assert put_off.action == "keep"
    assert "changed_lately" in [reason.code for reason in put_off.reasons]
    assert recommend(evidence(bad=share(0.97), decided=raised), POLICY).action == "pause"
    long_ago = (Decided("raise", NOW - timedelta(days=8), rejected=False),)
    assert recommend(evidence(bad=bad, decided=long_ago), POLICY).action == "lower"


def test_what_a_person_refused_is_not_asked_again_at_once():
    refused = (Decided("lower", NOW - timedelta(days=2), rejected=True),)
    done = recommend(evidence(decided=refused), POLICY)
    assert (done.action, "rejected_lately" in [reason.code for reason in done.reasons]) == ("keep", True)


def test_a_limit_is_lowered_at_most_once_a_day():
    lowered = (Decided("lower", NOW - timedelta(hours=2), rejected=False),)
    assert recommend(evidence(decided=lowered), POLICY).action == "keep"
    yesterday = (Decided("lower", NOW - timedelta(hours=24), rejected=False),)
    assert recommend(evidence(decided=yesterday), POLICY).action == "lower"


def test_a_new_partner_keeps_enough_to_prove_itself():
    floor = Decimal(40) * POLICY.new_partner_conversions
    new = evidence(bad=share(0.95), partner=Partner("active", 5.0), least=Decimal(40))
    assert recommend(evidence(bad=share(0.95)), POLICY).action == "pause"
    assert recommend(new, POLICY).action == "lower"
    assert recommend(new, POLICY).recommended >= floor
    small = recommend(replace(new, current=Decimal(250)), POLICY)
    assert (small.action, small.recommended) == ("lower", floor)
    assert "partner_new" in [reason.code for reason in small.reasons]
    assert recommend(replace(new, current=Decimal(150)), POLICY).action == "keep"


def test_a_banned_partner_is_paused_whatever_is_known():
    done = recommend(evidence(bad=None, partner=Partner("banned", 3.0)), POLICY)
    assert (done.action, done.recommended) == ("pause", 0)


def test_a_whole_offer_is_never_paused():
    assert recommend(evidence(bad=share(0.99), partner=None), POLICY).action == "lower"


def test_good_ones_are_raised_unless_they_may_not():
    good = evidence(bad=share(0.02))
    assert recommend(good, POLICY).action == "raise"
    assert recommend(replace(good, partner=Partner("paused", 400.0)), POLICY).action == "keep"


def test_the_advertisers_budget_is_not_raised():
    budget = evidence(bad=share(0.02), partner=None, cap=Cap("o1", None, "daily_payout"))
    done = recommend(budget, POLICY)
    assert (done.action, "budget_of_advertiser" in [reason.code for reason in done.reasons]) == ("keep", True)
    counts = replace(budget, cap=Cap("o1", None, "daily_conversions"))
    assert recommend(counts, POLICY).action == "raise"
    assert recommend(replace(counts, limited=1), POLICY).action == "keep"


def test_a_good_partner_far_from_its_limit_is_left_alone():
    assert recommend(evidence(bad=share(0.02), current=Decimal(5000)), POLICY).action == "keep"


def test_a_raise_stays_within_the_offers_room():
    done = recommend(evidence(bad=share(0.001, 5000), room=Room(Decimal(110), "monthly_payout")), POLICY)
    assert (done.action, done.recommended) == ("raise", Decimal(1110))
    assert recommend(evidence(bad=share(0.001, 5000), room=Room(Decimal(0), "monthly_payout")), POLICY).action == "keep"


def test_too_little_known_changes_nothing():
    for bad in (None, share(0.99, conversions=POLICY.conversions_min - 1)):
        done = recommend(evidence(bad=bad), POLICY)
        assert (done.action, done.reasons[0].code) == ("keep", "bad_share_unknown")


@pytest.mark.parametrize("cap_type", CAP_TYPES)
def test_money_of_several_currencies_is_never_added_up(cap_type):
    done = recommend(evidence(cap_type, mixed=True), POLICY)
    assert done.effect is None
    money = Measure(cap_type.partition("_")[2]) in MONEY
    assert (done.action == "keep" and done.reasons[0].code == "currencies_mixed") == money


@pytest.mark.parametrize("cap_type", CAP_TYPES)
def test_every_kind_of_cap_is_lowered_and_raised(cap_type):
    days = DAYS[Cap("o1", "a1", cap_type).span]
    limit = Decimal(1000 * days)
    used = {1: Decimal(0), 7: Decimal(2000)}.get(days, limit * 9 / 10)
    base = evidence(cap_type, current=limit, used=used)
    assert recommend(base, POLICY).action == "lower"
    assert recommend(replace(base, bad=share(0.02)), POLICY).action == "raise"


def test_saving_and_cost_follow_from_what_is_turned_away():
    even = evidence(demand=Demand(NOW.date(), (100.0,) * 7, (1.0,)), bad=BadShare(6000, 4000, 10_000))
    done = effect(even, Decimal(50), POLICY)
    # 50 a day for 7 days, of which 60 % are bad
    assert float(done.saving.expected) == pytest.approx(210, rel=0.01)
    assert float(done.cost.expected) == pytest.approx(350 * 0.4 * WORTH.clean, rel=0.02)
    assert done.saving.low <= done.saving.expected <= done.saving.high
    assert done.currency == "USD"


def test_what_was_used_counts_against_the_limit_of_its_period_only():
    demand = Demand(date(2026, 3, 31), (100.0,) * 7, (1.0,))
    monthly = evidence("monthly_payout", demand=demand, used=Decimal(1000), bad=BadShare(9999, 1, 10_000))
    done = effect(replace(monthly, current=None), Decimal(1000), POLICY)
    assert float(done.saving.expected) == pytest.approx(100, rel=0.01)  # the last day of March; April begins anew


def test_old_data_are_called_old():
    codes = [reason.code for reason in recommend(evidence(newest=NOW - timedelta(days=9)), POLICY).reasons]
    assert "data_old" in codes
