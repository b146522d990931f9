"""Lookups against local servers that speak the real protocols: what they say, and all the ways they fail to."""

from __future__ import annotations

import json
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from lookup_servers import (
    ADDRESS,
    NETWORK,
    Said,
    answers,
    archive,
    as_json,
    bootstrap,
    registry,
    running_town,
    threat_lists,
)

from screening.applicants.backlinks.shelf import Shelf, Source
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.intake_fields import application
from screening.applicants.lookups.cache import AnswerCache
from screening.applicants.lookups.lookup import ServiceLookup
from screening.applicants.lookups.safe_browsing import expressions
from screening.applicants.lookups.service import Services
from screening.applicants.records import ApplicationCrawl
from screening.applicants.study import Looked
from screening.settings import load_settings

NOW = datetime.now(UTC)
KEY = "a-key-that-nobody-may-see"
SITE = "kettle-notes.com"


@pytest.fixture(scope="module")
def town():
    with running_town() as running:
        yield running


@pytest.fixture(scope="module")
def crawler(town, tmp_path_factory):
    """A crawler that may reach the town and nothing else inside."""
    hosts = tmp_path_factory.mktemp("town") / "hosts"
    names = ("rdap.iana.net", "rdap.registry.com", "archive.net", "threats.net", "inner.registry.com")
    hosts.write_text("".join(f"{ADDRESS} {name}\n" for name in names) + "127.0.0.1 loop.registry.com\n")
    variables = {
        "WINNOW__CRAWL__HOSTS": str(hosts),
        "WINNOW__CRAWL__ALLOW_NETWORKS": f"[{NETWORK}]",
        "WINNOW__CRAWL__ALLOW_PORTS": f"[{town.port}]",
    }
    with open_crawler(load_settings(None, variables).settings.crawl) as opened:
        yield opened


@pytest.fixture
def world(town, crawler, tmp_path, monkeypatch):
    """The town with only a list of registries, and where the lookups keep their files."""
    town.services.clear()
    town.asked.clear()
    monkeypatch.setenv("WINNOW_SAFE_BROWSING_KEY", KEY)
    town.services["rdap.iana.net"] = lambda _: as_json(bootstrap({"com": town.url("rdap.registry.com", "/v1")}))
    return SimpleNamespace(town=town, crawler=crawler, root=tmp_path, cache=tmp_path / "answers")


def _settings(town, **more):
    lookups = {
        "RDAP__ENABLED": "true",
        "RDAP__BOOTSTRAP": town.url("rdap.iana.net", "/dns.json"),
        "RDAP__PAUSE_SECONDS": "0",
        "ARCHIVE__ENABLED": "true",
        "ARCHIVE__URL": town.url("archive.net", "/cdx/search/cdx"),
        "ARCHIVE__PAUSE_SECONDS": "0",
        "SAFE_BROWSING__ENABLED": "true",
        "SAFE_BROWSING__URL": town.url("threats.net", "/v5/hashes:search"),
        "SAFE_BROWSING__PAUSE_SECONDS": "0",
        **more,
    }
    return load_settings(None, {f"WINNOW__LOOKUPS__{name}": value for name, value in lookups.items()}).settings.lookups


@contextmanager
def lookups(world, **more):
    settings = _settings(world.town, **more)
    with Shelf(world.root / "shelf") as shelf, closing(AnswerCache(world.cache)) as cache:
        services = Services(world.crawler, cache, settings.turn_seconds, settings.failures_max)
        yield ServiceLookup(services, shelf, settings, NOW), shelf


def looked(shipped, crawl_of, *, site=SITE, **fields):
    url = f"https://{site}/"
    given = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": url, **fields}
    crawl = ApplicationCrawl("A1", (crawl_of([(url, "<p>hello</p>")], site=site),), (), (), (), None)
    return Looked(application(given, shipped.screening.intake, NOW), crawl)


@pytest.fixture
def ask(world, shipped, crawl_of):
    """Look an application up; return its findings by code."""

    def look(*, site=SITE, settings=None, **fields):
        with lookups(world, **(settings or {})) as (lookup, _):
            return {finding.code: finding for finding in lookup(looked(shipped, crawl_of, site=site, **fields))}

    return look


def ago(days):
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(days):
    return (NOW - timedelta(days=days)).strftime("%Y%m%d%H%M%S")


def test_everything_is_off_as_shipped_and_then_missing(shipped, crawl_of, crawler, tmp_path):
    with Shelf(tmp_path) as shelf, closing(AnswerCache(tmp_path / "answers")) as cache:
        services = Services(crawler, cache, 1, 1)
        found = ServiceLookup(services, shelf, shipped.lookups, NOW)(looked(shipped, crawl_of))
    assert {finding.state.value for finding in found} == {"unknown"}
    assert {finding.code for finding in found} >= {
        "domain_new",
        "domain_reused",
        "visits_overclaimed",
        "listed_dangerous",
    }
    assert all(finding.why for finding in found)


def test_the_age_of_a_domain(world, ask):
    for days, code in ((4000, "domain_since"), (200, "domain_young"), (10, "domain_new")):
        site = f"site{days}.com"
        world.town.services["rdap.registry.com"] = registry({site: ago(days)})
        found = ask(site=site)
        assert found[code].numbers["days"] == days
        assert "domain_new_claims" not in found
    (asked,) = [item for item in world.town.questions("rdap.registry.com") if item.path.endswith("site10.com")]
    assert asked.path == "/v1/domain/site10.com"
    assert "application/rdap+json" in asked.headers["Accept"]
    assert "domain_new_claims" in ask(site="site10.com", claimed_monthly_visits="250000")


def test_answers_are_kept_and_the_list_of_registries_too(world, ask):
    world.town.services["rdap.registry.com"] = registry({SITE: ago(4000)})
    assert ask()["domain_since"].found
    before = len(world.town.asked)
    assert ask()["domain_since"].found
    again = [item.host for item in world.town.asked[before:]]
    assert "rdap.registry.com" not in again
    assert "rdap.iana.net" not in again
    expired = AnswerCache(world.cache)
    expired.forget_expired(NOW + timedelta(days=31))
    expired.close()
    ask()
    assert len(world.town.questions("rdap.registry.com")) == 2


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (registry({}), "does not know the domain"),
        (registry({SITE: ""}), "does not tell when"),
        (registry({SITE: "0000-13-45"}), "does not tell when"),
        (registry({SITE: "1970-01-01T00:00:00Z"}), "does not tell when"),
        (answers(Said(b"<html>maintenance</html>")), "no JSON"),
        (answers(Said(b"[" * 200_000)), "no JSON"),
        (answers(Said(b"\xff\xfe\x00garbage")), "no JSON"),
        (answers(as_json(["not", "an", "object"])), "does not tell when"),
        (answers(as_json({"events": "many"})), "does not tell when"),
        (answers(Said(b"", 500)), "status 500"),
        (answers(Said(b"", 403)), "status 403"),
        (answers(Said(b"", 429, {"Retry-After": "120"})), "busy"),
        (answers(Said(b"x" * (3 << 20))), "no usable answer"),
        (answers(Said(b"", 302, {"Location": "http://127.0.0.1/latest"})), "private or reserved address"),
        (
            answers(Said(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data"})),
            "private or reserved address",
        ),
    ],
)
def test_an_answer_that_cannot_be_used_leaves_the_age_missing(world, ask, said, why):
    world.town.services["rdap.registry.com"] = said
    found = ask()
    assert found["domain_new"].state.value == "unknown"
    assert why in found["domain_new"].why
    assert not {"domain_since", "domain_young"} & set(found)


def test_a_page_that_says_back_soon_is_not_kept(world, ask):
    world.town.services["rdap.registry.com"] = answers(Said(b"<html>maintenance</html>"))
    assert ask()["domain_new"].state.value == "unknown"
    world.town.services["rdap.registry.com"] = registry({SITE: ago(4000)})
    assert ask()["domain_since"].found


def test_a_registry_may_redirect_to_another_server(world, ask):
    town = world.town
    town.services["rdap.registry.com"] = lambda asked: Said(
        b"", 301, {"Location": town.url("inner.registry.com", asked.path)}
    )
    town.services["inner.registry.com"] = registry({SITE: ago(4000)})
    assert ask()["domain_since"].found


def test_a_registry_on_a_private_address_is_not_asked(world, ask):
    town = world.town
    town.services["rdap.iana.net"] = lambda _: as_json(bootstrap({"com": town.url("loop.registry.com")}))
    assert "private or reserved" in ask()["domain_new"].why


def test_a_suffix_without_a_registry_and_a_subdomain_of_a_shared_host(world, ask):
    world.town.services["rdap.registry.com"] = registry({})
    assert "has no RDAP" in ask(site="kettle.de")["domain_new"].why
    assert "no domain of its own" in ask(site="kettle.blogspot.com")["domain_new"].why
    assert not world.town.questions("rdap.registry.com")


def test_the_longest_suffix_and_https_are_taken(tmp_path, world, ask):
    town = world.town
    both = ["http://wrong.registry.com/", town.url("rdap.registry.com")]
    listed = {"services": [[["uk"], ["https://nothing.invalid/"]], [["co.uk", "me.uk"], both[1:]]]}
    (tmp_path / "dns.json").write_text(json.dumps(listed))
    town.services["rdap.registry.com"] = registry({"kettle.co.uk": ago(900)})
    assert ask(site="kettle.co.uk", settings={"RDAP__BOOTSTRAP": str(tmp_path / "dns.json")})["domain_since"].found


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"services": [1]}', b'{"services": [[["com"], []]]}', b"<html>"])
def test_a_list_of_registries_that_is_none(world, ask, body):
    world.town.services["rdap.iana.net"] = answers(Said(body))
    assert "bootstrap" in ask()["domain_new"].why


def test_a_busy_server_is_left_alone_as_long_as_it_asks(world, shipped, crawl_of):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    world.town.services["rdap.registry.com"] = answers(Said(b"", 503, {"Retry-After": until}))
    with lookups(world) as (lookup, _):
        lookup(looked(shipped, crawl_of))
        world.town.services["rdap.registry.com"] = registry({SITE: ago(900)})
        found = {item.code: item for item in lookup(looked(shipped, crawl_of))}
    assert "left alone for" in found["domain_new"].why
    assert len(world.town.questions("rdap.registry.com")) == 1


def test_a_dripping_server_costs_no_more_than_its_seconds(world, ask):
    world.town.services["rdap.registry.com"] = answers(Said(b"x" * 1000, drip=0.05))
    begun = time.monotonic()
    found = ask(settings={"RDAP__SECONDS": "0.5"})
    assert "not complete in time" in found["domain_new"].why
    assert time.monotonic() - begun < 30  # it would take 50 s; the machine may be busy


def test_a_broken_service_is_given_up_for_the_run(world, shipped, crawl_of):
    world.town.services["archive.net"] = answers(Said(b"", 500))
    with lookups(world, FAILURES_MAX="2") as (lookup, _):
        whys = []
        for number in range(4):
            found = {item.code: item for item in lookup(looked(shipped, crawl_of, site=f"kettle{number}.com"))}
            whys.append(found["domain_reused"].why)
    assert ["left alone" in why for why in whys] == [False, False, True, True]
    assert len(world.town.questions("archive.net")) == 2


def test_questions_to_one_registry_are_spaced(world, shipped, crawl_of):
    world.town.services["rdap.registry.com"] = registry({f"k{n}.com": ago(900) for n in range(3)})
    with lookups(world, RDAP__PAUSE_SECONDS="0.3", ARCHIVE__ENABLED="false", SAFE_BROWSING__ENABLED="false") as (
        lookup,
        _,
    ):
        begun = time.monotonic()
        for number in range(3):
            lookup(looked(shipped, crawl_of, site=f"k{number}.com"))
        assert time.monotonic() - begun >= 0.6


def test_no_turn_in_time_is_missing_not_a_wait(world, shipped, crawl_of):
    world.town.services["rdap.registry.com"] = registry({"k0.com": ago(900), "k1.com": ago(900)})
    with lookups(world, RDAP__PAUSE_SECONDS="50", TURN_SECONDS="0.1") as (lookup, _):
        begun = time.monotonic()
        first = {item.code for item in lookup(looked(shipped, crawl_of, site="k0.com"))}
        second = {item.code: item for item in lookup(looked(shipped, crawl_of, site="k1.com"))}
    assert "domain_since" in first
    assert "no turn" in second["domain_new"].why
    assert time.monotonic() - begun < 30


def test_the_archive_tells_of_another_owner_before(world, ask):
    world.town.services["rdap.registry.com"] = registry({SITE: ago(200)})
    world.town.services["archive.net"] = archive({SITE: [stamp(3000), stamp(2900), stamp(100)]})
    found = ask()
    assert found["archive_seen"].numbers["months"] == "3"
    assert found["domain_reused"].found
    (asked,) = world.town.questions("archive.net")
    assert asked.query["collapse"] == ["timestamp:6"]


def test_an_old_domain_that_was_always_there_was_not_reused(world, ask):
    world.town.services["rdap.registry.com"] = registry({SITE: ago(4000)})
    world.town.services["archive.net"] = archive({SITE: [stamp(3900)]})
    found = ask()
    assert found["domain_reused"].state.value == "absent"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answers(as_json([])), "nothing of it"),
        (answers(Said(b"")), "nothing of it"),
        (answers(as_json([["timestamp"], ["20261399999999"]])), "which is none"),
        (answers(as_json([["timestamp"], ["19700101000000"]])), "which is none"),
        (answers(as_json([["urlkey"], ["com,a)/"]])), "without times"),
        (answers(as_json({"error": "x"})), "no list"),
        (answers(Said(b"<html>504</html>")), "no JSON"),
        (answers(Said(b"", 404)), "status 404"),
    ],
)
def test_an_archive_that_has_or_says_nothing(world, ask, said, why):
    world.town.services["rdap.registry.com"] = registry({SITE: ago(200)})
    world.town.services["archive.net"] = said
    found = ask()
    assert found["domain_reused"].state.value == "unknown"
    assert why in found["domain_reused"].why


def test_a_listed_site_is_found_and_the_key_stays_secret(world, ask, tmp_path):
    world.town.services["threats.net"] = threat_lists({f"{SITE}/": "MALWARE"}, KEY)
    found = ask()
    assert found["listed_dangerous"].found
    assert found["listed_dangerous"].numbers["kinds"] == "malware"
    (asked,) = world.town.questions("threats.net")
    assert KEY not in asked.path + str(asked.query)
    assert SITE not in str(asked.query)
    before = len(world.town.questions("threats.net"))
    assert ask()["listed_dangerous"].found  # on file
    assert len(world.town.questions("threats.net")) == before
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_site_that_is_not_listed(world, ask):
    world.town.services["threats.net"] = threat_lists({"other.com/": "MALWARE"}, KEY)
    assert ask()["listed_dangerous"].state.value == "absent"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (threat_lists({}, "another key"), "status 403"),
        (answers(Said(b"\x0a\x05proto")), "no JSON"),
        (answers(as_json({"fullHashes": [{"fullHash": "!"}]})), "another form"),
        (answers(as_json([])), "another form"),
        (answers(as_json({"cacheDuration": "soon"})), "duration"),
        (answers(Said(b"", 302, {"Location": "http://inner.registry.com/"})), "redirect rejected"),
    ],
)
def test_threat_lists_that_cannot_be_asked(world, ask, said, why):
    world.town.services["threats.net"] = said
    found = ask()["listed_dangerous"]
    assert found.state.value == "unknown"
    assert why in found.why
    assert KEY not in found.why
    assert not world.town.questions("inner.registry.com")  # the key does not travel


def test_entries_that_are_there_to_be_measured_do_not_count(world, ask):
    world.town.services["threats.net"] = threat_lists({f"{SITE}/": "MALWARE"}, KEY, attributes=("CANARY",))
    assert ask()["listed_dangerous"].state.value == "absent"


def test_without_a_key_nothing_is_asked(world, ask, monkeypatch):
    monkeypatch.delenv("WINNOW_SAFE_BROWSING_KEY")
    assert "holds no key" in ask()["listed_dangerous"].why
    assert not world.town.questions("threats.net")


def test_expressions_as_the_service_describes_them():
    # the example of the description of version 5, with a registered domain of one label and a suffix
    found = expressions("http://a.b.example.com/1/2.html?param=1")
    assert set(found) == {
        f"{host}{path}"
        for host in ("a.b.example.com", "b.example.com", "example.com")
        for path in ("/1/2.html?param=1", "/1/2.html", "/", "/1/")
    }
    assert set(expressions("https://93.184.216.34/x")) == {"93.184.216.34/x", "93.184.216.34/"}


@pytest.mark.parametrize(
    ("claimed", "listed", "state"),
    [
        ("5000000", [("other.com", 1)], "found"),
        ("5000000", [(SITE, 900_000)], "absent"),
        ("5000", [("other.com", 1)], "unknown"),
        (None, [("other.com", 1)], "unknown"),
        ("5000000", None, "unknown"),
    ],
)
def test_claimed_visits_against_a_ranking(world, shipped, crawl_of, claimed, listed, state):
    fields = {"claimed_monthly_visits": claimed} if claimed else {}
    with lookups(world, POPULARITY__DOMAINS_MIN="1") as (lookup, shelf):
        if listed is not None:
            shelf.keep_popularity(Source("tranco", "top.csv", "d", NOW), listed)
        found = {item.code: item for item in lookup(looked(shipped, crawl_of, **fields))}
    assert found["visits_overclaimed"].state.value == state


def test_a_ranking_that_is_old_or_short_says_nothing(world, shipped, crawl_of):
    with lookups(world) as (lookup, shelf):
        shelf.keep_popularity(Source("tranco", "top.csv", "d", NOW), [("other.com", 1)])
        short = {item.code: item for item in lookup(looked(shipped, crawl_of, claimed_monthly_visits="5000000"))}
        shelf.keep_popularity(Source("tranco", "top.csv", "e", NOW - timedelta(days=500)), [("other.com", 1)])
        old = {item.code: item for item in lookup(looked(shipped, crawl_of, claimed_monthly_visits="5000000"))}
    assert "only 1 domains" in short["visits_overclaimed"].why
    assert "no popularity list of late" in old["visits_overclaimed"].why
