"""What a partner declares explains returning customers for that partner, and nothing else for nobody else."""

from __future__ import annotations

import polars as pl
import pytest

from features.declared import EXPLAINED_FEATURES, MOST_EACH, believable, rewarders, without_explained
from features.families import all_features

FEATURES = [feature.name for feature in all_features()]


def affiliate(methods, status="active"):
    schema = {"affiliate_id": pl.String, "promo_methods": pl.List(pl.String), "status": pl.String}
    return pl.DataFrame([("a", methods, status)], schema=schema, orient="row")


@pytest.mark.parametrize("methods", [["cashback"], ["content", "Cash-Back"], ["LOYALTY_programme"], [" rewards "]])
def test_partners_that_reward_their_customers_are_known_by_what_they_declare(methods):
    assert rewarders(affiliate(methods)) == {"a"}
    assert rewarders(affiliate(methods, None)) == {"a"}


@pytest.mark.parametrize("methods", [None, [], ["content"], ["incentive"], [None], ["cashbacks are bad"]])
def test_what_is_not_declared_explains_nothing(methods):
    assert rewarders(affiliate(methods)) == frozenset()


@pytest.mark.parametrize("status", ["paused", "banned"])
def test_the_word_of_a_stopped_partner_counts_for_nothing(status):
    assert rewarders(affiliate(["cashback"], status)) == frozenset()


def test_only_returning_customers_of_those_partners_become_unknown():
    rows = pl.DataFrame({"affiliate_id": ["a", "b"], **{name: [1.0, 1.0] for name in FEATURES}})
    told = without_explained(rows, {"a"})
    assert told.columns == rows.columns
    unknown = {name for name in FEATURES if told[name].to_list() == [None, 1.0]}
    assert unknown == set(EXPLAINED_FEATURES)
    assert {"customer_again", "customer_again_sub28", "rate_partner28", "customer_id_uses"} < unknown
    assert not unknown & {"customer_elsewhere_sub28", "customer_id_partners", "hosting_sub28", "rare_country_sub28"}
    assert without_explained(rows, frozenset()).equals(rows)


def conversions(customers, each, **columns):
    known = {"customer_id": [f"c{n % customers}" for n in range(customers * each)], "device_id": None, "ip": None}
    schema = dict.fromkeys(("affiliate_id", "customer_id", "device_id", "ip"), pl.String)
    return pl.DataFrame({"affiliate_id": "a", **known, **columns}, schema=schema)


def test_a_club_has_many_members_and_a_ring_of_few_is_none_whatever_it_declares():
    assert believable({"a"}, conversions(200, 3)) == {"a"}
    assert believable({"a"}, conversions(200, int(MOST_EACH))) == {"a"}
    assert believable({"a"}, conversions(4, 40)) == frozenset()
    assert believable({"b"}, conversions(200, 3)) == frozenset()


def test_members_who_share_one_device_are_no_club_and_unknown_members_neither():
    assert believable({"a"}, conversions(200, 1, device_id="one")) == frozenset()
    assert believable({"a"}, conversions(200, 1, customer_id=None)) == frozenset()
