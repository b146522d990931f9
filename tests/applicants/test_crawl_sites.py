"""The crawl of sites and applications: which pages, how politely, what is left behind, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hostile_behaviours import bomb, honest_otherwise, never_answers, redirect_to
from hostile_fixtures import crawl_settings
from hostile_wire import Farm, article, site

from screening.applicants.codes import SiteFlag, Stop
from screening.applicants.crawl import site as site_module
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.journal import JOURNAL_NAME, Journal
from screening.applicants.crawl.many import crawl_application, crawl_many
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.traps import is_trap, is_worth_visiting, shape_of, without_session
from screening.applicants.crawl.urls import read_target
from screening.applicants.records import Declared
from screening.settings import load_settings

POSTS = tuple(f"/post-{letter}" for letter in "abcdefghijklmnopqrst")
INDEX = (
    "/about-us",
    "/contact",
    "/privacy-policy",
    "/terms",
    "/affiliate-disclosure",
    "/go/shop",
    "/photo.jpg",
    *POSTS,
)
BLOG = {path: article(seed=path, title=path) for path in (*INDEX, "/newest")}
BLOG["/"] = article(seed="home", links=INDEX, title="Home")
BLOG["/favicon.ico"] = b"\x00\x00\x01\x00icon"
ROBOTS = b"User-agent: *\nDisallow: /go/\nSitemap: /map.xml\n"


def blog(farm: Farm, host: str):
    entry = "<url><loc>{}</loc><lastmod>2026-{}</lastmod></url>"
    listed = (("/post-a", "01-05"), ("/newest", "10-01"), ("/post-b", "03-03"))
    entries = "".join(entry.format(farm.url(host, path), date) for path, date in listed)
    pages = BLOG | {"/map.xml": f"<urlset>{entries}</urlset>".encode()}
    return farm.add(host, site(pages, robots=ROBOTS))


def crawl_one(farm, trust, host, application="a", **changes):
    with open_crawler(crawl_settings(farm, **changes), resolver=farm.names, contexts=trust) as crawler:
        return crawl_site(SiteRequest(application, (read_target(farm.url(host)),), 60), crawler)


def test_telling_pages_first_then_the_newest_then_a_fixed_sample(farm, trust):
    server = blog(farm, "blog.net")
    got = crawl_one(farm, trust, "blog.net")
    assert [page.role for page in got.pages[:7]] == [
        "home",
        "about",
        "contact",
        "disclosure",
        "privacy",
        "terms",
        "newest",
    ]
    assert [page.role for page in got.pages[7:]] == ["random"] * 3
    assert got.pages[6].facts.title == "/newest"
    assert got.stops == (Stop.PAGES,)
    assert {page.role for page in got.others} == {"robots", "favicon", "probe", "sitemap"}
    assert not {"/go/shop", "/photo.jpg"} & set(server.paths)
    assert (got.spent.pages, got.spent.fetches) == (10, 14)
    assert got.robots.state == "found"
    again = crawl_one(farm, trust, "blog.net")
    assert [page.fetch.url for page in again.pages] == [page.fetch.url for page in got.pages]
    other = crawl_one(farm, trust, "blog.net", application="b")
    assert [page.fetch.url for page in other.pages] != [page.fetch.url for page in got.pages]


def test_depth_is_bounded(farm, trust):
    deep = {f"/{'x' * number}": article(seed=str(number), links=(f"/{'x' * (number + 1)}",)) for number in range(9)}
    farm.add("deep.net", site(deep))
    got = crawl_one(farm, trust, "deep.net", SITE__RANDOM_PAGES=50, SITE__PAGES=50)
    assert [page.fetch.url.rpartition("/")[2] for page in got.pages] == ["", "x", "xx", "xxx"]


def test_a_home_page_that_fails_ends_the_crawl_with_its_failure(farm, trust):
    farm.add("mutehome.net", honest_otherwise(never_answers))
    got = crawl_one(farm, trust, "mutehome.net")
    assert got.stops == (Stop.HOME_FAILED,)
    assert got.home.fetch.error == "silence"
    farm.names.addresses_of["nobody.net"] = ("127.80.251.1",)
    got = crawl_one(farm, trust, "nobody.net")
    assert got.stops == (Stop.ROBOTS_UNREACHABLE,)
    assert got.others[0].fetch.error == "connect_refused"


def test_bytes_of_a_site_are_bounded(farm, trust):
    pages = {"/": article(40_000, links=POSTS)} | {path: article(40_000, seed=path) for path in POSTS}
    farm.add("heavy.net", site(pages))
    got = crawl_one(farm, trust, "heavy.net", SITE__TOTAL_BYTES=300_000)
    assert got.stops == (Stop.BYTES,)
    assert got.spent.bytes < 300_000 + 300_000


# --- applications ----------------------------------------------------------------------------------------------------


def test_sites_of_an_application_and_what_cannot_be_crawled(farm, crawler):
    blog(farm, "first.net")
    blog(farm, "second.net")
    urls = (
        farm.url("first.net"), "ftp://first.net/", farm.url("first.net", "/contact"), farm.url("second.net"),
        "http://192.168.1.1/", "not a url at all", "http://localhost/",
    )  # fmt: skip
    got = crawl_application(Declared("app", urls), crawler)
    assert [(one.site, one.declared) for one in got.sites] == [
        ("first.net", (farm.url("first.net"), farm.url("first.net", "/contact"))),
        ("second.net", (farm.url("second.net"),)),
    ]
    assert [one.role for one in got.sites[0].pages[:2]] == ["home", "declared"]
    assert {one.url: one.code for one in got.unusable} == {
        "ftp://first.net/": "url_scheme",
        "http://192.168.1.1/": "address_refused",
        "not a url at all": "url_invalid",
        "http://localhost/": "name_reserved",
    }
    assert SiteFlag.GUARD_OPENED in got.flags
    assert SiteFlag.GUARD_OPENED in got.sites[0].flags
    assert any(str(farm.port) in opening for opening in got.openings)
    assert crawl_application(Declared("none", ()), crawler).sites == ()


def test_more_sites_than_allowed_are_cut_and_it_says_so(farm, trust):
    for number in range(4):
        farm.add(f"many{number}.net", site({"/": article()}))
    urls = tuple(farm.url(f"many{number}.net") for number in range(4))
    settings = crawl_settings(farm, APPLICATION_SITES=2)
    with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
        got = crawl_application(Declared("app", urls), crawler)
    assert len(got.sites) == 2
    assert SiteFlag.SITES_CUT in got.flags


def test_one_site_is_crawled_once_at_a_time_and_one_address_by_two_at_most(farm, trust):
    at_work, most = threading.Semaphore(0), []

    def slowly(exchange):
        at_work.release()
        most.append(at_work._value)
        exchange.wait(0.02)
        at_work.acquire()
        site({"/": article(links=POSTS[:2])} | {path: article(seed=path) for path in POSTS[:2]})(exchange)

    farm.add("shared0.net", slowly)
    for number in range(1, 6):
        farm.alias(f"shared{number}.net", "shared0.net")
    declared = [Declared(f"app{number}", (farm.url(f"shared{number}.net"),)) for number in range(6)]
    with open_crawler(crawl_settings(farm, PER_ADDRESS=2), resolver=farm.names, contexts=trust) as crawler:
        assert len(list(crawl_many(declared, crawler))) == 6
    assert max(most) == 2
    most.clear()
    farm.add("popular.net", slowly)
    declared = [Declared(f"app{number}", (farm.url("popular.net"),)) for number in range(4)]
    with open_crawler(crawl_settings(farm, PER_ADDRESS=8), resolver=farm.names, contexts=trust) as crawler:
        assert len(list(crawl_many(declared, crawler))) == 4
    assert max(most) == 1


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _children() -> str:
    command = ["ps", "--ppid", str(os.getpid()), "-o", "args="]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _crawl_of_hostile_sites(folder: Path, trust) -> int:
    farm = Farm()
    farm.add("leftbomb.net", bomb("gzip"))
    farm.add("leftmute.net", never_answers)
    farm.add("leftmove.net", redirect_to("http://127.0.0.1/"))
    blog(farm, "leftgood.net")
    hosts = ("leftbomb.net", "leftmute.net", "leftmove.net", "leftgood.net")
    with open_crawler(crawl_settings(farm), resolver=farm.names, contexts=trust) as crawler:
        results = list(crawl_many([Declared(host, (farm.url(host),)) for host in hosts], crawler, folder))
    farm.close()
    return len(results)


def test_nothing_is_left_after_a_crawl_even_of_hostile_sites(trust, tmp_path):
    assert _crawl_of_hostile_sites(tmp_path / "first", trust) == 4
    threads, files, parsers = set(threading.enumerate()), _open_files(), _children().count("page.worker")
    assert _crawl_of_hostile_sites(tmp_path / "second", trust) == 4
    assert not set(threading.enumerate()) - threads
    assert _open_files() == files
    assert _children().count("page.worker") == parsers


def test_closing_the_iterator_ends_crawls_under_way_at_once(farm, trust, tmp_path):
    farm.add("quick.net", site({"/": article()}))
    farm.add("slow.net", honest_otherwise(never_answers))
    settings = crawl_settings(farm, FETCH__SILENCE_SECONDS=20, FETCH__TOTAL_SECONDS=20, SITE__SECONDS=30)
    with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
        declared = [Declared("quick", (farm.url("quick.net"),)), Declared("slow", (farm.url("slow.net"),))]
        results = crawl_many(declared, crawler, tmp_path)
        assert next(results).application_id == "quick"
        begun = time.monotonic()
        results.close()
        assert time.monotonic() - begun < 3
    entries = [json.loads(line)["application_id"] for line in (tmp_path / JOURNAL_NAME).read_text().splitlines()]
    assert entries == ["quick"]
    assert not (tmp_path / "slow" / "facts.json").exists()


def test_an_error_of_our_own_in_a_thread_reaches_the_caller(farm, crawler, monkeypatch):
    farm.add("unlucky.net", site({"/": article()}))

    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(site_module._SiteVisit, "run", broken)
    with open_crawler(crawler.settings, resolver=farm.names) as other, pytest.raises(RuntimeError, match="a bug"):
        list(crawl_many([Declared("a", (farm.url("unlucky.net"),))], other))


# --- going on after a kill -------------------------------------------------------------------------------------------

NIGHT = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from hostile_fixtures import crawl_settings
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.many import crawl_many
from screening.applicants.records import Declared

class At:
    def __init__(self, port): self.port = port

class Names:
    def addresses(self, host): return ({address!r},)

declared = [Declared(f"app-{{n}}", (f"http://night{{n}}.net:{port}/",)) for n in range(12)]
with open_crawler(crawl_settings(At({port}), THREADS=2), resolver=Names()) as crawler:
    for crawl in crawl_many(declared, crawler, Path({evidence!r})):
        print(crawl.application_id, len(crawl.sites[0].pages), flush=True)
"""


def test_a_killed_night_goes_on_where_it_was(farm, tmp_path):
    def slowly(exchange):
        exchange.wait(0.05)
        site({"/": article(links=POSTS[:1]), POSTS[0]: article(seed="b")})(exchange)

    server = farm.add("night.net", slowly)
    paths = [str(Path(__file__).parents[1] / "servers"), str(Path(__file__).parents[2])]
    address = farm.names.addresses_of["night.net"][0]
    script = NIGHT.format(paths=paths, address=address, port=farm.port, evidence=str(tmp_path))
    first = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    finished = [first.stdout.readline().split()[0] for _ in range(4)]
    first.send_signal(signal.SIGKILL)
    first.wait()
    first.stdout.close()
    with (tmp_path / JOURNAL_NAME).open("a") as journal:
        journal.write('{"application_id": "app-11", "decl')  # what a kill inside a write leaves
    asked = len(server.requests)
    second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    done = [line.split() for line in second.stdout.splitlines()]
    assert {name for name, _ in done} == {f"app-{number}" for number in range(12)}
    assert {pages for _, pages in done} == {"2"}
    later = {request.host for request in server.requests[asked:]}
    assert not {f"night{name.removeprefix('app-')}.net" for name in finished} & later
    assert len(later) >= 12 - len(finished) - 3
    requests_after_second = len(server.requests)
    third = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert len(third.stdout.splitlines()) == 12
    assert len(server.requests) == requests_after_second


def test_a_changed_declaration_is_crawled_again(farm, crawler, tmp_path):
    server = farm.add("again.net", site({"/": article(), "/two": article(seed="2")}))
    declared = Declared("app", (farm.url("again.net"),))
    first = crawl_application(declared, crawler, tmp_path)
    asked = len(server.requests)
    assert crawl_application(declared, crawler, tmp_path) == first
    assert len(server.requests) == asked
    crawl_application(Declared("app", (farm.url("again.net", "/two"),)), crawler, tmp_path)
    assert len(server.requests) > asked


@pytest.mark.parametrize("identifier", ["../../etc/passwd", "a/b", "", ".hidden", "x" * 300, "ünïcode", "a b", "con\n"])
def test_an_application_id_is_never_a_path(tmp_path, identifier):
    folder = Journal(tmp_path).folder(identifier)
    assert folder.parent == tmp_path
    assert folder.name.startswith("application-")


# --- links -----------------------------------------------------------------------------------------------------------


def test_session_ids_and_campaigns_are_taken_off():
    assert (
        without_session("https://a.com/x;jsessionid=77AB?b=1&PHPSESSID=9&utm_source=m&gclid=z#f")
        == "https://a.com/x?b=1"
    )
    assert without_session("https://a.com/x?b=1&c=2") == "https://a.com/x?b=1&c=2"
    assert without_session("https://a.com/x") == "https://a.com/x"


def test_shapes_join_what_differs_in_numbers_and_ids_only():
    assert shape_of("https://a.com/cal?y=2026&m=1") == shape_of("https://a.com/cal?m=12&y=2031")
    assert shape_of("https://a.com/2026/05/17/") == shape_of("https://a.com/2025/12/01/")
    assert shape_of("https://a.com/p/deadbeef01") == shape_of("https://a.com/p/0123456789abcdef")
    assert shape_of("https://a.com/bread") != shape_of("https://a.com/cake")
    assert shape_of("https://a.com/face") != shape_of("https://a.com/deed")


@pytest.mark.parametrize(
    ("url", "trap"),
    [
        ("https://a.com/x/y/z", False), ("https://a.com/" + "/".join("abcdefghi"), True),
        ("https://a.com/a/b/a/b/a", True),
        ("https://a.com/" + "x" * 600, True), ("https://a.com/?" + "&".join(f"p{n}=1" for n in range(7)), True),
        ("https://a.com/?a=1&b=2", False),
    ],
)  # fmt: skip
def test_what_looks_like_a_trap(url, trap):
    assert is_trap(url, load_settings(None, {}).settings.crawl.traps) is trap


@pytest.mark.parametrize(
    "path", ["/logout", "/a/photo.JPG", "/cart", "/x?add-to-cart=7", "/go/shop", "/wp-admin/", "/x?action=delete"]
)
def test_what_is_not_visited(path):
    assert not is_worth_visiting("https://a.com" + path)
    assert is_worth_visiting("https://a.com/golf/cartoons/deleted-scenes")
