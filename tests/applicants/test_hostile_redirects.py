"""Redirects: every hop goes through the guard, the chain is kept, nothing is read or carried along."""

from __future__ import annotations

import pytest
from hostile_behaviours import (
    MIB,
    cookies_then_elsewhere,
    gzip_bomb,
    page,
    page_that_moves_to,
    redirect_chain,
    redirect_in_circles,
    redirect_to,
    redirect_with_bomb_body,
    redirect_with_two_locations,
)
from hostile_wire import article

from screening.applicants.codes import FetchFlag, SiteFlag
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.urls import read_target


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Again", "308 For Good"])
def test_redirect_to_a_private_address_is_blocked_with_its_chain(farm, fetch, status):
    host = f"private{status[:3]}.net"
    target = f"http://127.0.0.1:{farm.port}/"
    farm.add(host, redirect_to(target, status))
    got = fetch(host)
    assert got.error == "ssrf_redirect"
    assert [(hop.status, hop.location) for hop in got.hops] == [(int(status[:3]), target)]
    assert farm.forbidden.connections == 0


def test_redirect_to_a_name_with_a_private_address_is_blocked(farm, fetch):
    farm.names.addresses_of["inside.net"] = ("127.0.0.1",)
    farm.add("toinside.net", redirect_to(farm.url("inside.net")))
    assert fetch("toinside.net").error == "ssrf_redirect"
    assert farm.forbidden.connections == 0


def test_redirect_loop_and_long_chain_end_at_the_limit(farm, fetch):
    farm.add("circle.net", redirect_in_circles)
    farm.add("chain.net", redirect_chain(30))
    for host in ("circle.net", "chain.net"):
        got = fetch(host)
        assert got.error == "redirect_limit"
        assert len(got.hops) == 6
        assert len(farm.servers[host].requests) == 6
    farm.add("short.net", redirect_chain(5))
    assert fetch("short.net").ok


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("//169.254.169.254/", "ssrf_redirect"),
        ("\\\\127.0.0.1\\", "ssrf_redirect"),
        ("http://[::ffff:127.0.0.1]/", "ssrf_redirect"),
        ("http://somewhere.net:6379/", "ssrf_redirect"),
        ("file:///etc/passwd", "redirect_rejected"),
        ("http://user@good.net/", "redirect_rejected"),
        ("/" + "a" * 5000, "redirect_rejected"),
        ("/one\r\n /two", "redirect_rejected"),
    ],
)
def test_strange_locations_are_refused(farm, fetch, location, error):
    host = f"strange{abs(hash(location))}.net"
    farm.add(host, redirect_to(location))
    got = fetch(host)
    assert got.error == error
    assert len(got.hops) == 1
    assert len(farm.servers[host].requests) == 1


def test_location_of_a_megabyte_is_an_error(farm, fetch):
    farm.add("megabyte.net", redirect_to("/" + "a" * 1_000_000))
    assert fetch("megabyte.net").error == "headers_too_large"


def test_two_locations_are_refused(farm, fetch):
    farm.add("two.net", redirect_with_two_locations)
    got = fetch("two.net")
    assert (got.error, got.hops[0].location) == ("redirect_rejected", "/one")


def test_moves_inside_a_page_are_recorded_and_not_followed_to_private_addresses(farm, crawler):
    private = f"http://127.0.0.1:{farm.port}/"
    farm.add("moves.net", page_that_moves_to(private))
    crawl = crawl_site(SiteRequest("a", (read_target(farm.url("moves.net")),), 8), crawler)
    moves = {(one.tag, one.attribute): one.url for one in crawl.home.facts.resources}
    assert moves == {("meta", "refresh"): f"{private}meta", ("script", "location"): f"{private}script"}
    assert crawl.home.fetch.header("refresh") == f"0; url={private}header"
    assert farm.forbidden.connections == 0


def test_moves_inside_the_site_are_followed(farm, crawler):
    start = b'<meta http-equiv="refresh" content="1;URL=\'/next\'"><p>wait a moment please'

    def behave(exchange):
        if exchange.request.path == "/next":
            exchange.respond(article(title="The real one"))
        elif exchange.request.path == "/":
            exchange.respond(start)
        else:
            exchange.respond(b"", status="404 Not Found")

    farm.add("refreshing.net", behave)
    crawl = crawl_site(SiteRequest("a", (read_target(farm.url("refreshing.net")),), 8), crawler)
    assert [(one.role, one.fetch.status) for one in crawl.pages] == [("home", 200), ("refresh", 200)]
    assert crawl.pages[1].facts.title == "The real one"


def test_downgrade_from_https_is_allowed_and_said(farm, fetch, authority):
    farm.add("plain.net", page(article()))
    farm.add("secure.plain.net", redirect_to(farm.url("plain.net")), tls=authority.context("secure.plain.net"))
    got = fetch("secure.plain.net", scheme="https")
    assert got.ok
    assert FetchFlag.HTTPS_DOWNGRADE in got.flags


def test_home_page_that_moved_to_another_site_is_crawled_there_and_said(farm, crawler):
    farm.add("newname.net", page(article(title="New name")))
    farm.add("oldname.net", page(b"", headers=(f"Location: {farm.url('newname.net')}",)))
    farm.servers["oldname.net"].behaviour = redirect_to(farm.url("newname.net"), "301 Moved")
    crawl = crawl_site(SiteRequest("a", (read_target(farm.url("oldname.net")),), 8), crawler)
    assert crawl.moved_to == "newname.net"
    assert SiteFlag.SITE_MOVED in crawl.flags
    first, second = crawl.pages[:2]
    assert first.fetch.status == 301
    assert FetchFlag.OFFSITE_REDIRECT in first.fetch.flags
    assert second.facts.title == "New name"


def test_redirect_of_another_page_to_another_site_is_recorded_and_not_followed(farm, crawler):
    farm.add("target.net", page(article()))

    def behave(exchange):
        if exchange.request.path == "/about":
            exchange.redirect(farm.url("target.net", "/landing"))
        elif exchange.request.path == "/":
            exchange.respond(article(links=("/about",)))
        else:
            exchange.respond(b"", status="404 Not Found")

    farm.add("sends.net", behave)
    crawl = crawl_site(SiteRequest("a", (read_target(farm.url("sends.net")),), 8), crawler)
    about = next(one for one in crawl.pages if one.role == "about")
    assert about.fetch.hops[-1].location == farm.url("target.net", "/landing")
    assert farm.servers["target.net"].connections == 0


def test_body_of_a_redirect_is_never_read(farm, fetch):
    gzip_bomb(64 * MIB)  # made before, since making it takes longer than a fetch waits
    farm.add("bombredirect.net", redirect_with_bomb_body)
    got = fetch("bombredirect.net")
    assert got.ok
    assert len(got.body) < 10_000


def test_cookies_do_not_travel_to_another_site(farm, fetch):
    farm.add("receiver.net", page(article()))
    farm.add("sender.net", cookies_then_elsewhere(farm.url("receiver.net", "/landing")))
    assert fetch("sender.net", "/start").ok
    assert all("cookie" not in request.headers for request in farm.servers["receiver.net"].requests)
