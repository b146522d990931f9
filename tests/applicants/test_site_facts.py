"""Measures of a site are what is there; a promoted site model speaks only where it was taught."""

from __future__ import annotations

import random

import numpy as np
import pytest

from models.sites import SiteLessons, fit
from models.sites_address import ADDRESS_FACTS
from screening.applicants.reasons import explained
from screening.applicants.records import ApplicationCrawl
from screening.applicants.signals.finding import State
from screening.applicants.site_facts import LIKE_REJECTED, MEASURED, SITE_FACTS, SiteEye, fact_frame, site_facts
from screening.applicants.study import Looked

LESSONS = SiteLessons(members=1, trees=20, leaves=4, leaf_rows=5, rate=0.2, facts_part=0.5, ridge=3.0)
WORDS = ("kettle", "garden", "roses", "walking", "boots", "knives", "soup", "weather", "letters", "maps", "bread")


def home(words, links="", title="Garden notes"):
    text = " ".join(WORDS[place % len(WORDS)] + str(place % 7) for place in range(words))
    return f"<html lang=en><head><title>{title}</title></head><body><h1>Notes</h1><p>{text}</p>{links}</body></html>"


def looked(*crawls):
    return Looked(None, ApplicationCrawl("A1", crawls, (), (), (), None))


@pytest.fixture
def garden(crawl_of):
    links = (
        '<a href="/about">About us</a><a href="https://shop.example/x">shop</a>'
        '<iframe src="https://video.example/1"></iframe><form action="/in"><input type="password" name="p"></form>'
    )
    return crawl_of([("https://garden-notes.example/", home(240, links)), ("https://garden-notes.example/a", home(60))])


def test_measures_are_what_is_there(garden):
    facts = site_facts(garden)
    assert set(facts) <= set(SITE_FACTS)
    assert (facts["pages"], facts["same_title_share"], facts["password_fields"]) == (2, 0.5, 1)
    assert facts["words_per_page"] == pytest.approx(150, abs=6)
    assert (facts["links_out_share"], facts["domains_linked"], facts["frames_per_page"]) == (0.5, 1, 0.5)
    assert 0 < facts["compressed_share"] < 0.5  # the same words again and again
    assert facts["distinct_word_share"] < 0.4
    assert facts["host_hyphens"] == 1
    assert set(ADDRESS_FACTS) & set(facts)


def test_without_a_model_it_only_measures_and_the_reader_gets_a_sentence(garden):
    (measured,) = SiteEye(None, "", 0.8)(looked(garden))
    assert (measured.code, measured.state, measured.site) == (MEASURED, State.FOUND, "garden-notes.example")
    assert "2 pages" in explained(MEASURED, measured.numbers)
    assert measured.exhibits[0].url == "https://garden-notes.example/"


def test_a_site_that_could_not_be_read_is_unknown(crawl_of, page_of):
    broken = crawl_of([page_of("https://gone.example/", status=None, error="dns_not_found")])
    assert [finding.state for finding in SiteEye(None, "", 0.8)(looked(broken))] == [State.UNKNOWN]
    model = taught()
    states = {one.code: one.state for one in SiteEye(model, "v1", 0.8)(looked(broken))}
    assert states == {MEASURED: State.UNKNOWN, LIKE_REJECTED: State.UNKNOWN}


def taught():
    """Teach that sites of few words are rejected."""
    rng = random.Random(3)
    bad = np.array([number % 2 == 0 for number in range(200)])
    rows = []
    for one in bad:
        row = {name: rng.random() for name in SITE_FACTS}
        rows.append({**row, "words_per_page": rng.uniform(20, 120) if one else rng.uniform(300, 900)})
    return fit(fact_frame(rows), bad, LESSONS, seed=1)


def test_a_promoted_model_speaks_where_it_was_taught(crawl_of):
    model = taught()
    few, many = (crawl_of([(f"https://site{number}.example/", home(words))]) for number, words in enumerate((40, 800)))
    found = {(one.site, one.code): one for one in SiteEye(model, "20260101-abc", 0.7)(looked(few, many))}
    thin = found["site0.example", LIKE_REJECTED]
    assert thin.found
    assert "20260101-abc" in explained(LIKE_REJECTED, thin.numbers)
    assert found["site1.example", LIKE_REJECTED].state is State.ABSENT


def test_a_measure_that_was_never_missing_in_teaching_and_is_now_makes_it_unknown():
    model = taught()
    whole = dict.fromkeys(SITE_FACTS, 0.5)
    without = {name: value for name, value in whole.items() if name != "title_words"}
    known, unknown = model.score(fact_frame([whole, without]))
    assert 0 <= known <= 1
    assert np.isnan(unknown)
