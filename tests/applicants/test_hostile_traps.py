"""Sites without end, sites that repeat themselves, and robots.txt made to be a burden."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hostile_behaviours import (
    MIB,
    calendar,
    cloaked_by,
    gzip_bomb,
    honest_otherwise,
    repeating_segments,
    robots,
    robots_text,
    same_page_everywhere,
    session_in_links,
    session_in_path,
    sitemap_bomb,
    sitemap_loop,
    sitemap_of_ten_million,
    unique_page_everywhere,
    wildcard_subdomains,
)
from hostile_fixtures import crawl_settings
from hostile_wire import article

from screening.applicants.codes import PageFlag, RobotsFlag, SiteFlag, Stop
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.urls import read_target


@pytest.fixture
def crawl(farm, trust):
    def at(host: str, path: str = "/", **changes):
        settings = crawl_settings(farm, **changes)
        with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
            return crawl_site(SiteRequest("application 7", (read_target(farm.url(host, path)),), 60), crawler)

    return at


def paths(crawled) -> list[str]:
    return [page.fetch.url.split("/", 3)[3] for page in crawled.pages]


def test_an_endless_calendar_is_visited_three_times_at_most(farm, crawl):
    farm.add("calendar.net", honest_otherwise(calendar))
    got = crawl("calendar.net", "/cal?y=2026&m=1", SITE__PAGES=50, SITE__RANDOM_PAGES=50, SITE__DEPTH=20)
    assert len([path for path in paths(got) if path.startswith("cal?")]) <= 4
    assert SiteFlag.SHAPE_CUT in got.flags
    assert got.stops == (Stop.EXHAUSTED,)


def test_repeating_segments_are_a_trap(farm, crawl):
    farm.add("segments.net", honest_otherwise(repeating_segments))
    got = crawl("segments.net", SITE__PAGES=50, SITE__RANDOM_PAGES=50, SITE__DEPTH=20, SITE__SECONDS=6)
    assert SiteFlag.TRAP_LINKS in got.flags
    assert max(max(Counter(path.split("/")).values()) for path in paths(got)) <= 2


def test_session_ids_in_links_do_not_multiply_pages(farm, crawl):
    farm.add("sessions.net", honest_otherwise(session_in_links))
    got = crawl("sessions.net", SITE__RANDOM_PAGES=10)
    assert paths(got) == ["", "list?page=one"]


def test_session_ids_in_paths_end_by_near_copies(farm, crawl):
    farm.add("sessionpaths.net", honest_otherwise(session_in_path))
    got = crawl("sessionpaths.net", SITE__PAGES=40, SITE__RANDOM_PAGES=40)
    assert Stop.NEAR_COPIES in got.stops or len(got.pages) <= 5
    assert len(got.pages) <= 5


def test_the_same_page_everywhere_is_a_soft_404_and_ends(farm, crawl):
    farm.add("soft.net", honest_otherwise(same_page_everywhere))
    got = crawl("soft.net", SITE__PAGES=40, SITE__RANDOM_PAGES=40)
    assert SiteFlag.SOFT_404 in got.flags
    assert got.stops == (Stop.NEAR_COPIES,)
    assert len(got.pages) == 4
    assert {PageFlag.NEAR_COPY, PageFlag.SOFT_404} <= set(got.pages[-1].flags)


def test_unique_text_everywhere_ends_at_the_page_budget(farm, crawl):
    farm.add("unique.net", honest_otherwise(unique_page_everywhere))
    got = crawl("unique.net", SITE__PAGES=6, SITE__RANDOM_PAGES=40)
    assert got.stops == (Stop.PAGES,)
    assert len(got.pages) == 6


def test_wildcard_subdomains_stay_within_three_hosts(farm, crawl):
    farm.add("wild.net", wildcard_subdomains("wild.net", farm.port))
    for letter in "abcdefghijkl":
        farm.alias(f"{letter * 3}.wild.net", "wild.net")
    got = crawl("wild.net", SITE__PAGES=40, SITE__RANDOM_PAGES=40)
    assert SiteFlag.HOSTS_CUT in got.flags
    assert got.spent.hosts <= 3


def test_sitemaps_are_read_as_far_as_the_bounds_go(farm, crawl):
    farm.add("million.net", sitemap_of_ten_million)
    got = crawl("million.net")
    assert SiteFlag.SITEMAP_CUT in got.flags
    # 500 entries of ten million are read; of pages that differ in a number only, three and the newest are visited
    assert [page.role for page in got.pages] == ["home", "newest", "random", "random"]

    farm.add("loop.net", sitemap_loop)
    got = crawl("loop.net")
    assert len([path for path in farm.servers["loop.net"].paths if path.startswith("/sitemap")]) == 2

    gzip_bomb(256 * MIB)  # made before, since making it takes longer than a crawl waits
    farm.add("bombmap.net", sitemap_bomb)
    got = crawl("bombmap.net")
    assert SiteFlag.SITEMAP_INVALID in got.flags
    assert got.home.fetch.ok


@pytest.mark.parametrize(
    ("status", "state", "allowed"),
    [
        ("404 Not Found", "none", True),
        ("403 Forbidden", "none", True),
        ("429 Slow Down", "none", True),
        ("500 Broken", "unreachable", False),
        ("503 Later", "unreachable", False),
    ],
)
def test_the_status_of_robots_decides_as_the_rfc_says(farm, crawl, status, state, allowed):
    host = f"robots{status[:3]}.net"
    farm.add(host, robots(lambda exchange: exchange.respond(b"no", status=status)))
    got = crawl(host)
    assert got.robots.state == state
    assert bool(got.pages) is allowed
    if not allowed:
        assert got.stops == (Stop.ROBOTS_UNREACHABLE,)
        assert farm.servers[host].paths == ["/robots.txt"]


def test_robots_that_never_comes_means_stay_away(farm, crawl):
    farm.add("slowrobots.net", robots(lambda exchange: exchange.wait(30)))
    got = crawl("slowrobots.net")
    assert (got.robots.state, got.stops, got.pages) == ("unreachable", (Stop.ROBOTS_UNREACHABLE,), ())


def test_robots_is_obeyed_also_behind_a_mark_and_by_redirect(farm, crawl):
    rules = b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /secret\r\n"
    farm.add("marked.net", robots_text(rules))
    got = crawl("marked.net")
    assert farm.url("marked.net", "/secret/one") in got.robots.disallowed
    assert "/secret/one" not in farm.servers["marked.net"].paths

    farm.add("elsewhere.net", robots(lambda exchange: exchange.redirect(farm.url("marked.net", "/robots.txt"))))
    got = crawl("elsewhere.net")
    assert got.robots.flags == (RobotsFlag.OFFSITE,)
    assert "/secret/one" not in farm.servers["elsewhere.net"].paths


def test_robots_that_forbids_everything(farm, crawl):
    farm.add("closed.net", robots_text(b"User-agent: winnow\nDisallow: /\n"))
    got = crawl("closed.net")
    assert (got.stops, got.pages) == ((Stop.ROBOTS_DISALLOWED,), ())
    assert farm.servers["closed.net"].paths == ["/robots.txt"]


def test_a_huge_or_binary_robots_is_read_as_far_as_the_cap(farm, crawl):
    farm.add("huge.net", robots_text(b"User-agent: *\nDisallow: /secret\n" + b"# padding line\n" * 700_000))
    got = crawl("huge.net")
    assert (got.robots.state, got.robots.flags) == ("found", (RobotsFlag.CUT,))
    assert "/secret/one" not in farm.servers["huge.net"].paths

    farm.add("binary.net", robots_text(bytes(range(256)) * 200))
    assert crawl("binary.net").robots.state == "found"


def test_robots_that_costs_too_much_counts_as_unreachable(farm, crawl):
    rules = b"User-agent: *\n" + b"".join(b"Disallow: /*%d*a*b*c*d$\n" % number for number in range(20_000))
    farm.add("costly.net", robots_text(rules))
    got = crawl("costly.net", ROBOTS__CPU_SECONDS=0.05)
    assert got.robots.state == "unreachable"
    assert RobotsFlag.TOO_COSTLY in got.robots.flags
    assert got.stops == (Stop.ROBOTS_UNREACHABLE,)
    patient = crawl("costly.net")
    assert patient.spent.seconds < 6


def test_an_endless_crawl_delay_leaves_the_home_page(farm, crawl):
    farm.add("delay.net", robots_text(b"User-agent: *\nCrawl-delay: 999999\n"))
    got = crawl("delay.net", SITE__DELAY_SECONDS_MAX=0.1)
    assert got.stops == (Stop.CRAWL_DELAY,)
    assert len(got.pages) == 1
    assert RobotsFlag.DELAY_CAPPED in got.robots.flags


def test_a_short_crawl_delay_is_kept(farm, crawl):
    farm.add("polite.net", robots_text(b"User-agent: *\nCrawl-delay: 0.3\n"))
    got = crawl("polite.net", SITE__PAGES=2)
    moments = [page.fetch.fetched_at.timestamp() for page in (*got.others, *got.pages)]
    moments.sort()
    assert min(later - sooner for sooner, later in pairwise(moments)) >= 0.29


HIDDEN = (
    b"<html><body><h1>Casino</h1>"
    + b"<p>bet more money on every spin of the wheel tonight</p>" * 40
    + b"</body></html>"
)


@pytest.mark.parametrize(
    ("header", "needle", "flag"),
    [
        ("user-agent", "Chrome", SiteFlag.VARIES_BY_AGENT),
        ("referer", "google", SiteFlag.VARIES_BY_REFERRER),
        ("cookie", "visited", SiteFlag.VARIES_BY_COOKIE),
    ],
)
def test_pages_that_depend_on_the_visitor_are_recorded(farm, crawl, header, needle, flag):
    host = f"by{header.replace('-', '')}.net"
    farm.add(host, cloaked_by(header, needle, HIDDEN))
    got = crawl(host, SITE__COMPARE_VIEWS="true", SITE__PAGES=1)
    assert [one for one in got.flags if one.startswith("varies")] == [flag]
    shown = [view.profile for view in got.views if b"Casino" in view.page.fetch.body]
    assert shown == [{"user-agent": "browser", "referer": "referred", "cookie": "returning"}[header], *shown[1:]]


def test_a_frame_shown_to_browsers_only_is_cloaking_although_the_text_is_the_same(farm, crawl):
    frame = b"<iframe src='https://click.network.com/?id=1' width=0 height=0></iframe></body>"
    farm.add("frame.net", cloaked_by("user-agent", "Chrome", article().replace(b"</body>", frame)))
    got = crawl("frame.net", SITE__COMPARE_VIEWS="true", SITE__PAGES=1)
    assert SiteFlag.VARIES_BY_AGENT in got.flags


def test_a_page_that_differs_with_every_visit_is_not_cloaking(farm, crawl):
    farm.add(
        "noisy.net",
        honest_otherwise(lambda exchange: exchange.respond(article(seed=str(len(exchange.server.requests))))),
    )
    got = crawl("noisy.net", SITE__COMPARE_VIEWS="true", SITE__PAGES=1)
    assert not [one for one in got.flags if one.startswith("varies")]


def test_pages_that_stop_the_fast_parser_end_the_crawl_and_are_parsed_once(farm, crawl):
    def hard(exchange):
        links = b"".join(b"<a href=/%c>x</a>" % letter for letter in b"abcdef")
        exchange.respond(b"<p>" + exchange.request.path.encode() + b"</p>" + links + b"<b>" * 100_000 + b"x")

    farm.add("hard.net", honest_otherwise(hard))
    limits = {"SITE__SECONDS": 40, "PARSE__WALL_SECONDS": 1, "TRAPS__HARD_PAGES": 1}
    got = crawl("hard.net", SITE__COMPARE_VIEWS="true", **limits)
    assert got.stops == (Stop.HARD_PAGES,)
    assert len(got.home.flags) == 1
    assert set(got.home.flags) <= {PageFlag.FALLBACK, PageFlag.UNPARSEABLE}
    # the three other views brought the same bytes; they cost no parser again
    assert [view.page.flags for view in got.views] == [got.home.flags] * 3
