"""The site model learns what labelled sites show, keeps what it learned, and never calls the unknown good."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.judge import ModelFileError
from models.sites import FEWEST, FEWEST_KNOWN, SiteLessons, SiteModel, fit
from models.sites_address import ADDRESS_FACTS, address_facts
from models.trees import pack

LESSONS = SiteLessons(members=2, trees=30, leaves=8, leaf_rows=5, rate=0.2, facts_part=0.5, ridge=10.0)
PASSWORDS = ("login", "verify-account", "secure-update", "password-reset")


def sites(rows: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Draw sites of which bad ones are younger (often not known) and link out more; `noise` tells nothing."""
    rng = np.random.default_rng(seed)
    bad = rng.random(rows) < 0.4
    age = np.where(bad, rng.exponential(200, rows), rng.exponential(3_000, rows))
    frame = pl.DataFrame({
        "age_days": [None if lost else day for lost, day in zip(rng.random(rows) < 0.3, age, strict=True)],
        "outward_share": np.where(bad, rng.beta(4, 2, rows), rng.beta(2, 4, rows)),
        "login_form": rng.random(rows) < np.where(bad, 0.5, 0.1),
        "noise": rng.normal(size=rows),
    })  # fmt: skip
    return frame, bad


@pytest.fixture(scope="module")
def model() -> SiteModel:
    fitted = fit(*sites(1_500, 1), LESSONS, seed=3)
    assert fitted is not None
    return fitted


def test_it_tells_bad_from_good_on_sites_it_has_not_seen(model):
    asked, bad = sites(2_000, 2)
    scores = model.score(asked)
    assert ((scores >= 0.5) == bad).mean() > 0.8  # the truth of this drawing gives 0.86; saying "good" gives 0.6
    # a score is a probability: of sites at about 0.8 about that share is bad
    high = (scores > 0.7) & (scores < 0.9)
    assert bad[high].mean() == pytest.approx(scores[high].mean(), abs=0.12)


def test_labels_that_mean_nothing_teach_nothing():
    taught, bad = sites(1_500, 1)
    shuffled = np.random.default_rng(0).permutation(bad)
    nothing = fit(taught, shuffled, LESSONS, seed=3)
    asked, truth = sites(2_000, 2)
    told = nothing.score(asked)
    assert abs(told[truth].mean() - told[~truth].mean()) < 0.05


def test_the_same_arguments_give_the_same_model_and_it_comes_back_from_bytes(model):
    again = fit(*sites(1_500, 1), LESSONS, seed=3)
    assert again.dump() == model.dump()
    assert fit(*sites(1_500, 1), LESSONS, seed=4).dump() != model.dump()
    asked, _ = sites(300, 5)
    stored = SiteModel.load(model.dump())
    np.testing.assert_array_equal(stored.score(asked), model.score(asked))
    assert (stored.facts, stored.always, stored.bad_share) == (model.facts, model.always, model.bad_share)


def test_damaged_bytes_and_other_models_are_refused(model):
    content = model.dump()
    for damaged in (content[: len(content) // 2], b"", b"not a model"):
        with pytest.raises(ModelFileError):
            SiteModel.load(damaged)
    with pytest.raises(ModelFileError, match="another kind"):
        SiteModel.load(pack(list(model.members), {"features": []}, {}))


def test_columns_in_another_order_and_further_columns_change_nothing(model):
    asked, _ = sites(300, 5)
    other = asked.select(pl.lit("x").alias("title"), *reversed(asked.columns))
    np.testing.assert_array_equal(model.score(other), model.score(asked))


@given(st.integers(0, 299), st.sets(st.sampled_from(["age_days", "outward_share", "login_form", "noise"])))
def test_missing_facts_make_unknown_unless_their_absence_was_taught(model, row, gone):
    asked = sites(300, 5)[0][row]
    partly = asked.with_columns(pl.lit(None, dtype=asked.schema[name]).alias(name) for name in gone)
    score = model.score(partly)[0]
    # age_days was missing of some sites in teaching, the others never
    assert np.isnan(score) == bool(gone - {"age_days"})
    assert np.isnan(model.score(asked.drop(gone))[0]) == np.isnan(score)
    assert np.isnan(score) or 0 <= score <= 1


def test_a_site_of_which_nothing_is_known_is_unknown_even_if_facts_often_lacked():
    taught, bad = sites(1_500, 1)
    sparse = fit(taught.select("age_days"), bad, LESSONS, seed=1)
    assert sparse.always == ()
    scores = sparse.score(pl.DataFrame({"age_days": [None, 10.0, float("nan"), float("inf")]}))
    assert np.isnan(scores).tolist() == [True, False, True, True]


def test_too_little_to_learn_from_gives_no_model():
    taught, bad = sites(1_500, 1)
    few = np.flatnonzero(bad)[: FEWEST - 1].tolist() + np.flatnonzero(~bad).tolist()
    assert fit(taught[few], bad[few], LESSONS, seed=1) is None
    assert fit(taught.select(), np.zeros(0, dtype=bool), LESSONS, seed=1) is None
    rare = pl.DataFrame({"rare": [1.0] * (FEWEST_KNOWN - 1) + [None] * (1_500 - FEWEST_KNOWN + 1)})
    assert fit(rare, bad, LESSONS, seed=1) is None
    both = fit(taught.hstack(rare), bad, LESSONS, seed=1)
    assert both.facts == tuple(taught.columns)


def test_labels_and_texts_in_the_wrong_place_are_refused():
    taught, bad = sites(200, 1)
    for wrong in (bad[:-1], bad.astype(int), np.where(bad, np.nan, 0.0)):
        with pytest.raises(ValueError, match="200 booleans"):
            fit(taught, wrong, LESSONS, seed=1)
    with pytest.raises(ValueError, match="'site' must be a number"):
        fit(taught.with_columns(site=pl.lit("example.org")), bad, LESSONS, seed=1)


def test_addresses_alone_can_be_taught():
    rng = np.random.default_rng(4)
    bad = rng.random(600) < 0.5
    names = ["".join(rng.choice(list("abcdefghilmnoprst"), 8)) for _ in range(600)]
    addresses = [
        f"http://{name}.com/{rng.choice(PASSWORDS)}/{rng.integers(10**9)}"
        if sign
        else f"https://{name}.com/garden/roses"
        for name, sign in zip(names, bad, strict=True)
    ]
    model = fit(address_facts(addresses), bad, LESSONS, seed=1)
    shown, calm = model.score(address_facts(["https://kestrel.com/login/88123123", "https://kestrel.com/garden/tools"]))
    assert shown > 0.9
    assert calm < 0.1


def test_facts_of_an_address():
    row = address_facts(["http://www.my-shop24.example.co.uk/a/b1?x=1&y=%20"]).row(0, named=True)
    assert row["host_length"] == len("www.my-shop24.example.co.uk")
    assert (row["host_labels"], row["host_hyphens"], row["host_www"], row["suffix_length"]) == (5, 1, 1, 2)
    assert (row["path_depth"], row["query_parameters"], row["escapes"]) == (2, 2, 1)
    assert row["host_digit_share"] == pytest.approx(2 / row["host_length"])
    assert row["host_longest_word"] == len("example")
    numeric = address_facts(["http://203.0.113.7/login"]).row(0, named=True)
    assert (numeric["host_is_ip"], numeric["host_labels"], numeric["sign_in_words"]) == (1, 0, 1)
    assert address_facts(["aab.com"])["host_entropy"][0] == pytest.approx(2.52, abs=0.01)


def test_a_bare_domain_is_read_as_https():
    bare, full = address_facts(["kestrel.example/roses", "https://kestrel.example/roses"]).drop("address_length").rows()
    assert bare == full


@given(st.text(max_size=60))
def test_any_text_gives_facts_in_range_or_none(text):
    frame = address_facts([text])
    assert tuple(frame.columns) == ADDRESS_FACTS
    values = frame.row(0)
    assert all(value is None for value in values) or all(value is not None and value >= 0 for value in values)


@pytest.mark.parametrize("text", ["", "   ", "https://", "http://[::1", "mailto:", "///", "localhost"])
def test_what_is_no_address_has_no_facts(text):
    assert set(address_facts([text]).row(0)) == {None}
