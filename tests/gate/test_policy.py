"""From evidence to a decision: only a known score without any objection pays."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evidence import Reason, Severity
from models.reasons import CODES, RULES
from screening.gate.decision import Hold, Pay, Reject, severity
from screening.gate.policy import Evidence, by_rule, clear, decide

NOTHING = Evidence((), None, False, (), False)
CLEAN = replace(NOTHING, score=0.01)
MOST = 5

rule_reasons = st.builds(Reason, st.sampled_from([rule.code for rule in RULES]))
source_reasons = st.builds(Reason, st.sampled_from(["rate_low", "ctct_short", "address_hosting"]))
scores = st.one_of(st.none(), st.floats(0, 1), st.just(math.nan))
evidences = st.builds(
    Evidence,
    st.lists(rule_reasons, max_size=3),
    scores,
    st.booleans(),
    st.lists(source_reasons, max_size=3),
    st.booleans(),
)


def test_no_evidence_never_pays():
    decision = decide(NOTHING, MOST)
    assert isinstance(decision, Hold)
    assert [reason.code for reason in decision.reasons] == ["facts_missing"]


@given(evidences, st.sampled_from([None, math.nan, math.inf, -0.1, 1.5]))
def test_an_unknown_score_never_pays(evidence, unknown):
    assert not isinstance(decide(replace(evidence, score=unknown), MOST), Pay)


def test_a_known_score_without_objection_pays():
    assert decide(CLEAN, MOST) == Pay(())


@pytest.mark.parametrize("unknown", ["held", "source_held"])
def test_an_objection_that_is_not_known_holds(unknown):
    decision = decide(replace(CLEAN, **{unknown: None}), MOST)
    assert isinstance(decision, Hold)
    assert [reason.code for reason in decision.reasons] == ["facts_missing"]


maybe = st.sampled_from([True, False, None])


@given(st.lists(st.tuples(st.one_of(scores, st.floats()), maybe, maybe, st.booleans()), max_size=20))
def test_rows_are_clear_exactly_where_the_decision_is_to_pay(rows):
    schema = {"score": pl.Float64, "held": pl.Boolean, "source_held": pl.Boolean, "ruled": pl.Boolean}
    found = pl.DataFrame(rows, schema=schema, orient="row").select(clear(pl.col("ruled"))).to_series()
    rule = Reason(RULES[0].code)
    expected = [
        isinstance(decide(Evidence((rule,) if ruled else (), score, held, (), whole), MOST), Pay)
        for score, held, whole, ruled in rows
    ]
    assert found.to_list() == expected


@given(evidences, rule_reasons)
def test_another_rule_never_makes_the_decision_milder(evidence, another):
    more = replace(evidence, rules=[*evidence.rules, another])
    assert severity(decide(more, MOST)) >= severity(decide(evidence, MOST))
    assert severity(decide(more, MOST)) >= severity(by_rule(another))


@given(evidences, st.lists(source_reasons, max_size=2))
def test_further_evidence_never_makes_the_decision_milder(evidence, more):
    before = severity(decide(evidence, MOST))
    for change in ({"held": True}, {"source_held": True}, {"source": [*evidence.source, *more]}, {"score": None}):
        assert severity(decide(replace(evidence, **change), MOST)) >= before


@given(evidences)
def test_a_held_conversion_or_source_never_pays(evidence):
    assert not isinstance(decide(replace(evidence, held=True), MOST), Pay)
    assert not isinstance(decide(replace(evidence, source_held=True), MOST), Pay)


@given(evidences, st.integers(1, 6))
def test_reasons_are_bounded_and_the_worst_survives(evidence, most):
    decision = decide(evidence, most)
    assert len(decision.reasons) <= most
    if isinstance(decision, Reject):
        assert CODES[decision.reasons[0].code].severity is Severity.CERTAIN


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_only_certain_rules_reject(rule):
    decision = decide(replace(CLEAN, rules=(Reason(rule.code),)), MOST)
    assert isinstance(decision, Reject if rule.severity is Severity.CERTAIN else Hold)


def test_a_hold_on_the_score_alone_shows_the_score_and_invents_none():
    known = decide(replace(CLEAN, score=0.9, held=True), MOST)
    assert known.reasons[0].code == "unlike_programme"
    assert known.reasons[0].numbers == {"score": 0.9}
    unknown = decide(replace(NOTHING, source_held=True), MOST)
    assert {reason.code for reason in unknown.reasons} == {"facts_missing"}


def test_a_source_s_reasons_alone_hold_nothing():
    assert isinstance(decide(replace(CLEAN, source=(Reason("rate_low"),)), MOST), Pay)


def test_a_rule_that_nobody_knows_is_an_error():
    with pytest.raises(KeyError):
        by_rule(Reason("no_such_code"))
