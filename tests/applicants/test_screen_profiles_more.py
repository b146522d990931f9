"""Profiles that are walls, that count in structured data, and that are somebody else's; ratings deep inside a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from screening.applicants.intake_fields import application
from screening.applicants.reviews import review_findings
from screening.applicants.social import followers_of, profile_findings

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROFILE = "https://people.example/@kettlenotes"


@pytest.fixture
def codes(shipped, page_of):
    """Look at one profile of Jane Doe of kettle-notes.com; return findings by code."""

    def look(url, html, *, final=None, others=(), name="Jane Doe"):
        fields = {"application_id": "A1", "name": name, "email": "jane@gmail.com"}
        fields |= {"websites": "https://kettle-notes.com/", "social_profiles": [url, *others]}
        hops = ((url, 302, final),) if final is not None else ()
        page = page_of(final or url, html, "single", hops=hops)
        person = application(fields, shipped.screening.intake, NOW)
        return {
            item.code: item for item in profile_findings(person, {url: page}) if url in (item.why + str(item.numbers))
        }

    return look


@pytest.mark.parametrize(
    ("html", "final"),
    [
        ("<title>Log in to People</title><p>Log in to go on</p>", None),
        ("<title>Anmelden - People</title>", None),
        ("<title>People</title><p>Welcome</p>", "https://people.example/login?next=%2F%40kettlenotes"),
        ("<title>People</title><p>Welcome</p>", "https://people.example/accounts/login/"),
        ("<title>People</title><p>Everybody is here</p>", "https://people.example/"),
    ],
)
def test_a_wall_is_no_profile_and_no_bad_mark(codes, html, final):
    found = codes(PROFILE, html, final=final)
    assert {code: item.state.value for code, item in found.items()} == {"profile_seen": "unknown"}


def test_a_profile_of_somebody_named_login_is_one(codes):
    assert codes(PROFILE, "<title>Log in the woods: Kettle Notes</title>" + "<p>word </p>" * 200)["profile_seen"].found


@pytest.mark.parametrize(
    "counter",
    [
        {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/FollowAction",
            "userInteractionCount": 321,
        },
        {"@type": "InteractionCounter", "interactionType": {"@type": "FollowAction"}, "userInteractionCount": "321"},
    ],
)
def test_followers_in_structured_data(page_of, counter):
    likes = {
        "@type": "InteractionCounter",
        "interactionType": "http://schema.org/LikeAction",
        "userInteractionCount": 9,
    }
    data = {"@type": "ProfilePage", "mainEntity": {"@type": "Person", "interactionStatistic": [likes, counter]}}
    page = page_of(PROFILE, f'<script type="application/ld+json">{json.dumps(data)}</script><p>5 followers</p>')
    assert followers_of(page.facts) == 321


@pytest.mark.parametrize("handle", ["jane.doe", "doejane_writes", "kettlenotes", "the-kettle-notes", "janed"])
def test_a_handle_like_the_applicant_or_the_site_is_theirs(codes, handle):
    assert "profile_differs" not in codes(f"https://people.example/@{handle}", "<title>On tea</title><p>text</p>")


def test_a_handle_that_other_profiles_share_is_theirs(codes):
    found = codes(
        "https://a.example/zorbalux", "<title>Zorbalux</title><p>x</p>", others=["https://b.example/zorbalux"]
    )
    assert "profile_differs" not in found


def test_a_profile_of_somebody_else_is_a_weak_sign_unless_it_links_back(codes):
    url = "https://people.example/zorbalux"
    assert codes(url, "<title>Zorba Lux (Official)</title><p>music</p>")["profile_differs"].found
    link = "<a rel='me' href='https://www.kettle-notes.com/about'>my site</a>"
    found = codes(url, f"<title>Zorba Lux</title>{link}")
    assert "profile_differs" not in found
    assert found["profile_links_back"].found


def test_ratings_inside_other_objects_are_read_once(page_of, shipped):
    rating = {"@type": "AggregateRating", "ratingValue": "1.4", "reviewCount": 400}
    data = {"@type": "WebPage", "mainEntity": {"@type": ["LocalBusiness"], "aggregateRating": rating}}
    page = page_of("https://reviews.example/kettle", f'<script type="application/ld+json">{json.dumps(data)}</script>')
    (found,) = review_findings([page], shipped.screening.signals)
    assert (found.code, found.numbers["count"]) == ("reviews_poor", 400)
