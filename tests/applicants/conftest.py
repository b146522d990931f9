"""Crawls for the tests of signals: pages of real HTML, read by the real parser, without a network."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from screening.applicants.codes import Stop
from screening.applicants.identity import site_of
from screening.applicants.page.lexbor import read_with_lexbor
from screening.applicants.page.limits import PageLimits
from screening.applicants.records import Fetch, Hop, Page, PageFacts, Robots, SiteCrawl, Spent, View
from screening.settings import load_settings

_FACTS = TypeAdapter(PageFacts)
_LIMITS = PageLimits(5000, 400_000, 400_000, 400_000, 24)


def make_page(url, html="", role="home", *, status=200, error=None, hops=(), flags=()):
    body = html.encode()
    fetch = Fetch(
        url=hops[0][0] if hops else url,
        final_url=url,
        hops=tuple(Hop(*hop) for hop in hops),
        status=status,
        headers=(),
        body=body,
        flags=(),
        error=error,
        elapsed_seconds=0.1,
        body_digest=hashlib.sha256(body).hexdigest(),
        address="192.0.2.1",
        fetched_at=datetime(2026, 11, 22, tzinfo=UTC),
        record_id="<urn:uuid:1>",
    )
    facts = None
    if html:
        facts = _FACTS.validate_python({**read_with_lexbor(html, url, _LIMITS), "encoding": "utf-8"})
    return Page(fetch, facts, role, flags)


def make_crawl(pages, *, views=(), others=(), site=None, moved_to=None, stops=(Stop.EXHAUSTED,), flags=()):
    """Make a crawl of (url, html[, role]) or Page; the first is the declared one."""
    made = [page if isinstance(page, Page) else make_page(page[0], page[1], *page[2:]) for page in pages]
    declared = (made[0].fetch.url,) if made else (f"https://{site}/",)
    return SiteCrawl(
        site=site or site_of(declared[0]),
        declared=declared,
        pages=tuple(made),
        others=tuple(others),
        views=tuple(View(profile, page) for profile, page in views),
        robots=Robots("none", None, (), ()),
        stops=stops,
        flags=flags,
        moved_to=moved_to,
        spent=Spent(1.0, 1, len(made), 1, 1),
    )


@pytest.fixture
def page_of():
    return make_page


@pytest.fixture
def crawl_of():
    return make_crawl


@pytest.fixture(scope="session")
def shipped():
    """The settings as shipped."""
    return load_settings(None, {}).settings
