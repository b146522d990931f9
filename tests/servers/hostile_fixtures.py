"""Fixtures: a farm of local servers and a crawler that may reach it and nothing else on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hostile_certificates import Authority
from hostile_wire import NETWORK, Farm

from screening.applicants.crawl.crawler import Crawler, open_crawler
from screening.applicants.crawl.fetch import Admit
from screening.applicants.crawl.tls import TlsContexts, tls_contexts
from screening.applicants.crawl.urls import read_target
from screening.applicants.records import Fetch
from screening.settings import load_settings
from screening.settings.crawl import CrawlSettings

QUICK = {
    "FETCH__CONNECT_SECONDS": "0.8",
    "FETCH__SILENCE_SECONDS": "0.8",
    "FETCH__TOTAL_SECONDS": "1.2",
    "FETCH__LOOKUP_SECONDS": "0.8",
    "SITE__SECONDS": "8",
    "SITE__DELAY_SECONDS": "0",
    "SITE__COMPARE_VIEWS": "false",
    "PARSE__CPU_SECONDS": "1",
    "THREADS": "8",
}
"""Settings of the hostile tests: the shipped ones with short waits."""


def crawl_settings(farm: Farm, **changes: object) -> CrawlSettings:
    """Return settings that allow the farm; `changes` are like SITE__PAGES=3."""
    values = {**QUICK, "ALLOW_NETWORKS": f"[{NETWORK}]", "ALLOW_PORTS": f"[{farm.port}]"}
    values |= {key: str(value) for key, value in changes.items()}
    return load_settings(None, {f"WINNOW__CRAWL__{key}": value for key, value in values.items()}).settings.crawl


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def trust(authority) -> TlsContexts:
    contexts = tls_contexts()
    contexts.verified.load_verify_locations(cadata=authority.pem.decode())
    return contexts


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    made = Farm()
    yield made
    made.close()


@pytest.fixture(scope="module")
def crawler(farm, trust) -> Iterator[Crawler]:
    with open_crawler(crawl_settings(farm), resolver=farm.names, contexts=trust) as opened:
        yield opened


@pytest.fixture
def fetch(farm, crawler) -> Callable[..., Fetch]:
    """Fetch a page of the farm as a visitor of its own, following redirects wherever the guard lets them."""

    def get(host: str, path: str = "/", *, scheme: str = "http", admit: Admit = lambda _: None) -> Fetch:
        target = read_target(farm.url(host, path, scheme))
        with crawler.fetcher.visitor(target.site, "winnow test") as visitor:
            return crawler.fetcher.fetch(target, visitor, admit)

    return get
