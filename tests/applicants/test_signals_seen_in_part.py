"""A page that did not come whole is never clean: what stands in it counts, what does not is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hostile_behaviours import length_too_large, reset_in_body
from hostile_wire import article

from screening.applicants.codes import FetchFlag, PageFlag
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.urls import read_target
from screening.applicants.decide import Decision, decide
from screening.applicants.intake_fields import application
from screening.applicants.policy import Policy
from screening.applicants.records import ApplicationCrawl
from screening.applicants.signals.access import LACKING, access, seen_in_part
from screening.applicants.signals.finding import State
from screening.applicants.study import Looked, study

HOME = "https://kettle-notes.com/"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
STUFFED = "<iframe src='https://www.awin1.com/cread.php?awinmid=1&awinaffid=2' width=1 height=1></iframe>"
PROSE = " ".join(f"word{number}" for number in range(400))


def cut(page, flag):
    """Say of a page that it came with this flag, from the fetch or from the parser."""
    if isinstance(flag, FetchFlag):
        return replace(page, fetch=replace(page.fetch, flags=(flag,)))
    return replace(page, facts=replace(page.facts, flags=(flag,)))


def studied(crawl, shipped):
    fields = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": HOME, "country": "US"}
    looked = Looked(
        application(fields, shipped.screening.intake, NOW), ApplicationCrawl("A1", (crawl,), (), (), (), None)
    )
    return study(looked, Policy(), shipped.screening.signals)


def states(findings):
    return {finding.code: finding.state for finding in findings}


@pytest.mark.parametrize(
    "flag",
    [
        FetchFlag.RESET,
        FetchFlag.LENGTH_WRONG,
        FetchFlag.FRAMING_WRONG,
        FetchFlag.SIZE_CAP,
        FetchFlag.TRUNCATED,
        PageFlag.RESOURCES_CUT,
        PageFlag.SCRIPTS_CUT,
        PageFlag.TAG_STRIPPED,
    ],
)
def test_a_page_of_which_a_part_is_missing_goes_to_a_person_and_nothing_in_it_is_clean(
    crawl_of, page_of, shipped, flag
):
    pages = [page_of(f"{HOME}{number}", f"<p>{PROSE}</p>", "random") for number in range(9)]
    whole = studied(crawl_of([page_of(HOME, f"<p>{PROSE}</p>"), *pages]), shipped)
    assert states(whole.findings)["forced_click"] is State.ABSENT
    part = studied(crawl_of([page_of(HOME, f"<p>{PROSE}</p>"), *pages[:-1], cut(pages[-1], flag)]), shipped)
    found = states(part.findings)
    assert found["site_partial"] is State.FOUND
    assert found["forced_click"] is State.UNKNOWN
    assert all(found[code] is not State.FOUND for code in LACKING & set(found))
    verdict = decide("A1", part.findings, shipped.screening)
    assert verdict.decision is Decision.REVIEW
    assert "forced_click" in verdict.missing


def test_what_stands_in_the_part_that_came_counts(crawl_of, page_of, shipped):
    page = cut(page_of(HOME, f"<p>{PROSE}</p>{STUFFED}"), FetchFlag.RESET)
    found = studied(crawl_of([page]), shipped).findings
    assert {"forced_click", "site_partial"} <= {finding.code for finding in found if finding.found}


def test_a_view_of_another_visitor_that_was_cut_counts_like_a_page(crawl_of, page_of, shipped):
    home = page_of(HOME, f"<p>{PROSE}</p>")
    crawl = crawl_of([home], views=[("again", home), ("browser", cut(home, FetchFlag.RESET))])
    assert [why for _, why in seen_in_part(crawl)] == ["the server ends the connection inside it"]
    assert "site_partial" in {finding.code for finding in access(crawl, shipped.screening.signals) if finding.found}


DOOR = "<h1>Members</h1><form><input name=mail><input type=password name=key><button>Sign in</button></form>"


def test_a_site_behind_a_login_is_not_called_empty(crawl_of, shipped):
    about = f"<p>{PROSE}</p>"
    door = studied(crawl_of([(HOME, DOOR), (f"{HOME}b", DOOR, "random"), (f"{HOME}about", about, "about")]), shipped)
    found = {finding.code for finding in door.findings if finding.found}
    assert "site_login" in found
    assert not found & {"no_content", "scant_content", "thin_content", "contact_missing", "ownership_unverified"}
    verdict = decide("A1", door.findings, shipped.screening)
    assert (verdict.decision, verdict.scorecard.points) == (Decision.REVIEW, 0)


def test_a_login_beside_content_hides_nothing(crawl_of, shipped):
    for pages in ([(HOME, f"{DOOR}<p>{PROSE}</p>")], [(HOME, DOOR), (f"{HOME}post", f"<p>{PROSE}</p>", "random")]):
        assert "site_login" not in {one.code for one in studied(crawl_of(pages), shipped).findings if one.found}


def test_a_login_excuses_nothing_that_it_shows(crawl_of, shipped):
    found = studied(crawl_of([(HOME, f"{DOOR}{STUFFED}")]), shipped).findings
    assert {"forced_click", "site_login"} <= {finding.code for finding in found if finding.found}


def test_a_site_that_answers_nobody_is_not_said_to_forbid_crawling(farm, crawler, shipped):
    farm.names.addresses_of["closed.com"] = ("127.80.99.99",)
    for host, code, why in (
        ("nobody.com", "site_unreachable", "the name does not exist"),
        ("closed.com", "site_unreachable", "the server refuses connections"),
    ):
        crawl = crawl_site(SiteRequest("A1", (read_target(farm.url(host)),), 5), crawler)
        (finding,) = access(crawl, shipped.screening.signals)
        assert (finding.code, finding.numbers["why"]) == (code, why)


@pytest.mark.parametrize("behaviour", [reset_in_body, length_too_large])
def test_a_server_that_cuts_its_pages_is_seen_in_part(farm, crawler, shipped, behaviour):
    host = f"{behaviour.__name__.replace('_', '')}.com"
    farm.add(host, behaviour)
    crawl = crawl_site(SiteRequest("A1", (read_target(farm.url(host)),), 5), crawler)
    assert crawl.home.fetch.body == article()  # all that came
    findings = access(crawl, shipped.screening.signals)
    (partial,) = [finding for finding in findings if finding.code == "site_partial"]
    assert partial.found
    assert partial.exhibits[0].url == crawl.home.fetch.final_url
