"""Joining decisions: the severest wins, nothing is lost, nothing at all is a hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evidence import Reason
from screening.gate.decision import Decision, Hold, Pay, Reject, name, severity, worst

reasons = st.lists(st.builds(Reason, st.sampled_from(["tor_exit", "rate_low", "not_judged"])), min_size=1, max_size=3)
decisions: st.SearchStrategy[Decision] = st.one_of(
    st.builds(Pay, st.just(())),
    st.builds(lambda given: Hold(tuple(given)), reasons),
    st.builds(lambda given: Reject(tuple(given)), reasons),
)


def test_no_decision_is_a_hold():
    joined = worst([])
    assert isinstance(joined, Hold)
    assert [reason.code for reason in joined.reasons] == ["not_judged"]


@given(st.lists(decisions), decisions)
def test_another_decision_never_makes_the_outcome_milder(given, another):
    assert severity(worst([*given, another])) >= max(severity(one) for one in [*given, another])
    if given:
        assert severity(worst([*given, another])) >= severity(worst(given))


@given(st.lists(decisions, min_size=1))
def test_every_reason_is_kept_once(given):
    joined = worst(given)
    codes = [reason.code for reason in joined.reasons]
    assert len(codes) == len(set(codes))
    assert set(codes) == {reason.code for decision in given for reason in decision.reasons}


@given(st.lists(decisions, min_size=1))
def test_the_order_of_decisions_does_not_change_the_outcome(given):
    assert name(worst(given)) == name(worst(list(reversed(given))))


def test_the_reasons_of_the_severest_decision_come_first():
    joined = worst([Hold((Reason("tor_exit"),)), Reject((Reason("declared_bot"),))])
    assert [reason.code for reason in joined.reasons] == ["declared_bot", "tor_exit"]


def test_the_same_code_with_other_numbers_is_another_reason():
    joined = worst([Hold((Reason("tor_exit", {"ip": "a"}),)), Hold((Reason("tor_exit", {"ip": "b"}),))])
    assert len(joined.reasons) == 2


@pytest.mark.parametrize("kind", [Hold, Reject])
def test_nothing_is_held_or_rejected_without_a_reason(kind):
    with pytest.raises(ValueError, match="reason"):
        kind(())
