"""Servers that are slow on purpose: the clock on the wall ends every fetch and every site."""

from __future__ import annotations

import socket
import time

from hostile_behaviours import (
    body_drip,
    continue_flood,
    garbage,
    handshake_drip,
    header_drip,
    header_flood,
    header_line_flood,
    keeps_alive_then_silent,
    never_answers,
    slow_pages,
)
from hostile_fixtures import crawl_settings
from hostile_wire import article

from screening.applicants.codes import SiteFlag, Stop
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.urls import read_target

LIMIT = 1.2
"""Seconds of a whole fetch in these tests; what is measured may be some tenths more on a busy machine."""


def test_a_server_that_never_answers(farm, fetch):
    farm.add("mute.net", never_answers, raw=True)
    got = fetch("mute.net")
    assert got.error == "silence"
    assert got.elapsed_seconds < LIMIT


def test_a_port_where_nobody_accepts(farm, fetch):
    # a full backlog: the connection attempt itself hangs
    server = socket.socket()
    server.bind(("127.80.200.1", farm.port))
    server.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(("127.80.200.1", farm.port))
    farm.names.addresses_of["full.net"] = ("127.80.200.1",)
    got = fetch("full.net")
    for one in (server, *waiting):
        one.close()
    assert got.error == "connect_timeout"
    assert got.elapsed_seconds < LIMIT


def test_dripped_headers_end_at_the_deadline(farm, fetch):
    farm.add("headerdrip.net", header_drip)
    got = fetch("headerdrip.net")
    assert got.error == "deadline"
    assert LIMIT - 0.2 < got.elapsed_seconds < LIMIT + 0.8


def test_a_dripped_body_ends_at_the_deadline_and_keeps_what_came(farm, fetch):
    farm.add("bodydrip.net", body_drip)
    got = fetch("bodydrip.net")
    assert got.error == "deadline"
    assert got.body.startswith(b"<p>first words")
    assert "truncated" in got.flags
    assert LIMIT - 0.2 < got.elapsed_seconds < LIMIT + 0.8


def test_a_dripped_handshake_ends(farm, fetch):
    farm.add("handshake.net", handshake_drip, raw=True)
    got = fetch("handshake.net", scheme="https")
    assert got.error in {"deadline", "silence"}
    assert got.elapsed_seconds < LIMIT + 0.8


def test_continue_flood_is_bounded(farm, fetch):
    farm.add("continue.net", continue_flood)
    got = fetch("continue.net")
    assert got.error == "headers_too_large"
    assert got.elapsed_seconds < LIMIT + 0.8


def test_floods_of_headers_are_errors(farm, fetch):
    farm.add("headers.net", header_flood)
    farm.add("line.net", header_line_flood)
    assert fetch("headers.net").error == "headers_too_large"
    assert fetch("line.net").error == "headers_too_large"


def test_what_is_not_http_is_an_error(farm, fetch):
    farm.add("garbage.net", garbage)
    got = fetch("garbage.net")
    assert (got.error, got.status) == ("not_http", None)


def test_a_connection_is_not_used_again_after_a_deadline(farm, crawler):
    server = farm.add("once.net", keeps_alive_then_silent)
    target = read_target(farm.url("once.net"))
    with crawler.fetcher.visitor(target.site, "winnow test") as visitor:
        first, second = (crawler.fetcher.fetch(target, visitor, lambda _: None) for _ in range(2))
        assert first.ok
        assert second.error == "silence"
        assert server.connections == 1
        server.behaviour = lambda exchange: exchange.respond(article())
        assert crawler.fetcher.fetch(target, visitor, lambda _: None).ok
    assert server.connections == 2


def test_a_kept_connection_that_the_server_closed_is_replaced(farm, crawler):
    def close_after_answer(exchange):
        if len(exchange.server.requests) == 2:
            exchange.closing = True  # reads the second request on the kept connection and hangs up
        else:
            exchange.respond(article())

    server = farm.add("hangsup.net", close_after_answer)
    target = read_target(farm.url("hangsup.net"))
    with crawler.fetcher.visitor(target.site, "winnow test") as visitor:
        got = [crawler.fetcher.fetch(target, visitor, lambda _: None) for _ in range(2)]
    assert [one.ok for one in got] == [True, True]
    assert got[1].flags == ("retried",)
    assert server.connections == 2


def test_a_tarpit_costs_no_more_than_the_budget_of_its_site(farm, trust):
    farm.add("tarpit.net", slow_pages(0.6))
    settings = crawl_settings(farm, SITE__SECONDS=2)
    with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
        begun = time.monotonic()
        crawl = crawl_site(SiteRequest("a", (read_target(farm.url("tarpit.net")),), 60), crawler)
    assert crawl.stops == (Stop.SECONDS,)
    assert SiteFlag.PARTIAL in crawl.flags
    assert 1 <= len(crawl.pages) <= 4
    assert time.monotonic() - begun < 4


def test_the_budget_of_an_application_holds_over_its_sites(farm, crawler):
    farm.add("tarpit2.net", slow_pages(0.6))
    crawl = crawl_site(SiteRequest("a", (read_target(farm.url("tarpit2.net")),), 1.0), crawler)
    assert crawl.stops == (Stop.APPLICATION,)
