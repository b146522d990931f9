"""The scorecard is monotone, weak signs stay weak, and wrong points are refused before anything is judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.applicants.decide import SPARED, Advice, Decision, check_gates, decide
from screening.applicants.reasons import Tier, explained, reasons
from screening.applicants.scorecard import check_points, scorecard
from screening.applicants.signals.finding import Finding, State, absent, unknown
from screening.errors import SettingsError
from screening.settings import load_settings

SCREENING = load_settings(None, {}).settings.screening
CODES = list(reasons())
BAD = [code for code in CODES if reasons()[code].tier is not Tier.CREDIT and code != SPARED]
GOOD = [code for code in CODES if reasons()[code].tier is Tier.CREDIT]
SEVERITY = {Decision.APPROVE: 0, Decision.REVIEW: 1, Decision.REJECT: 2}
findings = st.lists(st.sampled_from(CODES), max_size=12)


def found(*codes):
    return [Finding(code, State.FOUND) for code in codes]


def test_every_code_that_counts_has_points_and_the_shipped_settings_hold():
    check_points(SCREENING.scorecard)
    check_gates(SCREENING.reject_on)
    assert set(SCREENING.reject_on) <= {code for code in CODES if reasons()[code].tier is Tier.POLICY}


@given(findings, st.sampled_from(BAD), st.integers(0, 500))
def test_more_bad_news_is_never_milder(codes, another, number):
    before = decide(f"A{number}", found(*codes) or [absent("parked")], SCREENING)
    after = decide(f"A{number}", found(*codes, another), SCREENING)
    assert after.scorecard.points >= before.scorecard.points
    assert after.scorecard.score >= before.scorecard.score
    assert SEVERITY[after.decision] >= SEVERITY[before.decision]


@given(findings, st.sampled_from(GOOD))
def test_more_good_news_is_never_worse_and_never_hides_a_grave_sign(codes, another):
    before, after = (
        scorecard(found(*codes), SCREENING.scorecard),
        scorecard(found(*codes, another), SCREENING.scorecard),
    )
    assert after.points <= before.points
    grave = [code for code in set(codes) if reasons()[code].tier in {Tier.DECISIVE, Tier.SUPPORTING, Tier.POLICY}]
    assert after.points >= sum(SCREENING.scorecard.points[code] for code in grave)


@given(st.lists(st.sampled_from(CODES)), st.lists(st.sampled_from(CODES)))
def test_unknown_and_absent_never_change_the_points(missing, looked_for):
    noise = [unknown(code, None, "off") for code in missing] + [absent(code) for code in looked_for]
    assert scorecard([*found("thin_content"), *noise], SCREENING.scorecard).points == 6


def test_a_code_counts_once_however_many_sites_show_it():
    twice = [Finding("forced_click", State.FOUND, site) for site in ("a.com", "b.com")]
    card = scorecard(twice, SCREENING.scorecard)
    assert card.points == SCREENING.scorecard.points["forced_click"]
    assert len(card.weighed[0].findings) == 2


def test_all_weak_signs_together_are_not_enough_for_review():
    weak = [code for code in CODES if reasons()[code].tier is Tier.WEAK]
    verdict = decide("A1", found(*weak), SCREENING.model_copy(update={"audit_share": 0.0}))
    assert verdict.decision is Decision.APPROVE


def test_every_decisive_sign_alone_is_enough_for_review():
    for code in CODES:
        if reasons()[code].tier in {Tier.DECISIVE, Tier.UNSEEN}:
            assert decide("A1", found(code, *GOOD), SCREENING).decision is Decision.REVIEW, code


def test_only_facts_reject_without_a_person():
    for code in CODES:
        rejected = decide("A1", found(code), SCREENING).decision is Decision.REJECT
        assert rejected == (code in SCREENING.reject_on)
    for code in ("site_unreachable", "thin_content", "nonsense"):
        with pytest.raises(SettingsError, match=code):
            check_gates([code])


def test_nothing_looked_at_is_no_approval():
    verdict = decide("A1", [], SCREENING)
    assert verdict.decision is Decision.REVIEW
    assert verdict.reasons == ("screening_failed",)


def test_the_audit_draws_the_share_and_the_same_ones_again():
    settings = SCREENING.model_copy(update={"audit_share": 0.1})
    drawn = [decide(f"A{number}", [absent("parked")], settings).decision is Decision.REVIEW for number in range(3000)]
    assert 0.07 < sum(drawn) / len(drawn) < 0.13
    again = [decide(f"A{number}", [absent("parked")], settings).decision is Decision.REVIEW for number in range(3000)]
    assert drawn == again
    other = settings.model_copy(update={"seed": settings.seed + 1})
    assert drawn != [
        decide(f"A{number}", [absent("parked")], other).decision is Decision.REVIEW for number in range(3000)
    ]


def test_advice_to_the_reviewer():
    settings = SCREENING.model_copy(update={"audit_share": 1.0})
    assert decide("A1", found("site_unreachable"), SCREENING).advice is Advice.ASK
    assert decide("A1", found("forced_click"), SCREENING).advice is Advice.REJECT
    assert decide("A1", found("ring"), SCREENING).advice is Advice.LOOK
    drawn = decide("A1", [absent("parked")], settings)
    assert (drawn.decision, drawn.advice, drawn.reasons) == (Decision.REVIEW, Advice.APPROVE, ("audit_sample",))


@pytest.mark.parametrize(
    ("points", "named"),
    [
        ({"parked": -1}, "parked"),
        ({"ownership_shown": 5}, "ownership_shown"),
        ({"nonsense": 1}, "nonsense"),
        ({"site_slow": 9}, "site_slow"),
    ],
)
def test_points_of_the_wrong_sign_or_of_no_code_are_refused(points, named):
    changed = SCREENING.scorecard.model_copy(update={"points": {**SCREENING.scorecard.points, **points}})
    with pytest.raises(SettingsError, match=named):
        check_points(changed)


def test_a_code_without_points_is_refused():
    without = {code: value for code, value in SCREENING.scorecard.points.items() if code != "parked"}
    changed = SCREENING.scorecard.model_copy(update={"points": without})
    with pytest.raises(SettingsError, match="parked"):
        check_points(changed)
    with pytest.raises(SettingsError, match="parked"):
        scorecard(found_with_numbers("parked"), changed)


def found_with_numbers(code):
    return [Finding(code, State.FOUND)]


def test_what_applicants_are_told_names_no_method():
    for code, reason in reasons().items():
        if reason.tier not in {Tier.CREDIT, Tier.CONTEXT}:
            assert len(reason.advice) > 10, code
        for word in ("simhash", "points", "score", "iframe", "adsense", "analytics", "banned", "{"):
            assert word not in reason.advice.lower(), code


def test_an_explanation_needs_its_numbers():
    assert (
        explained("copied_content", {"share": 0.5, "other": "a.com"})
        == "50% of its text also stands on a.com, and this site is the copy."
    )
    with pytest.raises(KeyError):
        explained("copied_content", {})
