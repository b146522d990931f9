"""What the pattern of links says: farms are seen, honest big and small sites are not hurt, little is unknown."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner
from warcio.archiveiterator import ArchiveIterator

from screening.applicants.backlinks import pattern
from screening.applicants.backlinks.graph import Standing
from screening.applicants.backlinks.links import Backlink
from screening.applicants.backlinks.lookup import BacklinkLookup
from screening.applicants.backlinks.shelf import Shelf, Source
from screening.applicants.backlinks.verify import Checked, Presence
from screening.applicants.intake_fields import application
from screening.applicants.records import ApplicationCrawl
from screening.applicants.scorecard import scorecard
from screening.applicants.study import Looked
from screening.cli.app import app
from screening.simulate.farm import NETWORK
from screening.simulate.farm_answers import Site, html
from screening.simulate.farm_server import serve

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = "kettle-notes.com"
HOME = f"https://{SITE}/"
NAMES = ("Jane Doe", "", SITE)
OWN = frozenset[tuple[str, str]]()


def link(number, anchor="Kettle Notes", first=None, **fields):
    return Backlink(f"site{number}.org", SITE, f"https://site{number}.org/p", HOME, anchor, True, first, **fields)


class Graph:
    """A graph with fixed links."""

    release = "test"

    def __init__(self, linking, linked=()):
        self._linking, self._linked = linking, set(linked)

    def standing(self, domain, most):
        return Standing(domain, len(self._linking), tuple(self._linking[:most]), 1, 10, 12, 1000)

    def links(self, source, target):
        return target in self._linked


@contextmanager
def lookup(tmp_path, shipped, *, links=(), graph=None, disowned=()):
    with Shelf(tmp_path) as shelf:
        shelf.keep_links(Source("ahrefs", "a.csv", "1", NOW), links)
        if disowned:
            shelf.keep_disowned(Source("disavow", "d.txt", "2", NOW), disowned)
        settings = shipped.backlinks.model_copy(update={"checked_max": 0})
        yield BacklinkLookup(shelf, graph, None, settings)


def findings(tmp_path, shipped, crawl_of, html_text="<p>hello</p>", **more):
    given_fields = {"application_id": "A1", "name": "Jane Doe", "email": "jane@gmail.com", "websites": HOME}
    crawl = ApplicationCrawl("A1", (crawl_of([(HOME, html_text)]),), (), (), (), None)
    looked = Looked(application(given_fields, shipped.screening.intake, NOW), crawl)
    with lookup(tmp_path, shipped, **more) as found:
        return {item.code: item for item in found(looked)}


def spread(count, **fields):
    """Links of `count` sites over ten years, as a site that lives collects them."""
    return [link(n, first=date(2016, 1, 1) + timedelta(days=n * 3600 // max(count, 1)), **fields) for n in range(count)]


def against(found, shipped):
    return scorecard(found.values(), shipped.screening.scorecard).points


def test_nothing_known_is_missing_and_nothing_more(tmp_path, shipped, crawl_of):
    found = findings(tmp_path, shipped, crawl_of)
    assert {item.state.value for item in found.values()} == {"unknown"}
    assert against(found, shipped) == 0


@pytest.mark.parametrize("count", [1, 5, 19])
def test_a_small_site_is_not_judged_by_its_few_links(tmp_path, shipped, crawl_of, count):
    burst = [link(number, "best cheap kettles", date(2026, 11, 1)) for number in range(count)]
    found = findings(tmp_path, shipped, crawl_of, links=burst, disowned=[f"site{n}.org" for n in range(count)])
    assert found["backlinks_known"].numbers["sites"] == count
    assert against(found, shipped) == 0
    assert found["backlinks_disowned"].state.value == "unknown"


def test_a_large_honest_site_is_not_hurt_by_the_spam_everybody_gets(tmp_path, shipped, crawl_of):
    anchors = ["Kettle Notes", HOME, "kettle-notes.com", "here", "this review of kettles", "Jane Doe", "read more", ""]
    honest = [item for item in spread(500) if int(item.source_site[4:-4]) % 8]
    honest += [link(n, anchors[n % len(anchors)], date(2019, 1, 1) + timedelta(days=n)) for n in range(1000, 1400)]
    spam = [link(n, "buy cheap watches", date(2026, 10, 1)) for n in range(2000, 2100)]
    graph = Graph([item.source_site for item in honest], linked=[f"site{n}.org" for n in range(50)])
    found = findings(
        tmp_path, shipped, crawl_of, links=[*honest, *spam], graph=graph, disowned=[item.source_site for item in spam]
    )
    assert against(found, shipped) == 0
    assert {"backlinks_anchors", "backlinks_burst", "backlinks_disowned", "backlinks_reciprocal"} == {
        code for code, item in found.items() if item.state.value == "absent"
    }


def test_a_farm_of_links_is_seen_in_every_way_but_weighs_little(tmp_path, shipped, crawl_of):
    old = [link(9000, "Kettle Notes", date(2019, 1, 1))]
    farm = [link(number, "cheap gas kettles", date(2026, 10, 1)) for number in range(60)]
    graph = Graph([item.source_site for item in farm], linked=[item.source_site for item in farm])
    found = findings(
        tmp_path, shipped, crawl_of, links=[*old, *farm], graph=graph, disowned=[f"site{n}.org" for n in range(40)]
    )
    codes = {"backlinks_anchors", "backlinks_burst", "backlinks_disowned", "backlinks_reciprocal"}
    assert codes <= {code for code, item in found.items() if item.found}
    assert all(found[code].exhibits[0].snippet for code in codes)
    assert 0 < against(found, shipped) <= shipped.screening.scorecard.weak_points_max


def test_a_young_site_whose_links_all_are_new_has_no_burst(tmp_path, shipped, crawl_of):
    new = [link(number, first=date(2026, 11, 1)) for number in range(60)]
    found = findings(tmp_path, shipped, crawl_of, links=new)
    assert found["backlinks_burst"].state.value == "unknown"


def test_links_back_on_the_pages_that_were_visited_count(tmp_path, shipped, crawl_of):
    blogroll = "".join(f"<a href='https://site{number}.org/'>s</a>" for number in range(25))
    found = findings(tmp_path, shipped, crawl_of, blogroll, links=spread(30))
    assert found["backlinks_reciprocal"].found
    assert (
        findings(tmp_path / "b", shipped, crawl_of, links=spread(30))["backlinks_reciprocal"].state.value == "unknown"
    )


def test_lost_links_and_own_links_do_not_count(tmp_path, shipped, crawl_of):
    lost = [link(number, lost=True) for number in range(50)]
    own = Backlink(SITE, SITE, f"{HOME}about", HOME)
    found = findings(tmp_path, shipped, crawl_of, links=[*lost, own, link(99)])
    assert found["backlinks_known"].numbers["sites"] == 1


@pytest.mark.parametrize(
    ("anchor", "promotes"),
    [
        ("best cheap kettles", True),
        ("купить чайник", True),
        ("Kettle Notes", False),
        ("kettlenotes", False),
        ("Jane Doe's blog", False),
        ("https://kettle-notes.com/x", False),
        ("www.kettle-notes.com", False),
        ("click here", False),
        ("Read more", False),
        ("weiterlesen", False),
        ("2", False),
        ("   ", False),
    ],
)
def test_which_anchors_promote(anchor, promotes):
    share = pattern.promotional_anchor([link(1, anchor)], NAMES)
    assert (share.sites == 1) is promotes


def checked(number, *, address=None, ids=(), presence=Presence.THERE, site=None):
    name = site or f"site{number}.org"
    return Checked(f"https://{name}/", name, True, presence, address=address, owner_ids=tuple(ids))


def test_linking_sites_in_one_network_or_of_one_owner():
    near = [checked(n, address=f"93.184.216.{n}") for n in range(6)]
    assert (pattern.network(near, OWN).sites, "93.184.216.0/24" in pattern.network(near, OWN).what) == (6, True)
    ids = [checked(n, address=f"93.184.{n}.1", ids=[("adsense", "pub-1")]) for n in range(6)]
    assert "adsense pub-1" in pattern.network(ids, OWN).what
    mine = frozenset({("analytics", "G-3"), ("analytics", "G-4")})
    own = pattern.network([checked(n, ids=[("analytics", f"G-{n}")]) for n in range(6)], mine)
    assert (own.sites, own.what) == (2, "an identifier of the applicant's own site")


def test_shared_hosts_private_addresses_and_absent_links_form_no_network():
    blogs = [checked(n, address="93.184.216.1", site=f"blog{n}.blogspot.com") for n in range(9)]
    inside = [checked(n, address="127.0.1.1") for n in range(9)]
    gone = [checked(n, address="93.184.216.1", presence=Presence.NOT_THERE) for n in range(9)]
    for items in (blogs, inside, gone):
        assert pattern.network(items, OWN).sites == 0


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=60))
def test_the_burst_is_the_fullest_thirty_days(days):
    links = [link(number, first=date(2015, 1, 1) + timedelta(days=day)) for number, day in enumerate(days)]
    share, before = pattern.burst(links)
    wanted = max(sum(0 <= other - day < 30 for other in days) for day in days)
    assert (share.sites, share.of) == (wanted, len(days))
    assert before >= 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 50)), min_size=1, max_size=40))
def test_concentration_lies_between_even_and_all_in_one(pairs):
    links = [link(site, pages=pages) for site, pages in pairs]
    spread_out = pattern.concentration(links)
    sites = len({site for site, _ in pairs})
    assert 1 / sites - 1e-9 <= spread_out.index <= 1 + 1e-9
    assert spread_out.largest_share >= 1 / sites - 1e-9


TEXT = " ".join(f"word{number}" for number in range(400))
MENU = "<a href='/about'>About</a><a href='/contact'>Contact</a><a href='/privacy'>Privacy</a><p>Jane Doe</p>"


def farm_workspace(root, served):
    (root / "hosts").write_text("".join(f"{address} {host}\n" for host, address in served.addresses.items()))
    crawl = {
        "hosts": str(root / "hosts"),
        "allow_networks": [str(NETWORK)],
        "allow_ports": [served.port],
        "threads": 4,
        "per_address": 8,
        "site": {"delay_seconds": 0},
    }
    (root / "config.yaml").write_text(yaml.safe_dump({"crawl": crawl, "screening": {"audit_share": 0}}))


def sites(*, liars):
    """A good site and ten that are said to link to it; the last `liars` of them do not."""
    home = html(f"<title>Kettle</title><h1>Kettle</h1>{MENU}<p>{TEXT}</p>")
    link_text = "<p>I read <a href='http://kettle.example/'>Kettle by Jane</a> daily.</p>"
    made = {"kettle.example": Site("kettle.example", {}, home)}
    for number in range(10):
        body = "<p>Nothing here for you</p>" if number >= 10 - liars else link_text
        made[f"friend{number}.example"] = Site(f"friend{number}.example", {"/p": html(f"<main>{body}</main>")})
    return made


@pytest.mark.parametrize(
    ("liars", "decision", "found"), [(0, "approve", False), (3, "approve", False), (10, "approve", True)]
)
def test_declared_links_are_looked_at_in_a_screening(tmp_path, liars, decision, found):
    with serve(sites(liars=liars), 4) as served:
        farm_workspace(tmp_path, served)
        row = {
            "application_id": "A1",
            "name": "Jane Doe",
            "email": "jane@gmail.com",
            "websites": [f"http://kettle.example:{served.port}/"],
            "backlinks": [f"http://friend{number}.example:{served.port}/p" for number in range(10)],
        }
        (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
        arguments = ["screen", str(tmp_path / "a.jsonl"), "--workspace", str(tmp_path), "--json"]
        result = CliRunner().invoke(app, arguments)
    (item,) = json.loads(result.stdout)["screenings"]
    assert item["decision"] == "approve"
    assert ("backlinks_not_found" in item["reasons"]) is found
    data = json.loads((tmp_path / item["evidence"] / "decision.json").read_text())
    looked = next(reason for reason in data["reasons"] if reason["code"] == "backlinks_checked")
    assert (looked["findings"][0]["numbers"]["found"], looked["findings"][0]["numbers"]["checked"]) == (10 - liars, 10)
    shown = " ".join(exhibit["snippet"] for exhibit in looked["findings"][0]["exhibits"])
    assert ("Kettle by Jane" in shown) is (liars < 10)
    records = {exhibit["record_id"] for exhibit in looked["findings"][0]["exhibits"]}
    with (tmp_path / item["evidence"] / "links.warc.gz").open("rb") as file:
        kept = {record.rec_headers["WARC-Record-ID"] for record in ArchiveIterator(file)}
    assert len(records) == 10
    assert records <= kept
    assert {"domain_new", "listed_dangerous", "backlinks_known"} <= set(item["missing"])
