"""Bad certificates and handshakes: named, never trusted, looked behind once for evidence only."""

from __future__ import annotations

import ssl

import pytest
from hostile_behaviours import page, redirect_to, speaks_http2_only, tls_alert
from hostile_fixtures import crawl_settings
from hostile_wire import article

from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.urls import read_target

BAD = {
    "expired.net": ({"expired": True}, "tls_expired"),
    "selfsigned.net": ({"self_signed": True}, "tls_self_signed"),
    "wronghost.net": ({}, "tls_wrong_host"),
}


@pytest.mark.parametrize("host", BAD)
def test_bad_certificates_are_named_and_what_visitors_see_is_kept(farm, fetch, authority, host):
    options, error = BAD[host]
    name = "other.net" if host == "wronghost.net" else host
    server = farm.add(host, page(article(title="Behind it")), tls=authority.context(name, **options))
    got = fetch(host, scheme="https")
    assert got.error == error
    assert not got.ok
    assert "unverified" in got.flags
    assert b"Behind it" in got.body
    assert len(server.requests) == 1


def test_an_authority_that_nobody_knows_is_not_trusted(farm, authority):
    farm.add("unknown.net", page(article()), tls=authority.context("unknown.net"))
    with open_crawler(crawl_settings(farm), resolver=farm.names) as crawler:
        got = crawler.look_at(farm.url("unknown.net", scheme="https"))
    assert got.fetch.error in {"tls_untrusted", "tls_self_signed"}


def test_no_cookie_and_no_redirect_is_followed_behind_a_bad_certificate(farm, fetch, authority):
    farm.add("after.net", page(article()))
    tls = authority.context("badmove.net", expired=True)
    server = farm.add("badmove.net", redirect_to(farm.url("after.net"), headers=("Set-Cookie: a=b",)), tls=tls)
    got = fetch("badmove.net", scheme="https")
    assert (got.error, got.status) == ("tls_expired", 302)
    assert got.hops[-1].location == farm.url("after.net")
    assert farm.servers["after.net"].connections == 0
    assert all("cookie" not in request.headers for request in server.requests)


def test_a_site_with_a_bad_certificate_ends_at_its_home_page_with_evidence(farm, crawler, authority):
    farm.add(
        "expiredsite.net", page(article(links=("/about",))), tls=authority.context("expiredsite.net", expired=True)
    )
    target = read_target(farm.url("expiredsite.net", scheme="https"))
    crawl = crawl_site(SiteRequest("a", (target,), 8), crawler)
    assert crawl.stops == ("home_failed",)
    assert crawl.home.fetch.error == "tls_expired"
    assert crawl.home.facts.words > 100
    assert len(crawl.pages) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_protocols_are_refused(farm, fetch, authority, version):
    host = f"{version.name.lower().replace('_', '')}.net"
    farm.add(host, page(article()), tls=authority.context(host, newest=version))
    assert fetch(host, scheme="https").error == "tls_protocol"


def test_a_server_that_asks_for_a_certificate_gets_none(farm, fetch, authority):
    farm.add("clientcert.net", page(article()), tls=authority.context("clientcert.net", client_certificate=True))
    got = fetch("clientcert.net", scheme="https")
    assert got.error == "tls_client_certificate"
    assert got.body == b""


def test_a_thousand_names_and_a_long_chain_are_bounded(farm, fetch, authority):
    names = ("many.net", *(f"name{number}.many-other-names.example.net" for number in range(1000)))
    farm.add("many.net", page(article()), tls=authority.context(*names))
    farm.add("chain.net", page(article()), tls=authority.context("chain.net", chain=200))
    assert fetch("many.net", scheme="https").ok
    long = fetch("chain.net", scheme="https")
    assert long.elapsed_seconds < 2
    assert long.ok or long.error.startswith("tls_")


def test_http2_only_and_refused_protocols_are_errors(farm, fetch, authority):
    farm.add("h2.net", speaks_http2_only, raw=True)
    farm.add("alert.net", tls_alert, raw=True)
    assert fetch("h2.net", scheme="https").error.startswith("tls_")
    assert fetch("alert.net", scheme="https").error == "tls_protocol"


def test_plain_http_behind_https_is_an_error(farm, fetch):
    farm.add("plainport.net", lambda exchange: exchange.respond(b"", status="400 Bad Request"), raw=True)
    assert fetch("plainport.net", scheme="https").error.startswith("tls_")
