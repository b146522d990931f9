"""Links looked at through the real crawler on local servers: there, followed, gone, hostile, unknown."""

from __future__ import annotations

import time

import pytest
from lookup_servers import ADDRESS, NETWORK, Said, answers, page, running_town

from screening.applicants.backlinks.verify import Claims, Presence, check_links, leads_to
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.signals.networks import is_click_host
from screening.settings import load_settings

HOME = "https://kettle-notes.com/"
LINK = "<p>We like <a href='https://www.kettle-notes.com/best'>Kettle Notes</a> for tea.</p>"
HOSTS = (*(f"src{number}.org" for number in range(40)), "www.kettle-notes.com", "www.awin1.com")


@pytest.fixture(scope="module")
def town():
    with running_town() as running:
        yield running


@pytest.fixture(scope="module")
def crawler(town, tmp_path_factory):
    hosts = tmp_path_factory.mktemp("town") / "hosts"
    hosts.write_text("".join(f"{ADDRESS} {host}\n" for host in HOSTS) + "10.0.0.1 inner.org\n")
    quick = {"HOSTS": hosts, "ALLOW_NETWORKS": f"[{NETWORK}]", "ALLOW_PORTS": f"[{town.port}]", "PER_ADDRESS": 8}
    quick |= {"FETCH__SILENCE_SECONDS": 3, "FETCH__TOTAL_SECONDS": 6}
    variables = {f"WINNOW__CRAWL__{name}": str(value) for name, value in quick.items()}
    with open_crawler(load_settings(None, variables).settings.crawl, never_fetch=is_click_host) as opened:
        yield opened


@pytest.fixture
def check(town, crawler, shipped):
    """Let src0.org speak and look whether it links; or look at the given pages."""
    town.services.clear()
    town.asked.clear()

    def look(speaks=None, *, declared=None, imported=(), websites=(HOME,), **changes):
        if speaks is not None:
            town.services["src0.org"] = speaks
        urls = (town.url("src0.org", "/post"),) if declared is None else declared
        settings = shipped.backlinks.model_copy(update=changes)
        found = check_links(Claims("A1", websites, tuple(urls), tuple(imported)), crawler, settings)
        return found[0] if declared is None and not imported else found

    return look


def test_a_link_with_anchor_context_and_place(check):
    found = check(page(f"<title>T</title><main>{LINK}</main>"))
    assert (found.presence, found.followed, found.anchor) == (Presence.THERE, True, "Kettle Notes")
    assert (found.position, found.declared, found.source_site) == ("main", True, "src0.org")
    assert "We like Kettle Notes for tea" in found.context


@pytest.mark.parametrize("rel", ["nofollow", "NoFollow noopener", "ugc", "sponsored"])
def test_a_link_that_is_not_vouched_for(check, rel):
    assert check(page(LINK.replace("<a ", f"<a rel='{rel}' "))).followed is False


@pytest.mark.parametrize(
    ("head", "headers", "followed"),
    [
        ("<meta name='robots' content='noindex, NOFOLLOW'>", {}, False),
        ("<meta name='robots' content='none'>", {}, False),
        ("<meta name='robots' content='index,follow'>", {}, True),
        ("", {"X_Robots_Tag": "nofollow"}, False),
        ("", {"X_Robots_Tag": "googlebot: nofollow"}, False),
        ("", {"X_Robots_Tag": "otherbot: nofollow"}, True),
        ("", {"X_Robots_Tag": "otherbot: noindex, nofollow"}, True),
        ("", {"X_Robots_Tag": "googlebot: noindex, none"}, False),
        ("", {"X_Robots_Tag": "unavailable_after: 25 Jun 2030 15:00:00 PST, nofollow"}, False),
        ("", {"X_Robots_Tag": "nofollow, max-snippet: 20"}, False),
    ],
)
def test_a_page_that_vouches_for_none_of_its_links(check, head, headers, followed):
    assert check(page(f"<head>{head}</head>{LINK}", **headers)).followed is followed


def test_the_followed_one_of_several_links_counts(check):
    assert check(page("<a rel=nofollow href='https://kettle-notes.com/'>x</a>" + LINK)).followed is True


@pytest.mark.parametrize(
    ("speaks", "why"),
    [
        (page("<p>Hello</p><a href='https://other.org/'>Kettle Notes</a>"), "no link to the site"),
        (page("<p>https://www.kettle-notes.com/ in plain text only, which is no link at all</p>"), "no link"),
        (page("<!-- <a href='https://www.kettle-notes.com/'>x</a> --><p>Hello</p>"), "no link"),
        (page("<a href='https://kettle-notes.com.evil.org/'>x</a>"), "no link"),
        (page("<a href='https://evil.org/?u=https://kettle-notes.com/'>x</a>"), "no link"),
        (answers(Said(b"gone", 410)), "gone"),
        (answers(Said(b"no", 404)), "gone"),
    ],
)
def test_a_link_that_is_not_there(check, speaks, why):
    found = check(speaks)
    assert found.presence is Presence.NOT_THERE
    assert why in found.why


@pytest.mark.parametrize(
    ("speaks", "why"),
    [
        (answers(Said(b"no", 403)), "status 403"),
        (answers(Said(b"slow down", 429, {"Retry-After": "9"})), "status 429"),
        (answers(Said(b"oops", 500)), "status 500"),
        (answers(Said(b"%PDF-1.7", 200, {"Content-Type": "application/pdf"})), "no page"),
        (answers(Said(b"x" * 900, 200, {"Content-Type": "text/html"}, drip=0.05)), "not complete in time"),
        (answers(Said(b"", 302, {"Location": "http://127.0.0.1/"})), "private or reserved"),
        (answers(Said(b"", 302, {"Location": "http://inner.org/"})), "private or reserved"),
        (page("<p>x</p>" * 300_000), "longer than what is read"),
        (page("<a href='https://o.org/'>x</a>" * 6000), "longer than what is read"),
        (page("<div id=app></div><script src='/app.js'></script>"), "browsers only"),
        (page(f"<p {' '.join(f'a{n}=1' for n in range(120_000))}>{'<select>' + '<option>' * 60_000}"), ""),
    ],
)
def test_what_cannot_be_seen_is_unknown_and_ends(check, speaks, why):
    begun = time.monotonic()
    found = check(speaks)
    assert found.presence is not Presence.THERE
    if why:
        assert found.presence is Presence.UNKNOWN
        assert why in found.why
    assert time.monotonic() - begun < 60


def test_a_page_that_only_redirects_to_the_site_is_no_link(check, town):
    town.services["www.kettle-notes.com"] = page("<title>Kettle</title><p>the site itself</p>")
    found = check(lambda _: Said(b"", 301, {"Location": town.url("www.kettle-notes.com")}))
    assert (found.presence, found.why) == (Presence.NOT_THERE, "the page only redirects to the site")


def test_robots_of_the_linking_site_are_kept(check, town):
    def speak(asked):
        if asked.path == "/robots.txt":
            return Said(b"User-agent: *\nDisallow: /post\n", 200, {"Content-Type": "text/plain"})
        return Said(LINK.encode(), 200, {"Content-Type": "text/html"})

    speak.robots = True
    found = check(speak)
    assert (found.presence, "robots.txt" in found.why) == (Presence.UNKNOWN, True)
    assert [item.path for item in town.asked] == ["/robots.txt"]


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/", "http://10.0.0.1/", "http://src1.org:22/", "http://nothing.internal/"]
)
def test_declared_links_cannot_make_us_ask_inside(check, town, url):
    (found,) = check(declared=(url,))
    assert found.presence is Presence.UNKNOWN
    assert not town.asked


def test_a_networks_click_address_is_never_fetched(check, town):
    (found,) = check(declared=(town.url("www.awin1.com", "/cread.php?awinaffid=1"),))
    assert "never fetched" in found.why
    assert not town.asked


def test_own_pages_are_no_backlinks_and_no_site_is_pressed(check, town):
    own = town.url("www.kettle-notes.com", "/about")
    many = [town.url("src1.org", f"/{number}") for number in range(50)]
    found = check(declared=(own, *many), checked_per_site=2)
    assert [item.source_site for item in found] == ["src1.org", "src1.org"]


def test_imported_links_are_drawn_the_same_way_every_time(check, town):
    urls = [town.url(f"src{number}.org", "/") for number in range(40)]
    first = [item.source_url for item in check(declared=(), imported=urls, checked_max=6)]
    assert len(first) == 6
    assert [item.source_url for item in check(declared=(), imported=list(urls), checked_max=6)] == first
    assert first != urls[:6]


def test_declared_links_come_before_imported_ones(check, town):
    found = check(declared=(town.url("src1.org"),), imported=[town.url("src2.org")] * 3, checked_max=1)
    assert [(item.source_site, item.declared) for item in found] == [("src1.org", True)]


def test_time_for_an_application_ends(check, town):
    for number in range(16):
        town.services[f"src{number}.org"] = answers(Said(b"x" * 5000, drip=0.05))
    begun = time.monotonic()
    found = check(declared=[town.url(f"src{number}.org", "/p") for number in range(16)], check_seconds=1)
    assert time.monotonic() - begun < 30
    assert {item.presence for item in found} == {Presence.UNKNOWN}
    assert any("no time was left" in item.why for item in found)


def test_on_platforms_the_path_tells_whose_page_it_is():
    mine = "https://www.youtube.com/@kettle"
    assert leads_to("https://youtube.com/@kettle/videos", mine)
    assert not leads_to("https://youtube.com/@kettles", mine)
    assert not leads_to("https://youtube.com/watch?v=1", mine)
    assert leads_to("https://blog.kettle-notes.com/x", HOME)


def test_the_owners_identifiers_of_a_linking_page_are_kept(check):
    found = check(page(f"<script>gtag('config','G-ABCDEF1234')</script>{LINK}"))
    assert ("analytics", "G-ABCDEF1234") in found.owner_ids
