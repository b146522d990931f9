"""Agents of real people are never called bots; bots, tools, impossible and broken agents are told apart."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.intelligence import AgentBook, AgentClass
from features.intelligence.agents import AgentPattern
from features.intelligence.releases import ENGINES, newest_majors
from screening.traffic.lists_packages import packaged_agents

REPO = Path(__file__).resolve().parents[3]
REAL_AGENTS = REPO.parent / "shared" / "data" / "network" / "addresses-and-agents.json.gz"
DAY = date(2026, 11, 22)
NOT_HUMAN = ["declared_bot", "automation", "library", "malformed"]

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
IPHONE_SAFARI = "Mobile/15E148 Safari/604.1"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"


@pytest.fixture(scope="module")
def book() -> AgentBook:
    return AgentBook.of(packaged_agents())


def _row(book: AgentBook, agent: str, on: date = DAY) -> dict[str, object]:
    return book.classify(pl.Series([agent]), on).row(0, named=True)


@pytest.mark.parametrize(
    "agent",
    [
        f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
        f"{IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
        f"{IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
        f"{IPHONE} Mobile/15E148",
        f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/467.0.0.30.107;FBBV/601235;FBDV/iPhone14,5;FBMD/iPhone]",
        f"{IPHONE} Mobile/15E148 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5; de_DE; scale=3.00; 1170x2532)",
        f"{IPHONE} Mobile/15E148 Snapchat/12.91.0.36 (like Safari/8618.2.12.10.9, panda)",
        f"{IPHONE} Mobile/15E148 [Pinterest/iOS]",
        f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36",
        f"{ANDROID} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36 Viber/22.6.0",
        "Mozilla/5.0 (Linux; Android 13; CUBOT X70 Build/TP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/468.0.0.56.78;]",
        "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100) AppleWebKit/534.30 (KHTML, like Gecko) "
        "Version/4.0 Mobile Safari/534.30",
        "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
        "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
        f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0",
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
        f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
        "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; rv:11.0; IEMobile/11.0; NOKIA; "
        "Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537",
    ],
)
def test_people_are_people(book, agent):
    assert _row(book, agent)["agent_class"] == "person"


@pytest.mark.parametrize(
    ("agent", "agent_class"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "declared_bot"),
        (
            f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "declared_bot",
        ),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "declared_bot"),
        ("SomeNewCrawler/0.3 (+https://example.com/about)", "declared_bot"),
        (f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36", "automation"),
        (
            "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
            "automation",
        ),
        ("python-requests/2.32.3", "library"),
        ("curl/8.5.0", "library"),
        ("Go-http-client/2.0", "library"),
        ("Java/1.8.0_402", "library"),
        ("{ua}", "malformed"),
        ("{{user_agent}}", "malformed"),
        ("%%USER_AGENT%%", "malformed"),
        ("${USER_AGENT}", "malformed"),
        ("<class 'fake_useragent.fake.FakeUserAgent'>", "malformed"),
        ("Mozilla/5.0", "malformed"),
        ("() { :; }; /bin/ping", "malformed"),
        ("User-Agent: Mozilla/5.0 (Windows NT 10.0)", "malformed"),
        ("", "unknown"),
        ("null", "unknown"),
        ("undefined", "unknown"),
        ("-", "unknown"),
        ("device=1 os=13", "unknown"),
        ("com.example.shop/1.2 CFNetwork/1494.0.7 Darwin/23.4.0", "unknown"),
        ("okhttp/4.12.0", "unknown"),
        ("Dart/3.3 (dart:io)", "unknown"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)", "unknown"),
    ],
)
def test_what_is_no_person_says_so_and_what_says_too_little_is_unknown(book, agent, agent_class):
    assert _row(book, agent)["agent_class"] == agent_class


@pytest.mark.parametrize(
    "agent",
    [
        f"{ANDROID} Version/17.4 Mobile Safari/604.1",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Android 12) {CHROME} Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X; Android 12) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"Version/16.0 {IPHONE_SAFARI}",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Version/15.0 {IPHONE_SAFARI}",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 21_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"Version/21.0 {IPHONE_SAFARI}",
        f"{IPHONE} Chrome/126.0.0.0 Mobile Safari/604.1",
        f"Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) {CHROME} Safari/537.36",
        f"Mozilla/5.0 (Windows NT 11.0; Win64; x64) {CHROME} Safari/537.36",
        f"{WINDOWS} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
        f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/999.0.0.0 Safari/537.36",
        f"{WINDOWS} AppleWebKit/535.1 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/535.1",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:90.0) Gecko/20100101 Firefox/130.0",
        f"Mozilla/5.0 (Linux; Android 99; Pixel 9) {CHROME} Mobile Safari/537.36",
    ],
)
def test_combinations_that_no_browser_has_are_impossible(book, agent):
    assert _row(book, agent)["agent_class"] == "impossible"


def test_a_version_is_impossible_only_before_its_time(book):
    agent = f"{WINDOWS} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    assert _row(book, agent, date(2023, 1, 1))["agent_class"] == "impossible"
    assert _row(book, agent, date(2025, 9, 10))["agent_class"] == "person"


def test_system_browser_version_and_age(book):
    row = _row(book, f"{ANDROID} Chrome/120.0.0.0 Mobile Safari/537.36", date(2025, 9, 10))
    assert (row["agent_os"], row["agent_major"], row["agent_mobile"], row["agent_age"]) == ("Android", 120, True, 20)
    row = _row(
        book, f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15", date(2025, 1, 10)
    )
    assert (row["agent_browser"], row["agent_major"], row["agent_mobile"], row["agent_age"]) == ("Safari", 17, False, 1)
    row = _row(book, "device=1 os=13")
    assert [row[name] for name in ("agent_os", "agent_browser", "agent_major", "agent_mobile", "agent_age")] == [
        None
    ] * 5


def test_age_is_unknown_where_the_maker_keeps_an_engine_for_long(book):
    assert _row(book, f"{ANDROID} SamsungBrowser/20.0 Chrome/106.0.0.0 Mobile Safari/537.36")["agent_age"] is None


def test_percent_encoded_agents_are_read_and_joined_as_given(book):
    given = f"{ANDROID} Chrome/126.0.0.0 Mobile Safari/537.36".replace(" ", "%20").replace("/", "%2F")
    row = _row(book, given)
    assert (row["user_agent"], row["agent_class"], row["agent_os"]) == (given, "person", "Android")


def test_one_row_per_distinct_agent_and_none_for_null(book):
    result = book.classify(pl.Series(["curl/8.5.0", None, "x", "curl/8.5.0"]), DAY)
    assert result["user_agent"].to_list() == ["curl/8.5.0", "x"]
    empty = book.classify(pl.Series([], dtype=pl.String), DAY)
    assert (len(empty), empty.schema) == (0, result.schema)


def test_own_patterns_are_used():
    own = AgentBook.of([AgentPattern(r"^Acme-Checker/", AgentClass.DECLARED_BOT)])
    assert _row(own, "Acme-Checker/2")["agent_class"] == "declared_bot"
    assert _row(AgentBook.of([]), "Acme-Checker/2")["agent_class"] == "unknown"


def test_release_calendars_never_run_backwards():
    days = [date(2018 + month // 12, 1 + month % 12, 15) for month in range(12 * 14)]
    for engine in ENGINES:
        paces = [newest_majors(day)[engine] for day in days]
        assert all(pace.expected < pace.possible for pace in paces)
        assert [pace.expected for pace in paces] == sorted(pace.expected for pace in paces)


@pytest.fixture(scope="module")
def real() -> dict[str, list]:
    if not REAL_AGENTS.is_file():
        pytest.skip("the list of real user agents is not beside the checkout")
    return json.loads(gzip.decompress(REAL_AGENTS.read_bytes()))


@pytest.mark.parametrize("kind", ["mobile", "desktop"])
def test_no_real_phone_or_computer_is_called_a_bot(book, real, kind):
    weights = pl.DataFrame(real[kind], schema={"user_agent": pl.String, "weight": pl.Float64}, orient="row")
    result = book.classify(weights["user_agent"], DAY).join(weights, on="user_agent")
    assert not result.filter(pl.col("agent_class").is_in(NOT_HUMAN))["user_agent"].to_list()
    # the list itself holds a few generated agents (iOS 11 with made-up builds of Chrome): 0.4 % by weight
    impossible = result.filter(pl.col("agent_class") == "impossible")["weight"].sum()
    assert impossible < 0.005 * weights["weight"].sum()


def test_most_real_crawlers_are_recognised(book, real):
    result = book.classify(pl.Series(real["crawlers"]), DAY)["agent_class"].value_counts()
    counts = dict(result.rows())
    found = sum(counts.get(name, 0) for name in (*NOT_HUMAN, "impossible"))
    assert found >= 0.7 * len(real["crawlers"])
    assert counts.get("person", 0) <= 0.1 * len(real["crawlers"])
